#include "play.h"

#include <stdio.h>

/* --- the life of the handle --------------------------------------------------------------- */

/* What was out is gone with the process, and what was not told will never be. */
static void forget(struct run *run)
{
	for (size_t i = 0; i < run->pending_count; i++)
		sim_count(run->world, COUNT_UNKNOWN);
	run->pending_count = 0;
	run->out_count = 0;
	sim_run_readers_end(run);
	td_store_abandon(run->store);
	run->store = NULL;
	sim_store_crash(&run->history);
}

/*
 * Sectors are destroyed only where appends write: what recovery zeroes is the last of a write that
 * nobody acknowledged, and where that becomes garbage the next opening refuses, and loses nothing.
 */
void sim_run_cut_power(struct run *run, bool destroys)
{
	struct sim_disk_fate fate = {.seed = sim_below(run->world, UINT64_MAX),
		.destroys = destroys && run->config.destroys};

	if (sim_chance(run->world, 250))
		sim_disk_kill(run->disk);
	else
		sim_disk_crash(run->disk, &fate);
}

/* Those it has, and those that it is to have from the beginning on. */
static bool has_logs(struct run *run)
{
	for (unsigned i = 0; i < 20; i++) {
		if (sim_run_find_logs(run))
			return sim_run_begin_logs(run);
	}
	return false;
}

/* Whether an opening may fail like that: the disk said so. */
bool sim_run_is_the_disks(int code)
{
	return code == TD_E_DISK || code == TD_E_DISK_FULL || code == TD_E_SYSTEM;
}

/* Whether reading may fail like that: the disk said so, or did not give what it has. */
bool sim_run_is_unread(const struct run *run, int code, uint64_t unread)
{
	return sim_run_is_the_disks(code) ||
	       (code == TD_E_DAMAGED &&
		       (run->cutting || run->counts[SIM_DISK_COUNT_READ_EIO] > unread));
}

/* Open, as often as it takes; the disk may fail, and power may be cut in it. */
void sim_run_open(struct run *run)
{
	struct td_recovery report;
	struct td_error err = TD_ERROR_INIT;

	for (unsigned tries = 0; run->store == NULL && !sim_failed(run->world); tries++) {
		bool cut = tries < 4 && sim_chance(run->world, 150);
		uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
		int code;

		if (tries == 6)
			sim_disk_set_dice(run->disk, NULL), sim_disk_set_capacity(run->disk, 0);
		if (cut)
			sim_disk_freeze_after(run->disk, sim_below(run->world, 30));
		code = td_store_open(&run->store, PATH, &run->config.options, &report, &err);
		if (cut && sim_disk_calls(run->disk, SIM_DISK_CALL_ANY) > 0) {
			if (code == 0)
				td_store_abandon(run->store), run->store = NULL;
			sim_count(run->world, COUNT_CUT_IN_OPEN);
			sim_run_cut_power(run, false);
			continue;
		}
		if (code != 0) {
			if (!sim_run_is_unread(run, code, unread) || tries > 8)
				sim_fail(run->world, "open: %s", err.text);
			continue;
		}
		if (report.tail == TD_TAIL_TORN)
			sim_count(run->world, COUNT_TORN);
		sim_run_note_destroyed(run, true);
		if (!has_logs(run) && !sim_failed(run->world))
			forget(run), sim_disk_kill(run->disk);
		if (run->store == NULL && tries > 20)
			sim_fail(run->world, "logs are not made, or not known");
	}
	sim_disk_set_dice(run->disk, &run->config.dice);
	sim_disk_set_capacity(run->disk, run->config.capacity);
}

/* The store says that it failed, or the disk is frozen: the process ends, and another begins. */
void sim_run_restart(struct run *run)
{
	forget(run);
	sim_run_cut_power(run, true);
	sim_run_open(run);
}

bool sim_run_fell(struct run *run)
{
	if (td_store_failed(run->store, NULL) == 0 && !run->lost)
		return false;
	run->lost = false;
	sim_count(run->world, COUNT_FAILED);
	sim_run_restart(run);
	return true;
}

/* --- work --------------------------------------------------------------------------------- */

static void bring_back(struct run *run, size_t which)
{
	struct td_chore *task = run->out[which];
	struct td_error err = TD_ERROR_INIT;
	unsigned kind = td_chore_kind(task);
	uint64_t unread = run->out_unread[which];
	int code;

	run->out_count--;
	run->out[which] = run->out[run->out_count];
	run->out_ran[which] = run->out_ran[run->out_count];
	run->out_unread[which] = run->out_unread[run->out_count];
	code = td_store_done(run->store, task, &err);
	sim_trace(run->world, "done", (uint64_t[]){kind, (uint64_t)code}, 2);
	if (code != 0 && !sim_run_is_unread(run, code, unread))
		sim_fail(run->world, "work %u: %s", kind, err.text);
	if (code == 0 && kind == TD_WORK_REWRITE)
		sim_count(run->world, COUNT_REWRITTEN);
	if (code == 0 && kind == TD_WORK_INDEX)
		sim_count(run->world, COUNT_INDEXED);
	if (td_store_failed(run->store, NULL) == 0)
		sim_run_tell_durable(run);
}

static void take_out(struct run *run, struct td_chore *task)
{
	run->out[run->out_count] = task;
	run->out_ran[run->out_count] = false;
	run->out_unread[run->out_count++] = run->counts[SIM_DISK_COUNT_READ_EIO];
}

/* Take work out, or run what is out, or bring it back. */
void sim_run_work(struct run *run)
{
	size_t which = sim_below(run->world, run->out_count + 1);

	if (which == run->out_count) {
		unsigned kinds = sim_chance(run->world, 500)
					 ? TD_WORK_EVERYTHING
					 : (unsigned)sim_between(run->world, 1, TD_WORK_EVERYTHING);
		struct td_chore *task = td_store_next(run->store, kinds, sim_now_ms(run->world));

		if (task == NULL)
			return;
		TD_ASSERT(run->out_count < sizeof(run->out) / sizeof(run->out[0]));
		take_out(run, task);
	} else if (!run->out_ran[which]) {
		sim_trace(run->world, "run", (uint64_t[]){td_chore_kind(run->out[which])}, 1);
		td_chore_run(run->out[which]);
		run->out_ran[which] = true;
	} else {
		bring_back(run, which);
	}
}

void sim_run_drain(struct run *run)
{
	for (unsigned i = 0; run->store != NULL && i < 100000; i++) {
		struct td_chore *task;

		while (run->out_count > 0) {
			if (!run->out_ran[0])
				td_chore_run(run->out[0]);
			bring_back(run, 0);
			if (td_store_failed(run->store, NULL) != 0)
				return;
		}
		task = td_store_next(run->store, TD_WORK_EVERYTHING, sim_now_ms(run->world));
		if (task == NULL)
			return;
		take_out(run, task);
	}
	sim_fail(run->world, "work without end");
}
