#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void reply_fini(struct reply *reply)
{
	td_buf_fini(&reply->line);
	td_buf_fini(&reply->body);
	td_buf_fini(&reply->next);
}

void reply_reset(struct reply *reply)
{
	td_buf_reset(&reply->line);
	td_buf_reset(&reply->body);
	td_buf_reset(&reply->next);
	reply->part = REPLY_HEAD;
	reply->left = 0;
	reply->status = 0;
	reply->chunked = reply->closes = false;
	reply->wrong = NULL;
}

/* --- the head ----------------------------------------------------------------------------- */

static bool has_name(const char *line, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return false;
	*value = line + len + 1 + strspn(line + len + 1, " ");
	return true;
}

/* Link: <URL>; rel="next" */
static void take_link(struct reply *reply, const char *value)
{
	const char *end = strchr(value, '>');

	if (value[0] != '<' || end == NULL || strstr(end, "rel=\"next\"") == NULL)
		return;
	td_buf_reset(&reply->next);
	td_buf_add(&reply->next, value + 1, (size_t)(end - value - 1));
}

static void take_field(struct reply *reply, const char *line)
{
	const char *value;

	if (has_name(line, "Content-Length", &value))
		reply->left = strtoul(value, NULL, 10);
	else if (has_name(line, "Transfer-Encoding", &value))
		reply->chunked = strcmp(value, "chunked") == 0;
	else if (has_name(line, "Connection", &value))
		reply->closes = strcasecmp(value, "close") == 0;
	else if (has_name(line, "Link", &value))
		take_link(reply, value);
}

/* `line` holds all of it, with the empty line. */
static void take_head(struct reply *reply)
{
	char *at, *end;

	td_buf_add_char(&reply->line, '\0');
	at = reply->line.at;
	if (strncmp(at, "HTTP/1.1 ", 9) != 0) {
		reply->wrong = "no status line";
		return;
	}
	reply->status = (int)strtol(at + 9, NULL, 10);
	for (at = strstr(at, "\r\n") + 2; (end = strstr(at, "\r\n")) != NULL && end != at;
		at = end + 2) {
		*end = '\0';
		take_field(reply, at);
	}
	td_buf_reset(&reply->line);
	if (reply->status >= 100 && reply->status < 200)
		reply->status = 0, reply->left = 0;
	else if (reply->status == 204 || reply->status == 304)
		reply->part = REPLY_DONE;
	else if (reply->chunked)
		reply->part = REPLY_SIZE;
	else
		reply->part = reply->left > 0 ? REPLY_BODY : REPLY_DONE;
}

/* --- chunks ------------------------------------------------------------------------------- */

static void take_size(struct reply *reply)
{
	char *end;

	td_buf_add_char(&reply->line, '\0');
	reply->left = strtoul(reply->line.at, &end, 16);
	if (end == reply->line.at || strcmp(end, "\r\n") != 0)
		reply->wrong = "no size of a chunk";
	td_buf_reset(&reply->line);
	reply->part = reply->left > 0 ? REPLY_CHUNK : REPLY_TRAILER;
	reply->left += 2; /* its end of line */
}

/* --- bytes -------------------------------------------------------------------------------- */

static bool ends_with(const struct td_buf *buf, const char *text)
{
	size_t len = strlen(text);

	return buf->len >= len && memcmp(buf->at + buf->len - len, text, len) == 0;
}

static size_t take_line(struct reply *reply, char byte)
{
	td_buf_add_char(&reply->line, byte);
	if (reply->part == REPLY_HEAD && ends_with(&reply->line, "\r\n\r\n"))
		take_head(reply);
	else if (reply->part == REPLY_SIZE && ends_with(&reply->line, "\r\n"))
		take_size(reply);
	else if (reply->part == REPLY_TRAILER && ends_with(&reply->line, "\r\n"))
		reply->part = REPLY_DONE;
	if (reply->line.code != 0)
		reply->wrong = "a line without end";
	return 1;
}

/* Behind a chunk stands an end of line, which is no part of the body. */
static size_t take_body(struct reply *reply, const char *bytes, size_t len)
{
	size_t behind = reply->part == REPLY_CHUNK ? 2 : 0;
	size_t ours = reply->left > behind ? reply->left - behind : 0;
	size_t some = len < ours ? len : ours;

	if (some > 0)
		td_buf_add(&reply->body, bytes, some);
	else
		some = 1;
	reply->left -= some;
	if (reply->left == 0)
		reply->part = reply->part == REPLY_CHUNK ? REPLY_SIZE : REPLY_DONE;
	return some;
}

size_t reply_take(struct reply *reply, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && reply->part != REPLY_DONE && reply->wrong == NULL) {
		if (reply->part == REPLY_BODY || reply->part == REPLY_CHUNK)
			at += take_body(reply, bytes + at, len - at);
		else
			at += take_line(reply, bytes[at]);
	}
	return at;
}
