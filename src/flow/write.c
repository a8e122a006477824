#include "flow/write.h"

const struct td_text td_flow_kind_names[] = {
	[TD_FLOW_EVENT] = TD_TEXT_INIT("event"),
	[TD_FLOW_COMMAND] = TD_TEXT_INIT("command"),
	[TD_FLOW_QUERY] = TD_TEXT_INIT("query"),
	[TD_FLOW_REPLY] = TD_TEXT_INIT("reply"),
	[TD_FLOW_OTHER] = TD_TEXT_INIT("other"),
	[TD_FLOW_OLDER] = TD_TEXT_INIT("older"),
};

const struct td_text td_story_cause_names[] = {
	[TD_STORY_ROOT] = TD_TEXT_INIT("root"),
	[TD_STORY_CAUSED] = TD_TEXT_INIT("caused"),
	[TD_STORY_MISSING] = TD_TEXT_INIT("missing"),
	[TD_STORY_ELSEWHERE] = TD_TEXT_INIT("elsewhere"),
	[TD_STORY_CYCLE] = TD_TEXT_INIT("cycle"),
};

/* By enum td_flow_format. */
static const struct {
	struct td_text name;
	const char *media;
	void (*map)(const struct td_flow_map *map, struct td_buf *buf);
	void (*story)(const struct td_story *story, struct td_buf *buf);
} formats[] = {
	[TD_FLOW_JSON] = {TD_TEXT_INIT("json"), "application/json", td_flow_map_json,
		td_story_json},
	[TD_FLOW_MERMAID] = {TD_TEXT_INIT("mermaid"), "text/plain; charset=utf-8",
		td_flow_map_mermaid, td_story_mermaid},
	[TD_FLOW_DOT] = {TD_TEXT_INIT("dot"), "text/vnd.graphviz; charset=utf-8", td_flow_map_dot,
		td_story_dot},
	[TD_FLOW_TEXT] = {TD_TEXT_INIT("text"), "text/plain; charset=utf-8", td_flow_map_text,
		td_story_text},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

bool td_flow_format_find(struct td_text name, enum td_flow_format *format)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (td_text_equal(formats[i].name, name)) {
			*format = (enum td_flow_format)i;
			return true;
		}
	}
	return false;
}

const char *td_flow_format_media(enum td_flow_format format)
{
	return formats[format].media;
}

void td_flow_map_write(
	const struct td_flow_map *map, enum td_flow_format format, struct td_buf *buf)
{
	formats[format].map(map, buf);
}

void td_story_write(const struct td_story *story, enum td_flow_format format, struct td_buf *buf)
{
	formats[format].story(story, buf);
}

/* --- numbers for people ------------------------------------------------------------------- */

void td_flow_add_duration(struct td_buf *buf, int64_t us)
{
	if (us < 1000)
		td_buf_printf(buf, "%d us", (int)us);
	else if (us < 1000000)
		td_buf_printf(buf, us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1e3);
	else if (us < 120000000)
		td_buf_printf(buf, us < 10000000 ? "%.1f s" : "%.0f s", (double)us / 1e6);
	else if (us < 7200000000)
		td_buf_printf(buf, "%.0f min", (double)us / 6e7);
	else
		td_buf_printf(buf, "%.0f h", (double)us / 3.6e9);
}

double td_flow_rate(uint64_t count, td_time from, td_time to)
{
	return to > from ? (double)count / ((double)(to - from) / 1e9) : 0;
}

void td_flow_add_rate(struct td_buf *buf, uint64_t count, td_time from, td_time to)
{
	double rate = td_flow_rate(count, from, to);

	if (rate >= 10)
		td_buf_printf(buf, "%.0f/s", rate);
	else if (rate >= 0.1)
		td_buf_printf(buf, "%.1f/s", rate);
	else
		td_buf_printf(buf, "%.1f/min", rate * 60);
}

void td_flow_add_share(struct td_buf *buf, double share)
{
	if (share > 0 && share < 0.01)
		td_buf_add_string(buf, "<1 %");
	else if (share > 0)
		td_buf_printf(buf, "%.0f %%", share * 100);
}
