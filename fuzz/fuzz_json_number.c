/*
 * Numbers: the input as the text of one, and its first bytes as a double.
 *
 *	1. td_json_to_double() gives what strtod() gives (in the C locale, correctly rounded);
 *	2. td_json_to_i64() gives what writing all digits out and comparing them gives;
 *	3. a double written reads back as the same, and no decimal of fewer digits does.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define TEXT_MAX 2000

/* 0 and -0 are two. */
static bool same_double(double a, double b)
{
	return a == b && signbit(a) == signbit(b);
}

static void check_double(struct td_json number)
{
	char text[TEXT_MAX + 1];
	double want, value = 0;
	bool fits;

	memcpy(text, number.text.at, number.text.len);
	text[number.text.len] = '\0';
	want = strtod(text, NULL);
	fits = td_json_to_double(number, &value);
	CHECK(fits == (isinf(want) == 0));
	CHECK(!fits || same_double(want, value));
}

/*
 * The number without sign, with all its digits before and behind the point; false if the exponent
 * makes that too long: it is 0 then, or so large, or so small, that it is no integer of 64 bits.
 */
static bool spell(struct td_text number, char *digits, size_t *whole, size_t *len)
{
	size_t i = number.at[0] == '-';
	long exponent = 0, point;

	*len = *whole = 0;
	for (; i < number.len && number.at[i] != 'e' && number.at[i] != 'E'; i++) {
		if (number.at[i] == '.')
			*whole = *len;
		else
			digits[TEXT_MAX + (*len)++] = number.at[i];
	}
	if (memchr(number.at, '.', i) == NULL)
		*whole = *len;
	if (i < number.len) {
		char text[TEXT_MAX + 1];

		memcpy(text, number.at + i + 1, number.len - i - 1);
		text[number.len - i - 1] = '\0';
		exponent = strtol(text, NULL, 10);
	}
	if (exponent > TEXT_MAX + 20 || exponent < -TEXT_MAX - 20)
		return false;
	/* Zeros on both sides, so that the point may move. */
	memset(digits, '0', TEXT_MAX);
	memset(digits + TEXT_MAX + *len, '0', 2 * TEXT_MAX - *len);
	point = TEXT_MAX + (long)*whole + exponent;
	CHECK(point >= -20 && point <= 3 * TEXT_MAX);
	if (point < 0)
		return false;
	*whole = (size_t)point;
	*len = 3 * TEXT_MAX;
	return true;
}

static bool naive_i64(struct td_text number, int64_t *value)
{
	static char digits[3 * TEXT_MAX];
	bool negative = number.at[0] == '-', zero = true;
	const char *limit = negative ? "9223372036854775808" : "9223372036854775807";
	size_t whole, len, first = 0;

	for (size_t i = negative; i < number.len; i++) {
		if (number.at[i] == 'e' || number.at[i] == 'E')
			break;
		zero = zero && (number.at[i] == '0' || number.at[i] == '.');
	}
	*value = 0;
	if (zero)
		return true;
	if (!spell(number, digits, &whole, &len))
		return false;
	for (size_t i = whole; i < len; i++)
		if (digits[i] != '0')
			return false;
	while (first < whole && digits[first] == '0')
		first++;
	if (whole - first > 19 || (whole - first == 19 && memcmp(digits + first, limit, 19) > 0))
		return false;
	/* Downwards, where there is room for one more. */
	for (; first < whole; first++)
		*value = *value * 10 - (digits[first] - '0');
	if (!negative)
		*value = -*value;
	return true;
}

static void check_i64(struct td_json number)
{
	int64_t want, value = 0;
	bool fits = naive_i64(number.text, &want);

	CHECK(td_json_to_i64(number, &value) == fits);
	CHECK(!fits || value == want);
}

/* Whether the nearest decimal of that many digits, or one beside it, reads back. */
static bool fits_digits(double value, int count)
{
	char text[64];
	double step;

	snprintf(text, sizeof(text), "%.*e", count - 1, value);
	if (strtod(text, NULL) == value)
		return true;
	/* One up or down in the last place. */
	step = strtod(strchr(text, 'e') + 1, NULL) - (count - 1);
	for (int sign = -1; sign <= 1; sign += 2) {
		char mantissa[32];
		long long last;
		size_t n = 0;

		for (const char *c = text; *c != 'e'; c++)
			if (*c >= '0' && *c <= '9')
				mantissa[n++] = *c;
		mantissa[n] = '\0';
		last = strtoll(mantissa, NULL, 10) + sign;
		snprintf(mantissa, sizeof(mantissa), "%llde%.0f", last, step);
		if (strtod(mantissa, NULL) == fabs(value))
			return true;
	}
	return false;
}

static void check_written(double value)
{
	struct td_buf buf = TD_BUF_INIT(1000);
	struct td_json_writer writer;
	struct td_json number;
	double back;
	int count = 0;
	size_t end, zeros = 0;

	td_json_writer_init(&writer, &buf);
	td_json_double(&writer, value);
	CHECK(td_json_parse(td_buf_view(&buf), 0, &number, NULL) == 0);
	if (!isfinite(value)) {
		CHECK(number.kind == TD_JSON_NULL);
		goto done;
	}
	CHECK(td_json_to_double(number, &back) && same_double(back, value));
	check_double(number);
	/* Significant digits: without zeros before the first and behind the last. */
	end = strcspn(buf.at, "e");
	for (size_t i = 0; i < end; i++) {
		if (buf.at[i] < '0' || buf.at[i] > '9' || (buf.at[i] == '0' && count == 0))
			continue;
		count++;
		zeros = buf.at[i] == '0' ? zeros + 1 : 0;
	}
	count -= (int)zeros;
	CHECK(count <= 17);
	if (count > 1)
		CHECK(!fits_digits(value, count - 1));
done:
	td_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_json number;

	if (size >= sizeof(double)) {
		double value;

		memcpy(&value, data, sizeof(value));
		check_written(value);
	}
	if (size > TEXT_MAX || td_json_parse(td_text_of(data, size), 0, &number, NULL) != 0)
		return 0;
	if (number.kind != TD_JSON_NUMBER)
		return 0;
	check_double(number);
	check_i64(number);
	return 0;
}
