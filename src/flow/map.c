/*
 * What is in a window, as values for the writers.
 */
#include <stdlib.h>

#include "flow/inside.h"

static struct td_text name_of(struct td_flow_map *map, const struct td_known_type *type)
{
	if (type->kind == TD_FLOW_OTHER)
		return td_text("other");
	if (type->kind == TD_FLOW_OLDER)
		return td_text("older cause");
	return td_arena_copy(&map->names, td_text_of(type->name, type->name_bytes));
}

/* places[i]: where the type of place i stands in the map, from 1; 0: it does not. */
static bool add_type(struct td_flow_map *map, uint32_t *places, const struct td_known_type *type)
{
	struct td_flow_type *to;

	if (places[type->place] != 0)
		return true;
	to = &map->types[map->types_count];
	*to = (struct td_flow_type){.kind = (enum td_flow_kind)type->kind, .last = type->last};
	to->name = name_of(map, type);
	if (to->name.at == NULL)
		return false;
	places[type->place] = (uint32_t)++map->types_count;
	return true;
}

static bool fill_types(struct td_flow_map *map, uint32_t *places, const struct td_flow *flow,
	const struct td_window *window)
{
	for (uint32_t i = 0; i < flow->types.used; i++) {
		const struct td_known_type *type = td_flow_type_at(flow, i);
		struct td_tally_sum sum = td_tallies_sum(type->tallies, window);

		if (sum.count == 0)
			continue;
		if (!add_type(map, places, type))
			return false;
		map->types[places[i] - 1].count = sum.count;
		map->types[places[i] - 1].roots = sum.roots;
		map->events += sum.count;
	}
	return true;
}

static void fill_latest(struct td_flow_edge *to, const struct td_known_edge *edge)
{
	for (uint32_t i = 0; i < TD_FLOW_LATEST; i++)
		to->latest[i] =
			edge->latest[(edge->latest_at + TD_FLOW_LATEST - 1 - i) % TD_FLOW_LATEST];
}

static void fill_edge(struct td_flow_map *map, const uint32_t *places,
	const struct td_known_edge *edge, const struct td_pane_sum *sum)
{
	struct td_flow_edge *to = &map->edges[map->edges_count++];
	struct td_flow_type *from = &map->types[places[edge->from] - 1];

	*to = (struct td_flow_edge){
		.from = places[edge->from] - 1,
		.to = places[edge->to] - 1,
		.traced = edge->traced,
		.count = sum->count,
		.causes = sum->causes,
		.p50_us = td_pane_quantile(sum, 0.5),
		.p90_us = td_pane_quantile(sum, 0.9),
		.p99_us = td_pane_quantile(sum, 0.99),
		.last = edge->last,
	};
	fill_latest(to, edge);
	if (from->kind == TD_FLOW_OLDER) {
		from->count += sum->count;
		from->last = edge->last > from->last ? edge->last : from->last;
	} else {
		/* Of causes before the window there may be more than events in it. */
		to->share = from->count > sum->causes ? (double)sum->causes / (double)from->count
						      : sum->causes > 0;
	}
}

static bool fill_edges(struct td_flow_map *map, uint32_t *places, const struct td_flow *flow,
	const struct td_window *window)
{
	for (uint32_t i = 0; i < flow->edges.used; i++) {
		const struct td_known_edge *edge = td_flow_edge_at(flow, i);
		struct td_pane_sum sum;

		if (!edge->known)
			continue;
		td_panes_sum(edge->panes, window, &sum);
		if (sum.count == 0)
			continue;
		if (!add_type(map, places, td_flow_type_at(flow, edge->from)) ||
			!add_type(map, places, td_flow_type_at(flow, edge->to)))
			return false;
		fill_edge(map, places, edge, &sum);
	}
	return true;
}

static int64_t window_within(int64_t window_ms)
{
	if (window_ms == 0)
		return TD_FLOW_WINDOW_DEFAULT_MS;
	if (window_ms < TD_FLOW_WINDOW_MIN_MS)
		return TD_FLOW_WINDOW_MIN_MS;
	return window_ms < TD_FLOW_WINDOW_MAX_MS ? window_ms : TD_FLOW_WINDOW_MAX_MS;
}

int td_flow_map_read(struct td_flow_map *map, const struct td_flow *flow, td_time now,
	int64_t window_ms, struct td_error *err)
{
	uint32_t *places = calloc(flow->types.used, sizeof(*places));
	struct td_flow_map made = {
		.to = now,
		.window_ms = window_within(window_ms),
		.lost = flow->lost,
		.position = flow->position,
		.types = calloc(flow->types.used, sizeof(*made.types)),
		.edges = calloc(flow->edges.used, sizeof(*made.edges)),
	};
	struct td_window window = td_window_of(now, made.window_ms);

	td_arena_init(&made.names, 4096, 2 * TD_FLOW_NAMES_MAX + ((size_t)1 << 20));
	made.from = flow->first > window.start ? flow->first : window.start;
	made.from = made.from < now ? made.from : now;
	if (places == NULL || made.types == NULL || made.edges == NULL ||
		!fill_types(&made, places, flow, &window) ||
		!fill_edges(&made, places, flow, &window)) {
		free(places);
		td_flow_map_fini(&made);
		return td_error_nomem(err);
	}
	free(places);
	*map = made;
	return 0;
}

void td_flow_map_fini(struct td_flow_map *map)
{
	free(map->types);
	free(map->edges);
	td_arena_fini(&map->names);
	*map = (struct td_flow_map){0};
}
