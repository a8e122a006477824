#include "flow/facts.h"

#include <strings.h>

/* What lines said, as it stands there. */
struct said {
	struct td_text id, causation, traceparent, kind;
};

/* The first of a name counts, as everywhere. */
static void take(struct td_text *text, struct td_text value)
{
	if (text->at == NULL)
		*text = value;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Of a line "key: value" the value, without blanks around; key_len is where the colon stands. */
static struct td_text value_of(const char *line, size_t len, size_t key_len)
{
	const char *at = line + key_len + 1, *end = line + len;

	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	return td_text_of(at, (size_t)(end - at));
}

static bool is_key(const char *line, size_t len, const char *key, size_t key_len)
{
	return len > key_len && line[key_len] == ':' && memcmp(line, key, key_len) == 0;
}

#define IS_KEY(literal) is_key(line, len, literal, sizeof(literal) - 1)
#define VALUE(literal)  value_of(line, len, sizeof(literal) - 1)

static void read_line(struct said *said, const char *line, size_t len)
{
	if (IS_KEY("ce-id"))
		take(&said->id, VALUE("ce-id"));
	else if (IS_KEY("ce-causationid"))
		take(&said->causation, VALUE("ce-causationid"));
	else if (IS_KEY("ce-traceparent"))
		said->traceparent = VALUE("ce-traceparent");
	else if (IS_KEY("td-kind"))
		take(&said->kind, VALUE("td-kind"));
	else if (len > 11 && line[11] == ':' && strncasecmp(line, "traceparent", 11) == 0)
		take(&said->traceparent, VALUE("traceparent"));
}

static void read_block(struct said *said, struct td_text block)
{
	while (block.len > 0) {
		const char *end = memchr(block.at, '\n', block.len);
		size_t len = end != NULL ? (size_t)(end - block.at) : block.len;

		/* "c", "t", "T": all others are of no use here. */
		if (len > 5 && (block.at[0] == 'c' || (block.at[0] | 0x20) == 't'))
			read_line(said, block.at, len);
		if (end == NULL)
			break;
		block = td_text_of(end + 1, block.len - len - 1);
	}
}

/* Where it stands in `buf`, which still may move. */
struct decoded {
	bool is;
	size_t at, len;
};

static struct decoded decode(struct td_text value, struct td_buf *buf)
{
	struct decoded decoded = {.at = buf->len};

	if (value.at == NULL || (memchr(value.at, '%', value.len) == NULL &&
					memchr(value.at, '"', value.len) == NULL))
		return decoded;
	/* What cannot be decoded stands for itself. */
	decoded.is = td_header_value_decode(buf, value, NULL) == 0;
	decoded.len = buf->len - decoded.at;
	return decoded;
}

static struct td_text text_of(
	struct td_text value, const struct decoded *decoded, const struct td_buf *buf)
{
	return decoded->is ? td_text_of(buf->at + decoded->at, decoded->len) : value;
}

static enum td_flow_kind kind_of(struct td_text kind)
{
	if (td_text_is(kind, "command"))
		return TD_FLOW_COMMAND;
	if (td_text_is(kind, "query"))
		return TD_FLOW_QUERY;
	return td_text_is(kind, "reply") ? TD_FLOW_REPLY : TD_FLOW_EVENT;
}

void td_flow_facts_read(struct td_flow_facts *facts, struct td_text headers, struct td_text server,
	struct td_buf *buf)
{
	struct said said = {0};
	struct decoded id, causation;

	td_buf_reset(buf);
	read_block(&said, headers);
	id = decode(said.id, buf);
	causation = decode(said.causation, buf);
	*facts = (struct td_flow_facts){
		.id = text_of(said.id, &id, buf),
		.causation = text_of(said.causation, &causation, buf),
		.kind = kind_of(said.kind),
	};
	if (facts->causation.at == NULL)
		facts->causation = td_server_get(server, TD_SERVER_CAUSATION);
	if (!td_traceparent_read(said.traceparent, &facts->trace))
		facts->trace = (struct td_traceparent){0};
}

struct td_text td_flow_type_of(const struct td_stored *stored)
{
	return stored->type.len > 0 ? stored->type : td_text("nats.message");
}
