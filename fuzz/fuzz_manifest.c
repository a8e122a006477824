/*
 * MANIFEST of a backup: the input is its text; where the first byte is not 't', the rest without a
 * digest, which is made right here.
 *
 *	1. what is read is, written again, what stood there;
 *	2. a refusal has a code and a text, and leaves nothing behind;
 *	3. each name of a copy is read back as what it was made of.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "journal/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_names(const struct td_manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++) {
		const struct td_manifest_segment *segment = &manifest->segments[i];
		char name[TD_COPY_NAME_BYTES];
		uint32_t number;
		uint64_t base;

		td_copy_name(name, segment->base, segment->number);
		CHECK(td_copy_is(name, &base, &number));
		CHECK(base == segment->base && number == segment->number);
		CHECK(td_manifest_find(manifest, base) == segment);
	}
}

static void add_digest(struct td_buf *text)
{
	uint8_t digest[TD_SHA256_BYTES];
	struct td_sha256 sha;

	CHECK(td_sha256_init(&sha, NULL) == 0);
	td_sha256_add(&sha, text->at, text->len);
	td_sha256_finish(&sha, digest);
	td_sha256_fini(&sha);
	td_buf_add_string(text, "digest ");
	for (size_t i = 0; i < sizeof(digest); i++)
		td_buf_printf(text, "%02x", digest[i]);
	td_buf_add_char(text, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_buf text = TD_BUF_INIT(1 << 20), again = TD_BUF_INIT(1 << 20);
	struct td_manifest manifest = {0};
	struct td_error err = TD_ERROR_INIT;
	bool bare = size > 0 && data[0] != 't';

	if (size == 0 || size > 1 << 16)
		return 0;
	td_buf_add(&text, data + bare, size - bare);
	if (bare && text.len > 0)
		add_digest(&text);
	int code = td_manifest_read(td_buf_view(&text), &manifest, &err);
	if (code == 0) {
		CHECK(td_manifest_write(&manifest, &again, NULL) == 0);
		CHECK(td_text_equal(td_buf_view(&text), td_buf_view(&again)));
		check_names(&manifest);
	} else {
		CHECK(code == TD_E_DAMAGED || code == TD_E_NEWER || code == TD_E_NOMEM);
		CHECK(err.code == code && err.text[0] != '\0');
		CHECK(manifest.count == 0 && manifest.segments == NULL);
	}
	td_manifest_fini(&manifest);
	td_buf_fini(&text);
	td_buf_fini(&again);
	return 0;
}
