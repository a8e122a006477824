#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "server/tls_inside.h"

/* --- reading PEM -------------------------------------------------------------------------- */

/* What OpenSSL says was wrong, at its root. */
int td_tls_wrong(struct td_error *err, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
		return td_error_nomem(err);
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: %s", what,
		reason != NULL ? reason : "it cannot be used");
}

/* A key with a password is not asked for one: nobody is there to type it. The type is OpenSSL's. */
static int no_password(
	char *buf, int size, int writing, void *arg) /* NOLINT(readability-non-const-parameter) */
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static BIO *open_text(struct td_text text)
{
	return BIO_new_mem_buf(text.len > 0 ? text.at : "", (int)text.len);
}

/* The next certificate; NULL: there is no more (then *end), or it is wrong. */
static X509 *next_certificate(BIO *bio, bool *end)
{
	X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);

	*end = certificate == NULL && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	return certificate;
}

static td_time time_of(const ASN1_TIME *time)
{
	int days = 0, seconds = 0;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	bool known = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	return known ? ((td_time)days * 86400 + seconds) * 1000000000 : 0;
}

static int use_chain(struct td_tls_context *context, struct td_text text, struct td_error *err)
{
	BIO *bio = open_text(text);
	X509 *certificate;
	bool end = false;
	size_t count = 0;

	if (bio == NULL)
		return td_error_nomem(err);
	while ((certificate = next_certificate(bio, &end)) != NULL) {
		long used = count == 0 ? SSL_CTX_use_certificate(context->ssl, certificate)
				       : SSL_CTX_add1_chain_cert(context->ssl, certificate);

		if (count == 0)
			context->ends = time_of(X509_get0_notAfter(certificate));
		X509_free(certificate);
		count++;
		if (used != 1)
			break;
	}
	BIO_free(bio);
	if (count == 0 || !end)
		return td_tls_wrong(err, "tls-cert");
	ERR_clear_error();
	return 0;
}

static int use_key(struct td_tls_context *context, struct td_text text, struct td_error *err)
{
	BIO *bio = open_text(text);
	EVP_PKEY *key;
	int used;

	if (bio == NULL)
		return td_error_nomem(err);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (key == NULL)
		return td_tls_wrong(err, "tls-key");
	used = SSL_CTX_use_PrivateKey(context->ssl, key);
	EVP_PKEY_free(key);
	if (used != 1 || SSL_CTX_check_private_key(context->ssl) != 1)
		return td_tls_wrong(err, "tls-key");
	return 0;
}

static int trust(struct td_tls_context *context, X509 *certificate)
{
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ssl), certificate) == 1 &&
	       SSL_CTX_add_client_CA(context->ssl, certificate) == 1;
}

static int use_client_ca(
	struct td_tls_context *context, const struct td_tls_options *options, struct td_error *err)
{
	BIO *bio = open_text(options->client_ca);
	X509 *certificate;
	bool end = false;
	size_t count = 0;

	if (bio == NULL)
		return td_error_nomem(err);
	while ((certificate = next_certificate(bio, &end)) != NULL) {
		int trusted = trust(context, certificate);

		X509_free(certificate);
		count++;
		if (!trusted)
			break;
	}
	BIO_free(bio);
	if (count == 0 || !end)
		return td_tls_wrong(err, "tls-client-ca");
	ERR_clear_error();
	SSL_CTX_set_verify(context->ssl,
		SSL_VERIFY_PEER | (options->client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		NULL);
	return 0;
}

/* --- the context -------------------------------------------------------------------------- */

/* HTTP/1.1 is what is spoken; who offers others alone is refused (RFC 7301, section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_rules(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ssl, 0) == 1 &&
	       SSL_CTX_set_session_id_context(ssl, (const unsigned char *)"tidings", 7) == 1 &&
	       SSL_CTX_set_cipher_list(
		       ssl, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!PSK:!SRP") == 1;
}

int td_tls_context_new(
	struct td_tls_context **out, const struct td_tls_options *options, struct td_error *err)
{
	struct td_tls_context *context = calloc(1, sizeof(*context));
	int code;

	if (context == NULL)
		return td_error_nomem(err);
	atomic_init(&context->refs, 1);
	ERR_clear_error();
	context->ssl = SSL_CTX_new(TLS_server_method());
	context->bio = td_tls_bio_new();
	if (context->ssl == NULL || context->bio == NULL || !set_rules(context->ssl))
		code = td_tls_wrong(err, "TLS");
	else
		code = use_chain(context, options->certificate, err);
	if (code == 0)
		code = use_key(context, options->key, err);
	if (code == 0 && options->client_ca.at != NULL)
		code = use_client_ca(context, options, err);
	if (code != 0) {
		td_tls_context_unref(context);
		return code;
	}
	*out = context;
	return 0;
}

struct td_tls_context *td_tls_context_ref(struct td_tls_context *context)
{
	if (context != NULL)
		atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
	return context;
}

void td_tls_context_unref(struct td_tls_context *context)
{
	if (context == NULL ||
		atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->bio);
	free(context);
}

td_time td_tls_context_ends(const struct td_tls_context *context)
{
	return context->ends;
}
