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

#endif
