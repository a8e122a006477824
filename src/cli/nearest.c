#include "cli/line.h"

#include <string.h>

#include "base/base.h"

void td_cli_nearest_offer(struct td_cli_nearest *nearest, const char *word, struct td_text name)
{
	struct td_nearest one;

	td_nearest_init(&one, td_text(word));
	td_nearest_try(&one, name);
	if (one.name.at == NULL || (nearest->name[0] != '\0' && nearest->steps < one.steps))
		return;
	if (nearest->name[0] != '\0' && nearest->steps == one.steps &&
		strncmp(nearest->name, name.at, name.len) <= 0)
		return; /* whatever order they are offered in */
	nearest->steps = one.steps;
	td_text_copy(name, nearest->name, sizeof(nearest->name));
}
