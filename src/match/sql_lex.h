/*
 * Private to the room: the words of CESQL (cesql/spec.md 2.2, 2.3).
 */
#ifndef TD_MATCH_SQL_LEX_H
#define TD_MATCH_SQL_LEX_H

#include "base/base.h"

enum td_sql_kind {
	SQL_T_END,
	SQL_T_NAME,    /* letters and digits, not digits alone; or a function's, with underscores */
	SQL_T_INTEGER, /* digits, no sign */
	SQL_T_STRING,  /* with its quotes */
	SQL_T_OPEN,
	SQL_T_CLOSE,
	SQL_T_COMMA,
	SQL_T_STAR,
	SQL_T_SLASH,
	SQL_T_PERCENT,
	SQL_T_PLUS,
	SQL_T_MINUS,
	SQL_T_EQUAL,
	SQL_T_UNEQUAL,
	SQL_T_BELOW,
	SQL_T_AT_MOST,
	SQL_T_ABOVE,
	SQL_T_AT_LEAST,
	SQL_T_AND,
	SQL_T_OR,
	SQL_T_XOR,
	SQL_T_NOT,
	SQL_T_LIKE,
	SQL_T_EXISTS,
	SQL_T_IN,
	SQL_T_TRUE,
	SQL_T_FALSE,
};

struct td_sql_lexer {
	const char *start, *at, *end;
	enum td_sql_kind kind; /* the word in hand ... */
	struct td_text text;   /* ... and its bytes */
};

/* Start, with the first word in hand. TD_E_FILTER with the offset. */
int td_sql_lex_init(struct td_sql_lexer *lexer, struct td_text expression, struct td_error *err);
/* Take the next word in hand. */
int td_sql_lex_next(struct td_sql_lexer *lexer, struct td_error *err);
/* Whether an integer stands directly behind the word in hand (a sign). */
bool td_sql_lex_digits_follow(const struct td_sql_lexer *lexer);
/* TD_E_FILTER: "`expected` was expected, found " and the word in hand. */
int td_sql_lex_unexpected(
	const struct td_sql_lexer *lexer, struct td_error *err, const char *expected);

/* Equal but for the case of ASCII letters; `upper` is in upper case. */
bool td_sql_word_is(struct td_text text, const char *upper);

#endif
