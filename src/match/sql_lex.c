#include "match/sql_lex.h"

static const struct {
	const char *word;
	enum td_sql_kind kind;
} keywords[] = {
	{"AND", SQL_T_AND},
	{"OR", SQL_T_OR},
	{"XOR", SQL_T_XOR},
	{"NOT", SQL_T_NOT},
	{"LIKE", SQL_T_LIKE},
	{"EXISTS", SQL_T_EXISTS},
	{"IN", SQL_T_IN},
	{"TRUE", SQL_T_TRUE},
	{"FALSE", SQL_T_FALSE},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool td_sql_word_is(struct td_text text, const char *upper)
{
	size_t i;

	for (i = 0; i < text.len && upper[i] != '\0'; i++) {
		char c = text.at[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != upper[i])
			return false;
	}
	return i == text.len && upper[i] == '\0';
}

static int take(struct td_sql_lexer *lexer, enum td_sql_kind kind, const char *end)
{
	lexer->kind = kind;
	lexer->text = td_text_of(lexer->at, (size_t)(end - lexer->at));
	lexer->at = end;
	return 0;
}

static int take_word(struct td_sql_lexer *lexer)
{
	const char *end = lexer->at;
	bool digits = true;

	for (; end < lexer->end && is_word(*end); end++)
		digits = digits && is_digit(*end);
	take(lexer, digits ? SQL_T_INTEGER : SQL_T_NAME, end);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (td_sql_word_is(lexer->text, keywords[i].word))
			lexer->kind = keywords[i].kind;
	}
	return 0;
}

/* A backslash takes the next character with it, so an escaped quote does not end the string. */
static int take_string(struct td_sql_lexer *lexer, struct td_error *err)
{
	char quote = *lexer->at;

	for (const char *p = lexer->at + 1; p < lexer->end; p++) {
		if (*p == quote)
			return take(lexer, SQL_T_STRING, p + 1);
		if (*p == '\\')
			p++;
	}
	return td_error_set(err, TD_E_FILTER, (size_t)(lexer->at - lexer->start),
		"the string that begins here has no closing %c", quote);
}

static int take_sign(struct td_sql_lexer *lexer, struct td_error *err)
{
	const char *p = lexer->at;
	char second = p + 1 < lexer->end ? p[1] : '\0';
	const char *character = p;

	switch (*p) {
	case '(':
		return take(lexer, SQL_T_OPEN, p + 1);
	case ')':
		return take(lexer, SQL_T_CLOSE, p + 1);
	case ',':
		return take(lexer, SQL_T_COMMA, p + 1);
	case '*':
		return take(lexer, SQL_T_STAR, p + 1);
	case '/':
		return take(lexer, SQL_T_SLASH, p + 1);
	case '%':
		return take(lexer, SQL_T_PERCENT, p + 1);
	case '+':
		return take(lexer, SQL_T_PLUS, p + 1);
	case '-':
		return take(lexer, SQL_T_MINUS, p + 1);
	case '=':
		return take(lexer, SQL_T_EQUAL, p + 1);
	case '!':
		if (second == '=')
			return take(lexer, SQL_T_UNEQUAL, p + 2);
		break;
	case '<':
		if (second == '>')
			return take(lexer, SQL_T_UNEQUAL, p + 2);
		if (second == '=')
			return take(lexer, SQL_T_AT_MOST, p + 2);
		return take(lexer, SQL_T_BELOW, p + 1);
	case '>':
		if (second == '=')
			return take(lexer, SQL_T_AT_LEAST, p + 2);
		return take(lexer, SQL_T_ABOVE, p + 1);
	default:
		break;
	}
	td_utf8_next(&character, lexer->end);
	if ((unsigned char)*p < 0x20 || *p == 0x7F)
		return td_error_set(err, TD_E_FILTER, (size_t)(p - lexer->start),
			"the byte 0x%02X has no meaning here", (unsigned)(unsigned char)*p);
	return td_error_set(err, TD_E_FILTER, (size_t)(p - lexer->start),
		"the character '%.*s' has no meaning here", (int)(character - p), p);
}

int td_sql_lex_next(struct td_sql_lexer *lexer, struct td_error *err)
{
	while (lexer->at < lexer->end && (*lexer->at == ' ' || *lexer->at == '\t' ||
						 *lexer->at == '\r' || *lexer->at == '\n'))
		lexer->at++;
	if (lexer->at == lexer->end)
		return take(lexer, SQL_T_END, lexer->end);
	if (*lexer->at == '\'' || *lexer->at == '"')
		return take_string(lexer, err);
	if (is_word(*lexer->at))
		return take_word(lexer);
	return take_sign(lexer, err);
}

int td_sql_lex_init(struct td_sql_lexer *lexer, struct td_text expression, struct td_error *err)
{
	size_t valid = td_utf8_valid(expression.at, expression.len);

	if (valid != expression.len)
		return td_error_set(err, TD_E_FILTER, valid, "the text is not valid UTF-8 here");
	lexer->start = lexer->at = expression.at;
	lexer->end = expression.at + expression.len;
	return td_sql_lex_next(lexer, err);
}

bool td_sql_lex_digits_follow(const struct td_sql_lexer *lexer)
{
	const char *p = lexer->at;

	while (p < lexer->end && is_digit(*p))
		p++;
	return p > lexer->at && (p == lexer->end || !is_word(*p));
}

int td_sql_lex_unexpected(
	const struct td_sql_lexer *lexer, struct td_error *err, const char *expected)
{
	size_t offset = (size_t)(lexer->text.at - lexer->start);
	struct td_text shown = lexer->text;

	if (lexer->kind == SQL_T_END)
		return td_error_set(
			err, TD_E_FILTER, offset, "%s was expected, found the end", expected);
	/* Two strings side by side: most likely the quote was doubled, as other SQL has it. */
	if (lexer->kind == SQL_T_STRING && shown.at > lexer->start && shown.at[-1] == shown.at[0])
		return td_error_set(err, TD_E_FILTER, offset,
			"%s was expected, found a string (a quote within a string is written \\%c)",
			expected, shown.at[0]);
	if (lexer->kind == SQL_T_STRING)
		return td_error_set(
			err, TD_E_FILTER, offset, "%s was expected, found a string", expected);
	if (shown.len > 40)
		shown.len = 40; /* of a word, so this cuts no character */
	return td_error_set(err, TD_E_FILTER, offset, "%s was expected, found '%.*s'", expected,
		TD_TEXT_ARG(shown));
}
