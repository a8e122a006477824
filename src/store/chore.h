/*
 * chore: a piece of work that was handed out.
 */
#ifndef TD_STORE_CHORE_H
#define TD_STORE_CHORE_H

#include "store/private.h"

struct td_chore {
	unsigned kind;
	struct td_work *work; /* the journal's; NULL: the store's own */
	struct td_catalog_make *make;
	struct td_store *store; /* of a look for retention */
	struct td_retain_look look;
	struct td_keys_work *keys;
	struct td_chore *next;
};

#endif
