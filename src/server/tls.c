#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "server/tls_inside.h"

#define IN_BYTES  (17u * 1024u)                      /* a whole record, and its head */
#define OUT_BYTES (TD_TLS_OUTPUT_MAX + 2 * IN_BYTES) /* what one write, and a handshake, may add */

/* --- between OpenSSL and the two buffers -------------------------------------------------- */

static void drop_in(struct td_tls *tls)
{
	free(tls->in);
	tls->in = NULL;
	tls->in_at = tls->in_len = 0;
}

static int bio_read(BIO *bio, char *bytes, size_t len, size_t *got)
{
	struct td_tls *tls = BIO_get_data(bio);
	size_t left = tls->in_len - tls->in_at;

	BIO_clear_retry_flags(bio);
	if (left == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*got = len < left ? len : left;
	memcpy(bytes, tls->in + tls->in_at, *got);
	tls->in_at += *got;
	if (tls->in_at == tls->in_len)
		drop_in(tls);
	return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *put)
{
	struct td_tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	td_buf_add(&tls->out, bytes, len);
	*put = len;
	return tls->out.code == 0;
}

static long bio_ctrl(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what ==
	       BIO_CTRL_FLUSH; /* it is always written through; the rest is nothing of ours */
}

BIO_METHOD *td_tls_bio_new(void)
{
	BIO_METHOD *bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffers");

	if (bio == NULL)
		return NULL;
	if (BIO_meth_set_read_ex(bio, bio_read) != 1 ||
		BIO_meth_set_write_ex(bio, bio_write) != 1 ||
		BIO_meth_set_ctrl(bio, bio_ctrl) != 1) {
		BIO_meth_free(bio);
		return NULL;
	}
	return bio;
}

/* --- a machine ---------------------------------------------------------------------------- */

int td_tls_new(struct td_tls **out, struct td_tls_context *context, struct td_error *err)
{
	struct td_tls *tls = calloc(1, sizeof(*tls));
	BIO *bio;

	if (tls == NULL)
		return td_error_nomem(err);
	td_buf_init(&tls->out, OUT_BYTES);
	td_buf_init(&tls->names_text, TD_TLS_NAMES_MAX * (TD_TLS_NAME_BYTES_MAX + 8));
	tls->context = td_tls_context_ref(context);
	tls->ssl = SSL_new(context->ssl);
	bio = tls->ssl != NULL ? BIO_new(context->bio) : NULL;
	if (bio == NULL) {
		ERR_clear_error();
		td_tls_free(tls);
		return td_error_nomem(err);
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_accept_state(tls->ssl);
	*out = tls;
	return 0;
}

void td_tls_free(struct td_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	drop_in(tls);
	td_buf_fini(&tls->out);
	td_buf_fini(&tls->names_text);
	td_tls_context_unref(tls->context);
	free(tls);
}

/* --- bytes in ----------------------------------------------------------------------------- */

char *td_tls_room(struct td_tls *tls, size_t *len)
{
	*len = 0;
	if (tls->in_at > 0) {
		memmove(tls->in, tls->in + tls->in_at, tls->in_len - tls->in_at);
		tls->in_len -= tls->in_at;
		tls->in_at = 0;
	}
	if (tls->in == NULL)
		tls->in = malloc(IN_BYTES);
	if (tls->in == NULL || tls->in_len == IN_BYTES)
		return NULL;
	*len = IN_BYTES - tls->in_len;
	return tls->in + tls->in_len;
}

void td_tls_fed(struct td_tls *tls, size_t len)
{
	TD_ASSERT(len <= IN_BYTES - tls->in_len && (len == 0 || tls->in != NULL));
	tls->in_len += len;
	if (tls->state == TD_TLS_SHAKING)
		tls->shaken += len;
	if (tls->in_at == tls->in_len)
		drop_in(tls);
}

bool td_tls_has_input(const struct td_tls *tls)
{
	return tls->in_len > tls->in_at || (tls->state == TD_TLS_OPEN && SSL_pending(tls->ssl) > 0);
}

/* --- the handshake ------------------------------------------------------------------------ */

static void add_name(struct td_tls *tls, const char *kind, const ASN1_STRING *name)
{
	const unsigned char *at = ASN1_STRING_get0_data(name);
	size_t len = (size_t)ASN1_STRING_length(name);
	size_t before = tls->names_text.len;

	/* One with a NUL in it means something else to whoever reads it as a C string. */
	if (tls->names_count == TD_TLS_NAMES_MAX || len == 0 || len > TD_TLS_NAME_BYTES_MAX ||
		memchr(at, '\0', len) != NULL)
		return;
	td_buf_add_string(&tls->names_text, kind);
	td_buf_add(&tls->names_text, at, len);
	if (tls->names_text.code != 0) {
		/* Without memory it has fewer names, and may less. */
		td_buf_reset(&tls->names_text);
		tls->names_count = 0;
		return;
	}
	tls->names[tls->names_count++].len = tls->names_text.len - before;
}

static void add_names(struct td_tls *tls, const X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	size_t at = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			add_name(tls, "dns:", name->d.dNSName);
		else if (name->type == GEN_EMAIL)
			add_name(tls, "email:", name->d.rfc822Name);
		else if (name->type == GEN_URI)
			add_name(tls, "uri:", name->d.uniformResourceIdentifier);
	}
	GENERAL_NAMES_free(names);
	/* The text does not move any more. */
	for (size_t i = 0; i < tls->names_count; i++) {
		tls->names[i].at = tls->names_text.at + at;
		at += tls->names[i].len;
	}
}

static void read_names(struct td_tls *tls)
{
	X509 *certificate = SSL_get1_peer_certificate(tls->ssl);

	if (certificate != NULL && SSL_get_verify_result(tls->ssl) == X509_V_OK)
		add_names(tls, certificate);
	X509_free(certificate);
}

static int failed(struct td_tls *tls, struct td_error *err, const char *what)
{
	tls->state = TD_TLS_FAILED;
	drop_in(tls);
	td_tls_wrong(err, what);
	return EPROTO;
}

int td_tls_shake(struct td_tls *tls, struct td_error *err)
{
	int done, why;

	if (tls->state == TD_TLS_OPEN)
		return 0;
	if (tls->state == TD_TLS_FAILED)
		return EPROTO;
	ERR_clear_error();
	done = SSL_do_handshake(tls->ssl);
	if (done == 1) {
		tls->state = TD_TLS_OPEN;
		read_names(tls);
		ERR_clear_error();
		return 0;
	}
	why = SSL_get_error(tls->ssl, done);
	if (why != SSL_ERROR_WANT_READ)
		return failed(tls, err, "handshake");
	if (tls->shaken > TD_TLS_HANDSHAKE_MAX)
		return failed(tls, err, "handshake: too long");
	return EAGAIN;
}

bool td_tls_is_open(const struct td_tls *tls)
{
	return tls->state == TD_TLS_OPEN;
}

const struct td_text *td_tls_names(const struct td_tls *tls, size_t *count)
{
	*count = tls->names_count;
	return tls->names;
}

/* --- plain bytes -------------------------------------------------------------------------- */

int td_tls_read(struct td_tls *tls, void *bytes, size_t len, size_t *got)
{
	int why;

	TD_ASSERT(len > 0);
	if (tls->state != TD_TLS_OPEN)
		return tls->state == TD_TLS_SHAKING ? EAGAIN : EPROTO;
	ERR_clear_error();
	if (SSL_read_ex(tls->ssl, bytes, len, got) == 1)
		return 0;
	why = SSL_get_error(tls->ssl, 0);
	if (why == SSL_ERROR_WANT_READ)
		return EAGAIN;
	if (why == SSL_ERROR_ZERO_RETURN) {
		*got = 0;
		return 0;
	}
	return failed(tls, NULL, "read");
}

int td_tls_write(struct td_tls *tls, const void *bytes, size_t len, size_t *put)
{
	if (tls->state != TD_TLS_OPEN)
		return tls->state == TD_TLS_SHAKING ? EAGAIN : EPROTO;
	if (tls->out.len - tls->out_at > TD_TLS_OUTPUT_MAX)
		return EAGAIN;
	if (tls->out_at > 0) { /* so that the bound is on what waits */
		memmove(tls->out.at, tls->out.at + tls->out_at, tls->out.len - tls->out_at);
		tls->out.len -= tls->out_at;
		tls->out_at = 0;
	}
	if (len == 0) {
		*put = 0;
		return 0;
	}
	ERR_clear_error();
	if (SSL_write_ex(tls->ssl, bytes, len < 16384 ? len : 16384, put) == 1)
		return 0;
	return failed(tls, NULL, "write");
}

void td_tls_finish(struct td_tls *tls)
{
	if (tls->state != TD_TLS_OPEN)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl); /* the other side's answer is read as any other bytes */
	ERR_clear_error();
}

struct td_text td_tls_output(const struct td_tls *tls)
{
	return tls->out.at == NULL
		       ? td_text("")
		       : td_text_of(tls->out.at + tls->out_at, tls->out.len - tls->out_at);
}

void td_tls_sent(struct td_tls *tls, size_t len)
{
	TD_ASSERT(len <= tls->out.len - tls->out_at);
	tls->out_at += len;
	if (tls->out_at < tls->out.len)
		return;
	td_buf_fini(&tls->out); /* an idle connection keeps none */
	td_buf_init(&tls->out, OUT_BYTES);
	tls->out_at = 0;
}
