/*
 * The head of a request.
 *	- it is taken or refused as by a twin made of regular expressions, which has it all before it;
 *	- what is taken, written again by write.h and read again, is the same.
 */
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/base.h"
#include "wire/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct td_http_limits limits = {
	.target_bytes_max = 60, .field_bytes_max = 200, .head_bytes_max = 1000, .fields_max = 8};

/* --- the twin ----------------------------------------------------------------------------- */

#define TCHAR  "[-!#$%&'*+.^_`|~0-9A-Za-z]"
#define ESCAPE "%[0-9A-Fa-f][0-9A-Fa-f]"
#define PATH   "/([-._~!$&'()*+,;=:@/0-9A-Za-z]|" ESCAPE ")*"
#define QUERY  "([?]([][{}|\\^`?._~!$&'()*+,;=:@/0-9A-Za-z-]|" ESCAPE ")*)?"
#define NAME   "[-._~!$&'()*+,;=0-9A-Za-z]+"
#define PORT                                                                                 \
	"0{0,4}[0-9]|0{0,3}[0-9]{2}|0{0,2}[0-9]{3}|0?[0-9]{4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|" \
	"65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]|0[0-9]{4}"
#define LITERAL "\\[[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*\\]"
#define HOST    "(" NAME "|" LITERAL ")(:(" PORT ")?)?"

enum { REQUEST, ANY_HOST, FIELD, NUMBER, BIG, CHUNKED, CLOSES, PATTERNS };

static regex_t patterns[PATTERNS];

static void compile(void)
{
	static const char *const texts[PATTERNS] = {
		[REQUEST] = "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (" PATH QUERY
			    "|[Hh][Tt][Tt][Pp][Ss]?://(" HOST ")(" PATH ")?" QUERY
			    "|[*]) HTTP/1[.]([0-9])$",
		[ANY_HOST] = "^" HOST "$",
		[FIELD] = "^(" TCHAR "+):[ \t]*(|[^ \t]|[^ \t].*[^ \t])[ \t]*$",
		[NUMBER] = "^(0|[1-9][0-9]{0,17})$",
		[BIG] = "^[1-9][0-9]{18,}$",
		[CHUNKED] = "^[Cc][Hh][Uu][Nn][Kk][Ee][Dd]$",
		[CLOSES] = "(^|,)[ \t]*[Cc][Ll][Oo][Ss][Ee][ \t]*(,|$)",
	};
	static bool compiled;

	for (unsigned i = 0; i < PATTERNS && !compiled; i++)
		TD_ASSERT(regcomp(&patterns[i], texts[i], REG_EXTENDED) == 0);
	compiled = true;
}

static bool fits(unsigned pattern, const char *text, regmatch_t *matches)
{
	return regexec(&patterns[pattern], text, matches != NULL ? 16 : 0, matches, 0) == 0;
}

struct twin {
	bool old, host, length, coding, closes;
	char url_host[64];
	unsigned count;
};

static bool twin_request(struct twin *twin, char *line)
{
	regmatch_t m[16];
	const char *target;
	size_t len;

	if (!fits(REQUEST, line, m))
		return false;
	target = line + m[2].rm_so;
	len = (size_t)(m[2].rm_eo - m[2].rm_so);
	if (len > limits.target_bytes_max || (*target == '*' && strncmp(line, "OPTIONS", 7) != 0))
		return false;
	twin->old = strcmp(line + strlen(line) - 3, "1.0") == 0;
	if (*target != '/' && *target != '*') {
		const char *host = strstr(target, "//") + 2;

		len = strcspn(host, "/? ");
		memcpy(twin->url_host, host, len);
	}
	return true;
}

static bool twin_host(struct twin *twin, const char *value)
{
	if (twin->host || !fits(ANY_HOST, value, NULL))
		return false;
	twin->host = true;
	return twin->url_host[0] == '\0' || strcasecmp(twin->url_host, value) == 0;
}

static bool twin_field(struct twin *twin, char *line)
{
	regmatch_t m[16];
	char *value;

	if (strlen(line) > limits.field_bytes_max || ++twin->count > limits.fields_max ||
		!fits(FIELD, line, m))
		return false;
	line[m[1].rm_eo] = '\0';
	value = line + m[2].rm_so;
	line[m[2].rm_eo] = '\0';
	if (strcasecmp(line, "host") == 0)
		return twin_host(twin, value);
	if (strcasecmp(line, "content-length") == 0) {
		bool fine = !twin->length && !twin->coding && fits(NUMBER, value, NULL) &&
			    strtoull(value, NULL, 10) <= 8u << 20;

		twin->length = true;
		return fine;
	}
	if (strcasecmp(line, "transfer-encoding") == 0) {
		bool fine =
			!twin->length && !twin->coding && !twin->old && fits(CHUNKED, value, NULL);

		twin->coding = true;
		return fine;
	}
	if (strcasecmp(line, "connection") == 0)
		twin->closes = twin->closes || fits(CLOSES, value, NULL);
	return strcasecmp(line, "expect") != 0 || strcasecmp(value, "100-continue") == 0;
}

/* `text` ends with a NUL and has none before; it is the head, up to and with its empty line. */
static bool twin_takes(struct twin *twin, char *text)
{
	char *end;

	if (strlen(text) > limits.head_bytes_max)
		return false;
	for (const char *at = text; *at != '\0'; at++) {
		if (((unsigned char)*at < 0x20 && strchr("\t\r\n", *at) == NULL) || *at == 0x7F ||
			(*at == '\r') != (at[1] == '\n'))
			return false;
	}
	if (strncmp(text, "\r\n", 2) == 0)
		text += 2;
	end = strchr(text, '\r');
	*end = '\0';
	if (!twin_request(twin, text))
		return false;
	for (text = end + 2; *text != '\r'; text = end + 2) {
		end = strchr(text, '\r');
		*end = '\0';
		if (!twin_field(twin, text))
			return false;
	}
	return twin->host || twin->old;
}

/* --- again -------------------------------------------------------------------------------- */

static bool is_ours(struct td_text name)
{
	return td_http_is_word(name, "connection") || td_http_is_word(name, "content-length") ||
	       td_http_is_word(name, "date") || td_http_is_word(name, "host") ||
	       td_http_is_word(name, "transfer-encoding");
}

static bool next_other(struct td_text *rest, struct td_http_header *field)
{
	while (td_http_field_next(rest, field)) {
		if (!is_ours(field->name))
			return true;
	}
	return false;
}

static void write_again(struct td_buf *buf, const struct td_http_request *request)
{
	struct td_text rest = request->fields;
	struct td_http_writer writer;
	struct td_http_header field;
	int code;

	td_http_write_request(&writer, buf, request->method, request->target, request->host);
	writer.terms.close = !request->keep_alive;
	while (next_other(&rest, &field)) {
		char name[256];

		td_http_write_field(
			&writer, td_text_copy(field.name, name, sizeof(name)), field.value);
	}
	code = request->framing == TD_HTTP_BY_CHUNKS
		       ? td_http_write_stream(&writer, NULL)
		       : td_http_write_length(&writer, request->length, NULL);
	TD_ASSERT(code == 0);
}

static void assert_same(const struct td_http_request *a, const struct td_http_request *b)
{
	struct td_text rest_a = a->fields, rest_b = b->fields;
	struct td_http_header field_a, field_b;

	TD_ASSERT(a->method == b->method && a->form == b->form && a->framing == b->framing);
	TD_ASSERT(a->length == b->length && a->keep_alive == b->keep_alive);
	TD_ASSERT(a->expect_continue == b->expect_continue);
	TD_ASSERT(td_text_equal(a->target, b->target) && td_text_equal(a->path, b->path));
	TD_ASSERT(td_text_equal(a->query, b->query));
	TD_ASSERT(a->host.len == b->host.len &&
		  strncasecmp(a->host.at, b->host.at, a->host.len) == 0);
	while (next_other(&rest_a, &field_a)) {
		TD_ASSERT(next_other(&rest_b, &field_b));
		TD_ASSERT(td_text_equal(field_a.name, field_b.name));
		TD_ASSERT(td_text_equal(field_a.value, field_b.value));
	}
	TD_ASSERT(!next_other(&rest_b, &field_b));
}

static void check_again(const struct td_http_request *request)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_reader reader = {0};
	struct td_http_request again;

	write_again(&buf, request);
	TD_ASSERT(td_http_read_request(&reader, &(struct td_http_limits){0}, buf.at, buf.len,
			  &again) == TD_HTTP_WHOLE);
	TD_ASSERT(again.bytes == buf.len);
	assert_same(request, &again);
	td_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *end = size > 0 ? memmem(data, size, "\r\n\r\n", 4) : NULL;
	struct td_http_reader reader = {0};
	struct td_http_request request;
	enum td_http_parsed parsed;
	struct twin twin = {0};
	size_t len;
	char *copy;

	if (end != NULL && end == (const char *)data) /* empty lines before */
		end = memmem(data + 2, size - 2, "\r\n\r\n", 4);
	parsed = td_http_read_request(&reader, &limits, (const char *)data, size, &request);
	if (end == NULL || memchr(data, '\0', size) != NULL) {
		TD_ASSERT(parsed != TD_HTTP_WHOLE || end != NULL);
		return 0;
	}
	compile();
	len = (size_t)(end + 4 - (const char *)data);
	copy = malloc(len + 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, len);
	copy[len] = '\0';
	TD_ASSERT(parsed != TD_HTTP_MORE);
	TD_ASSERT((parsed == TD_HTTP_WHOLE) == twin_takes(&twin, copy));
	if (parsed == TD_HTTP_WHOLE) {
		TD_ASSERT(request.bytes == len);
		TD_ASSERT((request.framing == TD_HTTP_BY_CHUNKS) == twin.coding);
		if (!twin.old)
			TD_ASSERT(request.keep_alive == !twin.closes);
		if (!twin.old)
			check_again(&request);
	}
	free(copy);
	return 0;
}
