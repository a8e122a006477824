/*
 * Mermaid and DOT. Nodes are named by number, n0, n1, ...: what strangers said stands in labels only.
 */
#include "flow/name.h"
#include "flow/write.h"

#include <inttypes.h>

/* --- the map ------------------------------------------------------------------------------ */

static void add_edge_label(struct td_buf *buf, const struct td_flow_edge *edge)
{
	td_buf_add_u64(buf, edge->count);
	if (edge->share > 0) {
		td_buf_add_string(buf, ", ");
		td_flow_add_share(buf, edge->share);
	}
	if (edge->p50_us >= 0) {
		td_buf_add_string(buf, ", ");
		td_flow_add_duration(buf, edge->p50_us);
	}
}

/* In Mermaid all that is no letter goes by number. */
static void add_mermaid_edge_label(struct td_buf *buf, const struct td_flow_edge *edge)
{
	struct td_buf label = TD_BUF_INIT(256);

	add_edge_label(&label, edge);
	if (td_buf_check(&label, NULL) == 0)
		td_name_mermaid(buf, td_buf_view(&label));
	else
		buf->code = label.code;
	td_buf_fini(&label);
}

static const char *const mermaid_open[] = {
	[TD_FLOW_EVENT] = "[\"",
	[TD_FLOW_COMMAND] = "([\"",
	[TD_FLOW_QUERY] = "([\"",
	[TD_FLOW_REPLY] = "([\"",
	[TD_FLOW_OTHER] = "[/\"",
	[TD_FLOW_OLDER] = "[/\"",
};
static const char *const mermaid_close[] = {
	[TD_FLOW_EVENT] = "\"]",
	[TD_FLOW_COMMAND] = "\"])",
	[TD_FLOW_QUERY] = "\"])",
	[TD_FLOW_REPLY] = "\"])",
	[TD_FLOW_OTHER] = "\"/]",
	[TD_FLOW_OLDER] = "\"/]",
};
static const char *const dot_shapes[] = {
	[TD_FLOW_EVENT] = "box",
	[TD_FLOW_COMMAND] = "oval",
	[TD_FLOW_QUERY] = "oval",
	[TD_FLOW_REPLY] = "oval",
	[TD_FLOW_OTHER] = "parallelogram",
	[TD_FLOW_OLDER] = "parallelogram",
};

void td_flow_map_mermaid(const struct td_flow_map *map, struct td_buf *buf)
{
	td_buf_add_string(buf, "flowchart LR\n");
	for (size_t i = 0; i < map->types_count; i++) {
		const struct td_flow_type *type = &map->types[i];

		td_buf_printf(buf, "  n%zu%s", i, mermaid_open[type->kind]);
		td_name_mermaid(buf, type->name);
		td_buf_printf(buf, "%s\n", mermaid_close[type->kind]);
	}
	for (size_t i = 0; i < map->edges_count; i++) {
		const struct td_flow_edge *edge = &map->edges[i];

		td_buf_printf(
			buf, "  n%" PRIu32 " %s|\"", edge->from, edge->traced ? "-.->" : "-->");
		add_mermaid_edge_label(buf, edge);
		td_buf_printf(buf, "\"| n%" PRIu32 "\n", edge->to);
	}
}

void td_flow_map_dot(const struct td_flow_map *map, struct td_buf *buf)
{
	td_buf_add_string(buf, "digraph flow {\n  rankdir=LR;\n");
	for (size_t i = 0; i < map->types_count; i++) {
		const struct td_flow_type *type = &map->types[i];

		td_buf_printf(buf, "  n%zu [shape=%s, label=\"", i, dot_shapes[type->kind]);
		td_name_dot(buf, type->name);
		td_buf_add_string(buf, "\"];\n");
	}
	for (size_t i = 0; i < map->edges_count; i++) {
		const struct td_flow_edge *edge = &map->edges[i];

		td_buf_printf(buf, "  n%" PRIu32 " -> n%" PRIu32 " [%slabel=\"", edge->from,
			edge->to, edge->traced ? "style=dashed, " : "");
		add_edge_label(buf, edge);
		td_buf_add_string(buf, "\"];\n");
	}
	td_buf_add_string(buf, "}\n");
}

/* --- stories ------------------------------------------------------------------------------ */

typedef void add_name(struct td_buf *buf, struct td_text name);

static void add_event_label(
	struct td_buf *buf, const struct td_story_event *event, const char *line, add_name *add)
{
	add(buf, event->type);
	td_buf_add_string(buf, line);
	add(buf, event->subject);
}

static bool is_orphan(const struct td_story_event *event)
{
	return event->cause == TD_STORY_MISSING || event->cause == TD_STORY_ELSEWHERE;
}

void td_story_mermaid(const struct td_story *story, struct td_buf *buf)
{
	td_buf_add_string(buf, "flowchart TD\n");
	for (size_t i = 0; i < story->count; i++) {
		const struct td_story_event *event = &story->events[i];

		td_buf_printf(buf, "  n%zu%s", i, mermaid_open[event->kind]);
		add_event_label(buf, event, "<br/>", td_name_mermaid);
		td_buf_printf(buf, "%s\n", mermaid_close[event->kind]);
		if (event->parent != TD_STORY_NONE)
			td_buf_printf(buf, "  n%" PRIu32 " --> n%zu\n", event->parent, i);
		else if (is_orphan(event))
			td_buf_printf(buf, "  o%zu([\"cause not here\"]) -.-> n%zu\n", i, i);
	}
}

void td_story_dot(const struct td_story *story, struct td_buf *buf)
{
	td_buf_add_string(buf, "digraph story {\n");
	for (size_t i = 0; i < story->count; i++) {
		const struct td_story_event *event = &story->events[i];

		td_buf_printf(buf, "  n%zu [shape=%s, label=\"", i, dot_shapes[event->kind]);
		add_event_label(buf, event, "\\n", td_name_dot);
		td_buf_add_string(buf, "\"];\n");
		if (event->parent != TD_STORY_NONE)
			td_buf_printf(buf, "  n%" PRIu32 " -> n%zu;\n", event->parent, i);
		else if (is_orphan(event))
			td_buf_printf(buf,
				"  o%zu [shape=plaintext, label=\"cause not here\"];\n"
				"  o%zu -> n%zu [style=dashed];\n",
				i, i, i);
	}
	td_buf_add_string(buf, "}\n");
}
