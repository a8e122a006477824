#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

#include "base/base.h"
#include "json/json.h"

static const char *const colours[] = {
	"", "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[33m", "\033[36m"};

void td_cli_put(const struct td_cli *cli, enum td_cli_colour colour, const char *text)
{
	if (cli->colour && colour != TD_CLI_PLAIN)
		printf("%s%s\033[0m", colours[colour], text);
	else
		fputs(text, stdout);
}

/* What a terminal takes for more than a character: C0, DEL, C1, and what turns the order around. */
static bool moves(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069);
}

void td_cli_clean(struct td_buf *to, struct td_text text, size_t width)
{
	const char *at = text.at, *end = text.at + text.len;
	size_t shown = 0, three_before = to->len;

	while (at != NULL && at < end) {
		char bytes[4];
		uint32_t c = td_utf8_next(&at, end);

		if (width > 3 && shown == width - 3)
			three_before = to->len;
		if (width != 0 && shown == width) {
			if (width > 3) {
				to->len = three_before;
				td_buf_add_string(to, "...");
			}
			return;
		}
		if (c == '\t' || c == '\n' || c == '\r')
			c = ' ';
		else if (moves(c))
			c = '?';
		td_buf_add(to, bytes, td_utf8_put(bytes, c));
		shown++;
	}
}

/* --- numbers for people ------------------------------------------------------------------- */

static const char *ago(int64_t seconds, char text[TD_CLI_TIME_BYTES])
{
	const char *behind = seconds < 0 ? "from now" : "ago";
	int64_t s = seconds < 0 ? -seconds : seconds;

	if (s < 1)
		snprintf(text, TD_CLI_TIME_BYTES, "now");
	else if (s < 60)
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRId64 " s %s", s, behind);
	else if (s < 3600)
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRId64 " min %s", s / 60, behind);
	else if (s < 172800)
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRId64 " h %s", s / 3600, behind);
	else
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRId64 " days %s", s / 86400, behind);
	return text;
}

const char *td_cli_time(const struct td_cli *cli, td_time time, char text[TD_CLI_TIME_BYTES])
{
	if (time == 0)
		return td_text_copy(td_text("-"), text, TD_CLI_TIME_BYTES);
	if (cli->terminal)
		return ago((cli->now - time) / 1000000000, text);
	td_time_format(time, text);
	text[TD_TIME_BYTES] = '\0';
	return text;
}

const char *td_cli_size(const struct td_cli *cli, uint64_t bytes, char text[TD_CLI_TIME_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit < 6) {
		size /= 1024;
		unit++;
	}
	if (!cli->terminal)
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRIu64, bytes);
	else if (unit == 0)
		snprintf(text, TD_CLI_TIME_BYTES, "%" PRIu64 " B", bytes);
	else
		snprintf(text, TD_CLI_TIME_BYTES, "%.1f %s", size, units[unit]);
	return text;
}

const char *td_cli_count(const struct td_cli *cli, uint64_t count, char text[TD_CLI_TIME_BYTES])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = text;

	for (int i = 0; i < len; i++) {
		if (cli->terminal && i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

void td_cli_json(const char *text, unsigned long long len)
{
	putchar('"');
	for (unsigned long long i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7F)
			printf("\\u%04x", c); /* a byte each: what stands there need not be text */
		else
			putchar(c);
	}
	putchar('"');
}

void td_cli_json_string(const char *text)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);

	td_json_quote(&buf, td_text(text));
	if (td_buf_check(&buf, NULL) == 0)
		fwrite(buf.at, 1, buf.len, stdout);
	td_buf_fini(&buf);
}

/* --- progress ----------------------------------------------------------------------------- */

void td_cli_progress_begin(struct td_cli_progress *progress, const struct td_cli *cli,
	const char *what, const char *unit, uint64_t total)
{
	*progress = (struct td_cli_progress){.cli = cli,
		.what = what,
		.unit = unit,
		.total = total,
		.began_ms = td_cli_clock_ms()};
	progress->shown_ms = progress->began_ms + 400; /* the first after half a second */
}

void td_cli_progress_line(
	const struct td_cli_progress *progress, uint64_t done, int64_t ms, char *line, size_t bytes)
{
	uint64_t rate = ms > 0 ? done * 1000 / (uint64_t)ms : 0;
	size_t len;

	snprintf(line, bytes, "%s: %" PRIu64, progress->what, done);
	len = strlen(line);
	if (progress->total > 0) {
		snprintf(line + len, bytes - len, " of %" PRIu64 " %s, %" PRIu64 " %%",
			progress->total, progress->unit,
			done >= progress->total ? 100 : done * 100 / progress->total);
		len = strlen(line);
		snprintf(line + len, bytes - len, ", %" PRIu64 "/s", rate);
		len = strlen(line);
		if (rate > 0 && done < progress->total)
			snprintf(line + len, bytes - len, ", %" PRIu64 " s left",
				(progress->total - done + rate - 1) / rate);
		return;
	}
	snprintf(line + len, bytes - len, " %s, %" PRIu64 "/s", progress->unit, rate);
}

void td_cli_progress_at(struct td_cli_progress *progress, uint64_t done)
{
	int64_t now;
	char line[160];

	if (!progress->cli->err_terminal || progress->cli->json)
		return;
	now = td_cli_clock_ms();
	if (now - progress->shown_ms < 100)
		return;
	progress->shown_ms = now;
	progress->shown = true;
	td_cli_progress_line(progress, done, now - progress->began_ms, line, sizeof(line));
	fprintf(stderr, "\r\033[K%s", line);
}

void td_cli_progress_end(struct td_cli_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
