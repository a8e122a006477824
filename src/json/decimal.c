#include "json/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/scan.h"

/* Beyond this a power of ten is as good as infinite: no text is that long. */
#define POINT_MAX (INT64_MAX / 4)

/* Leading zeros move the point only; what does not fit leaves its trace in the last place. */
static void add_digit(struct td_decimal *decimal, char digit, bool fraction)
{
	if (decimal->count == 0 && digit == '0') {
		decimal->point -= fraction;
		return;
	}
	decimal->point += !fraction;
	if (decimal->count < TD_DECIMAL_DIGITS)
		decimal->digits[decimal->count++] = digit;
	else if (digit != '0' && decimal->digits[TD_DECIMAL_DIGITS - 1] == '0')
		decimal->digits[TD_DECIMAL_DIGITS - 1] = '1';
}

static void trim(struct td_decimal *decimal)
{
	while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '0')
		decimal->count--;
	if (decimal->count == 0)
		decimal->point = 0;
}

static int64_t read_exponent(const char *at, const char *end)
{
	bool negative = *at == '-';
	int64_t exponent = 0;

	if (*at == '-' || *at == '+')
		at++;
	for (; at < end; at++)
		if (exponent < POINT_MAX / 10)
			exponent = exponent * 10 + (*at - '0');
	return negative ? -exponent : exponent;
}

void td_decimal_read(struct td_decimal *decimal, struct td_text number)
{
	const char *at = number.at, *end = at + number.len;
	bool fraction = false;

	decimal->negative = *at == '-';
	decimal->count = 0;
	decimal->point = 0;
	for (at += decimal->negative; at < end; at++) {
		if (scan_is_digit(*at)) {
			add_digit(decimal, *at, fraction);
		} else if (*at == '.') {
			fraction = true;
		} else { /* 'e' or 'E' */
			decimal->point += read_exponent(at + 1, end);
			break;
		}
	}
	trim(decimal);
}

/* Exactly, with one rounding: both numbers are exact doubles. */
static double small_double(const struct td_decimal *decimal, int64_t power)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	int64_t digits = 0;

	for (size_t i = 0; i < decimal->count; i++)
		digits = digits * 10 + (decimal->digits[i] - '0');
	return power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
}

static double magnitude(const struct td_decimal *decimal)
{
	char text[TD_DECIMAL_DIGITS + 8];

	if (decimal->count == 0 || decimal->point < DBL_MIN_10_EXP - DBL_DIG - 1)
		return 0;
	if (decimal->point > DBL_MAX_10_EXP + 1)
		return HUGE_VAL;
	/* Digits and a power of ten: no decimal point, so no locale has a say in it. */
	int power = (int)decimal->point - (int)decimal->count;
	if (FLT_EVAL_METHOD == 0 && decimal->count <= DBL_DIG && power >= -22 && power <= 22)
		return small_double(decimal, power);
	memcpy(text, decimal->digits, decimal->count);
	snprintf(text + decimal->count, sizeof(text) - decimal->count, "e%d", power);
	return strtod(text, NULL);
}

double td_decimal_double(const struct td_decimal *decimal)
{
	double value = magnitude(decimal);

	return decimal->negative ? -value : value;
}

/* The nearest decimal of that many digits. */
static void round_to(struct td_decimal *decimal, double value, int count)
{
	char text[40];
	const char *at = text;

	snprintf(text, sizeof(text), "%.*e", count - 1, fabs(value));
	decimal->negative = signbit(value);
	decimal->count = 0;
	for (; *at != 'e'; at++) /* between the digits stands the point of some locale */
		if (scan_is_digit(*at))
			decimal->digits[decimal->count++] = *at;
	decimal->point = strtol(at + 1, NULL, 10) + 1;
}

/* One more in the last place. */
static void step_up(struct td_decimal *decimal)
{
	while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '9')
		decimal->count--;
	if (decimal->count > 0) {
		decimal->digits[decimal->count - 1]++;
	} else {
		decimal->digits[decimal->count++] = '1';
		decimal->point++;
	}
}

static bool reads_back(const struct td_decimal *decimal, double value)
{
	return td_decimal_double(decimal) == value;
}

/*
 * Below the smallest normal number, any count of digits may do. Above, 15 digits hold the
 * shortest with at most 15 (DBL_DIG), and 17 hold all. Of 16 digits the nearest one may lie
 * outside of what rounds to a power of two (its neighbour below is half as far), while the next
 * one up is inside.
 */
void td_decimal_shortest(struct td_decimal *decimal, double value)
{
	int count = fabs(value) < DBL_MIN ? 1 : DBL_DIG;

	for (;; count++) {
		round_to(decimal, value, count);
		if (count == DBL_DECIMAL_DIG || reads_back(decimal, value))
			break;
		if (count == DBL_DECIMAL_DIG - 1) {
			step_up(decimal);
			if (reads_back(decimal, value))
				break;
		}
	}
	trim(decimal);
}
