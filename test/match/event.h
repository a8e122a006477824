/*
 * For the tests of this room: an event from its JSON, an expression evaluated on it.
 */
#ifndef TD_TEST_MATCH_EVENT_H
#define TD_TEST_MATCH_EVENT_H

#include "match/match.h"

/* clang-format off */
#define EVENT_JSON \
	"{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/shop\",\"type\":\"OrderPlaced\"," \
	"\"subject\":\"order.42\",\"number\":5,\"least\":-2147483648,\"yes\":true,\"no\":false," \
	"\"digits\":\"12\",\"word\":\"Gr\xC3\xBC\xC3\x9F\x65\",\"truth\":\"TRUE\"," \
	"\"datacontenttype\":\"application/json\",\"data\":{\"total\":12.50,\"a\":{\"b\":1,\"c\":[1,2,3]}}}"
/* clang-format on */

static inline struct td_event *event_of(const char *json)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_event_from_json(&event, td_text(json), &err) != 0)
		fail_msg("%s: %s", json, err.text);
	return event;
}

static inline struct td_filter *filter_of(struct td_text expression)
{
	struct td_filter *filter = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_filter_sql(&filter, expression, &err) != 0)
		fail_msg("%.*s: %zu: %s", TD_TEXT_ARG(expression), err.offset, err.text);
	return filter;
}

#endif
