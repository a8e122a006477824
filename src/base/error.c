#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What error.h tells the static analyzer; not here, where they are made. */
#undef td_error_set
#undef td_error_system
#undef td_error_nomem
#undef td_error_null
#undef td_error_wrap

struct row {
	const char *name;
	const char *meaning;
	int http;
	int exit;
};

static const struct row rows[] = {[TD_OK] = {"ok", "done", 200, 0},
#define ROW(name, number, slug, http, exit, meaning) [number] = {slug, meaning, http, exit},
	TD_ERROR_TABLE(ROW)
#undef ROW
};

static const struct row *row_of(int code)
{
	static const struct row unknown = {"unknown", "not a code of this version", 500, 1};

	if (code < 0 || (size_t)code >= sizeof(rows) / sizeof(rows[0]) || rows[code].name == NULL)
		return &unknown;
	return &rows[code];
}

const char *td_error_name(int code)
{
	return row_of(code)->name;
}

const char *td_error_meaning(int code)
{
	return row_of(code)->meaning;
}

int td_error_http(int code)
{
	return row_of(code)->http;
}

int td_error_exit(int code)
{
	return row_of(code)->exit;
}

bool td_error_retriable(int code)
{
	int http = td_error_http(code);

	return http == 429 || http == 503 || http == 504 || http == 507;
}

/* A text that was cut may end inside a UTF-8 character: take that piece away too. */
static void trim_partial_character(char *text, size_t len)
{
	size_t start = len;

	while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (len - (start - 1) < need)
		text[start - 1] = '\0';
}

TD_PRINTF(2, 0) static void print(struct td_error *err, const char *format, va_list args)
{
	int len = vsnprintf(err->text, sizeof(err->text), format, args);

	if (len < 0)
		err->text[0] = '\0';
	else if ((size_t)len >= sizeof(err->text))
		trim_partial_character(err->text, sizeof(err->text) - 1);
}

int td_error_set(struct td_error *err, int code, size_t offset, const char *format, ...)
{
	if (err != NULL) {
		va_list args;

		err->code = code;
		err->sys_errno = 0;
		err->offset = offset;
		va_start(args, format);
		print(err, format, args);
		va_end(args);
	}
	return code;
}

int td_error_system(struct td_error *err, int sys_errno, const char *format, ...)
{
	if (err != NULL) {
		va_list args;
		char context[TD_ERROR_TEXT_BYTES];

		va_start(args, format);
		vsnprintf(context, sizeof(context), format, args);
		va_end(args);
		td_error_set(
			err, TD_E_SYSTEM, TD_NO_OFFSET, "%s: %s", context, strerror(sys_errno));
		err->sys_errno = sys_errno;
	}
	return TD_E_SYSTEM;
}

int td_error_nomem(struct td_error *err)
{
	return td_error_set(err, TD_E_NOMEM, TD_NO_OFFSET, "out of memory");
}

int td_error_null(struct td_error *err, const char *argument)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: NULL", argument);
}

int td_error_wrap(struct td_error *err, int code, const char *format, ...)
{
	if (err != NULL) {
		struct td_error cause = *err;
		va_list args;
		size_t used;

		err->code = code;
		va_start(args, format);
		print(err, format, args);
		va_end(args);
		used = strlen(err->text);
		size_t room = sizeof(err->text) - used;
		int len = snprintf(err->text + used, room, ": %s", cause.text);
		if (len > 0 && (size_t)len >= room)
			trim_partial_character(err->text, sizeof(err->text) - 1);
	}
	return code;
}
