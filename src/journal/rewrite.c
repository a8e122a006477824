#include "journal/inside.h"

bool td_rewrite_is_due(const struct td_journal *journal)
{
	(void)journal;
	return false;
}

void td_rewrite_run(struct td_work *work)
{
	(void)work;
}

int td_rewrite_landed(struct td_journal *journal, int code, struct td_error *err)
{
	(void)journal;
	(void)err;
	return code;
}

void td_rewrite_free(struct td_rewrite *rewrite)
{
	(void)rewrite;
}
