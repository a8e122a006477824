#include "journal/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static int code_of(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: /* the process may have no larger file: as good as full */
		return TD_E_DISK_FULL;
	case ENOMEM:
		return TD_E_NOMEM;
	case EIO:
	case EROFS:
	case ENXIO:
	case ENODEV:
		return TD_E_DISK;
	default:
		return TD_E_SYSTEM;
	}
}

static int put(struct td_error *err, int code, int sys_errno, const char *text)
{
	if (err == NULL)
		return code;
	td_error_system(err, sys_errno, "%s", text);
	err->code = code;
	return code;
}

int td_fault(struct td_error *err, int sys_errno, const char *format, ...)
{
	char text[TD_ERROR_TEXT_BYTES];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list); /* NOLINT: the list was started */
	va_end(list);
	return put(err, code_of(sys_errno), sys_errno, text);
}

int td_fault_final(struct td_error *err, int sys_errno, const char *format, ...)
{
	char text[TD_ERROR_TEXT_BYTES];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list); /* NOLINT: the list was started */
	va_end(list);
	return put(err, TD_E_DISK, sys_errno, text);
}
