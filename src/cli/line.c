#include "cli/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

/* The options that many verbs have; a verb's own come first. */
static const struct td_cli_option place_options[] = {
	{.name = "url",
		.kind = TD_CLI_TEXT,
		.value = "URL",
		.what = "the place: http://HOST:PORT, or file:DIR (TIDINGS_URL, else "
			"http://127.0.0.1:8222)"},
};
static const struct td_cli_option output_options[] = {
	{.name = "json", .kind = TD_CLI_FLAG, .what = "one JSON object a line, errors too"},
	{.name = "color",
		.kind = TD_CLI_CHOICE,
		.value = "auto|always|never",
		.fallback = "auto",
		.what = "colours: on a terminal without NO_COLOR, or as said"},
};
static const struct td_cli_option scope_options[] = {
	{.name = "log", .kind = TD_CLI_TEXT, .value = "NAME", .what = "of this log alone"},
	{.name = "type",
		.letter = 't',
		.kind = TD_CLI_TEXT,
		.value = "TYPE",
		.what = "of this type; several: of any of them",
		.many = true},
	{.name = "filter",
		.kind = TD_CLI_TEXT,
		.value = "CESQL",
		.what = "that this is true of: \"total > 10 AND region = 'eu'\""},
};
static const struct td_cli_option help_option = {
	.name = "help", .letter = 'h', .kind = TD_CLI_FLAG, .what = "this page"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	unsigned common;
	const struct td_cli_option *options;
	size_t count;
} commons[] = {
	{TD_CLI_SCOPE, scope_options, COUNT(scope_options)},
	{TD_CLI_PLACE, place_options, COUNT(place_options)},
	{TD_CLI_OUTPUT, output_options, COUNT(output_options)},
};

const struct td_cli_option *td_cli_verb_option(const struct td_cli_verb *verb, size_t i)
{
	if (i < verb->options_count)
		return &verb->options[i];
	i -= verb->options_count;
	for (size_t c = 0; c < COUNT(commons); c++) {
		if ((verb->common & commons[c].common) == 0)
			continue;
		if (i < commons[c].count)
			return &commons[c].options[i];
		i -= commons[c].count;
	}
	return i == 0 ? &help_option : NULL;
}

const struct td_cli_option *td_cli_option_find(
	const struct td_cli_verb *verb, const char *name, size_t len)
{
	const struct td_cli_option *option;

	for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++) {
		if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
			return option;
	}
	return NULL;
}

const struct td_cli_verb *td_cli_verb_find(const struct td_cli_verb *const *verbs, const char *name)
{
	for (; *verbs != NULL; verbs++) {
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	}
	return NULL;
}

const struct td_cli_given *td_cli_line_given(const struct td_cli_line *line, const char *name)
{
	const struct td_cli_option *option = td_cli_option_find(line->verb, name, strlen(name));

	TD_ASSERT(option != NULL);
	for (size_t i = line->given_count; i-- > 0;) {
		if (line->given[i].option == option)
			return &line->given[i];
	}
	return NULL;
}

/* --- what can be wrong -------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int fault_set(
	struct td_cli_fault *fault, const char *hint, const char *format, ...)
{
	char text[TD_ERROR_TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint);
	return td_error_set(&fault->err, TD_E_INVALID, TD_NO_OFFSET, "%s", text);
}

static int no_verb(
	const struct td_cli_verb *const *verbs, const char *word, struct td_cli_fault *fault)
{
	struct td_cli_nearest nearest = {.name = ""};
	char hint[TD_ERROR_TEXT_BYTES];

	for (; *verbs != NULL; verbs++)
		td_cli_nearest_offer(&nearest, word, td_text((*verbs)->name));
	if (nearest.name[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean \"tidings %s\"?", nearest.name);
	else
		snprintf(hint, sizeof(hint), "tidings --help shows the verbs");
	return fault_set(fault, hint, "there is no verb \"%.64s\"", word);
}

static int no_option(const struct td_cli_verb *verb, const char *word, struct td_text name,
	struct td_cli_fault *fault)
{
	struct td_cli_nearest nearest = {.name = ""};
	const struct td_cli_option *option;
	char hint[TD_ERROR_TEXT_BYTES], bare[65];

	td_text_copy(name, bare, sizeof(bare));
	for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++)
		td_cli_nearest_offer(&nearest, bare, td_text(option->name));
	if (nearest.name[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean --%s?", nearest.name);
	else
		snprintf(hint, sizeof(hint), "tidings %s --help shows its options", verb->name);
	return fault_set(fault, hint, "%s has no option %.64s", verb->name, word);
}

static int see_help(const struct td_cli_line *line, struct td_cli_fault *fault, const char *what)
{
	char hint[TD_ERROR_TEXT_BYTES];
	const struct td_cli_verb *verb = line->verb;

	snprintf(hint, sizeof(hint), "tidings %s%s%s      (%s --help tells the rest)", verb->name,
		verb->words[0] != '\0' ? " " : "", verb->words, verb->name);
	return fault_set(fault, hint, "%s", what);
}

/* --- reading ------------------------------------------------------------------------------ */

struct words {
	int argc, at;
	const char *const *argv;
};

static int take(struct td_cli_line *line, const struct td_cli_option *option, const char *text,
	struct td_cli_fault *fault)
{
	struct td_cli_given *given = &line->given[line->given_count];
	const char *why = "";
	char hint[TD_ERROR_TEXT_BYTES];

	if (line->given_count == TD_CLI_GIVEN_MAX)
		return fault_set(
			fault, "say less at once", "more than %d options", TD_CLI_GIVEN_MAX);
	if (!option->many && option->kind != TD_CLI_FLAG) {
		for (size_t i = 0; i < line->given_count; i++) {
			if (line->given[i].option == option)
				return fault_set(fault, "once is enough", "--%s is given twice",
					option->name);
		}
	}
	*given = (struct td_cli_given){.option = option, .text = text};
	if (text != NULL && !td_cli_value_read(option, text, &given->number, &why)) {
		snprintf(hint, sizeof(hint), "--%s %s", option->name, option->value);
		return fault_set(fault, hint, "--%s %.64s: %s", option->name, text,
			option->kind == TD_CLI_CHOICE ? "not one of its words" : why);
	}
	line->given_count++;
	line->help |= option == &help_option;
	return 0;
}

/* The value of an option: behind its '=', or the next word. */
static int take_valued(struct td_cli_line *line, const struct td_cli_option *option,
	const char *value, struct words *words, struct td_cli_fault *fault)
{
	char hint[TD_ERROR_TEXT_BYTES];

	if (option->kind == TD_CLI_FLAG) {
		if (value == NULL)
			return take(line, option, NULL, fault);
		snprintf(hint, sizeof(hint), "--%s", option->name);
		return fault_set(fault, hint, "--%s takes no value", option->name);
	}
	if (value == NULL && words->at < words->argc)
		value = words->argv[words->at++];
	if (value != NULL)
		return take(line, option, value, fault);
	snprintf(hint, sizeof(hint), "--%s %s", option->name, option->value);
	return fault_set(fault, hint, "--%s needs a value", option->name);
}

static int read_long(
	struct td_cli_line *line, const char *word, struct words *words, struct td_cli_fault *fault)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct td_cli_option *option = td_cli_option_find(line->verb, name, len);

	if (option == NULL)
		return no_option(line->verb, word, td_text_of(name, len), fault);
	return take_valued(line, option, equals != NULL ? equals + 1 : NULL, words, fault);
}

/* "-t TYPE", "-tTYPE": one letter, and all behind it is its value. */
static int read_letter(
	struct td_cli_line *line, const char *word, struct words *words, struct td_cli_fault *fault)
{
	const struct td_cli_option *option;

	for (size_t i = 0; (option = td_cli_verb_option(line->verb, i)) != NULL; i++) {
		if (option->letter == word[1])
			return take_valued(
				line, option, word[2] != '\0' ? word + 2 : NULL, words, fault);
	}
	return no_option(line->verb, word, td_text(word + 1), fault);
}

static int read_word(struct td_cli_line *line, const char *word, struct td_cli_fault *fault)
{
	const struct td_cli_option action = {.kind = TD_CLI_CHOICE, .value = line->verb->actions};
	uint64_t which;
	const char *why;
	char text[TD_ERROR_TEXT_BYTES];

	if (line->words_count == 0 && line->verb->actions != NULL &&
		!td_cli_value_read(&action, word, &which, &why)) {
		snprintf(text, sizeof(text), "%s: \"%.64s\" is not one of %s", line->verb->name,
			word, line->verb->actions);
		return see_help(line, fault, text);
	}
	if (line->words_count == line->verb->words_max) {
		snprintf(text, sizeof(text), "%s: \"%.64s\" is a word too many", line->verb->name,
			word);
		return see_help(line, fault, text);
	}
	line->words[line->words_count++] = word;
	return 0;
}

static int read_rest(struct td_cli_line *line, struct words *words, struct td_cli_fault *fault)
{
	bool ended = false;
	int code = 0;

	while (code == 0 && words->at < words->argc) {
		const char *word = words->argv[words->at++];

		if (ended || word[0] != '-' || word[1] == '\0')
			code = read_word(line, word, fault);
		else if (word[1] != '-')
			code = read_letter(line, word, words, fault);
		else if (word[2] != '\0')
			code = read_long(line, word, words, fault);
		else
			ended = true;
	}
	if (code == 0 && !line->help && line->words_count < line->verb->words_min) {
		char text[TD_ERROR_TEXT_BYTES];

		snprintf(text, sizeof(text), "%s: a word is missing", line->verb->name);
		return see_help(line, fault, text);
	}
	return code;
}

int td_cli_line_read(struct td_cli_line *line, const struct td_cli_verb *const *verbs, int argc,
	const char *const *argv, struct td_cli_fault *fault)
{
	struct words words = {.argc = argc, .at = 1, .argv = argv};
	const char *name = argc > 0 ? argv[0] : NULL;

	line->verb = NULL;
	line->help = false;
	line->given_count = 0;
	line->words_count = 0;
	if (name == NULL || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		line->help = name != NULL;
		return 0;
	}
	if (strcmp(name, "--version") == 0)
		name = "version";
	line->verb = td_cli_verb_find(verbs, name);
	if (line->verb == NULL)
		return no_verb(verbs, name, fault);
	return read_rest(line, &words, fault);
}
