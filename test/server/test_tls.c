/* The server's side of TLS against OpenSSL's client, both over memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "tls_peer.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Made once for all. */
static struct maker root, server, stranger_root;

static int make_certificates(void **state)
{
	(void)state;
	root = maker_new(NULL, "root", NULL);
	server = maker_new(&root, "server", "DNS:localhost,IP:127.0.0.1");
	stranger_root = maker_new(NULL, "stranger", NULL);
	return 0;
}

static int drop_certificates(void **state)
{
	(void)state;
	maker_free(&root);
	maker_free(&server);
	maker_free(&stranger_root);
	return 0;
}

static struct td_tls_context *context_of(const struct maker *client_ca, bool required)
{
	const struct td_tls_options options = {
		.certificate = td_text(server.certificate_pem),
		.key = td_text(server.key_pem),
		.client_ca = td_text(client_ca != NULL ? client_ca->certificate_pem : NULL),
		.client_required = required,
	};
	struct td_tls_context *context = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_tls_context_new(&context, &options, &err) != 0)
		fail_msg("%s", err.text);
	return context;
}

static struct td_tls *machine_of(const struct maker *client_ca, bool required)
{
	struct td_tls_context *context = context_of(client_ca, required);
	struct td_tls *tls = NULL;

	assert_int_equal(td_tls_new(&tls, context, NULL), 0);
	td_tls_context_unref(context); /* the machine holds its own count */
	return tls;
}

/* --- the context -------------------------------------------------------------------------- */

static void what_cannot_be_used_is_refused_by_name(void **state)
{
	struct maker other = maker_new(&root, "other", NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	char *sealed, *cut = strdup(server.certificate_pem);

	(void)state;
	maker_must(PEM_write_bio_PKCS8PrivateKey(
		bio, server.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL));
	sealed = maker_text(bio);
	cut[strlen(cut) / 2] = '\0';
	{
		const struct {
			const char *certificate, *key, *client_ca, *names;
		} rows[] = {
			{"", server.key_pem, NULL, "tls-cert: "},
			{"nonsense", server.key_pem, NULL, "tls-cert: "},
			{cut, server.key_pem, NULL, "tls-cert: "},
			{server.key_pem, server.key_pem, NULL, "tls-cert: "},
			{server.certificate_pem, "", NULL, "tls-key: "},
			{server.certificate_pem, server.certificate_pem, NULL, "tls-key: "},
			{server.certificate_pem, other.key_pem, NULL, "tls-key: "},
			{server.certificate_pem, sealed, NULL, "tls-key: "},
			{server.certificate_pem, server.key_pem, "", "tls-client-ca: "},
			{server.certificate_pem, server.key_pem, cut, "tls-client-ca: "},
		};

		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			const struct td_tls_options options = {
				.certificate = td_text(rows[i].certificate),
				.key = td_text(rows[i].key),
				.client_ca = td_text(rows[i].client_ca)};
			struct td_tls_context *context = NULL;
			struct td_error err = TD_ERROR_INIT;

			assert_int_equal(
				td_tls_context_new(&context, &options, &err), TD_E_INVALID);
			assert_null(context);
			if (strncmp(err.text, rows[i].names, strlen(rows[i].names)) != 0)
				fail_msg("row %zu: %s", i, err.text);
			assert_null(strstr(err.text, "BEGIN"));
		}
	}
	maker_free(&other);
	free(sealed);
	free(cut);
}

static void the_end_of_the_certificate_is_known(void **state)
{
	struct td_tls_context *context = context_of(NULL, false);
	td_time ends = td_tls_context_ends(context);
	td_time wanted;
	struct tm tm;

	(void)state;
	maker_must(ASN1_TIME_to_tm(X509_get0_notAfter(server.certificate), &tm));
	wanted = (td_time)timegm(&tm) * 1000000000;
	assert_true(ends == wanted && ends > 0);
	td_tls_context_unref(context);
	td_tls_context_unref(NULL);
}

/* --- bytes both ways ---------------------------------------------------------------------- */

static void say(struct peer *peer, struct td_tls *tls, const char *text)
{
	size_t len = strlen(text), put;

	maker_must(SSL_write_ex(peer->ssl, text, len, &put) == 1 && put == len);
	while (peer_speak(peer, tls, SIZE_MAX) > 0)
		;
}

static void both_hear_each_other(size_t most, int version)
{
	struct td_tls *tls = machine_of(NULL, false);
	struct peer peer = peer_new(&root, NULL, version);
	char bytes[64];
	size_t got, put, count;

	assert_false(td_tls_is_open(tls));
	assert_int_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), EAGAIN);
	assert_int_equal(td_tls_write(tls, "x", 1, &put), EAGAIN);
	assert_int_equal(peer_shake(&peer, tls, most, NULL), 0);
	assert_true(td_tls_is_open(tls) && SSL_is_init_finished(peer.ssl));
	td_tls_names(tls, &count);
	assert_int_equal(count, 0);

	say(&peer, tls, "hello");
	assert_true(td_tls_has_input(tls));
	assert_int_equal(td_tls_read(tls, bytes, 2, &got), 0);
	assert_int_equal(got, 2);
	assert_true(td_tls_has_input(tls)); /* the rest is there, though the net is silent */
	assert_int_equal(td_tls_read(tls, bytes + 2, sizeof(bytes) - 2, &got), 0);
	assert_memory_equal(bytes, "hello", 5);
	assert_false(td_tls_has_input(tls));
	assert_int_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), EAGAIN);

	assert_int_equal(td_tls_write(tls, "world", 5, &put), 0);
	assert_int_equal(put, 5);
	peer_listen(&peer, tls);
	assert_int_equal(SSL_read(peer.ssl, bytes, sizeof(bytes)), 5);
	assert_memory_equal(bytes, "world", 5);

	/* An end that was said is one. */
	assert_int_equal(SSL_shutdown(peer.ssl), 0);
	peer_speak(&peer, tls, SIZE_MAX);
	got = 1;
	assert_int_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), 0);
	assert_int_equal(got, 0);
	td_tls_finish(tls);
	peer_listen(&peer, tls);
	assert_int_equal(SSL_shutdown(peer.ssl), 1);
	assert_int_equal(td_tls_output(tls).len, 0);
	peer_free(&peer);
	td_tls_free(tls);
	td_tls_free(NULL);
}

static void tls_1_3_is_spoken(void **state)
{
	(void)state;
	both_hear_each_other(SIZE_MAX, TLS1_3_VERSION);
}

static void tls_1_2_is_spoken(void **state)
{
	(void)state;
	both_hear_each_other(SIZE_MAX, TLS1_2_VERSION);
}

static void it_does_not_matter_how_bytes_are_cut(void **state)
{
	(void)state;
	both_hear_each_other(1, TLS1_3_VERSION);
	both_hear_each_other(7, TLS1_2_VERSION);
}

static void older_versions_are_refused(void **state)
{
	struct td_tls *tls = machine_of(NULL, false);
	struct peer peer = peer_new(&root, NULL, TLS1_1_VERSION);
	struct td_error err = TD_ERROR_INIT;
	char byte;
	size_t got;

	(void)state;
	assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, &err), EPROTO);
	assert_true(err.text[0] != '\0');
	/* For good. */
	assert_int_equal(td_tls_shake(tls, NULL), EPROTO);
	assert_int_equal(td_tls_read(tls, &byte, 1, &got), EPROTO);
	assert_int_equal(td_tls_write(tls, &byte, 1, &got), EPROTO);
	peer_free(&peer);
	td_tls_free(tls);
}

static void bytes_that_are_no_tls_fail_at_once(void **state)
{
	static const char *const rows[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\x16\x03\x01\xFF\xFF\x01", "\x15\x03\x03\0\x02\x02\x28"};
	static const size_t lens[] = {27, 6, 7};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_tls *tls = machine_of(NULL, false);
		struct td_error err = TD_ERROR_INIT;
		size_t len;
		char *room = td_tls_room(tls, &len);

		assert_non_null(room);
		memcpy(room, rows[i], lens[i]);
		td_tls_fed(tls, lens[i]);
		assert_int_equal(td_tls_shake(tls, &err), EPROTO);
		assert_non_null(strstr(err.text, "handshake: "));
		assert_false(td_tls_has_input(tls));
		td_tls_free(tls);
	}
}

static void a_record_that_was_changed_ends_it(void **state)
{
	struct td_tls *tls = machine_of(NULL, false);
	struct peer peer = peer_new(&root, NULL, TLS1_3_VERSION);
	char bytes[64], *room;
	size_t len, got, put;

	(void)state;
	assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), 0);
	maker_must(SSL_write_ex(peer.ssl, "hello", 5, &put));
	room = td_tls_room(tls, &len);
	maker_must(BIO_read_ex(peer.out, room, len, &got));
	room[got - 1] ^= 1;
	td_tls_fed(tls, got);
	assert_int_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), EPROTO);
	assert_int_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), EPROTO);
	peer_free(&peer);
	td_tls_free(tls);
}

static void what_is_not_sent_on_is_bounded(void **state)
{
	static const char bytes[16384];
	struct td_tls *tls = machine_of(NULL, false);
	struct peer peer = peer_new(&root, NULL, TLS1_3_VERSION);
	size_t put, sum = 0, heard = 0;
	int code;

	(void)state;
	assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), 0);
	/* Little by little is sent on: the bound is on what waits, for ever. */
	for (int round = 0; round < 100; round++) {
		while ((code = td_tls_write(tls, bytes, sizeof(bytes), &put)) == 0)
			sum += put;
		assert_int_equal(code, EAGAIN);
		assert_true(td_tls_output(tls).len > TD_TLS_OUTPUT_MAX);
		assert_true(td_tls_output(tls).len < 2 * TD_TLS_OUTPUT_MAX);
		maker_must(BIO_write_ex(peer.in, td_tls_output(tls).at, 20000, &put));
		td_tls_sent(tls, put);
	}
	peer_listen(&peer, tls);
	assert_int_equal(td_tls_output(tls).len, 0);
	for (;;) {
		char out[16384];

		if (SSL_read_ex(peer.ssl, out, sizeof(out), &put) != 1)
			break;
		heard += put;
	}
	assert_true(heard == sum && sum > 1900000);
	peer_free(&peer);
	td_tls_free(tls);
}

static void clients_may_not_renegotiate(void **state)
{
	struct td_tls *tls = machine_of(NULL, false);
	struct peer peer = peer_new(&root, NULL, TLS1_2_VERSION);
	char bytes[64];
	size_t got;

	(void)state;
	assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), 0);
	assert_int_equal(SSL_renegotiate(peer.ssl), 1);
	(void)SSL_do_handshake(peer.ssl);
	peer_speak(&peer, tls, SIZE_MAX);
	assert_int_not_equal(td_tls_read(tls, bytes, sizeof(bytes), &got), 0);
	peer_listen(&peer, tls);
	assert_int_not_equal(SSL_do_handshake(peer.ssl), 1);
	peer_free(&peer);
	td_tls_free(tls);
}

static void http_1_1_is_what_is_spoken_inside(void **state)
{
	static const struct {
		const char *offered;
		int code;
	} rows[] = {
		{"\x02h2\x08http/1.1", 0},
		{"\x08http/1.1", 0},
		{"\x02h2", EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_tls *tls = machine_of(NULL, false);
		struct peer peer = peer_new(&root, NULL, TLS1_3_VERSION);
		const unsigned char *chosen;
		unsigned len;

		assert_int_equal(
			SSL_set_alpn_protos(peer.ssl, (const unsigned char *)rows[i].offered,
				(unsigned)strlen(rows[i].offered)),
			0);
		assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), rows[i].code);
		SSL_get0_alpn_selected(peer.ssl, &chosen, &len);
		if (rows[i].code == 0)
			assert_true(len == 8 && memcmp(chosen, "http/1.1", 8) == 0);
		peer_free(&peer);
		td_tls_free(tls);
	}
}

/* --- certificates of clients -------------------------------------------------------------- */

static void a_client_is_known_by_the_names_in_its_certificate(void **state)
{
	struct maker ann = maker_new(&root, "ann",
		"DNS:ann.example.org,email:ann@example.org,URI:spiffe://example/ann,IP:10.0.0.1");
	struct td_tls *tls = machine_of(&root, true);
	struct peer peer = peer_new(&root, &ann, TLS1_3_VERSION);
	const struct td_text *names;
	size_t count;

	(void)state;
	assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), 0);
	names = td_tls_names(tls, &count);
	assert_int_equal(count, 3);
	assert_true(td_text_is(names[0], "dns:ann.example.org"));
	assert_true(td_text_is(names[1], "email:ann@example.org"));
	assert_true(td_text_is(names[2], "uri:spiffe://example/ann"));
	peer_free(&peer);
	td_tls_free(tls);
	maker_free(&ann);
}

static void clients_with_no_or_a_strange_certificate(void **state)
{
	struct maker stranger = maker_new(&stranger_root, "x", "DNS:ann.example.org");
	const struct {
		const struct maker *shows;
		bool required;
		int code;
	} rows[] = {
		{NULL, false, 0},
		{NULL, true, EPROTO},
		{&stranger, false, EPROTO},
		{&stranger, true, EPROTO},
	};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows) * 2; i++) {
		struct td_tls *tls = machine_of(&root, rows[i / 2].required);
		struct peer peer = peer_new(&root, rows[i / 2].shows, versions[i % 2]);
		size_t count;

		assert_int_equal(peer_shake(&peer, tls, SIZE_MAX, NULL), rows[i / 2].code);
		td_tls_names(tls, &count);
		assert_int_equal(count, 0);
		peer_free(&peer);
		td_tls_free(tls);
	}
	maker_free(&stranger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_used_is_refused_by_name),
		cmocka_unit_test(the_end_of_the_certificate_is_known),
		cmocka_unit_test(tls_1_3_is_spoken),
		cmocka_unit_test(tls_1_2_is_spoken),
		cmocka_unit_test(it_does_not_matter_how_bytes_are_cut),
		cmocka_unit_test(older_versions_are_refused),
		cmocka_unit_test(bytes_that_are_no_tls_fail_at_once),
		cmocka_unit_test(a_record_that_was_changed_ends_it),
		cmocka_unit_test(what_is_not_sent_on_is_bounded),
		cmocka_unit_test(clients_may_not_renegotiate),
		cmocka_unit_test(http_1_1_is_what_is_spoken_inside),
		cmocka_unit_test(a_client_is_known_by_the_names_in_its_certificate),
		cmocka_unit_test(clients_with_no_or_a_strange_certificate),
	};

	return cmocka_run_group_tests(tests, make_certificates, drop_certificates);
}
