/*
 * A disk that fails, and one that is full.
 *
 * Faults: a long run, in which the n-th call of a kind fails, once or from then on. What was
 * acknowledged before is there afterwards, whatever became of the rest; a store that says it failed
 * says so to everyone.
 */
#include "proof/runs.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
#define NAME(name) #name,
	SIM_DISK_CALL_TABLE(NAME)
#undef NAME
};

/* Where a lock is asked for, it is held by nobody; what has no answer in errors is not failed. */
static bool is_to_fail(enum sim_disk_call call)
{
	return call != SIM_DISK_CALL_SYSTEM;
}

struct fault {
	enum sim_disk_call call;
	uint64_t n;
	bool ever_after;
};

static char now[100]; /* what is being played */

static void begin(const struct fault *fault)
{
	snprintf(now, sizeof(now), "faults: %s %" PRIu64 " fails%s", names[fault->call], fault->n,
		fault->ever_after ? " and all behind it" : "");
}

static bool wrong(const char *what)
{
	fprintf(stderr, "%s: %s\n", now, what);
	return false;
}

static void crashed(int number)
{
	static const char what[] = ": crashed\n";

	(void)number;
	if (write(STDERR_FILENO, now, strlen(now)) > 0)
		_exit(write(STDERR_FILENO, what, strlen(what)) > 0 ? 1 : 2);
	_exit(1);
}

/* A store that failed takes nothing more. */
static bool is_final(struct sim_script *script)
{
	struct td_error err = TD_ERROR_INIT;

	if (script->store == NULL || td_store_failed(script->store, &err) == 0)
		return true;
	if (sim_script_append(script, 1, 0, 1) == 0)
		return wrong("it had failed, and took an event");
	return true;
}

/* What is there afterwards, on a disk that works. */
static bool judge(struct sim_script *script, const struct fault *fault)
{
	sim_script_drop(script);
	sim_disk_fail_at(script->disk, fault->call, 0, 0, false);
	sim_disk_crash(script->disk, &(struct sim_disk_fate){.seed = fault->n});
	if (sim_script_open(script) != 0 || sim_script_append(script, 1, 0, 1) != 0 ||
		sim_script_turn(script) != 0 || sim_script_read(script) != 0 ||
		!sim_script_judge(script))
		return wrong(script->err.text);
	return true;
}

/* *over: there is no n-th call. */
static bool play(const struct fault *fault, bool *over)
{
	const struct sim_disk_options options = {0};
	struct sim_disk *disk = sim_disk_new(&options);
	struct sim_script script;
	bool right;

	begin(fault);
	sim_script_init(&script, disk);
	sim_disk_fail_at(disk, fault->call, fault->n, EIO, fault->ever_after);
	sim_run_everything(&script);
	*over = sim_disk_calls(disk, fault->call) < fault->n;
	right = is_final(&script) && judge(&script, fault);
	sim_script_fini(&script);
	sim_disk_free(disk);
	return right;
}

bool sim_prove_faults(unsigned step, unsigned first)
{
	uint64_t all = 0;

	signal(SIGABRT, crashed);
	for (unsigned call = 0; call < SIM_DISK_CALLS; call++) {
		uint64_t count = 0;
		bool over = !is_to_fail(call);

		for (uint64_t n = 1 + first; !over; n += step) {
			for (unsigned ever = 0; ever < 2; ever++) {
				const struct fault fault = {call, n, ever == 1};

				if (!play(&fault, &over))
					return false;
				count++;
			}
		}
		all += count;
		printf("faults: %-9s %6" PRIu64 " runs\n", names[call], count);
	}
	printf("faults: %" PRIu64 " runs\n", all);
	return true;
}

/* --- full ----------------------------------------------------------------------------------- */

static bool full_wrong(unsigned cycle, const char *when, const char *what)
{
	fprintf(stderr, "full: cycle %u: %s: %s\n", cycle, when, what);
	return false;
}

/* Append until it is refused. */
static int fill(struct sim_script *script, struct td_rng *rng)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < 10000; i++) {
		code = sim_script_append(script, (uint32_t)td_rng_below(rng, 3),
			(uint32_t)td_rng_below(rng, 6), 1 + (unsigned)td_rng_below(rng, 4));
		if (code == 0 && i % 4 == 3)
			code = sim_script_turn(script);
	}
	return code;
}

/* Reading and removing go on; the oldest that were appended in this cycle are removed. */
static int use_while_full(struct sim_script *script, size_t first)
{
	int code = sim_script_read(script);
	unsigned removed = 0;

	for (size_t i = first; code == 0 && i < script->history.entries_count && removed < 3; i++) {
		const struct sim_store_entry *entry = &script->history.entries[i];

		if (entry->seq == 0 ||
			script->history.appends[entry->append].outcome != SIM_STORE_OK)
			continue;
		code = sim_script_remove(script, sim_store_area(entry->subject), entry->seq, false);
		removed++;
	}
	return code != 0 ? code : sim_script_turn(script);
}

static bool cycle(struct sim_script *script, struct td_rng *rng, unsigned number)
{
	size_t first = script->history.entries_count;
	int code = fill(script, rng);

	if (code != TD_E_DISK_FULL)
		return full_wrong(number, "filling", code == 0 ? "never full" : script->err.text);
	if (td_store_failed(script->store, &script->err) != 0)
		return full_wrong(number, "failed", script->err.text);
	if (use_while_full(script, first) != 0)
		return full_wrong(number, "used while it is full", script->err.text);
	if (td_rng_below(rng, 2) == 0) {
		if (td_rng_below(rng, 2) == 0) {
			sim_script_drop(script);
			sim_disk_crash(
				script->disk, &(struct sim_disk_fate){.seed = td_rng_u64(rng)});
		} else if (sim_script_close(script) != 0) {
			return full_wrong(number, "closing", script->err.text);
		}
		if (sim_script_open(script) != 0 || sim_script_read(script) != 0)
			return full_wrong(number, "opened while it is full", script->err.text);
	}
	return true;
}

/* Somebody makes room: without being opened again, it takes events. */
static bool resumes(struct sim_script *script, unsigned number)
{
	for (unsigned i = 0; i < 20; i++) {
		int code = sim_script_idle(script, 5000);

		if (code == 0)
			code = sim_script_append(script, 1, 0, 1);
		if (code == 0 && sim_script_turn(script) == 0)
			return true;
		if (code != TD_E_DISK_FULL)
			break;
	}
	return full_wrong(number, "resuming", script->err.text);
}

bool sim_prove_full(unsigned cycles, uint64_t seed)
{
	const struct sim_disk_options options = {0};
	struct sim_disk *disk = sim_disk_new(&options);
	struct sim_script script;
	struct td_rng rng;
	uint64_t capacity = 200 << 10;
	bool right;

	td_rng_init(&rng, seed);
	sim_script_init(&script, disk);
	right = sim_script_open(&script) == 0;
	for (unsigned i = 0; right && i < cycles; i++) {
		sim_disk_set_capacity(disk, capacity);
		right = cycle(&script, &rng, i);
		capacity += (uint64_t)(96 + td_rng_below(&rng, 100)) << 10;
		sim_disk_set_capacity(disk, capacity);
		right = right && resumes(&script, i);
	}
	if (right && (sim_script_read(&script) != 0 || !sim_script_judge(&script)))
		right = full_wrong(cycles, "at the end", script.err.text);
	printf("full: %u cycles, %zu events\n", cycles, script.history.entries_count);
	sim_script_fini(&script);
	sim_disk_free(disk);
	return right;
}
