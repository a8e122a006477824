/*
 * settings: the server's, as options of a verb. `serve` and `config` have the same.
 */
#ifndef TD_CLI_SETTINGS_H
#define TD_CLI_SETTINGS_H

#include "cli/cli.h"
#include "server/server.h"

/* One for each row of the server's table, in its order. */
extern const struct td_cli_option td_cli_settings[TD_SETTINGS];

/* What was said of them on the line; returns how many. The rest is for the caller to say. */
size_t td_cli_settings_given(const struct td_cli *cli, struct td_setting_given given[TD_SETTINGS]);

#endif
