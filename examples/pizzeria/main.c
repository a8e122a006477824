/*
 * The pizzeria: parts that know nothing of each other, only events (events.h), wired here and
 * nowhere else. A new part is a file and a line in the table below. Take loyalty's line out, and
 * nobody notices but the customers.
 */
#include "events.h"
#include "parts.h"

#include <getopt.h>
#include <stdlib.h>

static int (*const parts[])(struct td *td, struct td_error *err) = {
	orders_open,
	payment_open,
	kitchen_open,
	delivery_open,
	loyalty_open,
	complaints_open,
	mail_open,
};

struct arguments {
	struct td_options options;
	const char *url; /* the place */
	unsigned orders;
	uint64_t seed;
	bool plain;
};

static const char usage[] =
	"usage: pizzeria [--orders N] [--seed S] [--async] [--workers N] [--plain] [URL]\n"
	"  URL          the place: mem: (nothing is stored) or file:DIR (mem:)\n"
	"  --orders N   how many are hungry (4)\n"
	"  --seed S     what they want, and the moods of the bank (8)\n"
	"  --async      every part has a queue; who publishes does not wait\n"
	"  --workers N  the same, and N threads serve the queues\n"
	"  --plain      one line for each event and its causes, without times\n";

static int parse(struct arguments *arguments, int argc, char **argv)
{
	static const struct option known[] = {{"orders", required_argument, NULL, 'o'},
		{"seed", required_argument, NULL, 's'}, {"async", no_argument, NULL, 'a'},
		{"workers", required_argument, NULL, 'w'}, {"plain", no_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		unsigned long long number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;

		switch (option) {
		case 'o':
			arguments->orders = number < 10000 ? (unsigned)number : 10000;
			break;
		case 's':
			arguments->seed = number;
			break;
		case 'w':
			arguments->options.workers = number < 64 ? (unsigned)number : 64;
			arguments->options.async = true;
			break;
		case 'a':
			arguments->options.async = true;
			break;
		case 'p':
			arguments->plain = true;
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? -1 : 2;
		}
	}
	if (optind < argc)
		arguments->url = argv[optind];
	return 0;
}

/* Open every part, take the orders, and wait until nothing is owed any more. */
static int run(struct td *td, const struct arguments *arguments, struct td_error *err)
{
	int code = 0;

	payment_bank(arguments->seed);
	for (size_t i = 0; code == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		code = parts[i](td, err);
	for (unsigned i = 1; code == 0 && i <= arguments->orders; i++)
		code = orders_take(td, i, arguments->seed, err);
	return code != 0 ? code : td_drain(td, 60000, err);
}

static void tell(struct stories *stories)
{
	printf("A pizzeria. Its parts know nothing of each other, only events; what caused "
	       "what:\n");
	stories_tell(stories, true);
	printf("\n%zu orders: %zu delivered, %zu declined, %zu refused, %zu with a complaint.\n",
		stories_count(stories, order_placed_type.name),
		stories_count(stories, order_delivered_type.name),
		stories_count(stories, payment_declined_type.name),
		stories_count(stories, order_cancelled_type.name),
		stories_count(stories, complaint_opened_type.name));
	printf("The wiring: examples/pizzeria/main.c. Your own first event: doc/tutorial.md.\n");
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.url = "mem:", .orders = 4, .seed = 8};
	struct td_error err = TD_ERROR_INIT;
	struct stories *stories = NULL;
	struct td *td = NULL;
	int code = parse(&arguments, argc, argv);

	if (code != 0)
		return code < 0 ? 0 : code;
	code = td_open(&td, arguments.url, &arguments.options, &err);
	if (code == 0)
		code = stories_open(&stories, td, &err);
	if (code == 0)
		code = run(td, &arguments, &err);
	td_close(td);
	if (code != 0)
		fprintf(stderr, "pizzeria: %s\n", err.text);
	else if (arguments.plain)
		stories_tell(stories, false);
	else
		tell(stories);
	stories_free(stories);
	return td_error_exit(code);
}
