#include "server/show.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/draft.h"

/* --- names of logs ------------------------------------------------------------------------ */

struct td_names {
	_Atomic unsigned refs;
	size_t count;
	struct {
		uint32_t number;
		struct td_text name;
	} logs[]; /* and their names behind */
};

static struct td_names *copy_names(const struct td_log_info *infos, size_t count)
{
	size_t bytes = 0;
	struct td_names *names;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += infos[i].name.len;
	names = malloc(sizeof(*names) + count * sizeof(names->logs[0]) + bytes);
	if (names == NULL)
		return NULL;
	atomic_init(&names->refs, 1);
	names->count = count;
	at = (char *)&names->logs[count];
	for (size_t i = 0; i < count; i++) {
		names->logs[i].number = infos[i].number;
		names->logs[i].name = td_text_of(at, infos[i].name.len);
		memcpy(at, infos[i].name.at, infos[i].name.len);
		at += infos[i].name.len;
	}
	return names;
}

struct td_names *td_names_new(struct td_store *store)
{
	size_t count = td_store_logs(store, NULL, 0);
	struct td_log_info *infos = calloc(count > 0 ? count : 1, sizeof(*infos));
	struct td_names *names = NULL;
	size_t found;

	if (infos == NULL)
		return NULL;
	found = td_store_logs(store, infos, count);
	names = copy_names(infos, found < count ? found : count);
	free(infos);
	return names;
}

struct td_names *td_names_ref(struct td_names *names)
{
	if (names != NULL)
		atomic_fetch_add_explicit(&names->refs, 1, memory_order_relaxed);
	return names;
}

void td_names_unref(struct td_names *names)
{
	if (names != NULL && atomic_fetch_sub_explicit(&names->refs, 1, memory_order_acq_rel) == 1)
		free(names);
}

struct td_text td_names_of(const struct td_names *names, uint32_t number)
{
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		if (names->logs[i].number == number)
			return names->logs[i].name;
	}
	return td_text(NULL);
}

/* --- JSON --------------------------------------------------------------------------------- */

#define EXACT_MAX ((uint64_t)1 << 53)

static void add_text(struct td_json_writer *writer, const char *name, const char *digits)
{
	struct td_buf member = TD_BUF_INIT(256);

	td_buf_add_string(&member, name);
	td_buf_add_string(&member, "_text");
	td_json_name(writer, td_buf_view(&member));
	td_json_string(writer, td_text(digits));
	td_buf_fini(&member);
}

void td_show_u64(struct td_json_writer *writer, const char *name, uint64_t value)
{
	char digits[24];

	td_json_name(writer, td_text(name));
	td_json_u64(writer, value);
	if (value > EXACT_MAX) {
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
		add_text(writer, name, digits);
	}
}

void td_show_i64(struct td_json_writer *writer, const char *name, int64_t value)
{
	char digits[24];

	td_json_name(writer, td_text(name));
	td_json_i64(writer, value);
	if (value > (int64_t)EXACT_MAX || value < -(int64_t)EXACT_MAX) {
		snprintf(digits, sizeof(digits), "%lld", (long long)value);
		add_text(writer, name, digits);
	}
}

void td_show_string(struct td_json_writer *writer, const char *name, struct td_text value)
{
	td_json_name(writer, td_text(name));
	td_json_string(writer, value.at != NULL ? value : td_text(""));
}

void td_show_bool(struct td_json_writer *writer, const char *name, bool value)
{
	td_json_name(writer, td_text(name));
	td_json_bool(writer, value);
}

void td_show_time(struct td_json_writer *writer, const char *name, td_time value)
{
	char text[TD_TIME_BYTES];

	td_time_format(value, text);
	td_show_string(writer, name, td_text_of(text, sizeof(text)));
}

static void add_number(struct td_buf *buf, const char *name, uint64_t value)
{
	td_buf_add_string(buf, ",\"");
	td_buf_add_string(buf, name);
	td_buf_add_string(buf, "\":\"");
	td_buf_add_u64(buf, value);
	td_buf_add_char(buf, '"');
}

int td_show_event(struct td_buf *buf, const struct td_event *event,
	const struct td_standing *standing, const struct td_names *names, struct td_error *err)
{
	struct td_text log = td_names_of(names, standing->log);
	int code = td_event_write_json(event, buf, err);

	if (code != 0)
		return code;
	TD_ASSERT(buf->len > 2 && buf->at[buf->len - 1] == '}');
	buf->len--; /* what we add stands behind its own members */
	if (log.at != NULL) {
		td_buf_add_string(buf, ",\"tdlog\":");
		td_json_quote(buf, log);
	}
	add_number(buf, "tdseq", standing->seq);
	add_number(buf, "tdrevision", standing->revision);
	add_number(buf, "tdposition", standing->position);
	if (event->causes > 0) {
		td_buf_add_string(buf, ",\"tdcauses\":");
		td_buf_add_u64(buf, event->causes);
	}
	td_buf_add_char(buf, '}');
	return td_buf_check(buf, err);
}

int td_shown_event(struct td_store *store, const struct td_stored *stored, struct td_event **event,
	struct td_error *err)
{
	struct td_event *shown;
	int code = td_stored_event(store, stored, &shown, err);

	if (code != 0)
		return code;
	td_event_take_off(shown);
	*event = shown;
	return 0;
}
