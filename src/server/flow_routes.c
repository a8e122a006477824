#include "server/flow_routes.h"

#include <stdlib.h>

#include "flow/flow.h"
#include "server/inside.h"

/*
 * GET /v1/flow: the map of what the tap has heard, read at once and written beside the loop. GET
 * /v1/stories/{correlationid}: a page of a story, read beside the loop. doc/flow.md says what is shown.
 */

#define ANSWER_BYTES_MAX (32u << 20)
#define STORED_MAX       (1u << 18) /* events that are read at the start for the map */

/* --- begin and end ------------------------------------------------------------------------ */

int td_server_flow_new(struct td_server *server, struct td_error *err)
{
	struct td_flow_options options = {0};

	server->seams.random->fill(server->seams.random->arg, &options.seed, sizeof(options.seed));
	return td_flow_new(&server->flow, &options, err);
}

int td_server_flow_attach(struct td_server *server, struct td_error *err)
{
	return td_flow_attach(server->flow, server->store, STORED_MAX, err);
}

/* --- both --------------------------------------------------------------------------------- */

static int read_format(
	const struct td_exchange *x, enum td_flow_format *format, struct td_error *err)
{
	struct td_text text = {NULL, 0};
	int code = td_exchange_parameter(x, "format", &text, err);

	*format = TD_FLOW_JSON;
	if (code != 0 || text.at == NULL || td_flow_format_find(text, format))
		return code;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"format: %.*s is none of json, mermaid, dot, text", TD_TEXT_ARG(text));
}

static int answer_with(struct td_exchange *x, const struct td_buf *buf, enum td_flow_format format,
	struct td_error *err)
{
	int code = td_buf_check(buf, err);

	if (code == 0)
		td_answer(x, 200, td_flow_format_media(format), td_buf_view(buf));
	return code;
}

/* --- the map ------------------------------------------------------------------------------ */

static int read_window(const struct td_exchange *x, int64_t *window_ms, struct td_error *err)
{
	int code;

	*window_ms = TD_FLOW_WINDOW_DEFAULT_MS;
	code = td_exchange_duration(x, "window", window_ms, err);
	if (code == 0 && (*window_ms < TD_FLOW_WINDOW_MIN_MS || *window_ms > TD_FLOW_WINDOW_MAX_MS))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "window: between 10s and 1h");
	return code;
}

/* A map that was read, to be written beside the loop: a full one is megabytes. */
struct drawing {
	struct td_flow_map map;
	enum td_flow_format format;
	struct td_buf buf;
};

static void drawing_free(struct drawing *drawing)
{
	td_flow_map_fini(&drawing->map);
	td_buf_fini(&drawing->buf);
	free(drawing);
}

static void draw(void *arg)
{
	struct drawing *drawing = arg;

	td_flow_map_write(&drawing->map, drawing->format, &drawing->buf);
}

static int drawn(struct td_exchange *x, void *arg, struct td_error *err)
{
	struct drawing *drawing = arg;
	int code = 0;

	if (x->session != NULL)
		code = answer_with(x, &drawing->buf, drawing->format, err);
	drawing_free(drawing);
	return code;
}

/* Types and rates of everything are shown: who may not read everything may not see them. */
static int may_see(const struct td_exchange *x, struct td_error *err)
{
	if (td_identity_may_everything(x->identity, TD_MAY_READ))
		return 0;
	return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET,
		"the map is of all events: it is for who may read all");
}

static int show_flow(struct td_exchange *x, struct td_error *err)
{
	static const char *const names[] = {"window", "format", "min-position", "timeout", NULL};
	struct drawing *drawing = calloc(1, sizeof(*drawing));
	int64_t window_ms;
	int code;

	if (drawing == NULL)
		return td_error_nomem(err);
	td_buf_init(&drawing->buf, ANSWER_BYTES_MAX);
	code = td_exchange_only(x, names, err);
	if (code == 0)
		code = read_window(x, &window_ms, err);
	if (code == 0)
		code = read_format(x, &drawing->format, err);
	if (code == 0)
		code = may_see(x, err);
	if (code == 0)
		code = td_flow_map_read(
			&drawing->map, x->server->flow, x->server->wall, window_ms, err);
	if (code == 0)
		code = td_exchange_run(x, draw, drawn, drawing, err);
	if (code != 0)
		drawing_free(drawing);
	return code;
}

/* --- stories ------------------------------------------------------------------------------ */

struct telling {
	struct td_store *store;
	const struct td_identity *identity;
	char *correlation;
	size_t correlation_bytes;
	struct td_story_options options;
	enum td_flow_format format;
	struct td_buf buf;
	int code;
	struct td_error err;
};

static bool may_read(void *arg, struct td_text address)
{
	const struct telling *telling = arg;

	return td_identity_may(telling->identity, TD_MAY_READ, address);
}

static void tell(void *arg)
{
	struct telling *telling = arg;
	struct td_story story;

	telling->code = td_story_read(&story, telling->store,
		td_text_of(telling->correlation, telling->correlation_bytes), &telling->options,
		&telling->err);
	if (telling->code != 0)
		return;
	td_story_write(&story, telling->format, &telling->buf);
	td_story_fini(&story);
}

static void telling_free(struct telling *telling)
{
	td_identity_unref(telling->identity);
	td_buf_fini(&telling->buf);
	free(telling->correlation);
	free(telling);
}

static int told(struct td_exchange *x, void *arg, struct td_error *err)
{
	struct telling *telling = arg;
	int code = telling->code;

	if (x->session != NULL && code == 0)
		code = answer_with(x, &telling->buf, telling->format, err);
	else if (code != 0)
		*err = telling->err;
	telling_free(telling);
	return x->session != NULL ? code : 0;
}

static int read_page(
	const struct td_exchange *x, struct td_story_options *options, struct td_error *err)
{
	uint64_t limit = TD_STORY_PAGE_DEFAULT;
	int code = td_exchange_u64(x, "from", &options->from, err);

	if (code == 0)
		code = td_exchange_u64(x, "limit", &limit, err);
	if (code == 0 && (limit == 0 || limit > TD_STORY_PAGE_MAX))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "limit: between 1 and %u",
			TD_STORY_PAGE_MAX);
	options->max = (uint32_t)limit;
	return code;
}

static struct telling *telling_new(struct td_exchange *x, struct td_error *err)
{
	struct td_text correlation = td_exchange_captured(x, 0);
	struct telling *telling = calloc(1, sizeof(*telling));

	if (telling == NULL) {
		td_error_nomem(err);
		return NULL;
	}
	telling->store = x->server->store;
	telling->identity = td_identity_ref(x->identity);
	telling->options.may = may_read;
	telling->options.arg = telling;
	telling->err = (struct td_error)TD_ERROR_INIT;
	td_buf_init(&telling->buf, ANSWER_BYTES_MAX);
	telling->correlation_bytes = correlation.len;
	telling->correlation = malloc(correlation.len + 1);
	if (telling->correlation == NULL) {
		td_error_nomem(err);
		telling_free(telling);
		return NULL;
	}
	td_text_copy(correlation, telling->correlation, correlation.len + 1);
	return telling;
}

static int show_story(struct td_exchange *x, struct td_error *err)
{
	static const char *const names[] = {
		"from", "limit", "format", "min-position", "timeout", NULL};
	struct telling *telling;
	int code = td_exchange_only(x, names, err);

	if (code != 0)
		return code;
	telling = telling_new(x, err);
	if (telling == NULL)
		return TD_E_NOMEM;
	code = read_format(x, &telling->format, err);
	if (code == 0)
		code = read_page(x, &telling->options, err);
	if (code == 0)
		code = td_exchange_run(x, tell, told, telling, err);
	if (code != 0)
		telling_free(telling);
	return code;
}

const struct td_route td_flow_routes[2] = {
	{TD_HTTP_GET, "/v1/flow", TD_MAY_READ, TD_ROUTE_READS, show_flow,
		"Which types of events cause which, over a window"},
	{TD_HTTP_GET, "/v1/stories/{correlationid}", TD_MAY_READ, TD_ROUTE_READS, show_story,
		"The events of a story, as a tree by what caused them"},
};
