#include "cli/demo.h"
#include "cli/shop.h"

#include <string.h>

/*
 * A day at the pizzeria:
 *
 *	0            8 s          16 s                  end
 *	|-- trade ---|-- no bank --|-- trade ... --------|-- what is owed --| summary
 *
 * With --for, the bank is away from three to six tenths of the time.
 */

#define ORDER_MS  1000 /* an order makes about eight events */
#define SETTLE_MS 45000
#define AWAY_MS   8000
#define BACK_MS   16000

struct day {
	struct td_cli_demo *demo;
	struct td_shop *shop;
	struct td_cli_watch watch;
	int64_t away_ms, back_ms, next_order_ms;
	uint64_t orders;
	bool away, was_away;
};

static void bank(struct day *day, int64_t now)
{
	bool away = now >= day->away_ms && now < day->back_ms;

	if (away == day->away)
		return;
	day->away = away;
	day->was_away |= away;
	td_shop_bank(day->shop, away);
	if (!day->demo->cli->json) {
		td_cli_put(day->demo->cli, away ? TD_CLI_BAD : TD_CLI_GOOD,
			away ? "The bank does not answer: payments fail."
			     : "The bank answers again: payments are made up for.");
		putchar('\n');
	}
}

static int step(struct day *day, bool open)
{
	const struct td_cli *cli = day->demo->cli;
	struct td_error err = TD_ERROR_INIT;
	int64_t now = td_cli_clock_ms(), until = now + 100;

	bank(day, now);
	if (open && now >= day->next_order_ms) {
		day->next_order_ms += ORDER_MS;
		if (td_shop_order(day->shop, ++day->orders, &err) != 0)
			return td_cli_fail(
				cli, &err, NULL, "order %llu", (unsigned long long)day->orders);
	}
	if (day->next_order_ms < until)
		until = day->next_order_ms;
	if (td_shop_turn(day->shop, until, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "the pizzeria");
	return td_cli_watch_look(&day->watch, 0);
}

/* Trade until the end, then until nothing is owed. */
static int trade(struct day *day)
{
	int64_t limit;
	int code = 0;

	while (code == 0 && !td_cli_interrupted() && td_cli_clock_ms() < day->demo->end_ms)
		code = step(day, true);
	day->away_ms = day->back_ms = 0; /* the bank is there */
	limit = td_cli_clock_ms() + SETTLE_MS;
	while (code == 0 && td_cli_clock_ms() < limit &&
		(!td_shop_is_quiet(day->shop) ||
			day->watch.count < td_shop_counts(day->shop).events))
		code = step(day, false);
	return code;
}

/* What the shop says it published, and what the server has. */
static int sum_up(const struct day *day)
{
	const struct td_cli *cli = day->demo->cli;
	struct td_shop_counts counts = td_shop_counts(day->shop);
	bool whole = day->watch.count >= counts.events && td_shop_is_quiet(day->shop);

	if (cli->json) {
		printf("{\"summary\":{\"events\":%llu,\"stored\":%llu,\"placed\":%llu,"
		       "\"delivered\":%llu,\"declined\":%llu,\"cancelled\":%llu,\"failed\":%llu}}"
		       "\n",
			(unsigned long long)counts.events, (unsigned long long)day->watch.count,
			(unsigned long long)counts.placed, (unsigned long long)counts.delivered,
			(unsigned long long)counts.declined, (unsigned long long)counts.cancelled,
			(unsigned long long)counts.failed);
	} else {
		printf("\n%llu orders: %llu delivered, %llu declined, %llu cancelled; "
		       "%llu payments failed on the way.\n%llu events were published, and %llu are "
		       "stored.\n",
			(unsigned long long)counts.placed, (unsigned long long)counts.delivered,
			(unsigned long long)counts.declined, (unsigned long long)counts.cancelled,
			(unsigned long long)counts.failed, (unsigned long long)counts.events,
			(unsigned long long)day->watch.count);
	}
	if (!whole)
		return td_cli_refuse(cli, 0, NULL, "some orders did not come to their end");
	return 0;
}

int td_cli_demo_day(struct td_cli_demo *demo)
{
	struct day day = {.demo = demo};
	struct td_error err = TD_ERROR_INIT;
	int64_t span = demo->end_ms == INT64_MAX ? INT64_MAX : demo->end_ms - demo->began_ms;
	int code, ended;

	if (td_shop_open(&day.shop, demo->url, &err) != 0)
		return td_cli_fail(demo->cli, &err, NULL, "the pizzeria cannot open");
	day.away_ms = demo->began_ms + (span / 10 * 3 < AWAY_MS ? span / 10 * 3 : AWAY_MS);
	day.back_ms = demo->began_ms + (span / 10 * 6 < BACK_MS ? span / 10 * 6 : BACK_MS);
	day.next_order_ms = demo->began_ms;
	td_cli_demo_greet(demo,
		"Seven services are trading pizzas. In a while the bank will not answer, and "
		"payments fail.");
	code = td_cli_watch_begin(&day.watch, demo->cli, demo->url);
	if (code == 0)
		code = trade(&day);
	if (code == 0)
		code = sum_up(&day);
	ended = td_cli_watch_end(&day.watch);
	td_shop_close(day.shop);
	return code != 0 ? code : ended;
}
