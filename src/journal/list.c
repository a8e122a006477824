#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/manifest.h"
#include "journal/open.h"

static int add_base(struct td_listing *listing, uint64_t base)
{
	size_t cap = listing->cap > 0 ? listing->cap * 2 : 16;
	uint64_t *bases;

	if (listing->count == listing->cap) {
		bases = realloc(listing->bases, cap * sizeof(*bases));
		if (bases == NULL)
			return ENOMEM;
		listing->bases = bases;
		listing->cap = cap;
	}
	listing->bases[listing->count++] = base;
	return 0;
}

/* Anything that others keep beside the segments is theirs, once there is a CONTROL. */
static int look(void *arg, const struct td_disk_entry *entry)
{
	struct td_listing *listing = arg;
	const char *name = entry->name;
	uint64_t base = td_segment_base(name);

	if (base != 0 && entry->kind == TD_DISK_FILE)
		return add_base(listing, base);
	if (strcmp(name, TD_CONTROL_A_NAME) == 0 || strcmp(name, TD_CONTROL_B_NAME) == 0) {
		listing->copies = true;
	} else if (strcmp(name, TD_SPARE_NAME) == 0) {
		listing->spare = true;
		listing->spare_bytes = entry->bytes;
	} else if (strcmp(name, TD_SPARE_TMP_NAME) == 0) {
		listing->spare_tmp = true;
	} else if (strcmp(name, TD_REWRITE_NAME) == 0) {
		listing->rewrite = true;
	} else if (strncmp(name, "seg-", 4) == 0) {
		listing->strange_count++;
		if (strlen(name) < sizeof(listing->strange))
			memcpy(listing->strange, name, strlen(name) + 1);
	} else if (strcmp(name, TD_LOCK_NAME) != 0 && strcmp(name, TD_QUARANTINE_NAME) != 0) {
		listing->foreign = true;
		listing->backup = listing->backup || strcmp(name, TD_MANIFEST_NAME) == 0;
	}
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int td_listing_read(struct td_journal *journal, struct td_listing *listing, struct td_error *err)
{
	int code;

	td_listing_fini(listing);
	code = td_disk_list(journal->disk, journal->dir, look, listing);
	if (code != 0)
		return td_fault(err, code, "journal %s: list", journal->path);
	if (listing->count > 0)
		qsort(listing->bases, listing->count, sizeof(uint64_t), by_base);
	return 0;
}

void td_listing_fini(struct td_listing *listing)
{
	free(listing->bases);
	*listing = (struct td_listing){0};
}
