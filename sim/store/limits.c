/* What limits may have taken: never more than what came behind allows. */
#include "checking.h"

bool sim_may_be_retired(
	const struct checker *checker, const struct fact *fact, uint64_t moment, int64_t moment_ms)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->limits_count; i++) {
		const struct sim_store_limits *limits = &history->limits[i];

		if (limits->log != fact->log || limits->asked > moment)
			continue;
		if ((limits->count_max != 0 && fact->behind_log >= limits->count_max) ||
			(limits->subject_max != 0 && fact->behind_subject >= limits->subject_max) ||
			(limits->bytes_max != 0 &&
				fact->behind_bytes + fact->bytes > limits->bytes_max) ||
			(limits->age_ms != 0 && moment_ms - fact->asked_ms >= limits->age_ms))
			return true;
	}
	return false;
}

/* It came to the log, or may have, and nobody knows where it stands there. */
static void count_unseen(
	struct td_map *logs, struct td_map *subjects, const struct fact *fact, uint32_t log)
{
	struct last *last = sim_last_of(logs, log);

	last->number++;
	last->bytes += fact->bytes;
	sim_last_of(subjects, (uint64_t)log << 32 | fact->subject)->number++;
}

static void count_all(struct checker *checker, struct td_map *logs, struct td_map *subjects)
{
	for (size_t i = 0; i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		struct last *log = sim_last_of(logs, fact->log);
		struct last *subject = sim_last_of(subjects, subject_key(fact));

		log->number = fact->seq > log->number ? fact->seq : log->number;
		subject->number =
			fact->revision > subject->number ? fact->revision : subject->number;
	}
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = checker->facts[i];

		if (!fact->stands && fact->tried)
			count_unseen(logs, subjects, fact, fact->log);
		/* It may have moved on, and have been seen by nobody there. */
		for (size_t k = 0; fact->tried && k < checker->history->adoptions_count; k++) {
			const struct sim_store_adoption *by = &checker->history->adoptions[k];

			if (by->from == fact->log && by->outcome != SIM_STORE_FAILED &&
				by->area == sim_store_area(fact->subject))
				count_unseen(logs, subjects, fact, by->log);
		}
	}
}

/*
 * Behind an event came at most those with higher numbers, and those of which nobody knows whether they
 * came at all.
 */
void sim_count_behind(struct checker *checker)
{
	struct td_map logs = TD_MAP_INIT, subjects = TD_MAP_INIT;

	count_all(checker, &logs, &subjects);
	for (size_t i = checker->standing_count; i-- > 0;) {
		struct fact *fact = checker->standing[i];
		struct last *log = sim_last_of(&logs, fact->log);

		fact->behind_log = log->number - fact->seq;
		fact->behind_subject =
			sim_last_of(&subjects, subject_key(fact))->number - fact->revision;
		fact->behind_bytes = log->bytes;
		log->bytes += fact->bytes;
	}
	sim_lasts_free(&logs);
	sim_lasts_free(&subjects);
}
