#include "stored.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/*
 * Stores as they should not be, and machines that are in the way. Each has its own code, a text that
 * names the path and what to do, and nothing on the disk is changed by looking.
 */

/* A store with a few events in several segments, closed. */
static void make_store(const char *directory, int events)
{
	static char data[8000];
	struct td *td = open_file(directory, NULL);
	struct td_draft draft = {
		.type = "T", .subject = "s", .data = data, .data_bytes = sizeof(data)};

	memset(data, 'x', sizeof(data));
	for (int i = 0; i < events; i++)
		assert_int_equal(td_publish(td, &draft, NULL, NULL), 0);
	assert_int_equal(td_close(td), 0);
}

static int try_open(const char *directory, unsigned flags, struct td_error *err)
{
	struct td_options options = {.flags = flags};
	struct td *td = NULL;
	char url[300];
	int code;

	*err = (struct td_error)TD_ERROR_INIT;
	snprintf(url, sizeof(url), "file:%s", directory);
	code = td_open(&td, url, &options, err);
	td_close(td);
	return code;
}

/* --- what is in a directory, as one number ------------------------------------------------ */

static uint64_t sum_file(int dir, const char *name)
{
	uint64_t sum = 1469598103934665603u;
	int file = openat(dir, name, O_RDONLY);
	char bytes[65536];
	ssize_t got;

	if (file < 0)
		return 0;
	while ((got = read(file, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < got; i++)
			sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
	close(file);
	return sum;
}

/* But for LOCK, which holds a process id for people. */
static uint64_t sum_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t sum = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		uint64_t own = 7;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "LOCK") == 0)
			continue;
		for (const char *c = entry->d_name; *c != '\0'; c++)
			own = own * 31 + (unsigned char)*c;
		sum += own * (sum_file(dirfd(dir), entry->d_name) | 1);
	}
	closedir(dir);
	return sum;
}

/* It is refused with that code, the text has the path, and nothing was changed. */
static void assert_refused(const char *directory, unsigned flags, int code)
{
	uint64_t before = sum_directory(directory);
	struct td_error err;
	int found = try_open(directory, flags, &err);

	if (found != code)
		fail_msg("%s: %d, not %d: %s", directory, found, code, err.text);
	if (strstr(err.text, directory) == NULL)
		fail_msg("the path is not in \"%s\"", err.text);
	assert_true(sum_directory(directory) == before);
}

/* --- files of a store --------------------------------------------------------------------- */

static int is_segment(const struct dirent *entry)
{
	return strncmp(entry->d_name, "seg-", 4) == 0 && strstr(entry->d_name, ".log") != NULL;
}

/* The path of the n-th segment; false: there are not so many. */
static bool segment_path(const char *directory, int n, char *path, size_t bytes)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_segment, alphasort);
	bool found = n < count;

	if (found)
		snprintf(path, bytes, "%s/%s", directory, entries[n]->d_name);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return found;
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char bytes[65536];
	size_t got;

	assert_non_null(in);
	assert_non_null(out);
	while ((got = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, got, out), got);
	fclose(in);
	fclose(out);
}

static void write_bytes(const char *path, long offset, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	fseek(file, offset, SEEK_SET);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

/* --- the tests ---------------------------------------------------------------------------- */

static void where_nothing_is_a_store_is_made_or_not(void **state)
{
	const char *directory = fresh_directory();
	char below[300];
	struct td_error err;

	(void)state;
	assert_refused(directory, TD_MUST_EXIST, TD_E_NOT_FOUND);
	assert_refused(directory, TD_READ_ONLY, TD_E_NOT_FOUND);
	snprintf(below, sizeof(below), "%s/deeper", directory);
	assert_refused(below, 0, TD_E_NOT_FOUND);
	assert_int_equal(try_open(directory, 0, &err), 0);
	assert_int_equal(try_open(directory, TD_MUST_EXIST, &err), 0);
	remove_tree(directory);
}

static void what_is_something_else_is_left_alone(void **state)
{
	const char *directory = fresh_directory();
	char path[300];

	(void)state;
	assert_int_equal(mkdir(directory, 0700), 0);
	snprintf(path, sizeof(path), "%s/thesis.tex", directory);
	fclose(fopen(path, "w"));
	assert_refused(directory, 0, TD_E_FOREIGN);
	remove_tree(directory);
	fclose(fopen(directory, "w")); /* a file where a directory should be */
	assert_int_not_equal(try_open(directory, 0, &(struct td_error){0}), 0);
	unlink(directory);
}

static void an_empty_directory_becomes_a_store(void **state)
{
	const char *directory = fresh_directory();
	struct td_error err;

	(void)state;
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(try_open(directory, 0, &err), 0);
	remove_tree(directory);
}

/* The version stands at offset 8 of each page; its checksum at 4 is of what follows it. */
static void set_version(const char *path, uint32_t version)
{
	unsigned char page[4096];
	FILE *file = fopen(path, "r+b");
	uint32_t crc;

	assert_non_null(file);
	assert_int_equal(fread(page, 1, sizeof(page), file), sizeof(page));
	memcpy(page + 8, &version, sizeof(version));
	crc = 0xFFFFFFFFu;
	for (size_t i = 8; i < sizeof(page); i++) {
		crc ^= page[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1u)));
	}
	crc = ~crc;
	memcpy(page + 4, &crc, sizeof(crc));
	rewind(file);
	assert_int_equal(fwrite(page, 1, sizeof(page), file), sizeof(page));
	fclose(file);
}

static void a_newer_format_is_told_from_damage(void **state)
{
	const char *directory = fresh_directory();
	char path[300];

	(void)state;
	make_store(directory, 3);
	snprintf(path, sizeof(path), "%s/CONTROL.a", directory);
	set_version(path, 2);
	snprintf(path, sizeof(path), "%s/CONTROL.b", directory);
	set_version(path, 2);
	assert_refused(directory, 0, TD_E_NEWER);
	remove_tree(directory);
}

static void a_missing_segment_stops_the_opening(void **state)
{
	const char *directory = fresh_directory();
	char path[600];

	(void)state;
	make_store(directory, 600); /* a few segments */
	assert_true(segment_path(directory, 2, path, sizeof(path)));
	assert_true(segment_path(directory, 1, path, sizeof(path)));
	unlink(path);
	assert_refused(directory, 0, TD_E_DAMAGED);
	remove_tree(directory);
}

static void a_segment_of_another_store_stops_the_opening(void **state)
{
	char one[256], other[256], from[600], to[600];

	(void)state;
	snprintf(one, sizeof(one), "%s", fresh_directory());
	snprintf(other, sizeof(other), "%s", fresh_directory());
	make_store(one, 600);
	make_store(other, 600);
	assert_true(segment_path(other, 1, from, sizeof(from)));
	assert_true(segment_path(one, 1, to, sizeof(to)));
	if (strcmp(strrchr(from, '/'), strrchr(to, '/')) != 0)
		snprintf(to, sizeof(to), "%s%s", one, strrchr(from, '/'));
	copy_file(from, to);
	assert_refused(one, 0, TD_E_DAMAGED); /* and nothing is moved */
	remove_tree(one);
	remove_tree(other);
}

static void both_controls_lost_stop_the_opening(void **state)
{
	const char *directory = fresh_directory();
	char path[300];

	(void)state;
	make_store(directory, 3);
	for (int c = 'a'; c <= 'b'; c++) {
		snprintf(path, sizeof(path), "%s/CONTROL.%c", directory, c);
		write_bytes(path, 100, "damage", 6);
	}
	assert_refused(directory, 0, TD_E_DAMAGED);
	remove_tree(directory);
}

static void a_flipped_bit_is_found_and_never_served(void **state)
{
	const char *directory = fresh_directory();
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_error err = TD_ERROR_INIT;
	char path[600];
	struct td *td;
	int code, good = 0, damaged = 0;

	(void)state;
	make_store(directory, 600);
	assert_true(segment_path(directory, 1, path, sizeof(path)));
	write_bytes(path, 200000, "\xFF\x00\xFF", 3); /* in a sealed one: the rest is served */
	code = try_open(directory, 0, &err);
	if (code == 0) {
		td = open_file(directory, NULL);
		assert_int_equal(td_read(&reading, td, NULL, &err), 0);
		while ((code = td_next(reading, &event, NULL, &err)) == 0 || code == TD_E_DAMAGED) {
			good += code == 0;
			damaged += code == TD_E_DAMAGED;
			if (code == 0)
				for (size_t i = 0; i < td_event_data(event).len; i++)
					assert_int_equal(td_event_data(event).at[i], 'x');
			assert_true(damaged < 100);
		}
		assert_int_equal(code, TD_E_NOT_FOUND);
		assert_true(damaged > 0 && good > 400 && good < 600);
		td_reading_close(reading);
		td_close(td);
	} else {
		assert_int_equal(code, TD_E_DAMAGED);
	}
	remove_tree(directory);
}

static void a_directory_one_may_not_write_says_so(void **state)
{
	const char *directory = fresh_directory();
	int status;
	pid_t child;

	(void)state;
	make_store(directory, 3);
	chmod(directory, 0500);
	child = fork(); /* root may do all: as somebody else */
	if (child == 0) {
		struct td_error err;
		int code;

		if (geteuid() == 0 && (chown(directory, 65534, 65534) != 0 || setgid(65534) != 0 ||
					      setuid(65534) != 0))
			_exit(77);
		code = try_open(directory, 0, &err);
		_exit(code == TD_E_SYSTEM && strstr(err.text, directory) != NULL &&
					strstr(err.text, "ermission") != NULL
				? 0
				: 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	chmod(directory, 0700);
	remove_tree(directory);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_limit_on_file_size_refuses_and_does_not_kill(void **state)
{
	const char *directory = fresh_directory();
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		struct rlimit limit = {
			3 << 20, 3 << 20}; /* the second segment has 2 MiB, the third 4 */
		static char data[64 * 1024];
		struct td_draft draft = {
			.type = "T", .subject = "s", .data = data, .data_bytes = sizeof(data)};
		struct td_error err = TD_ERROR_INIT;
		struct td *td = NULL;
		char url[300];
		int code;

		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_FSIZE, &limit);
		snprintf(url, sizeof(url), "file:%s", directory);
		code = td_open(&td, url, NULL, &err);
		for (int i = 0; code == 0 && i < 1000; i++)
			code = td_publish(td, &draft, NULL, &err);
		if (code != TD_E_DISK_FULL) {
			fprintf(stderr, "%d: %s\n", code, err.text);
			_exit(1);
		}
		_exit(td_close(td) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* With the limit gone it goes on. */
	make_store(directory, 3);
	remove_tree(directory);
}

static void a_url_without_a_directory_is_refused(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	(void)state;
	assert_int_equal(td_open(&td, "file:", NULL, &err), TD_E_INVALID);
	assert_int_equal(
		td_open(&td, "file:x", &(struct td_options){.flags = 0x1000}, &err), TD_E_INVALID);
	assert_null(td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_nothing_is_a_store_is_made_or_not),
		cmocka_unit_test(what_is_something_else_is_left_alone),
		cmocka_unit_test(an_empty_directory_becomes_a_store),
		cmocka_unit_test(a_newer_format_is_told_from_damage),
		cmocka_unit_test(a_missing_segment_stops_the_opening),
		cmocka_unit_test(a_segment_of_another_store_stops_the_opening),
		cmocka_unit_test(both_controls_lost_stop_the_opening),
		cmocka_unit_test(a_flipped_bit_is_found_and_never_served),
		cmocka_unit_test(a_directory_one_may_not_write_says_so),
		cmocka_unit_test(a_limit_on_file_size_refuses_and_does_not_kill),
		cmocka_unit_test(a_url_without_a_directory_is_refused),
	};

	return cmocka_run_group_tests_name("client/bad_store", tests, NULL, NULL);
}
