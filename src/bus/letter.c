#include "bus/private.h"

#include <stdlib.h>

/*
 * A dead letter is an event like any other: type "td.deadletter.added", caused by the event that
 * was given up, in its story, so that whoever is responsible hears of it as of anything else.
 *
 *	subject  td.deadletter.<subscription>
 *	data     {"subscription":, "class":, "code":, "reason":,
 *"attempts":[{"number":,"at":,"code":, "reason":}...], "event":{the original, as CloudEvents JSON}}
 */

#define LETTER_BYTES_MAX (2 * (size_t)TD_DATA_BYTES_MAX)

static const char *class_name(enum td_class class_)
{
	switch (class_) {
	case TD_RETRY:
		return "retry";
	case TD_SKIP:
		return "skip";
	case TD_PARK:
		return "park";
	case TD_STOP:
		return "stop";
	}
	return "retry";
}

static void write_attempts(struct td_json_writer *w, const struct td_attempts *attempts)
{
	td_json_name(w, td_text("attempts"));
	td_json_open_array(w);
	for (unsigned i = 0; attempts != NULL && i < attempts->count; i++) {
		const struct td_attempt *attempt = &attempts->kept[i];
		char at[TD_TIME_BYTES];

		td_time_format(attempt->at, at);
		td_json_open_object(w);
		td_json_name(w, td_text("number"));
		td_json_u64(w, attempts->first + i);
		td_json_name(w, td_text("at"));
		td_json_string(w, td_text_of(at, sizeof(at)));
		td_json_name(w, td_text("code"));
		td_json_string(w, td_text(td_error_name(attempt->code)));
		td_json_name(w, td_text("reason"));
		td_json_string(w, td_text(attempt->reason));
		td_json_close_object(w);
	}
	td_json_close_array(w);
}

static int write_letter(struct td_buf *buf, const struct td_subscription *subscription,
	const struct td_event *event, enum td_class class_, int code, const char *reason,
	const struct td_attempts *attempts)
{
	struct td_json_writer w;
	struct td_buf original = TD_BUF_INIT(LETTER_BYTES_MAX);
	int failed = td_event_write_json(event, &original, NULL);

	td_json_writer_init(&w, buf);
	td_json_open_object(&w);
	td_json_name(&w, td_text("subscription"));
	td_json_string(&w, td_text(subscription->name));
	td_json_name(&w, td_text("class"));
	td_json_string(&w, td_text(class_name(class_)));
	td_json_name(&w, td_text("code"));
	td_json_string(&w, td_text(td_error_name(code)));
	td_json_name(&w, td_text("reason"));
	td_json_string(&w, td_text(reason));
	write_attempts(&w, attempts);
	td_json_name(&w, td_text("event"));
	if (failed == 0)
		td_json_raw(&w, td_buf_view(&original));
	else
		td_json_null(&w);
	td_json_close_object(&w);
	td_buf_add_char(buf, '\0'); /* the draft takes a C string */
	td_buf_fini(&original);
	return td_buf_check(buf, NULL);
}

void td_letter_announce(struct td_subscription *subscription, const struct td_event *event,
	enum td_class class_, int code, const char *reason, const struct td_attempts *attempts,
	struct td_cascade *cascade)
{
	struct td_bus *bus = subscription->bus;
	struct td_buf data = TD_BUF_INIT(LETTER_BYTES_MAX);
	struct td_buf subject = TD_BUF_INIT(TD_ATTRIBUTE_BYTES_MAX);

	/* A letter that cannot be delivered makes no letter: that would never end. */
	if (td_text_is(event->attr[TD_ATTR_TYPE], TD_DEAD_LETTER))
		return;
	td_buf_printf(&subject, "td.deadletter.%s", subscription->name);
	if (td_buf_check(&subject, NULL) != 0)
		goto done;
	if (!td_bus_anyone(bus, subject.at, TD_DEAD_LETTER))
		goto done;
	if (write_letter(&data, subscription, event, class_, code, reason, attempts) == 0) {
		struct td_draft draft = {
			.type = TD_DEAD_LETTER,
			.subject = subject.at,
			.json = data.at,
		};
		td_bus_announce(bus, &draft, event, cascade);
	}
done:
	td_buf_fini(&subject);
	td_buf_fini(&data);
}
