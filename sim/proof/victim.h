/*
 * The store that is damaged, as it was, and the case at hand.
 */
#ifndef SIM_PROOF_VICTIM_H
#define SIM_PROOF_VICTIM_H

#include "proof/script.h"

#define FILES_MAX  64
#define FILE_BYTES ((size_t)1 << 20)
#define LOGS       4
#define SUBJECTS   16

struct event {
	uint64_t position, hash;
};

struct file {
	char name[64];
	uint64_t bytes;
};

enum damage { FLIP, CUT, ZERO, SWAP, SWAP_FAR, REMOVE, EXCHANGE, DAMAGES };

struct prover {
	struct sim_disk *disk, *other; /* images: never opened */
	const char *ended;
	bool killed, bare;
	struct event *events;
	size_t count;
	struct file files[FILES_MAX];
	size_t files_count;
	uint64_t last_frame; /* of a killed one: the first position of its last frame */
	uint64_t seqs[LOGS], revisions[LOGS][SUBJECTS]; /* the last that were given */

	/* The case at hand. */
	enum damage damage;
	const struct file *file;
	uint64_t at;

	/* What became of them. */
	uint64_t cases, same, refused, told, tail, risen, unshown, widest;
};

uint64_t sim_victim_hash(const struct td_stored *stored);
struct td_cursor *sim_victim_read(struct td_store *store, struct td_error *err);
uint64_t sim_victim_bytes(struct prover *prover);
void sim_victim_remove(struct sim_disk *disk, const char *name);
/* A store of the size wanted, and how it ended. */
bool sim_victim_make(struct prover *prover, struct sim_disk *disk, unsigned values, bool learns);

#endif
