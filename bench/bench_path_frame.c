/*
 * The path of an event without a store, on one thread: a turn takes 64 KiB of PUB lines of 128 B and
 *
 *	parse   finds the commands
 *	record  makes a record of each, in the frame
 *	finish  the frame: whitening, checksums, header
 *	write   into a file that is zero-filled and synced, as segments are
 *	sync    fdatasync
 *	ack     writes the PubAck of each
 *
 * CPU of the thread, user and system. Limit: the payloads copied to one place, written and synced.
 * What bench_path takes more is the store's and the journal's.
 *
 *	bench_path_frame [DIR [BYTES-PER-TURN]]	DIR, default ".", on the disk to be measured
 */
#include <fcntl.h>
#include <unistd.h>

#include "journal/frame.h"
#include "path_lines.h"
#include "store/record.h"

#define FILE_BYTES ((size_t)64 << 20)
#define SALT       0x1234567890ABCDEFu

enum stage { PARSE, RECORD, FINISH, WRITE, SYNC, ACK, STAGES };
static const char *const stage_names[] = {"parse", "record", "finish", "write", "sync", "ack"};

static struct path_lines lines;
static uint8_t *frame;
static size_t frame_bytes;
static int file = -1;
static uint64_t offset = TD_FRAMES_FROM, position;

static void make_frame(void)
{
	frame_bytes = (2 * lines.len + 8191) & ~(size_t)4095;
	frame = aligned_alloc(4096, frame_bytes);
	if (frame == NULL)
		path_fail("memory");
	memset(frame, 0, frame_bytes);
}

/* A file of zeros, as a segment is before it is used. */
static void open_file(const char *dir)
{
	char path[4096];
	char *zeros = calloc(1, 1 << 20);

	snprintf(path, sizeof(path), "%s/bench-path-XXXXXX", dir);
	file = mkstemp(path);
	if (file < 0 || zeros == NULL)
		path_fail(path);
	unlink(path);
	for (size_t at = 0; at < FILE_BYTES; at += 1 << 20) {
		if (pwrite(file, zeros, 1 << 20, (off_t)at) != 1 << 20)
			path_fail("write");
	}
	if (fsync(file) != 0)
		path_fail("sync");
	free(zeros);
}

static void write_out(const void *bytes, size_t len)
{
	if (pwrite(file, bytes, len, (off_t)offset) != (ssize_t)len)
		path_fail("write");
}

static void record(struct td_frame_builder *builder)
{
	td_frame_reset(builder, frame, frame_bytes, false);
	for (size_t i = 0; i < lines.count; i++) {
		uint8_t head[TD_EVENT_FIXED_BYTES];
		const struct td_event_record event = {
			.log = 7,
			.flags = TD_EVENT_HEADLESS,
			.seq = position + i + 1,
			.revision = position + i + 1,
			.time = 1,
			.address = lines.commands[i].subject,
			.payload = lines.commands[i].payload,
		};

		td_event_record_head(&event, head);
		const struct td_text parts[] = {
			{(const char *)head, sizeof(head)}, event.address, event.payload};
		if (!td_frame_room(builder, 1, td_event_record_bytes(&event)))
			abort();
		td_frame_put(builder, parts, 3);
	}
}

static size_t finish(struct td_frame_builder *builder)
{
	static const uint8_t chain[TD_CHAIN_BYTES] = {1};
	const struct td_frame_fields fields = {
		SALT, offset, position + 1, offset, 1, 0, chain, (int64_t)position + 1};

	return td_frame_finish(builder, &fields);
}

static void turn(struct path_stages *stages, struct td_buf *out)
{
	struct td_frame_builder builder;

	path_begin(stages);
	path_parse(&lines);
	path_lap(stages, PARSE);
	record(&builder);
	path_lap(stages, RECORD);
	if (offset + frame_bytes > FILE_BYTES)
		offset = TD_FRAMES_FROM;
	size_t bytes = finish(&builder);
	path_lap(stages, FINISH);
	write_out(frame, bytes);
	path_lap(stages, WRITE);
	if (fdatasync(file) != 0)
		path_fail("sync");
	path_lap(stages, SYNC);
	path_acknowledge(&lines, NULL, position + 1, out);
	path_lap(stages, ACK);
	position += lines.count;
	offset += bytes;
}

/* The payloads alone, to the same disk. */
static void copy_turn(struct path_stages *stages)
{
	uint8_t *to = frame;

	path_begin(stages);
	for (size_t i = 0; i < lines.count; i++, to += PATH_PAYLOAD)
		memcpy(to, lines.commands[i].payload.at, PATH_PAYLOAD);
	write_out(frame, (size_t)(to - frame));
	if (fdatasync(file) != 0)
		path_fail("sync");
	offset += (size_t)(to - frame + 7) & ~(size_t)7;
	path_lap(stages, 0);
}

int main(int argc, char **argv)
{
	static struct path_stages stages, copies;
	struct td_buf out = TD_BUF_INIT((size_t)64 << 20);
	char name[64];

	path_lines_init(&lines, argc > 2 ? strtoul(argv[2], NULL, 10) : 65536, 1000, 0);
	path_parse(&lines);
	make_frame();
	open_file(argc > 1 ? argv[1] : ".");
	path_stages_init(&stages);
	path_stages_init(&copies);
	size_t turns = PATH_ROUND_BYTES / lines.len;
	for (int round = -1; round < PATH_ROUNDS; round++) {
		for (size_t i = 0; i < turns; i++) {
			turn(&stages, &out);
			copy_turn(&copies);
		}
		path_round(&stages, round, turns * lines.count);
		path_round(&copies, round, turns * lines.count);
	}
	bench_header("PUB 128 B in memory -> frame -> synced -> PubAck, no store: CPU an event");
	double all = path_sum(&stages);
	snprintf(name, sizeof(name), "path without store, %zu lines a turn", lines.count);
	bench_row(name, all, path_sum(&copies), "us", "ours <= 0.30 us", all <= 0.30);
	path_print(&stages, stage_names, STAGES);
	td_buf_fini(&out);
	path_lines_fini(&lines);
	free(frame);
	close(file);
	return 0;
}
