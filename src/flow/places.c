/*
 * Places of types and edges: found, taken, and given to others when nobody came by for long.
 */
#include "flow/inside.h"

#include <stdlib.h>

#define HAND_STEPS 8u

/* --- places ------------------------------------------------------------------------------- */

static void *place_at(const struct td_flow_places *places, uint32_t place)
{
	return (char *)places->slabs[place / TD_FLOW_SLAB] +
	       place % TD_FLOW_SLAB * places->item_bytes;
}

static bool places_init(struct td_flow_places *places, uint32_t max, size_t item_bytes)
{
	*places = (struct td_flow_places){
		.slabs = calloc((max + TD_FLOW_SLAB - 1) / TD_FLOW_SLAB, sizeof(void *)),
		.item_bytes = item_bytes,
		.max = max,
	};
	return places->slabs != NULL;
}

static void places_fini(struct td_flow_places *places)
{
	for (uint32_t i = 0; places->slabs != NULL && i < places->used; i += TD_FLOW_SLAB)
		free(places->slabs[i / TD_FLOW_SLAB]);
	free(places->slabs);
	td_map_fini(&places->by_key);
}

static size_t places_bytes(const struct td_flow_places *places)
{
	size_t slabs = (places->used + TD_FLOW_SLAB - 1) / TD_FLOW_SLAB;

	return (places->max + TD_FLOW_SLAB - 1) / TD_FLOW_SLAB * sizeof(void *) +
	       slabs * TD_FLOW_SLAB * places->item_bytes +
	       (places->by_key.slots != NULL
			       ? (places->by_key.mask + 1) * sizeof(*places->by_key.slots)
			       : 0);
}

/* A place that was never taken, zero; NULL: there is none, or no memory. */
static void *place_new(struct td_flow_places *places, uint32_t *place)
{
	void **slab;

	if (places->used == places->max)
		return NULL;
	slab = &places->slabs[places->used / TD_FLOW_SLAB];
	if (places->used % TD_FLOW_SLAB == 0 && *slab == NULL)
		*slab = calloc(TD_FLOW_SLAB, places->item_bytes);
	if (*slab == NULL)
		return NULL;
	*place = places->used++;
	return place_at(places, *place);
}

struct td_known_type *td_flow_type_at(const struct td_flow *flow, uint32_t place)
{
	TD_ASSERT(place < flow->types.used);
	return place_at(&flow->types, place);
}

struct td_known_edge *td_flow_edge_at(const struct td_flow *flow, uint32_t place)
{
	TD_ASSERT(place < flow->edges.used);
	return place_at(&flow->edges, place);
}

/* --- edges -------------------------------------------------------------------------------- */

static uint64_t edge_key(
	const struct td_known_type *from, const struct td_known_type *to, bool traced)
{
	return (uint64_t)from->place << 32 | (uint64_t)to->place << 1 | traced;
}

static void edge_forget(struct td_flow *flow, struct td_known_edge *edge)
{
	struct td_known_type *from = td_flow_type_at(flow, edge->from);

	td_map_remove(&flow->edges.by_key, edge->key);
	if (edge->bit != TD_FLOW_SHARED)
		from->edge_bits &= ~((uint32_t)1 << edge->bit);
	from->edges--;
	td_flow_type_at(flow, edge->to)->edges--;
	edge->known = false;
}

static bool is_silent(const struct td_flow *flow, td_time last)
{
	return flow->newest - last > TD_FLOW_SILENT_NS;
}

/* A few steps of the hand; a place that is free now, or NULL. */
static struct td_known_edge *edge_sweep(struct td_flow *flow)
{
	for (uint32_t i = 0; i < HAND_STEPS && flow->edges.used > 1; i++) {
		struct td_known_edge *edge;

		flow->edges.hand = flow->edges.hand % (flow->edges.used - 1) + 1;
		edge = td_flow_edge_at(flow, flow->edges.hand);
		if (edge->known && is_silent(flow, edge->last))
			edge_forget(flow, edge);
		if (!edge->known)
			return edge;
	}
	return NULL;
}

static struct td_known_edge *edge_take(struct td_flow *flow)
{
	uint32_t place;
	struct td_known_edge *edge = place_new(&flow->edges, &place);

	if (edge == NULL) {
		edge = edge_sweep(flow);
		place = edge != NULL ? edge->place : 0;
	}
	if (edge != NULL)
		*edge = (struct td_known_edge){.place = place};
	return edge;
}

static uint8_t bit_take(struct td_known_type *from)
{
	uint32_t free = ~from->edge_bits & ~((uint32_t)1 << TD_FLOW_SHARED);
	uint8_t bit = free != 0 ? (uint8_t)__builtin_ctz(free) : TD_FLOW_SHARED;

	from->edge_bits |= free != 0 ? (uint32_t)1 << bit : 0;
	return bit;
}

struct td_known_edge *td_flow_edge_get(
	struct td_flow *flow, struct td_known_type *from, struct td_known_type *to, bool traced)
{
	uint64_t key = edge_key(from, to, traced);
	struct td_known_edge *edge = td_map_get(&flow->edges.by_key, key);

	if (edge != NULL)
		return edge;
	edge = edge_take(flow);
	if (edge == NULL)
		return td_flow_edge_at(flow, 0);
	if (!td_map_put(&flow->edges.by_key, key, edge))
		return td_flow_edge_at(flow, 0);
	edge->key = key;
	edge->from = from->place;
	edge->to = to->place;
	edge->traced = traced;
	edge->known = true;
	edge->bit = bit_take(from);
	from->edges++;
	to->edges++;
	return edge;
}

/* --- types -------------------------------------------------------------------------------- */

static void type_forget(struct td_flow *flow, struct td_known_type *type)
{
	td_map_remove(&flow->types.by_key, type->key);
	flow->names_bytes -= type->name_bytes;
	free(type->name);
	type->name = NULL;
	type->version++; /* who remembers the place does not mean the next one */
}

/* The same; types go when their edges are gone, so the edges' hand goes on, too. */
static struct td_known_type *type_sweep(struct td_flow *flow)
{
	edge_sweep(flow);
	for (uint32_t i = 0; i < HAND_STEPS && flow->types.used > 2; i++) {
		struct td_known_type *type;

		flow->types.hand = flow->types.hand % (flow->types.used - 2) + 1;
		type = td_flow_type_at(flow, flow->types.hand + 1);
		if (type->name != NULL && type->edges == 0 && is_silent(flow, type->last))
			type_forget(flow, type);
		if (type->name == NULL)
			return type;
	}
	return NULL;
}

static struct td_known_type *type_take(struct td_flow *flow)
{
	uint32_t place;
	struct td_known_type *type = place_new(&flow->types, &place);

	if (type != NULL)
		*type = (struct td_known_type){.place = (uint16_t)place};
	else
		type = type_sweep(flow);
	if (type != NULL)
		*type = (struct td_known_type){.place = type->place, .version = type->version};
	return type;
}

static char *name_copy(const struct td_flow *flow, struct td_text name)
{
	char *copy = NULL;

	if (name.len <= TD_FLOW_NAME_MAX && flow->names_bytes + name.len <= TD_FLOW_NAMES_MAX)
		copy = malloc(name.len + 1);
	if (copy != NULL)
		td_text_copy(name, copy, name.len + 1);
	return copy;
}

static bool type_is(const struct td_known_type *type, struct td_text name, enum td_flow_kind kind)
{
	return type->kind == (uint8_t)kind &&
	       td_text_equal(td_text_of(type->name, type->name_bytes), name);
}

struct td_known_type *td_flow_type_get(
	struct td_flow *flow, struct td_text name, enum td_flow_kind kind)
{
	uint64_t key = td_hash(name.at, name.len, flow->seed) + (uint64_t)kind;
	struct td_known_type *type = td_map_get(&flow->types.by_key, key);
	struct td_known_type *other = td_flow_type_at(flow, TD_FLOW_AT_OTHER);
	char *copy;

	if (type != NULL)
		return type_is(type, name, kind) ? type : other;
	copy = name_copy(flow, name);
	type = copy != NULL ? type_take(flow) : NULL;
	if (type == NULL || !td_map_put(&flow->types.by_key, key, type)) {
		free(copy);
		return other;
	}
	type->key = key;
	type->name = copy;
	type->name_bytes = (uint32_t)name.len;
	type->kind = (uint8_t)kind;
	flow->names_bytes += name.len;
	return type;
}

/* --- both --------------------------------------------------------------------------------- */

bool td_flow_map_init(struct td_flow *flow, uint32_t types_max, uint32_t edges_max)
{
	uint32_t place;
	struct td_known_type *other, *older;
	struct td_known_edge *edge;

	if (!places_init(&flow->types, types_max + 2, sizeof(struct td_known_type)) ||
		!places_init(&flow->edges, edges_max + 1, sizeof(struct td_known_edge)))
		return false;
	other = place_new(&flow->types, &place);
	older = other != NULL ? place_new(&flow->types, &place) : NULL;
	edge = older != NULL ? place_new(&flow->edges, &place) : NULL;
	if (edge == NULL)
		return false;
	other->kind = TD_FLOW_OTHER;
	older->kind = TD_FLOW_OLDER;
	older->place = TD_FLOW_AT_OLDER;
	edge->known = true;
	edge->bit = TD_FLOW_SHARED;
	other->edges = 2;
	return true;
}

void td_flow_map_end(struct td_flow *flow)
{
	for (uint32_t i = 0; flow->types.slabs != NULL && i < flow->types.used; i++)
		free(td_flow_type_at(flow, i)->name);
	places_fini(&flow->types);
	places_fini(&flow->edges);
}

size_t td_flow_map_bytes(const struct td_flow *flow)
{
	return places_bytes(&flow->types) + places_bytes(&flow->edges) + flow->names_bytes;
}

void td_flow_map_verify(const struct td_flow *flow)
{
	size_t names = 0, ends = 0, held = 0;

	for (uint32_t i = 0; i < flow->types.used; i++) {
		const struct td_known_type *type = td_flow_type_at(flow, i);

		TD_ASSERT(type->place == i);
		TD_ASSERT(i < 2 || type->name != NULL || type->edges == 0); /* F1 */
		names += type->name != NULL ? type->name_bytes : 0;
		held += type->edges;
	}
	for (uint32_t i = 0; i < flow->edges.used; i++) {
		const struct td_known_edge *edge = td_flow_edge_at(flow, i);
		const struct td_known_type *from = td_flow_type_at(flow, edge->from);

		TD_ASSERT(edge->place == i);
		if (!edge->known)
			continue;
		ends += 2;
		TD_ASSERT(from->place < 2 || from->name != NULL); /* F1 */
		TD_ASSERT(edge->bit == TD_FLOW_SHARED ||          /* F2 */
			  (from->edge_bits & (uint32_t)1 << edge->bit) != 0);
	}
	TD_ASSERT(names == flow->names_bytes); /* F3 */
	TD_ASSERT(ends == held);               /* F1 */
}
