#include "server/notes.h"

#include <stdio.h>

#define NS       INT64_C(1000000000)
#define INTERVAL (NS / TD_NOTES_PER_SECOND)

static const char *const names[] = {"debug", "info", "warning", "error"};
static const char levels[] = {'7', '6', '4', '3'}; /* of syslog(3) */

void td_notes_init(struct td_notes *notes, enum td_severity least, enum td_notes_form form)
{
	memset(notes, 0, sizeof(*notes));
	notes->least = least;
	notes->form = form;
}

/* A line that gathers; what does not fit is left away, and `full` says so. */
struct line {
	char at[6 * TD_NOTE_BYTES_MAX + 128]; /* each byte may become "\u001f" */
	size_t len;
};

static void put(struct line *line, const char *bytes, size_t len)
{
	TD_ASSERT(len <= sizeof(line->at) - line->len);
	memcpy(line->at + line->len, bytes, len);
	line->len += len;
}

static void put_string(struct line *line, const char *string)
{
	put(line, string, strlen(string));
}

static void put_escaped(struct line *line, unsigned char c, bool json)
{
	char text[8];

	if (c == '"' || c == '\\')
		snprintf(text, sizeof(text), json ? "\\%c" : "%c", c);
	else
		snprintf(text, sizeof(text), json ? "\\u%04x" : "\\x%02X", c);
	put_string(line, text);
}

static void put_text(struct line *line, const char *text, bool json)
{
	const char *end = text + strnlen(text, TD_NOTE_BYTES_MAX), *next = text;

	while (text < end) {
		uint32_t character = td_utf8_next(&next, end);
		unsigned char c = (unsigned char)*text;
		char bytes[4];

		if (c < 0x20 || c == 0x7F || c == '"' || c == '\\')
			put_escaped(line, c, json);
		else if (character >= 0x80 && character < 0xA0) /* C1: terminals obey them */
			put(line, "\xEF\xBF\xBD", 3);
		else
			put(line, bytes, td_utf8_put(bytes, character));
		text = next;
	}
	if (*end != '\0')
		put_string(line, "...");
}

static void make(struct line *line, const struct td_notes *notes, enum td_severity severity,
	const char *text, td_time wall)
{
	char time[TD_TIME_BYTES];

	line->len = 0;
	td_time_format(wall, time);
	switch (notes->form) {
	case TD_NOTES_TEXT:
		put(line, time, sizeof(time));
		put_string(line, " ");
		put_string(line, names[severity]);
		put_string(line, " ");
		break;
	case TD_NOTES_JSON:
		put_string(line, "{\"time\":\"");
		put(line, time, sizeof(time));
		put_string(line, "\",\"level\":\"");
		put_string(line, names[severity]);
		put_string(line, "\",\"message\":\"");
		break;
	case TD_NOTES_JOURNAL:
		put(line, (const char[]){'<', levels[severity], '>'}, 3);
		break;
	}
	put_text(line, text, notes->form == TD_NOTES_JSON);
	put_string(line, notes->form == TD_NOTES_JSON ? "\"}\n" : "\n");
}

static void append(struct td_notes *notes, const struct line *line)
{
	memcpy(notes->bytes + notes->len, line->at, line->len);
	notes->len += line->len;
	notes->written_ever += line->len > 0;
}

static bool over(struct td_notes *notes, enum td_severity severity, int64_t now)
{
	int64_t *spent = &notes->spent[severity];
	int64_t next = (*spent > now ? *spent : now) + INTERVAL;

	if (next > now + TD_NOTES_AT_ONCE * INTERVAL)
		return true;
	*spent = next;
	return false;
}

void td_notes_say(struct td_notes *notes, enum td_severity severity, const char *text, td_time wall,
	int64_t now)
{
	struct line first = {.len = 0}, line;
	char words[64];

	if (severity < notes->least)
		return;
	if (notes->left_out > 0) {
		snprintf(words, sizeof(words), "%llu lines were left out",
			(unsigned long long)notes->left_out);
		make(&first, notes, TD_SAY_WARNING, words, wall);
	}
	make(&line, notes, severity, text, wall);
	if (first.len + line.len > sizeof(notes->bytes) - notes->len ||
		over(notes, severity, now)) {
		notes->left_out++;
		notes->left_out_ever++;
		return;
	}
	append(notes, &first);
	append(notes, &line);
	notes->left_out = 0;
}

struct td_text td_notes_waiting(const struct td_notes *notes)
{
	return td_text_of(notes->bytes, notes->len);
}

void td_notes_written(struct td_notes *notes, size_t len)
{
	TD_ASSERT(len <= notes->len);
	memmove(notes->bytes, notes->bytes + len, notes->len - len);
	notes->len -= len;
}
