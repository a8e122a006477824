/*
 * The path of an event through the machine, from the bytes that a client sent to the bytes it is
 * answered. A turn takes 64 KiB of PUB lines of 128 B, as they come from a socket, and
 *
 *	parse   finds the commands
 *	append  td_store_append(), one call each, as every publisher gets his own answer, some of
 *	        them looked for by td_store_want() before; "at once": one call for all
 *	seal    the frame, when the commit is handed out
 *	write   } the commit, on the real disk
 *	sync    }
 *	commit  } and the rest of it
 *	chain   SHA-256 of the frame, and what the footer hashes: beside the sync
 *	spare   the next segment: zero-filled and synced ahead, and rolling over
 *	done    everything brought back: durable, readable
 *	ack     writes the PubAck of each
 *
 * all on one thread: CPU, user and system. The row is all but the
 * spare, a cost by the byte that bench_journal has a row for; the loop alone is without the chain. Peer: nats-server 2.9.10 takes 3.7 us for the same, not synced,
 * sockets and delivery included.
 *
 *	bench_path [DIR [BYTES-PER-TURN [ROW]]]	DIR, default ".", on the disk to be measured;
 *						ROW, from 0: that alone
 */
#include <ftw.h>
#include <unistd.h>

#include "path_lines.h"
#include "store/store.h"

#define WANTED 64 /* lines of a turn whose memory is asked for together */
#define PEER   3.7

enum stage { PARSE, APPEND, SEAL, WRITE, SYNC, COMMIT, DONE, ACK, CHAIN, SPARE, STAGES };
static const char *const stage_names[] = {"parse", "append", "seal", "write", "sync", "commit",
	"done", "ack", "chain (beside)", "spare (beside)"};

static struct path_stages *stages;
static int doing; /* while the disk is asked */
static struct td_disk disk;
static struct path_lines lines;
static struct td_entry *entries;
static struct td_placed *placed;
static uint64_t *seqs;
static double prepared, written; /* bytes */
static double preparing;         /* ns */

static void check(int code, const struct td_error *err)
{
	if (code != 0) {
		fprintf(stderr, "bench_path: %s\n", err->text);
		exit(1);
	}
}

struct row {
	unsigned subjects;
	bool chain;
	bool ids;      /* looked up as duplicates */
	bool together; /* one append of all lines, as a batch by HTTP is */
	double events; /* appended */
};

/* --- the disk, with a clock --------------------------------------------------------------- */

static int timed_write(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	int code;

	(void)arg;
	path_lap(stages, doing);
	code = td_disk_real.write(td_disk_real.arg, file, parts, count, offset, put);
	path_lap(stages, doing == COMMIT ? WRITE : doing);
	for (size_t i = 0; i < count; i++) {
		if (doing == SPARE)
			prepared += (double)parts[i].len;
		else
			written += (double)parts[i].len;
	}
	return code;
}

static int timed_sync(void *arg, int file)
{
	int code;

	(void)arg;
	path_lap(stages, doing);
	code = td_disk_real.sync(td_disk_real.arg, file);
	path_lap(stages, doing == COMMIT ? SYNC : doing);
	return code;
}

/* --- a store ------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void run_chore(struct td_store *store, struct td_chore *chore, int run, int done)
{
	struct td_error err = TD_ERROR_INIT;

	doing = run;
	td_chore_run(chore);
	path_lap(stages, run);
	doing = done;
	check(td_store_done(store, chore, &err), &err);
	path_lap(stages, done);
}

/* All that is due; what is staged is durable then. The chain goes first, as if beside. */
static void commit(struct td_store *store)
{
	struct td_chore *chore, *chain;

	doing = SEAL;
	while ((chore = td_store_next(store, TD_WORK_EVERYTHING, 0)) != NULL) {
		if (td_chore_kind(chore) != TD_WORK_COMMIT) {
			path_lap(stages, SPARE);
			run_chore(store, chore, SPARE, SPARE);
			continue;
		}
		path_lap(stages, SEAL);
		chain = td_store_next(store, TD_WORK_CHAIN, 0);
		if (chain != NULL)
			run_chore(store, chain, CHAIN, CHAIN);
		run_chore(store, chore, COMMIT, DONE);
		doing = SEAL;
	}
	path_lap(stages, SEAL);
}

static struct td_store *open_store(const char *path, bool chain)
{
	static const struct td_text subject = TD_TEXT_INIT("order.*");
	const struct td_log_config config = {
		.subjects = &subject, .subjects_count = 1, .revisions_forgotten = true};
	const struct td_store_options options = {
		.journal = {.disk = &disk,
			.clock = &td_clock_real,
			.random = &td_random_real,
			.chain_off = !chain,
			.create = true},
	};
	struct td_error err = TD_ERROR_INIT;
	struct td_store *store;
	uint64_t rests_on;

	disk = td_disk_real;
	disk.write = timed_write;
	disk.sync = timed_sync;
	doing = SPARE;
	check(td_store_open(&store, path, &options, NULL, &err), &err);
	check(td_store_log_set(store, td_text("ORDERS"), &config, TD_LOG_CREATE, &rests_on, &err),
		&err);
	commit(store);
	return store;
}

/* --- a turn ------------------------------------------------------------------------------- */

/* Each message has an id of its own. */
static void renumber(const struct td_nats_command *command)
{
	static uint64_t number;

	path_number(&lines, command->payload.at - 4 - 16, 16, number++);
}

static void append_some(struct td_store *store, size_t from, size_t count)
{
	struct td_error err = TD_ERROR_INIT;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(store, entries + from, count, placed + from, &rests_on, NULL,
			&err)) == TD_E_FULL) {
		path_lap(stages, APPEND);
		commit(store);
	}
	check(code, &err);
	for (size_t i = from; i < from + count; i++) {
		if (placed[i].duplicate)
			abort();
	}
}

static void append(struct td_store *store, const struct row *row)
{
	for (size_t i = 0; i < lines.count; i++) {
		const struct td_nats_command *command = &lines.commands[i];

		entries[i].address = command->subject;
		entries[i].headers = command->headers;
		entries[i].payload = command->payload;
		if (row->ids)
			entries[i].key[0] = td_nats_header(command->headers, "Nats-Msg-Id");
	}
	for (size_t i = 0; i < lines.count && !row->together; i++) {
		if (i % WANTED == 0)
			td_store_want(store, entries + i,
				lines.count - i < WANTED ? lines.count - i : WANTED);
		append_some(store, i, 1);
	}
	if (row->together)
		append_some(store, 0, lines.count);
	for (size_t i = 0; i < lines.count; i++)
		seqs[i] = placed[i].seq;
}

/* Every subject is there, so that what is measured goes on and does not begin. */
static void fill(struct td_store *store, const struct row *row)
{
	for (unsigned subject = 0; subject < row->subjects;) {
		for (size_t i = 0; i < lines.count; i++, subject++) {
			path_number(&lines, lines.commands[i].subject.at + 6, 7,
				subject % row->subjects);
			if (row->ids)
				renumber(&lines.commands[i]);
		}
		append(store, row);
		commit(store);
	}
}

static void turn(struct td_store *store, const struct row *row, struct td_buf *out)
{
	path_shuffle(&lines);
	for (size_t i = 0; i < lines.count && row->ids; i++)
		renumber(&lines.commands[i]);
	path_begin(stages);
	path_parse(&lines);
	path_lap(stages, PARSE);
	append(store, row);
	path_lap(stages, APPEND);
	commit(store);
	if (td_store_durable(store) != td_store_staged(store))
		abort();
	path_acknowledge(&lines, seqs, 0, out);
	path_lap(stages, ACK);
}

/*
 * Spares come seldom and are large: what they cost is shared out over the bytes they hold. In ns an
 * event.
 */
static double share_of_spare(double events)
{
	return prepared > 0 ? preparing / prepared * written / events : 0;
}

static void print(const struct row *row)
{
	struct path_stages *s = stages;
	double spare = share_of_spare(row->events) / 1e3, loop = 0, sum;
	char name[80];

	for (int i = 0; i < CHAIN; i++)
		loop += bench_median(s->us[i], PATH_ROUNDS);
	sum = loop + bench_median(s->us[CHAIN], PATH_ROUNDS);
	snprintf(name, sizeof(name), "%u subjects%s%s, %zu lines%s", row->subjects,
		row->chain ? ", chain" : "", row->ids ? ", ids" : "", lines.count,
		row->together ? " at once" : "");
	bench_row(name, sum, PEER, "us", "ours <= 0.45 us", sum <= 0.45);
	printf("    %-40s %9.3f us\n", "the loop alone", loop);
	path_print(s, stage_names, SPARE);
	printf("    %-40s %9.3f us\n", "not in the row: zero-filling ahead", spare);
}

static void run(const char *dir, size_t bytes, struct row *row)
{
	static struct path_stages room;
	struct td_buf out = TD_BUF_INIT((size_t)64 << 20);
	struct td_error err = TD_ERROR_INIT;
	char path[4096];

	path_lines_init(&lines, bytes, row->subjects, row->ids);
	path_parse(&lines);
	seqs = calloc(lines.count, sizeof(*seqs));
	entries = calloc(lines.count, sizeof(*entries));
	placed = calloc(lines.count, sizeof(*placed));
	snprintf(path, sizeof(path), "%s/bench-path-XXXXXX", dir);
	if (seqs == NULL || entries == NULL || placed == NULL || mkdtemp(path) == NULL)
		path_fail(path);
	stages = &room;
	path_stages_init(stages);
	struct td_store *store = open_store(path, row->chain);
	fill(store, row);
	path_round(stages, -1, 1);
	prepared = written = preparing = row->events = 0;
	size_t turns = PATH_ROUND_BYTES / lines.len;
	for (int round = -1; round < PATH_ROUNDS; round++) {
		for (size_t i = 0; i < turns; i++)
			turn(store, row, &out);
		preparing += stages->ns[SPARE];
		row->events += (double)(turns * lines.count);
		path_round(stages, round, turns * lines.count);
	}
	print(row);
	check(td_store_close(store, &err), &err);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	td_buf_fini(&out);
	path_lines_fini(&lines);
	free(seqs);
	free(entries);
	free(placed);
}

int main(int argc, char **argv)
{
	static struct row rows[] = {
		{.subjects = 1000},
		{.subjects = 1000, .chain = true},
		{.subjects = 1000, .chain = true, .ids = true},
		{.subjects = 1000, .chain = true, .ids = true, .together = true},
		{.subjects = 1000000, .chain = true},
		{.subjects = 1000000, .chain = true, .together = true},
	};
	const char *dir = argc > 1 ? argv[1] : ".";
	size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 65536;
	size_t only = argc > 3 ? strtoul(argv[3], NULL, 10) : SIZE_MAX;

	bench_header(
		"path: PUB 128 B in memory -> parse -> frame -> sync -> ack line, CPU an event");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (only == SIZE_MAX || only == i)
			run(dir, bytes, &rows[i]);
	}
	return 0;
}
