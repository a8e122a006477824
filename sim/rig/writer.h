/*
 * A program that uses a place in earnest: several threads append (one or some, with and without
 * expectations and keys), remove, and read, and note all of it on a tape. It goes on until it is
 * killed, or told to stop.
 */
#ifndef SIM_RIG_WRITER_H
#define SIM_RIG_WRITER_H

#include "client/client.h"
#include "tape.h"

struct rig_writer {
	struct tape *tape;
	const char *url;
	const struct td_world *world;
	uint64_t seed;
	unsigned threads; /* that append */
	_Atomic bool stop;
	bool no_sync_promise; /* expect nothing of errors: the disk may fail */
	bool no_reading;
};

/* Open the place, read what is there, write until `stop`. What should not be is in tape->failed. */
void rig_write(struct rig_writer *writer);
/* Read all of a place, as the final pass. 0 or the code it failed with, and why. */
int rig_read_all(struct tape *tape, const char *url, struct td_error *err);

#endif
