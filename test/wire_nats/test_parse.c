#include "nats_test.h"

#include <stdlib.h>

#define PING    "PING\r\n"
#define UNKNOWN "ERR no verb of a client"
#define COUNT   "ERR too many arguments, or too few"
#define NUMBER  "ERR a size that is not a number of one to nine digits"
#define END     "ERR no CRLF behind the payload"
#define CR      "ERR a CR within the control line"

/* Seen at nats-server 2.9.10, but for those below the line. */
static const struct {
	const char *line, *is;
} lines[] = {
	{"PING\r\n", "PING"},
	{"PONG\r\n", "PONG"},
	{"PING\n", "PING"},
	{"pInG\r\n", "PING"},
	{"PINGxyz \t\r\n" PING, "PING; PING"},
	{"PIN\r\n", UNKNOWN},
	{"PIN", "MORE"},
	{"\r\n", UNKNOWN},
	{" PING\r\n", UNKNOWN},
	{"MSG a 1 2\r\nhi\r\n", UNKNOWN},
	{"FOO\r\n", UNKNOWN},
	{"F", UNKNOWN},
	{"PUX", UNKNOWN},

	{"PUB foo 2\r\nhi\r\n" PING, "PUB subject=foo payload=hi; PING"},
	{"pub foo 2\r\nhi\r\n", "PUB subject=foo payload=hi"},
	{"PuB\tfoo\t2\r\nhi\r\n", "PUB subject=foo payload=hi"},
	{"PUB  \t foo\t\t2 \t\r\nhi\r\n" PING, "PUB subject=foo payload=hi; PING"},
	{"PUB foo 2\nhi\r\n", "PUB subject=foo payload=hi"},
	{"PUB foo bar 2\r\nhi\r\n", "PUB subject=foo reply=bar payload=hi"},
	{"PUB order.42 _INBOX.abcdefghijklmnop.17 5\r\nhello\r\n",
		"PUB subject=order.42 reply=_INBOX.abcdefghijklmnop.17 payload=hello"},
	{"PUB foo 0\r\n\r\n" PING, "PUB subject=foo payload=; PING"},
	{"PUB foo 000000002\r\nhi\r\n", "PUB subject=foo payload=hi"},
	{"PUB foo 4\r\n\r\n\r\n\r\n", "PUB subject=foo payload=\r\n\r\n"},
	{"PUB f\xC3\xB6\xC3\xB6.*.> 2\r\nhi\r\n", "PUB subject=f\xC3\xB6\xC3\xB6.*.> payload=hi"},
	{"PUB a..b 2\r\nhi\r\n", "PUB subject=a..b payload=hi"},
	{"PUB foo\fbar\x01 2\r\nhi\r\n", "PUB subject=foo\fbar\x01 payload=hi"},
	{"PUB foo 2\r\nhi\nPING\r\n", END},
	{"PUB foo 2\r\nhi\r\r\n", END},
	{"PUB foo 2\r\nhiX\r\n", END},
	{"PUB foo 2\r\nh\r\n" PING, END},
	{"PUB foo 0000000002\r\nhi\r\n", NUMBER},
	{"PUB foo +2\r\nhi\r\n", NUMBER},
	{"PUB foo -2\r\nhi\r\n", NUMBER},
	{"PUB foo 2x\r\nhi\r\n", NUMBER},
	{"PUB foo bar\r\nhi\r\n", NUMBER},
	{"PUB\r\n", UNKNOWN},
	{"PUBfoo 2\r\n", UNKNOWN},
	{"PUB \r\n", COUNT},
	{"PUB \n", COUNT},
	{"PUB foo\r\n", COUNT},
	{"PUB a b c 2\r\nhi\r\n", COUNT},
	{"PUB a b c d e f g h 2\r\nhi\r\n", COUNT},
	{"PUB foo 1048577\r\n", "ERR the payload is over max_payload"},
	{"PUB foo 999999999\r\n", "ERR the payload is over max_payload"},
	{"PUB foo 1048576\r\n", "MORE"},

	{"HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
		"HPUB subject=foo headers=NATS/1.0\r\n\r\n payload=hi"},
	{"hpub foo r 12 12\r\nNATS/1.0\r\n\r\n\r\n",
		"HPUB subject=foo reply=r headers=NATS/1.0\r\n\r\n payload="},
	{"HPUB foo 0 2\r\nhi\r\n", "HPUB subject=foo headers= payload=hi"},
	{"HPUB foo 2 2\r\nhi\r\n", "HPUB subject=foo headers=hi payload="},
	{"HPUB foo 15 14\r\n", "ERR the headers are longer than the whole"},
	{"HPUB foo 3 1048577\r\n", "ERR the payload is over max_payload"},
	{"HPUB foo 3\r\n", COUNT},
	{"HPUB a b 1 2 3\r\n", COUNT},
	{"HPUB foo x 3\r\n", NUMBER},
	{"HPUB foo 3 x\r\n", NUMBER},
	{"HPUB\r\n", UNKNOWN},

	{"SUB foo 1\r\n", "SUB subject=foo sid=1"},
	{"sub foo.> workers q7\r\n", "SUB subject=foo.> queue=workers sid=q7"},
	{"SUB foo\r\n", COUNT},
	{"SUB foo q 2 3\r\n", COUNT},
	{"UNSUB 1\r\n", "UNSUB sid=1 max=0"},
	{"UNSUB 1 \r\n", "UNSUB sid=1 max=0"},
	{"UNSUB 1 5\r\n", "UNSUB sid=1 max=5"},
	{"UNSUB 1 0\r\n", "UNSUB sid=1 max=0"},
	{"UNSUB 1 x\r\n", "UNSUB sid=1 max=0"},
	{"UNSUB 1 9999999999\r\n", "UNSUB sid=1 max=0"},
	{"UNSUB 1 2 3\r\n", COUNT},
	{"UNSUB \r\n", COUNT},
	{"UNSUB\r\n", UNKNOWN},

	{"CONNECT {}\r\n", "CONNECT options={}"},
	{"connect \t{\"a\": 1}\t\r\n", "CONNECT options={\"a\": 1}\t"},
	{"CONNECT{}\r\n", "CONNECT options={}"},
	{"CONNECT\r\n", "CONNECT options="},
	{"CONNECT \n", "CONNECT options="},

	/* --- here we differ --- */
	{"PUB foo\rbar 2\r\nhi\r\n", CR},
	{"PUB foo 2\r\r\nhi\r\n", CR},
	{"SUB a\rb 2\r\n", CR},
	{"SUB \nfoo 2\r\n", COUNT},
	{"+OK\r\n", UNKNOWN},
	{"-ERR 'x'\r\n", UNKNOWN},
	{"INFO {}\r\n", UNKNOWN},
};

static void each_line_is_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct td_buf shown = TD_BUF_INIT(4096);

		show_stream(&shown, &usual, lines[i].line, strlen(lines[i].line));
		assert_string_equal(shown.at, lines[i].is);
		td_buf_fini(&shown);
	}
}

/* In memory of exactly that size, for the address sanitizer. */
static enum td_nats_parsed parse_exactly(const struct td_nats_limits *limits, const char *bytes,
	size_t len, struct td_nats_command *command)
{
	char *exact = malloc(len > 0 ? len : 1);
	enum td_nats_parsed parsed;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	parsed = td_nats_parse(limits, exact, len, command);
	free(exact);
	return parsed;
}

static void a_line_cut_anywhere_asks_for_more_until_it_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *line = lines[i].line;
		size_t len = strlen(line), asked = 0;
		struct td_nats_command whole, part;
		enum td_nats_parsed parsed = td_nats_parse(&usual, line, len, &whole);

		for (size_t cut = 0; cut < len; cut++) {
			enum td_nats_parsed now = parse_exactly(&usual, line, cut, &part);

			if (now == TD_NATS_MORE) {
				assert_true(part.bytes > cut);
				asked = part.bytes > asked ? part.bytes : asked;
				continue;
			}
			assert_int_equal(now, parsed);
			if (now == TD_NATS_WRONG) {
				assert_int_equal(part.error, whole.error);
				continue;
			}
			assert_int_equal(part.bytes, whole.bytes);
			assert_true(asked <= cut);
		}
	}
}

static void a_stream_cut_anywhere_gives_the_same_commands(void **state)
{
	static const char stream[] =
		"CONNECT {\"verbose\":false}\r\nPING\r\nSUB _INBOX.7.* 1\r\n"
		"PUB order.42 _INBOX.7.1 27\r\nPUB not.this 5\r\nPING\r\n...\r\n\r\n"
		"HPUB order.43 _INBOX.7.2 12 17\r\nNATS/1.0\r\n\r\nhello\r\nUNSUB 1 2\r\nPONG\r\n";
	struct td_buf whole = TD_BUF_INIT(4096);

	(void)state;
	show_stream(&whole, &usual, stream, sizeof(stream) - 1);
	assert_string_equal(whole.at,
		"CONNECT options={\"verbose\":false}; PING; SUB subject=_INBOX.7.* sid=1; "
		"PUB subject=order.42 reply=_INBOX.7.1 payload=PUB not.this 5\r\nPING\r\n...\r\n; "
		"HPUB subject=order.43 reply=_INBOX.7.2 headers=NATS/1.0\r\n\r\n payload=hello; "
		"UNSUB sid=1 max=2; PONG");
	for (size_t step = 1; step < sizeof(stream); step++) {
		struct td_buf pieces = TD_BUF_INIT(4096);
		size_t from = 0, to = 0;

		while (from < sizeof(stream) - 1) {
			struct td_nats_command command;
			enum td_nats_parsed parsed =
				parse_exactly(&usual, stream + from, to - from, &command);

			if (parsed == TD_NATS_MORE) {
				assert_true(to < sizeof(stream) - 1);
				to = to + step < sizeof(stream) - 1 ? to + step
								    : sizeof(stream) - 1;
				continue;
			}
			td_nats_parse(&usual, stream + from, to - from, &command);
			show_command(&pieces, parsed, &command);
			from += command.bytes;
		}
		td_buf_add_char(&pieces, '\0');
		assert_string_equal(pieces.at, whole.at);
		td_buf_fini(&pieces);
	}
	td_buf_fini(&whole);
}

static void what_is_not_whole_says_how_much_it_needs(void **state)
{
	struct td_nats_command command;

	(void)state;
	assert_int_equal(td_nats_parse(&usual, "PUB a 100\r\nabc", 14, &command), TD_NATS_MORE);
	assert_int_equal(command.bytes, 11 + 100 + 2);
	assert_int_equal(td_nats_parse(&usual, "PUB a 1", 7, &command), TD_NATS_MORE);
	assert_int_equal(command.bytes, 8);
	assert_int_equal(td_nats_parse(&usual, "", 0, &command), TD_NATS_MORE);
	assert_int_equal(command.bytes, 1);
}

/* A verb, `blanks`, an argument that with the rest makes `arguments` bytes, and the end. */
static enum td_nats_parsed line_of(const char *verb, size_t blanks, size_t arguments,
	const char *rest, struct td_nats_command *command)
{
	struct td_buf line = TD_BUF_INIT(1 << 16);
	enum td_nats_parsed parsed;
	size_t end = strcspn(rest, "\r\n");

	td_buf_add_string(&line, verb);
	for (size_t i = 0; i < blanks; i++)
		td_buf_add_char(&line, ' ');
	for (size_t i = end; i < arguments; i++)
		td_buf_add_char(&line, 'a');
	td_buf_add_string(&line, rest);
	parsed = parse_exactly(&usual, line.at, line.len, command);
	td_buf_fini(&line);
	return parsed;
}

static void a_control_line_has_a_limit(void **state)
{
	static const struct {
		const char *verb, *rest;
	} verbs[] = {
		{"PUB ", " 2\r\nhi\r\n"},
		{"PUB ", " 2\nhi\r\n"},
		{"HPUB ", " 2 2\r\nhi\r\n"},
		{"SUB ", " 1\r\n"},
		{"UNSUB ", " 1\r\n"},
		{"CONNECT ", "\r\n"},
		{"PING", "\r\n"},
	};
	struct td_nats_command command;

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		const char *verb = verbs[i].verb, *rest = verbs[i].rest;

		assert_int_equal(line_of(verb, 0, 4096, rest, &command), TD_NATS_COMMAND);
		assert_int_equal(line_of(verb, 60, 4096, rest, &command), TD_NATS_COMMAND);
		for (size_t n = 4097; n < 9000; n += n < 4200 ? 1 : 1000) {
			assert_int_equal(line_of(verb, 0, n, rest, &command), TD_NATS_WRONG);
			assert_int_equal(command.error, TD_NATS_E_LINE_LONG);
		}
		assert_int_equal(line_of(verb, 5000, 10, rest, &command), TD_NATS_WRONG);
		assert_int_equal(command.error, TD_NATS_E_LINE_LONG);
		/* Without an end: refused when no end could come any more. */
		assert_int_equal(line_of(verb, 0, 4096, "", &command), TD_NATS_MORE);
		assert_int_equal(line_of(verb, 0, 4200, "", &command), TD_NATS_WRONG);
		assert_int_equal(command.error, TD_NATS_E_LINE_LONG);
	}
}

static void headers_are_for_clients_that_said_so(void **state)
{
	const struct td_nats_limits none = {TD_NATS_CONTROL_LINE_MAX, TD_NATS_PAYLOAD_MAX, false};
	struct td_nats_command command;

	(void)state;
	assert_int_equal(td_nats_parse(&none, "HPUB a 0 0\r\n\r\n", 14, &command), TD_NATS_WRONG);
	assert_int_equal(command.error, TD_NATS_E_NO_HEADERS);
}

static void errors_have_the_words_of_nats_server(void **state)
{
	(void)state;
	assert_string_equal(td_nats_error_text(TD_NATS_E_UNKNOWN), "Unknown Protocol Operation");
	assert_string_equal(
		td_nats_error_text(TD_NATS_E_PAYLOAD_END), "Unknown Protocol Operation");
	assert_string_equal(
		td_nats_error_text(TD_NATS_E_LINE_LONG), "maximum control line exceeded");
	assert_string_equal(
		td_nats_error_text(TD_NATS_E_PAYLOAD_LONG), "Maximum Payload Violation");
	assert_null(td_nats_error_text(TD_NATS_E_ARGUMENTS));
	assert_null(td_nats_error_text(TD_NATS_E_SIZE));
	assert_null(td_nats_error_text(TD_NATS_E_NO_HEADERS));
	assert_false(td_nats_error_closes(TD_NATS_E_SUBJECT));
	assert_false(td_nats_error_closes(TD_NATS_E_LITERAL));
	assert_true(td_nats_error_closes(TD_NATS_E_UNKNOWN));
	assert_true(td_nats_error_closes(TD_NATS_E_ARGUMENTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_read_as_the_table_says),
		cmocka_unit_test(a_line_cut_anywhere_asks_for_more_until_it_is_whole),
		cmocka_unit_test(a_stream_cut_anywhere_gives_the_same_commands),
		cmocka_unit_test(what_is_not_whole_says_how_much_it_needs),
		cmocka_unit_test(a_control_line_has_a_limit),
		cmocka_unit_test(headers_are_for_clients_that_said_so),
		cmocka_unit_test(errors_have_the_words_of_nats_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
