#include "cli/fetch.h"

#include <string.h>

#include "flow/flow.h"
#include "sys/sys.h"

/*
 * tidings story ID, tidings flow: who causes what. A server shows them itself; a store on this machine's disk
 * is read here, by the same reader and writers.
 */

/* --- a store ------------------------------------------------------------------------------ */

/* A store to look at: 0, or the exit code. `taps` may be NULL. */
static int open_store(const struct td_cli *cli, const char *url, const struct td_tap *tap,
	struct td_store **store)
{
	const struct td_store_options options = {.journal = {.disk = &td_disk_real,
							 .clock = &td_clock_real,
							 .random = &td_random_real,
							 .read_only = true},
		.taps = tap,
		.taps_count = tap != NULL ? 1 : 0};
	struct td_error err = TD_ERROR_INIT;
	struct td_recovery report;

	if (td_store_open(store, url + 5, &options, &report, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "%s cannot be opened", url);
	return 0;
}

static int put(const struct td_cli *cli, const struct td_buf *buf)
{
	struct td_error err = TD_ERROR_INIT;

	if (td_buf_check(buf, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "it cannot be shown");
	if (buf->len > 0) {
		fwrite(buf->at, 1, buf->len, stdout);
		if (buf->at[buf->len - 1] != '\n')
			putchar('\n');
	}
	return 0;
}

/* --json, --mermaid, --dot, or text. 0, or the exit code. */
static int format_of(const struct td_cli *cli, enum td_flow_format *format, const char **name)
{
	bool mermaid = td_cli_flag(cli, "mermaid"), dot = td_cli_flag(cli, "dot");

	*name = cli->json ? "json" : mermaid ? "mermaid" : dot ? "dot" : "text";
	if (cli->json + mermaid + dot > 1)
		return td_cli_refuse(cli, TD_E_INVALID, "one of --json, --mermaid and --dot",
			"it can be shown in one way only");
	*format = cli->json ? TD_FLOW_JSON
		  : mermaid ? TD_FLOW_MERMAID
		  : dot     ? TD_FLOW_DOT
			    : TD_FLOW_TEXT;
	return 0;
}

static bool is_file(const char *url)
{
	return strncmp(url, "file:", 5) == 0;
}

/* --- a story ------------------------------------------------------------------------------ */

/*
 * The story of an event's id, of a subject's latest event, or of a correlation; looked for in that order.
 * *story is a C string.
 */
static int story_of(const struct td_cli *cli, const char *word, struct td_buf *story)
{
	struct td_event *event = NULL;
	struct td *td;
	int code = td_cli_open(cli, &td, TD_CLI_LOOK);

	if (code != 0)
		return code;
	if (td_find(td, word, NULL, &event, NULL, NULL) != 0)
		td_latest(td, NULL, word, &event, NULL, NULL);
	if (td_event_correlation(event).at != NULL)
		td_buf_add_text(story, td_event_correlation(event));
	else
		td_buf_add_string(story, word);
	td_buf_add_char(story, '\0');
	td_event_unref(event);
	td_close(td);
	return td_buf_check(story, NULL) != 0 ? td_cli_refuse(cli, TD_E_NOMEM, NULL, "story") : 0;
}

static int no_story(const struct td_cli *cli, const char *word)
{
	return td_cli_refuse(cli, TD_E_NOT_FOUND,
		"tidings show SUBJECT      says the correlationid of an event",
		"there is no story of \"%s\"", word);
}

/* All pages of it. */
static int story_of_store(const struct td_cli *cli, struct td_store *store, const char *correlation,
	enum td_flow_format format)
{
	struct td_story_options options = {.max = TD_STORY_PAGE_MAX};
	uint64_t events = 0;
	int code = 0;

	do {
		struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
		struct td_error err = TD_ERROR_INIT;
		struct td_story story;

		if (td_story_read(&story, store, td_text(correlation), &options, &err) != 0)
			return td_cli_fail(cli, &err, NULL, "story");
		options.from = story.next;
		events += story.count;
		if (story.count > 0) {
			td_story_write(&story, format, &buf);
			code = put(cli, &buf);
		}
		td_story_fini(&story);
		td_buf_fini(&buf);
	} while (code == 0 && options.from != 0);
	return code == 0 && events == 0 ? no_story(cli, correlation) : code;
}

static int story(struct td_cli *cli)
{
	struct td_buf correlation = TD_BUF_INIT(65536), target = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_buf body = TD_BUF_INIT(SIZE_MAX / 2);
	const char *url = td_cli_url(cli), *name = "text";
	enum td_flow_format format = TD_FLOW_TEXT;
	struct td_store *store;
	int code = format_of(cli, &format, &name);

	if (code == 0)
		code = story_of(cli, td_cli_word(cli, 0), &correlation);
	if (code == 0 && is_file(url)) {
		code = open_store(cli, url, NULL, &store);
		if (code == 0) {
			code = story_of_store(cli, store, correlation.at, format);
			td_store_abandon(store);
		}
	} else if (code == 0) {
		td_buf_add_string(&target, "/v1/stories/");
		td_cli_fetch_escape(&target, td_text(correlation.at));
		td_buf_printf(&target, "?limit=%u&format=%s", TD_STORY_PAGE_MAX, name);
		td_buf_add_char(&target, '\0');
		code = td_cli_fetch(cli, url, target.at, &body);
		if (code == 0)
			code = put(cli, &body);
	}
	td_buf_fini(&correlation);
	td_buf_fini(&target);
	td_buf_fini(&body);
	return code;
}

/* --- the map ------------------------------------------------------------------------------ */

static int map_of_store(const struct td_cli *cli, const char *url, enum td_flow_format format)
{
	const struct td_flow_options options = {.seed = 1};
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_error err = TD_ERROR_INIT;
	struct td_store *store = NULL;
	struct td_flow_map map;
	struct td_flow *flow;
	struct td_tap tap;
	int code = td_flow_new(&flow, &options, &err);

	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "flow");
	tap = td_flow_tap(flow);
	code = open_store(cli, url, &tap, &store);
	if (code == 0) {
		code = td_flow_attach(flow, store, TD_FLOW_RECENT_MAX, &err);
		if (code == 0)
			code = td_flow_map_read(&map, flow, cli->now,
				(int64_t)td_cli_number(cli, "window", 0), &err);
		if (code == 0) {
			td_flow_map_write(&map, format, &buf);
			td_flow_map_fini(&map);
			code = put(cli, &buf);
		} else {
			code = td_cli_fail(cli, &err, NULL, "flow");
		}
		td_store_abandon(store);
	}
	td_flow_free(flow);
	td_buf_fini(&buf);
	return code;
}

static int flow(struct td_cli *cli)
{
	uint64_t window = td_cli_number(cli, "window", 0);
	struct td_buf body = TD_BUF_INIT(SIZE_MAX / 2);
	const char *url = td_cli_url(cli), *name = "text";
	enum td_flow_format format = TD_FLOW_TEXT;
	char target[128];
	int code = format_of(cli, &format, &name);

	if (code == 0 && (window < TD_FLOW_WINDOW_MIN_MS || window > TD_FLOW_WINDOW_MAX_MS))
		code = td_cli_refuse(cli, TD_E_INVALID, "--window 15m", "--window: from 10s to 1h");
	if (code == 0 && is_file(url)) {
		code = map_of_store(cli, url, format);
	} else if (code == 0) {
		snprintf(target, sizeof(target), "/v1/flow?window=%llus&format=%s",
			(unsigned long long)(window + 999) / 1000, name);
		code = td_cli_fetch(cli, url, target, &body);
		if (code == 0)
			code = put(cli, &body);
	}
	td_buf_fini(&body);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "mermaid", .kind = TD_CLI_FLAG, .what = "as a Mermaid diagram, for documents"},
	{.name = "dot", .kind = TD_CLI_FLAG, .what = "as a graph for Graphviz"},
	{.name = "window",
		.letter = 'w',
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.fallback = "15m",
		.what = "what of the last so long: from 10s to 1h"},
};

const struct td_cli_verb td_cli_verb_story = {
	.name = "story",
	.line = "Show what caused what, from an event on",
	.group = TD_CLI_EVENTS,
	.first = true,
	.words = "ID|SUBJECT",
	.words_min = 1,
	.words_max = 1,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = 2,
	.more = "A story is all events of one correlation, as a tree by what caused them. ID is "
		"the id of one "
		"of its events, or the correlation itself; of a SUBJECT it is the story of its "
		"latest event.",
	.examples = {"tidings story order.42", "tidings story 019ace5e-0000-7000-8000-000000000000",
		"tidings story 019ace5e-0000-7000-8000-000000000000 --mermaid"},
	.run = story,
};

const struct td_cli_verb td_cli_verb_flow = {
	.name = "flow",
	.line = "Show which types of events cause which, how often and how soon",
	.group = TD_CLI_EVENTS,
	.words = "",
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = 3,
	.more = "The map is learned from what is stored: for each type what it causes, its share, "
		"and the "
		"time from cause to effect.",
	.examples = {"tidings flow", "tidings flow --window 1h --mermaid",
		"tidings flow --dot | dot -Tsvg >flow.svg"},
	.run = flow,
};
