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

/* --- directories -------------------------------------------------------------------------- */

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
	disk_place_end(&place);
}

static const struct CMUnitTest disk_conformance[] = {
	cmocka_unit_test(rename_replaces_what_is_there),
	cmocka_unit_test(file_gives_back_what_was_written),
	cmocka_unit_test(file_is_opened_as_the_flags_say),
};

#endif
