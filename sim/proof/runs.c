#include "proof/runs.h"

#define DO(step)                      \
	do {                          \
		int code_ = (step);   \
		if (code_ != 0)       \
			return code_; \
	} while (0)

/* Events of log 1 and 2, four subjects each, and all is durable. */
static int some(struct sim_script *script, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		DO(sim_script_append(script, 1 + i % 2, i % 4, 1));
		if (i % 3 == 2)
			DO(sim_script_turn(script));
	}
	return sim_script_turn(script);
}

static int opened(struct sim_script *script)
{
	DO(sim_script_open(script));
	return some(script, 9);
}

static int opened_twice(struct sim_script *script)
{
	DO(opened(script));
	DO(sim_script_close(script));
	return sim_script_open(script);
}

static int killed(struct sim_script *script)
{
	DO(opened(script));
	DO(sim_script_append(script, 1, 0, 3));
	sim_script_drop(script);
	sim_disk_kill(script->disk);
	return 0;
}

static int play_opening(struct sim_script *script)
{
	DO(sim_script_open(script));
	return sim_script_append(script, 1, 0, 1);
}

static int play_append(struct sim_script *script)
{
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_append(script, 2, 1, 1));
	DO(sim_script_turn(script));
	DO(sim_script_append(script, 0, 0, 1));
	DO(sim_script_turn(script));
	return sim_script_idle(script, 200);
}

static int play_batch(struct sim_script *script)
{
	DO(sim_script_append(script, 1, 0, 6));
	DO(sim_script_turn(script));
	DO(sim_script_append(script, 2, 2, 4));
	return sim_script_turn(script);
}

static int play_removal(struct sim_script *script)
{
	DO(sim_script_remove(script, 1, 5, false)); /* the newest of its subject */
	DO(sim_script_turn(script));
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_remove(script, 2, 2, false));
	DO(sim_script_remove(script, 2, 4, false)); /* now it has none */
	DO(sim_script_turn(script));
	DO(sim_script_append(script, 2, 3, 1));
	return sim_script_turn(script);
}

static int play_roll(struct sim_script *script)
{
	DO(sim_script_roll(script));
	DO(sim_script_turn(script));
	DO(sim_script_append(script, 1, 2, 2));
	return sim_script_turn(script);
}

static int rolled(struct sim_script *script)
{
	DO(opened(script));
	DO(some(script, 21));
	DO(sim_script_roll(script));
	DO(sim_script_turn(script));
	return sim_script_idle(script, 600000);
}

static int play_erase(struct sim_script *script)
{
	DO(sim_script_remove(script, 1, 5, true));
	DO(sim_script_remove(script, 2, 1, true));
	DO(sim_script_turn(script));
	DO(sim_script_idle(script, 61000));
	DO(sim_script_append(script, 1, 0, 2));
	return sim_script_idle(script, 61000);
}

/* Most of a segment goes, so that it is rewritten for its space. */
static int play_rewrite(struct sim_script *script)
{
	for (uint64_t seq = 1; seq <= 13; seq++) {
		DO(sim_script_remove(script, 1, seq, false));
		DO(sim_script_remove(script, 2, seq, false));
	}
	DO(sim_script_turn(script));
	DO(sim_script_idle(script, 600000));
	DO(sim_script_append(script, 1, 0, 1));
	return sim_script_turn(script);
}

static int rewritten(struct sim_script *script)
{
	DO(rolled(script));
	return play_rewrite(script);
}

/* What it removed is gone, and the records that say so go, too: but for the newest of each log. */
static int play_spent(struct sim_script *script)
{
	DO(sim_script_roll(script));
	DO(sim_script_turn(script));
	DO(sim_script_idle(script, 600000));
	DO(sim_script_remove(script, 1, 14, false));
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_turn(script));
	DO(sim_script_roll(script));
	DO(sim_script_turn(script));
	return sim_script_idle(script, 600000);
}

static int play_logs(struct sim_script *script)
{
	DO(sim_script_change(script, 1));
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_turn(script));
	DO(sim_script_delete(script, 2));
	DO(sim_script_append(script, 1, 1, 1));
	return sim_script_turn(script);
}

/* What `events` holds goes into the log that is made for it. */
static int play_adopt(struct sim_script *script)
{
	for (unsigned i = 0; i < 7; i++)
		DO(sim_script_append(script, 3, i % 3, 1));
	DO(sim_script_turn(script));
	DO(sim_script_adopt(script, 3));
	DO(sim_script_append(script, 3, 1, 1));
	return sim_script_turn(script);
}

/* A log goes, its subjects go on in `events`, and from there into a log of the same name. */
static int play_again(struct sim_script *script)
{
	DO(sim_script_delete(script, 1));
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_append(script, 1, 1, 1));
	DO(sim_script_turn(script));
	DO(sim_script_adopt(script, 1));
	DO(sim_script_append(script, 1, 0, 1));
	return sim_script_turn(script);
}

static int play_closing(struct sim_script *script)
{
	DO(sim_script_append(script, 1, 0, 1));
	DO(sim_script_close(script));
	DO(sim_script_open(script));
	DO(sim_script_append(script, 1, 0, 1));
	return sim_script_turn(script);
}

static int play_recovery(struct sim_script *script)
{
	DO(sim_script_open(script));
	DO(sim_script_append(script, 1, 0, 2));
	return sim_script_turn(script);
}

int sim_run_everything(struct sim_script *script)
{
	DO(opened_twice(script));
	DO(play_batch(script));
	DO(play_removal(script));
	DO(play_roll(script));
	DO(some(script, 40));
	DO(sim_script_idle(script, 600000));
	DO(play_erase(script));
	DO(sim_script_close(script));
	DO(sim_script_open(script));
	DO(some(script, 20));
	DO(play_adopt(script));
	DO(sim_script_idle(script, 61000)); /* what moved is erased where it was */
	DO(play_again(script));
	return play_logs(script);
}

const struct sim_run sim_runs[] = {
	{"opening", NULL, play_opening},
	{"append", opened, play_append},
	{"batch", opened, play_batch},
	{"removal", opened, play_removal},
	{"roll", opened, play_roll},
	{"erase", rolled, play_erase},
	{"rewrite", rolled, play_rewrite},
	{"spent", rewritten, play_spent},
	{"logs", opened, play_logs},
	{"adopt", opened, play_adopt},
	{"again", opened, play_again},
	{"closing", opened_twice, play_closing},
	{"recovery", killed, play_recovery},
};
const size_t sim_runs_count = sizeof(sim_runs) / sizeof(sim_runs[0]);
