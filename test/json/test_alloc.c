/* json allocates only through the buffers it writes to; with the n-th allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "json/json.h"

static int write_much(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(100000);
	struct td_json_writer writer;
	int code;

	(void)arg;
	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	for (int i = 0; i < 500; i++) {
		td_json_name(&writer, td_text("a \"name\""));
		td_json_double(&writer, 0.1 * i);
	}
	td_json_close_object(&writer);
	code = td_buf_check(&buf, NULL);
	td_buf_fini(&buf);
	return code;
}

static void writer_gives_up_cleanly_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(write_much, NULL), 2, 100);
}

static int merge(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(10000);
	struct td_json target, patch;
	int code;

	(void)arg;
	code = td_json_parse(td_text("{\"a\": {\"b\": [1, 2], \"c\": 0}, \"d\\u0065\": \"x\"}"), 0,
		&target, NULL);
	if (code == 0)
		code = td_json_parse(
			td_text("{\"a\": {\"c\": null, \"e\": {\"f\": null}}, \"de\": \"y\"}"), 0,
			&patch, NULL);
	if (code == 0)
		code = td_json_merge(target, patch, &buf, NULL);
	td_buf_fini(&buf);
	return code;
}

static void merge_gives_up_cleanly_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(merge, NULL), 1, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer_gives_up_cleanly_when_memory_ends),
		cmocka_unit_test(merge_gives_up_cleanly_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
