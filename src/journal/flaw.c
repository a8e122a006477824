#include "journal/flaw.h"

#include <stddef.h>

const char *td_flaw_text(enum td_flaw flaw)
{
	static const char *const texts[] = {
#define TEXT(name, meaning) meaning,
		TD_FLAW_TABLE(TEXT)
#undef TEXT
	};

	return (size_t)flaw < sizeof(texts) / sizeof(texts[0]) ? texts[flaw] : "unknown";
}
