#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys.h"

#define SAY_BYTES 4096u /* of PIPE_BUF: that a pipe that takes any takes whole */

uint64_t td_process_id(void)
{
	return (uint64_t)getpid();
}

/* The second number of /proc/self/statm: pages. */
static uint64_t resident_pages(void)
{
	char text[128];
	int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t got = file >= 0 ? read(file, text, sizeof(text) - 1) : -1;
	char *at;

	if (file >= 0)
		close(file);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	at = strchr(text, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static uint64_t count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count > 3 ? count - 3 : 0; /* without ".", ".." and the one that looks */
}

void td_process_usage(struct td_usage *usage)
{
	struct rusage times;

	memset(usage, 0, sizeof(*usage));
	if (getrusage(RUSAGE_SELF, &times) == 0)
		usage->cpu_seconds =
			(double)(times.ru_utime.tv_sec + times.ru_stime.tv_sec) +
			(double)(times.ru_utime.tv_usec + times.ru_stime.tv_usec) / 1e6;
	usage->resident_bytes = resident_pages() * (uint64_t)sysconf(_SC_PAGESIZE);
	usage->open_files = count_files();
}

static int read_all(int file, const char *path, struct td_buf *buf, struct td_error *err)
{
	for (;;) {
		char bytes[4096];
		ssize_t got = read(file, bytes, sizeof(bytes));

		if (got == 0)
			break;
		if (got > 0)
			td_buf_add(buf, bytes, (size_t)got);
		else if (errno != EINTR)
			return td_error_system(err, errno, "%s", path);
		if (buf->code != 0)
			break;
	}
	if (td_buf_check(buf, err) != 0)
		return td_error_wrap(err, buf->code, "%s", path);
	return 0;
}

int td_process_read_file(const char *path, struct td_buf *buf, bool *others, struct td_error *err)
{
	/* Without waiting: one that is a pipe would have us wait for its other end. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat about;
	int code;

	if (file < 0)
		return td_error_system(err, errno, "%s", path);
	if (fstat(file, &about) != 0)
		code = td_error_system(err, errno, "%s", path);
	else if (!S_ISREG(about.st_mode))
		code = td_error_system(
			err, S_ISDIR(about.st_mode) ? EISDIR : EINVAL, "%s: no file", path);
	else
		code = read_all(file, path, buf, err);
	if (code == 0 && others != NULL)
		*others = (about.st_mode & (S_IROTH | S_IWOTH)) != 0;
	close(file);
	return code;
}

size_t td_process_say(const char *bytes, size_t len)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
	size_t sum = 0;

	while (sum < len && poll(&ready, 1, 0) == 1) {
		size_t some = len - sum < SAY_BYTES ? len - sum : SAY_BYTES;
		ssize_t put = write(STDERR_FILENO, bytes + sum, some);

		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		sum += put < 0 ? some : (size_t)put; /* nobody reads it any more */
	}
	return sum;
}

void td_process_prepare(void)
{
	struct rlimit files;

	(void)umask(077);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}
