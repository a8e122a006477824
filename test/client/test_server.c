#include "stored.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * The place http against the real server, in a process of its own: several handles, and a server that is
 * killed in the middle.
 */

#define LONG_MS 120000

struct far {
	struct child_server server;
	char directory[256];
	struct td_error err;
};

static int start(void **state)
{
	struct far *far = calloc(1, sizeof(*far));

	snprintf(far->directory, sizeof(far->directory), "%s", fresh_directory());
	far->err = (struct td_error)TD_ERROR_INIT;
	*state = far;
	return child_server_start(&far->server, far->directory, 0) ? 0 : -1;
}

static int end(void **state)
{
	struct far *far = *state;

	child_server_end(&far->server, 1);
	remove_tree(far->directory);
	free(far);
	return 0;
}

/* Killed, and there again on the same port. */
static void kill_and_restart(struct far *far)
{
	unsigned port = far->server.port;

	child_server_end(&far->server, 1);
	if (!child_server_start(&far->server, far->directory, port))
		fail_msg("the server does not start again");
}

static struct td *open_far(struct far *far, unsigned workers)
{
	struct td_options options = {.workers = workers, .timeout_ms = LONG_MS};
	struct td *td = NULL;

	if (td_open(&td, far->server.url, &options, &far->err) != 0)
		fail_msg("%s", far->err.text);
	return td;
}

/* --- one handle --------------------------------------------------------------------------- */

static void what_is_published_is_there(void **state)
{
	static const struct td_attribute attributes[] = {
		{TD_TEXT_INIT("region"), TD_TEXT_INIT("\xC3\xBC \"%"), TD_STRING},
		{TD_TEXT_INIT("count"), TD_TEXT_INIT("-7"), TD_INTEGER},
		{TD_TEXT_INIT("final"), TD_TEXT_INIT("true"), TD_BOOLEAN}};
	static const struct {
		const char *type, *data;
		size_t bytes, attributes;
	} rows[] = {
		{"application/json", " {\"total\": 1.500, \"a\":[1 ,2]}\n", 31, 1},
		{"application/json", "{\"total\": 1.500}", 16, 3},
		{"text/plain", "\xC3\xBC\r\n", 4, 1},
		{"application/octet-stream", "\0\xFF\x01", 3, 1},
		{"application/octet-stream", "\0\xFF\x01", 3, 3},
		{"application/cloudevents+json", "{}", 2, 0},
		{NULL, NULL, 0, 0},
	};
	struct far *far = *state;
	struct td *td = open_far(far, 0);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_draft draft = {.type = "T",
			.subject = "a/b *.\xC3\xBC",
			.datacontenttype = rows[i].type,
			.data = rows[i].data,
			.data_bytes = rows[i].bytes,
			.attributes = attributes,
			.attributes_count = rows[i].attributes};
		struct td_receipt receipt = TD_RECEIPT_INIT;
		struct td_event *event = NULL;
		struct td_where where, at;
		char id[64];

		OK(far, td_publish(td, &draft, &receipt, &far->err));
		OK(far, td_receipt_where(&receipt, &where, NULL));
		OK(far, td_latest(td, NULL, draft.subject, &event, &at, &far->err));
		assert_int_equal(at.position, where.position);
		assert_int_equal(at.revision, i + 1);
		assert_int_equal(at.recorded, where.recorded);
		assert_string_equal(at.log, "events");
		assert_true(td_text_equal(td_event_data(event),
			rows[i].data != NULL ? td_text_of(rows[i].data, rows[i].bytes)
					     : td_text(NULL)));
		assert_true(
			td_text_equal(td_event_id(event), td_event_id(td_receipt_event(&receipt))));
		assert_true(td_text_is(td_event_subject(event), draft.subject));
		assert_true(td_text_equal(
			td_event_get(event, "datacontenttype"), td_text(rows[i].type)));
		for (size_t a = 0; a < rows[i].attributes; a++)
			assert_true(td_text_equal(
				td_event_get(event, attributes[a].name.at), attributes[a].value));
		td_event_unref(event);
		td_text_copy(td_event_id(td_receipt_event(&receipt)), id, sizeof(id));
		OK(far, td_find(td, id, "local", &event, &at, &far->err));
		assert_int_equal(at.position, where.position);
		td_event_unref(event);
		td_receipt_fini(&receipt);
	}
	td_close(td);
}

static void appends_are_made_on_their_condition(void **state)
{
	struct far *far = *state;
	struct td *td = open_far(far, 0);
	struct td_draft draft = {.type = "T", .subject = "order.1"};
	struct td_appending one = {.draft = &draft, .expected = TD_IF_NONE};
	struct td_appending three[] = {{.draft = &draft, .expected = TD_IF_REVISION, .revision = 1},
		{.draft = &draft}, {.draft = &draft}};
	struct td_appended told[3];

	OK(far, td_append(td, &one, 1, told, NULL, &far->err));
	assert_int_equal(told[0].where.revision, 1);
	assert_int_equal(td_append(td, &one, 1, told, NULL, &far->err), TD_E_REVISION);
	assert_int_equal(told[0].found, 1);
	OK(far, td_append(td, three, 3, told, NULL, &far->err));
	assert_int_equal(told[2].where.revision, 4);
	assert_int_equal(td_append(td, three, 3, told, NULL, &far->err), TD_E_REVISION);
	assert_int_equal(told[0].found, 4);
	assert_int_equal(told[0].code, TD_E_REVISION);
	one.expected = TD_IF_EXISTS;
	OK(far, td_append(td, &one, 1, told, NULL, &far->err));
	draft.subject = "order.2";
	assert_int_equal(td_append(td, &one, 1, told, NULL, &far->err), TD_E_REVISION);
	assert_int_equal(told[0].found, 0);
	one = (struct td_appending){.draft = &draft, .log = "nobody"};
	assert_int_equal(td_append(td, &one, 1, told, NULL, &far->err), TD_E_NOT_FOUND);
	td_close(td);
}

static void ids_are_known_again(void **state)
{
	struct far *far = *state;
	struct td *td = open_far(far, 0);
	struct actor heard = {.name = "a"};
	struct td_draft draft = {.type = "T", .subject = "s", .id = "7", .json = "1"};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_where first, again;
	bool duplicate;

	subscribe(td, NULL, &heard);
	OK(far, td_publish(td, &draft, &receipt, &far->err));
	td_receipt_where(&receipt, &first, &duplicate);
	assert_false(duplicate);
	OK(far, td_publish(td, &draft, &receipt, &far->err));
	td_receipt_where(&receipt, &again, &duplicate);
	assert_true(duplicate);
	assert_int_equal(first.position, again.position);
	assert_int_equal(heard.calls, 1);
	draft.json = "2";
	assert_int_equal(td_publish(td, &draft, &receipt, &far->err), TD_E_DUPLICATE);
	OK(far, td_drain(td, LONG_MS, &far->err));
	assert_int_equal(heard.calls, 1);
	td_receipt_fini(&receipt);
	td_close(td);
}

/* Numbers of events as they are read; and whether each is what it should be. */
static size_t count_read(struct far *far, struct td *td, const struct td_scope *scope, int64_t step)
{
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;
	uint64_t last = 0;
	size_t count = 0;
	int code;

	OK(far, td_read(&reading, td, scope, &far->err));
	while ((code = td_next(reading, &event, &where, &far->err)) == 0) {
		if (last != 0)
			assert_true(step > 0 ? where.position > last : where.position < last);
		last = where.position;
		count++;
	}
	if (code != TD_E_NOT_FOUND)
		fail_msg("%s", far->err.text);
	td_reading_close(reading);
	return count;
}

#define READ(step, ...) count_read(far, td, &(struct td_scope){__VA_ARGS__}, step)

static void many_are_read_page_by_page(void **state)
{
	static const char *const subjects[] = {"a.>"};
	struct td_log_settings settings = {.subjects = subjects, .subjects_count = 1};
	struct far *far = *state;
	struct td *td = open_far(far, 0);
	const struct td_draft seventh = {.type = "Seventh", .subject = "b.1"};
	const struct td_draft other = {.type = "Other", .subject = "a.1"};
	struct td_appending all[700];
	uint64_t position;

	OK(far, td_log_create(td, "as", &settings, &far->err));
	for (size_t i = 0; i < 700; i++)
		all[i] = (struct td_appending){.draft = i % 7 == 0 ? &seventh : &other};
	for (int i = 0; i < 2; i++)
		OK(far, td_append(td, all, 700, NULL, NULL, &far->err));
	position = td_position(td);
	assert_int_equal(READ(1, 0), 1400);
	assert_int_equal(READ(-1, .backward = true), 1400);
	assert_int_equal(READ(1, .subject = "a.*"), 1200);
	assert_int_equal(READ(1, .log = "as"), 1200);
	assert_int_equal(READ(-1, .log = "as", .backward = true, .limit = 900), 900);
	assert_int_equal(READ(1, .type = "Seventh"), 200);
	assert_int_equal(READ(1, .filter = "type = 'Seventh'", .limit = 150), 150);
	assert_int_equal(READ(1, .filters = "{\"prefix\":{\"type\":\"Sev\"}}"), 200);
	assert_int_equal(READ(1, .from = position), 0);
	assert_int_equal(READ(1, .from = position - 10), 10);
	assert_int_equal(READ(1, .from = position - 10, .to = position - 9), 2);
	assert_int_equal(READ(-1, .from = position - 10, .to = position - 9, .backward = true), 2);
	assert_int_equal(READ(1, .log = "as", .from_seq = 1000, .to_seq = 1100), 101);
	assert_int_equal(READ(1, .subject = "b.1", .from_revision = 150), 51);
	assert_int_equal(td_read(&(struct td_reading *){NULL}, td,
				 &(struct td_scope){.log = "nobody"}, &far->err),
		TD_E_NOT_FOUND);
	assert_int_equal(td_read(&(struct td_reading *){NULL}, td,
				 &(struct td_scope){.filter = "type ="}, &far->err),
		TD_E_FILTER);
	assert_int_equal(
		td_read(&(struct td_reading *){NULL}, td,
			&(struct td_scope){.at_least = position + 1000, .wait_ms = 1}, &far->err),
		TD_E_TIMEOUT);
	td_close(td);
}

static void logs_are_made_and_listed(void **state)
{
	static const char *const subjects[] = {"order.>", "stock.*"};
	struct td_log_settings settings = {
		.subjects = subjects, .subjects_count = 2, .count_max = 5, .discard_new = true};
	struct far *far = *state;
	struct td *td = open_far(far, 0);
	struct td_log_about *logs = NULL;
	struct td_status status;
	size_t count = 0, found = 0;

	OK(far, td_log_create(td, "orders", &settings, &far->err));
	assert_int_equal(td_log_create(td, "orders", &settings, &far->err), TD_E_EXISTS);
	for (int i = 0; i < 5; i++)
		OK(far, td_publish(td, EVENT("T", "order.1"), NULL, &far->err));
	assert_int_equal(td_publish(td, EVENT("T", "stock.1"), NULL, &far->err), TD_E_LIMIT);
	OK(far, td_log_list(td, &logs, &count, &far->err));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(logs[i].name, "orders") != 0)
			continue;
		found++;
		assert_int_equal(logs[i].settings.subjects_count, 2);
		assert_string_equal(logs[i].settings.subjects[1], "stock.*");
		assert_int_equal(logs[i].settings.count_max, 5);
		assert_true(logs[i].settings.discard_new);
		assert_int_equal(logs[i].count, 5);
		assert_int_equal(logs[i].last_seq, 5);
		assert_int_equal(logs[i].subjects, 1);
		assert_true(logs[i].last_time > 0);
	}
	td_log_list_free(logs);
	assert_int_equal(found, 1);
	settings.count_max = 6;
	OK(far, td_log_change(td, "orders", &settings, &far->err));
	OK(far, td_publish(td, EVENT("T", "stock.1"), NULL, &far->err));
	OK(far, td_status(td, &status, &far->err));
	assert_true(status.stored);
	assert_int_equal(status.position, td_position(td));
	assert_true(status.events >= 6); /* and those of the server itself */
	OK(far, td_log_delete(td, "orders", &far->err));
	assert_int_equal(td_log_delete(td, "orders", &far->err), TD_E_NOT_FOUND);
	td_close(td);
}

/* --- several handles ---------------------------------------------------------------------- */

static void others_are_heard_from_subscribing_on(void **state)
{
	struct far *far = *state;
	struct td *here = open_far(far, 0), *there = open_far(far, 0);
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};

	publish(there, "Before", "order.1");
	subscribe(here, INTEREST(.subject = "order.>"), &a);
	publish(here, "Mine", "stock.1"); /* nobody asks for that yet */
	publish(there, "After", "order.1");
	while (a.calls < 1)
		assert_true(td_loop_turn(here, LONG_MS) >= 0);
	publish(there, "Not", "stock.1");
	publish(here, "Mine", "order.1");
	assert_diary(&diary, "a:After@order.1 a:Mine@order.1 ");
	subscribe(here, INTEREST(.subject = "stock.*", .type = "Told"), &b);
	publish(there, "Told", "stock.1");
	publish(there, "Not", "stock.1");
	publish(there, "Last", "order.1");
	while (a.calls < 3)
		assert_true(td_loop_turn(here, LONG_MS) >= 0);
	assert_diary(&diary, "a:After@order.1 a:Mine@order.1 b:Told@stock.1 a:Last@order.1 ");
	td_close(here);
	td_close(there);
}

/* What a handler publishes joins the story of what it handled, wherever that came from; a circle of
 * two processes ends where a circle of one does. */
static void causes_are_counted_across_handles(void **state)
{
	struct far *far = *state;
	struct td_options options = {.causes_max = 10, .timeout_ms = LONG_MS};
	struct td *ping = NULL, *pong = NULL;
	struct actor one = {.name = "one", .publishes = "Pong"};
	struct actor two = {.name = "two", .publishes = "Ping"};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_reading *reading = NULL;
	const struct td_event *event;
	int count = 0;

	OK(far, td_open(&ping, far->server.url, &options, &far->err));
	OK(far, td_open(&pong, far->server.url, &options, &far->err));
	subscribe(ping, INTEREST(.type = "Ping"), &one);
	subscribe(pong, INTEREST(.type = "Pong"), &two);
	OK(far, td_publish(ping, EVENT("Ping", "s"), &receipt, &far->err));
	while (one.calls + two.calls < 11) {
		assert_true(td_loop_turn(ping, 1) >= 0);
		assert_true(td_loop_turn(pong, 1) >= 0);
	}
	OK(far, td_read(&reading, ping, &(struct td_scope){.subject = "made"}, &far->err));
	while (td_next(reading, &event, NULL, NULL) == 0) {
		count++;
		assert_true(td_text_equal(
			td_event_correlation(event), td_event_id(td_receipt_event(&receipt))));
		assert_non_null(td_event_causation(event).at);
	}
	assert_int_equal(count, 10);
	td_reading_close(reading);
	td_receipt_fini(&receipt);
	td_close(ping);
	td_close(pong);
}

/* --- order, and a server that dies -------------------------------------------------------- */

#define EACH     150
#define SUBJECTS 3

/* What a handler heard: per subject the ids, in order. */
struct heard {
	pthread_mutex_t lock;
	size_t count;
	struct {
		int subject;
		char id[24];
	} at[4 * EACH];
};

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	struct heard *heard = arg;

	(void)context;
	pthread_mutex_lock(&heard->lock);
	assert_true(heard->count < sizeof(heard->at) / sizeof(heard->at[0]));
	heard->at[heard->count].subject = td_event_subject(event).at[1] - '0';
	td_text_copy(td_event_id(event), heard->at[heard->count++].id, 24);
	pthread_mutex_unlock(&heard->lock);
	return 0;
}

struct publisher {
	struct td *td;
	char name;
	_Atomic int failed, done;
};

static void *publish_each(void *arg)
{
	struct publisher *publisher = arg;

	for (int i = 0; i < EACH; i++) {
		struct td_error err = TD_ERROR_INIT;
		char id[24], subject[4];
		struct td_draft draft = {.type = "T", .subject = subject, .id = id};

		snprintf(id, sizeof(id), "%c%d", publisher->name, i);
		snprintf(subject, sizeof(subject), "s%d", i % SUBJECTS);
		if (td_publish(publisher->td, &draft, NULL, &err) != 0) {
			fprintf(stderr, "# %s: %s\n", id, err.text);
			publisher->failed++;
		}
		publisher->done++;
	}
	return NULL;
}

static size_t heard_count(struct heard *heard)
{
	size_t count;

	pthread_mutex_lock(&heard->lock);
	count = heard->count;
	pthread_mutex_unlock(&heard->lock);
	return count;
}

/* As the log has it, subject by subject: each once, in this order. */
static void assert_as_stored(
	struct far *far, struct td *td, const struct heard *heard, bool ordered)
{
	for (int s = 0; s < SUBJECTS; s++) {
		char subject[4];
		struct td_scope scope = {.subject = subject};
		struct td_reading *reading = NULL;
		const struct td_event *event;
		size_t at = 0, all = 0;

		snprintf(subject, sizeof(subject), "s%d", s);
		OK(far, td_read(&reading, td, &scope, &far->err));
		while (td_next(reading, &event, NULL, &far->err) == 0) {
			size_t times = 0, where = 0;

			all++;
			for (size_t i = 0; i < heard->count; i++) {
				if (heard->at[i].subject == s &&
					td_text_is(td_event_id(event), heard->at[i].id)) {
					times++;
					where = i;
				}
			}
			if (times != 1)
				fail_msg("%.*s was heard %zu times",
					TD_TEXT_ARG(td_event_id(event)), times);
			if (ordered && where < at)
				fail_msg("%.*s was heard too early",
					TD_TEXT_ARG(td_event_id(event)));
			at = where;
		}
		td_reading_close(reading);
		assert_int_equal(all, 2 * EACH / SUBJECTS);
	}
}

static void two_handles_hear_a_subject_in_one_order(void **state)
{
	struct far *far = *state;
	struct publisher publishers[2] = {
		{.td = open_far(far, 1), .name = 'a'}, {.td = open_far(far, 1), .name = 'b'}};
	static struct heard queued, sync;
	pthread_t threads[2];

	queued = sync = (struct heard){.lock = PTHREAD_MUTEX_INITIALIZER};
	OK(far, td_subscribe(
			publishers[0].td, INTEREST(.async = true), hear, &queued, NULL, &far->err));
	OK(far, td_subscribe(publishers[0].td, NULL, hear, &sync, NULL, &far->err));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, publish_each, &publishers[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(publishers[i].failed, 0);
	}
	for (int i = 0; i < LONG_MS && heard_count(&queued) + heard_count(&sync) < 4 * EACH; i++)
		usleep(1000);
	assert_as_stored(far, publishers[0].td, &queued, true);
	assert_as_stored(far, publishers[0].td, &sync, true);
	td_close(publishers[0].td);
	td_close(publishers[1].td);
}

/* Killed while two publish and two listen: nothing acknowledged is lost, nothing is heard twice. */
static void a_server_that_is_killed_is_waited_for(void **state)
{
	struct far *far = *state;
	struct td *listener = open_far(far, 1), *reader = open_far(far, 0);
	struct publisher publishers[2] = {
		{.td = open_far(far, 1), .name = 'a'}, {.td = open_far(far, 0), .name = 'b'}};
	static struct heard own, others, followed;
	struct td_reading *reading = NULL;
	const struct td_event *event;
	pthread_t threads[2];
	int kills = 0;

	own = others = followed = (struct heard){.lock = PTHREAD_MUTEX_INITIALIZER};
	OK(far, td_subscribe(
			publishers[0].td, INTEREST(.async = true), hear, &own, NULL, &far->err));
	OK(far, td_subscribe(listener, NULL, hear, &others, NULL, &far->err));
	OK(far, td_follow(&reading, reader, NULL, &far->err));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, publish_each, &publishers[i]);
	while (publishers[0].done + publishers[1].done < 2 * EACH) {
		if (publishers[0].done + publishers[1].done > (kills + 1) * EACH / 2 && kills < 3) {
			kill_and_restart(far);
			kills++;
		}
		usleep(500);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(publishers[i].failed, 0);
	}
	assert_int_equal(kills, 3);
	while (followed.count < 2 * EACH) {
		int code = td_next(reading, &event, NULL, &far->err);

		if (code == 0)
			hear(event, NULL, &followed);
		else if (code != TD_E_NOT_FOUND ||
			 td_reading_wait(reading, LONG_MS, &far->err) != 0)
			fail_msg("%s", far->err.text);
	}
	for (int i = 0; i < LONG_MS && heard_count(&own) + heard_count(&others) < 4 * EACH; i++)
		usleep(1000);
	assert_as_stored(far, reader, &followed, true);
	assert_as_stored(far, reader, &others, true);
	assert_as_stored(far, reader, &own, false); /* what went ahead of a broken stream */
	td_reading_close(reading);
	td_close(publishers[0].td);
	td_close(publishers[1].td);
	td_close(listener);
	td_close(reader);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		WITH_SERVER(what_is_published_is_there),
		WITH_SERVER(appends_are_made_on_their_condition),
		WITH_SERVER(ids_are_known_again),
		WITH_SERVER(many_are_read_page_by_page),
		WITH_SERVER(logs_are_made_and_listed),
		WITH_SERVER(others_are_heard_from_subscribing_on),
		WITH_SERVER(causes_are_counted_across_handles),
		WITH_SERVER(two_handles_hear_a_subject_in_one_order),
		WITH_SERVER(a_server_that_is_killed_is_waited_for),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
