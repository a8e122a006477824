#include "client/http_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * http://[USER:PASSWORD@|TOKEN@]HOST[:PORT][/]. What stands before the "@" is percent-decoded and goes into
 * Authorization; it is in no message.
 */

#define SCHEME  "http://"
#define SCHEMES "https://"

static int wrong(struct td_error *err, const char *what)
{
	return td_error_set(
		err, TD_E_INVALID, TD_NO_OFFSET, "url: %s; as in \"http://127.0.0.1:8222\"", what);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Into `out`; false: a percent sign that stands for nothing, or a byte that no field can have. */
static bool decode(struct td_text text, struct td_buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex(text.at[i + 1]) : -1;
			int low = high >= 0 ? hex(text.at[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (unsigned char)(high * 16 + low);
			i += 2;
		}
		if (c < 0x20 || c == 0x7F)
			return false;
		td_buf_add_char(out, (char)c);
	}
	return true;
}

/* A user and a password are Basic (RFC 7617), a word alone is a bearer token (RFC 6750). */
static int read_user(struct td_http_url *url, struct td_text user, struct td_error *err)
{
	const char *colon = memchr(user.at, ':', user.len);
	struct td_buf plain = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_buf value = TD_BUF_INIT(2 * TD_ATTRIBUTE_BYTES_MAX);
	struct td_bytes bytes;
	int code;

	if (!decode(user, &plain)) {
		td_buf_fini(&plain);
		return wrong(err, "what stands before \"@\" cannot be decoded");
	}
	td_buf_add_string(&value, colon != NULL ? "Basic " : "Bearer ");
	if (colon != NULL)
		td_base64_encode(&value, td_buf_view(&plain));
	else
		td_buf_add_text(&value, td_buf_view(&plain));
	code = td_buf_check(&plain, err);
	if (code == 0)
		code = td_buf_check(&value, err);
	if (code == 0) {
		td_buf_detach(&value, &bytes);
		url->authorization = bytes.at;
	}
	td_buf_fini(&plain);
	td_buf_fini(&value);
	return code;
}

static int read_host(struct td_http_url *url, struct td_text text, struct td_error *err)
{
	struct td_http_host host;
	char authority[300];
	int len;

	if (!td_http_host_split(text, &host) || host.name.len == 0 || text.len > 255)
		return wrong(err, "HOST:PORT is not one");
	if (host.port > UINT16_MAX ||
		(host.port == 0 && text.len > host.name.len)) /* said, and 0 or nothing */
		return wrong(err, "a port is a number from 1 to 65535");
	url->port = (uint16_t)(host.port != 0 ? host.port : 80);
	len = snprintf(authority, sizeof(authority), "%.*s:%u", TD_TEXT_ARG(host.name), url->port);
	TD_ASSERT(len > 0 && (size_t)len < sizeof(authority));
	if (host.name.at[0] == '[')
		host.name = td_text_of(host.name.at + 1, host.name.len - 2);
	url->authority = strdup(authority);
	url->host = td_text_dup(host.name);
	return url->authority != NULL && url->host != NULL ? 0 : td_error_nomem(err);
}

static int read_parts(struct td_http_url *url, struct td_text rest, struct td_error *err)
{
	size_t len = strcspn(rest.at, "/?#");
	const char *at = len > 0 ? memrchr(rest.at, '@', len) : NULL;
	struct td_text host = td_text_of(rest.at, len);
	int code = 0;

	if (rest.len > len + 1 || (rest.len == len + 1 && rest.at[len] != '/'))
		return wrong(err, "a server has no path and no query here");
	if (at != NULL) {
		host = td_text_of(at + 1, len - (size_t)(at + 1 - rest.at));
		code = read_user(url, td_text_of(rest.at, (size_t)(at - rest.at)), err);
	}
	return code == 0 ? read_host(url, host, err) : code;
}

int td_http_url_read(struct td_http_url *url, const char *text, struct td_error *err)
{
	struct td_http_url read = {0};
	int code;

	if (strncmp(text, SCHEMES, strlen(SCHEMES)) == 0)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"https://: this version speaks http:// only; put TLS before the server, or "
			"a "
			"tunnel");
	TD_ASSERT(strncmp(text, SCHEME, strlen(SCHEME)) == 0);
	code = read_parts(&read, td_text(text + strlen(SCHEME)), err);
	if (code != 0) {
		td_http_url_fini(&read);
		return code;
	}
	*url = read;
	return 0;
}

void td_http_url_fini(struct td_http_url *url)
{
	if (url->authorization != NULL)
		explicit_bzero(url->authorization, strlen(url->authorization));
	free(url->authorization);
	free(url->authority);
	free(url->host);
	*url = (struct td_http_url){0};
}
