/*
 * The history of a real process, written where its end cannot harm it: in memory that it shares with
 * the one who watches. Its threads note what they ask before they ask, and the answer after it came;
 * what was asked and has no answer when the process dies is unknown.
 *
 * A tape has an end (TAPE_*_MAX); who finds it full stops asking.
 */
#ifndef SIM_RIG_TAPE_H
#define SIM_RIG_TAPE_H

#include <stdatomic.h>

#include "store/history.h"

#define TAPE_ENTRIES_MAX  4 /* of one append */
#define TAPE_APPENDS_MAX  400000u
#define TAPE_REMOVALS_MAX 20000u
#define TAPE_PASSES_MAX   2000u
#define TAPE_EVENTS_MAX   3000000u

struct tape_append {
	struct sim_store_append append; /* entries: unused */
	struct sim_store_entry entries[TAPE_ENTRIES_MAX];
	_Atomic bool asked, answered;
};

struct tape_removal {
	struct sim_store_removal removal;
	_Atomic bool asked, answered;
};

/* A pass has a piece of the events for itself. */
struct tape_pass {
	struct sim_store_pass pass;
	_Atomic uint64_t seen;
	_Atomic bool begun, ended;
};

struct tape {
	_Atomic uint64_t moment, values;
	_Atomic uint32_t appends_count, removals_count, passes_count;
	_Atomic uint32_t events_count;
	_Atomic bool open;       /* the place is open, in this cycle */
	_Atomic uint32_t failed; /* what must never be answered was: its code */
	char failure[240];
	struct tape_append appends[TAPE_APPENDS_MAX];
	struct tape_removal removals[TAPE_REMOVALS_MAX];
	struct tape_pass passes[TAPE_PASSES_MAX];
	struct sim_store_event events[TAPE_EVENTS_MAX];
};

/* Memory shared with children, of zeros; it costs as it is used. NULL: none. */
void *rig_shared(size_t bytes);
struct tape *tape_new(void);
void tape_free(struct tape *tape);
/* Empty again. */
void tape_reset(struct tape *tape);

uint64_t tape_moment(struct tape *tape);
/* NULL: full. Fill it, then tape_asked(); when the answer came fill that, then tape_answered(). */
struct tape_append *tape_append(struct tape *tape);
struct tape_removal *tape_removal(struct tape *tape);
struct tape_pass *tape_pass(struct tape *tape, uint64_t from);
/* One thread sees at a time. false: full. */
bool tape_see(struct tape *tape, struct tape_pass *pass, const struct sim_store_event *event);
void tape_pass_end(struct tape *tape, struct tape_pass *pass, bool whole, bool final);

/* Forget the newest pass and what it saw. */
void tape_unpass(struct tape *tape);

/*
 * Judge it. Nobody may be writing. What was answered, and the passes that ended, after `cut` count as
 * if the answer had never come: power was gone by then. UINT64_MAX: it was not cut.
 */
bool tape_check(struct tape *tape, uint64_t cut, char *text, size_t bytes);

#endif
