/*
 * Stories and the tap with a real store, in memory and in a journal.
 */
#include "../store/store_test.h"

#include "flow/flow.h"

/* An event of these words. NULL: it says none. */
static void say(struct scene *scene, const char *subject, const char *id, const char *story,
	const char *cause)
{
	struct td_buf block = TD_BUF_INIT(65536);
	struct td_entry entry = entry_of(subject, "{}");
	struct td_placed placed;
	uint64_t rests_on;

	td_buf_add_string(&block, "NATS/1.0\r\n");
	if (id != NULL)
		td_buf_printf(&block, "ce-id: %s\r\nce-source: test\r\n", id);
	if (story != NULL)
		td_buf_printf(&block, "ce-correlationid: %s\r\n", story);
	if (cause != NULL)
		td_buf_printf(&block, "ce-causationid: %s\r\n", cause);
	td_buf_printf(&block, "ce-type: Of%s\r\n\r\n", subject);
	entry.headers = td_buf_view(&block);
	entry.type = td_text(subject);
	scene->now_ns += 1000000;
	must(scene,
		td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err));
	td_buf_fini(&block);
}

/* Its events as "id/depth id/depth ...". */
static void expect(
	struct scene *scene, const char *correlation, uint32_t page, const char *expected)
{
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_story story;
	uint64_t next = 0;

	td_buf_add(&buf, "", 0);
	do {
		const struct td_story_options options = {.from = next, .max = page};

		must(scene, td_story_read(&story, scene->store, td_text(correlation), &options,
				    &scene->err));
		assert_true(page == 0 || story.count <= page);
		assert_int_equal(story.first, next == 0);
		assert_true(td_text_is(story.correlation, correlation));
		assert_int_equal(story.damaged, 0);
		for (size_t i = 0; i < story.count; i++)
			td_buf_printf(&buf, "%s%.*s/%d", buf.len > 0 ? " " : "",
				TD_TEXT_ARG(story.events[i].id), (int)story.events[i].depth);
		next = story.next;
		td_story_fini(&story);
	} while (next != 0);
	td_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, expected);
	td_buf_fini(&buf);
}

static const struct td_story_options all;

static void a_story_is_a_tree_by_pages(enum shelf shelf)
{
	const struct td_story_options second = {.from = 4, .max = 1};
	struct scene scene;
	struct td_story story;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	say(&scene, "order.1", "a", NULL, NULL); /* the root of its own story */
	say(&scene, "pay.1", "b", "a", "a");
	say(&scene, "order.2", "x", "other", NULL);
	say(&scene, "order.1", "c", "a", "b");
	say(&scene, "mail.1", "d", "a", "a");
	say(&scene, "mail.1", "e", "a", "gone");
	scene_commit(&scene);
	for (int i = 0; i < 2; i++) {
		expect(&scene, "a", 0, "a/0 b/1 c/2 d/1 e/0");
		expect(&scene, "a", 2, "a/0 b/1 c/0 d/0 e/0");
		expect(&scene, "a", 1, "a/0 b/0 c/0 d/0 e/0");
		expect(&scene, "other", 0, "x/0");
		expect(&scene, "nobody", 0, "");
		must(&scene, td_story_read(&story, scene.store, td_text("a"), &all, &scene.err));
		assert_true(td_text_is(story.events[0].log_name, "orders"));
		assert_true(td_text_is(story.events[1].log_name, "events"));
		assert_true(td_text_is(story.events[0].subject, "order.1"));
		assert_true(td_text_is(story.events[0].source, "test"));
		assert_true(td_text_is(story.events[0].type, "Oforder.1"));
		assert_int_equal(story.events[2].revision, 2);
		assert_int_equal(story.events[0].data_bytes, 2);
		assert_int_equal(story.events[0].cause, TD_STORY_ROOT);
		assert_int_equal(story.events[1].cause, TD_STORY_CAUSED);
		assert_int_equal(story.events[4].cause, TD_STORY_MISSING);
		td_story_fini(&story);
		must(&scene, td_story_read(&story, scene.store, td_text("a"), &second, &scene.err));
		assert_int_equal(story.count, 1);
		assert_int_equal(story.events[0].cause, TD_STORY_ELSEWHERE);
		td_story_fini(&story);
		scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(a_story_is_a_tree_by_pages)

static void what_was_removed_is_missed_by_its_effects(enum shelf shelf)
{
	const uint64_t seqs[] = {2};
	const struct td_removal removal = {.log = td_text("events"), .seqs = seqs, .seqs_count = 1};
	struct scene scene;
	uint64_t removed, rests_on;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	say(&scene, "a", "a", "s", NULL);
	say(&scene, "b", "b", "s", "a");
	say(&scene, "c", "c", "s", "b");
	scene_commit(&scene);
	expect(&scene, "s", 0, "a/0 b/1 c/2");
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	scene_commit(&scene);
	expect(&scene, "s", 0, "a/0 c/0");
	scene_end(&scene);
}
BOTH(what_was_removed_is_missed_by_its_effects)

static bool may_not(void *arg, struct td_text address)
{
	return !td_text_is(address, arg);
}

static void what_may_not_be_shown_is_not_there(enum shelf shelf)
{
	char secret[] = "b";
	const struct td_story_options options = {.may = may_not, .arg = secret};
	struct scene scene;
	struct td_story story;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	say(&scene, "a", "a", "s", NULL);
	say(&scene, "b", "b", "s", "a");
	say(&scene, "c", "c", "s", "b");
	scene_commit(&scene);
	must(&scene, td_story_read(&story, scene.store, td_text("s"), &options, &scene.err));
	assert_int_equal(story.count, 2);
	assert_true(td_text_is(story.events[1].id, "c"));
	assert_int_equal(story.events[1].cause, TD_STORY_MISSING);
	td_story_fini(&story);
	scene_end(&scene);
}
BOTH(what_may_not_be_shown_is_not_there)

/* Headers that are no event's come from NATS, and are shown all the same. */
static void what_cannot_be_an_event_has_its_line(enum shelf shelf)
{
	struct td_entry entry = entry_of("raw", "x");
	struct scene scene;
	struct td_story story;
	struct td_placed placed;
	uint64_t rests_on;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	entry.headers = td_text("NATS/1.0\r\nce-correlationid: s\r\nce-time: never\r\n\r\n");
	must(&scene, td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err));
	scene_commit(&scene);
	must(&scene, td_story_read(&story, scene.store, td_text("s"), &all, &scene.err));
	assert_int_equal(story.count, 1);
	assert_true(td_text_is(story.events[0].type, "Thing"));
	assert_true(td_text_is(story.events[0].subject, "raw"));
	td_story_fini(&story);
	scene_end(&scene);
}
BOTH(what_cannot_be_an_event_has_its_line)

/* --- the tap -------------------------------------------------------------------------------- */

static void write_map(struct scene *scene, const struct td_flow *flow, struct td_buf *buf)
{
	struct td_flow_map map;

	assert_int_equal(td_flow_map_read(&map, flow, scene_wall(scene), 0, NULL), 0);
	td_flow_map_write(&map, TD_FLOW_JSON, buf);
	td_flow_map_fini(&map);
	assert_int_equal(buf->code, 0);
}

static void a_map_that_was_heard_is_as_one_that_is_read(enum shelf shelf)
{
	const struct td_flow_options options = {.seed = 1};
	struct scene scene;
	struct td_flow *flow, *again;
	struct td_tap tap;
	struct td_buf heard = TD_BUF_INIT(65536), was_read = TD_BUF_INIT(65536);
	struct td_flow_map map;

	scene_begin(&scene, shelf);
	assert_int_equal(td_flow_new(&flow, &options, NULL), 0);
	assert_int_equal(td_flow_new(&again, &options, NULL), 0);
	tap = td_flow_tap(flow);
	scene.options.taps = &tap;
	scene.options.taps_count = 1;
	scene_open(&scene);
	must(&scene, td_flow_attach(flow, scene.store, 1000, &scene.err));
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	for (int i = 0; i < 30; i++) {
		say(&scene, "order.1", NULL, NULL, NULL);
		scene_commit(&scene);
		say(&scene, "mail", "m", NULL, "orders-1"); /* an id that is a number */
		say(&scene, "end", "e", NULL, "m");
		scene_commit(&scene);
	}
	write_map(&scene, flow, &heard);
	must(&scene, td_flow_attach(again, scene.store, 1000, &scene.err));
	write_map(&scene, again, &was_read);
	assert_true(td_text_equal(td_buf_view(&heard), td_buf_view(&was_read)));
	assert_int_equal(td_flow_map_read(&map, flow, scene_wall(&scene), 0, NULL), 0);
	assert_int_equal(map.events, 90); /* of `$tidings` none */
	assert_int_equal(map.types_count, 3);
	assert_int_equal(map.edges_count, 2);
	assert_int_equal(map.edges[0].count, 30);
	assert_int_equal(map.edges[0].causes, 1);
	td_flow_map_fini(&map);
	/* Once more changes nothing. */
	must(&scene, td_flow_attach(again, scene.store, 1000, &scene.err));
	td_buf_reset(&was_read);
	write_map(&scene, again, &was_read);
	assert_true(td_text_equal(td_buf_view(&heard), td_buf_view(&was_read)));
	td_flow_verify(flow);
	scene_end(&scene);
	td_flow_free(flow);
	td_flow_free(again);
	td_buf_fini(&heard);
	td_buf_fini(&was_read);
}
BOTH(a_map_that_was_heard_is_as_one_that_is_read)

static void only_the_newest_are_read_at_the_start(enum shelf shelf)
{
	const struct td_flow_options options = {.seed = 1};
	struct scene scene;
	struct td_flow *flow;
	struct td_flow_map map;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	for (int i = 0; i < 30; i++)
		say(&scene, "a", NULL, NULL, NULL);
	scene_commit(&scene);
	assert_int_equal(td_flow_new(&flow, &options, NULL), 0);
	must(&scene, td_flow_attach(flow, scene.store, 10, &scene.err));
	assert_int_equal(td_flow_map_read(&map, flow, scene_wall(&scene), 0, NULL), 0);
	assert_int_equal(map.events, 10);
	td_flow_map_fini(&map);
	td_flow_free(flow);
	scene_end(&scene);
}
BOTH(only_the_newest_are_read_at_the_start)

/* By the store's average, and by what the newest turn out to be. */
static void only_so_many_bytes_are_read_at_the_start(enum shelf shelf)
{
	const struct td_flow_options options = {.seed = 1, .stored_bytes_max = 20000};
	static char payload[4001];
	struct scene scene;
	struct td_flow *flow;
	struct td_flow_map map;

	memset(payload, 'x', sizeof(payload) - 1);
	scene_begin(&scene, shelf);
	scene_open(&scene);
	for (int i = 0; i < 200; i++) {
		scene_append(&scene, "a", i < 150 ? "small" : payload);
		scene_commit(&scene);
	}
	assert_int_equal(td_flow_new(&flow, &options, NULL), 0);
	must(&scene, td_flow_attach(flow, scene.store, 1000, &scene.err));
	assert_int_equal(td_flow_map_read(&map, flow, scene_wall(&scene), 0, NULL), 0);
	assert_in_range(map.events, 6, 24); /* of them 20,000 bytes' worth, and halves of it */
	assert_int_equal(map.position, td_store_durable(scene.store) - 1);
	td_flow_map_fini(&map);
	td_flow_free(flow);
	scene_end(&scene);
}
BOTH(only_so_many_bytes_are_read_at_the_start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(a_story_is_a_tree_by_pages),
		BOTH_TESTS(what_was_removed_is_missed_by_its_effects),
		BOTH_TESTS(what_may_not_be_shown_is_not_there),
		BOTH_TESTS(what_cannot_be_an_event_has_its_line),
		BOTH_TESTS(a_map_that_was_heard_is_as_one_that_is_read),
		BOTH_TESTS(only_the_newest_are_read_at_the_start),
		BOTH_TESTS(only_so_many_bytes_are_read_at_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
