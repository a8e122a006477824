/*
 * The naive store: an array of events and the rules of DESIGN.md section 5, as one would write them
 * down. What a store of test_model.c answers must be what this answers.
 */
#ifndef TD_STORE_MODEL_H
#define TD_STORE_MODEL_H

#include "store_test.h"

#define MODEL_EVENTS   20000u
#define MODEL_SUBJECTS 12u
#define MODEL_LOGS     3u
#define MODEL_BATCH    4u
#define MODEL_WINDOW   120000000000

struct model_event {
	unsigned log, subject, key; /* key 0: none */
	uint64_t seq, revision, prev, position, append, payload;
	td_time time;
	bool removed;
	bool erased; /* its key alone is left to know its duplicates by */
};

struct model {
	struct model_event events[MODEL_EVENTS];
	size_t count;
	uint64_t last_seq[MODEL_LOGS];
	uint64_t keys_max[MODEL_LOGS]; /* of the window of duplicates */
	uint64_t subject_seq[MODEL_SUBJECTS], subject_revision[MODEL_SUBJECTS];
};

struct model_entry {
	unsigned subject, key;
	enum td_expect expect;
	uint64_t revision, payload;
};

static const char *const model_logs[MODEL_LOGS] = {"orders", "users", "events"};

static inline unsigned model_log(unsigned subject)
{
	return subject / (MODEL_SUBJECTS / MODEL_LOGS);
}

/* The latest live one of a subject, or NULL. */
static inline struct model_event *model_latest(struct model *model, unsigned subject)
{
	for (size_t i = model->count; i > 0; i--) {
		struct model_event *event = &model->events[i - 1];

		if (event->subject == subject && !event->removed)
			return event;
	}
	return NULL;
}

static inline struct model_event *model_seen(
	struct model *model, unsigned log, unsigned key, td_time now)
{
	uint64_t left = model->keys_max[log];

	for (size_t i = model->count; key != 0 && left > 0 && i > 0; i--) {
		struct model_event *event = &model->events[i - 1];

		if (event->log != log || event->key == 0)
			continue;
		if (event->key == key && event->time >= now - MODEL_WINDOW)
			return event;
		left--;
	}
	return NULL;
}

static inline int model_duplicates(struct model *model, const struct model_entry *entries,
	size_t count, td_time now, struct td_placed *placed)
{
	size_t hits = 0;
	uint64_t append = 0;
	bool together = true;

	for (size_t i = 0; i < count; i++) {
		unsigned log = model_log(entries[i].subject);
		const struct model_event *seen = model_seen(model, log, entries[i].key, now);

		if (seen == NULL)
			continue;
		if (!seen->erased && (seen->subject != entries[i].subject ||
					     seen->payload != entries[i].payload))
			return TD_E_DUPLICATE;
		placed[i] = (struct td_placed){.duplicate = true,
			.seq = seen->seq,
			.revision = seen->revision,
			.position = seen->position};
		together = together && (hits == 0 || append == seen->append);
		append = seen->append;
		hits++;
	}
	if (hits == 0)
		return 0;
	return hits == count && together ? -1 : TD_E_DUPLICATE;
}

static inline bool model_expects(struct model *model, const struct model_entry *entry)
{
	const struct model_event *latest = model_latest(model, entry->subject);

	switch (entry->expect) {
	case TD_EXPECT_NONE:
		return latest == NULL;
	case TD_EXPECT_EXISTS:
		return latest != NULL;
	case TD_EXPECT_REVISION:
		return entry->revision == (latest != NULL ? latest->revision : 0);
	case TD_EXPECT_SEQ:
		return entry->revision == (latest != NULL ? latest->seq : 0);
	case TD_EXPECT_ANY:
	default:
		return true;
	}
}

static inline void model_add(struct model *model, const struct model_entry *entry, td_time now,
	uint64_t position, uint64_t append)
{
	unsigned log = model_log(entry->subject);
	struct model_event *event = &model->events[model->count++];

	assert_true(model->count < MODEL_EVENTS);
	*event = (struct model_event){.log = log,
		.subject = entry->subject,
		.key = entry->key,
		.seq = ++model->last_seq[log],
		.revision = ++model->subject_revision[entry->subject],
		.prev = model->subject_seq[entry->subject],
		.position = position,
		.append = append,
		.payload = entry->payload,
		.time = now};
	model->subject_seq[entry->subject] = event->seq;
}

/*
 * The code, and placed where it is 0. `position`: what the store gives next.
 */
static inline int model_append(struct model *model, const struct model_entry *entries, size_t count,
	td_time now, uint64_t position, struct td_placed *placed)
{
	size_t before = model->count;
	struct model *was;
	int code = model_duplicates(model, entries, count, now, placed);

	if (code != 0)
		return code == -1 ? 0 : code;
	was = malloc(sizeof(*was));
	assert_non_null(was);
	*was = *model;
	for (size_t i = 0; i < count && code == 0; i++) {
		const struct model_event *event = &model->events[model->count];

		if (!model_expects(model, &entries[i])) {
			code = TD_E_REVISION;
		} else if (model_seen(model, model_log(entries[i].subject), entries[i].key, now) !=
			   NULL) {
			code = TD_E_DUPLICATE;
		} else {
			model_add(model, &entries[i], now, position + i, position);
			placed[i] = (struct td_placed){.seq = event->seq,
				.revision = event->revision,
				.position = event->position};
		}
	}
	if (code != 0) {
		*model = *was;
		assert_int_equal(model->count, before);
	}
	free(was);
	return code;
}

#endif
