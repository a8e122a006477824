#include "client/http_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Publishing and appending: the bus's keeper. The server decides; its receipt says where the events
 * stand, and then this handle hears of them, in the order of positions with what others published:
 *
 *	POST --> receipt: position 41 --> the stream passes 41 --> turn --> queues, handlers
 *
 * So a publisher waits for the stream where there is one that will show his event, while it stands and
 * moves, ORDER_MS at most; what went ahead is noted, and passed over when the stream comes to it.
 *
 * An answer that was lost is asked for again: the server knows the event by its id, and answers with
 * the first receipt. That it was "there before" means nothing then, unless it stands where this handle had
 * been already when it began.
 */

#define ORDER_MS   1000
#define PASSED_FEW 64u

struct sending {
	const struct td_keeping *keeping;
	struct td_buf target;
	struct td_http_header condition;
	char tag[32];
	bool conditional;
	uint64_t known; /* when it began */
	struct td_http_receipt *receipts, first;
};

/* --- what is asked of the server ---------------------------------------------------------- */

static int check_appending(const struct td_keeping *keeping, struct td_error *err)
{
	const struct td_appending *asked = keeping->asked;

	for (size_t i = 0; i < keeping->count; i++) {
		const char *what = NULL;

		if (asked[i].imported)
			what = "importing";
		else if ((asked[i].log == NULL) != (asked[0].log == NULL) ||
			 (asked[i].log != NULL && strcmp(asked[i].log, asked[0].log) != 0))
			what = "one append into several logs";
		else if (i > 0 && asked[i].expected != TD_IF_ANY)
			what = "an expectation of others than the first";
		else if (asked[0].expected != TD_IF_ANY &&
			 !td_text_equal(keeping->events[i]->address, keeping->events[0]->address))
			what = "an expectation, and events of several subjects";
		else if (asked[0].expected != TD_IF_ANY &&
			 keeping->events[0]->attr[TD_ATTR_SUBJECT].at == NULL)
			what = "an expectation of an event without a subject";
		if (what != NULL)
			return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
				"%s: this place does not offer it", what);
	}
	return 0;
}

static void set_condition(struct sending *s, const struct td_appending *asked)
{
	s->conditional = asked->expected != TD_IF_ANY;
	if (!s->conditional)
		return;
	s->condition.name = td_text(asked->expected == TD_IF_NONE ? "If-None-Match" : "If-Match");
	s->condition.value = td_text("*");
	if (asked->expected == TD_IF_REVISION) {
		snprintf(s->tag, sizeof(s->tag), "\"%llu\"", (unsigned long long)asked->revision);
		s->condition.value = td_text(s->tag);
	}
}

static int prepare(struct sending *s, struct td_error *err)
{
	const struct td_appending *asked = s->keeping->asked;
	int code = asked != NULL ? check_appending(s->keeping, err) : 0;

	if (code != 0)
		return code;
	if (asked != NULL)
		set_condition(s, &asked[0]);
	if (s->conditional) {
		td_buf_add_string(&s->target, "/v1/subjects/");
		td_http_add_encoded(&s->target, s->keeping->events[0]->attr[TD_ATTR_SUBJECT]);
	} else {
		td_buf_add_string(&s->target, "/v1");
	}
	td_buf_add_string(&s->target, "/events");
	if (asked != NULL && asked[0].log != NULL) {
		td_buf_add_string(&s->target, "?log=");
		td_http_add_encoded(&s->target, td_text(asked[0].log));
	}
	s->receipts = &s->first;
	if (s->keeping->count > 1)
		s->receipts = calloc(s->keeping->count, sizeof(*s->receipts));
	if (s->receipts == NULL)
		return td_error_nomem(err);
	return td_buf_check(&s->target, err);
}

/* Addresses that no log keeps unless it claims them: heard of here, and forgotten. */
static bool is_kept_by_nobody(const struct td_keeping *keeping, int code)
{
	struct td_text address = keeping->events[0]->address;

	return code == TD_E_SUBJECT && keeping->asked == NULL &&
	       ((address.len > 0 && address.at[0] == '$') ||
		       (address.len > 7 && memcmp(address.at, "_INBOX.", 7) == 0));
}

static int refuse(struct sending *s, const struct td_http_reply *reply, struct td_error *err)
{
	struct td_http_problem problem;
	size_t which;

	td_http_problem_read(reply->status, td_buf_view(&reply->fields), td_buf_view(&reply->body),
		&problem, err);
	which = problem.index < s->keeping->count ? (size_t)problem.index : 0;
	s->keeping->kept[which].refused = problem.code;
	if (problem.code == TD_E_REVISION && problem.revision != UINT64_MAX)
		s->keeping->kept[which].found = problem.revision;
	return problem.code;
}

static int post(struct td_http *http, struct sending *s, struct td_error *err)
{
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	struct td_http_cargo *cargo = malloc(sizeof(*cargo));
	struct td_http_ask ask = {.method = TD_HTTP_POST, .target = td_buf_view(&s->target)};
	int code;

	if (cargo == NULL)
		return td_error_nomem(err);
	code = td_http_cargo_load(cargo, s->keeping->events, s->keeping->count, err);
	if (code == 0) {
		if (s->conditional)
			cargo->fields[cargo->fields_count++] = s->condition;
		ask.fields = cargo->fields;
		ask.fields_count = cargo->fields_count;
		ask.content_type = cargo->content_type;
		ask.body = cargo->data;
		code = td_http_call(http, &ask, td_http_deadline(http), &reply, err);
	}
	if (code != 0)
		s->keeping->kept[0].refused = code;
	else if (reply.status >= 400)
		code = refuse(s, &reply, err);
	else
		code = td_http_receipts_read(
			td_buf_view(&reply.body), s->receipts, s->keeping->count, err);
	if (code == 0 && reply.attempts > 1 && s->receipts[0].where.position >= s->known) {
		for (size_t i = 0; i < s->keeping->count; i++)
			s->receipts[i].duplicate = false; /* it was us */
	}
	td_http_reply_fini(&reply);
	td_http_cargo_fini(cargo);
	free(cargo);
	return code;
}

/* --- and what becomes of it here ---------------------------------------------------------- */

/* Under the lock. What the stream has passed without showing it, it never will. */
static void forget_passed(struct td_http *http)
{
	struct td_map_slot *slot;
	size_t cursor = 0;

	if (http->passed.count < PASSED_FEW)
		return;
	while ((slot = td_map_next(&http->passed, &cursor)) != NULL) {
		if (slot->key < http->upto) {
			td_map_remove(&http->passed, slot->key);
			cursor = 0; /* it moves others */
		}
	}
}

static int begin(struct td_http *http, struct td_http_own *own, bool *follows, struct td_error *err)
{
	size_t count = own->keeping->count;
	int code = 0;

	td_mutex_lock(&http->lock);
	*follows = false;
	for (size_t i = 0; i < count && !*follows; i++)
		*follows = td_http_shows(http, own->keeping->events[i]);
	if (*follows) {
		forget_passed(http);
		if (td_map_reserve(&http->passed, http->passed.count + count)) {
			own->next = http->owns;
			http->owns = own;
		} else {
			code = td_error_nomem(err);
		}
	}
	td_mutex_unlock(&http->lock);
	return code;
}

/* Under the lock. */
static void leave(struct td_http *http, const struct td_http_own *own)
{
	struct td_http_own **link = &http->owns;

	while (*link != NULL && *link != own)
		link = &(*link)->next;
	if (*link != NULL)
		*link = own->next;
	td_http_moved(http);
}

/* Under the lock: the rest goes ahead of the stream. */
static void draw_rest(struct td_http *http, struct td_http_own *own, bool follows)
{
	const struct td_keeping *keeping = own->keeping;

	for (; own->reached < keeping->count; own->reached++) {
		const struct td_kept *kept = &keeping->kept[own->reached];

		td_turn_draw(
			http->keeper.turns, kept->turn, keeping->events[own->reached]->address);
		if (follows && kept->where.position >= http->upto)
			td_map_put(&http->passed, kept->where.position, http); /* has room */
	}
}

static void settle(
	struct td_http *http, const struct sending *s, struct td_http_own *own, bool follows)
{
	const struct td_keeping *keeping = s->keeping;
	int64_t until = td_http_now() + (int64_t)ORDER_MS * 1000000;
	bool duplicate = s->receipts[0].duplicate;

	td_mutex_lock(&http->lock);
	for (size_t i = 0; i < keeping->count; i++) {
		keeping->kept[i].stored = true;
		keeping->kept[i].duplicate = s->receipts[i].duplicate;
		keeping->kept[i].where = s->receipts[i].where;
		if (s->receipts[i].where.position >= http->known)
			http->known = s->receipts[i].where.position + 1;
	}
	own->answered = !duplicate;
	own->over = duplicate;
	td_http_moved(http);
	while (!duplicate && follows && own->reached < keeping->count && td_http_now() < until &&
		td_http_pump_for(http, until))
		;
	if (!duplicate)
		draw_rest(http, own, follows);
	leave(http, own);
	td_mutex_unlock(&http->lock);
}

int td_http_keep(void *arg, const struct td_keeping *keeping, struct td_error *err)
{
	struct td_http *http = arg;
	struct sending s = {.keeping = keeping, .target = TD_BUF_INIT(8 * TD_ATTRIBUTE_BYTES_MAX)};
	struct td_http_own own = {.keeping = keeping};
	bool follows = false;
	int code = prepare(&s, err);

	if (code != 0)
		keeping->kept[0].refused = code;
	td_mutex_lock(&http->lock);
	s.known = http->known;
	td_mutex_unlock(&http->lock);
	if (code == 0)
		code = begin(http, &own, &follows, err);
	if (code == 0) {
		code = post(http, &s, err);
		if (code == 0) {
			settle(http, &s, &own, follows);
		} else {
			td_mutex_lock(&http->lock);
			leave(http, &own);
			td_mutex_unlock(&http->lock);
		}
	}
	if (is_kept_by_nobody(keeping, code))
		code = 0;
	if (s.receipts != &s.first)
		free(s.receipts);
	td_buf_fini(&s.target);
	return code;
}
