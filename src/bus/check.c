#include "bus/private.h"

#include <stdio.h>
#include <string.h>

/*
 * What can be said of what is asked for before anything is made of it. Each text begins with the
 * member that is wrong, as tidings.h calls it.
 */

int td_check_draft(struct td_bus *bus, const struct td_draft *draft, struct td_error *err)
{
	struct td_event_scratch scratch;
	uint8_t uuid[16] = {0};
	struct td_origin origin = {.source = td_text(bus->source), .uuid = uuid};
	struct td_event event;
	int code;

	code = td_event_lend(&event, &scratch, draft, &origin, err);
	if (code == 0)
		td_event_lend_end(&event);
	return code;
}

static int wrong(struct td_error *err, const char *what)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s", what);
}

static int check_retry(const struct td_retry *retry, struct td_error *err)
{
	if (retry->first_ms < 0)
		return wrong(err, "retry.first_ms: negative");
	if (retry->longest_ms < 0)
		return wrong(err, "retry.longest_ms: negative");
	if (!(retry->factor >= 0 && retry->factor <= 1e6))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"retry.factor: %g, which is not within 0 and 1,000,000", retry->factor);
	if (!(retry->jitter <= 1))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "retry.jitter: %g, at most 1",
			retry->jitter);
	if (retry->exhausted != 0 && (retry->exhausted < TD_SKIP || retry->exhausted > TD_STOP))
		return wrong(err,
			"retry.exhausted: when attempts are used up it can skip, park or stop");
	return 0;
}

/*
 * Dead letters are told under the name, so what cannot be a subject cannot be a name: a letter
 * would get lost.
 */
static int check_name(struct td_bus *bus, const char *name, struct td_error *err)
{
	char subject[sizeof("td.deadletter.") + TD_SUBSCRIPTION_NAME_BYTES_MAX];
	struct td_draft draft = {.type = TD_DEAD_LETTER, .subject = subject};

	if (name == NULL)
		return 0;
	if (name[0] == '\0')
		return wrong(err, "name: empty");
	if (strlen(name) > TD_SUBSCRIPTION_NAME_BYTES_MAX)
		return td_error_set(err, TD_E_INVALID, TD_SUBSCRIPTION_NAME_BYTES_MAX,
			"name: longer than %u bytes", TD_SUBSCRIPTION_NAME_BYTES_MAX);
	snprintf(subject, sizeof(subject), "td.deadletter.%s", name);
	if (td_check_draft(bus, &draft, err) != 0)
		return td_error_wrap(err, TD_E_INVALID, "name");
	return 0;
}

int td_check_type(struct td_bus *bus, const char *type, struct td_error *err)
{
	struct td_draft draft = {.type = type, .subject = "any"};

	return td_check_draft(bus, &draft, err);
}

static int check_types(struct td_bus *bus, const struct td_interest *interest, struct td_error *err)
{
	int code = 0;

	if (interest->type != NULL)
		code = td_check_type(bus, interest->type, err);
	if (code == 0 && interest->types_count > 0 && interest->types == NULL)
		code = wrong(err, "types: NULL, with a count");
	for (size_t i = 0; code == 0 && i < interest->types_count; i++) {
		code = interest->types[i] != NULL ? td_check_type(bus, interest->types[i], err)
						  : wrong(err, "NULL");
		if (code != 0)
			td_error_wrap(err, code, "types[%zu]", i);
	}
	return code;
}

static int check_subject(const char *subject, struct td_error *err)
{
	int code = subject != NULL ? td_pattern_check(td_text(subject), err) : 0;

	return code != 0 ? td_error_wrap(err, code, "subject") : 0;
}

static int check_select(const struct td_interest *interest, struct td_error *err)
{
	if (interest->select_count > 0 && interest->select == NULL)
		return wrong(err, "select: NULL, with a count");
	for (size_t i = 0; i < interest->select_count; i++) {
		if (interest->select[i] == NULL)
			return td_error_set(
				err, TD_E_INVALID, TD_NO_OFFSET, "select[%zu]: NULL", i);
	}
	return 0;
}

int td_check_interest(struct td_bus *bus, const struct td_interest *interest, struct td_error *err)
{
	int code;

	if (interest->async && interest->sync)
		return wrong(err, "async and sync exclude each other");
	if ((unsigned)interest->order > TD_ORDER_NONE)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "order: no such value: %d",
			(int)interest->order);
	if ((unsigned)interest->when_full > TD_DROP_OLDEST)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "when_full: no such value: %d",
			(int)interest->when_full);
	if (interest->when_full == TD_DROP_OLDEST && !interest->observer)
		return wrong(err, "when_full: only an observer may lose events");
	if (interest->observer && interest->retry.attempts_max > 1)
		return wrong(err, "retry: an observer's failures are not retried");
	code = check_subject(interest->subject, err);
	if (code == 0)
		code = check_retry(&interest->retry, err);
	if (code == 0)
		code = check_name(bus, interest->name, err);
	if (code == 0)
		code = check_types(bus, interest, err);
	if (code == 0)
		code = check_select(interest, err);
	return code;
}
