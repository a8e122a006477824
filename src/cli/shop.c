#include "cli/shop.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "json/json.h"

#define RETRY_MS    1000
#define PENDING_MAX 256u /* payments that wait to be tried again */
#define DATA_MAX    ((size_t)64 * 1024)

struct pending {
	struct td_event *failure; /* NULL: free */
	int64_t due_ms;
};

struct td_shop {
	struct td *handles[TD_SHOP_SERVICES];
	struct td *borrowed; /* or one for all */
	bool away;
	struct pending pending[PENDING_MAX];
	struct td_shop_counts counts;
	int code; /* the first that failed */
	struct td_error err;
};

/* --- saying something --------------------------------------------------------------------- */

static const struct {
	const char *type;
	size_t count; /* where in struct td_shop_counts; 0: nowhere but `events` */
} counted[] = {
	{"OrderPlaced", offsetof(struct td_shop_counts, placed)},
	{"OrderDelivered", offsetof(struct td_shop_counts, delivered)},
	{"PaymentDeclined", offsetof(struct td_shop_counts, declined)},
	{"OrderCancelled", offsetof(struct td_shop_counts, cancelled)},
	{"PaymentFailed", offsetof(struct td_shop_counts, failed)},
	{"MailSent", offsetof(struct td_shop_counts, mails)},
};

static void count(struct td_shop *shop, const char *type)
{
	shop->counts.events++;
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		if (strcmp(type, counted[i].type) == 0)
			++*(uint64_t *)(void *)((char *)&shop->counts + counted[i].count);
	}
}

/* The data of every event: the order it is about, and more members. */
static int say(struct td_shop *shop, struct td *td, struct td_draft *draft, struct td_text order,
	const char *more)
{
	struct td_buf data = TD_BUF_INIT(DATA_MAX);
	struct td_error err = TD_ERROR_INIT;
	int code;

	td_buf_add_string(&data, "{\"order\":");
	td_buf_add_text(&data, order);
	td_buf_add_string(&data, more);
	td_buf_add(&data, "}", 2);
	code = td_buf_check(&data, &err);
	if (code == 0) {
		draft->json = data.at;
		code = td_publish(td, draft, NULL, &err);
	}
	td_buf_fini(&data);
	if (code == 0) {
		count(shop, draft->type);
	} else if (shop->code == 0) {
		shop->code = code;
		shop->err = err;
	}
	return code;
}

/* The order in an event's data. */
static struct td_json order_of(const struct td_event *event)
{
	struct td_json root;

	if (td_json_parse(td_event_data(event), 0, &root, NULL) != 0)
		return (struct td_json){.kind = TD_JSON_NONE};
	return td_json_get(root, td_text("order"));
}

static int64_t number_of(struct td_json object, const char *name)
{
	int64_t number = 0;

	td_json_to_i64(td_json_get(object, td_text(name)), &number);
	return number;
}

/* In a handler: about the order of the event at hand, and caused by it. */
static int answer(
	struct td_shop *shop, struct td_context *context, const char *type, const char *more)
{
	const struct td_event *event = td_context_event(context);
	char subject[128];
	struct td_draft draft = {
		.type = type, .subject = td_text_copy(td_event_subject(event), subject, 128)};

	return say(shop, td_context_place(context), &draft, order_of(event).text, more);
}

/* What fate has for an order: a number below `sides`, by the order and a word. */
static uint64_t dice(int64_t order, const char *word, uint64_t sides)
{
	return td_hash(word, strlen(word), (uint64_t)order * 0x9E3779B97F4A7C15u) % sides;
}

/* --- payments ----------------------------------------------------------------------------- */

static int pay_failed(struct td_shop *shop, const struct td_event *event)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *pending = &shop->pending[i];

		if (pending->failure != NULL)
			continue;
		pending->failure = td_event_ref(event);
		pending->due_ms = td_cli_clock_ms() + RETRY_MS;
		return 0;
	}
	return TD_E_FULL;
}

static int payments(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_shop *shop = arg;
	int64_t number = number_of(order_of(event), "number");

	if (td_text_is(td_event_type(event), "PaymentFailed"))
		return pay_failed(shop, event);
	if (td_text_is(td_event_type(event), "OrderCancelled"))
		return answer(shop, context, "PaymentRefunded", "");
	if (shop->away)
		return answer(shop, context, "PaymentFailed",
			",\"attempt\":1,\"reason\":\"gateway timeout\"");
	if (dice(number, "card", 12) == 0)
		return answer(
			shop, context, "PaymentDeclined", ",\"reason\":\"the card has expired\"");
	return answer(shop, context, "PaymentReceived", ",\"attempt\":1");
}

/* Once more, later: it is not in a handler, so the cause is said. */
static void pay_again(struct td_shop *shop, const struct td_event *failure)
{
	const struct td_attribute attributes[] = {
		{.name = TD_TEXT_INIT("causationid"), .value = td_event_id(failure)},
		{.name = TD_TEXT_INIT("correlationid"), .value = td_event_correlation(failure)}};
	struct td *td = shop->borrowed != NULL ? shop->borrowed : shop->handles[TD_SHOP_PAYMENTS];
	char subject[128], more[96];
	struct td_draft draft = {.type = shop->away ? "PaymentFailed" : "PaymentReceived",
		.subject = td_text_copy(td_event_subject(failure), subject, 128),
		.attributes = attributes,
		.attributes_count = 2};
	struct td_json root;
	int64_t attempt = 1;

	if (td_json_parse(td_event_data(failure), 0, &root, NULL) == 0)
		attempt = number_of(root, "attempt");
	snprintf(more, sizeof(more), ",\"attempt\":%lld%s", (long long)attempt + 1,
		shop->away ? ",\"reason\":\"gateway timeout\"" : "");
	say(shop, td, &draft, order_of(failure).text, more);
}

/* --- the others --------------------------------------------------------------------------- */

static int kitchen(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_json order = order_of(event), pizza;
	struct td_json_iter iter = td_json_iterate(td_json_get(order, td_text("pizzas")));
	size_t left = td_json_count(td_json_get(order, td_text("pizzas")));
	char more[160];
	int code = 0;

	if (dice(number_of(order, "number"), "mozzarella", 15) == 0)
		return answer(arg, context, "OrderCancelled", ",\"reason\":\"out of mozzarella\"");
	while (code == 0 && td_json_next(&iter, NULL, &pizza)) {
		left--;
		snprintf(more, sizeof(more), ",\"pizza\":%.*s,\"last\":%s",
			(int)(pizza.text.len < 64 ? pizza.text.len : 64), pizza.text.at,
			left == 0 ? "true" : "false");
		code = answer(arg, context, "PizzaBaked", more);
	}
	return code;
}

static int counter(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_json root;

	if (td_json_parse(td_event_data(event), 0, &root, NULL) != 0 ||
		td_json_get(root, td_text("last")).kind != TD_JSON_TRUE)
		return 0;
	return answer(arg, context, "OrderHandedOver", "");
}

static int courier(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	return answer(arg, context, "OrderDelivered", "");
}

static int loyalty(const struct td_event *event, struct td_context *context, void *arg)
{
	char more[64];

	snprintf(more, sizeof(more), ",\"points\":%lld",
		(long long)number_of(order_of(event), "cents") / 100);
	return answer(arg, context, "PointsGranted", more);
}

static int mail(const struct td_event *event, struct td_context *context, void *arg)
{
	if (td_text_is(td_event_type(event), "OrderDelivered"))
		return answer(arg, context, "MailSent", ",\"text\":\"Buon appetito!\"");
	if (td_text_is(td_event_type(event), "PaymentDeclined"))
		return answer(
			arg, context, "MailSent", ",\"text\":\"Your bank said no. Another card?\"");
	return answer(arg, context, "MailSent", ",\"text\":\"Sorry: out of mozzarella.\"");
}

static const struct {
	const char *name;
	td_handler *handler; /* NULL: it only speaks */
	const char *types[3];
	size_t types_count;
} services[TD_SHOP_SERVICES] = {
	[TD_SHOP_ORDERS] = {"orders", NULL, {NULL}, 0},
	[TD_SHOP_PAYMENTS] = {"payments", payments,
		{"OrderPlaced", "PaymentFailed", "OrderCancelled"}, 3},
	[TD_SHOP_KITCHEN] = {"kitchen", kitchen, {"PaymentReceived"}, 1},
	[TD_SHOP_COUNTER] = {"counter", counter, {"PizzaBaked"}, 1},
	[TD_SHOP_COURIER] = {"courier", courier, {"OrderHandedOver"}, 1},
	[TD_SHOP_LOYALTY] = {"loyalty", loyalty, {"OrderDelivered"}, 1},
	[TD_SHOP_MAIL] = {"mail", mail, {"OrderDelivered", "PaymentDeclined", "OrderCancelled"}, 3},
};

const char *td_shop_service_name(enum td_shop_service service)
{
	return services[service].name;
}

/* --- opening ------------------------------------------------------------------------------ */

static int listen(struct td_shop *shop, size_t service, struct td *td, struct td_error *err)
{
	const struct td_interest interest = {.name = services[service].name,
		.subject = "order.*",
		.types = services[service].types,
		.types_count = services[service].types_count};

	if (services[service].handler == NULL)
		return 0;
	return td_subscribe(td, &interest, services[service].handler, shop, NULL, err);
}

static int open_all(struct td_shop *shop, const char *url, struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < TD_SHOP_SERVICES; i++) {
		const struct td_options options = {.source = services[i].name};

		if (shop->borrowed == NULL)
			code = td_open(&shop->handles[i], url, &options, err);
		if (code == 0)
			code = listen(shop, i,
				shop->borrowed != NULL ? shop->borrowed : shop->handles[i], err);
		if (code != 0)
			td_error_wrap(err, code, "%s", services[i].name);
	}
	return code;
}

static int open_shop(
	struct td_shop **shop, const char *url, struct td *borrowed, struct td_error *err)
{
	struct td_shop *made = calloc(1, sizeof(*made));
	int code;

	if (made == NULL)
		return td_error_nomem(err);
	made->borrowed = borrowed;
	code = open_all(made, url, err);
	if (code != 0)
		td_shop_close(made);
	else
		*shop = made;
	return code;
}

int td_shop_open(struct td_shop **shop, const char *url, struct td_error *err)
{
	return open_shop(shop, url, NULL, err);
}

int td_shop_open_on(struct td_shop **shop, struct td *td, struct td_error *err)
{
	return open_shop(shop, NULL, td, err);
}

void td_shop_close(struct td_shop *shop)
{
	if (shop == NULL)
		return;
	for (size_t i = 0; i < TD_SHOP_SERVICES; i++) {
		if (shop->handles[i] != NULL)
			td_close(shop->handles[i]);
	}
	for (size_t i = 0; i < PENDING_MAX; i++)
		td_event_unref(shop->pending[i].failure);
	free(shop);
}

/* --- the day ------------------------------------------------------------------------------ */

int td_shop_order(struct td_shop *shop, uint64_t number, struct td_error *err)
{
	static const char *const customers[] = {
		"Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Niklaus"};
	static const struct {
		const char *name;
		int cents;
	} menu[] = {{"Margherita", 850}, {"Funghi", 980}, {"Diavola", 1050}, {"Bufalina", 1240}};
	struct td *td = shop->borrowed != NULL ? shop->borrowed : shop->handles[TD_SHOP_ORDERS];
	size_t first = dice((int64_t)number, "first", 4),
	       second = dice((int64_t)number, "second", 4);
	bool two = dice((int64_t)number, "two", 2) == 0;
	char subject[48], order[256];
	struct td_draft draft = {.type = "OrderPlaced", .subject = subject};
	int code;

	snprintf(subject, sizeof(subject), "order.%llu", (unsigned long long)number);
	snprintf(order, sizeof(order),
		"{\"number\":%llu,\"customer\":\"%s\",\"pizzas\":[\"%s\"%s%s%s],\"cents\":%d}",
		(unsigned long long)number, customers[number % 8], menu[first].name,
		two ? ",\"" : "", two ? menu[second].name : "", two ? "\"" : "",
		menu[first].cents + (two ? menu[second].cents : 0));
	code = say(shop, td, &draft, td_text(order), "");
	if (code != 0 && err != NULL)
		*err = shop->err;
	return code;
}

void td_shop_bank(struct td_shop *shop, bool away)
{
	shop->away = away;
}

/* Payments whose time has come; when the next one is due. */
static int64_t try_again(struct td_shop *shop, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *pending = &shop->pending[i];
		struct td_event *failure = pending->failure;

		if (failure == NULL)
			continue;
		if (pending->due_ms > now_ms) {
			next = pending->due_ms < next ? pending->due_ms : next;
			continue;
		}
		pending->failure = NULL;
		pay_again(shop, failure);
		td_event_unref(failure);
	}
	return next;
}

/* All handles once; how many deliveries ran. */
static int turn_all(struct td_shop *shop)
{
	int ran = 0;

	if (shop->borrowed != NULL)
		return td_loop_turn(shop->borrowed, 0);
	for (size_t i = 0; i < TD_SHOP_SERVICES; i++) {
		int one = td_loop_turn(shop->handles[i], 0);

		ran += one > 0 ? one : 0;
	}
	return ran;
}

int td_shop_turn(struct td_shop *shop, int64_t deadline_ms, struct td_error *err)
{
	struct pollfd waits[TD_SHOP_SERVICES];
	int64_t next = try_again(shop, td_cli_clock_ms()), left;
	nfds_t count = shop->borrowed != NULL ? 1 : TD_SHOP_SERVICES;

	if (turn_all(shop) == 0 && shop->code == 0) {
		for (nfds_t i = 0; i < count; i++)
			waits[i] = (struct pollfd){.events = POLLIN,
				.fd = td_loop_fd(shop->borrowed != NULL ? shop->borrowed
									: shop->handles[i])};
		left = (next < deadline_ms ? next : deadline_ms) - td_cli_clock_ms();
		left = left < 0 ? 0 : left > 200 ? 200 : left;
		poll(waits, count, (int)left);
		turn_all(shop);
	}
	if (shop->code != 0 && err != NULL)
		*err = shop->err;
	return shop->code;
}

bool td_shop_is_quiet(const struct td_shop *shop)
{
	const struct td_shop_counts *counts = &shop->counts;
	uint64_t ended = counts->delivered + counts->declined + counts->cancelled;

	return ended == counts->placed && counts->mails == ended;
}

struct td_shop_counts td_shop_counts(const struct td_shop *shop)
{
	return shop->counts;
}
