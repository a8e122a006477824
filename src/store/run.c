#include "store/run.h"

#include <stdlib.h>

#include "store/catalog.h"

void td_runs_init(struct td_runs *runs)
{
	*runs = (struct td_runs){0};
}

static void run_free(struct td_run *run)
{
	if (run == NULL)
		return;
	for (size_t i = 0; i < run->heaps_count; i++)
		free(run->heaps[i]);
	td_catalog_close(run->catalog);
	free(run->heaps);
	free(run->dirty);
	free(run->links);
	free(run->logs);
	free(run->tags);
	free(run);
}

void td_runs_fini(struct td_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		run_free(runs->at[i]);
	free(runs->at);
	run_free(runs->spare);
	free(runs->lost);
	free(runs->places);
	td_runs_init(runs);
}

/* --- growing ------------------------------------------------------------------------------ */

/* Room for `need` items of an array; its capacity at least doubles. */
static bool array_reserve(void **array, size_t *cap, size_t need, size_t item)
{
	size_t more = *cap * 2 > need ? *cap * 2 : need;
	void *grown;

	if (need <= *cap)
		return true;
	grown = realloc(*array, more * item);
	if (grown == NULL)
		return false;
	*array = grown;
	*cap = more;
	return true;
}

static size_t pages_of(const struct td_run *run)
{
	size_t pages = 0;

	for (size_t i = 0; i < run->heaps_count; i++)
		pages += run->heaps[i] != NULL;
	return pages;
}

static size_t lines_of(const struct td_run *run)
{
	return (size_t)(run->next - run->base);
}

static bool run_reserve(struct td_runs *runs, struct td_run *run, size_t more, size_t logs)
{
	size_t heaps = (lines_of(run) + more + TD_LINES_HEAP - 1) / TD_LINES_HEAP;

	if (!array_reserve(
		    (void **)&run->heaps, &run->heaps_cap, heaps, sizeof(struct td_line *)) ||
		!array_reserve((void **)&run->dirty, &run->dirty_cap, heaps, 1) ||
		!array_reserve((void **)&run->links, &run->links_cap, run->links_count + more,
			sizeof(uint64_t)) ||
		!array_reserve((void **)&run->logs, &run->logs_cap, run->logs_count + logs,
			sizeof(struct td_run_log)))
		return false;
	while (run->heaps_count < heaps) {
		struct td_line *heap = malloc(TD_LINES_HEAP * sizeof(*heap));

		if (heap == NULL)
			return false;
		run->dirty[run->heaps_count] = 0;
		run->heaps[run->heaps_count++] = heap;
		runs->bytes += TD_LINES_HEAP * sizeof(*heap);
	}
	return true;
}

bool td_runs_reserve(struct td_runs *runs, size_t more, size_t logs)
{
	struct td_run *newest = runs->count > 0 ? runs->at[runs->count - 1] : NULL;

	if (runs->places == NULL) {
		runs->places = calloc(UINT16_MAX + 1u, sizeof(*runs->places));
		if (runs->places == NULL)
			return false;
	}
	if (runs->spare == NULL) {
		runs->spare = calloc(1, sizeof(*runs->spare));
		if (runs->spare == NULL)
			return false;
		runs->spare->owner = runs;
	}
	return array_reserve(
		       (void **)&runs->at, &runs->cap, runs->count + 1, sizeof(struct td_run *)) &&
	       run_reserve(runs, runs->spare, more, logs) &&
	       (newest == NULL || newest->catalog != NULL || run_reserve(runs, newest, more, logs));
}

struct td_line *td_runs_add(struct td_runs *runs, uint64_t position, uint64_t location)
{
	struct td_run *run = runs->count > 0 ? runs->at[runs->count - 1] : NULL;
	struct td_line *line;

	if (run == NULL || run->number != location >> 32) {
		run = runs->spare;
		TD_ASSERT(run != NULL && runs->count < runs->cap);
		runs->spare = NULL;
		run->number = (uint32_t)(location >> 32);
		run->base = run->next = position;
		runs->at[runs->count++] = run;
	}
	TD_ASSERT(position == run->next && lines_of(run) < run->heaps_count * TD_LINES_HEAP);
	run->next++;
	line = td_run_line(run, position);
	*line = (struct td_line){.offset = (uint32_t)location};
	return line;
}

static void note_log(struct td_runs *runs, struct td_run *run, uint16_t log, uint64_t seq)
{
	uint32_t line = (uint32_t)(run->next - run->base - 1);
	size_t i = runs->places[log];

	/* Where it was in the run before, or before another log was deleted. */
	if (i >= run->logs_count || run->logs[i].log != log) {
		for (i = 0; i < run->logs_count && run->logs[i].log != log;)
			i++;
		runs->places[log] = (uint16_t)i;
	}
	if (i == run->logs_count) {
		TD_ASSERT(run->logs_count < run->logs_cap);
		run->logs[run->logs_count++] = (struct td_run_log){log, seq, seq, line, line};
		return;
	}
	run->logs[i].last_seq = seq;
	run->logs[i].last = line;
}

void td_runs_event(
	struct td_runs *runs, struct td_line *line, uint16_t log, uint64_t seq, uint64_t previous)
{
	struct td_run *run = runs->at[runs->count - 1];

	line->flags = TD_LINE_EVENT;
	line->log = log;
	line->seq = seq;
	if (previous >= run->base) {
		line->back = (uint32_t)(previous - run->base) + 1;
	} else if (previous != 0) {
		TD_ASSERT(run->links_count < run->links_cap);
		line->back = TD_BACK_LINK | (uint32_t)run->links_count;
		run->links[run->links_count++] = previous;
	}
	note_log(runs, run, log, seq);
}

/* --- catalogs ------------------------------------------------------------------------------- */

/* Places in the file's own lists become those in memory; of a log that is gone nothing is an event. */
static void adopt(const struct td_catalog *catalog, struct td_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct td_line *line = &lines[i];

		if ((line->flags & TD_LINE_EVENT) == 0)
			continue;
		line->log = line->log < catalog->head.logs ? catalog->logs[line->log] : TD_LOG_GONE;
		line->flags |= TD_LINE_LOCAL;
		/* It lies there until its segment is rewritten. */
		if (line->log == TD_LOG_GONE)
			*line = (struct td_line){.offset = line->offset,
				.bytes = line->bytes,
				.flags = TD_LINE_REMOVED |
					 (line->flags & (TD_LINE_HOLE | TD_LINE_ERASE))};
	}
}

static size_t lines_in(const struct td_run *run, size_t heap)
{
	size_t left = lines_of(run) - heap * TD_LINES_HEAP;

	return left < TD_LINES_HEAP ? left : TD_LINES_HEAP;
}

struct td_line *td_run_load(const struct td_run *run, size_t i)
{
	struct td_runs *runs = run->owner;
	struct td_line *heap = malloc(TD_LINES_HEAP * sizeof(*heap));

	TD_ASSERT(run->catalog != NULL);
	if (heap == NULL || !td_catalog_page(run->catalog, i, heap)) {
		free(heap);
		runs->losses++;
		return runs->lost;
	}
	adopt(run->catalog, heap, lines_in(run, i));
	run->heaps[i] = heap;
	runs->bytes += TD_LINES_HEAP * sizeof(*heap);
	if (runs->given_back > run->base)
		runs->given_back = run->base;
	return heap;
}

/* The page that stands for those that cannot be had. */
static bool lost_reserve(struct td_runs *runs)
{
	if (runs->lost != NULL)
		return true;
	runs->lost = calloc(TD_LINES_HEAP, sizeof(*runs->lost));
	for (size_t i = 0; runs->lost != NULL && i < TD_LINES_HEAP; i++)
		runs->lost[i].flags = TD_LINE_HOLE;
	return runs->lost != NULL;
}

bool td_run_attach(struct td_runs *runs, struct td_run *run, struct td_catalog *catalog)
{
	if (!lost_reserve(runs))
		return false;
	td_catalog_close(run->catalog);
	run->catalog = catalog;
	if (runs->given_back > run->base)
		runs->given_back = run->base;
	for (size_t i = 0; i < run->heaps_count; i++)
		run->dirty[i] = run->dirty[i] == TD_PAGE_CHANGED ? TD_PAGE_CHANGED : 0;
	free(run->links);
	run->links = NULL;
	run->links_count = run->links_cap = 0;
	runs->bytes -= run->tags_cap * sizeof(struct td_tag);
	free(run->tags);
	run->tags = NULL;
	run->tags_cap = 0;
	run->tags_count = lines_of(run);
	return true;
}

struct td_run *td_runs_restore(struct td_runs *runs, struct td_catalog *catalog,
	const struct td_run_log *logs, size_t count)
{
	struct td_run *run = calloc(1, sizeof(*run));
	size_t pages = catalog->head.pages;

	if (run == NULL)
		return NULL;
	run->owner = runs;
	run->number = catalog->head.number;
	run->base = catalog->head.base;
	run->next = catalog->head.next;
	run->removed = catalog->head.removed;
	run->removed_there = catalog->head.removed_there;
	run->removed_bytes = catalog->head.removed_bytes;
	run->own = catalog->head.own;
	run->own_bytes = catalog->head.own_bytes;
	run->clean_to = catalog->head.clean_to;
	run->heaps = calloc(pages, sizeof(struct td_line *));
	run->dirty = calloc(pages, 1);
	run->logs = malloc(count * sizeof(*logs) + 1);
	if (run->heaps == NULL || run->dirty == NULL || run->logs == NULL ||
		!array_reserve(
			(void **)&runs->at, &runs->cap, runs->count + 1, sizeof(struct td_run *)) ||
		!td_run_attach(runs, run, catalog)) {
		run_free(run);
		return NULL;
	}
	run->heaps_count = run->heaps_cap = run->dirty_cap = pages;
	if (count > 0)
		memcpy(run->logs, logs, count * sizeof(*logs));
	run->logs_count = run->logs_cap = count;
	run->forgotten = count < catalog->head.logs;
	runs->at[runs->count++] = run;
	return run;
}

/* How many runs end at or before the position. */
static size_t below(const struct td_runs *runs, uint64_t position)
{
	size_t low = 0, high = runs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (runs->at[middle]->next <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void td_runs_trim(struct td_runs *runs, size_t max)
{
	for (size_t i = below(runs, runs->given_back); i < runs->count && runs->bytes > max; i++) {
		struct td_run *run = runs->at[i];

		runs->given_back = run->base + 1;
		for (size_t j = 0; run->catalog != NULL && j < run->heaps_count; j++) {
			if (run->heaps[j] == NULL || run->dirty[j])
				continue;
			free(run->heaps[j]);
			run->heaps[j] = NULL;
			runs->bytes -= TD_LINES_HEAP * sizeof(struct td_line);
		}
	}
}

/* --- finding ------------------------------------------------------------------------------ */

struct td_run *td_runs_from(const struct td_runs *runs, uint64_t position)
{
	size_t i = below(runs, position);

	return i < runs->count ? runs->at[i] : NULL;
}

struct td_run *td_runs_find(const struct td_runs *runs, uint64_t position)
{
	struct td_run *run;

	/* Mostly it is the newest. */
	if (runs->count > 0 && runs->at[runs->count - 1]->base <= position)
		run = runs->at[runs->count - 1];
	else
		run = td_runs_from(runs, position);
	return run != NULL && run->base <= position && position < run->next ? run : NULL;
}

struct td_run *td_runs_older(const struct td_runs *runs, const struct td_run *run)
{
	size_t i = below(runs, run->base);

	return i > 0 ? runs->at[i - 1] : NULL;
}

struct td_line *td_runs_line(const struct td_runs *runs, uint64_t position)
{
	const struct td_run *run = td_runs_find(runs, position);

	return run != NULL ? td_run_line(run, position) : NULL;
}

static uint64_t link_of(const struct td_run *run, uint32_t i)
{
	uint64_t link = td_catalog_link(run->catalog, i);

	if (link != 0 && link < run->base)
		return link;
	run->owner->losses++;
	return 0;
}

uint64_t td_run_previous(const struct td_run *run, uint64_t position)
{
	uint32_t back = td_run_line(run, position)->back;

	if ((back & TD_BACK_LINK) != 0)
		return run->catalog == NULL ? run->links[back & ~TD_BACK_LINK]
					    : link_of(run, back & ~TD_BACK_LINK);
	return back == 0 ? 0 : run->base + back - 1;
}

/* From line i on the next of this log; NULL: none, since a page cannot be read. */
static const struct td_line *next_of(
	const struct td_run *run, const struct td_run_log *in, uint32_t *i)
{
	for (; *i <= in->last; ++*i) {
		const struct td_line *line = td_run_line(run, run->base + *i);

		if ((line->flags & TD_LINE_EVENT) != 0 && line->log == in->log)
			return line;
	}
	run->owner->losses++;
	return NULL;
}

/* The first line of this log at or above the seq; it has one. 0: a page cannot be read. */
static uint64_t seq_in(const struct td_run *run, const struct td_run_log *in, uint64_t seq)
{
	uint32_t low = in->first, high = in->last;

	/* The lines of other logs between tell nothing: look at the next that is of this one. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2, i = middle;
		const struct td_line *line = next_of(run, in, &i);

		if (line == NULL)
			return 0;
		if (line->seq < seq)
			low = i + 1;
		else
			high = middle;
	}
	return next_of(run, in, &low) != NULL ? run->base + low : 0;
}

uint64_t td_runs_seq(const struct td_runs *runs, uint16_t log, uint64_t seq)
{
	for (size_t i = runs->count; i > 0; i--) {
		const struct td_run *run = runs->at[i - 1];
		const struct td_run_log *found = NULL;

		for (size_t j = 0; j < run->logs_count; j++) {
			if (run->logs[j].log == log)
				found = &run->logs[j];
		}
		if (found == NULL)
			continue;
		/* Above all of this run: it is the first of the next that has any. */
		if (seq > found->last_seq) {
			for (; i < runs->count; i++) {
				for (size_t j = 0; j < runs->at[i]->logs_count; j++) {
					if (runs->at[i]->logs[j].log == log)
						return runs->at[i]->base +
						       runs->at[i]->logs[j].first;
				}
			}
			return 0;
		}
		if (seq >= found->first_seq)
			return seq_in(run, found, seq);
	}
	/* Below all. */
	for (size_t i = 0; i < runs->count; i++) {
		for (size_t j = 0; j < runs->at[i]->logs_count; j++) {
			if (runs->at[i]->logs[j].log == log)
				return runs->at[i]->base + runs->at[i]->logs[j].first;
		}
	}
	return 0;
}

bool td_run_tag(struct td_runs *runs, struct td_run *run, struct td_tag tag)
{
	size_t before = run->tags_cap;

	if (!array_reserve((void **)&run->tags, &run->tags_cap, run->tags_count + 1,
		    sizeof(struct td_tag)))
		return false;
	runs->bytes += (run->tags_cap - before) * sizeof(struct td_tag);
	run->tags[run->tags_count++] = tag;
	return true;
}

void td_runs_drop(struct td_runs *runs, struct td_run *run)
{
	size_t i = below(runs, run->base);

	TD_ASSERT(i < runs->count && runs->at[i] == run);
	memmove(&runs->at[i], &runs->at[i + 1], (runs->count - i - 1) * sizeof(struct td_run *));
	runs->count--;
	runs->bytes -= pages_of(run) * TD_LINES_HEAP * sizeof(struct td_line) +
		       run->tags_cap * sizeof(struct td_tag);
	run_free(run);
}

void td_runs_verify(const struct td_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++) {
		const struct td_run *run = runs->at[i];
		uint64_t removed = 0;

		TD_ASSERT(run->base < run->next);
		TD_ASSERT(i == 0 || runs->at[i - 1]->next <= run->base);
		for (uint64_t position = run->base; position < run->next; position++) {
			removed += (td_run_line(run, position)->flags & TD_LINE_REMOVED) != 0;
			if ((td_run_line(run, position)->flags & TD_LINE_EVENT) != 0)
				TD_ASSERT(td_run_previous(run, position) < position);
		}
		/* A log that was deleted took some with it. */
		TD_ASSERT(run->catalog != NULL || removed == run->removed);
	}
}
