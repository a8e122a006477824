/*
 * Copies of the store, and heads of its chain.
 *
 * A backup is taken while the store is used: whenever it says how far it is, somebody may append, and
 * work go on. What a store that is made of it has is a pass, asked for when the copying began and
 * answered when it was over. Heads that were exported are held against the chain at the end.
 */
#include "play.h"

#include <inttypes.h>
#include <stdio.h>

#define BACKUP     "backup"
#define COPIES_MAX 3u

/* --- backups ------------------------------------------------------------------------------ */

static bool go_on(void *arg, uint64_t bytes)
{
	struct run *run = arg;
	uint64_t steps = sim_below(run->world, 4);

	(void)bytes;
	for (uint64_t i = 0; i < steps && td_store_failed(run->store, NULL) == 0; i++) {
		if (sim_chance(run->world, 400))
			sim_run_append(run);
		sim_run_work(run);
	}
	return true;
}

/* What it has; where it ends is kept for later. */
static void read_copy(
	struct run *run, struct td_store *copy, uint64_t asked, uint64_t end, uint64_t unread)
{
	struct td_buf events = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_read_options options = {0};
	struct td_error err = TD_ERROR_INIT;
	struct td_cursor *cursor;
	struct td_stored stored;
	int code = td_store_read(&cursor, copy, &options, &err);

	if (code != 0) {
		sim_fail(run->world, "read a copy: %s", err.text);
		return;
	}
	while ((code = td_cursor_next(cursor, &stored, &err)) == 0) {
		struct sim_store_event event = sim_run_event(run, &stored);

		if (event.position >= end)
			sim_fail(run->world,
				"a copy that ends before %" PRIu64 " has position %" PRIu64, end,
				event.position);
		td_buf_add(&events, &event, sizeof(event));
	}
	sim_trace(run->world, "copy",
		(uint64_t[]){end, events.len / sizeof(struct sim_store_event), (uint64_t)code}, 3);
	if (run->counts[SIM_DISK_COUNT_READ_EIO] > unread) {
		/* Who only looks passes over what was not given. */
	} else if (code == TD_E_NOT_FOUND) {
		sim_store_pass_put(&run->history, asked, 1,
			(const struct sim_store_event *)(const void *)events.at,
			events.len / sizeof(struct sim_store_event), true);
		run->history.passes[run->history.passes_count - 1].copy = true;
		run->history.passes[run->history.passes_count - 1].answered_ms =
			sim_now_ms(run->world);
		sim_count(run->world, COUNT_RESTORED);
	} else {
		sim_fail(run->world, "read a copy: %s", err.text);
	}
	td_cursor_close(cursor);
	td_buf_fini(&events);
}

/* An opening goes on with that, and then the copy goes another way. */
static bool adopts(const struct run *run)
{
	for (size_t i = 0; i < LOGS_MAX; i++) {
		if (run->slots[i].adopts || run->slots[i].adoption != NOTHING)
			return true;
	}
	return false;
}

static void restore(struct run *run, uint64_t asked)
{
	uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	struct td_backup_options options = {0};
	struct td_backup_report report = {0};
	struct td_error err = TD_ERROR_INIT;
	struct td_recovery recovery;
	struct td_store_options to = run->config.options;
	struct td_store *copy = NULL;
	char path[16];
	int code;

	snprintf(path, sizeof(path), "copy-%u", run->copies++);
	code = td_journal_restore(
		&run->config.options.journal, BACKUP, path, &options, &report, &err);
	to.journal.read_only = adopts(run) || sim_chance(run->world, 500);
	if (code == 0)
		code = td_store_open(&copy, path, &to, &recovery, &err);
	sim_trace(run->world, "restore", (uint64_t[]){report.position, (uint64_t)code}, 2);
	if (code == 0)
		read_copy(run, copy, asked, report.position, unread);
	else if (!sim_run_is_unread(run, code, unread))
		sim_fail(run->world, "restore: %s", err.text);
	td_store_abandon(copy);
}

void sim_run_copy(struct run *run)
{
	uint64_t asked = sim_store_moment(&run->history);
	uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	struct td_backup_options options = {.progress = go_on, .arg = run};
	struct td_backup_report report = {0};
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (run->copies == COPIES_MAX)
		return;
	options.check = sim_chance(run->world, 300);
	code = td_journal_backup(td_store_journal(run->store), BACKUP, &options, &report, &err);
	sim_trace(run->world, "backup",
		(uint64_t[]){report.position, report.files, report.bytes, (uint64_t)code}, 4);
	if (code == 0) {
		sim_count(run->world, COUNT_BACKED_UP);
		restore(run, asked);
	} else if (!sim_run_is_unread(run, code, unread)) {
		sim_fail(run->world, "backup: %s", err.text);
	}
}

/* --- heads -------------------------------------------------------------------------------- */

void sim_run_export_head(struct run *run)
{
	static const uint8_t secret[32] = {1, 2, 3};
	struct td_error err = TD_ERROR_INIT;
	struct td_journal_state state;
	struct td_signer signer;
	char line[TD_HEAD_LINE_BYTES];
	int code;

	if (!sim_chance(run->world, 300))
		return;
	td_journal_state(td_store_journal(run->store), &state);
	code = td_signer_init(&signer, secret, &err);
	if (code == 0)
		code = td_journal_head(
			&state, &signer, td_clock_wall(&run->world->clock), line, &err);
	if (code == 0) {
		td_buf_add_string(&run->heads, line);
		td_buf_add_char(&run->heads, '\n');
	} else if (code != TD_E_PLACE && code != TD_E_NOT_FOUND) {
		sim_fail(run->world, "head: %s", err.text);
	}
}

struct found {
	struct sim_world *world;
	char text[200];
};

static void found(void *arg, const struct td_finding *finding)
{
	struct found *all = arg;

	if (finding->kind == TD_FINDING_HEAD || finding->kind == TD_FINDING_HEAD_OPEN)
		sim_count(all->world, COUNT_HEADS);
	if (finding->kind == TD_FINDING_DAMAGE && all->text[0] == 0)
		snprintf(all->text, sizeof(all->text), "%s", finding->what);
}

void sim_run_check_heads(struct run *run)
{
	struct found all = {.world = run->world};
	struct td_verify_options options = {.heads = td_buf_view(&run->heads)};
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (run->heads.len == 0 || sim_failed(run->world))
		return;
	code = td_journal_verify(sim_disk_table(run->disk), PATH, &options, found, &all, &err);
	if (code != 0)
		sim_fail(run->world, "heads: %s; %s", err.text, all.text);
}
