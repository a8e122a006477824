#include "cli/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Digits, and what stands behind them. */
static bool digits(const char *text, uint64_t *number, const char **rest)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	*rest = end;
	return errno == 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000},
	{"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1048576},
	{"GiB", 1073741824}, {"TiB", 1099511627776}, {"K", 1024}, {"M", 1048576}, {"G", 1073741824},
	{NULL, 0}};

static bool with_unit(const char *text, const struct unit *units, uint64_t *number)
{
	const char *rest;
	uint64_t count;

	if (!digits(text, &count, &rest))
		return false;
	for (const struct unit *unit = units; unit->name != NULL; unit++) {
		if (strcmp(unit->name, rest) != 0)
			continue;
		/* What becomes a time in nanoseconds, and a signed number, has to be one. */
		if (count > (uint64_t)INT64_MAX / 1000000 / unit->factor)
			return false;
		*number = count * unit->factor;
		return true;
	}
	return false;
}

static bool choice(const char *choices, const char *text, uint64_t *number)
{
	size_t len = strlen(text);

	*number = 0;
	for (const char *at = choices; len > 0; at++, ++*number) {
		size_t word = strcspn(at, "|");

		if (word == len && memcmp(at, text, len) == 0)
			return true;
		at += word;
		if (*at == '\0')
			break;
	}
	return false;
}

bool td_cli_value_read(
	const struct td_cli_option *option, const char *text, uint64_t *number, const char **why)
{
	const char *rest;

	switch (option->kind) {
	case TD_CLI_NUMBER:
		*why = "a number is needed";
		return digits(text, number, &rest) && *rest == '\0';
	case TD_CLI_DURATION:
		*why = "a time is needed, such as 250ms, 20s, 5m, 1h or 7d";
		return with_unit(text, durations, number);
	case TD_CLI_SIZE:
		*why = "a size is needed, such as 512, 64KiB or 1MiB";
		return with_unit(text, sizes, number);
	case TD_CLI_CHOICE:
		*why = "it is one of the words above";
		return choice(option->value, text, number);
	case TD_CLI_FILE:
	case TD_CLI_DIRECTORY:
		*why = "a path is needed";
		return text[0] != '\0';
	case TD_CLI_TEXT:
	case TD_CLI_FLAG:
		break;
	}
	return true;
}
