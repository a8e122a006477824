#include "server/users_inside.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define ARENA_BYTES_MAX ((size_t)64 << 20)

/* --- reading ------------------------------------------------------------------------------ */

static int wrong(const struct td_conf_line *line, int code, struct td_error *err, const char *what)
{
	return td_error_set(err, code, TD_NO_OFFSET, "line %zu: %s", line->number, what);
}

static bool name_is_valid(struct td_text name)
{
	if (name.len == 0 || name.len > TD_USER_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		/* A colon ends it in Basic; it stands in headers, and in lines that words part. */
		if ((unsigned char)name.at[i] <= ' ' || strchr(":,\"\\", name.at[i]) != NULL)
			return false;
	}
	return true;
}

static uint64_t key_of(const struct td_users *users, struct td_text text)
{
	return td_hash(text.at, text.len, users->seed);
}

static int add_user(struct td_users *users, const struct td_conf_line *line, struct td_error *err)
{
	struct td_user *user;

	if (!td_text_is(line->name, "user") || !name_is_valid(line->value))
		return wrong(line, TD_E_INVALID, err,
			"expected `[user NAME]`, the name without blanks, colons, commas and "
			"quotes");
	if (td_users_find(users, line->value) != NULL)
		return wrong(line, TD_E_EXISTS, err, "a user of that name is there already");
	if (users->count == TD_USERS_MAX)
		return wrong(line, TD_E_LIMIT, err, "too many users");
	if (users->count == users->cap) {
		size_t cap = users->cap > 0 ? users->cap * 2 : 16;
		struct td_user **at = realloc(users->at, cap * sizeof(struct td_user *));

		if (at == NULL)
			return td_error_nomem(err);
		users->at = at;
		users->cap = cap;
	}
	user = td_arena_zalloc(&users->arena, sizeof(*user));
	if (user == NULL)
		return td_error_nomem(err);
	user->about.line = line->number;
	user->about.name = td_arena_copy(&users->arena, line->value);
	user->next = td_map_get(&users->names, key_of(users, line->value));
	if (user->about.name.at == NULL ||
		!td_map_put(&users->names, key_of(users, line->value), user))
		return td_error_nomem(err);
	users->at[users->count++] = user;
	return 0;
}

/* A new identity, in the map unless that is NULL. */
static int add_identity(struct td_users *users, struct td_user *user, enum td_credential credential,
	struct td_text secret, struct td_map *map, struct td_identity **out, struct td_error *err)
{
	struct td_identity *identity = td_arena_zalloc(&users->arena, sizeof(*identity));

	if (identity == NULL)
		return td_error_nomem(err);
	identity->users = users;
	identity->user = user;
	identity->credential = credential;
	identity->secret = td_arena_copy(&users->arena, secret);
	if (identity->secret.at == NULL)
		return td_error_nomem(err);
	if (map != NULL) {
		identity->next = td_map_get(map, key_of(users, secret));
		if (!td_map_put(map, key_of(users, secret), identity))
			return td_error_nomem(err);
	}
	*out = identity;
	return 0;
}

static int add_password(struct td_users *users, struct td_user *user,
	const struct td_conf_line *line, struct td_error *err)
{
	char hash[TD_PASSWORD_HASH_BYTES];

	if (user->password != NULL)
		return wrong(line, TD_E_INVALID, err, "password: it is there already");
	if (line->value.len >= sizeof(hash))
		return wrong(line, TD_E_INVALID, err, "password: not a hash of crypt(5)");
	memcpy(hash, line->value.at, line->value.len);
	hash[line->value.len] = '\0';
	/* What is weak is refused, too: a file that looks safe has to be. */
	if (line->value.len < 20 || hash[0] != '$' || crypt_checksalt(hash) != CRYPT_SALT_OK)
		return wrong(line, TD_E_INVALID, err,
			"password: not a hash of crypt(5) that is held to be safe; `tidings user` "
			"makes one");
	user->about.password = true;
	if (users->no_hash[0] == '\0')
		memcpy(users->no_hash, hash, line->value.len + 1);
	return add_identity(users, user, TD_BY_PASSWORD, line->value, NULL, &user->password, err);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool td_token_digest(struct td_text word, uint8_t digest[TD_SHA256_BYTES])
{
	if (word.len + 1 != TD_TOKEN_LINE_BYTES || memcmp(word.at, "sha256:", 7) != 0)
		return false;
	for (size_t i = 0; i < TD_SHA256_BYTES; i++) {
		int high = hex(word.at[7 + 2 * i]), low = hex(word.at[8 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const struct td_identity *find_secret(
	const struct td_users *users, const struct td_map *map, struct td_text secret)
{
	const struct td_identity *identity = td_map_get(map, key_of(users, secret));

	while (identity != NULL &&
		(identity->secret.len != secret.len ||
			CRYPTO_memcmp(identity->secret.at, secret.at, secret.len) != 0))
		identity = identity->next;
	return identity;
}

static int add_token(struct td_users *users, struct td_user *user, const struct td_conf_line *line,
	struct td_error *err)
{
	struct td_text rest = line->value, word, label, more;
	uint8_t digest[TD_SHA256_BYTES];
	struct td_identity *identity;

	if (!td_conf_word(&rest, &word) || !td_token_digest(word, digest) ||
		(td_conf_word(&rest, &label) && td_conf_word(&rest, &more)))
		return wrong(line, TD_E_INVALID, err,
			"token: expected `sha256:` with 64 digits 0-9a-f, and a name for it or "
			"none; "
			"`tidings user` makes one");
	if (find_secret(users, &users->tokens, td_text_of(digest, sizeof(digest))) != NULL)
		return wrong(line, TD_E_EXISTS, err, "token: it is there already");
	user->about.tokens++;
	return add_identity(users, user, TD_BY_TOKEN, td_text_of(digest, sizeof(digest)),
		&users->tokens, &identity, err);
}

static bool certificate_is_valid(struct td_text name)
{
	static const char *const kinds[] = {"dns:", "email:", "uri:"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);

		if (name.len > len && memcmp(name.at, kinds[i], len) == 0)
			return memchr(name.at, '*', name.len) == NULL;
	}
	return false;
}

static int add_certificate(struct td_users *users, struct td_user *user,
	const struct td_conf_line *line, struct td_error *err)
{
	struct td_identity *identity;

	if (!certificate_is_valid(line->value))
		return wrong(line, TD_E_INVALID, err,
			"certificate: expected `dns:`, `email:` or `uri:` and a name, exactly as "
			"in "
			"the certificate");
	if (find_secret(users, &users->certificates, line->value) != NULL)
		return wrong(line, TD_E_EXISTS, err, "certificate: it is there already");
	user->about.certificates++;
	return add_identity(
		users, user, TD_BY_CERTIFICATE, line->value, &users->certificates, &identity, err);
}

static int add_rule(struct td_users *users, struct td_user *user, struct td_user_rule *rule,
	struct td_error *err)
{
	if (user->trie == NULL)
		user->trie = td_trie_new(users->seed);
	if (user->trie == NULL)
		return td_error_nomem(err);
	rule->next = user->rules;
	user->rules = rule;
	user->about.patterns++;
	user->some[rule->permission] |= !rule->deny;
	return td_trie_add(
		user->trie, rule->pattern, td_permission_name(rule->permission), rule, err);
}

static int add_rules(struct td_users *users, struct td_user *user, const struct td_conf_line *line,
	enum td_permission permission, bool deny, struct td_error *err)
{
	struct td_text rest = line->value, word;
	size_t count = 0;

	while (td_conf_word(&rest, &word)) {
		struct td_user_rule *rule = td_arena_zalloc(&users->arena, sizeof(*rule));
		int code;

		if (rule == NULL)
			return td_error_nomem(err);
		rule->pattern = td_arena_copy(&users->arena, word);
		rule->permission = permission;
		rule->deny = deny;
		if (rule->pattern.at == NULL)
			return td_error_nomem(err);
		code = add_rule(users, user, rule, err);
		if (code != 0)
			return code == TD_E_NOMEM ? code
						  : td_error_wrap(err, code, "line %zu: %.*s",
							    line->number, TD_TEXT_ARG(line->name));
		count++;
	}
	return count > 0 ? 0 : wrong(line, TD_E_INVALID, err, "expected patterns of subjects");
}

static int unknown_key(const struct td_conf_line *line, struct td_error *err)
{
	static const char *const keys[] = {"password", "token", "certificate", "publish", "read",
		"manage", "not-publish", "not-read", "not-manage"};
	struct td_nearest nearest;

	td_nearest_init(&nearest, line->name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		td_nearest_try(&nearest, td_text(keys[i]));
	if (nearest.name.at == NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"line %zu: `%.*s`: a user has no such key", line->number,
			TD_TEXT_ARG(line->name));
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"line %zu: `%.*s`: a user has no such key; did you mean `%.*s`?", line->number,
		TD_TEXT_ARG(line->name), TD_TEXT_ARG(nearest.name));
}

static int add_line(struct td_users *users, const struct td_conf_line *line, struct td_error *err)
{
	struct td_user *user = users->count > 0 ? users->at[users->count - 1] : NULL;
	enum td_permission permission;
	bool deny;

	if (user == NULL)
		return wrong(line, TD_E_INVALID, err, "expected `[user NAME]` first");
	if (user->about.tokens + user->about.certificates + user->about.patterns >=
		TD_USER_LINES_MAX)
		return wrong(line, TD_E_LIMIT, err, "too much is said of this user");
	if (td_text_is(line->name, "password"))
		return add_password(users, user, line, err);
	if (td_text_is(line->name, "token"))
		return add_token(users, user, line, err);
	if (td_text_is(line->name, "certificate"))
		return add_certificate(users, user, line, err);
	if (td_permission_key(line->name, &permission, &deny))
		return add_rules(users, user, line, permission, deny, err);
	return unknown_key(line, err);
}

static int read_lines(struct td_users *users, struct td_text file, struct td_error *err)
{
	struct td_conf conf;
	struct td_conf_line line;
	int code;

	td_conf_init(&conf, file);
	while ((code = td_conf_next(&conf, &line, err)) == 0 && line.kind != TD_CONF_END) {
		code = line.kind == TD_CONF_SECTION ? add_user(users, &line, err)
						    : add_line(users, &line, err);
		if (code != 0)
			return code;
	}
	return code;
}

int td_users_new(struct td_users **out, struct td_text file, uint64_t seed, struct td_error *err)
{
	struct td_users *users = calloc(1, sizeof(*users));
	int code;

	if (users == NULL)
		return td_error_nomem(err);
	atomic_init(&users->refs, 1);
	users->seed = seed;
	users->nobody = (struct td_identity){
		.users = users, .user = &users->nobody_user, .credential = TD_BY_NOTHING};
	td_arena_init(&users->arena, 4096, ARENA_BYTES_MAX);
	code = td_sha256_init(&users->sha, err);
	if (code == 0)
		code = read_lines(users, file, err);
	if (code != 0) {
		td_users_unref(users);
		return code;
	}
	/* Nobody has a password: what is compared with is this one's form, not its value. */
	if (users->no_hash[0] == '\0')
		memcpy(users->no_hash, "$y$j9T$........................", 32);
	*out = users;
	return 0;
}

struct td_users *td_users_ref(struct td_users *users)
{
	if (users != NULL)
		atomic_fetch_add_explicit(&users->refs, 1, memory_order_relaxed);
	return users;
}

void td_users_unref(struct td_users *users)
{
	if (users == NULL || atomic_fetch_sub_explicit(&users->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < users->count; i++)
		td_trie_free(users->at[i]->trie);
	free(users->at);
	td_map_fini(&users->names);
	td_map_fini(&users->tokens);
	td_map_fini(&users->certificates);
	td_sha256_fini(&users->sha);
	td_arena_fini(&users->arena);
	free(users);
}

/* --- who is it ---------------------------------------------------------------------------- */

struct td_user *td_users_find(const struct td_users *users, struct td_text name)
{
	struct td_user *user = td_map_get(&users->names, key_of(users, name));

	while (user != NULL && !td_text_equal(user->about.name, name))
		user = user->next;
	return user;
}

const struct td_identity *td_users_by_token(const struct td_users *users, struct td_text token)
{
	struct td_sha256 sha = users->sha;
	uint8_t digest[TD_SHA256_BYTES];

	td_sha256_add(&sha, token.at, token.len);
	td_sha256_finish(&sha, digest);
	return find_secret(users, &users->tokens, td_text_of(digest, sizeof(digest)));
}

const struct td_identity *td_users_by_certificate(const struct td_users *users, struct td_text name)
{
	return find_secret(users, &users->certificates, name);
}

const struct td_identity *td_users_by_name(
	const struct td_users *users, struct td_text name, const char **hash)
{
	const struct td_user *user = td_users_find(users, name);

	if (user == NULL || user->password == NULL) {
		*hash = users->no_hash;
		return NULL;
	}
	*hash = user->password->secret.at;
	return user->password;
}

const struct td_identity *td_users_nobody(const struct td_users *users)
{
	return &users->nobody;
}

const struct td_identity *td_users_renew(
	const struct td_users *users, const struct td_identity *identity)
{
	const struct td_identity *now = NULL;
	const struct td_user *user;

	if (identity->credential == TD_BY_NOTHING)
		return &users->nobody;
	user = td_users_find(users, identity->user->about.name);
	if (user == NULL)
		return NULL;
	switch (identity->credential) {
	case TD_BY_PASSWORD:
		now = user->password;
		break;
	case TD_BY_TOKEN:
		now = find_secret(users, &users->tokens, identity->secret);
		break;
	case TD_BY_CERTIFICATE:
		now = find_secret(users, &users->certificates, identity->secret);
		break;
	case TD_BY_NOTHING:
		break;
	}
	return now != NULL && now->user == user && td_text_equal(now->secret, identity->secret)
		       ? now
		       : NULL;
}

size_t td_users_count(const struct td_users *users)
{
	return users->count;
}

struct td_user_about td_users_about(const struct td_users *users, size_t i)
{
	TD_ASSERT(i < users->count);
	return users->at[i]->about;
}
