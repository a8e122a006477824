#include "door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- records ------------------------------------------------------------------------------ */

void sim_bus_add(struct sim_bus *bus, const struct sim_bus_record *record)
{
	struct sim_bus_record at = *record;
	uint64_t values[] = {record->call, record->sub, record->event, record->attempt,
		(uint64_t)record->code, record->class_, record->state, record->flags,
		record->completed, record->failed, record->queued, record->moment};

	at.now_ms = sim_now_ms(bus->world);
	sim_bus_history_add(&bus->history, &at);
	sim_trace(bus->world, sim_bus_act_name(&at), values, sizeof(values) / sizeof(values[0]));
}

static unsigned begin(struct sim_bus *bus, enum sim_bus_what what, struct sim_bus_record *record)
{
	record->act = SIM_BUS_CALL;
	record->what = what;
	record->call = ++bus->calls;
	sim_bus_add(bus, record);
	return record->call;
}

static void end(struct sim_bus *bus, struct sim_bus_record *record, int code)
{
	record->act = SIM_BUS_RETURN;
	record->code = code;
	sim_bus_add(bus, record);
}

static void hook(const struct td_trace *trace, void *arg)
{
	struct sim_bus *bus = arg;

	if (!bus->config.hooked || sim_failed(bus->world))
		return;
	sim_bus_add(bus, &(struct sim_bus_record){.act = SIM_BUS_HOOK,
				 .moment = trace->moment,
				 .state = trace->state,
				 .event = sim_bus_number(bus, trace->event),
				 .sub = trace->subscription != NULL
						? sim_bus_sub_named(bus,
							  td_subscription_name(trace->subscription))
						: 0,
				 .attempt = trace->attempt,
				 .code = trace->code});
}

/* --- receipts ----------------------------------------------------------------------------- */

static void record_receipt(struct sim_bus *bus, struct sim_bus_kept *kept)
{
	const struct td_outcome *outcomes;
	size_t count = td_receipt_outcomes(&kept->receipt, &outcomes);

	sim_bus_add(bus, &(struct sim_bus_record){.act = SIM_BUS_RECEIPT,
				 .call = kept->call,
				 .completed = kept->receipt.completed,
				 .failed = kept->receipt.failed,
				 .queued = kept->receipt.queued,
				 .count = (unsigned)count});
	for (size_t i = 0; i < count; i++)
		sim_bus_add(bus, &(struct sim_bus_record){.act = SIM_BUS_OUTCOME,
					 .call = kept->call,
					 .event = sim_bus_number(bus, outcomes[i].event),
					 .sub = sim_bus_sub_named(bus, outcomes[i].subscription),
					 .state = outcomes[i].state,
					 .code = outcomes[i].code});
}

/* One that nobody uses now; NULL: none was wanted. */
static struct sim_bus_kept *draw_receipt(struct sim_bus *bus)
{
	struct sim_bus_kept *kept = &bus->kept[sim_below(bus->world, SIM_BUS_KEPT)];

	if (!sim_chance(bus->world, bus->config.receipt) || kept->busy)
		return NULL;
	kept->busy = true;
	sim_count(bus->world, SIM_BUS_N_PUBLISHED_RECEIPT);
	return kept;
}

static void receipt_used(struct sim_bus *bus, struct sim_bus_kept *kept, unsigned call, int code)
{
	bool accepted = code == 0 || code == TD_E_HANDLER || code == TD_E_REFUSED;

	if (kept == NULL)
		return;
	kept->busy = false;
	kept->call = call;
	if ((td_receipt_event(&kept->receipt) != NULL) != accepted)
		sim_fail(bus->world, "the receipt of a publish that %s",
			accepted ? "was accepted is empty" : "was refused is not empty");
	record_receipt(bus, kept);
	if (!accepted)
		kept->call = 0;
}

/* --- events ------------------------------------------------------------------------------- */

static struct td_attribute region(const struct sim_bus_event *e)
{
	return (struct td_attribute){td_text("region"), td_text(e->eu ? "eu" : "us"), TD_STRING};
}

/* One that this thread is about to make: in a handler it is caused by what is handled. */
static unsigned new_event(
	struct sim_bus *bus, enum td_kind kind, enum sim_bus_type type, bool caused)
{
	unsigned number = (unsigned)bus->history.events_count++;
	struct sim_bus_event *e = &bus->history.events[number];

	*e = (struct sim_bus_event){.kind = kind,
		.type = type,
		.subject = (unsigned)sim_below(bus->world, bus->config.subjects),
		.eu = sim_chance(bus->world, 500),
		.root = number};
	if (caused && bus->depth > 0) {
		const struct sim_bus_event *cause;

		e->cause = bus->inside[bus->depth - 1];
		cause = &bus->history.events[e->cause];
		e->root = cause->root;
		e->depth = cause->depth + 1;
	}
	snprintf(bus->ids[number], sizeof(bus->ids[0]), "e%u", number);
	return number;
}

struct draft {
	struct td_draft draft;
	struct td_attribute attribute;
	char json[32];
};

static void fill(struct sim_bus *bus, unsigned number, struct draft *out)
{
	const struct sim_bus_event *e = &bus->history.events[number];

	snprintf(out->json, sizeof(out->json), "{\"n\":%u}", number);
	out->attribute = region(e);
	out->draft = (struct td_draft){.type = sim_bus_types[e->type],
		.subject = sim_bus_subjects[e->subject],
		.id = bus->ids[number],
		.attributes = &out->attribute,
		.attributes_count = 1,
		.json = out->json};
}

static struct td_event *build(struct sim_bus *bus, unsigned number)
{
	struct td_event *event = NULL;
	struct draft draft;

	fill(bus, number, &draft);
	TD_ASSERT(td_event_new(&event, &draft.draft, NULL) == 0);
	return event;
}

static bool may_publish(const struct sim_bus *bus)
{
	return bus->calls < bus->config.events_max && !sim_failed(bus->world) &&
	       !sim_is_over(bus->world);
}

/* --- publish ------------------------------------------------------------------------------ */

static unsigned draw_flags(struct sim_bus *bus)
{
	unsigned flags = 0;

	if (sim_chance(bus->world, bus->config.async)) {
		sim_count(bus->world, SIM_BUS_N_PUBLISHED_ASYNC);
		flags |= TD_ASYNC;
	}
	if (sim_chance(bus->world, 150)) {
		sim_count(bus->world, SIM_BUS_N_PUBLISHED_FIRST);
		flags |= TD_STOP_AT_FIRST;
	}
	return flags;
}

static void count_published(struct sim_bus *bus, int code)
{
	sim_count(bus->world, bus->depth > 0 ? SIM_BUS_N_PUBLISHED_INSIDE : SIM_BUS_N_PUBLISHED);
	if (code == TD_E_HANDLER)
		sim_count(bus->world, SIM_BUS_N_FAILED);
	else if (code == TD_E_FULL)
		sim_count(bus->world, SIM_BUS_N_REFUSED_FULL);
	else if (code == TD_E_LOOP)
		sim_count(bus->world, SIM_BUS_N_REFUSED_LOOP);
}

/* The code is told twice: returned, and in `err`. */
static void compare_codes(struct sim_bus *bus, int code, const struct td_error *err)
{
	if (err->code != code)
		sim_fail(bus->world, "%s is answered, and %s told", td_error_name(code),
			td_error_name(err->code));
}

/* Nobody is owed anything. */
static bool all_is_done(struct sim_bus *bus)
{
	size_t owed = bus->depth;

	for (unsigned i = 1; i < bus->history.subs_count; i++) {
		struct td_subscription_status status = {0};

		if (bus->actors[i].subscription != NULL)
			td_subscription_status(bus->actors[i].subscription, &status);
		owed += status.waiting + status.retrying + status.parked;
	}
	return owed == 0;
}

/*
 * `warm`: the same event again. Only when all of it is done: of an event that is owed twice nobody
 * could say which of the two is handled.
 */
static void publish_on(struct sim_bus *bus, struct sim_bus_topic *topic, bool warm)
{
	struct sim_bus_kept *kept;
	struct td_error err = TD_ERROR_INIT;
	struct td_topic *at = topic->topic;
	struct sim_bus_record record;
	struct td_event *event;
	int code;

	warm = warm && topic->event != NULL && all_is_done(bus);
	kept = warm && sim_chance(bus->world, 700) ? NULL : draw_receipt(bus);
	if (!warm) {
		unsigned number =
			new_event(bus, TD_EVENT_KIND, (enum sim_bus_type)topic->type, false);

		bus->history.events[number].subject = topic->subject;
		td_event_unref(topic->event);
		topic->number = number;
		topic->event = build(bus, number);
	} else {
		sim_count(bus->world, SIM_BUS_N_PUBLISHED_WARM);
	}
	sim_count(bus->world, SIM_BUS_N_PUBLISHED_TOPIC);
	record = (struct sim_bus_record){.event = topic->number, .receipt = kept != NULL};
	event = td_event_ref(topic->event); /* a handler may publish another there, or close it */
	begin(bus, SIM_BUS_PUBLISH, &record);
	code = td_topic_publish(at, event, kept != NULL ? &kept->receipt : NULL, &err);
	end(bus, &record, code);
	td_event_unref(event);
	compare_codes(bus, code, &err);
	count_published(bus, code);
	receipt_used(bus, kept, record.call, code);
}

static void publish(struct sim_bus *bus)
{
	struct sim_bus_topic *topic = &bus->topics[sim_below(bus->world, SIM_BUS_TOPICS)];
	struct sim_bus_record record = {.act = SIM_BUS_CALL};
	struct td_error err = TD_ERROR_INIT;
	bool built = sim_chance(bus->world, 200);
	struct td_event *event = NULL;
	struct sim_bus_kept *kept;
	int code;

	if (topic->topic != NULL && sim_chance(bus->world, bus->config.topic)) {
		publish_on(bus, topic, sim_chance(bus->world, 950));
		return;
	}
	kept = draw_receipt(bus);
	record.flags = draw_flags(bus);
	record.receipt = kept != NULL;
	record.event = new_event(bus, TD_EVENT_KIND,
		(enum sim_bus_type)sim_below(bus->world, bus->config.types), !built);
	if (built) {
		sim_count(bus->world, SIM_BUS_N_PUBLISHED_BUILT);
		event = build(bus, record.event);
		begin(bus, SIM_BUS_PUBLISH, &record);
		code = td_publish_event(
			bus->td, event, record.flags, kept != NULL ? &kept->receipt : NULL, &err);
	} else {
		struct draft draft;

		fill(bus, record.event, &draft);
		begin(bus, SIM_BUS_PUBLISH, &record);
		code = td_publish_with(bus->td, &draft.draft, record.flags,
			kept != NULL ? &kept->receipt : NULL, &err);
	}
	end(bus, &record, code);
	td_event_unref(event);
	compare_codes(bus, code, &err);
	count_published(bus, code);
	receipt_used(bus, kept, record.call, code);
}

/* --- commands and queries ----------------------------------------------------------------- */

static void compare_reply(struct sim_bus *bus, unsigned number, const struct td_event *reply)
{
	char data[32];

	snprintf(data, sizeof(data), "{\"to\":%u}", number);
	if ((reply != NULL) != (bus->replied[number] != 0))
		sim_fail(bus->world, "request %u: an answer %s", number,
			reply != NULL ? "that nobody gave" : "is missing");
	else if (reply != NULL && (!td_text_is(td_event_data(reply), data) ||
					  !td_text_is(td_event_causation(reply), bus->ids[number])))
		sim_fail(bus->world, "request %u: the answer to another", number);
}

static void request(struct sim_bus *bus)
{
	bool query = sim_chance(bus->world, 500);
	enum td_kind kind = query ? TD_QUERY : TD_COMMAND;
	unsigned type = (query ? SIM_BUS_TYPE_QUERY : SIM_BUS_TYPE_COMMAND) +
			(unsigned)sim_below(bus->world, 2);
	struct sim_bus_record record = {
		.event = new_event(bus, kind, (enum sim_bus_type)type, true)};
	struct td_error err = TD_ERROR_INIT;
	struct td_event *reply = NULL;
	bool async = false;
	struct draft draft;
	int code;

	/* Who waits for a queue in a world whose time stands still waits for ever. */
	for (unsigned i = 1; i < bus->history.subs_count; i++)
		async = async ||
			(bus->actors[i].subscription != NULL && bus->history.subs[i].queued &&
				bus->history.subs[i].types == 1u << type);
	record.flags = async || sim_chance(bus->world, 50);
	fill(bus, record.event, &draft);
	begin(bus, SIM_BUS_REQUEST, &record);
	code = td_request(bus->td, kind, &draft.draft, record.flags ? 0 : -1, &reply, &err);
	end(bus, &record, code);
	compare_codes(bus, code, &err);
	if (code == 0)
		compare_reply(bus, record.event, reply);
	else if (reply != NULL)
		sim_fail(bus->world, "a request that was not answered has an answer");
	td_event_unref(reply);
	sim_count(bus->world, bus->depth > 0 ? SIM_BUS_N_REQUESTED_INSIDE : SIM_BUS_N_REQUESTED);
	if (code == 0)
		sim_count(bus->world, SIM_BUS_N_REQUEST_ANSWERED);
	else if (code == TD_E_REFUSED)
		sim_count(bus->world, SIM_BUS_N_REQUEST_REFUSED);
	else if (code == TD_E_HANDLER)
		sim_count(bus->world, SIM_BUS_N_REQUEST_FAILED);
	else if (code == TD_E_TIMEOUT)
		sim_count(bus->world, SIM_BUS_N_REQUEST_LATE);
}

static void command(struct sim_bus *bus)
{
	unsigned type = SIM_BUS_TYPE_COMMAND + (unsigned)sim_below(bus->world, 2);
	struct sim_bus_kept *kept = draw_receipt(bus);
	struct sim_bus_record record = {
		.event = new_event(bus, TD_COMMAND, (enum sim_bus_type)type, true),
		.receipt = kept != NULL};
	struct td_error err = TD_ERROR_INIT;
	struct draft draft;
	int code;

	fill(bus, record.event, &draft);
	begin(bus, SIM_BUS_COMMAND, &record);
	code = td_command(bus->td, &draft.draft, kept != NULL ? &kept->receipt : NULL, &err);
	end(bus, &record, code);
	compare_codes(bus, code, &err);
	sim_count(bus->world, bus->depth > 0 ? SIM_BUS_N_COMMANDED_INSIDE : SIM_BUS_N_COMMANDED);
	receipt_used(bus, kept, record.call, code);
}

/* --- subscriptions ------------------------------------------------------------------------ */

static void released(void *arg)
{
	struct sim_bus_actor *actor = arg;

	sim_bus_add(actor->bus,
		&(struct sim_bus_record){.act = SIM_BUS_RELEASED, .sub = actor->number});
}

static struct td_retry draw_retry(struct sim_world *world)
{
	static const double factors[] = {1, 2, 3};
	static const double jitters[] = {-1, 0.2, 1};
	static const enum td_class exhausted[] = {0, TD_SKIP, TD_PARK, TD_STOP};

	return (struct td_retry){
		.attempts_max = (unsigned)sim_between(world, 0, 4),
		.first_ms = sim_between(world, 1, sim_chance(world, 500) ? 3 : 100),
		.factor = factors[sim_below(world, 3)],
		.longest_ms = sim_between(world, 1, 300),
		.jitter = jitters[sim_below(world, 3)],
		.exhausted = exhausted[sim_below(world, 4)],
	};
}

/* What it is to have beyond what it is interested in. */
static void draw_manner(struct sim_bus *bus, struct sim_bus_sub *sub)
{
	struct sim_world *world = bus->world;

	sub->queued = sim_chance(world, bus->config.lane);
	sub->order = (enum td_order)sim_below(world, 3);
	sub->queue_max =
		sim_chance(world, bus->config.small) ? (size_t)sim_between(world, 1, 4) : 65536;
	sub->parked_max = 1024;
	sub->when_full = sim_chance(world, 500) ? TD_REFUSE : TD_WAIT;
	if (sim_chance(world, 500))
		sub->retry = draw_retry(world);
	if (sub->kind == TD_EVENT_KIND && sim_chance(world, 200)) {
		sub->observer = true;
		sub->retry.attempts_max = 0;
		if (sim_chance(world, 500))
			sub->when_full = TD_DROP_OLDEST;
	}
	if (sim_chance(world, 100))
		sub->parked_max = (size_t)sim_between(world, 1, 3);
}

static void draw_interest(struct sim_bus *bus, struct sim_bus_sub *sub)
{
	struct sim_world *world = bus->world;

	if (sim_chance(world, 250)) { /* hears the library */
		if (sim_chance(world, 500)) {
			sub->pattern = (unsigned)sim_between(world, 7, 8);
		} else {
			sub->types = sim_chance(world, 500) ? 1u << SIM_BUS_TYPE_LETTER
							    : 7u << SIM_BUS_TYPE_DONE;
		}
		return;
	}
	sub->pattern = sim_chance(world, 400) ? 0 : (unsigned)sim_below(world, 7);
	if (sim_chance(world, 400))
		sub->types = (unsigned)sim_between(world, 1, 15);
	if (sim_chance(world, 300))
		sub->filter = (enum sim_bus_filter)sim_below(world, SIM_BUS_FILTERS);
}

static const char *const filters[SIM_BUS_FILTERS] = {
	[SIM_BUS_EU] = "region = 'eu'", [SIM_BUS_NOT_A] = "type <> 'A'"};
static const char *const dialects[SIM_BUS_FILTERS] = {
	[SIM_BUS_NOT_EU] = "{\"not\":{\"exact\":{\"region\":\"eu\"}}}"};

/* A number for it, and its interest; NULL: there are enough. */
static struct sim_bus_actor *new_actor(struct sim_bus *bus)
{
	unsigned live = 0, number = (unsigned)bus->history.subs_count;

	for (unsigned i = 1; i < number; i++)
		live += bus->actors[i].subscription != NULL;
	if (live >= bus->config.subs_max || number >= SIM_BUS_SUBS_MAX || sim_failed(bus->world))
		return NULL;
	bus->history.subs[number] = (struct sim_bus_sub){.kind = TD_EVENT_KIND};
	bus->actors[number] = (struct sim_bus_actor){.bus = bus, .number = number};
	return &bus->actors[number];
}

static void joined(struct sim_bus *bus, struct sim_bus_actor *actor, struct td_subscription *s)
{
	struct sim_bus_sub *sub = &bus->history.subs[actor->number];

	bus->history.subs_count++;
	actor->subscription = s;
	snprintf(sub->name, sizeof(sub->name), "%.*s", TD_TEXT_ARG(td_subscription_name(s)));
	sim_bus_add(bus, &(struct sim_bus_record){.act = SIM_BUS_SUBSCRIBED, .sub = actor->number});
	if (bus->depth > 0)
		sim_count(bus->world, SIM_BUS_N_SUBSCRIBED_INSIDE);
}

static void subscribe(struct sim_bus *bus)
{
	struct sim_bus_actor *actor = new_actor(bus);
	const char *types[SIM_BUS_TYPES];
	const char *select[] = {"/n", "time"};
	struct td_interest interest = {.types = types, .release = released};
	struct td_subscription *subscription;
	struct sim_bus_sub *sub;
	char name[32];

	if (actor == NULL)
		return;
	sub = &bus->history.subs[actor->number];
	draw_interest(bus, sub);
	draw_manner(bus, sub);
	for (unsigned i = 0; i < SIM_BUS_TYPES; i++) {
		if ((sub->types & 1u << i) != 0)
			types[interest.types_count++] = sim_bus_types[i];
	}
	actor->selects =
		sub->pattern < 7 && (sub->types & 0xF0) == 0 && sim_chance(bus->world, 200);
	snprintf(name, sizeof(name), "s%u", actor->number);
	interest.name = sim_chance(bus->world, 700) ? name : NULL;
	interest.subject = sub->pattern != 0 ? sim_bus_patterns[sub->pattern] : NULL;
	interest.filter = filters[sub->filter];
	interest.filters = dialects[sub->filter];
	interest.select = select;
	interest.select_count = actor->selects ? 2 : 0;
	interest.async = sub->queued && !bus->config.options.async;
	interest.sync = !sub->queued && bus->config.options.async;
	interest.observer = sub->observer;
	interest.order = sub->order;
	interest.queue_max = sub->queue_max;
	interest.when_full = sub->when_full;
	interest.retry = sub->retry;
	interest.parked_max = sub->parked_max;
	TD_ASSERT(
		td_subscribe(bus->td, &interest, sim_bus_handler, actor, &subscription, NULL) == 0);
	joined(bus, actor, subscription);
}

static void handle(struct sim_bus *bus)
{
	struct sim_bus_actor *actor = new_actor(bus);
	bool query = sim_chance(bus->world, 500);
	unsigned type = (query ? SIM_BUS_TYPE_QUERY : SIM_BUS_TYPE_COMMAND) +
			(unsigned)sim_below(bus->world, 2);
	struct td_subscription *subscription;
	struct td_interest interest;
	struct sim_bus_sub *sub;
	bool handled = false;
	int code;

	if (actor == NULL)
		return;
	sub = &bus->history.subs[actor->number];
	sub->kind = query ? TD_QUERY : TD_COMMAND;
	sub->types = 1u << type;
	draw_manner(bus, sub);
	sub->parked_max = 1024;
	for (unsigned i = 1; i < bus->history.subs_count; i++)
		handled = handled || (bus->actors[i].subscription != NULL &&
					     bus->history.subs[i].types == sub->types &&
					     bus->history.subs[i].kind == sub->kind);
	interest = (struct td_interest){.async = sub->queued && !bus->config.options.async,
		.sync = !sub->queued && bus->config.options.async,
		.order = sub->order,
		.queue_max = sub->queue_max,
		.when_full = sub->when_full,
		.retry = sub->retry,
		.release = released};
	code = td_handle(bus->td, sub->kind, sim_bus_types[type], sim_bus_handler, actor, &interest,
		&subscription, NULL);
	if (code != (handled ? TD_E_HANDLED : 0))
		sim_fail(bus->world, "handle: %s", td_error_name(code));
	if (code == 0)
		joined(bus, actor, subscription);
}

/* One that has not ended; by chance it is the one whose handler runs. */
static struct sim_bus_actor *draw_actor(struct sim_bus *bus)
{
	unsigned number = bus->depth > 0 && sim_chance(bus->world, 300)
				  ? bus->inside_sub[bus->depth - 1]
				  : (unsigned)sim_between(
					    bus->world, 0, (int64_t)bus->history.subs_count - 1);

	return bus->actors[number].subscription != NULL ? &bus->actors[number] : NULL;
}

static void unsubscribe(struct sim_bus *bus)
{
	struct sim_bus_actor *actor = draw_actor(bus);

	if (actor == NULL)
		return;
	sim_count(bus->world, bus->depth > 0 ? SIM_BUS_N_ENDED_INSIDE : SIM_BUS_N_ENDED);
	if (bus->depth > 0 && bus->inside_sub[bus->depth - 1] == actor->number)
		sim_count(bus->world, SIM_BUS_N_ENDED_SELF);
	/* Recorded before: what is dropped and released by it is told within. */
	sim_bus_add(
		bus, &(struct sim_bus_record){.act = SIM_BUS_UNSUBSCRIBED, .sub = actor->number});
	struct td_subscription *subscription = actor->subscription;
	actor->subscription = NULL;
	td_unsubscribe(subscription);
}

static void release(
	struct sim_bus *bus, enum sim_bus_what what, struct sim_bus_actor *actor, unsigned subject)
{
	const char *text = subject < SIM_BUS_SUBJECTS ? sim_bus_subjects[subject] : NULL;
	struct sim_bus_record record = {.sub = actor->number, .subject = subject};
	struct td_error err = TD_ERROR_INIT;
	int code;

	begin(bus, what, &record);
	if (what == SIM_BUS_REDRIVE)
		code = td_redrive(actor->subscription, text, &err);
	else if (what == SIM_BUS_DISMISS)
		code = td_dismiss(actor->subscription, text, &err);
	else
		code = td_resume(actor->subscription, &err);
	end(bus, &record, code);
	compare_codes(bus, code, &err);
	if (code == 0)
		sim_count(bus->world, what == SIM_BUS_REDRIVE   ? SIM_BUS_N_REDRIVEN
				      : what == SIM_BUS_DISMISS ? SIM_BUS_N_DISMISSED
								: SIM_BUS_N_RESUMED);
}

static void release_one(struct sim_bus *bus, enum sim_bus_what what)
{
	struct sim_bus_actor *actor = draw_actor(bus);
	unsigned subject = (unsigned)sim_below(bus->world, bus->config.subjects);

	if (actor != NULL)
		release(bus, what, actor, sim_chance(bus->world, 500) ? SIM_BUS_SUBJECTS : subject);
}

/* --- topics ------------------------------------------------------------------------------- */

static void topic(struct sim_bus *bus)
{
	struct sim_bus_topic *topic = &bus->topics[sim_below(bus->world, SIM_BUS_TOPICS)];

	if (topic->topic != NULL) {
		td_topic_close(topic->topic);
		td_event_unref(topic->event);
		topic->topic = NULL;
		topic->event = NULL;
		return;
	}
	topic->type = (unsigned)sim_below(bus->world, bus->config.types);
	topic->subject = (unsigned)sim_below(bus->world, bus->config.subjects);
	TD_ASSERT(td_topic_open(&topic->topic, bus->td, sim_bus_subjects[topic->subject],
			  sim_bus_types[topic->type], NULL) == 0);
}

/* --- the loop, and waiting ---------------------------------------------------------------- */

int sim_bus_turn(struct sim_bus *bus)
{
	struct sim_bus_record record = {.act = SIM_BUS_CALL};
	int ran;

	begin(bus, SIM_BUS_TURN, &record);
	ran = td_loop_turn(bus->td, 0);
	end(bus, &record, ran);
	sim_count(bus->world, ran > 0 ? SIM_BUS_N_TURNED : SIM_BUS_N_TURNED_IDLE);
	return ran;
}

int sim_bus_drain(struct sim_bus *bus)
{
	struct sim_bus_record record = {.act = SIM_BUS_CALL};
	int code;

	begin(bus, SIM_BUS_DRAIN, &record);
	code = td_drain(bus->td, 0, NULL);
	end(bus, &record, code);
	sim_count(bus->world, code == 0 ? SIM_BUS_N_DRAINED : SIM_BUS_N_DRAINED_LATE);
	return code;
}

static void await(struct sim_bus *bus)
{
	struct sim_bus_kept *kept = &bus->kept[sim_below(bus->world, SIM_BUS_KEPT)];
	struct sim_bus_record record = {.event = kept->call};
	int code;

	if (kept->call == 0)
		return;
	kept->busy = true; /* what runs meanwhile may not use it */
	begin(bus, SIM_BUS_AWAIT, &record);
	code = td_await(bus->td, &kept->receipt, 0, NULL);
	end(bus, &record, code);
	kept->busy = false;
	record_receipt(bus, kept);
	sim_count(bus->world, code == 0 ? SIM_BUS_N_AWAITED : SIM_BUS_N_AWAITED_LATE);
}

/* --- all of it ---------------------------------------------------------------------------- */

void sim_bus_do(struct sim_bus *bus, enum sim_bus_step step)
{
	struct sim_bus_kept *kept = &bus->kept[0];

	if (!may_publish(bus) && step <= SIM_BUS_DO_COMMAND)
		return;
	switch (step) {
	case SIM_BUS_DO_PUBLISH:
		publish(bus);
		break;
	case SIM_BUS_DO_REQUEST:
		request(bus);
		break;
	case SIM_BUS_DO_COMMAND:
		command(bus);
		break;
	case SIM_BUS_DO_SUBSCRIBE:
		subscribe(bus);
		break;
	case SIM_BUS_DO_HANDLE:
		handle(bus);
		break;
	case SIM_BUS_DO_UNSUBSCRIBE:
		unsubscribe(bus);
		break;
	case SIM_BUS_DO_REDRIVE:
		release_one(bus, SIM_BUS_REDRIVE);
		break;
	case SIM_BUS_DO_DISMISS:
		release_one(bus, SIM_BUS_DISMISS);
		break;
	case SIM_BUS_DO_RESUME:
		release_one(bus, SIM_BUS_RESUME);
		break;
	case SIM_BUS_DO_TOPIC:
		topic(bus);
		break;
	case SIM_BUS_DO_TURN:
		sim_bus_turn(bus);
		break;
	case SIM_BUS_DO_TIME:
		sim_advance_ms(bus->world, sim_between(bus->world, 0, bus->config.step_ms_max));
		break;
	case SIM_BUS_DO_AWAIT:
		await(bus);
		break;
	case SIM_BUS_DO_DRAIN:
		sim_bus_drain(bus);
		break;
	case SIM_BUS_DO_LOOK:
		kept += sim_below(bus->world, SIM_BUS_KEPT);
		if (kept->call != 0)
			record_receipt(bus, kept);
		break;
	case SIM_BUS_STEPS:
		break;
	}
}

void sim_bus_record_status(struct sim_bus *bus)
{
	for (unsigned i = 1; i < bus->history.subs_count && !sim_failed(bus->world); i++) {
		struct sim_bus_record record = {.act = SIM_BUS_STATUS, .sub = i};

		if (bus->actors[i].subscription == NULL)
			continue;
		td_subscription_status(bus->actors[i].subscription, &record.status);
		sim_bus_add(bus, &record);
	}
}

void sim_bus_redrive_all(struct sim_bus *bus)
{
	for (unsigned i = 1; i < bus->history.subs_count; i++) {
		struct td_subscription_status status;

		if (bus->actors[i].subscription == NULL)
			continue;
		td_subscription_status(bus->actors[i].subscription, &status);
		if (status.stopped)
			release(bus, SIM_BUS_RESUME, &bus->actors[i], 0);
		if (status.parked > 0)
			release(bus, SIM_BUS_REDRIVE, &bus->actors[i], SIM_BUS_SUBJECTS);
	}
}

void sim_bus_heal(struct sim_bus *bus)
{
	bus->healthy = true;
	sim_bus_add(bus, &(struct sim_bus_record){.act = SIM_BUS_HEALED});
}

void sim_bus_open(struct sim_bus *bus, struct sim_world *world, const struct sim_bus_config *config)
{
	const struct td_world seams = {.clock = &world->clock, .random = &world->random};

	*bus = (struct sim_bus){.world = world, .config = *config};
	sim_bus_history_init(&bus->history);
	bus->history.causes_max = config->options.causes_max;
	bus->history.hooked = config->hooked;
	bus->ids = calloc(SIM_BUS_EVENTS_MAX, sizeof(bus->ids[0]));
	bus->replied = calloc(SIM_BUS_EVENTS_MAX, sizeof(bus->replied[0]));
	TD_ASSERT(bus->ids != NULL && bus->replied != NULL);
	TD_ASSERT(td_open_in(&bus->td, "mem:", &seams, &config->options, NULL) == 0);
	if (config->hooked)
		td_trace_set(bus->td, hook, bus);
}

void sim_bus_close(struct sim_bus *bus)
{
	struct sim_bus_record record = {.act = SIM_BUS_CALL};

	td_bus_verify(bus->td->bus);
	begin(bus, SIM_BUS_CLOSE, &record);
	end(bus, &record, td_close(bus->td));
	for (unsigned i = 0; i < SIM_BUS_TOPICS; i++)
		td_event_unref(bus->topics[i].event);
	for (unsigned i = 0; i < SIM_BUS_KEPT; i++) {
		if (bus->kept[i].call != 0)
			record_receipt(bus, &bus->kept[i]);
		td_receipt_fini(&bus->kept[i].receipt);
	}
	free(bus->ids);
	free(bus->replied);
}
