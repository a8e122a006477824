#include "journal/head.h"
#include "journal_test.h"

struct seen {
	unsigned kinds[6];
	uint64_t from, to;
	char file[40];
};

static void note(void *arg, const struct td_finding *finding)
{
	struct seen *seen = arg;

	if (finding->kind == TD_FINDING_DAMAGE && seen->kinds[TD_FINDING_DAMAGE] == 0) {
		seen->from = finding->position_from;
		seen->to = finding->position_to;
		snprintf(seen->file, sizeof(seen->file), "%s", finding->file);
	}
	seen->kinds[finding->kind]++;
}

static int verify(struct scene *scene, const char *head, struct seen *seen)
{
	const struct td_verify_options options = {.heads = td_text(head)};

	memset(seen, 0, sizeof(*seen));
	return td_journal_verify(scene->disk, scene->path, &options, note, seen, &scene->err);
}

static void begin(struct scene *scene)
{
	scene_begin_on(scene, sim_disk_new(&(struct sim_disk_options){.rng = {{1, 2, 3, 4}}}));
	scene->options.segment_bytes_first = scene->options.segment_bytes_max = 16 << 10;
	scene->options.frame_bytes = 4 << 10;
	scene->options.cache_bytes = 64 << 10;
	scene_open(scene);
	scene_append(scene, 40, 700);
	assert_true(td_journal_segments(scene->journal, NULL, 0) > 2);
}

static void a_whole_journal_is_proven(void **state)
{
	struct scene scene;
	struct seen seen;

	(void)state;
	begin(&scene);
	scene_close(&scene);
	assert_int_equal(verify(&scene, NULL, &seen), 0);
	assert_true(seen.kinds[TD_FINDING_SEGMENT] >= 2);
	assert_int_equal(seen.kinds[TD_FINDING_TAIL], 1);
	assert_int_equal(seen.kinds[TD_FINDING_DAMAGE] + seen.kinds[TD_FINDING_REWRITTEN], 0);
	scene_end(&scene);
}

static void a_rewritten_segment_is_named_as_such(void **state)
{
	struct scene scene;
	struct seen seen;

	(void)state;
	begin(&scene);
	assert_int_equal(td_journal_rewrite(scene.journal, 1, (const uint64_t[]){2, 3}, 2,
				 TD_REWRITE_ERASE, &scene.err),
		0);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	scene_close(&scene);
	assert_int_equal(verify(&scene, NULL, &seen), 0);
	assert_int_equal(seen.kinds[TD_FINDING_REWRITTEN], 1);
	scene_end(&scene);
}

static void an_exported_head_is_found_on_the_chain(void **state)
{
	static const uint8_t signs[TD_HEAD_KEY_BYTES] = {1, 2, 3};
	struct scene scene;
	struct seen seen;
	struct td_journal_state journal;
	struct td_head head = {.segment = 1, .time = 1};
	char text[TD_HEAD_TEXT_BYTES];

	(void)state;
	begin(&scene);
	td_journal_state(scene.journal, &journal);
	memcpy(head.store, journal.uuid, sizeof(head.store));
	memcpy(head.chain, journal.chain, sizeof(head.chain));
	head.position = journal.head_position;
	assert_int_equal(td_head_sign(&head, signs, text, &scene.err), 0);
	scene_append(&scene, 20, 500);
	scene_close(&scene);
	assert_int_equal(verify(&scene, text, &seen), 0);
	head.chain[5] ^= 1;
	assert_int_equal(td_head_sign(&head, signs, text, &scene.err), 0);
	assert_int_equal(verify(&scene, text, &seen), TD_E_DAMAGED);
	assert_string_equal(seen.file, "head");
	assert_int_equal(verify(&scene, "no head", &seen), TD_E_FORMAT);
	scene_end(&scene);
}

/* --- many heads --------------------------------------------------------------------------- */

static const uint8_t secret[TD_HEAD_KEY_BYTES] = {1, 2, 3};

/* The head of now, as a line more. */
static void add_head(struct scene *scene, char *lines, size_t bytes)
{
	struct td_head head = {.segment = 1, .time = 1000};
	struct td_journal_state state;
	char line[TD_HEAD_TEXT_BYTES];

	td_journal_state(scene->journal, &state);
	memcpy(head.store, state.uuid, sizeof(head.store));
	memcpy(head.chain, state.chain, sizeof(head.chain));
	head.position = state.head_position;
	assert_int_equal(td_head_sign(&head, secret, line, &scene->err), 0);
	assert_true(strlen(lines) + strlen(line) + 2 < bytes);
	strcat(strcat(lines, line), "\n");
}

static void of_many_heads_each_is_told_of(void **state)
{
	static char lines[20000];
	struct td_segment_info segments[32];
	uint8_t key[TD_HEAD_KEY_BYTES], other[TD_HEAD_KEY_BYTES];
	struct td_verify_options options = {.key = key};
	struct scene scene;
	struct seen seen;
	size_t at = 0;

	(void)state;
	begin(&scene);
	lines[0] = '\0';
	strcat(lines, "# heads, one a line\n\n");
	for (size_t i = 0; i < 30; i++) { /* at the ends of segments, too */
		scene_append(&scene, 1, 700);
		add_head(&scene, lines, sizeof(lines));
	}
	assert_int_equal(td_head_public(secret, key, NULL), 0);
	options.heads = td_text(lines);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(td_journal_verify(scene.disk, scene.path, &options, note, &seen, NULL), 0);
	assert_int_equal(seen.kinds[TD_FINDING_HEAD], 30);
	memcpy(other, key, sizeof(other));
	other[0] ^= 1;
	options.key = other;
	assert_int_equal(td_journal_verify(scene.disk, scene.path, &options, note, &seen, NULL),
		TD_E_DAMAGED);
	/* A segment that is rewritten takes those with it that were taken inside; one that is dropped
	 * takes its own. Those behind are proven all the same. */
	td_journal_segments(scene.journal, segments, 32);
	options.key = key;
	while (segments[at].base <= 43)
		at++;
	assert_true(at > 1 && segments[at].sealed && segments[at - 1].next > 42);
	assert_int_equal(
		td_journal_rewrite(scene.journal, segments[at].base,
			(const uint64_t[]){segments[at].base + 1}, 1, TD_REWRITE_ERASE, NULL),
		0);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	assert_int_equal(td_journal_drop(scene.journal, segments[at - 1].next, NULL), 0);
	scene_append(&scene, 3, 700);
	scene_close(&scene);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(td_journal_verify(scene.disk, scene.path, &options, note, &seen, NULL), 0);
	assert_int_equal(seen.kinds[TD_FINDING_REWRITTEN], 1);
	assert_true(seen.kinds[TD_FINDING_HEAD_OPEN] >= segments[at].next - segments[at].base - 1);
	assert_true(seen.kinds[TD_FINDING_HEAD] > 3);
	assert_int_equal(seen.kinds[TD_FINDING_HEAD] + seen.kinds[TD_FINDING_HEAD_OPEN], 30);
	scene_end(&scene);
}

/* --- who can write to the disk ------------------------------------------------------------ */

/*
 * An attacker who knows the format makes the store anew, without records of his choice, every checksum and
 * chain value right, on the same uuid and numbers: a history that is as good as the true one, to who
 * kept nothing of it.
 */
enum attack { EDIT, DROP_ONE, SWAP_TWO, CUT_TAIL, ATTACKS };

static void forge(struct scene *scene, enum attack attack, size_t count)
{
	static char body[4096];
	struct scene forged = *scene;

	/* The same dice, the same clock: uuid and salts come out as they were. */
	td_rng_init(&forged.rng, 42);
	forged.now_ns = 1000000000;
	forged.clock.arg = forged.random.arg = &forged;
	forged.options.clock = &forged.clock;
	forged.options.random = &forged.random;
	strcpy(forged.path, "forged");
	scene_open(&forged);
	for (size_t i = 1; i <= count - (attack == CUT_TAIL ? 5 : attack == DROP_ONE); i++) {
		uint64_t is = i;
		struct td_text part;

		if (attack == SWAP_TWO && (i == 20 || i == 21))
			is = 41 - i;
		if (attack == DROP_ONE && i >= 20)
			is = i + 1;
		part = td_text_of(body, body_of(is, 700, body));
		if (attack == EDIT && i == 20)
			body[500] ^= 1;
		assert_int_equal(td_journal_room(forged.journal, 1, part.len, false, NULL), 0);
		td_journal_stage(forged.journal, &part, 1, NULL);
		assert_int_equal(scene_turn(&forged, TD_WORK_ALL), 0);
	}
	scene_close(&forged);
}

static void a_forged_history_is_found_by_a_head(void **state)
{
	(void)state;
	for (enum attack attack = 0; attack <= ATTACKS; attack++) {
		struct td_verify_options options = {.heads = td_text(NULL)};
		struct scene scene;
		struct seen seen;
		char lines[2 * TD_HEAD_TEXT_BYTES] = "";

		memset(&seen, 0, sizeof(seen));
		begin(&scene);
		add_head(&scene, lines, sizeof(lines));
		scene_close(&scene);
		forge(&scene, attack, 40);
		assert_int_equal(
			td_journal_verify(scene.disk, "forged", NULL, NULL, NULL, NULL), 0);
		options.heads = td_text(lines);
		assert_int_equal(
			td_journal_verify(scene.disk, "forged", &options, note, &seen, NULL),
			attack == ATTACKS ? 0 : TD_E_DAMAGED);
		assert_int_equal(seen.kinds[TD_FINDING_HEAD], attack == ATTACKS);
		if (attack != ATTACKS)
			assert_string_equal(seen.file, "head");
		scene_end(&scene);
	}
}

/* Byte after byte of the segments. Zeros behind the end of a sealed segment prove nothing. */
static void no_flipped_bit_goes_unseen(void **state)
{
	struct scene scene;
	struct td_segment_info segments[8];
	struct seen seen;
	size_t count;

	(void)state;
	begin(&scene);
	count = td_journal_segments(scene.journal, segments, 8);
	scene_close(&scene);
	for (size_t i = 0; i < count; i++) {
		uint64_t end = 4096 + segments[i].used;
		char path[64];

		snprintf(path, sizeof(path), "journal/seg-%016llx.log",
			(unsigned long long)segments[i].base);
		for (uint64_t byte = 0; byte < segments[i].bytes; byte += 7) {
			bool behind = byte >= end && byte < segments[i].bytes - 4096;
			int code;

			assert_int_equal(sim_disk_flip(scene.sim, path, byte * 8 + byte % 8), 0);
			code = verify(&scene, NULL, &seen);
			if (code != TD_E_DAMAGED && !(behind && segments[i].sealed))
				print_error("%s: byte %llu\n", path, (unsigned long long)byte);
			if (!(behind && segments[i].sealed))
				assert_int_equal(code, TD_E_DAMAGED);
			if (byte >= 4096 && byte < end && segments[i].sealed)
				assert_true(seen.from >= segments[i].base &&
					    seen.to <= segments[i].next);
			assert_int_equal(sim_disk_flip(scene.sim, path, byte * 8 + byte % 8), 0);
		}
	}
	scene_end(&scene);
}

static void a_missing_segment_is_missed(void **state)
{
	struct td_segment_info segments[8];
	struct scene scene;
	struct seen seen;
	int dir;

	(void)state;
	for (size_t gone = 0; gone < 3; gone++) {
		char name[32];
		size_t count;

		begin(&scene);
		count = td_journal_segments(scene.journal, segments, 8);
		scene_close(&scene);
		assert_int_equal(
			td_disk_open_dir(scene.disk, TD_DISK_NOWHERE, "journal", 0, &dir), 0);
		snprintf(name, sizeof(name), "seg-%016llx.log",
			(unsigned long long)segments[gone == 2 ? count - 1 : gone].base);
		assert_int_equal(td_disk_unlink(scene.disk, dir, name), 0);
		td_disk_close(scene.disk, dir);
		assert_int_equal(verify(&scene, NULL, &seen), TD_E_DAMAGED);
		assert_int_equal(scene_open_any(&scene), TD_E_DAMAGED);
		scene.journal = NULL;
		scene_end(&scene);
	}
}

/* Looking past damage at the very beginning of the segment that is not sealed. */
static void what_follows_a_damaged_first_frame_is_served_to_who_looks(void **state)
{
	struct td_segment_info segments[8];
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	struct scene scene;
	uint64_t lost_to = 0, base;
	char path[64];
	size_t count;

	(void)state;
	begin(&scene);
	count = td_journal_segments(scene.journal, segments, 8);
	base = segments[count - 1].base;
	assert_true(td_journal_durable(scene.journal) > base + 1);
	scene_close(&scene);
	snprintf(path, sizeof(path), "journal/seg-%016llx.log", (unsigned long long)base);
	assert_int_equal(sim_disk_flip(scene.sim, path, (uint64_t)4096 * 8), 0);

	scene.options.read_only = true;
	scene_open(&scene);
	assert_int_equal(scene.report.damages_count, 1);
	td_scan_seek(&scan, base);
	assert_int_equal(
		td_journal_scan(scene.journal, &scan, &record, &lost_to, NULL), TD_E_DAMAGED);
	td_scan_fini(&scan);
	assert_true(lost_to >= base && lost_to + 1 < td_journal_durable(scene.journal));
	scene_check_range(&scene, 1, base);
	scene_check_range(&scene, lost_to + 1, td_journal_durable(scene.journal));
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_journal_is_proven),
		cmocka_unit_test(a_rewritten_segment_is_named_as_such),
		cmocka_unit_test(an_exported_head_is_found_on_the_chain),
		cmocka_unit_test(of_many_heads_each_is_told_of),
		cmocka_unit_test(a_forged_history_is_found_by_a_head),
		cmocka_unit_test(no_flipped_bit_goes_unseen),
		cmocka_unit_test(a_missing_segment_is_missed),
		cmocka_unit_test(what_follows_a_damaged_first_frame_is_served_to_who_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
