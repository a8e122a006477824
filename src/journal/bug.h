/*
 * Bugs planted on purpose, for a build of the tests and worlds that must find each of them
 * (README.md lists them); else nothing.
 */
#ifndef TD_JOURNAL_BUG_H
#define TD_JOURNAL_BUG_H

#ifdef TD_BUGS
extern int td_bug;
#define TD_BUG(n) (td_bug == (n))
#else
#define TD_BUG(n) 0
#endif

#endif
