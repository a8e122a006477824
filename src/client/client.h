/*
 * client: libtidings' public functions. One URL to one place; each call goes to the room that is
 * that place: dispatch is the bus's in all of them, what is kept is the place's, by the table of what
 * it offers.
 *
 *	td_...  --> door.c, forward.c: arguments --.--> bus
 *	                                           '--> offer: mem:, file: (place.h) | http:// (http.h)
 */
#ifndef TD_CLIENT_H
#define TD_CLIENT_H

#include "bus/bus.h"
#include "tidings/log.h"
#include "tidings/tidings.h"
#include "tidings/typed.h"

struct td_place;
struct td_http;

/*
 * What a kind of place does in its own way. Each function is what the header says of its public
 * namesake, with arguments that were checked; context ("read: ") is added by the door. What is NULL is
 * refused (TD_E_PLACE), but where something else is said.
 */
struct td_offer {
	void (*stop)(struct td *td); /* what runs beside ends; the bus is closed next */
	int (*close)(struct td *td); /* let go */
	/* Whether this thread may do something here, now. NULL: it may. */
	int (*may)(const struct td *td, const char *what, struct td_error *err);
	int (*subscribe)(struct td *td, const struct td_interest *interest, td_handler *handler,
		const struct td_typed_handler *typed, void *arg,
		struct td_subscription **subscription, struct td_error *err);
	void (*unsubscribe)(
		struct td *td, struct td_subscription *subscription); /* before the bus's */
	/* Beside the bus's; NULL: nothing. Deadlines are monotonic ns. */
	int (*await)(struct td *td, const struct td_receipt *receipt, int64_t deadline,
		struct td_error *err);
	/* Instead of the bus's; NULL: the bus's. */
	int (*drain)(struct td *td, int64_t deadline, struct td_error *err);
	int (*loop_turn)(struct td *td, int64_t timeout_ms);

	int (*read)(struct td_reading **reading, struct td *td, const struct td_scope *scope,
		bool follows, struct td_error *err);
	int (*latest)(struct td *td, const char *log, const char *subject, struct td_event **event,
		struct td_where *where, struct td_error *err);
	int (*find)(struct td *td, const char *id, const char *source, struct td_event **event,
		struct td_where *where, struct td_error *err);
	uint64_t (*position)(struct td *td);
	int (*subjects)(struct td *td, const char *log, const char *pattern,
		bool (*each)(void *arg, const struct td_subject_about *subject), void *arg,
		struct td_error *err);
	int (*status)(struct td *td, struct td_status *status, struct td_error *err);
	int (*log_set)(struct td *td, const char *name, const struct td_log_settings *settings,
		bool change, struct td_error *err);
	int (*log_delete)(struct td *td, const char *name, struct td_error *err);
	int (*log_list)(
		struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err);
	int (*remove)(struct td *td, const struct td_removing *removing, uint64_t *removed,
		struct td_error *err);
	int (*forget)(struct td *td, const char *log, const char *subject, struct td_error *err);
	int (*backup)(struct td *td, const char *to, const struct td_backup_options *options,
		struct td_backup_report *report, struct td_error *err);
	int (*head)(struct td *td, char line[TD_HEAD_BYTES], struct td_error *err);
};

/* A reading is a place's own; this is its first member. */
struct td_reading_offer {
	int (*next)(struct td_reading *reading, const struct td_event **event,
		struct td_where *where, struct td_error *err);
	int (*wait)(struct td_reading *reading, int64_t timeout_ms, struct td_error *err);
	uint64_t (*position)(const struct td_reading *reading);
	void (*close)(struct td_reading *reading);
};
struct td_reading {
	const struct td_reading_offer *offer;
};

struct td {
	struct td_bus *bus;
	const struct td_offer *offer;
	struct td_place *place; /* "mem:", "file:" */
	struct td_http *http;   /* "http://" */
};

/* td_open() in a world of the caller's (simulation); NULL: the real one. */
int td_open_in(struct td **td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err);

/* Monotonic ns at which a timeout passes, and back; negative: never. */
int64_t td_deadline(int64_t timeout_ms);
int64_t td_deadline_left_ms(int64_t deadline);
/* Whether this thread may do `what` on the handle, now. */
static inline int td_may(const struct td *td, const char *what, struct td_error *err)
{
	return td->offer->may != NULL ? td->offer->may(td, what, err) : 0;
}

#endif
