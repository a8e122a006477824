/*
 * facts: what of a stored event says who caused it.
 */
#ifndef TD_FLOW_FACTS_H
#define TD_FLOW_FACTS_H

#include "flow/flow.h"

struct td_flow_facts {
	struct td_text id, causation; /* absent: it says none */
	struct td_traceparent trace;  /* absent texts: none, or none that is one */
	enum td_flow_kind kind;
};

/*
 * One scan of the header block, then what the server said. Texts are views into both, or stand in
 * `buf` where they had to be decoded; it is reset, and allocates only to grow.
 */
void td_flow_facts_read(struct td_flow_facts *facts, struct td_text headers, struct td_text server,
	struct td_buf *buf);
/* The type that is shown for a stored event. */
struct td_text td_flow_type_of(const struct td_stored *stored);

#endif
