#include "client/client.h"

#include <stdarg.h>

/*
 * The door of the library: arguments are checked here, once for every place, and each call goes
 * to the place it is for.
 */

/* --- deadlines ---------------------------------------------------------------------------- */

int64_t td_deadline(int64_t timeout_ms)
{
	int64_t now = td_clock_monotonic(&td_clock_real);

	if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / 1000000)
		return INT64_MAX;
	return now + timeout_ms * 1000000;
}

int64_t td_deadline_left_ms(int64_t deadline)
{
	int64_t now = td_clock_monotonic(&td_clock_real);

	if (deadline == INT64_MAX)
		return -1;
	return deadline > now ? (deadline - now + 999999) / 1000000 : 0;
}

/* --- publish ------------------------------------------------------------------------------ */

int td_publish(struct td *td, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err)
{
	return td_publish_with(td, draft, 0, receipt, err);
}

static int check_flags(unsigned flags, struct td_error *err)
{
	if ((flags & ~(unsigned)(TD_ASYNC | TD_STOP_AT_FIRST)) != 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "flags: 0x%x", flags);
	return 0;
}

/* What kept an event from being published says so; what a handler did says which handler. */
static int published(int code, struct td_error *err)
{
	if (code != 0 && code != TD_E_HANDLER)
		td_error_wrap(err, code, "publish");
	return code;
}

int td_publish_with(struct td *td, const struct td_draft *draft, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(draft, err);
	int code = check_flags(flags, err);
	if (code == 0)
		code = td_bus_publish(td->bus, draft, flags, receipt, err);
	return published(code, err);
}

int td_publish_event(struct td *td, struct td_event *event, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(event, err);
	int code = check_flags(flags, err);
	if (code == 0)
		code = td_bus_publish_event(td->bus, event, flags, receipt, err);
	return published(code, err);
}

int td_topic_open(struct td_topic **topic, struct td *td, const char *subject, const char *type,
	struct td_error *err)
{
	TD_CHECK_GIVEN(topic, err);
	TD_CHECK_GIVEN(td, err);
	return td_bus_topic_open(topic, td->bus, subject, type, err);
}

void td_topic_close(struct td_topic *topic)
{
	td_bus_topic_close(topic);
}

/* Apart, so that the road below has one question for both. */
static __attribute__((cold, noinline)) int not_given(
	const struct td_topic *topic, struct td_error *err)
{
	return td_error_null(err, topic == NULL ? "topic" : "event");
}

/* At the start of a cache line: where it falls otherwise costs up to a sixth of what it takes. */
__attribute__((hot, aligned(64))) int td_topic_publish(struct td_topic *topic,
	struct td_event *event, struct td_receipt *receipt, struct td_error *err)
{
	if (TD_UNLIKELY(((topic == NULL) | (event == NULL)) != 0))
		return not_given(topic, err);
	return td_bus_topic_publish(topic, event, receipt, err);
}

size_t td_receipt_outcomes(struct td_receipt *receipt, const struct td_outcome **outcomes)
{
	const struct td_outcome *unseen;

	if (outcomes == NULL)
		outcomes = &unseen;
	*outcomes = NULL;
	if (receipt == NULL)
		return 0;
	return td_bus_receipt_outcomes(receipt, outcomes);
}

const struct td_event *td_receipt_event(const struct td_receipt *receipt)
{
	return receipt != NULL ? td_bus_receipt_event(receipt) : NULL;
}

void td_receipt_fini(struct td_receipt *receipt)
{
	td_bus_receipt_fini(receipt);
}

int td_await(struct td *td, struct td_receipt *receipt, int64_t timeout_ms, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(receipt, err);
	int code = td_may(td, "await:", err);
	int64_t deadline = td_deadline(timeout_ms);

	if (code == 0)
		code = td_bus_await(td->bus, receipt, timeout_ms, err);
	if (code == 0 && td->offer->await != NULL)
		code = td->offer->await(td, receipt, deadline, err);
	return code;
}

int td_drain(struct td *td, int64_t timeout_ms, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	int code = td_may(td, "drain:", err);

	if (code != 0)
		return code;
	if (td->offer->drain == NULL || td_bus_in_handler(td->bus)) /* where it says why not */
		return td_bus_drain(td->bus, timeout_ms, err);
	return td->offer->drain(td, td_deadline(timeout_ms), err);
}

/* --- handlers ----------------------------------------------------------------------------- */

/*
 * A handler always has its context. Without one there is nobody to tell: the code alone says it.
 */

int td_fail(struct td_context *context, enum td_class class_, const char *format, ...)
{
	va_list args;

	if (context == NULL)
		return TD_E_INVALID;
	va_start(args, format);
	int code = td_bus_fail(context, class_, 0, format, args);
	va_end(args);
	return code;
}

int td_fail_after(struct td_context *context, int64_t after_ms, const char *format, ...)
{
	va_list args;

	if (context == NULL)
		return TD_E_INVALID;
	va_start(args, format);
	int code = td_bus_fail(context, TD_RETRY, after_ms, format, args);
	va_end(args);
	return code;
}

int td_refuse(struct td_context *context, const char *format, ...)
{
	va_list args;

	if (context == NULL)
		return TD_E_INVALID;
	va_start(args, format);
	int code = td_bus_refuse(context, format, args);
	va_end(args);
	return code;
}

struct td *td_context_place(const struct td_context *context)
{
	return context != NULL ? td_bus_context_place(context) : NULL;
}

const struct td_event *td_context_event(const struct td_context *context)
{
	return context != NULL ? context->event : NULL;
}

struct td_subscription *td_context_subscription(const struct td_context *context)
{
	return context != NULL ? context->slot->subscription : NULL;
}

unsigned td_context_attempt(const struct td_context *context)
{
	return context != NULL ? context->attempt : 0;
}

/* --- subscribe ---------------------------------------------------------------------------- */

int td_subscribe(struct td *td, const struct td_interest *interest, td_handler *handler, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(handler, err);
	int code = td_may(td, "subscribe:", err);
	return code == 0 ? td->offer->subscribe(td, interest, handler, NULL, arg, subscription, err)
			 : code;
}

void td_unsubscribe(struct td_subscription *subscription)
{
	struct td *td;

	if (subscription == NULL)
		return;
	td = td_bus_subscription_place(subscription);
	td->offer->unsubscribe(td, subscription);
	td_bus_unsubscribe(subscription);
}

struct td_text td_subscription_name(const struct td_subscription *subscription)
{
	return subscription != NULL ? td_bus_subscription_name(subscription) : td_text(NULL);
}

int td_redrive(struct td_subscription *subscription, const char *subject, struct td_error *err)
{
	TD_CHECK_GIVEN(subscription, err);
	return td_bus_redrive(subscription, subject, err);
}

int td_dismiss(struct td_subscription *subscription, const char *subject, struct td_error *err)
{
	TD_CHECK_GIVEN(subscription, err);
	return td_bus_dismiss(subscription, subject, err);
}

int td_resume(struct td_subscription *subscription, struct td_error *err)
{
	TD_CHECK_GIVEN(subscription, err);
	return td_bus_resume(subscription, err);
}

void td_subscription_status(
	struct td_subscription *subscription, struct td_subscription_status *status)
{
	if (status == NULL)
		return;
	*status = (struct td_subscription_status){0};
	if (subscription != NULL)
		td_bus_status(subscription, status);
}

/* --- commands and queries ----------------------------------------------------------------- */

int td_handle(struct td *td, enum td_kind kind, const char *type, td_handler *handler, void *arg,
	const struct td_interest *interest, struct td_subscription **subscription,
	struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(handler, err);
	int code = td_may(td, "handle:", err);
	return code == 0 ? td_bus_handle(td->bus, kind, type, handler, NULL, arg, interest,
				   subscription, err)
			 : code;
}

int td_reply(struct td_context *context, const struct td_draft *draft, struct td_error *err)
{
	TD_CHECK_GIVEN(context, err);
	TD_CHECK_GIVEN(draft, err);
	return td_bus_reply(context, draft, err);
}

int td_request(struct td *td, enum td_kind kind, const struct td_draft *draft, int64_t timeout_ms,
	struct td_event **reply, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(draft, err);
	int code = td_may(td, "request:", err);
	return code == 0 ? td_bus_request(td->bus, kind, draft, timeout_ms, reply, err) : code;
}

int td_command(struct td *td, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(draft, err);
	int code = td_may(td, "command:", err);
	return code == 0 ? td_bus_command(td->bus, draft, receipt, err) : code;
}

/* --- the loop, looking on ----------------------------------------------------------------- */

int td_loop_fd(struct td *td)
{
	return td != NULL ? td_bus_loop_fd(td->bus) : -1;
}

int td_loop_turn(struct td *td, int64_t timeout_ms)
{
	if (td == NULL)
		return -TD_E_INVALID;
	return td->offer->loop_turn(td, timeout_ms);
}

void td_trace_set(struct td *td, td_trace_hook *hook, void *arg)
{
	if (td != NULL)
		td_bus_trace_set(td->bus, hook, arg);
}
