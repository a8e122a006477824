/*
 * story: the parts of reading one. Private to the room.
 */
#ifndef TD_FLOW_STORY_H
#define TD_FLOW_STORY_H

#include "flow/flow.h"

/*
 * Events that stand by position, with their causation, become a tree in the order of it: parent,
 * depth and cause are set, and the events moved. `first`: nothing of the story lies before them.
 * Takes time n log n whatever the events say. TD_E_NOMEM; they are as they were then.
 */
int td_story_tree(struct td_story_event *events, size_t count, bool first, struct td_error *err);

#endif
