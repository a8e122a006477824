#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * Several events, all or none: accepted one by one as a single one is, kept at once.
 */

struct batch {
	size_t count;
	struct td_routes *routes;
	struct td_accepting *accepting;
	struct td_kept *kept;
};

static void batch_fini(struct batch *batch, size_t routed)
{
	for (size_t i = 0; i < routed; i++)
		td_routes_fini(&batch->routes[i]);
	free(batch->routes);
	free(batch->accepting);
	free(batch->kept);
}

/* Ready to be kept: routes, places in queues, nodes for all; or nothing. */
static int batch_prepare(struct td_bus *bus, struct batch *batch,
	const struct td_event *const *events, unsigned flags, struct td_cascade *cascade,
	size_t *routed, struct td_error *err)
{
	size_t ready = 0;
	int code = 0;

	batch->routes = malloc(batch->count * sizeof(batch->routes[0]));
	batch->accepting = calloc(batch->count, sizeof(batch->accepting[0]));
	batch->kept = calloc(batch->count, sizeof(batch->kept[0]));
	if (batch->routes == NULL || batch->accepting == NULL || batch->kept == NULL)
		return td_error_nomem(err);
	for (; code == 0 && *routed < batch->count; ready += code == 0) {
		struct td_accepting *a = &batch->accepting[*routed];

		*a = (struct td_accepting){
			.event = events[*routed], .routes = &batch->routes[*routed]};
		td_routes_init(a->routes);
		(*routed)++;
		if (td_routes_find(a->routes, bus, a->event) != 0)
			code = td_error_nomem(err);
		if (code == 0)
			code = td_accept_prepare(bus, a, flags, true, cascade, err);
		if (code == 0)
			batch->kept[ready].turn = a->turn;
	}
	while (code != 0 && ready > 0)
		td_accept_cancel(&batch->accepting[--ready]);
	return code;
}

int td_bus_publish_all(struct td_bus *bus, const struct td_event *const *events, size_t count,
	unsigned flags, const void *asked, struct td_kept *told, struct td_receipt *receipt,
	struct td_error *err)
{
	const struct td_keeper *keeper = td_bus_keeper(bus);
	struct batch batch = {.count = count};
	struct td_receipt_book *book = NULL;
	struct td_cascade cascade, *where;
	struct td_context *context;
	struct td_inside inside;
	size_t routed = 0;
	int code = td_bus_check_open(bus, err);

	td_receipt_empty(receipt);
	if (code != 0)
		return code;
	if (keeper == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "there is no log");
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	context = td_bus_context(bus);
	if (receipt != NULL)
		code = td_book_open(receipt, bus, events[0], &book, err);
	td_cascade_init(&cascade, book, err);
	cascade.may_wait = inside.outermost;
	where = context != NULL ? td_context_cascade(context) : &cascade;
	if (code == 0)
		code = td_accept_check_room(where, flags, err);
	if (code == 0)
		code = batch_prepare(bus, &batch, events, flags, &cascade, &routed, err);
	if (code == 0) {
		struct td_keeping keeping = {events, count, batch.kept, asked};

		code = keeper->keep(keeper->arg, &keeping, err);
		if (code == 0 && book != NULL)
			td_book_where(book, &batch.kept[0]);
		if (told != NULL)
			memcpy(told, batch.kept, count * sizeof(*told));
		for (size_t i = 0; i < count; i++) {
			if (code != 0 || batch.kept[i].duplicate)
				td_accept_cancel(&batch.accepting[i]);
			else
				td_accept_commit(bus, &batch.accepting[i], flags, &cascade, where);
		}
	}
	if (context == NULL)
		td_cascade_run(bus, &cascade);
	batch_fini(&batch, routed);
	if (code == 0)
		code = td_cascade_result(&cascade, receipt);
	else
		td_receipt_empty(receipt);
	td_bus_leave(&inside);
	return code;
}
