/*
 * What was seen at the door of the machine, one record for each call, in order. It says what was
 * asked and what was answered, with times; nothing of how the machine came to it.
 */
#ifndef SIM_DELIVERY_HISTORY_H
#define SIM_DELIVERY_HISTORY_H

#include "delivery/delivery.h"

enum sim_act {
	SIM_ADMIT,   /* token, key; code: 0 or TD_E_FULL */
	SIM_TAKE,    /* token, key, attempt */
	SIM_BEHIND,  /* the same, taken behind another of its key */
	SIM_NO_MORE, /* key: nothing was to be taken behind what runs of it */
	SIM_NOTHING, /* a take that gave nothing; next_ms: what td_delivery_next_ms() said */
	SIM_SETTLE,  /* token, settle, after_ms; settled */
	SIM_RETURN,  /* token; code: how many came back */
	SIM_REDRIVE, /* key; code: 1 it was parked, 0 not; token: the head, if the sim knows it */
	SIM_DISMISS, /* key; code as above; token */
	SIM_RESUME,
	SIM_DROP,    /* code: 1 and token, or 0 */
	SIM_CLEARED, /* token: one that a clear dropped */
	SIM_CLEAR,   /* behind those */
	SIM_COUNTS,  /* counts */
	SIM_END,     /* counts; code: 1 if all had been healed and time enough had passed */
};

struct sim_record {
	enum sim_act act;
	int64_t now_ms;
	uint64_t token, key;
	int code;
	unsigned attempt;
	enum td_settle settle;
	struct td_settled settled;
	int64_t after_ms, next_ms;
	struct td_delivery_counts counts;
};

struct sim_history {
	struct sim_record *records;
	size_t count, cap;
};

#define SIM_HISTORY_INIT   \
	{                  \
		NULL, 0, 0 \
	}

void sim_history_add(struct sim_history *history, const struct sim_record *record);
void sim_history_fini(struct sim_history *history);
const char *sim_act_name(enum sim_act act);

#endif
