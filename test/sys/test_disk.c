#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_conformance.h"

static char place_path[] = "/tmp/tidings-test-disk-XXXXXX";

static struct disk_place disk_place_begin(void)
{
	struct disk_place place = {.disk = &td_disk_real, .path = place_path};

	strcpy(place_path + sizeof(place_path) - 7, "XXXXXX");
	assert_non_null(mkdtemp(place_path));
	assert_int_equal(
		td_disk_open_dir(place.disk, TD_DISK_NOWHERE, place.path, 0, &place.dir), 0);
	return place;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void disk_place_end(struct disk_place *place)
{
	td_disk_close(place->disk, place->dir);
	assert_int_equal(nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- the real one alone ------------------------------------------------------------------- */

static void open_refuses_what_is_no_regular_file(void **state)
{
	struct disk_place place = disk_place_begin();
	struct listing listing = {0};
	int handle = -7;

	(void)state;
	file_with(&place, "file", "text");
	assert_int_equal(symlinkat("file", place.dir, "link"), 0);
	assert_int_equal(symlinkat(".", place.dir, "loop"), 0);
	assert_int_equal(mkfifoat(place.dir, "pipe", 0600), 0);
	assert_int_equal(try_open(&place, "link", TD_DISK_READ), ELOOP);
	assert_int_equal(try_open(&place, "link", RW | TD_DISK_CREATE), ELOOP);
	assert_int_equal(try_open(&place, "pipe", TD_DISK_READ), EINVAL); /* and does not wait */
	assert_int_equal(try_open(&place, "pipe", TD_DISK_WRITE), EINVAL);
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "loop", 0, &handle), ENOTDIR);
	assert_int_equal(td_disk_list(place.disk, place.dir, list_into, &listing), 0);
	assert_int_equal(listing.count, 4);
	assert_int_equal(listing.kinds[listed(&listing, "link")], TD_DISK_OTHER);
	assert_int_equal(listing.kinds[listed(&listing, "loop")], TD_DISK_OTHER);
	assert_int_equal(listing.kinds[listed(&listing, "pipe")], TD_DISK_OTHER);
	disk_place_end(&place);
}

static void what_is_made_is_for_its_owner_alone(void **state)
{
	struct disk_place place = disk_place_begin();
	mode_t before = umask(0);
	struct stat status;
	int dir = -1, file = file_of(&place, "a", NEW);

	(void)state;
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "b"), 0);
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "c", TD_DISK_CREATE, &dir), 0);
	umask(before);
	assert_int_equal(fstatat(place.dir, "a", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(fstatat(place.dir, "b", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(fstat(dir, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_true((fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(dir, F_GETFD) & FD_CLOEXEC) != 0);
	td_disk_close(place.disk, file);
	td_disk_close(place.disk, dir);
	disk_place_end(&place);
}

static void lock_keeps_another_process_out(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "LOCK", NEW), status = -1;
	pid_t child;

	(void)state;
	assert_int_equal(td_disk_lock(place.disk, file), 0);
	child = fork();
	if (child == 0) {
		int other = -1;
		int code = td_disk_open(place.disk, place.dir, "LOCK", RW, &other);

		_exit(code != 0 ? 99 : td_disk_lock(place.disk, other));
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EAGAIN);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void full_disk_answers_enospc(void **state)
{
	int dir = -1, file = -1;
	char bytes[1];

	(void)state;
	assert_int_equal(td_disk_open_dir(&td_disk_real, TD_DISK_NOWHERE, "/dev", 0, &dir), 0);
	/* A device is no file of ours; so the helper is asked with a descriptor of the test's. */
	assert_int_equal(td_disk_open(&td_disk_real, dir, "full", TD_DISK_WRITE, &file), EINVAL);
	file = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(td_disk_write_all(&td_disk_real, file, "x", 1, 0), ENOSPC);
	close(file);
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(td_disk_write_all(&td_disk_real, file, "x", 1, 0), EBADF);
	assert_int_equal(td_disk_write_all(&td_disk_real, -1, "x", 1, 0), EBADF);
	assert_int_equal(td_disk_read_all(&td_disk_real, -1, bytes, 1, 0, &(size_t){0}), EBADF);
	close(file);
	td_disk_close(&td_disk_real, dir);
}

static void write_that_meets_a_limit_is_short_and_then_fails(void **state)
{
	struct disk_place place = disk_place_begin();
	struct rlimit before, limit;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	int file = file_of(&place, "a", NEW);
	char bytes[2000] = {0};
	size_t put = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){1000, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(td_disk_write(place.disk, file, bytes, 2000, 0, &put), 0);
	assert_int_equal(td_disk_write_all(place.disk, file, bytes, 2000, 0), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(put, 1000);
	assert_int_equal(size_of(&place, file), 1000);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

/* In a child: the limit is the process's, and the signal would end it. */
static void a_limit_on_file_size_is_an_answer_and_no_signal(void **state)
{
	struct disk_place place = disk_place_begin();
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		const struct td_disk *disk = &td_disk_real;
		struct rlimit limit = {10000, 10000};
		char bytes[4096] = "";
		size_t put;
		int file, wrong = 0;

		signal(SIGXFSZ, SIG_DFL);
		setrlimit(RLIMIT_FSIZE, &limit);
		wrong |= td_disk_open(
				 disk, place.dir, "f", TD_DISK_WRITE | TD_DISK_CREATE, &file) != 0;
		wrong |= td_disk_write(disk, file, bytes, 4096, 0, &put) != 0;
		wrong |= td_disk_write(disk, file, bytes, 4096, 12288, &put) != EFBIG;
		wrong |= td_disk_allocate(disk, file, 0, 20000) != EFBIG;
		wrong |= td_disk_truncate(disk, file, 20000) != EFBIG;
		wrong |= td_disk_truncate(disk, file, 10000) != 0;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	disk_place_end(&place);
}

static void systems_have_names(void **state)
{
	struct {
		const char *path;
		const char *names; /* one of them */
	} known[] = {{"/dev/shm", "tmpfs"}, {"/proc/self", "other"}};
	enum td_disk_system system;
	int dir;

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (td_disk_open_dir(&td_disk_real, TD_DISK_NOWHERE, known[i].path, 0, &dir) != 0)
			continue; /* not everywhere */
		assert_int_equal(td_disk_system(&td_disk_real, dir, &system), 0);
		assert_string_equal(td_disk_system_name(system), known[i].names);
		td_disk_close(&td_disk_real, dir);
	}
}

/* --- whole transfers, over a disk that gives and takes what it likes ------------------------ */

struct stingy {
	char bytes[64];
	size_t size, most; /* of one transfer */
	int fail_with;     /* after that many calls */
	unsigned calls, fail_after;
};

static int stingy_read(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	struct stingy *stingy = arg;
	size_t left = offset < stingy->size ? stingy->size - offset : 0;
	size_t n = len < left ? len : left;

	(void)file;
	if (stingy->fail_with != 0 && stingy->calls++ == stingy->fail_after)
		return stingy->fail_with;
	*got = n < stingy->most ? n : stingy->most;
	memcpy(bytes, stingy->bytes + offset, *got);
	return 0;
}

static int stingy_write(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	struct stingy *stingy = arg;

	(void)file;
	if (stingy->fail_with != 0 && stingy->calls++ == stingy->fail_after)
		return stingy->fail_with;
	*put = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < parts[i].len && *put < stingy->most; j++)
			stingy->bytes[offset + (*put)++] = ((const char *)parts[i].at)[j];
	return 0;
}

static int stingy_size(void *arg, int file, uint64_t *bytes)
{
	const struct stingy *stingy = arg;

	(void)file;
	*bytes = stingy->size;
	return 0;
}

static struct td_disk stingy_disk(struct stingy *stingy)
{
	return (struct td_disk){
		.read = stingy_read,
		.write = stingy_write,
		.size = stingy_size,
		.arg = stingy,
	};
}

static void whole_transfers_go_on_where_a_short_one_ended(void **state)
{
	const struct td_disk_part parts[] = {{"ab", 2}, {"", 0}, {"cdefg", 5}, {"h", 1}};

	(void)state;
	for (size_t most = 1; most <= 9; most++) {
		struct stingy stingy = {.most = most, .size = 11};
		struct td_disk disk = stingy_disk(&stingy);
		char bytes[16];
		size_t got = 0;

		assert_int_equal(td_disk_write_parts_all(&disk, 0, parts, 4, 3), 0);
		assert_memory_equal(stingy.bytes, "\0\0\0abcdefgh", 12);
		assert_int_equal(td_disk_read_all(&disk, 0, bytes, 8, 3, &got), 0);
		assert_int_equal(got, 8);
		assert_memory_equal(bytes, "abcdefgh", 8);
		assert_int_equal(td_disk_read_all(&disk, 0, bytes, 16, 3, &got), 0);
		assert_int_equal(got, 8);
	}
}

static void whole_transfers_end_with_the_first_failure(void **state)
{
	struct stingy stingy = {.most = 2, .size = 20, .fail_with = EIO, .fail_after = 2};
	struct td_disk disk = stingy_disk(&stingy);
	char bytes[16];
	size_t got = 77;

	(void)state;
	assert_int_equal(td_disk_read_all(&disk, 0, bytes, 16, 0, &got), EIO);
	assert_int_equal(got, 77);
	stingy.calls = 0;
	assert_int_equal(td_disk_write_all(&disk, 0, "0123456789", 10, 0), EIO);
	assert_memory_equal(stingy.bytes, "0123", 5);
	stingy = (struct stingy){.most = 0};
	assert_int_equal(td_disk_write_all(&disk, 0, "x", 1, 0), EIO);
}

static void buffer_is_aligned_and_may_be_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 20000; len += 1111) {
		char *buffer = td_disk_buffer_new(len);

		assert_non_null(buffer);
		assert_int_equal((uintptr_t)buffer % TD_DISK_ALIGN, 0);
		memset(buffer, 1, len);
		td_disk_buffer_free(buffer);
	}
	assert_null(td_disk_buffer_new(SIZE_MAX));
	td_disk_buffer_free(NULL);
}

static void what_an_errno_means_to_who_keeps_facts(void **state)
{
	static const struct {
		int sys_errno, code;
	} table[] = {{ENOSPC, TD_E_DISK_FULL}, {EDQUOT, TD_E_DISK_FULL}, {EFBIG, TD_E_DISK_FULL},
		{ENOMEM, TD_E_NOMEM}, {EIO, TD_E_DISK}, {EROFS, TD_E_DISK}, {ENXIO, TD_E_DISK},
		{ENODEV, TD_E_DISK}, {EACCES, TD_E_SYSTEM}, {ENOENT, TD_E_SYSTEM}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(td_disk_code(table[i].sys_errno), table[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_CONFORMANCE_TESTS,
		cmocka_unit_test(what_an_errno_means_to_who_keeps_facts),
		cmocka_unit_test(open_refuses_what_is_no_regular_file),
		cmocka_unit_test(what_is_made_is_for_its_owner_alone),
		cmocka_unit_test(lock_keeps_another_process_out),
		cmocka_unit_test(full_disk_answers_enospc),
		cmocka_unit_test(write_that_meets_a_limit_is_short_and_then_fails),
		cmocka_unit_test(a_limit_on_file_size_is_an_answer_and_no_signal),
		cmocka_unit_test(systems_have_names),
		cmocka_unit_test(whole_transfers_go_on_where_a_short_one_ended),
		cmocka_unit_test(whole_transfers_end_with_the_first_failure),
		cmocka_unit_test(buffer_is_aligned_and_may_be_refused),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
