#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * What the library itself announces: dead letters, and what became of commands. Events like any
 * other, caused by what they tell of and in its story, so that whoever is responsible hears of it
 * as of anything else.
 *
 *	td.deadletter.added, subject td.deadletter.<subscription>
 *	{"subscription":, "class":, "code":, "reason":,
 *	 "attempts": [{"number":, "at":, "code":, "reason":}...],
 *	 "event": {the original, as CloudEvents JSON}}
 *
 *	td.command.done, .refused, .failed, subject td.command.<Type>
 *	{"handler":, "code":, "reason":, "command": {as CloudEvents JSON}}; done has neither code
 *	nor reason
 *
 * An event that does not fit into another, for its data is too large or nested too deep, stands
 * there without data; so does one whose data can be forgotten where it is kept. What cannot be told at all is counted, as `untold` of the subscription.
 */

#define LETTER_BYTES_MAX (2 * (size_t)TD_DATA_BYTES_MAX)

static void write_why(struct td_json_writer *w, int code, const char *reason)
{
	td_json_name(w, td_text("code"));
	td_json_string(w, td_text(td_error_name(code)));
	td_json_name(w, td_text("reason"));
	td_json_string(w, td_text(reason));
}

static void write_attempts(struct td_json_writer *w, const struct td_attempts *attempts)
{
	td_json_name(w, td_text("attempts"));
	td_json_open_array(w);
	for (unsigned i = 0; i < attempts->count; i++) {
		const struct td_attempt *attempt = &attempts->kept[i];
		char at[TD_TIME_BYTES];

		td_time_format(attempt->at, at);
		td_json_open_object(w);
		td_json_name(w, td_text("number"));
		td_json_u64(w, attempts->first + i);
		td_json_name(w, td_text("at"));
		td_json_string(w, td_text_of(at, sizeof(at)));
		write_why(w, attempt->code, attempt->reason);
		td_json_close_object(w);
	}
	td_json_close_array(w);
}

static int write_event(
	struct td_json_writer *w, const char *name, const struct td_event *event, bool bare)
{
	const struct td_text absent = {NULL, 0};
	struct td_buf json = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_event *without = NULL;
	int code = 0;

	if (bare)
		code = td_event_with_data(&without, event, absent, TD_DATA_NONE, absent, NULL);
	if (code == 0)
		code = td_event_write_json(bare ? without : event, &json, NULL);
	td_json_name(w, td_text(name));
	td_json_raw(w, td_buf_view(&json));
	td_event_unref(without);
	td_buf_fini(&json);
	return code;
}

/* The subject, if anybody would hear of it. */
static int find_wanted(struct td_subscription *subscription, struct td_buf *subject,
	const char *type, const char *prefix, const char *name, bool *wanted)
{
	int code;

	td_buf_printf(subject, "%s%s", prefix, name);
	code = td_buf_check(subject, NULL);
	*wanted = code == 0 && (td_bus_keeper(subscription->bus) != NULL ||
				       td_bus_anyone(subscription->bus, subject->at, type));
	return code;
}

/* `head` is the object so far; what it lacks is the event. */
static int announce(struct td_bus *bus, const char *type, const struct td_buf *subject,
	const struct td_json_writer *head, const char *name, const struct td_event *event,
	bool bare, struct td_cascade *cascade)
{
	struct td_buf data = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_json_writer w = *head;
	int code = td_buf_check(head->buf, NULL);

	w.buf = &data;
	td_buf_add_text(&data, td_buf_view(head->buf));
	if (code == 0)
		code = write_event(&w, name, event, bare);
	td_json_close_object(&w);
	td_buf_add_char(&data, '\0'); /* the draft takes a C string */
	if (code == 0)
		code = td_buf_check(&data, NULL);
	if (code == 0) {
		struct td_draft draft = {.type = type, .subject = subject->at, .json = data.at};

		code = td_bus_announce(bus, &draft, event, cascade);
	}
	td_buf_fini(&data);
	return code;
}

static int announce_somehow(struct td_bus *bus, const char *type, const struct td_buf *subject,
	const struct td_json_writer *head, const char *name, const struct td_event *event,
	struct td_cascade *cascade)
{
	const struct td_keeper *keeper = td_bus_keeper(bus);
	int code = TD_E_DATA;

	if (keeper == NULL || keeper->seals == NULL || !keeper->seals(keeper->arg, event))
		code = announce(bus, type, subject, head, name, event, false, cascade);

	if (code == TD_E_JSON || code == TD_E_DATA || code == TD_E_TOO_LARGE)
		code = announce(bus, type, subject, head, name, event, true, cascade);
	return code;
}

static void count_untold(struct td_subscription *subscription, int code)
{
	if (code != 0)
		atomic_fetch_add_explicit(&subscription->untold, 1, memory_order_relaxed);
}

void td_letter_announce(struct td_subscription *subscription, const struct td_event *event,
	enum td_class class_, int code, const char *reason, const struct td_attempts *attempts,
	struct td_cascade *cascade)
{
	struct td_attempts only = {.first = 1, .count = 1};
	struct td_bus *bus = subscription->bus;
	struct td_buf head = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_json_writer w;
	bool wanted;
	int told;

	/* A letter that cannot be delivered makes no letter: that would never end. */
	if (td_text_is(event->attr[TD_ATTR_TYPE], TD_DEAD_LETTER))
		return;
	told = find_wanted(subscription, &subject, TD_DEAD_LETTER, "td.deadletter.",
		subscription->name, &wanted);
	if (!wanted)
		goto done;
	if (attempts == NULL) { /* a plain handler's: there was one */
		only.kept[0].at = td_clock_wall(bus->clock);
		only.kept[0].code = code;
		snprintf(only.kept[0].reason, sizeof(only.kept[0].reason), "%.*s",
			(int)sizeof(only.kept[0].reason) - 1, reason);
		attempts = &only;
	}
	td_json_writer_init(&w, &head);
	td_json_open_object(&w);
	td_json_name(&w, td_text("subscription"));
	td_json_string(&w, td_text(subscription->name));
	td_json_name(&w, td_text("class"));
	td_json_string(&w, td_text(td_class_name(class_)));
	write_why(&w, code, reason);
	write_attempts(&w, attempts);
	told = announce_somehow(bus, TD_DEAD_LETTER, &subject, &w, "event", event, cascade);
done:
	count_untold(subscription, told);
	td_buf_fini(&subject);
	td_buf_fini(&head);
}

void td_letter_outcome(struct td_subscription *handler, const struct td_event *command,
	const struct td_context *context, int code)
{
	const char *type = code == 0          ? TD_COMMAND_DONE
			   : context->refused ? TD_COMMAND_REFUSED
					      : TD_COMMAND_FAILED;
	struct td_bus *bus = handler->bus;
	struct td_buf head = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_json_writer w;
	bool wanted;
	int told = find_wanted(handler, &subject, type, "td.command.", handler->types[0], &wanted);

	if (!wanted)
		goto done;
	td_json_writer_init(&w, &head);
	td_json_open_object(&w);
	td_json_name(&w, td_text("handler"));
	td_json_string(&w, td_text(handler->name));
	if (code != 0)
		write_why(&w, code, context->reason);
	told = announce_somehow(bus, type, &subject, &w, "command", command, context->cascade);
done:
	count_untold(handler, told);
	td_buf_fini(&subject);
	td_buf_fini(&head);
}
