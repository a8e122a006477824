#include "server/inside.h"

/*
 * What the store wants done: frames written and synced, and what keeps it in order beside that. Each
 * kind of work is out once at most, as a task, and comes back as a message.
 */

#define KINDS ((unsigned)TD_WORK_EVERYTHING & ~(unsigned)(TD_WORK_COMMIT | TD_WORK_CHAIN))

#define AGAIN_NS 1000000 /* an append that found no room, and nothing is on its way to make some */

static int64_t now_ms(const struct td_server *server)
{
	return server->now / 1000000;
}

static void job_run(void *arg)
{
	const struct td_job *job = arg;

	td_chore_run(job->chore);
}

static void fail(struct td_server *server)
{
	if (server->failed != 0)
		return;
	server->failed = td_store_failed(server->store, &server->err);
	if (server->failed != 0)
		td_server_say(server, TD_SAY_ERROR, "the store has failed: %s", server->err.text);
}

/* There is room again, for some of them. */
static void tell_roomless(struct td_server *server)
{
	struct td_exchange *next;

	for (struct td_exchange *x = server->roomless; x != NULL; x = next) {
		next = x->waiting_next;
		td_exchange_wait_no_more(x, &server->roomless_last);
		td_server_mark(x->session);
	}
}

static void job_done(void *arg)
{
	struct td_job *job = arg;
	struct td_server *server = job->server;
	struct td_chore *chore = job->chore;
	struct td_error err = TD_ERROR_INIT;
	bool commits = td_chore_kind(chore) == TD_WORK_COMMIT;
	int code;

	job->chore = NULL;
	server->tasks_out--;
	code = td_store_done(server->store, chore, &err);
	if (code == 0 && commits)
		server->counters.commits++;
	else if (code != 0 && code != TD_E_FULL)
		td_server_say(server, TD_SAY_WARNING, "store: %s", err.text);
	fail(server);
	tell_roomless(server);
	td_server_house_moved(server);
}

static struct td_job *free_job(struct td_server *server)
{
	for (size_t i = 0; i < TD_KINDS; i++) {
		if (server->jobs[i].chore == NULL)
			return &server->jobs[i];
	}
	return NULL;
}

/* Hand out one of these kinds. false: there is none. */
static bool hand_out(struct td_server *server, unsigned kinds, const struct td_tasks *tasks)
{
	struct td_job *job = free_job(server);

	if (job == NULL)
		return false;
	job->chore = td_store_next(server->store, kinds, now_ms(server));
	if (job->chore == NULL)
		return false;
	job->server = server;
	job->task = (struct td_task){.run = job_run, .done = job_done, .arg = job};
	server->tasks_out++;
	td_tasks_submit(tasks, &job->task);
	return true;
}

void td_server_house_turn(struct td_server *server)
{
	if (server->failed != 0)
		return;
	while (hand_out(server, TD_WORK_COMMIT, server->seams.commits))
		continue;
	while (hand_out(server, KINDS, server->seams.chores))
		continue;
	if (server->roomless != NULL && !td_server_house_is_out(server))
		tell_roomless(server);
	td_server_house_moved(server); /* in memory it moved at once */
}

/* --- what rests on durable ---------------------------------------------------------------- */

/* Nobody will ever know: P2. */
static void fail_settling(struct td_server *server)
{
	struct td_exchange *x;

	while ((x = server->settling) != NULL) {
		td_exchange_wait_no_more(x, &server->settling_last);
		if (!TD_BUG(402))
			td_answer_problem(x, &server->err);
		td_server_mark(x->session);
	}
}

static void tell_settled(struct td_server *server)
{
	struct td_exchange *next;

	for (struct td_exchange *x = server->settling; x != NULL; x = next) {
		next = x->waiting_next;
		if (x->rests_on >= server->durable + TD_BUG(403))
			continue;
		td_exchange_wait_no_more(x, &server->settling_last);
		td_server_mark(x->session);
	}
}

static void tell_early(struct td_server *server)
{
	struct td_exchange *next;

	for (struct td_exchange *x = server->early; x != NULL; x = next) {
		next = x->waiting_next;
		if (x->min_position >= server->durable)
			continue;
		td_exchange_wait_no_more(x, &server->early_last);
		td_server_mark(x->session);
	}
}

void td_server_house_moved(struct td_server *server)
{
	uint64_t durable = td_store_durable(server->store);

	if (server->failed != 0) {
		fail_settling(server);
		return;
	}
	if (durable == server->durable)
		return;
	server->durable = durable;
	if (server->names_stale) {
		server->names_stale = td_store_staged(server->store) != durable;
		td_server_rename(server);
	}
	tell_settled(server);
	tell_early(server);
}

int64_t td_server_house_due(const struct td_server *server)
{
	int64_t due;

	if (server->failed != 0)
		return INT64_MAX;
	if (server->roomless != NULL && !td_server_house_is_out(server))
		return server->now + AGAIN_NS;
	due = td_store_next_ms(server->store, KINDS, now_ms(server));
	due = due < INT64_MAX / 1000000 ? due * 1000000 : INT64_MAX;
	if (due > server->now)
		return due;
	/* The turn has tried: it waits for what is out, whose end wakes us; or it is tried again. */
	return td_server_house_is_out(server) ? INT64_MAX : server->now + AGAIN_NS;
}

bool td_server_house_is_out(const struct td_server *server)
{
	for (size_t i = 0; i < TD_KINDS; i++) {
		if (server->jobs[i].chore != NULL)
			return true;
	}
	return false;
}
