#include "base/time.h"

#include <string.h>

#include "base/error.h"

#define NS_PER_S  1000000000
#define S_PER_DAY 86400

/*
 * Years are counted from March here, so that the leap day is the last of its year and the months
 * before it follow one rule: 153 days in five of them. Day 0 is 1600-03-01, the start of a cycle
 * of 400 years (146,097 days), before all that td_time can say.
 */
#define DAYS_BEFORE_1970 135080

/* --- as text ------------------------------------------------------------------------------ */

static const char pairs[201] = "00010203040506070809"
			       "10111213141516171819"
			       "20212223242526272829"
			       "30313233343536373839"
			       "40414243444546474849"
			       "50515253545556575859"
			       "60616263646566676869"
			       "70717273747576777879"
			       "80818283848586878889"
			       "90919293949596979899";

static void put2(char *to, uint32_t value)
{
	memcpy(to, pairs + value * 2, 2);
}

static void put_date(char text[10], uint32_t day)
{
	uint32_t century = (day * 4 + 3) / 146097;
	uint32_t in_century = (day * 4 + 3) % 146097 / 4;
	uint32_t year = (in_century * 4 + 3) / 1461;
	uint32_t in_year = (in_century * 4 + 3) % 1461 / 4;
	uint32_t month = (in_year * 5 + 2) / 153; /* 0 is March */
	uint32_t in_month = in_year - (month * 153 + 2) / 5;

	year += 1600 + century * 100;
	if (month >= 10) {
		year++;
		month -= 12;
	}
	put2(text, year / 100);
	put2(text + 2, year % 100);
	text[4] = '-';
	put2(text + 5, month + 3);
	text[7] = '-';
	put2(text + 8, in_month + 1);
}

void td_time_format(td_time time, char text[TD_TIME_BYTES])
{
	/* To the microsecond below, then counted from day 0, so that nothing is negative. */
	int64_t us = time / 1000 - (time % 1000 < 0);
	uint64_t since = (uint64_t)(us + (int64_t)DAYS_BEFORE_1970 * S_PER_DAY * 1000000);
	uint32_t fraction = (uint32_t)(since % 1000000);
	uint64_t seconds = since / 1000000;
	uint32_t second = (uint32_t)(seconds % S_PER_DAY);

	put_date(text, (uint32_t)(seconds / S_PER_DAY));
	text[10] = 'T';
	put2(text + 11, second / 3600);
	text[13] = ':';
	put2(text + 14, second / 60 % 60);
	text[16] = ':';
	put2(text + 17, second % 60);
	text[19] = '.';
	put2(text + 20, fraction / 10000);
	put2(text + 22, fraction / 100 % 100);
	put2(text + 24, fraction % 100);
	text[26] = 'Z';
}

/* --- from text ---------------------------------------------------------------------------- */

struct fields {
	int year, month, day, hour, minute, second;
	int ns;
	int offset; /* minutes east of UTC */
};

struct reader {
	struct td_text text;
	size_t at;
	struct td_error *err;
};

static int fail(const struct reader *in, size_t offset, const char *what)
{
	return td_error_set(in->err, TD_E_DATA, offset, "time: %s", what);
}

/* `count` digits with a value of at most `most`, and at least `least`. */
static int read_number(
	struct reader *in, size_t count, int least, int most, const char *what, int *value)
{
	int number = 0;

	for (size_t i = 0; i < count; i++) {
		if (in->at + i >= in->text.len || in->text.at[in->at + i] < '0' ||
			in->text.at[in->at + i] > '9')
			return fail(in, in->at + i, what);
		number = number * 10 + (in->text.at[in->at + i] - '0');
	}
	if (number < least || number > most)
		return fail(in, in->at, what);
	in->at += count;
	*value = number;
	return 0;
}

/* One of two characters. */
static int read_mark(struct reader *in, char mark, char other, const char *what)
{
	if (in->at >= in->text.len || (in->text.at[in->at] != mark && in->text.at[in->at] != other))
		return fail(in, in->at, what);
	in->at++;
	return 0;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static int read_date(struct reader *in, struct fields *f)
{
	int code = read_number(in, 4, 0, 9999, "a year of four digits is needed", &f->year);

	if (code == 0)
		code = read_mark(in, '-', '-', "'-' is needed behind the year");
	if (code == 0)
		code = read_number(in, 2, 1, 12, "a month 01 to 12 is needed", &f->month);
	if (code == 0)
		code = read_mark(in, '-', '-', "'-' is needed behind the month");
	if (code == 0)
		code = read_number(in, 2, 1, days_of_month(f->year, f->month),
			"a day that its month has is needed", &f->day);
	return code;
}

static int read_clock(struct reader *in, struct fields *f)
{
	int code = read_number(in, 2, 0, 23, "an hour 00 to 23 is needed", &f->hour);

	if (code == 0)
		code = read_mark(in, ':', ':', "':' is needed behind the hour");
	if (code == 0)
		code = read_number(in, 2, 0, 59, "a minute 00 to 59 is needed", &f->minute);
	if (code == 0)
		code = read_mark(in, ':', ':', "':' is needed behind the minute");
	if (code == 0)
		code = read_number(in, 2, 0, 60, "a second 00 to 59 is needed", &f->second);
	return code;
}

static int read_fraction(struct reader *in, struct fields *f)
{
	size_t start;
	int scale = NS_PER_S / 10;

	f->ns = 0;
	if (in->at >= in->text.len || in->text.at[in->at] != '.')
		return 0;
	start = ++in->at;
	while (in->at < in->text.len && in->text.at[in->at] >= '0' && in->text.at[in->at] <= '9') {
		f->ns += (in->text.at[in->at++] - '0') * scale;
		scale /= 10;
	}
	return in->at > start ? 0 : fail(in, in->at, "a digit is needed behind '.'");
}

static int read_offset(struct reader *in, struct fields *f)
{
	char sign = in->at < in->text.len ? in->text.at[in->at] : '\0';
	int hours = 0, minutes = 0, code;

	f->offset = 0;
	if (sign == 'Z' || sign == 'z') {
		in->at++;
		return 0;
	}
	code = read_mark(in, '+', '-', "an offset is needed: Z, or as +01:00");
	if (code == 0)
		code = read_number(in, 2, 0, 23, "an offset's hours 00 to 23 are needed", &hours);
	if (code == 0)
		code = read_mark(in, ':', ':', "':' is needed behind the offset's hours");
	if (code == 0)
		code = read_number(
			in, 2, 0, 59, "an offset's minutes 00 to 59 are needed", &minutes);
	if (code == 0)
		f->offset = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return code;
}

/* RFC 3339 section 5.6. */
static int read_time(struct td_text text, struct fields *f, struct td_error *err)
{
	struct reader in = {text, 0, err};
	int code = read_date(&in, f);

	if (code == 0)
		code = read_mark(&in, 'T', 't', "'T' is needed behind the date");
	if (code == 0)
		code = read_clock(&in, f);
	if (code == 0)
		code = read_fraction(&in, f);
	if (code == 0)
		code = read_offset(&in, f);
	if (code == 0 && in.at < text.len)
		code = fail(&in, in.at, "something follows it");
	if (code == 0 && f->second == 60) {
		/* Leap seconds are at the end of a day in UTC, section 5.7. */
		int minute = (f->hour * 60 + f->minute - f->offset + 2 * 1440) % 1440;
		if (minute != 1439)
			code = fail(&in, 17, "a second 60 is only at 23:59 in UTC");
	}
	return code;
}

int td_time_check(struct td_text text, struct td_error *err)
{
	struct fields f;

	return read_time(text, &f, err);
}

/* Days since 1970, negative before. */
static int64_t days_of(int year, int month, int day)
{
	int64_t march_year = month > 2 ? year : year - 1;
	int64_t cycle = (march_year + 400) / 400 - 1; /* the year may be -1 */
	int64_t in_cycle = march_year - cycle * 400;
	int64_t in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return (cycle - 4) * 146097 + in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + in_year -
	       DAYS_BEFORE_1970;
}

int td_time_parse(struct td_text text, td_time *time, struct td_error *err)
{
	struct fields f;
	int64_t seconds, ns;
	int code = read_time(text, &f, err);

	if (code != 0)
		return code;
	seconds = days_of(f.year, f.month, f.day) * S_PER_DAY +
		  (int64_t)(f.hour * 60 + f.minute - f.offset) * 60 + f.second;
	ns = f.ns;
	if (seconds < 0) { /* both of one sign, so that the lowest instant fits too */
		seconds++;
		ns -= NS_PER_S;
	}
	if (__builtin_mul_overflow(seconds, NS_PER_S, &seconds) ||
		__builtin_add_overflow(seconds, ns, &ns))
		return td_error_set(
			err, TD_E_DATA, 0, "time: only the years 1678 to 2261 are instants here");
	*time = ns;
	return 0;
}
