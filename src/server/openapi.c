#include <stdio.h>

#include "server/inside.h"
#include "server/ops.h"
#include "server/show.h"

/*
 * The description of all routes, OpenAPI 3.1. Paths, methods, captures, permissions and summaries come
 * from the route table itself, so none is missing and none is extra; what the table does not know,
 * parameters of the query, bodies and forms of answers, is said below. A route that nothing is said
 * of is described all the same.
 */

#ifndef TD_SERVER_VERSION
#error "the version is the build's to say"
#endif

enum body {
	NO_BODY,
	EVENTS, /* one or several, in any form of CloudEvents, or plain JSON */
	LOG,    /* settings of a log */
};

enum answer {
	JSON,
	RECEIPTS,
	BATCH,  /* CloudEvents */
	EVENT,  /* one of them */
	DATA,   /* of an event, as it is */
	STREAM, /* Server-Sent Events */
	METRICS,
	DIAGRAM, /* JSON, or text for a tool that draws */
	PAGE,
};

struct said {
	enum td_http_method method;
	const char *pattern;
	const char *query; /* names, a blank between */
	enum body body;
	enum answer answer;
};

#define SCOPE "log subject type filter select from to limit direction min-position timeout"

static const struct said said_of[] = {
	{TD_HTTP_GET, "/v1/events", SCOPE " wait from-revision to-revision", NO_BODY, BATCH},
	{TD_HTTP_POST, "/v1/events", "log", EVENTS, RECEIPTS},
	{TD_HTTP_GET, "/v1/events/follow", SCOPE, NO_BODY, STREAM},
	{TD_HTTP_GET, "/v1/events/{id}", "source select min-position timeout", NO_BODY, EVENT},
	{TD_HTTP_GET, "/v1/events/{id}/data", "source select min-position timeout", NO_BODY, DATA},
	{TD_HTTP_GET, "/v1/subjects", "pattern log limit min-position timeout", NO_BODY, JSON},
	{TD_HTTP_GET, "/v1/subjects/{subject}@{revision}", "log select at min-position timeout",
		NO_BODY, EVENT},
	{TD_HTTP_GET, "/v1/subjects/{subject}", "log select at min-position timeout", NO_BODY,
		EVENT},
	{TD_HTTP_GET, "/v1/subjects/{subject}/events", SCOPE " wait from-revision to-revision",
		NO_BODY, BATCH},
	{TD_HTTP_POST, "/v1/subjects/{subject}/events", "log", EVENTS, RECEIPTS},
	{TD_HTTP_POST, "/v1/logs", "", LOG, JSON},
	{TD_HTTP_PUT, "/v1/logs/{log}", "", LOG, JSON},
	{TD_HTTP_PATCH, "/v1/logs/{log}", "", LOG, JSON},
	{TD_HTTP_GET, "/v1/flow", "window format", NO_BODY, DIAGRAM},
	{TD_HTTP_GET, "/v1/stories/{correlationid}", "format", NO_BODY, DIAGRAM},
	{TD_HTTP_GET, "/metrics", "", NO_BODY, METRICS},
	{TD_HTTP_GET, "/connz", "offset limit", NO_BODY, JSON},
	{TD_HTTP_GET, "/jsz", "streams accounts", NO_BODY, JSON},
	{TD_HTTP_GET, "/", "", NO_BODY, PAGE},
	{TD_HTTP_GET, "/page/{file}", "", NO_BODY, PAGE},
};
static const struct said nothing_said = {TD_HTTP_GET, "", "", NO_BODY, JSON};

static const struct {
	const char *name, *what;
} parameters[] = {
	{"accounts", "With the logs, too"},
	{"at", "A position or a time: as it was then"},
	{"correlationid", "What the events of a story have in common"},
	{"direction", "forward, from the oldest, or backward"},
	{"file", "The name of a file"},
	{"filter", "An expression of CESQL, or the filter dialects as JSON"},
	{"format", "json, mermaid, dot or text"},
	{"from", "Where it begins: a position, a time or the id of an event"},
	{"from-revision", "With one subject: the first revision"},
	{"id", "The id of an event"},
	{"limit", "So many at most"},
	{"log", "The name of a log"},
	{"min-position", "Wait until the store has come so far"},
	{"offset", "So many are passed over"},
	{"pattern", "A pattern of subjects: * is one token, > the rest"},
	{"revision", "A revision of the subject"},
	{"select", "Fields wanted: attributes, and JSON Pointers into the data, between commas"},
	{"source", "The source of the event, where others have its id, too"},
	{"streams", "With the logs, too"},
	{"subject", "A subject, or a pattern of subjects"},
	{"timeout", "How long to wait for min-position"},
	{"to", "Where it ends, included: a position, a time or the id of an event"},
	{"to-revision", "With one subject: the last revision"},
	{"type", "A type of events"},
	{"wait", "How long to wait for an event where there is none"},
	{"window", "Of how long the map tells: 15m"},
};

static void name(struct td_json_writer *writer, const char *text)
{
	td_json_name(writer, td_text(text));
}

static void text(struct td_json_writer *writer, const char *member, const char *value)
{
	td_show_string(writer, member, td_text(value));
}

static void open(struct td_json_writer *writer, const char *member)
{
	name(writer, member);
	td_json_open_object(writer);
}

static void ref(struct td_json_writer *writer, const char *schema)
{
	char path[64];

	td_json_open_object(writer);
	snprintf(path, sizeof(path), "#/components/schemas/%s", schema);
	text(writer, "$ref", path);
	td_json_close_object(writer);
}

/* --- an operation ------------------------------------------------------------------------- */

static const struct said *find_said(const struct td_route *route)
{
	for (size_t i = 0; i < sizeof(said_of) / sizeof(said_of[0]); i++) {
		if (said_of[i].method == route->method &&
			strcmp(said_of[i].pattern, route->pattern) == 0)
			return &said_of[i];
	}
	return &nothing_said;
}

static void add_parameter(struct td_json_writer *writer, struct td_text called, bool in_path)
{
	const char *what = "";

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		if (td_text_is(called, parameters[i].name))
			what = parameters[i].what;
	}
	td_json_open_object(writer);
	td_show_string(writer, "name", called);
	text(writer, "in", in_path ? "path" : "query");
	if (in_path)
		td_show_bool(writer, "required", true);
	text(writer, "description", what);
	open(writer, "schema");
	text(writer, "type", "string");
	td_json_close_object(writer);
	td_json_close_object(writer);
}

static void add_parameters(
	struct td_json_writer *writer, const char *pattern, const struct said *said)
{
	struct td_text rest = td_text(said->query), called;
	const char *at = pattern;

	name(writer, "parameters");
	td_json_open_array(writer);
	while ((at = strchr(at, '{')) != NULL) {
		size_t len = strcspn(++at, "}");

		add_parameter(writer, td_text_of(at, len), true);
	}
	while (td_conf_word(&rest, &called))
		add_parameter(writer, called, false);
	td_json_close_array(writer);
}

/* One media type of a body or an answer. `schema` NULL: any bytes. */
static void add_media(
	struct td_json_writer *writer, const char *type, const char *schema, bool several)
{
	open(writer, type);
	name(writer, "schema");
	if (schema == NULL) {
		td_json_open_object(writer);
		td_json_close_object(writer);
	} else if (several) {
		td_json_open_object(writer);
		text(writer, "type", "array");
		name(writer, "items");
		ref(writer, schema);
		td_json_close_object(writer);
	} else {
		ref(writer, schema);
	}
	td_json_close_object(writer);
}

static void add_body(struct td_json_writer *writer, enum body body)
{
	if (body == NO_BODY)
		return;
	open(writer, "requestBody");
	td_show_bool(writer, "required", true);
	open(writer, "content");
	if (body == EVENTS) {
		add_media(writer, "application/cloudevents+json", "Event", false);
		add_media(writer, "application/cloudevents-batch+json", "Event", true);
		add_media(writer, "application/json", "Event", false);
		add_media(writer, "*/*", NULL, false); /* binary: attributes in ce- fields */
	} else {
		add_media(writer, "application/json", "Log", false);
	}
	td_json_close_object(writer);
	td_json_close_object(writer);
}

static void add_content(struct td_json_writer *writer, enum answer answer)
{
	open(writer, "content");
	switch (answer) {
	case JSON:
		add_media(writer, "application/json", NULL, false);
		break;
	case RECEIPTS:
		add_media(writer, "application/json", "Receipt", false);
		break;
	case BATCH:
		add_media(writer, "application/cloudevents-batch+json", "Event", true);
		break;
	case EVENT:
		add_media(writer, "application/cloudevents+json", "Event", false);
		break;
	case DATA:
		add_media(writer, "*/*", NULL, false);
		break;
	case STREAM:
		add_media(writer, "text/event-stream", NULL, false);
		break;
	case METRICS:
		add_media(writer, "text/plain", NULL, false);
		add_media(writer, "application/openmetrics-text", NULL, false);
		break;
	case DIAGRAM:
		add_media(writer, "application/json", NULL, false);
		add_media(writer, "text/plain", NULL, false);
		break;
	case PAGE:
		add_media(writer, "text/html", NULL, false);
		break;
	}
	td_json_close_object(writer);
}

static void add_responses(struct td_json_writer *writer, enum answer answer)
{
	open(writer, "responses");
	open(writer, "2XX");
	text(writer, "description", "Done");
	add_content(writer, answer);
	td_json_close_object(writer);
	open(writer, "default");
	text(writer, "description", "What is wrong, as RFC 9457 has it");
	open(writer, "content");
	add_media(writer, TD_HTTP_PROBLEM_TYPE, "Problem", false);
	td_json_close_object(writer);
	td_json_close_object(writer);
	td_json_close_object(writer);
}

/* "get_v1_events_id": small letters and digits, the rest is "_" once. */
static void add_operation_id(struct td_json_writer *writer, const struct td_route *route)
{
	struct td_buf id = TD_BUF_INIT(256);
	const char *method = td_http_method_name(route->method);

	for (; *method != '\0'; method++)
		td_buf_add_char(&id, (char)(*method | 0x20));
	for (const char *at = route->pattern; *at != '\0'; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');

		if (letter)
			td_buf_add_char(&id, *at);
		else if (id.code == 0 && id.len > 0 && id.at[id.len - 1] != '_')
			td_buf_add_char(&id, '_');
	}
	while (id.len > 0 && id.at[id.len - 1] == '_')
		id.len--;
	td_show_string(writer, "operationId", td_buf_view(&id));
	td_buf_fini(&id);
}

static void add_security(struct td_json_writer *writer, enum td_permission permission)
{
	static const char *const permissions[] = {"anybody", "read", "publish", "manage"};
	static const char *const schemes[] = {"bearer", "basic", "certificate"};

	text(writer, "x-permission", permissions[permission]);
	name(writer, "security");
	td_json_open_array(writer);
	/* Where there are no users, nothing is asked for: an empty one says that it may be so. */
	td_json_open_object(writer);
	td_json_close_object(writer);
	for (size_t i = 0; permission != TD_MAY_ANYBODY && i < 3; i++) {
		td_json_open_object(writer);
		name(writer, schemes[i]);
		td_json_open_array(writer);
		td_json_close_array(writer);
		td_json_close_object(writer);
	}
	td_json_close_array(writer);
}

static void add_operation(struct td_json_writer *writer, const struct td_route *route)
{
	const struct said *said = find_said(route);
	struct td_buf method = TD_BUF_INIT(16);

	for (const char *at = td_http_method_name(route->method); *at != '\0'; at++)
		td_buf_add_char(&method, (char)(*at | 0x20));
	td_json_name(writer, td_buf_view(&method));
	td_buf_fini(&method);
	td_json_open_object(writer);
	text(writer, "summary", route->summary);
	add_operation_id(writer, route);
	add_parameters(writer, route->pattern, said);
	add_body(writer, said->body);
	add_responses(writer, said->answer);
	add_security(writer, route->permission);
	td_json_close_object(writer);
}

/* --- the document ------------------------------------------------------------------------- */

/* Rows of one pattern stand together: the table is held to it. */
static void add_paths(struct td_json_writer *writer, const struct td_routes *tables, size_t count)
{
	const char *path = NULL;

	open(writer, "paths");
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < tables[i].count; j++) {
			const struct td_route *route = &tables[i].rows[j];

			if (path == NULL || strcmp(path, route->pattern) != 0) {
				if (path != NULL)
					td_json_close_object(writer);
				path = route->pattern;
				open(writer, path);
			}
			add_operation(writer, route);
		}
	}
	if (path != NULL)
		td_json_close_object(writer);
	td_json_close_object(writer);
}

static void add_codes(struct td_buf *buf)
{
	const char *comma = "";

#define CODE(row, number, slug, http, exit, meaning) \
	td_buf_printf(buf, "%s\"%s\"", comma, slug); \
	comma = ",";
	TD_ERROR_TABLE(CODE)
#undef CODE
}

/* What is the same in every document, as it stands. */
static const char schemas_json[] =
	"\"Event\":{\"type\":\"object\",\"description\":\"A CloudEvents 1.0 event; of what is "
	"read, "
	"tdlog, tdseq, tdrevision and tdposition say where it stands\",\"properties\":{"
	"\"specversion\":{\"type\":\"string\"},\"id\":{\"type\":\"string\"},"
	"\"source\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"},"
	"\"subject\":{\"type\":\"string\"},\"time\":{\"type\":\"string\",\"format\":\"date-time\"},"
	"\"datacontenttype\":{\"type\":\"string\"},\"data\":{},"
	"\"data_base64\":{\"type\":\"string\",\"contentEncoding\":\"base64\"}},"
	"\"required\":[\"type\"],\"additionalProperties\":true},"
	"\"Receipt\":{\"type\":\"object\",\"description\":\"Where an event stands, or each of "
	"several\",\"properties\":{\"id\":{\"type\":\"string\"},\"log\":{\"type\":\"string\"},"
	"\"seq\":{\"type\":\"integer\"},\"revision\":{\"type\":\"integer\"},"
	"\"position\":{\"type\":\"integer\"},\"duplicate\":{\"type\":\"boolean\"}},"
	"\"additionalProperties\":true},"
	"\"Log\":{\"type\":\"object\",\"description\":\"Settings of a log\",\"properties\":{"
	"\"name\":{\"type\":\"string\"},\"subjects\":{\"type\":\"array\",\"items\":{"
	"\"type\":\"string\"}}},\"additionalProperties\":true},";

static const char schemes_json[] = "{\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"},"
				   "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
				   "\"certificate\":{\"type\":\"mutualTLS\"}}";

static void add_components(struct td_json_writer *writer)
{
	struct td_buf schemas = TD_BUF_INIT(65536);

	td_buf_add_char(&schemas, '{');
	td_buf_add_string(&schemas, schemas_json);
	td_buf_add_string(&schemas,
		"\"Problem\":{\"type\":\"object\",\"description\":\"A problem document, RFC "
		"9457\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":"
		"\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
		"\"code\":{\"type\":\"string\",\"enum\":[");
	add_codes(&schemas);
	td_buf_add_string(&schemas, "]}},\"additionalProperties\":true}}");
	open(writer, "components");
	name(writer, "schemas");
	td_json_raw(writer, schemas.code == 0 ? td_buf_view(&schemas) : td_text("{}"));
	name(writer, "securitySchemes");
	td_json_raw(writer, td_text(schemes_json));
	td_json_close_object(writer);
	td_buf_fini(&schemas);
}

void td_openapi_write(const struct td_routes *tables, size_t count, struct td_buf *buf)
{
	struct td_json_writer writer;

	td_json_writer_init(&writer, buf);
	td_json_open_object(&writer);
	text(&writer, "openapi", "3.1.0");
	open(&writer, "info");
	text(&writer, "title", "Tidings");
	text(&writer, "summary", "An event bus, an event store and a broker");
	text(&writer, "version", TD_SERVER_VERSION);
	open(&writer, "license");
	text(&writer, "name", "Apache-2.0");
	text(&writer, "identifier", "Apache-2.0");
	td_json_close_object(&writer);
	td_json_close_object(&writer);
	add_paths(&writer, tables, count);
	add_components(&writer);
	td_json_close_object(&writer);
	td_buf_add_char(buf, '\n');
}
