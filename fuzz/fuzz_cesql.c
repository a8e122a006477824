/*
 * An expression. What is accepted must
 *	- be dumped as an expression that is accepted, and dumped as the same text again;
 *	- evaluate to the same, itself a second time and the dumped one, and pass accordingly.
 * What is refused is refused with a text and an offset inside.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what, struct td_text a, struct td_text b)
{
	if (holds)
		return;
	fprintf(stderr, "%s:\n%.*s\n%.*s\n", what, TD_TEXT_ARG(a), TD_TEXT_ARG(b));
	abort();
}

static bool same(const struct td_sql_value *a, const struct td_sql_value *b)
{
	return a->type == b->type && a->boolean == b->boolean && a->integer == b->integer &&
	       a->errors == b->errors && td_text_equal(a->string, b->string);
}

static void check_values(const struct td_filter *filter, const struct td_filter *other,
	struct td_text in, struct td_text out)
{
	struct td_arena arena;
	struct td_sql_value first, second, third;
	bool passes;

	td_arena_init(&arena, 4096, 1 << 21);
	first = td_filter_evaluate(filter, filter_event(), &arena);
	second = td_filter_evaluate(filter, filter_event(), &arena);
	third = td_filter_evaluate(other, filter_event(), &arena);
	check(same(&first, &second), "another value the second time", in, out);
	check(same(&first, &third), "another value of the dump", in, out);
	check(first.type != TD_SQL_STRING || first.errors != 0 ||
			td_utf8_valid(first.string.at, first.string.len) == first.string.len,
		"no UTF-8", in, first.string);
	passes = first.type == TD_SQL_BOOLEAN && first.boolean && first.errors == 0;
	check(td_filter_passes(filter, filter_event()) == passes, "passes", in, out);
	td_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text in = td_text_of(data, size), out;
	struct td_filter *filter = NULL, *other = NULL;
	struct td_buf dump = TD_BUF_INIT(8 * TD_FILTER_BYTES_MAX);
	struct td_buf again = TD_BUF_INIT(8 * TD_FILTER_BYTES_MAX);
	struct td_error err = TD_ERROR_INIT;

	if (td_filter_sql(&filter, in, &err) != 0) {
		check(err.code == TD_E_FILTER && err.text[0] != '\0' && err.offset <= size,
			"no place", in, td_text(err.text));
		return 0;
	}
	td_filter_dump(filter, &dump);
	out = td_buf_view(&dump);
	check(td_buf_check(&dump, NULL) == 0, "dump", in, out);
	if (out.len <= TD_FILTER_BYTES_MAX) { /* blanks may make it longer */
		check(td_filter_sql(&other, out, &err) == 0, "dump refused", out,
			td_text(err.text));
		td_filter_dump(other, &again);
		check(td_text_equal(out, td_buf_view(&again)), "another dump", out,
			td_buf_view(&again));
		check_values(filter, other, in, out);
	}
	td_filter_free(filter);
	td_filter_free(other);
	td_buf_fini(&dump);
	td_buf_fini(&again);
	return 0;
}
