#include "store/catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC   "TDINDEX\n"
#define ORDER   0x01020304u
#define VERSION 2u
#define SUM     0x6361746C6F67u /* seed of the sums; no secret */

void td_catalog_name(char name[TD_CATALOG_NAME_BYTES], uint64_t base)
{
	snprintf(name, TD_CATALOG_NAME_BYTES, "index-%016" PRIx64, base);
}

static uint64_t lines_bytes(const struct td_catalog_head *head)
{
	return (head->next - head->base) * sizeof(struct td_line);
}

/* Where the sections lie. */
static void lay_out(const struct td_catalog_head *head, uint64_t at[TD_CATALOG_SECTIONS],
	uint64_t bytes[TD_CATALOG_SECTIONS])
{
	const uint64_t sizes[TD_CATALOG_SECTIONS] = {
		head->links * sizeof(uint64_t),
		head->logs * sizeof(struct td_catalog_log),
		head->subjects * sizeof(struct td_catalog_subject),
		head->notes * sizeof(uint32_t),
		head->pages * sizeof(uint64_t),
		(head->next - head->base) * sizeof(struct td_tag),
		head->addresses,
	};
	uint64_t offset = sizeof(*head) + lines_bytes(head);

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
	catalog->page_sums = td_catalog_read(catalog, TD_CATALOG_PAGES, &code);
	catalog->logs = malloc(catalog->head.logs * sizeof(*catalog->logs) + 1);
	if (catalog->page_sums != NULL && catalog->logs != NULL) {
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
	free(catalog->page_sums);
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

uint64_t td_catalog_link(const struct td_catalog *catalog, uint32_t place)
{
	uint64_t packed, link;

	if (!td_catalog_peek(catalog, TD_CATALOG_LINKS, (uint64_t)place * sizeof(packed), &packed,
		    sizeof(packed)))
		return 0;
	link = packed & (((uint64_t)1 << LINK_BITS) - 1);
	return td_catalog_link_pack(link) == packed ? link : 0;
}

bool td_catalog_page(const struct td_catalog *catalog, size_t page, struct td_line *lines)
{
	uint64_t from = (uint64_t)page * TD_LINES_HEAP;
	uint64_t left = catalog->head.next - catalog->head.base - from;
	size_t bytes = (size_t)(left < TD_LINES_HEAP ? left : TD_LINES_HEAP) * sizeof(*lines);

	return read_at(catalog, sizeof(catalog->head) + from * sizeof(*lines), lines, bytes) &&
	       td_hash(lines, bytes, SUM) == catalog->page_sums[page];
}

/* --- writing -------------------------------------------------------------------------------- */

static void sum_pages(struct td_catalog_image *image)
{
	uint64_t *sums = image->sections[TD_CATALOG_PAGES];
	size_t left = (size_t)(image->head.next - image->head.base);

	for (size_t i = 0; i < image->head.pages; i++, left -= TD_LINES_HEAP)
		sums[i] = td_hash(image->lines + i * TD_LINES_HEAP,
			(left < TD_LINES_HEAP ? left : TD_LINES_HEAP) * sizeof(struct td_line),
			SUM);
}

static int write_file(const struct td_catalog_image *image, const struct td_disk *disk, int file)
{
	static const char zeros[8];
	uint64_t at[TD_CATALOG_SECTIONS], bytes[TD_CATALOG_SECTIONS];
	int code = td_disk_write_all(disk, file, &image->head, sizeof(image->head), 0);

	lay_out(&image->head, at, bytes);
	if (code == 0)
		code = td_disk_write_all(disk, file, image->lines,
			(size_t)lines_bytes(&image->head), sizeof(image->head));
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
	int file = -1, code;

	memcpy(image->head.magic, MAGIC, sizeof(image->head.magic));
	image->head.order = ORDER;
	image->head.version = VERSION;
	sum_pages(image);
	lay_out(&image->head, at, bytes);
	for (size_t i = 0; i < TD_CATALOG_SECTIONS; i++)
		image->head.sums[i] = td_hash(image->sections[i], (size_t)bytes[i], SUM);
	image->head.sum = sum_of_head(&image->head);
	td_catalog_name(name, image->head.base);
	code = td_disk_open(disk, dir, tmp, TD_DISK_WRITE | TD_DISK_CREATE, &file);
	if (code == 0)
		code = td_disk_truncate(disk, file, 0);
	if (code == 0)
		code = write_file(image, disk, file);
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
