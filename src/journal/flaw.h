/*
 * Why bytes are not what they should be: the answer of everything here that reads.
 *
 * The order is that of the checks, so a later flaw says that all before it were right.
 */
#ifndef TD_JOURNAL_FLAW_H
#define TD_JOURNAL_FLAW_H

/* clang-format off */
#define TD_FLAW_TABLE(X) \
	X(NONE,     "valid") \
	X(SHORT,    "the bytes end before it does") \
	X(MAGIC,    "it does not begin as one") \
	X(CHECKSUM, "the checksum of the header is wrong") \
	X(PLACE,    "it was written for another place") \
	X(FEATURE,  "it was written by a newer version") \
	X(BOUNDS,   "a length or an offset is out of bounds") \
	X(FIELD,    "a field has a value that it cannot have") \
	X(BODY,     "the checksum of the body is wrong") \
	X(RECORD,   "a record is malformed, or its checksum is wrong")
/* clang-format on */

enum td_flaw {
#define TD_FLAW_NAME(name, meaning) TD_FLAW_##name,
	TD_FLAW_TABLE(TD_FLAW_NAME)
#undef TD_FLAW_NAME
};

/* For people. */
const char *td_flaw_text(enum td_flaw flaw);

#endif
