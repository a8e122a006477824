#include "nats_test.h"

static const struct {
	const char *subject;
	bool literal, pattern;
} subjects[] = {
	{"a", true, true},
	{"a.b.c", true, true},
	{"$JS.API.INFO", true, true},
	{"f\xC3\xB6\xC3\xB6", true, true},
	{"fo*o", true, true},
	{"a>b", true, true},
	{"a.**", true, true},
	{"a.>>.b", true, true},
	{"*", false, true},
	{">", false, true},
	{"a.*.b", false, true},
	{"a.>", false, true},
	{"*.*.>", false, true},
	{"a.>.b", false, false},
	{">.a", false, false},
	{"", false, false},
	{".", false, false},
	{".a", false, false},
	{"a.", false, false},
	{"a.>.", false, false},
	{"a..b", false, false},
	{"a b", false, false},
	{"a\tb", false, false},
	{"a\rb", false, false},
	{"a\nb", false, false},
	{"a\fb", false, false},
	{"\f", false, false},
	{"a\x01", true, true},
};

static void subjects_are_judged_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct td_text subject = td_text(subjects[i].subject);

		if (td_nats_is_literal(subject) != subjects[i].literal ||
			td_nats_is_pattern(subject) != subjects[i].pattern)
			fail_msg("\"%s\" is judged wrongly", subjects[i].subject);
	}
	assert_false(td_nats_is_pattern(td_text_of("a\0b", 3)));
	assert_false(td_nats_is_pattern(td_text(NULL)));
	assert_false(td_nats_is_literal(td_text(NULL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_are_judged_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
