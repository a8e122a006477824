#include "client/place.h"

#include <stdlib.h>
#include <string.h>

/*
 * The place itself: the store of a directory, or one in memory for who creates a log.
 */

#define PAYLOAD_DEFAULT (1024u * 1024u)
#define PAYLOAD_MAX     (8u * 1024u * 1024u)

int64_t td_place_now_ms(const struct td_place *place)
{
	return td_clock_monotonic(place->clock) / 1000000;
}

int td_place_may(const struct td_place *place, const char *what, struct td_error *err)
{
	if (TD_UNLIKELY(td_inline_place() == place))
		return td_error_set(
			err, TD_E_INLINE, TD_NO_OFFSET, "%s inside an inline handler", what);
	return 0;
}

bool td_place_lock(struct td_place *place)
{
	if (td_inline_place() == place)
		return false;
	td_mutex_lock(&place->lock);
	return true;
}

void td_place_unlock(struct td_place *place, bool locked)
{
	if (locked)
		td_mutex_unlock(&place->lock);
}

/* --- subscriptions ------------------------------------------------------------------------ */

static int subscribe(struct td *td, const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_subscription **subscription,
	struct td_error *err)
{
	if (interest != NULL && interest->durable)
		return td_durable_subscribe(
			td->place, interest, handler, typed, arg, subscription, err);
	if (interest != NULL && interest->inline_)
		return td_inline_subscribe(
			td->place, interest, handler, typed, arg, subscription, err);
	return td_bus_subscribe(td->bus, interest, handler, typed, arg, subscription, err);
}

static void unsubscribe(struct td *td, struct td_subscription *subscription)
{
	if (!td_inline_end(td->place, subscription))
		td_durable_end(td->place, subscription);
}

/* --- the store ---------------------------------------------------------------------------- */

static int open_store(struct td_place *place, const char *directory, unsigned flags,
	struct td_store **store, struct td_error *err)
{
	struct td_store_options options = {
		.journal =
			{
				.disk = place->disk,
				.clock = place->clock,
				.random = place->random,
				.create = (flags & (TD_MUST_EXIST | TD_READ_ONLY)) == 0,
				.read_only = (flags & TD_READ_ONLY) != 0,
				.accept_tail_loss = (flags & TD_ACCEPT_TAIL_LOSS) != 0,
			},
		.gates = &place->gate,
		.gates_count = 1,
		.payload_bytes_max = place->payload_bytes_max,
	};

	struct td_error why = TD_ERROR_INIT; /* what it tried first and did without stays here */
	int code;

	place->gate = (struct td_gate){td_inline_check, place};
	code = td_store_open(store, directory, &options, &place->recovery, &why);
	if (code != 0 && err != NULL)
		*err = why;
	return code;
}

/* From now on what is published is kept. */
static void use_store(struct td_place *place, struct td_store *store)
{
	place->keeper =
		(struct td_keeper){.keep = td_place_keep, .seals = td_place_seals, .arg = place};
	atomic_store_explicit(&place->store, store, memory_order_release);
	td_bus_keep(place->bus, &place->keeper);
}

int td_place_store_made(struct td_place *place, struct td_store **store, struct td_error *err)
{
	int code = 0;

	td_mutex_lock(&place->lock);
	*store = td_place_store(place);
	if (*store == NULL) {
		code = open_store(place, NULL, 0, store, err);
		if (code == 0)
			use_store(place, *store);
	}
	td_mutex_unlock(&place->lock);
	return code;
}

/* --- open --------------------------------------------------------------------------------- */

static int init_locks(struct td_place *place, struct td_error *err)
{
	int code = td_mutex_init(&place->lock, err);

	if (code != 0)
		return code;
	code = td_condition_init(&place->moved, err);
	if (code != 0)
		goto no_moved;
	code = td_condition_init(&place->wake_house, err);
	if (code == 0)
		return 0;
	td_condition_fini(&place->moved);
no_moved:
	td_mutex_fini(&place->lock);
	return code;
}

static void free_place(struct td_place *place)
{
	td_heads_close(place);
	td_condition_fini(&place->wake_house);
	td_condition_fini(&place->moved);
	td_mutex_fini(&place->lock);
	free(place);
}

static int check_options(const struct td_options *options, bool stored, struct td_error *err)
{
	const unsigned known = TD_NO_THREADS | TD_MUST_EXIST | TD_READ_ONLY | TD_ACCEPT_TAIL_LOSS;

	if ((options->flags & ~known) != 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "flags: 0x%x", options->flags);
	if (stored && options->data_bytes_max > PAYLOAD_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"data_bytes_max: %zu, at most %u are stored", options->data_bytes_max,
			PAYLOAD_MAX);
	return 0;
}

int td_place_open(struct td *td, const char *directory, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	static const struct td_options defaults = {0};
	struct td_store *store = NULL;
	struct td_place *place;
	int code;

	if (options == NULL)
		options = &defaults;
	code = check_options(options, directory != NULL, err);
	if (code != 0)
		return code;
	place = calloc(1, sizeof(*place));
	if (place == NULL)
		return td_error_nomem(err);
	code = init_locks(place, err);
	if (code != 0) {
		free(place);
		return code;
	}
	place->td = td;
	place->bus = td->bus;
	place->clock = world != NULL && world->clock != NULL ? world->clock : &td_clock_real;
	place->random = world != NULL && world->random != NULL ? world->random : &td_random_real;
	place->disk = world != NULL && world->disk != NULL ? world->disk : &td_disk_real;
	place->on_disk = directory != NULL;
	place->read_only = place->on_disk && (options->flags & TD_READ_ONLY) != 0;
	place->payload_bytes_max =
		options->data_bytes_max != 0 ? options->data_bytes_max : PAYLOAD_DEFAULT;
	if (place->payload_bytes_max > PAYLOAD_MAX)
		place->payload_bytes_max = PAYLOAD_MAX;
	place->waiting_tail = &place->waiting;
	place->decided_tail = &place->decided;
	if (directory != NULL) {
		code = open_store(place, directory, options->flags, &store, err);
		if (code != 0) {
			free_place(place);
			return code;
		}
		use_store(place, store);
		code = td_heads_open(place, options->heads, err);
		if (code == 0 && (options->flags & (TD_NO_THREADS | TD_READ_ONLY)) == 0)
			code = td_house_start(place, err);
		if (code != 0) {
			td_store_close(store, NULL);
			free_place(place);
			return code;
		}
	} else if (options->heads != NULL) {
		free_place(place);
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"heads: nothing is stored here that they could be of");
	}
	td->place = place;
	td->offer = &td_place_offer;
	td_house_between(place);
	return 0;
}

/* --- close -------------------------------------------------------------------------------- */

static void stop(struct td *td)
{
	struct td_place *place = td->place;

	td_mutex_lock(&place->lock);
	place->closing = true;
	td_place_moved(place);
	td_mutex_unlock(&place->lock);
	td_house_stop(place);
}

static int close_place(struct td *td)
{
	struct td_place *place = td->place;
	struct td_store *store = td_place_store(place);
	int code = 0;

	td_inlines_close(place);
	td_durables_close(place);
	td_heads_last(place);
	if (store != NULL)
		code = td_store_close(store, NULL);
	free_place(place);
	return code;
}

/* --- what it offers ----------------------------------------------------------------------- */

static int may(const struct td *td, const char *what, struct td_error *err)
{
	return td_place_may(td->place, what, err);
}

static int await(
	struct td *td, const struct td_receipt *receipt, int64_t deadline, struct td_error *err)
{
	return td_durables_await(td->place, receipt, deadline, err);
}

/* What was fed may have published, and what was published is fed. */
static int drain(struct td *td, int64_t deadline, struct td_error *err)
{
	int code = 0;

	for (uint64_t seen = 0, now; code == 0 && (now = td_place_position(td)) != seen;
		seen = now) {
		code = td_durables_drain(td->place, deadline, err);
		if (code == 0)
			code = td_bus_drain(td->bus, td_deadline_left_ms(deadline), err);
	}
	return code;
}

static int loop_turn(struct td *td, int64_t timeout_ms)
{
	return td_house_loop(td->place, timeout_ms);
}

const struct td_offer td_place_offer = {
	.stop = stop,
	.close = close_place,
	.may = may,
	.subscribe = subscribe,
	.unsubscribe = unsubscribe,
	.await = await,
	.drain = drain,
	.loop_turn = loop_turn,
	.read = td_place_read,
	.latest = td_place_latest,
	.find = td_place_find,
	.position = td_place_position,
	.subjects = td_place_subjects,
	.status = td_place_status,
	.log_set = td_place_log_set,
	.log_delete = td_place_log_delete,
	.log_list = td_place_log_list,
	.remove = td_place_remove,
	.forget = td_place_forget,
	.backup = td_place_backup,
	.head = td_place_head,
};
