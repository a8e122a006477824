#include "cli/settings.h"

#include <stdlib.h>
#include <unistd.h>

/*
 * tidings config: what a server started here and now would be told, and by whom.
 */

static int show_json(const struct td_settings *settings)
{
	struct td_buf line = TD_BUF_INIT(65536), origin = TD_BUF_INIT(4096);
	int code = 0;

	for (size_t i = 0; i < TD_SETTINGS; i++) {
		const struct td_setting_value *value =
			td_settings_value(settings, (enum td_setting_id)i);
		struct td_json_writer writer;

		if (td_setting_table[i].when == TD_SETTING_START)
			continue;
		td_buf_reset(&line);
		td_buf_reset(&origin);
		td_settings_origin(settings, (enum td_setting_id)i, &origin);
		td_json_writer_init(&writer, &line);
		td_json_open_object(&writer);
		td_json_name(&writer, td_text("name"));
		td_json_string(&writer, td_text(td_setting_table[i].name));
		td_json_name(&writer, td_text("value"));
		if (value->set)
			td_json_string(&writer, value->text);
		else
			td_json_null(&writer);
		td_json_name(&writer, td_text("origin"));
		td_json_string(&writer, td_buf_view(&origin));
		td_json_close_object(&writer);
		code = td_buf_check(&line, NULL);
		if (code != 0)
			break;
		printf("%.*s\n", TD_TEXT_ARG(td_buf_view(&line)));
	}
	td_buf_fini(&line);
	td_buf_fini(&origin);
	return code == 0 ? 0 : 1;
}

static int show_file(const struct td_settings *settings)
{
	struct td_buf buf = TD_BUF_INIT(4u << 20);
	int code;

	td_settings_write(settings, true, &buf);
	code = td_buf_check(&buf, NULL);
	if (code == 0)
		printf("%.*s", TD_TEXT_ARG(td_buf_view(&buf)));
	td_buf_fini(&buf);
	return code == 0 ? 0 : 1;
}

static int run(struct td_cli *cli)
{
	struct td_setting_given given[TD_SETTINGS];
	const struct td_host_options options = {
		.flags = given,
		.flags_count = td_cli_settings_given(cli, given),
		.environment = (const char *const *)environ,
	};
	struct td_settings *settings;
	struct td_error err = TD_ERROR_INIT;
	int code;

	if (td_host_check(&options, &settings, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "config");
	code = cli->json ? show_json(settings) : show_file(settings);
	td_settings_free(settings);
	return code;
}

const struct td_cli_verb td_cli_verb_config = {
	.name = "config",
	.line = "Show what a server would be told, and by whom",
	.group = TD_CLI_SERVER,
	.words = "",
	.common = TD_CLI_OUTPUT,
	.options = td_cli_settings,
	.options_count = TD_SETTINGS,
	.more = "It reads what `tidings serve` with the same options would read, checks it, and "
		"prints every setting behind a line that says where it comes from: a flag, the "
		"environment, a line of the file, or the default. What it prints can be read as "
		"such a file. With --json, an object a line.",
	.examples = {"tidings config", "tidings config --config /etc/tidings/tidings.conf",
		"tidings config --json"},
	.run = run,
};
