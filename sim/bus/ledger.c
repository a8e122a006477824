#include "ledger.h"

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- memory ------------------------------------------------------------------------------- */

static void *grow(void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	*cap = *cap == 0 ? 32 : *cap * 2;
	items = realloc(items, *cap * size);
	TD_ASSERT(items != NULL);
	return items;
}

void ledger_init(struct ledger *ledger, const struct sim_bus_history *history)
{
	*ledger = (struct ledger){.history = history};
	ledger->bound = calloc(SIM_BUS_EVENTS_MAX, sizeof(ledger->bound[0]));
	TD_ASSERT(ledger->bound != NULL);
}

void ledger_fini(struct ledger *ledger)
{
	for (size_t i = 0; i < SIM_BUS_SUBS_MAX; i++)
		free(ledger->subs[i].debts);
	for (size_t i = 0; i < ledger->cascades_count; i++)
		free(ledger->cascades[i].debts);
	free(ledger->cascades);
	free(ledger->publications);
	free(ledger->announced);
	free(ledger->bound);
	free(ledger->debts);
}

/* --- who is interested -------------------------------------------------------------------- */

static const struct announced *announced_of(const struct ledger *ledger, unsigned event)
{
	return event >= SIM_BUS_EVENTS_MAX ? &ledger->announced[event - SIM_BUS_EVENTS_MAX] : NULL;
}

enum sim_bus_type ledger_type(const struct ledger *ledger, unsigned event)
{
	const struct announced *announced = announced_of(ledger, event);

	return announced != NULL ? announced->type : ledger->history->events[event].type;
}

static void write_subject(const struct ledger *ledger, unsigned event, char *out, size_t size)
{
	const struct announced *announced = announced_of(ledger, event);
	const struct sim_bus_event *events = ledger->history->events;

	if (announced == NULL)
		snprintf(out, size, "%s", sim_bus_subjects[events[event].subject]);
	else if (announced->type == SIM_BUS_TYPE_LETTER)
		snprintf(out, size, "td.deadletter.%s",
			ledger->history->subs[announced->about_sub].name);
	else
		snprintf(out, size, "td.command.%s",
			sim_bus_types[events[announced->about_event].type]);
}

/* Token by token: "*" is any one, ">" all that is left. */
static bool fits(const char *pattern, const char *subject)
{
	while (*pattern != '\0' && *subject != '\0') {
		size_t p = strcspn(pattern, "."), s = strcspn(subject, ".");

		if (pattern[0] == '>')
			return true;
		if (!(p == 1 && pattern[0] == '*') && (p != s || strncmp(pattern, subject, p) != 0))
			return false;
		pattern += p + (pattern[p] == '.');
		subject += s + (subject[s] == '.');
	}
	return *pattern == '\0' && *subject == '\0';
}

static bool passes(const struct ledger *ledger, enum sim_bus_filter filter, unsigned event)
{
	bool own = event >= SIM_BUS_EVENTS_MAX;

	switch (filter) {
	case SIM_BUS_EU:
		return !own && ledger->history->events[event].eu;
	case SIM_BUS_NOT_EU:
		return own || !ledger->history->events[event].eu;
	case SIM_BUS_NOT_A:
		return ledger_type(ledger, event) != SIM_BUS_TYPE_A;
	case SIM_BUS_ALL:
	case SIM_BUS_FILTERS:
		break;
	}
	return true;
}

bool ledger_matches(const struct ledger *ledger, unsigned sub, unsigned event)
{
	const struct sim_bus_sub *s = &ledger->history->subs[sub];
	enum sim_bus_type type = ledger_type(ledger, event);
	bool own = event >= SIM_BUS_EVENTS_MAX;
	bool hears_own = s->types != 0 || strncmp(sim_bus_patterns[s->pattern], "td.", 3) == 0;
	char subject[128];

	if (s->kind != TD_EVENT_KIND || (own && !hears_own))
		return false;
	if (s->types != 0 && (s->types & 1u << type) == 0)
		return false;
	write_subject(ledger, event, subject, sizeof(subject));
	return fits(sim_bus_patterns[s->pattern], subject) && passes(ledger, s->filter, event);
}

uint64_t ledger_key(const struct ledger *ledger, unsigned sub, unsigned event)
{
	char subject[128];

	switch (ledger->history->subs[sub].order) {
	case TD_ORDER_ALL:
		return 1;
	case TD_ORDER_SUBJECT:
		write_subject(ledger, event, subject, sizeof(subject));
		return td_hash(subject, strlen(subject), 1) | 1;
	case TD_ORDER_NONE:
		break;
	}
	return 0;
}

/* --- debts -------------------------------------------------------------------------------- */

size_t ledger_cascade(struct ledger *ledger, unsigned call)
{
	ledger->cascades = grow(ledger->cascades, ledger->cascades_count, &ledger->cascades_cap,
		sizeof(ledger->cascades[0]));
	ledger->cascades[ledger->cascades_count] = (struct cascade){.call = call};
	return ledger->cascades_count++;
}

unsigned ledger_publication(struct ledger *ledger, unsigned event, unsigned flags)
{
	ledger->publications = grow(ledger->publications, ledger->publications_count,
		&ledger->publications_cap, sizeof(ledger->publications[0]));
	ledger->publications[ledger->publications_count] =
		(struct publication){event, flags, false, false};
	return (unsigned)ledger->publications_count++;
}

size_t ledger_owe(struct ledger *ledger, unsigned sub, unsigned publication, bool queued,
	size_t cascade, unsigned call)
{
	struct sub_state *s = &ledger->subs[sub];
	size_t index = ledger->debts_count++;

	ledger->debts = grow(ledger->debts, index, &ledger->debts_cap, sizeof(ledger->debts[0]));
	ledger->debts[index] = (struct debt){.sub = sub,
		.event = ledger->publications[publication].event,
		.publication = publication,
		.call = call,
		.cascade = (unsigned)cascade,
		.least = ++ledger->moment,
		.most = queued ? ledger->moment : UINT64_MAX,
		.key = ledger_key(ledger, sub, ledger->publications[publication].event),
		.state = queued ? DEBT_WAITING : DEBT_PENDING,
		.sync = !queued,
		.in_lane = queued,
		.entered = queued,
		.outcome = TD_QUEUED,
		.since = ledger->outermost};
	s->debts = grow(s->debts, s->count, &s->cap, sizeof(s->debts[0]));
	s->debts[s->count++] = index;
	if (queued) {
		s->lane = true;
	} else {
		struct cascade *c = &ledger->cascades[cascade];

		c->debts = grow(c->debts, c->count, &c->cap, sizeof(c->debts[0]));
		ledger->debts[index].place = c->count;
		c->debts[c->count++] = index;
	}
	return index;
}

unsigned ledger_announce(struct ledger *ledger, const struct announced *announced)
{
	ledger->announced = grow(ledger->announced, ledger->announced_count, &ledger->announced_cap,
		sizeof(ledger->announced[0]));
	ledger->announced[ledger->announced_count] = *announced;
	return SIM_BUS_EVENTS_MAX + (unsigned)ledger->announced_count++;
}

static uint64_t least_of(const struct ledger *ledger, const struct debt *debt)
{
	uint64_t floor =
		debt->sync && debt->most == UINT64_MAX ? ledger->cascades[debt->cascade].floor : 0;

	return debt->least > floor ? debt->least : floor;
}

void ledger_enter_lane(struct ledger *ledger, struct debt *debt)
{
	debt->in_lane = true;
	if (debt->most != UINT64_MAX)
		return;
	debt->least = least_of(ledger, debt);
	debt->most = ++ledger->moment;
}

void ledger_on_its_way(struct debt *debt)
{
	debt->most = UINT64_MAX;
}

void ledger_stand_behind(struct ledger *ledger, struct debt *debt)
{
	debt->in_lane = true;
	debt->apart = true;
	debt->least = debt->most = ++ledger->moment;
}

void ledger_stand_in_front(struct debt *debt)
{
	debt->in_lane = true;
	debt->apart = true;
	debt->least = debt->most = 0;
}

void ledger_since(struct ledger *ledger, size_t from, const struct debt *debt)
{
	uint64_t least = least_of(ledger, debt);

	for (size_t i = from; i < ledger->debts_count; i++) {
		struct debt *owed = &ledger->debts[i];

		owed->least = least;
		owed->apart = true;
		owed->optional = owed->optional || ledger->subs[owed->sub].since > least;
	}
}

void ledger_arrived(struct ledger *ledger, unsigned publication)
{
	for (size_t i = 0; i < ledger->debts_count; i++) {
		struct debt *debt = &ledger->debts[i];

		if (debt->publication == publication && debt->in_lane)
			ledger_enter_lane(ledger, debt);
	}
}

void ledger_went_on(struct ledger *ledger, const struct debt *debt)
{
	if (debt->sync)
		ledger->cascades[debt->cascade].floor = ++ledger->moment;
}

void ledger_go(struct ledger *ledger, struct debt *debt, enum td_state outcome, int code)
{
	struct sub_state *s = &ledger->subs[debt->sub];

	debt->state = DEBT_GONE;
	debt->gone_in = ledger->outermost;
	if (!debt->final) {
		debt->outcome = outcome;
		debt->code = code;
		debt->final = true;
	}
	while (s->first < s->count && ledger->debts[s->debts[s->first]].state == DEBT_GONE &&
		ledger->debts[s->debts[s->first]].gone_in != ledger->outermost)
		s->first++;
}

void ledger_end(struct ledger *ledger, unsigned sub)
{
	struct sub_state *s = &ledger->subs[sub];

	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = &ledger->debts[s->debts[i]];

		if (debt->state == DEBT_RUNNING || debt->state == DEBT_GONE)
			continue;
		debt->entered = debt->entered || debt->in_lane;
		ledger_go(ledger, debt, TD_DROPPED, 0);
	}
}

bool ledger_cut_off(const struct ledger *ledger, const struct debt *debt)
{
	const struct publication *p = &ledger->publications[debt->publication];

	return (p->flags & TD_STOP_AT_FIRST) != 0 && (p->failed || p->unsure);
}

/* Whether it is of a plain handler, which runs in its cascade's order. */
static bool holds_up(const struct ledger *ledger, const struct debt *debt)
{
	return debt->state == DEBT_PENDING && ledger->subs[debt->sub].live &&
	       !ledger->subs[debt->sub].lane;
}

/* The place of the first that holds up those behind it, from this one on; else `to`. */
static size_t first_held_up(
	const struct ledger *ledger, const struct cascade *cascade, size_t from, size_t to)
{
	while (from < to) {
		const struct debt *debt = &ledger->debts[cascade->debts[from]];

		if (holds_up(ledger, debt) && !ledger_cut_off(ledger, debt))
			break;
		from++;
	}
	return from;
}

bool ledger_may_have_come(const struct ledger *ledger, const struct debt *debt)
{
	const struct cascade *cascade = &ledger->cascades[debt->cascade];

	return debt->sync && debt->state == DEBT_PENDING && debt->place >= cascade->next &&
	       !holds_up(ledger, debt) &&
	       first_held_up(ledger, cascade, cascade->next, debt->place) == debt->place;
}

/* --- counts ------------------------------------------------------------------------------- */

size_t ledger_owed_least(const struct ledger *ledger, unsigned sub)
{
	const struct sub_state *s = &ledger->subs[sub];
	size_t owed = 0;

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = &ledger->debts[s->debts[i]];

		owed += debt->state != DEBT_GONE && debt->state != DEBT_PENDING && debt->in_lane &&
			!debt->optional && debt->most != UINT64_MAX;
	}
	return owed;
}

size_t ledger_owed_most(const struct ledger *ledger, unsigned sub)
{
	const struct sub_state *s = &ledger->subs[sub];
	size_t cascade = SIZE_MAX, free_to = 0; /* nothing before that place holds up */
	size_t owed = 0;

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = &ledger->debts[s->debts[i]];

		/* The place of what is done may be given back at the end of the stretch. */
		if (debt->state != DEBT_PENDING || debt->in_lane) {
			owed += debt->state != DEBT_GONE || debt->gone_in == ledger->outermost;
			continue;
		}
		if (!debt->sync)
			continue;
		/* As ledger_may_have_come(); those of one cascade come in its order. */
		if (debt->cascade != cascade) {
			cascade = debt->cascade;
			free_to = ledger->cascades[cascade].next;
		}
		if (debt->place < free_to || holds_up(ledger, debt)) {
			owed += ledger_may_have_come(ledger, debt);
			continue;
		}
		free_to = first_held_up(ledger, &ledger->cascades[cascade], free_to, debt->place);
		owed += free_to == debt->place;
	}
	return owed;
}

void ledger_look(struct ledger *ledger)
{
	ledger->moment++;
	for (unsigned sub = 1; sub < ledger->history->subs_count; sub++) {
		struct sub_state *s = &ledger->subs[sub];
		size_t max = ledger->history->subs[sub].queue_max;
		bool full;

		s->full = s->full && s->lane;
		if (!s->live || !s->lane || (s->count - s->first < max && !s->full))
			continue;
		full = ledger_owed_least(ledger, sub) >= max;
		if (full && !s->full)
			s->full_since = ledger->moment;
		s->full = full;
		if (ledger_owed_most(ledger, sub) >= max)
			s->full_last = ledger->moment;
	}
}

bool ledger_was_full(const struct ledger *ledger, const struct debt *debt, bool most)
{
	const struct sub_state *s = &ledger->subs[debt->sub];
	size_t max = ledger->history->subs[debt->sub].queue_max;

	if (most)
		return ledger_owed_most(ledger, debt->sub) >= max ||
		       s->full_last > least_of(ledger, debt);
	return ledger_owed_least(ledger, debt->sub) >= max && s->full &&
	       s->full_since < least_of(ledger, debt);
}

/* Of two of one cascade the order is known, wherever they stand. */
static bool same_cascade(const struct debt *a, const struct debt *b)
{
	return a->sync && b->sync && a->cascade == b->cascade && !a->apart && !b->apart;
}

static bool is_before(const struct ledger *ledger, const struct debt *a, const struct debt *b)
{
	if (a == b || b->key == 0 || a->key != b->key || a->state == DEBT_GONE || !a->in_lane)
		return false;
	return same_cascade(a, b) ? a < b : a->most < least_of(ledger, b);
}

static bool is_perhaps_before(
	const struct ledger *ledger, const struct debt *a, const struct debt *b)
{
	if (a == b || b->key == 0 || a->key != b->key || a->state == DEBT_GONE ||
		!(a->in_lane || ledger_may_have_come(ledger, a)))
		return false;
	return same_cascade(a, b) ? a < b : least_of(ledger, a) < b->most;
}

const struct debt *ledger_before(const struct ledger *ledger, const struct debt *debt)
{
	const struct sub_state *s = &ledger->subs[debt->sub];
	const struct debt *oldest = NULL;

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *other = &ledger->debts[s->debts[i]];

		if (is_before(ledger, other, debt) && !other->optional &&
			(oldest == NULL || other->most < oldest->most))
			oldest = other;
	}
	return oldest;
}

bool ledger_perhaps_before(const struct ledger *ledger, const struct debt *debt)
{
	const struct sub_state *s = &ledger->subs[debt->sub];

	for (size_t i = s->first; i < s->count; i++) {
		if (is_perhaps_before(ledger, &ledger->debts[s->debts[i]], debt))
			return true;
	}
	return false;
}

bool ledger_others(const struct ledger *ledger, const struct debt *debt, bool most)
{
	const struct sub_state *s = &ledger->subs[debt->sub];

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *other = &ledger->debts[s->debts[i]];

		if (other == debt || debt->key == 0 || other->key != debt->key ||
			other->state == DEBT_GONE || (same_cascade(other, debt) && other > debt))
			continue;
		if (most ? other->in_lane || ledger_may_have_come(ledger, other)
			 : other->in_lane && other->most != UINT64_MAX && !other->optional)
			return true;
	}
	return false;
}

bool ledger_unsettled(const struct ledger *ledger, const struct debt *debt)
{
	const struct sub_state *s = &ledger->subs[debt->sub];
	uint64_t key = debt->key;

	for (size_t i = s->first; i < s->count && key != 0; i++) {
		const struct debt *other = &ledger->debts[s->debts[i]];

		if (other->state == DEBT_GONE && other->in_lane &&
			other->gone_in == ledger->outermost && other->key == key)
			return true;
	}
	return false;
}

size_t ledger_parked(const struct ledger *ledger, unsigned sub, bool most)
{
	const struct sub_state *s = &ledger->subs[sub];
	size_t parked = 0;

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = &ledger->debts[s->debts[i]];
		const struct debt *head = ledger_before(ledger, debt);

		if (debt->state == DEBT_GONE || !debt->in_lane)
			continue;
		if (debt->state == DEBT_PARKED)
			parked++;
		else if (head != NULL && head->state == DEBT_PARKED)
			parked += most || (!debt->optional && debt->since != ledger->outermost);
	}
	return parked;
}

bool ledger_runnable(const struct ledger *ledger, const struct debt *debt, int64_t now_ms)
{
	const struct sub_state *s = &ledger->subs[debt->sub];

	if (!s->live || s->stopped || s->vague || debt->optional)
		return false;
	if (debt->state != DEBT_WAITING &&
		!(debt->state == DEBT_RETRYING && debt->due_most_ms <= now_ms))
		return false;
	/* What comes for a parked key while the parking place is full waits before it. */
	if (ledger_parked(ledger, debt->sub, true) >= ledger->history->subs[debt->sub].parked_max)
		return false;
	return !ledger_perhaps_before(ledger, debt);
}
