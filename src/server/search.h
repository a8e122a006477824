/*
 * search: which stored events a request asks for, read from its query; a reading, which finds them
 * beside the loop.
 *
 *	log=  subject=  type=  filter=  select=  from=  to=  limit=  direction=
 *
 * `subject` and `type` may be repeated; `select` too, or be a list with commas. `from` and `to` are a
 * position, a time (RFC 3339), or the id of an event; both included.
 */
#ifndef TD_SERVER_SEARCH_H
#define TD_SERVER_SEARCH_H

#include "server/exchange.h"
#include "server/show.h"

#define TD_SEARCH_SUBJECTS_MAX 64u

/* A bound; what is not said is 0 (a time: `timed` false). */
struct td_bound {
	uint64_t position;
	bool timed;
	td_time time;
	struct td_text id; /* until it is looked up */
};

/* Never changed once read, so any thread may look at it; counted. */
struct td_search {
	_Atomic unsigned refs;
	struct td_arena texts;
	struct td_text log;
	struct td_text *subjects, *types;
	size_t subjects_count, types_count;
	struct td_filter *filter;
	struct td_select *select;
	const struct td_identity *identity;
	struct td_text key; /* those of one key ask for the same, whatever their bounds are */
	struct td_bound from, to;
	uint64_t from_revision, to_revision;
	uint64_t limit;
	bool backward, hidden; /* hidden: what is the server's own is shown, too */
};

/*
 * Of the exchange at hand. `subject`: of the path; absent: by the query. Errors: TD_E_INVALID, TD_E_SUBJECT,
 * TD_E_FILTER, TD_E_POINTER, TD_E_FORBIDDEN, TD_E_NOMEM.
 */
int td_search_read(struct td_search **search, const struct td_exchange *x, struct td_text subject,
	struct td_error *err);
struct td_search *td_search_ref(struct td_search *search);
void td_search_unref(struct td_search *search);
/* Whether the address and type of an event fit, and the asker may read it; without its filter. */
bool td_search_fits(const struct td_search *search, const struct td_stored *stored);
/* The same, and its patterns, types and log, too: for who was not led here by them. */
bool td_search_wants(
	const struct td_search *search, const struct td_stored *stored, struct td_text log);
/*
 * The event as it is to be shown: absent (*event NULL) if the filter leaves it out. Unref it. Any thread.
 */
int td_search_show(const struct td_search *search, struct td_store *store,
	const struct td_stored *stored, struct td_event **event, struct td_error *err);
/* A cursor for it, from `from` on (0: as the search says); looks up ids of bounds. Blocks; any thread. */
int td_search_open(const struct td_search *search, struct td_store *store, uint64_t from,
	struct td_cursor **cursor, struct td_error *err);

#endif
