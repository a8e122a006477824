#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "event_test.h"

static const uint8_t uuid[16] = {1, 0x90, 3, 4, 5, 6, 0x70, 8, 0x90, 10, 11, 12, 13, 14, 15, 16};

static const struct td_origin origin = {
	.source = TD_TEXT_INIT("local"),
	.now = 1763689391123456000,
	.uuid = uuid,
};

static void event_is_complete_when_only_its_type_was_given(void **state)
{
	const struct td_draft draft = {.type = "OrderPlaced"};
	struct td_event event;
	struct td_event_scratch scratch;

	(void)state;
	assert_int_equal(td_event_lend(&event, &scratch, &draft, &origin, NULL), 0);
	assert_text(td_event_id(&event), "01900304-0506-7008-900a-0b0c0d0e0f10");
	assert_text(td_event_source(&event), "local");
	assert_text(td_event_type(&event), "OrderPlaced");
	assert_text(td_event_subject(&event), NULL);
	assert_text(td_event_time(&event), "2025-11-21T01:43:11.123456Z");
	assert_text(td_event_correlation(&event), "01900304-0506-7008-900a-0b0c0d0e0f10");
	assert_text(td_event_causation(&event), NULL);
	assert_text(td_event_address(&event), "OrderPlaced");
	assert_text(td_event_data(&event), NULL);
	assert_text(td_event_get(&event, "specversion"), "1.0");
	assert_text(td_event_get(&event, "nothing"), NULL);
	assert_int_equal(td_event_kind(&event), TD_EVENT_KIND);
	td_event_lend_end(&event);
}

static const struct td_attribute extras[] = {
	{TD_TEXT_INIT("region"), TD_TEXT_INIT("eu"), TD_STRING},
	{TD_TEXT_INIT("partitionkey"), TD_TEXT_INIT("42"), TD_STRING},
	{TD_TEXT_INIT("retries"), TD_TEXT_INIT("-7"), TD_INTEGER},
	{TD_TEXT_INIT("gift"), TD_TEXT_INIT("true"), TD_BOOLEAN},
	{TD_TEXT_INIT("absent"), {NULL, 0}, TD_STRING},
	{TD_TEXT_INIT("empty"), TD_TEXT_INIT(""), TD_STRING},
	{TD_TEXT_INIT("schemaversion"), TD_TEXT_INIT("3"), TD_INTEGER},
};

static void draft_says_everything(void **state)
{
	const struct td_draft draft = {
		.type = "OrderPlaced",
		.subject = "order 42",
		.id = "7",
		.source = "https://shop.example/",
		.time = "2018-04-05T17:31:00+02:00",
		.datacontenttype = "text/plain",
		.dataschema = "https://shop.example/order#v1",
		.attributes = extras,
		.attributes_count = sizeof(extras) / sizeof(extras[0]),
		.data = "hello",
		.data_bytes = 5,
	};
	struct td_event *event = NULL;
	enum td_attribute_type type;

	(void)state;
	assert_int_equal(td_event_make(&event, &draft, &origin, NULL), 0);
	assert_text(td_event_subject(event), "order 42");
	assert_text(td_event_address(event), "order%2042");
	assert_text(td_event_get(event, "dataschema"), "https://shop.example/order#v1");
	assert_text(td_event_get(event, "partitionkey"), "42");
	assert_text(td_event_get(event, "region"), "eu");
	assert_text(td_event_get(event, "absent"), NULL);
	assert_text(td_event_get(event, "empty"), "");
	assert_text(td_event_data(event), "hello");
	assert_text(td_event_lookup(event, td_text("retries"), &type), "-7");
	assert_int_equal(type, TD_INTEGER);
	assert_text(td_event_lookup(event, td_text("gift"), &type), "true");
	assert_int_equal(type, TD_BOOLEAN);
	assert_text(td_event_lookup(event, td_text("schemaversion"), &type), "3");
	assert_int_equal(type, TD_INTEGER);
	assert_int_equal(td_event_attributes_count(event), 14);
	assert_text(td_event_attribute(event, 0).name, "id");
	assert_text(td_event_attribute(event, 9).name, "schemaversion");
	assert_int_equal(td_event_attribute(event, 9).type, TD_INTEGER);
	assert_text(td_event_attribute(event, 10).name, "region");
	assert_text(td_event_attribute(event, 13).name, "empty");
	assert_text(td_event_attribute(event, 14).name, NULL);
	td_event_unref(event);
}

/* --- what is refused ---------------------------------------------------------------------- */

#define EXTRA(...) .attributes = &(const struct td_attribute){__VA_ARGS__}, .attributes_count = 1
#define TEXT(s)                  \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct {
	struct td_draft draft;
	int code;
	const char *text;
} refused[] = {
	{{0}, TD_E_ATTRIBUTE, "type: missing"},
	{{.type = ""}, TD_E_ATTRIBUTE, "type: empty"},
	{{.type = "T", .subject = ""}, TD_E_ATTRIBUTE, "subject: empty"},
	{{.type = "T", .id = ""}, TD_E_ATTRIBUTE, "id: empty"},
	{{.type = "T", .source = ""}, TD_E_ATTRIBUTE, "source: empty"},
	{{.type = "T", .source = "a b"}, TD_E_ATTRIBUTE, "source: a character that no URI has"},
	{{.type = "T", .source = "a%2"}, TD_E_ATTRIBUTE, "source: \"%\" without two hex digits"},
	{{.type = "T", .time = "yesterday"}, TD_E_ATTRIBUTE,
		"time: not a time like 2026-11-21T01:43:11Z (RFC 3339)"},
	{{.type = "T", .datacontenttype = "json"}, TD_E_ATTRIBUTE,
		"datacontenttype: not a media type"},
	{{.type = "T", .dataschema = "order"}, TD_E_ATTRIBUTE, "dataschema: not an absolute URI"},
	{{.type = "a\nb"}, TD_E_ATTRIBUTE, "type: a control character"},
	{{.type = "a\xFF"}, TD_E_ATTRIBUTE, "type: not UTF-8"},
	{{.type = "T", .subject = "a\xEF\xBF\xBE"}, TD_E_ATTRIBUTE,
		"subject: a noncharacter of Unicode"},
	{{.type = "T", EXTRA(TEXT("Region"), TEXT("eu"), TD_STRING)}, TD_E_ATTRIBUTE,
		"attribute name \"Region\": only a-z and 0-9 are allowed"},
	{{.type = "T", EXTRA(TEXT(""), TEXT("eu"), TD_STRING)}, TD_E_ATTRIBUTE,
		"attribute name \"\": empty"},
	{{.type = "T", EXTRA(TEXT("data"), TEXT("eu"), TD_STRING)}, TD_E_ATTRIBUTE,
		"attribute name \"data\": no attribute may be called so"},
	{{.type = "T", EXTRA(TEXT("specversion"), TEXT("1.0"), TD_STRING)}, TD_E_ATTRIBUTE,
		"attribute name \"specversion\": no attribute may be called so"},
	{{.type = "T", EXTRA(TEXT("type"), TEXT("U"), TD_STRING)}, TD_E_ATTRIBUTE,
		"type: given twice"},
	{{.type = "T", EXTRA(TEXT("subject"), TEXT("5"), TD_INTEGER)}, TD_E_ATTRIBUTE,
		"subject: a string is needed"},
	{{.type = "T", EXTRA(TEXT("x"), TEXT("05"), TD_INTEGER)}, TD_E_ATTRIBUTE,
		"x: not an integer of 32 bits"},
	{{.type = "T", EXTRA(TEXT("x"), TEXT("True"), TD_BOOLEAN)}, TD_E_ATTRIBUTE,
		"x: neither true nor false"},
	{{.type = "T", EXTRA(TEXT("correlationid"), TEXT(""), TD_STRING)}, TD_E_ATTRIBUTE,
		"correlationid: empty"},
	{{.type = "T", .json = "{}", .data = "x", .data_bytes = 1}, TD_E_INVALID,
		"draft: json, data and object exclude each other"},
	{{.type = "T", .data_bytes = 1}, TD_E_INVALID, "draft: data_bytes without data"},
	{{.type = "T", .object = ""}, TD_E_INVALID,
		"draft: object and object_type belong together"},
	{{.type = "T", .json = "{}", .datacontenttype = "text/plain"}, TD_E_INVALID,
		"draft: json is given, but datacontenttype is text/plain"},
	{{.type = "T", .data = "", .data_bytes = TD_DATA_BYTES_MAX + 1}, TD_E_TOO_LARGE,
		"data: 67108865 bytes, at most 67108864 are allowed"},
};

static void wrong_draft_is_refused_by_the_name_of_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_event *event = NULL;

		assert_int_equal(
			td_event_make(&event, &refused[i].draft, &origin, &err), refused[i].code);
		assert_string_equal(err.text, refused[i].text);
		assert_null(event);
	}
}

static void what_the_place_does_not_fill_is_missing(void **state)
{
	const struct td_draft draft = {.type = "T"};
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_event_make(&event, &draft,
				 &(struct td_origin){.source = TD_TEXT_INIT("x")}, &err),
		TD_E_ATTRIBUTE);
	assert_string_equal(err.text, "id: missing");
	assert_int_equal(td_event_make(&event, &draft, &(struct td_origin){.uuid = uuid}, &err),
		TD_E_ATTRIBUTE);
	assert_string_equal(err.text, "source: missing");
}

static void data_stays_below_the_limit_of_the_place(void **state)
{
	struct td_draft draft = {.type = "T", .data = "abcdef", .data_bytes = 5};
	struct td_origin small = origin;
	struct td_event *event = NULL;

	(void)state;
	small.data_bytes_max = 5;
	assert_int_equal(td_event_make(&event, &draft, &small, NULL), 0);
	td_event_unref(event);
	draft.data_bytes = 6;
	assert_int_equal(td_event_make(&event, &draft, &small, NULL), TD_E_TOO_LARGE);
}

static void attributes_stay_below_64_kib_as_a_block(void **state)
{
	char name[9][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
	char value[TD_ATTRIBUTE_BYTES_MAX + 1];
	struct td_attribute more[9];
	struct td_draft draft = {.type = "T", .attributes = more, .attributes_count = 7};
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < 9; i++)
		more[i] = (struct td_attribute){td_text_of(name[i], 1),
			td_text_of(value, TD_ATTRIBUTE_BYTES_MAX), TD_STRING};
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), 0);
	td_event_unref(event);
	draft.attributes_count = 8;
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), TD_E_TOO_LARGE);
	assert_string_equal(err.text, "the attributes take more than 65536 bytes together");
	memset(value, ' ', sizeof(value)); /* three bytes each when encoded */
	draft.attributes_count = 3;
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), TD_E_TOO_LARGE);
	draft.attributes_count = 2;
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), 0);
	td_event_unref(event);
	more[0].value.len++;
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), TD_E_TOO_LARGE);
	assert_string_equal(err.text, "a: 8193 bytes, at most 8192 are allowed");
}

static void extensions_are_64_at_most(void **state)
{
	struct td_attribute more[65];
	char names[65][4];
	struct td_draft draft = {.type = "T", .attributes = more, .attributes_count = 64};
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (int i = 0; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "x%d", i);
		more[i] = (struct td_attribute){td_text(names[i]), td_text("v"), TD_STRING};
	}
	assert_int_equal(td_event_make(&event, &draft, &origin, NULL), 0);
	assert_text(td_event_get(event, "x63"), "v");
	td_event_unref(event);
	draft.attributes_count = 65;
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), TD_E_LIMIT);
	assert_string_equal(err.text, "x64: more than 64 extension attributes");
	more[7].name = td_text("x5");
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), TD_E_ATTRIBUTE);
	assert_string_equal(err.text, "x5: given twice");
}

/* --- data --------------------------------------------------------------------------------- */

static void json_of_a_draft_is_checked_and_named(void **state)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(
		td_event_make(&event, &(struct td_draft){.type = "T", .json = " {\"n\": 1.0} \n"},
			&origin, NULL),
		0);
	assert_text(td_event_data(event), "{\"n\": 1.0}");
	assert_text(td_event_get(event, "datacontenttype"), "application/json");
	td_event_unref(event);
	assert_int_equal(td_event_make(&event,
				 &(struct td_draft){.type = "T",
					 .json = "1",
					 .datacontenttype = "application/geo+json; v=1"},
				 &origin, NULL),
		0);
	assert_text(td_event_get(event, "datacontenttype"), "application/geo+json; v=1");
	td_event_unref(event);
	assert_int_equal(
		td_event_make(&event, &(struct td_draft){.type = "T", .json = "{"}, &origin, &err),
		TD_E_JSON);
	assert_memory_equal(err.text, "data: ", 6);
}

static void data_of_no_bytes_is_not_absent(void **state)
{
	struct td_event *event = NULL;

	(void)state;
	assert_int_equal(
		td_event_make(&event, &(struct td_draft){.type = "T", .data = ""}, &origin, NULL),
		0);
	assert_text(td_event_data(event), "");
	td_event_unref(event);
}

static void other_data_takes_the_place_of_data(void **state)
{
	struct td_event *event = NULL, *other = NULL;
	struct td_error err = TD_ERROR_INIT;
	const struct td_text none = {NULL, 0};

	(void)state;
	assert_int_equal(
		td_event_make(&event, &(struct td_draft){.type = "T", .subject = "s", .json = "1"},
			&origin, NULL),
		0);
	assert_int_equal(
		td_event_with_data(&other, event, td_text("2"), TD_DATA_JSON, none, NULL), 0);
	assert_text(td_event_data(other), "2");
	assert_text(td_event_get(other, "datacontenttype"), "application/json");
	assert_text(td_event_address(other), "s");
	assert_text(td_event_id(other), "01900304-0506-7008-900a-0b0c0d0e0f10");
	td_event_unref(other);
	assert_int_equal(td_event_with_data(&other, event, td_text("x"), TD_DATA_BYTES,
				 td_text("image/png"), NULL),
		0);
	assert_text(td_event_get(other, "datacontenttype"), "image/png");
	assert_text(td_event_data(event), "1");
	td_event_unref(other);
	assert_int_equal(td_event_with_data(&other, event, none, TD_DATA_NONE, none, NULL), 0);
	assert_text(td_event_data(other), NULL);
	td_event_unref(other);
	assert_int_equal(td_event_with_data(
				 &other, event, td_text("x"), TD_DATA_BYTES, td_text("png"), &err),
		TD_E_ATTRIBUTE);
	assert_string_equal(err.text, "datacontenttype: not a media type");
	td_event_unref(event);
}

/* --- causation ---------------------------------------------------------------------------- */

static void effect_joins_the_story_of_its_cause(void **state)
{
	static const struct td_attribute trace[] = {
		{TD_TEXT_INIT("traceparent"), TD_TEXT_INIT("00-a-b-01"), TD_STRING},
		{TD_TEXT_INIT("tracestate"), TD_TEXT_INIT("k=v"), TD_STRING},
	};
	static const struct td_attribute own[] = {
		{TD_TEXT_INIT("traceparent"), TD_TEXT_INIT("00-c-d-01"), TD_STRING},
		{TD_TEXT_INIT("correlationid"), TD_TEXT_INIT("another story"), TD_STRING},
	};
	struct td_event *root = NULL, *effect = NULL, *third = NULL;
	struct td_origin caused = origin;

	(void)state;
	assert_int_equal(
		td_event_make(&root,
			&(struct td_draft){
				.type = "A", .id = "1", .attributes = trace, .attributes_count = 2},
			&origin, NULL),
		0);
	caused.cause = root;
	assert_int_equal(
		td_event_make(&effect, &(struct td_draft){.type = "B", .id = "2"}, &caused, NULL),
		0);
	assert_text(td_event_correlation(effect), "1");
	assert_text(td_event_causation(effect), "1");
	assert_text(td_event_get(effect, "traceparent"), "00-a-b-01");
	assert_text(td_event_get(effect, "tracestate"), "k=v");
	caused.cause = effect;
	assert_int_equal(
		td_event_make(&third,
			&(struct td_draft){
				.type = "C", .id = "3", .attributes = own, .attributes_count = 2},
			&caused, NULL),
		0);
	assert_text(td_event_correlation(third), "another story");
	assert_text(td_event_causation(third), "2");
	assert_text(td_event_get(third, "traceparent"), "00-c-d-01");
	assert_text(td_event_get(third, "tracestate"), NULL);
	assert_int_equal(third->causes, 2);
	td_event_unref(root);
	td_event_unref(effect);
	td_event_unref(third);
}

static void cause_without_a_story_begins_one(void **state)
{
	struct td_event *root = NULL, *effect = NULL;
	struct td_origin caused = origin;

	(void)state;
	assert_int_equal(
		td_event_make(&root, &(struct td_draft){.type = "A", .id = "1"}, &origin, NULL), 0);
	root->attr[TD_ATTR_CORRELATIONID] = td_text_of(NULL, 0); /* as one that came from outside */
	caused.cause = root;
	assert_int_equal(td_event_make(&effect, &(struct td_draft){.type = "B"}, &caused, NULL), 0);
	assert_text(td_event_correlation(effect), "1");
	td_event_unref(root);
	td_event_unref(effect);
}

static void chain_of_causes_ends_at_the_limit(void **state)
{
	struct td_event *last = NULL, *next = NULL;
	struct td_origin caused = origin;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	caused.causes_max = 3;
	for (int i = 0; i < 4; i++) {
		caused.cause = last;
		assert_int_equal(
			td_event_make(&next, &(struct td_draft){.type = "Ping"}, &caused, NULL), 0);
		td_event_unref(last);
		last = next;
	}
	caused.cause = last;
	assert_int_equal(
		td_event_make(&next, &(struct td_draft){.type = "Ping"}, &caused, &err), TD_E_LOOP);
	assert_string_equal(err.text, "type Ping: a chain of 4 causes, at most 3 are allowed");
	td_event_unref(last);
}

static void chain_of_causes_counts_no_further_than_it_can_be_written(void **state)
{
	struct td_event *cause = NULL, *effect = NULL;
	struct td_origin caused = origin;

	(void)state;
	assert_int_equal(td_event_make(&cause, &(struct td_draft){.type = "A"}, &origin, NULL), 0);
	cause->causes = TD_CAUSES_MAX;
	caused.cause = cause;
	assert_int_equal(td_event_make(&effect, &(struct td_draft){.type = "B"}, &caused, NULL), 0);
	td_event_unref(cause);
	cause = stored_and_read(effect);
	assert_int_equal(cause->causes, TD_CAUSES_MAX);
	td_event_unref(cause);
	td_event_unref(effect);
}

/* --- speed -------------------------------------------------------------------------------- */

/* Not a benchmark, a guard: lending must stay far from allocating, parsing or clearing scratch. */
static void lending_is_quick(void **state)
{
	const struct td_draft draft = {.type = "OrderPlaced",
		.subject = "order.42",
		.data = "{\"total\":12}",
		.data_bytes = 12};
	struct timespec a, b;
	int64_t best = INT64_MAX;

	(void)state;
	for (int round = 0; round < 20; round++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < 10000; i++) {
			struct td_event event;
			struct td_event_scratch scratch;

			if (td_event_lend(&event, &scratch, &draft, &origin, NULL) != 0)
				fail();
			td_event_lend_end(&event);
		}
		clock_gettime(CLOCK_MONOTONIC, &b);
		int64_t ns = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
		best = ns < best ? ns : best;
	}
	print_message("# lend: %.1f ns\n", (double)best / 10000);
	assert_true(best / 10000 < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_complete_when_only_its_type_was_given),
		cmocka_unit_test(draft_says_everything),
		cmocka_unit_test(wrong_draft_is_refused_by_the_name_of_what_is_wrong),
		cmocka_unit_test(what_the_place_does_not_fill_is_missing),
		cmocka_unit_test(data_stays_below_the_limit_of_the_place),
		cmocka_unit_test(attributes_stay_below_64_kib_as_a_block),
		cmocka_unit_test(extensions_are_64_at_most),
		cmocka_unit_test(json_of_a_draft_is_checked_and_named),
		cmocka_unit_test(data_of_no_bytes_is_not_absent),
		cmocka_unit_test(other_data_takes_the_place_of_data),
		cmocka_unit_test(effect_joins_the_story_of_its_cause),
		cmocka_unit_test(cause_without_a_story_begins_one),
		cmocka_unit_test(chain_of_causes_ends_at_the_limit),
		cmocka_unit_test(chain_of_causes_counts_no_further_than_it_can_be_written),
		cmocka_unit_test(lending_is_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
