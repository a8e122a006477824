/*
 * HOST:PORT of a flag or a configuration. What is read is written as a text that is read the same.
 */
#include <stdint.h>

#include "sys/sys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_net_address address, again;
	struct td_error err = TD_ERROR_INIT;
	char text[TD_NET_ADDRESS_BYTES], twice[TD_NET_ADDRESS_BYTES];

	if (td_net_address_parse(td_text_of(data, size), &address, &err) != 0) {
		TD_ASSERT(err.code == TD_E_INVALID && err.text[0] != '\0');
		return 0;
	}
	td_net_address_format(&address, text);
	TD_ASSERT(td_net_address_parse(td_text(text), &again, NULL) == 0);
	td_net_address_format(&again, twice);
	TD_ASSERT(strcmp(text, twice) == 0);
	TD_ASSERT(address.family == again.family && address.port == again.port);
	TD_ASSERT(memcmp(address.bytes, again.bytes, sizeof(again.bytes)) == 0);
	TD_ASSERT(td_net_address_is_loopback(&address) == td_net_address_is_loopback(&again));
	return 0;
}
