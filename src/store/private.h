/*
 * What the files of the store share.
 *
 * One lock, `lock`, guards what is derived: subjects, tops, runs, logs, removals. The owner changes
 * it under the lock and reads it without; others read under it. It is never held while the disk is
 * waited for, or a gate or tap runs.
 *
 * Invariants (td_store_verify() asserts them):
 *	S1  each live event has one line, and its subject counts it
 *	S2  a subject's seq, revision and position are those of the last event given to it
 *	S3  a subject that has no live event has no entry (but while the removal of its last is on
 *	    its way, with count 0); where its log keeps revisions, a top
 *	S4  a log's count and bytes are those of its live events
 *	S5  nothing at or above the shelf's durable position is shown to readers
 */
#ifndef TD_STORE_PRIVATE_H
#define TD_STORE_PRIVATE_H

#include <inttypes.h>

#include "store/header.h"
#include "store/catalog.h"
#include "store/log.h"
#include "store/record.h"
#include "store/run.h"
#include "store/seal.h"
#include "store/shelf.h"
#include "store/store.h"
#include "store/subject.h"
#include "store/top.h"

#define TD_LOG_NUMBER_CONTROL 1u
#define TD_LOG_NUMBER_EVENTS  2u
#define TD_PAYLOAD_DEFAULT    ((size_t)1 << 20)
#define TD_PAYLOAD_MAX        ((size_t)8 << 20)

#define TD_CROWD_MAX    16384u
#define TD_RETAIN_BATCH 4096u /* events that go by rule at once */

/* While an append is decided, its events have no position yet. */
#define TD_POSITION_STAGING UINT64_MAX

/* A key that is to be destroyed once the fact of it, at this position, is durable. */
struct td_forgotten {
	uint64_t record, key;
};

/*
 * Positions were given up, and nobody knows which numbers their events had: what stood below this
 * record goes on above all that they can have had.
 */
struct td_leap {
	uint64_t position; /* of the record */
	uint64_t count;    /* how many positions */
};

/* The latest live event of a subject whose newest was removed. */
struct td_fallen {
	uint64_t position, seq, revision;
};

/* What was decided of one entry, and how to take it back. */
struct td_plan {
	uint64_t hash, key, digest;
	struct td_log *log;
	uint32_t ref; /* of its subject */
	bool fresh;   /* the subject is new */
	bool revived; /* its last event is on its way out */
	bool topped;  /* it goes on from a top, which has leapt already */
	bool seen;    /* its key is noted */
	bool sealed;  /* its payload is: seal.h */
	struct {
		uint64_t number, hash; /* of its key; of its subject */
		uint64_t before;       /* the key the subject had */
		size_t at, len;        /* in what is sealed */
		bool gave;             /* the key is new */
	} sealing;
	size_t bytes;
	uint64_t seq, revision, prev;
	struct {
		uint64_t seq, revision, position;
	} was; /* the subject's */
};

/* Events that were removed by a record that is not durable yet: still to be seen. */
struct td_pending {
	uint64_t record; /* its position */
	struct td_pending *next;
	struct td_log *log;
	uint64_t bytes; /* of all of them */
	size_t count;
	uint32_t *refs;       /* of each its subject; behind the positions */
	uint64_t positions[]; /* ascending */
};

struct td_store {
	struct td_mutex lock;
	struct td_shelf shelf;
	const struct td_clock *clock;
	const struct td_random *random;
	struct td_gate *gates;
	size_t gates_count;
	struct td_tap *taps;
	size_t taps_count;
	size_t index_bytes, payload_bytes_max, subjects_max;
	td_uuid_tick tick;
	uint64_t seed;                   /* of what is in memory */
	uint64_t top_seed;               /* of what is kept */
	bool founded;                    /* its first record is there */
	uint64_t fold_append, fold_next; /* while folding: the append that is being read */
	bool fold_parted;                /* and whether a record of some append is gone */

	struct td_logs logs;
	struct td_log *events, *control; /* events: NULL where there is none */
	uint64_t logs_changed;           /* position of the newest record that did */
	struct td_subjects subjects;
	struct td_tops tops;
	struct td_leap *leaps; /* ascending; mostly none */
	size_t leaps_count;
	uint64_t lost_to;     /* the highest position they tell of */
	uint64_t folding;     /* while folding: the position of the record */
	struct td_map fallen; /* ref -> struct td_fallen */
	struct td_map shades; /* ref -> how many of its events are removed, and still to be seen */
	struct td_fallen *fallen_spare;
	struct td_runs runs;
	struct td_pending *pending, **pending_end;
	_Atomic uint64_t removals; /* grows with each */

	struct td_plan *plans;
	size_t plans_cap;
	struct td_seals seals;
	bool adoption_pending;       /* some log is `adopting` */
	bool adopts;                 /* just now */
	struct td_erasure *erasures; /* what is being erased, and not told as erased */
	int64_t erased_again_ms;     /* that could not be told: not before then */
	struct td_buf forgets;       /* struct td_forgotten: facts that are not durable yet */

	uint32_t crowd[TD_CROWD_MAX]; /* subjects over their log's count_per_subject_max */
	size_t crowd_count;
	struct td_map crowd_places; /* ref -> where it stands in there, + 1 */
	bool crowd_lost;            /* there were more: look at all */
	uint64_t retain_positions[TD_RETAIN_BATCH];
	int64_t retain_again_ms; /* monotonic: not before, since something could not be read */

	const struct td_disk *disk;
	bool read_only;
	struct td_catalog_make *making; /* to be run again */
	struct {
		uint64_t base;     /* of the run whose segment is being rewritten; 0: none */
		uint64_t clean_to; /* then; 0: some that is removed stays */
		uint64_t *positions;
		size_t count;
	} rewriting;
	uint64_t cleanings; /* how often a run became cleaner */
	/* Positions below which no record has a key that is looked for; see rewrite.c. */
	struct {
		uint64_t to;          /* whatever comes */
		uint64_t next, as_of; /* once all below as_of is durable */
	} keyless;
	struct td_buf restored; /* subjects whose last event was removed: refs */

	struct td_chore *chores; /* free ones */
	struct td_chore *chores_out;
	unsigned out;    /* kinds of the store's own that are out */
	uint64_t tapped; /* the first position taps have not heard of */
	struct td_place tap_place;
	struct td_opener tap_opener;
	int64_t tap_again; /* monotonic ms: when to try again what could not be read; 0: it could */
};

/* The latest live event of a subject, decided so far. The owner, or under the lock. */
struct td_fallen td_store_live(const struct td_store *store, uint32_t ref);

/* The newest event of a subject that readers see; 0: none. Under the lock. */
uint64_t td_store_seen(const struct td_store *store, uint32_t ref);

/* --- cursor.c ------------------------------------------------------------------------------ */

void td_stored_of(struct td_stored *stored, const struct td_event_record *event, uint64_t position);
int td_store_damage(uint64_t from, uint64_t to, const char *what, struct td_error *err);
/* TD_E_DAMAGED: a page of an index could not be read. */
int td_store_lost(struct td_error *err);
/* The record at a position and location. TD_E_NOT_FOUND: removed meanwhile. Without the lock. */
int td_store_fetch(struct td_store *store, uint64_t position, uint64_t location,
	struct td_held *held, struct td_event_record *event, struct td_error *err);

/* append.c: plans for so many entries. */
int td_store_plans(struct td_store *store, size_t count, struct td_error *err);
/* What an answer that saw staged state rests on: the newest position, 0 if all is durable. */
uint64_t td_store_rests_on(const struct td_store *store);

/* --- index.c: what is derived from records, staged or read again; under the lock ------------ */

/* What goes with a subject's new event besides its line. */
void td_index_settle(
	struct td_store *store, struct td_log *log, uint32_t ref, bool fresh, uint64_t position);
/* A record that is read when the store opens. TD_E_DAMAGED: it contradicts those before it. */
int td_index_fold(struct td_store *store, const struct td_record *record, struct td_error *err);
/* The key alone, of an event whose line is there. */
int td_index_fold_key(struct td_store *store, const struct td_record *record, struct td_error *err);
/* The same of a record that a catalog notes: its line is there. */
int td_index_fold_note(
	struct td_store *store, const struct td_record *record, struct td_error *err);
/* A subject whose last event is removed has another as its latest. */
int td_index_fall(struct td_store *store, uint32_t ref, struct td_error *err);
/* Tops of subjects that live, keys in their order: after the last record was read. */
int td_index_fold_end(struct td_store *store, struct td_error *err);
/* How far numbers leap that were last given at this position. */
uint64_t td_leaps_since(const struct td_store *store, uint64_t position);
/* A record that says so, read again or staged. */
int td_leap_add(struct td_store *store, const struct td_loss_record *loss, uint64_t position,
	struct td_error *err);
/* Once all is read: logs leap at once; subjects do with their next event. */
void td_leap_logs(struct td_store *store);
/* A live event is gone: line, subject, log. *top is told where its subject's last is gone. */
struct td_gone {
	uint32_t ref;
	bool ended;  /* the subject has no live event any more: td_index_end() */
	bool topped; /* the subject's last event is gone, and its log keeps revisions */
	struct td_top top;
};
void td_index_end(struct td_store *store, uint32_t ref);
int td_index_reserve_gone(struct td_store *store, struct td_error *err); /* for the next one */
/* TD_E_DAMAGED: a page of an index cannot be read; nothing was changed. */
int td_index_gone(struct td_store *store, struct td_run *run, uint64_t position,
	struct td_gone *gone, struct td_error *err);
/* The subject of a live event's line; TD_SUBJECT_NONE: its catalog cannot be read. */
uint32_t td_store_ref(const struct td_store *store, const struct td_run *run, struct td_line *line);
/*
 * Where the event before this one of its subject stands; 0: there is none. A chain may end in a run
 * that is gone, or at a record that was erased: then all older lines are looked at, unless it is
 * known that it is complete.
 */
uint64_t td_store_back(
	const struct td_store *store, uint32_t ref, uint64_t position, bool complete);
/* Whether a live event of this subject stands there. */
bool td_store_is_of(const struct td_store *store, uint64_t position, uint32_t ref);
/* Runs of which nothing is left, in memory. */
void td_index_sweep(struct td_store *store, struct td_run *run);

/* look.c: hashes of id and story of a record. */
struct td_tag td_store_tag(const struct td_store *store, const struct td_record *record);

/* --- catalog_make.c, restore.c ------------------------------------------------------------- */

struct td_catalog_make;
/* All segments there are, as of now. */
struct td_segments {
	struct td_segment_info *at;
	size_t count;
};
bool td_segments_take(
	struct td_segments *segments, const struct td_store *store); /* false: no memory */
void td_segments_fini(struct td_segments *segments);
/* The segment that begins where this run does; NULL: none. */
const struct td_segment_info *td_segments_of(
	const struct td_segments *segments, const struct td_run *run);
/* The same if it is sealed and has all of the run. */
const struct td_segment_info *td_segments_sealed(
	const struct td_segments *segments, const struct td_run *run);
/* A catalog to be made, or NULL: none now. */
struct td_catalog_make *td_catalog_make_next(struct td_store *store);
/* When one that failed is tried again, monotonic ms; INT64_MAX: none did. */
int64_t td_catalog_make_when(const struct td_store *store);
/* Blocks; any thread. */
void td_catalog_make_run(struct td_catalog_make *make);
/* NULL: it is over; else it is to be run once more. */
struct td_catalog_make *td_catalog_make_done(
	struct td_store *store, struct td_catalog_make *make, struct td_error *err);
void td_catalog_make_free(struct td_catalog_make *make);
/* What a segment's catalog says, in place of its records. TD_E_NOT_FOUND: read those. */
int td_store_restore(
	struct td_store *store, const struct td_segment_info *segment, struct td_error *err);
int td_store_restore_end(struct td_store *store, struct td_error *err);

/* --- spent.c: records of the store's own that nobody needs any more -------------------------- */

/* One that may be spent one day is staged, or read again, in this run. */
void td_spent_note(struct td_store *store, struct td_run *run, size_t bytes);
void td_spent_note_removal(struct td_log *log, uint64_t position, uint64_t location);
/* Whether a segment is worth a look: it might be, at a glance; it is. */
bool td_spent_may_be(const struct td_store *store, const struct td_run *run);
bool td_spent_due(
	const struct td_store *store, struct td_run *run, const struct td_segment_info *segment);
/*
 * A look at the records of a segment: begun by the owner, at each record by any thread; then those
 * found are marked, under the lock. `records` has to be checked for its memory before.
 */
struct td_clean;
struct td_spent {
	struct td_clean *runs;
	size_t runs_count;
	uint64_t keyless;
	struct td_buf records;
};
int td_spent_begin(struct td_spent *spent, const struct td_store *store);
void td_spent_look(struct td_spent *spent, const struct td_record *record, uint32_t line);
void td_spent_mark(struct td_store *store, struct td_run *run, const struct td_spent *spent);
void td_spent_fini(struct td_spent *spent);
/* All that was removed from the run by records below this position is holes, on disk. */
void td_spent_clean(struct td_store *store, struct td_run *run, uint64_t to);

/* --- remove.c ----------------------------------------------------------------------------- */

/* Whether a removed event is still to be seen: its removal is not durable. Under the lock. */
bool td_store_is_pending(const struct td_store *store, uint64_t position);
/* Forget the removals that are durable by now. */
void td_store_pending_done(struct td_store *store);
/* Whether readers know that this log was deleted. Under the lock. */
bool td_store_has_left(const struct td_store *store, uint16_t log);
/* Whether readers see the event of this line. Under the lock. */
static inline bool td_store_sees(
	const struct td_store *store, const struct td_line *line, uint64_t position)
{
	return (line->flags & TD_LINE_EVENT) != 0 &&
	       ((line->flags & TD_LINE_REMOVED) == 0 || td_store_is_pending(store, position)) &&
	       (store->logs.leaving == 0 || !td_store_has_left(store, line->log));
}
/* Remove live events of a log: ascending positions. TD_E_FULL: the first *removed of them are. */
int td_remove_positions(struct td_store *store, struct td_log *log, const uint64_t *positions,
	size_t count, bool erase, struct td_text rule, uint64_t *removed, struct td_error *err);

/* --- logs.c ------------------------------------------------------------------------------- */

/* The log of that name that readers know of; NULL: they know of none. Under the lock. */
struct td_log *td_logs_shown(const struct td_store *store, struct td_text name);
/* What an answer about logs rests on; 0: all that was decided of them is durable. */
uint64_t td_logs_rest_on(const struct td_store *store);
/* More is durable: what readers were shown until then goes. Under the lock. */
void td_logs_settle(struct td_store *store);
/* Of logs that were deleted: remove some of their events; true: there is more to be done. */
bool td_logs_leave_due(const struct td_store *store);
int td_logs_leave_on(struct td_store *store, struct td_error *err);
/* An event of `$tidings`. */
int td_logs_fold(
	struct td_store *store, const struct td_event_record *record, struct td_error *err);
/* Fills `late` of all logs: what readers are not shown yet, or still. Under the lock. */
void td_shown_logs(struct td_store *store);
/* Its sums; the same. */
void td_shown_status(struct td_store *store, struct td_store_status *status);
/* What readers see of a subject; false: they see none. Under the lock. */
bool td_shown_subject(const struct td_store *store, uint32_t ref, struct td_subject_info *info);
/* The first live position of a log; 0: none, or a page could not be read. Under the lock. */
uint64_t td_log_first(struct td_store *store, struct td_log *log);

#define TD_TYPE_FORGOTTEN "td.subject.forgotten"
#define TD_TYPE_ERASING   "td.log.erasing"
#define TD_TYPE_ERASED    "Erased"
/* An event of `$tidings` about a log, staged; the same rules as td_store_append(). */
int td_control_tell(struct td_store *store, const char *type, const char *log, struct td_text json,
	struct td_placed *placed, uint64_t *rests_on, struct td_error *err);

/* --- forget.c ----------------------------------------------------------------------------- */

/* Facts that are durable by now: their keys are not there any more for readers. */
void td_forget_durable(struct td_store *store);
/* The subjects of a log that is being deleted; and all their keys, when it is, by this record. */
int td_forget_log_plan(struct td_store *store, const struct td_log *log, struct td_buf *subjects,
	struct td_error *err);
void td_forget_log(struct td_store *store, const struct td_buf *subjects, uint64_t record);
int td_forget_log_fold(struct td_store *store, const struct td_log *log, struct td_error *err);
int td_forget_fold(
	struct td_store *store, const struct td_event_record *record, struct td_error *err);
/* All was read: what was told and not done is done, on disk. Blocks. */
int td_forget_fold_end(struct td_store *store, struct td_error *err);

/* --- adopt.c ------------------------------------------------------------------------------ */

/* Move all that is left, and say so. TD_E_FULL: a frame must be committed first. */
int td_adopt(struct td_store *store, struct td_log *log, uint64_t *rests_on, struct td_error *err);
/* The same for every log that is `adopting`. */
int td_adopt_pending(struct td_store *store, struct td_error *err);
/* The same, before anything else is decided: what came before goes first. */
static inline int td_adopt_first(struct td_store *store, struct td_error *err)
{
	return TD_UNLIKELY(store->adoption_pending) && !store->adopts ? td_adopt_pending(store, err)
								      : 0;
}
/* logs.c: nothing is left; durable with *rests_on. */
int td_log_adopted(
	struct td_store *store, struct td_log *log, uint64_t *rests_on, struct td_error *err);
/* append.c: entries as they are, and the removal of what they were, at these positions of another
 * log, in one frame. Of TD_E_NOMEM the first may have been moved. */
int td_append_moved(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_log *from, const uint64_t *positions, struct td_error *err);
/* index.c: subjects of an adopting log go on from where they stood. */
uint64_t td_index_adopted(
	const struct td_store *store, const struct td_log *log, struct td_text address);
int td_index_raise(struct td_store *store, const struct td_log *log, struct td_error *err);

/* remove.c: one removal in steps: memory, and what its records take; out of the index, until one
 * cannot (TD_E_NOMEM, TD_E_DAMAGED); records of those that did. */
struct td_batch;
int td_batch_plan(struct td_batch **batch, struct td_store *store, struct td_log *log,
	const uint64_t *positions, size_t count, bool erase, struct td_text rule, size_t *bytes,
	struct td_error *err);
#define TD_BATCH_RECORDS 3u
int td_batch_apply(struct td_store *store, struct td_batch *batch, const uint64_t *positions,
	size_t count, size_t *applied, struct td_error *err);
void td_batch_stage(struct td_store *store, struct td_batch *batch);
void td_batch_free(struct td_batch *batch);

/* --- erased.c ----------------------------------------------------------------------------- */

/*
 * Of store->rewriting.positions, what is to be erased is to be told before it is: *told, or it has
 * to wait (td_erased_waits()) and is asked again. Under the lock.
 */
int td_erased_plan(struct td_store *store, struct td_run *run,
	const struct td_segment_info *segment, bool *told, struct td_error *err);
bool td_erased_waits(const struct td_store *store);
/* The segment of this run was rewritten, or was not. Under the lock. */
void td_erased_done(struct td_store *store, struct td_run *run, bool done);
/* A subject is to be forgotten: NULL: no memory; then it was, by this fact, or was not. */
struct td_erasure *td_erased_expect(struct td_store *store, const struct td_log *log,
	struct td_text address, struct td_error *err);
void td_erased_forgot(
	struct td_erasure *erasure, uint64_t subject, uint64_t key, const struct td_placed *placed);
void td_erased_unexpect(struct td_store *store, struct td_erasure *erasure);
/* Something is to be told, and tell it: one event. */
bool td_erased_due(const struct td_store *store);
int td_erased_tell(struct td_store *store, struct td_error *err);
int td_erased_fold(
	struct td_store *store, const struct td_event_record *record, struct td_error *err);
int td_erased_fold_end(struct td_store *store, struct td_error *err);
void td_erased_fini(struct td_store *store);

/* --- retain.c ----------------------------------------------------------------------------- */

/* open.c: the longest window of duplicates that a log has. */
td_time td_store_longest_window(const struct td_store *store);
/* rewrite.c: this event, which was removed, is to be erased; nothing if it is gone already. */
void td_rewrite_erase(struct td_store *store, struct td_run *run, uint64_t position);
/* The same of a run whose lines say so. */
void td_rewrite_owed(const struct td_store *store, struct td_run *run);
/* Something could not be done of this run: again after a while, twice as long each time. */
void td_run_failed(const struct td_store *store, struct td_run *run);
bool td_run_waits(const struct td_store *store, const struct td_run *run);
bool td_rewrite_due(struct td_store *store);
/* Less than half of the segment would stay without so many records, and so many bytes of bodies. */
bool td_rewrite_pays(
	const struct td_segment_info *segment, uint64_t removed, uint64_t removed_bytes);
int64_t td_rewrite_when(const struct td_store *store);
int td_rewrite_start(struct td_store *store, struct td_error *err);
/* The journal's work is back. */
void td_rewrite_done(struct td_store *store, bool done);

void td_crowd_note(struct td_store *store, uint32_t ref);
void td_crowd_forget(struct td_store *store, uint32_t ref);
void td_crowd_look(struct td_store *store);
/* What a look at the oldest events of a log whose first may be too old found. Zeroed before. */
#define TD_RETAIN_LOOK 1024u
struct td_retain_look {
	uint32_t log; /* number; 0: none */
	td_time before;
	bool looked;      /* at least one could be read */
	uint64_t aged_to; /* events up to this position are too old; 0: none is */
	uint64_t first;   /* the first that is not, and its time; 0: not met */
	td_time first_time;
};
/* Something could not be read: not at once again. */
void td_retain_wait(struct td_store *store);
bool td_retain_waits(const struct td_store *store);
bool td_retain_due(const struct td_store *store);
int64_t td_retain_when(const struct td_store *store, int64_t now_ms);
/* Blocks; any thread. */
void td_retain_look(struct td_store *store, struct td_retain_look *look);
int td_retain(struct td_store *store, const struct td_retain_look *look, struct td_error *err);

#endif
