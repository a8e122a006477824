#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "alloc.h"
#include "typed_sample.h"

/* clang-format off */
/* The same place as another module declares it, and as a later version does. */
#define PLACE_NEW(FIELD, OBJECT, LIST, OBJECTS) \
	PLACE(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, city, OPTIONAL)
TD_EVENT(place_event, "Place", PLACE)
TD_EVENT(place_again, "Place", PLACE)
TD_EVENT(place_new, "Place", PLACE_NEW)
/* clang-format on */

static const struct place_event main_street = {
	.unknown = TD_TEXT_INIT("\"city\":\"Basel\""), .street = TD_TEXT_INIT("Main Street")};

/* An event as td_publish() makes it: lent. */
static void lend(
	struct td_event *event, struct td_event_scratch *scratch, const struct td_draft *draft)
{
	static const uint8_t uuid[16];
	struct td_origin origin = {.source = TD_TEXT_INIT("test"), .uuid = uuid};
	struct td_error err = TD_ERROR_INIT;

	if (td_event_lend(event, scratch, draft, &origin, &err) != 0)
		fail_msg("%s", err.text);
}

static void view_lends_the_publishers_struct(void **state)
{
	struct td_draft draft = {.object = &main_street, .object_type = &place_event_type};
	const struct place_event *place = NULL;
	const struct place_again *again = NULL;
	struct td_event_scratch scratch;
	struct td_event event;
	void *block = &event;

	(void)state;
	lend(&event, &scratch, &draft);
	assert_int_equal(place_event_view(&event, &place, &block, NULL), 0);
	assert_ptr_equal(place, &main_street);
	assert_null(block);
	assert_int_equal(place_again_view(&event, &again, &block, NULL), 0);
	assert_ptr_equal(again, &main_street);
	assert_null(block);
	assert_null(atomic_load(&event.encoded)); /* no JSON was made */
	td_event_lend_end(&event);
}

static void view_of_a_kept_event_outlives_the_struct(void **state)
{
	struct place_event mine = main_street;
	struct td_draft draft = {.object = &mine, .object_type = &place_event_type};
	const struct place_event *place = NULL;
	struct td_event_scratch scratch;
	struct td_event event, *kept;
	void *block;

	(void)state;
	lend(&event, &scratch, &draft);
	kept = td_event_ref(&event);
	assert_non_null(kept);
	td_event_lend_end(&event);
	memset(&mine, '#', sizeof(mine));
	assert_int_equal(place_event_view(kept, &place, &block, NULL), 0);
	assert_null(block);
	assert_text(place->street, "Main Street");
	assert_text(place->unknown, "\"city\":\"Basel\"");
	td_event_unref(kept);
}

static void view_goes_through_json_where_declarations_differ(void **state)
{
	struct td_draft draft = {.object = &main_street, .object_type = &place_event_type};
	const struct place_new *place = NULL;
	struct td_event_scratch scratch;
	struct td_event event;
	void *block = NULL;

	(void)state;
	lend(&event, &scratch, &draft);
	assert_int_equal(place_new_view(&event, &place, &block, NULL), 0);
	assert_non_null(block);
	assert_text(place->street, "Main Street");
	assert_true(place->has_city);
	assert_text(place->city, "Basel");
	assert_int_equal(place->unknown.len, 0);
	td_object_free(block);
	td_event_lend_end(&event);
}

static void view_decodes_what_came_as_json(void **state)
{
	struct td_draft draft = {.type = "Place", .json = "{\"street\":\"s\",\"east\":1}"};
	const struct place_event *place = NULL;
	struct td_event_scratch scratch;
	struct td_event event;
	void *block = NULL;

	(void)state;
	lend(&event, &scratch, &draft);
	assert_int_equal(place_event_view(&event, &place, &block, NULL), 0);
	assert_ptr_equal(place, block);
	assert_text(place->street, "s");
	assert_true(place->has_east && place->east == 1);
	td_object_free(block);
	td_event_lend_end(&event);
}

static void view_says_why_there_is_no_struct(void **state)
{
	static const struct place_event bad = {.street = {NULL, 0}};
	static const struct {
		struct td_draft draft;
		const char *text;
	} rows[] = {
		{{.type = "Place", .json = "{\"street\":7}"},
			"type Place: data: /street: a string was expected, found a number"},
		{{.type = "Place"}, "type Place: data: missing"},
		{{.type = "Place", .datacontenttype = "text/plain", .data = "hi", .data_bytes = 2},
			"type Place: data: JSON was expected, found text/plain"},
		{{.object = &bad, .object_type = &place_event_type},
			"type Place: data: /street: missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct place_new *place = NULL;
		struct td_error err = TD_ERROR_INIT;
		struct td_event_scratch scratch;
		struct td_event event;
		void *block = NULL;

		lend(&event, &scratch, &rows[i].draft);
		assert_int_equal(place_new_view(&event, &place, &block, &err), TD_E_DATA);
		assert_string_equal(err.text, rows[i].text);
		assert_null(place);
		assert_null(block);
		td_event_lend_end(&event);
	}
}

static int view_once(void *arg)
{
	struct td_draft draft = {.object = &main_street, .object_type = &place_event_type};
	const struct place_new *place = NULL;
	struct td_event_scratch scratch;
	struct td_event event, *kept;
	void *block = NULL;
	int code;

	(void)arg;
	lend(&event, &scratch, &draft);
	kept = td_event_ref(&event);
	code = kept != NULL ? place_new_view(kept, &place, &block, NULL) : TD_E_NOMEM;
	td_object_free(block);
	td_event_unref(kept);
	td_event_lend_end(&event);
	return code;
}

static void view_gives_up_cleanly_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(view_once, NULL), 4, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_lends_the_publishers_struct),
		cmocka_unit_test(view_of_a_kept_event_outlives_the_struct),
		cmocka_unit_test(view_goes_through_json_where_declarations_differ),
		cmocka_unit_test(view_decodes_what_came_as_json),
		cmocka_unit_test(view_says_why_there_is_no_struct),
		cmocka_unit_test(view_gives_up_cleanly_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
