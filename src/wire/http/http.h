/*
 * wire/http: HTTP/1.1 as bytes. No sockets, no storage, no clock; memory only what the caller's
 * buffers have.
 *
 *	what a client sent --request.h--> head --target.h--> path, query --route.h--> route
 *	                 |                  '--value.h, host.h--> what its fields say
 *	                 '--body.h--> pieces of the body
 *	                                                      a session decides
 *	what it is sent <--write.h-- response <-- problem.h, sse.h
 *
 * and, for a client, requests by write.h, and response.h, body.h, sse.h the other way.
 *
 * Heads and bodies are views into the receive buffer and live as long as the bytes stand there.
 * Any thread; what is kept between two calls is the caller's: a reader (56 bytes) and a body (40)
 * for each connection. README.md says what is refused, and where and why that is more than the RFCs
 * ask.
 */
#ifndef TD_WIRE_HTTP_H
#define TD_WIRE_HTTP_H

#include "wire/http/body.h"
#include "wire/http/error.h"
#include "wire/http/host.h"
#include "wire/http/problem.h"
#include "wire/http/reader.h"
#include "wire/http/request.h"
#include "wire/http/response.h"
#include "wire/http/route.h"
#include "wire/http/sse.h"
#include "wire/http/target.h"
#include "wire/http/value.h"
#include "wire/http/write.h"

#endif
