/*
 * settings: what the server is told, from where, as values.
 *
 *	flag  beats  TIDINGS_*  beats  file  beats  default		(settings_table.h has them all)
 *
 * A set of settings is made whole or not at all, and does not change: a reload makes another one and
 * compares. Nothing is opened here: texts come in, values go out. A file is named in errors as it was
 * named to us, with the line: "tidings.conf: line 12: `htpp`: no such setting; did you mean `http`?".
 */
#ifndef TD_SERVER_SETTINGS_H
#define TD_SERVER_SETTINGS_H

#include "base/base.h"
#include "server/settings_table.h"
#include "store/store.h"
#include "sys/sys.h"

enum td_setting_kind {
	TD_SETTING_TEXT,
	TD_SETTING_PATH,
	TD_SETTING_ADDRESS,  /* HOST:PORT, as td_net_address_parse() has it */
	TD_SETTING_COUNT,    /* a whole number */
	TD_SETTING_BYTES,    /* one with B, KiB, MiB, GiB or TiB, or none */
	TD_SETTING_TIME,     /* one with ms, s, m, h or d; in ms */
	TD_SETTING_SWITCH,   /* yes, no; also true, false, on, off */
	TD_SETTING_CHOICE,   /* one of the argument's words; its index */
	TD_SETTING_PATTERNS, /* of subjects, between blanks and commas */
};

enum td_setting_when {
	TD_SETTING_LIVE,    /* read again on reload */
	TD_SETTING_RESTART, /* a change takes effect at the next start */
	TD_SETTING_START,   /* of the command line alone */
};

/* clang-format off */
enum td_setting_id {
#define TD_SETTING_ID(id, ...) TD_SET_##id,
	TD_SETTINGS_TABLE(TD_SETTING_ID)
	TD_SETTINGS,
};
enum td_log_setting_id {
#define TD_LOG_SETTING_ID(id, ...) TD_LOG_SET_##id,
	TD_LOG_SETTINGS_TABLE(TD_LOG_SETTING_ID)
	TD_LOG_SETTINGS,
};
/* clang-format on */

/* A row of the table. */
struct td_setting {
	const char *name;
	enum td_setting_kind kind;
	const char *argument; /* "HOST:PORT", "text|json"; empty of a switch */
	const char *fallback; /* the default as text; empty: not set */
	int64_t min, max;
	enum td_setting_when when;
	const char *what;
};
extern const struct td_setting td_setting_table[TD_SETTINGS];
extern const struct td_setting td_log_setting_table[TD_LOG_SETTINGS];

/* Of a row's name: TIDINGS_LOG_LEVEL. At most TD_SETTING_NAME_BYTES with NUL; returns `out`. */
#define TD_SETTING_NAME_BYTES 48u
char *td_setting_environment(const struct td_setting *setting, char out[TD_SETTING_NAME_BYTES]);

enum td_setting_origin {
	TD_FROM_DEFAULT,
	TD_FROM_FILE,
	TD_FROM_ENVIRONMENT,
	TD_FROM_FLAG,
};

struct td_setting_value {
	bool set;            /* false: no value and no default */
	struct td_text text; /* as it was written; with NUL behind it */
	int64_t number;      /* of the kinds that have one; of ADDRESS, TEXT and the like 0 */
	enum td_setting_origin origin;
	size_t line; /* in the file */
};

/* A `[log NAME]` of the file. */
struct td_log_section {
	struct td_text name;
	size_t line;
	struct td_setting_value values[TD_LOG_SETTINGS];
	struct td_log_config config; /* what they say */
	bool adopt;
};

struct td_settings;

struct td_setting_given {
	enum td_setting_id id;
	struct td_text value;
};

/* Where they come from; all borrowed for the call. */
struct td_settings_sources {
	const struct td_setting_given *flags;
	size_t flags_count;
	const char *const *environment; /* "NAME=value" up to a NULL; may be NULL */
	const char *file_name;          /* for errors and origins; NULL: there is no file */
	struct td_text file;
};

/*
 * Read them all; *settings is the caller's. In the environment names that are no setting's are
 * passed over. TD_E_INVALID, TD_E_SUBJECT, TD_E_TOO_LARGE, saying where and what; TD_E_NOMEM.
 */
int td_settings_new(struct td_settings **settings, const struct td_settings_sources *sources,
	struct td_error *err);
void td_settings_free(struct td_settings *settings);

const struct td_setting_value *td_settings_value(
	const struct td_settings *settings, enum td_setting_id id);
/* The number of one that has a value, of the kinds with numbers. */
int64_t td_settings_number(const struct td_settings *settings, enum td_setting_id id);
bool td_settings_switch(const struct td_settings *settings, enum td_setting_id id);
/* A C string, as long as the settings live; NULL: not set. */
const char *td_settings_text(const struct td_settings *settings, enum td_setting_id id);
struct td_net_address td_settings_address(
	const struct td_settings *settings, enum td_setting_id id);
/* The logs of the file, in its order. */
const struct td_log_section *td_settings_logs(const struct td_settings *settings, size_t *count);
/* "default", "tidings.conf:12", "TIDINGS_HTTP", "--http". */
void td_settings_origin(
	const struct td_settings *settings, enum td_setting_id id, struct td_buf *buf);
/*
 * All of them, as a file that would be read the same: what is not set as a comment; with `origins`
 * each behind a comment that says from where it comes. What `tidings config` prints.
 */
void td_settings_write(const struct td_settings *settings, bool origins, struct td_buf *buf);

/*
 * Whether a server may listen as they say: beyond loopback it takes users, and TLS or `insecure`;
 * TLS takes certificate and key; a client's certificate takes TLS. TD_E_INVALID names the flag.
 */
int td_settings_check(const struct td_settings *settings, struct td_error *err);
/* The same of one that listens there, whatever they say of that. */
int td_settings_check_at(const struct td_settings *settings, const struct td_net_address *address,
	struct td_error *err);
/*
 * What differs between two: the names of those that take a restart, between ", ", into the buffer.
 * Returns how many differ in all, logs included.
 */
size_t td_settings_compare(
	const struct td_settings *old, const struct td_settings *now, struct td_buf *restart);

/* The file that flags and environment name, to be read for td_settings_new(); absent: none. */
struct td_text td_settings_file(const struct td_settings_sources *sources);

#endif
