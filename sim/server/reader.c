#include "play.h"

#include <inttypes.h>

static void page_from(struct reader *reader, uint64_t from, uint64_t limit)
{
	td_buf_reset(&reader->url);
	td_buf_printf(&reader->url, "/v1/events?from=%" PRIu64, from);
	if (limit > 0)
		td_buf_printf(&reader->url, "&limit=%" PRIu64, limit);
}

/* What it knows to be there is seen at once; what is not there yet may come in time, or not. */
static void ask_for_position(struct run *run, struct reader *reader)
{
	td_buf_printf(&reader->url, "&min-position=%" PRIu64 "&timeout=%ums",
		run->furthest + sim_below(run->world, 4), (unsigned)sim_below(run->world, 1000));
	sim_count(run->world, COUNT_POSITION);
}

/* A page of what is to come: it is waited for a while. */
static void wait_for_more(struct run *run, struct reader *reader)
{
	reader->seen.from = run->furthest + 1;
	page_from(reader, reader->seen.from, reader->limit);
	td_buf_printf(&reader->url, "&wait=%ums", (unsigned)sim_below(run->world, 5000));
	sim_count(run->world, COUNT_WAITED);
}

static void begin_pass(struct run *run, struct reader *reader)
{
	reader->on = true;
	reader->seen.asked = sim_store_moment(&run->history);
	reader->seen.from =
		sim_chance(run->world, 700) ? 1 : 1 + sim_below(run->world, run->furthest + 1);
	reader->limit = sim_below(run->world, 30);
	page_from(reader, reader->seen.from, reader->limit);
	if (sim_chance(run->world, 300))
		ask_for_position(run, reader);
	else if (sim_chance(run->world, 200))
		wait_for_more(run, reader);
}

void sim_serve_read_final(struct run *run, struct reader *reader)
{
	talk_end(&reader->talk);
	td_buf_reset(&reader->seen.events);
	reader->on = reader->final = true;
	reader->asked = false;
	reader->seen.asked = sim_store_moment(&run->history);
	reader->seen.from = 1;
	page_from(reader, 1, 0);
}

static void end_pass(struct run *run, struct reader *reader, bool whole)
{
	struct td_buf *events = &reader->seen.events;

	sim_store_pass_put(&run->history, reader->seen.asked, reader->seen.from,
		(const struct sim_store_event *)(const void *)events->at,
		events->len / sizeof(struct sim_store_event), whole);
	run->history.passes[run->history.passes_count - 1].answered_ms = sim_now_ms(run->world);
	run->history.passes[run->history.passes_count - 1].final = reader->final;
	sim_count(run->world, COUNT_PASSES);
	td_buf_reset(events);
	reader->on = false;
}

/* The connection is no use any more; the page is asked for again on another. */
static void part(struct run *run, struct reader *reader)
{
	talk_end(&reader->talk);
	reader->asked = false;
	reader->rests_until = sim_serve_rest(run);
}

static void take_page(struct run *run, struct reader *reader)
{
	struct reply *reply = &reader->talk.reply;

	sim_count(run->world, COUNT_PAGES);
	sim_serve_read_events(run, td_buf_view(&reply->body), &reader->seen);
	td_buf_reset(&reader->url);
	td_buf_add_text(&reader->url, td_buf_view(&reply->next));
	if (reader->url.len == 0)
		end_pass(run, reader, true);
}

static void answered(struct run *run, struct reader *reader)
{
	struct talk *talk = &reader->talk;
	int status = talk->reply.status;
	bool closes = talk->reply.closes || !reader->asked;

	sim_trace(run->world, "page", (uint64_t[]){(uint64_t)status, talk->reply.body.len}, 2);
	if (status == 200 && reader->asked)
		take_page(run, reader);
	else if (status == 504 && reader->asked && !reader->final)
		page_from(reader, reader->seen.from, reader->limit);
	else if (status != 503 && status != 500 && status != 429 && status != 408)
		sim_fail(run->world, "page: status %d: %.*s", status, (int)talk->reply.body.len,
			talk->reply.body.at);
	else
		closes = true;
	reader->asked = false;
	if (closes)
		part(run, reader);
	else
		talk_go_on(talk);
}

static void ask(struct reader *reader)
{
	td_buf_add_string(&reader->talk.out, "GET ");
	td_buf_add_text(&reader->talk.out, td_buf_view(&reader->url));
	td_buf_add_string(&reader->talk.out, " HTTP/1.1\r\nHost: 127.0.0.1:8222\r\n\r\n");
	reader->asked = true;
}

void sim_serve_reader_step(struct run *run, struct reader *reader)
{
	struct talk *talk = &reader->talk;

	if (!reader->on) {
		if (run->healing || !sim_chance(run->world, 50))
			return;
		begin_pass(run, reader);
	}
	if (!talk_is_on(talk)) {
		if (!sim_serve_rests(run, reader->rests_until) && !talk_begin(talk, &run->address))
			reader->rests_until = sim_serve_rest(run);
		return;
	}
	if (!reader->asked)
		ask(reader);
	switch (talk_step(talk)) {
	case TALK_REPLY:
		answered(run, reader);
		break;
	case TALK_BROKEN:
		part(run, reader);
		break;
	case TALK_NOTHING:
	case TALK_MORE:
	default:
		break;
	}
	if (talk->reply.wrong != NULL)
		sim_fail(run->world, "reader: %s", talk->reply.wrong);
	if (reader->on && !reader->final && sim_chance(run->world, 2))
		end_pass(run, reader, false), part(run, reader);
}
