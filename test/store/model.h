/*
 * The naive store: an array of events and the rules of DESIGN.md section 5, as one would write them
 * down. What a store of test_model.c answers must be what this answers.
 */
#ifndef TD_STORE_MODEL_H
#define TD_STORE_MODEL_H

#include "store_test.h"

#define MODEL_EVENTS   20000u
#define MODEL_SUBJECTS 12u
#define MODEL_LOGS     4u
#define MODEL_MISC     3u /* which is made over what `events` holds */
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
	td_time window[MODEL_LOGS];
	bool adopted; /* the last log is there */
	uint64_t subject_seq[MODEL_SUBJECTS], subject_revision[MODEL_SUBJECTS];
};

struct model_entry {
	unsigned subject, key;
	enum td_expect expect;
	uint64_t revision, payload;
	bool imported;
	uint64_t as_revision;
};

static const char *const model_logs[MODEL_LOGS] = {"orders", "users", "events", "misc"};

/* Four subjects each; of the last four two are what the last log takes over. */
static inline unsigned model_log(const struct model *model, unsigned subject)
{
	return model->adopted && (subject == 8 || subject == 9) ? MODEL_MISC : subject / 4;
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
		if (event->key == key && event->time >= now - model->window[log])
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
		unsigned log = model_log(model, entries[i].subject);
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
	unsigned log = model_log(model, entry->subject);
	struct model_event *event = &model->events[model->count++];

	assert_true(model->count < MODEL_EVENTS);
	model->subject_revision[entry->subject] =
		entry->as_revision != 0 ? entry->as_revision
					: model->subject_revision[entry->subject] + 1;
	*event = (struct model_event){.log = log,
		.subject = entry->subject,
		.key = entry->key,
		.seq = ++model->last_seq[log],
		.revision = model->subject_revision[entry->subject],
		.prev = model->subject_seq[entry->subject],
		.position = position,
		.append = append,
		.payload = entry->payload,
		.time = now};
	model->subject_seq[entry->subject] = event->seq;
}

/*
 * The last log takes over what `events` has of its subjects: as they are, but for seqs and for where they
 * stand, which `place` says; what stands side by side came with one frame, and is one append from now on.
 */
static inline void model_adopt(
	struct model *model, uint64_t (*place)(void *arg, uint64_t seq), void *arg)
{
	size_t count = model->count;
	uint64_t before = 0, append = 0;

	model->subject_seq[8] = model->subject_seq[9] = 0;
	for (size_t i = 0; i < count; i++) {
		struct model_event *from = &model->events[i], *to;

		if (from->log != 2 || from->removed || (from->subject != 8 && from->subject != 9))
			continue;
		to = &model->events[model->count++];
		assert_true(model->count < MODEL_EVENTS);
		*to = *from;
		from->removed = from->erased = true;
		to->log = MODEL_MISC;
		to->seq = ++model->last_seq[MODEL_MISC];
		to->prev = model->subject_seq[to->subject];
		to->position = place(arg, to->seq);
		append = to->position == before + 1 ? append : to->position;
		to->append = append;
		before = to->position;
		model->subject_seq[to->subject] = to->seq;
	}
	/* Where nothing was to be taken over, it is a log like any other. */
	if (model->count == count)
		model->subject_revision[8] = model->subject_revision[9] = 0;
	model->adopted = true;
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

		if (!model_expects(model, &entries[i]) ||
			(entries[i].as_revision != 0 &&
				entries[i].as_revision <=
					model->subject_revision[entries[i].subject])) {
			code = TD_E_REVISION;
		} else if (model_seen(model, model_log(model, entries[i].subject), entries[i].key,
				   now) != NULL) {
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
