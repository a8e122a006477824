/*
 * First all that is known of each value is brought together: where the answers say it stands, and
 * where it was seen. Two that disagree are found there. Then everything that was anywhere is sorted
 * by position, and the rules that speak of order are sweeps over it.
 */
#include "checking.h"

static void (*const steps[])(struct checker *) = {sim_take_removals, sim_take_logs,
	sim_take_forgets, sim_take_told, sim_take_answers, sim_take_passes, sim_sort_standing,
	sim_count_behind, sim_check_numbers, sim_check_order, sim_check_passes, sim_check_keys,
	sim_check_refused_keys, sim_check_expectations, sim_check_appends, sim_check_told};

static void checker_fini(struct checker *checker)
{
	for (size_t i = 0; i < checker->facts_count; i++)
		free(checker->facts[i]);
	free(checker->facts);
	free(checker->standing);
	free(checker->removals);
	free(checker->forgotten);
	free(checker->told);
	free(checker->marks);
	td_map_fini(&checker->by_value);
	td_map_fini(&checker->by_key);
}

bool sim_store_check(const struct sim_store_history *history, struct sim_store_violation *violation)
{
	struct checker checker = {.history = history, .violation = violation};

	*violation = (struct sim_store_violation){.rule = SIM_STORE_RULE_NONE};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (violation->rule == SIM_STORE_RULE_NONE)
			steps[i](&checker);
	checker_fini(&checker);
	return violation->rule == SIM_STORE_RULE_NONE;
}

/* clang-format off */
static const struct {
	const char *name, *meaning;
} rules[SIM_STORE_RULES_COUNT] = {
	[SIM_STORE_RULE_NONE] = {"NONE", "all promises were kept"},
#define RULE_ROW(name, meaning) [SIM_STORE_RULE_##name] = {#name, meaning},
	SIM_STORE_RULES(RULE_ROW)
#undef RULE_ROW
};
/* clang-format on */

const char *sim_store_rule_name(enum sim_store_rule rule)
{
	return rules[rule].name;
}

const char *sim_store_rule_meaning(enum sim_store_rule rule)
{
	return rules[rule].meaning;
}
