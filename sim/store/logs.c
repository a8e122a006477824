/*
 * Logs that come, change and go. A log claims the addresses of its area; what `events` holds of them it
 * takes over when it is made, or it is not made. One that is deleted may be made again: then it has
 * another number, and that is what the history knows it by. As long as its making is not durable its
 * number is not known, and nothing is asked of it but appends.
 */
#include "play.h"

#include <stdio.h>

/* --- what a log is like ------------------------------------------------------------------- */

static void add_erasable(
	const struct run *run, uint32_t area, struct log_words *words, size_t *count)
{
	const char *const few[] = {"s0", "s1"};

	if ((run->config.sealed >> area & 1) == 0)
		return;
	for (size_t i = 0; i < (run->config.sealed_few ? 2u : 1u); i++) {
		char *at = words->erasable_at[*count];

		snprintf(at, sizeof(words->erasable_at[0]), "l%u.%s", area,
			run->config.sealed_few ? few[i] : ">");
		words->erasable[(*count)++] = td_text(at);
	}
}

/* `events` seals what any log would, for it may hold it. */
static void config_of(
	const struct run *run, uint32_t area, struct log_words *words, struct td_log_config *config)
{
	const struct slot *slot = &run->slots[area];

	*config = (struct td_log_config){
		.duplicates_ms = slot->window_ms,
		.count_max = slot->limit.count_max,
		.count_per_subject_max = slot->limit.subject_max,
		.bytes_max = slot->limit.bytes_max,
		.age_ms = slot->limit.age_ms,
		.discard_new = slot->discards,
		.importing = (run->config.importing >> area & 1) != 0,
		.erasable = words->erasable,
	};
	for (uint32_t i = area; i < (area == 0 ? run->config.logs : area + 1); i++)
		add_erasable(run, i, words, &config->erasable_count);
	if (area == 0)
		return;
	words->pattern = sim_store_log_pattern(area);
	config->subjects = &words->pattern;
	config->subjects_count = 1;
}

static void draw_limits(struct run *run, struct slot *slot)
{
	slot->limit = (struct sim_store_limits){.log = SIM_STORE_NOWHERE};
	if (sim_chance(run->world, 500))
		slot->limit.count_max = (uint64_t)sim_between(run->world, 1, 100);
	if (sim_chance(run->world, 300))
		slot->limit.subject_max = (uint64_t)sim_between(run->world, 1, 20);
	if (sim_chance(run->world, 300))
		slot->limit.age_ms = sim_between(run->world, 1, 60000);
	if (sim_chance(run->world, 300))
		slot->limit.bytes_max = (uint64_t)sim_between(run->world, 500, 60000);
	slot->discards = sim_chance(run->world, 200);
}

static void draw_window(struct run *run, struct slot *slot)
{
	slot->window_ms =
		run->config.windows_end ? sim_between(run->world, 1, 20000) : run->config.window_ms;
	if (slot->window_ms < run->window_least_ms)
		run->window_least_ms = slot->window_ms;
}

/* Of a log whose number is said now, or later. */
static void note_window(struct run *run, struct slot *slot)
{
	if (!run->config.windows_end)
		return;
	slot->window = run->history.windows_count;
	sim_store_window(&run->history, slot->number, slot->window_ms);
}

static void note_limits(struct run *run, struct slot *slot)
{
	slot->limits = run->history.limits_count;
	slot->limit.log = slot->number;
	sim_store_limit(&run->history, slot->limit);
}

/* --- which there are ---------------------------------------------------------------------- */

struct td_text sim_run_name(const struct run *run, uint32_t area)
{
	return sim_store_log_name(run->slots[area].exists ? area : 0);
}

struct slot *sim_run_slot(struct run *run, uint32_t log)
{
	for (size_t i = 0; i < LOGS_MAX; i++) {
		if (run->slots[i].exists && run->slots[i].number == log && log != SIM_STORE_NOWHERE)
			return &run->slots[i];
	}
	return NULL;
}

static void is_known(struct run *run, struct slot *slot, uint32_t number)
{
	struct sim_store_history *history = &run->history;

	slot->number = number;
	sim_trace(run->world, "known", (uint64_t[]){(uint64_t)(slot - run->slots), number}, 2);
	if (slot->limits != NOTHING)
		history->limits[slot->limits].log = number;
	if (slot->window != NOTHING)
		history->windows[slot->window].log = number;
	if (slot->adoption != NOTHING)
		history->adoptions[slot->adoption].log = number;
	slot->limits = slot->window = NOTHING;
}

void sim_run_settle_logs(struct run *run)
{
	for (uint32_t i = 1; i < run->config.logs; i++) {
		struct slot *slot = &run->slots[i];
		struct td_log_info info;

		if (slot->adoption != NOTHING && !slot->adopts &&
			slot->number != SIM_STORE_NOWHERE &&
			run->history.adoptions[slot->adoption].outcome != SIM_STORE_UNKNOWN)
			slot->adoption = NOTHING;
		if (!slot->exists || slot->number != SIM_STORE_NOWHERE ||
			slot->made >= td_store_durable(run->store) ||
			td_store_log(run->store, sim_store_log_name(i), 0, &info, NULL) != 0)
			continue;
		is_known(run, slot, info.number);
	}
}

/* The one of before is gone, or still there. */
static void settle_deletion(struct run *run, struct slot *slot, bool gone)
{
	if (slot->deletion == NOTHING)
		return;
	if (run->history.deletions[slot->deletion].outcome == SIM_STORE_UNKNOWN)
		sim_store_answer_deletion(
			&run->history, slot->deletion, gone ? SIM_STORE_OK : SIM_STORE_FAILED);
	slot->deletion = NOTHING;
}

/* An adoption that is over, or was taken up by an append and is: told when that is durable. */
static void adopted(struct run *run, struct slot *slot, uint64_t rests_on)
{
	slot->adopts = false;
	run->history.adoptions[slot->adoption].position =
		rests_on != 0 ? rests_on : td_store_durable(run->store);
	sim_run_decided(run,
		(struct pending){
			.what = ASKED_ADOPTION, .number = slot->adoption, .rests_on = rests_on});
	sim_count(run->world, COUNT_ADOPTED);
}

/* It came to its end when the store was opened, or before; or there is no such log. */
static void settle_adoption(struct run *run, struct slot *slot, bool failed)
{
	uint64_t staged = td_store_staged(run->store);

	if (slot->adoption == NOTHING)
		return;
	if (run->history.adoptions[slot->adoption].outcome == SIM_STORE_UNKNOWN) {
		sim_count(run->world, COUNT_ADOPTED_AFTER_CRASH);
		if (!failed) {
			adopted(run, slot, staged > td_store_durable(run->store) ? staged - 1 : 0);
			return;
		}
		sim_store_answer_adoption(&run->history, slot->adoption, SIM_STORE_FAILED);
	}
	slot->adoption = NOTHING;
	slot->adopts = false;
}

static void is_gone(struct run *run, struct slot *slot)
{
	settle_deletion(run, slot, true);
	settle_adoption(run, slot, true);
	*slot = (struct slot){.number = SIM_STORE_NOWHERE,
		.adoption = NOTHING,
		.deletion = NOTHING,
		.limits = NOTHING,
		.window = NOTHING};
}

static void is_there(struct run *run, struct slot *slot, const struct td_log_info *info)
{
	bool same = slot->deletion != NOTHING &&
		    run->history.deletions[slot->deletion].log == info->number;

	settle_deletion(run, slot, !same);
	/* What was made after it is lost with its deletion. */
	if (same) {
		settle_adoption(run, slot, true);
		slot->limits = slot->window = NOTHING;
	}
	is_known(run, slot, info->number);
	slot->exists = true;
	slot->limit = (struct sim_store_limits){.count_max = info->config->count_max,
		.subject_max = info->config->count_per_subject_max,
		.bytes_max = info->config->bytes_max,
		.age_ms = info->config->age_ms};
	slot->discards = info->config->discard_new;
	slot->window_ms = info->config->duplicates_ms;
	slot->adopts = info->config->adopting;
	if (!slot->adopts)
		settle_adoption(run, slot, false);
}

bool sim_run_find_logs(struct run *run)
{
	struct td_log_info info;

	for (uint32_t i = 0; i < run->config.logs; i++) {
		struct td_error err = TD_ERROR_INIT;
		int code = td_store_log(run->store, sim_store_log_name(i), 0, &info, &err);

		if (code == TD_E_DAMAGED)
			return false;
		if (code == TD_E_NOT_FOUND)
			is_gone(run, &run->slots[i]);
		else if (code == 0)
			is_there(run, &run->slots[i], &info);
		else
			sim_fail(run->world, "log %u: %s", i, err.text);
	}
	return true;
}

/* --- made --------------------------------------------------------------------------------- */

static int set(
	struct run *run, uint32_t area, unsigned change, uint64_t *rests_on, struct td_error *err)
{
	struct td_log_config config;
	struct log_words words;
	int code;

	config_of(run, area, &words, &config);
	code = td_store_log_set(
		run->store, sim_store_log_name(area), &config, change, rests_on, err);
	sim_trace(run->world, "log",
		(uint64_t[]){area, change, (uint64_t)code, *rests_on, config.count_max,
			config.count_per_subject_max, config.bytes_max, (uint64_t)config.age_ms,
			(uint64_t)config.duplicates_ms},
		9);
	return code;
}

static bool is_made(const struct run *run, uint32_t area)
{
	char address[16];

	snprintf(address, sizeof(address), "l%u.s0", area);
	return td_text_equal(
		td_store_claiming(run->store, td_text(address)), sim_store_log_name(area));
}

static void made(struct run *run, uint32_t area, bool adopts, int code, uint64_t rests_on)
{
	struct slot *slot = &run->slots[area];

	slot->exists = true;
	slot->made = rests_on != 0 ? rests_on : td_store_staged(run->store) - 1;
	sim_count(run->world, COUNT_MADE);
	if (run->used_names[area])
		sim_count(run->world, COUNT_MADE_AGAIN);
	run->used_names[area] = true;
	slot->adopts = code != 0;
	if (adopts && code == 0)
		adopted(run, slot, rests_on);
}

static void make(struct run *run, uint32_t area, bool adopts)
{
	struct slot *slot = &run->slots[area];
	struct td_error err = TD_ERROR_INIT;
	uint64_t rests_on, unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	int code;

	slot->limit = (struct sim_store_limits){0};
	slot->discards = false;
	slot->number = SIM_STORE_NOWHERE;
	draw_window(run, slot);
	if (run->config.weights[LIMIT] > 0 && sim_chance(run->world, 200)) {
		draw_limits(run, slot);
		note_limits(run, slot);
	}
	note_window(run, slot);
	if (adopts)
		slot->adoption = sim_store_ask_adoption(&run->history, run->slots[0].number, area);
	code = set(run, area, TD_LOG_CREATE | (adopts ? TD_LOG_ADOPT : 0u), &rests_on, &err);
	if (td_store_failed(run->store, NULL) != 0)
		return; /* nobody knows */
	if (code == 0 || is_made(run, area)) {
		made(run, area, adopts, code, rests_on);
		return;
	}
	if (adopts)
		sim_store_answer_adoption(&run->history, slot->adoption, SIM_STORE_FAILED);
	slot->adoption = NOTHING;
	if (code == TD_E_EXISTS && !adopts)
		sim_count(run->world, COUNT_UNADOPTED);
	else if (code != TD_E_FULL && !sim_run_is_unread(run, code, unread))
		sim_fail(run->world, "log %u: %s", area, err.text);
}

static void adopt_on(struct run *run, uint32_t area)
{
	struct slot *slot = &run->slots[area];
	uint64_t rests_on, unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (run->pending_count == PENDING_MAX)
		return;
	TD_ASSERT(slot->adoption != NOTHING);
	code = set(run, area, TD_LOG_CREATE | TD_LOG_ADOPT, &rests_on, &err);
	run->lost |= code == TD_E_DAMAGED;
	if (code == 0 || code == TD_E_EXISTS)
		adopted(run, slot, rests_on);
	else if (code != TD_E_FULL && !sim_run_is_unread(run, code, unread))
		sim_fail(run->world, "log %u: %s", area, err.text);
}

/* One of those that are there, or that are not; UINT32_MAX: there is none. */
static uint32_t draw_area(struct run *run, bool exists)
{
	uint32_t areas[LOGS_MAX], count = 0;

	for (uint32_t i = 1; i < run->config.logs; i++) {
		if (run->slots[i].exists == exists)
			areas[count++] = i;
	}
	return count == 0 ? UINT32_MAX : areas[sim_below(run->world, count)];
}

void sim_run_make(struct run *run)
{
	uint32_t area;

	for (uint32_t i = 1; i < run->config.logs; i++) {
		if (!run->slots[i].adopts)
			continue;
		adopt_on(run, i);
		return;
	}
	area = draw_area(run, false);
	if (area != UINT32_MAX && run->pending_count < PENDING_MAX)
		make(run, area, sim_chance(run->world, 850));
}

void sim_run_finish_adopting(struct run *run)
{
	for (uint32_t i = 1; i < run->config.logs; i++) {
		for (unsigned tries = 0; run->slots[i].adopts && tries < 1000; tries++) {
			adopt_on(run, i);
			if (sim_failed(run->world) || sim_run_fell(run))
				return;
			sim_advance_ms(run->world, 2000); /* where there was no space */
			sim_run_drain(run);
		}
		if (run->slots[i].adopts)
			sim_fail(run->world, "log %u adopts without end", i);
	}
}

bool sim_run_begin_logs(struct run *run)
{
	struct td_error err = TD_ERROR_INIT;
	struct slot *events = &run->slots[0];
	uint64_t rests_on;
	int code;

	if (run->begun)
		return true;
	draw_window(run, events);
	note_window(run, events);
	code = set(run, 0, TD_LOG_CHANGE, &rests_on, &err);
	if (code == TD_E_FULL) {
		sim_run_drain(run);
		if (td_store_failed(run->store, &err) == 0)
			code = set(run, 0, TD_LOG_CHANGE, &rests_on, &err);
	}
	if (code != 0)
		return false;
	for (uint32_t i = 1; i < run->config.logs; i++) {
		if (run->slots[i].exists ||
			(run->config.logs_change && sim_chance(run->world, 500)))
			continue;
		make(run, i, false);
		if (!run->slots[i].exists && td_store_failed(run->store, &err) == 0) {
			sim_run_drain(run);
			if (td_store_failed(run->store, &err) == 0)
				make(run, i, false);
		}
		if (sim_failed(run->world) || td_store_failed(run->store, &err) != 0 ||
			!run->slots[i].exists)
			return false;
	}
	sim_run_drain(run);
	run->begun = td_store_failed(run->store, &err) == 0;
	return run->begun;
}

/* --- changed, deleted ----------------------------------------------------------------------- */

void sim_run_limit(struct run *run)
{
	uint32_t area = (uint32_t)sim_below(run->world, run->config.logs);
	struct slot *slot = &run->slots[area], before = *slot;
	struct td_error err = TD_ERROR_INIT;
	bool window = run->config.windows_end && sim_chance(run->world, 500);
	uint64_t rests_on;
	int code;

	if (!slot->exists || slot->number == SIM_STORE_NOWHERE || slot->adopts)
		return;
	if (window) {
		draw_window(run, slot);
		note_window(run, slot);
	} else {
		draw_limits(run, slot);
		note_limits(run, slot);
	}
	slot->limits = slot->window = NOTHING;
	code = set(run, area, TD_LOG_CHANGE, &rests_on, &err);
	if (code == 0) {
		sim_count(run->world, window ? COUNT_WINDOW_CHANGED : COUNT_LIMITED);
		return;
	}
	*slot = before;
	if (code != TD_E_FULL && !sim_run_is_the_disks(code))
		sim_fail(run->world, "limits of log %u: %s", area, err.text);
}

void sim_run_delete(struct run *run)
{
	uint32_t area = draw_area(run, true);
	struct slot *slot = &run->slots[area == UINT32_MAX ? 0 : area];
	struct pending pending = {.what = ASKED_DELETION};
	struct td_error err = TD_ERROR_INIT;

	if (area == UINT32_MAX || slot->number == SIM_STORE_NOWHERE || slot->adopts ||
		slot->adoption != NOTHING || run->pending_count == PENDING_MAX)
		return;
	pending.number = sim_store_ask_deletion(&run->history, slot->number);
	pending.code =
		td_store_log_delete(run->store, sim_store_log_name(area), &pending.rests_on, &err);
	sim_trace(
		run->world, "delete", (uint64_t[]){area, slot->number, (uint64_t)pending.code}, 3);
	if (pending.code == TD_E_DISK)
		slot->deletion = pending.number;
	if (pending.code == TD_E_DISK)
		return;
	if (pending.code == 0) {
		sim_count(run->world, COUNT_DELETED);
		slot->deletion = pending.number;
		slot->exists = false;
		slot->number = SIM_STORE_NOWHERE;
	} else if (pending.code != TD_E_FULL && !sim_run_is_the_disks(pending.code)) {
		sim_fail(run->world, "delete log %u: %s", area, err.text);
	}
	sim_run_decided(run, pending);
}
