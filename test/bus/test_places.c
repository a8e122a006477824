#include "features.h"

/*
 * doc/places.md says what each place does. Here each row of its table of features is tried at the place
 * under test (TD_PLACE), and must come out as the table says: work, or be refused with that code.
 * A row that is not tried here, or the other way round, is a failure, too. So is a place that is
 * there and leaves something undecided.
 */

#define CELL_BYTES_MAX 64
#define ROWS_MAX       64
#define PLACES         5

/* In the order of the table's columns. */
static const char *const places[PLACES] = {
	"mem:", "file:", "nats:// server", "nats:// cluster", "http://"};
static const char *const urls[PLACES] = {"mem:", "file:./tidings-data", "nats://127.0.0.1:4222",
	"nats://127.0.0.1:4222,127.0.0.1:4223,127.0.0.1:4224", "http://127.0.0.1:8222"};

struct row {
	char feature[CELL_BYTES_MAX];
	char cells[PLACES][CELL_BYTES_MAX];
};
static struct row rows[ROWS_MAX];
static size_t rows_count;

/* --- reading the table -------------------------------------------------------------------- */

/* The next cell of "| `publish` | same | ..."; false at the end of the line. */
static bool read_cell(const char **at, char *cell)
{
	const char *end;
	size_t len;

	if (**at != '|')
		return false;
	*at += 1 + strspn(*at + 1, " `");
	end = strchr(*at, '|');
	if (end == NULL)
		return false;
	len = (size_t)(end - *at);
	while (len > 0 && strchr(" `", (*at)[len - 1]) != NULL)
		len--;
	assert_true(len < CELL_BYTES_MAX);
	memcpy(cell, *at, len);
	cell[len] = '\0';
	*at = end;
	return true;
}

static void read_row(const char *line)
{
	struct row *row = &rows[rows_count];

	assert_true(rows_count < ROWS_MAX);
	if (!read_cell(&line, row->feature))
		fail_msg("not a row: %s", line);
	for (size_t i = 0; i < PLACES; i++) { /* what stands behind is for people */
		if (!read_cell(&line, row->cells[i]))
			fail_msg("%s: %zu cells, not %d", row->feature, i, PLACES);
	}
	rows_count++;
}

static int read_table(void **state)
{
	const char *path = getenv("TD_PLACES");
	FILE *file = fopen(path != NULL ? path : "doc/places.md", "r");
	char line[1024];
	bool inside = false;

	(void)state;
	if (file == NULL)
		return -1;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "| feature |", 11) == 0)
			inside = true;
		else if (line[0] == '\n')
			inside = false;
		else if (inside && strncmp(line, "|---", 4) != 0)
			read_row(line);
	}
	fclose(file);
	return rows_count > 0 ? 0 : -1;
}

static size_t place_under_test(void)
{
	const char *url = getenv("TD_PLACE");

	if (url == NULL || strncmp(url, "mem:", 4) == 0)
		return 0;
	if (strncmp(url, "file:", 5) == 0)
		return 1;
	if (strncmp(url, "nats:", 5) == 0)
		return strchr(url, ',') == NULL ? 2 : 3;
	return 4;
}

static const struct row *row_of(const char *feature)
{
	for (size_t i = 0; i < rows_count; i++) {
		if (strcmp(rows[i].feature, feature) == 0)
			return &rows[i];
	}
	fail_msg("doc/places.md has no row %s", feature);
	return NULL;
}

/* What a call must answer by its cell; -1: nothing can be said. */
static int code_of(const char *cell)
{
	if (strcmp(cell, "same") == 0 || strcmp(cell, "client") == 0)
		return 0;
	if (strcmp(cell, "later") == 0)
		return TD_E_PLACE;
	if (strncmp(cell, "refused ", 8) != 0)
		return -1;
#define IS_CODE(name, number, slug, http, exit, meaning) \
	if (strcmp(cell + 8, "TD_E_" #name) == 0)        \
		return TD_E_##name;
	TD_ERROR_TABLE(IS_CODE)
#undef IS_CODE
	return -1;
}

/* --- the tests ---------------------------------------------------------------------------- */

static void feature_comes_out_as_the_table_says(void **state)
{
	const struct feature *feature = *state;
	const char *cell = row_of(feature->name)->cells[place_under_test()];
	int expected = code_of(cell), code;
	struct td *td = open_place(NULL);

	if (expected < 0)
		fail_msg("%s: the table says \"%s\"", feature->name, cell);
	code = feature->try(td);
	if (code != expected)
		fail_msg("%s: %s (%d), but the table says \"%s\"", feature->name,
			td_error_name(code), code, cell);
	assert_int_equal(td_close(td), 0);
}

static void table_has_the_features_that_are_tried_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < FEATURES; i++)
		row_of(features[i].name);
	assert_int_equal(rows_count, FEATURES);
}

static void table_says_what_can_be_asserted(void **state)
{
	(void)state;
	for (size_t i = 0; i < rows_count; i++) {
		for (size_t p = 0; p < PLACES; p++) {
			const char *cell = rows[i].cells[p];

			if (code_of(cell) < 0 && strcmp(cell, "undecided") != 0)
				fail_msg("%s, %s: \"%s\"", rows[i].feature, places[p], cell);
		}
	}
}

/* Of a place that is to come the other rows are plans; that it is not there is asserted. */
static void place_that_is_not_there_yet_says_so(void **state)
{
	const struct row *row = row_of("open");

	(void)state;
	for (size_t p = 0; p < PLACES; p++) {
		struct td_error err = TD_ERROR_INIT;
		struct td *td = NULL;

		if (strcmp(row->cells[p], "later") != 0)
			continue;
		assert_int_equal(td_open(&td, urls[p], NULL, &err), TD_E_PLACE);
		assert_non_null(strstr(err.text, urls[p]));
		assert_null(td);
	}
}

int main(void)
{
	struct CMUnitTest tests[FEATURES + 3] = {
		cmocka_unit_test(table_has_the_features_that_are_tried_and_no_others),
		cmocka_unit_test(table_says_what_can_be_asserted),
		cmocka_unit_test(place_that_is_not_there_yet_says_so),
	};

	for (size_t i = 0; i < FEATURES; i++)
		tests[i + 3] = (struct CMUnitTest){features[i].name,
			feature_comes_out_as_the_table_says, NULL, NULL, &features[i]};
	return cmocka_run_group_tests(tests, read_table, NULL);
}
