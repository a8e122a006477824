#include "harness.h"

/* Said as batch: each event of one line. */
static void publish(struct client *client, const char *json)
{
	struct response response;

	client_publish(client, &response, json);
	if (response.status != 201)
		fail_msg("%d: %s", response.status, response.body);
	response_free(&response);
}

static void an_evening(struct client *client)
{
	publish(client, "{\"type\":\"OrderPlaced\",\"id\":\"o1\",\"subject\":\"order.1\","
			"\"correlationid\":\"s1\"}");
	publish(client, "{\"type\":\"PaymentTaken\",\"id\":\"p1\",\"subject\":\"pay.1\","
			"\"correlationid\":\"s1\",\"causationid\":\"o1\"}");
	publish(client, "{\"type\":\"Mailed\",\"id\":\"m1\",\"subject\":\"mail.1\","
			"\"correlationid\":\"s1\",\"causationid\":\"p1\"}");
	publish(client, "{\"type\":\"OrderPlaced\",\"id\":\"o2\",\"subject\":\"order.2\"}");
}

static void expect(
	struct client *client, const char *target, int status, const char *type, const char *part)
{
	struct response response;

	client_get(client, &response, target);
	if (response.status != status || strstr(response.head, type) == NULL ||
		strstr(response.body, part) == NULL)
		fail_msg("%s: %s%s", target, response.head, response.body);
	response_free(&response);
}

/* The tap of a store in memory hears of events a turn later. */
static void await_events(struct client *client, uint64_t count)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;
	struct response response;
	uint64_t has;

	do {
		client_get(client, &response, "/v1/flow");
		has = number_in(response.body, "events");
		response_free(&response);
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	} while (has < count);
}

static void the_map_shows_what_was_published(struct house *house)
{
	struct client client;

	client_open(&client, house);
	expect(&client, "/v1/flow", 200, "Content-Type: application/json\r\n", "\"events\":0");
	an_evening(&client);
	if (house->dir[0] == '\0')
		await_events(&client, 4);
	for (int i = 0; i < 2; i++) {
		expect(&client, "/v1/flow", 200, "Content-Type: application/json\r\n",
			"\"from_type\":\"OrderPlaced\",\"to_type\":\"PaymentTaken\",\"by\":"
			"\"cause\",\"count\":1");
		expect(&client, "/v1/flow?window=1m", 200, "Td-Position: ", "\"events\":4");
		expect(&client, "/v1/flow?format=mermaid", 200, "text/plain; charset=utf-8",
			"flowchart LR\n  n0[\"OrderPlaced\"]");
		expect(&client, "/v1/flow?format=dot&window=1h", 200, "text/vnd.graphviz",
			"digraph flow {");
		expect(&client, "/v1/flow?format=text", 200, "text/plain",
			"-> PaymentTaken  1, 50 %");
		if (i > 0 || house->dir[0] == '\0')
			break;
		/* A server that starts reads what is stored. */
		client_close(&client);
		house_stop(house);
		house_start(house);
		client_open(&client, house);
	}
	client_close(&client);
}

static void a_map_in_memory(void **state)
{
	struct house *house = house_new(NULL);

	(void)state;
	the_map_shows_what_was_published(house);
	house_end(house);
}

static void a_map_on_disk_outlives_the_server(void **state)
{
	struct house *house = house_on_disk(NULL);

	(void)state;
	the_map_shows_what_was_published(house);
	house_end(house);
}

static void a_story_is_told(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	an_evening(&client);
	expect(&client, "/v1/stories/s1", 200, "Content-Type: application/json\r\n",
		"{\"correlationid\":\"s1\",\"count\":3,\"next\":null,\"damaged\":0,\"events\":[{"
		"\"id\":\"o1\"");
	expect(&client, "/v1/stories/s1?format=text", 200, "text/plain", "OrderPlaced order.1@1  ");
	expect(&client, "/v1/stories/s1?format=text", 200, "text/plain", "   └─ Mailed mail.1@1");
	expect(&client, "/v1/stories/s1?format=mermaid", 200, "text/plain", "  n1 --> n2\n");
	expect(&client, "/v1/stories/s1?format=dot", 200, "text/vnd.graphviz", "  n1 -> n2;\n");
	expect(&client, "/v1/stories/o2", 200, "Td-Position: ", "\"count\":1");
	expect(&client, "/v1/stories/nobody", 200, "json", "\"count\":0");
	client_get(&client, &response, "/v1/stories/s1?limit=2");
	assert_non_null(strstr(response.body, "\"count\":2"));
	assert_true(number_in(response.body, "next") > 0);
	response_free(&response);
	/* Gone while it is being told, or drawn. */
	client_send(&client, "GET /v1/flow HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_send(&client, "GET /v1/stories/s1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_close(&client);
	for (int i = 0; i < 20; i++)
		house_turn(house);
	house_end(house);
}

static void what_is_asked_wrongly_is_named(void **state)
{
	static const struct {
		const char *target, *part;
	} wrong[] = {
		{"/v1/flow?window=9s", "window: between 10s and 1h"},
		{"/v1/flow?window=2h", "window: between 10s and 1h"},
		{"/v1/flow?window=soon", "window: soon is not a duration"},
		{"/v1/flow?format=svg", "format: svg is none of json, mermaid, dot, text"},
		{"/v1/flow?limit=3", "limit: no parameter of this route"},
		{"/v1/stories/s?limit=0", "limit: between 1 and 10000"},
		{"/v1/stories/s?limit=10001", "limit: between 1 and 10000"},
		{"/v1/stories/s?from=x", "from: not a number"},
		{"/v1/stories/s?format=", "format:  is none of"},
	};
	struct house *house = house_new(NULL);
	struct client client;

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect(&client, wrong[i].target, 400, "application/problem+json", wrong[i].part);
	expect(&client, "/v1/stories", 404, "application/problem+json", "");
	client_close(&client);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_in_memory),
		cmocka_unit_test(a_map_on_disk_outlives_the_server),
		cmocka_unit_test(a_story_is_told),
		cmocka_unit_test(what_is_asked_wrongly_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
