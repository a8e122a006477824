#include "journal/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "sys/sys.h"

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
	return put(err, td_disk_code(sys_errno), sys_errno, text);
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
