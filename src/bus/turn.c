#include "bus/private.h"

#include <stdlib.h>

/*
 * Turns: who may queue and handle an event of an address, in the order in which the keeper drew.
 *
 *	stripe   [ running ] <- [ admitted ] <- [ admitted, handed over ] <- [ drawn ] <- [ drawn ]
 *	           first                                                     unadmitted
 *
 * Addresses share stripes; that only orders more than is asked. A turn is drawn at the end of its
 * stripe, admitted (its event is in its queues) when all before it are, and may run when it is the
 * first. Who waits for a turn waits for earlier ones alone, and runs no handler meanwhile; and one
 * that may not wait (its thread is in a handler that others may be waiting for) hands its node to
 * who is before. So nobody waits in a circle.
 */

#define STRIPES 256u

struct stripe {
	struct td_turn *first, *last;
	struct td_turn *unadmitted; /* the first that is not admitted, or NULL */
};

struct td_turns {
	struct td_mutex lock;
	struct td_condition moved;
	unsigned waiters;
	struct stripe stripes[STRIPES];
};

struct td_turns *td_turns_new(void)
{
	struct td_turns *turns = calloc(1, sizeof(*turns));

	if (turns == NULL)
		return NULL;
	if (td_mutex_init(&turns->lock, NULL) != 0) {
		free(turns);
		return NULL;
	}
	if (td_condition_init(&turns->moved, NULL) != 0) {
		td_mutex_fini(&turns->lock);
		free(turns);
		return NULL;
	}
	return turns;
}

void td_turns_free(struct td_turns *turns)
{
	if (turns == NULL)
		return;
	for (unsigned i = 0; i < STRIPES; i++)
		TD_ASSERT(turns->stripes[i].first == NULL);
	td_condition_fini(&turns->moved);
	td_mutex_fini(&turns->lock);
	free(turns);
}

void td_turn_init(struct td_turn *turn)
{
	*turn = (struct td_turn){.drawn = false};
}

void td_turn_draw(struct td_turns *turns, struct td_turn *turn, struct td_text address)
{
	struct stripe *stripe;

	turn->stripe = (unsigned)(td_hash(address.at, address.len, 0) % STRIPES);
	stripe = &turns->stripes[turn->stripe];
	td_mutex_lock(&turns->lock);
	turn->drawn = true;
	turn->admitted = false;
	turn->node = NULL;
	turn->next = NULL;
	turn->prev = stripe->last;
	if (stripe->last != NULL)
		stripe->last->next = turn;
	else
		stripe->first = turn;
	stripe->last = turn;
	if (stripe->unadmitted == NULL)
		stripe->unadmitted = turn;
	td_mutex_unlock(&turns->lock);
}

/* Under the lock: out of its stripe. The node that may run now, because nobody waits for it. */
static struct td_node *leave(struct td_turns *turns, struct td_turn *turn)
{
	struct stripe *stripe = &turns->stripes[turn->stripe];
	bool was_first = stripe->first == turn;
	struct td_node *node = NULL;

	if (stripe->unadmitted == turn)
		stripe->unadmitted = turn->next;
	if (turn->prev != NULL)
		turn->prev->next = turn->next;
	else
		stripe->first = turn->next;
	if (turn->next != NULL)
		turn->next->prev = turn->prev;
	else
		stripe->last = turn->prev;
	turn->drawn = false;
	if (was_first && stripe->first != NULL) {
		node = stripe->first->node;
		stripe->first->node = NULL;
	}
	if (turns->waiters > 0)
		td_condition_broadcast(&turns->moved);
	return node;
}

void td_turn_withdraw(struct td_turns *turns, struct td_turn *turn)
{
	struct td_node *node;

	if (!turn->drawn)
		return;
	td_mutex_lock(&turns->lock);
	node = leave(turns, turn);
	/* What is withdrawn was drawn last: nothing behind it is further than that. */
	TD_ASSERT(node == NULL);
	td_mutex_unlock(&turns->lock);
}

void td_turn_wait_admission(struct td_turns *turns, struct td_turn *turn)
{
	if (!turn->drawn)
		return;
	td_mutex_lock(&turns->lock);
	turns->waiters++;
	/* Short: who is before is on its way to its queues, and runs nothing of the host's. */
	while (turns->stripes[turn->stripe].unadmitted != turn)
		td_condition_wait(&turns->moved, &turns->lock, INT64_MAX);
	turns->waiters--;
	td_mutex_unlock(&turns->lock);
}

struct td_node *td_turn_admitted(struct td_turns *turns, struct td_turn *turn, bool stays)
{
	struct td_node *node = NULL;

	if (!turn->drawn)
		return NULL;
	td_mutex_lock(&turns->lock);
	TD_ASSERT(turns->stripes[turn->stripe].unadmitted == turn);
	turns->stripes[turn->stripe].unadmitted = turn->next;
	turn->admitted = true;
	if (!stays)
		node = leave(turns, turn);
	else if (turns->waiters > 0)
		td_condition_broadcast(&turns->moved);
	td_mutex_unlock(&turns->lock);
	return node;
}

bool td_turn_begin(
	struct td_turns *turns, struct td_turn *turn, bool may_wait, struct td_node *node)
{
	bool mine;

	if (!turn->drawn)
		return true;
	td_mutex_lock(&turns->lock);
	turns->waiters++;
	while (may_wait && turns->stripes[turn->stripe].first != turn)
		td_condition_wait(&turns->moved, &turns->lock, INT64_MAX);
	turns->waiters--;
	mine = turns->stripes[turn->stripe].first == turn;
	if (!mine)
		turn->node = node;
	td_mutex_unlock(&turns->lock);
	return mine;
}

struct td_node *td_turn_end(struct td_turns *turns, struct td_turn *turn)
{
	struct td_node *node;

	if (!turn->drawn)
		return NULL;
	td_mutex_lock(&turns->lock);
	TD_ASSERT(turns->stripes[turn->stripe].first == turn && turn->admitted);
	node = leave(turns, turn);
	td_mutex_unlock(&turns->lock);
	return node;
}
