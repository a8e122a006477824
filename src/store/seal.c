#include "store/private.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* --- lifetime ----------------------------------------------------------------------------- */

static void wipe(struct td_opener *opener)
{
	if (opener->plain != NULL)
		OPENSSL_cleanse(opener->plain, opener->len);
	opener->len = 0;
}

void td_opener_fini(struct td_opener *opener)
{
	wipe(opener);
	free(opener->plain);
	EVP_CIPHER_CTX_free(opener->cipher);
	*opener = (struct td_opener){0};
}

void td_seals_fini(struct td_seals *seals)
{
	td_keys_close(seals->keys);
	td_map_fini(&seals->of);
	EVP_CIPHER_CTX_free(seals->cipher);
	td_buf_fini(&seals->sealed);
	td_buf_fini(&seals->given);
	*seals = (struct td_seals){0};
}

int td_seals_open(
	struct td_store *store, const struct td_keys_options *options, struct td_error *err)
{
	struct td_seals *seals = &store->seals;

	seals->sealed.max = seals->given.max = SIZE_MAX / 2;
	store->random->fill(store->random->arg, seals->nonce, sizeof(seals->nonce));
	return td_keys_open(&seals->keys, options, err);
}

/* --- the cipher --------------------------------------------------------------------------- */

struct sealed {
	uint64_t number;
	const uint8_t *nonce, *bytes, *tag;
	size_t len;
};

static struct sealed parts_of(struct td_text payload)
{
	const uint8_t *at = (const uint8_t *)payload.at;

	TD_ASSERT(payload.len >= TD_SEAL_BYTES);
	return (struct sealed){.number = td_le64_get(at),
		.nonce = at + 8,
		.bytes = at + TD_SEAL_HEAD_BYTES,
		.tag = at + payload.len - TD_SEAL_TAG_BYTES,
		.len = payload.len - TD_SEAL_BYTES};
}

static int no_cipher(struct td_error *err)
{
	return td_error_set(err, TD_E_SYSTEM, TD_NO_OFFSET, "OpenSSL offers no AES-256-GCM");
}

/* Made at first use: who seals nothing pays nothing. */
static int begin(EVP_CIPHER_CTX **cipher, bool seals, const uint8_t key[TD_KEY_BYTES],
	const uint8_t nonce[TD_NONCE_BYTES], struct td_error *err)
{
	const EVP_CIPHER *kind = NULL;

	if (*cipher == NULL) {
		*cipher = EVP_CIPHER_CTX_new();
		kind = EVP_aes_256_gcm();
		if (*cipher == NULL)
			return td_error_nomem(err);
	}
	if (EVP_CipherInit_ex2(*cipher, kind, key, nonce, seals, NULL) == 1)
		return 0;
	EVP_CIPHER_CTX_free(*cipher);
	*cipher = NULL;
	return no_cipher(err);
}

/* All of the record but its payload. */
static bool vouch(EVP_CIPHER_CTX *cipher, const struct td_event_record *record)
{
	uint8_t head[TD_EVENT_FIXED_BYTES];
	const struct td_text parts[] = {td_text_of((const char *)head, sizeof(head)),
		record->address, record->type, record->server, record->headers};
	bool done = true;
	int len;

	td_event_record_head(record, head);
	for (size_t i = 0; done && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].len > 0)
			done = EVP_CipherUpdate(cipher, NULL, &len,
				       (const unsigned char *)parts[i].at, (int)parts[i].len) == 1;
	}
	return done;
}

static bool encrypt(EVP_CIPHER_CTX *cipher, struct td_text plain, uint8_t *to)
{
	int len = 0;

	if (plain.len > 0 && EVP_CipherUpdate(cipher, to, &len, (const unsigned char *)plain.at,
				     (int)plain.len) != 1)
		return false;
	return EVP_CipherFinal_ex(cipher, to + len, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(
		       cipher, EVP_CTRL_AEAD_GET_TAG, TD_SEAL_TAG_BYTES, to + plain.len) == 1;
}

static bool decrypt(EVP_CIPHER_CTX *cipher, const struct sealed *sealed, char *to)
{
	uint8_t tag[TD_SEAL_TAG_BYTES], end[TD_SEAL_TAG_BYTES];
	int len = 0;

	memcpy(tag, sealed->tag, sizeof(tag));
	if (sealed->len > 0 && EVP_CipherUpdate(cipher, (unsigned char *)to, &len, sealed->bytes,
				       (int)sealed->len) != 1)
		return false;
	return EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
	       EVP_CipherFinal_ex(cipher, end, &len) == 1;
}

/* --- appending ---------------------------------------------------------------------------- */

bool td_seal_is_wanted(const struct td_log *log, struct td_text address)
{
	for (size_t i = 0; i < log->config.erasable_count; i++) {
		if (td_pattern_matches(log->config.erasable[i], address))
			return true;
	}
	return false;
}

bool td_store_seals(struct td_store *store, struct td_text address)
{
	bool seals = false;

	td_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->logs.count && !seals; i++)
		seals = store->logs.at[i] != NULL && td_seal_is_wanted(store->logs.at[i], address);
	td_mutex_unlock(&store->lock);
	return seals;
}

static uint64_t hash_of(
	const struct td_store *store, const struct td_log *log, struct td_text address)
{
	return td_top_hash(store->top_seed, log->number, address);
}

/* A digest that nobody can guess at who does not have the key. */
static uint64_t digest_by(const struct td_store *store, const uint8_t key[TD_KEY_BYTES],
	struct td_text type, struct td_text address, struct td_text payload)
{
	return td_duplicate_digest(td_hash(key, TD_KEY_BYTES, store->seed), type, address, payload);
}

int td_seal_plan(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err)
{
	uint8_t key[TD_KEY_BYTES];
	int code;

	plan->bytes += TD_SEAL_BYTES;
	plan->sealing.number =
		td_seal_key(&store->seals, hash_of(store, plan->log, entry->address));
	if (plan->key == 0 || plan->sealing.number == 0)
		return 0;
	code = td_keys_get(store->seals.keys, plan->sealing.number, key, err);
	if (code == 0)
		plan->digest = digest_by(store, key, entry->type, entry->address, entry->payload);
	OPENSSL_cleanse(key, sizeof(key));
	return code == TD_E_NOT_FOUND ? 0 : code;
}

static int give_new(struct td_store *store, uint64_t hash, struct td_plan *plan,
	uint8_t key[TD_KEY_BYTES], struct td_error *err)
{
	struct td_seals *seals = &store->seals;
	struct td_key_given given = {.log = plan->log->number, .hash = hash};
	uint8_t bytes[TD_KEY_GIVEN_BYTES];
	int code = 0;

	if (!td_map_reserve(&seals->of, seals->of.count + 1) ||
		td_buf_reserve(&seals->given, TD_KEY_GIVEN_BYTES) == NULL)
		return td_error_nomem(err);
	code = td_keys_take(seals->keys, &given.number, err);
	if (code != 0)
		return code;
	code = td_keys_get(seals->keys, given.number, key, err);
	if (code != 0) {
		td_keys_untake(seals->keys);
		return code == TD_E_NOT_FOUND
			       ? td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
					 "a spare key is missing: open the store again")
			       : code;
	}
	plan->sealing.before = td_seal_key(&store->seals, hash);
	plan->sealing.number = given.number;
	plan->sealing.gave = true;
	td_map_put(&seals->of, hash, td_seal_value(plan->log->index, given.number));
	/* In memory nothing is read again. */
	td_key_given_put(&given, bytes);
	if (store->shelf.journal != NULL)
		td_buf_add(&seals->given, bytes, sizeof(bytes));
	return 0;
}

int td_seal_give(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err)
{
	uint64_t hash = hash_of(store, plan->log, entry->address);
	uint8_t key[TD_KEY_BYTES];
	int code = TD_E_NOT_FOUND;

	plan->sealing.gave = false;
	plan->sealing.hash = hash;
	plan->sealing.number = td_seal_key(&store->seals, hash);
	if (plan->sealing.number != 0)
		code = td_keys_get(store->seals.keys, plan->sealing.number, key, err);
	/* The first of its subject; or its key is missing, and it goes on with another. */
	if (code == TD_E_NOT_FOUND)
		code = give_new(store, hash, plan, key, err);
	if (code == 0 && plan->key != 0)
		plan->digest = digest_by(store, key, entry->type, entry->address, entry->payload);
	OPENSSL_cleanse(key, sizeof(key));
	return code;
}

void td_seal_take_back(struct td_store *store, struct td_plan *plan)
{
	struct td_seals *seals = &store->seals;

	if (!plan->sealing.gave)
		return;
	plan->sealing.gave = false;
	if (plan->sealing.before != 0)
		td_map_put(&seals->of, plan->sealing.hash,
			td_seal_value(plan->log->index, plan->sealing.before));
	else
		td_map_remove(&seals->of, plan->sealing.hash);
	if (store->shelf.journal != NULL)
		seals->given.len -= TD_KEY_GIVEN_BYTES;
	td_keys_untake(seals->keys);
}

/* The next one. */
static void count_nonce(uint8_t nonce[TD_NONCE_BYTES])
{
	for (size_t i = 0; i < TD_NONCE_BYTES && ++nonce[i] == 0; i++)
		;
}

int td_seal_put(struct td_store *store, const struct td_event_record *record, struct td_plan *plan,
	struct td_error *err)
{
	struct td_seals *seals = &store->seals;
	struct td_text plain = record->payload;
	uint8_t key[TD_KEY_BYTES], *to;
	int code = td_keys_get(seals->keys, plan->sealing.number, key, err);

	if (code != 0)
		return code;
	plan->sealing.at = seals->sealed.len;
	to = (uint8_t *)td_buf_reserve(&seals->sealed, plain.len + TD_SEAL_BYTES);
	count_nonce(seals->nonce);
	code = to == NULL ? td_error_nomem(err)
			  : begin(&seals->cipher, true, key, seals->nonce, err);
	OPENSSL_cleanse(key, sizeof(key));
	if (code != 0)
		return code;
	td_le64_put(to, plan->sealing.number);
	memcpy(to + 8, seals->nonce, TD_NONCE_BYTES);
	if (!vouch(seals->cipher, record) ||
		!encrypt(seals->cipher, plain, to + TD_SEAL_HEAD_BYTES))
		return no_cipher(err);
	plan->sealing.len = plain.len + TD_SEAL_BYTES;
	seals->sealed.len += plan->sealing.len;
	return 0;
}

size_t td_seal_given_bytes(const struct td_store *store)
{
	size_t items = store->seals.given.len;

	return items == 0 ? 0 : TD_KEYS_FIXED_BYTES + items;
}

/* --- reading ------------------------------------------------------------------------------ */

static int make_room(struct td_opener *opener, size_t len, struct td_error *err)
{
	wipe(opener);
	if (len <= opener->cap)
		return 0;
	free(opener->plain);
	opener->cap = 0;
	opener->plain = malloc(len);
	if (opener->plain == NULL)
		return td_error_nomem(err);
	opener->cap = len;
	return 0;
}

/* *plain is the opener's. TD_E_NOT_FOUND: its key is gone. */
static int open_payload(struct td_store *store, struct td_opener *opener,
	const struct td_event_record *record, uint64_t position, struct td_text *plain,
	struct td_error *err)
{
	const struct sealed sealed = parts_of(record->payload);
	uint8_t key[TD_KEY_BYTES];
	int code = td_keys_get(store->seals.keys, sealed.number, key, err);

	if (code == 0)
		code = make_room(opener, sealed.len + 1, err);
	if (code == 0)
		opener->len = sealed.len;
	if (code == 0)
		code = begin(&opener->cipher, false, key, sealed.nonce, err);
	OPENSSL_cleanse(key, sizeof(key));
	if (code != 0)
		return code;
	if (!vouch(opener->cipher, record) || !decrypt(opener->cipher, &sealed, opener->plain)) {
		wipe(opener);
		return td_store_damage(
			position, position, "the payload does not open with its key", err);
	}
	*plain = td_text_of(opener->plain, sealed.len);
	return 0;
}

int td_stored_open(struct td_store *store, struct td_opener *opener, struct td_stored *stored,
	const struct td_event_record *record, uint64_t position, struct td_error *err)
{
	int code;

	td_stored_of(stored, record, position);
	if ((record->flags & TD_EVENT_SEALED) == 0)
		return 0;
	code = open_payload(store, opener, record, position, &stored->payload, err);
	if (code != TD_E_NOT_FOUND)
		return code;
	stored->payload = td_text(NULL);
	stored->erased = true;
	return 0;
}

uint64_t td_seal_digest(struct td_store *store, const struct td_event_record *record)
{
	const struct sealed sealed = parts_of(record->payload);
	struct td_opener opener = {0};
	struct td_text plain = {NULL, 0};
	uint8_t key[TD_KEY_BYTES];
	uint64_t digest = 0;

	/* Where it cannot be told, chance says what it is: nothing fits. */
	if (td_keys_get(store->seals.keys, sealed.number, key, NULL) == 0 &&
		open_payload(store, &opener, record, 0, &plain, NULL) == 0)
		digest = digest_by(store, key, record->type, record->address, plain);
	else
		store->random->fill(store->random->arg, &digest, sizeof(digest));
	OPENSSL_cleanse(key, sizeof(key));
	td_opener_fini(&opener);
	return digest;
}

/* --- folding ------------------------------------------------------------------------------ */

const char *td_seal_fold(struct td_store *store, struct td_text body, int *code)
{
	struct td_text items;
	const char *wrong = td_keys_record_read(&items, body);

	*code = 0;
	for (size_t i = 0; wrong == NULL && i < items.len; i += TD_KEY_GIVEN_BYTES) {
		struct td_key_given given;
		const struct td_log *log;

		td_key_given_get(&given, items.at + i);
		td_keys_given(store->seals.keys, given.number);
		log = td_logs_number(&store->logs, given.log);
		if (log != NULL && !td_map_put(&store->seals.of, given.hash,
					   td_seal_value(log->index, given.number)))
			*code = TD_E_NOMEM;
	}
	return wrong;
}

void td_seal_note(struct td_store *store, const struct td_event_record *record)
{
	if ((record->flags & TD_EVENT_SEALED) != 0)
		td_keys_given(store->seals.keys, parts_of(record->payload).number);
}
