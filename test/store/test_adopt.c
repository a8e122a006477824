#include "store_test.h"

#include <errno.h>
#include <string.h>

#include "disk/disk.h"

static const struct td_text orders[] = {TD_TEXT_INIT("order.>")};

static int set(struct scene *scene, unsigned change, bool erasable, uint64_t *rests_on)
{
	const struct td_log_config config = {.subjects = orders,
		.subjects_count = 1,
		.erasable = erasable ? orders : NULL,
		.erasable_count = erasable};

	return td_store_log_set(
		scene->store, td_text("orders"), &config, change, rests_on, &scene->err);
}

/* With all frames it takes. */
static void adopt(struct scene *scene, bool erasable)
{
	uint64_t rests_on;
	int code;

	while ((code = set(scene, TD_LOG_CREATE | TD_LOG_ADOPT, erasable, &rests_on)) == TD_E_FULL)
		scene_commit(scene);
	must(scene, code);
	scene_commit(scene);
}

static struct td_placed append_id(
	struct scene *scene, const char *address, const char *payload, const char *id)
{
	struct td_entry entry = entry_of(address, payload);
	char headers[128];
	struct td_placed placed = {0};
	uint64_t rests_on;
	int code;

	snprintf(headers, sizeof(headers), "NATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n", id);
	if (id != NULL) {
		entry.headers = td_text(headers);
		entry.key[0] = td_text(id);
	}
	while ((code = td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL,
			&scene->err)) == TD_E_FULL)
		scene_commit(scene);
	must(scene, code);
	scene_commit(scene);
	scene->now_ns += 1000000;
	return placed;
}

/* "revision:payload " of each event of a log, in its order. */
static const char *read_log(struct scene *scene, const char *log)
{
	static char text[65536];
	const struct td_read_options options = {.log = td_text(log)};
	struct td_cursor *cursor;
	struct td_stored stored;
	uint64_t last = 0;
	size_t at = 0;
	int code;

	text[0] = '\0';
	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		assert_true(stored.seq > last);
		last = stored.seq;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%.*s@%" PRIu64 ":%.*s ",
			TD_TEXT_ARG(stored.address), stored.revision, TD_TEXT_ARG(stored.payload));
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_cursor_close(cursor);
	return text;
}

static void a_log_takes_over_what_events_holds_of_its_subjects(enum shelf shelf)
{
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct td_placed placed, first;
	struct scene scene;
	struct td_stored stored;
	uint64_t rests_on;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	first = append_id(&scene, "order.1", "a", "one");
	append_id(&scene, "order.2", "b", NULL);
	append_id(&scene, "other.1", "c", NULL);
	placed = append_id(&scene, "order.1", "d", "two");
	assert_int_equal(set(&scene, TD_LOG_CREATE, false, &rests_on), TD_E_EXISTS);
	adopt(&scene, false);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(
			read_log(&scene, "orders"), "order.1@1:a order.2@1:b order.1@2:d ");
		assert_string_equal(read_log(&scene, "events"), "other.1@1:c ");
		must(&scene, td_store_latest(scene.store, td_text("orders"), td_text("order.1"),
				     &stored, &buf, &scene.err));
		assert_true(stored.imported);
		assert_int_equal(stored.time, placed.time);
		assert_true(stored.headers.len > 0);
		/* Who sends once more is told where it is now. */
		placed = append_id(&scene, "order.1", "a", "one");
		assert_true(placed.duplicate);
		assert_int_equal(placed.revision, 1);
		assert_int_equal(placed.time, first.time);
		placed.time = stored.time;
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	placed = append_id(&scene, "order.1", "e", NULL);
	assert_int_equal(placed.revision, 3);
	assert_int_equal(placed.seq, 4);
	td_buf_fini(&buf);
	scene_end(&scene);
}
BOTH(a_log_takes_over_what_events_holds_of_its_subjects)

/* Given again after its window, and both were taken over: it is known by the later. */
static void a_key_that_came_twice_is_known_by_the_later(enum shelf shelf)
{
	struct td_placed again;
	struct scene scene;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	append_id(&scene, "order.1", "a", "one");
	scene.now_ns += 100000000000;
	append_id(&scene, "order.2", "b", "two");
	scene.now_ns += 30000000000;
	assert_false(append_id(&scene, "order.1", "c", "one").duplicate);
	adopt(&scene, false);
	for (int i = 0; i < 2; i++) {
		again = append_id(&scene, "order.1", "c", "one");
		assert_true(again.duplicate);
		assert_int_equal(again.revision, 2);
		assert_true(append_id(&scene, "order.2", "b", "two").duplicate);
		scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(a_key_that_came_twice_is_known_by_the_later)

static void remove_seq(struct scene *scene, uint64_t seq)
{
	const struct td_removal removal = {.log = td_text("events"), .seqs = &seq, .seqs_count = 1};
	uint64_t removed, rests_on;

	must(scene, td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
	assert_int_equal(removed, 1);
	scene_commit(scene);
}

static void revisions_go_on_over_what_was_removed_before(enum shelf shelf)
{
	struct scene scene;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	append_id(&scene, "order.1", "a", NULL);
	append_id(&scene, "order.1", "b", NULL);
	append_id(&scene, "order.1", "c", NULL);
	append_id(&scene, "order.2", "d", NULL);
	append_id(&scene, "order.3", "e", NULL);
	append_id(&scene, "order.3", "f", NULL);
	remove_seq(&scene, 3);
	remove_seq(&scene, 4);
	remove_seq(&scene, 5);
	adopt(&scene, false);
	assert_string_equal(read_log(&scene, "orders"), "order.1@1:a order.1@2:b order.3@2:f ");
	td_store_verify(scene.store);
	scene_reopen(&scene);
	td_store_verify(scene.store);
	assert_int_equal(append_id(&scene, "order.1", "g", NULL).revision, 4);
	assert_int_equal(append_id(&scene, "order.2", "h", NULL).revision, 2);
	assert_int_equal(append_id(&scene, "order.3", "i", NULL).revision, 3);
	scene_reopen(&scene);
	assert_int_equal(append_id(&scene, "order.1", "j", NULL).revision, 5);
	assert_int_equal(append_id(&scene, "order.2", "k", NULL).revision, 3);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(revisions_go_on_over_what_was_removed_before)

static void many_are_adopted_frame_by_frame_and_appends_wait(enum shelf shelf)
{
	struct td_entry entry = entry_of("order.3", "new");
	struct td_placed placed;
	struct scene scene;
	struct td_log_info info;
	uint64_t rests_on, tries = 0;
	char address[32];
	int code;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof(address), "%s.%d", i % 3 == 0 ? "other" : "order", i % 7);
		append_id(&scene, address, "x", NULL);
	}
	code = set(&scene, TD_LOG_CREATE | TD_LOG_ADOPT, false, &rests_on);
	if (shelf == IN_JOURNAL)
		assert_int_equal(code, TD_E_FULL);
	while ((code = td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL,
			&scene.err)) == TD_E_FULL) {
		scene_commit(&scene);
		tries++;
	}
	must(&scene, code);
	scene_commit(&scene);
	if (shelf == IN_JOURNAL)
		assert_true(tries > 0);
	must(&scene, td_store_log(scene.store, td_text("orders"), 0, &info, &scene.err));
	assert_int_equal(info.count, 667);
	assert_int_equal(placed.seq, 667);
	must(&scene, td_store_log(scene.store, td_text("events"), 0, &info, &scene.err));
	assert_int_equal(info.count, 334);
	td_store_verify(scene.store);
	scene_reopen(&scene);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(many_are_adopted_frame_by_frame_and_appends_wait)

static void what_is_adopted_into_an_erasable_log_is_sealed_and_forgotten(enum shelf shelf)
{
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct scene scene;
	struct td_stored stored;
	uint64_t key, rests_on;
	int code;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	append_id(&scene, "order.1", "a", NULL);
	adopt(&scene, true);
	scene_reopen(&scene);
	assert_string_equal(read_log(&scene, "orders"), "order.1@1:a ");
	while ((code = td_store_forget(scene.store, td_text("orders"), td_text("order.1"), &key,
			&rests_on, &scene.err)) == TD_E_FULL)
		scene_commit(&scene);
	must(&scene, code);
	scene_commit(&scene);
	must(&scene, td_store_latest(scene.store, td_text("orders"), td_text("order.1"), &stored,
			     &buf, &scene.err));
	assert_true(stored.erased);
	td_buf_fini(&buf);
	scene_end(&scene);
}
BOTH(what_is_adopted_into_an_erasable_log_is_sealed_and_forgotten)

/* `events` had it sealed: that key goes with the other, and what was forgotten stays so. */
static void forget_adopted(enum shelf shelf, bool erasable)
{
	const struct td_log_config config = {.erasable = orders, .erasable_count = 1};
	struct td_buf buf = TD_BUF_INIT((size_t)1 << 20);
	struct scene scene;
	struct td_stored stored;
	uint64_t key = 0, rests_on;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	must(&scene, td_store_log_set(scene.store, td_text("events"), &config, TD_LOG_CHANGE,
			     &rests_on, &scene.err));
	append_id(&scene, "order.1", "a", NULL);
	append_id(&scene, "order.2", "b", NULL);
	must(&scene, td_store_forget(scene.store, td_text("events"), td_text("order.2"), &key,
			     &rests_on, &scene.err));
	scene_commit(&scene);
	adopt(&scene, erasable);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(read_log(&scene, "orders"), "order.1@1:a order.2@1: ");
		scene_reopen(&scene);
	}
	must(&scene, td_store_latest(scene.store, td_text("orders"), td_text("order.2"), &stored,
			     &buf, &scene.err));
	assert_true(stored.erased);
	must(&scene, td_store_forget(scene.store, td_text("orders"), td_text("order.1"), &key,
			     &rests_on, &scene.err));
	/* It is the key that is waited for. */
	assert_int_not_equal(key, 0);
	assert_int_equal(td_store_is_forgotten(scene.store, key), shelf == IN_MEMORY);
	scene_commit(&scene);
	assert_true(td_store_is_forgotten(scene.store, key));
	assert_int_equal(td_store_forget(scene.store, td_text("events"), td_text("order.1"), &key,
				 &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	td_buf_fini(&buf);
	scene_end(&scene);
}

static void what_was_sealed_before_is_forgotten_where_it_was_too(enum shelf shelf)
{
	forget_adopted(shelf, false);
	forget_adopted(shelf, true);
}
BOTH(what_was_sealed_before_is_forgotten_where_it_was_too)

static unsigned count_of(struct scene *scene, const char *log)
{
	struct td_log_info info;

	return td_store_log(scene->store, td_text(log), 0, &info, NULL) == 0 ? (unsigned)info.count
									     : 0;
}

/* Where an event of this address goes of which no log is named. */
static void expect_to_go(struct scene *scene, const char *address, const char *log, unsigned count)
{
	scene_append(scene, address, "x");
	scene_commit(scene);
	assert_int_equal(count_of(scene, log), count);
}

/* An entry of its subject in another log does not draw it there. */
static void an_address_goes_where_it_is_claimed(enum shelf shelf)
{
	static const struct td_text places = TD_TEXT_INIT("place.>");
	const struct td_log_config all = {0}, importing = {.subjects = &places,
						      .subjects_count = 1,
						      .importing = true};
	const struct td_removal removal = {
		.log = td_text("events"), .seqs = &(uint64_t){1}, .seqs_count = 1};
	struct td_entry entry = entry_of("other", "i");
	struct td_placed placed;
	uint64_t rests_on, removed;
	struct scene scene;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	/* One that was removed, and that is not durable. */
	append_id(&scene, "order.1", "a", NULL);
	append_id(&scene, "other", "b", NULL);
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	must(&scene, set(&scene, TD_LOG_CREATE, false, &rests_on));
	expect_to_go(&scene, "order.1", "orders", 1);
	must(&scene, td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
	scene_commit(&scene);
	scene_retain(&scene);
	/* One that moved, and that is not durable; and `events` changes. */
	append_id(&scene, "order.1", "c", NULL);
	must(&scene, set(&scene, TD_LOG_CREATE | TD_LOG_ADOPT, false, &rests_on));
	must(&scene, td_store_log_set(scene.store, td_text("events"), &all, TD_LOG_CHANGE,
			     &rests_on, &scene.err));
	expect_to_go(&scene, "order.1", "orders", 2);
	/* One that was imported elsewhere, before the store was opened. */
	must(&scene, td_store_log_set(scene.store, td_text("places"), &importing, TD_LOG_CREATE,
			     &rests_on, &scene.err));
	entry.log = td_text("places");
	entry.imported = true;
	entry.address = td_text("another");
	must(&scene, td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err));
	scene_commit(&scene);
	scene_reopen(&scene);
	expect_to_go(&scene, "another", "events", 2);
	expect_to_go(&scene, "order.1", "orders", 3);
	scene_end(&scene);
}
BOTH(an_address_goes_where_it_is_claimed)

/* Else every append would wait for what can never be. */
static void limits_do_not_hold_up_what_moves(enum shelf shelf)
{
	const struct td_log_config small = {
		.subjects = orders, .subjects_count = 1, .bytes_max = 100, .discard_new = true};
	struct scene scene;
	uint64_t rests_on;
	char payload[301];
	int code;

	scene_begin(&scene, shelf);
	scene.options.subjects_max = 4;
	scene_open(&scene);
	memset(payload, '.', sizeof(payload));
	payload[sizeof(payload) - 1] = '\0';
	append_id(&scene, "order.1", payload, NULL);
	append_id(&scene, "order.2", "a", NULL);
	append_id(&scene, "other", "b", NULL);
	while ((code = td_store_log_set(scene.store, td_text("orders"), &small,
			TD_LOG_CREATE | TD_LOG_ADOPT, &rests_on, &scene.err)) == TD_E_FULL)
		scene_commit(&scene);
	must(&scene, code);
	append_id(&scene, "other", "c", NULL);
	assert_int_equal(count_of(&scene, "orders"), 2);
	scene_end(&scene);
}
BOTH(limits_do_not_hold_up_what_moves)

/* Wherever the frame is full: what is not told of yet adopts nothing. */
static void a_log_that_finds_no_room_takes_nothing_with_it(enum shelf shelf)
{
	static const struct td_text users = TD_TEXT_INIT("user.>");
	const struct td_log_config config = {.subjects = &users, .subjects_count = 1};

	for (size_t bytes = 0; bytes < 3000; bytes += 60) {
		char payload[3001];
		uint64_t rests_on;
		struct scene scene;
		int code;

		scene_begin(&scene, shelf);
		scene.options.journal.frame_bytes = (size_t)4 << 10;
		scene_open(&scene);
		append_id(&scene, "order.1", "a", NULL);
		append_id(&scene, "user.1", "b", NULL);
		append_id(&scene, "user.2", "c", NULL);
		memset(payload, '.', bytes);
		payload[bytes] = '\0';
		scene_append(&scene, "other", payload);
		/* The one finds room, and the other finds what is left of it. */
		while ((code = set(&scene, TD_LOG_CREATE | TD_LOG_ADOPT, false, &rests_on)) ==
			TD_E_FULL)
			scene_commit(&scene);
		must(&scene, code);
		code = td_store_log_set(scene.store, td_text("users"), &config,
			TD_LOG_CREATE | TD_LOG_ADOPT, &rests_on, &scene.err);
		assert_true(code == 0 || code == TD_E_FULL);
		scene_commit(&scene);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(count_of(&scene, "users") + count_of(&scene, "events"), 3);
			scene_reopen(&scene);
			td_store_verify(scene.store);
		}
		scene_end(&scene);
	}
}
BOTH(a_log_that_finds_no_room_takes_nothing_with_it)

/* --- crashes ------------------------------------------------------------------------------ */

enum { EVENTS = 40 };

static int turn(struct scene *scene)
{
	struct td_chore *chore;
	int code = 0;

	while (code == 0 && (chore = td_store_next(scene->store, TD_WORK_COMMIT | TD_WORK_SPARE,
				     scene->now_ns / 1000000)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(scene->store, chore, NULL);
	}
	return code;
}

/* true: it came to its end. */
static bool play(struct scene *scene)
{
	uint64_t rests_on;
	int code;

	while ((code = set(scene, TD_LOG_CREATE | TD_LOG_ADOPT, false, &rests_on)) == TD_E_FULL) {
		if (turn(scene) != 0)
			return false;
	}
	return code == 0 && turn(scene) == 0 && td_store_durable(scene->store) > rests_on;
}

static struct sim_disk *begin_simulated(struct scene *scene)
{
	struct sim_disk *sim = sim_disk_new(&(struct sim_disk_options){0});

	scene_begin(scene, IN_MEMORY);
	scene->shelf = IN_JOURNAL;
	strcpy(scene->path, "store");
	scene->disk = *sim_disk_table(sim);
	scene->options.journal.segment_bytes_first = (size_t)32 << 10;
	scene->options.journal.frame_bytes = (size_t)4 << 10;
	scene->options.journal.append_bytes_max = (size_t)4 << 10;
	scene->options.payload_bytes_max = (size_t)1 << 10;
	return sim;
}

static void fill(struct scene *scene)
{
	char payload[300], address[16];

	memset(payload, '.', sizeof(payload));
	payload[sizeof(payload) - 1] = '\0';
	for (int i = 0; i < EVENTS; i++) {
		payload[0] = (char)('0' + i);
		snprintf(address, sizeof(address), "order.%d", i % 4);
		append_id(scene, address, payload, NULL);
	}
}

/* The next of that subject goes on behind it, and those before it keep their revisions. */
static void remove_newest(struct scene *scene)
{
	const uint64_t seq = append_id(scene, "order.0", "x", NULL).seq;
	const struct td_removal removal = {.log = td_text("events"), .seqs = &seq, .seqs_count = 1};
	uint64_t removed, rests_on;

	must(scene, td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
	scene_commit(scene);
}

/* Each event is there once, in one of the logs, as it was. */
static void judge(struct scene *scene, bool ended)
{
	bool seen[EVENTS] = {false};
	struct td_log_info info;
	struct td_read_options options = {0};
	struct td_cursor *cursor;
	struct td_stored stored;
	unsigned in_orders = 0;
	int code;

	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		int i = stored.payload.at[0] - '0';

		assert_false(seen[i]);
		seen[i] = true;
		assert_int_equal(stored.address.at[6] - '0', i % 4);
		assert_int_equal(stored.revision, i / 4 + 1);
		in_orders += stored.imported;
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_cursor_close(cursor);
	for (int i = 0; i < EVENTS; i++)
		assert_true(seen[i]);
	/* It went on when the store opened, if it ever began. */
	code = td_store_log(scene->store, td_text("orders"), 0, &info, NULL);
	assert_int_equal(in_orders, code == 0 ? EVENTS : 0);
	assert_true(code == 0 || !ended);
	td_store_verify(scene->store);
	assert_int_equal(append_id(scene, "order.1", "x", NULL).revision, EVENTS / 4 + 1);
}

static void a_crash_anywhere_leaves_each_event_where_it_was_or_where_it_goes(void **state)
{
	bool ended = false;
	unsigned frames = 0;

	(void)state;
	for (uint64_t changes = 0; !ended; changes++) {
		struct scene scene;
		struct sim_disk *sim = begin_simulated(&scene);

		scene_open(&scene);
		fill(&scene);
		remove_newest(&scene);
		sim_disk_freeze_after(sim, changes);
		ended = play(&scene);
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct scene after;
			struct sim_disk *empty = begin_simulated(&after);
			struct sim_disk *copy = sim_disk_copy(sim);

			sim_disk_free(empty);
			after.disk = *sim_disk_table(copy);
			after.now_ns = scene.now_ns;
			sim_disk_crash(copy, &(struct sim_disk_fate){.seed = seed});
			scene_open(&after);
			scene_commit(&after);
			judge(&after, ended);
			assert_int_equal(
				append_id(&after, "order.0", "x", NULL).revision, EVENTS / 4 + 2);
			scene_close(&after);
			sim_disk_free(copy);
			frames++;
		}
		td_store_abandon(scene.store);
		sim_disk_free(sim);
	}
	assert_true(frames > 40);
}

/* What no frame takes together with its removal stays where it is, and holds up nobody. */
static void what_is_too_large_to_be_adopted_stays_in_events(void **state)
{
	static char large[12000];
	struct td_log_info info;
	struct scene scene;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	memset(large, 'l', sizeof(large) - 1);
	append_id(&scene, "order.1", "small", NULL);
	append_id(&scene, "order.1", large, NULL);
	append_id(&scene, "order.2", "small", NULL);
	scene_close(&scene);
	/* By options of another life. */
	scene.options.journal.append_bytes_max = sizeof(large) + 100;
	scene_open(&scene);
	adopt(&scene, false);
	assert_string_equal(read_log(&scene, "orders"), "order.1@1:small order.2@1:small ");
	must(&scene, td_store_log(scene.store, td_text(TD_LOG_EVENTS), 0, &info, &scene.err));
	assert_int_equal(info.count, 1);
	append_id(&scene, "order.2", "next", NULL);
	td_store_verify(scene.store);
	scene_reopen(&scene);
	assert_string_equal(
		read_log(&scene, "orders"), "order.1@1:small order.2@1:small order.2@2:next ");
	scene_end(&scene);
}

/* --- no space ------------------------------------------------------------------------------- */

/* Until nothing is taken, not even what acknowledges. */
static void fill_disk(struct scene *scene, const char *payload)
{
	struct td_entry entry = entry_of("o", payload);
	struct td_placed placed;
	uint64_t rests_on;
	int code;

	entry.reserved = true;
	do {
		code = td_store_append(
			scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err);
	} while (code == 0 || (code == TD_E_FULL && turn(scene) == 0));
	assert_int_equal(td_store_failed(scene->store, NULL), 0);
}

/* What a deleted log had goes when there is space; until then nobody turns in a circle for it. */
static void delete_on_a_full_disk(uint64_t kib, unsigned *full)
{
	static const uint64_t first = 1;
	const struct td_log_config aging = {.age_ms = 30000};
	const struct td_removal erasing = {
		.log = td_text("events"), .seqs = &first, .seqs_count = 1, .erase = true};
	uint64_t removed;
	struct scene scene;
	struct sim_disk *sim = begin_simulated(&scene);
	struct td_chore *chore;
	uint64_t rests_on;
	unsigned turns = 0;

	scene_open(&scene);
	must(&scene, set(&scene, TD_LOG_CREATE, false, &rests_on));
	fill(&scene);
	/* What is too old, and bytes that are to go, beside it. */
	must(&scene, td_store_log_set(scene.store, td_text("events"), &aging, TD_LOG_CHANGE,
			     &rests_on, &scene.err));
	append_id(&scene, "other", "x", NULL);
	append_id(&scene, "other", "y", NULL);
	must(&scene, td_store_remove(scene.store, &erasing, &removed, &rests_on, &scene.err));
	sim_disk_set_capacity(sim, kib << 10);
	must(&scene, td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
	assert_int_equal(turn(&scene), 0);
	fill_disk(&scene, "...........................................");
	fill_disk(&scene, ".");
	scene.now_ns += 61000000000;
	while (turns < 100 && (chore = td_store_next(scene.store, TD_WORK_EVERYTHING,
				       scene.now_ns / 1000000)) != NULL) {
		td_chore_run(chore);
		*full += td_chore_kind(chore) == TD_WORK_RETAIN;
		td_store_done(scene.store, chore, NULL);
		turns++;
	}
	assert_true(turns < 100);
	sim_disk_set_capacity(sim, 0);
	for (int i = 0; i < 3; i++) {
		scene.now_ns += 61000000000;
		scene_commit(&scene);
		scene_retain(&scene);
	}
	assert_null(td_store_next(scene.store, TD_WORK_RETAIN, scene.now_ns / 1000000));
	td_store_verify(scene.store);
	scene_close(&scene);
	sim_disk_free(sim);
}

static void a_log_that_is_deleted_waits_for_space(void **state)
{
	unsigned full = 0;

	(void)state;
	for (uint64_t kib = 120; kib < 300; kib += 6)
		delete_on_a_full_disk(kib, &full);
	assert_true(full > 0);
}

/* --- what cannot be read -------------------------------------------------------------------- */

static struct sim_disk *begin_filled(struct scene *scene)
{
	struct sim_disk *sim = begin_simulated(scene);

	scene->options.journal.cache_bytes = 4096;
	scene_open(scene);
	fill(scene);
	scene_reopen(scene);
	return sim;
}

/* A disk that does not give something once has it all the same: nothing stays behind. */
static void a_read_that_fails_leaves_nothing_behind(void **state)
{
	uint64_t reads = UINT64_MAX;
	unsigned met = 0;

	(void)state;
	for (uint64_t n = 1; n <= reads; n++) {
		struct td_log_info info;
		struct scene scene;
		struct sim_disk *sim = begin_filled(&scene);
		uint64_t before = sim_disk_calls(sim, SIM_DISK_CALL_READ);

		sim_disk_fail_at(sim, SIM_DISK_CALL_READ, n, EIO, false);
		met += play(&scene);
		sim_disk_fail_at(sim, SIM_DISK_CALL_READ, 0, 0, false);
		if (n == 1)
			reads = sim_disk_calls(sim, SIM_DISK_CALL_READ) - before;
		if (td_store_failed(scene.store, NULL) != 0) {
			td_store_abandon(scene.store);
			scene_open(&scene);
		}
		/* Behind what failed it goes on with the next append. */
		append_id(&scene, "other", "~", NULL);
		must(&scene, td_store_log(scene.store, td_text("events"), 0, &info, &scene.err));
		assert_int_equal(info.count, 1);
		scene_close(&scene);
		sim_disk_free(sim);
	}
	assert_true(reads > 20 && met > 20);
}

struct looking {
	const struct td_disk *disk;
	int dir;
	char path[60];
	uint64_t offset;
};

/* The file that has the last event, and where. */
static int look(void *arg, const struct td_disk_entry *entry)
{
	static const char last[] = {'0' + EVENTS - 1, '.', '.', '.', '.', '.', '.', '.'};
	static char bytes[64 << 10];
	struct looking *looking = arg;
	size_t got = 0;
	const char *at;
	int file;

	if (strncmp(entry->name, "seg-", 4) != 0 ||
		td_disk_open(looking->disk, looking->dir, entry->name, TD_DISK_READ, &file) != 0)
		return 0;
	assert_int_equal(td_disk_read_all(looking->disk, file, bytes, sizeof(bytes), 0, &got), 0);
	td_disk_close(looking->disk, file);
	at = memmem(bytes, got, last, sizeof(last));
	if (at != NULL) {
		snprintf(looking->path, sizeof(looking->path), "store/%s", entry->name);
		looking->offset = (uint64_t)(at - bytes);
	}
	return 0;
}

/* Lost for good, it stays where it was: and no revision of its subject is given again. */
static void a_subject_goes_on_behind_what_could_not_be_moved(void **state)
{
	struct scene scene;
	struct sim_disk *sim = begin_filled(&scene);
	struct looking looking = {.disk = &scene.disk};
	char payload[] = "........................................................................"
			 "........................................................................"
			 "........................................................................"
			 "................................................................~";
	struct td_log_info info;

	(void)state;
	for (int i = 0; i < 20; i++) /* so that they are not in memory */
		append_id(&scene, "other", payload, NULL);
	assert_int_equal(
		td_disk_open_dir(&scene.disk, TD_DISK_NOWHERE, "store", 0, &looking.dir), 0);
	td_disk_list(&scene.disk, looking.dir, look, &looking);
	td_disk_close(&scene.disk, looking.dir);
	assert_int_equal(sim_disk_ruin(sim, looking.path, looking.offset), 0);
	adopt(&scene, false);
	must(&scene, td_store_log(scene.store, td_text("events"), 0, &info, &scene.err));
	assert_true(info.count > 20 && info.count < 40);
	for (int i = 0; i < 4; i++) {
		char address[16];

		snprintf(address, sizeof(address), "order.%d", i);
		assert_int_equal(append_id(&scene, address, "x", NULL).revision, EVENTS / 4 + 1);
	}
	scene_close(&scene);
	sim_disk_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(a_log_takes_over_what_events_holds_of_its_subjects),
		BOTH_TESTS(a_key_that_came_twice_is_known_by_the_later),
		BOTH_TESTS(revisions_go_on_over_what_was_removed_before),
		BOTH_TESTS(many_are_adopted_frame_by_frame_and_appends_wait),
		cmocka_unit_test(what_is_too_large_to_be_adopted_stays_in_events),
		BOTH_TESTS(what_is_adopted_into_an_erasable_log_is_sealed_and_forgotten),
		BOTH_TESTS(what_was_sealed_before_is_forgotten_where_it_was_too),
		BOTH_TESTS(an_address_goes_where_it_is_claimed),
		BOTH_TESTS(limits_do_not_hold_up_what_moves),
		BOTH_TESTS(a_log_that_finds_no_room_takes_nothing_with_it),
		cmocka_unit_test(a_crash_anywhere_leaves_each_event_where_it_was_or_where_it_goes),
		cmocka_unit_test(a_log_that_is_deleted_waits_for_space),
		cmocka_unit_test(a_read_that_fails_leaves_nothing_behind),
		cmocka_unit_test(a_subject_goes_on_behind_what_could_not_be_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
