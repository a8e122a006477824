/*
 * Problem documents, RFC 9457: what is wrong, for programs (`code`, the slug of the one table of
 * tidings/error.h) and for people (`detail`). Content-Type: application/problem+json.
 *
 *	{"type":"/errors/revision-conflict","title":"the subject is at another revision than ...",
 *	 "status":412,"code":"revision-conflict","detail":"order.42: expected 7, found 9",...}
 */
#ifndef TD_WIRE_HTTP_PROBLEM_H
#define TD_WIRE_HTTP_PROBLEM_H

#include "json/json.h"

#define TD_HTTP_PROBLEM_TYPE "application/problem+json"

/*
 * Begin the document of a failed call; its code says the status (td_error_http()). What more there
 * is to say of this kind ("revision":9) is written as members of the open object, which the caller
 * closes. `offset` stands there if the error has one.
 */
void td_http_open_problem(
	struct td_json_writer *writer, struct td_buf *buf, const struct td_error *err);
/* The whole document of a status that has no code: what is wrong with the message itself, 405. */
void td_http_add_problem(struct td_buf *buf, int status, struct td_text detail);

#endif
