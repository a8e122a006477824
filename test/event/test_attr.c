#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/attr.h"
#include "event_test.h"

static void known_names_are_found_and_no_others(void **state)
{
	(void)state;
	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++) {
		char other[32];
		struct td_text name = td_attr_names[attr];

		assert_int_equal(td_attr_find(name), attr);
		for (size_t i = 0; i < name.len; i++) {
			memcpy(other, name.at, name.len);
			other[i] = (char)(other[i] == 'q' ? 'x' : 'q');
			assert_int_equal(td_attr_find(td_text_of(other, name.len)), TD_ATTR_COUNT);
		}
	}
	assert_int_equal(td_attr_find(td_text("")), TD_ATTR_COUNT);
	assert_int_equal(td_attr_find(td_text("specversion")), TD_ATTR_COUNT);
	assert_int_equal(td_attr_find(td_text("averylongnamethatnobodyknows")), TD_ATTR_COUNT);
}

static void content_types_that_are_json(void **state)
{
	static const struct {
		const char *type;
		bool json;
	} types[] = {
		{NULL, true},
		{"application/json", true},
		{"text/json", true},
		{"Application/JSON", true},
		{"application/json; charset=utf-8", true},
		{"application/json ;charset=utf-8", true},
		{"application/cloudevents+json", true},
		{"application/vnd.x+JSON;v=1", true},
		{"text/plain", false},
		{"application/jsonp", false},
		{"application/x-json", false},
		{"application/xml;x=/json", false},
		{"json", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(td_content_type_is_json(td_text(types[i].type)), types[i].json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_names_are_found_and_no_others),
		cmocka_unit_test(content_types_that_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
