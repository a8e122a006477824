#include "harness.h"

static uint64_t publish(struct client *client, const char *subject, int n)
{
	struct response response;
	uint64_t position;
	char text[512];

	snprintf(text, sizeof(text),
		"{\"type\":\"Told\",\"subject\":\"%s\",\"id\":\"%s-%d\",\"data\":{\"n\":%d}}",
		subject, subject, n, n);
	client_publish(client, &response, text);
	assert_int_equal(response.status, 201);
	position = number_in(response.body, "position");
	response_free(&response);
	return position;
}

static void follow(struct client *client, struct house *house, const char *query, uint64_t last)
{
	char text[512], field[64] = "";

	client_open(client, house);
	if (last > 0)
		snprintf(field, sizeof(field), "Last-Event-ID: %llu\r\n", (unsigned long long)last);
	snprintf(text, sizeof(text),
		"GET /v1/events/follow%s HTTP/1.1\r\nHost: localhost\r\nAccept: "
		"text/event-stream\r\n%s\r\n",
		query, field);
	client_send(client, text);
	assert_true(client_await(client, "\r\n\r\n"));
	assert_non_null(client_find(client, "HTTP/1.1 200"));
	assert_non_null(client_find(client, "Content-Type: text/event-stream"));
	assert_true(client_await(client, "retry: "));
}

/* All numbers n that came, in order, without gap and repeat, from..to; then they are taken. */
static void expect_run(struct client *client, int from, int to)
{
	char text[64];
	const char *at;

	snprintf(text, sizeof(text), "\"data\":{\"n\":%d}", to);
	assert_true(client_await(client, text));
	at = client->in.at;
	for (int n = from; n <= to; n++) {
		at = strstr(at, "\"data\":{\"n\":");
		assert_non_null(at);
		assert_int_equal(atoi(at + 12), n);
		at += 12;
	}
	if (strstr(at, "\"data\":{\"n\":") != NULL)
		fail_msg("more than %d to %d: %s", from, to, client->in.at);
	client_take(client, client->in.len);
}

static void a_follower_is_sent_what_comes(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client speaks, all, some;

	(void)state;
	client_open(&speaks, house);
	publish(&speaks, "old.1", 0);
	follow(&all, house, "", 0);
	follow(&some, house, "?subject=b.*&type=Told", 0);
	for (int i = 1; i <= 10; i++)
		publish(&speaks, i == 5 || i == 6 ? "b.1" : "a.1", i);
	expect_run(&all, 1, 10);
	expect_run(&some, 5, 6);
	client_close(&speaks);
	client_close(&all);
	client_close(&some);
	house_end(house);
}

static void who_comes_back_goes_on_behind_what_it_has_seen(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client speaks, follower;
	uint64_t third = 0;

	(void)state;
	client_open(&speaks, house);
	for (int i = 1; i <= 8; i++) {
		uint64_t position = publish(&speaks, "a.1", i);

		if (i == 3)
			third = position;
	}
	follow(&follower, house, "", third);
	expect_run(&follower, 4, 8);
	publish(&speaks, "a.1", 9);
	expect_run(&follower, 9, 9);
	client_close(&follower);
	client_close(&speaks);
	/* Across a restart, too. */
	house_stop(house);
	house_start(house);
	client_open(&speaks, house);
	follow(&follower, house, "?subject=a.1", third);
	publish(&speaks, "a.1", 10);
	expect_run(&follower, 4, 10);
	client_close(&follower);
	client_close(&speaks);
	house_end(house);
}

static void a_follower_begins_where_it_says(void **state)
{
	struct house *house = house_new(NULL);
	struct client speaks, follower;
	char query[64];
	uint64_t position = 0;

	(void)state;
	client_open(&speaks, house);
	for (int i = 1; i <= 5; i++)
		position = publish(&speaks, "a.1", i);
	snprintf(query, sizeof(query), "?from=%llu", (unsigned long long)position - 1);
	follow(&follower, house, query, 0);
	expect_run(&follower, 4, 5);
	client_close(&follower);
	follow(&follower, house, "?from=a.1-2", 0);
	expect_run(&follower, 2, 5);
	client_close(&follower);
	follow(&follower, house, "?from=2000-01-01T00:00:00Z", 0);
	expect_run(&follower, 1, 5);
	client_close(&follower);
	client_close(&speaks);
	house_end(house);
}

static void a_silent_stream_says_that_it_lives_and_how_far_it_is(void **state)
{
	struct house *house = house_new(NULL);
	struct client speaks, follower;
	char text[64];
	uint64_t position;

	(void)state;
	client_open(&speaks, house);
	follow(&follower, house, "?subject=nothing", 0);
	position = publish(&speaks, "a.1", 1);
	client_take(&follower, follower.in.len);
	pass(house, 15001);
	snprintf(text, sizeof(text), ":\nid: %llu\n\n", (unsigned long long)position);
	assert_true(client_await(&follower, text));
	client_close(&follower);
	client_close(&speaks);
	house_end(house);
}

/* Nothing is lost, and memory stays bounded, for one who reads slower than we write. */
static void a_slow_follower_is_caught_up_with_when_it_reads(void **state)
{
	struct td_server_limits limits = {.follower_bytes_max = 8192, .feed_bytes_max = 4096};
	struct house *house = house_on_disk(&limits);
	struct client speaks, follower;
	int small = 65536;

	(void)state;
	client_open(&speaks, house);
	client_open(&follower, house);
	setsockopt(follower.socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(&follower, "GET /v1/events/follow?from=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (house->server->feed == NULL || house->server->counters.requests == 0)
		house_turn(house);
	for (int i = 1; i <= 20000; i += 500) {
		struct response response;
		struct td_buf batch = TD_BUF_INIT(1u << 20);

		td_buf_add_char(&batch, '[');
		for (int j = i; j < i + 500; j++)
			td_buf_printf(&batch,
				"%s{\"type\":\"T\",\"subject\":\"a\",\"data\":{\"n\":%d}}",
				j > i ? "," : "", j);
		td_buf_add_string(&batch, "]");
		assert_int_equal(batch.code, 0);
		client_publish(&speaks, &response, batch.at);
		assert_int_equal(response.status, 201);
		response_free(&response);
		td_buf_fini(&batch);
		for (const struct td_session *s = house->server->sessions; s != NULL; s = s->next)
			assert_true(s->out_bytes <= 2 * 8192 + 1024);
	}
	expect_run(&follower, 1, 20000);
	client_close(&follower);
	client_close(&speaks);
	house_end(house);
}

static void one_who_takes_nothing_is_told_where_to_go_on_and_ended(void **state)
{
	struct td_server_limits limits = {.follower_bytes_max = 65536};
	struct house *house = house_new(&limits);
	struct client speaks, follower;
	struct response response;
	char *data = malloc(40001), *text = malloc(50000);
	int small = 65536;
	const char *gap;

	(void)state;
	assert_true(data != NULL && text != NULL);
	memset(data, 'x', 40000);
	data[40000] = '\0';
	snprintf(text, 50000, "{\"type\":\"T\",\"subject\":\"a\",\"data\":\"%s\"}", data);
	client_open(&speaks, house);
	client_open(&follower, house);
	setsockopt(follower.socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(&follower, "GET /v1/events/follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
	while (house->server->counters.requests == 0)
		house_turn(house);
	for (int i = 0; i < 200; i++) { /* more than the system keeps for it */
		client_publish(&speaks, &response, text);
		assert_int_equal(response.status, 201);
		response_free(&response);
	}
	for (int i = 0; i < 100 && house->server->counters.gaps == 0; i++) {
		pass(house, 30001);
		house_turn(house);
	}
	assert_int_equal(house->server->counters.gaps, 1);
	client_await_end(&follower);
	gap = client_find(&follower, "event: gap");
	assert_non_null(gap);
	assert_non_null(strstr(gap, "\"resume\":"));
	/* Its id is the one of the last event that came whole. */
	{
		const char *id = gap, *before = client_find(&follower, "\"tdposition\""),
			   *last = NULL;
		char wanted[64];

		while (before != NULL && before < gap) {
			last = before;
			before = strstr(before + 1, "\"tdposition\"");
		}
		assert_non_null(last);
		snprintf(wanted, sizeof(wanted), "id: %llu\n", strtoull(last + 14, NULL, 10));
		while (strncmp(id, "id: ", 4) != 0)
			id--;
		assert_memory_equal(id, wanted, strlen(wanted));
	}
	client_close(&follower);
	client_close(&speaks);
	free(data);
	free(text);
	house_end(house);
}

static void followers_come_and_go_and_leave_nothing(void **state)
{
	struct house *house = house_on_disk(NULL);
	struct client speaks, followers[20];

	(void)state;
	client_open(&speaks, house);
	publish(&speaks, "a.1", 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++)
			follow(&followers[i], house, i % 2 != 0 ? "?from=1" : "?subject=a.*", 0);
		publish(&speaks, "a.1", 2 + round);
		for (int i = 0; i < 20; i++)
			client_close(&followers[i]);
		while (house->server->sessions_count > 1)
			house_turn(house);
	}
	while (house->server->tasks_out > 0)
		house_turn(house);
	assert_int_equal(house->server->exchanges_count, 0);
	client_close(&speaks);
	house_end(house);
}

static void a_stop_ends_streams_with_their_last_chunk(void **state)
{
	struct house *house = house_new(NULL);
	struct client follower;

	(void)state;
	follow(&follower, house, "", 0);
	td_server_ask_stop(house->server);
	client_await_end(&follower);
	assert_non_null(client_find(&follower, "\r\n0\r\n\r\n"));
	client_close(&follower);
	house_end(house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_follower_is_sent_what_comes),
		cmocka_unit_test(who_comes_back_goes_on_behind_what_it_has_seen),
		cmocka_unit_test(a_follower_begins_where_it_says),
		cmocka_unit_test(a_silent_stream_says_that_it_lives_and_how_far_it_is),
		cmocka_unit_test(a_slow_follower_is_caught_up_with_when_it_reads),
		cmocka_unit_test(one_who_takes_nothing_is_told_where_to_go_on_and_ended),
		cmocka_unit_test(followers_come_and_go_and_leave_nothing),
		cmocka_unit_test(a_stop_ends_streams_with_their_last_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
