/*
 * Events to note: the headers that say of each who it is and what caused it.
 */
#ifndef TD_FLOW_TEST_H
#define TD_FLOW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/flow.h"

#define SECOND 1000000000ll
#define MINUTE (60 * SECOND)
#define BEGIN  (1700000100ll * SECOND) /* a pane of 5 minutes begins here */

struct scene {
	struct td_flow *flow;
	td_time now;
	uint64_t position;
	struct td_flow_map map;
};

static inline void scene_begin(struct scene *scene, const struct td_flow_options *options)
{
	*scene = (struct scene){.now = BEGIN};
	assert_int_equal(td_flow_new(&scene->flow, options, NULL), 0);
}

static inline void scene_end(struct scene *scene)
{
	td_flow_verify(scene->flow);
	td_flow_map_fini(&scene->map);
	td_flow_free(scene->flow);
}

/* An event as it is stored. `more`: lines of its headers, each with its end. */
static inline void note_headers(struct scene *scene, const char *type, const char *lines)
{
	struct td_buf block = TD_BUF_INIT(65536);
	struct td_stored stored = {.log = 2, .time = scene->now, .type = td_text(type)};

	td_buf_printf(&block, "NATS/1.0\r\nce-specversion: 1.0\r\n%s\r\n", lines);
	stored.headers = td_buf_view(&block);
	stored.position = stored.seq = ++scene->position;
	td_flow_note(scene->flow, &stored);
	td_buf_fini(&block);
}

/* NULL: it says none. */
static inline void note(struct scene *scene, const char *type, const char *id, const char *cause)
{
	char lines[16384];
	int len = snprintf(lines, sizeof(lines), "ce-id: %s\r\nce-source: test\r\n", id);

	if (cause != NULL)
		snprintf(lines + len, sizeof(lines) - (size_t)len, "ce-causationid: %s\r\n", cause);
	note_headers(scene, type, lines);
}

static inline void look(struct scene *scene, int64_t window_ms)
{
	td_flow_map_fini(&scene->map);
	assert_int_equal(
		td_flow_map_read(&scene->map, scene->flow, scene->now, window_ms, NULL), 0);
	for (size_t i = 0; i < scene->map.edges_count; i++) {
		assert_true(scene->map.edges[i].from < scene->map.types_count);
		assert_true(scene->map.edges[i].to < scene->map.types_count);
	}
}

static inline const struct td_flow_type *type_named(const struct scene *scene, const char *name)
{
	for (size_t i = 0; i < scene->map.types_count; i++) {
		if (td_text_is(scene->map.types[i].name, name))
			return &scene->map.types[i];
	}
	return NULL;
}

static inline const struct td_flow_edge *edge_between(
	const struct scene *scene, const char *from, const char *to)
{
	for (size_t i = 0; i < scene->map.edges_count; i++) {
		const struct td_flow_edge *edge = &scene->map.edges[i];

		if (td_text_is(scene->map.types[edge->from].name, from) &&
			td_text_is(scene->map.types[edge->to].name, to))
			return edge;
	}
	return NULL;
}

#endif
