#include "cli/cli.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * tidings verify DIR: every byte of a store, without changing one; and with heads that somebody kept,
 * that its history is the one they were taken of.
 */

#define FILE_BYTES_MAX ((size_t)64 << 20)

struct request {
	bool json;
	const char *path;
	struct td_buf heads;
	bool key_given;
	uint8_t key[32];
};

struct report {
	bool json;
	size_t open;     /* heads that prove nothing any more */
	uint64_t proven; /* up to here, by a head */
	size_t rewritten;
};

static const char *kind_name(enum td_finding_kind kind)
{
	switch (kind) {
	case TD_FINDING_SEGMENT:
		return "segment";
	case TD_FINDING_REWRITTEN:
		return "rewritten";
	case TD_FINDING_TAIL:
		return "tail";
	case TD_FINDING_HEAD:
		return "head";
	case TD_FINDING_HEAD_OPEN:
		return "head-open";
	case TD_FINDING_DAMAGE:
		break;
	}
	return "damage";
}

static void as_json(const struct td_finding *f)
{
	printf("{\"kind\":\"%s\",\"file\":", kind_name(f->kind));
	td_cli_json(f->file, strlen(f->file));
	printf(",\"offset\":%llu,\"bytes\":%llu,\"from\":%llu,\"to\":%llu,\"what\":",
		(unsigned long long)f->offset, (unsigned long long)f->bytes,
		(unsigned long long)f->position_from, (unsigned long long)f->position_to);
	td_cli_json(f->what, strlen(f->what));
	printf("}\n");
}

static void found(void *arg, const struct td_finding *f)
{
	struct report *report = arg;
	struct td_finding shown = *f;

	report->rewritten += f->kind == TD_FINDING_REWRITTEN;
	report->open += f->kind == TD_FINDING_HEAD_OPEN;
	if (f->kind == TD_FINDING_HEAD && f->position_to > report->proven)
		report->proven = f->position_to;
	if (shown.file == NULL)
		shown.file = "-";
	if (shown.what == NULL)
		shown.what = "";
	if (report->json)
		as_json(&shown);
	else
		printf("%-9s\t%s\toffset %llu, %llu bytes\tpositions %llu to %llu\t%s\n",
			kind_name(shown.kind), shown.file, (unsigned long long)shown.offset,
			(unsigned long long)shown.bytes, (unsigned long long)shown.position_from,
			(unsigned long long)shown.position_to, shown.what);
}

/* --- the words ---------------------------------------------------------------------------- */

/* 0, or the exit code. */
static int read_file(const struct td_cli *cli, const char *path, struct td_buf *to)
{
	FILE *file = fopen(path, "re");
	char part[4096];
	size_t got;
	bool bad;

	if (file == NULL)
		return td_cli_refuse(cli, 0, NULL, "%s cannot be opened", path);
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		td_buf_add(to, part, got);
	bad = ferror(file) != 0 || td_buf_check(to, NULL) != 0;
	fclose(file);
	if (bad)
		return td_cli_refuse(cli, 0, NULL, "%s cannot be read", path);
	td_buf_add_char(to, '\n'); /* the next file begins a line */
	return 0;
}

static int digit_of(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static bool read_hex(const char *text, size_t len, uint8_t key[32])
{
	if (len != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int read_key(const struct td_cli *cli, struct request *request, const char *word)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	bool is = read_hex(word, strlen(word), request->key);
	int code = is ? 0 : read_file(cli, word, &buf);

	if (!is && code == 0) {
		is = read_hex(buf.at, strcspn(buf.at, " \r\n"), request->key);
		if (!is)
			code = td_cli_refuse(
				cli, 0, NULL, "%s: a public key has 64 hexadecimal digits", word);
	}
	td_buf_fini(&buf);
	request->key_given = is;
	return code;
}

static int read_line(const struct td_cli *cli, struct request *request)
{
	const char *heads[TD_CLI_GIVEN_MAX], *key = td_cli_text(cli, "key");
	size_t count = td_cli_texts(cli, "head", heads, TD_CLI_GIVEN_MAX);
	int code = 0;

	if (key != NULL && count == 0)
		return td_cli_refuse(cli, TD_E_INVALID, "tidings verify --head FILE --key KEY DIR",
			"--key is of the heads of --head, and there is none");
	for (size_t i = 0; code == 0 && i < count; i++)
		code = read_file(cli, heads[i], &request->heads);
	if (code == 0 && key != NULL)
		code = read_key(cli, request, key);
	return code;
}

/* --- the verb ----------------------------------------------------------------------------- */

static void sum_up(const struct request *request, const struct report *report)
{
	if (report->json)
		return;
	printf("%s: nothing is wrong\n", request->path);
	if (request->heads.len == 0)
		return;
	if (report->proven > 0)
		printf("%s: positions up to %llu are as they were when the head was signed%s\n",
			request->path, (unsigned long long)report->proven,
			report->rewritten > 0 ? ", but for what was rewritten by a rule" : "");
	if (report->open > 0)
		printf("%s: %zu heads prove nothing any more: what they spoke of was rewritten or "
		       "dropped\n",
			request->path, report->open);
	if (!request->key_given)
		printf("%s: the signatures are those of the keys that the heads name: compare "
		       "them with one that you trust (--key)\n",
			request->path);
}

static int verify(const struct td_cli *cli, const struct request *request)
{
	const struct td_verify_options options = {
		.heads = request->heads.len > 0 ? td_buf_view(&request->heads) : td_text(NULL),
		.key = request->key_given ? request->key : NULL,
	};
	struct report report = {.json = request->json};
	struct td_error err = TD_ERROR_INIT;

	if (td_journal_verify(&td_disk_real, request->path, &options, found, &report, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "%s", request->path);
	sum_up(request, &report);
	return 0;
}

static int run(struct td_cli *cli)
{
	struct request request = {.json = cli->json,
		.path = td_cli_word(cli, 0),
		.heads = TD_BUF_INIT(FILE_BYTES_MAX)};
	int code = read_line(cli, &request);

	if (code == 0)
		code = verify(cli, &request);
	td_buf_fini(&request.heads);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "head",
		.kind = TD_CLI_FILE,
		.value = "FILE",
		.what = "signed heads of its chain that were kept elsewhere, one a line: is this "
			"the "
			"history of which they were taken?",
		.many = true},
	{.name = "key",
		.kind = TD_CLI_TEXT,
		.value = "KEY",
		.what = "the public key that has to have signed them: 64 hexadecimal digits, or a "
			"file "
			"with them"},
};

const struct td_cli_verb td_cli_verb_verify = {
	.name = "verify",
	.line = "Look at every byte of a store, and say what is wrong",
	.group = TD_CLI_STORE,
	.words = "DIR",
	.words_min = 1,
	.words_max = 1,
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "All of the store in the directory DIR is read, and what is wrong is said with "
		"file, "
		"offset and positions. A segment that was rewritten, since something in it was "
		"removed, "
		"is said to be rewritten, not proven. Nothing is changed; no process needs to have "
		"the "
		"store open, and one may.\n\n"
		"What is found of a head is: proven; open, where the segment it was taken in was "
		"rewritten, or dropped, by a rule; or damage, where the history was changed. "
		"Without a "
		"key each head is checked with the key that it names, which anybody can have made.",
	.examples = {"tidings verify data", "tidings verify --head heads.txt --key head.pub data"},
	.run = run,
};
