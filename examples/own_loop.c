/*
 * Tidings in a loop that is yours, here beside a timer: no thread, one descriptor. td_loop_fd() is
 * readable when there is something to do, a retry that is due included, and td_loop_turn() does it.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <tidings/tidings.h>
#include <unistd.h>

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text data = td_event_data(event);
	unsigned attempt = td_context_attempt(context);
	int *heard = arg;

	printf("tick %.*s, attempt %u\n", TD_TEXT_ARG(data), attempt);
	if (td_text_is(data, "2") && attempt == 1)
		return td_fail(context, TD_RETRY, "pardon?");
	++*heard;
	return 0;
}

static int tick(struct td *td, int timer, int number, struct td_error *err)
{
	char json[16];
	uint64_t expirations;

	snprintf(json, sizeof(json), "%d", number);
	if (read(timer, &expirations, sizeof(expirations)) < 0)
		return TD_E_SYSTEM;
	return td_publish(td, &(struct td_draft){.type = "Tick", .json = json}, NULL, err);
}

int main(void)
{
	struct itimerspec every_ms = {{0, 1000000}, {0, 1000000}};
	struct td_interest clock = {.async = true, .retry = {.attempts_max = 2, .first_ms = 5}};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), ticks = 0, heard = 0;
	bool ready = timer >= 0 && timerfd_settime(timer, 0, &every_ms, NULL) == 0 &&
		     td_open(&td, "mem:", NULL, &err) == 0 &&
		     td_subscribe(td, &clock, hear, &heard, NULL, &err) == 0;
	struct pollfd polled[] = {{timer, POLLIN, 0}, {ready ? td_loop_fd(td) : -1, POLLIN, 0}};

	while (ready && heard < 3 && poll(polled, 2, 5000) > 0) {
		if (polled[0].revents != 0)
			ready = tick(td, timer, ++ticks, &err) == 0;
		polled[0].fd = ticks < 3 ? timer : -1;
		if (polled[1].revents != 0)
			td_loop_turn(td, 0);
	}
	if (heard < 3)
		fprintf(stderr, "own_loop: %s\n", err.code != 0 ? err.text : "no ticks");
	td_close(td);
	close(timer);
	return heard < 3;
}
