/*
 * The event on which the filters of fuzz_cesql and fuzz_filter_dialects are tried.
 */
#ifndef TD_FUZZ_FILTER_EVENT_H
#define TD_FUZZ_FILTER_EVENT_H

#include "match/match.h"

/* Made once, never freed. */
static inline const struct td_event *filter_event(void)
{
	static const struct td_attribute attributes[] = {
		{TD_TEXT_INIT("a"), TD_TEXT_INIT("5"), TD_INTEGER},
		{TD_TEXT_INIT("b"), TD_TEXT_INIT("true"), TD_BOOLEAN},
		{TD_TEXT_INIT("c"), TD_TEXT_INIT("-2147483648"), TD_INTEGER},
		{TD_TEXT_INIT("d"), TD_TEXT_INIT("12"), TD_STRING},
		{TD_TEXT_INIT("e"), TD_TEXT_INIT(" Gr\xC3\xBC\xC3\x9F\x65 \xE2\x82\xAC "),
			TD_STRING},
	};
	static const uint8_t uuid[16];
	static struct td_event *event;
	const struct td_draft draft = {
		.id = "7",
		.type = "OrderPlaced",
		.subject = "order.42",
		.attributes = attributes,
		.attributes_count = sizeof(attributes) / sizeof(attributes[0]),
	};
	const struct td_origin origin = {.source = TD_TEXT_INIT("/shop"), .uuid = uuid};

	if (event == NULL)
		TD_ASSERT(td_event_make(&event, &draft, &origin, NULL) == 0);
	return event;
}

#endif
