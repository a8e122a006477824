#include "journal/head.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/base.h"

#define SIGNATURE_BYTES 64
#define SIGNATURE_MARK  " sig="

static void put_hex(struct td_buf *buf, const char *name, const uint8_t *bytes, size_t len)
{
	td_buf_add_string(buf, name);
	td_buf_add_hex(buf, bytes, len);
}

/* All that is signed. */
static void write_head(
	struct td_buf *buf, const struct td_head *head, const uint8_t key[TD_HEAD_KEY_BYTES])
{
	char uuid[TD_UUID_BYTES], time[TD_TIME_BYTES];

	td_uuid_format(head->store, uuid);
	td_time_format(head->time, time);
	td_buf_printf(buf, "tidings-head-1 store=%.*s position=%llu segment=%u", TD_UUID_BYTES,
		uuid, (unsigned long long)head->position, head->segment);
	put_hex(buf, " chain=", head->chain, TD_CHAIN_BYTES);
	td_buf_printf(buf, " time=%.*s", TD_TIME_BYTES, time);
	put_hex(buf, " key=", key, TD_HEAD_KEY_BYTES);
}

static int refuse_ed25519(struct td_error *err)
{
	return td_error_set(err, TD_E_SYSTEM, TD_NO_OFFSET, "OpenSSL offers no Ed25519");
}

int td_head_public(const uint8_t secret[TD_HEAD_KEY_BYTES], uint8_t key[TD_HEAD_KEY_BYTES],
	struct td_error *err)
{
	EVP_PKEY *pair =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, TD_HEAD_KEY_BYTES);
	size_t len = TD_HEAD_KEY_BYTES;
	int done = pair != NULL && EVP_PKEY_get_raw_public_key(pair, key, &len) == 1;

	EVP_PKEY_free(pair);
	return done ? 0 : refuse_ed25519(err);
}

static int check_signature(struct td_text text, const uint8_t key[TD_HEAD_KEY_BYTES],
	const uint8_t signature[SIGNATURE_BYTES], struct td_error *err)
{
	EVP_PKEY *public =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, TD_HEAD_KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int code = 0;

	if (public == NULL || context == NULL ||
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) != 1)
		code = refuse_ed25519(err);
	else if (EVP_DigestVerify(context, signature, SIGNATURE_BYTES,
			 (const unsigned char *)text.at, text.len) != 1)
		code = td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"the signature of the head is not that of its text");
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public);
	return code;
}

/* arg: the secret key. */
static int sign(void *arg, const void *bytes, size_t len, uint8_t signature[SIGNATURE_BYTES],
	struct td_error *err)
{
	EVP_PKEY *pair =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, arg, TD_HEAD_KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t made = SIGNATURE_BYTES;
	int done = pair != NULL && context != NULL &&
		   EVP_DigestSignInit(context, NULL, NULL, NULL, pair) == 1 &&
		   EVP_DigestSign(context, signature, &made, bytes, len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pair);
	return done ? 0 : refuse_ed25519(err);
}

int td_signer_init(struct td_signer *signer, const uint8_t *secret, struct td_error *err)
{
	union {
		const void *is;
		void *may_change;
	} arg = {secret}; /* which sign() does not */

	*signer = (struct td_signer){.sign = sign, .arg = arg.may_change};
	return td_head_public(secret, signer->key, err);
}

int td_head_sign_by(const struct td_head *head, const struct td_signer *signer,
	char text[TD_HEAD_TEXT_BYTES], struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEAD_TEXT_BYTES - 1);
	uint8_t signature[SIGNATURE_BYTES];
	int code;

	write_head(&buf, head, signer->key);
	code = td_buf_check(&buf, err);
	if (code == 0)
		code = signer->sign(signer->arg, buf.at, buf.len, signature, err);
	if (code == 0)
		code = check_signature(td_buf_view(&buf), signer->key, signature, err);
	if (code == 0) {
		put_hex(&buf, SIGNATURE_MARK, signature, SIGNATURE_BYTES);
		code = td_buf_check(&buf, err);
	}
	if (code == 0)
		memcpy(text, buf.at, buf.len + 1);
	td_buf_fini(&buf);
	return code;
}

int td_head_sign(const struct td_head *head, const uint8_t secret[TD_HEAD_KEY_BYTES],
	char text[TD_HEAD_TEXT_BYTES], struct td_error *err)
{
	struct td_signer signer;
	int code = td_signer_init(&signer, secret, err);

	return code == 0 ? td_head_sign_by(head, &signer, text, err) : code;
}

int td_journal_head(const struct td_journal_state *state, const struct td_signer *signer,
	td_time now, char line[TD_HEAD_LINE_BYTES], struct td_error *err)
{
	struct td_head head = {
		.position = state->head_position, .segment = state->head_segment, .time = now};

	if (!state->chained)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"the store was made without a chain, so it has no heads");
	if (head.position <= 1)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "nothing is stored yet");
	memcpy(head.store, state->uuid, sizeof(head.store));
	memcpy(head.chain, state->chain, sizeof(head.chain));
	return td_head_sign_by(&head, signer, line, err);
}

/* --- reading ------------------------------------------------------------------------------ */

static int refuse(size_t offset, struct td_error *err)
{
	return td_error_set(
		err, TD_E_FORMAT, offset, "this is no head of a chain, as tidings-head-1 has it");
}

/* What is left to read; `failed` from the first thing that does not fit. */
struct reader {
	const char *at, *end;
	bool failed;
};

static void expect(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (reader->failed || (size_t)(reader->end - reader->at) < len ||
		memcmp(reader->at, word, len) != 0)
		reader->failed = true;
	else
		reader->at += len;
}

/* dashes: those of a UUID are passed over where they belong. */
static void read_hex(struct reader *reader, uint8_t *bytes, size_t len, bool dashes)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10))
			expect(reader, "-");
		reader->failed = reader->failed || reader->end - reader->at < 2;
		high = reader->failed ? -1 : td_hex_lower(reader->at[0]);
		low = high < 0 ? -1 : td_hex_lower(reader->at[1]);
		reader->failed = low < 0;
		if (reader->failed)
			return;
		bytes[i] = (uint8_t)(high << 4 | low);
		reader->at += 2;
	}
}

static uint64_t read_number(struct reader *reader, uint64_t most)
{
	const char *start = reader->at;
	uint64_t value = 0;

	while (!reader->failed && reader->at < reader->end && *reader->at >= '0' &&
		*reader->at <= '9') {
		uint64_t digit = (uint64_t)(*reader->at++ - '0');

		if (value > (most - digit) / 10)
			reader->failed = true;
		else
			value = value * 10 + digit;
	}
	if (reader->at == start || value == 0 || *start == '0')
		reader->failed = true;
	return value;
}

static int64_t read_time(struct reader *reader)
{
	td_time time = 0;

	if (reader->failed || reader->end - reader->at < TD_TIME_BYTES ||
		td_time_parse(td_text_of(reader->at, TD_TIME_BYTES), &time, NULL) != 0)
		reader->failed = true;
	else
		reader->at += TD_TIME_BYTES;
	return time;
}

static void read_head(struct reader *reader, struct td_head *head, uint8_t *key)
{
	expect(reader, "tidings-head-1 store=");
	read_hex(reader, head->store, TD_STORE_BYTES, true);
	expect(reader, " position=");
	head->position = read_number(reader, UINT64_MAX);
	expect(reader, " segment=");
	head->segment = (uint32_t)read_number(reader, UINT32_MAX);
	expect(reader, " chain=");
	read_hex(reader, head->chain, TD_CHAIN_BYTES, false);
	expect(reader, " time=");
	head->time = read_time(reader);
	expect(reader, " key=");
	read_hex(reader, key, TD_HEAD_KEY_BYTES, false);
}

/* A time has several spellings; the one that we write is the one that we read. */
static int check_spelling(struct td_text text, const struct td_head *head,
	const uint8_t key[TD_HEAD_KEY_BYTES], struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEAD_TEXT_BYTES);
	int code;

	write_head(&buf, head, key);
	code = td_buf_check(&buf, err);
	if (code == 0 && !td_text_equal(td_buf_view(&buf), text))
		code = refuse(0, err);
	td_buf_fini(&buf);
	return code;
}

/* All of it, but for what only its key can tell. */
static int parse(struct td_text text, struct td_head *head, uint8_t key[TD_HEAD_KEY_BYTES],
	uint8_t signature[SIGNATURE_BYTES], struct td_text *said, struct td_error *err)
{
	if (text.len == 0)
		text = td_text("");
	struct reader reader = {text.at, text.at + text.len, false};

	read_head(&reader, head, key);
	*said = (struct td_text){text.at, (size_t)(reader.at - text.at)};
	expect(&reader, SIGNATURE_MARK);
	read_hex(&reader, signature, SIGNATURE_BYTES, false);
	if (reader.failed || reader.at != reader.end)
		return refuse((size_t)(reader.at - text.at), err);
	return check_spelling(*said, head, key, err);
}

int td_head_key(struct td_text text, uint8_t key[TD_HEAD_KEY_BYTES], struct td_error *err)
{
	uint8_t signature[SIGNATURE_BYTES];
	struct td_head head = {0};
	struct td_text said;

	return parse(text, &head, key, signature, &said, err);
}

int td_head_check(struct td_text text, const uint8_t key[TD_HEAD_KEY_BYTES], struct td_head *head,
	struct td_error *err)
{
	uint8_t its_key[TD_HEAD_KEY_BYTES], signature[SIGNATURE_BYTES];
	struct td_head found = {0};
	struct td_text said;
	int code = parse(text, &found, its_key, signature, &said, err);

	if (code == 0 && key != NULL && memcmp(key, its_key, TD_HEAD_KEY_BYTES) != 0)
		code = td_error_set(
			err, TD_E_DAMAGED, TD_NO_OFFSET, "the head was signed with another key");
	if (code == 0 && key != NULL)
		code = check_signature(said, key, signature, err);
	if (code == 0)
		*head = found;
	return code;
}
