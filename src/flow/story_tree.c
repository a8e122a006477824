/*
 * Who caused whom, from what each event says of its cause. Two events may have one id (other
 * sources, or a mistake): the newest before the effect is taken for its cause, else the oldest
 * after it. Causes that lead round in a circle are cut at its earliest event.
 */
#include <stdlib.h>

#include "flow/story.h"

struct named {
	struct td_text id;
	uint32_t at;
};

struct link {
	uint32_t parent, child, last, sibling; /* TD_STORY_NONE: none */
	uint32_t walk;                         /* in which walk it was met; 0: in none */
	uint32_t moved;                        /* its place in the order of the tree */
};

struct tree {
	struct td_story_event *events, *ordered;
	struct named *names; /* by id, then by place */
	struct link *links;
	uint32_t count;
};

static int compare_text(struct td_text a, struct td_text b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.at, b.at, len) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = compare_text(x->id, y->id);

	if (order != 0)
		return order;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The place among the names of the first one that is not before (id, at). */
static uint32_t lower_bound(const struct tree *tree, struct td_text id, uint32_t at)
{
	const struct named wanted = {id, at};
	uint32_t low = 0, high = tree->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_names(&tree->names[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t parent_of(const struct tree *tree, uint32_t at)
{
	struct td_text id = tree->events[at].causation;
	uint32_t i = lower_bound(tree, id, at);

	if (i > 0 && td_text_equal(tree->names[i - 1].id, id))
		return tree->names[i - 1].at;
	if (i < tree->count && td_text_equal(tree->names[i].id, id))
		return tree->names[i].at;
	return TD_STORY_NONE;
}

static void find_parents(struct tree *tree, bool first)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		struct td_story_event *event = &tree->events[i];
		uint32_t parent = event->causation.at != NULL ? parent_of(tree, i) : TD_STORY_NONE;

		tree->links[i] = (struct link){.parent = parent,
			.child = TD_STORY_NONE,
			.last = TD_STORY_NONE,
			.sibling = TD_STORY_NONE};
		if (parent != TD_STORY_NONE)
			event->cause = TD_STORY_CAUSED;
		else if (event->causation.at == NULL)
			event->cause = TD_STORY_ROOT;
		else
			event->cause = first ? TD_STORY_MISSING : TD_STORY_ELSEWHERE;
	}
}

/* The circle that this event is in begins at its earliest. */
static void cut(struct tree *tree, uint32_t at)
{
	uint32_t earliest = at;

	for (uint32_t i = tree->links[at].parent; i != at; i = tree->links[i].parent)
		earliest = i < earliest ? i : earliest;
	tree->links[earliest].parent = TD_STORY_NONE;
	tree->events[earliest].cause = TD_STORY_CYCLE;
}

/* Walk up from each; where a walk meets itself, there is a circle. Each event is passed once. */
static void cut_cycles(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		uint32_t at = i;

		while (at != TD_STORY_NONE && tree->links[at].walk == 0) {
			tree->links[at].walk = i + 1;
			at = tree->links[at].parent;
		}
		if (at != TD_STORY_NONE && tree->links[at].walk == i + 1)
			cut(tree, at);
	}
}

static void find_children(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		struct link *parent;

		if (tree->links[i].parent == TD_STORY_NONE)
			continue;
		parent = &tree->links[tree->links[i].parent];
		if (parent->last == TD_STORY_NONE)
			parent->child = i;
		else
			tree->links[parent->last].sibling = i;
		parent->last = i;
	}
}

/* The event behind `at` in the order of the tree that begins at a root; NONE: it is over. */
static uint32_t step(const struct tree *tree, uint32_t at)
{
	if (tree->links[at].child != TD_STORY_NONE)
		return tree->links[at].child;
	while (at != TD_STORY_NONE && tree->links[at].sibling == TD_STORY_NONE)
		at = tree->links[at].parent;
	return at != TD_STORY_NONE ? tree->links[at].sibling : TD_STORY_NONE;
}

static void order(struct tree *tree)
{
	uint32_t placed = 0;

	for (uint32_t root = 0; root < tree->count; root++) {
		if (tree->links[root].parent != TD_STORY_NONE)
			continue;
		for (uint32_t at = root; at != TD_STORY_NONE; at = step(tree, at)) {
			struct td_story_event *event = &tree->ordered[placed];
			uint32_t parent = tree->links[at].parent;

			*event = tree->events[at];
			event->parent = TD_STORY_NONE;
			event->depth = 0;
			if (parent != TD_STORY_NONE) {
				event->parent = tree->links[parent].moved;
				event->depth = tree->ordered[event->parent].depth + 1;
			}
			tree->links[at].moved = placed++;
		}
	}
	TD_ASSERT(placed == tree->count);
}

int td_story_tree(struct td_story_event *events, size_t count, bool first, struct td_error *err)
{
	struct tree tree = {
		.events = events,
		.ordered = calloc(count + 1, sizeof(*tree.ordered)),
		.names = calloc(count + 1, sizeof(*tree.names)),
		.links = calloc(count + 1, sizeof(*tree.links)),
		.count = (uint32_t)count,
	};
	int code = 0;

	if (tree.ordered == NULL || tree.names == NULL || tree.links == NULL) {
		code = td_error_nomem(err);
		goto done;
	}
	for (uint32_t i = 0; i < tree.count; i++)
		tree.names[i] = (struct named){events[i].id, i};
	if (count > 1)
		qsort(tree.names, count, sizeof(*tree.names), compare_names);
	find_parents(&tree, first);
	cut_cycles(&tree);
	find_children(&tree);
	order(&tree);
	memcpy(events, tree.ordered, count * sizeof(*events));
done:
	free(tree.ordered);
	free(tree.names);
	free(tree.links);
	return code;
}
