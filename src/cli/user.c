#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/server.h"

/*
 * tidings user: the file that says who may do what, read and changed. A server that runs reads it again
 * at SIGHUP.
 *
 *	file --read--> text --td_users_edit()--> text --> FILE.new --sync, rename--> file
 */

#define FILE_BYTES_MAX (1024u * 1024u + 1)

static const char *file_of(const struct td_cli *cli)
{
	const char *file = td_cli_text(cli, "users");

	return file != NULL ? file : getenv("TIDINGS_USERS");
}

static int wrong(const struct td_cli *cli, const char *what)
{
	return td_cli_refuse(cli, TD_E_INVALID, "tidings user --help", "user: %s", what);
}

/* --- the file ----------------------------------------------------------------------------- */

static int failed(const struct td_cli *cli, const char *path)
{
	return td_cli_refuse(cli, 0, NULL, "%s: %s", path, strerror(errno));
}

/* Who it belongs to, and who may read it, stays as it was. */
static bool write_new(int file, struct td_text text, const struct stat *was)
{
	if (was != NULL && (fchmod(file, was->st_mode & 07777) != 0 ||
				   (fchown(file, was->st_uid, was->st_gid) != 0 && errno != EPERM)))
		return false;
	while (text.len > 0) {
		ssize_t put = write(file, text.at, text.len);

		if (put < 0 && errno != EINTR)
			return false;
		text.at += put > 0 ? put : 0;
		text.len -= put > 0 ? (size_t)put : 0;
	}
	return fsync(file) == 0;
}

/* Whole, or as it was: also if the machine stops in the middle. */
static int replace(const struct td_cli *cli, const char *path, struct td_text text)
{
	char made[4096 + 8];
	struct stat was;
	bool is_there = stat(path, &was) == 0, fine;
	int file;

	if ((size_t)snprintf(made, sizeof(made), "%s.new", path) >= sizeof(made))
		return wrong(cli, "too long a path");
	file = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return failed(cli, made);
	fine = write_new(file, text, is_there ? &was : NULL);
	if (close(file) != 0 || !fine || rename(made, path) != 0) {
		int code = failed(cli, made);

		unlink(made);
		return code;
	}
	return 0;
}

static int change(const struct td_cli *cli, struct td_buf *file, enum td_users_change what,
	const char *name, const char *key, const char *value)
{
	struct td_buf out = TD_BUF_INIT(FILE_BYTES_MAX);
	struct td_error err = TD_ERROR_INIT;

	if (td_users_edit(td_buf_view(file), what, td_text(name), td_text(key), td_text(value),
		    &out, &err) != 0) {
		td_buf_fini(&out);
		return td_cli_fail(cli, &err, NULL, "%s", file_of(cli));
	}
	td_buf_fini(file);
	*file = out;
	return 0;
}

static int read_file(const struct td_cli *cli, struct td_buf *file, bool may_be_new)
{
	struct td_error err = TD_ERROR_INIT;
	int code = td_process_read_file(file_of(cli), file, NULL, &err);

	if (code == 0 || (may_be_new && code == TD_E_SYSTEM && err.sys_errno == ENOENT))
		return 0;
	return td_cli_fail(cli, &err, "tidings user add NAME", "users");
}

/* --- what is done ------------------------------------------------------------------------- */

static int list(const struct td_cli *cli, struct td_buf *file)
{
	static const struct td_cli_column columns[] = {{.name = "USER", .colour = TD_CLI_NAME},
		{.name = "PASSWORD"}, {.name = "TOKENS", .right = true},
		{.name = "CERTIFICATES", .right = true}, {.name = "PATTERNS", .right = true}};
	struct td_error err = TD_ERROR_INIT;
	struct td_cli_table table;
	struct td_users *users;

	if (td_users_new(&users, td_buf_view(file), 0, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "%s", file_of(cli));
	td_cli_table_begin(&table, cli, columns, 5, false);
	for (size_t i = 0; i < td_users_count(users); i++) {
		struct td_user_about about = td_users_about(users, i);
		char tokens[24], certificates[24], patterns[24];

		snprintf(tokens, sizeof(tokens), "%zu", about.tokens);
		snprintf(certificates, sizeof(certificates), "%zu", about.certificates);
		snprintf(patterns, sizeof(patterns), "%zu", about.patterns);
		if (cli->json) {
			printf("{\"name\":");
			td_cli_json(about.name.at, about.name.len);
			printf(",\"password\":%s,\"tokens\":%s,\"certificates\":%s,\"patterns\":%s}"
			       "\n",
				about.password ? "true" : "false", tokens, certificates, patterns);
		} else {
			const struct td_text cells[] = {about.name,
				td_text(about.password ? "yes" : "no"), td_text(tokens),
				td_text(certificates), td_text(patterns)};

			td_cli_table_row(&table, cells);
		}
	}
	td_users_unref(users);
	return td_cli_table_end(&table);
}

/* The patterns that were given, each a line. */
static int add_patterns(const struct td_cli *cli, struct td_buf *file, const char *name)
{
	static const char *const keys[] = {
		"read", "publish", "manage", "not-read", "not-publish", "not-manage"};
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *patterns[64];
		size_t count = td_cli_texts(cli, keys[i], patterns, 64);

		for (size_t j = count; code == 0 && j > 0; j--)
			code = change(cli, file, TD_USERS_PUT, name, keys[i], patterns[j - 1]);
	}
	return code;
}

/* A line of standard input; never a word of the command line, which others can see. */
static int set_password(const struct td_cli *cli, struct td_buf *file, const char *name)
{
	char line[TD_PASSWORD_BYTES_MAX + 2], hash[TD_PASSWORD_HASH_BYTES];
	struct td_error err = TD_ERROR_INIT;
	uint8_t random[16];
	int code;

	if (isatty(STDIN_FILENO))
		return wrong(cli, "password: it is read from standard input: printf '%s' \"$P\" | "
				  "tidings user password NAME");
	if (fgets(line, sizeof(line), stdin) == NULL)
		return wrong(cli, "password: standard input is empty");
	line[strcspn(line, "\n")] = '\0';
	td_random_real.fill(td_random_real.arg, random, sizeof(random));
	code = td_password_hash(td_text(line), random, hash, &err);
	explicit_bzero(line, sizeof(line));
	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "user %s", name);
	return change(cli, file, TD_USERS_SET, name, "password", hash);
}

static int add_token(const struct td_cli *cli, struct td_buf *file, const char *name,
	const char *label, char token[TD_TOKEN_BYTES])
{
	char line[TD_TOKEN_LINE_BYTES], value[512];
	struct td_error err = TD_ERROR_INIT;
	uint8_t random[32];

	td_random_real.fill(td_random_real.arg, random, sizeof(random));
	if (td_token_make(random, token, line, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "user %s", name);
	explicit_bzero(random, sizeof(random));
	if ((size_t)snprintf(value, sizeof(value), "%s%s%s", line, label != NULL ? " " : "",
		    label != NULL ? label : "") >= sizeof(value))
		return wrong(cli, "token: too long a label");
	return change(cli, file, TD_USERS_PUT, name, "token", value);
}

static int edit(const struct td_cli *cli, const char *action, const char *name)
{
	const char *label = td_cli_word(cli, 2);
	struct td_buf file = TD_BUF_INIT(FILE_BYTES_MAX);
	char token[TD_TOKEN_BYTES] = "";
	bool add = strcmp(action, "add") == 0;
	int code = read_file(cli, &file, add);

	if (code == 0 && add)
		code = change(cli, &file, TD_USERS_ADD, name, "", "");
	if (code == 0 && (add || strcmp(action, "allow") == 0))
		code = add_patterns(cli, &file, name);
	if (code == 0 && strcmp(action, "remove") == 0)
		code = change(cli, &file, TD_USERS_REMOVE, name, "", "");
	if (code == 0 && strcmp(action, "password") == 0)
		code = set_password(cli, &file, name);
	if (code == 0 && strcmp(action, "token") == 0)
		code = add_token(cli, &file, name, label, token);
	if (code == 0 && strcmp(action, "revoke") == 0)
		code = label != NULL ? change(cli, &file, TD_USERS_DROP, name, "token", label)
				     : wrong(cli, "revoke: which token: its label, or its digest");
	if (code == 0)
		code = replace(cli, file_of(cli), td_buf_view(&file));
	if (code == 0 && token[0] != '\0')
		printf("%s\n", token); /* once: it stands nowhere else */
	if (code == 0)
		td_cli_note(cli, "%s was changed; a server that runs reads it again at SIGHUP",
			file_of(cli));
	explicit_bzero(token, sizeof(token));
	td_buf_fini(&file);
	return code;
}

static int run(struct td_cli *cli)
{
	const char *action = td_cli_word(cli, 0), *name = td_cli_word(cli, 1);
	struct td_buf file = TD_BUF_INIT(FILE_BYTES_MAX);
	int code;

	if (file_of(cli) == NULL)
		return wrong(cli, "which file: --users FILE, or TIDINGS_USERS");
	if (strcmp(action, "list") != 0)
		return name != NULL ? edit(cli, action, name) : wrong(cli, "which user: its name");
	code = read_file(cli, &file, false);
	if (code == 0)
		code = list(cli, &file);
	td_buf_fini(&file);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "users",
		.kind = TD_CLI_FILE,
		.value = "FILE",
		.what = "the file of users; else the one of TIDINGS_USERS"},
	{.name = "read",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "with add and allow: subjects it may read",
		.many = true},
	{.name = "publish",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "subjects it may publish and append",
		.many = true},
	{.name = "manage",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "subjects whose logs it may make, change and delete",
		.many = true},
	{.name = "not-read",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "subjects it may not read, whatever else is said",
		.many = true},
	{.name = "not-publish",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "the same of publishing",
		.many = true},
	{.name = "not-manage",
		.kind = TD_CLI_TEXT,
		.value = "PATTERN",
		.what = "the same of managing",
		.many = true},
};

const struct td_cli_verb td_cli_verb_user = {
	.name = "user",
	.line = "Say who may do what with a server",
	.group = TD_CLI_SERVER,
	.words = "ACTION [NAME] [LABEL]",
	.words_min = 1,
	.words_max = 3,
	.actions = "list|add|remove|allow|password|token|revoke",
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "list shows the users of the file; add and remove change them, allow gives one "
		"more patterns. password reads a password from standard input and keeps its hash. "
		"token prints a new token, once, and keeps its digest, under the label if there is "
		"one; revoke takes it away by its label.\n\n"
		"All else in the file stays as it is, comments too, and a change that would leave "
		"a file that the server refuses is refused. tidings.users(5) tells of the file; a "
		"server that runs reads it again at SIGHUP.",
	.examples = {"tidings user add shop --users users --publish 'order.>' --read 'order.>'",
		"tidings user token shop laptop --users users", "tidings user list --users users"},
	.run = run,
};
