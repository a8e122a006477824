/*
 * guard: who comes in. Decisions as values: what a request shows goes in, who it is comes out.
 *
 *	Host, Origin --> page? --> credentials --> token, certificate ----------> identity
 *	                              '--> name and password --> seen lately? --> identity
 *	                                          '--> check (slow, a task) ----> identity
 *
 * Without users everybody is let in, and only this machine can connect; then a page of any web site
 * could send requests from the browser of whoever runs us, so Host and Origin have to be loopback.
 * With users an Origin has to be the request's own host, or one of those that were named.
 *
 * Passwords take some 50 ms to check by design: the guard hands the check out, to be run beside the
 * loop, and remembers for a while which passwords were right, by a keyed digest. Wrong ones are
 * counted, by who sent them and by whose they were to be; beyond a rate they are not looked at. All
 * of it is of fixed size. The answer to a wrong name and to a wrong password is one.
 *
 * The loop's thread, but for td_check_run().
 */
#ifndef TD_SERVER_GUARD_H
#define TD_SERVER_GUARD_H

#include "server/users.h"
#include "sys/sys.h"

struct td_guard;
struct td_check;

#define TD_CHECKS_MAX      16u           /* passwords looked at at once: 16 MiB each */
#define TD_REMEMBERED_MAX  1024u         /* passwords that were right */
#define TD_REMEMBERED_TIME INT64_C(600)  /* s */
#define TD_WRONG_SOURCE    10u           /* wrong ones at once of an address, ... */
#define TD_WRONG_SOURCE_MS INT64_C(6000) /* ... then one in so long */
#define TD_WRONG_NAME      100u          /* the same of a name, from wherever */
#define TD_WRONG_NAME_MS   INT64_C(600)

/* Opens to everybody. `random` is asked for keys. TD_E_NOMEM, TD_E_SYSTEM. */
int td_guard_new(struct td_guard **guard, const struct td_random *random, struct td_error *err);
/* No check may be out. */
void td_guard_free(struct td_guard *guard);
/*
 * From now on these users (one count is taken over; NULL: everybody), and these origins beside the
 * own ("https://a.example.org, http://b:8080"; copied). What was remembered is forgotten. Checks
 * that are out are settled by the new ones. TD_E_INVALID: not an origin, and nothing was changed;
 * TD_E_NOMEM.
 */
int td_guard_set(struct td_guard *guard, struct td_users *users, struct td_text origins,
	struct td_error *err);
/* NULL: everybody is let in, as by a guard that is NULL. Borrowed. */
struct td_users *td_guard_users(const struct td_guard *guard);

/*
 * Whether a page may send it: Host and Origin as the request has them, or absent. TD_E_FORBIDDEN
 * says which of the two it is.
 */
int td_guard_page(const struct td_guard *guard, struct td_text host, struct td_text origin,
	struct td_error *err);

/* What a request shows of who sends it. */
struct td_ask {
	struct td_net_address peer;
	struct td_text authorization; /* the field's value; absent: none */
	const struct td_text
		*names; /* of a verified certificate: "dns:...", "email:...", "uri:..." */
	size_t names_count;
};

enum td_guarded {
	TD_GUARD_KNOWN, /* *identity; NULL where everybody is let in */
	TD_GUARD_REFUSED, /* err: TD_E_STRANGER, TD_E_LIMIT (too many wrong ones: later), TD_E_FULL (too
			      many checks at once: again), TD_E_INVALID, TD_E_NOMEM */
	TD_GUARD_CHECK, /* *check is to be run; it may be out already, for another request */
};
/*
 * `now`: monotonic ns. An identity is not counted: ref what you keep. Of a check of which *fresh is
 * true the caller runs td_check_run() beside the loop, then td_guard_settle() once on the loop; to
 * know who waits is the caller's affair.
 */
enum td_guarded td_guard_ask(struct td_guard *guard, const struct td_ask *ask, int64_t now,
	const struct td_identity **identity, struct td_check **check, bool *fresh,
	struct td_error *err);
/* Slow; any thread; touches the check alone. */
void td_check_run(struct td_check *check);
/* A place for the caller's own, e.g. a list of who waits; NULL at first. */
void **td_check_waiters(struct td_check *check);
/*
 * What came of it: 0 and *identity, or TD_E_STRANGER, TD_E_NOMEM. The check is gone. Not counted: valid
 * until the next td_guard_set().
 */
int td_guard_settle(struct td_guard *guard, struct td_check *check, int64_t now,
	const struct td_identity **identity, struct td_error *err);

/* The value of WWW-Authenticate: what is spoken here. */
#define TD_GUARD_CHALLENGE "Basic realm=\"tidings\", charset=\"UTF-8\", Bearer realm=\"tidings\""

#endif
