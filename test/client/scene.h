/*
 * A place in which something wrong is tried: one subscriber counts, so that it shows whether
 * anything happened; and all of it goes on working afterwards.
 */
#ifndef TEST_CLIENT_SCENE_H
#define TEST_CLIENT_SCENE_H

#include "../bus/place.h"

#include <tidings/typed.h>

/* clang-format off */
#define PAID(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    customer, REQUIRED) \
	FIELD(INTEGER, total,    REQUIRED)
TD_EVENT(paid, "Paid", PAID)
/* clang-format on */

#define DATA_BYTES_MAX 2000u

struct scene {
	struct td *td;
	struct td_subscription *subscription;
	struct td_topic *topic;
	struct td_event *event; /* fits the topic */
	struct td_receipt receipt;
	int heard, asked;
	const struct td_draft *answer; /* what the query "Ask" is answered with, for trying */
	int answer_code;
	struct td_error answer_err;
};

static inline int scene_hear(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	++*(int *)arg;
	return 0;
}

/* Answers with what is to be tried, and then well. */
static inline int scene_answer(const struct td_event *event, struct td_context *context, void *arg)
{
	struct scene *scene = arg;

	(void)event;
	scene->asked++;
	if (scene->answer != NULL)
		scene->answer_code = td_reply(context, scene->answer, &scene->answer_err);
	return td_reply(context, &(struct td_draft){.json = "1"}, NULL);
}

static inline void scene_init(struct scene *scene)
{
	struct td_error err = TD_ERROR_INIT;

	*scene = (struct scene){.receipt = TD_RECEIPT_INIT};
	scene->td = open_place(&(struct td_options){.data_bytes_max = DATA_BYTES_MAX});
	if (td_subscribe(scene->td, INTEREST(.name = "listener"), scene_hear, &scene->heard,
		    &scene->subscription, &err) != 0 ||
		td_handle(scene->td, TD_COMMAND, "Do", scene_hear, &scene->asked, NULL, NULL,
			&err) != 0 ||
		td_handle(scene->td, TD_QUERY, "Ask", scene_answer, scene, NULL, NULL, &err) != 0 ||
		td_topic_open(&scene->topic, scene->td, "order.42", "OrderPlaced", &err) != 0 ||
		td_event_new(&scene->event, EVENT("OrderPlaced", "order.42"), &err) != 0)
		fail_msg("%s", err.text);
}

/* Nothing was heard, owed or counted; and what is right works as before. */
static inline void scene_unchanged(struct scene *scene, const char *what)
{
	struct td_subscription_status status;
	struct td_event *reply = NULL;

	td_subscription_status(scene->subscription, &status);
	if (scene->heard != 0 || scene->asked != 0 || status.waiting + status.running != 0 ||
		status.retrying + status.parked != 0 || status.failed + status.dropped != 0)
		fail_msg("%s: something happened", what);
	if (scene->receipt.completed + scene->receipt.failed + scene->receipt.queued != 0 ||
		td_receipt_event(&scene->receipt) != NULL ||
		td_receipt_outcomes(&scene->receipt, NULL) != 0)
		fail_msg("%s: the receipt tells of something", what);
	assert_int_equal(publish(scene->td, "OrderPaid", "order.42"), 0);
	assert_int_equal(td_topic_publish(scene->topic, scene->event, NULL, NULL), 0);
	assert_int_equal(td_request(scene->td, TD_QUERY, EVENT("Ask", NULL), -1, &reply, NULL), 0);
	assert_true(td_text_is(td_event_data(reply), "1"));
	td_event_unref(reply);
	if (scene->heard != 2 || scene->asked != 1)
		fail_msg("%s: a right call heard %d, asked %d", what, scene->heard, scene->asked);
	scene->heard = scene->asked = 0;
}

static inline void scene_fini(struct scene *scene)
{
	td_receipt_fini(&scene->receipt);
	td_event_unref(scene->event);
	td_topic_close(scene->topic);
	assert_int_equal(td_close(scene->td), 0);
}

/* What must come of a wrong call. */
struct refusal {
	int code;
	const char *names; /* words that the text must have */
	size_t offset;     /* 0: not looked at; TD_NO_OFFSET: there is none; else one more */
};
#define AT(place) ((place) + 1)

static inline void assert_refused(
	const char *what, const struct refusal *refusal, int code, const struct td_error *err)
{
	if (code != refusal->code || err->code != code)
		fail_msg("%s: %s (%s), not %s: %s", what, td_error_name(code),
			td_error_name(err->code), td_error_name(refusal->code), err->text);
	if (strstr(err->text, refusal->names) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", what, err->text, refusal->names);
	if (refusal->offset == TD_NO_OFFSET
			? err->offset != TD_NO_OFFSET
			: refusal->offset != 0 && err->offset != refusal->offset - 1)
		fail_msg("%s: \"%s\" at %zu", what, err->text, err->offset);
}

#endif
