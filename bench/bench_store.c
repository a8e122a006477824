/*
 * The store: appending with its index kept, reading all, reading one subject, memory per subject.
 *
 *	raw      a writer that knows nothing: the same bytes, zero-filled file, one sync a batch
 *	SQLite   WAL, synchronous=FULL, a table with a unique index over subject and revision
 *	LMDB     key (subject, revision), read warm
 *
 * Records are 256 B as the store stages them; a batch is one frame and one sync. Segments are prepared
 * beside, as a housekeeping thread would, and not counted: nor is the raw writer's file. The directory
 * is made where the program runs.
 *
 *	bench_store [memory | append | read | open | subjects]	default all
 */
#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <lmdb.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define SUBJECTS 1000000u
#define ROUNDS   3
#define RECORD   256u
#define PAYLOAD  (RECORD - 48 - 14 - 11) /* fixed part, address, type */
#define DIR      "bench-store.tmp"

static char payload[PAYLOAD];

static void die(const char *what, const struct td_error *err)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, err != NULL ? err->text : "failed");
	exit(1);
}

static int rm(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void dir_clear(void)
{
	nftw(DIR, rm, 8, FTW_DEPTH | FTW_PHYS);
	mkdir(DIR, 0700);
}

static struct td_store *store_open(const char *path)
{
	struct td_store_options options = {.journal = {.disk = &td_disk_real,
						   .clock = &td_clock_real,
						   .random = &td_random_real,
						   .create = true,
						   .segment_bytes_first = (size_t)128 << 20,
						   .chain_off = true},
		.events = true};
	struct td_store *store;
	struct td_error err;

	if (td_store_open(&store, path, &options, NULL, &err) != 0)
		die("open", &err);
	return store;
}

static double beside_wall, beside_cpu; /* spent on what is not counted */

static void work(struct td_store *store, unsigned kinds)
{
	struct td_chore *chore;
	struct td_error err;

	while ((chore = td_store_next(
			store, kinds, (int64_t)(bench_clock(CLOCK_MONOTONIC) / 1e6))) != NULL) {
		double wall = bench_clock(CLOCK_MONOTONIC);
		double cpu = bench_clock(CLOCK_THREAD_CPUTIME_ID);

		td_chore_run(chore);
		if (td_chore_kind(chore) == TD_WORK_SPARE) {
			beside_wall += bench_clock(CLOCK_MONOTONIC) - wall;
			beside_cpu += bench_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
		}
		if (td_store_done(store, chore, &err) != 0)
			die("work", &err);
	}
}

/* --- appending ------------------------------------------------------------------------------ */

struct batch {
	struct td_entry *entries;
	struct td_placed *placed;
	char (*addresses)[16], (*ids)[16];
	size_t count;
	bool keyed;
	uint64_t next;
};

static void batch_init(struct batch *batch, size_t count, bool keyed)
{
	*batch = (struct batch){.count = count, .keyed = keyed};
	batch->entries = calloc(count, sizeof(*batch->entries));
	batch->placed = calloc(count, sizeof(*batch->placed));
	batch->addresses = calloc(count, 16);
	batch->ids = calloc(count, 16);
}

static void batch_fini(struct batch *batch)
{
	free(batch->entries);
	free(batch->placed);
	free(batch->addresses);
	free(batch->ids);
}

static void digits(char *at, uint64_t value, int count)
{
	while (count-- > 0) {
		at[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Subjects in no order that a cache could guess. */
static void batch_fill(struct batch *batch, uint64_t subjects)
{
	for (size_t i = 0; i < batch->count; i++) {
		uint64_t number = batch->next++;
		struct td_entry *entry = &batch->entries[i];

		memcpy(batch->addresses[i], "order.00000000", 14);
		digits(batch->addresses[i] + 6, td_hash_u64(number) % subjects, 8);
		*entry = (struct td_entry){.address = td_text_of(batch->addresses[i], 14),
			.type = td_text_of("OrderPlaced", 11),
			.payload = td_text_of(payload, sizeof(payload))};
		if (!batch->keyed)
			continue;
		memcpy(batch->ids[i], "id-000000000000", 15);
		digits(batch->ids[i] + 3, number, 12);
		entry->key[0] = td_text_of("bench", 5);
		entry->key[1] = td_text_of(batch->ids[i], 15);
	}
}

static void append(struct td_store *store, struct batch *batch)
{
	struct td_error err;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(store, batch->entries, batch->count, batch->placed,
			&rests_on, NULL, &err)) == TD_E_FULL)
		work(store, TD_WORK_COMMIT | TD_WORK_CHAIN | TD_WORK_SPARE);
	if (code != 0)
		die("append", &err);
}

/* In memory: ns a record. */
static double append_memory(bool keyed, uint64_t events)
{
	struct td_store *store = store_open(NULL);
	struct batch batch;
	double spent = 0;

	batch_init(&batch, 256, keyed);
	for (uint64_t i = 0; i < SUBJECTS + events; i += batch.count) {
		double start;

		batch_fill(&batch, SUBJECTS);
		start = bench_clock(CLOCK_THREAD_CPUTIME_ID);
		append(store, &batch);
		if (i >= SUBJECTS)
			spent += bench_clock(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	batch_fini(&batch);
	td_store_close(store, NULL);
	return spent / (double)events;
}

/* Records a second, durable. */
static double append_journal(size_t count, double seconds, double *cpu)
{
	struct td_store *store;
	struct batch batch;
	double start, begin;
	uint64_t events = 0;

	dir_clear();
	store = store_open(DIR "/store");
	batch_init(&batch, count, true);
	work(store, TD_WORK_EVERYTHING);
	beside_wall = beside_cpu = 0;
	start = bench_clock(CLOCK_MONOTONIC);
	begin = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	while (bench_clock(CLOCK_MONOTONIC) - start - beside_wall < seconds * 1e9) {
		batch_fill(&batch, SUBJECTS);
		append(store, &batch);
		work(store, TD_WORK_COMMIT | TD_WORK_CHAIN | TD_WORK_SPARE);
		events += count;
	}
	*cpu = (bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin - beside_cpu) / (double)events;
	start = bench_clock(CLOCK_MONOTONIC) - start - beside_wall;
	batch_fini(&batch);
	td_store_close(store, NULL);
	return (double)events / start * 1e9;
}

/* Who runs the commits, as a task of the loop would. */
struct committer {
	struct td_mutex mutex;
	struct td_condition changed;
	struct td_thread thread;
	struct td_chore *chore; /* to be run; NULL: none is */
	bool over;
};

static void commit_beside(void *arg)
{
	struct committer *committer = arg;
	struct td_chore *chore;

	td_mutex_lock(&committer->mutex);
	while (!committer->over) {
		chore = committer->chore;
		if (chore == NULL) {
			td_condition_wait(&committer->changed, &committer->mutex, INT64_MAX);
			continue;
		}
		td_mutex_unlock(&committer->mutex);
		td_chore_run(chore);
		td_mutex_lock(&committer->mutex);
		committer->chore = NULL;
		td_condition_broadcast(&committer->changed);
	}
	td_mutex_unlock(&committer->mutex);
}

static void committer_hand(struct committer *committer, struct td_chore *chore, bool over)
{
	td_mutex_lock(&committer->mutex);
	while (committer->chore != NULL)
		td_condition_wait(&committer->changed, &committer->mutex, INT64_MAX);
	committer->chore = chore;
	committer->over = over;
	td_condition_broadcast(&committer->changed);
	td_mutex_unlock(&committer->mutex);
}

static void committer_wait(struct committer *committer)
{
	td_mutex_lock(&committer->mutex);
	while (committer->chore != NULL)
		td_condition_wait(&committer->changed, &committer->mutex, INT64_MAX);
	td_mutex_unlock(&committer->mutex);
}

/* The same with the next batch decided and built while the one before is written and synced. */
static double append_overlapped(size_t count, double seconds)
{
	struct committer committer = {0};
	struct td_chore *out = NULL;
	struct td_store *store;
	struct td_error err;
	struct batch batch;
	uint64_t events = 0;
	double start;

	dir_clear();
	store = store_open(DIR "/store");
	batch_init(&batch, count, true);
	work(store, TD_WORK_EVERYTHING);
	if (td_mutex_init(&committer.mutex, &err) != 0 ||
		td_condition_init(&committer.changed, &err) != 0 ||
		td_thread_start(&committer.thread, "commit", commit_beside, &committer, &err) != 0)
		die("thread", &err);
	beside_wall = beside_cpu = 0;
	start = bench_clock(CLOCK_MONOTONIC);
	while (bench_clock(CLOCK_MONOTONIC) - start - beside_wall < seconds * 1e9) {
		batch_fill(&batch, SUBJECTS);
		append(store, &batch);
		if (out != NULL) {
			committer_wait(&committer);
			if (td_store_done(store, out, &err) != 0)
				die("work", &err);
			events += count;
		}
		work(store, TD_WORK_SPARE);
		out = td_store_next(store, TD_WORK_COMMIT, 0);
		if (out != NULL)
			committer_hand(&committer, out, false);
	}
	start = bench_clock(CLOCK_MONOTONIC) - start - beside_wall;
	committer_hand(&committer, NULL, true);
	td_thread_join(&committer.thread);
	if (out != NULL && td_store_done(store, out, &err) != 0)
		die("work", &err);
	td_condition_fini(&committer.changed);
	td_mutex_fini(&committer.mutex);
	batch_fini(&batch);
	td_store_close(store, NULL);
	return (double)events / start * 1e9;
}

#define RAW_FILE ((size_t)128 << 20)

static double append_raw(size_t count, double seconds)
{
	size_t bytes = count * RECORD, at = 0;
	char *buffer = malloc(bytes), *zeros = calloc(1, 1 << 20);
	double start;
	uint64_t events = 0;
	int file;

	dir_clear();
	memset(buffer, 'x', bytes);
	file = open(DIR "/raw", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (size_t i = 0; i < RAW_FILE; i += 1 << 20) {
		if (pwrite(file, zeros, 1 << 20, (off_t)i) != 1 << 20)
			die("raw", NULL);
	}
	fdatasync(file);
	start = bench_clock(CLOCK_MONOTONIC);
	while (bench_clock(CLOCK_MONOTONIC) - start < seconds * 1e9) {
		if (at + bytes > RAW_FILE)
			at = 0;
		if (pwrite(file, buffer, bytes, (off_t)at) != (ssize_t)bytes ||
			fdatasync(file) != 0)
			die("raw", NULL);
		at += bytes;
		events += count;
	}
	start = bench_clock(CLOCK_MONOTONIC) - start;
	close(file);
	free(buffer);
	free(zeros);
	return (double)events / start * 1e9;
}

static double append_sqlite(size_t count, double seconds)
{
	sqlite3 *db;
	sqlite3_stmt *insert;
	double start;
	uint64_t events = 0;

	dir_clear();
	if (sqlite3_open(DIR "/sqlite", &db) != SQLITE_OK)
		die("sqlite", NULL);
	sqlite3_exec(db,
		"pragma journal_mode=wal; pragma synchronous=full;"
		"create table e(seq integer primary key, subject text, revision integer, type text,"
		" body blob); create unique index s on e(subject, revision)",
		NULL, NULL, NULL);
	sqlite3_prepare_v2(
		db, "insert into e(subject,revision,type,body) values(?,?,?,?)", -1, &insert, NULL);
	start = bench_clock(CLOCK_MONOTONIC);
	while (bench_clock(CLOCK_MONOTONIC) - start < seconds * 1e9) {
		sqlite3_exec(db, "begin", NULL, NULL, NULL);
		for (size_t i = 0; i < count; i++, events++) {
			char address[15] = "order.00000000";

			digits(address + 6, td_hash_u64(events) % SUBJECTS, 8);
			sqlite3_bind_text(insert, 1, address, 14, SQLITE_STATIC);
			sqlite3_bind_int64(insert, 2, (sqlite3_int64)events);
			sqlite3_bind_text(insert, 3, "OrderPlaced", 11, SQLITE_STATIC);
			sqlite3_bind_blob(insert, 4, payload, sizeof(payload), SQLITE_STATIC);
			sqlite3_step(insert);
			sqlite3_reset(insert);
		}
		sqlite3_exec(db, "commit", NULL, NULL, NULL);
	}
	start = bench_clock(CLOCK_MONOTONIC) - start;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return (double)events / start * 1e9;
}

static void bench_append_memory(void)
{
	double none = 1e9, keyed = 1e9;

	bench_header("append in memory, 1 M subjects, ns CPU");
	for (int i = 0; i < ROUNDS; i++) {
		double a = append_memory(false, 1000000), b = append_memory(true, 1000000);

		none = a < none ? a : none;
		keyed = b < keyed ? b : keyed;
	}
	bench_row("256 B, batch 256, no ids", none, 150, "ns", "<= 150", none <= 150);
	bench_row("256 B, batch 256, ids kept for duplicates", keyed, 150, "ns", "<= 150",
		keyed <= 150);
}

static void bench_append(void)
{
	static const size_t batches[] = {1, 256, 4096};

	bench_header("durable append, records of 256 B, M/s");
	for (size_t i = 0; i < 3; i++) {
		double ours[ROUNDS], beside[ROUNDS], raw[ROUNDS], sql[ROUNDS], cpu[ROUNDS], a, b, c;
		char name[64];

		for (int round = 0; round < ROUNDS; round++) {
			ours[round] = append_journal(batches[i], 1.0, &cpu[round]) / 1e6;
			beside[round] = append_overlapped(batches[i], 1.0) / 1e6;
			raw[round] = append_raw(batches[i], 0.7) / 1e6;
			sql[round] = append_sqlite(batches[i], 0.7) / 1e6;
		}
		a = bench_median(ours, ROUNDS);
		b = bench_median(raw, ROUNDS);
		c = bench_median(sql, ROUNDS);
		snprintf(name, sizeof(name), "batch %zu beside raw", batches[i]);
		bench_row(name, a, b, "M/s", ">= 0.8", a >= 0.8 * b);
		a = bench_median(beside, ROUNDS);
		snprintf(name, sizeof(name), "batch %zu beside raw, commits beside", batches[i]);
		bench_row(name, a, b, "M/s", ">= 0.8", a >= 0.8 * b);
		snprintf(name, sizeof(name), "batch %zu beside SQLite", batches[i]);
		bench_row(name, a, c, "M/s", ">= 1", a >= c);
		printf("%-44s %9.0f ns CPU a record\n", "", bench_median(cpu, ROUNDS));
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

/* All of it is in the system's memory: nobody waits, and CPU time is what reading takes. */

#define EVENTS   2000000u
#define ONE      1000u /* of one subject, spread over all */
#define LMDB_MAP ((size_t)4 << 30)

static double read_cursor(
	struct td_store *store, const struct td_read_options *options, uint64_t expected)
{
	struct td_cursor *cursor;
	struct td_stored stored;
	struct td_error err;
	double start = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	uint64_t count = 0;
	int code;

	if (td_store_read(&cursor, store, options, &err) != 0)
		die("read", &err);
	while ((code = td_cursor_next(cursor, &stored, &err)) == 0)
		count += stored.payload.len == PAYLOAD;
	td_cursor_close(cursor);
	start = bench_clock(CLOCK_THREAD_CPUTIME_ID) - start;
	if (code != TD_E_NOT_FOUND || count != expected)
		die("read", &err);
	return (double)count / start * 1e3;
}

static void fill_lmdb(MDB_env **env, MDB_dbi *dbi)
{
	MDB_txn *txn;
	char body[RECORD - 22] = {0};

	dir_clear();
	mdb_env_create(env);
	mdb_env_set_mapsize(*env, LMDB_MAP);
	if (mdb_env_open(*env, DIR, MDB_NOSYNC, 0600) != 0)
		die("lmdb", NULL);
	mdb_txn_begin(*env, NULL, 0, &txn);
	mdb_dbi_open(txn, NULL, 0, dbi);
	for (uint64_t i = 0; i < EVENTS; i++) {
		char key[22] = "order.00000000";
		MDB_val k = {sizeof(key), key}, v = {sizeof(body), body};

		digits(key + 6, i % (EVENTS / ONE) == 0 ? 99999999 : td_hash_u64(i) % SUBJECTS, 8);
		for (int b = 0; b < 8; b++)
			key[14 + b] = (char)(i >> (56 - 8 * b));
		mdb_put(txn, *dbi, &k, &v, 0);
	}
	mdb_txn_commit(txn);
}

static double read_lmdb(MDB_env *env, MDB_dbi dbi, bool one)
{
	MDB_txn *txn;
	MDB_cursor *cursor;
	char from[22] = "order.99999999";
	MDB_val k = {sizeof(from), from}, v;
	double start = bench_clock(CLOCK_THREAD_CPUTIME_ID);
	uint64_t count = 0, sum = 0;
	int code;

	mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	mdb_cursor_open(txn, dbi, &cursor);
	code = mdb_cursor_get(cursor, &k, &v, one ? MDB_SET_RANGE : MDB_FIRST);
	while (code == 0 && (!one || memcmp(k.mv_data, from, 14) == 0)) {
		count++;
		sum += ((const unsigned char *)v.mv_data)[v.mv_size - 1];
		code = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	start = bench_clock(CLOCK_THREAD_CPUTIME_ID) - start;
	if (sum != 0 || count < ONE)
		die("lmdb", NULL);
	return (double)count / start * 1e3;
}

static void bench_read(void)
{
	const struct td_text one = td_text("order.99999999");
	const struct td_read_options all = {0}, single = {.subjects = &one, .subjects_count = 1};
	double ours[2][ROUNDS], peer[2][ROUNDS], start;
	struct td_store *store;
	struct batch batch;
	MDB_env *env;
	MDB_dbi dbi;

	fill_lmdb(&env, &dbi);
	for (int i = 0; i < ROUNDS; i++) {
		peer[0][i] = read_lmdb(env, dbi, false);
		peer[1][i] = read_lmdb(env, dbi, true);
	}
	mdb_env_close(env);
	dir_clear();
	store = store_open(DIR "/store");
	batch_init(&batch, ONE, false);
	for (uint64_t i = 0; i < EVENTS; i += batch.count) {
		batch_fill(&batch, SUBJECTS);
		for (size_t j = 0; j < batch.count; j++) {
			if ((i + j) % (EVENTS / ONE) == 0)
				memcpy(batch.addresses[j], one.at, one.len);
		}
		append(store, &batch);
	}
	work(store, TD_WORK_EVERYTHING);
	batch_fini(&batch);
	for (int i = 0; i < ROUNDS; i++) {
		ours[0][i] = read_cursor(store, &all, EVENTS);
		ours[1][i] = read_cursor(store, &single, ONE);
	}
	bench_header("reading 2 M events of 256 B, M/s");
	bench_row("all, verified, beside LMDB (unverified)", bench_median(ours[0], ROUNDS),
		bench_median(peer[0], ROUNDS), "M/s", ">= 12 M/s", ours[0][ROUNDS / 2] >= 12);
	bench_row("one subject's 1,000 beside LMDB", bench_median(ours[1], ROUNDS),
		bench_median(peer[1], ROUNDS), "M/s", ">= 1.5 M/s", ours[1][ROUNDS / 2] >= 1.5);
	td_store_close(store, NULL);
	start = bench_clock(CLOCK_MONOTONIC);
	store = store_open(DIR "/store");
	printf("%-44s %9.2f s\n", "open, 2 M events, closed before",
		(bench_clock(CLOCK_MONOTONIC) - start) / 1e9);
	td_store_close(store, NULL);
}

/* --- opening ---------------------------------------------------------------------------------- */

#define TAIL 470000u /* records of 256 B: nearly all of a segment of 128 MiB */

/* The journal alone is bench_journal's; here all that lies in the last segment is indexed, too. */
static void bench_open(void)
{
	double wall[ROUNDS], cpu[ROUNDS];
	struct td_store *store;
	struct batch batch;

	dir_clear();
	store = store_open(DIR "/store");
	batch_init(&batch, 1000, false);
	for (uint64_t i = 0; i < TAIL; i += batch.count) {
		batch_fill(&batch, SUBJECTS);
		append(store, &batch);
	}
	work(store, TD_WORK_COMMIT);
	batch_fini(&batch);
	for (int i = 0; i < ROUNDS; i++) {
		td_store_abandon(store);
		wall[i] = bench_clock(CLOCK_MONOTONIC);
		cpu[i] = bench_clock(CLOCK_THREAD_CPUTIME_ID);
		store = store_open(DIR "/store");
		wall[i] = (bench_clock(CLOCK_MONOTONIC) - wall[i]) / 1e6;
		cpu[i] = (bench_clock(CLOCK_THREAD_CPUTIME_ID) - cpu[i]) / 1e6;
	}
	td_store_abandon(store);
	bench_header("open after a crash, 470,000 events in the last segment");
	bench_row("wall, index made anew", bench_median(wall, ROUNDS), 250, "ms", "<= 250 ms",
		bench_median(wall, ROUNDS) <= 250);
	bench_row("CPU", bench_median(cpu, ROUNDS), 250, "ms", "<= 250 ms",
		bench_median(cpu, ROUNDS) <= 250);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void bench_memory(void)
{
	struct td_store *store = store_open(NULL);
	struct td_store_status status;
	struct batch batch;
	double each;

	batch_init(&batch, 250, false);
	while (batch.next < 10000000) {
		for (size_t i = 0; i < batch.count; i++) {
			uint64_t number = batch.next++;

			memcpy(batch.addresses[i], "order.00000000", 14);
			digits(batch.addresses[i] + 6, number, 8);
			batch.entries[i] =
				(struct td_entry){.address = td_text_of(batch.addresses[i], 14)};
		}
		append(store, &batch);
	}
	td_store_status(store, &status);
	each = (double)status.index_subject_bytes / (double)status.subjects;
	bench_header("memory, 10 M subjects of 14 B");
	bench_row("bytes a subject, address included", each, 100, "B", "<= 100", each <= 100);
	batch_fini(&batch);
	td_store_close(store, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"memory", bench_append_memory}, {"append", bench_append},
		{"read", bench_read}, {"open", bench_open}, {"subjects", bench_memory}};

	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (argc < 2 || strcmp(argv[1], parts[i].name) == 0)
			parts[i].run();
	}
	nftw(DIR, rm, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
