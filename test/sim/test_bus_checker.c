/*
 * The checker of busses must catch wrong histories, and must not accuse where what happened can be
 * understood in two ways. Each history is short enough to be read here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "bus/checker.h"

/* --- writing histories -------------------------------------------------------------------- */

struct script {
	struct sim_bus_history history;
	unsigned calls;
};

static void begin(struct script *s)
{
	memset(s, 0, sizeof(*s));
	sim_bus_history_init(&s->history);
	s->history.causes_max = 100;
}

static void add(struct script *s, struct sim_bus_record record)
{
	sim_bus_history_add(&s->history, &record);
}

/* Subscribes to everything; the rest is the caller's. */
static unsigned subscribe(struct script *s, struct sim_bus_sub sub)
{
	unsigned number = (unsigned)s->history.subs_count++;

	sub.kind = TD_EVENT_KIND;
	sub.queue_max = sub.queue_max > 0 ? sub.queue_max : 100;
	sub.parked_max = 100;
	snprintf(sub.name, sizeof(sub.name), "s%u", number);
	s->history.subs[number] = sub;
	add(s, (struct sim_bus_record){.act = SIM_BUS_SUBSCRIBED, .sub = number});
	return number;
}

static unsigned event(struct script *s, unsigned cause)
{
	unsigned number = (unsigned)s->history.events_count++;

	s->history.events[number] =
		(struct sim_bus_event){.kind = TD_EVENT_KIND, .cause = cause, .root = number};
	return number;
}

static struct sim_bus_record call(struct script *s, enum sim_bus_what what, unsigned event)
{
	struct sim_bus_record record = {
		.act = SIM_BUS_CALL, .what = what, .call = ++s->calls, .event = event};

	add(s, record);
	return record;
}

static void returns(struct script *s, struct sim_bus_record record, int code)
{
	record.act = SIM_BUS_RETURN;
	record.code = code;
	add(s, record);
}

static void runs(struct script *s, unsigned sub, unsigned event, unsigned attempt)
{
	add(s, (struct sim_bus_record){
		       .act = SIM_BUS_BEGIN, .sub = sub, .event = event, .attempt = attempt});
}

static void ends(struct script *s, unsigned sub, unsigned event, int code, enum td_class class_)
{
	add(s, (struct sim_bus_record){.act = SIM_BUS_END,
		       .sub = sub,
		       .event = event,
		       .code = code,
		       .class_ = class_});
}

static void handles(struct script *s, unsigned sub, unsigned event)
{
	runs(s, sub, event, 1);
	ends(s, sub, event, 0, 0);
}

static unsigned publish(struct script *s)
{
	unsigned number = event(s, 0);

	returns(s, call(s, SIM_BUS_PUBLISH, number), 0);
	return number;
}

static void status(
	struct script *s, unsigned sub, size_t waiting, size_t parked, uint64_t completed)
{
	add(s, (struct sim_bus_record){.act = SIM_BUS_STATUS,
		       .sub = sub,
		       .status = {.waiting = waiting, .parked = parked, .completed = completed}});
}

static void expect(struct script *s, enum sim_bus_rule rule)
{
	struct sim_bus_violation violation = sim_bus_check(&s->history);

	if (violation.rule != rule)
		fail_msg("%s at %zu (%s), not %s", sim_bus_rule_name(violation.rule), violation.at,
			violation.text, sim_bus_rule_name(rule));
	sim_bus_history_fini(&s->history);
}

#define QUEUED                                        \
	(struct sim_bus_sub)                          \
	{                                             \
		.queued = true, .order = TD_ORDER_ALL \
	}

/* --- what is wrong ------------------------------------------------------------------------ */

static void one_after_the_other_is_as_it_should_be(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	unsigned one = publish(&s), two = publish(&s);
	status(&s, sub, 2, 0, 0);
	struct sim_bus_record turn = call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, one);
	handles(&s, sub, two);
	returns(&s, turn, 2);
	status(&s, sub, 0, 0, 2);
	expect(&s, SIM_BUS_RULE_NONE);
}

static void the_younger_of_a_lane_may_not_go_first(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	publish(&s);
	unsigned two = publish(&s);
	call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, two);
	expect(&s, SIM_BUS_RULE_ORDER);
}

static void what_is_done_is_not_handled_again(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	unsigned one = publish(&s);
	call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, one);
	handles(&s, sub, one);
	expect(&s, SIM_BUS_RULE_OWED);
}

static void a_turn_may_not_leave_what_could_run(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	subscribe(&s, QUEUED);
	publish(&s);
	returns(&s, call(&s, SIM_BUS_TURN, 0), 0);
	expect(&s, SIM_BUS_RULE_IDLE);
}

static void a_synchronous_handler_is_called_before_publish_returns(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	subscribe(&s, (struct sim_bus_sub){.order = TD_ORDER_ALL});
	publish(&s);
	expect(&s, SIM_BUS_RULE_LOST);
}

static void handlers_are_called_in_the_order_of_subscribing(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	subscribe(&s, (struct sim_bus_sub){.order = TD_ORDER_ALL});
	unsigned second = subscribe(&s, (struct sim_bus_sub){.order = TD_ORDER_ALL});
	unsigned one = event(&s, 0);
	call(&s, SIM_BUS_PUBLISH, one);
	handles(&s, second, one);
	expect(&s, SIM_BUS_RULE_BREADTH);
}

static void what_ended_is_not_called(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	unsigned one = publish(&s);
	add(&s, (struct sim_bus_record){.act = SIM_BUS_UNSUBSCRIBED, .sub = sub});
	add(&s, (struct sim_bus_record){.act = SIM_BUS_RELEASED, .sub = sub});
	call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, one);
	expect(&s, SIM_BUS_RULE_ENDED);
}

static void a_parked_key_waits(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	unsigned one = publish(&s), two = publish(&s);
	call(&s, SIM_BUS_TURN, 0);
	runs(&s, sub, one, 1);
	ends(&s, sub, one, TD_E_HANDLER, TD_PARK);
	handles(&s, sub, two);
	expect(&s, SIM_BUS_RULE_PARKED);
}

static void a_publish_is_refused_only_where_there_is_no_room(void **state)
{
	struct script s;
	struct sim_bus_sub narrow = QUEUED;

	(void)state;
	narrow.queue_max = 2;
	narrow.when_full = TD_REFUSE;
	begin(&s);
	subscribe(&s, narrow);
	publish(&s);
	returns(&s, call(&s, SIM_BUS_PUBLISH, event(&s, 0)), TD_E_FULL);
	expect(&s, SIM_BUS_RULE_FULL);
}

static void a_status_counts_what_is_owed(void **state)
{
	struct script s;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, QUEUED);
	publish(&s);
	status(&s, sub, 2, 0, 0);
	expect(&s, SIM_BUS_RULE_STATUS);
}

/* --- what can be understood in two ways ---------------------------------------------------- */

/*
 * A synchronous subscription that has a lane. In its handler of `one` it publishes `two`, which waits
 * in the cascade, and `three` with TD_ASYNC, which is in the lane at once: three goes first.
 */
static unsigned publish_two_and_three(struct script *s, unsigned sub, unsigned *three)
{
	unsigned one = event(s, 0), two;

	call(s, SIM_BUS_PUBLISH, one);
	runs(s, sub, one, 1);
	two = event(s, one);
	returns(s, call(s, SIM_BUS_PUBLISH, two), 0);
	*three = event(s, one);
	struct sim_bus_record async = {.act = SIM_BUS_CALL,
		.what = SIM_BUS_PUBLISH,
		.call = ++s->calls,
		.event = *three,
		.flags = TD_ASYNC};
	add(s, async);
	returns(s, async, 0);
	ends(s, sub, one, 0, 0);
	return two;
}

static void what_is_queued_in_a_handler_overtakes_the_cascade(void **state)
{
	struct sim_bus_sub keeps = {.order = TD_ORDER_ALL, .retry = {.attempts_max = 2}};
	struct script s;
	unsigned two, three;

	(void)state;
	begin(&s);
	unsigned sub = subscribe(&s, keeps);
	two = publish_two_and_three(&s, sub, &three);
	handles(&s, sub, three);
	handles(&s, sub, two);
	expect(&s, SIM_BUS_RULE_NONE);
}

/* What came out of a queue while its publisher waited for room may have stood on either side. */
static void nobody_is_accused_of_an_order_that_is_not_known(void **state)
{
	struct sim_bus_sub narrow = QUEUED;
	struct script s;

	(void)state;
	narrow.queue_max = 1; /* and its publisher waits */
	begin(&s);
	unsigned sub = subscribe(&s, narrow);
	unsigned one = publish(&s), two = event(&s, 0);
	struct sim_bus_record waits = call(&s, SIM_BUS_PUBLISH, two);
	handles(&s, sub, one);
	returns(&s, waits, 0);
	struct sim_bus_record turn = call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, two);
	returns(&s, turn, 1);
	expect(&s, SIM_BUS_RULE_NONE);
}

static void what_was_in_doubt_is_judged_again_when_nothing_is_owed(void **state)
{
	struct sim_bus_sub narrow = QUEUED;
	struct script s;

	(void)state;
	narrow.queue_max = 1;
	begin(&s);
	unsigned sub = subscribe(&s, narrow);
	unsigned one = publish(&s), two = event(&s, 0);
	struct sim_bus_record waits = call(&s, SIM_BUS_PUBLISH, two);
	handles(&s, sub, one);
	returns(&s, waits, 0);
	struct sim_bus_record turn = call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, two);
	returns(&s, turn, 1);
	status(&s, sub, 0, 0, 2);
	call(&s, SIM_BUS_TURN, 0);
	handles(&s, sub, two);
	expect(&s, SIM_BUS_RULE_OWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other_is_as_it_should_be),
		cmocka_unit_test(the_younger_of_a_lane_may_not_go_first),
		cmocka_unit_test(what_is_done_is_not_handled_again),
		cmocka_unit_test(a_turn_may_not_leave_what_could_run),
		cmocka_unit_test(a_synchronous_handler_is_called_before_publish_returns),
		cmocka_unit_test(handlers_are_called_in_the_order_of_subscribing),
		cmocka_unit_test(what_ended_is_not_called),
		cmocka_unit_test(a_parked_key_waits),
		cmocka_unit_test(a_publish_is_refused_only_where_there_is_no_room),
		cmocka_unit_test(a_status_counts_what_is_owed),
		cmocka_unit_test(what_is_queued_in_a_handler_overtakes_the_cascade),
		cmocka_unit_test(nobody_is_accused_of_an_order_that_is_not_known),
		cmocka_unit_test(what_was_in_doubt_is_judged_again_when_nothing_is_owed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
