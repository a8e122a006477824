#include "journal/segment_format.h"

enum footer_at {
	F_PLACE = 8, /* the salt ^ the offset of the footer */
	F_NUMBER = 16,
	F_REWRITES = 20,
	F_BASE = 24,
	F_NEXT = 32,
	F_END = 40,
	F_FRAMES = 48,
	F_RECORDS = 56,
	F_MISSING = 64,
	F_TIME_FIRST = 72,
	F_TIME_LAST = 80,
	F_HASH = 88,
	F_CHAIN = 104,
	F_COUNT = 136,
	F_RESERVED = 140,
	F_REWRITINGS = 256,
};

/* i64 time, u32 rule, u32 zero, chain */
#define REWRITING_BYTES 48
#define REWRITINGS_END  (F_REWRITINGS + TD_REWRITINGS_MAX * REWRITING_BYTES)

void td_segment_footer_note(struct td_segment_footer *footer, uint32_t rule, int64_t time,
	const uint8_t chain[TD_CHAIN_BYTES])
{
	struct td_rewriting *at = footer->rewritings;

	TD_ASSERT(rule > 0 && time > 0);
	if (footer->rewriting_count == TD_REWRITINGS_MAX) {
		memmove(at + 1, at + 2, (TD_REWRITINGS_MAX - 2) * sizeof(*at));
		footer->rewriting_count--;
	}
	at += footer->rewriting_count++;
	*at = (struct td_rewriting){.time = time, .rule = rule};
	memcpy(at->chain, chain, TD_CHAIN_BYTES);
}

const uint8_t *td_segment_footer_chain(const struct td_segment_footer *footer)
{
	return footer->rewriting_count > 0 ? footer->rewritings[0].chain : footer->chain;
}

static uint64_t place_of(const struct td_segment_header *header)
{
	return header->salt ^ td_segment_frames_end(header->bytes);
}

/* What must be so of a footer, whoever made it. */
static enum td_flaw judge(
	const struct td_segment_footer *footer, const struct td_segment_header *header)
{
	uint32_t count = footer->rewriting_count;

	if (footer->end <= TD_FRAMES_FROM || footer->end % 8 != 0 ||
		footer->end > td_segment_frames_end(header->bytes))
		return TD_FLAW_BOUNDS;
	if (footer->next_position < header->base || footer->frames == 0)
		return TD_FLAW_FIELD;
	uint64_t positions = footer->next_position - header->base;
	if (footer->records > positions || footer->missing != positions - footer->records)
		return TD_FLAW_FIELD;
	if (footer->time_first <= 0 || footer->time_last < footer->time_first)
		return TD_FLAW_FIELD;
	if (count != (header->rewrites < TD_REWRITINGS_MAX ? header->rewrites : TD_REWRITINGS_MAX))
		return TD_FLAW_FIELD;
	for (uint32_t i = 0; i < count; i++)
		if (footer->rewritings[i].rule == 0 || footer->rewritings[i].time <= 0)
			return TD_FLAW_FIELD;
	return TD_FLAW_NONE;
}

void td_segment_footer_encode(const struct td_segment_footer *footer,
	const struct td_segment_header *header, uint8_t page[TD_PAGE_BYTES])
{
	uint8_t *at = page + F_REWRITINGS;

	TD_ASSERT(judge(footer, header) == TD_FLAW_NONE);
	memset(page, 0, TD_PAGE_BYTES);
	td_le64_put(page + F_PLACE, place_of(header));
	td_le32_put(page + F_NUMBER, header->number);
	td_le32_put(page + F_REWRITES, header->rewrites);
	td_le64_put(page + F_BASE, header->base);
	td_le64_put(page + F_NEXT, footer->next_position);
	td_le64_put(page + F_END, footer->end);
	td_le64_put(page + F_FRAMES, footer->frames);
	td_le64_put(page + F_RECORDS, footer->records);
	td_le64_put(page + F_MISSING, footer->missing);
	td_le64_put(page + F_TIME_FIRST, (uint64_t)footer->time_first);
	td_le64_put(page + F_TIME_LAST, (uint64_t)footer->time_last);
	td_le64_put(page + F_HASH, footer->hash.low);
	td_le64_put(page + F_HASH + 8, footer->hash.high);
	memcpy(page + F_CHAIN, footer->chain, TD_CHAIN_BYTES);
	td_le32_put(page + F_COUNT, footer->rewriting_count);
	for (uint32_t i = 0; i < footer->rewriting_count; i++, at += REWRITING_BYTES) {
		td_le64_put(at, (uint64_t)footer->rewritings[i].time);
		td_le32_put(at + 8, footer->rewritings[i].rule);
		memcpy(at + 16, footer->rewritings[i].chain, TD_CHAIN_BYTES);
	}
	td_page_seal(page, TD_FOOTER_MAGIC);
}

static bool is_in_place(const uint8_t *page, const struct td_segment_header *header)
{
	return td_le64_get(page + F_PLACE) == place_of(header) &&
	       td_le32_get(page + F_NUMBER) == header->number &&
	       td_le32_get(page + F_REWRITES) == header->rewrites &&
	       td_le64_get(page + F_BASE) == header->base;
}

/* false: what is reserved is not zero. */
static bool read_rewritings(
	const uint8_t *page, const struct td_features *features, struct td_segment_footer *footer)
{
	const uint8_t *at = page + F_REWRITINGS;

	for (uint32_t i = 0; i < footer->rewriting_count; i++, at += REWRITING_BYTES) {
		footer->rewritings[i].time = (int64_t)td_le64_get(at);
		footer->rewritings[i].rule = td_le32_get(at + 8);
		memcpy(footer->rewritings[i].chain, at + 16, TD_CHAIN_BYTES);
		if (td_le32_get(at + 12) != 0)
			return false;
	}
	return !td_features_all_known(features) ||
	       (td_page_zero(page, F_RESERVED, F_REWRITINGS) &&
		       td_page_zero(page, (size_t)(at - page), TD_PAGE_BYTES));
}

enum td_flaw td_segment_footer_decode(const void *bytes, size_t len,
	const struct td_segment_header *header, struct td_segment_footer *footer)
{
	const uint8_t *page = bytes;
	enum td_flaw flaw = td_page_check(bytes, len, TD_FOOTER_MAGIC);

	_Static_assert(REWRITINGS_END <= TD_PAGE_BYTES, "all rewritings have room");
	if (flaw != TD_FLAW_NONE)
		return flaw;
	if (!is_in_place(page, header))
		return TD_FLAW_PLACE;
	struct td_segment_footer found = {
		.next_position = td_le64_get(page + F_NEXT),
		.end = td_le64_get(page + F_END),
		.frames = td_le64_get(page + F_FRAMES),
		.records = td_le64_get(page + F_RECORDS),
		.missing = td_le64_get(page + F_MISSING),
		.time_first = (int64_t)td_le64_get(page + F_TIME_FIRST),
		.time_last = (int64_t)td_le64_get(page + F_TIME_LAST),
		.hash = {td_le64_get(page + F_HASH), td_le64_get(page + F_HASH + 8)},
		.rewriting_count = td_le32_get(page + F_COUNT),
	};
	memcpy(found.chain, page + F_CHAIN, TD_CHAIN_BYTES);
	if (found.rewriting_count > TD_REWRITINGS_MAX ||
		!read_rewritings(page, &header->features, &found))
		return TD_FLAW_FIELD;
	flaw = judge(&found, header);
	if (flaw == TD_FLAW_NONE)
		*footer = found;
	return flaw;
}
