/*
 * What the entries of a simulated world say. All of it follows from value, log, subject and key, so
 * whoever reads an event back knows what every byte of it must be.
 */
#ifndef SIM_STORE_CONTENT_H
#define SIM_STORE_CONTENT_H

#include "history.h"
#include "store/store.h"

#define SIM_STORE_PAYLOAD_MAX  6000
#define SIM_STORE_NUMBER_BYTES 21
/* What each payload that is to be sealed begins with, and no file may have. */
#define SIM_STORE_PLAIN "for no eye but theirs: "

struct sim_store_content {
	struct td_text address, type, headers, payload, key[2];
	char address_at[64], type_at[16], headers_at[256], key_at[48];
	char payload_at[sizeof(SIM_STORE_PLAIN) + SIM_STORE_PAYLOAD_MAX + SIM_STORE_NUMBER_BYTES];
};

/* The name of the log that has an area, where there is one: 0 is `events`. */
struct td_text sim_store_log_name(uint32_t area);
/* The pattern of what it claims. */
struct td_text sim_store_log_pattern(uint32_t area);
/* payload_max: at most SIM_STORE_PAYLOAD_MAX. */
void sim_store_content(
	struct sim_store_content *content, const struct sim_store_entry *entry, size_t payload_max);
/* The value, subject and key of a stored event; false if it is none of ours. */
bool sim_store_content_read(const struct td_stored *stored, struct sim_store_entry *entry);

#endif
