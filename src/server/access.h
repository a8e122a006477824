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
 * Who may come in: a guard (guard.h), and who waits for a password to be looked at. Its owner is who
 * opened the server; it outlives the server.
 */
struct td_access;

/* Opens to everybody. TD_E_NOMEM. */
int td_access_new(struct td_access **access, const struct td_random *random, struct td_error *err);
void td_access_free(struct td_access *access);
/* As td_guard_set(), between turns; then td_access_cut(). */
int td_access_set(struct td_access *access, struct td_users *users, struct td_text origins,
	struct td_error *err);
/*
 * Whether who was let in would be let in now, and may exactly what it may now: `access` and the
 * identity may be NULL.
 */
bool td_access_stands(const struct td_access *access, const struct td_identity *identity);
/*
 * Behind td_access_set(): connections with a stream, or a request that waits, of whom that is not so
 * are closed at once. Their clients come
 * back, say who they are, and go on where they were. Returns how many.
 */
size_t td_access_cut(struct td_server *server);

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
