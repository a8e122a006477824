#include "match/edge.h"

#define DOT ((uint64_t)'.')

/* 8 bytes, the first of them lowest. */
static inline uint64_t load_le64(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* The bytes from `start` on, zeros behind `limit`; start < limit, limit >= 8. */
static inline uint64_t load_from(const char *at, size_t start, size_t limit)
{
	size_t last = limit - sizeof(uint64_t);
	size_t from = start < last ? start : last;

	return load_le64(at + from) >> 8 * (start - from);
}

/* The high bit of the first byte that is a dot, and perhaps of some behind it; 0: none is. */
static inline uint64_t dots_in(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t x = word ^ ones * DOT;

	return (x - ones) & ~x & ones << 7;
}

static inline void edge_short(struct td_edge *edge, uint64_t word, struct td_salt salt)
{
	edge->word = word;
	edge->hash = td_edge_hash_word(word, salt);
}

/* The token of 8 bytes or more that starts there; returns its length. */
static __attribute__((noinline)) size_t edge_long(
	struct td_edge *edge, const char *at, size_t rest, struct td_salt salt)
{
	const char *dot = memchr(at, '.', rest);
	size_t len = dot != NULL ? (size_t)(dot - at) : rest;

	edge->word = TD_EDGE_LONG;
	edge->text = td_text_of(at, len);
	edge->hash = td_edge_hash_text(edge->text, edge->word, salt);
	return len;
}

size_t td_edges_scan(struct td_edge *edges, struct td_text address, struct td_salt salt)
{
	char padded[sizeof(uint64_t)] = {0};
	const char *at = address.at;
	size_t limit = address.len, start = 0, count = 0;

	if (address.len == 0 || address.len > TD_ADDRESS_BYTES_MAX)
		return 0;
	if (address.len < sizeof(padded)) {
		memcpy(padded, address.at, address.len);
		at = padded;
		limit = sizeof(padded);
	}
	while (start < address.len) {
		uint64_t word = load_from(at, start, limit);
		uint64_t dots = dots_in(word);
		size_t rest = address.len - start, len;

		if (TD_LIKELY(dots != 0)) {
			len = (size_t)__builtin_ctzll(dots) / 8;
			if (len == 0)
				return 0;
			edge_short(&edges[count++], word & (dots ^ (dots - 1)), salt);
		} else if (rest <= TD_EDGE_SHORT_BYTES) {
			edge_short(&edges[count++], word | DOT << 8 * rest, salt);
			return count;
		} else {
			len = edge_long(&edges[count++], at + start, rest, salt);
			if (len == rest)
				return count;
		}
		start += len + 1;
	}
	return 0; /* a dot was the last */
}

size_t td_edges_scan_pattern(struct td_edge *edges, struct td_text pattern, struct td_salt salt)
{
	const uint64_t star = TD_EDGE_STAR | DOT << 8, tail = TD_EDGE_TAIL | DOT << 8;
	size_t count = td_edges_scan(edges, pattern, salt);

	for (size_t i = 0; i < count; i++) {
		if (edges[i].word == star)
			edges[i] = td_edge_wildcard(TD_EDGE_STAR, salt);
	}
	if (count > 0 && edges[count - 1].word == tail)
		edges[count - 1] = td_edge_wildcard(TD_EDGE_TAIL, salt);
	return count;
}

struct td_edge td_edge_type(struct td_text type, struct td_salt salt)
{
	struct td_edge edge = {0, TD_EDGE_TYPE, type};

	if (type.len > TD_EDGE_SHORT_BYTES) {
		edge.word |= TD_EDGE_LONG;
		edge.hash = td_edge_hash_text(type, edge.word, salt);
		return edge;
	}
	edge.word |= DOT << 8 * type.len;
	for (size_t i = 0; i < type.len; i++)
		edge.word |= (uint64_t)(unsigned char)type.at[i] << 8 * i;
	edge.hash = td_edge_hash_word(edge.word, salt);
	return edge;
}
