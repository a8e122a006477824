#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One subscription by itself: made of an interest, named, freed. Who finds it, and when, is
 * interest.c's.
 */

/* --- making ------------------------------------------------------------------------------- */

static bool has_type(const struct td_subscription *s, const char *type)
{
	for (size_t i = 0; i < s->types_count; i++) {
		if (strcmp(s->types[i], type) == 0)
			return true;
	}
	return false;
}

static int add_type(struct td_subscription *s, const char *type, struct td_error *err)
{
	if (has_type(s, type))
		return 0;
	s->types[s->types_count] = strdup(type);
	if (s->types[s->types_count] == NULL)
		return td_error_nomem(err);
	s->types_count++;
	return 0;
}

static int copy_types(
	struct td_subscription *s, const struct td_interest *interest, struct td_error *err)
{
	int code = 0;

	s->types = calloc(interest->types_count + 1, sizeof(s->types[0]));
	if (s->types == NULL)
		return td_error_nomem(err);
	if (interest->type != NULL)
		code = add_type(s, interest->type, err);
	for (size_t i = 0; code == 0 && i < interest->types_count; i++)
		code = add_type(s, interest->types[i], err);
	return code;
}

static int parse_filters(
	struct td_subscription *s, const struct td_interest *interest, struct td_error *err)
{
	int code = 0;

	if (interest->filter != NULL) {
		code = td_filter_sql(&s->filter, td_text(interest->filter), err);
		if (code != 0)
			return td_error_wrap(err, code, "filter");
	}
	if (interest->filters != NULL) {
		code = td_filter_dialects(&s->filters, td_text(interest->filters), err);
		if (code != 0)
			return td_error_wrap(err, code, "filters");
	}
	if (interest->select_count > 0) {
		code = td_select_new(&s->select, interest->select, interest->select_count, err);
		if (code != 0)
			return td_error_wrap(err, code, "select");
	}
	return 0;
}

int td_subscription_make(struct td_subscription **out, struct td_bus *bus,
	const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_error *err)
{
	struct td_subscription *s = calloc(1, sizeof(*s));
	int code;

	if (s == NULL)
		return td_error_nomem(err);
	s->bus = bus;
	s->handler = handler;
	s->arg = arg;
	if (typed != NULL && typed->type != NULL) {
		s->typed = *typed;
		s->typed_arg = arg;
		s->handler = td_bus_typed_call;
		s->arg = s;
	}
	s->release = interest->release;
	s->release_arg = arg;
	s->async = interest->async || (bus->async && !interest->sync);
	s->observer = interest->observer;
	s->order = interest->order;
	s->when_full = interest->when_full;
	s->queue_max = interest->queue_max != 0 ? interest->queue_max : TD_QUEUE_DEFAULT;
	s->parked_max = interest->parked_max != 0 ? interest->parked_max : TD_PARKED_DEFAULT;
	s->retry = interest->retry;
	code = copy_types(s, interest, err);
	if (code == 0)
		code = parse_filters(s, interest, err);
	s->plain = s->filter == NULL && s->filters == NULL && s->select == NULL;
	if (code == 0) {
		s->pattern = strdup(interest->subject != NULL ? interest->subject : ">");
		if (interest->name != NULL)
			s->name = strdup(interest->name);
		s->hears_own = interest->own || s->types_count > 0 ||
			       (s->pattern != NULL && strncmp(s->pattern, "td.", 3) == 0);
		if (s->pattern == NULL || (interest->name != NULL && s->name == NULL))
			code = td_error_nomem(err);
	}
	if (code != 0) {
		td_subscription_free(s);
		return code;
	}
	*out = s;
	return 0;
}

void td_subscription_free(struct td_subscription *subscription)
{
	struct td_lane *lane = atomic_load(&subscription->lane);

	if (lane != NULL) {
		td_lane_clear(lane);
		td_lane_free(lane);
	}
	for (size_t i = 0; i < subscription->types_count; i++)
		free(subscription->types[i]);
	free(subscription->types);
	free(subscription->name);
	free(subscription->pattern);
	td_filter_free(subscription->filter);
	td_filter_free(subscription->filters);
	td_select_free(subscription->select);
	free(subscription);
}

void td_subscription_release(struct td_subscription *subscription)
{
	if (subscription->release != NULL)
		subscription->release(subscription->release_arg);
	td_subscription_free(subscription);
}

/* --- names -------------------------------------------------------------------------------- */

static uint64_t name_key(const struct td_bus *bus, const char *name)
{
	return td_hash(name, strlen(name), bus->seed);
}

static struct td_subscription *find_name(const struct td_bus *bus, const char *name)
{
	struct td_subscription *s = td_map_get(&bus->names, name_key(bus, name));

	while (s != NULL && strcmp(s->name, name) != 0)
		s = s->same_name;
	return s;
}

static int put_name(struct td_bus *bus, struct td_subscription *s, struct td_error *err)
{
	uint64_t key = name_key(bus, s->name);

	s->same_name = td_map_get(&bus->names, key);
	if (!td_map_put(&bus->names, key, s))
		return td_error_nomem(err);
	return 0;
}

void td_subscription_unname(struct td_bus *bus, struct td_subscription *s)
{
	uint64_t key = name_key(bus, s->name);
	struct td_subscription *first = td_map_get(&bus->names, key);

	if (first != s) {
		while (first->same_name != s)
			first = first->same_name;
		first->same_name = s->same_name;
	} else if (s->same_name == NULL) {
		td_map_remove(&bus->names, key);
	} else {
		td_map_put(&bus->names, key, s->same_name); /* replaces: needs no memory */
	}
}

/* A name that nobody has: "ShipOrder-7". A long prefix is cut, at a character. */
static char *make_up_name(struct td_bus *bus, const char *prefix)
{
	char name[TD_SUBSCRIPTION_NAME_BYTES_MAX];
	size_t most = sizeof(name) / 2, len;
	uint64_t number = bus->numbers;

	TD_ASSERT(prefix != NULL);
	len = strlen(prefix);
	if (len > most) {
		len = most;
		while (((unsigned char)prefix[len] & 0xC0) == 0x80)
			len--;
	}
	do
		snprintf(name, sizeof(name), "%.*s-%llu", (int)len, prefix,
			(unsigned long long)++number);
	while (find_name(bus, name) != NULL);
	return strdup(name);
}

int td_subscription_name_it(
	struct td_bus *bus, struct td_subscription *s, const char *prefix, struct td_error *err)
{
	if (s->name == NULL) {
		s->name = make_up_name(bus, prefix);
		if (s->name == NULL)
			return td_error_nomem(err);
	}
	s->number = ++bus->numbers;
	if (find_name(bus, s->name) != NULL)
		return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
			"there is a subscription named %s already", s->name);
	return put_name(bus, s, err);
}

struct td_text td_bus_subscription_name(const struct td_subscription *s)
{
	return td_text(s->name);
}
