/*
 * A wrong input gets an answer; a wrong program gets a crash. On in releases too.
 */
#ifndef TD_BASE_ASSERT_H
#define TD_BASE_ASSERT_H

#define TD_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TD_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define TD_ASSERT(condition)                                                        \
	do {                                                                        \
		if (TD_UNLIKELY(!(condition)))                                      \
			td_assert_failed(__FILE__, __LINE__, __func__, #condition); \
	} while (0)

#define TD_UNREACHABLE() td_assert_failed(__FILE__, __LINE__, __func__, "unreachable")

/* Says what and where on standard error, and aborts. */
_Noreturn __attribute__((cold)) void td_assert_failed(
	const char *file, int line, const char *function, const char *condition);

#endif
