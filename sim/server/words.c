/*
 * Events on their way to the server and back. All of one follows from its value, key, log and subject,
 * so whoever reads it knows what each byte of its data must be.
 */
#include "play.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_MAX 4096

/* --- content ------------------------------------------------------------------------------ */

static size_t pad_of(const struct run *run, uint64_t value)
{
	uint64_t dice = td_hash_u64(value * 2 + 1);

	return dice % 8 == 0 ? dice / 8 % (run->config.pad_max + 1) : dice / 8 % 20;
}

/* {"v":17,"pad":"abc"} */
static void write_data(const struct run *run, struct td_buf *out, uint64_t value)
{
	size_t pad = pad_of(run, value);

	td_buf_printf(out, "{\"v\":%" PRIu64 ",\"pad\":\"", value);
	for (size_t i = 0; i < pad; i++)
		td_buf_add_char(out, (char)('a' + td_hash_u64(value + i) % 26));
	td_buf_add_string(out, "\"}");
}

static void write_event(const struct run *run, struct td_buf *out,
	const struct sim_store_entry *entry, bool with_subject)
{
	td_buf_printf(out,
		"{\"specversion\":\"1.0\",\"id\":\"%" PRIu64
		"\",\"source\":\"sim\",\"type\":\"Type%u\"",
		entry->key, (unsigned)(entry->key % 5));
	if (with_subject)
		td_buf_printf(out, ",\"subject\":\"l%u.s%u\"", entry->log, entry->subject);
	td_buf_add_string(out, ",\"data\":");
	write_data(run, out, entry->value);
	td_buf_add_char(out, '}');
}

/* --- requests ----------------------------------------------------------------------------- */

static void write_body(struct run *run, struct td_buf *out, const struct td_buf *body)
{
	if (sim_chance(run->world, 800)) {
		td_buf_printf(out, "Content-Length: %zu\r\n\r\n", body->len);
		td_buf_add_text(out, td_buf_view(body));
		return;
	}
	td_buf_add_string(out, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t at = 0; at < body->len;) {
		size_t some = 1 + sim_below(run->world, body->len - at);

		td_buf_printf(out, "%zx\r\n", some);
		td_buf_add(out, body->at + at, some);
		td_buf_add_string(out, "\r\n");
		at += some;
	}
	td_buf_add_string(out, "0\r\n\r\n");
}

static void write_expectation(struct td_buf *out, const struct sim_store_entry *entry)
{
	if (entry->expect == SIM_STORE_NONE)
		td_buf_add_string(out, "If-None-Match: *\r\n");
	else if (entry->expect == SIM_STORE_EXISTS)
		td_buf_add_string(out, "If-Match: *\r\n");
	else if (entry->expect == SIM_STORE_EXACTLY)
		td_buf_printf(out, "If-Match: \"%" PRIu64 "\"\r\n", entry->revision_expected);
}

/* Binary mode: attributes are fields, the data is the body. */
static void write_binary(const struct run *run, struct td_buf *out, struct td_buf *body,
	const struct sim_store_entry *entry)
{
	td_buf_printf(out,
		"ce-specversion: 1.0\r\nce-id: %" PRIu64
		"\r\nce-source: sim\r\nce-type: Type%u\r\nce-subject: l%u.s%u\r\n"
		"Content-Type: application/json\r\n",
		entry->key, (unsigned)(entry->key % 5), entry->log, entry->subject);
	write_data(run, body, entry->value);
}

void sim_serve_write_request(
	struct run *run, struct td_buf *out, const struct sim_store_entry *entries, size_t count)
{
	struct td_buf body = TD_BUF_INIT(1 << 20);
	bool to_subject =
		count == 1 && (entries[0].expect != SIM_STORE_ANY || sim_chance(run->world, 200));

	if (to_subject)
		td_buf_printf(out, "POST /v1/subjects/l%u.s%u/events HTTP/1.1\r\n", entries[0].log,
			entries[0].subject);
	else
		td_buf_add_string(out, "POST /v1/events HTTP/1.1\r\n");
	td_buf_add_string(out, "Host: 127.0.0.1:8222\r\n");
	if (sim_chance(run->world, 50))
		td_buf_add_string(out, "Expect: 100-continue\r\n"); /* and does not wait for it */
	write_expectation(out, &entries[0]);
	if (count > 1) {
		td_buf_add_string(out, "Content-Type: application/cloudevents-batch+json\r\n");
		for (size_t i = 0; i < count; i++) {
			td_buf_add_char(&body, i == 0 ? '[' : ',');
			write_event(run, &body, &entries[i], true);
		}
		td_buf_add_char(&body, ']');
	} else if (sim_chance(run->world, 300)) {
		write_binary(run, out, &body, &entries[0]);
	} else {
		td_buf_add_string(out, "Content-Type: application/cloudevents+json\r\n");
		write_event(run, &body, &entries[0], !to_subject);
	}
	write_body(run, out, &body);
	td_buf_fini(&body);
}

void sim_serve_write_look(struct td_buf *out, const struct sim_store_entry *entry, bool latest)
{
	if (latest)
		td_buf_printf(out, "GET /v1/subjects/l%u.s%u", entry->log, entry->subject);
	else
		td_buf_printf(out, "GET /v1/events/%" PRIu64 "?source=sim", entry->key);
	td_buf_add_string(out, " HTTP/1.1\r\nHost: 127.0.0.1:8222\r\n\r\n");
}

/* --- what is told ------------------------------------------------------------------------- */

/* The number behind `name`, in quotes or not; false: it is not there before `end`. */
static bool find_number(const char *at, const char *end, const char *name, uint64_t *value)
{
	const char *found = memmem(at, (size_t)(end - at), name, strlen(name));

	if (found == NULL)
		return false;
	found += strlen(name);
	*value = strtoull(*found == '"' ? found + 1 : found, NULL, 10);
	return true;
}

/* The end of the object that begins at `at`; NULL: it has none. Our own texts have no braces. */
static const char *end_of_object(const char *at, const char *end)
{
	int depth = 0;

	for (; at < end; at++) {
		depth += (*at == '{') - (*at == '}');
		if (depth == 0)
			return at + 1;
	}
	return NULL;
}

/* The next object of an array, or the only one; NULL: no more. */
static const char *next_object(const char *at, const char *end, const char **object_end)
{
	at = memchr(at, '{', (size_t)(end - at));
	*object_end = at != NULL ? end_of_object(at, end) : NULL;
	return *object_end != NULL ? at : NULL;
}

static bool read_receipt(const char *at, const char *end, struct sim_store_entry *entry)
{
	uint64_t id;

	if (!find_number(at, end, "\"id\":", &id) || id != entry->key ||
		!find_number(at, end, "\"seq\":", &entry->seq) ||
		!find_number(at, end, "\"revision\":", &entry->revision) ||
		!find_number(at, end, "\"position\":", &entry->position))
		return false;
	entry->duplicate = memmem(at, (size_t)(end - at), "\"duplicate\":true", 16) != NULL;
	return true;
}

static bool read_receipts(struct run *run, size_t append, const struct reply *reply)
{
	const struct sim_store_append *asked = &run->history.appends[append];
	struct sim_store_entry *entries = sim_store_entries(&run->history, append);
	const char *at = reply->body.at, *end = at + reply->body.len, *object_end;

	for (size_t i = 0; i < asked->entries_count; i++, at = object_end) {
		at = next_object(at, end, &object_end);
		if (at == NULL || !read_receipt(at, object_end, &entries[i]))
			return false;
		if (entries[i].position > run->furthest)
			run->furthest = entries[i].position;
		if (entries[i].duplicate)
			sim_count(run->world, COUNT_DUPLICATE);
	}
	return true;
}

static void take_conflict(struct run *run, size_t append, const struct reply *reply)
{
	struct sim_store_append *asked = &run->history.appends[append];
	uint64_t found = 0, index = 0;

	if (!find_number(reply->body.at, reply->body.at + reply->body.len, "\"revision\":", &found))
		sim_fail(run->world, "412 without the revision found");
	find_number(reply->body.at, reply->body.at + reply->body.len, "\"index\":", &index);
	asked->conflict = true;
	asked->conflict_entry = index;
	asked->revision_found = found;
	sim_count(run->world, COUNT_CONFLICT);
}

/*
 * What is refused for its own sake was surely not done, what could not be done just then neither, if
 * it says that it was not begun (429, 507). Of 5xx nobody knows: the disk may have had it.
 */
void sim_serve_read_receipts(struct run *run, size_t append, const struct reply *reply)
{
	enum sim_store_outcome outcome = SIM_STORE_FAILED;
	bool several = run->history.appends[append].entries_count > 1;

	sim_trace(run->world, "answer", (uint64_t[]){append, (uint64_t)reply->status}, 2);
	switch (reply->status) {
	case 200:
	case 201:
		outcome = SIM_STORE_OK;
		if (!read_receipts(run, append, reply))
			sim_fail(run->world, "no receipts: %.*s", (int)reply->body.len,
				reply->body.at);
		sim_count(run->world, several ? COUNT_BATCH : COUNT_APPENDED);
		break;
	case 412:
		take_conflict(run, append, reply);
		break;
	case 409:
		sim_count(run->world, COUNT_REFUSED_KEY);
		break;
	case 408:
	case 429:
	case 507:
		sim_count(run->world, COUNT_BUSY);
		break;
	case 500:
	case 503:
		sim_count(run->world, COUNT_UNKNOWN);
		return;
	default:
		sim_fail(run->world, "status %d: %.*s", reply->status, (int)reply->body.len,
			reply->body.at);
	}
	run->history.appends[append].answered_ms = sim_now_ms(run->world);
	sim_store_answer(&run->history, append, outcome);
}

/* --- what is shown ------------------------------------------------------------------------ */

static bool has(const char *at, const char *end, const struct td_buf *text)
{
	return memmem(at, (size_t)(end - at), text->at, text->len) != NULL;
}

/* Every byte of what its sender said is there. */
static bool is_intact(
	const struct run *run, const char *at, const char *end, const struct sim_store_entry *entry)
{
	struct td_buf text = TD_BUF_INIT(DATA_MAX * 2);
	bool intact;

	td_buf_add_string(&text, "\"data\":");
	write_data(run, &text, entry->value);
	intact = has(at, end, &text);
	td_buf_reset(&text);
	td_buf_printf(&text, "\"type\":\"Type%u\"", (unsigned)(entry->key % 5));
	intact = intact && has(at, end, &text);
	td_buf_reset(&text);
	td_buf_printf(&text, "\"subject\":\"l%u.s%u\"", entry->log, entry->subject);
	intact = intact && has(at, end, &text);
	td_buf_fini(&text);
	return intact;
}

static bool read_place(const char *at, const char *end, struct sim_store_entry *entry)
{
	const char *subject = memmem(at, (size_t)(end - at), "\"subject\":\"l", 12);
	char *rest;

	if (subject == NULL)
		return false;
	entry->log = (uint32_t)strtoul(subject + 12, &rest, 10);
	if (strncmp(rest, ".s", 2) != 0)
		return false;
	entry->subject = (uint32_t)strtoul(rest + 2, NULL, 10);
	return true;
}

static void read_event(struct run *run, const char *at, const char *end, struct seen *seen)
{
	struct sim_store_event event = {0};
	struct sim_store_entry entry = {0};

	if (!find_number(at, end, "\"id\":", &entry.key) ||
		!find_number(at, end, "\"v\":", &entry.value) || !read_place(at, end, &entry) ||
		!find_number(at, end, "\"tdseq\":", &event.seq) ||
		!find_number(at, end, "\"tdrevision\":", &event.revision) ||
		!find_number(at, end, "\"tdposition\":", &event.position)) {
		sim_fail(run->world, "no event of ours: %.*s", (int)(end - at), at);
		return;
	}
	event.log = entry.log;
	event.subject = entry.subject;
	event.value = entry.value;
	event.intact = is_intact(run, at, end, &entry);
	td_buf_add(&seen->events, &event, sizeof(event));
}

void sim_serve_read_events(struct run *run, struct td_text json, struct seen *seen)
{
	const char *at = json.at, *end = at + json.len, *object_end;

	while (json.len > 0 && (at = next_object(at, end, &object_end)) != NULL) {
		read_event(run, at, object_end, seen);
		at = object_end;
	}
}
