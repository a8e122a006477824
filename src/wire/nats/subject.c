#include "wire/nats/subject.h"

static bool is_forbidden(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\0';
}

static bool is_valid(struct td_text subject, bool wildcards)
{
	const char *at = subject.at, *end = at + subject.len, *token = at;

	for (;; at++) {
		if (at < end && *at != '.') {
			if (is_forbidden(*at))
				return false;
			continue;
		}
		if (at == token)
			return false;
		if (at == token + 1 && (*token == '*' || *token == '>') &&
			(!wildcards || (*token == '>' && at < end)))
			return false;
		if (at == end)
			return true;
		token = at + 1;
	}
}

bool td_nats_is_literal(struct td_text subject)
{
	return subject.at != NULL && is_valid(subject, false);
}

bool td_nats_is_pattern(struct td_text subject)
{
	return subject.at != NULL && is_valid(subject, true);
}
