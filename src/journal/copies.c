#include <errno.h>

#include "journal/fault.h"
#include "journal/inside.h"

static const char *const names[2] = {TD_CONTROL_A_NAME, TD_CONTROL_B_NAME};

void td_copies_close(struct td_journal *journal)
{
	for (unsigned i = 0; i < 2; i++) {
		td_disk_close(journal->disk, journal->copies[i]);
		journal->copies[i] = -1;
	}
}

int td_copies_open(struct td_journal *journal, unsigned flags, struct td_error *err)
{
	uint8_t pages[2][TD_PAGE_BYTES];
	const void *const views[2] = {pages[0], pages[1]};
	struct td_control_choice choice;
	size_t lens[2] = {0, 0};
	unsigned missing = 0, unread = 0, which = 0;

	for (unsigned i = 0; i < 2; i++) {
		int code = td_disk_open(
			journal->disk, journal->dir, names[i], flags, &journal->copies[i]);

		if (code == ENOENT) {
			missing++;
			continue;
		}
		if (code == 0)
			code = td_disk_read_all(journal->disk, journal->copies[i], pages[i],
				TD_PAGE_BYTES, 0, &lens[i]);
		if (code != 0 && (code != EIO || ++unread + missing == 2))
			return td_fault(err, code, "journal %s: %s", journal->path, names[i]);
		if (code != 0)
			which = i;
	}
	if (missing == 2)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "journal %s: none", journal->path);
	int code = td_control_choose(views, lens, &journal->control, &choice, err);

	/* The one that could not be read may well be the good one. */
	if (code != 0 && unread > 0)
		return td_fault(err, EIO, "journal %s: %s", journal->path, names[which]);
	if (code != 0)
		return td_error_wrap(err, code, "journal %s", journal->path);
	journal->copy = choice.copy;
	return 0;
}

struct td_control td_copies_next(const struct td_journal *journal)
{
	struct td_control next = journal->control;

	next.generation++;
	next.epoch = journal->epoch;
	next.clean = false;
	next.end = next.next_position = 0;
	memset(next.end_chain, 0, sizeof(next.end_chain));
	next.time = td_clock_wall(journal->options.clock);
	if (next.time <= 0)
		next.time = 1;
	return next;
}

int td_copies_write(struct td_journal *journal, const uint8_t page[TD_PAGE_BYTES], unsigned copy,
	struct td_error *err)
{
	int code = 0;

	if (journal->copies[copy] < 0) {
		code = td_disk_open(journal->disk, journal->dir, names[copy],
			TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &journal->copies[copy]);
		if (code == 0)
			code = td_disk_sync_dir(journal->disk, journal->dir);
	}
	if (code == 0)
		code = td_disk_write_all(
			journal->disk, journal->copies[copy], page, TD_PAGE_BYTES, 0);
	if (code == 0)
		code = td_disk_sync(journal->disk, journal->copies[copy]);
	return code == 0 ? 0
			 : td_fault_final(err, code, "journal %s: %s", journal->path, names[copy]);
}

int td_copies_save(
	struct td_journal *journal, const struct td_control *control, struct td_error *err)
{
	uint8_t page[TD_PAGE_BYTES];
	int code;

	td_control_encode(control, page);
	code = td_copies_write(journal, page, !journal->copy, err);
	if (code == 0) {
		journal->control = *control;
		journal->copy = !journal->copy;
	}
	return code;
}
