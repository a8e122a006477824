/*
 * notes: the lines that the server writes for who runs it.
 *
 *	2026-11-30T17:11:40.123456Z warning a connection: Too many open files
 *	{"time":"2026-11-30T17:11:40.123456Z","level":"warning","message":"a connection: ..."}
 *
 * A line is one line whatever is in it: control bytes are written as \xNN, what is no UTF-8 as
 * U+FFFD, and it is cut at 2 KiB. Of each level 200 lines come at once, and 20 a second; what is beyond
 * is counted, and the next that comes says how many there were. Lines wait in 64 KiB for who writes
 * them; when that is full they are counted, too. Nothing here blocks or allocates.
 *
 * The loop's thread.
 */
#ifndef TD_SERVER_NOTES_H
#define TD_SERVER_NOTES_H

#include "base/base.h"
#include "server/server.h"

#define TD_NOTES_BYTES      65536u
#define TD_NOTE_BYTES_MAX   2048u
#define TD_NOTES_AT_ONCE    200
#define TD_NOTES_PER_SECOND 20

enum td_notes_form {
	TD_NOTES_TEXT,
	TD_NOTES_JSON,
	TD_NOTES_JOURNAL, /* as text, "<4>" before it and no time: for systemd's journal */
};

struct td_notes {
	enum td_severity least; /* what is less is not written */
	enum td_notes_form form;
	int64_t spent[4];  /* by severity: when all lines so far are forgiven; monotonic ns */
	uint64_t left_out; /* since a line said so */
	uint64_t left_out_ever, written_ever;
	size_t len;
	char bytes[TD_NOTES_BYTES];
};

void td_notes_init(struct td_notes *notes, enum td_severity least, enum td_notes_form form);
/* `wall` is written, `now` (monotonic ns) is what the rate goes by. */
void td_notes_say(struct td_notes *notes, enum td_severity severity, const char *text, td_time wall,
	int64_t now);
/* What waits to be written; whole lines. */
struct td_text td_notes_waiting(const struct td_notes *notes);
/* So many bytes of it are. */
void td_notes_written(struct td_notes *notes, size_t len);

#endif
