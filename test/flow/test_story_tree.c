#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "flow/story.h"

/*
 * Events as "id<cause" words, in the order of their positions, and the tree as words again:
 * "a(b(c)d)" for who caused whom; "?" behind one whose cause is missing, "~" elsewhere, "@" where a
 * circle was cut.
 */
static const struct {
	const char *events, *tree;
} trees[] = {
	{"", ""},
	{"a", "a"},
	{"a b<a", "a(b)"},
	{"a b<a c<b d<a", "a(b(c)d)"},
	{"a b<a c<a d<b e<b f<c", "a(b(de)c(f))"},
	{"a b", "ab"},
	{"a b<x c<b", "ab?(c)"},
	{"b<a a", "a(b)"}, /* an effect that was stored before its cause */
	{"c<b b<a a d<b", "a(b(cd))"},
	{"a<a", "a@"}, /* itself */
	{"a<b b<a", "a@(b)"},
	{"a<c b<a c<b d<c", "a@(b(c(d)))"},
	{"d<c a<c b<a c<b", "a@(b(c(d)))"}, /* what hangs on a circle is not in it */
	{"a<b b<a c<d d<c", "a@(b)c@(d)"},
	{"a b<a a c<a", "a(b)a(c)"}, /* two of one id: the newest before is the cause */
	{"b<a a a", "a(b)a"},        /* else the oldest after */
	{"a b<a b<b", "a(b(b))"},
};

static size_t read_events(const char *words, struct td_story_event *events)
{
	size_t count = 0;

	for (const char *at = words; *at != '\0'; at += *at == ' ' ? 1 : 0) {
		struct td_story_event *event = &events[count++];

		*event = (struct td_story_event){.position = count, .id = td_text_of(at++, 1)};
		if (*at == '<') {
			event->causation = td_text_of(at + 1, 1);
			at += 2;
		}
	}
	return count;
}

static const char *mark_of(const struct td_story_event *event)
{
	static const char *const marks[] = {[TD_STORY_ROOT] = "",
		[TD_STORY_CAUSED] = "",
		[TD_STORY_MISSING] = "?",
		[TD_STORY_ELSEWHERE] = "~",
		[TD_STORY_CYCLE] = "@"};

	return marks[event->cause];
}

static void write_tree(const struct td_story_event *events, size_t count, struct td_buf *buf)
{
	uint32_t depth = 0;

	for (size_t i = 0; i < count; i++) {
		for (; depth > events[i].depth; depth--)
			td_buf_add_char(buf, ')');
		for (; depth < events[i].depth; depth++)
			td_buf_add_char(buf, '(');
		td_buf_add_text(buf, events[i].id);
		td_buf_add_string(buf, mark_of(&events[i]));
	}
	for (; depth > 0; depth--)
		td_buf_add_char(buf, ')');
	td_buf_add_char(buf, '\0');
}

/* What holds of every tree. */
static void verify(const struct td_story_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct td_story_event *event = &events[i];

		if (event->cause != TD_STORY_CAUSED) {
			assert_int_equal(event->parent, TD_STORY_NONE);
			assert_int_equal(event->depth, 0);
			continue;
		}
		assert_true(event->parent < i);
		assert_int_equal(event->depth, events[event->parent].depth + 1);
		assert_true(td_text_equal(event->causation, events[event->parent].id));
	}
}

static void causes_make_a_tree(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		struct td_story_event events[16];
		size_t count = read_events(trees[i].events, events);

		assert_int_equal(td_story_tree(events, count, true, NULL), 0);
		verify(events, count);
		td_buf_reset(&buf);
		write_tree(events, count, &buf);
		assert_string_equal(buf.at, trees[i].tree);
	}
	td_buf_fini(&buf);
}

static void on_a_later_page_a_cause_may_be_elsewhere(void **state)
{
	struct td_story_event events[2];
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(td_story_tree(events, read_events("b<a c<b", events), false, NULL), 0);
	write_tree(events, 2, &buf);
	assert_string_equal(buf.at, "b~(c)");
	td_buf_fini(&buf);
}

/* Whatever strangers say of ids and causes, all events are there once, and a chain may be long. */
static void any_words_make_a_tree(void **state)
{
	enum { COUNT = 3000 };
	static char names[COUNT][8];
	struct td_story_event *events = calloc(COUNT, sizeof(*events));
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 11);
	for (int i = 0; i < COUNT; i++)
		snprintf(names[i], sizeof(names[i]), "%d", i);
	for (uint64_t kinds = 1; kinds <= COUNT; kinds *= 3) {
		uint64_t positions = 0;

		for (size_t i = 0; i < COUNT; i++) {
			events[i] = (struct td_story_event){
				.position = i, .id = td_text(names[td_rng_below(&rng, kinds)])};
			if (td_rng_below(&rng, 10) > 0)
				events[i].causation = td_text(names[td_rng_below(&rng, kinds + 1)]);
		}
		assert_int_equal(td_story_tree(events, COUNT, true, NULL), 0);
		verify(events, COUNT);
		for (size_t i = 0; i < COUNT; i++)
			positions += events[i].position;
		assert_int_equal(positions, (uint64_t)COUNT * (COUNT - 1) / 2);
	}
	for (size_t i = 0; i < COUNT; i++)
		events[i] = (struct td_story_event){.position = i,
			.id = td_text(names[i]),
			.causation = td_text(i > 0 ? names[i - 1] : NULL)};
	assert_int_equal(td_story_tree(events, COUNT, true, NULL), 0);
	verify(events, COUNT);
	assert_int_equal(events[COUNT - 1].depth, COUNT - 1);
	free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_make_a_tree),
		cmocka_unit_test(on_a_later_page_a_cause_may_be_elsewhere),
		cmocka_unit_test(any_words_make_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
