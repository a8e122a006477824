/*
 * Data that others wrote: the CloudEvents conformance files, and real events as payloads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/stat.h>

#include "event_test.h"

/* --- files -------------------------------------------------------------------------------- */

/* A whole file, to be freed; NULL, and said, where there is none. */
static char *file_at(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	char *bytes;

	if (file == NULL || fstat(fileno(file), &st) != 0) {
		print_message("# skipped: no %s\n", path);
		return NULL;
	}
	*len = (size_t)st.st_size;
	bytes = malloc(*len + 1);
	assert_int_equal(fread(bytes, 1, *len, file), *len);
	bytes[*len] = '\0';
	fclose(file);
	return bytes;
}

/* The same below TD_VECTORS. */
static char *file_of(const char *name, size_t *len)
{
	const char *vectors = getenv("TD_VECTORS");
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s", vectors != NULL ? vectors : "", name);
	return file_at(path, len);
}

static struct td_json parse(const char *bytes, size_t len)
{
	struct td_json json;
	struct td_error err = TD_ERROR_INIT;

	if (td_json_parse(td_text_of(bytes, len), 0, &json, &err) != 0)
		fail_msg("%s", err.text);
	return json;
}

static struct td_json member(struct td_json object, const char *name)
{
	return td_json_get(object, td_text(name));
}

/* The value of a string, to be freed. */
static char *string_of(struct td_json string)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_bytes bytes;

	td_json_unescape(string, &buf);
	td_buf_add(&buf, "", 0);
	td_buf_detach(&buf, &bytes);
	return bytes.at;
}

typedef void on_file(const char *name, struct td_text content);

/* Every file below a folder whose name ends so; returns how many. */
static size_t each_file(const char *folder, const char *end, on_file *use)
{
	const char *vectors = getenv("TD_VECTORS");
	char path[4096];
	DIR *dir;
	struct dirent *entry;
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/%s", vectors != NULL ? vectors : "", folder);
	dir = opendir(path);
	if (dir == NULL) {
		print_message("# skipped: no %s\n", path);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_type == DT_DIR) {
			count += each_file(path, end, use);
		} else if (len > strlen(end) &&
			   strcmp(entry->d_name + len - strlen(end), end) == 0) {
			char *bytes = file_of(path, &len);

			use(path, td_text_of(bytes, len));
			free(bytes);
			count++;
		}
	}
	closedir(dir);
	return count;
}

/* --- comparing ---------------------------------------------------------------------------- */

static bool same_value(struct td_json a, struct td_json b)
{
	char *text;
	bool same;

	if (a.kind != TD_JSON_STRING || b.kind != TD_JSON_STRING)
		return td_text_equal(a.text, b.text);
	text = string_of(b);
	same = td_json_string_is(a, td_text(text));
	free(text);
	return same;
}

/* All that the one says (null says nothing, but as data) the other says, and nothing else. */
static void assert_same_event(const char *name, struct td_json a, struct td_json b)
{
	struct td_json_iter iter = td_json_iterate(a);
	struct td_json key, value;
	size_t count = 0;

	while (td_json_next(&iter, &key, &value)) {
		if (value.kind == TD_JSON_NULL && !td_json_string_is(key, td_text("data")))
			continue;
		if (!same_value(value, td_json_get(b, td_json_inside(key))))
			fail_msg("%s: %.*s is %.*s", name, TD_TEXT_ARG(key.text),
				TD_TEXT_ARG(td_json_get(b, td_json_inside(key)).text));
		count++;
	}
	assert_int_equal(count, td_json_count(b));
}

/* An event that must be read comes back as it is: from JSON, and from the stored form. */
static void assert_event_survives(const char *name, struct td_json json)
{
	struct td_event *event = NULL, *stored;
	struct td_error err = TD_ERROR_INIT;
	char *once, *twice;

	if (td_event_read_json(&event, json, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	stored = stored_and_read(event);
	once = json_of(event);
	twice = json_of(stored);
	assert_same_event(name, json, parse(once, strlen(once)));
	assert_string_equal(once, twice);
	free(once);
	free(twice);
	td_event_unref(event);
	td_event_unref(stored);
}

static void assert_event_is_refused(const char *name, struct td_json json)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;
	int code = td_event_read_json(&event, json, &err);

	if (code == 0)
		fail_msg("%s is accepted", name);
	assert_int_not_equal(err.text[0], '\0');
}

/* --- the CloudEvents conformance files ---------------------------------------------------- */

typedef void on_test(const char *id, struct td_json test);

static void each_test(const char *file, size_t least, on_test *use)
{
	size_t len, count = 0;
	char *bytes = file_of(file, &len);
	struct td_json_iter iter;
	struct td_json name, test;

	if (bytes == NULL)
		return;
	iter = td_json_iterate(member(parse(bytes, len), "tests"));
	while (td_json_next(&iter, &name, &test)) {
		char *id = string_of(member(test, "id"));

		use(id, test);
		free(id);
		count++;
	}
	free(bytes);
	assert_true(count >= least);
}

static void use_valid_event(const char *id, struct td_json test)
{
	assert_event_survives(id, member(test, "event"));
}

static void use_invalid_event(const char *id, struct td_json test)
{
	assert_event_is_refused(id, member(test, "event"));
}

static void use_valid_batch(const char *id, struct td_json test)
{
	struct td_event **events = NULL;
	struct td_json_iter iter = td_json_iterate(member(test, "batch"));
	struct td_json name, event;
	struct td_error err = TD_ERROR_INIT;
	size_t count;

	if (td_events_from_json(&events, &count, member(test, "batch").text, &err) != 0)
		fail_msg("%s: %s", id, err.text);
	assert_int_equal(count, td_json_count(member(test, "batch")));
	while (td_json_next(&iter, &name, &event))
		assert_event_survives(id, event);
	td_events_free(events, count);
}

static void use_invalid_batch(const char *id, struct td_json test)
{
	struct td_event **events = NULL;
	size_t count;

	if (td_events_from_json(&events, &count, member(test, "batch").text, NULL) == 0)
		fail_msg("%s is accepted", id);
}

static void conformance_files_are_kept(void **state)
{
	(void)state;
	each_test("cloudevents/json-format/valid-events.json", 5, use_valid_event);
	each_test("cloudevents/json-format/invalid-events.json", 9, use_invalid_event);
	each_test("cloudevents/json-format/valid-batches.json", 2, use_valid_batch);
	each_test("cloudevents/json-format/invalid-batches.json", 2, use_invalid_batch);
}

static void use_sdk_file(const char *name, struct td_text content)
{
	struct td_json json = parse(content.at, content.len);

	if (strstr(name, "fail_") != NULL || strstr(name, "_invalid") != NULL ||
		strstr(name, "_upper_case") != NULL)
		assert_event_is_refused(name, json);
	else
		assert_event_survives(name, json);
}

static void use_whole_event(const char *name, struct td_text content)
{
	struct td_json json = parse(content.at, content.len);

	/* One has extensions in camel case, which the standard forbids. */
	if (member(json, "methodName").kind != TD_JSON_NONE)
		assert_event_is_refused(name, json);
	else
		assert_event_survives(name, json);
}

static void events_of_others_survive(void **state)
{
	size_t count;

	(void)state;
	count = each_file("cloudevents/sdk-json", ".json", use_sdk_file);
	count += each_file("cloudevents/spec-examples", ".json", use_whole_event);
	count += each_file("events-google/structured", ".json", use_whole_event);
	print_message("# %zu whole events\n", count);
}

/* --- HTTP --------------------------------------------------------------------------------- */

static void use_header_value(struct td_json test)
{
	char *kind = string_of(member(test, "kind")), *header = string_of(member(test, "header"));
	struct td_buf buf = TD_BUF_INIT(10000);
	int code = td_header_value_decode(&buf, td_text(header), NULL);

	if (strcmp(kind, "invalid") == 0) {
		if (code == 0)
			fail_msg("%s is accepted", header);
	} else {
		char *value = string_of(member(test, "value"));

		assert_int_equal(code, 0);
		assert_text(td_buf_view(&buf), value);
		td_buf_reset(&buf);
		td_header_value_encode(&buf, td_text(value));
		if (strcmp(kind, "decode") != 0)
			assert_text(td_buf_view(&buf), header);
		free(value);
	}
	td_buf_fini(&buf);
	free(kind);
	free(header);
}

static void header_values_of_others_are_understood(void **state)
{
	size_t len;
	char *bytes = file_of("cloudevents/http-header-values.json", &len);
	struct td_json_iter iter;
	struct td_json name, test;

	(void)state;
	if (bytes == NULL)
		return;
	iter = td_json_iterate(parse(bytes, len));
	while (td_json_next(&iter, &name, &test))
		use_header_value(test);
	free(bytes);
}

/* The headers written are those of the file, and reading those gives the event. */
static void use_pair(struct td_json pair)
{
	struct td_json headers = member(pair, "http_headers"), name, value;
	struct td_json_iter iter = td_json_iterate(headers);
	char *body = string_of(member(pair, "http_body"));
	struct http_message theirs = {.count = 0}, ours = {.count = 0};
	struct td_event *event = NULL, *read = NULL;
	char *a, *b;

	while (td_json_next(&iter, &name, &value))
		http_add(&theirs, td_json_inside(name), td_json_inside(value));
	assert_int_equal(td_event_read_json(&event, member(pair, "structured"), NULL), 0);
	td_event_write_http(event, http_add, &ours);
	assert_int_equal(ours.count, theirs.count);
	for (size_t i = 0; i < ours.count; i++) {
		value = td_json_get(headers, ours.headers[i].name);
		assert_true(td_json_string_is(value, ours.headers[i].value));
	}
	assert_text(td_event_data(event), body);
	assert_int_equal(
		td_event_read_http(&read, theirs.headers, theirs.count, td_text(body), NULL), 0);
	a = json_of(event);
	b = json_of(read);
	assert_string_equal(a, b);
	free(a);
	free(b);
	free(body);
	http_fini(&ours);
	http_fini(&theirs);
	td_event_unref(event);
	td_event_unref(read);
}

static void json_and_http_say_the_same(void **state)
{
	size_t len;
	char *bytes = file_of("cloudevents/json-http-pairs.json", &len);
	struct td_json_iter iter;
	struct td_json name, pair;

	(void)state;
	if (bytes == NULL)
		return;
	iter = td_json_iterate(parse(bytes, len));
	while (td_json_next(&iter, &name, &pair))
		use_pair(pair);
	free(bytes);
}

/* --- real events as payloads -------------------------------------------------------------- */

static struct td_event *by_http(const struct td_event *event)
{
	struct http_message message = {.count = 0};
	struct td_event *back = NULL;

	td_event_write_http(event, http_add, &message);
	assert_int_equal(td_event_read_http(
				 &back, message.headers, message.count, td_event_data(event), NULL),
		0);
	http_fini(&message);
	return back;
}

static struct td_event *by_json(const struct td_event *event)
{
	char *json = json_of(event);
	struct td_event *back = event_of(json);

	free(json);
	return back;
}

/* One payload through every codec, one behind the other, byte for byte. */
static void carry(struct td_text payload, const char *content_type)
{
	static const uint8_t uuid[16] = {1};
	const struct td_origin origin = {.source = TD_TEXT_INIT("/vectors"), .uuid = uuid};
	const struct td_draft draft = {.type = "com.github.event",
		.subject = "repository.42",
		.datacontenttype = content_type,
		.data = payload.at,
		.data_bytes = payload.len};
	struct td_event *(*const codecs[])(const struct td_event *) = {
		stored_and_read, by_http, by_json, stored_and_read, by_json, by_http};
	struct td_event *event = NULL;

	assert_int_equal(td_event_make(&event, &draft, &origin, NULL), 0);
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
		struct td_event *next = codecs[i](event);

		assert_true(td_text_equal(td_event_data(next), payload));
		assert_true(td_text_equal(
			td_event_get(next, "datacontenttype"), td_text(content_type)));
		assert_true(td_text_equal(td_event_id(next), td_event_id(event)));
		td_event_unref(event);
		event = next;
	}
	td_event_unref(event);
}

static size_t lines;

static void use_lines(const char *name, struct td_text content)
{
	const char *at = content.at, *end = content.at + content.len;

	(void)name;
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t len = feed != NULL ? (size_t)(feed - at) : (size_t)(end - at);

		if (len > 0) {
			carry(td_text_of(at, len), "application/json");
			carry(td_text_of(at, len), "text/plain");
			carry(td_text_of(at, len), "application/octet-stream");
			carry(td_text_of(at, len), NULL);
			lines++;
		}
		at += len + 1;
	}
}

static void use_payload(const char *name, struct td_text content)
{
	struct td_json json = parse(content.at, content.len);

	(void)name;
	carry(json.text, "application/json"); /* blanks around a JSON value are not part of it */
	carry(content, NULL);
}

static void real_payloads_go_through_every_codec(void **state)
{
	size_t files;

	(void)state;
	each_file("events-github-timeline", ".ndjson", use_lines);
	files = each_file("events-github-webhooks/examples", ".json", use_payload);
	files += each_file("events-google/examples", ".json", use_payload);
	files += each_file("events-cdevents/conformance", ".json", use_payload);
	print_message("# %zu lines and %zu files\n", lines, files);
	assert_true(lines == 0 || lines >= 400);
}

/* --- the examples of webhooks that GitHub sends ------------------------------------------- */

/* [{"name":, "examples": [payload ...]} ...] */
static size_t carry_examples(struct td_json hooks)
{
	struct td_json_iter each_hook = td_json_iterate(hooks);
	struct td_json hook, payload;
	size_t count = 0;

	while (td_json_next(&each_hook, NULL, &hook)) {
		struct td_json_iter each = td_json_iterate(member(hook, "examples"));

		while (td_json_next(&each, NULL, &payload)) {
			carry(payload.text, "application/json");
			carry(payload.text, "application/octet-stream");
			count++;
		}
	}
	return count;
}

static void octokit_examples_go_through_every_codec(void **state)
{
	const char *path = getenv("TD_OCTOKIT");
	size_t len, count;
	char *bytes = file_at(path != NULL ? path : "", &len);

	(void)state;
	if (bytes == NULL)
		return; /* tools/fetch-test-data brings them, where there is npm */
	count = carry_examples(parse(bytes, len));
	print_message("# %zu payloads\n", count);
	assert_true(count > 100);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conformance_files_are_kept),
		cmocka_unit_test(events_of_others_survive),
		cmocka_unit_test(header_values_of_others_are_understood),
		cmocka_unit_test(json_and_http_say_the_same),
		cmocka_unit_test(real_payloads_go_through_every_codec),
		cmocka_unit_test(octokit_examples_go_through_every_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
