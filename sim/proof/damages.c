#include "proof/damages.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proof/victim.h"

/*
 * Each damage that can be done to each file of a store, one after the other, and what a reading of it
 * finds.
 */

#define TOLD_MAX 64

/* --- the case at hand --------------------------------------------------------------------- */

static const char *const damage_names[DAMAGES] = {"a bit flipped", "cut", "a sector zeroed",
	"a sector swapped with the next", "a sector swapped with another file's", "removed",
	"another store's"};

struct range {
	uint64_t from, to; /* positions, both included */
};

/* What a reading of a damaged store found. */
struct finding {
	struct range told[TOLD_MAX];
	size_t told_count;
	uint64_t missing, first_missing, more; /* events; those that were not there */
};

static struct prover *proving;
static char now[200];     /* the case at hand */
static char refusal[600]; /* of the case at hand, before it was looked at read-only */

static void describe(const struct prover *prover)
{
	TD_ASSERT(prover->damage < DAMAGES);
	snprintf(now, sizeof(now), "damages: %s store: %s: %s at %" PRIu64, prover->ended,
		prover->file->name, damage_names[prover->damage], prover->at);
}

static void crashed(int number)
{
	static const char what[] = ": crashed\n";

	(void)number;
	if (write(STDERR_FILENO, now, strlen(now)) > 0)
		_exit(write(STDERR_FILENO, what, strlen(what)) > 0 ? 1 : 2);
	_exit(1);
}

static bool wrong(const char *what)
{
	fprintf(stderr, "%s: %s\n%s%s\n", now, what, refusal[0] != 0 ? "it had been refused: " : "",
		refusal);
	return false;
}

/* --- damage ------------------------------------------------------------------------------- */

static size_t load(struct sim_disk *disk, const char *name, uint8_t *bytes)
{
	const struct td_disk *table = sim_disk_table(disk);
	size_t got = 0;
	int dir, file;

	TD_ASSERT(td_disk_open_dir(table, TD_DISK_NOWHERE, SIM_SCRIPT_PATH, 0, &dir) == 0);
	if (td_disk_open(table, dir, name, TD_DISK_READ, &file) == 0) {
		td_disk_read_all(table, file, bytes, FILE_BYTES, 0, &got);
		td_disk_close(table, file);
	}
	td_disk_close(table, dir);
	return got;
}

/* So many bytes at the offset; and the file ends at `end`. */
static void save(struct sim_disk *disk, const char *name, const uint8_t *bytes, size_t len,
	uint64_t offset, uint64_t end)
{
	const struct td_disk *table = sim_disk_table(disk);
	int dir, file;

	TD_ASSERT(td_disk_open_dir(table, TD_DISK_NOWHERE, SIM_SCRIPT_PATH, 0, &dir) == 0);
	TD_ASSERT(td_disk_open(table, dir, name, TD_DISK_WRITE, &file) == 0);
	if (len > 0)
		TD_ASSERT(td_disk_write_all(table, file, bytes, len, offset) == 0);
	TD_ASSERT(td_disk_truncate(table, file, end) == 0 && td_disk_sync(table, file) == 0);
	td_disk_close(table, file);
	td_disk_close(table, dir);
}

static void swap_sectors(struct sim_disk *disk, const struct file *a, uint64_t at_a,
	const struct file *b, uint64_t at_b)
{
	static uint8_t left[FILE_BYTES], right[FILE_BYTES];

	load(disk, a->name, left);
	load(disk, b->name, right);
	save(disk, a->name, right + at_b, TD_DISK_SECTOR, at_a, a->bytes);
	save(disk, b->name, left + at_a, TD_DISK_SECTOR, at_b, b->bytes);
}

/* false: there is no such case, or it changes nothing. */
static bool apply(struct prover *prover, struct sim_disk *disk)
{
	static uint8_t bytes[FILE_BYTES];
	static const uint8_t zeros[TD_DISK_SECTOR];
	const struct file *file = prover->file;
	const struct file *next =
		file + 1 < prover->files + prover->files_count ? file + 1 : prover->files;
	uint64_t sector = prover->at * TD_DISK_SECTOR, hash = sim_disk_hash(disk);
	char path[100];
	size_t len;

	switch (prover->damage) {
	case FLIP:
		snprintf(path, sizeof(path), SIM_SCRIPT_PATH "/%s", file->name);
		return sim_disk_flip(disk, path, prover->at) == 0;
	case CUT:
		save(disk, file->name, NULL, 0, 0, prover->at);
		return true;
	case ZERO:
		save(disk, file->name, zeros, sizeof(zeros), sector, file->bytes);
		break;
	case SWAP:
		if (sector + 2 * TD_DISK_SECTOR > file->bytes)
			return false;
		swap_sectors(disk, file, sector, file, sector + TD_DISK_SECTOR);
		break;
	case SWAP_FAR:
		if (sector + TD_DISK_SECTOR > file->bytes || sector + TD_DISK_SECTOR > next->bytes)
			return false;
		swap_sectors(disk, file, sector, next, sector);
		break;
	case REMOVE:
		sim_victim_remove(disk, file->name);
		return true;
	case EXCHANGE:
		len = load(prover->other, file->name, bytes);
		if (len == 0)
			return false;
		save(disk, file->name, bytes, len, 0, len);
		break;
	case DAMAGES:
	default:
		TD_UNREACHABLE();
	}
	return sim_disk_hash(disk) != hash;
}

/* --- looking ------------------------------------------------------------------------------ */

static void tell(struct finding *finding, uint64_t from, uint64_t to)
{
	if (to != UINT64_MAX && to - from + 1 > proving->widest)
		proving->widest = to - from + 1;
	if (finding->told_count < TOLD_MAX)
		finding->told[finding->told_count++] = (struct range){from, to};
}

static bool is_told(const struct finding *finding, uint64_t position)
{
	for (size_t i = 0; i < finding->told_count; i++) {
		if (finding->told[i].from <= position && position <= finding->told[i].to)
			return true;
	}
	return false;
}

static void miss(struct finding *finding, uint64_t position)
{
	if (is_told(finding, position))
		return;
	if (finding->missing++ == 0)
		finding->first_missing = position;
}

/* Read all, beside what it was. false: something else was served, or reading failed. */
static bool read_beside(struct prover *prover, struct sim_script *script, struct finding *finding)
{
	struct td_cursor *cursor = sim_victim_read(script->store, &script->err);
	struct td_stored stored;
	size_t at = 0;
	bool right = true;

	if (cursor == NULL)
		return wrong(script->err.text);
	while (right) {
		uint64_t before = td_cursor_position(cursor);
		int code = td_cursor_next(cursor, &stored, &script->err);

		if (code == TD_E_DAMAGED) {
			tell(finding, before, td_cursor_position(cursor) - 1);
			if (strstr(script->err.text, "position") == NULL)
				right = wrong("damage without positions");
			if (td_cursor_position(cursor) == before)
				right = wrong("reading does not go on behind what it lost");
			continue;
		}
		if (code != 0) {
			if (code != TD_E_NOT_FOUND)
				right = wrong(script->err.text);
			break;
		}
		while (at < prover->count && prover->events[at].position < stored.position)
			miss(finding, prover->events[at++].position);
		if (at == prover->count || prover->events[at].position != stored.position)
			finding->more++;
		else if (prover->events[at++].hash != sim_victim_hash(&stored))
			right = wrong("another event was served");
	}
	while (at < prover->count)
		miss(finding, prover->events[at++].position);
	td_cursor_close(cursor);
	return right;
}

/* A store that takes events gives no seq and no revision a second time. */
static bool goes_on(struct prover *prover, struct sim_script *script)
{
	script->values = 200000;
	for (uint32_t log = 0; log < LOGS; log++) {
		for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
			const struct sim_store_entry *entry;
			int code;

			if (prover->revisions[log][subject] == 0)
				continue;
			code = sim_script_append(script, log, subject, 1);
			if (code == TD_E_DISK || code == TD_E_NOT_FOUND)
				return wrong(script->err.text);
			if (code != 0)
				return true;
			entry = &script->history.entries[script->history.entries_count - 1];
			if (entry->seq <= prover->seqs[log])
				return wrong("a seq is given again");
			if (entry->revision <= prover->revisions[log][subject])
				return wrong("a revision is given again");
		}
	}
	return true;
}

/* An opened store, read: told, the tail, or the same. */
static bool look(struct prover *prover, struct sim_script *script)
{
	struct finding finding = {0};
	char text[100];

	for (size_t i = 0; i < script->report.damages_count && i < TD_DAMAGES_MAX; i++)
		tell(&finding, script->report.damages[i].position_from,
			script->report.damages[i].position_to);
	/* Of a last frame whose header is gone nobody knows how many it held: all from here on. */
	if (script->report.tail == TD_TAIL_DAMAGED)
		tell(&finding, script->report.position, UINT64_MAX);
	if (!read_beside(prover, script, &finding))
		return false;
	/* It was refused, and is only looked at: what is whole and cannot be shown is counted. */
	if (script->options.journal.read_only) {
		prover->unshown += finding.missing > 0;
		return true;
	}
	if (finding.missing > 0 &&
		!(prover->killed && finding.first_missing >= prover->last_frame)) {
		snprintf(text, sizeof(text),
			"%" PRIu64 " events missing in silence, from position %" PRIu64,
			finding.missing, finding.first_missing);
		return wrong(text);
	}
	/* What was removed is there again where the removal is among what is told to be lost. */
	if (finding.more > 0 && finding.told_count == 0)
		return wrong("what had been removed is there again, in silence");
	if (finding.missing == 0 && !goes_on(prover, script))
		return false;
	prover->risen += finding.more > 0;
	if (finding.told_count > 0)
		prover->told++;
	else if (finding.missing > 0)
		prover->tail++;
	else
		prover->same++;
	return true;
}

/* What it says names what was damaged. */
static bool names_it(const struct prover *prover, const char *text)
{
	return strstr(text, prover->file->name) != NULL || strstr(text, "CONTROL") != NULL ||
	       (prover->damage >= SWAP_FAR && strstr(text, "seg-") != NULL);
}

/* Refused: which file is said; and it can be looked at. */
static bool look_refused(struct prover *prover, struct sim_script *script, int code)
{
	if (code != TD_E_DAMAGED && code != TD_E_FOREIGN && code != TD_E_NEWER &&
		code != TD_E_NOT_FOUND)
		return wrong(script->err.text);
	if (!names_it(prover, script->err.text)) {
		char text[600];

		snprintf(text, sizeof(text), "it is not named: %s", script->err.text);
		return wrong(text);
	}
	prover->refused++;
	snprintf(refusal, sizeof(refusal), "%s", script->err.text);
	script->options.journal.read_only = true;
	if (td_store_open(&script->store, SIM_SCRIPT_PATH, &script->options, &script->report,
		    &script->err) != 0)
		return true;
	return look(prover, script);
}

static bool try(struct prover *prover)
{
	struct sim_disk *disk = sim_disk_copy(prover->disk);
	struct sim_script script;
	bool right = true;
	int code;

	if (apply(prover, disk)) {
		prover->cases++;
		describe(prover);
		refusal[0] = 0;
		sim_script_init(&script, disk);
		script.options.journal.create = false;
		sim_advance_ms(&script.world, 3600000);
		code = td_store_open(&script.store, SIM_SCRIPT_PATH, &script.options,
			&script.report, &script.err);
		right = code == 0 ? look(prover, &script) : look_refused(prover, &script, code);
		sim_script_fini(&script);
	}
	sim_disk_free(disk);
	return right;
}

/* --- all ---------------------------------------------------------------------------------- */

static uint64_t cases_of(const struct file *file, enum damage damage)
{
	switch (damage) {
	case FLIP:
		return file->bytes * 8;
	case CUT:
		return file->bytes;
	case ZERO:
	case SWAP:
	case SWAP_FAR:
		return file->bytes / TD_DISK_SECTOR;
	case REMOVE:
	case EXCHANGE:
	case DAMAGES:
	default:
		return 1;
	}
}

static void show(struct prover *prover)
{
	TD_ASSERT(prover->damage < DAMAGES);
	printf("damages: %-7s %-38s %8" PRIu64 " cases: %" PRIu64 " refused, %" PRIu64
	       " told, %" PRIu64 " harmless, %" PRIu64 " the tail; %" PRIu64
	       " with removed ones back, %" PRIu64 " with others not shown, too; widest %" PRIu64
	       "\n",
		prover->ended, damage_names[prover->damage], prover->cases, prover->refused,
		prover->told, prover->same, prover->tail, prover->risen, prover->unshown,
		prover->widest);
	prover->cases = prover->refused = prover->told = prover->same = prover->tail = 0;
	prover->risen = prover->unshown = prover->widest = 0;
}

static bool prove(struct prover *prover, uint64_t step, uint64_t first)
{
	uint64_t skip = first;
	bool right = true;

	for (prover->damage = 0; right && prover->damage < DAMAGES; prover->damage++) {
		/* Of the few all are looked at. */
		uint64_t stride = prover->damage >= ZERO ? 1 : step;

		if (stride == 1)
			skip = 0;
		for (size_t i = 0; right && i < prover->files_count; i++) {
			uint64_t count = cases_of(&prover->files[i], prover->damage);

			prover->file = &prover->files[i];
			for (prover->at = skip; right && prover->at < count; prover->at += stride)
				right = try(prover);
			skip = right && stride > 1 ? prover->at - count : 0;
		}
		show(prover);
	}
	return right;
}

bool sim_prove_damages(const char *ended, uint64_t step, uint64_t first)
{
	const struct sim_disk_options options = {0};
	struct prover prover = {.ended = ended,
		.killed = strcmp(ended, "closed") != 0,
		.bare = strcmp(ended, "bare") == 0};
	struct prover other = {.killed = prover.killed};
	bool right;

	proving = &prover;
	prover.file = prover.files;
	other.disk = sim_disk_new(&options);
	prover.disk = sim_disk_new(&options);
	right = sim_victim_make(&other, other.disk, 100000, false) &&
		sim_victim_make(&prover, prover.disk, 0, true);
	prover.other = other.disk;
	printf("damages: %s store: %zu events, %zu files, %" PRIu64 " bytes\n", ended, prover.count,
		prover.files_count, sim_victim_bytes(&prover));
	signal(SIGABRT, crashed);
	signal(SIGSEGV, crashed);
	right = right && prove(&prover, step, first % step);
	sim_disk_free(prover.disk);
	sim_disk_free(other.disk);
	free(prover.events);
	return right;
}
