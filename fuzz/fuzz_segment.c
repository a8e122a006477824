/*
 * Headers, footers and names of segments. The first byte chooses; the rest is the beginning of a
 * page (zeros behind), or a name.
 *
 *	1. a header that is valid, and says nothing unknown, is what encoding makes of it;
 *	2. so is a footer, to a header that fits it; and its frames end inside the file;
 *	3. a name that gives a base is the name of that base.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "journal/segment_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void read_header(const uint8_t page[TD_PAGE_BYTES])
{
	struct td_segment_header header;
	uint8_t again[TD_PAGE_BYTES];

	if (td_segment_header_decode(page, TD_PAGE_BYTES, &header) != TD_FLAW_NONE)
		return;
	CHECK(header.base > 0 && header.number > 0 && header.time > 0);
	CHECK(header.bytes >= TD_SEGMENT_BYTES_LEAST && header.bytes <= TD_SEGMENT_BYTES_MOST);
	CHECK(td_features_readable(&header.features));
	td_segment_header_encode(&header, again);
	if (td_features_all_known(&header.features))
		CHECK(memcmp(page, again, TD_PAGE_BYTES) == 0);
}

/* The header is what the footer says of it. */
static void read_footer(uint8_t page[TD_PAGE_BYTES], bool fix)
{
	struct td_segment_header header = {
		.base = td_le64_get(page + 24),
		.salt = 0x0123456789ABCDEFu,
		.number = td_le32_get(page + 16),
		.rewrites = td_le32_get(page + 20),
		.bytes = 1 << 20,
		.time = 1,
	};
	struct td_segment_footer footer;
	uint8_t again[TD_PAGE_BYTES];

	if (fix) {
		td_le64_put(page + 8, header.salt ^ td_segment_frames_end(header.bytes));
		td_page_seal(page, TD_FOOTER_MAGIC);
	}
	if (td_segment_footer_decode(page, TD_PAGE_BYTES, &header, &footer) != TD_FLAW_NONE)
		return;
	CHECK(footer.end > TD_FRAMES_FROM && footer.end <= td_segment_frames_end(header.bytes));
	CHECK(footer.next_position - header.base == footer.records + footer.missing);
	CHECK(footer.rewriting_count <= TD_REWRITINGS_MAX);
	td_segment_footer_encode(&footer, &header, again);
	CHECK(memcmp(page, again, TD_PAGE_BYTES) == 0);
}

static void read_name(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1), again[TD_SEGMENT_NAME_BYTES];

	CHECK(name != NULL);
	memcpy(name, data, size);
	name[size] = '\0';
	uint64_t base = td_segment_base(name);
	td_segment_name(again, base);
	if (base != 0)
		CHECK(strcmp(name, again) == 0);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t page[TD_PAGE_BYTES] = {0};

	if (size == 0 || size - 1 > TD_PAGE_BYTES)
		return 0;
	memcpy(page, data + 1, size - 1);
	switch (data[0] & 3) {
	case 0:
		if (data[0] & 4)
			td_page_seal(page, TD_SEGMENT_MAGIC);
		read_header(page);
		break;
	case 1:
		read_footer(page, data[0] & 4);
		break;
	default:
		read_name(data + 1, size - 1);
	}
	return 0;
}
