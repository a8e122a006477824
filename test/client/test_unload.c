#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <tidings/tidings.h>

/*
 * The shared library in a plugin's place: loaded late, closed while a thread that used it lives on.
 * The library leaves a destructor with each such thread.
 */

struct visit {
	void *library;
	sem_t used, closed;
	int code;
};

/* dlsym() answers data; the two are the same size wherever dlsym() is. */
static void (*symbol(void *library, const char *name))(void)
{
	union {
		void *data;
		void (*function)(void);
	} found = {dlsym(library, name)};

	assert_non_null(found.data);
	return found.function;
}

static void *visit(void *arg)
{
	struct visit *v = arg;
	int (*open)(struct td **, const char *, const struct td_options *, struct td_error *);
	int (*publish)(
		struct td *, const struct td_draft *, struct td_receipt *, struct td_error *);
	int (*close)(struct td *);
	struct td *td;

	open = (__typeof__(open))symbol(v->library, "td_open");
	publish = (__typeof__(publish))symbol(v->library, "td_publish");
	close = (__typeof__(close))symbol(v->library, "td_close");
	v->code = open(&td, "mem:", NULL, NULL);
	if (v->code == 0)
		v->code = publish(td, &(struct td_draft){.type = "T"}, NULL, NULL);
	if (v->code == 0)
		v->code = close(td);
	sem_post(&v->used);
	sem_wait(&v->closed);
	return NULL; /* here the destructor runs */
}

static void unloading_leaves_what_a_thread_still_needs(void **state)
{
	struct visit v = {.library = dlopen(getenv("TD_LIBRARY"), RTLD_NOW | RTLD_LOCAL)};
	pthread_t thread;

	(void)state;
	if (v.library == NULL)
		fail_msg("%s", dlerror());
	sem_init(&v.used, 0, 0);
	sem_init(&v.closed, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, visit, &v), 0);
	sem_wait(&v.used);
	assert_int_equal(v.code, 0);
	assert_int_equal(dlclose(v.library), 0);
	/* The program has no other reason to have it loaded, and yet: */
	assert_non_null(dlopen(getenv("TD_LIBRARY"), RTLD_NOW | RTLD_NOLOAD));
	sem_post(&v.closed);
	pthread_join(thread, NULL);
	sem_destroy(&v.used);
	sem_destroy(&v.closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unloading_leaves_what_a_thread_still_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
