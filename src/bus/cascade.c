#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A cascade: the outermost publish of a thread opens one; what handlers publish meanwhile is appended
 * to it and dispatched when they are done, breadth first. Here its events meet their handlers, one by
 * one, with care; the other half of the fast road, too.
 */

/* --- what waits --------------------------------------------------------------------------- */

void td_cascade_append(struct td_cascade *cascade, struct td_node *node)
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

void td_cascade_dropped(struct td_bus *bus, struct td_cascade *cascade,
	const struct td_event *event, struct td_subscription *subscription, const char *why)
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

/* Aligned for the same reason as td_topic_publish(). */
__attribute__((aligned(64))) void td_cascade_routes(struct td_bus *bus, struct td_cascade *cascade,
	const struct td_event *event, struct td_route *routes, size_t count, unsigned flags)
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
			td_cascade_dropped(
				bus, cascade, event, subscription, "a handler before it failed");
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
		td_cascade_routes(
			bus, cascade, node->event, node->routes, node->count, node->flags);
		td_cascade_push(cascade, td_turn_end(bus->turns, &node->turn));
		free_node(node);
	}
}

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
