#include "store_test.h"

#include <errno.h>
#include <string.h>

#include "disk/disk.h"
#include "store/key_format.h"

static void make_log(struct scene *scene)
{
	static const struct td_text patterns[] = {TD_TEXT_INIT("person.>")};
	static const struct td_text erasable[] = {TD_TEXT_INIT("person.*.private")};
	const struct td_log_config config = {.subjects = patterns,
		.subjects_count = 1,
		.erasable = erasable,
		.erasable_count = 1};
	uint64_t rests_on;

	must(scene, td_store_log_set(scene->store, td_text("people"), &config, TD_LOG_CREATE,
			    &rests_on, &scene->err));
}

static void begin(struct scene *scene, enum shelf shelf)
{
	scene_begin(scene, shelf);
	scene_open(scene);
	make_log(scene);
}

/* Appended, with what it waits for turned. */
static struct td_placed append(struct scene *scene, const char *address, const char *payload)
{
	struct td_entry entry = entry_of(address, payload);
	struct td_placed placed = {0};
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL,
			&scene->err)) == TD_E_FULL)
		scene_commit(scene);
	must(scene, code);
	scene_commit(scene);
	return placed;
}

static void expect_latest(struct scene *scene, const char *address, const char *payload)
{
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct td_stored stored;

	must(scene, td_store_latest(scene->store, td_text(NULL), td_text(address), &stored, &buf,
			    &scene->err));
	assert_int_equal(stored.erased, payload == NULL);
	if (payload != NULL)
		assert_true(td_text_is(stored.payload, payload));
	else
		assert_null(stored.payload.at);
	td_buf_fini(&buf);
}

/* Whether the bytes stand in some file below the store's directory. */
static const char *looked_for;
static unsigned found_in;

static int look_into(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	char *bytes;
	FILE *file;

	(void)where;
	if (kind != FTW_F || status->st_size == 0)
		return 0;
	file = fopen(path, "rb");
	assert_non_null(file);
	bytes = malloc((size_t)status->st_size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)status->st_size, file), status->st_size);
	fclose(file);
	found_in += memmem(bytes, (size_t)status->st_size, looked_for, strlen(looked_for)) != NULL;
	free(bytes);
	return 0;
}

static unsigned files_with(const struct scene *scene, const char *bytes)
{
	looked_for = bytes;
	found_in = 0;
	nftw(scene->path, look_into, 8, FTW_PHYS);
	return found_in;
}

static void what_is_sealed_is_read_as_it_was_given(enum shelf shelf)
{
	struct scene scene;

	begin(&scene, shelf);
	append(&scene, "person.1.private", "born in Ulm");
	append(&scene, "person.1.private", "");
	append(&scene, "person.2.private", "born in Bonn");
	append(&scene, "person.1.public", "plain");
	for (int i = 0; i < 2; i++) {
		expect_latest(&scene, "person.1.private", "");
		expect_latest(&scene, "person.2.private", "born in Bonn");
		expect_latest(&scene, "person.1.public", "plain");
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	append(&scene, "person.1.private", "born in Ulm");
	expect_latest(&scene, "person.1.private", "born in Ulm");
	scene_end(&scene);
}
BOTH(what_is_sealed_is_read_as_it_was_given)

static void what_is_sealed_never_lies_in_the_clear(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, IN_JOURNAL);
	append(&scene, "person.1.private", "a word that nobody else says");
	append(&scene, "person.1.public", "a word for everybody");
	scene_commit(&scene);
	assert_int_equal(files_with(&scene, "a word that nobody else says"), 0);
	assert_int_equal(files_with(&scene, "a word for everybody"), 1);
	scene_close(&scene);
	assert_int_equal(files_with(&scene, "a word that nobody else says"), 0);
	scene_end(&scene);
}

static uint64_t forget(struct scene *scene, const char *address)
{
	uint64_t key = 0, rests_on;
	int code;

	while ((code = td_store_forget(scene->store, td_text("people"), td_text(address), &key,
			&rests_on, &scene->err)) == TD_E_FULL)
		scene_commit(scene);
	must(scene, code);
	scene_commit(scene);
	assert_true(td_store_is_forgotten(scene->store, key));
	return key;
}

/* What the key file says of a key. */
static struct td_key_slot slot_on_disk(
	const struct td_disk *disk, const char *path, uint64_t number)
{
	const struct td_key_head head = {.first = 1, .stride = TD_KEY_STRIDE};
	struct td_key_slot slot = {0};
	uint8_t bytes[TD_KEY_SLOT_BYTES];
	int dir, keys, file;
	size_t got;

	assert_int_equal(td_disk_open_dir(disk, TD_DISK_NOWHERE, path, 0, &dir), 0);
	assert_int_equal(td_disk_open_dir(disk, dir, TD_KEYS_DIRECTORY, 0, &keys), 0);
	assert_int_equal(td_disk_open(disk, keys, "keys-0000000000000001", TD_DISK_READ, &file), 0);
	assert_int_equal(td_disk_read_all(disk, file, bytes, sizeof(bytes),
				 td_key_slot_at(&head, number), &got),
		0);
	assert_int_equal(got, sizeof(bytes));
	assert_null(td_key_slot_read(&slot, bytes));
	td_disk_close(disk, file);
	td_disk_close(disk, keys);
	td_disk_close(disk, dir);
	return slot;
}

static void what_is_forgotten_has_no_payload_any_more(enum shelf shelf)
{
	struct scene scene;
	uint64_t key;

	begin(&scene, shelf);
	append(&scene, "person.1.private", "born in Ulm");
	append(&scene, "person.2.private", "born in Bonn");
	append(&scene, "person.1.public", "plain");
	key = forget(&scene, "person.1.private");
	for (int i = 0; i < 3; i++) {
		expect_latest(&scene, "person.1.private", NULL);
		expect_latest(&scene, "person.2.private", "born in Bonn");
		expect_latest(&scene, "person.1.public", "plain");
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	if (shelf == IN_JOURNAL) {
		assert_true(slot_on_disk(&scene.disk, scene.path, key).destroyed);
		assert_false(slot_on_disk(&scene.disk, scene.path, key + 1).destroyed);
	}
	scene_end(&scene);
}
BOTH(what_is_forgotten_has_no_payload_any_more)

static void what_comes_after_forgetting_has_another_key(enum shelf shelf)
{
	struct scene scene;
	struct td_placed placed;
	uint64_t first, second;

	begin(&scene, shelf);
	append(&scene, "person.1.private", "before");
	first = forget(&scene, "person.1.private");
	placed = append(&scene, "person.1.private", "after");
	assert_int_equal(placed.revision, 2);
	expect_latest(&scene, "person.1.private", "after");
	scene_reopen(&scene);
	expect_latest(&scene, "person.1.private", "after");
	second = forget(&scene, "person.1.private");
	assert_int_not_equal(first, second);
	scene_reopen(&scene);
	expect_latest(&scene, "person.1.private", NULL);
	scene_end(&scene);
}
BOTH(what_comes_after_forgetting_has_another_key)

static void of_whom_nothing_is_sealed_nothing_is_forgotten(enum shelf shelf)
{
	struct scene scene;
	uint64_t key, rests_on;

	begin(&scene, shelf);
	append(&scene, "person.1.public", "plain");
	append(&scene, "person.1.private", "sealed");
	assert_int_equal(td_store_forget(scene.store, td_text("people"), td_text("person.1.public"),
				 &key, &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	assert_int_equal(td_store_forget(scene.store, td_text("nobody"),
				 td_text("person.1.private"), &key, &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	forget(&scene, "person.1.private");
	assert_int_equal(td_store_forget(scene.store, td_text("people"),
				 td_text("person.1.private"), &key, &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	scene_end(&scene);
}
BOTH(of_whom_nothing_is_sealed_nothing_is_forgotten)

/* With an id, so that it can be met again. */
static int append_again(struct scene *scene, const char *payload, bool *duplicate)
{
	struct td_entry entry = entry_of("person.1.private", payload);
	struct td_placed placed = {0};
	uint64_t rests_on;
	int code;

	entry.headers = td_text("NATS/1.0\r\nNats-Msg-Id: one\r\n\r\n");
	entry.key[0] = td_text("one");
	while ((code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL, NULL)) ==
		TD_E_FULL)
		scene_commit(scene);
	*duplicate = placed.duplicate;
	scene_commit(scene);
	return code;
}

static void nobody_is_told_whether_he_guessed_what_was_forgotten(enum shelf shelf)
{
	struct scene scene;
	bool duplicate;

	begin(&scene, shelf);
	must(&scene, append_again(&scene, "born in Ulm", &duplicate));
	for (int i = 0; i < 2; i++) {
		must(&scene, append_again(&scene, "born in Ulm", &duplicate));
		assert_true(duplicate);
		assert_int_equal(append_again(&scene, "born in Bonn", &duplicate), TD_E_DUPLICATE);
		scene_reopen(&scene);
	}
	forget(&scene, "person.1.private");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(append_again(&scene, "born in Ulm", &duplicate), TD_E_DUPLICATE);
		assert_int_equal(append_again(&scene, "born in Bonn", &duplicate), TD_E_DUPLICATE);
		scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(nobody_is_told_whether_he_guessed_what_was_forgotten)

static void an_append_that_is_refused_gives_no_key(enum shelf shelf)
{
	struct scene scene;
	struct td_entry entries[3];
	struct td_placed placed[3];
	uint64_t rests_on, key;

	begin(&scene, shelf);
	append(&scene, "person.1.private", "a");
	entries[0] = entry_of("person.2.private", "b");
	entries[1] = entry_of("person.3.private", "c");
	entries[2] = entry_of("person.1.private", "d");
	entries[2].expect = TD_EXPECT_NONE;
	assert_int_equal(td_store_append(scene.store, entries, 3, placed, &rests_on, NULL, NULL),
		TD_E_REVISION);
	assert_int_equal(td_store_forget(scene.store, td_text("people"),
				 td_text("person.2.private"), &key, &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	entries[2].expect = TD_EXPECT_ANY;
	must(&scene, td_store_append(scene.store, entries, 3, placed, &rests_on, NULL, &scene.err));
	scene_reopen(&scene);
	expect_latest(&scene, "person.3.private", "c");
	expect_latest(&scene, "person.1.private", "d");
	assert_int_equal(forget(&scene, "person.3.private"), 3);
	scene_end(&scene);
}
BOTH(an_append_that_is_refused_gives_no_key)

static void a_log_that_is_deleted_takes_its_keys_with_it(void **state)
{
	struct scene scene;
	uint64_t rests_on;

	(void)state;
	begin(&scene, IN_JOURNAL);
	for (char name[] = "person.0.private"; name[7] <= '9'; name[7]++)
		append(&scene, name, "x");
	must(&scene, td_store_log_delete(scene.store, td_text("people"), &rests_on, &scene.err));
	scene_commit(&scene);
	for (uint64_t key = 1; key <= 11; key++)
		assert_int_equal(slot_on_disk(&scene.disk, scene.path, key).destroyed, key <= 10);
	make_log(&scene);
	append(&scene, "person.1.private", "y");
	scene_reopen(&scene);
	expect_latest(&scene, "person.1.private", "y");
	scene_end(&scene);
}

/* Its frame may lie in quarantine/, and would be read with the key of who got it next. */
static void a_key_of_a_frame_that_came_to_nothing_is_given_to_nobody(void **state)
{
	struct scene scene;
	struct td_entry entry = entry_of("person.2.private", "lost");
	struct td_placed placed;
	uint64_t rests_on;

	(void)state;
	begin(&scene, IN_JOURNAL);
	append(&scene, "person.1.private", "kept");
	must(&scene, td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err));
	td_store_abandon(scene.store);
	scene_open(&scene);
	assert_false(scene.report.clean);
	scene_reopen(&scene); /* it is remembered when nothing else is written, too */
	append(&scene, "person.3.private", "another");
	assert_true(forget(&scene, "person.3.private") > 2);
	assert_int_equal(forget(&scene, "person.1.private"), 1);
	scene_end(&scene);
}

static void more_subjects_than_keys_were_made_ahead(void **state)
{
	struct scene scene;
	char address[64];

	(void)state;
	begin(&scene, IN_JOURNAL);
	for (int i = 0; i < 1500; i++) {
		snprintf(address, sizeof(address), "person.%d.private", i);
		append(&scene, address, address);
		if (i % 500 == 250)
			scene_reopen(&scene);
	}
	for (int i = 0; i < 1500; i += 7) {
		snprintf(address, sizeof(address), "person.%d.private", i);
		expect_latest(&scene, address, address);
	}
	scene_end(&scene);
}

/* --- files that are not as they should be ------------------------------------------------- */

static struct sim_disk *begin_simulated(struct scene *scene)
{
	struct sim_disk *sim = sim_disk_new(&(struct sim_disk_options){0});

	scene_begin(scene, IN_MEMORY);
	scene->shelf = IN_JOURNAL;
	strcpy(scene->path, "store");
	scene->disk = *sim_disk_table(sim);
	return sim;
}

static void end_simulated(struct scene *scene, struct sim_disk *sim)
{
	td_store_abandon(scene->store);
	sim_disk_free(sim);
}

#define KEY_FILE "store/keys/keys-0000000000000001"

static void keys_that_are_missing_leave_events_without_payloads(void **state)
{
	struct scene scene;
	struct sim_disk *sim = begin_simulated(&scene);
	int dir, keys;

	(void)state;
	scene_open(&scene);
	make_log(&scene);
	append(&scene, "person.1.private", "born in Ulm");
	append(&scene, "person.1.public", "plain");
	scene_close(&scene);
	assert_int_equal(td_disk_open_dir(&scene.disk, TD_DISK_NOWHERE, "store", 0, &dir), 0);
	assert_int_equal(td_disk_open_dir(&scene.disk, dir, "keys", 0, &keys), 0);
	assert_int_equal(
		td_disk_rename(&scene.disk, keys, "keys-0000000000000001", keys, "elsewhere"), 0);
	scene_open(&scene);
	expect_latest(&scene, "person.1.private", NULL);
	expect_latest(&scene, "person.1.public", "plain");
	append(&scene, "person.1.private", "written without the old keys");
	scene_reopen(&scene);
	expect_latest(&scene, "person.1.private", "written without the old keys");
	scene_close(&scene);
	/* They come back from where they were kept. */
	assert_int_equal(
		td_disk_rename(&scene.disk, keys, "elsewhere", keys, "keys-0000000000000001"), 0);
	scene_open(&scene);
	expect_latest(&scene, "person.1.private", "written without the old keys");
	{
		const struct td_text subject = TD_TEXT_INIT("person.1.private");
		const struct td_read_options options = {.subjects = &subject, .subjects_count = 1};
		struct td_cursor *cursor;
		struct td_stored stored;

		must(&scene, td_store_read(&cursor, scene.store, &options, &scene.err));
		must(&scene, td_cursor_next(cursor, &stored, &scene.err));
		assert_true(td_text_is(stored.payload, "born in Ulm"));
		td_cursor_close(cursor);
	}
	td_disk_close(&scene.disk, keys);
	td_disk_close(&scene.disk, dir);
	end_simulated(&scene, sim);
}

/* Its slot is destroyed while it is read: what comes back is half of each. */
static struct scene *reading;

static int read_while_forgotten(
	void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	struct scene *scene = reading;
	int code = td_disk_real.read(arg, file, bytes, len, offset, got);

	if (scene == NULL || len != TD_KEY_SLOT_BYTES)
		return code;
	reading = NULL;
	forget(scene, "person.1.private");
	memset((char *)bytes + len / 2, 0x55, len / 2);
	return code;
}

static void a_key_that_is_destroyed_while_it_is_read_is_destroyed(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, IN_JOURNAL);
	scene.disk.read = read_while_forgotten;
	append(&scene, "person.1.private", "born in Ulm");
	scene.now_ns += 600000000000; /* no duplicates: opened again, no key is looked at */
	scene_reopen(&scene);
	reading = &scene;
	expect_latest(&scene, "person.1.private", NULL);
	assert_null(reading);
	expect_latest(&scene, "person.1.private", NULL);
	scene_end(&scene);
}

static void a_key_that_is_damaged_is_an_error_that_names_its_file(void **state)
{
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct scene scene;
	struct sim_disk *sim = begin_simulated(&scene);
	struct td_stored stored;

	(void)state;
	scene_open(&scene);
	make_log(&scene);
	append(&scene, "person.1.private", "born in Ulm");
	append(&scene, "person.2.private", "born in Bonn");
	scene_close(&scene);
	for (uint64_t bit = 0; bit < UINT64_C(8) * TD_KEY_SLOT_BYTES; bit++) {
		assert_int_equal(
			sim_disk_flip(sim, KEY_FILE, UINT64_C(8) * TD_KEY_HEAD_BYTES + bit), 0);
		scene_open(&scene);
		assert_int_equal(td_store_latest(scene.store, td_text(NULL),
					 td_text("person.1.private"), &stored, &buf, &scene.err),
			TD_E_DAMAGED);
		assert_non_null(strstr(scene.err.text, "keys/keys-0000000000000001"));
		expect_latest(&scene, "person.2.private", "born in Bonn");
		scene_close(&scene);
		assert_int_equal(
			sim_disk_flip(sim, KEY_FILE, UINT64_C(8) * TD_KEY_HEAD_BYTES + bit), 0);
	}
	for (uint64_t bit = 0; bit < UINT64_C(8) * TD_KEY_HEAD_BYTES; bit += 3) {
		assert_int_equal(sim_disk_flip(sim, KEY_FILE, bit), 0);
		assert_int_equal(
			td_store_open(&scene.store, scene.path, &scene.options, NULL, &scene.err),
			TD_E_DAMAGED);
		assert_non_null(strstr(scene.err.text, "keys/keys-0000000000000001"));
		assert_int_equal(sim_disk_flip(sim, KEY_FILE, bit), 0);
	}
	scene_open(&scene);
	expect_latest(&scene, "person.1.private", "born in Ulm");
	td_buf_fini(&buf);
	end_simulated(&scene, sim);
}

/* A disk that gets full in the middle of what is written of keys. */
static int (*write_whole)(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put);
static size_t fits; /* so many bytes; 0: all */

static int write_some(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	struct td_disk_part part = parts[0];
	int code;

	if (fits == 0 || count != 1 || part.len != (size_t)512 * TD_KEY_SLOT_BYTES)
		return write_whole(arg, file, parts, count, offset, put);
	part.len = fits;
	code = write_whole(arg, file, &part, 1, offset, put);
	return code == 0 ? ENOSPC : code;
}

static int append_full(struct scene *scene, const char *address)
{
	const struct td_entry entry = entry_of(address, "born in Ulm");
	struct td_placed placed;
	struct td_chore *chore;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL,
			&scene->err)) == TD_E_FULL) {
		chore = td_store_next(scene->store, TD_WORK_EVERYTHING & ~TD_WORK_RETAIN,
			scene->now_ns / 1000000);
		assert_non_null(chore);
		td_chore_run(chore);
		(void)td_store_done(scene->store, chore, &scene->err);
	}
	return code;
}

/* Closed in order behind that, or killed; opened again; and the power is cut. */
static void play_half_made(size_t bytes, bool killed, uint64_t seed)
{
	struct scene scene;
	struct sim_disk *sim = begin_simulated(&scene);
	char address[64];

	write_whole = scene.disk.write;
	scene.disk.write = write_some;
	scene_open(&scene);
	make_log(&scene);
	fits = bytes;
	assert_int_equal(append_full(&scene, "person.1.private"), TD_E_DISK_FULL);
	fits = 0;
	if (killed) {
		sim_disk_kill(sim);
		td_store_abandon(scene.store);
		scene_open(&scene);
	} else {
		scene_reopen(&scene);
	}
	assert_int_equal(scene.report.clean, !killed);
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "person.%d.private", i);
		append(&scene, address, address);
	}
	sim_disk_crash(sim, &(struct sim_disk_fate){.seed = seed});
	td_store_abandon(scene.store);
	scene_open(&scene);
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "person.%d.private", i);
		expect_latest(&scene, address, address);
	}
	end_simulated(&scene, sim);
}

static void keys_whose_making_failed_half_way_are_given_to_nobody(void **state)
{
	static const size_t whole = (size_t)64 * TD_KEY_SLOT_BYTES;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		for (int killed = 0; killed < 2; killed++) {
			play_half_made(whole, killed, seed); /* and not synced */
			play_half_made(whole + 1, killed, seed);
		}
	}
}

static int open_keys_file(struct scene *scene)
{
	int dir, keys, file;

	assert_int_equal(td_disk_open_dir(&scene->disk, TD_DISK_NOWHERE, "store", 0, &dir), 0);
	assert_int_equal(td_disk_open_dir(&scene->disk, dir, "keys", 0, &keys), 0);
	assert_int_equal(td_disk_open(&scene->disk, keys, "keys-0000000000000001",
				 TD_DISK_READ | TD_DISK_WRITE, &file),
		0);
	td_disk_close(&scene->disk, keys);
	td_disk_close(&scene->disk, dir);
	return file;
}

static void keys_that_are_cut_or_anothers_are_refused(void **state)
{
	struct scene scene, other;
	struct sim_disk *sim = begin_simulated(&scene), *second = begin_simulated(&other);
	uint8_t bytes[TD_KEY_HEAD_BYTES];
	size_t got;
	int file;

	(void)state;
	td_rng_init(&other.rng, 43);
	scene_open(&scene);
	make_log(&scene);
	append(&scene, "person.1.private", "born in Ulm");
	scene_close(&scene);
	scene_open(&other);
	make_log(&other);
	append(&other, "person.1.private", "born in Bonn");
	scene_close(&other);

	file = open_keys_file(&scene);
	assert_int_equal(td_disk_truncate(&scene.disk, file, TD_KEY_HEAD_BYTES + 63), 0);
	assert_int_equal(td_store_open(&scene.store, "store", &scene.options, NULL, &scene.err),
		TD_E_DAMAGED);
	assert_non_null(strstr(scene.err.text, "keys/keys-0000000000000001"));
	td_disk_close(&scene.disk, file);

	file = open_keys_file(&scene);
	assert_int_equal(td_disk_read_all(&scene.disk, file, bytes, sizeof(bytes), 0, &got), 0);
	td_disk_close(&scene.disk, file);
	file = open_keys_file(&other);
	assert_int_equal(td_disk_write_all(&other.disk, file, bytes, sizeof(bytes), 0), 0);
	td_disk_close(&other.disk, file);
	assert_int_equal(td_store_open(&other.store, "store", &other.options, NULL, &other.err),
		TD_E_FOREIGN);
	scene.store = other.store = NULL;
	end_simulated(&scene, sim);
	end_simulated(&other, second);
}

/* --- crashes ------------------------------------------------------------------------------ */

enum { FATES = 6 };

/* How far the workload came: what was acknowledged. */
struct progress {
	bool log, first, second, asked, forgotten, third;
	uint64_t key;
};

static int turn_kinds(struct scene *scene, unsigned kinds)
{
	struct td_chore *chore;
	int code = 0;

	while (code == 0 &&
		(chore = td_store_next(scene->store, kinds, scene->now_ns / 1000000)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(scene->store, chore, NULL);
	}
	return code;
}

static int turn(struct scene *scene)
{
	return turn_kinds(scene, TD_WORK_EVERYTHING);
}

static bool try_append(struct scene *scene, const char *address, const char *payload)
{
	struct td_entry entry = entry_of(address, payload);
	struct td_placed placed;
	uint64_t rests_on;
	int code;

	for (int tries = 0; tries < 3; tries++) {
		code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL, NULL);
		if (turn(scene) != 0 || (code != 0 && code != TD_E_FULL))
			return false;
		if (code == 0)
			return td_store_durable(scene->store) > placed.position;
	}
	return false;
}

static bool try_forget(struct scene *scene, struct progress *progress)
{
	uint64_t rests_on;

	progress->asked = true;
	if (td_store_forget(scene->store, td_text("people"), td_text("person.1.private"),
		    &progress->key, &rests_on, NULL) != 0 ||
		turn(scene) != 0)
		return false;
	return td_store_durable(scene->store) > rests_on &&
	       td_store_is_forgotten(scene->store, progress->key);
}

static void play(struct scene *scene, struct progress *progress)
{
	static const struct td_text patterns[] = {TD_TEXT_INIT("person.>")};
	const struct td_log_config config = {.subjects = patterns,
		.subjects_count = 1,
		.erasable = patterns,
		.erasable_count = 1};
	uint64_t rests_on;

	if (td_store_open(&scene->store, scene->path, &scene->options, NULL, NULL) != 0) {
		scene->store = NULL;
		return;
	}
	progress->log = td_store_log_set(scene->store, td_text("people"), &config, TD_LOG_CREATE,
				&rests_on, NULL) == 0 &&
			turn(scene) == 0;
	progress->first = progress->log && try_append(scene, "person.1.private", "first");
	progress->second = progress->first && try_append(scene, "person.2.private", "second");
	progress->forgotten = progress->second && try_forget(scene, progress);
	progress->third = progress->forgotten && try_append(scene, "person.1.private", "third");
}

static void judge_subject(struct scene *scene, const struct progress *progress, bool is_first)
{
	const struct td_text subject = td_text(is_first ? "person.1.private" : "person.2.private");
	const struct td_read_options options = {.subjects = &subject, .subjects_count = 1};
	struct td_cursor *cursor;
	struct td_stored stored;
	unsigned count = 0;
	int code;

	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		count++;
		if (!is_first) {
			assert_true(td_text_is(stored.payload, "second"));
		} else if (stored.revision == 1) {
			assert_true(stored.erased ? progress->asked
						  : td_text_is(stored.payload, "first"));
			assert_true(stored.erased || !progress->forgotten);
		} else {
			assert_true(td_text_is(stored.payload, "third"));
		}
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	assert_true(count >=
		    (is_first ? (unsigned)progress->first + progress->third : progress->second));
	td_cursor_close(cursor);
}

static void judge(struct scene *scene, const struct progress *progress)
{
	if (progress->forgotten)
		assert_true(slot_on_disk(&scene->disk, "store", progress->key).destroyed);
	scene_open(scene);
	judge_subject(scene, progress, true);
	judge_subject(scene, progress, false);
	td_store_verify(scene->store);
	if (progress->log) {
		append(scene, "person.1.private", "after");
		append(scene, "person.3.private", "after");
		expect_latest(scene, "person.1.private", "after");
		forget(scene, "person.1.private");
		scene_reopen(scene);
		expect_latest(scene, "person.1.private", NULL);
		expect_latest(scene, "person.3.private", "after");
	}
	scene_close(scene);
}

static void a_crash_anywhere_loses_no_payload_and_keeps_none_that_was_forgotten(void **state)
{
	struct progress progress = {0};
	unsigned worlds = 0;

	(void)state;
	for (uint64_t changes = 0; !progress.third; changes++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);

		memset(&progress, 0, sizeof(progress));
		sim_disk_freeze_after(sim, changes);
		play(&scene, &progress);
		for (uint64_t seed = 0; seed < FATES; seed++) {
			struct scene after;
			struct sim_disk *empty = begin_simulated(&after);
			struct sim_disk *copy = sim_disk_copy(sim);

			sim_disk_free(empty);
			after.disk = *sim_disk_table(copy);
			td_rng_init(&after.rng, 1000 * changes + seed);
			sim_disk_crash(copy, &(struct sim_disk_fate){.seed = seed});
			judge(&after, &progress);
			sim_disk_free(copy);
			worlds++;
		}
		end_simulated(&scene, sim);
	}
	assert_true(worlds > 100);
}

/* What was made ahead may be in the cache alone: the process that made it was killed. */
static void keys_that_were_passed_over_are_on_the_disk(void **state)
{
	struct progress progress = {0};

	(void)state;
	for (uint64_t changes = 0; !progress.first; changes++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);
		struct sim_disk *copy;

		memset(&progress, 0, sizeof(progress));
		sim_disk_freeze_after(sim, changes);
		play(&scene, &progress);
		td_store_abandon(scene.store);
		sim_disk_kill(sim);
		scene_open(&scene);
		turn_kinds(&scene, TD_WORK_COMMIT);
		if (changes % 2 == 1 && progress.log)
			progress.second = try_append(&scene, "person.2.private", "second");
		for (uint64_t seed = 0; seed < FATES; seed++) {
			struct scene after;
			struct sim_disk *empty = begin_simulated(&after);

			copy = sim_disk_copy(sim);
			sim_disk_free(empty);
			after.disk = *sim_disk_table(copy);
			sim_disk_crash(copy, &(struct sim_disk_fate){.seed = seed});
			judge(&after, &progress);
			sim_disk_free(copy);
		}
		end_simulated(&scene, sim);
	}
}

/* A page that power went under is neither old nor new; it is the doomed key's alone. */
static void a_key_that_power_went_under_is_overwritten_again(void **state)
{
	struct progress progress = {0};

	(void)state;
	for (uint64_t changes = 0; !progress.third; changes++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);

		memset(&progress, 0, sizeof(progress));
		scene.options.journal.strict = true;
		sim_disk_freeze_after(sim, changes);
		play(&scene, &progress);
		for (uint64_t seed = 0; progress.asked && seed < 4 * FATES; seed++) {
			struct scene after;
			struct sim_disk *empty = begin_simulated(&after);
			struct sim_disk *copy = sim_disk_copy(sim);

			sim_disk_free(empty);
			after.disk = *sim_disk_table(copy);
			after.options.journal.strict = true;
			sim_disk_crash(
				copy, &(struct sim_disk_fate){.seed = seed, .destroys = true});
			scene_open(&after);
			judge_subject(&after, &progress, true);
			judge_subject(&after, &progress, false);
			scene_close(&after);
			sim_disk_free(copy);
		}
		end_simulated(&scene, sim);
	}
}

/* Keys that were not made for want of room are not spare when the store is opened again. */
static void keys_that_there_was_no_room_for_are_given_to_nobody(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (uint64_t n = 1; n <= 6; n++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);
		struct td_entry entry = entry_of("person.1.private", "first");
		struct td_placed placed;
		uint64_t rests_on;

		scene_open(&scene);
		make_log(&scene);
		scene_commit(&scene);
		sim_disk_fail_at(sim, SIM_DISK_CALL_SYNC, n, ENOSPC, false);
		for (int i = 0; i < 3; i++) {
			refused += td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL,
					   NULL) == TD_E_DISK_FULL;
			turn(&scene);
		}
		(void)td_store_close(scene.store, NULL); /* it may fail there, too */
		sim_disk_fail_at(sim, SIM_DISK_CALL_SYNC, 0, 0, false);
		scene_open(&scene);
		append(&scene, "person.1.private", "first");
		append(&scene, "person.2.private", "second");
		td_store_abandon(scene.store);
		sim_disk_crash(sim, &(struct sim_disk_fate){.seed = n});
		scene_open(&scene);
		expect_latest(&scene, "person.1.private", "first");
		expect_latest(&scene, "person.2.private", "second");
		end_simulated(&scene, sim);
	}
	assert_true(refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(what_is_sealed_is_read_as_it_was_given),
		cmocka_unit_test(what_is_sealed_never_lies_in_the_clear),
		BOTH_TESTS(what_is_forgotten_has_no_payload_any_more),
		cmocka_unit_test(a_key_that_is_destroyed_while_it_is_read_is_destroyed),
		BOTH_TESTS(what_comes_after_forgetting_has_another_key),
		BOTH_TESTS(of_whom_nothing_is_sealed_nothing_is_forgotten),
		BOTH_TESTS(nobody_is_told_whether_he_guessed_what_was_forgotten),
		BOTH_TESTS(an_append_that_is_refused_gives_no_key),
		cmocka_unit_test(a_log_that_is_deleted_takes_its_keys_with_it),
		cmocka_unit_test(a_key_of_a_frame_that_came_to_nothing_is_given_to_nobody),
		cmocka_unit_test(more_subjects_than_keys_were_made_ahead),
		cmocka_unit_test(keys_that_are_missing_leave_events_without_payloads),
		cmocka_unit_test(a_key_that_is_damaged_is_an_error_that_names_its_file),
		cmocka_unit_test(keys_whose_making_failed_half_way_are_given_to_nobody),
		cmocka_unit_test(keys_that_are_cut_or_anothers_are_refused),
		cmocka_unit_test(
			a_crash_anywhere_loses_no_payload_and_keeps_none_that_was_forgotten),
		cmocka_unit_test(keys_that_were_passed_over_are_on_the_disk),
		cmocka_unit_test(a_key_that_power_went_under_is_overwritten_again),
		cmocka_unit_test(keys_that_there_was_no_room_for_are_given_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
