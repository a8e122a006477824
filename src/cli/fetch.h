/*
 * One GET of a server: for what it can show and the library has no call for.
 */
#ifndef TD_CLI_FETCH_H
#define TD_CLI_FETCH_H

#include "cli/cli.h"

#include "base/base.h"

/*
 * GET `target` ("/v1/flow?window=15m") of the server at `url` ("http://HOST:PORT"): its body, appended to *body.
 * 0; else it was said what went wrong, and this is the exit code: 3 where nobody answers, and that of the
 * problem where the server refuses. Blocks, 30 s at most without a byte.
 */
int td_cli_fetch(
	const struct td_cli *cli, const char *url, const char *target, struct td_buf *body);
/* A text as a part of a target: what is not a letter, a digit or one of "-._~" is %XY. */
void td_cli_fetch_escape(struct td_buf *to, struct td_text text);

#endif
