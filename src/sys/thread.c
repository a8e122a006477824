#include "sys/sys.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES 16 /* what the kernel keeps, with NUL */

/* --- locks -------------------------------------------------------------------------------- */

int td_mutex_init(struct td_mutex *mutex, struct td_error *err)
{
	int code = pthread_mutex_init(&mutex->raw, NULL);

	return code == 0 ? 0 : td_error_system(err, code, "mutex");
}

void td_mutex_fini(struct td_mutex *mutex)
{
	int code = pthread_mutex_destroy(&mutex->raw);

	TD_ASSERT(code == 0);
}

void td_mutex_lock(struct td_mutex *mutex)
{
	int code = pthread_mutex_lock(&mutex->raw);

	TD_ASSERT(code == 0);
}

void td_mutex_unlock(struct td_mutex *mutex)
{
	int code = pthread_mutex_unlock(&mutex->raw);

	TD_ASSERT(code == 0);
}

/* --- conditions --------------------------------------------------------------------------- */

int td_condition_init(struct td_condition *condition, struct td_error *err)
{
	pthread_condattr_t attributes;
	int code = pthread_condattr_init(&attributes);

	if (code == 0) {
		code = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
		if (code == 0)
			code = pthread_cond_init(&condition->raw, &attributes);
		pthread_condattr_destroy(&attributes);
	}
	return code == 0 ? 0 : td_error_system(err, code, "condition");
}

void td_condition_fini(struct td_condition *condition)
{
	int code = pthread_cond_destroy(&condition->raw);

	TD_ASSERT(code == 0);
}

void td_condition_signal(struct td_condition *condition)
{
	int code = pthread_cond_signal(&condition->raw);

	TD_ASSERT(code == 0);
}

void td_condition_broadcast(struct td_condition *condition)
{
	int code = pthread_cond_broadcast(&condition->raw);

	TD_ASSERT(code == 0);
}

bool td_condition_wait(struct td_condition *condition, struct td_mutex *mutex, int64_t deadline)
{
	int code;

	if (deadline == INT64_MAX) {
		code = pthread_cond_wait(&condition->raw, &mutex->raw);
	} else {
		int64_t until = deadline > 0 ? deadline : 0;
		struct timespec at = {until / 1000000000, until % 1000000000};
		code = pthread_cond_timedwait(&condition->raw, &mutex->raw, &at);
	}
	TD_ASSERT(code == 0 || code == ETIMEDOUT);
	return code == 0;
}

/* --- threads ------------------------------------------------------------------------------ */

/* What a new thread is told; its own. */
struct start {
	void (*run)(void *arg);
	void *arg;
	char name[NAME_BYTES];
};

static void *run_start(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	pthread_setname_np(pthread_self(), start.name); /* for debuggers; may fail */
	start.run(start.arg);
	return NULL;
}

/* pthread_create() with all signals blocked that can be meant for another thread. */
static int create_without_signals(pthread_t *thread, struct start *start)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	sigset_t blocked, before;
	int code;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&blocked, own[i]);
	code = pthread_sigmask(SIG_SETMASK, &blocked, &before);
	TD_ASSERT(code == 0);
	code = pthread_create(thread, NULL, run_start, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

int td_thread_start(struct td_thread *thread, const char *name, void (*run)(void *arg), void *arg,
	struct td_error *err)
{
	struct start *start = malloc(sizeof(*start));
	int code;

	if (start == NULL)
		return td_error_nomem(err);
	*start = (struct start){.run = run, .arg = arg};
	memcpy(start->name, name, strnlen(name, NAME_BYTES - 1));
	code = create_without_signals(&thread->raw, start);
	if (code != 0) {
		free(start);
		return td_error_system(err, code, "thread %s", name);
	}
	return 0;
}

void td_thread_join(struct td_thread *thread)
{
	int code = pthread_join(thread->raw, NULL);

	TD_ASSERT(code == 0);
}

void td_thread_yield(void)
{
	sched_yield();
}
