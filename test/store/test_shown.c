#include "store_test.h"

/* What readers are told of logs and subjects: as it is durable, no sooner and no later. */

static struct td_log_info info_of(struct scene *scene, const char *log)
{
	struct td_log_info info;

	must(scene, td_store_log(scene->store, td_text(log), 0, &info, &scene->err));
	return info;
}

static bool is_known(struct scene *scene, const char *log)
{
	struct td_log_info infos[8], info;
	size_t count = td_store_logs(scene->store, infos, 8);
	bool listed = false;
	int code = td_store_log(scene->store, td_text(log), 0, &info, NULL);

	for (size_t i = 0; i < count; i++)
		listed = listed || td_text_is(infos[i].name, log);
	assert_int_equal(listed, code == 0);
	return listed;
}

struct found {
	const char *address;
	struct td_subject_info info;
	size_t count;
};

static bool find(void *arg, const struct td_subject_info *subject)
{
	struct found *found = arg;

	found->count++;
	if (td_text_is(subject->address, found->address))
		found->info = *subject;
	return true;
}

/* "count seq revision" of a subject, and how many subjects there are. */
static void expect_subject(
	struct scene *scene, const char *address, const char *expected, size_t subjects)
{
	struct found found = {.address = address};
	char text[100];

	must(scene, td_store_subjects(
			    scene->store, td_text(NULL), td_text(NULL), find, &found, &scene->err));
	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64, found.info.count,
		found.info.seq, found.info.revision);
	assert_string_equal(text, expected);
	assert_int_equal(found.count, subjects);
}

/* How many there are to be read: of a subject, or of a log. */
static size_t count_read(struct scene *scene, struct td_read_options options)
{
	struct td_cursor *cursor;
	struct td_stored stored;
	size_t count = 0;

	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	while (td_cursor_next(cursor, &stored, &scene->err) == 0)
		count++;
	td_cursor_close(cursor);
	return count;
}

static size_t count_subject(struct scene *scene, const char *address)
{
	const struct td_text text = td_text(address);
	const struct td_read_options options = {.subjects = &text, .subjects_count = 1};
	struct td_read_options backward = options, latest = options, scan = {0};
	size_t count = count_read(scene, options);
	struct td_stored stored;
	struct td_buf buf = TD_BUF_INIT(4096);
	int code = td_store_latest(scene->store, td_text(NULL), text, &stored, &buf, NULL);
	struct td_cursor *cursor;
	size_t scanned = 0;

	backward.backward = true;
	assert_int_equal(count_read(scene, backward), count);
	latest.latest = true;
	assert_int_equal(count_read(scene, latest), count > 0);
	assert_int_equal(code, count > 0 ? 0 : TD_E_NOT_FOUND);
	td_buf_fini(&buf);
	must(scene, td_store_read(&cursor, scene->store, &scan, &scene->err));
	while (td_cursor_next(cursor, &stored, &scene->err) == 0)
		scanned += td_text_equal(stored.address, text);
	td_cursor_close(cursor);
	assert_int_equal(scanned, count);
	return count;
}

static void what_is_staged_is_not_counted(void **state)
{
	struct scene scene;
	struct td_log_info before, info;
	struct td_store_status status;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_append(&scene, "b", "2");
	assert_int_equal(info_of(&scene, "events").count, 0);
	assert_int_equal(info_of(&scene, "events").last_seq, 0);
	scene_commit(&scene);
	before = info_of(&scene, "events");
	assert_int_equal(before.count, 2);
	assert_int_equal(before.last_seq, 2);
	scene.now_ns += 1000000000;
	scene_append(&scene, "a", "33");
	scene_append(&scene, "c", "44");
	scene_append(&scene, "c", "55");
	info = info_of(&scene, "events");
	assert_int_equal(info.count, 2);
	assert_int_equal(info.bytes, before.bytes);
	assert_int_equal(info.subjects, 2);
	assert_int_equal(info.last_seq, 2);
	assert_int_equal(info.last_time, before.last_time);
	expect_subject(&scene, "a", "1 1 1", 2);
	td_store_status(scene.store, &status);
	assert_int_equal(status.events, 2);
	assert_int_equal(status.subjects, 2);
	scene_commit(&scene);
	info = info_of(&scene, "events");
	assert_int_equal(info.count, 5);
	assert_int_equal(info.subjects, 3);
	assert_int_equal(info.last_seq, 5);
	assert_true(info.last_time >= before.last_time + 999999000);
	expect_subject(&scene, "a", "2 3 2", 3);
	expect_subject(&scene, "c", "2 5 2", 3);
	scene_end(&scene);
}

static void what_is_removed_is_seen_and_counted_until_that_is_durable(void **state)
{
	const uint64_t seqs[] = {1, 3};
	const struct td_removal removal = {.log = td_text("events"), .seqs = seqs, .seqs_count = 2};
	struct scene scene;
	struct td_log_info before, info;
	uint64_t removed, rests_on;

	(void)state;
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		scene_log(&scene, "events", NULL,
			(struct td_log_config){.revisions_forgotten = forgotten != 0});
		scene_append(&scene, "a", "1");
		scene_append(&scene, "b", "2");
		scene_append(&scene, "b", "3");
		scene_commit(&scene);
		before = info_of(&scene, "events");
		must(&scene,
			td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
		assert_int_equal(removed, 2);
		for (int i = 0; i < 2; i++) {
			info = info_of(&scene, "events");
			assert_int_equal(info.count, 3);
			assert_int_equal(info.bytes, before.bytes);
			assert_int_equal(info.subjects, 2);
			assert_int_equal(info.first_seq, 1);
			expect_subject(&scene, "a", "1 1 1", 2);
			expect_subject(&scene, "b", "2 3 2", 2);
			assert_int_equal(count_subject(&scene, "a"), 1);
			assert_int_equal(count_subject(&scene, "b"), 2);
			/* And when a new one comes, which is decided against what is staged. */
			if (i == 0)
				assert_int_equal(scene_append(&scene, "a", "4").revision,
					forgotten != 0 ? 1 : 2);
		}
		scene_commit(&scene);
		info = info_of(&scene, "events");
		assert_int_equal(info.count, 2);
		assert_int_equal(info.subjects, 2);
		assert_int_equal(info.first_seq, 2);
		expect_subject(&scene, "a", forgotten != 0 ? "1 4 1" : "1 4 2", 2);
		expect_subject(&scene, "b", "1 2 1", 2);
		assert_int_equal(count_subject(&scene, "a"), 1);
		td_store_verify(scene.store);
		scene_reopen(&scene);
		expect_subject(&scene, "a", forgotten != 0 ? "1 4 1" : "1 4 2", 2);
		assert_int_equal(count_subject(&scene, "b"), 1);
		td_store_verify(scene.store);
		scene_end(&scene);
	}
}

static void none_is_none_though_the_last_is_still_seen(void **state)
{
	const struct td_removal removal = {.log = td_text("events")};
	struct scene scene;
	struct td_entry entry = entry_of("a", "2");
	struct td_placed placed;
	uint64_t removed, rests_on;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_commit(&scene);
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	entry.expect = TD_EXPECT_EXISTS;
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_REVISION);
	assert_int_equal(placed.found, 0);
	assert_int_equal(rests_on, td_store_staged(scene.store) - 1);
	entry.expect = TD_EXPECT_NONE;
	must(&scene, td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err));
	assert_int_equal(placed.revision, 2);
	/* Taken away again before anybody saw it. */
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	assert_int_equal(removed, 1);
	assert_int_equal(count_subject(&scene, "a"), 1);
	expect_subject(&scene, "a", "1 1 1", 1);
	scene_commit(&scene);
	assert_int_equal(count_subject(&scene, "a"), 0);
	expect_subject(&scene, "a", "0 0 0", 0);
	assert_int_equal(info_of(&scene, "events").subjects, 0);
	td_store_verify(scene.store);
	scene_reopen(&scene);
	assert_int_equal(scene_append(&scene, "a", "3").revision, 3);
	scene_end(&scene);
}

static void a_log_is_known_when_its_record_is_durable(void **state)
{
	struct scene scene;
	struct td_entry entry = entry_of("order.1", "1");
	struct td_log_config config = {0};
	struct td_placed placed;
	struct td_cursor *cursor;
	uint64_t rests_on;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_commit(&scene);
	entry.log = td_text("orders");
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_NOT_FOUND);
	assert_int_equal(rests_on, 0); /* on nothing but what is durable */
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.count_max = 7});
	/* Decided with it, and shown without. */
	must(&scene, td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err));
	assert_false(is_known(&scene, "orders"));
	assert_int_equal(td_store_read(&cursor, scene.store,
				 &(struct td_read_options){.log = td_text("orders")}, NULL),
		TD_E_NOT_FOUND);
	assert_int_equal(td_store_log_set(scene.store, td_text("orders"), &config, TD_LOG_CREATE,
				 &rests_on, NULL),
		TD_E_EXISTS);
	assert_true(rests_on >= td_store_durable(scene.store));
	entry.address = td_text("user.1");
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_SUBJECT);
	assert_true(rests_on >= td_store_durable(scene.store));
	scene_commit(&scene);
	assert_true(is_known(&scene, "orders"));
	assert_int_equal(info_of(&scene, "orders").config->count_max, 7);
	/* A change, and another one before the first is durable. */
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.count_max = 8});
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.count_max = 9});
	assert_int_equal(info_of(&scene, "orders").config->count_max, 7);
	scene_commit(&scene);
	assert_int_equal(info_of(&scene, "orders").config->count_max, 9);
	scene_end(&scene);
}

static int fill(struct scene *scene, const char *address)
{
	struct td_entry entry =
		entry_of(address, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	struct td_placed placed;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(
			scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err)) == 0)
		;
	return code;
}

static void deleting_a_log_is_all_or_none(enum shelf shelf)
{
	struct scene scene;
	struct td_placed placed;
	char expected[100];
	uint64_t rests_on;

	scene_begin(&scene, shelf);
	/* What is staged together below goes into one frame, wherever that stands. */
	scene.options.journal.segment_bytes_first = scene.options.journal.segment_bytes_max;
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	for (int i = 0; i < 500; i++) {
		scene_append(&scene, i % 2 == 0 ? "order.1" : "order.2", "x");
		scene_append(&scene, "other", "x");
		scene_commit(&scene);
	}
	scene_commit(&scene);
	if (shelf == IN_JOURNAL) {
		assert_int_equal(fill(&scene, "other"), TD_E_FULL);
		assert_int_equal(
			td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err),
			TD_E_FULL);
		scene_commit(&scene);
		assert_true(is_known(&scene, "orders"));
		assert_int_equal(info_of(&scene, "orders").count, 500);
		assert_int_equal(count_subject(&scene, "order.1"), 250);
	}
	must(&scene, td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
	if (shelf == IN_JOURNAL) {
		/* Not durable: there it is. */
		assert_true(rests_on >= td_store_durable(scene.store));
		assert_true(is_known(&scene, "orders"));
		assert_int_equal(count_subject(&scene, "order.1"), 250);
		assert_int_equal(
			count_read(&scene, (struct td_read_options){.log = td_text("orders")}),
			500);
	}
	/* Decided without it: the address is nobody's. */
	placed = scene_append(&scene, "order.2", "x");
	assert_int_equal(placed.log, 2);
	snprintf(expected, sizeof(expected), "1 %" PRIu64 " 1", placed.seq);
	scene_commit(&scene);
	for (int i = 0; i < 3; i++) {
		assert_false(is_known(&scene, "orders"));
		assert_int_equal(count_subject(&scene, "order.1"), 0);
		assert_int_equal(count_subject(&scene, "order.2"), 1);
		expect_subject(&scene, "order.2", expected, 2);
		if (i == 0)
			scene_reopen(&scene);
		if (i == 1)
			scene_retain(&scene); /* its events go in steps */
		td_store_verify(scene.store);
	}
	scene_reopen(&scene);
	assert_false(is_known(&scene, "orders"));
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(deleting_a_log_is_all_or_none)

static void what_deleted_logs_took_is_given_back(enum shelf shelf)
{
	struct scene scene;
	struct td_store_status status;
	uint64_t rests_on;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	for (int i = 0; i < 40; i++) {
		scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
		scene_append(&scene, "order.1", "x");
		assert_int_equal(scene_append(&scene, "order.1", "x").revision, 2);
		must(&scene,
			td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
		scene_retain(&scene);
		if (i % 10 == 9)
			scene_reopen(&scene);
	}
	td_store_status(scene.store, &status);
	assert_int_equal(status.logs, 2);
	assert_int_equal(status.subjects, 1); /* log.orders, of `$tidings` */
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(what_deleted_logs_took_is_given_back)

/* What is kept of a log is read again as it was said, or it is not taken. */
static void what_could_not_be_kept_of_a_log_is_refused(enum shelf shelf)
{
	static char large[TD_LOG_METADATA_MAX + 1];
	const struct td_text bytes = td_text("\xff.>");
	const struct {
		struct td_log_config config;
		int code;
	} table[] = {
		{{.metadata = td_text_of(large, sizeof(large))}, TD_E_TOO_LARGE},
		{{.metadata = td_text_of(large, sizeof(large) - 1)}, 0},
		{{.metadata = td_text("\xff")}, TD_E_INVALID},
		{{.metadata = td_text("\001\"\\")}, 0},
		{{.subjects = &bytes, .subjects_count = 1}, TD_E_SUBJECT},
		{{.count_max = (uint64_t)INT64_MAX + 1}, TD_E_INVALID},
		{{.count_max = INT64_MAX}, 0},
		{{.bytes_max = UINT64_MAX}, TD_E_INVALID},
		{{.count_per_subject_max = UINT64_MAX}, TD_E_INVALID},
		{{.duplicates_max = TD_LOG_DUPLICATES_MAX + 1}, TD_E_INVALID},
		{{.duplicates_max = TD_LOG_DUPLICATES_MAX}, 0},
		{{.age_ms = -1}, TD_E_INVALID},
		{{.age_ms = INT64_MAX, .duplicates_ms = INT64_MIN}, 0},
		{{.duplicates_ms = INT64_MAX}, 0},
	};

	memset(large, 'm', sizeof(large));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct td_log_config *config = &table[i].config;
		struct td_log_info info;
		struct scene scene;
		uint64_t rests_on;

		scene_begin(&scene, shelf);
		scene.options.payload_bytes_max = (size_t)256 << 10;
		scene.options.journal.append_bytes_max = (size_t)1 << 20;
		scene.options.journal.frame_bytes = (size_t)1 << 20;
		scene.options.journal.segment_bytes_first = (size_t)2 << 20;
		scene.options.journal.segment_bytes_max = (size_t)2 << 20;
		scene_open(&scene);
		assert_int_equal(td_store_log_set(scene.store, td_text("log"), config,
					 TD_LOG_CREATE, &rests_on, &scene.err),
			table[i].code);
		scene_reopen(&scene);
		if (table[i].code == 0) {
			info = info_of(&scene, "log");
			assert_true(td_text_equal(info.config->metadata, config->metadata));
			assert_int_equal(info.config->count_max, config->count_max);
			assert_int_equal(info.config->age_ms, config->age_ms);
			if (config->duplicates_ms != 0)
				assert_int_equal(info.config->duplicates_ms, config->duplicates_ms);
			if (config->duplicates_max != 0)
				assert_int_equal(
					info.config->duplicates_max, config->duplicates_max);
		}
		scene_end(&scene);
	}
}
BOTH(what_could_not_be_kept_of_a_log_is_refused)

/* Live or not, as long as their revision is kept. */
static void subjects_have_a_ceiling(enum shelf shelf)
{
	const struct td_removal removal = {.log = td_text("orders")};
	struct scene scene;
	struct td_entry entry = entry_of("order.new", "x");
	struct td_placed placed;
	uint64_t removed, rests_on;
	char address[32];
	int n = 0;

	scene_begin(&scene, shelf);
	scene.options.subjects_max = 10;
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0}); /* one: log.orders */
	for (int round = 0; round < 3; round++) {
		for (; n < 9; n++) {
			snprintf(address, sizeof(address), "order.%d", n);
			scene_append(&scene, address, "x");
		}
		for (int i = 0; i < 2; i++) {
			assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on,
						 NULL, &scene.err),
				TD_E_LIMIT);
			assert_non_null(strstr(scene.err.text, "10"));
			scene_append(&scene, "order.0", "x"); /* known */
			scene_reopen(&scene);
			must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on,
					     &scene.err));
			scene_commit(&scene);
		}
		/* With the log goes what was known of its subjects. */
		must(&scene,
			td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
		scene_retain(&scene);
		scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
		assert_int_equal(scene_append(&scene, "order.0", "x").revision, 1);
		n = 1;
		scene_reopen(&scene);
		scene_retain(&scene);
	}
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(subjects_have_a_ceiling)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_staged_is_not_counted),
		cmocka_unit_test(what_is_removed_is_seen_and_counted_until_that_is_durable),
		cmocka_unit_test(none_is_none_though_the_last_is_still_seen),
		cmocka_unit_test(a_log_is_known_when_its_record_is_durable),
		BOTH_TESTS(deleting_a_log_is_all_or_none),
		BOTH_TESTS(what_deleted_logs_took_is_given_back),
		BOTH_TESTS(what_could_not_be_kept_of_a_log_is_refused),
		BOTH_TESTS(subjects_have_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
