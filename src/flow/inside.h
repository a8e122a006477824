/*
 * inside: what a flow is made of. Private to the room.
 *
 *	types   slabs of 64, a table by name; place 0 "other", place 1 "older cause"
 *	edges   slabs of 64, a table by (from, to, traced); place 0 from "other" to "other"
 *
 *  F1  An edge's types stand; a type counts the edges that hold it, and goes only when none does.
 *  F2  `edge_bits` of a type are those that its edges have as `bit`, but for the last one, which all
 *      beyond share.
 *  F3  names_bytes is the length of all names.
 *
 * When a place is wanted and none is free, a hand goes round a few steps and takes one that nobody
 * saw for longer than any window: what a stranger filled the map with is gone an hour later.
 */
#ifndef TD_FLOW_INSIDE_H
#define TD_FLOW_INSIDE_H

#include "flow/flow.h"
#include "flow/pane.h"
#include "flow/recent.h"

#define TD_FLOW_SLAB      64u
#define TD_FLOW_AT_OTHER  0u
#define TD_FLOW_AT_OLDER  1u
#define TD_FLOW_SHARED    31u /* the bit of all edges of a type beyond the 31st */
#define TD_FLOW_SILENT_NS ((int64_t)TD_FLOW_WINDOW_MAX_MS * 1000000 * 2)

struct td_known_type {
	uint64_t key; /* in the table */
	char *name;   /* NULL: the place is free, or one of the first two */
	uint32_t name_bytes;
	uint32_t edges;     /* that hold it */
	uint32_t edge_bits; /* of those that lead away from it */
	uint16_t place, version;
	uint8_t kind;
	td_time last;
	struct td_tally tallies[TD_PANES];
};

struct td_known_edge {
	uint64_t key;
	uint16_t from, to;
	uint8_t bit;
	bool traced, known; /* known: the place is taken */
	uint32_t place, latest_at;
	td_time last;
	uint64_t latest[TD_FLOW_LATEST]; /* a ring */
	struct td_pane panes[TD_PANES];
};

struct td_flow_places {
	void **slabs;
	size_t item_bytes;
	uint32_t max, used, hand; /* used: places that were taken once */
	struct td_map by_key;
};

struct td_flow {
	uint64_t seed;
	struct td_flow_places types, edges;
	size_t names_bytes;
	struct td_recent recent;
	struct td_traces traces;
	struct td_buf scratch;
	uint64_t position, lost, stored_bytes_max;
	td_time first, newest; /* of the events counted; `first` 0: none */
	struct td_store *store;
	uint32_t control; /* number of `$tidings` */
	struct td_log_name *log_names;
};

struct td_known_type *td_flow_type_at(const struct td_flow *flow, uint32_t place);
struct td_known_edge *td_flow_edge_at(const struct td_flow *flow, uint32_t place);

bool td_flow_map_init(struct td_flow *flow, uint32_t types_max, uint32_t edges_max);
void td_flow_map_end(struct td_flow *flow);
size_t td_flow_map_bytes(const struct td_flow *flow);
/* The type of that name and kind, "other" if it cannot be known. */
struct td_known_type *td_flow_type_get(
	struct td_flow *flow, struct td_text name, enum td_flow_kind kind);
/* The edge between two, the one of all others if it cannot be known. */
struct td_known_edge *td_flow_edge_get(
	struct td_flow *flow, struct td_known_type *from, struct td_known_type *to, bool traced);
void td_flow_map_verify(const struct td_flow *flow);

/* "<log>-<seq>", as an event is called that was stored without an id; absent: not known. */
struct td_text td_flow_number_id(struct td_flow *flow, const struct td_stored *stored);

#endif
