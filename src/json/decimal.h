/*
 * Private to json: a number as exact decimal digits, between its text and the machine's numbers.
 */
#ifndef TD_JSON_DECIMAL_H
#define TD_JSON_DECIMAL_H

#include "json/json.h"

/* No double needs more digits to be told from its neighbours (767), with one for the rest. */
#define TD_DECIMAL_DIGITS 800

/* 0.d1 d2 ... dn times 10^point: n = 0 is zero, d1 and dn are not '0'. */
struct td_decimal {
	bool negative;
	size_t count;
	int64_t point;
	char digits[TD_DECIMAL_DIGITS];
};

/*
 * The number's value. Of longer ones, digits beyond the last place are summed up in it: a '1'
 * there, if any is not 0; so they compare as the whole does, yet are not exact.
 */
void td_decimal_read(struct td_decimal *decimal, struct td_text number);
/* The nearest double; infinity where it overflows. */
double td_decimal_double(const struct td_decimal *decimal);
/* The shortest decimal that reads back as the same finite double. */
void td_decimal_shortest(struct td_decimal *decimal, double value);

#endif
