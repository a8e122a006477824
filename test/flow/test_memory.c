/*
 * Memory that runs out: the map counts as "other" what it cannot know, all else says so.
 */
#include "flow_test.h"

#include "alloc.h"
#include "flow/story.h"

static int learn(void *arg)
{
	const struct td_flow_options options = {.seed = 7};
	struct scene scene = {.now = BEGIN};
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	char lines[256];
	int code = td_flow_new(&scene.flow, &options, NULL);

	(void)arg;
	if (code != 0)
		return code;
	for (int i = 0; i < 70; i++) {
		const struct td_stored stored = {.log = 2,
			.time = scene.now,
			.type = td_text_of(lines, 9),
			.position = (uint64_t)i + 1,
			.headers = td_text(lines)};

		snprintf(lines, sizeof(lines),
			"OfType%03d\nce-id: a%%20%d\nce-causationid: a%%20%d\n"
			"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203%03d-01\n",
			i, i, i - 1, i);
		td_flow_note(scene.flow, &stored);
	}
	td_flow_verify(scene.flow);
	code = td_flow_map_read(&scene.map, scene.flow, scene.now, 0, NULL);
	for (int format = TD_FLOW_JSON; code == 0 && format <= TD_FLOW_TEXT; format++) {
		if (scene.map.events != 70)
			code = TD_E_INVALID; /* all are counted, whatever fails */
		td_buf_reset(&buf);
		td_flow_map_write(&scene.map, (enum td_flow_format)format, &buf);
		code = code == 0 ? td_buf_check(&buf, NULL) : code;
	}
	td_buf_fini(&buf);
	td_flow_map_fini(&scene.map);
	td_flow_free(scene.flow);
	return code;
}

static int tell(void *arg)
{
	struct td_story_event events[] = {
		{.position = 1, .id = td_text("a"), .causation = td_text("b")},
		{.position = 2, .id = td_text("b"), .causation = td_text("a")},
	};
	const struct td_story story = {.events = events, .count = 2};
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	int code = td_story_tree(events, 2, true, NULL);

	(void)arg;
	for (int format = TD_FLOW_JSON; code == 0 && format <= TD_FLOW_TEXT; format++) {
		td_buf_reset(&buf);
		td_story_write(&story, (enum td_flow_format)format, &buf);
		code = td_buf_check(&buf, NULL);
	}
	td_buf_fini(&buf);
	return code;
}

static void a_map_does_without_or_says_so(void **state)
{
	(void)state;
	assert_true(alloc_torture(learn, NULL) > 70);
}

static void a_story_says_so(void **state)
{
	(void)state;
	assert_true(alloc_torture(tell, NULL) > 3);
}

/* What was promised of the hot path. */
static void nothing_is_allocated_for_an_event_of_known_types(void **state)
{
	const struct td_flow_options options = {.seed = 7};
	struct scene scene;
	size_t before;

	(void)state;
	scene_begin(&scene, &options);
	note(&scene, "A", "a%20", NULL);
	note(&scene, "B", "b", "a%20");
	before = alloc_live();
	for (int i = 0; i < 1000; i++) {
		char line[64];
		const struct td_stored stored = {.log = 2,
			.time = scene.now,
			.type = td_text(i % 2 == 0 ? "A" : "B"),
			.position = ++scene.position,
			.headers = td_text(line)};

		snprintf(line, sizeof(line), "ce-id: %d\r\nce-causationid: a%%20\r\n", i);
		alloc_fail_at(1, true);
		td_flow_note(scene.flow, &stored);
		assert_int_equal(alloc_count(), 0);
		alloc_fail_at(0, false);
		if (i == 1) /* from A to A is new */
			before = alloc_live();
	}
	assert_int_equal(alloc_live(), before);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_does_without_or_says_so),
		cmocka_unit_test(a_story_says_so),
		cmocka_unit_test(nothing_is_allocated_for_an_event_of_known_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
