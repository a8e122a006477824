/*
 * seal: payloads of erasable subjects, sealed when they are staged, opened when they are shown.
 *
 *	            plan              give               seal
 *	append --> erasable? which --> a new subject's --> payload: | key | nonce | sealed | tag |
 *	           key has it          key, in a record             ^-- of AES-256-GCM; all else of the
 *	                               of the same frame                record is what it vouches for
 *
 *	record --> open --> payload;  or, where its key is gone, none: `erased`
 *
 * What lies in the journal, in its cache and in what is built of it is sealed; plain text is in the
 * buffers of those who read, alone, which are wiped when they are left: openers, and what the callers
 * of td_store_latest() and td_store_find() give, who do it themselves (td_buf_wipe()).
 *
 * A nonce is 96 bits, counted from where chance put it when the store was opened: the same is never
 * met twice, also where a crash takes events back or a store is copied and both go on.
 *
 * Under the store's lock, but for td_seal_open().
 */
#ifndef TD_STORE_SEAL_H
#define TD_STORE_SEAL_H

#include "store/keys.h"
#include "store/record.h"
#include "store/store.h"

struct td_log;
struct td_plan;

/* What it takes to open; zero it, fini wipes. */
struct td_opener {
	struct evp_cipher_ctx_st *cipher;
	char *plain;
	size_t cap, len;
};
void td_opener_fini(struct td_opener *opener);

/*
 * Which key a subject has, and of which log it is, by its index: both in a pointer's place, so that
 * a subject takes no more than a slot of the map.
 */
static inline void *td_seal_value(uint16_t log, uint64_t number)
{
	return (void *)(uintptr_t)((uint64_t)log << 48 | number); /* NOLINT: no address */
}
static inline uint64_t td_seal_number(const void *value) /* 0: none */
{
	return (uint64_t)(uintptr_t)value & ((UINT64_C(1) << 48) - 1);
}
static inline uint16_t td_seal_log(const void *value)
{
	return (uint16_t)((uint64_t)(uintptr_t)value >> 48);
}

/* The store's part. */
struct td_seals {
	struct td_keys *keys; /* NULL: not opened yet */
	struct td_map of;     /* of a subject (hash as in tops) -> td_seal_value() */
	uint8_t nonce[TD_NONCE_BYTES];
	struct evp_cipher_ctx_st *cipher;
	struct td_buf sealed; /* payloads of the append that is being decided */
	struct td_buf given;  /* keys given by it: items of the record */
	size_t plans;         /* how many of it are to be sealed */
};
void td_seals_fini(struct td_seals *seals);
int td_seals_open(
	struct td_store *store, const struct td_keys_options *options, struct td_error *err);

/* --- appending ---------------------------------------------------------------------------- */

/* Whether the log seals what this subject has. */
bool td_seal_is_wanted(const struct td_log *log, struct td_text address);
/* Before it is decided: its bytes, and its digest by the key its subject has. */
int td_seal_plan(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err);
/* Decided: the key, a new one if need be. TD_E_FULL, and as td_keys_take(), td_keys_get(). */
int td_seal_give(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err);
void td_seal_take_back(struct td_store *store, struct td_plan *plan);
/* The payload as it will stand in this record, whose other parts are there: plan->sealed_at. */
int td_seal_put(struct td_store *store, const struct td_event_record *record, struct td_plan *plan,
	struct td_error *err);
/* Bytes of the record of keys that this append gives; 0: none. */
size_t td_seal_given_bytes(const struct td_store *store);

/* --- reading ------------------------------------------------------------------------------ */

/*
 * A record as it is shown: its payload as it stands, or opened into the opener's buffer; absent, and
 * `erased`, where its key is gone. TD_E_DAMAGED: it does not open; TD_E_DISK, TD_E_NOMEM. Any thread,
 * without the lock.
 */
int td_stored_open(struct td_store *store, struct td_opener *opener, struct td_stored *stored,
	const struct td_event_record *record, uint64_t position, struct td_error *err);
/* The digest of what was stored, for who is told of duplicates; of what is erased: none fits. */
uint64_t td_seal_digest(struct td_store *store, const struct td_event_record *record);

/* The key that a subject has now; 0: none. */
static inline uint64_t td_seal_key(const struct td_seals *seals, uint64_t hash)
{
	return td_seal_number(td_map_get(&seals->of, hash));
}

/* --- folding ------------------------------------------------------------------------------ */

/* A record of keys that were given. NULL, or what is wrong with it; *code: TD_E_NOMEM. */
const char *td_seal_fold(struct td_store *store, struct td_text body, int *code);
/* A sealed event that was read: its key was given. */
void td_seal_note(struct td_store *store, const struct td_event_record *record);

#endif
