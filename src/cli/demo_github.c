#include "cli/demo.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

/*
 * tidings demo --github FILE: what GitHub told webhooks, published as events. A line of the file is one of them:
 *
 *	{"event": "push", "delivery": "...", "payload": {"repository": {"full_name": "octo/repo"}, ...}}
 *
 * becomes an event of type github.push (github.issues.opened where the payload has an action), about
 * repo.octo.repo, with the payload as its data, byte for byte. Lines that are no such thing are named and
 * passed over.
 */

#define EVERY_MS 125 /* eight a second */
#define LINE_MAX ((size_t)16 << 20)

struct replay {
	struct td_cli_demo *demo;
	struct td *td;
	FILE *file;
	const char *path;
	struct td_buf line;
	uint64_t number, published, bad;
};

static bool next_line(struct replay *replay)
{
	int c = getc(replay->file);

	td_buf_reset(&replay->line);
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc(replay->file))
		td_buf_add_char(&replay->line, (char)c);
	replay->number++;
	return true;
}

/* "octo/my.repo" as words of a subject. */
static void put_repository(struct td_buf *to, struct td_json name)
{
	struct td_buf plain = TD_BUF_INIT(4096);

	td_json_unescape(name, &plain);
	td_buf_add_string(to, "repo.");
	for (size_t i = 0; i < plain.len; i++)
		td_buf_add_char(to, plain.at[i] == '/' ? '.'
				    : plain.at[i] == '.' || (unsigned char)plain.at[i] <= ' '
					    ? '-'
					    : plain.at[i]);
	td_buf_fini(&plain);
}

/* The event that a line stands for. */
static int make(const struct replay *replay, struct td_event **event, struct td_error *err)
{
	struct td_buf type = TD_BUF_INIT(4096), subject = TD_BUF_INIT(4096), id = TD_BUF_INIT(4096);
	struct td_json root, name, action, payload, repository, delivery;
	struct td_draft draft = {.source = "github", .datacontenttype = "application/json"};
	int code = td_json_parse(td_buf_view(&replay->line), 0, &root, err);

	if (code != 0)
		return code;
	name = td_json_get(root, td_text("event"));
	payload = td_json_get(root, td_text("payload"));
	if (name.kind != TD_JSON_STRING || payload.kind != TD_JSON_OBJECT)
		return td_error_set(
			err, TD_E_DATA, TD_NO_OFFSET, "\"event\" and \"payload\" were expected");
	action = td_json_get(payload, td_text("action"));
	repository = td_json_get(td_json_get(payload, td_text("repository")), td_text("full_name"));
	delivery = td_json_get(root, td_text("delivery"));
	td_buf_add_string(&type, "github.");
	td_json_unescape(name, &type);
	if (action.kind == TD_JSON_STRING) {
		td_buf_add_char(&type, '.');
		td_json_unescape(action, &type);
	}
	td_buf_add_char(&type, '\0');
	if (repository.kind == TD_JSON_STRING)
		put_repository(&subject, repository);
	else
		td_buf_add_string(&subject, "github");
	td_buf_add_char(&subject, '\0');
	td_json_unescape(delivery.kind == TD_JSON_STRING ? delivery : name, &id);
	td_buf_add_char(&id, '\0');
	code = td_buf_check(&type, err);
	code = code != 0 ? code : td_buf_check(&subject, err);
	code = code != 0 ? code : td_buf_check(&id, err);
	if (code == 0) {
		draft.type = type.at;
		draft.subject = subject.at;
		draft.id = delivery.kind == TD_JSON_STRING ? id.at : NULL;
		draft.data = payload.text.at;
		draft.data_bytes = payload.text.len;
		code = td_event_new(event, &draft, err);
	}
	td_buf_fini(&type);
	td_buf_fini(&subject);
	td_buf_fini(&id);
	return code;
}

/* 0, or the exit code: a line that is none is only told. */
static int publish_line(struct replay *replay)
{
	const struct td_cli *cli = replay->demo->cli;
	struct td_error err = TD_ERROR_INIT;
	struct td_event *event = NULL;
	int code = td_buf_check(&replay->line, &err);

	if (code == 0)
		code = make(replay, &event, &err);
	if (code != 0) {
		replay->bad++;
		td_cli_fail(cli, &err, "", "%s, line %llu", replay->path,
			(unsigned long long)replay->number);
		return 0;
	}
	code = td_publish_event(replay->td, event, 0, NULL, &err);
	td_event_unref(event);
	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "%s, line %llu", replay->path,
			(unsigned long long)replay->number);
	replay->published++;
	return 0;
}

static int play(struct replay *replay)
{
	struct td_cli_watch watch;
	int64_t next = td_cli_clock_ms();
	int code = td_cli_watch_begin(&watch, replay->demo->cli, replay->demo->url), ended;

	while (code == 0 && !td_cli_interrupted() && td_cli_clock_ms() < replay->demo->end_ms &&
		next_line(replay)) {
		code = publish_line(replay);
		next += EVERY_MS;
		while (code == 0 && td_cli_clock_ms() < next && !td_cli_interrupted())
			code = td_cli_watch_look(&watch, next - td_cli_clock_ms());
	}
	next = td_cli_clock_ms() + 10000;
	while (code == 0 && watch.count < replay->published && td_cli_clock_ms() < next)
		code = td_cli_watch_look(&watch, 100);
	if (code == 0 && replay->demo->cli->json)
		printf("{\"summary\":{\"events\":%llu,\"stored\":%llu,\"bad\":%llu}}\n",
			(unsigned long long)replay->published, (unsigned long long)watch.count,
			(unsigned long long)replay->bad);
	else if (code == 0)
		printf("\n%llu events were published, and %llu are stored; %llu lines were none.\n",
			(unsigned long long)replay->published, (unsigned long long)watch.count,
			(unsigned long long)replay->bad);
	ended = td_cli_watch_end(&watch);
	return code != 0 ? code : ended;
}

int td_cli_demo_github(struct td_cli_demo *demo, const char *path)
{
	const struct td_options options = {.source = "github"};
	struct replay replay = {.demo = demo,
		.path = path,
		.file = fopen(path, "re"),
		.line = TD_BUF_INIT(LINE_MAX)};
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (replay.file == NULL)
		return td_cli_refuse(demo->cli, 0, NULL, "%s cannot be opened", path);
	if (td_open(&replay.td, demo->url, &options, &err) != 0) {
		code = td_cli_fail(demo->cli, &err, NULL, "%s", demo->url);
	} else {
		td_cli_demo_greet(demo, "What GitHub told webhooks passes, eight a second.");
		code = play(&replay);
		td_close(replay.td);
	}
	fclose(replay.file);
	td_buf_fini(&replay.line);
	return code;
}
