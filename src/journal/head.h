/*
 * A signed head of the chain: what one keeps elsewhere, to find out later whether history was
 * changed. One line of text, Ed25519 over all of it before " sig=":
 *
 *	tidings-head-1 store=UUID position=N segment=N chain=HEX time=TIME key=HEX sig=HEX
 *
 * It says: in this store, up to but not including this position, the journal had this chain value;
 * the last frame lay in this segment. There is one way to write each head, and no other is read.
 */
#ifndef TD_JOURNAL_HEAD_H
#define TD_JOURNAL_HEAD_H

#include "journal/frame.h"
#include "journal/journal.h"
#include "journal/page.h"
#include "tidings/error.h"

#define TD_HEAD_KEY_BYTES  32
#define TD_HEAD_TEXT_BYTES TD_HEAD_LINE_BYTES

struct td_head {
	uint8_t store[TD_STORE_BYTES];
	uint64_t position; /* the next one: all below it is covered */
	uint32_t segment;
	uint8_t chain[TD_CHAIN_BYTES];
	int64_t time; /* ns since 1970, of signing; written to the microsecond */
};

/* The public key of a secret one (32 random bytes). TD_E_SYSTEM: OpenSSL offers no Ed25519. */
int td_head_public(const uint8_t secret[TD_HEAD_KEY_BYTES], uint8_t key[TD_HEAD_KEY_BYTES],
	struct td_error *err);
/* The line, without end of line, with NUL. */
int td_head_sign(const struct td_head *head, const uint8_t secret[TD_HEAD_KEY_BYTES],
	char text[TD_HEAD_TEXT_BYTES], struct td_error *err);
/* The same by whoever has the key: its signature is checked before it is told to anybody. */
int td_head_sign_by(const struct td_head *head, const struct td_signer *signer,
	char text[TD_HEAD_TEXT_BYTES], struct td_error *err);
/*
 * Whether `text` (without end of line) is a head signed by `key`, which the caller trusts. `key`
 * NULL: parse alone; nothing is proven then. TD_E_FORMAT: no head, with the offset. TD_E_DAMAGED:
 * of another key, or the signature does not fit. `head` is written only on 0.
 */
int td_head_check(struct td_text text, const uint8_t key[TD_HEAD_KEY_BYTES], struct td_head *head,
	struct td_error *err);
/* The key that a head names as its signer's. TD_E_FORMAT. */
int td_head_key(struct td_text text, uint8_t key[TD_HEAD_KEY_BYTES], struct td_error *err);

#endif
