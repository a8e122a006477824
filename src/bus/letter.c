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

static void write_event(struct td_json_writer *w, const char *name, const struct td_event *event)
{
	struct td_buf json = TD_BUF_INIT(LETTER_BYTES_MAX);

	td_json_name(w, td_text(name));
	if (td_event_write_json(event, &json, NULL) == 0)
		td_json_raw(w, td_buf_view(&json));
	else
		td_json_null(w);
	td_buf_fini(&json);
}

/* The subject, if anybody would hear of it. */
static bool is_wanted(struct td_bus *bus, struct td_buf *subject, const char *type,
	const char *prefix, const char *name)
{
	td_buf_printf(subject, "%s%s", prefix, name);
	return td_buf_check(subject, NULL) == 0 && td_bus_anyone(bus, subject->at, type);
}

static void announce(struct td_bus *bus, const char *type, const struct td_buf *subject,
	struct td_buf *data, const struct td_event *cause, struct td_cascade *cascade)
{
	td_buf_add_char(data, '\0'); /* the draft takes a C string */
	if (td_buf_check(data, NULL) == 0) {
		struct td_draft draft = {.type = type, .subject = subject->at, .json = data->at};

		td_bus_announce(bus, &draft, cause, cascade);
	}
}

void td_letter_announce(struct td_subscription *subscription, const struct td_event *event,
	enum td_class class_, int code, const char *reason, const struct td_attempts *attempts,
	struct td_cascade *cascade)
{
	struct td_attempts only = {.first = 1, .count = 1};
	struct td_bus *bus = subscription->bus;
	struct td_buf data = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_json_writer w;

	if (attempts == NULL) { /* a plain handler's: there was one */
		only.kept[0].at = td_clock_wall(bus->clock);
		only.kept[0].code = code;
		snprintf(only.kept[0].reason, sizeof(only.kept[0].reason), "%.*s",
			(int)sizeof(only.kept[0].reason) - 1, reason);
		attempts = &only;
	}
	/* A letter that cannot be delivered makes no letter: that would never end. */
	if (td_text_is(event->attr[TD_ATTR_TYPE], TD_DEAD_LETTER) ||
		!is_wanted(bus, &subject, TD_DEAD_LETTER, "td.deadletter.", subscription->name))
		goto done;
	td_json_writer_init(&w, &data);
	td_json_open_object(&w);
	td_json_name(&w, td_text("subscription"));
	td_json_string(&w, td_text(subscription->name));
	td_json_name(&w, td_text("class"));
	td_json_string(&w, td_text(td_class_name(class_)));
	write_why(&w, code, reason);
	write_attempts(&w, attempts);
	write_event(&w, "event", event);
	td_json_close_object(&w);
	announce(bus, TD_DEAD_LETTER, &subject, &data, event, cascade);
done:
	td_buf_fini(&subject);
	td_buf_fini(&data);
}

void td_letter_outcome(struct td_subscription *handler, const struct td_event *command,
	const struct td_context *context, int code)
{
	const char *type = code == 0          ? TD_COMMAND_DONE
			   : context->refused ? TD_COMMAND_REFUSED
					      : TD_COMMAND_FAILED;
	struct td_bus *bus = handler->bus;
	struct td_buf data = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);
	struct td_json_writer w;

	if (!is_wanted(bus, &subject, type, "td.command.", handler->types[0]))
		goto done;
	td_json_writer_init(&w, &data);
	td_json_open_object(&w);
	td_json_name(&w, td_text("handler"));
	td_json_string(&w, td_text(handler->name));
	if (code != 0)
		write_why(&w, code, context->reason);
	write_event(&w, "command", command);
	td_json_close_object(&w);
	announce(bus, type, &subject, &data, command, context->cascade);
done:
	td_buf_fini(&subject);
	td_buf_fini(&data);
}
