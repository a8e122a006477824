#include "wire/http/problem.h"

#include "wire/http/error.h"

static void member(struct td_json_writer *writer, const char *name, const char *value)
{
	td_json_name(writer, td_text(name));
	td_json_string(writer, td_text(value));
}

void td_http_open_problem(
	struct td_json_writer *writer, struct td_buf *buf, const struct td_error *err)
{
	const char *slug = td_error_name(err->code);
	char type[64] = "/errors/";

	TD_ASSERT(strlen(slug) + strlen(type) < sizeof(type));
	memcpy(type + strlen(type), slug, strlen(slug) + 1);
	td_json_writer_init(writer, buf);
	td_json_open_object(writer);
	member(writer, "type", type);
	member(writer, "title", td_error_meaning(err->code));
	td_json_name(writer, td_text("status"));
	td_json_i64(writer, td_error_http(err->code));
	member(writer, "code", slug);
	if (err->text[0] != '\0')
		member(writer, "detail", err->text);
	if (err->offset == TD_NO_OFFSET)
		return;
	td_json_name(writer, td_text("offset"));
	td_json_u64(writer, err->offset);
}

/* RFC 9457, section 4.2.1: with about:blank the title is the status' phrase. */
void td_http_add_problem(struct td_buf *buf, int status, struct td_text detail)
{
	struct td_json_writer writer;

	td_json_writer_init(&writer, buf);
	td_json_open_object(&writer);
	member(&writer, "type", "about:blank");
	member(&writer, "title", td_http_phrase(status));
	td_json_name(&writer, td_text("status"));
	td_json_i64(&writer, status);
	if (detail.at != NULL) {
		td_json_name(&writer, td_text("detail"));
		td_json_string(&writer, detail);
	}
	td_json_close_object(&writer);
}
