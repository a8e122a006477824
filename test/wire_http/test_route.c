#include "http_test.h"

#include "wire/http/route.h"

enum { ROOT, PUBLISH, READ, FOLLOW, EVENT, STATE_AT, STATE, SUBJECT, APPEND, PUT_LOG, REMOVE_LOG };

static const struct td_http_route routes[] = {
	{TD_HTTP_GET, "/", ROOT},
	{TD_HTTP_POST, "/v1/events", PUBLISH},
	{TD_HTTP_GET, "/v1/events", READ},
	{TD_HTTP_GET, "/v1/events/follow", FOLLOW},
	{TD_HTTP_GET, "/v1/events/{id}", EVENT},
	{TD_HTTP_GET, "/v1/subjects/{subject}@{revision}", STATE_AT},
	{TD_HTTP_GET, "/v1/subjects/{subject}", STATE},
	{TD_HTTP_GET, "/v1/subjects/{subject}/events", SUBJECT},
	{TD_HTTP_POST, "/v1/subjects/{subject}/events", APPEND},
	{TD_HTTP_PUT, "/v1/logs/{log}", PUT_LOG},
	{TD_HTTP_DELETE, "/v1/logs/{log}", REMOVE_LOG},
};

static void show(struct td_buf *out, enum td_http_method method, const char *path)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_target target;
	struct td_http_match match;

	td_buf_reset(out);
	assert_int_equal(
		td_http_read_target(&target, td_text(path), td_text(NULL), &buf), TD_HTTP_FINE);
	switch (td_http_find_route(
		routes, COUNT_OF(routes), method, TD_HTTP_ORIGIN, &target, &match)) {
	case TD_HTTP_FOUND:
		td_buf_printf(out, "%u", match.route->id);
		for (uint32_t i = 0; i < match.captured_count; i++)
			td_buf_printf(out, " %.*s", TD_TEXT_ARG(match.captured[i]));
		break;
	case TD_HTTP_NOT_FOUND:
		td_buf_add_string(out, "404");
		break;
	case TD_HTTP_NOT_ALLOWED:
		td_buf_add_string(out, "405 ");
		td_http_add_methods(out, match.allow);
		break;
	case TD_HTTP_ASKED:
		td_buf_add_string(out, "204 ");
		td_http_add_methods(out, match.allow);
		break;
	}
	td_buf_fini(&buf);
}

static void each_request_goes_where_the_table_says(void **state)
{
	static const struct {
		enum td_http_method method;
		const char *path, *is;
	} cases[] = {
		{TD_HTTP_GET, "/", "0"},
		{TD_HTTP_HEAD, "/", "0"},
		{TD_HTTP_POST, "/", "405 GET, HEAD, OPTIONS"},
		{TD_HTTP_GET, "//", "404"},
		{TD_HTTP_GET, "/v1", "404"},
		{TD_HTTP_GET, "/V1/events", "404"},
		{TD_HTTP_POST, "/v1/events", "1"},
		{TD_HTTP_GET, "/v1/events", "2"},
		{TD_HTTP_GET, "/v1/%65vents", "2"},
		{TD_HTTP_GET, "/v1/events/", "404"},
		{TD_HTTP_GET, "/v1//events", "404"},
		{TD_HTTP_PUT, "/v1/events", "405 GET, HEAD, POST, OPTIONS"},
		{TD_HTTP_OPTIONS, "/v1/events", "204 GET, HEAD, POST, OPTIONS"},
		{TD_HTTP_OPTIONS, "/nowhere", "404"},
		{TD_HTTP_GET, "/v1/events/follow", "3"},
		{TD_HTTP_DELETE, "/v1/events/follow", "405 GET, HEAD, OPTIONS"},
		{TD_HTTP_GET, "/v1/events/7f%2F1", "4 7f/1"},
		{TD_HTTP_GET, "/v1/events/a/b", "404"},
		{TD_HTTP_GET, "/v1/subjects/order.42", "6 order.42"},
		{TD_HTTP_GET, "/v1/subjects/order.42@7", "5 order.42 7"},
		{TD_HTTP_GET, "/v1/subjects/order.42@", "6 order.42@"},
		{TD_HTTP_GET, "/v1/subjects/order.42%407", "6 order.42@7"},
		{TD_HTTP_GET, "/v1/subjects/ann@example.com", "6 ann@example.com"},
		{TD_HTTP_GET, "/v1/subjects/ann@example.com@7", "5 ann@example.com 7"},
		{TD_HTTP_GET, "/v1/subjects/a@-7", "6 a@-7"},
		{TD_HTTP_GET, "/v1/subjects/@7", "6 @7"},
		{TD_HTTP_HEAD, "/v1/subjects/a@7", "5 a 7"},
		{TD_HTTP_POST, "/v1/subjects/a@7", "405 GET, HEAD, OPTIONS"},
		{TD_HTTP_POST, "/v1/subjects/a%20b/events", "8 a b"},
		{TD_HTTP_GET, "/v1/subjects/a@7/events", "7 a@7"},
		{TD_HTTP_GET, "/v1/subjects//events", "404"},
		{TD_HTTP_GET, "/v1/logs/x", "405 PUT, DELETE, OPTIONS"},
		{TD_HTTP_HEAD, "/v1/logs/x", "405 PUT, DELETE, OPTIONS"},
		{TD_HTTP_DELETE, "/v1/logs/x", "10 x"},
	};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		show(&out, cases[i].method, cases[i].path);
		assert_string_equal(out.at, cases[i].is);
	}
	td_buf_fini(&out);
}

static void options_of_the_server_are_those_of_all_routes(void **state)
{
	struct td_buf out = TD_BUF_INIT(4096);
	struct td_http_match match;

	(void)state;
	assert_int_equal(td_http_find_route(routes, COUNT_OF(routes), TD_HTTP_OPTIONS,
				 TD_HTTP_ASTERISK, NULL, &match),
		TD_HTTP_ASKED);
	td_http_add_methods(&out, match.allow);
	assert_string_equal(out.at, "GET, HEAD, POST, PUT, DELETE, OPTIONS");
	td_buf_fini(&out);
}

static void a_table_that_is_not_right_is_told_by_its_row(void **state)
{
	static const struct {
		size_t row;
		struct td_http_route routes[3];
	} cases[] = {
		{0, {{TD_HTTP_GET, "/a", 0}, {TD_HTTP_GET, "/{x}", 0}, {TD_HTTP_PUT, "/{x}", 0}}},
		{2, {{TD_HTTP_GET, "/{x}", 0}, {TD_HTTP_GET, "/a", 0}, {TD_HTTP_GET, "/b/c", 0}}},
		{2, {{TD_HTTP_GET, "/{x}", 0}, {TD_HTTP_GET, "/{y}", 0}, {TD_HTTP_GET, "/b/c", 0}}},
		{3, {{TD_HTTP_GET, "/a", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/a", 0}}},
		{3, {{TD_HTTP_GET, "/a", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_PUT, "/a", 0}}},
		{3, {{TD_HTTP_GET, "/{x}", 0}, {TD_HTTP_GET, "/b/c", 0},
			    {TD_HTTP_GET, "/{x}@{y}", 0}}},
		{1, {{TD_HTTP_GET, "a", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/a/", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "//a", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/{a", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/{}", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/{a}b", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/{a}@b", 0}, {TD_HTTP_GET, "/b", 0}, {TD_HTTP_GET, "/c", 0}}},
		{1, {{TD_HTTP_GET, "/{a}/{b}/{c}@{d}/{e}", 0}, {TD_HTTP_GET, "/b", 0},
			    {TD_HTTP_GET, "/c", 0}}},
	};

	(void)state;
	assert_int_equal(td_http_routes_verify(routes, COUNT_OF(routes)), 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(td_http_routes_verify(cases[i].routes, 3), cases[i].row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_goes_where_the_table_says),
		cmocka_unit_test(options_of_the_server_are_those_of_all_routes),
		cmocka_unit_test(a_table_that_is_not_right_is_told_by_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
