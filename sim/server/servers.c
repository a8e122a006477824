/*
 * One server, whole, on a simulated disk and a simulated net, and its clients on the other side:
 * those who append (one, several, with an expectation, again), read all by pages, follow and resume,
 * and those who never say all of a request. Dice say who moves next: a turn of the server, a task
 * beside it, a call of a client, time. The server dies between turns and in the middle of them, by
 * SIGKILL and by power, or is told to stop; its disk fails.
 *
 * What clients did and saw is the same history that a store has (store/history.h), and the same
 * checker judges it: acknowledged is there, revisions are linearizable, an append is whole or not
 * there, a key is used once. Followers must have seen, in order and once, all that stands behind
 * where they began.
 */
#include "servers.h"

#include "play.h"

/* --- steps -------------------------------------------------------------------------------- */

static void step_of_a_client(struct run *run)
{
	const struct config *config = &run->config;
	uint64_t who = sim_below(run->world,
		config->publishers + config->readers + config->followers + config->vandals);

	if (who < config->publishers) {
		sim_serve_publisher_step(run, &run->publishers[who]);
		return;
	}
	who -= config->publishers;
	if (who < config->readers) {
		sim_serve_reader_step(run, &run->readers[who]);
		return;
	}
	who -= config->readers;
	if (who < config->followers)
		sim_serve_follower_step(run, &run->followers[who]);
	else
		sim_serve_vandal_step(run, &run->vandals[who - config->followers]);
}

static void step(struct run *run)
{
	uint64_t what = sim_below(run->world, 1000);

	if (sim_below(run->world, 10000) < run->config.deaths) {
		sim_serve_die(run);
		return;
	}
	if (what < run->config.turns)
		sim_serve_turn(run);
	else if (what - run->config.turns < run->config.tasks)
		sim_serve_task(run);
	else if (what < 900)
		step_of_a_client(run);
	else
		sim_serve_pass_time(run);
}

/* --- the world ---------------------------------------------------------------------------- */

/* The machine is dead: its disk does nothing any more. */
static bool is_frozen(void *arg)
{
	const struct run *run = arg;

	return run->disk != NULL && sim_disk_is_frozen(run->disk);
}

static void init_clients(struct run *run)
{
	const struct td_net *net = sim_host_table(run->clients_host);

	for (int i = 0; i < PUBLISHERS_MAX; i++)
		talk_init(&run->publishers[i].talk, net);
	for (int i = 0; i < READERS_MAX; i++) {
		talk_init(&run->readers[i].talk, net);
		td_buf_init(&run->readers[i].url, 1 << 16);
		td_buf_init(&run->readers[i].seen.events, SIZE_MAX / 2);
	}
	for (int i = 0; i < FOLLOWERS_MAX; i++) {
		talk_init(&run->followers[i].talk, net);
		td_buf_init(&run->followers[i].seen.events, SIZE_MAX / 2);
	}
	for (int i = 0; i < VANDALS_MAX; i++) {
		talk_init(&run->vandals[i].talk, net);
		td_buf_init(&run->vandals[i].request, 1 << 20);
		run->vandals[i].append = SIZE_MAX;
	}
}

static void fini_clients(struct run *run)
{
	for (int i = 0; i < PUBLISHERS_MAX; i++)
		talk_fini(&run->publishers[i].talk);
	for (int i = 0; i < READERS_MAX; i++) {
		talk_fini(&run->readers[i].talk);
		td_buf_fini(&run->readers[i].url);
		td_buf_fini(&run->readers[i].seen.events);
	}
	for (int i = 0; i < FOLLOWERS_MAX; i++) {
		talk_fini(&run->followers[i].talk);
		td_buf_fini(&run->followers[i].seen.events);
	}
	for (int i = 0; i < VANDALS_MAX; i++) {
		talk_fini(&run->vandals[i].talk);
		td_buf_fini(&run->vandals[i].request);
	}
}

static void init(struct run *run, struct sim_world *world)
{
	struct sim_disk_options disk = {.world = world, .counts = run->disk_counts};
	struct sim_net_options net = {.world = world, .counts = run->net_counts};
	struct sim_host_options server = {.is_dead = is_frozen, .arg = run};

	run->config = sim_serve_draw_config(world);
	sim_serve_describe(world, &run->config);
	td_rng_init(&disk.rng, sim_below(world, UINT64_MAX));
	td_rng_init(&net.rng, sim_below(world, UINT64_MAX));
	run->disk = sim_disk_new(&disk);
	run->net = sim_net_new(&net);
	server.queue_max = (size_t)sim_between(world, 1, 4);
	run->server_host = sim_host_new(run->net, &server);
	run->clients_host = sim_host_new(run->net, &(struct sim_host_options){0});
	sim_tasks_init(&run->commits, 1);
	sim_tasks_init(&run->chores, 1);
	sim_tasks_init(&run->work, 2);
	run->address = (struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}, .port = 8222};
	run->config.settings.data = "store";
	run->config.settings.http = &run->address;
	run->config.settings.http_count = 1;
	init_clients(run);
}

static const enum sim_net_count net_counts[] = {SIM_NET_COUNT_ACCEPTED, SIM_NET_COUNT_REFUSED,
	SIM_NET_COUNT_DENIED, SIM_NET_COUNT_UNANSWERED, SIM_NET_COUNT_CROWDED,
	SIM_NET_COUNT_ABORTED, SIM_NET_COUNT_DESCRIPTORS, SIM_NET_COUNT_NO_MEMORY,
	SIM_NET_COUNT_SHORT_READ, SIM_NET_COUNT_SHORT_WRITE, SIM_NET_COUNT_FULL,
	SIM_NET_COUNT_SPLIT, SIM_NET_COUNT_STALL, SIM_NET_COUNT_SLOW, SIM_NET_COUNT_SMALL,
	SIM_NET_COUNT_HALF_CLOSED, SIM_NET_COUNT_RESET, SIM_NET_COUNT_UNREAD, SIM_NET_COUNT_LATE,
	SIM_NET_COUNT_SILENT, SIM_NET_COUNT_SPURIOUS, SIM_NET_COUNT_IDLE, SIM_NET_COUNT_FROZEN};
static const enum sim_disk_count disk_counts[] = {SIM_DISK_COUNT_WRITE_EIO, SIM_DISK_COUNT_SYNC_EIO,
	SIM_DISK_COUNT_NO_SPACE, SIM_DISK_COUNT_SHORT_WRITE, SIM_DISK_COUNT_CRASH,
	SIM_DISK_COUNT_LOST, SIM_DISK_COUNT_TORN};

#define NET_COUNTS  (sizeof(net_counts) / sizeof(net_counts[0]))
#define DISK_COUNTS (sizeof(disk_counts) / sizeof(disk_counts[0]))
_Static_assert(COUNT_NET_LAST + 1 == COUNT_NET_FIRST + NET_COUNTS, "each has its counter");
_Static_assert(COUNTERS == COUNT_DISK_FIRST + DISK_COUNTS, "each has its counter");

static void fini(struct run *run)
{
	if (run->server != NULL)
		sim_serve_bury(run, false);
	fini_clients(run);
	sim_net_free(run->net);
	sim_disk_free(run->disk);
	sim_store_history_fini(&run->history);
	for (size_t i = 0; i < NET_COUNTS; i++)
		run->world->counts[COUNT_NET_FIRST + i] += run->net_counts[net_counts[i]];
	for (size_t i = 0; i < DISK_COUNTS; i++)
		run->world->counts[COUNT_DISK_FIRST + i] += run->disk_counts[disk_counts[i]];
}

static void play(struct sim_world *world)
{
	struct run run = {.world = world, .history = SIM_STORE_HISTORY_INIT};

	init(&run, world);
	sim_serve_open(&run);
	for (unsigned i = 0; i < run.config.steps && !sim_failed(world); i++)
		step(&run);
	if (!sim_failed(world))
		sim_serve_heal(&run);
	fini(&run);
}

static const char *const counters[COUNTERS] = {
	[COUNT_APPENDED] = "appends accepted",
	[COUNT_BATCH] = "batches accepted",
	[COUNT_PIPELINED] = "requests behind others",
	[COUNT_DUPLICATE] = "duplicates",
	[COUNT_CONFLICT] = "refused for the revision",
	[COUNT_REFUSED_KEY] = "refused for a key used before",
	[COUNT_BUSY] = "refused for now",
	[COUNT_UNKNOWN] = "answers that never came",
	[COUNT_RETRIED] = "appends tried again",
	[COUNT_PAGES] = "pages",
	[COUNT_PASSES] = "passes",
	[COUNT_FOLLOWED] = "events followed",
	[COUNT_RESUMED] = "followers resumed, and told more",
	[COUNT_POSITION] = "reads that asked for a position",
	[COUNT_WAITED] = "reads that wait for what is to come",
	[COUNT_LOOKED] = "events looked at behind their append",
	[COUNT_CUT_REQUEST] = "requests cut short",
	[COUNT_KILLED] = "servers killed",
	[COUNT_POWER] = "power cut",
	[COUNT_MIDDLE] = "... in the middle of a turn",
	[COUNT_STOPPED] = "servers stopped",
	[COUNT_FAILED] = "servers failed",
	[COUNT_REOPENED] = "servers opened",
	[COUNT_NET_FIRST + 0] = "net: connections accepted",
	[COUNT_NET_FIRST + 1] = "net: connects refused, nobody there",
	[COUNT_NET_FIRST + 2] = "net: connects refused by dice",
	[COUNT_NET_FIRST + 3] = "net: connects that nobody answered",
	[COUNT_NET_FIRST + 4] = "net: connects that found the queue full",
	[COUNT_NET_FIRST + 5] = "net: connections reset before they were accepted",
	[COUNT_NET_FIRST + 6] = "net: calls without descriptors left",
	[COUNT_NET_FIRST + 7] = "net: calls without memory",
	[COUNT_NET_FIRST + 8] = "net: reads cut short",
	[COUNT_NET_FIRST + 9] = "net: writes cut short",
	[COUNT_NET_FIRST + 10] = "net: writes without room",
	[COUNT_NET_FIRST + 11] = "net: writes that arrived in pieces",
	[COUNT_NET_FIRST + 12] = "net: pieces delayed",
	[COUNT_NET_FIRST + 13] = "net: slow ways",
	[COUNT_NET_FIRST + 14] = "net: ways of a few bytes",
	[COUNT_NET_FIRST + 15] = "net: ends told while the other side went on",
	[COUNT_NET_FIRST + 16] = "net: connections reset by dice",
	[COUNT_NET_FIRST + 17] = "net: resets by closing with bytes unread",
	[COUNT_NET_FIRST + 18] = "net: resets by bytes that came too late",
	[COUNT_NET_FIRST + 19] = "net: connections that fell silent",
	[COUNT_NET_FIRST + 20] = "net: things told ready that were not",
	[COUNT_NET_FIRST + 21] = "net: waits that ended for no reason",
	[COUNT_NET_FIRST + 22] = "net: processes stopped in the middle",
	[COUNT_DISK_FIRST + 0] = "disk: writes failed",
	[COUNT_DISK_FIRST + 1] = "disk: syncs failed",
	[COUNT_DISK_FIRST + 2] = "disk: calls without space",
	[COUNT_DISK_FIRST + 3] = "disk: writes cut short",
	[COUNT_DISK_FIRST + 4] = "disk: crashes",
	[COUNT_DISK_FIRST + 5] = "disk: unsynced sectors lost",
	[COUNT_DISK_FIRST + 6] = "disk: writes torn",
};

const struct sim_kind sim_servers = {
	.name = "servers",
	.play = play,
	.counters = counters,
	.counters_count = COUNTERS,
	.costs = 4,
};
