#include "wire/nats/header.h"

#include <string.h>

#define FIRST "NATS/1.0"

/* What stands before the next CRLF, which is taken too; false: there is none. */
static bool next_line(struct td_text *rest, struct td_text *line)
{
	const char *at = rest->at, *end = at + rest->len, *lf = at;

	for (; lf < end; lf++) {
		lf = memchr(lf, '\n', (size_t)(end - lf));
		if (lf == NULL)
			return false;
		if (lf > at && lf[-1] == '\r') {
			*line = td_text_of(at, (size_t)(lf - 1 - at));
			*rest = td_text_of(lf + 1, (size_t)(end - lf - 1));
			return true;
		}
	}
	return false;
}

static struct td_text trim(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return td_text_of(at, (size_t)(end - at));
}

struct td_text td_nats_header_lines(struct td_text block)
{
	struct td_text first;

	if (block.len == 0 || !next_line(&block, &first))
		return td_text_of("", 0);
	return block;
}

bool td_nats_header_next(struct td_text *lines, struct td_text *key, struct td_text *value)
{
	struct td_text line;

	while (lines->len > 0 && next_line(lines, &line)) {
		const char *colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;

		if (colon == NULL)
			continue;
		*key = td_text_of(line.at, (size_t)(colon - line.at));
		*value = trim(colon + 1, line.at + line.len);
		return true;
	}
	return false;
}

struct td_text td_nats_header(struct td_text block, const char *key)
{
	struct td_text lines = td_nats_header_lines(block), wanted = td_text(key), found, value;

	while (td_nats_header_next(&lines, &found, &value)) {
		if (td_text_equal(found, wanted))
			return value;
	}
	return td_text(NULL);
}

int td_nats_header_status(struct td_text block, struct td_text *text)
{
	const size_t before = sizeof(FIRST) - 1;
	struct td_text line;
	int status = 0;

	if (block.len == 0 || !next_line(&block, &line) || line.len < before + 4 ||
		memcmp(line.at, FIRST " ", before + 1) != 0)
		return 0;
	for (size_t i = before + 1; i < before + 4; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return 0;
		status = status * 10 + (line.at[i] - '0');
	}
	if (status < 100 || (line.len > before + 4 && line.at[before + 4] != ' '))
		return 0;
	*text = trim(line.at + before + 4, line.at + line.len);
	return status;
}
