/*
 * What a stranger may send before anybody knows who it is: bytes to a TLS machine, cut at places that
 * the first byte picks. It never is open by chance, fails for good, and never holds more than it may.
 */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdint.h>

#include "server/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct td_text text_of(BIO *bio)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);

	return td_text_of(at, (size_t)len);
}

/* One for all inputs: a key takes its time. */
static struct td_tls_context *context_once(void)
{
	static struct td_tls_context *context;
	EVP_PKEY *key;
	X509 *certificate;
	BIO *key_bio, *certificate_bio;

	if (context != NULL)
		return context;
	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	key_bio = BIO_new(BIO_s_mem());
	certificate_bio = BIO_new(BIO_s_mem());
	TD_ASSERT(key != NULL && certificate != NULL && key_bio != NULL && certificate_bio != NULL);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	TD_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
	TD_ASSERT(PEM_write_bio_X509(certificate_bio, certificate) == 1);
	TD_ASSERT(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1);
	const struct td_tls_options options = {.certificate = text_of(certificate_bio),
		.key = text_of(key_bio),
		.client_ca = text_of(certificate_bio)};
	TD_ASSERT(td_tls_context_new(&context, &options, NULL) == 0);
	EVP_PKEY_free(key);
	X509_free(certificate);
	BIO_free(key_bio);
	BIO_free(certificate_bio);
	return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_tls *tls;
	size_t step = size > 0 ? (size_t)data[0] + 1 : 1, at = size > 0;
	int code = EAGAIN;

	TD_ASSERT(td_tls_new(&tls, context_once(), NULL) == 0);
	while (at < size && code == EAGAIN) {
		size_t len, got, put, take = size - at < step ? size - at : step;
		struct td_error err = TD_ERROR_INIT;
		char *room = td_tls_room(tls, &len), bytes[64];

		if (room == NULL)
			break; /* a record that never ends */
		take = take < len ? take : len;
		memcpy(room, data + at, take);
		td_tls_fed(tls, take);
		at += take;
		code = td_tls_shake(tls, &err);
		TD_ASSERT(code == EAGAIN || code == EPROTO); /* nobody guesses a Finished */
		TD_ASSERT(!td_tls_is_open(tls));
		TD_ASSERT(code == EAGAIN || err.text[0] != '\0');
		TD_ASSERT(td_tls_read(tls, bytes, sizeof(bytes), &got) == code);
		TD_ASSERT(td_tls_write(tls, bytes, 1, &put) == code);
		TD_ASSERT(td_tls_output(tls).len <= TD_TLS_OUTPUT_MAX);
		if ((at & 1) != 0)
			td_tls_sent(tls, td_tls_output(tls).len);
	}
	if (code == EPROTO)
		TD_ASSERT(td_tls_shake(tls, NULL) == EPROTO && !td_tls_has_input(tls));
	td_tls_finish(tls);
	td_tls_free(tls);
	return 0;
}
