/*
 * hex: bytes as hexadecimal digits, and back.
 */
#ifndef TD_BASE_HEX_H
#define TD_BASE_HEX_H

#include "base/buf.h"

/* 0 to 15; -1: not a digit. */
static inline int td_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The same where digits are in lower case alone. */
static inline int td_hex_lower(char c)
{
	return c >= 'A' && c <= 'F' ? -1 : td_hex_value(c);
}

/* Two digits a byte, in lower case. */
void td_buf_add_hex(struct td_buf *buf, const void *bytes, size_t len);

#endif
