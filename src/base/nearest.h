/*
 * The name that somebody may have meant who wrote another one.
 *
 *	td_nearest_init(&nearest, td_text("htpp"));
 *	for (each name there is)
 *		td_nearest_try(&nearest, name);
 *	if (nearest.name.at != NULL)		... "did you mean `http`?"
 *
 * Near is few single steps away: a letter too many, too few, another one, or two exchanged; in any
 * case of letters. Of several the first tried counts. Only names of up to 64 bytes are looked at.
 */
#ifndef TD_BASE_NEAREST_H
#define TD_BASE_NEAREST_H

#include "tidings/text.h"

#define TD_NEAREST_BYTES_MAX 64u

struct td_nearest {
	struct td_text wanted;
	struct td_text name; /* the nearest so far, borrowed; absent: none is near */
	unsigned steps;      /* to it; or so many are too many */
};

/* A third of its length, at least 1 and at most 3 steps, is near. */
void td_nearest_init(struct td_nearest *nearest, struct td_text wanted);
void td_nearest_try(struct td_nearest *nearest, struct td_text name);
/* Single steps between two texts; more than `most` may come out as most + 1. */
unsigned td_nearest_steps(struct td_text a, struct td_text b, unsigned most);

#endif
