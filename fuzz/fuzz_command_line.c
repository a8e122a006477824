/*
 * A command line: the input's lines are its words.
 *
 *	1. it is read, or refused with a text and a hint, whatever the words are;
 *	2. what was read is within the bounds of its verb's row, and each value is one of its kind;
 *	3. written again, options first and "--" before the words, it reads the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define WORDS_MAX 600

static int split(char *text, size_t size, const char *argv[])
{
	int argc = 0;
	char *at = text;

	text[size] = '\0';
	while (argc < WORDS_MAX && at <= text + size) {
		char *end = memchr(at, '\n', (size_t)(text + size - at));

		argv[argc++] = at;
		if (end == NULL)
			break;
		*end = '\0';
		at = end + 1;
	}
	return argc;
}

static void check_line(const struct td_cli_line *line)
{
	if (line->verb == NULL)
		return;
	CHECK(td_cli_verb_find(td_cli_verbs, line->verb->name) == line->verb);
	CHECK(line->words_count <= line->verb->words_max);
	CHECK(line->help || line->words_count >= line->verb->words_min);
	for (size_t i = 0; i < line->given_count; i++) {
		const struct td_cli_given *given = &line->given[i];
		uint64_t number = given->number;
		const char *why;

		CHECK((given->text == NULL) == (given->option->kind == TD_CLI_FLAG));
		CHECK(given->text == NULL ||
			td_cli_value_read(given->option, given->text, &number, &why));
		CHECK(number == given->number);
		CHECK(td_cli_line_given(line, given->option->name) != NULL);
	}
}

static void check_again(const struct td_cli_line *line)
{
	static const char *argv[2 * TD_CLI_GIVEN_MAX + TD_CLI_WORDS_MAX + 2];
	static char names[TD_CLI_GIVEN_MAX][64];
	static struct td_cli_line again;
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	int argc = 0;

	if (line->verb == NULL)
		return;
	argv[argc++] = line->verb->name;
	for (size_t i = 0; i < line->given_count; i++) {
		snprintf(names[i], sizeof(names[i]), "--%s", line->given[i].option->name);
		argv[argc++] = names[i];
		if (line->given[i].text != NULL)
			argv[argc++] = line->given[i].text;
	}
	argv[argc++] = "--";
	for (size_t i = 0; i < line->words_count; i++)
		argv[argc++] = line->words[i];
	CHECK(td_cli_line_read(&again, td_cli_verbs, argc, argv, &fault) == 0);
	CHECK(again.verb == line->verb && again.help == line->help);
	CHECK(again.given_count == line->given_count && again.words_count == line->words_count);
	for (size_t i = 0; i < line->given_count; i++)
		CHECK(again.given[i].option == line->given[i].option &&
			again.given[i].text == line->given[i].text &&
			again.given[i].number == line->given[i].number);
	for (size_t i = 0; i < line->words_count; i++)
		CHECK(again.words[i] == line->words[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *argv[WORDS_MAX];
	static struct td_cli_line line;
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	char *text = malloc(size + 1);
	int argc, code;

	CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	argc = split(text, size, argv);
	code = td_cli_line_read(&line, td_cli_verbs, argc, argv, &fault);
	if (code == 0) {
		check_line(&line);
		check_again(&line);
	} else {
		CHECK(code == TD_E_INVALID && fault.err.code == code);
		CHECK(fault.err.text[0] != '\0' && fault.hint[0] != '\0');
	}
	free(text);
	return 0;
}
