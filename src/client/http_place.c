#include "client/http_inside.h"

#include <stdlib.h>
#include <string.h>

/*
 * The place http: opening, which asks the server once; closing; what it offers.
 */

/* --- open --------------------------------------------------------------------------------- */

static int check_options(const struct td_options *options, struct td_error *err)
{
	/* Of a store: there is none here. */
	if ((options->flags & ~(unsigned)(TD_NO_THREADS | TD_MUST_EXIST | TD_READ_ONLY |
					  TD_ACCEPT_TAIL_LOSS)) != 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "flags: 0x%x", options->flags);
	if (options->heads != NULL)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"heads: nothing is stored here that they could be of");
	if (options->timeout_ms < 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "timeout_ms: negative");
	return 0;
}

static int init_locks(struct td_http *http, struct td_error *err)
{
	int code = td_mutex_init(&http->lock, err);

	if (code != 0)
		return code;
	code = td_condition_init(&http->moved, err);
	if (code != 0)
		td_mutex_fini(&http->lock);
	return code;
}

static void free_http(struct td_http *http)
{
	td_http_hear_fini(http);
	td_http_links_close(http);
	td_http_url_fini(&http->url);
	td_condition_fini(&http->moved);
	td_mutex_fini(&http->lock);
	free(http);
}

/* Where the server is, and that it is one. */
static int find_server(struct td_http *http, struct td_error *err)
{
	uint64_t position;
	int code = td_dial_lookup(http->url.host, http->url.port, http->addresses,
		TD_HTTP_ADDRESSES_MAX, &http->addresses_count, err);

	if (code == TD_E_NOT_FOUND || code == TD_E_SYSTEM) {
		if (err != NULL)
			err->code = TD_E_UNREACHABLE;
		return TD_E_UNREACHABLE;
	}
	return code == 0 ? td_http_ask_position(http, true, &position, err) : code;
}

int td_http_open(struct td *td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	static const struct td_options defaults = {0};
	struct td_http *http;
	int code;

	if (options == NULL)
		options = &defaults;
	code = check_options(options, err);
	if (code != 0)
		return code;
	http = calloc(1, sizeof(*http));
	if (http == NULL)
		return td_error_nomem(err);
	code = init_locks(http, err);
	if (code != 0) {
		free(http);
		return code;
	}
	http->td = td;
	http->bus = td->bus;
	http->random = world != NULL && world->random != NULL ? world->random : &td_random_real;
	http->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TD_HTTP_TIMEOUT_MS;
	http->stream_err = (struct td_error)TD_ERROR_INIT;
	http->loop = td_bus_loop(td->bus);
	td_map_init(&http->passed);
	code = td_http_url_read(&http->url, url, err);
	if (code == 0)
		code = find_server(http, err);
	if (code == 0)
		code = td_http_hear_start(http, options->workers, err);
	if (code != 0) {
		free_http(http);
		return code;
	}
	http->keeper = (struct td_keeper){.keep = td_http_keep, .arg = http};
	td->http = http;
	td->offer = &td_http_offer;
	td_bus_keep(td->bus, &http->keeper);
	return 0;
}

/* --- close -------------------------------------------------------------------------------- */

static void stop(struct td *td)
{
	struct td_http *http = td->http;

	td_mutex_lock(&http->lock);
	http->closing = true;
	td_condition_broadcast(&http->moved);
	td_mutex_unlock(&http->lock);
	td_http_hear_stop(http);
}

static int close_place(struct td *td)
{
	free_http(td->http);
	return 0;
}

/* --- what it offers ----------------------------------------------------------------------- */

const struct td_offer td_http_offer = {
	.stop = stop,
	.close = close_place,
	.subscribe = td_http_subscribe,
	.unsubscribe = td_http_unsubscribe,
	.loop_turn = td_http_loop_turn,
	.read = td_http_read,
	.latest = td_http_latest,
	.find = td_http_find,
	.position = td_http_position,
	.status = td_http_status,
	.log_set = td_http_log_set,
	.log_delete = td_http_log_delete,
	.log_list = td_http_log_list,
};
