/* What this process reads, and says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/tidings-process-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *path_of(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file = fopen(path_of(name, path), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void a_file_is_read_whole_through_links(void **state)
{
	struct td_buf buf = TD_BUF_INIT(100);
	char path[128], other[128];
	bool others = true;

	(void)state;
	write_file("a", "some text", 0640);
	assert_int_equal(td_process_read_file(path_of("a", path), &buf, &others, NULL), 0);
	assert_true(td_text_is(td_buf_view(&buf), "some text") && !others);
	assert_int_equal(symlink(path, path_of("link", other)), 0);
	assert_int_equal(chmod(path, 0644), 0);
	td_buf_reset(&buf);
	assert_int_equal(td_process_read_file(other, &buf, &others, NULL), 0);
	assert_true(td_text_is(td_buf_view(&buf), "some text") && others);
	td_buf_fini(&buf);
}

static void what_is_no_file_or_too_large_is_refused_by_name(void **state)
{
	struct td_buf buf = TD_BUF_INIT(5);
	char path[128];
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(
		td_process_read_file(path_of("none", path), &buf, NULL, &err), TD_E_SYSTEM);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(td_process_read_file(dir, &buf, NULL, &err), TD_E_SYSTEM);
	assert_non_null(strstr(err.text, dir));
	/* Nobody ever writes to it: and it is not waited for. */
	assert_int_equal(mkfifo(path_of("pipe", path), 0600), 0);
	assert_int_equal(td_process_read_file(path, &buf, NULL, &err), TD_E_SYSTEM);
	write_file("large", "123456", 0600);
	assert_int_equal(
		td_process_read_file(path_of("large", path), &buf, NULL, &err), TD_E_TOO_LARGE);
	assert_non_null(strstr(err.text, path));
	td_buf_fini(&buf);
}

/* With a pipe for standard error that nobody reads. */
static void what_does_not_go_is_not_waited_for(void **state)
{
	static char bytes[1 << 20];
	int ends[2], kept = dup(STDERR_FILENO);
	size_t put, more;

	(void)state;
	assert_true(kept >= 0 && pipe(ends) == 0);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	put = td_process_say(bytes, sizeof(bytes));
	more = td_process_say(bytes, 1);
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	assert_true(put > 0 && put < sizeof(bytes));
	assert_int_equal(more, 0);
	assert_int_equal(read(ends[0], bytes, put), put);
	close(ends[0]);
	close(ends[1]);
	close(kept);
	assert_int_equal(td_process_say("", 0), 0);
}

static void what_it_takes_is_known(void **state)
{
	struct td_usage usage, more;
	int file = dup(STDERR_FILENO);

	(void)state;
	td_process_usage(&usage);
	assert_true(usage.cpu_seconds >= 0 && usage.resident_bytes > 4096 && usage.open_files > 3);
	assert_int_equal(close(file), 0);
	td_process_usage(&more);
	assert_int_equal(more.open_files, usage.open_files - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_whole_through_links),
		cmocka_unit_test(what_is_no_file_or_too_large_is_refused_by_name),
		cmocka_unit_test(what_does_not_go_is_not_waited_for),
		cmocka_unit_test(what_it_takes_is_known),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
