#include "cli/line.h"

#include <string.h>

#define LETTERS_MAX 64u

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Optimal string alignment, over the last three rows. */
size_t td_cli_distance(struct td_text word, struct td_text name)
{
	size_t rows[3][LETTERS_MAX + 1];

	if (word.len > LETTERS_MAX || name.len > LETTERS_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= name.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= word.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= name.len; j++) {
			int a = lower(word.at[i - 1]), b = lower(name.at[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a != b));
			if (i > 1 && j > 1 && a == lower(name.at[j - 2]) &&
				b == lower(word.at[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[word.len % 3][name.len];
}

bool td_cli_is_near(size_t distance, struct td_text word)
{
	return distance <= (word.len < 6 ? 1 : word.len / 3);
}

void td_cli_nearest_offer(struct td_cli_nearest *nearest, const char *word, struct td_text name)
{
	size_t distance = td_cli_distance(td_text(word), name);

	if (!td_cli_is_near(distance, td_text(word)))
		return;
	if (nearest->name[0] != '\0' && nearest->distance < distance)
		return;
	if (nearest->name[0] != '\0' && nearest->distance == distance &&
		strncmp(nearest->name, name.at, name.len) <= 0)
		return; /* whatever order they are offered in */
	nearest->distance = distance;
	td_text_copy(name, nearest->name, sizeof(nearest->name));
}
