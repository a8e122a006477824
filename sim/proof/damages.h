/*
 * Damage to what had been durable: every bit of a store of some 256 KiB flipped, every file cut at each
 * byte, every sector zeroed, swapped with the next and with one of another file, every file taken
 * away and exchanged for that of another store.
 *
 * For each: the store does not open, and the error names the file; or it opens, and what cannot be
 * read is told with its positions; or all events are as they were. Of one that was killed, what is
 * missing may also be its last frame. Nothing is ever served that differs.
 */
#ifndef SIM_PROOF_DAMAGES_H
#define SIM_PROOF_DAMAGES_H

#include "proof/script.h"

/* `ended`: "closed" or "killed". Every `step`-th case, from `first` on. Prints what became of them. */
bool sim_prove_damages(const char *ended, uint64_t step, uint64_t first);

#endif
