#include "wire/http/value.h"

#include <strings.h>

#include "wire/http/reader.h"
#include "wire/http/scan.h"

/* --- lists -------------------------------------------------------------------------------- */

/* Up to the next `stop` outside of quotes; `end` if there is none. */
static const char *find_unquoted(const char *at, const char *end, char stop)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (!quoted && *at == stop)
			break;
	}
	return at;
}

bool td_http_list_next(struct td_text *rest, struct td_text *element)
{
	while (rest->len > 0) {
		const char *end = rest->at + rest->len;
		const char *comma = find_unquoted(rest->at, end, ',');

		*element = td_http_trim(rest->at, comma);
		*rest = comma < end ? td_text_of(comma + 1, (size_t)(end - comma - 1))
				    : td_text(NULL);
		if (element->len > 0)
			return true;
	}
	return false;
}

/* --- entity tags -------------------------------------------------------------------------- */

/* etagc: no blank, no quote; a backslash is a byte like others. */
static bool is_opaque(struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] <= 0x20 || text.at[i] == '"' || text.at[i] == 0x7F)
			return false;
	}
	return true;
}

/* The tag at the beginning of *rest, with its quotes. */
static bool read_tag(struct td_text *rest, struct td_http_tag *tag)
{
	const char *at = rest->at, *end = at + rest->len, *quote;

	*tag = (struct td_http_tag){0};
	if (end - at >= 2 && at[0] == 'W' && at[1] == '/') {
		tag->weak = true;
		at += 2;
	}
	if (at == end || *at++ != '"')
		return false;
	quote = at < end ? memchr(at, '"', (size_t)(end - at)) : NULL;
	if (quote == NULL)
		return false;
	tag->opaque = td_text_of(at, (size_t)(quote - at));
	*rest = td_http_trim(quote + 1, end);
	return is_opaque(tag->opaque);
}

/* Tags may hold commas: so they are read, not split. */
enum td_http_tags td_http_tag_next(struct td_text *rest, struct td_http_tag *tag)
{
	struct td_text left;

	if (rest->at == NULL)
		return TD_HTTP_NO_TAG;
	left = td_http_trim(rest->at, rest->at + rest->len);
	if (td_text_is(left, "*")) {
		*tag = (struct td_http_tag){.any = true};
		*rest = td_text(NULL);
		return TD_HTTP_TAG;
	}
	if (left.len == 0 || !read_tag(&left, tag))
		return TD_HTTP_TAG_WRONG;
	*rest = td_text(NULL);
	if (left.len == 0)
		return TD_HTTP_TAG;
	if (left.at[0] != ',')
		return TD_HTTP_TAG_WRONG;
	left = td_http_trim(left.at + 1, left.at + left.len);
	if (left.len == 0 || left.at[0] == '*') /* "*" is no tag of a list */
		return TD_HTTP_TAG_WRONG;
	*rest = left;
	return TD_HTTP_TAG;
}

bool td_http_tag_number(const struct td_http_tag *tag, uint64_t *number)
{
	return !tag->any && !tag->weak && td_http_number(tag->opaque, 19, number);
}

bool td_http_tags_name(struct td_text value, struct td_text opaque)
{
	bool named = false;

	for (;;) {
		struct td_http_tag tag;

		switch (td_http_tag_next(&value, &tag)) {
		case TD_HTTP_NO_TAG:
			return named;
		case TD_HTTP_TAG_WRONG:
			return false;
		case TD_HTTP_TAG:
			named = named || tag.any || td_text_equal(tag.opaque, opaque);
		}
	}
}

/* --- media types -------------------------------------------------------------------------- */

bool td_http_media_read(struct td_text text, struct td_http_media *media)
{
	const char *at = text.at, *end = at + text.len, *start = at;

	if (text.len == 0)
		return false;
	at += td_http_span(at, end, TD_HTTP_TOKEN);
	if (at == start || at == end || *at != '/')
		return false;
	media->type = td_text_of(start, (size_t)(at - start));
	start = ++at;
	at += td_http_span(at, end, TD_HTTP_TOKEN);
	media->subtype = td_text_of(start, (size_t)(at - start));
	media->parameters = td_http_trim(at, end);
	return at > start && (media->parameters.len == 0 || media->parameters.at[0] == ';');
}

bool td_http_media_is(const struct td_http_media *media, const char *type)
{
	const char *slash = strchr(type, '/');
	size_t len = (size_t)(slash - type);

	TD_ASSERT(slash != NULL);
	return media->type.len == len && strncasecmp(media->type.at, type, len) == 0 &&
	       td_http_is_word(media->subtype, slash + 1);
}

static struct td_text unquoted(struct td_text value)
{
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		return td_text_of(value.at + 1, value.len - 2);
	return value;
}

struct td_text td_http_media_parameter(const struct td_http_media *media, const char *name)
{
	const char *at = media->parameters.at, *end = at + media->parameters.len;

	while (at < end) {
		const char *stop = find_unquoted(++at, end, ';'), *equals;

		equals = memchr(at, '=', (size_t)(stop - at));
		if (equals != NULL && td_http_is_word(td_http_trim(at, equals), name))
			return unquoted(td_http_trim(equals + 1, stop));
		at = stop;
	}
	return td_text(NULL);
}

/* --- Accept ------------------------------------------------------------------------------- */

/* "0", "1", "0.5": up to three digits, RFC 9110, section 12.4.2. */
static bool read_weight(struct td_text text, unsigned *weight)
{
	unsigned value = 0, place = 100;

	if (text.at == NULL) {
		*weight = 1000;
		return true;
	}
	if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1') ||
		(text.len > 1 && text.at[1] != '.'))
		return false;
	for (size_t i = 2; i < text.len; i++, place /= 10) {
		if (!td_http_is(text.at[i], TD_HTTP_DIGIT))
			return false;
		value += place * (unsigned)(text.at[i] - '0');
	}
	*weight = text.at[0] == '1' ? 1000 : value;
	return text.at[0] == '0' || value == 0;
}

/* How exact a range is: 3 the type itself, 2 "application/...", 1 all, 0 not this one. */
static unsigned exactness(const struct td_http_media *range, const char *type)
{
	size_t len = (size_t)(strchr(type, '/') - type);

	if (td_text_is(range->subtype, "*")) {
		if (td_text_is(range->type, "*"))
			return 1;
		return range->type.len == len && strncasecmp(range->type.at, type, len) == 0 ? 2
											     : 0;
	}
	return td_http_media_is(range, type) ? 3 : 0;
}

/* A range of Accept and what it says of the type; false: it cannot be read. */
static bool weigh(struct td_text element, const char *type, unsigned *exact, unsigned *weight)
{
	struct td_http_media range;
	unsigned here, its;

	if (!td_http_media_read(element, &range) ||
		!read_weight(td_http_media_parameter(&range, "q"), &its))
		return false;
	here = exactness(&range, type);
	if (here > *exact || (here == *exact && here > 0 && its > *weight)) {
		*exact = here;
		*weight = its;
	}
	return true;
}

unsigned td_http_accepts(struct td_text fields, const char *type)
{
	unsigned exact = 0, weight = 0;
	struct td_http_header field;
	bool any = false;

	while (td_http_field_next(&fields, &field)) {
		struct td_text element;

		if (!td_http_is_word(field.name, "accept"))
			continue;
		while (td_http_list_next(&field.value, &element))
			any = weigh(element, type, &exact, &weight) || any;
	}
	return any ? weight : 1000;
}

/* --- credentials -------------------------------------------------------------------------- */

bool td_http_credentials_read(struct td_text value, struct td_http_credentials *credentials)
{
	const char *at = value.at, *end = at + value.len;
	size_t len = value.len > 0 ? td_http_span(at, end, TD_HTTP_TOKEN) : 0;

	if (len == 0 || (at + len < end && at[len] != ' '))
		return false;
	credentials->scheme = td_text_of(at, len);
	credentials->parameters = td_http_trim(at + len, end);
	return true;
}
