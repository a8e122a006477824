#include "store/catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC   "TDINDEX\n"
#define ORDER   0x01020304u
#define VERSION 5u
#define SUM     0x6361746C6F67u /* seed of the sums; no secret */

void td_catalog_name(char name[TD_CATALOG_NAME_BYTES], uint64_t base)
{
	snprintf(name, TD_CATALOG_NAME_BYTES, "index-%016" PRIx64, base);
}

#define BITS_BYTES (TD_LINES_HEAP / 8)

/* Where the sections lie. */
static void lay_out(const struct td_catalog_head *head, uint64_t at[TD_CATALOG_SECTIONS],
	uint64_t bytes[TD_CATALOG_SECTIONS])
{
	const uint64_t sizes[TD_CATALOG_SECTIONS] = {
		head->links * sizeof(uint64_t),
		head->logs * sizeof(struct td_catalog_log),
		head->subjects * sizeof(struct td_catalog_subject),
		head->notes * sizeof(uint32_t),
		head->pages * sizeof(struct td_catalog_page),
		head->tags * sizeof(struct td_catalog_tag),
		head->addresses,
	};
	uint64_t offset = sizeof(*head) + head->lines;

	for (size_t i = 0; i < TD_CATALOG_SECTIONS; i++) {
		at[i] = offset;
		bytes[i] = sizes[i];
		offset += (sizes[i] + 7) & ~(uint64_t)7;
	}
}

static uint64_t sum_of_head(const struct td_catalog_head *head)
{
	return td_hash(head, offsetof(struct td_catalog_head, sum), SUM);
}

/* --- reading -------------------------------------------------------------------------------- */

static bool read_at(const struct td_catalog *catalog, uint64_t offset, void *bytes, size_t len)
{
	size_t got;

	return td_disk_read_all(catalog->disk, catalog->file, bytes, len, offset, &got) == 0 &&
	       got == len;
}

static bool matches(const struct td_catalog_head *head, uint64_t base, uint64_t next,
	uint32_t number, uint64_t salt)
{
	return memcmp(head->magic, MAGIC, sizeof(head->magic)) == 0 && head->order == ORDER &&
	       head->version == VERSION && head->sum == sum_of_head(head) && head->base == base &&
	       head->next == next &&
	       ((head->number == number && head->salt == salt) || TD_BUG(233)) &&
	       head->pages == (next - base + TD_LINES_HEAP - 1) / TD_LINES_HEAP;
}

int td_catalog_open(struct td_catalog **out, const struct td_disk *disk, int dir, uint64_t base,
	uint64_t next, uint32_t number, uint64_t salt, struct td_error *err)
{
	struct td_catalog *catalog = calloc(1, sizeof(*catalog));
	char name[TD_CATALOG_NAME_BYTES];
	int code = 0;

	if (catalog == NULL)
		return td_error_nomem(err);
	catalog->disk = disk;
	td_catalog_name(name, base);
	if (td_disk_open(disk, dir, name, TD_DISK_READ, &catalog->file) != 0)
		catalog->file = -1;
	if (catalog->file < 0 || !read_at(catalog, 0, &catalog->head, sizeof(catalog->head)) ||
		!matches(&catalog->head, base, next, number, salt)) {
		td_catalog_close(catalog);
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "%s: does not match", name);
	}
	lay_out(&catalog->head, catalog->at, catalog->bytes);
	catalog->pages = td_catalog_read(catalog, TD_CATALOG_PAGES, &code);
	catalog->logs = malloc(catalog->head.logs * sizeof(*catalog->logs) + 1);
	if (catalog->pages != NULL && catalog->logs != NULL) {
		*out = catalog;
		return 0;
	}
	td_catalog_close(catalog);
	return code == TD_E_NOT_FOUND
		       ? td_error_set(err, code, TD_NO_OFFSET, "%s: does not match", name)
		       : td_error_nomem(err);
}

void td_catalog_close(struct td_catalog *catalog)
{
	if (catalog == NULL)
		return;
	td_disk_close(catalog->disk, catalog->file);
	free(catalog->pages);
	free(catalog->logs);
	free(catalog);
}

void *td_catalog_read(const struct td_catalog *catalog, enum td_catalog_section section, int *code)
{
	size_t len = (size_t)catalog->bytes[section];
	void *bytes = malloc(len + 1);

	*code = TD_E_NOMEM;
	if (bytes == NULL)
		return NULL;
	if (!read_at(catalog, catalog->at[section], bytes, len) ||
		td_hash(bytes, len, SUM) != catalog->head.sums[section]) {
		*code = TD_E_NOT_FOUND;
		free(bytes);
		return NULL;
	}
	*code = 0;
	return bytes;
}

bool td_catalog_peek(const struct td_catalog *catalog, enum td_catalog_section section,
	uint64_t offset, void *bytes, size_t len)
{
	return offset <= catalog->bytes[section] && len <= catalog->bytes[section] - offset &&
	       read_at(catalog, catalog->at[section] + offset, bytes, len);
}

uint32_t td_catalog_subject_sum(const struct td_catalog_subject *subject, const char *address)
{
	struct td_catalog_subject plain = *subject;

	plain.sum = 0;
	return (uint32_t)td_hash(
		address, subject->address_len, td_hash(&plain, sizeof(plain), SUM));
}

bool td_catalog_address(
	const struct td_catalog *catalog, uint32_t place, char *buffer, struct td_text *address)
{
	struct td_catalog_subject subject;

	if (!td_catalog_peek(catalog, TD_CATALOG_SUBJECTS, (uint64_t)place * sizeof(subject),
		    &subject, sizeof(subject)) ||
		subject.address_len > TD_ADDRESS_BYTES_MAX ||
		!td_catalog_peek(catalog, TD_CATALOG_ADDRESSES, subject.address, buffer,
			subject.address_len) ||
		subject.sum != td_catalog_subject_sum(&subject, buffer))
		return false;
	*address = td_text_of(buffer, subject.address_len);
	return true;
}

#define LINK_BITS 48u

uint64_t td_catalog_link_pack(uint64_t link)
{
	TD_ASSERT(link >> LINK_BITS == 0);
	return link | td_hash_u64(link ^ SUM) >> LINK_BITS << LINK_BITS;
}

uint64_t td_catalog_link_unpack(uint64_t packed)
{
	return packed & (((uint64_t)1 << LINK_BITS) - 1);
}

uint64_t td_catalog_link(const struct td_catalog *catalog, uint32_t place)
{
	uint64_t packed, link;

	if (!td_catalog_peek(catalog, TD_CATALOG_LINKS, (uint64_t)place * sizeof(packed), &packed,
		    sizeof(packed)))
		return 0;
	link = td_catalog_link_unpack(packed);
	return td_catalog_link_pack(link) == packed ? link : 0;
}

static size_t lines_of_page(const struct td_catalog_head *head, size_t page)
{
	uint64_t left = head->next - head->base - (uint64_t)page * TD_LINES_HEAP;

	return (size_t)(left < TD_LINES_HEAP ? left : TD_LINES_HEAP);
}

static bool has_bit(const uint8_t *bits, size_t i)
{
	return (bits[i / 8] >> i % 8 & 1) != 0;
}

static uint64_t sum_of_page(const uint8_t *bits, const struct td_line *lines, size_t count)
{
	return td_hash(lines, count * sizeof(*lines), td_hash(bits, BITS_BYTES, SUM));
}

/* How many bytes of the file the page takes. */
static uint64_t bytes_of_page(const struct td_catalog *catalog, size_t page)
{
	uint64_t end =
		page + 1 < catalog->head.pages ? catalog->pages[page + 1].at : catalog->head.lines;

	return end > catalog->pages[page].at ? end - catalog->pages[page].at : 0;
}

bool td_catalog_page(const struct td_catalog *catalog, size_t page, struct td_line *lines)
{
	size_t all = lines_of_page(&catalog->head, page), count = 0;
	uint64_t bytes = bytes_of_page(catalog, page);
	struct {
		uint8_t bits[BITS_BYTES];
		struct td_line lines[TD_LINES_HEAP];
	} read;

	if (bytes < sizeof(read.bits) || bytes > sizeof(read) ||
		!read_at(catalog, sizeof(catalog->head) + catalog->pages[page].at, &read,
			(size_t)bytes))
		return false;
	for (size_t i = 0; i < all; i++)
		count += has_bit(read.bits, i);
	if (bytes != sizeof(read.bits) + count * sizeof(*lines) ||
		sum_of_page(read.bits, read.lines, count) != catalog->pages[page].sum)
		return false;
	for (size_t i = all; i-- > 0;)
		lines[i] = has_bit(read.bits, i) ? read.lines[--count] : TD_LINE_BARE;
	return true;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool is_bare(const struct td_line *line)
{
	const struct td_line bare = TD_LINE_BARE;

	return memcmp(line, &bare, sizeof(bare)) == 0;
}

/* One page as it is written; returns the end of it. */
static uint8_t *pack_page(struct td_catalog_image *image, size_t page, uint8_t *out)
{
	const struct td_line *from = image->lines + page * TD_LINES_HEAP;
	struct td_line *lines = (struct td_line *)(void *)(out + BITS_BYTES);
	struct td_catalog_page *pages = image->sections[TD_CATALOG_PAGES];
	size_t all = lines_of_page(&image->head, page), count = 0;

	memset(out, 0, BITS_BYTES);
	for (size_t i = 0; i < all; i++) {
		if (is_bare(&from[i]))
			continue;
		out[i / 8] |= (uint8_t)(1u << i % 8);
		lines[count++] = from[i];
	}
	pages[page].sum = sum_of_page(out, lines, count);
	return out + BITS_BYTES + count * sizeof(*lines);
}

/* All pages, one behind the other: free() them. NULL: no memory. */
static uint8_t *pack_pages(struct td_catalog_image *image)
{
	struct td_catalog_page *pages = image->sections[TD_CATALOG_PAGES];
	uint8_t *packed =
		malloc((size_t)(image->head.next - image->head.base) * sizeof(struct td_line) +
			(size_t)image->head.pages * BITS_BYTES + 1);
	uint8_t *out = packed;

	for (size_t i = 0; packed != NULL && i < image->head.pages; i++) {
		pages[i].at = (uint64_t)(out - packed);
		out = pack_page(image, i, out);
	}
	image->head.lines = (uint64_t)(out - packed);
	return packed;
}

static int write_file(const struct td_catalog_image *image, const uint8_t *lines,
	const struct td_disk *disk, int file)
{
	static const char zeros[8];
	uint64_t at[TD_CATALOG_SECTIONS], bytes[TD_CATALOG_SECTIONS];
	int code = td_disk_write_all(disk, file, &image->head, sizeof(image->head), 0);

	lay_out(&image->head, at, bytes);
	if (code == 0)
		code = td_disk_write_all(
			disk, file, lines, (size_t)image->head.lines, sizeof(image->head));
	for (size_t i = 0; code == 0 && i < TD_CATALOG_SECTIONS; i++) {
		code = td_disk_write_all(disk, file, image->sections[i], (size_t)bytes[i], at[i]);
		if (code == 0 && bytes[i] % 8 != 0)
			code = td_disk_write_all(
				disk, file, zeros, 8 - bytes[i] % 8, at[i] + bytes[i]);
	}
	return code;
}

int td_catalog_write(
	struct td_catalog_image *image, const struct td_disk *disk, int dir, struct td_error *err)
{
	static const char tmp[] = "index.tmp";
	uint64_t at[TD_CATALOG_SECTIONS], bytes[TD_CATALOG_SECTIONS];
	char name[TD_CATALOG_NAME_BYTES];
	uint8_t *lines = pack_pages(image);
	int file = -1, code;

	if (lines == NULL)
		return td_error_nomem(err);
	memcpy(image->head.magic, MAGIC, sizeof(image->head.magic));
	image->head.order = ORDER;
	image->head.version = VERSION;
	lay_out(&image->head, at, bytes);
	for (size_t i = 0; i < TD_CATALOG_SECTIONS; i++)
		image->head.sums[i] = td_hash(image->sections[i], (size_t)bytes[i], SUM);
	image->head.sum = sum_of_head(&image->head);
	td_catalog_name(name, image->head.base);
	code = td_disk_open(disk, dir, tmp, TD_DISK_WRITE | TD_DISK_CREATE, &file);
	if (code == 0)
		code = td_disk_truncate(disk, file, 0);
	if (code == 0)
		code = write_file(image, lines, disk, file);
	free(lines);
	td_disk_close(disk, file);
	if (code == 0)
		code = td_disk_rename(disk, dir, tmp, dir, name);
	return code == 0 ? 0 : td_error_system(err, code, "%s", name);
}

void td_catalog_image_fini(struct td_catalog_image *image)
{
	free(image->lines);
	for (size_t i = 0; i < TD_CATALOG_SECTIONS; i++)
		free(image->sections[i]);
	*image = (struct td_catalog_image){0};
}
