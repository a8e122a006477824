#include "cli/publish.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * tidings publish --from FILE.
 *
 *	line -> event -> [ there already? ] -> batch -> td_append(), all or none
 *
 * Started again after it was cut off, it publishes what is missing: the same line makes the same id (or
 * brings its own), and lines were sent in order. So it asks for each line from the first on whether it is
 * there, until one is not; from there on none is. Where that is not so (what is old was removed
 * meanwhile), --check-all asks of every one. Of a batch that was partly there (another process sends
 * the same file) each event goes by itself: the log knows ids of the last minutes.
 */

#define BATCH_MAX 1000u
#define LINE_MAX  ((size_t)16 << 20) /* bytes */

struct load {
	const struct td_cli *cli;
	struct td *td;
	const char *path, *name; /* the file, and how it is called in messages and sources */
	FILE *file;
	struct td_cli_making making;
	size_t batch_max;
	bool skip, checking, check_all;
	struct td_buf text;
	uint64_t line; /* the number of the one at hand, from 1 */
	struct td_event *events[BATCH_MAX];
	uint64_t lines[BATCH_MAX];
	size_t count;
	uint64_t published, before, bad;
	struct td_cli_progress progress;
};

/* --- lines -------------------------------------------------------------------------------- */

/* The next line into load->text, without its end. false: there is none. */
static bool next_line(struct load *load)
{
	int c = getc(load->file);

	td_buf_reset(&load->text);
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(load->file)) {
		char byte = (char)c;

		td_buf_add_char(&load->text, byte);
	}
	load->line++;
	return true;
}

static bool is_blank(struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != ' ' && text.at[i] != '\t' && text.at[i] != '\r')
			return false;
	}
	return true;
}

/* Lines of a file that can be read twice; 0 of all else. */
static uint64_t count_lines(FILE *file)
{
	char part[65536];
	struct stat about;
	uint64_t lines = 0;
	size_t got;

	if (fstat(fileno(file), &about) != 0 || !S_ISREG(about.st_mode))
		return 0;
	while ((got = fread(part, 1, sizeof(part), file)) > 0) {
		for (const char *at = part; (at = memchr(at, '\n', (size_t)(part + got - at)));
			at++)
			lines++;
	}
	rewind(file);
	return lines;
}

/* --- what goes wrong ---------------------------------------------------------------------- */

/* Whether it is the event's fault, and the next may fare better. */
static bool is_of_event(int code)
{
	switch (code) {
	case TD_E_JSON:
	case TD_E_ATTRIBUTE:
	case TD_E_SUBJECT:
	case TD_E_TOO_LARGE:
	case TD_E_DATA:
	case TD_E_DUPLICATE:
	case TD_E_FORMAT:
	case TD_E_INVALID:
	case TD_E_LIMIT:
	case TD_E_REFUSED:
	case TD_E_REVISION:
		return true;
	default:
		return false;
	}
}

/* Name a line that is no event. 0: go on; else the exit code. */
static int bad_line(struct load *load, uint64_t line, const struct td_error *err)
{
	bool skip = load->skip && is_of_event(err->code);
	const char *hint = skip ? ""
				: "--on-error skip goes on with the next line; or mend it, and "
				  "give the same command again";

	td_cli_progress_end(&load->progress);
	load->bad++;
	td_cli_fail(load->cli, err, is_of_event(err->code) ? hint : NULL, "%s, line %llu",
		load->name, (unsigned long long)line);
	if (skip)
		return 0;
	return is_of_event(err->code) ? 1 : td_cli_exit(err);
}

/* --- batches ------------------------------------------------------------------------------ */

static void batch_clear(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		td_event_unref(load->events[i]);
	load->count = 0;
}

static void count_in(struct load *load, const struct td_appended *appended)
{
	load->before += appended->duplicate;
	load->published += !appended->duplicate;
}

/* Each by itself, from `from` on, so that one that is wrong takes no other with it. */
static int send_singly(struct load *load)
{
	const char *log = td_cli_text(load->cli, "log");

	for (size_t i = 0; i < load->count; i++) {
		struct td_appending appending = {.event = load->events[i], .log = log};
		struct td_appended appended = {.code = 0};
		struct td_error err = TD_ERROR_INIT;
		int code = td_append(load->td, &appending, 1, &appended, NULL, &err);

		if (code == 0)
			count_in(load, &appended);
		else
			code = bad_line(load, load->lines[i], &err);
		if (code != 0)
			return code;
	}
	return 0;
}

static int send(struct load *load)
{
	struct td_appending appendings[BATCH_MAX];
	struct td_appended appended[BATCH_MAX];
	struct td_error err = TD_ERROR_INIT;
	int code = 0;

	if (load->count == 0)
		return 0;
	memset(appendings, 0, load->count * sizeof(appendings[0]));
	for (size_t i = 0; i < load->count; i++) {
		appendings[i].event = load->events[i];
		appendings[i].log = td_cli_text(load->cli, "log");
	}
	code = td_append(load->td, appendings, load->count, appended, NULL, &err);
	for (size_t i = 0; code == 0 && i < load->count; i++)
		count_in(load, &appended[i]);
	if (code != 0)
		code = is_of_event(code) ? send_singly(load) : bad_line(load, load->lines[0], &err);
	batch_clear(load);
	td_cli_progress_at(&load->progress, load->line);
	return code;
}

/* Whether the place has it. */
static bool is_there(struct load *load, const struct td_event *event)
{
	char id[TD_ATTRIBUTE_BYTES_MAX + 1], source[TD_ATTRIBUTE_BYTES_MAX + 1];
	struct td_event *found = NULL;

	td_text_copy(td_event_id(event), id, sizeof(id));
	td_text_copy(td_event_source(event), source, sizeof(source));
	if (td_find(load->td, id, source, &found, NULL, NULL) != 0)
		return false;
	td_event_unref(found);
	return true;
}

static int take_line(struct load *load)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_event *event = NULL;
	int code = td_buf_check(&load->text, &err);

	if (code == 0 && is_blank(td_buf_view(&load->text)))
		return 0;
	if (code == 0)
		code = td_cli_line_event(
			&event, &load->making, td_buf_view(&load->text), load->line, &err);
	if (code != 0)
		return bad_line(load, load->line, &err);
	if (load->checking || load->check_all) {
		if (is_there(load, event)) {
			load->before++;
			td_event_unref(event);
			td_cli_progress_at(&load->progress, load->line);
			return 0;
		}
		load->checking = false;
	}
	load->lines[load->count] = load->line;
	load->events[load->count++] = event;
	return load->count == load->batch_max ? send(load) : 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int all_lines(struct load *load)
{
	int code = 0, sent;

	while (code == 0 && !td_cli_interrupted() && next_line(load))
		code = take_line(load);
	/* What stands before a line at which it stops is sent all the same. */
	sent = send(load);
	td_cli_progress_end(&load->progress);
	code = code != 0 ? code : sent;
	if (code == 0 && ferror(load->file) != 0)
		code = td_cli_refuse(load->cli, 0, NULL, "%s cannot be read behind line %llu",
			load->name, (unsigned long long)load->line);
	if (code == 0 && td_cli_interrupted())
		code = td_cli_refuse(load->cli, 0, "the same command goes on where this one ended",
			"%s was cut off behind line %llu", load->name,
			(unsigned long long)load->line);
	return code != 0 ? code : load->bad > 0;
}

static int sum_up(const struct load *load)
{
	static const struct td_cli_column columns[] = {{.name = "PUBLISHED", .right = true},
		{.name = "BEFORE", .right = true}, {.name = "BAD", .right = true}};
	char published[TD_CLI_TIME_BYTES], before[TD_CLI_TIME_BYTES], bad[TD_CLI_TIME_BYTES];
	struct td_cli_table table;

	if (load->cli->json) {
		printf("{\"published\":%llu,\"before\":%llu,\"bad\":%llu,\"lines\":%llu}\n",
			(unsigned long long)load->published, (unsigned long long)load->before,
			(unsigned long long)load->bad, (unsigned long long)load->line);
		return 0;
	}
	td_cli_table_begin(&table, load->cli, columns, 3, false);
	td_cli_table_row(&table, (const struct td_text[]){td_text(td_cli_count(load->cli,
								  load->published, published)),
					 td_text(td_cli_count(load->cli, load->before, before)),
					 td_text(td_cli_count(load->cli, load->bad, bad))});
	return td_cli_table_end(&table);
}

static int open_file(struct load *load)
{
	const char *slash = strrchr(load->path, '/');
	bool is_stdin = strcmp(load->path, "-") == 0;

	load->name = is_stdin ? "standard input" : slash != NULL ? slash + 1 : load->path;
	load->making.source = td_cli_text(load->cli, "source");
	if (load->making.source == NULL)
		load->making.source = is_stdin ? "stdin" : load->name;
	load->file = is_stdin ? stdin : fopen(load->path, "re");
	if (load->file == NULL)
		return td_cli_refuse(load->cli, 0, NULL, "%s cannot be opened", load->path);
	return 0;
}

static int run(struct load *load)
{
	struct td_error err = TD_ERROR_INIT;
	int code, summed;

	if (td_cli_making_check(&load->making, &err) != 0)
		return td_cli_fail(load->cli, &err,
			"--type '{/kind}' --subject 'order.{/order/id}'", "publish");
	code = open_file(load);
	if (code == 0)
		code = td_cli_open(load->cli, &load->td, TD_CLI_MAKE);
	if (code == 0) {
		td_cli_progress_begin(
			&load->progress, load->cli, load->name, "lines", count_lines(load->file));
		td_cli_catch_interrupts();
		code = all_lines(load);
		summed = sum_up(load);
		code = code != 0 ? code : summed;
		td_close(load->td);
	}
	if (load->file != NULL && load->file != stdin)
		fclose(load->file);
	return code;
}

int td_cli_publish_from(const struct td_cli *cli, const char *path)
{
	struct load *load = calloc(1, sizeof(*load));
	uint64_t batch = td_cli_number(cli, "batch", 100);
	int code;

	if (load == NULL)
		return td_cli_refuse(cli, TD_E_NOMEM, NULL, "publish");
	*load = (struct load){.cli = cli,
		.path = path,
		.making = {.type = td_cli_text(cli, "type"),
			.subject = td_cli_text(cli, "subject"),
			.id = td_cli_text(cli, "id"),
			.time = td_cli_text(cli, "time")},
		.batch_max = batch == 0          ? 1
			     : batch > BATCH_MAX ? BATCH_MAX
						 : (size_t)batch,
		.skip = strcmp(td_cli_text(cli, "on-error"), "skip") == 0,
		.checking = true,
		.check_all = td_cli_flag(cli, "check-all"),
		.text = TD_BUF_INIT(LINE_MAX)};
	code = run(load);
	batch_clear(load);
	td_buf_fini(&load->text);
	free(load);
	return code;
}
