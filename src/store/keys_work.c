/*
 * Keys made ahead, and destroyed: what has to wait for the disk.
 *
 *	plan   the owner: which, with new keys drawn
 *	run    anybody: destroy first, then make; each synced
 *	done   the owner: destroyed ones are forgotten, made ones are spare
 */
#include "store/keys_inside.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#define CHUNK    512u /* keys that are made at once */
#define LOW      128u /* spare ones at which more are made */
#define RETRY_MS 1000
#define WINDOW   ((size_t)64 << 10)

struct td_keys_work {
	struct td_keys *keys;
	/* Made: numbers [first, first + count), in the file of this name if it is a new one. */
	uint64_t first;
	size_t count;
	uint8_t *slots; /* as they will stand, `bytes` of them, behind the head of a new file */
	size_t bytes;
	struct td_key_file file;
	int dir;
	bool fresh;
	uint64_t *doomed;
	size_t doomed_count;
	bool destroyed; /* all of them */
	int code;
	struct td_error err;
};

/* --- work --------------------------------------------------------------------------------- */

static bool wants_more(const struct td_keys *keys)
{
	/* None are made before somebody asks for one. */
	return keys->wanted > 0 || (keys->given > 0 && keys->end - keys->next < LOW);
}

bool td_keys_missed(const struct td_keys *keys, int64_t now_ms)
{
	return keys->wanted > 0 && !keys->out && !keys->failed && !keys->options.read_only &&
	       now_ms >= keys->retry_ms;
}

bool td_keys_due(const struct td_keys *keys, int64_t now_ms)
{
	if (keys->out || keys->failed || keys->options.read_only ||
		keys->options.dir == TD_DISK_NOWHERE || now_ms < keys->retry_ms)
		return false;
	return keys->doomed.count > 0 || wants_more(keys);
}

int64_t td_keys_when(const struct td_keys *keys)
{
	return td_keys_due(keys, INT64_MAX) ? keys->retry_ms : INT64_MAX;
}

void td_keys_work_free(struct td_keys_work *work)
{
	if (work == NULL)
		return;
	if (work->slots != NULL)
		OPENSSL_cleanse(work->slots, work->bytes);
	free(work->slots);
	free(work->doomed);
	free(work);
}

static bool plan_doomed(struct td_keys *keys, struct td_keys_work *work)
{
	const struct td_map_slot *slot;
	size_t cursor = 0;

	work->doomed = malloc(keys->doomed.count * sizeof(*work->doomed) + 1);
	if (work->doomed == NULL)
		return false;
	while ((slot = td_map_next(&keys->doomed, &cursor)) != NULL)
		work->doomed[work->doomed_count++] = slot->key;
	return true;
}

/* In the last file, or in a new one where there is none. */
static bool plan_made(struct td_keys *keys, struct td_keys_work *work)
{
	const struct td_key_file *last = NULL;
	uint64_t want = keys->wanted > CHUNK ? keys->wanted : CHUNK;
	struct td_key_slot slot;

	for (size_t i = 0; i < keys->files_count; i++) {
		if (keys->files[i].wrong == NULL)
			last = &keys->files[i];
	}
	work->fresh = last == NULL;
	if (last != NULL) {
		work->file = *last;
	} else {
		work->file.head.first = keys->end;
		work->file.head.stride =
			keys->options.strict ? TD_KEY_STRIDE_STRICT : TD_KEY_STRIDE;
		memcpy(work->file.head.store, keys->options.store, sizeof(keys->options.store));
		work->file.handle = -1;
	}
	work->first = keys->end;
	work->count =
		(size_t)(want + TD_KEYS_PER_SECTOR - 1) / TD_KEYS_PER_SECTOR * TD_KEYS_PER_SECTOR;
	work->bytes = work->count * work->file.head.stride;
	work->slots = calloc(1, work->bytes);
	if (work->slots == NULL)
		return false;
	for (size_t i = 0; i < work->count; i++) {
		slot = (struct td_key_slot){.number = work->first + i};
		keys->options.random->fill(keys->options.random->arg, slot.key, TD_KEY_BYTES);
		td_key_slot_put(&slot, work->slots + i * work->file.head.stride);
	}
	OPENSSL_cleanse(&slot, sizeof(slot));
	return true;
}

static struct td_keys_work *begin_work(struct td_keys *keys, bool makes)
{
	struct td_keys_work *work = calloc(1, sizeof(*work));

	TD_ASSERT(!keys->out);
	if (work == NULL)
		return NULL;
	work->keys = keys;
	work->dir = keys->dir;
	if (!plan_doomed(keys, work) || (makes && !plan_made(keys, work))) {
		td_keys_work_free(work);
		return NULL;
	}
	keys->out = true;
	return work;
}

struct td_keys_work *td_keys_next(struct td_keys *keys)
{
	return begin_work(keys, wants_more(keys));
}

static int make_file(struct td_keys_work *work, const struct td_disk *disk)
{
	uint8_t head[TD_KEY_HEAD_BYTES];
	char name[TD_KEY_FILE_NAME_BYTES];
	int code = 0;

	td_key_file_name(name, work->file.head.first);
	td_key_head_put(&work->file.head, head);
	if (work->dir < 0)
		code = td_disk_open_dir(disk, work->keys->options.dir, TD_KEYS_DIRECTORY,
			TD_DISK_CREATE, &work->dir);
	if (code == 0)
		code = td_disk_open(disk, work->dir, name,
			TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &work->file.handle);
	if (code == 0)
		code = td_disk_write_all(disk, work->file.handle, head, sizeof(head), 0);
	return code;
}

static int make(struct td_keys_work *work, const struct td_disk *disk)
{
	int code = work->fresh ? make_file(work, disk) : 0;

	if (code == 0)
		code = td_disk_write_all(disk, work->file.handle, work->slots, work->bytes,
			td_key_slot_at(&work->file.head, work->first));
	if (code == 0 && !TD_BUG(244))
		code = td_disk_sync(disk, work->file.handle);
	if (code == 0 && work->fresh)
		code = td_disk_sync_dir(disk, work->dir);
	return code;
}

/*
 * What was not made whole must not stand behind those that were: closed and opened, it would be taken
 * for spare keys.
 */
static int take_back(struct td_keys_work *work, const struct td_disk *disk)
{
	uint64_t bytes = work->fresh ? 0 : td_key_slot_at(&work->file.head, work->first);
	int code;

	if (work->file.handle < 0)
		return 0;
	code = td_disk_truncate(disk, work->file.handle, bytes);
	return code == 0 ? td_disk_sync(disk, work->file.handle) : code;
}

static int destroy(struct td_keys_work *work, const struct td_disk *disk)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < work->doomed_count; i++) {
		const struct td_key_file *file = td_keys_file(work->keys, work->doomed[i]);

		if (file != NULL && file->wrong == NULL)
			code = td_keys_put_destroyed(work->keys, file, work->doomed[i]);
	}
	for (size_t i = 0; code == 0 && work->doomed_count > 0 && i < work->keys->files_count; i++)
		code = td_disk_sync(disk, work->keys->files[i].handle);
	return code;
}

/* The table of files stands still while it is out. */
void td_keys_work_run(struct td_keys_work *work)
{
	const struct td_disk *disk = work->keys->options.disk;
	int code = destroy(work, disk);

	work->destroyed = code == 0;
	if (code == 0 && work->slots != NULL) {
		code = make(work, disk);
		if (code != 0 && take_back(work, disk) != 0)
			code = EIO;
	}
	if (code == 0)
		return;
	work->code = td_keys_error(work->file.head.first, "write", code, &work->err);
	/* Of a write or sync that failed nothing is known. */
	if (work->code == TD_E_SYSTEM)
		work->code = work->err.code = TD_E_DISK;
}

static int adopt_file(struct td_keys *keys, struct td_keys_work *work)
{
	bool added = true;

	td_mutex_lock(&keys->mutex);
	keys->dir = work->dir;
	for (size_t i = 0; i < keys->files_count; i++) { /* one that had no whole head */
		if (keys->files[i].head.first == work->file.head.first) {
			td_disk_close(keys->options.disk, keys->files[i].handle);
			keys->files[i] = work->file;
			td_mutex_unlock(&keys->mutex);
			return 0;
		}
	}
	added = td_keys_add_file(keys, &work->file);
	td_mutex_unlock(&keys->mutex);
	return added ? 0 : TD_E_NOMEM;
}

static void note_destroyed(struct td_keys *keys, const struct td_keys_work *work)
{
	td_mutex_lock(&keys->mutex);
	for (size_t i = 0; work->destroyed && i < work->doomed_count; i++)
		td_map_remove(&keys->doomed, work->doomed[i]);
	td_mutex_unlock(&keys->mutex);
}

static int landed(struct td_keys *keys, struct td_keys_work *work, struct td_error *err)
{
	if (work->slots == NULL)
		return 0;
	if (work->fresh && adopt_file(keys, work) != 0)
		return td_error_nomem(err);
	keys->end = work->first + work->count;
	keys->wanted = 0;
	keys->full = false;
	return 0;
}

/* What was opened for a file that is not to be. */
static void drop_file(struct td_keys *keys, const struct td_keys_work *work)
{
	if (!work->fresh)
		return;
	td_disk_close(keys->options.disk, work->file.handle);
	if (work->dir != keys->dir)
		td_disk_close(keys->options.disk, work->dir);
}

int td_keys_work_done(
	struct td_keys *keys, struct td_keys_work *work, int64_t now_ms, struct td_error *err)
{
	int code = work->code;

	keys->out = false;
	keys->retry_ms = 0;
	note_destroyed(keys, work);
	if (code == 0)
		code = landed(keys, work, err);
	else if (err != NULL)
		*err = work->err;
	if (code != 0)
		drop_file(keys, work);
	if (code == TD_E_DISK) {
		keys->failed = true;
		keys->failure = work->err;
	} else if (code != 0) {
		keys->full = code == TD_E_DISK_FULL;
		keys->retry_ms = now_ms + RETRY_MS;
		keys->wanted = 0;
	}
	td_keys_work_free(work);
	return code;
}

/* --- sweeping ----------------------------------------------------------------------------- */

/* Slots read some at once: numbers ascend. */
struct window {
	uint8_t *bytes;
	uint64_t offset;
	size_t len;
	int handle;
};

/* As much as there is from there on; where that does not read, one slot. */
static int window_move(const struct td_keys *keys, struct window *window,
	const struct td_key_file *file, uint64_t at)
{
	const struct td_disk *disk = keys->options.disk;
	int code = td_disk_read_all(disk, file->handle, window->bytes, WINDOW, at, &window->len);

	if (code == EIO)
		code = td_disk_read_all(
			disk, file->handle, window->bytes, TD_KEY_SLOT_BYTES, at, &window->len);
	window->handle = code == 0 ? file->handle : -1;
	window->offset = at;
	return code;
}

static int window_slot(const struct td_keys *keys, struct window *window,
	const struct td_key_file *file, uint64_t number, struct td_key_slot *slot,
	struct td_error *err)
{
	uint64_t at = td_key_slot_at(&file->head, number);
	const char *wrong;
	int code;

	slot->destroyed = false;
	if (window->handle != file->handle || at < window->offset ||
		at + TD_KEY_SLOT_BYTES > window->offset + window->len) {
		code = window_move(keys, window, file, at);
		if (code == EIO)
			return 0; /* overwritten once more, as below */
		if (code != 0)
			return td_keys_error(file->head.first, "read", code, err);
	}
	if (window->len < TD_KEY_SLOT_BYTES)
		return td_keys_damage(file, number, "the file ends before it", err);
	wrong = td_key_slot_read(slot, window->bytes + (at - window->offset));
	/* A slot that was torn while it was overwritten, or is another's, is overwritten once more. */
	slot->destroyed = wrong == NULL && slot->destroyed && slot->number == number;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int sweep_sorted(
	struct td_keys *keys, const uint64_t *numbers, size_t count, struct td_error *err)
{
	struct window window = {.bytes = malloc(WINDOW), .handle = -1};
	struct td_key_slot slot = {0};
	int code = window.bytes != NULL ? 0 : td_error_nomem(err);

	for (size_t i = 0; code == 0 && i < count; i++) {
		const struct td_key_file *file = td_keys_file(keys, numbers[i]);

		if (file == NULL || file->wrong != NULL)
			continue;
		code = window_slot(keys, &window, file, numbers[i], &slot, err);
		if (code == 0 && !slot.destroyed)
			code = td_keys_destroy(keys, numbers[i], err);
	}
	if (window.bytes != NULL)
		OPENSSL_cleanse(window.bytes, WINDOW);
	OPENSSL_cleanse(&slot, sizeof(slot));
	free(window.bytes);
	return code;
}

int td_keys_sweep(struct td_keys *keys, const uint64_t *numbers, size_t count, struct td_error *err)
{
	uint64_t *sorted = malloc(count * sizeof(*sorted) + 1);
	struct td_keys_work *work;
	int code;

	if (sorted == NULL)
		return td_error_nomem(err);
	if (count > 0)
		memcpy(sorted, numbers, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_number);
	code = sweep_sorted(keys, sorted, count, err);
	free(sorted);
	if (code != 0 || keys->doomed.count == 0 || keys->options.read_only)
		return code;
	work = begin_work(keys, false);
	if (work == NULL)
		return td_error_nomem(err);
	td_keys_work_run(work);
	return td_keys_work_done(keys, work, 0, err);
}
