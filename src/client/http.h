/*
 * http: the place "http://HOST:PORT", a server by its simplest door.
 *
 *	td_publish, td_append --> bus --> keep --POST--> server --> positions
 *	handlers <-- lanes <-- td_bus_hear() <-- stream (SSE, Last-Event-ID) <-- what others published
 *	td_read, td_latest, td_find ... --GET--> server
 *
 * Handlers, retries, commands and queries are the bus's, in this process; what is kept is the server's.
 * What this handle publishes is dispatched here as in "file:" places, when the server has it on disk; what
 * others publish comes by one stream, as long as there are subscriptions. doc/places.md has the rest.
 */
#ifndef TD_CLIENT_HTTP_H
#define TD_CLIENT_HTTP_H

#include "client/client.h"

extern const struct td_offer td_http_offer;

/* td->bus is there. Asks the server once: TD_E_UNREACHABLE, TD_E_TIMEOUT, or what it answered. */
int td_http_open(struct td *td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err);

#endif
