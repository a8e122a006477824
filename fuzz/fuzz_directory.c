/*
 * A small store whose directory is edited by the bytes: the first chooses the store (store_image.h)
 * and how it is opened, each next group one edit. Then it is verified, opened, read, appended to,
 * closed, opened again.
 *
 *	1. no crash, no leak, no assertion;
 *	2. what is read is an event that was written, byte for byte, at its place;
 *	3. an acknowledged one that is missing was told of: by verifying, opening or reading. But for
 *	   the end of a store that was killed, or whose CONTROL was edited: an older state of a store
 *	   is a store;
 *	4. what verifies opens; looking changes nothing; what was opened and closed verifies, and reads
 *	   the same.
 *
 * Edits that forge checksums, or append records of their own, leave 1 alone to be held.
 */
#include "store_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- what is missing ---------------------------------------------------------------------- */

static void check_missing(const struct play *play)
{
	bool may_end = !image_is_closed(play->image) || play->control_edited;
	uint64_t reaches = 0, lost = UINT64_MAX;

	if (play->forged || play->reported > 0)
		return;
	for (unsigned i = 0; i < play->image->count; i++) {
		const struct image_event *event = &play->image->events[i];

		if (play->seen[i] && event->position > reaches)
			reaches = event->position;
		if (!event->acknowledged)
			continue;
		if (!play->seen[i] && event->gone_by == 0 && event->position < lost)
			lost = event->position;
		if (play->seen[i] && event->gone_by != 0 && event->gone_by < lost)
			lost = event->gone_by;
	}
	CHECK(lost == UINT64_MAX || (may_end && reaches < lost));
}

static void look(struct play *play)
{
	uint64_t before = sim_disk_hash(play->sim);
	struct td_recovery report;
	struct td_store *store;

	play->options.journal.read_only = true;
	play->more_from = UINT64_MAX;
	if (open_store(play, &store, &report) == 0) {
		read_everything(play, store);
		check_missing(play);
		CHECK(td_store_close(store, NULL) == 0);
	}
	CHECK(sim_disk_hash(play->sim) == before);
	play->options.journal.read_only = false;
}

/* Where verifying found nothing it has to open. */
static void use(struct play *play, bool verified)
{
	struct td_recovery report;
	struct td_store *store;
	struct td_placed placed;
	bool seen[IMAGE_EVENTS_MAX];
	int code = open_store(play, &store, &report);

	if (verified && !play->forged)
		CHECK(code == 0);
	if (code != 0)
		return;
	play->more_from = td_store_durable(store);
	read_everything(play, store);
	check_missing(play);
	memcpy(seen, play->seen, sizeof(seen));
	td_store_verify(store);
	code = image_stage(play->image, store, 200, &placed);
	if (!play->forged)
		CHECK(code == 0);
	if (code == 0) {
		CHECK(placed.position >= play->more_from);
		CHECK(image_turn(store, TD_WORK_COMMIT | TD_WORK_CHAIN | TD_WORK_SPARE) == 0);
		CHECK(td_store_durable(store) == placed.position + 1);
	}
	CHECK(td_store_close(store, NULL) == 0);

	code = open_store(play, &store, &report);
	CHECK(code == 0 || play->spare_edited);
	if (code != 0)
		return;
	CHECK(report.clean || play->spare_edited);
	read_everything(play, store);
	CHECK(memcmp(seen, play->seen, sizeof(seen)) == 0);
	CHECK(td_store_close(store, NULL) == 0);
	code = td_journal_verify(play->disk, IMAGE_PATH, NULL, NULL, NULL, NULL);
	CHECK(code == 0 || code == TD_E_DAMAGED);
	if (verified && !play->spare_edited)
		CHECK(code == 0);
}

static void play_it(struct play *play, uint8_t how)
{
	struct td_error err = TD_ERROR_INIT;
	uint64_t before = sim_disk_hash(play->sim);
	int code = td_journal_verify(play->disk, IMAGE_PATH, NULL, NULL, NULL, &err);

	CHECK(sim_disk_hash(play->sim) == before);
	play->reported += code != 0;
	if ((how & 1) != 0)
		look(play);
	play->options.journal.accept_tail_loss = (how & 2) != 0;
	play->options.journal.create = (how & 4) != 0;
	play->options.journal.cache_bytes = (how & 8) != 0 ? 4096 : (size_t)64 << 10;
	use(play, code == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	struct play play = {0};
	uint8_t kind, how;

	if (size < 3)
		return 0;
	kind = byte(&input);
	how = byte(&input);
	play_begin(&play, image_of(kind));
	for (int i = 0; i < EDITS_MAX && input.at < input.end; i++)
		if (!edit(&play, &input))
			break;
	play_it(&play, how);
	sim_disk_free(play.sim);
	return 0;
}
