/*
 * write: one writer for each format, and what they share. Private to the room.
 */
#ifndef TD_FLOW_WRITE_H
#define TD_FLOW_WRITE_H

#include "flow/flow.h"

void td_flow_map_json(const struct td_flow_map *map, struct td_buf *buf);
void td_flow_map_mermaid(const struct td_flow_map *map, struct td_buf *buf);
void td_flow_map_dot(const struct td_flow_map *map, struct td_buf *buf);
void td_flow_map_text(const struct td_flow_map *map, struct td_buf *buf);

void td_story_json(const struct td_story *story, struct td_buf *buf);
void td_story_mermaid(const struct td_story *story, struct td_buf *buf);
void td_story_dot(const struct td_story *story, struct td_buf *buf);
void td_story_text(const struct td_story *story, struct td_buf *buf);

extern const struct td_text td_flow_kind_names[];   /* by enum td_flow_kind */
extern const struct td_text td_story_cause_names[]; /* by enum td_story_cause */

/* "850 us", "12 ms", "3.4 s", "7 min"; for people. */
void td_flow_add_duration(struct td_buf *buf, int64_t us);
/* "12/s", "0.25/s", "3/min". */
void td_flow_add_rate(struct td_buf *buf, uint64_t count, td_time from, td_time to);
/* "92 %", "<1 %"; of what never is, nothing. */
void td_flow_add_share(struct td_buf *buf, double share);
/* Events a second; 0 where no time has passed. */
double td_flow_rate(uint64_t count, td_time from, td_time to);

#endif
