#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * Receipts. What the caller holds is a struct with counts; behind it stands a book, shared with
 * the lanes that still owe something for that publish.
 */

struct entry {
	struct td_event *event; /* one reference */
	char *name;             /* of the subscription: one block with the reason behind */
	char *reason;           /* in that block, or one of its own; may be NULL */
	char *shown;            /* a reason replaced since a view showed it; NULL or owned */
	bool reason_owned, in_view, observer;
	enum td_state state;
	int code;
};

struct td_receipt_book {
	_Atomic uint32_t refs;
	struct td_mutex lock;
	struct td_bus *bus;     /* may be gone; only looked at while deliveries are pending */
	struct td_event *event; /* NULL: of no publish now */
	struct td_where where;
	bool kept, duplicate;
	struct entry *entries;
	size_t count, cap;
	size_t pending; /* QUEUED or STOPPED */
	struct td_outcome *view;
};

static void drop_entries(struct td_receipt_book *book)
{
	for (size_t i = 0; i < book->count; i++) {
		td_event_unref(book->entries[i].event);
		free(book->entries[i].name);
		free(book->entries[i].shown);
		if (book->entries[i].reason_owned)
			free(book->entries[i].reason);
	}
	book->count = 0;
}

void td_book_ref(struct td_receipt_book *book)
{
	atomic_fetch_add_explicit(&book->refs, 1, memory_order_relaxed);
}

void td_book_unref(struct td_receipt_book *book)
{
	if (book == NULL || atomic_fetch_sub_explicit(&book->refs, 1, memory_order_acq_rel) != 1)
		return;
	drop_entries(book);
	td_event_unref(book->event);
	free(book->entries);
	free(book->view);
	td_mutex_fini(&book->lock);
	free(book);
}

static struct td_receipt_book *book_new(void)
{
	struct td_receipt_book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return NULL;
	if (td_mutex_init(&book->lock, NULL) != 0) {
		free(book);
		return NULL;
	}
	atomic_init(&book->refs, 1);
	return book;
}

void td_receipt_empty(struct td_receipt *receipt)
{
	struct td_receipt_book *book;

	if (receipt == NULL)
		return;
	receipt->completed = receipt->failed = receipt->queued = 0;
	book = receipt->book;
	if (book == NULL)
		return;
	if (atomic_load(&book->refs) > 1) { /* lanes still owe something for it */
		td_book_unref(book);
		receipt->book = NULL;
		return;
	}
	drop_entries(book); /* used again: keeps its memory */
	td_event_unref(book->event);
	book->event = NULL;
	book->bus = NULL;
	book->kept = book->duplicate = false;
	book->pending = 0;
}

int td_book_open(struct td_receipt *receipt, struct td_bus *bus, const struct td_event *event,
	struct td_receipt_book **out, struct td_error *err)
{
	struct td_event *kept = td_event_ref(event);

	if (kept == NULL)
		return td_error_nomem(err);
	td_receipt_empty(receipt);
	if (receipt->book == NULL)
		receipt->book = book_new();
	if (receipt->book == NULL) {
		td_event_unref(kept);
		return td_error_nomem(err);
	}
	receipt->book->bus = bus;
	receipt->book->event = kept;
	*out = receipt->book;
	return 0;
}

void td_book_where(struct td_receipt_book *book, const struct td_kept *kept)
{
	book->where = kept->where;
	book->kept = kept->stored;
	book->duplicate = kept->duplicate;
}

const struct td_where *td_bus_receipt_where(const struct td_receipt *receipt, bool *duplicate)
{
	const struct td_receipt_book *book = receipt->book;

	if (book == NULL || !book->kept)
		return NULL;
	*duplicate = book->duplicate;
	return &book->where;
}

static char *pack(const char *name, const char *reason, char **reason_at)
{
	size_t name_len = strlen(name) + 1;
	size_t reason_len = reason != NULL ? strlen(reason) + 1 : 0;
	char *block = malloc(name_len + reason_len);

	if (block == NULL)
		return NULL;
	memcpy(block, name, name_len);
	if (reason_len > 0)
		memcpy(block + name_len, reason, reason_len);
	*reason_at = reason_len > 0 ? block + name_len : NULL;
	return block;
}

static bool make_room(struct td_receipt_book *book)
{
	size_t cap = book->cap != 0 ? book->cap * 2 : 8;
	struct entry *entries;

	if (book->count < book->cap)
		return true;
	entries = realloc(book->entries, cap * sizeof(*entries));
	if (entries == NULL)
		return false;
	book->entries = entries;
	book->cap = cap;
	return true;
}

size_t td_book_add(struct td_receipt_book *book, const struct td_event *event,
	const struct td_subscription *subscription, enum td_state state, int code,
	const char *reason)
{
	struct entry entry = {.state = state, .code = code, .observer = subscription->observer};
	size_t number = TD_BOOK_NONE;

	entry.name = pack(subscription->name, reason, &entry.reason);
	entry.event = td_event_ref(event);
	td_mutex_lock(&book->lock);
	if (entry.name != NULL && entry.event != NULL && make_room(book)) {
		number = book->count++;
		book->entries[number] = entry;
		if (state == TD_QUEUED || state == TD_STOPPED)
			book->pending++;
	}
	td_mutex_unlock(&book->lock);
	if (number == TD_BOOK_NONE) {
		free(entry.name);
		td_event_unref(entry.event);
	}
	return number;
}

void td_book_settle(struct td_receipt_book *book, size_t number, enum td_state state, int code,
	const char *reason, bool done)
{
	char *copy = reason != NULL && reason[0] != '\0' ? strdup(reason) : NULL;
	struct td_bus *bus = NULL;
	struct entry *entry;

	td_mutex_lock(&book->lock);
	TD_ASSERT(number < book->count);
	entry = &book->entries[number];
	entry->state = state;
	entry->code = code;
	if (entry->reason_owned && entry->in_view)
		entry->shown = entry->reason; /* somebody may be reading it */
	else if (entry->reason_owned)
		free(entry->reason);
	entry->in_view = false;
	entry->reason = copy;
	entry->reason_owned = copy != NULL;
	if (done) {
		TD_ASSERT(book->pending > 0);
		book->pending--;
		if (book->pending == 0)
			bus = book->bus;
	}
	td_mutex_unlock(&book->lock);
	if (bus != NULL)
		td_run_settled(bus);
}

size_t td_book_pending(struct td_receipt_book *book)
{
	size_t pending;

	td_mutex_lock(&book->lock);
	pending = book->pending;
	td_mutex_unlock(&book->lock);
	return pending;
}

size_t td_bus_receipt_outcomes(struct td_receipt *receipt, const struct td_outcome **outcomes)
{
	struct td_receipt_book *book = receipt->book;
	struct td_outcome *view;
	size_t count = 0;

	*outcomes = NULL;
	if (book == NULL)
		return 0;
	td_mutex_lock(&book->lock);
	view = realloc(book->view, (book->count + 1) * sizeof(*view));
	if (view != NULL) {
		book->view = view;
		count = book->count;
		for (size_t i = 0; i < count; i++) {
			struct entry *e = &book->entries[i];

			free(e->shown);
			e->shown = NULL;
			e->in_view = true;
			view[i] = (struct td_outcome){
				e->event, td_text(e->name), e->state, e->code, td_text(e->reason)};
		}
		*outcomes = view;
	}
	td_mutex_unlock(&book->lock);
	return count;
}

const struct td_event *td_bus_receipt_event(const struct td_receipt *receipt)
{
	return receipt->book != NULL ? receipt->book->event : NULL;
}

void td_bus_receipt_fini(struct td_receipt *receipt)
{
	if (receipt == NULL)
		return;
	td_book_unref(receipt->book);
	*receipt = (struct td_receipt)TD_RECEIPT_INIT;
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Deadlines are real time: who waits is a thread. In a simulated world nobody waits. */
int64_t td_deadline_ns(int64_t timeout_ms)
{
	int64_t now = td_clock_monotonic(&td_clock_real);

	if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / 1000000)
		return INT64_MAX;
	return now + timeout_ms * 1000000;
}

/* One step of waiting for something that workers or our own turns bring about. */
bool td_bus_wait_step(struct td_bus *bus, uint64_t seen, int64_t deadline)
{
	int64_t now;

	if (bus->workers_count > 0)
		return td_run_wait_settled(bus, seen, deadline);
	if (td_run_turn(bus) > 0)
		return true;
	now = td_clock_monotonic(&td_clock_real);
	if (now >= deadline)
		return false;
	/* Another thread may be turning too; look again before long. */
	td_loop_wait(bus->loop, deadline < now + 20000000 ? deadline : now + 20000000);
	return true;
}

/* When nothing is pending any more: what was counted before may have come to something else. */
static void count_again(struct td_receipt *receipt)
{
	struct td_receipt_book *book = receipt->book;

	receipt->completed = receipt->failed = receipt->queued = 0;
	td_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->count; i++) {
		const struct entry *entry = &book->entries[i];

		receipt->completed += entry->state == TD_COMPLETED;
		receipt->failed += !entry->observer &&
				   (entry->state == TD_FAILED || entry->state == TD_PARKED);
	}
	td_mutex_unlock(&book->lock);
}

int td_bus_await(
	struct td_bus *bus, struct td_receipt *receipt, int64_t timeout_ms, struct td_error *err)
{
	struct td_receipt_book *book = receipt->book;
	int64_t deadline = td_deadline_ns(timeout_ms);

	if (td_bus_context(bus) != NULL)
		return td_error_set(err, TD_E_DEADLOCK, TD_NO_OFFSET,
			"await inside a handler would wait for itself");
	if (book == NULL || book->event == NULL)
		return 0;
	if (book->bus != bus)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "receipt: of a publish on another handle");
	for (;;) {
		uint64_t seen = td_run_settled_count(bus);

		if (td_book_pending(book) == 0)
			break;
		if (!td_bus_wait_step(bus, seen, deadline) && td_book_pending(book) > 0)
			return td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET,
				"%zu deliveries are not done after %lld ms", td_book_pending(book),
				(long long)timeout_ms);
	}
	count_again(receipt);
	return 0;
}

/* True if nothing is owed. Lanes feed each other, so two looks must see the same activity. */
static bool all_idle(struct td_bus *bus)
{
	uint64_t before = 0, after = 0;
	bool idle = true;

	td_mutex_lock(&bus->lock);
	for (int look = 0; look < 2; look++) {
		uint64_t *activity = look == 0 ? &before : &after;

		for (struct td_subscription *s = bus->subscriptions; s != NULL; s = s->next) {
			struct td_lane *lane = atomic_load(&s->lane);

			if (lane != NULL && !td_lane_idle(lane, activity))
				idle = TD_BUG(317) && s->next != NULL;
		}
	}
	td_mutex_unlock(&bus->lock);
	return idle && before == after;
}

int td_bus_drain(struct td_bus *bus, int64_t timeout_ms, struct td_error *err)
{
	int64_t deadline = td_deadline_ns(timeout_ms);

	if (td_bus_context(bus) != NULL)
		return td_error_set(err, TD_E_DEADLOCK, TD_NO_OFFSET,
			"drain inside a handler would wait for itself");
	for (;;) {
		uint64_t seen = td_run_settled_count(bus);

		if (all_idle(bus))
			return 0;
		if (!td_bus_wait_step(bus, seen, deadline) && !all_idle(bus))
			return td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET,
				"deliveries are still owed after %lld ms", (long long)timeout_ms);
	}
}
