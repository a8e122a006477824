/*
 * Adding and removing. The nodes are in table.h, what hangs on them in interests.h; trie_match.c
 * reads them.
 *
 * A pattern is a path of edges: its tokens, "*" and ">" among them, and behind those the type, if
 * it has one, as one more edge of its own kind. So a leaf with a thousand types is a node with a
 * thousand children, and looking one of them up is one probe.
 *
 * Readers beside a writer
 *
 *   1. A reader loads `table` once (acquire) and stays with it. A table is complete when it is
 *      published (release), and stays readable in limbo.
 *   2. A slot is filled before its tag is stored (release); the reader's load of the tag
 *      (acquire) so gives it id and word too, which never change again. A slot that died is not
 *      filled anew, and none becomes free again: nobody's search ends too early.
 *   3. Interests and the items of a set are stored with release and loaded with acquire: what
 *      the caller wrote into an interest before adding it can be read by who finds it. A set is
 *      complete when it is published, and stays readable in limbo.
 *   4. `kids` may be loaded relaxed. If it says too much, the search finds nothing. It says too
 *      little only of what is added beside the match: of a child that was there before (its
 *      add happened before the match began) every later value knows too, because what may be
 *      several children's goes away only with the last.
 *
 *   So every interest that was there during the whole match is found: its slots are alive, its
 *   bits are set, it is in the set or alone, in every table and set a reader can come upon. One
 *   added or removed beside may be found or not, and one that is removed and added again may be
 *   found twice. Readers never write, never wait, never try again. The writer stores and loads,
 *   it needs no read-modify-write: there is only one.
 *
 *   What is in limbo was unlinked before it got there, but an older table or set in limbo may
 *   lead to it. Who can come upon that began before it was unlinked, so before the newer came to
 *   limbo: when all who match at the time of td_trie_limbo_take() are done, all of it is nobody's.
 */
#include "match/trie.h"

#include <stdlib.h>

struct td_trie *td_trie_new(uint64_t seed)
{
	struct td_trie *trie = calloc(1, sizeof(*trie));
	struct td_table *table;

	if (trie == NULL)
		return NULL;
	atomic_store_explicit(&trie->heap.bytes, sizeof(*trie), memory_order_relaxed);
	table = td_table_new(&trie->heap, seed, 0);
	if (table == NULL) {
		free(trie);
		return NULL;
	}
	atomic_store_explicit(&trie->table, table, memory_order_release);
	return trie;
}

static void interests_free(struct td_trie *trie, const _Atomic uintptr_t *interests)
{
	uintptr_t there = atomic_load_explicit(interests, memory_order_relaxed);

	if ((there & 1) != 0)
		td_heap_free(&trie->heap, (struct td_trie_limbo *)(there - 1));
}

static void slot_free(struct td_trie *trie, struct td_slot *slot)
{
	for (size_t i = 0; i < 2; i++) {
		interests_free(trie, &slot->node[i].here);
		interests_free(trie, &slot->node[i].below);
	}
	if ((slot->word & TD_EDGE_LONG) != 0)
		td_heap_free(&trie->heap, &td_slot_token(slot)->head);
}

void td_trie_free(struct td_trie *trie)
{
	struct td_table *table;

	if (trie == NULL)
		return;
	table = td_trie_table(trie);
	for (size_t i = 0; i <= table->mask; i++) {
		if (td_table_tag(table, i) > TD_TAG_DEAD)
			slot_free(trie, &table->slots[i]);
	}
	slot_free(trie, &table->root);
	td_heap_free(&trie->heap, &table->head);
	td_trie_limbo_free(td_heap_take(&trie->heap));
	TD_ASSERT(td_trie_bytes(trie) == sizeof(*trie));
	free(trie);
}

struct td_trie_limbo *td_trie_limbo_take(struct td_trie *trie)
{
	return td_heap_take(&trie->heap);
}

size_t td_trie_count(const struct td_trie *trie)
{
	return atomic_load_explicit(&trie->count, memory_order_relaxed);
}

size_t td_trie_bytes(const struct td_trie *trie)
{
	return atomic_load_explicit(&trie->heap.bytes, memory_order_relaxed);
}

/* A node, and where it lives. */
struct place {
	struct td_slot *slot;
	bool star; /* the second of the slot's two */
};

/* A pattern and type as edges, and the nodes they lead to; ">" leads to none. */
struct path {
	struct td_edge edges[TD_EDGES_MAX];
	size_t edges_count;
	bool tail, typed;                     /* the last edges: ">", the type */
	struct place nodes[TD_EDGES_MAX + 1]; /* from the root */
	size_t count;
};

static struct td_node *node_of(struct place place)
{
	return &place.slot->node[place.star];
}

/* false: too long, or a token is empty. */
static bool path_scan(struct path *path, struct td_text pattern, struct td_text type,
	const struct td_table *table)
{
	size_t count = td_edges_scan_pattern(path->edges, pattern, table->salt);

	if (count == 0)
		return false;
	path->tail = path->edges[count - 1].word == TD_EDGE_TAIL;
	if (path->tail)
		count--;
	path->typed = type.at != NULL;
	if (path->typed)
		path->edges[count++] = td_edge_type(type, table->salt);
	path->edges_count = count;
	return true;
}

/* Let the nodes of the path die, from the last, as far as nothing needs them. */
static void path_prune(struct td_trie *trie, struct td_table *table, const struct path *path)
{
	for (size_t i = path->count - 1; i > 0; i--) {
		struct place at = path->nodes[i];
		struct td_node *parent = node_of(path->nodes[i - 1]);

		if (!td_node_is_empty(node_of(at)))
			return;
		if (at.star)
			td_node_shrink(parent, TD_KIDS_STAR);
		else
			td_table_remove(table, &trie->heap, parent, at.slot);
	}
}

/* The next node of the path; made if it is not there and `make`, else TD_E_NOT_FOUND. */
static int path_step(
	struct td_trie *trie, struct td_table *table, struct path *path, size_t i, bool make)
{
	const struct td_edge *edge = &path->edges[i];
	struct place from = path->nodes[i], *to = &path->nodes[i + 1];
	bool below = path->tail && i + 1 == path->edges_count && path->typed;
	uint64_t under = (from.star ? TD_EDGE_UNDER_STAR : 0) | (below ? TD_EDGE_UNDER_TAIL : 0);
	uint64_t id;

	if (edge->word == TD_EDGE_STAR && !from.star) {
		*to = (struct place){from.slot, true};
		if ((td_node_kids(node_of(from)) & TD_KIDS_STAR) != 0)
			return 0;
		if (make)
			td_node_grow(node_of(from), TD_KIDS_STAR);
		return make ? 0 : TD_E_NOT_FOUND;
	}
	id = td_table_step(td_table_key(table, from.slot->id, under), edge->hash);
	*to = (struct place){td_table_find(table, id, edge, under), false};
	if (to->slot != NULL)
		return 0;
	if (!make)
		return TD_E_NOT_FOUND;
	return td_table_insert(table, &trie->heap, node_of(from), id, edge, under, &to->slot);
}

/*
 * Go the path; *interests is where it ends. With `make`, what is missing is made; after a failure
 * there is as much as before.
 */
static int path_walk(struct td_trie *trie, struct td_table *table, struct path *path, bool make,
	_Atomic uintptr_t **interests)
{
	struct td_node *last;
	int code;

	path->nodes[0] = (struct place){&table->root, false};
	path->count = 1;
	for (size_t i = 0; i < path->edges_count; i++) {
		code = path_step(trie, table, path, i, make);
		if (code != 0) {
			if (make)
				path_prune(trie, table, path);
			return code;
		}
		path->count++;
	}
	last = node_of(path->nodes[path->count - 1]);
	*interests = path->tail && !path->typed ? &last->below : &last->here;
	return 0;
}

/* Publish a table with room for `more` in the place of this one. */
static int table_replace(struct td_trie *trie, size_t more)
{
	struct td_table *table = td_trie_table(trie);
	struct td_table *copy = td_table_copy(&trie->heap, table, more);

	if (copy == NULL)
		return TD_E_NOMEM;
	atomic_store_explicit(&trie->table, copy, memory_order_release);
	td_heap_retire(&trie->heap, &table->head);
	return 0;
}

static int path_add(struct td_trie *trie, struct path *path, void *interest)
{
	_Atomic uintptr_t *interests = NULL;
	struct td_table *table;
	int code;

	if (!td_table_has_room(td_trie_table(trie), path->edges_count)) {
		code = table_replace(trie, path->edges_count);
		if (code != 0)
			return code;
	}
	table = td_trie_table(trie);
	code = path_walk(trie, table, path, true, &interests);
	if (code != 0)
		return code;
	code = td_interests_add(&trie->heap, interests, interest);
	if (code != 0)
		path_prune(trie, table, path);
	return code;
}

int td_trie_add(struct td_trie *trie, struct td_text pattern, struct td_text type, void *interest,
	struct td_error *err)
{
	struct path path;
	bool scanned;
	int code;

	TD_ASSERT(interest != NULL);
	code = td_pattern_check(pattern, err);
	if (code != 0)
		return code;
	scanned = path_scan(&path, pattern, type, td_trie_table(trie));
	TD_ASSERT(scanned); /* the check is the stricter one */
	code = path_add(trie, &path, interest);
	if (code == 0)
		atomic_store_explicit(&trie->count, td_trie_count(trie) + 1, memory_order_relaxed);
	else if (code == TD_E_NOMEM)
		td_error_nomem(err);
	else if (code == TD_E_EXISTS)
		td_error_set(err, code, TD_NO_OFFSET,
			"pattern %.*s: this interest is there already", TD_TEXT_ARG(pattern));
	else
		td_error_set(err, code, TD_NO_OFFSET, "pattern %.*s: its hash is another's (seed)",
			TD_TEXT_ARG(pattern));
	return code;
}

bool td_trie_remove(
	struct td_trie *trie, struct td_text pattern, struct td_text type, void *interest)
{
	struct td_table *table = td_trie_table(trie);
	_Atomic uintptr_t *interests = NULL;
	struct path path;

	TD_ASSERT(interest != NULL);
	if (!path_scan(&path, pattern, type, table) ||
		path_walk(trie, table, &path, false, &interests) != 0 ||
		!td_interests_remove(&trie->heap, interests, interest))
		return false;
	path_prune(trie, table, &path);
	atomic_store_explicit(&trie->count, td_trie_count(trie) - 1, memory_order_relaxed);
	/* Give memory back if it can be done; if not, the next add will. */
	if (table->mask >= TD_TABLE_SLOTS_MIN && table->live < table->mask / 16)
		(void)table_replace(trie, 0);
	return true;
}
