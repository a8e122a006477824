#include "delivery/backoff.h"

struct td_retry td_backoff_settings(const struct td_retry *retry)
{
	struct td_retry settings = *retry;

	if (settings.attempts_max == 0)
		settings.attempts_max = 1;
	if (settings.first_ms <= 0)
		settings.first_ms = 100;
	if (!(settings.factor > 0)) /* so that NaN is caught too, here and below */
		settings.factor = 2;
	if (settings.longest_ms <= 0)
		settings.longest_ms = 60000;
	if (!(settings.jitter > 0))
		settings.jitter = settings.jitter < 0 ? 0 : 0.2;
	if (settings.jitter > 1)
		settings.jitter = 1;
	if (settings.exhausted == 0)
		settings.exhausted = TD_SKIP;
	return settings;
}

/* factor^n by squaring; no more than infinite, no less than 0, and the same on every machine. */
static double power(double factor, unsigned n)
{
	double result = 1;

	for (; n > 0; n >>= 1) {
		if (n & 1)
			result *= factor;
		factor *= factor;
	}
	return result;
}

int64_t td_backoff_ms(
	const struct td_retry *retry, unsigned attempts, int64_t after_ms, double unit)
{
	double longest = (double)retry->longest_ms;
	double wait = (double)retry->first_ms * power(retry->factor, attempts - 1);
	int64_t ms;

	if (!(unit >= 0))
		unit = 0;
	if (unit > 1)
		unit = 1;
	if (!(wait < longest))
		wait = longest;
	wait = wait * (1 - retry->jitter * unit) + 0.5;
	/* What is below `longest`, a double of at most 2^63, fits. */
	ms = wait < longest ? (int64_t)wait : retry->longest_ms;
	if (ms < 1)
		ms = 1;
	return ms > after_ms ? ms : after_ms;
}
