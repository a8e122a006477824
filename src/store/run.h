/*
 * run: the index of one segment, or of one chunk in memory: a line for each of its records.
 *
 *	positions   base                                next
 *	lines       | line | line | line | line | line |
 *	                ^             |
 *	                '--- back ----'      the event before it of the same subject, in this run;
 *	                                     or, by way of `links`, its position in an older one
 *
 * Runs stand in the order of their positions; the newest grows. The subject's newest event is what
 * the table of subjects says. Under the store's lock.
 */
#ifndef TD_STORE_RUN_H
#define TD_STORE_RUN_H

#include "base/base.h"

enum td_line_flag {
	TD_LINE_EVENT = 1,
	TD_LINE_REMOVED = 2,
	TD_LINE_HOLE = 4,    /* the record is gone; also of an event that was removed */
	TD_LINE_LOCAL = 8,   /* `subject` is the catalog's: see td_store_ref() */
	TD_LINE_ERASE = 16,  /* removed, and its bytes are to go */
	TD_LINE_SEALED = 32, /* an event whose payload is sealed */
	TD_LINE_SPENT = 64,  /* a record of the store's own that may go: removed, and no event */
};

struct td_line {
	uint64_t seq;
	uint32_t offset;   /* in the segment: the low half of its location */
	uint32_t subject;  /* ref; while the event lives */
	uint32_t back;     /* 0: none; TD_BACK_LINK: by links[]; else line + 1 */
	uint32_t bytes;    /* of the body */
	uint32_t revision; /* low half: see td_line_revision() */
	uint16_t log;      /* index */
	uint16_t flags;
};

#define TD_BACK_LINK  0x80000000u
#define TD_LINES_HEAP 128u /* lines that are allocated, and read from a catalog, at once: 4 KiB */

/* Of one log in one run: seqs ascend with positions. */
struct td_run_log {
	uint16_t log;
	uint64_t first_seq, last_seq;
	uint32_t first, last; /* lines */
};

struct td_catalog;
struct td_runs;

struct td_run {
	struct td_runs *owner;
	struct td_catalog *catalog; /* NULL: all of it is in memory */
	unsigned failures;          /* of making its catalog, or rewriting it, in a row */
	int64_t again_at;           /* monotonic ms: when that is tried again */
	uint64_t erasing;           /* so many of its lines were told as being erased */
	bool forgotten;             /* it has events of logs that were deleted */
	bool moved;                 /* its segment was rewritten: lines say where records were */
	bool rolling;               /* it ends with the next commit */
	uint64_t removed_there;     /* records that are removed and still there ... */
	uint64_t removed_bytes;     /* ... and what their bodies take */
	int64_t erase_at;           /* monotonic ms: when those are to be gone; 0: at leisure */
	uint32_t number;            /* the high half of locations */
	uint64_t base, next;        /* positions [base, next) */
	uint64_t removed;           /* lines that are TD_LINE_REMOVED */
	uint64_t own, own_bytes;    /* the store's own records that may be spent one day: spent.c */
	uint64_t clean_to; /* all that was removed by records below is holes; 0: not known */
	uint64_t look_at;  /* store->cleanings: spent ones are not looked for before */
	unsigned look_misses;
	uint64_t dead;          /* lines that nobody will read: those, and records of passing use */
	struct td_line **heaps; /* NULL: to be had from the catalog */
	uint8_t *dirty;         /* of each: it differs from the catalog */
	size_t heaps_count, heaps_cap, dirty_cap;
	uint64_t *links;
	size_t links_count, links_cap;
	struct td_run_log *logs;
	size_t logs_count, logs_cap;
	/* Once somebody looked: of each of the first `tags_count` lines a hash of id and story. */
	struct td_tag *tags;
	size_t tags_count, tags_cap;
};

struct td_tag {
	uint32_t id, story; /* 0: none */
};

struct td_runs {
	struct td_run **at; /* ascending */
	size_t count, cap;
	struct td_run *spare;
	uint16_t *places;     /* by a log's index: in the newest run's logs, most likely */
	struct td_line *lost; /* a page of holes, where one cannot be had */
	uint64_t losses;      /* how often it was */
	uint64_t given_back;  /* no run that begins below has a page to be given back */
	size_t bytes;
};

void td_runs_init(struct td_runs *runs);
void td_runs_fini(struct td_runs *runs);

/* Room for so many more lines of at most so many logs, in the newest run or a new one. */
bool td_runs_reserve(struct td_runs *runs, size_t more, size_t logs);
/*
 * The line of the next record, zeroed, its offset set; the run begins where the location's number
 * changes. Within td_runs_reserve() it cannot fail.
 */
struct td_line *td_runs_add(struct td_runs *runs, uint64_t position, uint64_t location);
/* Say that the newest line is an event of this log and seq, and which one it follows (0: none). */
void td_runs_event(
	struct td_runs *runs, struct td_line *line, uint16_t log, uint64_t seq, uint64_t previous);

/* The whole of it: it is at most that of the subject's last, and not 2^32 below. */
static inline uint64_t td_line_revision(const struct td_line *line, uint64_t last)
{
	return last - (uint32_t)((uint32_t)last - line->revision);
}

/* The run that has the position; NULL: none has. */
struct td_run *td_runs_find(const struct td_runs *runs, uint64_t position);
/* The first run that has a position at or above this; NULL: none. */
struct td_run *td_runs_from(const struct td_runs *runs, uint64_t position);
/* The run before; NULL: it is the oldest. */
struct td_run *td_runs_older(const struct td_runs *runs, const struct td_run *run);
struct td_line *td_run_load(const struct td_run *run, size_t heap);
/* Valid until td_runs_trim(). */
static inline struct td_line *td_run_line(const struct td_run *run, uint64_t position)
{
	size_t i = (size_t)(position - run->base);
	struct td_line *heap = run->heaps[i / TD_LINES_HEAP];

	if (TD_UNLIKELY(heap == NULL))
		heap = td_run_load(run, i / TD_LINES_HEAP);
	return &heap[i % TD_LINES_HEAP];
}
/* Of a page: it differs from the catalog; it is as the catalog will be that is being written. */
enum { TD_PAGE_CHANGED = 1, TD_PAGE_COPIED = 2 };
/* A line is about to change: its page stays in memory. */
static inline void td_run_touch(struct td_run *run, uint64_t position)
{
	run->dirty[(position - run->base) / TD_LINES_HEAP] = TD_PAGE_CHANGED;
}
/* From now on its pages can be had from the catalog, which it takes. false: no memory. */
bool td_run_attach(struct td_runs *runs, struct td_run *run, struct td_catalog *catalog);
/*
 * A run that lies in its catalog, which it takes, with these logs. NULL: no memory. Its positions
 * are above all others.
 */
struct td_run *td_runs_restore(struct td_runs *runs, struct td_catalog *catalog,
	const struct td_run_log *logs, size_t count);
/* Give back pages that can be had again, the oldest runs' first, until no more than `max` bytes are
 * in use. */
void td_runs_trim(struct td_runs *runs, size_t max);
/* NULL: no run has it. */
struct td_line *td_runs_line(const struct td_runs *runs, uint64_t position);
static inline uint64_t td_run_location(const struct td_run *run, const struct td_line *line)
{
	return (uint64_t)run->number << 32 | line->offset;
}
/* The position of the event before this one in its subject; 0: none. */
uint64_t td_run_previous(const struct td_run *run, uint64_t position);
/* The position of a log's seq, or of the next above it that there is; 0: none, or a page lost. */
uint64_t td_runs_seq(const struct td_runs *runs, uint16_t log, uint64_t seq);
/* The tag of its next line that has none. false: no memory. */
bool td_run_tag(struct td_runs *runs, struct td_run *run, struct td_tag tag);
/* Take a run out and free it; all in it is gone. */
void td_runs_drop(struct td_runs *runs, struct td_run *run);
void td_runs_verify(const struct td_runs *runs);

#endif
