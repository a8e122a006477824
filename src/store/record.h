/*
 * record: what the store keeps in the journal. doc/format/store.md is the format.
 *
 *	event    fixed part | address | type | server block | header block | payload
 *	removal  fixed part | ranges of positions
 *	tops     fixed part | (hash, seq, revision) ...
 *	note     fixed part | bytes of another room
 *	known    fixed part | (key, position, append, seq, revision, time) ...
 *	keys     fixed part | (log, hash, number of its key) ...
 *	loss     from, to
 *
 * Pure bytes: nothing is allocated, views point into the body. What was written reads the same; what
 * reads without error is what would be written.
 */
#ifndef TD_STORE_RECORD_H
#define TD_STORE_RECORD_H

#include "store/bytes.h"
#include "store/server.h"

enum td_record_kind {
	TD_RECORD_GONE = 1, /* the journal's: positions whose records are gone */
	TD_RECORD_EVENT = 2,
	TD_RECORD_REMOVAL = 3,
	TD_RECORD_TOPS = 4,
	TD_RECORD_NOTE = 5,  /* of a room above: consumers and so on */
	TD_RECORD_STORE = 6, /* the store's own secret, once */
	TD_RECORD_KEYS = 7,  /* which key a subject's payloads are sealed with from here on */
	TD_RECORD_KNOWN = 8, /* what duplicates of erased events are known by */
	TD_RECORD_LOSS =
		9, /* positions were given up: numbers go on above what they may have had */
};

/* --- event -------------------------------------------------------------------------------- */

#define TD_EVENT_FIXED_BYTES 48u
#define TD_TYPE_BYTES_MAX    4096u
#define TD_SERVER_BYTES_MAX  (32u * 1024u)

enum td_event_flag {
	TD_EVENT_IMPORTED = 1, /* its time and revision were given */
	TD_EVENT_SEALED = 2,   /* the payload is encrypted with its subject's key */
	TD_EVENT_HEADLESS = 4, /* it has no header block, which is not an empty one */
	TD_EVENT_FURTHER = 8,  /* of the same append as the record before it */
};

#define TD_KEY_NUMBER_MAX ((UINT64_C(1) << 48) - 1)

/* A sealed payload: the number of its key, the nonce, as many bytes as it had, the tag. */
#define TD_NONCE_BYTES     12u
#define TD_SEAL_HEAD_BYTES (8u + TD_NONCE_BYTES)
#define TD_SEAL_TAG_BYTES  16u
#define TD_SEAL_BYTES      (TD_SEAL_HEAD_BYTES + TD_SEAL_TAG_BYTES)

struct td_event_record {
	uint32_t log;
	unsigned flags;
	uint64_t seq, revision, prev;
	td_time time;
	struct td_text address, type, server, headers, payload;
};

/* The fixed part; the five texts follow it, in the order of the struct. */
void td_event_record_head(const struct td_event_record *record, uint8_t head[TD_EVENT_FIXED_BYTES]);
static inline size_t td_event_record_bytes(const struct td_event_record *record)
{
	return TD_EVENT_FIXED_BYTES + record->address.len + record->type.len + record->server.len +
	       record->headers.len + record->payload.len;
}
/* NULL, or what is wrong with it. Views into the body. */
const char *td_event_record_read(struct td_event_record *record, struct td_text body);

/* --- removal ------------------------------------------------------------------------------ */

#define TD_REMOVAL_FIXED_BYTES 24u
#define TD_RULE_BYTES_MAX      23u

/* Positions [from, from + count). */
struct td_range {
	uint64_t from, count;
};

struct td_removal_record {
	uint32_t log;
	bool erase;
	uint64_t last_seq;     /* of the log: it survives the event that had it */
	uint64_t count;        /* positions in all */
	struct td_text rule;   /* why */
	struct td_text ranges; /* as they stand: td_ranges_next() */
};

/* The fixed part; rule and ranges follow it. */
void td_removal_record_head(
	const struct td_removal_record *record, uint8_t head[TD_REMOVAL_FIXED_BYTES]);
const char *td_removal_record_read(struct td_removal_record *record, struct td_text body);

/* Writing ranges: ascending; those that touch are joined by the caller. */
struct td_ranges {
	struct td_text rest;
	uint64_t next; /* the least position that may come */
};
void td_ranges_add(struct td_buf *buf, uint64_t *next, struct td_range range);
/* false: the end; of what td_removal_record_read() accepted nothing else is wrong. */
bool td_ranges_next(struct td_ranges *ranges, struct td_range *range);

/* --- tops --------------------------------------------------------------------------------- */

#define TD_TOPS_FIXED_BYTES 8u
#define TD_TOP_BYTES        24u

/* Where a subject without live events goes on. */
struct td_top {
	uint64_t hash; /* of log and address, by the store's own seed */
	uint64_t seq, revision;
	uint64_t log; /* not among its bytes: the record says it once */
};
void td_tops_record_head(uint32_t log, uint8_t head[TD_TOPS_FIXED_BYTES]);
void td_top_put(const struct td_top *top, uint8_t bytes[TD_TOP_BYTES]);
void td_top_get(struct td_top *top, const char *bytes);
/* `tops` is a row of TD_TOP_BYTES each. */
const char *td_tops_record_read(uint32_t *log, struct td_text *tops, struct td_text body);

/* --- keys --------------------------------------------------------------------------------- */

#define TD_KEYS_FIXED_BYTES 8u
#define TD_KEY_GIVEN_BYTES  24u

/* The key that a subject has from here on; log and hash 0: keys up to this are passed over. */
struct td_key_given {
	uint32_t log;
	uint64_t hash;   /* of log and address, as in tops */
	uint64_t number; /* of the key, from 1 */
};
void td_keys_record_head(uint8_t head[TD_KEYS_FIXED_BYTES]);
void td_key_given_put(const struct td_key_given *given, uint8_t bytes[TD_KEY_GIVEN_BYTES]);
void td_key_given_get(struct td_key_given *given, const char *bytes);
/* `items` is a row of TD_KEY_GIVEN_BYTES each. */
const char *td_keys_record_read(struct td_text *items, struct td_text body);

/* --- known -------------------------------------------------------------------------------- */

#define TD_KNOWN_FIXED_BYTES 8u
#define TD_KNOWN_BYTES       48u

/* What is kept of an event that is erased until the window of duplicates has passed over it. */
struct td_known {
	uint64_t key; /* hash by the store's own seed; never 0 */
	uint64_t position, append, seq, revision;
	td_time time;
};
void td_known_record_head(uint32_t log, uint8_t head[TD_KNOWN_FIXED_BYTES]);
void td_known_put(const struct td_known *known, uint8_t bytes[TD_KNOWN_BYTES]);
void td_known_get(struct td_known *known, const char *bytes);
/* `items` is a row of TD_KNOWN_BYTES each. */
const char *td_known_record_read(uint32_t *log, struct td_text *items, struct td_text body);

/* --- note, store -------------------------------------------------------------------------- */

#define TD_NOTE_FIXED_BYTES 8u

/* `owner`: which room's, and what of it; its own to number. */
void td_note_record_head(uint32_t owner, uint8_t head[TD_NOTE_FIXED_BYTES]);
const char *td_note_record_read(uint32_t *owner, struct td_text *bytes, struct td_text body);

#define TD_LOSS_RECORD_BYTES 24u

/* Positions [from, to], of which nobody can say what stood there. */
struct td_loss_record {
	uint64_t from, to;
};
void td_loss_record_put(const struct td_loss_record *record, uint8_t body[TD_LOSS_RECORD_BYTES]);
const char *td_loss_record_read(struct td_loss_record *record, struct td_text body);

#define TD_STORE_RECORD_BYTES 24u

struct td_store_record {
	uint32_t version; /* 1 */
	uint64_t seed;    /* of the hashes in tops */
};
void td_store_record_put(const struct td_store_record *record, uint8_t body[TD_STORE_RECORD_BYTES]);
const char *td_store_record_read(struct td_store_record *record, struct td_text body);

#endif
