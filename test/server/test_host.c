/* A server with all that stands around it: what it is told, reloads, lines, the supervisor. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/host_read.h"
#include "server/inside.h"
#include "tls_peer.h"

#define GIVE_UP_NS (60 * INT64_C(1000000000))

static char dir[64], said[65536], told[4096];

static size_t hear(const char *bytes, size_t len)
{
	size_t before = strlen(said);

	if (before + len < sizeof(said)) {
		memcpy(said + before, bytes, len);
		said[before + len] = '\0';
	}
	return len;
}

static int note(void *arg, const char *lines)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "[%s]", lines);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	said[0] = told[0] = '\0';
	strcpy(dir, "/tmp/tidings-host-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, 128, "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *format, ...) TD_PRINTF(2, 3);
static void write_file(const char *name, const char *format, ...)
{
	FILE *file = fopen(path_of(name), "w");
	va_list list;

	assert_non_null(file);
	va_start(list, format);
	vfprintf(file, format, list);
	va_end(list);
	assert_int_equal(fclose(file), 0);
}

/* --- one of them -------------------------------------------------------------------------- */

static struct td_setting_given flags[2];
static char config[128];

static struct td_host_options options_of(const struct td_supervisor *supervisor)
{
	snprintf(config, sizeof(config), "%s", path_of("t.conf"));
	flags[0] = (struct td_setting_given){TD_SET_CONFIG, td_text(config)};
	return (struct td_host_options){
		.flags = flags, .flags_count = 1, .supervisor = supervisor, .say = hear};
}

/* What of it a file says, beside where data is and where it listens. */
static void write_config(const char *more)
{
	write_file("t.conf", "data = %s\nhttp = 127.0.0.1:0\n%s", path_of("data"), more);
}

static struct td_host *open_host(const struct td_supervisor *supervisor)
{
	struct td_host_options options = options_of(supervisor);
	struct td_error err = TD_ERROR_INIT;
	struct td_host *host = NULL;

	if (td_host_open(&host, &options, &err) != 0)
		fail_msg("%s", err.text);
	return host;
}

static void close_host(struct td_host *host)
{
	struct td_error err = TD_ERROR_INIT;

	td_host_ask_stop(host);
	while (td_host_turn(host) == TD_SERVER_RUNS)
		;
	if (td_host_close(host, &err) != 0)
		fail_msg("%s", err.text);
}

static void reload(struct td_host *host)
{
	said[0] = told[0] = '\0';
	td_host_ask_reload(host);
	assert_int_equal(td_host_turn(host), TD_SERVER_RUNS);
}

/* Sends a request as it is and answers the status; 0: the connection was closed. */
static int ask(struct td_host *host, const char *request)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct td_net_address address;
	int64_t until = td_clock_monotonic(&td_clock_real) + GIVE_UP_NS;
	int status = 0, line = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[4096] = "";
	size_t len = 0;

	assert_true(line >= 0 && td_host_http(host, 0, &address));
	to.sin_port = htons(address.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(line, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(line, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	while (strstr(bytes, "\r\n\r\n") == NULL) {
		ssize_t got = recv(line, bytes + len, sizeof(bytes) - 1 - len, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		len += got > 0 ? (size_t)got : 0;
		bytes[len] = '\0';
		td_server_wake(td_host_server(host)); /* one turn, of no waiting */
		td_host_turn(host);
		assert_true(td_clock_monotonic(&td_clock_real) < until);
	}
	close(line);
	(void)sscanf(bytes, "HTTP/1.1 %d", &status);
	return status;
}

static int publish(struct td_host *host, const char *fields)
{
	static const char event[] = "{\"type\":\"A\",\"subject\":\"order.1\",\"data\":1}";
	char request[1024];

	snprintf(request, sizeof(request),
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n%s\r\n%s",
		strlen(event), fields, event);
	return ask(host, request);
}

/* --- tests -------------------------------------------------------------------------------- */

static void each_limit_of_the_server_is_a_setting_with_its_default(void **state)
{
	struct td_settings *settings = NULL;
	const struct td_settings_sources sources = {0};
	struct td_server_limits said_by,
		wanted = td_server_limits_of(&(struct td_server_limits){0});

	(void)state;
	assert_int_equal(td_settings_new(&settings, &sources, NULL), 0);
	said_by = td_told_limits(settings);
#define SAME(name, def, what) assert_int_equal(said_by.name, wanted.name);
	TD_SERVER_LIMIT_TABLE(SAME)
#undef SAME
	td_settings_free(settings);
}

static void a_life_is_told_and_said(void **state)
{
	const struct td_supervisor supervisor = {.tell = note};
	struct td_host *host;

	(void)state;
	write_config("log-format = json\n");
	host = open_host(&supervisor);
	assert_non_null(strstr(told, "[STATUS=opening the store\nEXTEND_TIMEOUT_USEC="));
	assert_non_null(strstr(told, "[READY=1\nSTATUS=serving http://127.0.0.1:"));
	assert_non_null(strstr(said, "\"message\":\"serving http://127.0.0.1:"));
	assert_non_null(strstr(said, "whoever can connect may do everything"));
	assert_int_equal(publish(host, ""), 201);
	close_host(host);
	assert_non_null(strstr(told, "[STOPPING=1\n"));
	assert_int_equal(td_host_close(NULL, NULL), 0);
}

static void what_is_wrong_keeps_it_from_starting_and_is_named(void **state)
{
	static const struct {
		const char *config, *names;
	} rows[] = {
		{"htpp = 1\n", "line 3: `htpp`: no such setting; did you mean `http`?"},
		{"users = /nonexistent/users\n", "users: /nonexistent/users: "},
		{"users = USERS\n", "line 1: expected `[user NAME]` first"},
		{"tls-cert = /nonexistent/c\ntls-key = /nonexistent/k\n",
			"tls-cert: /nonexistent/c: "},
		{"tls-cert = USERS\ntls-key = USERS\n", "tls-cert: "},
		{"origins = shop.example\n", "origins: expected https://HOST[:PORT]"},
		{"[log a]\nsubjects = a.>\n[log b]\nsubjects = *.b\n",
			"line 5: [log b]: *.b: log a claims a.>"},
		{"[log events]\nsubjects = a.>\n", "line 3: [log events]: "},
	};

	(void)state;
	write_file("users", "nonsense = 1\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_host_options options;
		struct td_error err = TD_ERROR_INIT;
		struct td_host *host = NULL;
		char text[512] = "";

		for (const char *at = rows[i].config; *at != '\0'; at++) {
			size_t len = strlen(text);

			if (strncmp(at, "USERS", 5) == 0) {
				snprintf(text + len, sizeof(text) - len, "%s", path_of("users"));
				at += 4;
			} else {
				text[len] = *at;
			}
		}
		write_config(text);
		options = options_of(NULL);
		assert_int_not_equal(td_host_open(&host, &options, &err), 0);
		assert_null(host);
		if (strstr(err.text, rows[i].names) == NULL)
			fail_msg("row %zu: %s", i, err.text);
		/* The last is the store's to refuse: a look does not open it. */
		if (i + 1 < sizeof(rows) / sizeof(rows[0]))
			assert_int_not_equal(td_host_check(&options, NULL, NULL), 0);
	}
	write_file("t.conf", "data = %s\nhttp = 0.0.0.0:0\n", path_of("data"));
	{
		struct td_host_options options = options_of(NULL);
		struct td_error err = TD_ERROR_INIT;
		struct td_host *host = NULL;

		assert_int_equal(td_host_open(&host, &options, &err), TD_E_INVALID);
		assert_non_null(strstr(err.text, "--users FILE"));
	}
}

static void a_look_gives_the_settings_and_opens_nothing(void **state)
{
	struct td_host_options options;
	struct td_settings *settings = NULL;

	(void)state;
	write_config("workers = 3\n");
	options = options_of(NULL);
	assert_int_equal(td_host_check(&options, &settings, NULL), 0);
	assert_int_equal(td_settings_number(settings, TD_SET_WORKERS), 3);
	td_settings_free(settings);
	assert_int_not_equal(access(path_of("data"), F_OK), 0);
}

static void logs_of_the_file_are_made_and_changed(void **state)
{
	struct td_host *host;
	struct td_log_info info;
	uint64_t position;

	(void)state;
	write_config("[log orders]\nsubjects = order.>\nage = 7d\n");
	host = open_host(NULL);
	assert_non_null(strstr(said, "log orders: made"));
	assert_int_equal(td_store_log(td_server_store(td_host_server(host)), td_text("orders"), 0,
				 &info, NULL),
		0);
	assert_int_equal(info.config->age_ms, INT64_C(7) * 86400000);
	assert_int_equal(publish(host, ""), 201);
	position = td_store_durable(td_server_store(td_host_server(host)));
	reload(host); /* as it was: nothing is written */
	assert_int_equal(position, td_store_durable(td_server_store(td_host_server(host))));
	assert_non_null(strstr(said, "reloaded: 0 settings differ"));
	write_config("[log orders]\nsubjects = order.>\nage = 8d\n");
	reload(host);
	assert_non_null(strstr(said, "log orders: changed"));
	assert_int_equal(td_store_log(td_server_store(td_host_server(host)), td_text("orders"), 0,
				 &info, NULL),
		0);
	assert_int_equal(info.config->age_ms, INT64_C(8) * 86400000);
	close_host(host);
	/* And the next start finds it so. */
	said[0] = '\0';
	host = open_host(NULL);
	assert_null(strstr(said, "log orders"));
	/* One that it does not name stays. */
	write_config("");
	reload(host);
	assert_int_equal(td_store_log(td_server_store(td_host_server(host)), td_text("orders"), 0,
				 &info, NULL),
		0);
	close_host(host);
}

/* Of "letmein". */
#define HASH "$2b$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS"
#define ANN  "Authorization: Basic YW5uOmxldG1laW4=\r\n"

static void a_reload_is_all_or_nothing(void **state)
{
	const struct td_supervisor supervisor = {.tell = note};
	struct td_host *host;

	(void)state;
	write_config("");
	host = open_host(&supervisor);
	assert_int_equal(publish(host, ""), 201);

	write_file("users", "[user ann]\npassword = " HASH "\npublish = >\n");
	{
		char more[256];

		snprintf(more, sizeof(more), "users = %s\nworkers = 3\n", path_of("users"));
		write_config(more);
	}
	reload(host);
	assert_non_null(strstr(said, "reloaded: 2 settings differ"));
	assert_non_null(strstr(said, "reloaded: workers: takes effect at the next start"));
	assert_non_null(strstr(told, "[RELOADING=1\nMONOTONIC_USEC="));
	assert_non_null(strstr(told, "[READY=1\n"));
	assert_int_equal(publish(host, ""), 401);
	assert_int_equal(publish(host, ANN), 201);

	/* A mistake anywhere: nothing of it, and everything goes on as before. */
	write_file("users", "[user ann]\npassword = " HASH "\npublish = >\n[user bob]\nraed = >\n");
	reload(host);
	assert_non_null(
		strstr(said, "line 5: `raed`: a user has no such key; did you mean `read`?; "
			     "nothing was changed"));
	assert_non_null(strstr(told, "[READY=1\n"));
	assert_int_equal(publish(host, ""), 401);
	assert_int_equal(publish(host, ANN), 201);
	unlink(path_of("users"));
	reload(host);
	assert_non_null(strstr(said, "nothing was changed"));
	assert_int_equal(publish(host, ANN), 201);

	write_file("users", "[user bob]\n");
	reload(host);
	assert_int_equal(publish(host, ANN), 401);
	close_host(host);
}

static void users_cannot_be_taken_away_from_what_others_reach(void **state)
{
	struct td_host *host;

	(void)state;
	write_file("users", "[user ann]\npassword = " HASH "\npublish = >\n");
	write_file("t.conf", "data = %s\nhttp = 0.0.0.0:0\nusers = %s\ninsecure = yes\n",
		path_of("data"), path_of("users"));
	host = open_host(NULL);
	assert_int_equal(publish(host, ""), 401);
	/* By the file it would listen on this machine alone; but that takes a restart. */
	write_config("");
	reload(host);
	assert_non_null(strstr(said, "--users FILE"));
	assert_non_null(strstr(said, "nothing was changed"));
	assert_int_equal(publish(host, ""), 401);
	close_host(host);
}

static void tls_comes_and_goes_with_a_reload(void **state)
{
	struct maker root = maker_new(NULL, "root", NULL);
	struct maker server = maker_new(&root, "server", "DNS:localhost");
	struct td_host *host;
	char more[512];

	(void)state;
	write_config("");
	host = open_host(NULL);
	assert_int_equal(publish(host, ""), 201);
	write_file("cert", "%s", server.certificate_pem);
	write_file("key", "%s", server.key_pem);
	snprintf(more, sizeof(more), "tls-cert = %s\ntls-key = %s\n", path_of("cert"),
		path_of("key"));
	write_config(more);
	reload(host);
	assert_int_equal(publish(host, ""), 0); /* that is no TLS */
	write_file("key", "%s", root.key_pem);
	reload(host);
	assert_non_null(strstr(said, "tls-key: "));
	assert_non_null(strstr(said, "nothing was changed"));
	assert_int_equal(publish(host, ""), 0);
	write_config("");
	reload(host);
	assert_int_equal(publish(host, ""), 201);
	close_host(host);
	maker_free(&root);
	maker_free(&server);
}

static void what_others_can_read_is_told(void **state)
{
	struct td_host *host;
	char more[256];

	(void)state;
	write_file("users", "[user ann]\n");
	assert_int_equal(chmod(path_of("users"), 0644), 0);
	snprintf(more, sizeof(more), "users = %s\n", path_of("users"));
	write_config(more);
	host = open_host(NULL);
	assert_non_null(strstr(said, "others than its owner can read it"));
	close_host(host);
}

static void what_listens_already_is_served(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct td_supervisor supervisor = {.tell = note, .handed_count = 1};
	socklen_t len = sizeof(at);
	struct td_net_address address;
	struct td_host *host;
	int line = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(line, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(line, 16), 0);
	assert_int_equal(getsockname(line, (struct sockaddr *)&at, &len), 0);
	supervisor.handed[0].descriptor = line;
	strcpy(supervisor.handed[0].name, "http");
	write_config("");
	host = open_host(&supervisor);
	assert_true(td_host_http(host, 0, &address) && !td_host_http(host, 1, &address));
	assert_int_equal(address.port, ntohs(at.sin_port));
	assert_int_equal(publish(host, ""), 201);
	close_host(host);

	strcpy(supervisor.handed[0].name, "ftp");
	{
		struct td_host_options options = options_of(&supervisor);
		struct td_error err = TD_ERROR_INIT;

		assert_int_equal(td_host_open(&host, &options, &err), TD_E_INVALID);
		assert_non_null(strstr(err.text, "`ftp`"));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, drop_dir)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_of_the_server_is_a_setting_with_its_default),
		TEST(a_life_is_told_and_said),
		TEST(what_is_wrong_keeps_it_from_starting_and_is_named),
		TEST(a_look_gives_the_settings_and_opens_nothing),
		TEST(logs_of_the_file_are_made_and_changed),
		TEST(a_reload_is_all_or_nothing),
		TEST(users_cannot_be_taken_away_from_what_others_reach),
		TEST(tls_comes_and_goes_with_a_reload),
		TEST(what_others_can_read_is_told),
		TEST(what_listens_already_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
