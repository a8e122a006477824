/*
 * Memory that runs out on command: every allocation of the program under test is counted, the n-th
 * can be made to fail, and what was not freed is known.
 *
 *	static int publish_once(void *arg)      { ... return code; }
 *
 *	alloc_torture(publish_once, NULL);      the scenario with its 1st, 2nd, 3rd ... allocation
 *	                                        failing, until it passes without one failing
 *
 * A program that uses this stands in `alloc_tests` (test/meson.build) and is linked with --wrap, so
 * calls from the test, the library's static objects and inlined code are all seen; calls made
 * inside libc or another shared library are not, except through the few names wrapped (alloc.c). Any
 * thread.
 */
#ifndef TD_TEST_ALLOC_H
#define TD_TEST_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Count from here; the n-th allocation from now fails, and with `ever_after` all behind it; 0:
 * none. */
void alloc_fail_at(size_t n, bool ever_after);
/* How many were asked for since. */
size_t alloc_count(void);
/* Whether one was made to fail since. */
bool alloc_failed(void);
/* Blocks that are allocated now and not freed. */
size_t alloc_live(void);

/*
 * Run `scenario` until nothing fails in it any more: first as it is (that must answer 0, and may
 * leave behind what a process keeps), then with each single allocation failing, then with each and
 * all behind it. With a failure it must answer TD_E_NOMEM, or 0 where it did without; and always
 * leave as many blocks behind as it found. Returns how many allocations the scenario makes.
 * Asserts with cmocka, naming the allocation.
 */
size_t alloc_torture(int (*scenario)(void *arg), void *arg);

#endif
