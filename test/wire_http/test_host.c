#include "http_test.h"

static void hosts_are_a_name_and_a_port(void **state)
{
	static const struct {
		const char *text, *name; /* NULL: none */
		uint32_t port;
	} cases[] = {
		{"localhost", "localhost", 0},
		{"localhost:8222", "localhost", 8222},
		{"a.b-c_d~e!$&'()*+,;=", "a.b-c_d~e!$&'()*+,;=", 0},
		{"127.0.0.1:0", "127.0.0.1", 0},
		{"a:", "a", 0},
		{"[::1]", "[::1]", 0},
		{"[::1]:80", "[::1]", 80},
		{"[fe80::1.2.3.4]:65535", "[fe80::1.2.3.4]", 65535},
		{"", NULL, 0},
		{":80", NULL, 0},
		{"a:65536", NULL, 0},
		{"a:x", NULL, 0},
		{"a:1:2", NULL, 0},
		{"::1", NULL, 0},
		{"[::1", NULL, 0},
		{"[:1]", NULL, 0},
		{"[::1]80", NULL, 0},
		{"[v1.a:b]", NULL, 0},
		{"a b", NULL, 0},
		{"a/b", NULL, 0},
		{"a@b", NULL, 0},
		{"a%20b", NULL, 0},
		{"a#b", NULL, 0},
		{"\xC3\xB6", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_http_host host;
		bool is = td_http_host_split(td_text(cases[i].text), &host);

		assert_int_equal(is, cases[i].name != NULL);
		assert_int_equal(td_http_is_host(td_text(cases[i].text)), is);
		if (!is)
			continue;
		assert_true(td_text_is(host.name, cases[i].name));
		assert_int_equal(host.port, cases[i].port);
	}
}

static void loopback_is_told_by_its_text_alone(void **state)
{
	static const char *const loopback[] = {"localhost", "LocalHost", "localhost.", "127.0.0.1",
		"127.255.0.9", "[::1]", "[::ffff:127.0.0.1]", "[::FFFF:127.1.2.3]"};
	static const char *const others[] = {"", "localhost.evil.example", "evil.localhost.example",
		"xlocalhost", "127.0.0.1.evil.example", "127.0.0.1.", "127.1", "127.0.0.256",
		"127.0.0.0x1", "0127.0.0.1", "127.0.0.01", "2130706433", "0x7f000001", "0.0.0.0",
		"128.0.0.1", "10.127.0.1", "[::]", "[::2]", "[::ffff:10.0.0.1]", "[::ffff:7f00:1]",
		"[::ffff:]", "127.0.0.1@evil", "127.0.0.", "127..0.1"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(loopback); i++)
		assert_true(td_http_is_loopback(td_text(loopback[i])));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(td_http_is_loopback(td_text(others[i])));
	assert_false(td_http_is_loopback(td_text(NULL)));
}

static void origins_are_a_scheme_and_a_host(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: none */
		bool loopback;
	} cases[] = {
		{"http://localhost:8222", "localhost:8222", true},
		{"https://127.0.0.1", "127.0.0.1", true},
		{"http://[::1]:1", "[::1]:1", true},
		{"https://evil.example", "evil.example", false},
		{"http://localhost.evil.example", "localhost.evil.example", false},
		{"chrome-extension://abcdef", "abcdef", false},
		{"null", NULL, false},
		{"", NULL, false},
		{"http://", NULL, false},
		{"://localhost", NULL, false},
		{"http://localhost/", NULL, false},
		{"http://u@localhost", NULL, false},
		{"http://localhost http://evil.example", NULL, false},
		{"localhost", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_http_origin origin;
		bool is = td_http_origin_split(td_text(cases[i].text), &origin);

		assert_int_equal(is, cases[i].host != NULL);
		assert_int_equal(
			td_http_origin_is_loopback(td_text(cases[i].text)), cases[i].loopback);
		if (is)
			assert_true(td_text_is(origin.host, cases[i].host));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_a_name_and_a_port),
		cmocka_unit_test(loopback_is_told_by_its_text_alone),
		cmocka_unit_test(origins_are_a_scheme_and_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
