/*
 * CONNECT: what a client says of itself.
 *
 * What it does not say is as nats-server has it: verbose, pedantic and echo are on, the rest is
 * off, 0 or absent. Names of fields in any case, the last of several counts, null says nothing,
 * unknown ones are passed over.
 */
#ifndef TD_WIRE_NATS_CONNECT_H
#define TD_WIRE_NATS_CONNECT_H

#include "base/base.h"
#include "wire/nats/error.h"

struct td_nats_connect {
	bool verbose, pedantic, echo;
	bool headers, no_responders, tls_required;
	int protocol; /* 0 or 1 */
	struct td_text user, pass, auth_token;
	struct td_text nkey, sig, jwt;
	struct td_text account, new_account; /* either set is an authorization violation */
	struct td_text name, lang, version;
};

/* As a client that sent no CONNECT: verbose, pedantic, echo. */
void td_nats_connect_init(struct td_nats_connect *connect);

/*
 * Read the JSON of a CONNECT. Texts are views into it, or, where they had escapes, into `buf`,
 * which is emptied first. TD_NATS_E_CONNECT, _PROTOCOL, _NO_RESPONDERS, and *err (may be NULL)
 * tells the log more; *connect is written only on TD_NATS_FINE. No memory counts as _CONNECT.
 */
enum td_nats_error td_nats_connect_read(struct td_nats_connect *connect, struct td_text options,
	struct td_buf *buf, struct td_error *err);

#endif
