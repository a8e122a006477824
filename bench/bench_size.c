/*
 * What an event costs as a store grows: CPU against the events, subjects and logs that are there.
 *
 *	append  one event of 128 B to a random subject: td_store_append() alone, one by one, after
 *		td_store_want() as whoever has a turn's work before him would do
 *	commit  its share of a frame of 512, written and synced (spare segments left out)
 *	latest  td_store_latest() of a random subject
 *	newest  an event of a cursor over the ten newest of a random subject, where it has ten
 *	whole   an event of a cursor over all of a random subject, where it has ten
 *
 * Beside each point stands the RSS that the store took. Peer of each row is the first of its curve; wanted is at most 1.5 of it. At last a store is read
 * through from beginning to end: what the process takes then.
 *
 *	bench_size [DIR [EVENTS-MAX [THROUGH-MIB]]]	default "." 1000000 256; 10000000 for the whole
 *							curve, 10240 for 10 GiB
 */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "store/store.h"

#define CPU      CLOCK_THREAD_CPUTIME_ID
#define TURN     512
#define TURNS    128
#define WANTED   64 /* of them at once */
#define READS    2000
#define NEWEST   10
#define WHOLES   100
#define PAYLOAD  128
#define LOGS_MAX 1000

struct point {
	uint64_t events, subjects, logs;
	double append, commit, latest, newest, whole; /* us */
	double rss, opened;                           /* MiB */
};

static char payload[1024];
static struct td_rng rng;

static void check(int code, const struct td_error *err)
{
	if (code != 0) {
		fprintf(stderr, "bench_size: %s\n", err->text);
		exit(1);
	}
}

static double rss_mib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long all, resident = 0;

	if (file == NULL || fscanf(file, "%lu %lu", &all, &resident) != 2)
		exit(1);
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* --- a store ------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void make_dir(const char *dir, char path[4096])
{
	snprintf(path, 4096, "%s/bench-size-XXXXXX", dir);
	if (mkdtemp(path) == NULL) {
		fprintf(stderr, "bench_size: %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

/* CPU of commits, in ns. */
static double commit(struct td_store *store)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_chore *chore;
	double cpu = 0;

	for (;;) {
		double start = bench_clock(CPU);

		chore = td_store_next(store, TD_WORK_EVERYTHING, 0);
		if (chore == NULL)
			return cpu;
		bool counts = td_chore_kind(chore) == TD_WORK_COMMIT;
		td_chore_run(chore);
		check(td_store_done(store, chore, &err), &err);
		if (counts)
			cpu += bench_clock(CPU) - start;
	}
}

static struct td_store *open_store(const char *path, uint64_t logs)
{
	const struct td_store_options options = {
		.journal = {.disk = &td_disk_real,
			.clock = &td_clock_real,
			.random = &td_random_real,
			.create = true},
	};
	struct td_error err = TD_ERROR_INIT;
	struct td_store *store;
	uint64_t rests_on;

	check(td_store_open(&store, path, &options, NULL, &err), &err);
	for (uint64_t i = 0; i < logs; i++) {
		char name[32], pattern[32];
		const struct td_text subject = {
			pattern, (size_t)snprintf(pattern, sizeof(pattern), "l%" PRIu64 ".>", i)};
		const struct td_log_config config = {.subjects = &subject, .subjects_count = 1};

		snprintf(name, sizeof(name), "L%" PRIu64, i);
		check(td_store_log_set(
			      store, td_text(name), &config, TD_LOG_CREATE, &rests_on, &err),
			&err);
		commit(store);
	}
	return store;
}

static struct td_text address(char room[64], const struct point *point, uint64_t subject)
{
	int len = snprintf(room, 64, "l%" PRIu64 ".order.%" PRIu64, subject % point->logs, subject);

	return td_text_of(room, (size_t)len);
}

/* --- filling and measuring ---------------------------------------------------------------- */

static void append(struct td_store *store, const struct td_entry *entries, size_t count)
{
	static struct td_placed placed[TURN];
	struct td_error err = TD_ERROR_INIT;
	uint64_t rests_on;
	int code;

	while ((code = td_store_append(store, entries, count, placed, &rests_on, NULL, &err)) ==
		TD_E_FULL)
		commit(store);
	check(code, &err);
}

/* Round after round over the subjects, so that all are there, with as many events each. */
static void fill(struct td_store *store, const struct point *point, size_t payload_bytes)
{
	static struct td_entry entries[TURN];
	static char rooms[TURN][64];

	for (uint64_t done = 0; done < point->events; done += TURN) {
		for (uint64_t i = 0; i < TURN; i++)
			entries[i] = (struct td_entry){
				.address = address(rooms[i], point, (done + i) % point->subjects),
				.payload = td_text_of(payload, payload_bytes)};
		append(store, entries, TURN);
		commit(store);
	}
}

static void measure_appends(struct td_store *store, struct point *point)
{
	static struct td_entry entries[TURN];
	static char rooms[TURN][64];
	double appends[TURNS], commits[TURNS];

	for (int turn = 0; turn < TURNS; turn++) {
		for (size_t i = 0; i < TURN; i++)
			entries[i] = (struct td_entry){.address = address(rooms[i], point,
							       td_rng_u64(&rng) % point->subjects),
				.payload = td_text_of(payload, PAYLOAD)};
		double start = bench_clock(CPU);
		for (size_t i = 0; i < TURN; i++) {
			if (i % WANTED == 0)
				td_store_want(store, &entries[i], WANTED);
			append(store, &entries[i], 1);
		}
		appends[turn] = bench_clock(CPU) - start;
		commits[turn] = commit(store);
	}
	point->append = bench_median(appends, TURNS) / TURN / 1e3;
	point->commit = bench_median(commits, TURNS) / TURN / 1e3;
}

static void measure_latest(struct td_store *store, struct point *point)
{
	struct td_buf buf = TD_BUF_INIT((size_t)64 << 20);
	struct td_error err = TD_ERROR_INIT;
	struct td_stored stored;
	double values[READS];
	char room[64];

	for (int i = 0; i < READS; i++) {
		struct td_text subject = address(room, point, td_rng_u64(&rng) % point->subjects);
		double start = bench_clock(CPU);

		check(td_store_latest(store, td_text(NULL), subject, &stored, &buf, &err), &err);
		values[i] = bench_clock(CPU) - start;
	}
	point->latest = bench_median(values, READS) / 1e3;
	td_buf_fini(&buf);
}

/* In ns an event. */
static double read_subject(struct td_store *store, const struct point *point, bool newest)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_cursor *cursor;
	struct td_stored stored;
	char room[64];
	struct td_text subject = address(room, point, td_rng_u64(&rng) % point->subjects);
	const struct td_read_options options = {
		.subjects = &subject, .subjects_count = 1, .backward = newest};
	double start = bench_clock(CPU);
	int code = 0, count = 0;

	check(td_store_read(&cursor, store, &options, &err), &err);
	while (code == 0 && !(newest && count == NEWEST)) {
		code = td_cursor_next(cursor, &stored, &err);
		count += code == 0;
	}
	if (code != TD_E_NOT_FOUND)
		check(code, &err);
	td_cursor_close(cursor);
	return (bench_clock(CPU) - start) / count;
}

static void measure_reads(struct td_store *store, struct point *point)
{
	double values[READS];

	if (point->events / point->subjects < NEWEST)
		return;
	for (int i = 0; i < READS; i++)
		values[i] = read_subject(store, point, true);
	point->newest = bench_median(values, READS) / 1e3;
	for (int i = 0; i < WHOLES; i++)
		values[i] = read_subject(store, point, false);
	point->whole = bench_median(values, WHOLES) / 1e3;
}

static void measure(const char *path, struct point *point)
{
	struct td_error err = TD_ERROR_INIT;
	double before = rss_mib();
	struct td_store *store = open_store(path, point->logs);

	fill(store, point, PAYLOAD);
	measure_appends(store, point);
	point->rss = rss_mib() - before;
	measure_latest(store, point);
	measure_reads(store, point);
	check(td_store_close(store, &err), &err);
}

/* In a process of its own, whose memory tells nothing of what was before. */
static void apart(
	void (*what)(const char *path, struct point *point), const char *path, struct point *point)
{
	struct point *shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;

	if (shared == MAP_FAILED)
		exit(1);
	*shared = *point;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		what(path, shared);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		exit(1);
	*point = *shared;
	munmap(shared, sizeof(*shared));
}

/* --- curves ------------------------------------------------------------------------------- */

static void row(const char *of, double value, double first)
{
	char name[64];

	if (value == 0)
		return;
	snprintf(name, sizeof(name), "    %s", of);
	bench_row(name, value, first > 0 ? first : value, "us", "ratio <= 1.5",
		first == 0 || value <= 1.5 * first);
}

static void curve(const char *dir, const char *title, struct point *points, size_t count)
{
	bench_header(title);
	for (size_t i = 0; i < count; i++) {
		struct point *point = &points[i];
		char path[4096];

		make_dir(dir, path);
		apart(measure, path, point);
		nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		printf("%" PRIu64 " events, %" PRIu64 " subjects, %" PRIu64 " logs: %.0f MiB\n",
			point->events, point->subjects, point->logs, point->rss);
		row("append", point->append, points[0].append);
		row("commit", point->commit, points[0].commit);
		row("latest", point->latest, points[0].latest);
		row("newest", point->newest, points[0].newest);
		row("whole", point->whole, points[0].whole);
		fflush(stdout);
	}
}

/* --- through ------------------------------------------------------------------------------ */

static void write_all(const char *path, struct point *point)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_store *store = open_store(path, point->logs);

	fill(store, point, sizeof(payload));
	check(td_store_close(store, &err), &err);
}

static void read_all(const char *path, struct point *point)
{
	struct td_error err = TD_ERROR_INIT;
	double before = rss_mib(), start;
	struct td_cursor *cursor;
	struct td_stored stored;
	uint64_t count = 0;
	int code;

	struct td_store *store = open_store(path, 0);
	point->opened = rss_mib() - before;
	start = bench_clock(CPU);
	check(td_store_read(&cursor, store, &(struct td_read_options){0}, &err), &err);
	while ((code = td_cursor_next(cursor, &stored, &err)) == 0) {
		if (++count % 65536 == 0 && rss_mib() - before > point->rss)
			point->rss = rss_mib() - before;
	}
	if (code != TD_E_NOT_FOUND)
		check(code, &err);
	point->whole = (bench_clock(CPU) - start) / (double)count / 1e3;
	td_cursor_close(cursor);
	check(td_store_close(store, &err), &err);
}

static void through(const char *dir, uint64_t mib)
{
	struct point point = {.events = mib << 10, .subjects = 1000, .logs = 1};
	char path[4096];

	make_dir(dir, path);
	apart(write_all, path, &point);
	apart(read_all, path, &point);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	bench_header("size: a store read through");
	printf("%" PRIu64 " events of 1 KiB, %" PRIu64
	       " MiB: %.3f us each; RSS: %.0f MiB when opened,"
	       " at most %.0f MiB while read\n",
		point.events, mib, point.whole, point.opened, point.rss);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : ".";
	uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	struct point events[3] = {{.events = 100000, .subjects = 10000, .logs = 1}};
	struct point subjects[4], logs[4];
	uint64_t many = most < 1000000 ? most : 1000000;
	size_t count = 1;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)('a' + i % 26);
	td_rng_init(&rng, 1);
	for (uint64_t n = 1000000; n <= most && count < 3; n *= 10)
		events[count++] = (struct point){.events = n, .subjects = 10000, .logs = 1};
	curve(dir, "size: CPU against events", events, count);
	count = 0;
	for (uint64_t n = 1000; n <= many && count < 4; n *= 10)
		subjects[count++] = (struct point){.events = many, .subjects = n, .logs = 1};
	curve(dir, "size: CPU against subjects", subjects, count);
	count = 0;
	for (uint64_t n = 1; n <= LOGS_MAX; n *= 10)
		logs[count++] = (struct point){.events = many, .subjects = 10000, .logs = n};
	curve(dir, "size: CPU against logs", logs, count);
	through(dir, argc > 3 ? strtoull(argv[3], NULL, 10) : 256);
	return 0;
}
