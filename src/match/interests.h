/*
 * The interests of one slot: none, one, or a set that a writer changes beside its readers.
 *
 *	0          none
 *	even       the one interest itself
 *	odd        a struct td_interests, + 1
 *
 * The set is a list of pointers in the order of adding, which readers walk up to the first 0. A
 * removed one leaves the set's own address behind; who wants to add to a full list copies what is
 * left. A larger list has an index for the writer behind it, so that adding and removing cost the
 * same however many there are.
 */
#ifndef TD_MATCH_INTERESTS_H
#define TD_MATCH_INTERESTS_H

#include "match/limbo.h"

struct td_interests {
	struct td_trie_limbo head;
	size_t items;      /* there is room for */
	size_t used, live; /* items not 0; of these not removed. The writer's */
	_Atomic uintptr_t at[];
};

/* The mark of a removed item. Nobody else can know this address. */
static inline uintptr_t td_interests_removed(const struct td_interests *set)
{
	return (uintptr_t)set;
}

/* 0, TD_E_EXISTS, TD_E_NOMEM. */
int td_interests_add(struct td_heap *heap, _Atomic uintptr_t *interests, void *interest);
/* Whether it was there. Needs no memory; gives back some if it can. */
bool td_interests_remove(struct td_heap *heap, _Atomic uintptr_t *interests, void *interest);
/* Where in the set it is; SIZE_MAX: it is not. For td_trie_verify(). */
size_t td_interests_place(const struct td_interests *set, uintptr_t interest);

static inline const struct td_interests *td_interests_set(uintptr_t interests)
{
	return (const struct td_interests *)(interests - 1);
}

size_t td_interests_each_of(
	const struct td_interests *set, void (*found)(void *arg, void *interest), void *arg);

/* Call `found` (may be NULL) for each, in the order of adding, and return how many. Any thread. */
static inline size_t td_interests_each(
	uintptr_t interests, void (*found)(void *arg, void *interest), void *arg)
{
	if (interests == 0)
		return 0;
	if ((interests & 1) != 0)
		return td_interests_each_of(td_interests_set(interests), found, arg);
	if (found != NULL)
		found(arg, (void *)interests);
	return 1;
}

#endif
