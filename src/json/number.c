#include "json/json.h"

#include <math.h>

#include "json/decimal.h"

#define I64_DIGITS 19 /* so many digits fit into 64 bits, whichever they are */

bool td_json_to_i64(struct td_json number, int64_t *value)
{
	struct td_decimal decimal;
	uint64_t magnitude = 0;

	TD_ASSERT(number.kind == TD_JSON_NUMBER);
	td_decimal_read(&decimal, number.text);
	if (decimal.point < (int64_t)decimal.count || decimal.point > I64_DIGITS)
		return false;
	for (size_t i = 0; i < (size_t)decimal.point; i++)
		magnitude = magnitude * 10 +
			    (i < decimal.count ? (uint64_t)(decimal.digits[i] - '0') : 0);
	if (magnitude > (uint64_t)INT64_MAX + decimal.negative)
		return false;
	*value = (int64_t)(decimal.negative ? -magnitude : magnitude);
	return true;
}

bool td_json_to_double(struct td_json number, double *value)
{
	struct td_decimal decimal;
	double nearest;

	TD_ASSERT(number.kind == TD_JSON_NUMBER);
	td_decimal_read(&decimal, number.text);
	nearest = td_decimal_double(&decimal);
	if (isinf(nearest))
		return false;
	*value = nearest;
	return true;
}
