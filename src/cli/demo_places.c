#include "cli/demo.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/*
 * tidings demo --places: one program, three places, by changing one URL.
 *
 *	program:  open URL -> the log "demo" -> a handler answers each OrderPlaced with OrderPaid
 *	          -> publish N orders -> say how many are there
 *
 * The one in "file:" is killed in the middle, with SIGKILL, and run again: what it was told was stored, is.
 */

#define ORDERS 200

/* --- the program -------------------------------------------------------------------------- */

/* Once for each order, however often it is asked for: the id says which payment it is. */
static int pay(struct td *td, struct td_text order, struct td_error *err)
{
	char subject[64], id[80];
	const struct td_draft paid = {.type = "OrderPaid",
		.id = id,
		.subject = td_text_copy(order, subject, sizeof(subject))};

	snprintf(id, sizeof(id), "paid-%s", subject);
	return td_publish(td, &paid, NULL, err);
}

static int on_placed(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)arg;
	return pay(td_context_place(context), td_event_subject(event), NULL);
}

/* What was placed when it was killed, and not paid yet. */
static int catch_up(struct td *td, struct td_error *err)
{
	const struct td_scope scope = {.log = "demo", .type = "OrderPlaced"};
	const struct td_event *event;
	struct td_reading *reading;
	int code = td_read(&reading, td, &scope, err);

	if (code != 0)
		return code;
	while ((code = td_next(reading, &event, NULL, err)) == 0) {
		struct td_event *latest = NULL;
		char subject[64];

		td_text_copy(td_event_subject(event), subject, sizeof(subject));
		code = td_latest(td, "demo", subject, &latest, NULL, err);
		if (code == 0 && td_text_is(td_event_type(latest), "OrderPlaced"))
			code = pay(td, td_event_subject(event), err);
		td_event_unref(latest);
		if (code != 0)
			break;
	}
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

static int prepare(struct td *td, struct td_error *err)
{
	static const char *const subjects[] = {"order.*"};
	const struct td_log_settings settings = {.subjects = subjects, .subjects_count = 1};
	const struct td_interest placed = {
		.name = "payments", .subject = "order.*", .type = "OrderPlaced"};
	int code = td_log_create(td, "demo", &settings, err);

	if (code == TD_E_EXISTS)
		code = 0; /* it ran here before */
	if (code == 0)
		code = catch_up(td, err);
	if (code == 0)
		code = td_subscribe(td, &placed, on_placed, NULL, NULL, err);
	return code;
}

static int count_of(struct td *td, const char *type, uint64_t *count, struct td_error *err)
{
	const struct td_scope scope = {.log = "demo", .type = type};
	const struct td_event *event;
	struct td_reading *reading;
	int code = td_read(&reading, td, &scope, err);

	*count = 0;
	if (code != 0)
		return code;
	while ((code = td_next(reading, &event, NULL, err)) == 0)
		++*count;
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

/* Until every order is paid; at most a minute. */
static int settle(struct td *td, struct td_error *err)
{
	int64_t limit = td_cli_clock_ms() + 60000;
	uint64_t placed = 0, paid = 0;
	int code = 0;

	do {
		td_loop_turn(td, 10);
		code = count_of(td, "OrderPlaced", &placed, err);
		if (code == 0)
			code = count_of(td, "OrderPaid", &paid, err);
	} while (code == 0 && paid < placed && td_cli_clock_ms() < limit);
	if (code == 0)
		printf("%" PRIu64 " placed, %" PRIu64 " paid\n", placed, paid);
	return code;
}

static int program(struct td *td, uint64_t first, uint64_t orders, struct td_error *err)
{
	int code = prepare(td, err);

	for (uint64_t i = first; code == 0 && i < first + orders; i++) {
		char subject[32], id[32];
		const struct td_draft placed = {.type = "OrderPlaced",
			.subject = subject,
			.id = id,
			.json = "{\"pizzas\": 1}"};

		snprintf(subject, sizeof(subject), "order.%" PRIu64, i);
		snprintf(id, sizeof(id), "order-%" PRIu64, i);
		code = td_publish(td, &placed, NULL, err);
		if (code == 0) {
			printf("stored %" PRIu64 "\n", i); /* it may be relied on now */
			fflush(stdout);
		}
		td_loop_turn(td, 0);
	}
	return code == 0 ? settle(td, err) : code;
}

struct running {
	const struct td_cli *cli;
	const char *url;
	uint64_t first, orders;
};

/* In a process of its own. */
static int run(void *arg)
{
	const struct running *running = arg;
	const struct td_options options = {.source = "demo"};
	struct td_error err = TD_ERROR_INIT;
	struct td *td;
	int code = td_open(&td, running->url, &options, &err);

	if (code == 0) {
		code = program(td, running->first, running->orders, &err);
		td_close(td);
	}
	return code == 0 ? 0 : td_cli_fail(running->cli, &err, NULL, "%s", running->url);
}

/* --- running it --------------------------------------------------------------------------- */

struct ran {
	uint64_t stored; /* the last that it was told of */
	char last[128];  /* its last line */
	int code;
};

/* Run it for orders first to first + orders - 1, and kill it when it has stored `kill_at` (0: never). */
static int run_program(const struct td_cli *cli, const char *url, uint64_t first, uint64_t orders,
	uint64_t kill_at, struct ran *ran)
{
	struct running running = {cli, url, first, orders};
	char line[128];
	struct td_cli_child child = TD_CLI_CHILD_INIT;
	int64_t limit = td_cli_clock_ms() + 300000;
	bool killed = false;
	int code;

	*ran = (struct ran){.code = 0};
	code = td_cli_child_run(&child, run, &running);
	if (code != 0)
		return td_cli_refuse(cli, 0, NULL, "the program cannot be run: %s", strerror(code));
	while (td_cli_child_line(&child, line, sizeof(line), limit) == 1) {
		if (strncmp(line, "stored ", 7) == 0)
			ran->stored = strtoull(line + 7, NULL, 10);
		snprintf(ran->last, sizeof(ran->last), "%s", line);
		if (kill_at != 0 && ran->stored >= kill_at && !killed) {
			kill(child.pid, SIGKILL);
			killed = true;
		}
	}
	ran->code = td_cli_child_end(&child, killed ? SIGKILL : 0);
	return 0;
}

static void tell(const struct td_cli *cli, const char *place, const char *what)
{
	char padded[80];

	if (cli->json) {
		printf("{\"place\":");
		td_cli_json_string(place);
		printf(",\"said\":");
		td_cli_json_string(what);
		printf("}\n");
		return;
	}
	snprintf(padded, sizeof(padded), "%-32s", place);
	td_cli_put(cli, TD_CLI_NAME, padded);
	printf(" %s\n", what);
	fflush(stdout);
}

/* The whole of it at one place. */
static int at_place(const struct td_cli *cli, const char *url)
{
	struct ran ran;
	int code = run_program(cli, url, 1, ORDERS, 0, &ran);

	if (code != 0)
		return code;
	if (ran.code != 0)
		return td_cli_refuse(cli, 0, NULL, "%s: the program ended with %d", url, ran.code);
	tell(cli, url, ran.last);
	return 0;
}

/* Killed in the middle; then the rest, by the same program. Nothing that was stored is missing. */
static int killed_at_place(const struct td_cli *cli, const char *url)
{
	char said[256], wanted[128];
	struct ran first, rest;
	int code = run_program(cli, url, 1, ORDERS, ORDERS / 2, &first);

	if (code != 0)
		return code;
	snprintf(said, sizeof(said), "killed (SIGKILL) when %" PRIu64 " were stored", first.stored);
	tell(cli, url, said);
	code = run_program(cli, url, first.stored + 1, ORDERS - first.stored, 0, &rest);
	if (code != 0)
		return code;
	tell(cli, url, rest.last);
	snprintf(wanted, sizeof(wanted), "%d placed, ", ORDERS);
	if (rest.code != 0 || strncmp(rest.last, wanted, strlen(wanted)) != 0)
		return td_cli_refuse(
			cli, TD_E_DAMAGED, NULL, "%s: what was stored is not all there", url);
	return 0;
}

int td_cli_demo_places(const struct td_cli *cli)
{
	struct td_cli_child server = TD_CLI_CHILD_INIT;
	char dir[TD_CLI_PATH_BYTES], url[TD_CLI_PATH_BYTES + 32];
	int code = td_cli_temporary(cli, dir), ended;

	if (code != 0)
		return code;
	if (!cli->json)
		printf("One program, three places; what changes is the URL it opens.\n\n");
	code = at_place(cli, "mem:");
	if (code == 0) {
		snprintf(url, sizeof(url), "file:%s/here", dir);
		code = killed_at_place(cli, url);
	}
	if (code == 0)
		code = td_cli_child_serve(cli, &server, dir, 0, url, sizeof(url));
	if (code == 0) {
		code = at_place(cli, url);
		ended = td_cli_child_end(&server, SIGTERM);
		code = code != 0 ? code : ended;
	}
	td_cli_temporary_remove(dir);
	if (code == 0 && !cli->json)
		printf("\nNothing was lost.\n");
	return code;
}
