#include "cli/line.h"

/* All verbs, in the order of help: each row stands in its verb's own file. */

extern const struct td_cli_verb td_cli_verb_publish, td_cli_verb_subscribe, td_cli_verb_log,
	td_cli_verb_show, td_cli_verb_read, td_cli_verb_status, td_cli_verb_logs,
	td_cli_verb_verify, td_cli_verb_inspect, td_cli_verb_backup, td_cli_verb_restore,
	td_cli_verb_help, td_cli_verb_explain, td_cli_verb_completion, td_cli_verb_version,
	td_cli_verb_doctor, td_cli_verb_bench, td_cli_verb_serve, td_cli_verb_config,
	td_cli_verb_user, td_cli_verb_story, td_cli_verb_flow, td_cli_verb_demo;

const struct td_cli_verb *const td_cli_verbs[] = {
	&td_cli_verb_demo,
	&td_cli_verb_serve,
	&td_cli_verb_publish,
	&td_cli_verb_subscribe,
	&td_cli_verb_log,
	&td_cli_verb_show,
	&td_cli_verb_story,
	&td_cli_verb_flow,
	&td_cli_verb_read,
	&td_cli_verb_status,
	&td_cli_verb_doctor,
	&td_cli_verb_bench,
	&td_cli_verb_config,
	&td_cli_verb_user,
	&td_cli_verb_logs,
	&td_cli_verb_verify,
	&td_cli_verb_inspect,
	&td_cli_verb_backup,
	&td_cli_verb_restore,
	&td_cli_verb_help,
	&td_cli_verb_explain,
	&td_cli_verb_completion,
	&td_cli_verb_version,
	NULL,
};
