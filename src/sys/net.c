/*
 * Addresses: text and back. Numbers only, so nothing is asked of anybody.
 */
#include "sys/net.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/base.h"

static int wrong(struct td_text text, const char *what, struct td_error *err)
{
	return td_error_set(
		err, TD_E_INVALID, TD_NO_OFFSET, "address %.*s: %s", TD_TEXT_ARG(text), what);
}

/* Behind the last colon: one to five digits, at most 65535. */
static bool read_port(struct td_text digits, uint16_t *port)
{
	uint32_t value = 0;

	if (digits.len == 0 || digits.len > 5)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(digits.at[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static bool read_host(struct td_text host, struct td_net_address *address)
{
	char name[INET6_ADDRSTRLEN];

	if (td_text_is(host, "localhost"))
		host = td_text("127.0.0.1");
	else if (td_text_is(host, "*"))
		host = td_text("0.0.0.0");
	address->family = 4;
	if (host.len > 1 && host.at[0] == '[' && host.at[host.len - 1] == ']') {
		address->family = 6;
		host = td_text_of(host.at + 1, host.len - 2);
	}
	if (host.len >= sizeof(name) || memchr(host.at, '\0', host.len) != NULL)
		return false;
	td_text_copy(host, name, sizeof(name));
	return inet_pton(address->family == 4 ? AF_INET : AF_INET6, name, address->bytes) == 1;
}

int td_net_address_parse(struct td_text text, struct td_net_address *address, struct td_error *err)
{
	const char *colon = text.len > 0 ? memrchr(text.at, ':', text.len) : NULL;
	struct td_net_address read = {0};
	size_t len;

	if (colon == NULL)
		return wrong(text, "HOST:PORT is needed", err);
	len = (size_t)(colon - text.at);
	if (!read_port(td_text_of(colon + 1, text.len - len - 1), &read.port))
		return wrong(text, "a port is a number from 0 to 65535", err);
	if (!read_host(td_text_of(text.at, len), &read))
		return wrong(text,
			"a host is an IPv4 address, an IPv6 address in brackets, "
			"localhost, or * for all",
			err);
	*address = read;
	return 0;
}

char *td_net_address_format(const struct td_net_address *address, char out[TD_NET_ADDRESS_BYTES])
{
	char host[INET6_ADDRSTRLEN] = "?", scope[12] = "";
	bool six = address->family == 6;

	if (address->family != 0)
		inet_ntop(six ? AF_INET6 : AF_INET, address->bytes, host, sizeof(host));
	if (six && address->scope != 0)
		snprintf(scope, sizeof(scope), "%%%u", address->scope);
	snprintf(out, TD_NET_ADDRESS_BYTES, "%s%s%s%s:%u", six ? "[" : "", host, scope,
		six ? "]" : "", address->port);
	return out;
}

bool td_net_address_is_loopback(const struct td_net_address *address)
{
	static const uint8_t one[16] = {[15] = 1}, mapped[12] = {[10] = 0xFF, [11] = 0xFF};

	if (address->family == 4)
		return address->bytes[0] == 127;
	if (address->family != 6)
		return false;
	if (memcmp(address->bytes, mapped, sizeof(mapped)) == 0)
		return address->bytes[12] == 127;
	return memcmp(address->bytes, one, sizeof(one)) == 0;
}
