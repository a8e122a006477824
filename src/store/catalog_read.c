/*
 * Making a catalog: its segment is read, and what its records say is gathered by their places.
 */
#include "store/catalog_make.h"

#include <stdlib.h>

/* The place of its log in the file's list. */
static uint16_t place_log(struct td_catalog_make *make, uint32_t number, uint32_t line)
{
	struct td_catalog_log log = {.number = number, .first = line};
	size_t count = make->logs.len / sizeof(log);

	for (size_t i = count; i > 0; i--) {
		if (td_making_log(make, (uint16_t)(i - 1))->number == number)
			return (uint16_t)(i - 1);
	}
	td_buf_add(&make->logs, &log, sizeof(log));
	return (uint16_t)count;
}

static uint32_t place_subject(
	struct td_catalog_make *make, const struct td_event_record *event, uint16_t log)
{
	uint64_t hash = td_subjects_hash(&make->table, event->address);
	uint32_t ref = td_subjects_find(&make->table, hash, event->address, log);
	size_t count = make->subjects.len / sizeof(struct td_catalog_subject);
	const struct td_catalog_subject subject = {.address = make->addresses.len,
		.address_len = (uint16_t)event->address.len,
		.log = log};

	if (ref != TD_SUBJECT_NONE)
		return (uint32_t)td_subject_at(&make->table, ref)->position;
	ref = td_subjects_add(&make->table, hash, event->address, log);
	if (ref == TD_SUBJECT_NONE) {
		make->code = TD_E_NOMEM;
		return 0;
	}
	td_subject_at(&make->table, ref)->position = count;
	td_buf_add(&make->subjects, &subject, sizeof(subject));
	td_buf_add_text(&make->addresses, event->address);
	return (uint32_t)count;
}

static void read_event(
	struct td_catalog_make *make, const struct td_event_record *event, uint32_t line)
{
	uint16_t place = place_log(make, event->log, line);
	uint32_t local = place_subject(make, event, place);
	struct td_catalog_subject *subject;
	struct td_catalog_log *log;

	if (make->code != 0 || make->subjects.code != 0 || make->logs.code != 0)
		return;
	make->locals[line] = local + 1;
	subject = td_making_subject(make, local);
	subject->seq = event->seq;
	subject->revision = event->revision;
	subject->last = line;
	log = td_making_log(make, place);
	if (log->first_seq == 0)
		log->first_seq = event->seq;
	log->last_seq = event->seq;
	log->last = line;
	log->last_time = event->time;
}

static void read_record(struct td_catalog_make *make, const struct td_record *record)
{
	uint32_t line = (uint32_t)(record->position - make->run->base);
	struct td_catalog_tag tag = {.line = line};
	struct td_event_record event;

	make->offsets[line] = (uint32_t)record->location;
	if (record->body.at[0] == TD_RECORD_GONE)
		return;
	td_spent_look(&make->spent, record, line);
	tag.tag = td_store_tag(make->store, record);
	if (tag.tag.id != 0 || tag.tag.story != 0)
		td_buf_add(&make->tags, &tag, sizeof(tag));
	/* Duplicates are looked for only where the records are read, too. */
	if (record->body.at[0] == TD_RECORD_KNOWN ||
		(TD_BUG(234) && record->body.at[0] == TD_RECORD_REMOVAL))
		return;
	if (record->body.at[0] != TD_RECORD_EVENT) {
		td_buf_add(&make->notes, &line, sizeof(line));
		return;
	}
	if (td_event_record_read(&event, record->body) != NULL) {
		make->code = TD_E_DAMAGED;
		return;
	}
	read_event(make, &event, line);
	if (event.log == TD_LOG_NUMBER_CONTROL)
		td_buf_add(&make->notes, &line, sizeof(line));
}

void td_making_read(struct td_catalog_make *make)
{
	const struct td_shelf *shelf = &make->store->shelf;
	struct td_place place = td_place_at(make->image.head.base);
	struct td_record record;
	uint64_t lost_to;

	make->locals = calloc(make->lines, sizeof(*make->locals));
	make->offsets = calloc(make->lines, sizeof(*make->offsets));
	if (make->locals == NULL || make->offsets == NULL)
		make->code = TD_E_NOMEM;
	/* It had a catalog: links are no more to be had elsewhere. */
	if (make->code == 0 && make->run->catalog != NULL)
		make->links = td_catalog_read(make->run->catalog, TD_CATALOG_LINKS, &make->code);
	while (make->code == 0 && place.scan.position < make->image.head.next) {
		make->code = shelf->scan(shelf->arg, &place, &record, &lost_to, NULL);
		if (make->code == 0 && record.body.len > 0)
			read_record(make, &record);
	}
	shelf->leave(&place);
	if (make->subjects.code != 0 || make->logs.code != 0 || make->addresses.code != 0 ||
		make->notes.code != 0 || make->tags.code != 0 || make->spent.records.code != 0)
		make->code = TD_E_NOMEM;
}
