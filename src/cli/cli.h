/*
 * cli: `tidings`, one file a verb.
 *
 * Each verb gets the words behind it, prints to standard output, says what went wrong on the other,
 * and answers the exit code: 0 done, 1 refused or failed, 2 usage, 6 damaged store, 7 disk failed.
 */
#ifndef TD_CLI_H
#define TD_CLI_H

int td_cli_backup(int argc, char **argv);
int td_cli_inspect(int argc, char **argv);
int td_cli_restore(int argc, char **argv);
int td_cli_verify(int argc, char **argv);

/* "tidings VERB: TEXT" and the exit code of the error. */
struct td_error;
int td_cli_failed(const char *verb, const struct td_error *err);
/* A text as a JSON string, quotes and all. */
void td_cli_json(const char *text, unsigned long long len);

#endif
