#include "client/client.h"

/*
 * Typed subscriptions: the place calls the declaration's trampoline with the struct.
 */

int td_subscribe_object(struct td *td, const struct td_interest *interest,
	const struct td_type *type, void (*handler)(void), td_object_call *call, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	struct td_typed_handler typed = {type, handler, call};

	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(handler, err);
	TD_CHECK_GIVEN(call, err);
	int code = td_may(td, "subscribe:", err);
	return code == 0 ? td->offer->subscribe(td, interest, NULL, &typed, arg, subscription, err)
			 : code;
}

int td_handle_object(struct td *td, enum td_kind kind, const struct td_interest *interest,
	const struct td_type *type, void (*handler)(void), td_object_call *call, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	struct td_typed_handler typed = {type, handler, call};

	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(handler, err);
	TD_CHECK_GIVEN(call, err);
	int code = td_may(td, "handle:", err);
	if (code != 0)
		return code;
	return td_bus_handle(
		td->bus, kind, td_type_name(type), NULL, &typed, arg, interest, subscription, err);
}
