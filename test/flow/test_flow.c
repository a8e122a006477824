#include "flow_test.h"

static const struct td_flow_options small = {
	.seed = 7, .types_max = 8, .edges_max = 4, .recent_max = 16};
static const struct td_flow_options usual = {.seed = 7};

/* --- the map -------------------------------------------------------------------------------- */

static void an_effect_is_an_edge_from_the_type_of_its_cause(void **state)
{
	struct scene scene;
	const struct td_flow_edge *edge;

	(void)state;
	scene_begin(&scene, &usual);
	note(&scene, "OrderPlaced", "o1", NULL);
	scene.now += 20 * 1000000;
	note(&scene, "PaymentTaken", "p1", "o1");
	note(&scene, "OrderPlaced", "o2", NULL);
	scene.now += SECOND;
	look(&scene, 0);
	assert_int_equal(scene.map.events, 3);
	assert_int_equal(scene.map.types_count, 2);
	assert_int_equal(scene.map.edges_count, 1);
	assert_int_equal(type_named(&scene, "OrderPlaced")->count, 2);
	assert_int_equal(type_named(&scene, "OrderPlaced")->roots, 2);
	assert_int_equal(type_named(&scene, "PaymentTaken")->roots, 0);
	edge = edge_between(&scene, "OrderPlaced", "PaymentTaken");
	assert_non_null(edge);
	assert_int_equal(edge->count, 1);
	assert_int_equal(edge->causes, 1);
	assert_false(edge->traced);
	assert_true(edge->share == 0.5);
	assert_in_range(edge->p50_us, 16000, 24000);
	assert_int_equal(edge->latest[0], 2);
	assert_int_equal(edge->latest[1], 0);
	assert_int_equal(edge->last, BEGIN + 20 * 1000000);
	assert_int_equal(scene.map.from, BEGIN);
	assert_int_equal(scene.map.to, scene.now);
	assert_int_equal(scene.map.position, 3);
	scene_end(&scene);
}

static void a_share_counts_causes_and_not_effects(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note(&scene, "Cart", "c1", NULL);
	note(&scene, "Cart", "c2", NULL);
	note(&scene, "Item", "i1", "c1");
	note(&scene, "Item", "i2", "c1");
	note(&scene, "Item", "i3", "c1");
	note(&scene, "Bill", "b1", "c1");
	note(&scene, "Bill", "b2", "c2");
	look(&scene, 0);
	assert_int_equal(edge_between(&scene, "Cart", "Item")->count, 3);
	assert_int_equal(edge_between(&scene, "Cart", "Item")->causes, 1);
	assert_true(edge_between(&scene, "Cart", "Item")->share == 0.5);
	assert_true(edge_between(&scene, "Cart", "Bill")->share == 1.0);
	scene_end(&scene);
}

static void a_cause_beyond_the_ring_is_older(void **state)
{
	struct scene scene;
	char id[16];

	(void)state;
	scene_begin(&scene, &small);
	note(&scene, "A", "first", NULL);
	for (int i = 0; i < 15; i++) {
		snprintf(id, sizeof(id), "f%d", i);
		note(&scene, "A", id, NULL);
	}
	note(&scene, "B", "b1", "first"); /* the last of 16 that is known */
	note(&scene, "B", "b2", "first");
	note(&scene, "B", "b3", "nowhere");
	look(&scene, 0);
	assert_int_equal(edge_between(&scene, "A", "B")->count, 1);
	assert_int_equal(edge_between(&scene, "older cause", "B")->count, 2);
	assert_int_equal(edge_between(&scene, "older cause", "B")->p50_us, -1);
	assert_true(edge_between(&scene, "older cause", "B")->share == 0);
	assert_int_equal(type_named(&scene, "older cause")->kind, TD_FLOW_OLDER);
	assert_int_equal(type_named(&scene, "older cause")->count, 2);
	assert_int_equal(scene.map.events, 19); /* older causes are no events of this window */
	scene_end(&scene);
}

static void types_and_edges_beyond_the_maximum_are_others(void **state)
{
	struct scene scene;
	char type[16], id[16];
	uint64_t count = 0;

	(void)state;
	scene_begin(&scene, &small);
	for (int i = 0; i < 12; i++) {
		snprintf(type, sizeof(type), "T%d", i);
		snprintf(id, sizeof(id), "t%d", i);
		note(&scene, type, id, i > 0 ? "t0" : NULL);
	}
	look(&scene, 0);
	assert_int_equal(type_named(&scene, "other")->kind, TD_FLOW_OTHER);
	assert_int_equal(type_named(&scene, "other")->count, 4);
	for (size_t i = 0; i < scene.map.edges_count; i++)
		count += scene.map.edges[i].count;
	assert_int_equal(count, 11);
	assert_int_equal(edge_between(&scene, "T0", "T4")->count, 1);
	assert_null(edge_between(&scene, "T0", "T5"));
	assert_int_equal(edge_between(&scene, "other", "other")->count, 7);
	scene_end(&scene);
}

static void a_name_that_is_too_long_is_other(void **state)
{
	struct scene scene;
	char type[TD_FLOW_NAME_MAX + 2];

	(void)state;
	scene_begin(&scene, &usual);
	memset(type, 'x', sizeof(type) - 1);
	type[TD_FLOW_NAME_MAX + 1] = '\0';
	note(&scene, type, "1", NULL);
	type[TD_FLOW_NAME_MAX] = '\0';
	note(&scene, type, "2", NULL);
	look(&scene, 0);
	assert_int_equal(type_named(&scene, "other")->count, 1);
	assert_int_equal(type_named(&scene, type)->count, 1);
	scene_end(&scene);
}

static void what_is_silent_for_hours_makes_room(void **state)
{
	struct scene scene;
	char type[16], id[16];

	(void)state;
	scene_begin(&scene, &small);
	for (int i = 0; i < 20; i++) {
		snprintf(type, sizeof(type), "Junk%d", i);
		snprintf(id, sizeof(id), "j%d", i);
		note(&scene, type, id, i > 0 ? "j0" : NULL);
	}
	scene.now += 121 * MINUTE;
	/* The hand goes a few steps at a time, so not the first need be known. */
	for (int i = 0; i < 20; i++) {
		note(&scene, "Cause", "c", NULL);
		note(&scene, "Effect", "e", "c");
		td_flow_verify(scene.flow);
	}
	scene.now += SECOND;
	look(&scene, 60000);
	assert_non_null(edge_between(&scene, "Cause", "Effect"));
	assert_in_range(edge_between(&scene, "Cause", "Effect")->count, 15, 20);
	/* A cause whose type is gone is not taken for one of the type that has its place now. */
	note(&scene, "Effect", "late", "j19");
	look(&scene, 60000);
	assert_int_equal(edge_between(&scene, "older cause", "Effect")->count, 1);
	scene_end(&scene);
}

static void kinds_of_one_name_are_types_apart(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note_headers(&scene, "Ship", "ce-id: 1\r\ntd-kind: command\r\n");
	note_headers(&scene, "Ship", "ce-id: 2\r\nce-causationid: 1\r\n");
	look(&scene, 0);
	assert_int_equal(scene.map.types_count, 2);
	assert_int_equal(scene.map.types[0].kind, TD_FLOW_COMMAND);
	assert_int_equal(scene.map.types[1].kind, TD_FLOW_EVENT);
	assert_int_equal(scene.map.edges[0].from, 0);
	assert_int_equal(scene.map.edges[0].to, 1);
	scene_end(&scene);
}

/* --- traces --------------------------------------------------------------------------------- */

static void note_traced(struct scene *scene, const char *type, const char *trace, const char *span,
	const char *cause)
{
	char lines[512];

	snprintf(lines, sizeof(lines),
		"ce-id: %" PRIu64 "\r\ntraceparent: 00-0000000000000000000000000000%s-"
		"000000000000%s-01\r\n%s%s%s",
		scene->position, trace, span, cause != NULL ? "ce-causationid: " : "",
		cause != NULL ? cause : "", cause != NULL ? "\r\n" : "");
	note_headers(scene, type, lines);
}

static void a_trace_tells_what_came_after_what(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note_traced(&scene, "Asked", "aaaa", "0001", NULL);
	note_traced(&scene, "Asked", "bbbb", "0009", NULL);
	note_traced(&scene, "Done", "aaaa", "0002", NULL);
	note_traced(
		&scene, "Told", "aaaa", "0002", NULL); /* of the same span: caused by the same */
	note_traced(&scene, "End", "aaaa", "0003", NULL);
	look(&scene, 0);
	assert_true(edge_between(&scene, "Asked", "Done")->traced);
	assert_int_equal(edge_between(&scene, "Asked", "Done")->count, 1);
	assert_int_equal(edge_between(&scene, "Asked", "Told")->count, 1);
	assert_int_equal(edge_between(&scene, "Told", "End")->count, 1);
	assert_true(edge_between(&scene, "Asked", "Done")->share == 0.5);
	assert_int_equal(scene.map.edges_count, 3);
	assert_int_equal(type_named(&scene, "Asked")->roots, 2);
	scene_end(&scene);
}

static void a_cause_that_is_said_goes_before_a_trace(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note(&scene, "Cause", "c", NULL);
	note_traced(&scene, "First", "aaaa", "0001", "c");
	note_traced(&scene, "Second", "aaaa", "0002", "c");
	note_traced(&scene, "Third", "aaaa", "0003", NULL);
	look(&scene, 0);
	assert_false(edge_between(&scene, "Cause", "Second")->traced);
	assert_null(edge_between(&scene, "First", "Second"));
	assert_true(edge_between(&scene, "Second", "Third")->traced);
	scene_end(&scene);
}

static void what_is_no_trace_is_none(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note_traced(&scene, "A", "AAAA", "0001", NULL);
	note_traced(&scene, "B", "AAAA", "0002", NULL);
	look(&scene, 0);
	assert_int_equal(scene.map.edges_count, 0);
	scene_end(&scene);
}

/* --- time ----------------------------------------------------------------------------------- */

static void a_window_forgets(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	note(&scene, "A", "a", NULL);
	note(&scene, "B", "b", "a");
	scene.now += 5 * SECOND;
	look(&scene, 10000);
	assert_int_equal(scene.map.events, 2);
	assert_int_equal(scene.map.from, BEGIN);
	scene.now += 2 * MINUTE;
	look(&scene, 60000);
	assert_int_equal(scene.map.events, 0);
	assert_int_equal(scene.map.types_count, 0);
	assert_int_equal(scene.map.edges_count, 0);
	assert_true(scene.map.from <= scene.now - MINUTE);
	assert_true(scene.map.from >= scene.now - MINUTE - 10 * SECOND);
	look(&scene, TD_FLOW_WINDOW_MAX_MS);
	assert_int_equal(scene.map.events, 2);
	scene.now += 66 * MINUTE;
	look(&scene, 1ll << 60);
	assert_int_equal(scene.map.window_ms, TD_FLOW_WINDOW_MAX_MS);
	assert_int_equal(scene.map.events, 0);
	look(&scene, -5);
	assert_int_equal(scene.map.window_ms, TD_FLOW_WINDOW_MIN_MS);
	look(&scene, 0);
	assert_int_equal(scene.map.window_ms, TD_FLOW_WINDOW_DEFAULT_MS);
	scene_end(&scene);
}

static void a_clock_that_was_set_back_is_the_clock(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, &usual);
	scene.now += 240 * MINUTE;
	note(&scene, "A", "a", NULL);
	scene.now = BEGIN;
	note(&scene, "B", "b", "a");
	look(&scene, 0);
	assert_int_equal(type_named(&scene, "B")->count, 1);
	assert_int_equal(edge_between(&scene, "A", "B")->p50_us >= 0, 1);
	assert_true(edge_between(&scene, "A", "B")->p50_us < 100);
	scene_end(&scene);
}

static void imported_events_count_when_they_were(void **state)
{
	struct scene scene;
	struct td_stored stored = {.log = 2, .type = td_text("Old"), .imported = true};

	(void)state;
	scene_begin(&scene, &usual);
	note(&scene, "A", "a", NULL);
	stored.time = scene.now - 20 * MINUTE;
	stored.position = ++scene.position;
	td_flow_note(scene.flow, &stored);
	stored.time = scene.now + 1000 * MINUTE; /* it cannot have been yet */
	stored.type = td_text("Odd");
	stored.position = ++scene.position;
	td_flow_note(scene.flow, &stored);
	look(&scene, 600000);
	assert_null(type_named(&scene, "Old"));
	assert_int_equal(type_named(&scene, "Odd")->count, 1);
	look(&scene, 1800000);
	assert_int_equal(type_named(&scene, "Old")->count, 1);
	scene_end(&scene);
}

/* --- the same events, the same map ------------------------------------------------------------ */

static void play(struct scene *scene, uint64_t seed)
{
	struct td_rng rng;
	char type[16], id[16], cause[16];

	td_rng_init(&rng, seed);
	for (int i = 0; i < 20000; i++) {
		snprintf(type, sizeof(type), "T%d", (int)td_rng_below(&rng, 12));
		snprintf(id, sizeof(id), "%d", i);
		snprintf(cause, sizeof(cause), "%d", i - 1 - (int)td_rng_below(&rng, 50));
		scene->now += (td_time)td_rng_below(&rng, 300000000);
		note(scene, type, id, td_rng_below(&rng, 4) > 0 ? cause : NULL);
	}
}

static void the_same_events_give_the_same_map_whatever_the_seed(void **state)
{
	struct scene scene;
	struct td_buf first = TD_BUF_INIT(SIZE_MAX / 2), second = TD_BUF_INIT(SIZE_MAX / 2);

	(void)state;
	for (uint64_t seed = 1; seed < 4; seed++) {
		const struct td_flow_options options = {.seed = seed * 1000};

		scene_begin(&scene, &options);
		play(&scene, 5);
		look(&scene, TD_FLOW_WINDOW_MAX_MS);
		td_buf_reset(&second);
		td_flow_map_write(&scene.map, TD_FLOW_JSON, &second);
		assert_int_equal(second.code, 0);
		if (seed == 1)
			td_buf_add_text(&first, td_buf_view(&second));
		assert_true(td_text_equal(td_buf_view(&first), td_buf_view(&second)));
		assert_true(scene.map.edges_count > 100);
		scene_end(&scene);
	}
	td_buf_fini(&first);
	td_buf_fini(&second);
}

static void positions_ascend_or_are_passed_over(void **state)
{
	struct scene scene;
	struct td_stored stored = {.log = 2, .type = td_text("A"), .time = BEGIN, .position = 5};

	(void)state;
	scene_begin(&scene, &usual);
	td_flow_note(scene.flow, &stored);
	td_flow_note(scene.flow, &stored);
	stored.position = 4;
	td_flow_note(scene.flow, &stored);
	stored.position = 6;
	td_flow_note(scene.flow, &stored);
	look(&scene, 0);
	assert_int_equal(scene.map.events, 2);
	scene_end(&scene);
}

static void memory_is_bounded_whatever_comes(void **state)
{
	struct scene scene;
	char type[32], id[32];
	size_t full;

	(void)state;
	scene_begin(&scene, &small);
	for (int i = 0; i < 200; i++) {
		snprintf(type, sizeof(type), "T%d", i);
		snprintf(id, sizeof(id), "%d", i);
		note(&scene, type, id, "0");
	}
	full = td_flow_bytes(scene.flow);
	for (int i = 0; i < 20000; i++) {
		snprintf(type, sizeof(type), "T%05d", i % 10000);
		snprintf(id, sizeof(id), "%d", i);
		note(&scene, type, id, "0");
		scene.now += SECOND;
	}
	assert_in_range(td_flow_bytes(scene.flow), 1, full + 64);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_effect_is_an_edge_from_the_type_of_its_cause),
		cmocka_unit_test(a_share_counts_causes_and_not_effects),
		cmocka_unit_test(a_cause_beyond_the_ring_is_older),
		cmocka_unit_test(types_and_edges_beyond_the_maximum_are_others),
		cmocka_unit_test(a_name_that_is_too_long_is_other),
		cmocka_unit_test(what_is_silent_for_hours_makes_room),
		cmocka_unit_test(kinds_of_one_name_are_types_apart),
		cmocka_unit_test(a_trace_tells_what_came_after_what),
		cmocka_unit_test(a_cause_that_is_said_goes_before_a_trace),
		cmocka_unit_test(what_is_no_trace_is_none),
		cmocka_unit_test(a_window_forgets),
		cmocka_unit_test(a_clock_that_was_set_back_is_the_clock),
		cmocka_unit_test(imported_events_count_when_they_were),
		cmocka_unit_test(the_same_events_give_the_same_map_whatever_the_seed),
		cmocka_unit_test(positions_ascend_or_are_passed_over),
		cmocka_unit_test(memory_is_bounded_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
