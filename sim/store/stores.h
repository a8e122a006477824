/*
 * The kind of world `stores`: a store on a simulated disk, many clients, and everything that can
 * happen to a disk. See stores.c.
 */
#ifndef SIM_STORE_STORES_H
#define SIM_STORE_STORES_H

#include "world.h"

extern const struct sim_kind sim_stores;

#endif
