/*
 * What the files of the checker of stores share: all that is known of each value, brought together.
 *
 *	checker.c    the steps, and the names of the rules
 *	facts.c      what answers and passes say of each value, and what moved with its log
 *	gone.c       removals, deletions, adoptions; what was forgotten, and told
 *	order.c      positions, numbers, and who stands behind whom
 *	limits.c     what a limit may have taken
 *	seeing.c     what a pass must see, and must not
 *	expecting.c  keys, expectations, appends
 */
#ifndef SIM_STORE_CHECKING_H
#define SIM_STORE_CHECKING_H

#include "checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

/* What is known of one value in one log. */
struct fact {
	uint64_t value, key;
	uint32_t log, subject;
	uint64_t bytes;
	uint64_t asked; /* first */
	uint64_t known; /* from when on it must be there; NEVER: it need not */
	bool known_by_answer;
	bool shared;    /* another value came with its key, which was the first with it */
	bool anothers;  /* it was answered with the place of one of these, that was erased */
	bool tried;     /* at least one append of it did not surely fail */
	unsigned fresh; /* answers OK that did not call it a duplicate */
	unsigned attempts;
	bool imported;  /* its revision was given with it */
	bool stands;    /* the rest is known */
	bool by_answer; /* ... from an answer */
	uint64_t position, seq, revision;
	int64_t time;                        /* INT64_MIN: not known */
	uint64_t own_removal;                /* asked for */
	uint64_t removal_asked, removed;     /* that, or it moved, or its log went; NEVER: not */
	struct fact *moved_from, *moved_to;  /* the same in another log */
	const struct sim_store_adoption *by; /* that may have moved it away */
	int64_t asked_ms;
	uint64_t hidden; /* from when on it had been seen without its payload */
	bool hidden_at_end;
	uint64_t gone; /* from when on a pass had not seen it; NEVER: all did */
	size_t met;    /* the last pass that saw it, from 1 */
	/* How many may have come behind it, in its log and in its subject; and their bytes. */
	uint64_t behind_log, behind_subject, behind_bytes;
};

struct removal {
	uint32_t log;
	uint64_t seq, asked, removed;
	uint64_t erasing; /* asked for, bytes and all; NEVER: it was not */
	uint64_t erased;  /* ... and done */
	bool met;         /* somebody knows what it was */
};

/* Of one subject those that stand at this position or behind it. */
struct forgotten {
	uint32_t log, subject;
	uint64_t position;
	uint64_t asked, answered; /* the first; NEVER: not */
};

/* What may have taken something of a log that nobody ever saw. */
struct marks {
	uint32_t log;
	bool limited, deleted, adopts, adopted_from, missing;
	uint64_t deletion_asked, deleted_from; /* NEVER: not */
};

struct checker {
	const struct sim_store_history *history;
	struct fact **facts;
	size_t facts_count, facts_cap;
	struct td_map by_value; /* and log: see sim_fact_find() */
	struct td_map by_key;   /* struct fact, the first that came with it */
	struct fact **standing; /* by position */
	size_t standing_count;
	struct removal *removals; /* by log and seq, one of each */
	size_t removals_count;
	struct forgotten *forgotten; /* by log, subject, position */
	size_t forgotten_count;
	struct sim_store_told *told; /* by log and from; `to`: the highest so far */
	struct marks *marks;         /* one of each log */
	size_t marks_count;
	struct sim_store_violation *violation;
};

#define breaks(checker, rule_, ...)                                                \
	do {                                                                       \
		struct sim_store_violation *first_ = (checker)->violation;         \
		if (first_->rule == SIM_STORE_RULE_NONE) {                         \
			first_->rule = SIM_STORE_RULE_##rule_;                     \
			snprintf(first_->text, sizeof(first_->text), __VA_ARGS__); \
		}                                                                  \
	} while (0)

static inline void *array_new(size_t count, size_t bytes)
{
	void *array = calloc(count + 1, bytes);

	TD_ASSERT(array != NULL);
	return array;
}

static inline int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static inline void sort(
	struct fact **facts, size_t count, int (*order)(const void *a, const void *b))
{
	qsort(facts, count, sizeof(struct fact *), order);
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t subject_key(const struct fact *fact)
{
	return (uint64_t)fact->log << 32 | fact->subject;
}

/* --- the last of a log, or of a subject of one -------------------------------------------- */

struct last {
	uint64_t number, missing, bytes;
	bool leaps; /* something may have been imported that nobody saw */
};

struct last *sim_last_of(struct td_map *map, uint64_t key);
void sim_lasts_free(struct td_map *map);

/* --- facts.c ------------------------------------------------------------------------------ */

struct fact *sim_fact_find(const struct checker *checker, uint64_t value, uint32_t log);
void sim_take_answers(struct checker *checker);
void sim_take_passes(struct checker *checker);

/* --- gone.c ------------------------------------------------------------------------------- */

void sim_take_removals(struct checker *checker);
void sim_take_logs(struct checker *checker);
void sim_take_forgets(struct checker *checker);
void sim_take_told(struct checker *checker);
struct removal *sim_find_removal(const struct checker *checker, uint32_t log, uint64_t seq);
/* The adoption that took, or may have taken, what stands there; NULL: none. */
const struct sim_store_adoption *sim_adoption_of(
	const struct checker *checker, uint32_t log, uint32_t subject, uint64_t position);
/* Of a log; sim_mark() makes them where there are none. */
struct marks *sim_mark(struct checker *checker, uint32_t log);
struct marks *sim_marks_of(const struct checker *checker, uint32_t log);
/* Whether something of the log may be gone that nobody ever saw. */
bool sim_may_hide(const struct checker *checker, uint32_t log);
/* A payload that was seen, or was not there any more, in a pass. */
void sim_take_payload(struct checker *checker, struct fact *fact, const struct sim_store_pass *pass,
	const struct sim_store_event *event);
/* Of all that stands: when it was removed. */
void sim_note_removed(struct checker *checker);
void sim_check_told(struct checker *checker);

/* --- order.c ------------------------------------------------------------------------------ */

void sim_sort_standing(struct checker *checker);
void sim_check_numbers(struct checker *checker);
void sim_check_order(struct checker *checker);

/* --- limits.c ----------------------------------------------------------------------------- */

void sim_count_behind(struct checker *checker);
/* Whether a limit that had been asked for by then may have taken it. */
bool sim_may_be_retired(
	const struct checker *checker, const struct fact *fact, uint64_t moment, int64_t moment_ms);

/* --- seeing.c, expecting.c ---------------------------------------------------------------- */

void sim_check_passes(struct checker *checker);
void sim_check_keys(struct checker *checker);
void sim_check_refused_keys(struct checker *checker);
void sim_check_expectations(struct checker *checker);
void sim_check_appends(struct checker *checker);

#endif
