/*
 * Who reads, and when they have left (sys.h says what for).
 *
 *  R1  A thread's reader stands in the registry from its registration until the thread ends; it
 *      lies in thread-local memory, so it must leave the registry first. Marks name readers by id,
 *      never by address.
 *  R2  Taking a mark reads `inside` first, `sections` second; leaving writes them in that order.
 *      Let the reader be in section k at the fence. If `inside` shows section k, then `sections`
 *      shows k, and stays so until it has left; or it shows more, and section k is over already,
 *      which makes the mark wait longer than need be, not shorter. If `inside` shows anything
 *      else, section k is over, and what came after it began after the fence.
 *  R3  A reader has passed when it is outside, or has left since (`sections` moved), or has ended.
 *      Both stores of leaving are releases, both loads here acquires: all its reads come before.
 */
#include "sys/sys.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A destructor of another key may make an ending thread a reader again: once, no more, because the
 * C library does not run our destructor for ever. */
#define ENDED_MAX 2

struct noted {
	uint64_t id, sections;
};

struct td_readers_mark {
	size_t count;
	struct noted readers[];
};

const char td_reader_nobody = 'n';
bool td_readers_fenced;
_Thread_local struct td_reader td_reader_mine = {.inside = &td_reader_nobody};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct td_reader *registry; /* under the lock, like the two below */
static size_t registry_count;
static uint64_t last_id;
static pthread_key_t key; /* its destructor tells us that a thread ends */
static int key_code;

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

/* A full fence between all that is before and behind, in all threads that run. */
void td_reader_full_fence(void)
{
#ifdef __SANITIZE_THREAD__
	/* The thread sanitizer knows no fences; an exchange does the same on the processor. */
	static _Atomic int dummy;
	atomic_exchange_explicit(&dummy, 1, memory_order_seq_cst);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* --- the registry ------------------------------------------------------------------------- */

static void lock_registry(void)
{
	int code = pthread_mutex_lock(&lock);

	TD_ASSERT(code == 0);
}

static void unlock_registry(void)
{
	int code = pthread_mutex_unlock(&lock);

	TD_ASSERT(code == 0);
}

static void unlink_reader(const struct td_reader *reader)
{
	struct td_reader **at = &registry;

	while (*at != reader)
		at = &(*at)->next;
	*at = reader->next;
	registry_count--;
}

static void thread_ends(void *arg)
{
	struct td_reader *reader = arg;

	lock_registry();
	unlink_reader(reader);
	unlock_registry();
	reader->id = 0;
	reader->ended++;
	atomic_store_explicit(&reader->inside, &td_reader_nobody, memory_order_relaxed);
}

/* Only the thread that forked lives on in the child. */
static void forked(void)
{
	struct td_reader *mine = &td_reader_mine;

	registry = mine->id != 0 ? mine : NULL;
	registry_count = mine->id != 0;
	mine->next = NULL;
	unlock_registry();
}

static void begin(void)
{
	key_code = pthread_key_create(&key, thread_ends);
	pthread_atfork(lock_registry, unlock_registry, forked);
	if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0)
		td_readers_fenced = true;
}

bool td_reader_join(void)
{
	struct td_reader *mine = &td_reader_mine;

	pthread_once(&once, begin);
	if (key_code != 0 || mine->ended >= ENDED_MAX || pthread_setspecific(key, mine) != 0)
		return false;
	lock_registry();
	mine->id = ++last_id;
	mine->next = registry;
	registry = mine;
	registry_count++;
	atomic_store_explicit(&mine->inside, NULL, memory_order_relaxed);
	unlock_registry();
	return true;
}

/* --- marks -------------------------------------------------------------------------------- */

static void fence_all_threads(void)
{
	pthread_once(&once, begin);
	td_reader_full_fence();
	if (!td_readers_fenced) {
		int code = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		TD_ASSERT(code == 0);
	}
}

struct td_readers_mark *td_readers_fence(void)
{
	struct td_readers_mark *mark;

	fence_all_threads();
	lock_registry();
	mark = malloc(sizeof(*mark) + registry_count * sizeof(mark->readers[0]));
	if (mark != NULL) {
		mark->count = 0;
		for (const struct td_reader *r = registry; r != NULL; r = r->next) {
			if (atomic_load_explicit(&r->inside, memory_order_acquire) == NULL)
				continue;
			mark->readers[mark->count++] = (struct noted){r->id,
				atomic_load_explicit(&r->sections, memory_order_acquire)}; /* R2 */
		}
	}
	unlock_registry();
	return mark;
}

bool td_readers_none(void)
{
	bool none = true;

	fence_all_threads();
	lock_registry();
	for (const struct td_reader *r = registry; r != NULL && none; r = r->next)
		none = atomic_load_explicit(&r->inside, memory_order_acquire) == NULL;
	unlock_registry();
	return none;
}

/* Whether the reader, if it is still there, has left since it was noted; R3. */
static bool has_passed(const struct noted *noted)
{
	const struct td_reader *r = registry;

	while (r != NULL && r->id != noted->id)
		r = r->next;
	return r == NULL || atomic_load_explicit(&r->inside, memory_order_acquire) == NULL ||
	       atomic_load_explicit(&r->sections, memory_order_acquire) != noted->sections;
}

bool td_readers_passed(const struct td_readers_mark *mark)
{
	bool passed = true;

	if (mark->count == 0)
		return true;
	lock_registry();
	for (size_t i = 0; i < mark->count && passed; i++)
		passed = has_passed(&mark->readers[i]);
	unlock_registry();
	return passed;
}

void td_readers_mark_free(struct td_readers_mark *mark)
{
	free(mark);
}
