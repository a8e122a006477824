/*
 * What the files that make a catalog share: catalog_make.c has the steps.
 */
#ifndef TD_STORE_CATALOG_MAKE_H
#define TD_STORE_CATALOG_MAKE_H

#include "store/private.h"

struct td_catalog_make {
	struct td_store *store;
	struct td_run *run; /* the owner's */
	struct td_catalog_image image;
	size_t lines;
	bool copied;
	int code;

	struct td_spent spent;
	struct td_subjects table; /* of those in the segment: `position` is the place + 1 */
	struct td_buf subjects, logs, addresses, notes, tags;
	uint32_t *locals;  /* of each line: place of its subject + 1; 0: no event stands there */
	uint32_t *offsets; /* of each line: where its record lies */
	uint64_t *links;
};

static inline struct td_catalog_subject *td_making_subject(
	const struct td_catalog_make *make, uint32_t place)
{
	return (struct td_catalog_subject *)(void *)make->subjects.at + place;
}

static inline struct td_catalog_log *td_making_log(
	const struct td_catalog_make *make, uint16_t place)
{
	return (struct td_catalog_log *)(void *)make->logs.at + place;
}

/* catalog_read.c: what its records say. Blocks; any thread. */
void td_making_read(struct td_catalog_make *make);
/* catalog_copy.c: what its lines say now. The owner, under the lock. */
void td_making_copy(struct td_catalog_make *make);
/* catalog_thin.c: holes that nobody goes through are nothing. Any thread, without the lock. */
int td_making_thin(struct td_catalog_make *make);

#endif
