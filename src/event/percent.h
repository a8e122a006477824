/*
 * percent: bytes as %XY, and attribute values as headers carry them (CloudEvents HTTP binding,
 * section 3.1.3.2).
 */
#ifndef TD_EVENT_PERCENT_H
#define TD_EVENT_PERCENT_H

#include "event/event.h"

/* The byte that "%XY" at `at` stands for; -1 if that is not what stands there. */
static inline int td_percent_value(const char *at, const char *end)
{
	int high, low;

	if (end - at < 3 || at[0] != '%')
		return -1;
	high = td_hex_value(at[1]);
	low = td_hex_value(at[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Write "%XY"; returns what comes behind. */
static inline char *td_percent_put(char *out, unsigned char byte)
{
	static const char hex[] = "0123456789ABCDEF";

	out[0] = '%';
	out[1] = hex[byte >> 4];
	out[2] = hex[byte & 15];
	return out + 3;
}

/* What an address decodes to: itself where it can be, else in `out` (TD_ADDRESS_BYTES_MAX). */
struct td_text td_address_view(struct td_text address, char *out);
/* Whether an address decodes to the subject. */
bool td_address_is_of(struct td_text address, struct td_text subject);

/* How many bytes a value takes when encoded. */
size_t td_header_value_bytes(struct td_text value);
/* Write the encoded value; returns what comes behind. */
char *td_header_value_put(char *out, struct td_text value);
/* Whether a value as it came has nothing to decode (UTF-8 is not checked). */
bool td_header_value_is_plain(struct td_text value);
/*
 * Decode into `out`, at most value.len bytes; *len: how many. UTF-8 is not checked.
 * TD_E_FORMAT with the offset in the value.
 */
int td_header_value_take(char *out, size_t *len, struct td_text value, struct td_error *err);

#endif
