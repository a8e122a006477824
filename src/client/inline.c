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

	(void)store;
	if (place->inlines == NULL || place->deciding == NULL)
		return 0;
	mine = place;
	place->entries = entries;
	for (place->asked = 0; code == 0 && place->asked < count; place->asked++)
		code = ask(place, place->deciding[place->asked], err);
	place->asked = 0;
	place->entries = NULL;
	mine = NULL;
	return code;
}

/* --- what they read ----------------------------------------------------------------------- */

/* The log that an entry of the append at hand goes to. */
static struct td_text log_of(struct td_place *place, size_t i)
{
	const struct td_entry *entry = &place->entries[i];

	return entry->log.at != NULL ? entry->log
				     : td_store_claiming(td_place_store(place), entry->address);
}

/* All that is known of where one of them will stand. */
static struct td_where own_where(struct td_place *place, size_t i)
{
	struct td_where where = {.position = 0};

	td_text_copy(log_of(place, i), where.log, sizeof(where.log));
	return where;
}

/* The last of an address in the append at hand, before the one that is asked about; one more: 0 is none. */
static size_t own_latest(struct td_place *place, const char *log, struct td_text address)
{
	for (size_t i = place->asked; i > 0; i--) {
		if (td_text_equal(place->entries[i - 1].address, address) &&
			(log == NULL || td_text_equal(log_of(place, i - 1), td_text(log))))
			return i;
	}
	return 0;
}

struct sought {
	uint64_t position;
	const struct td_event *event;
	const struct td_where *where;
};

static bool is_at(void *arg, const struct td_event *event, const struct td_where *where)
{
	struct sought *sought = arg;

	if (where->position != sought->position)
		return true;
	sought->event = event;
	sought->where = where;
	return false;
}

static int give(const struct td_event *from, const struct td_where *at, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_event *ref = td_event_ref(from);

	if (ref == NULL)
		return td_error_nomem(err);
	*event = ref;
	if (where != NULL)
		*where = *at;
	return 0;
}

int td_inline_latest(struct td_place *place, const char *log, struct td_text address,
	struct td_event **event, struct td_where *where, struct td_error *err)
{
	struct td_store *store = td_place_store(place);
	size_t own = own_latest(place, log, address);
	struct td_buf buf = TD_BUF_INIT(TD_PLACE_RECORD_BYTES_MAX);
	struct sought sought = {0};
	struct td_stored stored;
	int code;

	if (own > 0) {
		const struct td_where at = own_where(place, own - 1);

		return give(place->deciding[own - 1], &at, event, where, err);
	}
	code = td_store_latest_decided(
		store, td_text(log), address, &sought.position, &stored, &buf, err);
	if (code == 0 && sought.position == 0) {
		code = td_stored_event(store, &stored, event, err);
		if (code == 0 && where != NULL)
			td_place_where(store, stored.log, stored.seq, stored.revision,
				stored.position, stored.time, where);
	} else if (code == 0) {
		td_place_each_staged(place, is_at, &sought);
		code = sought.event != NULL ? give(sought.event, sought.where, event, where, err)
					    : td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
						      "%.*s: no event", TD_TEXT_ARG(address));
	}
	td_buf_fini(&buf);
	return code;
}

struct collecting {
	bool (*wanted)(void *arg, const struct td_event *event, const struct td_where *where);
	void *arg;
	struct td_unsettled *list;
	size_t count, cap;
	bool failed;
};

static bool collect(void *arg, const struct td_event *event, const struct td_where *where)
{
	struct collecting *all = arg;
	struct td_unsettled *grown;
	struct td_event *ref;

	if (!all->wanted(all->arg, event, where))
		return true;
	if (all->count == all->cap) {
		all->cap = all->cap > 0 ? all->cap * 2 : 16;
		grown = realloc(all->list, all->cap * sizeof(*grown));
		all->failed = grown == NULL;
		if (all->failed)
			return false;
		all->list = grown;
	}
	ref = td_event_ref(event);
	all->failed = ref == NULL;
	if (ref != NULL)
		all->list[all->count++] = (struct td_unsettled){ref, *where};
	return ref != NULL;
}

int td_inline_collect(struct td_place *place,
	bool (*wanted)(void *arg, const struct td_event *event, const struct td_where *where),
	void *arg, struct td_unsettled **list, size_t *count, struct td_error *err)
{
	struct collecting all = {.wanted = wanted, .arg = arg};

	td_place_each_staged(place, collect, &all);
	for (size_t i = 0; i < place->asked && !all.failed; i++) {
		const struct td_where where = own_where(place, i);

		collect(&all, place->deciding[i], &where);
	}
	*list = all.list;
	*count = all.count;
	return all.failed ? td_error_nomem(err) : 0;
}
