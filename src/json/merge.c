#include "json/json.h"

#include <stdlib.h>

#include "json/unescape.h"

#define NOTHING ((struct td_json){TD_JSON_NONE, {NULL, 0}})

/* One name of a patch object: what it does to the target. */
struct change {
	struct td_json name;
	struct td_json patch; /* null to remove */
	const char *target;   /* where the target's last value by that name stands, or NULL */
};

/* The changes of one patch object, sorted by name, each name once with its last value. */
struct changes {
	struct change *at;
	size_t count, cap;
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

static bool add_change(struct changes *changes, struct td_json name, struct td_json patch)
{
	if (changes->count == changes->cap) {
		size_t cap = changes->cap > 0 ? 2 * changes->cap : 8;
		struct change *at = realloc(changes->at, cap * sizeof(*at));

		if (at == NULL)
			return false;
		changes->at = at;
		changes->cap = cap;
	}
	changes->at[changes->count++] = (struct change){name, patch, NULL};
	return true;
}

static bool collect_changes(struct changes *changes, struct td_json patch)
{
	struct td_json_iter iter = td_json_iterate(patch);
	struct td_json name, value;
	size_t kept = 0;

	while (td_json_next(&iter, &name, &value))
		if (!add_change(changes, name, value))
			return false;
	if (changes->count == 0)
		return true;
	qsort(changes->at, changes->count, sizeof(*changes->at), compare_changes);
	for (size_t i = 1; i < changes->count; i++) {
		if (compare_names(changes->at[kept].name, changes->at[i].name) != 0)
			kept++;
		changes->at[kept] = changes->at[i];
	}
	changes->count = kept + 1;
	return true;
}

/* Where the target has them; returns how many it has. */
static size_t find_targets(struct changes *changes, struct td_json target)
{
	struct td_json_iter iter = td_json_iterate(target);
	struct td_json name, value;
	size_t found = 0;

	while (td_json_next(&iter, &name, &value)) {
		struct change *change = find_change(changes, name);

		if (change == NULL)
			continue;
		found += change->target == NULL;
		change->target = value.text.at;
	}
	return found;
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
		} else if (change->patch.kind != TD_JSON_NULL && value.text.at == change->target) {
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

		if (change->target == NULL && value.text.at == change->patch.text.at &&
			value.kind != TD_JSON_NULL) {
			add_name(buf, name, comma);
			merge(NOTHING, value, buf, depth);
		}
	}
}

/*
 * MergePatch(Target, Patch) of RFC 7396 section 2. Each level sorts the patch's names once, so
 * n members with n changes cost n log n, whatever strangers send. Depth is bounded as that of
 * checked text is.
 */
static void merge(struct td_json target, struct td_json patch, struct td_buf *buf, unsigned depth)
{
	struct changes changes = {NULL, 0, 0};
	bool comma = false;
	size_t found;

	if (patch.kind != TD_JSON_OBJECT) {
		td_buf_add_text(buf, patch.text);
		return;
	}
	TD_ASSERT(depth < TD_JSON_DEPTH_MAX);
	if (target.kind != TD_JSON_OBJECT)
		target = NOTHING;
	if (!collect_changes(&changes, patch)) {
		buf->code = TD_E_NOMEM;
		goto done;
	}
	found = find_targets(&changes, target);
	td_buf_add_char(buf, '{');
	merge_members(target, &changes, buf, depth + 1, &comma);
	if (found < changes.count)
		add_members(patch, &changes, buf, depth + 1, &comma);
	td_buf_add_char(buf, '}');
done:
	free(changes.at);
}

int td_json_merge(
	struct td_json target, struct td_json patch, struct td_buf *buf, struct td_error *err)
{
	TD_ASSERT(patch.kind != TD_JSON_NONE);
	merge(target, patch, buf, 0);
	return td_buf_check(buf, err);
}
