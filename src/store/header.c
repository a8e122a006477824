#include "store/header.h"

#include "store/server.h"

static struct td_text trim(struct td_text text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
		text = td_text_of(text.at + 1, text.len - 1);
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t' ||
				       text.at[text.len - 1] == '\r'))
		text.len--;
	return text;
}

static struct td_text decode(struct td_text value, struct td_buf *buf)
{
	size_t from;

	if (buf == NULL || (memchr(value.at, '%', value.len) == NULL &&
				   memchr(value.at, '"', value.len) == NULL))
		return value;
	from = buf->len;
	/* What cannot be decoded stands for itself. */
	if (td_header_value_decode(buf, value, NULL) != 0)
		return value;
	return td_text_of(buf->at + from, buf->len - from);
}

struct td_text td_block_value(struct td_text block, const char *key, struct td_buf *buf)
{
	size_t key_len = strlen(key);

	while (block.len > 0) {
		const char *end = memchr(block.at, '\n', block.len);
		size_t len = end != NULL ? (size_t)(end - block.at) : block.len;

		if (len > key_len && block.at[key_len] == ':' &&
			memcmp(block.at, key, key_len) == 0)
			return decode(
				trim(td_text_of(block.at + key_len + 1, len - key_len - 1)), buf);
		if (end == NULL)
			break;
		block = td_text_of(end + 1, block.len - len - 1);
	}
	return td_text(NULL);
}

struct td_text td_block_story(struct td_text block, struct td_text server, struct td_buf *buf)
{
	struct td_text story = td_block_value(block, "ce-correlationid", buf);
	struct td_traceparent trace;

	if (story.at == NULL)
		story = td_server_get(server, TD_SERVER_CORRELATION);
	if (story.at != NULL)
		return story;
	if (td_traceparent_read(td_block_value(block, "ce-traceparent", NULL), &trace) ||
		td_traceparent_read(td_block_value(block, "traceparent", NULL), &trace))
		return trace.trace;
	return td_block_value(block, "ce-id", buf);
}
