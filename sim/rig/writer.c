#include "writer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tidings/log.h"

#define LOGS        3
#define SUBJECTS    40
#define THREADS_MAX 16

static const char *const logs[LOGS] = {"events", "paid", "sent"};
static const char *const prefixes[LOGS] = {"l0", "paid", "sent"};

/* --- what an event says ------------------------------------------------------------------- */

struct content {
	char subject[32], type[16], id[48], data[1200];
	size_t data_bytes;
};

static void fill(struct content *content, const struct sim_store_entry *entry)
{
	uint64_t dice = td_hash_u64(entry->value);

	snprintf(content->subject, sizeof(content->subject), "%s.%u", prefixes[entry->log],
		entry->subject);
	snprintf(content->type, sizeof(content->type), "Type%u", (unsigned)(dice & 3));
	snprintf(content->id, sizeof(content->id), "%" PRIu64, entry->value);
	content->data_bytes = dice >> 8 & 7 ? (dice >> 16) % 200 : (dice >> 16) % 1200;
	for (size_t i = 0; i < content->data_bytes; i++)
		content->data[i] = dice >> 40 & 3 ? (char)td_hash_u64(dice + i) : 0;
}

static bool read_back(
	const struct td_event *event, const struct td_where *where, struct sim_store_event *out)
{
	struct sim_store_entry entry = {0};
	struct content content;
	char id[64], subject[64];
	struct td_text data = td_event_data(event);
	size_t log = 0;

	*out = (struct sim_store_event){
		.position = where->position, .seq = where->seq, .revision = where->revision};
	td_text_copy(td_event_id(event), id, sizeof(id));
	td_text_copy(td_event_subject(event), subject, sizeof(subject));
	while (log < LOGS && strcmp(where->log, logs[log]) != 0)
		log++;
	if (log == LOGS || strchr(subject, '.') == NULL)
		return false;
	entry.log = out->log = (uint32_t)log;
	entry.subject = out->subject = (uint32_t)strtoul(strchr(subject, '.') + 1, NULL, 10);
	entry.value = out->value = strtoull(id, NULL, 10);
	fill(&content, &entry);
	out->intact = strcmp(subject, content.subject) == 0 &&
		      td_text_is(td_event_type(event), content.type) &&
		      td_text_equal(data, td_text_of(content.data, content.data_bytes));
	return true;
}

/* --- one who writes ----------------------------------------------------------------------- */

struct hand {
	struct rig_writer *writer;
	struct td *td;
	struct td_rng rng;
	uint64_t revisions[LOGS][SUBJECTS];            /* last seen by this one */
	struct sim_store_entry last[TAPE_ENTRIES_MAX]; /* accepted */
	size_t last_count;
};

static void broken(struct rig_writer *writer, int code, const char *what, const char *text)
{
	uint32_t none = 0;

	if (atomic_compare_exchange_strong(&writer->tape->failed, &none, (uint32_t)code))
		snprintf(writer->tape->failure, sizeof(writer->tape->failure), "%s: %.200s", what,
			text);
	writer->stop = true;
}

static void draw(struct hand *hand, struct sim_store_entry *entry)
{
	*entry = (struct sim_store_entry){
		.value = atomic_fetch_add(&hand->writer->tape->values, 1) + 1,
		.log = (uint32_t)td_rng_below(&hand->rng, LOGS),
		.subject = (uint32_t)td_rng_below(&hand->rng, SUBJECTS),
	};
	entry->key = entry->value; /* its id */
	switch (td_rng_below(&hand->rng, 8)) {
	case 0:
		entry->expect = SIM_STORE_NONE;
		break;
	case 1:
		entry->expect = SIM_STORE_EXISTS;
		break;
	case 2:
	case 3:
		entry->revision_expected = hand->revisions[entry->log][entry->subject];
		entry->expect = entry->revision_expected == 0 ? SIM_STORE_NONE : SIM_STORE_EXACTLY;
		break;
	default:
		break;
	}
}

static size_t draw_append(struct hand *hand, struct sim_store_entry *entries)
{
	size_t count = td_rng_below(&hand->rng, 4) == 0
			       ? 1 + td_rng_below(&hand->rng, TAPE_ENTRIES_MAX)
			       : 1;

	if (hand->last_count > 0 && td_rng_below(&hand->rng, 30) == 0) {
		/* Sent twice: the same, as a network would have it. */
		memcpy(entries, hand->last, sizeof(hand->last));
		return hand->last_count;
	}
	for (size_t i = 0; i < count; i++)
		draw(hand, &entries[i]);
	return count;
}

static void note(struct hand *hand, struct tape_append *note, int code,
	const struct td_appended *appended, size_t count, const struct td_error *err)
{
	note->append.outcome = code == 0 ? SIM_STORE_OK : SIM_STORE_FAILED;
	for (size_t i = 0; i < count; i++) {
		struct sim_store_entry *entry = &note->entries[i];

		if (code == 0) {
			entry->position = appended[i].where.position;
			entry->seq = appended[i].where.seq;
			entry->revision = appended[i].where.revision;
			entry->duplicate = appended[i].duplicate;
			hand->revisions[entry->log][entry->subject] = entry->revision;
		} else if (code == TD_E_REVISION && appended[i].code != 0) {
			note->append.conflict = true;
			note->append.conflict_entry = i;
			note->append.revision_found = appended[i].found;
			hand->revisions[entry->log][entry->subject] = appended[i].found;
		}
	}
	if (code == TD_E_DISK && hand->writer->no_sync_promise) {
		hand->writer->stop = true;
		return; /* unknown for ever */
	}
	if (code != 0 && code != TD_E_REVISION && code != TD_E_DISK_FULL)
		broken(hand->writer, code, "append", err->text);
	if (code == 0) {
		memcpy(hand->last, note->entries, sizeof(hand->last));
		hand->last_count = count;
		for (size_t i = 0; i < count; i++)
			hand->last[i].duplicate = false;
	}
	note->append.answered = tape_moment(hand->writer->tape);
	atomic_store(&note->answered, true);
}

static void append(struct hand *hand)
{
	static const enum td_expected expected[] = {[SIM_STORE_ANY] = TD_IF_ANY,
		[SIM_STORE_NONE] = TD_IF_NONE,
		[SIM_STORE_EXISTS] = TD_IF_EXISTS,
		[SIM_STORE_EXACTLY] = TD_IF_REVISION};
	struct tape_append *noted = tape_append(hand->writer->tape);
	struct content contents[TAPE_ENTRIES_MAX];
	struct td_draft drafts[TAPE_ENTRIES_MAX] = {0};
	struct td_appending asked[TAPE_ENTRIES_MAX] = {0};
	struct td_appended appended[TAPE_ENTRIES_MAX] = {0};
	struct td_error err = TD_ERROR_INIT;
	size_t count;

	if (noted == NULL) {
		hand->writer->stop = true;
		return;
	}
	count = draw_append(hand, noted->entries);
	for (size_t i = 0; i < count; i++) {
		fill(&contents[i], &noted->entries[i]);
		drafts[i].type = contents[i].type;
		drafts[i].subject = contents[i].subject;
		drafts[i].id = contents[i].id;
		drafts[i].source = "rig";
		drafts[i].time = "2026-11-21T00:00:00Z";
		drafts[i].data = contents[i].data;
		drafts[i].data_bytes = contents[i].data_bytes;
		asked[i].draft = &drafts[i];
		asked[i].expected = expected[noted->entries[i].expect];
		asked[i].revision = noted->entries[i].revision_expected;
	}
	noted->append.entries_count = count;
	noted->append.asked = tape_moment(hand->writer->tape);
	atomic_store(&noted->asked, true);
	note(hand, noted, td_append(hand->td, asked, count, appended, NULL, &err), appended, count,
		&err);
}

static void remove_one(struct hand *hand)
{
	const struct sim_store_entry *entry = &hand->last[0];
	struct tape_removal *noted = tape_removal(hand->writer->tape);
	struct td_removing removing = {.seqs_count = 1};
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (noted == NULL || hand->last_count == 0)
		return;
	removing.log = logs[entry->log];
	removing.seqs = &entry->seq;
	removing.erase = td_rng_below(&hand->rng, 4) == 0;
	noted->removal.log = entry->log;
	noted->removal.seq = entry->seq;
	noted->removal.asked = tape_moment(hand->writer->tape);
	atomic_store(&noted->asked, true);
	code = td_remove(hand->td, &removing, NULL, &err);
	if (code == TD_E_DISK && hand->writer->no_sync_promise)
		return;
	if (code != 0)
		broken(hand->writer, code, "remove", err.text);
	noted->removal.outcome = code == 0 ? SIM_STORE_OK : SIM_STORE_FAILED;
	noted->removal.answered = tape_moment(hand->writer->tape);
	atomic_store(&noted->answered, true);
}

static void *write_on(void *arg)
{
	struct hand *hand = arg;

	while (!hand->writer->stop) {
		append(hand);
		if (td_rng_below(&hand->rng, 100) == 0)
			remove_one(hand);
	}
	return NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

static int read_from(struct tape *tape, struct td *td, uint64_t from, bool final,
	_Atomic bool *stop, struct td_error *err)
{
	struct td_scope scope = {.from = from};
	struct td_reading *reading;
	struct tape_pass *pass = tape_pass(tape, from);
	const struct td_event *event;
	struct td_where where;
	int code;

	if (pass == NULL)
		return 0;
	code = td_read(&reading, td, &scope, err);
	if (code != 0)
		return code;
	while (stop == NULL || !*stop) {
		struct sim_store_event seen;

		code = td_next(reading, &event, &where, err);
		if (code != 0 || (read_back(event, &where, &seen), !tape_see(tape, pass, &seen)))
			break;
	}
	td_reading_close(reading);
	tape_pass_end(tape, pass, code == TD_E_NOT_FOUND, final);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

int rig_read_all(struct tape *tape, const char *url, struct td_error *err)
{
	struct td *td;
	int code = td_open(&td, url, NULL, err);

	if (code != 0)
		return code;
	code = read_from(tape, td, 1, true, NULL, err);
	td_close(td);
	return code;
}

/* --- all ---------------------------------------------------------------------------------- */

static bool create_logs(struct rig_writer *writer, struct td *td)
{
	for (size_t log = 1; log < LOGS; log++) {
		char pattern[16];
		const char *subjects[] = {pattern};
		struct td_log_settings settings = {.subjects = subjects, .subjects_count = 1};
		struct td_error err = TD_ERROR_INIT;
		int code;

		snprintf(pattern, sizeof(pattern), "%s.>", prefixes[log]);
		code = td_log_create(td, logs[log], &settings, &err);
		if (code != 0 && code != TD_E_EXISTS) {
			if (!writer->no_sync_promise)
				broken(writer, code, "log", err.text);
			return false;
		}
	}
	return true;
}

void rig_write(struct rig_writer *writer)
{
	static struct hand hands[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	struct td_options options = {.source = "rig"};
	struct td_error err = TD_ERROR_INIT;
	struct td *td;
	int code = td_open_in(&td, writer->url, writer->world, &options, &err);

	if (code != 0) {
		if (!writer->no_sync_promise)
			broken(writer, code, "open", err.text);
		return;
	}
	atomic_store(&writer->tape->open, true);
	if (create_logs(writer, td)) {
		for (unsigned i = 0; i < writer->threads; i++) {
			hands[i].writer = writer;
			hands[i].td = td;
			td_rng_init(&hands[i].rng, writer->seed * THREADS_MAX + i);
			if (pthread_create(&threads[i], NULL, write_on, &hands[i]) != 0)
				abort();
		}
		while (!writer->stop) {
			uint64_t end = td_position(td), back = td_hash_u64(end) % 300;
			bool all = (end + writer->seed) % 50 == 0;

			code = writer->no_reading ? 0
						  : read_from(writer->tape, td,
							    all || end <= back ? 1 : end - back,
							    false, &writer->stop, &err);
			if (code != 0 && !writer->no_sync_promise)
				broken(writer, code, "read", err.text);
			usleep(5000);
		}
		for (unsigned i = 0; i < writer->threads; i++)
			pthread_join(threads[i], NULL);
	}
	td_close(td);
}
