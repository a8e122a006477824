#include "journal/manifest.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/segment_format.h"

#define FIRST_LINE "tidings-backup-1\n"

void td_manifest_fini(struct td_manifest *manifest)
{
	free(manifest->segments);
	*manifest = (struct td_manifest){0};
}

int td_manifest_reserve(struct td_manifest *manifest, struct td_error *err)
{
	size_t cap = manifest->cap > 0 ? manifest->cap * 2 : 16;
	struct td_manifest_segment *segments;

	if (manifest->count < manifest->cap)
		return 0;
	segments = realloc(manifest->segments, cap * sizeof(*segments));
	if (segments == NULL)
		return td_error_nomem(err);
	manifest->segments = segments;
	manifest->cap = cap;
	return 0;
}

struct td_manifest_segment *td_manifest_find(const struct td_manifest *manifest, uint64_t base)
{
	size_t low = 0, high = manifest->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (manifest->segments[middle].base < base)
			low = middle + 1;
		else
			high = middle;
	}
	return low < manifest->count && manifest->segments[low].base == base
		       ? &manifest->segments[low]
		       : NULL;
}

void td_copy_name(char name[TD_COPY_NAME_BYTES], uint64_t base, uint32_t number)
{
	snprintf(name, TD_COPY_NAME_BYTES, "copy-%016llx-%08x", (unsigned long long)base, number);
}

/* `digits` of them, and nothing else before `end`. */
static bool read_name(const char *at, unsigned digits, char end, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < digits; i++) {
		int digit = td_hex_lower(at[i]);

		if (digit < 0)
			return false;
		*value = *value << 4 | (unsigned)digit;
	}
	return at[digits] == end;
}

bool td_copy_is(const char *name, uint64_t *base, uint32_t *number)
{
	uint64_t low = 0;

	if (strncmp(name, "copy-", 5) != 0 || !read_name(name + 5, 16, '-', base) ||
		!read_name(name + 22, 8, '\0', &low))
		return false;
	*number = (uint32_t)low;
	return true;
}

/* --- writing ------------------------------------------------------------------------------ */

static void put_hex(struct td_buf *buf, const uint8_t *bytes, size_t len)
{
	td_buf_add_hex(buf, bytes, len);
	td_buf_add_char(buf, '\n');
}

static void write_lines(const struct td_manifest *manifest, struct td_buf *buf)
{
	char uuid[TD_UUID_BYTES], time[TD_TIME_BYTES];

	td_uuid_format(manifest->store, uuid);
	td_time_format(manifest->time, time);
	td_buf_add_string(buf, FIRST_LINE);
	td_buf_printf(buf, "store %.*s\n", TD_UUID_BYTES, uuid);
	td_buf_printf(buf, "features %llx %llx %llx\n",
		(unsigned long long)manifest->features.compat,
		(unsigned long long)manifest->features.ro_compat,
		(unsigned long long)manifest->features.incompat);
	td_buf_printf(buf, "epoch %llu\n", (unsigned long long)manifest->epoch);
	td_buf_printf(buf, "time %.*s\n", TD_TIME_BYTES, time);
	td_buf_printf(buf, "first %llu\n", (unsigned long long)manifest->first);
	td_buf_printf(buf, "next %llu\n", (unsigned long long)manifest->next);
	td_buf_add_string(buf, "chain ");
	put_hex(buf, manifest->chain, TD_CHAIN_BYTES);
	for (size_t i = 0; i < manifest->count; i++) {
		const struct td_manifest_segment *segment = &manifest->segments[i];

		td_buf_printf(buf, "segment %llu %u %llu %llu %s ",
			(unsigned long long)segment->base, segment->number,
			(unsigned long long)segment->bytes, (unsigned long long)segment->end,
			segment->sealed ? "sealed" : "active");
		put_hex(buf, segment->sha256, TD_SHA256_BYTES);
	}
}

int td_manifest_write(const struct td_manifest *manifest, struct td_buf *buf, struct td_error *err)
{
	uint8_t digest[TD_SHA256_BYTES];
	struct td_sha256 sha;
	int code = td_sha256_init(&sha, err);

	if (code != 0)
		return code;
	write_lines(manifest, buf);
	td_sha256_add(&sha, buf->at, buf->len);
	td_sha256_finish(&sha, digest);
	td_sha256_fini(&sha);
	td_buf_add_string(buf, "digest ");
	put_hex(buf, digest, sizeof(digest));
	return td_buf_check(buf, err);
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Words and numbers as they come; that each stands there as it is written, and nothing else does, is
 * seen by writing what was read again.
 */
struct reader {
	const char *at, *end;
	size_t line;
	bool failed;
};

static void expect(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (reader->failed || (size_t)(reader->end - reader->at) < len ||
		memcmp(reader->at, word, len) != 0)
		reader->failed = true;
	else
		reader->at += len;
}

static bool stands(const struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	return !reader->failed && (size_t)(reader->end - reader->at) >= len &&
	       memcmp(reader->at, word, len) == 0;
}

static uint64_t read_number(struct reader *reader, unsigned radix, uint64_t most)
{
	uint64_t value = 0;
	bool any = false;

	for (; !reader->failed && reader->at < reader->end; reader->at++, any = true) {
		int value_of = td_hex_lower(*reader->at);
		unsigned digit = (unsigned)value_of;

		if (value_of < 0 || digit >= radix)
			break;
		if (value > (most - digit) / radix)
			reader->failed = true;
		else
			value = value * radix + digit;
	}
	reader->failed = reader->failed || !any;
	return value;
}

static void read_hex(struct reader *reader, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && !reader->failed; i++) {
		int high, low;

		if (reader->at < reader->end && *reader->at == '-')
			reader->at++; /* of a UUID */
		if (reader->end - reader->at < 2) {
			reader->failed = true;
			return;
		}
		high = td_hex_lower(reader->at[0]);
		low = td_hex_lower(reader->at[1]);
		reader->failed = high < 0 || low < 0;
		bytes[i] = (uint8_t)((high & 15) << 4 | (low & 15));
		reader->at += 2;
	}
}

static void end_line(struct reader *reader)
{
	expect(reader, "\n");
	reader->line += !reader->failed;
}

static uint64_t read_line(struct reader *reader, const char *word)
{
	uint64_t value;

	expect(reader, word);
	value = read_number(reader, 10, UINT64_MAX);
	end_line(reader);
	return value;
}

static void read_head(struct reader *reader, struct td_manifest *manifest)
{
	td_time time = 0;

	expect(reader, FIRST_LINE "store ");
	reader->line++;
	read_hex(reader, manifest->store, TD_STORE_BYTES);
	end_line(reader);
	expect(reader, "features ");
	manifest->features.compat = read_number(reader, 16, UINT64_MAX);
	expect(reader, " ");
	manifest->features.ro_compat = read_number(reader, 16, UINT64_MAX);
	expect(reader, " ");
	manifest->features.incompat = read_number(reader, 16, UINT64_MAX);
	end_line(reader);
	manifest->epoch = read_line(reader, "epoch ");
	expect(reader, "time ");
	if (reader->failed || reader->end - reader->at < TD_TIME_BYTES ||
		td_time_parse(td_text_of(reader->at, TD_TIME_BYTES), &time, NULL) != 0)
		reader->failed = true;
	else
		reader->at += TD_TIME_BYTES;
	manifest->time = time;
	end_line(reader);
	manifest->first = read_line(reader, "first ");
	manifest->next = read_line(reader, "next ");
	expect(reader, "chain ");
	read_hex(reader, manifest->chain, TD_CHAIN_BYTES);
	end_line(reader);
}

static void read_segment(struct reader *reader, struct td_manifest_segment *segment)
{
	expect(reader, "segment ");
	segment->base = read_number(reader, 10, UINT64_MAX);
	expect(reader, " ");
	segment->number = (uint32_t)read_number(reader, 10, UINT32_MAX);
	expect(reader, " ");
	segment->bytes = read_number(reader, 10, UINT64_MAX);
	expect(reader, " ");
	segment->end = read_number(reader, 10, UINT64_MAX);
	segment->sealed = stands(reader, " sealed ");
	expect(reader, segment->sealed ? " sealed " : " active ");
	read_hex(reader, segment->sha256, TD_SHA256_BYTES);
	end_line(reader);
}

static bool fits(const struct td_manifest_segment *segment)
{
	return segment->base > 0 && segment->number > 0 && segment->bytes % TD_PAGE_BYTES == 0 &&
	       segment->bytes >= TD_SEGMENT_BYTES_LEAST &&
	       segment->bytes <= TD_SEGMENT_BYTES_MOST && segment->end >= TD_FRAMES_FROM &&
	       segment->end <= td_segment_frames_end(segment->bytes) && segment->end % 8 == 0;
}

/* What a manifest is beyond its words; for who writes one, too. */
static bool is_whole(const struct td_manifest *manifest)
{
	size_t count = manifest->count;

	if (count == 0 || manifest->epoch == 0 || manifest->time <= 0 ||
		manifest->segments[0].base != manifest->first ||
		manifest->next < manifest->segments[count - 1].base)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!fits(&manifest->segments[i]) ||
			manifest->segments[i].sealed != (i + 1 < count) ||
			(i > 0 && manifest->segments[i].base <= manifest->segments[i - 1].base))
			return false;
	}
	return true;
}

static int refuse(size_t line, struct td_error *err)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"%s: line %zu is not what a backup writes", TD_MANIFEST_NAME, line);
}

static int read_segments(struct reader *reader, struct td_manifest *manifest, struct td_error *err)
{
	while (stands(reader, "segment ")) {
		int code = td_manifest_reserve(manifest, err);

		if (code != 0)
			return code;
		read_segment(reader, &manifest->segments[manifest->count++]);
	}
	return 0;
}

/* What was read, written again, is what stood there: spelling and digest with it. */
static int check_text(const struct td_manifest *manifest, struct td_text text, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_MANIFEST_BYTES_MAX);
	size_t line = 1, i = 0;
	int code = td_manifest_write(manifest, &buf, err);

	for (; code == 0 && i < buf.len && i < text.len && buf.at[i] == text.at[i]; i++)
		line += buf.at[i] == '\n';
	if (code == 0 && (i < buf.len || i < text.len))
		code = refuse(line, err);
	td_buf_fini(&buf);
	return code;
}

int td_manifest_read(struct td_text text, struct td_manifest *manifest, struct td_error *err)
{
	static const char version[] = "tidings-backup-";
	size_t len = sizeof(version) - 1;

	if (text.len == 0)
		return refuse(1, err);
	struct reader reader = {text.at, text.at + text.len, 1, false};

	if (stands(&reader, version) && !stands(&reader, FIRST_LINE) && text.len > len &&
		text.at[len] >= '1' && text.at[len] <= '9')
		return td_error_set(err, TD_E_NEWER, TD_NO_OFFSET,
			"%s: a newer version wrote this backup", TD_MANIFEST_NAME);
	read_head(&reader, manifest);
	int code = read_segments(&reader, manifest, err);

	if (code == 0 && reader.failed)
		code = refuse(reader.line, err);
	if (code == 0)
		code = check_text(manifest, text, err);
	if (code == 0 && !is_whole(manifest))
		code = refuse(reader.line, err);
	if (code != 0)
		td_manifest_fini(manifest);
	return code;
}
