/*
 * Who causes what, by strangers' words. Input: events, each a line of its type, then its header block,
 * which ends at an empty line; the first byte says how time passes between them.
 *	- what a block says is found inside it, or in the buffer;
 *	- the map holds its invariants and its bounds, and counts every event;
 *	- another seed gives the same map;
 *	- JSON is JSON; no quoted name ends its quotes; nothing written moves a terminal's cursor;
 *	- the same words as a story make a tree that has each event once.
 */
#include <stdint.h>
#include <stdlib.h>

#include "flow/facts.h"
#include "flow/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 256u

static void check(bool right)
{
	if (!right)
		abort();
}

static bool inside(struct td_text text, struct td_text of)
{
	return text.at == NULL || (text.at >= of.at && text.at + text.len <= of.at + of.len);
}

struct said {
	struct td_stored stored[EVENTS_MAX];
	struct td_story_event events[EVENTS_MAX];
	size_t count;
	td_time now;
};

/* Up to an empty line, or the end. */
static struct td_text block_at(const char *at, const char *end)
{
	const char *from = at;

	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));

		if (line == NULL)
			return td_text_of(from, (size_t)(end - from));
		if (line == at || (line == at + 1 && *at == '\r'))
			return td_text_of(from, (size_t)(line + 1 - from));
		at = line + 1;
	}
	return td_text_of(from, (size_t)(end - from));
}

static void split(struct said *said, const uint8_t *data, size_t size)
{
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	const td_time step = (td_time)data[0] * data[0] * 1000000000;

	said->now = 1700000000000000000;
	while (at < end && said->count < EVENTS_MAX) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		struct td_stored *stored = &said->stored[said->count++];

		line = line != NULL ? line : end;
		*stored = (struct td_stored){.log = 2,
			.position = said->count,
			.time = said->now,
			.type = td_text_of(at, (size_t)(line - at)),
			.imported = line > at && *at == '!'};
		at = line < end ? line + 1 : end;
		stored->headers = block_at(at, end);
		at += stored->headers.len;
		said->now += step;
	}
}

static void check_facts(struct said *said)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);

	for (size_t i = 0; i < said->count; i++) {
		struct td_text block = said->stored[i].headers;
		struct td_flow_facts facts;

		td_flow_facts_read(&facts, block, td_text(NULL), &buf);
		check(inside(facts.id, block) || inside(facts.id, td_buf_view(&buf)));
		check(inside(facts.causation, block) || inside(facts.causation, td_buf_view(&buf)));
		check(inside(facts.trace.trace, block) && inside(facts.trace.span, block));
	}
	td_buf_fini(&buf);
}

/* --- what is written ------------------------------------------------------------------------ */

static void check_shown(struct td_text text)
{
	const char *at = text.at, *end = text.at + text.len;

	check(td_utf8_valid(text.at, text.len) == text.len);
	while (at < end) {
		uint32_t c = td_utf8_next(&at, end);

		check(c >= 0x20 || c == '\n');
		check(c < 0x7F || c > 0x9F);
		check(c < 0x2028 || c > 0x202E);
	}
}

/* Each line of a diagram has all its quotes, and outside them only our own words. */
static void check_quotes(struct td_text text, bool escapes)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		if (escapes && quoted && text.at[i] == '\\')
			i++;
		else if (text.at[i] == '"')
			quoted = !quoted;
		else
			check(quoted ? text.at[i] != '\n'
				     : memchr("\n -.>[](){}|/=;,_", text.at[i], 17) != NULL ||
						(text.at[i] >= 'a' && text.at[i] <= 'z') ||
						(text.at[i] >= 'A' && text.at[i] <= 'Z') ||
						(text.at[i] >= '0' && text.at[i] <= '9'));
	}
	check(!quoted);
}

static void check_written(const struct td_buf *buf, enum td_flow_format format)
{
	struct td_json json;

	check(buf->code == 0);
	if (format == TD_FLOW_JSON) {
		check(td_json_parse(td_buf_view(buf), 0, &json, NULL) == 0);
		return;
	}
	check_shown(td_buf_view(buf));
	if (format != TD_FLOW_TEXT)
		check_quotes(td_buf_view(buf), format == TD_FLOW_DOT);
}

/* --- the map -------------------------------------------------------------------------------- */

static void check_map(struct said *said)
{
	struct td_buf first = TD_BUF_INIT(1 << 26), buf = TD_BUF_INIT(1 << 26);

	for (uint64_t seed = 1; seed < 3; seed++) {
		const struct td_flow_options options = {
			.seed = seed, .types_max = 24, .edges_max = 40, .recent_max = 64};
		struct td_flow *flow;
		struct td_flow_map map;

		check(td_flow_new(&flow, &options, NULL) == 0);
		for (size_t i = 0; i < said->count; i++)
			td_flow_note(flow, &said->stored[i]);
		td_flow_verify(flow);
		check(td_flow_bytes(flow) < 4 << 20);
		check(td_flow_map_read(&map, flow, said->now, 3600000, NULL) == 0);
		check(map.events <= said->count);
		for (int format = TD_FLOW_JSON; format <= TD_FLOW_TEXT; format++) {
			td_buf_reset(&buf);
			td_flow_map_write(&map, (enum td_flow_format)format, &buf);
			check_written(&buf, (enum td_flow_format)format);
			if (format != TD_FLOW_JSON)
				continue;
			if (seed == 1)
				td_buf_add_text(&first, td_buf_view(&buf));
			check(td_text_equal(td_buf_view(&first), td_buf_view(&buf)));
		}
		td_flow_map_fini(&map);
		td_flow_free(flow);
	}
	td_buf_fini(&first);
	td_buf_fini(&buf);
}

/* --- the story ------------------------------------------------------------------------------ */

static void check_tree(const struct said *said)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < said->count; i++) {
		const struct td_story_event *event = &said->events[i];

		sum += event->position;
		check((event->parent == TD_STORY_NONE) == (event->cause != TD_STORY_CAUSED));
		check(event->parent == TD_STORY_NONE || event->parent < i);
	}
	check(sum == (uint64_t)said->count * (said->count + 1) / 2);
}

static void check_story(struct said *said)
{
	struct td_story story = {
		.correlation = td_text("story"), .events = said->events, .count = said->count};
	struct td_buf buf = TD_BUF_INIT(1 << 26), kept[EVENTS_MAX];

	for (size_t i = 0; i < said->count; i++) {
		const struct td_stored *stored = &said->stored[i];
		struct td_flow_facts facts;

		td_buf_init(&kept[i], 1 << 20);
		td_flow_facts_read(&facts, stored->headers, td_text(NULL), &kept[i]);
		said->events[i] = (struct td_story_event){.position = stored->position,
			.time = stored->time,
			.kind = facts.kind,
			.id = facts.id.at != NULL ? facts.id : td_text(""),
			.causation = facts.causation,
			.type = stored->type,
			.subject = facts.id};
	}
	check(td_story_tree(said->events, said->count, true, NULL) == 0);
	check_tree(said);
	for (int format = TD_FLOW_JSON; format <= TD_FLOW_TEXT; format++) {
		td_buf_reset(&buf);
		td_story_write(&story, (enum td_flow_format)format, &buf);
		check_written(&buf, (enum td_flow_format)format);
	}
	for (size_t i = 0; i < said->count; i++)
		td_buf_fini(&kept[i]);
	td_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct said said;

	if (size < 2)
		return 0;
	said.count = 0;
	split(&said, data, size);
	check_facts(&said);
	check_map(&said);
	check_story(&said);
	return 0;
}
