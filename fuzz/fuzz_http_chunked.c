/*
 * A chunked body. It is taken or refused as by a naive twin that has it all before it, and its
 * pieces make the same bytes; what is taken was so many bytes of the input.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "wire/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct td_http_limits limits = {.trailer_bytes_max = 64, .body_bytes_max = 4096};

#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct twin {
	const char *at, *end; /* a NUL stands behind */
	size_t extensions, trailers, lines;
	struct td_buf body;
};

static bool line_end(struct twin *twin)
{
	if (twin->end - twin->at < 2 || memcmp(twin->at, "\r\n", 2) != 0)
		return false;
	twin->at += 2;
	return true;
}

static size_t token(struct twin *twin)
{
	size_t len = strspn(twin->at, TOKEN);

	twin->at += len;
	return len;
}

static bool quoted(struct twin *twin)
{
	for (twin->at++; twin->at < twin->end; twin->at++) {
		if (*twin->at == '"') {
			twin->at++;
			return true;
		}
		if (*twin->at == '\\')
			twin->at++;
		if (twin->at == twin->end || *twin->at == 0x7F ||
			((unsigned char)*twin->at < 32 && *twin->at != '\t'))
			return false;
	}
	return false;
}

static bool extensions(struct twin *twin)
{
	const char *start = twin->at;

	while (*twin->at == ';') {
		twin->at++;
		if (token(twin) == 0)
			return false;
		if (*twin->at != '=')
			continue;
		twin->at++;
		if (*twin->at == '"' ? !quoted(twin) : token(twin) == 0)
			return false;
	}
	twin->extensions += (size_t)(twin->at - start);
	return twin->extensions <= limits.trailer_bytes_max;
}

static bool trailer(struct twin *twin)
{
	const char *start = twin->at;

	if (token(twin) == 0 || *twin->at != ':')
		return false;
	for (twin->at++; twin->at < twin->end && *twin->at != '\r'; twin->at++) {
		if (*twin->at == 0x7F || ((unsigned char)*twin->at < 32 && *twin->at != '\t'))
			return false;
	}
	twin->trailers += (size_t)(twin->at - start);
	return line_end(twin) && ++twin->lines <= 100 && twin->trailers <= limits.trailer_bytes_max;
}

static bool twin_takes(struct twin *twin)
{
	for (;;) {
		size_t digits = strspn(twin->at, "0123456789abcdefABCDEF");
		unsigned long long len;

		if (digits == 0 || digits > 15)
			return false;
		len = strtoull(twin->at, NULL, 16);
		twin->at += digits;
		if (!extensions(twin) || !line_end(twin))
			return false;
		if (len == 0)
			break;
		if (len > limits.body_bytes_max - twin->body.len ||
			len > (size_t)(twin->end - twin->at))
			return false;
		td_buf_add(&twin->body, twin->at, (size_t)len);
		twin->at += len;
		if (!line_end(twin))
			return false;
	}
	while (!line_end(twin)) {
		if (!trailer(twin))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct td_buf gathered = TD_BUF_INIT(SIZE_MAX / 2);
	struct twin twin = {.at = copy, .end = copy + size};
	enum td_http_body_read read = TD_HTTP_PIECE;
	struct td_http_body body;
	size_t at = 0, taken;
	struct td_text piece;
	bool takes;

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	td_buf_init(&twin.body, SIZE_MAX / 2);
	takes = twin_takes(&twin);
	td_http_body_init(&body, TD_HTTP_BY_CHUNKS, 0, &limits);
	while (read == TD_HTTP_PIECE) {
		read = td_http_body_next(&body, (const char *)data + at, size - at, &taken, &piece);
		at += taken;
		if (read == TD_HTTP_PIECE)
			td_buf_add_text(&gathered, piece);
	}
	TD_ASSERT(at <= size && (read == TD_HTTP_BODY_END) == takes);
	if (takes) {
		TD_ASSERT(at == (size_t)(twin.at - copy) && body.total == twin.body.len);
		TD_ASSERT(gathered.len == twin.body.len &&
			  (gathered.len == 0 ||
				  memcmp(gathered.at, twin.body.at, gathered.len) == 0));
	}
	td_buf_fini(&twin.body);
	td_buf_fini(&gathered);
	free(copy);
	return 0;
}
