#include "cli/cli.h"
#include "journal/journal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * tidings verify DIR: every byte of a store, without changing one; and with heads that somebody kept,
 * that its history is the one they were taken of.
 */

static const char usage_text[] =
	"usage: tidings verify [--json] [--head FILE]... [--key KEY] DIR\n"
	"  Reads all of a store and says what is wrong, with file, offset and positions. Changes "
	"nothing.\n"
	"  --json  one object a line\n"
	"  --head  signed heads of its chain that were kept elsewhere, one a line: what they "
	"prove\n"
	"  --key   the public key that signed them, in hexadecimal, or a file with it; without it\n"
	"          each is checked with the key that it names, which anybody can have made\n"
	"  Exit: 0 all is proven, or rewritten or dropped by a rule; 6 damaged, or not the history "
	"of\n"
	"  a head; 2 usage; 1 cannot be read.\n";

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

static bool read_file(const char *path, struct td_buf *to)
{
	FILE *file = fopen(path, "re");
	char part[4096];
	size_t got;

	if (file == NULL) {
		fprintf(stderr, "tidings verify: %s cannot be read\n", path);
		return false;
	}
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		td_buf_add(to, part, got);
	if (ferror(file) || td_buf_check(to, NULL) != 0) {
		fprintf(stderr, "tidings verify: %s cannot be read\n", path);
		fclose(file);
		return false;
	}
	fclose(file);
	td_buf_add_char(to, '\n'); /* the next file begins a line */
	return true;
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

static bool read_key(struct request *request, const char *word)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	bool is = read_hex(word, strlen(word), request->key);

	if (!is && read_file(word, &buf)) {
		is = read_hex(buf.at, strcspn(buf.at, " \r\n"), request->key);
		if (!is)
			fprintf(stderr,
				"tidings verify: %s: a public key has 64 hexadecimal digits\n",
				word);
	}
	td_buf_fini(&buf);
	request->key_given = is;
	return is;
}

/* 0, or the exit code; < 0: help was asked for. */
static int parse(struct request *request, int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
		{"head", required_argument, NULL, 'd'}, {"key", required_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'j') {
			request->json = true;
		} else if (option == 'd') {
			if (!read_file(optarg, &request->heads))
				return 1;
		} else if (option == 'k') {
			if (!read_key(request, optarg))
				return 1;
		} else {
			fputs(usage_text, option == 'h' ? stdout : stderr);
			return option == 'h' ? -1 : 2;
		}
	}
	if (optind + 1 != argc || (request->key_given && request->heads.len == 0)) {
		fputs(usage_text, stderr);
		return 2;
	}
	request->path = argv[optind];
	return 0;
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

static int verify(const struct request *request)
{
	const struct td_verify_options options = {
		.heads = request->heads.len > 0 ? td_buf_view(&request->heads) : td_text(NULL),
		.key = request->key_given ? request->key : NULL,
	};
	struct report report = {.json = request->json};
	struct td_error err = TD_ERROR_INIT;

	if (td_journal_verify(&td_disk_real, request->path, &options, found, &report, &err) != 0)
		return td_cli_failed("verify", &err);
	sum_up(request, &report);
	return 0;
}

int td_cli_verify(int argc, char **argv)
{
	struct request request = {.heads = TD_BUF_INIT(FILE_BYTES_MAX)};
	int code = parse(&request, argc, argv);

	if (code == 0)
		code = verify(&request);
	td_buf_fini(&request.heads);
	return code < 0 ? 0 : code;
}
