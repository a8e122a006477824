#include "door.h"

#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Handlers: what they see, compared with what was said; what they do, by dice.
 */

/* --- which event it is -------------------------------------------------------------------- */

unsigned sim_bus_sub_named(const struct sim_bus *bus, struct td_text name)
{
	for (unsigned i = 1; i < bus->history.subs_count; i++) {
		if (td_text_is(name, bus->history.subs[i].name))
			return i;
	}
	return 0;
}

static unsigned number_of_id(const struct sim_bus *bus, struct td_text id)
{
	for (size_t i = bus->history.events_count; i-- > 1;) {
		if (td_text_is(id, bus->ids[i]))
			return (unsigned)i;
	}
	return 0;
}

static struct td_text string_at(struct td_json object, const char *pointer)
{
	struct td_json value = td_json_pointer(object, td_text(pointer));

	return value.kind == TD_JSON_STRING ? td_json_inside(value) : (struct td_text){NULL, 0};
}

static int code_named(struct td_text name)
{
	for (int code = 1; code < 100; code++) {
		const char *known = td_error_name(code);

		if (known != NULL && td_text_is(name, known))
			return code;
	}
	return 0;
}

static enum td_class class_named(struct td_text name)
{
	static const char *const names[] = {"", "retry", "skip", "park", "stop"};

	for (int i = TD_RETRY; i <= TD_STOP; i++) {
		if (td_text_is(name, names[i]))
			return (enum td_class)i;
	}
	return 0;
}

static unsigned last_attempt(struct td_json letter)
{
	struct td_json attempts = td_json_pointer(letter, td_text("/attempts"));
	struct td_json_iter iter = td_json_iterate(attempts);
	struct td_json attempt;
	int64_t number = 0;

	while (td_json_next(&iter, NULL, &attempt))
		td_json_to_i64(td_json_get(attempt, td_text("number")), &number);
	return (unsigned)number;
}

static enum sim_bus_type type_named(struct td_text name)
{
	unsigned type = 0;

	while (type < SIM_BUS_TYPES && !td_text_is(name, sim_bus_types[type]))
		type++;
	return (enum sim_bus_type)type;
}

/*
 * Something that the library announced, seen for the first time: what does it tell? It may tell of
 * another announcement that nobody has seen, because it could not be delivered.
 */
static unsigned learn(struct sim_bus *bus, struct td_text id, struct td_text type,
	struct td_json data, unsigned depth)
{
	unsigned number = (unsigned)bus->history.events_count;
	struct sim_bus_event *e = &bus->history.events[number];
	struct td_json about;
	struct td_text name;

	TD_ASSERT(number < SIM_BUS_EVENTS_MAX);
	bus->history.events_count++;
	snprintf(bus->ids[number], sizeof(bus->ids[0]), "%.*s", TD_TEXT_ARG(id));
	*e = (struct sim_bus_event){.kind = TD_EVENT_KIND, .type = type_named(type)};
	if (e->type < SIM_BUS_TYPE_LETTER || e->type > SIM_BUS_TYPE_FAILED || depth > 2) {
		sim_fail(bus->world, "an event that nobody published: %.*s", TD_TEXT_ARG(id));
		return number;
	}
	name = string_at(data, e->type > SIM_BUS_TYPE_LETTER ? "/handler" : "/subscription");
	about = td_json_pointer(
		data, td_text(e->type > SIM_BUS_TYPE_LETTER ? "/command" : "/event"));
	e->about_sub = sim_bus_sub_named(bus, name);
	e->about_event = number_of_id(bus, string_at(about, "/id"));
	e->code = code_named(string_at(data, "/code"));
	e->class_ = class_named(string_at(data, "/class"));
	e->attempts = last_attempt(data);
	if (e->about_event == 0)
		e->about_event = learn(bus, string_at(about, "/id"), string_at(about, "/type"),
			td_json_pointer(about, td_text("/data")), depth + 1);
	e->cause = e->about_event;
	e->root = bus->history.events[e->about_event].root;
	e->depth = bus->history.events[e->about_event].depth + 1;
	if (e->about_sub == 0)
		sim_fail(bus->world, "an announcement of a subscription that never was: %.*s",
			TD_TEXT_ARG(name));
	return number;
}

unsigned sim_bus_number(struct sim_bus *bus, const struct td_event *event)
{
	unsigned number = number_of_id(bus, td_event_id(event));
	struct td_json data = {.kind = TD_JSON_NONE};

	if (number != 0)
		return number;
	if (td_json_parse(td_event_data(event), 0, &data, NULL) != 0)
		sim_fail(bus->world, "an announcement without a word");
	return learn(bus, td_event_id(event), td_event_type(event), data, 0);
}

/* --- is it what was said? ----------------------------------------------------------------- */

static bool is_id(const struct sim_bus *bus, struct td_text text, unsigned number)
{
	return number == 0 ? text.len == 0 : td_text_is(text, bus->ids[number]);
}

static void expect_subject(
	const struct sim_bus *bus, const struct sim_bus_event *e, char *out, size_t out_size)
{
	if (e->type == SIM_BUS_TYPE_LETTER)
		snprintf(out, out_size, "td.deadletter.%s", bus->history.subs[e->about_sub].name);
	else if (e->type > SIM_BUS_TYPE_LETTER && e->type <= SIM_BUS_TYPE_FAILED)
		snprintf(out, out_size, "td.command.%s",
			sim_bus_types[bus->history.events[e->about_event].type]);
	else
		snprintf(out, out_size, "%s", sim_bus_subjects[e->subject]);
}

static void compare(struct sim_bus *bus, const struct sim_bus_actor *actor, unsigned number,
	const struct td_event *event)
{
	const struct sim_bus_event *e = &bus->history.events[number];
	char subject[128], data[32];

	expect_subject(bus, e, subject, sizeof(subject));
	snprintf(data, sizeof(data), "{\"n\":%u}", number);
	if (!td_text_is(td_event_type(event), sim_bus_types[e->type]))
		sim_fail(bus->world, "event %u has another type", number);
	if (!td_text_is(td_event_subject(event), subject))
		sim_fail(bus->world, "event %u has another subject", number);
	if (!is_id(bus, td_event_causation(event), e->cause))
		sim_fail(bus->world, "event %u is caused by %.*s, not by %u", number,
			TD_TEXT_ARG(td_event_causation(event)), e->cause);
	if (!is_id(bus, td_event_correlation(event), e->root))
		sim_fail(bus->world, "event %u is in the story of %.*s, not of %u", number,
			TD_TEXT_ARG(td_event_correlation(event)), e->root);
	if (e->type >= SIM_BUS_TYPE_LETTER && e->type <= SIM_BUS_TYPE_FAILED)
		return;
	if (!td_text_is(td_event_data(event), data))
		sim_fail(bus->world, "event %u has other data", number);
	if (actor->selects ? td_event_get(event, "region").len != 0
			   : !td_text_is(td_event_get(event, "region"), e->eu ? "eu" : "us"))
		sim_fail(bus->world, "event %u has another region", number);
}

/* --- what a handler does ------------------------------------------------------------------ */

unsigned sim_bus_draw(struct sim_world *world, const unsigned *weights, unsigned count)
{
	unsigned total = 0, drawn = 0;
	uint64_t dice;

	for (unsigned i = 0; i < count; i++)
		total += weights[i];
	dice = sim_below(world, total);
	while (drawn + 1 < count && dice >= weights[drawn])
		dice -= weights[drawn++];
	return drawn;
}

/* What would wait for itself is refused. */
static void try_what_is_refused(struct sim_bus *bus)
{
	if (td_loop_turn(bus->td, 0) != -TD_E_DEADLOCK ||
		td_drain(bus->td, 0, NULL) != TD_E_DEADLOCK ||
		td_await(bus->td, &bus->kept[0].receipt, 0, NULL) != TD_E_DEADLOCK ||
		td_close(bus->td) != TD_E_DEADLOCK)
		sim_fail(bus->world, "waiting inside a handler was not refused");
}

static void act(struct sim_bus *bus)
{
	if (sim_chance(bus->world, 20))
		try_what_is_refused(bus);
	if (bus->config.work_ms_max > 0 && sim_chance(bus->world, 200))
		sim_advance_ms(bus->world, sim_between(bus->world, 0, bus->config.work_ms_max));
	while (bus->depth < SIM_BUS_DEPTH && !sim_is_over(bus->world) &&
		sim_chance(bus->world, bus->config.busy))
		sim_bus_do(bus, (enum sim_bus_step)sim_bus_draw(
					bus->world, bus->config.inside, SIM_BUS_STEPS_INSIDE));
}

static void answer(struct sim_bus *bus, struct td_context *context, unsigned number)
{
	char json[32];
	struct td_draft draft = {.json = json};
	int code;

	bus->replied[number] = 0;
	if (!sim_chance(bus->world, 600))
		return;
	snprintf(json, sizeof(json), "{\"to\":%u}", number);
	code = td_reply(context, &draft, NULL);
	bus->replied[number] = code == 0;
	if (code != 0)
		sim_fail(bus->world, "reply to %u: %s", number, td_error_name(code));
}

static enum sim_bus_end draw_end(struct sim_bus *bus)
{
	unsigned dice = (unsigned)sim_below(bus->world, 1000);
	unsigned end = 0;

	if (bus->healthy)
		return SIM_BUS_ENDS;
	while (end < SIM_BUS_ENDS && dice >= bus->config.ends[end])
		dice -= bus->config.ends[end++];
	return (enum sim_bus_end)end;
}

static int end(struct sim_bus *bus, struct td_context *context, struct sim_bus_record *record)
{
	static const enum td_class classes[SIM_BUS_ENDS] = {[SIM_BUS_END_RETRY] = TD_RETRY,
		[SIM_BUS_END_SKIP] = TD_SKIP,
		[SIM_BUS_END_PARK] = TD_PARK,
		[SIM_BUS_END_STOP] = TD_STOP,
		[SIM_BUS_END_OTHERWISE] = TD_PARK};
	enum sim_bus_end how = draw_end(bus);

	if (how < SIM_BUS_ENDS)
		sim_count(bus->world, SIM_BUS_N_SAID_RETRY + how);
	record->class_ = how < SIM_BUS_ENDS ? classes[how] : 0;
	switch (how) {
	case SIM_BUS_END_RETRY:
	case SIM_BUS_END_SKIP:
	case SIM_BUS_END_PARK:
	case SIM_BUS_END_STOP:
		return td_fail(context, record->class_, "class %d", (int)record->class_);
	case SIM_BUS_END_AFTER:
		record->class_ = TD_RETRY;
		record->after_ms = sim_between(bus->world, 1, 300);
		return td_fail_after(context, record->after_ms, "after");
	case SIM_BUS_END_BARE:
		return TD_E_TIMEOUT;
	case SIM_BUS_END_OTHERWISE:
		td_fail(context, TD_PARK, "no");
		return 0;
	case SIM_BUS_ENDS:
		break;
	}
	return 0;
}

static void count_seen(
	struct sim_bus *bus, const struct sim_bus_actor *actor, unsigned number, unsigned attempt)
{
	const struct sim_bus_event *e = &bus->history.events[number];

	sim_count(bus->world, attempt > 1 ? SIM_BUS_N_HANDLED_AGAIN : SIM_BUS_N_HANDLED);
	if (bus->history.subs[actor->number].observer)
		sim_count(bus->world, SIM_BUS_N_HANDLED_OBSERVER);
	if (actor->selects)
		sim_count(bus->world, SIM_BUS_N_HANDLED_SELECTED);
	if (e->type == SIM_BUS_TYPE_LETTER)
		sim_count(bus->world, SIM_BUS_N_LETTER);
	else if (e->type > SIM_BUS_TYPE_LETTER && e->type <= SIM_BUS_TYPE_FAILED)
		sim_count(bus->world, SIM_BUS_N_OUTCOME);
}

int sim_bus_handler(const struct td_event *event, struct td_context *context, void *arg)
{
	struct sim_bus_actor *actor = arg;
	struct sim_bus *bus = actor->bus;
	unsigned number = sim_bus_number(bus, event);
	struct sim_bus_record record = {.act = SIM_BUS_BEGIN,
		.sub = actor->number,
		.event = number,
		.attempt = td_context_attempt(context)};

	sim_bus_add(bus, &record);
	count_seen(bus, actor, number, record.attempt);
	if (sim_failed(bus->world))
		return 0;
	compare(bus, actor, number, event);
	if (td_context_place(context) != bus->td || td_context_event(context) != event)
		sim_fail(bus->world, "the context is of another delivery");
	TD_ASSERT(bus->depth < SIM_BUS_DEPTH + 1);
	bus->inside_sub[bus->depth] = actor->number;
	bus->inside[bus->depth++] = number;
	if (!bus->healthy)
		act(bus);
	bus->depth--;
	if (td_event_kind(event) != TD_EVENT_KIND)
		answer(bus, context, number);
	record.act = SIM_BUS_END;
	if (!bus->healthy && td_event_kind(event) != TD_EVENT_KIND && sim_chance(bus->world, 150)) {
		record.refused = true;
		record.code = td_refuse(context, "no");
	} else {
		record.code = end(bus, context, &record);
	}
	sim_bus_add(bus, &record);
	return record.code;
}
