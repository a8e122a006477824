#include "sys/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base.h"

#define FIRST_HANDED 3

static int tell(void *arg, const char *lines)
{
	const int *descriptor = arg;
	ssize_t put;

	do
		put = send(*descriptor, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT);
	while (put < 0 && errno == EINTR);
	return put < 0 ? errno : 0;
}

/* A number, the whole text; false: it is none. */
static bool read_u64(const char *text, uint64_t most, uint64_t *number)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*number = value;
	return value <= most;
}

static int wrong(const char *name, struct td_error *err)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: cannot be right", name);
}

static int open_socket(const char *path, int *descriptor, struct td_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(address.sun_path))
		return wrong("NOTIFY_SOCKET", err);
	memcpy(address.sun_path, path, len + 1);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	*descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*descriptor < 0)
		return td_error_system(err, errno, "NOTIFY_SOCKET: socket");
	/* An abstract name ends where its length says, a path at its NUL. */
	if (connect(*descriptor, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'))) !=
		0) {
		int code = td_error_system(err, errno, "NOTIFY_SOCKET %s", path);

		close(*descriptor);
		return code;
	}
	return 0;
}

static int open_notify(struct td_supervisor *supervisor, struct td_error *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int *descriptor, code;

	if (path == NULL || *path == '\0')
		return 0;
	descriptor = malloc(sizeof(*descriptor));
	if (descriptor == NULL)
		return td_error_nomem(err);
	code = open_socket(path, descriptor, err);
	if (code != 0) {
		free(descriptor);
		return code;
	}
	supervisor->tell = tell;
	supervisor->arg = descriptor;
	return 0;
}

/* Whether a variable with a process's id means this one; it does where it is not set. */
static bool is_ours(const char *name, bool unset)
{
	const char *text = getenv(name);
	uint64_t id;

	if (text == NULL)
		return unset;
	return read_u64(text, UINT64_MAX, &id) && id == (uint64_t)getpid();
}

static int read_watchdog(struct td_supervisor *supervisor, struct td_error *err)
{
	const char *text = getenv("WATCHDOG_USEC");
	uint64_t us;

	if (text == NULL || !is_ours("WATCHDOG_PID", true))
		return 0;
	if (!read_u64(text, INT64_MAX, &us) || us == 0)
		return wrong("WATCHDOG_USEC", err);
	supervisor->watchdog_us = (int64_t)us;
	return 0;
}

static int take_handed(struct td_supervisor *supervisor, struct td_error *err)
{
	const char *text = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	uint64_t count;

	if (text == NULL || !is_ours("LISTEN_PID", false))
		return 0;
	if (!read_u64(text, TD_HANDED_MAX, &count))
		return wrong("LISTEN_FDS", err);
	for (size_t i = 0; i < count; i++) {
		struct td_handed *handed = &supervisor->handed[i];
		size_t len = names != NULL ? strcspn(names, ":") : 0;
		size_t kept = len < sizeof(handed->name) ? len : sizeof(handed->name) - 1;

		handed->descriptor = FIRST_HANDED + (int)i;
		if (fcntl(handed->descriptor, F_SETFD, FD_CLOEXEC) != 0)
			return td_error_system(
				err, errno, "LISTEN_FDS: descriptor %d", handed->descriptor);
		if (names != NULL) {
			memcpy(handed->name, names, kept);
			names += len + (names[len] == ':');
		}
		handed->name[kept] = '\0';
	}
	supervisor->handed_count = count;
	return 0;
}

int td_supervisor_real_open(struct td_supervisor *supervisor, struct td_error *err)
{
	static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
	int code;

	memset(supervisor, 0, sizeof(*supervisor));
	code = read_watchdog(supervisor, err);
	if (code == 0)
		code = take_handed(supervisor, err);
	if (code == 0)
		code = open_notify(supervisor, err);
	if (code != 0)
		return code;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	return 0;
}

void td_supervisor_real_close(struct td_supervisor *supervisor)
{
	int *descriptor = supervisor->tell == tell ? supervisor->arg : NULL;

	if (descriptor != NULL) {
		close(*descriptor);
		free(descriptor);
	}
	supervisor->tell = NULL;
	supervisor->arg = NULL;
}
