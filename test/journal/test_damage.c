/*
 * Bytes that change under the journal: found, told with their positions, and never served.
 */
#include "journal/frame.h"
#include "journal/location.h"
#include "journal/segment_format.h"
#include "world.h"

#define ACTIVE "journal/seg-0000000000000001.log"

static void begin(struct scene *scene, size_t segment_bytes)
{
	scene_begin_on(scene, new_disk(3));
	small_segments(scene);
	scene->options.segment_bytes_first = scene->options.segment_bytes_max = segment_bytes;
	scene_open(scene);
}

/* Where the record of a position lies, 20 records of 300 bytes, a frame each. */
static void append_located(struct scene *scene, uint64_t locations[21])
{
	for (size_t i = 1; i <= 20; i++) {
		assert_int_equal(scene_stage(scene, 1, 300, &locations[i]), 0);
		assert_int_equal(scene_turn(scene, TD_WORK_COMMIT | TD_WORK_SPARE), 0);
	}
}

static void flip(struct scene *scene, const char *path, uint64_t location)
{
	assert_int_equal(
		sim_disk_flip(scene->sim, path, (td_location_offset(location) + 20) * 8 + 3), 0);
}

/* All but these are read; these are said to be lost, both included. */
static void check_around(struct scene *scene, uint64_t from, uint64_t to, uint64_t end)
{
	struct td_scan scan = TD_SCAN_AT(from);
	struct td_record record;
	uint64_t lost_to = 0;

	scene_check_range(scene, 1, from);
	assert_int_equal(td_journal_scan(scene->journal, &scan, &record, &lost_to, &scene->err),
		TD_E_DAMAGED);
	assert_int_equal(scan.position, from);
	assert_int_equal(lost_to, to);
	td_scan_fini(&scan);
	scene_check_range(scene, to + 1, end);
}

static void damage_among_durable_frames_stops_the_opening(void **state)
{
	uint64_t locations[21];
	struct scene scene;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	scene_drop(&scene);
	sim_disk_kill(scene.sim);
	flip(&scene, ACTIVE, locations[7]);
	assert_int_equal(scene_open_any(&scene), TD_E_DAMAGED);
	assert_int_equal(scene.report.tail, TD_TAIL_DAMAGED);
	assert_int_equal(scene.report.damages_count, 1);
	assert_int_equal(scene.report.damages[0].position_from, 7);
	assert_int_equal(scene.report.damages[0].position_to, 7);
	assert_non_null(strstr(scene.err.text, "seg-0000000000000001.log"));
	assert_non_null(strstr(scene.err.text, "positions 7 to 7"));
	/* To be looked at, with a hole that is told. */
	scene.options.read_only = true;
	scene_open(&scene);
	assert_int_equal(scene.report.position, 21);
	check_around(&scene, 7, 7, 21);
	scene_close(&scene);
	/* Given up on command: what is cut is kept, and its positions are not given again. */
	scene.options.read_only = false;
	scene.options.accept_tail_loss = true;
	scene_open(&scene);
	assert_int_equal(scene.report.quarantined, 1);
	assert_int_equal(scene.report.position, 21);
	scene.options.accept_tail_loss = false;
	scene_check_range(&scene, 1, 7);
	scene_append(&scene, 1, 50);
	scene_close(&scene);
	scene_open(&scene);
	assert_int_equal(scene.report.position, 22);
	scene_check(&scene);
	scene_end(&scene);
}

/* Cut off anywhere, and cut off again: positions 7 to 20 may be known to somebody. */
static void what_was_given_up_is_not_given_again_after_a_crash_on_the_way(void **state)
{
	uint64_t locations[21];
	bool whole = false;

	(void)state;
	for (uint64_t n = 0; !whole; n++) {
		for (uint64_t seed = 0; seed < FATES; seed++) {
			struct scene scene;
			int code;

			begin(&scene, 64 << 10);
			append_located(&scene, locations);
			scene_drop(&scene);
			sim_disk_kill(scene.sim);
			flip(&scene, ACTIVE, locations[7]);
			scene.options.accept_tail_loss = true;
			sim_disk_freeze_after(scene.sim, n);
			code = scene_open_any(&scene);
			whole = code == 0;
			if (code == 0)
				scene_drop(&scene);
			sim_disk_crash(scene.sim, &(struct sim_disk_fate){.seed = seed});
			scene.options.accept_tail_loss = false;
			code = scene_open_any(&scene);
			if (code == TD_E_DAMAGED) {
				scene.options.accept_tail_loss = true;
				code = scene_open_any(&scene);
			}
			assert_int_equal(code, 0);
			assert_true(scene.report.position >= 21);
			scene_check_range(&scene, 1, 7);
			scene_append(&scene, 1, 50);
			scene_close(&scene);
			scene.options.accept_tail_loss = false;
			scene_open(&scene);
			assert_true(scene.report.position >= 22);
			scene_end(&scene);
		}
	}
}

static void the_last_acknowledged_frame_counts_after_an_orderly_end(void **state)
{
	uint64_t locations[21];
	struct scene scene;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	scene_close(&scene);
	/* As if it had never been written: zeros. */
	for (uint64_t at = td_location_offset(locations[20]) - TD_FRAME_HEADER_BYTES; at < 64 << 10;
		at += 512)
		assert_int_equal(sim_disk_ruin(scene.sim, ACTIVE, at), 0);
	assert_int_equal(scene_open_any(&scene), TD_E_DAMAGED);
	assert_int_equal(scene.report.damages[0].position_to, 20);
	scene_end(&scene);
}

static void a_damaged_frame_of_a_sealed_segment_costs_itself_alone(void **state)
{
	uint64_t locations[21];
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_block *block;
	struct td_record record;
	struct scene scene;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	td_journal_roll(scene.journal);
	assert_int_equal(scene_turn(&scene, TD_WORK_COMMIT), 0);
	scene_append(&scene, 5, 100);
	scene_close(&scene);
	flip(&scene, ACTIVE, locations[9]);
	flip(&scene, ACTIVE, locations[10]);
	flip(&scene, ACTIVE, locations[20]);
	scene_open(&scene);
	check_around(&scene, 9, 10, 20);
	assert_int_equal(
		td_journal_fetch(scene.journal, locations[9], 0, &buf, &block, &record, NULL),
		TD_E_DAMAGED);
	assert_int_equal(
		td_journal_fetch(scene.journal, locations[11], 0, &buf, &block, &record, NULL), 0);
	td_block_unref(block);
	scene_check_range(&scene, 21, 26);
	scene_append(&scene, 1, 10);
	td_buf_fini(&buf);
	scene_end(&scene);
}

static void an_unreadable_sector_costs_the_frames_of_its_page(void **state)
{
	uint64_t locations[21];
	struct scene scene;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	td_journal_roll(scene.journal);
	assert_int_equal(scene_turn(&scene, TD_WORK_COMMIT), 0);
	scene_close(&scene);
	assert_int_equal(sim_disk_ruin(scene.sim, ACTIVE, td_location_offset(locations[15])), 0);
	scene_open(&scene);
	check_around(&scene, 10, 20, 21);
	scene_end(&scene);
}

static void a_footer_may_be_lost_and_the_records_are_served(void **state)
{
	uint64_t locations[21];
	struct scene scene;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	td_journal_roll(scene.journal);
	assert_int_equal(scene_turn(&scene, TD_WORK_COMMIT), 0);
	scene_append(&scene, 2, 100);
	scene_close(&scene);
	assert_int_equal(sim_disk_flip(scene.sim, ACTIVE, ((64 << 10) - 4000) * 8), 0);
	scene_open(&scene);
	assert_int_equal(scene.report.damages_count, 1);
	assert_non_null(strstr(scene.report.damages[0].what, "footer"));
	scene_check(&scene);
	scene_end(&scene);
}

static void the_last_segment_cannot_go_unnoticed(void **state)
{
	struct td_segment_info segments[2];
	struct scene scene;
	char name[TD_SEGMENT_NAME_BYTES];
	int dir;

	(void)state;
	begin(&scene, 64 << 10);
	scene_append(&scene, 5, 100);
	td_journal_roll(scene.journal);
	assert_int_equal(scene_turn(&scene, TD_WORK_ALL), 0);
	scene_append(&scene, 5, 100);
	assert_int_equal(td_journal_segments(scene.journal, segments, 2), 2);
	scene_drop(&scene);
	sim_disk_kill(scene.sim);
	td_segment_name(name, segments[1].base);
	assert_int_equal(td_disk_open_dir(scene.disk, TD_DISK_NOWHERE, "journal", 0, &dir), 0);
	assert_int_equal(td_disk_unlink(scene.disk, dir, name), 0);
	td_disk_close(scene.disk, dir);
	assert_int_equal(scene_open_any(&scene), TD_E_DAMAGED);
	assert_non_null(strstr(scene.err.text, "missing"));
	scene.journal = NULL;
	scene_end(&scene);
}

static void each_life_has_an_epoch_and_each_frame_says_what_was_durable(void **state)
{
	uint64_t locations[21], epoch = 0, count = 0;
	struct td_frame_header header;
	struct td_segment_header segment;
	struct scene scene;
	static uint8_t bytes[64 << 10];
	int dir, file;
	size_t got;

	(void)state;
	begin(&scene, 64 << 10);
	append_located(&scene, locations);
	for (int i = 0; i < 5; i++) {
		assert_true(scene.report.epoch > epoch);
		epoch = scene.report.epoch;
		scene_append(&scene, 2, 700);
		if (i % 2 == 0) {
			scene_drop(&scene);
			sim_disk_kill(scene.sim);
		} else {
			scene_close(&scene);
		}
		scene_open(&scene);
	}
	scene_close(&scene);
	assert_int_equal(td_disk_open_dir(scene.disk, TD_DISK_NOWHERE, "journal", 0, &dir), 0);
	assert_int_equal(td_disk_open(scene.disk, dir, &ACTIVE[8], TD_DISK_READ, &file), 0);
	assert_int_equal(td_disk_read_all(scene.disk, file, bytes, sizeof(bytes), 0, &got), 0);
	assert_int_equal(td_segment_header_decode(bytes, got, &segment), 0);
	epoch = 0;
	for (uint64_t at = TD_FRAMES_FROM; td_frame_check(bytes + at, got - at, segment.salt, at,
						   got, &header) == TD_FLAW_NONE;
		at += td_frame_bytes(&header), count++) {
		/* One frame is in flight at a time: all before it is durable. */
		assert_int_equal(header.durable_end, at);
		assert_true(header.epoch >= epoch);
		epoch = header.epoch;
	}
	assert_true(count > 30);
	td_disk_close(scene.disk, file);
	td_disk_close(scene.disk, dir);
	scene_end(&scene);
}

/* Power went while one copy of CONTROL was written, and the other one cannot be had just now. */
static void a_copy_that_cannot_be_read_now_is_not_called_damaged(void **state)
{
	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		for (uint64_t n = 1; n < 12; n++) {
			struct scene scene;
			int code;

			begin(&scene, 64 << 10);
			scene_append(&scene, 1, 50);
			scene_close(&scene); /* both copies are there */
			assert_int_equal(
				sim_disk_flip(scene.sim,
					broken ? "journal/CONTROL.b" : "journal/CONTROL.a", 3),
				0);
			sim_disk_fail_at(scene.sim, SIM_DISK_CALL_OPEN, n, EIO, false);
			code = scene_open_any(&scene);
			assert_int_not_equal(code, TD_E_DAMAGED);
			if (code == 0)
				scene_close(&scene);
			sim_disk_fail_at(scene.sim, SIM_DISK_CALL_ANY, 0, 0, false);
			scene_open(&scene);
			scene_check(&scene);
			scene_end(&scene);
		}
	}
}

/* Any byte of any file, with a crash or an orderly end before: it is told, or it was of no use. */
static void no_flipped_bit_is_served(void **state)
{
	static const char *const names[] = {"CONTROL.a", "CONTROL.b", "seg-0000000000000001.log",
		"seg-0000000000000009.log", "spare"};
	struct world world = {.acknowledged = 1};

	(void)state;
	scene_begin_on(&world.scene, new_disk(9));
	small_segments(&world.scene);
	scene_open(&world.scene);
	for (size_t i = 0; i < 14; i++)
		assert_true(commit(&world, 1, 1500));
	scene_drop(&world.scene);
	sim_disk_kill(world.scene.sim);
	for (size_t name = 0; name < sizeof(names) / sizeof(names[0]); name++) {
		for (uint64_t byte = 0; byte < 33000; byte += 41) {
			struct world after;
			char path[64];
			int code;

			branch(&world, &after);
			snprintf(path, sizeof(path), "journal/%s", names[name]);
			if (sim_disk_flip(after.scene.sim, path, byte * 8 + byte % 8) != 0)
				byte = 33000;
			code = scene_open_any(&after.scene);
			if (code == 0) {
				struct td_scan scan = TD_SCAN_AT(1);
				struct td_record record;
				uint64_t lost_to = 0, lost = 0;
				static char body[4096];

				while ((code = td_journal_scan(after.scene.journal, &scan, &record,
						&lost_to, &after.scene.err)) != TD_E_NOT_FOUND) {
					if (code == TD_E_DAMAGED) {
						lost += lost_to + 1 - scan.position;
						td_scan_seek(&scan, lost_to + 1);
						continue;
					}
					assert_int_equal(code, 0);
					assert_int_equal(record.body.len,
						body_of(record.position, record.body.len, body));
					assert_memory_equal(record.body.at, body, record.body.len);
				}
				td_scan_fini(&scan);
				assert_true(lost <= 1);
				assert_true(scan.position >= world.acknowledged);
			} else {
				assert_int_equal(code, TD_E_DAMAGED);
				after.scene.journal = NULL;
			}
			scene_end(&after.scene);
		}
	}
	scene_end(&world.scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_among_durable_frames_stops_the_opening),
		cmocka_unit_test(what_was_given_up_is_not_given_again_after_a_crash_on_the_way),
		cmocka_unit_test(the_last_acknowledged_frame_counts_after_an_orderly_end),
		cmocka_unit_test(a_damaged_frame_of_a_sealed_segment_costs_itself_alone),
		cmocka_unit_test(an_unreadable_sector_costs_the_frames_of_its_page),
		cmocka_unit_test(a_footer_may_be_lost_and_the_records_are_served),
		cmocka_unit_test(the_last_segment_cannot_go_unnoticed),
		cmocka_unit_test(each_life_has_an_epoch_and_each_frame_says_what_was_durable),
		cmocka_unit_test(a_copy_that_cannot_be_read_now_is_not_called_damaged),
		cmocka_unit_test(no_flipped_bit_is_served),
	};

	world_plant();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
