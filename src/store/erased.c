/*
 * Erased: what projections and replicas hear when bytes are gone, as events of `$tidings`.
 *
 *	of a segment   td.log.erasing --> rewritten --------> Erased, the same seqs
 *	of a subject   td.subject.forgotten --> destroyed --> Erased, the seqs that were sealed
 *
 * Which seqs those were is not to be known any more once they are gone, so it is told before; the
 * rewriting waits until that is durable. Where a crash comes between, the next opening looks what
 * became of it. So Erased comes at least once for all that was erased, and never too early.
 */
#include "store/private.h"

#include <stdio.h>
#include <stdlib.h>

#define RANGES_MAX 256u /* of one event */
#define AGAIN_MS   1000

struct td_erasure {
	struct td_erasure *next;
	uint64_t seq;           /* of what was told, in `$tidings`; 0: it is to be told */
	uint64_t position;      /* of that; 0: it is durable */
	uint32_t log;           /* number */
	bool gone;              /* the bytes */
	uint64_t base, salt;    /* of the segment */
	uint64_t key, subject;  /* or what was forgotten */
	uint64_t below, met;    /* how far back that subject's events were told */
	struct td_text address; /* of that subject, if it is known */
	struct td_text seqs;    /* of the segment: JSON */
	char kept[];
};

static struct td_erasure *erasure_new(struct td_store *store, struct td_text kept)
{
	struct td_erasure *erasure = calloc(1, sizeof(*erasure) + kept.len);
	struct td_erasure **end = &store->erasures;

	if (erasure == NULL)
		return NULL;
	if (kept.len > 0)
		memcpy(erasure->kept, kept.at, kept.len);
	while (*end != NULL)
		end = &(*end)->next;
	*end = erasure;
	return erasure;
}

static void erasure_end(struct td_store *store, struct td_erasure *erasure)
{
	struct td_erasure **at = &store->erasures;

	while (*at != erasure)
		at = &(*at)->next;
	*at = erasure->next;
	free(erasure);
}

void td_erased_fini(struct td_store *store)
{
	while (store->erasures != NULL)
		erasure_end(store, store->erasures);
}

/* --- JSON --------------------------------------------------------------------------------- */

struct seqs {
	struct td_range ranges[RANGES_MAX];
	size_t count;
};

/* A seq at the end, or, where they descend, at the beginning of the last range. false: no room. */
static bool add_seq(struct seqs *seqs, uint64_t seq)
{
	struct td_range *last = seqs->count > 0 ? &seqs->ranges[seqs->count - 1] : NULL;

	if (last != NULL && seq == last->from + last->count) {
		last->count++;
		return true;
	}
	if (last != NULL && seq + 1 == last->from) {
		last->from--;
		last->count++;
		return true;
	}
	if (seqs->count == RANGES_MAX)
		return false;
	seqs->ranges[seqs->count++] = (struct td_range){seq, 1};
	return true;
}

static void write_seqs(struct td_buf *json, const struct seqs *seqs, bool backward)
{
	td_buf_add_char(json, '[');
	for (size_t i = 0; i < seqs->count; i++) {
		const struct td_range *range = &seqs->ranges[backward ? seqs->count - 1 - i : i];

		td_buf_printf(json, "%s[%" PRIu64 ",%" PRIu64 "]", i > 0 ? "," : "", range->from,
			range->from + range->count - 1);
	}
	td_buf_add_char(json, ']');
}

/* Told as an event of the log; nothing where that is gone by now. */
static int tell(struct td_store *store, const struct td_erasure *erasure, const char *type,
	const struct td_buf *rest, struct td_placed *placed, struct td_error *err)
{
	const struct td_log *log = td_logs_number(&store->logs, erasure->log);
	struct td_buf json = TD_BUF_INIT(TD_PAYLOAD_DEFAULT);
	uint64_t rests_on;
	int code;

	*placed = (struct td_placed){0};
	if (log == NULL)
		return 0;
	td_buf_add_string(&json, "{\"log\":");
	td_json_quote(&json, td_text(log->name));
	td_buf_printf(&json, ",\"number\":%" PRIu32, log->number);
	td_buf_add_text(&json, td_buf_view(rest));
	td_buf_add_char(&json, '}');
	code = td_buf_check(rest, err);
	if (code == 0)
		code = td_buf_check(&json, err);
	if (code == 0)
		code = td_control_tell(
			store, type, log->name, td_buf_view(&json), placed, &rests_on, err);
	td_buf_fini(&json);
	return code;
}

/* --- a segment ------------------------------------------------------------------------------ */

static int plan_one(struct td_store *store, const struct td_log *log, const struct seqs *seqs,
	const struct td_segment_info *segment, struct td_error *err)
{
	struct td_buf json = TD_BUF_INIT(TD_PAYLOAD_DEFAULT);
	struct td_erasure *erasure = NULL;
	int code;

	write_seqs(&json, seqs, false);
	code = td_buf_check(&json, err);
	if (code == 0)
		erasure = erasure_new(store, td_buf_view(&json));
	if (erasure != NULL) {
		erasure->log = log->number;
		erasure->base = segment->base;
		erasure->salt = segment->salt;
		erasure->seqs = td_text_of(erasure->kept, json.len);
	} else if (code == 0) {
		code = td_error_nomem(err);
	}
	td_buf_fini(&json);
	return code;
}

static bool is_erased_of(const struct td_line *line, const struct td_log *log)
{
	return (line->flags & TD_LINE_ERASE) != 0 && (line->flags & TD_LINE_EVENT) != 0 &&
	       line->log == log->index;
}

/* What goes of a log, some hundred ranges each. */
static int plan_log(struct td_store *store, const struct td_run *run, const struct td_log *log,
	const struct td_segment_info *segment, struct td_error *err)
{
	struct seqs seqs = {.count = 0};
	int code = 0;

	for (size_t i = 0; code == 0 && i < store->rewriting.count; i++) {
		const struct td_line *line = td_run_line(run, store->rewriting.positions[i]);

		if (!is_erased_of(line, log) || add_seq(&seqs, line->seq))
			continue;
		code = plan_one(store, log, &seqs, segment, err);
		seqs.count = 0;
		add_seq(&seqs, line->seq);
	}
	return code == 0 && seqs.count > 0 ? plan_one(store, log, &seqs, segment, err) : code;
}

static void drop_segment(struct td_store *store, uint64_t base)
{
	for (struct td_erasure *at = store->erasures, *next; at != NULL; at = next) {
		next = at->next;
		if (at->base == base && !at->gone)
			erasure_end(store, at);
	}
}

static uint64_t count_erased(const struct td_store *store, const struct td_run *run)
{
	uint64_t count = 0;

	for (size_t i = 0; i < store->rewriting.count; i++) {
		unsigned flags = td_run_line(run, store->rewriting.positions[i])->flags;

		count += (flags & (TD_LINE_ERASE | TD_LINE_EVENT)) ==
			 (TD_LINE_ERASE | TD_LINE_EVENT);
	}
	return count;
}

int td_erased_plan(struct td_store *store, struct td_run *run,
	const struct td_segment_info *segment, bool *told, struct td_error *err)
{
	uint64_t count = count_erased(store, run);
	int code = 0;

	/* It waited until that was durable; more may have come meanwhile. */
	*told = count == 0 || run->erasing == count;
	if (*told)
		return 0;
	drop_segment(store, run->base);
	for (size_t i = 0; code == 0 && i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			code = plan_log(store, run, store->logs.at[i], segment, err);
	}
	if (code == 0)
		run->erasing = count;
	else
		drop_segment(store, run->base);
	return code;
}

void td_erased_done(struct td_store *store, struct td_run *run, bool done)
{
	run->erasing = 0;
	if (!done)
		drop_segment(store, run->base);
	for (struct td_erasure *at = store->erasures; at != NULL; at = at->next)
		at->gone = at->gone || at->base == run->base;
}

/* --- a subject -------------------------------------------------------------------------------- */

struct td_erasure *td_erased_expect(struct td_store *store, const struct td_log *log,
	struct td_text address, struct td_error *err)
{
	struct td_erasure *erasure = erasure_new(store, address);

	if (erasure == NULL) {
		td_error_nomem(err);
		return NULL;
	}
	erasure->log = log->number;
	erasure->address = td_text_of(erasure->kept, address.len);
	return erasure;
}

void td_erased_forgot(
	struct td_erasure *erasure, uint64_t subject, uint64_t key, const struct td_placed *placed)
{
	erasure->subject = subject;
	erasure->key = key;
	erasure->seq = placed->seq;
	erasure->position = erasure->below = placed->position;
}

void td_erased_unexpect(struct td_store *store, struct td_erasure *erasure)
{
	erasure_end(store, erasure);
}

/* Its subject; what a crash left is known by its hash alone. */
static uint32_t subject_of(const struct td_store *store, const struct td_erasure *erasure)
{
	const struct td_log *log = td_logs_number(&store->logs, erasure->log);
	struct td_subjects_walk walk = {0};
	uint32_t ref;

	if (log == NULL)
		return TD_SUBJECT_NONE;
	if (erasure->address.at != NULL)
		return td_subjects_find(&store->subjects,
			td_subjects_hash(&store->subjects, erasure->address), erasure->address,
			log->index);
	while ((ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(&store->subjects, ref);

		if (subject->log == log->index &&
			td_top_hash(store->top_seed, log->number, td_subject_address(subject)) ==
				erasure->subject)
			return ref;
	}
	return TD_SUBJECT_NONE;
}

/* The fact, if it is not known where it stands. */
static void find_fact(const struct td_store *store, struct td_erasure *erasure)
{
	if (erasure->below == 0)
		erasure->below = td_runs_seq(&store->runs, store->control->index, erasure->seq);
}

/*
 * Sealed events of the subject before the fact, the newest first, as many as one event tells.
 * *more: there may be others. TD_E_DAMAGED: some of the index was not given. Under the lock.
 */
static int gather(struct td_store *store, struct td_erasure *erasure, struct seqs *seqs, bool *more,
	struct td_error *err)
{
	uint32_t ref = subject_of(store, erasure);
	uint64_t position, all, losses = store->runs.losses;

	*more = false;
	find_fact(store, erasure);
	if (ref == TD_SUBJECT_NONE)
		return store->runs.losses == losses ? 0 : td_store_lost(err);
	all = td_subject_at(&store->subjects, ref)->count;
	position = erasure->met == 0 ? td_store_live(store, ref).position
				     : td_store_back(store, ref, erasure->below, false);
	while (position != 0 && store->runs.losses == losses) {
		const struct td_line *line = td_runs_line(&store->runs, position);

		if ((line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT) {
			if ((line->flags & TD_LINE_SEALED) != 0 && position < erasure->below &&
				!add_seq(seqs, line->seq)) {
				*more = true;
				break;
			}
			erasure->met++;
		}
		if (position < erasure->below)
			erasure->below = position;
		position = erasure->met >= all ? 0 : td_store_back(store, ref, position, false);
	}
	return store->runs.losses == losses ? 0 : td_store_lost(err);
}

static int tell_forgotten(struct td_store *store, struct td_erasure *erasure, struct td_error *err)
{
	struct td_buf rest = TD_BUF_INIT(TD_PAYLOAD_DEFAULT);
	const struct td_erasure before = {.below = erasure->below, .met = erasure->met};
	struct seqs seqs = {.count = 0};
	struct td_placed placed;
	bool more;
	int code;

	td_mutex_lock(&store->lock);
	code = gather(store, erasure, &seqs, &more, err);
	td_mutex_unlock(&store->lock);
	td_buf_printf(&rest,
		",\"of\":%" PRIu64 ",\"subject\":\"%016" PRIx64 "\",\"seqs\":", erasure->seq,
		erasure->subject);
	write_seqs(&rest, &seqs, true);
	if (more)
		td_buf_add_string(&rest, ",\"more\":true");
	if (code == 0)
		code = tell(store, erasure, TD_TYPE_ERASED, &rest, &placed, err);
	td_buf_fini(&rest);
	if (code != 0) {
		erasure->below = before.below;
		erasure->met = before.met;
	} else if (!more) {
		erasure_end(store, erasure);
	}
	return code;
}

/* --- telling ---------------------------------------------------------------------------------- */

static int tell_segment(struct td_store *store, struct td_erasure *erasure, struct td_error *err)
{
	struct td_buf rest = TD_BUF_INIT(TD_PAYLOAD_DEFAULT);
	struct td_placed placed;
	int code;

	if (erasure->gone)
		td_buf_printf(&rest, ",\"of\":%" PRIu64, erasure->seq);
	else
		td_buf_printf(&rest, ",\"segment\":%" PRIu64 ",\"salt\":\"%016" PRIx64 "\"",
			erasure->base, erasure->salt);
	td_buf_add_string(&rest, ",\"seqs\":");
	td_buf_add_text(&rest, erasure->seqs);
	code = tell(store, erasure, erasure->gone ? TD_TYPE_ERASED : TD_TYPE_ERASING, &rest,
		&placed, err);
	td_buf_fini(&rest);
	if (code != 0)
		return code;
	if (erasure->gone || placed.seq == 0) {
		erasure_end(store, erasure);
	} else {
		erasure->seq = placed.seq;
		erasure->position = placed.position;
	}
	return 0;
}

static bool is_tellable(const struct td_store *store, const struct td_erasure *erasure)
{
	if (erasure->key != 0)
		return td_store_is_forgotten(store, erasure->key);
	return erasure->gone || erasure->seq == 0;
}

static struct td_erasure *find_tellable(const struct td_store *store)
{
	struct td_erasure *at = store->erasures;

	while (at != NULL && !is_tellable(store, at))
		at = at->next;
	return at;
}

bool td_erased_due(const struct td_store *store)
{
	return store->erasures != NULL && !store->read_only &&
	       td_clock_monotonic(store->clock) / 1000000 >= store->erased_again_ms &&
	       find_tellable(store) != NULL;
}

bool td_erased_waits(const struct td_store *store)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);

	for (const struct td_erasure *at = store->erasures; at != NULL; at = at->next) {
		if (at->base != 0 && !at->gone && (at->seq == 0 || at->position >= durable))
			return true;
	}
	return false;
}

int td_erased_tell(struct td_store *store, struct td_error *err)
{
	struct td_erasure *erasure;
	int code;

	if (!td_erased_due(store))
		return 0;
	erasure = find_tellable(store);
	code = erasure->key != 0 ? tell_forgotten(store, erasure, err)
				 : tell_segment(store, erasure, err);
	if (code != 0 && code != TD_E_FULL)
		store->erased_again_ms = td_clock_monotonic(store->clock) / 1000000 + AGAIN_MS;
	return code;
}

/* --- folding ---------------------------------------------------------------------------------- */

static int64_t number_of(struct td_json object, const char *name)
{
	int64_t number = 0;
	struct td_json value = td_json_get(object, td_text(name));

	return value.kind == TD_JSON_NUMBER && td_json_to_i64(value, &number) ? number : 0;
}

static uint64_t hex_of(struct td_json object, const char *name)
{
	struct td_json value = td_json_get(object, td_text(name));
	char digits[17] = "";
	uint64_t number = 0;

	if (value.kind == TD_JSON_STRING && td_json_plain(value) &&
		td_json_inside(value).len == 16) {
		memcpy(digits, td_json_inside(value).at, 16);
		if (sscanf(digits, "%" SCNx64, &number) != 1) /* NOLINT: 16 digits fit */
			return 0;
	}
	return number;
}

static int fold_told(struct td_store *store, const struct td_event_record *record,
	struct td_json object, struct td_error *err)
{
	struct td_json seqs = td_json_get(object, td_text("seqs"));
	struct td_erasure *erasure = erasure_new(
		store, td_text_is(record->type, TD_TYPE_ERASING) ? seqs.text : td_text(NULL));

	if (erasure == NULL)
		return td_error_nomem(err);
	erasure->seq = record->seq;
	erasure->log = (uint32_t)number_of(object, "number");
	erasure->base = (uint64_t)number_of(object, "segment");
	erasure->salt = hex_of(object, "salt");
	erasure->key = (uint64_t)number_of(object, "key");
	erasure->subject = hex_of(object, "subject");
	if (erasure->key == 0)
		erasure->seqs = td_text_of(erasure->kept, seqs.text.len);
	return 0;
}

int td_erased_fold(
	struct td_store *store, const struct td_event_record *record, struct td_error *err)
{
	struct td_json object;
	int code = td_json_parse(record->payload, TD_JSON_DEPTH_MAX, &object, err);
	uint64_t of;

	if (code != 0 || TD_BUG(247))
		return code;
	if (!td_text_is(record->type, TD_TYPE_ERASED))
		return fold_told(store, record, object, err);
	of = (uint64_t)number_of(object, "of");
	for (struct td_erasure *at = store->erasures, *next; at != NULL; at = next) {
		next = at->next;
		if (at->seq == of && td_json_get(object, td_text("more")).kind != TD_JSON_TRUE)
			erasure_end(store, at);
	}
	return 0;
}

/* Whether the segment was rewritten since: it is gone, or has another salt. */
static bool is_rewritten(
	const struct td_erasure *erasure, const struct td_segment_info *segments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (segments[i].base == erasure->base)
			return segments[i].salt != erasure->salt;
	}
	return true;
}

int td_erased_fold_end(struct td_store *store, struct td_error *err)
{
	size_t count = td_journal_segments(store->shelf.journal, NULL, 0);
	struct td_segment_info *segments = malloc((count + 1) * sizeof(*segments));

	if (segments == NULL)
		return td_error_nomem(err);
	td_journal_segments(store->shelf.journal, segments, count);
	for (struct td_erasure *at = store->erasures, *next; at != NULL; at = next) {
		next = at->next;
		if (at->key != 0)
			continue;
		at->gone = is_rewritten(at, segments, count);
		if (!at->gone) /* it is told again before it is tried again */
			erasure_end(store, at);
	}
	free(segments);
	return 0;
}
