#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * Topics: a subject and a type that are published again and again, and the plan that is kept of their
 * routes. A plan is replaced as a whole when interests change, never written to.
 */

static const struct td_plan plan_stale = {.topic = TD_PLAN_SLOW, .count = 0};

/* The block of a plan begins with the entry that retires it, so that this needs no memory. */
static void plan_retire(struct td_bus *bus, const struct td_plan *plan)
{
	struct td_retired *retired;

	if (plan == &plan_stale)
		return;
	retired = (struct td_retired *)(uintptr_t)plan - 1;
	*retired = (struct td_retired){.next = NULL};
	td_bus_retire(bus, retired);
}

void td_bus_topics_stale(struct td_bus *bus, const char *pattern)
{
	for (struct td_topic *topic = bus->topics; topic != NULL; topic = topic->next) {
		if (pattern != NULL &&
			!td_pattern_matches(td_text(pattern), td_text(topic->address)))
			continue;
		plan_retire(bus, atomic_exchange(&topic->plan, &plan_stale));
	}
}

static struct td_plan *plan_new(const struct td_routes *routes)
{
	size_t slots = (routes->count + 1) * sizeof(struct td_slot);
	struct td_retired *head = malloc(sizeof(*head) + sizeof(struct td_plan) + slots);
	struct td_plan *plan;

	if (head == NULL)
		return NULL;
	plan = (struct td_plan *)(void *)(head + 1);
	plan->count = routes->count;
	for (size_t i = 0; i < routes->count; i++) {
		struct td_subscription *s = routes->at[i].subscription;
		plan->slots[i] = (struct td_slot){s->handler, s->arg, s};
	}
	plan->slots[plan->count] = (struct td_slot){NULL, NULL, NULL};
	return plan;
}

/* Which roads a plan is good for. */
static void judge_plan(struct td_plan *plan, const struct td_topic *topic)
{
	bool fast = plan->count > 0 && !td_readers_fenced;

	plan->straight = !td_bus_traced(topic->bus) && td_bus_keeper(topic->bus) == NULL;
	for (size_t i = 0; i < plan->count; i++) {
		struct td_subscription *subscription = plan->slots[i].subscription;

		plan->straight = plan->straight && subscription->plain;
		fast = fast && !subscription->async && atomic_load(&subscription->lane) == NULL;
	}
	plan->topic = fast && plan->straight ? topic->number : TD_PLAN_SLOW;
}

static void keep_who_hears_own(struct td_routes *routes)
{
	size_t kept = 0;

	for (size_t i = 0; i < routes->count; i++) {
		if (routes->at[i].subscription->hears_own)
			routes->at[kept++] = routes->at[i];
	}
	routes->count = kept;
}

const struct td_plan *td_topic_plan(struct td_topic *topic)
{
	struct td_bus *bus = topic->bus;
	const struct td_plan *plan;
	struct td_plan *fresh;
	struct td_routes routes;

	plan = atomic_load(&topic->plan);
	if (plan != &plan_stale)
		return plan;
	td_routes_init(&routes);
	td_mutex_lock(&bus->lock);
	plan = atomic_load(&topic->plan);
	if (plan != &plan_stale)
		goto done;
	plan = NULL;
	td_trie_match(
		bus->trie, td_text(topic->address), td_text(topic->type), td_routes_found, &routes);
	if (routes.failed)
		goto done;
	if (td_bus_is_own(td_text(topic->type)))
		keep_who_hears_own(&routes);
	td_routes_sort(&routes);
	fresh = plan_new(&routes);
	if (fresh == NULL)
		goto done;
	judge_plan(fresh, topic);
	atomic_store(&topic->plan, fresh);
	plan = fresh;
done:
	td_mutex_unlock(&bus->lock);
	td_routes_fini(&routes);
	return plan;
}

int td_bus_topic_open(struct td_topic **out, struct td_bus *bus, const char *subject,
	const char *type, struct td_error *err)
{
	/* Of the process: an event remembers the number of a topic it fits, on whichever handle. */
	static _Atomic uint64_t numbers;
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	struct td_topic *topic;
	int code;

	code = td_check_draft(bus, &(struct td_draft){.type = type, .subject = subject}, err);
	if (code == 0)
		code = td_address_encode(
			td_text(subject != NULL ? subject : type), encoded, &address, err);
	if (code != 0)
		return td_error_wrap(err, code, "topic");
	topic = calloc(1, sizeof(*topic));
	if (topic == NULL)
		return td_error_nomem(err);
	topic->address = td_text_dup(address);
	topic->type = strdup(type);
	if (topic->address == NULL || topic->type == NULL) {
		free(topic->address);
		free(topic->type);
		free(topic);
		return td_error_nomem(err);
	}
	topic->bus = bus;
	atomic_init(&topic->plan, &plan_stale);
	topic->number = atomic_fetch_add(&numbers, 1) + 1;
	td_mutex_lock(&bus->lock);
	topic->next = bus->topics;
	bus->topics = topic;
	td_mutex_unlock(&bus->lock);
	*out = topic;
	return 0;
}

static void free_topic(struct td_topic *topic)
{
	free(topic->address);
	free(topic->type);
	free(topic);
}

void td_bus_topic_close(struct td_topic *topic)
{
	struct td_bus *bus;
	struct td_topic **link;

	if (topic == NULL)
		return;
	bus = topic->bus;
	td_mutex_lock(&bus->lock);
	for (link = &bus->topics; *link != topic; link = &(*link)->next)
		TD_ASSERT(*link != NULL);
	*link = topic->next;
	plan_retire(bus, atomic_exchange(&topic->plan, &plan_stale));
	td_mutex_unlock(&bus->lock);
	free_topic(topic);
	td_bus_reclaim(bus);
}

void td_bus_free_topics(struct td_bus *bus)
{
	while (bus->topics != NULL) {
		struct td_topic *next = bus->topics->next;
		const struct td_plan *plan = atomic_load(&bus->topics->plan);

		if (plan != &plan_stale)
			free((char *)(uintptr_t)plan - sizeof(struct td_retired));
		free_topic(bus->topics);
		bus->topics = next;
	}
}
