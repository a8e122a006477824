#include "cli/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct td_cli_option some_options[] = {
	{.name = "count", .letter = 'n', .kind = TD_CLI_NUMBER, .value = "N", .what = "how many"},
	{.name = "type",
		.letter = 't',
		.kind = TD_CLI_TEXT,
		.value = "TYPE",
		.what = "which",
		.many = true},
	{.name = "on-error",
		.kind = TD_CLI_CHOICE,
		.value = "stop|skip",
		.fallback = "stop",
		.what = "then"},
	{.name = "wait", .kind = TD_CLI_DURATION, .value = "TIME", .what = "how long"},
	{.name = "bytes", .kind = TD_CLI_SIZE, .value = "SIZE", .what = "how large"},
	{.name = "raw", .letter = '0', .kind = TD_CLI_FLAG, .what = "as it is"},
};
static const struct td_cli_verb some = {
	.name = "some",
	.line = "Do something",
	.words = "A [B]",
	.words_min = 1,
	.words_max = 2,
	.options = some_options,
	.options_count = sizeof(some_options) / sizeof(some_options[0]),
	.common = TD_CLI_OUTPUT,
};
static const struct td_cli_verb act = {
	.name = "act", .line = "Act", .words = "go|stay", .words_max = 1, .actions = "go|stay"};
static const struct td_cli_verb *const verbs[] = {&some, &act, NULL};

#define MAX 16
/* Read words that are parted by blanks; "" between two blanks is an empty word. */
static int read_words(struct td_cli_line *line, const char *text, struct td_cli_fault *fault)
{
	static char copy[400];
	const char *argv[MAX];
	int argc = 0;
	char *at = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	while (at != NULL && argc < MAX && *text != '\0') {
		char *blank = strchr(at, ' ');

		if (blank != NULL)
			*blank = '\0';
		argv[argc++] = at;
		at = blank != NULL ? blank + 1 : NULL;
	}
	return td_cli_line_read(line, verbs, argc, argv, fault);
}

static void options_are_read_before_and_behind_words(void **state)
{
	static const char *const lines[] = {"some --count 3 a -t x b --type=y",
		"some a b -n3 -tx --type y", "some a --type x b --type y --count=3",
		"some --type x --type y -n 3 -- a b"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct td_cli_fault fault = TD_CLI_FAULT_INIT;
		struct td_cli_line line;

		assert_int_equal(read_words(&line, lines[i], &fault), 0);
		assert_ptr_equal(line.verb, &some);
		assert_int_equal(line.words_count, 2);
		assert_string_equal(line.words[0], "a");
		assert_string_equal(line.words[1], "b");
		assert_int_equal(td_cli_line_given(&line, "count")->number, 3);
		assert_string_equal(td_cli_line_given(&line, "type")->text, "y");
		assert_int_equal(line.given_count, 3);
		assert_null(td_cli_line_given(&line, "raw"));
		assert_false(line.help);
	}
}

static void behind_two_dashes_all_are_words(void **state)
{
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	struct td_cli_line line;

	(void)state;
	assert_int_equal(read_words(&line, "some -- --count -", &fault), 0);
	assert_string_equal(line.words[0], "--count");
	assert_string_equal(line.words[1], "-");
	assert_int_equal(
		read_words(&line, "some -", &fault), 0); /* one alone is a word: standard input */
	assert_string_equal(line.words[0], "-");
}

static void values_are_what_their_kind_says(void **state)
{
	static const struct {
		const char *line, *option;
		uint64_t number;
	} good[] = {
		{"some a --count 0", "count", 0},
		{"some a --count 18446744073709551615", "count", UINT64_MAX},
		{"some a --wait 250ms", "wait", 250},
		{"some a --wait 20s", "wait", 20000},
		{"some a --wait 5m", "wait", 300000},
		{"some a --wait 5min", "wait", 300000},
		{"some a --wait 1h", "wait", 3600000},
		{"some a --wait 7d", "wait", 604800000},
		{"some a --bytes 512", "bytes", 512},
		{"some a --bytes 64KiB", "bytes", 65536},
		{"some a --bytes 2GiB", "bytes", 2147483648},
		{"some a --on-error stop", "on-error", 0},
		{"some a --on-error=skip", "on-error", 1},
	};
	static const char *const bad[] = {"some a --count -1", "some a --count 1x",
		"some a --count 18446744073709551616", "some a --count ", "some a --count +1",
		"some a --wait 20", "some a --wait s", "some a --wait 1y",
		"some a --wait 99999999999999d", "some a --bytes 1kb",
		"some a --bytes 99999999999TiB", "some a --on-error sto",
		"some a --on-error stop|skip", "some a --on-error ", "some a --raw=1",
		"some a --count"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct td_cli_fault fault = TD_CLI_FAULT_INIT;
		struct td_cli_line line;

		assert_int_equal(read_words(&line, good[i].line, &fault), 0);
		assert_true(td_cli_line_given(&line, good[i].option)->number == good[i].number);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct td_cli_fault fault = TD_CLI_FAULT_INIT;
		struct td_cli_line line;

		if (read_words(&line, bad[i], &fault) != TD_E_INVALID)
			fail_msg("%s", bad[i]);
		assert_true(fault.err.text[0] != '\0' && fault.hint[0] != '\0');
	}
}

static void what_is_wrong_is_named_with_the_nearest_name(void **state)
{
	static const struct {
		const char *line, *text, *hint;
	} rows[] = {
		{"som a", "there is no verb \"som\"", "did you mean \"tidings some\"?"},
		{"osme a", "there is no verb \"osme\"", "did you mean \"tidings some\"?"},
		{"zebra a", "there is no verb \"zebra\"", "tidings --help shows the verbs"},
		{"some a --cuont 3", "some has no option --cuont", "did you mean --count?"},
		{"some a --colour always", "some has no option --colour", "did you mean --color?"},
		{"some a --zebra", "some has no option --zebra",
			"tidings some --help shows its options"},
		{"some a -z", "some has no option -z", "tidings some --help shows its options"},
		{"some", "some: a word is missing", "tidings some A [B]"},
		{"some a b c", "some: \"c\" is a word too many", "tidings some A [B]"},
		{"some a --count 1 --count 2", "--count is given twice", "once is enough"},
		{"act wait", "act: \"wait\" is not one of go|stay", "tidings act go|stay"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_cli_fault fault = TD_CLI_FAULT_INIT;
		struct td_cli_line line;

		assert_int_equal(read_words(&line, rows[i].line, &fault), TD_E_INVALID);
		assert_string_equal(fault.err.text, rows[i].text);
		assert_memory_equal(fault.hint, rows[i].hint, strlen(rows[i].hint));
	}
}

static void help_is_had_with_whatever_else_is_there(void **state)
{
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	struct td_cli_line line;

	(void)state;
	assert_int_equal(read_words(&line, "some --help", &fault), 0);
	assert_true(line.help && line.verb == &some);
	assert_int_equal(read_words(&line, "some a -h", &fault), 0);
	assert_true(line.help);
	assert_int_equal(read_words(&line, "--help", &fault), 0);
	assert_true(line.help && line.verb == NULL);
	assert_int_equal(read_words(&line, "", &fault), 0);
	assert_true(!line.help && line.verb == NULL);
}

static void more_than_there_is_room_for_is_refused(void **state)
{
	static const char *argv[TD_CLI_GIVEN_MAX * 2 + 8];
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	struct td_cli_line line;
	int argc = 0;

	(void)state;
	argv[argc++] = "some";
	argv[argc++] = "a";
	for (int i = 0; i <= TD_CLI_GIVEN_MAX; i++)
		argv[argc++] = "--type=x";
	assert_int_equal(td_cli_line_read(&line, verbs, argc, argv, &fault), TD_E_INVALID);
	assert_int_equal(td_cli_line_read(&line, verbs, argc - 1, argv, &fault), 0);
	assert_int_equal(line.given_count, TD_CLI_GIVEN_MAX);
}

/* --- the table ---------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static void the_table_is_as_it_has_to_be(void **state)
{
	const struct td_cli_option *option, *other;
	size_t verbs_count = 0;

	(void)state;
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++, verbs_count++) {
		const struct td_cli_verb *verb = td_cli_verbs[v];

		assert_true(verb->line[0] >= 'A' && verb->line[0] <= 'Z');
		assert_true(verb->line[strlen(verb->line) - 1] != '.');
		assert_true(
			verb->words_max <= TD_CLI_WORDS_MAX && verb->words_min <= verb->words_max);
		assert_true((verb->words[0] == '\0') == (verb->words_max == 0));
		assert_non_null(verb->run);
		assert_non_null(verb->examples[0]);
		assert_ptr_equal(td_cli_verb_find(td_cli_verbs, verb->name), verb);
		for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++) {
			assert_true(i < TD_CLI_OPTIONS_MAX);
			assert_true(is_letter(option->name[0]));
			assert_true((option->value == NULL) == (option->kind == TD_CLI_FLAG));
			assert_true(option->what[strlen(option->what) - 1] != '.');
			if (option->fallback != NULL) {
				uint64_t number;
				const char *why;

				assert_true(
					td_cli_value_read(option, option->fallback, &number, &why));
			}
			for (size_t j = 0; (other = td_cli_verb_option(verb, j)) != NULL && j < i;
				j++) {
				assert_string_not_equal(option->name, other->name);
				assert_true(option->letter == 0 || option->letter != other->letter);
			}
		}
	}
	assert_true(verbs_count <= TD_CLI_VERBS_MAX);
}

/* The words of a shell's line, as far as our examples need: blanks, single quotes, until a redirection. */
static int split(char *line, const char *argv[], int max)
{
	int argc = 0;
	char *to = line, *at = line;

	while (*at != '\0' && argc < max) {
		bool quoted = false;

		while (*at == ' ')
			at++;
		if (*at == '>' || *at == '|' || *at == '\0')
			break;
		argv[argc++] = to;
		for (; *at != '\0' && (quoted || *at != ' '); at++) {
			if (*at == '\'')
				quoted = !quoted;
			else
				*to++ = *at;
		}
		at += *at != '\0';
		*to++ = '\0';
	}
	return argc;
}

static void every_example_can_be_read(void **state)
{
	(void)state;
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++) {
		for (size_t i = 0; i < 3 && td_cli_verbs[v]->examples[i] != NULL; i++) {
			struct td_cli_fault fault = TD_CLI_FAULT_INIT;
			struct td_cli_line line;
			const char *argv[32];
			char text[300];
			int argc;

			snprintf(text, sizeof(text), "%s", td_cli_verbs[v]->examples[i]);
			if (text[0] == '.' || strchr(text, '|') != NULL)
				continue; /* ". <(tidings ...)" */
			argc = split(text, argv, 32);
			assert_string_equal(argv[0], "tidings");
			if (td_cli_line_read(&line, td_cli_verbs, argc - 1, argv + 1, &fault) != 0)
				fail_msg("%s: %s", td_cli_verbs[v]->examples[i], fault.err.text);
			assert_ptr_equal(line.verb, td_cli_verbs[v]);
		}
	}
}

static void the_first_page_has_eight_verbs_at_most(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++)
		count += td_cli_verbs[v]->first;
	assert_true(count > 0 && count <= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_before_and_behind_words),
		cmocka_unit_test(behind_two_dashes_all_are_words),
		cmocka_unit_test(values_are_what_their_kind_says),
		cmocka_unit_test(what_is_wrong_is_named_with_the_nearest_name),
		cmocka_unit_test(help_is_had_with_whatever_else_is_there),
		cmocka_unit_test(more_than_there_is_room_for_is_refused),
		cmocka_unit_test(the_table_is_as_it_has_to_be),
		cmocka_unit_test(every_example_can_be_read),
		cmocka_unit_test(the_first_page_has_eight_verbs_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
