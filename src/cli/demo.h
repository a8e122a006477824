/*
 * The parts of `tidings demo`.
 */
#ifndef TD_CLI_DEMO_H
#define TD_CLI_DEMO_H

#include "cli/child.h"
#include "cli/events.h"

/* What all of them need: a server of its own. */
struct td_cli_demo {
	const struct td_cli *cli;
	char dir[TD_CLI_PATH_BYTES]; /* temporary */
	struct td_cli_child server;
	char url[128];
	int64_t began_ms, end_ms; /* of td_cli_clock_ms(); INT64_MAX: until Ctrl-C */
};

/* Each answers the exit code. */
int td_cli_demo_day(struct td_cli_demo *demo);                      /* the pizzeria */
int td_cli_demo_github(struct td_cli_demo *demo, const char *path); /* what others recorded */
int td_cli_demo_places(const struct td_cli *cli);                   /* one program, three places */

/* Where it is, and what to try. */
void td_cli_demo_greet(const struct td_cli_demo *demo, const char *what);
/*
 * Watching: what is stored there passes on standard output, as it comes. Begin, look now and then, end.
 * `count` is how many passed.
 */
struct td_cli_watch {
	const struct td_cli *cli;
	struct td *td;
	struct td_reading *reading;
	struct td_cli_table table;
	uint64_t count;
};
int td_cli_watch_begin(struct td_cli_watch *watch, const struct td_cli *cli, const char *url);
/* All that is there by now; waits for the first at most `wait_ms`. */
int td_cli_watch_look(struct td_cli_watch *watch, int64_t wait_ms);
int td_cli_watch_end(struct td_cli_watch *watch);

#endif
