#include "play.h"

struct files {
	const struct td_disk *disk;
	int dir;
	struct td_buf *bytes;
};

static int add_file(void *arg, const struct td_disk_entry *entry)
{
	struct files *files = arg;
	uint64_t bytes = 0;
	size_t got = 0;
	int file;
	void *at;

	if (td_disk_open(files->disk, files->dir, entry->name, TD_DISK_READ, &file) != 0)
		return 0;
	if (td_disk_size(files->disk, file, &bytes) == 0 && bytes > 0) {
		at = td_buf_reserve(files->bytes, (size_t)bytes);
		TD_ASSERT(at != NULL);
		td_disk_read_all(files->disk, file, at, (size_t)bytes, 0, &got);
		files->bytes->len += got;
	}
	td_disk_close(files->disk, file);
	return 0;
}

static void add_files(struct files *files, int dir)
{
	files->dir = dir;
	td_disk_list(files->disk, dir, add_file, files);
	td_disk_close(files->disk, dir);
}

void sim_run_files(struct run *run, struct td_buf *bytes)
{
	struct files files = {.disk = sim_disk_table(run->disk), .bytes = bytes};
	int dir, keys;

	if (td_disk_open_dir(files.disk, TD_DISK_NOWHERE, PATH, 0, &dir) != 0)
		return;
	if (td_disk_open_dir(files.disk, dir, TD_KEYS_DIRECTORY, 0, &keys) == 0)
		add_files(&files, keys);
	add_files(&files, dir);
}
