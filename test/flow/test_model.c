/*
 * The map beside a naive model: all events in a list, counted from end to end.
 */
#include "flow_test.h"

#define EVENTS 3000
#define TYPES  9
#define RECENT 48

struct told {
	td_time time;
	int type, id, cause; /* cause: an id, -1: none */
	int from;            /* what the cause is: an event's number, -1: none, -2: older */
	bool first;          /* of its type, of this cause */
};

struct model {
	struct told told[EVENTS];
	int count;
};

/* The newest event of that id among the last RECENT. */
static int find(const struct model *model, int id)
{
	for (int i = model->count - 1; i >= 0 && i >= model->count - RECENT; i--) {
		if (model->told[i].id == id)
			return i;
	}
	return -2;
}

static void model_note(struct model *model, struct told told)
{
	told.from = told.cause >= 0 ? find(model, told.cause) : -1;
	told.first = true;
	for (int i = 0; i < model->count; i++) {
		if (told.from >= 0 && model->told[i].from == told.from &&
			model->told[i].type == told.type)
			told.first = false;
	}
	model->told[model->count++] = told;
}

struct counts {
	uint64_t events, roots, effects[TYPES + 1], causes[TYPES + 1]; /* by type of the cause; the
									 last: older */
};

static struct counts counts_of(const struct model *model, int type, td_time from)
{
	struct counts counts = {0};

	for (int i = 0; i < model->count; i++) {
		const struct told *told = &model->told[i];
		int cause = told->from >= 0 ? model->told[told->from].type : TYPES;

		if (told->type != type || told->time < from)
			continue;
		counts.events++;
		counts.roots += told->from == -1;
		if (told->from == -1)
			continue;
		counts.effects[cause]++;
		counts.causes[cause] += told->first && told->from >= 0;
	}
	return counts;
}

static void name_of(char name[16], int type)
{
	snprintf(name, 16, type < TYPES ? "T%d" : "older cause", type);
}

static void compare(const struct scene *scene, const struct model *model)
{
	char name[16], cause[16];

	for (int to = 0; to < TYPES; to++) {
		struct counts counts = counts_of(model, to, scene->map.from);
		const struct td_flow_type *type;

		name_of(name, to);
		type = type_named(scene, name);
		assert_int_equal(type != NULL ? type->count : 0, counts.events);
		assert_int_equal(type != NULL ? type->roots : 0, counts.roots);
		for (int from = 0; from <= TYPES; from++) {
			const struct td_flow_edge *edge;

			name_of(cause, from);
			edge = edge_between(scene, cause, name);
			assert_int_equal(edge != NULL ? edge->count : 0, counts.effects[from]);
			assert_int_equal(edge != NULL ? edge->causes : 0, counts.causes[from]);
		}
	}
}

static void a_naive_model_counts_the_same(void **state)
{
	static const int64_t windows[] = {10000, 25000, 60000, 61000, 900000, 3600000};
	const struct td_flow_options options = {.seed = 1, .recent_max = RECENT};

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		static struct model model;
		struct scene scene;
		struct td_rng rng;
		char type[16], id[16], cause[16];

		model.count = 0;
		td_rng_init(&rng, seed);
		scene_begin(&scene, &options);
		for (int i = 0; i < EVENTS; i++) {
			struct told told = {.type = (int)td_rng_below(&rng, TYPES),
				.id = (int)td_rng_below(&rng, 500),
				.cause = -1};

			/* Bursts, and pauses longer than the shorter windows. */
			scene.now += (td_time)td_rng_below(
				&rng, td_rng_below(&rng, 60) == 0 ? 200 * SECOND : SECOND);
			if (td_rng_below(&rng, 4) > 0 && model.count > 0)
				told.cause =
					model.told[td_rng_below(&rng, (uint64_t)model.count)].id;
			if (td_rng_below(&rng, 2) > 0 && model.count > 10)
				told.cause =
					model.told[model.count - 1 - (int)td_rng_below(&rng, 10)]
						.id;
			told.time = scene.now;
			name_of(type, told.type);
			snprintf(id, sizeof(id), "%d", told.id);
			snprintf(cause, sizeof(cause), "%d", told.cause);
			model_note(&model, told);
			note(&scene, type, id, told.cause >= 0 ? cause : NULL);
			if (i % 250 == 0 || i == EVENTS - 1) {
				for (size_t j = 0; j < sizeof(windows) / sizeof(windows[0]); j++) {
					look(&scene, windows[j]);
					compare(&scene, &model);
				}
			}
		}
		scene_end(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_naive_model_counts_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
