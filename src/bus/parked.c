#include "bus/lane.h"

/*
 * What a lane holds until somebody decides: parked keys, redriven or dismissed, and a stop, resumed.
 */

/* By the subject of its events: the key, or an error that says why there can be none. */
static int key_of_subject(
	const struct td_lane *lane, const char *subject, uint64_t *key, struct td_error *err)
{
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	int code;

	if (lane->subscription->order == TD_ORDER_NONE)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"%s has no keys: redrive or dismiss all", lane->subscription->name);
	if (lane->subscription->order == TD_ORDER_ALL) {
		*key = 1;
		return 0;
	}
	code = td_address_encode(td_text(subject), encoded, &address, err);
	if (code != 0)
		return td_error_wrap(err, code, "subject");
	*key = td_lane_key(lane, address);
	return 0;
}

static bool dismiss(struct td_lane *lane, uint64_t key)
{
	uint64_t token;

	if (!td_delivery_dismiss(lane->machine, key, &token))
		return false;
	if (lane->subscription->feed != NULL) /* the others were told when it was parked */
		td_lane_tell(lane, &td_lane_slot_of(token)->owed, TD_FAILED, 0, NULL);
	td_owed_free(&td_lane_slot_of(token)->owed);
	td_lane_slot_put(lane, td_lane_slot_of(token));
	return true;
}

/* Redrive or dismiss one key or all; how many in *count. Under the lock. */
static int release(
	struct td_lane *lane, const char *subject, bool again, size_t *count, struct td_error *err)
{
	uint64_t key, token;
	size_t cursor;
	int code;

	*count = 0;
	if (subject != NULL) {
		code = key_of_subject(lane, subject, &key, err);
		if (code != 0)
			return code;
		*count = again ? td_delivery_redrive(lane->machine, key) : dismiss(lane, key);
		return *count > 0 ? 0
				  : td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
					    "subject %s is not parked", subject);
	}
	while (cursor = 0, td_delivery_parked(lane->machine, &cursor, &key, &token)) {
		if (!(again ? td_delivery_redrive(lane->machine, key) : dismiss(lane, key)))
			break;
		(*count)++;
	}
	return 0;
}

static int release_and_go_on(
	struct td_subscription *s, const char *subject, bool again, struct td_error *err)
{
	struct td_lane *lane = atomic_load(&s->lane);
	size_t count = 0;
	int code;

	if (lane == NULL)
		return subject == NULL ? 0
				       : td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
						 "subject %s is not parked", subject);
	td_mutex_lock(&lane->lock);
	code = release(lane, subject, again, &count, err);
	td_mutex_unlock(&lane->lock);
	if (!again)
		td_lane_unreserve_count(lane, count);
	if (count > 0 && !TD_BUG(311))
		td_run_schedule(lane->bus, lane);
	return code;
}

int td_bus_redrive(struct td_subscription *s, const char *subject, struct td_error *err)
{
	return release_and_go_on(s, subject, true, err);
}

int td_bus_dismiss(struct td_subscription *s, const char *subject, struct td_error *err)
{
	return release_and_go_on(s, subject, false, err);
}

int td_bus_resume(struct td_subscription *s, struct td_error *err)
{
	struct td_lane *lane = atomic_load(&s->lane);
	bool stopped = false;

	if (lane != NULL) {
		td_mutex_lock(&lane->lock);
		stopped = td_delivery_counts(lane->machine).stopped;
		if (stopped)
			td_delivery_resume(lane->machine);
		td_mutex_unlock(&lane->lock);
	}
	if (!stopped)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s is not stopped", s->name);
	td_run_schedule(lane->bus, lane);
	return 0;
}
