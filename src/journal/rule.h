/*
 * Why a segment was rewritten; kept in its footer for who verifies.
 */
#ifndef TD_JOURNAL_RULE_H
#define TD_JOURNAL_RULE_H

enum td_rewrite_rule {
	TD_REWRITE_SPACE = 1, /* most of it had been removed */
	TD_REWRITE_ERASE = 2, /* what was removed is to be gone from the disk */
};

#endif
