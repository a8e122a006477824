/*
 * recent: what was seen lately, by a hash of its name, in memory that does not grow.
 *
 *	generation   slots  | . | 3 | . | 1 | 2 | . |      number of the entry + 1, and 15 bits of the hash
 *	             entries| 1 | 2 | 3 | - - - - - |      in the order in which they came
 *
 * Entries are added to the newest generation; when that is full the oldest is emptied and is the
 * newest. So nothing is ever taken out singly, adding stays within a few pages, and most looks end
 * in the first table. A generation is allocated when the first entry comes to it.
 */
#ifndef TD_FLOW_RECENT_H
#define TD_FLOW_RECENT_H

#include "base/base.h"
#include "tidings/event.h"

/* An event as a cause. */
struct td_flow_seen {
	td_time time;
	uint32_t had;           /* which effects it had: a bit for each edge of its type */
	uint16_t type, version; /* place of its type; another type stands there if that is not the
				   type's version */
};

struct td_generation {
	uint32_t *slots; /* NULL: not allocated */
	char *entries;   /* each begins with its hash, uint64_t */
	uint64_t first;  /* number of its first entry */
	uint32_t count;
};

struct td_generations {
	struct td_generation *at;
	size_t count, newest;
	uint64_t added; /* entries are numbered as they come, from 0 */
	size_t entry_bytes;
	uint32_t entries_max, mask; /* of one generation */
};

/* `count` generations of `entries_max` each. false: no memory. */
bool td_generations_init(
	struct td_generations *generations, size_t count, uint32_t entries_max, size_t entry_bytes);
void td_generations_fini(struct td_generations *generations);
size_t td_generations_bytes(const struct td_generations *generations);
/* The newest entry of a hash, and its number; NULL: none. */
void *td_generations_find(
	const struct td_generations *generations, uint64_t hash, uint64_t *number);
/* A new entry, zero but for its hash, found from now on instead of older ones. NULL: no memory. */
void *td_generations_add(struct td_generations *generations, uint64_t hash);

/* --- ids ---------------------------------------------------------------------------------- */

/* The last `max` ids, exactly. */
struct td_recent_entry {
	uint64_t hash;
	struct td_flow_seen seen;
};
struct td_recent {
	struct td_generations generations;
	uint64_t max;
};

bool td_recent_init(struct td_recent *recent, uint32_t max);
void td_recent_fini(struct td_recent *recent);
/* NULL: it is not among the last `max` that were added. */
struct td_flow_seen *td_recent_find(const struct td_recent *recent, uint64_t hash);
struct td_flow_seen *td_recent_add(struct td_recent *recent, uint64_t hash);

/* --- traces ------------------------------------------------------------------------------- */

/*
 * Of a trace, its latest span and the event before that: for clients that say of their events only
 * to which trace they belong. What a span sends is taken to be caused by the newest event that
 * another span sent before.
 */
struct td_trace_entry {
	uint64_t hash, span;
	struct td_flow_seen latest; /* of `span` */
	struct td_flow_seen cause;  /* of the span before, if `caused` */
	bool caused;
};
struct td_traces {
	struct td_generations generations;
};

bool td_traces_init(struct td_traces *traces, uint32_t max);
void td_traces_fini(struct td_traces *traces);
/*
 * An event of this trace and span is seen. Its entry, with `cause` what came before it; whoever asks
 * sets `latest` afterwards. NULL: no memory.
 */
struct td_trace_entry *td_traces_step(struct td_traces *traces, uint64_t hash, uint64_t span);

#endif
