/*
 * Adopting: a new log takes over what `events` holds of its subjects.
 *
 *	created, `adopting`       from here on the subjects are its own
 *	frame by frame:           so many events, oldest first, as they are, and their removal
 *	changed, `adopted`        the answer
 *
 * Each frame moves what it moves whole, so nothing is there twice or not at all. Its bytes in `events` are
 * erased as if somebody had asked for it: whoever erases it where it is now means all of it. Appends wait until
 * it is over (TD_E_FULL: a frame has to be committed, as ever), so an adopted event never comes behind
 * a new one of its subject. Where a crash or an error comes between, the next opening or append goes
 * on. What cannot be read, or is too large to be moved, stays in `events`. Revisions go on from where they stood in `events`, also over what was removed there: its tops
 * stay, and are asked.
 */
#include "store/private.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#define EVENTS_MAX 256u /* of one frame */
#define READS_MAX  4u   /* of one that the disk does not give, though it may have it */

/* What is moved at once. */
struct moving {
	uint64_t positions[EVENTS_MAX], locations[EVENTS_MAX];
	size_t count;         /* found */
	size_t bytes;         /* of their records */
	uint64_t next;        /* where to look on */
	bool unready;         /* some of it is not durable yet */
	struct td_buf bodies; /* records, and opened payloads behind them; no longer grows */
	struct td_entry entries[EVENTS_MAX];
	struct td_opener opener;
	size_t read; /* entries; damaged ones are passed over */
};

/* --- what there is -------------------------------------------------------------------------- */

/* The subject of a live event, if the log claims it. */
static bool is_claimed(const struct td_store *store, const struct td_run *run, struct td_line *line,
	const struct td_log *log)
{
	uint32_t ref = td_store_ref(store, run, line);

	return ref != TD_SUBJECT_NONE &&
	       td_logs_claiming(&store->logs,
		       td_subject_address(td_subject_at(&store->subjects, ref))) == log;
}

/* Live events of `events` that the log claims, from log->adopted_to on. Under the lock. */
static void gather(
	struct td_store *store, const struct td_log *log, size_t bytes_max, struct moving *moving)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);
	const struct td_run *run;

	for (run = td_runs_from(&store->runs, moving->next); run != NULL;
		run = td_runs_from(&store->runs, run->next)) {
		uint64_t at = moving->next > run->base ? moving->next : run->base;

		for (; at < run->next; at++) {
			struct td_line *line = td_run_line(run, at);

			moving->next = at;
			if (line->log != store->events->index ||
				(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) !=
					TD_LINE_EVENT ||
				!is_claimed(store, run, line, log))
				continue;
			moving->unready = at >= durable;
			if (moving->unready || moving->count == EVENTS_MAX ||
				(moving->count > 0 && moving->bytes + line->bytes > bytes_max))
				return;
			moving->positions[moving->count] = at;
			moving->locations[moving->count++] = td_run_location(run, line);
			moving->bytes += line->bytes;
		}
		moving->next = run->next;
	}
}

/* --- reading -------------------------------------------------------------------------------- */

/* The words that duplicates were known by, as they were when it came. */
static void take_key(struct td_entry *entry, struct td_buf *values)
{
	entry->key[0] = td_block_value(entry->headers, "Nats-Msg-Id", NULL);
	if (entry->key[0].at == NULL) {
		entry->key[0] = td_block_value(entry->headers, "ce-source", values);
		entry->key[1] = td_block_value(entry->headers, "ce-id", values);
	}
}

/* The record of one of them, in the buffer. */
static int read_record(struct td_store *store, struct moving *moving, size_t i,
	struct td_event_record *event, struct td_error *err)
{
	size_t at = moving->bodies.len;
	struct td_held held = {0};
	int code = TD_E_DAMAGED;

	/* Passed over it would stay behind, with its subject in two logs. */
	for (unsigned reads = 0; code == TD_E_DAMAGED && reads < (TD_BUG(259) ? 1 : READS_MAX);
		reads++)
		code = td_store_fetch(
			store, moving->positions[i], moving->locations[i], &held, event, err);
	if (code == 0) {
		td_buf_add_text(&moving->bodies, held.record.body);
		code = td_buf_check(&moving->bodies, err);
	}
	store->shelf.let_go(&held);
	if (code == 0 && td_event_record_read(event, td_text_of(moving->bodies.at + at,
							     moving->bodies.len - at)) != NULL)
		code = TD_E_DAMAGED;
	return code;
}

/* One of them as an entry; its texts stand in the buffer. */
static int read_one(struct td_store *store, const struct td_log *log, struct moving *moving,
	size_t i, struct td_buf *values, struct td_error *err)
{
	struct td_entry *entry = &moving->entries[moving->read];
	struct td_event_record event;
	struct td_stored stored;
	size_t plain;
	int code = read_record(store, moving, i, &event, err);

	if (code == 0)
		code = td_stored_open(
			store, &moving->opener, &stored, &event, moving->positions[i], err);
	if (code != 0)
		return code;
	*entry = (struct td_entry){.log = td_text(log->name),
		.address = event.address,
		.type = event.type,
		.headers = event.headers,
		.payload = stored.payload,
		.server = event.server,
		.time = event.time,
		.as_revision = event.revision,
		.imported = true,
		.erased = stored.erased};
	if (stored.erased) {
		entry->payload = event.payload; /* nobody can open it there, either */
	} else if ((event.flags & TD_EVENT_SEALED) != 0) {
		plain = moving->bodies.len;
		td_buf_add_text(&moving->bodies, stored.payload);
		entry->payload = td_text_of(moving->bodies.at + plain, stored.payload.len);
	}
	take_key(entry, values);
	moving->positions[moving->read++] = moving->positions[i];
	return td_buf_check(&moving->bodies, err);
}

static int read_all(struct td_store *store, const struct td_log *log, struct moving *moving,
	struct td_buf *values, struct td_error *err)
{
	struct td_error unseen = TD_ERROR_INIT;
	int code = 0;

	/* Twice, for payloads that are opened; and for the words of keys: so that nothing moves. */
	if (td_buf_reserve(&moving->bodies, 2 * moving->bytes + 1) == NULL ||
		td_buf_reserve(values, 2 * moving->bytes + 1) == NULL)
		return td_error_nomem(err);
	for (size_t i = 0; code == 0 && i < moving->count; i++) {
		code = read_one(store, log, moving, i, values, &unseen);
		/* It stays in `events`, where it cannot be read either. */
		if (code == TD_E_DAMAGED || code == TD_E_NOT_FOUND)
			code = 0;
	}
	if (code != 0 && err != NULL)
		*err = unseen;
	return code;
}

static void moving_fini(struct moving *moving)
{
	if (moving->bodies.at != NULL)
		OPENSSL_cleanse(moving->bodies.at, moving->bodies.len);
	td_buf_fini(&moving->bodies);
	td_opener_fini(&moving->opener);
	free(moving);
}

/* --- a frame -------------------------------------------------------------------------------- */

/* *over: nothing is left. */
static int move_some(struct td_store *store, struct td_log *log, size_t bytes_max, bool *over,
	struct td_error *err)
{
	struct td_buf values = TD_BUF_INIT(SIZE_MAX / 2);
	struct moving *moving = calloc(1, sizeof(*moving));
	uint64_t losses;
	bool lost;
	int code;

	if (moving == NULL)
		return td_error_nomem(err);
	moving->bodies.max = SIZE_MAX / 2;
	moving->next = log->adopted_to;
	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	gather(store, log, bytes_max, moving);
	lost = store->runs.losses != losses;
	td_mutex_unlock(&store->lock);
	*over = moving->count == 0 && !moving->unready;
	if (lost)
		code = td_store_lost(err);
	else if (moving->count == 0 && moving->unready)
		code = td_error_set(
			err, TD_E_FULL, TD_NO_OFFSET, "what is adopted is not durable yet");
	else
		code = read_all(store, log, moving, &values, err);
	if (code == 0 && moving->read > 0)
		code = td_append_moved(store, moving->entries, moving->read, store->events,
			moving->positions, err);
	/* It stays in `events`: no frame takes it and its removal. */
	if (code == TD_E_TOO_LARGE && moving->count == 1) {
		moving->next = moving->positions[0] + 1;
		code = 0;
	}
	if (code == 0)
		log->adopted_to = moving->next;
	td_buf_fini(&values);
	moving_fini(moving);
	return code;
}

static int move_all(struct td_store *store, struct td_log *log, struct td_error *err)
{
	size_t bytes_max = (size_t)256 << 10;
	struct td_error wrong = TD_ERROR_INIT;
	bool over = false;
	int code = 0;

	while (code == 0 && !over) {
		code = move_some(store, log, bytes_max, &over, &wrong);
		/* More than goes into one frame: fewer at a time. */
		if (code == TD_E_TOO_LARGE && bytes_max > 0) {
			bytes_max /= 2;
			code = 0;
		}
	}
	if (code != 0 && err != NULL)
		*err = wrong;
	return code;
}

/* --- the door --------------------------------------------------------------------------------- */

int td_adopt(struct td_store *store, struct td_log *log, uint64_t *rests_on, struct td_error *err)
{
	int code;

	TD_ASSERT(!store->adopts);
	store->adopts = true;
	/* What was moved has an entry there until its removal is durable. */
	store->events->stray = true;
	code = move_all(store, log, err);
	if (code == 0)
		code = td_log_adopted(store, log, rests_on, err);
	store->adopts = false;
	return code == 0 ? 0 : td_error_wrap(err, code, "log %s adopts", log->name);
}

int td_adopt_pending(struct td_store *store, struct td_error *err)
{
	uint64_t rests_on;
	int code = 0;

	for (size_t i = 0; code == 0 && i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL && store->logs.at[i]->config.adopting &&
			!store->logs.at[i]->leaves)
			code = td_adopt(store, store->logs.at[i], &rests_on, err);
	}
	if (code == 0)
		store->adoption_pending = false;
	return code;
}
