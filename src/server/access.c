#include "server/access.h"

#include <stdlib.h>

#include "server/guard.h"
#include "server/inside.h"
#include "server/tls_channel.h"

struct td_access {
	struct td_guard *guard;
};

/* A request that waits for a password to be looked at. */
struct waiter {
	struct td_exchange *x;
	struct waiter *next;
};

/* The check of one, beside the loop. */
struct looking {
	struct td_task task;
	struct td_server *server;
	struct td_check *check;
	struct waiter *waiters;
};

int td_access_new(struct td_access **out, const struct td_random *random, struct td_error *err)
{
	struct td_access *access = calloc(1, sizeof(*access));
	int code;

	if (access == NULL)
		return td_error_nomem(err);
	code = td_guard_new(&access->guard, random, err);
	if (code != 0) {
		free(access);
		return code;
	}
	*out = access;
	return 0;
}

void td_access_free(struct td_access *access)
{
	if (access == NULL)
		return;
	td_guard_free(access->guard);
	free(access);
}

int td_access_set(struct td_access *access, struct td_users *users, struct td_text origins,
	struct td_error *err)
{
	return td_guard_set(access->guard, users, origins, err);
}

static struct td_guard *guard_of(const struct td_access *access)
{
	return access != NULL ? access->guard : NULL;
}

bool td_access_stands(const struct td_access *access, const struct td_identity *identity)
{
	const struct td_users *users = td_guard_users(guard_of(access));
	const struct td_identity *now;

	if (users == NULL || identity == NULL)
		return users == NULL && identity == NULL;
	now = td_users_renew(users, identity);
	return now != NULL && td_identity_equal(now, identity);
}

/* Whether something of it goes on, or waits for what is to come, for who stands no more. */
static bool is_cut(const struct td_session *session)
{
	/* Who that is, is being looked at, by the old users: what comes of it is settled by the new. */
	if (session->admitting)
		return false;
	for (const struct td_exchange *x = session->exchanges; x != NULL; x = x->next) {
		if ((x->state == TD_EXCHANGE_STREAMS || x->state == TD_EXCHANGE_HELD) &&
			!td_access_stands(session->server->access, x->identity))
			return true;
	}
	return false;
}

size_t td_access_cut(struct td_server *server)
{
	struct td_session *session = server->sessions, *next;
	size_t count = 0;

	for (; session != NULL; session = next) {
		next = session->next;
		if (!is_cut(session))
			continue;
		td_session_drop(session);
		count++;
	}
	return count;
}

/* --- a request ---------------------------------------------------------------------------- */

static enum td_admission refuse(struct td_exchange *x, const struct td_error *err)
{
	td_answer_problem(x, err);
	return TD_ADMIT_REFUSED;
}

/* Who it is, is known; whether it may what the route is about, with anything at all. */
static bool let_in(struct td_exchange *x, const struct td_identity *identity, struct td_error *err)
{
	if (!td_identity_may_some(identity, x->route->permission)) {
		td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET, "user %.*s: may not %s anything",
			TD_TEXT_ARG(td_identity_name(identity)),
			x->route->permission == TD_MAY_READ      ? "read"
			: x->route->permission == TD_MAY_PUBLISH ? "publish"
								 : "manage");
		return false;
	}
	td_identity_ref(identity);
	td_identity_unref(x->identity);
	x->identity = identity;
	return true;
}

static void answer_waiter(struct td_exchange *x, const struct td_identity *identity, int code,
	const struct td_error *err)
{
	struct td_error refused = TD_ERROR_INIT;
	bool go = code == 0 && x->session != NULL;

	if (x->session != NULL && code != 0) {
		td_answer_problem(x, err);
	} else if (go && !let_in(x, identity, &refused)) {
		td_answer_problem(x, &refused);
		go = false;
	}
	td_exchange_admitted(x, go);
}

static void look(void *arg)
{
	td_check_run(((struct looking *)arg)->check);
}

static void looked(void *arg)
{
	struct looking *looking = arg;
	struct td_server *server = looking->server;
	const struct td_identity *identity = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct waiter *waiter;
	int code;

	server->tasks_out--;
	code = td_guard_settle(
		guard_of(server->access), looking->check, server->now, &identity, &err);
	/* What is answered may go on with the next request, but not with another identity's users. */
	if (code == 0)
		td_identity_ref(identity);
	while ((waiter = looking->waiters) != NULL) {
		looking->waiters = waiter->next;
		answer_waiter(waiter->x, identity, code, &err);
		free(waiter);
	}
	if (code == 0)
		td_identity_unref(identity);
	free(looking);
}

static enum td_admission wait_for(
	struct td_exchange *x, struct td_check *check, bool fresh, struct td_error *err)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct looking *looking = fresh ? calloc(1, sizeof(*looking)) : *td_check_waiters(check);
	const struct td_identity *nobody;

	if (waiter == NULL || looking == NULL) {
		free(waiter);
		if (fresh) { /* it was not looked at: so it is wrong, and nobody waits for it */
			free(looking);
			(void)td_guard_settle(
				guard_of(x->server->access), check, x->server->now, &nobody, NULL);
		}
		td_error_nomem(err);
		return refuse(x, err);
	}
	waiter->x = x;
	waiter->next = looking->waiters;
	looking->waiters = waiter;
	if (fresh) {
		looking->task = (struct td_task){.run = look, .done = looked, .arg = looking};
		looking->server = x->server;
		looking->check = check;
		*td_check_waiters(check) = looking;
		x->server->tasks_out++;
		td_tasks_submit(x->server->seams.work, &looking->task);
	}
	return TD_ADMIT_LATER;
}

static enum td_admission ask(struct td_exchange *x, struct td_guard *guard, struct td_error *err)
{
	const struct td_identity *identity = NULL;
	struct td_check *check = NULL;
	bool fresh = false;
	struct td_ask who = {.peer = x->session->peer};

	if (td_http_field(x->request->fields, "authorization", &who.authorization) > 1) {
		td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "Authorization: more than one");
		return refuse(x, err);
	}
	who.names = td_channel_names(&x->session->channel, &who.names_count);
	switch (td_guard_ask(guard, &who, x->server->now, &identity, &check, &fresh, err)) {
	case TD_GUARD_KNOWN:
		return let_in(x, identity, err) ? TD_ADMIT_GO : refuse(x, err);
	case TD_GUARD_CHECK:
		return wait_for(x, check, fresh, err);
	case TD_GUARD_REFUSED:
		break;
	}
	return refuse(x, err);
}

enum td_admission td_access_admit(struct td_exchange *x)
{
	struct td_guard *guard = guard_of(x->server->access);
	struct td_users *users = td_guard_users(guard);
	struct td_error err = TD_ERROR_INIT;
	struct td_text origin;

	if (td_http_field(x->request->fields, "origin", &origin) == 0)
		origin = td_text(NULL);
	if (td_guard_page(guard, x->request->host, origin, &err) != 0)
		return refuse(x, &err);
	if (users == NULL)
		return TD_ADMIT_GO;
	if (x->route->permission == TD_MAY_ANYBODY)
		return let_in(x, td_users_nobody(users), &err) ? TD_ADMIT_GO : refuse(x, &err);
	return ask(x, guard, &err);
}
