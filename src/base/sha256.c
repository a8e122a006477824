#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/error.h"

int td_sha256_init(struct td_sha256 *sha, struct td_error *err)
{
	sha->evp = EVP_MD_CTX_new();
	if (sha->evp == NULL)
		return td_error_nomem(err);
	if (EVP_DigestInit_ex2(sha->evp, EVP_sha256(), NULL) != 1) {
		td_sha256_fini(sha);
		return td_error_set(err, TD_E_SYSTEM, TD_NO_OFFSET, "OpenSSL offers no SHA-256");
	}
	return 0;
}

void td_sha256_fini(struct td_sha256 *sha)
{
	EVP_MD_CTX_free(sha->evp);
	sha->evp = NULL;
}

void td_sha256_add(struct td_sha256 *sha, const void *bytes, size_t len)
{
	TD_ASSERT(EVP_DigestUpdate(sha->evp, bytes, len) == 1);
}

void td_sha256_finish(struct td_sha256 *sha, uint8_t digest[TD_SHA256_BYTES])
{
	TD_ASSERT(EVP_DigestFinal_ex(sha->evp, digest, NULL) == 1);
	TD_ASSERT(EVP_DigestInit_ex2(sha->evp, NULL, NULL) == 1);
}
