#include "json/json.h"

#include "json/scan.h"

static enum td_json_kind kind_of(char first)
{
	switch (first) {
	case '{':
		return TD_JSON_OBJECT;
	case '[':
		return TD_JSON_ARRAY;
	case '"':
		return TD_JSON_STRING;
	case 't':
		return TD_JSON_TRUE;
	case 'f':
		return TD_JSON_FALSE;
	case 'n':
		return TD_JSON_NULL;
	default:
		return TD_JSON_NUMBER;
	}
}

struct td_json td_json_trusted(struct td_text text)
{
	const char *at = text.at, *end;

	if (text.len == 0)
		return (struct td_json){TD_JSON_NONE, {NULL, 0}};
	end = at + text.len;
	at = scan_blanks(at, end);
	while (end > at && scan_is_blank(end[-1]))
		end--;
	TD_ASSERT(at < end);
	return (struct td_json){kind_of(*at), td_text_of(at, (size_t)(end - at))};
}

#ifdef __SSE2__

struct block {
	uint64_t quotes, slashes, opens, closes; /* bit i: byte i */
};

static inline uint64_t bits_of(const __m128i part[4])
{
	uint64_t bits = 0;

	for (int i = 0; i < 4; i++)
		bits |= (uint64_t)(unsigned)_mm_movemask_epi8(part[i]) << (16 * i);
	return bits;
}

static inline struct block block_of(const char *at)
{
	__m128i quotes[4], slashes[4], opens[4], closes[4];

	for (int i = 0; i < 4; i++) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
		/* '[' and '{', and ']' and '}', differ in the bit 0x20 alone. */
		__m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));

		quotes[i] = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
		slashes[i] = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
		opens[i] = _mm_cmpeq_epi8(lower, _mm_set1_epi8('{'));
		closes[i] = _mm_cmpeq_epi8(lower, _mm_set1_epi8('}'));
	}
	return (struct block){bits_of(quotes), bits_of(slashes), bits_of(opens), bits_of(closes)};
}

/* For each bit, whether an odd number of bits is set up to and with it. */
static inline uint64_t parity_up_to(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

#endif

/* A walk over trusted text that counts brackets outside of strings. */
struct skip {
	size_t depth;
	bool string;  /* inside one */
	bool escaped; /* a backslash takes the next byte away */
};

#ifdef __SSE2__

/* 64 bytes; true if the depth came to 0 there, with *at behind that bracket. */
static inline bool skip_block(struct skip *skip, const char **at)
{
	struct block block = block_of(*at);
	uint64_t taken = skip->escaped;
	uint64_t slashes = block.slashes & ~taken;
	uint64_t inside, opens, closes;

	skip->escaped = false;
	while (slashes != 0) {
		uint64_t bit = slashes & -slashes;

		taken |= bit << 1;
		skip->escaped = bit >> 63;
		slashes &= ~(bit | bit << 1);
	}
	inside = parity_up_to(block.quotes & ~taken) ^ (skip->string ? UINT64_MAX : 0);
	skip->string = inside >> 63;
	opens = block.opens & ~inside;
	closes = block.closes & ~inside;
	for (uint64_t brackets = opens | closes; brackets != 0; brackets &= brackets - 1) {
		if ((opens & brackets & -brackets) != 0) {
			skip->depth++;
		} else if (--skip->depth == 0) {
			*at += __builtin_ctzll(brackets) + 1;
			return true;
		}
	}
	*at += 64;
	return false;
}

#endif

/* Behind the bracket that closes the trusted container at `at`. */
static const char *skip_container(const char *at, const char *end)
{
	struct skip skip = {0, false, false};

#ifdef __SSE2__
	while (end - at >= 64)
		if (skip_block(&skip, &at))
			return at;
#endif
	for (; at < end; at++) {
		if (skip.escaped) {
			skip.escaped = false;
		} else if (skip.string) {
			skip.escaped = *at == '\\';
			skip.string = *at != '"';
		} else if (*at == '"') {
			skip.string = true;
		} else if (*at == '{' || *at == '[') {
			skip.depth++;
		} else if ((*at == '}' || *at == ']') && --skip.depth == 0) {
			return at + 1;
		}
	}
	TD_UNREACHABLE(); /* what was trusted is not JSON */
}

/* Behind the trusted value at `at`. */
static const char *skip_value(const char *at, const char *end)
{
	switch (*at) {
	case '{':
	case '[':
		return skip_container(at, end);
	case '"':
		return scan_string_end(at + 1, end);
	default: /* a number or a literal */
		while (at < end && *at != ',' && *at != '}' && *at != ']' && !scan_is_blank(*at))
			at++;
		return at;
	}
}

static struct td_json take_value(struct td_json_iter *iter)
{
	const char *at = iter->at;

	iter->at = skip_value(at, iter->end);
	return (struct td_json){kind_of(*at), td_text_of(at, (size_t)(iter->at - at))};
}

struct td_json_iter td_json_iterate(struct td_json container)
{
	const char *at = container.text.at;
	bool object = container.kind == TD_JSON_OBJECT;

	if (!object && container.kind != TD_JSON_ARRAY)
		return (struct td_json_iter){NULL, NULL, false};
	return (struct td_json_iter){at + 1, at + container.text.len - 1, object};
}

bool td_json_next(struct td_json_iter *iter, struct td_json *name, struct td_json *value)
{
	struct td_json found = {TD_JSON_NONE, {NULL, 0}};

	iter->at = scan_blanks(iter->at, iter->end);
	if (iter->at == iter->end)
		return false;
	if (*iter->at == ',')
		iter->at = scan_blanks(iter->at + 1, iter->end);
	if (iter->object) {
		found = take_value(iter);
		iter->at = scan_blanks(iter->at, iter->end) + 1; /* the colon */
		iter->at = scan_blanks(iter->at, iter->end);
	}
	if (name != NULL)
		*name = found;
	found = take_value(iter);
	if (value != NULL)
		*value = found;
	return true;
}

size_t td_json_count(struct td_json container)
{
	struct td_json_iter iter = td_json_iterate(container);
	size_t count = 0;

	while (td_json_next(&iter, NULL, NULL))
		count++;
	return count;
}

struct td_json td_json_get(struct td_json object, struct td_text name)
{
	struct td_json found = {TD_JSON_NONE, {NULL, 0}}, member, value;
	struct td_json_iter iter;

	if (object.kind != TD_JSON_OBJECT)
		return found;
	iter = td_json_iterate(object);
	while (td_json_next(&iter, &member, &value))
		if (td_json_string_is(member, name))
			found = value;
	return found;
}
