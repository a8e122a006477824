/*
 * match: who is interested.
 *
 * Three things, each usable alone: the *trie* finds the interests whose pattern and type fit an
 * address; a *filter* looks at the attributes of those few; *select* builds the smaller event.
 */
#ifndef TD_MATCH_H
#define TD_MATCH_H

#include "event/event.h"

/* --- the trie ----------------------------------------------------------------------------- */

/*
 * Patterns of NATS subjects ("*" one token, ">" one or more, last), each with an optional type and
 * a caller's pointer. One writer at a time (the caller's lock); readers run beside it, on any
 * thread, without a lock and without waiting. Memory that readers may still look at is kept
 * in limbo until the caller says that it is not (td_trie_limbo_take).
 *
 *	root -- "order" -- "*"  -- "paid"      node: literal edges (hashed), "*", ">"
 *	                \- ">"                 leaf: interests by type; those for any type apart
 *
 * A lookup costs by tokens and by what it finds, not by how many interests there are: a thousand
 * that differ only in type cost no more than one. Its worst case is told in trie_match.c.
 *
 * An address is malformed here if a token is empty or it is longer than TD_ADDRESS_BYTES_MAX; other
 * bytes are td_address_check()'s to judge. A token "*" or ">" in an address is a token like others:
 * only wildcards fit it.
 */
struct td_trie;

/* The seed is secret: who knows it can make patterns that are refused. NULL: no memory. */
struct td_trie *td_trie_new(uint64_t seed);
void td_trie_free(struct td_trie *trie); /* limbo too; no reader may be left */

/*
 * Add `interest` (not NULL) for pattern and type (absent: any type). The same triple twice is
 * TD_E_EXISTS. Errors: TD_E_SUBJECT, TD_E_NOMEM, TD_E_LIMIT (its 64-bit hash is another's; where a
 * million patterns are, one in 10^13 meets that), and nothing is changed.
 */
int td_trie_add(struct td_trie *trie, struct td_text pattern, struct td_text type, void *interest,
	struct td_error *err);
/*
 * false if it was not there. Never fails for want of memory. A reader that is at it may still find
 * the interest: keep it, like limbo, until those are done.
 */
bool td_trie_remove(
	struct td_trie *trie, struct td_text pattern, struct td_text type, void *interest);
/*
 * Call `found` for each interest that fits; those of one pattern and type in the order of adding,
 * and else in no stated order. Returns how many. An address that is malformed fits nothing. `found`
 * may be NULL: count only. One that was there during the whole call is found once; what is added or
 * removed meanwhile is found or not.
 */
size_t td_trie_match(const struct td_trie *trie, struct td_text address, struct td_text type,
	void (*found)(void *arg, void *interest), void *arg);
size_t td_trie_count(const struct td_trie *trie); /* interests; any thread */
size_t td_trie_bytes(const struct td_trie *trie); /* memory in use, limbo included; any thread */
void td_trie_verify(const struct td_trie *trie);  /* asserts every invariant; the writer */

/*
 * Memory unlinked so far, as a list; NULL: none. It may be freed when all readers that are at it
 * now are done. It no longer counts in td_trie_bytes().
 */
struct td_trie_limbo;
struct td_trie_limbo *td_trie_limbo_take(struct td_trie *trie);
void td_trie_limbo_free(struct td_trie_limbo *limbo);

/* The naive question, used by tests and for single patterns. A malformed pattern fits nothing. */
bool td_pattern_matches(struct td_text pattern, struct td_text address);
/*
 * Whether some address fits both, and whether all that fit `inner` fit `outer`. The limit of an
 * address' length is not considered. false if one is malformed.
 */
bool td_pattern_overlaps(struct td_text a, struct td_text b);
bool td_pattern_contains(struct td_text outer, struct td_text inner);

/* --- filters ------------------------------------------------------------------------------ */

/*
 * A filter is parsed once and evaluated often: no allocation for the common case, bounded steps and
 * memory always. Threads may share one. Data is never looked at, attributes only.
 */
struct td_filter;

#define TD_FILTER_BYTES_MAX      8192u         /* text of an expression */
#define TD_FILTER_JSON_BYTES_MAX (64u * 1024u) /* dialects as JSON */
#define TD_FILTER_STEPS_MAX      10000u /* evaluation steps; beyond: does not pass, "limit" */

/* CESQL 1.0 (cloudevents/spec cesql/spec.md). TD_E_FILTER with offset and what was expected. */
int td_filter_sql(struct td_filter **filter, struct td_text expression, struct td_error *err);
/*
 * The dialects exact prefix suffix all any not sql, as JSON: one filter object, or an array of
 * them that must all pass. TD_E_FILTER (unknown dialect, empty value ...), TD_E_JSON.
 */
int td_filter_dialects(struct td_filter **filter, struct td_text json, struct td_error *err);
void td_filter_free(struct td_filter *filter);
/*
 * Append the filter as text: an expression, or JSON, as it was understood. Parsing that gives the
 * same filter.
 */
void td_filter_dump(const struct td_filter *filter, struct td_buf *buf);
/* Whether the event passes: Boolean true and no error. */
bool td_filter_passes(const struct td_filter *filter, const struct td_event *event);

/* What an expression evaluates to; for tests and `tidings explain`. */
enum td_sql_type { TD_SQL_BOOLEAN, TD_SQL_INTEGER, TD_SQL_STRING };
enum td_sql_error { /* a set */
	TD_SQL_MATH = 1,
	TD_SQL_CAST = 2,
	TD_SQL_MISSING_ATTRIBUTE = 4,
	TD_SQL_MISSING_FUNCTION = 8,
	TD_SQL_FUNCTION_EVALUATION = 16,
	TD_SQL_GENERIC = 32,
	TD_SQL_LIMIT = 64,
};
struct td_sql_value {
	enum td_sql_type type;
	bool boolean;
	int32_t integer;
	struct td_text string; /* lives in the arena, the event or the filter */
	unsigned errors;       /* set of enum td_sql_error */
};
/* Only for a filter made by td_filter_sql(). The arena takes strings that had to be made. */
struct td_sql_value td_filter_evaluate(
	const struct td_filter *filter, const struct td_event *event, struct td_arena *arena);

/* --- select ------------------------------------------------------------------------------- */

/*
 * The fields wanted: JSON Pointers into the data ("/total", "" for all of it) and attribute names
 * ("time"). The smaller event keeps id, source, type, subject, specversion, correlationid and
 * causationid always, other attributes only as named. Of the data it keeps what is pointed to, in
 * its place and order (of an array the chosen elements), built from slices: number text and inner
 * bytes stay. Overlapping pointers: the wider counts. Of an object or array in which nothing is
 * found an empty one is left. If no pointer is given, or the data is not JSON, it goes away.
 */
struct td_select;
/* TD_E_POINTER names the field; at most 256 fields of 1,024 bytes. TD_E_NOMEM. */
int td_select_new(
	struct td_select **select, const char *const *fields, size_t count, struct td_error *err);
void td_select_free(struct td_select *select);
/*
 * A kept event. TD_E_NOMEM; TD_E_JSON if the data claims to be JSON and is not; TD_E_DATA if that
 * of a typed event cannot be encoded. Threads may share a selection.
 */
int td_select_apply(const struct td_select *select, const struct td_event *event,
	struct td_event **out, struct td_error *err);

#endif
