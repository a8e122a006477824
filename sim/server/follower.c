#include "play.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- server-sent events ------------------------------------------------------------------- */

/* One field of a line "name: value"; NULL: another one. */
static const char *field(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	return line + len + 1 + (line[len + 1] == ' ');
}

/* Cut off for being slow is the only gap there may be, where nothing is removed. */
static void take_gap(struct run *run, const char *data)
{
	if (strstr(data, "\"slow\"") == NULL)
		sim_fail(run->world, "follower: a gap, and nothing was removed: %s", data);
}

/* All lines of one event, each ended by a NUL; `end` behind the last. */
static void take_event(struct run *run, struct follower *follower, const char *at, const char *end)
{
	const char *value;
	uint64_t id = 0;
	bool gap = false;
	size_t before = follower->seen.events.len;

	for (; at < end; at += strlen(at) + 1) {
		if ((value = field(at, "id")) != NULL)
			id = strtoull(value, NULL, 10);
		else if ((value = field(at, "event")) != NULL)
			gap = strcmp(value, "gap") == 0;
		else if ((value = field(at, "data")) != NULL && gap)
			take_gap(run, value);
		else if (value != NULL)
			sim_serve_read_events(run, td_text(value), &follower->seen);
	}
	if (id == 0)
		return;
	if (follower->seen.events.len > before) {
		const struct sim_store_event *event =
			(const void *)(follower->seen.events.at + before);

		if (event->position != id)
			sim_fail(run->world, "follower: id %" PRIu64 " of position %" PRIu64, id,
				event->position);
		sim_count(run->world, COUNT_FOLLOWED);
		if (follower->resumes)
			sim_count(run->world, COUNT_RESUMED);
		follower->resumes = false;
	}
	follower->last = id;
}

/* The events that are whole. */
static void take_events(struct run *run, struct follower *follower)
{
	struct td_buf *body = &follower->talk.reply.body;
	char *end;

	while (follower->taken < body->len &&
		(end = memmem(body->at + follower->taken, body->len - follower->taken, "\n\n",
			 2)) != NULL) {
		char *at = body->at + follower->taken;

		for (char *line = at; line <= end; line++)
			if (*line == '\n')
				*line = '\0';
		take_event(run, follower, at, end + 1);
		follower->taken = (size_t)(end + 2 - body->at);
	}
	if (follower->taken < body->len)
		return;
	td_buf_reset(body);
	follower->taken = 0;
}

/* --- the connection ----------------------------------------------------------------------- */

static void part(struct run *run, struct follower *follower)
{
	talk_end(&follower->talk);
	follower->taken = 0;
	follower->rests_until = sim_serve_rest(run);
}

static void begin(struct run *run, struct follower *follower)
{
	struct talk *talk = &follower->talk;

	if (sim_serve_rests(run, follower->rests_until))
		return;
	if (!talk_begin(talk, &run->address)) {
		follower->rests_until = sim_serve_rest(run);
		return;
	}
	if (follower->seen.asked == 0) {
		follower->seen.asked = sim_store_moment(&run->history);
		follower->log = follower->subject = UINT32_MAX;
		if (sim_chance(run->world, 400))
			follower->log = (uint32_t)sim_below(run->world, run->config.logs);
		if (sim_chance(run->world, 400))
			follower->subject = (uint32_t)sim_below(run->world, run->config.subjects);
		follower->seen.from = sim_chance(run->world, 600)
					      ? 1
					      : 1 + sim_below(run->world, run->furthest + 1);
	}
	td_buf_printf(&talk->out, "GET /v1/events/follow?from=%" PRIu64, follower->seen.from);
	if (follower->log != UINT32_MAX && follower->subject != UINT32_MAX)
		td_buf_printf(&talk->out, "&subject=l%u.s%u", follower->log, follower->subject);
	else if (follower->log != UINT32_MAX)
		td_buf_printf(&talk->out, follower->log == 0 ? "&log=events" : "&log=log%u",
			follower->log);
	td_buf_add_string(
		&talk->out, " HTTP/1.1\r\nHost: 127.0.0.1:8222\r\nAccept: text/event-stream\r\n");
	if (follower->last > 0) {
		td_buf_printf(&talk->out, "Last-Event-ID: %" PRIu64 "\r\n", follower->last);
		follower->resumes = true;
	}
	td_buf_add_string(&talk->out, "\r\n");
}

static void check_status(struct run *run, const struct reply *reply)
{
	if (reply->status != 0 && reply->status != 200 && reply->status != 503 &&
		reply->status != 500 && reply->status != 429 && reply->status != 408)
		sim_fail(run->world, "follow: status %d: %.*s", reply->status, (int)reply->body.len,
			reply->body.at);
}

/* Sometimes longer than the server has patience, and not twice as long. */
static int64_t away_ms(const struct run *run)
{
	int64_t stall_ms = run->config.settings.limits.stall_ms;

	return 2 * (stall_ms != 0 ? stall_ms : 30000);
}

void sim_serve_follower_step(struct run *run, struct follower *follower)
{
	struct talk *talk = &follower->talk;
	enum talk_news news;

	if (!talk_is_on(talk)) {
		begin(run, follower);
		return;
	}
	/* Some look away for a while, and are slow. */
	if (!run->healing && sim_serve_rests(run, follower->looks_away_until))
		return;
	if (sim_chance(run->world, 20))
		follower->looks_away_until =
			run->world->now_ns + sim_between(run->world, 0, away_ms(run)) * MS;
	news = talk_step(talk);
	check_status(run, &talk->reply);
	if (talk->reply.status == 200 && (news == TALK_MORE || news == TALK_REPLY))
		take_events(run, follower);
	if (talk->reply.wrong != NULL)
		sim_fail(run->world, "follower: %s", talk->reply.wrong);
	if (news == TALK_REPLY || news == TALK_BROKEN ||
		(!run->healing && sim_chance(run->world, 10)))
		part(run, follower);
}
