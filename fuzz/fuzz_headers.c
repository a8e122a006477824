/*
 * The stored form. Input: the address up to a line feed, the block up to its empty line, the
 * payload. What is accepted
 *	- has for each ce- line that needs no decoding that very value;
 *	- is written and read the same again, and survives JSON.
 * What is refused is refused with a text, and an offset inside if any.
 */
#include <stdint.h>

#include "events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What stands before `mark`, and with it; all there is without one. */
static struct td_text take(struct td_text *rest, const char *mark)
{
	const char *at = rest->len > 0 ? memmem(rest->at, rest->len, mark, strlen(mark)) : NULL;
	size_t len = at != NULL ? (size_t)(at - rest->at) + strlen(mark) : rest->len;
	struct td_text taken = td_text_of(rest->at, len);

	*rest = td_text_of(rest->at + len, rest->len - len);
	return taken;
}

static bool is_trimmed_away(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void check_lines(struct td_text block, const struct td_event *event)
{
	while (block.len > 0) {
		struct td_text line = take(&block, "\r\n"), name = take(&line, ":");

		while (line.len > 0 && is_trimmed_away(line.at[0]))
			line = td_text_of(line.at + 1, line.len - 1);
		while (line.len > 0 && is_trimmed_away(line.at[line.len - 1]))
			line.len--;
		if (name.len < 4 || memcmp(name.at, "ce-", 3) != 0 ||
			memchr(line.at, '%', line.len) != NULL ||
			memchr(line.at, '"', line.len) != NULL)
			continue;
		name = td_text_of(name.at + 3, name.len - 4);
		if (event->form == TD_DATA_JSON && td_text_is(name, "datacontenttype"))
			continue; /* perhaps only what was meant */
		check(td_text_equal(td_event_lookup(event, name, NULL), line), "value differs",
			name, line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text rest = td_text_of(data, size), address, block;
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;
	int code;

	address = take(&rest, "\n");
	if (address.len > 0)
		address.len--;
	block = take(&rest, "\r\n\r\n");
	code = td_event_read_headers(
		&event, block, rest, address, td_text("log-7"), td_text("nats:log"), &err);
	if (code != 0) {
		TD_ASSERT(err.code == code && err.text[0] != '\0');
		TD_ASSERT(err.offset <= size || err.offset == TD_NO_OFFSET);
		return 0;
	}
	check_lines(block, event);
	check_block(event);
	check_json(event);
	check_http(event);
	td_event_unref(event);
	return 0;
}
