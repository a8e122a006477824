/*
 * Typed events: one declaration gives the struct, the codec from and to JSON, the JSON Schema, and
 * typed publish and subscribe.
 *
 *	#define PIZZA(FIELD, OBJECT, LIST, OBJECTS)      \
 *		FIELD(TEXT,    name,  REQUIRED)          \
 *		FIELD(INTEGER, count, REQUIRED)
 *	TD_STRUCT(pizza, PIZZA)
 *
 *	#define ORDER_PLACED(FIELD, OBJECT, LIST, OBJECTS) \
 *		FIELD(TEXT,    customer, REQUIRED)       \
 *		FIELD(DECIMAL, total,    REQUIRED)       \
 *		FIELD(TIME,    due,      OPTIONAL)       \
 *		LIST(TEXT,     notes,    OPTIONAL)       \
 *		OBJECT(place,  deliver_to, OPTIONAL)     \
 *		OBJECTS(pizza, pizzas,   REQUIRED)
 *	TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED)
 *
 *	order_placed_publish(td, "order.42", &(struct order_placed){...}, NULL, &err);
 *
 *	static int on_order(const struct order_placed *order, struct td_context *context,
 *		void *arg);
 *	order_placed_subscribe(td, "order.>", on_order, NULL, NULL, NULL, &err);
 *
 * Inside a process a handler gets the struct by const pointer, nothing is serialised. It is lent:
 * valid until the handler returns; td_event_ref(td_context_event(context)) keeps it. Handlers of
 * the same event that are not typed get JSON, made once.
 *
 *	kind      in the struct             in JSON
 *	TEXT      struct td_text            string
 *	INTEGER   int64_t                   number without fraction, of 64 bits
 *	NUMBER    double                    number
 *	BOOLEAN   bool                      true, false
 *	TIME      td_time                   string, RFC 3339
 *	DECIMAL   struct td_text            string: "12.50", kept as it is
 *	FIELD     value; with OPTIONAL also `bool has_NAME`
 *	OBJECT    struct T; with OPTIONAL also `bool has_NAME`
 *	LIST      struct { const KIND *at; size_t count; } NAME; OPTIONAL and empty: not written
 *	OBJECTS   struct { const struct T *at; size_t count; } NAME; the same
 *
 * Members of the JSON that the declaration does not know ride along in the first member,
 * `struct td_text unknown`: raw, comma-separated; written back behind the known ones.
 *
 * The macros stand at file scope, without a semicolon, in a header or a source file, in C11 or
 * C++17. All they make is static: two files that declare the same struct share nothing and still
 * agree, and two that declare different structs of one name do not disturb each other (a symbol
 * merged by the linker would read one struct by the other's table). A declaration can use those
 * before it, to any depth, not itself. doc/typed.md tells the rest.
 *
 * A declaration lives where it stands: typed subscriptions, and events published as a struct, point
 * to its tables for as long as they live. A module that was loaded (dlopen) and declares types may
 * be unloaded when its subscriptions are released and no event of its own is owed or kept any more.
 * (libtidings itself stays where it was loaded: dlclose() does not unload it.)
 */
#ifndef TIDINGS_TYPED_H
#define TIDINGS_TYPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tidings/event.h"
#include "tidings/tidings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- what a declaration becomes ----------------------------------------------------------- */

enum td_field_kind {
	TD_FIELD_TEXT,
	TD_FIELD_INTEGER,
	TD_FIELD_NUMBER,
	TD_FIELD_BOOLEAN,
	TD_FIELD_TIME,
	TD_FIELD_DECIMAL,
	TD_FIELD_OBJECT,
};

/* Filled by the macros; read it, do not write one by hand. */
struct td_field {
	const void *at; /* where it lies in the type's `zero` */
	const char *name;
	size_t name_bytes;
	enum td_field_kind kind;
	bool list;
	bool required;
	const struct td_type *type; /* of an OBJECT, else NULL */
};

struct td_type {
	const char *name; /* the event's type; of a TD_STRUCT its tag */
	const char *tag;  /* the C struct's name */
	size_t bytes;     /* sizeof the struct */
	const void *zero; /* one of them, all zero */
	const struct td_field *fields;
	const void *const *has; /* for each field: has_NAME in `zero`, or `zero` if it has none */
	size_t fields_count;
};

/* --- macros to declare with --------------------------------------------------------------- */

/*
 * TD_STRUCT       a part of others. Makes, for TD_STRUCT(pizza, PIZZA):
 *	struct pizza, pizza_type (its struct td_type)
 *	int pizza_encode(const struct pizza *, struct td_bytes *json, err)     td_object_encode()
 *	int pizza_decode(struct td_text json, struct pizza **, err)            td_object_decode()
 *	int pizza_view(event, const struct pizza **, void **block, err)        td_object_view()
 *	int pizza_schema(struct td_bytes *json, err)                           td_object_schema()
 *
 * TD_EVENT        a fact. All that, and for TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED):
 *	typedef int order_placed_handler(const struct order_placed *, struct td_context *, void *)
 *	struct td_draft order_placed_draft(subject, const struct order_placed *)
 *	int order_placed_publish(td, subject, const struct order_placed *, receipt, err)
 *	int order_placed_subscribe(td, pattern, order_placed_handler *, arg, interest,
 *		subscription, err)
 *	  `interest` may be NULL; where it names no type, that is the event's (a type it names brings
 *	  events of that one, whose data is the same struct); its subject is `pattern` if that is not
 *	  NULL; the rest of it, filters and retries and queues, counts as ever.
 *	  To say more than the struct does (attributes, an id, flags), take the draft and go on as
 *	  with any: td_publish_with(), td_event_new(), td_request(), td_reply(). Like the struct, it
 *	  is borrowed: the draft points to it.
 *
 * TD_COMMAND_TYPE a request to do something. As TD_STRUCT, handler and draft as above, and
 *	int ship_order_request(td, subject, const struct ship_order *, timeout_ms, reply, err)
 *	int ship_order_send(td, subject, const struct ship_order *, receipt, err)   td_command()
 *	int ship_order_handle(td, ship_order_handler *, arg, interest, subscription, err)
 * TD_QUERY_TYPE   a request for data: the same without _send.
 *
 * TD_REPLY_TYPE   what such a handler answers. As TD_STRUCT, the draft as above, and
 *	int order_shipped_reply(context, const struct order_shipped *, err)         td_reply()
 *	  The other side reads it with order_shipped_view(reply, ...).
 */
/* clang-format off */
#define TD_STRUCT(name, FIELDS) \
	TD_TYPED_TYPE(name, #name, FIELDS)

#define TD_EVENT(name, type, FIELDS) \
	TD_TYPED_TYPE(name, type, FIELDS) \
	TD_TYPED_DRAFT(name) \
	TD_TYPED_HANDLER(name) \
	TD_TYPED_FUNCTION name##_publish(struct td *td, const char *subject, \
		const struct name *object, struct td_receipt *receipt, struct td_error *err) \
	{ \
		struct td_draft draft = name##_draft(subject, object); \
		return td_publish(td, &draft, receipt, err); \
	} \
	TD_TYPED_FUNCTION name##_subscribe(struct td *td, const char *pattern, \
		name##_handler *handler, void *arg, const struct td_interest *interest, \
		struct td_subscription **subscription, struct td_error *err) \
	{ \
		struct td_interest wanted = td_typed_interest(&name##_type, pattern, interest); \
		return td_subscribe_object(td, &wanted, &name##_type, (void (*)(void))handler, \
			name##_call, arg, subscription, err); \
	}

#define TD_COMMAND_TYPE(name, type, FIELDS) \
	TD_TYPED_TYPE(name, type, FIELDS) \
	TD_TYPED_DRAFT(name) \
	TD_TYPED_HANDLER(name) \
	TD_TYPED_REQUEST(name, TD_COMMAND) \
	TD_TYPED_FUNCTION name##_send(struct td *td, const char *subject, \
		const struct name *object, struct td_receipt *receipt, struct td_error *err) \
	{ \
		struct td_draft draft = name##_draft(subject, object); \
		return td_command(td, &draft, receipt, err); \
	}

#define TD_QUERY_TYPE(name, type, FIELDS) \
	TD_TYPED_TYPE(name, type, FIELDS) \
	TD_TYPED_DRAFT(name) \
	TD_TYPED_HANDLER(name) \
	TD_TYPED_REQUEST(name, TD_QUERY)

#define TD_REPLY_TYPE(name, type, FIELDS) \
	TD_TYPED_TYPE(name, type, FIELDS) \
	TD_TYPED_DRAFT(name) \
	TD_TYPED_FUNCTION name##_reply(struct td_context *context, const struct name *object, \
		struct td_error *err) \
	{ \
		struct td_draft draft = name##_draft(NULL, object); \
		return td_reply(context, &draft, err); \
	}
/* clang-format on */

/* --- what they call ----------------------------------------------------------------------- */

/*
 * The struct as JSON, in the order of the declaration, unknown members behind. *json is yours.
 * Errors: TD_E_DATA names the field by JSON Pointer: a required text that is absent, text that is
 * not UTF-8, a number JSON cannot say, a decimal that is none, unknown members that are not JSON or
 * are declared. TD_E_TOO_LARGE over TD_DATA_BYTES_MAX, TD_E_NOMEM. *json is untouched then.
 */
TD_PUBLIC int td_object_encode(const struct td_type *type, const void *object,
	struct td_bytes *json, struct td_error *err);
/*
 * The struct from JSON, in one block with all it points to: td_object_free() it. Of a name that
 * occurs twice the last counts; null for an optional field means absent.
 * Errors: TD_E_JSON; TD_E_DATA names the field ("/pizzas/0/name: missing") and gives the offset;
 * TD_E_TOO_LARGE over TD_OBJECT_BYTES_MAX, TD_E_NOMEM. *object is untouched then.
 */
TD_PUBLIC int td_object_decode(
	const struct td_type *type, struct td_text json, void **object, struct td_error *err);
/*
 * The struct of an event that came by another road (td_subscribe(), a reply). *object is the
 * event's own if it was published as that struct, and lives as long as the event; else it is
 * decoded from the data. Either way td_object_free(*block) at the end; it is NULL for the first.
 */
TD_PUBLIC int td_object_view(const struct td_event *event, const struct td_type *type,
	const void **object, void **block, struct td_error *err);
TD_PUBLIC void td_object_free(void *object); /* NULL is fine */
/* The JSON Schema (draft 2020-12) of a declaration; the same bytes every time. *json is yours. */
TD_PUBLIC int td_object_schema(
	const struct td_type *type, struct td_bytes *json, struct td_error *err);

#define TD_OBJECT_BYTES_MAX (256u * 1024u * 1024u) /* a decoded struct with all it points to */

/* Calls `handler` as what it is: no function is called through a pointer of another type. */
typedef int td_object_call(
	void (*handler)(void), const void *object, struct td_context *context, void *arg);
/*
 * As td_subscribe() and td_handle(), with a handler that takes structs of `type`. An event whose
 * data does not fit the declaration does not reach the handler: its delivery is given up (TD_SKIP)
 * with TD_E_DATA and the reason, since trying again would not help.
 */
TD_PUBLIC int td_subscribe_object(struct td *td, const struct td_interest *interest,
	const struct td_type *type, void (*handler)(void), td_object_call *call, void *arg,
	struct td_subscription **subscription, struct td_error *err);
TD_PUBLIC int td_handle_object(struct td *td, enum td_kind kind, const struct td_interest *interest,
	const struct td_type *type, void (*handler)(void), td_object_call *call, void *arg,
	struct td_subscription **subscription, struct td_error *err);

static inline struct td_draft td_typed_draft(
	const struct td_type *type, const char *subject, const void *object)
{
	struct td_draft draft;

	memset(&draft, 0, sizeof(draft));
	draft.subject = subject;
	draft.object = object;
	draft.object_type = type;
	return draft;
}

static inline struct td_interest td_typed_interest(
	const struct td_type *type, const char *pattern, const struct td_interest *interest)
{
	struct td_interest wanted;

	if (interest != NULL)
		wanted = *interest;
	else
		memset(&wanted, 0, sizeof(wanted));
	if (pattern != NULL)
		wanted.subject = pattern;
	if (wanted.type == NULL && wanted.types_count == 0)
		wanted.type = type->name;
	return wanted;
}

#ifdef __cplusplus
}
#endif

/* --- how it is done ----------------------------------------------------------------------- */

/* clang-format off */
#ifdef __cplusplus
#define TD_TYPED_BEGIN extern "C" {
#define TD_TYPED_END   }
#define TD_TYPED_ZERO  = {}
#else
#define TD_TYPED_BEGIN
#define TD_TYPED_END
#define TD_TYPED_ZERO
#endif

#define TD_TYPED_UNUSED   __attribute__((unused))
#define TD_TYPED_FUNCTION TD_TYPED_UNUSED static inline int

#define TD_TYPED_C_TEXT    struct td_text
#define TD_TYPED_C_INTEGER int64_t
#define TD_TYPED_C_NUMBER  double
#define TD_TYPED_C_BOOLEAN bool
#define TD_TYPED_C_TIME    td_time
#define TD_TYPED_C_DECIMAL struct td_text

#define TD_TYPED_REQUIRED_REQUIRED true
#define TD_TYPED_REQUIRED_OPTIONAL false

/* A field as a member of the struct. */
#define TD_TYPED_MEMBER_FIELD(kind, member, presence)  TD_TYPED_C_##kind member;
#define TD_TYPED_MEMBER_OBJECT(tag, member, presence)  struct tag member;
#define TD_TYPED_MEMBER_LIST(kind, member, presence) \
	struct { const TD_TYPED_C_##kind *at; size_t count; } member;
#define TD_TYPED_MEMBER_OBJECTS(tag, member, presence) \
	struct { const struct tag *at; size_t count; } member;

/* Its has_NAME, a member too; all of them stand together at the end, which saves padding. */
#define TD_TYPED_HAS_FIELD(kind, member, presence)  TD_TYPED_HAS_##presence(member)
#define TD_TYPED_HAS_LIST(kind, member, presence)
#define TD_TYPED_HAS_REQUIRED(member)
#define TD_TYPED_HAS_OPTIONAL(member) bool has_##member;

/*
 * A field as a row of the table. The declaration cannot hand the struct's name to each row, as
 * offsetof() would need it; so TD_TYPED_TYPE puts `{ &NAME_zero.` before every row, and the row
 * begins with the member: its address there stands for its offset. The same for has_NAME, where
 * `unknown`, at offset 0, stands for none.
 */
#define TD_TYPED_ROW_FIELD(kind, member, presence) \
	member, #member, sizeof(#member) - 1, TD_FIELD_##kind, false, \
	TD_TYPED_REQUIRED_##presence, NULL },
#define TD_TYPED_ROW_OBJECT(tag, member, presence) \
	member, #member, sizeof(#member) - 1, TD_FIELD_OBJECT, false, \
	TD_TYPED_REQUIRED_##presence, &tag##_type },
#define TD_TYPED_ROW_LIST(kind, member, presence) \
	member, #member, sizeof(#member) - 1, TD_FIELD_##kind, true, \
	TD_TYPED_REQUIRED_##presence, NULL },
#define TD_TYPED_ROW_OBJECTS(tag, member, presence) \
	member, #member, sizeof(#member) - 1, TD_FIELD_OBJECT, true, \
	TD_TYPED_REQUIRED_##presence, &tag##_type },

#define TD_TYPED_FLAG_FIELD(kind, member, presence) TD_TYPED_FLAG_##presence(member)
#define TD_TYPED_FLAG_LIST(kind, member, presence)  unknown,
#define TD_TYPED_FLAG_REQUIRED(member)              unknown,
#define TD_TYPED_FLAG_OPTIONAL(member)              has_##member,

/* The last row is nobody's: a declaration may be empty, an array may not. */
#define TD_TYPED_TYPE(name, type, FIELDS) \
	TD_TYPED_BEGIN \
	struct name { \
		struct td_text unknown; \
		FIELDS(TD_TYPED_MEMBER_FIELD, TD_TYPED_MEMBER_OBJECT, TD_TYPED_MEMBER_LIST, \
			TD_TYPED_MEMBER_OBJECTS) \
		FIELDS(TD_TYPED_HAS_FIELD, TD_TYPED_HAS_FIELD, TD_TYPED_HAS_LIST, \
			TD_TYPED_HAS_LIST) \
	}; \
	TD_TYPED_UNUSED static const struct name name##_zero TD_TYPED_ZERO; \
	TD_TYPED_UNUSED static const struct td_field name##_fields[] = { \
		FIELDS({ &name##_zero. TD_TYPED_ROW_FIELD, { &name##_zero. TD_TYPED_ROW_OBJECT, \
			{ &name##_zero. TD_TYPED_ROW_LIST, { &name##_zero. TD_TYPED_ROW_OBJECTS) \
		{ NULL, NULL, 0, TD_FIELD_TEXT, false, false, NULL } \
	}; \
	TD_TYPED_UNUSED static const void *const name##_has[] = { \
		FIELDS(&name##_zero. TD_TYPED_FLAG_FIELD, &name##_zero. TD_TYPED_FLAG_FIELD, \
			&name##_zero. TD_TYPED_FLAG_LIST, &name##_zero. TD_TYPED_FLAG_LIST) \
		NULL \
	}; \
	TD_TYPED_UNUSED static const struct td_type name##_type = { \
		type, #name, sizeof(struct name), &name##_zero, name##_fields, name##_has, \
		sizeof(name##_fields) / sizeof(name##_fields[0]) - 1 \
	}; \
	TD_TYPED_FUNCTION name##_encode( \
		const struct name *object, struct td_bytes *json, struct td_error *err) \
	{ \
		return td_object_encode(&name##_type, object, json, err); \
	} \
	TD_TYPED_FUNCTION name##_decode( \
		struct td_text json, struct name **object, struct td_error *err) \
	{ \
		void *block = NULL; \
		int code = td_object_decode(&name##_type, json, &block, err); \
		if (code == 0) \
			*object = (struct name *)block; \
		return code; \
	} \
	TD_TYPED_FUNCTION name##_view(const struct td_event *event, const struct name **object, \
		void **block, struct td_error *err) \
	{ \
		const void *view = NULL; \
		int code = td_object_view(event, &name##_type, &view, block, err); \
		if (code == 0) \
			*object = (const struct name *)view; \
		return code; \
	} \
	TD_TYPED_FUNCTION name##_schema(struct td_bytes *json, struct td_error *err) \
	{ \
		return td_object_schema(&name##_type, json, err); \
	} \
	TD_TYPED_END

#define TD_TYPED_DRAFT(name) \
	TD_TYPED_UNUSED static inline struct td_draft name##_draft( \
		const char *subject, const struct name *object) \
	{ \
		return td_typed_draft(&name##_type, subject, object); \
	}

#define TD_TYPED_HANDLER(name) \
	TD_TYPED_BEGIN \
	typedef int name##_handler( \
		const struct name *object, struct td_context *context, void *arg); \
	TD_TYPED_FUNCTION name##_call(void (*handler)(void), const void *object, \
		struct td_context *context, void *arg) \
	{ \
		return ((name##_handler *)handler)((const struct name *)object, context, arg); \
	} \
	TD_TYPED_END

#define TD_TYPED_REQUEST(name, kind) \
	TD_TYPED_FUNCTION name##_request(struct td *td, const char *subject, \
		const struct name *object, int64_t timeout_ms, struct td_event **reply, \
		struct td_error *err) \
	{ \
		struct td_draft draft = name##_draft(subject, object); \
		return td_request(td, kind, &draft, timeout_ms, reply, err); \
	} \
	TD_TYPED_FUNCTION name##_handle(struct td *td, name##_handler *handler, void *arg, \
		const struct td_interest *interest, struct td_subscription **subscription, \
		struct td_error *err) \
	{ \
		struct td_interest wanted = td_typed_interest(&name##_type, NULL, interest); \
		return td_handle_object(td, kind, &wanted, &name##_type, \
			(void (*)(void))handler, name##_call, arg, subscription, err); \
	}
/* clang-format on */

#endif
