/*
 * JSONTestSuite: what its files say, and for those that leave it open, what doc/json.md says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/* The path of a folder of the suite; false, and said, where there is none. */
static bool suite_path(char path[4096], const char *folder)
{
	const char *vectors = getenv("TD_VECTORS");
	DIR *dir;

	snprintf(path, 4096, "%s/jsontestsuite/%s", vectors ? vectors : "", folder);
	dir = opendir(path);
	if (dir == NULL) {
		print_message("# skipped: no %s\n", path);
		return false;
	}
	closedir(dir);
	return true;
}

static struct td_text read_whole(const char *folder, const char *name)
{
	char path[8192];
	FILE *file;
	char *bytes;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	len = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(len + (len == 0)); /* no byte more: overreads show under a sanitizer */
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, len, file), len);
	fclose(file);
	return td_text_of(bytes, len);
}

/* Those of i_ that are refused; the others are accepted. doc/json.md says why. */
static const char *const refused[] = {
	"i_string_UTF-16LE_with_BOM.json",
	"i_string_UTF-8_invalid_sequence.json",
	"i_string_UTF8_surrogate_U+D800.json",
	"i_string_invalid_utf-8.json",
	"i_string_iso_latin_1.json",
	"i_string_lone_utf8_continuation_byte.json",
	"i_string_not_in_unicode_range.json",
	"i_string_overlong_sequence_2_bytes.json",
	"i_string_overlong_sequence_6_bytes.json",
	"i_string_overlong_sequence_6_bytes_null.json",
	"i_string_truncated-utf-8.json",
	"i_string_utf16BE_no_BOM.json",
	"i_string_utf16LE_no_BOM.json",
	"i_structure_UTF-8_BOM_empty_object.json",
};

static bool is_accepted(const char *name)
{
	if (name[0] != 'i')
		return name[0] == 'y';
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strcmp(name, refused[i]) == 0)
			return false;
	return true;
}

static void json_decides_the_test_suite_as_its_names_say(void **state)
{
	char path[4096];
	DIR *dir;
	const struct dirent *entry;
	size_t count = 0;

	(void)state;
	if (!suite_path(path, "test_parsing"))
		return;
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct td_error err = TD_ERROR_INIT;
		struct td_json value;
		struct td_text text;
		int code;

		if (entry->d_name[0] == '.')
			continue;
		text = read_whole(path, entry->d_name);
		code = td_json_parse(text, 0, &value, &err);
		if ((code == 0) != is_accepted(entry->d_name))
			fail_msg("%s: %s", entry->d_name, code == 0 ? "accepted" : err.text);
		if (code != 0)
			assert_true(err.offset <= text.len);
		free((void *)(uintptr_t)text.at);
		count++;
	}
	closedir(dir);
	print_message("# %zu files\n", count);
	assert_true(count > 100);
}

static const struct transform {
	const char *file;
	const char *text; /* the value's own, as it stays */
	const char *want; /* its first element or member, as a double or unescaped */
} transforms[] = {
	{"number_-9223372036854775808.json", "[-9223372036854775808]", "-9223372036854776000"},
	{"number_1.0.json", "[1.0]", "1"},
	{"number_1.000000000000000005.json", "[1.000000000000000005]", "1"},
	{"number_1e-999.json", "[1E-999]", "0"},
	{"number_1e6.json", "[1E6]", "1000000"},
	{"object_same_key_same_value.json", "{\"a\":1,\"a\":1}", "1"},
	{"object_same_key_unclear_values.json", "{\"a\":0, \"a\":-0}", "-0"},
	{"string_1_escaped_invalid_codepoint.json", "[\"\\uD800\"]", "\xEF\xBF\xBD"},
	{"string_3_escaped_invalid_codepoints.json", "[\"\\uD800\\uD800\\uD800\"]",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
};

static void check_transform(const struct transform *t, struct td_json value)
{
	struct td_buf buf = TD_BUF_INIT(1000);
	struct td_json_writer writer;
	struct td_json first = td_json_get(value, td_text("a"));
	double number;

	assert_true(td_text_is(value.text, t->text));
	if (value.kind == TD_JSON_ARRAY)
		first = td_json_pointer(value, td_text("/0"));
	if (first.kind == TD_JSON_STRING) {
		td_json_unescape(first, &buf);
	} else {
		assert_true(td_json_to_double(first, &number));
		td_json_writer_init(&writer, &buf);
		td_json_double(&writer, number);
	}
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at, t->want);
	td_buf_fini(&buf);
}

static void json_keeps_and_reads_the_ambiguous_as_documented(void **state)
{
	char path[4096];

	(void)state;
	if (!suite_path(path, "test_transform"))
		return;
	for (size_t i = 0; i < sizeof(transforms) / sizeof(transforms[0]); i++) {
		struct td_text text = read_whole(path, transforms[i].file);
		struct td_json value;

		assert_int_equal(td_json_parse(text, 0, &value, NULL), 0);
		check_transform(&transforms[i], value);
		free((void *)(uintptr_t)text.at);
	}
}

/* Bytes that are no UTF-8 are refused wherever they stand, and NFC and NFD are two names. */
static void json_takes_names_and_bytes_as_they_are(void **state)
{
	char path[4096];
	struct td_text text;
	struct td_json value;

	(void)state;
	if (!suite_path(path, "test_transform"))
		return;
	text = read_whole(path, "string_1_invalid_codepoint.json");
	assert_int_equal(td_json_parse(text, 0, &value, NULL), TD_E_JSON);
	free((void *)(uintptr_t)text.at);
	text = read_whole(path, "string_3_invalid_codepoints.json");
	assert_int_equal(td_json_parse(text, 0, &value, NULL), TD_E_JSON);
	free((void *)(uintptr_t)text.at);
	text = read_whole(path, "object_key_nfc_nfd.json");
	assert_int_equal(td_json_parse(text, 0, &value, NULL), 0);
	assert_true(td_text_is(td_json_get(value, td_text("\xC3\xA9")).text, "\"NFC\""));
	assert_true(td_text_is(td_json_get(value, td_text("e\xCC\x81")).text, "\"NFD\""));
	free((void *)(uintptr_t)text.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_decides_the_test_suite_as_its_names_say),
		cmocka_unit_test(json_keeps_and_reads_the_ambiguous_as_documented),
		cmocka_unit_test(json_takes_names_and_bytes_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
