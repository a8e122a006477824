#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "net/net.h"
#include "sys/net_conformance.h"

/* --- a net for a test --------------------------------------------------------------------- */

static const struct sim_kind no_kind = {.name = "test"};
static uint64_t counts[SIM_NET_COUNTS];
static struct sim_world world;

static struct sim_net *net_of_seed(uint64_t seed)
{
	struct sim_net_options options = {.world = &world, .counts = counts};

	sim_world_fini(&world);
	sim_world_init(&world, &no_kind, seed, NULL);
	td_rng_init(&options.rng, seed);
	return sim_net_new(&options);
}

/* --- conforming --------------------------------------------------------------------------- */

static struct sim_net *conforming;
static struct sim_host *conforming_host;
static bool slowly; /* what is written takes its time */

static void net_place_open(struct net_place *place)
{
	const struct sim_net_dice dice = {.latency_ns_max = 5 * MS};

	conforming = net_of_seed(1);
	if (slowly)
		sim_net_set_dice(conforming, &dice);
	conforming_host = sim_host_new(conforming, &(struct sim_host_options){.waits = true});
	place->net = *sim_host_table(conforming_host);
}

static void net_place_close(struct net_place *place)
{
	(void)place;
	assert_int_equal(sim_host_handles(conforming_host), 0);
	sim_net_free(conforming);
}

static int64_t net_place_now(void)
{
	return world.now_ns;
}

static void net_place_starve(struct net_place *place, bool on)
{
	(void)place;
	sim_host_set_descriptors(conforming_host, on ? sim_host_handles(conforming_host) : 0);
}

static int take_time(void **state)
{
	(void)state;
	slowly = true;
	return 0;
}

static int take_none(void **state)
{
	(void)state;
	slowly = false;
	return 0;
}

/* --- two hosts ---------------------------------------------------------------------------- */

enum { SERVER = 1, CLIENT, GUEST };

struct pair {
	struct sim_net *net;
	struct sim_host *server_host, *client_host;
	const struct td_net *server, *client;
	struct td_net_address at;
	int listener, guest, connection; /* guest: the server's end of it */
};

static void go_to(int64_t at)
{
	if (at != INT64_MAX && at > world.now_ns)
		world.now_ns = at;
}

static void pair_begin_with(struct pair *pair, uint64_t seed, const struct sim_host_options *server)
{
	*pair = (struct pair){.net = net_of_seed(seed), .at = loopback(8222)};
	pair->server_host = sim_host_new(pair->net, server);
	pair->client_host = sim_host_new(pair->net, &(struct sim_host_options){0});
	pair->server = sim_host_table(pair->server_host);
	pair->client = sim_host_table(pair->client_host);
	assert_int_equal(td_net_listen(pair->server, &pair->at, &pair->listener), 0);
}

static void pair_connect(struct pair *pair)
{
	struct td_net_address peer;

	assert_int_equal(td_net_connect(pair->client, &pair->at, &pair->connection), 0);
	while (td_net_connected(pair->client, pair->connection) == EAGAIN)
		go_to(sim_net_next(pair->net));
	assert_int_equal(td_net_accept(pair->server, pair->listener, &pair->guest, &peer), 0);
	assert_int_equal(td_net_watch(pair->server, pair->guest, GUEST, TD_NET_READ), 0);
	assert_int_equal(td_net_watch(pair->client, pair->connection, CLIENT, TD_NET_READ), 0);
}

static void pair_begin(struct pair *pair, const struct sim_net_dice *dice)
{
	pair_begin_with(pair, 1, &(struct sim_host_options){0});
	sim_net_set_dice(pair->net, dice);
	pair_connect(pair);
}

static void say(const struct td_net *net, int connection, const char *text)
{
	size_t put = 0;

	assert_int_equal(td_net_write(net, connection, text, strlen(text), &put), 0);
	assert_int_equal(put, strlen(text));
}

/* All that is on its way arrives. */
static void let_arrive(struct pair *pair)
{
	for (int64_t next; (next = sim_net_next(pair->net)) != INT64_MAX;)
		go_to(next);
}

static int hear(const struct td_net *net, int connection, char *text)
{
	size_t got = 0;
	int code = td_net_read(net, connection, text, 63, &got);

	text[code == 0 ? got : 0] = '\0';
	return code;
}

static void assert_heard(const struct td_net *net, int connection, const char *text)
{
	char heard[64];

	assert_int_equal(hear(net, connection, heard), 0);
	assert_string_equal(heard, text);
}

static unsigned told(const struct td_net *net, uint64_t tag)
{
	struct td_net_event events[8];
	size_t count = td_net_wait(net, INT64_MAX, events, 8);

	for (size_t i = 0; i < count; i++)
		if (events[i].tag == tag)
			return events[i].ready;
	return 0;
}

static void wait_takes_no_time_and_notes_its_deadline(void **state)
{
	struct td_net_event events[4];
	struct pair pair;
	int64_t now;

	(void)state;
	pair_begin(&pair, &(struct sim_net_dice){.latency_ns_max = 5 * MS});
	now = world.now_ns;
	assert_int_equal(td_net_wait(pair.server, now + 7, events, 4), 0);
	assert_true(world.now_ns == now);
	assert_true(sim_host_deadline(pair.server_host) == now + 7);
	assert_false(sim_host_ready(pair.server_host));
	say(pair.client, pair.connection, "hello");
	assert_false(sim_host_ready(pair.server_host));
	assert_true(sim_net_next(pair.net) > now);
	go_to(sim_net_next(pair.net));
	assert_true(sim_host_ready(pair.server_host));
	assert_int_equal(told(pair.server, GUEST), TD_NET_READ);
	assert_heard(pair.server, pair.guest, "hello");
	assert_false(sim_host_ready(pair.server_host));
	td_net_wake(pair.server);
	assert_true(sim_host_ready(pair.server_host));
	assert_int_equal(td_net_wait(pair.server, INT64_MAX, events, 4), 0);
	assert_false(sim_host_ready(pair.server_host));
	sim_net_free(pair.net);
}

static void slow_way_takes_the_time_of_its_bytes(void **state)
{
	struct sim_net_dice dice = {.slow = 1000000, .slow_bytes_max = 1};
	struct pair pair;
	int64_t begun;

	(void)state;
	pair_begin(&pair, &dice);
	begun = world.now_ns;
	say(pair.client, pair.connection, "hello");
	let_arrive(&pair);
	assert_true(world.now_ns == begun + 5000 * MS); /* a byte a second */
	assert_heard(pair.server, pair.guest, "hello");
	sim_net_free(pair.net);
}

static void small_way_is_full_until_it_is_read(void **state)
{
	struct sim_net_dice dice = {.small = 1000000, .small_bytes_max = 1};
	struct pair pair;
	size_t put = 0;

	(void)state;
	pair_begin(&pair, &dice);
	assert_int_equal(td_net_write(pair.client, pair.connection, "hello", 5, &put), 0);
	assert_int_equal(put, 1);
	assert_int_equal(td_net_write(pair.client, pair.connection, "ello", 4, &put), EAGAIN);
	assert_int_equal(td_net_watch(pair.client, pair.connection, CLIENT, TD_NET_WRITE), 0);
	assert_int_equal(told(pair.client, CLIENT), 0);
	assert_heard(pair.server, pair.guest, "h");
	assert_int_equal(told(pair.client, CLIENT), TD_NET_WRITE);
	sim_net_free(pair.net);
}

static void reset_by_the_net_is_heard_on_both_sides(void **state)
{
	struct pair pair;
	char text[64];

	(void)state;
	pair_begin(&pair, NULL);
	sim_net_reset(pair.server_host, pair.guest);
	assert_int_equal(told(pair.server, GUEST), TD_NET_READ | TD_NET_GONE);
	assert_int_equal(told(pair.client, CLIENT), TD_NET_READ | TD_NET_GONE);
	assert_int_equal(hear(pair.server, pair.guest, text), ECONNRESET);
	assert_int_equal(hear(pair.client, pair.connection, text), ECONNRESET);
	sim_net_free(pair.net);
}

static void reset_is_heard_also_by_whom_more_was_told_behind_it(void **state)
{
	struct pair pair;
	char text[64];

	(void)state;
	pair_begin(&pair, &(struct sim_net_dice){.latency_ns_max = 5 * MS});
	sim_net_reset(pair.server_host, pair.guest);
	say(pair.server, pair.guest, "behind it");
	assert_int_equal(td_net_finish(pair.server, pair.guest), 0);
	let_arrive(&pair);
	td_net_close(pair.server, pair.guest);
	assert_int_equal(hear(pair.client, pair.connection, text), ECONNRESET);
	sim_net_free(pair.net);
}

static void reset_may_take_what_was_not_read(void **state)
{
	struct pair pair;
	char text[64];

	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		pair_begin(&pair, lost ? &(struct sim_net_dice){.read_lost = 1000000} : NULL);
		say(pair.client, pair.connection, "hello");
		assert_int_equal(told(pair.server, GUEST), TD_NET_READ);
		sim_net_reset(pair.server_host, pair.guest);
		if (!lost)
			assert_heard(pair.server, pair.guest, "hello");
		assert_int_equal(hear(pair.server, pair.guest, text), ECONNRESET);
		sim_net_free(pair.net);
	}
}

static void silence_is_noticed_by_who_writes_alone(void **state)
{
	struct pair pair;
	char text[64];

	(void)state;
	pair_begin(&pair, &(struct sim_net_dice){.patience_ns_max = 60000 * MS});
	assert_false(sim_net_is_deaf(pair.client_host, pair.connection));
	sim_net_silence(pair.client_host, pair.connection);
	assert_true(sim_net_is_deaf(pair.client_host, pair.connection));
	assert_true(sim_net_next(pair.net) == INT64_MAX);
	say(pair.client, pair.connection, "anybody there?");
	let_arrive(&pair);
	assert_int_equal(hear(pair.server, pair.guest, text), EAGAIN);
	assert_int_equal(hear(pair.client, pair.connection, text), ETIMEDOUT);
	assert_heard(pair.client, pair.connection, "");
	assert_int_equal(told(pair.server, GUEST), 0);
	sim_net_free(pair.net);
}

static void killed_process_is_closed_by_its_system(void **state)
{
	struct pair pair;
	char text[64];
	int again;

	(void)state;
	pair_begin(&pair, NULL);
	say(pair.server, pair.guest, "last words");
	sim_host_kill(pair.server_host);
	assert_int_equal(sim_host_handles(pair.server_host), 0);
	assert_heard(pair.client, pair.connection, "last words");
	assert_heard(pair.client, pair.connection, "");
	assert_int_equal(hear(pair.server, pair.guest, text), SIM_NET_DEAD);
	td_net_close(pair.server, pair.guest);
	assert_int_equal(td_net_connect(pair.client, &pair.at, &again), 0);
	assert_int_equal(td_net_connected(pair.client, again), ECONNREFUSED);
	sim_host_start(pair.server_host);
	assert_int_equal(td_net_listen(pair.server, &pair.at, &pair.listener), 0);
	td_net_close(pair.client, pair.connection);
	pair_connect(&pair);
	say(pair.client, pair.connection, "unread");
	sim_host_kill(pair.server_host);
	assert_int_equal(hear(pair.client, pair.connection, text), ECONNRESET);
	sim_net_free(pair.net);
}

static void machine_without_power_says_nothing_until_it_is_back(void **state)
{
	struct pair pair;
	char text[64];
	int waiting;

	(void)state;
	pair_begin(&pair, &(struct sim_net_dice){.patience_ns_max = 600000 * MS});
	sim_host_cut(pair.server_host);
	let_arrive(&pair);
	assert_int_equal(hear(pair.client, pair.connection, text), EAGAIN);
	assert_true(sim_net_is_deaf(pair.client_host, pair.connection));
	say(pair.client, pair.connection, "anybody there?");
	assert_int_equal(td_net_connect(pair.client, &pair.at, &waiting), 0);
	go_to(sim_net_next(pair.net));
	assert_int_equal(hear(pair.client, pair.connection, text), EAGAIN);
	assert_int_equal(td_net_connected(pair.client, waiting), EAGAIN);
	sim_host_start(pair.server_host);
	assert_int_equal(td_net_listen(pair.server, &pair.at, &pair.listener), 0);
	let_arrive(&pair);
	assert_int_equal(hear(pair.client, pair.connection, text), ECONNRESET);
	assert_int_equal(td_net_connected(pair.client, waiting), 0);
	sim_net_free(pair.net);
}

static void machine_that_stays_away_is_given_up(void **state)
{
	struct pair pair;
	char text[64];
	int waiting;

	(void)state;
	pair_begin(&pair, &(struct sim_net_dice){.patience_ns_max = 60000 * MS});
	sim_host_cut(pair.server_host);
	say(pair.client, pair.connection, "anybody there?");
	assert_int_equal(td_net_connect(pair.client, &pair.at, &waiting), 0);
	for (int i = 0; i < 61; i++)
		go_to(sim_net_next(pair.net));
	assert_int_equal(hear(pair.client, pair.connection, text), ETIMEDOUT);
	assert_int_equal(td_net_connected(pair.client, waiting), ETIMEDOUT);
	sim_net_free(pair.net);
}

static bool is_true(void *arg)
{
	return *(bool *)arg;
}

static void process_that_is_frozen_does_nothing_more(void **state)
{
	bool dead = false;
	struct sim_host_options options = {.is_dead = is_true, .arg = &dead};
	struct pair pair;
	char text[64];
	size_t put;

	(void)state;
	for (int by_calls = 0; by_calls < 2; by_calls++) {
		pair_begin_with(&pair, 1, &options);
		pair_connect(&pair);
		if (by_calls)
			sim_host_freeze_after(pair.server_host, 1);
		say(pair.server, pair.guest, "one");
		dead = !by_calls;
		assert_int_equal(
			td_net_write(pair.server, pair.guest, "two", 3, &put), SIM_NET_DEAD);
		assert_true(sim_host_frozen(pair.server_host));
		dead = false;
		assert_int_equal(told(pair.server, GUEST), 0);
		assert_heard(pair.client, pair.connection, "one");
		assert_int_equal(hear(pair.client, pair.connection, text), EAGAIN);
		sim_host_kill(pair.server_host);
		assert_heard(pair.client, pair.connection, "");
		sim_host_start(pair.server_host);
		assert_false(sim_host_frozen(pair.server_host));
		sim_net_free(pair.net);
	}
}

static void full_queue_lets_others_ask_again(void **state)
{
	struct td_net_address peer;
	struct pair pair;
	int first, second, guest;

	(void)state;
	pair_begin_with(&pair, 1, &(struct sim_host_options){.queue_max = 1});
	sim_net_set_dice(pair.net, &(struct sim_net_dice){.patience_ns_max = 600000 * MS});
	assert_int_equal(td_net_connect(pair.client, &pair.at, &first), 0);
	assert_int_equal(td_net_connect(pair.client, &pair.at, &second), 0);
	assert_int_equal(td_net_connected(pair.client, first), 0);
	assert_int_equal(td_net_connected(pair.client, second), EAGAIN);
	assert_int_equal(td_net_accept(pair.server, pair.listener, &guest, &peer), 0);
	assert_int_equal(td_net_accept(pair.server, pair.listener, &guest, &peer), EAGAIN);
	go_to(sim_net_next(pair.net));
	assert_int_equal(td_net_connected(pair.client, second), 0);
	assert_int_equal(td_net_accept(pair.server, pair.listener, &guest, &peer), 0);
	sim_net_free(pair.net);
}

static void everywhere_is_here_too_but_not_another_port(void **state)
{
	struct td_net_address all = {.family = 4, .port = 80}, other = loopback(81), name;
	struct pair pair;
	int handle;

	(void)state;
	pair_begin(&pair, NULL);
	assert_int_equal(td_net_listen(pair.server, &all, &handle), 0);
	all.bytes[0] = 10;
	assert_int_equal(td_net_connect(pair.client, &all, &handle), 0);
	assert_int_equal(td_net_connected(pair.client, handle), 0);
	assert_int_equal(td_net_name(pair.client, handle, &name), 0);
	assert_true(td_net_address_is_loopback(&name));
	assert_int_equal(td_net_connect(pair.client, &other, &handle), 0);
	assert_int_equal(td_net_connected(pair.client, handle), ECONNREFUSED);
	sim_net_free(pair.net);
}

/* --- a storm: everything, by dice --------------------------------------------------------- */

#define ENDS 24

/* One side of what goes on: byte n of a way is always the same, so each read is checked. */
struct side {
	struct sim_host *host;
	const struct td_net *net;
	int handles[ENDS]; /* -1: none */
	uint64_t read[ENDS];
	uint64_t key[ENDS]; /* of the connection; what comes from the other side follows from it */
	uint64_t written[ENDS];
};

static uint64_t keys_by_port[1 << 16];
static uint64_t bytes_read;

static uint8_t byte_of(uint64_t key, bool of_server, uint64_t at)
{
	return (uint8_t)td_hash_u64(key * 2 + of_server + (at << 32));
}

static void side_drop(struct side *side)
{
	for (int i = 0; i < ENDS; i++)
		side->handles[i] = -1;
}

static void side_add(struct side *side, int handle, uint64_t key)
{
	for (int i = 0; i < ENDS; i++)
		if (side->handles[i] < 0) {
			side->handles[i] = handle;
			side->key[i] = key;
			side->read[i] = side->written[i] = 0;
			td_net_watch(
				side->net, handle, (uint64_t)i + 10, TD_NET_READ | TD_NET_WRITE);
			return;
		}
	td_net_close(side->net, handle);
}

static void side_close(struct side *side, int i)
{
	td_net_close(side->net, side->handles[i]);
	side->handles[i] = -1;
}

static void side_read(struct side *side, int i, bool is_server, struct td_rng *rng)
{
	uint8_t bytes[300];
	size_t got = 0;
	int code = td_net_read(
		side->net, side->handles[i], bytes, 1 + td_rng_below(rng, sizeof(bytes)), &got);

	bytes_read += code == 0 ? got : 0;
	if (code == 0 && got > 0)
		for (size_t n = 0; n < got; n++)
			assert_int_equal(
				bytes[n], byte_of(side->key[i], !is_server, side->read[i]++));
	else if (code != EAGAIN && td_rng_below(rng, 3) == 0)
		side_close(side, i);
}

static void side_write(struct side *side, int i, bool is_server, struct td_rng *rng)
{
	uint8_t bytes[300];
	size_t put = 0, len = 1 + td_rng_below(rng, sizeof(bytes));

	for (size_t n = 0; n < len; n++)
		bytes[n] = byte_of(side->key[i], is_server, side->written[i] + n);
	if (td_net_write(side->net, side->handles[i], bytes, len, &put) == 0)
		side->written[i] += put;
}

static void side_step(struct side *side, bool is_server, struct td_rng *rng)
{
	int i = (int)td_rng_below(rng, ENDS);

	if (side->handles[i] < 0)
		return;
	switch (td_rng_below(rng, 12)) {
	case 0:
		side_close(side, i);
		break;
	case 1:
		td_net_finish(side->net, side->handles[i]);
		break;
	case 2:
	case 3:
	case 4:
		side_write(side, i, is_server, rng);
		break;
	default:
		side_read(side, i, is_server, rng);
	}
}

static void server_accepts(struct side *server, int listener)
{
	struct td_net_address peer;
	int handle;

	if (listener >= 0 && td_net_accept(server->net, listener, &handle, &peer) == 0)
		side_add(server, handle, keys_by_port[peer.port]);
}

static void client_connects(struct side *client, uint64_t key)
{
	struct td_net_address at = loopback(8222), name;
	int handle;

	if (td_net_connect(client->net, &at, &handle) != 0)
		return;
	assert_int_equal(td_net_name(client->net, handle, &name), 0);
	keys_by_port[name.port] = key;
	td_net_connected(client->net, handle);
	side_add(client, handle, key);
}

static void server_dies(struct sim_net *net, struct side *server, int *listener, struct td_rng *rng)
{
	struct td_net_address at = loopback(8222);
	unsigned how = (unsigned)td_rng_below(rng, 3);

	if (how == 0) {
		sim_host_freeze_after(server->host, td_rng_below(rng, 20));
		return;
	}
	if (how == 1)
		sim_host_kill(server->host);
	else
		sim_host_cut(server->host);
	side_drop(server);
	if (td_rng_below(rng, 2) == 0)
		go_to(sim_net_next(net));
	sim_host_start(server->host);
	*listener = -1;
	if (td_net_listen(server->net, &at, listener) == 0)
		td_net_watch(server->net, *listener, 1, TD_NET_READ);
}

static void look_around(struct side *side, struct td_rng *rng)
{
	struct td_net_event events[4];
	size_t count = td_net_wait(side->net, world.now_ns, events, 1 + td_rng_below(rng, 4));

	for (size_t i = 0; i < count; i++)
		if (events[i].tag >= 10)
			assert_true(side->handles[events[i].tag - 10] >= 0);
}

static uint64_t storm(uint64_t seed)
{
	struct td_net_address at = loopback(8222);
	struct side server = {0}, client = {0};
	struct sim_net_dice dice;
	struct td_rng rng;
	struct sim_net *net = net_of_seed(seed);
	int listener = -1, other;

	td_rng_init(&rng, seed);
	sim_net_draw_dice(&dice, &rng);
	sim_net_set_dice(net, &dice);
	server.host = sim_host_new(net, &(struct sim_host_options){.queue_max = 1 + seed % 4});
	client.host = sim_host_new(net, &(struct sim_host_options){0});
	server.net = sim_host_table(server.host);
	client.net = sim_host_table(client.host);
	side_drop(&server);
	side_drop(&client);
	td_net_listen(server.net, &at, &listener);
	if (td_net_listen(client.net, &at, &other) == 0)
		td_net_close(client.net, other);
	for (uint64_t step = 0; step < 2000; step++) {
		unsigned what = (unsigned)td_rng_below(&rng, 100);

		if (what < 8)
			client_connects(&client, seed << 20 | step);
		else if (what < 16)
			server_accepts(&server, listener);
		else if (what < 36)
			go_to(sim_net_next(net));
		else if (what == 99 && td_rng_below(&rng, 4) == 0)
			server_dies(net, &server, &listener, &rng);
		else if (what < 56)
			look_around(what % 2 == 0 ? &server : &client, &rng);
		else
			side_step(what % 2 == 0 ? &server : &client, what % 2 == 0, &rng);
	}
	sim_net_free(net);
	return world.trace;
}

static void same_seed_gives_the_same_run_and_every_fault_comes(void **state)
{
	uint64_t before = 0;

	(void)state;
	memset(counts, 0, sizeof(counts));
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t trace = storm(seed);

		assert_true(storm(seed) == trace);
		assert_true(trace != before);
		before = trace;
	}
	assert_true(bytes_read > 500000);
	for (int i = 0; i < SIM_NET_COUNTS; i++)
		if (counts[i] < 10)
			fail_msg("only %llu times: %s", (unsigned long long)counts[i],
				sim_net_count_names[i]);
}

static void from_here_the_net_takes_no_time(void **state)
{
	assert_int_equal(take_none(state), 0);
}

static void from_here_the_net_takes_time(void **state)
{
	assert_int_equal(take_time(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_here_the_net_takes_no_time),
		NET_CONFORMANCE_TESTS,
		cmocka_unit_test(from_here_the_net_takes_time),
		NET_CONFORMANCE_TESTS,
		cmocka_unit_test(wait_takes_no_time_and_notes_its_deadline),
		cmocka_unit_test(slow_way_takes_the_time_of_its_bytes),
		cmocka_unit_test(small_way_is_full_until_it_is_read),
		cmocka_unit_test(reset_by_the_net_is_heard_on_both_sides),
		cmocka_unit_test(reset_is_heard_also_by_whom_more_was_told_behind_it),
		cmocka_unit_test(reset_may_take_what_was_not_read),
		cmocka_unit_test(silence_is_noticed_by_who_writes_alone),
		cmocka_unit_test(killed_process_is_closed_by_its_system),
		cmocka_unit_test(machine_without_power_says_nothing_until_it_is_back),
		cmocka_unit_test(machine_that_stays_away_is_given_up),
		cmocka_unit_test(process_that_is_frozen_does_nothing_more),
		cmocka_unit_test(full_queue_lets_others_ask_again),
		cmocka_unit_test(everywhere_is_here_too_but_not_another_port),
		cmocka_unit_test(same_seed_gives_the_same_run_and_every_fault_comes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	sim_world_fini(&world);
	return failed;
}
