/*
 * A stored event as an event: the client's block with the server's words in it.
 */
#include "store/private.h"

/* Lines that only the server may say. */
static bool is_servers(struct td_text line)
{
	static const struct td_text keys[] = {TD_TEXT_INIT("ce-authid:"),
		TD_TEXT_INIT("ce-recordedtime:"), TD_TEXT_INIT("ce-erased:")};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (line.len >= keys[i].len && memcmp(line.at, keys[i].at, keys[i].len) == 0)
			return true;
	}
	return false;
}

/* The client's lines, without the empty one at the end. */
static void add_lines(struct td_buf *buf, struct td_text block)
{
	while (block.len > 0) {
		const char *end = memchr(block.at, '\n', block.len);
		size_t len = end != NULL ? (size_t)(end - block.at) + 1 : block.len;
		struct td_text line = td_text_of(block.at, len);

		if (!td_text_is(line, "\r\n") && !is_servers(line))
			td_buf_add_text(buf, line);
		block = td_text_of(block.at + len, block.len - len);
	}
}

static void add_line(struct td_buf *buf, const char *key, struct td_text value)
{
	if (value.at == NULL)
		return;
	td_buf_add_string(buf, key);
	td_buf_add_string(buf, ": ");
	td_header_value_encode(buf, value);
	td_buf_add_string(buf, "\r\n");
}

static void build(struct td_buf *block, const struct td_stored *stored)
{
	char time[TD_TIME_BYTES];

	if (stored->headers.len > 0)
		add_lines(block, stored->headers);
	else
		td_buf_add_string(block, "NATS/1.0\r\n");
	if (td_block_value(stored->headers, "ce-type", NULL).at == NULL)
		add_line(block, "ce-type",
			stored->type.len > 0 ? stored->type : td_text("nats.message"));
	add_line(block, "ce-authid", td_server_get(stored->server, TD_SERVER_AUTHID));
	add_line(block, "ce-correlationid", td_server_get(stored->server, TD_SERVER_CORRELATION));
	add_line(block, "ce-causationid", td_server_get(stored->server, TD_SERVER_CAUSATION));
	td_time_format(stored->time, time);
	add_line(block, "ce-recordedtime", td_text_of(time, sizeof(time)));
	if (stored->erased)
		add_line(block, "ce-erased", td_text("true"));
	td_buf_add_string(block, "\r\n");
}

int td_stored_event(struct td_store *store, const struct td_stored *stored, struct td_event **event,
	struct td_error *err)
{
	struct td_buf block = TD_BUF_INIT(2 * TD_HEADER_BYTES_MAX), names = TD_BUF_INIT(512);
	struct td_text id = {NULL, 0}, source = {NULL, 0};
	const struct td_log *log;
	int code;

	td_mutex_lock(&store->lock);
	log = td_logs_number(&store->logs, stored->log);
	if (log != NULL)
		td_buf_printf(&names, "nats:%s%s-%" PRIu64, log->name, log->name, stored->seq);
	if (log != NULL && names.code == 0) {
		source = td_text_of(names.at, 5 + strlen(log->name));
		id = td_text_of(names.at + source.len, names.len - source.len);
	}
	td_mutex_unlock(&store->lock);
	build(&block, stored);
	code = td_buf_check(&block, err);
	if (code == 0)
		code = td_event_read_headers(event, td_buf_view(&block), stored->payload,
			stored->address, id, source, err);
	td_buf_fini(&block);
	td_buf_fini(&names);
	return code;
}
