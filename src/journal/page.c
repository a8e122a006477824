#include "journal/page.h"

void td_page_seal(uint8_t page[TD_PAGE_BYTES], uint32_t magic)
{
	td_le32_put(page, magic);
	td_le32_put(page + 4, td_crc32c(0, page + 8, TD_PAGE_BYTES - 8));
}

enum td_flaw td_page_check(const void *bytes, size_t len, uint32_t magic)
{
	const uint8_t *page = bytes;

	if (len < TD_PAGE_BYTES)
		return TD_FLAW_SHORT;
	if (td_le32_get(page) != magic)
		return TD_FLAW_MAGIC;
	if (td_le32_get(page + 4) != td_crc32c(0, page + 8, TD_PAGE_BYTES - 8))
		return TD_FLAW_CHECKSUM;
	return TD_FLAW_NONE;
}

void td_page_put_features(uint8_t *page, const struct td_features *features)
{
	td_le32_put(page + 8, TD_FORMAT_VERSION);
	td_le64_put(page + 16, features->compat);
	td_le64_put(page + 24, features->ro_compat);
	td_le64_put(page + 32, features->incompat);
}

enum td_flaw td_page_get_features(const uint8_t *page, struct td_features *features)
{
	features->compat = td_le64_get(page + 16);
	features->ro_compat = td_le64_get(page + 24);
	features->incompat = td_le64_get(page + 32);
	if (td_le32_get(page + 8) != TD_FORMAT_VERSION || !td_features_readable(features))
		return TD_FLAW_FEATURE;
	return td_le32_get(page + 12) == 0 ? TD_FLAW_NONE : TD_FLAW_FIELD;
}

bool td_page_zero(const uint8_t *page, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (page[i] != 0)
			return false;
	return true;
}
