#include "client/place.h"

#include <stdlib.h>
#include <string.h>

/*
 * Logs and what is removed from them: each a deed, decided in order with what is published.
 */

#define REMOVE_RULE "request"

/* Something that changes the place, and not from inside an inline handler. */
static int may_change(struct td_place *place, const char *what, struct td_error *err)
{
	int code = td_place_may(place, what, err);

	if (code == 0 && place->read_only)
		code = td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"the place was opened to be looked at only");
	return code;
}

static int no_log(const char *name, struct td_error *err)
{
	return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.100s", name);
}

/* Names of the library's own. */
static bool is_own(struct td_text name)
{
	return (name.len > 0 && name.at[0] == '$') ||
	       (name.len > 3 && memcmp(name.at, "td.", 3) == 0);
}

static int check_name(const char *name, struct td_error *err)
{
	if (name[0] == '\0' || is_own(td_text(name)) || strlen(name) > TD_LOG_NAME_BYTES_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"name: 1 to %u bytes, not beginning with \"$\" or \"td.\"",
			TD_LOG_NAME_BYTES_MAX);
	return 0;
}

/* --- create, change, delete --------------------------------------------------------------- */

struct set {
	struct td_deed deed;
	const char *name;
	const struct td_log_config *config; /* NULL: delete */
	unsigned change;
};

static int decide_set(
	struct td_place *place, struct td_deed *deed, uint64_t *rests_on, struct td_error *err)
{
	struct set *set = (struct set *)(void *)deed;
	struct td_store *store = td_place_store(place);

	if (set->config == NULL)
		return td_store_log_delete(store, td_text(set->name), rests_on, err);
	return td_store_log_set(store, td_text(set->name), set->config, set->change, rests_on, err);
}

static int texts_of(const char *const *strings, size_t count, const char *what,
	const struct td_text **texts, struct td_error *err)
{
	struct td_text *made;

	*texts = NULL;
	if (count > TD_LOG_SUBJECTS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: %zu, at most %u", what,
			count, TD_LOG_SUBJECTS_MAX);
	if (count > 0 && strings == NULL)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%s: NULL, with a count", what);
	made = calloc(count + 1, sizeof(*made));
	if (made == NULL)
		return td_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		made[i] = td_text(strings[i]);
		if (made[i].at == NULL) {
			free(made);
			return td_error_set(
				err, TD_E_INVALID, TD_NO_OFFSET, "%s[%zu]: NULL", what, i);
		}
	}
	*texts = made;
	return 0;
}

int td_place_log_set(struct td *td, const char *name, const struct td_log_settings *settings,
	bool change, struct td_error *err)
{
	struct td_log_config config = {0};
	struct set set = {.deed = {.decide = decide_set}, .name = name, .config = &config};
	struct td_store *store;
	int code;

	config.age_ms = settings->age_ms;
	config.bytes_max = settings->bytes_max;
	config.count_max = settings->count_max;
	config.count_per_subject_max = settings->count_per_subject_max;
	config.discard_new = settings->discard_new;
	config.duplicates_ms = settings->duplicates_ms;
	config.duplicates_max = settings->duplicates_max;
	config.revisions_forgotten = settings->revisions_forgotten;
	config.importing = settings->importing;
	config.subjects_count = settings->subjects_count;
	config.erasable_count = settings->erasable_count;
	set.change = (unsigned)(change ? TD_LOG_CHANGE : TD_LOG_CREATE) |
		     (settings->adopt ? (unsigned)TD_LOG_ADOPT : 0);
	code = may_change(td->place, "changing logs", err);
	if (code == 0)
		code = check_name(name, err);
	if (code == 0)
		code = texts_of(settings->subjects, settings->subjects_count, "subjects",
			&config.subjects, err);
	if (code == 0)
		code = texts_of(settings->erasable, settings->erasable_count, "erasable",
			&config.erasable, err);
	if (code == 0 && change && td_place_store(td->place) == NULL)
		code = no_log(name, err);
	if (code == 0)
		code = td_place_store_made(td->place, &store, err);
	if (code == 0)
		code = td_place_do(td->place, &set.deed, err);
	free((void *)(uintptr_t)config.subjects);
	free((void *)(uintptr_t)config.erasable);
	return code;
}

int td_place_log_delete(struct td *td, const char *name, struct td_error *err)
{
	struct set set = {.deed = {.decide = decide_set}, .name = name};
	int code = may_change(td->place, "deleting logs", err);

	if (code == 0)
		code = check_name(name, err);
	if (code == 0 && td_place_store(td->place) == NULL)
		code = no_log(name, err);
	if (code == 0)
		code = td_place_do(td->place, &set.deed, err);
	return code;
}

/* --- list --------------------------------------------------------------------------------- */

/* One block: the logs, then pointers to their subjects, then all texts. */
struct block {
	char *at, *end;
};

static char *copy_text(struct block *block, struct td_text text)
{
	char *copy = block->at;

	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	block->at += text.len + 1;
	TD_ASSERT(block->at <= block->end);
	return copy;
}

static size_t bytes_of(const struct td_text *texts, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += texts[i].len + 1 + sizeof(char *);
	return bytes;
}

static const char *const *copy_texts(
	struct block *block, const char ***pointers, const struct td_text *texts, size_t count)
{
	const char **first = *pointers;

	for (size_t i = 0; i < count; i++)
		*(*pointers)++ = copy_text(block, texts[i]);
	return first;
}

static void tell_log(struct td_log_about *about, const struct td_log_info *info,
	struct block *block, const char ***pointers)
{
	const struct td_log_config *config = info->config;

	*about = (struct td_log_about){
		.name = copy_text(block, info->name),
		.settings =
			{
				.subjects_count = config->subjects_count,
				.erasable_count = config->erasable_count,
				.age_ms = config->age_ms,
				.bytes_max = config->bytes_max,
				.count_max = config->count_max,
				.count_per_subject_max = config->count_per_subject_max,
				.discard_new = config->discard_new,
				.duplicates_ms = config->duplicates_ms,
				.duplicates_max = config->duplicates_max,
				.revisions_forgotten = config->revisions_forgotten,
				.importing = config->importing,
			},
		.first_seq = info->first_seq,
		.last_seq = info->last_seq,
		.count = info->count,
		.bytes = info->bytes,
		.subjects = info->subjects,
		.created = info->created,
		.first_time = info->first_time,
		.last_time = info->last_time,
	};
	about->settings.subjects =
		copy_texts(block, pointers, config->subjects, config->subjects_count);
	about->settings.erasable =
		copy_texts(block, pointers, config->erasable, config->erasable_count);
}

/* Under the lock. */
static int copy_logs(const struct td_log_info *infos, size_t all, struct td_log_about **logs,
	size_t *count, struct td_error *err)
{
	size_t bytes = 0, pointers_count = 0, shown = 0;
	struct block block;
	const char **pointers;
	char *at;

	for (size_t i = 0; i < all; i++) {
		const struct td_log_config *config = infos[i].config;

		if (is_own(infos[i].name))
			continue;
		shown++;
		bytes += infos[i].name.len + 1 +
			 bytes_of(config->subjects, config->subjects_count) +
			 bytes_of(config->erasable, config->erasable_count);
		pointers_count += config->subjects_count + config->erasable_count;
	}
	bytes += (shown + 1) * sizeof(**logs);
	at = malloc(bytes);
	if (at == NULL)
		return td_error_nomem(err);
	*logs = (struct td_log_about *)(void *)at;
	pointers = (const char **)(void *)(*logs + shown);
	block = (struct block){(char *)(void *)(pointers + pointers_count), at + bytes};
	*count = 0;
	for (size_t i = 0; i < all; i++) {
		if (!is_own(infos[i].name))
			tell_log(&(*logs)[(*count)++], &infos[i], &block, &pointers);
	}
	return 0;
}

int td_place_log_list(
	struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err)
{
	struct td_log_info *infos = NULL;
	struct td_store *store;
	size_t all;
	bool locked;
	int code;

	store = td_place_store(td->place);
	locked = td_place_lock(td->place);
	all = store != NULL ? td_store_logs(store, NULL, 0) : 0;
	infos = calloc(all + 1, sizeof(*infos));
	if (infos == NULL) {
		code = td_error_nomem(err);
	} else {
		if (store != NULL)
			td_store_logs(store, infos, all);
		code = copy_logs(infos, all, logs, count, err);
	}
	td_place_unlock(td->place, locked);
	free(infos);
	return code;
}

/* --- removal ------------------------------------------------------------------------------ */

struct removing {
	struct td_deed deed;
	struct td_removal removal;
	uint64_t removed;
};

static int decide_remove(
	struct td_place *place, struct td_deed *deed, uint64_t *rests_on, struct td_error *err)
{
	struct removing *removing = (struct removing *)(void *)deed;
	uint64_t removed;
	int code =
		td_store_remove(td_place_store(place), &removing->removal, &removed, rests_on, err);

	/* Where the frame was full it is decided once more, for those that are left. */
	removing->removed += removed;
	return code;
}

int td_place_remove(
	struct td *td, const struct td_removing *asked, uint64_t *removed, struct td_error *err)
{
	struct removing removing = {.deed = {.decide = decide_remove}};
	int code = may_change(td->place, "removing", err);

	if (code == 0 && td_place_store(td->place) == NULL)
		code = no_log(asked->log, err);
	if (code == 0 && asked->seqs_count > 0 && asked->seqs == NULL)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "seqs: NULL, with a count");
	removing.removal = (struct td_removal){
		.log = td_text(asked->log),
		.seqs = asked->seqs,
		.seqs_count = asked->seqs_count,
		.pattern = td_text(asked->subject),
		.below = asked->below,
		.keep = asked->keep,
		.erase = asked->erase,
		.rule = td_text(REMOVE_RULE),
	};
	if (code == 0)
		code = td_place_do(td->place, &removing.deed, err);
	if (code == 0 && removed != NULL)
		*removed = removing.removed;
	return code;
}

/* --- forgetting --------------------------------------------------------------------------- */

struct forgetting {
	struct td_deed deed;
	struct td_text log, address;
	uint64_t key;
};

static int decide_forget(
	struct td_place *place, struct td_deed *deed, uint64_t *rests_on, struct td_error *err)
{
	struct forgetting *forgetting = (struct forgetting *)(void *)deed;

	return td_store_forget(td_place_store(place), forgetting->log, forgetting->address,
		&forgetting->key, rests_on, err);
}

/* Under the lock, which it leaves meanwhile: one piece of work on keys, or wait for who has it. */
static int turn_keys(struct td_place *place, struct td_error *err)
{
	struct td_store *store = td_place_store(place);
	struct td_chore *chore = td_store_next(store, TD_WORK_KEYS, td_place_now_ms(place));
	int code = td_store_failed(store, err);

	if (chore == NULL) {
		place->watchers++;
		td_condition_wait(
			&place->moved, &place->lock, td_clock_monotonic(&td_clock_real) + 1000000);
		place->watchers--;
		return code;
	}
	td_mutex_unlock(&place->lock);
	td_chore_run(chore);
	td_mutex_lock(&place->lock);
	code = td_store_done(store, chore, err);
	td_place_moved(place);
	return code;
}

/* The fact is durable. Now the key goes. */
static int wait_forgotten(struct td_place *place, uint64_t key, struct td_error *err)
{
	int code = 0;

	td_mutex_lock(&place->lock);
	while (code == 0 && !td_store_is_forgotten(td_place_store(place), key))
		code = turn_keys(place, err);
	/* What failed may have been to make others. */
	if (td_store_is_forgotten(td_place_store(place), key))
		code = 0;
	td_mutex_unlock(&place->lock);
	return code;
}

int td_place_forget(struct td *td, const char *log, const char *subject, struct td_error *err)
{
	struct forgetting forgetting = {.deed = {.decide = decide_forget}, .log = td_text(log)};
	char encoded[TD_ADDRESS_BYTES_MAX];
	int code = may_change(td->place, "forgetting", err);

	if (code == 0)
		code = td_address_encode(td_text(subject), encoded, &forgetting.address, err);
	if (code == 0 && td_place_store(td->place) == NULL)
		code = no_log(log, err);
	if (code == 0)
		code = td_place_do(td->place, &forgetting.deed, err);
	if (code == 0)
		code = wait_forgotten(td->place, forgetting.key, err);
	return code;
}

/* --- looking on --------------------------------------------------------------------------- */

struct listing {
	const struct td_log_info *logs; /* asked for before: the store is busy while it lists */
	size_t logs_count;
	bool (*each)(void *arg, const struct td_subject_about *subject);
	void *arg;
	bool hidden;
};

static bool show_subject(void *arg, const struct td_subject_info *info)
{
	struct listing *listing = arg;
	struct td_subject_about subject = {
		.address = info->address,
		.count = info->count,
		.seq = info->seq,
		.revision = info->revision,
	};

	if (!listing->hidden && info->address.len > 0 && info->address.at[0] == '$')
		return true;
	for (size_t i = 0; i < listing->logs_count; i++) {
		if (listing->logs[i].number == info->log)
			subject.log = listing->logs[i].name;
	}
	if (!listing->hidden && td_text_is(subject.log, TD_LOG_CONTROL))
		return true;
	return listing->each(listing->arg, &subject);
}

/* Under the lock: all logs, to be freed. NULL: no memory. */
static struct td_log_info *logs_of(struct td_store *store, size_t *count)
{
	struct td_log_info *infos;

	*count = td_store_logs(store, NULL, 0);
	infos = calloc(*count + 1, sizeof(*infos));
	if (infos != NULL)
		td_store_logs(store, infos, *count);
	return infos;
}

int td_place_subjects(struct td *td, const char *log, const char *pattern,
	bool (*each)(void *arg, const struct td_subject_about *subject), void *arg,
	struct td_error *err)
{
	struct listing listing = {.each = each, .arg = arg};
	struct td_log_info *infos;
	struct td_store *store;
	bool locked;
	int code;

	store = td_place_store(td->place);
	listing.hidden = (log != NULL && log[0] == '$') || (pattern != NULL && pattern[0] == '$');
	if (store == NULL)
		return log == NULL ? 0 : no_log(log, err);
	locked = td_place_lock(td->place);
	infos = logs_of(store, &listing.logs_count);
	listing.logs = infos;
	code = infos == NULL ? td_error_nomem(err)
			     : td_store_subjects(store, td_text(log), td_text(pattern),
				       show_subject, &listing, err);
	td_place_unlock(td->place, locked);
	free(infos);
	return code;
}

int td_place_status(struct td *td, struct td_status *status, struct td_error *err)
{
	struct td_store_status found;
	struct td_place *place = td->place;
	struct td_store *store;
	bool locked;

	(void)err;
	store = td_place_store(place);
	if (store == NULL)
		return 0;
	locked = td_place_lock(place);
	td_store_status(store, &found);
	status->position = td_store_durable(store);
	status->failed = td_store_failed(store, NULL) != 0;
	td_heads_status(place, status);
	td_place_unlock(place, locked);
	status->stored = place->on_disk;
	status->disk_full = found.journal.disk_full;
	status->recovered = place->on_disk && !place->recovery.created && !place->recovery.clean;
	status->cut_bytes = place->recovery.cut_bytes;
	if (place->recovery.warning != NULL)
		td_text_copy(
			td_text(place->recovery.warning), status->warning, sizeof(status->warning));
	status->events = found.events;
	status->subjects = found.subjects;
	status->logs = found.logs;
	status->bytes = found.bytes;
	status->index_bytes = found.index_bytes;
	status->commits = found.journal.commits;
	status->syncs = found.journal.syncs;
	status->bytes_written = found.journal.bytes_written;
	return 0;
}
