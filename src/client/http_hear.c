#include "client/http_inside.h"

#include <stdlib.h>
#include <string.h>

/*
 * Subscriptions, and the one stream that feeds them. It begins with the first subscription, asks for what
 * any of them may want, and what it shows goes to the bus:
 *
 *	shown --> being published here, no answer yet?   it waits for that ("stuck")
 *	      --> published here?                        its publisher's turn; he dispatches it
 *	      --> went ahead of the stream?              passed over
 *	      --> else: others' ---------------------->  td_bus_hear(): a queue of each subscription
 *
 * Who turns the loop moves it on, or a thread of its own where the handle has workers; and a publisher
 * who waits for it. One at a time (http->pumping), and none of them runs a handler meanwhile.
 */

#define STRETCH      256u
#define STUCK_MS     20 /* what has no room is offered again */
#define PATTERNS_MAX 16u
#define TYPES_MAX    32u
#define QUERY_MAX    (4u * 1024u)

/* --- what is asked for -------------------------------------------------------------------- */

static bool wants(const struct td_http_interest *interest, const struct td_event *event)
{
	if (!td_pattern_matches(td_text(interest->pattern), event->address))
		return false;
	for (size_t i = 0; i < interest->types_count; i++) {
		if (td_text_is(event->attr[TD_ATTR_TYPE], interest->types[i]))
			return true;
	}
	return interest->types_count == 0;
}

bool td_http_shows(const struct td_http *http, const struct td_event *event)
{
	if (!http->streams || http->stream_err.code != 0)
		return false;
	for (const struct td_http_interest *i = http->interests; i != NULL; i = i->next) {
		if (wants(i, event))
			return true;
	}
	return false;
}

static void add(struct td_buf *query, const char *name, const char *value)
{
	if (query->len > 0)
		td_buf_add_char(query, '&');
	td_buf_add_string(query, name);
	td_buf_add_char(query, '=');
	td_http_add_encoded(query, td_text(value));
}

/* Each subject, and each type if all ask for some; nothing, which is everything, where it gets long. */
static void write_query(const struct td_http *http, struct td_buf *query)
{
	size_t patterns = 0, types = 0;
	bool all_subjects = false, all_types = false;

	for (const struct td_http_interest *i = http->interests; i != NULL; i = i->next) {
		patterns++;
		types += i->types_count;
		all_subjects = all_subjects || strcmp(i->pattern, ">") == 0;
		all_types = all_types || i->types_count == 0;
	}
	for (const struct td_http_interest *i = http->interests; i != NULL; i = i->next) {
		if (!all_subjects && patterns <= PATTERNS_MAX)
			add(query, "subject", i->pattern);
		for (size_t t = 0; t < i->types_count && !all_types && types <= TYPES_MAX; t++)
			add(query, "type", i->types[t]);
	}
	if (query->len > QUERY_MAX)
		td_buf_reset(query);
}

/* --- the stream, by who pumps ------------------------------------------------------------- */

static bool is_of(const struct td_event *event, const struct td_event *other)
{
	return td_text_equal(event->attr[TD_ATTR_ID], other->attr[TD_ATTR_ID]) &&
	       td_text_equal(event->attr[TD_ATTR_SOURCE], other->attr[TD_ATTR_SOURCE]);
}

enum shown { SHOWN_OTHERS, SHOWN_OURS, SHOWN_TOO_EARLY };

/* Under the lock: whose it is; of ours its turn is drawn. */
static enum shown whose(struct td_http *http)
{
	uint64_t position = http->held_where.position;

	for (struct td_http_own *own = http->owns; own != NULL; own = own->next) {
		const struct td_keeping *keeping = own->keeping;
		const struct td_kept *kept = &keeping->kept[own->reached];

		if (own->reached == keeping->count)
			continue;
		if (own->answered && kept->where.position == position) {
			td_turn_draw(http->keeper.turns, kept->turn,
				keeping->events[own->reached++]->address);
			return SHOWN_OURS;
		}
		if (!own->answered && !own->over && is_of(keeping->events[0], http->held))
			return SHOWN_TOO_EARLY;
	}
	return td_map_remove(&http->passed, position) != NULL ? SHOWN_OURS : SHOWN_OTHERS;
}

/* What the stream shows goes where it belongs; TOO_EARLY: not now. */
static enum shown hand_on(struct td_http *http, struct td_cascade *left)
{
	enum shown shown;
	int code = 0;

	td_mutex_lock(&http->lock);
	shown = whose(http);
	td_mutex_unlock(&http->lock);
	if (shown == SHOWN_TOO_EARLY)
		return shown;
	if (shown == SHOWN_OTHERS)
		code = td_bus_hear(http->bus, http->held, http->held_where.position, left, NULL);
	if (code != 0 && code != TD_E_CLOSED)
		return SHOWN_TOO_EARLY;
	td_event_unref(http->held);
	http->held = NULL;
	return shown;
}

/* When it is to be looked at again without anything coming. */
static int64_t due_of(const struct td_http_stream *stream, bool stuck)
{
	if (stuck)
		return td_http_now() + (int64_t)STUCK_MS * 1000000;
	return stream->state == TD_STREAM_FAILED ? INT64_MAX : stream->due;
}

/* The loop is readable when there is more. `more`: it is here already. */
static void watch(struct td_http *http, bool stuck, bool more)
{
	const struct td_http_stream *stream = &http->stream;
	unsigned wanted = stuck ? 0 : td_http_stream_interest(stream);

	if (!http->threaded)
		td_bus_place_due(http->bus, more ? 0 : due_of(stream, stuck));
	if (stream->connection < 0 ||
		(http->watched == stream->dialled && http->watched_for == wanted))
		return;
	if (http->watched != stream->dialled && wanted == 0)
		return; /* never was */
	if (td_loop_watch(http->loop, stream->connection, wanted) == 0) {
		http->watched = stream->dialled;
		http->watched_for = wanted;
	}
}

/* Nobody asks any more. Under the lock, nobody pumps. */
static void end_stream(struct td_http *http)
{
	td_http_stream_fini(&http->stream);
	td_event_unref(http->held);
	http->held = NULL;
	http->streams = http->live = http->stuck = false;
	http->stream_err.code = 0;
	http->watched = 0;
	if (!http->threaded)
		td_bus_place_due(http->bus, INT64_MAX);
}

/* Under the lock: this thread has the stream; false: another does, or there is none. */
static bool take_stream(struct td_http *http)
{
	if (http->pumping || !http->streams)
		return false;
	http->pumping = true;
	return true;
}

/* The lock again, and the others may. */
static void give_stream(struct td_http *http)
{
	http->upto = http->held != NULL ? http->held_where.position : http->stream.next;
	http->live = http->stream.state == TD_STREAM_LIVE;
	http->stuck = http->held != NULL;
	if (http->upto > http->known)
		http->known = http->upto;
	http->pumping = false;
	if (http->interests == NULL)
		end_stream(http);
	td_condition_broadcast(&http->moved);
}

/* The thread that listens waits for what the stream waited for before. Under the lock. */
static void tell_thread(struct td_http *http)
{
	if (http->threaded)
		td_loop_wake(http->loop);
}

/*
 * As far as it goes without waiting; false: nothing was there. Not under the lock. It ends behind what
 * is ours, for what is behind that may have to wait for its turn, and this thread may be the one to take it.
 */
static bool pump(struct td_http *http, struct td_cascade *left)
{
	struct td_error err = TD_ERROR_INIT;
	enum shown shown = SHOWN_OTHERS;
	bool did = false;
	unsigned i;

	for (i = 0; i < STRETCH && shown == SHOWN_OTHERS; i++) {
		int code = 0;

		if (http->held == NULL)
			code = td_http_stream_next(
				&http->stream, &http->held, &http->held_where, &err);
		if (code != 0 && code != TD_STREAM_NOTHING) {
			td_mutex_lock(&http->lock);
			http->stream_err = err;
			td_mutex_unlock(&http->lock);
		}
		if (code != 0)
			break;
		shown = hand_on(http, left);
		did = did || shown != SHOWN_TOO_EARLY;
	}
	watch(http, http->held != NULL, i == STRETCH || shown == SHOWN_OURS);
	return did;
}

enum patience {
	PUMP_NOW,        /* what is there */
	PUMP_UNTIL_LIVE, /* wait once, unless the stream stands */
	PUMP_UNTIL_MORE, /* wait once, unless something came */
};

/* Under the lock, which it leaves meanwhile. The stream was taken. */
static bool pump_taken(struct td_http *http, enum patience patience, int64_t deadline)
{
	struct td_cascade left;
	bool did;

	td_bus_heard_init(&left);
	td_mutex_unlock(&http->lock);
	did = pump(http, &left);
	if (patience == PUMP_UNTIL_LIVE && http->stream.state == TD_STREAM_LIVE)
		patience = PUMP_NOW;
	if (!did && patience != PUMP_NOW) {
		td_http_stream_wait(&http->stream, deadline);
		did = pump(http, &left);
	}
	td_mutex_lock(&http->lock);
	give_stream(http);
	if (left.head != NULL) {
		td_mutex_unlock(&http->lock);
		while (td_bus_heard(http->bus, &left, NULL) != 0)
			td_dial_wait(-1, 0, td_http_now() + 1000000); /* no memory now */
		td_mutex_lock(&http->lock);
	}
	return did;
}

bool td_http_pump_for(struct td_http *http, int64_t deadline)
{
	if (!http->streams || !http->live || http->stream_err.code != 0)
		return false;
	if (!take_stream(http)) {
		if (http->stuck)
			return false;
		td_condition_wait(&http->moved, &http->lock, deadline);
		return true;
	}
	pump_taken(http, PUMP_UNTIL_MORE, deadline);
	if (!http->live || http->stuck)
		tell_thread(http);
	return !http->stuck;
}

void td_http_moved(struct td_http *http)
{
	td_condition_broadcast(&http->moved);
	if (http->stuck)
		td_loop_wake(http->loop);
}

/* --- who turns the loop, or the thread ---------------------------------------------------- */

/* false: there was nothing to do. */
static bool try_pump(struct td_http *http)
{
	bool did = false;

	td_mutex_lock(&http->lock);
	if (take_stream(http))
		did = pump_taken(http, PUMP_NOW, 0);
	td_mutex_unlock(&http->lock);
	return did;
}

/* Why the stream ended for good, or 0. */
static int failed(struct td_http *http)
{
	int code;

	td_mutex_lock(&http->lock);
	code = http->stream_err.code;
	td_mutex_unlock(&http->lock);
	return code;
}

int td_http_loop_turn(struct td *td, int64_t timeout_ms)
{
	struct td_http *http = td->http;
	int64_t deadline = td_deadline(timeout_ms);
	bool did;
	int ran;

	if (http->threaded || td_bus_in_handler(td->bus))
		return td_bus_loop_turn(td->bus, timeout_ms);
	for (;;) {
		did = try_pump(http);
		ran = td_bus_loop_turn(td->bus, 0);
		if (ran != 0)
			return ran;
		if (failed(http) != 0)
			return -failed(http);
		if (td_http_now() >= deadline)
			return 0;
		if (!did)
			td_dial_wait(td_bus_loop_fd(td->bus), TD_NET_READ, deadline);
	}
}

static int64_t due(struct td_http *http)
{
	int64_t at = INT64_MAX;

	td_mutex_lock(&http->lock);
	if (http->streams && !http->pumping)
		at = due_of(&http->stream, http->stuck);
	td_mutex_unlock(&http->lock);
	return at;
}

static bool is_closing(struct td_http *http)
{
	bool closing;

	td_mutex_lock(&http->lock);
	closing = http->closing;
	td_mutex_unlock(&http->lock);
	return closing;
}

static void listen_on(void *arg)
{
	struct td_http *http = arg;

	while (!is_closing(http)) {
		if (try_pump(http))
			continue;
		td_dial_wait(td_loop_descriptor(http->loop), TD_NET_READ, due(http));
		td_loop_wait(http->loop, 0);
	}
}

int td_http_hear_start(struct td_http *http, unsigned workers, struct td_error *err)
{
	int code;

	http->loop = td_bus_loop(http->bus);
	if (workers == 0)
		return 0;
	code = td_loop_new(&http->loop, err);
	if (code != 0)
		return code;
	http->threaded = true;
	code = td_thread_start(&http->thread, "td-http", listen_on, http, err);
	if (code != 0) {
		td_loop_free(http->loop);
		http->threaded = false;
	}
	return code;
}

void td_http_hear_stop(struct td_http *http)
{
	if (!http->threaded)
		return;
	td_loop_wake(http->loop);
	td_thread_join(&http->thread);
}

/* --- subscribing -------------------------------------------------------------------------- */

static void free_interest(struct td_http_interest *interest)
{
	if (interest == NULL)
		return;
	for (size_t i = 0; interest->types != NULL && i < interest->types_count; i++)
		free(interest->types[i]);
	free(interest->types);
	free(interest->pattern);
	free(interest);
}

/* `type` and `types` in one list; what is wrong with them the bus says. */
static struct td_http_interest *copy_interest(const struct td_interest *from)
{
	static const struct td_interest anything = {0};
	struct td_http_interest *interest = calloc(1, sizeof(*interest));
	size_t one;

	if (from == NULL)
		from = &anything;
	one = from->type != NULL;
	if (interest == NULL)
		return NULL;
	interest->types_count = from->types != NULL ? from->types_count + one : one;
	interest->types = calloc(interest->types_count + 1, sizeof(char *));
	interest->pattern = strdup(from->subject != NULL ? from->subject : ">");
	if (interest->types == NULL || interest->pattern == NULL) {
		free_interest(interest);
		return NULL;
	}
	for (size_t i = 0; i < interest->types_count; i++) {
		const char *type = i < one ? from->type : from->types[i - one];

		interest->types[i] = strdup(type != NULL ? type : "");
		if (interest->types[i] == NULL) {
			free_interest(interest);
			return NULL;
		}
	}
	return interest;
}

/* Of who pumps: the stream shows what is asked for now. */
static int retune(struct td_http *http, uint64_t since, struct td_error *err)
{
	struct td_buf query = TD_BUF_INIT(64 * 1024);
	int code = 0;

	write_query(http, &query);
	code = td_buf_check(&query, err);
	if (code == 0 && !http->streams) {
		code = td_http_stream_init(&http->stream, http, since, err);
		if (code != 0)
			td_http_stream_fini(&http->stream);
		else
			td_http_stream_restart(&http->stream);
	} else if (code == 0 &&
		   td_text_equal(td_buf_view(&query), td_buf_view(&http->stream.query))) {
		td_buf_fini(&query);
		return 0;
	}
	if (code != 0) {
		td_buf_fini(&query);
		return code;
	}
	td_buf_fini(&http->stream.query);
	http->stream.query = query;
	if (http->streams)
		td_http_stream_restart(&http->stream);
	http->streams = true;
	http->stream_err.code = 0;
	return 0;
}

static void unlink_interest(struct td_http *http, struct td_http_interest *interest)
{
	struct td_http_interest **link = &http->interests;

	while (*link != NULL && *link != interest)
		link = &(*link)->next;
	if (*link != NULL)
		*link = interest->next;
}

/* Under the lock: it broke for want of memory, for which nobody is to be waited. */
static bool is_starved(const struct td_http *http)
{
	return !http->pumping && td_http_stream_starved(&http->stream);
}

/*
 * Until the stream stands, or nobody answers, or there is no memory: then it goes on trying. TD_E_...: it
 * never will.
 */
static int establish(struct td_http *http, struct td_error *err)
{
	int64_t deadline = td_http_deadline(http);
	int code;

	td_mutex_lock(&http->lock);
	while (http->streams && !http->live && http->stream_err.code == 0 && !http->closing &&
		!is_starved(http) && td_http_now() < deadline) {
		if (take_stream(http))
			pump_taken(http, PUMP_UNTIL_LIVE, deadline);
		else
			td_condition_wait(&http->moved, &http->lock, deadline);
	}
	code = http->stream_err.code;
	if (code != 0 && err != NULL)
		*err = http->stream_err;
	tell_thread(http);
	td_mutex_unlock(&http->lock);
	return code;
}

/* Under the lock, with the stream in hand: it shows what this one asks for, too. */
static int join(struct td_http *http, struct td_http_interest *interest, uint64_t since,
	struct td_error *err)
{
	int code;

	interest->next = http->interests;
	http->interests = interest;
	td_bus_subscription_since(interest->subscription, since);
	code = retune(http, since, err);
	if (code != 0)
		unlink_interest(http, interest);
	return code;
}

/* Nothing is heard between the bus's knowing of it and ours. */
static int subscribe(struct td_http *http, struct td_http_interest *mine,
	const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_error *err)
{
	uint64_t since = 0;
	int code = td_http_ask_position(http, false, &since, err);

	if (code != 0)
		return td_error_wrap(err, code, "subscribe");
	td_mutex_lock(&http->lock);
	while (http->pumping)
		td_condition_wait(&http->moved, &http->lock, INT64_MAX);
	http->pumping = true;
	td_mutex_unlock(&http->lock);
	code = td_bus_subscribe(http->bus, interest, handler, typed, arg, &mine->subscription, err);
	td_mutex_lock(&http->lock);
	if (code == 0)
		code = join(http, mine, since, err);
	if (http->streams) {
		give_stream(http);
	} else {
		http->pumping = false;
		td_condition_broadcast(&http->moved);
	}
	td_mutex_unlock(&http->lock);
	if (code != 0 && mine->subscription != NULL)
		td_bus_unsubscribe(mine->subscription);
	return code;
}

static int not_here(const char *what, struct td_error *err)
{
	return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
		"subscribe: %s: nothing is acknowledged by http://", what);
}

int td_http_subscribe(struct td *td, const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_subscription **out,
	struct td_error *err)
{
	struct td_http *http = td->http;
	struct td_http_interest *mine;
	struct td_subscription *subscription;
	int code;

	if (interest != NULL && interest->durable)
		return not_here("a durable subscription", err);
	if (interest != NULL && interest->inline_)
		return not_here("an inline handler", err);
	mine = copy_interest(interest);
	if (mine == NULL)
		return td_error_nomem(err);
	code = subscribe(http, mine, interest, handler, typed, arg, err);
	if (code != 0) {
		free_interest(mine);
		return code;
	}
	subscription = mine->subscription;
	code = establish(http, err);
	if (code != 0) {
		td_http_unsubscribe(td, subscription);
		td_bus_unsubscribe(subscription);
		return td_error_wrap(err, code, "subscribe");
	}
	if (out != NULL)
		*out = subscription;
	return 0;
}

void td_http_unsubscribe(struct td *td, struct td_subscription *subscription)
{
	struct td_http *http = td->http;
	struct td_http_interest *interest;

	td_mutex_lock(&http->lock);
	for (interest = http->interests; interest != NULL; interest = interest->next) {
		if (interest->subscription == subscription)
			break;
	}
	if (interest != NULL)
		unlink_interest(http, interest);
	if (interest != NULL && http->interests == NULL && http->streams && !http->pumping)
		end_stream(http);
	td_mutex_unlock(&http->lock);
	free_interest(interest);
}

void td_http_hear_fini(struct td_http *http)
{
	struct td_http_interest *interest;

	if (http->streams)
		td_http_stream_fini(&http->stream);
	td_event_unref(http->held);
	while ((interest = http->interests) != NULL) {
		http->interests = interest->next;
		free_interest(interest);
	}
	td_map_fini(&http->passed);
	if (http->threaded)
		td_loop_free(http->loop);
}
