#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "event/rule.h"

struct row {
	td_rule *rule;
	const char *value;
	bool valid;
};

static const struct row rows[] = {
	{td_rule_text, "", true},
	{td_rule_text, "plain ~ text", true},
	{td_rule_text, "eight by", true},
	{td_rule_text,
		"gr\xC3\xB6\xC3\x9F"
		"er \xE2\x98\x83 \xF0\x9F\x98\x80",
		true},
	{td_rule_text, "\xC2\xA0", true},     /* U+00A0 */
	{td_rule_text, "\xEF\xBF\xBD", true}, /* U+FFFD */
	{td_rule_text, "tab\t", false},
	{td_rule_text, "\x1F", false},
	{td_rule_text, "12345678\x7F", false},
	{td_rule_text, "1234567\n", false},
	{td_rule_text, "\xC2\x80", false},         /* U+0080 */
	{td_rule_text, "\xC2\x9F", false},         /* U+009F */
	{td_rule_text, "\xEF\xB7\x90", false},     /* U+FDD0 */
	{td_rule_text, "\xEF\xB7\xAF", false},     /* U+FDEF */
	{td_rule_text, "\xEF\xBF\xBE", false},     /* U+FFFE */
	{td_rule_text, "\xF4\x8F\xBF\xBF", false}, /* U+10FFFF */
	{td_rule_text, "\xF0\x9F\xBF\xBE", false}, /* U+1FFFE */
	{td_rule_text, "\xC0\xA0", false},
	{td_rule_text, "\xED\xA0\x80", false},
	{td_rule_text, "\xE2", false},

	{td_rule_integer, "0", true},
	{td_rule_integer, "-7", true},
	{td_rule_integer, "2147483647", true},
	{td_rule_integer, "-2147483648", true},
	{td_rule_integer, "2147483648", false},
	{td_rule_integer, "-2147483649", false},
	{td_rule_integer, "4247483647", false},
	{td_rule_integer, "99999999999999999999", false},
	{td_rule_integer, "", false},
	{td_rule_integer, "-", false},
	{td_rule_integer, "+1", false},
	{td_rule_integer, "-0", false},
	{td_rule_integer, "01", false},
	{td_rule_integer, "1.0", false},
	{td_rule_integer, "1e2", false},
	{td_rule_integer, " 1", false},

	{td_rule_boolean, "true", true},
	{td_rule_boolean, "false", true},
	{td_rule_boolean, "True", false},
	{td_rule_boolean, "1", false},
	{td_rule_boolean, "", false},

	{td_rule_time, "2018-04-05T17:31:00Z", true},
	{td_rule_time, "2018-04-05T17:31:00.123456789123+02:00", true},
	{td_rule_time, "2018-04-05T17:31:00", false},
	{td_rule_time, "2018-04-05", false},

	{td_rule_uri_reference, "https://example.com/a/b?c=d#e", true},
	{td_rule_uri_reference, "/mycontext", true},
	{td_rule_uri_reference, "#fragment", true},
	{td_rule_uri_reference, "//authority/path", true},
	{td_rule_uri_reference, "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", true},
	{td_rule_uri_reference, "1-555-123-4567", true},
	{td_rule_uri_reference, "nats:orders", true},
	{td_rule_uri_reference, "a%20b%c3%9f", true},
	{td_rule_uri_reference,
		"stra\xC3\x9F"
		"e",
		true},
	{td_rule_uri_reference, "a b", false},
	{td_rule_uri_reference, "a%2", false},
	{td_rule_uri_reference, "a%zz", false},
	{td_rule_uri_reference, "%", false},
	{td_rule_uri_reference, "<a>", false},
	{td_rule_uri_reference, "C:\\dir", false},
	{td_rule_uri_reference, "/{id}", false},

	{td_rule_uri, "https://cloudevents.io/dataschema", true},
	{td_rule_uri, "urn:x", true},
	{td_rule_uri, "a+b-c.1:x", true},
	{td_rule_uri, "dataschema", false},
	{td_rule_uri, "/relative", false},
	{td_rule_uri, "1a:x", false},
	{td_rule_uri, ":x", false},
	{td_rule_uri, "a b:x", false},
	{td_rule_uri, "a:x y", false},

	{td_rule_media_type, "application/json", true},
	{td_rule_media_type, "text/plain; charset=utf-8", true},
	{td_rule_media_type, "text/plain;charset=\"utf-8\"", true},
	{td_rule_media_type, "text/plain ; a=b;c=\"d; \\\" e\"", true},
	{td_rule_media_type, "application/vnd.api+json", true},
	{td_rule_media_type, "Application/JSON", true},
	{td_rule_media_type, "x/y;a=\"\"", true},
	{td_rule_media_type, "json", false},
	{td_rule_media_type, "application/", false},
	{td_rule_media_type, "/json", false},
	{td_rule_media_type, "a b/c", false},
	{td_rule_media_type, "a/b c", false},
	{td_rule_media_type, "a/b;", false},
	{td_rule_media_type, "a/b ", false},
	{td_rule_media_type, "a/b;c", false},
	{td_rule_media_type, "a/b;c=", false},
	{td_rule_media_type, "a/b;=d", false},
	{td_rule_media_type, "a/b;c=\"d", false},
	{td_rule_media_type, "a/b;c=\"d\\", false},
	{td_rule_media_type, "a/b,c/d", false},
	{td_rule_media_type, "a/b;c=\"\xC3\xB6\"", false},
};

static void values_are_told_valid_and_invalid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_text value = td_text(rows[i].value);
		char *exact = malloc(value.len + (value.len == 0));

		/* Of its exact size, so that a sanitizer sees a step too far. */
		memcpy(exact, value.at, value.len);
		if ((rows[i].rule(td_text_of(exact, value.len)) == NULL) != rows[i].valid)
			fail_msg("\"%s\" is %svalid", rows[i].value, rows[i].valid ? "" : "in");
		free(exact);
	}
}

static void every_byte_at_every_place_of_a_text_is_looked_at(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 20; len++)
		for (size_t at = 0; at < len; at++)
			for (int byte = 0; byte < 256; byte++) {
				char text[20];

				memset(text, 'a', sizeof(text));
				text[at] = (char)byte;
				assert_int_equal(td_rule_text(td_text_of(text, len)) == NULL,
					byte >= 0x20 && byte < 0x7F);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_told_valid_and_invalid),
		cmocka_unit_test(every_byte_at_every_place_of_a_text_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
