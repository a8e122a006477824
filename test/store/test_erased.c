#include "store_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"

#define WORD "what was said in confidence"

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

static void append(struct scene *scene, const char *address, const char *payload)
{
	struct td_entry entry = entry_of(address, payload);
	struct td_placed placed;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL,
			&scene->err)) == TD_E_FULL)
		scene_commit(scene);
	must(scene, code);
	scene_commit(scene);
}

/* The seqs of all events of `$tidings` of this type, one behind the other, as they were told. */
static const char *told(struct scene *scene, const char *type)
{
	static char text[65536];
	const struct td_text types[] = {td_text(type)};
	const struct td_read_options options = {
		.log = td_text(TD_LOG_CONTROL), .types = types, .types_count = 1, .control = true};
	struct td_cursor *cursor;
	struct td_stored stored;
	int code;

	text[0] = '\0';
	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		struct td_json object, seqs, name;

		must(scene, td_json_parse(stored.payload, TD_JSON_DEPTH_MAX, &object, &scene->err));
		seqs = td_json_get(object, td_text("seqs"));
		name = td_json_get(object, td_text("log"));
		assert_true(td_json_string_is(name, td_text("people")));
		assert_true(strlen(text) + seqs.text.len + 2 < sizeof(text));
		strncat(text, seqs.text.at, seqs.text.len);
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_cursor_close(cursor);
	return text;
}

static void erase(struct scene *scene, const uint64_t *seqs, size_t count)
{
	const struct td_removal removal = {.log = td_text("people"),
		.seqs = seqs,
		.seqs_count = count,
		.erase = true,
		.rule = td_text("request")};
	uint64_t removed, rests_on;

	must(scene, td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
	assert_int_equal(removed, count);
	scene_commit(scene);
}

static void pass_a_minute(struct scene *scene)
{
	scene->now_ns += INT64_C(61000000000);
	scene_retain(scene);
	scene_commit(scene);
	scene_retain(scene);
}

static void what_is_erased_is_told_when_its_bytes_are_gone(void **state)
{
	static const uint64_t seqs[] = {2, 3, 5};
	struct scene scene;

	(void)state;
	begin(&scene, IN_JOURNAL);
	for (int i = 0; i < 6; i++)
		append(&scene, "person.1.public", "x");
	erase(&scene, seqs, 3);
	scene_retain(&scene);
	assert_string_equal(told(&scene, "Erased"), "");
	for (int i = 0; i < 3; i++) {
		pass_a_minute(&scene);
		assert_string_equal(told(&scene, "Erased"), "[[2,3],[5,5]]");
		scene_reopen(&scene);
	}
	scene_end(&scene);
}

static void forgetting_is_told_when_the_key_is_gone(enum shelf shelf)
{
	struct scene scene;
	uint64_t key, rests_on;

	begin(&scene, shelf);
	append(&scene, "person.1.private", "x");
	append(&scene, "person.1.public", "x");
	append(&scene, "person.1.private", "x");
	append(&scene, "person.1.private", "x");
	append(&scene, "person.2.private", "x");
	must(&scene, td_store_forget(scene.store, td_text("people"), td_text("person.1.private"),
			     &key, &rests_on, &scene.err));
	append(&scene, "person.1.private", "y");
	assert_true(td_store_is_forgotten(scene.store, key));
	for (int i = 0; i < 3; i++) {
		scene_retain(&scene);
		assert_string_equal(told(&scene, "Erased"), "[[1,1],[3,4]]");
		scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(forgetting_is_told_when_the_key_is_gone)

/* Every page of every index beside a segment is garbage from now on. */
static void spoil_indexes(const struct scene *scene)
{
	char command[300];

	snprintf(command, sizeof(command),
		"for f in %s/index-*; do head -c $(($(stat -c %%s $f) - 168)) /dev/zero | "
		"tr '\\0' x | dd of=$f bs=1 seek=168 conv=notrunc status=none; done",
		scene->path);
	assert_int_equal(system(command), 0);
}

/* What was forgotten of an index that cannot be read is told when it can be. */
static void what_cannot_be_looked_up_is_told_later(void **state)
{
	struct td_chore *chore;
	struct scene scene;
	uint64_t key, rests_on;
	unsigned damaged = 0;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.index_bytes = 1;
	scene_open(&scene);
	make_log(&scene);
	for (int i = 0; i < 3; i++) {
		append(&scene, "person.1.private", "x");
		td_journal_roll(td_store_journal(scene.store));
		append(&scene, "person.2.private", "x");
		scene.now_ns += 200000000000;
	}
	scene_reopen(&scene);
	spoil_indexes(&scene);
	must(&scene, td_store_forget(scene.store, td_text("people"), td_text("person.1.private"),
			     &key, &rests_on, &scene.err));
	for (int i = 0; i < 3; i++) {
		while ((chore = td_store_next(
				scene.store, TD_WORK_EVERYTHING, scene.now_ns / 1000000)) != NULL) {
			td_chore_run(chore);
			damaged += td_store_done(scene.store, chore, NULL) == TD_E_DAMAGED;
		}
		scene.now_ns += 10000000000;
	}
	assert_true(damaged > 0);
	assert_true(td_store_is_forgotten(scene.store, key));
	scene_reopen(&scene); /* reads its segments */
	scene_retain(&scene);
	assert_string_equal(told(&scene, "Erased"), "[[1,1],[3,3],[5,5]]");
	scene_end(&scene);
}

static void what_a_restart_came_before_is_told_after_it(void **state)
{
	struct scene scene;
	uint64_t key, rests_on;

	(void)state;
	begin(&scene, IN_JOURNAL);
	append(&scene, "person.2.private", "x");
	append(&scene, "person.1.private", "x");
	must(&scene, td_store_forget(scene.store, td_text("people"), td_text("person.1.private"),
			     &key, &rests_on, &scene.err));
	scene_reopen(&scene);
	assert_string_equal(told(&scene, "Erased"), "");
	append(&scene, "person.1.private", "y");
	scene_retain(&scene);
	assert_string_equal(told(&scene, "Erased"), "[[2,2]]");
	scene_end(&scene);
}

static void many_seqs_are_told_in_several_events(void **state)
{
	struct scene scene;
	uint64_t key, rests_on, at = 0, first, last;
	const char *rest;
	bool seen[1300] = {false};
	int n;

	(void)state;
	begin(&scene, IN_JOURNAL);
	for (int i = 0; i < 600; i++) {
		append(&scene, "person.1.private", "x");
		append(&scene, "person.2.private", "x");
	}
	must(&scene, td_store_forget(scene.store, td_text("people"), td_text("person.1.private"),
			     &key, &rests_on, &scene.err));
	scene_commit(&scene);
	scene_retain(&scene);
	rest = told(&scene, "Erased");
	while ((rest = strpbrk(rest, "0123456789")) != NULL) {
		assert_int_equal(sscanf(rest, "%" SCNu64 ",%" SCNu64 "%n", &first, &last, &n), 2);
		assert_int_equal(first, last);
		assert_false(seen[first]);
		seen[first] = true;
		rest += n;
		at++;
	}
	assert_int_equal(at, 600);
	for (int i = 1; i <= 1200; i++)
		assert_int_equal(seen[i], i % 2 == 1);
	scene_end(&scene);
}

/* --- crashes ------------------------------------------------------------------------------ */

static struct sim_disk *begin_simulated(struct scene *scene)
{
	struct sim_disk *sim = sim_disk_new(&(struct sim_disk_options){0});

	scene_begin(scene, IN_MEMORY);
	scene->shelf = IN_JOURNAL;
	strcpy(scene->path, "store");
	scene->disk = *sim_disk_table(sim);
	scene->options.journal.segment_bytes_first = (size_t)32 << 10;
	return sim;
}

struct looking {
	const struct scene *scene;
	int dir;
	unsigned found;
};

static int look_into(void *arg, const struct td_disk_entry *entry)
{
	struct looking *looking = arg;
	const struct td_disk *disk = &looking->scene->disk;
	char *bytes;
	size_t got;
	int file;

	if (entry->kind != TD_DISK_FILE || strncmp(entry->name, "seg-", 4) != 0)
		return 0;
	bytes = malloc((size_t)entry->bytes);
	assert_non_null(bytes);
	assert_int_equal(td_disk_open(disk, looking->dir, entry->name, TD_DISK_READ, &file), 0);
	assert_int_equal(td_disk_read_all(disk, file, bytes, (size_t)entry->bytes, 0, &got), 0);
	td_disk_close(disk, file);
	looking->found += memmem(bytes, got, WORD, strlen(WORD)) != NULL;
	free(bytes);
	return 0;
}

static unsigned segments_with_it(const struct scene *scene)
{
	struct looking looking = {.scene = scene};

	assert_int_equal(
		td_disk_open_dir(&scene->disk, TD_DISK_NOWHERE, "store", 0, &looking.dir), 0);
	assert_int_equal(td_disk_list(&scene->disk, looking.dir, look_into, &looking), 0);
	td_disk_close(&scene->disk, looking.dir);
	return looking.found;
}

static int turn(struct scene *scene)
{
	struct td_chore *chore;
	int code = 0;

	while (code == 0 && (chore = td_store_next(scene->store, TD_WORK_EVERYTHING,
				     scene->now_ns / 1000000)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(scene->store, chore, NULL);
	}
	return code;
}

/* Erase seq 2, and let the minute pass while the disk stops somewhere; true: it did not. */
static bool play(struct scene *scene)
{
	static const uint64_t two = 2;
	const struct td_removal removal = {
		.log = td_text("people"), .seqs = &two, .seqs_count = 1, .erase = true};
	uint64_t removed, rests_on;

	if (td_store_remove(scene->store, &removal, &removed, &rests_on, NULL) != 0 ||
		turn(scene) != 0)
		return false;
	for (int minutes = 0; minutes < 2; minutes++) {
		scene->now_ns += INT64_C(61000000000);
		if (turn(scene) != 0)
			return false;
	}
	return told(scene, "Erased")[0] != '\0';
}

/* Whoever turns all work but commits must not get there first. */
static void nothing_is_erased_before_it_is_durable_that_it_will_be(void **state)
{
	static const uint64_t two = 2;
	struct scene scene;
	struct sim_disk *sim = begin_simulated(&scene);
	struct td_chore *chore;

	(void)state;
	scene_open(&scene);
	make_log(&scene);
	append(&scene, "person.1.public", "x");
	append(&scene, "person.1.public", WORD);
	erase(&scene, &two, 1);
	scene.now_ns += INT64_C(61000000000);
	for (int rounds = 0; told(&scene, "td.log.erasing")[0] == '\0'; rounds++) {
		assert_true(rounds < 10);
		while ((chore = td_store_next(scene.store,
				(unsigned)TD_WORK_EVERYTHING & ~(unsigned)TD_WORK_COMMIT,
				scene.now_ns / 1000000)) != NULL) {
			td_chore_run(chore);
			must(&scene, td_store_done(scene.store, chore, &scene.err));
		}
		assert_int_equal(segments_with_it(&scene), 1);
		scene_commit(&scene);
	}
	scene_retain(&scene);
	assert_int_equal(segments_with_it(&scene), 0);
	assert_string_equal(told(&scene, "Erased"), "[[2,2]]");
	td_store_abandon(scene.store);
	sim_disk_free(sim);
}

static void a_crash_anywhere_leaves_nothing_erased_untold_and_nothing_told_unerased(void **state)
{
	bool ended = false;

	(void)state;
	for (uint64_t changes = 0; !ended; changes++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);

		scene_open(&scene);
		make_log(&scene);
		append(&scene, "person.1.public", "x");
		append(&scene, "person.1.public", WORD);
		append(&scene, "person.1.public", "x");
		assert_int_equal(segments_with_it(&scene), 1);
		sim_disk_freeze_after(sim, changes);
		ended = play(&scene);
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct scene after;
			struct sim_disk *empty = begin_simulated(&after);
			struct sim_disk *copy = sim_disk_copy(sim);
			bool gone;

			sim_disk_free(empty);
			after.disk = *sim_disk_table(copy);
			after.now_ns = scene.now_ns;
			sim_disk_crash(copy, &(struct sim_disk_fate){.seed = seed});
			gone = segments_with_it(&after) == 0;
			scene_open(&after);
			if (told(&after, "Erased")[0] != '\0')
				assert_true(gone);
			pass_a_minute(&after);
			if (ended || told(&after, "Erased")[0] != '\0') {
				assert_int_equal(segments_with_it(&after), 0);
				assert_memory_equal(told(&after, "Erased"), "[[2,2]]", 7);
			} else {
				/* Its removal never was. */
				assert_false(gone);
				assert_int_equal(segments_with_it(&after), 1);
			}
			td_store_verify(after.store);
			scene_close(&after);
			sim_disk_free(copy);
		}
		td_store_abandon(scene.store);
		sim_disk_free(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_erased_is_told_when_its_bytes_are_gone),
		BOTH_TESTS(forgetting_is_told_when_the_key_is_gone),
		cmocka_unit_test(what_cannot_be_looked_up_is_told_later),
		cmocka_unit_test(what_a_restart_came_before_is_told_after_it),
		cmocka_unit_test(many_seqs_are_told_in_several_events),
		cmocka_unit_test(nothing_is_erased_before_it_is_durable_that_it_will_be),
		cmocka_unit_test(
			a_crash_anywhere_leaves_nothing_erased_untold_and_nothing_told_unerased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
