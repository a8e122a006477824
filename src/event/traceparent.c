#include "event/traceparent.h"

#define TRACE_AT    3u
#define SPAN_AT     36u
#define FLAGS_AT    53u
#define TRACE_BYTES 55u

static bool is_hex(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'a' && at[i] <= 'f')))
			return false;
	}
	return true;
}

static bool is_id(const char *at, size_t len)
{
	size_t zeros = 0;

	while (zeros < len && at[zeros] == '0')
		zeros++;
	return zeros < len && is_hex(at, len);
}

bool td_traceparent_read(struct td_text traceparent, struct td_traceparent *trace)
{
	const char *at = traceparent.at;

	if (at == NULL || traceparent.len < TRACE_BYTES || !is_hex(at, 2) ||
		memcmp(at, "ff", 2) == 0 || at[2] != '-' ||
		!is_id(at + TRACE_AT, SPAN_AT - TRACE_AT - 1) || at[SPAN_AT - 1] != '-' ||
		!is_id(at + SPAN_AT, FLAGS_AT - SPAN_AT - 1) || at[FLAGS_AT - 1] != '-' ||
		!is_hex(at + FLAGS_AT, 2))
		return false;
	/* What later versions say, they say behind another dash. */
	if (traceparent.len > TRACE_BYTES && (memcmp(at, "00", 2) == 0 || at[TRACE_BYTES] != '-'))
		return false;
	trace->trace = td_text_of(at + TRACE_AT, SPAN_AT - TRACE_AT - 1);
	trace->span = td_text_of(at + SPAN_AT, FLAGS_AT - SPAN_AT - 1);
	return true;
}
