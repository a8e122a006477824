/*
 * A server that says what a test has written down, on a port of 127.0.0.1.
 *
 *	script_add(&script, "POST /v1/events", answer(201, JSON, receipt), THEN_KEEP);
 *
 * A request takes the first line of the script that it fits and that was not used; what it was is kept
 * there. One that fits none is answered 404. Answers go out `script.piece` bytes at a time.
 */
#ifndef TEST_CLIENT_SCRIPTED_H
#define TEST_CLIENT_SCRIPTED_H

#include "../bus/place.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define LINES_MAX       64
#define CONNECTIONS_MAX 256
#define REQUEST_MAX     16384
#define JSON            "application/json"
#define EVENTS          "application/cloudevents-batch+json"
#define PROBLEM         "application/problem+json"

enum then {
	THEN_KEEP,  /* the next request */
	THEN_CLOSE, /* behind the answer */
	THEN_HOLD,  /* the connection stays, silent, until the script ends */
	THEN_RESET, /* as THEN_CLOSE, with a reset */
};

struct script_line {
	const char *match; /* the request begins so */
	char *reply;
	size_t reply_len;
	enum then then;
	bool always; /* used again and again */
	int used, connection;
	/* Sent to whom another line holds, before or behind this line's own answer. */
	const struct script_line *to;
	char *before, *after;
	char request[REQUEST_MAX]; /* the last one */
};

struct script {
	int listener, connections[CONNECTIONS_MAX];
	size_t count, connections_count;
	uint16_t port;
	size_t piece; /* 0: all at once */
	struct script_line lines[LINES_MAX];
	pthread_mutex_t lock;
	pthread_cond_t moved;
	pthread_t acceptor, threads[CONNECTIONS_MAX];
	bool ends;
	char url[64];
};

/* --- what is said ------------------------------------------------------------------------- */

/* A whole answer; its memory is the script's. */
static inline char *answer_with(int status, const char *type, const char *fields, const char *body)
{
	size_t room = strlen(body) + strlen(fields) + 256;
	char *text = malloc(room);

	assert_non_null(text);
	snprintf(text, room, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, type, strlen(body), fields, body);
	return text;
}

static inline char *answer(int status, const char *type, const char *body)
{
	return answer_with(status, type, "Td-Position: 4\r\n", body);
}

/* The head of a stream, and what comes behind it, in one chunk; more may follow. */
static inline char *stream_of(const char *events)
{
	size_t room = strlen(events) + 256;
	char *text = malloc(room);

	assert_non_null(text);
	if (events[0] == '\0')
		snprintf(text, room,
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			"Transfer-Encoding: chunked\r\n\r\n");
	else
		snprintf(text, room,
			"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			"Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n",
			strlen(events), events);
	return text;
}

static inline struct script_line *script_add(
	struct script *script, const char *match, char *reply, enum then then)
{
	struct script_line *line;

	pthread_mutex_lock(&script->lock);
	assert_true(script->count < LINES_MAX);
	line = &script->lines[script->count++];
	line->match = match;
	line->reply = reply;
	line->reply_len = strlen(reply);
	line->then = then;
	pthread_mutex_unlock(&script->lock);
	return line;
}

/* --- the server --------------------------------------------------------------------------- */

/* A request with its body, as far as Content-Length says; false: the connection ended. */
static inline bool script_read(int connection, char *request)
{
	size_t len = 0, wanted = SIZE_MAX;

	for (;;) {
		ssize_t n;
		char *end;

		request[len] = '\0';
		end = strstr(request, "\r\n\r\n");
		if (end != NULL && wanted == SIZE_MAX) {
			char *length = strcasestr(request, "\r\nContent-Length: ");

			wanted = (size_t)(end + 4 - request);
			if (length != NULL && length < end)
				wanted += strtoul(length + 18, NULL, 10);
		}
		if (len >= wanted)
			return true;
		assert_true(len < REQUEST_MAX - 1);
		n = recv(connection, request + len, REQUEST_MAX - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
}

static inline bool script_send(struct script *script, int connection, const char *bytes, size_t len)
{
	size_t piece = script->piece != 0 ? script->piece : len;

	while (len > 0) {
		ssize_t n = send(connection, bytes, len < piece ? len : piece, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Some more of a stream that a line holds. */
static inline void script_push(const struct script_line *to, const char *events)
{
	char head[32];
	int len = snprintf(head, sizeof(head), "%zx\r\n", strlen(events));

	send(to->connection, head, (size_t)len, MSG_NOSIGNAL);
	send(to->connection, events, strlen(events), MSG_NOSIGNAL);
	send(to->connection, "\r\n", 2, MSG_NOSIGNAL);
}

/* A line that holds lets go. */
static inline void script_hang_up(const struct script_line *line)
{
	shutdown(line->connection, SHUT_RDWR);
}

static inline struct script_line *script_find(
	struct script *script, const char *request, int connection)
{
	struct script_line *found = NULL;

	pthread_mutex_lock(&script->lock);
	for (size_t i = 0; i < script->count && found == NULL; i++) {
		struct script_line *line = &script->lines[i];

		if ((line->used == 0 || line->always) &&
			strncmp(request, line->match, strlen(line->match)) == 0)
			found = line;
	}
	if (found != NULL) {
		found->used++;
		found->connection = connection;
		memcpy(found->request, request, strlen(request) + 1);
	}
	pthread_cond_broadcast(&script->moved);
	pthread_mutex_unlock(&script->lock);
	return found;
}

/* The line answers each request from now on, not the first alone. */
static inline void script_always(struct script *script, struct script_line *line, bool always)
{
	pthread_mutex_lock(&script->lock);
	line->always = always;
	pthread_mutex_unlock(&script->lock);
}

static inline bool script_was_asked(struct script *script, const struct script_line *line)
{
	bool asked;

	pthread_mutex_lock(&script->lock);
	asked = line->used > 0;
	pthread_mutex_unlock(&script->lock);
	return asked;
}

struct script_place {
	struct script *script;
	size_t at;
};

static inline void *script_serve(void *arg)
{
	static const char nothing[] = "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n";
	struct script_place place = *(struct script_place *)arg;
	struct script *script = place.script;
	int connection = script->connections[place.at];
	char *request = malloc(REQUEST_MAX);
	const struct linger reset = {1, 0};
	enum then then = THEN_KEEP;

	free(arg);
	while (then == THEN_KEEP && request != NULL && script_read(connection, request)) {
		struct script_line *line = script_find(script, request, connection);

		then = line != NULL ? line->then : THEN_KEEP;
		if (line != NULL && line->before != NULL)
			script_push(line->to, line->before);
		if (!script_send(script, connection, line != NULL ? line->reply : nothing,
			    line != NULL ? line->reply_len : sizeof(nothing) - 1))
			break;
		if (line != NULL && line->after != NULL)
			script_push(line->to, line->after);
	}
	free(request);
	if (then == THEN_HOLD)
		return NULL; /* closed when the script ends */
	if (then == THEN_RESET)
		setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	pthread_mutex_lock(&script->lock);
	script->connections[place.at] = -1;
	pthread_mutex_unlock(&script->lock);
	close(connection);
	return NULL;
}

static inline void *script_accept(void *arg)
{
	struct script *script = arg;
	int connection;

	while ((connection = accept(script->listener, NULL, NULL)) >= 0) {
		struct script_place *place = malloc(sizeof(*place));
		const int on = 1;

		assert_non_null(place);
		setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		pthread_mutex_lock(&script->lock);
		assert_true(script->connections_count < CONNECTIONS_MAX);
		*place = (struct script_place){script, script->connections_count++};
		script->connections[place->at] = connection;
		pthread_mutex_unlock(&script->lock);
		pthread_create(&script->threads[place->at], NULL, script_serve, place);
	}
	return NULL;
}

static inline struct script *script_new(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct script *script = calloc(1, sizeof(*script));
	socklen_t len = sizeof(at);

	assert_non_null(script);
	pthread_mutex_init(&script->lock, NULL);
	pthread_cond_init(&script->moved, NULL);
	script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(script->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(script->listener, 64), 0);
	assert_int_equal(getsockname(script->listener, (struct sockaddr *)&at, &len), 0);
	script->port = ntohs(at.sin_port);
	snprintf(script->url, sizeof(script->url), "http://127.0.0.1:%u", script->port);
	assert_int_equal(pthread_create(&script->acceptor, NULL, script_accept, script), 0);
	return script;
}

/* Wait until a line was used so often. */
static inline void script_await(struct script *script, const struct script_line *line, int used)
{
	pthread_mutex_lock(&script->lock);
	while (line->used < used)
		pthread_cond_wait(&script->moved, &script->lock);
	pthread_mutex_unlock(&script->lock);
}

/* Nobody listens there any more; what is connected stays. */
static inline void script_stop_listening(struct script *script)
{
	shutdown(script->listener, SHUT_RDWR);
	pthread_join(script->acceptor, NULL);
	close(script->listener);
	script->listener = -1;
}

static inline void script_free(struct script *script)
{
	if (script->listener >= 0)
		script_stop_listening(script);
	pthread_mutex_lock(&script->lock);
	for (size_t i = 0; i < script->connections_count; i++) {
		if (script->connections[i] >= 0)
			shutdown(script->connections[i], SHUT_RDWR);
	}
	pthread_mutex_unlock(&script->lock);
	for (size_t i = 0; i < script->connections_count; i++)
		pthread_join(script->threads[i], NULL);
	for (size_t i = 0; i < script->connections_count; i++) {
		if (script->connections[i] >= 0)
			close(script->connections[i]);
	}
	for (size_t i = 0; i < script->count; i++)
		free(script->lines[i].reply);
	pthread_mutex_destroy(&script->lock);
	pthread_cond_destroy(&script->moved);
	free(script);
}

/* --- words -------------------------------------------------------------------------------- */

#define RECEIPT(position)                                                                  \
	"{\"log\":\"events\",\"seq\":" #position ",\"revision\":1,\"position\":" #position \
	",\"recordedtime\":\"2026-01-02T03:04:05Z\",\"duplicate\":false}"
#define RECEIPT_AGAIN(position)                                                            \
	"{\"log\":\"events\",\"seq\":" #position ",\"revision\":1,\"position\":" #position \
	",\"duplicate\":true}"
#define SHOWN(id, type, subject, position)                                                \
	"{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/far\",\"type\":\"" type \
	"\",\"subject\":\"" subject "\",\"recordedtime\":\"2026-01-02T03:04:05Z\","       \
	"\"tdlog\":\"events\",\"tdseq\":\"" #position "\",\"tdrevision\":\"1\","          \
	"\"tdposition\":\"" #position "\"}"
#define SENT(id, type, subject, position) \
	"id: " #position "\nevent: " type "\ndata: " SHOWN(id, type, subject, position) "\n\n"

/* What a handle asks when it is opened, and when it subscribes. */
static inline void script_add_position(struct script *script)
{
	script_add(script, "GET /v1/events?limit=0 ", answer(200, EVENTS, "[]"), THEN_KEEP)
		->always = true;
}

static inline struct td *script_open(struct script *script, int64_t timeout_ms)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_options options = {.source = "/near", .timeout_ms = timeout_ms};
	struct td *td = NULL;

	script_add_position(script);
	if (td_open(&td, script->url, &options, &err) != 0)
		fail_msg("%s", err.text);
	return td;
}

#endif
