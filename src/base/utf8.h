/*
 * UTF-8 as Unicode has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef TD_BASE_UTF8_H
#define TD_BASE_UTF8_H

#include "tidings/text.h"

#include <stdint.h>

/* How many bytes from the start are valid; equal to len if all are. Fast over ASCII. */
size_t td_utf8_valid(const char *at, size_t len);
/* Decode the character at *at (before end), advance, return it; 0xFFFD and one byte on error. */
uint32_t td_utf8_next(const char **at, const char *end);
/* Append a character (not a surrogate) as 1 to 4 bytes; returns how many. */
size_t td_utf8_put(char out[4], uint32_t character);
/* Number of characters of valid text. */
size_t td_utf8_length(struct td_text text);

#endif
