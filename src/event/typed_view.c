/* The struct of an event: its own, or made from its data. */
#include "event/event.h"

#include "event/typed_field.h"

static int decode_data(const struct td_event *event, const struct td_type *type, void **block,
	struct td_error *err)
{
	struct td_text content_type = event->attr[TD_ATTR_DATACONTENTTYPE];
	struct td_text data;
	int code = td_event_data_get(event, &data, err); /* its errors begin with "data" */

	if (code != 0)
		return code;
	if (data.at == NULL)
		return td_error_set(err, TD_E_DATA, TD_NO_OFFSET, "data: missing");
	if (!td_content_type_is_json(content_type))
		return td_error_set(err, TD_E_DATA, TD_NO_OFFSET,
			"data: JSON was expected, found %.*s", TD_TEXT_ARG(content_type));
	code = td_type_decode(type, data, block, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "data");
}

int td_event_object(const struct td_event *event, const struct td_type *type, const void **object,
	void **block, struct td_error *err)
{
	int code;

	if (event->object != NULL && td_type_same(event->object_type, type)) {
		*object = event->object;
		*block = NULL;
		return 0;
	}
	code = decode_data(event, type, block, err);
	if (code != 0)
		return td_error_wrap(err, code, "type %s", type->name);
	*object = *block;
	return 0;
}

int td_object_view(const struct td_event *event, const struct td_type *type, const void **object,
	void **block, struct td_error *err)
{
	TD_CHECK_GIVEN(event, err);
	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(object, err);
	TD_CHECK_GIVEN(block, err);
	return td_event_object(event, type, object, block, err);
}
