/*
 * The head of a response, as strict as that of a request: for http:// places, and for tests of who
 * answers.
 *
 * Interim responses (1xx) are heads like others: the final one follows in the buffer, with a reader
 * made empty again.
 */
#ifndef TD_WIRE_HTTP_RESPONSE_H
#define TD_WIRE_HTTP_RESPONSE_H

#include "wire/http/reader.h"

struct td_http_answer {
	enum td_http_error error; /* of WRONG */
	unsigned status;          /* 100 to 599 */
	enum td_http_framing framing;
	uint64_t length;
	uint8_t minor;
	bool keep_alive; /* the connection can be used again behind the body */
	struct td_text reason;
	struct td_text fields;
	uint32_t fields_count;
	size_t bytes;
};

/* `asked`: the method of the request; what answers a HEAD has no body. RFC 9112, section 6.3. */
enum td_http_parsed td_http_read_response(struct td_http_reader *reader,
	const struct td_http_limits *limits, enum td_http_method asked, const char *bytes,
	size_t len, struct td_http_answer *answer);

#endif
