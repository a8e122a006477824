/*
 * Text: bytes with a length, borrowed.
 *
 * Everything the library hands out as text is a *view*: it ends after `len` bytes, not at a NUL,
 * and lives as long as the thing it was asked from. `at == NULL` means absent, which is not the
 * same as empty. To print one: printf("%.*s", TD_TEXT_ARG(text)).
 *
 * No text is promised a NUL behind it, also where there happens to be one: atoi(), strcmp(),
 * strstr() and "%s" read on into what follows. td_text_is() compares, td_text_copy() makes a C
 * string. (Bytes made for you, struct td_bytes, do have a NUL.)
 */
#ifndef TIDINGS_TEXT_H
#define TIDINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct td_text {
	const char *at;
	size_t len;
};

/* A string literal as text, usable as an initializer. */
#define TD_TEXT_INIT(literal)                  \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* The two arguments of "%.*s". */
#define TD_TEXT_ARG(text) ((int)(text).len), ((text).at ? (text).at : "")

/* A view of a C string; NULL gives absent text. */
static inline struct td_text td_text(const char *string)
{
	struct td_text text = {string, string ? strlen(string) : 0};
	return text;
}

static inline struct td_text td_text_of(const void *bytes, size_t len)
{
	struct td_text text = {(const char *)bytes, len};
	return text;
}

/* Same bytes; absent equals only absent. */
static inline bool td_text_equal(struct td_text a, struct td_text b)
{
	if (a.at == NULL || b.at == NULL)
		return a.at == b.at;
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool td_text_is(struct td_text a, const char *string)
{
	return td_text_equal(a, td_text(string));
}

/*
 * The text as a C string in your buffer, cut to fit; returns the buffer. For calls that want a NUL:
 * atoi(td_text_copy(text, buffer, sizeof(buffer))).
 */
static inline char *td_text_copy(struct td_text text, char *buffer, size_t bytes)
{
	size_t len = text.len < bytes ? text.len : bytes - 1;

	if (len > 0)
		memcpy(buffer, text.at, len);
	buffer[len] = '\0';
	return buffer;
}

#ifdef __cplusplus
}
#endif

#endif
