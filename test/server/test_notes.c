/* Lines for who runs the server: forms, what cannot be injected, rates by a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "json/json.h"
#include "server/notes.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND      INT64_C(1000000000)

static struct td_notes notes;

static void lines_are(const char *wanted)
{
	struct td_text waiting = td_notes_waiting(&notes);

	if (!td_text_is(waiting, wanted))
		fail_msg("found %.*s\nwanted %s", TD_TEXT_ARG(waiting), wanted);
	td_notes_written(&notes, waiting.len);
}

static void a_line_has_its_form(void **state)
{
	(void)state;
	td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_TEXT);
	td_notes_say(&notes, TD_SAY_INFO, "serving", 0, SECOND);
	td_notes_say(&notes, TD_SAY_DEBUG, "not this", 0, SECOND);
	td_notes_say(&notes, TD_SAY_ERROR, "failed", 1500000, SECOND);
	lines_are("1970-01-01T00:00:00.000000Z info serving\n"
		  "1970-01-01T00:00:00.001500Z error failed\n");
	td_notes_init(&notes, TD_SAY_DEBUG, TD_NOTES_JSON);
	td_notes_say(&notes, TD_SAY_DEBUG, "a \"b\" \\", 0, SECOND);
	lines_are("{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"debug\",\"message\":\"a "
		  "\\\"b\\\" \\\\\"}\n");
	td_notes_init(&notes, TD_SAY_DEBUG, TD_NOTES_JOURNAL);
	td_notes_say(&notes, TD_SAY_WARNING, "w", 0, SECOND);
	td_notes_say(&notes, TD_SAY_ERROR, "e", 0, SECOND);
	lines_are("<4>w\n<3>e\n");
}

static void nothing_in_a_text_makes_another_line(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{"a\nerror b", "<6>a\\x0Aerror b\n"},
		{"a\r\n<3>b", "<6>a\\x0D\\x0A<3>b\n"},
		{"\x1B[2J\x07\x7F", "<6>\\x1B[2J\\x07\\x7F\n"},
		{"\xC2\x9B"
		 "31m",
			"<6>\xEF\xBF\xBD"
			"31m\n"},
		{"\xFF\xC3\xA4", "<6>\xEF\xBF\xBD\xC3\xA4\n"},
		{"tab\there", "<6>tab\\x09here\n"},
		{"", "<6>\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_JOURNAL);
		td_notes_say(&notes, TD_SAY_INFO, rows[i].text, 0, SECOND);
		lines_are(rows[i].line);
	}
}

/* Whatever is said, as JSON it is one line with one object, and in it what was said. */
static void json_is_json_whatever_is_said(void **state)
{
	char text[8];

	(void)state;
	for (unsigned a = 1; a < 256; a++) {
		for (unsigned b = 1; b < 256; b += 7) {
			struct td_text line;
			struct td_json value;
			struct td_error err = TD_ERROR_INIT;

			snprintf(text, sizeof(text), "x%c%cy", (int)a, (int)b);
			td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_JSON);
			td_notes_say(&notes, TD_SAY_INFO, text, 0, SECOND);
			line = td_notes_waiting(&notes);
			assert_ptr_equal(memchr(line.at, '\n', line.len), line.at + line.len - 1);
			if (td_json_parse(line, 0, &value, &err) != 0)
				fail_msg("%s: %.*s", err.text, TD_TEXT_ARG(line));
			if (a < 0x80 && b < 0x80)
				assert_true(td_json_string_is(
					td_json_get(value, td_text("message")), td_text(text)));
		}
	}
}

static void a_long_text_is_cut(void **state)
{
	static char text[3 * TD_NOTE_BYTES_MAX];
	struct td_text line;

	(void)state;
	memset(text, '\x01', sizeof(text) - 1);
	td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_JSON);
	td_notes_say(&notes, TD_SAY_INFO, text, 0, SECOND);
	line = td_notes_waiting(&notes);
	assert_true(line.len > 6 * TD_NOTE_BYTES_MAX && line.len < 6 * TD_NOTE_BYTES_MAX + 128);
	assert_memory_equal(line.at + line.len - 6, "...\"}\n", 6);
}

static size_t count_lines(void)
{
	struct td_text waiting = td_notes_waiting(&notes);
	size_t count = 0;

	for (size_t i = 0; i < waiting.len; i++)
		count += waiting.at[i] == '\n';
	return count;
}

static void so_many_come_at_once_and_the_rest_is_counted(void **state)
{
	int64_t now = SECOND;

	(void)state;
	td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_JOURNAL);
	for (int i = 0; i < 1000; i++)
		td_notes_say(&notes, TD_SAY_INFO, "i", 0, now);
	assert_int_equal(count_lines(), TD_NOTES_AT_ONCE);
	td_notes_written(&notes, td_notes_waiting(&notes).len);
	/* A flood of one level drowns no other; and says how many there were. */
	td_notes_say(&notes, TD_SAY_ERROR, "e", 0, now);
	lines_are("<4>800 lines were left out\n<3>e\n");
	assert_int_equal(notes.left_out_ever, 800);
	/* So many a second from then on. */
	for (int i = 0; i < 1000; i++)
		td_notes_say(&notes, TD_SAY_INFO, "i", 0, now + SECOND);
	assert_int_equal(count_lines(), TD_NOTES_PER_SECOND);
}

static void what_nobody_writes_is_bounded(void **state)
{
	static char text[1001];
	size_t waiting;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	td_notes_init(&notes, TD_SAY_INFO, TD_NOTES_JOURNAL);
	for (int i = 0; i < TD_NOTES_AT_ONCE; i++)
		td_notes_say(&notes, TD_SAY_INFO, text, 0, SECOND);
	waiting = td_notes_waiting(&notes).len;
	assert_true(waiting <= TD_NOTES_BYTES && waiting > TD_NOTES_BYTES - 2 * 1004);
	assert_true(notes.left_out > 0);
	/* A part is written, as the writer can; what is left begins where that ended. */
	td_notes_written(&notes, waiting - 1004);
	assert_memory_equal(td_notes_waiting(&notes).at, "<6>x", 4);
	td_notes_say(&notes, TD_SAY_ERROR, "e", 0, SECOND);
	assert_int_equal(count_lines(), 3);
	assert_int_equal(notes.left_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_form),
		cmocka_unit_test(nothing_in_a_text_makes_another_line),
		cmocka_unit_test(json_is_json_whatever_is_said),
		cmocka_unit_test(a_long_text_is_cut),
		cmocka_unit_test(so_many_come_at_once_and_the_rest_is_counted),
		cmocka_unit_test(what_nobody_writes_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
