/*
 * What the tests of wire/http share.
 */
#ifndef HTTP_TEST_H
#define HTTP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "play.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct http_case {
	const char *bytes, *is;
};

#endif
