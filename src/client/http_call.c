#include "client/http_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * One request, one answer, on a connection that nobody else uses meanwhile. A connection whose answer left
 * it usable waits for the next request, of any thread.
 *
 *	idle or dial --> write --> head --> body --> idle
 *	                   '---------'-------'-----> broken: again, with a new one, until the deadline
 *
 * What is repeated is safe to be: reading, and events, which the server knows by their ids.
 */

#define IDLE_MAX     4u
#define READ_BYTES   (64u * 1024u)
#define HEAD_MAX     (64u * 1024u)
#define PAUSE_MS     20
#define PAUSE_MS_MAX 1000
#define CONNECT_MS   5000 /* to one address, if there is time for it */

struct td_http_link {
	struct td_http_link *next;
	int connection;
	struct td_buf in; /* what was read, of the answer at hand */
};

static const struct td_http_limits limits = {
	.head_bytes_max = HEAD_MAX,
	.body_bytes_max = TD_HTTP_BODY_MAX,
};

/* What went wrong with a connection; errnos, or a message that cannot be read. */
struct broken {
	int sys_errno; /* 0: see `what` */
	const char *what;
	bool late; /* the deadline passed */
	bool sent; /* the server may have it */
	bool nomem;
};

/* --- connections -------------------------------------------------------------------------- */

int td_http_dial(struct td_http *http, size_t i, int *connection)
{
	struct td_net_address address;

	td_mutex_lock(&http->lock);
	address = http->addresses[i % http->addresses_count];
	td_mutex_unlock(&http->lock);
	return td_net_connect(&td_net_plain, &address, connection);
}

static void close_link(struct td_http_link *link)
{
	if (link == NULL)
		return;
	td_net_close(&td_net_plain, link->connection);
	td_buf_fini(&link->in);
	free(link);
}

void td_http_links_close(struct td_http *http)
{
	struct td_http_link *link;

	while ((link = http->idle) != NULL) {
		http->idle = link->next;
		close_link(link);
	}
	http->idle_count = 0;
}

/* One that is not readable: neither closed nor telling what nobody asked for. */
static struct td_http_link *take_idle(struct td_http *http)
{
	struct td_http_link *link;

	for (;;) {
		td_mutex_lock(&http->lock);
		link = http->idle;
		if (link != NULL) {
			http->idle = link->next;
			http->idle_count--;
		}
		td_mutex_unlock(&http->lock);
		if (link == NULL || td_dial_wait(link->connection, TD_NET_READ, 0) == 0)
			return link;
		close_link(link);
	}
}

static void give_idle(struct td_http *http, struct td_http_link *link)
{
	bool kept;

	td_buf_reset(&link->in);
	td_mutex_lock(&http->lock);
	kept = http->idle_count < IDLE_MAX && !http->closing;
	if (kept) {
		link->next = http->idle;
		http->idle = link;
		http->idle_count++;
	}
	td_mutex_unlock(&http->lock);
	if (!kept)
		close_link(link);
}

/* Connect to one address. 0 or errno. */
static int dial_one(struct td_http *http, size_t i, int64_t deadline, int *connection)
{
	int64_t until = td_http_now() + (int64_t)CONNECT_MS * 1000000;
	int code = td_http_dial(http, i, connection);

	if (code != 0)
		return code;
	if (until > deadline)
		until = deadline;
	do
		code = td_net_connected(&td_net_plain, *connection);
	while (code == EAGAIN && td_dial_wait(*connection, TD_NET_WRITE, until) != 0);
	if (code == 0)
		return 0;
	td_net_close(&td_net_plain, *connection);
	return code == EAGAIN ? ETIMEDOUT : code;
}

/* Where it was found the last time first, then the others. */
static int dial(struct td_http *http, int64_t deadline, int *connection)
{
	size_t first, count;
	int code = ETIMEDOUT;

	td_mutex_lock(&http->lock);
	first = http->address;
	count = http->addresses_count;
	td_mutex_unlock(&http->lock);
	for (size_t i = 0; i < count; i++) {
		code = dial_one(http, first + i, deadline, connection);
		if (code == 0) {
			td_mutex_lock(&http->lock);
			http->address = (first + i) % count;
			td_mutex_unlock(&http->lock);
			return 0;
		}
	}
	return code;
}

static struct td_http_link *new_link(struct td_http *http, int64_t deadline, struct broken *broken)
{
	struct td_http_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		broken->nomem = true;
		return NULL;
	}
	td_buf_init(&link->in, HEAD_MAX + READ_BYTES);
	broken->sys_errno = dial(http, deadline, &link->connection);
	if (broken->sys_errno == 0)
		return link;
	free(link);
	broken->late = td_http_now() >= deadline;
	return NULL;
}

/* --- one attempt -------------------------------------------------------------------------- */

static bool await(
	const struct td_http_link *link, unsigned interest, int64_t deadline, struct broken *broken)
{
	if (td_dial_wait(link->connection, interest, deadline) != 0)
		return true;
	broken->late = true;
	return false;
}

static bool send_all(struct td_http_link *link, struct td_text head, struct td_text body,
	int64_t deadline, struct broken *broken)
{
	size_t sent = 0, put = 0;

	while (sent < head.len + body.len) {
		struct td_net_part parts[2];
		size_t count = 0;
		int code;

		if (sent < head.len)
			parts[count++] = (struct td_net_part){head.at + sent, head.len - sent};
		if (body.len > 0) {
			size_t from = sent > head.len ? sent - head.len : 0;

			parts[count++] = (struct td_net_part){body.at + from, body.len - from};
		}
		code = td_net_write_parts(&td_net_plain, link->connection, parts, count, &put);
		if (code == 0) {
			sent += put;
			broken->sent = true;
		} else if (code != EAGAIN) {
			broken->sys_errno = code;
			return false;
		} else if (!await(link, TD_NET_WRITE, deadline, broken)) {
			return false;
		}
	}
	return true;
}

/* More bytes into `in`; false: there are none. *ended: the server has finished. */
static bool read_more(
	struct td_http_link *link, int64_t deadline, bool *ended, struct broken *broken)
{
	char *at = td_buf_reserve(&link->in, READ_BYTES / 4);
	size_t got;
	int code;

	*ended = false;
	if (at == NULL) {
		broken->nomem = link->in.code == TD_E_NOMEM;
		broken->what = "a head without an end";
		return false;
	}
	while ((code = td_net_read(&td_net_plain, link->connection, at, READ_BYTES / 4, &got)) ==
		EAGAIN) {
		if (!await(link, TD_NET_READ, deadline, broken))
			return false;
	}
	if (code != 0) {
		broken->sys_errno = code;
		return false;
	}
	link->in.len += got;
	*ended = got == 0;
	return true;
}

/* The head of the final answer; what is behind it stays in `in`, in front. */
static bool read_head(struct td_http_link *link, enum td_http_method asked, int64_t deadline,
	struct td_http_reply *reply, struct td_http_answer *answer, struct broken *broken)
{
	struct td_http_reader reader = {0};
	bool ended = false;

	for (;;) {
		enum td_http_parsed parsed = td_http_read_response(&reader, &limits, asked,
			link->in.at != NULL ? link->in.at : "", link->in.len, answer);

		if (parsed == TD_HTTP_WRONG) {
			broken->what = td_http_error_why(answer->error);
			return false;
		}
		if (parsed == TD_HTTP_MORE) {
			if (ended) {
				broken->what = "the server ended the connection";
				return false;
			}
			if (!read_more(link, deadline, &ended, broken))
				return false;
			continue;
		}
		td_buf_reset(&reply->fields);
		td_buf_add_text(&reply->fields, answer->fields);
		reply->status = answer->status;
		link->in.len -= answer->bytes;
		TD_ASSERT(link->in.at != NULL); /* a head was read from it */
		memmove(link->in.at, link->in.at + answer->bytes, link->in.len);
		if (answer->status >= 200)
			return true;
		reader = (struct td_http_reader){0}; /* an interim one */
	}
}

static bool read_body(struct td_http_link *link, const struct td_http_answer *answer,
	int64_t deadline, struct td_http_reply *reply, struct broken *broken)
{
	struct td_http_body body;
	bool ended = false;

	td_http_body_init(&body, answer->framing, answer->length, &limits);
	td_buf_reset(&reply->body);
	for (;;) {
		size_t at = 0, taken;
		struct td_text piece;
		enum td_http_body_read read;

		do {
			read = td_http_body_next(&body, link->in.len > 0 ? link->in.at + at : "",
				link->in.len - at, &taken, &piece);
			at += taken;
			if (read == TD_HTTP_PIECE)
				td_buf_add_text(&reply->body, piece);
		} while (read == TD_HTTP_PIECE);
		link->in.len -= at;
		if (link->in.len > 0)
			memmove(link->in.at, link->in.at + at, link->in.len);
		if (read == TD_HTTP_BODY_END)
			return true;
		if (read == TD_HTTP_BODY_WRONG) {
			broken->what = td_http_error_why((enum td_http_error)body.error);
			return false;
		}
		if (ended) {
			if (td_http_body_may_close(&body))
				return true;
			broken->what =
				"the server ended the connection in the middle of its answer";
			return false;
		}
		if (!read_more(link, deadline, &ended, broken))
			return false;
	}
}

/* false: `broken` says how. */
static bool attempt(struct td_http *http, const struct td_http_ask *ask, struct td_text head,
	int64_t deadline, struct td_http_reply *reply, struct broken *broken)
{
	struct td_http_link *link = ask->once ? NULL : take_idle(http);
	struct td_http_answer answer = {.status = 0};

	*broken = (struct broken){0};
	if (link == NULL)
		link = new_link(http, deadline, broken);
	if (link == NULL)
		return false;
	if (!send_all(link, head, ask->body, deadline, broken) ||
		!read_head(link, ask->method, deadline, reply, &answer, broken) ||
		!read_body(link, &answer, deadline, reply, broken)) {
		close_link(link);
		return false;
	}
	if (answer.keep_alive && link->in.len == 0)
		give_idle(http, link);
	else
		close_link(link);
	return true;
}

/* --- until there is an answer ------------------------------------------------------------- */

static int write_head(struct td_http *http, const struct td_http_ask *ask, struct td_buf *head,
	struct td_error *err)
{
	struct td_http_writer writer;

	td_http_write_request(
		&writer, head, ask->method, ask->target, td_text(http->url.authority));
	td_http_write_field(&writer, "User-Agent", td_text("libtidings"));
	if (http->url.authorization != NULL)
		td_http_write_field(&writer, "Authorization", td_text(http->url.authorization));
	for (size_t i = 0; i < ask->fields_count; i++) {
		char name[TD_NAME_BYTES_MAX + 16];

		td_text_copy(ask->fields[i].name, name, sizeof(name));
		td_http_write_field(&writer, name, ask->fields[i].value);
	}
	if (ask->content_type.at == NULL)
		return td_http_write_body(&writer, td_text(""), err);
	if (ask->content_type.len > 0)
		td_http_write_field(&writer, "Content-Type", ask->content_type);
	return td_http_write_length(&writer, ask->body.len, err);
}

int64_t td_http_pause_ms(struct td_http *http, unsigned attempt)
{
	unsigned doublings = attempt > 0 ? attempt - 1 : 0;
	int64_t ms = doublings < 6 ? (int64_t)PAUSE_MS << doublings : PAUSE_MS_MAX;
	uint32_t random;

	if (ms > PAUSE_MS_MAX)
		ms = PAUSE_MS_MAX;
	http->random->fill(http->random->arg, &random, sizeof(random));
	return ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1));
}

static int tell(const struct td_http *http, const struct broken *broken, struct td_error *err)
{
	const char *server = http->url.authority;

	if (broken->late)
		return td_error_set(err, broken->sent ? TD_E_TIMEOUT : TD_E_UNREACHABLE,
			TD_NO_OFFSET, "%s: %s", server,
			broken->sent ? "no answer in time" : "cannot be reached in time");
	if (broken->sys_errno != 0) {
		td_error_system(err, broken->sys_errno, "%s", server);
		if (err != NULL)
			err->code = TD_E_UNREACHABLE;
		return TD_E_UNREACHABLE;
	}
	return td_error_set(err, TD_E_UNREACHABLE, TD_NO_OFFSET, "%s: %s", server, broken->what);
}

static bool is_closing(struct td_http *http)
{
	bool closing;

	td_mutex_lock(&http->lock);
	closing = http->closing;
	td_mutex_unlock(&http->lock);
	return closing;
}

uint64_t td_http_position_of(struct td_text fields)
{
	struct td_text value;
	uint64_t position = 0;

	if (td_http_field(fields, "td-position", &value) != 1 || value.len == 0 || value.len > 19)
		return 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		position = position * 10 + (uint64_t)(value.at[i] - '0');
	}
	return position + 1; /* behind the newest */
}

void td_http_know(struct td_http *http, uint64_t position)
{
	td_mutex_lock(&http->lock);
	if (position > http->known)
		http->known = position;
	td_mutex_unlock(&http->lock);
}

static int take_reply(struct td_http *http, struct td_http_reply *reply, struct td_error *err)
{
	int code = td_buf_check(&reply->fields, err);

	if (code == 0)
		code = td_buf_check(&reply->body, err);
	if (code != 0)
		return code;
	reply->position = td_http_position_of(td_buf_view(&reply->fields));
	if (reply->position != 0)
		td_http_know(http, reply->position);
	return 0;
}

int td_http_call(struct td_http *http, const struct td_http_ask *ask, int64_t deadline,
	struct td_http_reply *reply, struct td_error *err)
{
	struct td_buf head = TD_BUF_INIT(TD_HEADER_BYTES_MAX + HEAD_MAX);
	struct broken broken;
	int code = write_head(http, ask, &head, err);

	while (code == 0) {
		int64_t pause;

		reply->attempts++;
		if (attempt(http, ask, td_buf_view(&head), deadline, reply, &broken)) {
			code = take_reply(http, reply, err);
			break;
		}
		if (broken.nomem) {
			code = td_error_nomem(err);
			break;
		}
		pause = td_http_now() + td_http_pause_ms(http, reply->attempts) * 1000000;
		if (broken.late || pause >= deadline || (ask->once && broken.sent) ||
			(ask->now && !broken.sent))
			code = tell(http, &broken, err);
		else if (is_closing(http))
			code = td_error_set(
				err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
		else
			td_dial_wait(-1, 0, pause);
	}
	td_buf_fini(&head);
	return code;
}

int td_http_ask(struct td_http *http, const struct td_http_ask *ask, struct td_http_reply *reply,
	struct td_error *err)
{
	int code = td_http_call(http, ask, td_http_deadline(http), reply, err);

	if (code != 0 || reply->status < 400)
		return code;
	return td_http_problem_read(
		reply->status, td_buf_view(&reply->fields), td_buf_view(&reply->body), NULL, err);
}

void td_http_reply_fini(struct td_http_reply *reply)
{
	td_buf_fini(&reply->fields);
	td_buf_fini(&reply->body);
}
