#include "cli/events.h"

#include <string.h>

#include "json/json.h"

static const struct td_cli_column columns[] = {
	{.name = "POSITION", .right = true, .colour = TD_CLI_DIM},
	{.name = "TIME", .colour = TD_CLI_DIM, .least = 10},
	{.name = "SUBJECT", .colour = TD_CLI_NAME, .least = 12},
	{.name = "REV", .right = true},
	{.name = "TYPE", .colour = TD_CLI_BOLD, .least = 14},
	{.name = "DATA"},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

int td_cli_writer_begin(struct td_cli_writer *writer, const struct td_cli *cli, bool streaming)
{
	struct td_error err = TD_ERROR_INIT;
	const char *template_ = td_cli_text(cli, "format");
	bool raw = td_cli_flag(cli, "raw");

	if (cli->json + raw + (template_ != NULL) > 1)
		return td_cli_refuse(cli, TD_E_INVALID, "one of --json, --raw and --format",
			"an event can be shown in one way only");
	*writer = (struct td_cli_writer){.cli = cli,
		.template_ = template_,
		.end = td_cli_flag(cli, "null") ? '\0' : '\n',
		.buf = TD_BUF_INIT(SIZE_MAX / 2)};
	if (template_ != NULL && td_cli_template_check(template_, &err) != 0)
		return td_cli_fail(
			cli, &err, "--format \"{time} {type} {data.order}\"", "--format");
	writer->way = cli->json           ? TD_CLI_AS_JSON
		      : raw               ? TD_CLI_AS_DATA
		      : template_ != NULL ? TD_CLI_AS_TEMPLATE
					  : TD_CLI_AS_ROW;
	td_cli_table_begin(&writer->table, cli, columns, COLUMNS, streaming);
	return 0;
}

/* --- one line of JSON --------------------------------------------------------------------- */

static void put_member(struct td_buf *to, const char *name, uint64_t number)
{
	td_buf_printf(to, ",\"%s\":\"%llu\"", name, (unsigned long long)number);
}

int td_cli_event_json(struct td_buf *to, const struct td_event *event, const struct td_where *where,
	struct td_error *err)
{
	struct td_bytes json = TD_BYTES_INIT;
	int code = td_event_to_json(event, &json, err);

	if (code != 0)
		return code;
	for (size_t i = 0; i < json.len; i++) { /* in JSON a line's end is a blank between words */
		if (json.at[i] == '\n' || json.at[i] == '\r')
			json.at[i] = ' ';
	}
	if (where == NULL || where->position == 0) {
		td_buf_add(to, json.at, json.len);
	} else {
		td_buf_add(to, json.at, json.len - 1);
		td_buf_add_string(to, ",\"tdlog\":");
		td_json_quote(to, td_text(where->log));
		put_member(to, "tdseq", where->seq);
		put_member(to, "tdrevision", where->revision);
		put_member(to, "tdposition", where->position);
		td_buf_add_char(to, '}');
	}
	td_bytes_fini(&json);
	return td_buf_check(to, err);
}

/* --- rows --------------------------------------------------------------------------------- */

static void put_row(
	struct td_cli_writer *writer, const struct td_event *event, const struct td_where *where)
{
	char position[24], revision[24], time[TD_CLI_TIME_BYTES];
	struct td_text subject = td_event_subject(event), data = td_event_data(event);
	td_time at = where->recorded;

	td_event_time_ns(event, &at, NULL);
	snprintf(position, sizeof(position), "%llu", (unsigned long long)where->position);
	snprintf(revision, sizeof(revision), "%llu", (unsigned long long)where->revision);
	td_cli_table_row(&writer->table,
		(const struct td_text[COLUMNS]){td_text(position),
			td_text(td_cli_time(writer->cli, at, time)),
			subject.at != NULL ? subject : td_text("-"), td_text(revision),
			td_event_type(event), data.at != NULL ? data : td_text("-")});
}

int td_cli_writer_put(
	struct td_cli_writer *writer, const struct td_event *event, const struct td_where *where)
{
	struct td_error err = TD_ERROR_INIT;
	int code = 0;

	td_buf_reset(&writer->buf);
	switch (writer->way) {
	case TD_CLI_AS_ROW:
		put_row(writer, event, where);
		return 0;
	case TD_CLI_AS_JSON:
		code = td_cli_event_json(&writer->buf, event, where, &err);
		break;
	case TD_CLI_AS_DATA:
		td_buf_add_text(&writer->buf, td_event_data(event));
		break;
	case TD_CLI_AS_TEMPLATE:
		td_cli_template_fill(&writer->buf, writer->template_, event, where);
		break;
	}
	td_buf_add_char(&writer->buf, writer->way == TD_CLI_AS_JSON ? '\n' : writer->end);
	if (code == 0)
		code = td_buf_check(&writer->buf, &err);
	if (code != 0)
		return td_cli_fail(writer->cli, &err, NULL, "the event at position %llu",
			(unsigned long long)where->position);
	fwrite(writer->buf.at, 1, writer->buf.len, stdout);
	if (writer->table.streaming)
		fflush(stdout);
	return 0;
}

int td_cli_writer_end(struct td_cli_writer *writer)
{
	td_buf_fini(&writer->buf);
	return td_cli_table_end(&writer->table);
}
