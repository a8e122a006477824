/*
 * A store on a simulated disk, used step by step as a program says: for proofs that go through all
 * that can become of one and the same run (crashes.c, faults.c, damages.c).
 *
 *	struct sim_script script;
 *	sim_script_init(&script, disk);
 *	code = sim_script_open(&script);
 *	if (code == 0)
 *		code = sim_script_append(&script, 1, 0, 3);    asked and staged
 *	if (code == 0)
 *		code = sim_script_turn(&script);               all work that is due: durable, answered
 *
 * What was asked and answered is a history (store/history.h), so that the checker of stores can judge
 * what is found afterwards. Everything follows from the steps: the same ones, on the same disk, make
 * the same changes to it.
 *
 * Segments are small (16 KiB, then 32), so that a short run has all there is: rolls, catalogs, a
 * segment that is rewritten. Duplicates are known for a second: then catalogs are believed.
 */
#ifndef SIM_PROOF_SCRIPT_H
#define SIM_PROOF_SCRIPT_H

#include "disk/disk.h"
#include "store/history.h"
#include "store/store.h"

#define SIM_SCRIPT_PATH    "store"
#define SIM_SCRIPT_PAYLOAD 900 /* at most */
#define SIM_SCRIPT_ENTRIES 8u  /* of one append, at most */
#define SIM_SCRIPT_PENDING 64u
#define SIM_SCRIPT_AREAS   4u

struct sim_script_pending {
	bool removal;
	size_t number; /* in the history */
	uint64_t rests_on;
};

struct sim_script {
	struct sim_world world; /* clock and dice */
	struct sim_disk *disk;  /* the caller's */
	struct td_store_options options;
	struct td_store *store; /* NULL: not open */
	struct td_recovery report;
	struct sim_store_history history;
	struct sim_script_pending pending[SIM_SCRIPT_PENDING]; /* decided, not durable */
	size_t pending_count;
	bool has_logs;                      /* they were made, and that is durable */
	uint32_t numbers[SIM_SCRIPT_AREAS]; /* of the log that has each area; 0: not known yet */
	uint64_t values;
	struct td_error err; /* of the step that failed */
};

void sim_script_init(struct sim_script *script, struct sim_disk *disk);
/* Abandons the store, if it is open. */
void sim_script_fini(struct sim_script *script);

/* The steps: 0, or the code of what failed, whose text is in script->err. */
int sim_script_open(struct sim_script *script); /* makes log1 and log2 where they are not */
int sim_script_close(struct sim_script *script);
/* `count` events in one append: to subjects `subject`, `subject` + 1 ... of log `log`, 0 is `events`.
 * With more than one, the last goes to another log. Each has a key of its own. */
int sim_script_append(struct sim_script *script, uint32_t log, uint32_t subject, unsigned count);
int sim_script_remove(struct sim_script *script, uint32_t log, uint64_t seq, bool erase);
/* The settings of a log change: its limits are far away. */
int sim_script_change(struct sim_script *script, uint32_t log);
int sim_script_delete(struct sim_script *script, uint32_t log);
/* The log is made, and takes over what `events` holds of its area. */
int sim_script_adopt(struct sim_script *script, uint32_t log);
/* All work that is due now, until there is none. */
int sim_script_turn(struct sim_script *script);
/* Time passes, and what it brings is done. */
int sim_script_idle(struct sim_script *script, int64_t ms);
/* End the active segment. */
int sim_script_roll(struct sim_script *script);

/* The process is gone: nobody will hear what was not answered. */
void sim_script_drop(struct sim_script *script);

/*
 * Read everything into the history, as its last pass; then what other ways of reading say must be
 * that. 0; TD_E_INVALID: they do not; else what reading failed with.
 */
int sim_script_read(struct sim_script *script);
/* What that pass saw, as a number: positions, places, contents. */
uint64_t sim_script_seen(const struct sim_script *script);
/* The promises, judged from the history. false: script->err says which one was broken. */
bool sim_script_judge(struct sim_script *script);

/* The history as it is now, to go back to it: what was added since is forgotten. */
struct sim_script_moment {
	size_t passes, events, crashes;
	uint64_t moment;
	bool has_logs;
};
struct sim_script_moment sim_script_moment(const struct sim_script *script);
void sim_script_back(struct sim_script *script, struct sim_script_moment moment);

#endif
