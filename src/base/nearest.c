#include "base/nearest.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The table of Damerau and Levenshtein, of which three rows are kept: row i tells how far the first
 * i bytes of `a` are from the first j of `b`. */
unsigned td_nearest_steps(struct td_text a, struct td_text b, unsigned most)
{
	unsigned rows[3][TD_NEAREST_BYTES_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	if (a.len > TD_NEAREST_BYTES_MAX || b.len > TD_NEAREST_BYTES_MAX)
		return most + 1;
	for (unsigned j = 0; j <= b.len; j++)
		above[j] = before[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *next = before;

		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			char x = lower(a.at[i - 1]), y = lower(b.at[j - 1]);

			row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == lower(b.at[j - 2]) && y == lower(a.at[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = next;
	}
	return least(above[b.len], most + 1);
}

void td_nearest_init(struct td_nearest *nearest, struct td_text wanted)
{
	unsigned most = (unsigned)least((unsigned)(wanted.len / 3), 3);

	nearest->wanted = wanted;
	nearest->name = td_text_of(NULL, 0);
	nearest->steps = (most > 0 ? most : 1) + 1;
}

void td_nearest_try(struct td_nearest *nearest, struct td_text name)
{
	unsigned steps = td_nearest_steps(nearest->wanted, name, nearest->steps);

	if (steps >= nearest->steps)
		return;
	nearest->steps = steps;
	nearest->name = name;
}
