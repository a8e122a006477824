/*
 * A file of settings. What is read is written as a file that is read the same; what is refused is
 * told with words, and leaves nothing.
 */
#include <stdint.h>

#include "server/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_file(struct td_text file, struct td_settings **settings, struct td_error *err)
{
	const struct td_settings_sources sources = {.file_name = "f", .file = file};

	return td_settings_new(settings, &sources, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_settings *settings = NULL, *again = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_buf buf = TD_BUF_INIT((size_t)8 << 20), restart = TD_BUF_INIT(4096);
	int code = read_file(td_text_of(data, size), &settings, &err);

	if (code != 0) {
		TD_ASSERT(settings == NULL && err.code == code && err.text[0] != '\0');
		return 0;
	}
	td_settings_write(settings, (size & 1) != 0, &buf);
	/* A million short lines come out longer than they went in. */
	if (td_buf_check(&buf, NULL) == 0 && buf.len <= (1u << 20)) {
		TD_ASSERT(read_file(td_buf_view(&buf), &again, &err) == 0);
		TD_ASSERT(td_settings_compare(settings, again, &restart) == 0 && restart.len == 0);
		TD_ASSERT((td_settings_check(settings, NULL) == 0) ==
			  (td_settings_check(again, NULL) == 0));
	}
	td_settings_free(again);
	td_settings_free(settings);
	td_buf_fini(&restart);
	td_buf_fini(&buf);
	return 0;
}
