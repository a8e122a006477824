#include "sys/sys.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LARGE ((size_t)2 << 20) /* a page, where there are such; else it is only alignment */

void *td_memory_new(size_t bytes)
{
	void *memory;

	if (bytes < LARGE)
		return malloc(bytes);
	bytes = (bytes + LARGE - 1) & ~(LARGE - 1);
	memory = aligned_alloc(LARGE, bytes);
#if defined(MADV_HUGEPAGE)
	if (memory != NULL)
		(void)madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: it may well be refused */
#endif
	return memory;
}
