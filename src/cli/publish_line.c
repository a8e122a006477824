#include "cli/publish.h"

#include <string.h>

#include "json/json.h"

/*
 * Fill a template from the line's JSON: made of it is a C string in *to. A pointer that leads nowhere, or to
 * an object or array, is refused: an event of no subject, say, would be silently another one.
 */
static int fill(struct td_buf *to, const char *name, const char *template_, struct td_json root,
	struct td_error *err)
{
	for (const char *at = template_; *at != '\0';) {
		const char *close;
		struct td_json value;
		struct td_text pointer;

		if (*at != '{') {
			size_t len = strcspn(at, "{");

			td_buf_add(to, at, len);
			at += len;
			continue;
		}
		close = strchr(at, '}'); /* td_cli_making_check() */
		pointer = td_text_of(at + 1, (size_t)(close - at - 1));
		value = td_json_pointer(root, pointer);
		if (value.kind == TD_JSON_STRING)
			td_json_unescape(value, to);
		else if (value.kind == TD_JSON_NUMBER)
			td_buf_add_text(to, value.text);
		else
			return td_error_set(err, TD_E_DATA, TD_NO_OFFSET,
				"%s: at %.*s stands %s, and a string or a number was expected",
				name, (int)(pointer.len < 64 ? pointer.len : 64), pointer.at,
				value.kind == TD_JSON_NONE ? "nothing" : "something else");
		at = close + 1;
	}
	td_buf_add_char(to, '\0');
	return td_buf_check(to, err);
}

struct filled {
	struct td_buf type, subject, id, time;
};

static void filled_init(struct filled *filled)
{
	td_buf_init(&filled->type, TD_ATTRIBUTE_BYTES_MAX + 1);
	td_buf_init(&filled->subject, TD_ATTRIBUTE_BYTES_MAX + 1);
	td_buf_init(&filled->id, TD_ATTRIBUTE_BYTES_MAX + 1);
	td_buf_init(&filled->time, TD_ATTRIBUTE_BYTES_MAX + 1);
}

static void filled_fini(struct filled *filled)
{
	td_buf_fini(&filled->type);
	td_buf_fini(&filled->subject);
	td_buf_fini(&filled->id);
	td_buf_fini(&filled->time);
}

static int fill_all(struct filled *filled, const struct td_cli_making *making, struct td_json root,
	struct td_error *err)
{
	int code = fill(&filled->type, "--type", making->type, root, err);

	if (code == 0 && making->subject != NULL)
		code = fill(&filled->subject, "--subject", making->subject, root, err);
	if (code == 0 && making->id != NULL)
		code = fill(&filled->id, "--id", making->id, root, err);
	if (code == 0 && making->time != NULL)
		code = fill(&filled->time, "--time", making->time, root, err);
	return code;
}

/* Whether it is an event already. */
static bool is_event(struct td_json root)
{
	return td_json_get(root, td_text("specversion")).kind == TD_JSON_STRING;
}

/* Where it stood in the place that it was read from: so it is written by `read --json`, and here it stands
 * elsewhere. */
static bool is_of_place(struct td_json name)
{
	static const char *const names[] = {
		"tdlog", "tdseq", "tdrevision", "tdposition", "recordedtime"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (td_json_string_is(name, td_text(names[i])))
			return true;
	}
	return false;
}

static int of_event(struct td_event **event, struct td_json root, struct td_error *err)
{
	struct td_buf kept = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_json_iter iter = td_json_iterate(root);
	struct td_json name, value;
	int code;

	while (td_json_next(&iter, &name, &value)) {
		if (is_of_place(name))
			continue;
		td_buf_add_char(&kept, kept.len == 0 ? '{' : ',');
		td_buf_add_text(&kept, name.text);
		td_buf_add_char(&kept, ':');
		td_buf_add_text(&kept, value.text);
	}
	td_buf_add_char(&kept, '}');
	code = td_buf_check(&kept, err);
	if (code == 0)
		code = td_event_from_json(event, td_buf_view(&kept), err);
	td_buf_fini(&kept);
	return code;
}

static int of_data(struct td_event **event, const struct td_cli_making *making, struct td_text text,
	struct td_json root, uint64_t line, struct td_error *err)
{
	struct filled filled;
	struct td_draft draft = {.source = making->source};
	char id[64];
	int code;

	if (making->type == NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"it is no CloudEvents event, and --type does not say what else it is");
	filled_init(&filled);
	snprintf(id, sizeof(id), "%llu-%016llx", (unsigned long long)line,
		(unsigned long long)td_hash(text.at, text.len, 0));
	code = fill_all(&filled, making, root, err);
	if (code == 0) {
		draft.type = filled.type.at;
		draft.subject = making->subject != NULL ? filled.subject.at : NULL;
		draft.id = making->id != NULL ? filled.id.at : id;
		draft.time = making->time != NULL ? filled.time.at : NULL;
		draft.data = root.text.at;
		draft.data_bytes = root.text.len;
		draft.datacontenttype = "application/json";
		code = td_event_new(event, &draft, err);
	}
	filled_fini(&filled);
	return code;
}

int td_cli_making_check(const struct td_cli_making *making, struct td_error *err)
{
	const struct {
		const char *name, *template_;
	} all[] = {{"--type", making->type}, {"--subject", making->subject}, {"--id", making->id},
		{"--time", making->time}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct td_text pointer;
		const char *at = all[i].template_;

		for (at = at != NULL ? strchr(at, '{') : NULL; at != NULL;
			at = strchr(pointer.at, '{')) {
			const char *close = strchr(at, '}');

			if (close == NULL)
				return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
					"%s: \"}\" is missing", all[i].name);
			pointer = td_text_of(at + 1, (size_t)(close - at - 1));
			if (td_json_pointer_check(pointer, err) != 0)
				return td_error_wrap(err, TD_E_INVALID, "%s: {%.*s}", all[i].name,
					(int)(pointer.len < 64 ? pointer.len : 64), pointer.at);
			pointer.at = close;
		}
	}
	return 0;
}

int td_cli_line_event(struct td_event **event, const struct td_cli_making *making,
	struct td_text text, uint64_t line, struct td_error *err)
{
	struct td_json root;
	int code = td_json_parse(text, 0, &root, err);

	if (code != 0)
		return code;
	if (is_event(root))
		return of_event(event, root, err);
	return of_data(event, making, text, root, line, err);
}
