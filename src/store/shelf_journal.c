/* The shelf on disk: a journal as it is. */
#include "store/shelf.h"

static int journal_room(
	void *arg, size_t records, size_t bytes, bool reserved, struct td_error *err)
{
	return td_journal_room(arg, records, bytes, reserved, err);
}

static uint64_t journal_stage(
	void *arg, const struct td_text *parts, size_t count, uint64_t *location)
{
	return td_journal_stage(arg, parts, count, location);
}

static uint64_t journal_staged(void *arg)
{
	return td_journal_staged(arg);
}

static uint64_t journal_durable(void *arg)
{
	return td_journal_durable(arg);
}

static td_time journal_time(void *arg)
{
	return td_journal_time(arg);
}

static int journal_fetch(void *arg, uint64_t location, struct td_held *held, struct td_error *err)
{
	td_block_unref(held->block);
	held->block = NULL;
	held->buf.max = SIZE_MAX / 2;
	td_buf_reset(&held->buf);
	return td_journal_fetch(
		arg, location, held->bytes, &held->buf, &held->block, &held->record, err);
}

static int journal_scan(void *arg, struct td_place *place, struct td_record *record,
	uint64_t *lost_to, struct td_error *err)
{
	return td_journal_scan(arg, &place->scan, record, lost_to, err);
}

static void journal_let_go(struct td_held *held)
{
	td_buf_fini(&held->buf);
	td_block_unref(held->block);
	*held = (struct td_held){0};
}

static void journal_leave(struct td_place *place)
{
	td_scan_fini(&place->scan);
}

static void journal_dead(void *arg, uint64_t location, size_t bytes)
{
	td_journal_dead(arg, location, bytes);
}

void td_shelf_journal(struct td_shelf *shelf, struct td_journal *journal)
{
	*shelf = (struct td_shelf){
		.room = journal_room,
		.stage = journal_stage,
		.staged = journal_staged,
		.durable = journal_durable,
		.time = journal_time,
		.fetch = journal_fetch,
		.scan = journal_scan,
		.let_go = journal_let_go,
		.leave = journal_leave,
		.dead = journal_dead,
		.arg = journal,
		.journal = journal,
	};
}
