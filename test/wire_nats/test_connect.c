#include "nats_test.h"

static enum td_nats_error read(
	const char *json, struct td_nats_connect *connect, struct td_buf *buf, struct td_error *err)
{
	return td_nats_connect_read(connect, td_text(json), buf, err);
}

static void what_is_not_said_is_as_without_connect(void **state)
{
	struct td_nats_connect said, unsaid;
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_nats_connect_init(&unsaid);
	assert_true(unsaid.verbose && unsaid.pedantic && unsaid.echo && !unsaid.headers);
	assert_int_equal(read("{}", &said, &buf, NULL), TD_NATS_FINE);
	assert_memory_equal(&said, &unsaid, sizeof(said));
	assert_int_equal(read("null", &said, &buf, NULL), TD_NATS_FINE);
	assert_int_equal(read("{\"verbose\":null,\"user\":null,\"protocol\":null,\"x\":1e999}",
				 &said, &buf, NULL),
		TD_NATS_FINE);
	assert_memory_equal(&said, &unsaid, sizeof(said));
	td_buf_fini(&buf);
}

static void every_field_is_read(void **state)
{
	struct td_nats_connect c;
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(
		read("{\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,"
		     "\"no_responders\":true,\"tls_required\":true,\"protocol\":1,\"user\":\"u\","
		     "\"pass\":\"p\",\"auth_token\":\"t\",\"nkey\":\"k\",\"sig\":\"s\",\"jwt\":"
		     "\"j\","
		     "\"account\":\"a\",\"new_account\":\"n\",\"name\":\"me\",\"lang\":\"C\","
		     "\"version\":\"3.4.1\"}",
			&c, &buf, NULL),
		TD_NATS_FINE);
	assert_true(!c.verbose && !c.pedantic && !c.echo);
	assert_true(c.headers && c.no_responders && c.tls_required && c.protocol == 1);
	assert_true(td_text_is(c.user, "u") && td_text_is(c.pass, "p"));
	assert_true(td_text_is(c.auth_token, "t") && td_text_is(c.nkey, "k"));
	assert_true(td_text_is(c.sig, "s") && td_text_is(c.jwt, "j"));
	assert_true(td_text_is(c.account, "a") && td_text_is(c.new_account, "n"));
	assert_true(td_text_is(c.name, "me") && td_text_is(c.lang, "C"));
	assert_true(td_text_is(c.version, "3.4.1"));
	td_buf_fini(&buf);
}

static void names_are_found_in_any_case_and_the_last_counts(void **state)
{
	struct td_nats_connect c;
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(read("{\"VERBOSE\":false,\"v\\u0065rbos\":1}", &c, &buf, NULL), 0);
	assert_false(c.verbose);
	assert_int_equal(read("{\"verbose\":false,\"v\\u0065rbose\":true}", &c, &buf, NULL), 0);
	assert_true(c.verbose);
	td_buf_fini(&buf);
}

static void texts_are_unescaped_and_stay(void **state)
{
	struct td_nats_connect c;
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(
		read("{\"user\":\"a\\\"b\",\"pass\":\"\\u00f6\\n\",\"name\":\"\"}", &c, &buf, NULL),
		0);
	assert_true(td_text_is(c.user, "a\"b"));
	assert_true(td_text_is(c.pass, "\xC3\xB6\n"));
	assert_true(td_text_is(c.name, ""));
	td_buf_fini(&buf);
}

static void what_is_wrong_is_refused_and_named(void **state)
{
	static const struct {
		const char *json;
		enum td_nats_error error;
		const char *text;
	} wrong[] = {
		{"", TD_NATS_E_CONNECT, "CONNECT: "},
		{"{", TD_NATS_E_CONNECT, "CONNECT: "},
		{"{} x", TD_NATS_E_CONNECT, "CONNECT: "},
		{"[]", TD_NATS_E_CONNECT, "CONNECT: an object is needed"},
		{"7", TD_NATS_E_CONNECT, "CONNECT: an object is needed"},
		{"{\"verbose\":\"x\"}", TD_NATS_E_CONNECT, "CONNECT: \"verbose\": not of the kind"},
		{"{\"name\":7}", TD_NATS_E_CONNECT, "CONNECT: \"name\": not of the kind"},
		{"{\"protocol\":1.0}", TD_NATS_E_CONNECT, "CONNECT: \"protocol\": not of the kind"},
		{"{\"protocol\":1e0}", TD_NATS_E_CONNECT, "CONNECT: \"protocol\": not of the kind"},
		{"{\"protocol\":\"1\"}", TD_NATS_E_CONNECT, "CONNECT: \"protocol\": not of"},
		{"{\"protocol\":99999999999999999999}", TD_NATS_E_CONNECT, "CONNECT: "},
		{"{\"name\":\"\xFF\"}", TD_NATS_E_CONNECT, "CONNECT: "},
		{"{\"protocol\":2}", TD_NATS_E_PROTOCOL, "CONNECT: protocol is neither 0 nor 1"},
		{"{\"protocol\":-1}", TD_NATS_E_PROTOCOL, "CONNECT: protocol is neither 0 nor 1"},
		{"{\"no_responders\":true}", TD_NATS_E_NO_RESPONDERS, "CONNECT: no_responders"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct td_nats_connect c, before;
		struct td_buf buf = TD_BUF_INIT(4096);
		struct td_error err = TD_ERROR_INIT;

		memset(&c, 0x5A, sizeof(c));
		memcpy(&before, &c, sizeof(c));
		assert_int_equal(read(wrong[i].json, &c, &buf, &err), wrong[i].error);
		assert_memory_equal(&c, &before, sizeof(c));
		assert_memory_equal(err.text, wrong[i].text, strlen(wrong[i].text));
		td_buf_fini(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_is_as_without_connect),
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(names_are_found_in_any_case_and_the_last_counts),
		cmocka_unit_test(texts_are_unescaped_and_stay),
		cmocka_unit_test(what_is_wrong_is_refused_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
