#include "wire/http/request.h"

#include "wire/http/lines.h"

/* --- the target --------------------------------------------------------------------------- */

/* A path with or without a query: each byte one that may stand there, percent signs with digits. */
static enum td_http_error check_path(struct td_text target)
{
	const char *at = target.at, *end = at + target.len;
	unsigned classes = TD_HTTP_PCHAR;

	for (;;) {
		at += td_http_span(at, end, classes);
		if (at == end)
			return TD_HTTP_FINE;
		if (*at == '?') {
			classes = TD_HTTP_QUERY;
		} else if (*at != '%') {
			return TD_HTTP_E_TARGET_BYTE;
		} else {
			if (end - at < 3 || !td_http_is(at[1], TD_HTTP_HEX) ||
				!td_http_is(at[2], TD_HTTP_HEX))
				return TD_HTTP_E_PERCENT;
			at += 2;
		}
		at++;
	}
}

/* What stands behind "http://", or 0. RFC 9110, section 4.2. */
static size_t scheme_of(struct td_text target)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);

		if (target.len > len && td_http_is_word(td_text_of(target.at, len), schemes[i]))
			return len;
	}
	return 0;
}

static enum td_http_error read_url(
	const struct td_http_lines *in, struct td_text target, size_t scheme)
{
	const char *at = target.at + scheme, *end = target.at + target.len, *stop = at;

	while (stop < end && *stop != '/' && *stop != '?')
		stop++;
	/* A user before the host is a way to look like another: RFC 9110, section 4.2.4. */
	if (!td_http_is_host(td_text_of(at, (size_t)(stop - at))))
		return TD_HTTP_E_TARGET;
	in->reader->form = TD_HTTP_ABSOLUTE;
	in->reader->host = td_http_range_of(in, td_text_of(at, (size_t)(stop - at)));
	return check_path(td_text_of(stop, (size_t)(end - stop)));
}

static enum td_http_error read_target(const struct td_http_lines *in, struct td_text target)
{
	struct td_http_reader *reader = in->reader;
	size_t scheme;

	if (target.len > in->limits->target_bytes_max)
		return TD_HTTP_E_TARGET_LONG;
	reader->target = td_http_range_of(in, target);
	if (target.at[0] == '/') {
		reader->form = TD_HTTP_ORIGIN;
		return check_path(target);
	}
	scheme = scheme_of(target);
	if (scheme > 0)
		return read_url(in, target, scheme);
	if (!td_text_is(target, "*") || reader->method != TD_HTTP_OPTIONS)
		return TD_HTTP_E_TARGET;
	reader->form = TD_HTTP_ASTERISK;
	return TD_HTTP_FINE;
}

/* --- the line ----------------------------------------------------------------------------- */

static bool find_method(struct td_text text, uint8_t *method)
{
	for (unsigned i = 0; i < TD_HTTP_METHODS; i++) {
		if (td_text_is(text, td_http_method_name((enum td_http_method)i))) {
			*method = (uint8_t)i;
			return true;
		}
	}
	return false;
}

static enum td_http_error request_line(const struct td_http_lines *in, struct td_text line)
{
	const char *at = line.at, *end = at + line.len, *target, *version;
	struct td_http_reader *reader = in->reader;
	enum td_http_error error;
	size_t method = td_http_span(at, end, TD_HTTP_TOKEN);

	if (method == 0 || method == line.len || at[method] != ' ')
		return TD_HTTP_E_REQUEST_LINE;
	target = at + method + 1;
	version = memchr(target, ' ', (size_t)(end - target));
	if (version == NULL || version == target)
		return TD_HTTP_E_REQUEST_LINE;
	error = td_http_read_version(td_text_of(version + 1, (size_t)(end - version - 1)),
		TD_HTTP_E_REQUEST_LINE, &reader->minor);
	if (error != TD_HTTP_FINE)
		return error;
	if (!find_method(td_text_of(at, method), &reader->method))
		return TD_HTTP_E_METHOD;
	return read_target(in, td_text_of(target, (size_t)(version - target)));
}

/* --- the whole ---------------------------------------------------------------------------- */

static enum td_http_framing framing_of(const struct td_http_reader *reader)
{
	if (reader->said & TD_HTTP_SAID_CODING)
		return TD_HTTP_BY_CHUNKS;
	return reader->length > 0 ? TD_HTTP_BY_LENGTH : TD_HTTP_NO_BODY;
}

static void split_target(struct td_http_request *request)
{
	struct td_text target = request->target;
	const char *at = target.at, *end = at + target.len, *query;

	if (request->form == TD_HTTP_ABSOLUTE)
		at = request->host.at + request->host.len;
	query = at < end ? memchr(at, '?', (size_t)(end - at)) : NULL;
	request->path = td_text_of(at, (size_t)((query != NULL ? query : end) - at));
	request->query = td_text(NULL);
	if (query != NULL)
		request->query = td_text_of(query + 1, (size_t)(end - query - 1));
	if (request->path.len == 0) /* RFC 9112, section 3.2.2: http://host is http://host/ */
		request->path = td_text("/");
}

static void fill(const struct td_http_lines *in, struct td_http_request *request)
{
	const struct td_http_reader *reader = in->reader;

	*request = (struct td_http_request){
		.method = (enum td_http_method)reader->method,
		.form = (enum td_http_form)reader->form,
		.framing = framing_of(reader),
		.length = reader->length,
		.minor = reader->minor,
		.keep_alive = td_http_keeps(reader),
		.target = td_http_text_of(in, reader->target),
		.fields = td_http_fields_of(in),
		.fields_count = reader->count,
		.bytes = reader->line,
	};
	/* RFC 9110, section 10.1.1: of HTTP/1.0 it is not heard; without a body it means nothing. */
	request->expect_continue = (reader->said & TD_HTTP_SAID_CONTINUE) != 0 &&
				   reader->minor > 0 && request->framing != TD_HTTP_NO_BODY;
	if (reader->host.len > 0)
		request->host = td_http_text_of(in, reader->host);
	split_target(request);
}

enum td_http_parsed td_http_read_request(struct td_http_reader *reader,
	const struct td_http_limits *limits, const char *bytes, size_t len,
	struct td_http_request *request)
{
	const struct td_http_limits all = td_http_limits_of(limits);
	const struct td_http_lines in = {reader, &all, bytes, len, false};
	enum td_http_parsed parsed = td_http_read_lines(&in, request_line);

	if (parsed == TD_HTTP_WHOLE) {
		if (reader->minor > 0 && !(reader->said & TD_HTTP_SAID_HOST))
			/* RFC 9112, section 3.2 */
			parsed = td_http_refuse(reader, TD_HTTP_E_HOST_MISSING);
		else if (reader->length > all.body_bytes_max)
			parsed = td_http_refuse(reader, TD_HTTP_E_BODY_LONG);
		else
			fill(&in, request);
	}
	request->error = (enum td_http_error)reader->error;
	return parsed;
}
