#include "cli/settings.h"

#define KIND_TEXT    TD_CLI_TEXT
#define KIND_PATH    TD_CLI_FILE
#define KIND_ADDRESS TD_CLI_TEXT
#define KIND_COUNT   TD_CLI_NUMBER
#define KIND_BYTES   TD_CLI_SIZE
#define KIND_TIME    TD_CLI_DURATION
#define KIND_SWITCH  TD_CLI_FLAG
#define KIND_CHOICE  TD_CLI_CHOICE

/* A default of "" is none; of a flag it is not said: it is given, or it is not. */
#define OPTION(id, its_name, its_kind, argument, its_fallback, min, max, when, its_what) \
	[TD_SET_##id] = {                                                                \
		.name = its_name,                                                        \
		.letter = TD_SET_##id == TD_SET_DATA ? 'd' : 0,                          \
		.kind = TD_SET_##id == TD_SET_DATA ? TD_CLI_DIRECTORY : KIND_##its_kind, \
		.value = sizeof(argument) > 1 ? (argument) : NULL,                       \
		.fallback = sizeof(its_fallback) > 1 && KIND_##its_kind != TD_CLI_FLAG   \
				    ? (its_fallback)                                     \
				    : NULL,                                              \
		.what = its_what,                                                        \
	},

const struct td_cli_option td_cli_settings[TD_SETTINGS] = {TD_SETTINGS_TABLE(OPTION)};

size_t td_cli_settings_given(const struct td_cli *cli, struct td_setting_given given[TD_SETTINGS])
{
	size_t count = 0;

	for (size_t i = 0; i < TD_SETTINGS; i++) {
		const struct td_cli_given *said =
			td_cli_line_given(&cli->line, td_cli_settings[i].name);

		if (said == NULL)
			continue;
		given[count].id = (enum td_setting_id)i;
		given[count].value = td_text(said->text != NULL ? said->text : "yes");
		count++;
	}
	return count;
}
