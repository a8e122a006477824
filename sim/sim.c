/*
 * sim [OPTION]... [SEED [COUNT]]: plays worlds from seeds, and says which one broke a promise.
 *
 *	sim 42              the world of seed 42 (of each kind)
 *	sim 1 300           of seeds 1 to 300; what must have happened is counted, too
 *	sim --trace 42      and shows what happens in it
 *	    --world NAME    only this kind
 *	    --without-model the checker alone judges
 *	    --bug N         (sim_bugs) with bug N planted; passes if it is found: a seed fails with it,
 *	                    and does not fail without
 *
 * Exit 1: a promise was broken, or something that should happen often did not happen.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/busses.h"
#include "delivery/deliveries.h"
#include "server/servers.h"
#include "store/stores.h"
#include "world.h"

#define COUNTERS_MAX   96
#define SEEDS_TO_COUNT 300  /* from so many on, everything must have happened */
#define THOUSANDS      2000 /* from so many on, fewer are played of what takes longer */
#define REPLAY_EVERY   50   /* of so many seeds one is played again: the trace must be the same */

static const struct sim_kind *const kinds[] = {
	&sim_deliveries, &sim_stores, &sim_busses, &sim_servers};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#ifdef TD_BUGS
int td_bug;
#endif

struct plan {
	uint64_t from, count;
	const char *only; /* kind */
	bool trace, without_model;
	int bug; /* 0: none */
};

static struct plan plan = {.from = 1, .count = 1};
static struct sim_world *playing;
static int64_t virtual_ns; /* that the worlds took together */
static char replay[100];   /* the line that plays it again */
static uint64_t counts[KINDS][COUNTERS_MAX];

/* --- one world ---------------------------------------------------------------------------- */

static void tell(const struct sim_world *world, const char *what)
{
	fprintf(stderr, "\n%s: seed %" PRIu64 ": %s\n%.*s%s", world->kind->name, world->seed, what,
		(int)world->config.len, world->config.at, replay);
}

static void write_text(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, text, len);
		if (written <= 0)
			return;
		text += written;
		len -= (size_t)written;
	}
}

/* An assertion failed, and said so: add in which world, and go. */
static void aborted(int signal_number)
{
	(void)signal_number;
	write_text(playing->config.at, playing->config.len);
	write_text(replay, strlen(replay));
	_exit(1);
}

/* Its trace; *failed if it failed. */
static uint64_t play(size_t kind, uint64_t seed, bool again, bool *failed)
{
	uint64_t uncounted[COUNTERS_MAX] = {0};
	struct sim_world world;

	TD_ASSERT(kinds[kind]->counters_count <= COUNTERS_MAX);
	sim_world_init(&world, kinds[kind], seed, again ? uncounted : counts[kind]);
	world.verbose = plan.trace && !again;
	world.without_model = plan.without_model;
	snprintf(replay, sizeof(replay), "replay: make sim SEED=%" PRIu64 "\n", seed);
	playing = &world;
	virtual_ns -= world.now_ns;
	kinds[kind]->play(&world);
	virtual_ns += world.now_ns;
	if (sim_failed(&world)) {
		*failed = true;
		tell(&world, world.failure.text);
	} else if (plan.trace && !again) {
		printf("%.*s", (int)world.config.len, world.config.at);
	}
	sim_world_fini(&world);
	return world.trace;
}

/* --- many --------------------------------------------------------------------------------- */

/* So many of a kind are played. */
static uint64_t count_of(size_t kind)
{
	uint64_t costs = kinds[kind]->costs;

	return costs > 1 && plan.count >= THOUSANDS && plan.only == NULL ? plan.count / costs
									 : plan.count;
}

/* What never, or hardly ever, happened was not tested. */
static bool happened_enough(size_t kind)
{
	uint64_t count = count_of(kind);
	bool enough = true;

	for (size_t i = 0; i < kinds[kind]->counters_count; i++)
		if (counts[kind][i] < count / 10) {
			fprintf(stderr, "%s: only %" PRIu64 " times in %" PRIu64 " seeds: %s\n",
				kinds[kind]->name, counts[kind][i], count,
				kinds[kind]->counters[i]);
			enough = false;
		}
	return enough;
}

/* How long it was there, and how long here. */
static void show_speed(size_t kind, int64_t from_ns)
{
	double real = (double)(td_clock_monotonic(&td_clock_real) - from_ns) / 1e9;

	printf("%s: %.1f hours of theirs in %.1f s of ours: %.0f times\n", kinds[kind]->name,
		(double)virtual_ns / 3.6e12, real, (double)virtual_ns / 1e9 / real);
}

static uint64_t first_of(size_t kind)
{
	return kinds[kind]->from_one && count_of(kind) < plan.count ? 1 : plan.from;
}

static bool play_kind(size_t kind)
{
	int64_t begun = td_clock_monotonic(&td_clock_real);
	bool failed = false;
	uint64_t traces = 0, count = count_of(kind);

	virtual_ns = 0;
	for (uint64_t i = 0; i < count && !failed; i++) {
		uint64_t seed = first_of(kind) + i;
		uint64_t trace = play(kind, seed, false, &failed);
		traces = td_hash_u64(traces ^ trace);
		if (i % REPLAY_EVERY == 0 && !failed && play(kind, seed, true, &failed) != trace) {
			fprintf(stderr, "%s: seed %" PRIu64 ": played twice, and not the same\n",
				kinds[kind]->name, seed);
			failed = true;
		}
	}
	if (failed)
		return false;
	if (plan.count >= SEEDS_TO_COUNT && !plan.without_model && !happened_enough(kind))
		return false;
	printf("%s: %" PRIu64 " seeds from %" PRIu64 ", trace %016" PRIx64 "\n", kinds[kind]->name,
		count, first_of(kind), traces);
	show_speed(kind, begun);
	return true;
}

/* --- bugs --------------------------------------------------------------------------------- */

#ifdef TD_BUGS
#define SEED_SECONDS_MAX 20 /* a bug may turn in a circle */

/* Whether the seed fails, in a process of its own, since a bug may take that with it. */
static bool fails_with(size_t kind, uint64_t seed, int bug)
{
	pid_t child = fork();
	bool failed = false;
	int status;

	TD_ASSERT(child >= 0);
	if (child == 0) {
		td_bug = bug;
		if (bug == 0)
			TD_ASSERT(freopen("/dev/null", "w", stderr) != NULL);
		alarm(SEED_SECONDS_MAX);
		play(kind, seed, false, &failed);
		_exit(failed ? 1 : 0);
	}
	TD_ASSERT(waitpid(child, &status, 0) == child);
	return status != 0;
}

/* A seed that fails with the bug and not without. */
static bool find_bug(size_t kind, int bug)
{
	for (uint64_t seed = plan.from; seed < plan.from + plan.count; seed++) {
		if (!fails_with(kind, seed, bug))
			continue;
		if (fails_with(kind, seed, 0)) {
			fprintf(stderr, "seed %" PRIu64 " fails without the bug, too\n", seed);
			continue;
		}
		printf("%s: bug %d: found by seed %" PRIu64 "\n", kinds[kind]->name, bug, seed);
		return true;
	}
	fprintf(stderr, "%s: bug %d: not found in %" PRIu64 " seeds from %" PRIu64 "\n",
		kinds[kind]->name, bug, plan.count, plan.from);
	return false;
}
#endif

static void show_counts(size_t kind)
{
	for (size_t i = 0; i < kinds[kind]->counters_count; i++)
		printf("%12" PRIu64 "  %s\n", counts[kind][i], kinds[kind]->counters[i]);
}

/* --- the command line --------------------------------------------------------------------- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (*text == 0 || *end != 0) {
		fprintf(stderr, "sim: %s: a number is needed\n", text);
		exit(2);
	}
	return value;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {{"world", required_argument, NULL, 'w'},
		{"trace", no_argument, NULL, 't'}, {"without-model", no_argument, NULL, 'm'},
		{"bug", required_argument, NULL, 'b'}, {"seed", required_argument, NULL, 'f'},
		{"from", required_argument, NULL, 'f'}, {"seeds", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}};

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (option) {
		case 'w':
			plan.only = optarg;
			break;
		case 't':
			plan.trace = true;
			break;
		case 'm':
			plan.without_model = true;
			break;
		case 'f':
			plan.from = number(optarg);
			break;
		case 'c':
			plan.count = number(optarg);
			break;
		case 'b':
#ifdef TD_BUGS
			plan.bug = (int)number(optarg);
			break;
#else
			fprintf(stderr, "sim: bugs are planted in sim_bugs\n");
			exit(2);
#endif
		default:
			exit(2);
		}
	if (optind < argc)
		plan.from = number(argv[optind++]);
	if (optind < argc)
		plan.count = number(argv[optind++]);
}

int main(int argc, char **argv)
{
	bool passed = true, played = false;

	read_options(argc, argv);
	signal(SIGABRT, aborted);
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (plan.only != NULL ? strcmp(plan.only, kinds[kind]->name) != 0
				      : kinds[kind]->by_name)
			continue;
		played = true;
#ifdef TD_BUGS
		if (plan.bug != 0) {
			passed &= find_bug(kind, plan.bug);
			continue;
		}
#endif
		passed &= play_kind(kind);
		if (plan.count >= SEEDS_TO_COUNT)
			show_counts(kind);
	}
	if (!played) {
		fprintf(stderr, "sim: no such world: %s\n", plan.only);
		return 2;
	}
	return passed ? 0 : 1;
}
