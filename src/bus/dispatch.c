#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Publishing. The outermost publish of a thread opens a cascade; what handlers publish meanwhile is
 * appended to it and dispatched when they are done, breadth first.
 *
 * The order of steps is what makes "nothing was published" true when a publish is refused: make
 * the event, find its routes, reserve a place in every queue it goes to; only then hand it over.
 * Queues come before handlers, so that per subject a lane sees events in the order of publishing.
 */

/* An event published inside a handler, with its routes already found. */
struct td_node {
	struct td_node *next;
	struct td_event *event; /* one reference */
	struct td_turn turn;
	unsigned flags;
	size_t count;
	struct td_route routes[];
};

_Thread_local struct td_context td_bus_fast = {.attempt = 1};

/* --- entering ----------------------------------------------------------------------------- */

bool td_bus_enter(struct td_bus *bus, struct td_inside *inside)
{
	struct td_reader *reader = &td_reader_mine;

	if (TD_UNLIKELY(!td_reader_register()))
		return false;
	inside->bus = bus;
	inside->reader = reader;
	inside->outermost = !td_reader_inside(reader);
	inside->context = inside->outermost ? &td_bus_fast : reader->context;
	inside->dirty = reader->dirty;
	if (inside->outermost) {
		td_reader_enter(reader, bus);
		reader->context = NULL;
		reader->dirty = 0;
	}
	return true;
}

void td_bus_leave(struct td_inside *inside)
{
	inside->reader->context = inside->context;
	if (!inside->outermost)
		return; /* what it made dirty, the fast road below must see */
	inside->reader->dirty = inside->dirty;
	td_bus_leave_reader(inside->bus, inside->reader);
}

struct td_context *td_bus_context(struct td_bus *bus)
{
	struct td_reader *reader = &td_reader_mine;

	if (!td_reader_registered(reader) || !td_reader_inside(reader))
		return NULL;
	for (struct td_context *c = reader->context; c != NULL; c = c->outer) {
		if (c->slot->subscription->bus == bus)
			return c;
	}
	return NULL;
}

/* --- cascades ----------------------------------------------------------------------------- */

void td_cascade_init(struct td_cascade *cascade, struct td_receipt_book *book, struct td_error *err)
{
	*cascade = (struct td_cascade){.book = book, .err = err};
}

static void cascade_append(struct td_cascade *cascade, struct td_node *node)
{
	if (TD_BUG(312) && cascade->head != NULL) {
		node->next = cascade->head;
		cascade->head = node;
		cascade->count++;
		return;
	}
	if (cascade->head == NULL) {
		cascade->tail = &cascade->head;
		cascade->count = 0;
	}
	node->next = NULL;
	*cascade->tail = node;
	cascade->tail = &node->next;
	cascade->count++;
}

/* A node that waited for its turn runs next: what comes behind it here may wait for it. */
static void cascade_push(struct td_cascade *cascade, struct td_node *node)
{
	if (node == NULL)
		return;
	if (cascade->head == NULL) {
		cascade_append(cascade, node);
		return;
	}
	node->next = cascade->head;
	cascade->head = node;
	cascade->count++;
}

static void free_node(struct td_node *node)
{
	for (size_t i = 0; i < node->count; i++)
		td_event_unref(node->routes[i].selected);
	td_event_unref(node->event);
	free(node);
}

int td_cascade_result(struct td_cascade *cascade, struct td_receipt *receipt)
{
	if (receipt != NULL) {
		receipt->completed = cascade->completed;
		receipt->failed = cascade->failed;
		receipt->queued = cascade->queued;
	}
	return cascade->failed > 0 ? TD_E_HANDLER : 0;
}

/* --- one handler -------------------------------------------------------------------------- */

void td_context_init(struct td_context *context, const struct td_event *event,
	const struct td_slot *slot, struct td_cascade *cascade)
{
	context->event = event;
	context->slot = slot;
	context->cascade = cascade;
	context->outer = td_reader_mine.context;
	context->request = NULL;
	context->batch = NULL;
	context->attempt = 1;
	context->class_ = 0;
	context->after_ms = 0;
	context->refused = false;
	context->reason[0] = '\0';
}

/* Failed without a word: the code is all there is to say. */
static void explain(struct td_context *context, int code)
{
	if (context->class_ != 0 || context->refused)
		return;
	context->class_ = TD_RETRY;
	context->after_ms = 0;
	snprintf(context->reason, sizeof(context->reason), "%s", td_error_meaning(code));
}

int td_bus_call(struct td_bus *bus, struct td_context *context)
{
	const struct td_slot *slot = context->slot;
	struct td_reader *reader = &td_reader_mine;
	struct td_context *outer = reader->context;
	int code;

	reader->context = context;
	if (TD_UNLIKELY(td_bus_traced(bus))) {
		td_bus_trace(bus, TD_DELIVERED, TD_QUEUED, context->event, slot->subscription,
			context->attempt, 0);
		code = slot->handler(context->event, context, slot->arg);
		td_bus_trace(bus, TD_PROCESSED, code == 0 ? TD_COMPLETED : TD_FAILED,
			context->event, slot->subscription, context->attempt, code);
	} else {
		code = slot->handler(context->event, context, slot->arg);
	}
	reader->context = outer;
	if (TD_UNLIKELY(code != 0))
		explain(context, code);
	return code;
}

int td_bus_typed_call(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_subscription *subscription = arg;
	struct td_error err = TD_ERROR_INIT;
	const void *object;
	void *block = NULL;
	int code;

	if (event->object != NULL && event->object_type == subscription->typed.type)
		return subscription->typed.call(subscription->typed.handler, event->object, context,
			subscription->typed_arg);
	code = td_event_object(event, subscription->typed.type, &object, &block, &err);
	if (code == TD_E_NOMEM)
		return td_fail(context, TD_RETRY, "%s", err.text);
	if (code != 0) {
		td_fail(context, TD_SKIP, "%s", err.text); /* it will not fit better next time */
		return code;
	}
	code = subscription->typed.call(
		subscription->typed.handler, object, context, subscription->typed_arg);
	free(block);
	return code;
}

int td_bus_fail(struct td_context *context, enum td_class class_, int64_t after_ms,
	const char *format, va_list args)
{
	context->class_ = class_ >= TD_RETRY && class_ <= TD_STOP ? class_ : TD_RETRY;
	context->after_ms = after_ms > 0 ? after_ms : 0;
	context->refused = false;
	vsnprintf(context->reason, sizeof(context->reason), format, args);
	td_reader_mine.dirty = 1;
	return TD_E_HANDLER;
}

struct td *td_bus_context_place(const struct td_context *context)
{
	return context->slot->subscription->bus->owner;
}

/* --- one event ---------------------------------------------------------------------------- */

/* The publisher is told of the first. */
static void count_failed(
	struct td_cascade *cascade, const struct td_subscription *subscription, const char *reason)
{
	if (cascade->failed++ == 0 && cascade->err != NULL)
		td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET, "handler %s: %s",
			subscription->name, reason);
}

/* A delivery that failed for good: told in the cascade, in the receipt, and as a dead letter. */
static void gave_up(struct td_bus *bus, struct td_cascade *cascade, struct td_context *context,
	struct td_subscription *subscription, enum td_state state, int code)
{
	const struct td_event *event = context->event;

	td_bus_trace(bus, TD_GAVE_UP, state, event, subscription, context->attempt, code);
	if (cascade->book != NULL)
		td_book_add(cascade->book, event, subscription, state, code, context->reason);
	if (subscription->observer)
		return;
	count_failed(cascade, subscription, context->reason);
	if (!context->refused)
		td_letter_announce(subscription, event,
			context->class_ != 0 ? context->class_ : TD_SKIP, code, context->reason,
			NULL, cascade);
	if (TD_BUG(316) && !context->refused)
		td_letter_announce(
			subscription, event, TD_SKIP, code, context->reason, NULL, cascade);
}

static void completed(struct td_bus *bus, struct td_cascade *cascade, const struct td_event *event,
	struct td_subscription *subscription)
{
	if (TD_UNLIKELY(td_bus_traced(bus)))
		td_bus_trace(bus, TD_DONE, TD_COMPLETED, event, subscription, 1, 0);
	cascade->completed++;
	if (cascade->book != NULL)
		td_book_add(cascade->book, event, subscription, TD_COMPLETED, 0, NULL);
}

/*
 * What a plain handler's failure means: its one attempt is used up, so where it asks for another,
 * `exhausted` decides; it may park its key or stop.
 */
static enum td_state plain_failed(
	struct td_bus *bus, struct td_cascade *cascade, struct td_context *context, int code)
{
	struct td_subscription *subscription = context->slot->subscription;
	enum td_class class_ =
		context->class_ == TD_RETRY ? subscription->retry.exhausted : context->class_;

	if ((class_ == TD_PARK || class_ == TD_STOP) && !subscription->observer) {
		struct td_lane *lane = td_bus_lane(subscription);
		struct td_owed owed = {
			.event = td_event_ref(context->event), .book_number = TD_BOOK_NONE};
		enum td_state state = TD_FAILED;

		if (lane != NULL && owed.event != NULL)
			state = td_lane_take_over(lane, &owed, class_, context, code);
		if (state == TD_FAILED)
			td_event_unref(owed.event);
		if (state == TD_PARKED)
			gave_up(bus, cascade, context, subscription, TD_PARKED, code);
		if (state == TD_STOPPED || state == TD_QUEUED)
			td_bus_trace(bus, TD_TRY_AGAIN, state, context->event, subscription,
				context->attempt, code);
		if (state == TD_STOPPED)
			count_failed(cascade, subscription, context->reason);
		else if (state == TD_QUEUED)
			cascade->queued++;
		if (state != TD_FAILED)
			return state;
	}
	gave_up(bus, cascade, context, subscription, TD_FAILED, code);
	return TD_FAILED;
}

/* The careful way for one synchronous delivery; true if it failed, and somebody minds. */
static bool deliver(struct td_bus *bus, struct td_cascade *cascade, const struct td_event *event,
	struct td_route *route)
{
	struct td_subscription *subscription = route->subscription;
	const struct td_event *seen = route->selected != NULL ? route->selected : event;
	struct td_slot slot = {subscription->handler, subscription->arg, subscription};
	struct td_lane *lane = atomic_load_explicit(&subscription->lane, memory_order_acquire);
	struct td_context context;
	int code;

	td_context_init(&context, seen, &slot, cascade);
	if (route->code != 0) {
		context.class_ = TD_SKIP;
		snprintf(context.reason, sizeof(context.reason), "select: %s",
			td_error_meaning(route->code));
		gave_up(bus, cascade, &context, subscription, TD_FAILED, route->code);
		return !subscription->observer;
	}
	if (lane != NULL) {
		struct td_owed owed = {.event = td_event_ref(seen), .book_number = TD_BOOK_NONE};
		if (owed.event != NULL) {
			enum td_state state = td_lane_deliver(lane, &owed, cascade);
			return state != TD_COMPLETED && state != TD_QUEUED && state != TD_DROPPED &&
			       !subscription->observer;
		}
		code = TD_E_NOMEM;
		context.class_ = TD_SKIP;
		snprintf(context.reason, sizeof(context.reason), "%s", td_error_meaning(code));
		gave_up(bus, cascade, &context, subscription, TD_FAILED, code);
		return !subscription->observer;
	}
	code = td_bus_call(bus, &context);
	if (TD_LIKELY(code == 0)) {
		completed(bus, cascade, seen, subscription);
		return false;
	}
	return plain_failed(bus, cascade, &context, code) != TD_QUEUED &&
	       (!subscription->observer || TD_BUG(314));
}

static void dropped(struct td_bus *bus, struct td_cascade *cascade, const struct td_event *event,
	struct td_subscription *subscription, const char *why)
{
	td_bus_trace(bus, TD_GAVE_UP, TD_DROPPED, event, subscription, 0, 0);
	if (cascade->book != NULL)
		td_book_add(cascade->book, event, subscription, TD_DROPPED, 0, why);
}

/* A handler to be called on the spot, with nobody who wants to know how it went if it goes well. */
static bool is_simple(const struct td_route *route)
{
	return route->selected == NULL && route->code == 0 &&
	       atomic_load_explicit(&route->subscription->lane, memory_order_acquire) == NULL;
}

/* The synchronous part of one event. */
static void run_routes(struct td_bus *bus, struct td_cascade *cascade, const struct td_event *event,
	struct td_route *routes, size_t count, unsigned flags)
{
	struct td_reader *reader = &td_reader_mine;
	struct td_context *outer = reader->context;
	bool simple = cascade->book == NULL && !td_bus_traced(bus);
	struct td_context context;
	struct td_slot slot;
	bool stop = false;

	td_context_init(&context, event, &slot, cascade);
	for (size_t i = 0; i < count; i++) {
		struct td_subscription *subscription = routes[i].subscription;
		int code;

		if ((routes[i].queued && !TD_BUG(315)) || routes[i].dropped)
			continue;
		if (!atomic_load_explicit(&subscription->live, memory_order_relaxed) &&
			!TD_BUG(313))
			continue;
		if (TD_UNLIKELY(stop)) {
			dropped(bus, cascade, event, subscription, "a handler before it failed");
			continue;
		}
		if (TD_UNLIKELY(subscription->kind == TD_COMMAND)) {
			td_command_run(bus, subscription, event, cascade);
			continue;
		}
		if (TD_UNLIKELY(!simple || !is_simple(&routes[i]))) {
			stop = deliver(bus, cascade, event, &routes[i]) &&
			       (flags & TD_STOP_AT_FIRST) != 0;
			continue;
		}
		slot = (struct td_slot){subscription->handler, subscription->arg, subscription};
		reader->context = &context;
		code = slot.handler(event, &context, slot.arg);
		reader->context = outer;
		if (TD_LIKELY((code | (int)context.class_) == 0)) {
			cascade->completed++;
			continue;
		}
		if (code != 0) {
			explain(&context, code);
			stop = plain_failed(bus, cascade, &context, code) != TD_QUEUED &&
			       !subscription->observer && (flags & TD_STOP_AT_FIRST) != 0;
		} else { /* it failed, and thought better of it */
			cascade->completed++;
		}
		td_context_init(&context, event, &slot, cascade);
	}
}

void td_cascade_run(struct td_bus *bus, struct td_cascade *cascade)
{
	while (cascade->head != NULL) {
		struct td_node *node = cascade->head;

		cascade->head = node->next;
		cascade->count--;
		if (!td_turn_begin(bus->turns, &node->turn, cascade->may_wait, node))
			continue; /* whoever is before it runs it */
		run_routes(bus, cascade, node->event, node->routes, node->count, node->flags);
		cascade_push(cascade, td_turn_end(bus->turns, &node->turn));
		free_node(node);
	}
}

/* --- queues ------------------------------------------------------------------------------- */

/* Beside enum td_publish_flags: said by the library, to whom it may; a full queue goes without. */
#define ANNOUNCED 0x100u

static bool wants_queue(const struct td_subscription *subscription, unsigned flags)
{
	return subscription->async || (flags & TD_ASYNC) != 0;
}

static void unreserve(struct td_routes *routes, size_t upto)
{
	for (size_t i = 0; i < upto; i++) {
		if (routes->at[i].queued)
			td_lane_unreserve(atomic_load(&routes->at[i].subscription->lane));
		routes->at[i].queued = false;
	}
}

/* A place in every queue the event goes to, or in none. */
static int reserve(struct td_bus *bus, struct td_routes *routes, unsigned flags, bool may_wait,
	struct td_cascade *cascade, const struct td_event *event, struct td_error *err)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		const char *why = "its queue is full";
		bool drop = false;

		if (!wants_queue(route->subscription, flags) || route->code != 0)
			continue;
		struct td_lane *lane = td_bus_lane(route->subscription);
		int code = lane == NULL ? TD_E_NOMEM : td_lane_reserve(lane, may_wait, &drop);

		if (code == TD_E_FULL && (flags & ANNOUNCED) != 0) {
			drop = true;
			code = 0;
		} else if (code == TD_E_CLOSED && !atomic_load(&bus->closing)) {
			why = "it ended"; /* while we waited for room: the others are told */
			drop = true;
			code = 0;
		}
		if (code != 0) {
			unreserve(routes, i);
			if (code == TD_E_NOMEM)
				return td_error_nomem(err);
			return td_error_set(err, code, TD_NO_OFFSET, "subscription %s: %s",
				route->subscription->name, td_error_meaning(code));
		}
		route->queued = !drop;
		route->dropped = drop;
		if (drop)
			dropped(bus, cascade, event, route->subscription, why);
	}
	return 0;
}

/* Hand over to the lanes what was reserved; `kept` is a kept event or NULL if there are none. */
static void enqueue(struct td_routes *routes, struct td_event *kept, struct td_cascade *cascade)
{
	for (size_t i = 0; i < routes->count; i++) {
		struct td_route *route = &routes->at[i];
		struct td_subscription *subscription = route->subscription;
		struct td_owed owed = {.book_number = TD_BOOK_NONE};

		if (route->dropped)
			td_lane_count_dropped(atomic_load(&subscription->lane));
		if (!route->queued)
			continue;
		if (route->selected != NULL) {
			owed.event = route->selected;
			route->selected = NULL;
		} else {
			owed.event = td_event_ref(kept);
		}
		if (cascade->book != NULL) {
			owed.book_number = td_book_add(
				cascade->book, owed.event, subscription, TD_QUEUED, 0, NULL);
			if (owed.book_number != TD_BOOK_NONE) {
				td_book_ref(cascade->book);
				owed.book = cascade->book;
			}
		}
		cascade->queued++;
		td_lane_push(
			atomic_load_explicit(&subscription->lane, memory_order_relaxed), &owed);
	}
}

static bool any_queued(const struct td_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->at[i].queued && routes->at[i].selected == NULL)
			return true;
	}
	return false;
}

static void trace_accepted(
	struct td_bus *bus, const struct td_event *event, const struct td_routes *routes)
{
	td_bus_trace(bus, TD_PUBLISHED, TD_QUEUED, event, NULL, 0, 0);
	for (size_t i = 0; i < routes->count; i++)
		td_bus_trace(bus, TD_ROUTED, TD_QUEUED, event, routes->at[i].subscription, 0, 0);
}

/* One event on its way from found to accepted. */
struct accepting {
	const struct td_event *event;
	struct td_routes *routes;
	struct td_event *kept; /* for queues and node; NULL if neither needs it */
	struct td_node *node;  /* where its synchronous part waits; NULL: it runs at once */
	struct td_turn *turn;
};

static bool is_announced(unsigned flags)
{
	return (flags & ANNOUNCED) != 0;
}

/* All that can fail: a node if its synchronous part is to wait, places in queues, a kept copy. */
static int prepare(struct td_bus *bus, struct accepting *a, unsigned flags, bool waits,
	struct td_cascade *cascade, struct td_error *err)
{
	struct td_routes *routes = a->routes;
	bool queueing = routes->queues || (flags & TD_ASYNC) != 0;
	int code = 0;

	a->kept = NULL;
	a->node = NULL;
	if (waits) {
		a->node = malloc(sizeof(*a->node) + routes->count * sizeof(a->node->routes[0]));
		if (a->node == NULL)
			return td_error_nomem(err);
		a->turn = &a->node->turn;
	}
	td_turn_init(a->turn);
	if (queueing)
		code = reserve(bus, routes, flags, !waits && td_bus_context(bus) == NULL, cascade,
			a->event, err);
	if (code == 0 && (waits || (queueing && any_queued(routes)))) {
		a->kept = td_event_ref(a->event);
		if (a->kept == NULL) {
			unreserve(routes, routes->count);
			code = td_error_nomem(err);
		}
	}
	if (code != 0)
		free(a->node);
	return code;
}

/* Back to before prepare(): it was refused, or was there already. */
static void cancel(struct accepting *a)
{
	unreserve(a->routes, a->routes->count);
	td_event_unref(a->kept);
	free(a->node);
}

/* Into the queues, and the node, if there is one, into the cascade where it waits. */
static void commit(struct td_bus *bus, struct accepting *a, unsigned flags,
	struct td_cascade *cascade, struct td_cascade *where)
{
	struct td_routes *routes = a->routes;
	struct td_node *node = a->node;
	bool queueing = routes->queues || (flags & TD_ASYNC) != 0;
	size_t here = routes->count; /* handlers called where the event is published */

	if (TD_UNLIKELY(td_bus_traced(bus)))
		trace_accepted(bus, a->event, routes);
	td_turn_wait_admission(bus->turns, a->turn);
	if (queueing)
		enqueue(routes, a->kept, cascade);
	for (size_t i = 0; i < routes->count && queueing; i++)
		here -= routes->at[i].queued || routes->at[i].dropped;
	cascade_push(where, td_turn_admitted(bus->turns, a->turn, here > 0));
	if (node == NULL) {
		td_event_unref(a->kept);
		return;
	}
	if (where != cascade)
		cascade->queued += here;
	node->event = a->kept;
	node->flags = flags;
	node->count = routes->count;
	memcpy(node->routes, routes->at, routes->count * sizeof(node->routes[0]));
	routes->count = 0; /* the node has what they held */
	cascade_append(where, node);
	td_reader_mine.dirty = 1;
}

static int check_room(const struct td_cascade *later, unsigned flags, struct td_error *err)
{
	/* What handlers used up must not silence what is to be told of them. */
	size_t most = is_announced(flags) ? 2 * TD_CASCADE_MAX : TD_CASCADE_MAX;

	if (later != NULL && later->head != NULL && later->count >= most)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET, "%u events wait in this cascade",
			TD_CASCADE_MAX);
	return 0;
}

/*
 * From routes to accepted: what both roads share. With `later` the synchronous part waits in that
 * cascade (we are inside a handler); otherwise it runs now, in `cascade`.
 */
static int accept(struct td_bus *bus, const struct td_event *event, struct td_routes *routes,
	unsigned flags, struct td_cascade *cascade, struct td_cascade *later, struct td_error *err)
{
	const struct td_keeper *keeper = event->kind == TD_EVENT_KIND ? td_bus_keeper(bus) : NULL;
	bool waits = later != NULL || (keeper != NULL && !cascade->may_wait);
	struct td_turn turn;
	struct accepting a = {.event = event, .routes = routes, .turn = &turn};
	int code = check_room(later, flags, err);

	if (code == 0)
		code = prepare(bus, &a, flags, waits, cascade, err);
	if (code != 0)
		return code;
	if (keeper != NULL) {
		struct td_kept kept = {.turn = a.turn};
		struct td_keeping keeping = {.events = &event, .count = 1, .kept = &kept};

		code = keeper->keep(keeper->arg, &keeping, err);
		if (code == 0 && cascade->book != NULL)
			td_book_where(cascade->book, &kept);
		if (code != 0 || kept.duplicate) {
			cancel(&a);
			return code;
		}
	}
	commit(bus, &a, flags, cascade, later != NULL ? later : cascade);
	if (later != NULL)
		return 0;
	if (!waits) {
		td_turn_begin(bus->turns, &turn, true, NULL);
		run_routes(bus, cascade, event, routes->at, routes->count, flags);
		cascade_push(cascade, td_turn_end(bus->turns, &turn));
	}
	td_cascade_run(bus, cascade);
	return 0;
}

/* --- publish ------------------------------------------------------------------------------ */

static int check_open(struct td_bus *bus, struct td_error *err)
{
	if (TD_UNLIKELY(atomic_load_explicit(&bus->closing, memory_order_relaxed)))
		return td_error_set(err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
	return 0;
}

/* An event with its routes found (or candidates to be narrowed), from wherever it came. */
static int publish_found(struct td_bus *bus, const struct td_inside *inside,
	const struct td_event *event, struct td_routes *routes, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	struct td_context *context = td_bus_context(bus);
	struct td_receipt_book *book = NULL;
	struct td_cascade cascade;
	int code;

	if (receipt != NULL) {
		code = td_book_open(receipt, bus, event, &book, err);
		if (code != 0)
			return code;
	}
	td_cascade_init(&cascade, book, err);
	cascade.may_wait = inside->outermost;
	code = accept(bus, event, routes, flags, &cascade,
		context != NULL ? td_context_cascade(context) : NULL, err);
	if (code != 0) {
		td_receipt_empty(receipt);
		return code;
	}
	return td_cascade_result(&cascade, receipt);
}

int td_bus_publish(struct td_bus *bus, const struct td_draft *draft, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	struct td_context *context;
	struct td_inside inside;
	struct td_origin origin;
	struct td_event event;
	struct td_event_scratch scratch;
	struct td_routes routes;
	uint8_t uuid[16];
	int code = check_open(bus, err);

	td_receipt_empty(receipt);
	if (code != 0)
		return code;
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	context = td_bus_context(bus);
	td_bus_origin(bus, &origin, uuid, TD_EVENT_KIND, context != NULL ? context->event : NULL);
	code = td_event_lend(&event, &scratch, draft, &origin, err);
	if (code == 0) {
		td_routes_init(&routes);
		if (TD_UNLIKELY(td_bus_traced(bus)))
			td_bus_trace(bus, TD_CREATED, TD_QUEUED, &event, NULL, 0, 0);
		code = td_routes_find(&routes, bus, &event);
		if (code == 0)
			code = publish_found(bus, &inside, &event, &routes, flags, receipt, err);
		else
			td_error_nomem(err);
		td_routes_fini(&routes);
		td_event_lend_end(&event);
	}
	td_bus_leave(&inside);
	return code;
}

int td_bus_publish_event(struct td_bus *bus, struct td_event *event, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	struct td_inside inside;
	struct td_routes routes;
	int code = check_open(bus, err);

	td_receipt_empty(receipt);
	if (code != 0)
		return code;
	if (event->kind != TD_EVENT_KIND)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "event: only events are published");
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	td_routes_init(&routes);
	code = td_routes_find(&routes, bus, event);
	if (code == 0)
		code = publish_found(bus, &inside, event, &routes, flags, receipt, err);
	else
		td_error_nomem(err);
	td_routes_fini(&routes);
	td_bus_leave(&inside);
	return code;
}

/* --- several, all or none ------------------------------------------------------------------- */

struct batch {
	size_t count;
	struct td_routes *routes;
	struct accepting *accepting;
	struct td_kept *kept;
};

static void batch_fini(struct batch *batch, size_t routed)
{
	for (size_t i = 0; i < routed; i++)
		td_routes_fini(&batch->routes[i]);
	free(batch->routes);
	free(batch->accepting);
	free(batch->kept);
}

/* Ready to be kept: routes, places in queues, nodes for all; or nothing. */
static int batch_prepare(struct td_bus *bus, struct batch *batch,
	const struct td_event *const *events, unsigned flags, struct td_cascade *cascade,
	size_t *routed, struct td_error *err)
{
	size_t ready = 0;
	int code = 0;

	batch->routes = malloc(batch->count * sizeof(batch->routes[0]));
	batch->accepting = calloc(batch->count, sizeof(batch->accepting[0]));
	batch->kept = calloc(batch->count, sizeof(batch->kept[0]));
	if (batch->routes == NULL || batch->accepting == NULL || batch->kept == NULL)
		return td_error_nomem(err);
	for (; code == 0 && *routed < batch->count; ready += code == 0) {
		struct accepting *a = &batch->accepting[*routed];

		*a = (struct accepting){
			.event = events[*routed], .routes = &batch->routes[*routed]};
		td_routes_init(a->routes);
		(*routed)++;
		if (td_routes_find(a->routes, bus, a->event) != 0)
			code = td_error_nomem(err);
		if (code == 0)
			code = prepare(bus, a, flags, true, cascade, err);
		if (code == 0)
			batch->kept[ready].turn = a->turn;
	}
	while (code != 0 && ready > 0)
		cancel(&batch->accepting[--ready]);
	return code;
}

int td_bus_publish_all(struct td_bus *bus, const struct td_event *const *events, size_t count,
	unsigned flags, const void *asked, struct td_kept *told, struct td_receipt *receipt,
	struct td_error *err)
{
	const struct td_keeper *keeper = td_bus_keeper(bus);
	struct batch batch = {.count = count};
	struct td_receipt_book *book = NULL;
	struct td_cascade cascade, *where;
	struct td_context *context;
	struct td_inside inside;
	size_t routed = 0;
	int code = check_open(bus, err);

	td_receipt_empty(receipt);
	if (code != 0)
		return code;
	if (keeper == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "there is no log");
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	context = td_bus_context(bus);
	if (receipt != NULL)
		code = td_book_open(receipt, bus, events[0], &book, err);
	td_cascade_init(&cascade, book, err);
	cascade.may_wait = inside.outermost;
	where = context != NULL ? td_context_cascade(context) : &cascade;
	if (code == 0)
		code = check_room(where, flags, err);
	if (code == 0)
		code = batch_prepare(bus, &batch, events, flags, &cascade, &routed, err);
	if (code == 0) {
		struct td_keeping keeping = {events, count, batch.kept, asked};

		code = keeper->keep(keeper->arg, &keeping, err);
		if (code == 0 && book != NULL)
			td_book_where(book, &batch.kept[0]);
		if (told != NULL)
			memcpy(told, batch.kept, count * sizeof(*told));
		for (size_t i = 0; i < count; i++) {
			if (code != 0 || batch.kept[i].duplicate)
				cancel(&batch.accepting[i]);
			else
				commit(bus, &batch.accepting[i], flags, &cascade, where);
		}
	}
	if (context == NULL)
		td_cascade_run(bus, &cascade);
	batch_fini(&batch, routed);
	if (code == 0)
		code = td_cascade_result(&cascade, receipt);
	else
		td_receipt_empty(receipt);
	td_bus_leave(&inside);
	return code;
}

int td_bus_announce(struct td_bus *bus, const struct td_draft *draft, const struct td_event *cause,
	struct td_cascade *cascade)
{
	struct td_cascade none; /* what is queued of it is on nobody's receipt */
	struct td_origin origin;
	struct td_event *event;
	struct td_routes routes;
	uint8_t uuid[16];
	int code;

	TD_ASSERT(cascade != NULL);
	td_cascade_init(&none, NULL, NULL);
	td_bus_origin(bus, &origin, uuid, TD_EVENT_KIND, cause);
	/* What failed at the end of a long chain, or is large, is told all the same. */
	origin.causes_max = 0;
	origin.data_bytes_max = 0;
	code = td_event_make(&event, draft, &origin, NULL);
	if (code != 0)
		return code;
	td_routes_init(&routes);
	code = td_routes_find(&routes, bus, event);
	if (code == 0)
		code = accept(bus, event, &routes, ANNOUNCED, &none, cascade, NULL);
	td_routes_fini(&routes);
	td_event_unref(event);
	return code;
}

int td_cascade_later(struct td_bus *bus, struct td_event *event, struct td_subscription *handler,
	struct td_cascade *cascade, struct td_error *err)
{
	struct td_cascade none;
	struct td_routes routes;
	int code;

	td_cascade_init(&none, NULL, NULL);
	td_routes_init(&routes);
	td_routes_add(&routes, handler);
	code = accept(bus, event, &routes, 0, &none, cascade, err);
	td_routes_fini(&routes);
	return code;
}

/* --- topics ------------------------------------------------------------------------------- */

int td_bus_topic_finish(struct td_context *context, int code)
{
	const struct td_slot *at = context->slot;
	struct td_bus *bus = at->subscription->bus;
	struct td_reader *reader = &td_reader_mine;
	struct td_cascade *cascade = &context->own;
	int result;

	cascade->err = context->err;

	reader->context = NULL; /* its handler has returned */
	if (code != 0) {
		explain(context, code);
		plain_failed(bus, cascade, context, code);
	}
	for (const struct td_slot *slot = at + 1; slot->handler != NULL; slot++) {
		struct td_route route = {.subscription = slot->subscription};

		if (atomic_load_explicit(&slot->subscription->live, memory_order_relaxed))
			deliver(bus, cascade, context->event, &route);
	}
	td_cascade_run(bus, cascade);
	result = td_cascade_result(cascade, NULL);
	*context = (struct td_context){.attempt = 1};
	reader->context = context;
	reader->dirty = 0;
	td_bus_leave_reader(bus, reader);
	return result;
}

static int check_fits(
	const struct td_topic *topic, const struct td_event *event, struct td_error *err)
{
	if (event->kind != TD_EVENT_KIND)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "event: only events are published");
	if (!td_text_is(event->address, topic->address))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "topic %s: event of %.*s",
			topic->address, TD_TEXT_ARG(event->address));
	if (!td_text_is(event->attr[TD_ATTR_TYPE], topic->type))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"topic of %s: event of type %.*s", topic->type,
			TD_TEXT_ARG(event->attr[TD_ATTR_TYPE]));
	return 0;
}

/*
 * The middle road: a plan of plain handlers and plain queues, nobody who looks, no receipt,
 * outermost. false: a queue would not take it; nothing was done, the long road tells why or waits.
 */
static bool publish_straight(struct td_bus *bus, const struct td_plan *plan, struct td_event *event,
	struct td_cascade *cascade)
{
	bool dropped = false;
	size_t i;

	for (i = 0; i < plan->count; i++) {
		struct td_subscription *s = plan->slots[i].subscription;

		if (s->async && td_lane_reserve(atomic_load(&s->lane), false, &dropped) != 0)
			break;
		if (dropped)
			break;
	}
	if (i < plan->count) {
		while (i-- > 0) {
			if (plan->slots[i].subscription->async)
				td_lane_unreserve(atomic_load(&plan->slots[i].subscription->lane));
		}
		return false;
	}
	for (i = 0; i < plan->count; i++) {
		struct td_subscription *s = plan->slots[i].subscription;
		struct td_owed owed = {.book_number = TD_BOOK_NONE};

		if (!s->async)
			continue;
		owed.event = td_event_ref(event);
		td_lane_push(atomic_load_explicit(&s->lane, memory_order_relaxed), &owed);
		cascade->queued++;
	}
	for (i = 0; i < plan->count; i++) {
		struct td_route route = {.subscription = plan->slots[i].subscription};

		if (!route.subscription->async)
			run_routes(bus, cascade, event, &route, 1, 0);
	}
	td_cascade_run(bus, cascade);
	return true;
}

int td_bus_topic_publish_slow(struct td_topic *topic, struct td_event *event,
	struct td_receipt *receipt, struct td_error *err)
{
	struct td_bus *bus = topic->bus;
	const struct td_plan *plan;
	struct td_inside inside;
	struct td_routes routes;
	int code = check_open(bus, err);

	td_receipt_empty(receipt);
	if (code == 0 && atomic_load_explicit(&event->topic, memory_order_relaxed) != topic->number)
		code = check_fits(topic, event, err);
	if (code != 0)
		return code;
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	plan = td_topic_plan(topic);
	if (plan == NULL) {
		td_bus_leave(&inside);
		return td_error_nomem(err);
	}
	atomic_store_explicit(&event->topic, topic->number, memory_order_relaxed);
	if (plan->straight && receipt == NULL && inside.outermost && td_bus_keeper(bus) == NULL) {
		struct td_cascade cascade;

		td_cascade_init(&cascade, NULL, err);
		if (publish_straight(bus, plan, event, &cascade)) {
			td_bus_leave(&inside);
			return td_cascade_result(&cascade, NULL);
		}
	}
	td_routes_init(&routes);
	for (size_t i = 0; i < plan->count; i++)
		td_routes_add(&routes, plan->slots[i].subscription);
	code = td_routes_narrow(&routes, event);
	if (code == 0)
		code = publish_found(bus, &inside, event, &routes, 0, receipt, err);
	else
		td_error_nomem(err);
	td_routes_fini(&routes);
	td_bus_leave(&inside);
	return code;
}
