#include "client/client.h"

#include <stdarg.h>

/*
 * The door of the library: arguments are checked here, once for every place, and each call goes
 * to the place it is for.
 */

static int null_argument(const char *name, struct td_error *err)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: NULL", name);
}

#define CHECK(argument, err)                                  \
	do {                                                  \
		if (TD_UNLIKELY((argument) == NULL))          \
			return null_argument(#argument, err); \
	} while (0)

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

int td_publish_with(struct td *td, const struct td_draft *draft, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	CHECK(td, err);
	CHECK(draft, err);
	int code = check_flags(flags, err);
	return code != 0 ? code : td_bus_publish(td->bus, draft, flags, receipt, err);
}

int td_publish_event(struct td *td, struct td_event *event, unsigned flags,
	struct td_receipt *receipt, struct td_error *err)
{
	CHECK(td, err);
	CHECK(event, err);
	int code = check_flags(flags, err);
	return code != 0 ? code : td_bus_publish_event(td->bus, event, flags, receipt, err);
}

int td_topic_open(struct td_topic **topic, struct td *td, const char *subject, const char *type,
	struct td_error *err)
{
	CHECK(topic, err);
	CHECK(td, err);
	return td_bus_topic_open(topic, td->bus, subject, type, err);
}

void td_topic_close(struct td_topic *topic)
{
	td_bus_topic_close(topic);
}

__attribute__((hot)) int td_topic_publish(struct td_topic *topic, struct td_event *event,
	struct td_receipt *receipt, struct td_error *err)
{
	return td_bus_topic_publish(topic, event, receipt, err);
}

size_t td_receipt_outcomes(struct td_receipt *receipt, const struct td_outcome **outcomes)
{
	return td_bus_receipt_outcomes(receipt, outcomes);
}

const struct td_event *td_receipt_event(const struct td_receipt *receipt)
{
	return td_bus_receipt_event(receipt);
}

void td_receipt_fini(struct td_receipt *receipt)
{
	td_bus_receipt_fini(receipt);
}

int td_await(struct td *td, struct td_receipt *receipt, int64_t timeout_ms, struct td_error *err)
{
	CHECK(td, err);
	CHECK(receipt, err);
	return td_bus_await(td->bus, receipt, timeout_ms, err);
}

int td_drain(struct td *td, int64_t timeout_ms, struct td_error *err)
{
	CHECK(td, err);
	return td_bus_drain(td->bus, timeout_ms, err);
}

/* --- handlers ----------------------------------------------------------------------------- */

int td_fail(struct td_context *context, enum td_class class_, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int code = td_bus_fail(context, class_, 0, format, args);
	va_end(args);
	return code;
}

int td_fail_after(struct td_context *context, int64_t after_ms, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int code = td_bus_fail(context, TD_RETRY, after_ms, format, args);
	va_end(args);
	return code;
}

int td_refuse(struct td_context *context, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int code = td_bus_refuse(context, format, args);
	va_end(args);
	return code;
}

struct td *td_context_place(const struct td_context *context)
{
	return td_bus_context_place(context);
}

const struct td_event *td_context_event(const struct td_context *context)
{
	return context->event;
}

struct td_subscription *td_context_subscription(const struct td_context *context)
{
	return context->slot->subscription;
}

unsigned td_context_attempt(const struct td_context *context)
{
	return context->attempt;
}

/* --- subscribe ---------------------------------------------------------------------------- */

int td_subscribe(struct td *td, const struct td_interest *interest, td_handler *handler, void *arg,
	struct td_subscription **subscription, struct td_error *err)
{
	CHECK(td, err);
	CHECK(handler, err);
	return td_bus_subscribe(td->bus, interest, handler, NULL, arg, subscription, err);
}

void td_unsubscribe(struct td_subscription *subscription)
{
	td_bus_unsubscribe(subscription);
}

struct td_text td_subscription_name(const struct td_subscription *subscription)
{
	return td_bus_subscription_name(subscription);
}

int td_redrive(struct td_subscription *subscription, const char *subject, struct td_error *err)
{
	CHECK(subscription, err);
	return td_bus_redrive(subscription, subject, err);
}

int td_dismiss(struct td_subscription *subscription, const char *subject, struct td_error *err)
{
	CHECK(subscription, err);
	return td_bus_dismiss(subscription, subject, err);
}

int td_resume(struct td_subscription *subscription, struct td_error *err)
{
	CHECK(subscription, err);
	return td_bus_resume(subscription, err);
}

void td_subscription_status(
	struct td_subscription *subscription, struct td_subscription_status *status)
{
	td_bus_status(subscription, status);
}

/* --- commands and queries ----------------------------------------------------------------- */

int td_handle(struct td *td, enum td_kind kind, const char *type, td_handler *handler, void *arg,
	const struct td_interest *interest, struct td_subscription **subscription,
	struct td_error *err)
{
	CHECK(td, err);
	CHECK(handler, err);
	return td_bus_handle(td->bus, kind, type, handler, NULL, arg, interest, subscription, err);
}

int td_reply(struct td_context *context, const struct td_draft *draft, struct td_error *err)
{
	CHECK(context, err);
	CHECK(draft, err);
	return td_bus_reply(context, draft, err);
}

int td_request(struct td *td, enum td_kind kind, const struct td_draft *draft, int64_t timeout_ms,
	struct td_event **reply, struct td_error *err)
{
	CHECK(td, err);
	CHECK(draft, err);
	return td_bus_request(td->bus, kind, draft, timeout_ms, reply, err);
}

int td_command(struct td *td, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err)
{
	CHECK(td, err);
	CHECK(draft, err);
	return td_bus_command(td->bus, draft, receipt, err);
}

/* --- the loop, looking on ----------------------------------------------------------------- */

int td_loop_fd(struct td *td)
{
	return td_bus_loop_fd(td->bus);
}

int td_loop_turn(struct td *td, int64_t timeout_ms)
{
	return td_bus_loop_turn(td->bus, timeout_ms);
}

void td_trace_set(struct td *td, td_trace_hook *hook, void *arg)
{
	td_bus_trace_set(td->bus, hook, arg);
}
