#include "server/inside.h"

#include <stdlib.h>

#include "server/handlers.h"
#include "server/show.h"

/* GET /v1/subjects: those that have events and match a pattern, in no stated order. */

struct listing {
	struct td_store *store;
	struct td_names *names;
	const struct td_identity *identity;
	char *log, *pattern;
	uint64_t limit, count;
	bool more;
	struct td_buf body;
	struct td_json_writer writer;
	int code;
	struct td_error err;
};

static bool add(void *arg, const struct td_subject_info *subject)
{
	struct listing *listing = arg;
	struct td_json_writer *writer = &listing->writer;
	struct td_buf name = TD_BUF_INIT(4096);

	if (subject->address.len > 0 && subject->address.at[0] == '$' &&
		(listing->pattern == NULL || listing->pattern[0] != '$'))
		return true;
	if (!td_identity_may(listing->identity, TD_MAY_READ, subject->address))
		return true;
	if (listing->count == listing->limit) {
		listing->more = true;
		return false;
	}
	listing->count++;
	td_address_decode(subject->address, &name);
	td_json_open_object(writer);
	td_show_string(writer, "subject", td_buf_view(&name));
	td_show_string(writer, "address", subject->address);
	td_show_string(writer, "log", td_names_of(listing->names, subject->log));
	td_show_u64(writer, "count", subject->count);
	td_show_u64(writer, "seq", subject->seq);
	td_show_u64(writer, "revision", subject->revision);
	td_json_close_object(writer);
	td_buf_fini(&name);
	return listing->body.code == 0;
}

static void list_run(void *arg)
{
	struct listing *listing = arg;
	struct td_json_writer *writer = &listing->writer;

	td_json_writer_init(writer, &listing->body);
	td_json_open_object(writer);
	td_json_name(writer, td_text("subjects"));
	td_json_open_array(writer);
	listing->code = td_store_subjects(listing->store, td_text(listing->log),
		td_text(listing->pattern), add, listing, &listing->err);
	td_json_close_array(writer);
	td_show_bool(writer, "more", listing->more);
	td_json_close_object(writer);
	td_buf_add_char(&listing->body, '\n');
	if (listing->code == 0)
		listing->code = td_buf_check(&listing->body, &listing->err);
}

static void listing_free(struct listing *listing)
{
	td_names_unref(listing->names);
	td_identity_unref(listing->identity);
	td_buf_fini(&listing->body);
	free(listing->log);
	free(listing->pattern);
	free(listing);
}

static int list_done(struct td_exchange *x, void *arg, struct td_error *err)
{
	struct listing *listing = arg;
	int code = listing->code;

	if (code != 0)
		*err = listing->err;
	else if (x->session != NULL)
		td_answer_json(x, 200, td_buf_view(&listing->body));
	listing_free(listing);
	return code;
}

static int copy(const struct td_exchange *x, const char *name, char **out, struct td_error *err)
{
	struct td_text text;
	int code = td_exchange_parameter(x, name, &text, err);

	if (code != 0 || text.at == NULL)
		return code;
	*out = td_text_dup(text);
	return *out != NULL ? 0 : td_error_nomem(err);
}

int td_list_subjects(struct td_exchange *x, struct td_error *err)
{
	static const char *const known[] = {
		"pattern", "log", "limit", "min-position", "timeout", NULL};
	struct listing *listing = calloc(1, sizeof(*listing));
	uint64_t limit = 1000;
	int code;

	if (listing == NULL)
		return td_error_nomem(err);
	listing->store = x->server->store;
	listing->names = td_names_ref(x->server->names);
	listing->identity = td_identity_ref(x->identity);
	td_buf_init(&listing->body, 64u << 20);
	code = td_exchange_only(x, known, err);
	if (code == 0)
		code = copy(x, "pattern", &listing->pattern, err);
	if (code == 0)
		code = copy(x, "log", &listing->log, err);
	if (code == 0)
		code = td_exchange_u64(x, "limit", &limit, err);
	if (limit > (uint64_t)x->server->limits.page_events_max)
		limit = (uint64_t)x->server->limits.page_events_max;
	listing->limit = limit;
	if (code == 0)
		code = td_exchange_run(x, list_run, list_done, listing, err);
	if (code != 0)
		listing_free(listing);
	return code;
}
