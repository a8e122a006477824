#include "server/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/handlers.h"
#include "server/hear.h"
#include "server/search.h"

/*
 * GET /v1/events and /v1/subjects/{subject}/events: pages of what is stored.
 *
 *	query -> search -> [ page, beside the loop ] -> answer, with Link to the next page
 *	                            |  empty, and wait= says so
 *	                            '-> waits until something fits, then again
 */

#define LOOKED_MAX 200000u /* events looked at for a page: who filters much gets it in pieces */

struct page {
	struct td_search *search;
	struct td_store *store;
	struct td_names *names;
	uint64_t limit, bytes_max;
	uint64_t from;       /* 0: as the search says */
	struct td_text link; /* the request's path and query without from, to and wait */
	int64_t wait_until;  /* 0: answer at once */
	/* What came of it. */
	struct td_buf body;
	uint64_t count, looked;
	uint64_t next; /* where the next page begins; 0: there is none */
	uint64_t seen; /* all below was looked at, going forward */
	int code;
	struct td_error err;
	struct td_hearing hearing;
	char link_bytes[];
};

/* --- beside the loop ---------------------------------------------------------------------- */

static int add(struct page *page, const struct td_stored *stored, const struct td_event *event)
{
	struct td_standing standing = td_standing_of(stored);
	size_t before = page->body.len;
	int code;

	td_buf_add_string(&page->body, page->count == 0 ? "[" : ",\n");
	code = td_show_event(&page->body, event, &standing, page->names, &page->err);
	if (code == TD_E_DATA || code == TD_E_TOO_LARGE)
		page->body.len = before;
	page->count++;
	return code;
}

/* The next that fits; *event NULL: none is left, or enough was looked at. */
static int find(struct page *page, struct td_cursor *cursor, struct td_stored *stored,
	struct td_event **event)
{
	int code = 0;

	*event = NULL;
	while (code == 0 && *event == NULL && page->looked < LOOKED_MAX) {
		code = td_cursor_next(cursor, stored, &page->err);
		if (code != 0)
			break;
		page->looked++;
		if (td_search_fits(page->search, stored))
			code = td_search_show(page->search, page->store, stored, event, &page->err);
	}
	return code;
}

static uint64_t behind(const struct page *page, uint64_t position)
{
	return page->search->backward ? position - 1 : position + 1;
}

static int fill(struct page *page, struct td_cursor *cursor)
{
	struct td_stored stored;
	struct td_event *event;
	uint64_t last = 0;
	int code;

	for (;;) {
		code = find(page, cursor, &stored, &event);
		if (code != 0)
			break;
		if (event == NULL) { /* enough was looked at */
			page->next = page->search->backward ? td_cursor_position(cursor) - 1
							    : td_cursor_position(cursor);
			return 0;
		}
		if (page->count == page->limit || page->body.len >= page->bytes_max) {
			td_event_unref(event);
			page->next = behind(page, last) + TD_BUG(412);
			return 0;
		}
		code = add(page, &stored, event);
		td_event_unref(event);
		if (code != 0)
			break;
		last = stored.position;
	}
	if (code == TD_E_NOT_FOUND)
		return 0;
	if (code == TD_E_DAMAGED && page->count > 0) { /* the next page will tell */
		page->next = behind(page, last);
		return 0;
	}
	if (code == TD_E_DAMAGED)
		page->next = td_cursor_position(cursor);
	return code;
}

static void page_run(void *arg)
{
	struct page *page = arg;
	uint64_t durable = td_store_durable(page->store);
	struct td_cursor *cursor = NULL;

	page->code = td_search_open(page->search, page->store, page->from, &cursor, &page->err);
	if (page->code == 0)
		page->code = fill(page, cursor);
	td_cursor_close(cursor);
	page->seen = durable;
	td_buf_add_string(&page->body, page->count == 0 ? "[]\n" : "]\n");
	if (page->code == 0)
		page->code = td_buf_check(&page->body, &page->err);
}

/* --- on the loop -------------------------------------------------------------------------- */

static void page_free(struct page *page)
{
	td_search_unref(page->search);
	td_names_unref(page->names);
	td_buf_fini(&page->body);
	free(page);
}

static void add_link(struct td_http_writer *writer, const struct page *page)
{
	struct td_buf target = TD_BUF_INIT(32u << 10), value = TD_BUF_INIT(32u << 10);

	td_buf_add_text(&target, page->link);
	td_buf_printf(&target, "%c%s=%llu", memchr(page->link.at, '?', page->link.len) ? '&' : '?',
		page->search->backward ? "to" : "from", (unsigned long long)page->next);
	td_http_add_link(&value, td_buf_view(&target), "next");
	if (target.code == 0 && value.code == 0)
		td_http_write_field(writer, "Link", td_buf_view(&value));
	td_buf_fini(&target);
	td_buf_fini(&value);
}

static void answer(struct td_exchange *x, const struct page *page)
{
	struct td_http_writer writer;

	td_answer_begin(x, &writer, 200);
	td_http_write_field(&writer, "Content-Type", td_text("application/cloudevents-batch+json"));
	td_http_write_field(&writer, "Cache-Control", td_text("no-store"));
	if (page->next != 0)
		add_link(&writer, page);
	td_answer_end(x, &writer, td_buf_view(&page->body));
}

static int page_done(struct td_exchange *x, void *arg, struct td_error *err);

static int start(struct td_exchange *x, struct page *page, struct td_error *err)
{
	x->seen = td_store_durable(x->server->store) - 1;
	return td_exchange_run(x, page_run, page_done, page, err);
}

/* Something that fits has come, or time is up. */
static void heard(struct td_hearing *hearing, bool in_time)
{
	struct page *page =
		(struct page *)(void *)((char *)hearing - offsetof(struct page, hearing));
	struct td_exchange *x = hearing->x;
	struct td_error err = TD_ERROR_INIT;
	int code;

	x->gone = NULL;
	page->from = page->seen;
	if (!in_time)
		page->wait_until = 0;
	td_buf_reset(&page->body);
	code = start(x, page, &err);
	if (code != 0) {
		page_free(page);
		td_answer_problem(x, &err);
		td_exchange_answered(x);
	}
}

/* Its connection went while it waited. */
static void gone(struct td_exchange *x)
{
	struct page *page = x->held;

	td_hearing_stop(&page->hearing);
	page_free(page);
	td_exchange_answered(x);
}

static int wait(struct td_exchange *x, struct page *page, struct td_error *err)
{
	int code;

	page->hearing = (struct td_hearing){.x = x, .heard = heard, .search = page->search};
	code = td_hearing_start(x->server, &page->hearing, page->seen, page->wait_until, err);
	if (code != 0)
		return code;
	x->gone = gone;
	x->held = page;
	td_exchange_hold(x);
	return 0;
}

static int page_done(struct td_exchange *x, void *arg, struct td_error *err)
{
	struct page *page = arg;
	struct td_server *server = x->server;
	int code = page->code;

	server->counters.reads++;
	server->counters.events_read += page->count;
	if (code == 0 && x->session != NULL && page->count == 0 && page->next == 0 &&
		page->wait_until > server->now && !server->stopping) {
		code = wait(x, page, err);
		if (code == 0)
			return 0;
	} else if (code != 0) {
		*err = page->err;
		if (page->next != 0)
			td_problem_u64(x, "next", page->next);
	} else if (x->session != NULL) {
		answer(x, page);
	}
	page_free(page);
	return code;
}

/* Path and query as they came, without what the next page says anew. */
static size_t write_link(const struct td_http_request *request, bool backward, char *out)
{
	static const char *const forward[] = {"from=", "wait=", "min-position=", "timeout="};
	static const char *const back[] = {"to=", "wait=", "min-position=", "timeout="};
	const char *const *left = backward ? back : forward;
	struct td_text rest = request->query;
	size_t len = request->path.len;
	char before = '?';

	memcpy(out, request->path.at, len);
	while (rest.len > 0) {
		const char *end = memchr(rest.at, '&', rest.len);
		size_t part = end != NULL ? (size_t)(end - rest.at) : rest.len;
		bool kept = part > 0;

		for (size_t i = 0; i < 4; i++) {
			if (part >= strlen(left[i]) &&
				memcmp(rest.at, left[i], strlen(left[i])) == 0)
				kept = false;
		}
		if (kept) {
			out[len++] = before;
			memcpy(out + len, rest.at, part);
			len += part;
			before = '&';
		}
		rest = td_text_of(rest.at + part, rest.len - part);
		if (rest.len > 0)
			rest = td_text_of(rest.at + 1, rest.len - 1);
	}
	return len;
}

static int check_wait(const struct td_search *search, int64_t wait_ms, struct td_error *err)
{
	if (wait_ms == 0 || (!search->backward && search->to.position == 0 && !search->to.timed &&
				    search->to.id.at == NULL))
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"wait: what comes is newer than all; without to and direction=backward");
}

static int read_page(struct td_exchange *x, struct td_text subject, struct td_error *err)
{
	static const char *const known[] = {"log", "subject", "type", "filter", "select", "from",
		"to", "limit", "direction", "wait", "min-position", "timeout", "from-revision",
		"to-revision", NULL};
	const struct td_server_limits *limits = &x->server->limits;
	struct td_search *search = NULL;
	int64_t wait_ms = 0;
	struct page *page;
	int code = td_exchange_only(x, known, err);

	if (code == 0)
		code = td_search_read(&search, x, subject, err);
	if (code == 0)
		code = td_exchange_u64(x, "from-revision", &search->from_revision, err);
	if (code == 0)
		code = td_exchange_u64(x, "to-revision", &search->to_revision, err);
	if (code == 0)
		code = td_exchange_duration(x, "wait", &wait_ms, err);
	if (code == 0)
		code = check_wait(search, wait_ms, err);
	if (code != 0) {
		td_search_unref(search);
		return code;
	}
	if (search->limit == 0) {
		td_search_unref(search);
		td_answer(x, 200, "application/cloudevents-batch+json", td_text("[]\n"));
		return 0;
	}
	page = calloc(1, sizeof(*page) + x->request->path.len + x->request->query.len + 1);
	if (page == NULL) {
		td_search_unref(search);
		return td_error_nomem(err);
	}
	page->search = search;
	page->store = x->server->store;
	page->names = td_names_ref(x->server->names);
	page->limit = search->limit < (uint64_t)limits->page_events_max
			      ? search->limit
			      : (uint64_t)limits->page_events_max;
	page->bytes_max = (uint64_t)limits->page_bytes_max;
	page->link = td_text_of(
		page->link_bytes, write_link(x->request, search->backward, page->link_bytes));
	if (wait_ms > 0)
		page->wait_until =
			x->server->now +
			1000000 * (wait_ms < limits->wait_ms_max ? wait_ms : limits->wait_ms_max);
	td_buf_init(&page->body, 256u << 20);
	code = start(x, page, err);
	if (code != 0)
		page_free(page);
	return code;
}

int td_read_events(struct td_exchange *x, struct td_error *err)
{
	return read_page(x, td_text(NULL), err);
}

int td_read_subject_events(struct td_exchange *x, struct td_error *err)
{
	return read_page(x, td_exchange_captured(x, 0), err);
}
