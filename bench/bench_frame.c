/*
 * Building frames, and the checksum below them.
 *
 *	frame   records of 256 bytes in two parts (a head of 64, a payload of 192), 4,096 of them in a
 *	        frame, and one alone. Per record: the copy, its CRC-32C, its share of XXH3-64 and of
 *	        the search for zero pieces. Limit: the copies alone, to the same places.
 *	open    the same frame read: hash, every record's checksum and length. Limit: reading it once
 *	        with XXH3-64 alone.
 *	crc32c  the back end chosen against one lane of the instruction.
 *
 * Rounds alternate; medians.
 */
#include <stdbool.h>
#include <string.h>

#include "base/base.h"
#include "bench.h"
#include "journal/frame.h"

#define ROUNDS       51
#define RECORDS_MOST 4096
#define HEAD         64
#define PAYLOAD      192

static char *source; /* payloads, one behind the other */
static uint8_t *buffer;
static volatile uint64_t sink;

static double now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

static size_t build(size_t records)
{
	static const uint8_t chain[TD_CHAIN_BYTES] = {1};
	const struct td_frame_fields fields = {1, 4096, 1, 4096, 1, 0, chain, 1};
	struct td_frame_builder builder;

	td_frame_reset(&builder, buffer, (size_t)2 << 20, false);
	for (size_t i = 0; i < records; i++) {
		const char *from = source + i * (HEAD + PAYLOAD);
		const struct td_text parts[2] = {{from, HEAD}, {from + HEAD, PAYLOAD}};

		if (!td_frame_room(&builder, 1, HEAD + PAYLOAD))
			abort();
		td_frame_put(&builder, parts, 2);
	}
	return td_frame_finish(&builder, &fields);
}

/* By lengths that the compiler does not know, as it does not know those of parts. */
static size_t copy(size_t records)
{
	static volatile size_t head = HEAD, payload = PAYLOAD;
	uint8_t *to = buffer + TD_FRAME_HEADER_BYTES;
	const char *from = source;

	for (size_t i = 0; i < records; i++) {
		size_t head_bytes = head, payload_bytes = payload;

		memcpy(to + 8, from, head_bytes);
		memcpy(to + 8 + head_bytes, from + head_bytes, payload_bytes);
		from += head_bytes + payload_bytes;
		to += td_record_size(head_bytes + payload_bytes);
	}
	return (size_t)(to - buffer);
}

static void row_build(size_t records, size_t frames)
{
	double ours[ROUNDS], limit[ROUNDS];
	char name[64];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		for (size_t i = 0; i < frames; i++)
			sink += copy(records);
		double middle = now();
		for (size_t i = 0; i < frames; i++)
			sink += build(records);
		double end = now();
		limit[round] = (middle - start) / (double)(frames * records);
		ours[round] = (end - middle) / (double)(frames * records);
	}
	snprintf(name, sizeof(name), "frame of %zu records of 256 B, a record", records);
	double value = bench_median(ours, ROUNDS);
	double most = records > 1 ? 25 : 100;
	bench_row(name, value, bench_median(limit, ROUNDS), "ns",
		records > 1 ? "ours <= 25 ns" : "ours <= 100 ns", value <= most);
}

static void row_open(void)
{
	double ours[ROUNDS], limit[ROUNDS];
	size_t bytes = build(RECORDS_MOST);
	struct td_frame_header header;
	struct td_frame frame;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		sink += td_hash(buffer + TD_FRAME_HEADER_BYTES, bytes - TD_FRAME_HEADER_BYTES, 0);
		double middle = now();
		if (td_frame_check(buffer, bytes, 1, 4096, 4096 + bytes, &header) != 0 ||
			td_frame_open(&header, buffer + TD_FRAME_HEADER_BYTES, 1, NULL, &frame) !=
				0)
			abort();
		double end = now();
		limit[round] = (double)bytes / (middle - start);
		ours[round] = (double)bytes / (end - middle);
	}
	double value = bench_median(ours, ROUNDS);
	bench_row("the same frame opened", value, bench_median(limit, ROUNDS), "GB/s",
		"ours >= 5 GB/s", value >= 5);
}

static void row_crc(size_t len)
{
	double ours[ROUNDS], limit[ROUNDS];
	size_t times = ((size_t)1 << 20) / len;
	char name[64];

	if (!td_crc32c_usable(TD_CRC32C_LANE))
		return;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		for (size_t i = 0; i < times; i++)
			sink += td_crc32c_by(TD_CRC32C_LANE, (uint32_t)i, source, len);
		double middle = now();
		for (size_t i = 0; i < times; i++)
			sink += td_crc32c((uint32_t)i, source, len);
		double end = now();
		limit[round] = (double)(times * len) / (middle - start);
		ours[round] = (double)(times * len) / (end - middle);
	}
	snprintf(name, sizeof(name), "crc32c of %zu B against one lane", len);
	double value = bench_median(ours, ROUNDS), other = bench_median(limit, ROUNDS);
	bench_row(name, value, other, "GB/s", len >= 1024 ? "ratio >= 2" : "ratio >= 1",
		value / other >= (len >= 1024 ? 2 : 1));
}

int main(void)
{
	struct td_rng rng;

	source = malloc((size_t)1 << 20);
	buffer = aligned_alloc(4096, (size_t)2 << 20);
	if (source == NULL || buffer == NULL)
		return 1;
	td_rng_init(&rng, 1);
	for (size_t i = 0; i < (size_t)1 << 20; i++)
		source[i] = (char)td_rng_u64(&rng);
	for (size_t i = 0; i < RECORDS_MOST; i++)
		source[i * (HEAD + PAYLOAD)] = 2; /* a kind */
	memset(buffer, 0, (size_t)2 << 20);
	bench_header("journal: frames");
	row_build(RECORDS_MOST, 2);
	row_build(1, 4096);
	row_open();
	for (size_t len = 64; len <= (size_t)1 << 20; len *= 4)
		row_crc(len);
	free(source);
	free(buffer);
	return 0;
}
