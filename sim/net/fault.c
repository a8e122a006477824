#include "link.h"

#define MILLION 1000000

const char *const sim_net_count_names[SIM_NET_COUNTS] = {
#define SIM_NET_COUNT(name, text) text,
	SIM_NET_COUNT_TABLE(SIM_NET_COUNT)
#undef SIM_NET_COUNT
};

void sim_net_count(struct sim_net *net, enum sim_net_count what)
{
	if (net->options.counts != NULL)
		net->options.counts[what]++;
}

uint64_t sim_net_below(struct sim_net *net, uint64_t bound)
{
	return td_rng_below(&net->options.rng, bound);
}

/* Where nothing can happen nothing is thrown: a net without dice costs none. */
bool sim_net_chance(struct sim_net *net, unsigned in_million)
{
	return in_million > 0 && sim_net_below(net, MILLION) < in_million;
}

/* Uniform, and then halved as often as a coin falls so, up to twenty times. */
int64_t sim_net_some_ns(struct sim_net *net, int64_t most)
{
	if (most <= 0)
		return 0;
	return (int64_t)sim_net_below(net, (uint64_t)most + 1) >> sim_net_below(net, 21);
}

int sim_net_answer(
	const struct sim_host *host, const char *call, uint64_t what, uint64_t more, int code)
{
	sim_trace(
		host->net->options.world, call, (const uint64_t[]){what, more, (uint64_t)code}, 3);
	return code;
}

/* Each in half of the worlds; then in a million calls from ten to as many as `most`, as often in each
 * power of two between. */
static unsigned draw(struct td_rng *rng, unsigned most)
{
	unsigned rate = most;

	if (td_rng_below(rng, 2) == 0)
		return 0;
	for (uint64_t halve = td_rng_below(rng, 16); halve > 0 && rate >= 20; halve--)
		rate /= 2;
	return rate;
}

void sim_net_draw_dice(struct sim_net_dice *dice, struct td_rng *rng)
{
	const unsigned seldom = 20000, often = 200000, mostly = 900000;

	*dice = (struct sim_net_dice){
		.denied = draw(rng, often),
		.unanswered = draw(rng, often),
		.aborted = draw(rng, often),
		.slow = draw(rng, often),
		.small = draw(rng, often),
		.slow_bytes_max = 1u << td_rng_below(rng, 17),
		.small_bytes_max = 1u << td_rng_below(rng, 10),
		.descriptors = draw(rng, often),
		.no_memory = draw(rng, seldom),
		.short_read = draw(rng, mostly),
		.short_write = draw(rng, mostly),
		.split = draw(rng, mostly),
		.reset = draw(rng, seldom),
		.silent = draw(rng, seldom),
		.read_lost = draw(rng, mostly),
		.stall = draw(rng, often),
		.stall_ns_max = (int64_t)1000000 << td_rng_below(rng, 16),   /* 1 ms .. 33 s */
		.latency_ns_max = (int64_t)10000 << td_rng_below(rng, 15),   /* 10 us .. 0.16 s */
		.patience_ns_max = (int64_t)SECOND << td_rng_below(rng, 10), /* 1 s .. 9 min */
		.spurious = draw(rng, often),
		.idle = draw(rng, often),
	};
}
