#include "server/hear.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * From the tap to those who listen.
 */

struct td_audience {
	struct td_audience *next, **link;
	struct td_search *search;
	size_t members;
	struct td_follower *live;
	struct td_hearing *hearings;
	struct td_audience *hit;
};

/* --- the ring ----------------------------------------------------------------------------- */

struct td_heard *td_feed_at(const struct td_feed *feed, size_t i)
{
	TD_ASSERT(feed->ring_cap > 0 && i < feed->ring_count);
	return feed->ring[(feed->ring_begin + i) % feed->ring_cap];
}

static size_t heard_bytes(const struct td_heard *heard)
{
	const struct td_stored *stored = &heard->stored;

	return sizeof(*heard) + stored->address.len + stored->type.len + stored->headers.len +
	       stored->payload.len + stored->server.len;
}

static void drop_oldest(struct td_feed *feed)
{
	struct td_heard *heard = td_feed_at(feed, 0);

	feed->ring_bytes -= heard_bytes(heard);
	feed->ring_begin = (feed->ring_begin + 1) % feed->ring_cap;
	feed->ring_count--;
	feed->first = feed->ring_count > 0 ? heard->stored.position + 1 : feed->next;
	td_shared_unref(heard->plain);
	free(heard);
}

static void empty(struct td_feed *feed)
{
	while (feed->ring_count > 0)
		drop_oldest(feed);
	feed->first = feed->next;
}

static void put(char **at, struct td_text *text)
{
	if (text->at == NULL)
		return;
	memcpy(*at, text->at, text->len);
	text->at = *at;
	*at += text->len;
}

static struct td_heard *copy(const struct td_stored *stored)
{
	struct td_heard probe = {.stored = *stored};
	struct td_heard *heard = malloc(heard_bytes(&probe));
	char *at;

	if (heard == NULL)
		return NULL;
	*heard = probe;
	at = heard->bytes;
	put(&at, &heard->stored.address);
	put(&at, &heard->stored.type);
	put(&at, &heard->stored.headers);
	put(&at, &heard->stored.payload);
	put(&at, &heard->stored.server);
	return heard;
}

static bool grow(struct td_feed *feed)
{
	size_t cap = feed->ring_cap == 0 ? 256 : 2 * feed->ring_cap;
	struct td_heard **ring;

	if (feed->ring_count < feed->ring_cap)
		return true;
	ring = malloc(cap * sizeof(struct td_heard *));
	if (ring == NULL)
		return false;
	for (size_t i = 0; i < feed->ring_count; i++)
		ring[i] = td_feed_at(feed, i);
	free(feed->ring);
	feed->ring = ring;
	feed->ring_cap = cap;
	feed->ring_begin = 0;
	return true;
}

/* NULL: no memory. Then whoever was to hear of it has to read. */
static struct td_heard *add(struct td_server *server, const struct td_stored *stored)
{
	struct td_feed *feed = server->feed;
	struct td_heard *heard = grow(feed) ? copy(stored) : NULL;

	if (heard == NULL)
		return NULL;
	feed->ring[(feed->ring_begin + feed->ring_count++) % feed->ring_cap] = heard;
	feed->ring_bytes += heard_bytes(heard);
	while (feed->ring_bytes > (uint64_t)server->limits.feed_bytes_max && feed->ring_count > 1)
		drop_oldest(feed);
	return heard;
}

/* --- showing ------------------------------------------------------------------------------ */

int td_show_sse(struct td_buf *buf, const struct td_event *event, const struct td_stored *stored,
	const struct td_names *names, struct td_error *err)
{
	struct td_buf json = TD_BUF_INIT(64u << 20);
	struct td_standing standing = td_standing_of(stored);
	char id[24];
	int len = snprintf(id, sizeof(id), "%llu", (unsigned long long)stored->position);
	int code = td_show_event(&json, event, &standing, names, err);

	if (code == 0 && !td_sse_add(buf, td_text_of(id, (size_t)len), event->attr[TD_ATTR_TYPE],
				 td_buf_view(&json)))
		td_sse_add(buf, td_text_of(id, (size_t)len), td_text(NULL), td_buf_view(&json));
	if (code == 0)
		code = td_buf_check(buf, err);
	td_buf_fini(&json);
	return code;
}

void td_show_gap(struct td_buf *buf, uint64_t from, uint64_t to, const char *reason)
{
	struct td_buf json = TD_BUF_INIT(1024);
	struct td_json_writer writer;
	char id[24];
	int len = snprintf(id, sizeof(id), "%llu", (unsigned long long)to);

	td_json_writer_init(&writer, &json);
	td_json_open_object(&writer);
	td_show_string(&writer, "reason", td_text(reason));
	td_show_u64(&writer, "from", from);
	td_show_u64(&writer, "to", to);
	td_show_u64(&writer, "resume", to + 1);
	td_json_close_object(&writer);
	td_sse_add(buf, td_text_of(id, (size_t)len), td_text("gap"), td_buf_view(&json));
	td_buf_fini(&json);
}

static int make_shared(struct td_server *server, const struct td_event *event,
	const struct td_stored *stored, struct td_shared **shared)
{
	struct td_buf buf = TD_BUF_INIT(64u << 20);
	int code = td_show_sse(&buf, event, stored, server->names, NULL);

	if (code == 0) {
		*shared = td_shared_new(td_buf_view(&buf));
		code = *shared != NULL ? 0 : TD_E_NOMEM;
	}
	if (code == 0)
		(*shared)->mark = stored->position;
	td_buf_fini(&buf);
	return code;
}

int td_heard_show(struct td_server *server, const struct td_search *search, struct td_heard *heard,
	struct td_shared **shared)
{
	struct td_event *event;
	int code;

	*shared = NULL;
	if (search->filter == NULL && search->select == NULL && heard->plain != NULL) {
		*shared = td_shared_ref(heard->plain);
		return 0;
	}
	(void)td_server_log_name(server, heard->stored.log); /* a new one is in the picture then */
	code = td_search_show(search, server->store, &heard->stored, &event, NULL);
	if (code != 0 || event == NULL)
		return code;
	if (search->select == NULL && heard->plain != NULL) {
		*shared = td_shared_ref(heard->plain);
	} else {
		code = make_shared(server, event, &heard->stored, shared);
		if (code == 0 && search->select == NULL)
			heard->plain = td_shared_ref(*shared);
	}
	td_event_unref(event);
	return code;
}

/* --- audiences ---------------------------------------------------------------------------- */

static void hit(void *arg, void *interest)
{
	struct td_audience **hits = arg, *audience = interest;

	if (audience->hit != NULL || (audience->live == NULL && audience->hearings == NULL))
		return;
	audience->hit = *hits;
	*hits = audience;
}

/* An audience stands in the list of hits while `hit` is not NULL; this ends the list. */
static struct td_audience last_hit;

static void tell_followers(struct td_server *server, struct td_audience *audience,
	struct td_heard *heard, const struct td_stored *stored)
{
	struct td_shared *shared = NULL;
	struct td_follower *next;
	int code = heard != NULL ? td_heard_show(server, audience->search, heard, &shared)
				 : TD_E_NOMEM;

	if (code == 0 && shared == NULL)
		return;
	for (struct td_follower *f = audience->live; f != NULL; f = next) {
		next = f->next_live;
		td_follower_tell(f, shared, stored->position);
	}
	td_shared_unref(shared);
}

/* Out of the audience's list; its timer and its membership stay. */
static void unlist(struct td_hearing *hearing)
{
	if (hearing->link == NULL)
		return;
	*hearing->link = hearing->next;
	if (hearing->next != NULL)
		hearing->next->link = hearing->link;
	hearing->link = NULL;
}

static void tell_hearings(struct td_audience *audience)
{
	struct td_hearing *hearing;

	while ((hearing = audience->hearings) != NULL) {
		unlist(hearing);
		td_timer_set(&hearing->server->timers, &hearing->timer, INT64_MIN);
	}
}

static bool is_of_log(
	struct td_server *server, const struct td_search *search, const struct td_stored *stored)
{
	return search->log.at == NULL ||
	       td_text_equal(search->log, td_server_log_name(server, stored->log));
}

static void tell(struct td_server *server, struct td_heard *heard, const struct td_stored *stored)
{
	struct td_audience *hits = &last_hit, *audience;

	td_trie_match(server->feed->trie, stored->address, stored->type, hit, &hits);
	while ((audience = hits) != &last_hit) {
		hits = audience->hit;
		audience->hit = NULL;
		if (!td_search_fits(audience->search, stored) ||
			!is_of_log(server, audience->search, stored))
			continue;
		if (audience->live != NULL)
			tell_followers(server, audience, heard, stored);
		tell_hearings(audience);
	}
}

static void stored(void *arg, const struct td_stored *event)
{
	struct td_server *server = arg;
	struct td_feed *feed = server->feed;
	struct td_heard *heard = NULL;

	feed->next = event->position + 1;
	if (feed->audiences == NULL) {
		empty(feed);
		return;
	}
	heard = add(server, event);
	if (heard == NULL)
		empty(feed);
	tell(server, heard, event);
}

static void lost(void *arg, uint64_t from, uint64_t to)
{
	struct td_server *server = arg;
	struct td_feed *feed = server->feed;
	struct td_follower *next;

	feed->next = to + 1;
	empty(feed);
	/* They read on from there, and are told what is missing when they come by. */
	for (struct td_audience *audience = feed->audiences; audience != NULL;
		audience = audience->next) {
		for (struct td_follower *f = audience->live; f != NULL; f = next) {
			next = f->next_live;
			td_follower_tell(f, NULL, from);
		}
		tell_hearings(audience);
	}
}

struct td_tap td_feed_tap(struct td_server *server)
{
	return (struct td_tap){.stored = stored, .arg = server, .lost = lost};
}

/* --- joining ------------------------------------------------------------------------------ */

static const struct td_text everything = TD_TEXT_INIT(">");

/* Each of its patterns with each of its types; of those before (i, j) only where `count` ends. */
static int each_interest(struct td_trie *trie, struct td_audience *audience, bool add,
	size_t *count, struct td_error *err)
{
	const struct td_search *search = audience->search;
	size_t subjects = search->subjects_count > 0 ? search->subjects_count : 1;
	size_t types = search->types_count > 0 ? search->types_count : 1, done = 0;
	int code = 0;

	for (size_t i = 0; i < subjects * types; i++) {
		struct td_text pattern =
			search->subjects_count > 0 ? search->subjects[i / types] : everything;
		struct td_text type =
			search->types_count > 0 ? search->types[i % types] : td_text(NULL);

		if (!add && done == *count)
			break;
		if (add)
			code = td_trie_add(trie, pattern, type, audience, err);
		else
			td_trie_remove(trie, pattern, type, audience);
		if (code == TD_E_EXISTS)
			code = 0; /* it was said twice */
		if (code != 0)
			break;
		done++;
	}
	if (add)
		*count = done;
	return code;
}

static void remove_interests(struct td_feed *feed, struct td_audience *audience, size_t count)
{
	each_interest(feed->trie, audience, false, &count, NULL);
	td_trie_limbo_free(td_trie_limbo_take(feed->trie)); /* nobody else reads it */
}

int td_audience_join(struct td_server *server, struct td_search *search, struct td_audience **out,
	struct td_error *err)
{
	struct td_feed *feed = server->feed;
	struct td_audience *audience = feed->audiences;
	size_t count = 0;
	int code;

	while (audience != NULL && !td_text_equal(audience->search->key, search->key))
		audience = audience->next;
	if (audience != NULL) {
		audience->members++;
		*out = audience;
		return 0;
	}
	audience = calloc(1, sizeof(*audience));
	if (audience == NULL)
		return td_error_nomem(err);
	audience->search = td_search_ref(search);
	audience->members = 1;
	code = each_interest(feed->trie, audience, true, &count, err);
	if (code != 0) {
		remove_interests(feed, audience, count);
		td_search_unref(audience->search);
		free(audience);
		return code;
	}
	audience->link = &feed->audiences;
	audience->next = feed->audiences;
	if (audience->next != NULL)
		audience->next->link = &audience->next;
	feed->audiences = audience;
	feed->audiences_count++;
	*out = audience;
	return 0;
}

void td_audience_leave(struct td_server *server, struct td_audience *audience)
{
	struct td_feed *feed = server->feed;

	if (--audience->members > 0)
		return;
	TD_ASSERT(audience->live == NULL && audience->hearings == NULL && audience->hit == NULL);
	remove_interests(feed, audience, SIZE_MAX);
	*audience->link = audience->next;
	if (audience->next != NULL)
		audience->next->link = audience->link;
	feed->audiences_count--;
	td_search_unref(audience->search);
	free(audience);
}

void td_audience_enter(struct td_audience *audience, struct td_follower *follower)
{
	TD_ASSERT(follower->link == NULL);
	follower->next_live = audience->live;
	follower->link = &audience->live;
	if (follower->next_live != NULL)
		follower->next_live->link = &follower->next_live;
	audience->live = follower;
}

void td_audience_exit(struct td_follower *follower)
{
	if (follower->link == NULL)
		return;
	*follower->link = follower->next_live;
	if (follower->next_live != NULL)
		follower->next_live->link = follower->link;
	follower->link = NULL;
}

/* --- hearings ----------------------------------------------------------------------------- */

void td_hearing_stop(struct td_hearing *hearing)
{
	struct td_server *server = hearing->server;

	unlist(hearing);
	td_timer_clear(&server->timers, &hearing->timer);
	td_timers_drop(&server->timers);
	td_audience_leave(server, hearing->audience);
}

/* Time is up, or it was heard: then the timer was set to the past, so that nothing is called from
 * within the tap. */
static void fired(struct td_timer *timer)
{
	struct td_hearing *hearing =
		(struct td_hearing *)(void *)((char *)timer - offsetof(struct td_hearing, timer));
	bool in_time = hearing->link == NULL;

	td_hearing_stop(hearing);
	hearing->heard(hearing, in_time);
}

static bool came_meanwhile(
	struct td_server *server, const struct td_hearing *hearing, uint64_t from)
{
	const struct td_feed *feed = server->feed;

	if (from >= feed->next)
		return false;
	if (from < feed->first)
		return true; /* nobody knows: look */
	for (size_t i = feed->ring_count; i-- > 0;) {
		const struct td_stored *event = &td_feed_at(feed, i)->stored;

		if (event->position < from)
			return false;
		if (td_search_wants(hearing->search, event, td_server_log_name(server, event->log)))
			return true;
	}
	return false;
}

int td_hearing_start(struct td_server *server, struct td_hearing *hearing, uint64_t from,
	int64_t until, struct td_error *err)
{
	struct td_audience *audience;
	int code;

	if (!td_timers_add(&server->timers))
		return td_error_nomem(err);
	code = td_audience_join(server, hearing->search, &audience, err);
	if (code != 0) {
		td_timers_drop(&server->timers);
		return code;
	}
	hearing->server = server;
	hearing->audience = audience;
	hearing->timer = (struct td_timer){.fire = fired};
	if (came_meanwhile(server, hearing, from)) {
		hearing->link = NULL;
		until = INT64_MIN;
	} else {
		hearing->next = audience->hearings;
		hearing->link = &audience->hearings;
		if (hearing->next != NULL)
			hearing->next->link = &hearing->next;
		audience->hearings = hearing;
	}
	td_timer_set(&server->timers, &hearing->timer, until);
	return 0;
}

/* --- the feed ----------------------------------------------------------------------------- */

int td_feed_open(struct td_server *server, struct td_error *err)
{
	struct td_feed *feed = calloc(1, sizeof(*feed));

	if (feed == NULL)
		return td_error_nomem(err);
	feed->trie = td_trie_new(td_rng_u64(&server->rng));
	if (feed->trie == NULL) {
		free(feed);
		return td_error_nomem(err);
	}
	feed->waiting_last = &feed->waiting;
	server->feed = feed;
	return 0;
}

void td_feed_stop(struct td_server *server)
{
	for (struct td_audience *audience = server->feed->audiences; audience != NULL;
		audience = audience->next) {
		for (struct td_hearing *h = audience->hearings; h != NULL; h = h->next)
			td_timer_set(&server->timers, &h->timer, INT64_MIN);
	}
}

void td_feed_close(struct td_server *server)
{
	struct td_feed *feed = server->feed;

	if (feed == NULL)
		return;
	TD_ASSERT(feed->audiences == NULL);
	empty(feed);
	free(feed->ring);
	td_shared_unref(feed->beat);
	td_trie_free(feed->trie);
	free(feed);
	server->feed = NULL;
}
