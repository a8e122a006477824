#include "bus/bus.h"

/*
 * The words of tidings.h's enums, as letters, logs and examples show them.
 */

const char *td_state_name(enum td_state state)
{
	switch (state) {
	case TD_COMPLETED:
		return "completed";
	case TD_QUEUED:
		return "queued";
	case TD_FAILED:
		return "failed";
	case TD_PARKED:
		return "parked";
	case TD_STOPPED:
		return "stopped";
	case TD_DROPPED:
		return "dropped";
	}
	return "unknown";
}

const char *td_class_name(enum td_class class_)
{
	switch (class_) {
	case TD_RETRY:
		return "retry";
	case TD_SKIP:
		return "skip";
	case TD_PARK:
		return "park";
	case TD_STOP:
		return "stop";
	}
	return "unknown";
}

const char *td_moment_name(enum td_moment moment)
{
	switch (moment) {
	case TD_CREATED:
		return "created";
	case TD_PUBLISHED:
		return "published";
	case TD_ROUTED:
		return "routed";
	case TD_DELIVERED:
		return "delivered";
	case TD_PROCESSED:
		return "processed";
	case TD_DONE:
		return "done";
	case TD_GAVE_UP:
		return "gave-up";
	case TD_TRY_AGAIN:
		return "try-again";
	}
	return "unknown";
}
