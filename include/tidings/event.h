/*
 * An event: an immutable fact in the past tense, a CloudEvents 1.0 event.
 *
 *	attributes   id source type subject time ...        about the event, one line of text each
 *	extensions   any other name of [a-z0-9]             the same, yours
 *	data         bytes, described by datacontenttype    never parsed, never re-serialised
 *
 * A *draft* is what you fill in; an *event* is what came of it: checked, complete, unchangeable,
 * shared by reference. Every `const struct td_event *` given to a handler is readable until the
 * handler returns; td_event_ref() keeps it longer. All functions here may be called from any
 * thread; an event never changes after it was made.
 */
#ifndef TIDINGS_EVENT_H
#define TIDINGS_EVENT_H

#include <stdint.h>

#include "tidings/error.h"
#include "tidings/export.h"
#include "tidings/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct td_event;
struct td_type;

/* Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted; covers 1678 to 2261. */
typedef int64_t td_time;

#define TD_ADDRESS_BYTES_MAX   1024u                 /* an encoded subject */
#define TD_NAME_BYTES_MAX      64u                   /* an attribute's name */
#define TD_ATTRIBUTE_BYTES_MAX (8u * 1024u)          /* an attribute's value */
#define TD_HEADER_BYTES_MAX    (64u * 1024u)         /* all attributes together, as header block */
#define TD_DATA_BYTES_MAX      (64u * 1024u * 1024u) /* the data */

/* What a message is; only an event is a fact and stays. */
enum td_kind { TD_EVENT_KIND, TD_COMMAND, TD_QUERY, TD_REPLY };

/* The three types an attribute has in CloudEvents JSON; all else there is a string. */
enum td_attribute_type { TD_STRING, TD_INTEGER, TD_BOOLEAN };

struct td_attribute {
	struct td_text name;
	struct td_text value; /* the canonical string: "true", "-7", anything */
	enum td_attribute_type type;
};

/*
 * What is to be said. Zero or NULL means: not given. Only `type` is required; the library fills
 * `id` (UUIDv7), `time` (now) and `source` (the handle's). Everything is borrowed for the call.
 */
struct td_draft {
	const char *type;    /* what happened: "OrderPlaced" */
	const char *subject; /* what it happened to: "order.42" */
	const char *id;
	const char *source;
	const char *time; /* RFC 3339 */
	const char *datacontenttype;
	const char *dataschema;
	const struct td_attribute *attributes; /* extensions, and any known name not above */
	size_t attributes_count;

	/* The data: at most one of the three. */
	const char *json; /* a JSON text; checked, and datacontenttype becomes application/json */
	const void *data; /* bytes as they are; data_bytes of them, also 0 where data is not NULL */
	size_t data_bytes;
	const void *object;                /* a struct declared by TD_EVENT (tidings/typed.h) ... */
	const struct td_type *object_type; /* ... and its declaration, which also gives `type` */
};

/*
 * Make an event of a draft. Absent id, source and time are filled: id and time from the process's
 * clock and randomness, source with "local".
 * Owner: the caller, one reference; td_event_unref() it.
 * Errors: TD_E_INVALID, TD_E_ATTRIBUTE, TD_E_SUBJECT, TD_E_TOO_LARGE, TD_E_LIMIT (more than 64
 * extensions), TD_E_JSON, TD_E_NOMEM; *event is untouched then.
 */
TD_PUBLIC int td_event_new(
	struct td_event **event, const struct td_draft *draft, struct td_error *err);

/*
 * One more reference. On an event lent to a handler this makes the one deep copy all who keep it
 * share, so use what it returns. NULL if memory could not be had.
 */
TD_PUBLIC TD_NODISCARD struct td_event *td_event_ref(const struct td_event *event);
TD_PUBLIC void td_event_unref(struct td_event *event); /* NULL is fine */

/*
 * Attributes; absent text where the event has none. Where there may be no event (a reply without a
 * word, a receipt before its publish) NULL will do here and below: all of it is absent.
 */
TD_PUBLIC struct td_text td_event_id(const struct td_event *event);
TD_PUBLIC struct td_text td_event_source(const struct td_event *event);
TD_PUBLIC struct td_text td_event_type(const struct td_event *event);
TD_PUBLIC struct td_text td_event_subject(const struct td_event *event);
TD_PUBLIC struct td_text td_event_time(const struct td_event *event);
TD_PUBLIC struct td_text td_event_correlation(const struct td_event *event);
TD_PUBLIC struct td_text td_event_causation(const struct td_event *event);
TD_PUBLIC enum td_kind td_event_kind(const struct td_event *event);
/*
 * The time as a number. TD_E_NOT_FOUND: there is none; TD_E_DATA: the text is a time that td_time
 * cannot hold. *time is untouched then. It is read from the text at each call.
 */
TD_PUBLIC int td_event_time_ns(const struct td_event *event, td_time *time, struct td_error *err);
/* Any attribute by its CloudEvents name, "specversion" included. */
TD_PUBLIC struct td_text td_event_get(const struct td_event *event, const char *name);
/*
 * The i-th attribute of those present, for 0 <= i < td_event_attributes_count(); specversion, which
 * never differs, is not among them.
 */
TD_PUBLIC size_t td_event_attributes_count(const struct td_event *event);
TD_PUBLIC struct td_attribute td_event_attribute(const struct td_event *event, size_t i);
/* The NATS subject that stands for the event's subject, or for its type where it has none. */
TD_PUBLIC struct td_text td_event_address(const struct td_event *event);

/*
 * The data as bytes; absent where there is none. For an event published as a struct this is its
 * JSON, encoded at the first call and then shared by all; absent too if memory ran out then.
 */
TD_PUBLIC struct td_text td_event_data(const struct td_event *event);

/*
 * Bytes that the library made for you; give them back with td_bytes_fini(). Behind the `len` bytes
 * stands a NUL, so that they are a C string, too, unless they hold one themselves.
 */
struct td_bytes {
	char *at;
	size_t len;
};
#define TD_BYTES_INIT   \
	{               \
		NULL, 0 \
	}
TD_PUBLIC void td_bytes_fini(struct td_bytes *bytes);

/*
 * CloudEvents JSON, one event or a batch. Reading a batch with one bad event refuses the whole
 * and names it ("[3]: type: missing"). *events is an array of *count references; release it
 * with td_events_free(). Number text, member order of data and unknown attributes are kept.
 * Reading: TD_E_JSON, TD_E_FORMAT (not an object, not an array), TD_E_ATTRIBUTE, TD_E_SUBJECT,
 * TD_E_TOO_LARGE, TD_E_LIMIT, TD_E_NOMEM, with the offset in the text where there is one.
 * Writing: TD_E_DATA (a struct that cannot be JSON), TD_E_TOO_LARGE, TD_E_NOMEM. What an event is
 * besides, a command or a query, JSON does not say.
 */
TD_PUBLIC int td_event_to_json(
	const struct td_event *event, struct td_bytes *json, struct td_error *err);
TD_PUBLIC int td_event_from_json(
	struct td_event **event, struct td_text json, struct td_error *err);
TD_PUBLIC int td_events_to_json(const struct td_event *const *events, size_t count,
	struct td_bytes *json, struct td_error *err);
TD_PUBLIC int td_events_from_json(
	struct td_event ***events, size_t *count, struct td_text json, struct td_error *err);
TD_PUBLIC void td_events_free(struct td_event **events, size_t count);

#ifdef __cplusplus
}
#endif

#endif
