/*
 * event: the envelope, addresses, typed events, and what they look like elsewhere.
 *
 * One struct for all events, however they came to be:
 *
 *	lent    made on the publisher's stack by td_event_lend(); its texts are the publisher's,
 *	        its struct too. td_event_ref() makes (once) the kept copy that all share.
 *	kept    one reference-counted block: the struct, and all texts and the data behind it.
 *
 * A handler cannot tell one from the other. Nothing here reads a clock or draws a number: times
 * and ids come in as values (struct td_origin).
 */
#ifndef TD_EVENT_H
#define TD_EVENT_H

#include "base/base.h"
#include "event/traceparent.h"
#include "json/json.h"
#include "tidings/event.h"
#include "tidings/typed.h"

#include <stdatomic.h>

/* The names this library knows, in the order codecs write them. All others are `more`. */
/* clang-format off */
#define TD_ATTR_TABLE(X) \
	X(ID,              "id") \
	X(SOURCE,          "source") \
	X(TYPE,            "type") \
	X(SUBJECT,         "subject") \
	X(TIME,            "time") \
	X(DATACONTENTTYPE, "datacontenttype") \
	X(DATASCHEMA,      "dataschema") \
	X(CORRELATIONID,   "correlationid") \
	X(CAUSATIONID,     "causationid") \
	X(TRACEPARENT,     "traceparent") \
	X(TRACESTATE,      "tracestate") \
	X(PARTITIONKEY,    "partitionkey") \
	X(DATAREF,         "dataref") \
	X(SCHEMAVERSION,   "schemaversion") \
	X(RECORDEDTIME,    "recordedtime") \
	X(AUTHID,          "authid") \
	X(CORRECTS,        "corrects")
/* clang-format on */

enum td_attr {
#define TD_ATTR_ENUM(name, text) TD_ATTR_##name,
	TD_ATTR_TABLE(TD_ATTR_ENUM)
#undef TD_ATTR_ENUM
		TD_ATTR_COUNT,
};

/*
 * How the data stood in JSON, so that it stands there again the same way. A form is what somebody
 * said, not a promise: whoever writes JSON looks at the bytes first, and where they cannot stand
 * as the form says, they stand as base64.
 */
enum td_data_form {
	TD_DATA_NONE = 0, /* no data */
	TD_DATA_BYTES, /* said nowhere: by the content type (JSON embedded, text/... as string, else
			  base64) */
	TD_DATA_JSON,  /* `data`, a JSON value; content type JSON or absent */
	TD_DATA_TEXT,  /* `data`, a string that holds the text; content type given and not JSON */
	TD_DATA_BASE64, /* `data_base64` */
};

#define TD_EXTENSIONS_MAX 64u        /* attributes in `more` */
#define TD_CAUSES_MAX     999999999u /* a chain of causes counts no further */
/* Nesting of data that is JSON, so that an event around it, and a batch around that, still parse.
 */
#define TD_DATA_DEPTH_MAX (TD_JSON_DEPTH_MAX - 2)

/* JSON of a typed event, made at first need and then shared. */
struct td_encoding {
	size_t len;
	char bytes[];
};

struct td_event {
	struct td_text attr[TD_ATTR_COUNT]; /* at == NULL: absent */
	struct td_text address;
	struct td_text data; /* absent too while only `object` is there */
	const void *object;  /* typed: the struct, as object_type says; else NULL */
	const struct td_type *object_type;
	const struct td_attribute *more; /* all other attributes, in order of arrival */
	uint32_t more_count;
	uint32_t causes;   /* length of the chain of causes before it; a root has 0 */
	uint32_t integers; /* which of attr[] are integers, as a set of 1 << TD_ATTR_... */
	uint32_t booleans; /* ... and booleans; the others are strings */
	uint8_t kind;      /* enum td_kind */
	uint8_t form;      /* enum td_data_form */
	uint8_t lent;      /* see above */
	/* From here on things change after making; a copy begins anew. */
	_Atomic uint32_t refs;           /* kept only */
	_Atomic uint64_t topic;          /* kept only: the topic it was found to fit, 0: none yet */
	_Atomic(struct td_event *) copy; /* lent only: the kept copy, once somebody wanted it */
	_Atomic(struct td_encoding *) encoded; /* typed only */
};

extern const struct td_text td_attr_names[TD_ATTR_COUNT];
/* The known attribute of that name, or TD_ATTR_COUNT. */
enum td_attr td_attr_find(struct td_text name);

/* --- making ------------------------------------------------------------------------------- */

/* What a draft does not say. The source is checked like a draft's. */
struct td_origin {
	struct td_text source;        /* where the draft has none */
	bool source_checked;          /* it is known to be one: an event was made with it before */
	td_time now;                  /* `time` where the draft has none */
	const uint8_t *uuid;          /* 16 bytes: `id` where the draft has none */
	const struct td_event *cause; /* the event being handled, or NULL */
	enum td_kind kind;
	size_t data_bytes_max; /* 0: TD_DATA_BYTES_MAX */
	unsigned causes_max;   /* 0: no limit */
};

/*
 * Room for what a lent event needs beside its struct; lives as long as the event. Not cleared, and
 * touched only as far as it is needed. Extensions are listed here, with their texts the draft's: a
 * draft's `attributes` may hold known names too, which belong to attr[].
 */
struct td_event_scratch {
	char id[TD_UUID_BYTES];
	char time[TD_TIME_BYTES];
	char address[TD_ADDRESS_BYTES_MAX];
	struct td_attribute more[TD_EXTENSIONS_MAX];
};

/*
 * Fill *event from a draft, without allocating (but for attributes that come near
 * TD_HEADER_BYTES_MAX): texts, data and struct stay the publisher's. `json` is checked, which takes
 * as long as it is; other data is not looked at, and a struct's JSON is not made, so its limit is
 * not seen here.
 * The event joins the cause's story (correlationid: the cause's, else the cause's id; a root's
 * own id) unless the draft says otherwise, and carries the cause's traceparent and tracestate on.
 * Errors as td_event_new(), and TD_E_LOOP (names the type and the chain's length).
 * End it with td_event_lend_end(), unless it failed.
 */
int td_event_lend(struct td_event *event, struct td_event_scratch *scratch,
	const struct td_draft *draft, const struct td_origin *origin, struct td_error *err);
/* Release what was made for it meanwhile: the copy's own reference, the encoding. */
void td_event_lend_end(struct td_event *event);
/* A kept event of a draft, in one block. */
int td_event_make(struct td_event **event, const struct td_draft *draft,
	const struct td_origin *origin, struct td_error *err);
/* A kept copy of any event, deep (the struct of a typed one too), refs = 1. NULL: no memory. */
struct td_event *td_event_copy(const struct td_event *event);
/*
 * A kept event with the attributes of `event` and other data (select, edited letters).
 * content_type may be absent: as the original's. TD_E_ATTRIBUTE, TD_E_TOO_LARGE, TD_E_NOMEM.
 */
int td_event_with_data(struct td_event **out, const struct td_event *event, struct td_text data,
	enum td_data_form form, struct td_text content_type, struct td_error *err);

/* Any attribute by name, "specversion" included; its type too if `type` is not NULL. */
struct td_text td_event_lookup(
	const struct td_event *event, struct td_text name, enum td_attribute_type *type);
/*
 * As td_event_data(), and says why not: TD_E_DATA, TD_E_TOO_LARGE, TD_E_NOMEM. Absent data is not
 * an error.
 */
int td_event_data_get(const struct td_event *event, struct td_text *data, struct td_error *err);
/* Whether a content type means JSON: absent, application/json, anything/json, anything+json. */
bool td_content_type_is_json(struct td_text content_type);

/* --- addresses ---------------------------------------------------------------------------- */

/*
 * The NATS subject of a CloudEvents subject (DESIGN.md section 3): bytes <= 0x20, 0x7F, '%', '*'
 * and '>' become %XY, a dot that would make an empty token %2E. TD_E_SUBJECT: empty, or longer than
 * TD_ADDRESS_BYTES_MAX when encoded. Writes at most TD_ADDRESS_BYTES_MAX bytes to `out`; where
 * nothing needs encoding, *address is `subject` itself and `out` stays untouched.
 */
int td_address_encode(
	struct td_text subject, char *out, struct td_text *address, struct td_error *err);
/* The way back, into `buf`; any text is accepted, "%" without two hex digits stands for itself. */
void td_address_decode(struct td_text address, struct td_buf *buf);
/* Whether a text can be a stored address: no empty token, no blank or control byte, no wildcard
 * token. */
int td_address_check(struct td_text address, struct td_error *err);
/* Whether a text can be a pattern: as an address, and "*" as a token, ">" as the last. */
int td_pattern_check(struct td_text pattern, struct td_error *err);

/* --- codecs ------------------------------------------------------------------------------- */

/*
 * The stored form, doc/format/event.md: a NATS header block ("NATS/1.0" CRLF, "ce-name: value" CRLF
 * ..., CRLF) with the payload beside it, and the address it stands under.
 * Values are percent-encoded as in the CloudEvents HTTP binding. `td-form` stands there only if
 * there is something to remember, `td-kind` only for what is not an event, `td-causes` only for
 * what has causes. Never more than TD_HEADER_BYTES_MAX; failures stay in the buffer.
 */
void td_event_write_headers(const struct td_event *event, struct td_buf *buf);
/*
 * A kept event from block, payload and address (of a command or query: without "$cmd.<Type>.");
 * one scan, the payload is not looked at. Headers that are no attributes are ignored. With no
 * ce-id: id `<log>-<seq>` and source `nats:<log>` are the caller's to give (`id`, `source` absent:
 * then it is an error). An absent block is one without headers. Errors: TD_E_FORMAT,
 * TD_E_ATTRIBUTE, TD_E_SUBJECT, TD_E_TOO_LARGE, TD_E_LIMIT, with the offset in the block where
 * there is one; TD_E_NOMEM.
 */
int td_event_read_headers(struct td_event **event, struct td_text block, struct td_text payload,
	struct td_text address, struct td_text id, struct td_text source, struct td_error *err);

/*
 * CloudEvents JSON (one object), appended. TD_E_NOMEM, TD_E_TOO_LARGE, TD_E_DATA; the buffer may
 * hold a piece of it then.
 */
int td_event_write_json(const struct td_event *event, struct td_buf *buf, struct td_error *err);
/* A kept event; `object` was checked by td_json_parse(). Errors as td_event_from_json(), with the
 * offset in the object. */
int td_event_read_json(struct td_event **event, struct td_json object, struct td_error *err);

/*
 * HTTP binary mode: header lines as name and value, "ce-id: 7" and so on with "Content-Type" for
 * datacontenttype; the body is the data. Writing calls `add` for each, its texts valid until it
 * returns; reading takes all of a request's headers and picks its own, without case. HTTP does not
 * say the types of attributes (all are strings then, schemaversion an integer if it can be one),
 * nor tells data of no bytes from none. TD_E_ATTRIBUTE, TD_E_SUBJECT, TD_E_TOO_LARGE, TD_E_LIMIT,
 * TD_E_NOMEM.
 */
struct td_http_header {
	struct td_text name, value;
};
void td_event_write_http(const struct td_event *event,
	void (*add)(void *arg, struct td_text name, struct td_text value), void *arg);
int td_event_read_http(struct td_event **event, const struct td_http_header *headers, size_t count,
	struct td_text body, struct td_error *err);

/*
 * One attribute value as HTTP and header blocks carry it, and back (quotes too). TD_E_FORMAT; the
 * buffer is as long as it was then.
 */
void td_header_value_encode(struct td_buf *buf, struct td_text value);
int td_header_value_decode(struct td_buf *buf, struct td_text value, struct td_error *err);

/* --- typed -------------------------------------------------------------------------------- */

/* The event's type that the declaration names; of a TD_STRUCT its tag. */
const char *td_type_name(const struct td_type *type);
/* Whether two declarations are the same: same name, same fields, same layout. */
bool td_type_same(const struct td_type *a, const struct td_type *b);
/*
 * Bytes of one block that holds a deep copy of the struct, and the copy into such a block, which is
 * aligned as malloc() has it. The copy is the block's beginning; nothing in it points outside.
 */
size_t td_type_copy_bytes(const struct td_type *type, const void *object);
void *td_type_copy(const struct td_type *type, const void *object, void *block);
/*
 * Append the struct as JSON; on failure the buffer is as long as it was. TD_E_DATA names the field
 * ("/total: missing"); TD_E_NOMEM, TD_E_TOO_LARGE.
 */
int td_type_encode(
	const struct td_type *type, const void *object, struct td_buf *buf, struct td_error *err);
/*
 * The struct from a JSON text nested at most TD_DATA_DEPTH_MAX, with all it points to in one block:
 * free() it. TD_E_JSON; TD_E_DATA names the field and gives the offset; TD_E_TOO_LARGE, TD_E_NOMEM.
 */
int td_type_decode(
	const struct td_type *type, struct td_text json, void **block, struct td_error *err);
/* Append the JSON Schema of a declaration; always the same bytes. TD_E_NOMEM, TD_E_TOO_LARGE. */
int td_type_schema(const struct td_type *type, struct td_buf *buf, struct td_error *err);
/*
 * The struct of an event for a handler of `type`: lent if it was published as that struct, else
 * decoded from its data into *block (free() it; NULL if lent).
 * TD_E_DATA names the field ("/customer: missing").
 */
int td_event_object(const struct td_event *event, const struct td_type *type, const void **object,
	void **block, struct td_error *err);

#endif
