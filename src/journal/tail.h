/*
 * The end of a journal after a crash: what is behind the last whole frame, and what that means.
 *
 * Frames are written one at a time, over zeros; the next one only after the sync of the one before.
 * So behind E, where the frames end, a crash can leave parts of one frame and nothing else, and a
 * part that never arrived is zero (whiten.h). Everything else has been damaged since.
 *
 *	found behind E                                          means      then
 *	a frame whose durable_end is above E, or any frame      DAMAGED    refuse: E had been synced
 *	less than CONTROL says of a clean end                   DAMAGED    refuse
 *	nothing but zeros                                       ENDED      go on at E
 *	a piece that is zero, all else within one frame of E    TORN       cut at E
 *	anything else                                           DAMAGED    refuse
 */
#ifndef TD_JOURNAL_TAIL_H
#define TD_JOURNAL_TAIL_H

#include "journal/journal.h"
#include "journal/walk.h"

struct td_tail_facts {
	uint64_t end;         /* E */
	uint64_t clean_end;   /* where CONTROL says that the frames end; 0: it does not */
	uint64_t stated_end;  /* of the frame that a valid header at E states; 0: there is none */
	uint64_t nonzero_end; /* behind the last byte that is not zero; E: there is none */
	uint64_t later;       /* offset of a valid header behind E; 0: none */
	bool zero_piece;      /* between E and the end stated, or else found */
	bool unreadable;      /* the device refused to give some of it */
};

/* *what (static): why. */
enum td_tail td_tail_judge(const struct td_tail_facts *facts, const char **what);

/*
 * Look behind E, where `walk` stands: all but clean_end is filled. TD_E_NOMEM. `later` (may be
 * NULL) is the header of that name.
 */
int td_tail_look(struct td_walk *walk, uint64_t end, uint64_t file_bytes,
	struct td_tail_facts *facts, struct td_frame_header *later);

#endif
