#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json/json.h"

#define PORTS_TRIED     20u
#define READY_MS_MAX    60000
#define CHILD_WORDS_MAX 32

/* --- a process ---------------------------------------------------------------------------- */

/* In the child, before it becomes the other program: only what may be called there. */
static _Noreturn void become(char *const *words, int ready, int ready_fd, int log, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127); /* it ended before it could be told of */
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	if (dup2(ready, ready_fd) < 0)
		_exit(127);
	if (ready == ready_fd)
		fcntl(ready, F_SETFD, 0);
	execv("/proc/self/exe", words);
	_exit(127);
}

int td_cli_child_start(
	struct td_cli_child *child, const char *const *words, int ready_fd, const char *log)
{
	char *copies[CHILD_WORDS_MAX + 2] = {(char[]){"tidings"}};
	pid_t pid, parent = getpid();
	int ends[2], file = -1;

	for (size_t i = 0; words[i] != NULL && i < CHILD_WORDS_MAX; i++) {
		copies[i + 1] = strdup(words[i]);
		if (copies[i + 1] == NULL)
			return ENOMEM;
	}
	if (log != NULL)
		file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become(copies, ends[1], ready_fd, file, parent);
	close(ends[1]);
	if (file >= 0)
		close(file);
	for (size_t i = 1; copies[i] != NULL; i++)
		free(copies[i]);
	if (pid < 0) {
		close(ends[0]);
		return errno;
	}
	*child = (struct td_cli_child){.pid = pid, .ready = ends[0]};
	return 0;
}

int td_cli_child_run(struct td_cli_child *child, int (*run)(void *arg), void *arg)
{
	pid_t pid, parent = getpid();
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0)
			_exit(127);
		code = run(arg);
		fflush(stdout);
		_exit(code);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return errno;
	}
	*child = (struct td_cli_child){.pid = pid, .ready = ends[0]};
	return 0;
}

int td_cli_child_line(struct td_cli_child *child, char *line, size_t bytes, int64_t deadline_ms)
{
	size_t len = 0;

	for (;;) {
		struct pollfd pollfd = {.fd = child->ready, .events = POLLIN};
		int64_t left = deadline_ms - td_cli_clock_ms();
		char c;

		if (left <= 0)
			return -1;
		if (poll(&pollfd, 1, left < 1000 ? (int)left : 1000) <= 0)
			continue;
		if (read(child->ready, &c, 1) != 1)
			return 0;
		if (c == '\n')
			break;
		if (len + 1 < bytes)
			line[len++] = c;
	}
	line[len] = '\0';
	return 1;
}

int td_cli_child_end(struct td_cli_child *child, int signal)
{
	int status = 0;
	pid_t got;

	if (child->pid <= 0)
		return 0;
	if (signal != 0)
		kill(child->pid, signal);
	do
		got = waitpid(child->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	child->pid = 0;
	if (child->ready >= 0)
		close(child->ready);
	child->ready = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- a server ----------------------------------------------------------------------------- */

static bool port_is_free(unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	if (s < 0)
		return false;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	is = bind(s, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(s);
	return is;
}

/* {"http":"HOST:PORT",...} */
static bool read_ready(const char *line, char *url, size_t bytes)
{
	struct td_json root, http;

	if (td_json_parse(td_text(line), 0, &root, NULL) != 0)
		return false;
	http = td_json_get(root, td_text("http"));
	if (http.kind != TD_JSON_STRING || !td_json_plain(http))
		return false;
	snprintf(url, bytes, "http://%.*s", TD_TEXT_ARG(td_json_inside(http)));
	return true;
}

/* Start it at this port. Whether it serves. */
static bool serve_at(struct td_cli_child *child, const char *dir, const char *log, unsigned port,
	char *url, size_t bytes)
{
	char data[TD_CLI_PATH_BYTES + 16], http[32], line[512];
	const char *const words[] = {
		"serve", "--data", data, "--http", http, "--ready-fd", "3", NULL};

	snprintf(data, sizeof(data), "%s/store", dir);
	snprintf(http, sizeof(http), "127.0.0.1:%u", port);
	if (td_cli_child_start(child, words, 3, log) != 0)
		return false;
	if (td_cli_child_line(child, line, sizeof(line), td_cli_clock_ms() + READY_MS_MAX) == 1 &&
		read_ready(line, url, bytes))
		return true;
	td_cli_child_end(child, SIGTERM);
	return false;
}

int td_cli_child_serve(const struct td_cli *cli, struct td_cli_child *child, const char *dir,
	unsigned port, char *url, size_t bytes)
{
	char log[TD_CLI_PATH_BYTES + 16], last[256] = "", line[256];
	FILE *file;

	snprintf(log, sizeof(log), "%s/log", dir);
	for (unsigned i = 0; port != 0 && i < PORTS_TRIED; i++) {
		if (port_is_free(port + i) && serve_at(child, dir, log, port + i, url, bytes))
			return 0;
	}
	if (serve_at(child, dir, log, 0, url, bytes))
		return 0;
	file = fopen(log, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		snprintf(last, sizeof(last), "%.*s", (int)strcspn(line, "\n"), line);
	if (file != NULL)
		fclose(file);
	return td_cli_refuse(
		cli, 0, "tidings doctor", "the server did not begin to serve: %s", last);
}

/* --- a directory -------------------------------------------------------------------------- */

int td_cli_temporary(const struct td_cli *cli, char dir[TD_CLI_PATH_BYTES])
{
	const char *where = getenv("TMPDIR");

	if (where == NULL || where[0] == '\0' || strlen(where) > TD_CLI_PATH_BYTES - 32)
		where = "/tmp";
	snprintf(dir, TD_CLI_PATH_BYTES, "%s/tidings-XXXXXX", where);
	if (mkdtemp(dir) != NULL)
		return 0;
	return td_cli_refuse(cli, 0, "TMPDIR names another directory",
		"no directory can be made in %s: %s", where, strerror(errno));
}

static int drop(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	(void)about, (void)kind, (void)at;
	return remove(path);
}

void td_cli_temporary_remove(const char *dir)
{
	nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}
