/*
 * host_read: all that a server is told, read and made, before any of it takes effect.
 */
#ifndef TD_SERVER_HOST_READ_H
#define TD_SERVER_HOST_READ_H

#include "server/host.h"
#include "server/tls.h"

struct td_told {
	struct td_settings *settings;
	struct td_users *users;         /* NULL: everybody */
	struct td_text users_file;      /* as it was read; in the buffer */
	struct td_tls_context *context; /* NULL: no TLS */
	struct td_buf users_buf;
	char warning[256]; /* what is not wrong, and not well; empty: nothing */
};
#define TD_TOLD_INIT             \
	{                        \
		.settings = NULL \
	}

/* Read it all. `seed` is for the users. On failure nothing is held. */
int td_told_read(struct td_told *told, const struct td_host_options *options, uint64_t seed,
	struct td_error *err);
void td_told_fini(struct td_told *told);
/* Limits of the server as the settings have them. */
struct td_server_limits td_told_limits(const struct td_settings *settings);
struct td_store_options td_told_store(const struct td_settings *settings);

#endif
