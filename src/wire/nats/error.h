/*
 * What can be wrong with what a client sends: the words for it, and whether the connection ends.
 *
 * Clients compare the words, so they are nats-server's own. Where it closes without a word there is
 * none here either; td_nats_error_why() is for the server's log, and always says something.
 */
#ifndef TD_WIRE_NATS_ERROR_H
#define TD_WIRE_NATS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
/*  X(name, what -ERR says or NULL, whether the connection ends, why) */
#define TD_NATS_ERROR_TABLE(X) \
	X(UNKNOWN,       "Unknown Protocol Operation", true, "no verb of a client") \
	X(PAYLOAD_END,   "Unknown Protocol Operation", true, "no CRLF behind the payload") \
	X(LINE_LONG,     "maximum control line exceeded", true, "the control line is too long") \
	X(PAYLOAD_LONG,  "Maximum Payload Violation", true, "the payload is over max_payload") \
	X(ARGUMENTS,     NULL, true, "too many arguments, or too few") \
	X(CR,            NULL, true, "a CR within the control line") \
	X(SIZE,          NULL, true, "a size that is not a number of one to nine digits") \
	X(HEADER_SIZE,   NULL, true, "the headers are longer than the whole") \
	X(NO_HEADERS,    NULL, true, "HPUB from a client that said it does not know headers") \
	X(CONNECT,       NULL, true, "CONNECT: not the JSON it should be") \
	X(PROTOCOL,      "invalid client protocol", true, "CONNECT: protocol is neither 0 nor 1") \
	X(NO_RESPONDERS, "no responders requires headers support", true, \
		"CONNECT: no_responders without headers") \
	X(SUBJECT,       "Invalid Subject", false, "a subject that cannot be subscribed to") \
	X(LITERAL,       "Invalid Publish Subject", false, \
		"a subject that cannot be published to, from a pedantic client") \
	X(AUTHORIZATION, "Authorization Violation", true, "wrong or no credentials") \
	X(AUTH_TIMEOUT,  "Authentication Timeout", true, "no credentials in time") \
	X(STALE,         "Stale Connection", true, "PINGs were not answered") \
	X(CONNECTIONS,   "maximum connections exceeded", true, "there are enough connections") \
	X(SUBSCRIPTIONS, "maximum subscriptions exceeded", false, "it has enough subscriptions") \
	X(TLS_REQUIRED,  "Secure Connection - TLS Required", true, "the TLS handshake failed")
/* clang-format on */

enum td_nats_error {
	TD_NATS_FINE = 0,
#define TD_NATS_ERROR_ENUM(name, text, closes, why) TD_NATS_E_##name,
	TD_NATS_ERROR_TABLE(TD_NATS_ERROR_ENUM)
#undef TD_NATS_ERROR_ENUM
};

/* What -ERR says; NULL: the connection ends without a word. */
const char *td_nats_error_text(enum td_nats_error error);
bool td_nats_error_closes(enum td_nats_error error);
const char *td_nats_error_why(enum td_nats_error error);

#endif
