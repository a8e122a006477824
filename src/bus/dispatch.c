#include "bus/private.h"

/*
 * Publishing: from a draft, an event, a topic or the library itself to an event with its routes, which
 * accept.c takes over. Whoever publishes is inside from the first look to the last handler.
 */

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

/* --- publish ------------------------------------------------------------------------------ */

int td_bus_check_open(struct td_bus *bus, struct td_error *err)
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
	code = td_accept(bus, event, routes, flags, &cascade,
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
	int code = td_bus_check_open(bus, err);

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
	int code = td_bus_check_open(bus, err);

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
		code = td_accept(bus, event, &routes, TD_ANNOUNCED, &none, cascade, NULL);
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
	code = td_accept(bus, event, &routes, 0, &none, cascade, err);
	td_routes_fini(&routes);
	return code;
}

/* --- topics ------------------------------------------------------------------------------- */

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
			td_cascade_routes(bus, cascade, event, &route, 1, 0);
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
	int code = td_bus_check_open(bus, err);

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
