#include "model.h"

#include <dirent.h>
#include <fcntl.h>

/*
 * Random operations from a seed, on a store and on the model beside it. In a journal it is closed, or
 * let go as by a crash, and opened again: what was not durable is gone then, in both.
 */
struct play {
	struct scene scene;
	struct td_rng rng;
	struct model *model, *durable; /* as it was when all was durable */
	uint64_t payloads;
	unsigned seed;
	bool changes; /* logs do, and events are imported */
};

static const char *address_of(unsigned subject)
{
	static const char *const addresses[MODEL_SUBJECTS] = {"order.0", "order.1", "order.2.a",
		"order.3.b", "user.0", "user.1", "user.2", "user.3", "misc", "misc.1", "a", "b"};

	return addresses[subject];
}

static uint64_t below(struct play *play, uint64_t bound)
{
	return td_rng_below(&play->rng, bound);
}

static void commit(struct play *play)
{
	scene_commit(&play->scene);
	*play->durable = *play->model;
}

/* --- append --------------------------------------------------------------------------------- */

struct written {
	struct model_entry model;
	struct td_entry entry;
	char id[16], payload[16], block[128];
};

/* Mostly something new; sometimes what was there before, as it was or nearly. */
static void draw(struct play *play, struct written *written)
{
	struct model_entry *entry = &written->model;

	*entry = (struct model_entry){.subject = (unsigned)below(play, MODEL_SUBJECTS)};
	if (below(play, 3) == 0)
		entry->key = 1 + (unsigned)below(play, 60);
	entry->payload = ++play->payloads;
	if (below(play, 4) == 0 && play->model->count > 0) {
		const struct model_event *event =
			&play->model
				 ->events[play->model->count - 1 -
					  below(play, play->model->count < 30 ? play->model->count
									      : 30)];

		entry->subject = event->subject;
		entry->key = event->key;
		entry->payload = below(play, 4) == 0 ? entry->payload : event->payload;
	}
	if (play->changes && model_log(play->model, entry->subject) == 0 && below(play, 8) == 0) {
		entry->key = 0;
		entry->imported = true;
		if (below(play, 2) == 0)
			entry->as_revision =
				play->model->subject_revision[entry->subject] + below(play, 5);
	}
	entry->expect = below(play, 2) == 0 ? TD_EXPECT_ANY : (enum td_expect)below(play, 5);
	if (entry->expect == TD_EXPECT_REVISION || entry->expect == TD_EXPECT_SEQ) {
		const struct model_event *latest = model_latest(play->model, entry->subject);

		entry->revision = below(play, 4) == 0              ? below(play, 10)
				  : latest == NULL                 ? 0
				  : entry->expect == TD_EXPECT_SEQ ? latest->seq
								   : latest->revision;
	}
}

static void dress(struct written *written)
{
	const struct model_entry *entry = &written->model;

	snprintf(written->payload, sizeof(written->payload), "%" PRIu64, entry->payload);
	written->entry = entry_of(address_of(entry->subject), written->payload);
	written->entry.expect = entry->expect;
	written->entry.revision = entry->revision;
	written->entry.imported = entry->imported;
	written->entry.as_revision = entry->as_revision;
	written->entry.time = entry->imported ? 1000 : 0;
	if (entry->imported)
		written->entry.log = td_text(model_logs[0]);
	if (entry->key == 0)
		return;
	snprintf(written->id, sizeof(written->id), "id%u", entry->key);
	snprintf(written->block, sizeof(written->block),
		"NATS/1.0\r\nce-id: %s\r\nce-source: here\r\nce-type: Thing\r\n\r\n", written->id);
	written->entry.headers = td_text(written->block);
	written->entry.key[0] = td_text("here");
	written->entry.key[1] = td_text(written->id);
}

/* A frame has one time, of its beginning. */
static td_time time_of(struct play *play)
{
	struct td_journal *journal = td_store_journal(play->scene.store);

	return journal != NULL ? td_journal_time(journal) : scene_wall(&play->scene);
}

static void append(struct play *play)
{
	struct td_store *store = play->scene.store;
	struct written written[MODEL_BATCH];
	struct td_entry entries[MODEL_BATCH];
	struct model_entry drawn[MODEL_BATCH];
	struct td_placed placed[MODEL_BATCH], expected[MODEL_BATCH];
	size_t count = below(play, 3) == 0 ? 1 + below(play, MODEL_BATCH) : 1;
	uint64_t rests_on, next = td_store_staged(store);
	int code, wanted;

	memset(expected, 0, sizeof(expected));
	for (size_t i = 0; i < count; i++) {
		draw(play, &written[i]);
		dress(&written[i]);
		entries[i] = written[i].entry;
		drawn[i] = written[i].model;
	}
	code = td_store_append(store, entries, count, placed, &rests_on, NULL, &play->scene.err);
	if (code == TD_E_FULL) {
		commit(play);
		return;
	}
	wanted = model_append(play->model, drawn, count, time_of(play), next, expected);
	if (code != wanted)
		print_error("seed %u: %d, not %d: %s\n", play->seed, code, wanted,
			play->scene.err.text);
	assert_int_equal(code, wanted);
	for (size_t i = 0; code == 0 && i < count; i++) {
		assert_int_equal(placed[i].duplicate, expected[i].duplicate);
		assert_int_equal(placed[i].seq, expected[i].seq);
		assert_int_equal(placed[i].revision, expected[i].revision);
		assert_int_equal(placed[i].position, expected[i].position);
	}
	if (code == 0 && placed[0].position >= td_store_durable(store))
		assert_true(rests_on >= placed[0].position);
}

/* --- remove --------------------------------------------------------------------------------- */

static bool model_removes(const struct td_removal *removal, const struct model_event *event)
{
	if (removal->seqs_count > 0) {
		for (size_t i = 0; i < removal->seqs_count; i++) {
			if (removal->seqs[i] == event->seq)
				return true;
		}
		return false;
	}
	return (removal->below == 0 || event->seq < removal->below) &&
	       (removal->pattern.at == NULL ||
		       td_pattern_matches(removal->pattern, td_text(address_of(event->subject))));
}

static uint64_t model_remove(
	struct model *model, unsigned log, const struct td_removal *removal, bool apply)
{
	uint64_t count = 0, keep = removal->seqs_count > 0 ? 0 : removal->keep;

	for (size_t i = model->count; i > 0; i--) {
		struct model_event *event = &model->events[i - 1];

		if (event->log != log || event->removed || !model_removes(removal, event))
			continue;
		if (keep > 0) {
			keep--;
			continue;
		}
		count++;
		event->removed = event->removed || apply;
		event->erased = event->erased || (apply && removal->erase);
	}
	return count;
}

static void remove_some(struct play *play)
{
	static const char *const patterns[] = {"order.>", "order.*", ">", "user.1", "a", "misc.*"};
	unsigned log = (unsigned)below(play, play->model->adopted ? MODEL_LOGS : MODEL_MISC);
	uint64_t last = play->model->last_seq[log], seqs[5], removed, rests_on;
	struct td_removal removal = {.log = td_text(model_logs[log]), .rule = td_text("test")};
	int code;

	if (below(play, 2) == 0) {
		removal.seqs = seqs;
		removal.seqs_count = 1 + below(play, 5);
		for (size_t i = 0; i < removal.seqs_count; i++)
			seqs[i] = below(play, 2) == 0 ? 1 + below(play, last + 2)
						      : last - below(play, last < 5 ? last + 1 : 5);
	} else {
		if (below(play, 3) > 0)
			removal.pattern = td_text(patterns[below(play, 6)]);
		if (below(play, 2) == 0)
			removal.below = 1 + below(play, last + 2);
		removal.keep = below(play, 4);
	}
	removal.erase = below(play, 4) == 0;
	code = td_store_remove(play->scene.store, &removal, &removed, &rests_on, &play->scene.err);
	if (code == TD_E_FULL) {
		commit(play);
		return;
	}
	must(&play->scene, code);
	assert_int_equal(removed, model_remove(play->model, log, &removal, true));
}

/* --- read ----------------------------------------------------------------------------------- */

static bool fits(const struct model_event *event, const struct td_read_options *options)
{
	if (event->removed || event->position < options->from_position ||
		(options->to_position != 0 && event->position > options->to_position))
		return false;
	if (options->log.at != NULL && !td_text_is(options->log, model_logs[event->log]))
		return false;
	return options->subjects_count == 0 ||
	       td_pattern_matches(options->subjects[0], td_text(address_of(event->subject)));
}

static void same(const struct td_stored *stored, const struct model_event *event)
{
	char payload[16];

	snprintf(payload, sizeof(payload), "%" PRIu64, event->payload);
	assert_int_equal(stored->position, event->position);
	assert_int_equal(stored->seq, event->seq);
	assert_int_equal(stored->revision, event->revision);
	assert_int_equal(stored->prev, event->prev);
	assert_true(td_text_is(stored->address, address_of(event->subject)));
	assert_true(td_text_is(stored->payload, payload));
}

/* All that is durable and fits, in order. */
static void read_as(struct play *play, const struct td_read_options *options)
{
	struct td_cursor *cursor;
	struct td_stored stored;
	struct model *model = play->model;
	uint64_t durable = td_store_durable(play->scene.store);

	must(&play->scene, td_store_read(&cursor, play->scene.store, options, &play->scene.err));
	for (size_t n = 0; n < model->count; n++) {
		const struct model_event *event =
			&model->events[options->backward ? model->count - 1 - n : n];

		if (event->position >= durable || !fits(event, options))
			continue;
		if (options->latest && model_latest(model, event->subject) != event)
			continue;
		must(&play->scene, td_cursor_next(cursor, &stored, &play->scene.err));
		same(&stored, event);
	}
	assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
	td_cursor_close(cursor);
}

static void read_some(struct play *play)
{
	static const char *const patterns[] = {
		"order.>", "order.2.a", "*", "user.1", "a", "misc.1"};
	struct td_read_options options = {0};
	struct td_text pattern = td_text(patterns[below(play, 6)]);
	uint64_t durable;

	/* What is staged and removed is another matter: see the conformance tests. */
	commit(play);
	durable = td_store_durable(play->scene.store);
	if (below(play, 2) == 0) {
		options.subjects = &pattern;
		options.subjects_count = 1;
	}
	if (below(play, 3) == 0)
		options.log = td_text(
			model_logs[below(play, play->model->adopted ? MODEL_LOGS : MODEL_MISC)]);
	options.backward = below(play, 2) == 0;
	if (below(play, 4) == 0)
		options.latest = true;
	else if (below(play, 3) == 0)
		options.from_position = below(play, durable + 2);
	if (!options.latest && below(play, 3) == 0)
		options.to_position = below(play, durable + 2);
	read_as(play, &options);
}

static void check(struct play *play)
{
	struct td_log_info info;

	commit(play);
	td_store_verify(play->scene.store);
	read_as(play, &(struct td_read_options){0});
	for (unsigned log = 0; log < (play->model->adopted ? MODEL_LOGS : MODEL_MISC); log++) {
		uint64_t count = 0;

		for (size_t i = 0; i < play->model->count; i++)
			count += play->model->events[i].log == log &&
				 !play->model->events[i].removed;
		must(&play->scene, td_store_log(play->scene.store, td_text(model_logs[log]), 0,
					   &info, &play->scene.err));
		assert_int_equal(info.count, count);
		assert_int_equal(info.last_seq, play->model->last_seq[log]);
	}
	td_store_verify(play->scene.store);
}

/* --- again ---------------------------------------------------------------------------------- */

/* An index beside a segment that does not match any more is made again, never believed. */
static void spoil(struct play *play)
{
	char path[400];
	DIR *dir = opendir(play->scene.path);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct stat status;
		char byte;
		int file;

		if (strncmp(entry->d_name, "index-", 6) != 0 || below(play, 3) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", play->scene.path, entry->d_name);
		if (below(play, 3) == 0) {
			assert_int_equal(unlink(path), 0);
			continue;
		}
		file = open(path, O_RDWR | O_CLOEXEC);
		assert_true(file >= 0);
		assert_int_equal(fstat(file, &status), 0);
		if (below(play, 3) == 0) {
			assert_int_equal(
				ftruncate(file, (off_t)below(play, (uint64_t)status.st_size)), 0);
		} else {
			off_t at = (off_t)below(play, (uint64_t)status.st_size);

			assert_int_equal(pread(file, &byte, 1, at), 1);
			byte ^= (char)(1 << below(play, 8));
			assert_int_equal(pwrite(file, &byte, 1, at), 1);
		}
		close(file);
	}
	closedir(dir);
}

static void reopen(struct play *play)
{
	if (play->scene.shelf == IN_MEMORY)
		return;
	if (below(play, 2) == 0) {
		scene_commit(&play->scene);
		scene_close(&play->scene);
		if (below(play, 2) == 0)
			spoil(play);
		scene_open(&play->scene);
	} else {
		/* As a crash of the process leaves it. */
		td_store_abandon(play->scene.store);
		*play->model = *play->durable;
		scene_open(&play->scene);
	}
	check(play);
}

/* What is more than half removed is rewritten; what was asked to be erased, too. */
static void tidy(struct play *play)
{
	play->scene.now_ns += below(play, 2) == 0 ? 61000000000 : 131000000000;
	scene_retain(&play->scene);
	check(play);
}

/* --- logs ----------------------------------------------------------------------------------- */

static const struct td_text misc[] = {TD_TEXT_INIT("misc"), TD_TEXT_INIT("misc.>")};

static struct td_log_config config_of(const struct play *play, unsigned log)
{
	static const struct td_text patterns[] = {TD_TEXT_INIT("order.>"), TD_TEXT_INIT("user.*")};
	struct td_log_config config = {.duplicates_ms = play->model->window[log] / 1000000,
		.duplicates_max = play->model->keys_max[log],
		.importing = log == 0};

	if (log != 2) {
		config.subjects = log == MODEL_MISC ? misc : &patterns[log];
		config.subjects_count = log == MODEL_MISC ? 2 : 1;
	}
	return config;
}

static void set_log(struct play *play, unsigned log, unsigned change)
{
	const struct td_log_config config = config_of(play, log);
	uint64_t rests_on;
	int code;

	while ((code = td_store_log_set(play->scene.store, td_text(model_logs[log]), &config,
			change, &rests_on, &play->scene.err)) == TD_E_FULL)
		scene_commit(&play->scene);
	must(&play->scene, code);
	scene_commit(&play->scene);
}

/* Its position, as the store says: the model has no frames. */
static uint64_t place(void *arg, uint64_t seq)
{
	struct play *play = arg;
	const struct td_read_options options = {
		.log = td_text(model_logs[MODEL_MISC]), .from_seq = seq, .to_seq = seq};
	struct td_cursor *cursor;
	struct td_stored stored;
	uint64_t position;

	must(&play->scene, td_store_read(&cursor, play->scene.store, &options, &play->scene.err));
	must(&play->scene, td_cursor_next(cursor, &stored, &play->scene.err));
	position = stored.position;
	td_cursor_close(cursor);
	return position;
}

static void adopt(struct play *play)
{
	if (play->model->adopted || play->model->count < 400)
		return;
	commit(play);
	play->model->window[MODEL_MISC] = MODEL_WINDOW;
	set_log(play, MODEL_MISC, TD_LOG_CREATE | TD_LOG_ADOPT);
	model_adopt(play->model, place, play);
	*play->durable = *play->model;
	check(play);
}

/* A window gets shorter: what is forgotten is not known again. */
static void narrow(struct play *play)
{
	unsigned log = (unsigned)below(play, play->model->adopted ? MODEL_LOGS : MODEL_MISC);

	commit(play);
	play->model->window[log] -= play->model->window[log] / 1000000000 / 4 * 1000000000;
	set_log(play, log, TD_LOG_CHANGE);
	*play->durable = *play->model;
}

static void step(struct play *play)
{
	uint64_t dice = below(play, 100);

	if (dice < 70)
		append(play);
	else if (dice < 80)
		commit(play);
	else if (dice < 88)
		remove_some(play);
	else if (dice < 96)
		read_some(play);
	else if (dice < 97)
		tidy(play);
	else if (dice < 98)
		reopen(play);
	else if (play->changes && below(play, 8) == 0)
		narrow(play);
	else if (play->changes && below(play, 4) == 0)
		adopt(play);
	else
		play->scene.now_ns += (int64_t)(7 * (1 + below(play, 5))) * 1000000000;
}

static void play_seed(enum shelf shelf, unsigned seed, unsigned steps, bool changes)
{
	struct play play = {.seed = seed, .changes = changes};

	play.model = calloc(2, sizeof(*play.model));
	assert_non_null(play.model);
	play.durable = play.model + 1;
	td_rng_init(&play.rng, seed);
	for (unsigned log = 0; log < MODEL_LOGS; log++) {
		play.model->keys_max[log] = MODEL_EVENTS;
		play.model->window[log] = MODEL_WINDOW;
	}
	/* In some, what ends the window is mostly its count. */
	if (seed % 4 == 2)
		play.model->keys_max[1] = 8;
	scene_begin(&play.scene, shelf);
	/* Small, so that much of the index lies on disk. */
	play.scene.options.journal.segment_bytes_first = (size_t)32 << 10;
	play.scene.options.journal.segment_bytes_max = (size_t)64 << 10;
	play.scene.options.journal.frame_bytes = (size_t)4 << 10;
	play.scene.options.journal.append_bytes_max = (size_t)24 << 10;
	play.scene.options.index_bytes = 1;
	scene_open(&play.scene);
	set_log(&play, 0, TD_LOG_CREATE);
	set_log(&play, 1, TD_LOG_CREATE);
	set_log(&play, 2, TD_LOG_CHANGE);
	commit(&play);
	for (unsigned i = 0; i < steps; i++)
		step(&play);
	check(&play);
	scene_end(&play.scene);
	free(play.model);
}

static void random_operations_do_as_the_model_does(enum shelf shelf)
{
	const char *seeds = getenv("TD_SEEDS"), *first = getenv("TD_SEED");
	unsigned from = first != NULL ? (unsigned)atoi(first) : 1;
	unsigned count = seeds != NULL ? (unsigned)atoi(seeds) : 12;

	for (unsigned seed = from; seed < from + count; seed++) {
		if (first != NULL || seeds != NULL)
			print_message("seed %u\n", seed);
		play_seed(shelf, seed, 2000, true);
	}
}
BOTH(random_operations_do_as_the_model_does)

/* Keys of erased events, read when the store opens, stand among the others in their order; one that was
 * given again after its window is known by the later. */
static void seeds_that_found_something_are_played_again(void **state)
{
	static const unsigned seeds[] = {9019, 9024, 9044, 9056, 9093};

	(void)state;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		play_seed(IN_JOURNAL, seeds[i], 2000, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(random_operations_do_as_the_model_does),
		cmocka_unit_test(seeds_that_found_something_are_played_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
