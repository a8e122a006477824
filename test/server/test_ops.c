/* What is shown to who runs the server; and that its description has every route, and no other. */
#include "harness.h"

#include "json/json.h"
#include "server/access.h"
#include "server/ops.h"

#define EVENT "{\"type\":\"OrderPlaced\",\"subject\":\"order.42\",\"data\":{\"total\":7.50}}"

static struct td_json parsed(const struct response *response)
{
	struct td_json value = {TD_JSON_NONE, {NULL, 0}};
	struct td_error err = TD_ERROR_INIT;

	if (td_json_parse(td_text(response->body), 0, &value, &err) != 0)
		fail_msg("%s: %s", err.text, response->body);
	return value;
}

static int64_t number_of(struct td_json object, const char *name)
{
	int64_t number = -1;

	if (!td_json_to_i64(td_json_get(object, td_text(name)), &number))
		fail_msg("%s is not there", name);
	return number;
}

static void health_is_that_it_turns_and_ready_that_it_takes_events(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	client_get(&client, &response, "/healthz");
	assert_int_equal(response.status, 200);
	assert_string_equal(response.body, "{\"status\":\"ok\"}\n");
	response_free(&response);
	client_get(&client, &response, "/readyz");
	assert_int_equal(response.status, 200);
	assert_string_equal(response.body, "{\"reasons\":[],\"status\":\"ok\"}\n");
	response_free(&response);
	client_send(&client, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	house->server->failed = TD_E_DISK; /* as it is in the turn in which it failed */
	client_answer(&client, &response, true);
	house->server->failed = 0;
	house_turn(house);
	assert_int_equal(response.status, 503);
	assert_non_null(strstr(response.body, "\"the disk failed\""));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

/* A line of the text format, its value; -1: there is none. */
static double sample(const char *text, const char *name)
{
	char line[256];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	return at != NULL ? strtod(at + strlen(line), NULL) : -1;
}

static void metrics_count_what_happened(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	client_open(&client, house);
	for (int i = 0; i < 3; i++) {
		client_publish(&client, &response, EVENT);
		response_free(&response);
	}
	client_get(&client, &response, "/nowhere");
	response_free(&response);
	client_get(&client, &response, "/metrics");
	assert_int_equal(response.status, 200);
	assert_non_null(strstr(response.head, "Content-Type: text/plain; version=0.0.4"));
	assert_true(sample(response.body, "tidings_events_accepted_total") == 3);
	assert_true(
		sample(response.body, "tidings_answers_total{method=\"POST\",route=\"/v1/events\","
				      "status=\"2xx\"}") == 3);
	assert_true(sample(response.body, "tidings_answers_total{method=\"any\",route=\"none\","
					  "status=\"4xx\"}") == 1);
	assert_true(sample(response.body, "tidings_ready") == 1);
	assert_true(sample(response.body, "tidings_connections") == 1);
	assert_true(sample(response.body, "tidings_log_events{log=\"events\"}") == 3);
	assert_int_equal(response.body[response.body_len - 1], '\n');
	response_free(&response);

	client_ask(&client, &response,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
		"Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n");
	assert_non_null(strstr(response.head, "Content-Type: application/openmetrics-text"));
	assert_string_equal(response.body + response.body_len - 6, "# EOF\n");
	assert_ptr_equal(strstr(response.body, "# EOF"), response.body + response.body_len - 6);
	assert_non_null(strstr(response.body, "\n# TYPE tidings_answers counter\n"));
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void series_do_not_grow_with_what_clients_send(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	char target[64];
	double before;

	(void)state;
	client_open(&client, house);
	client_get(&client, &response, "/nowhere");
	response_free(&response);
	client_get(&client, &response, "/metrics");
	response_free(&response);
	client_get(&client, &response, "/metrics");
	before = sample(response.body, "tidings_metrics_series");
	response_free(&response);
	for (int i = 0; i < 100; i++) {
		snprintf(target, sizeof(target), "/nowhere/%d?x=%d", i, i);
		client_get(&client, &response, target);
		response_free(&response);
	}
	client_get(&client, &response, "/metrics");
	assert_true(sample(response.body, "tidings_metrics_series") == before);
	response_free(&response);
	client_close(&client);
	house_end(house);
}

static void tools_of_nats_server_find_what_they_look_for(void **state)
{
	struct house *house = house_new(NULL);
	struct client client, other;
	struct response response;
	struct td_json json, first;

	(void)state;
	client_open(&other, house);
	client_publish(&other, &response, EVENT);
	response_free(&response);
	client_open(&client, house);

	client_get(&client, &response, "/varz");
	json = parsed(&response);
	assert_int_equal(number_of(json, "connections"), 2);
	assert_int_equal(number_of(json, "in_msgs"), 1);
	assert_int_equal(number_of(json, "http_port"), house->port);
	assert_true(td_json_string_is(td_json_get(json, td_text("version")), td_text("0.1.0")));
	assert_int_equal(td_json_get(json, td_text("server_id")).text.len, 34);
	number_of(json, "out_msgs");
	number_of(json, "in_bytes");
	number_of(json, "out_bytes");
	number_of(json, "slow_consumers");
	number_of(json, "mem");
	response_free(&response);

	client_get(&client, &response, "/connz?limit=1&offset=1");
	json = parsed(&response);
	assert_int_equal(number_of(json, "num_connections"), 1);
	assert_int_equal(number_of(json, "total"), 2);
	first = td_json_pointer(json, td_text("/connections/0"));
	assert_int_equal(number_of(first, "cid"), 1); /* the newest is first */
	assert_int_equal(number_of(first, "in_msgs"), 1);
	response_free(&response);
	client_get(&client, &response,
		"/connz?offset=18446744073709551615&limit=18446744073709551615");
	assert_int_equal(number_of(parsed(&response), "num_connections"), 0);
	response_free(&response);
	client_get(&client, &response, "/connz?offset=-1");
	assert_int_equal(response.status, 400);
	response_free(&response);

	client_get(&client, &response, "/subsz");
	assert_int_equal(number_of(parsed(&response), "num_subscriptions"), 0);
	response_free(&response);

	client_get(&client, &response, "/jsz");
	json = parsed(&response);
	assert_int_equal(number_of(json, "messages"), 1);
	assert_int_equal(td_json_get(json, td_text("account_details")).kind, TD_JSON_NONE);
	response_free(&response);
	client_get(&client, &response, "/jsz?streams=true");
	first = td_json_pointer(
		parsed(&response), td_text("/account_details/0/stream_detail/0/state"));
	assert_true(number_of(first, "messages") >= 0);
	response_free(&response);
	client_close(&client);
	client_close(&other);
	house_end(house);
}

static void what_runs_it_is_shown_to_who_may_read_it(void **state)
{
	static const struct {
		const char *target;
		int by_nobody, by_reader, by_monitor;
	} rows[] = {
		{"/healthz", 200, 200, 200},
		{"/readyz", 200, 200, 200},
		{"/openapi.json", 200, 200, 200},
		{"/metrics", 401, 403, 200},
		{"/varz", 401, 403, 200},
		{"/connz", 401, 403, 200},
		{"/subsz", 401, 403, 200},
		{"/jsz", 401, 403, 200},
	};
	static const uint8_t one[32] = {1}, two[32] = {2};
	char reader[TD_TOKEN_BYTES], monitor[TD_TOKEN_BYTES];
	char line_one[TD_TOKEN_LINE_BYTES], line_two[TD_TOKEN_LINE_BYTES], text[512];
	struct house *house = calloc(1, sizeof(*house));
	struct td_access *access;
	struct td_users *users;
	struct client client;

	(void)state;
	assert_non_null(house);
	assert_int_equal(td_token_make(one, reader, line_one, NULL), 0);
	assert_int_equal(td_token_make(two, monitor, line_two, NULL), 0);
	snprintf(text, sizeof(text),
		"[user reader]\ntoken = %s\nread = >\n[user monitor]\ntoken = %s\nread = "
		"$monitor\n",
		line_one, line_two);
	assert_int_equal(td_users_new(&users, td_text(text), 1, NULL), 0);
	assert_int_equal(td_access_new(&access, &td_random_real, NULL), 0);
	assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
	house->settings.access = access;
	house_start(house);
	client_open(&client, house);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const tokens[] = {NULL, reader, monitor};
		const int wanted[] = {rows[i].by_nobody, rows[i].by_reader, rows[i].by_monitor};

		for (int who = 0; who < 3; who++) {
			struct response response;
			char field[128] = "";

			if (tokens[who] != NULL)
				snprintf(field, sizeof(field), "Authorization: Bearer %s\r\n",
					tokens[who]);
			client_ask(&client, &response, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n",
				rows[i].target, field);
			if (response.status != wanted[who])
				fail_msg("%s %d: %d", rows[i].target, who, response.status);
			response_free(&response);
		}
	}
	client_close(&client);
	house_end(house);
	td_access_free(access);
}

/* --- openapi ------------------------------------------------------------------------------ */

static size_t count_captures(const char *pattern)
{
	size_t count = 0;

	for (; *pattern != '\0'; pattern++)
		count += *pattern == '{';
	return count;
}

static void check_operation(struct td_json operation, const struct td_route *route)
{
	struct td_json_iter iter = td_json_iterate(td_json_get(operation, td_text("parameters")));
	struct td_json parameter;
	size_t in_path = 0;

	assert_true(td_json_string_is(
		td_json_get(operation, td_text("summary")), td_text(route->summary)));
	assert_int_equal(
		td_json_pointer(operation, td_text("/responses/default")).kind, TD_JSON_OBJECT);
	while (td_json_next(&iter, NULL, &parameter)) {
		/* Each is told of. */
		if (td_json_string_is(td_json_get(parameter, td_text("description")), td_text("")))
			fail_msg("%s: %.*s", route->pattern,
				TD_TEXT_ARG(td_json_get(parameter, td_text("name")).text));
		in_path +=
			td_json_string_is(td_json_get(parameter, td_text("in")), td_text("path"));
	}
	assert_int_equal(in_path, count_captures(route->pattern));
}

static void the_description_has_every_route_and_no_other(void **state)
{
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;
	struct td_json json, paths, path, name, operation;
	struct td_json_iter outer, inner;
	size_t routes = 0, operations = 0;
#define COUNT_CODE(...) +1
	const size_t codes = 0 TD_ERROR_TABLE(COUNT_CODE);

	(void)state;
	client_open(&client, house);
	client_get(&client, &response, "/openapi.json");
	assert_int_equal(response.status, 200);
	json = parsed(&response);
	assert_true(td_json_string_is(td_json_get(json, td_text("openapi")), td_text("3.1.0")));
	paths = td_json_get(json, td_text("paths"));
	for (size_t i = 0; i < td_server_routes_count; i++) {
		for (size_t j = 0; j < td_server_routes[i].count; j++) {
			const struct td_route *route = &td_server_routes[i].rows[j];
			char method[16];
			size_t n = 0;

			for (const char *at = td_http_method_name(route->method); *at != '\0'; at++)
				method[n++] = (char)(*at | 0x20);
			method[n] = '\0';
			path = td_json_get(paths, td_text(route->pattern));
			operation = td_json_get(path, td_text(method));
			if (operation.kind != TD_JSON_OBJECT)
				fail_msg("%s %s is not there", method, route->pattern);
			check_operation(operation, route);
			routes++;
		}
	}
	outer = td_json_iterate(paths);
	while (td_json_next(&outer, &name, &path)) {
		inner = td_json_iterate(path);
		while (td_json_next(&inner, &name, &operation))
			operations++;
	}
	assert_int_equal(operations, routes);
	/* All codes of the one table, and what answers refer to. */
	assert_int_equal(td_json_count(td_json_pointer(json,
				 td_text("/components/schemas/Problem/properties/code/enum"))),
		codes);
	for (const char *at = response.body; (at = strstr(at, "\"$ref\":\"#")) != NULL; at++) {
		size_t len = strcspn(at + 9, "\"");

		assert_int_equal(
			td_json_pointer(json, td_text_of(at + 9, len)).kind, TD_JSON_OBJECT);
	}
	response_free(&response);
	client_close(&client);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_is_that_it_turns_and_ready_that_it_takes_events),
		cmocka_unit_test(metrics_count_what_happened),
		cmocka_unit_test(series_do_not_grow_with_what_clients_send),
		cmocka_unit_test(tools_of_nats_server_find_what_they_look_for),
		cmocka_unit_test(what_runs_it_is_shown_to_who_may_read_it),
		cmocka_unit_test(the_description_has_every_route_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
