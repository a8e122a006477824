/*
 * Frames to test with.
 */
#ifndef TD_FRAME_TEST_H
#define TD_FRAME_TEST_H

#include "base/base.h"
#include "journal/frame.h"

#define SALT 0x0123456789ABCDEFu

static inline struct td_frame_fields fields_at(uint64_t offset)
{
	static const uint8_t chain[TD_CHAIN_BYTES] = {1, 2, 3};

	return (struct td_frame_fields){
		.salt = SALT,
		.offset = offset,
		.first_position = 1000,
		.durable_end = TD_FRAMES_FROM,
		.epoch = 3,
		.chain = chain,
		.time = 1700000000000000000,
	};
}

/* A record of `bytes` bytes: kind 2, then `fill`. */
static inline uint32_t put_filled(struct td_frame_builder *builder, size_t bytes, uint8_t fill)
{
	static char body[1 << 20];
	const struct td_text parts[2] = {{"\2", 1}, {body, bytes - 1}};

	TD_ASSERT(bytes >= 1 && bytes <= sizeof(body));
	memset(body, fill, bytes);
	return td_frame_put(builder, parts, 2);
}

/* The flaw of a whole frame, looked at in `plain`, which has room for all. */
static inline enum td_flaw open_all(
	const uint8_t *bytes, size_t len, uint64_t offset, uint8_t *plain, struct td_frame *frame)
{
	struct td_frame_header header;
	enum td_flaw flaw = td_frame_check(bytes, len, SALT, offset, offset + len, &header);

	if (flaw != TD_FLAW_NONE)
		return flaw;
	return td_frame_open(&header, bytes + TD_FRAME_HEADER_BYTES, SALT, plain, frame);
}

#endif
