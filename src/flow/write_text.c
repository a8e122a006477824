/*
 * For terminals.
 *
 *	story 0193: 3 events, 1.2 s
 *	OrderPlaced order.42@1  2026-11-30T17:00:01.000000Z
 *	|- PaymentTaken payment.42@1  +120 ms
 *	`- PizzaBaked kitchen.42@1  +1.2 s        (with lines of a box)
 *
 * Each event takes one line, however deep it lies: beyond some depth it is said in digits.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "flow/name.h"
#include "flow/write.h"

#define DRAWN_DEPTH 24u

/* --- the map ------------------------------------------------------------------------------ */

static void write_type(
	struct td_buf *buf, const struct td_flow_map *map, const struct td_flow_type *type)
{
	td_name_text(buf, type->name);
	if (type->kind != TD_FLOW_EVENT && type->kind != TD_FLOW_OTHER &&
		type->kind != TD_FLOW_OLDER)
		td_buf_printf(buf, " (%s)", td_flow_kind_names[type->kind].at);
	td_buf_printf(buf, "  %" PRIu64, type->count);
	if (type->kind != TD_FLOW_OLDER) {
		td_buf_add_string(buf, ", ");
		td_flow_add_rate(buf, type->count, map->from, map->to);
	}
	if (type->roots > 0)
		td_buf_printf(buf, ", %" PRIu64 " without a cause", type->roots);
	td_buf_add_char(buf, '\n');
}

static void write_edge(
	struct td_buf *buf, const struct td_flow_map *map, const struct td_flow_edge *edge)
{
	td_buf_add_string(buf, edge->traced ? "  ~> " : "  -> ");
	td_name_text(buf, map->types[edge->to].name);
	td_buf_printf(buf, "  %" PRIu64, edge->count);
	if (edge->share > 0) {
		td_buf_add_string(buf, ", ");
		td_flow_add_share(buf, edge->share);
	}
	if (edge->p50_us >= 0) {
		td_buf_add_string(buf, ", after ");
		td_flow_add_duration(buf, edge->p50_us);
		td_buf_add_string(buf, " (99 %: ");
		td_flow_add_duration(buf, edge->p99_us);
		td_buf_add_char(buf, ')');
	}
	td_buf_add_char(buf, '\n');
}

/* Edges by the type they lead away from: first[i] to first[i + 1] of `sorted`. */
static bool sort_edges(const struct td_flow_map *map, uint32_t **first, uint32_t **sorted)
{
	*first = calloc(map->types_count + 2, sizeof(**first));
	*sorted = calloc(map->edges_count + 1, sizeof(**sorted));
	if (*first == NULL || *sorted == NULL)
		return false;
	for (size_t i = 0; i < map->edges_count; i++)
		++(*first)[map->edges[i].from + 2];
	for (size_t i = 2; i < map->types_count + 2; i++)
		(*first)[i] += (*first)[i - 1];
	for (size_t i = 0; i < map->edges_count; i++)
		(*sorted)[(*first)[map->edges[i].from + 1]++] = (uint32_t)i;
	return true;
}

void td_flow_map_text(const struct td_flow_map *map, struct td_buf *buf)
{
	uint32_t *first = NULL, *sorted = NULL;

	td_buf_printf(buf, "%" PRIu64 " events in ", map->events);
	td_flow_add_duration(buf, (map->to - map->from) / 1000);
	if (map->lost > 0)
		td_buf_printf(buf, ", %" PRIu64 " could not be read", map->lost);
	td_buf_add_char(buf, '\n');
	if (!sort_edges(map, &first, &sorted)) {
		buf->code = buf->code != 0 ? buf->code : TD_E_NOMEM;
	} else {
		for (size_t i = 0; i < map->types_count; i++) {
			write_type(buf, map, &map->types[i]);
			for (uint32_t j = first[i]; j < first[i + 1]; j++)
				write_edge(buf, map, &map->edges[sorted[j]]);
		}
	}
	free(first);
	free(sorted);
}

/* --- stories ------------------------------------------------------------------------------ */

/* For each event whether a sibling comes behind it. NULL: no memory. */
static bool *find_siblings(const struct td_story *story)
{
	bool *more = calloc(story->count + 1, sizeof(*more));
	uint32_t *newest = calloc(story->count + 1, sizeof(*newest)); /* child of each, from 1 */

	for (size_t i = 0; more != NULL && newest != NULL && i < story->count; i++) {
		uint32_t parent = story->events[i].parent;

		if (parent == TD_STORY_NONE)
			continue;
		if (newest[parent] != 0)
			more[newest[parent] - 1] = true;
		newest[parent] = (uint32_t)i + 1;
	}
	if (newest == NULL) {
		free(more);
		more = NULL;
	}
	free(newest);
	return more;
}

static void add_branches(
	struct td_buf *buf, const struct td_story *story, const bool *more, uint32_t at)
{
	uint32_t line[DRAWN_DEPTH], depth = story->events[at].depth;

	if (depth > DRAWN_DEPTH) {
		td_buf_printf(buf, "... %" PRIu32 " deep: ", depth);
		return;
	}
	for (uint32_t i = depth; i > 0; i--) {
		line[i - 1] = at;
		at = story->events[at].parent;
	}
	for (uint32_t i = 0; i + 1 < depth; i++)
		td_buf_add_string(buf, more[line[i]] ? "│  " : "   ");
	if (depth > 0)
		td_buf_add_string(buf, more[line[depth - 1]] ? "├─ " : "└─ ");
}

static void add_cause(
	struct td_buf *buf, const struct td_story *story, const struct td_story_event *event)
{
	static const char *const words[] = {
		[TD_STORY_ROOT] = "",
		[TD_STORY_CAUSED] = "",
		[TD_STORY_MISSING] = "  (cause not here: ",
		[TD_STORY_ELSEWHERE] = "  (cause not on this page: ",
		[TD_STORY_CYCLE] = "  (its causes lead in a circle: ",
	};
	char time[TD_TIME_BYTES];

	td_buf_add_string(buf, "  ");
	if (event->parent != TD_STORY_NONE) {
		int64_t us = (event->time - story->events[event->parent].time) / 1000;

		td_buf_add_char(buf, us < 0 ? '-' : '+');
		td_flow_add_duration(buf, us < 0 ? -us : us);
		return;
	}
	td_time_format(event->time, time);
	td_buf_add(buf, time, sizeof(time));
	if (event->cause != TD_STORY_ROOT) {
		td_buf_add_string(buf, words[event->cause]);
		td_name_text(buf, event->causation);
		td_buf_add_char(buf, ')');
	}
}

static void write_event(
	struct td_buf *buf, const struct td_story *story, const bool *more, uint32_t at)
{
	const struct td_story_event *event = &story->events[at];

	add_branches(buf, story, more, at);
	td_name_text(buf, event->type);
	if (event->kind != TD_FLOW_EVENT)
		td_buf_printf(buf, " (%s)", td_flow_kind_names[event->kind].at);
	td_buf_add_char(buf, ' ');
	td_name_text(buf, event->subject);
	td_buf_printf(buf, "@%" PRIu64, event->revision);
	add_cause(buf, story, event);
	td_buf_add_char(buf, '\n');
}

/* From the first to the last that was recorded. */
static int64_t span_us(const struct td_story *story)
{
	td_time first = story->count > 0 ? story->events[0].time : 0, last = first;

	for (size_t i = 1; i < story->count; i++) {
		td_time time = story->events[i].time;

		first = time < first ? time : first;
		last = time > last ? time : last;
	}
	return (last - first) / 1000;
}

void td_story_text(const struct td_story *story, struct td_buf *buf)
{
	bool *more = find_siblings(story);

	td_buf_add_string(buf, "story ");
	td_name_text(buf, story->correlation);
	td_buf_printf(buf, ": %zu event%s", story->count, story->count == 1 ? "" : "s");
	if (story->count > 1) {
		td_buf_add_string(buf, ", ");
		td_flow_add_duration(buf, span_us(story));
	}
	if (story->damaged > 0)
		td_buf_printf(buf, ", %" PRIu64 " could not be read", story->damaged);
	td_buf_add_char(buf, '\n');
	for (uint32_t i = 0; more != NULL && i < story->count; i++)
		write_event(buf, story, more, i);
	if (story->next != 0)
		td_buf_printf(buf, "more from position %" PRIu64 "\n", story->next);
	if (more == NULL && buf->code == 0)
		buf->code = TD_E_NOMEM;
	free(more);
}
