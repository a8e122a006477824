/*
 * A target: the path up to the first LF, the query behind it.
 *	- segments and parameters are those of a naive twin, that splits copies and decodes each;
 *	- encoded again and read again they are the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "wire/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct twin {
	struct td_text parts[300]; /* segments, then names and values in turn; on the heap */
	size_t segments, count;
	bool wrong;
};

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found != NULL ? (int)((found - digits) % 16) : -1;
}

static void twin_part(struct twin *twin, struct td_text raw, bool plus)
{
	char *out = malloc(raw.len + 1);
	size_t len = 0;

	TD_ASSERT(out != NULL && twin->count < 300);
	for (size_t i = 0; i < raw.len; i++) {
		char c = plus && raw.at[i] == '+' ? ' ' : raw.at[i];

		if (c == '%') {
			if (raw.len - i < 3 || digit(raw.at[i + 1]) < 0 ||
				digit(raw.at[i + 2]) < 0) {
				twin->wrong = true;
				break;
			}
			c = (char)(digit(raw.at[i + 1]) * 16 + digit(raw.at[i + 2]));
			i += 2;
		}
		twin->wrong = twin->wrong || c == '\0';
		out[len++] = c;
	}
	twin->wrong = twin->wrong || td_utf8_valid(out, len) != len;
	twin->parts[twin->count++] = td_text_of(out, len);
}

static void twin_path(struct twin *twin, struct td_text path)
{
	if (path.len == 0 || path.at[0] != '/') {
		twin->wrong = true;
		return;
	}
	for (size_t start = 1, at = 1; path.len > 1 && at <= path.len && !twin->wrong; at++) {
		struct td_text part;

		if (at < path.len && path.at[at] != '/')
			continue;
		if (twin->count == TD_HTTP_SEGMENTS_MAX) {
			twin->wrong = true;
			break;
		}
		twin_part(twin, td_text_of(path.at + start, at - start), false);
		part = twin->parts[twin->count - 1];
		if (td_text_is(part, ".") || td_text_is(part, ".."))
			twin->wrong = true;
		start = at + 1;
	}
	twin->segments = twin->count;
}

static void twin_query(struct twin *twin, struct td_text query)
{
	for (size_t start = 0, at = 0; at <= query.len && !twin->wrong; at++) {
		size_t equals = start;

		if (at < query.len && query.at[at] != '&')
			continue;
		while (equals < at && query.at[equals] != '=')
			equals++;
		if (at > start) {
			if (twin->count - twin->segments == 2 * TD_HTTP_PARAMETERS_MAX) {
				twin->wrong = true;
				break;
			}
			twin_part(twin, td_text_of(query.at + start, equals - start), true);
			if (equals < at)
				equals++;
			twin_part(twin, td_text_of(query.at + equals, at - equals), true);
		}
		start = at + 1;
	}
}

static void assert_same(const struct twin *twin, const struct td_http_target *target)
{
	TD_ASSERT(target->segment_count == twin->segments);
	TD_ASSERT(twin->count - twin->segments == 2 * (size_t)target->parameter_count);
	for (size_t i = 0; i < twin->segments; i++) {
		const struct td_http_segment *segment = &target->segments[i];

		TD_ASSERT(td_text_equal(segment->text, twin->parts[i]));
		TD_ASSERT(
			segment->mark == TD_HTTP_NO_MARK || segment->text.at[segment->mark] == '@');
	}
	for (size_t i = 0; i < target->parameter_count; i++) {
		TD_ASSERT(td_text_equal(
			target->parameters[i].name, twin->parts[twin->segments + 2 * i]));
		TD_ASSERT(td_text_equal(
			target->parameters[i].value, twin->parts[twin->segments + 2 * i + 1]));
	}
}

static void check_again(const struct twin *twin, const struct td_http_target *target)
{
	struct td_buf path = TD_BUF_INIT(SIZE_MAX / 2), query = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_buf decoded = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_http_target again;

	td_buf_add_string(&path, target->segment_count == 0 ? "/" : "");
	for (size_t i = 0; i < target->segment_count; i++) {
		td_buf_add_char(&path, '/');
		td_http_add_encoded(&path, target->segments[i].text);
	}
	for (size_t i = 0; i < target->parameter_count; i++) {
		td_buf_add_char(&query, '&');
		td_http_add_encoded(&query, target->parameters[i].name);
		td_buf_add_char(&query, '=');
		td_http_add_encoded(&query, target->parameters[i].value);
	}
	TD_ASSERT(td_http_read_target(&again, td_buf_view(&path), td_buf_view(&query), &decoded) ==
		  TD_HTTP_FINE);
	assert_same(twin, &again);
	for (size_t i = 0; i < again.segment_count; i++)
		TD_ASSERT(again.segments[i].mark == TD_HTTP_NO_MARK);
	td_buf_fini(&path);
	td_buf_fini(&query);
	td_buf_fini(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data, *lf = size > 0 ? memchr(bytes, '\n', size) : NULL;
	struct td_text path = td_text_of(bytes, lf != NULL ? (size_t)(lf - bytes) : size);
	struct td_text query = td_text(NULL);
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_http_target target;
	struct twin twin = {0};
	bool takes;

	if (lf != NULL)
		query = td_text_of(lf + 1, size - path.len - 1);
	takes = td_http_read_target(&target, path, query, &buf) == TD_HTTP_FINE;
	twin_path(&twin, path);
	if (!twin.wrong && query.at != NULL)
		twin_query(&twin, query);
	TD_ASSERT(takes == !twin.wrong);
	if (takes) {
		assert_same(&twin, &target);
		check_again(&twin, &target);
	}
	for (size_t i = 0; i < twin.count; i++)
		free((void *)(uintptr_t)twin.parts[i].at);
	td_buf_fini(&buf);
	return 0;
}
