#include "server/page.h"

#include <stdio.h>

#include "server/inside.h"

#define POLICY                                                                      \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct td_page_file *file_named(struct td_text name)
{
	for (size_t i = 0; i < td_page_files_count; i++) {
		if (td_text_is(name, td_page_files[i].name))
			return &td_page_files[i];
	}
	return NULL;
}

/* Files are asked for each time, and told as unchanged: an upgrade is seen at once. */
static void add_fields(struct td_http_writer *writer, const struct td_page_file *file)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "\"%s\"", file->tag);
	td_http_write_field(writer, "ETag", td_text(tag));
	td_http_write_field(writer, "Cache-Control", td_text("no-cache"));
	td_http_write_field(writer, "Content-Security-Policy", td_text(POLICY));
	td_http_write_field(writer, "X-Content-Type-Options", td_text("nosniff"));
	td_http_write_field(writer, "Referrer-Policy", td_text("no-referrer"));
}

static int show_file(struct td_exchange *x, struct td_text name, struct td_error *err)
{
	const struct td_page_file *file = file_named(name);
	struct td_http_writer writer;
	struct td_text tags;
	int code = td_exchange_field(x, "if-none-match", &tags, err);

	if (code != 0)
		return code;
	if (file == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no file of this name");
	if (tags.at != NULL && td_http_tags_name(tags, td_text(file->tag))) {
		td_answer_begin(x, &writer, 304);
		add_fields(&writer, file);
		td_answer_end(x, &writer, td_text_of("", 0));
		return 0;
	}
	td_answer_begin(x, &writer, 200);
	td_http_write_field(&writer, "Content-Type", td_text(file->media));
	add_fields(&writer, file);
	td_answer_end(x, &writer, td_text_of(file->bytes, file->len));
	return 0;
}

static int show_page(struct td_exchange *x, struct td_error *err)
{
	return show_file(x, td_text(""), err);
}

static int show_part(struct td_exchange *x, struct td_error *err)
{
	return show_file(x, td_exchange_captured(x, 0), err);
}

const struct td_route td_page_routes[2] = {
	{TD_HTTP_GET, "/", TD_MAY_ANYBODY, 0, show_page, "The live page"},
	{TD_HTTP_GET, "/page/{file}", TD_MAY_ANYBODY, 0, show_part,
		"What the live page is made of"},
};
