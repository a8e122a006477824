/*
 * A command asks for something to be done. It has one handler, which runs at once and answers,
 * or refuses with a reason; a refusal is an answer, nothing is retried and nobody is to blame.
 */
#include <stdio.h>
#include <tidings/typed.h>

#define BAKE_PIZZA(FIELD, OBJECT, LIST, OBJECTS) FIELD(TEXT, name, REQUIRED)
TD_COMMAND_TYPE(bake_pizza, "BakePizza", BAKE_PIZZA)

#define PIZZA_BAKED(FIELD, OBJECT, LIST, OBJECTS) FIELD(INTEGER, mozzarella_left, REQUIRED)
TD_REPLY_TYPE(pizza_baked, "PizzaBaked", PIZZA_BAKED)

static int bake(const struct bake_pizza *command, struct td_context *context, void *arg)
{
	int64_t *mozzarella = arg;

	(void)command;
	if (*mozzarella == 0)
		return td_refuse(context, "out of mozzarella");
	*mozzarella -= 1;
	return pizza_baked_reply(
		context, &(struct pizza_baked){.mozzarella_left = *mozzarella}, NULL);
}

static int order(struct td *td, const char *name, struct td_error *err)
{
	struct bake_pizza command = {.name = td_text(name)};
	const struct pizza_baked *baked;
	struct td_event *reply = NULL;
	void *block = NULL;
	int code = bake_pizza_request(td, "oven.1", &command, 1000, &reply, err);

	if (code == 0)
		code = pizza_baked_view(reply, &baked, &block, err);
	if (code == 0)
		printf("%s: baked, mozzarella for %lld more\n", name,
			(long long)baked->mozzarella_left);
	td_object_free(block);
	td_event_unref(reply);
	return code;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT, refusal = TD_ERROR_INIT;
	struct td *td = NULL;
	int64_t mozzarella = 2;

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		bake_pizza_handle(td, bake, &mozzarella, NULL, NULL, &err) != 0 ||
		order(td, "Margherita", &err) != 0 || order(td, "Funghi", &err) != 0)
		fprintf(stderr, "command: %s\n", err.text);
	else if (order(td, "Capricciosa", &refusal) == TD_E_REFUSED)
		printf("Capricciosa: %s\n", refusal.text);
	td_close(td);
	return td_error_exit(err.code);
}
