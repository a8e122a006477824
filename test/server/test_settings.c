/* Settings: the table itself, values, where they come from, and the rules between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "alloc.h"
#include "server/settings.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct td_settings *settings_of(const struct td_settings_sources *sources)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_settings *settings = NULL;

	if (td_settings_new(&settings, sources, &err) != 0)
		fail_msg("%s", err.text);
	return settings;
}

static struct td_settings *of_file(const char *text)
{
	return settings_of(
		&(struct td_settings_sources){.file_name = "tidings.conf", .file = td_text(text)});
}

/* --- the table ---------------------------------------------------------------------------- */

static void check_row(const struct td_setting *row, const struct td_setting *table, size_t at)
{
	char name[TD_SETTING_NAME_BYTES];

	assert_true(strlen(row->name) > 0 && strlen(row->what) > 0);
	assert_true(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(row->name));
	assert_true(row->kind == TD_SETTING_SWITCH || strlen(row->argument) > 0);
	assert_true(row->what[strlen(row->what) - 1] != '.');
	assert_true(strncmp(td_setting_environment(row, name), "TIDINGS_", 8) == 0);
	assert_true(strpbrk(name, "abcdefghijklmnopqrstuvwxyz-") == NULL);
	for (size_t i = 0; i < at; i++)
		assert_string_not_equal(row->name, table[i].name);
}

static void each_setting_has_all_that_a_page_tells_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < TD_SETTINGS; i++)
		check_row(&td_setting_table[i], td_setting_table, i);
	for (size_t i = 0; i < TD_LOG_SETTINGS; i++)
		check_row(&td_log_setting_table[i], td_log_setting_table, i);
}

static void without_anything_all_is_as_the_table_says(void **state)
{
	struct td_settings *settings = settings_of(&(struct td_settings_sources){0});
	struct td_net_address http = td_settings_address(settings, TD_SET_HTTP);
	size_t logs;

	(void)state;
	assert_string_equal(td_settings_text(settings, TD_SET_DATA), "./tidings-data");
	assert_int_equal(http.port, 8222);
	assert_true(td_net_address_is_loopback(&http));
	assert_null(td_settings_text(settings, TD_SET_USERS));
	assert_int_equal(td_settings_number(settings, TD_SET_HEAD_BYTES_MAX), 16384);
	assert_int_equal(td_settings_number(settings, TD_SET_HEAD_TIME), 10000);
	assert_false(td_settings_switch(settings, TD_SET_INSECURE));
	td_settings_logs(settings, &logs);
	assert_int_equal(logs, 0);
	assert_int_equal(td_settings_check(settings, NULL), 0);
	td_settings_free(settings);
	td_settings_free(NULL);
}

/* --- sources ------------------------------------------------------------------------------ */

static void origin_is(const struct td_settings *settings, enum td_setting_id id, const char *origin)
{
	struct td_buf buf = TD_BUF_INIT(256);

	td_settings_origin(settings, id, &buf);
	assert_true(td_text_is(td_buf_view(&buf), origin));
	td_buf_fini(&buf);
}

static void a_flag_beats_the_environment_beats_the_file_beats_the_default(void **state)
{
	static const char *const environment[] = {"HOME=/", "TIDINGS_HTTP=127.0.0.1:2",
		"TIDINGS_WORKERS=3", "TIDINGS_URL=http://127.0.0.1:9", "TIDINGS_NO_SUCH=1", NULL};
	const struct td_setting_given flags[] = {{TD_SET_HTTP, td_text("127.0.0.1:1")}};
	struct td_settings *settings = settings_of(&(struct td_settings_sources){
		.flags = flags,
		.flags_count = 1,
		.environment = environment,
		.file_name = "t.conf",
		.file = td_text("http = 127.0.0.1:4\nworkers = 4\n\nusers = u\n"),
	});

	(void)state;
	assert_string_equal(td_settings_text(settings, TD_SET_HTTP), "127.0.0.1:1");
	assert_int_equal(td_settings_number(settings, TD_SET_WORKERS), 3);
	assert_string_equal(td_settings_text(settings, TD_SET_USERS), "u");
	origin_is(settings, TD_SET_HTTP, "--http");
	origin_is(settings, TD_SET_WORKERS, "TIDINGS_WORKERS");
	origin_is(settings, TD_SET_USERS, "t.conf:4");
	origin_is(settings, TD_SET_DATA, "default");
	td_settings_free(settings);
}

static void the_file_to_read_is_named_by_a_flag_or_the_environment(void **state)
{
	static const char *const environment[] = {"TIDINGS_CONFIG=/etc/a.conf", NULL};
	const struct td_setting_given flags[] = {
		{TD_SET_CONFIG, td_text("b.conf")}, {TD_SET_CONFIG, td_text("c.conf")}};
	struct td_settings_sources sources = {0};

	(void)state;
	assert_null(td_settings_file(&sources).at);
	sources.environment = environment;
	assert_true(td_text_is(td_settings_file(&sources), "/etc/a.conf"));
	sources.flags = flags;
	sources.flags_count = 2;
	assert_true(td_text_is(td_settings_file(&sources), "c.conf"));
}

/* --- values ------------------------------------------------------------------------------- */

static void values_are_read_by_their_kind(void **state)
{
	static const struct {
		enum td_setting_id id;
		const char *text;
		int64_t number; /* -1: refused */
		const char *error;
	} rows[] = {
		{TD_SET_WORKERS, "1", 1, NULL},
		{TD_SET_WORKERS, "64", 64, NULL},
		{TD_SET_WORKERS, "65", -1, "`65` is too large; it may be 1 to 64"},
		{TD_SET_WORKERS, "0", -1, "`0` is too small; it may be 1 to 64"},
		{TD_SET_WORKERS, "", -1, "expected a whole number, found ``"},
		{TD_SET_WORKERS, "-1", -1, "expected a whole number, found `-1`"},
		{TD_SET_WORKERS, "2k", -1, "expected a whole number, found `2k`"},
		{TD_SET_WORKERS, "99999999999999999999", -1,
			"expected a smaller number, found `99999999999999999999`"},
		{TD_SET_HEAD_BYTES_MAX, "2048", 2048, NULL},
		{TD_SET_HEAD_BYTES_MAX, "2048B", 2048, NULL},
		{TD_SET_HEAD_BYTES_MAX, "64 kib", 65536, NULL},
		{TD_SET_HEAD_BYTES_MAX, "1MiB", 1048576, NULL},
		{TD_SET_HEAD_BYTES_MAX, "1MB", -1, "expected bytes, such as 64KiB, found `1MB`"},
		{TD_SET_CACHE_BYTES, "1TiB", INT64_C(1) << 40, NULL},
		{TD_SET_CACHE_BYTES, "9000000TiB", -1,
			"expected a smaller number, found `9000000TiB`"},
		{TD_SET_HEAD_TIME, "250ms", 250, NULL},
		{TD_SET_HEAD_TIME, "10s", 10000, NULL},
		{TD_SET_HEAD_TIME, "5 m", 300000, NULL},
		{TD_SET_HEAD_TIME, "1h", 3600000, NULL},
		{TD_SET_HEAD_TIME, "1d", 86400000, NULL},
		{TD_SET_HEAD_TIME, "10", -1,
			"expected a time with its unit (ms, s, m, h or d), such as 10s, found "
			"`10`"},
		{TD_SET_HEAD_TIME, "1ms", -1, "`1ms` is too small; it may be 100 to 86400000 ms"},
		{TD_SET_INSECURE, "yes", 1, NULL},
		{TD_SET_INSECURE, "ON", 1, NULL},
		{TD_SET_INSECURE, "false", 0, NULL},
		{TD_SET_INSECURE, "perhaps", -1, "expected yes or no, found `perhaps`"},
		{TD_SET_LOG_FORMAT, "text", 0, NULL},
		{TD_SET_LOG_FORMAT, "json", 1, NULL},
		{TD_SET_LOG_FORMAT, "text|json", -1, "expected text|json, found `text|json`"},
		{TD_SET_HTTP, "[::1]:8222", 0, NULL},
		{TD_SET_HTTP, "example.org:80", -1, NULL},
		{TD_SET_DATA, "", -1, "expected a path, found ``"},
		{TD_SET_ORIGINS, "", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct td_setting_given flag = {rows[i].id, td_text(rows[i].text)};
		const struct td_settings_sources sources = {.flags = &flag, .flags_count = 1};
		struct td_settings *settings = NULL;
		struct td_error err = TD_ERROR_INIT;
		int code = td_settings_new(&settings, &sources, &err);

		if (rows[i].number < 0) {
			char wanted[512];

			assert_int_equal(code, TD_E_INVALID);
			assert_null(settings);
			if (rows[i].error == NULL)
				continue;
			snprintf(wanted, sizeof(wanted), "--%s: %s",
				td_setting_table[rows[i].id].name, rows[i].error);
			assert_string_equal(err.text, wanted);
			continue;
		}
		if (code != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(td_settings_number(settings, rows[i].id), rows[i].number);
		td_settings_free(settings);
	}
}

static void what_is_wrong_in_a_file_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"# x\nhtpp = 127.0.0.1:1",
			"t.conf: line 2: `htpp`: no such setting; did you mean `http`?"},
		{"something = 1", "t.conf: line 1: `something`: no such setting"},
		{"config = other.conf", "t.conf: line 1: `config` is for the command line"},
		{"workers = 1\nworkers = 2",
			"t.conf: line 2: `workers` is there already, in line 1"},
		{"workers = many",
			"t.conf: line 1: workers: expected a whole number, found `many`"},
		{"nonsense", "t.conf: line 1: expected `key = value`, `[section]` or `# comment`"},
		{"[lag orders]", "t.conf: line 1: [lag]: no such section; there is [log NAME]"},
		{"[log]", "t.conf: line 1: [log]: no such section; there is [log NAME]"},
		{"[log a]\nsubjects = a\n[log a]",
			"t.conf: line 3: [log a] is there already, in line 1"},
		{"[log a]\nage = 7d", "t.conf: line 1: [log a]: `subjects = ` is needed"},
		{"[log a]\nsubject = a",
			"t.conf: line 2: `subject`: no such setting; did you mean `subjects`?"},
		{"[log a]\nhttp = 127.0.0.1:1", "t.conf: line 2: `http`: no such setting"},
		{"[log a]\nsubjects = ",
			"t.conf: line 2: subjects: expected patterns of subjects, found ``"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct td_settings_sources sources = {
			.file_name = "t.conf", .file = td_text(rows[i].text)};
		struct td_settings *settings = NULL;
		struct td_error err = TD_ERROR_INIT;

		assert_int_not_equal(td_settings_new(&settings, &sources, &err), 0);
		assert_null(settings);
		assert_string_equal(err.text, rows[i].error);
	}
}

static void a_pattern_that_is_none_is_refused(void **state)
{
	const struct td_settings_sources sources = {
		.file_name = "t.conf", .file = td_text("[log a]\nsubjects = a, b..c")};
	struct td_settings *settings = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_settings_new(&settings, &sources, &err), TD_E_SUBJECT);
	assert_non_null(strstr(err.text, "t.conf: line 2: subjects: "));
}

static void a_log_is_made_of_its_section(void **state)
{
	struct td_settings *settings = of_file("[log orders]\n"
					       "subjects = order.>, invoice.*\n"
					       "erasable = order.*.person\n"
					       "age = 7d\n"
					       "bytes-max = 1GiB\n"
					       "count-max = 5\n"
					       "count-per-subject-max = 6\n"
					       "discard = new\n"
					       "duplicates-time = 0s\n"
					       "duplicates-max = 7\n"
					       "revisions = forgotten\n"
					       "adopt = yes\n"
					       "[log plain]\n"
					       "subjects = plain\n");
	const struct td_log_section *logs;
	const struct td_log_config *config;
	size_t count;

	(void)state;
	logs = td_settings_logs(settings, &count);
	assert_int_equal(count, 2);
	assert_true(td_text_is(logs[0].name, "orders") && logs[0].line == 1 && logs[0].adopt);
	config = &logs[0].config;
	assert_int_equal(config->subjects_count, 2);
	assert_true(td_text_is(config->subjects[0], "order.>"));
	assert_true(td_text_is(config->subjects[1], "invoice.*"));
	assert_int_equal(config->erasable_count, 1);
	assert_true(td_text_is(config->erasable[0], "order.*.person"));
	assert_int_equal(config->age_ms, INT64_C(7) * 86400000);
	assert_int_equal(config->bytes_max, 1 << 30);
	assert_int_equal(config->count_max, 5);
	assert_int_equal(config->count_per_subject_max, 6);
	assert_true(config->discard_new && config->revisions_forgotten && !config->importing);
	assert_true(config->duplicates_ms < 0);
	assert_int_equal(config->duplicates_max, 7);

	config = &logs[1].config;
	assert_int_equal(config->subjects_count, 1);
	assert_true(config->erasable == NULL && config->age_ms == 0 && config->bytes_max == 0);
	assert_true(config->count_max == 0 && config->count_per_subject_max == 0);
	assert_false(config->discard_new || config->revisions_forgotten || logs[1].adopt);
	assert_int_equal(config->duplicates_ms, 120000);
	assert_int_equal(config->duplicates_max, 1000000);
	td_settings_free(settings);
}

/* --- writing and comparing ---------------------------------------------------------------- */

static void what_is_written_is_read_the_same(void **state)
{
	struct td_settings *one = of_file("http = [::1]:0\norigins =\ninsecure = on\n"
					  "[log orders]\nsubjects = order.>\nage = 7 d\n");
	struct td_settings *two;
	struct td_buf buf = TD_BUF_INIT(65536), restart = TD_BUF_INIT(256);

	(void)state;
	td_settings_write(one, true, &buf);
	td_buf_add_char(&buf, '\0');
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_non_null(strstr(buf.at, "# tidings.conf:1\nhttp = [::1]:0\n"));
	assert_non_null(strstr(buf.at, "# default\nworkers = 2\n"));
	assert_non_null(strstr(buf.at, "# users =\n"));
	assert_non_null(strstr(buf.at, "\n[log orders]\nsubjects = order.>\n"));
	two = of_file(buf.at);
	assert_int_equal(td_settings_compare(one, two, &restart), 0);
	assert_int_equal(restart.len, 0);
	td_settings_free(two);
	td_settings_free(one);
	td_buf_fini(&buf);
	td_buf_fini(&restart);
}

static void what_takes_a_restart_is_named(void **state)
{
	struct td_settings *one = of_file("[log a]\nsubjects = a\n[log b]\nsubjects = b");
	struct td_settings *two = of_file("http = 127.0.0.1:0\nworkers = 3\nhead-time = 1s\n"
					  "[log a]\nsubjects = a\nage = 1d\n[log c]\nsubjects = c");
	struct td_buf restart = TD_BUF_INIT(256);

	(void)state;
	/* http, workers, head-time; a changed, b gone, c new */
	assert_int_equal(td_settings_compare(one, two, &restart), 6);
	assert_true(td_text_is(td_buf_view(&restart), "http, workers"));
	td_settings_free(one);
	td_settings_free(two);
	td_buf_fini(&restart);
}

static void rules_between_settings_name_the_flag(void **state)
{
	static const struct {
		const char *text, *names; /* NULL: it passes */
	} rows[] = {
		{"http = 127.0.0.1:0", NULL},
		{"http = [::1]:0", NULL},
		{"http = localhost:0", NULL},
		{"http = 0.0.0.0:0", "--users FILE"},
		{"http = *:0\ninsecure = yes", "--users FILE"},
		{"http = 10.0.0.1:0\ntls-cert = c\ntls-key = k", "--users FILE"},
		{"http = [::]:0\nusers = u", "--tls-cert FILE"},
		{"http = 0.0.0.0:0\nusers = u\ninsecure = yes", NULL},
		{"http = 0.0.0.0:0\nusers = u\ntls-cert = c\ntls-key = k", NULL},
		{"tls-cert = c", "--tls-key FILE"},
		{"tls-key = c", "--tls-cert FILE"},
		{"tls-client-ca = c", "--tls-cert FILE"},
		{"tls-client-required = yes", "--tls-client-ca FILE"},
		{"tls-cert = c\ntls-key = k\ntls-client-ca = a\ntls-client-required = yes", NULL},
		{"segment-bytes-max = 1048577", "4KiB"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_settings *settings = of_file(rows[i].text);
		struct td_error err = TD_ERROR_INIT;
		int code = td_settings_check(settings, &err);

		assert_int_equal(code, rows[i].names != NULL ? TD_E_INVALID : 0);
		if (rows[i].names != NULL)
			assert_non_null(strstr(err.text, rows[i].names));
		td_settings_free(settings);
	}
}

static int read_some(void *arg)
{
	static const char *const environment[] = {"TIDINGS_USERS=u", NULL};
	const struct td_setting_given flag = {TD_SET_DATA, td_text("d")};
	const struct td_settings_sources sources = {.flags = &flag,
		.flags_count = 1,
		.environment = environment,
		.file_name = "t.conf",
		.file = td_text("http = 127.0.0.1:0\n[log a]\nsubjects = a b c\n")};
	struct td_settings *settings;
	struct td_error err = TD_ERROR_INIT;
	int code = td_settings_new(&settings, &sources, &err);

	(void)arg;
	if (code == 0)
		td_settings_free(settings);
	return code;
}

static void memory_that_runs_out_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_true(alloc_torture(read_some, NULL) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_setting_has_all_that_a_page_tells_of_it),
		cmocka_unit_test(without_anything_all_is_as_the_table_says),
		cmocka_unit_test(a_flag_beats_the_environment_beats_the_file_beats_the_default),
		cmocka_unit_test(the_file_to_read_is_named_by_a_flag_or_the_environment),
		cmocka_unit_test(values_are_read_by_their_kind),
		cmocka_unit_test(what_is_wrong_in_a_file_is_told_with_its_line),
		cmocka_unit_test(a_pattern_that_is_none_is_refused),
		cmocka_unit_test(a_log_is_made_of_its_section),
		cmocka_unit_test(what_is_written_is_read_the_same),
		cmocka_unit_test(what_takes_a_restart_is_named),
		cmocka_unit_test(rules_between_settings_name_the_flag),
		cmocka_unit_test(memory_that_runs_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
