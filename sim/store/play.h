/*
 * A world of one store, as the files of its kind share it: what was drawn, the store and its disk, what
 * clients did and saw.
 *
 *	config.c   what a world is like           clients.c  appends and removals, and their answers
 *	life.c     opened, failed, cut, again     read.c     passes and readers
 *	stores.c   the steps, and the dice        forget.c   subjects forgotten, keys, what was told
 *	logs.c     logs made, changed, deleted    copies.c   backups, restored; heads
 *	files.c    the bytes on the disk          final.c    all works again, and is judged
 */
#ifndef SIM_STORE_PLAY_H
#define SIM_STORE_PLAY_H

#include "content.h"
#include "disk/disk.h"
#include "history.h"
#include "store/key_format.h"
#include "store/store.h"
#include "world.h"

#define LOGS_MAX     4
#define SUBJECTS_MAX 12
#define PENDING_MAX  64
#define ENTRIES_MAX  6
#define READERS_MAX  3
#define PATH         "store"

enum step {
	APPEND,
	REMOVE,
	FORGET,
	LIMIT,
	MAKE,
	DELETE,
	COPY,
	TASK,
	READ,
	READERS,
	TIME,
	REOPEN,
	CUT,
	STEPS
};

enum counter {
	COUNT_APPENDED,
	COUNT_BATCH,
	COUNT_DUPLICATE,
	COUNT_CONFLICT,
	COUNT_REFUSED_KEY,
	COUNT_REMOVED,
	COUNT_FULL_FRAME,
	COUNT_DISK_FULL,
	COUNT_RESUMED,
	COUNT_FAILED,
	COUNT_CUT_IN_WORK,
	COUNT_CUT_IN_OPEN,
	COUNT_TORN,
	COUNT_ROLLED,
	COUNT_UNKNOWN,
	COUNT_RETRIED,
	COUNT_REWRITTEN,
	COUNT_INDEXED,
	COUNT_ERASED,
	COUNT_FORGOTTEN,
	COUNT_HIDDEN,
	COUNT_DESTROYED,
	COUNT_TOLD,
	COUNT_READERS,
	COUNT_LIMITED,
	COUNT_RETIRED,
	COUNT_DISCARDED,
	COUNT_BYTES_LIMITED,
	COUNT_WINDOW_CHANGED,
	COUNT_KEY_AGAIN,
	COUNT_MADE,
	COUNT_ADOPTED,
	COUNT_ADOPTED_AFTER_CRASH,
	COUNT_MOVED,
	COUNT_UNADOPTED,
	COUNT_DELETED,
	COUNT_MADE_AGAIN,
	COUNT_IMPORTED,
	COUNT_BACKED_UP,
	COUNT_RESTORED,
	COUNT_HEADS,
	/* What the disk did, of its own counters. */
	COUNT_DISK_FIRST,
	COUNT_DISK_LAST = COUNT_DISK_FIRST + 18,
	COUNTERS,
};

struct config {
	struct td_store_options options;
	struct sim_disk_dice dice;
	uint64_t capacity;
	unsigned logs, subjects, steps;
	size_t payload_max;
	unsigned weights[STEPS];
	unsigned batches, keys, expects, retries, erases, whole_passes; /* in a thousand */
	unsigned sealed;    /* areas whose payloads are, by bits */
	bool sealed_few;    /* of two of their subjects */
	bool logs_change;   /* not all logs are there from the beginning on */
	bool windows_end;   /* keys come again, and windows change */
	unsigned importing; /* logs that are, by bits */
	bool failed_sync_reverts, destroys;
	int64_t step_ms_max;
	int64_t window_ms; /* of duplicates */
};

enum asked { ASKED_APPEND, ASKED_REMOVAL, ASKED_FORGET, ASKED_ADOPTION, ASKED_DELETION };

/* What is decided and not yet told. */
struct pending {
	enum asked what;
	size_t number; /* in the history */
	uint64_t rests_on;
	bool conflict;
	int code;
};

#define NOTHING SIZE_MAX

/* The log that has an area: as it is decided. */
struct slot {
	bool exists;
	uint32_t number;       /* SIM_STORE_NOWHERE: not known yet */
	uint64_t made;         /* then: known when that is durable */
	size_t adoption;       /* in the history, not answered: NOTHING */
	bool adopts;           /* it goes on with it */
	size_t deletion;       /* of the one before: NOTHING */
	size_t limits, window; /* in the history, of which log is to be said: NOTHING */
	struct sim_store_limits limit;
	bool discards;
	int64_t window_ms;
};

/* Somebody who reads on while other things happen. */
struct reader {
	struct td_cursor *cursor; /* NULL: nobody */
	uint64_t asked, from, unread;
	struct td_buf events;
};

/* A key that is to be destroyed: it must not be on the disk once it is. */
struct doomed {
	uint64_t number;
	size_t forget; /* in the history */
	bool known;    /* its bytes are */
	bool gone;     /* the store says so */
	uint8_t key[TD_KEY_BYTES];
};

/* A log's texts, as long as its configuration is used. */
struct log_words {
	struct td_text pattern, erasable[2 * LOGS_MAX];
	char erasable_at[2 * LOGS_MAX][16];
};

struct run {
	struct sim_world *world;
	struct config config;
	struct sim_disk *disk;
	uint64_t counts[SIM_DISK_COUNTS]; /* of what the disk did */
	struct td_store *store;
	struct sim_store_history history;
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	struct td_chore *out[8]; /* work that is out */
	bool out_ran[8];
	uint64_t out_unread[8]; /* reads that had failed when it was taken out */
	size_t out_count;
	struct td_buf doomed; /* struct doomed */
	uint64_t values, keys;
	struct slot slots[LOGS_MAX]; /* the first is `events` */
	bool begun;                  /* those of the beginning are there */
	bool used_names[LOGS_MAX];   /* there was such a log before */
	int64_t window_least_ms;     /* of all that ever were */
	unsigned copies;
	struct td_buf heads; /* lines */
	struct reader readers[READERS_MAX];
	bool full;    /* the last append found the disk full */
	bool lost;    /* a page of an index was not given: the store is to be opened again */
	bool cutting; /* the disk does nothing more */
};

/* --- config.c ----------------------------------------------------------------------------- */

struct config sim_run_draw_config(struct sim_world *world);
void sim_run_describe(struct sim_world *world, const struct config *config);

/* --- life.c ------------------------------------------------------------------------------- */

/* Open, as often as it takes; the disk may fail, and power may be cut in it. */
void sim_run_open(struct run *run);
void sim_run_cut_power(struct run *run, bool destroys);
/* The store says that it failed, or the disk is frozen: the process ends, and another begins. */
void sim_run_restart(struct run *run);
/* Whether it had failed, and was begun again. */
bool sim_run_fell(struct run *run);
/* Whether an opening may fail like that: the disk said so. */
bool sim_run_is_the_disks(int code);
/* Whether reading may fail like that: the disk said so, or did not give what it has. */
bool sim_run_is_unread(const struct run *run, int code, uint64_t unread);
/* Take work out, or run what is out, or bring it back. */
void sim_run_work(struct run *run);
/* All that is to be done. */
void sim_run_drain(struct run *run);

/* --- clients.c ---------------------------------------------------------------------------- */

void sim_run_append(struct run *run);
void sim_run_remove(struct run *run);
void sim_run_decided(struct run *run, struct pending pending);
/* Tell what is durable now, in the order in which it was decided. */
void sim_run_tell_durable(struct run *run);

/* --- logs.c ------------------------------------------------------------------------------- */

/* After an opening: which logs there are, and what became of those that were asked for. false: a page
 * was not given. */
bool sim_run_find_logs(struct run *run);
/* Those that are to be there from the beginning on. */
bool sim_run_begin_logs(struct run *run);
/* What is durable by now is known by its number. */
void sim_run_settle_logs(struct run *run);
/* A log is made, over what `events` holds or not; or one that adopts goes on. */
void sim_run_make(struct run *run);
void sim_run_delete(struct run *run);
/* A log gets other limits, or another window of duplicates. */
void sim_run_limit(struct run *run);
/* All that adopt come to their end. */
void sim_run_finish_adopting(struct run *run);
/* The slot of the log with this number; NULL: none has it. */
struct slot *sim_run_slot(struct run *run, uint32_t log);
/* The name of where an address of the area goes now. */
struct td_text sim_run_name(const struct run *run, uint32_t area);

/* --- copies.c ----------------------------------------------------------------------------- */

/* A backup is taken while the store is used; what a store that is made from it has is a pass. */
void sim_run_copy(struct run *run);
/* A head is exported. */
void sim_run_export_head(struct run *run);
/* All of them are on the chain. */
void sim_run_check_heads(struct run *run);

/* --- forget.c ----------------------------------------------------------------------------- */

/* Whether payloads of the subject are sealed. */
bool sim_run_seals(const struct run *run, uint32_t subject);
void sim_run_forget(struct run *run);
/* Of which keys the store says now that they are gone. `opened`: all whose forgetting was told. */
void sim_run_note_destroyed(struct run *run, bool opened);
/* None of them, and no payload that is sealed, is in these bytes: all files of the store. */
void sim_run_look_for_sealed(struct run *run, struct td_text files);
/* What the store told to be erased goes into the history. */
void sim_run_read_told(struct run *run);

/* --- files.c ------------------------------------------------------------------------------ */

/* All bytes of the store's files, one behind another, but of what lies in quarantine. */
void sim_run_files(struct run *run, struct td_buf *bytes);

/* --- read.c ------------------------------------------------------------------------------- */

/* What was seen; one that is none of ours is noted as what nobody wrote. */
struct sim_store_event sim_run_event(const struct run *run, const struct td_stored *stored);
void sim_run_pass(struct run *run, uint64_t from, size_t most, bool final);
void sim_run_read_some(struct run *run);
/* One of the readers goes on, or another begins. */
void sim_run_read_on(struct run *run);
/* All of them are broken off. */
void sim_run_readers_end(struct run *run);

/* --- final.c ------------------------------------------------------------------------------ */

/* Everything works again: what is owed is told, all is read, and judged. */
void sim_run_heal(struct run *run);

#endif
