#include "client/place.h"

#include <stdlib.h>

/*
 * Inline handlers: the store's gate. They run on whoever leads, under the place's lock, one append at
 * a time; so what they read is what will be true when the append is made, and others wait for them.
 */

struct td_inline {
	struct td_inline *next;
	struct td_subscription *subscription;
	struct td_feed feed; /* never fed: this keeps it out of what is published */
};

static _Thread_local const struct td_place *mine;

const struct td_place *td_inline_place(void)
{
	return mine;
}

static void nothing_settled(void *arg, uint64_t number, enum td_state state)
{
	(void)arg, (void)number, (void)state;
}

int td_inline_subscribe(struct td_place *place, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	struct td_inline *entry, **link;
	struct td_subscription *made;
	int code;

	if (!place->on_disk)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"subscribe: inline handlers are of \"file:\" places");
	if (interest->async || interest->durable || interest->retry.attempts_max > 1)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"subscribe: an inline handler runs at once or not at all");
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return td_error_nomem(err);
	entry->feed.settled = nothing_settled;
	code = td_bus_subscribe_fed(
		place->bus, interest, handler, typed, arg, &entry->feed, &made, err);
	if (code != 0) {
		free(entry);
		return code;
	}
	entry->subscription = made;
	td_mutex_lock(&place->lock);
	for (link = &place->inlines; *link != NULL; link = &(*link)->next)
		;
	*link = entry;
	td_mutex_unlock(&place->lock);
	if (subscription != NULL)
		*subscription = made;
	return 0;
}

bool td_inline_end(struct td_place *place, struct td_subscription *subscription)
{
	struct td_inline **link, *found;
	bool locked;

	if (subscription == NULL)
		return false;
	locked = td_place_lock(place);
	for (link = &place->inlines; *link != NULL; link = &(*link)->next)
		if ((*link)->subscription == subscription)
			break;
	found = *link;
	if (found != NULL)
		found->subscription =
			NULL; /* its place in the list may be in use: it ends with it */
	td_place_unlock(place, locked);
	return found != NULL;
}

void td_inlines_close(struct td_place *place)
{
	while (place->inlines != NULL) {
		struct td_inline *next = place->inlines->next;

		free(place->inlines);
		place->inlines = next;
	}
}

static int ask(struct td_place *place, const struct td_event *event, struct td_error *err)
{
	char reason[TD_ERROR_TEXT_BYTES];

	for (const struct td_inline *i = place->inlines; i != NULL; i = i->next) {
		if (i->subscription == NULL || !td_bus_wants(i->subscription, event))
			continue;
		if (td_bus_decide(i->subscription, event, reason) != 0)
			return td_error_set(err, TD_E_REFUSED, TD_NO_OFFSET, "%s", reason);
	}
	return 0;
}

int td_inline_check(void *arg, struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_error *err)
{
	struct td_place *place = arg;
	int code = 0;

	(void)store, (void)entries;
	if (place->inlines == NULL || place->deciding == NULL)
		return 0;
	mine = place;
	for (size_t i = 0; code == 0 && i < count; i++)
		code = ask(place, place->deciding[i], err);
	mine = NULL;
	return code;
}
