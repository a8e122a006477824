#include "wire/http/response.h"

#include "wire/http/lines.h"

/* RFC 9112, section 4. The blank behind the status may be missing: many leave it out. */
static enum td_http_error status_line(const struct td_http_lines *in, struct td_text line)
{
	struct td_http_reader *reader = in->reader;
	enum td_http_error error;
	uint64_t status;

	if (line.len < 12 || line.at[8] != ' ' || (line.len > 12 && line.at[12] != ' '))
		return TD_HTTP_E_STATUS_LINE;
	error = td_http_read_version(td_text_of(line.at, 8), TD_HTTP_E_STATUS_LINE, &reader->minor);
	if (error != TD_HTTP_FINE)
		return error;
	if (!td_http_number(td_text_of(line.at + 9, 3), 3, &status) || status < 100 || status > 599)
		return TD_HTTP_E_STATUS_LINE;
	reader->status = (uint16_t)status;
	reader->reason = td_http_range_of(in, td_http_trim(line.at + 12, line.at + line.len));
	return TD_HTTP_FINE;
}

static enum td_http_framing framing_of(
	const struct td_http_reader *reader, enum td_http_method asked)
{
	if (asked == TD_HTTP_HEAD || reader->status < 200 || reader->status == 204 ||
		reader->status == 304)
		return TD_HTTP_NO_BODY;
	if (reader->said & TD_HTTP_SAID_CODING)
		return TD_HTTP_BY_CHUNKS;
	if (!(reader->said & TD_HTTP_SAID_LENGTH))
		return TD_HTTP_BY_CLOSE;
	return reader->length > 0 ? TD_HTTP_BY_LENGTH : TD_HTTP_NO_BODY;
}

enum td_http_parsed td_http_read_response(struct td_http_reader *reader,
	const struct td_http_limits *limits, enum td_http_method asked, const char *bytes,
	size_t len, struct td_http_answer *answer)
{
	const struct td_http_limits all = td_http_limits_of(limits);
	const struct td_http_lines in = {reader, &all, bytes, len, true};
	enum td_http_parsed parsed = td_http_read_lines(&in, status_line);

	if (parsed == TD_HTTP_WHOLE && framing_of(reader, asked) == TD_HTTP_BY_LENGTH &&
		reader->length > all.body_bytes_max)
		parsed = td_http_refuse(reader, TD_HTTP_E_BODY_LONG);
	answer->error = (enum td_http_error)reader->error;
	if (parsed != TD_HTTP_WHOLE)
		return parsed;
	*answer = (struct td_http_answer){
		.status = reader->status,
		.framing = framing_of(reader, asked),
		.length = reader->length,
		.minor = reader->minor,
		.reason = td_http_text_of(&in, reader->reason),
		.fields = td_http_fields_of(&in),
		.fields_count = reader->count,
		.bytes = reader->line,
	};
	answer->keep_alive = td_http_keeps(reader) && answer->framing != TD_HTTP_BY_CLOSE;
	return TD_HTTP_WHOLE;
}
