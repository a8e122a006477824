#include "client/durable.h"

#include <stdlib.h>

/*
 * Where a durable subscription is, as an event in a log of the library's own, of which the latest of
 * each subject is kept:
 *
 *	log      td.subscriptions
 *	subject  $subscriptions.NAME
 *	type     td.subscription.noted
 *	data     {"next": 49, "owed": [43, 45, 46]}
 */

#define NOTES_LOG     "td.subscriptions"
#define NOTES_SUBJECT "$subscriptions"
#define NOTES_TYPE    "td.subscription.noted"
#define NOTE_BYTES    (8u * 1024u * 1024u)

/* --- writing ------------------------------------------------------------------------------ */

struct note {
	struct td_deed deed;
	struct td_entry entry;
};

static int make_log(struct td_place *place, struct td_error *err)
{
	static const struct td_text subjects[] = {TD_TEXT_INIT(NOTES_SUBJECT ".>")};
	struct td_log_config config = {
		.subjects = subjects,
		.subjects_count = 1,
		.count_per_subject_max = 1,
		.duplicates_ms = -1,
	};
	uint64_t rests_on;
	int code = td_store_log_set(
		td_place_store(place), td_text(NOTES_LOG), &config, TD_LOG_CREATE, &rests_on, err);

	return code == TD_E_EXISTS ? 0 : code;
}

static int decide(
	struct td_place *place, struct td_deed *deed, uint64_t *rests_on, struct td_error *err)
{
	struct note *note = (struct note *)(void *)deed;
	struct td_store *store = td_place_store(place);
	struct td_placed placed;
	int code = td_store_append(store, &note->entry, 1, &placed, rests_on, NULL, err);

	if (code != TD_E_NOT_FOUND)
		return code;
	code = make_log(place, err); /* the first one ever */
	if (code == 0)
		code = td_store_append(store, &note->entry, 1, &placed, rests_on, NULL, err);
	return code;
}

static void add_number(struct td_buf *numbers, uint64_t number)
{
	td_buf_add(numbers, &number, sizeof(number));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Under its lock. */
static void write_state(const struct td_durable *d, struct td_buf *json)
{
	struct td_buf numbers = TD_BUF_INIT(NOTE_BYTES);
	struct td_map_slot *slot;
	struct td_json_writer w;
	uint64_t *owed;
	size_t cursor = 0;

	while ((slot = td_map_next(&d->owed, &cursor)) != NULL)
		add_number(&numbers, slot->key);
	owed = (uint64_t *)(void *)numbers.at;
	if (numbers.len > 0)
		qsort(owed, numbers.len / sizeof(*owed), sizeof(*owed), compare);
	td_json_writer_init(&w, json);
	td_json_open_object(&w);
	td_json_name(&w, td_text("next"));
	td_json_u64(&w, d->next);
	td_json_name(&w, td_text("owed"));
	td_json_open_array(&w);
	for (size_t i = 0; i < numbers.len / sizeof(*owed); i++)
		td_json_u64(&w, owed[i]);
	td_json_close_array(&w);
	td_json_close_object(&w);
	if (numbers.code != 0)
		json->code = numbers.code;
	td_buf_fini(&numbers);
}

static int make_event(struct td_durable *d, const struct td_buf *json, struct td_event **event,
	struct td_error *err)
{
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_draft draft = {
		.type = NOTES_TYPE,
		.data = json->at,
		.data_bytes = json->len,
		.datacontenttype = "application/json",
	};
	struct td_origin origin = {.source = td_text("tidings"),
		.now = td_clock_wall(d->place->clock),
		.kind = TD_EVENT_KIND};
	td_uuid_tick tick;
	uint8_t uuid[16];
	uint64_t random;
	int code;

	atomic_init(&tick, 0);
	d->place->random->fill(d->place->random->arg, &random, sizeof(random));
	td_uuid_next(&tick, origin.now, random, uuid);
	origin.uuid = uuid;
	td_buf_printf(&subject, "%s.%s", NOTES_SUBJECT, d->name);
	code = td_buf_check(&subject, err);
	draft.subject = subject.at;
	if (code == 0)
		code = td_event_make(event, &draft, &origin, err);
	td_buf_fini(&subject);
	return code;
}

int td_durable_note(struct td_durable *d, struct td_error *err)
{
	struct td_buf json = TD_BUF_INIT(NOTE_BYTES), headers = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct note note = {.deed = {.decide = decide}};
	struct td_event *event = NULL;
	int64_t due_ms;
	int code;

	td_mutex_lock(&d->lock);
	write_state(d, &json);
	due_ms = d->note_due_ms;
	d->note_due_ms = INT64_MAX;
	td_mutex_unlock(&d->lock);
	code = td_buf_check(&json, err);
	if (code == 0)
		code = make_event(d, &json, &event, err);
	if (code == 0) {
		td_event_write_headers(event, &headers);
		code = td_buf_check(&headers, err);
	}
	if (code == 0) {
		note.entry = (struct td_entry){
			.log = td_text(NOTES_LOG),
			.address = event->address,
			.type = event->attr[TD_ATTR_TYPE],
			.headers = td_buf_view(&headers),
			.payload = event->data,
			.reserved = true,
		};
		code = td_place_do(d->place, &note.deed, err);
	}
	if (code != 0 && due_ms != INT64_MAX) { /* later */
		td_mutex_lock(&d->lock);
		if (d->note_due_ms == INT64_MAX)
			d->note_due_ms = td_place_now_ms(d->place) + 1000;
		td_mutex_unlock(&d->lock);
	}
	td_event_unref(event);
	td_buf_fini(&headers);
	td_buf_fini(&json);
	return code;
}

/* --- reading ------------------------------------------------------------------------------ */

static bool read_owed(struct td_durable *d, struct td_json list)
{
	struct td_json_iter iter = td_json_iterate(list);
	size_t count = td_json_count(list);
	struct td_json value;
	int64_t number;

	d->again = calloc(count + 1, sizeof(d->again[0]));
	if (d->again == NULL)
		return false;
	while (td_json_next(&iter, NULL, &value)) {
		if (value.kind != TD_JSON_NUMBER || !td_json_to_i64(value, &number))
			continue;
		d->again[d->again_count++] = (uint64_t)number;
		if (!td_map_put(&d->owed, (uint64_t)number, TD_DURABLE_OWED))
			return false;
	}
	return true;
}

static int read_state(struct td_durable *d, struct td_text data, struct td_error *err)
{
	struct td_json state;
	int64_t next = 0;
	int code = td_json_parse(data, 0, &state, err);

	if (code != 0)
		return td_error_wrap(err, code, "the note of %s", d->name);
	if (!td_json_to_i64(td_json_get(state, td_text("next")), &next) || next < 1)
		return td_error_set(
			err, TD_E_FORMAT, TD_NO_OFFSET, "the note of %s says no position", d->name);
	d->next = (uint64_t)next;
	return read_owed(d, td_json_get(state, td_text("owed"))) ? 0 : td_error_nomem(err);
}

int td_durable_recall(struct td_durable *d, struct td_error *err)
{
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX), buf = TD_BUF_INIT(NOTE_BYTES);
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_stored stored;
	struct td_text address;
	int code;

	td_buf_printf(&subject, "%s.%s", NOTES_SUBJECT, d->name);
	code = td_buf_check(&subject, err);
	if (code == 0)
		code = td_address_encode(td_text(subject.at), encoded, &address, err);
	if (code == 0)
		code = td_store_latest(
			td_place_store(d->place), td_text(NOTES_LOG), address, &stored, &buf, err);
	if (code == 0)
		code = read_state(d, stored.payload, err);
	td_buf_fini(&buf);
	td_buf_fini(&subject);
	return code;
}
