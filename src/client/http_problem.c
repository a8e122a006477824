#include "client/http_inside.h"

#include <string.h>

/*
 * What a server refused: a problem document (RFC 9457), whose `code` is the slug of our one table. So an
 * error is the same as in other places, with the server's words.
 */

static int code_of(struct td_json slug)
{
	if (slug.kind != TD_JSON_STRING)
		return 0;
#define ROW(name, number, text, http, exit, meaning) \
	if (td_json_string_is(slug, td_text(text)))  \
		return TD_E_##name;
	TD_ERROR_TABLE(ROW)
#undef ROW
	return 0;
}

bool td_http_status_passes(unsigned status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

/* An answer without a code: of a server that knows no such route, or of something before it. */
static int code_of_status(unsigned status)
{
	switch (status) {
	case 404:
	case 405:
	case 501:
		return TD_E_PLACE;
	case 413:
		return TD_E_TOO_LARGE;
	case 400:
		return TD_E_INVALID;
	default:
		return td_http_status_passes(status) ? TD_E_UNREACHABLE : TD_E_FORMAT;
	}
}

static int tell(int code, unsigned status, struct td_json document, struct td_error *err)
{
	struct td_buf detail = TD_BUF_INIT(TD_ERROR_TEXT_BYTES * 6);
	struct td_json text = td_json_get(document, td_text("detail"));
	uint64_t offset;

	if (text.kind != TD_JSON_STRING)
		text = td_json_get(document, td_text("title"));
	if (text.kind == TD_JSON_STRING)
		td_json_unescape(text, &detail);
	if (detail.code == 0 && detail.len > 0)
		td_error_set(err, code, TD_NO_OFFSET, "%.*s", TD_TEXT_ARG(td_buf_view(&detail)));
	else
		td_error_set(err, code, TD_NO_OFFSET, "the server answered %u: %s", status,
			td_http_phrase((int)status));
	if (err != NULL && td_http_json_u64(td_json_get(document, td_text("offset")), &offset))
		err->offset = (size_t)offset;
	td_buf_fini(&detail);
	return code;
}

int td_http_problem_read(unsigned status, struct td_text fields, struct td_text body,
	struct td_http_problem *problem, struct td_error *err)
{
	struct td_http_problem read = {0, UINT64_MAX, UINT64_MAX};
	struct td_json document = {TD_JSON_NONE, {NULL, 0}};
	struct td_http_media media;
	struct td_text type;

	if (td_http_field(fields, "content-type", &type) == 1 && td_http_media_read(type, &media) &&
		td_http_media_is(&media, TD_HTTP_PROBLEM_TYPE) &&
		td_json_parse(body, 0, &document, NULL) == 0) {
		read.code = code_of(td_json_get(document, td_text("code")));
		td_http_json_u64(td_json_get(document, td_text("revision")), &read.revision);
		td_http_json_u64(td_json_get(document, td_text("index")), &read.index);
	}
	if (read.code == 0)
		read.code = code_of_status(status);
	if (problem != NULL)
		*problem = read;
	return tell(read.code, status, document, err);
}
