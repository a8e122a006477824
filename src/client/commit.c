#include "client/place.h"

/*
 * One frame for all who wait.
 *
 *	deed     waiting -----decide-----> decided -----sync-----> done
 *	                    |                                       ^
 *	                    '-> (refused, on nothing staged) -------'
 *
 * Who finds nobody leading leads: decides what waits, in order, as far as the frame has room; has it
 * written and synced without the lock; answers those whose ground is durable; hands over to the
 * first who is left. Meanwhile the next ones gather, so that a slow disk makes larger frames.
 *
 * Invariants, under the lock:
 *	C1  somebody leads while a deed is waiting or decided
 *	C2  deeds are decided in the order in which they came
 *	C3  what is done has left both lists
 */

static void append(struct td_deed *deed, struct td_deed ***tail)
{
	deed->next = NULL;
	**tail = deed;
	*tail = &deed->next;
}

static void finish(struct td_deed *deed)
{
	deed->done = true;
	td_condition_signal(deed->wake);
}

/* The disk failed: nothing that waits will ever be durable, and nobody can know what is. */
static void fail_all(struct td_place *place)
{
	struct td_store *store = td_place_store(place);
	struct td_deed *deed;

	while ((deed = place->decided) != NULL) {
		place->decided = deed->next;
		if (deed->code == 0 && deed->undo != NULL)
			deed->undo(place, deed);
		deed->code = td_store_failed(store, &deed->err);
		finish(deed);
	}
	place->decided_tail = &place->decided;
	while ((deed = place->waiting) != NULL) {
		place->waiting = deed->next;
		deed->code = td_store_failed(store, &deed->err);
		finish(deed);
	}
	place->waiting_tail = &place->waiting;
	td_place_moved(place);
}

static void decide_waiting(struct td_place *place)
{
	struct td_deed *deed;

	while ((deed = place->waiting) != NULL) {
		deed->rests_on = 0;
		deed->code = deed->decide(place, deed, &deed->rests_on, &deed->err);
		if (deed->code == TD_E_FULL)
			return; /* it is the first of the next frame */
		place->waiting = deed->next;
		if (place->waiting == NULL)
			place->waiting_tail = &place->waiting;
		deed->decided = true;
		append(deed, &place->decided_tail);
	}
}

/* An answer may be told when durable is beyond what it rests on. */
static void answer_decided(struct td_place *place)
{
	uint64_t durable = td_store_durable(td_place_store(place));
	struct td_deed **link = &place->decided;

	while (*link != NULL) {
		struct td_deed *deed = *link;

		if (deed->rests_on < durable) {
			*link = deed->next;
			finish(deed);
		} else {
			link = &deed->next;
		}
	}
	place->decided_tail = link;
}

static void hand_over(struct td_place *place)
{
	struct td_deed *next = place->decided != NULL ? place->decided : place->waiting;

	place->leading = next != NULL;
	if (next != NULL) {
		next->leads = true;
		td_condition_signal(next->wake);
	}
}

void td_place_moved(struct td_place *place)
{
	if (place->watchers > 0)
		td_condition_broadcast(&place->moved);
}

/*
 * What the journal wants done so that durable moves: a commit, or the segment it waits for. false:
 * there is nothing, or not now for want of memory: a moment later.
 */
static bool write_staged(struct td_place *place)
{
	struct td_store *store = td_place_store(place);
	struct td_chore *chore = td_store_next(store, TD_WORK_COMMIT, td_place_now_ms(place));
	int code;

	if (chore == NULL)
		return false;
	td_mutex_unlock(&place->lock);
	td_chore_run(chore);
	td_mutex_lock(&place->lock);
	/* Why it failed is kept by the store (failed) or tried again by itself (full). */
	code = td_store_done(store, chore, NULL);
	td_place_moved(place);
	return code == 0 || code == TD_E_DISK || code == TD_E_DISK_FULL;
}

/* One step of leading; false: nothing moves any more. */
static bool lead_step(struct td_place *place)
{
	struct td_store *store = td_place_store(place);

	decide_waiting(place);
	answer_decided(place);
	if (place->decided == NULL && place->waiting == NULL)
		return true;
	if (write_staged(place)) {
		if (td_store_failed(store, NULL) != 0)
			fail_all(place);
		else
			answer_decided(place);
		return true;
	}
	if (td_store_failed(store, NULL) != 0)
		fail_all(place);
	return place->decided == NULL && place->waiting == NULL;
}

void td_place_commit(struct td_place *place)
{
	TD_ASSERT(!place->leading);
	place->leading = true;
	if (write_staged(place) && td_store_failed(td_place_store(place), NULL) != 0)
		fail_all(place);
	else
		answer_decided(place);
	hand_over(place);
}

static void lead(struct td_place *place, struct td_deed *deed)
{
	while (!deed->done) {
		if (lead_step(place))
			continue;
		/* Somebody else has the work that we wait for: a segment, a mark. */
		place->watchers++;
		td_condition_wait(
			&place->moved, &place->lock, td_clock_monotonic(&td_clock_real) + 1000000);
		place->watchers--;
	}
	hand_over(place);
	td_house_wake(place);
}

int td_place_do(struct td_place *place, struct td_deed *deed, struct td_error *err)
{
	struct td_condition wake;
	int code = td_condition_init(&wake, err);

	if (code != 0)
		return code;
	deed->wake = &wake;
	deed->decided = deed->done = deed->leads = false;
	deed->err = (struct td_error)TD_ERROR_INIT;
	td_mutex_lock(&place->lock);
	code = td_store_failed(td_place_store(place), &deed->err);
	if (code == 0) {
		append(deed, &place->waiting_tail);
		if (!place->leading) {
			place->leading = true;
			deed->leads = true;
		}
		while (!deed->done && !deed->leads)
			td_condition_wait(&wake, &place->lock, INT64_MAX);
		if (deed->leads)
			lead(place, deed);
		code = deed->code;
	}
	td_mutex_unlock(&place->lock);
	td_condition_fini(&wake);
	td_house_between(place);
	if (code != 0 && err != NULL)
		*err = deed->err;
	return code;
}

int td_place_wait(struct td_place *place, uint64_t position, int64_t deadline, struct td_error *err)
{
	struct td_store *store = td_place_store(place);
	bool in_time = true;
	int code = 0;

	td_mutex_lock(&place->lock);
	place->watchers++;
	while (code == 0 && td_store_durable(store) <= position) {
		code = td_store_failed(store, err);
		if (code == 0 && place->closing)
			code = td_error_set(
				err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
		else if (code == 0 && !in_time)
			code = td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET,
				"position %llu is not there yet", (unsigned long long)position);
		else if (code == 0)
			in_time = td_condition_wait(&place->moved, &place->lock, deadline);
	}
	place->watchers--;
	td_mutex_unlock(&place->lock);
	return code;
}
