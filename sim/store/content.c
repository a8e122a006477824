#include "content.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"events", "log1", "log2", "log3"};
static const char *const patterns[] = {"", "l1.>", "l2.>", "l3.*"};

#define LOGS (sizeof(names) / sizeof(names[0]))

struct td_text sim_store_log_name(uint32_t area)
{
	TD_ASSERT(area < LOGS);
	return td_text(names[area]);
}

struct td_text sim_store_log_pattern(uint32_t area)
{
	TD_ASSERT(area > 0 && area < LOGS);
	return td_text(patterns[area]);
}

/* Payloads are of every size, and some of nothing but zeros, which is the hardest for a disk. */
static size_t fill_payload(char *at, uint64_t value, size_t max)
{
	uint64_t dice = td_hash_u64(value * 2 + 1);
	size_t len = dice % 4 == 0 ? dice / 4 % (max + 1) : dice / 4 % (max / 16 + 1);
	unsigned look = dice >> 40 & 3;

	for (size_t i = 0; i < len; i++)
		at[i] = look == 0 ? 0 : (char)(look == 1 ? 'x' : td_hash_u64(dice + i));
	return len;
}

static struct td_text printed(char *at, int len)
{
	return td_text_of(at, (size_t)len);
}

void sim_store_content(
	struct sim_store_content *content, const struct sim_store_entry *entry, size_t payload_max)
{
	content->address = printed(content->address_at,
		snprintf(content->address_at, sizeof(content->address_at), "l%u.s%u",
			sim_store_area(entry->subject), entry->subject & 255));
	content->type =
		printed(content->type_at, snprintf(content->type_at, sizeof(content->type_at),
						  "Type%u", (unsigned)(entry->value % 5)));
	content->headers = printed(content->headers_at,
		snprintf(content->headers_at, sizeof(content->headers_at),
			"NATS/1.0\r\nce-id: %" PRIu64 "\r\nce-source: sim\r\nce-type: Type%u\r\n",
			entry->value, (unsigned)(entry->value % 5)));
	content->headers.len += (size_t)snprintf(content->headers_at + content->headers.len,
		sizeof(content->headers_at) - content->headers.len,
		entry->key != 0 ? "Nats-Msg-Id: %" PRIu64 "\r\n\r\n" : "\r\n", entry->key);
	content->payload = entry->sealed
				   ? printed(content->payload_at,
					     snprintf(content->payload_at,
						     sizeof(content->payload_at), SIM_STORE_PLAIN))
				   : td_text_of(content->payload_at, 0);
	content->payload.len +=
		fill_payload(content->payload_at + content->payload.len, entry->value, payload_max);
	content->key[0] = content->key[1] = (struct td_text){NULL, 0};
	if (entry->key == 0)
		return;
	content->key[0] = printed(content->key_at,
		snprintf(content->key_at, sizeof(content->key_at), "%" PRIu64, entry->key));
	/* Two values under one key are never the same content. */
	content->payload.len += (size_t)snprintf(content->payload_at + content->payload.len,
		SIM_STORE_NUMBER_BYTES, "%" PRIu64, entry->value);
}

bool sim_store_content_read(const struct td_stored *stored, struct sim_store_entry *entry)
{
	char address[64], headers[256];
	const char *key, *id;
	uint32_t area;
	char *at;

	if (stored->address.len >= sizeof(address) || stored->headers.len >= sizeof(headers))
		return false;
	memcpy(address, stored->address.at, stored->address.len);
	address[stored->address.len] = 0;
	memcpy(headers, stored->headers.at, stored->headers.len);
	headers[stored->headers.len] = 0;
	key = strstr(headers, "Nats-Msg-Id: ");
	if (key != NULL)
		entry->key = strtoull(key + strlen("Nats-Msg-Id: "), NULL, 10);
	id = strstr(headers, "ce-id: ");
	if (id == NULL || address[0] != 'l')
		return false;
	entry->value = strtoull(id + strlen("ce-id: "), NULL, 10);
	area = (uint32_t)strtoul(address + 1, &at, 10);
	if (strncmp(at, ".s", 2) != 0)
		return false;
	entry->subject = sim_store_subject(area, (uint32_t)strtoul(at + 2, &at, 10));
	return *at == 0;
}
