/*
 * Bugs planted on purpose, each of which a test or a world of sim/ has to find; in other builds
 * nothing. The README of a room lists those of the room; numbers: below 100 src/delivery, from 101
 * on src/journal, from 201 on src/store, from 301 on src/bus, from 401 on src/server.
 */
#ifndef TD_BUG_H
#define TD_BUG_H

#ifdef TD_BUGS
extern int td_bug; /* the one that is planted; 0: none */
#define TD_BUG(n) (td_bug == (n))
#else
#define TD_BUG(n) 0
#endif

#endif
