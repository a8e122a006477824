/*
 * Errors of the disk, as the journal names them.
 */
#ifndef TD_JOURNAL_FAULT_H
#define TD_JOURNAL_FAULT_H

#include "base/base.h"

/* TD_E_DISK_FULL, TD_E_NOMEM, TD_E_DISK (the device) or TD_E_SYSTEM, by errno; its text behind. */
__attribute__((cold)) int td_fault(struct td_error *err, int sys_errno, const char *format, ...)
	TD_PRINTF(3, 4);
/* The same of a write or sync that had to succeed: TD_E_DISK, whatever it was. */
__attribute__((cold)) int td_fault_final(
	struct td_error *err, int sys_errno, const char *format, ...) TD_PRINTF(3, 4);

#endif
