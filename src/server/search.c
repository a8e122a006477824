#include "server/search.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "server/inside.h"

#define TEXTS_BYTES_MAX (256u << 10)

/* --- bounds ------------------------------------------------------------------------------- */

static bool is_number(struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	}
	return text.len > 0 && text.len <= 19;
}

static bool looks_like_a_time(struct td_text text)
{
	return text.len >= 20 && text.at[4] == '-' && text.at[7] == '-' &&
	       (text.at[10] == 'T' || text.at[10] == 't');
}

static int read_bound(struct td_search *search, const struct td_exchange *x, const char *name,
	struct td_bound *bound, struct td_error *err)
{
	struct td_text text;
	int code = td_exchange_parameter(x, name, &text, err);

	if (code != 0 || text.at == NULL)
		return code;
	if (is_number(text))
		return td_exchange_u64(x, name, &bound->position, err);
	if (looks_like_a_time(text)) {
		bound->timed = true;
		code = td_time_parse(text, &bound->time, err);
		return code == 0 ? 0 : td_error_wrap(err, TD_E_INVALID, "%s", name);
	}
	if (text.len == 0)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%s: a position, a time or an id", name);
	bound->id = td_arena_copy(&search->texts, text);
	return bound->id.at != NULL ? 0 : td_error_nomem(err);
}

/* --- lists -------------------------------------------------------------------------------- */

/* A pattern as it is, or, what is none, the address of a subject. */
static int read_pattern(struct td_search *search, struct td_text text, struct td_text *pattern,
	struct td_error *err)
{
	char encoded[TD_ADDRESS_BYTES_MAX];
	int code = 0;

	if (td_pattern_check(text, NULL) != 0)
		code = td_address_encode(text, encoded, &text, err);
	if (code != 0)
		return td_error_wrap(err, code, "subject");
	*pattern = td_arena_copy(&search->texts, text);
	return pattern->at != NULL ? 0 : td_error_nomem(err);
}

static int read_subjects(struct td_search *search, const struct td_exchange *x,
	struct td_text subject, struct td_error *err)
{
	struct td_text value;
	unsigned count = td_http_parameter(x->target, "subject", &value);
	char encoded[TD_ADDRESS_BYTES_MAX];
	uint32_t at = 0;
	int code = 0;

	if (subject.at != NULL && count > 0)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "subject: the path names it already");
	search->subjects = td_arena_zalloc(&search->texts, (count + 1) * sizeof(*search->subjects));
	if (search->subjects == NULL)
		return td_error_nomem(err);
	if (subject.at != NULL) {
		code = td_address_encode(subject, encoded, &subject, err);
		if (code == 0)
			search->subjects[search->subjects_count++] =
				td_arena_copy(&search->texts, subject);
	}
	while (code == 0 && td_http_parameter_next(x->target, "subject", &at, &value))
		code = read_pattern(
			search, value, &search->subjects[search->subjects_count++], err);
	for (size_t i = 0; code == 0 && i < search->subjects_count; i++) {
		if (search->subjects[i].len > 0 && search->subjects[i].at[0] == '$')
			search->hidden = true;
	}
	return code;
}

static int read_types(struct td_search *search, const struct td_exchange *x, struct td_error *err)
{
	struct td_text value;
	unsigned count = td_http_parameter(x->target, "type", &value);
	uint32_t at = 0;

	if (count == 0)
		return 0;
	search->types = td_arena_zalloc(&search->texts, count * sizeof(*search->types));
	if (search->types == NULL)
		return td_error_nomem(err);
	while (td_http_parameter_next(x->target, "type", &at, &value)) {
		struct td_text copy = td_arena_copy(&search->texts, value);

		if (copy.at == NULL)
			return td_error_nomem(err);
		search->types[search->types_count++] = copy;
	}
	return 0;
}

static int read_select(struct td_search *search, const struct td_exchange *x, struct td_error *err)
{
	const char *fields[256];
	struct td_text value;
	size_t count = 0;
	uint32_t at = 0;
	int code;

	while (td_http_parameter_next(x->target, "select", &at, &value)) {
		for (;;) {
			const char *comma = memchr(value.at, ',', value.len);
			size_t len = comma != NULL ? (size_t)(comma - value.at) : value.len;
			struct td_text field =
				td_arena_copy(&search->texts, td_text_of(value.at, len));

			if (field.at == NULL)
				return td_error_nomem(err);
			if (count == sizeof(fields) / sizeof(fields[0]))
				return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
					"select: more than %zu fields", count);
			fields[count++] = field.at;
			if (comma == NULL)
				break;
			value = td_text_of(comma + 1, value.len - len - 1);
		}
	}
	if (count == 0)
		return 0;
	code = td_select_new(&search->select, fields, count, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "select");
}

static int read_filter(struct td_search *search, const struct td_exchange *x, struct td_error *err)
{
	struct td_text value;
	int code = td_exchange_parameter(x, "filter", &value, err);

	if (code != 0 || value.at == NULL)
		return code;
	if (value.len > 0 && (value.at[0] == '{' || value.at[0] == '['))
		code = td_filter_dialects(&search->filter, value, err);
	else
		code = td_filter_sql(&search->filter, value, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "filter");
}

static int read_direction(
	struct td_search *search, const struct td_exchange *x, struct td_error *err)
{
	struct td_text value;
	int code = td_exchange_parameter(x, "direction", &value, err);

	if (code != 0 || value.at == NULL || td_text_is(value, "forward"))
		return code;
	search->backward = td_text_is(value, "backward");
	if (search->backward)
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "direction: forward or backward");
}

/* What is asked for, whatever the bounds: as the query says it, who asks beside it. */
static int write_key(struct td_search *search, const struct td_exchange *x, struct td_text subject,
	struct td_error *err)
{
	static const char *const parts[] = {"log", "subject", "type", "filter", "select"};
	struct td_buf key = TD_BUF_INIT(TEXTS_BYTES_MAX);
	struct td_text value;

	td_buf_printf(&key, "%p", (const void *)search->identity);
	if (subject.at != NULL) {
		td_buf_add_char(&key, '\0');
		td_buf_add_text(&key, subject);
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint32_t at = 0;

		while (td_http_parameter_next(x->target, parts[i], &at, &value)) {
			td_buf_add_char(&key, '\0');
			td_buf_add_u64(&key, i);
			td_buf_add_text(&key, value);
		}
	}
	if (td_buf_check(&key, err) == 0)
		search->key = td_arena_copy(&search->texts, td_buf_view(&key));
	td_buf_fini(&key);
	return search->key.at != NULL ? 0 : td_error_nomem(err);
}

/* --- all of it ---------------------------------------------------------------------------- */

static int check_read(const struct td_search *search, struct td_text subject, struct td_error *err)
{
	if (subject.at == NULL ||
		td_identity_may(search->identity, TD_MAY_READ, search->subjects[0]))
		return 0;
	return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET, "read %.*s: not permitted",
		TD_TEXT_ARG(subject));
}

static int read_all(struct td_search *search, const struct td_exchange *x, struct td_text subject,
	struct td_error *err)
{
	struct td_text log;
	int code = td_exchange_parameter(x, "log", &log, err);

	if (code == 0 && log.at != NULL) {
		search->log = td_arena_copy(&search->texts, log);
		search->hidden = log.len > 0 && log.at[0] == '$';
		if (search->log.at == NULL)
			code = td_error_nomem(err);
	}
	if (code == 0)
		code = read_subjects(search, x, subject, err);
	if (code == 0)
		code = check_read(search, subject, err);
	if (code == 0)
		code = read_types(search, x, err);
	if (code == 0)
		code = read_filter(search, x, err);
	if (code == 0)
		code = read_select(search, x, err);
	if (code == 0)
		code = read_direction(search, x, err);
	if (code == 0)
		code = read_bound(search, x, "from", &search->from, err);
	if (code == 0)
		code = read_bound(search, x, "to", &search->to, err);
	if (code == 0)
		code = td_exchange_u64(x, "limit", &search->limit, err);
	if (code == 0)
		code = write_key(search, x, subject, err);
	return code;
}

int td_search_read(struct td_search **out, const struct td_exchange *x, struct td_text subject,
	struct td_error *err)
{
	struct td_search *search = calloc(1, sizeof(*search));
	int code;

	if (search == NULL)
		return td_error_nomem(err);
	atomic_init(&search->refs, 1);
	td_arena_init(&search->texts, 512, TEXTS_BYTES_MAX);
	search->identity = td_identity_ref(x->identity);
	search->limit = 100;
	code = read_all(search, x, subject, err);
	if (code != 0) {
		td_search_unref(search);
		return code;
	}
	*out = search;
	return 0;
}

struct td_search *td_search_ref(struct td_search *search)
{
	atomic_fetch_add_explicit(&search->refs, 1, memory_order_relaxed);
	return search;
}

void td_search_unref(struct td_search *search)
{
	if (search == NULL ||
		atomic_fetch_sub_explicit(&search->refs, 1, memory_order_acq_rel) != 1)
		return;
	td_filter_free(search->filter);
	td_select_free(search->select);
	td_identity_unref(search->identity);
	td_arena_fini(&search->texts);
	free(search);
}

/* --- looking ------------------------------------------------------------------------------ */

bool td_search_fits(const struct td_search *search, const struct td_stored *stored)
{
	if (!search->hidden && stored->address.len > 0 && stored->address.at[0] == '$')
		return false;
	return td_identity_may(search->identity, TD_MAY_READ, stored->address);
}

bool td_search_wants(
	const struct td_search *search, const struct td_stored *stored, struct td_text log)
{
	bool fits = search->subjects_count == 0;

	if (search->log.at != NULL && !td_text_equal(search->log, log))
		return false;
	for (size_t i = 0; !fits && i < search->subjects_count; i++)
		fits = td_pattern_matches(search->subjects[i], stored->address);
	if (!fits)
		return false;
	fits = search->types_count == 0;
	for (size_t i = 0; !fits && i < search->types_count; i++)
		fits = td_text_equal(search->types[i], stored->type);
	return fits && td_search_fits(search, stored);
}

int td_search_show(const struct td_search *search, struct td_store *store,
	const struct td_stored *stored, struct td_event **out, struct td_error *err)
{
	struct td_event *event, *selected;
	int code = td_shown_event(store, stored, &event, err);

	*out = NULL;
	if (code != 0)
		return code;
	if (search->filter != NULL && !td_filter_passes(search->filter, event)) {
		td_event_unref(event);
		return 0;
	}
	if (search->select != NULL) {
		code = td_select_apply(search->select, event, &selected, err);
		if (code == 0) {
			selected->causes = event->causes;
			td_event_unref(event);
			event = selected;
		} else if (code != TD_E_NOMEM) {
			code = 0; /* its data is not what it says: then it is shown as it is */
		}
	}
	if (code != 0)
		td_event_unref(event);
	else
		*out = event;
	return code;
}

static int look_up(struct td_store *store, struct td_text id, const char *what, uint64_t *position,
	struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(16u << 20);
	struct td_stored stored;
	int code = td_store_find(store, id, td_text(NULL), &stored, &buf, err);

	td_buf_fini(&buf);
	if (code != 0)
		return td_error_wrap(err, code, "%s", what);
	*position = stored.position;
	return 0;
}

int td_search_open(const struct td_search *search, struct td_store *store, uint64_t from,
	struct td_cursor **cursor, struct td_error *err)
{
	struct td_read_options options = {
		.log = search->log,
		.subjects = search->subjects_count > 0 ? search->subjects : NULL,
		.subjects_count = search->subjects_count,
		.types = search->types,
		.types_count = search->types_count,
		.from_position = search->from.position,
		.to_position = search->to.position,
		.from_revision = search->from_revision,
		.to_revision = search->to_revision,
		.from_time = search->from.timed ? search->from.time : INT64_MIN,
		.to_time = search->to.timed ? search->to.time : 0,
		.backward = search->backward,
		.control = search->hidden,
	};
	int code = 0;

	if (search->from.id.at != NULL)
		code = look_up(store, search->from.id, "from", &options.from_position, err);
	if (code == 0 && search->to.id.at != NULL)
		code = look_up(store, search->to.id, "to", &options.to_position, err);
	if (from != 0)
		options.from_position = from;
	return code != 0 ? code : td_store_read(cursor, store, &options, err);
}
