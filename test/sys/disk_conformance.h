/*
 * What sys/disk.h says of every disk, as assertions: one source, played on the real one in a
 * temporary directory (test/sys/test_disk.c) and on the simulated one (test/sim/test_disk.c).
 *
 * The including file gives disk_place_begin() and disk_place_end(), and cmocka.
 */
#ifndef TD_TEST_DISK_CONFORMANCE_H
#define TD_TEST_DISK_CONFORMANCE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/sys.h"

#define RW  (TD_DISK_READ | TD_DISK_WRITE)
#define NEW (RW | TD_DISK_CREATE | TD_DISK_EXCLUSIVE)

struct disk_place {
	const struct td_disk *disk;
	const char *path; /* of an empty directory */
	int dir;          /* the same, open */
};

static struct disk_place disk_place_begin(void);
static void disk_place_end(struct disk_place *place);

static int file_of(const struct disk_place *place, const char *name, unsigned flags)
{
	int file = -1;

	assert_int_equal(td_disk_open(place->disk, place->dir, name, flags, &file), 0);
	assert_true(file >= 0);
	return file;
}

static void put(const struct disk_place *place, int file, const char *text, uint64_t offset)
{
	assert_int_equal(td_disk_write_all(place->disk, file, text, strlen(text), offset), 0);
}

static void file_with(const struct disk_place *place, const char *name, const char *text)
{
	int file = file_of(place, name, NEW);

	put(place, file, text, 0);
	td_disk_close(place->disk, file);
}

static void assert_bytes(const struct disk_place *place, int file, const char *text, uint64_t from)
{
	char bytes[64];
	size_t got = 0, len = strlen(text);

	assert_true(len <= sizeof(bytes));
	assert_int_equal(td_disk_read_all(place->disk, file, bytes, len, from, &got), 0);
	assert_int_equal(got, len);
	assert_memory_equal(bytes, text, len);
}

static void assert_file(const struct disk_place *place, const char *name, const char *text)
{
	int file = file_of(place, name, TD_DISK_READ);
	uint64_t size = 0;

	assert_int_equal(td_disk_size(place->disk, file, &size), 0);
	assert_int_equal(size, strlen(text));
	assert_bytes(place, file, text, 0);
	td_disk_close(place->disk, file);
}

static int try_open(const struct disk_place *place, const char *name, unsigned flags)
{
	int file = -7;
	int code = td_disk_open(place->disk, place->dir, name, flags, &file);

	if (code == 0)
		td_disk_close(place->disk, file);
	else
		assert_int_equal(file, -7);
	return code;
}

/* --- files -------------------------------------------------------------------------------- */

static void file_gives_back_what_was_written(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);

	(void)state;
	put(&place, file, "hello world", 0);
	put(&place, file, "WORLD", 6);
	assert_bytes(&place, file, "hello WORLD", 0);
	assert_int_equal(td_disk_sync(place.disk, file), 0);
	assert_int_equal(td_disk_sync_dir(place.disk, place.dir), 0);
	td_disk_close(place.disk, file);
	assert_file(&place, "a", "hello WORLD");
	disk_place_end(&place);
}

static void file_is_opened_as_the_flags_say(void **state)
{
	struct disk_place place = disk_place_begin();
	int file;
	size_t n = 77;

	(void)state;
	assert_int_equal(try_open(&place, "a", TD_DISK_READ), ENOENT);
	assert_int_equal(try_open(&place, "a", RW), ENOENT);
	assert_int_equal(try_open(&place, "a", NEW), 0);
	assert_int_equal(try_open(&place, "a", NEW), EEXIST);
	assert_int_equal(try_open(&place, "a", RW | TD_DISK_CREATE), 0);
	assert_int_equal(try_open(&place, "b", TD_DISK_WRITE | TD_DISK_CREATE), 0);
	assert_int_equal(try_open(&place, "a", 0), EINVAL);
	assert_int_equal(try_open(&place, "a", TD_DISK_CREATE), EINVAL);
	assert_int_equal(try_open(&place, "a", TD_DISK_READ | TD_DISK_CREATE), EINVAL);
	assert_int_equal(try_open(&place, "a", RW | TD_DISK_EXCLUSIVE), EINVAL);
	assert_int_equal(try_open(&place, "a", RW | 1u << 20), EINVAL);
	file = file_of(&place, "a", TD_DISK_READ);
	assert_int_equal(td_disk_write(place.disk, file, "x", 1, 0, &n), EBADF);
	td_disk_close(place.disk, file);
	file = file_of(&place, "a", TD_DISK_WRITE);
	assert_int_equal(td_disk_write(place.disk, file, "x", 1, 0, &n), 0);
	assert_int_equal(n, 1);
	n = 77;
	assert_int_equal(td_disk_read(place.disk, file, &(char){0}, 1, 0, &n), EBADF);
	assert_int_equal(n, 77);
	td_disk_close(place.disk, file);
	td_disk_close(place.disk, -1);
	disk_place_end(&place);
}

static uint64_t size_of(const struct disk_place *place, int file)
{
	uint64_t size = UINT64_MAX;

	assert_int_equal(td_disk_size(place->disk, file, &size), 0);
	return size;
}

static void read_ends_where_the_file_ends(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);
	char bytes[16];
	size_t got = 77;

	(void)state;
	assert_int_equal(td_disk_read_all(place.disk, file, bytes, 16, 0, &got), 0);
	assert_int_equal(got, 0);
	put(&place, file, "0123456789", 0);
	assert_int_equal(td_disk_read_all(place.disk, file, bytes, 16, 4, &got), 0);
	assert_int_equal(got, 6);
	assert_memory_equal(bytes, "456789", 6);
	assert_int_equal(td_disk_read(place.disk, file, bytes, 16, 10, &got), 0);
	assert_int_equal(got, 0);
	got = 77;
	assert_int_equal(td_disk_read(place.disk, file, bytes, 16, 1 << 20, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(td_disk_read(place.disk, file, bytes, 0, 0, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(
		td_disk_read(place.disk, file, bytes, 1, (uint64_t)INT64_MAX + 1, &got), EINVAL);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void hole_reads_as_zeros(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);
	char bytes[10003], zeros[10000] = {0};
	size_t got = 0;

	(void)state;
	put(&place, file, "end", 10000);
	assert_int_equal(size_of(&place, file), 10003);
	assert_int_equal(td_disk_read_all(place.disk, file, bytes, sizeof(bytes), 0, &got), 0);
	assert_int_equal(got, 10003);
	assert_memory_equal(bytes, zeros, 10000);
	assert_memory_equal(bytes + 10000, "end", 3);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void write_takes_parts_as_one_run(void **state)
{
	struct disk_place place = disk_place_begin();
	const struct td_disk_part parts[] = {
		{"", 0},
		{"one ", 4},
		{"two ", 4},
		{NULL, 0},
		{"three", 5},
	};
	int file = file_of(&place, "a", NEW);
	size_t n = 77;

	(void)state;
	assert_int_equal(td_disk_write_parts_all(place.disk, file, parts, 5, 3), 0);
	assert_int_equal(size_of(&place, file), 16);
	assert_bytes(&place, file, "one two three", 3);
	assert_int_equal(td_disk_write_parts_all(place.disk, file, parts, 0, 50), 0);
	assert_int_equal(td_disk_write_parts_all(place.disk, file, parts, 1, 50), 0);
	assert_int_equal(td_disk_write_parts(place.disk, file, parts, 1, 50, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(size_of(&place, file), 16);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void truncate_cuts_and_grows_with_zeros(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);
	char bytes[8];
	size_t got = 0;

	(void)state;
	put(&place, file, "0123456789", 0);
	assert_int_equal(td_disk_truncate(place.disk, file, 4), 0);
	assert_int_equal(size_of(&place, file), 4);
	assert_int_equal(td_disk_truncate(place.disk, file, 8), 0);
	assert_int_equal(size_of(&place, file), 8);
	assert_int_equal(td_disk_read_all(place.disk, file, bytes, 8, 0, &got), 0);
	assert_int_equal(got, 8);
	assert_memory_equal(bytes, "0123\0\0\0\0", 8); /* what was cut does not come back */
	assert_int_equal(td_disk_truncate(place.disk, file, 0), 0);
	assert_int_equal(size_of(&place, file), 0);
	assert_int_equal(td_disk_truncate(place.disk, file, UINT64_MAX), EINVAL);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void allocate_grows_with_zeros_and_keeps_what_is_there(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);
	char bytes[100], zeros[100] = {0};
	size_t got = 0;
	int code;

	(void)state;
	put(&place, file, "data", 0);
	code = td_disk_allocate(place.disk, file, 0, 8192);
	if (code != EOPNOTSUPP) {
		assert_int_equal(code, 0);
		assert_int_equal(size_of(&place, file), 8192);
		assert_int_equal(td_disk_allocate(place.disk, file, 0, 100), 0);
		assert_int_equal(size_of(&place, file), 8192);
		assert_bytes(&place, file, "data", 0);
		assert_int_equal(td_disk_read_all(place.disk, file, bytes, 100, 8000, &got), 0);
		assert_int_equal(got, 100);
		assert_memory_equal(bytes, zeros, 100);
		assert_int_equal(td_disk_allocate(place.disk, file, 0, 0), EINVAL);
		assert_int_equal(td_disk_allocate(place.disk, file, 1, INT64_MAX), EINVAL);
	}
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void punch_leaves_zeros_and_the_size(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW), code;
	char bytes[9000], expected[9000];
	size_t got = 0;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	memset(expected, 'x', sizeof(expected));
	memset(expected + 100, 0, 8000);
	assert_int_equal(td_disk_write_all(place.disk, file, bytes, sizeof(bytes), 0), 0);
	code = td_disk_punch(place.disk, file, 100, 8000);
	if (code != EOPNOTSUPP) {
		assert_int_equal(code, 0);
		assert_int_equal(size_of(&place, file), 9000);
		assert_int_equal(
			td_disk_read_all(place.disk, file, bytes, sizeof(bytes), 0, &got), 0);
		assert_memory_equal(bytes, expected, sizeof(bytes));
		assert_int_equal(td_disk_punch(place.disk, file, 8999, 5000), 0);
		assert_int_equal(size_of(&place, file), 9000);
		assert_int_equal(td_disk_punch(place.disk, file, 0, 0), EINVAL);
	}
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void changing_needs_a_file_open_for_writing(void **state)
{
	struct disk_place place = disk_place_begin();
	int file;

	(void)state;
	file_with(&place, "a", "text");
	file = file_of(&place, "a", TD_DISK_READ);
	assert_int_equal(td_disk_truncate(place.disk, file, 0), EINVAL);
	assert_int_equal(td_disk_allocate(place.disk, file, 0, 1), EBADF);
	assert_int_equal(td_disk_punch(place.disk, file, 0, 1), EBADF);
	assert_int_equal(td_disk_lock(place.disk, file), EBADF);
	assert_int_equal(td_disk_sync(place.disk, file), 0);
	assert_bytes(&place, file, "text", 0);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void direct_file_sees_what_was_written_beside_it(void **state)
{
	struct disk_place place = disk_place_begin();
	char *buffer = td_disk_buffer_new(2 * TD_DISK_ALIGN);
	int file = file_of(&place, "a", NEW), direct = -1, code;
	size_t got = 77;

	(void)state;
	assert_non_null(buffer);
	assert_int_equal((uintptr_t)buffer % TD_DISK_ALIGN, 0);
	memset(buffer, 'x', 2 * TD_DISK_ALIGN);
	put(&place, file, "cached", 0);
	assert_int_equal(td_disk_truncate(place.disk, file, 5000), 0);
	code = td_disk_open(place.disk, place.dir, "a", RW | TD_DISK_DIRECT, &direct);
	if (code != EINVAL) {
		assert_int_equal(code, 0);
		code = td_disk_read_all(place.disk, direct, buffer, 2 * TD_DISK_ALIGN, 0, &got);
		assert_int_equal(code, 0);
		assert_int_equal(got, 5000); /* its end need not be aligned */
		assert_memory_equal(buffer, "cached", 7);
		memset(buffer, 'y', TD_DISK_ALIGN);
		assert_int_equal(
			td_disk_write_all(place.disk, direct, buffer, TD_DISK_ALIGN, 0), 0);
		assert_bytes(&place, file, "yyyy", TD_DISK_ALIGN - 4);
		assert_int_equal(td_disk_sync(place.disk, direct), 0);
		assert_int_equal(
			td_disk_read(place.disk, direct, buffer + 1, TD_DISK_ALIGN, 1, &got),
			EINVAL);
		td_disk_close(place.disk, direct);
	}
	td_disk_buffer_free(buffer);
	td_disk_close(place.disk, file);
	disk_place_end(&place);
}

static void lock_is_for_one_handle_until_it_is_closed(void **state)
{
	struct disk_place place = disk_place_begin();
	int one = file_of(&place, "LOCK", NEW);
	int two = file_of(&place, "LOCK", RW);

	(void)state;
	assert_int_equal(td_disk_lock(place.disk, one), 0);
	assert_int_equal(td_disk_lock(place.disk, one), 0);
	assert_int_equal(td_disk_lock(place.disk, two), EAGAIN);
	td_disk_close(place.disk, file_of(&place, "LOCK", RW)); /* does not give it up */
	assert_int_equal(td_disk_lock(place.disk, two), EAGAIN);
	td_disk_close(place.disk, one);
	assert_int_equal(td_disk_lock(place.disk, two), 0);
	td_disk_close(place.disk, two);
	disk_place_end(&place);
}

/* --- directories -------------------------------------------------------------------------- */

static const char *const bad_names[] = {"", ".", "..", "a/b", "/a", "a/"};

static void name_is_one_component(void **state)
{
	struct disk_place place = disk_place_begin();
	char longest[258];
	int handle = -7;

	(void)state;
	file_with(&place, "a", "text");
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		const char *bad = bad_names[i];

		assert_int_equal(try_open(&place, bad, RW | TD_DISK_CREATE), EINVAL);
		assert_int_equal(td_disk_make_dir(place.disk, place.dir, bad), EINVAL);
		assert_int_equal(td_disk_open_dir(place.disk, place.dir, bad, 0, &handle), EINVAL);
		assert_int_equal(
			td_disk_rename(place.disk, place.dir, bad, place.dir, "b"), EINVAL);
		assert_int_equal(
			td_disk_rename(place.disk, place.dir, "a", place.dir, bad), EINVAL);
		assert_int_equal(td_disk_unlink(place.disk, place.dir, bad), EINVAL);
	}
	assert_int_equal(handle, -7);
	memset(longest, 'n', 257);
	longest[256] = 0;
	assert_int_equal(try_open(&place, longest, RW | TD_DISK_CREATE), EINVAL);
	longest[255] = 0;
	assert_int_equal(try_open(&place, longest, RW | TD_DISK_CREATE), 0);
	disk_place_end(&place);
}

struct listing {
	unsigned count;
	char seen[8][16];
	enum td_disk_entry_kind kinds[8];
	uint64_t bytes[8];
	unsigned stop_after;
};

static int list_into(void *arg, const struct td_disk_entry *entry)
{
	struct listing *listing = arg;
	unsigned n = listing->count;

	assert_true(n < 8 && strlen(entry->name) < 16);
	strcpy(listing->seen[n], entry->name);
	listing->kinds[n] = entry->kind;
	listing->bytes[n] = entry->bytes;
	listing->count++;
	return listing->count == listing->stop_after ? 4711 : 0;
}

/* Where the listing has the name; fails if it has not. */
static unsigned listed(const struct listing *listing, const char *name)
{
	for (unsigned i = 0; i < listing->count; i++)
		if (strcmp(listing->seen[i], name) == 0)
			return i;
	fail_msg("%s is not listed", name);
	return 0;
}

static void list_names_all_with_kind_and_size(void **state)
{
	struct disk_place place = disk_place_begin();
	struct listing listing = {0};

	(void)state;
	assert_int_equal(td_disk_list(place.disk, place.dir, list_into, &listing), 0);
	assert_int_equal(listing.count, 0);
	file_with(&place, "file", "12345");
	file_with(&place, "empty", "");
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "dir"), 0);
	for (int i = 0; i < 2; i++) { /* a listing leaves nothing behind in the handle */
		listing = (struct listing){0};
		assert_int_equal(td_disk_list(place.disk, place.dir, list_into, &listing), 0);
		assert_int_equal(listing.count, 3);
		assert_int_equal(listing.kinds[listed(&listing, "file")], TD_DISK_FILE);
		assert_int_equal(listing.bytes[listed(&listing, "file")], 5);
		assert_int_equal(listing.bytes[listed(&listing, "empty")], 0);
		assert_int_equal(listing.kinds[listed(&listing, "dir")], TD_DISK_DIRECTORY);
		assert_int_equal(listing.bytes[listed(&listing, "dir")], 0);
	}
	listing = (struct listing){.stop_after = 2};
	assert_int_equal(td_disk_list(place.disk, place.dir, list_into, &listing), 4711);
	assert_int_equal(listing.count, 2);
	disk_place_end(&place);
}

static void directory_is_made_once_and_opened_by_name(void **state)
{
	struct disk_place place = disk_place_begin();
	struct disk_place inside = place;
	int again = -7;

	(void)state;
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "sub", 0, &again), ENOENT);
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "sub"), 0);
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "sub"), EEXIST);
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "sub", 0, &inside.dir), 0);
	file_with(&inside, "a", "inside");
	td_disk_close(place.disk, inside.dir);
	assert_int_equal(
		td_disk_open_dir(place.disk, place.dir, "sub", TD_DISK_CREATE, &inside.dir), 0);
	assert_file(&inside, "a", "inside");
	td_disk_close(place.disk, inside.dir);
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "new", TD_DISK_CREATE, &again), 0);
	td_disk_close(place.disk, again);
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "new"), EEXIST);
	disk_place_end(&place);
}

static void directory_is_opened_by_path(void **state)
{
	struct disk_place place = disk_place_begin();
	struct disk_place inside = place;
	char path[200];
	int again = -7;

	(void)state;
	file_with(&place, "file", "text");
	snprintf(path, sizeof(path), "%s/sub", place.path);
	assert_int_equal(td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, 0, &again), ENOENT);
	assert_int_equal(
		td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, TD_DISK_CREATE, &inside.dir),
		0);
	file_with(&inside, "a", "inside");
	td_disk_close(place.disk, inside.dir);
	snprintf(path, sizeof(path), "%s/sub/", place.path);
	assert_int_equal(
		td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, TD_DISK_CREATE, &inside.dir),
		0);
	assert_file(&inside, "a", "inside");
	td_disk_close(place.disk, inside.dir);
	snprintf(path, sizeof(path), "%s/none/sub", place.path);
	assert_int_equal(
		td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, TD_DISK_CREATE, &again),
		ENOENT);
	snprintf(path, sizeof(path), "%s/file", place.path);
	assert_int_equal(td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, 0, &again), ENOTDIR);
	assert_int_equal(
		td_disk_open_dir(place.disk, TD_DISK_NOWHERE, path, TD_DISK_CREATE, &again),
		ENOTDIR);
	assert_int_equal(td_disk_open_dir(place.disk, place.dir, "file", 0, &again), ENOTDIR);
	assert_int_equal(again, -7);
	disk_place_end(&place);
}

static void directory_is_no_file(void **state)
{
	struct disk_place place = disk_place_begin();

	(void)state;
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "sub"), 0);
	file_with(&place, "file", "text");
	assert_int_equal(try_open(&place, "sub", TD_DISK_READ), EISDIR);
	assert_int_equal(try_open(&place, "sub", RW), EISDIR);
	assert_int_equal(try_open(&place, "sub", RW | TD_DISK_CREATE), EISDIR);
	assert_int_equal(td_disk_unlink(place.disk, place.dir, "sub"), EISDIR);
	assert_int_equal(td_disk_make_dir(place.disk, place.dir, "file"), EEXIST);
	assert_int_equal(td_disk_rename(place.disk, place.dir, "file", place.dir, "sub"), EISDIR);
	assert_int_equal(td_disk_rename(place.disk, place.dir, "sub", place.dir, "file"), ENOTDIR);
	disk_place_end(&place);
}

static void rename_replaces_what_is_there(void **state)
{
	struct disk_place place = disk_place_begin();

	(void)state;
	file_with(&place, "new", "one");
	file_with(&place, "old", "zero");
	assert_int_equal(td_disk_rename(place.disk, place.dir, "new", place.dir, "old"), 0);
	assert_int_equal(try_open(&place, "new", TD_DISK_READ), ENOENT);
	assert_file(&place, "old", "one");
	assert_int_equal(td_disk_rename(place.disk, place.dir, "new", place.dir, "x"), ENOENT);
	assert_int_equal(td_disk_rename(place.disk, place.dir, "old", place.dir, "old"), 0);
	assert_file(&place, "old", "one");
	disk_place_end(&place);
}

static void rename_moves_between_directories(void **state)
{
	struct disk_place place = disk_place_begin();
	struct disk_place inside = place;

	(void)state;
	assert_int_equal(
		td_disk_open_dir(place.disk, place.dir, "sub", TD_DISK_CREATE, &inside.dir), 0);
	file_with(&place, "a", "text");
	assert_int_equal(td_disk_rename(place.disk, place.dir, "a", inside.dir, "b"), 0);
	assert_file(&inside, "b", "text");
	assert_int_equal(try_open(&place, "a", TD_DISK_READ), ENOENT);
	assert_int_equal(td_disk_sync_dir(place.disk, place.dir), 0);
	assert_int_equal(td_disk_sync_dir(place.disk, inside.dir), 0);
	assert_int_equal(td_disk_rename(place.disk, place.dir, "sub", place.dir, "SUB"), 0);
	assert_file(&inside, "b", "text"); /* the handle goes along */
	assert_int_equal(td_disk_rename(place.disk, place.dir, "SUB", inside.dir, "x"), EINVAL);
	td_disk_close(place.disk, inside.dir);
	disk_place_end(&place);
}

static void unlink_takes_the_name_and_leaves_the_open_file(void **state)
{
	struct disk_place place = disk_place_begin();
	int file = file_of(&place, "a", NEW);

	(void)state;
	put(&place, file, "text", 0);
	assert_int_equal(td_disk_unlink(place.disk, place.dir, "a"), 0);
	assert_int_equal(td_disk_unlink(place.disk, place.dir, "a"), ENOENT);
	assert_bytes(&place, file, "text", 0);
	put(&place, file, "more", 4);
	assert_int_equal(td_disk_sync(place.disk, file), 0);
	file_with(&place, "a", "another");
	assert_bytes(&place, file, "textmore", 0);
	td_disk_close(place.disk, file);
	assert_file(&place, "a", "another");
	disk_place_end(&place);
}

static void space_and_system_are_told(void **state)
{
	struct disk_place place = disk_place_begin();
	struct td_disk_space space = {0};
	enum td_disk_system system = TD_DISK_NETWORK;

	(void)state;
	assert_int_equal(td_disk_space(place.disk, place.dir, &space), 0);
	assert_true(space.bytes_total > 0);
	assert_true(space.bytes_free <= space.bytes_total);
	assert_int_equal(td_disk_system(place.disk, place.dir, &system), 0);
	assert_true(strlen(td_disk_system_name(system)) > 0);
	disk_place_end(&place);
}

/* clang-format off */
#define DISK_CONFORMANCE_TESTS \
	cmocka_unit_test(file_gives_back_what_was_written), \
	cmocka_unit_test(file_is_opened_as_the_flags_say), \
	cmocka_unit_test(read_ends_where_the_file_ends), \
	cmocka_unit_test(hole_reads_as_zeros), \
	cmocka_unit_test(write_takes_parts_as_one_run), \
	cmocka_unit_test(truncate_cuts_and_grows_with_zeros), \
	cmocka_unit_test(allocate_grows_with_zeros_and_keeps_what_is_there), \
	cmocka_unit_test(punch_leaves_zeros_and_the_size), \
	cmocka_unit_test(changing_needs_a_file_open_for_writing), \
	cmocka_unit_test(direct_file_sees_what_was_written_beside_it), \
	cmocka_unit_test(lock_is_for_one_handle_until_it_is_closed), \
	cmocka_unit_test(name_is_one_component), \
	cmocka_unit_test(list_names_all_with_kind_and_size), \
	cmocka_unit_test(directory_is_made_once_and_opened_by_name), \
	cmocka_unit_test(directory_is_opened_by_path), \
	cmocka_unit_test(directory_is_no_file), \
	cmocka_unit_test(rename_replaces_what_is_there), \
	cmocka_unit_test(rename_moves_between_directories), \
	cmocka_unit_test(unlink_takes_the_name_and_leaves_the_open_file), \
	cmocka_unit_test(space_and_system_are_told)
/* clang-format on */

#endif
