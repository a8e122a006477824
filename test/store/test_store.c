#include "store_test.h"

#include "store/private.h"

/* What a cursor gives, as "payload payload ..." */
static void expect_read(
	struct scene *scene, const struct td_read_options *options, const char *expected)
{
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_cursor *cursor;
	struct td_stored stored;
	int code;

	must(scene, td_store_read(&cursor, scene->store, options, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0) {
		if (buf.len > 0)
			td_buf_add_char(&buf, ' ');
		td_buf_add_text(&buf, stored.payload);
	}
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, expected);
	td_cursor_close(cursor);
	td_buf_fini(&buf);
}

static int append_some(struct scene *scene, struct td_entry *entries, size_t count,
	struct td_placed *placed, size_t *which)
{
	uint64_t rests_on;

	return td_store_append(scene->store, entries, count, placed, &rests_on, which, &scene->err);
}

static void numbers_are_given_per_log_and_subject(enum shelf shelf)
{
	struct scene scene;
	struct td_placed a, b, c, d;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	a = scene_append(&scene, "order.1", "a");
	b = scene_append(&scene, "order.2", "b");
	c = scene_append(&scene, "order.1", "c");
	d = scene_append(&scene, "user.1", "d");
	assert_int_equal(a.seq, 1);
	assert_int_equal(b.seq, 2);
	assert_int_equal(c.seq, 3);
	assert_int_equal(a.revision, 1);
	assert_int_equal(b.revision, 1);
	assert_int_equal(c.revision, 2);
	assert_int_equal(d.seq, 1);
	assert_true(a.position < b.position && b.position < c.position);
	assert_int_not_equal(a.log, d.log);
	for (int i = 0; i < 2; i++) {
		scene_commit(&scene);
		expect_read(&scene, &(struct td_read_options){0}, "a b c d");
		expect_read(&scene, &(struct td_read_options){.backward = true}, "d c b a");
		expect_read(&scene, &(struct td_read_options){.log = td_text("orders")}, "a b c");
		expect_read(&scene,
			&(struct td_read_options){.log = td_text("orders"), .from_seq = 2}, "b c");
		expect_read(&scene,
			&(struct td_read_options){
				.log = td_text("orders"), .to_seq = 2, .backward = true},
			"b a");
		expect_read(&scene,
			&(struct td_read_options){
				.subjects = (struct td_text[]){td_text("order.1")},
				.subjects_count = 1},
			"a c");
		expect_read(&scene,
			&(struct td_read_options){
				.subjects = (struct td_text[]){td_text("order.1")},
				.subjects_count = 1,
				.from_revision = 2},
			"c");
		expect_read(&scene,
			&(struct td_read_options){
				.subjects = (struct td_text[]){td_text("order.*")},
				.subjects_count = 1,
				.latest = true},
			"b c");
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	c = scene_append(&scene, "order.1", "e");
	assert_int_equal(c.revision, 3);
	assert_int_equal(c.seq, 4);
	scene_end(&scene);
}
BOTH(numbers_are_given_per_log_and_subject)

static void nothing_staged_is_read(enum shelf shelf)
{
	struct scene scene;
	struct td_stored stored;
	struct td_buf buf = TD_BUF_INIT(4096);

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_commit(&scene);
	scene_append(&scene, "a", "2");
	expect_read(&scene, &(struct td_read_options){0}, shelf == IN_MEMORY ? "1 2" : "1");
	must(&scene, td_store_latest(
			     scene.store, td_text(NULL), td_text("a"), &stored, &buf, &scene.err));
	assert_true(td_text_is(stored.payload, shelf == IN_MEMORY ? "2" : "1"));
	scene_commit(&scene);
	must(&scene, td_store_latest(
			     scene.store, td_text(NULL), td_text("a"), &stored, &buf, &scene.err));
	assert_true(td_text_is(stored.payload, "2"));
	assert_int_equal(td_store_latest(scene.store, td_text(NULL), td_text("b"), &stored, &buf,
				 &scene.err),
		TD_E_NOT_FOUND);
	td_buf_fini(&buf);
	scene_end(&scene);
}
BOTH(nothing_staged_is_read)

static void expected_revisions_are_checked(enum shelf shelf)
{
	static const struct {
		const char *address;
		enum td_expect expect;
		uint64_t revision;
		int code;
		uint64_t found;
	} table[] = {
		{"new", TD_EXPECT_ANY, 0, 0, 0},
		{"new", TD_EXPECT_NONE, 0, 0, 0},
		{"new", TD_EXPECT_EXISTS, 0, TD_E_REVISION, 0},
		{"new", TD_EXPECT_REVISION, 1, TD_E_REVISION, 0},
		{"new", TD_EXPECT_REVISION, 0, 0, 0},
		{"two", TD_EXPECT_ANY, 0, 0, 0},
		{"two", TD_EXPECT_NONE, 0, TD_E_REVISION, 2},
		{"two", TD_EXPECT_EXISTS, 0, 0, 0},
		{"two", TD_EXPECT_REVISION, 2, 0, 0},
		{"two", TD_EXPECT_REVISION, 1, TD_E_REVISION, 2},
		{"two", TD_EXPECT_REVISION, 3, TD_E_REVISION, 2},
		{"two", TD_EXPECT_SEQ, 2, 0, 0},
		{"two", TD_EXPECT_SEQ, 1, TD_E_REVISION, 2},
		{"gone", TD_EXPECT_NONE, 0, 0, 0},
		{"gone", TD_EXPECT_EXISTS, 0, TD_E_REVISION, 0},
		{"gone", TD_EXPECT_SEQ, 0, 0, 0},
		{"fell", TD_EXPECT_REVISION, 1, 0, 0},
		{"fell", TD_EXPECT_REVISION, 2, TD_E_REVISION, 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct scene scene;
		struct td_entry entry = entry_of(table[i].address, "x");
		struct td_placed placed;
		const uint64_t gone[] = {3, 5};
		const struct td_removal removal = {
			.log = td_text("events"), .seqs = gone, .seqs_count = 2};
		uint64_t removed, rests_on;

		scene_begin(&scene, shelf);
		scene_open(&scene);
		scene_append(&scene, "two", "1");
		scene_append(&scene, "two", "2");
		scene_append(&scene, "gone", "3");
		scene_append(&scene, "fell", "4");
		scene_append(&scene, "fell", "5");
		must(&scene,
			td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
		assert_int_equal(removed, 2);
		if (i % 2 == 1)
			scene_reopen(&scene);
		entry.expect = table[i].expect;
		entry.revision = table[i].revision;
		assert_int_equal(append_some(&scene, &entry, 1, &placed, NULL), table[i].code);
		if (table[i].code != 0)
			assert_int_equal(placed.found, table[i].found);
		else if (strcmp(table[i].address, "gone") == 0)
			assert_int_equal(placed.revision, 2); /* it outlived the removal */
		else if (strcmp(table[i].address, "fell") == 0)
			assert_int_equal(placed.revision, 3);
		scene_commit(&scene);
		td_store_verify(scene.store);
		scene_end(&scene);
	}
}
BOTH(expected_revisions_are_checked)

static void an_append_is_all_or_none(enum shelf shelf)
{
	struct scene scene;
	struct td_entry entries[3] = {entry_of("a", "1"), entry_of("a", "2"), entry_of("b", "3")};
	struct td_placed placed[3];
	size_t which = 9;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	entries[1].expect = TD_EXPECT_REVISION;
	entries[1].revision = 1; /* as the first of them leaves it */
	entries[2].expect = TD_EXPECT_EXISTS;
	assert_int_equal(append_some(&scene, entries, 3, placed, &which), TD_E_REVISION);
	assert_int_equal(which, 2);
	scene_commit(&scene);
	expect_read(&scene, &(struct td_read_options){0}, "");
	td_store_verify(scene.store);
	entries[2].expect = TD_EXPECT_NONE;
	must(&scene, append_some(&scene, entries, 3, placed, &which));
	assert_int_equal(placed[0].seq, 1);
	assert_int_equal(placed[1].revision, 2);
	assert_int_equal(placed[2].position, placed[0].position + 2);
	scene_commit(&scene);
	expect_read(&scene, &(struct td_read_options){0}, "1 2 3");
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(an_append_is_all_or_none)

static struct td_entry keyed(const char *address, const char *payload, const char *id)
{
	struct td_entry entry = entry_of(address, payload);
	static char blocks[16][128];
	static int next;
	char *block = blocks[next++ % 16];

	snprintf(block, 128, "NATS/1.0\r\nce-id: %s\r\nce-source: s\r\nce-type: T\r\n\r\n", id);
	entry.headers = td_text(block);
	entry.key[0] = td_text("s");
	entry.key[1] = td_text(id);
	return entry;
}

static void duplicates_are_answered_with_the_first(enum shelf shelf)
{
	struct scene scene;
	struct td_entry one = keyed("a", "1", "id1"), other = keyed("a", "2", "id1");
	struct td_entry batch[2] = {keyed("b", "3", "id2"), keyed("c", "4", "id3")};
	struct td_entry mixed[2] = {keyed("b", "3", "id2"), keyed("c", "5", "id4")};
	struct td_entry across[2] = {keyed("a", "1", "id1"), keyed("b", "3", "id2")};
	struct td_placed first, again, two[2], more[2];
	size_t which;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	must(&scene, append_some(&scene, &one, 1, &first, NULL));
	assert_false(first.duplicate);
	must(&scene, append_some(&scene, batch, 2, two, NULL));
	for (int i = 0; i < 3; i++) {
		one.expect = TD_EXPECT_NONE; /* a duplicate comes before the revision */
		must(&scene, append_some(&scene, &one, 1, &again, NULL));
		assert_true(again.duplicate);
		assert_int_equal(again.seq, first.seq);
		assert_int_equal(again.position, first.position);
		assert_int_equal(again.revision, first.revision);
		assert_int_equal(append_some(&scene, &other, 1, &again, &which), TD_E_DUPLICATE);
		assert_int_equal(again.seq, first.seq);
		must(&scene, append_some(&scene, batch, 2, more, NULL));
		assert_true(more[0].duplicate && more[1].duplicate);
		assert_int_equal(more[1].seq, two[1].seq);
		assert_int_equal(append_some(&scene, mixed, 2, more, &which), TD_E_DUPLICATE);
		assert_int_equal(which, 0);
		assert_int_equal(append_some(&scene, across, 2, more, &which), TD_E_DUPLICATE);
		scene_reopen(&scene);
	}
	/* Behind the window it is somebody new. */
	scene.now_ns += 121000000000;
	one.expect = TD_EXPECT_ANY;
	must(&scene, append_some(&scene, &one, 1, &again, NULL));
	assert_false(again.duplicate);
	scene_commit(&scene);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(duplicates_are_answered_with_the_first)

static void two_of_one_id_in_one_append_are_refused(enum shelf shelf)
{
	struct scene scene;
	struct td_entry batch[2] = {keyed("b", "3", "id"), keyed("b", "3", "id")};
	struct td_placed placed[2];
	size_t which = 9;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	assert_int_equal(append_some(&scene, batch, 2, placed, &which), TD_E_DUPLICATE);
	assert_int_equal(which, 1);
	must(&scene, append_some(&scene, batch, 1, placed, NULL));
	assert_int_equal(placed[0].seq, 1);
	scene_commit(&scene);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(two_of_one_id_in_one_append_are_refused)

static void what_no_log_can_take_is_refused(enum shelf shelf)
{
	static char large[16385];
	static const struct {
		const char *log, *address;
		int code;
	} table[] = {
		{NULL, "a..b", TD_E_SUBJECT},
		{NULL, "a.*", TD_E_SUBJECT},
		{NULL, "", TD_E_SUBJECT},
		{NULL, "$x.y", TD_E_SUBJECT},
		{NULL, "_INBOX.1", TD_E_SUBJECT},
		{"nosuch", "a", TD_E_NOT_FOUND},
		{"orders", "user.1", TD_E_SUBJECT},
		{"events", "order.1", TD_E_SUBJECT},
		{"orders", "order.1", 0},
		{"events", "user.1", 0},
	};
	struct scene scene;
	struct td_placed placed;
	struct td_entry entry;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		entry = entry_of(table[i].address, "x");
		entry.log = td_text(table[i].log);
		assert_int_equal(append_some(&scene, &entry, 1, &placed, NULL), table[i].code);
	}
	entry = entry_of("a", "x");
	entry.payload = td_text_of(large, sizeof(large));
	assert_int_equal(append_some(&scene, &entry, 1, &placed, NULL), TD_E_TOO_LARGE);
	entry = entry_of("a", "x");
	entry.imported = true;
	assert_int_equal(append_some(&scene, &entry, 1, &placed, NULL), TD_E_INVALID);
	scene_commit(&scene);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(what_no_log_can_take_is_refused)

static void logs_are_made_changed_and_deleted(enum shelf shelf)
{
	struct scene scene;
	struct td_log_info info, infos[8];
	struct td_text pattern = td_text("order.>"), overlapping = td_text("order.1");
	struct td_log_config config = {.subjects = &overlapping, .subjects_count = 1};
	uint64_t rests_on;
	uint32_t number;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.count_max = 7});
	assert_int_equal(td_store_log_set(scene.store, td_text("orders"), &config, TD_LOG_CREATE,
				 &rests_on, &scene.err),
		TD_E_EXISTS);
	assert_int_equal(td_store_log_set(scene.store, td_text("others"), &config, TD_LOG_CREATE,
				 &rests_on, &scene.err),
		TD_E_EXISTS);
	assert_non_null(strstr(scene.err.text, "orders"));
	assert_int_equal(td_store_log_set(scene.store, td_text("others"), &config, TD_LOG_CHANGE,
				 &rests_on, &scene.err),
		TD_E_NOT_FOUND);
	scene_append(&scene, "order.1", "a");
	scene_append(&scene, "user.1", "b");
	overlapping = td_text("user.*");
	assert_int_equal(td_store_log_set(scene.store, td_text("users"), &config, TD_LOG_CREATE,
				 &rests_on, &scene.err),
		TD_E_EXISTS);
	scene_reopen(&scene);
	must(&scene, td_store_log(scene.store, td_text("orders"), 0, &info, &scene.err));
	assert_int_equal(info.count, 1);
	assert_int_equal(info.subjects, 1);
	assert_int_equal(info.first_seq, 1);
	assert_int_equal(info.last_seq, 1);
	assert_int_equal(info.config->count_max, 7);
	assert_int_equal(info.config->duplicates_ms, 120000);
	assert_true(td_text_equal(info.config->subjects[0], pattern));
	number = info.number;
	assert_int_equal(td_store_logs(scene.store, infos, 8), 3);
	must(&scene, td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
	scene_reopen(&scene);
	assert_int_equal(
		td_store_log(scene.store, td_text("orders"), 0, &info, &scene.err), TD_E_NOT_FOUND);
	expect_read(&scene, &(struct td_read_options){0}, "b");
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	scene_commit(&scene);
	must(&scene, td_store_log(scene.store, td_text("orders"), 0, &info, &scene.err));
	assert_int_not_equal(info.number, number);
	assert_int_equal(scene_append(&scene, "order.1", "c").revision, 1);
	scene_commit(&scene);
	expect_read(&scene, &(struct td_read_options){.log = td_text("orders")}, "c");
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(logs_are_made_changed_and_deleted)

static void limits_remove_the_oldest(enum shelf shelf)
{
	struct scene scene;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "last", "last.*", (struct td_log_config){.count_per_subject_max = 1});
	scene_log(&scene, "few", "few", (struct td_log_config){.count_max = 3});
	scene_log(&scene, "young", "young", (struct td_log_config){.age_ms = 1000});
	for (int c = '1'; c <= '5'; c++) {
		char payload[] = {'l', (char)c, 0};

		scene_append(&scene, "last.a", payload);
		payload[0] = 'f';
		scene_append(&scene, "few", payload);
		payload[0] = 'y';
		scene_append(&scene, "young", payload);
		scene_commit(&scene);
		scene.now_ns += 400000000;
	}
	scene_retain(&scene);
	for (int i = 0; i < 2; i++) {
		expect_read(&scene, &(struct td_read_options){0}, "f3 f4 y4 l5 f5 y5");
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(limits_remove_the_oldest)

static void full_logs_may_refuse(enum shelf shelf)
{
	struct scene scene;
	struct td_entry entry = entry_of("few", "x");
	struct td_placed placed;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(
		&scene, "few", "few", (struct td_log_config){.count_max = 2, .discard_new = true});
	must(&scene, append_some(&scene, &entry, 1, &placed, NULL));
	must(&scene, append_some(&scene, &entry, 1, &placed, NULL));
	assert_int_equal(append_some(&scene, &entry, 1, &placed, NULL), TD_E_LIMIT);
	scene_end(&scene);
}
BOTH(full_logs_may_refuse)

static void one_is_found_by_id_and_by_story(enum shelf shelf)
{
	struct scene scene;
	struct td_entry entries[2] = {keyed("a", "1", "id1"), keyed("b", "2", "id2")};
	struct td_placed placed;
	struct td_stored stored;
	struct td_event *event;
	uint64_t next;
	struct td_buf buf = TD_BUF_INIT(4096), positions = TD_BUF_INIT(4096),
		      server = TD_BUF_INIT(100);

	scene_begin(&scene, shelf);
	scene_open(&scene);
	td_buf_add(&server, "\1\3\0bob\2\5\0story", 14);
	entries[1].server = td_buf_view(&server);
	must(&scene, append_some(&scene, &entries[0], 1, &placed, NULL));
	must(&scene, append_some(&scene, &entries[1], 1, &placed, NULL));
	scene_append(&scene, "c", "3");
	for (int i = 0; i < 2; i++) {
		scene_commit(&scene);
		must(&scene, td_store_find(scene.store, td_text("id2"), td_text(NULL), &stored,
				     &buf, &scene.err));
		assert_true(td_text_is(stored.payload, "2"));
		must(&scene, td_stored_event(scene.store, &stored, &event, &scene.err));
		assert_true(td_text_is(td_event_get(event, "authid"), "bob"));
		assert_true(td_text_is(td_event_get(event, "correlationid"), "story"));
		assert_true(td_text_is(td_event_id(event), "id2"));
		td_event_unref(event);
		assert_int_equal(td_store_find(scene.store, td_text("id2"), td_text("t"), &stored,
					 &buf, &scene.err),
			TD_E_NOT_FOUND);
		must(&scene, td_store_find(scene.store, td_text("events-3"), td_text("nats:events"),
				     &stored, &buf, &scene.err));
		assert_true(td_text_is(stored.payload, "3"));
		td_buf_reset(&positions);
		must(&scene, td_store_story(scene.store, td_text("story"), 0, 10, &positions, &next,
				     &scene.err));
		assert_int_equal(next, 0);
		assert_int_equal(positions.len, sizeof(uint64_t));
		assert_memory_equal(positions.at, &placed.position, sizeof(uint64_t));
		scene_reopen(&scene);
	}
	td_buf_fini(&buf);
	td_buf_fini(&positions);
	td_buf_fini(&server);
	scene_end(&scene);
}
BOTH(one_is_found_by_id_and_by_story)

/* The story's payloads, as "payload payload ", by pages of so many. */
static void expect_story(struct scene *scene, const char *story, size_t page, const char *expected)
{
	struct td_buf positions = TD_BUF_INIT(4096), bytes = TD_BUF_INIT(4096),
		      payloads = TD_BUF_INIT(4096);
	struct td_stored stored;
	uint64_t position, next = 0;

	td_buf_add(&payloads, "", 0);
	do {
		td_buf_reset(&positions);
		must(scene, td_store_story(scene->store, td_text(story), next, page, &positions,
				    &next, &scene->err));
		assert_true(positions.len <= page * sizeof(position));
		for (size_t i = 0; i < positions.len; i += sizeof(position)) {
			memcpy(&position, positions.at + i, sizeof(position));
			must(scene,
				td_store_at(scene->store, position, &stored, &bytes, &scene->err));
			assert_int_equal(stored.position, position);
			td_buf_add_text(&payloads, stored.payload);
			td_buf_add_char(&payloads, ' ');
		}
	} while (next != 0);
	td_buf_add_char(&payloads, '\0');
	assert_string_equal(payloads.at, expected);
	td_buf_fini(&positions);
	td_buf_fini(&bytes);
	td_buf_fini(&payloads);
}

static void append_headers(struct scene *scene, const char *headers, const char *payload)
{
	struct td_entry entry = entry_of("a", payload);
	struct td_placed placed;

	entry.headers = td_text(headers);
	must(scene, append_some(scene, &entry, 1, &placed, NULL));
}

#define TRACEPARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_story_is_had_by_pages_and_by_what_an_event_says_of_it(enum shelf shelf)
{
	struct scene scene;
	struct td_stored stored;
	struct td_buf bytes = TD_BUF_INIT(4096);

	scene_begin(&scene, shelf);
	scene_open(&scene);
	append_headers(&scene, "NATS/1.0\r\nce-id: s\r\n\r\n", "root");
	append_headers(&scene, "NATS/1.0\r\nce-id: 2\r\nce-correlationid: s\r\n\r\n", "2");
	append_headers(&scene,
		"NATS/1.0\r\nce-id: 3\r\nce-correlationid: s\r\nce-traceparent: " TRACEPARENT
		"\r\n\r\n",
		"3");
	append_headers(
		&scene, "NATS/1.0\r\nce-id: 4\r\nce-traceparent: " TRACEPARENT "\r\n\r\n", "4");
	append_headers(&scene, "NATS/1.0\r\ntraceparent: " TRACEPARENT "\r\n\r\n", "5");
	append_headers(&scene, "NATS/1.0\r\n\r\n", "6");
	for (int i = 0; i < 2; i++) {
		scene_commit(&scene);
		for (size_t page = 1; page < 4; page++) {
			expect_story(&scene, "s", page, "root 2 3 ");
			expect_story(&scene, "0af7651916cd43dd8448eb211c80319c", page, "4 5 ");
			expect_story(&scene, "4", page, "");
			expect_story(&scene, "nobody", page, "");
		}
		scene_reopen(&scene);
	}
	assert_int_equal(td_store_at(scene.store, 0, &stored, &bytes, NULL), TD_E_NOT_FOUND);
	assert_int_equal(
		td_store_at(scene.store, td_store_durable(scene.store), &stored, &bytes, NULL),
		TD_E_NOT_FOUND);
	td_buf_fini(&bytes);
	scene_end(&scene);
}
BOTH(a_story_is_had_by_pages_and_by_what_an_event_says_of_it)

static void a_cursor_follows(enum shelf shelf)
{
	static const struct td_text patterns[] = {TD_TEXT_INIT("a"), TD_TEXT_INIT("a.*")};
	struct scene scene;
	struct td_stored stored;

	for (size_t i = 0; i < 4; i++) {
		const struct td_read_options options = {
			.log = i >= 2 ? td_text("events") : td_text(NULL),
			.subjects = &patterns[i % 2],
			.subjects_count = i > 0};
		struct td_cursor *cursor;

		scene_begin(&scene, shelf);
		scene_open(&scene);
		must(&scene, td_store_read(&cursor, scene.store, &options, &scene.err));
		assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
		for (int j = 0; j < 3; j++) {
			scene_append(&scene, i % 2 == 0 ? "a" : "a.b", "x");
			scene_append(&scene, i % 2 == 0 ? "a" : "a.b", "y");
			scene_commit(&scene);
			must(&scene, td_cursor_next(cursor, &stored, &scene.err));
			assert_true(td_text_is(stored.payload, "x"));
			assert_int_equal(stored.revision, 2 * j + 1);
			must(&scene, td_cursor_next(cursor, &stored, &scene.err));
			assert_true(td_text_is(stored.payload, "y"));
			assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
			assert_int_equal(td_cursor_position(cursor), td_store_durable(scene.store));
		}
		td_cursor_close(cursor);
		scene_end(&scene);
	}
}
BOTH(a_cursor_follows)

static const struct td_text *one_text(struct td_text text)
{
	static struct td_text kept;

	kept = text;
	return &kept;
}

static void a_subject_is_read_from_all_logs_that_have_it(enum shelf shelf)
{
	const struct td_read_options subject = {
		.subjects = one_text(td_text("order.1")), .subjects_count = 1};
	struct td_read_options options;
	struct scene scene;
	struct td_stored stored;
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_cursor *cursor;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	scene_append(&scene, "order.1", "a");
	scene_append(&scene, "order.2", "b");
	scene_log(&scene, "orders", "old.>", (struct td_log_config){0});
	scene_append(&scene, "order.1", "c");
	for (int i = 0; i < 2; i++) {
		scene_reopen(&scene);
		options = subject;
		expect_read(&scene, &options, "a c");
		options.backward = true;
		expect_read(&scene, &options, "c a");
		options.log = td_text("orders");
		expect_read(&scene, &options, "a");
		options.log = td_text("events");
		expect_read(&scene, &options, "c");
		must(&scene, td_store_latest(scene.store, td_text(NULL), td_text("order.1"),
				     &stored, &buf, &scene.err));
		assert_true(td_text_is(stored.payload, "c"));
	}
	/* And who follows it hears of both. */
	must(&scene, td_store_read(&cursor, scene.store, &subject, &scene.err));
	must(&scene, td_cursor_next(cursor, &stored, &scene.err));
	must(&scene, td_cursor_next(cursor, &stored, &scene.err));
	scene_append(&scene, "order.1", "d");
	scene_commit(&scene);
	must(&scene, td_cursor_next(cursor, &stored, &scene.err));
	assert_true(td_text_is(stored.payload, "d"));
	assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
	td_cursor_close(cursor);
	td_buf_fini(&buf);
	td_store_verify(scene.store);
	scene_end(&scene);
}
BOTH(a_subject_is_read_from_all_logs_that_have_it)

/* With a commit where the frame is full. */
static void append_surely(struct scene *scene, const char *address, const char *payload)
{
	struct td_entry entry = entry_of(address, payload);
	struct td_placed placed;

	while (append_some(scene, &entry, 1, &placed, NULL) == TD_E_FULL)
		scene_commit(scene);
}

#define MANY 9000

/* More than is listed under one lock, some of it removed. */
static void a_long_subject_is_read_in_steps(enum shelf shelf)
{
	struct td_read_options options = {
		.subjects = one_text(td_text("long")), .subjects_count = 1};
	const struct td_removal removal = {
		.log = td_text("events"), .pattern = td_text("long"), .below = 2001};
	struct scene scene;
	uint64_t removed, sum = 0, rests_on;
	int code;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	for (int i = 0; i < MANY; i++)
		append_surely(&scene, "long", "x");
	do { /* more than one frame holds */
		code = td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err);
		sum += removed;
		scene_commit(&scene);
	} while (code == TD_E_FULL);
	must(&scene, code);
	assert_int_equal(sum, 2000);
	for (int i = 0; i < 4; i++) {
		struct td_cursor *cursor;
		struct td_stored stored;
		uint64_t at = (i & 1) != 0 ? MANY : 2001;

		options.backward = (i & 1) != 0;
		must(&scene, td_store_read(&cursor, scene.store, &options, &scene.err));
		while (td_cursor_next(cursor, &stored, NULL) == 0) {
			assert_int_equal(stored.revision, at);
			at += options.backward ? (uint64_t)-1 : 1;
		}
		assert_int_equal(at, options.backward ? 2000 : MANY + 1);
		td_cursor_close(cursor);
		if (i == 1)
			scene_reopen(&scene);
	}
	scene_end(&scene);
}
BOTH(a_long_subject_is_read_in_steps)

/* In the order of positions, while some of them move on. */
static void the_latest_of_each_is_read_though_they_change(enum shelf shelf)
{
	const struct td_read_options options = {.latest = true};
	struct scene scene;
	struct td_cursor *cursor;
	struct td_stored stored;
	char address[32], seen[2000] = {0};
	size_t count = 0, n;
	uint64_t last = 0;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	scene_log(&scene, "last", "k.*", (struct td_log_config){.count_per_subject_max = 1});
	for (int i = 0; i < 2000; i++) {
		snprintf(address, sizeof(address), "k.%d", i);
		append_surely(&scene, address, "1");
	}
	scene_commit(&scene);
	must(&scene, td_store_read(&cursor, scene.store, &options, &scene.err));
	while (td_cursor_next(cursor, &stored, &scene.err) == 0) {
		assert_true(stored.position > last);
		last = stored.position;
		assert_int_equal(sscanf(stored.address.at, "k.%zu", &n), 1);
		assert_false(seen[n]);
		seen[n] = 1;
		if (count++ != 500)
			continue;
		/* These were listed, and what was listed of them goes. */
		for (int i = 1000; i < 1500; i++) {
			snprintf(address, sizeof(address), "k.%d", i);
			append_surely(&scene, address, "2");
		}
		scene_commit(&scene);
		scene_retain(&scene);
	}
	assert_int_equal(count, 2000);
	td_cursor_close(cursor);
	scene_end(&scene);
}
BOTH(the_latest_of_each_is_read_though_they_change)

/* Segments are rolled and have their catalogs. */
static void roll(struct scene *scene)
{
	td_journal_roll(td_store_journal(scene->store));
	scene_append(scene, "roll", "");
	scene_commit(scene);
}

static void a_refused_append_leaves_no_time_behind(enum shelf shelf)
{
	struct scene scene;
	struct td_entry entry = keyed("a", "1", "id");
	struct td_placed first, again;

	scene_begin(&scene, shelf);
	scene_open(&scene);
	must(&scene, append_some(&scene, &entry, 1, &first, NULL));
	scene_commit(&scene);
	scene.now_ns += 1000000000;
	scene_commit(&scene);
	must(&scene, append_some(&scene, &entry, 1, &again, NULL));
	assert_true(again.duplicate);
	/* Nothing was staged: the next one has its own time, and the window has moved. */
	scene.now_ns += 3600000000000;
	must(&scene, append_some(&scene, &entry, 1, &again, NULL));
	assert_false(again.duplicate);
	assert_true(again.time >= first.time + 3600000000000);
	scene_end(&scene);
}
BOTH(a_refused_append_leaves_no_time_behind)

static void a_long_window_is_kept_when_its_log_is_as_old(void **state)
{
	struct scene scene;
	struct td_entry entry = keyed("order.1", "1", "id");
	struct td_placed first, again;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.duplicates_ms = 3600000});
	must(&scene, append_some(&scene, &entry, 1, &first, NULL));
	scene_commit(&scene);
	roll(&scene);
	scene.now_ns += 600000000000;
	scene_reopen(&scene);
	must(&scene, append_some(&scene, &entry, 1, &again, NULL));
	assert_true(again.duplicate);
	assert_int_equal(again.position, first.position);
	scene_end(&scene);
}

/* Also where the record that makes it long lies in a later segment than the keys. */
static void a_window_that_was_lengthened_later_reaches_as_far_back(void **state)
{
	struct scene scene;
	struct td_entry one = keyed("order.1", "1", "id1"), two = keyed("order.1", "2", "id2");
	struct td_placed first, second, again;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	must(&scene, append_some(&scene, &one, 1, &first, NULL));
	scene_commit(&scene);
	roll(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.duplicates_ms = 3600000});
	must(&scene, append_some(&scene, &two, 1, &second, NULL));
	scene_commit(&scene);
	roll(&scene);
	for (int i = 0; i < 3; i++) {
		scene.now_ns += 600000000000;
		scene_reopen(&scene);
		must(&scene, append_some(&scene, &one, 1, &again, NULL));
		assert_true(again.duplicate);
		assert_int_equal(again.position, first.position);
		must(&scene, append_some(&scene, &two, 1, &again, NULL));
		assert_true(again.duplicate);
		assert_int_equal(again.position, second.position);
	}
	/* The older one leaves the window first. */
	scene.now_ns += 1799000000000;
	scene_reopen(&scene);
	must(&scene, append_some(&scene, &one, 1, &again, NULL));
	assert_true(again.duplicate);
	scene.now_ns += 2000000000;
	scene_reopen(&scene);
	must(&scene, append_some(&scene, &one, 1, &again, NULL));
	assert_false(again.duplicate);
	scene_end(&scene);
}

static void an_age_without_end_removes_nothing(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, IN_MEMORY);
	scene_open(&scene);
	scene_log(&scene, "few", "few",
		(struct td_log_config){.count_max = 2, .age_ms = 17446744000000});
	for (int i = 0; i < 4; i++)
		scene_append(&scene, "few", "x");
	scene_retain(&scene);
	expect_read(&scene, &(struct td_read_options){0}, "x x");
	scene_end(&scene);
}

struct heard {
	size_t count, lost;
	uint64_t last;
	bool refuse;
};

static int gate(void *arg, struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_error *err)
{
	(void)store;
	(void)entries;
	(void)count;
	return ((struct heard *)arg)->refuse
		       ? td_error_set(err, TD_E_REFUSED, TD_NO_OFFSET, "not today")
		       : 0;
}

static void tap(void *arg, const struct td_stored *event)
{
	struct heard *heard = arg;

	assert_true(event->position > heard->last);
	heard->last = event->position;
	heard->count++;
}

static void gates_refuse_and_taps_hear_in_order(enum shelf shelf)
{
	struct scene scene;
	struct heard heard = {0};
	const struct td_gate gates[] = {{gate, &heard}};
	const struct td_tap taps[] = {{tap, &heard, NULL}};
	struct td_entry entry = entry_of("a", "x");
	struct td_placed placed;
	uint64_t rests_on = 1;

	scene_begin(&scene, shelf);
	scene.options.gates = gates;
	scene.options.gates_count = 1;
	scene.options.taps = taps;
	scene.options.taps_count = 1;
	scene_open(&scene);
	for (int i = 0; i < 10; i++)
		scene_append(&scene, "a", "x");
	assert_int_equal(heard.count, 0);
	heard.refuse = true;
	/* What it saw may be staged: nobody is told of the refusal before that is durable. */
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_REFUSED);
	assert_int_equal(rests_on, td_store_staged(scene.store) == td_store_durable(scene.store)
					   ? 0
					   : td_store_staged(scene.store) - 1);
	scene_commit(&scene);
	assert_int_equal(heard.count, 10);
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_REFUSED);
	assert_int_equal(rests_on, 0);
	heard.refuse = false;
	scene_append(&scene, "a", "x");
	scene_commit(&scene);
	assert_int_equal(heard.count, 11);
	scene_end(&scene);
}
BOTH(gates_refuse_and_taps_hear_in_order)

static int scan_code;

static int scan_fails(void *arg, struct td_place *place, struct td_record *record,
	uint64_t *lost_to, struct td_error *err)
{
	(void)arg;
	(void)record;
	(void)err;
	*lost_to = place->scan.position;
	return scan_code;
}

static void lost(void *arg, uint64_t from, uint64_t to)
{
	struct heard *heard = arg;

	assert_int_equal(from, to);
	assert_true(from > heard->last);
	heard->last = to;
	heard->lost++;
}

static void what_taps_cannot_be_told_now_they_hear_later(enum shelf shelf)
{
	struct scene scene;
	struct heard heard = {0};
	const struct td_tap taps[] = {{tap, &heard, lost}};
	int (*scan)(void *arg, struct td_place *place, struct td_record *record, uint64_t *lost_to,
		struct td_error *err);
	int64_t now_ms;

	scene_begin(&scene, shelf);
	scene.options.taps = taps;
	scene.options.taps_count = 1;
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_commit(&scene);
	assert_int_equal(heard.count, 1);
	scan = scene.store->shelf.scan;
	scene.store->shelf.scan = scan_fails;
	scan_code = TD_E_NOMEM;
	scene_append(&scene, "a", "2");
	scene_commit(&scene); /* durable, and so acknowledged, all the same */
	assert_int_equal(heard.count, 1);
	now_ms = scene.now_ns / 1000000;
	assert_in_range(
		td_store_next_ms(scene.store, TD_WORK_COMMIT, now_ms), now_ms + 1, now_ms + 1000);
	scene.store->shelf.scan = scan;
	scene.now_ns += 1000000000;
	scene_commit(&scene);
	assert_int_equal(heard.count, 2);
	/* What is damaged is passed over, and told. */
	scene.store->shelf.scan = scan_fails;
	scan_code = TD_E_DAMAGED;
	scene_append(&scene, "a", "3");
	scene_commit(&scene);
	scene.store->shelf.scan = scan;
	scene_append(&scene, "a", "4");
	scene_commit(&scene);
	assert_int_equal(heard.lost, 1);
	assert_int_equal(heard.count, 3);
	scene_end(&scene);
}
BOTH(what_taps_cannot_be_told_now_they_hear_later)

/* Whether the bytes stand anywhere in the directory. */
static bool is_on_disk(const struct scene *scene, const char *bytes)
{
	char command[200];

	snprintf(command, sizeof(command), "grep -qr -e %s %s", bytes, scene->path);
	return system(command) == 0;
}

static void what_is_to_be_erased_is_gone_from_the_disk(void **state)
{
	const uint64_t seq = 2;
	const struct td_removal removal = {
		.log = td_text("events"), .seqs = &seq, .seqs_count = 1, .erase = true};
	struct scene scene;
	uint64_t removed, rests_on;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "kept-1");
	scene_append(&scene, "a", "very-secret");
	scene_append(&scene, "b", "kept-2");
	scene_commit(&scene);
	assert_true(is_on_disk(&scene, "very-secret"));
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	scene_retain(&scene);
	expect_read(&scene, &(struct td_read_options){0}, "kept-1 kept-2");
	scene.now_ns += 60000000000;
	for (int i = 0; i < 3; i++)
		scene_retain(&scene);
	assert_false(is_on_disk(&scene, "very-secret"));
	for (int i = 0; i < 2; i++) {
		expect_read(&scene, &(struct td_read_options){0}, "kept-1 kept-2");
		expect_read(&scene, &(struct td_read_options){.backward = true}, "kept-2 kept-1");
		td_store_verify(scene.store);
		scene_reopen(&scene);
	}
	assert_int_equal(scene_append(&scene, "a", "x").revision, 3);
	scene_end(&scene);
}

static void memory_is_given_back(void **state)
{
	struct scene scene;
	struct td_store_status before, after;

	(void)state;
	scene_begin(&scene, IN_MEMORY);
	scene_open(&scene);
	scene_log(&scene, "few", "few", (struct td_log_config){.count_max = 100});
	for (int i = 0; i < 200000; i++) {
		scene_append(&scene, "few", "sixteen bytes...");
		if (i % 1000 == 0)
			scene_retain(&scene);
		if (i == 20000)
			td_store_status(scene.store, &before);
	}
	scene_retain(&scene);
	td_store_status(scene.store, &after);
	assert_int_equal(after.events, 101); /* and how the log was made */
	assert_true(after.index_bytes <= before.index_bytes * 2);
	td_store_verify(scene.store);
	scene_end(&scene);
}

/* Its first record finds the segment full: with frames of 4 KiB the mark leaves no room. */
static void a_strict_store_of_small_segments_is_made(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.journal.strict = true;
	scene.options.journal.segment_bytes_first = (size_t)16 << 10;
	scene.options.journal.segment_bytes_max = (size_t)16 << 10;
	scene.options.journal.frame_bytes = (size_t)2 << 10;
	scene.options.journal.append_bytes_max = (size_t)4 << 10;
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_reopen(&scene);
	expect_read(&scene, &(struct td_read_options){0}, "1");
	scene_end(&scene);
}

/* The ceiling that is promised, with all that may come with it. */
static void the_largest_event_is_stored(void **state)
{
	static char headers[TD_HEADER_BYTES_MAX], type[TD_TYPE_BYTES_MAX];
	const size_t bytes = (size_t)8 << 20;
	struct td_buf buf = TD_BUF_INIT(2 * bytes);
	char address[TD_ADDRESS_BYTES_MAX + 1];
	struct td_entry entry;
	struct td_stored stored;
	struct td_placed placed;
	struct scene scene;
	uint64_t rests_on;
	char *payload = malloc(bytes + 1);
	int code;

	(void)state;
	assert_non_null(payload);
	memset(payload, 'p', bytes + 1);
	memset(type, 'T', sizeof(type));
	memset(address, 'a', sizeof(address));
	memset(headers, 'h', sizeof(headers));
	memcpy(headers, "NATS/1.0\r\nA: ", 13);
	memcpy(headers + sizeof(headers) - 4, "\r\n\r\n", 4);
	scene_begin(&scene, IN_JOURNAL);
	scene.options.payload_bytes_max = bytes;
	scene.options.journal.append_bytes_max = scene.options.journal.frame_bytes = 0;
	scene_open(&scene);
	entry = (struct td_entry){.address = td_text_of(address, TD_ADDRESS_BYTES_MAX),
		.type = td_text_of(type, sizeof(type)),
		.headers = td_text_of(headers, sizeof(headers)),
		.payload = td_text_of(payload, bytes + 1)};
	assert_int_equal(td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, NULL),
		TD_E_TOO_LARGE);
	entry.payload.len = bytes;
	while ((code = td_store_append(
			scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err)) == TD_E_FULL)
		scene_commit(&scene);
	must(&scene, code);
	scene_reopen(&scene);
	must(&scene, td_store_latest(
			     scene.store, td_text(NULL), entry.address, &stored, &buf, &scene.err));
	assert_int_equal(stored.payload.len, bytes);
	assert_memory_equal(stored.payload.at, payload, bytes);
	assert_true(td_text_equal(stored.headers, entry.headers));
	td_buf_fini(&buf);
	free(payload);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(numbers_are_given_per_log_and_subject),
		cmocka_unit_test(the_largest_event_is_stored),
		BOTH_TESTS(nothing_staged_is_read),
		BOTH_TESTS(expected_revisions_are_checked),
		BOTH_TESTS(an_append_is_all_or_none),
		BOTH_TESTS(duplicates_are_answered_with_the_first),
		BOTH_TESTS(two_of_one_id_in_one_append_are_refused),
		BOTH_TESTS(what_no_log_can_take_is_refused),
		BOTH_TESTS(logs_are_made_changed_and_deleted),
		BOTH_TESTS(limits_remove_the_oldest),
		BOTH_TESTS(full_logs_may_refuse),
		BOTH_TESTS(one_is_found_by_id_and_by_story),
		BOTH_TESTS(a_story_is_had_by_pages_and_by_what_an_event_says_of_it),
		BOTH_TESTS(a_cursor_follows),
		BOTH_TESTS(a_subject_is_read_from_all_logs_that_have_it),
		BOTH_TESTS(a_long_subject_is_read_in_steps),
		BOTH_TESTS(the_latest_of_each_is_read_though_they_change),
		BOTH_TESTS(gates_refuse_and_taps_hear_in_order),
		BOTH_TESTS(what_taps_cannot_be_told_now_they_hear_later),
		cmocka_unit_test(what_is_to_be_erased_is_gone_from_the_disk),
		BOTH_TESTS(a_refused_append_leaves_no_time_behind),
		cmocka_unit_test(a_long_window_is_kept_when_its_log_is_as_old),
		cmocka_unit_test(a_window_that_was_lengthened_later_reaches_as_far_back),
		cmocka_unit_test(an_age_without_end_removes_nothing),
		cmocka_unit_test(memory_is_given_back),
		cmocka_unit_test(a_strict_store_of_small_segments_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
