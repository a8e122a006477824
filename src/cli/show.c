#include "cli/events.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* tidings show ID | SUBJECT | SUBJECT@REVISION: all that is known of one event. */

#define EFFECTS_MAX 20u

/* --- which one ---------------------------------------------------------------------------- */

/* SUBJECT@REVISION: the subject's bytes, or 0 where no revision is named. */
static size_t revision_of(const char *word, uint64_t *revision)
{
	static const struct td_cli_option number = {.kind = TD_CLI_NUMBER};
	const char *at = strrchr(word, '@'), *why;

	if (at == NULL || at == word || !td_cli_value_read(&number, at + 1, revision, &why) ||
		*revision == 0)
		return 0;
	return (size_t)(at - word);
}

static int find_revision(struct td *td, const char *log, const char *subject, uint64_t revision,
	struct td_event **event, struct td_where *where, struct td_error *err)
{
	struct td_scope scope = {
		.subject = subject, .log = log, .from_revision = revision, .to_revision = revision};
	const struct td_event *found;
	struct td_reading *reading;
	int code = td_read(&reading, td, &scope, err);

	if (code != 0)
		return code;
	code = td_next(reading, &found, where, err);
	if (code == 0) {
		*event = td_event_ref(found);
		code = *event != NULL ? 0 : td_error_nomem(err);
	} else if (code == TD_E_NOT_FOUND) {
		code = td_error_set(err, code, TD_NO_OFFSET, "it has no revision %llu",
			(unsigned long long)revision);
	}
	td_reading_close(reading);
	return code;
}

/* By id, else by subject. 0, or the exit code. */
static int find(
	const struct td_cli *cli, struct td *td, struct td_event **event, struct td_where *where)
{
	const char *word = td_cli_word(cli, 0), *log = td_cli_text(cli, "log");
	struct td_error err = TD_ERROR_INIT;
	char subject[TD_ADDRESS_BYTES_MAX + 1];
	uint64_t revision;
	size_t len;
	int code = td_find(td, word, td_cli_text(cli, "source"), event, where, NULL);

	if (code == 0)
		return 0;
	len = revision_of(word, &revision);
	if (len > 0 && len < sizeof(subject)) {
		td_text_copy(td_text_of(word, len), subject, sizeof(subject));
		code = find_revision(td, log, subject, revision, event, where, &err);
		return code == 0 ? 0 : td_cli_fail(cli, &err, NULL, "%s", subject);
	}
	code = td_latest(td, log, word, event, where, &err);
	if (code == TD_E_NOT_FOUND || code == TD_E_SUBJECT)
		return td_cli_no_subject(cli, td, word);
	return code == 0 ? 0 : td_cli_fail(cli, &err, NULL, "%s", word);
}

/* --- what it caused ----------------------------------------------------------------------- */

struct effect {
	struct td_event *event;
	struct td_where where;
};

struct known {
	struct td_event *event, *cause;
	struct td_where where, cause_where;
	struct effect effects[EFFECTS_MAX];
	size_t effects_count;
	bool more;
};

/* A text as a CESQL string: quotes doubled by a backslash. */
static void put_quoted(struct td_buf *to, struct td_text text)
{
	td_buf_add_char(to, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\'' || text.at[i] == '\\')
			td_buf_add_char(to, '\\');
		td_buf_add_char(to, text.at[i]);
	}
	td_buf_add_char(to, '\'');
}

/* Events that name it as their cause: they stand behind it. */
static int find_effects(struct td *td, struct known *known, struct td_error *err)
{
	struct td_buf filter = TD_BUF_INIT(65536);
	struct td_scope scope = {.from = known->where.position + 1};
	struct td_reading *reading = NULL;
	int code;

	td_buf_add_string(&filter, "causationid = ");
	put_quoted(&filter, td_event_id(known->event));
	td_buf_add_char(&filter, '\0');
	code = td_buf_check(&filter, err);
	scope.filter = filter.at;
	scope.limit = EFFECTS_MAX + 1;
	if (code == 0)
		code = td_read(&reading, td, &scope, err);
	while (code == 0) {
		struct effect *effect = &known->effects[known->effects_count];
		const struct td_event *event;
		struct td_where where;

		code = td_next(reading, &event, &where, err);
		known->more = code == 0 && known->effects_count == EFFECTS_MAX;
		if (code != 0 || known->more)
			break;
		effect->event = td_event_ref(event);
		effect->where = where;
		if (effect->event == NULL)
			code = td_error_nomem(err);
		else
			known->effects_count++;
	}
	td_reading_close(reading);
	td_buf_fini(&filter);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

static void find_cause(struct td *td, struct known *known)
{
	struct td_text id = td_event_causation(known->event);
	char text[TD_ATTRIBUTE_BYTES_MAX + 1];

	if (id.at != NULL)
		td_find(td, td_text_copy(id, text, sizeof(text)), NULL, &known->cause,
			&known->cause_where, NULL);
}

static void known_fini(struct known *known)
{
	for (size_t i = 0; i < known->effects_count; i++)
		td_event_unref(known->effects[i].event);
	td_event_unref(known->event);
	td_event_unref(known->cause);
}

/* --- for people --------------------------------------------------------------------------- */

static void put_line(const struct td_cli *cli, const char *name, struct td_text value)
{
	struct td_buf shown = TD_BUF_INIT(SIZE_MAX / 2);
	char padded[80];

	snprintf(padded, sizeof(padded), "%-16.64s", name);
	td_cli_put(cli, TD_CLI_DIM, padded);
	td_cli_clean(&shown, value, 0);
	printf(" %.*s\n", (int)shown.len, shown.at != NULL ? shown.at : "");
	td_buf_fini(&shown);
}

/* "OrderPaid order.42@8 (ID)" */
static void put_relative(const struct td_cli *cli, const char *name, const struct td_event *event,
	const struct td_where *where)
{
	struct td_buf line = TD_BUF_INIT(SIZE_MAX / 2);

	td_buf_add_text(&line, td_event_type(event));
	td_buf_printf(&line, " %.*s@%llu (", TD_TEXT_ARG(td_event_subject(event)),
		(unsigned long long)where->revision);
	td_buf_add_text(&line, td_event_id(event));
	td_buf_add_char(&line, ')');
	if (td_buf_check(&line, NULL) == 0)
		put_line(cli, name, td_buf_view(&line));
	td_buf_fini(&line);
}

static void put_place(const struct td_cli *cli, const struct td_where *where)
{
	char line[TD_LOG_NAME_BYTES_MAX + 128];

	snprintf(line, sizeof(line), "%llu", (unsigned long long)where->revision);
	put_line(cli, "revision", td_text(line));
	snprintf(line, sizeof(line), "%s, seq %llu, position %llu", where->log,
		(unsigned long long)where->seq, (unsigned long long)where->position);
	put_line(cli, "log", td_text(line));
}

static void put_known(const struct td_cli *cli, const struct known *known)
{
	struct td_text data = td_event_data(known->event), cause = td_event_causation(known->event);
	char name[TD_NAME_BYTES_MAX + 1];

	for (size_t i = 0; i < td_event_attributes_count(known->event); i++) {
		struct td_attribute attribute = td_event_attribute(known->event, i);

		if (td_text_is(attribute.name, "causationid"))
			continue;
		put_line(cli, td_text_copy(attribute.name, name, sizeof(name)), attribute.value);
	}
	put_place(cli, &known->where);
	if (known->cause != NULL)
		put_relative(cli, "caused by", known->cause, &known->cause_where);
	else if (cause.at != NULL)
		put_line(cli, "caused by", cause);
	for (size_t i = 0; i < known->effects_count; i++)
		put_relative(cli, "caused", known->effects[i].event, &known->effects[i].where);
	if (known->more)
		put_line(cli, "caused",
			td_text("and more: tidings read --filter \"causationid = "
				"'ID'\""));
	if (data.at != NULL)
		put_line(cli, "data", data);
}

/* --- for programs ------------------------------------------------------------------------- */

static int put_json(const struct td_cli *cli, const struct known *known)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_error err = TD_ERROR_INIT;
	int code;

	td_buf_add_string(&buf, "{\"event\":");
	code = td_cli_event_json(&buf, known->event, &known->where, &err);
	if (code == 0 && known->cause != NULL) {
		td_buf_add_string(&buf, ",\"cause\":");
		code = td_cli_event_json(&buf, known->cause, &known->cause_where, &err);
	}
	td_buf_add_string(&buf, ",\"effects\":[");
	for (size_t i = 0; code == 0 && i < known->effects_count; i++) {
		if (i > 0)
			td_buf_add_char(&buf, ',');
		code = td_cli_event_json(
			&buf, known->effects[i].event, &known->effects[i].where, &err);
	}
	td_buf_printf(&buf, "],\"more\":%s}\n", known->more ? "true" : "false");
	if (code == 0)
		code = td_buf_check(&buf, &err);
	if (code == 0)
		fwrite(buf.at, 1, buf.len, stdout);
	td_buf_fini(&buf);
	return code == 0 ? 0 : td_cli_fail(cli, &err, NULL, "show");
}

static int show(const struct td_cli *cli, struct td *td)
{
	struct td_error err = TD_ERROR_INIT;
	struct known known = {.event = NULL};
	struct td_text data;
	int code = find(cli, td, &known.event, &known.where);

	if (code == 0 && td_cli_flag(cli, "raw")) {
		data = td_event_data(known.event);
		if (data.len > 0)
			fwrite(data.at, 1, data.len, stdout);
	} else if (code == 0) {
		find_cause(td, &known);
		if (find_effects(td, &known, &err) != 0)
			code = td_cli_fail(cli, &err, NULL, "what it caused");
		if (cli->json && code == 0)
			code = put_json(cli, &known);
		else if (!cli->json)
			put_known(cli, &known);
	}
	known_fini(&known);
	return code;
}

static int run(struct td_cli *cli)
{
	struct td *td;
	int code = td_cli_open(cli, &td, TD_CLI_LOOK);

	if (code != 0)
		return code;
	code = show(cli, td);
	td_close(td);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "log", .kind = TD_CLI_TEXT, .value = "NAME", .what = "in this log alone"},
	{.name = "source",
		.kind = TD_CLI_TEXT,
		.value = "SOURCE",
		.what = "where several sources have events of that id"},
	{.name = "raw", .kind = TD_CLI_FLAG, .what = "the data alone, byte for byte"},
};

const struct td_cli_verb td_cli_verb_show = {
	.name = "show",
	.line = "Show all that is known of an event, or a subject's latest",
	.group = TD_CLI_EVENTS,
	.first = true,
	.words = "ID|SUBJECT[@REVISION]",
	.words_min = 1,
	.words_max = 1,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "Its attributes, where it stands, what caused it, what it caused, and its data. A "
		"word "
		"that is an event's id means that event; any other is a subject, and its latest "
		"event "
		"is shown, or the one of the revision behind @.",
	.examples = {"tidings show order.42", "tidings show order.42@7",
		"tidings show 019ace5e-0000-7000-8000-000000000000 --json"},
	.run = run,
};
