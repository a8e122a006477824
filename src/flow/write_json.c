/*
 * What HTTP answers; doc/flow.md says what each member means.
 */
#include <inttypes.h>
#include <stdio.h>

#include "flow/write.h"

static void name(struct td_json_writer *json, const char *text)
{
	td_json_name(json, td_text(text));
}

static void add_text(struct td_json_writer *json, const char *key, struct td_text value)
{
	name(json, key);
	if (value.at != NULL)
		td_json_string(json, value);
	else
		td_json_null(json);
}

static void add_number(struct td_json_writer *json, const char *key, uint64_t value)
{
	name(json, key);
	td_json_u64(json, value);
}

static void add_time(struct td_json_writer *json, const char *key, td_time time)
{
	char text[TD_TIME_BYTES];

	td_time_format(time, text);
	add_text(json, key, td_text_of(text, sizeof(text)));
}

/* Readers of JSON round numbers above 2^53, and a position is a word to come back with. */
static void write_position(struct td_json_writer *json, uint64_t position)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, position);
	td_json_string(json, td_text(text));
}

static void add_position(struct td_json_writer *json, const char *key, uint64_t position)
{
	name(json, key);
	if (position != 0)
		write_position(json, position);
	else
		td_json_null(json);
}

static void add_double(struct td_json_writer *json, const char *key, double value)
{
	name(json, key);
	td_json_double(json, value);
}

/* --- the map ------------------------------------------------------------------------------ */

/* Three digits behind the point are enough of a rate, and keep the text short. */
static double rounded(double value)
{
	return (double)(int64_t)(value * 1000 + 0.5) / 1000;
}

static void write_type(
	struct td_json_writer *json, const struct td_flow_map *map, const struct td_flow_type *type)
{
	td_json_open_object(json);
	add_text(json, "type", type->name);
	add_text(json, "kind", td_flow_kind_names[type->kind]);
	add_number(json, "count", type->count);
	add_double(json, "rate", rounded(td_flow_rate(type->count, map->from, map->to)));
	add_number(json, "roots", type->roots);
	add_time(json, "last", type->last);
	td_json_close_object(json);
}

static void add_ms(struct td_json_writer *json, const char *key, int64_t us)
{
	name(json, key);
	if (us >= 0)
		td_json_double(json, (double)us / 1000);
	else
		td_json_null(json);
}

static void write_edge(
	struct td_json_writer *json, const struct td_flow_map *map, const struct td_flow_edge *edge)
{
	td_json_open_object(json);
	add_number(json, "from", edge->from);
	add_number(json, "to", edge->to);
	add_text(json, "from_type", map->types[edge->from].name);
	add_text(json, "to_type", map->types[edge->to].name);
	add_text(json, "by", edge->traced ? td_text("trace") : td_text("cause"));
	add_number(json, "count", edge->count);
	add_double(json, "rate", rounded(td_flow_rate(edge->count, map->from, map->to)));
	add_number(json, "causes", edge->causes);
	add_double(json, "share", rounded(edge->share));
	add_ms(json, "p50_ms", edge->p50_us);
	add_ms(json, "p90_ms", edge->p90_us);
	add_ms(json, "p99_ms", edge->p99_us);
	add_time(json, "last", edge->last);
	name(json, "latest");
	td_json_open_array(json);
	for (size_t i = 0; i < TD_FLOW_LATEST && edge->latest[i] != 0; i++)
		write_position(json, edge->latest[i]);
	td_json_close_array(json);
	td_json_close_object(json);
}

void td_flow_map_json(const struct td_flow_map *map, struct td_buf *buf)
{
	struct td_json_writer json;

	td_json_writer_init(&json, buf);
	td_json_open_object(&json);
	add_number(&json, "window_ms", (uint64_t)map->window_ms);
	add_time(&json, "from", map->from);
	add_time(&json, "to", map->to);
	add_number(&json, "events", map->events);
	add_double(&json, "rate", rounded(td_flow_rate(map->events, map->from, map->to)));
	add_number(&json, "lost", map->lost);
	add_position(&json, "position", map->position);
	name(&json, "types");
	td_json_open_array(&json);
	for (size_t i = 0; i < map->types_count; i++)
		write_type(&json, map, &map->types[i]);
	td_json_close_array(&json);
	name(&json, "edges");
	td_json_open_array(&json);
	for (size_t i = 0; i < map->edges_count; i++)
		write_edge(&json, map, &map->edges[i]);
	td_json_close_array(&json);
	td_json_close_object(&json);
}

/* --- stories ------------------------------------------------------------------------------ */

static void write_event(struct td_json_writer *json, const struct td_story *story,
	const struct td_story_event *event)
{
	td_json_open_object(json);
	add_text(json, "id", event->id);
	add_text(json, "source", event->source);
	add_text(json, "type", event->type);
	add_text(json, "subject", event->subject);
	add_text(json, "kind", td_flow_kind_names[event->kind]);
	add_text(json, "causationid", event->causation);
	add_text(json, "log", event->log_name);
	add_number(json, "seq", event->seq);
	add_number(json, "revision", event->revision);
	add_position(json, "position", event->position);
	add_time(json, "recordedtime", event->time);
	add_number(json, "data_bytes", event->data_bytes);
	add_text(json, "cause", td_story_cause_names[event->cause]);
	add_number(json, "depth", event->depth);
	name(json, "parent");
	if (event->parent != TD_STORY_NONE) {
		td_json_u64(json, event->parent);
		add_ms(json, "after_ms", (event->time - story->events[event->parent].time) / 1000);
	} else {
		td_json_null(json);
		add_ms(json, "after_ms", -1);
	}
	td_json_close_object(json);
}

void td_story_json(const struct td_story *story, struct td_buf *buf)
{
	struct td_json_writer json;

	td_json_writer_init(&json, buf);
	td_json_open_object(&json);
	add_text(&json, "correlationid", story->correlation);
	add_number(&json, "count", story->count);
	add_position(&json, "next", story->next);
	add_number(&json, "damaged", story->damaged);
	name(&json, "events");
	td_json_open_array(&json);
	for (size_t i = 0; i < story->count; i++)
		write_event(&json, story, &story->events[i]);
	td_json_close_array(&json);
	td_json_close_object(&json);
}
