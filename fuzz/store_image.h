/*
 * Small stores to be damaged: made once, on the simulated disk, and copied for each try. What was
 * written stands beside it: all that is ever read must be one of these, byte for byte.
 */
#ifndef TD_FUZZ_STORE_IMAGE_H
#define TD_FUZZ_STORE_IMAGE_H

#include <stdio.h>
#include <stdlib.h>

#include "disk/disk.h"
#include "store/store.h"

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

#define IMAGE_PATH       "store"
#define IMAGE_EVENTS_MAX 128u
#define IMAGE_ADDRESSES  5u

enum image_kind {
	IMAGE_CLOSED,    /* in order */
	IMAGE_KILLED,    /* the last frame whole */
	IMAGE_TORN,      /* the last frame in parts */
	IMAGE_STRICT,    /* closed */
	IMAGE_UNCHAINED, /* killed */
	IMAGE_REWRITTEN, /* closed; one of its segments was rewritten */
	IMAGE_KINDS,
};

struct image_event {
	unsigned number; /* which payload */
	uint64_t position, seq, revision;
	bool acknowledged;
	uint64_t gone_by; /* position of what removed it; 0: it lives */
};

struct image {
	enum image_kind kind;
	struct sim_disk *disk;
	struct td_rng rng;
	struct td_clock clock;
	struct td_random random;
	struct image_event events[IMAGE_EVENTS_MAX];
	unsigned count;
};

static inline bool image_is_closed(const struct image *image)
{
	return image->kind == IMAGE_CLOSED || image->kind == IMAGE_STRICT ||
	       image->kind == IMAGE_REWRITTEN;
}

static int64_t image_now(void *arg)
{
	(void)arg;
	return 1000000000;
}

static td_time image_wall(void *arg)
{
	(void)arg;
	return 1700000000000000000;
}

static void image_fill(void *arg, void *bytes, size_t len)
{
	uint8_t *at = bytes;

	while (len-- > 0)
		*at++ = (uint8_t)td_rng_u64(arg);
}

static inline struct td_text image_address(unsigned number)
{
	static const char *const addresses[IMAGE_ADDRESSES] = {
		"order.1", "order.2", "order.3", "user.1", "user.2"};

	return td_text(addresses[number % IMAGE_ADDRESSES]);
}

/* Some short, some long, some full of zeros; another for each store. */
static inline struct td_text image_payload(
	const struct image *image, unsigned number, char bytes[1024])
{
	size_t len = 8 + (number * 197u) % 900u;

	memset(bytes, number % 7 == 3 ? 0 : 'a' + (int)(number % 26), len);
	snprintf(bytes, 8, "%u/%u", image->kind, number);
	return td_text_of(bytes, len);
}

static inline struct td_store_options image_options(struct image *image, const struct td_disk *disk)
{
	return (struct td_store_options){
		.journal = {.disk = disk,
			.clock = &image->clock,
			.random = &image->random,
			.segment_bytes_first = (size_t)16 << 10,
			.segment_bytes_max = (size_t)16 << 10,
			.frame_bytes = (size_t)2 << 10,
			.append_bytes_max = (size_t)4 << 10,
			.cache_bytes = (size_t)32 << 10,
			.chain_off = image->kind == IMAGE_UNCHAINED,
			.strict = image->kind == IMAGE_STRICT},
		.payload_bytes_max = (size_t)2 << 10,
	};
}

/* All that is due of these kinds; the last code. */
static inline int image_turn(struct td_store *store, unsigned kinds)
{
	struct td_chore *chore;
	int code = 0;

	while (code == 0 && (chore = td_store_next(store, kinds, 1000)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(store, chore, NULL);
	}
	return code;
}

/* One event, decided and staged; what must be committed first is. */
static inline int image_stage(const struct image *image, struct td_store *store, unsigned number,
	struct td_placed *placed)
{
	char bytes[1024];
	uint64_t rests_on;
	int code = TD_E_FULL;
	const struct td_entry entry = {
		.address = image_address(number),
		.type = td_text("Thing"),
		.headers =
			number % 3 == 0 ? td_text("NATS/1.0\r\nce-id: x\r\n\r\n") : td_text(NULL),
		.payload = image_payload(image, number, bytes),
	};

	for (unsigned i = 0; code == TD_E_FULL && i < 8; i++) {
		code = td_store_append(store, &entry, 1, placed, &rests_on, NULL, NULL);
		if (code == TD_E_FULL && image_turn(store, TD_WORK_COMMIT | TD_WORK_SPARE) != 0)
			break;
	}
	return code;
}

static inline void image_append(struct image *image, struct td_store *store, bool commit)
{
	struct td_placed placed;

	CHECK(image->count < IMAGE_EVENTS_MAX);
	CHECK(image_stage(image, store, image->count, &placed) == 0);
	image->events[image->count] = (struct image_event){
		.number = image->count,
		.position = placed.position,
		.seq = placed.seq,
		.revision = placed.revision,
	};
	image->count++;
	if (!commit)
		return;
	CHECK(image_turn(store, TD_WORK_EVERYTHING & ~(unsigned)TD_WORK_MARK) == 0);
	for (unsigned i = 0; i < image->count; i++)
		image->events[i].acknowledged = true;
}

static inline struct image_event *image_at(struct image *image, uint64_t position)
{
	for (unsigned i = 0; i < image->count; i++)
		if (image->events[i].position == position)
			return &image->events[i];
	return NULL;
}

/* The log `orders` loses these of its seqs. */
static inline void image_remove(
	struct image *image, struct td_store *store, const uint64_t *seqs, size_t count)
{
	const struct td_removal removal = {
		.log = td_text("orders"), .seqs = seqs, .seqs_count = count};
	uint64_t removed, rests_on;

	CHECK(td_store_remove(store, &removal, &removed, &rests_on, NULL) == 0);
	CHECK(removed == count);
	CHECK(image_turn(store, TD_WORK_EVERYTHING & ~(unsigned)TD_WORK_MARK) == 0);
	for (unsigned i = 0; i < image->count; i++)
		for (size_t j = 0; j < count; j++)
			if (image_address(image->events[i].number).at[0] == 'o' &&
				image->events[i].seq == seqs[j])
				image->events[i].gone_by = td_store_durable(store) - 1;
}

/* Rewrite the first segment without what was removed in it, below the store's feet: it is closed
 * right after. */
static inline void image_rewrite(struct image *image, struct td_store *store)
{
	struct td_journal *journal = td_store_journal(store);
	struct td_segment_info first;
	uint64_t gone[IMAGE_EVENTS_MAX];
	size_t count = 0;

	CHECK(td_journal_segments(journal, &first, 1) > 1);
	for (unsigned i = 0; i < image->count; i++)
		if (image->events[i].gone_by != 0 && image->events[i].position < first.next)
			gone[count++] = image->events[i].position;
	CHECK(count > 0);
	CHECK(td_journal_rewrite(journal, first.base, gone, count, TD_REWRITE_SPACE, NULL) == 0);
	CHECK(image_turn(store, TD_WORK_REWRITE) == 0);
}

/* The power goes while the last frame is written; part of it survives. */
static inline void image_tear(struct image *image, struct td_store *store)
{
	for (int i = 0; i < 3; i++)
		image_append(image, store, false);
	sim_disk_freeze_after(image->disk, 1);
	CHECK(image_turn(store, TD_WORK_COMMIT) != 0);
}

static inline void image_make(struct image *image, enum image_kind kind)
{
	static const uint64_t early[] = {2, 3, 5}, late[] = {7, 30};
	const struct td_text orders = td_text("order.>");
	const struct td_log_config config = {.subjects = &orders, .subjects_count = 1};
	const struct sim_disk_options disk = {0};
	struct td_store_options options;
	struct td_error err = TD_ERROR_INIT;
	struct td_store *store;
	uint64_t rests_on;

	*image = (struct image){.kind = kind, .disk = sim_disk_new(&disk)};
	td_rng_init(&image->rng, 100 + kind);
	image->clock = (struct td_clock){image_wall, image_now, image};
	image->random = (struct td_random){image_fill, &image->rng};
	options = image_options(image, sim_disk_table(image->disk));
	options.journal.create = true;
	if (td_store_open(&store, IMAGE_PATH, &options, NULL, &err) != 0)
		fprintf(stderr, "%s\n", err.text), abort();
	CHECK(td_store_log_set(store, td_text("orders"), &config, TD_LOG_CREATE, &rests_on, NULL) ==
		0);
	for (unsigned i = 0; i < 60; i++)
		image_append(image, store, i % 3 != 1);
	image_append(image, store, true);
	image_remove(image, store, early, 3);
	image_append(image, store, true);
	image_remove(image, store, late, 2);
	for (unsigned i = 0; i < 4; i++)
		image_append(image, store, true);
	if (kind == IMAGE_REWRITTEN)
		image_rewrite(image, store);
	if (kind == IMAGE_TORN)
		image_tear(image, store);
	if (image_is_closed(image))
		CHECK(td_store_close(store, NULL) == 0);
	else
		td_store_abandon(store);
	sim_disk_crash(image->disk, &(struct sim_disk_fate){.seed = 3});
}

#endif
