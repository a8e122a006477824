#include "play.h"

#include <inttypes.h>

/* Keys are known for ever, so that one that was used twice is always wrong. */
#define KEYS_MS (INT64_C(1) << 40)

static unsigned draw_weight(struct sim_world *world, unsigned most)
{
	return sim_chance(world, 300) ? 0 : (unsigned)sim_between(world, 1, most);
}

static void draw_dice(struct sim_world *world, struct sim_disk_dice *dice)
{
	bool quiet = sim_chance(world, 400);

	dice->short_read = draw_weight(world, 50000);
	dice->short_write = draw_weight(world, 50000);
	dice->stall = draw_weight(world, 2000);
	dice->stall_ns_max = sim_between(world, 1, 60000000000);
	if (quiet)
		return;
	dice->write_eio = draw_weight(world, 10000);
	dice->sync_eio = draw_weight(world, 10000);
	dice->sync_dir_eio = draw_weight(world, 60000);
	dice->read_eio = draw_weight(world, 3000);
	dice->name_eio = draw_weight(world, 5000);
	dice->no_space = draw_weight(world, 4000);
	dice->evict = draw_weight(world, 20000);
}

static size_t draw_bytes(struct sim_world *world, unsigned least, unsigned most)
{
	return (size_t)1 << sim_between(world, least, most);
}

struct config sim_run_draw_config(struct sim_world *world)
{
	static const unsigned weights[STEPS] = {[APPEND] = 300,
		[REMOVE] = 40,
		[TASK] = 500,
		[READ] = 10,
		[READERS] = 40,
		[LIMIT] = 10,
		[FORGET] = 30,
		[MAKE] = 40,
		[DELETE] = 8,
		[COPY] = 3,
		[TIME] = 60,
		[REOPEN] = 3,
		[CUT] = 8};
	struct config config = {
		.logs = (unsigned)sim_between(world, 1, LOGS_MAX),
		.subjects = (unsigned)sim_between(world, 1, SUBJECTS_MAX),
		.steps = (unsigned)sim_between(world, 300, 1200),
		.payload_max = draw_bytes(world, 4, 12),
		.batches = draw_weight(world, 400),
		.keys = draw_weight(world, 1000),
		.expects = draw_weight(world, 600),
		.retries = draw_weight(world, 600),
		.erases = draw_weight(world, 500),
		.whole_passes = (unsigned)sim_between(world, 200, 1000),
		.failed_sync_reverts = sim_chance(world, 500),
		.step_ms_max = sim_between(world, 1, sim_chance(world, 500) ? 100 : 30000),
	};
	struct td_journal_options *journal = &config.options.journal;

	journal->segment_bytes_first = draw_bytes(world, 15, 17);
	journal->segment_bytes_max = journal->segment_bytes_first
				     << (unsigned)sim_between(world, 0, 2);
	journal->frame_bytes = draw_bytes(world, 9, 13);
	journal->frame_records = (size_t)sim_between(world, 1, 40);
	journal->append_bytes_max = ENTRIES_MAX * (SIM_STORE_PAYLOAD_MAX + 1000);
	journal->cache_bytes = draw_bytes(world, 12, 17);
	journal->mark_ms = sim_between(world, 1, 100);
	journal->chain_off = sim_chance(world, 300);
	journal->strict = sim_chance(world, 250);
	config.destroys = journal->strict && sim_chance(world, 500);
	config.options.index_bytes = draw_bytes(world, 16, 20);
	for (int i = 0; i < STEPS; i++)
		config.weights[i] = i == APPEND || i == TASK || i == CUT
					    ? (unsigned)sim_between(world, 1, weights[i])
					    : draw_weight(world, weights[i]);
	config.window_ms = KEYS_MS;
	/* A window that ends: segments are opened by their catalogs, and rewritten for space. */
	if (sim_chance(world, 400)) {
		config.window_ms = sim_between(world, 1, 20000);
		config.windows_end = sim_chance(world, 500);
		if (!config.windows_end)
			config.keys = config.retries = 0;
	}
	config.logs_change = config.logs > 1 && sim_chance(world, 500);
	if (!config.logs_change)
		config.weights[MAKE] = config.weights[DELETE] = 0;
	if (!config.windows_end && sim_chance(world, 200))
		config.importing = (unsigned)sim_between(world, 1, (1 << LOGS_MAX) - 1);
	/* Half of the worlds keep all. */
	if (sim_chance(world, 500) && !config.windows_end)
		config.weights[LIMIT] = 0;
	draw_dice(world, &config.dice);
	if (sim_chance(world, 550))
		config.capacity = (uint64_t)sim_between(world, 100, 800) << 10;
	/* Keys a page apart, some hundred at once, are more than such a disk has room for. */
	if (sim_chance(world, 400) && (config.capacity == 0 || !journal->strict)) {
		config.sealed = (unsigned)sim_between(world, 1, (1 << LOGS_MAX) - 1);
		config.sealed_few = sim_chance(world, 300);
	}
	if (config.sealed == 0)
		config.weights[FORGET] = 0;
	/* Copies need room, and time. */
	if (config.capacity != 0 || sim_chance(world, 600))
		config.weights[COPY] = 0;
	return config;
}

void sim_run_describe(struct sim_world *world, const struct config *config)
{
	const struct td_journal_options *journal = &config->options.journal;

	td_buf_printf(&world->config,
		"%u logs, %u subjects, %u steps, payloads to %zu; segments %zu to %zu, frames %zu "
		"or %zu records, cache %zu, mark %" PRId64 " ms%s%s%s\n",
		config->logs, config->subjects, config->steps, config->payload_max,
		journal->segment_bytes_first, journal->segment_bytes_max, journal->frame_bytes,
		journal->frame_records, journal->cache_bytes, journal->mark_ms,
		journal->chain_off ? ", no chain" : "", journal->strict ? ", strict" : "",
		config->destroys ? ", sectors destroyed" : "");
	td_buf_printf(&world->config,
		"disk: eio %u/%u/%u/%u/%u, no space %u, capacity %" PRIu64 "; window %" PRId64
		", keys %u, batches %u, expects %u, retries %u, erases %u, "
		"sealed %x%s%s%s, importing %x\n",
		config->dice.read_eio, config->dice.write_eio, config->dice.sync_eio,
		config->dice.sync_dir_eio, config->dice.name_eio, config->dice.no_space,
		config->capacity, config->window_ms, config->keys, config->batches, config->expects,
		config->retries, config->erases, config->sealed, config->sealed_few ? " (few)" : "",
		config->logs_change ? ", logs change" : "",
		config->windows_end ? ", windows end" : "", config->importing);
}
