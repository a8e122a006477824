/*
 * A whole connection against a server over memory: the same bytes, once as they are and once cut at the
 * places that the input says, get the same answers. What is answered is HTTP; the server holds its
 * invariants all the way; nothing is left of the connection when it is gone.
 *
 *	input: | cuts | length, length, ... | what the client sends |
 */
#include "../test/server/world.h"

#define CUTS_MAX 31u

/* "100 Continue" is said to who waits for it, and that depends on the cuts. */
static void leave_out_continue(struct td_buf *out)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char *at;

	while (out->len > 0 && (at = memmem(out->at, out->len, text, sizeof(text) - 1)) != NULL) {
		size_t behind = out->len - (size_t)(at - out->at) - (sizeof(text) - 1);

		memmove(at, at + sizeof(text) - 1, behind);
		out->len -= sizeof(text) - 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world whole, cut;
	size_t count;
	char *bytes;
	int code;

	if (size == 0 || size > 16384)
		return 0;
	count = data[0] & CUTS_MAX;
	if (size < 1 + count)
		return 0;
	bytes = malloc(size - 1 - count + 1);
	TD_ASSERT(bytes != NULL);
	memcpy(bytes, data + 1 + count, size - 1 - count);
	world_init(&whole, bytes);
	code = play(&whole, NULL, 0, size - 1 - count);
	TD_ASSERT(code == 0);
	world_init(&cut, bytes);
	code = play(&cut, data + 1, count, size - 1 - count);
	TD_ASSERT(code == 0);
	leave_out_continue(&whole.out);
	leave_out_continue(&cut.out);
	TD_ASSERT(whole.out.len == 0 || memcmp(whole.out.at, "HTTP/1.1 ", 9) == 0);
	TD_ASSERT(td_text_equal(td_buf_view(&whole.out), td_buf_view(&cut.out)) ||
		  whole.out.len + cut.out.len == 0);
	td_buf_fini(&whole.out);
	td_buf_fini(&cut.out);
	free(bytes);
	return 0;
}
