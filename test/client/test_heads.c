/*
 * Heads of the chain, exported while a place is used, and what a verifier makes of them afterwards.
 */
#include "stored.h"

#include <poll.h>

#include "journal/journal.h"

static const char secret[] = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n";

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static char *read_file(const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "re");
	size_t got;

	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	text[got] = '\0';
	fclose(file);
	return text;
}

static size_t lines_of(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

/* A place of its own, with heads into a file beside it. */
struct kept {
	struct stored s;
	char heads[300], key[300];
	struct td_heads options;
};

static void begin(struct kept *kept, unsigned flags, int64_t every_ms)
{
	struct td_options options = {.flags = flags, .heads = &kept->options};

	memset(kept, 0, sizeof(*kept));
	kept->s.file = true;
	snprintf(kept->s.directory, sizeof(kept->s.directory), "%s", fresh_directory());
	snprintf(kept->heads, sizeof(kept->heads), "%s-heads", kept->s.directory);
	snprintf(kept->key, sizeof(kept->key), "%s-key", kept->s.directory);
	remove(kept->heads);
	write_file(kept->key, secret);
	kept->options =
		(struct td_heads){.to = kept->heads, .key_file = kept->key, .every_ms = every_ms};
	kept->s.td = open_file(kept->s.directory, &options);
}

static void end(struct kept *kept)
{
	remove_tree(kept->s.directory);
	remove(kept->heads);
	remove(kept->key);
}

struct seen {
	unsigned kinds[6];
	uint64_t proven;
};

static void note(void *arg, const struct td_finding *finding)
{
	struct seen *seen = arg;

	seen->kinds[finding->kind]++;
	if (finding->kind == TD_FINDING_HEAD && finding->position_to > seen->proven)
		seen->proven = finding->position_to;
}

static int verify(const char *directory, const char *heads, struct seen *seen)
{
	struct td_verify_options options = {.heads = td_text(heads)};

	memset(seen, 0, sizeof(*seen));
	return td_journal_verify(&td_disk_real, directory, &options, note, seen, NULL);
}

static void wait_for_heads(struct td *td, uint64_t position)
{
	struct td_status status;

	for (int i = 0; i < 5000; i++) {
		assert_int_equal(td_status(td, &status, NULL), 0);
		assert_string_equal(status.heads_failure, "");
		if (status.heads_position >= position)
			return;
		usleep(1000);
	}
	fail_msg("no head of position %llu came", (unsigned long long)position);
}

static void heads_come_by_schedule_and_prove_the_history(void **state)
{
	struct kept kept;
	struct seen seen;
	uint64_t position;

	(void)state;
	begin(&kept, 0, 10);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
		wait_for_heads(kept.s.td, td_position(kept.s.td));
	}
	assert_int_equal(publish(kept.s.td, "T", "order.2"), 0);
	position = td_position(kept.s.td);
	assert_int_equal(td_close(kept.s.td), 0); /* and a last one */
	assert_int_equal(verify(kept.s.directory, read_file(kept.heads), &seen), 0);
	assert_true(seen.kinds[TD_FINDING_HEAD] >= 5);
	assert_int_equal(seen.kinds[TD_FINDING_HEAD], lines_of(read_file(kept.heads)));
	assert_true(seen.proven >= position - 1);
	end(&kept);
}

static void nothing_new_is_no_new_head(void **state)
{
	struct kept kept;
	size_t lines;

	(void)state;
	begin(&kept, 0, 10);
	assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
	wait_for_heads(kept.s.td, td_position(kept.s.td));
	lines = lines_of(read_file(kept.heads));
	usleep(150000); /* a mark came meanwhile */
	assert_int_equal(lines_of(read_file(kept.heads)), lines);
	assert_int_equal(td_close(kept.s.td), 0);
	assert_int_equal(lines_of(read_file(kept.heads)), lines);
	end(&kept);
}

/* Somebody puts an old copy of the store in the place of the new one, and goes on with that. */
static void a_store_that_was_put_back_does_not_pass_for_the_true_one(void **state)
{
	char backup[300];
	struct kept kept;
	struct seen seen;
	struct td *td;

	(void)state;
	begin(&kept, 0, 60000);
	snprintf(backup, sizeof(backup), "%s-b", kept.s.directory);
	for (int i = 0; i < 5; i++)
		assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
	assert_int_equal(td_backup(kept.s.td, backup, NULL, NULL, NULL), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(publish(kept.s.td, "Paid", "order.1"), 0);
	assert_int_equal(td_close(kept.s.td), 0);
	assert_int_equal(verify(kept.s.directory, read_file(kept.heads), &seen), 0);
	remove_tree(kept.s.directory);
	assert_int_equal(td_restore(backup, kept.s.directory, NULL, NULL, NULL), 0);
	assert_int_equal(verify(kept.s.directory, read_file(kept.heads), &seen), TD_E_DAMAGED);
	td = open_file(kept.s.directory, NULL);
	for (int i = 0; i < 9; i++)
		assert_int_equal(publish(td, "Unpaid", "order.1"), 0);
	assert_int_equal(td_close(td), 0);
	assert_int_equal(verify(kept.s.directory, NULL, &seen), 0);
	assert_int_equal(verify(kept.s.directory, read_file(kept.heads), &seen), TD_E_DAMAGED);
	remove_tree(backup);
	end(&kept);
}

static void a_line_that_was_cut_off_stays_alone(void **state)
{
	struct kept kept;
	const char *text;

	(void)state;
	begin(&kept, 0, 60000);
	write_file(kept.heads, "tidings-head-1 store=01");
	assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
	assert_int_equal(td_close(kept.s.td), 0);
	text = read_file(kept.heads);
	assert_int_equal(lines_of(text), 2);
	assert_non_null(strstr(text, "store=01\ntidings-head-1 store="));
	end(&kept);
}

static void without_threads_heads_are_due_through_the_loop(void **state)
{
	struct kept kept;
	struct td_status status = {0};
	struct pollfd poll_fd;

	(void)state;
	begin(&kept, TD_NO_THREADS, 30);
	poll_fd = (struct pollfd){td_loop_fd(kept.s.td), POLLIN, 0};
	assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
	for (int i = 0; i < 20 && status.heads_position < td_position(kept.s.td); i++) {
		assert_int_equal(poll(&poll_fd, 1, 5000), 1);
		assert_int_equal(td_loop_turn(kept.s.td, 0), 0);
		assert_int_equal(td_status(kept.s.td, &status, NULL), 0);
	}
	assert_int_equal(status.heads_position, td_position(kept.s.td));
	assert_int_equal(td_close(kept.s.td), 0);
	end(&kept);
}

/* --- who signs ---------------------------------------------------------------------------- */

static int refuses, asked;

static int sign_badly(void *arg, const void *text, size_t bytes, unsigned char signature[64])
{
	(void)arg, (void)text, (void)bytes;
	asked++;
	memset(signature, 7, 64);
	return refuses;
}

static void a_signer_elsewhere_is_asked_and_not_believed(void **state)
{
	static const unsigned char key[32] = {1};
	struct td_heads heads = {.key = key, .sign = sign_badly};
	struct td_options options = {.heads = &heads};
	const char *directory = fresh_directory();
	struct td_error err = TD_ERROR_INIT;
	char line[TD_HEAD_BYTES] = "as it was";
	struct td *td = open_file(directory, &options);

	(void)state;
	assert_int_equal(publish(td, "T", "order.1"), 0);
	refuses = 0;
	assert_int_equal(td_head(td, line, &err), TD_E_DAMAGED);
	refuses = 1;
	assert_int_equal(td_head(td, line, &err), TD_E_HANDLER);
	assert_string_equal(line, "as it was");
	assert_int_equal(asked, 2);
	assert_int_equal(td_close(td), 0);
	remove_tree(directory);
}

static void a_head_is_given_to_who_asks(void **state)
{
	struct kept kept;
	struct seen seen;
	char line[TD_HEAD_BYTES];

	(void)state;
	begin(&kept, 0, 60000);
	assert_int_equal(publish(kept.s.td, "T", "order.1"), 0);
	assert_int_equal(td_head(kept.s.td, line, NULL), 0);
	assert_int_equal(td_close(kept.s.td), 0);
	assert_int_equal(verify(kept.s.directory, line, &seen), 0);
	assert_int_equal(seen.kinds[TD_FINDING_HEAD], 1);
	end(&kept);
}

static void what_is_wrong_with_it_is_said_when_it_is_opened(void **state)
{
	char path[300], url[300], line[TD_HEAD_BYTES];
	struct td_error err = TD_ERROR_INIT;
	struct td_heads heads = {.to = "no/such/directory/heads", .key_file = path};
	struct td_options options = {.heads = &heads};
	const char *directory = fresh_directory();
	struct td *td;

	(void)state;
	snprintf(url, sizeof(url), "file:%s", directory);
	snprintf(path, sizeof(path), "%s-key", directory);
	assert_int_equal(td_open(&td, "mem:", &options, &err), TD_E_PLACE);
	assert_int_equal(td_open(&td, url, &options, &err), TD_E_SYSTEM);
	assert_non_null(strstr(err.text, "key"));
	write_file(path, "too short\n");
	assert_int_equal(td_open(&td, url, &options, &err), TD_E_FORMAT);
	write_file(path, secret);
	assert_int_equal(td_open(&td, url, &options, &err), TD_E_SYSTEM);
	assert_non_null(strstr(err.text, "no/such/directory/heads"));
	heads.to = NULL;
	heads.every_ms = -1;
	assert_int_equal(td_open(&td, url, &options, &err), TD_E_INVALID);
	heads.every_ms = 0;
	heads.key_file = NULL;
	assert_int_equal(td_open(&td, url, &options, &err), TD_E_INVALID);
	options.heads = NULL;
	td = open_file(directory, &options);
	assert_int_equal(td_head(td, line, &err), TD_E_PLACE);
	assert_int_equal(td_close(td), 0);
	remove(path);
	remove_tree(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_come_by_schedule_and_prove_the_history),
		cmocka_unit_test(nothing_new_is_no_new_head),
		cmocka_unit_test(a_store_that_was_put_back_does_not_pass_for_the_true_one),
		cmocka_unit_test(a_line_that_was_cut_off_stays_alone),
		cmocka_unit_test(without_threads_heads_are_due_through_the_loop),
		cmocka_unit_test(a_signer_elsewhere_is_asked_and_not_believed),
		cmocka_unit_test(a_head_is_given_to_who_asks),
		cmocka_unit_test(what_is_wrong_with_it_is_said_when_it_is_opened),
	};

	return cmocka_run_group_tests_name("client/heads", tests, NULL, NULL);
}
