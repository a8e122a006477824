/*
 * The pizzeria of the demo: seven services that know nothing of each other, only events.
 *
 *	OrderPlaced ----> payments -> PaymentReceived -> kitchen -> PizzaBaked ... (last)
 *	                     |  '---> PaymentDeclined       '-----> OrderCancelled -> payments -> PaymentRefunded
 *	                     '------> PaymentFailed -> (again later)
 *	PizzaBaked (last) -> counter -> OrderHandedOver -> courier -> OrderDelivered -> loyalty -> PointsGranted
 *	OrderDelivered, PaymentDeclined, OrderCancelled ----> mail -> MailSent
 *
 * Each service has a handle of its own, as if it were a program of its own; what one of them publishes while it
 * handles an event is caused by that event, wherever the handles lead. Everything an order does follows from
 * its number, but for the bank, which can be away: then payments fail, and are tried again.
 *
 * One thread; handlers run in td_loop_turn().
 */
#ifndef TD_CLI_SHOP_H
#define TD_CLI_SHOP_H

#include "cli/cli.h"

enum td_shop_service {
	TD_SHOP_ORDERS,
	TD_SHOP_PAYMENTS,
	TD_SHOP_KITCHEN,
	TD_SHOP_COUNTER,
	TD_SHOP_COURIER,
	TD_SHOP_LOYALTY,
	TD_SHOP_MAIL,
	TD_SHOP_SERVICES,
};
const char *td_shop_service_name(enum td_shop_service service);

/* What was published, by all of them. */
struct td_shop_counts {
	uint64_t events, placed, delivered, declined, cancelled, failed, mails;
};

struct td_shop;

/*
 * Open a handle for each service: by `open`, which gets the service's name, or NULL: td_open(url) with that
 * name as source. 0, or an error.
 */
int td_shop_open(struct td_shop **shop, const char *url, struct td_error *err);
/* The same with one handle for all, which stays the caller's. */
int td_shop_open_on(struct td_shop **shop, struct td *td, struct td_error *err);
void td_shop_close(struct td_shop *shop); /* NULL is fine */

/* Somebody is hungry: the order of that number. */
int td_shop_order(struct td_shop *shop, uint64_t number, struct td_error *err);
/* From now on the bank answers, or not. */
void td_shop_bank(struct td_shop *shop, bool away);
/*
 * Do what is due, and wait for it at most until `deadline_ms` (of td_cli_clock_ms()). 0, or the first error
 * of a publish.
 */
int td_shop_turn(struct td_shop *shop, int64_t deadline_ms, struct td_error *err);
/* Whether every order came to its end, and every mail of it is written. */
bool td_shop_is_quiet(const struct td_shop *shop);
struct td_shop_counts td_shop_counts(const struct td_shop *shop);

#endif
