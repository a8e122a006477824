/*
 * Making and wrapping errors (the public side is tidings/error.h).
 *
 *	return td_error_set(err, TD_E_SUBJECT, offset, "subject %.*s: empty token", ...);
 *	...
 *	code = td_json_parse(...);
 *	if (code != 0)
 *		return td_error_wrap(err, code, "data");        -> "data: unexpected end of text"
 *
 * `err` may be NULL everywhere. Texts that do not fit are cut at a character, never overrun.
 */
#ifndef TD_BASE_ERROR_H
#define TD_BASE_ERROR_H

#include "tidings/error.h"

/* Fill *err and return `code`. offset: TD_NO_OFFSET where it says nothing. */
__attribute__((cold)) int td_error_set(
	struct td_error *err, int code, size_t offset, const char *format, ...) TD_PRINTF(4, 5);
/* TD_E_SYSTEM with errno and its text behind the context. */
__attribute__((cold)) int td_error_system(
	struct td_error *err, int sys_errno, const char *format, ...) TD_PRINTF(3, 4);
/* TD_E_NOMEM. */
__attribute__((cold)) int td_error_nomem(struct td_error *err);
/* TD_E_INVALID: "ARGUMENT: NULL". */
__attribute__((cold)) int td_error_null(struct td_error *err, const char *argument);
/* Put "context: " before the text that stands there; returns `code`. */
__attribute__((cold)) int td_error_wrap(struct td_error *err, int code, const char *format, ...)
	TD_PRINTF(3, 4);

/* At the door of a function that answers a code: a pointer that must be given. */
#define TD_CHECK_GIVEN(argument, err)                           \
	do {                                                    \
		if ((argument) == NULL)                         \
			return td_error_null((err), #argument); \
	} while (0)

/* The static analyzer looks at one file at a time: tell it which code comes back. */
#ifdef __clang_analyzer__
#define td_error_set(err, code, ...)  ((void)td_error_set(err, code, __VA_ARGS__), (code))
#define td_error_system(err, ...)     ((void)td_error_system(err, __VA_ARGS__), TD_E_SYSTEM)
#define td_error_nomem(err)           ((void)td_error_nomem(err), TD_E_NOMEM)
#define td_error_null(err, argument)  ((void)td_error_null(err, argument), TD_E_INVALID)
#define td_error_wrap(err, code, ...) ((void)td_error_wrap(err, code, __VA_ARGS__), (code))
#endif

#endif
