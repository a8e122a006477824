#include "cli/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "json/json.h"
#include "wire/http/http.h"

#define SILENCE_S 30
#define HEAD_MAX  (64u * 1024u)
#define BODY_MAX  ((size_t)256 << 20)

/* --- the connection ----------------------------------------------------------------------- */

/* "http://HOST:PORT" and maybe a path of "/": its two parts. false: it is none. */
static bool split(const char *url, char host[256], char port[8])
{
	const char *at, *end, *colon;
	size_t len;

	if (strncmp(url, "http://", 7) != 0)
		return false;
	at = url + 7;
	end = at + strcspn(at, "/?#");
	if (*end != '\0' && strcmp(end, "/") != 0)
		return false;
	colon = end;
	while (colon > at && *colon != ':' && *colon != ']')
		colon--;
	if (*colon != ':')
		colon = end; /* no port: 8222 */
	len = (size_t)(colon - at);
	if (at[0] == '[' && len > 2 && at[len - 1] == ']') {
		at++;
		len -= 2;
	}
	if (len == 0 || len >= 256 || (size_t)(end - colon) > 6)
		return false;
	td_text_copy(td_text_of(at, len), host, 256);
	if (colon < end)
		td_text_copy(td_text_of(colon + 1, (size_t)(end - colon - 1)), port, 8);
	else
		td_text_copy(td_text("8222"), port, 8);
	return true;
}

/* The connection, or -1 and errno. */
static int dial(const char *host, const char *port)
{
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
	const struct timeval silence = {.tv_sec = SILENCE_S};
	struct addrinfo *found = NULL;
	int s = -1;

	if (getaddrinfo(host, port, &wanted, &found) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	for (const struct addrinfo *one = found; one != NULL && s < 0; one = one->ai_next) {
		s = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (s < 0)
			continue;
		setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
		setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
		if (connect(s, one->ai_addr, one->ai_addrlen) != 0) {
			int failed = errno;

			close(s);
			errno = failed;
			s = -1;
		}
	}
	freeaddrinfo(found);
	return s;
}

static int send_all(int s, const struct td_buf *bytes)
{
	size_t done = 0;

	while (done < bytes->len) {
		ssize_t put = send(s, bytes->at + done, bytes->len - done, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR)
			return errno;
		done += put > 0 ? (size_t)put : 0;
	}
	return 0;
}

/* More bytes behind those there are. 0; errno; EPIPE: it has ended. */
static int receive(int s, struct td_buf *bytes)
{
	char *room = td_buf_reserve(bytes, 65536);
	ssize_t got;

	if (room == NULL)
		return ENOMEM;
	do
		got = recv(s, room, 65536, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? ETIMEDOUT : errno;
	bytes->len += (size_t)got;
	return got > 0 ? 0 : EPIPE;
}

/* --- the answer --------------------------------------------------------------------------- */

/* errno; EPROTO: it does not speak HTTP. */
static int read_head(int s, struct td_buf *bytes, struct td_http_answer *answer)
{
	static const struct td_http_limits limits = {.head_bytes_max = HEAD_MAX};
	struct td_http_reader reader = {.line = 0};
	enum td_http_parsed parsed;
	int code;

	do {
		code = bytes->len < HEAD_MAX ? receive(s, bytes) : EPROTO;
		if (code != 0)
			return code;
		parsed = td_http_read_response(
			&reader, &limits, TD_HTTP_GET, bytes->at, bytes->len, answer);
	} while (parsed == TD_HTTP_MORE);
	return parsed == TD_HTTP_WHOLE ? 0 : EPROTO;
}

static int read_body(
	int s, struct td_buf *bytes, const struct td_http_answer *answer, struct td_buf *to)
{
	const struct td_http_limits limits = {.body_bytes_max = BODY_MAX};
	struct td_http_body body;
	size_t at = answer->bytes;
	int code = 0;

	td_http_body_init(&body, answer->framing, answer->length, &limits);
	while (code == 0) {
		struct td_text piece;
		size_t taken;
		enum td_http_body_read read =
			td_http_body_next(&body, bytes->at + at, bytes->len - at, &taken, &piece);

		at += taken;
		if (read == TD_HTTP_PIECE) {
			td_buf_add_text(to, piece);
		} else if (read == TD_HTTP_BODY_END) {
			return 0;
		} else if (read == TD_HTTP_BODY_WRONG) {
			return EPROTO;
		} else {
			td_buf_reset(bytes);
			at = 0;
			code = receive(s, bytes);
		}
	}
	return code == EPIPE && td_http_body_may_close(&body) ? 0 : code;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int ask(int s, const char *host, const char *port, const char *target, unsigned *status,
	struct td_buf *body)
{
	struct td_buf bytes = TD_BUF_INIT(SIZE_MAX / 2);
	bool colons = strchr(host, ':') != NULL;
	struct td_http_answer answer;
	int code;

	td_buf_printf(&bytes,
		"GET %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		target, colons ? "[" : "", host, colons ? "]" : "", port);
	code = td_buf_check(&bytes, NULL) != 0 ? ENOMEM : send_all(s, &bytes);
	td_buf_reset(&bytes);
	if (code == 0)
		code = read_head(s, &bytes, &answer);
	if (code == 0) {
		*status = answer.status;
		code = read_body(s, &bytes, &answer, body);
	}
	td_buf_fini(&bytes);
	return code;
}

/* What the server refused, in its own words: a problem document. */
static int refused(
	const struct td_cli *cli, const char *target, unsigned status, struct td_text body)
{
	struct td_buf detail = TD_BUF_INIT(4096);
	struct td_json root, value;
	int code = 0;

	if (td_json_parse(body, 0, &root, NULL) == 0) {
		value = td_json_get(root, td_text("code"));
		for (int i = 1; code == 0 && strcmp(td_error_name(i), "unknown") != 0; i++) {
			if (td_json_string_is(value, td_text(td_error_name(i))))
				code = i;
		}
		value = td_json_get(root, td_text("detail"));
		if (value.kind == TD_JSON_STRING)
			td_json_unescape(value, &detail);
	}
	code = td_cli_refuse(cli, code, NULL, "%s: status %u%s%.*s", target, status,
		detail.len > 0 ? ": " : "", (int)detail.len, detail.at != NULL ? detail.at : "");
	td_buf_fini(&detail);
	return code;
}

int td_cli_fetch(const struct td_cli *cli, const char *url, const char *target, struct td_buf *body)
{
	struct td_error err = TD_ERROR_INIT;
	char host[256], port[8];
	unsigned status = 0;
	int s, code;

	if (!split(url, host, port))
		return td_cli_refuse(
			cli, TD_E_INVALID, "a server is http://HOST:PORT", "%s is no server", url);
	s = dial(host, port);
	code = s < 0 ? errno : ask(s, host, port, target, &status, body);
	if (s >= 0)
		close(s);
	if (code == EPROTO)
		return td_cli_refuse(cli, TD_E_FORMAT, "is that a server of ours?",
			"%s does not answer as HTTP has it", url);
	if (code != 0) {
		td_error_system(&err, code, "%s", url);
		return td_cli_fail(cli, &err, "is a server there?  tidings serve", "cannot ask");
	}
	if (td_buf_check(body, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "%s", target);
	if (status != 200)
		return refused(cli, target, status, td_buf_view(body));
	return 0;
}

void td_cli_fetch_escape(struct td_buf *to, struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';

		if (plain)
			td_buf_add_char(to, (char)c);
		else
			td_buf_printf(to, "%%%02X", c);
	}
}
