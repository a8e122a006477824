#include "harness.h"

#define EVENT "{\"type\":\"OrderPlaced\",\"subject\":\"order.42\",\"data\":{\"total\":7.50}}"

static void a_request_is_answered_and_the_connection_lives_on(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 0; i < 3; i++) {
		client_publish(&client, &response, EVENT);
		assert_int_equal(response.status, 201);
		assert_null(strstr(response.head, "Connection: close"));
		assert_int_equal(number_in(response.body, "revision"), i + 1);
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void requests_in_a_row_are_answered_in_their_order(void **state)
{
	enum { COUNT = 40 };
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;
	uint64_t commits;
	char text[1024];

	(void)state;
	client_open(&client, house);
	client_publish(&client, &response, EVENT); /* the store is at work */
	response_free(&response);
	commits = house->server->counters.commits;
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text),
			"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(EVENT), EVENT);
		client_send(&client, text);
	}
	client_send(&client, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
	for (int i = 0; i < COUNT; i++) {
		client_answer(&client, &response, true);
		assert_int_equal(response.status, 201);
		assert_int_equal(number_in(response.body, "seq"), i + 2);
		response_free(&response);
	}
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 404);
	response_free(&response);
	/* They shared syncs. */
	assert_true(house->server->counters.commits - commits <= COUNT / 2);
	client_close(&client);
	house_end(house);
}

/* What stands in the buffer already when there is room for answers again, no net tells of. */
static void a_full_output_holds_requests_back_for_a_while_only(void **state)
{
	enum { COUNT = 60 };
	const struct td_server_limits limits = {.output_bytes_max = 223, .pipeline_max = 4};
	struct house *house = house_new(&limits);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 0; i < COUNT; i++)
		client_send(&client, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
	for (int i = 0; i < COUNT; i++) {
		client_answer(&client, &response, true);
		assert_int_equal(response.status, 200);
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void a_request_may_come_a_byte_at_a_time(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	const char *request =
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
		"9;x=y\r\n{\"type\":\"\r\n3\r\nABC\r\n2\r\n\"}\r\n0\r\nTrailer: 1\r\n\r\n";

	(void)state;
	client_open(&client, house);
	for (const char *at = request; *at != '\0'; at++) {
		client_send_bytes(&client, at, 1);
		house_turn(house);
	}
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 201);
	response_free(&response);
	assert_int_equal(house->server->bodies_bytes, 0);
	client_close(&client);
	house_end(house);
}

static void who_waits_to_be_told_is_told_to_go_on(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Type: application/json\r\nExpect: 100-continue\r\n"
			     "Content-Length: 14\r\n\r\n");
	assert_true(client_await(&client, "HTTP/1.1 100 Continue\r\n\r\n"));
	client_take(&client, client.in.len);
	client_send(&client, "{\"type\":\"ABC\"}");
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 201);
	response_free(&response);
	/* Where the answer is known already it is given, and the connection ends. */
	client_send(&client, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n"
			     "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n");
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 404);
	assert_non_null(strstr(response.head, "Connection: close"));
	response_free(&response);
	client_await_end(&client);
	client_close(&client);
	house_end(house);
}

static void the_body_of_a_refused_request_is_passed_over(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 0; i < 2; i++) {
		client_post(&client, &response, "/nowhere", "", "GET /also HTTP/1.1\r\n\r\n");
		assert_int_equal(response.status, 404);
		response_free(&response);
	}
	client_ask(&client, &response,
		"DELETE /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
		"chunked\r\n\r\n"
		"3\r\nabc\r\n0\r\n\r\n");
	assert_int_equal(response.status, 405);
	assert_non_null(strstr(response.head, "Allow: "));
	response_free(&response);
	client_publish(&client, &response, EVENT);
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* --- limits ------------------------------------------------------------------------------- */

static void what_could_be_read_two_ways_ends_the_connection(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
			400},
		{"GET / HTTP/1.1\nHost: localhost\n\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", 501},
		{"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505},
		{"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
		 "9999999999\r\n\r\n",
			413},
		{"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
		 "chunked\r\n\r\nxyz\r\n",
			400},
		{"GET /nowhere HTTP/1.1\r\nHost: evil.example\r\n\r\n", 404},
	};
	struct house *house = house_new(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client client;
		struct response response;

		client_open(&client, house);
		client_send(&client, rows[i].request);
		client_answer(&client, &response, true);
		assert_int_equal(response.status, rows[i].status);
		if (rows[i].status != 404) {
			assert_non_null(strstr(response.head, "Connection: close"));
			assert_non_null(strstr(response.head, "application/problem+json"));
			client_await_end(&client);
		}
		response_free(&response);
		client_close(&client);
	}
	house_end(house);
}

static void a_foreign_host_or_origin_is_refused(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_ask(&client, &response,
		"POST /v1/events HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}");
	assert_int_equal(response.status, 403);
	response_free(&response);
	client_ask(&client, &response,
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
		"Content-Length: 2\r\n\r\n{}");
	assert_int_equal(response.status, 403);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void one_connection_too_many_is_told_so(void **state)
{
	struct house *house = house_new(&(struct td_server_limits){.connections_max = 2});
	struct client clients[3];
	struct response response;

	(void)state;
	for (int i = 0; i < 3; i++) {
		client_open(&clients[i], house);
		house_turn(house);
	}
	client_answer(&clients[2], &response, true);
	assert_int_equal(response.status, 503);
	assert_int_equal(response.body_len, strlen(response.body));
	assert_non_null(strstr(response.body, "\"status\":503"));
	response_free(&response);
	client_await_end(&clients[2]);
	client_close(&clients[0]);
	while (house->server->sessions_count > 1)
		house_turn(house);
	client_close(&clients[2]);
	client_open(&clients[2], house);
	client_publish(&clients[2], &response, EVENT);
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_close(&clients[1]);
	client_close(&clients[2]);
	house_end(house);
}

static void a_head_that_does_not_come_to_its_end_is_ended(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: loc");
	while (house->server->sessions == NULL || house->server->sessions->bytes_in == 0)
		house_turn(house);
	pass(house, 9000);
	client_send(&client, "al"); /* a byte now and then buys no time */
	house_turn(house);
	pass(house, 1001);
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 408);
	response_free(&response);
	client_await_end(&client);
	client_close(&client);
	house_end(house);
}

static void a_body_that_does_not_come_to_its_end_is_ended(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
	while (house->server->sessions == NULL || house->server->sessions->requests == 0)
		house_turn(house);
	pass(house, 60001);
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 408);
	response_free(&response);
	client_await_end(&client);
	client_close(&client);
	house_end(house);
}

static void who_says_nothing_is_closed_after_a_while(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;

	(void)state;
	client_open(&client, house);
	house_turn(house);
	while (house->server->sessions_count == 0)
		house_turn(house);
	pass(house, 74000);
	house_turn(house);
	assert_int_equal(house->server->sessions_count, 1);
	pass(house, 1001);
	client_await_end(&client);
	assert_int_equal(house->server->sessions_count, 0);
	client_close(&client);
	house_end(house);
}

static void memory_for_bodies_is_bounded(void **state)
{
	struct house *house = house_new(&(struct td_server_limits){.bodies_bytes_max = 300000});
	struct client clients[3];
	struct response response;
	char *body = malloc(200000);

	(void)state;
	assert_non_null(body);
	memset(body, 'x', 200000);
	for (int i = 0; i < 3; i++) {
		client_open(&clients[i], house);
		client_send(&clients[i], "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
					 "Content-Length: 1000000\r\n\r\n");
		client_send_bytes(&clients[i], body, 200000);
		for (int j = 0; j < 20; j++)
			house_turn(house);
		assert_true(house->server->bodies_bytes <= 300000);
	}
	client_answer(&clients[2], &response, true);
	assert_int_equal(response.status, 503);
	assert_non_null(strstr(response.head, "Retry-After"));
	response_free(&response);
	for (int i = 0; i < 3; i++)
		client_close(&clients[i]);
	free(body);
	house_end(house);
}

/* --- ends --------------------------------------------------------------------------------- */

static void who_has_finished_sending_is_answered_still(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
			     "{\"type\":\"ABC\"}");
	assert_int_equal(shutdown(client.socket, SHUT_WR), 0);
	client_answer(&client, &response, true);
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_await_end(&client);
	client_close(&client);
	house_end(house);
}

static void a_stop_answers_what_was_asked_and_closes(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client asks, idles;
	struct response response;

	(void)state;
	client_open(&asks, house);
	client_open(&idles, house);
	client_publish(&asks, &response, EVENT);
	response_free(&response);
	client_send(&asks, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			   "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
			   "{\"type\":\"ABC\"}");
	while (house->server->counters.requests < 2)
		house_turn(house);
	td_server_ask_stop(house->server);
	client_answer(&asks, &response, true);
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_await_end(&asks);
	client_await_end(&idles);
	client_close(&asks);
	client_close(&idles);
	house_stop(house);
	house_start(house); /* and it is there */
	client_open(&asks, house);
	client_publish(&asks, &response, EVENT);
	assert_int_equal(number_in(response.body, "seq"), 3);
	response_free(&response);
	client_close(&asks);
	house_end(house);
}

static void a_client_that_breaks_off_leaves_nothing_behind(void **state)
{
	struct house *house = house_on_disk(NULL);

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct linger hard = {1, 0};
		struct client client;

		client_open(&client, house);
		client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
				     "Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
				     "{\"type\":\"ABC\"}");
		if (i % 2 == 0)
			house_turn(house);
		setsockopt(client.socket, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		client_close(&client);
		house_turn(house);
	}
	while (house->server->sessions_count > 0 || house->server->exchanges_count > 0)
		house_turn(house);
	assert_int_equal(house->server->bodies_bytes, 0);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_answered_and_the_connection_lives_on),
		cmocka_unit_test(requests_in_a_row_are_answered_in_their_order),
		cmocka_unit_test(a_full_output_holds_requests_back_for_a_while_only),
		cmocka_unit_test(a_request_may_come_a_byte_at_a_time),
		cmocka_unit_test(who_waits_to_be_told_is_told_to_go_on),
		cmocka_unit_test(the_body_of_a_refused_request_is_passed_over),
		cmocka_unit_test(what_could_be_read_two_ways_ends_the_connection),
		cmocka_unit_test(a_foreign_host_or_origin_is_refused),
		cmocka_unit_test(one_connection_too_many_is_told_so),
		cmocka_unit_test(a_head_that_does_not_come_to_its_end_is_ended),
		cmocka_unit_test(a_body_that_does_not_come_to_its_end_is_ended),
		cmocka_unit_test(who_says_nothing_is_closed_after_a_while),
		cmocka_unit_test(memory_for_bodies_is_bounded),
		cmocka_unit_test(who_has_finished_sending_is_answered_still),
		cmocka_unit_test(a_stop_answers_what_was_asked_and_closes),
		cmocka_unit_test(a_client_that_breaks_off_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
