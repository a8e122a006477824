/*
 * CRC-32C (Castagnoli; RFC 3720 B.4): finds every burst of up to 32 bits, and what chance does with
 * 2^-32. What journal records and headers carry.
 *
 *	crc = td_crc32c(0, head, head_len);
 *	crc = td_crc32c(crc, body, body_len);		= that of both in a row
 *
 * The back end is chosen by what the processor can, at each call. All give the same numbers.
 */
#ifndef TD_BASE_CRC32C_H
#define TD_BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `crc`: 0, or that of the bytes before these. No alignment is asked of `bytes`. */
uint32_t td_crc32c(uint32_t crc, const void *bytes, size_t len);

enum td_crc32c_backend {
	TD_CRC32C_TABLE, /* anywhere */
	TD_CRC32C_LANE,  /* the instruction of SSE4.2 or ARMv8: one chain */
	TD_CRC32C_LANES, /* x86: three chains at once, joined by a carry-less product */
	TD_CRC32C_WIDE,  /* x86 with AVX-512: products of four times 128 bits, from 256 bytes on */
	TD_CRC32C_BACKENDS,
};
/* For tests and benchmarks. */
bool td_crc32c_usable(enum td_crc32c_backend backend);
/* As td_crc32c(), by this back end, which must be usable. */
uint32_t td_crc32c_by(enum td_crc32c_backend backend, uint32_t crc, const void *bytes, size_t len);

#endif
