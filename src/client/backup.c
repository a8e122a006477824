#include "client/place.h"

/*
 * Copies of what a place keeps: the journal's work, on the caller's thread and without the place's lock.
 */

int td_place_backup(struct td *td, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err)
{
	struct td_place *place = td->place;
	int code = td_place_may(place, "backup:", err);

	if (code == 0 && !place->on_disk)
		code = td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"nothing is stored here that could be copied");
	if (code == 0) {
		td_mutex_lock(&place->lock);
		code = td_store_failed(td_place_store(place), err);
		td_mutex_unlock(&place->lock);
	}
	if (code == 0)
		code = td_journal_backup(
			td_store_journal(td_place_store(place)), to, options, report, err);
	return code;
}

int td_restore(const char *from, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err)
{
	static const struct td_journal_options world = {
		.disk = &td_disk_real, .clock = &td_clock_real, .random = &td_random_real};
	int code;

	TD_CHECK_GIVEN(from, err);
	if (options == NULL || !options->check)
		TD_CHECK_GIVEN(to, err);
	code = td_journal_restore(&world, from, to, options, report, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "restore");
}
