/*
 * Hosts and origins: who a request says it is for, and which page sent it. As values; who may is
 * the server's to say.
 *
 * On loopback, without authentication, a page of any web site can send requests to us from the
 * browser of whoever runs us, under its own name (Origin) or, with a name server that lies, under
 * a name that points here (Host). So both must be loopback, by their text.
 */
#ifndef TD_WIRE_HTTP_HOST_H
#define TD_WIRE_HTTP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "tidings/text.h"

struct td_http_host {
	struct td_text name; /* an IPv6 address in its brackets */
	uint32_t port;       /* 0: not said */
};

/* host[:port], RFC 9110, section 7.2; a host must be there, percent signs are not known. */
bool td_http_is_host(struct td_text text);
bool td_http_host_split(struct td_text text, struct td_http_host *host);
/* localhost, 127.0.0.0/8 as four numbers, [::1], and 127.0.0.0/8 within IPv6. */
bool td_http_is_loopback(struct td_text name);

struct td_http_origin {
	struct td_text scheme;
	struct td_text host; /* with port; as Host says it where the port is the scheme's own */
};

/* RFC 6454, section 7.1. false: "null", or none. */
bool td_http_origin_split(struct td_text text, struct td_http_origin *origin);
bool td_http_origin_is_loopback(struct td_text text);

#endif
