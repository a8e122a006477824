#include "alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tidings/error.h"

/* More than any scenario should need; beyond it the loop has no end. */
#define SCENARIO_ALLOCATIONS_MAX 100000

static _Atomic size_t count;
static _Atomic size_t fail_at;
static _Atomic bool fail_ever_after;
static _Atomic bool failed;
static _Atomic size_t live;

void alloc_fail_at(size_t n, bool ever_after)
{
	fail_at = 0;
	count = 0;
	failed = false;
	fail_ever_after = ever_after;
	fail_at = n;
}

size_t alloc_count(void)
{
	return count;
}

bool alloc_failed(void)
{
	return failed;
}

size_t alloc_live(void)
{
	return live;
}

static bool refuse(void)
{
	size_t n = atomic_fetch_add(&count, 1) + 1;
	size_t at = fail_at;

	if (at == 0 || n < at || (n > at && !fail_ever_after))
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

static void *counted(void *block)
{
	if (block != NULL)
		atomic_fetch_add(&live, 1);
	return block;
}

/* --- what the linker puts in place of the real names (--wrap) ------------------------------ */

void *__real_malloc(size_t size);
void *__real_calloc(size_t items, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t items, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t len);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
	return refuse() ? NULL : counted(__real_calloc(items, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	if (refuse())
		return NULL;
	void *moved = __real_realloc(block, size);
	return block == NULL ? counted(moved) : moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return refuse() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
	if (refuse())
		return ENOMEM;
	int code = __real_posix_memalign(block, alignment, size);
	if (code == 0)
		counted(*block);
	return code;
}

char *__wrap_strndup(const char *string, size_t len)
{
	size_t used = strnlen(string, len);
	char *copy = __wrap_malloc(used + 1);

	if (copy != NULL) {
		memcpy(copy, string, used);
		copy[used] = '\0';
	}
	return copy;
}

char *__wrap_strdup(const char *string)
{
	return __wrap_strndup(string, SIZE_MAX);
}

void __wrap_free(void *block)
{
	if (block != NULL)
		atomic_fetch_sub(&live, 1);
	__real_free(block);
}

/* --- the loop ------------------------------------------------------------------------------ */

/* One run with the n-th allocation failing; whether it did fail. */
static bool run_failing(int (*scenario)(void *arg), void *arg, size_t n, bool ever_after)
{
	const char *how = ever_after ? " and all behind it" : "";
	size_t before = alloc_live();

	alloc_fail_at(n, ever_after);
	int code = scenario(arg);
	bool hit = alloc_failed();
	alloc_fail_at(0, false);
	if (code != 0 && !(hit && code == TD_E_NOMEM))
		fail_msg("allocation %zu failing%s: the scenario answers %d", n, how, code);
	if (alloc_live() != before)
		fail_msg("allocation %zu failing%s: %zu blocks before, %zu after", n, how, before,
			alloc_live());
	return hit;
}

size_t alloc_torture(int (*scenario)(void *arg), void *arg)
{
	size_t n = 0;

	alloc_fail_at(0, false);
	int code = scenario(arg);
	if (code != 0)
		fail_msg("without any failure the scenario answers %d", code);
	do {
		if (++n > SCENARIO_ALLOCATIONS_MAX)
			fail_msg("more than %d allocations", SCENARIO_ALLOCATIONS_MAX);
	} while (run_failing(scenario, arg, n, false));
	for (size_t i = 1; i < n; i++)
		run_failing(scenario, arg, i, true);
	return n - 1;
}
