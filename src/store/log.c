#include "store/log.h"

#include <inttypes.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 128u

int td_logs_init(struct td_logs *logs, uint64_t seed, struct td_error *err)
{
	*logs = (struct td_logs){.seed = seed, .next_number = 1};
	logs->claims = td_trie_new(seed);
	return logs->claims != NULL ? 0 : td_error_nomem(err);
}

void td_log_free(struct td_log *log)
{
	if (log == NULL)
		return;
	td_log_free(log->was);
	td_duplicates_fini(&log->duplicates);
	free(log->kept);
	free(log->name);
	free(log);
}

void td_logs_fini(struct td_logs *logs)
{
	for (size_t i = 0; i < logs->count; i++)
		td_log_free(logs->at[i]);
	free(logs->at);
	td_map_fini(&logs->numbers);
	td_map_fini(&logs->names);
	td_trie_free(logs->claims);
	*logs = (struct td_logs){0};
}

/* --- finding ------------------------------------------------------------------------------ */

static uint64_t name_key(const struct td_logs *logs, struct td_text name)
{
	return td_hash(name.at, name.len, logs->seed);
}

struct td_log *td_logs_find(const struct td_logs *logs, struct td_text name)
{
	struct td_log *log = td_map_get(&logs->names, name_key(logs, name));

	return log != NULL && td_text_is(name, log->name) ? log : NULL;
}

static void claimed(void *arg, void *interest)
{
	*(struct td_log **)arg = interest;
}

struct td_log *td_logs_claiming(const struct td_logs *logs, struct td_text address)
{
	struct td_log *log = NULL;

	if (td_trie_count(logs->claims) > 0)
		td_trie_match(logs->claims, address, td_text(NULL), claimed, &log);
	return log;
}

/* --- checking ----------------------------------------------------------------------------- */

static int check_name(struct td_text name, struct td_error *err)
{
	int code = name.at == NULL || name.len > NAME_BYTES_MAX
			   ? td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "1 to %u bytes",
				     NAME_BYTES_MAX)
			   : td_address_check(name, err);

	return code == 0 ? 0 : td_error_wrap(err, TD_E_INVALID, "name of a log");
}

static int check_pattern(const struct td_logs *logs, const struct td_log *self,
	struct td_text pattern, struct td_error *err)
{
	int code = td_pattern_check(pattern, err);

	if (code != 0)
		return td_error_wrap(err, code, "pattern %.*s", TD_TEXT_ARG(pattern));
	/* What is kept of a log is JSON. */
	if (td_utf8_valid(pattern.at, pattern.len) < pattern.len)
		return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET, "a pattern that is not UTF-8");
	for (size_t i = 0; i < logs->count; i++) {
		const struct td_log *log = logs->at[i];

		if (log == NULL || log == self || log->leaves)
			continue;
		for (size_t j = 0; j < log->config.subjects_count; j++) {
			if (td_pattern_overlaps(pattern, log->config.subjects[j]))
				return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
					"%.*s: log %s claims %.*s", TD_TEXT_ARG(pattern), log->name,
					TD_TEXT_ARG(log->config.subjects[j]));
		}
	}
	return 0;
}

static int check_number(const char *name, uint64_t value, uint64_t most, struct td_error *err)
{
	return value <= most ? 0
			     : td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: at most %" PRIu64,
				       name, most);
}

/* What can be said of it in `$tidings`, and be read there again. */
static int check_values(const struct td_log_config *config, struct td_error *err)
{
	int code = 0;

	if (config->age_ms < 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "age_ms: negative");
	if (config->metadata.len > TD_LOG_METADATA_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"metadata: %zu bytes, at most %u", config->metadata.len,
			TD_LOG_METADATA_MAX);
	if (td_utf8_valid(config->metadata.at, config->metadata.len) < config->metadata.len)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "metadata: not UTF-8");
	code = check_number("bytes_max", config->bytes_max, INT64_MAX, err);
	if (code == 0)
		code = check_number("count_max", config->count_max, INT64_MAX, err);
	if (code == 0)
		code = check_number(
			"count_per_subject_max", config->count_per_subject_max, INT64_MAX, err);
	if (code == 0)
		code = check_number(
			"duplicates_max", config->duplicates_max, TD_LOG_DUPLICATES_MAX, err);
	return code;
}

int td_logs_check(const struct td_logs *logs, const struct td_log *self, struct td_text name,
	const struct td_log_config *config, struct td_error *err)
{
	int code = check_name(name, err);

	if (code != 0)
		return code;
	if (config->subjects_count > TD_LOG_SUBJECTS_MAX ||
		config->erasable_count > TD_LOG_SUBJECTS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "more than %u patterns",
			TD_LOG_SUBJECTS_MAX);
	for (size_t i = 0; i < config->subjects_count; i++) {
		code = check_pattern(logs, self, config->subjects[i], err);
		if (code != 0)
			return code;
		for (size_t j = 0; j < i; j++) {
			if (td_text_equal(config->subjects[i], config->subjects[j]))
				return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
					"pattern %.*s: twice", TD_TEXT_ARG(config->subjects[i]));
		}
	}
	for (size_t i = 0; i < config->erasable_count; i++) {
		code = td_pattern_check(config->erasable[i], err);
		if (code != 0)
			return td_error_wrap(err, code, "erasable");
	}
	return check_values(config, err);
}

/* --- making ------------------------------------------------------------------------------- */

static struct td_text text_keep(char **at, struct td_text text)
{
	struct td_text kept = {*at, text.len};

	if (text.at == NULL)
		return text;
	memcpy(*at, text.at, text.len);
	*at += text.len;
	return kept;
}

static struct td_text *texts_keep(
	struct td_text *to, char **at, const struct td_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = text_keep(at, texts[i]);
	return to;
}

static bool config_keep(struct td_log *log, const struct td_log_config *config)
{
	size_t subjects = config->subjects_count, erasable = config->erasable_count;
	size_t bytes = (subjects + erasable) * sizeof(struct td_text) + config->metadata.len + 1;
	struct td_text *texts;
	char *at;

	for (size_t i = 0; i < subjects; i++)
		bytes += config->subjects[i].len;
	for (size_t i = 0; i < erasable; i++)
		bytes += config->erasable[i].len;
	log->kept = malloc(bytes);
	if (log->kept == NULL)
		return false;
	texts = (struct td_text *)(void *)log->kept;
	at = log->kept + (subjects + erasable) * sizeof(struct td_text);
	log->config = *config;
	log->config.subjects = texts_keep(texts, &at, config->subjects, subjects);
	log->config.erasable = texts_keep(texts + subjects, &at, config->erasable, erasable);
	log->config.metadata = text_keep(&at, config->metadata);
	if (log->config.duplicates_ms == 0)
		log->config.duplicates_ms = 120000;
	if (log->config.duplicates_max == 0)
		log->config.duplicates_max = 1000000;
	return true;
}

int td_log_new(struct td_log **out, struct td_logs *logs, uint32_t number, struct td_text name,
	const struct td_log_config *config, struct td_error *err)
{
	struct td_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return td_error_nomem(err);
	log->name = malloc(name.len + 1);
	if (log->name == NULL || !config_keep(log, config)) {
		td_log_free(log);
		return td_error_nomem(err);
	}
	td_text_copy(name, log->name, name.len + 1);
	log->number = number != 0 ? number : logs->next_number;
	*out = log;
	return 0;
}

/* --- claims ------------------------------------------------------------------------------- */

static void claims_remove(struct td_logs *logs, struct td_log *log, size_t count)
{
	for (size_t i = 0; i < count; i++)
		td_trie_remove(logs->claims, log->config.subjects[i], td_text(NULL), log);
	td_trie_limbo_free(td_trie_limbo_take(logs->claims));
}

static int claims_add(struct td_logs *logs, struct td_log *log, struct td_error *err)
{
	for (size_t i = 0; i < log->config.subjects_count; i++) {
		int code =
			td_trie_add(logs->claims, log->config.subjects[i], td_text(NULL), log, err);

		if (code != 0) {
			claims_remove(logs, log, i);
			return code;
		}
	}
	return 0;
}

/* The lowest free index. */
static int index_take(struct td_logs *logs, struct td_log *log, struct td_error *err)
{
	size_t i = 0;

	while (i < logs->count && logs->at[i] != NULL)
		i++;
	if (i >= UINT16_MAX - 1)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET, "too many logs");
	if (i == logs->cap) {
		size_t cap = logs->cap == 0 ? 8 : logs->cap * 2;
		struct td_log **grown = realloc(logs->at, cap * sizeof(struct td_log *));

		if (grown == NULL)
			return td_error_nomem(err);
		logs->at = grown;
		logs->cap = cap;
	}
	log->index = (uint16_t)i;
	return 0;
}

int td_logs_add(struct td_logs *logs, struct td_log *log, struct td_error *err)
{
	uint64_t key = name_key(logs, td_text(log->name));
	int code = index_take(logs, log, err);

	if (code == 0 && (!td_map_reserve(&logs->names, logs->live + 1) ||
				 !td_map_reserve(&logs->numbers, logs->live + logs->leaving + 1)))
		code = td_error_nomem(err);
	if (code == 0)
		code = claims_add(logs, log, err);
	if (code != 0)
		return code;
	td_map_put(&logs->names, key, log);
	td_map_put(&logs->numbers, log->number, log);
	if (log->index == logs->count)
		logs->count++;
	logs->at[log->index] = log;
	logs->live++;
	if (log->number >= logs->next_number)
		logs->next_number = log->number + 1;
	return 0;
}

void td_logs_remove(struct td_logs *logs, struct td_log *log)
{
	if (log->leaves) {
		logs->leaving--;
	} else {
		claims_remove(logs, log, log->config.subjects_count);
		td_map_remove(&logs->names, name_key(logs, td_text(log->name)));
		logs->live--;
	}
	td_map_remove(&logs->numbers, log->number);
	logs->at[log->index] = NULL;
	td_log_free(log);
}

void td_logs_leave(struct td_logs *logs, struct td_log *log, uint64_t position)
{
	TD_ASSERT(!log->leaves);
	claims_remove(logs, log, log->config.subjects_count);
	td_map_remove(&logs->names, name_key(logs, td_text(log->name)));
	log->leaves = log->stray = true;
	log->left = position;
	logs->live--;
	logs->leaving++;
}

int td_logs_change(
	struct td_logs *logs, struct td_log *log, struct td_log *with, struct td_error *err)
{
	struct td_log_config config = log->config;
	char *kept = log->kept;
	int code;

	claims_remove(logs, log, log->config.subjects_count);
	log->config = with->config;
	log->kept = with->kept;
	code = claims_add(logs, log, err);
	if (code == 0) {
		with->config = config;
		with->kept = kept;
		return 0;
	}
	log->config = config;
	log->kept = kept;
	/* What was there before takes no more memory than it did. */
	if (claims_add(logs, log, NULL) != 0)
		TD_UNREACHABLE();
	return code;
}

void td_log_window(struct td_log *log, td_time now)
{
	const struct td_log_config *config = &log->config;
	td_time span = 0;

	if (config->duplicates_ms > INT64_MAX / 1000000)
		span = INT64_MAX;
	else if (config->duplicates_ms > 0) /* none are kept otherwise */
		span = config->duplicates_ms * (TD_BUG(256)          ? 500000
						       : TD_BUG(257) ? 4000000
								     : 1000000);

	td_duplicates_forget(&log->duplicates, now < INT64_MIN + span ? INT64_MIN : now - span,
		config->duplicates_max);
}
