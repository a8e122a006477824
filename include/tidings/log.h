/*
 * Logs: events that stay, in order.
 *
 *	log "orders"       seq  1   2   3   4   5   6 ...            without gaps, never used again
 *	  order.42    revision  1       2           3                per subject: order.42@3
 *	  order.43    revision      1       2   3
 *	all logs      position  5   6   8   9   10  14               the order across logs
 *
 * A log has a name and claims subjects by patterns; no two logs claim one subject. In "file:" places
 * what no log claims goes to the built-in log "events", so that every event published is kept. In
 * "mem:" an event is kept if a log claims it, until the handle is closed, and is forgotten else.
 *
 * td_publish() stores, and so does td_append(), which may say what it expects of the subject. Either
 * returns when the event is durable and its synchronous handlers have run; nobody hears of an event
 * before it is durable. To read, td_read() walks over what is stored and td_follow() goes on with what
 * comes; looking moves nobody's position and acknowledges nothing.
 *
 * Threads: every function may be called from any thread; a reading belongs to one at a time.
 */
#ifndef TIDINGS_LOG_H
#define TIDINGS_LOG_H

#include "tidings/error.h"
#include "tidings/event.h"
#include "tidings/export.h"
#include "tidings/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct td;
struct td_receipt;

#define TD_LOG_NAME_BYTES_MAX 255u

/* Where an event stands. */
struct td_where {
	uint64_t position; /* in the place, across logs; from 1. 0: it is not stored */
	uint64_t seq;      /* in its log, from 1 */
	uint64_t revision; /* of its subject in that log, from 1 */
	td_time recorded;  /* when it was stored; of an imported one, when it was first */
	char log[TD_LOG_NAME_BYTES_MAX + 1];
};

/* --- append ------------------------------------------------------------------------------- */

/* What the subject has to be at, in its log, for the append to be made. */
enum td_expected {
	TD_IF_ANY = 0,  /* whatever it is at */
	TD_IF_NONE,     /* it has no event */
	TD_IF_EXISTS,   /* it has one */
	TD_IF_REVISION, /* its latest is exactly `revision` */
};

/* One event to append: a draft, or an event that exists. Borrowed for the call. */
struct td_appending {
	const struct td_draft *draft;
	const struct td_event *event;
	const char *log; /* NULL: the one that claims its subject, else "events" */
	enum td_expected expected;
	uint64_t revision;
	/*
	 * Into a log that is `importing`: it was recorded elsewhere, then and with that revision, by
	 * whom its attribute authid says. 0: when its attribute recordedtime says, else its time; the
	 * next revision. Where revisions are given they ascend (TD_E_REVISION).
	 */
	bool imported;
	td_time recorded;
	uint64_t as_revision;
};

/* What came of it. */
struct td_appended {
	struct td_where where;
	bool duplicate; /* it was there before, and `where` tells of that one */
	int code; /* of the one that was refused; 0 for the others, which were not appended too */
	uint64_t found; /* with TD_E_REVISION: the revision its subject is at, 0: none */
};

/*
 * Append events, all or none, of several subjects and logs too, and publish them: returns when they
 * are durable and heard of, like td_publish(). Expectations see the events before them in the same
 * append. `appended` (count of them) and `receipt` may be NULL.
 * An event with an id that its log has seen (within its window of duplicates) is not stored twice:
 * the first one's place is told, and nobody hears of it again. Several are a duplicate only if all
 * of them are, of one append.
 * Errors: TD_E_REVISION (says the revision found), TD_E_DUPLICATE (that id, other content; or some
 * of several were there before), TD_E_NOT_FOUND (no such log; in "mem:" none claims the subject),
 * TD_E_LIMIT (the log's, if it refuses new ones; or a subject that is new beyond 16 M of them),
 * TD_E_TOO_LARGE, TD_E_DISK_FULL, TD_E_DISK,
 * TD_E_INLINE, those of td_event_new(), TD_E_LOOP, TD_E_FULL and TD_E_CLOSED: nothing was appended.
 * TD_E_HANDLER: it was, but a handler failed.
 */
TD_PUBLIC int td_append(struct td *td, const struct td_appending *appendings, size_t count,
	struct td_appended *appended, struct td_receipt *receipt, struct td_error *err);

/*
 * Where a published event stands. TD_E_NOT_FOUND: it is stored nowhere (an empty receipt, or in
 * "mem:" no log claims it); *where is untouched then. `duplicate` (may be NULL): it was there before.
 */
TD_PUBLIC int td_receipt_where(
	const struct td_receipt *receipt, struct td_where *where, bool *duplicate);
/* Its position; 0 where it is stored nowhere. */
TD_PUBLIC uint64_t td_receipt_position(const struct td_receipt *receipt);

/* --- read --------------------------------------------------------------------------------- */

/* Which stored events. Zero: all there are, the oldest first. All borrowed for the call. */
struct td_scope {
	const char *log;             /* one log; NULL: all of them */
	const char *subject;         /* pattern of addresses: "order.42", "order.>" */
	const char *const *subjects; /* several: subjects_count of them */
	size_t subjects_count;
	const char *type;
	const char *const *types; /* types_count of them */
	size_t types_count;
	const char *filter;  /* CESQL, as in struct td_interest */
	const char *filters; /* or the filter dialects */
	/* From where to where, both included; 0 is no bound. Several say: all of them. */
	uint64_t from, to;                   /* positions */
	uint64_t from_seq, to_seq;           /* with `log` */
	uint64_t from_revision, to_revision; /* with one subject without wildcards */
	td_time from_time, to_time;          /* when they were recorded */
	bool backward;                       /* the newest first */
	bool latest;                         /* of each subject only its latest */
	size_t limit;                        /* so many at most; 0: all */
	uint64_t
		at_least; /* read a place that has come this far (td_position()), or wait for it ... */
	int64_t wait_ms; /* ... so long; < 0: for ever */
};

struct td_reading; /* a place in what is stored, and what is looked for */

/*
 * Begin to read. Owner: the caller; td_reading_close() it, before the handle. Inside an inline handler
 * the newest events are those of which td_latest() speaks; `latest` is refused there (TD_E_INLINE).
 * Errors: TD_E_NOT_FOUND (no such log), TD_E_SUBJECT, TD_E_ATTRIBUTE, TD_E_FILTER, TD_E_JSON,
 * TD_E_INVALID, TD_E_TIMEOUT (`at_least` did not come), TD_E_CLOSED, TD_E_NOMEM.
 */
TD_PUBLIC int td_read(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	struct td_error *err);
/*
 * The same without an end: after what is there comes what will be stored. `backward`, `latest` and
 * upper bounds are refused (TD_E_INVALID).
 */
TD_PUBLIC int td_follow(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	struct td_error *err);
/*
 * The next event, valid until the next call with this reading; td_event_ref() keeps it. `where`
 * may be NULL.
 * TD_E_NOT_FOUND: that was the last; of a following one: nothing new yet, ask again.
 * TD_E_DAMAGED: some cannot be read; err names file and positions, and the next call goes on behind
 * them. TD_E_NOMEM, TD_E_SYSTEM: the next call tries the same again.
 */
TD_PUBLIC int td_next(struct td_reading *reading, const struct td_event **event,
	struct td_where *where, struct td_error *err);
/*
 * Wait until td_next() has something to look at, at most timeout_ms (< 0: for ever): TD_E_TIMEOUT,
 * TD_E_CLOSED. TD_E_DEADLOCK inside a handler. For a reading that does not follow: 0 at once.
 */
TD_PUBLIC int td_reading_wait(struct td_reading *reading, int64_t timeout_ms, struct td_error *err);
/* Where a later reading would go on (`from`): behind all that this one has looked at. */
TD_PUBLIC uint64_t td_reading_position(const struct td_reading *reading);
TD_PUBLIC void td_reading_close(struct td_reading *reading);

/*
 * The latest event of a subject, in a log or (NULL) in whichever has it. Owner: the caller;
 * td_event_unref() it. `where` may be NULL. TD_E_NOT_FOUND, TD_E_SUBJECT, TD_E_DAMAGED, TD_E_NOMEM.
 * Inside an inline handler it sees what is decided and not durable yet, too, and what stands before the
 * event at hand in the same append: of that `where` says the log alone.
 */
TD_PUBLIC int td_latest(struct td *td, const char *log, const char *subject,
	struct td_event **event, struct td_where *where, struct td_error *err);
/* One event by its id, and source if it is not NULL. As above. */
TD_PUBLIC int td_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err);

/* The position behind the newest event stored: what is read from there on is new. */
TD_PUBLIC uint64_t td_position(struct td *td);

struct td_subject_about {
	struct td_text log;
	struct td_text address; /* the subject as an address (td_event_address()) */
	uint64_t count;         /* events it has */
	uint64_t seq, revision; /* of its latest */
};
/*
 * The subjects that have events and match `pattern` (NULL: all), of a log (NULL: all), in no stated
 * order. `each` answers whether to go on; it may not call the library. Errors as td_read().
 */
TD_PUBLIC int td_subjects(struct td *td, const char *log, const char *pattern,
	bool (*each)(void *arg, const struct td_subject_about *subject), void *arg,
	struct td_error *err);

/* --- logs --------------------------------------------------------------------------------- */

/* Zero: the default, and no limit. */
struct td_log_settings {
	const char *const *subjects; /* patterns of what it claims, subjects_count of them */
	size_t subjects_count;
	/* Patterns of subjects whose data is sealed on disk, and can be forgotten: td_forget(). */
	const char *const *erasable;
	size_t erasable_count;
	int64_t age_ms;                 /* events older than that are removed */
	uint64_t bytes_max, count_max;  /* the oldest beyond that are removed */
	uint64_t count_per_subject_max; /* the same for each subject */
	bool discard_new;               /* at a limit refuse new ones instead (TD_E_LIMIT) */
	int64_t duplicates_ms;    /* how long an id is known; default 120,000; < 0: not at all */
	uint64_t duplicates_max;  /* and how many; default 1,000,000, at most 16 M */
	bool revisions_forgotten; /* a subject whose events are all gone begins at 1 again */
	bool importing;           /* accepts events with times and revisions of their own */
	bool adopt; /* takes over what "events" holds of its subjects, which is refused else */
};

/*
 * Create, change (to exactly these settings) or delete a log, with all its events. Durable when it returns.
 * A log that adopts does so frame by frame, while others wait: events come with their ids, times and
 * revisions, at new positions, where who follows meets them again; what they were in "events" is erased.
 * What is missing after an error or a crash is done by the next opening or append.
 * Errors: TD_E_EXISTS (the name; a subject that another log claims, which is named; events of its
 * subjects in "events", how many, unless it adopts them), TD_E_NOT_FOUND, TD_E_SUBJECT, TD_E_INVALID (the
 * name or a setting), TD_E_DISK_FULL, TD_E_DISK, TD_E_INLINE, TD_E_NOMEM.
 */
TD_PUBLIC int td_log_create(struct td *td, const char *name, const struct td_log_settings *settings,
	struct td_error *err);
TD_PUBLIC int td_log_change(struct td *td, const char *name, const struct td_log_settings *settings,
	struct td_error *err);
TD_PUBLIC int td_log_delete(struct td *td, const char *name, struct td_error *err);

struct td_log_about {
	const char *name;
	struct td_log_settings settings;
	uint64_t first_seq,
		last_seq; /* the oldest and the newest there is; last_seq 0: none ever; first_seq 0: it
			     could not be read */
	uint64_t count, bytes, subjects;
	td_time created, first_time, last_time;
};
/* All logs, in one block: td_log_list_free() it. */
TD_PUBLIC int td_log_list(
	struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err);
TD_PUBLIC void td_log_list_free(struct td_log_about *logs);

/* --- removal ------------------------------------------------------------------------------ */

/* Which events of a log: these seqs, or all that the rest says. */
struct td_removing {
	const char *log;
	const uint64_t *seqs;
	size_t seqs_count;
	const char *subject; /* pattern; NULL: any */
	uint64_t below;      /* seqs below this; 0: all */
	uint64_t keep;       /* but not the newest so many */
	bool erase;          /* their bytes too, within a minute: then `$tidings` has an `Erased` */
};
/*
 * Remove events: for every reader at once when it returns. `removed` (may be NULL): how many.
 * TD_E_NOT_FOUND (log), TD_E_SUBJECT, TD_E_INVALID, TD_E_DISK, TD_E_INLINE, TD_E_NOMEM. Works on a
 * full disk.
 */
TD_PUBLIC int td_remove(
	struct td *td, const struct td_removing *removing, uint64_t *removed, struct td_error *err);

/*
 * Forget a subject of a log, which has to be an erasable one: the key that its data is sealed with
 * is destroyed, on disk when it returns. Its events stay, with all that is said about them, without
 * their data: td_event_get(event, "erased") is "true". So do not say in subjects and attributes what
 * is to be forgotten one day. What is appended to the subject from then on has another key. Copies
 * of the directory keys/ are yours to destroy; events that handlers hold or wait for are theirs.
 * TD_E_NOT_FOUND: no such log, or it holds nothing sealed of this subject (any more). TD_E_SUBJECT,
 * TD_E_DISK_FULL, TD_E_DISK, TD_E_INLINE, TD_E_READ_ONLY, TD_E_NOMEM. After an error that came late
 * the subject may be forgotten already; what is missing is done when the place is opened again.
 */
TD_PUBLIC int td_forget(struct td *td, const char *log, const char *subject, struct td_error *err);

/* --- the place ---------------------------------------------------------------------------- */

struct td_status {
	bool stored;        /* it has a store on disk */
	bool failed;        /* the disk failed: every call that needs it answers TD_E_DISK */
	bool disk_full;     /* new events are refused until there is room */
	bool recovered;     /* it had not been closed before this opening */
	uint64_t cut_bytes; /* of a write that had never finished: put into quarantine/ */
	char warning[160];  /* what the operator should know of the file system; may be empty */
	uint64_t position;  /* as td_position() */
	uint64_t events, subjects, logs, bytes;
	uint64_t commits, syncs, bytes_written; /* since opening */
	size_t index_bytes;                     /* memory for what is derived */
	uint64_t heads_position;                /* a head that speaks for all below was exported */
	char heads_failure[160];                /* why the last one was not; else empty */
};
TD_PUBLIC int td_status(struct td *td, struct td_status *status, struct td_error *err);

/* --- heads of the chain ------------------------------------------------------------------- */

/*
 * What is stored is a chain: the value at its end, its *head*, stands for every byte before it. Who
 * keeps heads elsewhere finds out later whether history was changed, by whoever can write to the
 * disk (`tidings verify --head FILE --key KEY`). A head is a line of text, signed with Ed25519;
 * doc/format/journal.md has its words.
 *
 * "file:" places export them by schedule, from housekeeping, in struct td_options: a line is put to
 * the end of a file, and old ones stay. All borrowed for td_open(), but `sign` and its `arg`.
 */
struct td_heads {
	const char *to;   /* the file, made if it is not there; NULL: td_head() alone */
	int64_t every_ms; /* so often, if anything was stored since; default 300,000; at close, too */
	const char *key_file; /* the secret key: 64 hexadecimal digits; read when opened */
	/* Or who has the key, elsewhere: its public one, and the signature of `bytes` at `text`; 0 or not. */
	const unsigned char *key; /* 32 bytes */
	int (*sign)(void *arg, const void *text, size_t bytes, unsigned char signature[64]);
	void *arg;
};
#define TD_HEAD_BYTES 512
/*
 * The head of now: of all that was acknowledged, but for what is being written at this moment. TD_E_PLACE:
 * opened without `heads`, or the store has no chain; TD_E_NOT_FOUND: nothing is stored;
 * TD_E_HANDLER: the signer refused; TD_E_DAMAGED: what it gave is no signature of its key.
 */
TD_PUBLIC int td_head(struct td *td, char line[TD_HEAD_BYTES], struct td_error *err);

#ifdef __cplusplus
}
#endif

#endif
