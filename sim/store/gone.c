/* What is asked to be gone: events, logs, what moves with a log, payloads; and what was told of it. */
#include "checking.h"

/* --- removals ----------------------------------------------------------------------------- */

static int by_log_and_seq(const void *a, const void *b)
{
	const struct removal *left = a, *right = b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->seq, right->seq);
}

void sim_take_removals(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;
	struct removal *out = array_new(history->removals_count, sizeof(*out));
	size_t count = 0;

	for (size_t i = 0; i < history->removals_count; i++) {
		const struct sim_store_removal *in = &history->removals[i];
		bool done = in->outcome == SIM_STORE_OK;

		if (in->outcome != SIM_STORE_FAILED)
			out[count++] =
				(struct removal){in->log, in->seq, in->nothing ? NEVER : in->asked,
					done ? in->answered : NEVER, in->erase ? in->asked : NEVER,
					in->erase && done ? in->answered : NEVER, false};
	}
	qsort(out, count, sizeof(*out), by_log_and_seq);
	checker->removals = out;
	for (size_t i = 0; i < count; i++) {
		struct removal *last = out + checker->removals_count - 1;

		if (checker->removals_count > 0 && by_log_and_seq(last, &out[i]) == 0) {
			last->asked = least(last->asked, out[i].asked);
			last->removed = least(last->removed, out[i].removed);
			last->erasing = least(last->erasing, out[i].erasing);
			last->erased = least(last->erased, out[i].erased);
		} else {
			out[checker->removals_count++] = out[i];
		}
	}
}

struct removal *sim_find_removal(const struct checker *checker, uint32_t log, uint64_t seq)
{
	struct removal key = {.log = log, .seq = seq};

	if (checker->removals_count == 0)
		return NULL;
	return bsearch(
		&key, checker->removals, checker->removals_count, sizeof(key), by_log_and_seq);
}

/* --- logs --------------------------------------------------------------------------------- */

struct marks *sim_marks_of(const struct checker *checker, uint32_t log)
{
	for (size_t i = 0; i < checker->marks_count; i++) {
		if (checker->marks[i].log == log)
			return &checker->marks[i];
	}
	return NULL;
}

struct marks *sim_mark(struct checker *checker, uint32_t log)
{
	struct marks *marks = sim_marks_of(checker, log);

	if (marks != NULL)
		return marks;
	checker->marks = realloc(checker->marks, (checker->marks_count + 1) * sizeof(*marks));
	TD_ASSERT(checker->marks != NULL);
	marks = &checker->marks[checker->marks_count++];
	*marks = (struct marks){.log = log, .deletion_asked = NEVER, .deleted_from = NEVER};
	return marks;
}

void sim_take_logs(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->entries_count; i++)
		sim_mark(checker, history->entries[i].log);
	for (size_t i = 0; i < history->limits_count; i++)
		sim_mark(checker, history->limits[i].log)->limited = true;
	for (size_t i = 0; i < history->deletions_count; i++) {
		const struct sim_store_deletion *deletion = &history->deletions[i];
		struct marks *marks = sim_mark(checker, deletion->log);

		if (deletion->outcome == SIM_STORE_FAILED)
			continue;
		marks->deleted = true;
		marks->deletion_asked = least(marks->deletion_asked, deletion->asked);
		if (deletion->outcome == SIM_STORE_OK)
			marks->deleted_from = least(marks->deleted_from, deletion->answered);
	}
	for (size_t i = 0; i < history->adoptions_count; i++) {
		const struct sim_store_adoption *adoption = &history->adoptions[i];

		if (adoption->outcome == SIM_STORE_FAILED)
			continue;
		sim_mark(checker, adoption->from)->adopted_from = true;
		sim_mark(checker, adoption->log)->adopts = true;
	}
}

bool sim_may_hide(const struct checker *checker, uint32_t log)
{
	const struct marks *marks = sim_marks_of(checker, log);

	return marks != NULL && (marks->limited || marks->deleted || marks->adopts ||
					marks->adopted_from || marks->missing);
}

const struct sim_store_adoption *sim_adoption_of(
	const struct checker *checker, uint32_t log, uint32_t subject, uint64_t position)
{
	for (size_t i = 0; i < checker->history->adoptions_count; i++) {
		const struct sim_store_adoption *adoption = &checker->history->adoptions[i];

		if (adoption->outcome != SIM_STORE_FAILED && adoption->from == log &&
			adoption->area == sim_store_area(subject) && position < adoption->position)
			return adoption;
	}
	return NULL;
}

/* --- of what stands ------------------------------------------------------------------------ */

/* What moved is what it was, but for its place. */
static void check_moved(struct checker *checker, const struct fact *from, const struct fact *to)
{
	if (!to->stands || to->attempts > 0)
		return;
	if (to->revision != from->revision || to->time != from->time)
		breaks(checker, MOVED,
			"value %" PRIu64 ": revision %" PRIu64 " in log %u, and %" PRIu64
			" in log %u%s",
			from->value, from->revision, from->log, to->revision, to->log,
			to->time != from->time ? "; at another time" : "");
}

static void note_removed(struct checker *checker, struct fact *fact)
{
	const struct sim_store_adoption *by =
		sim_adoption_of(checker, fact->log, fact->subject, fact->position);
	struct removal *removal = sim_find_removal(checker, fact->log, fact->seq);
	const struct marks *marks = sim_marks_of(checker, fact->log);

	if (removal != NULL) {
		removal->met = true;
		fact->own_removal = fact->removal_asked = removal->asked;
		fact->removed = removal->removed;
	}
	if (marks != NULL) {
		fact->removal_asked = least(fact->removal_asked, marks->deletion_asked);
		fact->removed = least(fact->removed, marks->deleted_from);
	}
	if (by == NULL)
		return;
	fact->by = by;
	fact->moved_to = sim_fact_find(checker, fact->value, by->log);
	fact->removal_asked = least(fact->removal_asked, by->asked);
	if (by->outcome == SIM_STORE_OK)
		fact->removed = least(fact->removed, by->answered);
	if (fact->moved_to != NULL)
		check_moved(checker, fact, fact->moved_to);
	/* What is seen in the one is not in the other any more. */
	if (fact->moved_to != NULL && fact->moved_to->fresh == 0)
		fact->removed = least(fact->removed, fact->moved_to->known);
}

void sim_note_removed(struct checker *checker)
{
	for (size_t i = 0; i < checker->standing_count; i++)
		note_removed(checker, checker->standing[i]);
	for (size_t i = 0; i < checker->removals_count; i++) {
		struct removal *removal = &checker->removals[i];

		if (!removal->met)
			sim_mark(checker, removal->log)->missing = true;
	}
}

/* --- what was forgotten ------------------------------------------------------------------- */

static int by_subject_and_place(const void *a, const void *b)
{
	const struct forgotten *left = a, *right = b;
	int order = compare(left->log, right->log);

	if (order == 0)
		order = compare(left->subject, right->subject);
	return order != 0 ? order : compare(left->position, right->position);
}

static bool is_of_one_subject(const struct forgotten *a, const struct forgotten *b)
{
	return a->log == b->log && a->subject == b->subject;
}

void sim_take_forgets(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;
	struct forgotten *out = array_new(history->forgets_count, sizeof(*out));
	size_t count = 0;

	for (size_t i = 0; i < history->forgets_count; i++) {
		const struct sim_store_forget *in = &history->forgets[i];

		if (in->outcome != SIM_STORE_FAILED)
			out[count++] = (struct forgotten){in->log, in->subject, in->position,
				in->asked, in->outcome == SIM_STORE_OK ? in->answered : NEVER};
	}
	qsort(out, count, sizeof(*out), by_subject_and_place);
	/* What stands behind counts for what is before it, too. */
	for (size_t i = count; i-- > 1;) {
		if (!is_of_one_subject(&out[i - 1], &out[i]))
			continue;
		out[i - 1].asked = least(out[i - 1].asked, out[i].asked);
		out[i - 1].answered = least(out[i - 1].answered, out[i].answered);
	}
	checker->forgotten = out;
	checker->forgotten_count = count;
}

/* What was forgotten of the subject behind this position; NULL: nothing. */
static const struct forgotten *find_forgotten(
	const struct checker *checker, uint32_t log, uint32_t subject, uint64_t position)
{
	const struct forgotten key = {.log = log, .subject = subject, .position = position + 1};
	size_t low = 0, high = checker->forgotten_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_subject_and_place(&checker->forgotten[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < checker->forgotten_count && is_of_one_subject(&checker->forgotten[low], &key)
		       ? &checker->forgotten[low]
		       : NULL;
}

/* From when on its payload may be gone, there or where it came from, or where it went to; NEVER: it may
 * not. */
static uint64_t forgetting_asked(const struct checker *checker, const struct fact *fact)
{
	const struct forgotten *own =
		find_forgotten(checker, fact->log, fact->subject, fact->position);
	const struct forgotten *before = NULL, *behind = NULL;
	uint64_t asked = own != NULL ? own->asked : NEVER;

	if (fact->moved_from != NULL)
		before = find_forgotten(checker, fact->moved_from->log, fact->subject,
			fact->moved_from->stands ? fact->moved_from->position : 0);
	if (fact->by != NULL)
		behind = find_forgotten(checker, fact->by->log, fact->subject, 0);
	if (before != NULL)
		asked = least(asked, before->asked);
	return behind != NULL ? least(asked, behind->asked) : asked;
}

void sim_take_payload(struct checker *checker, struct fact *fact, const struct sim_store_pass *pass,
	const struct sim_store_event *event)
{
	const struct forgotten *forgotten =
		find_forgotten(checker, event->log, event->subject, event->position);
	uint64_t asked = event->asked != 0 ? event->asked : pass->asked;

	if (event->erased && pass->copy)
		return;
	if (event->erased && forgetting_asked(checker, fact) > pass->answered)
		breaks(checker, HIDDEN, "position %" PRIu64 ", log %u, subject %u: value %" PRIu64,
			event->position, event->log, event->subject, event->value);
	else if (!event->erased &&
		 ((forgotten != NULL && forgotten->answered < asked) || fact->hidden < asked))
		breaks(checker, REVEALED,
			"position %" PRIu64 ", log %u, subject %u: value %" PRIu64, event->position,
			event->log, event->subject, event->value);
	if (event->erased && pass->answered < fact->hidden)
		fact->hidden = pass->answered;
	fact->hidden_at_end |= event->erased && pass->final;
}

/* --- what was told ------------------------------------------------------------------------ */

static int by_log_and_from(const void *a, const void *b)
{
	const struct sim_store_told *left = a, *right = b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->from, right->from);
}

void sim_take_told(struct checker *checker)
{
	size_t count = checker->history->told_count;
	struct sim_store_told *told = array_new(count, sizeof(*told));

	if (count > 0)
		memcpy(told, checker->history->told, count * sizeof(*told));
	qsort(told, count, sizeof(*told), by_log_and_from);
	for (size_t i = 1; i < count; i++) {
		if (told[i].log == told[i - 1].log && told[i].to < told[i - 1].to)
			told[i].to = told[i - 1].to;
	}
	checker->told = told;
}

/* Whether a range of the log begins at the seq or before, and reaches it. */
static bool was_told(const struct checker *checker, uint32_t log, uint64_t seq)
{
	const struct sim_store_told key = {.log = log, .from = seq + 1};
	size_t low = 0, high = checker->history->told_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_log_and_from(&checker->told[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && checker->told[low - 1].log == log && checker->told[low - 1].to >= seq;
}

/* What was hidden before it moved was told of where it stood then; of a log that is gone nobody is told. */
static bool must_be_told(const struct checker *checker, const struct fact *fact)
{
	const struct removal *removal = sim_find_removal(checker, fact->log, fact->seq);

	if (sim_marks_of(checker, fact->log)->deleted)
		return false;
	return (fact->hidden_at_end && fact->moved_from == NULL) ||
	       (removal != NULL && removal->erased != NEVER);
}

/* What moves is erased where it was not sealed, and is to be. */
static bool may_be_told(const struct checker *checker, const struct fact *fact)
{
	const struct removal *removal = sim_find_removal(checker, fact->log, fact->seq);

	return (removal != NULL && removal->erasing != NEVER) || fact->by != NULL ||
	       forgetting_asked(checker, fact) != NEVER ||
	       sim_marks_of(checker, fact->log)->deleted;
}

void sim_check_told(struct checker *checker)
{
	for (size_t i = 0; checker->history->told_all && i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		bool told = was_told(checker, fact->log, fact->seq);

		if (!told && must_be_told(checker, fact))
			breaks(checker, UNTOLD, "log %u, seq %" PRIu64 ": value %" PRIu64,
				fact->log, fact->seq, fact->value);
		else if (told && !may_be_told(checker, fact))
			breaks(checker, MISTOLD, "log %u, seq %" PRIu64 ": value %" PRIu64,
				fact->log, fact->seq, fact->value);
	}
}
