/*
 * A new journal:
 *
 *	1  the first segment, complete, under the name of the spare
 *	2  CONTROL.a, generation 1
 *	3  spare -> seg-0000000000000001.log, directory synced
 *
 * Cut off before 3 there is no segment, and the next opening begins again; from 3 on there is a
 * journal, and opening it goes the usual way.
 */
#include "journal/fault.h"
#include "journal/open.h"

static void make_uuid(struct td_journal *journal, uint8_t uuid[TD_STORE_BYTES])
{
	uint64_t random;
	td_uuid_tick tick = 0;

	journal->options.random->fill(journal->options.random->arg, &random, sizeof(random));
	td_uuid_next(&tick, td_clock_wall(journal->options.clock), random, uuid);
}

static struct td_segment_header first_header(struct td_journal *journal, uint64_t bytes)
{
	struct td_segment_header header = {
		.features = journal->features,
		.base = 1,
		.number = 1,
		.bytes = bytes,
		.time = journal->control.time,
	};

	memcpy(header.store, journal->control.store, TD_STORE_BYTES);
	journal->options.random->fill(
		journal->options.random->arg, &header.salt, sizeof(header.salt));
	return header;
}

static int make_segment(struct td_journal *journal, struct td_error *err)
{
	uint64_t bytes = journal->options.segment_bytes_first;
	struct td_segment_header header = first_header(journal, bytes);
	uint8_t page[TD_PAGE_BYTES];
	char name[TD_SEGMENT_NAME_BYTES];
	int file = -1, code;

	td_segment_header_encode(&header, page);
	td_segment_name(name, header.base);
	code = td_spare_make(journal, bytes, &file);
	if (code == 0)
		code = td_disk_write_all(journal->disk, file, page, sizeof(page), 0);
	if (code == 0)
		code = td_disk_sync(journal->disk, file);
	td_disk_close(journal->disk, file);
	if (code != 0)
		return td_fault(err, code, "journal %s: the first segment", journal->path);
	journal->copy = 1;
	code = td_copies_save(journal, &journal->control, err);
	if (code != 0)
		return code;
	code = td_disk_rename(journal->disk, journal->dir, TD_SPARE_NAME, journal->dir, name);
	if (code == 0)
		code = td_disk_sync_dir(journal->disk, journal->dir);
	return code == 0 ? 0 : td_fault(err, code, "journal %s: %s", journal->path, name);
}

int td_create(struct td_journal *journal, struct td_error *err)
{
	struct td_control *control = &journal->control;

	journal->features = (struct td_features){
		.ro_compat = (journal->options.chain_off ? 0 : TD_RO_COMPAT_CHAIN) |
			     (journal->options.strict ? TD_RO_COMPAT_STRICT : 0)};
	*control = (struct td_control){
		.features = journal->features,
		.generation = 1,
		.epoch = 1,
		.time = td_clock_wall(journal->options.clock),
		.first_segment = 1,
		.active_segment = 1,
		.first_position = 1,
		.active_base = 1,
	};
	if (control->time <= 0)
		control->time = 1;
	make_uuid(journal, control->store);
	return make_segment(journal, err);
}
