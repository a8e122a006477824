/*
 * Directories as they should not be, and machines that are in the way, on real file systems: each
 * answered with its own code, the path and what to do; and nothing changed or deleted by it.
 */
#include "store_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "journal/page.h"

/* --- directories -------------------------------------------------------------------------- */

/* Names and bytes of all in it, and below; but for LOCK, which holds a process id for people. */
static uint64_t sum_of(const char *path)
{
	static uint8_t bytes[1 << 20];
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t sum = 1;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		char below[400];
		ssize_t got;
		int file;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "LOCK") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		sum += td_hash(entry->d_name, strlen(entry->d_name), 1);
		if (entry->d_type == DT_DIR) {
			sum += sum_of(below) * 3;
			continue;
		}
		file = open(below, O_RDONLY | O_CLOEXEC);
		for (uint64_t at = 0; (got = read(file, bytes, sizeof(bytes))) > 0; at++)
			sum += td_hash(bytes, (size_t)got,
				td_hash(entry->d_name, strlen(entry->d_name), at));
		close(file);
	}
	closedir(dir);
	return sum;
}

static const char *in(const struct scene *scene, const char *name)
{
	static char paths[4][200];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, 200, "%s/%s", scene->path, name);
	return path;
}

static int is_segment(const struct dirent *entry)
{
	return strncmp(entry->d_name, "seg-", 4) == 0;
}

/* The n-th segment, or from the end where n is negative. */
static const char *segment(const struct scene *scene, int n)
{
	static char paths[2][400];
	static unsigned turn;
	char *path = paths[turn++ % 2];
	struct dirent **entries;
	int count = scandir(scene->path, &entries, is_segment, alphasort);

	assert_true(count > 2);
	n = n < 0 ? count + n : n;
	snprintf(path, sizeof(paths[0]), "%s/%s", scene->path, entries[n]->d_name);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return path;
}

static void copy_file(const char *from, const char *to)
{
	static uint8_t bytes[1 << 20];
	int in_file = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t got = read(in_file, bytes, sizeof(bytes));

	assert_true(got > 0 && write(out, bytes, (size_t)got) == got);
	close(in_file);
	close(out);
}

/* A page with a bit set at this offset, sealed anew. */
static void set_feature(const char *path, size_t offset, uint32_t magic)
{
	uint8_t page[TD_PAGE_BYTES];
	int file = open(path, O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(file, page, sizeof(page), 0), sizeof(page));
	page[offset] |= 0x80;
	td_page_seal(page, magic != 0 ? magic : td_le32_get(page));
	assert_int_equal(pwrite(file, page, sizeof(page), 0), sizeof(page));
	close(file);
}

/* --- stores ------------------------------------------------------------------------------- */

#define EVENTS 80

/* Some segments of events, closed. */
static void make(struct scene *scene)
{
	static char payload[4001];

	memset(payload, 'x', sizeof(payload) - 1);
	scene_open(scene);
	for (int i = 0; i < EVENTS; i++) {
		scene_append(scene, "order.1", payload);
		scene_commit(scene);
	}
	scene_close(scene);
}

static void begin(struct scene *scene)
{
	scene_begin(scene, IN_JOURNAL);
	scene->options.journal.disk = &td_disk_real;
	scene->options.journal.segment_bytes_max = (size_t)64 << 10;
}

static int try_open(struct scene *scene)
{
	scene->err = (struct td_error)TD_ERROR_INIT;
	scene->store = NULL;
	return td_store_open(
		&scene->store, scene->path, &scene->options, &scene->report, &scene->err);
}

/* Refused with this code; path and word are in the text; nothing is changed. */
static void expect_refused(struct scene *scene, int code, const char *word)
{
	uint64_t before = sum_of(scene->path);
	int found = try_open(scene);

	if (found != code || strstr(scene->err.text, scene->path) == NULL ||
		strstr(scene->err.text, word) == NULL)
		fail_msg("%s, not %s with \"%s\": %s", td_error_name(found), td_error_name(code),
			word, scene->err.text);
	assert_true(sum_of(scene->path) == before);
}

static void expect_events(struct scene *scene, int count)
{
	const struct td_read_options all = {0};
	struct td_cursor *cursor;
	struct td_stored stored;
	int found = 0, code;

	must(scene, td_store_read(&cursor, scene->store, &all, &scene->err));
	while ((code = td_cursor_next(cursor, &stored, &scene->err)) == 0)
		found++;
	assert_int_equal(code, TD_E_NOT_FOUND);
	assert_int_equal(found, count);
	td_cursor_close(cursor);
}

/* --- what is in the directory --------------------------------------------------------------- */

static void what_is_something_else_is_left_alone(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	close(open(in(&scene, "thesis.tex"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect_refused(&scene, TD_E_FOREIGN, "other things");
	unlink(in(&scene, "thesis.tex"));
	strcat(scene.path, "/file");
	close(open(scene.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	expect_refused(&scene, TD_E_SYSTEM, "ot a directory");
	*strrchr(scene.path, '/') = '\0';
	strcat(scene.path, "/no/where");
	expect_refused(&scene, TD_E_NOT_FOUND, "none");
	scene.path[strlen(scene.path) - strlen("/no/where")] = '\0';
	scene_end(&scene);
}

static void a_newer_format_is_told_from_damage(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	make(&scene);
	set_feature(in(&scene, "CONTROL.a"), 24, 0); /* ro_compat: who does not know may read */
	set_feature(in(&scene, "CONTROL.b"), 24, 0);
	expect_refused(&scene, TD_E_NEWER, "newer version");
	scene.options.journal.read_only = true;
	assert_int_equal(try_open(&scene), 0);
	expect_events(&scene, EVENTS);
	scene_close(&scene);
	set_feature(in(&scene, "CONTROL.a"), 32, 0); /* incompat */
	set_feature(in(&scene, "CONTROL.b"), 32, 0);
	expect_refused(&scene, TD_E_NEWER, "open it with the version");
	scene_end(&scene);
}

static void a_newer_segment_is_told_from_damage(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	make(&scene);
	set_feature(segment(&scene, 1), 32, 0);
	expect_refused(&scene, TD_E_NEWER, "newer version");
	scene_end(&scene);
}

static void what_is_missing_stops_the_opening(void **state)
{
	static const int which[] = {0, 1, -1};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin(&scene);
		make(&scene);
		unlink(segment(&scene, which[i]));
		expect_refused(&scene, TD_E_DAMAGED, "put the file back");
		scene_end(&scene);
	}
	begin(&scene);
	make(&scene);
	unlink(in(&scene, "CONTROL.a"));
	unlink(in(&scene, "CONTROL.b"));
	expect_refused(&scene, TD_E_DAMAGED, "backup");
	scene_end(&scene);
}

/* Another store's, under a name that one has here. */
static void a_mixed_segment_stops_the_opening(void **state)
{
	static const int which[] = {0, 1, -1};
	struct scene scene, other;

	(void)state;
	begin(&other);
	td_rng_init(&other.rng, 43);
	make(&other);
	for (size_t i = 0; i < 3; i++) {
		begin(&scene);
		make(&scene);
		copy_file(segment(&other, which[i]), segment(&scene, which[i]));
		expect_refused(&scene, TD_E_DAMAGED, "put the file back");
		scene_end(&scene);
	}
	scene_end(&other);
}

/* One more than there should be: it is put aside, as it is, and the rest is served. */
static void an_extra_segment_of_another_store_is_put_aside(void **state)
{
	struct scene scene, other;
	struct stat status;

	(void)state;
	begin(&other);
	td_rng_init(&other.rng, 43);
	make(&other);
	begin(&scene);
	make(&scene);
	copy_file(segment(&other, 0), in(&scene, "seg-0000000000001000.log"));
	assert_int_equal(try_open(&scene), 0);
	assert_int_equal(scene.report.quarantined, 1);
	assert_true(scene.report.clean);
	expect_events(&scene, EVENTS);
	scene_close(&scene);
	assert_int_equal(stat(in(&scene, "quarantine/seg-0000000000001000.log"), &status), 0);
	assert_true(status.st_size >= 64 << 10);
	scene_end(&scene);
	scene_end(&other);
}

/* --- machines ------------------------------------------------------------------------------- */

/* In a process of its own, as nobody; 0: all is as it should be, 77: not possible here. */
static void as_nobody(struct scene *scene, const char *closed)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int code;

		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(77);
		code = try_open(scene);
		if (code != TD_E_SYSTEM || strstr(scene->err.text, scene->path) == NULL ||
			strstr(scene->err.text, "ermission denied") == NULL) {
			print_error("%s: %s: %s\n", closed, td_error_name(code), scene->err.text);
			_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int give(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return geteuid() == 0 ? chown(path, 65534, 65534) : 0;
}

static void what_one_may_not_read_or_write_says_so(void **state)
{
	struct scene scene;
	uint64_t before;

	(void)state;
	begin(&scene);
	make(&scene);
	assert_int_equal(nftw(scene.path, give, 8, FTW_PHYS), 0);
	before = sum_of(scene.path);
	assert_int_equal(chmod(scene.path, 0), 0);
	as_nobody(&scene, "the directory");
	assert_int_equal(chmod(scene.path, 0700), 0);
	assert_int_equal(chmod(segment(&scene, 1), 0), 0);
	as_nobody(&scene, "a segment");
	assert_int_equal(chmod(segment(&scene, 1), 0600), 0);
	assert_int_equal(chmod(in(&scene, "CONTROL.b"), 0400), 0);
	as_nobody(&scene, "CONTROL");
	assert_true(sum_of(scene.path) == before);
	scene_end(&scene);
}

/* A file system of its own, of so many KiB; false: not possible here. */
static bool mount_small(struct scene *scene, unsigned kib)
{
	char data[40];

	snprintf(data, sizeof(data), "size=%uk", kib);
	if (mount("tmpfs", scene->path, "tmpfs", 0, data) == 0)
		return true;
	print_message("no file system of our own here: %s\n", strerror(errno));
	scene_end(scene);
	return false;
}

static void end_small(struct scene *scene)
{
	umount2(scene->path, MNT_DETACH);
	scene_end(scene);
}

static void a_file_system_that_is_read_only_can_be_looked_at(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	if (!mount_small(&scene, 4096))
		skip();
	make(&scene);
	assert_int_equal(mount(NULL, scene.path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	expect_refused(&scene, TD_E_READ_ONLY, "look");
	scene.options.journal.read_only = true;
	assert_int_equal(try_open(&scene), 0);
	expect_events(&scene, EVENTS);
	scene_close(&scene);
	end_small(&scene);
}

/* Appends until it is refused; how many went. */
static int fill(struct scene *scene, int *code)
{
	static char payload[4001];
	struct td_entry entry;
	struct td_placed placed;
	uint64_t rests_on;
	int count = 0;

	memset(payload, 'x', sizeof(payload) - 1);
	entry = entry_of("order.1", payload);
	for (int tries = 0; tries < 1000; tries++) {
		struct td_chore *chore;
		bool turned = false;

		*code = td_store_append(
			scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err);
		count += *code == 0;
		if (*code != 0 && *code != TD_E_FULL)
			return count;
		while ((chore = td_store_next(scene->store,
				TD_WORK_COMMIT | TD_WORK_CHAIN | TD_WORK_SPARE,
				scene->now_ns / 1000000)) != NULL) {
			td_chore_run(chore);
			td_store_done(scene->store, chore, &scene->err);
			turned = true;
		}
		if (*code == TD_E_FULL && !turned)
			return count;
	}
	return count;
}

/* A file that takes what space there is, but for so many KiB. */
static void put_ballast(const struct scene *scene, const char *name, unsigned leave_kib)
{
	static const char page[4096] = {1};
	int file = open(in(scene, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	off_t bytes = 0;

	while (write(file, page, sizeof(page)) == sizeof(page))
		bytes += (off_t)sizeof(page);
	assert_int_equal(ftruncate(file, bytes - ((off_t)leave_kib << 10)), 0);
	close(file);
}

static void a_full_file_system_refuses_and_the_rest_goes_on(void **state)
{
	const uint64_t seq = 1;
	const struct td_removal removal = {.log = td_text("events"), .seqs = &seq, .seqs_count = 1};
	uint64_t removed, rests_on;
	struct scene scene;
	int code, count;

	(void)state;
	begin(&scene);
	if (!mount_small(&scene, 1024))
		skip();
	assert_int_equal(mkdir(in(&scene, "store"), 0700), 0);
	put_ballast(&scene, "ballast", 32);
	strcat(scene.path, "/store");
	assert_int_equal(try_open(&scene), TD_E_DISK_FULL); /* not even the first segment */
	assert_non_null(strstr(scene.err.text, scene.path));
	unlink(in(&scene, "../ballast"));
	put_ballast(&scene, "../ballast", 400);
	scene_open(&scene);
	count = fill(&scene, &code);
	assert_int_equal(code, TD_E_DISK_FULL);
	assert_true(count > 20);
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	assert_int_equal(fill(&scene, &code), 0);
	assert_int_equal(code, TD_E_DISK_FULL);
	scene_close(&scene);
	scene_open(&scene); /* while it is full, too */
	expect_events(&scene, count - 1);
	(void)fill(&scene, &code);
	assert_int_equal(code, TD_E_DISK_FULL);
	unlink(in(&scene, "../ballast"));
	scene.now_ns += INT64_C(60000000000);
	scene_commit(&scene);
	assert_true(fill(&scene, &code) > 20);
	td_store_abandon(scene.store);
	scene.store = NULL;
	*strrchr(scene.path, '/') = '\0';
	end_small(&scene);
}

static void a_limit_on_the_size_of_files_refuses_and_does_not_kill(void **state)
{
	struct scene scene;
	int status;
	pid_t child;

	(void)state;
	begin(&scene);
	scene.options.journal.segment_bytes_max = (size_t)256 << 10;
	child = fork();
	if (child == 0) {
		const struct rlimit limit = {200 << 10, 200 << 10};
		int code, count;

		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_FSIZE, &limit);
		if (try_open(&scene) != 0)
			_exit(1);
		count = fill(&scene, &code);
		if (code != TD_E_DISK_FULL || count < 10) {
			print_error("%d, %s: %s\n", count, td_error_name(code), scene.err.text);
			_exit(2);
		}
		_exit(td_store_close(scene.store, &scene.err) == 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	scene_open(&scene); /* with the limit gone it goes on */
	assert_true(fill(&scene, &status) > 20);
	scene_end(&scene);
}

/* What is open stays so; what has to be made cannot be, and that is an answer, not a wait. */
/* A bit of these bytes is another one, wherever they stand first. */
static void flip_bit_of(const struct scene *scene, const char *bytes)
{
	static char content[1 << 20];
	const char *path = in(scene, "seg-0000000000000001.log"), *at;
	int file = open(path, O_RDWR | O_CLOEXEC);
	ssize_t len = read(file, content, sizeof(content));
	char other;

	assert_true(len > 0);
	at = memmem(content, (size_t)len, bytes, strlen(bytes));
	assert_non_null(at);
	other = (char)(*at ^ 1);
	assert_int_equal(pwrite(file, &other, 1, at - content), 1);
	close(file);
}

static struct td_placed append_and_commit(
	struct scene *scene, const char *address, const char *payload)
{
	struct td_placed placed = scene_append(scene, address, payload);

	scene_commit(scene);
	return placed;
}

/*
 * What is given up with the end of a journal was acknowledged: its numbers are in other people's
 * books, and nobody here knows them any more. None of them is given again.
 */
static void numbers_of_what_was_given_up_are_not_given_again(void **state)
{
	const struct td_removal removal = {.log = td_text("events"), .pattern = td_text("dead")};
	struct scene scene;
	struct td_placed last, known, fresh, dead, placed;
	struct td_log_info info;
	uint64_t removed, rests_on, seq, revision;
	uint32_t number;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	append_and_commit(&scene, "known", "1");
	append_and_commit(&scene, "dead", "2");
	must(&scene, td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	append_and_commit(&scene, "known", "bytes-to-spoil");
	scene_log(&scene, "young", "young", (struct td_log_config){0});
	append_and_commit(&scene, "young", "3");
	must(&scene, td_store_log(scene.store, td_text("young"), 0, &info, &scene.err));
	number = info.number;
	known = append_and_commit(&scene, "known", "4");
	dead = append_and_commit(&scene, "dead", "5");
	fresh = append_and_commit(&scene, "fresh", "6");
	fresh = append_and_commit(&scene, "fresh", "7");
	last = fresh;
	scene_close(&scene);
	flip_bit_of(&scene, "bytes-to-spoil");
	scene.err = (struct td_error)TD_ERROR_INIT;
	assert_int_equal(
		td_store_open(&scene.store, scene.path, &scene.options, &scene.report, &scene.err),
		TD_E_DAMAGED);
	scene.options.journal.accept_tail_loss = true;
	scene_open(&scene);
	/* Killed before anything of the new life is durable. */
	td_store_abandon(scene.store);
	scene.options.journal.accept_tail_loss = false;
	scene_open(&scene);
	placed = scene_append(&scene, "fresh", "8");
	assert_true(placed.position > last.position);
	assert_true(placed.seq > last.seq);
	assert_true(placed.revision > fresh.revision);
	for (int i = 0; i < 4; i++) {
		placed = scene_append(&scene, "known", "9");
		assert_true(placed.revision > known.revision);
		known = placed;
		placed = scene_append(&scene, "dead", "10");
		assert_true(placed.revision > dead.revision);
		if (i == 2) /* the latest is the one that is there */
			assert_int_equal(placed.revision, dead.revision + 1);
		dead = placed;
		must(&scene,
			td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
		seq = placed.seq;
		revision = known.revision;
		/* At last by the catalog beside a sealed segment. */
		if (i == 1) {
			scene_commit(&scene);
			td_journal_roll(td_store_journal(scene.store));
			scene_append(&scene, "other", "");
			seq++;
			scene_commit(&scene);
			scene.now_ns += 600000000000;
		}
		scene_reopen(&scene);
		placed = scene_append(&scene, "known", "11");
		assert_int_equal(placed.seq, seq + 1);
		assert_int_equal(placed.revision, revision + 1);
		known = placed;
		td_store_verify(scene.store);
	}
	scene_log(&scene, "young", "young", (struct td_log_config){0});
	scene_commit(&scene);
	must(&scene, td_store_log(scene.store, td_text("young"), 0, &info, &scene.err));
	assert_true(info.number > number);
	assert_int_equal(scene_append(&scene, "young", "12").revision, 1);
	scene_end(&scene);
}

static int reads_left;

static int read_while_it_goes(
	void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	if (reads_left-- <= 0)
		return EIO;
	return td_disk_real.read(arg, file, bytes, len, offset, got);
}

/* Reading fails from the n-th time on, in a store whose index lies on disk: it is told. */
static void an_index_that_cannot_be_read_is_told(void **state)
{
	const struct td_removal removals[] = {
		{.log = td_text("events"), .pattern = td_text("s.*"), .keep = 10},
		{.log = td_text("events"), .below = 51},
	};
	struct td_stored stored;
	struct td_buf buf = TD_BUF_INIT(65536);
	bool whole = false;

	(void)state;
	for (int n = 0, way = 0; way < 2; n = whole ? 0 : n + 1, way += whole) {
		struct scene scene;
		uint64_t removed = 0, rests_on;
		char address[16];
		int code;

		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		for (int i = 0; i < 60; i++) {
			snprintf(address, sizeof(address), "s.%d", i % 7);
			scene_append(&scene, address, "x");
		}
		scene_commit(&scene);
		td_journal_roll(td_store_journal(scene.store));
		scene_append(&scene, "other", "x");
		scene_commit(&scene);
		scene.now_ns += 600000000000;
		scene_reopen(&scene); /* by the catalog */
		scene.disk.read = read_while_it_goes;
		reads_left = n;
		code = td_store_remove(
			scene.store, &removals[way], &removed, &rests_on, &scene.err);
		whole = code == 0;
		if (code == 0)
			assert_int_equal(removed, 50);
		else
			assert_int_equal(code, TD_E_DAMAGED);
		td_store_latest(scene.store, td_text(NULL), td_text("s.1"), &stored, &buf, NULL);
		scene.disk.read = td_disk_real.read;
		scene_commit(&scene);
		td_store_verify(scene.store);
		/* With a disk that reads again all is as it was told. */
		scene_reopen(&scene);
		td_store_verify(scene.store);
		td_store_status(scene.store, &(struct td_store_status){0});
		scene_end(&scene);
	}
	td_buf_fini(&buf);
}

/*
 * What a log adopts leaves its subject in `events` with an older event that cannot be read, and whose
 * index cannot be read any more by then.
 */
static void an_index_that_cannot_be_read_while_events_are_adopted_is_told(void **state)
{
	enum { MANY = 1000 };
	const struct td_text orders[] = {TD_TEXT_INIT("order.>")};
	const struct td_log_config config = {.subjects = orders, .subjects_count = 1};
	const uint64_t none = 1000000;
	const struct td_removal nothing = {
		.log = td_text("orders"), .seqs = &none, .seqs_count = 1};
	struct scene scene;
	struct td_log_info info;
	bool spoilt = false;
	char address[32];
	uint64_t removed, rests_on;
	int index, code;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.index_bytes = 1;
	scene_open(&scene);
	append_and_commit(&scene, "order.1", "bytes-to-spoil");
	td_journal_roll(td_store_journal(scene.store));
	for (int i = 2; i < MANY; i++) {
		snprintf(address, sizeof(address), "order.%d", i);
		append_and_commit(&scene, address, "x");
	}
	append_and_commit(&scene, "order.1", "the latest");
	scene.now_ns += 600000000000;
	scene_reopen(&scene); /* by the catalog */
	flip_bit_of(&scene, "bytes-to-spoil");
	while ((code = td_store_log_set(scene.store, td_text("orders"), &config,
			TD_LOG_CREATE | TD_LOG_ADOPT, &rests_on, &scene.err)) == TD_E_FULL) {
		scene_commit(&scene);
		if (spoilt)
			continue;
		must(&scene, td_store_log(scene.store, td_text("events"), 0, &info, &scene.err));
		if (info.count == MANY)
			continue;
		/* The first ones are over. Who removes gives pages back. */
		must(&scene,
			td_store_remove(scene.store, &nothing, &removed, &rests_on, &scene.err));
		index = open(in(&scene, "index-0000000000000001"), O_WRONLY | O_CLOEXEC);
		for (off_t at = 168; at < lseek(index, 0, SEEK_END); at++)
			assert_int_equal(pwrite(index, "x", 1, at), 1);
		close(index);
		spoilt = true;
	}
	assert_true(spoilt);
	assert_int_equal(code, TD_E_DAMAGED);
	scene_commit(&scene);
	td_store_abandon(scene.store);
	scene.store = NULL;
	scene_end(&scene);
}

static void a_directory_that_vanishes_is_told(void **state)
{
	struct scene scene;
	int code, count;

	(void)state;
	begin(&scene);
	scene_open(&scene);
	scene_append(&scene, "order.1", "1");
	scene_commit(&scene);
	assert_int_equal(nftw(scene.path, scene_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	count = fill(&scene, &code);
	assert_true(count > 0);
	assert_true(code == TD_E_DISK || code == TD_E_SYSTEM);
	assert_non_null(strstr(scene.err.text, scene.path));
	td_store_abandon(scene.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_something_else_is_left_alone),
		cmocka_unit_test(a_newer_format_is_told_from_damage),
		cmocka_unit_test(a_newer_segment_is_told_from_damage),
		cmocka_unit_test(what_is_missing_stops_the_opening),
		cmocka_unit_test(a_mixed_segment_stops_the_opening),
		cmocka_unit_test(an_extra_segment_of_another_store_is_put_aside),
		cmocka_unit_test(what_one_may_not_read_or_write_says_so),
		cmocka_unit_test(a_file_system_that_is_read_only_can_be_looked_at),
		cmocka_unit_test(a_full_file_system_refuses_and_the_rest_goes_on),
		cmocka_unit_test(a_limit_on_the_size_of_files_refuses_and_does_not_kill),
		cmocka_unit_test(numbers_of_what_was_given_up_are_not_given_again),
		cmocka_unit_test(an_index_that_cannot_be_read_is_told),
		cmocka_unit_test(an_index_that_cannot_be_read_while_events_are_adopted_is_told),
		cmocka_unit_test(a_directory_that_vanishes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
