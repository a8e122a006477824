#include "server/guard.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "server/throttle.h"
#include "wire/http/http.h"

#define MAC_BYTES     32u
#define ORIGINS_MAX   64u
#define BASIC_MAX     1024u /* bytes of name and password */
#define NS_PER_SECOND INT64_C(1000000000)

/* A password that was right. */
struct remembered {
	uint8_t mac[MAC_BYTES];
	const struct td_identity *identity; /* NULL: free */
	int64_t until;
};

struct td_check {
	struct td_check *next;
	struct td_users *users; /* by which it is looked at; counted */
	const struct td_identity *identity;
	uint8_t mac[MAC_BYTES];
	char hash[TD_PASSWORD_HASH_BYTES];
	char password[TD_PASSWORD_BYTES_MAX];
	size_t password_len;
	struct td_net_address peer;
	uint64_t name_key;
	int result;
	void *waiters;
};

struct td_guard {
	struct td_users *users;
	char *origins; /* the text that `origin` views */
	struct td_text origin[ORIGINS_MAX];
	size_t origins_count;
	uint8_t key[MAC_BYTES];
	uint64_t seed;
	struct td_throttle sources, names;
	struct td_check *checks; /* that are out */
	size_t checks_count;
	struct remembered remembered[TD_REMEMBERED_MAX];
};

int td_guard_new(struct td_guard **out, const struct td_random *random, struct td_error *err)
{
	struct td_guard *guard = calloc(1, sizeof(*guard));

	if (guard == NULL)
		return td_error_nomem(err);
	random->fill(random->arg, guard->key, sizeof(guard->key));
	random->fill(random->arg, &guard->seed, sizeof(guard->seed));
	td_throttle_init(&guard->sources, TD_WRONG_SOURCE, TD_WRONG_SOURCE_MS);
	td_throttle_init(&guard->names, TD_WRONG_NAME, TD_WRONG_NAME_MS);
	*out = guard;
	return 0;
}

static void forget(struct td_guard *guard)
{
	OPENSSL_cleanse(guard->remembered, sizeof(guard->remembered));
}

void td_guard_free(struct td_guard *guard)
{
	if (guard == NULL)
		return;
	TD_ASSERT(guard->checks == NULL);
	td_users_unref(guard->users);
	free(guard->origins);
	OPENSSL_cleanse(guard, sizeof(*guard));
	free(guard);
}

struct td_users *td_guard_users(const struct td_guard *guard)
{
	return guard != NULL ? guard->users : NULL;
}

/* --- pages -------------------------------------------------------------------------------- */

static int read_origins(
	char *text, size_t len, struct td_text *origin, size_t *count, struct td_error *err)
{
	struct td_text rest = td_text_of(text, len), word;
	struct td_http_origin parts;

	*count = 0;
	while (td_conf_word(&rest, &word)) {
		if (*count == ORIGINS_MAX)
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"origins: more than %u", ORIGINS_MAX);
		if (!td_http_origin_split(word, &parts))
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"origins: expected https://HOST[:PORT], found `%.*s`",
				TD_TEXT_ARG(word));
		origin[(*count)++] = word;
	}
	return 0;
}

int td_guard_set(struct td_guard *guard, struct td_users *users, struct td_text origins,
	struct td_error *err)
{
	struct td_text origin[ORIGINS_MAX];
	size_t count;
	char *copy = malloc(origins.len + 1);
	int code;

	if (copy == NULL)
		return td_error_nomem(err);
	if (origins.len > 0)
		memcpy(copy, origins.at, origins.len);
	code = read_origins(copy, origins.len, origin, &count, err);
	if (code != 0) {
		free(copy);
		return code;
	}
	free(guard->origins);
	guard->origins = copy;
	memcpy(guard->origin, origin, sizeof(origin[0]) * count);
	guard->origins_count = count;
	td_users_unref(guard->users);
	guard->users = users;
	forget(guard);
	return 0;
}

/* In any case of letters; what is not there is like nothing. */
static bool same_word(struct td_text a, struct td_text b)
{
	if (a.at == NULL || b.at == NULL || a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.at[i], y = b.at[i];

		x = x >= 'A' && x <= 'Z' ? (char)(x | 0x20) : x;
		y = y >= 'A' && y <= 'Z' ? (char)(y | 0x20) : y;
		if (x != y)
			return false;
	}
	return true;
}

static bool is_named(const struct td_guard *guard, struct td_text origin)
{
	for (size_t i = 0; guard != NULL && i < guard->origins_count; i++) {
		if (same_word(guard->origin[i], origin))
			return true;
	}
	return false;
}

int td_guard_page(const struct td_guard *guard, struct td_text host, struct td_text origin,
	struct td_error *err)
{
	struct td_http_host parts;
	struct td_http_origin from;

	if (td_guard_users(guard) == NULL && host.at != NULL &&
		(!td_http_host_split(host, &parts) || !td_http_is_loopback(parts.name)))
		return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET,
			"Host: whoever connects may do everything here, so it has to be this "
			"machine");
	if (origin.at == NULL || is_named(guard, origin))
		return 0;
	if (td_guard_users(guard) == NULL) {
		if (td_http_origin_is_loopback(origin))
			return 0;
	} else if (td_http_origin_split(origin, &from) && same_word(from.host, host)) {
		return 0;
	}
	return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET,
		"Origin: a page of `%.*s` may not send requests; the setting `origins` names those "
		"that "
		"may",
		(int)(origin.len < 100 ? origin.len : 100), origin.at);
}

/* --- credentials -------------------------------------------------------------------------- */

static enum td_guarded refuse(int code, struct td_error *err, const char *what)
{
	td_error_set(err, code, TD_NO_OFFSET, "%s", what);
	return TD_GUARD_REFUSED;
}

static enum td_guarded stranger(struct td_error *err)
{
	return refuse(TD_E_STRANGER, err, "credentials that are not known here");
}

static uint64_t source_key(const struct td_guard *guard, const struct td_net_address *peer)
{
	/* Of IPv6 whoever has an address has a /64 of them. */
	return td_hash(peer->bytes, peer->family == 6 ? 8 : 4, guard->seed);
}

/* Behind a proxy all come from this machine, and one of them does not lock the others out. */
static bool source_counts(const struct td_net_address *peer)
{
	return peer->family != 0 && !td_net_address_is_loopback(peer);
}

static bool mac_of(const struct td_guard *guard, struct td_text pair, uint8_t mac[MAC_BYTES])
{
	unsigned len = MAC_BYTES;

	return HMAC(EVP_sha256(), guard->key, sizeof(guard->key), (const unsigned char *)pair.at,
		       pair.len, mac, &len) != NULL &&
	       len == MAC_BYTES;
}

static struct remembered *slot_of(struct td_guard *guard, const uint8_t mac[MAC_BYTES])
{
	return &guard->remembered[((unsigned)mac[0] | (unsigned)mac[1] << 8) % TD_REMEMBERED_MAX];
}

static struct td_check *find_check(const struct td_guard *guard, const uint8_t mac[MAC_BYTES])
{
	struct td_check *check = guard->checks;

	while (check != NULL &&
		(check->users != guard->users || CRYPTO_memcmp(check->mac, mac, MAC_BYTES) != 0))
		check = check->next;
	return check;
}

static struct td_check *new_check(struct td_guard *guard, const struct td_ask *ask,
	struct td_text name, struct td_text password, const uint8_t mac[MAC_BYTES])
{
	struct td_check *check = calloc(1, sizeof(*check));
	const char *hash;

	if (check == NULL)
		return NULL;
	check->users = td_users_ref(guard->users);
	check->identity = td_users_by_name(guard->users, name, &hash);
	memcpy(check->mac, mac, MAC_BYTES);
	memcpy(check->hash, hash, strlen(hash) + 1);
	memcpy(check->password, password.at, password.len);
	check->password_len = password.len;
	check->peer = ask->peer;
	check->name_key = td_hash(name.at, name.len, guard->seed);
	check->result = TD_E_STRANGER;
	check->next = guard->checks;
	guard->checks = check;
	guard->checks_count++;
	return check;
}

static enum td_guarded ask_password(struct td_guard *guard, const struct td_ask *ask,
	struct td_text pair, int64_t now, const struct td_identity **identity,
	struct td_check **check, bool *fresh, struct td_error *err)
{
	const char *colon = pair.len > 0 ? memchr(pair.at, ':', pair.len) : NULL;
	struct td_text name, password;
	uint8_t mac[MAC_BYTES];
	const struct remembered *seen;

	if (colon == NULL)
		return refuse(TD_E_INVALID, err, "Authorization: Basic without a colon in it");
	name = td_text_of(pair.at, (size_t)(colon - pair.at));
	password = td_text_of(colon + 1, pair.len - name.len - 1);
	if (password.len >= TD_PASSWORD_BYTES_MAX)
		return stranger(err);
	if (!mac_of(guard, pair, mac))
		return refuse(TD_E_NOMEM, err, "memory could not be had");
	seen = slot_of(guard, mac);
	if (seen->identity != NULL && seen->until > now &&
		CRYPTO_memcmp(seen->mac, mac, MAC_BYTES) == 0) {
		*identity = seen->identity;
		return TD_GUARD_KNOWN;
	}
	*fresh = false;
	*check = find_check(guard, mac);
	if (*check != NULL)
		return TD_GUARD_CHECK;
	if ((source_counts(&ask->peer) &&
		    td_throttle_over(&guard->sources, source_key(guard, &ask->peer), now)) ||
		td_throttle_over(&guard->names, td_hash(name.at, name.len, guard->seed), now))
		return refuse(TD_E_LIMIT, err, "too many passwords that were wrong; later again");
	if (guard->checks_count == TD_CHECKS_MAX)
		return refuse(TD_E_FULL, err, "too many passwords to look at; again");
	*check = new_check(guard, ask, name, password, mac);
	if (*check == NULL)
		return refuse(TD_E_NOMEM, err, "memory could not be had");
	*fresh = true;
	return TD_GUARD_CHECK;
}

static enum td_guarded ask_basic(struct td_guard *guard, const struct td_ask *ask,
	struct td_text encoded, int64_t now, const struct td_identity **identity,
	struct td_check **check, bool *fresh, struct td_error *err)
{
	struct td_buf pair = TD_BUF_INIT(BASIC_MAX);
	enum td_guarded answer;
	int code = encoded.len <= 2 * BASIC_MAX ? td_base64_decode(&pair, encoded, NULL)
						: TD_E_TOO_LARGE;

	if (code == TD_E_NOMEM)
		answer = refuse(code, err, "memory could not be had");
	else if (code != 0)
		answer = refuse(TD_E_INVALID, err, "Authorization: not the base64 of Basic");
	else
		answer = ask_password(
			guard, ask, td_buf_view(&pair), now, identity, check, fresh, err);
	if (pair.at != NULL)
		OPENSSL_cleanse(pair.at, pair.cap);
	td_buf_fini(&pair);
	return answer;
}

static bool scheme_is(struct td_text scheme, const char *name)
{
	return same_word(scheme, td_text(name));
}

static enum td_guarded ask_names(struct td_guard *guard, const struct td_ask *ask,
	const struct td_identity **identity, struct td_error *err)
{
	for (size_t i = 0; i < ask->names_count; i++) {
		*identity = td_users_by_certificate(guard->users, ask->names[i]);
		if (*identity != NULL)
			return TD_GUARD_KNOWN;
	}
	return refuse(TD_E_STRANGER, err,
		ask->names_count > 0 ? "a certificate whose names are not known here"
				     : "credentials are needed: a token, or name and password");
}

enum td_guarded td_guard_ask(struct td_guard *guard, const struct td_ask *ask, int64_t now,
	const struct td_identity **identity, struct td_check **check, bool *fresh,
	struct td_error *err)
{
	struct td_http_credentials credentials;

	if (guard->users == NULL) {
		*identity = NULL;
		return TD_GUARD_KNOWN;
	}
	if (ask->authorization.at == NULL)
		return ask_names(guard, ask, identity, err);
	if (!td_http_credentials_read(ask->authorization, &credentials))
		return refuse(TD_E_INVALID, err, "Authorization: not SCHEME CREDENTIALS");
	if (scheme_is(credentials.scheme, "Basic"))
		return ask_basic(
			guard, ask, credentials.parameters, now, identity, check, fresh, err);
	if (!scheme_is(credentials.scheme, "Bearer"))
		return refuse(
			TD_E_STRANGER, err, "Authorization: Bearer and Basic are spoken here");
	*identity = td_users_by_token(guard->users, credentials.parameters);
	return *identity != NULL ? TD_GUARD_KNOWN : stranger(err);
}

/* --- checks ------------------------------------------------------------------------------- */

void td_check_run(struct td_check *check)
{
	check->result =
		td_password_check(td_text_of(check->password, check->password_len), check->hash);
	OPENSSL_cleanse(check->password, sizeof(check->password));
}

void **td_check_waiters(struct td_check *check)
{
	return &check->waiters;
}

static void unlink_check(struct td_guard *guard, struct td_check *check)
{
	struct td_check **link = &guard->checks;

	while (*link != check)
		link = &(*link)->next;
	*link = check->next;
	guard->checks_count--;
}

static void remember(struct td_guard *guard, const struct td_check *check,
	const struct td_identity *identity, int64_t now)
{
	struct remembered *slot = slot_of(guard, check->mac);

	memcpy(slot->mac, check->mac, MAC_BYTES);
	slot->identity = identity;
	slot->until = now + TD_REMEMBERED_TIME * NS_PER_SECOND;
}

int td_guard_settle(struct td_guard *guard, struct td_check *check, int64_t now,
	const struct td_identity **identity, struct td_error *err)
{
	const struct td_identity *known = check->result == 0 ? check->identity : NULL;
	int code = check->result == TD_E_NOMEM ? TD_E_NOMEM : TD_E_STRANGER;

	/* Others may be who counts by now. Where everybody is let in, it is nobody's business. */
	if (known != NULL && guard->users != check->users)
		known = guard->users != NULL ? td_users_renew(guard->users, known) : NULL;
	if (known != NULL) {
		remember(guard, check, known, now);
		*identity = known;
		code = 0;
	} else if (code == TD_E_NOMEM) {
		td_error_nomem(err);
	} else {
		stranger(err);
		if (source_counts(&check->peer))
			td_throttle_count(&guard->sources, source_key(guard, &check->peer), now);
		td_throttle_count(&guard->names, check->name_key, now);
	}
	unlink_check(guard, check);
	td_users_unref(check->users);
	OPENSSL_cleanse(check, sizeof(*check));
	free(check);
	return code;
}
