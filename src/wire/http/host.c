#include "wire/http/host.h"

#include "wire/http/lines.h"

/* --- syntax ------------------------------------------------------------------------------- */

/* What stands between the brackets of an IP-literal: of the bytes that one has. */
static bool is_literal(const char *at, const char *end)
{
	size_t colons = 0;

	if (at == end)
		return false;
	for (; at < end; at++) {
		if (!td_http_is(*at, TD_HTTP_HEX) && *at != ':' && *at != '.')
			return false;
		colons += *at == ':';
	}
	return colons >= 2;
}

static bool is_port(const char *at, const char *end)
{
	uint32_t port = 0;

	if (end - at > 5)
		return false;
	for (; at < end; at++) {
		if (!td_http_is(*at, TD_HTTP_DIGIT))
			return false;
		port = port * 10 + (uint32_t)(*at - '0');
	}
	return port <= 65535;
}

/* Names with percent signs in them are nowhere in use: refused. */
bool td_http_is_host(struct td_text text)
{
	const char *at = text.at, *end = at + text.len, *stop;

	if (text.len == 0)
		return false;
	if (*at == '[') {
		stop = memchr(at, ']', text.len);
		if (stop == NULL || !is_literal(at + 1, stop))
			return false;
		stop++;
	} else {
		stop = at + td_http_span(at, end, TD_HTTP_HOST);
		if (stop == at)
			return false;
	}
	return stop == end || (*stop == ':' && is_port(stop + 1, end));
}

/* --- taking apart ------------------------------------------------------------------------- */

bool td_http_host_split(struct td_text text, struct td_http_host *host)
{
	const char *colon;
	size_t len = text.len;

	if (!td_http_is_host(text))
		return false;
	colon = memrchr(text.at, ':', text.len);
	host->port = 0;
	if (colon != NULL && (text.at[0] != '[' || colon[-1] == ']')) {
		len = (size_t)(colon - text.at);
		for (const char *at = colon + 1; at < text.at + text.len; at++)
			host->port = host->port * 10 + (uint32_t)(*at - '0');
	}
	host->name = td_text_of(text.at, len);
	return true;
}

/* "127.x.y.z", each a number of the usual form up to 255: anything else is a name. */
static bool is_loopback_4(const char *at, const char *end)
{
	for (unsigned i = 0; i < 4; i++) {
		size_t digits = td_http_span(at, end, TD_HTTP_DIGIT);
		uint64_t value;

		if (!td_http_number(td_text_of(at, digits), 3, &value) || value > 255 ||
			(i == 0 && value != 127))
			return false;
		at += digits;
		if (i < 3 && (at == end || *at++ != '.'))
			return false;
	}
	return at == end;
}

bool td_http_is_loopback(struct td_text name)
{
	static const char mapped[] = "[::ffff:";
	const size_t before = sizeof(mapped) - 1;

	if (name.at == NULL)
		return false;
	if (td_http_is_word(name, "localhost") || td_http_is_word(name, "localhost.") ||
		td_text_is(name, "[::1]"))
		return true;
	if (name.len > before && td_http_is_word(td_text_of(name.at, before), mapped))
		return is_loopback_4(name.at + before, name.at + name.len - 1);
	return is_loopback_4(name.at, name.at + name.len);
}

/* --- Origin ------------------------------------------------------------------------------- */

bool td_http_origin_split(struct td_text text, struct td_http_origin *origin)
{
	static const char between[] = "://";
	const char *at = text.len > 0 ? memmem(text.at, text.len, between, 3) : NULL;

	if (at == NULL)
		return false;
	origin->scheme = td_text_of(text.at, (size_t)(at - text.at));
	origin->host = td_text_of(at + 3, text.len - origin->scheme.len - 3);
	return td_http_is_token(origin->scheme) && td_http_is_host(origin->host);
}

bool td_http_origin_is_loopback(struct td_text text)
{
	struct td_http_origin origin;
	struct td_http_host host;

	return td_http_origin_split(text, &origin) && td_http_host_split(origin.host, &host) &&
	       td_http_is_loopback(host.name);
}
