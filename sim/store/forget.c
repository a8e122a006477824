/*
 * Subjects that are forgotten: what is asked, which keys that dooms, and what was told of it.
 *
 * A key's bytes are read from its file when its subject is forgotten, while they are there. From when
 * the store says that it is destroyed they may be in no file any more.
 */
#include "play.h"

#include <inttypes.h>
#include <string.h>

#include "json/json.h"

bool sim_run_seals(const struct run *run, uint32_t subject)
{
	return (run->config.sealed >> sim_store_area(subject) & 1) != 0 &&
	       (!run->config.sealed_few || (subject & 255) < 2);
}

/* --- keys --------------------------------------------------------------------------------- */

struct search {
	uint64_t number, first;
};

/* The file whose first number is the highest that is not above. */
static int consider(void *arg, const struct td_disk_entry *entry)
{
	struct search *search = arg;
	uint64_t first = td_key_file_first(entry->name);

	if (first <= search->number && first > search->first)
		search->first = first;
	return 0;
}

static bool read_slot(
	const struct td_disk *disk, int file, uint64_t number, struct td_key_slot *slot)
{
	uint8_t head_bytes[TD_KEY_HEAD_BYTES], bytes[TD_KEY_SLOT_BYTES];
	struct td_key_head head;
	size_t got;

	return td_disk_read_all(disk, file, head_bytes, sizeof(head_bytes), 0, &got) == 0 &&
	       got == sizeof(head_bytes) && td_key_head_read(&head, head_bytes) == NULL &&
	       td_disk_read_all(disk, file, bytes, sizeof(bytes), td_key_slot_at(&head, number),
		       &got) == 0 &&
	       got == sizeof(bytes) && td_key_slot_read(slot, bytes) == NULL;
}

/* false: the disk did not give it, or it is destroyed already. */
static bool read_key(struct run *run, uint64_t number, uint8_t key[TD_KEY_BYTES])
{
	const struct td_disk *disk = sim_disk_table(run->disk);
	struct search search = {.number = number};
	char name[TD_KEY_FILE_NAME_BYTES];
	struct td_key_slot slot = {0};
	int dir, file;
	bool read = false;

	if (td_disk_open_dir(disk, TD_DISK_NOWHERE, PATH "/" TD_KEYS_DIRECTORY, 0, &dir) != 0)
		return false;
	td_disk_list(disk, dir, consider, &search);
	td_key_file_name(name, search.first);
	if (search.first != 0 && td_disk_open(disk, dir, name, TD_DISK_READ, &file) == 0) {
		read = read_slot(disk, file, number, &slot) && !slot.destroyed &&
		       slot.number == number;
		td_disk_close(disk, file);
	}
	td_disk_close(disk, dir);
	memcpy(key, slot.key, TD_KEY_BYTES);
	return read;
}

static struct doomed *doomed_of(const struct run *run, size_t *count)
{
	*count = run->doomed.len / sizeof(struct doomed);
	return (struct doomed *)(void *)run->doomed.at;
}

void sim_run_note_destroyed(struct run *run, bool opened)
{
	size_t count;
	struct doomed *doomed = doomed_of(run, &count);

	for (size_t i = 0; i < count; i++) {
		enum sim_store_outcome outcome = run->history.forgets[doomed[i].forget].outcome;

		/* Of the others nobody knows whether the number is that key's yet. */
		if (doomed[i].gone || outcome != SIM_STORE_OK)
			continue;
		doomed[i].gone = td_store_is_forgotten(run->store, doomed[i].number);
		if (opened && !doomed[i].gone)
			sim_fail(run->world,
				"key %" PRIu64 " is not destroyed when the store opens",
				doomed[i].number);
	}
}

void sim_run_look_for_sealed(struct run *run, struct td_text files)
{
	size_t count;
	const struct doomed *doomed = doomed_of(run, &count);

	if (memmem(files.at, files.len, SIM_STORE_PLAIN, strlen(SIM_STORE_PLAIN)) != NULL)
		sim_fail(run->world, "a payload that is sealed is on the disk as it was");
	for (size_t i = 0; i < count && !sim_failed(run->world); i++) {
		if (!doomed[i].gone || !doomed[i].known)
			continue;
		sim_count(run->world, COUNT_DESTROYED);
		if (memmem(files.at, files.len, doomed[i].key, TD_KEY_BYTES) != NULL)
			sim_fail(run->world, "key %" PRIu64 " was destroyed, and is on the disk",
				doomed[i].number);
	}
}

/* --- forgetting --------------------------------------------------------------------------- */

/* The last of those doomed that nothing came of is nobody's. */
static void doom(struct run *run, size_t forget, uint64_t number)
{
	struct doomed doomed = {.number = number, .forget = forget};

	doomed.known = read_key(run, number, doomed.key);
	td_buf_add(&run->doomed, &doomed, sizeof(doomed));
}

void sim_run_forget(struct run *run)
{
	static struct sim_store_content content;
	uint32_t area = (uint32_t)sim_below(run->world, run->config.logs);
	const struct slot *slot = &run->slots[run->slots[area].exists ? area : 0];
	struct sim_store_entry entry = {
		.subject = sim_store_subject(
			area, (uint32_t)sim_below(run->world, run->config.subjects)),
		.value = 1};
	struct pending pending = {.what = ASKED_FORGET};
	struct td_error err = TD_ERROR_INIT;
	uint64_t key = 0;

	if (run->pending_count == PENDING_MAX || slot->number == SIM_STORE_NOWHERE)
		return;
	sim_store_content(&content, &entry, 1);
	pending.number = sim_store_ask_forget(&run->history, slot->number, entry.subject);
	pending.code = td_store_forget(run->store, sim_run_name(run, area), content.address, &key,
		&pending.rests_on, &err);
	sim_trace(run->world, "forget",
		(uint64_t[]){
			slot->number, entry.subject, key, pending.rests_on, (uint64_t)pending.code},
		5);
	if (pending.code == TD_E_DISK)
		return; /* nobody knows */
	if (pending.code == 0) {
		sim_count(run->world, COUNT_FORGOTTEN);
		run->history.forgets[pending.number].position = pending.rests_on;
		doom(run, pending.number, key);
	} else if (pending.code != TD_E_FULL && pending.code != TD_E_NOT_FOUND &&
		   !sim_run_is_the_disks(pending.code)) {
		sim_fail(run->world, "forget: %s", err.text);
	}
	sim_run_decided(run, pending);
}

/* --- told --------------------------------------------------------------------------------- */

static void take_told(struct run *run, struct td_text payload)
{
	struct td_json_iter seqs, range;
	struct td_json object, name, value, first, last;
	struct td_error err = TD_ERROR_INIT;
	int64_t from, to, log;

	if (td_json_parse(payload, 0, &object, &err) != 0) {
		sim_fail(run->world, "Erased: %s", err.text);
		return;
	}
	seqs = td_json_iterate(td_json_get(object, td_text("seqs")));
	while (td_json_next(&seqs, &name, &value)) {
		range = td_json_iterate(value);
		if (!td_json_next(&range, &name, &first) || !td_json_next(&range, &name, &last) ||
			!td_json_to_i64(first, &from) || !td_json_to_i64(last, &to) ||
			!td_json_to_i64(td_json_get(object, td_text("number")), &log)) {
			sim_fail(run->world, "Erased: %.*s", TD_TEXT_ARG(payload));
			return;
		}
		sim_count(run->world, COUNT_TOLD);
		sim_store_tell_erased(&run->history,
			(struct sim_store_told){(uint32_t)log, (uint64_t)from, (uint64_t)to});
	}
}

void sim_run_read_told(struct run *run)
{
	const struct td_text type = td_text("Erased");
	struct td_read_options options = {
		.log = td_text(TD_LOG_CONTROL), .types = &type, .types_count = 1, .control = true};
	struct td_error err = TD_ERROR_INIT;
	struct td_cursor *cursor;
	struct td_stored stored;
	int code = td_store_read(&cursor, run->store, &options, &err);

	if (code != 0) {
		sim_fail(run->world, "read what was told: %s", err.text);
		return;
	}
	while (!sim_failed(run->world) && (code = td_cursor_next(cursor, &stored, &err)) == 0)
		take_told(run, stored.payload);
	if (!sim_failed(run->world) && code != TD_E_NOT_FOUND)
		sim_fail(run->world, "read what was told: %s", err.text);
	td_cursor_close(cursor);
	run->history.told_all = true;
}
