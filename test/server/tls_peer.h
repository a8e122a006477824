/*
 * The other side of TLS, for tests: certificates made on the spot, and a client over memory.
 */
#ifndef TD_TEST_TLS_PEER_H
#define TD_TEST_TLS_PEER_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/tls.h"

/* A key and its certificate, as PEM too. */
struct maker {
	EVP_PKEY *key;
	X509 *certificate;
	char *key_pem, *certificate_pem;
};

static inline void maker_must(long ok)
{
	if (ok)
		return;
	ERR_print_errors_fp(stderr);
	abort();
}

static inline char *maker_text(BIO *bio)
{
	char *at, *text;
	long len = BIO_get_mem_data(bio, &at);

	text = malloc((size_t)len + 1);
	maker_must(text != NULL);
	memcpy(text, at, (size_t)len);
	text[len] = '\0';
	BIO_free(bio);
	return text;
}

static inline void maker_extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	maker_must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* Signed by `issuer`; NULL: by itself, and it may sign others. `names`: "DNS:a,URI:b" or NULL. */
static inline struct maker maker_new(
	const struct maker *issuer, const char *common, const char *names)
{
	struct maker maker = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	const struct maker *by = issuer != NULL ? issuer : &maker;
	X509_NAME *name = X509_get_subject_name(maker.certificate);
	BIO *bio;

	maker_must(maker.key != NULL && name != NULL);
	maker_must(X509_set_version(maker.certificate, 2));
	maker_must(ASN1_INTEGER_set(X509_get_serialNumber(maker.certificate), 1));
	X509_gmtime_adj(X509_getm_notBefore(maker.certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(maker.certificate), 86400);
	maker_must(X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0));
	maker_must(X509_set_issuer_name(maker.certificate, X509_get_subject_name(by->certificate)));
	maker_must(X509_set_pubkey(maker.certificate, maker.key));
	if (issuer == NULL)
		maker_extend(maker.certificate, maker.certificate, NID_basic_constraints,
			"critical,CA:TRUE");
	if (names != NULL)
		maker_extend(maker.certificate, by->certificate, NID_subject_alt_name, names);
	maker_must(X509_sign(maker.certificate, by->key, EVP_sha256()) > 0);
	bio = BIO_new(BIO_s_mem());
	maker_must(PEM_write_bio_X509(bio, maker.certificate));
	maker.certificate_pem = maker_text(bio);
	bio = BIO_new(BIO_s_mem());
	maker_must(PEM_write_bio_PrivateKey(bio, maker.key, NULL, NULL, 0, NULL, NULL));
	maker.key_pem = maker_text(bio);
	return maker;
}

static inline void maker_free(struct maker *maker)
{
	EVP_PKEY_free(maker->key);
	X509_free(maker->certificate);
	free(maker->key_pem);
	free(maker->certificate_pem);
}

/* --- a client ----------------------------------------------------------------------------- */

struct peer {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
};

/* `trusts` signed the server's certificate; `shows` (may be NULL) is the client's own. */
static inline struct peer peer_new(
	const struct maker *trusts, const struct maker *shows, int version)
{
	struct peer peer = {.context = SSL_CTX_new(TLS_client_method())};

	maker_must(peer.context != NULL);
	/* Also what a server must not speak: that it does not is its own doing. */
	SSL_CTX_set_security_level(peer.context, 0);
	maker_must(SSL_CTX_set_min_proto_version(peer.context, version));
	maker_must(SSL_CTX_set_max_proto_version(peer.context, version));
	maker_must(X509_STORE_add_cert(SSL_CTX_get_cert_store(peer.context), trusts->certificate));
	SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER, NULL);
	if (shows != NULL) {
		maker_must(SSL_CTX_use_certificate(peer.context, shows->certificate));
		maker_must(SSL_CTX_use_PrivateKey(peer.context, shows->key));
	}
	peer.ssl = SSL_new(peer.context);
	peer.in = BIO_new(BIO_s_mem());
	peer.out = BIO_new(BIO_s_mem());
	maker_must(peer.ssl != NULL && peer.in != NULL && peer.out != NULL);
	BIO_set_mem_eof_return(peer.in, -1);
	SSL_set_bio(peer.ssl, peer.in, peer.out);
	SSL_set_connect_state(peer.ssl);
	return peer;
}

static inline void peer_free(struct peer *peer)
{
	SSL_free(peer->ssl);
	SSL_CTX_free(peer->context);
	ERR_clear_error();
}

/* What the client has to say goes to the server, at most `most` bytes, as far as there is room. */
static inline size_t peer_speak(struct peer *peer, struct td_tls *tls, size_t most)
{
	size_t len, got = 0;
	char *room = BIO_pending(peer->out) > 0 ? td_tls_room(tls, &len) : NULL;

	if (room == NULL)
		return 0;
	if (BIO_read_ex(peer->out, room, len < most ? len : most, &got) != 1)
		got = 0;
	td_tls_fed(tls, got);
	return got;
}

static inline size_t peer_listen(struct peer *peer, struct td_tls *tls)
{
	struct td_text output = td_tls_output(tls);
	size_t put = 0;

	if (output.len > 0)
		maker_must(BIO_write_ex(peer->in, output.at, output.len, &put));
	td_tls_sent(tls, put);
	return put;
}

/* Both go on until neither has anything to say; `most` bytes at a time go to the server. Answers what
 * the server's handshake last answered. */
static inline int peer_shake(
	struct peer *peer, struct td_tls *tls, size_t most, struct td_error *err)
{
	int code;

	do {
		ERR_clear_error();
		(void)SSL_do_handshake(peer->ssl);
		peer_speak(peer, tls, most);
		code = td_tls_shake(tls, err);
	} while (peer_listen(peer, tls) > 0 || BIO_pending(peer->out) > 0);
	(void)SSL_do_handshake(peer->ssl);
	return code;
}

#endif
