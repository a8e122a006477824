/*
 * Exported heads against a journal: which of them are on its chain, and why the others are not.
 *
 *	positions   1 ........ 40 ........ 90 ........ 140 ........ 170
 *	            (dropped)  | sealed     | rewritten | sealed     |
 *	heads          ^gone        ^proven      ^rewritten    ^proven, or the history was changed
 *
 * A position may have several chain values: frames without records (marks, seals) stand at it, too.
 */
#ifndef TD_JOURNAL_HEADS_H
#define TD_JOURNAL_HEADS_H

#include "journal/head.h"

struct td_known_head {
	struct td_head head;
	bool proven; /* its value was met on the chain, at its position */
};

struct td_rewritten {
	uint64_t base, next;
	uint32_t rule;
};

struct td_heads {
	struct td_known_head *at; /* ascending by position */
	size_t count;
	struct td_rewritten *rewritten; /* segments, ascending */
	size_t rewritten_count, rewritten_cap;
};

/*
 * Lines of heads; empty lines and those that begin with '#' say nothing. `key`: who has to have signed
 * them; NULL: whoever each of them names. TD_E_FORMAT and TD_E_DAMAGED name the line.
 */
int td_heads_read(struct td_heads *heads, struct td_text lines,
	const uint8_t key[TD_HEAD_KEY_BYTES], struct td_error *err);
void td_heads_fini(struct td_heads *heads);
/* The chain has this value at this position. */
void td_heads_meet(struct td_heads *heads, uint64_t position, const uint8_t chain[TD_CHAIN_BYTES]);
/* A segment [base, next) was rewritten. They come in their order. TD_E_NOMEM. */
int td_heads_rewritten(
	struct td_heads *heads, uint64_t base, uint64_t next, uint32_t rule, struct td_error *err);
/* The rewritten segment in which this position lies, or at whose ends; NULL: none. */
const struct td_rewritten *td_heads_rewriting(const struct td_heads *heads, uint64_t position);

#endif
