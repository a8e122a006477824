#include "server/users.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* A copy with NUL, for crypt(3). NULL where it can be no password. */
static bool as_string(struct td_text password, char out[TD_PASSWORD_BYTES_MAX])
{
	if (password.len == 0 || password.len >= TD_PASSWORD_BYTES_MAX ||
		memchr(password.at, '\0', password.len) != NULL)
		return false;
	memcpy(out, password.at, password.len);
	out[password.len] = '\0';
	return true;
}

int td_password_hash(struct td_text password, const uint8_t random[16],
	char hash[TD_PASSWORD_HASH_BYTES], struct td_error *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], phrase[TD_PASSWORD_BYTES_MAX];
	struct crypt_data *data;
	const char *made;
	int code = 0;

	_Static_assert(CRYPT_OUTPUT_SIZE <= TD_PASSWORD_HASH_BYTES, "room for any hash");
	if (!as_string(password, phrase))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"a password has 1 to %u bytes, and no NUL", TD_PASSWORD_BYTES_MAX - 1);
	data = calloc(1, sizeof(*data));
	if (data == NULL) {
		OPENSSL_cleanse(phrase, sizeof(phrase));
		return td_error_nomem(err);
	}
	/* Cost 0: what libcrypt holds to be right. */
	if (crypt_gensalt_rn("$y$", 0, (const char *)random, 16, setting, sizeof(setting)) == NULL)
		code = td_error_system(err, errno, "crypt_gensalt");
	if (code == 0) {
		made = crypt_r(phrase, setting, data);
		if (made == NULL || made[0] == '*')
			code = td_error_system(err, errno, "crypt");
		else
			memcpy(hash, made, strlen(made) + 1);
	}
	OPENSSL_cleanse(phrase, sizeof(phrase));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return code;
}

int td_password_check(struct td_text password, const char *hash)
{
	char phrase[TD_PASSWORD_BYTES_MAX];
	struct crypt_data *data;
	const char *made;
	size_t len = strlen(hash);
	int code = TD_E_STRANGER;
	bool can_be = as_string(password, phrase);

	if (!can_be)
		memcpy(phrase, "-", 2); /* none that is right, and it takes as long */
	data = calloc(1, sizeof(*data));
	if (data == NULL) {
		OPENSSL_cleanse(phrase, sizeof(phrase));
		return TD_E_NOMEM;
	}
	errno = 0;
	made = crypt_r(phrase, hash, data);
	if (made == NULL || made[0] == '*')
		code = errno == ENOMEM ? TD_E_NOMEM : TD_E_STRANGER;
	else if (strlen(made) == len && CRYPTO_memcmp(made, hash, len) == 0 && can_be)
		code = 0;
	OPENSSL_cleanse(phrase, sizeof(phrase));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return code;
}

static const char digits[] = "0123456789abcdef";

int td_token_make(const uint8_t random[32], char token[TD_TOKEN_BYTES],
	char line[TD_TOKEN_LINE_BYTES], struct td_error *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct td_sha256 sha = TD_SHA256_INIT;
	uint8_t digest[TD_SHA256_BYTES];
	size_t at = 3;
	int code = td_sha256_init(&sha, err);

	if (code != 0)
		return code;
	memcpy(token, "td_", 3);
	for (size_t bit = 0; bit < 256; bit += 6) {
		unsigned pair = (unsigned)random[bit / 8] << 8;

		pair |= bit / 8 + 1 < 32 ? random[bit / 8 + 1] : 0;
		token[at++] = letters[(pair >> (10 - bit % 8)) & 63];
	}
	token[at] = '\0';
	TD_ASSERT(at + 1 == TD_TOKEN_BYTES);
	td_sha256_add(&sha, token, at);
	td_sha256_finish(&sha, digest);
	td_sha256_fini(&sha);
	memcpy(line, "sha256:", 7);
	for (size_t i = 0; i < sizeof(digest); i++) {
		line[7 + 2 * i] = digits[digest[i] >> 4];
		line[8 + 2 * i] = digits[digest[i] & 15];
	}
	line[7 + 2 * sizeof(digest)] = '\0';
	return 0;
}
