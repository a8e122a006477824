/*
 * journal: records on disk. Acknowledged means on disk.
 *
 * A journal is a directory with one sequence of records. Each record has a *position*, from 1 and
 * without gaps. The journal knows positions and bytes, not events: what a record says is the
 * store's. doc/format/journal.md is the format; this is what it does.
 *
 *	            stage             seal               write, sync
 *	records ----------> building ------> in flight --------------> durable ----> read
 *	                    (a frame)        (one frame)     |   |
 *	                                                  hashed  '-> FAILED, for good
 *
 *	DIR/LOCK  CONTROL.a  CONTROL.b  seg-BASE.log ...  spare  quarantine/
 *
 * Who may call what. A journal has one owner, who calls its functions from one thread at a time
 * (the loop, or whoever holds the owner's lock). None of these waits for the disk. What must wait
 * is handed out as *work*, run by anybody without the lock, and brought back:
 *
 *	while ((work = td_journal_next(journal, TD_WORK_ALL, now_ms)) != NULL) {
 *		td_work_run(work);
 *		td_journal_done(journal, work, &err);
 *	}
 *
 * Functions marked *any thread* need no lock, and those marked *blocks* wait for the disk.
 *
 * Invariants (td_journal_verify_state() asserts them):
 *	J1  one frame is in flight at most: all before it are durable
 *	J2  durable <= in flight <= staged; positions are given once and never again
 *	J3  nothing at or above `durable` is ever read
 *	J4  after the first failed write or sync nothing is staged, written or acknowledged
 *	J5  a sealed segment is never written to; it is replaced whole
 *	J6  recovery deletes nothing but what was never finished (a spare, a rewriting) and segments
 *	    that had been dropped; what it cuts lies in quarantine/, unless a full disk has no room
 *	    for a torn write, which is then told as a warning
 */
#ifndef TD_JOURNAL_H
#define TD_JOURNAL_H

#include "base/base.h"
#include "journal/rule.h"
#include "sys/sys.h"
#include "tidings/backup.h"

struct td_journal;

/* Of one append: 8 MiB, and what comes with them. */
#define TD_APPEND_BYTES_MOST (((size_t)8 << 20) + ((size_t)256 << 10))

struct td_journal_options {
	const struct td_disk *disk;
	const struct td_clock *clock;
	const struct td_random *random;
	size_t segment_bytes_first; /* default 1 MiB; they double with what is stored ... */
	size_t segment_bytes_max;   /* ... up to this; default 128 MiB */
	size_t frame_bytes;         /* a frame is full from here on; default 1 MiB */
	size_t frame_records;       /* or from so many records; default 4,096 */
	size_t append_bytes_max;    /* one append; default TD_APPEND_BYTES_MOST */
	size_t cache_bytes;         /* frames kept in memory for readers; default 16 MiB */
	int64_t mark_ms;            /* idle time until a mark; default 50 */
	bool chain_off;             /* no SHA-256 chain; as the store was made, from then on */
	bool strict;                /* no durable sector is written again: frames padded to 4 KiB */
	bool create;                /* make the directory's journal if there is none */
	bool read_only;             /* look only: take no lock, change nothing */
	bool accept_tail_loss; /* cut what the report calls damaged at the end; read it first */
};

/* --- open: recovery ----------------------------------------------------------------------- */

/* How the end of the journal was found. */
enum td_tail {
	TD_TAIL_CLEAN, /* as CONTROL says */
	TD_TAIL_ENDED, /* zeros from the end on */
	TD_TAIL_TORN, /* a write that never finished, never acknowledged: cut, kept in quarantine */
	TD_TAIL_DAMAGED, /* what had been durable is wrong */
};

#define TD_DAMAGES_MAX 16

struct td_damage {
	uint64_t segment_base; /* names the file */
	uint64_t offset, bytes;
	uint64_t position_from, position_to; /* that cannot be read, both included */
	const char *what;                    /* static: "checksum of the body" */
};

struct td_recovery {
	bool created; /* there was none, and it was made */
	bool clean;   /* it had been closed */
	enum td_tail tail;
	uint64_t epoch;                 /* of this opening */
	uint64_t position;              /* the next */
	uint64_t cut_bytes;             /* put into quarantine */
	unsigned segments, quarantined; /* files */
	size_t damages_count;           /* all; the first of them are here */
	struct td_damage damages[TD_DAMAGES_MAX];
	int64_t lock_us, list_us, read_us, promise_us; /* what it spent its time on */
	const char *warning; /* static, or NULL: "overlay file system: ..." */
};

/*
 * Open a journal, recovering what a crash left. Blocks. `path` is the directory. *report (may be
 * NULL) is filled as far as it went, on failure too.
 * When it returns 0, all that td_journal_scan() reads is durable on this device, promised anew.
 * Errors: TD_E_NOT_FOUND (no journal, and not `create`), TD_E_HELD (another process has it, and
 * which), TD_E_FOREIGN (the directory holds something else), TD_E_NEWER (a newer format),
 * TD_E_DAMAGED (names file, offset and positions, and what to do), TD_E_DISK_FULL, TD_E_DISK,
 * TD_E_SYSTEM, TD_E_NOMEM. Nothing was deleted.
 */
int td_journal_open(struct td_journal **journal, const char *path,
	const struct td_journal_options *options, struct td_recovery *report, struct td_error *err);
/*
 * Commit what is staged, note the clean end, let go. Blocks. All work must be back. NULL is fine.
 * On a failed journal: only lets go. An error says that the next opening has to recover.
 */
int td_journal_close(struct td_journal *journal, struct td_error *err);
/* Let go at once and write nothing more, as after a failure or in a test. Work out is forgotten. */
void td_journal_abandon(struct td_journal *journal);

/* 0, or why it failed (TD_E_DISK), for good. */
int td_journal_failed(const struct td_journal *journal, struct td_error *err);

/* --- append ------------------------------------------------------------------------------- */

/*
 * Room for one append: `records` records whose bodies sum to `bytes`, all in one frame, so all or
 * none of them survive. 0: stage them now, nothing else between.
 * TD_E_FULL: the frame being built has no room, or the next segment is not ready yet: turn the work
 * (TD_WORK_COMMIT, and what may be out already), then again. TD_E_TOO_LARGE: over append_bytes_max. TD_E_DISK_FULL: no spare segment can be prepared; what `reserved` says is
 * still taken (acknowledgements, removals). TD_E_DISK: failed. TD_E_NOMEM, TD_E_READ_ONLY.
 */
int td_journal_room(struct td_journal *journal, size_t records, size_t bytes, bool reserved,
	struct td_error *err);
/*
 * Stage a record: the body is the parts, one after another, copied. Its first byte is its kind
 * (TD_RECORD_HOLE is the journal's own). Cannot fail after td_journal_room(). *location (may be
 * NULL): where it will lie. Returns its position.
 */
uint64_t td_journal_stage(
	struct td_journal *journal, const struct td_text *parts, size_t count, uint64_t *location);

/* The next position to be given, and the first that is not durable. */
uint64_t td_journal_staged(const struct td_journal *journal);
uint64_t td_journal_durable(const struct td_journal *journal);
/*
 * The time of the frame being built: later than that of every frame before it, wall clock else. It
 * stands from the first record on. (Records that carry a time take it from here.)
 */
td_time td_journal_time(struct td_journal *journal);

/* --- work --------------------------------------------------------------------------------- */

enum td_work_kind {
	TD_WORK_COMMIT = 1,   /* write and sync what is staged; at a segment's end also roll over */
	TD_WORK_CHAIN = 2,    /* hash the frame in flight: may run beside its commit */
	TD_WORK_SPARE = 4,    /* prepare the next segment */
	TD_WORK_MARK = 8,     /* after a pause: the last frame gets its second witness */
	TD_WORK_REWRITE = 16, /* a segment without what was removed */
	TD_WORK_ALL = 31,
};

struct td_work;

/*
 * Something to do of these kinds, or NULL. At most one of each kind is out. A commit comes when
 * something is staged and nothing is in flight. Who asks for commits is given the spare, too, when
 * an append was sent back (TD_E_FULL) or a roll waits for want of it, and nobody else prepares it.
 */
struct td_work *td_journal_next(struct td_journal *journal, unsigned kinds, int64_t now_ms);
enum td_work_kind td_work_kind(const struct td_work *work);
/* Do it. Blocks. Any thread. Touches nothing of the journal that others may see. */
void td_work_run(struct td_work *work);
/*
 * Bring it back. After a commit (and its chain) td_journal_durable() has moved. TD_E_DISK: it
 * failed, and so has the journal, for good. TD_E_DISK_FULL: a spare could not be prepared; it is
 * tried again after a while.
 */
int td_journal_done(struct td_journal *journal, struct td_work *work, struct td_error *err);
/* When td_journal_next() has something without anything else happening; INT64_MAX: never. */
int64_t td_journal_next_ms(const struct td_journal *journal, unsigned kinds, int64_t now_ms);

/* --- read --------------------------------------------------------------------------------- */

struct td_record {
	uint64_t position;
	uint64_t count;      /* positions it stands for: 1, or more for a hole */
	uint64_t location;   /* for td_journal_fetch() */
	td_time time;        /* of its frame */
	struct td_text body; /* verified; valid while the scan stands here */
};

/* A place in the journal, and the block of verified frames it stands in, shared and counted. */
struct td_scan {
	uint64_t position; /* of the next record */
	/* The rest is its own affair. */
	struct td_block *block;
	size_t at, end; /* of the next record, of its frame */
	uint32_t left;  /* records of the frame still to come */
	td_time time;
};
#define TD_SCAN_AT(position)                 \
	{                                    \
		(position), NULL, 0, 0, 0, 0 \
	}

/*
 * The next record, forward. Any thread; blocks when it is not in memory. 0; TD_E_NOT_FOUND: no
 * more that is durable, yet; TD_E_DAMAGED: positions scan->position to *lost_to cannot be read;
 * go on behind by setting scan->position (td_scan_seek()). TD_E_DISK, TD_E_NOMEM.
 * Holes come as records of kind TD_RECORD_HOLE.
 */
int td_journal_scan(struct td_journal *journal, struct td_scan *scan, struct td_record *record,
	uint64_t *lost_to, struct td_error *err);
void td_scan_seek(struct td_scan *scan, uint64_t position);
void td_scan_fini(struct td_scan *scan);

/*
 * One durable record by its location (whose body has `bytes`, as far as is known; else 0), into `buf` (which keeps the bytes) or, if it is in memory, as
 * a view into *block. Any thread; blocks when it is not in memory. Only the record is read and
 * verified; it does not say its position nor the time of its frame, which are 0 here.
 * TD_E_NOT_FOUND: its segment was replaced since; look it up again. TD_E_DAMAGED.
 */
int td_journal_fetch(struct td_journal *journal, uint64_t location, size_t bytes,
	struct td_buf *buf, struct td_block **block, struct td_record *record,
	struct td_error *err);
void td_block_unref(struct td_block *block); /* NULL is fine */

/* --- segments ----------------------------------------------------------------------------- */

struct td_segment_info {
	uint32_t number;          /* the high half of locations in it */
	uint32_t rewritten;       /* how often it was replaced */
	uint64_t base, next;      /* positions [base, next) */
	uint64_t bytes;           /* of the file */
	uint64_t room;            /* for frames */
	uint64_t used, dead;      /* bytes of frames, and of records said to be dead */
	uint64_t frames, records; /* once it is sealed */
	uint64_t salt;            /* its own; changes when it is replaced */
	td_time from, to;         /* of its first and last frame */
	bool sealed;
};
/* The segments, oldest first; returns how many there are. Fills at most `max`. */
size_t td_journal_segments(
	const struct td_journal *journal, struct td_segment_info *segments, size_t max);
/* A record will not be read again; counts towards rewriting. */
void td_journal_dead(struct td_journal *journal, uint64_t location, size_t bytes);

/*
 * Rewrite a sealed segment without these positions (sorted, all in it; copied): holes stand for
 * them. `rule` is kept in the footer for who verifies. The work follows (TD_WORK_REWRITE), and
 * when it is back the segment has a new number and salt: locations in it have to be looked up
 * again. A segment of which nothing is left becomes one hole; td_journal_drop() removes such from
 * the front. TD_E_NOT_FOUND: no sealed segment of that base; TD_E_FULL: one is being rewritten;
 * the work: TD_E_DAMAGED (it is not rewritten then, and stays), TD_E_DISK_FULL, TD_E_NOMEM.
 */
int td_journal_rewrite(struct td_journal *journal, uint64_t base, const uint64_t *positions,
	size_t count, enum td_rewrite_rule rule, struct td_error *err);
/*
 * Remove whole sealed segments below `position` from the front; blocks. TD_E_FULL: not while a
 * roll is under way, or one of them is being rewritten; again when that work is back.
 */
int td_journal_drop(struct td_journal *journal, uint64_t position, struct td_error *err);
/* End the active segment with the next commit, whatever room it has. */
void td_journal_roll(struct td_journal *journal);

/* The store's uuid, the epoch, and the head of the chain at the last durable frame with records. */
struct td_journal_state {
	uint8_t uuid[16];
	uint64_t epoch;
	uint64_t first; /* the oldest position there is */
	uint64_t durable;
	bool chained;           /* it has a chain */
	uint64_t head_position; /* the head speaks for all below it */
	uint32_t head_segment;  /* number of the segment of its frame */
	uint8_t chain[32];
	bool disk_full, failed;
	uint64_t commits, syncs, bytes_written;
	size_t cache_bytes, segments;
};
void td_journal_state(const struct td_journal *journal, struct td_journal_state *state);

#define TD_HEAD_LINE_BYTES 512 /* enough for a head, NUL included */
/* Who signs heads: Ed25519. */
struct td_signer {
	uint8_t key[32]; /* public */
	/* The signature of `bytes` at `text`. 0, or a code with its text. */
	int (*sign)(void *arg, const void *text, size_t bytes, uint8_t signature[64],
		struct td_error *err);
	void *arg;
};
/* One whose secret key (32 random bytes, which stay the caller's) is at hand. */
int td_signer_init(struct td_signer *signer, const uint8_t *secret, struct td_error *err);
/*
 * A signed head of a journal in this state, a line without its end. Any thread. TD_E_PLACE: it has
 * no chain; TD_E_NOT_FOUND: nothing stands below; the signer's.
 */
int td_journal_head(const struct td_journal_state *state, const struct td_signer *signer,
	td_time now, char line[TD_HEAD_LINE_BYTES], struct td_error *err);
/*
 * The positions that were given up last with accept_tail_loss, [*from, to]; 0: none ever. Nobody can
 * say what stood there.
 */
uint64_t td_journal_lost(const struct td_journal *journal, uint64_t *from);
/* The directory, for what others keep beside the segments. */
int td_journal_directory(const struct td_journal *journal);

/* J1 to J6, asserted. */
void td_journal_verify_state(const struct td_journal *journal);

/* --- copies ------------------------------------------------------------------------------- */

/*
 * Copy a running journal to a directory: see td_backup(). Any thread, the owner's lock not held; blocks.
 * Takes the journal's mutex for moments, and reads through files of its own.
 */
int td_journal_backup(struct td_journal *journal, const char *to,
	const struct td_backup_options *options, struct td_backup_report *report,
	struct td_error *err);
/* A journal from a backup: see td_restore(). Of `world` disk, clock and random count. Blocks. */
int td_journal_restore(const struct td_journal_options *world, const char *from, const char *to,
	const struct td_backup_options *options, struct td_backup_report *report,
	struct td_error *err);

/* --- offline ------------------------------------------------------------------------------ */

/*
 * Look at a journal without changing it, damaged ones too. Blocks. `found` is called for each
 * thing worth saying. 0: everything is proven, rewritten by rule, or dropped; TD_E_DAMAGED: it is not,
 * or a head is not on the chain. TD_E_FORMAT, TD_E_DAMAGED with "heads: line ...": they are not heads,
 * or not that key's.
 */
enum td_finding_kind {
	TD_FINDING_SEGMENT,
	TD_FINDING_REWRITTEN,
	TD_FINDING_TAIL,
	TD_FINDING_DAMAGE,
	TD_FINDING_HEAD, /* is on the chain: positions up to position_to are proven by it, but for
				 what was rewritten */
	TD_FINDING_HEAD_OPEN, /* proves nothing any more: where it was taken is rewritten or dropped */
};
struct td_finding {
	enum td_finding_kind kind;
	const char *file;
	uint64_t offset, bytes, position_from, position_to;
	const char *what;
};
struct td_verify_options {
	struct td_text heads; /* exported heads of the chain, one a line (head.h); absent: none */
	const uint8_t
		*key; /* 32 bytes: the public key that signed them; NULL: whichever they name */
};
int td_journal_verify(const struct td_disk *disk, const char *path,
	const struct td_verify_options *options,
	void (*found)(void *arg, const struct td_finding *finding), void *arg,
	struct td_error *err);

#endif
