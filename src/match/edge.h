/*
 * The tokens of an address or a pattern, each as the trie knows it: a word and a hash.
 *
 *	short   up to 7 bytes, and a dot behind them, the first byte lowest: "m9." is 0x2E396D
 *	long    LONG; in a slot with the address of its struct td_token
 *
 * So a word is cut out of the address with its dot, and two short tokens are the same exactly if
 * their words are. The highest byte is 0 or a dot: its other bits tell a type from a token, and
 * what the edge hangs on (`under`, table.h). The hash is drawn from the word (or the bytes, if
 * long) and the trie's salt alone, so that it can be had again from what a slot holds.
 */
#ifndef TD_MATCH_EDGE_H
#define TD_MATCH_EDGE_H

#include "match/limbo.h"

/* Tokens of the longest address, and one more for the type. */
#define TD_EDGES_MAX ((TD_ADDRESS_BYTES_MAX + 1) / 2 + 1)

#define TD_EDGE_SHORT_BYTES 7u
#define TD_EDGE_LONG        (UINT64_C(0x80) << 56)
#define TD_EDGE_TYPE        (UINT64_C(0x40) << 56)
#define TD_EDGE_UNDER_STAR  (UINT64_C(0x10) << 56)
#define TD_EDGE_UNDER_TAIL  (UINT64_C(0x01) << 56)
#define TD_EDGE_UNDER_MASK  (TD_EDGE_UNDER_STAR | TD_EDGE_UNDER_TAIL)
/* The wildcards have no dot behind them, as no token has. */
#define TD_EDGE_STAR UINT64_C(0x2A)
#define TD_EDGE_TAIL UINT64_C(0x3E)

struct td_edge {
	uint64_t hash;
	uint64_t word;       /* without `under` */
	struct td_text text; /* only if long; borrowed */
};

/* A long token, kept by the trie. */
struct td_token {
	struct td_trie_limbo head;
	uint64_t word; /* LONG, TYPE, UNDER_... */
	size_t len;
	char bytes[];
};

/* What the hashes of a trie depend on. Both secret: strangers choose the tokens. */
struct td_salt {
	uint64_t mask, odd;
};

static inline struct td_salt td_salt_of(uint64_t seed)
{
	struct td_salt salt = {td_hash_u64(seed), td_hash_u64(~seed) | 1};

	return salt;
}

/* A bijection: two short tokens never share a hash. */
static inline uint64_t td_edge_hash_word(uint64_t word, struct td_salt salt)
{
	uint64_t hash = (word ^ salt.mask) * salt.odd;

	return hash ^ hash >> 32;
}

/* `word` tells tokens from types. */
static inline uint64_t td_edge_hash_text(struct td_text text, uint64_t word, struct td_salt salt)
{
	return td_hash(text.at, text.len, salt.mask ^ word);
}

static inline struct td_edge td_edge_wildcard(uint64_t word, struct td_salt salt)
{
	struct td_edge edge = {td_edge_hash_word(word, salt), word, {NULL, 0}};

	return edge;
}

/*
 * Cut an address into its tokens. Returns how many there are, 0 if it is malformed: a token is
 * empty, or it is longer than TD_ADDRESS_BYTES_MAX. Needs room for (address.len + 1) / 2.
 */
size_t td_edges_scan(struct td_edge *edges, struct td_text address, struct td_salt salt);
/* The same for a pattern: "*", and ">" as the last, become wildcards. Needs TD_EDGES_MAX. */
size_t td_edges_scan_pattern(struct td_edge *edges, struct td_text pattern, struct td_salt salt);
/* The edge of a type. */
struct td_edge td_edge_type(struct td_text type, struct td_salt salt);

#endif
