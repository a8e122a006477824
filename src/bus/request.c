#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Commands and queries: one handler each, and an answer.
 *
 * A synchronous handler runs at once, nested, on the requester's thread. An asynchronous one runs
 * in its lane; the requester waits on the state below, which both share, so that an answer after
 * the time is up finds somebody to free it.
 */

struct td_request_state {
	_Atomic uint32_t refs;
	struct td_mutex lock;
	struct td_bus *bus;
	struct td_event *reply; /* one reference */
	bool done;
	int code;
	char reason[TD_ERROR_TEXT_BYTES];
};

static struct td_request_state *state_new(struct td_bus *bus)
{
	struct td_request_state *state = calloc(1, sizeof(*state));

	if (state == NULL)
		return NULL;
	if (td_mutex_init(&state->lock, NULL) != 0) {
		free(state);
		return NULL;
	}
	state->bus = bus;
	atomic_init(&state->refs, 1);
	return state;
}

static void state_unref(struct td_request_state *state)
{
	if (atomic_fetch_sub_explicit(&state->refs, 1, memory_order_acq_rel) != 1)
		return;
	td_event_unref(state->reply);
	td_mutex_fini(&state->lock);
	free(state);
}

static void answer(struct td_request_state *state, int code, const char *reason)
{
	td_mutex_lock(&state->lock);
	state->done = true;
	state->code = code;
	snprintf(state->reason, sizeof(state->reason), "%s",
		reason != NULL && reason[0] != '\0' ? reason : td_error_meaning(code));
	td_mutex_unlock(&state->lock);
}

void td_request_settle(struct td_request_state *state, int code, const char *reason)
{
	answer(state, code, reason);
	td_run_settled(state->bus);
	state_unref(state);
}

void td_request_again(struct td_request_state *state)
{
	struct td_event *reply;

	td_mutex_lock(&state->lock);
	reply = TD_BUG(321) ? NULL : state->reply;
	if (!TD_BUG(321))
		state->reply = NULL;
	td_mutex_unlock(&state->lock);
	td_event_unref(reply);
}

/* --- inside the handler ------------------------------------------------------------------- */

int td_bus_reply(struct td_context *context, const struct td_draft *draft, struct td_error *err)
{
	struct td_subscription *s = context->slot->subscription;
	struct td_draft said = *draft;
	char type[TD_ATTRIBUTE_BYTES_MAX];
	struct td_origin origin;
	struct td_event *reply;
	uint8_t uuid[16];
	int code;

	if (s->kind == TD_EVENT_KIND)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"reply: only commands and queries are replied to");
	if (said.type == NULL && said.object_type == NULL) {
		snprintf(type, sizeof(type), "%s.reply", s->types[0]);
		said.type = type;
	}
	td_bus_origin(s->bus, &origin, uuid, TD_REPLY, context->event);
	origin.causes_max = 0;
	code = td_event_make(&reply, &said, &origin, err);
	if (code != 0)
		return td_error_wrap(err, code, "reply");
	if (context->request == NULL) {
		td_event_unref(reply); /* a command that nobody waits for */
		return 0;
	}
	td_mutex_lock(&context->request->lock);
	if (context->request->reply != NULL) {
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "reply: there is one already");
		td_event_unref(reply);
	} else {
		context->request->reply = reply;
	}
	td_mutex_unlock(&context->request->lock);
	return code;
}

int td_bus_refuse(struct td_context *context, const char *format, va_list args)
{
	if (context->slot->subscription->kind == TD_EVENT_KIND) /* facts cannot be refused */
		return td_bus_fail(context, TD_SKIP, 0, format, args);
	vsnprintf(context->reason, sizeof(context->reason), format, args);
	context->refused = true;
	context->class_ = 0;
	td_reader_mine.dirty = 1;
	return TD_E_REFUSED;
}

/* --- requesting --------------------------------------------------------------------------- */

/* What the state came to, for the requester. */
static int outcome(struct td_request_state *state, struct td_event **reply, struct td_error *err)
{
	int code;

	td_mutex_lock(&state->lock);
	code = state->code;
	if (code == 0 && reply != NULL) {
		*reply = state->reply; /* NULL: it answered without a word */
		state->reply = NULL;
	} else if (code == TD_E_REFUSED || code == TD_E_CLOSED) {
		td_error_set(err, code, TD_NO_OFFSET, "%s", state->reason);
	} else if (code != 0) {
		code = td_error_set(err, TD_E_HANDLER, TD_NO_OFFSET, "%s", state->reason);
	}
	td_mutex_unlock(&state->lock);
	return code;
}

/*
 * On this thread, now. `cascade`: where what it publishes goes; `refusal`: where a refusal is told, if
 * nobody waits for an answer. The handler's code.
 */
static int run_here(struct td_bus *bus, struct td_subscription *s, const struct td_event *event,
	struct td_request_state *state, struct td_cascade *cascade, struct td_error *refusal)
{
	struct td_slot slot = {s->handler, s->arg, s};
	struct td_context context;
	bool handled;
	int code;

	td_context_init(&context, event, &slot, cascade);
	context.request = state;
	code = td_bus_call(bus, &context);
	handled = code == 0 || (context.refused && !TD_BUG(322)); /* an answer, not a failure */
	if (TD_UNLIKELY(td_bus_traced(bus)))
		td_bus_trace(bus, handled ? TD_DONE : TD_GAVE_UP,
			handled ? TD_COMPLETED : TD_FAILED, event, s, 1, code);
	if (!handled)
		td_letter_announce(s, event, context.class_, code, context.reason, NULL, cascade);
	if (s->kind == TD_COMMAND)
		td_letter_outcome(s, event, &context, code);
	if (state != NULL) {
		answer(state, code, code != 0 ? context.reason : NULL);
		return code;
	}
	if (cascade->book != NULL)
		td_book_add(cascade->book, event, s, handled ? TD_COMPLETED : TD_FAILED, code,
			code != 0 ? context.reason : NULL);
	if (handled)
		cascade->completed++;
	else if (cascade->failed++ == 0 && cascade->err != NULL)
		td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET, "handler %s: %s", s->name,
			context.reason);
	if (context.refused)
		td_error_set(refusal, TD_E_REFUSED, TD_NO_OFFSET, "%s", context.reason);
	return code;
}

void td_command_run(struct td_bus *bus, struct td_subscription *handler,
	const struct td_event *command, struct td_cascade *cascade)
{
	run_here(bus, handler, command, NULL, cascade, NULL);
}

static void trace_accepted(
	struct td_bus *bus, const struct td_event *event, const struct td_subscription *handler)
{
	if (TD_LIKELY(!td_bus_traced(bus)))
		return;
	td_bus_trace(bus, TD_PUBLISHED, TD_QUEUED, event, NULL, 0, 0);
	td_bus_trace(bus, TD_ROUTED, TD_QUEUED, event, handler, 0, 0);
}

/* Into its lane; takes the reference. */
static int queue(struct td_bus *bus, struct td_subscription *s, struct td_event *event,
	struct td_request_state *state, struct td_receipt_book *book, struct td_error *err)
{
	struct td_owed owed = {.event = event, .book_number = TD_BOOK_NONE, .request = state};
	struct td_lane *lane = td_bus_lane(s);
	bool dropped;
	int code = lane == NULL ? TD_E_NOMEM
				: td_lane_reserve(lane, td_bus_context(bus) == NULL, &dropped);

	if (code != 0) {
		td_event_unref(event);
		return td_error_set(
			err, code, TD_NO_OFFSET, "%s: %s", s->name, td_error_meaning(code));
	}
	trace_accepted(bus, event, s);
	if (book != NULL) {
		owed.book_number = td_book_add(book, event, s, TD_QUEUED, 0, NULL);
		if (owed.book_number != TD_BOOK_NONE) {
			td_book_ref(book);
			owed.book = book;
		}
	}
	if (state != NULL)
		atomic_fetch_add_explicit(&state->refs, 1, memory_order_relaxed);
	td_lane_push(lane, &owed);
	return 0;
}

static bool is_done(struct td_request_state *state)
{
	bool done;

	td_mutex_lock(&state->lock);
	done = state->done;
	td_mutex_unlock(&state->lock);
	return done;
}

struct asked {
	struct td_bus *bus;
	enum td_kind kind;
	struct td_context *context; /* of the handler that asks, or NULL */
	struct td_subscription *handler;
	struct td_event *event;
	struct td_inside inside;
};

/* Whether this thread is in that handler already, however deep: it can only run in its order. */
static bool runs_above(const struct td_context *context, const struct td_subscription *handler)
{
	for (; context != NULL; context = context->outer) {
		if (context->slot->subscription == handler && handler->order != TD_ORDER_NONE)
			return true;
	}
	return false;
}

/*
 * Inside a handler this thread may be the only one that could run the answer: it helps. What the
 * helped deliveries publish is theirs, in cascades of their own.
 */
static int wait_for_answer(
	const struct asked *asked, struct td_request_state *state, int64_t deadline)
{
	struct td_bus *bus = asked->bus;

	for (struct td_context *c = asked->context; c != NULL; c = c->outer) {
		if (c->batch != NULL)
			td_lane_lend(c->batch);
	}
	for (;;) {
		uint64_t seen = td_run_settled_count(bus);

		if (is_done(state))
			return 0;
		if (atomic_load(&bus->closing))
			return TD_E_CLOSED; /* who closes waits for us */
		if (asked->context != NULL &&
			td_lane_run(atomic_load(&asked->handler->lane), 1, NULL) > 0)
			continue;
		if (!td_bus_wait_step(bus, seen, deadline))
			return is_done(state) ? 0 : TD_E_TIMEOUT;
	}
}

static int ask(struct asked *asked, struct td_bus *bus, enum td_kind kind,
	const struct td_draft *draft, struct td_error *err)
{
	struct td_origin origin;
	uint8_t uuid[16];
	int code;

	*asked = (struct asked){.bus = bus, .kind = kind};
	if (atomic_load(&bus->closing))
		return td_error_set(err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
	if (kind != TD_COMMAND && kind != TD_QUERY)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"kind: only commands and queries are requested");
	if (!td_bus_enter(bus, &asked->inside))
		return td_error_nomem(err);
	asked->context = td_bus_context(bus);
	td_bus_origin(
		bus, &origin, uuid, kind, asked->context != NULL ? asked->context->event : NULL);
	code = td_event_make(&asked->event, draft, &origin, err);
	if (code == 0) {
		asked->handler = td_bus_handler_find(bus, kind, asked->event->attr[TD_ATTR_TYPE]);
		if (asked->handler == NULL) {
			code = td_error_set(err, TD_E_NO_HANDLER, TD_NO_OFFSET,
				"nobody handles %.*s",
				TD_TEXT_ARG(asked->event->attr[TD_ATTR_TYPE]));
			td_event_unref(asked->event);
		}
	}
	if (code != 0) {
		td_bus_leave(&asked->inside);
		return code;
	}
	if (TD_UNLIKELY(td_bus_traced(bus)))
		td_bus_trace(bus, TD_CREATED, TD_QUEUED, asked->event, NULL, 0, 0);
	return 0;
}

int td_bus_request(struct td_bus *bus, enum td_kind kind, const struct td_draft *draft,
	int64_t timeout_ms, struct td_event **reply, struct td_error *err)
{
	struct td_request_state *state;
	int64_t deadline = td_deadline_ns(timeout_ms);
	struct asked asked;
	int code = ask(&asked, bus, kind, draft, err);

	if (code != 0)
		return td_error_wrap(err, code, "request");
	state = state_new(bus);
	if (state == NULL) {
		code = td_error_nomem(err);
	} else if (!asked.handler->async) {
		struct td_cascade own;

		td_cascade_init(&own, NULL, NULL);
		own.may_wait = asked.inside.outermost;
		trace_accepted(bus, asked.event, asked.handler);
		run_here(bus, asked.handler, asked.event, state,
			asked.context != NULL ? td_context_cascade(asked.context) : &own, NULL);
		td_cascade_run(bus, &own);
		if (td_clock_monotonic(&td_clock_real) >= deadline)
			code = TD_E_TIMEOUT;
	} else if (runs_above(asked.context, asked.handler)) {
		code = td_error_set(err, TD_E_DEADLOCK, TD_NO_OFFSET, "%s waits for itself",
			asked.handler->name);
	} else {
		code = queue(bus, asked.handler, td_event_ref(asked.event), state, NULL, err);
		if (code == 0)
			code = wait_for_answer(&asked, state, deadline);
	}
	if (code == TD_E_TIMEOUT)
		td_error_set(err, code, TD_NO_OFFSET, "no answer from %s within %lld ms",
			asked.handler->name, (long long)timeout_ms);
	else if (code == TD_E_CLOSED)
		td_error_set(err, code, TD_NO_OFFSET, "%s",
			atomic_load(&bus->closing) ? "the handle is closing" : "the handler ended");
	else if (code == 0)
		code = outcome(state, reply, err);
	if (state != NULL)
		state_unref(state);
	td_event_unref(asked.event);
	td_bus_leave(&asked.inside);
	return code;
}

int td_bus_command(struct td_bus *bus, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err)
{
	struct td_receipt_book *book = NULL;
	struct td_cascade own;
	int said = 0;
	struct asked asked;
	int code = ask(&asked, bus, TD_COMMAND, draft, err);

	td_receipt_empty(receipt);
	if (code != 0)
		return td_error_wrap(err, code, "command");
	if (receipt != NULL)
		code = td_book_open(receipt, bus, asked.event, &book, err);
	td_cascade_init(&own, book, err);
	own.may_wait = asked.inside.outermost;
	if (code == 0 && asked.handler->async) {
		code = queue(bus, asked.handler, td_event_ref(asked.event), NULL, book, err);
		own.queued = 1;
	} else if (code == 0 && asked.context != NULL) {
		code = td_cascade_later(
			bus, asked.event, asked.handler, td_context_cascade(asked.context), err);
		own.queued = 1;
	} else if (code == 0) {
		trace_accepted(bus, asked.event, asked.handler);
		said = run_here(bus, asked.handler, asked.event, NULL, &own, err);
		td_cascade_run(bus, &own);
	}
	if (code == 0)
		code = td_cascade_result(&own, receipt);
	if (code == 0 && said == TD_E_REFUSED)
		code = said;
	else if (code != 0 && code != TD_E_HANDLER)
		td_receipt_empty(receipt);
	td_event_unref(asked.event);
	td_bus_leave(&asked.inside);
	return code;
}
