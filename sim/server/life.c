#include "play.h"

#include <stdio.h>

/* Keys are known for ever, so that one that was used twice is always wrong. */
#define KEYS_MS        (INT64_C(1) << 40)
#define IDLE_TURNS_MAX 10

/* --- opening ------------------------------------------------------------------------------ */

static bool is_the_disks(int code)
{
	return code == TD_E_DISK || code == TD_E_DISK_FULL || code == TD_E_SYSTEM;
}

/* Which are there from the beginning on. false: the frame is full, or the disk failed; later. */
static bool make_log(struct run *run, uint32_t log)
{
	char name[24], pattern[24];
	struct td_text subjects = {
		pattern, (size_t)snprintf(pattern, sizeof(pattern), "l%u.>", log)};
	struct td_log_config config = {.duplicates_ms = KEYS_MS};
	struct td_error err = TD_ERROR_INIT;
	uint64_t rests_on;
	int code;

	snprintf(name, sizeof(name), "log%u", log);
	if (log > 0) {
		config.subjects = &subjects;
		config.subjects_count = 1;
	}
	code = td_store_log_set(td_server_store(run->server), td_text(log == 0 ? "events" : name),
		&config, log == 0 ? TD_LOG_CHANGE : TD_LOG_CREATE, &rests_on, &err);
	if (code == TD_E_FULL || is_the_disks(code))
		return false;
	if (code != 0 && code != TD_E_EXISTS)
		sim_fail(run->world, "log %u: %s", log, err.text);
	return true;
}

static void seams_of(struct run *run, struct td_server_seams *seams)
{
	*seams = (struct td_server_seams){
		.clock = &run->world->clock,
		.random = &run->world->random,
		.disk = sim_disk_table(run->disk),
		.net = sim_host_table(run->server_host),
		.commits = &run->commits.table,
		.chores = &run->chores.table,
		.work = &run->work.table,
	};
}

/* Until all logs are there, and durable, nobody is let in. */
static bool make_logs(struct run *run)
{
	uint32_t log = 0;

	for (unsigned i = 0; i < 1000 && log < run->config.logs; i++) {
		if (make_log(run, log)) {
			log++;
			continue;
		}
		sim_serve_task(run);
		if (td_server_turn(run->server, run->world->now_ns) != TD_SERVER_RUNS)
			return false;
	}
	for (unsigned i = 0; i < 20; i++) {
		sim_serve_task(run);
		if (td_server_turn(run->server, run->world->now_ns) != TD_SERVER_RUNS)
			return false;
	}
	return log == run->config.logs;
}

static bool try_to_open(struct run *run)
{
	struct td_server_seams seams;
	struct td_recovery report;
	struct td_error err = TD_ERROR_INIT;
	int code;

	seams_of(run, &seams);
	code = td_server_open(&run->server, &seams, &run->config.settings, &report, &err);
	sim_trace(run->world, "open", (uint64_t[]){(uint64_t)code}, 1);
	if (code != 0) {
		run->server = NULL;
		if (!is_the_disks(code))
			sim_fail(run->world, "open: %s", err.text);
		return false;
	}
	sim_count(run->world, COUNT_REOPENED);
	return make_logs(run);
}

void sim_serve_open(struct run *run)
{
	run->stopping = false;
	for (unsigned tries = 0; !sim_failed(run->world); tries++) {
		if (tries == 6 || !run->logs_made) {
			sim_disk_set_dice(run->disk, NULL);
			sim_net_set_dice(run->net, NULL);
		}
		if (tries > 8)
			sim_fail(run->world, "open: nothing helps");
		if (try_to_open(run))
			break;
		sim_serve_bury(run, sim_chance(run->world, 500));
	}
	run->logs_made = true;
	sim_disk_set_dice(run->disk, run->healing ? NULL : &run->config.disk);
	sim_net_set_dice(run->net, run->healing ? NULL : &run->config.net);
}

/* --- dying -------------------------------------------------------------------------------- */

static void run_out(struct run *run, struct sim_tasks *tasks)
{
	while (sim_tasks_step(tasks, run->world))
		continue;
}

void sim_serve_bury(struct run *run, bool powerless)
{
	/* Nothing that is done from now on has an effect. */
	sim_disk_freeze_after(run->disk, 0);
	sim_host_freeze_after(run->server_host, 0);
	for (unsigned i = 0; run->server != NULL && i < 100; i++) {
		run_out(run, &run->commits);
		run_out(run, &run->chores);
		run_out(run, &run->work);
		td_server_turn(run->server, run->world->now_ns);
	}
	if (run->server != NULL)
		td_server_abandon(run->server);
	run->server = NULL;
	sim_tasks_drop(&run->commits);
	sim_tasks_drop(&run->chores);
	sim_tasks_drop(&run->work);
	if (powerless) {
		struct sim_disk_fate fate = {.seed = sim_below(run->world, UINT64_MAX)};

		sim_host_cut(run->server_host);
		sim_disk_crash(run->disk, &fate);
		sim_count(run->world, COUNT_POWER);
	} else {
		sim_host_kill(run->server_host);
		sim_disk_kill(run->disk);
		sim_count(run->world, COUNT_KILLED);
	}
	sim_store_crash(&run->history);
	sim_trace(run->world, "dead", (uint64_t[]){powerless}, 1);
	if (sim_chance(run->world, 500))
		sim_serve_pass_time(run);
	sim_host_start(run->server_host);
}

static void begin_again(struct run *run)
{
	sim_serve_bury(run, sim_chance(run->world, 500));
	sim_serve_open(run);
}

/* At once, or in the middle of what comes next; or it is told to stop. */
void sim_serve_die(struct run *run)
{
	switch (sim_below(run->world, 4)) {
	case 0:
		begin_again(run);
		break;
	case 1:
		sim_disk_freeze_after(run->disk, sim_below(run->world, 12));
		break;
	case 2:
		sim_host_freeze_after(run->server_host, sim_below(run->world, 60));
		break;
	default:
		if (!run->stopping)
			td_server_stop(run->server);
		run->stopping = true;
	}
}

void sim_serve_live(struct run *run)
{
	if (sim_disk_is_frozen(run->disk) || sim_host_frozen(run->server_host)) {
		begin_again(run);
		return;
	}
	sim_disk_freeze_after(run->disk, UINT64_MAX);
	sim_host_freeze_after(run->server_host, UINT64_MAX);
}

/* Closed, as well as it can be: what was answered must be there, whatever close says. */
void sim_serve_stop(struct run *run)
{
	struct td_error err = TD_ERROR_INIT;
	int code = td_server_close(run->server, &err);

	run->server = NULL;
	sim_count(run->world, COUNT_STOPPED);
	sim_trace(run->world, "close", (uint64_t[]){(uint64_t)code}, 1);
	if (code != 0 && !is_the_disks(code))
		sim_fail(run->world, "close: %s", err.text);
	if (sim_host_handles(run->server_host) != 0)
		sim_fail(run->world, "closed, and %zu handles are open",
			sim_host_handles(run->server_host));
	begin_again(run);
}

/* --- going on ----------------------------------------------------------------------------- */

/* Who has nothing to do waits: a turn that did nothing is not followed by another at once, for ever. */
static void watch_idleness(struct run *run, uint64_t calls)
{
	bool idle = sim_host_calls(run->server_host) <= calls + 1 &&
		    td_server_due(run->server) <= run->world->now_ns;

	run->idle_turns = idle ? run->idle_turns + 1 : 0;
	if (run->idle_turns > IDLE_TURNS_MAX)
		sim_fail(run->world, "the server turns, and does nothing");
}

void sim_serve_turn(struct run *run)
{
	uint64_t calls = sim_host_calls(run->server_host);
	enum td_server_state state = td_server_turn(run->server, run->world->now_ns);

	if (state == TD_SERVER_RUNS)
		watch_idleness(run, calls);
	if (sim_host_frozen(run->server_host)) {
		sim_count(run->world, COUNT_MIDDLE);
		begin_again(run);
	} else if (state == TD_SERVER_FAILED) {
		/* It may say so, for a while. */
		if (sim_chance(run->world, 800))
			return;
		sim_count(run->world, COUNT_FAILED);
		begin_again(run);
	} else if (state == TD_SERVER_STOPPED) {
		sim_serve_stop(run);
	}
}

void sim_serve_task(struct run *run)
{
	struct sim_tasks *pools[] = {&run->commits, &run->chores, &run->work};
	size_t first = sim_below(run->world, 3);

	for (size_t i = 0; i < 3; i++) {
		if (!sim_tasks_step(pools[(first + i) % 3], run->world))
			continue;
		td_net_wake(sim_host_table(run->server_host));
		return;
	}
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void sim_serve_pass_time(struct run *run)
{
	int64_t now = run->world->now_ns, next = sim_net_next(run->net);

	if (run->server != NULL)
		next = least(next, td_server_due(run->server));
	next = least(next, now + 1 + sim_between(run->world, 0, run->config.step_ns_max));
	if (next > now)
		run->world->now_ns = next;
}

int64_t sim_serve_rest(struct run *run)
{
	return run->world->now_ns + sim_between(run->world, 0, run->healing ? 20 : 2000) * MS;
}
