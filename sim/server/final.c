#include "play.h"

#include <inttypes.h>
#include <string.h>

#include "../store/checker.h"

#define ROUNDS_MAX 200000

/* --- until all is quiet ------------------------------------------------------------------- */

static size_t seen_count(const struct seen *seen)
{
	return seen->events.len / sizeof(struct sim_store_event);
}

static const struct sim_store_event *seen_at(const struct seen *seen, size_t i)
{
	return (const struct sim_store_event *)(const void *)seen->events.at + i;
}

static uint64_t last_seen(const struct seen *seen)
{
	size_t count = seen_count(seen);

	return count > 0 ? seen_at(seen, count - 1)->position : 0;
}

static bool is_busy(const struct run *run)
{
	for (unsigned i = 0; i < run->config.publishers; i++)
		if (run->publishers[i].asked_count > 0)
			return true;
	for (unsigned i = 0; i < run->config.readers; i++)
		if (run->readers[i].on)
			return true;
	for (unsigned i = 0; i < run->config.vandals; i++)
		if (talk_is_on(&run->vandals[i].talk))
			return true;
	return run->stopping;
}

/* Patience ends where nothing can come any more; elsewhere an answer must. */
static void give_up(struct run *run, struct talk *talk)
{
	if (talk_is_on(talk))
		talk->hopeless = sim_net_is_deaf(run->clients_host, talk->connection);
}

static void lose_patience(struct run *run)
{
	for (unsigned i = 0; i < run->config.publishers; i++)
		give_up(run, &run->publishers[i].talk);
	for (unsigned i = 0; i < run->config.readers; i++)
		give_up(run, &run->readers[i].talk);
	for (unsigned i = 0; i < run->config.followers; i++)
		give_up(run, &run->followers[i].talk);
	for (unsigned i = 0; i < run->config.vandals; i++)
		give_up(run, &run->vandals[i].talk);
}

/* Everybody has a turn; then time goes on to what comes next. */
static void round_of_all(struct run *run)
{
	if (run->server == NULL)
		return;
	lose_patience(run);
	sim_serve_turn(run);
	for (int i = 0; i < 4; i++)
		sim_serve_task(run);
	for (unsigned i = 0; i < run->config.publishers; i++)
		sim_serve_publisher_step(run, &run->publishers[i]);
	for (unsigned i = 0; i < run->config.readers; i++)
		sim_serve_reader_step(run, &run->readers[i]);
	for (unsigned i = 0; i < run->config.followers; i++)
		sim_serve_follower_step(run, &run->followers[i]);
	for (unsigned i = 0; i < run->config.vandals; i++)
		sim_serve_vandal_step(run, &run->vandals[i]);
	if (!sim_host_ready(run->server_host) && !sim_host_ready(run->clients_host))
		sim_serve_pass_time(run);
}

static void settle(struct run *run, const char *what)
{
	for (unsigned i = 0; i < ROUNDS_MAX && is_busy(run) && !sim_failed(run->world); i++)
		round_of_all(run);
	if (is_busy(run) && !sim_failed(run->world))
		sim_fail(run->world, "healed, and %s does not come to its end", what);
}

/* --- followers ---------------------------------------------------------------------------- */

static const struct sim_store_pass *final_pass(const struct run *run)
{
	return &run->history.passes[run->history.passes_count - 1];
}

/* Whether it must have been told. */
static bool follows(const struct follower *follower, const struct sim_store_event *event)
{
	return follower->seen.asked != 0 && event->position >= follower->seen.from &&
	       (follower->log == UINT32_MAX || follower->log == event->log) &&
	       (follower->log == UINT32_MAX || follower->subject == UINT32_MAX ||
		       follower->subject == event->subject);
}

/* The last it must have been told of; 0: nothing. */
static uint64_t last_of(const struct run *run, const struct follower *follower)
{
	const struct sim_store_pass *pass = final_pass(run);

	for (size_t i = pass->events_count; i-- > 0;)
		if (follows(follower, &run->history.events[pass->events + i]))
			return run->history.events[pass->events + i].position;
	return 0;
}

static bool all_followed(const struct run *run)
{
	for (unsigned i = 0; i < run->config.followers; i++)
		if (last_seen(&run->followers[i].seen) < last_of(run, &run->followers[i]))
			return false;
	return true;
}

/* No gap, no repeat, however often it resumed: all that stands, from where it began. */
static void check_follower(struct run *run, const struct follower *follower)
{
	const struct sim_store_pass *pass = final_pass(run);
	const struct seen *seen = &follower->seen;
	size_t at = 0, count = seen_count(seen);

	for (size_t i = 0; i < pass->events_count && !sim_failed(run->world); i++) {
		const struct sim_store_event *event = &run->history.events[pass->events + i];

		if (!follows(follower, event))
			continue;
		if (at == count || seen_at(seen, at)->position > event->position)
			sim_fail(run->world,
				"follower from %" PRIu64 ": a gap at position %" PRIu64, seen->from,
				event->position);
		else if (seen_at(seen, at)->position < event->position)
			sim_fail(run->world,
				"follower from %" PRIu64 ": position %" PRIu64
				" again, or of nobody",
				seen->from, seen_at(seen, at)->position);
		else if (memcmp(seen_at(seen, at), event, sizeof(*event)) != 0)
			sim_fail(run->world,
				"follower from %" PRIu64 ": position %" PRIu64
				" is another event than in the last pass",
				seen->from, event->position);
		at++;
	}
	if (at < count && !sim_failed(run->world))
		sim_fail(run->world, "follower from %" PRIu64 ": position %" PRIu64 ", of nobody",
			seen->from, seen_at(seen, at)->position);
}

static void check_followers(struct run *run)
{
	for (unsigned i = 0; i < ROUNDS_MAX && !all_followed(run) && !sim_failed(run->world); i++)
		round_of_all(run);
	if (!all_followed(run) && !sim_failed(run->world))
		sim_fail(run->world, "healed, and a follower does not come to its end");
	for (unsigned i = 0; i < run->config.followers && !sim_failed(run->world); i++)
		check_follower(run, &run->followers[i]);
}

/* --- all ---------------------------------------------------------------------------------- */

void sim_serve_heal(struct run *run)
{
	struct sim_store_violation violation;

	run->healing = true;
	sim_disk_set_dice(run->disk, NULL);
	sim_net_set_dice(run->net, NULL);
	sim_serve_live(run);
	run->world->now_ns += 600000 * MS; /* who fell silent is given up */
	for (unsigned i = 0; i < run->config.readers; i++)
		talk_end(&run->readers[i].talk), run->readers[i].asked = false;
	for (unsigned i = 0; i < run->config.followers; i++)
		talk_end(&run->followers[i].talk), run->followers[i].taken = 0;
	settle(run, "what was begun");
	if (sim_failed(run->world))
		return;
	sim_serve_read_final(run, &run->readers[0]);
	settle(run, "the last pass");
	if (!sim_failed(run->world))
		check_followers(run);
	if (!sim_failed(run->world) && !sim_store_check(&run->history, &violation))
		sim_fail(run->world, "%s: %s: %s", sim_store_rule_name(violation.rule),
			sim_store_rule_meaning(violation.rule), violation.text);
	if (!sim_failed(run->world) && run->server != NULL)
		td_server_stop(run->server), run->stopping = true;
	if (!sim_failed(run->world))
		settle(run, "the server");
}
