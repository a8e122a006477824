#include "json/json.h"

#include "json/scan.h"

/* Nesting is a stack of closing brackets here, never the machine's stack. */
struct parser {
	const char *start, *end;
	unsigned depth, depth_max;
	const char *fault;    /* where it went wrong */
	const char *expected; /* what was expected there; NULL: less nesting */
	char closers[TD_JSON_DEPTH_MAX];
};

__attribute__((cold)) static const char *fail(
	struct parser *parser, const char *at, const char *expected)
{
	parser->fault = at;
	parser->expected = expected;
	return NULL;
}

/* `at` is the backslash; behind the escape, or NULL. */
static const char *check_escape(struct parser *parser, const char *at)
{
	static const char what[] = "one of \" \\ / b f n r t u";

	if (++at == parser->end)
		return fail(parser, at, what);
	switch (*at) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return at + 1;
	case 'u':
		at++;
		for (int i = 0; i < 4; i++, at++)
			if (at == parser->end || td_hex_value(*at) < 0)
				return fail(parser, at, "a hexadecimal digit");
		return at;
	default:
		return fail(parser, at, what);
	}
}

/* The bytes of a string up to `at` are scanned: is what stands there UTF-8? */
static bool check_utf8(struct parser *parser, const char *start, const char *at)
{
	size_t len = (size_t)(at - start);
	size_t valid = td_utf8_valid(start, len);

	if (TD_LIKELY(valid == len))
		return true;
	fail(parser, start + valid, "valid UTF-8");
	return false;
}

/* `at` stands behind the opening quote; behind the closing one, or NULL. */
static const char *check_string(struct parser *parser, const char *at)
{
	const char *start = at, *next = at;
	bool high = false;

	do {
		at = scan_text(next, parser->end, &high);
		if (at == parser->end)
			next = fail(parser, at, "a '\"'");
		else if (*at == '"')
			next = at + 1;
		else if (*at == '\\')
			next = check_escape(parser, at);
		else
			next = fail(parser, at, "no bare control character");
	} while (next != NULL && *at != '"');
	/* Last, so that of two faults in a string the first is told. */
	if (high && !check_utf8(parser, start, at))
		return NULL;
	return next;
}

/* One digit at least; behind the last one, or NULL. */
static const char *check_digits(struct parser *parser, const char *at)
{
	if (at == parser->end || !scan_is_digit(*at))
		return fail(parser, at, "a digit");
	return scan_digits(at + 1, parser->end);
}

static const char *check_number(struct parser *parser, const char *at)
{
	const char *end = parser->end, *first;

	if (*at == '-')
		at++;
	first = at;
	at = check_digits(parser, at);
	if (at == NULL)
		return NULL;
	if (*first == '0' && at - first > 1)
		return fail(parser, first, "a number without leading zero");
	if (at < end && *at == '.') {
		at = check_digits(parser, at + 1);
		if (at == NULL)
			return NULL;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		at = check_digits(parser, at);
	}
	return at;
}

static const char *check_literal(
	struct parser *parser, const char *at, const char *literal, size_t len)
{
	if ((size_t)(parser->end - at) < len || memcmp(at, literal, len) != 0)
		return fail(parser, at, "a value");
	return at + len;
}

static const char *check_scalar(struct parser *parser, const char *at)
{
	switch (*at) {
	case '"':
		return check_string(parser, at + 1);
	case 't':
		return check_literal(parser, at, "true", 4);
	case 'f':
		return check_literal(parser, at, "false", 5);
	case 'n':
		return check_literal(parser, at, "null", 4);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return check_number(parser, at);
	default:
		return fail(parser, at, "a value");
	}
}

/* A member's name and its colon. */
static const char *check_name(struct parser *parser, const char *at)
{
	at = scan_blanks(at, parser->end);
	if (at == parser->end || *at != '"')
		return fail(parser, at, "a name in quotes");
	at = check_string(parser, at + 1);
	if (at == NULL)
		return NULL;
	at = scan_blanks(at, parser->end);
	if (at == parser->end || *at != ':')
		return fail(parser, at, "a ':'");
	return at + 1;
}

/*
 * Into the container at `at`. If it is empty, stops at its closing bracket (*empty), otherwise
 * where its first value is due.
 */
static const char *check_open(struct parser *parser, const char *at, bool *empty)
{
	char closer = *at == '{' ? '}' : ']';

	if (parser->depth == parser->depth_max)
		return fail(parser, at, NULL);
	parser->closers[parser->depth++] = closer;
	at = scan_blanks(at + 1, parser->end);
	*empty = at < parser->end && *at == closer;
	if (*empty || closer == ']')
		return at;
	return check_name(parser, at);
}

/* Behind a value: close what ends here, and go on to where the next value is due, if one is. */
static const char *check_close(struct parser *parser, const char *at)
{
	while (parser->depth > 0) {
		char closer = parser->closers[parser->depth - 1];

		at = scan_blanks(at, parser->end);
		if (at < parser->end && *at == ',')
			return closer == '}' ? check_name(parser, at + 1) : at + 1;
		if (at == parser->end || *at != closer)
			return fail(parser, at, closer == '}' ? "a ',' or '}'" : "a ',' or ']'");
		at++;
		parser->depth--;
	}
	return at;
}

/* Behind the value that starts at `at`, or NULL. */
static const char *check_value(struct parser *parser, const char *at)
{
	do {
		bool empty = true;

		at = scan_blanks(at, parser->end);
		if (at == parser->end)
			return fail(parser, at, "a value");
		if (*at == '{' || *at == '[')
			at = check_open(parser, at, &empty);
		else
			at = check_scalar(parser, at);
		if (at != NULL && empty)
			at = check_close(parser, at);
	} while (at != NULL && parser->depth > 0);
	return at;
}

/* The place as people count it: lines and characters, from 1. */
__attribute__((cold)) static int report(const struct parser *parser, struct td_error *err)
{
	size_t line = 1, column = 1;

	for (const char *at = parser->start; at < parser->fault; at++) {
		if (*at == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*at & 0xC0) != 0x80) {
			column++;
		}
	}
	size_t offset = (size_t)(parser->fault - parser->start);
	if (parser->expected == NULL)
		return td_error_set(err, TD_E_JSON, offset,
			"line %zu, column %zu: nesting is deeper than %u", line, column,
			parser->depth_max);
	return td_error_set(err, TD_E_JSON, offset, "line %zu, column %zu: %s%s was expected", line,
		column, parser->fault == parser->end ? "unexpected end of text, " : "",
		parser->expected);
}

int td_json_parse(
	struct td_text text, unsigned depth_max, struct td_json *value, struct td_error *err)
{
	struct parser parser;
	const char *first, *behind;

	if (text.at == NULL)
		text = td_text("");
	if (depth_max == 0 || depth_max > TD_JSON_DEPTH_MAX)
		depth_max = TD_JSON_DEPTH_MAX;
	parser.start = text.at;
	parser.end = text.at + text.len;
	parser.fault = text.at;
	parser.expected = "a value";
	parser.depth = 0;
	parser.depth_max = depth_max;
	first = scan_blanks(text.at, parser.end);
	behind = check_value(&parser, first);
	if (behind != NULL && scan_blanks(behind, parser.end) != parser.end)
		behind = fail(&parser, scan_blanks(behind, parser.end), "the end of the text");
	if (behind == NULL)
		return report(&parser, err);
	*value = td_json_trusted(td_text_of(first, (size_t)(behind - first)));
	return 0;
}
