/*
 * The runs whose every crash state is looked at, and the one that is long enough for everything. A run
 * is a list of steps of script.h, the same each time.
 */
#ifndef SIM_PROOF_RUNS_H
#define SIM_PROOF_RUNS_H

#include "proof/script.h"

struct sim_run {
	const char *name;
	int (*prepare)(struct sim_script *script); /* without anything going wrong; NULL: nothing */
	int (*play)(struct sim_script *script);
};
extern const struct sim_run sim_runs[];
extern const size_t sim_runs_count;

/* Opening, logs, appends, batches, removals, rolls, catalogs, erasing, a log deleted, closing. */
int sim_run_everything(struct sim_script *script);

/* --- what proof.c plays; each answers whether all was as it must be ------------------------- */

/*
 * After each change to the disk of each run (or of the one named): all subsets of what was not synced
 * if there are at most `samples`, else so many of them; then the store is opened, read, judged, and
 * opening it is cut short after each change of its own (`thorough`) or one of them, and done again.
 */
bool sim_prove_crashes(const char *name, unsigned samples, uint64_t seed, bool thorough);
/* The n-th call of each kind to the disk fails, once and from then on, for every n (of `step`). */
bool sim_prove_faults(unsigned step, unsigned first);
/* A disk is filled, refuses, is freed, and resumes; also over a restart. */
bool sim_prove_full(unsigned cycles, uint64_t seed);

#endif
