#include "play.h"

#include <inttypes.h>

static unsigned draw_weight(struct sim_world *world, unsigned most)
{
	return sim_chance(world, 300) ? 0 : (unsigned)sim_between(world, 1, most);
}

static size_t draw_bytes(struct sim_world *world, unsigned least, unsigned most)
{
	return (size_t)1 << sim_between(world, least, most);
}

static void draw_disk(struct sim_world *world, struct sim_disk_dice *dice)
{
	bool quiet = sim_chance(world, 500);

	dice->short_read = draw_weight(world, 50000);
	dice->short_write = draw_weight(world, 50000);
	if (quiet)
		return;
	dice->write_eio = draw_weight(world, 20000);
	dice->sync_eio = draw_weight(world, 20000);
	dice->sync_dir_eio = draw_weight(world, 20000);
	dice->no_space = draw_weight(world, 30000);
	dice->evict = draw_weight(world, 20000);
}

static void draw_net(struct sim_world *world, struct sim_net_dice *dice)
{
	struct td_rng rng;

	td_rng_init(&rng, sim_below(world, UINT64_MAX));
	sim_net_draw_dice(dice, &rng);
	/* A way of a byte a second would be all there is of a world. */
	dice->slow_bytes_max += 2000;
	dice->small_bytes_max += 40;
	if (sim_chance(world, 300))
		dice->small = 600000;
	if (dice->stall_ns_max > 3000 * MS)
		dice->stall_ns_max = 3000 * MS;
	dice->descriptors = draw_weight(world, 60000);
	dice->no_memory = draw_weight(world, 60000);
	if (sim_chance(world, 200))
		*dice = (struct sim_net_dice){0};
}

static void draw_journal(struct sim_world *world, struct td_journal_options *journal)
{
	journal->segment_bytes_first = draw_bytes(world, 15, 18);
	journal->segment_bytes_max = journal->segment_bytes_first
				     << (unsigned)sim_between(world, 0, 2);
	journal->frame_bytes = draw_bytes(world, 10, 14);
	journal->frame_records = (size_t)sim_between(world, 1, 40);
	journal->append_bytes_max = 32000;
	journal->cache_bytes = draw_bytes(world, 12, 17);
	journal->mark_ms = sim_between(world, 1, 100);
	journal->chain_off = sim_chance(world, 300);
	journal->strict = sim_chance(world, 250);
}

/* Some limits are so low that they are met. */
static void draw_limits(struct sim_world *world, struct td_server_limits *limits)
{
	if (sim_chance(world, 300))
		limits->connections_max = sim_between(world, 6, 20);
	if (sim_chance(world, 300))
		limits->head_ms = sim_between(world, 500, 20000);
	if (sim_chance(world, 300))
		limits->body_ms = sim_between(world, 500, 20000);
	if (sim_chance(world, 300))
		limits->idle_ms = sim_between(world, 500, 20000);
	if (sim_chance(world, 600))
		limits->stall_ms = sim_between(world, 100, 20000);
	if (sim_chance(world, 300))
		limits->pipeline_max = sim_between(world, 1, 4);
	if (sim_chance(world, 300))
		limits->output_bytes_max = sim_between(world, 100, 8000);
	if (sim_chance(world, 500))
		limits->page_events_max = sim_between(world, 1, 50);
	if (sim_chance(world, 300))
		limits->page_bytes_max = sim_between(world, 100, 20000);
	if (sim_chance(world, 500))
		limits->follower_bytes_max =
			sim_between(world, 300, sim_chance(world, 500) ? 2000 : 20000);
	if (sim_chance(world, 500))
		limits->feed_bytes_max = sim_between(world, 1, 20000);
	if (sim_chance(world, 700))
		limits->heartbeat_ms = sim_between(world, 5, 2000);
	if (sim_chance(world, 300))
		limits->readings_max = sim_between(world, 1, 3);
	limits->stop_ms = sim_between(world, 10, 5000);
}

struct config sim_serve_draw_config(struct sim_world *world)
{
	struct config config = {
		.logs = (unsigned)sim_between(world, 1, LOGS_MAX),
		.subjects = (unsigned)sim_between(world, 1, 8),
		.steps = (unsigned)sim_between(world, 3000, 12000),
		.publishers = (unsigned)sim_between(world, 1, PUBLISHERS_MAX),
		.readers = (unsigned)sim_between(world, 1, READERS_MAX),
		.followers = (unsigned)sim_between(world, 1, FOLLOWERS_MAX),
		.vandals = (unsigned)sim_between(world, 0, VANDALS_MAX),
		.pipeline = (unsigned)sim_between(world, 1, PIPELINE_MAX),
		.pad_max = (unsigned)sim_between(world, 0, 1500),
		.batches = draw_weight(world, 400),
		.expects = draw_weight(world, 700),
		.retries = draw_weight(world, 300),
		.looks = draw_weight(world, 400),
		.others_keys = draw_weight(world, 30),
		.turns = (unsigned)sim_between(world, 100, 350),
		.tasks = (unsigned)sim_between(world, 10, 200),
		.deaths = draw_weight(world, 40),
		.step_ns_max = sim_between(world, 1, sim_chance(world, 500) ? 10 : 2000) * MS,
	};

	draw_disk(world, &config.disk);
	draw_net(world, &config.net);
	draw_journal(world, &config.settings.store.journal);
	draw_limits(world, &config.settings.limits);
	config.settings.store.index_bytes = draw_bytes(world, 16, 20);
	return config;
}

void sim_serve_describe(struct sim_world *world, const struct config *config)
{
	const struct td_journal_options *journal = &config->settings.store.journal;
	const struct td_server_limits *limits = &config->settings.limits;

	td_buf_printf(&world->config,
		"%u publishers, %u readers, %u followers, %u vandals; %u logs, %u subjects, "
		"%u steps, pipeline %u, pads to %u\n",
		config->publishers, config->readers, config->followers, config->vandals,
		config->logs, config->subjects, config->steps, config->pipeline, config->pad_max);
	td_buf_printf(&world->config,
		"turns %u, tasks %u, deaths %u; batches %u, expects %u, retries %u; segments %zu, "
		"frames %zu or %zu records%s%s\n",
		config->turns, config->tasks, config->deaths, config->batches, config->expects,
		config->retries, journal->segment_bytes_first, journal->frame_bytes,
		journal->frame_records, journal->chain_off ? ", no chain" : "",
		journal->strict ? ", strict" : "");
#define DESCRIBE_LIMIT(name, def, what) \
	if (limits->name != 0)          \
		td_buf_printf(&world->config, #name " %" PRId64 " ", limits->name);
	TD_SERVER_LIMIT_TABLE(DESCRIBE_LIMIT)
#undef DESCRIBE_LIMIT
	td_buf_printf(&world->config,
		"\ndisk: eio %u/%u/%u, no space %u; net: reset %u, silent %u, short %u/%u, split "
		"%u, slow %u, small %u, latency %" PRId64 " us\n",
		config->disk.write_eio, config->disk.sync_eio, config->disk.sync_dir_eio,
		config->disk.no_space, config->net.reset, config->net.silent,
		config->net.short_read, config->net.short_write, config->net.split,
		config->net.slow, config->net.small, config->net.latency_ns_max / 1000);
}
