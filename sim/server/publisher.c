#include "play.h"

#include <inttypes.h>

/* --- what to append ----------------------------------------------------------------------- */

static void draw_expectation(struct run *run, struct sim_store_entry *entry)
{
	uint64_t latest = 0;

	for (size_t i = run->history.entries_count; i-- > 0 && latest == 0;) {
		const struct sim_store_entry *other = &run->history.entries[i];

		if (other->log == entry->log && other->subject == entry->subject &&
			run->history.appends[other->append].outcome == SIM_STORE_OK)
			latest = other->revision;
	}
	switch (sim_below(run->world, 5)) {
	case 0:
		entry->expect = SIM_STORE_NONE;
		break;
	case 1:
		entry->expect = SIM_STORE_EXISTS;
		break;
	default:
		entry->revision_expected = latest + sim_below(run->world, 2);
		/* Revision 0 is what NONE asks for. */
		entry->expect = entry->revision_expected == 0 ? SIM_STORE_NONE : SIM_STORE_EXACTLY;
	}
}

static struct sim_store_entry draw_entry(struct run *run)
{
	struct sim_store_entry entry = {
		.value = ++run->values,
		.log = (uint32_t)sim_below(run->world, run->config.logs),
		.subject = (uint32_t)sim_below(run->world, run->config.subjects),
	};

	entry.key = run->keys > 0 && sim_chance(run->world, run->config.others_keys)
			    ? 1 + sim_below(run->world, run->keys)
			    : ++run->keys;
	return entry;
}

static size_t draw_retry(struct run *run, struct sim_store_entry *entries)
{
	size_t all = run->history.appends_count, among = all;
	const struct sim_store_append *append;
	size_t which;

	/* One of the last may not be durable yet. */
	if (all > 6 && sim_chance(run->world, 600))
		among = 6;
	which = all - 1 - sim_below(run->world, among);
	append = &run->history.appends[which];
	for (size_t i = 0; i < append->entries_count; i++) {
		entries[i] = run->history.entries[append->entries + i];
		entries[i].duplicate = false;
	}
	sim_count(run->world, COUNT_RETRIED);
	return append->entries_count;
}

size_t sim_serve_draw_append(struct run *run, struct sim_store_entry *entries)
{
	size_t count = 1;

	if (run->history.appends_count > 0 && sim_chance(run->world, run->config.retries))
		return draw_retry(run, entries);
	if (sim_chance(run->world, run->config.batches))
		count += 1 + sim_below(run->world, ENTRIES_MAX - 1);
	for (size_t i = 0; i < count; i++)
		entries[i] = draw_entry(run);
	if (count == 1 && sim_chance(run->world, run->config.expects))
		draw_expectation(run, &entries[0]);
	return count;
}

/* --- asking and being answered ------------------------------------------------------------ */

static void add(struct run *run, struct publisher *publisher, struct asked asked)
{
	if (publisher->asked_count > 0)
		sim_count(run->world, COUNT_PIPELINED);
	publisher->asked[publisher->asked_count++] = asked;
}

static void ask(struct run *run, struct publisher *publisher)
{
	struct sim_store_entry entries[ENTRIES_MAX];
	size_t count = sim_serve_draw_append(run, entries);
	struct asked asked = {.append = sim_store_ask(&run->history, entries, count)};

	run->history.appends[asked.append].asked_ms = sim_now_ms(run->world);
	sim_serve_write_request(run, &publisher->talk.out, entries, count);
	add(run, publisher, asked);
	sim_trace(run->world, "ask", (uint64_t[]){asked.append, count, entries[0].key}, 3);
	if (publisher->asked_count == PIPELINE_MAX || !sim_chance(run->world, run->config.looks))
		return;
	asked.what = sim_chance(run->world, 500) ? ASKED_EVENT : ASKED_LATEST;
	asked.entry = sim_below(run->world, count);
	sim_serve_write_look(
		&publisher->talk.out, &entries[asked.entry], asked.what == ASKED_LATEST);
	add(run, publisher, asked);
}

/* An id may have been used in another log, too. */
static bool is_used_twice(const struct run *run, const struct sim_store_entry *entry)
{
	for (size_t i = 0; i < run->history.entries_count; i++)
		if (run->history.entries[i].key == entry->key &&
			run->history.entries[i].log != entry->log)
			return true;
	return false;
}

/* Whoever was told that it is there sees it: it, or one that came to its subject later. */
static void looked(struct run *run, const struct asked *asked, const struct reply *reply)
{
	const struct sim_store_entry *entry =
		sim_store_entries(&run->history, asked->append) + asked->entry;
	struct seen seen = {.events = TD_BUF_INIT(1 << 10)};
	const struct sim_store_event *event;

	sim_trace(run->world, "looked", (uint64_t[]){asked->append, (uint64_t)reply->status}, 2);
	if ((reply->status != 200 && reply->status != 404) ||
		run->history.appends[asked->append].outcome != SIM_STORE_OK ||
		(asked->what == ASKED_EVENT && is_used_twice(run, entry)))
		return;
	if (reply->status == 200)
		sim_serve_read_events(run, td_buf_view(&reply->body), &seen);
	event = (const void *)seen.events.at;
	if (event == NULL)
		sim_fail(run->world, "value %" PRIu64 " was acknowledged, and then: %d: %.*s",
			entry->value, reply->status, (int)reply->body.len, reply->body.at);
	else if (!event->intact ||
		 (asked->what == ASKED_EVENT && event->position != entry->position) ||
		 event->position < entry->position)
		sim_fail(run->world,
			"value %" PRIu64 " was acknowledged at position %" PRIu64
			", and then value %" PRIu64 " was shown at %" PRIu64,
			entry->value, entry->position, event->value, event->position);
	sim_count(run->world, COUNT_LOOKED);
	td_buf_fini(&seen.events);
}

/* Nobody will ever know what became of those that were asked for. */
static void part(struct run *run, struct publisher *publisher)
{
	for (size_t i = 0; i < publisher->asked_count; i++)
		sim_count(run->world, COUNT_UNKNOWN);
	publisher->asked_count = 0;
	talk_end(&publisher->talk);
	publisher->rests_until = sim_serve_rest(run);
}

static void answered(struct run *run, struct publisher *publisher)
{
	struct talk *talk = &publisher->talk;
	bool closes = talk->reply.closes;

	/* What was said of no request: too many connections, or too slow. */
	if (publisher->asked_count == 0) {
		if (talk->reply.status != 503 && talk->reply.status != 408)
			sim_fail(run->world, "an answer to nothing: %d", talk->reply.status);
		part(run, publisher);
		return;
	}
	if (publisher->asked[0].what == ASKED_APPEND)
		sim_serve_read_receipts(run, publisher->asked[0].append, &talk->reply);
	else
		looked(run, &publisher->asked[0], &talk->reply);
	publisher->asked_count--;
	for (size_t i = 0; i < publisher->asked_count; i++)
		publisher->asked[i] = publisher->asked[i + 1];
	if (closes)
		part(run, publisher);
	else
		talk_go_on(talk);
}

static void begin(struct run *run, struct publisher *publisher)
{
	if (run->healing || sim_serve_rests(run, publisher->rests_until))
		return;
	if (!talk_begin(&publisher->talk, &run->address))
		publisher->rests_until = sim_serve_rest(run);
}

void sim_serve_publisher_step(struct run *run, struct publisher *publisher)
{
	struct talk *talk = &publisher->talk;

	if (!talk_is_on(talk)) {
		begin(run, publisher);
		return;
	}
	if (!run->healing && publisher->asked_count < run->config.pipeline && talk_is_said(talk) &&
		sim_chance(run->world, 300))
		ask(run, publisher);
	switch (talk_step(talk)) {
	case TALK_REPLY:
		answered(run, publisher);
		break;
	case TALK_BROKEN:
		part(run, publisher);
		break;
	case TALK_NOTHING:
		if (run->healing && publisher->asked_count == 0)
			part(run, publisher);
		break;
	case TALK_MORE:
	default:
		break;
	}
	if (talk->reply.wrong != NULL)
		sim_fail(run->world, "publisher: %s", talk->reply.wrong);
	if (talk_is_on(talk) && !run->healing && sim_chance(run->world, 3))
		part(run, publisher); /* who has no more patience */
}
