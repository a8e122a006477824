#include "cli/events.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * tidings bench: what this machine and its disk give, in numbers that can be compared: beside each stands the
 * limit, the same bytes written and synced without a store.
 */

#define BATCH_MAX 4096u

struct bench {
	const struct td_cli *cli;
	struct td *td;
	uint64_t events, bytes, batch;
	char *json;
	struct td_cli_table table;
	uint64_t from; /* the first position of ours */
	uint64_t number;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- the rows ----------------------------------------------------------------------------- */

/* `limit`: the same per second without a store; 0: none is known. */
static void put(
	struct bench *bench, const char *what, uint64_t events, double seconds, double limit)
{
	char count[TD_CLI_TIME_BYTES], took[32], rate[TD_CLI_TIME_BYTES], of[TD_CLI_TIME_BYTES];
	char ratio[32] = "-";
	double per_second = seconds > 0 ? (double)events / seconds : 0;

	if (bench->cli->json) {
		printf("{\"what\":\"%s\",\"events\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,"
		       "\"limit\":%.0f}\n",
			what, (unsigned long long)events, seconds, per_second, limit);
		return;
	}
	snprintf(took, sizeof(took), "%.3f", seconds);
	if (limit > 0)
		snprintf(ratio, sizeof(ratio), "%.2f", per_second / limit);
	td_cli_table_row(&bench->table,
		(const struct td_text[]){td_text(what),
			td_text(td_cli_count(bench->cli, events, count)), td_text(took),
			td_text(td_cli_count(bench->cli, (uint64_t)per_second, rate)),
			td_text(limit > 0 ? td_cli_count(bench->cli, (uint64_t)limit, of) : "-"),
			td_text(ratio)});
}

/* --- the limit ---------------------------------------------------------------------------- */

/* Events per second, as bytes written and synced `batch` at a time; 0: it could not be measured. */
static double raw(const struct bench *bench, uint64_t batch, uint64_t events)
{
	char path[4096];
	size_t len = (size_t)(batch * (bench->bytes + 256)); /* with what is said about an event */
	char *bytes = calloc(1, len);
	double began;
	int file;

	snprintf(path, sizeof(path), "%s/.tidings-bench-XXXXXX", td_cli_text(bench->cli, "dir"));
	file = bytes != NULL ? mkostemp(path, O_CLOEXEC) : -1;
	began = now();
	for (uint64_t done = 0; file >= 0 && done < events; done += batch) {
		if (write(file, bytes, len) != (ssize_t)len || fdatasync(file) != 0) {
			close(file);
			unlink(path);
			file = -1;
		}
	}
	free(bytes);
	if (file < 0)
		return 0;
	began = now() - began;
	close(file);
	unlink(path);
	return (double)events / began;
}

/* --- what is measured --------------------------------------------------------------------- */

static int publish_batch(struct bench *bench, uint64_t count, struct td_error *err)
{
	struct td_draft drafts[BATCH_MAX];
	struct td_appending appendings[BATCH_MAX];
	struct td_appended appended[BATCH_MAX];
	static char subjects[BATCH_MAX][32];
	int code;

	memset(appendings, 0, (size_t)count * sizeof(appendings[0]));
	for (uint64_t i = 0; i < count; i++) {
		snprintf(subjects[i], sizeof(subjects[i]), "bench.%llu",
			(unsigned long long)(bench->number++ % 1000));
		drafts[i] = (struct td_draft){
			.type = "Measured", .subject = subjects[i], .json = bench->json};
		appendings[i].draft = &drafts[i];
	}
	code = td_append(bench->td, appendings, (size_t)count, appended, NULL, err);
	if (code == 0 && bench->from == 0)
		bench->from = appended[0].where.position;
	return code;
}

static int publish(
	struct bench *bench, const char *what, uint64_t events, uint64_t batch, double limit)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_cli_progress progress;
	double began = now();

	td_cli_progress_begin(&progress, bench->cli, what, "events", events);
	for (uint64_t done = 0; done < events; done += batch) {
		uint64_t count = events - done < batch ? events - done : batch;

		if (publish_batch(bench, count, &err) != 0) {
			td_cli_progress_end(&progress);
			return td_cli_fail(bench->cli, &err, NULL, "%s", what);
		}
		td_cli_progress_at(&progress, done + count);
	}
	began = now() - began;
	td_cli_progress_end(&progress);
	put(bench, what, events, began, limit);
	return 0;
}

static int read_all(struct bench *bench)
{
	struct td_scope scope = {.from = bench->from, .subject = "bench.*"};
	struct td_error err = TD_ERROR_INIT;
	const struct td_event *event;
	struct td_reading *reading;
	uint64_t count = 0;
	double began = now();
	int code = td_read(&reading, bench->td, &scope, &err);

	if (code == 0) {
		while ((code = td_next(reading, &event, NULL, &err)) == 0)
			count++;
		td_reading_close(reading);
	}
	if (code != TD_E_NOT_FOUND)
		return td_cli_fail(bench->cli, &err, NULL, "read");
	put(bench, "read all", count, now() - began, 0);
	return 0;
}

static int read_subjects(struct bench *bench)
{
	struct td_error err = TD_ERROR_INIT;
	uint64_t count = bench->number < 1000 ? bench->number : 1000;
	double began = now();

	for (uint64_t i = 0; i < count; i++) {
		struct td_event *event = NULL;
		char subject[32];

		snprintf(subject, sizeof(subject), "bench.%llu", (unsigned long long)i);
		if (td_latest(bench->td, NULL, subject, &event, NULL, &err) != 0)
			return td_cli_fail(bench->cli, &err, NULL, "latest of %s", subject);
		td_event_unref(event);
	}
	put(bench, "latest of a subject", count, now() - began, 0);
	return 0;
}

static int measure(struct bench *bench, bool stored_here)
{
	static const struct td_cli_column columns[] = {{.name = "WHAT"},
		{.name = "EVENTS", .right = true}, {.name = "SECONDS", .right = true},
		{.name = "PER SECOND", .right = true}, {.name = "LIMIT", .right = true},
		{.name = "RATIO", .right = true}};
	uint64_t singly = bench->events < 1000 ? bench->events : 1000;
	int code, ended;

	td_cli_table_begin(&bench->table, bench->cli, columns, 6, false);
	code = publish(
		bench, "publish, one by one", singly, 1, stored_here ? raw(bench, 1, singly) : 0);
	if (code == 0)
		code = publish(bench, "publish, in batches", bench->events, bench->batch,
			stored_here ? raw(bench, bench->batch, bench->events) : 0);
	if (code == 0)
		code = read_all(bench);
	if (code == 0)
		code = read_subjects(bench);
	ended = td_cli_table_end(&bench->table);
	return code != 0 ? code : ended;
}

/* --- where -------------------------------------------------------------------------------- */

static int drop(const char *path, const struct stat *about, int kind, struct FTW *at)
{
	(void)about, (void)kind, (void)at;
	return remove(path);
}

/* A store of its own in --dir, which goes when it is done. */
static int in_own_store(struct bench *bench)
{
	const struct td_options options = {.source = "bench", .flags = TD_NO_THREADS};
	struct td_error err = TD_ERROR_INIT;
	char dir[4096], url[4200];
	int code;

	snprintf(dir, sizeof(dir), "%s/.tidings-bench-XXXXXX", td_cli_text(bench->cli, "dir"));
	if (mkdtemp(dir) == NULL)
		return td_cli_refuse(bench->cli, 0, "name another directory by --dir",
			"nothing can be written in %s: %s", td_cli_text(bench->cli, "dir"),
			strerror(errno));
	snprintf(url, sizeof(url), "file:%s/store", dir);
	if (td_open(&bench->td, url, &options, &err) == 0) {
		code = measure(bench, true);
		td_close(bench->td);
	} else {
		code = td_cli_fail(bench->cli, &err, NULL, "%s", url);
	}
	nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
	return code;
}

static int run(struct td_cli *cli)
{
	struct bench bench = {.cli = cli,
		.events = td_cli_number(cli, "events", 0),
		.bytes = td_cli_number(cli, "bytes", 0),
		.batch = td_cli_number(cli, "batch", 0)};
	int code;

	if (bench.events == 0 || bench.batch == 0 || bench.batch > BATCH_MAX || bench.bytes < 2 ||
		bench.bytes > 65536)
		return td_cli_refuse(cli, TD_E_INVALID,
			"--events 100000 --batch 100 (4096 at most) --bytes 128 (2 to 65536)",
			"bench: nothing can be measured with these numbers");
	bench.json = malloc((size_t)bench.bytes + 1);
	if (bench.json == NULL)
		return td_cli_refuse(cli, TD_E_NOMEM, NULL, "bench");
	memset(bench.json, 'x', (size_t)bench.bytes); /* a JSON string of so many bytes */
	bench.json[0] = bench.json[bench.bytes - 1] = '"';
	bench.json[bench.bytes] = '\0';
	if (td_cli_line_given(&cli->line, "url") == NULL) {
		code = in_own_store(&bench);
	} else {
		code = td_cli_open(cli, &bench.td, TD_CLI_MAKE);
		if (code == 0) {
			code = measure(&bench, false);
			td_close(bench.td);
		}
	}
	free(bench.json);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "dir",
		.letter = 'd',
		.kind = TD_CLI_DIRECTORY,
		.value = "DIR",
		.fallback = ".",
		.what = "where the store is made, and removed"},
	{.name = "events",
		.letter = 'n',
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.fallback = "100000",
		.what = "how many"},
	{.name = "batch",
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.fallback = "100",
		.what = "how many go to the disk at once"},
	{.name = "bytes",
		.kind = TD_CLI_SIZE,
		.value = "SIZE",
		.fallback = "128",
		.what = "of the data of each"},
};

const struct td_cli_verb td_cli_verb_bench = {
	.name = "bench",
	.line = "Measure what a store on this machine gives",
	.group = TD_CLI_SERVER,
	.words = "",
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "A store is made in --dir, events are published one by one and in batches, and "
		"read, and the "
		"store is removed. Beside what is published stands the limit: so many bytes "
		"written and "
		"synced without a store. Published means on disk.\n\n"
		"With --url that place is measured instead, and keeps the events, of subjects "
		"bench.0 to "
		"bench.999.",
	.examples = {"tidings bench", "tidings bench --dir /var/lib --events 1000000 --bytes 1KiB",
		"tidings bench --url http://127.0.0.1:8222"},
	.run = run,
};
