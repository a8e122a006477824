/*
 * The test suite of CESQL (cloudevents/spec cesql/cesql_tck): every case of every file there is.
 *
 * Its YAML is simple, and read here as far as it goes: two levels of maps in a list, scalars plain
 * or quoted, on one line each. A plain scalar is text; what it means is known from its key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

/* --- the YAML ----------------------------------------------------------------------------- */

struct scalar {
	char text[1024];
	bool quoted;
	bool there;
};

#define MEMBERS_MAX 16

struct test_case {
	struct scalar name, expression, result, error;
	struct {
		char name[64];
		struct scalar value;
	} members[MEMBERS_MAX]; /* of the event */
	size_t members_count;
	bool whole; /* the event is given whole, not as overrides */
};

static void read_scalar(struct scalar *scalar, const char *text)
{
	size_t len = 0;

	memset(scalar, 0, sizeof(*scalar));
	scalar->there = true;
	scalar->quoted = text[0] == '"' || text[0] == '\'';
	if (!scalar->quoted) {
		len = strlen(text);
		while (len > 0 && text[len - 1] == ' ')
			len--;
		memcpy(scalar->text, text, len);
		return;
	}
	for (const char *p = text + 1; *p != text[0] || (p[0] == '\'' && p[1] == '\''); p++) {
		assert_true(*p != '\0');
		if (text[0] == '\'' && *p == '\'')
			p++;
		if (text[0] != '"' || *p != '\\') {
			scalar->text[len++] = *p;
			continue;
		}
		switch (*++p) {
		case 'n':
			scalar->text[len++] = '\n';
			break;
		case 't':
			scalar->text[len++] = '\t';
			break;
		case 'r':
			scalar->text[len++] = '\r';
			break;
		case 'u': {
			char digits[5] = {p[1], p[2], p[3], p[4], '\0'};

			len += td_utf8_put(scalar->text + len, (uint32_t)strtoul(digits, NULL, 16));
			p += 4;
			break;
		}
		default:
			assert_non_null(strchr("\\\"/ ", *p));
			scalar->text[len++] = *p;
			break;
		}
	}
}

/* Splits "key: value" in place; false for an empty line or a comment. */
static bool split(char *line, size_t *indent, char **key, char **value)
{
	char *colon;

	*indent = strspn(line, " ");
	line[strcspn(line, "\r\n")] = '\0';
	if (line[*indent] == '\0' || line[*indent] == '#')
		return false;
	if (strncmp(line + *indent, "- ", 2) == 0) {
		line[*indent] = ' ';
		*indent += 2;
	}
	*key = line + *indent;
	colon = strchr(*key, ':');
	assert_non_null(colon);
	*colon = '\0';
	*value = colon + 1 + strspn(colon + 1, " ");
	return true;
}

/* --- a case ------------------------------------------------------------------------------- */

static void write_scalar(struct td_json_writer *writer, const struct scalar *scalar)
{
	char *end;
	long number = strtol(scalar->text, &end, 10);

	if (!scalar->quoted && *end == '\0' && end > scalar->text)
		td_json_i64(writer, number);
	else if (!scalar->quoted && strcmp(scalar->text, "true") == 0)
		td_json_bool(writer, true);
	else if (!scalar->quoted && strcmp(scalar->text, "false") == 0)
		td_json_bool(writer, false);
	else
		td_json_string(writer, td_text(scalar->text));
}

static struct td_event *make_event(const struct test_case *test)
{
	static const char *const required[][2] = {
		{"specversion", "1.0"},
		{"id", "1"},
		{"source", "/tck"},
		{"type", "test"},
	};
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	struct td_error err = TD_ERROR_INIT;
	struct td_json_writer writer;
	struct td_event *event = NULL;

	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	for (size_t i = 0; !test->whole && i < 4; i++) {
		bool given = false;

		for (size_t j = 0; j < test->members_count; j++)
			given = given || strcmp(test->members[j].name, required[i][0]) == 0;
		if (given)
			continue;
		td_json_name(&writer, td_text(required[i][0]));
		td_json_string(&writer, td_text(required[i][1]));
	}
	for (size_t j = 0; j < test->members_count; j++) {
		td_json_name(&writer, td_text(test->members[j].name));
		write_scalar(&writer, &test->members[j].value);
	}
	td_json_close_object(&writer);
	assert_int_equal(td_buf_check(&buf, &err), 0);
	if (td_event_from_json(&event, td_buf_view(&buf), &err) != 0)
		fail_msg("%s: event: %s", test->name.text, err.text);
	td_buf_fini(&buf);
	return event;
}

static unsigned error_of(const char *name)
{
	static const struct {
		const char *name;
		unsigned error;
	} errors[] = {
		{"", 0},
		{"math", TD_SQL_MATH},
		{"cast", TD_SQL_CAST},
		{"missingAttribute", TD_SQL_MISSING_ATTRIBUTE},
		{"missingFunction", TD_SQL_MISSING_FUNCTION},
		{"functionEvaluation", TD_SQL_FUNCTION_EVALUATION},
		{"generic", TD_SQL_GENERIC},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].error;
	}
	fail_msg("unknown error %s", name);
	return 0;
}

static bool same_word(const char *a, const char *lower)
{
	for (; *a != '\0' && *lower != '\0'; a++, lower++) {
		if ((*a | 0x20) != *lower)
			return false;
	}
	return *a == *lower;
}

static bool is_result(const struct scalar *wanted, const struct td_sql_value *value)
{
	char *end;
	long number = strtol(wanted->text, &end, 10);

	if (!wanted->quoted && same_word(wanted->text, "true"))
		return value->type == TD_SQL_BOOLEAN && value->boolean;
	if (!wanted->quoted && same_word(wanted->text, "false"))
		return value->type == TD_SQL_BOOLEAN && !value->boolean;
	if (!wanted->quoted && *end == '\0' && end > wanted->text)
		return value->type == TD_SQL_INTEGER && value->integer == number;
	return value->type == TD_SQL_STRING && td_text_is(value->string, wanted->text);
}

static bool run_case(const struct test_case *test)
{
	struct td_filter *filter = NULL;
	struct td_error err = TD_ERROR_INIT;
	int code = td_filter_sql(&filter, td_text(test->expression.text), &err);
	struct td_event *event;
	struct td_sql_value value;
	struct td_arena arena;
	bool good;

	assert_true(test->expression.there);
	if (code != 0) {
		assert_int_equal(code, TD_E_FILTER);
		if (strcmp(test->error.text, "parse") == 0)
			return true;
		print_message("# %s: %s\n", test->name.text, err.text);
		return false;
	}
	event = make_event(test);
	td_arena_init(&arena, 1024, 1 << 20);
	value = td_filter_evaluate(filter, event, &arena);
	good = strcmp(test->error.text, "parse") != 0 &&
	       value.errors == error_of(test->error.text) &&
	       (!test->result.there || is_result(&test->result, &value));
	if (good)
		good = td_filter_passes(filter, event) ==
		       (value.errors == 0 && value.type == TD_SQL_BOOLEAN && value.boolean);
	if (!good)
		print_message("# %s: %s: type %d boolean %d integer %d string '%.*s' errors %u\n",
			test->name.text, test->expression.text, (int)value.type, value.boolean,
			value.integer, TD_TEXT_ARG(value.string), value.errors);
	td_arena_fini(&arena);
	td_event_unref(event);
	td_filter_free(filter);
	return good;
}

/* --- files -------------------------------------------------------------------------------- */

static void add_line(struct test_case *test, size_t indent, const char *key, const char *value)
{
	if (indent > 4) {
		assert_true(test->members_count < MEMBERS_MAX);
		snprintf(test->members[test->members_count].name, 64, "%s", key);
		read_scalar(&test->members[test->members_count++].value, value);
	} else if (strcmp(key, "expression") == 0) {
		read_scalar(&test->expression, value);
	} else if (strcmp(key, "result") == 0) {
		read_scalar(&test->result, value);
	} else if (strcmp(key, "error") == 0) {
		read_scalar(&test->error, value);
	} else {
		assert_true(strcmp(key, "event") == 0 || strcmp(key, "eventOverrides") == 0);
		test->whole = strcmp(key, "event") == 0;
	}
}

static void run_file(FILE *file, size_t *cases, size_t *failed)
{
	static struct test_case test;
	char line[4096], *key, *value;
	bool any = false;
	size_t indent;

	memset(&test, 0, sizeof(test));
	while (fgets(line, sizeof(line), file) != NULL) {
		if (!split(line, &indent, &key, &value) || indent == 0)
			continue;
		if (indent == 4 && strcmp(key, "name") == 0) {
			*failed += any && !run_case(&test);
			memset(&test, 0, sizeof(test));
			read_scalar(&test.name, value);
			any = true;
			++*cases;
		} else {
			add_line(&test, indent, key, value);
		}
	}
	*failed += any && !run_case(&test);
}

static void every_case_of_the_test_suite_passes(void **state)
{
	const char *vectors = getenv("TD_VECTORS");
	char folder[4096], path[8192];
	size_t cases = 0, failed = 0;
	struct dirent *entry;
	DIR *dir;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/cesql-tck", vectors ? vectors : "");
	dir = opendir(folder);
	if (dir == NULL) {
		print_message("# skipped: no %s\n", folder);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');
		FILE *file;

		if (dot == NULL || strcmp(dot, ".yaml") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = fopen(path, "r");
		assert_non_null(file);
		run_file(file, &cases, &failed);
		fclose(file);
	}
	closedir(dir);
	print_message("# %zu cases, %zu failed\n", cases, failed);
	assert_true(cases > 100);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_of_the_test_suite_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
