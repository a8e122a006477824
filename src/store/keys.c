#include "store/keys_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <openssl/crypto.h>

/* --- errors ------------------------------------------------------------------------------- */

int td_keys_error(uint64_t first, const char *doing, int sys_errno, struct td_error *err)
{
	char name[TD_KEY_FILE_NAME_BYTES];
	int code = td_disk_code(sys_errno);

	td_key_file_name(name, first);
	if (err != NULL) {
		td_error_system(err, sys_errno, "%s/%s: %s", TD_KEYS_DIRECTORY, name, doing);
		err->code = code;
	}
	return code;
}

int td_keys_damage(
	const struct td_key_file *file, uint64_t number, const char *what, struct td_error *err)
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
	const struct td_key_file *x = a, *y = b;

	return (x->head.first > y->head.first) - (x->head.first < y->head.first);
}

bool td_keys_add_file(struct td_keys *keys, const struct td_key_file *file)
{
	struct td_key_file *grown =
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
	const struct td_key_file file = {
		.head.first = td_key_file_first(entry->name), .handle = -1};

	if (file.head.first == 0 || entry->kind != TD_DISK_FILE)
		return 0; /* not ours */
	return td_keys_add_file(keys, &file) ? 0 : ENOMEM;
}

static int open_file(struct td_keys *keys, struct td_key_file *file, struct td_error *err)
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
		return td_keys_error(first, "open", code, err);
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
		return td_error_wrap(err, td_keys_error(0, "list", code, err), "keys");
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

static int read_slot(const struct td_keys *keys, const struct td_key_file *file, uint64_t number,
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
		return td_keys_error(file->head.first, "read", code, err);
	if (wrong == NULL)
		wrong = got < sizeof(bytes) ? "the file ends before it"
					    : td_key_slot_read(slot, bytes);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (wrong == NULL && slot->number != number)
		wrong = "another stands in its place";
	return wrong == NULL ? 0 : td_keys_damage(file, number, wrong, err);
}

/* The number behind all that the file has bytes for, at the beginning of a sector. */
static uint64_t end_of(const struct td_key_head *head, uint64_t bytes)
{
	uint64_t from = td_key_slot_at(head, head->first), count = 0;

	if (bytes > from)
		count = (bytes - from + head->stride - 1) / head->stride;
	if (head->stride < TD_KEY_HEAD_BYTES)
		count = (count + TD_KEYS_PER_SECTOR - 1) / TD_KEYS_PER_SECTOR * TD_KEYS_PER_SECTOR;
	return head->first + count;
}

/* Whether spare ones are as they were made: that may have failed half way. */
static int check_spares(const struct td_keys *keys, const struct td_key_file *last, bool *whole,
	struct td_error *err)
{
	struct td_key_slot slot = {0};
	int code = 0;

	*whole = true;
	for (uint64_t number = keys->next; code == 0 && *whole && number < keys->end; number++) {
		code = read_slot(keys, last, number, &slot, err);
		*whole = code == 0 && !slot.destroyed;
		if (code == TD_E_DAMAGED)
			code = 0;
	}
	OPENSSL_cleanse(&slot, sizeof(slot));
	return code;
}

int td_keys_put_destroyed(
	const struct td_keys *keys, const struct td_key_file *file, uint64_t number)
{
	const struct td_key_slot slot = {.number = number, .destroyed = true};
	uint8_t bytes[TD_KEY_STRIDE_STRICT] = {0};
	size_t len = file->head.stride < sizeof(bytes) ? TD_KEY_SLOT_BYTES : sizeof(bytes);

	td_key_slot_put(&slot, bytes);
	return td_disk_write_all(
		keys->options.disk, file->handle, bytes, len, td_key_slot_at(&file->head, number));
}

/*
 * Who made it may have come to an end before its name, or all of it, was on the disk. The last of those
 * passed over (0: none) is written first, so that the file is as long as the record of it says.
 */
static int sync_file(const struct td_keys *keys, const struct td_key_file *file, uint64_t passed,
	struct td_error *err)
{
	int code = passed == 0 ? 0 : td_keys_put_destroyed(keys, file, passed);

	if (code == 0)
		code = td_disk_sync(keys->options.disk, file->handle);
	if (code == 0)
		code = td_disk_sync_dir(keys->options.disk, keys->dir);
	return code == 0 ? 0 : td_keys_error(file->head.first, "sync", code, err);
}

int td_keys_begin(struct td_keys *keys, bool clean, uint64_t *passed, struct td_error *err)
{
	const struct td_key_file *last = NULL;
	uint64_t bytes = 0;
	int code = 0;

	*passed = 0;
	for (size_t i = 0; i < keys->files_count; i++) {
		const struct td_key_file *file = &keys->files[i];

		if (file->wrong != NULL && file->head.first <= keys->given)
			return td_keys_damage(file, file->head.first, file->wrong, err);
		if (file->wrong == NULL)
			last = file;
	}
	keys->next = keys->end = keys->given + 1;
	if (last == NULL)
		return 0;
	code = td_disk_size(keys->options.disk, last->handle, &bytes);
	if (code != 0)
		return td_keys_error(last->head.first, "size", code, err);
	if (keys->given >= last->head.first &&
		td_key_slot_at(&last->head, keys->given) + TD_KEY_SLOT_BYTES > bytes)
		return td_keys_damage(last, keys->given, "the file ends before it", err);
	keys->end = end_of(&last->head, bytes);
	if (keys->end < keys->next) /* it has none of those given: another file is missing */
		keys->end = keys->next;
	if (clean && keys->end > keys->next)
		code = check_spares(keys, last, &clean, err);
	if (code == 0 && !clean && keys->end > keys->next)
		*passed = keys->end - 1;
	if (code == 0 && !keys->options.read_only && !TD_BUG(248))
		code = sync_file(keys, last, *passed, err);
	if (code == 0 && *passed != 0) {
		keys->given = *passed;
		keys->next = keys->end;
	}
	return code;
}

/* --- get ---------------------------------------------------------------------------------- */

const struct td_key_file *td_keys_file(const struct td_keys *keys, uint64_t number)
{
	for (size_t i = keys->files_count; i-- > 0;) {
		if (keys->files[i].head.first <= number)
			return &keys->files[i];
	}
	return NULL;
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
	const struct td_key_cached *cached = &keys->cache[number % TD_KEYS_CACHED];

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

/* Keep what was read, if nothing was destroyed since; false: some was. */
static bool keep(struct td_keys *keys, uint64_t generation, const struct td_key_slot *slot)
{
	struct td_key_cached *cached = &keys->cache[slot->number % TD_KEYS_CACHED];
	bool same;

	td_mutex_lock(&keys->mutex);
	same = generation == keys->generation;
	if (same && !slot->destroyed) {
		cached->number = slot->number;
		memcpy(cached->key, slot->key, TD_KEY_BYTES);
	}
	td_mutex_unlock(&keys->mutex);
	return same;
}

/* One try; *again: a key was destroyed meanwhile, and it may be this one's slot that was half written. */
static int get(struct td_keys *keys, uint64_t number, uint8_t key[TD_KEY_BYTES], bool *again,
	struct td_error *err)
{
	struct td_key_slot slot = {0};
	struct td_key_file file = {.handle = -1};
	const struct td_key_file *found = NULL;
	uint64_t generation;
	int code;

	*again = false;
	td_mutex_lock(&keys->mutex);
	code = look(keys, number, key);
	generation = keys->generation;
	if (code == 0)
		found = td_keys_file(keys, number);
	if (found != NULL)
		file = *found;
	td_mutex_unlock(&keys->mutex);
	if (code == 1)
		return 0;
	if (code == TD_E_NOT_FOUND || found == NULL)
		return gone(number, err);
	code = read_slot(keys, &file, number, &slot, err);
	if (code != 0)
		slot = (struct td_key_slot){.number = number, .destroyed = true};
	*again = !keep(keys, generation, &slot);
	if (code == 0 && slot.destroyed)
		code = gone(number, err);
	if (code == 0)
		memcpy(key, slot.key, TD_KEY_BYTES);
	OPENSSL_cleanse(&slot, sizeof(slot));
	return code;
}

int td_keys_get(
	struct td_keys *keys, uint64_t number, uint8_t key[TD_KEY_BYTES], struct td_error *err)
{
	struct td_error wrong = TD_ERROR_INIT;
	bool again = true;
	int code = 0;

	while (again)
		code = get(keys, number, key, &again, &wrong);
	if (code != 0) {
		OPENSSL_cleanse(key, TD_KEY_BYTES);
		if (err != NULL)
			*err = wrong;
	}
	return code;
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
	struct td_key_cached *cached = &keys->cache[number % TD_KEYS_CACHED];

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
