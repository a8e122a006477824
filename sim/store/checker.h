/*
 * The checker of stores: the promises of DESIGN.md section 4, judged from a history alone. It takes
 * time n log n, so a history may be long.
 *
 * A attempted, K acknowledged, F surely failed, U unknown; D seen by anybody; L the final pass.
 * What was removed (surely, or perhaps: a removal that was asked for) may be missing from L and
 * from passes that ended after it was asked for. So may what a limit of its log takes by then (limits);
 * what was gone for one pass is gone for all that begin later. The same holds of payloads that were
 * forgotten. What was told is judged where it was read to its end.
 *
 * An event that moves with its log stands in one of two places at any moment: who read from before the
 * first to the end saw it in at least one of them, and who was shown the second is never shown the
 * first again. A copy of a store is a pass that saw one moment.
 */
#ifndef SIM_STORE_CHECKER_H
#define SIM_STORE_CHECKER_H

#include "history.h"

/* clang-format off */
#define SIM_STORE_RULES(X) \
	X(LOST,      "acknowledged, and not there at the end") \
	X(PHANTOM,   "seen, and nobody wrote it, or it had surely failed") \
	X(UNREAD,    "seen, and not there at the end") \
	X(POSITION,  "two events at one position, or one event at two") \
	X(SEQ,       "the numbers in a log do not go up with its positions, or have a gap") \
	X(REVISION,  "the revisions of a subject do not go up with its positions, or have a gap") \
	X(ORDER,     "asked for after another was answered, and it stands before it") \
	X(BACKWARD,  "a pass saw positions that do not go up") \
	X(STALE,     "acknowledged before a pass began, and the pass did not see it") \
	X(CONTENT,   "other content than was written") \
	X(ANSWER,    "it stands elsewhere than the answer said") \
	X(TWICE,     "one key, two events") \
	X(DUPLICATE, "called a duplicate, and no first one stands where the answer says") \
	X(EXPECTED,  "appended, though the subject was not as expected") \
	X(CONFLICT,  "refused for its revision, which it could not have had") \
	X(TORN,      "some of an append is there and some is not, or not together") \
	X(MOVED,     "it moved with its log, and has another revision or time") \
	X(WINDOW,    "refused for a key that came before, and nobody can have it any more") \
	X(UNDEAD,    "surely removed, or shown to be gone, before a pass began, and seen in it") \
	X(HIDDEN,    "seen without its payload, and its subject had not been forgotten") \
	X(REVEALED,  "its payload was seen, and had been forgotten") \
	X(UNTOLD,    "erased, and nobody was told") \
	X(MISTOLD,   "told to be erased, and it was not to be")
/* clang-format on */

enum sim_store_rule {
	SIM_STORE_RULE_NONE,
#define SIM_STORE_RULE_ENUM(name, meaning) SIM_STORE_RULE_##name,
	SIM_STORE_RULES(SIM_STORE_RULE_ENUM)
#undef SIM_STORE_RULE_ENUM
		SIM_STORE_RULES_COUNT,
};

struct sim_store_violation {
	enum sim_store_rule rule;
	char text[200];
};

/* Judge a history; *violation is the first found. true: all promises were kept. */
bool sim_store_check(
	const struct sim_store_history *history, struct sim_store_violation *violation);
const char *sim_store_rule_name(enum sim_store_rule rule);
const char *sim_store_rule_meaning(enum sim_store_rule rule);

#endif
