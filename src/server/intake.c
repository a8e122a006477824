#include "server/inside.h"

#include <stdlib.h>

/*
 * From bytes to requests.
 *
 *	in:  | head | body, gathered |  what is not looked at  |       |
 *	     start  body_at          +body_len   raw_at        end     cap
 *
 * A request stands whole in the buffer before it is handled. While nothing is left over the buffer is
 * the server's scratch, and a session that is silent has none.
 */

#define IN_BYTES_LEAST 512u
#define READ_BYTES     (64u << 10)
#define DISCARD_MAX    (64u << 10) /* of the body of a refused request: then the connection ends */

/* --- the buffer --------------------------------------------------------------------------- */

static void give_back(struct td_session *session)
{
	if (!session->borrowed && session->in != NULL) {
		session->server->bodies_bytes -= session->in_cap;
		free(session->in);
	}
	session->in = NULL;
	session->borrowed = false;
	session->in_start = session->in_end = session->in_cap = 0;
	session->moved = true;
}

void td_intake_fini(struct td_session *session)
{
	give_back(session);
}

/* Have it of our own, with so many bytes of room. false: no memory. */
static bool move(struct td_session *session, size_t cap)
{
	struct td_server *server = session->server;
	size_t len = session->in_end - session->in_start;
	char *in;

	TD_ASSERT(cap >= len);
	if (server->bodies_bytes + cap > (uint64_t)server->limits.bodies_bytes_max)
		return false;
	in = malloc(cap);
	if (in == NULL)
		return false;
	if (len > 0)
		memcpy(in, session->in + session->in_start, len);
	give_back(session);
	session->in = in;
	session->in_end = len;
	session->in_cap = cap;
	server->bodies_bytes += cap;
	return true;
}

static void no_room(struct td_session *session)
{
	td_intake_refuse(session, 503, "memory for requests is short; try again later");
}

void td_intake_settle(struct td_session *session)
{
	size_t len = session->in_end - session->in_start, cap = IN_BYTES_LEAST;

	if (len == 0) {
		give_back(session);
		return;
	}
	if (!session->borrowed)
		return;
	while (cap < len)
		cap *= 2;
	if (!move(session, cap)) {
		no_room(session);
		give_back(session);
	}
}

bool td_intake_wants(const struct td_session *session)
{
	const struct td_server_limits *limits = &session->server->limits;

	if (session->gone || session->ended || session->phase == TD_SESSION_READY)
		return false;
	if (session->phase == TD_SESSION_STREAM || session->phase == TD_SESSION_LINGER)
		return true;
	return !session->closes && !session->continue_due && !session->admitting &&
	       session->exchanges_count < (uint64_t)limits->pipeline_max &&
	       session->out_bytes < (uint64_t)limits->output_bytes_max;
}

char *td_intake_room(struct td_session *session, size_t *len)
{
	size_t left;

	if (!td_intake_wants(session))
		return NULL;
	if (session->in == NULL) {
		session->in = session->server->scratch;
		session->in_cap = TD_SCRATCH_BYTES;
		session->borrowed = true;
	}
	left = session->in_cap - session->in_end;
	if (left == 0 && session->in_start > 0) {
		memmove(session->in, session->in + session->in_start,
			session->in_end - session->in_start);
		session->in_end -= session->in_start;
		session->in_start = 0;
		session->moved = true;
	} else if (left == 0 && !move(session, 2 * session->in_cap)) {
		no_room(session);
		return NULL;
	}
	left = session->in_cap - session->in_end;
	*len = left < READ_BYTES ? left : READ_BYTES;
	return session->in + session->in_end;
}

/* --- what is wrong ------------------------------------------------------------------------ */

static struct td_http_limits http_limits(const struct td_session *session)
{
	const struct td_server_limits *limits = &session->server->limits;

	return td_http_limits_of(&(struct td_http_limits){
		.head_bytes_max = (uint32_t)limits->head_bytes_max,
		.body_bytes_max =
			session->discards ? DISCARD_MAX : (uint64_t)limits->body_bytes_max,
	});
}

/* Nothing that is read from now on counts. */
static void stop_reading(struct td_session *session)
{
	session->closes = true;
	session->in_start = session->in_end;
	session->current = NULL;
	session->continue_due = false;
	session->phase = TD_SESSION_HEAD;
	for (size_t i = 0; i < TD_DUES; i++)
		session->due[i] = INT64_MAX;
}

void td_intake_refuse(struct td_session *session, int status, const char *detail)
{
	struct td_exchange *x = session->current;

	if (session->discards) {
		stop_reading(session);
		return; /* it was answered already; what is wrong is the rest of it */
	}
	if (session->closes && x == NULL)
		return;
	if (x == NULL)
		x = td_exchange_new(session);
	if (x == NULL) {
		td_session_drop(session);
		return;
	}
	if (x->waiting_link != NULL)
		td_exchange_wait_no_more(x, x->waiting_last);
	stop_reading(session);
	x->terms = td_http_terms_of(NULL);
	td_answer_status(x, status, detail);
	td_exchange_handled(x, 0, NULL);
}

static void refuse_wrong(struct td_session *session, enum td_http_error error)
{
	td_intake_refuse(session, td_http_error_status(error), td_http_error_why(error));
}

/* --- the head ----------------------------------------------------------------------------- */

static struct td_text at_start(const struct td_session *session)
{
	if (session->in == NULL)
		return td_text("");
	return td_text_of(session->in + session->in_start, session->in_end - session->in_start);
}

/* Again from its first byte, if what had been read moved. false: limits are others than before. */
static bool read_anew(struct td_session *session)
{
	struct td_http_reader reader = {0};
	struct td_http_limits limits = http_limits(session);
	struct td_text text = at_start(session);

	if (!session->moved)
		return true;
	if (td_http_read_request(&reader, &limits, text.at, text.len, &session->request) !=
		TD_HTTP_WHOLE)
		return false;
	session->moved = false;
	return true;
}

/* Which route; false: it was answered. */
static bool find_route(struct td_session *session, struct td_exchange *x)
{
	struct td_server *server = session->server;
	const struct td_http_request *request = &session->request;
	struct td_http_writer writer;
	struct td_buf allow = TD_BUF_INIT(256);
	enum td_http_routed routed;
	enum td_http_error wrong = td_http_read_target(
		&server->target, request->path, request->query, &server->target_buf);

	if (wrong != TD_HTTP_FINE) {
		td_answer_status(x, td_http_error_status(wrong), td_http_error_why(wrong));
		return false;
	}
	routed = td_http_find_route(server->routes, server->routes_count, request->method,
		request->form, &server->target, &server->match);
	if (routed == TD_HTTP_FOUND) {
		x->route = server->routes_rows[server->match.route->id];
		return true;
	}
	if (routed == TD_HTTP_NOT_FOUND) {
		td_answer_status(x, 404, "no such route; GET /openapi.json lists them");
		return false;
	}
	td_http_add_methods(&allow, server->match.allow);
	td_answer_begin(x, &writer, routed == TD_HTTP_ASKED ? 204 : 405);
	td_http_write_field(&writer, "Allow", td_buf_view(&allow));
	td_answer_end(x, &writer, td_text_of("", 0));
	td_buf_fini(&allow);
	return false;
}

static void show(struct td_session *session, struct td_exchange *x)
{
	x->request = &session->request;
	x->target = &session->server->target;
	x->match = &session->server->match;
}

static void hide(struct td_exchange *x)
{
	x->request = NULL;
	x->target = NULL;
	x->match = NULL;
	x->body = td_text(NULL);
}

static enum td_admission admit(struct td_session *session, struct td_exchange *x)
{
	enum td_admission admission = TD_ADMIT_REFUSED;

	if (find_route(session, x)) {
		show(session, x);
		admission = td_access_admit(x);
		hide(x);
	}
	return admission;
}

/* Who waits to be told to go on may send the body or not: nobody could tell. */
static bool may_skip(const struct td_http_request *request)
{
	return !request->expect_continue &&
	       (request->framing != TD_HTTP_BY_LENGTH || request->length <= DISCARD_MAX);
}

/* It was refused, and answered: its body is passed over. */
static void pass_over(struct td_session *session, struct td_exchange *x)
{
	session->discards = true;
	session->body.bytes_max = DISCARD_MAX;
	session->current = NULL;
	if (x->terms.close)
		stop_reading(session);
	td_exchange_handled(x, 0, NULL);
}

static void begin(struct td_session *session)
{
	struct td_server *server = session->server;
	const struct td_http_request *request = &session->request;
	struct td_exchange *x = td_exchange_new(session);
	struct td_http_limits limits = http_limits(session);
	enum td_admission admission;

	if (x == NULL) {
		td_session_drop(session);
		return;
	}
	session->current = x;
	session->requests++;
	server->counters.requests++;
	session->moved = false;
	session->due[TD_DUE_HEAD] = INT64_MAX;
	session->due[TD_DUE_BODY] = server->now + server->limits.body_ms * 1000000;
	session->reader = (struct td_http_reader){0};
	session->phase = TD_SESSION_BODY;
	session->body_at = session->raw_at = request->bytes;
	session->body_len = 0;
	td_http_body_init(&session->body, request->framing, request->length, &limits);
	x->terms = td_http_terms_of(request);
	admission = admit(session, x);
	if (admission == TD_ADMIT_REFUSED && !may_skip(request) && !x->terms.close) {
		x->terms.close = true;
		admission = admit(session, x); /* the same answer, on other terms */
	}
	if (admission == TD_ADMIT_REFUSED) {
		pass_over(session, x);
		return;
	}
	session->continue_due = request->expect_continue && request->framing != TD_HTTP_NO_BODY;
	if (admission == TD_ADMIT_LATER) {
		session->admitting = true;
		session->due[TD_DUE_BODY] = INT64_MAX; /* it is not its fault */
		x->state = TD_EXCHANGE_HELD;
	}
}

void td_intake_admitted(struct td_session *session, bool go)
{
	struct td_exchange *x = session->current;

	TD_ASSERT(session->admitting && x != NULL);
	session->admitting = false;
	session->due[TD_DUE_BODY] =
		session->server->now + session->server->limits.body_ms * 1000000;
	if (go)
		return;
	if (session->continue_due || session->body.left > DISCARD_MAX)
		x->terms.close = true;
	session->continue_due = false;
	pass_over(session, x);
}

static bool read_head(struct td_session *session)
{
	struct td_server *server = session->server;
	struct td_http_limits limits;
	struct td_text text = at_start(session);

	if (text.len == 0 || session->closes)
		return false;
	if (session->exchanges_count >= (uint64_t)server->limits.pipeline_max ||
		session->out_bytes >= (uint64_t)server->limits.output_bytes_max)
		return false;
	if (session->due[TD_DUE_HEAD] == INT64_MAX) {
		session->due[TD_DUE_HEAD] = server->now + server->limits.head_ms * 1000000;
		session->due[TD_DUE_IDLE] = INT64_MAX;
	}
	session->discards = false;
	limits = http_limits(session);
	switch (td_http_read_request(
		&session->reader, &limits, text.at, text.len, &session->request)) {
	case TD_HTTP_MORE:
		return false;
	case TD_HTTP_WRONG:
		refuse_wrong(session, session->request.error);
		return true;
	case TD_HTTP_WHOLE:
		begin(session);
		return true;
	}
	TD_UNREACHABLE();
}

/* --- the body ----------------------------------------------------------------------------- */

static bool read_body(struct td_session *session)
{
	char *start = session->in + session->in_start;
	size_t end = session->in_end - session->in_start, taken;
	struct td_text piece;

	for (;;) {
		switch (td_http_body_next(&session->body, start + session->raw_at,
			end - session->raw_at, &taken, &piece)) {
		case TD_HTTP_PIECE:
			if (!session->discards) {
				char *to = start + session->body_at + session->body_len;

				if (to != piece.at)
					memmove(to, piece.at, piece.len);
				session->body_len += piece.len;
			}
			session->raw_at += taken;
			break;
		case TD_HTTP_BODY_MORE:
			/* All was taken: what is gathered is all there is. */
			session->raw_at = session->body_at + session->body_len;
			session->in_end = session->in_start + session->raw_at;
			return false;
		case TD_HTTP_BODY_END:
			session->raw_at += taken;
			session->phase = TD_SESSION_READY;
			session->due[TD_DUE_BODY] = INT64_MAX;
			return true;
		case TD_HTTP_BODY_WRONG:
			if (session->discards)
				stop_reading(session);
			else
				refuse_wrong(session, (enum td_http_error)session->body.error);
			return true;
		}
	}
}

/* --- handling ----------------------------------------------------------------------------- */

/* The request's bytes make room; the next one may come. */
static void consume(struct td_session *session)
{
	session->in_start += session->raw_at;
	session->current = NULL;
	session->phase = TD_SESSION_HEAD;
	session->discards = false;
	session->due[TD_DUE_POSITION] = INT64_MAX;
	if (session->in_start == session->in_end && !session->borrowed)
		give_back(session);
	session->moved = true;
}

void td_intake_answer(struct td_session *session, int code, const struct td_error *err)
{
	struct td_exchange *x = session->current;

	TD_ASSERT(session->phase == TD_SESSION_READY && x != NULL);
	consume(session);
	td_exchange_handled(x, code, err);
}

static bool all_stage(const struct td_session *session)
{
	for (const struct td_exchange *x = session->exchanges; x != NULL; x = x->next) {
		if (x->route == NULL || (x->route->flags & TD_ROUTE_STAGES) == 0)
			return false;
	}
	return true;
}

/* `min-position=`: whether it is there; false: it is waited for, or was answered. */
static bool is_there(struct td_session *session, struct td_exchange *x)
{
	struct td_server *server = session->server;
	uint64_t position = 0;
	int64_t timeout_ms = 5000;
	struct td_error err = TD_ERROR_INIT;
	int code = td_exchange_u64(x, "min-position", &position, &err);

	if (code == 0)
		code = td_exchange_duration(x, "timeout", &timeout_ms, &err);
	if (code != 0) {
		hide(x);
		td_intake_answer(session, code, &err);
		return false;
	}
	if (td_store_durable(server->store) > position)
		return true;
	if (timeout_ms > server->limits.wait_ms_max)
		timeout_ms = server->limits.wait_ms_max;
	x->min_position = position;
	session->due[TD_DUE_POSITION] = server->now + timeout_ms * 1000000;
	td_exchange_wait(x, &server->early_last);
	return false;
}

static bool handle(struct td_session *session)
{
	struct td_server *server = session->server;
	struct td_exchange *x = session->current;
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (x->waiting_link != NULL)
		return false;
	if (session->exchanges != x &&
		!((x->route->flags & TD_ROUTE_STAGES) != 0 && all_stage(session)))
		return false;
	if (!read_anew(session)) {
		refuse_wrong(session, session->request.error);
		return true;
	}
	if (!find_route(session, x)) { /* it did before: for want of memory */
		consume(session);
		td_exchange_handled(x, 0, NULL);
		return true;
	}
	show(session, x);
	x->body = td_text_of(at_start(session).at + session->body_at, session->body_len);
	if ((x->route->flags & TD_ROUTE_READS) != 0 && !x->awaited) {
		if (!is_there(session, x)) {
			hide(x);
			return session->phase == TD_SESSION_HEAD;
		}
		x->awaited = true;
	}
	x->seen = td_store_durable(server->store) - 1;
	code = x->route->handle(x, &err);
	hide(x);
	if (code == TD_E_FULL && (x->route->flags & TD_ROUTE_STAGES) != 0) {
		td_exchange_wait(x, &server->roomless_last);
		return false;
	}
	consume(session);
	if (x->state == TD_EXCHANGE_STREAMS) {
		session->phase = TD_SESSION_STREAM;
		session->in_start = session->in_end;
	}
	td_exchange_handled(x, code, &err);
	return true;
}

/* --- going on ----------------------------------------------------------------------------- */

/* Answers go out from the front. */
static bool settle(struct td_session *session)
{
	bool any = false;
	struct td_exchange *x;

	while ((x = session->exchanges) != NULL && x->state == TD_EXCHANGE_ANSWERED &&
		x->waiting_link == NULL && x != session->current) {
		session->exchanges = x->next;
		if (session->exchanges == NULL)
			session->exchanges_last = &session->exchanges;
		session->exchanges_count--;
		if (x->terms.close && !session->closes)
			stop_reading(session);
		if (x->unsaid || !td_output_take(session, &x->out)) {
			td_exchange_leave(x);
			td_session_drop(session);
			return false;
		}
		td_exchange_leave(x);
		any = true;
	}
	return any;
}

static bool say_continue(struct td_session *session)
{
	struct td_buf text = TD_BUF_INIT(64);

	if (!session->continue_due || session->exchanges != session->current)
		return false;
	session->continue_due = false;
	if (session->body.total > 0 || session->in_end - session->in_start > session->raw_at)
		return true; /* it did not wait: RFC 9110, section 10.1.1 */
	td_http_add_continue(&text);
	if (!td_output_take(session, &text))
		td_session_drop(session);
	td_buf_fini(&text);
	return true;
}

static bool step(struct td_session *session)
{
	switch ((enum td_session_phase)session->phase) {
	case TD_SESSION_HEAD:
		return read_head(session);
	case TD_SESSION_BODY:
		if (session->admitting)
			return false;
		if (say_continue(session))
			return true;
		return !session->continue_due && read_body(session);
	case TD_SESSION_READY:
		if (session->discards) {
			consume(session);
			return true;
		}
		return handle(session);
	case TD_SESSION_STREAM:
	case TD_SESSION_LINGER:
		session->in_start = session->in_end;
		return false;
	}
	TD_UNREACHABLE();
}

static bool is_idle(const struct td_session *session)
{
	return session->phase == TD_SESSION_HEAD && session->exchanges == NULL &&
	       session->in_start == session->in_end;
}

void td_intake_go(struct td_session *session)
{
	const struct td_server *server = session->server;
	bool moves = true;

	while (moves && !session->gone) {
		moves = settle(session);
		if (!session->gone && step(session))
			moves = true;
	}
	if (session->gone)
		return;
	if (is_idle(session) && session->due[TD_DUE_IDLE] == INT64_MAX)
		session->due[TD_DUE_IDLE] = server->now + server->limits.idle_ms * 1000000;
	else if (!is_idle(session))
		session->due[TD_DUE_IDLE] = INT64_MAX;
	if (session->ended && session->exchanges == session->current &&
		session->phase != TD_SESSION_READY && session->phase != TD_SESSION_LINGER)
		session->closes = true; /* what is half there will not become whole */
	td_server_mark(session);
}

void td_intake_got(struct td_session *session, size_t got)
{
	session->in_end += got;
	session->bytes_in += got;
	session->server->counters.bytes_in += got;
	td_intake_go(session);
}
