/*
 * Any bytes as JSON:
 *
 *	1. a naive checker, recursive and byte by byte, decides the same;
 *	2. a refusal names the first byte that cannot be: what stands before it is JSON, or the
 *	   beginning of it;
 *	3. walking what was accepted covers exactly its bytes: between the spans stand only the
 *	   brackets, commas, colons and blanks of the grammar;
 *	4. each value that is not hidden behind a later one of its name is found by its pointer;
 *	5. each string's value, quoted again, reads back as the same value.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* --- 1: the naive checker; functions advance *at, false where the text is wrong -------------- */

static bool naive_value(const uint8_t **at, const uint8_t *end, int depth);

static bool eat(const uint8_t **at, const uint8_t *end, int c)
{
	if (*at == end || **at != c)
		return false;
	++*at;
	return true;
}

static bool eat_range(const uint8_t **at, const uint8_t *end, int low, int high)
{
	if (*at == end || **at < low || **at > high)
		return false;
	++*at;
	return true;
}

static void naive_blanks(const uint8_t **at, const uint8_t *end)
{
	while (eat(at, end, ' ') || eat(at, end, '\t') || eat(at, end, '\n') || eat(at, end, '\r'))
		;
}

static bool naive_word(const uint8_t **at, const uint8_t *end, const char *word)
{
	for (; *word != '\0'; word++)
		if (!eat(at, end, *word))
			return false;
	return true;
}

static bool naive_digits(const uint8_t **at, const uint8_t *end)
{
	if (!eat_range(at, end, '0', '9'))
		return false;
	while (eat_range(at, end, '0', '9'))
		;
	return true;
}

static bool naive_number(const uint8_t **at, const uint8_t *end)
{
	eat(at, end, '-');
	if (!eat(at, end, '0') && !naive_digits(at, end))
		return false;
	if (eat(at, end, '.') && !naive_digits(at, end))
		return false;
	if (eat(at, end, 'e') || eat(at, end, 'E')) {
		if (!eat(at, end, '+'))
			eat(at, end, '-');
		return naive_digits(at, end);
	}
	return true;
}

static bool naive_hex(const uint8_t **at, const uint8_t *end)
{
	return eat_range(at, end, '0', '9') || eat_range(at, end, 'a', 'f') ||
	       eat_range(at, end, 'A', 'F');
}

/* RFC 3629 section 4, its grammar line by line. */
static bool naive_character(const uint8_t **at, const uint8_t *end)
{
	static const struct {
		int lead[2], second[2], more;
	} rows[] = {
		{{0xC2, 0xDF}, {0x80, 0xBF}, 0},
		{{0xE0, 0xE0}, {0xA0, 0xBF}, 1},
		{{0xE1, 0xEC}, {0x80, 0xBF}, 1},
		{{0xED, 0xED}, {0x80, 0x9F}, 1},
		{{0xEE, 0xEF}, {0x80, 0xBF}, 1},
		{{0xF0, 0xF0}, {0x90, 0xBF}, 2},
		{{0xF1, 0xF3}, {0x80, 0xBF}, 2},
		{{0xF4, 0xF4}, {0x80, 0x8F}, 2},
	};

	if (eat_range(at, end, 0x20, 0x7F))
		return true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!eat_range(at, end, rows[i].lead[0], rows[i].lead[1]))
			continue;
		if (!eat_range(at, end, rows[i].second[0], rows[i].second[1]))
			return false;
		for (int more = rows[i].more; more > 0; more--)
			if (!eat_range(at, end, 0x80, 0xBF))
				return false;
		return true;
	}
	return false;
}

static bool naive_string(const uint8_t **at, const uint8_t *end)
{
	if (!eat(at, end, '"'))
		return false;
	while (!eat(at, end, '"')) {
		if (!eat(at, end, '\\')) {
			if (!naive_character(at, end))
				return false;
		} else if (eat(at, end, 'u')) {
			for (int i = 0; i < 4; i++)
				if (!naive_hex(at, end))
					return false;
		} else if (*at == end || **at == 0 || strchr("\"\\/bfnrt", **at) == NULL) {
			return false;
		} else {
			++*at;
		}
	}
	return true;
}

static bool naive_members(const uint8_t **at, const uint8_t *end, int depth, bool object)
{
	int closer = object ? '}' : ']';

	if (depth > (int)TD_JSON_DEPTH_MAX)
		return false;
	naive_blanks(at, end);
	if (eat(at, end, closer))
		return true;
	do {
		naive_blanks(at, end);
		if (object) {
			if (!naive_string(at, end))
				return false;
			naive_blanks(at, end);
			if (!eat(at, end, ':'))
				return false;
		}
		if (!naive_value(at, end, depth))
			return false;
	} while (eat(at, end, ','));
	return eat(at, end, closer);
}

static bool naive_value(const uint8_t **at, const uint8_t *end, int depth)
{
	bool good;

	naive_blanks(at, end);
	if (*at == end)
		return false;
	switch (**at) {
	case '{':
	case '[':
		++*at;
		good = naive_members(at, end, depth + 1, (*at)[-1] == '{');
		break;
	case '"':
		good = naive_string(at, end);
		break;
	case 't':
		good = naive_word(at, end, "true");
		break;
	case 'f':
		good = naive_word(at, end, "false");
		break;
	case 'n':
		good = naive_word(at, end, "null");
		break;
	default:
		good = naive_number(at, end);
		break;
	}
	naive_blanks(at, end);
	return good;
}

/* --- 3: nothing but grammar between the spans ------------------------------------------------ */

/* Blanks, with `sign` once among them; 0: not at all. */
static void check_gap(const char *at, const char *end, char sign)
{
	bool found = sign == 0;

	CHECK(at <= end);
	for (; at < end; at++) {
		if (*at == sign && !found)
			found = true;
		else
			CHECK(*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r');
	}
	CHECK(found);
}

static void check_kind(struct td_json value)
{
	static const char *const firsts[] = {
		[TD_JSON_NULL] = "n",
		[TD_JSON_FALSE] = "f",
		[TD_JSON_TRUE] = "t",
		[TD_JSON_NUMBER] = "-0123456789",
		[TD_JSON_STRING] = "\"",
		[TD_JSON_ARRAY] = "[",
		[TD_JSON_OBJECT] = "{",
	};

	CHECK(value.kind != TD_JSON_NONE && value.text.len > 0);
	CHECK(strchr(firsts[value.kind], value.text.at[0]) != NULL);
}

/* --- 5 -----------------------------------------------------------------------------------------
 */

static void check_string(struct td_json string)
{
	struct td_buf value = TD_BUF_INIT(SIZE_MAX / 2), quoted = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_json back;

	td_buf_add(&value, "", 0);
	td_json_unescape(string, &value);
	td_json_quote(&quoted, td_buf_view(&value));
	CHECK(td_json_parse(td_buf_view(&quoted), 0, &back, NULL) == 0);
	CHECK(td_json_string_is(back, td_buf_view(&value)));
	CHECK(td_json_string_is(string, td_buf_view(&value)));
	CHECK(!td_json_plain(string) || td_text_equal(td_json_inside(string), td_buf_view(&value)));
	td_buf_fini(&quoted);
	td_buf_fini(&value);
}

/* --- 3 to 5 for each value ------------------------------------------------------------------- */

struct walk {
	struct td_json root;
	struct td_buf pointer;
	unsigned left; /* of the inputs with very many values, the first will do */
};

/* Whether a name stands again behind in the same object. */
static bool hidden(struct td_json_iter iter, struct td_text name)
{
	struct td_json other;

	while (td_json_next(&iter, &other, NULL))
		if (td_json_string_is(other, name))
			return true;
	return false;
}

static void walk_value(struct walk *walk, struct td_json value, bool found);

static void walk_member(struct walk *walk, const struct td_json_iter *iter, struct td_json name,
	struct td_json value, size_t index, bool found)
{
	struct td_buf token = TD_BUF_INIT(SIZE_MAX / 2);
	size_t len = walk->pointer.len;

	if (name.kind == TD_JSON_NONE) {
		td_buf_add_u64(&token, index);
	} else {
		check_string(name);
		td_buf_add(&token, "", 0);
		td_json_unescape(name, &token);
		found = found && !hidden(*iter, td_buf_view(&token));
	}
	td_json_pointer_add(&walk->pointer, td_buf_view(&token));
	td_buf_fini(&token);
	walk_value(walk, value, found);
	walk->pointer.len = len;
}

static void walk_container(struct walk *walk, struct td_json container, bool found)
{
	struct td_json_iter iter = td_json_iterate(container);
	struct td_json name, value;
	const char *at = container.text.at + 1, *end = at + container.text.len - 2;
	size_t count = 0;

	while (td_json_next(&iter, &name, &value)) {
		if (name.kind != TD_JSON_NONE) {
			check_gap(at, name.text.at, count > 0 ? ',' : 0);
			check_gap(name.text.at + name.text.len, value.text.at, ':');
		} else {
			check_gap(at, value.text.at, count > 0 ? ',' : 0);
		}
		at = value.text.at + value.text.len;
		walk_member(walk, &iter, name, value, count, found);
		count++;
	}
	check_gap(at, end, 0);
	CHECK(*end == (container.kind == TD_JSON_OBJECT ? '}' : ']'));
	CHECK(td_json_count(container) == count);
}

/* found: no name on the way is hidden. */
static void walk_value(struct walk *walk, struct td_json value, bool found)
{
	struct td_text pointer = td_buf_view(&walk->pointer);

	if (walk->left-- == 0) {
		walk->left++;
		return;
	}
	check_kind(value);
	if (found) {
		struct td_json back;

		CHECK(td_json_pointer_check(pointer, NULL) == 0);
		back = td_json_pointer(walk->root, pointer);
		CHECK(back.kind == value.kind && back.text.at == value.text.at);
		CHECK(back.text.len == value.text.len);
	}
	if (value.kind == TD_JSON_STRING)
		check_string(value);
	else if (value.kind == TD_JSON_ARRAY || value.kind == TD_JSON_OBJECT)
		walk_container(walk, value, found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	struct td_text text = td_text_of(data, size);
	struct td_error err = TD_ERROR_INIT;
	struct td_json value;
	bool good = naive_value(&at, end, 0) && at == end;

	CHECK((td_json_parse(text, 0, &value, &err) == 0) == good);
	if (good) {
		struct walk walk = {value, TD_BUF_INIT(SIZE_MAX / 2), 1000};

		check_gap(text.at, value.text.at, 0);
		check_gap(value.text.at + value.text.len, text.at + text.len, 0);
		walk_value(&walk, value, true);
		td_buf_fini(&walk.pointer);
	} else {
		struct td_text before = td_text_of(data, err.offset);

		CHECK(err.code == TD_E_JSON && err.offset <= size);
		CHECK(td_json_parse(before, 0, &value, &err) == 0 || err.offset == before.len);
	}
	return 0;
}
