#include "wire/nats/parse.h"

#include "base/base.h"

#define BLANKS_MAX    64 /* before arguments, behind what the limit counts */
#define ARGUMENTS_MAX 4
#define SIZE_DIGITS   9

/* A line, from behind its verb on. */
struct line {
	const char *at;   /* the first argument */
	const char *end;  /* of what there is; or as far as a line may go, then it is `full` */
	const char *next; /* what follows the LF */
	bool full;
	unsigned count; /* of arguments; ARGUMENTS_MAX + 1: too many */
	struct td_text arguments[ARGUMENTS_MAX];
};

static enum td_nats_parsed more(struct td_nats_command *command, size_t bytes)
{
	command->bytes = bytes;
	return TD_NATS_MORE;
}

__attribute__((cold)) static enum td_nats_parsed wrong(
	struct td_nats_command *command, enum td_nats_error error)
{
	command->error = error;
	return TD_NATS_WRONG;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* --- lines -------------------------------------------------------------------------------- */

#define EACH(byte) (0x0101010101010101u * (byte))

/* A high bit for each of the eight bytes that is at most a blank. */
static uint64_t low_bytes(const char *at)
{
	uint64_t word = td_le64_get(at);

	return ~(((word & EACH(0x7F)) + EACH(0x5F)) | word) & EACH(0x80);
}

/* The first blank, tab, CR or LF; `end` if there is none. */
static const char *argument_end(const char *at, const char *end)
{
	for (;;) {
		if (TD_LIKELY(end - at >= 8)) {
			uint64_t low = low_bytes(at);

			if (low == 0) {
				at += 8;
				continue;
			}
			at += (unsigned)__builtin_ctzll(low) / 8;
		}
		if (at == end || is_blank(*at) || *at == '\r' || *at == '\n')
			return at;
		at++;
	}
}

/* What there is of the line ends at `end`, and it is no whole line. */
static enum td_nats_parsed unfinished(
	const struct line *line, const char *bytes, struct td_nats_command *command)
{
	if (line->full)
		return wrong(command, TD_NATS_E_LINE_LONG);
	return more(command, (size_t)(line->end - bytes) + 1);
}

/* COMMAND: the line is whole, its arguments found. */
static enum td_nats_parsed read_line(
	struct line *line, const char *bytes, uint32_t line_max, struct td_nats_command *command)
{
	const char *at = line->at, *end = line->end;

	while (at < end && is_blank(*at))
		at++;
	line->at = at;
	line->count = 0;
	for (;;) {
		const char *start = at;

		at = argument_end(at, end);
		if (at > start && line->count < ARGUMENTS_MAX)
			line->arguments[line->count] = td_text_of(start, (size_t)(at - start));
		if (at > start && line->count <= ARGUMENTS_MAX)
			line->count++;
		if (at == end)
			return unfinished(line, bytes, command);
		if (!is_blank(*at))
			break;
		at++;
	}
	line->next = at + 1;
	if (*at == '\r') {
		if (at + 1 == end)
			return unfinished(line, bytes, command);
		if (at[1] != '\n')
			return wrong(command, TD_NATS_E_CR);
		line->next++;
	}
	if (at - line->at > line_max)
		return wrong(command, TD_NATS_E_LINE_LONG);
	return TD_NATS_COMMAND;
}

/* The same without arguments: all up to the CRLF is one text. */
static enum td_nats_parsed read_rest(struct line *line, const char *bytes, uint32_t line_max,
	struct td_nats_command *command, struct td_text *rest)
{
	const char *lf;

	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	lf = memchr(line->at, '\n', (size_t)(line->end - line->at));
	if (lf == NULL)
		return unfinished(line, bytes, command);
	line->next = lf + 1;
	if (lf > line->at && lf[-1] == '\r')
		lf--;
	if (lf - line->at > line_max)
		return wrong(command, TD_NATS_E_LINE_LONG);
	*rest = td_text_of(line->at, (size_t)(lf - line->at));
	return TD_NATS_COMMAND;
}

/* One to nine digits. */
static bool read_size(struct td_text text, uint32_t *size)
{
	uint32_t value = 0;

	if (text.len > SIZE_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*size = value;
	return true;
}

/* --- verbs -------------------------------------------------------------------------------- */

/* Headers and payload, and the CRLF behind them. */
static enum td_nats_parsed take_payload(const char *at, uint32_t headers, uint32_t size,
	const char *bytes, size_t len, struct td_nats_command *command)
{
	size_t before = (size_t)(at - bytes), there = len - before;

	command->payload = td_text_of(at + headers, size - headers);
	command->bytes = before + size + 2;
	if (TD_LIKELY(there >= (size_t)size + 2))
		return TD_LIKELY(at[size] == '\r' && at[size + 1] == '\n')
			       ? TD_NATS_COMMAND
			       : wrong(command, TD_NATS_E_PAYLOAD_END);
	if (there > size && at[size] != '\r')
		return wrong(command, TD_NATS_E_PAYLOAD_END);
	return TD_NATS_MORE;
}

static enum td_nats_parsed pub(const struct td_nats_limits *limits, struct line *line,
	const char *bytes, size_t len, struct td_nats_command *command)
{
	enum td_nats_parsed parsed = read_line(line, bytes, limits->control_line_max, command);
	const struct td_text *arguments = line->arguments;
	uint32_t size;

	if (parsed != TD_NATS_COMMAND)
		return parsed;
	if (line->count != 2 && line->count != 3)
		return wrong(command, TD_NATS_E_ARGUMENTS);
	if (!read_size(arguments[line->count - 1], &size))
		return wrong(command, TD_NATS_E_SIZE);
	if (size > limits->payload_max)
		return wrong(command, TD_NATS_E_PAYLOAD_LONG);
	command->verb = TD_NATS_PUB;
	command->subject = arguments[0];
	command->reply = line->count == 3 ? arguments[1] : td_text_of(NULL, 0);
	command->headers = td_text_of(NULL, 0);
	return take_payload(line->next, 0, size, bytes, len, command);
}

static enum td_nats_parsed hpub(const struct td_nats_limits *limits, struct line *line,
	const char *bytes, size_t len, struct td_nats_command *command)
{
	enum td_nats_parsed parsed = read_line(line, bytes, limits->control_line_max, command);
	const struct td_text *arguments = line->arguments;
	uint32_t headers, size;

	if (parsed != TD_NATS_COMMAND)
		return parsed;
	if (!limits->headers)
		return wrong(command, TD_NATS_E_NO_HEADERS);
	if (line->count != 3 && line->count != 4)
		return wrong(command, TD_NATS_E_ARGUMENTS);
	if (!read_size(arguments[line->count - 2], &headers) ||
		!read_size(arguments[line->count - 1], &size))
		return wrong(command, TD_NATS_E_SIZE);
	if (headers > size)
		return wrong(command, TD_NATS_E_HEADER_SIZE);
	if (size > limits->payload_max)
		return wrong(command, TD_NATS_E_PAYLOAD_LONG);
	command->verb = TD_NATS_HPUB;
	command->subject = arguments[0];
	command->reply = line->count == 4 ? arguments[1] : td_text_of(NULL, 0);
	command->headers = td_text_of(line->next, headers);
	return take_payload(line->next, headers, size, bytes, len, command);
}

static enum td_nats_parsed sub(const struct td_nats_limits *limits, struct line *line,
	const char *bytes, struct td_nats_command *command)
{
	enum td_nats_parsed parsed = read_line(line, bytes, limits->control_line_max, command);

	if (parsed != TD_NATS_COMMAND)
		return parsed;
	if (line->count != 2 && line->count != 3)
		return wrong(command, TD_NATS_E_ARGUMENTS);
	command->subject = line->arguments[0];
	command->queue = line->count == 3 ? line->arguments[1] : td_text_of(NULL, 0);
	command->sid = line->arguments[line->count - 1];
	command->bytes = (size_t)(line->next - bytes);
	return TD_NATS_COMMAND;
}

static enum td_nats_parsed unsub(const struct td_nats_limits *limits, struct line *line,
	const char *bytes, struct td_nats_command *command)
{
	enum td_nats_parsed parsed = read_line(line, bytes, limits->control_line_max, command);

	if (parsed != TD_NATS_COMMAND)
		return parsed;
	if (line->count != 1 && line->count != 2)
		return wrong(command, TD_NATS_E_ARGUMENTS);
	command->sid = line->arguments[0];
	command->max = 0;
	if (line->count == 2 && !read_size(line->arguments[1], &command->max))
		command->max = 0; /* what is no number ends it now, in nats-server too */
	command->bytes = (size_t)(line->next - bytes);
	return TD_NATS_COMMAND;
}

/* CONNECT, PING, PONG. */
static enum td_nats_parsed rest(const struct td_nats_limits *limits, struct line *line,
	const char *bytes, struct td_nats_command *command)
{
	enum td_nats_parsed parsed =
		read_rest(line, bytes, limits->control_line_max, command, &command->options);

	if (parsed == TD_NATS_COMMAND)
		command->bytes = (size_t)(line->next - bytes);
	return parsed;
}

static const struct {
	char name[8];
	uint8_t len;
	bool blank; /* must follow */
} verbs[] = {
	[TD_NATS_CONNECT] = {"connect", 7, false},
	[TD_NATS_PUB] = {"pub", 3, true},
	[TD_NATS_HPUB] = {"hpub", 4, true},
	[TD_NATS_SUB] = {"sub", 3, true},
	[TD_NATS_UNSUB] = {"unsub", 5, true},
	[TD_NATS_PING] = {"ping", 4, false},
	[TD_NATS_PONG] = {"pong", 4, false},
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* COMMAND: command->verb, *taken with the blank behind it. */
static enum td_nats_parsed find_verb(
	const char *bytes, size_t len, struct td_nats_command *command, size_t *taken)
{
	for (unsigned verb = 0; verb < VERBS; verb++) {
		size_t n = verbs[verb].len, i = 0;

		while (i < n && i < len && (bytes[i] | 0x20) == verbs[verb].name[i])
			i++;
		if (i == len && i < n + verbs[verb].blank)
			return more(command, len + 1);
		if (i < n)
			continue;
		if (verbs[verb].blank && !is_blank(bytes[n]))
			break;
		command->verb = (enum td_nats_verb)verb;
		*taken = n + verbs[verb].blank;
		return TD_NATS_COMMAND;
	}
	return wrong(command, TD_NATS_E_UNKNOWN);
}

static void begin(struct line *line, const struct td_nats_limits *limits, const char *bytes,
	size_t len, size_t taken)
{
	size_t most = taken + BLANKS_MAX + (size_t)limits->control_line_max + 2;

	line->at = bytes + taken;
	line->full = len >= most;
	line->end = bytes + (line->full ? most : len);
}

/* "pub " as a little-endian number of four bytes, in small letters. */
#define PUB_WORD 0x20627570u

enum td_nats_parsed td_nats_parse(const struct td_nats_limits *limits, const char *bytes,
	size_t len, struct td_nats_command *command)
{
	enum td_nats_parsed parsed;
	struct line line;
	size_t taken;

	if (len >= 4 && (td_le32_get(bytes) | 0x00202020u) == PUB_WORD) {
		begin(&line, limits, bytes, len, 4);
		return pub(limits, &line, bytes, len, command);
	}
	parsed = find_verb(bytes, len, command, &taken);
	if (parsed != TD_NATS_COMMAND)
		return parsed;
	begin(&line, limits, bytes, len, taken);
	switch (command->verb) {
	case TD_NATS_PUB:
		return pub(limits, &line, bytes, len, command);
	case TD_NATS_HPUB:
		return hpub(limits, &line, bytes, len, command);
	case TD_NATS_SUB:
		return sub(limits, &line, bytes, command);
	case TD_NATS_UNSUB:
		return unsub(limits, &line, bytes, command);
	case TD_NATS_CONNECT:
	case TD_NATS_PING:
	case TD_NATS_PONG:
		break;
	}
	return rest(limits, &line, bytes, command);
}
