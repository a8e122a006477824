#include "server/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/guard.h"
#include "server/ops.h"

/*
 * Exchanges: made with a request's head, answered once, gone when the answer was handed to the
 * session's output, or when whoever holds it gives it back.
 */

#define ANSWER_BYTES_MAX (64u << 20) /* what a page may be, and more */

struct td_exchange *td_exchange_new(struct td_session *session)
{
	struct td_exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->server = session->server;
	x->session = session;
	td_buf_init(&x->out, ANSWER_BYTES_MAX);
	td_buf_init(&x->members, 64u << 10);
	*session->exchanges_last = x;
	session->exchanges_last = &x->next;
	session->exchanges_count++;
	session->server->exchanges_count++;
	return x;
}

static void exchange_free(struct td_exchange *x)
{
	x->server->exchanges_count--;
	td_identity_unref(x->identity);
	td_buf_fini(&x->out);
	td_buf_fini(&x->members);
	free(x);
}

/* --- lists -------------------------------------------------------------------------------- */

void td_exchange_wait(struct td_exchange *x, struct td_exchange ***last)
{
	TD_ASSERT(x->waiting_link == NULL);
	x->waiting_next = NULL;
	x->waiting_link = *last;
	x->waiting_last = last;
	**last = x;
	*last = &x->waiting_next;
}

void td_exchange_wait_no_more(struct td_exchange *x, struct td_exchange ***last)
{
	if (x->waiting_link == NULL)
		return;
	TD_ASSERT(x->waiting_last == last);
	*x->waiting_link = x->waiting_next;
	if (x->waiting_next != NULL)
		x->waiting_next->waiting_link = x->waiting_link;
	else
		*last = x->waiting_link;
	x->waiting_link = NULL;
	x->waiting_next = NULL;
}

void td_exchange_leave(struct td_exchange *x)
{
	if (x->waiting_link != NULL)
		td_exchange_wait_no_more(x, x->waiting_last);
	x->session = NULL;
	if (x->state == TD_EXCHANGE_STREAMS && x->stream != NULL) {
		const struct td_stream_kind *kind = x->stream;

		x->stream = NULL;
		kind->closed(x);
	}
	if (x->state != TD_EXCHANGE_HELD)
		exchange_free(x);
	else if (x->gone != NULL)
		x->gone(x);
}

/* --- the request -------------------------------------------------------------------------- */

int td_exchange_parameter(
	const struct td_exchange *x, const char *name, struct td_text *value, struct td_error *err)
{
	struct td_text found;

	if (td_http_parameter(x->target, name, &found) > 1)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%s: stands in the query twice", name);
	*value = found;
	return 0;
}

static bool read_u64(struct td_text text, uint64_t *value)
{
	uint64_t read = 0;

	if (text.len == 0 || text.len > 20)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text.at[i] - '0';

		if (digit > 9 || read > (UINT64_MAX - digit) / 10)
			return false;
		read = read * 10 + digit;
	}
	*value = read;
	return true;
}

int td_exchange_u64(
	const struct td_exchange *x, const char *name, uint64_t *value, struct td_error *err)
{
	struct td_text text = {NULL, 0};
	int code = td_exchange_parameter(x, name, &text, err);

	if (code != 0 || text.at == NULL)
		return code;
	if (!read_u64(text, value))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: not a number: %.*s", name,
			TD_TEXT_ARG(text));
	return 0;
}

int td_exchange_duration(
	const struct td_exchange *x, const char *name, int64_t *value_ms, struct td_error *err)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
	struct td_text text = {NULL, 0};
	uint64_t value;
	size_t digits = 0;
	int code = td_exchange_parameter(x, name, &text, err);

	if (code != 0 || text.at == NULL)
		return code;
	while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
		digits++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct td_text unit = td_text_of(text.at + digits, text.len - digits);

		if (!td_text_is(unit, units[i].unit) || digits > 9 ||
			!read_u64(td_text_of(text.at, digits), &value))
			continue;
		*value_ms = (int64_t)(value * units[i].ms);
		return 0;
	}
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"%s: %.*s is not a duration, as 250ms, 30s, 5m", name, TD_TEXT_ARG(text));
}

int td_exchange_only(const struct td_exchange *x, const char *const *names, struct td_error *err)
{
	for (uint32_t i = 0; i < x->target->parameter_count; i++) {
		struct td_text name = x->target->parameters[i].name;
		size_t at = 0;

		while (names[at] != NULL && !td_text_is(name, names[at]))
			at++;
		if (names[at] == NULL)
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"%.*s: no parameter of this route", TD_TEXT_ARG(name));
	}
	return 0;
}

int td_exchange_field(
	const struct td_exchange *x, const char *name, struct td_text *value, struct td_error *err)
{
	struct td_text found;

	if (td_http_field(x->request->fields, name, &found) > 1)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%s: stands in the head twice", name);
	*value = found;
	return 0;
}

/* --- answering ---------------------------------------------------------------------------- */

void td_answer_begin(struct td_exchange *x, struct td_http_writer *writer, int status)
{
	td_buf_reset(&x->out);
	if (x->server->stopping)
		x->terms.close = true;
	x->status = (uint32_t)status;
	td_http_write_response(writer, &x->out, &x->terms, status, x->server->wall);
	if (x->route != NULL && (x->route->flags & TD_ROUTE_READS) != 0) {
		char text[24];
		int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)x->seen);

		td_http_write_field(writer, "Td-Position", td_text_of(text, (size_t)len));
	}
}

/* Of an answer that could not be written; short, so that it can. */
static void answer_short(struct td_exchange *x, int code)
{
	struct td_http_writer writer;

	td_buf_fini(&x->out);
	td_buf_init(&x->out, ANSWER_BYTES_MAX);
	x->terms.close = true;
	x->status = code == TD_E_NOMEM ? 503 : 500;
	td_http_write_response(&writer, &x->out, &x->terms, (int)x->status, x->server->wall);
	x->unsaid = td_http_write_body(&writer, td_text_of("", 0), NULL) != 0;
}

void td_answer_end(struct td_exchange *x, struct td_http_writer *writer, struct td_text body)
{
	int code = td_http_write_body(writer, body, NULL);

	if (code != 0)
		answer_short(x, code);
}

void td_answer(struct td_exchange *x, int status, const char *type, struct td_text body)
{
	struct td_http_writer writer;

	td_answer_begin(x, &writer, status);
	if (type != NULL)
		td_http_write_field(&writer, "Content-Type", td_text(type));
	td_answer_end(x, &writer, type != NULL ? body : td_text_of("", 0));
}

void td_answer_json(struct td_exchange *x, int status, struct td_text body)
{
	td_answer(x, status, "application/json", body);
}

void td_problem_u64(struct td_exchange *x, const char *name, uint64_t value)
{
	td_buf_add_char(&x->members, ',');
	td_json_quote(&x->members, td_text(name));
	td_buf_add_char(&x->members, ':');
	td_buf_add_u64(&x->members, value);
}

void td_problem_string(struct td_exchange *x, const char *name, struct td_text value)
{
	td_buf_add_char(&x->members, ',');
	td_json_quote(&x->members, td_text(name));
	td_buf_add_char(&x->members, ':');
	td_json_quote(&x->members, value);
}

static bool is_worth_a_retry(int status)
{
	return status == 429 || status == 503 || status == 507;
}

static void answer_document(struct td_exchange *x, int status, struct td_buf *body)
{
	struct td_http_writer writer;

	if (td_buf_check(body, NULL) != 0) {
		answer_short(x, body->code);
		return;
	}
	td_answer_begin(x, &writer, status);
	td_http_write_field(&writer, "Content-Type", td_text(TD_HTTP_PROBLEM_TYPE));
	if (is_worth_a_retry(status))
		td_http_write_field(&writer, "Retry-After", td_text("1"));
	if (status == 401)
		td_http_write_field(&writer, "WWW-Authenticate", td_text(TD_GUARD_CHALLENGE));
	td_answer_end(x, &writer, td_buf_view(body));
}

void td_answer_problem(struct td_exchange *x, const struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(128u << 10);
	struct td_json_writer writer;

	td_http_open_problem(&writer, &body, err);
	if (body.len > 0 && x->members.code == 0 && x->members.len > 0)
		td_buf_add_text(&body, td_buf_view(&x->members));
	td_json_close_object(&writer);
	answer_document(x, td_error_http(err->code), &body);
	td_buf_fini(&body);
}

void td_answer_status(struct td_exchange *x, int status, const char *detail)
{
	struct td_buf body = TD_BUF_INIT(16u << 10);

	td_http_add_problem(&body, status, td_text(detail));
	answer_document(x, status, &body);
	td_buf_fini(&body);
}

void td_exchange_rests_on(struct td_exchange *x, uint64_t position)
{
	if (TD_BUG(401))
		return;
	if (position > x->rests_on)
		x->rests_on = position;
}

void td_exchange_admitted(struct td_exchange *x, bool go)
{
	struct td_session *session = x->session;

	TD_ASSERT(x->state == TD_EXCHANGE_HELD);
	x->state = TD_EXCHANGE_OPEN;
	if (session == NULL) {
		exchange_free(x);
		return;
	}
	td_intake_admitted(session, go);
	td_session_kick(session);
}

/* --- later -------------------------------------------------------------------------------- */

static void count(struct td_counters *counters, uint32_t status)
{
	uint64_t *const by_class[] = {&counters->answers_2xx, &counters->answers_3xx,
		&counters->answers_4xx, &counters->answers_5xx};

	++*by_class[status / 100 - 2];
}

/* It has its answer. */
static void answered(struct td_exchange *x)
{
	struct td_server *server = x->server;

	count(&server->counters, x->status);
	td_ops_answered(server->ops, x->route, x->status);
	x->state = TD_EXCHANGE_ANSWERED;
	if (x->session == NULL) {
		exchange_free(x);
		return;
	}
	if (x->rests_on != 0 && td_store_durable(server->store) <= x->rests_on)
		td_exchange_wait(x, &server->settling_last);
	td_server_mark(x->session);
}

void td_exchange_handled(struct td_exchange *x, int code, const struct td_error *err)
{
	struct td_error plain = TD_ERROR_INIT;

	if (code != 0) {
		TD_ASSERT(x->state != TD_EXCHANGE_STREAMS);
		if (err == NULL || err->code != code) {
			plain.code = code;
			err = &plain;
		}
		td_answer_problem(x, err);
		x->state = TD_EXCHANGE_OPEN;
	}
	if (x->state == TD_EXCHANGE_HELD || x->state == TD_EXCHANGE_STREAMS)
		return;
	TD_ASSERT(x->out.len > 0 || x->unsaid); /* a handler answers, holds, streams or fails */
	answered(x);
}

void td_exchange_hold(struct td_exchange *x)
{
	x->state = TD_EXCHANGE_HELD;
}

void td_exchange_answered(struct td_exchange *x)
{
	struct td_session *session = x->session;

	TD_ASSERT(x->state == TD_EXCHANGE_HELD);
	if (session == NULL) {
		exchange_free(x);
		return;
	}
	answered(x);
	if (session != NULL)
		td_session_kick(session);
}

/* --- beside the loop ---------------------------------------------------------------------- */

struct errand {
	struct td_task task;
	struct td_exchange *x;
	void (*run)(void *arg);
	int (*done)(struct td_exchange *x, void *arg, struct td_error *err);
	void *arg;
};

static void errand_run(void *arg)
{
	const struct errand *errand = arg;

	errand->run(errand->arg);
}

static void errand_done(void *arg)
{
	struct errand *errand = arg;
	struct td_exchange *x = errand->x;
	struct td_session *session = x->session;
	struct td_error err = TD_ERROR_INIT;
	int code;

	x->server->tasks_out--;
	x->state = TD_EXCHANGE_OPEN;
	code = errand->done(x, errand->arg, &err);
	free(errand);
	if (session == NULL && x->state == TD_EXCHANGE_OPEN) {
		exchange_free(x);
		return;
	}
	td_exchange_handled(x, code, &err);
	if (session != NULL)
		td_session_kick(session);
}

int td_exchange_run(struct td_exchange *x, void (*run)(void *arg),
	int (*done)(struct td_exchange *x, void *arg, struct td_error *err), void *arg,
	struct td_error *err)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (errand == NULL)
		return td_error_nomem(err);
	*errand = (struct errand){
		.task = {.run = errand_run, .done = errand_done, .arg = errand},
		.x = x,
		.run = run,
		.done = done,
		.arg = arg,
	};
	x->state = TD_EXCHANGE_HELD;
	x->server->tasks_out++;
	td_tasks_submit(x->server->seams.work, &errand->task);
	return 0;
}

/* --- streams ------------------------------------------------------------------------------ */

int td_stream_open(struct td_exchange *x, const char *type, const struct td_stream_kind *kind,
	void *arg, struct td_error *err)
{
	struct td_http_writer writer;
	int code;

	x->stream_arg = arg; /* on failure, too: whoever asked gives it back */
	td_answer_begin(x, &writer, 200);
	td_http_write_field(&writer, "Content-Type", td_text(type));
	td_http_write_field(&writer, "Cache-Control", td_text("no-store"));
	td_http_write_field(&writer, "X-Accel-Buffering", td_text("no"));
	code = td_http_write_stream(&writer, err);
	if (code != 0)
		return code;
	if (x->terms.head) { /* that was all */
		kind->closed(x);
		return 0;
	}
	TD_ASSERT(x->session->exchanges == x); /* all before it are answered, and went */
	if (!td_output_take(x->session, &x->out))
		return td_error_nomem(err);
	x->framed = writer.chunked;
	x->terms.close = writer.terms.close;
	x->state = TD_EXCHANGE_STREAMS;
	x->stream = kind;
	x->session->spoke_at = x->server->now;
	count(&x->server->counters, 200);
	return 0;
}

bool td_stream_add(struct td_exchange *x, struct td_shared *shared)
{
	struct td_session *session = x->session;
	size_t max = (size_t)x->server->limits.follower_bytes_max;

	TD_ASSERT(x->state == TD_EXCHANGE_STREAMS && x->stream != NULL);
	session->spoke_at = x->server->now;
	if (session->out_bytes > 0 && session->out_bytes + shared->len > max)
		return false;
	return td_output_share(session, shared, x->framed);
}

void td_stream_end(struct td_exchange *x)
{
	struct td_session *session = x->session;
	const struct td_stream_kind *kind = x->stream;
	struct td_buf last = TD_BUF_INIT(64);

	TD_ASSERT(x->state == TD_EXCHANGE_STREAMS && kind != NULL);
	x->stream = NULL;
	kind->closed(x);
	if (x->framed)
		td_http_add_last_chunk(&last);
	x->terms.close = true;
	td_buf_fini(&x->out);
	x->out = last;
	x->state = TD_EXCHANGE_ANSWERED;
	td_server_mark(session);
}
