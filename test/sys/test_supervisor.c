/* The supervisor of the environment: a socket of ours plays systemd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/supervisor.h"

static int clear(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return 0;
}

static void set_pid(const char *name, long add)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", (long)getpid() + add);
	setenv(name, text, 1);
}

static void without_one_nobody_is_told(void **state)
{
	struct td_supervisor supervisor;

	(void)state;
	assert_int_equal(td_supervisor_real_open(&supervisor, NULL), 0);
	assert_null(supervisor.tell);
	assert_int_equal(supervisor.watchdog_us, 0);
	assert_int_equal(supervisor.handed_count, 0);
	assert_int_equal(td_supervisor_tell(&supervisor, "READY=1"), 0);
	td_supervisor_real_close(&supervisor);
}

/* `name`: of the file system or, with "@", abstract. */
static void is_told_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct td_supervisor supervisor;
	size_t len = strlen(name);
	int heard = socket(AF_UNIX, SOCK_DGRAM, 0);
	char bytes[64];

	assert_true(heard >= 0 && len < sizeof(address.sun_path));
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(heard, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(td_supervisor_real_open(&supervisor, NULL), 0);
	assert_null(getenv("NOTIFY_SOCKET")); /* not for what we start */
	assert_int_equal(td_supervisor_tell(&supervisor, "READY=1\nSTATUS=serving"), 0);
	assert_int_equal(recv(heard, bytes, sizeof(bytes), 0), 22);
	assert_memory_equal(bytes, "READY=1\nSTATUS=serving", 22);
	/* Who has gone is no reason not to go on, and to be told no signal. */
	close(heard);
	assert_int_not_equal(td_supervisor_tell(&supervisor, "STOPPING=1"), 0);
	td_supervisor_real_close(&supervisor);
	td_supervisor_real_close(&supervisor);
}

static void it_is_told_by_a_path_or_an_abstract_name(void **state)
{
	char dir[] = "/tmp/tidings-supervisor-XXXXXX", name[64];

	(void)state;
	snprintf(name, sizeof(name), "@tidings-supervisor-%ld", (long)getpid());
	is_told_at(name);
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/s", dir);
	is_told_at(name);
	unlink(name);
	rmdir(dir);
}

static void what_cannot_be_right_is_refused(void **state)
{
	static const char *const rows[][2] = {
		{"NOTIFY_SOCKET", "relative"},
		{"NOTIFY_SOCKET", "@"},
		{"NOTIFY_SOCKET",
			"/1234567890123456789012345678901234567890123456789012345678901234567"
			"8901234567890123456789012345678901234567890"},
		{"WATCHDOG_USEC", "0"},
		{"WATCHDOG_USEC", ""},
		{"WATCHDOG_USEC", "1s"},
		{"WATCHDOG_USEC", "18446744073709551616"},
		{"LISTEN_FDS", "-1"},
		{"LISTEN_FDS", "17"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_supervisor supervisor;
		struct td_error err = TD_ERROR_INIT;

		clear(NULL);
		set_pid("LISTEN_PID", 0);
		setenv(rows[i][0], rows[i][1], 1);
		assert_int_equal(td_supervisor_real_open(&supervisor, &err), TD_E_INVALID);
		assert_non_null(strstr(err.text, rows[i][0]));
	}
	clear(NULL);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	{
		struct td_supervisor supervisor;

		assert_int_equal(td_supervisor_real_open(&supervisor, NULL), TD_E_SYSTEM);
	}
}

static void the_watchdog_of_another_process_is_not_ours(void **state)
{
	struct td_supervisor supervisor;

	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(td_supervisor_real_open(&supervisor, NULL), 0);
	assert_int_equal(supervisor.watchdog_us, 30000000);
	setenv("WATCHDOG_USEC", "30000000", 1);
	set_pid("WATCHDOG_PID", 0);
	assert_int_equal(td_supervisor_real_open(&supervisor, NULL), 0);
	assert_int_equal(supervisor.watchdog_us, 30000000);
	setenv("WATCHDOG_USEC", "30000000", 1);
	set_pid("WATCHDOG_PID", 1);
	assert_int_equal(td_supervisor_real_open(&supervisor, NULL), 0);
	assert_int_equal(supervisor.watchdog_us, 0);
}

/* In a process of its own, whose descriptors 3 and 4 are as systemd leaves them. */
static int be_handed_two(void)
{
	struct td_supervisor supervisor;
	int one = socket(AF_INET, SOCK_STREAM, 0);

	if (dup2(one, 3) != 3 || dup2(one, 4) != 4)
		return 10;
	set_pid("LISTEN_PID", 0);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "http:nats", 1);
	if (td_supervisor_real_open(&supervisor, NULL) != 0 || supervisor.handed_count != 2)
		return 11;
	if (strcmp(supervisor.handed[0].name, "http") != 0 ||
		strcmp(supervisor.handed[1].name, "nats") != 0)
		return 12;
	if (supervisor.handed[0].descriptor != 3 || supervisor.handed[1].descriptor != 4)
		return 13;
	if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || (fcntl(4, F_GETFD) & FD_CLOEXEC) == 0)
		return 14;
	if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL)
		return 15;
	/* Fewer names than descriptors, and none that is open. */
	set_pid("LISTEN_PID", 0);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "http", 1);
	if (td_supervisor_real_open(&supervisor, NULL) != 0 || supervisor.handed[1].name[0] != '\0')
		return 16;
	close(4);
	set_pid("LISTEN_PID", 0);
	setenv("LISTEN_FDS", "2", 1);
	if (td_supervisor_real_open(&supervisor, NULL) != TD_E_SYSTEM)
		return 17;
	set_pid("LISTEN_PID", 1);
	if (td_supervisor_real_open(&supervisor, NULL) != 0 || supervisor.handed_count != 0)
		return 18;
	return 0;
}

static void what_is_handed_over_has_its_name_and_is_not_inherited(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(be_handed_two());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_one_nobody_is_told, clear),
		cmocka_unit_test_setup(it_is_told_by_a_path_or_an_abstract_name, clear),
		cmocka_unit_test_setup(what_cannot_be_right_is_refused, clear),
		cmocka_unit_test_setup(the_watchdog_of_another_process_is_not_ours, clear),
		cmocka_unit_test_setup(
			what_is_handed_over_has_its_name_and_is_not_inherited, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
