#include "store/record.h"

/* --- event -------------------------------------------------------------------------------- */

#define EVENT_FLAGS (TD_EVENT_IMPORTED | TD_EVENT_SEALED | TD_EVENT_HEADLESS | TD_EVENT_FURTHER)

void td_event_record_head(const struct td_event_record *record, uint8_t head[TD_EVENT_FIXED_BYTES])
{
	head[0] = TD_RECORD_EVENT;
	head[1] = (uint8_t)record->flags;
	td_le16_put(head + 2, (uint16_t)record->address.len);
	td_le32_put(head + 4, record->log);
	td_le64_put(head + 8, record->seq);
	td_le64_put(head + 16, record->revision);
	td_le64_put(head + 24, record->prev);
	td_le64_put(head + 32, (uint64_t)record->time);
	td_le16_put(head + 40, (uint16_t)record->type.len);
	td_le16_put(head + 42, (uint16_t)record->server.len);
	td_le32_put(head + 44, (uint32_t)record->headers.len);
}

static struct td_text take(struct td_text *rest, size_t len)
{
	struct td_text taken = td_text_of(rest->at, len);

	*rest = td_text_of(rest->at + len, rest->len - len);
	return taken;
}

static bool are_zero(struct td_text body, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (body.at[i] != 0)
			return false;
	}
	return true;
}

static bool is_key(uint64_t number)
{
	return number > 0 && number <= TD_KEY_NUMBER_MAX;
}

static const char *event_check(const struct td_event_record *record)
{
	if (record->log == 0 || record->seq == 0 || record->revision == 0)
		return "log, seq or revision is 0";
	if (record->prev >= record->seq)
		return "follows one that comes later";
	if ((record->flags & ~(unsigned)EVENT_FLAGS) != 0)
		return "unknown flags";
	if ((record->flags & TD_EVENT_SEALED) != 0) {
		if (record->payload.len < TD_SEAL_BYTES)
			return "a sealed payload shorter than its seal";
		if (!is_key(td_le64_get(record->payload.at)))
			return "sealed with a key that cannot be";
	}
	if ((record->flags & TD_EVENT_HEADLESS) != 0 && record->headers.len > 0)
		return "a header block where there is none";
	return td_server_check(record->server) ? NULL : "a malformed server block";
}

const char *td_event_record_read(struct td_event_record *record, struct td_text body)
{
	const char *head = body.at, *wrong;
	size_t address, type, server, headers;
	struct td_text rest;

	if (body.len < TD_EVENT_FIXED_BYTES || head[0] != TD_RECORD_EVENT)
		return "shorter than its fixed part";
	address = td_le16_get(head + 2);
	type = td_le16_get(head + 40);
	server = td_le16_get(head + 42);
	headers = td_le32_get(head + 44);
	rest = td_text_of(head + TD_EVENT_FIXED_BYTES, body.len - TD_EVENT_FIXED_BYTES);
	if (address == 0 || address > TD_ADDRESS_BYTES_MAX || type > TD_TYPE_BYTES_MAX ||
		server > TD_SERVER_BYTES_MAX || headers > TD_HEADER_BYTES_MAX)
		return "a length beyond its limit";
	if (address + type + server + headers > rest.len)
		return "shorter than its parts";
	record->flags = (uint8_t)head[1];
	record->log = td_le32_get(head + 4);
	record->seq = td_le64_get(head + 8);
	record->revision = td_le64_get(head + 16);
	record->prev = td_le64_get(head + 24);
	record->time = (td_time)td_le64_get(head + 32);
	record->address = take(&rest, address);
	record->type = take(&rest, type);
	record->server = take(&rest, server);
	record->headers = take(&rest, headers);
	record->payload = rest;
	wrong = event_check(record);
	if ((record->flags & TD_EVENT_HEADLESS) != 0)
		record->headers.at = NULL;
	return wrong;
}

/* --- the server block --------------------------------------------------------------------- */

void td_server_add(struct td_buf *buf, enum td_server_key key, struct td_text value)
{
	uint8_t head[3] = {(uint8_t)key};

	if (value.at == NULL)
		return;
	TD_ASSERT(value.len <= TD_ATTRIBUTE_BYTES_MAX);
	td_le16_put(head + 1, (uint16_t)value.len);
	td_buf_add(buf, head, sizeof(head));
	td_buf_add_text(buf, value);
}

/* One item; false: none that is whole. */
static bool server_next(struct td_text *rest, unsigned *key, struct td_text *value)
{
	if (rest->len < 3)
		return false;
	*key = (uint8_t)rest->at[0];
	*value = td_text_of(rest->at + 3, td_le16_get(rest->at + 1));
	if (value->len > rest->len - 3)
		return false;
	take(rest, 3 + value->len);
	return true;
}

struct td_text td_server_get(struct td_text server, enum td_server_key key)
{
	struct td_text value;
	unsigned found;

	while (server_next(&server, &found, &value)) {
		if (found == key)
			return value;
	}
	return td_text(NULL);
}

bool td_server_check(struct td_text server)
{
	struct td_text value;
	unsigned last = 0, key;

	if (server.len > TD_SERVER_BYTES_MAX)
		return false;
	while (server_next(&server, &key, &value)) {
		if (key <= last || value.len > TD_ATTRIBUTE_BYTES_MAX)
			return false;
		last = key;
	}
	return server.len == 0;
}

/* --- removal ------------------------------------------------------------------------------ */

void td_removal_record_head(
	const struct td_removal_record *record, uint8_t head[TD_REMOVAL_FIXED_BYTES])
{
	memset(head, 0, TD_REMOVAL_FIXED_BYTES);
	head[0] = TD_RECORD_REMOVAL;
	head[1] = record->erase;
	head[2] = (uint8_t)record->rule.len;
	td_le32_put(head + 4, record->log);
	td_le64_put(head + 8, record->count);
	td_le64_put(head + 16, record->last_seq);
}

void td_ranges_add(struct td_buf *buf, uint64_t *next, struct td_range range)
{
	uint8_t bytes[2 * TD_VARINT_BYTES];
	size_t n = td_varint_put(bytes, range.from - *next);

	TD_ASSERT(range.from >= *next && range.count > 0);
	n += td_varint_put(bytes + n, range.count);
	td_buf_add(buf, bytes, n);
	*next = range.from + range.count;
}

bool td_ranges_next(struct td_ranges *ranges, struct td_range *range)
{
	const uint8_t *at = (const uint8_t *)ranges->rest.at;
	uint64_t gap, count;
	size_t n = td_varint_get(at, ranges->rest.len, &gap), m;

	if (n == 0)
		return false;
	m = td_varint_get(at + n, ranges->rest.len - n, &count);
	if (m == 0 || count == 0 || gap > UINT64_MAX - ranges->next ||
		count > UINT64_MAX - ranges->next - gap)
		return false;
	*range = (struct td_range){ranges->next + gap, count};
	ranges->next = range->from + count;
	take(&ranges->rest, n + m);
	return true;
}

const char *td_removal_record_read(struct td_removal_record *record, struct td_text body)
{
	struct td_text rest = body;
	struct td_ranges ranges = {0};
	struct td_range range;
	uint64_t count = 0;
	size_t rule;

	if (body.len < TD_REMOVAL_FIXED_BYTES || body.at[0] != TD_RECORD_REMOVAL)
		return "shorter than its fixed part";
	rule = (uint8_t)body.at[2];
	if (rule > TD_RULE_BYTES_MAX || rule > body.len - TD_REMOVAL_FIXED_BYTES)
		return "a rule beyond its limit";
	if ((uint8_t)body.at[1] > 1 || !are_zero(body, 3, 4))
		return "unknown flags";
	record->erase = body.at[1] != 0;
	record->log = td_le32_get(body.at + 4);
	record->count = td_le64_get(body.at + 8);
	record->last_seq = td_le64_get(body.at + 16);
	take(&rest, TD_REMOVAL_FIXED_BYTES);
	record->rule = take(&rest, rule);
	record->ranges = ranges.rest = rest;
	while (td_ranges_next(&ranges, &range)) {
		if (range.count > UINT64_MAX - count)
			return "more than can be";
		count += range.count;
	}
	if (ranges.rest.len > 0)
		return "a malformed range";
	return count == record->count && record->log > 0 ? NULL : "another count than it says";
}

/* --- tops --------------------------------------------------------------------------------- */

void td_tops_record_head(uint32_t log, uint8_t head[TD_TOPS_FIXED_BYTES])
{
	memset(head, 0, TD_TOPS_FIXED_BYTES);
	head[0] = TD_RECORD_TOPS;
	td_le32_put(head + 4, log);
}

void td_top_put(const struct td_top *top, uint8_t bytes[TD_TOP_BYTES])
{
	td_le64_put(bytes, top->hash);
	td_le64_put(bytes + 8, top->seq);
	td_le64_put(bytes + 16, top->revision);
}

void td_top_get(struct td_top *top, const char *bytes)
{
	top->hash = td_le64_get(bytes);
	top->seq = td_le64_get(bytes + 8);
	top->revision = td_le64_get(bytes + 16);
	top->log = 0;
}

const char *td_tops_record_read(uint32_t *log, struct td_text *tops, struct td_text body)
{
	if (body.len < TD_TOPS_FIXED_BYTES || body.at[0] != TD_RECORD_TOPS)
		return "shorter than its fixed part";
	if (!are_zero(body, 1, 4))
		return "unknown flags";
	*log = td_le32_get(body.at + 4);
	*tops = td_text_of(body.at + TD_TOPS_FIXED_BYTES, body.len - TD_TOPS_FIXED_BYTES);
	return tops->len % TD_TOP_BYTES == 0 ? NULL : "not a whole number of tops";
}

/* --- keys --------------------------------------------------------------------------------- */

void td_keys_record_head(uint8_t head[TD_KEYS_FIXED_BYTES])
{
	memset(head, 0, TD_KEYS_FIXED_BYTES);
	head[0] = TD_RECORD_KEYS;
}

void td_key_given_put(const struct td_key_given *given, uint8_t bytes[TD_KEY_GIVEN_BYTES])
{
	td_le64_put(bytes, given->log);
	td_le64_put(bytes + 8, given->hash);
	td_le64_put(bytes + 16, given->number);
}

void td_key_given_get(struct td_key_given *given, const char *bytes)
{
	given->log = td_le32_get(bytes);
	given->hash = td_le64_get(bytes + 8);
	given->number = td_le64_get(bytes + 16);
}

const char *td_keys_record_read(struct td_text *items, struct td_text body)
{
	if (body.len < TD_KEYS_FIXED_BYTES || body.at[0] != TD_RECORD_KEYS)
		return "shorter than its fixed part";
	if (!are_zero(body, 1, TD_KEYS_FIXED_BYTES))
		return "unknown flags";
	*items = td_text_of(body.at + TD_KEYS_FIXED_BYTES, body.len - TD_KEYS_FIXED_BYTES);
	if (items->len == 0 || items->len % TD_KEY_GIVEN_BYTES != 0)
		return "not a whole number of keys";
	for (size_t i = 0; i < items->len; i += TD_KEY_GIVEN_BYTES) {
		struct td_key_given given;

		td_key_given_get(&given, items->at + i);
		if (!is_key(given.number) || !are_zero(*items, i + 4, i + 8) ||
			(given.log == 0 && given.hash != 0))
			return "a key that cannot be";
	}
	return NULL;
}

/* --- known -------------------------------------------------------------------------------- */

void td_known_record_head(uint32_t log, uint8_t head[TD_KNOWN_FIXED_BYTES])
{
	memset(head, 0, TD_KNOWN_FIXED_BYTES);
	head[0] = TD_RECORD_KNOWN;
	td_le32_put(head + 4, log);
}

void td_known_put(const struct td_known *known, uint8_t bytes[TD_KNOWN_BYTES])
{
	td_le64_put(bytes, known->key);
	td_le64_put(bytes + 8, known->position);
	td_le64_put(bytes + 16, known->append);
	td_le64_put(bytes + 24, known->seq);
	td_le64_put(bytes + 32, known->revision);
	td_le64_put(bytes + 40, (uint64_t)known->time);
}

void td_known_get(struct td_known *known, const char *bytes)
{
	known->key = td_le64_get(bytes);
	known->position = td_le64_get(bytes + 8);
	known->append = td_le64_get(bytes + 16);
	known->seq = td_le64_get(bytes + 24);
	known->revision = td_le64_get(bytes + 32);
	known->time = (td_time)td_le64_get(bytes + 40);
}

const char *td_known_record_read(uint32_t *log, struct td_text *items, struct td_text body)
{
	struct td_known known;

	if (body.len < TD_KNOWN_FIXED_BYTES || body.at[0] != TD_RECORD_KNOWN)
		return "shorter than its fixed part";
	if (!are_zero(body, 1, 4))
		return "unknown flags";
	*log = td_le32_get(body.at + 4);
	*items = td_text_of(body.at + TD_KNOWN_FIXED_BYTES, body.len - TD_KNOWN_FIXED_BYTES);
	if (items->len % TD_KNOWN_BYTES != 0)
		return "not a whole number of items";
	for (size_t i = 0; i < items->len; i += TD_KNOWN_BYTES) {
		td_known_get(&known, items->at + i);
		if (known.key == 0 || known.seq == 0 || known.position == 0)
			return "an item without key, seq or position";
	}
	return NULL;
}

/* --- note, store -------------------------------------------------------------------------- */

void td_note_record_head(uint32_t owner, uint8_t head[TD_NOTE_FIXED_BYTES])
{
	memset(head, 0, TD_NOTE_FIXED_BYTES);
	head[0] = TD_RECORD_NOTE;
	td_le32_put(head + 4, owner);
}

const char *td_note_record_read(uint32_t *owner, struct td_text *bytes, struct td_text body)
{
	if (body.len < TD_NOTE_FIXED_BYTES || body.at[0] != TD_RECORD_NOTE)
		return "shorter than its fixed part";
	if (!are_zero(body, 1, 4))
		return "unknown flags";
	*owner = td_le32_get(body.at + 4);
	*bytes = td_text_of(body.at + TD_NOTE_FIXED_BYTES, body.len - TD_NOTE_FIXED_BYTES);
	return NULL;
}

void td_loss_record_put(const struct td_loss_record *record, uint8_t body[TD_LOSS_RECORD_BYTES])
{
	memset(body, 0, TD_LOSS_RECORD_BYTES);
	body[0] = TD_RECORD_LOSS;
	td_le64_put(body + 8, record->from);
	td_le64_put(body + 16, record->to);
}

const char *td_loss_record_read(struct td_loss_record *record, struct td_text body)
{
	if (body.len != TD_LOSS_RECORD_BYTES || body.at[0] != TD_RECORD_LOSS)
		return "not as long as it should be";
	if (!are_zero(body, 1, 8))
		return "unknown flags";
	record->from = td_le64_get(body.at + 8);
	record->to = td_le64_get(body.at + 16);
	return record->from > 0 && record->from <= record->to ? NULL : "no positions";
}

void td_store_record_put(const struct td_store_record *record, uint8_t body[TD_STORE_RECORD_BYTES])
{
	memset(body, 0, TD_STORE_RECORD_BYTES);
	body[0] = TD_RECORD_STORE;
	td_le32_put(body + 4, record->version);
	td_le64_put(body + 8, record->seed);
}

const char *td_store_record_read(struct td_store_record *record, struct td_text body)
{
	if (body.len != TD_STORE_RECORD_BYTES || body.at[0] != TD_RECORD_STORE)
		return "not as long as it should be";
	if (!are_zero(body, 1, 4) || !are_zero(body, 16, TD_STORE_RECORD_BYTES))
		return "unknown flags";
	record->version = td_le32_get(body.at + 4);
	record->seed = td_le64_get(body.at + 8);
	return record->version == 1 ? NULL : "of a newer version";
}
