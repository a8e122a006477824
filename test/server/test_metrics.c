/* Metrics: what is written, what is escaped, and that there are never more than so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "alloc.h"
#include "server/metrics.h"

static const char *const two[] = {"route", "status", NULL};
static const char *const one[] = {"log", NULL};
static const double bounds[] = {0.001, 0.01, 1};

static struct td_metrics *metrics_of(size_t max)
{
	struct td_metrics *metrics = NULL;

	assert_int_equal(td_metrics_new(&metrics, max, NULL), 0);
	return metrics;
}

static void is_written(const struct td_metrics *metrics, bool open, const char *wanted)
{
	struct td_buf buf = TD_BUF_INIT(65536);

	td_metrics_write(metrics, open, &buf);
	td_buf_add_char(&buf, '\0');
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at, wanted);
	td_buf_fini(&buf);
}

static struct td_metrics *some(void)
{
	struct td_metrics *metrics = metrics_of(100);
	const struct td_text first[] = {td_text("/v1/events"), td_text("2xx")};
	const struct td_text second[] = {td_text("/healthz"), td_text("2xx")};
	struct td_family *requests = td_metrics_family(metrics, TD_COUNTER, "tidings_requests",
		NULL, "Requests by route and status", two, NULL, 0);
	struct td_family *followers = td_metrics_family(
		metrics, TD_GAUGE, "tidings_followers", NULL, "Followers now", NULL, NULL, 0);
	struct td_family *latency = td_metrics_family(metrics, TD_HISTOGRAM, "tidings_answer",
		"seconds", "Until the answer", NULL, bounds, 3);

	td_series_add(td_family_series(requests, first), 2);
	td_series_add(td_family_series(requests, second), 1);
	td_series_add(td_family_series(requests, first), 1);
	td_series_set(td_family_series(followers, NULL), 7);
	td_series_observe(td_family_series(latency, NULL), 0.01);
	td_series_observe(td_family_series(latency, NULL), 0.0001);
	td_series_observe(td_family_series(latency, NULL), 2.5);
	return metrics;
}

static void families_are_written_as_prometheus_reads_them(void **state)
{
	struct td_metrics *metrics = some();

	(void)state;
	is_written(metrics, false,
		"# HELP tidings_requests_total Requests by route and status\n"
		"# TYPE tidings_requests_total counter\n"
		"tidings_requests_total{route=\"/v1/events\",status=\"2xx\"} 3\n"
		"tidings_requests_total{route=\"/healthz\",status=\"2xx\"} 1\n"
		"# HELP tidings_followers Followers now\n"
		"# TYPE tidings_followers gauge\n"
		"tidings_followers 7\n"
		"# HELP tidings_answer_seconds Until the answer\n"
		"# TYPE tidings_answer_seconds histogram\n"
		"tidings_answer_seconds_bucket{le=\"0.001\"} 1\n"
		"tidings_answer_seconds_bucket{le=\"0.01\"} 2\n"
		"tidings_answer_seconds_bucket{le=\"1\"} 2\n"
		"tidings_answer_seconds_bucket{le=\"+Inf\"} 3\n"
		"tidings_answer_seconds_sum 2.5101\n"
		"tidings_answer_seconds_count 3\n");
	td_metrics_free(metrics);
	td_metrics_free(NULL);
}

static void and_as_openmetrics_has_them(void **state)
{
	struct td_metrics *metrics = metrics_of(100);
	struct td_family *bytes = td_metrics_family(
		metrics, TD_COUNTER, "tidings_received", "bytes", "Received", NULL, NULL, 0);

	(void)state;
	td_series_set(td_family_series(bytes, NULL), 1e15);
	is_written(metrics, true,
		"# HELP tidings_received_bytes Received\n"
		"# TYPE tidings_received_bytes counter\n"
		"# UNIT tidings_received_bytes bytes\n"
		"tidings_received_bytes_total 1000000000000000\n"
		"# EOF\n");
	td_metrics_free(metrics);
}

static void values_are_escaped_and_are_text(void **state)
{
	struct td_metrics *metrics = metrics_of(100);
	struct td_family *events = td_metrics_family(
		metrics, TD_GAUGE, "events", NULL, "a \\ and\na line", one, NULL, 0);
	const struct td_text odd = td_text("a\"b\\c\nd\xFF{}");
	const struct td_text empty = td_text("");

	(void)state;
	td_series_set(td_family_series(events, &odd), -1.5);
	td_series_set(td_family_series(events, &empty), (double)NAN);
	is_written(metrics, false,
		"# HELP events a \\\\ and\\na line\n# TYPE events gauge\n"
		"events{log=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD{}\"} -1.5\n"
		"events{log=\"\"} NaN\n");
	td_metrics_free(metrics);
}

static void what_is_beyond_the_bound_is_counted_together(void **state)
{
	struct td_metrics *metrics = metrics_of(12);
	struct td_family *events =
		td_metrics_family(metrics, TD_COUNTER, "events", NULL, "Events", one, NULL, 0);
	struct td_family *times =
		td_metrics_family(metrics, TD_HISTOGRAM, "times", NULL, "Times", one, bounds, 3);
	char name[32];
	struct td_text value;

	(void)state;
	assert_true(events != NULL && times != NULL);
	assert_int_equal(td_metrics_count(metrics), 7); /* one, and a histogram of six */
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "log%d", i);
		value = td_text(name);
		td_series_add(td_family_series(events, &value), 1);
	}
	assert_int_equal(td_metrics_count(metrics), 12);
	assert_int_equal(td_metrics_beyond(metrics), 995);
	/* No room for a whole histogram is no room. */
	td_series_observe(td_family_series(times, &value), 1);
	assert_int_equal(td_metrics_count(metrics), 12);
	is_written(metrics, false,
		"# HELP events_total Events\n# TYPE events_total counter\n"
		"events_total{log=\"log0\"} 1\nevents_total{log=\"log1\"} 1\n"
		"events_total{log=\"log2\"} 1\nevents_total{log=\"log3\"} 1\n"
		"events_total{log=\"log4\"} 1\nevents_total{log=\"other\"} 995\n"
		"# HELP times Times\n# TYPE times histogram\n"
		"times_bucket{log=\"other\",le=\"0.001\"} "
		"0\ntimes_bucket{log=\"other\",le=\"0.01\"} "
		"0\ntimes_bucket{log=\"other\",le=\"1\"} "
		"1\ntimes_bucket{log=\"other\",le=\"+Inf\"} "
		"1\ntimes_sum{log=\"other\"} 1\ntimes_count{log=\"other\"} 1\n");
	/* A family that has no room for what is beyond is none. */
	assert_null(td_metrics_family(metrics, TD_GAUGE, "more", NULL, "More", NULL, NULL, 0));
	td_metrics_free(metrics);
}

static int count_some(void *arg)
{
	struct td_metrics *metrics = NULL;
	struct td_family *events;
	const struct td_text value = td_text("orders");
	int code = td_metrics_new(&metrics, 10, NULL);

	(void)arg;
	if (code != 0)
		return code;
	events = td_metrics_family(metrics, TD_COUNTER, "events", NULL, "Events", one, NULL, 0);
	if (events == NULL)
		code = TD_E_NOMEM;
	else
		td_series_add(td_family_series(events, &value), 1); /* in "other", perhaps */
	td_metrics_free(metrics);
	return code;
}

static void memory_that_runs_out_is_no_reason_not_to_count(void **state)
{
	(void)state;
	assert_true(alloc_torture(count_some, NULL) > 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_written_as_prometheus_reads_them),
		cmocka_unit_test(and_as_openmetrics_has_them),
		cmocka_unit_test(values_are_escaped_and_are_text),
		cmocka_unit_test(what_is_beyond_the_bound_is_counted_together),
		cmocka_unit_test(memory_that_runs_out_is_no_reason_not_to_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
