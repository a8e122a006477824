/*
 * What clients of a store did and saw: the only thing its checker gets. The store may be a handle in
 * a simulated world, a process that was killed, or a server behind a network; the history is the
 * same, and it survives what it is about.
 *
 *	append   asked at `asked`, answered at `answered`: OK, FAILED (surely not done) or UNKNOWN
 *	         (no answer: a crash, a timeout); one entry or several that stand or fall together
 *	removal  the same, of one event
 *	adoption the same, of a log that is made and takes over what another held of an area
 *	deletion the same, of a log and all that is in it
 *	forget   the same, of the payloads of a subject; `position` is where that stands
 *	told     what was told to be erased
 *	pass     a reading from one position on, in order: what it saw, and whether it came to the end
 *	crash    everybody's memory is gone; what was unknown stays so
 *
 * A log is the number that the store gave it: one that is made again is another. A subject is an address
 * wherever its events stand; its *area* is what a log claims or does not.
 *
 * Moments are numbers that only grow; two things may not share one. A *value* names an entry: it is
 * in the payload and used once, so whoever reads it knows which append wrote it.
 */
#ifndef SIM_STORE_HISTORY_H
#define SIM_STORE_HISTORY_H

#include "base/base.h"

#define SIM_STORE_NOWHERE UINT32_MAX /* of an entry that nobody could say the log of */

/* The subject with this number in its area, and back. */
static inline uint32_t sim_store_subject(uint32_t area, uint32_t number)
{
	return area << 8 | number;
}
static inline uint32_t sim_store_area(uint32_t subject)
{
	return subject >> 8;
}

enum sim_store_outcome { SIM_STORE_UNKNOWN, SIM_STORE_OK, SIM_STORE_FAILED };

enum sim_store_expect {
	SIM_STORE_ANY,
	SIM_STORE_NONE,
	SIM_STORE_EXISTS,
	SIM_STORE_EXACTLY,
};

struct sim_store_entry {
	size_t append; /* it belongs to */
	uint64_t value;
	uint64_t key; /* for duplicates; 0: none. The same again is the same event tried again */
	uint32_t log, subject;
	bool sealed; /* its subject can be forgotten: its payload says so, too */
	enum sim_store_expect expect;
	uint64_t revision_expected;
	uint64_t bytes; /* its record has at most so many */
	bool imported;  /* with its revision, which may leave others out */
	/* The answer, where it was OK. */
	bool duplicate;
	uint64_t position, seq, revision;
	int64_t time; /* that it was given */
};

struct sim_store_append {
	uint64_t asked, answered; /* answered: UINT64_MAX while UNKNOWN */
	enum sim_store_outcome outcome;
	size_t entries, entries_count; /* in history->entries, one behind the other */
	/* FAILED for the wrong revision: which entry, and what it was told to have. */
	/* By the clock, where it matters: as old as its events may be, and when it was told. */
	int64_t asked_ms, answered_ms;
	bool conflict;
	bool other_content;    /* FAILED for a key that came before */
	size_t conflict_entry; /* counted within the append */
	uint64_t revision_found;
};

struct sim_store_removal {
	uint64_t asked, answered;
	enum sim_store_outcome outcome;
	uint32_t log;
	uint64_t seq;
	bool erase;   /* its bytes are to go, too */
	bool nothing; /* OK, and it had gone before: this did not take it */
};

/*
 * A log that is made takes over what `from` holds of the area below `position`, in any number of frames:
 * each event stands in one of the two, never in both. Who was not answered may be half done.
 */
struct sim_store_adoption {
	uint64_t asked, answered;
	enum sim_store_outcome outcome;
	uint32_t from, log, area; /* log: set when it is known */
	uint64_t position;        /* UINT64_MAX: not known */
};

struct sim_store_deletion {
	uint64_t asked, answered;
	enum sim_store_outcome outcome;
	uint32_t log;
};

/* Keys of a log are known for so long from then on. */
struct sim_store_window {
	uint64_t asked;
	uint32_t log;
	int64_t ms;
};

/* Events of the subject below `position` are without payload from then on. */
struct sim_store_forget {
	uint64_t asked, answered;
	enum sim_store_outcome outcome;
	uint32_t log, subject;
	uint64_t position; /* UINT64_MAX: nobody was told */
};

/* Seqs of a log, both included, that were told to be erased. */
struct sim_store_told {
	uint32_t log;
	uint64_t from, to;
};

/* One event, as somebody saw it. */
struct sim_store_event {
	uint64_t position, seq, revision;
	uint32_t log, subject;
	uint64_t value;
	bool intact; /* all other content is as the value says */
	bool erased; /* it had no payload any more */
	int64_t time;
	uint64_t asked; /* for; 0: with its pass */
};

/* What a log keeps from then on; what is beyond may be gone. 0: no limit. */
struct sim_store_limits {
	uint64_t asked;
	uint32_t log;
	uint64_t count_max, subject_max, bytes_max;
	int64_t age_ms;
};

struct sim_store_pass {
	uint64_t asked, answered;
	int64_t answered_ms;
	uint64_t from; /* position */
	bool whole;    /* it came to the end of what there was; else it was broken off */
	bool final;    /* after everything, of everything */
	bool copy;     /* of a copy that was made meanwhile; what is sealed cannot be read in it */
	size_t events, events_count; /* in history->events */
};

struct sim_store_history {
	struct sim_store_entry *entries;
	struct sim_store_append *appends;
	struct sim_store_removal *removals;
	struct sim_store_limits *limits;
	struct sim_store_adoption *adoptions;
	struct sim_store_deletion *deletions;
	struct sim_store_window *windows;
	struct sim_store_forget *forgets;
	struct sim_store_told *told;
	struct sim_store_pass *passes;
	struct sim_store_event *events;
	uint64_t *crashes; /* moments */
	size_t adoptions_count, deletions_count, windows_count, forgets_count, told_count,
		limits_count, entries_count, appends_count, removals_count, passes_count,
		events_count, crashes_count;
	uint64_t moment; /* the last one given */
	bool told_all;   /* what was told was read, at the end */
};

#define SIM_STORE_HISTORY_INIT \
	{                      \
		.moment = 0    \
	}

/* A moment later than all before. */
uint64_t sim_store_moment(struct sim_store_history *history);

/* Ask for an append: its number; entries are copied and may be answered by that number later. */
size_t sim_store_ask(
	struct sim_store_history *history, const struct sim_store_entry *entries, size_t count);
struct sim_store_entry *sim_store_entries(struct sim_store_history *history, size_t append);
/* It was answered now. */
void sim_store_answer(
	struct sim_store_history *history, size_t append, enum sim_store_outcome outcome);
size_t sim_store_ask_removal(
	struct sim_store_history *history, uint32_t log, uint64_t seq, bool erase);
void sim_store_answer_removal(
	struct sim_store_history *history, size_t removal, enum sim_store_outcome outcome);
/* The position is set by who asks, as soon as it is known. */
size_t sim_store_ask_forget(struct sim_store_history *history, uint32_t log, uint32_t subject);
void sim_store_answer_forget(
	struct sim_store_history *history, size_t forget, enum sim_store_outcome outcome);
/* What is known of it is set by who asks, as soon as it is. */
size_t sim_store_ask_adoption(struct sim_store_history *history, uint32_t from, uint32_t area);
void sim_store_answer_adoption(
	struct sim_store_history *history, size_t adoption, enum sim_store_outcome outcome);
size_t sim_store_ask_deletion(struct sim_store_history *history, uint32_t log);
void sim_store_answer_deletion(
	struct sim_store_history *history, size_t deletion, enum sim_store_outcome outcome);
void sim_store_window(struct sim_store_history *history, uint32_t log, int64_t ms);
void sim_store_tell_erased(struct sim_store_history *history, struct sim_store_told told);
/* Limits were asked for; limits->asked is set here. */
void sim_store_limit(struct sim_store_history *history, struct sim_store_limits limits);
/* Begin a pass; then what it sees, one by one, with no other pass between; then its end. */
size_t sim_store_pass_begin(struct sim_store_history *history, uint64_t from);
void sim_store_pass_see(struct sim_store_history *history, const struct sim_store_event *event);
void sim_store_pass_end(struct sim_store_history *history, bool whole, bool final);
/* A pass that others came between, when it is over; `asked` is the moment it began. */
void sim_store_pass_put(struct sim_store_history *history, uint64_t asked, uint64_t from,
	const struct sim_store_event *events, size_t count, bool whole);
void sim_store_crash(struct sim_store_history *history);

void sim_store_history_fini(struct sim_store_history *history);

#endif
