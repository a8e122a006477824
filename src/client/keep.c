#include "client/place.h"

#include <stdlib.h>
#include <string.h>

/*
 * From events to entries: what the bus's keeper does with what is published. The header blocks are
 * written before the lock is taken; under it the store decides, and turns are drawn in that order.
 */

#define FEW 1u

struct keep {
	struct td_deed deed;
	const struct td_keeping *keeping;
	struct td_entry *entries;
	struct td_placed *placed;
	size_t which;
	bool kept; /* false: no log claims it, and nothing is asked */
	struct td_entry first_entry[FEW];
	struct td_placed first_placed[FEW];
};

static enum td_expect expect_of(enum td_expected expected)
{
	switch (expected) {
	case TD_IF_ANY:
		return TD_EXPECT_ANY;
	case TD_IF_NONE:
		return TD_EXPECT_NONE;
	case TD_IF_EXISTS:
		return TD_EXPECT_EXISTS;
	case TD_IF_REVISION:
		return TD_EXPECT_REVISION;
	}
	TD_UNREACHABLE();
}

static void where_of_log(struct td_store *store, uint32_t log, struct td_where *where)
{
	struct td_log_info about;

	where->log[0] = '\0';
	if (td_store_log(store, td_text(NULL), log, &about, NULL) == 0)
		td_text_copy(about.name, where->log, sizeof(where->log));
}

void td_place_where(struct td_store *store, uint32_t log, uint64_t seq, uint64_t revision,
	uint64_t position, td_time recorded, struct td_where *where)
{
	where->position = position;
	where->seq = seq;
	where->revision = revision;
	where->recorded = recorded;
	where_of_log(store, log, where);
}

/* --- under the lock ----------------------------------------------------------------------- */

/* Addresses that the built-in log does not keep, and no other claims. */
static bool is_kept_by_nobody(int code, const struct keep *keep)
{
	struct td_text address = keep->entries[0].address;

	return code == TD_E_SUBJECT &&
	       ((address.len > 0 && address.at[0] == '$') ||
		       (address.len > 7 && memcmp(address.at, "_INBOX.", 7) == 0));
}

static int decide(
	struct td_place *place, struct td_deed *deed, uint64_t *rests_on, struct td_error *err)
{
	struct keep *keep = (struct keep *)(void *)deed;
	const struct td_keeping *keeping = keep->keeping;
	struct td_store *store = td_place_store(place);
	int code;

	place->deciding = keeping->events;
	keep->which = 0;
	code = td_store_append(
		store, keep->entries, keeping->count, keep->placed, rests_on, &keep->which, err);
	place->deciding = NULL;
	if (keeping->asked == NULL && (code == TD_E_NOT_FOUND || is_kept_by_nobody(code, keep))) {
		*rests_on = 0; /* no log claims it: heard of, and forgotten */
		return 0;
	}
	if (code == TD_E_REVISION)
		keeping->kept[keep->which].found = keep->placed[keep->which].found;
	if (code != 0)
		return code;
	keep->kept = true;
	for (size_t i = 0; i < keeping->count; i++) {
		struct td_kept *kept = &keeping->kept[i];
		const struct td_placed *placed = &keep->placed[i];

		kept->stored = true;
		kept->duplicate = placed->duplicate;
		td_place_where(store, placed->log, placed->seq, placed->revision, placed->position,
			placed->time, &kept->where);
		if (!placed->duplicate)
			td_turn_draw(place->keeper.turns, kept->turn, keep->entries[i].address);
	}
	return 0;
}

static void undo(struct td_place *place, struct td_deed *deed)
{
	struct keep *keep = (struct keep *)(void *)deed;

	for (size_t i = keep->keeping->count; keep->kept && i-- > 0;)
		td_turn_withdraw(place->keeper.turns, keep->keeping->kept[i].turn);
}

void td_place_each_staged(struct td_place *place,
	bool (*each)(void *arg, const struct td_event *event, const struct td_where *where),
	void *arg)
{
	uint64_t durable = td_store_durable(td_place_store(place));

	for (const struct td_deed *deed = place->decided; deed != NULL; deed = deed->next) {
		const struct keep *keep = (const struct keep *)(const void *)deed;

		if (deed->decide != decide || deed->code != 0 || !keep->kept)
			continue;
		for (size_t i = 0; i < keep->keeping->count; i++) {
			const struct td_kept *kept = &keep->keeping->kept[i];

			if (!kept->duplicate && kept->where.position >= durable &&
				!each(arg, keep->keeping->events[i], &kept->where))
				return;
		}
	}
}

/* --- before it ---------------------------------------------------------------------------- */

/*
 * An event that was elsewhere: when it was recorded there, and by whom. Whose time is not given is
 * asked for when it says it was recorded, then for its own.
 */
static int import(const struct td_event *event, const struct td_appending *asked,
	struct td_entry *entry, struct td_buf *buf, struct td_error *err)
{
	struct td_text recorded = event->attr[TD_ATTR_RECORDEDTIME];
	size_t before = buf->len;
	int code = 0;

	entry->imported = true;
	entry->as_revision = asked->as_revision;
	entry->time = asked->recorded;
	if (entry->time == 0 && recorded.at != NULL)
		code = td_time_parse(recorded, &entry->time, err);
	else if (entry->time == 0)
		code = td_event_time_ns(event, &entry->time, err);
	if (code != 0)
		return td_error_wrap(err, TD_E_INVALID, "imported: when it was recorded");
	td_server_add(buf, TD_SERVER_AUTHID, event->attr[TD_ATTR_AUTHID]);
	entry->server.len = buf->len - before;
	return 0;
}

/* The blocks, one behind the other, then views of them: the buffer moves while it grows. */
static int write_entries(
	struct td_place *place, struct keep *keep, struct td_buf *headers, struct td_error *err)
{
	const struct td_keeping *keeping = keep->keeping;
	const struct td_appending *asked = keeping->asked;
	size_t at = 0;
	int code = 0;

	for (size_t i = 0; code == 0 && i < keeping->count; i++) {
		const struct td_event *event = keeping->events[i];
		struct td_entry *entry = &keep->entries[i];
		size_t before = headers->len;

		*entry = (struct td_entry){
			.address = event->address,
			.type = event->attr[TD_ATTR_TYPE],
			.key = {event->attr[TD_ATTR_SOURCE], event->attr[TD_ATTR_ID]},
		};
		if (asked != NULL) {
			entry->log = td_text(asked[i].log);
			entry->expect = expect_of(asked[i].expected);
			entry->revision = asked[i].revision;
		}
		td_event_write_headers(event, headers);
		entry->headers.len = headers->len - before;
		code = td_event_data_get(event, &entry->payload, err);
		if (code == 0 && asked != NULL && asked[i].imported)
			code = import(event, &asked[i], entry, headers, err);
		if (code == 0 && entry->payload.len > place->payload_bytes_max)
			code = td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
				"data: %zu bytes, at most %zu are stored", entry->payload.len,
				place->payload_bytes_max);
	}
	if (code == 0)
		code = td_buf_check(headers, err);
	for (size_t i = 0; code == 0 && i < keeping->count; i++) {
		keep->entries[i].headers.at = headers->at + at;
		at += keep->entries[i].headers.len;
		if (keep->entries[i].server.len > 0)
			keep->entries[i].server.at = headers->at + at;
		at += keep->entries[i].server.len;
	}
	return code;
}

static bool make_room(struct keep *keep)
{
	size_t count = keep->keeping->count;

	keep->entries = keep->first_entry;
	keep->placed = keep->first_placed;
	if (count <= FEW)
		return true;
	keep->entries = calloc(count, sizeof(keep->entries[0]));
	keep->placed = calloc(count, sizeof(keep->placed[0]));
	return keep->entries != NULL && keep->placed != NULL;
}

int td_place_keep(void *arg, const struct td_keeping *keeping, struct td_error *err)
{
	struct td_place *place = arg;
	struct keep keep = {.deed = {.decide = decide, .undo = undo}, .keeping = keeping};
	struct td_buf headers =
		TD_BUF_INIT(keeping->count * (TD_HEADER_BYTES_MAX + TD_ATTRIBUTE_BYTES_MAX + 3));
	int code = td_place_may(place, "publishing", err);

	if (code == 0 && place->read_only)
		code = td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"the place was opened to be looked at only");
	if (code != 0)
		return code;
	code = make_room(&keep) ? write_entries(place, &keep, &headers, err) : td_error_nomem(err);
	if (code == 0)
		code = td_place_do(place, &keep.deed, err);
	if (code != 0) { /* for td_append(): which, and what it found */
		for (size_t i = 0; i < keeping->count; i++)
			keeping->kept[i].stored = false;
		keeping->kept[keep.which < keeping->count ? keep.which : 0].refused = code;
	}
	if (keep.entries != keep.first_entry) {
		free(keep.entries);
		free(keep.placed);
	}
	td_buf_fini(&headers);
	return code;
}

bool td_place_seals(void *arg, const struct td_event *event)
{
	struct td_place *place = arg;
	struct td_store *store = td_place_store(place);

	return store != NULL && td_store_seals(store, event->address);
}
