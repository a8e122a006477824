#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* Tables: their widths, and what is cut. */

#define GAP       2u    /* between columns */
#define WIDTH_MAX 60u   /* of a column that is not the last */
#define CELL_MAX  4096u /* characters of a cell on a terminal */

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

void td_cli_table_begin(struct td_cli_table *table, const struct td_cli *cli,
	const struct td_cli_column *columns, size_t count, bool streaming)
{
	TD_ASSERT(count > 0 && count <= TD_CLI_COLUMNS_MAX);
	*table = (struct td_cli_table){
		.cli = cli, .columns = columns, .count = count, .streaming = streaming};
	for (size_t i = 0; i < count; i++)
		table->widths[i] = max_size(columns[i].least, strlen(columns[i].name));
}

static void widen(struct td_cli_table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t width = min_size(td_utf8_length(td_text(cells[i])), WIDTH_MAX);

		table->widths[i] = max_size(table->widths[i], width);
	}
}

static void pad(size_t count)
{
	while (count-- > 0)
		putchar(' ');
}

/* A line of cells at their widths; what stands last is cut at the edge. */
static void write_line(const struct td_cli_table *table, const char *const *cells, bool head)
{
	struct td_buf shown = TD_BUF_INIT(CELL_MAX * 4);
	size_t used = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct td_cli_column *column = &table->columns[i];
		bool last = i + 1 == table->count;
		size_t width = table->widths[i], room = width, len;

		if (last)
			room = table->cli->width > used + 8 ? table->cli->width - used : 8;
		td_buf_reset(&shown);
		td_cli_clean(&shown, td_text(cells[i]), room);
		td_buf_add_char(&shown, '\0');
		if (td_buf_check(&shown, NULL) != 0)
			break;
		len = td_utf8_length(td_text(shown.at));
		if (column->right && len < width)
			pad(width - len);
		td_cli_put(table->cli, head ? TD_CLI_DIM : column->colour, shown.at);
		if (!last)
			pad(GAP + (!column->right && len < width ? width - len : 0));
		used += max_size(width, len) + GAP;
	}
	putchar('\n');
	td_buf_fini(&shown);
}

static void write_head(struct td_cli_table *table)
{
	const char *names[TD_CLI_COLUMNS_MAX];

	if (table->head_shown)
		return;
	table->head_shown = true;
	for (size_t i = 0; i < table->count; i++)
		names[i] = table->columns[i].name;
	write_line(table, names, true);
}

static void write_piped(const struct td_cli_table *table, const struct td_text *cells)
{
	struct td_buf shown = TD_BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < table->count; i++) {
		td_cli_clean(&shown, cells[i], 0);
		td_buf_add_char(&shown, i + 1 < table->count ? '\t' : '\n');
	}
	if (td_buf_check(&shown, NULL) == 0)
		fwrite(shown.at, 1, shown.len, stdout);
	td_buf_fini(&shown);
	if (table->streaming)
		fflush(stdout);
}

/* The cells cleaned and ended, one behind the other; false: no memory. */
static bool keep(struct td_cli_table *table, const struct td_text *cells)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	bool kept = false;

	for (size_t i = 0; i < table->count; i++) {
		td_cli_clean(&buf, td_text_of(cells[i].at, min_size(cells[i].len, CELL_MAX * 4)),
			CELL_MAX);
		td_buf_add_char(&buf, '\0');
	}
	if (td_buf_check(&buf, NULL) == 0) {
		size_t need = table->rows_len + buf.len;

		if (need > table->rows_cap) {
			char *rows = realloc(table->rows, need * 2);

			if (rows != NULL) {
				table->rows = rows;
				table->rows_cap = need * 2;
			}
		}
		kept = need <= table->rows_cap;
		if (kept) {
			memcpy(table->rows + table->rows_len, buf.at, buf.len);
			table->rows_len = need;
		}
	}
	td_buf_fini(&buf);
	return kept;
}

/* The cells of the row that begins at `at`; returns where the next begins. */
static const char *cells_at(
	const struct td_cli_table *table, const char *at, const char *cells[TD_CLI_COLUMNS_MAX])
{
	for (size_t i = 0; i < table->count; i++) {
		cells[i] = at;
		at += strlen(at) + 1;
	}
	return at;
}

/* Write what is kept. */
static void flush(struct td_cli_table *table)
{
	const char *cells[TD_CLI_COLUMNS_MAX], *at = table->rows;

	if (table->rows_len == 0)
		return;
	write_head(table);
	while (at < table->rows + table->rows_len) {
		at = cells_at(table, at, cells);
		write_line(table, cells, false);
	}
	table->rows_len = 0;
	fflush(stdout);
}

void td_cli_table_row(struct td_cli_table *table, const struct td_text *cells)
{
	const char *kept[TD_CLI_COLUMNS_MAX];
	size_t before = table->rows_len;

	if (!table->cli->terminal) {
		write_piped(table, cells);
		return;
	}
	if (!keep(table, cells)) {
		table->code = TD_E_NOMEM;
		return;
	}
	cells_at(table, table->rows + before, kept);
	widen(table, kept);
	if (table->streaming)
		flush(table);
}

int td_cli_table_end(struct td_cli_table *table)
{
	int code = table->code;

	flush(table);
	free(table->rows);
	table->rows = NULL;
	if (code != 0)
		return td_cli_refuse(table->cli, code, NULL, "not all rows could be shown");
	return 0;
}
