#include "store/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#define CHUNK      512u  /* keys that are made at once */
#define LOW        128u  /* spare ones at which more are made */
#define CACHED     1024u /* keys in memory */
#define RETRY_MS   1000
#define WINDOW     ((size_t)64 << 10)
#define PER_SECTOR (TD_KEY_HEAD_BYTES / TD_KEY_SLOT_BYTES)

struct key_file {
	struct td_key_head head;
	int handle;
	const char *wrong; /* with its head; NULL: nothing */
};

struct cached {
	uint64_t number; /* 0: none */
	uint8_t key[TD_KEY_BYTES];
};

struct td_keys {
	struct td_keys_options options;
	struct td_mutex mutex;  /* files, cache, doomed, generation */
	int dir;                /* keys/; < 0: not there */
	struct key_file *files; /* ascending */
	size_t files_count;
	uint8_t (*memory)[TD_KEY_BYTES]; /* without a directory: by number - 1; zeros: destroyed */
	size_t memory_cap;
	struct cached cache[CACHED];
	uint64_t generation;  /* grows with each destruction */
	struct td_map doomed; /* numbers that are to be destroyed */
	uint64_t given;       /* the highest number that a record gives */
	uint64_t next, end;   /* spare: [next, end) */
	uint64_t wanted;      /* an append was sent back for want of so many */
	int64_t retry_ms;     /* the disk was full */
	bool full, out, failed;
	struct td_error failure;
};

struct td_keys_work {
	struct td_keys *keys;
	/* Made: numbers [first, first + count), in the file of this name if it is a new one. */
	uint64_t first;
	size_t count;
	uint8_t *slots; /* as they will stand, `bytes` of them, behind the head of a new file */
	size_t bytes;
	struct key_file file;
	int dir;
	bool fresh;
	uint64_t *doomed;
	size_t doomed_count;
	bool destroyed; /* all of them */
	int code;
	struct td_error err;
};

/* --- errors ------------------------------------------------------------------------------- */

static int disk_code(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return TD_E_DISK_FULL;
	case ENOMEM:
		return TD_E_NOMEM;
	case EIO:
	case EROFS:
	case ENXIO:
	case ENODEV:
		return TD_E_DISK;
	default:
		return TD_E_SYSTEM;
	}
}

static int disk_error(uint64_t first, const char *doing, int sys_errno, struct td_error *err)
{
	char name[TD_KEY_FILE_NAME_BYTES];
	int code = disk_code(sys_errno);

	td_key_file_name(name, first);
	if (err != NULL) {
		td_error_system(err, sys_errno, "%s/%s: %s", TD_KEYS_DIRECTORY, name, doing);
		err->code = code;
	}
	return code;
}

static int damaged(
	const struct key_file *file, uint64_t number, const char *what, struct td_error *err)
{
	char name[TD_KEY_FILE_NAME_BYTES];

	td_key_file_name(name, file->head.first);
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"%s/%s: key %" PRIu64 ": %s: bring the file back from where it was kept",
		TD_KEYS_DIRECTORY, name, number, what);
}

int td_keys_failed(const struct td_keys *keys, struct td_error *err)
{
	if (!keys->failed)
		return 0;
	if (err != NULL)
		*err = keys->failure;
	return TD_E_DISK;
}

/* --- open --------------------------------------------------------------------------------- */

static int by_first(const void *a, const void *b)
{
	const struct key_file *x = a, *y = b;

	return (x->head.first > y->head.first) - (x->head.first < y->head.first);
}

/* A file in the table, in its place. */
static bool add_file(struct td_keys *keys, const struct key_file *file)
{
	struct key_file *grown =
		realloc(keys->files, (keys->files_count + 1) * sizeof(*keys->files));

	if (grown == NULL)
		return false;
	keys->files = grown;
	keys->files[keys->files_count++] = *file;
	qsort(keys->files, keys->files_count, sizeof(*keys->files), by_first);
	return true;
}

static int note_name(void *arg, const struct td_disk_entry *entry)
{
	struct td_keys *keys = arg;
	const struct key_file file = {.head.first = td_key_file_first(entry->name), .handle = -1};

	if (file.head.first == 0 || entry->kind != TD_DISK_FILE)
		return 0; /* not ours */
	return add_file(keys, &file) ? 0 : ENOMEM;
}

static int open_file(struct td_keys *keys, struct key_file *file, struct td_error *err)
{
	const struct td_disk *disk = keys->options.disk;
	uint64_t first = file->head.first;
	uint8_t head[TD_KEY_HEAD_BYTES] = {0};
	char name[TD_KEY_FILE_NAME_BYTES];
	size_t got = 0;
	int code;

	td_key_file_name(name, first);
	code = td_disk_open(disk, keys->dir, name,
		keys->options.read_only ? TD_DISK_READ : TD_DISK_READ | TD_DISK_WRITE,
		&file->handle);
	if (code == 0)
		code = td_disk_read_all(disk, file->handle, head, sizeof(head), 0, &got);
	if (code != 0)
		return disk_error(first, "open", code, err);
	file->wrong =
		got < sizeof(head) ? "its head is not there" : td_key_head_read(&file->head, head);
	if (file->wrong == NULL && file->head.first != first)
		file->wrong = "its head is another file's";
	if (file->wrong == NULL &&
		memcmp(file->head.store, keys->options.store, sizeof(file->head.store)) != 0)
		return td_error_set(err, TD_E_FOREIGN, TD_NO_OFFSET, "%s/%s: keys of another store",
			TD_KEYS_DIRECTORY, name);
	file->head.first = first;
	return 0;
}

static int open_files(struct td_keys *keys, struct td_error *err)
{
	const struct td_disk *disk = keys->options.disk;
	int code = td_disk_open_dir(disk, keys->options.dir, TD_KEYS_DIRECTORY, 0, &keys->dir);

	if (code == ENOENT)
		return 0;
	if (code == 0)
		code = td_disk_list(disk, keys->dir, note_name, keys);
	if (code != 0)
		return td_error_wrap(err, disk_error(0, "list", code, err), "keys");
	for (size_t i = 0; i < keys->files_count; i++) {
		code = open_file(keys, &keys->files[i], err);
		if (code != 0)
			return code;
	}
	return 0;
}

int td_keys_open(struct td_keys **out, const struct td_keys_options *options, struct td_error *err)
{
	struct td_keys *keys = calloc(1, sizeof(*keys));
	int code;

	if (keys == NULL)
		return td_error_nomem(err);
	code = td_mutex_init(&keys->mutex, err);
	if (code != 0) {
		free(keys);
		return code;
	}
	keys->options = *options;
	keys->dir = TD_DISK_NOWHERE;
	keys->next = keys->end = 1;
	if (options->dir != TD_DISK_NOWHERE)
		code = open_files(keys, err);
	if (code != 0) {
		td_keys_close(keys);
		return code;
	}
	*out = keys;
	return 0;
}

void td_keys_close(struct td_keys *keys)
{
	if (keys == NULL)
		return;
	for (size_t i = 0; i < keys->files_count; i++)
		td_disk_close(keys->options.disk, keys->files[i].handle);
	if (keys->options.dir != TD_DISK_NOWHERE)
		td_disk_close(keys->options.disk, keys->dir);
	if (keys->memory != NULL)
		OPENSSL_cleanse(keys->memory, keys->memory_cap * sizeof(*keys->memory));
	OPENSSL_cleanse(keys->cache, sizeof(keys->cache));
	free(keys->memory);
	free(keys->files);
	td_map_fini(&keys->doomed);
	td_mutex_fini(&keys->mutex);
	free(keys);
}

void td_keys_given(struct td_keys *keys, uint64_t number)
{
	if (number > keys->given)
		keys->given = number;
}

/* The number behind all that the file has bytes for, at the beginning of a sector. */
static uint64_t end_of(const struct td_key_head *head, uint64_t bytes)
{
	uint64_t from = td_key_slot_at(head, head->first), count = 0;

	if (bytes > from)
		count = (bytes - from + head->stride - 1) / head->stride;
	if (head->stride < TD_KEY_HEAD_BYTES)
		count = (count + PER_SECTOR - 1) / PER_SECTOR * PER_SECTOR;
	return head->first + count;
}

int td_keys_begin(struct td_keys *keys, bool clean, uint64_t *passed, struct td_error *err)
{
	const struct key_file *last = NULL;
	uint64_t bytes = 0;
	int code = 0;

	*passed = 0;
	for (size_t i = 0; i < keys->files_count; i++) {
		const struct key_file *file = &keys->files[i];

		if (file->wrong != NULL && file->head.first <= keys->given)
			return damaged(file, file->head.first, file->wrong, err);
		if (file->wrong == NULL)
			last = file;
	}
	keys->next = keys->end = keys->given + 1;
	if (last == NULL)
		return 0;
	code = td_disk_size(keys->options.disk, last->handle, &bytes);
	if (code != 0)
		return disk_error(last->head.first, "size", code, err);
	if (keys->given >= last->head.first &&
		td_key_slot_at(&last->head, keys->given) + TD_KEY_SLOT_BYTES > bytes)
		return damaged(last, keys->given, "the file ends before it", err);
	keys->end = end_of(&last->head, bytes);
	if (keys->end < keys->next) /* it has none of those given: another file is missing */
		keys->end = keys->next;
	if (!clean && keys->end > keys->next) {
		*passed = keys->end - 1;
		keys->given = *passed;
		keys->next = keys->end;
	}
	return 0;
}

/* --- get ---------------------------------------------------------------------------------- */

/* The file that has the number: the last that does not begin behind it. NULL: none. */
static const struct key_file *find_file(const struct td_keys *keys, uint64_t number)
{
	for (size_t i = keys->files_count; i-- > 0;) {
		if (keys->files[i].head.first <= number)
			return &keys->files[i];
	}
	return NULL;
}

static int read_slot(const struct td_keys *keys, const struct key_file *file, uint64_t number,
	struct td_key_slot *slot, struct td_error *err)
{
	uint8_t bytes[TD_KEY_SLOT_BYTES] = {0};
	const char *wrong = file->wrong;
	size_t got = 0;
	int code = 0;

	if (wrong == NULL)
		code = td_disk_read_all(keys->options.disk, file->handle, bytes, sizeof(bytes),
			td_key_slot_at(&file->head, number), &got);
	if (code != 0)
		return disk_error(file->head.first, "read", code, err);
	if (wrong == NULL)
		wrong = got < sizeof(bytes) ? "the file ends before it"
					    : td_key_slot_read(slot, bytes);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (wrong == NULL && slot->number != number)
		wrong = "another stands in its place";
	return wrong == NULL ? 0 : damaged(file, number, wrong, err);
}

static int gone(uint64_t number, struct td_error *err)
{
	return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
		"key %" PRIu64 ": destroyed, or missing", number);
}

static bool is_wiped(const uint8_t key[TD_KEY_BYTES])
{
	static const uint8_t zeros[TD_KEY_BYTES] = {0};

	return memcmp(key, zeros, TD_KEY_BYTES) == 0;
}

/* Under the mutex: 1: it is here; 0: it has to be read; TD_E_NOT_FOUND. */
static int look(struct td_keys *keys, uint64_t number, uint8_t key[TD_KEY_BYTES])
{
	const struct cached *cached = &keys->cache[number % CACHED];

	if (td_map_get(&keys->doomed, number) != NULL)
		return TD_E_NOT_FOUND;
	if (keys->options.dir == TD_DISK_NOWHERE) {
		if (number == 0 || number >= keys->next || is_wiped(keys->memory[number - 1]))
			return TD_E_NOT_FOUND;
		memcpy(key, keys->memory[number - 1], TD_KEY_BYTES);
		return 1;
	}
	if (cached->number != number || number == 0)
		return 0;
	memcpy(key, cached->key, TD_KEY_BYTES);
	return 1;
}

int td_keys_get(
	struct td_keys *keys, uint64_t number, uint8_t key[TD_KEY_BYTES], struct td_error *err)
{
	struct td_key_slot slot = {0};
	struct key_file file = {.handle = -1};
	const struct key_file *found = NULL;
	uint64_t generation;
	int code;

	td_mutex_lock(&keys->mutex);
	code = look(keys, number, key);
	generation = keys->generation;
	if (code == 0)
		found = find_file(keys, number);
	if (found != NULL)
		file = *found;
	td_mutex_unlock(&keys->mutex);
	if (code == 1)
		return 0;
	if (code == TD_E_NOT_FOUND || found == NULL)
		return gone(number, err);
	code = read_slot(keys, &file, number, &slot, err);
	if (code != 0)
		return code;
	if (slot.destroyed)
		return gone(number, err);
	memcpy(key, slot.key, TD_KEY_BYTES);
	td_mutex_lock(&keys->mutex);
	if (generation == keys->generation) {
		keys->cache[number % CACHED].number = number;
		memcpy(keys->cache[number % CACHED].key, slot.key, TD_KEY_BYTES);
	}
	td_mutex_unlock(&keys->mutex);
	OPENSSL_cleanse(&slot, sizeof(slot));
	return 0;
}

/* --- take --------------------------------------------------------------------------------- */

static int take_memory(struct td_keys *keys, struct td_error *err)
{
	uint64_t number = keys->next;

	if (number > keys->memory_cap) {
		size_t cap = keys->memory_cap == 0 ? 64 : keys->memory_cap * 2;
		uint8_t(*grown)[TD_KEY_BYTES] = calloc(cap, sizeof(*grown));

		if (grown == NULL)
			return td_error_nomem(err);
		td_mutex_lock(&keys->mutex);
		if (keys->memory != NULL) {
			memcpy(grown, keys->memory, keys->memory_cap * sizeof(*grown));
			OPENSSL_cleanse(keys->memory, keys->memory_cap * sizeof(*grown));
		}
		free(keys->memory);
		keys->memory = grown;
		keys->memory_cap = cap;
		td_mutex_unlock(&keys->mutex);
	}
	td_mutex_lock(&keys->mutex);
	keys->options.random->fill(
		keys->options.random->arg, keys->memory[number - 1], TD_KEY_BYTES);
	keys->next++;
	td_mutex_unlock(&keys->mutex);
	return 0;
}

int td_keys_take(struct td_keys *keys, uint64_t *number, struct td_error *err)
{
	int code = td_keys_failed(keys, err);

	if (code != 0)
		return code;
	if (keys->options.dir == TD_DISK_NOWHERE) {
		*number = keys->next;
		return take_memory(keys, err);
	}
	if (keys->next < keys->end) {
		*number = keys->next++;
		td_keys_given(keys, *number);
		return 0;
	}
	keys->wanted++;
	if (keys->full)
		return td_error_set(err, TD_E_DISK_FULL, TD_NO_OFFSET, "no room for more keys");
	return td_error_set(err, TD_E_FULL, TD_NO_OFFSET, "keys are being made");
}

void td_keys_untake(struct td_keys *keys)
{
	TD_ASSERT(keys->next > 1);
	td_mutex_lock(&keys->mutex);
	keys->next--;
	td_mutex_unlock(&keys->mutex);
}

/* --- destroy ------------------------------------------------------------------------------ */

/* Under the mutex. */
static void forget(struct td_keys *keys, uint64_t number)
{
	struct cached *cached = &keys->cache[number % CACHED];

	keys->generation++;
	if (cached->number == number)
		OPENSSL_cleanse(cached, sizeof(*cached));
}

int td_keys_destroy(struct td_keys *keys, uint64_t number, struct td_error *err)
{
	bool done = true;

	td_mutex_lock(&keys->mutex);
	if (keys->options.dir != TD_DISK_NOWHERE)
		done = td_map_put(&keys->doomed, number, keys);
	else if (number > 0 && number < keys->next)
		OPENSSL_cleanse(keys->memory[number - 1], TD_KEY_BYTES);
	if (done)
		forget(keys, number);
	td_mutex_unlock(&keys->mutex);
	return done ? 0 : td_error_nomem(err);
}

bool td_keys_destroyed(const struct td_keys *keys, uint64_t number)
{
	return td_map_get(&keys->doomed, number) == NULL;
}

/* Slots read some at once: numbers ascend. */
struct window {
	uint8_t *bytes;
	uint64_t offset;
	size_t len;
	int handle;
};

static int window_slot(const struct td_keys *keys, struct window *window,
	const struct key_file *file, uint64_t number, struct td_key_slot *slot,
	struct td_error *err)
{
	uint64_t at = td_key_slot_at(&file->head, number);
	const char *wrong;
	int code;

	if (window->handle != file->handle || at < window->offset ||
		at + TD_KEY_SLOT_BYTES > window->offset + window->len) {
		window->handle = file->handle;
		window->offset = at;
		code = td_disk_read_all(
			keys->options.disk, file->handle, window->bytes, WINDOW, at, &window->len);
		if (code != 0)
			return disk_error(file->head.first, "read", code, err);
	}
	if (window->len < TD_KEY_SLOT_BYTES)
		return damaged(file, number, "the file ends before it", err);
	wrong = td_key_slot_read(slot, window->bytes + (at - window->offset));
	/* A slot that was torn while it was overwritten is overwritten once more. */
	slot->destroyed = wrong == NULL && slot->destroyed;
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
		const struct key_file *file = find_file(keys, numbers[i]);

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
	const struct key_file *last = NULL;
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
	work->count = (size_t)(want + PER_SECTOR - 1) / PER_SECTOR * PER_SECTOR;
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
	if (code == 0)
		code = td_disk_sync(disk, work->file.handle);
	if (code == 0 && work->fresh)
		code = td_disk_sync_dir(disk, work->dir);
	return code;
}

static int destroy(struct td_keys_work *work, const struct td_disk *disk)
{
	uint8_t bytes[TD_KEY_SLOT_BYTES];
	int code = 0;

	for (size_t i = 0; code == 0 && i < work->doomed_count; i++) {
		const struct td_key_slot slot = {.number = work->doomed[i], .destroyed = true};
		const struct key_file *file = find_file(work->keys, slot.number);

		if (file == NULL || file->wrong != NULL)
			continue;
		td_key_slot_put(&slot, bytes);
		code = td_disk_write_all(disk, file->handle, bytes, sizeof(bytes),
			td_key_slot_at(&file->head, slot.number));
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
	if (code == 0 && work->slots != NULL)
		code = make(work, disk);
	if (code == 0)
		return;
	work->code = disk_error(work->file.head.first, "write", code, &work->err);
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
	added = add_file(keys, &work->file);
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
