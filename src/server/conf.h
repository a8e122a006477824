/*
 * conf: the lines of a file that a person writes for the server: settings, users.
 *
 *	# a comment is a line of its own; "; too"
 *	key = value             to the end of the line, blanks around taken off; may be empty
 *	[kind name]             what follows belongs to it; the name may be left away
 *
 * A key, and a kind, is letters, digits, "-" and "_". There are no quotes, no escapes and no lines
 * that go on in the next one: what stands there is what is meant. Refused: control bytes but the
 * tab, what is not UTF-8, lines over 8 KiB, files over 1 MiB. A byte order mark is passed over.
 */
#ifndef TD_SERVER_CONF_H
#define TD_SERVER_CONF_H

#include "base/base.h"

#define TD_CONF_BYTES_MAX      (1024u * 1024u)
#define TD_CONF_LINE_BYTES_MAX 8192u

enum td_conf_kind {
	TD_CONF_END,
	TD_CONF_SECTION,
	TD_CONF_PAIR,
};

/* Views into the text. */
struct td_conf_line {
	enum td_conf_kind kind;
	size_t number;        /* of the line, from 1 */
	struct td_text name;  /* the key; of a section its kind */
	struct td_text value; /* of a section what stands behind the kind; never absent */
	size_t at;            /* offset of the line in the text, and of what follows it */
	size_t next;
};

struct td_conf {
	struct td_text text;
	size_t at, number;
};

void td_conf_init(struct td_conf *conf, struct td_text text);
/*
 * The next line that says something; TD_CONF_END behind the last. TD_E_INVALID, TD_E_TOO_LARGE:
 * "line 3: expected `key = value`, `[section]` or `# comment`"; what is read further is no use.
 */
int td_conf_next(struct td_conf *conf, struct td_conf_line *line, struct td_error *err);
/* The next word of a value, between blanks and commas; *rest begins as the value. false: no more. */
bool td_conf_word(struct td_text *rest, struct td_text *word);

#endif
