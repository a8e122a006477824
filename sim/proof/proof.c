/*
 * proof WHAT [NUMBER]...: goes through all that can become of one and the same run of a store.
 *
 *	proof crashes [SAMPLES [SEED [thorough]]]   every crash state (crashes.c)
 *	proof crash NAME [SAMPLES [SEED]]           of this run alone, thoroughly
 *	proof faults [STEP [FIRST]]                 every call to the disk failing (faults.c)
 *	proof full [CYCLES [SEED]]                  a disk that is full, and is not
 *	proof damages ENDED STEP FIRST              every bit, byte and sector (damages.c)
 *
 * Exit 1: something was not as it must be, which is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof/damages.h"
#include "proof/runs.h"

#ifdef TD_BUGS
int td_bug; /* TD_BUG in the environment: then something has to be wrong */
#endif

static uint64_t number(int argc, char **argv, int at, uint64_t otherwise)
{
	return at < argc ? strtoull(argv[at], NULL, 10) : otherwise;
}

static bool prove(int argc, char **argv, const char *what)
{
	if (strcmp(what, "crashes") == 0)
		return sim_prove_crashes(NULL, (unsigned)number(argc, argv, 2, 64),
			number(argc, argv, 3, 1), argc > 4);
	if (strcmp(what, "crash") == 0 && argc > 2)
		return sim_prove_crashes(argv[2], (unsigned)number(argc, argv, 3, 64),
			number(argc, argv, 4, 1), true);
	if (strcmp(what, "faults") == 0)
		return sim_prove_faults(
			(unsigned)number(argc, argv, 2, 1), (unsigned)number(argc, argv, 3, 0));
	if (strcmp(what, "full") == 0)
		return sim_prove_full(
			(unsigned)number(argc, argv, 2, 100), number(argc, argv, 3, 1));
	if (strcmp(what, "damages") == 0 && argc > 4)
		return sim_prove_damages(
			argv[2], number(argc, argv, 3, 1), number(argc, argv, 4, 0));
	fprintf(stderr, "proof: crashes, crash NAME, faults, full, damages\n");
	exit(2);
}

int main(int argc, char **argv)
{
#ifdef TD_BUGS
	const char *bug = getenv("TD_BUG");

	td_bug = bug != NULL ? (int)strtol(bug, NULL, 10) : 0;
#endif
	return prove(argc, argv, argc > 1 ? argv[1] : "") ? 0 : 1;
}
