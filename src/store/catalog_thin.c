/*
 * Making a catalog: of holes nothing is kept but where a way back leads through them to something that
 * lives.
 */
#include "store/catalog_make.h"

#include <stdlib.h>

#define WAY_MAX 64u /* steps back to something that lives */

/* Whether it lives, or is back if a removal that is not durable comes to nothing. */
static bool may_live(const struct td_store *store, const struct td_line *line, uint64_t position)
{
	return (line->flags & TD_LINE_EVENT) != 0 &&
	       ((line->flags & TD_LINE_REMOVED) == 0 || td_store_is_pending(store, position));
}

/*
 * Whether something that lives is met on the way back from here; on a long way: it may be. *lost: a
 * page could not be read. Any thread.
 */
static bool leads(struct td_store *store, uint64_t position, bool *lost)
{
	uint64_t losses;
	bool found = false;

	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	for (unsigned i = 0; i < WAY_MAX && position != 0 && !found; i++) {
		const struct td_run *run = td_runs_find(&store->runs, position);

		found = run == NULL || may_live(store, td_run_line(run, position), position);
		if (!found)
			position = td_run_previous(run, position);
	}
	*lost = *lost || store->runs.losses != losses;
	td_mutex_unlock(&store->lock);
	return found || position != 0;
}

/*
 * Behind this line something lives. `way`: of each line before, whether it lives or has that behind
 * it. From a line that lives nobody has to be told.
 */
static bool has_behind(const struct td_catalog_make *make, size_t i, const uint8_t *way, bool *lost)
{
	uint32_t back = make->image.lines[i].back, link = back & ~TD_BACK_LINK;

	if (back == 0)
		return false;
	if ((back & TD_BACK_LINK) != 0)
		return link >= make->image.head.links ||
		       leads(make->store, td_catalog_link_unpack(make->links[link]), lost);
	return back > i || way[back - 1] != 0;
}

/*
 * Holes behind which nothing lives: nobody goes through them any more, and nothing is kept of them.
 * Links are then only those of the other lines.
 */
int td_making_thin(struct td_catalog_make *make)
{
	struct td_catalog_head *head = &make->image.head;
	bool lost = false;
	uint64_t *links = malloc(head->links * sizeof(*links) + 1);
	uint8_t *way = malloc(make->lines);
	uint32_t count = 0;

	if (links == NULL || way == NULL) {
		free(links);
		free(way);
		return TD_E_NOMEM;
	}
	for (size_t i = 0; i < make->lines; i++) {
		struct td_line *line = &make->image.lines[i];
		uint32_t link = line->back & ~TD_BACK_LINK;

		way[i] = (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT ||
			 has_behind(make, i, way, &lost);
		if ((line->flags & TD_LINE_HOLE) != 0 && way[i] == 0) {
			*line = TD_LINE_BARE;
		} else if ((line->back & TD_BACK_LINK) != 0 && link < head->links) {
			line->back = TD_BACK_LINK | count;
			links[count++] = make->links[link];
		}
	}
	free(way);
	free(make->links);
	make->links = links;
	head->links = count;
	return lost ? TD_E_DAMAGED : 0;
}
