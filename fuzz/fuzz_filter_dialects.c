/*
 * Filters as JSON. What is accepted must be dumped as JSON that is accepted, passes the same, and
 * is dumped as the same text again. What is refused is refused with a text and an offset inside.
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

/* A dump is longer than what it came from by blanks in expressions; that may be too long. */
static bool too_long(const struct td_error *err)
{
	return strstr(err->text, " is at most ") != NULL ||
	       strstr(err->text, " are at most ") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text in = td_text_of(data, size), out;
	struct td_filter *filter = NULL, *other = NULL;
	struct td_buf dump = TD_BUF_INIT(16 * TD_FILTER_JSON_BYTES_MAX);
	struct td_buf again = TD_BUF_INIT(16 * TD_FILTER_JSON_BYTES_MAX);
	struct td_error err = TD_ERROR_INIT;

	if (td_filter_dialects(&filter, in, &err) != 0) {
		check(err.code == TD_E_FILTER || err.code == TD_E_JSON, "another code", in,
			td_text(err.text));
		check(err.text[0] != '\0' && (err.offset <= size || err.offset == TD_NO_OFFSET),
			"no place", in, td_text(err.text));
		return 0;
	}
	td_filter_dump(filter, &dump);
	out = td_buf_view(&dump);
	check(td_buf_check(&dump, NULL) == 0, "dump", in, out);
	if (td_filter_dialects(&other, out, &err) == 0) {
		td_filter_dump(other, &again);
		check(td_text_equal(out, td_buf_view(&again)), "another dump", out,
			td_buf_view(&again));
		check(td_filter_passes(filter, filter_event()) ==
				td_filter_passes(other, filter_event()),
			"passes otherwise", in, out);
	} else {
		check(too_long(&err), "dump refused", out, td_text(err.text));
	}
	td_filter_free(filter);
	td_filter_free(other);
	td_buf_fini(&dump);
	td_buf_fini(&again);
	return 0;
}
