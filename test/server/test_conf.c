/* The lines of a file of settings, by a table of texts and what is read of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "server/conf.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Everything that is read, in one text: "1:[log orders] 2:age=7d", or the error. */
static void read_back(struct td_text text, char *out, size_t size)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_conf conf;
	struct td_conf_line line;
	size_t len = 0;
	int code;

	out[0] = '\0';
	td_conf_init(&conf, text);
	while ((code = td_conf_next(&conf, &line, &err)) == 0 && line.kind != TD_CONF_END) {
		bool pair = line.kind == TD_CONF_PAIR;

		len += (size_t)snprintf(out + len, size - len, "%s%zu:%s%.*s%s%.*s%s",
			len > 0 ? " " : "", line.number, pair ? "" : "[", TD_TEXT_ARG(line.name),
			pair ? "=" : " ", TD_TEXT_ARG(line.value), pair ? "" : "]");
		assert_true(len < size);
		assert_true(line.at < line.next && line.next <= text.len);
	}
	if (code != 0)
		snprintf(out, size, "%s", err.text);
}

static void lines_are_read_as_they_stand(void **state)
{
	static const struct {
		const char *text, *read;
	} rows[] = {
		{"", ""},
		{"\n\n  \n", ""},
		{"# only\n; comments\n\t# here", ""},
		{"http = 127.0.0.1:0", "1:http=127.0.0.1:0"},
		{"  http=127.0.0.1:0  \r\n", "1:http=127.0.0.1:0"},
		{"a = b = c # d", "1:a=b = c # d"}, /* what stands there is what is meant */
		{"a =\nb=", "1:a= 2:b="},
		{"\xEF\xBB\xBF"
		 "a=1",
			"1:a=1"},
		{"[log orders]\nage = 7d\n\n[log all the rest]",
			"1:[log orders] 2:age=7d 4:[log all the rest]"},
		{"[ users ]", "1:[users ]"},
		{"a = \xC3\xA4", "1:a=\xC3\xA4"},
		{"a", "line 1: expected `key = value`, `[section]` or `# comment`"},
		{"\n= 1", "line 2: expected `key = value`, `[section]` or `# comment`"},
		{"a b = 1", "line 1: expected `key = value`, `[section]` or `# comment`"},
		{"[log", "line 1: `[` without `]` at its end"},
		{"[log] x", "line 1: `[` without `]` at its end"},
		{"[]", "line 1: expected `[kind name]`"},
		{"[log.orders]", "line 1: expected `[kind name]`"},
		{"a = \x01", "line 1: a control byte"},
		{"a = \x7F", "line 1: a control byte"},
		{"a = x\ry", "line 1: a control byte"},
		{"a = \xFF", "line 1: not UTF-8"},
		{"# \xFF", "line 1: not UTF-8"},
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		read_back(td_text(rows[i].text), out, sizeof(out));
		assert_string_equal(out, rows[i].read);
	}
	read_back(td_text_of("a = \0", 5), out, sizeof(out));
	assert_string_equal(out, "line 1: a control byte");
	read_back(td_text_of(NULL, 0), out, sizeof(out));
	assert_string_equal(out, "");
}

static void what_is_too_long_is_refused(void **state)
{
	size_t len = TD_CONF_BYTES_MAX + 1;
	char *text = malloc(len), out[512];

	(void)state;
	assert_non_null(text);
	memset(text, '#', len);
	read_back(td_text_of(text, len), out, sizeof(out));
	assert_string_equal(out, "1048577 bytes are too many: at most 1048576");
	read_back(td_text_of(text, TD_CONF_LINE_BYTES_MAX + 1), out, sizeof(out));
	assert_string_equal(out, "line 1: too long a line");
	text[TD_CONF_LINE_BYTES_MAX] = '\n';
	read_back(td_text_of(text, TD_CONF_LINE_BYTES_MAX + 1), out, sizeof(out));
	assert_string_equal(out, "");
	free(text);
}

static void words_stand_between_blanks_and_commas(void **state)
{
	struct td_text rest = td_text(" order.>,invoice.*\t, ,x "), word;

	(void)state;
	assert_true(td_conf_word(&rest, &word) && td_text_is(word, "order.>"));
	assert_true(td_conf_word(&rest, &word) && td_text_is(word, "invoice.*"));
	assert_true(td_conf_word(&rest, &word) && td_text_is(word, "x"));
	assert_false(td_conf_word(&rest, &word));
	assert_false(td_conf_word(&rest, &word));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_they_stand),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(words_stand_between_blanks_and_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
