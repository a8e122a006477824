/*
 * Four workers, eight subjects, order kept: events of one subject are handled one at a time and
 * in the order of publishing, those of different subjects in parallel. So a handler may keep a
 * state for each subject without a lock.
 */
#include <stdio.h>
#include <tidings/typed.h>

#define PIZZA_PUT(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(INTEGER, oven, REQUIRED)          \
	FIELD(INTEGER, number, REQUIRED)
TD_EVENT(pizza_put, "PizzaPut", PIZZA_PUT)

enum { OVENS = 8, PIZZAS = 1000 };

struct oven {
	int64_t pizzas, out_of_order;
};

static int bake(const struct pizza_put *put, struct td_context *context, void *arg)
{
	struct oven *oven = (struct oven *)arg + put->oven;

	(void)context;
	oven->out_of_order += put->number != oven->pizzas;
	oven->pizzas++;
	return 0;
}

int main(void)
{
	struct oven ovens[OVENS] = {{0}};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_options options = {.workers = 4, .async = true};
	int code = td_open(&td, "mem:", &options, &err);

	if (code == 0)
		code = pizza_put_subscribe(td, "oven.*", bake, ovens, NULL, NULL, &err);
	for (int i = 0; code == 0 && i < OVENS * PIZZAS; i++) {
		struct pizza_put put = {.oven = i % OVENS, .number = i / OVENS};
		char subject[16];

		snprintf(subject, sizeof(subject), "oven.%d", i % OVENS);
		code = pizza_put_publish(td, subject, &put, NULL, &err);
	}
	if (code == 0)
		code = td_drain(td, 10000, &err);
	for (int i = 0; code == 0 && i < OVENS; i++)
		printf("oven.%d: %d pizzas, %d out of order\n", i, (int)ovens[i].pizzas,
			(int)ovens[i].out_of_order);
	if (code != 0)
		fprintf(stderr, "workers: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
