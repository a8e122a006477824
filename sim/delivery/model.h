/*
 * The machine once more, as plainly as it can be said: one array in order of admission, every
 * question answered by looking at all of it. It runs beside the real one, and each answer must be
 * the same. (The checker knows what is promised; the model knows what exactly happens.)
 */
#ifndef SIM_DELIVERY_MODEL_H
#define SIM_DELIVERY_MODEL_H

#include "delivery/delivery.h"

struct sim_model;

struct sim_model *sim_model_new(const struct td_delivery_options *options);
void sim_model_free(struct sim_model *model);

/* The calls of delivery.h; a token stands for its ticket. */
int sim_model_admit(struct sim_model *model, uint64_t token, uint64_t key);
bool sim_model_take(struct sim_model *model, int64_t now_ms, struct td_due *due);
bool sim_model_take_behind(
	struct sim_model *model, uint64_t token, int64_t now_ms, struct td_due *due);
struct td_settled sim_model_settle(struct sim_model *model, uint64_t token, enum td_settle settle,
	int64_t after_ms, double unit, int64_t now_ms);
/* A wait is rounded; where the machine says a ms more or less, that is taken over. */
void sim_model_correct_due(struct sim_model *model, uint64_t token, int64_t due_ms);
size_t sim_model_return(struct sim_model *model, uint64_t token);
bool sim_model_retry_is_due(const struct sim_model *model, int64_t now_ms);
int64_t sim_model_next_ms(const struct sim_model *model, int64_t now_ms);
bool sim_model_redrive(struct sim_model *model, uint64_t key);
bool sim_model_dismiss(struct sim_model *model, uint64_t key, uint64_t *token);
/* The n-th parked head, the one parked first first. */
bool sim_model_parked(const struct sim_model *model, size_t n, uint64_t *key, uint64_t *token);
void sim_model_resume(struct sim_model *model);
bool sim_model_drop_oldest(struct sim_model *model, uint64_t *token);
/* How many were dropped. */
size_t sim_model_clear(struct sim_model *model);
struct td_delivery_counts sim_model_counts(const struct sim_model *model);

#endif
