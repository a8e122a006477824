/*
 * All that comes over one connection. Input: three bytes that say how it is cut, and whether it is
 * read as requests or responses and with small limits; then the stream.
 *	- at once, in random parts, and singly it is read the same: what is taken, and what is
 *	  refused for which reason;
 *	- pieces and views lie inside what was given, in memory of just that size.
 */
#include <stdint.h>

#include "../test/wire_http/play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct td_http_limits limits[2] = {
	{0},
	{.target_bytes_max = 12,
		.field_bytes_max = 40,
		.head_bytes_max = 200,
		.fields_max = 5,
		.trailer_bytes_max = 12,
		.body_bytes_max = 9},
};

/* Parts of up to `most` bytes, their sizes drawn from `seed`; 0: at once. */
static void play(
	struct td_buf *out, unsigned how, uint32_t seed, size_t most, const char *bytes, size_t len)
{
	struct play play;
	size_t at = 0;

	play_begin(&play, &limits[how & 1], out);
	play.responses = (how & 2) != 0;
	play.asked = how & 4 ? TD_HTTP_HEAD : TD_HTTP_GET;
	while (most > 0 && at < len) {
		seed = seed * 1664525u + 1013904223u;
		at += 1 + (seed >> 8) % most;
		play_upto(&play, bytes, at < len ? at : len);
	}
	play_upto(&play, bytes, len);
	play_end(&play, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_buf whole = TD_BUF_INIT(SIZE_MAX / 2), parts = TD_BUF_INIT(SIZE_MAX / 2);
	const char *bytes = (const char *)data + 3;
	uint32_t seed;
	size_t len;

	if (size < 3)
		return 0;
	len = size - 3;
	seed = (uint32_t)data[1] << 8 | data[2];
	play(&whole, data[0], seed, 0, bytes, len);
	for (size_t most = len < 2048 ? 1 : 64; most <= 1024; most *= 8) {
		td_buf_reset(&parts);
		play(&parts, data[0], seed, most, bytes, len);
		TD_ASSERT(parts.len == whole.len &&
			  (whole.len == 0 || memcmp(parts.at, whole.at, whole.len) == 0));
	}
	td_buf_fini(&whole);
	td_buf_fini(&parts);
	return 0;
}
