/*
 * RFC 3339, against a reading of its own and the C library's calendar.
 *
 *	1. the input as text is accepted where a template and a table of days accept it;
 *	2. what is accepted and fits is the instant that timegm() gives, and written and read again
 *	   it is the same microsecond;
 *	3. what is refused names an offset inside, and the output is untouched;
 *	4. the input's first bytes as an instant are written as gmtime_r() has them, and read back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define NS        1000000000
#define UNTOUCHED 4242

__extension__ typedef __int128 int128;

/* Whether `at` is like the template: d is a digit, the rest itself. */
static bool is_like(const char *at, size_t len, const char *template)
{
	if (len < strlen(template))
		return false;
	for (size_t i = 0; template[i] != '\0'; i++)
		if (template[i] == 'd' ? at[i] < '0' || at[i] > '9' : at[i] != template[i])
			return false;
	return true;
}

static int number(const char *at, int digits)
{
	int value = 0;

	while (digits-- > 0)
		value = value * 10 + (*at++ - '0');
	return value;
}

static bool is_day(int year, int month, int day)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int days = month == 2                                              ? 28 + leap
		   : month == 4 || month == 6 || month == 9 || month == 11 ? 30
									   : 31;

	return month >= 1 && month <= 12 && day >= 1 && day <= days;
}

/* The naive reading: nanoseconds since 1970, of any year. */
static bool naive(const char *at, size_t len, int128 *ns)
{
	struct tm tm = {0};
	int offset = 0, fraction = 0, scale = NS;
	size_t i = 19;

	if (!is_like(at, len, "dddd-dd-ddTdd:dd:dd") && !is_like(at, len, "dddd-dd-ddtdd:dd:dd"))
		return false;
	tm.tm_year = number(at, 4) - 1900;
	tm.tm_mon = number(at + 5, 2) - 1;
	tm.tm_mday = number(at + 8, 2);
	tm.tm_hour = number(at + 11, 2);
	tm.tm_min = number(at + 14, 2);
	tm.tm_sec = number(at + 17, 2);
	if (i < len && at[i] == '.') {
		if (++i == len || at[i] < '0' || at[i] > '9')
			return false;
		for (; i < len && at[i] >= '0' && at[i] <= '9'; i++)
			fraction += (at[i] - '0') * (scale /= 10);
	}
	if (is_like(at + i, len - i, "+dd:dd") || is_like(at + i, len - i, "-dd:dd")) {
		int hours = number(at + i + 1, 2), minutes = number(at + i + 4, 2);
		if (hours > 23 || minutes > 59)
			return false;
		offset = (at[i] == '-' ? -60 : 60) * (hours * 60 + minutes);
		i += 6;
	} else if (i < len && (at[i] == 'Z' || at[i] == 'z')) {
		i++;
	} else {
		return false;
	}
	if (i != len || !is_day(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) || tm.tm_hour > 23 ||
		tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	bool leap_second = tm.tm_sec == 60;
	time_t seconds = timegm(&tm) - offset;
	*ns = (int128)seconds * NS + fraction;
	return !leap_second ||
	       ((seconds % 86400) + 86400) % 86400 == 0; /* 23:59:60 is the next 0:00 */
}

static td_time to_us(td_time time)
{
	td_time rest = time % 1000;

	return time - (rest < 0 ? rest + 1000 : rest);
}

/* Written, it is what the C library says, and reads back as the microsecond it is in. */
static void check_written(td_time time)
{
	char text[TD_TIME_BYTES], want[64];
	time_t seconds = time / NS - (time % NS < 0);
	struct tm tm;
	td_time back;

	td_time_format(time, text);
	gmtime_r(&seconds, &tm);
	snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)((time - (int128)seconds * NS) / 1000));
	CHECK(memcmp(text, want, TD_TIME_BYTES) == 0 && want[TD_TIME_BYTES] == '\0');
	if (time < INT64_MIN + 1000)
		return; /* the microsecond begins before the lowest instant */
	CHECK(td_time_parse(td_text_of(text, sizeof(text)), &back, NULL) == 0);
	CHECK(back == to_us(time));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text text = td_text_of(data, size);
	struct td_error err = TD_ERROR_INIT;
	td_time time = UNTOUCHED;
	int128 ns = 0;
	bool valid = naive(text.at, size, &ns);
	bool fits = ns >= INT64_MIN && ns <= INT64_MAX;

	int code = td_time_check(text, &err);
	CHECK(code == (valid ? 0 : TD_E_DATA));
	CHECK(valid ? err.code == 0 : err.offset <= size && err.text[0] != '\0');
	code = td_time_parse(text, &time, NULL);
	CHECK(code == (valid && fits ? 0 : TD_E_DATA));
	CHECK(time == (code == 0 ? (td_time)ns : UNTOUCHED));
	check_written(time);
	if (size >= sizeof(time)) {
		memcpy(&time, data, sizeof(time));
		check_written(time);
	}
	return 0;
}
