#include "harness.h"

static bool has(const struct response *response, const char *field)
{
	return strstr(response->head, field) != NULL;
}

static void the_page_has_its_policy_and_its_parts(void **state)
{
	static const struct {
		const char *target, *media, *part;
	} files[] = {
		{"/", "text/html; charset=utf-8", "<!doctype html>"},
		{"/page/page.js", "text/javascript; charset=utf-8", "import"},
		{"/page/map.js", "text/javascript; charset=utf-8", "export"},
		{"/page/page.css", "text/css; charset=utf-8", ":root"},
		{"/page/icon.svg", "image/svg+xml", "<svg"},
	};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	char line[128];

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		client_get(&client, &response, files[i].target);
		assert_int_equal(response.status, 200);
		snprintf(line, sizeof(line), "Content-Type: %s\r\n", files[i].media);
		assert_true(has(&response, line));
		assert_true(has(&response, "Content-Security-Policy: default-src 'none'; "));
		assert_true(has(&response, "X-Content-Type-Options: nosniff\r\n"));
		assert_non_null(strstr(response.body, files[i].part));
		/* Nothing inline, which the policy would not let run. */
		assert_null(strstr(response.body, "style=\""));
		assert_null(strstr(response.body, "<script>"));
		assert_null(strstr(response.body, "onclick="));
		response_free(&response);
	}
	client_get(&client, &response, "/page/passwd");
	assert_int_equal(response.status, 404);
	response_free(&response);
	client_get(&client, &response, "/page/index.html");
	assert_int_equal(response.status, 404);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void what_did_not_change_is_not_sent_again(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	char tag[64] = "";
	const char *at;

	(void)state;
	client_open(&client, house);
	client_get(&client, &response, "/page/page.js");
	at = strstr(response.head, "ETag: ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "ETag: %63s", tag), 1);
	response_free(&response);
	client_ask(&client, &response,
		"GET /page/page.js HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: %s\r\n\r\n", tag);
	assert_int_equal(response.status, 304);
	assert_true(has(&response, tag));
	response_free(&response);
	client_ask(&client, &response,
		"GET /page/map.js HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: %s\r\n\r\n", tag);
	assert_int_equal(response.status, 200);
	response_free(&response);
	client_ask(&client, &response, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(response.status, 200);
	response_free(&response);
	client_get(&client, &response, "/v1/flow"); /* the connection goes on behind it */
	assert_int_equal(response.status, 200);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_has_its_policy_and_its_parts),
		cmocka_unit_test(what_did_not_change_is_not_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
