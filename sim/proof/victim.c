#include "proof/victim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof/runs.h"
#include "store/content.h"

/*
 * The store that is damaged, as it was: made, and learnt by heart.
 */

#define STORE_BYTES (256u << 10)

uint64_t sim_victim_hash(const struct td_stored *stored)
{
	const struct td_text texts[] = {
		stored->address, stored->type, stored->headers, stored->payload, stored->server};
	uint64_t hash = td_hash_u64(
		stored->seq ^
		td_hash_u64(stored->revision ^ td_hash_u64((uint64_t)stored->time ^ stored->log)));

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hash = td_hash(texts[i].at, texts[i].len, hash);
	return hash;
}

struct td_cursor *sim_victim_read(struct td_store *store, struct td_error *err)
{
	const struct td_read_options options = {.control = true};
	struct td_cursor *cursor;

	return td_store_read(&cursor, store, &options, err) == 0 ? cursor : NULL;
}

static bool learn(struct prover *prover, struct sim_script *script)
{
	struct sim_store_entry entry = {0};
	struct td_cursor *cursor = sim_victim_read(script->store, &script->err);
	struct td_stored stored;

	while (cursor != NULL && td_cursor_next(cursor, &stored, &script->err) == 0) {
		prover->events =
			realloc(prover->events, (prover->count + 1) * sizeof(*prover->events));
		TD_ASSERT(prover->events != NULL);
		prover->events[prover->count++] =
			(struct event){stored.position, sim_victim_hash(&stored)};
		if (sim_store_content_read(&stored, &entry)) {
			uint32_t log = sim_store_area(entry.subject), subject = entry.subject & 255;

			TD_ASSERT(log < LOGS && subject < SUBJECTS);
			prover->seqs[log] = stored.seq;
			prover->revisions[log][subject] = stored.revision;
		}
	}
	td_cursor_close(cursor);
	return cursor != NULL;
}

static int note_file(void *arg, const struct td_disk_entry *entry)
{
	struct prover *prover = arg;
	struct file *file = &prover->files[prover->files_count];

	if (entry->kind != TD_DISK_FILE || entry->bytes == 0)
		return 0;
	TD_ASSERT(prover->files_count < FILES_MAX && entry->bytes <= FILE_BYTES);
	snprintf(file->name, sizeof(file->name), "%s", entry->name);
	file->bytes = entry->bytes;
	prover->files_count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void list(struct prover *prover)
{
	const struct td_disk *disk = sim_disk_table(prover->disk);
	int dir;

	TD_ASSERT(td_disk_open_dir(disk, TD_DISK_NOWHERE, SIM_SCRIPT_PATH, 0, &dir) == 0);
	prover->files_count = 0;
	td_disk_list(disk, dir, note_file, prover);
	td_disk_close(disk, dir);
	qsort(prover->files, prover->files_count, sizeof(prover->files[0]), by_name);
}

uint64_t sim_victim_bytes(struct prover *prover)
{
	uint64_t sum = 0;

	list(prover);
	for (size_t i = 0; i < prover->files_count; i++)
		sum += prover->files[i].bytes;
	return sum;
}

void sim_victim_remove(struct sim_disk *disk, const char *name)
{
	const struct td_disk *table = sim_disk_table(disk);
	int dir;

	TD_ASSERT(td_disk_open_dir(table, TD_DISK_NOWHERE, SIM_SCRIPT_PATH, 0, &dir) == 0);
	TD_ASSERT(td_disk_unlink(table, dir, name) == 0 && td_disk_sync_dir(table, dir) == 0);
	td_disk_close(table, dir);
}

bool sim_victim_make(struct prover *prover, struct sim_disk *disk, unsigned values, bool learns)
{
	struct sim_script script;
	bool right;

	sim_script_init(&script, disk);
	script.values = values;
	td_rng_init(&script.world.rng, values + 1); /* a secret and a salt of its own */
	prover->disk = disk;
	right = sim_run_everything(&script) == 0;
	for (unsigned i = 0; right && sim_victim_bytes(prover) < STORE_BYTES; i++) {
		right = sim_script_append(&script, 1, i % 7, 1 + i % 3) == 0;
		if (i % 2 == 0)
			right = right && sim_script_turn(&script) == 0;
	}
	right = right && sim_script_idle(&script, 600000) == 0;
	prover->last_frame = td_store_staged(script.store);
	right = right && sim_script_append(&script, 0, 1, 2) == 0 && sim_script_turn(&script) == 0;
	if (right && learns)
		right = learn(prover, &script);
	if (right && !prover->killed)
		right = sim_script_close(&script) == 0;
	if (!right)
		fprintf(stderr, "damages: %s\n", script.err.text);
	sim_script_fini(&script);
	sim_disk_kill(disk);
	list(prover);
	for (size_t i = 0; prover->bare && i < prover->files_count; i++) {
		if (strncmp(prover->files[i].name, "index-", 6) == 0)
			sim_victim_remove(disk, prover->files[i].name);
	}
	list(prover);
	return right;
}
