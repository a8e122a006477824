/* Inside the simulated net: a host's handles, and its table. */
#ifndef SIM_NET_HOST_H
#define SIM_NET_HOST_H

#include "link.h"

/* EMFILE, ENFILE. The caller fills it in. */
int sim_net_handle_new(struct sim_host *host, struct handle **handle, int *number);
/* Of an open one; else an assertion. */
struct handle *sim_net_handle_find(struct sim_host *host, int number);
/* Of a connection. */
struct end *sim_net_end_find(struct sim_host *host, int number);
void sim_net_handle_drop(struct sim_host *host, struct handle *handle);
/* The functions of a table. */
void sim_net_calls(struct td_net *table);

#endif
