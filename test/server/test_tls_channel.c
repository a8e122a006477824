/* HTTP over TLS, over sockets: handshakes beside the loop, and connections that end in any way. */
#include "harness.h"

#include "server/access.h"
#include "server/tls_channel.h"
#include "tls_peer.h"

#define EVENT "{\"type\":\"OrderPlaced\",\"subject\":\"order.42\",\"data\":{\"total\":7.50}}"

static struct maker root, server, ann;

static int make_certificates(void **state)
{
	(void)state;
	root = maker_new(NULL, "root", NULL);
	server = maker_new(&root, "server", "DNS:localhost,IP:127.0.0.1");
	ann = maker_new(&root, "ann", "DNS:ann.example.org");
	return 0;
}

static int drop_certificates(void **state)
{
	(void)state;
	maker_free(&root);
	maker_free(&server);
	maker_free(&ann);
	return 0;
}

struct secure {
	struct house *house;
	struct td_tls_gate gate;
	struct td_access *access;
};

static struct td_tls_context *context_new(void)
{
	const struct td_tls_options options = {.certificate = td_text(server.certificate_pem),
		.key = td_text(server.key_pem),
		.client_ca = td_text(root.certificate_pem)};
	struct td_tls_context *context = NULL;

	assert_int_equal(td_tls_context_new(&context, &options, NULL), 0);
	return context;
}

static void secure_start(struct secure *secure, const char *users)
{
	struct td_users *made = NULL;

	memset(secure, 0, sizeof(*secure));
	secure->house = calloc(1, sizeof(*secure->house));
	assert_non_null(secure->house);
	assert_int_equal(td_access_new(&secure->access, &td_random_real, NULL), 0);
	if (users != NULL)
		assert_int_equal(td_users_new(&made, td_text(users), 1, NULL), 0);
	assert_int_equal(td_access_set(secure->access, made, td_text(""), NULL), 0);
	td_tls_gate_set(&secure->gate, context_new());
	secure->house->settings.access = secure->access;
	secure->house->settings.http_channel = td_tls_channel;
	secure->house->settings.http_channel_arg = &secure->gate;
	house_start(secure->house);
	secure->gate.tasks = secure->house->server->seams.work;
	secure->gate.tasks_out = &secure->house->server->tasks_out;
}

static void secure_end(struct secure *secure)
{
	house_end(secure->house);
	td_tls_gate_set(&secure->gate, NULL);
	td_access_free(secure->access);
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

/* --- a client ----------------------------------------------------------------------------- */

struct talk {
	struct client client;
	struct peer peer;
};

static void talk_open(struct talk *talk, struct secure *secure, const struct maker *shows)
{
	client_open(&talk->client, secure->house);
	talk->peer = peer_new(&root, shows, TLS1_3_VERSION);
}

static void talk_close(struct talk *talk)
{
	peer_free(&talk->peer);
	client_close(&talk->client);
}

/* What the client's machine has to say goes out; what came goes in. */
static void talk_step(struct talk *talk)
{
	char bytes[4096];
	size_t got, put;

	while (BIO_read_ex(talk->peer.out, bytes, sizeof(bytes), &got) == 1)
		client_send_bytes(&talk->client, bytes, got);
	house_turn(talk->client.house);
	while (client_receive(&talk->client))
		continue;
	if (talk->client.in.len > 0) {
		maker_must(
			BIO_write_ex(talk->peer.in, talk->client.in.at, talk->client.in.len, &put));
		client_take(&talk->client, put);
	}
}

/* true: the handshake is done; false: the server ended it. */
static bool talk_shake(struct talk *talk)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;

	while (SSL_do_handshake(talk->peer.ssl) != 1) {
		talk_step(talk);
		if (talk->client.ended)
			return false;
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
	talk_step(talk);
	return true;
}

static void talk_say(struct talk *talk, const char *text)
{
	size_t put;

	maker_must(SSL_write_ex(talk->peer.ssl, text, strlen(text), &put));
	assert_int_equal(put, strlen(text));
}

/* Plain bytes until `wanted` is among them; what was heard, to be freed. */
static char *talk_hear(struct talk *talk, const char *wanted)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;
	struct td_buf heard = TD_BUF_INIT(64u << 20);
	struct td_bytes bytes;

	td_buf_add(&heard, "", 0);
	while (heard.len == 0 || memmem(heard.at, heard.len, wanted, strlen(wanted)) == NULL) {
		char plain[16384];
		size_t got;

		if (SSL_read_ex(talk->peer.ssl, plain, sizeof(plain), &got) == 1) {
			td_buf_add(&heard, plain, got);
			continue;
		}
		talk_step(talk);
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
	td_buf_detach(&heard, &bytes);
	return bytes.at;
}

static void talk_ask(struct talk *talk, const char *request, const char *wanted)
{
	talk_say(talk, request);
	free(talk_hear(talk, wanted));
}

static const char publish[] = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
			      "Content-Type: application/json\r\nContent-Length: 65\r\n\r\n" EVENT;

/* --- tests -------------------------------------------------------------------------------- */

static void requests_are_answered_as_without_it(void **state)
{
	struct secure secure;
	struct talk talk;

	(void)state;
	assert_int_equal(strlen(EVENT), 65);
	secure_start(&secure, NULL);
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	for (int i = 0; i < 3; i++)
		talk_ask(&talk, publish, "\"position\"");
	assert_int_equal(secure.gate.handshakes, 1);
	assert_int_equal(secure.gate.failures, 0);
	/* The first of a row may come together with the end of the handshake. */
	talk_say(&talk, publish);
	talk_say(&talk, publish);
	free(talk_hear(&talk, "\"seq\":4"));
	talk_close(&talk);
	secure_end(&secure);
}

static void a_request_that_comes_with_the_end_of_the_handshake_is_heard(void **state)
{
	struct secure secure;
	struct talk talk;

	(void)state;
	secure_start(&secure, NULL);
	talk_open(&talk, &secure, NULL);
	while (SSL_do_handshake(talk.peer.ssl) != 1)
		talk_step(&talk);
	talk_say(&talk, publish); /* in one piece with Finished */
	free(talk_hear(&talk, "\"position\""));
	talk_close(&talk);
	secure_end(&secure);
}

static void a_certificate_is_who_asks(void **state)
{
	struct secure secure;
	struct talk talk;

	(void)state;
	secure_start(&secure, "[user ann]\ncertificate = dns:ann.example.org\npublish = order.>\n");
	talk_open(&talk, &secure, &ann);
	assert_true(talk_shake(&talk));
	talk_ask(&talk, publish, "\"position\"");
	talk_close(&talk);
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	talk_ask(&talk, publish, "\"unauthenticated\"");
	talk_close(&talk);
	talk_open(&talk, &secure, &server); /* signed by the same, and nobody's */
	assert_true(talk_shake(&talk));
	talk_ask(&talk, publish, "\"unauthenticated\"");
	talk_close(&talk);
	secure_end(&secure);
}

static void an_end_is_said_and_heard(void **state)
{
	struct secure secure;
	struct talk talk;
	char byte;

	(void)state;
	secure_start(&secure, NULL);
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	talk_ask(&talk, "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"\"status\":404");
	while (!talk.client.ended)
		talk_step(&talk);
	assert_int_equal(SSL_read(talk.peer.ssl, &byte, 1), 0);
	assert_int_equal(SSL_get_error(talk.peer.ssl, 0), SSL_ERROR_ZERO_RETURN);
	talk_close(&talk);
	secure_end(&secure);
}

static void what_is_no_tls_is_told_so_and_closed(void **state)
{
	struct secure secure;
	struct client client;

	(void)state;
	secure_start(&secure, NULL);
	client_open(&client, secure.house);
	client_send(&client, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_await_end(&client);
	assert_true(client.in.len == 0 || client.in.at[0] == 0x15); /* an alert, if anything */
	assert_int_equal(secure.gate.failures, 1);
	client_close(&client);
	secure_end(&secure);
}

static void a_handshake_has_as_long_as_a_head(void **state)
{
	struct secure secure;
	struct client client;
	struct talk talk;

	(void)state;
	secure_start(&secure, NULL);
	stand_still(secure.house);
	client_open(&client, secure.house);
	client_send_bytes(&client, "\x16\x03\x01", 3);
	house_turn(secure.house);
	pass(secure.house, 9000);
	house_turn(secure.house);
	assert_int_equal(secure.house->server->sessions_count, 1);
	pass(secure.house, 2000);
	client_await_end(&client);
	client_close(&client);
	/* Once it is done there is the time of an idle connection. */
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	pass(secure.house, 11000);
	talk_ask(&talk, publish, "\"position\"");
	talk_close(&talk);
	secure_end(&secure);
}

static void who_hangs_up_during_a_handshake_harms_nobody(void **state)
{
	struct secure secure;
	struct talk talk;

	(void)state;
	secure_start(&secure, NULL);
	for (int i = 0; i < 40; i++) {
		talk_open(&talk, &secure, NULL);
		(void)SSL_do_handshake(talk.peer.ssl);
		for (int steps = 0; steps < i % 5; steps++)
			talk_step(&talk);
		talk_close(&talk);
	}
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	talk_ask(&talk, publish, "\"position\"");
	talk_close(&talk);
	/* One is out while all is closed. */
	talk_open(&talk, &secure, NULL);
	(void)SSL_do_handshake(talk.peer.ssl);
	talk_step(&talk);
	secure_end(&secure);
	peer_free(&talk.peer);
	close(talk.client.socket);
	td_buf_fini(&talk.client.in);
}

static void another_certificate_is_for_new_connections(void **state)
{
	struct secure secure;
	struct talk old, now;

	(void)state;
	secure_start(&secure, NULL);
	talk_open(&old, &secure, NULL);
	assert_true(talk_shake(&old));
	td_tls_gate_set(&secure.gate, context_new());
	talk_open(&now, &secure, NULL);
	assert_true(talk_shake(&now));
	talk_ask(&old, publish, "\"position\"");
	talk_ask(&now, publish, "\"position\"");
	talk_close(&old);
	talk_close(&now);
	secure_end(&secure);
}

static void many_bytes_come_through_a_slow_reader(void **state)
{
	struct secure secure;
	struct talk talk;
	char *heard, *body = malloc(900000);
	char head[256];

	(void)state;
	assert_non_null(body);
	memset(body, 'x', 900000);
	secure_start(&secure, NULL);
	talk_open(&talk, &secure, NULL);
	assert_true(talk_shake(&talk));
	snprintf(head, sizeof(head),
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nce-specversion: 1.0\r\nce-id: 1\r\n"
		"ce-source: /a\r\nce-type: A\r\nContent-Type: text/plain\r\n"
		"Content-Length: 900000\r\n\r\n");
	talk_say(&talk, head);
	for (size_t at = 0; at < 900000; at += 9000) {
		size_t put;

		maker_must(SSL_write_ex(talk.peer.ssl, body + at, 9000, &put) && put == 9000);
		talk_step(&talk);
	}
	heard = talk_hear(&talk, "\"position\"");
	assert_non_null(strstr(heard, "HTTP/1.1 201"));
	free(heard);
	free(body);
	talk_close(&talk);
	secure_end(&secure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_as_without_it),
		cmocka_unit_test(a_request_that_comes_with_the_end_of_the_handshake_is_heard),
		cmocka_unit_test(a_certificate_is_who_asks),
		cmocka_unit_test(an_end_is_said_and_heard),
		cmocka_unit_test(what_is_no_tls_is_told_so_and_closed),
		cmocka_unit_test(a_handshake_has_as_long_as_a_head),
		cmocka_unit_test(who_hangs_up_during_a_handshake_harms_nobody),
		cmocka_unit_test(another_certificate_is_for_new_connections),
		cmocka_unit_test(many_bytes_come_through_a_slow_reader),
	};

	return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
