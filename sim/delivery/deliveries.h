/*
 * The world of one machine of deliveries: a publisher, a crowd of workers that fail in every way
 * they can, and somebody who redrives, dismisses, resumes, drops and clears at random.
 */
#ifndef SIM_DELIVERY_DELIVERIES_H
#define SIM_DELIVERY_DELIVERIES_H

#include "../world.h"

extern const struct sim_kind sim_deliveries;

#endif
