/*
 * The rules of the machine, each a script that is played against it, a step a word:
 *
 *	+1a         admit token 1 with key a; +1 without a key; +1a! answers FULL
 *	<1  <1#2    take gives token 1 (its 2nd attempt); <- gives none
 *	1<2  1<2#1  take behind 1 gives 2; 1<- gives none
 *	1=done      settle it: done retry skip park stop; 1=park>stopped where it becomes something else
 *	1=retry+50  not before 50 ms; 1=retry@130 and it is due at 130
 *	1=return    give it back untried
 *	1=retry-2   with any of these: two of its run behind it came back, too
 *	@100        now it is 100 ms
 *	next@100    when take may have something; next@never
 *	redrive:a   dismiss:a>1  drop>1  parked>1,2  clear>2 (how many it dropped)  resume
 *	            with ! behind: it answers false
 *	w2b1r0t0p0  counts of waiting, blocked, running, retrying, parked; then s: stopped, f:
 * parking place full
 *
 * After each step everything is verified.
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

#include "alloc.h"
#include "delivery/delivery.h"

#define TOKENS_MAX 64

struct rule {
	const char *name; /* a sentence */
	struct td_delivery_options options;
	const char *script;
};

struct play {
	const struct rule *rule;
	struct td_delivery *delivery;
	int64_t now_ms;
	void *tickets[TOKENS_MAX];
	char got[200]; /* what the step should have been */
};

/* A name's key is its letter. */
static uint64_t key_of(const char *at)
{
	return *at >= 'a' && *at <= 'z' ? (uint64_t)*at : 0;
}

static void play_admit(struct play *play, const char *at)
{
	char *end;
	uint64_t token = strtoull(at, &end, 10);
	int code = td_delivery_admit(play->delivery, token, key_of(end));

	assert_true(code == 0 || code == TD_E_FULL);
	snprintf(play->got, sizeof(play->got), "+%" PRIu64 "%s%s", token,
		key_of(end) != 0 ? (char[]){*end, 0} : "", code == 0 ? "" : "!");
}

static void play_take(struct play *play, const char *at)
{
	struct td_due due;

	if (!td_delivery_take(play->delivery, play->now_ms, &due)) {
		strcpy(play->got, "<-");
		return;
	}
	assert_in_range(due.token, 0, TOKENS_MAX - 1);
	play->tickets[due.token] = due.ticket;
	if (strchr(at, '#') != NULL)
		snprintf(play->got, sizeof(play->got), "<%" PRIu64 "#%u", due.token, due.attempt);
	else
		snprintf(play->got, sizeof(play->got), "<%" PRIu64, due.token);
}

static void play_take_behind(struct play *play, const char *at)
{
	long long token = strtoll(at, NULL, 10);
	struct td_due due;

	assert_in_range(token, 0, TOKENS_MAX - 1);
	if (!td_delivery_take_behind(play->delivery, play->tickets[token], play->now_ms, &due)) {
		snprintf(play->got, sizeof(play->got), "%lld<-", token);
		return;
	}
	assert_in_range(due.token, 0, TOKENS_MAX - 1);
	play->tickets[due.token] = due.ticket;
	snprintf(play->got, sizeof(play->got), "%lld<%" PRIu64, token, due.token);
	if (strchr(at, '#') != NULL)
		snprintf(play->got, sizeof(play->got), "%lld<%" PRIu64 "#%u", token, due.token,
			due.attempt);
}

static const char *const settles[] = {"done", "retry", "skip", "park", "stop"};
static const char *const verdicts[] = {"done", "retry", "skip", "park", "stopped"};

static void play_settle(struct play *play, const char *at)
{
	char *end;
	long long token = strtoll(at, &end, 10);
	const char *word = end + 1; /* behind "=" */
	size_t word_len = strspn(word, "abcdefghijklmnopqrstuvwxyz");
	long long after = word[word_len] == '+' ? strtoll(word + word_len, NULL, 10) : 0;
	struct td_settled settled;
	int settle = 0;

	assert_in_range(token, 0, TOKENS_MAX - 1);
	if (strncmp(word, "return", 6) == 0) {
		size_t more = td_delivery_return(play->delivery, play->tickets[token]) - 1;
		snprintf(play->got, sizeof(play->got), more > 0 ? "%lld=return-%zu" : "%lld=return",
			token, more);
		return;
	}
	while (strncmp(word, settles[settle], word_len) != 0)
		assert_in_range(++settle, 0, 4);
	settled = td_delivery_settle(play->delivery, play->tickets[token], (enum td_settle)settle,
		after, 0, play->now_ms);
	size_t len = (size_t)snprintf(
		play->got, sizeof(play->got), "%lld=%.*s", token, (int)word_len, word);
	if (after != 0)
		len += (size_t)snprintf(play->got + len, sizeof(play->got) - len, "+%lld", after);
	if (strchr(at, '@') != NULL)
		len += (size_t)snprintf(
			play->got + len, sizeof(play->got) - len, "@%" PRId64, settled.due_ms);
	if (strcmp(settles[settle], verdicts[settled.verdict]) != 0 &&
		(settle != TD_SETTLE_STOP || settled.verdict != TD_VERDICT_STOPPED))
		len += (size_t)snprintf(
			play->got + len, sizeof(play->got) - len, ">%s", verdicts[settled.verdict]);
	if (settled.withdrawn > 0)
		snprintf(play->got + len, sizeof(play->got) - len, "-%zu", settled.withdrawn);
}

static void play_next(struct play *play)
{
	int64_t next_ms = td_delivery_next_ms(play->delivery, play->now_ms);

	if (next_ms == INT64_MAX)
		strcpy(play->got, "next@never");
	else
		snprintf(play->got, sizeof(play->got), "next@%" PRId64, next_ms);
}

static void play_dismiss(struct play *play, const char *at)
{
	const char *key = strchr(at, ':') + 1;
	uint64_t token;

	if (td_delivery_dismiss(play->delivery, key_of(key), &token))
		snprintf(play->got, sizeof(play->got), "dismiss:%.*s>%" PRIu64,
			key_of(key) != 0 ? 1 : 0, key, token);
	else
		snprintf(play->got, sizeof(play->got), "dismiss:%.*s!", key_of(key) != 0 ? 1 : 0,
			key);
}

static void play_parked(struct play *play)
{
	size_t len = (size_t)sprintf(play->got, "parked");
	size_t cursor = 0;
	uint64_t key, token;
	char sign = '>';

	while (td_delivery_parked(play->delivery, &cursor, &key, &token)) {
		len += (size_t)snprintf(
			play->got + len, sizeof(play->got) - len, "%c%" PRIu64, sign, token);
		sign = ',';
	}
}

static void count_one(void *arg, uint64_t token)
{
	(void)token;
	(*(size_t *)arg)++;
}

static void play_outside(struct play *play, const char *at)
{
	uint64_t token;
	size_t dropped = 0;

	if (strncmp(at, "redrive:", 8) == 0) {
		snprintf(play->got, sizeof(play->got), "redrive:%.*s%s",
			key_of(at + 8) != 0 ? 1 : 0, at + 8,
			td_delivery_redrive(play->delivery, key_of(at + 8)) ? "" : "!");
	} else if (strncmp(at, "dismiss:", 8) == 0) {
		play_dismiss(play, at);
	} else if (strncmp(at, "drop", 4) == 0) {
		strcpy(play->got, "drop!");
		if (td_delivery_drop_oldest(play->delivery, &token))
			snprintf(play->got, sizeof(play->got), "drop>%" PRIu64, token);
	} else if (strncmp(at, "parked", 6) == 0) {
		play_parked(play);
	} else if (strncmp(at, "clear", 5) == 0) {
		td_delivery_clear(play->delivery, count_one, &dropped);
		snprintf(play->got, sizeof(play->got), "clear>%zu", dropped);
	} else if (strcmp(at, "resume") == 0) {
		td_delivery_resume(play->delivery);
		strcpy(play->got, at);
	} else {
		fail_msg("%s: no such step: %s", play->rule->name, at);
	}
}

static void play_counts(struct play *play)
{
	struct td_delivery_counts counts = td_delivery_counts(play->delivery);

	assert_int_equal(counts.owed,
		counts.waiting + counts.blocked + counts.running + counts.retrying + counts.parked);
	snprintf(play->got, sizeof(play->got), "w%zub%zur%zut%zup%zu%s%s", counts.waiting,
		counts.blocked, counts.running, counts.retrying, counts.parked,
		counts.stopped ? "s" : "", counts.parked_full ? "f" : "");
}

static void play_step(struct play *play, const char *at)
{
	if (*at == '+')
		play_admit(play, at + 1);
	else if (*at == '<')
		play_take(play, at);
	else if (*at == '@')
		play->now_ms = strtoll(strcpy(play->got, at) + 1, NULL, 10);
	else if (*at >= '0' && *at <= '9' && strchr(at, '<') != NULL)
		play_take_behind(play, at);
	else if (*at >= '0' && *at <= '9')
		play_settle(play, at);
	else if (strncmp(at, "next", 4) == 0)
		play_next(play);
	else if (*at == 'w')
		play_counts(play);
	else
		play_outside(play, at);
}

static void play_rule(void **state)
{
	const struct rule *rule = *state;
	struct play play = {.rule = rule};
	struct td_delivery_options options = rule->options;
	char script[1000];
	char *rest = script;

	if (options.owed_max == 0)
		options.owed_max = TOKENS_MAX;
	if (options.retry.jitter == 0)
		options.retry.jitter = -1;
	play.delivery = td_delivery_new(&options);
	assert_non_null(play.delivery);
	assert_in_range(strlen(rule->script), 1, sizeof(script) - 1);
	strcpy(script, rule->script);
	for (char *step; (step = strtok_r(rest, " ", &rest)) != NULL;) {
		struct td_buf dump = TD_BUF_INIT(100000);
		play_step(&play, step);
		td_delivery_dump(play.delivery, &dump);
		td_delivery_verify(play.delivery);
		if (strcmp(play.got, step) != 0)
			fail_msg("%s: at step %d, %s: it is %s\n%s", rule->name,
				(int)(step - script), step, play.got, dump.at);
		td_buf_fini(&dump);
	}
	td_delivery_free(play.delivery);
}

/* clang-format off */
#define KEYED .keyed = true
#define TRIES(n) .retry = {.attempts_max = (n)}
#define TOGETHER(n) .keyed = true, .together_max = (n)

static const struct rule rules[] = {
	/* --- order and turns --- */
	{"unkeyed_deliveries_run_side_by_side_in_order", {0},
	 "+1a +2a +3a w3b0r0t0p0 <1#1 <2#1 <3#1 <- w0b0r3t0p0 2=done 3=done 1=done w0b0r0t0p0"},
	{"key_zero_has_no_order_on_a_keyed_machine", {KEYED}, "+1 +2 <1 <2 1=done 2=done w0b0r0t0p0"},
	{"one_of_a_key_runs_and_the_rest_is_blocked", {KEYED},
	 "+1a +2a +3a w1b2r0t0p0 <1 <- w0b2r1t0p0 1=done w1b1r0t0p0 <2 <- 2=done <3 3=done w0b0r0t0p0"},
	{"keys_run_side_by_side", {KEYED}, "+1a +2b +3a +4b <1 <2 <- 2=done <4 1=done <3 3=done 4=done"},
	{"key_with_much_to_do_goes_behind_the_others", {KEYED},
	 "+1a +2a +3a +4b +5c <1 1=done <4 4=done <5 5=done <2 2=done <3"},
	/* --- together --- */
	{"one_at_a_time_where_nothing_else_is_asked_for", {KEYED}, "+1a +2a <1 1<- 1=done <2 2=done"},
	{"who_has_the_first_of_a_key_may_have_those_behind_it", {TOGETHER(3)},
	 "+1a +2a +3a +4a +5b <1#1 1<2#1 1<3#1 1<- 3<- w1b1r3t0p0 <5 5<- 5=done 1=done 2<4 w0b0r3t0p0 "
	 "2=done 3=done 4=done w0b0r0t0p0"},
	{"run_goes_on_with_what_is_admitted_later", {TOGETHER(9)},
	 "+1a <1 1<- +2a <- 1<2 +3a 1=done 2<3 2=done 3=done +4a <4 4=done w0b0r0t0p0"},
	{"without_a_key_nothing_is_behind_another", {TOGETHER(9)}, "+1 +2 <1 1<- <2 2<- 1=done 2=done"},
	{"run_is_withdrawn_from_one_that_is_retried", {TOGETHER(9), TRIES(2)},
	 "+1a +2a +3a +4a <1 1<2 1<3 1=retry@100-2 w0b3r0t1p0 <- @100 <1#2 1<2#1 1=done 2=done <3#1 3=done <4 4=done"},
	{"run_is_withdrawn_from_one_that_is_parked", {TOGETHER(9)},
	 "+1a +2a +3a <1 1<2 1=park-1 w0b0r0t0p3 <- redrive:a <1#1 1<2#1 1<3#1 1=done 2=done 3=done"},
	{"run_is_withdrawn_from_one_that_is_stopped_at", {TOGETHER(9)},
	 "+1a +2a <1 1<2 1=stop-1 w1b1r0t0p0s <- resume <1#1 1<2#1 1=done 2=done"},
	{"run_goes_on_behind_one_that_is_skipped", {TOGETHER(9)},
	 "+1a +2a +3a <1 1<2 1=skip w0b1r1t0p0 2=done <3 3=done w0b0r0t0p0"},
	{"second_of_a_run_is_retried_and_the_rest_waits_for_it", {TOGETHER(9), TRIES(2)},
	 "+1a +2a +3a <1 1<2 1<3 1=done 2=retry@100-1 w0b1r0t1p0 @100 <2#2 2=done <3#1 3=done"},
	{"run_returned_whole_is_first_again", {TOGETHER(9)},
	 "+1a +2a +3b <1 1<2 1=return-1 w2b1r0t0p0 <1#1 1<2#1 1=done 2=done <3 3=done"},
	{"end_of_a_run_returned_is_behind_what_runs", {TOGETHER(9)},
	 "+1a +2a +3a +4a <1 1<2 1<3 1<4 3=return-1 w0b2r2t0p0 <- 1<3#1 1=done 2=done 3=done <4#1 4=done"},
	{"run_keeps_to_running_max_and_a_stop", {TOGETHER(9), .running_max = 2},
	 "+1a +2a +3a +4b <1 1<2 1<- 1=done 2<3 2=done 3=return <3 <4 4=stop 3<- 3=done w1b0r0t0p0s"},
	{"run_keeps_to_the_rate", {TOGETHER(9), .rate_per_s = 10}, "+1a +2a <1 1<- @100 1<2 1=done 2=done"},
	{"drop_takes_the_one_behind_a_run", {TOGETHER(9)},
	 "+1a +2a +3a +4a <1 1<2 drop>3 drop>4 drop! 1=done 2=done w0b0r0t0p0"},
	{"drop_takes_what_came_back", {TOGETHER(9)}, "+1a +2a +3b <1 1<2 <3 2=return drop>2 drop! 1=done 3=done"},
	{"clear_leaves_a_run_whole", {TOGETHER(9)},
	 "+1a +2a +3a +4b <1 1<2 clear>2 w0b0r2t0p0 +5a 2<5 1=done 2=done 5=done w0b0r0t0p0"},
	{"run_cleared_and_retried_keeps_its_order", {TOGETHER(9), TRIES(2)},
	 "+1a +2a +3a <1 1<2 clear>1 1=retry@100-1 w0b1r0t1p0 @100 <1#2 1<2#1 1=done 2=done w0b0r0t0p0"},
	{"returned_delivery_is_first_again_and_was_not_tried", {KEYED},
	 "+1a +2a +3b <1#1 1=return w2b1r0t0p0 <1#1 1=done <3 <2#1"},
	{"running_max_holds", {.running_max = 2}, "+1 +2 +3 <1 <2 <- next@never 1=done next@0 <3 <-"},
	{"owed_max_holds_for_all_that_is_not_gone", {KEYED, .owed_max = 3, TRIES(2)},
	 "+1a +2a +3b +4c! <1 1=retry +4c! <3 +4c! 3=done +4c +5d!"},

	/* --- retry --- */
	{"failed_delivery_is_tried_again_when_due", {TRIES(3)},
	 "+1 <1#1 1=retry@100 w0b0r0t1p0 next@100 @99 <- @100 next@100 <1#2 1=retry@300 @300 <1#3 1=retry>skip w0b0r0t0p0"},
	{"its_key_waits_for_a_retry", {KEYED, TRIES(3)},
	 "+1a +2a +3b <1 1=retry <3 <- w0b1r1t1p0 3=done <- @100 <1 <- 1=done <2"},
	{"no_retry_unless_asked_for", {0}, "+1 <1 1=retry>skip w0b0r0t0p0"},
	{"attempts_max_one_is_no_retry", {TRIES(1)}, "+1 <1 1=retry>skip w0b0r0t0p0"},
	{"retry_after_is_a_lower_bound", {TRIES(9), .rate_per_s = 0},
	 "+1 <1 1=retry+5000@5000 @4999 <- @5000 <1 1=retry+10@5200"},
	{"retry_after_beyond_all_time_is_never", {TRIES(9)},
	 "@10 +1 <1 1=retry+9223372036854775807@9223372036854775807 next@never <- @9223372036854775807 <1"},
	{"due_retries_come_first_the_earliest_of_them_first", {TRIES(9)},
	 "+1 +2 <1 <2 1=retry+300 2=retry+200 @400 <2 <1"},
	{"retries_due_together_come_in_the_order_of_failing", {TRIES(9)}, "+1 +2 +3 <1 <2 <3 2=retry 3=retry 1=retry @100 <2 <3 <1"},
	{"due_retries_and_the_waiting_take_turns", {TRIES(9)},
	 "+1 +2 +3 <1 <2 <3 1=retry 2=retry 3=retry +4 +5 @100 <1 <4 <2 <5 <3"},
	{"returned_retry_keeps_its_count", {TRIES(2)}, "+1 <1#1 1=retry @100 <1#2 1=return <1#2 1=retry>skip"},
	{"exhausted_may_park", {KEYED, .retry = {.attempts_max = 2, .exhausted = TD_PARK}},
	 "+1a +2a <1 1=retry @100 <1#2 1=retry>park w0b0r0t0p2"},
	{"exhausted_may_stop_and_attempts_begin_anew", {.retry = {.attempts_max = 2, .exhausted = TD_STOP}},
	 "+1 <1 1=retry @100 <1#2 1=retry>stopped w1b0r0t0p0s <- resume <1#1 1=retry @200 <1#2 1=done"},

	/* --- skip --- */
	{"skipped_delivery_is_gone_and_its_key_goes_on", {KEYED, TRIES(9)}, "+1a +2a <1 1=skip w1b0r0t0p0 <2 2=done"},

	/* --- park --- */
	{"parked_key_keeps_what_comes_beside_it_in_order", {KEYED},
	 "+1a +2a +3b <1 1=park w1b0r0t0p2 +4a w1b0r0t0p3 parked>1 <3 <- redrive:a w1b2r1t0p0 <1#1 1=done <2 2=done <4 4=done"},
	{"other_keys_go_on_while_one_is_parked", {KEYED}, "+1a +2b <1 1=park <2 2=done +3b <3 3=done +4a <- w0b0r0t0p2"},
	{"parked_heads_are_shown_in_order_of_parking", {KEYED}, "+1a +2b +3c +4a <1 <2 <3 2=park 3=park 1=park parked>2,3,1"},
	{"redriven_head_has_its_attempts_anew", {KEYED, TRIES(2)}, "+1a <1#1 1=retry @100 <1#2 1=park redrive:a <1#1 1=retry @200 <1#2 1=retry>skip"},
	{"redriven_head_may_park_again", {KEYED}, "+1a +2a <1 1=park redrive:a <1 1=park w0b0r0t0p2 redrive:a <1 1=done <2"},
	{"redriven_key_waits_its_turn", {KEYED}, "+1a <1 1=park +2b +3c redrive:a <2 <3 <1"},
	{"dismissed_head_is_gone_and_the_next_goes", {KEYED}, "+1a +2a +3a <1 1=park dismiss:a>1 w1b1r0t0p0 <2 2=done <3"},
	{"dismissed_last_of_a_key_leaves_nothing", {KEYED}, "+1a <1 1=park dismiss:a>1 w0b0r0t0p0 +2a <2 2=done"},
	{"what_is_not_parked_cannot_be_redriven_or_dismissed", {KEYED, TRIES(2)},
	 "redrive:a! dismiss:a! +1a redrive:a! <1 redrive:a! dismiss:a! 1=retry redrive:a! dismiss:a! redrive:! dismiss:!"},
	{"without_order_each_parks_alone_and_the_first_is_redriven", {0},
	 "+1a +2b +3a <1 <2 <3 3=park 1=park 2=park w0b0r0t0p3 +4a <4 4=done parked>3,1,2 redrive:a <3 dismiss:a>1 redrive:a! redrive:b <2 3=done 2=done"},
	{"on_a_keyed_machine_key_zero_parks_alone", {KEYED},
	 "+1 +2 +3a <1 <2 <3 1=park 3=park 2=park +4 <4 redrive: <1 dismiss:>2 redrive:! parked>3"},
	{"full_parking_place_refuses_only_for_parked_keys", {KEYED, .parked_max = 2},
	 "+1a +2a <1 1=park w0b0r0t0p2f +3a! +4b <4 4=done dismiss:a>1 w1b0r0t0p0 +3a"},
	{"full_parking_place_stops_instead_of_parking", {KEYED, .parked_max = 1},
	 "+1a +2b <1 <2 1=park 2=park>stopped w1b0r0t0p1sf <- resume <2#1 2=park>stopped dismiss:a>1 resume <2 2=park w0b0r0t0p1f"},
	{"what_stood_behind_comes_along_beyond_the_bound", {KEYED, .parked_max = 2},
	 "+1a +2a +3a +4a <1 1=park w0b0r0t0p4f +5a! dismiss:a>1 <2 2=park w0b0r0t0p3f redrive:a <2 2=done <3 3=done <4 4=done"},

	/* --- stop --- */
	{"stop_takes_nothing_until_resumed_and_begins_with_the_same", {KEYED, TRIES(9)},
	 "+1a +2b +3a <1 1=stop w2b1r0t0p0s <- next@never +4c <- resume <1#1 1=done <2 <4 <3"},
	{"what_runs_beside_a_stop_is_settled", {KEYED, TRIES(9)},
	 "+1a +2b +3b +4c <1 <2 <4 1=stop 2=done 4=retry w2b0r0t1p0s @500 <- resume <4 <1 <3"},
	{"resume_without_a_stop_is_nothing", {0}, "resume +1 <1 1=done"},

	/* --- drop --- */
	{"oldest_untried_is_dropped", {0}, "+1 +2 +3 <1 drop>2 drop>3 drop! w0b0r1t0p0 1=done"},
	{"blocked_ones_are_dropped_too_by_age", {KEYED},
	 "+1a +2a +3b +4a <1 drop>2 drop>3 drop>4 drop! 1=done w0b0r0t0p0"},
	{"dropped_head_lets_the_next_go", {KEYED}, "+1a +2a drop>1 w1b0r0t0p0 <2 2=done"},
	{"what_was_tried_is_not_dropped", {KEYED, TRIES(9)},
	 "+1 +2a +3 +4b +5b <1 <2 <3 <4 1=retry 2=park 3=stop 4=retry drop>5 drop! redrive:a drop! w2b0r0t2p0s"},
	{"what_is_behind_a_parked_head_is_not_dropped", {KEYED}, "+1a +2a <1 1=park +3a +4b drop>4 drop! redrive:a drop>2 drop>3 drop! <1"},
	{"returned_one_is_dropped_by_its_age", {0}, "+1 +2 +3 +4 <1 <2 <3 2=return 1=return 3=return drop>1 drop>2 drop>3 drop>4"},

	/* --- clear --- */
	{"clear_drops_all_but_what_runs", {KEYED, TRIES(9)},
	 "+1a +2a +3b +4b +5c +6c +7 +8d <1 <3 <5 3=retry 5=park w2b2r1t1p2 clear>7 w0b0r1t0p0 @900 <- 1=done +9a +10a +11b <9 <11 9=done <10"},
	{"clear_keeps_the_stop", {0}, "+1 <1 1=stop clear>1 w0b0r0t0p0s +2 <- resume <2"},
	{"key_that_runs_through_a_clear_keeps_its_order", {KEYED}, "+1a +2a <1 clear>1 +3a <- 1=done <3 3=done w0b0r0t0p0"},

	/* --- time --- */
	{"next_is_now_while_something_waits", {TRIES(9)}, "next@never @7 +1 next@7 <1 next@never 1=retry next@107 @200 next@200"},
	{"rate_is_held", {.rate_per_s = 10}, "+1 +2 +3 <1 <- next@100 @99 <- @100 <2 <- @1000 next@1000 <3 <-"},
	{"rate_lets_a_tenth_of_a_second_come_at_once", {.rate_per_s = 30}, "+1 +2 +3 +4 +5 <1 <2 <3 <- next@34 @34 <4 <- next@67"},
	{"rate_holds_for_retries_too", {.rate_per_s = 2, TRIES(9)}, "+1 <1 1=retry next@500 @100 <- @500 <1"},
	{"time_may_step_back_a_little", {.rate_per_s = 1000, TRIES(9)}, "@1000 +1 +2 <1 @999 <2 1=retry @1098 <- @1099 <1"},
	{"what_is_owed_after_everything_is_gone_starts_afresh", {KEYED, TRIES(2)}, "+1a <1 1=retry @100 <1#2 1=done +1a <1#1 1=retry"},
};
/* clang-format on */

/* --- the rest, in C ----------------------------------------------------------------------- */

static int admit_and_run_all(void *arg)
{
	struct td_delivery *delivery = td_delivery_new(&(struct td_delivery_options){
		.keyed = true, .owed_max = 100, .retry = {.attempts_max = 3}});
	struct td_due due;
	size_t admitted = 0, live = 0;
	int code = delivery == NULL ? TD_E_NOMEM : 0;

	(void)arg;
	for (uint64_t token = 0; code == 0 && token < 100; token++) {
		code = td_delivery_admit(delivery, token, token % 60);
		admitted += code == 0;
		td_delivery_verify(delivery); /* also when it failed: nothing is half done */
		assert_int_equal(td_delivery_counts(delivery).owed, admitted);
	}
	if (delivery != NULL)
		live = alloc_live();
	/* What was admitted can be tried, retried and done without any memory. */
	for (int64_t now_ms = 0; admitted > 0; now_ms += 1000)
		while (td_delivery_take(delivery, now_ms, &due)) {
			struct td_settled settled = td_delivery_settle(delivery, due.ticket,
				due.attempt < 3 ? TD_SETTLE_RETRY : TD_SETTLE_DONE, 0, 0, now_ms);
			admitted -= settled.verdict == TD_VERDICT_DONE;
		}
	if (delivery != NULL)
		assert_int_equal(alloc_live(), live);
	td_delivery_free(delivery);
	return code;
}

static void delivery_admits_whole_or_not_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(admit_and_run_all, NULL), 8, 100);
}

static void delivery_asks_for_no_memory_in_the_steady_state(void **state)
{
	struct td_delivery *delivery = td_delivery_new(&(struct td_delivery_options){
		.keyed = true, .owed_max = 1000, .retry = {.attempts_max = 3}});
	size_t count = 0;

	(void)state;
	assert_non_null(delivery);
	for (uint64_t i = 0; i < 100000; i++) {
		struct td_due due;
		if (i == 10000) {
			alloc_fail_at(0, false);
			count = alloc_count();
		}
		assert_int_equal(td_delivery_admit(delivery, i, 1 + i % 50), 0);
		if (i % 200 < 100)
			continue;
		for (int n = 0; n < 2 && td_delivery_take(delivery, (int64_t)i, &due); n++)
			td_delivery_settle(delivery, due.ticket,
				i % 7 == 0 ? TD_SETTLE_SKIP : TD_SETTLE_DONE, 0, 0, (int64_t)i);
	}
	assert_int_equal(alloc_count(), count);
	td_delivery_free(delivery);
}

static void delivery_memory_is_bounded_by_owed_max(void **state)
{
	struct td_delivery *delivery =
		td_delivery_new(&(struct td_delivery_options){.owed_max = 37});
	size_t admitted = 0;

	(void)state;
	assert_non_null(delivery);
	for (uint64_t i = 0; i < 1000; i++)
		admitted += td_delivery_admit(delivery, i, i) == 0;
	assert_int_equal(admitted, 37);
	td_delivery_verify(delivery);
	td_delivery_free(delivery);
}

static void delivery_dump_shows_every_state(void **state)
{
	struct td_delivery *delivery = td_delivery_new(&(struct td_delivery_options){.keyed = true,
		.owed_max = 10,
		.together_max = 2,
		.retry = {.attempts_max = 3, .jitter = -1}});
	struct td_buf dump = TD_BUF_INIT(10000);
	struct td_due due;

	(void)state;
	assert_non_null(delivery);
	for (uint64_t token = 1; token <= 8; token++)
		assert_int_equal(td_delivery_admit(delivery, token, (token + 1) / 2), 0);
	assert_true(td_delivery_take(delivery, 0, &due));
	td_delivery_settle(delivery, due.ticket, TD_SETTLE_RETRY, 0, 0, 7);
	assert_true(td_delivery_take(delivery, 0, &due));
	td_delivery_settle(delivery, due.ticket, TD_SETTLE_PARK, 0, 0, 0);
	assert_true(td_delivery_take(delivery, 0, &due));
	assert_true(td_delivery_take_behind(delivery, due.ticket, 0, &due));
	td_delivery_dump(delivery, &dump);
	assert_int_equal(td_buf_check(&dump, NULL), 0);
	assert_string_equal(dump.at, "owed 8 of 10: waiting 1, blocked 2, running 2 of 10, "
				     "retrying 1, parked 2 of 1024\n"
				     "running   token 5 key 0000000000000003 attempts 1\n"
				     "running   token 6 key 0000000000000003 attempts 1\n"
				     "retrying  token 1 key 0000000000000001 attempts 1 due 107\n"
				     "blocked   token 2 key 0000000000000001 attempts 0\n"
				     "waiting   token 7 key 0000000000000004 attempts 0\n"
				     "blocked   token 8 key 0000000000000004 attempts 0\n"
				     "parked    token 3 key 0000000000000002 attempts 1\n"
				     "+ parked  token 4 key 0000000000000002 attempts 0\n");
	td_buf_fini(&dump);
	td_delivery_free(delivery);
}

static void delivery_free_of_nothing_is_fine(void **state)
{
	(void)state;
	td_delivery_free(NULL);
}

#define RULES (sizeof(rules) / sizeof(rules[0]))

int main(void)
{
	struct CMUnitTest tests[RULES + 5] = {
		cmocka_unit_test(delivery_admits_whole_or_not_when_memory_ends),
		cmocka_unit_test(delivery_asks_for_no_memory_in_the_steady_state),
		cmocka_unit_test(delivery_memory_is_bounded_by_owed_max),
		cmocka_unit_test(delivery_dump_shows_every_state),
		cmocka_unit_test(delivery_free_of_nothing_is_fine),
	};
	struct rule copies[RULES]; /* cmocka wants what it may write to */

	memcpy(copies, rules, sizeof(rules));
	for (size_t i = 0; i < RULES; i++)
		tests[5 + i] = (struct CMUnitTest){
			.name = rules[i].name, .test_func = play_rule, .initial_state = &copies[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
