/*
 * Forgetting: the key of an erasable subject is destroyed, and all that was sealed with it is bytes
 * that say nothing.
 *
 *	tell        a fact of `$tidings`: of which log, which subject (its hash), which key
 *	durable     readers see the payloads no more
 *	destroy     the key is overwritten where it lay, and synced: answered
 *
 * The fact comes first: where a crash comes between, opening the store finds it and destroys the key.
 * What comes after the fact has another key. A log that is deleted is forgotten as a whole.
 */
#include "store/private.h"

#include <stdio.h>
#include <stdlib.h>

/* --- waiting for the fact to be durable ----------------------------------------------------- */

static bool expect(struct td_store *store, size_t count)
{
	return td_buf_reserve(&store->forgets, count * sizeof(struct td_forgotten)) != NULL;
}

/* Within what was expected. */
static void add(struct td_store *store, uint64_t record, uint64_t key)
{
	const struct td_forgotten forgotten = {record, key};

	td_buf_add(&store->forgets, &forgotten, sizeof(forgotten));
}

static struct td_forgotten *forgets_of(const struct td_store *store, size_t *count)
{
	*count = store->forgets.len / sizeof(struct td_forgotten);
	return (struct td_forgotten *)(void *)store->forgets.at;
}

void td_forget_durable(struct td_store *store)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);
	size_t count, kept = 0;
	struct td_forgotten *all = forgets_of(store, &count);

	for (size_t i = 0; i < count; i++) {
		/* Without memory for it: the next time. */
		if (all[i].record >= durable ||
			td_keys_destroy(store->seals.keys, all[i].key, NULL) != 0)
			all[kept++] = all[i];
	}
	store->forgets.len = kept * sizeof(*all);
}

bool td_store_is_forgotten(const struct td_store *store, uint64_t key)
{
	size_t count;
	const struct td_forgotten *all = forgets_of(store, &count);

	for (size_t i = 0; i < count; i++) {
		if (all[i].key == key)
			return false;
	}
	return td_keys_destroyed(store->seals.keys, key);
}

/* --- forgetting ------------------------------------------------------------------------------- */

static int tell(struct td_store *store, const struct td_log *log, uint64_t hash, uint64_t key,
	struct td_placed *placed, uint64_t *rests_on, struct td_error *err)
{
	struct td_buf json = TD_BUF_INIT(1024);
	int code;

	td_buf_printf(&json, "{\"log\":");
	td_json_quote(&json, td_text(log->name));
	td_buf_printf(&json,
		",\"number\":%" PRIu32 ",\"subject\":\"%016" PRIx64 "\",\"key\":%" PRIu64 "}",
		log->number, hash, key);
	code = td_buf_check(&json, err);
	if (code == 0)
		code = td_control_tell(store, TD_TYPE_FORGOTTEN, log->name, td_buf_view(&json),
			placed, rests_on, err);
	td_buf_fini(&json);
	return code;
}

int td_store_forget(struct td_store *store, struct td_text name, struct td_text address,
	uint64_t *key, uint64_t *rests_on, struct td_error *err)
{
	struct td_log *log = td_logs_find(&store->logs, name);
	struct td_erasure *erasure;
	struct td_placed placed;
	uint64_t hash, own;
	int code;

	*key = *rests_on = 0;
	if (log == NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(name));
	code = td_address_check(address, err);
	if (code != 0)
		return td_error_wrap(err, code, "address %.*s", TD_TEXT_ARG(address));
	hash = td_top_hash(store->top_seed, log->number, address);
	own = td_seal_key(&store->seals, hash);
	/* What was adopted lies in frames of `events` yet, sealed with the key it had there. */
	if (log->config.adopted && store->events != NULL) {
		code = td_store_forget(store, td_text(TD_LOG_EVENTS), address, key, rests_on, err);
		if (code != 0 && code != TD_E_NOT_FOUND)
			return code;
		if (own == 0 && code == 0)
			return 0;
	}
	*key = own;
	if (own == 0)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"log %s: nothing is sealed of %.*s", log->name, TD_TEXT_ARG(address));
	if (!expect(store, 1))
		return td_error_nomem(err);
	erasure = td_erased_expect(store, log, address, err);
	if (erasure == NULL)
		return TD_E_NOMEM;
	code = tell(store, log, hash, *key, &placed, rests_on, err);
	if (code != 0) {
		td_erased_unexpect(store, erasure);
		return code;
	}
	td_erased_forgot(erasure, hash, *key, &placed);
	td_map_remove(&store->seals.of, hash);
	add(store, placed.position, *key);
	td_forget_durable(store);
	return 0;
}

/* --- a log that is deleted ---------------------------------------------------------------------- */

int td_forget_log_plan(struct td_store *store, const struct td_log *log, struct td_buf *subjects,
	struct td_error *err)
{
	const struct td_map_slot *slot;
	size_t at = 0;

	while ((slot = td_map_next(&store->seals.of, &at)) != NULL) {
		if (td_seal_log(slot->value) == log->index)
			td_buf_add(subjects, &slot->key, sizeof(slot->key));
	}
	if (td_buf_check(subjects, err) != 0)
		return subjects->code;
	return expect(store, subjects->len / sizeof(slot->key)) ? 0 : td_error_nomem(err);
}

void td_forget_log(struct td_store *store, const struct td_buf *subjects, uint64_t record)
{
	const uint64_t *hashes = (const uint64_t *)(void *)subjects->at;

	for (size_t i = 0; i < subjects->len / sizeof(*hashes); i++)
		add(store, record, td_seal_number(td_map_remove(&store->seals.of, hashes[i])));
	td_forget_durable(store);
}

int td_forget_log_fold(struct td_store *store, const struct td_log *log, struct td_error *err)
{
	struct td_buf subjects = TD_BUF_INIT(SIZE_MAX / 2);
	int code = td_forget_log_plan(store, log, &subjects, err);
	const uint64_t *hashes = (const uint64_t *)(void *)subjects.at;

	for (size_t i = 0; code == 0 && i < subjects.len / sizeof(*hashes); i++)
		add(store, 0, td_seal_number(td_map_remove(&store->seals.of, hashes[i])));
	td_buf_fini(&subjects);
	return code;
}

/* --- folding ---------------------------------------------------------------------------------- */

static bool read_hash(struct td_json object, uint64_t *hash)
{
	struct td_json value = td_json_get(object, td_text("subject"));
	struct td_buf buf = TD_BUF_INIT(64);
	bool is = false;

	if (value.kind == TD_JSON_STRING) {
		td_json_unescape(value, &buf);
		is = buf.code == 0 && buf.len == 16 &&
		     sscanf(buf.at, "%16" SCNx64, hash) == 1; /* NOLINT: 16 digits fit */
	}
	td_buf_fini(&buf);
	return is;
}

int td_forget_fold(
	struct td_store *store, const struct td_event_record *record, struct td_error *err)
{
	struct td_json object;
	int64_t key = 0;
	uint64_t hash;
	int code = td_json_parse(record->payload, TD_JSON_DEPTH_MAX, &object, err);

	if (code != 0)
		return code;
	if (!read_hash(object, &hash) ||
		!td_json_to_i64(td_json_get(object, td_text("key")), &key) || key <= 0)
		return td_error_set(err, TD_E_DATA, TD_NO_OFFSET, "not what was forgotten");
	if (!expect(store, 1))
		return td_error_nomem(err);
	if (td_seal_key(&store->seals, hash) == (uint64_t)key)
		td_map_remove(&store->seals.of, hash);
	td_keys_given(store->seals.keys, (uint64_t)key);
	add(store, 0, (uint64_t)key);
	return 0;
}

int td_forget_fold_end(struct td_store *store, struct td_error *err)
{
	size_t count;
	const struct td_forgotten *all = forgets_of(store, &count);
	uint64_t *keys = malloc(count * sizeof(*keys) + 1);
	int code;

	if (keys == NULL)
		return td_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		keys[i] = all[i].key;
	code = td_keys_sweep(store->seals.keys, keys, TD_BUG(245) ? 0 : count, err);
	free(keys);
	td_buf_fini(&store->forgets);
	store->forgets.max = SIZE_MAX / 2;
	return code;
}
