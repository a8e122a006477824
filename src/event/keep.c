/*
 * A kept event is one block:
 *
 *	struct td_event | more[] | the struct of a typed event | texts | data
 *
 * A lent event has a kept copy at most once, made by the first td_event_ref() and then shared. The
 * lender holds one reference of it until td_event_lend_end(), so that the copy outlives whoever
 * asks meanwhile.
 */
#include "event/keep.h"

#include <stddef.h>
#include <stdlib.h>

#include "event/attr.h"

#define ALIGNMENT _Alignof(max_align_t)

static size_t aligned(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

void td_keep_view(struct td_event *view, const struct td_event *event)
{
	memset(view, 0, sizeof(*view));
	/* What lies behind may be changing on other threads. */
	memcpy(view, event, offsetof(struct td_event, refs));
	view->lent = true;
}

int td_keep_address(struct td_event *event, char *out, struct td_error *err)
{
	enum td_attr attr = td_attr_has(event, TD_ATTR_SUBJECT) ? TD_ATTR_SUBJECT : TD_ATTR_TYPE;
	int code = td_address_encode(event->attr[attr], out, &event->address, err);

	if (TD_UNLIKELY(code != 0))
		return td_error_wrap(err, code, "%s", td_attr_names[attr].at);
	return 0;
}

/* --- the block ---------------------------------------------------------------------------- */

static bool shares_address(const struct td_event *event, enum td_attr attr)
{
	return event->address.at != NULL && event->address.at == event->attr[attr].at &&
	       event->address.len == event->attr[attr].len;
}

static size_t text_bytes(const struct td_event *event)
{
	size_t bytes = event->data.len + event->address.len;

	for (size_t i = 0; i < TD_ATTR_COUNT; i++)
		bytes += event->attr[i].len;
	for (uint32_t i = 0; i < event->more_count; i++)
		bytes += event->more[i].name.len + event->more[i].value.len;
	return bytes;
}

/* Copy a text to *at and move on; absent stays absent. */
static struct td_text put(char **at, struct td_text text)
{
	struct td_text copy = text;

	if (text.at == NULL)
		return text;
	copy.at = *at;
	memcpy(*at, text.at, text.len);
	*at += text.len;
	return copy;
}

static void put_texts(struct td_event *to, const struct td_event *from, char *at)
{
	for (size_t i = 0; i < TD_ATTR_COUNT; i++)
		to->attr[i] = put(&at, from->attr[i]);
	if (shares_address(from, TD_ATTR_SUBJECT))
		to->address = to->attr[TD_ATTR_SUBJECT];
	else if (shares_address(from, TD_ATTR_TYPE))
		to->address = to->attr[TD_ATTR_TYPE];
	else
		to->address = put(&at, from->address);
	for (uint32_t i = 0; i < from->more_count; i++) {
		struct td_attribute *more = (struct td_attribute *)(to + 1);

		more[i].name = put(&at, from->more[i].name);
		more[i].value = put(&at, from->more[i].value);
		more[i].type = from->more[i].type;
		to->more = more;
	}
	to->data = put(&at, from->data);
}

struct td_event *td_event_copy(const struct td_event *event)
{
	size_t head = aligned(sizeof(*event) + event->more_count * sizeof(*event->more));
	size_t object = 0;
	struct td_event *copy;
	char *at;

	if (event->object != NULL)
		object = td_type_copy_bytes(event->object_type, event->object);
	copy = malloc(head + object + text_bytes(event));
	if (copy == NULL)
		return NULL;
	td_keep_view(copy, event);
	copy->lent = false;
	atomic_init(&copy->refs, 1);
	at = (char *)copy + head;
	if (event->object != NULL)
		copy->object = td_type_copy(event->object_type, event->object, at);
	put_texts(copy, event, at + object);
	return copy;
}

/* --- references --------------------------------------------------------------------------- */

/* What refs, copy and encoded need: they change in events that are otherwise constant. */
static struct td_event *changeable(const struct td_event *event)
{
	return (struct td_event *)(uintptr_t)event;
}

/* The copy of a lent event that all share; NULL: no memory. */
static struct td_event *shared_copy(struct td_event *event)
{
	struct td_event *found = atomic_load_explicit(&event->copy, memory_order_acquire);
	struct td_event *made;

	if (found != NULL)
		return found;
	made = td_event_copy(event);
	if (made == NULL)
		return NULL;
	if (atomic_compare_exchange_strong_explicit(
		    &event->copy, &found, made, memory_order_acq_rel, memory_order_acquire))
		return made;
	td_event_unref(made);
	return found;
}

struct td_event *td_event_ref(const struct td_event *event)
{
	struct td_event *kept = changeable(event);

	if (kept != NULL && kept->lent)
		kept = shared_copy(kept);
	if (kept != NULL)
		atomic_fetch_add_explicit(&kept->refs, 1, memory_order_relaxed);
	return kept;
}

void td_event_unref(struct td_event *event)
{
	uint32_t before;

	if (event == NULL)
		return;
	TD_ASSERT(!event->lent);
	before = atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel);
	TD_ASSERT(before != 0);
	if (before > 1)
		return;
	free(atomic_load_explicit(&event->encoded, memory_order_relaxed));
	free(event);
}

void td_event_lend_end(struct td_event *event)
{
	struct td_event *copy = atomic_load_explicit(&event->copy, memory_order_acquire);
	struct td_encoding *encoded = atomic_load_explicit(&event->encoded, memory_order_acquire);

	TD_ASSERT(event->lent);
	if (copy != NULL)
		td_event_unref(copy);
	if (encoded != NULL)
		free(encoded);
}

/* --- the JSON of a typed event ------------------------------------------------------------ */

static int encode(const struct td_event *event, struct td_encoding **out, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(sizeof(struct td_encoding) + TD_DATA_BYTES_MAX);
	struct td_encoding head = {0};
	struct td_bytes bytes;
	int code;

	td_buf_add(&buf, &head, sizeof(head)); /* room for the length */
	code = td_type_encode(event->object_type, event->object, &buf, err);
	if (code == 0)
		code = td_buf_check(&buf, err);
	if (code != 0) {
		td_buf_fini(&buf);
		return td_error_wrap(err, code, "data");
	}
	td_buf_detach(&buf, &bytes);
	*out = (struct td_encoding *)(void *)bytes.at;
	(*out)->len = bytes.len - sizeof(head);
	return 0;
}

int td_event_data_get(const struct td_event *event, struct td_text *data, struct td_error *err)
{
	struct td_event *mine = changeable(event);
	struct td_encoding *found, *made = NULL;
	int code;

	*data = event->data;
	if (event->object == NULL)
		return 0;
	found = atomic_load_explicit(&mine->encoded, memory_order_acquire);
	if (found == NULL) {
		code = encode(event, &made, err);
		if (code != 0)
			return code;
		if (atomic_compare_exchange_strong_explicit(&mine->encoded, &found, made,
			    memory_order_acq_rel, memory_order_acquire))
			found = made;
		else
			free(made);
	}
	*data = td_text_of(found->bytes, found->len);
	return 0;
}

struct td_text td_event_data(const struct td_event *event)
{
	struct td_text data;

	if (event == NULL || td_event_data_get(event, &data, NULL) != 0)
		return td_text_of(NULL, 0);
	return data;
}
