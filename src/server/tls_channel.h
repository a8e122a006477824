/*
 * tls_channel: TLS between a connection and its session; handshakes beside the loop.
 *
 *	accept --> gate --> [ SHAKING: bytes --task--> ... --> OPEN ] --kick--> session reads
 *
 * While a step of the handshake is out, nothing here touches the machine. One that fails is told to
 * the client, and the session is dropped at its next step. A gate holds the context by which new
 * connections begin; older ones go on with theirs.
 *
 * The loop's thread.
 */
#ifndef TD_SERVER_TLS_CHANNEL_H
#define TD_SERVER_TLS_CHANNEL_H

#include "server/session.h"
#include "server/tls.h"
#include "sys/sys.h"

struct td_tls_gate {
	struct td_tls_context *context; /* NULL: connections are refused */
	const struct td_tasks *tasks;
	size_t *tasks_out; /* counts what is out, for who closes */
	uint64_t handshakes, failures;
};

/* Makes a channel; `gate` is a struct td_tls_gate, which outlives it. For a listener. */
int td_tls_channel(void *gate, struct td_channel *channel, struct td_error *err);
/* From now on this one, of which a count is taken over. */
void td_tls_gate_set(struct td_tls_gate *gate, struct td_tls_context *context);
/* The names in the client's certificate; none of a channel that is something else. */
const struct td_text *td_channel_names(const struct td_channel *channel, size_t *count);

#endif
