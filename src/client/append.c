#include "client/client.h"

#include <stdlib.h>

/*
 * Appending: events of drafts, then what publishing several at once is.
 */

#define APPENDINGS_MAX 65536u

static int make_events(struct td *td, const struct td_appending *appendings, size_t count,
	struct td_event **events, struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++) {
		const struct td_appending *a = &appendings[i];

		if ((a->draft == NULL) == (a->event == NULL))
			code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"a draft or an event is needed, and one of them");
		else if ((unsigned)a->expected > TD_IF_REVISION)
			code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"expected: no such value: %d", (int)a->expected);
		else if (a->draft != NULL)
			code = td_bus_make(td->bus, a->draft, &events[i], err);
		else if (td_event_kind(a->event) != TD_EVENT_KIND)
			code = td_error_set(
				err, TD_E_INVALID, TD_NO_OFFSET, "event: only events are appended");
		else if ((events[i] = td_event_ref(a->event)) == NULL)
			code = td_error_nomem(err);
		if (code != 0 && count > 1)
			td_error_wrap(err, code, "[%zu]", i);
	}
	return code;
}

static void tell(const struct td_kept *told, size_t count, struct td_appended *appended)
{
	for (size_t i = 0; i < count; i++)
		appended[i] = (struct td_appended){
			.where = told[i].stored ? told[i].where : (struct td_where){0},
			.duplicate = told[i].stored && told[i].duplicate,
			.code = told[i].refused,
			.found = told[i].found,
		};
}

int td_append(struct td *td, const struct td_appending *appendings, size_t count,
	struct td_appended *appended, struct td_receipt *receipt, struct td_error *err)
{
	struct td_event **events;
	struct td_kept *told;
	int code;

	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(appendings, err);
	if (count == 0 || count > APPENDINGS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"append: %zu events, 1 to %u are possible", count, APPENDINGS_MAX);
	code = td_may(td, "append:", err);
	if (code != 0)
		return code;
	events = calloc(count, sizeof(struct td_event *));
	told = calloc(count, sizeof(*told));
	if (events == NULL || told == NULL)
		code = td_error_nomem(err);
	if (code == 0)
		code = make_events(td, appendings, count, events, err);
	if (code == 0)
		code = td_bus_publish_all(td->bus, (const struct td_event *const *)events, count, 0,
			appendings, told, receipt, err);
	if (appended != NULL && told != NULL)
		tell(told, count, appended);
	for (size_t i = 0; events != NULL && i < count; i++)
		td_event_unref(events[i]);
	free(events);
	free(told);
	if (code != 0 && code != TD_E_HANDLER)
		td_error_wrap(err, code, "append");
	return code;
}

int td_receipt_where(const struct td_receipt *receipt, struct td_where *where, bool *duplicate)
{
	const struct td_where *kept;
	bool unseen;

	if (receipt == NULL || where == NULL)
		return TD_E_INVALID;
	kept = td_bus_receipt_where(receipt, duplicate != NULL ? duplicate : &unseen);
	if (kept == NULL)
		return TD_E_NOT_FOUND;
	*where = *kept;
	return 0;
}

uint64_t td_receipt_position(const struct td_receipt *receipt)
{
	bool duplicate;
	const struct td_where *kept =
		receipt != NULL ? td_bus_receipt_where(receipt, &duplicate) : NULL;

	return kept != NULL ? kept->position : 0;
}
