/*
 * The kind of world `busses`: a place `mem:` that lives through what programs do to it, on one
 * thread, and its judge.
 */
#ifndef SIM_BUS_BUSSES_H
#define SIM_BUS_BUSSES_H

#include "../world.h"

extern const struct sim_kind sim_busses;

#endif
