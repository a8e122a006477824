/*
 * The insides of a journal, for the files of this room. README.md has the tour.
 *
 * Three kinds of memory, by who may touch it:
 *
 *	the owner's    building, flight (while no work is out), options, counts
 *	the work's     flight while it is out, spare while it is being prepared, rewrite: whoever runs it
 *	under `mutex`  table, files, cache, recent, durable: owner and readers; never held over I/O
 *
 * The way of a frame: `building` (in the newest block, staged) -> `flight` (sealed by
 * td_journal_next(), written and synced by the work, hashed beside) -> durable (td_journal_done()
 * lets readers see it). The next one is built behind it in the same block meanwhile.
 */
#ifndef TD_JOURNAL_INSIDE_H
#define TD_JOURNAL_INSIDE_H

#include "journal/cache.h"
#include "journal/control.h"
#include "journal/frame.h"
#include "journal/journal.h"
#include "journal/segment.h"
#include "journal/segment_format.h"

#define TD_LOCK_NAME       "LOCK"
#define TD_CONTROL_A_NAME  "CONTROL.a"
#define TD_CONTROL_B_NAME  "CONTROL.b"
#define TD_SPARE_NAME      "spare"
#define TD_SPARE_TMP_NAME  "spare.tmp"
#define TD_REWRITE_NAME    "rewrite.tmp"
#define TD_QUARANTINE_NAME "quarantine"

#define TD_RETRY_MS         1000 /* until a spare is tried again on a full disk */
#define TD_FILES_OPEN_MAX   64   /* sealed segments with an open file */
#define TD_BLOCK_SPARE_ROOM 16384

#define TD_WORKS 5

/* The frame being built. The owner's. */
struct td_building {
	struct td_block *block; /* where it is built, behind what is in flight; NULL: nowhere yet */
	size_t at;              /* in the block */
	uint64_t offset;        /* in the segment */
	uint32_t number;        /* of the segment */
	bool begun;             /* td_journal_room() said where it goes */
	bool rolls;             /* it is the first of the next segment */
	struct td_frame_builder frame;
	size_t pending; /* records that td_journal_room() let in and that are not there yet */
	uint32_t holes; /* among its records; recovery alone makes some */
	td_time time;   /* 0: nobody asked yet */
	uint64_t first; /* position */
};

/* The segment that frames go to, behind what is in flight; the owner's view of it. */
struct td_place {
	struct td_segment_header header;
	struct td_file *file; /* the active segment holds the reference, or the roll in flight */
	uint64_t end;         /* where the next frame begins */
	uint64_t frames, records;
	td_time from;
	struct td_hash128_state hash; /* of all bytes up to what was hashed last */
};

struct td_work {
	struct td_journal *journal;
	enum td_work_kind kind;
	bool out;
	int code;
	struct td_error err;
};

/* The switch to the next segment, as part of a commit: all that is to be written, ready. */
struct td_roll {
	struct td_segment *next; /* the new one; NULL: no roll */
	bool replaces;           /* the old one has no position: the new one takes its name */
	struct td_file *old;     /* to be sealed; its segment has the reference */
	uint64_t old_base, seal_offset, footer_offset, position;
	size_t seal_bytes;
	uint64_t frames, records; /* of the old one */
	td_time time;
	struct td_file *file; /* of the new one */
	struct td_control control;
	unsigned copy;
	_Alignas(8) uint8_t seal[TD_FRAME_STRICT_BYTES];
	uint8_t footer[TD_PAGE_BYTES], header[TD_PAGE_BYTES], page[TD_PAGE_BYTES];
};

enum td_chain_step { TD_CHAIN_FREE, TD_CHAIN_TAKEN, TD_CHAIN_DONE };

/* What is being written. The owner's before and after the work, the work's between. */
struct td_flight {
	bool full;              /* there is one */
	enum td_work_kind kind; /* COMMIT or MARK */
	struct td_block *block; /* a reference; NULL: only a roll */
	struct td_file *file;   /* a reference */
	size_t at, len;         /* in the block */
	uint64_t offset;        /* in the segment */
	uint64_t first, next;   /* positions */
	uint32_t records;
	td_time time;
	unsigned whitening;
	bool written;   /* the commit came back */
	bool disk_full; /* no space for the spare behind the one that a roll took */
	_Atomic int chain_step;
	uint8_t chain[TD_CHAIN_BYTES];
	struct td_sha256 sha;
	struct td_roll roll;
};

struct td_spare {
	bool ready;
	uint64_t usual;             /* decided with the roll that took the last one; 0: not yet */
	uint64_t bytes;             /* as it is, or is being made */
	uint64_t wanted;            /* at least, for a frame that fits nowhere else */
	int64_t retry_ms;           /* not before */
	bool waited_for;            /* an append was sent back for want of it */
	struct td_segment *segment; /* what a roll needs, so that it needs no memory */
	struct td_file *file;
};

struct td_rewrite;

struct td_journal {
	struct td_journal_options options;
	const struct td_disk *disk;
	char *path;
	int dir, lock;
	bool chained, strict;
	struct td_features features;
	uint8_t store[TD_STORE_BYTES]; /* like these three, as opened for good */
	bool failed;
	struct td_error failure; /* the first */

	struct td_control control; /* as last written */
	unsigned copy;             /* where: 0 is a, 1 is b */
	int copies[2];             /* their files */
	uint32_t number_next;      /* of a segment */
	uint64_t epoch;

	struct td_building building;
	struct td_place place;
	uint64_t staged; /* the next position to be given */
	td_time time;    /* of the last frame built */
	struct td_flight flight;
	bool witnessed;                /* the last frame is a mark, or needs none */
	int64_t idle_since_ms;         /* when the last commit came back */
	uint8_t chain[TD_CHAIN_BYTES]; /* the value of the last frame hashed */
	/* What heads are made of: the newest durable frame with records, whose value stays on the chain. */
	struct {
		uint64_t position; /* the next one */
		uint32_t segment;
		uint8_t chain[TD_CHAIN_BYTES];
	} head;
	bool roll_wanted;
	size_t frame_like; /* as long as the longest frames of late */
	struct td_spare spare;
	bool disk_full;
	struct td_rewrite *rewrite; /* asked for, or being done; NULL: none */
	struct td_work works[TD_WORKS];
	uint64_t commits, syncs, bytes_written;

	struct td_mutex mutex; /* of what follows */
	struct td_table table;
	struct td_segment *active;
	_Atomic uint64_t durable; /* read without the lock, too */
	uint64_t first;           /* the oldest position there is */
	uint64_t uses;            /* of files, for used_at */
	size_t files_open;        /* of sealed segments */
	struct td_blocks *blocks;
	struct td_cache cache;
	struct td_block **recent; /* blocks of the newest frames, oldest first */
	size_t recent_count, recent_max;
};

/* --- stage.c ------------------------------------------------------------------------------ */

/* A frame of `need` bytes begins behind what is staged, in the active segment. TD_E_NOMEM. */
int td_building_begin(struct td_journal *journal, size_t need, struct td_error *err);

/* --- work.c ------------------------------------------------------------------------------- */

size_t td_work_index(enum td_work_kind kind);
void td_journal_fail(struct td_journal *journal, const struct td_error *err);

/* --- flight.c ----------------------------------------------------------------------------- */

/* Seal what is staged, or roll, or both. */
void td_flight_begin(struct td_journal *journal, enum td_work_kind kind);
/* The same with a mark; false: there is no room for one, and the segment is to be rolled. */
bool td_flight_begin_mark(struct td_journal *journal);
void td_flight_run(struct td_work *work);
void td_flight_landed(struct td_journal *journal);
bool td_flight_take_chain(struct td_flight *flight);
void td_flight_run_chain(struct td_work *work);
void td_flight_hashed(struct td_journal *journal);

/* --- roll.c ------------------------------------------------------------------------------- */

/* Where frames may end in a segment of so many bytes, and how large it has to be for a frame. */
uint64_t td_segment_limit(const struct td_journal *journal, uint64_t segment_bytes);
uint64_t td_segment_bytes_for(const struct td_journal *journal, size_t frame_bytes);
void td_roll_prepare(struct td_journal *journal);
int td_roll_run(struct td_journal *journal, struct td_error *err);
void td_roll_landed(struct td_journal *journal);
/* While opening: the last segment is sealed, the spare becomes the next one. Blocks. */
int td_roll_resume(struct td_journal *journal, uint64_t position, struct td_error *err);
/* The owner's place becomes this segment: `end` and counts as given, its header page hashed. */
void td_place_take(struct td_place *place, const struct td_segment_header *header,
	struct td_file *file, const uint8_t page[TD_PAGE_BYTES]);

/* --- spare.c ------------------------------------------------------------------------------ */

/* A frame of so many bytes needs a new segment: is there one; there should be one. */
bool td_spare_serves(const struct td_journal *journal, size_t frame_bytes);
void td_spare_want(struct td_journal *journal, size_t frame_bytes);
bool td_spare_due(const struct td_journal *journal, int64_t now_ms);
void td_spare_begin(struct td_journal *journal);
void td_spare_run(struct td_work *work);
int td_spare_landed(struct td_journal *journal, int code, struct td_error *err);
/* A complete file becomes the spare; takes the handle, also when it fails. */
int td_spare_take(struct td_journal *journal, int handle, uint64_t bytes, struct td_error *err);
/* How large the next one is; the owner. */
uint64_t td_spare_usual_bytes(struct td_journal *journal);
/* `spare.tmp`, with its space. An errno. */
int td_spare_allocate(struct td_journal *journal, uint64_t bytes, int *file);
/* `spare`, complete and synced; its handle. An errno. */
int td_spare_make(struct td_journal *journal, uint64_t bytes, int *file);
int td_disk_zero(const struct td_disk *disk, int file, uint64_t from, uint64_t to);

/* --- copies.c: CONTROL -------------------------------------------------------------------- */

/* Open both copies and read the newer valid one. TD_E_NOT_FOUND: there is none at all. */
int td_copies_open(struct td_journal *journal, unsigned flags, struct td_error *err);
void td_copies_close(struct td_journal *journal);
/* Write a page into that copy, synced. */
int td_copies_write(struct td_journal *journal, const uint8_t page[TD_PAGE_BYTES], unsigned copy,
	struct td_error *err);
/* The next CONTROL: as the last, one generation on, not clean, the time now. */
struct td_control td_copies_next(const struct td_journal *journal);
/* Write it into the other copy, synced; then it is journal->control. */
int td_copies_save(
	struct td_journal *journal, const struct td_control *control, struct td_error *err);

/* --- rewrite.c ---------------------------------------------------------------------------- */

bool td_rewrite_is_due(const struct td_journal *journal);
void td_rewrite_run(struct td_work *work);
int td_rewrite_landed(struct td_journal *journal, int code, struct td_error *err);
void td_rewrite_free(struct td_rewrite *rewrite);

#endif
