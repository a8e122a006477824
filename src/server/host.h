/*
 * host: a server and all that stands around it in a process. What `tidings serve` runs.
 *
 *	flags, environment, file --settings--> users, certificates --> [ server: turns ] --> closed
 *	          ^                                                         |
 *	          '------- reload: all of it is read again, then swapped ---'
 *
 * It has the loop, the net, the threads beside it, the lines on standard error, and what a supervisor is
 * told. The caller has the signals: td_host_ask_stop() and td_host_ask_reload() may be called from
 * handlers.
 *
 * A reload is all or nothing: everything is read and checked first, and what is wrong is said and
 * changes nothing. What takes a restart is named; the rest takes effect. Logs of the file are made or
 * changed last, by the store, which may yet refuse one: that is said, too.
 */
#ifndef TD_SERVER_HOST_H
#define TD_SERVER_HOST_H

#include "server/server.h"

struct td_host;

/* All borrowed, for as long as the host lives. */
struct td_host_options {
	const struct td_setting_given *flags;
	size_t flags_count;
	const char *const *environment;         /* up to NULL; may be NULL */
	const struct td_supervisor *supervisor; /* NULL: nobody */
	/* Lines for who runs it: as much as goes without waiting; returns how much. */
	size_t (*say)(const char *bytes, size_t len);
	bool journal; /* they go to systemd's */
};

/*
 * Read and check all that is said, the files that it names, too, and change nothing. The settings are the
 * caller's (NULL: they are not wanted). Errors: of the settings, users, certificates.
 */
int td_host_check(
	const struct td_host_options *options, struct td_settings **settings, struct td_error *err);
/* Open: the store (recovering it: blocks), listeners. Errors as td_server_open() and the above. */
int td_host_open(
	struct td_host **host, const struct td_host_options *options, struct td_error *err);
/* The i-th address of HTTP; false: there are not so many. */
bool td_host_http(const struct td_host *host, size_t i, struct td_net_address *address);
const struct td_settings *td_host_settings(const struct td_host *host);
struct td_server *td_host_server(struct td_host *host);
/* One turn, of waiting until something is to be done. */
enum td_server_state td_host_turn(struct td_host *host);
/* From any thread, and from signal handlers: at the next turn. */
void td_host_ask_stop(struct td_host *host);
void td_host_ask_reload(struct td_host *host);
/*
 * Close the store, and all else, when it has stopped or failed. Blocks. 0, or why the next opening has
 * to recover. NULL is fine.
 */
int td_host_close(struct td_host *host, struct td_error *err);

#endif
