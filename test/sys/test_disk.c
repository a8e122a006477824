#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
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

int main(void)
{
	return cmocka_run_group_tests_name("disk", disk_conformance, NULL, NULL);
}
