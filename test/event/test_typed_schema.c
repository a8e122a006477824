#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "typed_sample.h"

static void schema_says_what_is_encoded(void **state)
{
	struct td_bytes json = TD_BYTES_INIT;

	(void)state;
	assert_int_equal(order_placed_schema(&json, NULL), 0);
	assert_text(td_text_of(json.at, json.len),
		"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		"\"title\":\"OrderPlaced\",\"type\":\"object\",\"properties\":{"
		"\"customer\":{\"type\":\"string\"},"
		"\"total\":{\"type\":\"string\",\"pattern\":\"^-?[0-9]+(\\\\.[0-9]+)?$\"},"
		"\"due\":{\"type\":\"string\",\"format\":\"date-time\"},"
		"\"notes\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
		"\"deliver_to\":{\"$ref\":\"#/$defs/place\"},"
		"\"pizzas\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/pizza\"}}},"
		"\"required\":[\"customer\",\"total\",\"pizzas\"],"
		"\"$defs\":{\"place\":{\"type\":\"object\",\"properties\":{"
		"\"street\":{\"type\":\"string\"},\"east\":{\"type\":\"number\"}},"
		"\"required\":[\"street\"]},"
		"\"pizza\":{\"type\":\"object\",\"properties\":{"
		"\"name\":{\"type\":\"string\"},"
		"\"count\":{\"type\":\"integer\",\"minimum\":-9223372036854775808,"
		"\"maximum\":9223372036854775807},"
		"\"origin\":{\"$ref\":\"#/$defs/place\"}},"
		"\"required\":[\"name\",\"count\"]}}}");
	td_bytes_fini(&json);
	assert_int_equal(nothing_schema(&json, NULL), 0);
	assert_text(td_text_of(json.at, json.len),
		"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
		"\"title\":\"Nothing\",\"type\":\"object\",\"properties\":{}}");
	td_bytes_fini(&json);
}

static void schema_of_every_kind_has_every_field_and_only_known_references(void **state)
{
	struct td_bytes json = TD_BYTES_INIT;
	struct td_json schema, properties, required, name, value;
	size_t required_count = 0;

	(void)state;
	assert_int_equal(all_schema(&json, NULL), 0);
	assert_int_equal(td_json_parse(td_text_of(json.at, json.len), 0, &schema, NULL), 0);
	properties = td_json_get(schema, T("properties"));
	required = td_json_get(schema, T("required"));
	assert_int_equal(td_json_count(properties), all_type.fields_count);
	for (size_t i = 0; i < all_type.fields_count; i++) {
		const struct td_field *field = &all_type.fields[i];
		struct td_json property = td_json_get(properties, td_text(field->name));

		assert_int_equal(property.kind, TD_JSON_OBJECT);
		if (field->list)
			property = td_json_get(property, T("items"));
		assert_int_equal(
			td_json_get(property, field->type != NULL ? T("$ref") : T("type")).kind,
			TD_JSON_STRING);
		required_count += field->required;
	}
	assert_int_equal(td_json_count(required), required_count);
	assert_int_equal(td_json_count(td_json_get(schema, T("$defs"))), 2);
	for (struct td_json_iter iter = td_json_iterate(required);
		td_json_next(&iter, &name, &value);)
		assert_int_equal(
			td_json_get(properties, td_json_inside(value)).kind, TD_JSON_OBJECT);
	td_bytes_fini(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_says_what_is_encoded),
		cmocka_unit_test(schema_of_every_kind_has_every_field_and_only_known_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
