/*
 * wire/http: HTTP/1.1 as bytes. No sockets, no storage, no clock; memory only what the caller's
 * buffers have.
 *
 *	what a client sent --request.h--> head --target.h--> path, query --route.h--> route
 *	                 '--body.h--> pieces
 *	what it is sent back, read by a client --response.h--> head, and pieces as above
 *
 * Heads and bodies are views into the receive buffer and live as long as the bytes stand there.
 * Any thread; what is kept between two calls is the caller's: a reader (76 bytes) and a body (48)
 * for each connection.
 */
#ifndef TD_WIRE_HTTP_H
#define TD_WIRE_HTTP_H

#include "wire/http/body.h"
#include "wire/http/error.h"
#include "wire/http/reader.h"
#include "wire/http/request.h"
#include "wire/http/response.h"
#include "wire/http/route.h"
#include "wire/http/target.h"

#endif
