/*
 * chunk: a run of records in memory, counted: the owner's reference goes when all its records are
 * dead, a reader's when it has moved on.
 *
 *	| head | body | pad | head | body ...        head: position, length of the body
 *
 * Up to `len` nothing changes.
 */
#ifndef TD_STORE_CHUNK_H
#define TD_STORE_CHUNK_H

#include "store/shelf.h"

struct td_chunk {
	_Atomic uint32_t refs;
	_Atomic size_t len;
	uint32_t number;
	uint64_t base;         /* position of its first record */
	_Atomic uint64_t next; /* behind its last */
	uint64_t dead;         /* records; under the lock */
	size_t cap;
	_Alignas(16) uint8_t bytes[];
};

struct td_chunk *td_chunk_ref(struct td_chunk *chunk);
void td_chunk_unref(struct td_chunk *chunk); /* NULL is fine */

#endif
