/*
 * Who never says all of a request. What was cut off was surely not asked for: none of it may ever
 * be seen.
 */
#include "play.h"

static void draw_garbage(struct run *run, struct vandal *vandal)
{
	static const char *const words[] = {"GET ", "POST ", "/v1/events", " HTTP/1.1", "\r\n",
		"Host: 127.0.0.1", "Content-Length: 5", "Transfer-Encoding: chunked", "0", "{", "[",
		"ffffffffffffffff", ":", " "};

	for (uint64_t n = sim_below(run->world, 20); n > 0; n--) {
		if (sim_chance(run->world, 200))
			td_buf_add_char(&vandal->request, (char)sim_below(run->world, 256));
		else
			td_buf_add_string(&vandal->request,
				words[sim_below(run->world, sizeof(words) / sizeof(words[0]))]);
	}
	vandal->says = vandal->request.len;
}

static void draw_cut_request(struct run *run, struct vandal *vandal)
{
	struct sim_store_entry entries[ENTRIES_MAX];
	size_t count = sim_serve_draw_append(run, entries);

	vandal->append = sim_store_ask(&run->history, entries, count);
	run->history.appends[vandal->append].asked_ms = sim_now_ms(run->world);
	sim_serve_write_request(run, &vandal->request, entries, count);
	/* Often it lacks but an end. */
	vandal->says = sim_chance(run->world, 500)
			       ? sim_below(run->world, vandal->request.len)
			       : vandal->request.len - 1 - sim_below(run->world, 8);
	sim_count(run->world, COUNT_CUT_REQUEST);
}

static void begin(struct run *run, struct vandal *vandal)
{
	struct talk *talk = &vandal->talk;

	if (run->healing || !sim_chance(run->world, 30) || !talk_begin(talk, &run->address))
		return;
	td_buf_reset(&vandal->request);
	vandal->append = SIZE_MAX;
	if (sim_chance(run->world, 300))
		draw_garbage(run, vandal);
	else
		draw_cut_request(run, vandal);
	td_buf_add(&talk->out, vandal->request.at, vandal->says);
	vandal->leaves_at = run->world->now_ns + sim_between(run->world, 0, 100000) * MS;
}

static void leave(struct run *run, struct vandal *vandal)
{
	if (vandal->append != SIZE_MAX)
		sim_store_answer(&run->history, vandal->append, SIM_STORE_FAILED);
	vandal->append = SIZE_MAX;
	talk_end(&vandal->talk);
}

void sim_serve_vandal_step(struct run *run, struct vandal *vandal)
{
	struct talk *talk = &vandal->talk;
	enum talk_news news;

	if (!talk_is_on(talk)) {
		begin(run, vandal);
		return;
	}
	news = talk_step(talk);
	if (talk->reply.wrong != NULL)
		sim_fail(run->world, "vandal: %s", talk->reply.wrong);
	if (news == TALK_REPLY && vandal->append != SIZE_MAX && talk->reply.status < 400)
		sim_fail(run->world, "vandal: %d to a piece of a request", talk->reply.status);
	if (news == TALK_NOTHING && talk_is_said(talk) && sim_chance(run->world, 200))
		(void)td_net_finish(talk->net, talk->connection);
	if (news == TALK_BROKEN || news == TALK_REPLY || run->healing ||
		run->world->now_ns >= vandal->leaves_at)
		leave(run, vandal);
}
