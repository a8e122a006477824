/*
 * What stands in fields: lists, entity tags, media types, credentials. Views of the value; what a
 * field's grammar does not allow is told, never guessed at.
 */
#ifndef TD_WIRE_HTTP_VALUE_H
#define TD_WIRE_HTTP_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tidings/text.h"

/*
 * The next element of a list, between commas that are not in quotes; empty ones are passed over
 * (RFC 9110, section 5.6.1). *rest begins as the value. false at the end.
 */
bool td_http_list_next(struct td_text *rest, struct td_text *element);

/* --- entity tags, RFC 9110, section 8.8.3 ------------------------------------------------- */

struct td_http_tag {
	bool any;              /* "*" */
	bool weak;             /* W/"..." */
	struct td_text opaque; /* without its quotes */
};

enum td_http_tags {
	TD_HTTP_NO_TAG,
	TD_HTTP_TAG,
	TD_HTTP_TAG_WRONG,
};

/*
 * The next tag of If-Match or If-None-Match (sections 13.1.1, 13.1.2); *rest begins as the value.
 * "*" stands alone, and a value has one tag at least: the first call answers no NO_TAG.
 */
enum td_http_tags td_http_tag_next(struct td_text *rest, struct td_http_tag *tag);
/* Whether it is strong and a number as we write them ("7"): a revision. */
bool td_http_tag_number(const struct td_http_tag *tag, uint64_t *number);
/*
 * Whether the value of If-None-Match names the tag `opaque`, or any: weak comparison, section
 * 8.8.3.2. false also of a value that is wrong.
 */
bool td_http_tags_name(struct td_text value, struct td_text opaque);

/* --- media types, RFC 9110, section 8.3.1 ------------------------------------------------- */

struct td_http_media {
	struct td_text type, subtype;
	struct td_text parameters; /* what stands behind, from the first ";" on */
};

/* Of Content-Type, and of one element of Accept, where both or the subtype may be "*". */
bool td_http_media_read(struct td_text text, struct td_http_media *media);
/* Names in any case: "application/json". */
bool td_http_media_is(const struct td_http_media *media, const char *type);
/* A parameter by its name in small letters; quotes taken off, escapes left. Absent: none. */
struct td_text td_http_media_parameter(const struct td_http_media *media, const char *name);

/*
 * How much a client wants a type, 0 to 1000, by all Accept fields of a head (section 12.5.1): the
 * most exact range that has it decides. 1000 without Accept, and of Accept that cannot be read.
 */
unsigned td_http_accepts(struct td_text fields, const char *type);

/* --- credentials, RFC 9110, section 11.4 -------------------------------------------------- */

struct td_http_credentials {
	struct td_text scheme;     /* "Bearer", in any case */
	struct td_text parameters; /* a token68 or a list, not looked at; may be empty */
};
/* The value of Authorization. */
bool td_http_credentials_read(struct td_text value, struct td_http_credentials *credentials);

#endif
