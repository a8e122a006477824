#include "cli/publish.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* tidings publish SUBJECT TYPE [DATA]: announce one event; --from FILE: those of a file. */

#define ATTRIBUTES_MAX 64

/* --- what it answers ---------------------------------------------------------------------- */

static const struct td_cli_column columns[] = {
	{.name = "SUBJECT", .colour = TD_CLI_NAME},
	{.name = "REV", .right = true},
	{.name = "LOG"},
	{.name = "SEQ", .right = true},
	{.name = "POSITION", .right = true},
	{.name = "ID"},
	{.name = "STORED"},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

void td_cli_receipt_table(struct td_cli_table *table, const struct td_cli *cli)
{
	td_cli_table_begin(table, cli, columns, COLUMNS, false);
}

static void receipt_json(const struct td_event *event, const struct td_appended *appended)
{
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json_writer writer;

	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("id"));
	td_json_string(&writer, td_event_id(event));
	td_json_name(&writer, td_text("source"));
	td_json_string(&writer, td_event_source(event));
	td_json_name(&writer, td_text("log"));
	td_json_string(&writer, td_text(appended->where.log));
	td_json_name(&writer, td_text("seq"));
	td_json_u64(&writer, appended->where.seq);
	td_json_name(&writer, td_text("revision"));
	td_json_u64(&writer, appended->where.revision);
	td_json_name(&writer, td_text("position"));
	td_json_u64(&writer, appended->where.position);
	td_json_name(&writer, td_text("duplicate"));
	td_json_bool(&writer, appended->duplicate);
	td_json_close_object(&writer);
	if (td_buf_check(&buf, NULL) == 0)
		printf("%.*s\n", (int)buf.len, buf.at);
	td_buf_fini(&buf);
}

void td_cli_receipt_put(const struct td_cli *cli, struct td_cli_table *table,
	const struct td_event *event, const struct td_appended *appended)
{
	char revision[24], seq[24], position[24];
	struct td_text subject = td_event_subject(event);

	if (cli->json) {
		receipt_json(event, appended);
		return;
	}
	snprintf(revision, sizeof(revision), "%llu", (unsigned long long)appended->where.revision);
	snprintf(seq, sizeof(seq), "%llu", (unsigned long long)appended->where.seq);
	snprintf(position, sizeof(position), "%llu", (unsigned long long)appended->where.position);
	td_cli_table_row(
		table, (const struct td_text[COLUMNS]){subject.at != NULL ? subject : td_text("-"),
			       td_text(revision), td_text(appended->where.log), td_text(seq),
			       td_text(position), td_event_id(event),
			       td_text(appended->duplicate ? "before" : "now")});
}

/* --- what it is told ---------------------------------------------------------------------- */

/* All of a stream; the exit code, said why. */
static int read_stream(const struct td_cli *cli, FILE *stream, const char *name, struct td_buf *to)
{
	char part[8192];
	size_t got;

	while ((got = fread(part, 1, sizeof(part), stream)) > 0)
		td_buf_add(to, part, got);
	if (ferror(stream) != 0)
		return td_cli_refuse(cli, 0, NULL, "%s cannot be read", name);
	if (td_buf_check(to, NULL) != 0)
		return td_cli_refuse(cli, to->code, NULL, "%s is too large for an event", name);
	return 0;
}

/* DATA: as it stands, "-" is standard input, "@FILE" a file. */
static int read_data(const struct td_cli *cli, const char *word, struct td_buf *to)
{
	FILE *file;
	int code;

	if (strcmp(word, "-") == 0)
		return read_stream(cli, stdin, "standard input", to);
	if (word[0] != '@') {
		td_buf_add_string(to, word);
		return 0;
	}
	file = fopen(word + 1, "re");
	if (file == NULL)
		return td_cli_refuse(cli, 0, "DATA that begins with @ names a file",
			"%s cannot be opened", word + 1);
	code = read_stream(cli, file, word + 1, to);
	fclose(file);
	return code;
}

/* NAME=VALUE of --attribute. */
static int read_attributes(const struct td_cli *cli, struct td_draft *draft,
	struct td_attribute attributes[ATTRIBUTES_MAX])
{
	const char *texts[ATTRIBUTES_MAX];
	size_t count = td_cli_texts(cli, "attribute", texts, ATTRIBUTES_MAX);

	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(texts[i], '=');

		if (equals == NULL)
			return td_cli_refuse(cli, TD_E_INVALID, "--attribute region=eu",
				"--attribute %s: an attribute is NAME=VALUE", texts[i]);
		attributes[i] = (struct td_attribute){
			.name = td_text_of(texts[i], (size_t)(equals - texts[i])),
			.value = td_text(equals + 1)};
	}
	draft->attributes = attributes;
	draft->attributes_count = count;
	return 0;
}

static int read_expected(const struct td_cli *cli, struct td_appending *appending)
{
	static const struct td_cli_option number = {.kind = TD_CLI_NUMBER};
	const char *text = td_cli_text(cli, "expect"), *why;

	if (text == NULL || strcmp(text, "any") == 0)
		return 0;
	if (strcmp(text, "none") == 0)
		appending->expected = TD_IF_NONE;
	else if (strcmp(text, "exists") == 0)
		appending->expected = TD_IF_EXISTS;
	else if (td_cli_value_read(&number, text, &appending->revision, &why))
		appending->expected = TD_IF_REVISION;
	else
		return td_cli_refuse(
			cli, TD_E_INVALID, "any, none, exists, or a revision", "--expect %s", text);
	return 0;
}

/* --- one event ---------------------------------------------------------------------------- */

/* What to do when somebody was faster. */
static int lost(
	const struct td_cli *cli, const struct td_appended *appended, const struct td_error *err)
{
	const char *subject = td_cli_word(cli, 0);
	char hint[512];

	if (err->code != TD_E_REVISION)
		return td_cli_fail(cli, err, NULL, "cannot publish to %s", subject);
	if (appended->found == 0)
		snprintf(hint, sizeof(hint), "it has no event: publish with --expect none");
	else
		snprintf(hint, sizeof(hint),
			"tidings log %.200s      then publish with --expect %llu, if that is still "
			"right",
			subject, (unsigned long long)appended->found);
	return td_cli_fail(cli, err, hint, "cannot publish to %s", subject);
}

static int append(const struct td_cli *cli, struct td *td, struct td_event *event)
{
	struct td_appending appending = {.event = event, .log = td_cli_text(cli, "log")};
	struct td_appended appended = {.code = 0};
	struct td_error err = TD_ERROR_INIT;
	struct td_cli_table table;
	int code = read_expected(cli, &appending);

	if (code != 0)
		return code;
	if (td_append(td, &appending, 1, &appended, NULL, &err) != 0)
		return lost(cli, &appended, &err);
	td_cli_receipt_table(&table, cli);
	td_cli_receipt_put(cli, &table, event, &appended);
	return td_cli_table_end(&table);
}

static int make(const struct td_cli *cli, const struct td_buf *data, struct td_event **event)
{
	struct td_attribute attributes[ATTRIBUTES_MAX];
	struct td_draft draft = {.subject = td_cli_word(cli, 0),
		.type = td_cli_word(cli, 1),
		.id = td_cli_text(cli, "id"),
		.source = td_cli_text(cli, "source"),
		.time = td_cli_text(cli, "time"),
		.datacontenttype = td_cli_text(cli, "content-type")};
	struct td_error err = TD_ERROR_INIT;
	int code = read_attributes(cli, &draft, attributes);

	if (code != 0)
		return code;
	if (draft.source == NULL)
		draft.source = "tidings";
	if (strcmp(draft.subject, "-") == 0)
		draft.subject = NULL;
	if (td_cli_word(cli, 2) != NULL && draft.datacontenttype == NULL) {
		draft.json = data->at;
	} else if (td_cli_word(cli, 2) != NULL) {
		draft.data = data->at;
		draft.data_bytes = data->len;
	}
	if (td_event_new(event, &draft, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "this is no event");
	return 0;
}

static int publish_one(const struct td_cli *cli)
{
	struct td_buf data = TD_BUF_INIT(TD_DATA_BYTES_MAX);
	struct td_event *event = NULL;
	struct td *td = NULL;
	int code = 0;

	if (td_cli_word(cli, 2) != NULL)
		code = read_data(cli, td_cli_word(cli, 2), &data);
	td_buf_reserve(&data, 1); /* so that it is a string, if of no length */
	if (code == 0 && td_buf_check(&data, NULL) != 0)
		code = td_cli_refuse(cli, TD_E_NOMEM, NULL, "the data");
	if (code == 0) {
		data.at[data.len] = '\0';
		code = make(cli, &data, &event);
	}
	if (code == 0)
		code = td_cli_open(cli, &td, TD_CLI_MAKE);
	if (code == 0)
		code = append(cli, td, event);
	if (td != NULL)
		td_close(td);
	td_event_unref(event);
	td_buf_fini(&data);
	return code;
}

static int run(struct td_cli *cli)
{
	const char *from = td_cli_text(cli, "from");

	if (from != NULL && cli->line.words_count > 0)
		return td_cli_refuse(cli, TD_E_INVALID,
			"--subject 'order.{/id}' and --type say what lines are about",
			"--from takes all from its file: \"%s\" is a word too many",
			td_cli_word(cli, 0));
	if (from != NULL)
		return td_cli_publish_from(cli, from);
	if (cli->line.words_count < 2)
		return td_cli_refuse(cli, TD_E_INVALID,
			"tidings publish order.42 OrderPlaced '{\"total\": 12.5}'",
			"publish: a subject and a type are needed");
	return publish_one(cli);
}

static const struct td_cli_option options[] = {
	{.name = "expect",
		.letter = 'e',
		.kind = TD_CLI_TEXT,
		.value = "REVISION|none|exists|any",
		.what = "refuse (exit code 4) unless the subject is at this revision"},
	{.name = "id",
		.kind = TD_CLI_TEXT,
		.value = "ID",
		.what = "its id; the same id published again is stored once"},
	{.name = "source", .kind = TD_CLI_TEXT, .value = "SOURCE", .what = "where it comes from"},
	{.name = "time", .kind = TD_CLI_TEXT, .value = "TIME", .what = "when it happened (now)"},
	{.name = "content-type",
		.kind = TD_CLI_TEXT,
		.value = "TYPE",
		.what = "what DATA is, if not JSON: text/plain"},
	{.name = "attribute",
		.letter = 'a',
		.kind = TD_CLI_TEXT,
		.value = "NAME=VALUE",
		.what = "any other attribute",
		.many = true},
	{.name = "log",
		.kind = TD_CLI_TEXT,
		.value = "NAME",
		.what = "the log, instead of the one that claims the subject"},
	{.name = "from",
		.kind = TD_CLI_FILE,
		.value = "FILE",
		.what = "each line of a file is an event (-: standard input)"},
	{.name = "type",
		.letter = 't',
		.kind = TD_CLI_TEXT,
		.value = "TEXT",
		.what = "with --from: their type; {/kind} is what stands there in the line"},
	{.name = "subject",
		.kind = TD_CLI_TEXT,
		.value = "TEXT",
		.what = "with --from: their subject, such as order.{/order/id}"},
	{.name = "on-error",
		.kind = TD_CLI_CHOICE,
		.value = "stop|skip",
		.fallback = "stop",
		.what = "with --from: at a line that is none, stop or go on with the next"},
	{.name = "batch",
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.fallback = "100",
		.what = "with --from: how many go to the disk at once, all or none"},
	{.name = "check-all",
		.kind = TD_CLI_FLAG,
		.what = "with --from: ask of every line whether it is there already"},
};

const struct td_cli_verb td_cli_verb_publish = {
	.name = "publish",
	.line = "Announce an event, or those of a file",
	.group = TD_CLI_EVENTS,
	.first = true,
	.words = "SUBJECT TYPE [DATA]",
	.words_max = 3,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "DATA is JSON, unless --content-type says what else it is; - reads it from "
		"standard "
		"input, @FILE from a file. A SUBJECT of - is none. It is done when the event is on "
		"disk, "
		"and answers where it stands.\n\n"
		"With --from, a line that is a CloudEvents event in JSON is published as it is. "
		"Any other "
		"JSON is the data of an event, and --type, --subject, --id and --time say what it "
		"is: "
		"{/order/id} in them is a JSON Pointer into the line. Lines without an id get one "
		"of their "
		"number and bytes, so the same command, given again after it was cut off, "
		"publishes only "
		"what is missing.",
	.examples = {"tidings publish order.42 OrderPlaced '{\"total\": 12.5}'",
		"tidings publish order.42 OrderPaid --expect 1",
		"tidings publish --from orders.ndjson --type '{/kind}' --subject 'order.{/id}'"},
	.run = run,
};
