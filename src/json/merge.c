#include "json/json.h"

#include <stdlib.h>

#include "json/unescape.h"

/* One name of a patch object: what it does to the target. */
struct change {
	struct td_json name;
	struct td_json patch;  /* the last value by that name, NULL to remove */
	struct td_json target; /* the last value of the target by that name, or NONE */
};

/* The changes of one patch object, sorted by name, each name once. */
struct changes {
	struct change *at;
	size_t count;
};

/* Any total order of names by their value; by bytes where no escapes are in the way. */
static int compare_names(struct td_json a, struct td_json b)
{
	struct td_text x = td_json_inside(a), y = td_json_inside(b);
	const char *x_at = x.at, *y_at = y.at;
	char x_piece[4], y_piece[4];
	size_t i = 0, j = 0, x_len = 0, y_len = 0;

	if (td_json_plain(a) && td_json_plain(b)) {
		int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

		return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
	}
	for (;; i++, j++) {
		if (i == x_len) {
			x_len = td_json_piece(&x_at, x.at + x.len, x_piece);
			i = 0;
		}
		if (j == y_len) {
			y_len = td_json_piece(&y_at, y.at + y.len, y_piece);
			j = 0;
		}
		if (x_len == 0 || y_len == 0)
			return (x_len > 0) - (y_len > 0);
		if (x_piece[i] != y_piece[j])
			return (unsigned char)x_piece[i] - (unsigned char)y_piece[j];
	}
}

/* Those of one name in the order they stand. */
static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int order = compare_names(x->name, y->name);

	if (order != 0)
		return order;
	return (x->name.text.at > y->name.text.at) - (x->name.text.at < y->name.text.at);
}

static struct change *find_change(const struct changes *changes, struct td_json name)
{
	size_t low = 0, high = changes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_names(name, changes->at[middle].name);

		if (order == 0)
			return &changes->at[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool collect_changes(struct changes *changes, struct td_json patch, struct td_json target)
{
	struct td_json_iter iter = td_json_iterate(patch);
	struct td_json name, value;
	size_t count = td_json_count(patch), kept = 0;

	changes->count = 0;
	changes->at = calloc(count > 0 ? count : 1, sizeof(*changes->at));
	if (changes->at == NULL)
		return false;
	for (size_t i = 0; td_json_next(&iter, &name, &value); i++)
		changes->at[i] = (struct change){name, value, {TD_JSON_NONE, {NULL, 0}}};
	qsort(changes->at, count, sizeof(*changes->at), compare_changes);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count ||
			compare_names(changes->at[i].name, changes->at[i + 1].name) != 0)
			changes->at[kept++] = changes->at[i];
	changes->count = kept;
	iter = td_json_iterate(target);
	while (td_json_next(&iter, &name, &value)) {
		struct change *change = find_change(changes, name);

		if (change != NULL)
			change->target = value;
	}
	return true;
}

static bool same_place(struct td_json a, struct td_json b)
{
	return a.text.at == b.text.at;
}

static void add_name(struct td_buf *buf, struct td_json name, bool *comma)
{
	if (*comma)
		td_buf_add_char(buf, ',');
	*comma = true;
	td_buf_add_text(buf, name.text);
	td_buf_add_char(buf, ':');
}

static void merge(struct td_json target, struct td_json patch, struct td_buf *buf, unsigned depth);

/* The target's members in their order; of a changed name the last one stays. */
static void merge_members(struct td_json target, const struct changes *changes, struct td_buf *buf,
	unsigned depth, bool *comma)
{
	struct td_json_iter iter = td_json_iterate(target);
	struct td_json name, value;

	while (td_json_next(&iter, &name, &value)) {
		const struct change *change = find_change(changes, name);

		if (change == NULL) {
			add_name(buf, name, comma);
			td_buf_add_text(buf, value.text);
		} else if (change->patch.kind != TD_JSON_NULL &&
			   same_place(value, change->target)) {
			add_name(buf, name, comma);
			merge(value, change->patch, buf, depth);
		}
	}
}

/* The patch's members that the target does not have, in their order. */
static void add_members(struct td_json patch, const struct changes *changes, struct td_buf *buf,
	unsigned depth, bool *comma)
{
	struct td_json_iter iter = td_json_iterate(patch);
	struct td_json name, value;

	while (td_json_next(&iter, &name, &value)) {
		const struct change *change = find_change(changes, name);

		if (change->target.kind != TD_JSON_NONE || !same_place(value, change->patch) ||
			value.kind == TD_JSON_NULL)
			continue;
		add_name(buf, name, comma);
		merge(change->target, value, buf, depth);
	}
}

/*
 * MergePatch(Target, Patch) of RFC 7396 section 2. Each level sorts the patch's names once, so
 * n members with n changes cost n log n, whatever strangers send. Depth is bounded as that of
 * checked text is.
 */
static void merge(struct td_json target, struct td_json patch, struct td_buf *buf, unsigned depth)
{
	struct changes changes;
	bool comma = false;

	if (patch.kind != TD_JSON_OBJECT) {
		td_buf_add_text(buf, patch.text);
		return;
	}
	TD_ASSERT(depth < TD_JSON_DEPTH_MAX);
	if (target.kind != TD_JSON_OBJECT)
		target.kind = TD_JSON_NONE;
	if (!collect_changes(&changes, patch, target)) {
		buf->code = TD_E_NOMEM;
		return;
	}
	td_buf_add_char(buf, '{');
	merge_members(target, &changes, buf, depth + 1, &comma);
	add_members(patch, &changes, buf, depth + 1, &comma);
	td_buf_add_char(buf, '}');
	free(changes.at);
}

int td_json_merge(
	struct td_json target, struct td_json patch, struct td_buf *buf, struct td_error *err)
{
	TD_ASSERT(patch.kind != TD_JSON_NONE);
	merge(target, patch, buf, 0);
	return td_buf_check(buf, err);
}
