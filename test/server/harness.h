/*
 * harness: a server in this process, over real sockets on 127.0.0.1 and a directory of its own,
 * and clients that send raw bytes. One thread: while a client waits, the server turns. The clock is the
 * real one plus what a test adds (pass()), so that no test waits for time.
 */
#ifndef TEST_SERVER_HARNESS_H
#define TEST_SERVER_HARNESS_H

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/inside.h"

#define GIVE_UP_NS (60 * INT64_C(1000000000))

struct house {
	char dir[64];
	struct td_loop *loop;
	struct td_net net;
	struct td_task_pool *commits, *chores, *work;
	struct td_clock clock;
	int64_t added, begun;
	struct td_server_settings settings;
	struct td_server *server;
	uint16_t port;
	enum td_server_state state;
	char said[4096]; /* to the operator */
};

static int64_t house_monotonic(void *arg)
{
	const struct house *house = arg;

	return td_clock_monotonic(&td_clock_real) + house->added;
}

static td_time house_wall(void *arg)
{
	const struct house *house = arg;

	return td_clock_wall(&td_clock_real) + house->added;
}

static void house_say(void *arg, enum td_severity severity, const char *text)
{
	struct house *house = arg;
	size_t len = strlen(house->said);

	(void)severity;
	snprintf(house->said + len, sizeof(house->said) - len, "%s\n", text);
}

static inline void house_start(struct house *house)
{
	struct td_net_address address = {.family = 4, .bytes = {127, 0, 0, 1}};
	struct td_error err = TD_ERROR_INIT;
	struct td_server_seams seams;

	house->begun = td_clock_monotonic(&td_clock_real);
	house->clock = (struct td_clock){house_wall, house_monotonic, house};
	assert_int_equal(td_loop_new(&house->loop, NULL), 0);
	assert_int_equal(td_net_real_open(&house->net, house->loop, NULL), 0);
	assert_int_equal(td_task_pool_new(&house->commits, "commit", 1, house->loop, NULL), 0);
	assert_int_equal(td_task_pool_new(&house->chores, "chores", 1, house->loop, NULL), 0);
	assert_int_equal(td_task_pool_new(&house->work, "work", 2, house->loop, NULL), 0);
	seams = (struct td_server_seams){
		.clock = &house->clock,
		.random = &td_random_real,
		.disk = &td_disk_real,
		.net = &house->net,
		.commits = td_task_pool_tasks(house->commits),
		.chores = td_task_pool_tasks(house->chores),
		.work = td_task_pool_tasks(house->work),
	};
	house->settings.data = house->dir[0] != '\0' ? house->dir : NULL;
	house->settings.http = &address;
	house->settings.http_count = 1;
	house->settings.log = (struct td_server_log){house_say, house};
	if (td_server_open(&house->server, &seams, &house->settings, NULL, &err) != 0)
		fail_msg("open: %s", err.text);
	assert_true(td_server_address(house->server, 0, &address));
	house->port = address.port;
	house->state = TD_SERVER_RUNS;
}

static inline void house_pools_end(struct house *house)
{
	td_task_pool_free(house->commits);
	td_task_pool_free(house->chores);
	td_task_pool_free(house->work);
	td_net_real_close(&house->net);
	td_loop_free(house->loop);
	house->server = NULL;
}

/* A crash: nothing more is written. */
static inline void house_crash(struct house *house)
{
	td_task_pool_free(house->commits); /* what was handed out ends, and is not brought back */
	house->commits = NULL;
	td_task_pool_free(house->chores);
	house->chores = NULL;
	td_task_pool_free(house->work);
	house->work = NULL;
	td_server_abandon(house->server);
	house_pools_end(house);
}

static inline void house_turn(struct house *house)
{
	int64_t soon =
		td_clock_monotonic(&td_clock_real) + 1000000; /* the net waits in this world */

	assert_true(soon - house->begun < 2 * GIVE_UP_NS); /* no test waits for ever */
	house->state = td_server_turn(house->server, soon);
	td_server_verify(house->server);
}

static inline void house_stop(struct house *house)
{
	struct td_error err = TD_ERROR_INIT;

	td_server_stop(house->server);
	while (house->state == TD_SERVER_RUNS)
		house_turn(house);
	assert_int_equal(house->state, TD_SERVER_STOPPED);
	if (td_server_close(house->server, &err) != 0)
		fail_msg("close: %s", err.text);
	house_pools_end(house);
}

static inline void pass(struct house *house, int64_t ms)
{
	house->added += ms * 1000000;
}

/* On a store in memory; `limits` may be NULL. */
static inline struct house *house_new(const struct td_server_limits *limits)
{
	struct house *house = calloc(1, sizeof(*house));

	assert_non_null(house);
	if (limits != NULL)
		house->settings.limits = *limits;
	house_start(house);
	return house;
}

static inline struct house *house_on_disk(const struct td_server_limits *limits)
{
	struct house *house = calloc(1, sizeof(*house));

	assert_non_null(house);
	strcpy(house->dir, "/tmp/td-server-XXXXXX");
	assert_non_null(mkdtemp(house->dir));
	if (limits != NULL)
		house->settings.limits = *limits;
	house_start(house);
	return house;
}

static inline void house_end(struct house *house)
{
	char command[128];

	if (house->server != NULL)
		house_stop(house);
	if (house->dir[0] != '\0') {
		snprintf(command, sizeof(command), "rm -rf %s", house->dir);
		assert_int_equal(system(command), 0);
	}
	free(house);
}

/* --- clients ------------------------------------------------------------------------------ */

struct client {
	struct house *house;
	int socket;
	struct td_buf in; /* received and not taken */
	bool ended;       /* the server sends no more */
	bool broken;
};

static inline void client_open(struct client *client, struct house *house)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(house->port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*client = (struct client){.house = house};
	td_buf_init(&client->in, 256u << 20);
	client->socket = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(client->socket >= 0);
	assert_int_equal(connect(client->socket, (struct sockaddr *)&to, sizeof(to)), 0);
}

static inline void client_close(struct client *client)
{
	close(client->socket);
	td_buf_fini(&client->in);
}

static inline void client_send_bytes(struct client *client, const char *bytes, size_t len)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;

	while (len > 0) {
		ssize_t n = send(client->socket, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			client->broken = true;
			return;
		}
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			house_turn(client->house);
			assert_true(td_clock_monotonic(&td_clock_real) < until);
			continue;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

static inline void client_send(struct client *client, const char *text)
{
	client_send_bytes(client, text, strlen(text));
}

/* What has come. false: nothing. */
static inline bool client_receive(struct client *client)
{
	char *at = td_buf_reserve(&client->in, 64u << 10);
	ssize_t n;

	assert_non_null(at);
	n = recv(client->socket, at, 64u << 10, MSG_DONTWAIT);
	if (n > 0)
		client->in.at[client->in.len += (size_t)n] = '\0';
	else if (n == 0)
		client->ended = true;
	else if (errno != EAGAIN)
		client->ended = client->broken = true;
	return n > 0;
}

/* Turn the server until `text` has come; what was received up to its end is NUL-terminated there. */
static inline char *client_find(struct client *client, const char *text)
{
	if (client->in.len == 0)
		return NULL;
	return memmem(client->in.at, client->in.len, text, strlen(text));
}

static inline bool client_await(struct client *client, const char *text)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;

	while (client_find(client, text) == NULL) {
		if (client->ended)
			return false;
		house_turn(client->house);
		while (client_receive(client))
			continue;
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
	return true;
}

static inline void client_await_end(struct client *client)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;

	while (!client->ended) {
		house_turn(client->house);
		while (client_receive(client))
			continue;
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
}

static inline void client_take(struct client *client, size_t bytes)
{
	assert_true(bytes <= client->in.len);
	memmove(client->in.at, client->in.at + bytes, client->in.len - bytes);
	client->in.len -= bytes;
	client->in.at[client->in.len] = '\0';
}

/* A response: its head and its body, whole (chunks put together). */
struct response {
	int status;
	char *head; /* with an empty line behind */
	char *body;
	size_t body_len;
};

static inline void response_free(struct response *response)
{
	free(response->head);
	free(response->body);
	*response = (struct response){0};
}

static inline size_t client_have(struct client *client, size_t bytes)
{
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;

	while (client->in.len < bytes) {
		if (client->ended)
			fail_msg("ended behind %zu of %zu bytes", client->in.len, bytes);
		house_turn(client->house);
		while (client_receive(client))
			continue;
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
	return bytes;
}

/* The next response; of one to HEAD `has_body` is false. */
static inline void client_answer(struct client *client, struct response *response, bool has_body)
{
	const char *length;
	size_t head;

	if (!client_await(client, "\r\n\r\n"))
		fail_msg("no answer: %.*s", (int)client->in.len,
			client->in.at != NULL ? client->in.at : "");
	head = (size_t)(client_find(client, "\r\n\r\n") - client->in.at) + 4;
	*response = (struct response){.head = strndup(client->in.at, head)};
	assert_int_equal(sscanf(response->head, "HTTP/1.1 %d", &response->status), 1);
	client_take(client, head);
	length = strstr(response->head, "Content-Length: ");
	if (has_body && length != NULL) {
		response->body_len = client_have(client, strtoul(length + 16, NULL, 10));
		response->body =
			strndup(client->in.at != NULL ? client->in.at : "", response->body_len);
		client_take(client, response->body_len);
	} else {
		response->body = strdup("");
	}
}

/* One request on a connection of its own or on this one. */
static inline void client_ask(
	struct client *client, struct response *response, const char *format, ...) TD_PRINTF(3, 4);
static inline void client_ask(
	struct client *client, struct response *response, const char *format, ...)
{
	char text[65536];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(len > 0 && (size_t)len < sizeof(text));
	client_send_bytes(client, text, (size_t)len);
	client_answer(client, response, strncmp(text, "HEAD", 4) != 0);
}

static inline void client_get(struct client *client, struct response *response, const char *target)
{
	client_ask(client, response, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
}

static inline void client_post(struct client *client, struct response *response, const char *target,
	const char *fields, const char *body)
{
	client_ask(client, response,
		"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n%s", target,
		strlen(body), fields, body);
}

/* The plain form of one event, or of several. */
static inline void client_publish(
	struct client *client, struct response *response, const char *json)
{
	client_post(client, response, "/v1/events", "Content-Type: application/json\r\n", json);
}

/* The number behind `"name":` in a text of JSON; 0: it is not there. */
static inline uint64_t number_in(const char *json, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(json, key);
	if (at == NULL)
		return 0;
	at += strlen(key);
	return strtoull(*at == '"' ? at + 1 : at, NULL, 10);
}

#endif
