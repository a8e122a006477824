/*
 * Backups of a journal that is running, and journals made from them: whole, or told not to be.
 */
#include "journal/manifest.h"
#include "world.h"

static const struct td_backup_options checking = {.check = true};

static void begin(struct scene *scene, uint64_t seed)
{
	scene_begin_on(scene, new_disk(seed));
	small_segments(scene);
	scene_open(scene);
}

static int back_up(struct scene *scene, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report)
{
	int code;

	scene->err = (struct td_error)TD_ERROR_INIT;
	code = td_journal_backup(scene->journal, to, options, report, &scene->err);
	td_journal_verify_state(scene->journal);
	return code;
}

static void must_back_up(struct scene *scene, const char *to, struct td_backup_report *report)
{
	int code = back_up(scene, to, NULL, report);

	if (code != 0)
		print_error("%s\n", scene->err.text);
	assert_int_equal(code, 0);
}

static int restore_from(struct scene *scene, const char *from, const char *to)
{
	scene->err = (struct td_error)TD_ERROR_INIT;
	return td_journal_restore(&scene->options, from, to, NULL, NULL, &scene->err);
}

/* The store made from it holds exactly the positions below `position`, goes on, and is proven. */
static void check_restored(struct scene *scene, const char *from, const char *to, uint64_t position)
{
	struct scene restored = *scene;
	int code = restore_from(scene, from, to);

	if (code != 0)
		print_error("%s\n", scene->err.text);
	assert_int_equal(code, 0);
	restored.journal = NULL;
	strcpy(restored.path, to);
	restored.clock.arg = restored.random.arg = &restored;
	restored.options.clock = &restored.clock;
	restored.options.random = &restored.random;
	assert_int_equal(td_journal_verify(restored.disk, to, NULL, NULL, NULL, &restored.err), 0);
	scene_open(&restored);
	assert_true(restored.report.clean);
	assert_int_equal(td_journal_durable(restored.journal), position);
	scene_check(&restored);
	scene_append(&restored, 20, 700);
	scene_check(&restored);
	scene_close(&restored);
	assert_int_equal(td_journal_verify(restored.disk, to, NULL, NULL, NULL, &restored.err), 0);
}

static void what_was_acknowledged_comes_back(void **state)
{
	struct td_backup_report report;
	struct scene scene;

	(void)state;
	begin(&scene, 1);
	must_back_up(&scene, "empty", &report);
	check_restored(&scene, "empty", "from-empty", 1);
	scene_append(&scene, 50, 900);
	must_back_up(&scene, "backup", &report);
	assert_int_equal(report.position, 51);
	assert_true(report.files > 2);
	assert_int_equal(report.bytes_copied >= report.bytes, true);
	scene_append(&scene, 1, 100);
	check_restored(&scene, "backup", "restored", 51);
	scene_end(&scene);
}

static void only_what_is_new_is_copied(void **state)
{
	struct td_backup_report first, again, more;
	struct scene scene;

	(void)state;
	begin(&scene, 2);
	scene_append(&scene, 60, 900);
	must_back_up(&scene, "backup", &first);
	must_back_up(&scene, "backup", &again);
	assert_int_equal(again.bytes_copied, 0);
	assert_int_equal(again.position, first.position);
	assert_false(again.resumed);
	scene_append(&scene, 2, 900);
	must_back_up(&scene, "backup", &more);
	assert_int_equal(more.position, first.position + 2);
	assert_true(more.bytes_copied < 40000);
	check_restored(&scene, "backup", "restored", more.position);
	scene_end(&scene);
}

/* --- in the middle ------------------------------------------------------------------------ */

/* What the owner does while a backup reads: one thing at each part. */
struct meanwhile {
	struct scene *scene;
	unsigned parts;
	bool drops;
};

static bool go_on(void *arg, uint64_t bytes)
{
	static const uint64_t gone[] = {1, 3, 4, 6};
	struct meanwhile *meanwhile = arg;
	struct scene *scene = meanwhile->scene;
	struct td_segment_info segments[256];
	size_t count;

	(void)bytes;
	if (meanwhile->parts++ > 100)
		return true;
	scene_append(scene, 2, 900);
	count = td_journal_segments(scene->journal, segments, 256);
	assert_true(count > 2 && count <= 256);
	if (meanwhile->parts % 3 == 0) {
		uint64_t base = segments[meanwhile->parts % (count - 1)].base;
		uint64_t positions[4];

		for (size_t i = 0; i < 4; i++)
			positions[i] = base + gone[i];
		assert_int_equal(td_journal_rewrite(scene->journal, base, positions, 4,
					 TD_REWRITE_ERASE, &scene->err),
			0);
		assert_int_equal(scene_turn(scene, TD_WORK_REWRITE), 0);
	}
	if (meanwhile->drops && meanwhile->parts % 7 == 0)
		assert_int_equal(td_journal_drop(scene->journal, segments[1].base, &scene->err), 0);
	return true;
}

static void appending_rolling_rewriting_and_dropping_meanwhile_is_one_moment(void **state)
{
	(void)state;
	for (unsigned drops = 0; drops < 2; drops++) {
		struct meanwhile meanwhile = {.drops = drops != 0};
		struct td_backup_options options = {.progress = go_on, .arg = &meanwhile};
		struct td_backup_report report;
		struct td_journal_state before;
		struct scene scene;

		scene_begin_on(&scene, new_disk(3 + drops));
		small_segments(&scene);
		scene.options.segment_bytes_max = 16 << 10;
		scene_open(&scene);
		scene_append(&scene, 1200, 900); /* more segments than are held at once */
		meanwhile.scene = &scene;
		td_journal_state(scene.journal, &before);
		for (unsigned round = 0; round < 2; round++) {
			char to[32];

			meanwhile.parts = 0;
			assert_int_equal(back_up(&scene, "backup", &options, &report), 0);
			assert_true(meanwhile.parts > 0);
			assert_true(report.position > before.durable + 20);
			assert_true(report.position <= td_journal_durable(scene.journal));
			snprintf(to, sizeof(to), "restored-%u", round);
			check_restored(&scene, "backup", to, report.position);
		}
		scene_check(&scene);
		scene_end(&scene);
	}
}

static bool stop_at_once(void *arg, uint64_t bytes)
{
	unsigned *left = arg;

	(void)bytes;
	return (*left)-- > 0;
}

static void one_that_was_stopped_is_gone_on_with(void **state)
{
	unsigned left = 6;
	struct td_backup_options options = {.progress = stop_at_once, .arg = &left};
	struct td_backup_report report;
	struct scene scene;

	(void)state;
	begin(&scene, 5);
	scene_append(&scene, 90, 900);
	assert_int_equal(back_up(&scene, "backup", &options, &report), TD_E_CLOSED);
	assert_int_equal(restore_from(&scene, "backup", "none"), TD_E_NOT_FOUND);
	must_back_up(&scene, "backup", &report);
	assert_true(report.resumed);
	assert_true(report.bytes_copied < report.bytes);
	check_restored(&scene, "backup", "restored", 91);
	must_back_up(&scene, "backup", &report);
	assert_false(report.resumed);
	scene_end(&scene);
}

static void make_file(struct scene *scene, const char *path, const char *name)
{
	int dir, file;

	assert_int_equal(td_disk_open_dir(scene->disk, TD_DISK_NOWHERE, path, 0, &dir), 0);
	assert_int_equal(
		td_disk_open(scene->disk, dir, name, TD_DISK_WRITE | TD_DISK_CREATE, &file), 0);
	td_disk_close(scene->disk, file);
	td_disk_close(scene->disk, dir);
}

/* A crash between CONTROL.a and the end of RESTORING: what nobody opened yet is made once more. */
static void a_restoring_that_was_cut_off_at_its_end_begins_again(void **state)
{
	struct td_backup_report report;
	struct scene scene;

	(void)state;
	begin(&scene, 6);
	scene_append(&scene, 40, 900);
	must_back_up(&scene, "backup", &report);
	assert_int_equal(restore_from(&scene, "backup", "restored"), 0);
	assert_int_equal(restore_from(&scene, "backup", "restored"), TD_E_EXISTS);
	make_file(&scene, "restored", "RESTORING");
	check_restored(&scene, "backup", "restored", report.position); /* opens it, too */
	make_file(&scene, "restored", "RESTORING");
	assert_int_equal(restore_from(&scene, "backup", "restored"), TD_E_EXISTS);
	scene_end(&scene);
}

/* --- crashes ------------------------------------------------------------------------------ */

/* Two backups with changes between. What the world knows: how far the last complete one goes. */
struct history {
	struct world world;
	uint64_t complete; /* position of the newest backup that came back; 0: none */
};

static bool two_backups(struct history *history)
{
	static const uint64_t gone[] = {1, 3};
	struct scene *scene = &history->world.scene;
	struct td_backup_report report;

	if (!open_again(&history->world))
		return false;
	for (size_t i = 0; i < 14; i++)
		if (!commit(&history->world, 2, 900))
			return false;
	if (back_up(scene, "backup", NULL, &report) != 0)
		return false;
	history->complete = report.position;
	if (td_journal_rewrite(scene->journal, 1, gone, 2, TD_REWRITE_ERASE, &scene->err) != 0 ||
		scene_turn(scene, TD_WORK_REWRITE) != 0)
		return false;
	for (size_t i = 0; i < 6; i++)
		if (!commit(&history->world, 2, 900))
			return false;
	if (back_up(scene, "backup", NULL, &report) != 0)
		return false;
	history->complete = report.position;
	return true;
}

/* A backup that came back is there, or a later one; and the next one comes to its end. */
static void judge_backups(struct history *history, uint64_t changes)
{
	struct scene *scene = &history->world.scene;
	struct td_backup_report report = {0};
	int code = td_journal_restore(&scene->options, "backup", "r1", NULL, &report, &scene->err);

	if (history->complete != 0 && (code != 0 || report.position < history->complete))
		print_error(
			"after %llu changes: %s\n", (unsigned long long)changes, scene->err.text);
	if (history->complete != 0)
		assert_int_equal(code, 0);
	if (code == 0)
		assert_true(report.position >= history->complete);
	else
		assert_true(code == TD_E_NOT_FOUND);
	if (scene_open_any(scene) != 0) {
		print_error(
			"after %llu changes: %s\n", (unsigned long long)changes, scene->err.text);
		fail();
	}
	scene_check(scene);
	must_back_up(scene, "backup", &report);
	assert_int_equal(report.position, td_journal_durable(scene->journal));
	check_restored(scene, "backup", "r2", report.position);
	scene_close(scene);
}

static void a_crash_anywhere_leaves_the_store_and_the_last_backup(void **state)
{
	bool ended = false;

	(void)state;
	for (uint64_t changes = 0; !ended; changes++) {
		struct history history = {.world = {.acknowledged = 1}};

		scene_begin_on(&history.world.scene, new_disk(changes));
		small_segments(&history.world.scene);
		sim_disk_freeze_after(history.world.scene.sim, changes);
		ended = two_backups(&history);
		td_journal_abandon(history.world.scene.journal);
		history.world.scene.journal = NULL;
		for (uint64_t seed = changes % 2; seed < FATES; seed += 2) {
			struct history after = {.complete = history.complete};

			branch(&history.world, &after.world);
			crash(&after.world, seed, false);
			judge_backups(&after, changes);
			scene_end(&after.world.scene);
		}
		scene_end(&history.world.scene);
	}
}

static void a_restoring_that_was_cut_off_opens_nothing_and_is_begun_again(void **state)
{
	struct world world = {.acknowledged = 1};
	struct td_backup_report report;
	bool ended = false;

	(void)state;
	begin(&world.scene, 9);
	scene_append(&world.scene, 40, 900);
	must_back_up(&world.scene, "backup", &report);
	scene_close(&world.scene);
	for (uint64_t changes = 0; !ended; changes++) {
		struct world after;
		struct scene half;

		branch(&world, &after);
		sim_disk_freeze_after(after.scene.sim, sim_disk_changes(after.scene.sim) + changes);
		ended = restore_from(&after.scene, "backup", "restored") == 0;
		crash(&after, changes, false);
		half = after.scene;
		strcpy(half.path, "restored");
		half.options.read_only = true;
		half.clock.arg = half.random.arg = &half;
		half.options.clock = &half.clock;
		half.options.random = &half.random;
		if (scene_open_any(&half) == 0) {
			assert_int_equal(td_journal_durable(half.journal), 41);
			scene_check(&half);
			scene_drop(&half);
			assert_int_equal(
				restore_from(&after.scene, "backup", "restored"), TD_E_EXISTS);
		} else {
			check_restored(&after.scene, "backup", "restored", 41);
		}
		scene_end(&after.scene);
	}
	scene_end(&world.scene);
}

/* --- what is wrong ------------------------------------------------------------------------ */

static void any_call_may_fail_and_the_store_goes_on(void **state)
{
	static const int codes[] = {EIO, ENOSPC};
	bool ended = false;

	(void)state;
	for (uint64_t n = 1; !ended; n++) {
		struct td_backup_report report;
		struct scene scene;
		uint64_t calls;

		begin(&scene, n);
		scene_append(&scene, 30, 900);
		must_back_up(&scene, "backup", &report);
		scene_append(&scene, 10, 900);
		calls = sim_disk_calls(scene.sim, SIM_DISK_CALL_ANY);
		sim_disk_fail_at(scene.sim, SIM_DISK_CALL_ANY, calls + n, codes[n % 2], false);
		if (back_up(&scene, "backup", &checking, &report) == 0)
			ended = sim_disk_calls(scene.sim, SIM_DISK_CALL_ANY) < calls + n;
		sim_disk_fail_at(scene.sim, SIM_DISK_CALL_ANY, 0, 0, false);
		assert_int_equal(
			td_journal_restore(&scene.options, "backup", "r1", NULL, &report, NULL), 0);
		assert_true(report.position >= 31);
		scene_append(&scene, 10, 900);
		must_back_up(&scene, "backup", &report);
		check_restored(&scene, "backup", "r2", 51);
		scene_end(&scene);
		assert_true(n < 2000);
	}
}

static size_t read_whole(
	struct scene *scene, const char *dir, const char *name, char *to, size_t max)
{
	size_t got = 0;
	int at, file;

	assert_int_equal(td_disk_open_dir(scene->disk, TD_DISK_NOWHERE, dir, 0, &at), 0);
	assert_int_equal(td_disk_open(scene->disk, at, name, TD_DISK_READ, &file), 0);
	assert_int_equal(td_disk_read_all(scene->disk, file, to, max, 0, &got), 0);
	td_disk_close(scene->disk, file);
	td_disk_close(scene->disk, at);
	return got;
}

static void a_flipped_bit_of_a_backup_is_found_and_copied_again(void **state)
{
	static char text[1 << 16];
	struct td_manifest manifest = {0};
	struct td_backup_report report;
	struct scene scene;
	size_t len;

	(void)state;
	begin(&scene, 11);
	scene_append(&scene, 40, 900);
	must_back_up(&scene, "backup", &report);
	len = read_whole(&scene, "backup", "MANIFEST", text, sizeof(text));
	assert_int_equal(td_manifest_read(td_text_of(text, len), &manifest, NULL), 0);
	for (size_t i = 0; i < manifest.count; i++) {
		const struct td_manifest_segment *segment = &manifest.segments[i];
		char path[64] = "backup/";

		td_copy_name(path + 7, segment->base, segment->number);
		for (uint64_t byte = i; byte < segment->end; byte += 1009) {
			assert_int_equal(sim_disk_flip(scene.sim, path, byte * 8 + byte % 8), 0);
			assert_int_equal(restore_from(&scene, "backup", "r"), TD_E_DAMAGED);
			assert_int_equal(td_journal_restore(&scene.options, "backup", NULL,
						 &checking, NULL, NULL),
				TD_E_DAMAGED);
			assert_int_equal(back_up(&scene, "backup", &checking, &report), 0);
			assert_true(report.bytes_copied > 0);
			assert_int_equal(td_journal_restore(&scene.options, "backup", NULL,
						 &checking, NULL, NULL),
				0);
		}
	}
	for (size_t byte = 0; byte < len; byte += 3) {
		int code;

		assert_int_equal(
			sim_disk_flip(scene.sim, "backup/MANIFEST", byte * 8 + byte % 8), 0);
		code = restore_from(&scene, "backup", "r3");
		assert_true(code == TD_E_DAMAGED || code == TD_E_NEWER);
		assert_int_equal(
			sim_disk_flip(scene.sim, "backup/MANIFEST", byte * 8 + byte % 8), 0);
	}
	td_manifest_fini(&manifest);
	check_restored(&scene, "backup", "r4", 41);
	scene_end(&scene);
}

static void damage_of_the_store_is_not_copied(void **state)
{
	struct td_segment_info segments[32];
	struct td_backup_report report;
	struct scene scene;
	char path[64];
	size_t count;

	(void)state;
	begin(&scene, 12);
	scene_append(&scene, 40, 900);
	must_back_up(&scene, "backup", &report);
	count = td_journal_segments(scene.journal, segments, 32);
	for (size_t i = 0; i < count; i++) {
		uint64_t bit = (uint64_t)5000 * 8;

		snprintf(path, sizeof(path), "journal/seg-%016llx.log",
			(unsigned long long)segments[i].base);
		assert_int_equal(sim_disk_flip(scene.sim, path, bit), 0);
		assert_int_equal(back_up(&scene, "other", NULL, &report), TD_E_DAMAGED);
		assert_non_null(strstr(scene.err.text, path + 8));
		assert_int_equal(restore_from(&scene, "other", "none"), TD_E_NOT_FOUND);
		assert_int_equal(sim_disk_flip(scene.sim, path, bit), 0);
	}
	must_back_up(&scene, "other", &report);
	check_restored(&scene, "other", "restored", 41);
	scene_end(&scene);
}

static void a_directory_of_something_else_is_refused(void **state)
{
	struct td_backup_report report;
	struct scene scene, other;
	int dir, file;

	(void)state;
	begin(&scene, 13);
	scene_append(&scene, 40, 900);
	assert_int_equal(back_up(&scene, "journal", NULL, &report), TD_E_FOREIGN);
	assert_int_equal(
		td_disk_open_dir(scene.disk, TD_DISK_NOWHERE, "full", TD_DISK_CREATE, &dir), 0);
	assert_int_equal(
		td_disk_open(scene.disk, dir, "letter", TD_DISK_WRITE | TD_DISK_CREATE, &file), 0);
	td_disk_close(scene.disk, file);
	td_disk_close(scene.disk, dir);
	assert_int_equal(back_up(&scene, "full", NULL, &report), TD_E_FOREIGN);
	assert_int_equal(back_up(&scene, "no/where", NULL, &report), TD_E_NOT_FOUND);
	must_back_up(&scene, "backup", &report);
	assert_int_equal(restore_from(&scene, "backup", "full"), TD_E_EXISTS);
	assert_int_equal(restore_from(&scene, "full", "new"), TD_E_NOT_FOUND);
	assert_int_equal(restore_from(&scene, "nothing", "new"), TD_E_NOT_FOUND);
	/* Another store. */
	other = scene;
	strcpy(other.path, "second");
	other.clock.arg = other.random.arg = &other;
	other.options.clock = &other.clock;
	other.options.random = &other.random;
	scene_open(&other);
	assert_int_equal(back_up(&other, "backup", NULL, &report), TD_E_FOREIGN);
	scene_close(&other);
	/* A backup is no store. */
	strcpy(other.path, "backup");
	assert_int_equal(scene_open_any(&other), TD_E_FOREIGN);
	assert_non_null(strstr(other.err.text, "restore"));
	scene_end(&scene);
}

/* The old store goes on, and so does one restored from an earlier backup of it. */
static void two_lives_of_a_store_are_told_apart(void **state)
{
	struct td_backup_report report;
	struct scene scene, restored;

	(void)state;
	begin(&scene, 14);
	scene_append(&scene, 41, 900);
	must_back_up(&scene, "early", &report);
	assert_int_equal(restore_from(&scene, "early", "restored"), 0);
	restored = scene;
	strcpy(restored.path, "restored");
	restored.clock.arg = restored.random.arg = &restored;
	restored.options.clock = &restored.clock;
	restored.options.random = &restored.random;
	scene_open(&restored);
	assert_true(restored.report.epoch > scene.report.epoch);
	for (size_t more = 0; more < 30; more += 3) {
		scene_append(&scene, 3, 850);
		scene_append(&restored, 4, 900);
		must_back_up(&scene, "late", &report);
		assert_int_equal(back_up(&restored, "late", NULL, &report), TD_E_FOREIGN);
		must_back_up(&restored, "of-restored", &report);
		assert_int_equal(back_up(&scene, "of-restored", NULL, &report), TD_E_FOREIGN);
	}
	/* What the other did to the directories is nothing. */
	check_restored(&scene, "late", "r1", 42 + 30);
	check_restored(&restored, "of-restored", "r2", 42 + 40);
	/* The restored one may go on in the directory that it came from, as the old one did not since. */
	must_back_up(&restored, "early", &report);
	check_restored(&restored, "early", "r3", 82);
	scene_close(&restored);
	scene_end(&scene);
}

static void a_failed_or_read_only_journal_makes_none(void **state)
{
	struct td_backup_report report;
	struct scene scene;

	(void)state;
	begin(&scene, 15);
	scene_append(&scene, 10, 900);
	scene_close(&scene);
	scene.options.read_only = true;
	scene_open(&scene);
	assert_int_equal(back_up(&scene, "backup", NULL, &report), TD_E_READ_ONLY);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_acknowledged_comes_back),
		cmocka_unit_test(only_what_is_new_is_copied),
		cmocka_unit_test(appending_rolling_rewriting_and_dropping_meanwhile_is_one_moment),
		cmocka_unit_test(one_that_was_stopped_is_gone_on_with),
		cmocka_unit_test(a_restoring_that_was_cut_off_at_its_end_begins_again),
		cmocka_unit_test(a_crash_anywhere_leaves_the_store_and_the_last_backup),
		cmocka_unit_test(a_restoring_that_was_cut_off_opens_nothing_and_is_begun_again),
		cmocka_unit_test(any_call_may_fail_and_the_store_goes_on),
		cmocka_unit_test(a_flipped_bit_of_a_backup_is_found_and_copied_again),
		cmocka_unit_test(damage_of_the_store_is_not_copied),
		cmocka_unit_test(a_directory_of_something_else_is_refused),
		cmocka_unit_test(two_lives_of_a_store_are_told_apart),
		cmocka_unit_test(a_failed_or_read_only_journal_makes_none),
	};

	world_plant();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
