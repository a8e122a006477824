#include "stored.h"

#include "client/client.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

/*
 * "file:": what publish promises on a disk, with one thread and with many, and what a disk that
 * fails or is full does to a handle.
 */

/* --- a disk that fails when told ---------------------------------------------------------- */

static _Atomic int disk_sync_error, disk_space_error;
static _Atomic int disk_syncs;

static int failing_sync(void *arg, int file)
{
	atomic_fetch_add(&disk_syncs, 1);
	if (disk_sync_error != 0)
		return disk_sync_error;
	return td_disk_real.sync(arg, file);
}

static int failing_allocate(void *arg, int file, uint64_t offset, uint64_t len)
{
	if (disk_space_error != 0)
		return disk_space_error;
	return td_disk_real.allocate(arg, file, offset, len);
}

static struct td_disk failing_disk(void)
{
	struct td_disk disk = td_disk_real;

	disk.sync = failing_sync;
	disk.allocate = failing_allocate;
	disk_sync_error = disk_space_error = 0;
	return disk;
}

static struct td *open_failing(
	const char *directory, const struct td_disk *disk, const struct td_options *options)
{
	struct td_world world = {.disk = disk};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	char url[300];

	snprintf(url, sizeof(url), "file:%s", directory);
	if (td_open_in(&td, url, &world, options, &err) != 0)
		fail_msg("%s", err.text);
	return td;
}

/* --- keeping ------------------------------------------------------------------------------ */

static void what_was_published_is_there_after_opening_again(void **state)
{
	struct stored *s = *state;
	struct td_appended a;

	create_log(s, "orders", "order.>");
	OK(s, append_one(s, "Placed", "order.1", TD_IF_NONE, 0, NULL));
	OK(s, td_publish(s->td, EVENT("Noted", "other"), NULL, &s->err));
	assert_int_equal(td_close(s->td), 0);
	s->td = open_file(s->directory, &(struct td_options){.flags = TD_MUST_EXIST});
	assert_read(s, "orders/1:order.1@1:Placed events/1:other@1:Noted ", 0);
	assert_int_equal(append_one(s, "Paid", "order.1", TD_IF_NONE, 0, &a), TD_E_REVISION);
	OK(s, append_one(s, "Paid", "order.1", TD_IF_REVISION, 1, &a));
	assert_int_equal(a.where.seq, 2);
}

static void every_publish_is_kept_whichever_road_it_takes(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor heard = {.name = "h", .diary = &diary};
	struct td_event *event = NULL;
	struct td_topic *topic = NULL;

	subscribe(s->td, INTEREST(.subject = "s"), &heard);
	OK(s, td_publish(s->td, EVENT("One", "s"), NULL, &s->err));
	OK(s, td_publish_with(s->td, EVENT("Two", "s"), TD_ASYNC, NULL, &s->err));
	OK(s, td_event_new(&event, EVENT("Three", "s"), &s->err));
	OK(s, td_publish_event(s->td, event, 0, NULL, &s->err));
	td_event_unref(event);
	OK(s, td_topic_open(&topic, s->td, "s", "Four", &s->err));
	OK(s, td_event_new(&event, EVENT("Four", "s"), &s->err));
	OK(s, td_topic_publish(topic, event, NULL, &s->err));
	td_event_unref(event);
	td_loop_turn(s->td, 0);
	assert_diary(&diary, "h:One@s h:Two@s h:Three@s h:Four@s ");
	assert_read(
		s, "events/1:s@1:One events/2:s@2:Two events/3:s@3:Three events/4:s@4:Four ", 0);
}

static void what_is_for_nobodys_log_is_heard_of_and_forgotten(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor heard = {.name = "h", .diary = &diary};
	struct td_receipt receipt = TD_RECEIPT_INIT;

	subscribe(s->td, INTEREST(.subject = "$here.>"), &heard);
	OK(s, td_publish(s->td, EVENT("One", "$here.s"), &receipt, &s->err));
	assert_int_equal(td_receipt_position(&receipt), 0);
	assert_diary(&diary, "h:One@$here.s ");
	assert_read(s, "", .subject = "$here.>");
	td_receipt_fini(&receipt);
}

static int reads_itself(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_event *latest = NULL;
	struct td_where where;
	int *seen = arg;

	if (td_latest(td_context_place(context), NULL, "s", &latest, &where, NULL) == 0 &&
		td_text_equal(td_event_id(latest), td_event_id(event)))
		(*seen)++;
	td_event_unref(latest);
	return 0;
}

static void a_handler_finds_its_event_stored(void **state)
{
	struct stored *s = *state;
	int seen = 0;

	OK(s, td_subscribe(s->td, NULL, reads_itself, &seen, NULL, &s->err));
	OK(s, td_publish(s->td, EVENT("One", "s"), NULL, &s->err));
	OK(s, td_publish(s->td, EVENT("Two", "s"), NULL, &s->err));
	assert_int_equal(seen, 2);
}

static void letters_and_outcomes_are_kept(void **state)
{
	struct stored *s = *state;
	struct actor fails = {.name = "f", .fails = -1, .class_ = TD_SKIP};

	subscribe(s->td, INTEREST(.name = "billing", .subject = "s"), &fails);
	assert_int_equal(publish(s->td, "One", "s"), TD_E_HANDLER);
	assert_read(s, "events/1:s@1:One events/2:td.deadletter.billing@1:td.deadletter.added ", 0);
}

static void a_letter_of_what_can_be_forgotten_leaves_out_its_data(void **state)
{
	static const char *const subjects[] = {"person.>"}, *const erasable[] = {
								    "person.*.private"};
	const struct td_log_settings settings = {.subjects = subjects,
		.subjects_count = 1,
		.erasable = erasable,
		.erasable_count = 1};
	struct stored *s = *state;
	struct actor fails = {.name = "f", .fails = -1, .class_ = TD_SKIP};
	struct td_event *letter;

	OK(s, td_log_create(s->td, "people", &settings, &s->err));
	subscribe(s->td, INTEREST(.name = "billing", .subject = "person.>"), &fails);
	for (int i = 0; i < 2; i++) {
		const struct td_draft moved = {.type = "Moved",
			.subject = i == 0 ? "person.7.private" : "person.7.public",
			.json = "\"to Ulm\""};
		const char *data;
		bool told;

		assert_int_equal(td_publish(s->td, &moved, NULL, &s->err), TD_E_HANDLER);
		OK(s, td_latest(s->td, NULL, "td.deadletter.billing", &letter, NULL, &s->err));
		data = td_event_data(letter).at;
		assert_non_null(memmem(data, td_event_data(letter).len, "Moved", 5));
		told = memmem(data, td_event_data(letter).len, "to Ulm", 6) != NULL;
		assert_int_equal(told, i == 1);
		td_event_unref(letter);
	}
}

static void without_threads_the_house_is_kept_in_calls(void **state)
{
	struct stored *s = *state;
	struct td_status status;

	td_close(s->td);
	s->td = open_file(s->directory, &(struct td_options){.flags = TD_NO_THREADS});
	for (int i = 0; i < 3000; i++) /* more than the first segment */
		OK(s, td_publish(s->td,
			      &(struct td_draft){.type = "T",
				      .subject = "s",
				      .json = "\"................................................."
					      "..................................................."
					      "..................................................."
					      "..................................................."
					      "\""},
			      NULL, &s->err));
	usleep(60000);
	td_loop_turn(s->td, 0);
	OK(s, td_status(s->td, &status, &s->err));
	assert_int_equal(status.events, 3000);
}

/* Whether the descriptor says that there is something to do. */
static bool is_due(struct stored *s, int wait_ms)
{
	struct pollfd fd = {td_loop_fd(s->td), POLLIN, 0};

	return poll(&fd, 1, wait_ms) == 1;
}

static void without_threads_the_loop_says_when_the_house_wants_a_turn(void **state)
{
	struct stored *s = *state;
	struct td_status before, after = {0};

	td_close(s->td);
	s->td = open_file(s->directory, &(struct td_options){.flags = TD_NO_THREADS});
	OK(s, td_publish(s->td, EVENT("T", "s"), NULL, &s->err));
	OK(s, td_status(s->td, &before, &s->err));
	/* A mark is due, some time after the last frame; nobody calls but for it. */
	for (int i = 0; i < 20 && after.commits <= before.commits; i++) {
		assert_true(is_due(s, 5000));
		assert_int_equal(td_loop_turn(s->td, 0), 0);
		OK(s, td_status(s->td, &after, &s->err));
	}
	assert_true(after.commits > before.commits);
	/* And then there is peace: the host may sleep for ever. */
	for (int i = 0; i < 20 && is_due(s, 0); i++)
		td_loop_turn(s->td, 0);
	assert_false(is_due(s, 120));
	/* Who waits inside a turn keeps house, too. */
	OK(s, td_publish(s->td, EVENT("T", "s"), NULL, &s->err));
	OK(s, td_status(s->td, &before, &s->err));
	assert_int_equal(td_loop_turn(s->td, 400), 0);
	OK(s, td_status(s->td, &after, &s->err));
	assert_true(after.commits > before.commits);
}

/* --- many threads ------------------------------------------------------------------------- */

#define PUBLISHERS 16
#define EACH       60

struct race {
	struct td *td;
	_Atomic int failed, number, won, lost;
	_Atomic uint64_t position;
	_Atomic int wrong;
	struct td_mutex lock;
	uint64_t last[4];
};

static void *publish_many(void *arg)
{
	struct race *race = arg;
	int me = atomic_fetch_add(&race->number, 1);

	for (int i = 0; i < EACH; i++) {
		struct td_receipt receipt = TD_RECEIPT_INIT;
		char subject[32];
		struct td_draft draft = {.type = "T", .subject = subject};

		snprintf(subject, sizeof(subject), "s.%d", (me + i) % 4);
		if (td_publish(race->td, &draft, &receipt, NULL) != 0 ||
			td_receipt_position(&receipt) == 0)
			atomic_fetch_add(&race->failed, 1);
		td_receipt_fini(&receipt);
	}
	return NULL;
}

/* Revisions of a subject come to the handler one after the other. */
static int sees_revisions(const struct td_event *event, struct td_context *context, void *arg)
{
	struct race *race = arg;
	struct td_event *found = NULL;
	struct td_where where;
	char id[64];
	int subject = td_event_subject(event).at[2] - '0';

	td_text_copy(td_event_id(event), id, sizeof(id));
	if (td_find(td_context_place(context), id, NULL, &found, &where, NULL) != 0 ||
		where.revision != race->last[subject] + 1)
		atomic_fetch_add(&race->wrong, 1);
	race->last[subject] = where.revision;
	td_event_unref(found);
	return 0;
}

static void many_publishers_share_writes_and_every_one_is_kept(void **state)
{
	struct stored *s = *state;
	struct race race = {.td = s->td};
	pthread_t threads[PUBLISHERS];
	struct td_status before, after;
	struct td_scope range = {0};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;
	uint64_t seq = 0;

	OK(s, td_subscribe(s->td, NULL, sees_revisions, &race, NULL, &s->err));
	OK(s, td_status(s->td, &before, &s->err));
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_create(&threads[i], NULL, publish_many, &race);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(threads[i], NULL);
	OK(s, td_status(s->td, &after, &s->err));
	assert_int_equal(race.failed, 0);
	assert_int_equal(race.wrong, 0);
	assert_true(after.commits - before.commits < PUBLISHERS * EACH);
	OK(s, td_read(&reading, s->td, &range, &s->err));
	while (td_next(reading, &event, &where, &s->err) == 0)
		assert_int_equal(where.seq, ++seq);
	assert_int_equal(seq, PUBLISHERS * EACH);
	td_reading_close(reading);
}

static void *append_in_race(void *arg)
{
	struct race *race = arg;

	for (int i = 0; i < EACH; i++) {
		struct td_event *latest = NULL;
		struct td_where where = {.revision = 0};
		struct td_draft draft = {.type = "T", .subject = "counter"};
		struct td_appending one = {.draft = &draft, .expected = TD_IF_REVISION};
		int code = td_latest(race->td, NULL, "counter", &latest, &where, NULL);

		td_event_unref(latest);
		one.revision = where.revision;
		if (code == TD_E_NOT_FOUND)
			one.expected = TD_IF_NONE;
		code = td_append(race->td, &one, 1, NULL, NULL, NULL);
		if (code == 0)
			atomic_fetch_add(&race->won, 1);
		else if (code == TD_E_REVISION)
			atomic_fetch_add(&race->lost, 1);
		else
			atomic_fetch_add(&race->failed, 1);
	}
	return NULL;
}

static void of_those_who_expect_the_same_revision_one_wins(void **state)
{
	struct stored *s = *state;
	struct race race = {.td = s->td};
	pthread_t threads[4];
	struct td_event *latest = NULL;
	struct td_where where;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, append_in_race, &race);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.failed, 0);
	assert_int_equal(race.won + race.lost, 4 * EACH);
	OK(s, td_latest(s->td, NULL, "counter", &latest, &where, &s->err));
	assert_int_equal(where.revision, race.won);
	td_event_unref(latest);
}

static void *follow_all(void *arg)
{
	struct race *race = arg;
	struct td_reading *reading = NULL;
	const struct td_event *event;
	int seen = 0;

	if (td_follow(&reading, race->td, NULL, NULL) != 0)
		return NULL;
	while (seen < PUBLISHERS * EACH && td_reading_wait(reading, 10000, NULL) == 0)
		while (td_next(reading, &event, NULL, NULL) == 0)
			seen++;
	td_reading_close(reading);
	atomic_fetch_add(&race->won, seen);
	return NULL;
}

static void who_follows_on_another_thread_sees_all(void **state)
{
	struct stored *s = *state;
	struct race race = {.td = s->td};
	pthread_t threads[PUBLISHERS], follower;

	pthread_create(&follower, NULL, follow_all, &race);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_create(&threads[i], NULL, publish_many, &race);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(follower, NULL);
	assert_int_equal(race.won, PUBLISHERS * EACH);
}

/* --- a disk that fails -------------------------------------------------------------------- */

static void a_failed_disk_ends_storing_and_the_process_goes_on(void **state)
{
	struct diary diary = {0};
	struct actor heard = {.name = "h", .diary = &diary};
	struct td_disk disk = failing_disk();
	const char *directory = fresh_directory();
	struct td *td = open_failing(directory, &disk, NULL);
	struct td_error err = TD_ERROR_INIT;
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_appending one = {.draft = EVENT("T", "s")};
	struct td_status status;

	(void)state;
	subscribe(td, NULL, &heard);
	assert_int_equal(publish(td, "One", "s"), 0);
	disk_sync_error = EIO;
	assert_int_equal(td_publish(td, EVENT("Two", "s"), &receipt, &err), TD_E_DISK);
	assert_int_equal(td_receipt_position(&receipt), 0);
	disk_sync_error = 0; /* it is final */
	assert_int_equal(publish(td, "Three", "s"), TD_E_DISK);
	assert_int_equal(td_append(td, &one, 1, NULL, NULL, &err), TD_E_DISK);
	assert_int_equal(td_log_create(td, "l", NULL, &err), TD_E_DISK);
	assert_int_equal(td_status(td, &status, &err), 0);
	assert_true(status.failed);
	assert_diary(&diary, "h:One@s "); /* nobody heard of what is not known to be durable */
	td_close(td);
	td = open_file(directory, NULL);
	assert_int_equal(publish(td, "Four", "s"), 0);
	td_close(td);
	td_receipt_fini(&receipt);
	remove_tree(directory);
}

static void all_who_wait_hear_of_a_failed_disk(void **state)
{
	struct td_disk disk = failing_disk();
	const char *directory = fresh_directory();
	struct td *td = open_failing(directory, &disk, NULL);
	struct race race = {.td = td};
	pthread_t threads[PUBLISHERS];

	(void)state;
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_create(&threads[i], NULL, publish_many, &race);
	usleep(3000);
	disk_sync_error = EIO;
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(publish(td, "T", "s"), TD_E_DISK);
	td_close(td);
	remove_tree(directory);
}

static void a_full_disk_refuses_what_is_new_until_there_is_room(void **state)
{
	static char data[64 * 1024];
	struct td_disk disk = failing_disk();
	const char *directory = fresh_directory();
	struct td *td = open_failing(directory, &disk, NULL);
	struct td_error err = TD_ERROR_INIT;
	struct td_draft draft = {
		.type = "T", .subject = "s", .data = data, .data_bytes = sizeof(data)};
	struct td_event *event = NULL;
	struct td_status status;
	uint64_t removed = 0;
	int code = 0;

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_int_equal(publish(td, "First", "first"), 0);
	disk_space_error = ENOSPC;
	for (int i = 0; i < 4000 && code == 0; i++)
		code = td_publish(td, &draft, NULL, &err);
	assert_int_equal(code, TD_E_DISK_FULL);
	assert_int_equal(td_status(td, &status, NULL), 0);
	assert_true(status.disk_full);
	assert_false(status.failed);
	assert_int_equal(td_latest(td, NULL, "first", &event, NULL, &err), 0);
	td_event_unref(event);
	assert_int_equal(td_remove(td, &(struct td_removing){.log = "events", .subject = "first"},
				 &removed, &err),
		0);
	assert_int_equal(removed, 1);
	disk_space_error = 0;
	for (int i = 0; i < 3000 && code != 0; i++) { /* a minute, and something is wrong */
		usleep(20000);
		code = td_publish(td, &draft, NULL, &err);
	}
	assert_int_equal(code, 0);
	td_close(td);
	remove_tree(directory);
}

static int count_one(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)context;
	++*(int *)arg;
	return 0;
}

/* Publish until the disk is full. */
static void fill(struct td *td)
{
	static char data[64 * 1024];
	struct td_draft draft = {
		.type = "T", .subject = "filling", .data = data, .data_bytes = sizeof(data)};
	int code = 0;

	memset(data, 'x', sizeof(data));
	for (int i = 0; i < 4000 && code == 0; i++)
		code = td_publish(td, &draft, NULL, NULL);
	assert_int_equal(code, TD_E_DISK_FULL);
}

static void on_a_full_disk_acknowledging_goes_on_and_survives(void **state)
{
	struct td_interest interest = {.name = "billing", .subject = "bill.*", .durable = true};
	struct td_options options = {.flags = TD_NO_THREADS};
	struct td_disk disk = failing_disk();
	const char *directory = fresh_directory();
	struct td *td = open_failing(directory, &disk, &options);
	struct td_error err = TD_ERROR_INIT;
	int heard = 0;

	(void)state;
	assert_int_equal(td_subscribe(td, &interest, count_one, &heard, NULL, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(publish(td, "Billed", "bill.1"), 0);
	disk_space_error = ENOSPC;
	fill(td);
	assert_int_equal(heard, 0); /* nobody turned the loop */
	assert_int_equal(td_drain(td, -1, &err), 0);
	assert_int_equal(heard, 3);
	assert_int_equal(td_close(td), 0);
	/* The disk is still full, and nothing comes a second time. */
	td = open_failing(directory, &disk, &options);
	assert_int_equal(td_subscribe(td, &interest, count_one, &heard, NULL, &err), 0);
	assert_int_equal(td_drain(td, -1, &err), 0);
	assert_int_equal(heard, 3);
	disk_space_error = 0;
	for (int i = 0; i < 3000 && publish(td, "Billed", "bill.1") != 0; i++)
		usleep(20000);
	assert_int_equal(td_drain(td, -1, &err), 0);
	assert_int_equal(heard, 4);
	td_close(td);
	remove_tree(directory);
}

static void a_second_process_is_told_who_has_it(void **state)
{
	struct stored *s = *state;
	struct td_error err = TD_ERROR_INIT;
	struct td *other = NULL;
	char url[300], pid[32];
	int status;
	pid_t child;

	snprintf(url, sizeof(url), "file:%s", s->directory);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	child = fork();
	if (child == 0) {
		int code = td_open(&other, url, NULL, &err);

		_exit(code == TD_E_HELD && strstr(err.text, pid) != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* And so is a second handle of this one. */
	assert_int_equal(td_open(&other, url, NULL, &err), TD_E_HELD);
	assert_non_null(strstr(err.text, pid));
}

static void who_only_looks_changes_nothing(void **state)
{
	struct stored *s = *state;

	OK(s, td_publish(s->td, EVENT("One", "s"), NULL, &s->err));
	td_close(s->td);
	s->td = open_file(s->directory, &(struct td_options){.flags = TD_READ_ONLY});
	assert_read(s, "events/1:s@1:One ", 0);
	assert_int_equal(publish(s->td, "Two", "s"), TD_E_READ_ONLY);
	assert_int_equal(td_log_create(s->td, "l", NULL, &s->err), TD_E_READ_ONLY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_file(what_was_published_is_there_after_opening_again),
		on_file(every_publish_is_kept_whichever_road_it_takes),
		on_file(a_handler_finds_its_event_stored),
		on_file(what_is_for_nobodys_log_is_heard_of_and_forgotten),
		on_file(letters_and_outcomes_are_kept),
		on_file(a_letter_of_what_can_be_forgotten_leaves_out_its_data),
		on_file(without_threads_the_house_is_kept_in_calls),
		on_file(without_threads_the_loop_says_when_the_house_wants_a_turn),
		on_file(many_publishers_share_writes_and_every_one_is_kept),
		on_file(of_those_who_expect_the_same_revision_one_wins),
		on_file(who_follows_on_another_thread_sees_all),
		cmocka_unit_test(a_failed_disk_ends_storing_and_the_process_goes_on),
		cmocka_unit_test(all_who_wait_hear_of_a_failed_disk),
		cmocka_unit_test(a_full_disk_refuses_what_is_new_until_there_is_room),
		cmocka_unit_test(on_a_full_disk_acknowledging_goes_on_and_survives),
		on_file(a_second_process_is_told_who_has_it),
		on_file(who_only_looks_changes_nothing),
	};

	return cmocka_run_group_tests_name("client/file", tests, NULL, NULL);
}
