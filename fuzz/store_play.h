/*
 * Stores of store_image.h, edited by the fuzzer's bytes, opened, and read: what the targets
 * `directory` and `index` share.
 */
#ifndef TD_FUZZ_STORE_PLAY_H
#define TD_FUZZ_STORE_PLAY_H

#include <string.h>

#include "journal/page.h"
#include "journal/segment_format.h"
#include "store/record.h"
#include "store_image.h"

#define EDITS_MAX 16
#define FILES_MAX 32

struct input {
	const uint8_t *at, *end;
};

struct play {
	const char *only; /* files whose names begin so are edited; NULL: all */
	struct image *image;
	struct sim_disk *sim;
	const struct td_disk *disk;
	struct td_store_options options;
	bool forged, control_edited;
	bool spare_edited; /* it is not all zeros, and what is found behind frames in it is a tear */
	unsigned reported; /* times that something was said to be wrong */
	bool seen[IMAGE_EVENTS_MAX];
	unsigned more;      /* events of our own, after opening */
	uint64_t more_from; /* positions from here on are not the image's */
};

static struct image images[IMAGE_KINDS];

static uint8_t byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static unsigned word(struct input *input)
{
	unsigned high = byte(input);

	return high << 8 | byte(input);
}

/* --- the directory ------------------------------------------------------------------------ */

struct files {
	const char *only;
	char names[FILES_MAX][64];
	size_t count;
};

static int note_file(void *arg, const struct td_disk_entry *entry)
{
	struct files *files = arg;

	if (files->only != NULL && strncmp(entry->name, files->only, strlen(files->only)) != 0)
		return 0;
	if (entry->kind == TD_DISK_FILE && files->count < FILES_MAX &&
		strlen(entry->name) < sizeof(files->names[0]) && strcmp(entry->name, "LOCK") != 0)
		memcpy(files->names[files->count++], entry->name, strlen(entry->name) + 1);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list_files(const struct td_disk *disk, int dir, const char *only, struct files *files)
{
	files->only = only;
	files->count = 0;
	CHECK(td_disk_list(disk, dir, note_file, files) == 0);
	qsort(files->names, files->count, sizeof(files->names[0]), by_name);
}

static uint8_t *load(const struct td_disk *disk, int dir, const char *name, size_t *len)
{
	uint64_t bytes = 0;
	uint8_t *all;
	int file;

	CHECK(td_disk_open(disk, dir, name, TD_DISK_READ, &file) == 0);
	CHECK(td_disk_size(disk, file, &bytes) == 0);
	all = calloc(1, (size_t)bytes + 1);
	CHECK(all != NULL);
	CHECK(td_disk_read_all(disk, file, all, (size_t)bytes, 0, len) == 0);
	td_disk_close(disk, file);
	return all;
}

static void save(
	const struct td_disk *disk, int dir, const char *name, const void *bytes, size_t len)
{
	int file;

	CHECK(td_disk_open(disk, dir, name, TD_DISK_WRITE | TD_DISK_CREATE, &file) == 0);
	CHECK(td_disk_truncate(disk, file, len) == 0);
	CHECK(td_disk_write_all(disk, file, bytes, len, 0) == 0);
	CHECK(td_disk_sync(disk, file) == 0);
	td_disk_close(disk, file);
}

/* --- edits of bytes ----------------------------------------------------------------------- */

static void note_edit(struct play *play, const char *name)
{
	if (strncmp(name, "CONTROL", 7) == 0)
		play->control_edited = true;
	if (strcmp(name, "spare") == 0)
		play->spare_edited = true;
}

/* A page whose checksum fits what it says now. */
static void reseal(struct play *play, uint8_t *bytes, size_t len, size_t offset)
{
	size_t page = offset / TD_PAGE_BYTES * TD_PAGE_BYTES;

	if (page + TD_PAGE_BYTES > len)
		return;
	td_page_seal(bytes + page, td_le32_get(bytes + page));
	play->forged = true;
}

static void edit_bytes(struct play *play, struct input *input, uint8_t op, uint8_t *bytes,
	size_t len, const uint8_t *from, size_t from_len)
{
	size_t offset = len > 0 ? word(input) * 8u % len : 0, count = 0, other;

	switch (op) {
	case 0: /* overwrite */
		for (count = byte(input) % 32u; count > 0 && offset < len; count--)
			bytes[offset++] = byte(input);
		break;
	case 1: /* flip */
		if (len > 0)
			bytes[offset] ^= (uint8_t)(1u << (byte(input) & 7));
		break;
	case 2: /* zeros */
		count = word(input) * 8u;
		memset(bytes + offset, 0, count < len - offset ? count : len - offset);
		break;
	case 3: /* a sector (or a few) from elsewhere */
		offset = offset / TD_DISK_SECTOR * TD_DISK_SECTOR;
		other = from_len > 0 ? byte(input) * 512u % from_len / 512 * 512 : 0;
		count = (1u + byte(input) % 16u) * TD_DISK_SECTOR;
		while (count > len - offset || count > from_len - other)
			count = count > 0 ? count - 1 : 0;
		memcpy(bytes + offset, from + other, count);
		break;
	default: /* overwrite, and let the checksum of the page fit */
		other = offset;
		for (count = 1 + byte(input) % 8u; count > 0 && offset < len; count--)
			bytes[offset++] = byte(input);
		reseal(play, bytes, len, other);
	}
}

/* Two sectors change places. */
static void swap_sectors(uint8_t *a, uint8_t *b, size_t len_a, size_t len_b, struct input *input)
{
	size_t at_a = byte(input) * 512u, at_b = byte(input) * 512u;
	uint8_t kept[512];

	if (at_a + 512 > len_a || at_b + 512 > len_b)
		return;
	memcpy(kept, a + at_a, 512);
	memcpy(a + at_a, b + at_b, 512);
	memcpy(b + at_b, kept, 512);
}

/* --- records that the journal takes and the store never wrote ------------------------------ */

static size_t forge_body(struct input *input, uint8_t body[600])
{
	struct td_event_record event = {0};
	const char *address = "order.1";
	size_t len;

	switch (byte(input) % 4) {
	case 0:
		event.log = byte(input);
		event.flags = byte(input) & 15;
		event.seq = byte(input);
		event.revision = byte(input);
		event.prev = byte(input);
		event.time = (td_time)byte(input) << 50;
		event.address = td_text_of(address, byte(input) % 8u);
		event.type = td_text("T");
		td_event_record_head(&event, body);
		memcpy(body + TD_EVENT_FIXED_BYTES, address, event.address.len);
		body[TD_EVENT_FIXED_BYTES + event.address.len] = 'T';
		return td_event_record_bytes(&event);
	case 1:
		td_tops_record_head(byte(input), body);
		td_top_put(&(struct td_top){byte(input), byte(input), byte(input), 0},
			body + TD_TOPS_FIXED_BYTES);
		return TD_TOPS_FIXED_BYTES + TD_TOP_BYTES;
	case 2: { /* a removal */
		const struct td_removal_record removal = {
			.log = byte(input), .count = byte(input), .rule = td_text("r")};

		td_removal_record_head(&removal, body);
		len = TD_REMOVAL_FIXED_BYTES;
		body[len++] = 'r';
		break;
	}
	default:
		body[0] = 2 + byte(input) % 6u;
		len = 1;
	}
	for (size_t more = byte(input); more > 0 && input->at < input->end; more--)
		body[len++] = byte(input);
	return len;
}

static void forge_record(struct play *play, struct input *input)
{
	struct td_journal_options options = play->options.journal;
	struct td_journal *journal;
	struct td_work *work;
	uint8_t body[600] = {0};
	size_t len = forge_body(input, body);
	const struct td_text part = td_text_of(body, len);

	play->forged = true;
	options.read_only = options.create = options.accept_tail_loss = false;
	if (td_journal_open(&journal, IMAGE_PATH, &options, NULL, NULL) != 0)
		return;
	if (td_journal_room(journal, 1, len, true, NULL) == 0) {
		td_journal_stage(journal, &part, 1, NULL);
		while ((work = td_journal_next(journal, TD_WORK_COMMIT, 1000)) != NULL) {
			td_work_run(work);
			CHECK(td_journal_done(journal, work, NULL) == 0);
		}
	}
	td_journal_abandon(journal);
}

/* --- edits -------------------------------------------------------------------------------- */

static void edit_contents(struct play *play, struct input *input, int dir, uint8_t op,
	const char *name, const char *other)
{
	size_t len, other_len, cut;
	uint8_t *bytes = load(play->disk, dir, name, &len);
	uint8_t *from = load(play->disk, dir, other, &other_len);

	note_edit(play, name);
	if (op < 5) {
		edit_bytes(play, input, op, bytes, len, from, other_len);
		save(play->disk, dir, name, bytes, len);
	} else if (op == 5 && strcmp(name, other) != 0) {
		note_edit(play, other);
		swap_sectors(bytes, from, len, other_len, input);
		save(play->disk, dir, name, bytes, len);
		save(play->disk, dir, other, from, other_len);
	} else if (op == 6) {
		cut = word(input) * 8u;
		save(play->disk, dir, name, bytes, cut < len ? cut : len);
	} else if (op == 7) { /* as another file that is there */
		note_edit(play, other);
		save(play->disk, dir, other, bytes, len);
	} else if (op == 8) { /* under a new name */
		char fresh[TD_SEGMENT_NAME_BYTES];
		unsigned base = 1 + word(input);

		td_segment_name(fresh, base);
		if (play->only != NULL)
			snprintf(fresh, sizeof(fresh), "%s%016x", play->only, base);
		else if (byte(input) % 8 == 0)
			strcpy(fresh, "seg-what");
		save(play->disk, dir, fresh, bytes, len);
	}
	free(bytes);
	free(from);
}

/* A file of another store comes under a name of this. */
static void mix(struct play *play, struct input *input, int dir, const char *name)
{
	const struct image *donor = &images[byte(input) % IMAGE_KINDS];
	const struct td_disk *disk = sim_disk_table(donor->disk);
	struct files files;
	uint8_t *bytes;
	size_t len, which;
	int from;

	CHECK(td_disk_open_dir(disk, TD_DISK_NOWHERE, IMAGE_PATH, 0, &from) == 0);
	list_files(disk, from, play->only, &files);
	which = byte(input);
	if (which >= 128) /* the one of the same name */
		for (which = 0; which + 1 < files.count && strcmp(files.names[which], name) != 0;)
			which++;
	which %= files.count;
	bytes = load(disk, from, files.names[which], &len);
	note_edit(play, name);
	note_edit(play, files.names[which]);
	save(play->disk, dir, byte(input) % 2 == 0 ? name : files.names[which], bytes, len);
	free(bytes);
	td_disk_close(disk, from);
}

static bool edit(struct play *play, struct input *input)
{
	uint8_t op = byte(input) % 12;
	struct files files;
	const char *name, *other;
	int dir;

	CHECK(td_disk_open_dir(play->disk, TD_DISK_NOWHERE, IMAGE_PATH, 0, &dir) == 0);
	list_files(play->disk, dir, play->only, &files);
	if (files.count == 0) {
		td_disk_close(play->disk, dir);
		return false;
	}
	name = files.names[byte(input) % files.count];
	other = files.names[op == 3 || op == 5 || op == 7 ? byte(input) % files.count : 0];
	if (op < 9) {
		edit_contents(play, input, dir, op, name, other);
	} else if (op == 9) {
		note_edit(play, name);
		CHECK(td_disk_unlink(play->disk, dir, name) == 0);
	} else if (op == 10) {
		mix(play, input, dir, name);
	}
	CHECK(td_disk_sync_dir(play->disk, dir) == 0);
	td_disk_close(play->disk, dir);
	if (op == 11)
		forge_record(play, input);
	return true;
}

/* --- what is served ----------------------------------------------------------------------- */

static void check_event(struct play *play, const struct td_stored *stored)
{
	struct image_event *event = image_at(play->image, stored->position);
	char bytes[1024];

	if (play->forged)
		return;
	if (event == NULL && stored->log == 1)
		return; /* `$tidings` */
	if (event == NULL || stored->position >= play->more_from) {
		CHECK(stored->position >= play->more_from);
		return;
	}
	CHECK(stored->seq == event->seq && stored->revision == event->revision);
	CHECK(td_text_equal(stored->address, image_address(event->number)));
	CHECK(td_text_is(stored->type, "Thing"));
	CHECK(td_text_equal(stored->payload, image_payload(play->image, event->number, bytes)));
	CHECK((stored->headers.at != NULL) == (event->number % 3 == 0));
	play->seen[event - play->image->events] = true;
}

static void read_all(struct play *play, struct td_store *store, struct td_read_options options)
{
	struct td_cursor *cursor;
	struct td_stored stored;
	uint64_t last = 0;
	int code, damages = 0;

	CHECK(td_store_read(&cursor, store, &options, NULL) == 0);
	while ((code = td_cursor_next(cursor, &stored, NULL)) == 0 || code == TD_E_DAMAGED) {
		if (code == TD_E_DAMAGED) {
			play->reported++;
			CHECK(++damages < 1000);
			continue;
		}
		if (last != 0)
			CHECK(options.backward ? stored.position < last : stored.position > last);
		last = stored.position;
		check_event(play, &stored);
	}
	CHECK(code == TD_E_NOT_FOUND);
	td_cursor_close(cursor);
}

static void read_latest(struct play *play, struct td_store *store)
{
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct td_stored stored;

	for (unsigned i = 0; i < IMAGE_ADDRESSES; i++) {
		int code = td_store_latest(
			store, td_text(NULL), image_address(i), &stored, &buf, NULL);

		if (code == 0)
			check_event(play, &stored);
		else if (code == TD_E_DAMAGED)
			play->reported++;
		else
			CHECK(code == TD_E_NOT_FOUND);
		td_buf_reset(&buf);
	}
	td_buf_fini(&buf);
}

static void read_everything(struct play *play, struct td_store *store)
{
	const struct td_text subject = image_address(0);

	memset(play->seen, 0, sizeof(play->seen));
	read_all(play, store, (struct td_read_options){.backward = true});
	read_all(play, store, (struct td_read_options){.subjects = &subject, .subjects_count = 1});
	read_all(play, store, (struct td_read_options){.latest = true});
	read_latest(play, store);
	/* The list of what was seen is of this one. */
	memset(play->seen, 0, sizeof(play->seen));
	read_all(play, store, (struct td_read_options){.control = true});
}

/* --- opening ------------------------------------------------------------------------------ */

static int open_store(struct play *play, struct td_store **store, struct td_recovery *report)
{
	struct td_error err = TD_ERROR_INIT;
	int code = td_store_open(store, IMAGE_PATH, &play->options, report, &err);

	if (code != 0) {
		CHECK(err.code == code && err.text[0] != '\0');
		if (getenv("TD_TELL") != NULL)
			fprintf(stderr, "%s\n", err.text);
		if (!play->forged)
			CHECK(code == TD_E_DAMAGED || code == TD_E_NOT_FOUND ||
				code == TD_E_FOREIGN || code == TD_E_NEWER || code == TD_E_SYSTEM);
	}
	if (code != 0 || report->damages_count > 0 || report->tail == TD_TAIL_DAMAGED ||
		report->created)
		play->reported++;
	return code;
}

/* A copy of a store, to be edited and opened. */
static void play_begin(struct play *play, struct image *image)
{
	play->image = image;
	td_rng_init(&image->rng, 7);
	play->sim = sim_disk_copy(image->disk);
	play->disk = sim_disk_table(play->sim);
	play->options = image_options(image, play->disk);
}

static struct image *image_of(uint8_t kind)
{
	if (images[0].disk == NULL)
		for (unsigned i = 0; i < IMAGE_KINDS; i++)
			image_make(&images[i], i);
	return &images[kind % IMAGE_KINDS];
}

#endif
