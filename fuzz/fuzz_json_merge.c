/*
 * Two JSON texts with a byte 0xFF between (no byte of either): target and patch.
 *
 * The pseudo-code of RFC 7396 section 2 is done here as it stands, on a tree, with the last of
 * equal names. The result must be the same value; and what the patch leaves alone, or sets, must
 * be the same bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct node {
	struct td_json value; /* kind; and the bytes, unless it is an object */
	bool whole;           /* an object, too, has its bytes unchanged */
	struct td_buf name;   /* as a member: unescaped */
	struct node *members; /* an object's, in no order that counts */
	struct node *next;
};

static void node_free(struct node *node)
{
	while (node != NULL) {
		struct node *next = node->next;

		node_free(node->members);
		td_buf_fini(&node->name);
		free(node);
		node = next;
	}
}

static struct node *node_new(struct td_json value)
{
	struct node *node = calloc(1, sizeof(*node));

	CHECK(node != NULL);
	node->value = value;
	node->whole = true;
	td_buf_init(&node->name, SIZE_MAX / 2);
	td_buf_add(&node->name, "", 0);
	return node;
}

static struct node **find(struct node **members, struct td_text name)
{
	while (*members != NULL && !td_text_equal(td_buf_view(&(*members)->name), name))
		members = &(*members)->next;
	return members;
}

/* Take out, if it is there. */
static void unset(struct node *object, struct td_text name)
{
	struct node **place = find(&object->members, name), *old = *place;

	if (old == NULL)
		return;
	*place = old->next;
	old->next = NULL;
	node_free(old);
}

static void set(struct node *object, struct td_text name, struct node *value)
{
	unset(object, name);
	td_buf_reset(&value->name);
	td_buf_add(&value->name, "", 0);
	td_buf_add_text(&value->name, name);
	value->next = object->members;
	object->members = value;
}

static struct node *tree(struct td_json value)
{
	struct node *node = node_new(value);
	struct td_json_iter iter = td_json_iterate(value);
	struct td_json name, member;

	if (value.kind != TD_JSON_OBJECT)
		return node;
	while (td_json_next(&iter, &name, &member)) {
		struct td_buf text = TD_BUF_INIT(SIZE_MAX / 2);

		td_buf_add(&text, "", 0);
		td_json_unescape(name, &text);
		set(node, td_buf_view(&text), tree(member));
		td_buf_fini(&text);
	}
	return node;
}

static struct node *copy(const struct node *node)
{
	return tree(node->value); /* patches are whole */
}

/* RFC 7396 section 2; takes the target. */
static struct node *merge_patch(struct node *target, const struct node *patch)
{
	if (patch->value.kind != TD_JSON_OBJECT) {
		node_free(target);
		return copy(patch);
	}
	if (target == NULL || target->value.kind != TD_JSON_OBJECT) {
		node_free(target);
		target = node_new((struct td_json){TD_JSON_OBJECT, {NULL, 0}});
	}
	target->whole = false;
	for (const struct node *member = patch->members; member != NULL; member = member->next) {
		struct td_text name = td_buf_view(&member->name);

		if (member->value.kind == TD_JSON_NULL) {
			unset(target, name);
		} else {
			struct node **place = find(&target->members, name), *old = *place;

			if (old != NULL) {
				*place = old->next;
				old->next = NULL;
			}
			set(target, name, merge_patch(old, member));
		}
	}
	return target;
}

/* `got` was read from the result's bytes. */
static bool same(const struct node *want, struct node *got)
{
	size_t count = 0, got_count = 0;

	if (want->value.kind != got->value.kind)
		return false;
	if (want->whole)
		return td_text_equal(want->value.text, got->value.text);
	for (const struct node *member = want->members; member != NULL; member = member->next) {
		struct node *other = *find(&got->members, td_buf_view(&member->name));

		if (other == NULL || !same(member, other))
			return false;
		count++;
	}
	for (const struct node *member = got->members; member != NULL; member = member->next)
		got_count++;
	return count == got_count;
}

static void check_merge(struct td_json target, struct td_json patch)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct node *patch_tree = tree(patch), *want, *got;
	struct td_json result;

	want = merge_patch(target.kind == TD_JSON_NONE ? NULL : tree(target), patch_tree);
	CHECK(td_json_merge(target, patch, &buf, NULL) == 0);
	CHECK(td_json_parse(td_buf_view(&buf), 0, &result, NULL) == 0);
	got = tree(result);
	CHECK(same(want, got));
	node_free(got);
	node_free(want);
	node_free(patch_tree);
	td_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *middle = size > 0 ? memchr(data, 0xFF, size) : NULL;
	struct td_json none = {TD_JSON_NONE, {NULL, 0}}, target, patch;
	size_t len;

	if (middle == NULL || size > 4096) /* the tree here is quadratic */
		return 0;
	len = (size_t)(middle - data);
	if (td_json_parse(td_text_of(data, len), 0, &target, NULL) != 0 ||
		td_json_parse(td_text_of(middle + 1, size - len - 1), 0, &patch, NULL) != 0)
		return 0;
	check_merge(target, patch);
	check_merge(patch, target);
	check_merge(none, patch);
	check_merge(target, target);
	return 0;
}
