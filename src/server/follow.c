#include "server/hear.h"

#include <stdlib.h>

#include "server/handlers.h"

/*
 * GET /v1/events/follow: Server-Sent Events without an end. `id` is the position; who comes back with it as
 * Last-Event-ID goes on behind it: no gap, no repeat, across a restart too.
 *
 *	         from, Last-Event-ID          now
 *	                |                      |
 *	                v      caught up       v
 *	             BEHIND ---------------> LIVE (in its audience)
 *	              ^ | reads beside the     |
 *	              '-'  loop, or the ring   | its output is full, or memory was short
 *	              '------------------------'
 */

#define CATCH_LOOKED_MAX 100000u

/* Reading on for one who is behind, beside the loop. */
struct td_catching {
	struct td_follower *follower; /* NULL: it is gone */
	struct td_server *server;
	struct td_task task;
	struct td_search *search;
	struct td_names *names;
	uint64_t from; /* 0: as the search says */
	size_t bytes_max;
	/* What came of it. */
	struct td_buf out;
	uint64_t next, told, count;
	int code;
	struct td_error err;
};

static void go_on(struct td_follower *f);

/* --- beside the loop ---------------------------------------------------------------------- */

static int tell_one(struct td_catching *c, const struct td_stored *stored)
{
	struct td_event *event;
	int code;

	if (!td_search_fits(c->search, stored))
		return 0;
	code = td_search_show(c->search, c->server->store, stored, &event, &c->err);
	if (code != 0 || event == NULL)
		return code;
	code = td_show_sse(&c->out, event, stored, c->names, &c->err);
	td_event_unref(event);
	c->told = stored->position;
	c->count++;
	return code;
}

static int catch_up(struct td_catching *c, struct td_cursor *cursor)
{
	uint64_t durable = td_store_durable(c->server->store);
	struct td_stored stored;
	int code = 0;

	for (uint64_t looked = 0; c->out.len < c->bytes_max && looked < CATCH_LOOKED_MAX;
		looked++) {
		uint64_t before = td_cursor_position(cursor);

		code = td_cursor_next(cursor, &stored, &c->err);
		if (code == TD_E_NOT_FOUND) {
			/* Below what was durable before, nothing is left. */
			c->next = durable > c->next ? durable : c->next;
			return 0;
		}
		if (code == TD_E_DAMAGED) {
			uint64_t to = td_cursor_position(cursor) - 1;

			td_show_gap(&c->out, before, to, "damaged");
			c->told = to;
			c->next = to + 1;
			continue;
		}
		if (code == 0)
			code = tell_one(c, &stored);
		if (code != 0)
			return code;
		c->next = stored.position + 1;
	}
	return 0;
}

static void catch_run(void *arg)
{
	struct td_catching *c = arg;
	struct td_cursor *cursor = NULL;

	c->next = c->from;
	c->code = td_search_open(c->search, c->server->store, c->from, &cursor, &c->err);
	if (c->code == 0)
		c->code = catch_up(c, cursor);
	td_cursor_close(cursor);
	if (c->code == 0)
		c->code = td_buf_check(&c->out, &c->err);
}

/* --- turns of reading --------------------------------------------------------------------- */

static void wait_no_more(struct td_follower *f)
{
	struct td_feed *feed = f->server->feed;

	if (f->waiting_link == NULL)
		return;
	*f->waiting_link = f->next_waiting;
	if (f->next_waiting != NULL)
		f->next_waiting->waiting_link = f->waiting_link;
	else
		feed->waiting_last = f->waiting_link;
	f->waiting_link = NULL;
}

static void wait_for_turn(struct td_follower *f)
{
	struct td_feed *feed = f->server->feed;

	if (f->waiting_link != NULL)
		return;
	f->next_waiting = NULL;
	f->waiting_link = feed->waiting_last;
	*feed->waiting_last = f;
	feed->waiting_last = &f->next_waiting;
}

static void next_turns(struct td_server *server)
{
	struct td_feed *feed = server->feed;

	while (feed->waiting != NULL &&
		feed->catching_count < (uint64_t)server->limits.readings_max) {
		struct td_follower *f = feed->waiting;

		wait_no_more(f);
		go_on(f);
	}
}

static void catching_free(struct td_catching *c)
{
	td_search_unref(c->search);
	td_names_unref(c->names);
	td_buf_fini(&c->out);
	free(c);
}

/* It cannot be read: say why, and end. */
static void break_off(struct td_follower *f, const struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(16u << 10), json = TD_BUF_INIT(8u << 10);
	struct td_json_writer writer;
	struct td_shared *shared;

	td_http_open_problem(&writer, &json, err);
	td_json_close_object(&writer);
	td_sse_add(&buf, td_text(NULL), td_text("error"), td_buf_view(&json));
	shared = buf.code == 0 && buf.len > 0 ? td_shared_new(td_buf_view(&buf)) : NULL;
	if (shared != NULL)
		td_stream_add(f->x, shared);
	td_shared_unref(shared);
	td_buf_fini(&buf);
	td_buf_fini(&json);
	td_stream_end(f->x);
}

static void take(struct td_follower *f, struct td_catching *c)
{
	struct td_shared *shared = NULL;

	if (c->code != 0 && c->code != TD_E_NOMEM) {
		break_off(f, &c->err);
		return;
	}
	if (c->code == 0 && c->out.len > 0)
		shared = td_shared_new(td_buf_view(&c->out));
	if (c->code == 0 && (shared != NULL || c->out.len == 0)) {
		if (shared != NULL) {
			shared->mark = c->told;
			if (!td_stream_add(f->x, shared)) { /* it began with an empty output */
				td_shared_unref(shared);
				wait_for_turn(f);
				return;
			}
			f->told = c->told;
			f->server->counters.events_followed += c->count;
		}
		f->next = TD_BUG(411) ? f->server->feed->next : c->next;
	}
	td_shared_unref(shared);
	go_on(f);
}

static void catch_done(void *arg)
{
	struct td_catching *c = arg;
	struct td_server *server = c->server;
	struct td_follower *f = c->follower;

	server->tasks_out--;
	server->feed->catching_count--;
	if (f != NULL) {
		f->catching = NULL;
		take(f, c);
	}
	catching_free(c);
	next_turns(server);
}

static void read_on(struct td_follower *f)
{
	struct td_server *server = f->server;
	struct td_catching *c;

	if (server->feed->catching_count >= (uint64_t)server->limits.readings_max) {
		wait_for_turn(f);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		wait_for_turn(f); /* somebody else's end gives it a turn, or its silence does */
		return;
	}
	c->follower = f;
	c->server = server;
	c->search = td_search_ref(f->search);
	c->names = td_names_ref(server->names);
	c->from = f->next;
	c->bytes_max = (size_t)server->limits.follower_bytes_max / 2;
	td_buf_init(&c->out, 64u << 20);
	c->task = (struct td_task){.run = catch_run, .done = catch_done, .arg = c};
	f->catching = c;
	server->feed->catching_count++;
	server->tasks_out++;
	td_tasks_submit(server->seams.work, &c->task);
}

/* --- the ring ----------------------------------------------------------------------------- */

/* From the ring up to its end. false: the output is full, or memory short. */
static bool take_ring(struct td_follower *f)
{
	struct td_server *server = f->server;
	struct td_feed *feed = server->feed;

	for (size_t i = 0; i < feed->ring_count; i++) {
		struct td_heard *heard = td_feed_at(feed, i);
		struct td_shared *shared = NULL;
		uint64_t position = heard->stored.position;
		bool taken;

		if (position < f->next)
			continue;
		if (td_search_wants(f->search, &heard->stored,
			    td_server_log_name(server, heard->stored.log)) &&
			td_heard_show(server, f->search, heard, &shared) != 0)
			return false;
		taken = shared == NULL || td_stream_add(f->x, shared);
		if (taken && shared != NULL) {
			f->told = position;
			server->counters.events_followed++;
		}
		td_shared_unref(shared);
		if (!taken)
			return false;
		f->next = position + 1;
	}
	if (f->next < feed->next)
		f->next = feed->next;
	return true;
}

/* One who is behind: from the ring, if it reaches back so far, else from the store. */
static void go_on(struct td_follower *f)
{
	struct td_feed *feed = f->server->feed;

	if (f->link != NULL || f->catching != NULL || f->ended)
		return;
	if (f->next == 0 || f->next < feed->first) {
		if (f->x->session->out == NULL)
			read_on(f);
		return; /* when its output is taken */
	}
	if (take_ring(f))
		td_audience_enter(f->audience, f);
}

void td_follower_tell(struct td_follower *f, struct td_shared *shared, uint64_t position)
{
	if (position < f->next)
		return; /* it has read further than the tap was told */
	if (shared != NULL && td_stream_add(f->x, shared)) {
		f->told = position;
		f->server->counters.events_followed++;
		return;
	}
	td_audience_exit(f);
	f->next = position + TD_BUG(410);
	if (f->x->session->out == NULL)
		go_on(f);
}

/* --- the stream --------------------------------------------------------------------------- */

static void drained(struct td_exchange *x)
{
	go_on(x->stream_arg);
}

/* Who has not been told of anything for a while is told that we are here, and how far it has come. */
static void silent(struct td_exchange *x)
{
	struct td_follower *f = x->stream_arg;
	struct td_feed *feed = f->server->feed;
	uint64_t position = f->link != NULL || TD_BUG(413) ? feed->next - 1 : f->told;
	struct td_buf buf = TD_BUF_INIT(256);

	if (feed->beat == NULL || feed->beat_position != position) {
		td_buf_printf(&buf, ":\nid: %llu\n\n", (unsigned long long)position);
		td_shared_unref(feed->beat);
		feed->beat = buf.code == 0 ? td_shared_new(td_buf_view(&buf)) : NULL;
		feed->beat_position = position;
		if (feed->beat != NULL)
			feed->beat->mark = position;
		td_buf_fini(&buf);
	}
	if (feed->beat != NULL && td_stream_add(x, feed->beat))
		f->told = position;
	go_on(f);
}

/*
 * It takes nothing any more. What was not begun to be sent is taken back; a last word says where to
 * go on, should it ever look; then it ends.
 */
static void stalled(struct td_exchange *x)
{
	struct td_follower *f = x->stream_arg;
	struct td_session *session = x->session;
	struct td_buf buf = TD_BUF_INIT(1024);
	struct td_shared *shared;
	uint64_t upto = f->link != NULL ? f->server->feed->next - 1 : f->told;

	td_output_cut(session);
	/* Its id is where it stands, not where it would have been. */
	td_buf_printf(&buf,
		"id: %llu\nevent: gap\ndata: {\"reason\":\"slow\",\"from\":%llu,\"to\":%llu,"
		"\"resume\":%llu}\n\n",
		(unsigned long long)session->out_mark, (unsigned long long)session->out_mark + 1,
		(unsigned long long)upto, (unsigned long long)session->out_mark + 1);
	shared = buf.code == 0 ? td_shared_new(td_buf_view(&buf)) : NULL;
	if (shared != NULL) {
		shared->mark = session->out_mark;
		td_output_share(session, shared, x->framed);
	}
	td_shared_unref(shared);
	td_buf_fini(&buf);
	f->server->counters.gaps++;
	session->stalled_at = f->server->now;
	td_stream_end(x);
}

static void closed(struct td_exchange *x)
{
	struct td_follower *f = x->stream_arg;
	struct td_server *server = f->server;

	f->ended = true;
	td_audience_exit(f);
	wait_no_more(f);
	if (f->catching != NULL)
		f->catching->follower = NULL;
	td_audience_leave(server, f->audience);
	server->feed->followers_count--;
	td_search_unref(f->search);
	free(f);
}

static const struct td_stream_kind following = {
	.drained = drained, .silent = silent, .stalled = stalled, .closed = closed};

/* --- the handler -------------------------------------------------------------------------- */

static int check(const struct td_exchange *x, const struct td_search *search, struct td_error *err)
{
	struct td_text limit;

	if (search->backward || search->to.position != 0 || search->to.timed ||
		search->to.id.at != NULL || td_http_parameter(x->target, "limit", &limit) > 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"what goes on has no end: without to, limit and direction");
	if (x->server->feed->followers_count >= (uint64_t)x->server->limits.followers_max)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET, "followers: %zu already",
			x->server->feed->followers_count);
	return 0;
}

/* Where it begins: behind what it has seen; from where it says; now. */
static int begin_at(
	struct td_exchange *x, const struct td_search *search, uint64_t *next, struct td_error *err)
{
	struct td_text last;
	uint64_t position = 0;
	int code = td_exchange_field(x, "last-event-id", &last, err);

	if (code != 0)
		return code;
	for (size_t i = 0; i < last.len; i++) {
		if (last.at[i] < '0' || last.at[i] > '9' || position > UINT64_MAX / 20)
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"Last-Event-ID: %.*s is not one of ours", TD_TEXT_ARG(last));
		position = position * 10 + (uint64_t)(last.at[i] - '0');
	}
	if (last.len > 0)
		*next = position + !TD_BUG(409);
	else if (search->from.timed || search->from.id.at != NULL)
		*next = 0;
	else
		*next = search->from.position != 0 ? search->from.position : x->server->feed->next;
	return 0;
}

/* The first word: where it stands before the first event. */
static void greet(struct td_follower *f)
{
	struct td_buf buf = TD_BUF_INIT(256);
	struct td_shared *shared;

	td_sse_add_retry(&buf, 1000 + (uint32_t)td_rng_below(&f->server->rng, 2000));
	if (f->next > 0)
		td_buf_printf(&buf, ": following\nid: %llu\n\n", (unsigned long long)f->next - 1);
	f->told = f->next > 0 ? f->next - 1 : 0;
	shared = buf.code == 0 ? td_shared_new(td_buf_view(&buf)) : NULL;
	if (shared != NULL) {
		shared->mark = f->told;
		td_stream_add(f->x, shared);
	}
	td_shared_unref(shared);
	td_buf_fini(&buf);
}

static int follow(
	struct td_exchange *x, struct td_search *search, uint64_t next, struct td_error *err)
{
	struct td_follower *f = calloc(1, sizeof(*f));
	int code;

	if (f == NULL)
		return td_error_nomem(err);
	*f = (struct td_follower){.x = x, .server = x->server, .next = next};
	code = td_audience_join(x->server, search, &f->audience, err);
	if (code != 0) {
		free(f);
		return code;
	}
	f->search = td_search_ref(search);
	x->server->feed->followers_count++;
	code = td_stream_open(x, "text/event-stream", &following, f, err);
	if (code != 0 || x->terms.head) {
		if (code != 0) /* else it was closed already */
			closed(x);
		return code;
	}
	greet(f);
	go_on(f);
	return 0;
}

int td_follow_events(struct td_exchange *x, struct td_error *err)
{
	static const char *const known[] = {"log", "subject", "type", "filter", "select", "from",
		"to", "limit", "direction", "min-position", "timeout", NULL};
	struct td_search *search = NULL;
	struct td_log_info about;
	uint64_t next = 0;
	int code = td_exchange_only(x, known, err);

	if (code == 0)
		code = td_search_read(&search, x, td_text(NULL), err);
	if (code == 0)
		code = check(x, search, err);
	if (code == 0 && search->log.at != NULL)
		code = td_store_log(x->server->store, search->log, 0, &about, err);
	if (code == 0)
		code = begin_at(x, search, &next, err);
	if (code == 0)
		code = follow(x, search, next, err);
	td_search_unref(search);
	return code;
}
