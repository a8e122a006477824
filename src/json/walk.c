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

#define BLOCK_BYTES 64

#ifdef SCAN_SSE2

/* Spelt out, since compilers leave loops over it in memory. */
struct block {
	__m128i a, b, c, d;
};

static inline struct block load_block(const char *at)
{
	const __m128i *part = (const __m128i *)(const void *)at;

	return (struct block){_mm_loadu_si128(part), _mm_loadu_si128(part + 1),
		_mm_loadu_si128(part + 2), _mm_loadu_si128(part + 3)};
}

static inline uint64_t find_byte(struct block block, char byte, char ignore)
{
	__m128i all = _mm_set1_epi8(byte), mask = _mm_set1_epi8(ignore);

#define FIND(part) \
	(uint64_t)(unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(block.part, mask), all))
	return FIND(a) | FIND(b) << 16 | FIND(c) << 32 | FIND(d) << 48;
#undef FIND
}

#else

struct block {
	char bytes[BLOCK_BYTES];
};

static inline struct block load_block(const char *at)
{
	struct block block;

	memcpy(block.bytes, at, BLOCK_BYTES);
	return block;
}

/* Bit i: byte i is that one, but for the bits to ignore, which it has. */
static inline uint64_t find_byte(struct block block, char byte, char ignore)
{
	uint64_t found = 0;

	for (int i = 0; i < BLOCK_BYTES; i++)
		found |= (uint64_t)((block.bytes[i] | ignore) == byte) << i;
	return found;
}

#endif

/* Bit i: an odd number of bits is set up to and with i. */
static inline uint64_t parity_up_to(uint64_t bits)
{
	bits ^= bits << 1;
	bits ^= bits << 2;
	bits ^= bits << 4;
	bits ^= bits << 8;
	bits ^= bits << 16;
	return bits ^ bits << 32;
}

/* A walk over trusted text that counts brackets outside of strings. */
struct skip {
	size_t depth;
	bool string;  /* inside one */
	bool escaped; /* a backslash takes the next byte away */
};

/* BLOCK_BYTES at `at`: how many of them belong to the container; all, unless it ends there. */
static inline size_t skip_block(struct skip *skip, const char *at)
{
	struct block block = load_block(at);
	uint64_t taken = skip->escaped;
	uint64_t slashes = find_byte(block, '\\', 0) & ~taken;
	uint64_t outside, opens, closes;

	skip->escaped = false;
	while (slashes != 0) {
		uint64_t bit = slashes & -slashes;

		taken |= bit << 1;
		skip->escaped = bit >> 63;
		slashes &= ~(bit | bit << 1);
	}
	outside = parity_up_to(find_byte(block, '"', 0) & ~taken) ^ (skip->string ? 0 : UINT64_MAX);
	skip->string = !(outside >> 63);
	/* '[' and '{', and ']' and '}', differ in the bit 0x20 alone. */
	opens = find_byte(block, '{', 0x20) & outside;
	closes = find_byte(block, '}', 0x20) & outside;
	for (uint64_t brackets = opens | closes; brackets != 0; brackets &= brackets - 1) {
		if ((opens & brackets & -brackets) != 0)
			skip->depth++;
		else if (--skip->depth == 0)
			return (size_t)__builtin_ctzll(brackets) + 1;
	}
	return BLOCK_BYTES;
}

/* Behind the bracket that closes the trusted container at `at`. */
static const char *skip_container(const char *at, const char *end)
{
	struct skip skip = {0, false, false};
	char last[BLOCK_BYTES] = {0};

	while (end - at >= BLOCK_BYTES) {
		at += skip_block(&skip, at);
		if (skip.depth == 0)
			return at;
	}
	memcpy(last, at, (size_t)(end - at));
	at += skip_block(&skip, last);
	TD_ASSERT(skip.depth == 0); /* or what was trusted is not JSON */
	return at;
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
	default: /* a number or a literal; ']' and '}' differ in the bit 0x20 */
		while (at<end && * at> ' ' && *at != ',' && (*at | 0x20) != '}')
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
