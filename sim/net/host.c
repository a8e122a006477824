#include "link.h"

#include <stdlib.h>

#include "host.h"

/* --- handles ------------------------------------------------------------------------------ */

/* The lowest that is free, as the system does it: so numbers come again at once. */
int sim_net_handle_new(struct sim_host *host, struct handle **out, int *number)
{
	size_t at = 0;

	if (host->handles_count >= host->options.descriptors_max ||
		sim_net_chance(host->net, host->net->dice.descriptors)) {
		sim_net_count(host->net, SIM_NET_COUNT_DESCRIPTORS);
		return sim_net_below(host->net, 2) == 0 ? EMFILE : ENFILE;
	}
	while (host->handles[at].listener != NULL || host->handles[at].end != NULL)
		at++;
	host->handles[at] = (struct handle){0};
	host->handles_count++;
	if (at >= host->handles_end)
		host->handles_end = at + 1;
	*out = &host->handles[at];
	*number = (int)at;
	return 0;
}

struct handle *sim_net_handle_find(struct sim_host *host, int number)
{
	struct handle *handle;

	TD_ASSERT(number >= 0 && number < SIM_NET_HANDLES_MAX);
	handle = &host->handles[number];
	TD_ASSERT(handle->listener != NULL || handle->end != NULL); /* open */
	return handle;
}

struct end *sim_net_end_find(struct sim_host *host, int number)
{
	struct handle *handle = sim_net_handle_find(host, number);

	TD_ASSERT(handle->end != NULL); /* no listener */
	return handle->end;
}

static void listener_close(struct sim_net *net, struct listener *listener, bool powerless)
{
	for (size_t i = 0; i < listener->waiting_count; i++) {
		struct end *end = &listener->waiting[i]->ends[1];

		if (powerless) {
			sim_end_vanish(net, end);
			continue;
		}
		if (!end->gone && !end->link->ends[0].closed) {
			sim_way_close(net, &end->link->ways[0], PIECE_RESET);
			end->gone = true;
		}
		sim_end_close(net, end);
	}
	free(listener->waiting);
	listener->waiting = NULL;
	listener->waiting_count = 0;
}

void sim_net_handle_drop(struct sim_host *host, struct handle *handle)
{
	if (handle->listener != NULL) {
		listener_close(host->net, handle->listener, false);
		free(handle->listener);
	} else {
		sim_end_close(host->net, handle->end);
	}
	*handle = (struct handle){0};
	host->handles_count--;
}

/* --- dying and starting ------------------------------------------------------------------- */

bool sim_host_frozen(struct sim_host *host)
{
	if (!host->dead && (host->calls >= host->freeze_at ||
				   (host->options.is_dead != NULL &&
					   host->options.is_dead(host->options.arg)))) {
		host->dead = true;
		sim_net_count(host->net, SIM_NET_COUNT_FROZEN);
	}
	return host->dead;
}

void sim_host_freeze_after(struct sim_host *host, uint64_t calls)
{
	host->freeze_at = calls < UINT64_MAX - host->calls ? host->calls + calls : UINT64_MAX;
}

void sim_host_kill(struct sim_host *host)
{
	sim_net_settle(host->net);
	for (size_t i = 0; i < host->handles_end; i++)
		if (host->handles[i].listener != NULL || host->handles[i].end != NULL)
			sim_net_handle_drop(host, &host->handles[i]);
	host->dead = true;
	sim_net_count(host->net, SIM_NET_COUNT_KILL);
}

/* Its listeners stay to be found in the dark; they hold nothing. */
void sim_host_cut(struct sim_host *host)
{
	sim_net_settle(host->net);
	for (size_t i = 0; i < host->handles_end; i++) {
		struct handle *handle = &host->handles[i];

		if (handle->listener != NULL)
			listener_close(host->net, handle->listener, true);
		if (handle->end == NULL)
			continue;
		sim_end_vanish(host->net, handle->end);
		*handle = (struct handle){0};
		host->handles_count--;
	}
	host->dead = host->dark = true;
	sim_net_count(host->net, SIM_NET_COUNT_POWER);
}

void sim_host_start(struct sim_host *host)
{
	TD_ASSERT(host->dead);
	sim_net_settle(host->net);
	for (size_t i = 0; i < host->handles_end; i++)
		if (host->handles[i].listener != NULL)
			sim_net_handle_drop(host, &host->handles[i]);
	TD_ASSERT(host->handles_count == 0);
	host->handles_end = host->cursor = 0;
	host->dead = host->dark = host->woken = false;
	host->freeze_at = UINT64_MAX;
	host->deadline = INT64_MIN;
}

/* --- hosts -------------------------------------------------------------------------------- */

struct sim_host *sim_host_new(struct sim_net *net, const struct sim_host_options *options)
{
	struct sim_host *host = calloc(1, sizeof(*host)), **last = &net->hosts;

	TD_ASSERT(host != NULL);
	host->net = net;
	host->options = *options;
	if (options->address.family == 0)
		host->options.address =
			(struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}};
	if (options->queue_max == 0)
		host->options.queue_max = 128;
	sim_host_set_descriptors(host, options->descriptors_max);
	host->freeze_at = UINT64_MAX;
	host->deadline = INT64_MIN;
	sim_net_calls(&host->table);
	host->table.arg = host;
	while (*last != NULL)
		last = &(*last)->next;
	*last = host;
	return host;
}

const struct td_net *sim_host_table(const struct sim_host *host)
{
	return &host->table;
}

int64_t sim_host_deadline(const struct sim_host *host)
{
	return host->deadline;
}

uint64_t sim_host_calls(const struct sim_host *host)
{
	return host->calls;
}

size_t sim_host_handles(const struct sim_host *host)
{
	return host->handles_count;
}

void sim_host_set_descriptors(struct sim_host *host, size_t max)
{
	host->options.descriptors_max =
		max > 0 && max < SIM_NET_HANDLES_MAX ? max : SIM_NET_HANDLES_MAX;
}

/* --- the net ------------------------------------------------------------------------------ */

struct sim_net *sim_net_new(const struct sim_net_options *options)
{
	struct sim_net *net = calloc(1, sizeof(*net));

	TD_ASSERT(net != NULL && options->world != NULL);
	net->options = *options;
	if ((options->rng.s[0] | options->rng.s[1] | options->rng.s[2] | options->rng.s[3]) == 0)
		td_rng_init(&net->options.rng, 0); /* of zeros only zeros would come, for ever */
	net->next_at = NEVER;
	net->next_port = SIM_NET_FIRST_PORT;
	return net;
}

void sim_net_free(struct sim_net *net)
{
	if (net == NULL)
		return;
	for (struct sim_host *host = net->hosts, *next; host != NULL; host = next) {
		next = host->next;
		for (size_t i = 0; i < host->handles_end; i++)
			if (host->handles[i].listener != NULL) {
				free(host->handles[i].listener->waiting);
				free(host->handles[i].listener);
			}
		free(host);
	}
	for (struct link *link = net->links, *next; link != NULL; link = next) {
		next = link->next;
		sim_link_free(link);
	}
	free(net);
}

void sim_net_set_dice(struct sim_net *net, const struct sim_net_dice *dice)
{
	net->dice = dice != NULL ? *dice : (struct sim_net_dice){0};
}

int64_t sim_net_next(struct sim_net *net)
{
	sim_net_settle(net);
	return net->next_at;
}

void sim_net_reset(struct sim_host *host, int connection)
{
	sim_link_reset(host->net, sim_net_end_find(host, connection)->link);
}

void sim_net_silence(struct sim_host *host, int connection)
{
	sim_link_silence(host->net, sim_net_end_find(host, connection)->link);
}

bool sim_net_is_deaf(struct sim_host *host, int connection)
{
	struct end *end = sim_net_end_find(host, connection);

	sim_net_settle(host->net);
	return !end->gone &&
	       (end->link->silent || (sim_end_other(end)->vanished && sim_end_way(end)->len == 0));
}
