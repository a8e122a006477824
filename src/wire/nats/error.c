#include "wire/nats/error.h"

#include "base/base.h"

static const struct {
	const char *text, *why;
	bool closes;
} errors[] = {[TD_NATS_FINE] = {NULL, "nothing", false},
#define TD_NATS_ERROR_ROW(name, text, closes, why) [TD_NATS_E_##name] = {text, why, closes},
	TD_NATS_ERROR_TABLE(TD_NATS_ERROR_ROW)
#undef TD_NATS_ERROR_ROW
};

const char *td_nats_error_text(enum td_nats_error error)
{
	TD_ASSERT(error < sizeof(errors) / sizeof(errors[0]));
	return errors[error].text;
}

bool td_nats_error_closes(enum td_nats_error error)
{
	TD_ASSERT(error < sizeof(errors) / sizeof(errors[0]));
	return errors[error].closes;
}

const char *td_nats_error_why(enum td_nats_error error)
{
	TD_ASSERT(error < sizeof(errors) / sizeof(errors[0]));
	return errors[error].why;
}
