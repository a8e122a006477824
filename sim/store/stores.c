/*
 * One store, on a simulated disk, played in steps of which the dice say what happens: clients append
 * and remove, work of the store is begun, run and brought back in between, somebody reads, time
 * passes, the disk fails, power is cut in the middle of anything, recovery included.
 *
 * All that clients did and saw is a history (history.h), judged at the end by the checker, which
 * knows nothing of disks. Beside it, here, what must hold of the store's other ways of reading: each
 * subject, each log and the latest of each are what the final pass says.
 *
 * Two profiles (reliability.md 3.1) are kept apart: here every fault is one that must not lose
 * anything acknowledged. Damage to what had been durable is damages.c.
 */
#include "stores.h"

#include "play.h"

static void reopen(struct run *run)
{
	struct td_error err = TD_ERROR_INIT;
	int code;

	sim_run_drain(run);
	if (sim_failed(run->world) || sim_run_fell(run))
		return;
	sim_run_readers_end(run);
	code = td_store_close(run->store, &err);
	run->store = NULL;
	sim_trace(run->world, "close", (uint64_t[]){(uint64_t)code}, 1);
	if (code != 0 && !sim_run_is_the_disks(code))
		sim_fail(run->world, "close: %s", err.text);
	run->pending_count = 0;
	sim_store_crash(&run->history);
	if (code != 0)
		sim_run_cut_power(run, true);
	sim_run_open(run);
}

/* Power goes after some more changes to the disk, in the middle of whatever is being done then. */
static void cut(struct run *run)
{
	uint64_t until = 1 + sim_below(run->world, 12);

	sim_disk_freeze_after(run->disk, until);
	run->cutting = true;
	for (unsigned i = 0; i < 40 && run->store != NULL; i++) {
		if (sim_chance(run->world, 300))
			sim_run_append(run);
		sim_run_work(run);
		if (td_store_failed(run->store, NULL) != 0)
			break;
	}
	sim_count(run->world, COUNT_CUT_IN_WORK);
	run->cutting = false;
	sim_run_restart(run);
	if (run->store != NULL && sim_chance(run->world, 500))
		sim_run_pass(run, 1, SIZE_MAX, false);
}

/* Time passes, and where there is an end to the disk, somebody else fills it or makes room. */
static void let_time_pass(struct run *run)
{
	sim_advance_ms(
		run->world, sim_between(run->world, 0, run->full ? 2000 : run->config.step_ms_max));
	if (run->config.capacity != 0)
		sim_disk_set_capacity(
			run->disk, sim_chance(run->world, 500) ? 0 : run->config.capacity);
}

static enum step draw_step(struct run *run)
{
	unsigned sum = 0, at;

	for (int i = 0; i < STEPS; i++)
		sum += run->config.weights[i];
	at = (unsigned)sim_below(run->world, sum);
	for (int i = 0; i < STEPS; i++) {
		if (at < run->config.weights[i])
			return (enum step)i;
		at -= run->config.weights[i];
	}
	return TASK;
}

static void step(struct run *run)
{
	switch (draw_step(run)) {
	case APPEND:
		sim_run_append(run);
		break;
	case REMOVE:
		sim_run_remove(run);
		break;
	case READ:
		sim_run_read_some(run);
		sim_run_export_head(run);
		break;
	case FORGET:
		sim_run_forget(run);
		break;
	case LIMIT:
		sim_run_limit(run);
		break;
	case MAKE:
		sim_run_make(run);
		break;
	case DELETE:
		sim_run_delete(run);
		break;
	case COPY:
		sim_run_copy(run);
		break;
	case READERS:
		sim_run_read_on(run);
		break;
	case TIME:
		let_time_pass(run);
		break;
	case REOPEN:
		reopen(run);
		break;
	case CUT:
		cut(run);
		break;
	case TASK:
	case STEPS:
	default:
		sim_run_work(run);
		break;
	}
	if (run->store != NULL && !sim_failed(run->world))
		sim_run_fell(run);
}

static void count_segments(struct run *run)
{
	struct td_store_status status;

	td_store_status(run->store, &status);
	if (status.journal.segments > 1)
		sim_count(run->world, COUNT_ROLLED);
}

/* What must happen to the disk in this profile. */
static const enum sim_disk_count disk_counts[] = {SIM_DISK_COUNT_READ_EIO, SIM_DISK_COUNT_WRITE_EIO,
	SIM_DISK_COUNT_SYNC_EIO, SIM_DISK_COUNT_SYNC_LOST, SIM_DISK_COUNT_SYNC_DIR_EIO,
	SIM_DISK_COUNT_NAME_EIO, SIM_DISK_COUNT_NO_SPACE, SIM_DISK_COUNT_SHORT_READ,
	SIM_DISK_COUNT_SHORT_WRITE, SIM_DISK_COUNT_STALL, SIM_DISK_COUNT_KILL, SIM_DISK_COUNT_CRASH,
	SIM_DISK_COUNT_KEPT, SIM_DISK_COUNT_LOST, SIM_DISK_COUNT_TORN, SIM_DISK_COUNT_REORDERED,
	SIM_DISK_COUNT_NAME_LOST, SIM_DISK_COUNT_DESTROYED, SIM_DISK_COUNT_EVICT};

#define DISK_COUNTS (sizeof(disk_counts) / sizeof(disk_counts[0]))
_Static_assert(COUNTERS == COUNT_DISK_FIRST + DISK_COUNTS, "each has its counter");

static void play(struct sim_world *world)
{
	struct run run = {.world = world,
		.history = SIM_STORE_HISTORY_INIT,
		.doomed = TD_BUF_INIT(SIZE_MAX / 2),
		.heads = TD_BUF_INIT(SIZE_MAX / 2),
		.window_least_ms = INT64_MAX};
	struct sim_disk_options disk = {.world = world, .counts = run.counts};

	run.config = sim_run_draw_config(world);
	sim_run_describe(world, &run.config);
	td_rng_init(&disk.rng, sim_below(world, UINT64_MAX));
	disk.failed_sync_reverts = run.config.failed_sync_reverts;
	run.disk = sim_disk_new(&disk);
	run.config.options.journal.disk = sim_disk_table(run.disk);
	run.config.options.journal.clock = &world->clock;
	run.config.options.journal.random = &world->random;
	run.config.options.journal.create = true;
	for (size_t i = 0; i < LOGS_MAX; i++)
		run.slots[i] = (struct slot){.number = SIM_STORE_NOWHERE,
			.adoption = NOTHING,
			.deletion = NOTHING,
			.limits = NOTHING,
			.window = NOTHING};
	sim_run_open(&run);
	for (unsigned i = 0; i < run.config.steps && !sim_failed(world) && run.store != NULL; i++)
		step(&run);
	if (!sim_failed(world))
		count_segments(&run);
	if (!sim_failed(world))
		sim_run_heal(&run);
	sim_run_readers_end(&run);
	td_store_abandon(run.store);
	sim_disk_free(run.disk);
	sim_store_history_fini(&run.history);
	td_buf_fini(&run.doomed);
	td_buf_fini(&run.heads);
	for (size_t i = 0; i < DISK_COUNTS; i++)
		world->counts[COUNT_DISK_FIRST + i] += run.counts[disk_counts[i]];
}

static const char *const counters[COUNTERS] = {
	[COUNT_APPENDED] = "appends accepted",
	[COUNT_BATCH] = "appends of several",
	[COUNT_DUPLICATE] = "duplicates",
	[COUNT_CONFLICT] = "refused for the revision",
	[COUNT_REFUSED_KEY] = "refused for a key used before",
	[COUNT_REMOVED] = "removals",
	[COUNT_FULL_FRAME] = "frames full",
	[COUNT_DISK_FULL] = "appends refused by a full disk",
	[COUNT_RESUMED] = "... and accepted again",
	[COUNT_FAILED] = "stores failed",
	[COUNT_CUT_IN_WORK] = "power cut in the middle of work",
	[COUNT_CUT_IN_OPEN] = "power cut while opening",
	[COUNT_TORN] = "torn tails",
	[COUNT_ROLLED] = "worlds with several segments",
	[COUNT_UNKNOWN] = "answers that never came",
	[COUNT_RETRIED] = "appends tried again",
	[COUNT_REWRITTEN] = "segments rewritten",
	[COUNT_INDEXED] = "steps of catalogs",
	[COUNT_ERASED] = "erased events looked for on the disk",
	[COUNT_LIMITED] = "limits set",
	[COUNT_RETIRED] = "logs that had limits at the end",
	[COUNT_DISCARDED] = "appends refused by a limit",
	[COUNT_BYTES_LIMITED] = "logs that had a limit of bytes at the end",
	[COUNT_WINDOW_CHANGED] = "windows of duplicates changed",
	[COUNT_KEY_AGAIN] = "keys that came again when their window had ended",
	[COUNT_MADE] = "logs made",
	[COUNT_ADOPTED] = "adoptions",
	[COUNT_ADOPTED_AFTER_CRASH] = "adoptions that a crash came between",
	[COUNT_MOVED] = "events at the end that were adopted",
	[COUNT_UNADOPTED] = "logs that were not made without adopting",
	[COUNT_DELETED] = "logs deleted",
	[COUNT_MADE_AGAIN] = "logs made again under their name",
	[COUNT_IMPORTED] = "events imported",
	[COUNT_BACKED_UP] = "backups",
	[COUNT_RESTORED] = "stores made from backups, and read",
	[COUNT_HEADS] = "exported heads looked for on the chain",
	[COUNT_FORGOTTEN] = "subjects forgotten",
	[COUNT_HIDDEN] = "events seen without their payload",
	[COUNT_DESTROYED] = "destroyed keys looked for on the disk",
	[COUNT_TOLD] = "ranges told to be erased",
	[COUNT_READERS] = "readers that went on beside all this",
	[COUNT_DISK_FIRST + 0] = "disk: reads failed",
	[COUNT_DISK_FIRST + 1] = "disk: writes failed",
	[COUNT_DISK_FIRST + 2] = "disk: syncs failed",
	[COUNT_DISK_FIRST + 3] = "disk: sectors lost by a failed sync",
	[COUNT_DISK_FIRST + 4] = "disk: directory syncs failed",
	[COUNT_DISK_FIRST + 5] = "disk: other calls failed",
	[COUNT_DISK_FIRST + 6] = "disk: calls without space",
	[COUNT_DISK_FIRST + 7] = "disk: reads cut short",
	[COUNT_DISK_FIRST + 8] = "disk: writes cut short",
	[COUNT_DISK_FIRST + 9] = "disk: stalls",
	[COUNT_DISK_FIRST + 10] = "disk: processes killed",
	[COUNT_DISK_FIRST + 11] = "disk: crashes",
	[COUNT_DISK_FIRST + 12] = "disk: unsynced sectors kept",
	[COUNT_DISK_FIRST + 13] = "disk: unsynced sectors lost",
	[COUNT_DISK_FIRST + 14] = "disk: writes torn",
	[COUNT_DISK_FIRST + 15] = "disk: later writes kept without earlier ones",
	[COUNT_DISK_FIRST + 16] = "disk: unsynced names lost",
	[COUNT_DISK_FIRST + 17] = "disk: sectors destroyed while rewritten",
	[COUNT_DISK_FIRST + 18] = "disk: caches emptied",
};

const struct sim_kind sim_stores = {
	.name = "stores",
	.play = play,
	.counters = counters,
	.counters_count = COUNTERS,
};
