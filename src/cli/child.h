/*
 * A child process: this program again, with another verb.
 */
#ifndef TD_CLI_CHILD_H
#define TD_CLI_CHILD_H

#include "cli/cli.h"

#include <sys/types.h>

struct td_cli_child {
	pid_t pid; /* 0: none */
	int ready; /* what it writes to its --ready-fd, or standard output; -1: none */
};
#define TD_CLI_CHILD_INIT \
	{                 \
		0, -1     \
	}

/*
 * Start this program with these words (ended by NULL), its standard error going to the file `log` (NULL:
 * ours). It gets `ready_fd` (a number of its own, 3 or more) as a pipe that is read here; with 1 its standard
 * output is that pipe. It ends when this process does. 0 or errno.
 */
int td_cli_child_start(
	struct td_cli_child *child, const char *const *words, int ready_fd, const char *log);
/*
 * Run a function in a child instead; its standard output is the pipe, what it returns its exit code. Only
 * before this process has threads. 0 or errno.
 */
int td_cli_child_run(struct td_cli_child *child, int (*run)(void *arg), void *arg);
/*
 * Read one line from it, without its end, at most until `deadline` (td_cli_clock_ms()). 1: a line; 0: it has
 * ended, or finished its side; -1: not in time.
 */
int td_cli_child_line(struct td_cli_child *child, char *line, size_t bytes, int64_t deadline_ms);
/* Send it a signal (0: none), and wait for its end. Its exit code, or 128 + the signal that ended it. */
int td_cli_child_end(struct td_cli_child *child, int signal);

/*
 * A server of its own over a directory, at 127.0.0.1: at `port` or the nearest free one behind it. Fills in
 * its URL. 0, or the exit code, and it was said why.
 */
int td_cli_child_serve(const struct td_cli *cli, struct td_cli_child *child, const char *dir,
	unsigned port, char *url, size_t bytes);

/* A temporary directory: made, and removed with all in it. `dir` is TD_CLI_PATH_BYTES long. */
#define TD_CLI_PATH_BYTES 512
int td_cli_temporary(const struct td_cli *cli, char dir[TD_CLI_PATH_BYTES]);
void td_cli_temporary_remove(const char *dir);

#endif
