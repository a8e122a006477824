#include "flow_test.h"

#include "flow/name.h"
#include "flow/story.h"

static const struct td_flow_options usual = {.seed = 7};

static void expect_map(const struct scene *scene, enum td_flow_format format, const char *expected)
{
	struct td_buf buf = TD_BUF_INIT(65536);

	td_flow_map_write(&scene->map, format, &buf);
	td_buf_add_char(&buf, '\0');
	assert_int_equal(buf.code, 0);
	assert_string_equal(buf.at, expected);
	td_buf_fini(&buf);
}

/* Two orders, one paid 20 ms after, by a command; another event of a trace; an older cause. */
static void pizzeria(struct scene *scene)
{
	scene_begin(scene, &usual);
	note(scene, "OrderPlaced", "o1", NULL);
	scene->now += 20 * 1000000;
	note_headers(
		scene, "TakePayment", "ce-id: t1\r\ntd-kind: command\r\nce-causationid: o1\r\n");
	note(scene, "OrderPlaced", "o2", NULL);
	note(scene, "Refund \"now\"", "r", "long ago");
	scene->now += 2 * SECOND;
	look(scene, 0);
}

/* What stands where in JSON. */
struct member {
	const char *pointer, *text;
};

static void expect_members(struct td_json json, const struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct td_json value = td_json_pointer(json, td_text(members[i].pointer));

		if (!td_text_is(value.text, members[i].text))
			fail_msg("%s is %.*s and not %s", members[i].pointer,
				TD_TEXT_ARG(value.text), members[i].text);
	}
}

static const struct member map_members[] = {
	{"/window_ms", "900000"},
	{"/from", "\"2023-11-14T22:15:00.000000Z\""},
	{"/to", "\"2023-11-14T22:15:02.020000Z\""},
	{"/events", "4"},
	{"/rate", "1.98"},
	{"/lost", "0"},
	{"/position", "\"4\""},
	{"/types/0/type", "\"OrderPlaced\""},
	{"/types/0/kind", "\"event\""},
	{"/types/0/count", "2"},
	{"/types/0/rate", "0.99"},
	{"/types/0/roots", "2"},
	{"/types/0/last", "\"2023-11-14T22:15:00.020000Z\""},
	{"/types/1/kind", "\"command\""},
	{"/types/2/type", "\"Refund \\\"now\\\"\""},
	{"/types/3/kind", "\"older\""},
	{"/edges/0/from", "0"},
	{"/edges/0/to", "1"},
	{"/edges/0/from_type", "\"OrderPlaced\""},
	{"/edges/0/to_type", "\"TakePayment\""},
	{"/edges/0/by", "\"cause\""},
	{"/edges/0/count", "1"},
	{"/edges/0/causes", "1"},
	{"/edges/0/share", "0.5"},
	{"/edges/0/latest", "[\"2\"]"},
	{"/edges/0/last", "\"2023-11-14T22:15:00.020000Z\""},
	{"/edges/1/p50_ms", "null"},
	{"/edges/1/share", "0"},
};

static void a_map_is_written_in_four_ways(void **state)
{
	struct scene scene;
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json json;

	(void)state;
	pizzeria(&scene);
	expect_map(&scene, TD_FLOW_TEXT,
		"4 events in 2.0 s\n"
		"OrderPlaced  2, 1.0/s, 2 without a cause\n"
		"  -> TakePayment  1, 50 %, after 20 ms (99 %: 23 ms)\n"
		"TakePayment (command)  1, 0.5/s\n"
		"Refund \"now\"  1, 0.5/s\n"
		"older cause  1\n"
		"  -> Refund \"now\"  1\n");
	expect_map(&scene, TD_FLOW_MERMAID,
		"flowchart LR\n"
		"  n0[\"OrderPlaced\"]\n"
		"  n1([\"TakePayment\"])\n"
		"  n2[\"Refund #34;now#34;\"]\n"
		"  n3[/\"older cause\"/]\n"
		"  n0 -->|\"1, 50 #37;, 20 ms\"| n1\n"
		"  n3 -->|\"1\"| n2\n");
	expect_map(&scene, TD_FLOW_DOT,
		"digraph flow {\n"
		"  rankdir=LR;\n"
		"  n0 [shape=box, label=\"OrderPlaced\"];\n"
		"  n1 [shape=oval, label=\"TakePayment\"];\n"
		"  n2 [shape=box, label=\"Refund \\\"now\\\"\"];\n"
		"  n3 [shape=parallelogram, label=\"older cause\"];\n"
		"  n0 -> n1 [label=\"1, 50 %, 20 ms\"];\n"
		"  n3 -> n2 [label=\"1\"];\n"
		"}\n");
	td_flow_map_write(&scene.map, TD_FLOW_JSON, &buf);
	assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &json, NULL), 0);
	expect_members(json, map_members, sizeof(map_members) / sizeof(map_members[0]));
	td_buf_fini(&buf);
	scene_end(&scene);
}

/* --- stories ---------------------------------------------------------------------------------- */

static struct td_story_event event_of(
	uint64_t position, const char *type, const char *id, const char *cause)
{
	return (struct td_story_event){
		.position = position,
		.seq = position,
		.revision = 1,
		.log = 2,
		.time = BEGIN + (td_time)position * 120 * 1000000,
		.log_name = td_text("events"),
		.id = td_text(id),
		.source = td_text("test"),
		.type = td_text(type),
		.subject = td_text("order.42"),
		.causation = td_text(cause),
	};
}

static void expect_story(
	const struct td_story *story, enum td_flow_format format, const char *expected)
{
	struct td_buf buf = TD_BUF_INIT(65536);

	td_story_write(story, format, &buf);
	td_buf_add_char(&buf, '\0');
	assert_int_equal(buf.code, 0);
	assert_string_equal(buf.at, expected);
	td_buf_fini(&buf);
}

static const struct member story_members[] = {
	{"/correlationid", "\"a\""},
	{"/count", "6"},
	{"/next", "\"9\""},
	{"/damaged", "1"},
	{"/events/0/id", "\"a\""},
	{"/events/0/source", "\"test\""},
	{"/events/0/type", "\"OrderPlaced\""},
	{"/events/0/subject", "\"order.42\""},
	{"/events/0/kind", "\"event\""},
	{"/events/0/causationid", "null"},
	{"/events/0/log", "\"events\""},
	{"/events/0/seq", "1"},
	{"/events/0/revision", "1"},
	{"/events/0/position", "\"1\""},
	{"/events/0/recordedtime", "\"2023-11-14T22:15:00.120000Z\""},
	{"/events/0/cause", "\"root\""},
	{"/events/0/parent", "null"},
	{"/events/0/after_ms", "null"},
	{"/events/2/id", "\"c\""},
	{"/events/2/cause", "\"caused\""},
	{"/events/2/parent", "1"},
	{"/events/2/depth", "2"},
	{"/events/2/after_ms", "120"},
	{"/events/3/parent", "0"},
	{"/events/4/cause", "\"missing\""},
	{"/events/4/causationid", "\"gone\""},
	{"/events/5/cause", "\"cycle\""},
};

static void a_story_is_written_in_four_ways(void **state)
{
	struct td_story_event events[] = {
		event_of(1, "OrderPlaced", "a", NULL),
		event_of(2, "PaymentTaken", "b", "a"),
		event_of(3, "PizzaBaked", "c", "b"),
		event_of(4, "Mailed", "d", "a"),
		event_of(5, "Late", "e", "gone"),
		event_of(6, "Round", "f", "f"),
	};
	struct td_story story = {.correlation = td_text("a"),
		.events = events,
		.count = 6,
		.next = 9,
		.first = true,
		.damaged = 1};
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json json;

	(void)state;
	assert_int_equal(td_story_tree(events, 6, true, NULL), 0);
	expect_story(&story, TD_FLOW_TEXT,
		"story a: 6 events, 600 ms, 1 could not be read\n"
		"OrderPlaced order.42@1  2023-11-14T22:15:00.120000Z\n"
		"├─ PaymentTaken order.42@1  +120 ms\n"
		"│  └─ PizzaBaked order.42@1  +120 ms\n"
		"└─ Mailed order.42@1  +360 ms\n"
		"Late order.42@1  2023-11-14T22:15:00.600000Z  (cause not here: gone)\n"
		"Round order.42@1  2023-11-14T22:15:00.720000Z  (its causes lead in a circle: f)\n"
		"more from position 9\n");
	expect_story(&story, TD_FLOW_MERMAID,
		"flowchart TD\n"
		"  n0[\"OrderPlaced<br/>order.42\"]\n"
		"  n1[\"PaymentTaken<br/>order.42\"]\n"
		"  n0 --> n1\n"
		"  n2[\"PizzaBaked<br/>order.42\"]\n"
		"  n1 --> n2\n"
		"  n3[\"Mailed<br/>order.42\"]\n"
		"  n0 --> n3\n"
		"  n4[\"Late<br/>order.42\"]\n"
		"  o4([\"cause not here\"]) -.-> n4\n"
		"  n5[\"Round<br/>order.42\"]\n");
	expect_story(&story, TD_FLOW_DOT,
		"digraph story {\n"
		"  n0 [shape=box, label=\"OrderPlaced\\norder.42\"];\n"
		"  n1 [shape=box, label=\"PaymentTaken\\norder.42\"];\n"
		"  n0 -> n1;\n"
		"  n2 [shape=box, label=\"PizzaBaked\\norder.42\"];\n"
		"  n1 -> n2;\n"
		"  n3 [shape=box, label=\"Mailed\\norder.42\"];\n"
		"  n0 -> n3;\n"
		"  n4 [shape=box, label=\"Late\\norder.42\"];\n"
		"  o4 [shape=plaintext, label=\"cause not here\"];\n"
		"  o4 -> n4 [style=dashed];\n"
		"  n5 [shape=box, label=\"Round\\norder.42\"];\n"
		"}\n");
	td_story_write(&story, TD_FLOW_JSON, &buf);
	assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &json, NULL), 0);
	expect_members(json, story_members, sizeof(story_members) / sizeof(story_members[0]));
	td_buf_fini(&buf);
}

/* --- hostile names ------------------------------------------------------------------------------ */

static const char *const zoo[] = {
	"</script><img src=x onerror=alert(1)>",
	"a\"];\nn9[\"b",
	"\\\" -> evil; \\",
	"end",
	"|\"|-->",
	"\x1b[31mred\x1b[0m\x07",
	"line\r\nbreak\ttab",
	"\xE2\x80\xAEright to left",
	"\xFF\xFE not UTF-8 \xC0\x80",
	"#quot; &amp; %%{init: {}}%%",
	"\xF0\x9F\x8D\x95 pizza",
	"",
};

/* Nothing that moves a cursor, hides or turns; and it is UTF-8. */
static void assert_harmless(struct td_text text, bool lines)
{
	const char *at = text.at, *end = text.at + text.len;

	assert_int_equal(td_utf8_valid(text.at, text.len), text.len);
	while (at < end) {
		uint32_t c = td_utf8_next(&at, end);

		assert_true(c >= 0x20 || (lines && c == '\n'));
		assert_false(c >= 0x7F && c <= 0x9F);
		assert_false(c >= 0x202A && c <= 0x202E);
		assert_false(c >= 0x2066 && c <= 0x2069);
	}
}

static void names_stay_names(void **state)
{
	struct td_buf buf = TD_BUF_INIT(65536);

	(void)state;
	for (size_t i = 0; i < sizeof(zoo) / sizeof(zoo[0]); i++) {
		td_buf_reset(&buf);
		td_name_text(&buf, td_text(zoo[i]));
		assert_harmless(td_buf_view(&buf), false);
		td_buf_reset(&buf);
		td_name_dot(&buf, td_text(zoo[i]));
		assert_harmless(td_buf_view(&buf), false);
		for (size_t j = 0; j < buf.len; j++) {
			if (buf.at[j] == '\\')
				j++;
			else
				assert_int_not_equal(buf.at[j], '"');
		}
		td_buf_reset(&buf);
		td_name_mermaid(&buf, td_text(zoo[i]));
		for (size_t j = 0; j < buf.len; j++)
			assert_null(strchr("\"<>[](){}|`%&\n\\", buf.at[j]));
	}
	td_buf_reset(&buf);
	td_name_text(&buf, td_text("\x1b[2J \xE2\x80\xAE \xFF"));
	assert_true(td_text_is(td_buf_view(&buf), "<U+001B>[2J <U+202E> \xEF\xBF\xBD"));
	td_buf_fini(&buf);
}

static void a_long_name_loses_its_middle(void **state)
{
	struct td_buf buf = TD_BUF_INIT(65536), name = TD_BUF_INIT(65536);

	(void)state;
	td_buf_add_string(&name, "\xC3\xA4"
				 "begin");
	for (int i = 0; i < 9000; i++)
		td_buf_add_string(&name, "\xC3\xA4");
	td_buf_add_string(&name, "the end");
	td_name_dot(&buf, td_buf_view(&name));
	assert_harmless(td_buf_view(&buf), false);
	assert_int_equal(td_utf8_length(td_buf_view(&buf)), TD_FLOW_SHOWN_MAX);
	assert_memory_equal(buf.at,
		"\xC3\xA4"
		"begin",
		7);
	assert_memory_equal(buf.at + buf.len - 7, "the end", 7);
	td_buf_reset(&buf);
	td_name_text(&buf, td_buf_view(&name));
	assert_true(td_text_equal(td_buf_view(&buf), td_buf_view(&name)));
	td_buf_fini(&buf);
	td_buf_fini(&name);
}

static void a_map_of_hostile_names_is_a_map(void **state)
{
	struct scene scene;
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_json json;
	char id[16], cause[16];

	(void)state;
	scene_begin(&scene, &usual);
	for (size_t i = 0; i < 2 * sizeof(zoo) / sizeof(zoo[0]); i++) {
		snprintf(id, sizeof(id), "%zu", i + 1);
		snprintf(cause, sizeof(cause), "%zu", i);
		note(&scene, zoo[i / 2], id, i > 0 ? cause : NULL);
	}
	look(&scene, 0);
	td_flow_map_write(&scene.map, TD_FLOW_JSON, &buf);
	assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &json, NULL), 0);
	assert_int_equal(td_json_count(td_json_get(json, td_text("types"))), 12);
	for (int format = TD_FLOW_MERMAID; format <= TD_FLOW_TEXT; format++) {
		td_buf_reset(&buf);
		td_flow_map_write(&scene.map, (enum td_flow_format)format, &buf);
		assert_int_equal(buf.code, 0);
		assert_harmless(td_buf_view(&buf), true);
	}
	td_buf_fini(&buf);
	scene_end(&scene);
}

static void formats_have_names(void **state)
{
	static const char *const names[] = {"json", "mermaid", "dot", "text"};
	enum td_flow_format format;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_true(td_flow_format_find(td_text(names[i]), &format));
		assert_int_equal(format, i);
		assert_non_null(td_flow_format_media(format));
	}
	assert_false(td_flow_format_find(td_text("svg"), &format));
	assert_false(td_flow_format_find(td_text(NULL), &format));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_is_written_in_four_ways),
		cmocka_unit_test(a_story_is_written_in_four_ways),
		cmocka_unit_test(names_stay_names),
		cmocka_unit_test(a_long_name_loses_its_middle),
		cmocka_unit_test(a_map_of_hostile_names_is_a_map),
		cmocka_unit_test(formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
