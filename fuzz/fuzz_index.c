/*
 * The files that the store keeps beside sealed segments, edited by the bytes: the first chooses the
 * store (store_image.h) and how it is opened, each next group one edit.
 *
 *	1. no crash, no leak, no assertion;
 *	2. the journal verifies, whatever they say, and the store opens;
 *	3. what is read is what the journal holds: every event that lives, no other, and nothing is
 *	   said to be damaged; what is derived equals what a scan finds (td_store_verify());
 *	4. the same when it is opened again.
 *
 * Edits that let the sums fit again leave 1 and 2 to be held.
 */
#include "store/catalog.h"
#include "store_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SUM 0x6361746C6F67u /* as catalog.c seeds its sums */

/* Where the sections of a catalog lie that is as its head says. */
static void seal_sections(uint8_t *bytes, size_t len, struct td_catalog_head *head)
{
	uint64_t count = head->next - head->base, at = sizeof(*head);
	const uint64_t sizes[TD_CATALOG_SECTIONS] = {head->links * UINT64_C(8),
		head->logs * sizeof(struct td_catalog_log),
		head->subjects * sizeof(struct td_catalog_subject), head->notes * UINT64_C(4),
		head->pages * sizeof(struct td_catalog_page),
		head->tags * sizeof(struct td_catalog_tag), head->addresses};
	uint64_t lines = head->lines, bits = TD_LINES_HEAP / 8;
	struct td_catalog_page page = {0};

	if (count > TD_LINES_HEAP || lines < bits || lines > len || at + lines > len)
		return;
	at += lines;
	for (size_t i = 0; i < TD_CATALOG_SECTIONS; i++) {
		if (sizes[i] > len || at + sizes[i] > len)
			return;
		if (i == TD_CATALOG_PAGES && sizes[i] == sizeof(page)) {
			page.sum = td_hash(bytes + sizeof(*head) + bits, (size_t)(lines - bits),
				td_hash(bytes + sizeof(*head), (size_t)bits, SUM));
			memcpy(bytes + at, &page, sizeof(page));
		}
		head->sums[i] = td_hash(bytes + at, (size_t)sizes[i], SUM);
		at += (sizes[i] + 7) & ~UINT64_C(7);
	}
}

/* Some bytes changed, and all sums as they should be. */
static void forge_index(struct play *play, struct input *input)
{
	struct td_catalog_head head;
	struct files files;
	const char *name;
	size_t len, at;
	uint8_t *bytes;
	int dir;

	CHECK(td_disk_open_dir(play->disk, TD_DISK_NOWHERE, IMAGE_PATH, 0, &dir) == 0);
	list_files(play->disk, dir, play->only, &files);
	name = files.count > 0 ? files.names[byte(input) % files.count] : NULL;
	bytes = name != NULL ? load(play->disk, dir, name, &len) : NULL;
	if (bytes != NULL && len >= sizeof(head)) {
		for (unsigned i = 1 + byte(input) % 4u; i > 0; i--) {
			at = word(input) % len;
			bytes[at] = byte(input);
		}
		memcpy(&head, bytes, sizeof(head));
		seal_sections(bytes, len, &head);
		head.sum = td_hash(&head, offsetof(struct td_catalog_head, sum), SUM);
		memcpy(bytes, &head, sizeof(head));
		save(play->disk, dir, name, bytes, len);
		play->forged = true;
	}
	free(bytes);
	td_disk_close(play->disk, dir);
}

/* All that was acknowledged and lives is there, and nothing that was removed. */
static void check_whole(const struct play *play)
{
	for (unsigned i = 0; i < play->image->count; i++) {
		const struct image_event *event = &play->image->events[i];

		if (event->acknowledged)
			CHECK(play->seen[i] == (event->gone_by == 0));
	}
}

static void open_and_read(struct play *play)
{
	struct td_recovery report;
	struct td_store *store;

	CHECK(open_store(play, &store, &report) == 0);
	play->more_from = UINT64_MAX;
	read_everything(play, store);
	if (!play->forged) {
		check_whole(play);
		td_store_verify(store);
	}
	CHECK(td_store_close(store, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	struct play play = {.only = "index-"};
	uint8_t kind, how;

	if (size < 3)
		return 0;
	kind = byte(&input);
	how = byte(&input);
	play_begin(&play, image_of(kind));
	for (int i = 0; i < EDITS_MAX && input.at < input.end; i++) {
		if (input.at[0] == 0xFF) {
			input.at++;
			forge_index(&play, &input);
		} else if (input.at[0] % 12 == 4 || input.at[0] % 12 == 11) {
			input.at++; /* edits of the journal */
		} else if (!edit(&play, &input)) {
			break;
		}
	}
	play.options.index_bytes = (how & 1) != 0 ? 1 : 0;
	play.options.journal.read_only = (how & 2) != 0;
	open_and_read(&play);
	play.options.journal.read_only = false;
	open_and_read(&play);
	CHECK(play.forged || play.reported == 0);
	CHECK(td_journal_verify(play.disk, IMAGE_PATH, NULL, NULL, NULL, NULL) == 0);
	sim_disk_free(play.sim);
	return 0;
}
