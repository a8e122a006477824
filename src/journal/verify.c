/*
 * Verifying: a journal looked at from outside, from the first byte to the last, changing nothing.
 *
 * Each frame is checked on its own (header, body, records), against its neighbours (position,
 * epoch, chain), and its segment against the footer. What is damaged is told with its positions,
 * and the next whole frame is searched. Behind a gap the chain begins anew with what the next frame
 * says of the one before; so a gap costs what lies in it and no more.
 *
 * The chain of a rewritten segment is a new one, from the value before it on; that it took the place
 * of the original one is said by the footer, and proven by nobody.
 */
#include <errno.h>
#include <stdio.h>

#include "journal/fault.h"
#include "journal/heads.h"
#include "journal/open.h"

#define WINDOW_BYTES ((size_t)4 << 20)

struct verifier {
	struct td_journal *journal;
	struct td_listing listing;
	void (*found)(void *arg, const struct td_finding *finding);
	void *arg;
	unsigned damages;

	struct td_heads heads;
	int code; /* TD_E_NOMEM */

	uint64_t position;             /* of the next record */
	uint8_t chain[TD_CHAIN_BYTES]; /* of the last frame */
	bool known;                    /* these two are */
	struct td_sha256 sha;

	/* The segment at hand. */
	char name[TD_SEGMENT_NAME_BYTES];
	struct td_segment_header header;
	struct td_segment_footer footer;
	bool footed;
	struct td_walk walk;
	struct td_hash128_state hash;
	uint8_t next_chain[TD_CHAIN_BYTES]; /* of the frame being looked at */
	bool whole;                         /* nothing damaged so far */
};

static void tell(struct verifier *verifier, enum td_finding_kind kind, uint64_t offset,
	uint64_t bytes, uint64_t from, uint64_t to, const char *what)
{
	const struct td_finding finding = {kind, verifier->name, offset, bytes, from, to, what};

	if (kind == TD_FINDING_DAMAGE) {
		verifier->damages++;
		verifier->whole = false;
	}
	if (verifier->found != NULL)
		verifier->found(verifier->arg, &finding);
}

static void damage(struct verifier *verifier, uint64_t offset, uint64_t bytes, uint64_t from,
	uint64_t to, const char *what)
{
	tell(verifier, TD_FINDING_DAMAGE, offset, bytes, from, to, what);
}

/* Exported heads that were taken here. */
static void meet_heads(struct verifier *verifier)
{
	if (verifier->heads.count > 0)
		td_heads_meet(&verifier->heads, verifier->position, verifier->chain);
}

/* --- frames ------------------------------------------------------------------------------- */

static void see_stored(void *arg, const void *bytes, size_t len)
{
	struct verifier *verifier = arg;

	td_hash128_add(&verifier->hash, bytes, len);
	if (verifier->journal->chained) {
		td_sha256_add(&verifier->sha, bytes, len);
		td_sha256_finish(&verifier->sha, verifier->next_chain);
	}
}

static void check_place(struct verifier *verifier, const struct td_frame_header *header)
{
	if (!verifier->known)
		return;
	if (header->first_position != verifier->position)
		damage(verifier, header->offset, td_frame_bytes(header), verifier->position,
			header->first_position, "positions do not follow the frame before");
	if (verifier->journal->chained &&
		memcmp(header->chain, verifier->chain, TD_CHAIN_BYTES) != 0)
		damage(verifier, header->offset, td_frame_bytes(header), header->first_position,
			header->first_position,
			"the chain does not continue that of the frame before");
}

/* What cannot be read from `at` on: up to the next frame that is whole, or `end`. */
static uint64_t skip(struct verifier *verifier, uint64_t at, uint64_t end, const char *what)
{
	struct td_frame_header header;
	struct td_frame frame;
	uint64_t from = at;

	while (td_walk_search(&verifier->walk, at + 8, &header)) {
		at = header.offset;
		if (td_walk_frame(&verifier->walk, &header, &frame, NULL, NULL) != TD_FLAW_NONE)
			continue;
		damage(verifier, from, at - from, verifier->position,
			header.first_position > 0 ? header.first_position - 1 : 0, what);
		verifier->position = header.first_position;
		memcpy(verifier->chain, header.chain, TD_CHAIN_BYTES);
		return at;
	}
	damage(verifier, from, end - from, verifier->position,
		verifier->footed ? verifier->footer.next_position - 1 : verifier->position, what);
	return end;
}

/* The frames up to `end`, or of the last segment as far as they go. Where they end. */
static uint64_t check_frames(struct verifier *verifier, uint64_t end)
{
	struct td_frame_header header;
	struct td_frame frame;
	uint64_t at = TD_FRAMES_FROM;

	while (at < end) {
		enum td_flaw flaw = td_walk_header(&verifier->walk, at, &header);

		if (flaw == TD_FLAW_NONE)
			flaw = td_walk_frame(
				&verifier->walk, &header, &frame, see_stored, verifier);
		if (flaw != TD_FLAW_NONE && !verifier->footed)
			return at;
		if (flaw != TD_FLAW_NONE) {
			at = skip(verifier, at, end, td_flaw_text(flaw));
			continue;
		}
		check_place(verifier, &header);
		verifier->position = frame.next_position;
		memcpy(verifier->chain, verifier->next_chain, TD_CHAIN_BYTES);
		verifier->known = true;
		meet_heads(verifier);
		at += td_frame_bytes(&header);
	}
	return at;
}

/* --- segments ----------------------------------------------------------------------------- */

static const char *rule_text(uint32_t rule)
{
	return rule == TD_REWRITE_ERASE ? "rewritten by rule: erase" : "rewritten by rule: space";
}

static void check_footer(struct verifier *verifier)
{
	const struct td_segment_footer *footer = &verifier->footer;
	struct td_hash128 hash = td_hash128_digest(&verifier->hash);
	bool rewritten = footer->rewriting_count > 0;

	if (verifier->whole &&
		(hash.low != footer->hash.low || hash.high != footer->hash.high ||
			verifier->position != footer->next_position ||
			(verifier->journal->chained &&
				memcmp(footer->chain, verifier->chain, TD_CHAIN_BYTES) != 0)))
		damage(verifier, td_segment_frames_end(verifier->header.bytes), TD_PAGE_BYTES,
			verifier->header.base, footer->next_position - 1,
			"the footer does not fit what is there");
	if (rewritten && verifier->heads.count > 0 && verifier->code == 0)
		verifier->code = td_heads_rewritten(&verifier->heads, verifier->header.base,
			footer->next_position, footer->rewritings[footer->rewriting_count - 1].rule,
			NULL);
	if (verifier->whole)
		tell(verifier, rewritten ? TD_FINDING_REWRITTEN : TD_FINDING_SEGMENT, 0,
			verifier->header.bytes, verifier->header.base, footer->next_position - 1,
			rewritten ? rule_text(footer->rewritings[footer->rewriting_count - 1].rule)
				  : "proven");
	verifier->position = footer->next_position;
	memcpy(verifier->chain, td_segment_footer_chain(footer), TD_CHAIN_BYTES);
	verifier->known = true;
	meet_heads(verifier);
}

static void check_tail(struct verifier *verifier, uint64_t end)
{
	static const char *const texts[] = {
		[TD_TAIL_CLEAN] = "closed in order",
		[TD_TAIL_ENDED] = "zeros behind the last frame",
		[TD_TAIL_TORN] = "a write that was cut off; never acknowledged",
	};
	const struct td_control *control = &verifier->journal->control;
	struct td_tail_facts facts = {0};
	const char *what = NULL;
	enum td_tail tail;

	if (control->clean && control->active_base == verifier->header.base && end <= control->end)
		facts.clean_end = control->end;
	if (td_tail_look(&verifier->walk, end, verifier->walk.bytes, &facts, NULL) != 0)
		return;
	tail = td_tail_judge(&facts, &what);
	if (tail == TD_TAIL_TORN && facts.clean_end != 0) {
		/* Opening cuts it, as nothing can be lost; but no write was cut off here. */
		tail = TD_TAIL_DAMAGED;
		what = "bytes behind the end of what was closed in order";
	}
	if (tail == TD_TAIL_DAMAGED)
		damage(verifier, end, facts.nonzero_end - end, verifier->position,
			verifier->position, what);
	else
		tell(verifier, TD_FINDING_TAIL, end, facts.nonzero_end - end, verifier->position,
			verifier->position, texts[tail]);
}

/* Header and footer of a file; false: its frames cannot be looked at. */
static bool check_pages(struct verifier *verifier, uint64_t base, uint64_t bytes,
	const uint8_t *header, const uint8_t *footer, bool last)
{
	enum td_flaw flaw = td_segment_header_decode(header, TD_PAGE_BYTES, &verifier->header);
	const char *what = flaw != TD_FLAW_NONE ? td_flaw_text(flaw) : NULL;

	if (what == NULL && (verifier->header.base != base || verifier->header.bytes != bytes))
		what = "header and file do not fit";
	if (what == NULL && memcmp(verifier->header.store, verifier->journal->control.store,
				    TD_STORE_BYTES) != 0)
		what = "of another store";
	if (what != NULL) {
		damage(verifier, 0, TD_PAGE_BYTES, base, base, what);
		verifier->known = false;
		return false;
	}
	if (verifier->known && base != verifier->position)
		damage(verifier, 0, bytes, verifier->position, base - 1,
			"does not follow the segment before");
	if (verifier->known && memcmp(verifier->header.chain, verifier->chain, TD_CHAIN_BYTES) != 0)
		damage(verifier, 0, TD_PAGE_BYTES, base, base,
			"its chain does not continue that of the segment before");
	verifier->position = base;
	memcpy(verifier->chain, verifier->header.chain, TD_CHAIN_BYTES);
	verifier->known = true;
	meet_heads(verifier);
	flaw = td_segment_footer_decode(
		footer, TD_PAGE_BYTES, &verifier->header, &verifier->footer);
	verifier->footed = flaw == TD_FLAW_NONE;
	if (!verifier->footed && !last)
		damage(verifier, td_segment_frames_end(bytes), TD_PAGE_BYTES, base, base,
			td_flaw_text(flaw));
	return true;
}

static int open_direct(struct verifier *verifier, int *file)
{
	const struct td_journal *journal = verifier->journal;
	int code = td_disk_open(
		journal->disk, journal->dir, verifier->name, TD_DISK_READ | TD_DISK_DIRECT, file);

	return code == EINVAL ? td_disk_open(journal->disk, journal->dir, verifier->name,
					TD_DISK_READ, file)
			      : code;
}

static int check_segment(struct verifier *verifier, size_t i, struct td_error *err)
{
	struct td_journal *journal = verifier->journal;
	uint64_t base = verifier->listing.bases[i], bytes = 0, end;
	bool last = i + 1 == verifier->listing.count;
	uint8_t header[TD_PAGE_BYTES], footer[TD_PAGE_BYTES];
	int file = -1, unread, code;

	td_segment_name(verifier->name, base);
	verifier->whole = true;
	code = td_segment_pages(journal, base, &file, &bytes, header, footer, &unread, err);
	td_disk_close(journal->disk, file);
	if (code != 0 || !check_pages(verifier, base, bytes, header, footer, last))
		return code;
	code = open_direct(verifier, &file);
	if (code != 0)
		return td_fault(err, code, "journal %s: %s", journal->path, verifier->name);
	code = td_walk_init(&verifier->walk, journal->disk, file, bytes, WINDOW_BYTES, err);
	if (code == 0) {
		verifier->walk.salt = verifier->header.salt;
		verifier->walk.limit = td_segment_frames_end(bytes);
		td_hash128_reset(&verifier->hash);
		td_hash128_add(&verifier->hash, header, TD_PAGE_BYTES);
		end = check_frames(
			verifier, verifier->footed ? verifier->footer.end : verifier->walk.limit);
		if (verifier->footed)
			check_footer(verifier);
		else if (last)
			check_tail(verifier, end);
		code = verifier->walk.code == 0 ? 0 : td_error_nomem(err);
	}
	td_walk_fini(&verifier->walk);
	td_disk_close(journal->disk, file);
	return code;
}

/* --- all ---------------------------------------------------------------------------------- */

static int verify(struct verifier *verifier, const char *path, struct td_error *err)
{
	struct td_journal *journal = verifier->journal;
	int code = td_disk_open_dir(journal->disk, TD_DISK_NOWHERE, path, 0, &journal->dir);

	if (code == ENOENT)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "journal %s: none", path);
	if (code != 0)
		return td_fault(err, code, "journal %s", path);
	code = td_listing_read(journal, &verifier->listing, err);
	if (code == 0 && journal->control.generation == 0)
		code = td_copies_open(journal, TD_DISK_READ, err);
	if (code == 0)
		code = td_sha256_init(&verifier->sha, err);
	if (code != 0)
		return code;
	journal->chained = journal->control.features.ro_compat & TD_RO_COMPAT_CHAIN;
	journal->strict = journal->control.features.ro_compat & TD_RO_COMPAT_STRICT;
	for (size_t i = 0; code == 0 && i < verifier->listing.count; i++) {
		if (verifier->listing.bases[i] < journal->control.first_position)
			continue; /* dropped */
		if (verifier->position == 0 &&
			verifier->listing.bases[i] != journal->control.first_position) {
			td_segment_name(verifier->name, journal->control.first_position);
			damage(verifier, 0, 0, journal->control.first_position,
				verifier->listing.bases[i] - 1, "missing");
		}
		code = check_segment(verifier, i, err);
	}
	if (code == 0 && (verifier->listing.count == 0 ||
				 verifier->listing.bases[verifier->listing.count - 1] <
					 journal->control.active_base)) {
		td_segment_name(verifier->name, journal->control.active_base);
		damage(verifier, 0, 0, journal->control.active_base, journal->control.active_base,
			"missing, though CONTROL names it as the last");
	}
	return code;
}

static void check_head(struct verifier *verifier, const struct td_known_head *known)
{
	const struct td_head *head = &known->head;
	const struct td_rewritten *rewriting = td_heads_rewriting(&verifier->heads, head->position);
	enum td_finding_kind kind = TD_FINDING_DAMAGE;
	const char *what;

	if (memcmp(head->store, verifier->journal->control.store, TD_STORE_BYTES) != 0) {
		what = "the head is of another store";
	} else if (known->proven) {
		kind = TD_FINDING_HEAD;
		what = "proven by a head";
	} else if (head->position > verifier->position) {
		what = "the head speaks of positions that are not there";
	} else if (head->position <= verifier->journal->control.first_position) {
		kind = TD_FINDING_HEAD_OPEN;
		what = "what the head speaks for was dropped since";
	} else if (rewriting != NULL) {
		kind = TD_FINDING_HEAD_OPEN;
		what = rule_text(rewriting->rule);
	} else {
		what = "the head is not on the chain: history was changed";
	}
	snprintf(verifier->name, sizeof(verifier->name), "head");
	tell(verifier, kind, 0, 0, 1, head->position - 1, what);
}

static int run(struct verifier *verifier, const char *path, struct td_error *err)
{
	int code = verify(verifier, path, err);

	if (code == 0 && verifier->code != 0)
		code = td_error_nomem(err);
	for (size_t i = 0; code == 0 && i < verifier->heads.count; i++)
		check_head(verifier, &verifier->heads.at[i]);
	td_sha256_fini(&verifier->sha);
	td_listing_fini(&verifier->listing);
	td_journal_abandon(verifier->journal);
	td_heads_fini(&verifier->heads);
	if (code != 0 || verifier->damages == 0)
		return code;
	return td_error_set(
		err, TD_E_DAMAGED, TD_NO_OFFSET, "journal %s: %u damages", path, verifier->damages);
}

int td_journal_verify(const struct td_disk *disk, const char *path,
	const struct td_verify_options *options,
	void (*found)(void *arg, const struct td_finding *finding), void *arg, struct td_error *err)
{
	struct td_journal_options as = {.disk = disk, .read_only = true};
	struct verifier verifier = {.found = found, .arg = arg};
	int code = 0;

	if (options != NULL && options->heads.at != NULL)
		code = td_heads_read(&verifier.heads, options->heads, options->key, err);
	if (code != 0)
		return code;
	verifier.journal = td_journal_make(path, &as, err);
	if (verifier.journal == NULL) {
		td_heads_fini(&verifier.heads);
		return TD_E_NOMEM;
	}
	return run(&verifier, path, err);
}

int td_verify_as(const struct td_disk *disk, const char *path, const struct td_control *control,
	void (*found)(void *arg, const struct td_finding *finding), void *arg, struct td_error *err)
{
	struct td_journal_options options = {.disk = disk, .read_only = true};
	struct verifier verifier = {.found = found, .arg = arg};

	verifier.journal = td_journal_make(path, &options, err);
	if (verifier.journal == NULL)
		return TD_E_NOMEM;
	verifier.journal->control = *control;
	return run(&verifier, path, err);
}
