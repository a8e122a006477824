/*
 * Stores that were written once and are read by every later version: test/data/golden/NAME.txt
 * holds the files of a store, and behind them what it holds, event for event.
 *
 *	file CONTROL.a 4096         its length; then what in it is not zero:
 *	@ 0 54444354...             offset, bytes
 *	event 4 3 1 1 0 ...         position, log, seq, revision, prev, time, and texts in hex;
 *	                            "-" for one that is absent
 *
 * TD_GOLDEN_WRITE=1 writes them anew (tools/golden): see doc/HACKING.md for when that is right.
 */
#include "store_test.h"

#include <string.h>

#include "disk/disk.h"

enum end { CLOSED, KILLED };

static const struct golden {
	const char *name;
	bool strict, chain_off, rewritten, erasable;
	enum end end;
	enum td_tail tail;
} stores[] = {
	{"closed", .end = CLOSED, .tail = TD_TAIL_CLEAN},
	{"torn", .end = KILLED, .tail = TD_TAIL_TORN},
	{"rewritten", .rewritten = true, .end = CLOSED, .tail = TD_TAIL_CLEAN},
	{"strict", .strict = true, .end = CLOSED, .tail = TD_TAIL_CLEAN},
	{"unchained", .chain_off = true, .end = CLOSED, .tail = TD_TAIL_CLEAN},
	{"erasable", .erasable = true, .end = CLOSED, .tail = TD_TAIL_CLEAN},
};
#define STORES (sizeof(stores) / sizeof(stores[0]))

static const char *path_of(const struct golden *golden)
{
	static char path[4096];
	const char *folder = getenv("TD_GOLDEN_STORES");

	snprintf(path, sizeof(path), "%s/%s.txt", folder != NULL ? folder : "../test/data/golden",
		golden->name);
	return path;
}

/* A scene whose disk is simulated. */
static struct sim_disk *begin(struct scene *scene, const struct golden *golden)
{
	struct sim_disk *sim = sim_disk_new(&(struct sim_disk_options){0});

	scene_begin(scene, IN_MEMORY);
	scene->shelf = IN_JOURNAL;
	strcpy(scene->path, "store");
	scene->disk = *sim_disk_table(sim);
	scene->options.journal.strict = golden->strict;
	scene->options.journal.chain_off = golden->chain_off;
	scene->options.journal.segment_bytes_first = (size_t)32 << 10;
	scene->options.journal.segment_bytes_max = (size_t)32 << 10;
	scene->options.journal.frame_bytes = (size_t)4 << 10;
	scene->options.journal.append_bytes_max = (size_t)8 << 10;
	scene->options.payload_bytes_max = (size_t)4 << 10;
	return sim;
}

/* --- writing ------------------------------------------------------------------------------ */

/* Each in a frame of its own, or (`strict`: frames are large) all in one or two. */
static void append_all(struct scene *scene, const struct golden *golden)
{
	static const struct td_text erasable = TD_TEXT_INIT("order.>");
	static const char *const addresses[] = {"order.1", "order.2", "user.7", "order.1"};
	static const char *const blocks[] = {
		"NATS/1.0\r\nce-id: a1\r\nce-source: /shop\r\n\r\n", NULL, "NATS/1.0\r\n\r\n"};
	struct td_placed placed[2];
	uint64_t rests_on;
	int code;

	scene_log(scene, "orders", "order.>",
		(struct td_log_config){.metadata = td_text("{\"a\":1}"),
			.erasable = &erasable,
			.erasable_count = golden->erasable});
	scene_log(scene, "few", "few.>",
		(struct td_log_config){.count_max = 9, .revisions_forgotten = true});
	for (unsigned i = 0; i < 8; i++) {
		struct td_entry entries[2] = {entry_of(addresses[i % 4], "{\"n\":1}"),
			entry_of("few.things", "second of two")};

		entries[0].headers = td_text(blocks[i % 3]);
		if (i == 3) /* a record full of zeros */
			entries[0].payload = td_text_of((const char[1200]){0}, 1200);
		while ((code = td_store_append(scene->store, entries, 1 + i % 2, placed, &rests_on,
				NULL, &scene->err)) == TD_E_FULL &&
			golden->erasable)
			scene_commit(scene);
		must(scene, code);
		if (!golden->strict)
			scene_commit(scene);
		scene->now_ns += 1000000007;
	}
	scene_commit(scene);
}

/* The tops go with it: of few.things nothing is left, of order.2 its newest. */
static void remove_some(struct scene *scene)
{
	static const uint64_t seqs[] = {1, 5}, first[] = {1};
	const struct td_removal removals[] = {
		{.log = td_text("orders"),
			.seqs = seqs,
			.seqs_count = 2,
			.rule = td_text("request")},
		{.log = td_text("events"), .seqs = first, .seqs_count = 1, .erase = true},
		{.log = td_text("few"), .pattern = td_text("few.>")},
	};
	uint64_t removed, rests_on;

	for (size_t i = 0; i < 3; i++)
		must(scene, td_store_remove(
				    scene->store, &removals[i], &removed, &rests_on, &scene->err));
	scene_commit(scene);
}

/* And one event more under another key. */
static void forget_one(struct scene *scene)
{
	uint64_t key, rests_on;

	must(scene, td_store_forget(scene->store, td_text("orders"), td_text("order.1"), &key,
			    &rests_on, &scene->err));
	scene_commit(scene);
	assert_true(td_store_is_forgotten(scene->store, key));
	scene_append(scene, "order.1", "after it was forgotten");
	scene_commit(scene);
}

/* Below the store's feet, which is closed right after. */
static void rewrite(struct scene *scene, const uint64_t *positions, size_t count)
{
	struct td_journal *journal = td_store_journal(scene->store);

	must(scene,
		td_journal_rewrite(journal, 1, positions, count, TD_REWRITE_ERASE, &scene->err));
	scene_commit(scene);
}

static void write_store(struct scene *scene, const struct golden *golden, struct sim_disk *sim)
{
	scene_open(scene);
	append_all(scene, golden);
	if (golden->erasable)
		forget_one(scene);
	if (golden->rewritten) {
		const uint64_t gone[] = {4, 8};
		const uint64_t seqs[] = {1, 3};
		const struct td_removal removal = {
			.log = td_text("orders"), .seqs = seqs, .seqs_count = 2};
		uint64_t removed, rests_on;

		must(scene,
			td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
		scene_commit(scene);
		td_journal_roll(td_store_journal(scene->store));
		scene_append(scene, "order.9", "after the roll");
		scene_commit(scene);
		rewrite(scene, gone, 2);
	} else {
		remove_some(scene);
		td_journal_roll(td_store_journal(scene->store));
		scene_append(scene, "order.9", "before the roll");
		scene_commit(scene);
	}
	scene_append(scene, "order.9", "the last");
	scene_commit(scene);
	if (golden->end == CLOSED) {
		scene_close(scene);
		sim_disk_crash(sim, &(struct sim_disk_fate){.seed = 1});
		return;
	}
	for (int i = 0; i < 12; i++)
		scene_append(scene, "order.9", "never acknowledged, and torn by the end of power");
	sim_disk_freeze_after(sim, 1);
	for (struct td_chore *chore;
		(chore = td_store_next(scene->store, TD_WORK_COMMIT, 1000)) != NULL;) {
		td_chore_run(chore);
		if (td_store_done(scene->store, chore, NULL) != 0)
			break;
	}
	td_store_abandon(scene->store);
	scene->store = NULL;
	/* One sector and another arrive, those between do not. */
	sim_disk_crash(
		sim, &(struct sim_disk_fate){.picks = (const uint8_t[]){0x15}, .picks_count = 8});
}

static void put_hex(FILE *out, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", ((const uint8_t *)bytes)[i]);
}

struct writer {
	const struct td_disk *disk;
	int dir;
	const char *in; /* what it is called, and a slash */
	FILE *out;
};

static int put_file(void *arg, const struct td_disk_entry *entry);

static void put_keys(const struct writer *writer)
{
	struct writer below = {.disk = writer->disk, .in = "keys/", .out = writer->out};

	assert_int_equal(td_disk_open_dir(writer->disk, writer->dir, "keys", 0, &below.dir), 0);
	assert_int_equal(td_disk_list(below.disk, below.dir, put_file, &below), 0);
	td_disk_close(below.disk, below.dir);
}

static int put_file(void *arg, const struct td_disk_entry *entry)
{
	const struct writer *writer = arg;
	static uint8_t bytes[1 << 20];
	size_t got = 0, to;
	int file;

	if (entry->kind == TD_DISK_DIRECTORY && strcmp(entry->name, "keys") == 0)
		put_keys(writer);
	if (entry->kind != TD_DISK_FILE || strcmp(entry->name, "LOCK") == 0)
		return 0;
	assert_int_equal(
		td_disk_open(writer->disk, writer->dir, entry->name, TD_DISK_READ, &file), 0);
	assert_int_equal(td_disk_read_all(writer->disk, file, bytes, sizeof(bytes), 0, &got), 0);
	td_disk_close(writer->disk, file);
	fprintf(writer->out, "file %s%s %zu\n", writer->in, entry->name, got);
	for (size_t at = 0; at < got; at = to) {
		to = at;
		while (to < got && to - at < 64 && (bytes[to] != 0 || bytes[to + 1] != 0))
			to++;
		if (to == at) {
			to++;
			continue;
		}
		fprintf(writer->out, "@ %zu ", at);
		put_hex(writer->out, bytes + at, to - at);
		fputc('\n', writer->out);
	}
	return 0;
}

static void put_text(struct td_buf *line, struct td_text text)
{
	td_buf_add_char(line, ' ');
	if (text.at == NULL)
		td_buf_add_char(line, '-');
	for (size_t i = 0; i < text.len; i++) {
		char hex[3];

		snprintf(hex, sizeof(hex), "%02x", (unsigned)(uint8_t)text.at[i]);
		td_buf_add(line, hex, 2);
	}
}

/* What the store holds, a line for each event. */
static void list_events(struct scene *scene, struct td_buf *list)
{
	const struct td_read_options all = {.control = true};
	struct td_cursor *cursor;
	struct td_stored stored;
	char numbers[200];
	int code;

	must(scene, td_store_read(&cursor, scene->store, &all, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		snprintf(numbers, sizeof(numbers),
			"event %" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64
			" %" PRId64,
			stored.position, stored.log, stored.seq, stored.revision, stored.prev,
			(int64_t)stored.time);
		td_buf_add_text(list, td_text(numbers));
		put_text(list, stored.address);
		put_text(list, stored.type);
		put_text(list, stored.server);
		put_text(list, stored.headers);
		put_text(list, stored.payload);
		td_buf_add_char(list, '\n');
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_cursor_close(cursor);
}

static void end(struct scene *scene, struct sim_disk *sim)
{
	td_store_abandon(scene->store);
	sim_disk_free(sim);
}

static void write_golden(const struct golden *golden)
{
	struct td_buf list = TD_BUF_INIT((size_t)1 << 20);
	struct scene scene;
	struct sim_disk *sim = begin(&scene, golden);
	struct writer writer = {.disk = &scene.disk, .in = "", .out = fopen(path_of(golden), "wb")};

	assert_non_null(writer.out);
	write_store(&scene, golden, sim);
	assert_int_equal(
		td_disk_open_dir(writer.disk, TD_DISK_NOWHERE, "store", 0, &writer.dir), 0);
	assert_int_equal(td_disk_list(writer.disk, writer.dir, put_file, &writer), 0);
	td_disk_close(writer.disk, writer.dir);
	scene.options.journal.read_only = true;
	scene_open(&scene);
	list_events(&scene, &list);
	fwrite(list.at, 1, list.len, writer.out);
	assert_int_equal(fclose(writer.out), 0);
	td_buf_fini(&list);
	end(&scene, sim);
}

/* --- reading ------------------------------------------------------------------------------ */

static size_t get_hex(const char *hex, uint8_t *bytes)
{
	size_t len = 0;
	unsigned byte;

	while (sscanf(hex + 2 * len, "%2x", &byte) == 1)
		bytes[len++] = (uint8_t)byte;
	return len;
}

static int make_file(const struct td_disk *disk, int dir, const char *name)
{
	const char *slash = strchr(name, '/');
	int in = dir, file;

	if (slash != NULL)
		assert_int_equal(td_disk_open_dir(disk, dir, "keys", TD_DISK_CREATE, &in), 0);
	assert_int_equal(td_disk_open(disk, in, slash != NULL ? slash + 1 : name,
				 TD_DISK_WRITE | TD_DISK_CREATE, &file),
		0);
	if (slash != NULL) {
		assert_int_equal(td_disk_sync_dir(disk, in), 0);
		td_disk_close(disk, in);
	}
	return file;
}

/* The files onto the disk, the events into the list. */
static void load_golden(
	const struct golden *golden, const struct td_disk *disk, struct td_buf *list)
{
	static char line[16384];
	uint8_t bytes[64];
	FILE *in = fopen(path_of(golden), "rb");
	int dir, file = -1, skip;
	unsigned long long number;
	char name[64];

	if (in == NULL)
		fail_msg("%s: cannot be opened", path_of(golden));
	assert_int_equal(td_disk_open_dir(disk, TD_DISK_NOWHERE, "store", TD_DISK_CREATE, &dir), 0);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "file %63s %llu", name, &number) == 2) {
			td_disk_close(disk, file);
			file = make_file(disk, dir, name);
			assert_int_equal(td_disk_truncate(disk, file, number), 0);
		} else if (sscanf(line, "@ %llu %n", &number, &skip) == 1) {
			assert_int_equal(td_disk_write_all(disk, file, bytes,
						 get_hex(line + skip, bytes), number),
				0);
			assert_int_equal(td_disk_sync(disk, file), 0);
		} else {
			assert_int_equal(strncmp(line, "event ", 6), 0);
			td_buf_add_text(list, td_text(line));
		}
	}
	fclose(in);
	td_disk_close(disk, file);
	assert_int_equal(td_disk_sync_dir(disk, dir), 0);
	td_disk_close(disk, dir);
}

static void expect_events(struct scene *scene, const struct td_buf *expected)
{
	struct td_buf found = TD_BUF_INIT((size_t)1 << 20);

	list_events(scene, &found);
	assert_true(expected->len > 0);
	assert_int_equal(found.len, expected->len);
	assert_memory_equal(found.at, expected->at, expected->len);
	td_buf_fini(&found);
	td_store_verify(scene->store);
}

static int verify(const struct scene *scene)
{
	return td_journal_verify(&scene->disk, "store", NULL, NULL, NULL, NULL);
}

static void read_golden(const struct golden *golden)
{
	struct td_buf list = TD_BUF_INIT((size_t)1 << 20);
	struct scene scene;
	struct sim_disk *sim = begin(&scene, golden);
	struct td_placed placed;

	load_golden(golden, &scene.disk, &list);
	assert_int_equal(verify(&scene), 0);
	scene.options.journal.create = false;
	scene.options.journal.read_only = true;
	scene_open(&scene);
	assert_int_equal(scene.report.tail, golden->tail);
	expect_events(&scene, &list);
	scene_close(&scene);

	scene.options.journal.read_only = false;
	scene_open(&scene);
	assert_int_equal(scene.report.tail, golden->tail);
	assert_int_equal(scene.report.damages_count, 0);
	assert_int_equal(scene.report.quarantined, golden->tail == TD_TAIL_TORN);
	expect_events(&scene, &list);
	/* Revisions go on where they stood, over what was removed, too. */
	placed = scene_append(&scene, "order.9", "written by a later version");
	assert_int_equal(placed.revision, 3);
	if (!golden->rewritten)
		assert_int_equal(scene_append(&scene, "few.things", "x").revision, 1);
	scene_commit(&scene);
	scene_reopen(&scene);
	assert_true(scene.report.clean);
	scene_close(&scene);
	assert_int_equal(verify(&scene), 0);
	td_buf_fini(&list);
	end(&scene, sim);
}

static void what_earlier_versions_wrote_is_read_and_gone_on_with(void **state)
{
	(void)state;
	for (size_t i = 0; i < STORES; i++) {
		if (getenv("TD_GOLDEN_WRITE") != NULL)
			write_golden(&stores[i]);
		read_golden(&stores[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_earlier_versions_wrote_is_read_and_gone_on_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
