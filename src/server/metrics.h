/*
 * metrics: numbers for a time series database, and their text.
 *
 *	family  tidings_http_requests  counter  "Requests by route and status"  {route, status}
 *	series    {route="/v1/events", status="2xx"}  17
 *	          {route="other", status="other"}      3       what came when there were too many
 *
 * A registry holds so many series and no more: each family has one for what is beyond, made ahead, so
 * that a name from a client can neither take memory nor get lost. A histogram counts as its buckets and
 * two. Written as Prometheus' text format 0.0.4 or as OpenMetrics 1.0.
 *
 * Families are made at the start; the loop's thread.
 */
#ifndef TD_SERVER_METRICS_H
#define TD_SERVER_METRICS_H

#include "base/base.h"

struct td_metrics;
struct td_family;
struct td_series;

enum td_metric_type {
	TD_COUNTER, /* its name is said without "_total" */
	TD_GAUGE,
	TD_HISTOGRAM,
};

#define TD_METRIC_LABELS_MAX  4u
#define TD_METRIC_BUCKETS_MAX 24u

#define TD_METRICS_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define TD_METRICS_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

int td_metrics_new(struct td_metrics **metrics, size_t series_max, struct td_error *err);
void td_metrics_free(struct td_metrics *metrics);

/*
 * A family; `unit` ("seconds", "bytes", NULL) is the end of its name. `labels`: their names, up to NULL;
 * may be NULL. `bounds`: of a histogram, ascending, the last (+Inf) not said. All static. NULL: no
 * memory; or not enough series are left for the one that takes what is beyond.
 */
struct td_family *td_metrics_family(struct td_metrics *metrics, enum td_metric_type type,
	const char *name, const char *unit, const char *help, const char *const *labels,
	const double *bounds, size_t bounds_count);
/*
 * The series of these values, as many as there are labels; made if it is new. Never NULL: where there
 * are too many, or no memory, the one whose values are all "other". Lives as long as the registry.
 */
struct td_series *td_family_series(struct td_family *family, const struct td_text *values);

void td_series_add(struct td_series *series, double value);     /* counter, gauge */
void td_series_set(struct td_series *series, double value);     /* gauge; counter: what is known */
void td_series_observe(struct td_series *series, double value); /* histogram */
double td_series_value(const struct td_series *series);

/* All of it, to be sent as TD_METRICS_TEXT or, `open`, as TD_METRICS_OPEN. */
void td_metrics_write(const struct td_metrics *metrics, bool open, struct td_buf *buf);
/* Series there are, and how often one was beyond the bound. */
size_t td_metrics_count(const struct td_metrics *metrics);
uint64_t td_metrics_beyond(const struct td_metrics *metrics);

#endif
