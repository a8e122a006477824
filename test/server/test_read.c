#include "harness.h"

static uint64_t publish(struct client *client, const char *subject, const char *type, int n)
{
	uint64_t position;
	struct response response;
	char text[512];

	snprintf(text, sizeof(text),
		"{\"type\":\"%s\",\"subject\":\"%s\",\"id\":\"%s-%d\",\"data\":{\"n\":%d,\"x\":1."
		"50}}",
		type, subject, subject, n, n);
	client_publish(client, &response, text);
	assert_int_equal(response.status, 201);
	position = number_in(response.body, "position");
	response_free(&response);
	return position;
}

static size_t events_in(const char *body)
{
	size_t count = 0;

	while ((body = strstr(body, "\"specversion\"")) != NULL) {
		count++;
		body++;
	}
	return count;
}

static uint64_t position_of(const struct response *response)
{
	const char *at = strstr(response->head, "Td-Position: ");

	assert_non_null(at);
	return strtoull(at + 13, NULL, 10);
}

static void a_read_shows_what_was_stored_with_where_it_stands(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;
	char target[64];

	(void)state;
	client_open(&client, house);
	client_post(&client, &response, "/v1/events",
		"Content-Type: application/cloudevents+json\r\n",
		"{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"T\",\"subject\":"
		"\"order.42\","
		"\"tdseq\":\"99\",\"data\":{\"big\":12345678901234567890, \"f\":1.50}}");
	assert_int_equal(response.status, 201);
	snprintf(target, sizeof(target), "/v1/events?min-position=%d",
		(int)number_in(response.body, "position"));
	response_free(&response);
	client_get(&client, &response, target);
	assert_int_equal(response.status, 200);
	assert_non_null(strstr(response.head, "application/cloudevents-batch+json"));
	assert_int_equal(position_of(&response), atoi(strchr(target, '=') + 1));
	/* Data byte for byte; nobody says where he stands but us. */
	assert_non_null(strstr(response.body, "{\"big\":12345678901234567890, \"f\":1.50}"));
	assert_non_null(strstr(response.body, "\"tdseq\":\"1\""));
	assert_null(strstr(response.body, "\"99\""));
	assert_non_null(strstr(response.body, "\"tdlog\":\"events\""));
	assert_non_null(strstr(response.body, "\"recordedtime\":"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void pages_follow_each_other_by_their_links(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	const char *directions[] = {"forward", "backward"};

	(void)state;
	client_open(&client, house);
	for (int i = 1; i <= 25; i++)
		publish(&client, i % 2 != 0 ? "order.1" : "pizza.1", "T", i);
	for (size_t d = 0; d < 2; d++) {
		char target[512];
		size_t count = 0, pages = 0;
		bool more = true;

		snprintf(target, sizeof(target), "/v1/events?subject=order.*&limit=4&direction=%s",
			directions[d]);
		while (more) {
			const char *link, *end;

			client_get(&client, &response, target);
			assert_int_equal(response.status, 200);
			count += events_in(response.body);
			pages++;
			link = strstr(response.head, "Link: <");
			more = link != NULL;
			if (more) {
				end = strchr(link, '>');
				snprintf(target, sizeof(target), "%.*s", (int)(end - link - 7),
					link + 7);
			}
			response_free(&response);
		}
		assert_int_equal(count, 13);
		assert_int_equal(pages, 4);
	}
	client_close(&client);
	house_end(house);
}

static void a_query_chooses(void **state)
{
	static const struct {
		const char *query;
		size_t count;
	} rows[] = {
		{"", 12},
		{"?subject=order.1", 4},
		{"?subject=order.%3E", 8},
		{"?subject=order.1&subject=pizza.1", 8},
		{"?type=Even", 6},
		{"?type=Even&type=Odd", 12},
		{"?filter=type%20%3D%20%27Odd%27", 6},
		{"?filter=%7B%22exact%22%3A%7B%22type%22%3A%22Odd%22%7D%7D", 6},
		{"?from=5", 8},
		{"?to=5", 5},
		{"?from=5&to=6", 2},
		{"?from=order.1-3", 10},
		{"?from=2000-01-01T00:00:00Z", 12},
		{"?to=2000-01-01T00:00:00Z", 0},
		{"?limit=3", 3},
		{"?limit=0", 0},
		{"?log=events", 12},
		{"?subject=nobody", 0},
	};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 1; i <= 12; i++)
		publish(&client,
			i % 3 == 0   ? "order.1"
			: i % 3 == 1 ? "order.2"
				     : "pizza.1",
			i % 2 == 0 ? "Even" : "Odd", i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char target[256];

		snprintf(target, sizeof(target), "/v1/events%s", rows[i].query);
		client_get(&client, &response, target);
		if (response.status != 200 || events_in(response.body) != rows[i].count)
			fail_msg("%s: %d, %s", target, response.status, response.body);
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void what_a_query_says_wrong_is_named(void **state)
{
	static const struct {
		const char *target, *word;
		int status;
	} rows[] = {
		{"/v1/events?lmit=3", "lmit", 400},
		{"/v1/events?limit=x", "limit", 400},
		{"/v1/events?limit=1&limit=2", "limit", 400},
		{"/v1/events?filter=type%20%3D", "filter", 400},
		{"/v1/events?select=no%7E2pointer%2F", "select: ", 400},
		{"/v1/events?direction=up", "direction", 400},
		{"/v1/events?log=nowhere", "nowhere", 404},
		{"/v1/events?from=no-such-id", "no-such-id", 404},
		{"/v1/events?wait=5s&to=3", "wait", 400},
		{"/v1/events?wait=soon", "wait", 400},
		{"/v1/events/nobody", "nobody", 404},
		{"/v1/subjects/nobody", "nobody", 404},
		{"/v1/events/follow?to=3", "to", 400},
	};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_get(&client, &response, rows[i].target);
		if (response.status != rows[i].status ||
			strstr(response.body, rows[i].word) == NULL)
			fail_msg("%s: %d, %s", rows[i].target, response.status, response.body);
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void one_event_is_shown_by_its_id_its_subject_its_revision(void **state)
{
	static const char *const targets[] = {"/v1/events/order.42-2",
		"/v1/events/order.42-2?source=http", "/v1/subjects/order.42@2",
		"/v1/subjects/order.42?at=2", "/v1/subjects/order.42?at=3"};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	publish(&client, "order.42", "T", 1);
	publish(&client, "order.42", "T", 2);
	publish(&client, "other", "T", 3);
	publish(&client, "order.42", "T", 4);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		client_get(&client, &response, targets[i]);
		assert_int_equal(response.status, 200);
		assert_non_null(strstr(response.head, "ETag: \"2\""));
		assert_non_null(strstr(response.head, "</v1/subjects/order.42>; rel=\"subject\""));
		assert_non_null(strstr(response.body, "\"id\":\"order.42-2\""));
		response_free(&response);
	}
	client_get(&client, &response, "/v1/subjects/order.42");
	assert_non_null(strstr(response.head, "ETag: \"3\""));
	response_free(&response);
	client_get(&client, &response, "/v1/events/order.42-2?select=/n");
	assert_non_null(strstr(response.body, "{\"n\":2}"));
	response_free(&response);
	client_ask(&client, &response,
		"HEAD /v1/events/order.42-2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(response.status, 200);
	response_free(&response);
	client_get(&client, &response, "/v1/events/order.42-2/data");
	assert_string_equal(response.body, "{\"n\":2,\"x\":1.50}");
	assert_non_null(strstr(response.head, "Content-Type: application/json"));
	response_free(&response);
	client_get(&client, &response, "/v1/subjects/order.42@9");
	assert_int_equal(response.status, 404);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* A notification carries ids alone; who wants more takes it as it was then. */
static void a_dataref_means_what_was_there_when_it_was_stored(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	publish(&client, "order.42", "T", 1);
	publish(&client, "order.42", "T", 2);
	client_publish(&client, &response,
		"{\"type\":\"OrderChanged\",\"subject\":\"note.1\",\"id\":\"note\","
		"\"dataref\":\"/v1/subjects/order.42\"}");
	assert_int_equal(response.status, 201);
	response_free(&response);
	publish(&client, "order.42", "T", 3);
	client_get(&client, &response, "/v1/events/note/data");
	assert_int_equal(response.status, 200);
	assert_string_equal(response.body, "{\"n\":2,\"x\":1.50}");
	response_free(&response);
	client_get(&client, &response, "/v1/events/note/data?select=/x");
	assert_string_equal(response.body, "{\"x\":1.50}");
	response_free(&response);
	client_publish(&client, &response,
		"{\"type\":\"OrderChanged\",\"id\":\"far\",\"dataref\":\"https://elsewhere.example/"
		"7\"}");
	response_free(&response);
	client_get(&client, &response, "/v1/events/far/data");
	assert_int_equal(response.status, 404);
	assert_non_null(strstr(response.body, "elsewhere.example"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* --- waiting ------------------------------------------------------------------------------ */

static void who_waits_is_answered_when_something_fits(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client waits, speaks;
	struct response response;
	uint64_t last;
	char text[256];

	(void)state;
	client_open(&waits, house);
	client_open(&speaks, house);
	publish(&speaks, "order.1", "T", 1);
	client_send(&waits,
		"GET /v1/events?subject=pizza.*&wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (house->server->counters.reads == 0)
		house_turn(house);
	publish(&speaks, "order.1", "T", 2);
	assert_false(client_receive(&waits));
	last = publish(&speaks, "pizza.7", "T", 3);
	client_answer(&waits, &response, true);
	assert_int_equal(response.status, 200);
	assert_int_equal(events_in(response.body), 1);
	assert_int_equal(position_of(&response), last);
	response_free(&response);
	/* And when nothing does, with nothing. */
	snprintf(text, sizeof(text),
		"GET /v1/events?from=%d&wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n",
		(int)last + 1);
	client_send(&waits, text);
	while (house->server->counters.reads < 3)
		house_turn(house);
	pass(house, 30001);
	client_answer(&waits, &response, true);
	assert_int_equal(response.status, 200);
	assert_string_equal(response.body, "[]\n");
	response_free(&response);
	/* Or goes, and leaves nothing. */
	client_send(&waits, text);
	while (house->server->counters.reads < 5)
		house_turn(house);
	{
		struct linger hard = {1, 0};

		setsockopt(waits.socket, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	}
	client_close(&waits);
	while (house->server->exchanges_count > 0)
		house_turn(house);
	client_close(&speaks);
	house_end(house);
}

static void a_read_may_ask_for_a_position_that_is_to_come(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client waits, speaks;
	struct response response;
	uint64_t last;
	char text[256];

	(void)state;
	client_open(&waits, house);
	client_open(&speaks, house);
	last = publish(&speaks, "order.1", "T", 0);
	snprintf(text, sizeof(text),
		"GET /v1/events?min-position=%d&timeout=20s HTTP/1.1\r\nHost: localhost\r\n\r\n",
		(int)last + 2);
	client_send(&waits, text);
	publish(&speaks, "order.1", "T", 1);
	assert_false(client_receive(&waits));
	publish(&speaks, "order.1", "T", 2);
	client_answer(&waits, &response, true);
	assert_int_equal(response.status, 200);
	assert_int_equal(events_in(response.body), 3);
	response_free(&response);
	client_send(&waits,
		"GET /v1/events?min-position=99&timeout=20s HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (house->server->early == NULL)
		house_turn(house);
	pass(house, 20001);
	client_answer(&waits, &response, true);
	assert_int_equal(response.status, 504);
	assert_non_null(strstr(response.body, "\"code\":\"timeout\""));
	response_free(&response);
	client_get(&waits, &response, "/v1/status"); /* and the connection lives on */
	assert_int_equal(response.status, 200);
	response_free(&response);
	client_close(&waits);
	client_close(&speaks);
	house_end(house);
}

static void subjects_are_listed_by_their_pattern(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	publish(&client, "order.1", "T", 1);
	publish(&client, "order.1", "T", 2);
	publish(&client, "pizza quattro", "T", 3);
	client_get(&client, &response, "/v1/subjects?pattern=order.*");
	assert_int_equal(response.status, 200);
	assert_int_equal(number_in(response.body, "revision"), 2);
	assert_null(strstr(response.body, "pizza"));
	response_free(&response);
	client_get(&client, &response, "/v1/subjects");
	assert_non_null(strstr(
		response.body, "\"subject\":\"pizza quattro\",\"address\":\"pizza%20quattro\""));
	assert_non_null(strstr(response.body, "\"more\":false"));
	response_free(&response);
	client_get(&client, &response, "/v1/subjects/pizza%20quattro/events");
	assert_int_equal(events_in(response.body), 1);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_shows_what_was_stored_with_where_it_stands),
		cmocka_unit_test(pages_follow_each_other_by_their_links),
		cmocka_unit_test(a_query_chooses),
		cmocka_unit_test(what_a_query_says_wrong_is_named),
		cmocka_unit_test(one_event_is_shown_by_its_id_its_subject_its_revision),
		cmocka_unit_test(a_dataref_means_what_was_there_when_it_was_stored),
		cmocka_unit_test(who_waits_is_answered_when_something_fits),
		cmocka_unit_test(a_read_may_ask_for_a_position_that_is_to_come),
		cmocka_unit_test(subjects_are_listed_by_their_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
