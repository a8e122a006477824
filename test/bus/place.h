/*
 * What the tests of a place share: a handle, handlers that write down what they saw, and a few
 * words. Only the public API: the same files will run on every place.
 */
#ifndef TEST_BUS_PLACE_H
#define TEST_BUS_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tidings/tidings.h>
#include <unistd.h>

#include "../serve/child.h"

/* A diary: what handlers wrote, one line each. */
struct diary {
	char text[8192];
};

static inline void diary_add(struct diary *diary, const char *format, ...) TD_PRINTF(2, 3);
static inline void diary_add(struct diary *diary, const char *format, ...)
{
	size_t used = strlen(diary->text);
	va_list args;

	va_start(args, format);
	vsnprintf(diary->text + used, sizeof(diary->text) - used, format, args);
	va_end(args);
}

#define assert_diary(diary, expected) assert_string_equal((diary)->text, expected)

/* A handler's argument: who it is, where it writes, and how it behaves. */
struct actor {
	const char *name;
	struct diary *diary;
	int fails;             /* how many times yet, -1: always */
	enum td_class class_;  /* with which class; 0: returns a bare code */
	const char *publishes; /* a type to publish, once per event */
	int calls;
	struct td_subscription *unsubscribes;
};

static inline int act(const struct td_event *event, struct td_context *context, void *arg)
{
	struct actor *actor = arg;
	struct td_error err = TD_ERROR_INIT;

	actor->calls++;
	if (actor->diary != NULL)
		diary_add(actor->diary, "%s:%.*s@%.*s ", actor->name,
			TD_TEXT_ARG(td_event_type(event)), TD_TEXT_ARG(td_event_subject(event)));
	if (actor->publishes != NULL) {
		struct td_draft draft = {.type = actor->publishes, .subject = "made"};

		if (td_publish(td_context_place(context), &draft, NULL, &err) != 0)
			return td_fail(context, TD_SKIP, "%s", err.text);
	}
	if (actor->unsubscribes != NULL) {
		td_unsubscribe(actor->unsubscribes);
		actor->unsubscribes = NULL;
	}
	if (actor->fails == 0)
		return 0;
	if (actor->fails > 0)
		actor->fails--;
	return actor->class_ != 0 ? td_fail(context, actor->class_, "%s says no", actor->name)
				  : TD_E_TIMEOUT;
}

/* --- the place under test ----------------------------------------------------------------- */

static char place_root[64]; /* of stores, one for each handle; gone at the end */

static inline int place_remove(
	const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

static inline void place_remove_root(void)
{
	nftw(place_root, place_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* A directory that is not there yet. */
static inline const char *place_fresh(void)
{
	static _Thread_local char fresh[100];
	static unsigned number;

	if (number++ == 0) {
		snprintf(place_root, sizeof(place_root), "/tmp/tidings-place-%d", (int)getpid());
		mkdir(place_root, 0700);
		atexit(place_remove_root);
	}
	snprintf(fresh, sizeof(fresh), "%s/%u", place_root, number);
	return fresh;
}

/* Servers that were started for handles; of the oldest nobody has one open any more. */
#define PLACE_SERVERS 4
static struct child_server place_servers[PLACE_SERVERS];

static inline void place_end_servers(void)
{
	for (size_t i = 0; i < PLACE_SERVERS; i++)
		child_server_end(&place_servers[i], 1);
}

static inline const char *place_server(void)
{
	static unsigned number;
	struct child_server *server = &place_servers[number % PLACE_SERVERS];
	const char *fresh = place_fresh(); /* removed behind the servers */

	if (number++ == 0)
		atexit(place_end_servers);
	child_server_end(server, 1);
	if (!child_server_start(server, fresh, 0))
		fail_msg("TD_SERVER cannot be started");
	return server->url;
}

/* TD_PLACE; "file:" without a directory: each time a fresh one; "http:": each time a fresh server. */
static inline const char *place_url(void)
{
	const char *url = getenv("TD_PLACE");
	static _Thread_local char fresh[128];

	if (url != NULL && strcmp(url, "http:") == 0)
		return place_server();
	if (url == NULL || strcmp(url, "file:") != 0)
		return url != NULL ? url : "mem:";
	snprintf(fresh, sizeof(fresh), "file:%s", place_fresh());
	return fresh;
}

/* Whether each publish goes to another process. */
static inline bool place_is_far(void)
{
	const char *url = getenv("TD_PLACE");

	return url != NULL && strncmp(url, "http", 4) == 0;
}

static inline struct td *open_place(const struct td_options *options)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	if (td_open(&td, place_url(), options, &err) != 0)
		fail_msg("%s", err.text);
	return td;
}

static inline struct td_subscription *subscribe(
	struct td *td, const struct td_interest *interest, struct actor *actor)
{
	struct td_subscription *subscription = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_subscribe(td, interest, act, actor, &subscription, &err) != 0)
		fail_msg("%s", err.text);
	return subscription;
}

static inline int publish(struct td *td, const char *type, const char *subject)
{
	struct td_draft draft = {.type = type, .subject = subject};

	return td_publish(td, &draft, NULL, NULL);
}

#define EVENT(type_, subject_) (&(struct td_draft){.type = (type_), .subject = (subject_)})
#define INTEREST(...)          (&(struct td_interest){__VA_ARGS__})

#endif
