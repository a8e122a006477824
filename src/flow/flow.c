/*
 * An event becomes a count: its type, its cause, the edge between the two.
 */
#include "flow/flow.h"

#include <stdlib.h>

#include "flow/facts.h"
#include "flow/inside.h"

/* --- begin and end ------------------------------------------------------------------------ */

static uint32_t at_most(uint32_t value, uint32_t max)
{
	return value == 0 || value > max ? max : value;
}

#define TRACES_SHARE     16u /* traces are so many times fewer than ids */
#define STORED_BYTES_MAX (64u << 20)

int td_flow_new(struct td_flow **flow, const struct td_flow_options *options, struct td_error *err)
{
	uint32_t recent = at_most(options->recent_max, TD_FLOW_RECENT_MAX);
	struct td_flow *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return td_error_nomem(err);
	made->seed = options->seed;
	made->stored_bytes_max =
		options->stored_bytes_max != 0 ? options->stored_bytes_max : STORED_BYTES_MAX;
	td_buf_init(&made->scratch, (size_t)4 * TD_ATTRIBUTE_BYTES_MAX);
	if (!td_flow_map_init(made, at_most(options->types_max, TD_FLOW_TYPES_MAX),
		    at_most(options->edges_max, TD_FLOW_EDGES_MAX)) ||
		!td_recent_init(&made->recent, recent) ||
		!td_traces_init(&made->traces, recent / TRACES_SHARE + 1)) {
		td_flow_free(made);
		return td_error_nomem(err);
	}
	*flow = made;
	return 0;
}

void td_flow_free(struct td_flow *flow)
{
	if (flow == NULL)
		return;
	td_flow_map_end(flow);
	td_recent_fini(&flow->recent);
	td_traces_fini(&flow->traces);
	td_buf_fini(&flow->scratch);
	free(flow->log_names);
	free(flow);
}

/* --- noting ------------------------------------------------------------------------------- */

/* What is told of may be long ago, or not have been yet; else it is now. */
static td_time time_of(struct td_flow *flow, const struct td_stored *stored)
{
	if (stored->imported)
		return stored->time < flow->newest ? stored->time : flow->newest;
	flow->newest = stored->time;
	if (flow->first == 0)
		flow->first = stored->time;
	return stored->time;
}

static uint64_t hash_of(const struct td_flow *flow, struct td_text text)
{
	return td_hash(text.at, text.len, flow->seed);
}

/* What an event is caused by. */
struct cause {
	struct td_known_type *type; /* NULL: by nothing */
	struct td_flow_seen *seen;  /* NULL: "older" */
	bool traced;
};

static struct td_known_type *type_of(struct td_flow *flow, const struct td_flow_seen *seen)
{
	struct td_known_type *type = td_flow_type_at(flow, seen->type);

	return type->version == seen->version ? type : NULL;
}

static struct cause cause_of(
	struct td_flow *flow, const struct td_flow_facts *facts, struct td_trace_entry *trace)
{
	struct cause cause = {0};

	if (facts->causation.at != NULL)
		cause.seen = td_recent_find(&flow->recent, hash_of(flow, facts->causation));
	else if (trace != NULL && trace->caused)
		cause.seen = &trace->cause;
	else
		return cause;
	cause.traced = facts->causation.at == NULL;
	cause.type = cause.seen != NULL ? type_of(flow, cause.seen) : NULL;
	if (cause.type == NULL) {
		cause.seen = NULL;
		cause.type = td_flow_type_at(flow, TD_FLOW_AT_OLDER);
	}
	return cause;
}

static void count_edge(struct td_flow *flow, const struct cause *cause, struct td_known_type *to,
	td_time at, const struct td_stored *stored)
{
	struct td_known_edge *edge = td_flow_edge_get(flow, cause->type, to, cause->traced);
	int64_t latency_us = -1;
	bool new_cause = false;

	if (cause->seen != NULL) {
		uint32_t bit = (uint32_t)1 << edge->bit;

		latency_us = at > cause->seen->time ? (at - cause->seen->time) / 1000 : 0;
		new_cause = (cause->seen->had & bit) == 0;
		cause->seen->had |= bit;
	}
	td_panes_add(edge->panes, td_stamps_at(at), stored->imported, new_cause, latency_us,
		td_hash_u64(stored->position));
	edge->last = at;
	edge->latest[edge->latest_at] = stored->position;
	edge->latest_at = (edge->latest_at + 1) % TD_FLOW_LATEST;
}

static struct td_trace_entry *step_trace(struct td_flow *flow, const struct td_traceparent *trace)
{
	if (trace->trace.at == NULL)
		return NULL;
	return td_traces_step(
		&flow->traces, hash_of(flow, trace->trace), hash_of(flow, trace->span));
}

void td_flow_note(struct td_flow *flow, const struct td_stored *stored)
{
	struct td_flow_facts facts;
	struct td_known_type *type;
	struct td_trace_entry *trace;
	struct td_flow_seen *seen, now;
	struct cause cause;

	if (stored->position <= flow->position)
		return;
	flow->position = stored->position;
	if (flow->store != NULL && stored->log == flow->control)
		return;
	td_flow_facts_read(&facts, stored->headers, stored->server, &flow->scratch);
	if (facts.id.at == NULL)
		facts.id = td_flow_number_id(flow, stored);
	now = (struct td_flow_seen){.time = time_of(flow, stored)};
	type = td_flow_type_get(flow, td_flow_type_of(stored), facts.kind);
	now.type = type->place;
	now.version = type->version;
	trace = step_trace(flow, &facts.trace);
	cause = cause_of(flow, &facts, trace);
	td_tallies_add(type->tallies, td_stamps_at(now.time), stored->imported, cause.type == NULL);
	type->last = now.time;
	if (cause.type != NULL)
		count_edge(flow, &cause, type, now.time, stored);
	if (trace != NULL)
		trace->latest = now;
	seen = facts.id.at != NULL ? td_recent_add(&flow->recent, hash_of(flow, facts.id)) : NULL;
	if (seen != NULL)
		*seen = now;
}

size_t td_flow_bytes(const struct td_flow *flow)
{
	return sizeof(*flow) + td_flow_map_bytes(flow) +
	       td_generations_bytes(&flow->recent.generations) +
	       td_generations_bytes(&flow->traces.generations) + flow->scratch.cap;
}

void td_flow_verify(const struct td_flow *flow)
{
	td_flow_map_verify(flow);
}
