/*
 * The inside of users.
 */
#ifndef TD_SERVER_USERS_INSIDE_H
#define TD_SERVER_USERS_INSIDE_H

#include <stdatomic.h>

#include "match/match.h"
#include "server/users.h"

enum td_credential {
	TD_BY_PASSWORD,
	TD_BY_TOKEN,
	TD_BY_CERTIFICATE,
	TD_BY_NOTHING,
};

struct td_user;

/* A user by one of its credentials. */
struct td_identity {
	struct td_users *users;
	struct td_user *user;
	enum td_credential credential;
	struct td_text secret;    /* the hash, the 32 bytes of a digest, the name; NUL behind it */
	struct td_identity *next; /* of the same hash in a map */
};

/* A pattern; also what hangs in the user's trie. */
struct td_user_rule {
	struct td_text pattern;
	enum td_permission permission;
	bool deny;
	struct td_user_rule *next;
};

struct td_user {
	struct td_user_about about;
	struct td_identity *password;
	struct td_user_rule *rules;
	struct td_trie *trie; /* its rules, by what they are about as type; NULL: none */
	bool some[TD_PERMISSIONS];
	struct td_user *next; /* of the same hash */
};

struct td_users {
	_Atomic uint32_t refs;
	uint64_t seed;
	struct td_arena arena;
	struct td_user **at; /* in the order of the file */
	size_t count, cap;
	struct td_map names, tokens, certificates;
	struct td_sha256 sha;
	char no_hash[TD_PASSWORD_HASH_BYTES]; /* for who is not there */
	struct td_user nobody_user;
	struct td_identity nobody;
};

/* The user of that name; NULL: none. */
struct td_user *td_users_find(const struct td_users *users, struct td_text name);
/* "sha256:" and 64 hexadecimal digits, of a line's first word. */
bool td_token_digest(struct td_text word, uint8_t digest[TD_SHA256_BYTES]);
/* What the trie of rules calls a permission. */
struct td_text td_permission_name(enum td_permission permission);
/* Which permission a key of the file is about; false: none. */
bool td_permission_key(struct td_text key, enum td_permission *permission, bool *deny);

#endif
