/*
 * Work: what is due, of which kind; run by anybody; brought back.
 *
 * The owner decides here and nowhere else what may be out at the same time:
 *
 *	COMMIT or MARK   the frame in flight; one
 *	CHAIN            its hash, while it flies or behind it; the next one is sealed after both
 *	SPARE            not while a roll takes the spare away
 *	REWRITE          beside all of them
 */
#include "journal/inside.h"

static const enum td_work_kind kinds_of[TD_WORKS] = {
	TD_WORK_COMMIT, TD_WORK_CHAIN, TD_WORK_SPARE, TD_WORK_MARK, TD_WORK_REWRITE};

size_t td_work_index(enum td_work_kind kind)
{
	for (size_t i = 0; i < TD_WORKS; i++)
		if (kinds_of[i] == kind)
			return i;
	TD_UNREACHABLE();
}

static struct td_work *work_of(struct td_journal *journal, enum td_work_kind kind)
{
	return &journal->works[td_work_index(kind)];
}

static struct td_work *hand_out(struct td_journal *journal, enum td_work_kind kind)
{
	struct td_work *work = work_of(journal, kind);

	TD_ASSERT(!work->out);
	work->journal = journal;
	work->kind = kind;
	work->out = true;
	work->code = 0;
	return work;
}

/* --- what is due -------------------------------------------------------------------------- */

static bool staged(const struct td_journal *journal)
{
	return journal->building.begun && journal->building.frame.records > 0;
}

static bool commit_is_due(const struct td_journal *journal)
{
	if (journal->flight.full)
		return false;
	if (staged(journal))
		return true;
	return journal->roll_wanted && td_spare_serves(journal, 0);
}

/* The last frame has no second witness, and nothing follows it. INT64_MAX: none is needed. */
static int64_t mark_ms(const struct td_journal *journal)
{
	if (journal->witnessed || journal->flight.full || staged(journal) || journal->roll_wanted)
		return INT64_MAX;
	return journal->idle_since_ms + journal->options.mark_ms;
}

static bool chain_is_free(const struct td_journal *journal)
{
	const struct td_flight *flight = &journal->flight;

	/* A whitened frame is made plain again when it landed; its hash is of the stored bytes. */
	return flight->full && flight->whitening == 0 &&
	       !journal->works[td_work_index(TD_WORK_CHAIN)].out &&
	       atomic_load_explicit(&flight->chain_step, memory_order_relaxed) == TD_CHAIN_FREE;
}

/* A commit waits for a spare: an append was sent back, or a roll is wanted. */
static bool spare_is_missed(const struct td_journal *journal)
{
	if (journal->flight.full)
		return false;
	return journal->spare.waited_for || (journal->roll_wanted && !td_spare_serves(journal, 0));
}

struct td_work *td_journal_next(struct td_journal *journal, unsigned kinds, int64_t now_ms)
{
	if (journal->failed || journal->options.read_only)
		return NULL;
	if ((kinds & TD_WORK_COMMIT) && commit_is_due(journal)) {
		td_flight_begin(journal, TD_WORK_COMMIT);
		return hand_out(journal, TD_WORK_COMMIT);
	}
	if ((kinds & TD_WORK_CHAIN) && chain_is_free(journal) &&
		td_flight_take_chain(&journal->flight))
		return hand_out(journal, TD_WORK_CHAIN);
	if (((kinds & TD_WORK_SPARE) || ((kinds & TD_WORK_COMMIT) && spare_is_missed(journal))) &&
		td_spare_due(journal, now_ms)) {
		td_spare_begin(journal);
		return hand_out(journal, TD_WORK_SPARE);
	}
	if ((kinds & TD_WORK_MARK) && mark_ms(journal) != INT64_MAX && mark_ms(journal) <= now_ms &&
		td_flight_begin_mark(journal))
		return hand_out(journal, TD_WORK_MARK);
	if ((kinds & TD_WORK_REWRITE) && td_rewrite_is_due(journal))
		return hand_out(journal, TD_WORK_REWRITE);
	return NULL;
}

int64_t td_journal_next_ms(const struct td_journal *journal, unsigned kinds, int64_t now_ms)
{
	int64_t mark = mark_ms(journal), next = INT64_MAX;

	if (journal->failed || journal->options.read_only)
		return INT64_MAX;
	if ((kinds & TD_WORK_COMMIT) && commit_is_due(journal))
		return now_ms;
	if ((kinds & TD_WORK_CHAIN) && chain_is_free(journal))
		return now_ms;
	if ((kinds & TD_WORK_REWRITE) && td_rewrite_is_due(journal))
		return now_ms;
	if ((kinds & TD_WORK_SPARE) && td_spare_due(journal, INT64_MAX))
		next = journal->spare.retry_ms;
	if ((kinds & TD_WORK_MARK) && mark < next)
		next = mark;
	return next > now_ms ? next : now_ms;
}

/* --- run and done ------------------------------------------------------------------------- */

enum td_work_kind td_work_kind(const struct td_work *work)
{
	return work->kind;
}

void td_work_run(struct td_work *work)
{
	TD_ASSERT(work->out);
	switch (work->kind) {
	case TD_WORK_COMMIT:
	case TD_WORK_MARK:
		td_flight_run(work);
		return;
	case TD_WORK_CHAIN:
		td_flight_run_chain(work);
		return;
	case TD_WORK_SPARE:
		td_spare_run(work);
		return;
	case TD_WORK_REWRITE:
		td_rewrite_run(work);
		return;
	case TD_WORK_ALL:
		break;
	}
	TD_UNREACHABLE();
}

void td_journal_fail(struct td_journal *journal, const struct td_error *err)
{
	if (journal->failed)
		return;
	journal->failed = true;
	journal->failure = *err;
	journal->failure.code = TD_E_DISK;
}

int td_journal_failed(const struct td_journal *journal, struct td_error *err)
{
	if (!journal->failed)
		return 0;
	if (err != NULL)
		*err = journal->failure;
	return TD_E_DISK;
}

static int bring_back(struct td_journal *journal, struct td_work *work)
{
	switch (work->kind) {
	case TD_WORK_COMMIT:
	case TD_WORK_MARK:
		if (work->code == 0)
			td_flight_landed(journal);
		return work->code;
	case TD_WORK_CHAIN:
		td_flight_hashed(journal);
		return 0;
	case TD_WORK_SPARE:
		return td_spare_landed(journal, work->code, &work->err);
	case TD_WORK_REWRITE:
		return td_rewrite_landed(journal, work->code, &work->err);
	case TD_WORK_ALL:
		break;
	}
	TD_UNREACHABLE();
}

int td_journal_done(struct td_journal *journal, struct td_work *work, struct td_error *err)
{
	int code;

	TD_ASSERT(work->out && work->journal == journal);
	work->out = false;
	if (journal->failed)
		return td_journal_failed(journal, err);
	code = bring_back(journal, work);
	if (code == 0)
		return 0;
	/* Space, memory, files that may be open: they come back. What a device refuses does not. */
	if (code != TD_E_DISK) {
		if (err != NULL)
			*err = work->err;
		return code;
	}
	td_journal_fail(journal, &work->err);
	return td_journal_failed(journal, err);
}
