#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/tail.h"

/* The table of tail.h, row by row, and what lies at its edges. */
static void each_row_of_the_table_is_judged(void **state)
{
	static const struct {
		struct td_tail_facts facts;
		enum td_tail tail;
	} rows[] = {
		/* end, clean, stated, nonzero, later, zero piece, unreadable */
		{{8000, 0, 0, 8000, 0, false, false}, TD_TAIL_ENDED},
		{{8000, 8000, 0, 8000, 0, false, false}, TD_TAIL_CLEAN},
		{{8000, 9000, 0, 8000, 0, false, false}, TD_TAIL_DAMAGED},
		{{8000, 9000, 0, 8500, 0, true, false}, TD_TAIL_DAMAGED},
		{{8000, 0, 0, 8500, 0, true, false}, TD_TAIL_TORN},
		{{8000, 0, 9000, 8500, 0, true, false}, TD_TAIL_TORN},
		{{8000, 0, 9000, 9000, 0, false, false}, TD_TAIL_DAMAGED},
		{{8000, 0, 9000, 9001, 0, true, false}, TD_TAIL_DAMAGED},
		{{8000, 0, 0, 8500, 0, false, false}, TD_TAIL_DAMAGED},
		{{8000, 0, 0, 9500, 9000, true, false}, TD_TAIL_DAMAGED},
		{{8000, 0, 0, 8500, 0, true, true}, TD_TAIL_DAMAGED},
		{{8000, 0, 0, 8000 + TD_FRAME_BYTES_MAX, 0, true, false}, TD_TAIL_TORN},
		{{8000, 0, 0, 8001 + TD_FRAME_BYTES_MAX, 0, true, false}, TD_TAIL_DAMAGED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *what = NULL;

		assert_int_equal(td_tail_judge(&rows[i].facts, &what), rows[i].tail);
		assert_int_equal(what != NULL, rows[i].tail == TD_TAIL_DAMAGED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_of_the_table_is_judged)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
