/* The kind `servers`: a server and its clients over sockets. */
#ifndef SIM_SERVER_SERVERS_H
#define SIM_SERVER_SERVERS_H

#include "world.h"

extern const struct sim_kind sim_servers;

#endif
