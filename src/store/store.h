/*
 * store: logs of events, in a journal on disk or in memory.
 *
 *	          decide                 stage            sync             index, taps
 *	append ----------> log, seq, ... -------> frame --------> durable -------------> read
 *	          |  against staged state
 *	          '-> refused: gate, duplicate, revision, limit
 *
 * One journal holds all logs. A log has a name and the subject patterns it claims; what no log
 * claims goes to the built-in `events` (a store on disk has it). `$tidings` holds what was decided
 * about durable things, as events; the state of the store's configuration is a fold of it.
 *
 * Everything here but the journal is derived: the subjects with their latest, where each event
 * lies, who was here before (duplicates). It is kept bounded and rebuilt whenever in doubt.
 *
 * Two stores behind one door: td_store_open() with a path keeps a journal; without, it keeps
 * records in memory, and what is staged is durable at once. Same decisions, same answers.
 *
 * Who may call what: as in journal.h. One owner (a loop's thread, or who holds a lock), work handed
 * out and brought back, cursors for any thread.
 *
 * The order of an answer (DESIGN.md P1): td_store_append() answers at once with what was decided
 * and the position that answer rests on. It may be told to others when td_store_durable() is
 * beyond that.
 */
#ifndef TD_STORE_H
#define TD_STORE_H

#include "event/event.h"
#include "journal/journal.h"
#include "match/match.h"
#include "store/server.h"

struct td_store;

#define TD_LOG_EVENTS  "events"
#define TD_LOG_CONTROL "$tidings"

/* --- open --------------------------------------------------------------------------------- */

/* Before staging; an answer other than 0 refuses the append, all of it, as it says. */
struct td_entry;
struct td_gate {
	int (*check)(void *arg, struct td_store *store, const struct td_entry *entries,
		size_t count, struct td_error *err);
	void *arg;
};
/*
 * After the sync, for each event in the order of positions, from td_store_done(). What cannot be
 * read just then is told later; of what is damaged `lost` (may be NULL) hears instead: positions
 * [from, to], whose events must be had another way, or never.
 */
struct td_stored;
struct td_tap {
	void (*stored)(void *arg, const struct td_stored *event);
	void *arg;
	void (*lost)(void *arg, uint64_t from, uint64_t to);
};

struct td_store_options {
	struct td_journal_options journal; /* clock and random in memory, too */
	const struct td_gate *gates;
	size_t gates_count;
	const struct td_tap *taps;
	size_t taps_count;
	size_t index_bytes; /* memory for what is derived and can be read again; default 64 MiB */
	size_t payload_bytes_max; /* default 1 MiB, at most 8 MiB */
	/*
	 * How many subjects may be known: those that live, and those that do not and have their last
	 * revision kept. Each takes memory. One that is new beyond is TD_E_LIMIT. Default 16 M.
	 */
	size_t subjects_max;
	bool events; /* in memory, too: `events` keeps what no log claims */
};

/*
 * Open a store; `path` NULL: in memory, empty. Blocks: recovers the journal, then what is derived.
 * Errors: those of td_journal_open(), and TD_E_DAMAGED where records contradict each other, or where
 * some cannot be read that what is appended would rest on (to look only, they are passed over).
 */
int td_store_open(struct td_store **store, const char *path, const struct td_store_options *options,
	struct td_recovery *report, struct td_error *err);
int td_store_close(struct td_store *store, struct td_error *err);
void td_store_abandon(struct td_store *store);
struct td_journal *td_store_journal(struct td_store *store); /* NULL in memory */

/* --- append ------------------------------------------------------------------------------- */

enum td_expect {
	TD_EXPECT_ANY,
	TD_EXPECT_NONE,     /* the subject has no live event */
	TD_EXPECT_EXISTS,   /* it has one */
	TD_EXPECT_REVISION, /* its latest is exactly `revision` */
	TD_EXPECT_SEQ,      /* its latest is exactly the log's `seq` in `revision` (NATS) */
};

/* One event to be appended, in its stored form. Borrowed for the call. */
struct td_entry {
	struct td_text log; /* absent: the one that claims the address, else `events` */
	struct td_text address;
	struct td_text type;
	struct td_text headers; /* the NATS header block, may be absent */
	struct td_text payload;
	struct td_text server; /* what the server says of it: td_server_add(); may be absent */
	struct td_text key[2]; /* duplicates: source and id, or Nats-Msg-Id and absent; both absent:
				     never a duplicate */
	enum td_expect expect;
	uint64_t revision;
	td_time time;         /* imported only */
	uint64_t as_revision; /* imported only */
	bool imported;        /* the log must be marked importing */
	bool reserved; /* taken on a full disk, too: what acknowledges. Of an append all, or none */
	bool erased;   /* the store's own: a sealed payload that nobody can open, as it is */
};

/* What was decided of one entry. */
struct td_placed {
	uint32_t log;   /* its number; td_store_log() tells the rest */
	bool duplicate; /* the first one's place is told */
	uint64_t seq, revision, position;
	td_time time;
	uint64_t found; /* with TD_E_REVISION: the revision (or seq) it has, 0: none */
};

/*
 * Append entries, all or none, in one frame: several logs and subjects too. placed[count] is filled
 * on 0; with TD_E_REVISION and TD_E_DUPLICATE `*which` (may be NULL) is the entry that was refused,
 * and its placed tells what was found. *rests_on: tell nobody before td_store_durable() is greater.
 * It is 0 where the answer rests on nothing staged.
 * Order of looking: log and limits of form, gates, duplicate, revision, limits of the log. Expected
 * revisions see the entries before them in the same append.
 * A batch is a duplicate only if all its members are, of one append; a mix is TD_E_DUPLICATE.
 * Errors: TD_E_SUBJECT, TD_E_TOO_LARGE, TD_E_NOT_FOUND (log), TD_E_REVISION, TD_E_DUPLICATE (same
 * key, other content), TD_E_LIMIT (the log's, where it discards new ones), TD_E_FULL (a frame must
 * be committed first; then again), TD_E_DISK_FULL, TD_E_DISK, TD_E_NOMEM, TD_E_READ_ONLY, a gate's.
 */
int td_store_append(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_placed *placed, uint64_t *rests_on, size_t *which, struct td_error *err);

/*
 * These will be appended next, by calls of their own: what those will look at, anywhere in memory, is
 * asked for at once. Changes nothing; worth it from some ten on. The owner.
 */
void td_store_want(const struct td_store *store, const struct td_entry *entries, size_t count);

uint64_t td_store_durable(const struct td_store *store);
uint64_t td_store_staged(const struct td_store *store);
int td_store_failed(const struct td_store *store, struct td_error *err);

/* Work of journal and store alike: see journal.h. Kinds of the store's own follow the journal's. */
enum td_store_work {
	TD_WORK_INDEX = 32,  /* the index beside a sealed segment */
	TD_WORK_RETAIN = 64, /* what retention removes; erasing what was removed */
	TD_WORK_KEYS = 128,  /* keys of erasable subjects: made ahead; destroyed */
	TD_WORK_EVERYTHING = 255,
};
struct td_chore;
struct td_chore *td_store_next(struct td_store *store, unsigned kinds, int64_t now_ms);
unsigned td_chore_kind(const struct td_chore *chore);
/* Blocks, any thread, touches nothing that others see: as td_work_run(). */
void td_chore_run(struct td_chore *chore);
int td_store_done(struct td_store *store, struct td_chore *chore, struct td_error *err);
int64_t td_store_next_ms(const struct td_store *store, unsigned kinds, int64_t now_ms);

/* --- read --------------------------------------------------------------------------------- */

/* A stored event. Views, valid until the cursor moves. */
struct td_stored {
	uint32_t log;
	uint64_t seq, revision, position, prev;
	td_time time;
	struct td_text address, type, headers, payload, server;
	bool imported;
	bool erased; /* its subject was forgotten: the payload is absent */
};
/* The event itself, kept, with the server's words as attributes: unref it. */
int td_stored_event(struct td_store *store, const struct td_stored *stored, struct td_event **event,
	struct td_error *err);

/* Zero: everything, from the oldest, forward, for ever. */
struct td_read_options {
	struct td_text log;             /* one log; absent: all but `$tidings` */
	const struct td_text *subjects; /* patterns */
	size_t subjects_count;
	const struct td_text *types;
	size_t types_count;
	uint64_t from_position, to_position; /* both included; 0: no bound */
	uint64_t from_seq, to_seq;           /* with `log` */
	uint64_t from_revision, to_revision; /* with one subject without wildcards */
	td_time from_time, to_time;          /* recorded; INT64_MIN and 0: no bound */
	bool backward;                       /* from `to` down to `from` */
	bool latest;                         /* of each subject only its latest */
	bool control;                        /* `$tidings`, too */
};
struct td_cursor;
/*
 * A cursor over durable events; any thread, one at a time. It sees what was removed before it comes
 * there as removed. Patterns are checked: TD_E_SUBJECT; TD_E_NOT_FOUND (log), TD_E_INVALID, TD_E_NOMEM.
 */
int td_store_read(struct td_cursor **cursor, struct td_store *store,
	const struct td_read_options *options, struct td_error *err);
/*
 * The next event. Blocks when it is not in memory. TD_E_NOT_FOUND: no more; of a cursor that goes
 * forward without an end: not yet, ask again. TD_E_DAMAGED: some cannot be read; err names the
 * positions; the next call goes on behind them.
 */
int td_cursor_next(struct td_cursor *cursor, struct td_stored *stored, struct td_error *err);
/* The position behind the last event looked at, matching or not: where a follower would resume. */
uint64_t td_cursor_position(const struct td_cursor *cursor);
void td_cursor_close(struct td_cursor *cursor);

/* The latest of a subject in a log (absent: whichever has it). Any thread; blocks. */
int td_store_latest(struct td_store *store, struct td_text log, struct td_text address,
	struct td_stored *stored, struct td_buf *buf, struct td_error *err);
/*
 * The same as far as is decided, for gates: the owner. *staged: 0, or its position, where it is not
 * durable yet; then `stored` is untouched, and who had it decided has its bytes.
 */
int td_store_latest_decided(struct td_store *store, struct td_text log, struct td_text address,
	uint64_t *staged, struct td_stored *stored, struct td_buf *buf, struct td_error *err);
/* The log that an address goes to of which no log is named; absent: none. The owner. */
struct td_text td_store_claiming(const struct td_store *store, struct td_text address);
/* One event by id (and source, if not absent); the same. */
int td_store_find(struct td_store *store, struct td_text id, struct td_text source,
	struct td_stored *stored, struct td_buf *buf, struct td_error *err);
/* The event of a position; the same. TD_E_NOT_FOUND: none, not durable yet, or removed. */
int td_store_at(struct td_store *store, uint64_t position, struct td_stored *stored,
	struct td_buf *buf, struct td_error *err);
/*
 * The durable positions of a story from `from` on, ascending, at most `max` (not 0), appended as
 * uint64_t; the same. *next: where to go on; 0: these were the last. An event belongs to the story
 * that its correlationid names, else the server's word for it, else its trace, else its own id.
 * TD_E_DAMAGED: one cannot be read; what was found before it is there, and *next is behind it.
 */
int td_store_story(struct td_store *store, struct td_text correlation, uint64_t from, size_t max,
	struct td_buf *positions, uint64_t *next, struct td_error *err);

struct td_subject_info {
	uint32_t log;
	struct td_text address;
	uint64_t count;         /* live events */
	uint64_t seq, revision; /* of the latest */
};
/*
 * Subjects that match, in no stated order, as they were when the walk came by; a false answer of
 * `each` ends it. The owner; appending goes on between two of them.
 */
int td_store_subjects(struct td_store *store, struct td_text log, struct td_text pattern,
	bool (*each)(void *arg, const struct td_subject_info *subject), void *arg,
	struct td_error *err);

/* --- logs --------------------------------------------------------------------------------- */

#define TD_LOG_SUBJECTS_MAX   256u
#define TD_LOG_METADATA_MAX   (64u << 10) /* bytes */
#define TD_LOG_DUPLICATES_MAX (16u << 20) /* keys of a log */

/* Zero: the default, and no limit. */
struct td_log_config {
	const struct td_text *subjects; /* patterns it claims; no two logs claim one address */
	size_t subjects_count;
	const struct td_text
		*erasable; /* patterns of subjects whose payloads are sealed: td_store_forget() */
	size_t erasable_count;
	struct td_text metadata; /* anything, kept as it is: JSON for NATS' own settings */
	int64_t age_ms;          /* events older than that are removed */
	uint64_t bytes_max, count_max, count_per_subject_max;
	bool discard_new;        /* at a limit: refuse new ones instead of removing old ones */
	int64_t duplicates_ms;   /* default 120,000; negative: none */
	uint64_t duplicates_max; /* keys, default 1 M, at most TD_LOG_DUPLICATES_MAX */
	bool revisions_forgotten;
	bool importing;
	bool adopting,
		adopted; /* the store's own: see TD_LOG_ADOPT; what is given is not looked at */
};
struct td_log_info {
	uint32_t number;
	struct td_text name; /* valid until the log is deleted */
	const struct td_log_config *config;
	/* first_seq: last_seq + 1 where it is empty; 0: it could not be read (td_store_logs()) */
	uint64_t first_seq, last_seq, count, bytes, subjects;
	td_time first_time, last_time, created;
};
enum td_log_change {
	TD_LOG_CREATE = 1, /* only if there is none */
	TD_LOG_CHANGE = 2, /* only if there is one */
	TD_LOG_ADOPT = 4,  /* takes over what `events` holds of its subjects */
};
/*
 * Create or change a log. It is an append to `$tidings`: *rests_on as above. TD_E_EXISTS (name, or
 * an address claimed by another log, which is named), TD_E_NOT_FOUND, TD_E_SUBJECT, TD_E_INVALID;
 * TD_E_EXISTS too where `events` holds events of its subjects and it does not adopt them: says how
 * many. With TD_LOG_ADOPT it may take many frames: TD_E_FULL until it is over, and appends are
 * answered so, too; after another error, or a crash, the next append or opening goes on with it.
 */
int td_store_log_set(struct td_store *store, struct td_text name,
	const struct td_log_config *config, unsigned change, uint64_t *rests_on,
	struct td_error *err);
int td_store_log_delete(
	struct td_store *store, struct td_text name, uint64_t *rests_on, struct td_error *err);
/* By name, or by number where the name is absent. TD_E_NOT_FOUND, TD_E_DAMAGED. */
int td_store_log(struct td_store *store, struct td_text name, uint32_t number,
	struct td_log_info *info, struct td_error *err);
size_t td_store_logs(struct td_store *store, struct td_log_info *infos, size_t max);
/* Just its name, by number, into the caller's room, with a NUL; absent: there is none. Any thread. */
#define TD_LOG_NAME_BYTES 256u
struct td_text td_store_log_name(
	struct td_store *store, uint32_t number, char name[TD_LOG_NAME_BYTES]);

/* --- removal ------------------------------------------------------------------------------ */

struct td_removal {
	struct td_text log;
	const uint64_t *seqs; /* these, or by the rest: */
	size_t seqs_count;
	struct td_text pattern; /* absent: any subject */
	uint64_t below;         /* seqs below this */
	uint64_t keep;          /* all but so many, the newest */
	bool erase;             /* the bytes too, within 60 s */
	struct td_text rule;    /* why, for who verifies: "retention", "request" */
};
/*
 * Remove events: at once for every reader when *rests_on is durable. *removed: how many. Takes
 * `reserved` room, so it works on a full disk.
 */
int td_store_remove(struct td_store *store, const struct td_removal *removal, uint64_t *removed,
	uint64_t *rests_on, struct td_error *err);
/*
 * Forget a subject of a log: the key that its payloads are sealed with is destroyed. Readers see its
 * events without payloads from when *rests_on is durable; nobody can read them from when
 * td_store_is_forgotten(*key), for which work (TD_WORK_KEYS) has to be turned. What is appended to
 * it from now on has a new key. Payloads that were stored before the log sealed them stay: remove
 * those. TD_E_NOT_FOUND: no such log, or nothing is sealed of it (any more).
 */
int td_store_forget(struct td_store *store, struct td_text log, struct td_text address,
	uint64_t *key, uint64_t *rests_on, struct td_error *err);
bool td_store_is_forgotten(const struct td_store *store, uint64_t key);
/* Whether some log seals what comes to this address. Any thread. */
bool td_store_seals(struct td_store *store, struct td_text address);

/* --- looking on --------------------------------------------------------------------------- */

struct td_store_status {
	uint64_t events, subjects, logs, bytes;
	size_t index_bytes;         /* memory of what is derived */
	size_t index_subject_bytes; /* of that, subjects with their latest */
	uint64_t untapped;          /* durable positions that taps have not heard of yet */
	struct td_journal_state journal;
};
void td_store_status(struct td_store *store, struct td_store_status *status);
/* Everything derived against what a scan of the journal says. Blocks; asserts. */
void td_store_verify(struct td_store *store);

#endif
