/*
 * access: who asks, and what they may.
 *
 *	head --admit--> identity --(route's permission)--> body --may(address)--> handler
 *
 * A request is admitted when its head is known and its route found, before its body is read. What it
 * may with single subjects is asked for by handlers, who know them.
 */
#ifndef TD_SERVER_ACCESS_H
#define TD_SERVER_ACCESS_H

#include "server/exchange.h"

/*
 * Whether the request may go on: Host, Origin, credentials, the route's permission. Sets x->identity.
 * A refusal is answered by this function itself (401 with WWW-Authenticate, 403): false.
 */
bool td_access_admit(struct td_exchange *x);

/* Never changed once made; counted; any thread. NULL is who may everything. */
const struct td_identity *td_identity_ref(const struct td_identity *identity);
void td_identity_unref(const struct td_identity *identity);
/* What is stamped on events as `authid`; absent: nothing. */
struct td_text td_identity_name(const struct td_identity *identity);
/* Whether it may do this with the address; or with all addresses that a pattern fits. */
bool td_identity_may(
	const struct td_identity *identity, enum td_permission permission, struct td_text address);
bool td_identity_may_all(
	const struct td_identity *identity, enum td_permission permission, struct td_text pattern);

#endif
