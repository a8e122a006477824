/*
 * show: what is stored, as JSON for those who ask.
 *
 *	{"specversion":"1.0","id":...,"data":{...},"recordedtime":"...",
 *	 "tdlog":"orders","tdseq":"7","tdrevision":"3","tdposition":"4711","tdcauses":2}
 *
 * An event is its CloudEvents JSON, data byte for byte as it was stored, with attributes of the
 * server's own that say where it stands: strings, since CloudEvents' integers have 32 bits.
 */
#ifndef TD_SERVER_SHOW_H
#define TD_SERVER_SHOW_H

#include "server/server.h"

/* --- names of logs ------------------------------------------------------------------------ */

/* Which log has which number: a picture of one moment, counted, for any thread. */
struct td_names;

/* As they are now. NULL: no memory. The loop's thread. */
struct td_names *td_names_new(struct td_store *store);
struct td_names *td_names_ref(struct td_names *names);
void td_names_unref(struct td_names *names);
/* Absent: it is not in the picture. */
struct td_text td_names_of(const struct td_names *names, uint32_t number);

/* --- JSON --------------------------------------------------------------------------------- */

/* A member. Of a number that a double cannot hold, NAME_text says it as a string, too. */
void td_show_u64(struct td_json_writer *writer, const char *name, uint64_t value);
void td_show_i64(struct td_json_writer *writer, const char *name, int64_t value);
void td_show_string(struct td_json_writer *writer, const char *name, struct td_text value);
void td_show_bool(struct td_json_writer *writer, const char *name, bool value);
void td_show_time(struct td_json_writer *writer, const char *name, td_time value);

/* Where an event stands. */
struct td_standing {
	uint32_t log;
	uint64_t seq, revision, position;
};
static inline struct td_standing td_standing_of(const struct td_stored *stored)
{
	return (struct td_standing){stored->log, stored->seq, stored->revision, stored->position};
}
/*
 * Append an event. Any thread. TD_E_NOMEM, TD_E_TOO_LARGE, TD_E_DATA; the buffer may hold a piece
 * then.
 */
int td_show_event(struct td_buf *buf, const struct td_event *event,
	const struct td_standing *standing, const struct td_names *names, struct td_error *err);
/*
 * The event of what is stored, without what its sender had no right to say (td_event_take_off()).
 * Unref it. Any thread. As td_stored_event().
 */
int td_shown_event(struct td_store *store, const struct td_stored *stored, struct td_event **event,
	struct td_error *err);

#endif
