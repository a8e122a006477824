/*
 * Making a catalog: the lines as they are now. All of it is under the lock, so nothing here waits.
 */
#include "store/catalog_make.h"

#include <stdlib.h>

static void copy_line(struct td_catalog_make *make, size_t i)
{
	struct td_line *line = &make->image.lines[i];
	struct td_catalog_subject *subject;
	struct td_catalog_log *log;

	*line = *td_run_line(make->run, make->run->base + i);
	if ((line->flags & TD_LINE_EVENT) == 0) {
		*line = (struct td_line){.offset = line->offset,
			.back = line->back,
			.bytes = line->bytes,
			.flags = line->flags};
		return;
	}
	line->flags &= (uint16_t)~TD_LINE_LOCAL;
	/* Erased: nothing is known of it but that the chain goes through it. */
	if (make->locals[i] == 0) {
		line->flags &= (uint16_t)~TD_LINE_EVENT;
		return;
	}
	line->subject = make->locals[i] - 1;
	subject = td_making_subject(make, line->subject);
	line->log = subject->log;
	log = td_making_log(make, subject->log);
	if ((line->flags & TD_LINE_REMOVED) != 0)
		return;
	subject->count++;
	log->count++;
	log->bytes += line->bytes;
}

/* The lines learn where their records lie now. */
static void relocate(struct td_catalog_make *make)
{
	struct td_run *run = make->run;

	for (size_t i = 0; i < make->lines; i++) {
		td_run_line(run, run->base + i)->offset = make->offsets[i];
		td_run_touch(run, run->base + i);
	}
	run->number = make->image.head.number;
	run->moved = false;
}

/* All its pages can be read, and are in memory then. */
static bool is_whole(const struct td_run *run)
{
	uint64_t losses = run->owner->losses;

	for (uint64_t at = run->base; at < run->next && run->owner->losses == losses;
		at += TD_LINES_HEAP)
		td_run_line(run, at);
	return run->owner->losses == losses;
}

/* Nothing is removed and there yet: the run is clean as of now; else as far as it was known to be. */
static void note_clean(struct td_catalog_make *make)
{
	const unsigned is = TD_LINE_REMOVED | TD_LINE_HOLE | TD_LINE_SPENT;
	struct td_catalog_head *head = &make->image.head;
	struct td_run *run = make->run;
	bool clean = true;

	for (size_t i = 0; clean && i < make->lines; i++)
		clean = (make->image.lines[i].flags & is) != TD_LINE_REMOVED;
	/* That it still is clean is no news to others. */
	if (clean && run->clean_to == 0)
		td_spent_clean(make->store, run, head->as_of);
	else if (clean && run->clean_to < head->as_of)
		run->clean_to = head->as_of;
	/* What is kept of it rests on nothing that is not durable. */
	head->clean_to = run->clean_to < head->as_of ? run->clean_to : head->as_of;
}

/* Under the lock. */
void td_making_copy(struct td_catalog_make *make)
{
	struct td_catalog_image *image = &make->image;
	struct td_run *run = make->run;
	int code = 0;

	image->lines = malloc(make->lines * sizeof(*image->lines));
	image->head.links = (uint32_t)run->links_count;
	if (run->catalog != NULL)
		image->head.links = run->catalog->head.links;
	else
		make->links = malloc(run->links_count * sizeof(uint64_t) + 1);
	image->head.pages = (uint32_t)((make->lines + TD_LINES_HEAP - 1) / TD_LINES_HEAP);
	image->sections[TD_CATALOG_PAGES] =
		calloc(image->head.pages, sizeof(struct td_catalog_page));
	if (image->lines == NULL || make->links == NULL ||
		image->sections[TD_CATALOG_PAGES] == NULL)
		code = TD_E_NOMEM;
	if (code == 0 && !is_whole(run))
		code = TD_E_DAMAGED;
	if (code == 0 && run->moved)
		relocate(make);
	if (code == 0)
		td_spent_mark(make->store, run, &make->spent);
	for (size_t i = 0; code == 0 && i < make->lines; i++) {
		copy_line(make, i);
		image->head.erase +=
			(image->lines[i].flags & (TD_LINE_ERASE | TD_LINE_HOLE)) == TD_LINE_ERASE;
	}
	for (size_t i = 0; code == 0 && run->catalog == NULL && i < run->links_count; i++)
		make->links[i] = td_catalog_link_pack(run->links[i]);
	/* No removal is on its way: all that are durable are in the lines, and no others. */
	image->head.as_of = make->store->shelf.durable(make->store->shelf.arg);
	if (code == 0)
		note_clean(make);
	image->head.removed = run->removed;
	image->head.removed_there = run->removed_there;
	image->head.removed_bytes = run->removed_bytes;
	image->head.own = run->own;
	image->head.own_bytes = run->own_bytes;
	/* Pages of an old catalog say where records were, and not all that is known by now. */
	memset(run->dirty, run->catalog != NULL ? TD_PAGE_COPIED : 0, run->heaps_count);
	make->copied = true;
	make->code = code;
}
