/*
 * The server as a process, over TCP on 127.0.0.1 and a real disk, against what it stands on.
 *
 *	accept     batches of 100 small events, synced before the answer; limit: the store alone,
 *	           the same appends, with a sync for as many
 *	followers  one event to 5,000 SSE followers; limit: a bare loop of write(2) to as many
 *	drip       a good client beside 10,000 connections that send a byte a second
 *
 * CPU is the server's own; wall time says little on a machine that others use.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "server/server.h"

#define BATCH     100u
#define BATCHES   6000u
#define LANES     8u
#define AHEAD     4u
#define FOLLOWERS 5000u
#define DRIPPERS  10000u
#define ROUNDS    5u

/* --- the server, in a process of its own -------------------------------------------------- */

struct child {
	pid_t pid;
	uint16_t port;
	char dir[64];
};

static struct td_server *running;

static void on_term(int number)
{
	(void)number;
	td_server_ask_stop(running);
}

static void serve(const char *dir, int ready)
{
	struct td_net_address address = {.family = 4, .bytes = {127, 0, 0, 1}};
	struct td_server_settings settings = {.data = dir, .http = &address, .http_count = 1};
	struct td_task_pool *commits, *chores, *work;
	struct td_error err = TD_ERROR_INIT;
	struct td_server_seams seams;
	struct td_loop *loop;
	struct td_net net;
	int code = td_loop_new(&loop, &err);

	if (code == 0)
		code = td_net_real_open(&net, loop, &err);
	if (code == 0)
		code = td_task_pool_new(&commits, "commit", 1, loop, &err);
	if (code == 0)
		code = td_task_pool_new(&chores, "chores", 1, loop, &err);
	if (code == 0)
		code = td_task_pool_new(&work, "work", 2, loop, &err);
	if (code == 0) {
		seams = (struct td_server_seams){&td_clock_real, &td_random_real, &td_disk_real,
			&net, td_task_pool_tasks(commits), td_task_pool_tasks(chores),
			td_task_pool_tasks(work)};
		code = td_server_open(&running, &seams, &settings, NULL, &err);
	}
	if (code != 0 || !td_server_address(running, 0, &address)) {
		fprintf(stderr, "server: %s\n", err.text);
		_exit(1);
	}
	signal(SIGTERM, on_term);
	if (write(ready, &address.port, sizeof(address.port)) != sizeof(address.port))
		_exit(1);
	while (td_server_turn(running, INT64_MAX) == TD_SERVER_RUNS)
		continue;
	code = td_server_close(running, &err);
	if (code != 0)
		fprintf(stderr, "server: %s\n", err.text);
	_exit(code == 0 ? 0 : 1);
}

/* Also where a bench ends early. */
static struct child *started;

static void clear_away(void)
{
	char command[128];

	if (started == NULL)
		return;
	kill(started->pid, SIGKILL);
	snprintf(command, sizeof(command), "rm -rf %s", started->dir);
	if (system(command) != 0)
		printf("%s is left\n", started->dir);
}

static void child_start(struct child *child)
{
	int pipes[2];

	strcpy(child->dir, "bench-server-XXXXXX");
	if (mkdtemp(child->dir) == NULL || pipe(pipes) != 0)
		exit(1);
	fflush(stdout);
	child->pid = fork();
	if (child->pid == 0) { /* anew, so that its memory is its own */
		char ready[16];

		snprintf(ready, sizeof(ready), "%d", pipes[1]);
		execl("/proc/self/exe", "bench_server", child->dir, ready, (char *)NULL);
		_exit(1);
	}
	started = child;
	close(pipes[1]);
	if (read(pipes[0], &child->port, sizeof(child->port)) != sizeof(child->port))
		exit(1);
	close(pipes[0]);
}

static void child_end(struct child *child)
{
	int status = 0;

	kill(child->pid, SIGTERM);
	waitpid(child->pid, &status, 0);
	if (status != 0)
		printf("the server ended with %d\n", status);
	clear_away();
	started = NULL;
}

/* All its threads. */
static double cpu_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) == 0 ? bench_clock(clock) : 0;
}

static double rss_bytes(pid_t pid)
{
	char path[64];
	long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* --- clients ------------------------------------------------------------------------------ */

static int dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void say(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0) {
			perror("send");
			exit(1);
		}
		text += n;
		len -= (size_t)n;
	}
}

/* Read until so many answers are whole; these have all the same length, which the first tells. */
static void hear_one(int fd)
{
	static char text[256 << 10];
	size_t len = 0, want = 0;

	while (want == 0 || len < want) {
		ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		const char *end, *length;

		if (n <= 0) {
			perror("recv");
			exit(1);
		}
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strstr(text, "Content-Length: ");
		if (end != NULL && length != NULL)
			want = (size_t)(end - text) + 4 + strtoul(length + 16, NULL, 10);
	}
	if (memcmp(text, "HTTP/1.1 20", 11) != 0) {
		printf("%.300s\n", text);
		exit(1);
	}
}

/* --- accept ------------------------------------------------------------------------------- */

static void add_event(struct td_buf *buf, unsigned i)
{
	td_buf_printf(buf,
		"%s{\"type\":\"OrderPlaced\",\"subject\":\"order.%u\",\"data\":{\"total\":%u,"
		"\"currency\":"
		"\"EUR\",\"customer\":\"c-%u\"}}",
		i > 0 ? "," : "[", i, i * 7, i);
}

static size_t count_of(const char *text, size_t len, const char *what)
{
	size_t count = 0, size = strlen(what);
	const char *at = text, *end = text + len;

	while ((at = memmem(at, (size_t)(end - at), what, size)) != NULL) {
		count++;
		at += size;
	}
	return count;
}

/* Each lane has AHEAD requests under way. Answers are counted by their status lines. */
static double accept_round(struct child *child, double *cpu)
{
	struct td_buf body = TD_BUF_INIT(1u << 20), request = TD_BUF_INIT(1u << 20);
	struct pollfd lanes[LANES];
	static char text[1u << 20];
	size_t sent = 0, done = 0;
	double start, before;

	for (unsigned i = 0; i < BATCH; i++)
		add_event(&body, i);
	td_buf_add_char(&body, ']');
	td_buf_printf(&request,
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n",
		body.len);
	td_buf_add_text(&request, td_buf_view(&body));
	for (unsigned i = 0; i < LANES; i++)
		lanes[i] = (struct pollfd){.fd = dial(child->port), .events = POLLIN};
	start = bench_clock(CLOCK_MONOTONIC);
	before = cpu_ns(child->pid);
	for (unsigned i = 0; i < LANES * AHEAD; i++, sent++)
		say(lanes[i % LANES].fd, request.at, request.len);
	while (done < BATCHES) {
		poll(lanes, LANES, -1);
		for (unsigned i = 0; i < LANES; i++) {
			ssize_t n;
			size_t answers;

			if ((lanes[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
				continue;
			n = recv(lanes[i].fd, text, sizeof(text), 0);
			if (n <= 0) {
				perror("recv");
				exit(1);
			}
			answers = count_of(text, (size_t)n, "HTTP/1.1 201");
			done += answers;
			for (; answers > 0 && sent < BATCHES; answers--, sent++)
				say(lanes[i].fd, request.at, request.len);
		}
	}
	*cpu = (cpu_ns(child->pid) - before) / ((double)BATCHES * BATCH);
	start = bench_clock(CLOCK_MONOTONIC) - start;
	for (unsigned i = 0; i < LANES; i++)
		close(lanes[i].fd);
	td_buf_fini(&body);
	td_buf_fini(&request);
	return (double)BATCHES * BATCH / (start / 1e9);
}

/* The store alone: the same events, a sync for LANES * AHEAD appends. */
static double store_round(double *cpu)
{
	struct td_store_options options = {.journal = {.disk = &td_disk_real,
						   .clock = &td_clock_real,
						   .random = &td_random_real,
						   .create = true}};
	char dir[] = "bench-store-XXXXXX", command[64];
	struct td_entry entries[BATCH];
	struct td_placed placed[BATCH];
	char addresses[BATCH][32];
	struct td_store *store;
	struct td_error err = TD_ERROR_INIT;
	static const char headers[] =
		"NATS/1.0\r\nce-id: 019ad8a4-37f4-7cc4-a2e8-6a4c2e7f4a11\r\nce-source: http\r\n"
		"ce-type: OrderPlaced\r\nce-subject: order.42\r\n"
		"ce-time: 2026-11-30T18:33:05.152376Z\r\n\r\n";
	double start, before;

	if (mkdtemp(dir) == NULL || td_store_open(&store, dir, &options, NULL, &err) != 0) {
		printf("%s\n", err.text);
		exit(1);
	}
	for (unsigned i = 0; i < BATCH; i++) {
		int len = snprintf(addresses[i], sizeof(addresses[i]), "order.%u", i);

		entries[i] = (struct td_entry){
			.address = td_text_of(addresses[i], (size_t)len),
			.type = td_text("OrderPlaced"),
			.headers = td_text(headers),
			.payload =
				td_text("{\"total\":7,\"currency\":\"EUR\",\"customer\":\"c-42\"}"),
		};
	}
	start = bench_clock(CLOCK_MONOTONIC);
	before = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < BATCHES;) {
		uint64_t rests_on;
		struct td_chore *chore;
		int code = 0;

		for (unsigned j = 0; code == 0 && j < LANES * AHEAD && i < BATCHES; j++) {
			code = td_store_append(
				store, entries, BATCH, placed, &rests_on, NULL, &err);
			i += code == 0;
		}
		if (code != 0 && code != TD_E_FULL) {
			printf("%s\n", err.text);
			exit(1);
		}
		while ((chore = td_store_next(store, TD_WORK_EVERYTHING & ~TD_WORK_CHAIN,
				(int64_t)(bench_clock(CLOCK_MONOTONIC) / 1e6))) != NULL) {
			td_chore_run(chore);
			td_store_done(store, chore, NULL);
		}
	}
	*cpu = (bench_clock(CLOCK_PROCESS_CPUTIME_ID) - before) / ((double)BATCHES * BATCH);
	start = bench_clock(CLOCK_MONOTONIC) - start;
	td_store_close(store, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		printf("%s is left\n", dir);
	return (double)BATCHES * BATCH / (start / 1e9);
}

static void bench_accept(void)
{
	double ours[ROUNDS], alone[ROUNDS], ours_cpu[ROUNDS], alone_cpu[ROUNDS];
	struct child child;

	child_start(&child);
	for (unsigned i = 0; i < ROUNDS; i++) {
		ours[i] = accept_round(&child, &ours_cpu[i]) / 1e3;
		alone[i] = store_round(&alone_cpu[i]) / 1e3;
	}
	child_end(&child);
	bench_row("batches of 100, synced: rate, the store alone", bench_median(ours, ROUNDS),
		bench_median(alone, ROUNDS), "k/s", ">= 200 k/s", ours[ROUNDS / 2] >= 200);
	bench_row("the same: server CPU an event, the store's",
		bench_median(ours_cpu, ROUNDS) / 1e3, bench_median(alone_cpu, ROUNDS) / 1e3, "us",
		"-", 1);
}

/* --- followers ---------------------------------------------------------------------------- */

/* Until each has had `want` bytes more that hold `mark`; returns when the last had. */
static double hear_all(const int *fds, unsigned count, const char *mark)
{
	static struct epoll_event events[1024];
	static bool had[DRIPPERS + 1];
	int epoll = epoll_create1(0);
	unsigned left = count;
	char text[4096];

	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		had[i] = false;
		epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
	}
	while (left > 0) {
		int n = epoll_wait(epoll, events, 1024, 30000);

		if (n <= 0) {
			printf("%u of %u have not heard\n", left, count);
			exit(1);
		}
		for (int i = 0; i < n; i++) {
			ssize_t got = recv(fds[events[i].data.u32], text, sizeof(text), 0);

			if (got > 0 && !had[events[i].data.u32] &&
				memmem(text, (size_t)got, mark, strlen(mark)) != NULL) {
				had[events[i].data.u32] = true;
				left--;
			}
		}
	}
	close(epoll);
	return bench_clock(CLOCK_MONOTONIC);
}

static void bare(int listener, int go)
{
	static int fds[FOLLOWERS];
	char text[400];

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		fds[i] = accept(listener, NULL, NULL);
		if (send(fds[i], "id: 0", 5, MSG_NOSIGNAL) != 5)
			_exit(1);
	}
	memcpy(text + 100, "OrderPlaced", 11);
	while (read(go, text, 1) == 1) {
		for (unsigned i = 0; i < FOLLOWERS; i++) {
			if (send(fds[i], text, sizeof(text), MSG_NOSIGNAL) < 0)
				_exit(1);
		}
	}
	_exit(0);
}

static void follow_all(struct child *child, double *wall, double *cpu, double *each)
{
	static int fds[FOLLOWERS];
	static const char ask[] = "GET /v1/events/follow HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char tell[] =
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: "
		"77\r\n\r\n{\"type\":\"OrderPlaced\",\"subject\":\"order.42\",\"data\":{"
		"\"total\":7,\"note\":\"hello\"}}";
	double before = rss_bytes(child->pid);
	int speaker = dial(child->port);

	say(speaker, tell, sizeof(tell) - 1);
	hear_one(speaker);
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		fds[i] = dial(child->port);
		say(fds[i], ask, sizeof(ask) - 1);
	}
	hear_all(fds, FOLLOWERS, "id: ");
	*each = (rss_bytes(child->pid) - before) / FOLLOWERS;
	for (unsigned i = 0; i < ROUNDS; i++) {
		double start = bench_clock(CLOCK_MONOTONIC), cpu_before = cpu_ns(child->pid);

		say(speaker, tell, sizeof(tell) - 1);
		wall[i] = (hear_all(fds, FOLLOWERS, "OrderPlaced") - start) / 1e6;
		cpu[i] = (cpu_ns(child->pid) - cpu_before) / 1e6;
		hear_one(speaker);
	}
	for (unsigned i = 0; i < FOLLOWERS; i++)
		close(fds[i]);
	close(speaker);
}

static void follow_bare(double *wall, double *cpu)
{
	static int fds[FOLLOWERS];
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), go[2];
	pid_t pid;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(listener, 4096) != 0 || pipe(go) != 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&at, &len);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		bare(listener, go[0]);
	}
	close(go[0]);
	close(listener);
	for (unsigned i = 0; i < FOLLOWERS; i++)
		fds[i] = dial(ntohs(at.sin_port));
	hear_all(fds, FOLLOWERS, "id: ");
	for (unsigned i = 0; i < ROUNDS; i++) {
		double start = bench_clock(CLOCK_MONOTONIC), before = cpu_ns(pid);

		if (write(go[1], "x", 1) != 1)
			exit(1);
		wall[i] = (hear_all(fds, FOLLOWERS, "OrderPlaced") - start) / 1e6;
		cpu[i] = (cpu_ns(pid) - before) / 1e6;
	}
	close(go[1]);
	for (unsigned i = 0; i < FOLLOWERS; i++)
		close(fds[i]);
	waitpid(pid, NULL, 0);
}

static void bench_followers(void)
{
	double wall[ROUNDS], cpu[ROUNDS], bare_wall[ROUNDS], bare_cpu[ROUNDS], each;
	struct child child;

	child_start(&child);
	follow_all(&child, wall, cpu, &each);
	child_end(&child);
	follow_bare(bare_wall, bare_cpu);
	bench_row("one event to 5,000 followers, a bare loop", bench_median(wall, ROUNDS),
		bench_median(bare_wall, ROUNDS), "ms", "<= 1.55 x bare (45 : 29 ms)",
		wall[ROUNDS / 2] <= 45.0 / 29 * bare_wall[ROUNDS / 2]);
	bench_row("the same: CPU of who sends", bench_median(cpu, ROUNDS),
		bench_median(bare_cpu, ROUNDS), "ms", "<= 1.55",
		cpu[ROUNDS / 2] <= 45.0 / 29 * bare_cpu[ROUNDS / 2]);
	bench_row("memory a follower, limit", each / 1024, 6, "KiB", "<= 6 KiB", each <= 6 * 1024);
}

/* --- drip --------------------------------------------------------------------------------- */

static double p99_of_gets(uint16_t port, const int *drippers, unsigned count, unsigned seconds)
{
	static const char ask[] = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static double took[100000];
	double start = bench_clock(CLOCK_MONOTONIC), next = start;
	int fd = dial(port);
	size_t asked = 0;
	unsigned at = 0;

	while (bench_clock(CLOCK_MONOTONIC) - start < seconds * 1e9 && asked < 100000) {
		double before = bench_clock(CLOCK_MONOTONIC);

		/* Spread evenly: each of them once a second. */
		for (; count > 0 && before >= next; next += 1e9 / count, at = (at + 1) % count)
			(void)send(drippers[at], "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		before = bench_clock(CLOCK_MONOTONIC);
		say(fd, ask, sizeof(ask) - 1);
		hear_one(fd);
		took[asked++] = bench_clock(CLOCK_MONOTONIC) - before;
		usleep(500);
	}
	close(fd);
	qsort(took, asked, sizeof(took[0]), bench_compare);
	return took[asked * 99 / 100] / 1e3;
}

static void bench_drip(void)
{
	static int fds[DRIPPERS];
	struct child child;
	double quiet, dripping, before;

	child_start(&child);
	quiet = p99_of_gets(child.port, NULL, 0, 4);
	before = rss_bytes(child.pid);
	for (unsigned i = 0; i < DRIPPERS; i++) {
		fds[i] = dial(child.port);
		say(fds[i], "GET /v1/events?from=", 20);
	}
	dripping = p99_of_gets(child.port, fds, DRIPPERS, 6); /* less than they have for a head */
	bench_row("p99 of a good client beside 10,000, alone", dripping, quiet, "us", "<= 2",
		dripping <= 2 * quiet);
	bench_row("memory a dripping connection, limit",
		(rss_bytes(child.pid) - before) / DRIPPERS / 1024, 4, "KiB", "<= 4 KiB",
		(rss_bytes(child.pid) - before) / DRIPPERS <= 4096);
	for (unsigned i = 0; i < DRIPPERS; i++)
		close(fds[i]);
	child_end(&child);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3)
		serve(argv[1], atoi(argv[2]));
	atexit(clear_away);
	bench_header("server: over TCP, synced");
	bench_accept();
	bench_followers();
	if (files.rlim_cur > DRIPPERS + 100)
		bench_drip();
	else
		printf("drip: %lu descriptors are too few\n", (unsigned long)files.rlim_cur);
	return 0;
}
