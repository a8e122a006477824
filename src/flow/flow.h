/*
 * flow: who causes what.
 *
 *	                          .-- recent: id -> type, time        (the last 2^20)
 *	stored events --note----->|
 *	(a tap of the store)      '-- map: types, edges, panes of time ----map----> JSON, Mermaid, DOT, text
 *
 *	store: correlation -> positions --------------------------------story---> the same
 *
 * The *map* says which types cause which, how often and how long after, over a window of at most an
 * hour; it is learned from every stored event in bounded memory. A *story* is read from the store
 * when somebody asks: all events of one correlation, as a tree by what caused them.
 *
 * A td_flow has one owner, the store's. Stories are read by any thread. Writers are pure: the same
 * map gives the same bytes. Neither clock nor randomness is read: the time of an event is what was
 * recorded, "now" is given, and the seed only keeps strangers from choosing collisions. So the same
 * events give the same map.
 */
#ifndef TD_FLOW_H
#define TD_FLOW_H

#include "store/store.h"

/* --- learning ----------------------------------------------------------------------------- */

#define TD_FLOW_TYPES_MAX  4096u
#define TD_FLOW_EDGES_MAX  16384u
#define TD_FLOW_RECENT_MAX (1u << 20) /* ids among which a cause is looked for */
#define TD_FLOW_NAME_MAX   1024u      /* bytes; a longer type counts as "other" */
#define TD_FLOW_NAMES_MAX  (1u << 20) /* bytes of all names */

struct td_flow;

struct td_flow_options {
	uint64_t seed; /* of hashes, drawn by the place */
	/* 0, and what is above: the maxima above. Tests set less. */
	uint32_t types_max, edges_max, recent_max;
	uint64_t stored_bytes_max; /* that td_flow_attach() reads, about; 0: 64 MiB */
};

/* TD_E_NOMEM. Memory is taken as it is needed. */
int td_flow_new(struct td_flow **flow, const struct td_flow_options *options, struct td_error *err);
void td_flow_free(struct td_flow *flow); /* NULL is fine */

/*
 * The tap to open a store with; the flow must live as long as the store. What it hears before
 * td_flow_attach() counts, but for ids that only the store knows.
 */
struct td_tap td_flow_tap(struct td_flow *flow);
/*
 * Say which store the tap belongs to: `$tidings` is left out, and an event stored without an id is
 * known as "<log>-<seq>". Then what is stored is read, the newest `events_max` of it (0: none; at
 * most what recent ids there are, and what options.stored_bytes_max allows by the size of the
 * store's events), so that a map is there at once. Blocks. An event that was noted
 * already is not noted again. What is damaged is counted as lost. TD_E_NOMEM, TD_E_DISK.
 */
int td_flow_attach(
	struct td_flow *flow, struct td_store *store, uint64_t events_max, struct td_error *err);
/* One stored event; positions ascend, one at or below the last is passed over. Cannot fail: without
 * memory it counts as "other", and its id is not remembered. */
void td_flow_note(struct td_flow *flow, const struct td_stored *stored);
/* Bytes of memory it holds. */
size_t td_flow_bytes(const struct td_flow *flow);
void td_flow_verify(const struct td_flow *flow);

/* --- the map ------------------------------------------------------------------------------ */

#define TD_FLOW_WINDOW_MIN_MS     10000
#define TD_FLOW_WINDOW_MAX_MS     3600000
#define TD_FLOW_WINDOW_DEFAULT_MS 900000
#define TD_FLOW_LATEST            8u

enum td_flow_kind {
	TD_FLOW_EVENT,
	TD_FLOW_COMMAND,
	TD_FLOW_QUERY,
	TD_FLOW_REPLY,
	TD_FLOW_OTHER, /* types beyond the maximum, together */
	TD_FLOW_OLDER, /* causes that are not among the recent ids: before them, or elsewhere */
};

struct td_flow_type {
	struct td_text name; /* "other", "older cause" for the last two kinds */
	enum td_flow_kind kind;
	uint64_t count; /* in the window */
	uint64_t roots; /* of these, without a cause */
	td_time last;
};

struct td_flow_edge {
	uint32_t from, to; /* places in `types` */
	bool traced;       /* by the trace alone: it came after, in another span */
	uint64_t count;    /* in the window: events of `to` that have this cause */
	uint64_t causes;   /* events of `from` that had at least one such effect */
	double share;      /* causes by events of `from` in the window, at most 1; of "older": 0 */
	/* Recorded time of effect less that of cause, in us; -1: not known ("older"). */
	int64_t p50_us, p90_us, p99_us;
	td_time last;
	uint64_t latest[TD_FLOW_LATEST]; /* positions of its newest events, newest first; 0: none */
};

/* What is in the window; types and edges in the order in which they were first seen. */
struct td_flow_map {
	td_time from,
		to; /* what the window covers in fact: asked for and up to a pane more, or since
			     the first event was seen */
	int64_t window_ms; /* as asked */
	uint64_t events;
	uint64_t lost;     /* records that could not be read, ever */
	uint64_t position; /* of the newest event noted */
	struct td_flow_type *types;
	size_t types_count;
	struct td_flow_edge *edges;
	size_t edges_count;
	struct td_arena names;
};

/* The window is brought between its bounds; 0: the default. End it with td_flow_map_fini(). */
int td_flow_map_read(struct td_flow_map *map, const struct td_flow *flow, td_time now,
	int64_t window_ms, struct td_error *err);
void td_flow_map_fini(struct td_flow_map *map);

/* --- stories ------------------------------------------------------------------------------ */

#define TD_STORY_PAGE_DEFAULT 1000u
#define TD_STORY_PAGE_MAX     10000u

enum td_story_cause {
	TD_STORY_ROOT,      /* it has no cause */
	TD_STORY_CAUSED,    /* `parent` is its cause */
	TD_STORY_MISSING,   /* its cause is not here: in another story, removed, or never stored */
	TD_STORY_ELSEWHERE, /* its cause is not on this page, and may be on one before */
	TD_STORY_CYCLE, /* its causes lead back to itself; shown here, as the earliest of them */
};

#define TD_STORY_NONE UINT32_MAX

struct td_story_event {
	uint64_t position, seq, revision;
	uint32_t log;           /* its number */
	uint32_t parent, depth; /* parent: place in the page's events, or TD_STORY_NONE */
	enum td_story_cause cause;
	enum td_flow_kind kind;
	td_time time;                                                  /* recorded */
	struct td_text log_name, id, source, type, subject, causation; /* causation may be absent */
	uint64_t data_bytes;
};

/* In the order of the tree: an event, then what it caused, each by position. */
struct td_story {
	struct td_text correlation;
	struct td_story_event *events;
	size_t count;
	uint64_t next;    /* where the next page begins; 0: this is the last */
	bool first;       /* nothing of the story lies before this page */
	uint64_t damaged; /* records that could not be read, on this page */
	struct td_arena texts;
};

/* Zero: the first page, of the default size, for somebody who may see everything. */
struct td_story_options {
	uint64_t from; /* a position: `next` of the page before */
	uint32_t max;  /* events */
	/* Whether events of this address may be shown; NULL: all may. From any thread. */
	bool (*may)(void *arg, struct td_text address);
	void *arg;
};
/*
 * A page of a story. Any thread; blocks. A story that nobody knows has no events. What was removed,
 * is damaged or may not be shown is not there, so its effects miss their cause. TD_E_NOMEM,
 * TD_E_DISK. End it with td_story_fini().
 */
int td_story_read(struct td_story *story, struct td_store *store, struct td_text correlation,
	const struct td_story_options *options, struct td_error *err);
void td_story_fini(struct td_story *story);

/* --- writers ------------------------------------------------------------------------------ */

/*
 * Appended; failures stay in the buffer. Names are strangers' words: in each format they are
 * escaped so that they stay names.
 *
 *	json      what HTTP answers (doc/flow.md); positions also as strings
 *	mermaid   flowchart, for documents and pull requests
 *	dot       Graphviz
 *	text      for terminals: no control byte, nothing that turns the direction of writing
 */
enum td_flow_format { TD_FLOW_JSON, TD_FLOW_MERMAID, TD_FLOW_DOT, TD_FLOW_TEXT };

/* By its name in a URL; false: none is called so. */
bool td_flow_format_find(struct td_text name, enum td_flow_format *format);
const char *td_flow_format_media(enum td_flow_format format);

void td_flow_map_write(
	const struct td_flow_map *map, enum td_flow_format format, struct td_buf *buf);
void td_story_write(const struct td_story *story, enum td_flow_format format, struct td_buf *buf);

#endif
