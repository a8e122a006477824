#include "harness.h"

#define CLOUD                                                   \
	"{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/" \
	"s\",\"type\":\"T\",\"subject\":\"order.42\",\"data\":%s}"

static void cloud(char *out, size_t size, const char *id, const char *data)
{
	snprintf(out, size, CLOUD, id, data);
}

static void an_event_may_come_in_any_form(void **state)
{
	static const struct {
		const char *fields, *body;
		int status;
	} rows[] = {
		{"Content-Type: application/json\r\n", "{\"type\":\"T\",\"data\":1}", 201},
		{"Content-Type: application/json; charset=utf-8\r\n", "{\"type\":\"T\"}", 201},
		{"Content-Type: application/json\r\n", "[{\"type\":\"T\"},{\"type\":\"U\"}]", 201},
		{"Content-Type: application/cloudevents+json\r\n",
			"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"T\"}",
			201},
		{"Content-Type: Application/CloudEvents+JSON; charset=utf-8\r\n",
			"{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"s\",\"type\":\"T\"}",
			201},
		{"Content-Type: application/cloudevents-batch+json\r\n",
			"[{\"specversion\":\"1.0\",\"id\":\"3\",\"source\":\"s\",\"type\":\"T\"}]",
			201},
		{"Content-Type: application/cloudevents-batch+json\r\n", "[]", 200},
		{"Content-Type: text/plain\r\nce-specversion: 1.0\r\nce-id: 4\r\nCE-Source: "
		 "s\r\nce-type: T\r\n",
			"hello", 201},
		/* CloudEvents are taken at their word, and what they lack is named. */
		{"Content-Type: application/cloudevents+json\r\n", "{\"type\":\"T\"}", 400},
		{"Content-Type: text/plain\r\nce-type: T\r\n", "hello", 400},
		{"Content-Type: application/cloudevents+avro\r\n", "hello", 415},
		{"Content-Type: application/cloudevents-batch+json\r\n", "{}", 415},
		{"Content-Type: application/cloudevents+json\r\n", "[]", 415},
		{"Content-Type: application/json\r\n", "7", 415},
		{"Content-Type: application/json\r\n", "{\"type\":", 400},
		{"Content-Type: application/json\r\n", "{}", 400},
		{"Content-Type: application/x-www-form-urlencoded\r\n", "{\"type\":\"T\"}", 415},
		{"", "{\"type\":\"T\"}", 415},
		{"Content-Type: application/json\r\nIf-Match: \"1\"\r\n", "{\"type\":\"T\"}", 400},
	};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_post(&client, &response, "/v1/events", rows[i].fields, rows[i].body);
		if (response.status != rows[i].status)
			fail_msg("%zu: %d, %s", i, response.status, response.body);
		if (response.status >= 400)
			assert_non_null(strstr(response.body, "\"detail\":"));
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void a_receipt_says_where_it_stands(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_post(&client, &response, "/v1/events", "Content-Type: application/json\r\n",
		"{\"type\":\"T\",\"id\":\"a b\",\"source\":\"/s\",\"subject\":\"order 42\"}");
	assert_int_equal(response.status, 201);
	assert_non_null(strstr(response.body, "\"log\":\"events\""));
	assert_non_null(strstr(response.body, "\"subject\":\"order 42\""));
	assert_non_null(strstr(response.body, "\"recordedtime\":\""));
	assert_non_null(strstr(response.body, "\"duplicate\":false"));
	assert_int_equal(number_in(response.body, "seq"), 1);
	assert_int_equal(number_in(response.body, "revision"), 1);
	assert_non_null(strstr(response.head, "Location: /v1/events/a%20b?source=%2Fs\r\n"));
	assert_non_null(strstr(response.head, "ETag: \"1\"\r\n"));
	response_free(&response);
	/* The same again: it is not stored twice, and the first one's place is told. */
	client_post(&client, &response, "/v1/events", "Content-Type: application/json\r\n",
		"{\"type\":\"T\",\"id\":\"a b\",\"source\":\"/s\",\"subject\":\"order 42\"}");
	assert_int_equal(response.status, 200);
	assert_non_null(strstr(response.body, "\"duplicate\":true"));
	assert_int_equal(number_in(response.body, "seq"), 1);
	response_free(&response);
	/* Another under the same name. */
	client_post(&client, &response, "/v1/events", "Content-Type: application/json\r\n",
		"{\"type\":\"T\",\"id\":\"a b\",\"source\":\"/s\",\"subject\":\"order "
		"42\",\"data\":1}");
	assert_int_equal(response.status, 409);
	assert_non_null(strstr(response.body, "\"code\":\"duplicate-differs\""));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void one_invalid_event_refuses_the_batch_and_is_named(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_publish(&client, &response,
		"[{\"type\":\"A\"},{\"type\":\"B\"},{\"typ\":\"C\"},{\"type\":\"D\"}]");
	assert_int_equal(response.status, 400);
	assert_int_equal(number_in(response.body, "index"), 2);
	assert_non_null(strstr(response.body, "[2]: "));
	response_free(&response);
	client_get(&client, &response, "/v1/events");
	assert_string_equal(response.body, "[]\n");
	response_free(&response);
	/* Address and data are judged as well. */
	client_publish(&client, &response,
		"[{\"type\":\"A\",\"subject\":\"fine\"},{\"type\":\"B\",\"subject\":\"$secret.x\"}"
		"]");
	assert_int_equal(response.status, 400);
	assert_int_equal(number_in(response.body, "index"), 1);
	response_free(&response);
	client_publish(&client, &response,
		"[{\"type\":\"A\",\"id\":\"1\"},{\"type\":\"B\",\"id\":\"2\"},{\"type\":\"C\","
		"\"id\":\"3\"}]");
	assert_int_equal(response.status, 201);
	assert_int_equal(number_in(response.body, "seq"), 1);
	assert_non_null(strstr(response.body, "\"seq\":3"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void a_batch_has_a_bound(void **state)
{
	struct house *house = house_new(&(struct td_server_limits){.batch_events_max = 2});
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_publish(&client, &response, "[{\"type\":\"A\"},{\"type\":\"B\"},{\"type\":\"C\"}]");
	assert_int_equal(response.status, 413);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void an_append_may_depend_on_the_revision(void **state)
{
	static const struct {
		const char *condition;
		int status;
		uint64_t revision; /* that it has, or that was found */
	} rows[] = {
		{"If-Match: *\r\n", 412, 0},
		{"If-Match: \"1\"\r\n", 412, 0},
		{"If-None-Match: *\r\n", 201, 1},
		{"If-None-Match: *\r\n", 412, 1},
		{"If-Match: \"1\"\r\n", 201, 2},
		{"If-Match: \"1\"\r\n", 412, 2},
		{"If-Match: *\r\n", 201, 3},
		{"", 201, 4},
		{"If-Match: \"4\"\r\n", 201, 5},
		{"If-Match: \"0\"\r\n", 412, 5},
		{"If-Match: 5\r\n", 400, 0},
		{"If-Match: W/\"5\"\r\n", 400, 0},
		{"If-Match: \"5\", \"6\"\r\n", 400, 0},
		{"If-None-Match: \"5\"\r\n", 400, 0},
		{"If-Match: \"5\"\r\nIf-None-Match: *\r\n", 400, 0},
	};
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;
	char fields[256];

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(fields, sizeof(fields), "Content-Type: application/json\r\n%s",
			rows[i].condition);
		client_post(&client, &response, "/v1/subjects/order.42/events", fields,
			"{\"type\":\"T\"}");
		if (response.status != rows[i].status)
			fail_msg("%zu: %d, %s", i, response.status, response.body);
		if (response.status != 400)
			assert_int_equal(number_in(response.body, "revision"), rows[i].revision);
		response_free(&response);
	}
	client_close(&client);
	house_end(house);
}

static void the_path_says_what_events_are_about(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	char text[512];

	(void)state;
	client_open(&client, house);
	client_post(&client, &response, "/v1/subjects/caf%C3%A9%20au%20lait/events",
		"Content-Type: application/json\r\n", "{\"type\":\"T\"}");
	assert_int_equal(response.status, 201);
	assert_non_null(strstr(response.body, "\"subject\":\"caf\xC3\xA9 au lait\""));
	response_free(&response);
	client_post(&client, &response, "/v1/subjects/order.42/events",
		"Content-Type: text/plain\r\nce-specversion: 1.0\r\nce-id: 4\r\nce-source: "
		"s\r\nce-type: T\r\n",
		"hello");
	assert_int_equal(response.status, 201);
	assert_non_null(strstr(response.body, "\"subject\":\"order.42\""));
	response_free(&response);
	cloud(text, sizeof(text), "x", "1");
	client_post(&client, &response, "/v1/subjects/order.42/events",
		"Content-Type: application/cloudevents+json\r\n", text);
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_post(&client, &response, "/v1/subjects/order.43/events",
		"Content-Type: application/cloudevents+json\r\n", text);
	assert_int_equal(response.status, 400);
	assert_non_null(strstr(response.body, "order.43"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void a_trace_groups_what_has_no_story(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_post(&client, &response, "/v1/events",
		"Content-Type: application/json\r\n"
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
		"{\"type\":\"T\",\"id\":\"a\"}");
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_get(&client, &response, "/v1/events/a");
	assert_non_null(
		strstr(response.body, "\"correlationid\":\"0af7651916cd43dd8448eb211c80319c\""));
	assert_non_null(strstr(response.body, "\"traceparent\":\"00-0af7651916cd43dd"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* --- logs --------------------------------------------------------------------------------- */

static void logs_are_made_changed_and_deleted(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_post(&client, &response, "/v1/logs", "",
		"{\"name\":\"orders\",\"subjects\":[\"order.>\"],\"count_max\":5}");
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_post(&client, &response, "/v1/logs", "", "{\"name\":\"orders\"}");
	assert_int_equal(response.status, 409);
	response_free(&response);
	client_post(
		&client, &response, "/v1/logs", "", "{\"name\":\"x\",\"subjects\":[\"order.1\"]}");
	assert_int_equal(response.status, 409);
	assert_non_null(strstr(response.body, "orders"));
	response_free(&response);
	client_post(&client, &response, "/v1/logs", "", "{\"name\":\"x\",\"colour\":1}");
	assert_int_equal(response.status, 400);
	assert_non_null(strstr(response.body, "colour"));
	response_free(&response);
	client_publish(&client, &response, "{\"type\":\"T\",\"subject\":\"order.1\"}");
	assert_non_null(strstr(response.body, "\"log\":\"orders\""));
	response_free(&response);
	client_get(&client, &response, "/v1/logs/orders");
	assert_int_equal(number_in(response.body, "count"), 1);
	assert_int_equal(number_in(response.body, "count_max"), 5);
	response_free(&response);
	client_ask(&client, &response,
		"PATCH /v1/logs/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n"
		"{\"count_max\":7}");
	assert_int_equal(response.status, 200);
	assert_non_null(strstr(response.body, "\"subjects\":[\"order.>\"]"));
	response_free(&response);
	client_get(&client, &response, "/v1/logs");
	assert_non_null(strstr(response.body, "\"logs\":["));
	assert_non_null(strstr(response.body, "\"count_max\":7"));
	assert_non_null(strstr(response.body, "\"name\":\"events\""));
	assert_null(strstr(response.body, "$tidings"));
	response_free(&response);
	client_get(&client, &response, "/v1/events?log=orders");
	assert_non_null(strstr(response.body, "\"tdlog\":\"orders\""));
	response_free(&response);
	client_ask(
		&client, &response, "DELETE /v1/logs/orders HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(response.status, 204);
	response_free(&response);
	client_get(&client, &response, "/v1/logs/orders");
	assert_int_equal(response.status, 404);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* What `events` holds of its subjects is taken over, in as many frames as it takes. */
static void a_log_may_adopt(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 0; i < 5; i++) {
		struct td_buf batch = TD_BUF_INIT(1u << 20);

		for (int j = 0; j < 900; j++)
			td_buf_printf(&batch, "%c{\"type\":\"T\",\"subject\":\"order.%d\"}",
				j == 0 ? '[' : ',', j);
		td_buf_add_char(&batch, ']');
		client_publish(&client, &response, batch.at);
		assert_int_equal(response.status, 201);
		response_free(&response);
		td_buf_fini(&batch);
	}
	client_ask(&client, &response,
		"PUT /v1/logs/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 24\r\n\r\n"
		"{\"subjects\":[\"order.*\"]}");
	assert_int_equal(response.status, 409);
	assert_non_null(strstr(response.body, "4500"));
	response_free(&response);
	client_ask(&client, &response,
		"PUT /v1/logs/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 37\r\n\r\n"
		"{\"subjects\":[\"order.*\"],\"adopt\":true}");
	assert_int_equal(response.status, 201);
	response_free(&response);
	client_get(&client, &response, "/v1/logs/orders");
	assert_int_equal(number_in(response.body, "count"), 4500);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_may_come_in_any_form),
		cmocka_unit_test(a_receipt_says_where_it_stands),
		cmocka_unit_test(one_invalid_event_refuses_the_batch_and_is_named),
		cmocka_unit_test(a_batch_has_a_bound),
		cmocka_unit_test(an_append_may_depend_on_the_revision),
		cmocka_unit_test(the_path_says_what_events_are_about),
		cmocka_unit_test(a_trace_groups_what_has_no_story),
		cmocka_unit_test(logs_are_made_changed_and_deleted),
		cmocka_unit_test(a_log_may_adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
