/*
 * users: the file that says who there is, how each is known, and what each may.
 *
 *	[user shop]
 *	password = $y$j9T$9Jn...			what libcrypt made of it
 *	token = sha256:0f3c...  laptop			the digest of a token, and what it is called
 *	certificate = dns:shop.example.org		a name in a client's certificate, exactly
 *	publish = order.>, invoice.*			subjects; the same for read, manage
 *	not-read = order.*.person			beats all that is allowed
 *
 * Lines as in conf.h; each may be there several times, `password` once. What is not allowed is not. A
 * pattern that begins with a wildcard fits no address that begins with "$": those are allowed by name.
 * Any mistake in the file refuses the file.
 *
 * What was read never changes, and is counted: who holds an identity holds all of it. So a reload is
 * a second one, and each identity is looked for there again (td_users_renew).
 */
#ifndef TD_SERVER_USERS_H
#define TD_SERVER_USERS_H

#include "base/base.h"
#include "server/conf.h"

struct td_users;
struct td_identity;

#define TD_USERS_MAX           16384u
#define TD_USER_NAME_BYTES_MAX 128u
#define TD_USER_LINES_MAX      4096u /* of one user: credentials and patterns */
#define TD_PASSWORD_BYTES_MAX  512u

enum td_permission {
	TD_MAY_ANYBODY, /* no permission is needed: health, and what says nothing of events */
	TD_MAY_READ,
	TD_MAY_PUBLISH,
	TD_MAY_MANAGE,
	TD_PERMISSIONS,
};

/*
 * Read a file; *users is the caller's, with one count. `seed` is secret. TD_E_INVALID, TD_E_SUBJECT,
 * TD_E_EXISTS, TD_E_LIMIT, TD_E_TOO_LARGE with the line and what is wrong, never with what stands
 * there of a secret; TD_E_NOMEM.
 */
int td_users_new(struct td_users **users, struct td_text file, uint64_t seed, struct td_error *err);
struct td_users *td_users_ref(struct td_users *users);
void td_users_unref(struct td_users *users);

/* --- who is it ---------------------------------------------------------------------------- */

/*
 * The identity of a token, or of a name in a verified certificate ("dns:...", "email:...", "uri:...");
 * NULL: nobody's. Not counted: it lives as long as the users do. By a token: one thread at a time.
 */
const struct td_identity *td_users_by_token(const struct td_users *users, struct td_text token);
const struct td_identity *td_users_by_certificate(
	const struct td_users *users, struct td_text name);
/* Who is not known, and may nothing. */
const struct td_identity *td_users_nobody(const struct td_users *users);
/*
 * Who has that name, and what the password is to be compared with. Where there is nobody, or without
 * a password, NULL and a hash that fits nothing and takes as long.
 */
const struct td_identity *td_users_by_name(
	const struct td_users *users, struct td_text name, const char **hash);
/* The same user by the same credential in other users, or NULL. */
const struct td_identity *td_users_renew(
	const struct td_users *users, const struct td_identity *identity);

/* --- what may it -------------------------------------------------------------------------- */

/* Never changed once made; counted; any thread. NULL is who may everything. */
const struct td_identity *td_identity_ref(const struct td_identity *identity);
void td_identity_unref(const struct td_identity *identity);
/* What is stamped on events as `authid`; absent: nothing. */
struct td_text td_identity_name(const struct td_identity *identity);
/* Whether two are the same user, and may exactly the same. */
bool td_identity_equal(const struct td_identity *a, const struct td_identity *b);
/* Whether it may do this with the address. */
bool td_identity_may(
	const struct td_identity *identity, enum td_permission permission, struct td_text address);
/* Whether it surely may with all addresses that a pattern fits; false: it must be asked for each. */
bool td_identity_may_all(
	const struct td_identity *identity, enum td_permission permission, struct td_text pattern);
/* Whether it surely may with all addresses but those that begin with "$". */
bool td_identity_may_everything(const struct td_identity *identity, enum td_permission permission);
/* Whether there is any address with which it may. */
bool td_identity_may_some(const struct td_identity *identity, enum td_permission permission);

/* --- for who keeps the file (`tidings user`) ---------------------------------------------- */

struct td_user_about {
	struct td_text name;
	bool password;
	size_t tokens, certificates, patterns;
	size_t line; /* of its [user NAME] */
};
size_t td_users_count(const struct td_users *users);
struct td_user_about td_users_about(const struct td_users *users, size_t i); /* as in the file */

enum td_users_change {
	TD_USERS_ADD,    /* a [user NAME] at the end; TD_E_EXISTS */
	TD_USERS_REMOVE, /* the user, up to the next section */
	TD_USERS_SET,    /* the line `key = value`, instead of the first of that key */
	TD_USERS_PUT,    /* one more line `key = value` */
	TD_USERS_DROP,   /* each line of that key whose value, or one of its words, is `value` */
};
/*
 * The file with one change, appended to the buffer; all else stays as it stands, comments too. The
 * result has been read as td_users_new() does. TD_E_NOT_FOUND (user, line), TD_E_EXISTS, and the
 * errors of td_users_new(), of the file as it is or as it would be.
 */
int td_users_edit(struct td_text file, enum td_users_change change, struct td_text name,
	struct td_text key, struct td_text value, struct td_buf *out, struct td_error *err);

#define TD_TOKEN_BYTES      47u /* "td_" and 43 of base64url, with NUL */
#define TD_TOKEN_LINE_BYTES 72u /* "sha256:" and 64 hexadecimal digits, with NUL */
/* A token of 32 random bytes, and what the file says of it. */
int td_token_make(const uint8_t random[32], char token[TD_TOKEN_BYTES],
	char line[TD_TOKEN_LINE_BYTES], struct td_error *err);

#define TD_PASSWORD_HASH_BYTES 384u
/*
 * What the file says of a password (yescrypt). Takes some 50 ms and 16 MiB. TD_E_INVALID (empty, over
 * 512 bytes, a NUL in it), TD_E_SYSTEM, TD_E_NOMEM.
 */
int td_password_hash(struct td_text password, const uint8_t random[16],
	char hash[TD_PASSWORD_HASH_BYTES], struct td_error *err);
/*
 * Whether a password is the one that `hash` was made of. As slow; any thread. Says nothing of why not,
 * and takes as long for a wrong one as for the right one. 0: it is; TD_E_STRANGER; TD_E_NOMEM.
 */
int td_password_check(struct td_text password, const char *hash);

#endif
