#include "journal/control.h"

/* Behind the features. */
enum control_at {
	C_STORE = 40,
	C_GENERATION = 56,
	C_EPOCH = 64,
	C_TIME = 72,
	C_FIRST_SEGMENT = 80,
	C_ACTIVE_SEGMENT = 84,
	C_FIRST_POSITION = 88,
	C_ACTIVE_BASE = 96,
	C_SEALED_CHAIN = 104,
	C_CLEAN = 136, /* u32, and a u32 of zero */
	C_END = 144,
	C_NEXT_POSITION = 152,
	C_END_CHAIN = 160,
	C_LOST_FROM = 192,
	C_LOST_TO = 200,
	C_RESERVED = 208,
};

static enum td_flaw judge(const struct td_control *control)
{
	static const uint8_t none[TD_CHAIN_BYTES];

	/* Numbers are in no order: a segment that is rewritten gets a new one. */
	if (control->active_base < control->first_position)
		return TD_FLAW_BOUNDS;
	if (control->clean &&
		(control->end < TD_FRAMES_FROM || control->end % 8 != 0 ||
			control->end > UINT32_MAX || control->next_position < control->active_base))
		return TD_FLAW_BOUNDS;
	if (control->generation == 0 || control->epoch == 0 || control->time <= 0 ||
		control->first_segment == 0 || control->active_segment == 0 ||
		control->first_position == 0)
		return TD_FLAW_FIELD;
	if (!control->clean && (control->end != 0 || control->next_position != 0 ||
				       memcmp(control->end_chain, none, TD_CHAIN_BYTES) != 0))
		return TD_FLAW_FIELD;
	if (control->lost_from > control->lost_to ||
		(control->lost_from == 0) != (control->lost_to == 0))
		return TD_FLAW_FIELD;
	return TD_FLAW_NONE;
}

void td_control_encode(const struct td_control *control, uint8_t page[TD_PAGE_BYTES])
{
	TD_ASSERT(judge(control) == TD_FLAW_NONE);
	memset(page, 0, TD_PAGE_BYTES);
	td_page_put_features(page, &control->features);
	memcpy(page + C_STORE, control->store, TD_STORE_BYTES);
	td_le64_put(page + C_GENERATION, control->generation);
	td_le64_put(page + C_EPOCH, control->epoch);
	td_le64_put(page + C_TIME, (uint64_t)control->time);
	td_le32_put(page + C_FIRST_SEGMENT, control->first_segment);
	td_le32_put(page + C_ACTIVE_SEGMENT, control->active_segment);
	td_le64_put(page + C_FIRST_POSITION, control->first_position);
	td_le64_put(page + C_ACTIVE_BASE, control->active_base);
	memcpy(page + C_SEALED_CHAIN, control->sealed_chain, TD_CHAIN_BYTES);
	td_le32_put(page + C_CLEAN, control->clean);
	td_le64_put(page + C_END, control->end);
	td_le64_put(page + C_NEXT_POSITION, control->next_position);
	memcpy(page + C_END_CHAIN, control->end_chain, TD_CHAIN_BYTES);
	td_le64_put(page + C_LOST_FROM, control->lost_from);
	td_le64_put(page + C_LOST_TO, control->lost_to);
	td_page_seal(page, TD_CONTROL_MAGIC);
}

enum td_flaw td_control_decode(const void *bytes, size_t len, struct td_control *control)
{
	const uint8_t *page = bytes;
	enum td_flaw flaw = td_page_check(bytes, len, TD_CONTROL_MAGIC);

	if (flaw != TD_FLAW_NONE)
		return flaw;
	flaw = td_page_get_features(page, &control->features);
	if (flaw != TD_FLAW_NONE)
		return flaw;
	struct td_control found = {
		.features = control->features,
		.generation = td_le64_get(page + C_GENERATION),
		.epoch = td_le64_get(page + C_EPOCH),
		.time = (int64_t)td_le64_get(page + C_TIME),
		.first_segment = td_le32_get(page + C_FIRST_SEGMENT),
		.active_segment = td_le32_get(page + C_ACTIVE_SEGMENT),
		.first_position = td_le64_get(page + C_FIRST_POSITION),
		.active_base = td_le64_get(page + C_ACTIVE_BASE),
		.clean = td_le32_get(page + C_CLEAN) == 1,
		.end = td_le64_get(page + C_END),
		.next_position = td_le64_get(page + C_NEXT_POSITION),
		.lost_from = td_le64_get(page + C_LOST_FROM),
		.lost_to = td_le64_get(page + C_LOST_TO),
	};
	memcpy(found.store, page + C_STORE, TD_STORE_BYTES);
	memcpy(found.sealed_chain, page + C_SEALED_CHAIN, TD_CHAIN_BYTES);
	memcpy(found.end_chain, page + C_END_CHAIN, TD_CHAIN_BYTES);
	flaw = judge(&found);
	if (flaw != TD_FLAW_NONE)
		return flaw;
	if (td_le32_get(page + C_CLEAN) > 1 || td_le32_get(page + C_CLEAN + 4) != 0)
		return TD_FLAW_FIELD;
	if (td_features_all_known(&found.features) &&
		!td_page_zero(page, C_RESERVED, TD_PAGE_BYTES))
		return TD_FLAW_FIELD;
	*control = found;
	return TD_FLAW_NONE;
}

static int refuse_newer(const struct td_control *control, struct td_error *err)
{
	return td_error_set(err, TD_E_NEWER, TD_NO_OFFSET,
		"CONTROL: another format, or unknown features 0x%llx: open it with the version "
		"that wrote it",
		(unsigned long long)(control->features.incompat & ~TD_INCOMPAT_KNOWN));
}

static int refuse_contradiction(const char *what, struct td_error *err)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"CONTROL.a and CONTROL.b %s: move the wrong one away, and open again", what);
}

/* Both copies are valid. */
static int choose_newer(const void *const pages[2], const struct td_control found[2],
	unsigned *copy, struct td_error *err)
{
	if (memcmp(found[0].store, found[1].store, TD_STORE_BYTES) != 0)
		return refuse_contradiction("belong to different stores", err);
	*copy = found[1].generation > found[0].generation;
	if (found[0].generation == found[1].generation &&
		memcmp(pages[0], pages[1], TD_PAGE_BYTES) != 0)
		return refuse_contradiction("have one generation and differ", err);
	return 0;
}

int td_control_choose(const void *const pages[2], const size_t lens[2], struct td_control *control,
	struct td_control_choice *choice, struct td_error *err)
{
	struct td_control found[2] = {0};
	struct td_control_choice made = {0};
	int code = 0;

	for (unsigned i = 0; i < 2; i++)
		made.flaws[i] = td_control_decode(pages[i], lens[i], &found[i]);
	if (made.flaws[0] == TD_FLAW_FEATURE || made.flaws[1] == TD_FLAW_FEATURE)
		code = refuse_newer(&found[made.flaws[1] == TD_FLAW_FEATURE], err);
	else if (made.flaws[0] != TD_FLAW_NONE && made.flaws[1] != TD_FLAW_NONE)
		code = td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"CONTROL.a: %s; CONTROL.b: %s: keep a copy of the directory, then have "
			"`tidings doctor` rebuild them from the segments",
			td_flaw_text(made.flaws[0]), td_flaw_text(made.flaws[1]));
	else if (made.flaws[0] == TD_FLAW_NONE && made.flaws[1] == TD_FLAW_NONE)
		code = choose_newer(pages, found, &made.copy, err);
	else
		made.copy = made.flaws[0] != TD_FLAW_NONE;
	if (choice != NULL)
		*choice = made;
	if (code == 0)
		*control = found[made.copy];
	return code;
}
