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

/* Who may come in: users, tokens, what they may. Its owner is who opened the server. */
struct td_access;

enum td_admission {
	TD_ADMIT_GO,
	TD_ADMIT_REFUSED, /* it was answered: 401 with WWW-Authenticate, 403 */
	TD_ADMIT_LATER,   /* td_exchange_admitted() will be called: a password takes its time */
};
/*
 * Whether the request may go on: Host, Origin, credentials, the route's permission; x->request and
 * x->route are there. Sets x->identity. May be called twice for one request, and says the same then.
 */
enum td_admission td_access_admit(struct td_exchange *x);
/* Once after TD_ADMIT_LATER, on the loop, also if x->session has become NULL. Where it may not go on,
 * answer it first (td_answer_...()). x is not to be touched behind this call. */
void td_exchange_admitted(struct td_exchange *x, bool go);

#endif
