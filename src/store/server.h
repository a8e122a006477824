/*
 * server: what the server says of an event and its client did not, as it stands in a record and in
 * an entry to be appended. A part of the door.
 */
#ifndef TD_STORE_SERVER_H
#define TD_STORE_SERVER_H

#include "base/base.h"

/*
 * What the server says of an event: (key, u16 length, bytes), each key at most once and ascending.
 * Where the client said it itself there is none.
 */
enum td_server_key { TD_SERVER_AUTHID = 1, TD_SERVER_CORRELATION = 2, TD_SERVER_CAUSATION = 3 };

void td_server_add(struct td_buf *buf, enum td_server_key key, struct td_text value);
struct td_text td_server_get(struct td_text server, enum td_server_key key); /* or absent */
bool td_server_check(struct td_text server);

#endif
