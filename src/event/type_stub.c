/*
 * Stands in until typed.c lands, which defines these: delete this file then.
 */
#include "event/event.h"

size_t td_type_copy_bytes(const struct td_type *type, const void *object)
{
	(void)type;
	(void)object;
	TD_UNREACHABLE();
}

void *td_type_copy(const struct td_type *type, const void *object, void *block)
{
	(void)type;
	(void)object;
	(void)block;
	TD_UNREACHABLE();
}

int td_type_encode(
	const struct td_type *type, const void *object, struct td_buf *buf, struct td_error *err)
{
	(void)type;
	(void)object;
	(void)buf;
	(void)err;
	TD_UNREACHABLE();
}
