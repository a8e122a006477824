#include "journal/segment_format.h"

#include <stdio.h>

void td_segment_name(char name[TD_SEGMENT_NAME_BYTES], uint64_t base)
{
	snprintf(name, TD_SEGMENT_NAME_BYTES, "seg-%016llx.log", (unsigned long long)base);
}

uint64_t td_segment_base(const char *name)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t base = 0;

	if (strlen(name) != 24 || memcmp(name, "seg-", 4) != 0 || memcmp(name + 20, ".log", 4) != 0)
		return 0;
	for (const char *at = name + 4; at < name + 20; at++) {
		const char *digit = strchr(digits, *at);

		if (digit == NULL)
			return 0;
		base = base << 4 | (uint64_t)(digit - digits);
	}
	return base;
}

/* Behind the features. */
enum header_at {
	H_STORE = 40,
	H_BASE = 56,
	H_SALT = 64,
	H_NUMBER = 72,
	H_REWRITES = 76,
	H_BYTES = 80,
	H_TIME = 88,
	H_CHAIN = 96,
	H_RESERVED = 128,
};

void td_segment_header_encode(const struct td_segment_header *header, uint8_t page[TD_PAGE_BYTES])
{
	memset(page, 0, TD_PAGE_BYTES);
	td_page_put_features(page, &header->features);
	memcpy(page + H_STORE, header->store, TD_STORE_BYTES);
	td_le64_put(page + H_BASE, header->base);
	td_le64_put(page + H_SALT, header->salt);
	td_le32_put(page + H_NUMBER, header->number);
	td_le32_put(page + H_REWRITES, header->rewrites);
	td_le64_put(page + H_BYTES, header->bytes);
	td_le64_put(page + H_TIME, (uint64_t)header->time);
	memcpy(page + H_CHAIN, header->chain, TD_CHAIN_BYTES);
	td_page_seal(page, TD_SEGMENT_MAGIC);
}

enum td_flaw td_segment_header_decode(
	const void *bytes, size_t len, struct td_segment_header *header)
{
	const uint8_t *page = bytes;
	enum td_flaw flaw = td_page_check(bytes, len, TD_SEGMENT_MAGIC);

	if (flaw != TD_FLAW_NONE)
		return flaw;
	flaw = td_page_get_features(page, &header->features);
	if (flaw != TD_FLAW_NONE)
		return flaw;
	struct td_segment_header found = {
		.features = header->features,
		.base = td_le64_get(page + H_BASE),
		.salt = td_le64_get(page + H_SALT),
		.number = td_le32_get(page + H_NUMBER),
		.rewrites = td_le32_get(page + H_REWRITES),
		.bytes = td_le64_get(page + H_BYTES),
		.time = (int64_t)td_le64_get(page + H_TIME),
	};
	memcpy(found.store, page + H_STORE, TD_STORE_BYTES);
	memcpy(found.chain, page + H_CHAIN, TD_CHAIN_BYTES);
	if (found.bytes < TD_SEGMENT_BYTES_LEAST || found.bytes > TD_SEGMENT_BYTES_MOST ||
		found.bytes % TD_PAGE_BYTES != 0)
		return TD_FLAW_BOUNDS;
	if (found.base == 0 || found.number == 0 || found.time <= 0)
		return TD_FLAW_FIELD;
	if (td_features_all_known(&found.features) &&
		!td_page_zero(page, H_RESERVED, TD_PAGE_BYTES))
		return TD_FLAW_FIELD;
	*header = found;
	return TD_FLAW_NONE;
}
