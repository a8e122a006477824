#include "server/users_inside.h"

static const char *const names[TD_PERMISSIONS] = {"", "read", "publish", "manage"};

struct td_text td_permission_name(enum td_permission permission)
{
	return td_text(names[permission]);
}

bool td_permission_key(struct td_text key, enum td_permission *permission, bool *deny)
{
	*deny = key.len > 4 && memcmp(key.at, "not-", 4) == 0;
	if (*deny)
		key = td_text_of(key.at + 4, key.len - 4);
	for (int i = TD_MAY_READ; i < TD_PERMISSIONS; i++) {
		if (td_text_is(key, names[i])) {
			*permission = (enum td_permission)i;
			return true;
		}
	}
	return false;
}

const struct td_identity *td_identity_ref(const struct td_identity *identity)
{
	if (identity != NULL)
		td_users_ref(identity->users);
	return identity;
}

void td_identity_unref(const struct td_identity *identity)
{
	if (identity != NULL)
		td_users_unref(identity->users);
}

struct td_text td_identity_name(const struct td_identity *identity)
{
	return identity != NULL ? identity->user->about.name : td_text(NULL);
}

bool td_identity_equal(const struct td_identity *a, const struct td_identity *b)
{
	const struct td_user_rule *x, *y;

	if (a == NULL || b == NULL || a->user == b->user)
		return a == b || (a != NULL && b != NULL);
	if (!td_text_equal(a->user->about.name, b->user->about.name))
		return false;
	x = a->user->rules;
	y = b->user->rules;
	/* Told in another order they are others: that costs no more than a new connection. */
	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		if (x->permission != y->permission || x->deny != y->deny ||
			!td_text_equal(x->pattern, y->pattern))
			return false;
	}
	return x == NULL && y == NULL;
}

/* Whether a pattern may stand for addresses that begin with "$". */
static bool begins_wild(struct td_text pattern)
{
	return pattern.at[0] == '>' ||
	       (pattern.at[0] == '*' && (pattern.len == 1 || pattern.at[1] == '.'));
}

struct asked {
	bool system; /* the address begins with "$" */
	bool allowed, denied;
};

static void found(void *arg, void *interest)
{
	struct asked *asked = arg;
	const struct td_user_rule *rule = interest;

	if (rule->deny)
		asked->denied = true;
	else if (!asked->system || !begins_wild(rule->pattern))
		asked->allowed = true;
}

bool td_identity_may(
	const struct td_identity *identity, enum td_permission permission, struct td_text address)
{
	struct asked asked = {.system = address.len > 0 && address.at[0] == '$'};

	if (identity == NULL || permission == TD_MAY_ANYBODY)
		return true;
	if (identity->user->trie == NULL)
		return false;
	td_trie_match(identity->user->trie, address, td_permission_name(permission), found, &asked);
	return asked.allowed && !asked.denied;
}

bool td_identity_may_all(
	const struct td_identity *identity, enum td_permission permission, struct td_text pattern)
{
	bool allowed = false;

	if (identity == NULL || permission == TD_MAY_ANYBODY)
		return true;
	for (const struct td_user_rule *rule = identity->user->rules; rule != NULL;
		rule = rule->next) {
		if (rule->permission != permission)
			continue;
		if (rule->deny && td_pattern_overlaps(rule->pattern, pattern))
			return false;
		/* Such a pattern fits addresses with "$", and such a rule allows none of them. */
		allowed |= !rule->deny && td_pattern_contains(rule->pattern, pattern) &&
			   !(begins_wild(rule->pattern) &&
				   (begins_wild(pattern) || pattern.at[0] == '$'));
	}
	return allowed;
}

bool td_identity_may_everything(const struct td_identity *identity, enum td_permission permission)
{
	bool allowed = false;

	if (identity == NULL || permission == TD_MAY_ANYBODY)
		return true;
	for (const struct td_user_rule *rule = identity->user->rules; rule != NULL;
		rule = rule->next) {
		if (rule->permission != permission)
			continue;
		if (rule->deny)
			return false;
		allowed |= td_text_is(rule->pattern, ">");
	}
	return allowed;
}

bool td_identity_may_some(const struct td_identity *identity, enum td_permission permission)
{
	return identity == NULL || permission == TD_MAY_ANYBODY || identity->user->some[permission];
}
