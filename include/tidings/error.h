/*
 * Errors: one table for everybody.
 *
 * A call answers 0 or one of the codes below. Who wants to know more passes a `struct td_error`,
 * always as the last argument; it allocates nothing, and reads from the outside in, root cause
 * last:
 *
 *	publish: type OrderPlaced: data: /total: a number is needed, found a string
 *
 * On success it stays as it was, also where that is the failure of a call before: whether *this*
 * call failed is said by what it answers. One that began with TD_ERROR_INIT and is given to many
 * calls holds the last failure of them all.
 *
 * The table feeds the library, HTTP (status), the command line (exit code), the manual and
 * `tidings explain`. Codes are never renumbered; a new one goes to the end.
 */
#ifndef TIDINGS_ERROR_H
#define TIDINGS_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tidings/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
/*  X(name, number, slug, HTTP status, exit code, what it means) */
#define TD_ERROR_TABLE(X) \
	X(INVALID,      1, "invalid-argument",   400, 2, "an argument is wrong") \
	X(NOMEM,        2, "out-of-memory",      503, 1, "memory could not be had; nothing was changed") \
	X(SYSTEM,       3, "system-error",       500, 1, "the operating system refused; see the errno") \
	X(JSON,         4, "malformed-json",     400, 1, "the text is not JSON as RFC 8259 has it") \
	X(ATTRIBUTE,    5, "bad-attribute",      400, 1, "an attribute of the event is missing, empty or malformed") \
	X(SUBJECT,      6, "bad-subject",        400, 1, "the subject or pattern cannot be an address") \
	X(TOO_LARGE,    7, "too-large",          413, 1, "the payload, or a part of the event, is over its limit") \
	X(DATA,         8, "bad-data",           422, 1, "the data does not fit the declared type") \
	X(FILTER,       9, "bad-filter",         400, 1, "the filter does not parse") \
	X(POINTER,     10, "bad-pointer",        400, 1, "not a JSON Pointer") \
	X(NOT_FOUND,   11, "not-found",          404, 1, "there is nothing by that name") \
	X(NO_HANDLER,  12, "no-handler",         503, 1, "nobody handles this command or query") \
	X(HANDLED,     13, "already-handled",    409, 1, "this command or query has its one handler already") \
	X(REFUSED,     14, "refused",            422, 1, "the handler refused; the reason is its own") \
	X(HANDLER,     15, "handler-failed",     500, 1, "a handler failed; the event was published all the same") \
	X(TIMEOUT,     16, "timeout",            504, 5, "the time given ran out") \
	X(LOOP,        17, "causation-loop",     508, 1, "events cause each other beyond the limit") \
	X(FULL,        18, "queue-full",         503, 1, "a queue is at its bound; try again later") \
	X(CLOSED,      19, "closed",             503, 1, "the handle is closing or closed") \
	X(DEADLOCK,    20, "would-deadlock",     409, 1, "waiting here would wait for oneself") \
	X(PLACE,       21, "not-in-this-place",  501, 1, "this place does not offer it") \
	X(EXISTS,      22, "already-exists",     409, 1, "there is one by that name already") \
	X(FORMAT,      23, "bad-format",         415, 1, "the bytes are not in the format they claim") \
	X(LIMIT,       24, "limit-reached",      429, 1, "a stated bound was reached") \
	X(REVISION,    25, "revision-conflict",  412, 4, "the subject is at another revision than was expected") \
	X(DUPLICATE,   26, "duplicate-differs",  409, 1, "an event with this id is there already, with other content") \
	X(DISK_FULL,   27, "disk-full",          507, 1, "the disk is full: new events are refused, the rest goes on") \
	X(DISK,        28, "disk-failed",        500, 7, "a write or sync failed; what was not acknowledged is unknown") \
	X(DAMAGED,     29, "damaged",            500, 6, "what had been stored is wrong on the disk") \
	X(HELD,        30, "held-elsewhere",     503, 1, "another process has it open") \
	X(NEWER,       31, "newer-format",       500, 6, "it was written by a newer version than this") \
	X(FOREIGN,     32, "not-a-store",        500, 1, "the directory holds something else than a store") \
	X(READ_ONLY,   33, "read-only",          403, 1, "it was opened to be looked at only") \
	X(INLINE,      34, "inline-handler",     409, 1, "an inline handler may read and refuse, nothing else") \
	X(STRANGER,    35, "unauthenticated",    401, 1, "who asks did not say who it is, or not rightly") \
	X(FORBIDDEN,   36, "forbidden",          403, 1, "who asks may not do this") \
	X(UNREACHABLE, 37, "unreachable",        502, 3, "the server does not answer, or went away in the middle")
/* clang-format on */

enum td_error_code {
	TD_OK = 0,
#define TD_ERROR_CODE(name, number, slug, http, exit, meaning) TD_E_##name = number,
	TD_ERROR_TABLE(TD_ERROR_CODE)
#undef TD_ERROR_CODE
};

#define TD_ERROR_TEXT_BYTES 240
#define TD_NO_OFFSET        SIZE_MAX

struct td_error {
	int code;      /* TD_E_..., 0 while nothing failed */
	int sys_errno; /* errno where code is TD_E_SYSTEM, else 0 */
	size_t offset; /* where in the input, in bytes; TD_NO_OFFSET where that says nothing */
	char text[TD_ERROR_TEXT_BYTES];
};

#define TD_ERROR_INIT               \
	{                           \
		0, 0, TD_NO_OFFSET, \
		{                   \
			0           \
		}                   \
	}

/* The slug of a code, as logs, problem documents and `tidings explain` show it; "unknown" else. */
TD_PUBLIC const char *td_error_name(int code);
/* One line that says what the code means. */
TD_PUBLIC const char *td_error_meaning(int code);
/* The HTTP status that carries the code. */
TD_PUBLIC int td_error_http(int code);
/* The exit code of a program that ends with it. */
TD_PUBLIC int td_error_exit(int code);
/* Whether trying the same again later may succeed. */
TD_PUBLIC bool td_error_retriable(int code);

#ifdef __cplusplus
}
#endif

#endif
