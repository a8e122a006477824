#include "wire/http/error.h"

#include "base/base.h"

static const struct {
	int status;
	const char *why;
} errors[] = {[TD_HTTP_FINE] = {200, "nothing"},
#define TD_HTTP_ERROR_ROW(name, status, why) [TD_HTTP_E_##name] = {status, why},
	TD_HTTP_ERROR_TABLE(TD_HTTP_ERROR_ROW)
#undef TD_HTTP_ERROR_ROW
};

int td_http_error_status(enum td_http_error error)
{
	TD_ASSERT(error < TD_HTTP_ERRORS);
	return errors[error].status;
}

const char *td_http_error_why(enum td_http_error error)
{
	TD_ASSERT(error < TD_HTTP_ERRORS);
	return errors[error].why;
}

/* RFC 9110, section 15, and 429, 431, 507, 508 from where they come. */
const char *td_http_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{411, "Length Required"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{428, "Precondition Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
		{507, "Insufficient Storage"},
		{508, "Loop Detected"},
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Status";
}
