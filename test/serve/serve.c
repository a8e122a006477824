/*
 * A server for tests of clients: the real one, over a directory, on a port of 127.0.0.1.
 *
 *	serve DIR [PORT]     prints its port on a line, and serves until its input ends: so it does
 *	                     not outlive who started it
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/server.h"

static struct td_server *server;

static void fail(const char *what, const struct td_error *err)
{
	fprintf(stderr, "serve: %s: %s\n", what, err->text);
	exit(1);
}

static struct td_task_pool *pool_of(const char *name, unsigned threads, struct td_loop *loop)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_task_pool *pool = NULL;

	if (td_task_pool_new(&pool, name, threads, loop, &err) != 0)
		fail("tasks", &err);
	return pool;
}

/* Until nobody writes to us any more. */
static void wait_for_end(void *arg)
{
	char byte;

	(void)arg;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	td_server_ask_stop(server);
	td_server_wake(server);
}

static void run(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_net_address at;
	struct td_thread thread;

	if (!td_server_address(server, 0, &at))
		exit(1);
	if (td_thread_start(&thread, "end", wait_for_end, NULL, &err) != 0)
		fail("thread", &err);
	printf("%u\n", at.port);
	fflush(stdout);
	while (td_server_turn(server, INT64_MAX) == TD_SERVER_RUNS)
		;
	td_thread_join(&thread);
}

int main(int argc, char **argv)
{
	struct td_net_address http = {.family = 4, .bytes = {127, 0, 0, 1}};
	struct td_server_settings settings = {
		.data = argc > 1 ? argv[1] : NULL, .http = &http, .http_count = 1};
	struct td_error err = TD_ERROR_INIT;
	struct td_task_pool *commits, *chores, *work;
	struct td_server_seams seams = {
		.clock = &td_clock_real, .random = &td_random_real, .disk = &td_disk_real};
	struct td_loop *loop = NULL;
	struct td_net net;

	http.port = (uint16_t)(argc > 2 ? atoi(argv[2]) : 0);
	if (td_loop_new(&loop, &err) != 0 || td_net_real_open(&net, loop, &err) != 0)
		fail("net", &err);
	commits = pool_of("commits", 1, loop);
	chores = pool_of("chores", 1, loop);
	work = pool_of("work", 2, loop);
	seams.net = &net;
	seams.commits = td_task_pool_tasks(commits);
	seams.chores = td_task_pool_tasks(chores);
	seams.work = td_task_pool_tasks(work);
	settings.store.journal.create = true;
	if (td_server_open(&server, &seams, &settings, NULL, &err) != 0)
		fail("open", &err);
	run();
	if (td_server_close(server, &err) != 0)
		fail("close", &err);
	td_task_pool_free(work);
	td_task_pool_free(chores);
	td_task_pool_free(commits);
	td_net_real_close(&net);
	td_loop_free(loop);
	return 0;
}
