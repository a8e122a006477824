/*
 * A page of a story: positions from the store's index, each event by its position, then the tree.
 */
#include "flow/story.h"

#include <stdlib.h>

#include "flow/facts.h"

#define TEXTS_BLOCK ((size_t)64 << 10)
#define TEXTS_PAGE  ((size_t)8 << 20)  /* a page ends where its texts are more */
#define TEXTS_MAX   ((size_t)16 << 20) /* one event's always fit behind that */

struct page {
	struct td_story *story;
	struct td_store *store;
	const struct td_story_options *options;
	struct td_buf positions, bytes;
};

static struct td_text keep(struct page *page, struct td_text text)
{
	return text.at != NULL ? td_arena_copy(&page->story->texts, text) : text;
}

static bool is_kept(struct td_text kept, struct td_text text)
{
	return (kept.at == NULL) == (text.at == NULL);
}

static enum td_flow_kind kind_of(enum td_kind kind)
{
	static const enum td_flow_kind kinds[] = {
		[TD_EVENT_KIND] = TD_FLOW_EVENT,
		[TD_COMMAND] = TD_FLOW_COMMAND,
		[TD_QUERY] = TD_FLOW_QUERY,
		[TD_REPLY] = TD_FLOW_REPLY,
	};

	return kinds[kind];
}

static int keep_texts(struct page *page, struct td_story_event *to, const struct td_event *event,
	struct td_error *err)
{
	struct td_text subject = td_event_subject(event);

	if (subject.at == NULL)
		subject = td_event_address(event);
	to->kind = kind_of(td_event_kind(event));
	to->id = keep(page, td_event_id(event));
	to->source = keep(page, td_event_source(event));
	to->type = keep(page, td_event_type(event));
	to->subject = keep(page, subject);
	to->causation = keep(page, td_event_causation(event));
	if (!is_kept(to->id, td_event_id(event)) || !is_kept(to->source, td_event_source(event)) ||
		!is_kept(to->type, td_event_type(event)) || !is_kept(to->subject, subject) ||
		!is_kept(to->causation, td_event_causation(event)))
		return td_error_nomem(err);
	return 0;
}

/* What cannot be an event (headers that a NATS client made up) is shown by what the store knows. */
static int keep_raw(struct page *page, struct td_story_event *to, const struct td_stored *stored,
	struct td_error *err)
{
	to->type = keep(page, td_flow_type_of(stored));
	to->subject = keep(page, stored->address);
	to->id = td_text("");
	if (to->type.at == NULL || to->subject.at == NULL)
		return td_error_nomem(err);
	return 0;
}

static int log_of(struct page *page, uint32_t number, struct td_text *log, struct td_error *err)
{
	const struct td_story *story = page->story;
	char name[TD_LOG_NAME_BYTES];

	/* Most are of the log that the one before was of. */
	if (story->count > 0 && story->events[story->count - 1].log == number) {
		*log = story->events[story->count - 1].log_name;
		return 0;
	}
	if (td_store_log_name(page->store, number, name).at == NULL)
		name[0] = '\0'; /* deleted meanwhile */
	*log = keep(page, td_text(name));
	return log->at == NULL ? td_error_nomem(err) : 0;
}

static bool may_show(const struct page *page, const struct td_stored *stored)
{
	const struct td_story_options *options = page->options;

	return options->may == NULL || options->may(options->arg, stored->address);
}

static int add(struct page *page, uint64_t position, struct td_error *err)
{
	struct td_story_event *to = &page->story->events[page->story->count];
	struct td_event *event = NULL;
	struct td_stored stored;
	int code = td_store_at(page->store, position, &stored, &page->bytes, err);

	if (code == 0 && !may_show(page, &stored))
		return TD_E_NOT_FOUND;
	if (code != 0)
		return code;
	*to = (struct td_story_event){
		.position = position,
		.seq = stored.seq,
		.revision = stored.revision,
		.log = stored.log,
		.time = stored.time,
		.data_bytes = stored.payload.len,
	};
	code = log_of(page, stored.log, &to->log_name, err);
	if (code != 0)
		return code;
	stored.payload = td_text(NULL); /* is not looked at, and need not be copied */
	code = td_stored_event(page->store, &stored, &event, err);
	if (code == 0)
		code = keep_texts(page, to, event, err);
	else if (code != TD_E_NOMEM)
		code = keep_raw(page, to, &stored, err);
	td_event_unref(event);
	page->story->count += code == 0;
	return code;
}

/* Events that went meanwhile, cannot be read or may not be shown are not there. */
static int add_all(struct page *page, struct td_error *err)
{
	size_t count = page->positions.len / sizeof(uint64_t);

	for (size_t i = 0; i < count; i++) {
		uint64_t position;
		int code;

		memcpy(&position, page->positions.at + i * sizeof(position), sizeof(position));
		if (page->story->texts.used > TEXTS_PAGE) {
			page->story->next = position;
			return 0;
		}
		code = add(page, position, err);
		page->story->damaged += code == TD_E_DAMAGED;
		if (code != 0 && code != TD_E_DAMAGED && code != TD_E_NOT_FOUND)
			return code;
	}
	return 0;
}

static int find_positions(struct page *page, uint64_t from, uint32_t max, struct td_error *err)
{
	size_t left = max;
	int code;

	do {
		code = td_store_story(page->store, page->story->correlation, from, left,
			&page->positions, &page->story->next, err);
		page->story->damaged += code == TD_E_DAMAGED;
		from = page->story->next;
		left = max - page->positions.len / sizeof(uint64_t);
	} while (code == TD_E_DAMAGED && left > 0);
	return code == TD_E_DAMAGED ? 0 : code;
}

int td_story_read(struct td_story *story, struct td_store *store, struct td_text correlation,
	const struct td_story_options *options, struct td_error *err)
{
	struct td_story made = {.first = options->from <= 1};
	struct page page = {.story = &made, .store = store, .options = options};
	uint32_t max = options->max != 0 ? options->max : TD_STORY_PAGE_DEFAULT;
	int code;

	max = max < TD_STORY_PAGE_MAX ? max : TD_STORY_PAGE_MAX;
	td_arena_init(&made.texts, TEXTS_BLOCK, TEXTS_MAX);
	td_buf_init(&page.positions, max * sizeof(uint64_t));
	td_buf_init(&page.bytes, SIZE_MAX / 2);
	made.correlation = td_arena_copy(&made.texts, correlation);
	code = made.correlation.at != NULL ? find_positions(&page, options->from, max, err)
					   : td_error_nomem(err);
	if (code == 0) {
		made.events =
			calloc(page.positions.len / sizeof(uint64_t) + 1, sizeof(*made.events));
		code = made.events != NULL ? add_all(&page, err) : td_error_nomem(err);
	}
	if (code == 0)
		code = td_story_tree(made.events, made.count, made.first, err);
	td_buf_fini(&page.positions);
	td_buf_fini(&page.bytes);
	if (code != 0) {
		td_story_fini(&made);
		return td_error_wrap(err, code, "story %.*s", TD_TEXT_ARG(correlation));
	}
	*story = made;
	return 0;
}

void td_story_fini(struct td_story *story)
{
	free(story->events);
	td_arena_fini(&story->texts);
	*story = (struct td_story){0};
}
