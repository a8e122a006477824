/*
 * Every setting of the server, in one table: the file, the environment, the flags, `tidings config`,
 * tidings.conf(5) and doc/reference/settings.md are made of it (tools/gen-settings).
 *
 *	X(ID, "name", KIND, "argument", "default", min, max, WHEN, "what")
 *
 * The name is the one name for all: `name = ` in the file, --name, TIDINGS_NAME (with "_" for "-").
 * An empty default: not set. WHEN it counts: LIVE (read again at SIGHUP), RESTART (of the server), or
 * START (a flag of the command line alone).
 */
#ifndef TD_SERVER_SETTINGS_TABLE_H
#define TD_SERVER_SETTINGS_TABLE_H

#define TD_KIB (INT64_C(1) << 10)
#define TD_MIB (INT64_C(1) << 20)
#define TD_GIB (INT64_C(1) << 30)
#define TD_SEC (INT64_C(1000))
#define TD_DAY (INT64_C(86400000))

/* clang-format off */
#define TD_SETTINGS_TABLE(X) \
	X(CONFIG,             "config",              PATH,    "FILE",      "",               0, 0, START, \
		"a file of settings to read; see tidings.conf(5)") \
	X(CHECK_CONFIG,       "check-config",        SWITCH,  "",          "no",             0, 0, START, \
		"read and check all settings and the files that they name, then end") \
	X(READY_FD,           "ready-fd",            COUNT,   "N",         "",               0, 1048576, START, \
		"write one JSON line with the addresses to this descriptor as soon as it serves, and close it") \
	X(DATA,               "data",                PATH,    "DIR",       "./tidings-data", 0, 0, RESTART, \
		"the directory of the store; it is made if it is not there") \
	X(HTTP,               "http",                ADDRESS, "HOST:PORT", "127.0.0.1:8222", 0, 0, RESTART, \
		"where HTTP is spoken; port 0 picks one; beyond this machine it takes `users`, and `tls-cert` or `insecure`") \
	X(USERS,              "users",               PATH,    "FILE",      "",               0, 0, LIVE, \
		"who may do what; see tidings.users(5); without it everybody who can connect may do everything") \
	X(TLS_CERT,           "tls-cert",            PATH,    "FILE",      "",               0, 0, LIVE, \
		"speak TLS with this certificate, and those between it and its root: PEM") \
	X(TLS_KEY,            "tls-key",             PATH,    "FILE",      "",               0, 0, LIVE, \
		"the private key of `tls-cert`: PEM, without a password") \
	X(TLS_CLIENT_CA,      "tls-client-ca",       PATH,    "FILE",      "",               0, 0, LIVE, \
		"ask clients for a certificate, and accept those that these certificates signed: PEM") \
	X(TLS_CLIENT_REQUIRED, "tls-client-required", SWITCH, "",          "no",             0, 0, LIVE, \
		"refuse clients that show no certificate") \
	X(INSECURE,           "insecure",            SWITCH,  "",          "no",             0, 0, LIVE, \
		"let passwords and tokens cross the network in the clear: TLS is done by a proxy in front") \
	X(ORIGINS,            "origins",             TEXT,    "LIST",      "",               0, 0, LIVE, \
		"pages of other origins that may send requests, such as https://shop.example.org") \
	X(LOG_LEVEL,          "log-level",           CHOICE,  "error|warning|info|debug", "info", 0, 0, LIVE, \
		"how much the server tells of itself on standard error") \
	X(LOG_FORMAT,         "log-format",          CHOICE,  "text|json", "text",           0, 0, LIVE, \
		"how it tells it: lines for people, or one JSON object a line") \
	X(CONNECTIONS_MAX,     "connections-max",     COUNT,   "N",         "16384",          1, 1000000, LIVE, \
		"connections at once; one beyond is answered 503 and closed") \
	X(HEAD_BYTES_MAX,      "head-bytes-max",      BYTES,   "BYTES",     "16KiB",          1024, TD_MIB, LIVE, \
		"the head of a request; a longer one is answered 431") \
	X(BODY_BYTES_MAX,      "body-bytes-max",      BYTES,   "BYTES",     "8MiB",           1024, TD_GIB, LIVE, \
		"the body of a request; a longer one is answered 413") \
	X(BODIES_BYTES_MAX,    "bodies-bytes-max",    BYTES,   "BYTES",     "256MiB",         TD_MIB, 1024 * TD_GIB, LIVE, \
		"memory for what is being received, of all connections; beyond it is answered 503") \
	X(HEAD_TIME,           "head-time",           TIME,    "TIME",      "10s",            100, TD_DAY, LIVE, \
		"to send a head, and for a TLS handshake; later it is answered 408") \
	X(BODY_TIME,           "body-time",           TIME,    "TIME",      "60s",            100, TD_DAY, LIVE, \
		"to send a body; later it is answered 408") \
	X(IDLE_TIME,           "idle-time",           TIME,    "TIME",      "75s",            100, TD_DAY, LIVE, \
		"without a request on a connection, until it is closed") \
	X(STALL_TIME,          "stall-time",          TIME,    "TIME",      "30s",            100, TD_DAY, LIVE, \
		"in which a client takes nothing of what it is sent, until it is closed") \
	X(LINGER_TIME,         "linger-time",         TIME,    "TIME",      "2s",             1, TD_DAY, LIVE, \
		"to read on after the last answer of a connection, until it is closed") \
	X(PIPELINE_MAX,        "pipeline-max",        COUNT,   "N",         "64",             1, 65536, LIVE, \
		"requests of a connection that wait for their answers; then it is not read on") \
	X(OUTPUT_BYTES_MAX,    "output-bytes-max",    BYTES,   "BYTES",     "256KiB",         4096, TD_GIB, LIVE, \
		"answers that a connection has not taken yet; then it is not read on") \
	X(BATCH_EVENTS_MAX,    "batch-events-max",    COUNT,   "N",         "1000",           1, 65536, LIVE, \
		"events in one request; more are answered 413") \
	X(PAGE_EVENTS_MAX,     "page-events-max",     COUNT,   "N",         "10000",          1, 1000000, LIVE, \
		"events in the answer to one read; the rest follows by its Link") \
	X(PAGE_BYTES_MAX,      "page-bytes-max",      BYTES,   "BYTES",     "4MiB",           4096, TD_GIB, LIVE, \
		"the same in bytes") \
	X(FOLLOWERS_MAX,       "followers-max",       COUNT,   "N",         "10000",          1, 1000000, LIVE, \
		"followers at once; one beyond is answered 429") \
	X(FOLLOWER_BYTES_MAX,  "follower-bytes-max",  BYTES,   "BYTES",     "128KiB",         4096, TD_GIB, LIVE, \
		"held for a follower that does not read; the rest is read for it when it does") \
	X(HEARTBEAT_TIME,      "heartbeat-time",      TIME,    "TIME",      "15s",            100, TD_DAY, LIVE, \
		"of silence on a stream, until a comment is sent") \
	X(WAIT_TIME_MAX,       "wait-time-max",       TIME,    "TIME",      "60s",            1, TD_DAY, LIVE, \
		"the longest that a request may wait for events, or for a position") \
	X(READINGS_MAX,        "readings-max",        COUNT,   "N",         "64",             1, 65536, LIVE, \
		"reads at work at once; more wait their turn") \
	X(FEED_BYTES_MAX,      "feed-bytes-max",      BYTES,   "BYTES",     "4MiB",           4096, TD_GIB, LIVE, \
		"the newest events kept in memory for followers") \
	X(STOP_TIME,           "stop-time",           TIME,    "TIME",      "5s",             1, TD_DAY, LIVE, \
		"to finish what was asked when the server stops") \
	X(SERIES_MAX,         "series-max",          COUNT,   "N",         "2000",           100, 100000, RESTART, \
		"time series that /metrics shows; what is beyond is counted as `other`") \
	X(WORKERS,            "workers",             COUNT,   "N",         "2",              1, 64, RESTART, \
		"threads beside the loop: for the disk, handshakes and passwords") \
	X(PAYLOAD_BYTES_MAX,  "payload-bytes-max",   BYTES,   "BYTES",     "1MiB",           1, 8 * TD_MIB, RESTART, \
		"the data of one event") \
	X(CACHE_BYTES,        "cache-bytes",         BYTES,   "BYTES",     "16MiB",          TD_MIB, 1024 * TD_GIB, RESTART, \
		"memory for the newest events, which all who follow share") \
	X(INDEX_BYTES,        "index-bytes",         BYTES,   "BYTES",     "64MiB",          TD_MIB, 1024 * TD_GIB, RESTART, \
		"memory for parts of the index that can be read again") \
	X(SUBJECTS_MAX,       "subjects-max",        COUNT,   "N",         "16777216",       1, 16777216, RESTART, \
		"subjects that may be known; an event of a new one beyond is answered 429") \
	X(SEGMENT_BYTES_MAX,  "segment-bytes-max",   BYTES,   "BYTES",     "128MiB",         TD_MIB, 2 * TD_GIB, RESTART, \
		"the size of a full file of the journal; the last one is read whole when the store opens")

/* What can be said of a log: lines below `[log NAME]`. No flags; all are read again at SIGHUP. */
#define TD_LOG_SETTINGS_TABLE(X) \
	X(SUBJECTS,           "subjects",            PATTERNS, "PATTERNS", "",               0, 0, LIVE, \
		"the subjects that the log claims: \"order.>, invoice.*\"; no two logs claim one. Needed") \
	X(ERASABLE,           "erasable",            PATTERNS, "PATTERNS", "",               0, 0, LIVE, \
		"subjects whose data is sealed on the disk, so that it can be forgotten") \
	X(AGE,                "age",                 TIME,    "TIME",      "",               1, 36500 * TD_DAY, LIVE, \
		"events older than that are removed") \
	X(BYTES_MAX,          "bytes-max",           BYTES,   "BYTES",     "",               1, INT64_MAX, LIVE, \
		"the oldest events beyond that are removed") \
	X(COUNT_MAX,          "count-max",           COUNT,   "N",         "",               1, INT64_MAX, LIVE, \
		"the oldest events beyond so many are removed") \
	X(COUNT_PER_SUBJECT_MAX, "count-per-subject-max", COUNT, "N",      "",               1, INT64_MAX, LIVE, \
		"the oldest events of each subject beyond so many are removed") \
	X(DISCARD,            "discard",             CHOICE,  "old|new",   "old",            0, 0, LIVE, \
		"at a limit: remove old events, or refuse new ones") \
	X(DUPLICATES_TIME,    "duplicates-time",     TIME,    "TIME",      "2m",             0, 36500 * TD_DAY, LIVE, \
		"how long an id is known, so that an event sent twice is stored once; 0s: not at all") \
	X(DUPLICATES_MAX,     "duplicates-max",      COUNT,   "N",         "1000000",        1, 16777216, LIVE, \
		"and how many ids") \
	X(REVISIONS,          "revisions",           CHOICE,  "kept|forgotten", "kept",      0, 0, LIVE, \
		"whether a subject whose events are all gone goes on with its revisions, or begins at 1") \
	X(ADOPT,              "adopt",               SWITCH,  "",          "no",             0, 0, LIVE, \
		"take over what the log `events` holds of these subjects, which is refused else")
/* clang-format on */

#endif
