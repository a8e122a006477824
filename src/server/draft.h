/*
 * draft: the events that a request's body says, in whichever form.
 *
 *	application/cloudevents-batch+json   an array of CloudEvents          strict
 *	application/cloudevents+json         one                              strict
 *	ce-... fields                        one, the body is its data        strict
 *	application/json                     one or an array, plain: what the sender does not say of
 *	                                     specversion, id and source is filled
 *
 * `time` is filled in every form; so is `traceparent`, from the request's own. Data is never
 * written anew: what is filled stands around it.
 */
#ifndef TD_SERVER_DRAFT_H
#define TD_SERVER_DRAFT_H

#include "server/exchange.h"

struct td_drafts {
	struct td_event *
		*events; /* owned; some texts are views of what is below, and of the request */
	size_t count;
	bool batch;   /* it was said as several, also if it is one */
	size_t wrong; /* on failure: which; SIZE_MAX: none of them, the body itself */
	char time[TD_TIME_BYTES];
};

/*
 * `subject`: what all of them are about, where they do not say it (absent: theirs to say). TD_E_FORMAT,
 * TD_E_JSON, TD_E_ATTRIBUTE, TD_E_SUBJECT (another subject than the path's), TD_E_TOO_LARGE, TD_E_LIMIT,
 * TD_E_NOMEM; the text names which ("[3]: ...").
 */
int td_drafts_read(struct td_drafts *drafts, struct td_exchange *x, struct td_text subject,
	struct td_error *err);
void td_drafts_fini(struct td_drafts *drafts);

/*
 * Where an event stands is told in attributes of the server's own: tdlog, tdseq, tdrevision,
 * tdposition; tdcauses is the length of its chain of causes. Those that came with it say nothing here
 * and are taken off, but for the last, which is taken over.
 */
void td_event_take_off(struct td_event *event);

#endif
