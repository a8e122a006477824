/*
 * Every crash state of short runs. For n = 0, 1, 2 ... the run is played on a disk that freezes after
 * n changes; what a crash may leave of that is an image; an image is opened, read and judged by the
 * checker of stores, who knows what had been acknowledged. Then the opening itself is cut short after
 * its k-th change, crashes, and is done again: it must give the same events.
 */
#include "proof/runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct prover {
	const struct sim_run *run;
	struct sim_script script; /* of this n */
	struct td_rng rng;
	unsigned samples;
	bool thorough;
	uint64_t changes;               /* n */
	uint64_t images, again, states; /* looked at; of those in a recovery; n's */
	/* The image at hand, for who is told. */
	uint64_t fate, cut;
};

static bool wrong(const struct prover *prover, const char *what)
{
	fprintf(stderr, "%s: after %" PRIu64 " changes, fate %" PRIu64, prover->run->name,
		prover->changes, prover->fate);
	if (prover->cut != UINT64_MAX)
		fprintf(stderr, ", opening cut after %" PRIu64, prover->cut);
	fprintf(stderr, ": %s\n", what);
	return false;
}

static void use(struct prover *prover, struct sim_disk *disk)
{
	prover->script.disk = disk;
	prover->script.options.journal.disk = sim_disk_table(disk);
}

/* What is found on this disk is right; *seen is what it was. */
static bool judge(struct prover *prover, struct sim_disk *disk, uint64_t *seen)
{
	struct sim_script *script = &prover->script;
	struct sim_script_moment before = sim_script_moment(script);
	bool right = false;

	use(prover, disk);
	/* Of every other one the catalogs are believed: what they lie beside is old. */
	if (prover->images++ % 2 == 1)
		sim_advance_ms(&script->world, 600000);
	if (sim_script_open(script) != 0 || sim_script_read(script) != 0 ||
		!sim_script_judge(script))
		wrong(prover, script->err.text);
	else
		right = true;
	if (right)
		*seen = sim_script_seen(script);
	sim_script_drop(script);
	sim_script_back(script, before);
	if (right && td_journal_verify(sim_disk_table(disk), SIM_SCRIPT_PATH, NULL, NULL, NULL,
			     &script->err) != 0)
		right = wrong(prover, script->err.text);
	return right;
}

/* Opening the image, cut short after `cut` changes, and crashed: it opens as if it had not been. */
static bool cut_opening(struct prover *prover, const struct sim_disk *image, uint64_t cut,
	uint64_t fate, uint64_t seen)
{
	struct sim_disk *disk = sim_disk_copy(image);
	struct sim_script_moment before = sim_script_moment(&prover->script);
	uint64_t now = 0;
	bool right;

	prover->cut = cut;
	use(prover, disk);
	sim_disk_freeze_after(disk, cut);
	sim_script_open(&prover->script);
	sim_script_drop(&prover->script);
	sim_script_back(&prover->script, before);
	sim_disk_crash(disk, &(struct sim_disk_fate){.seed = fate});
	prover->again++;
	right = judge(prover, disk, &now);
	if (right && now != seen)
		right = wrong(prover, "other events than where it was not cut");
	sim_disk_free(disk);
	prover->cut = UINT64_MAX;
	return right;
}

/* All that can be found of an image that a crash left. */
static bool look(struct prover *prover, const struct sim_disk *image)
{
	struct sim_disk *disk = sim_disk_copy(image);
	uint64_t before = sim_disk_changes(disk), seen = 0, changes;
	bool right = judge(prover, disk, &seen);

	changes = sim_disk_changes(disk) - before;
	sim_disk_free(disk);
	if (right && prover->thorough) {
		for (uint64_t cut = 0; right && cut < changes; cut++)
			right = cut_opening(prover, image, cut, td_rng_u64(&prover->rng), seen);
	} else if (right && changes > 0) {
		right = cut_opening(prover, image, td_rng_below(&prover->rng, changes),
			td_rng_u64(&prover->rng), seen);
	}
	return right;
}

static bool crash(struct prover *prover, const struct sim_disk *disk, struct sim_disk_fate fate)
{
	struct sim_disk *image = sim_disk_copy(disk);
	bool right;

	sim_disk_crash(image, &fate);
	right = look(prover, image);
	sim_disk_free(image);
	return right;
}

/* Each subset, or samples; the first two are all and nothing. */
static bool crash_all_ways(struct prover *prover, const struct sim_disk *disk)
{
	size_t unsynced = sim_disk_unsynced(disk);
	bool all = unsynced < 20 && (1u << unsynced) <= prover->samples, right = true;
	uint64_t count = all ? UINT64_C(1) << unsynced : prover->samples;
	uint8_t picks[512];

	for (uint64_t i = 0; right && i < count; i++) {
		struct sim_disk_fate fate = {.seed = td_rng_u64(&prover->rng)};

		prover->fate = all ? i : fate.seed;
		if (all)
			for (unsigned j = 0; j < 8; j++)
				picks[j] = (uint8_t)(i >> j * 8);
		else
			memset(picks, i == 0 ? 0 : 255, sizeof(picks));
		if (all || i < 2) {
			fate.picks = picks;
			fate.picks_count =
				unsynced < sizeof(picks) * 8 ? unsynced : sizeof(picks) * 8;
		}
		right = crash(prover, disk, fate);
	}
	return right;
}

/* The run on a disk that freezes after n changes; *over: it came to its end before. */
static bool play_until(struct prover *prover, bool *over)
{
	const struct sim_disk_options options = {0};
	struct sim_disk *disk = sim_disk_new(&options);
	bool right = true;

	sim_script_init(&prover->script, disk);
	if (prover->run->prepare != NULL && prover->run->prepare(&prover->script) != 0)
		right = wrong(prover, prover->script.err.text);
	sim_disk_freeze_after(disk, prover->changes);
	*over = prover->run->play(&prover->script) == 0;
	sim_script_drop(&prover->script);
	if (right)
		right = crash_all_ways(prover, disk);
	prover->states++;
	sim_script_fini(&prover->script);
	sim_disk_free(disk);
	return right;
}

static bool prove(struct prover *prover)
{
	bool over = false, right = true;

	for (prover->changes = 0; right && !over; prover->changes++)
		right = play_until(prover, &over);
	return right;
}

bool sim_prove_crashes(const char *name, unsigned samples, uint64_t seed, bool thorough)
{
	bool right = true;
	uint64_t images = 0;

	for (size_t i = 0; right && i < sim_runs_count; i++) {
		struct prover prover = {.run = &sim_runs[i],
			.samples = samples,
			.thorough = thorough,
			.cut = UINT64_MAX};

		if (name != NULL && strcmp(name, sim_runs[i].name) != 0)
			continue;
		td_rng_init(&prover.rng, seed);
		right = prove(&prover);
		printf("crashes of %-9s %6" PRIu64 " moments, %8" PRIu64 " images, %8" PRIu64
		       " of them in the opening of another\n",
			sim_runs[i].name, prover.states, prover.images, prover.again);
		images += prover.images;
	}
	printf("crashes: %" PRIu64 " images\n", images);
	return right;
}
