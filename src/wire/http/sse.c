#include "wire/http/sse.h"

/* --- writing ------------------------------------------------------------------------------ */

static bool is_line(struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\n' || text.at[i] == '\r' || text.at[i] == '\0')
			return false;
	}
	return true;
}

static void add_field(struct td_buf *buf, const char *name, struct td_text value)
{
	td_buf_add_string(buf, name);
	td_buf_add_text(buf, value);
	td_buf_add_char(buf, '\n');
}

/* The next line of *rest, without its end; false behind the last. A text has one more than ends. */
static bool next_line(struct td_text *rest, struct td_text *line)
{
	size_t len = 0, end;

	if (rest->at == NULL)
		return false;
	while (len < rest->len && rest->at[len] != '\n' && rest->at[len] != '\r')
		len++;
	*line = td_text_of(rest->at, len);
	if (len == rest->len) {
		*rest = td_text(NULL);
		return true;
	}
	end = rest->at[len] == '\r' && len + 1 < rest->len && rest->at[len + 1] == '\n' ? 2 : 1;
	*rest = td_text_of(rest->at + len + end, rest->len - len - end);
	return true;
}

bool td_sse_add(struct td_buf *buf, struct td_text id, struct td_text event, struct td_text data)
{
	struct td_text line;

	if (!is_line(id) || !is_line(event))
		return false;
	if (id.at != NULL)
		add_field(buf, "id: ", id);
	if (event.at != NULL)
		add_field(buf, "event: ", event);
	while (next_line(&data, &line))
		add_field(buf, "data: ", line);
	td_buf_add_char(buf, '\n');
	return true;
}

void td_sse_add_comment(struct td_buf *buf, struct td_text text)
{
	TD_ASSERT(is_line(text));
	add_field(buf, ": ", text);
	td_buf_add_char(buf, '\n');
}

void td_sse_add_retry(struct td_buf *buf, uint32_t retry_ms)
{
	td_buf_add_string(buf, "retry: ");
	td_buf_add_u64(buf, retry_ms);
	td_buf_add(buf, "\n\n", 2);
}

/* --- reading ------------------------------------------------------------------------------ */

void td_sse_reader_init(struct td_sse_reader *reader, size_t bytes_max)
{
	*reader = (struct td_sse_reader){.retry_ms = UINT32_MAX};
	td_buf_init(&reader->line, bytes_max);
	td_buf_init(&reader->data, bytes_max);
	td_buf_init(&reader->event, bytes_max);
	td_buf_init(&reader->id, bytes_max);
}

void td_sse_reader_fini(struct td_sse_reader *reader)
{
	td_buf_fini(&reader->line);
	td_buf_fini(&reader->data);
	td_buf_fini(&reader->event);
	td_buf_fini(&reader->id);
}

static void set(struct td_buf *buf, struct td_text text)
{
	td_buf_reset(buf);
	td_buf_add_text(buf, text);
}

static void set_retry(struct td_sse_reader *reader, struct td_text value)
{
	uint32_t retry_ms = 0;

	if (value.len == 0 || value.len > 9)
		return;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return;
		retry_ms = retry_ms * 10 + (uint32_t)(value.at[i] - '0');
	}
	reader->retry_ms = retry_ms;
}

/* A whole line that is not empty. What is no field that is known is passed over. */
static void take_line(struct td_sse_reader *reader, struct td_text line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct td_text name = line, value = td_text("");

	if (colon != NULL) {
		name = td_text_of(line.at, (size_t)(colon - line.at));
		value = td_text_of(colon + 1, line.len - name.len - 1);
	}
	if (value.len > 0 && value.at[0] == ' ')
		value = td_text_of(value.at + 1, value.len - 1);
	if (td_text_is(name, "data")) {
		if (reader->has_data)
			td_buf_add_char(&reader->data, '\n');
		td_buf_add_text(&reader->data, value);
		reader->has_data = true;
	} else if (td_text_is(name, "event")) {
		set(&reader->event, value);
	} else if (td_text_is(name, "id")) {
		if (value.len == 0 || memchr(value.at, '\0', value.len) == NULL)
			set(&reader->id, value);
	} else if (td_text_is(name, "retry")) {
		set_retry(reader, value);
	}
}

static struct td_text shown(const struct td_buf *buf)
{
	return buf->len > 0 ? td_buf_view(buf) : td_text("");
}

/* An empty line: whether it makes an event. One without data is forgotten, all but its id. */
static bool dispatch(struct td_sse_reader *reader, struct td_sse_event *event)
{
	reader->given = true;
	if (!reader->has_data)
		return false;
	event->id = shown(&reader->id);
	event->event = reader->event.len > 0 ? td_buf_view(&reader->event) : td_text("message");
	event->data = shown(&reader->data);
	return true;
}

static void begin_event(struct td_sse_reader *reader)
{
	td_buf_reset(&reader->data);
	td_buf_reset(&reader->event);
	reader->has_data = reader->given = false;
}

static bool is_marked(struct td_text line)
{
	return line.len >= 3 && memcmp(line.at, "\xEF\xBB\xBF", 3) == 0;
}

/* The line in reader->line has ended. */
static bool end_line(struct td_sse_reader *reader, struct td_sse_event *event)
{
	struct td_text line = td_buf_view(&reader->line);
	bool whole = false;

	if (!reader->any && is_marked(line))
		line = td_text_of(line.at + 3, line.len - 3);
	reader->any = true;
	if (line.len > 0)
		take_line(reader, line);
	else
		whole = dispatch(reader, event);
	td_buf_reset(&reader->line);
	return whole;
}

static int failure_of(const struct td_sse_reader *reader)
{
	const int codes[] = {
		reader->line.code, reader->data.code, reader->event.code, reader->id.code};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] != 0)
			return codes[i];
	}
	return 0;
}

enum td_sse_parsed td_sse_read(struct td_sse_reader *reader, const char *bytes, size_t len,
	size_t *taken, struct td_sse_event *event)
{
	const char *at = bytes, *end = bytes + len;
	bool whole = false;

	while (at < end && !whole) {
		const char *start = at;

		if (reader->given)
			begin_event(reader);
		if (reader->cr && *at == '\n')
			start++;
		reader->cr = false;
		for (at = start; at < end && *at != '\n' && *at != '\r'; at++)
			;
		td_buf_add(&reader->line, start, (size_t)(at - start));
		if (at == end || reader->line.code != 0)
			break;
		reader->cr = *at++ == '\r';
		whole = end_line(reader, event);
	}
	*taken = (size_t)(at - bytes);
	reader->code = failure_of(reader);
	if (reader->code != 0)
		return TD_SSE_FAILED;
	return whole ? TD_SSE_EVENT : TD_SSE_MORE;
}
