/*
 * log: the logs of a store, by name, number and index, and which addresses they claim.
 *
 * A log's *number* is in the records and never used twice; its *index* is small and in memory only.
 * Under the store's lock; the owner reads without.
 */
#ifndef TD_STORE_LOG_H
#define TD_STORE_LOG_H

#include "store/duplicate.h"
#include "store/store.h"
#include "store/top.h"

struct td_log {
	uint32_t number;
	uint16_t index;
	bool stray; /* it may hold subjects that it does not claim: ask the trie */
	char *name;
	struct td_log_config config; /* its texts are `kept` */
	char *kept;
	uint64_t last_seq, count, bytes, subjects;
	uint64_t adopted_to; /* what lies below was adopted */
	uint64_t first;      /* no live event of it stands at a lower position */
	td_time last_time, created;
	td_time first_time; /* of the event at first_timed, which was the first then */
	uint64_t first_timed;
	struct td_duplicates duplicates;
	/* Its newest removal record, the segment that was in, and the newest of a segment before. */
	struct {
		uint64_t position, before;
		uint32_t number;
	} removal;

	/* Positions of the records that say so; 0: long ago, or not at all (left). */
	uint64_t made, left;
	uint64_t numbered; /* while folding: of the newest record that says what its last seq is */
	bool leaves;       /* it is deleted; it stays until its events are gone */
	struct td_tops_sweep sweep; /* and what is known of subjects that were */
	struct td_log *was; /* what readers are shown until a change at `changed` is durable */
	uint64_t changed;
	/* What it was told last, oldest first, and from which position on: see td_shown_logs(). */
	struct {
		uint64_t position;
		td_time time;
	} times[3];
	/* Of what is staged, or removed, and not durable: only between td_shown_logs() and its use. */
	struct {
		uint64_t count, bytes, subjects, first_seq;
		uint64_t gone_count, gone_bytes, gone_first;
	} late;
};

struct td_logs {
	struct td_log **at; /* by index; NULL: free */
	size_t count, cap;  /* indexes given so far */
	size_t live, leaving;
	struct td_map numbers, names; /* names by hash: see td_logs_find() */
	struct td_trie *claims;
	uint64_t seed;
	uint32_t next_number;
};

int td_logs_init(struct td_logs *logs, uint64_t seed, struct td_error *err);
void td_logs_fini(struct td_logs *logs);

struct td_log *td_logs_find(const struct td_logs *logs, struct td_text name);
static inline struct td_log *td_logs_number(const struct td_logs *logs, uint32_t number)
{
	return td_map_get(&logs->numbers, number);
}
/* The log that claims the address; NULL: none. */
struct td_log *td_logs_claiming(const struct td_logs *logs, struct td_text address);

/* Whether it can be a configuration; who else claims what: TD_E_EXISTS. `self` may be NULL. */
int td_logs_check(const struct td_logs *logs, const struct td_log *self, struct td_text name,
	const struct td_log_config *config, struct td_error *err);
/*
 * A log of that name and configuration, which is copied. In two steps, so that what was decided
 * cannot fail behind the record of it: made, and put in its place. Number 0: the next.
 */
int td_log_new(struct td_log **log, struct td_logs *logs, uint32_t number, struct td_text name,
	const struct td_log_config *config, struct td_error *err);
void td_log_free(struct td_log *log);
int td_logs_add(struct td_logs *logs, struct td_log *log, struct td_error *err);
void td_logs_remove(struct td_logs *logs, struct td_log *log);
/*
 * Deleted: its name and its addresses are free, its number and index are kept for its events.
 * `position`: of the record that says so. Later td_logs_remove().
 */
void td_logs_leave(struct td_logs *logs, struct td_log *log, uint64_t position);
/* Its configuration is now that of `with`, whose is the old one then. */
int td_logs_change(
	struct td_logs *logs, struct td_log *log, struct td_log *with, struct td_error *err);

/* Its newest record has this time, from this position on. */
static inline void td_log_time(struct td_log *log, uint64_t position, td_time time)
{
	if (log->last_time == time)
		return;
	/* Long ago, as far as anybody can tell by now. */
	if (log->times[2].position == 0) {
		log->times[2].position = 1;
		log->times[2].time = log->last_time;
	}
	log->last_time = time;
	log->times[0] = log->times[1];
	log->times[1] = log->times[2];
	log->times[2].position = position;
	log->times[2].time = time;
}

/* Forget the keys that are outside its window of duplicates by now. */
void td_log_window(struct td_log *log, td_time now);

/* The configuration as JSON, for `$tidings`, and back; the texts of *config stand in *arena. */
void td_log_config_write(struct td_buf *buf, uint32_t number, struct td_text name,
	const struct td_log_config *config);
int td_log_config_read(struct td_text json, uint32_t *number, struct td_text *name,
	struct td_log_config *config, struct td_arena *arena, struct td_error *err);

#endif
