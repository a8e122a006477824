#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/*
 * tidings doctor: what a machine and a place are like, and what is to be done about it. Each check is a
 * function that looks at one thing; none changes anything but a file of its own, which it removes.
 */

enum verdict { GOOD, WARN, BAD };

struct finding {
	const char *check;
	enum verdict verdict;
	char what[240];
	const char *advice; /* NULL: none */
};

__attribute__((format(printf, 4, 5))) static void found(
	struct finding *finding, enum verdict verdict, const char *advice, const char *format, ...)
{
	va_list args;

	finding->verdict = verdict;
	finding->advice = advice;
	va_start(args, format);
	vsnprintf(finding->what, sizeof(finding->what), format, args);
	va_end(args);
}

/* --- the machine -------------------------------------------------------------------------- */

static void look_at_clock(const struct td_cli *cli, struct finding *finding)
{
	struct timex about = {.modes = 0};

	if (cli->now < (td_time)1767225600 * 1000000000) /* 2026 */
		found(finding, BAD, "set it: events carry its time",
			"the clock says a time before 2026");
	else if (adjtimex(&about) >= 0 && (about.status & STA_UNSYNC) != 0)
		found(finding, WARN, "have it set by the network (chrony, systemd-timesyncd)",
			"nobody says that the clock is right");
	else
		found(finding, GOOD, NULL, "set, and kept right");
}

static void look_at_descriptors(const struct td_cli *cli, struct finding *finding)
{
	struct rlimit limit = {0, 0};

	(void)cli;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 4096 && limit.rlim_max < 4096)
		found(finding, WARN, "LimitNOFILE=65536 of its unit, or ulimit -n 65536",
			"%llu: a server can have that many connections and files",
			(unsigned long long)limit.rlim_max);
	else
		found(finding, GOOD, NULL, "%llu now, up to %llu",
			(unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
}

/* Whether a port of this machine is free. */
static bool is_free(unsigned short port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	if (s < 0)
		return false;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	is = bind(s, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(s);
	return is;
}

static void look_at_port(const struct td_cli *cli, struct finding *finding)
{
	(void)cli;
	if (is_free(8222))
		found(finding, GOOD, NULL, "127.0.0.1:8222 is free");
	else
		found(finding, GOOD, NULL,
			"127.0.0.1:8222 is taken, by a server of ours or of others");
}

/* --- the disk ----------------------------------------------------------------------------- */

#define SYNCS 16

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The median time of writing a block and syncing it, in ms; < 0: errno. */
static double sync_ms(int file)
{
	double took[SYNCS];
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < SYNCS; i++) {
		struct timespec from, to;

		clock_gettime(CLOCK_MONOTONIC, &from);
		if (pwrite(file, block, sizeof(block), (off_t)i * 4096) != (ssize_t)sizeof(block) ||
			fdatasync(file) != 0)
			return -errno;
		clock_gettime(CLOCK_MONOTONIC, &to);
		took[i] = (double)(to.tv_sec - from.tv_sec) * 1e3 +
			  (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	}
	qsort(took, SYNCS, sizeof(took[0]), compare);
	return took[SYNCS / 2];
}

static void look_at_sync(const struct td_cli *cli, struct finding *finding)
{
	const char *dir = td_cli_text(cli, "dir");
	char path[4096];
	double ms;
	int file;

	snprintf(path, sizeof(path), "%s/.tidings-doctor-XXXXXX", dir);
	file = mkostemp(path, O_CLOEXEC);
	if (file < 0) {
		found(finding, BAD, "name another by --dir, or ask for the permission",
			"nothing can be written in %.120s: %s", dir, strerror(errno));
		return;
	}
	ms = sync_ms(file);
	close(file);
	unlink(path);
	if (ms < 0)
		found(finding, BAD, "look at the disk", "a write in %.120s fails: %s", dir,
			strerror((int)-ms));
	else if (ms > 50)
		found(finding, WARN,
			"publish in batches: they share one sync; or have a faster disk",
			"%.1f ms for a write and its sync in %.120s: slow", ms, dir);
	else if (ms < 0.02)
		found(finding, WARN,
			"if it is not in memory: does this disk keep what it says it kept?",
			"%.3f ms for a write and its sync in %.120s: too fast for a disk", ms, dir);
	else
		found(finding, GOOD, NULL, "%.2f ms for a write and its sync in %.120s", ms, dir);
}

static void look_at_room(const struct td_cli *cli, struct finding *finding)
{
	const char *dir = td_cli_text(cli, "dir");
	struct statvfs about;
	uint64_t mib;

	if (statvfs(dir, &about) != 0) {
		found(finding, BAD, "name another by --dir", "%.120s: %s", dir, strerror(errno));
		return;
	}
	mib = (uint64_t)about.f_bavail * about.f_frsize >> 20;
	if (mib < 512)
		found(finding, WARN, "make room, or name another disk",
			"%llu MiB are free in %.120s", (unsigned long long)mib, dir);
	else
		found(finding, GOOD, NULL, "%llu MiB are free in %.120s", (unsigned long long)mib,
			dir);
}

/* --- the place ---------------------------------------------------------------------------- */

static void look_at_place(const struct td_cli *cli, struct finding *finding)
{
	const struct td_options options = {.flags = TD_NO_THREADS | TD_READ_ONLY | TD_MUST_EXIST};
	struct td_error err = TD_ERROR_INIT;
	struct td_status status;
	const char *url = td_cli_url(cli);
	struct td *td;

	if (td_open(&td, url, &options, &err) != 0) {
		bool fatal =
			err.code == TD_E_DAMAGED || err.code == TD_E_NEWER || err.code == TD_E_DISK;

		found(finding, fatal ? BAD : WARN,
			fatal ? "tidings verify DIR" : "tidings serve, or name a place by --url",
			"%.80s: %.140s", url, err.text);
		return;
	}
	if (td_status(td, &status, &err) != 0)
		found(finding, BAD, NULL, "%.80s: %.140s", url, err.text);
	else if (status.failed || status.disk_full)
		found(finding, BAD, "tidings status", "%.80s: its disk %s", url,
			status.failed ? "failed" : "is full");
	else if (status.warning[0] != '\0')
		found(finding, WARN, "move it to a local disk", "%.80s: %.140s", url,
			status.warning);
	else
		found(finding, GOOD, NULL, "%.80s: %llu events in %llu logs", url,
			(unsigned long long)status.events, (unsigned long long)status.logs);
	td_close(td);
}

/* --- the verb ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*look)(const struct td_cli *cli, struct finding *finding);
} checks[] = {
	{"clock", look_at_clock},
	{"descriptors", look_at_descriptors},
	{"port", look_at_port},
	{"room", look_at_room},
	{"sync", look_at_sync},
	{"place", look_at_place},
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

static const char *const verdicts[] = {"good", "look", "bad"};

static void put(const struct td_cli *cli, const struct finding *finding)
{
	static const enum td_cli_colour colours[] = {TD_CLI_GOOD, TD_CLI_WARN, TD_CLI_BAD};
	char word[16], name[24];

	if (cli->json) {
		printf("{\"check\":\"%s\",\"verdict\":\"%s\",\"what\":", finding->check,
			verdicts[finding->verdict]);
		td_cli_json_string(finding->what);
		if (finding->advice != NULL) {
			printf(",\"advice\":");
			td_cli_json_string(finding->advice);
		}
		printf("}\n");
		return;
	}
	if (!cli->terminal) {
		printf("%s\t%s\t%s\t%s\n", finding->check, verdicts[finding->verdict],
			finding->what, finding->advice != NULL ? finding->advice : "-");
		return;
	}
	snprintf(name, sizeof(name), "%-12s ", finding->check);
	snprintf(word, sizeof(word), "%-5s", verdicts[finding->verdict]);
	td_cli_put(cli, TD_CLI_PLAIN, name);
	td_cli_put(cli, colours[finding->verdict], word);
	printf(" %s\n", finding->what);
	if (finding->advice != NULL)
		printf("%19s%s\n", "", finding->advice);
}

static int run(struct td_cli *cli)
{
	int worst = GOOD;

	for (size_t i = 0; i < CHECKS; i++) {
		struct finding finding = {.check = checks[i].name};

		checks[i].look(cli, &finding);
		put(cli, &finding);
		worst = (int)finding.verdict > worst ? (int)finding.verdict : worst;
	}
	return worst == BAD;
}

static const struct td_cli_option options[] = {
	{.name = "dir",
		.letter = 'd',
		.kind = TD_CLI_DIRECTORY,
		.value = "DIR",
		.fallback = ".",
		.what = "where a store is, or will be"},
};

const struct td_cli_verb td_cli_verb_doctor = {
	.name = "doctor",
	.line = "Look at this machine, its disk and a place, and say what to mend",
	.group = TD_CLI_SERVER,
	.words = "",
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "Each line is a check and its verdict: good, look (it works, and could be better), "
		"or "
		"bad. Exit code 1 if one is bad. In the directory a small file is written, synced "
		"and "
		"removed; nothing else is changed.",
	.examples = {"tidings doctor", "tidings doctor --dir /var/lib/tidings",
		"tidings doctor --json | grep -v good"},
	.run = run,
};
