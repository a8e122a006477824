#include "journal/heads.h"

#include <stdlib.h>

static int by_position(const void *a, const void *b)
{
	const struct td_known_head *x = a, *y = b;

	return (x->head.position > y->head.position) - (x->head.position < y->head.position);
}

/* The next line, without its end; false: none. */
static bool next_line(struct td_text *lines, struct td_text *line)
{
	const char *end;

	if (lines->len == 0)
		return false;
	end = memchr(lines->at, '\n', lines->len);
	line->at = lines->at;
	line->len = end != NULL ? (size_t)(end - lines->at) : lines->len;
	lines->len -= line->len + (end != NULL);
	lines->at += line->len + (end != NULL);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool says_nothing(struct td_text line)
{
	return line.len == 0 || line.at[0] == '#';
}

static size_t count_lines(struct td_text lines)
{
	struct td_text line;
	size_t count = 0;

	while (next_line(&lines, &line))
		count += !says_nothing(line);
	return count;
}

/* Who signed it, if nobody else is asked for: the key that it names. */
static int check_by_own(struct td_text line, struct td_head *head, struct td_error *err)
{
	uint8_t key[TD_HEAD_KEY_BYTES];
	int code = td_head_key(line, key, err);

	return code == 0 ? td_head_check(line, key, head, err) : code;
}

int td_heads_read(struct td_heads *heads, struct td_text lines,
	const uint8_t key[TD_HEAD_KEY_BYTES], struct td_error *err)
{
	size_t cap = count_lines(lines), number = 0;
	struct td_text line;
	int code = 0;

	*heads = (struct td_heads){.at = calloc(cap + 1, sizeof(*heads->at))};
	if (heads->at == NULL)
		return td_error_nomem(err);
	while (code == 0 && next_line(&lines, &line)) {
		struct td_head *head = &heads->at[heads->count].head;

		number++;
		if (says_nothing(line))
			continue;
		code = key != NULL ? td_head_check(line, key, head, err)
				   : check_by_own(line, head, err);
		heads->count += code == 0;
	}
	if (code != 0) {
		td_heads_fini(heads);
		return td_error_wrap(err, code, "heads: line %zu", number);
	}
	if (heads->count > 0)
		qsort(heads->at, heads->count, sizeof(*heads->at), by_position);
	return 0;
}

void td_heads_fini(struct td_heads *heads)
{
	free(heads->at);
	free(heads->rewritten);
	*heads = (struct td_heads){0};
}

void td_heads_meet(struct td_heads *heads, uint64_t position, const uint8_t chain[TD_CHAIN_BYTES])
{
	size_t low = 0, high = heads->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (heads->at[middle].head.position < position)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < heads->count && heads->at[low].head.position == position; low++) {
		if (memcmp(heads->at[low].head.chain, chain, TD_CHAIN_BYTES) == 0)
			heads->at[low].proven = true;
	}
}

int td_heads_rewritten(
	struct td_heads *heads, uint64_t base, uint64_t next, uint32_t rule, struct td_error *err)
{
	size_t cap = heads->rewritten_cap > 0 ? heads->rewritten_cap * 2 : 16;
	struct td_rewritten *grown;

	if (heads->rewritten_count == heads->rewritten_cap) {
		grown = realloc(heads->rewritten, cap * sizeof(*grown));
		if (grown == NULL)
			return td_error_nomem(err);
		heads->rewritten = grown;
		heads->rewritten_cap = cap;
	}
	heads->rewritten[heads->rewritten_count++] = (struct td_rewritten){base, next, rule};
	return 0;
}

const struct td_rewritten *td_heads_rewriting(const struct td_heads *heads, uint64_t position)
{
	size_t low = 0, high = heads->rewritten_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (heads->rewritten[middle].next < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low < heads->rewritten_count && heads->rewritten[low].base <= position
		       ? &heads->rewritten[low]
		       : NULL;
}
