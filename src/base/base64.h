/*
 * Base64 of RFC 4648 section 4, with padding, strict: no blanks, no other alphabet.
 */
#ifndef TD_BASE_BASE64_H
#define TD_BASE_BASE64_H

#include "base/buf.h"

void td_base64_encode(struct td_buf *buf, struct td_text bytes);
/* TD_E_FORMAT with the offset of what is wrong (also non-zero bits behind the last byte),
 * TD_E_NOMEM. */
int td_base64_decode(struct td_buf *buf, struct td_text text, struct td_error *err);

#endif
