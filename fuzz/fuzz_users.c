/*
 * A file of users. What is read knows each user by its name, allows nothing that it denies, and is
 * renewed as itself; edits leave a file that is read, or refuse.
 */
#include <stdint.h>

#include "match/match.h"
#include "server/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const addresses[] = {"a", "a.b", "order.42", "order.42.person", "$monitor"};

static void ask(const struct td_identity *identity)
{
	for (int permission = TD_MAY_READ; permission < TD_PERMISSIONS; permission++) {
		enum td_permission may = (enum td_permission)permission;

		for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
			struct td_text address = td_text(addresses[i]);
			bool allowed = td_identity_may(identity, may, address);

			TD_ASSERT(!allowed || td_identity_may_some(identity, may));
			TD_ASSERT(allowed || !td_identity_may_all(identity, may, address));
			TD_ASSERT(allowed || !td_identity_may_all(identity, may, td_text(">")));
		}
	}
}

static void edit(struct td_text file, struct td_text name)
{
	struct td_buf out = TD_BUF_INIT((size_t)4 << 20), more = TD_BUF_INIT((size_t)4 << 20);
	struct td_users *users;

	if (td_users_edit(file, TD_USERS_PUT, name, td_text("read"), td_text("added.>"), &out,
		    NULL) == 0) {
		TD_ASSERT(td_users_new(&users, td_buf_view(&out), 1, NULL) == 0);
		td_users_unref(users);
		TD_ASSERT(td_users_edit(td_buf_view(&out), TD_USERS_REMOVE, name, td_text(""),
				  td_text(""), &more, NULL) == 0);
	}
	td_buf_fini(&more);
	td_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text file = td_text_of(data, size);
	struct td_users *users = NULL;
	struct td_error err = TD_ERROR_INIT;
	int code = td_users_new(&users, file, 7, &err);

	if (code != 0) {
		TD_ASSERT(users == NULL && err.code == code && err.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < td_users_count(users) && i < 64; i++) {
		struct td_text name = td_users_about(users, i).name;
		const char *hash = NULL;
		const struct td_identity *identity = td_users_by_name(users, name, &hash);

		TD_ASSERT(hash != NULL && hash[0] == '$');
		if (identity == NULL)
			continue;
		TD_ASSERT(td_text_equal(td_identity_name(identity), name));
		TD_ASSERT(td_users_renew(users, identity) == identity);
		ask(identity);
	}
	if (td_users_count(users) > 0)
		edit(file, td_users_about(users, 0).name);
	td_users_unref(users);
	return 0;
}
