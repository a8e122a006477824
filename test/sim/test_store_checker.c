/*
 * The checker of stores must catch every wrong history, and let right ones pass. A history is
 * written as words, one after another:
 *
 *	w1            an append of value 1 is asked for (log 1, subject 1)
 *	w1/s2k5=3     ... of subject 2, with key 5, expecting revision 3 (=0 none, =* one)
 *	w1+2          ... of values 1 and 2 together; what is behind a slash is the second's alone
 *	ok1@4.2.1     the newest append of value 1 is answered: position 4, seq 2, revision 1
 *	dup1@4.2.1    the same, as a duplicate
 *	no1  no1=3    it is refused; for its revision, which is 3
 *	rm2  rm2?     seq 2 of log 1 is removed; that was asked for, and never answered
 *	er2  er2?     ... and is to be erased
 *	L2  Ls2       log 1 keeps two events; two of each subject
 *	fg2@7  fg2@7? subject 2 of log 1 is forgotten, at position 7; that was never answered
 *	told3-5       seqs 3 to 5 of log 1 were told to be erased; all that was told is known then
 *	LB9           log 1 keeps 9 bytes; w1/b5 is one of 5
 *	W20           keys of log 1 are known for 20 ms; w1/t7 is asked for at 7 ms, and ok1@4.2.1t7 came then
 *	no1k          it is refused for its key
 *	ad2@9  ad2@9? log 2 took over log 1's events of area 0 below position 9; nobody was told
 *	del1  del1?   log 1 is deleted
 *	b1            a copy is made; as a pass from position 1
 *	p1  e1@4.2.1  a pass from position 1 begins; it sees value 1 there (a ! behind: damaged;
 *	              a :0, without its payload; /l2, in log 2)
 *	,  .  ..      the pass is broken off; came to the end; was the final one
 *	crash
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/checker.h"

/* --- the words ---------------------------------------------------------------------------- */

static struct sim_store_entry read_entry(const char *word)
{
	struct sim_store_entry entry = {.log = 1, .subject = 1};
	char *at;

	entry.value = strtoull(word, &at, 10);
	if (*at == '/')
		at++;
	while (*at != 0) {
		char what = *at++;

		if (what == '=' && *at == '*') {
			entry.expect = SIM_STORE_EXISTS;
			at++;
			continue;
		}
		uint64_t number = strtoull(at, &at, 10);
		if (what == 's')
			entry.subject = (uint32_t)number;
		else if (what == 'l')
			entry.log = (uint32_t)number;
		else if (what == 'k')
			entry.key = number;
		else if (what == 'b')
			entry.bytes = number;
		else if (what == 'i')
			entry.imported = true;
		else if (what == 't')
			entry.time = (int64_t)number;
		else if (what == '=' && number == 0)
			entry.expect = SIM_STORE_NONE;
		else if (what == '=')
			entry.expect = SIM_STORE_EXACTLY, entry.revision_expected = number;
		else
			fail_msg("%s", word);
	}
	return entry;
}

static void ask(struct sim_store_history *history, char *word)
{
	struct sim_store_entry entries[4];
	size_t count = 0;
	char *rest;

	for (char *part = strtok_r(word, "+", &rest); part != NULL;
		part = strtok_r(NULL, "+", &rest))
		entries[count++] = read_entry(part);
	sim_store_ask(history, entries, count);
	history->appends[history->appends_count - 1].asked_ms = entries[0].time;
}

/* What stands behind a t: milliseconds. */
static int64_t read_time(const char *word)
{
	const char *at = strchr(word, 't');

	return at != NULL ? strtoll(at + 1, NULL, 10) * 1000000 : 0;
}

/* The newest entry of a value. */
static struct sim_store_entry *find(struct sim_store_history *history, uint64_t value)
{
	for (size_t i = history->entries_count; i-- > 0;)
		if (history->entries[i].value == value)
			return &history->entries[i];
	fail_msg("value %" PRIu64, value);
	return NULL;
}

/* The first value of an append answers for it; of the others it tells the place. */
static void answer(struct sim_store_history *history, const char *word, bool duplicate)
{
	uint64_t value, position, seq, revision;
	struct sim_store_entry *entry;

	assert_int_equal(sscanf(word, "%" SCNu64 "@%" SCNu64 ".%" SCNu64 ".%" SCNu64, &value,
				 &position, &seq, &revision),
		4);
	entry = find(history, value);
	entry->position = position;
	entry->seq = seq;
	entry->revision = revision;
	entry->duplicate = duplicate;
	entry->time = read_time(word);
	if (history->appends[entry->append].outcome == SIM_STORE_UNKNOWN)
		sim_store_answer(history, entry->append, SIM_STORE_OK);
}

static void refuse(struct sim_store_history *history, const char *word)
{
	char *at;
	struct sim_store_entry *entry = find(history, strtoull(word, &at, 10));
	struct sim_store_append *append = &history->appends[entry->append];

	sim_store_answer(history, entry->append, SIM_STORE_FAILED);
	append->other_content = *at == 'k';
	if (*at == '=') {
		append->conflict = true;
		append->revision_found = strtoull(at + 1, NULL, 10);
	}
}

static void see(struct sim_store_history *history, const char *word)
{
	struct sim_store_event event = {.log = 1, .subject = 1};

	assert_int_equal(sscanf(word, "%" SCNu64 "@%" SCNu64 ".%" SCNu64 ".%" SCNu64, &event.value,
				 &event.position, &event.seq, &event.revision),
		4);
	event.intact = strchr(word, '!') == NULL;
	event.erased = strstr(word, ":0") != NULL;
	event.time = read_time(word);
	for (size_t i = 0; i < history->entries_count; i++)
		if (history->entries[i].value == event.value) {
			event.log = history->entries[i].log;
			event.subject = history->entries[i].subject;
		}
	if (strstr(word, "/l") != NULL)
		event.log = (uint32_t)strtoul(strstr(word, "/l") + 2, NULL, 10);
	sim_store_pass_see(history, &event);
}

static void forget(struct sim_store_history *history, const char *word)
{
	char *at;
	size_t number = sim_store_ask_forget(history, 1, (uint32_t)strtoul(word, &at, 10));

	assert_int_equal(*at, '@');
	history->forgets[number].position = strtoull(at + 1, &at, 10);
	if (*at != '?')
		sim_store_answer_forget(
			history, number, *at == '!' ? SIM_STORE_FAILED : SIM_STORE_OK);
}

static void tell(struct sim_store_history *history, const char *word)
{
	struct sim_store_told told = {.log = 1};

	history->told_all = true;
	if (sscanf(word, "%" SCNu64 "-%" SCNu64, &told.from, &told.to) == 2)
		sim_store_tell_erased(history, told);
}

static void adopt(struct sim_store_history *history, const char *word)
{
	size_t number = sim_store_ask_adoption(history, 1, 0);
	char *at;

	history->adoptions[number].log = (uint32_t)strtoul(word, &at, 10);
	if (*at != '@')
		return;
	history->adoptions[number].position = strtoull(at + 1, &at, 10);
	if (*at != '?')
		sim_store_answer_adoption(
			history, number, *at == '!' ? SIM_STORE_FAILED : SIM_STORE_OK);
}

static void delete (struct sim_store_history *history, const char *word)
{
	char *at;
	size_t number = sim_store_ask_deletion(history, (uint32_t)strtoul(word, &at, 10));

	if (*at != '?')
		sim_store_answer_deletion(
			history, number, *at == '!' ? SIM_STORE_FAILED : SIM_STORE_OK);
}

static void limit(struct sim_store_history *history, const char *word)
{
	struct sim_store_limits limits = {.log = 1};
	uint64_t *what = *word == 's'   ? &limits.subject_max
			 : *word == 'B' ? &limits.bytes_max
					: &limits.count_max;

	*what = strtoull(word + (*word == 's' || *word == 'B'), NULL, 10);
	sim_store_limit(history, limits);
}

static void read_word(struct sim_store_history *history, char *word)
{
	size_t number;

	if (*word == 'w')
		ask(history, word + 1);
	else if (strncmp(word, "ok", 2) == 0)
		answer(history, word + 2, false);
	else if (strncmp(word, "dup", 3) == 0)
		answer(history, word + 3, true);
	else if (strncmp(word, "no", 2) == 0)
		refuse(history, word + 2);
	else if (strncmp(word, "rm", 2) == 0 || strncmp(word, "er", 2) == 0) {
		number = sim_store_ask_removal(
			history, 1, strtoull(word + 2, NULL, 10), word[0] == 'e');
		if (strchr(word, '?') == NULL)
			sim_store_answer_removal(history, number, SIM_STORE_OK);
	} else if (strncmp(word, "fg", 2) == 0)
		forget(history, word + 2);
	else if (strncmp(word, "told", 4) == 0)
		tell(history, word + 4);
	else if (*word == 'L')
		limit(history, word + 1);
	else if (*word == 'W')
		sim_store_window(history, 1, strtoll(word + 1, NULL, 10));
	else if (strncmp(word, "ad", 2) == 0)
		adopt(history, word + 2);
	else if (strncmp(word, "del", 3) == 0)
		delete (history, word + 3);
	else if (*word == 'b')
		number = sim_store_pass_begin(history, strtoull(word + 1, NULL, 10)),
		history->passes[number].copy = true;
	else if (*word == 'p')
		sim_store_pass_begin(history, strtoull(word + 1, NULL, 10));
	else if (*word == 'e')
		see(history, word + 1);
	else if (*word == ',' || *word == '.')
		sim_store_pass_end(history, *word == '.', word[0] == '.' && word[1] == '.');
	else if (strcmp(word, "crash") == 0)
		sim_store_crash(history);
	else
		fail_msg("%s", word);
}

static void read_history(struct sim_store_history *history, const char *words)
{
	char copy[1000], *rest;

	assert_true(strlen(words) < sizeof(copy));
	strcpy(copy, words);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL;
		word = strtok_r(NULL, " ", &rest))
		read_word(history, word);
}

static enum sim_store_rule judged(const char *words, char text[200])
{
	struct sim_store_history history = SIM_STORE_HISTORY_INIT;
	struct sim_store_violation violation;
	bool passed;

	read_history(&history, words);
	passed = sim_store_check(&history, &violation);
	assert_int_equal(passed, violation.rule == SIM_STORE_RULE_NONE);
	memcpy(text, violation.text, 200);
	sim_store_history_fini(&history);
	return violation.rule;
}

/* --- the tables --------------------------------------------------------------------------- */

/* clang-format off */
static const char *const clean[] = {
	"p1 ..",
	"w1 ok1@1.1.1 p1 e1@1.1.1 ..",
	"w1 p1 ..",                                     /* unknown: may be missing */
	"w1 p1 e1@1.1.1 ..",                            /* ... or there */
	"w1 crash p1 e1@1.1.1 . crash p1 e1@1.1.1 ..",
	"w1 no1 w2 ok2@1.1.1 p1 e2@1.1.1 ..",
	"w1 w2 ok2@1.1.1 ok1@2.2.2 p1 e2@1.1.1 e1@2.2.2 ..", /* asked together: any order */
	"w1 ok1@1.1.1 w2/s2 ok2@2.2.1 p2 e2@2.2.1 . p1 e1@1.1.1 , p1 e1@1.1.1 e2@2.2.1 ..",
	"w1/l1 ok1@1.1.1 w2/l2 ok2@2.1.1 p1 e1@1.1.1 e2@2.1.1 ..",
	"w1/k1 crash w1/k1 dup1@1.1.1 p1 e1@1.1.1 ..",  /* tried again */
	"w1/k1 crash w1/k1 ok1@1.1.1 p1 e1@1.1.1 ..",
	"w1/k1 ok1@1.1.1 w1/k1 dup1@1.1.1 p1 e1@1.1.1 ..",
	"w1/k1 ok1@1.1.1 w2/k1 no2 p1 e1@1.1.1 ..",     /* other content, refused */
	"w1/k1 ok1@1.1.1 w2/k1l2 ok2@2.1.1 p1 e1@1.1.1 e2@2.1.1 ..", /* keys are the log's */
	"w1+2 ok1@1.1.1 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 ..",
	"w1+2/s2 crash p1 e1@1.1.1 e2@2.2.1 ..",
	"w1/=0 ok1@1.1.1 w2/=1 ok2@2.2.2 w3/=* ok3@3.3.3 p1 e1@1.1.1 e2@2.2.2 e3@3.3.3 ..",
	"w1 ok1@1.1.1 w2/=3 no2=1 w3/=0 no3=1 p1 e1@1.1.1 ..",
	"w1/=* no1=0 p1 ..",
	"w1 w2/=0 no2=1 ok1@1.1.1 p1 e1@1.1.1 ..",      /* it may have been there already */
	"w1 ok1@1.1.1 rm1 p1 ..",
	"w1 ok1@1.1.1 rm1? p1 ..",
	"w1 ok1@1.1.1 rm1? p1 e1@1.1.1 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm1 w3/=0 no3=2 p1 e2@2.2.2 ..",
	"w1 ok1@1.1.1 rm1 w2/=0 ok2@2.2.2 p1 e2@2.2.2 ..", /* revisions go on; none is alive */
	/* What was expected is the latest that lives. */
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm2 w3/=1 ok3@3.3.3 p1 e1@1.1.1 e3@3.3.3 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm2? w3/=2 ok3@3.3.3 p1 e1@1.1.1 e3@3.3.3 ..",
	/* Limits take the oldest, or do not yet. */
	"L1 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 ..",
	"L1 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 ..",
	"L1 w1 crash w2 ok2@2.2.2 p1 e2@2.2.2 ..",
	"Ls1 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 . L1 p1 e2@2.2.2 ..",
	/* Erased: its key alone decides. */
	"w1/k1 ok1@1.1.1 er1 w2/k1 dup2@1.1.1 w2/k1 dup2@1.1.1 p1 ..",
	"w1/k1 ok1@1.1.1 er1? w2/k1 dup2@1.1.1 p1 e1@1.1.1 ..",
	"w2/l2k1 no2 w1/k1 ok1@1.1.1 er1 w2/k1 dup2@1.1.1 p1 ..",
	"w1/k1 ok1@1.1.1 w2/k2 ok2@2.2.2 er1 w3/k1+2/k2 dup3@1.1.1 dup2@2.2.2 p1 e2@2.2.2 ..",
	"w1/k1 ok1@1.1.1 ad2@9 w2/s256k1 dup2@1.1.1 p1 e1@4.1.1/l2 ..", /* moved is erased, too */
	/* Forgotten: what stands before it has no payload from when that is told, or from before. */
	"w1 ok1@1.1.1 fg1@2 p1 e1@1.1.1:0 ..",
	"w1 ok1@1.1.1 fg1@2 w2 ok2@3.2.2 p1 e1@1.1.1:0 e2@3.2.2 ..",
	"w1 ok1@1.1.1 fg1@2? p1 e1@1.1.1 . p1 e1@1.1.1:0 ..",
	"w1 ok1@1.1.1 fg2@2 p1 e1@1.1.1 ..",            /* another subject */
	"w1 ok1@1.1.1 fg1@2! p1 e1@1.1.1 ..",           /* refused */
	"w1 ok1@1.1.1 p1 e1@1.1.1 fg1@2 . p1 e1@1.1.1:0 ..",
	"w1 ok1@1.1.1 fg1@2 w2 ok2@3.2.2 fg1@4 p1 e1@1.1.1:0 e2@3.2.2:0 .. told1-1 told1-2",
	"w1 ok1@1.1.1 w2/s2 ok2@2.2.1 er1 fg2@4 p1 e2@2.2.1:0 .. told1-1 told2-2",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm1 p1 e2@2.2.2 .. told",
	"w1 ok1@1.1.1 er1? p1 .. told1-1",
	"w1 ok1@1.1.1 er1? p1 .. told",
	"w1 crash rm1 w2 ok2@2.2.2 p1 e2@2.2.2 ..",     /* removed before anybody saw it */
	/* Came through a crash, was the one that was expected, and went before anybody saw it. */
	"L1 w1 crash w2/=* ok2@2.2.2 p1 e2@2.2.2 ..",
	"LB9 w1/b5 ok1@1.1.1 w2/b5 ok2@2.2.2 p1 e2@2.2.2 ..",
	"LB9 w1/b5 ok1@1.1.1 w2/b5 crash w3/b1 ok3@2.2.2 p1 e3@2.2.2 ..",
	/* Moved with the log that was made: here or there, and its revisions go on. */
	"w1 ok1@1.1.1 w2 ok2@2.2.2 ad2@9 p1 e1@4.1.1/l2 e2@5.2.2/l2 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 ad2? crash p1 e2@2.2.2 e1@4.1.1/l2 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm1 ad2@9 p1 e2@4.1.2/l2 . w3/l2 ok3@10.2.3 p1 e2@4.1.2/l2 e3@10.2.3 ..",
	"w1 ok1@1.1.1 w2 ok2@2.2.2 rm2 ad2@9 w3/l2 ok3@10.2.3 p1 e1@4.1.1/l2 e3@10.2.3 ..",
	"w1 ok1@1.1.1 p1 e1@1.1.1 ad2@9 e1@4.1.1/l2 ..", /* who reads on sees both */
	"w1 ok1@1.1.1 ad2@9 del2 p1 ..",
	"w1 ok1@1.1.1 ad2@9 p1 e1@4.1.1/l2 . del2? p1 ..",
	"w1/k1 ok1@1.1.1 ad2@9 w1/k1l2 dup1@4.1.1 p1 e1@4.1.1/l2 ..",
	"w1 ok1@1.1.1 ad2@9! p1 e1@1.1.1 ..",
	"w1/s256 ok1@1.1.1 ad2@9 p1 e1@1.1.1 ..",       /* not of its area */
	"w1 ok1@1.1.1 ad2@3 del2 w2 ok2@5.2.2 p1 e2@5.2.2 ..",
	"w1 ok1@1.1.1 fg1@2 ad2@9 p1 e1@4.1.1/l2:0 .. told1-1",
	/* A log made again is another. */
	"w1 ok1@1.1.1 del1 w2/l2 ok2@3.1.1 p1 e2@3.1.1 ..",
	"w1 ok1@1.1.1 del1? crash p1 e1@1.1.1 ..",
	"w1/k1 ok1@1.1.1 del1 w1/k1l2 ok1@3.1.1 p1 e1@3.1.1/l2 ..",
	"w1 ok1@1.1.1 er1 del1 p1 .. told",
	"w1+2/s2l3 crash del1 p1 e2@2.1.1/l3 ..",
	/* Keys are known for as long as the shortest window there was, at least. */
	"W20 w1/k1 ok1@1.1.1t1 w2/k1 ok2@2.2.2t21 p1 e1@1.1.1t1 e2@2.2.2t21 ..",
	"W20 w1/k1 ok1@1.1.1t1 W5 w2/k1 ok2@2.2.2t7 p1 e1@1.1.1t1 e2@2.2.2t7 ..",
	"W20 w1/k1 ok1@1.1.1t1 w2/k1t20 no2k p1 e1@1.1.1t1 ..",
	"W20 w1/k1 w2/k1t90 no2k p1 ..",                /* the first may have come just now */
	"W5 w1/k1 ok1@1.1.1t1 w2/k1 ok2@2.2.2t9 ad2@9 p1 e1@4.1.1/l2t1 e2@5.2.2/l2t9 ..",
	"w1/i5 ok1@1.1.5 p1 e1@1.1.5 ..",               /* imported with its revision */
	"L9 w1/i1 w2 ok2@2.2.9 p1 e2@2.2.9 ..",         /* ... and went before anybody saw it */
	/* A copy has no keys; what it saw was there. */
	"w1 ok1@1.1.1 b1 e1@1.1.1:0 . p1 e1@1.1.1 ..",
	"w1 b1 . p1 e1@1.1.1 ..",
	"w1 ok1@1.1.1 b1 w2 ok2@2.2.2 rm1 e2@2.2.2 . p1 e2@2.2.2 ..",
};

static const struct row {
	enum sim_store_rule rule;
	const char *words;
} rows[] = {
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 p1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 w2 ok2@2.2.2 crash p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 rm2 p1 .."},
	{SIM_STORE_RULE_LOST, "w1/k1 crash w1/k1 dup1@1.1.1 p1 .."},
	{SIM_STORE_RULE_PHANTOM, "p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_PHANTOM, "w1 no1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_PHANTOM, "p1 e1@1.1.1 . w1 ok1@1.1.1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_UNREAD, "w1 p1 e1@1.1.1 . crash p1 .."},
	{SIM_STORE_RULE_UNREAD, "w1 p1 e1@1.1.1 . crash p1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_POSITION, "w1 ok1@1.1.1 w2 ok2@1.2.2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_POSITION, "w1 p1 e1@1.1.1 . crash p1 e1@2.1.1 .."},
	{SIM_STORE_RULE_POSITION, "w1 w2 p1 e1@1.1.1 . crash p1 e2@1.1.1 .."},
	{SIM_STORE_RULE_SEQ, "w1 ok1@1.1.1 w2 ok2@2.1.2 p1 e1@1.1.1 e2@2.1.2 .."},
	{SIM_STORE_RULE_SEQ, "w1 ok1@1.2.1 p1 e1@1.2.1 .."},
	{SIM_STORE_RULE_SEQ, "w1 ok1@1.1.1 w2 ok2@2.3.2 p1 e1@1.1.1 e2@2.3.2 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.1 w2 ok2@2.2.1 p1 e1@1.1.1 e2@2.2.1 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.1 w2 ok2@2.2.3 p1 e1@1.1.1 e2@2.2.3 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.2 p1 e1@1.1.2 .."},
	{SIM_STORE_RULE_ORDER, "w1 ok1@2.2.2 w2 ok2@1.1.1 p1 e2@1.1.1 e1@2.2.2 .."},
	{SIM_STORE_RULE_ORDER, "w1 ok1@2.2.2 w2 p1 e2@1.1.1 e1@2.2.2 .."},
	{SIM_STORE_RULE_ORDER, "w1 p1 e1@2.2.2 . w2 ok2@1.1.1 p1 e2@1.1.1 e1@2.2.2 .."},
	{SIM_STORE_RULE_BACKWARD, "w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 e1@1.1.1 .."},
	{SIM_STORE_RULE_BACKWARD, "w1 ok1@1.1.1 p1 e1@1.1.1 e1@1.1.1 .."},
	{SIM_STORE_RULE_BACKWARD, "w1 ok1@1.1.1 p2 e1@1.1.1 , p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_STALE, "w1 ok1@1.1.1 p1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_STALE, "w1 ok1@1.1.1 crash p1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_CONTENT, "w1 ok1@1.1.1 p1 e1@1.1.1! .."},
	{SIM_STORE_RULE_ANSWER, "w1 ok1@1.1.1 p1 e1@2.1.1 .."},
	{SIM_STORE_RULE_ANSWER, "w1 ok1@1.1.1 p1 e1@1.2.1 .."},
	{SIM_STORE_RULE_ANSWER, "w1 ok1@1.1.2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 ok1@1.1.1 w1/k1 dup1@2.2.2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 ok1@1.1.1 w1/k1 ok1@1.1.1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 crash w1/k1 crash p1 e1@1.1.1 e1@2.2.2 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 ok1@1.1.1 w2/k1 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 .."},
	{SIM_STORE_RULE_LOST, "L1 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_LOST, "L2 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 .."},
	{SIM_STORE_RULE_LOST, "Ls1 w1/s2 ok1@1.1.1 w2 ok2@2.2.1 p1 e2@2.2.1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 .. L1"},
	{SIM_STORE_RULE_UNDEAD,
		"L1 w1 ok1@1.1.1 w2 ok2@2.2.2 p1 e2@2.2.2 . p1 e1@1.1.1 e2@2.2.2 .."},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 rm1? p1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_DUPLICATE, "w1/k1 dup1@1.1.1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_DUPLICATE, "w1/k1 ok1@1.1.1 rm1 w2/k1 dup2@1.1.1 p1 .."},
	{SIM_STORE_RULE_DUPLICATE, "w1/k1 ok1@1.1.1 w2/k1 dup2@1.1.1 er1 p1 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 ok1@1.1.1 er1 w1/k1 ok1@2.2.2 p1 e1@2.2.2 .."},
	{SIM_STORE_RULE_EXPECTED, "w1 ok1@1.1.1 w2/=3 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 .."},
	{SIM_STORE_RULE_EXPECTED, "w1 ok1@1.1.1 w2 ok2@2.2.2 w3/=1 ok3@3.3.3 p1 e1@1.1.1 e2@2.2.2 e3@3.3.3 .."},
	{SIM_STORE_RULE_EXPECTED, "w1 ok1@1.1.1 w2 ok2@2.2.2 rm2 w3/=2 ok3@3.3.3 p1 e1@1.1.1 e3@3.3.3 .."},
	{SIM_STORE_RULE_EXPECTED, "w1 ok1@1.1.1 w2/=0 ok2@2.2.2 p1 e1@1.1.1 e2@2.2.2 .."},
	{SIM_STORE_RULE_EXPECTED, "w1/=* ok1@1.1.1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_EXPECTED, "w1 ok1@1.1.1 rm1 w2/=* ok2@2.2.2 p1 e2@2.2.2 .."},
	{SIM_STORE_RULE_CONFLICT, "w1 ok1@1.1.1 w2/=3 no2=2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_CONFLICT, "w1 ok1@1.1.1 w2 ok2@2.2.2 w3/=3 no3=1 p1 e1@1.1.1 e2@2.2.2 .."},
	{SIM_STORE_RULE_CONFLICT, "w1 ok1@1.1.1 w2/=1 no2=1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_CONFLICT, "w1 ok1@1.1.1 w2/=* no2=1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_CONFLICT, "w1/=0 no1=0 p1 .."},
	{SIM_STORE_RULE_CONFLICT, "w1/=0 no1=1 w2 ok2@1.1.1 p1 e2@1.1.1 .."},
	{SIM_STORE_RULE_TORN, "w1+2/s2 crash p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_TORN, "w1+2/s2 crash p1 e2@1.1.1 .."},
	{SIM_STORE_RULE_TORN, "w3 w1+2 crash p1 e1@1.1.1 e3@2.2.2 e2@3.3.3 .."},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 rm1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_HIDDEN, "w1 ok1@1.1.1 p1 e1@1.1.1:0 .."},
	{SIM_STORE_RULE_HIDDEN, "w1 ok1@1.1.1 fg2@2 p1 e1@1.1.1:0 .."},
	{SIM_STORE_RULE_HIDDEN, "w1 ok1@1.1.1 fg1@2! p1 e1@1.1.1:0 .."},
	{SIM_STORE_RULE_HIDDEN, "w1 ok1@1.1.1 fg1@2 w2 ok2@3.2.2 p1 e1@1.1.1:0 e2@3.2.2:0 .."},
	{SIM_STORE_RULE_HIDDEN, "w1 ok1@1.1.1 p1 e1@1.1.1:0 . fg1@2 p1 e1@1.1.1:0 .."},
	{SIM_STORE_RULE_REVEALED, "w1 ok1@1.1.1 fg1@2 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_REVEALED, "w1 ok1@1.1.1 fg1@2 crash w2 ok2@3.2.2 fg1@4? p1 e1@1.1.1 e2@3.2.2 .."},
	{SIM_STORE_RULE_REVEALED, "w1 ok1@1.1.1 fg1@2? crash p1 e1@1.1.1:0 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_UNTOLD, "w1 ok1@1.1.1 fg1@2 p1 e1@1.1.1:0 .. told"},
	{SIM_STORE_RULE_UNTOLD, "w1 ok1@1.1.1 er1 p1 .. told"},
	{SIM_STORE_RULE_UNTOLD, "w1 ok1@1.1.1 w2 ok2@2.2.2 w3 ok3@3.3.3 fg1@4 p1 e1@1.1.1:0 e2@2.2.2:0 "
				"e3@3.3.3:0 .. told1-1 told3-9"},
	{SIM_STORE_RULE_MISTOLD, "w1 ok1@1.1.1 p1 e1@1.1.1 .. told1-1"},
	{SIM_STORE_RULE_MISTOLD, "w1 ok1@1.1.1 rm1 p1 .. told1-1"},
	{SIM_STORE_RULE_LOST, "LB9 w1/b5 ok1@1.1.1 w2/b4 ok2@2.2.2 p1 e2@2.2.2 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 ad2@9 p1 .."},
	{SIM_STORE_RULE_STALE, "w1 ok1@1.1.1 ad2@9 p1 . p1 e1@4.1.1/l2 .."},
	{SIM_STORE_RULE_LOST, "w1/s256 ok1@1.1.1 ad2@9 p1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 ad2@9! p1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 ad2@9 p1 .. del2"},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 ad2@9 p1 e1@1.1.1 e1@4.1.1/l2 .."},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 ad2@9? p4 e1@4.1.1/l2 . p1 e1@1.1.1 e1@4.1.1/l2 .."},
	{SIM_STORE_RULE_PHANTOM, "w1 ok1@1.1.1 p1 e1@1.1.1 e1@4.1.1/l2 .."},
	{SIM_STORE_RULE_PHANTOM, "w1 ok1@1.1.1 p1 e1@1.1.1 e1@4.1.1/l2 . ad2@9 p1 e1@4.1.1/l2 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.1 ad2@9 p1 e1@4.1.1/l2 . w2/l2 ok2@9.2.4 p1 e1@4.1.1/l2 e2@9.2.4 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.1 w2 ok2@2.2.2 ad2@9 p1 e2@4.1.2/l2 e1@5.2.1/l2 .."},
	{SIM_STORE_RULE_TWICE, "w1/k1 ok1@1.1.1 ad2@9 p1 e1@4.1.1/l2 . w2/k1l2 ok2@9.2.2 p1 e1@4.1.1/l2 e2@9.2.2 .."},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 del1 p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_UNDEAD, "w1 ok1@1.1.1 del1? p1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_LOST, "w1 ok1@1.1.1 del1! p1 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.1 del1 w2/l2 ok2@3.1.2 p1 e2@3.1.2 .."},
	{SIM_STORE_RULE_TWICE, "W20 w1/k1 ok1@1.1.1t1 w2/k1 ok2@2.2.2t20 p1 e1@1.1.1t1 e2@2.2.2t20 .."},
	{SIM_STORE_RULE_WINDOW, "W20 w1/k1 ok1@1.1.1t1 w2/k1t40 no2k p1 e1@1.1.1t1 .."},
	{SIM_STORE_RULE_WINDOW, "w1/k1 no1k p1 .."},
	{SIM_STORE_RULE_MOVED, "w1 ok1@1.1.1 rm1 w2 ok2@2.2.2 ad2@9 p1 e2@4.1.1/l2 .."},
	{SIM_STORE_RULE_MOVED, "w1 ok1@1.1.1t1 ad2@9 p1 e1@4.1.1/l2t2 .."},
	{SIM_STORE_RULE_REVISION, "w1 ok1@1.1.5 w2/i5 ok2@2.2.9 p1 e1@1.1.5 e2@2.2.9 .."},
	{SIM_STORE_RULE_STALE, "w1 ok1@1.1.1 b1 . p1 e1@1.1.1 .."},
	{SIM_STORE_RULE_UNREAD, "w1 b1 e1@1.1.1 . crash p1 .."},
	{SIM_STORE_RULE_REVEALED, "w1 ok1@1.1.1 fg1@2 b1 e1@1.1.1 . p1 e1@1.1.1:0 .."},
	{SIM_STORE_RULE_MISTOLD, "w1 ok1@1.1.1 fg1@2 w2 ok2@3.2.2 p1 e1@1.1.1:0 e2@3.2.2 .. told1-2"},
};
/* clang-format on */

static void right_histories_pass(void **state)
{
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
		if (judged(clean[i], text) != SIM_STORE_RULE_NONE)
			fail_msg("%s\n%s", clean[i], text);
}

static void wrong_histories_are_caught_by_their_rule(void **state)
{
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum sim_store_rule rule = judged(rows[i].words, text);

		if (rule != rows[i].rule)
			fail_msg("%s\n%s, not %s: %s", rows[i].words, sim_store_rule_name(rule),
				sim_store_rule_name(rows[i].rule), text);
	}
}

static void each_rule_is_broken_at_least_once(void **state)
{
	bool broken[SIM_STORE_RULES_COUNT] = {true};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		broken[rows[i].rule] = true;
	for (size_t i = 0; i < SIM_STORE_RULES_COUNT; i++)
		if (!broken[i])
			fail_msg("%s", sim_store_rule_name((enum sim_store_rule)i));
}

/* --- damage to long clean histories ------------------------------------------------------- */

/* A store that does everything right, used by a few clients at once. */
static void play_clean(struct sim_store_history *history, struct td_rng *rng)
{
	uint64_t revisions[5] = {0};
	size_t open[4], opened = 0;
	uint64_t position = 0;

	for (uint64_t value = 1; value <= 60; value++) {
		struct sim_store_entry entry = {.value = value,
			.log = 1,
			.subject = (uint32_t)td_rng_below(rng, 5),
			.key = value};

		open[opened++] = sim_store_ask(history, &entry, 1);
		while (opened == 4 || (opened > 0 && (value == 60 || td_rng_below(rng, 3) == 0))) {
			size_t which = td_rng_below(rng, opened);
			struct sim_store_entry *answered = sim_store_entries(history, open[which]);

			answered->position = answered->seq = ++position;
			answered->revision = ++revisions[answered->subject];
			sim_store_answer(history, open[which], SIM_STORE_OK);
			open[which] = open[--opened];
		}
	}
	sim_store_pass_begin(history, 1);
	for (uint64_t at = 1; at <= position; at++)
		for (size_t i = 0; i < history->entries_count; i++) {
			const struct sim_store_entry *entry = &history->entries[i];
			struct sim_store_event event = {.position = entry->position,
				.seq = entry->seq,
				.revision = entry->revision,
				.log = 1,
				.subject = entry->subject,
				.value = entry->value,
				.intact = true};

			if (entry->position == at)
				sim_store_pass_see(history, &event);
		}
	sim_store_pass_end(history, true, true);
}

static void damage(struct sim_store_history *history, struct td_rng *rng)
{
	struct sim_store_event *events = history->events;
	size_t count = history->events_count, at = td_rng_below(rng, count), other;
	uint64_t value;

	switch (td_rng_below(rng, 6)) {
	case 0: /* one is missing */
		memmove(&events[at], &events[at + 1], (count - at - 1) * sizeof(*events));
		history->passes[0].events_count--;
		break;
	case 1: /* two have changed places */
		other = (at + 1 + td_rng_below(rng, count - 1)) % count;
		value = events[at].value;
		events[at].value = events[other].value;
		events[other].value = value;
		break;
	case 2:
		events[at].seq++;
		break;
	case 3:
		events[at].revision++;
		break;
	case 4:
		events[at].intact = false;
		break;
	default: /* one is there twice */
		events[at] = events[(at + 1) % count];
		break;
	}
}

static void damage_to_a_clean_history_is_found(void **state)
{
	struct td_rng rng;

	(void)state;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct sim_store_history history = SIM_STORE_HISTORY_INIT;
		struct sim_store_violation violation;

		td_rng_init(&rng, seed);
		play_clean(&history, &rng);
		if (!sim_store_check(&history, &violation))
			fail_msg("seed %" PRIu64 ": %s", seed, violation.text);
		damage(&history, &rng);
		if (sim_store_check(&history, &violation))
			fail_msg("seed %" PRIu64 ": the damage was not found", seed);
		sim_store_history_fini(&history);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_histories_pass),
		cmocka_unit_test(wrong_histories_are_caught_by_their_rule),
		cmocka_unit_test(each_rule_is_broken_at_least_once),
		cmocka_unit_test(damage_to_a_clean_history_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
