/*
 * A real server in a process of its own (test/serve/serve.c), for tests of clients. It ends when this
 * process does, however that ends: its input is a pipe of ours.
 */
#ifndef TEST_SERVE_CHILD_H
#define TEST_SERVE_CHILD_H

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child_server {
	pid_t pid;
	int input; /* its input */
	uint16_t port;
	char url[48];
};

/* TD_SERVER over a directory, on a port; 0: one is picked. false: it could not. */
static inline int child_server_start(
	struct child_server *server, const char *directory, unsigned port)
{
	const char *program = getenv("TD_SERVER");
	int input[2], output[2];
	char wanted[12], line[32] = "";
	ssize_t n;

	if (program == NULL || pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
		return 0;
	snprintf(wanted, sizeof(wanted), "%u", port);
	server->pid = fork();
	if (server->pid == 0) {
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		execl(program, program, directory, wanted, (char *)NULL);
		_exit(127);
	}
	close(input[0]);
	close(output[1]);
	server->input = input[1];
	n = read(output[0], line, sizeof(line) - 1); /* its port, in one piece */
	close(output[0]);
	server->port = (uint16_t)(n > 0 ? atoi(line) : 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->port);
	return server->port != 0;
}

/* Kill it, or let it stop by itself; and wait. */
static inline void child_server_end(struct child_server *server, int kill_it)
{
	int status;

	if (server->pid <= 0)
		return;
	if (kill_it)
		kill(server->pid, SIGKILL);
	close(server->input);
	waitpid(server->pid, &status, 0);
	server->pid = 0;
}

#endif
