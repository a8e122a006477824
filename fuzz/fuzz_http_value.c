/*
 * What stands in fields. Views lie inside; tags and hosts, put together again, are what was read;
 * a list has no more elements than commas and one.
 */
#include <stdint.h>

#include "base/base.h"
#include "wire/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct td_text part, struct td_text whole)
{
	TD_ASSERT(part.at == NULL ||
		  (part.at >= whole.at && part.at + part.len <= whole.at + whole.len));
}

static void try_list(struct td_text value)
{
	struct td_text rest = value, element;
	size_t commas = 0, count = 0;

	for (size_t i = 0; i < value.len; i++)
		commas += value.at[i] == ',';
	while (td_http_list_next(&rest, &element)) {
		check_inside(element, value);
		TD_ASSERT(element.len > 0 && ++count <= commas + 1);
	}
}

static void write_tag(struct td_buf *buf, const struct td_http_tag *tag)
{
	td_buf_add_string(buf, buf->len > 0 ? ", " : "");
	td_buf_add_string(buf, tag->weak ? "W/" : "");
	td_buf_add_string(buf, tag->any ? "*" : "\"");
	td_buf_add_text(buf, tag->opaque);
	td_buf_add_string(buf, tag->any ? "" : "\"");
}

static void try_tags(struct td_text value)
{
	struct td_buf once = TD_BUF_INIT(SIZE_MAX / 2), twice = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_text rest = value;
	enum td_http_tags read;
	struct td_http_tag tag;

	while ((read = td_http_tag_next(&rest, &tag)) == TD_HTTP_TAG) {
		check_inside(tag.opaque, value);
		write_tag(&once, &tag);
		if (!tag.any && read == TD_HTTP_TAG)
			td_http_tags_name(value, tag.opaque);
	}
	rest = td_buf_view(&once);
	if (read == TD_HTTP_NO_TAG && once.len > 0) {
		while ((read = td_http_tag_next(&rest, &tag)) == TD_HTTP_TAG)
			write_tag(&twice, &tag);
		TD_ASSERT(read == TD_HTTP_NO_TAG && once.len == twice.len &&
			  memcmp(once.at, twice.at, once.len) == 0);
	}
	td_buf_fini(&once);
	td_buf_fini(&twice);
}

static void try_media(struct td_text value)
{
	struct td_http_media media;

	if (!td_http_media_read(value, &media))
		return;
	TD_ASSERT(media.type.len > 0 && media.subtype.len > 0);
	check_inside(media.parameters, value);
	check_inside(td_http_media_parameter(&media, "q"), value);
	td_http_media_is(&media, "application/json");
}

static void try_accept(struct td_text value)
{
	struct td_buf fields = TD_BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\r' || value.at[i] == '\n')
			return;
	}
	td_buf_add_string(&fields, "Accept: ");
	td_buf_add_text(&fields, value);
	td_buf_add_string(&fields, "\r\n");
	TD_ASSERT(td_http_accepts(td_buf_view(&fields), "application/json") <= 1000);
	td_buf_fini(&fields);
}

static void try_host(struct td_text value)
{
	struct td_http_origin origin;
	struct td_http_host host;

	if (td_http_host_split(value, &host)) {
		TD_ASSERT(host.name.at == value.at && host.name.len > 0 && host.port <= 65535);
		TD_ASSERT(host.name.len == value.len || value.at[host.name.len] == ':');
		td_http_is_loopback(host.name);
	}
	if (td_http_origin_split(value, &origin)) {
		TD_ASSERT(origin.scheme.len + 3 + origin.host.len == value.len);
		TD_ASSERT(td_http_host_split(origin.host, &host));
	}
	td_http_origin_is_loopback(value);
	td_http_is_loopback(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text value = td_text_of(data, size);
	struct td_http_credentials credentials;

	try_list(value);
	try_tags(value);
	try_media(value);
	try_accept(value);
	try_host(value);
	if (td_http_credentials_read(value, &credentials)) {
		check_inside(credentials.scheme, value);
		check_inside(credentials.parameters, value);
	}
	return 0;
}
