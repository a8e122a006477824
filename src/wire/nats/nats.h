/*
 * wire/nats: the NATS client protocol as bytes. No sockets, no storage, no memory of its own.
 *
 *	what a client sent --parse.h--> commands ------------------------,
 *	                                   '--connect.h--> its options   |  a session decides
 *	                                   '--header.h--> its headers    |
 *	what a client is sent <--write.h-- +OK, -ERR, MSG, HMSG, ... <---'
 *
 * Everything works on views: what a command says points into the receive buffer, and lives as long
 * as the bytes stand there. Any thread; nothing is kept between two calls.
 *
 * Where the reference is silent, nats-server 2.9.10 decides. We differ from it in what no client
 * sends:
 *	- a CR inside a control line that does not end it is refused: nats-server takes it for a
 *	  part of a subject, and hands it to other clients whose parsers would trip over it;
 *	- the limit of a control line also holds for PING, PONG and the blanks before arguments;
 *	- an LF where an argument is expected ends the line (nats-server looks on in the next);
 *	- +OK, -ERR and INFO are no commands of a client;
 *	- FF and NUL in the subject of a SUB are "Invalid Subject", as the protocol has it;
 *	- CONNECT is strict JSON: names in UTF-8, no number where a text is wanted.
 */
#ifndef TD_WIRE_NATS_H
#define TD_WIRE_NATS_H

#include "wire/nats/connect.h"
#include "wire/nats/error.h"
#include "wire/nats/header.h"
#include "wire/nats/parse.h"
#include "wire/nats/subject.h"
#include "wire/nats/write.h"

#endif
