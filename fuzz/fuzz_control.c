/*
 * CONTROL, both copies: halves of the input are the beginnings of the pages. The first byte says
 * which checksums are made right.
 *
 *	1. a copy that is valid, and says nothing unknown, is what encoding makes of it;
 *	2. the one chosen is valid, none that is valid is newer, and nothing is chosen while a copy
 *	   needs a newer version;
 *	3. a refusal has a code and a text, and leaves the output as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "journal/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static enum td_flaw read_copy(const uint8_t page[TD_PAGE_BYTES], struct td_control *control)
{
	uint8_t again[TD_PAGE_BYTES];
	enum td_flaw flaw = td_control_decode(page, TD_PAGE_BYTES, control);

	if (flaw != TD_FLAW_NONE)
		return flaw;
	td_control_encode(control, again);
	if (td_features_all_known(&control->features))
		CHECK(memcmp(page, again, TD_PAGE_BYTES) == 0);
	return flaw;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t pages[2][TD_PAGE_BYTES];
	const void *const both[2] = {pages[0], pages[1]};
	const size_t lens[2] = {TD_PAGE_BYTES, TD_PAGE_BYTES};
	struct td_control found[2], control = {.generation = 4242};
	struct td_control_choice choice;
	struct td_error err = TD_ERROR_INIT;
	enum td_flaw flaws[2];

	if (size == 0 || size > 2 * TD_PAGE_BYTES)
		return 0;
	size_t half = (size - 1) / 2;
	memset(pages, 0, sizeof(pages));
	memcpy(pages[0], data + 1, half);
	memcpy(pages[1], data + 1 + half, size - 1 - half);
	for (unsigned i = 0; i < 2; i++) {
		if (data[0] & 1u << i)
			td_page_seal(pages[i], TD_CONTROL_MAGIC);
		flaws[i] = read_copy(pages[i], &found[i]);
	}
	int code = td_control_choose(both, lens, &control, &choice, &err);
	CHECK(choice.flaws[0] == flaws[0] && choice.flaws[1] == flaws[1]);
	if (code != 0) {
		CHECK((code == TD_E_NEWER) ==
			(flaws[0] == TD_FLAW_FEATURE || flaws[1] == TD_FLAW_FEATURE));
		CHECK(code == TD_E_NEWER || code == TD_E_DAMAGED);
		CHECK(err.code == code && err.text[0] != '\0' && control.generation == 4242);
		return 0;
	}
	CHECK(flaws[choice.copy] == TD_FLAW_NONE);
	CHECK(control.generation == found[choice.copy].generation);
	CHECK(flaws[0] != TD_FLAW_FEATURE && flaws[1] != TD_FLAW_FEATURE);
	unsigned other = 1 - choice.copy;
	if (flaws[other] == TD_FLAW_NONE)
		CHECK(found[other].generation <= control.generation);
	return 0;
}
