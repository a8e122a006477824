/*
 * SHA-256 (FIPS 180-4) of bytes that come in pieces, by OpenSSL. The context is the caller's and
 * serves again and again: only init allocates.
 *
 *	code = td_sha256_init(&sha, err);
 *	td_sha256_add(&sha, bytes, len);		any number of times
 *	td_sha256_finish(&sha, digest);			and it begins anew
 *	td_sha256_fini(&sha);
 */
#ifndef TD_BASE_SHA256_H
#define TD_BASE_SHA256_H

#include "tidings/error.h"

#define TD_SHA256_BYTES 32

struct td_sha256 {
	void *evp; /* NULL: not made */
};
#define TD_SHA256_INIT \
	{              \
		0      \
	}

/* TD_E_NOMEM, or TD_E_SYSTEM where this OpenSSL offers no SHA-256. */
int td_sha256_init(struct td_sha256 *sha, struct td_error *err);
void td_sha256_fini(struct td_sha256 *sha);
void td_sha256_add(struct td_sha256 *sha, const void *bytes, size_t len);
void td_sha256_finish(struct td_sha256 *sha, uint8_t digest[TD_SHA256_BYTES]);

#endif
