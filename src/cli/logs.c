#include "cli/events.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* tidings logs [list | show | create | change | delete] [NAME]. */

#define PATTERNS_MAX 64

/* --- showing ------------------------------------------------------------------------------ */

static void json_texts(
	struct td_json_writer *writer, const char *name, const char *const *texts, size_t count)
{
	td_json_name(writer, td_text(name));
	td_json_open_array(writer);
	for (size_t i = 0; i < count; i++)
		td_json_string(writer, td_text(texts[i]));
	td_json_close_array(writer);
}

static void json_number(struct td_json_writer *writer, const char *name, uint64_t number)
{
	td_json_name(writer, td_text(name));
	td_json_u64(writer, number);
}

static void json_time(struct td_json_writer *writer, const char *name, td_time time)
{
	char text[TD_TIME_BYTES];

	if (time == 0)
		return;
	td_time_format(time, text);
	td_json_name(writer, td_text(name));
	td_json_string(writer, td_text_of(text, sizeof(text)));
}

static void json_flag(struct td_json_writer *writer, const char *name, bool flag)
{
	td_json_name(writer, td_text(name));
	td_json_bool(writer, flag);
}

static void put_json(const struct td_log_about *about)
{
	const struct td_log_settings *settings = &about->settings;
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_json_writer writer;

	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("log"));
	td_json_string(&writer, td_text(about->name));
	json_texts(&writer, "subjects", settings->subjects, settings->subjects_count);
	json_texts(&writer, "erasable", settings->erasable, settings->erasable_count);
	json_number(&writer, "count", about->count);
	json_number(&writer, "bytes", about->bytes);
	json_number(&writer, "subjects_count", about->subjects);
	json_number(&writer, "first_seq", about->first_seq);
	json_number(&writer, "last_seq", about->last_seq);
	json_time(&writer, "first_time", about->first_time);
	json_time(&writer, "last_time", about->last_time);
	json_time(&writer, "created", about->created);
	json_number(&writer, "age_ms", (uint64_t)settings->age_ms);
	json_number(&writer, "bytes_max", settings->bytes_max);
	json_number(&writer, "count_max", settings->count_max);
	json_number(&writer, "count_per_subject_max", settings->count_per_subject_max);
	td_json_name(&writer, td_text("duplicates_ms"));
	td_json_i64(&writer, settings->duplicates_ms);
	json_number(&writer, "duplicates_max", settings->duplicates_max);
	json_flag(&writer, "discard_new", settings->discard_new);
	json_flag(&writer, "revisions_forgotten", settings->revisions_forgotten);
	json_flag(&writer, "importing", settings->importing);
	td_json_close_object(&writer);
	if (td_buf_check(&buf, NULL) == 0)
		printf("%.*s\n", (int)buf.len, buf.at);
	td_buf_fini(&buf);
}

static void put_patterns(struct td_buf *to, const struct td_log_settings *settings)
{
	for (size_t i = 0; i < settings->subjects_count; i++) {
		if (i > 0)
			td_buf_add_char(to, ' ');
		td_buf_add_string(to, settings->subjects[i]);
	}
}

static void put_row(
	const struct td_cli *cli, struct td_cli_table *table, const struct td_log_about *about)
{
	char count[TD_CLI_TIME_BYTES], bytes[TD_CLI_TIME_BYTES], subjects[TD_CLI_TIME_BYTES];
	char last[TD_CLI_TIME_BYTES], seq[24];
	struct td_buf patterns = TD_BUF_INIT(SIZE_MAX / 2);

	put_patterns(&patterns, &about->settings);
	snprintf(seq, sizeof(seq), "%llu", (unsigned long long)about->last_seq);
	td_cli_table_row(
		table, (const struct td_text[]){td_text(about->name),
			       td_text(td_cli_count(cli, about->count, count)),
			       td_text(td_cli_size(cli, about->bytes, bytes)),
			       td_text(td_cli_count(cli, about->subjects, subjects)), td_text(seq),
			       td_text(td_cli_time(cli, about->last_time, last)),
			       patterns.len > 0 ? td_buf_view(&patterns) : td_text("-")});
	td_buf_fini(&patterns);
}

/* The log of that name among them; NULL, and it has been said that there is none. */
static const struct td_log_about *find(
	const struct td_cli *cli, const struct td_log_about *logs, size_t count, const char *name)
{
	struct td_cli_nearest nearest = {.name = ""};
	char hint[160] = "tidings logs      shows all there are";

	for (size_t i = 0; i < count; i++) {
		if (strcmp(logs[i].name, name) == 0)
			return &logs[i];
		td_cli_nearest_offer(&nearest, name, td_text(logs[i].name));
	}
	if (nearest.name[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean %s?", nearest.name);
	td_cli_refuse(cli, TD_E_NOT_FOUND, hint, "there is no log \"%s\"", name);
	return NULL;
}

static int list(const struct td_cli *cli, struct td *td, const char *name)
{
	static const struct td_cli_column columns[] = {
		{.name = "LOG", .colour = TD_CLI_NAME},
		{.name = "EVENTS", .right = true},
		{.name = "SIZE", .right = true},
		{.name = "SUBJECTS", .right = true},
		{.name = "LAST SEQ", .right = true},
		{.name = "LAST EVENT"},
		{.name = "CLAIMS"},
	};
	struct td_error err = TD_ERROR_INIT;
	const struct td_log_about *one = NULL;
	struct td_log_about *logs;
	struct td_cli_table table;
	size_t count;
	int code = 0;

	if (td_log_list(td, &logs, &count, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "logs");
	if (name != NULL && (one = find(cli, logs, count, name)) == NULL) {
		td_log_list_free(logs);
		return td_error_exit(TD_E_NOT_FOUND);
	}
	td_cli_table_begin(&table, cli, columns, sizeof(columns) / sizeof(columns[0]), false);
	for (size_t i = 0; i < count; i++) {
		if (one != NULL && one != &logs[i])
			continue;
		if (cli->json)
			put_json(&logs[i]);
		else
			put_row(cli, &table, &logs[i]);
	}
	code = td_cli_table_end(&table);
	td_log_list_free(logs);
	return code;
}

/* --- changing ----------------------------------------------------------------------------- */

struct wanted {
	struct td_log_settings settings;
	const char *subjects[PATTERNS_MAX], *erasable[PATTERNS_MAX];
};

/* What is said replaces what was. */
static void read_settings(const struct td_cli *cli, struct wanted *wanted)
{
	struct td_log_settings *settings = &wanted->settings;
	size_t count = td_cli_texts(cli, "subject", wanted->subjects, PATTERNS_MAX);

	if (count > 0) {
		settings->subjects = wanted->subjects;
		settings->subjects_count = count;
	}
	count = td_cli_texts(cli, "erasable", wanted->erasable, PATTERNS_MAX);
	if (count > 0) {
		settings->erasable = wanted->erasable;
		settings->erasable_count = count;
	}
	settings->age_ms = (int64_t)td_cli_number(cli, "age", (uint64_t)settings->age_ms);
	settings->bytes_max = td_cli_number(cli, "bytes", settings->bytes_max);
	settings->count_max = td_cli_number(cli, "events", settings->count_max);
	settings->count_per_subject_max =
		td_cli_number(cli, "events-per-subject", settings->count_per_subject_max);
	settings->duplicates_ms =
		(int64_t)td_cli_number(cli, "duplicates", (uint64_t)settings->duplicates_ms);
	if (td_cli_text(cli, "at-limit") != NULL)
		settings->discard_new = strcmp(td_cli_text(cli, "at-limit"), "refuse") == 0;
	if (td_cli_text(cli, "revisions") != NULL)
		settings->revisions_forgotten =
			strcmp(td_cli_text(cli, "revisions"), "forgotten") == 0;
	settings->adopt = td_cli_flag(cli, "adopt");
}

static int create(const struct td_cli *cli, struct td *td, const char *name)
{
	struct wanted wanted = {.settings = {.age_ms = 0}};
	struct td_error err = TD_ERROR_INIT;
	const char *hint = NULL;

	read_settings(cli, &wanted);
	if (wanted.settings.subjects_count == 0)
		return td_cli_refuse(cli, TD_E_INVALID,
			"tidings logs create orders --subject 'order.>'",
			"a log needs the subjects that it claims");
	if (td_log_create(td, name, &wanted.settings, &err) != 0) {
		if (err.code == TD_E_EXISTS && !wanted.settings.adopt)
			hint = "tidings logs shows what there is; --adopt takes over what "
			       "\"events\" holds";
		return td_cli_fail(cli, &err, hint, "log %s was not created", name);
	}
	return list(cli, td, name);
}

static int change(const struct td_cli *cli, struct td *td, const char *name)
{
	struct td_error err = TD_ERROR_INIT;
	const struct td_log_about *about;
	struct td_log_about *logs;
	struct wanted wanted;
	size_t count;
	int code = 0;

	if (td_log_list(td, &logs, &count, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "logs");
	about = find(cli, logs, count, name);
	if (about != NULL) {
		wanted.settings = about->settings;
		read_settings(cli, &wanted);
		code = td_log_change(td, name, &wanted.settings, &err);
	}
	td_log_list_free(logs);
	if (about == NULL)
		return td_error_exit(TD_E_NOT_FOUND);
	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "log %s was not changed", name);
	return list(cli, td, name);
}

/* A log goes with all its events: said how many, and only with --yes. */
static int delete_log(const struct td_cli *cli, struct td *td, const char *name)
{
	struct td_error err = TD_ERROR_INIT;
	const struct td_log_about *about;
	struct td_log_about *logs;
	uint64_t events = 0;
	char hint[400];
	size_t count;

	if (td_log_list(td, &logs, &count, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "logs");
	about = find(cli, logs, count, name);
	if (about != NULL)
		events = about->count;
	td_log_list_free(logs);
	if (about == NULL)
		return td_error_exit(TD_E_NOT_FOUND);
	snprintf(hint, sizeof(hint), "tidings logs delete %.200s --yes", name);
	if (!td_cli_flag(cli, "yes"))
		return td_cli_refuse(cli, TD_E_INVALID, hint,
			"log %s has %llu events, and they would be gone with it", name,
			(unsigned long long)events);
	if (td_log_delete(td, name, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "log %s was not deleted", name);
	td_cli_note(cli, "%s is deleted, and %llu events", name, (unsigned long long)events);
	return 0;
}

static int run(struct td_cli *cli)
{
	const char *action = td_cli_word(cli, 0), *name = td_cli_word(cli, 1);
	bool look = action == NULL || strcmp(action, "list") == 0 || strcmp(action, "show") == 0;
	struct td *td;
	int code;

	if (name == NULL && action != NULL && strcmp(action, "list") != 0)
		return td_cli_refuse(cli, TD_E_INVALID, "tidings logs show events",
			"logs %s: the name of a log is missing", action);
	code = td_cli_open(cli, &td, look ? TD_CLI_LOOK : TD_CLI_MAKE);
	if (code != 0)
		return code;
	if (look || name == NULL)
		code = list(cli, td, name);
	else if (strcmp(action, "create") == 0)
		code = create(cli, td, name);
	else if (strcmp(action, "change") == 0)
		code = change(cli, td, name);
	else
		code = delete_log(cli, td, name);
	td_close(td);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "subject",
		.letter = 's',
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "what it claims: order.>",
		.many = true},
	{.name = "erasable",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "subjects whose data is sealed, and can be forgotten",
		.many = true},
	{.name = "age",
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.what = "events older than that are removed"},
	{.name = "bytes",
		.kind = TD_CLI_SIZE,
		.value = "SIZE",
		.what = "the oldest beyond that are removed"},
	{.name = "events",
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "the oldest beyond so many are removed"},
	{.name = "events-per-subject",
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "the same for each subject"},
	{.name = "at-limit",
		.kind = TD_CLI_CHOICE,
		.value = "remove|refuse",
		.what = "at a limit remove the oldest, or refuse the new"},
	{.name = "duplicates",
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.what = "how long an id is known (2m)"},
	{.name = "revisions",
		.kind = TD_CLI_CHOICE,
		.value = "kept|forgotten",
		.what = "whether a subject whose events are all gone goes on counting"},
	{.name = "adopt",
		.kind = TD_CLI_FLAG,
		.what = "take over what the log \"events\" holds of its subjects"},
	{.name = "yes", .letter = 'y', .kind = TD_CLI_FLAG, .what = "delete: yes, and its events"},
};

const struct td_cli_verb td_cli_verb_logs = {
	.name = "logs",
	.line = "Show, create, change or delete logs",
	.group = TD_CLI_STORE,
	.words = "[list|show|create|change|delete] [NAME]",
	.words_max = 2,
	.actions = "list|show|create|change|delete",
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "A log is a sequence of events with settings of its own. It claims subjects by "
		"patterns, "
		"and no two claim the same one; what none claims goes to the log \"events\".\n\n"
		"What change does not name stays as it is; a limit of 0 is none.",
	.examples = {"tidings logs", "tidings logs create orders --subject 'order.>' --age 90d",
		"tidings logs change orders --events 1000000"},
	.run = run,
};
