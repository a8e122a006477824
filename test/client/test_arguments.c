#include "scene.h"

#include <math.h>

/*
 * Wrong arguments: each call answers with a code and a text that names what was wrong, and where
 * that means something the place; and nothing was changed.
 */

/* Texts that are too long, made once. */
static char x64[65 + 1], x256[257 + 1], x1024[1025 + 1], x8192[8193 + 1], x64k[66000 + 1];
static char percents[400 + 1], long_json[DATA_BYTES_MAX + 2];
static struct td_attribute many[65], large[9];
static char many_names[65][8];

static void fill(char *text, size_t len, char with)
{
	memset(text, with, len);
	text[len] = '\0';
}

static int make_long_texts(void **state)
{
	(void)state;
	fill(x64, sizeof(x64) - 1, 'x');
	fill(x256, sizeof(x256) - 1, 'x');
	fill(x1024, sizeof(x1024) - 1, 'x');
	fill(x8192, sizeof(x8192) - 1, 'x');
	fill(x64k, sizeof(x64k) - 1, ' ');
	fill(percents, sizeof(percents) - 1, '%');
	fill(long_json, sizeof(long_json) - 1, '1');
	for (size_t i = 0; i < 65; i++) {
		snprintf(many_names[i], sizeof(many_names[i]), "ext%zu", i);
		many[i] = (struct td_attribute){td_text(many_names[i]), td_text("1"), TD_STRING};
	}
	for (size_t i = 0; i < 9; i++)
		large[i] = (struct td_attribute){
			td_text(many_names[i]), td_text_of(x8192, 8000), TD_STRING};
	return 0;
}

/* --- drafts ------------------------------------------------------------------------------- */

enum { NOT_IN_REPLIES = 1, IN_PLACES_ONLY = 2 };

struct draft_row {
	struct td_draft draft;
	struct refusal refusal;
	int where;
};

#define GOOD .type = "Do", .subject = "order.42"
#define DRAFT(...)          \
	{                   \
		__VA_ARGS__ \
	}
/* A draft with these attributes, each {name, value, type}. */
#define WITH(...)                                                                        \
	{                                                                                \
		GOOD, .attributes = (struct td_attribute[]){__VA_ARGS__},                \
		      .attributes_count = sizeof((struct td_attribute[]){__VA_ARGS__}) / \
					  sizeof(struct td_attribute)                    \
	}
#define STRING(name, value)                                        \
	{                                                          \
		TD_TEXT_INIT(name), TD_TEXT_INIT(value), TD_STRING \
	}
#define OF(name, value, type)                                 \
	{                                                     \
		TD_TEXT_INIT(name), TD_TEXT_INIT(value), type \
	}

static void arguments_of_drafts_are_checked_wherever_a_draft_is_given(void **state)
{
	static const struct paid paid = {.customer = {"Ada", 3}, .total = 7};
	/* clang-format off */
	const struct draft_row rows[] = {
		{DRAFT(.subject = "order.42"), {TD_E_ATTRIBUTE, "type: missing", TD_NO_OFFSET}, NOT_IN_REPLIES},
		{DRAFT(.type = ""), {TD_E_ATTRIBUTE, "type: empty", 0}, 0},
		{DRAFT(.type = "a\nb"), {TD_E_ATTRIBUTE, "type: a control character", 0}, 0},
		{DRAFT(.type = "\xff"), {TD_E_ATTRIBUTE, "type: not UTF-8", 0}, 0},
		{DRAFT(.type = x8192), {TD_E_TOO_LARGE, "type: 8193 bytes", 0}, 0},
		{DRAFT(.type = "Do", .subject = ""), {TD_E_ATTRIBUTE, "subject: empty", 0}, 0},
		{DRAFT(.type = "Do", .subject = "a\tb"), {TD_E_ATTRIBUTE, "subject: a control", 0}, 0},
		{DRAFT(.type = "Do", .subject = x1024), {TD_E_SUBJECT, "subject: longer than 1024", 0}, 0},
		{DRAFT(.type = "Do", .subject = percents), {TD_E_SUBJECT, "subject: longer", 0}, 0},
		{DRAFT(.type = "Do", .subject = x8192), {TD_E_TOO_LARGE, "subject: 8193", 0}, 0},
		{DRAFT(.type = x1024), {TD_E_SUBJECT, "type: longer than 1024", 0}, 0},
		{DRAFT(GOOD, .id = ""), {TD_E_ATTRIBUTE, "id: empty", 0}, 0},
		{DRAFT(GOOD, .id = "\x01"), {TD_E_ATTRIBUTE, "id: a control", 0}, 0},
		{DRAFT(GOOD, .source = ""), {TD_E_ATTRIBUTE, "source: empty", 0}, 0},
		{DRAFT(GOOD, .source = "a shop"), {TD_E_ATTRIBUTE, "source: a character", 0}, 0},
		{DRAFT(GOOD, .source = "50%"), {TD_E_ATTRIBUTE, "source: \"%\"", 0}, 0},
		{DRAFT(GOOD, .time = ""), {TD_E_ATTRIBUTE, "time: empty", 0}, 0},
		{DRAFT(GOOD, .time = "yesterday"), {TD_E_ATTRIBUTE, "time: not a time", 0}, 0},
		{DRAFT(GOOD, .time = "2026-02-30T00:00:00Z"), {TD_E_ATTRIBUTE, "time: not", 0}, 0},
		{DRAFT(GOOD, .datacontenttype = "json"), {TD_E_ATTRIBUTE, "datacontenttype: not", 0}, 0},
		{DRAFT(GOOD, .dataschema = "order.json"), {TD_E_ATTRIBUTE, "dataschema: not an", 0}, 0},

		{DRAFT(GOOD, .attributes_count = 1), {TD_E_INVALID, "attributes: NULL", 0}, 0},
		{WITH(STRING("", "1")), {TD_E_ATTRIBUTE, "attribute name \"\": empty", 0}, 0},
		{WITH({{NULL, 4}, TD_TEXT_INIT("1"), TD_STRING}), {TD_E_ATTRIBUTE, "name \"\": empty", 0}, 0},
		{WITH(STRING("Region", "eu")), {TD_E_ATTRIBUTE, "attribute name \"Region\": only", 0}, 0},
		{WITH(STRING("a_b", "eu")), {TD_E_ATTRIBUTE, "attribute name \"a_b\": only", 0}, 0},
		{WITH(STRING("data", "eu")), {TD_E_ATTRIBUTE, "\"data\": no attribute", 0}, 0},
		{WITH(STRING("specversion", "1.0")), {TD_E_ATTRIBUTE, "\"specversion\": no", 0}, 0},
		{WITH({{x64, 65}, TD_TEXT_INIT("1"), TD_STRING}), {TD_E_ATTRIBUTE, "longer than 64", 0}, 0},
		{WITH(STRING("type", "Other")), {TD_E_ATTRIBUTE, "type: given twice", 0}, 0},
		{WITH(STRING("region", "eu"), STRING("region", "us")), {TD_E_ATTRIBUTE, "region: given twice", 0}, 0},
		{WITH(STRING("region", "e\nu")), {TD_E_ATTRIBUTE, "region: a control", 0}, 0},
		{WITH({TD_TEXT_INIT("region"), {x8192, 8193}, TD_STRING}), {TD_E_TOO_LARGE, "region: 8193 bytes", 0}, 0},
		{WITH(OF("n", "1.5", TD_INTEGER)), {TD_E_ATTRIBUTE, "n: not an integer", 0}, 0},
		{WITH(OF("n", "2147483648", TD_INTEGER)), {TD_E_ATTRIBUTE, "n: not an integer", 0}, 0},
		{WITH(OF("b", "yes", TD_BOOLEAN)), {TD_E_ATTRIBUTE, "b: neither true nor false", 0}, 0},
		{WITH(OF("b", "yes", (enum td_attribute_type)7)), {TD_E_ATTRIBUTE, "b: attributes have no type 7", 0}, 0},
		{WITH(OF("id", "7", TD_INTEGER)), {TD_E_ATTRIBUTE, "id: a string is needed", 0}, 0},
		{WITH(STRING("recordedtime", "now")), {TD_E_ATTRIBUTE, "recordedtime: not a time", 0}, 0},
		{WITH(STRING("causationid", "")), {TD_E_ATTRIBUTE, "causationid: empty", 0}, 0},
		{DRAFT(GOOD, .attributes = many, .attributes_count = 65), {TD_E_LIMIT, "ext64: more than 64", 0}, 0},
		{DRAFT(GOOD, .attributes = large, .attributes_count = 9), {TD_E_TOO_LARGE, "attributes take", 0}, 0},

		{DRAFT(GOOD, .json = ""), {TD_E_JSON, "data: line 1, column 1", AT(0)}, 0},
		{DRAFT(GOOD, .json = "{\"a\":}"), {TD_E_JSON, "data: line 1, column 6", AT(5)}, 0},
		{DRAFT(GOOD, .json = "{}\n{}"), {TD_E_JSON, "data: line 2, column 1", AT(3)}, 0},
		{DRAFT(GOOD, .json = "\"\xff\""), {TD_E_JSON, "UTF-8", AT(1)}, 0},
		{DRAFT(GOOD, .json = "1", .datacontenttype = "text/plain"), {TD_E_INVALID, "datacontenttype", 0}, 0},
		{DRAFT(GOOD, .json = "1", .data = "1"), {TD_E_INVALID, "json, data and object", 0}, 0},
		{DRAFT(.json = "1", .object = &paid, .object_type = &paid_type), {TD_E_INVALID, "json, data and object", 0}, 0},
		{DRAFT(.data = "1", .object = &paid, .object_type = &paid_type), {TD_E_INVALID, "json, data and object", 0}, 0},
		{DRAFT(.object = &paid), {TD_E_INVALID, "object_type", 0}, 0},
		{DRAFT(GOOD, .object_type = &paid_type), {TD_E_INVALID, "object_type", 0}, 0},
		{DRAFT(GOOD, .object = &paid, .object_type = &paid_type), {TD_E_INVALID, "the object is Paid", 0}, 0},
		{DRAFT(GOOD, .data_bytes = 1), {TD_E_INVALID, "data_bytes without data", 0}, 0},
		{DRAFT(GOOD, .data = x8192, .data_bytes = DATA_BYTES_MAX + 1), {TD_E_TOO_LARGE, "data: 2001 bytes, at most 2000", 0}, IN_PLACES_ONLY},
		{DRAFT(GOOD, .json = long_json), {TD_E_TOO_LARGE, "data: 2001 bytes", 0}, IN_PLACES_ONLY},
		{DRAFT(GOOD, .data = "1", .data_bytes = TD_DATA_BYTES_MAX + 1), {TD_E_TOO_LARGE, "data: 67108865 bytes", 0}, 0},
	};
	/* clang-format on */
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct draft_row *row = &rows[i];
		const struct td_draft *draft = &row->draft;
		struct td_event *event = NULL;
		struct td_error errs[6];
		int codes[6] = {0};

		for (int j = 0; j < 6; j++)
			errs[j] = (struct td_error)TD_ERROR_INIT;
		codes[0] = td_publish(scene.td, draft, &scene.receipt, &errs[0]);
		codes[1] = td_publish_with(scene.td, draft, TD_ASYNC, &scene.receipt, &errs[1]);
		codes[2] = td_command(scene.td, draft, &scene.receipt, &errs[2]);
		codes[3] = td_request(scene.td, TD_COMMAND, draft, -1, &event, &errs[3]);
		codes[4] = td_request(scene.td, TD_QUERY, draft, -1, &event, &errs[4]);
		for (int j = 0; j < 5; j++)
			assert_refused(row->refusal.names, &row->refusal, codes[j], &errs[j]);
		if (row->where != IN_PLACES_ONLY) {
			codes[5] = td_event_new(&event, draft, &errs[5]);
			assert_refused(row->refusal.names, &row->refusal, codes[5], &errs[5]);
		}
		assert_null(event);
		assert_int_equal(td_publish(scene.td, draft, NULL, NULL), row->refusal.code);
		if (row->where != NOT_IN_REPLIES) {
			scene.answer = draft;
			td_request(scene.td, TD_QUERY, EVENT("Ask", NULL), -1, NULL, NULL);
			scene.answer = NULL;
			scene.asked--;
			assert_refused(row->refusal.names, &row->refusal, scene.answer_code,
				&scene.answer_err);
		}
		scene_unchanged(&scene, row->refusal.names);
	}
	scene_fini(&scene);
}

/* --- interests ---------------------------------------------------------------------------- */

enum { NOT_OF_HANDLERS = 1 };

struct interest_row {
	struct td_interest interest;
	struct refusal refusal;
	int where;
};

#define SELECT(...)                                   \
	.select = (const char *const[]){__VA_ARGS__}, \
	.select_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define TYPES(...)                                   \
	.types = (const char *const[]){__VA_ARGS__}, \
	.types_count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define FIRST(member, value) .retry = {.attempts_max = 2, .member = (value)}

static void arguments_of_interests_are_checked_wherever_one_is_given(void **state)
{
	/* clang-format off */
	const struct interest_row rows[] = {
		{{.subject = ""}, {TD_E_SUBJECT, "subject: an empty token", AT(0)}, NOT_OF_HANDLERS},
		{{.subject = ".order"}, {TD_E_SUBJECT, "subject: an empty", AT(0)}, NOT_OF_HANDLERS},
		{{.subject = "order..paid"}, {TD_E_SUBJECT, "subject: an empty", AT(6)}, NOT_OF_HANDLERS},
		{{.subject = "order."}, {TD_E_SUBJECT, "subject: an empty", AT(6)}, NOT_OF_HANDLERS},
		{{.subject = "order.>.paid"}, {TD_E_SUBJECT, "subject: \">\"", AT(6)}, NOT_OF_HANDLERS},
		{{.subject = "order.4 2"}, {TD_E_SUBJECT, "subject: a blank", AT(6)}, NOT_OF_HANDLERS},
		{{.subject = x1024}, {TD_E_SUBJECT, "subject: longer than 1024", AT(1024)}, NOT_OF_HANDLERS},

		{{.type = ""}, {TD_E_ATTRIBUTE, "type: empty", 0}, NOT_OF_HANDLERS},
		{{.type = "a\nb"}, {TD_E_ATTRIBUTE, "type: a control character", 0}, NOT_OF_HANDLERS},
		{{.type = x8192}, {TD_E_TOO_LARGE, "type: 8193 bytes", 0}, NOT_OF_HANDLERS},
		{{.types_count = 1}, {TD_E_INVALID, "types: NULL", 0}, NOT_OF_HANDLERS},
		{{TYPES("A", NULL)}, {TD_E_INVALID, "types[1]: NULL", 0}, NOT_OF_HANDLERS},
		{{TYPES("A", "B", "")}, {TD_E_ATTRIBUTE, "types[2]: type: empty", 0}, NOT_OF_HANDLERS},

		{{.filter = ""}, {TD_E_FILTER, "filter: ", 0}, NOT_OF_HANDLERS},
		{{.filter = "type = "}, {TD_E_FILTER, "filter: ", AT(7)}, NOT_OF_HANDLERS},
		{{.filter = "region = 'eu"}, {TD_E_FILTER, "filter: ", AT(9)}, NOT_OF_HANDLERS},
		{{.filter = x64k}, {TD_E_FILTER, "filter: ", 0}, NOT_OF_HANDLERS},
		{{.filters = "{"}, {TD_E_JSON, "filters: line 1", AT(1)}, NOT_OF_HANDLERS},
		{{.filters = "7"}, {TD_E_FILTER, "filters: ", 0}, NOT_OF_HANDLERS},
		{{.filters = "{\"regex\":{\"type\":\".*\"}}"}, {TD_E_FILTER, "regex", AT(1)}, NOT_OF_HANDLERS},
		{{.filters = "{\"exact\":{\"type\":\"\"}}"}, {TD_E_FILTER, "filters: ", 0}, NOT_OF_HANDLERS},
		{{.filters = "[{\"sql\":\"type =\"}]"}, {TD_E_FILTER, "sql", 0}, NOT_OF_HANDLERS},
		{{.filters = x64k}, {TD_E_FILTER, "filters: ", 0}, NOT_OF_HANDLERS},

		{{.select_count = 1}, {TD_E_INVALID, "select: NULL", 0}, NOT_OF_HANDLERS},
		{{SELECT("/a", NULL)}, {TD_E_INVALID, "select[1]: NULL", 0}, NOT_OF_HANDLERS},
		{{SELECT("time", "/total~2")}, {TD_E_POINTER, "field 1: /total~2", AT(6)}, NOT_OF_HANDLERS},
		{{SELECT("Time")}, {TD_E_POINTER, "field 0: Time", AT(0)}, NOT_OF_HANDLERS},
		{{SELECT("data")}, {TD_E_POINTER, "field 0: data", 0}, NOT_OF_HANDLERS},
		{{SELECT(x1024)}, {TD_E_POINTER, "field 0: ", 0}, NOT_OF_HANDLERS},

		{{.async = true, .sync = true}, {TD_E_INVALID, "async and sync", TD_NO_OFFSET}, 0},
		{{.order = (enum td_order)9}, {TD_E_INVALID, "order: no such value: 9", 0}, 0},
		{{.order = (enum td_order)-1}, {TD_E_INVALID, "order: no such value", 0}, 0},
		{{.when_full = (enum td_when_full)9}, {TD_E_INVALID, "when_full: no such value: 9", 0}, 0},
		{{.when_full = TD_DROP_OLDEST}, {TD_E_INVALID, "when_full: only an observer", 0}, 0},
		{{.observer = true, .retry = {.attempts_max = 2}}, {TD_E_INVALID, "retry: an observer", 0}, NOT_OF_HANDLERS},
		{{FIRST(first_ms, -1)}, {TD_E_INVALID, "retry.first_ms: negative", 0}, 0},
		{{FIRST(longest_ms, -1)}, {TD_E_INVALID, "retry.longest_ms: negative", 0}, 0},
		{{FIRST(factor, -1)}, {TD_E_INVALID, "retry.factor: -1", 0}, 0},
		{{FIRST(factor, NAN)}, {TD_E_INVALID, "retry.factor: ", 0}, 0},
		{{FIRST(factor, 1e7)}, {TD_E_INVALID, "retry.factor: 1e+07", 0}, 0},
		{{FIRST(jitter, 1.5)}, {TD_E_INVALID, "retry.jitter: 1.5", 0}, 0},
		{{FIRST(jitter, NAN)}, {TD_E_INVALID, "retry.jitter: ", 0}, 0},
		{{FIRST(exhausted, TD_RETRY)}, {TD_E_INVALID, "retry.exhausted", 0}, 0},
		{{FIRST(exhausted, (enum td_class)9)}, {TD_E_INVALID, "retry.exhausted", 0}, 0},
		{{FIRST(exhausted, (enum td_class)-1)}, {TD_E_INVALID, "retry.exhausted", 0}, 0},

		{{.name = ""}, {TD_E_INVALID, "name: empty", 0}, 0},
		{{.name = "a\nb"}, {TD_E_INVALID, "name: subject: a control", 0}, 0},
		{{.name = "\xff"}, {TD_E_INVALID, "name: subject: not UTF-8", 0}, 0},
		{{.name = x256}, {TD_E_INVALID, "name: longer than 256", AT(256)}, 0},
		{{.name = "listener"}, {TD_E_EXISTS, "named listener", 0}, 0},
	};
	/* clang-format on */
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct interest_row *row = &rows[i];
		const struct td_interest *interest = &row->interest;
		struct td_subscription *s = NULL;
		struct td_error err = TD_ERROR_INIT;
		int code = td_subscribe(scene.td, interest, scene_hear, &scene.heard, &s, &err);

		assert_refused(row->refusal.names, &row->refusal, code, &err);
		err = (struct td_error)TD_ERROR_INIT;
		if (row->where != NOT_OF_HANDLERS) {
			code = td_handle(scene.td, TD_COMMAND, "New", scene_hear, &scene.asked,
				interest, &s, &err);
			assert_refused(row->refusal.names, &row->refusal, code, &err);
			assert_int_equal(
				td_command(scene.td, EVENT("New", "x"), &scene.receipt, NULL),
				TD_E_NO_HANDLER);
		}
		assert_null(s);
		assert_int_equal(td_subscribe(scene.td, interest, scene_hear, NULL, NULL, NULL),
			row->refusal.code);
		scene_unchanged(&scene, row->refusal.names);
	}
	scene_fini(&scene);
}

static int on_paid(const struct paid *paid, struct td_context *context, void *arg)
{
	(void)paid;
	(void)context;
	++*(int *)arg;
	return 0;
}

static void arguments_of_typed_subscriptions_are_checked_too(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scene;
	int calls = 0;

	(void)state;
	scene_init(&scene);
	assert_refused("pattern", &(struct refusal){TD_E_SUBJECT, "subject: an empty", AT(2)},
		paid_subscribe(scene.td, "a..b", on_paid, &calls, NULL, NULL, &err), &err);
	assert_refused("name", &(struct refusal){TD_E_EXISTS, "named listener", 0},
		paid_subscribe(
			scene.td, NULL, on_paid, &calls, INTEREST(.name = "listener"), NULL, &err),
		&err);
	assert_refused("object", &(struct refusal){TD_E_INVALID, "object", 0},
		paid_publish(scene.td, "order.42", NULL, &scene.receipt, &err), &err);
	assert_int_equal(calls, 0);
	scene_unchanged(&scene, "typed");
	scene_fini(&scene);
}

static void arguments_that_are_long_or_odd_but_right_are_taken(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_subscription *s[8];
	struct scene scene;

	(void)state;
	scene_init(&scene);
	x256[256] = '\0';
	x1024[900] = '\0';
	/* clang-format off */
	const struct td_interest interests[] = {
		{.name = x256, .type = "None"}, {.name = "50 % of > all.*", .type = "None"},
		{.queue_max = SIZE_MAX, .async = true, .type = "None"},
		{.parked_max = SIZE_MAX, .type = "None"},
		{.retry = {.attempts_max = UINT32_MAX, .first_ms = INT64_MAX, .longest_ms = INT64_MAX, .factor = 1e6, .jitter = -INFINITY}, .type = "None"},
		{TYPES("None", "None", "None"), .type = "None"},
		{.subject = x1024}, {.subject = "*.>", .filters = "[]", .type = "None"},
	};
	/* clang-format on */
	for (size_t i = 0; i < 8; i++)
		if (td_subscribe(scene.td, &interests[i], scene_hear, NULL, &s[i], &err) != 0)
			fail_msg("%zu: %s", i, err.text);
	scene_unchanged(&scene, "odd");
	for (size_t i = 0; i < 8; i++)
		td_unsubscribe(s[i]);
	make_long_texts(state);
	scene_fini(&scene);
}

/* A made-up name is free whatever others called themselves, and two long types share none. */
static void arguments_left_out_never_collide_with_those_given(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scene;
	char name[40];

	(void)state;
	scene_init(&scene);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "subscription-%d", i);
		if (td_subscribe(scene.td, INTEREST(.name = name, .type = "None"), scene_hear, NULL,
			    NULL, &err) != 0)
			fail_msg("%s", err.text);
	}
	if (td_subscribe(scene.td, INTEREST(.type = "None"), scene_hear, NULL, NULL, &err) != 0)
		fail_msg("%s", err.text);
	x1024[1000] = '\0';
	for (int i = 0; i < 10; i++) {
		x1024[999] = (char)('0' + i);
		if (td_handle(scene.td, TD_COMMAND, x1024, scene_hear, NULL, NULL, NULL, &err) != 0)
			fail_msg("%s", err.text);
	}
	make_long_texts(state);
	scene_fini(&scene);
}

/* --- places ------------------------------------------------------------------------------- */

static void arguments_of_opening_are_checked(void **state)
{
	/* clang-format off */
	const struct {
		const char *url;
		struct td_options options;
		struct refusal refusal;
	} rows[] = {
		{"", {0}, {TD_E_INVALID, "url", AT(0)}},
		{"mem", {0}, {TD_E_INVALID, "url mem", AT(0)}},
		{"mem:x", {0}, {TD_E_INVALID, "url mem:x", AT(0)}},
		{"MEM:", {0}, {TD_E_INVALID, "url MEM:", AT(0)}},
		{x1024, {0}, {TD_E_INVALID, "not that of a place", AT(0)}},
		{"ftp://host", {0}, {TD_E_INVALID, "url ftp://host", AT(0)}},
		{"mem:", {.workers = 257}, {TD_E_INVALID, "workers: 257, at most 256", 0}},
		{"mem:", {.workers = UINT32_MAX}, {TD_E_INVALID, "workers", 0}},
		{"mem:", {.data_bytes_max = TD_DATA_BYTES_MAX + 1}, {TD_E_INVALID, "data_bytes_max", 0}},
		{"mem:", {.source = ""}, {TD_E_INVALID, "source: empty", 0}},
		{"mem:", {.source = "a shop"}, {TD_E_ATTRIBUTE, "source: a character", 0}},
		{"mem:", {.source = x8192}, {TD_E_TOO_LARGE, "source: 8193", 0}},
	};
	/* clang-format on */
	struct td *td = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		int code = td_open(&td, rows[i].url, &rows[i].options, &err);

		assert_refused(rows[i].url, &rows[i].refusal, code, &err);
		assert_non_null(strstr(err.text, "open: "));
		assert_null(td);
		assert_int_equal(
			td_open(&td, rows[i].url, &rows[i].options, NULL), rows[i].refusal.code);
	}
}

/* --- the rest ----------------------------------------------------------------------------- */

static void arguments_that_are_no_flags_kinds_or_topics_are_named(void **state)
{
	struct td_topic *topic = NULL;
	struct td_subscription *s = NULL;
	struct td_event *other, *reply = NULL, *got = NULL;
	struct scene scene;

	(void)state;
	scene_init(&scene);
	td_event_new(&other, EVENT("OrderPaid", "order.42"), NULL);
	assert_int_equal(td_request(scene.td, TD_QUERY, EVENT("Ask", NULL), -1, &reply, NULL), 0);
	scene.asked = 0;
	const struct td_draft *good = EVENT("Do", "order.42");
	struct td_error err = TD_ERROR_INIT;
	/* clang-format off */
#define TRY(code, names, offset, call) \
	do { \
		err = (struct td_error)TD_ERROR_INIT; \
		int got_code = (call); \
		assert_refused(#call, &(struct refusal){code, names, offset}, got_code, &err); \
		scene_unchanged(&scene, #call); \
	} while (0)

	TRY(TD_E_INVALID, "flags: 0x4", 0, td_publish_with(scene.td, good, 4, &scene.receipt, &err));
	TRY(TD_E_INVALID, "flags: 0xffffffff", 0, td_publish_with(scene.td, good, UINT32_MAX, &scene.receipt, &err));
	TRY(TD_E_INVALID, "flags: 0x9", 0, td_publish_event(scene.td, scene.event, 8 | TD_ASYNC, &scene.receipt, &err));
	TRY(TD_E_INVALID, "event: only events", 0, td_publish_event(scene.td, reply, 0, &scene.receipt, &err));
	TRY(TD_E_INVALID, "event: only events", 0, td_topic_publish(scene.topic, reply, &scene.receipt, &err));
	TRY(TD_E_INVALID, "OrderPaid", 0, td_topic_publish(scene.topic, other, &scene.receipt, &err));
	TRY(TD_E_INVALID, "OrderPaid", 0, td_topic_publish(scene.topic, other, NULL, &err));
	TRY(TD_E_ATTRIBUTE, "topic: subject: empty", 0, td_topic_open(&topic, scene.td, "", "T", &err));
	TRY(TD_E_SUBJECT, "topic: subject: longer", 0, td_topic_open(&topic, scene.td, x1024, "T", &err));
	TRY(TD_E_ATTRIBUTE, "topic: type: missing", 0, td_topic_open(&topic, scene.td, "x", NULL, &err));
	TRY(TD_E_ATTRIBUTE, "topic: type: empty", 0, td_topic_open(&topic, scene.td, "x", "", &err));
	TRY(TD_E_ATTRIBUTE, "topic: type: a control", 0, td_topic_open(&topic, scene.td, "x", "\r", &err));

	TRY(TD_E_INVALID, "kind", 0, td_request(scene.td, TD_EVENT_KIND, good, -1, &got, &err));
	TRY(TD_E_INVALID, "kind", 0, td_request(scene.td, TD_REPLY, good, -1, &got, &err));
	TRY(TD_E_INVALID, "kind", 0, td_request(scene.td, (enum td_kind)9, good, -1, &got, &err));
	TRY(TD_E_NO_HANDLER, "nobody handles Do", 0, td_request(scene.td, TD_QUERY, good, -1, &got, &err));
	TRY(TD_E_NO_HANDLER, "Nobody", 0, td_command(scene.td, EVENT("Nobody", NULL), &scene.receipt, &err));
	TRY(TD_E_INVALID, "kind", 0, td_handle(scene.td, TD_EVENT_KIND, "X", scene_hear, NULL, NULL, &s, &err));
	TRY(TD_E_INVALID, "kind", 0, td_handle(scene.td, (enum td_kind)-1, "X", scene_hear, NULL, NULL, &s, &err));
	TRY(TD_E_ATTRIBUTE, "type: missing", 0, td_handle(scene.td, TD_QUERY, NULL, scene_hear, NULL, NULL, &s, &err));
	TRY(TD_E_ATTRIBUTE, "type: empty", 0, td_handle(scene.td, TD_QUERY, "", scene_hear, NULL, NULL, &s, &err));
	TRY(TD_E_HANDLED, "Do has a handler", 0, td_handle(scene.td, TD_COMMAND, "Do", scene_hear, NULL, NULL, &s, &err));

	TRY(TD_E_NOT_FOUND, "subject x is not parked", 0, td_redrive(scene.subscription, "x", &err));
	TRY(TD_E_NOT_FOUND, "subject x is not parked", 0, td_dismiss(scene.subscription, "x", &err));
	TRY(TD_E_INVALID, "listener is not stopped", 0, td_resume(scene.subscription, &err));
	assert_null(topic);
	assert_null(s);
	assert_null(got);
	td_event_unref(other);
	td_event_unref(reply);
	scene_fini(&scene);
}

static void arguments_of_releasing_name_the_subject(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scene;
	struct td_subscription *lane, *no_order;

	(void)state;
	scene_init(&scene);
	lane = subscribe(scene.td, INTEREST(.async = true, .type = "None"), NULL);
	no_order = subscribe(scene.td, INTEREST(.async = true, .order = TD_ORDER_NONE, .type = "None"), NULL);
	TRY(TD_E_SUBJECT, "subject: empty", 0, td_redrive(lane, "", &err));
	TRY(TD_E_SUBJECT, "subject: longer", 0, td_dismiss(lane, x1024, &err));
	TRY(TD_E_NOT_FOUND, "subject x is not parked", 0, td_redrive(lane, "x", &err));
	TRY(TD_E_INVALID, "has no keys", 0, td_redrive(no_order, "x", &err));
	/* clang-format on */
	assert_int_equal(td_redrive(lane, NULL, &err), 0); /* all of nothing */
	assert_int_equal(td_dismiss(no_order, NULL, &err), 0);
	scene_fini(&scene);
}

static void arguments_from_another_handle_are_refused(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scene;
	struct td *other = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;

	(void)state;
	scene_init(&scene);
	subscribe(other, INTEREST(.async = true), &(struct actor){.name = "other"});
	assert_int_equal(td_publish(other, EVENT("E", "x"), &receipt, NULL), 0);
	TRY(TD_E_INVALID, "receipt: of a publish on another handle", TD_NO_OFFSET,
		td_await(scene.td, &receipt, 0, &err));
	assert_int_equal(td_await(other, &receipt, 1000, &err), 0);
	td_receipt_fini(&receipt);
	assert_int_equal(td_await(scene.td, &receipt, 0, &err), 0); /* of no publish at all */
	assert_int_equal(td_close(other), 0);
	scene_fini(&scene);
}

/* An event remembers the topic it was found to fit; topics of other handles are others. */
static void arguments_that_fit_a_topic_fit_no_other_for_that(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scenes[2];
	struct td_topic *topics[2][3];
	int wrong = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *subjects[] = {"a", "b", "c"};

		scene_init(&scenes[i]);
		for (int j = 0; j < 3; j++)
			assert_int_equal(td_topic_open(&topics[i][j], scenes[i].td,
						 subjects[(j + i) % 3], "T", &err),
				0);
	}
	for (int i = 0; i < 2; i++) {
		struct td_event *event;

		td_event_new(&event, EVENT("T", "a"), NULL);
		for (int round = 0; round < 4; round++)
			for (int j = 0; j < 6; j++) {
				bool fits = j / 3 == 0 ? j % 3 == 0 : j % 3 == 2;
				int code =
					td_topic_publish(topics[j / 3][j % 3], event, NULL, &err);
				wrong += code != (fits ? 0 : TD_E_INVALID);
			}
		td_event_unref(event);
	}
	assert_int_equal(wrong, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(scenes[i].heard, 8);
		for (int j = 0; j < 3; j++)
			td_topic_close(topics[i][j]);
		scene_fini(&scenes[i]);
	}
}

/* --- events and structs as JSON ----------------------------------------------------------- */

#define HEAD "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"T\""

static void arguments_that_are_no_events_name_the_member_and_the_place(void **state)
{
	/* clang-format off */
	static const struct {
		const char *json;
		struct refusal refusal;
	} rows[] = {
		{"", {TD_E_JSON, "value was expected", AT(0)}},
		{HEAD ",}", {TD_E_JSON, "line 1", 0}},
		{"7", {TD_E_FORMAT, "JSON object", AT(0)}},
		{HEAD, {TD_E_JSON, "end of text", AT(sizeof(HEAD) - 1)}},
		{"{\"id\":\"1\",\"source\":\"s\",\"type\":\"T\"}", {TD_E_ATTRIBUTE, "specversion: missing", 0}},
		{"{\"specversion\":\"0.3\"}", {TD_E_ATTRIBUTE, "specversion: only", AT(15)}},
		{"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}", {TD_E_ATTRIBUTE, "type: missing", 0}},
		{HEAD ",\"Region\":\"eu\"}", {TD_E_ATTRIBUTE, "\"Region\"", 0}},
		{HEAD ",\"n\":1.5}", {TD_E_ATTRIBUTE, "n: not an integer", AT(sizeof(HEAD) + 4)}},
		{HEAD ",\"n\":[]}", {TD_E_ATTRIBUTE, "n: an attribute is", 0}},
		{HEAD ",\"id\":\"2\"}", {TD_E_ATTRIBUTE, "id: given twice", 0}},
		{HEAD ",\"subject\":\"\"}", {TD_E_ATTRIBUTE, "subject: empty", 0}},
		{HEAD ",\"time\":\"now\"}", {TD_E_ATTRIBUTE, "time: not a time", 0}},
		{HEAD ",\"data\":1,\"data_base64\":\"\"}", {TD_E_ATTRIBUTE, "data_base64", 0}},
		{HEAD ",\"data_base64\":\"?\"}", {TD_E_ATTRIBUTE, "data_base64", 0}},
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_event *event = NULL, **events = NULL;
		struct td_text json = td_text(rows[i].json);
		char batch[256];
		size_t count = 77;

		assert_refused(rows[i].json, &rows[i].refusal,
			td_event_from_json(&event, json, &err), &err);
		assert_null(event);
		assert_int_equal(td_event_from_json(&event, json, NULL), rows[i].refusal.code);
		if (rows[i].refusal.code == TD_E_JSON)
			continue;
		snprintf(batch, sizeof(batch), "[" HEAD "},%s]", rows[i].json);
		assert_int_equal(td_events_from_json(&events, &count, td_text(batch), &err),
			rows[i].refusal.code);
		assert_non_null(strstr(err.text, "[1]: "));
		assert_non_null(strstr(err.text, rows[i].refusal.names));
		assert_null(events);
		assert_int_equal(count, 77);
	}
}

static void arguments_that_do_not_fit_a_declaration_name_the_field(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct paid *decoded = NULL;
	const struct paid *seen = NULL;
	struct paid nobody = {.total = 1};
	struct td_bytes json = TD_BYTES_INIT;
	struct td_event *event;
	void *block = NULL;

	(void)state;
	assert_refused("decode", &(struct refusal){TD_E_DATA, "/total", AT(24)},
		paid_decode(td_text("{\"customer\":\"a\",\"total\":\"7\"}"), &decoded, &err), &err);
	assert_refused("decode", &(struct refusal){TD_E_DATA, "/customer: missing", 0},
		paid_decode(td_text("{\"total\":7}"), &decoded, &err), &err);
	assert_refused("decode", &(struct refusal){TD_E_JSON, "line 1", AT(0)},
		paid_decode(td_text(""), &decoded, &err), &err);
	assert_null(decoded);
	assert_refused("encode", &(struct refusal){TD_E_DATA, "/customer", 0},
		paid_encode(&nobody, &json, &err), &err);
	assert_null(json.at);
	td_event_new(&event, &(struct td_draft){.type = "Paid", .json = "{}"}, NULL);
	assert_refused("view",
		&(struct refusal){TD_E_DATA, "type Paid: data: /customer: missing", 0},
		paid_view(event, &seen, &block, &err), &err);
	assert_null(seen);
	assert_null(block);
	td_event_unref(event);
}

/* --- nothing where something must be ------------------------------------------------------ */

static void arguments_that_are_null_are_named(void **state)
{
	struct td_error err;
	struct td_text text = TD_TEXT_INIT("{}");
	struct td_bytes bytes = TD_BYTES_INIT;
	const struct td_event *none[] = {NULL};
	const struct td_draft *good = EVENT("Do", "x");
	struct td_event *event = NULL, **events = NULL;
	struct td_topic *topic = NULL;
	void (*handler)(void) = (void (*)(void))on_paid;
	const void *view = NULL;
	void *block = NULL;
	struct scene scene;
	struct td *td;
	size_t count = 0;

	(void)state;
	scene_init(&scene);
	td = scene.td;
	/* clang-format off */
	/* The name is how the argument is called in the header. */
#define NULL_IS_NAMED(name, call) TRY(TD_E_INVALID, name ": NULL", TD_NO_OFFSET, call)

	NULL_IS_NAMED("td", td_open(NULL, "mem:", NULL, &err));
	NULL_IS_NAMED("url", td_open(&td, NULL, NULL, &err));
	NULL_IS_NAMED("td", td_publish(NULL, good, NULL, &err));
	NULL_IS_NAMED("draft", td_publish(td, NULL, NULL, &err));
	NULL_IS_NAMED("td", td_publish_with(NULL, good, 0, NULL, &err));
	NULL_IS_NAMED("draft", td_publish_with(td, NULL, 0, NULL, &err));
	NULL_IS_NAMED("td", td_publish_event(NULL, scene.event, 0, NULL, &err));
	NULL_IS_NAMED("event", td_publish_event(td, NULL, 0, NULL, &err));
	NULL_IS_NAMED("topic", td_topic_open(NULL, td, "x", "T", &err));
	NULL_IS_NAMED("td", td_topic_open(&topic, NULL, "x", "T", &err));
	NULL_IS_NAMED("topic", td_topic_publish(NULL, scene.event, NULL, &err));
	NULL_IS_NAMED("event", td_topic_publish(scene.topic, NULL, NULL, &err));
	NULL_IS_NAMED("td", td_await(NULL, &scene.receipt, 0, &err));
	NULL_IS_NAMED("receipt", td_await(td, NULL, 0, &err));
	NULL_IS_NAMED("td", td_drain(NULL, 0, &err));
	NULL_IS_NAMED("td", td_subscribe(NULL, NULL, scene_hear, NULL, NULL, &err));
	NULL_IS_NAMED("handler", td_subscribe(td, NULL, NULL, NULL, NULL, &err));
	NULL_IS_NAMED("subscription", td_redrive(NULL, "x", &err));
	NULL_IS_NAMED("subscription", td_dismiss(NULL, "x", &err));
	NULL_IS_NAMED("subscription", td_resume(NULL, &err));
	NULL_IS_NAMED("td", td_handle(NULL, TD_QUERY, "Q", scene_hear, NULL, NULL, NULL, &err));
	NULL_IS_NAMED("handler", td_handle(td, TD_QUERY, "Q", NULL, NULL, NULL, NULL, &err));
	NULL_IS_NAMED("context", td_reply(NULL, good, &err));
	NULL_IS_NAMED("td", td_request(NULL, TD_QUERY, good, -1, NULL, &err));
	NULL_IS_NAMED("draft", td_request(td, TD_QUERY, NULL, -1, NULL, &err));
	NULL_IS_NAMED("td", td_command(NULL, good, NULL, &err));
	NULL_IS_NAMED("draft", td_command(td, NULL, NULL, &err));

	NULL_IS_NAMED("event", td_event_new(NULL, good, &err));
	NULL_IS_NAMED("draft", td_event_new(&event, NULL, &err));
	NULL_IS_NAMED("event", td_event_to_json(NULL, &bytes, &err));
	NULL_IS_NAMED("json", td_event_to_json(scene.event, NULL, &err));
	NULL_IS_NAMED("event", td_event_from_json(NULL, text, &err));
	NULL_IS_NAMED("events", td_events_to_json(NULL, 1, &bytes, &err));
	NULL_IS_NAMED("[0]: event", td_events_to_json(none, 1, &bytes, &err));
	NULL_IS_NAMED("json", td_events_to_json(none, 0, NULL, &err));
	NULL_IS_NAMED("events", td_events_from_json(NULL, &count, text, &err));
	NULL_IS_NAMED("count", td_events_from_json(&events, NULL, text, &err));

	NULL_IS_NAMED("type", td_object_encode(NULL, &view, &bytes, &err));
	NULL_IS_NAMED("object", td_object_encode(&paid_type, NULL, &bytes, &err));
	NULL_IS_NAMED("json", td_object_encode(&paid_type, &paid_zero, NULL, &err));
	NULL_IS_NAMED("type", td_object_decode(NULL, text, &block, &err));
	NULL_IS_NAMED("object", td_object_decode(&paid_type, text, NULL, &err));
	NULL_IS_NAMED("event", td_object_view(NULL, &paid_type, &view, &block, &err));
	NULL_IS_NAMED("type", td_object_view(scene.event, NULL, &view, &block, &err));
	NULL_IS_NAMED("object", td_object_view(scene.event, &paid_type, NULL, &block, &err));
	NULL_IS_NAMED("block", td_object_view(scene.event, &paid_type, &view, NULL, &err));
	NULL_IS_NAMED("type", td_object_schema(NULL, &bytes, &err));
	NULL_IS_NAMED("json", td_object_schema(&paid_type, NULL, &err));
	NULL_IS_NAMED("td", td_subscribe_object(NULL, NULL, &paid_type, handler, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("type", td_subscribe_object(td, NULL, NULL, handler, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("handler", td_subscribe_object(td, NULL, &paid_type, NULL, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("call", td_subscribe_object(td, NULL, &paid_type, handler, NULL, NULL, NULL, &err));
	NULL_IS_NAMED("td", td_handle_object(NULL, TD_QUERY, NULL, &paid_type, handler, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("type", td_handle_object(td, TD_QUERY, NULL, NULL, handler, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("handler", td_handle_object(td, TD_QUERY, NULL, &paid_type, NULL, paid_call, NULL, NULL, &err));
	NULL_IS_NAMED("call", td_handle_object(td, TD_QUERY, NULL, &paid_type, handler, NULL, NULL, NULL, &err));
	/* clang-format on */
	assert_ptr_equal(td, scene.td);
	assert_null(event);
	assert_null(topic);
	assert_null(bytes.at);
	scene_fini(&scene);
}

/* What has no code to answer with does without. */
static void arguments_that_are_null_are_absent_where_nothing_can_be_said(void **state)
{
	const struct td_outcome *outcomes = (const struct td_outcome *)&outcomes;
	struct td_subscription_status status;

	(void)state;
	assert_null(td_event_id(NULL).at);
	assert_null(td_event_source(NULL).at);
	assert_null(td_event_type(NULL).at);
	assert_null(td_event_subject(NULL).at);
	assert_null(td_event_time(NULL).at);
	assert_null(td_event_correlation(NULL).at);
	assert_null(td_event_causation(NULL).at);
	assert_null(td_event_address(NULL).at);
	assert_null(td_event_data(NULL).at);
	assert_null(td_event_get(NULL, "id").at);
	assert_int_equal(td_event_kind(NULL), TD_EVENT_KIND);
	assert_int_equal(td_event_attributes_count(NULL), 0);
	assert_null(td_event_attribute(NULL, 0).name.at);
	assert_null(td_event_ref(NULL));
	td_event_unref(NULL);
	td_events_free(NULL, 3);
	td_bytes_fini(NULL);
	td_object_free(NULL);

	assert_null(td_context_place(NULL));
	assert_null(td_context_event(NULL));
	assert_null(td_context_subscription(NULL));
	assert_int_equal(td_context_attempt(NULL), 0);
	assert_int_equal(td_fail(NULL, TD_RETRY, "no"), TD_E_INVALID);
	assert_int_equal(td_fail_after(NULL, 1, "no"), TD_E_INVALID);
	assert_int_equal(td_refuse(NULL, "no"), TD_E_INVALID);

	assert_int_equal(td_receipt_outcomes(NULL, &outcomes), 0);
	assert_null(outcomes);
	assert_null(td_receipt_event(NULL));
	td_receipt_fini(NULL);
	assert_null(td_subscription_name(NULL).at);
	memset(&status, 0xff, sizeof(status));
	td_subscription_status(NULL, &status);
	assert_int_equal(status.waiting + status.completed + status.failed, 0);
	td_unsubscribe(NULL);
	td_topic_close(NULL);
	assert_int_equal(td_loop_fd(NULL), -1);
	assert_int_equal(td_loop_turn(NULL, 0), -TD_E_INVALID);
	td_trace_set(NULL, NULL, NULL);
	assert_int_equal(td_close(NULL), 0);
}

static void arguments_out_of_range_find_nothing(void **state)
{
	struct td_event *event;

	(void)state;
	td_event_new(&event, EVENT("T", "x"), NULL);
	assert_null(td_event_attribute(event, td_event_attributes_count(event)).name.at);
	assert_null(td_event_attribute(event, SIZE_MAX).name.at);
	assert_null(td_event_get(event, NULL).at);
	assert_null(td_event_get(event, "").at);
	assert_null(td_event_get(event, x8192).at);
	td_event_unref(event);
	assert_string_equal(td_error_name(-1), "unknown");
	assert_string_equal(td_error_name(INT32_MAX), "unknown");
	assert_non_null(td_error_meaning(9999));
	assert_int_equal(td_error_http(9999), 500);
	assert_int_equal(td_error_exit(-7), 1);
	assert_false(td_error_retriable(-7));
}

/* --- inside a handler --------------------------------------------------------------------- */

static int misuse(const struct td_event *event, struct td_context *context, void *arg)
{
	struct scene *scene = arg;
	struct td_error err = TD_ERROR_INIT;

	(void)event;
	assert_refused("reply", &(struct refusal){TD_E_INVALID, "reply: only commands", 0},
		td_reply(context, &(struct td_draft){.json = "1"}, &err), &err);
	assert_refused("draft", &(struct refusal){TD_E_INVALID, "draft: NULL", 0},
		td_reply(context, NULL, &err), &err);
	assert_refused("await", &(struct refusal){TD_E_DEADLOCK, "await", 0},
		td_await(scene->td, &scene->receipt, 0, &err), &err);
	assert_refused("drain", &(struct refusal){TD_E_DEADLOCK, "drain", 0},
		td_drain(scene->td, 0, &err), &err);
	assert_int_equal(td_close(scene->td), TD_E_DEADLOCK);
	assert_int_equal(td_loop_turn(scene->td, 0), -TD_E_DEADLOCK);
	td_fail(context, (enum td_class)9, "%s", x1024); /* no such class: as TD_RETRY */
	return td_fail_after(context, -5, "%s", "really");
}

static void arguments_that_make_no_sense_inside_a_handler_are_refused(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	struct scene scene;
	struct td_subscription *s;

	(void)state;
	scene_init(&scene);
	td_subscribe(
		scene.td, INTEREST(.name = "misuser", .type = "Misuse"), misuse, &scene, &s, NULL);
	assert_int_equal(td_publish(scene.td, EVENT("Misuse", "x"), NULL, &err), TD_E_HANDLER);
	assert_string_equal(err.text, "handler misuser: really");
	td_unsubscribe(s);
	scene.heard = 0;
	scene_unchanged(&scene, "misuse");
	scene_fini(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_of_drafts_are_checked_wherever_a_draft_is_given),
		cmocka_unit_test(arguments_of_interests_are_checked_wherever_one_is_given),
		cmocka_unit_test(arguments_of_typed_subscriptions_are_checked_too),
		cmocka_unit_test(arguments_that_are_long_or_odd_but_right_are_taken),
		cmocka_unit_test(arguments_left_out_never_collide_with_those_given),
		cmocka_unit_test(arguments_of_opening_are_checked),
		cmocka_unit_test(arguments_that_are_no_flags_kinds_or_topics_are_named),
		cmocka_unit_test(arguments_of_releasing_name_the_subject),
		cmocka_unit_test(arguments_from_another_handle_are_refused),
		cmocka_unit_test(arguments_that_fit_a_topic_fit_no_other_for_that),
		cmocka_unit_test(arguments_that_are_no_events_name_the_member_and_the_place),
		cmocka_unit_test(arguments_that_do_not_fit_a_declaration_name_the_field),
		cmocka_unit_test(arguments_that_are_null_are_named),
		cmocka_unit_test(arguments_that_are_null_are_absent_where_nothing_can_be_said),
		cmocka_unit_test(arguments_out_of_range_find_nothing),
		cmocka_unit_test(arguments_that_make_no_sense_inside_a_handler_are_refused),
	};

	return cmocka_run_group_tests(tests, make_long_texts, NULL);
}
