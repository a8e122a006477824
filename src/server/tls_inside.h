/*
 * The inside of tls.
 */
#ifndef TD_SERVER_TLS_INSIDE_H
#define TD_SERVER_TLS_INSIDE_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "server/tls.h"

struct td_tls_context {
	_Atomic uint32_t refs;
	SSL_CTX *ssl;
	BIO_METHOD *bio; /* over the two buffers of a machine */
	td_time ends;
};

#define TD_TLS_NAMES_MAX      16u
#define TD_TLS_NAME_BYTES_MAX 512u

enum td_tls_state {
	TD_TLS_SHAKING,
	TD_TLS_OPEN,
	TD_TLS_FAILED, /* for good */
};

struct td_tls {
	struct td_tls_context *context;
	SSL *ssl;
	enum td_tls_state state;
	char *in; /* bytes [in_at, in_len) wait; NULL: none */
	size_t in_at, in_len;
	size_t shaken; /* bytes fed until open */
	struct td_buf out;
	size_t out_at; /* so many of them are sent */
	struct td_buf names_text;
	struct td_text names[TD_TLS_NAMES_MAX];
	size_t names_count;
};

BIO_METHOD *td_tls_bio_new(void);
/* "WHAT: what OpenSSL says", and its queue of errors is empty. */
int td_tls_wrong(struct td_error *err, const char *what);

#endif
