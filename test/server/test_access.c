/* Who comes in, over sockets: pages, credentials, permissions; passwords beside the loop. */
#include "harness.h"

#include "server/guard.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define EVENT       "{\"type\":\"OrderPlaced\",\"subject\":\"order.42\",\"data\":1}"

/* Of "letmein", cheap. */
#define HASH  "$2b$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS"
#define ANN   "Authorization: Basic YW5uOmxldG1laW4=\r\n" /* ann:letmein */
#define BOB   "Authorization: Basic Ym9iOmxldG1laW4=\r\n"
#define WRONG "Authorization: Basic YW5uOmxldG1laW0=\r\n"

static const char some[] = "[user ann]\npassword = " HASH "\npublish = order.>\nread = order.>\n"
			   "[user bob]\npassword = " HASH "\nread = >\n";

/* A house whose access is the test's. */
static struct house *house_with(struct td_access **access, const char *users)
{
	struct house *house = calloc(1, sizeof(*house));
	struct td_users *made = NULL;

	assert_non_null(house);
	assert_int_equal(td_access_new(access, &td_random_real, NULL), 0);
	if (users != NULL)
		assert_int_equal(td_users_new(&made, td_text(users), 1, NULL), 0);
	assert_int_equal(td_access_set(*access, made, td_text(""), NULL), 0);
	house->settings.access = *access;
	house_start(house);
	return house;
}

/* From here on time is the test's alone: a slow machine is no reason for anything. */
static int64_t stood_at;

static int64_t standing(void *arg)
{
	return stood_at + ((const struct house *)arg)->added;
}

static void stand_still(struct house *house)
{
	stood_at = td_clock_monotonic(&td_clock_real);
	house->clock.monotonic = standing;
}

static int publish(struct client *client, const char *fields, const char *event, char *slug)
{
	struct response response;
	char all[512];
	const char *code;
	int status;

	snprintf(all, sizeof(all), "Content-Type: application/json\r\n%s", fields);
	client_post(client, &response, "/v1/events", all, event);
	status = response.status;
	code = strstr(response.body, "\"code\":\"");
	snprintf(slug, 64, "%.*s", code != NULL ? (int)strcspn(code + 8, "\"") : 0,
		code != NULL ? code + 8 : "");
	if (status == 401) {
		assert_non_null(strstr(response.head, "\r\nWWW-Authenticate: Basic "));
		assert_null(strstr(response.body, "letme"));
	}
	response_free(&response);
	return status;
}

static void open_to_this_machine_and_its_pages_alone(void **state)
{
	static const struct {
		const char *host, *fields;
		int status;
	} rows[] = {
		{"localhost", "", 201},
		{"127.0.0.1:8222", "", 201},
		{"evil.example", "", 403},
		{"localhost", "Origin: http://localhost:3000\r\n", 201},
		{"localhost", "Origin: https://evil.example\r\n", 403},
		{"localhost", "Origin: null\r\n", 403},
		{"localhost", "Authorization: Bearer whatever\r\n", 201},
	};
	struct house *house = house_new(NULL);
	struct client client;
	struct response response;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		client_open(&client, house);
		client_ask(&client, &response,
			"POST /v1/events HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n"
			"Content-Type: application/json\r\n%s\r\n%s",
			rows[i].host, strlen(EVENT), rows[i].fields, EVENT);
		if (response.status != rows[i].status)
			fail_msg("row %zu: %d %s", i, response.status, response.body);
		if (response.status == 403)
			assert_non_null(strstr(response.body, "\"code\":\"forbidden\""));
		response_free(&response);
		client_close(&client);
	}
	house_end(house);
}

static void what_is_shown_decides(void **state)
{
	static const struct {
		const char *fields, *event;
		int status;
		const char *slug;
	} rows[] = {
		{"", EVENT, 401, "unauthenticated"},
		{WRONG, EVENT, 401, "unauthenticated"},
		{"Authorization: Bearer td_nothing\r\n", EVENT, 401, "unauthenticated"},
		{ANN, EVENT, 201, ""},
		{ANN, EVENT, 201, ""}, /* remembered */
		{ANN, "{\"type\":\"A\",\"subject\":\"invoice.1\",\"data\":1}", 403, "forbidden"},
		{BOB, EVENT, 403, "forbidden"}, /* may read, and nothing else */
		{ANN ANN, EVENT, 400, "invalid-argument"},
		{"Authorization: Basic ?\r\n", EVENT, 400, "invalid-argument"},
		{ANN "Origin: https://evil.example\r\n", EVENT, 403, "forbidden"},
		{ANN "Origin: http://localhost\r\n", EVENT, 201, ""},
	};
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct client client;
	char slug[64];

	(void)state;
	client_open(&client, house);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int status = publish(&client, rows[i].fields, rows[i].event, slug);

		if (status != rows[i].status || strcmp(slug, rows[i].slug) != 0)
			fail_msg("row %zu: %d %s", i, status, slug);
	}
	client_close(&client);
	house_end(house);
	td_access_free(access);
}

static void requests_behind_a_password_wait_in_their_order(void **state)
{
	enum { COUNT = 5 };
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct client clients[COUNT];
	struct response response;

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		client_open(&clients[i], house);
		for (int j = 0; j < 3; j++) {
			char text[512];

			snprintf(text, sizeof(text),
				"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n%s"
				"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				j == 1 ? WRONG : ANN, strlen(EVENT), EVENT);
			client_send(&clients[i], text);
		}
	}
	for (int i = 0; i < COUNT; i++) {
		for (int j = 0; j < 3; j++) {
			client_answer(&clients[i], &response, true);
			assert_int_equal(response.status, j == 1 ? 401 : 201);
			response_free(&response);
		}
		client_close(&clients[i]);
	}
	house_end(house);
	td_access_free(access);
}

static void who_hangs_up_while_a_password_is_looked_at_harms_nobody(void **state)
{
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct client gone, stays;
	char slug[64];

	(void)state;
	for (int i = 0; i < 20; i++) {
		client_open(&gone, house);
		client_send(&gone, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n" WRONG "\r\n");
		for (int turns = 0; turns < i % 4; turns++)
			house_turn(house);
		client_close(&gone);
	}
	client_open(&stays, house);
	assert_int_equal(publish(&stays, ANN, EVENT, slug), 201);
	client_close(&stays);
	house_end(house); /* what is out comes back before anything goes */
	td_access_free(access);
}

static void too_many_wrong_passwords_of_a_name_are_429(void **state)
{
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct client client;
	char slug[64];

	(void)state;
	stand_still(house);
	client_open(&client, house);
	for (unsigned i = 0; i < TD_WRONG_NAME; i++)
		assert_int_equal(publish(&client, WRONG, EVENT, slug), 401);
	assert_int_equal(publish(&client, WRONG, EVENT, slug), 429);
	assert_string_equal(slug, "limit-reached");
	assert_int_equal(publish(&client, ANN, EVENT, slug), 429);
	pass(house, TD_WRONG_NAME_MS);
	assert_int_equal(publish(&client, ANN, EVENT, slug), 201);
	client_close(&client);
	house_end(house);
	td_access_free(access);
}

static void other_users_count_from_the_next_request_on(void **state)
{
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct td_users *users;
	struct client client;
	char slug[64];

	(void)state;
	client_open(&client, house);
	assert_int_equal(publish(&client, ANN, EVENT, slug), 201);
	assert_int_equal(td_users_new(&users, td_text("[user bob]\n"), 1, NULL), 0);
	assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
	assert_int_equal(publish(&client, ANN, EVENT, slug), 401);
	assert_int_equal(td_access_set(access, NULL, td_text(""), NULL), 0);
	assert_int_equal(publish(&client, "", EVENT, slug), 201);
	client_close(&client);
	house_end(house);
	td_access_free(access);
	td_access_free(NULL);
}

static void streams_and_waits_of_who_may_less_are_cut_off(void **state)
{
	static const char *const requests[] = {
		"GET /v1/events/follow?subject=order.%3E HTTP/1.1\r\nHost: localhost\r\n" ANN
		"\r\n",
		"GET /v1/events?subject=order.%3E&from=1000&wait=60s HTTP/1.1\r\nHost: "
		"localhost\r\n" ANN "\r\n",
	};
	struct td_access *access;
	struct house *house = house_with(&access, some);
	struct td_users *users;
	struct client client, bob;
	char slug[64];

	(void)state;
	client_open(&bob, house);
	client_send(&bob, "GET /v1/events/follow HTTP/1.1\r\nHost: localhost\r\n" BOB "\r\n");
	assert_true(client_await(&bob, "200 OK"));
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		assert_int_equal(td_users_new(&users, td_text(some), 1, NULL), 0);
		assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
		assert_int_equal(
			td_access_cut(house->server), 0); /* the same: nobody is disturbed */
		client_open(&client, house);
		assert_int_equal(publish(&client, ANN, EVENT, slug), 201);
		client_send(&client, requests[i]);
		for (int turns = 0; turns < 200; turns++)
			house_turn(house);
		(void)client_receive(&client);
		assert_false(client.ended);
		assert_int_equal(td_users_new(&users,
					 td_text("[user bob]\npassword = " HASH
						 "\nread = >\n[user ann]\npassword = " HASH
						 "\npublish = order.>\n"),
					 1, NULL),
			0);
		assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
		if (td_access_cut(house->server) != 1)
			fail_msg("request %zu: %.*s", i, (int)client.in.len, client.in.at);
		client_await_end(&client);
		client_close(&client);
	}
	while (client_receive(&bob))
		continue;
	assert_false(bob.ended);
	client_close(&bob);
	house_end(house);
	td_access_free(access);
}

static struct td_users *users_with(const char *rules)
{
	char text[256];
	struct td_users *users;

	snprintf(text, sizeof(text), "[user a]\ncertificate = dns:a\n%s\n", rules);
	assert_int_equal(td_users_new(&users, td_text(text), 1, NULL), 0);
	return users;
}

static void who_was_let_in_stands_while_it_may_the_same(void **state)
{
	static const struct {
		const char *rules;
		bool stands;
	} rows[] = {
		{"read = a.> b", true},
		{"# another file\nread = a.>\nread = b", true},
		{"read = a.>", false},
		{"read = a.> b\nnot-read = b", false},
		{"publish = a.> b", false},
		{"read = a.> b c", false},
		{"token = sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
		 "read = a.> b",
			true},
	};
	struct td_access *access;
	struct td_users *users;
	const struct td_identity *identity;

	(void)state;
	assert_int_equal(td_access_new(&access, &td_random_real, NULL), 0);
	assert_true(td_access_stands(NULL, NULL) && td_access_stands(access, NULL));
	users = users_with("read = a.> b");
	identity = td_identity_ref(td_users_by_certificate(users, td_text("dns:a")));
	assert_false(td_access_stands(access, identity)); /* everybody is let in */
	assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
	assert_true(td_access_stands(access, identity));
	assert_false(td_access_stands(access, NULL));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
			td_access_set(access, users_with(rows[i].rules), td_text(""), NULL), 0);
		if (td_access_stands(access, identity) != rows[i].stands)
			fail_msg("row %zu", i);
	}
	assert_int_equal(td_users_new(&users, td_text("[user a]\nread = a.> b"), 1, NULL), 0);
	assert_int_equal(td_access_set(access, users, td_text(""), NULL), 0);
	assert_false(td_access_stands(access, identity)); /* its certificate is nobody's now */
	td_identity_unref(identity);
	td_access_free(access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_to_this_machine_and_its_pages_alone),
		cmocka_unit_test(what_is_shown_decides),
		cmocka_unit_test(requests_behind_a_password_wait_in_their_order),
		cmocka_unit_test(who_hangs_up_while_a_password_is_looked_at_harms_nobody),
		cmocka_unit_test(too_many_wrong_passwords_of_a_name_are_429),
		cmocka_unit_test(other_users_count_from_the_next_request_on),
		cmocka_unit_test(streams_and_waits_of_who_may_less_are_cut_off),
		cmocka_unit_test(who_was_let_in_stands_while_it_may_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
