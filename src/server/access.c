#include "server/access.h"

#include "server/session.h"

/*
 * Open to everybody who can connect, which is this machine alone: a page of any web site may send
 * requests from the browser of whoever runs us, so Host and Origin have to be loopback too.
 */

static bool is_local(const struct td_exchange *x)
{
	struct td_http_host host;
	struct td_text origin;

	if (x->request->host.at != NULL &&
		(!td_http_host_split(x->request->host, &host) || !td_http_is_loopback(host.name)))
		return false;
	return td_http_field(x->request->fields, "origin", &origin) == 0 ||
	       td_http_origin_is_loopback(origin);
}

enum td_admission td_access_admit(struct td_exchange *x)
{
	if (is_local(x))
		return TD_ADMIT_GO;
	td_answer_status(x, 403, "Host and Origin have to be this machine");
	return TD_ADMIT_REFUSED;
}
