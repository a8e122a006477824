#include "server/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "json/json.h"

struct td_series {
	struct td_family *family;
	struct td_series *next; /* of the family, in the order they were made */
	char *values;           /* of its labels, as they are written; NULL: it has none */
	size_t values_len;
	double value; /* of a histogram: the sum */
	uint64_t count;
	uint64_t buckets[]; /* not cumulative; the last is +Inf */
};

struct td_family {
	struct td_metrics *metrics;
	struct td_family *next;
	enum td_metric_type type;
	const char *name, *unit, *help;
	const char *const *labels;
	const double *bounds;
	size_t labels_count, bounds_count;
	struct td_series *series, **last, *other;
};

struct td_metrics {
	struct td_family *families, **last;
	size_t count, max; /* series as a reader counts them */
	uint64_t beyond;
	struct td_map map; /* by hash of family and values */
};

int td_metrics_new(struct td_metrics **out, size_t series_max, struct td_error *err)
{
	struct td_metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics == NULL)
		return td_error_nomem(err);
	metrics->last = &metrics->families;
	metrics->max = series_max;
	*out = metrics;
	return 0;
}

static void series_free(struct td_series *series)
{
	free(series->values);
	free(series);
}

void td_metrics_free(struct td_metrics *metrics)
{
	struct td_family *family;
	struct td_series *series;

	if (metrics == NULL)
		return;
	while ((family = metrics->families) != NULL) {
		metrics->families = family->next;
		while ((series = family->series) != NULL) {
			family->series = series->next;
			series_free(series);
		}
		if (family->other != NULL)
			series_free(family->other);
		free(family);
	}
	td_map_fini(&metrics->map);
	free(metrics);
}

size_t td_metrics_count(const struct td_metrics *metrics)
{
	return metrics->count;
}

uint64_t td_metrics_beyond(const struct td_metrics *metrics)
{
	return metrics->beyond;
}

/* --- making ------------------------------------------------------------------------------- */

/* How many series a reader sees in one of the family. */
static size_t weight_of(const struct td_family *family)
{
	return family->type == TD_HISTOGRAM ? family->bounds_count + 3 : 1;
}

/* The values as they stand between the braces, `a="1",b="2"`: escaped once, compared as bytes. */
static void add_labels(
	const struct td_family *family, const struct td_text *values, struct td_buf *buf)
{
	for (size_t i = 0; i < family->labels_count; i++) {
		const char *at = values[i].at, *end = at + values[i].len;

		td_buf_printf(buf, "%s%s=\"", i > 0 ? "," : "", family->labels[i]);
		while (at < end) {
			const char *from = at;
			uint32_t character = td_utf8_next(&at, end);
			char bytes[4];

			if (*from == '\n')
				td_buf_add(buf, "\\n", 2);
			else if (*from == '"' || *from == '\\')
				td_buf_printf(buf, "\\%c", *from);
			else
				td_buf_add(buf, bytes, td_utf8_put(bytes, character));
		}
		td_buf_add_char(buf, '"');
	}
}

/* One that is counted and in no list yet. NULL: no memory, or too many. */
static struct td_series *new_series(struct td_family *family, struct td_buf *labels)
{
	struct td_metrics *metrics = family->metrics;
	size_t buckets = family->type == TD_HISTOGRAM ? family->bounds_count + 1 : 0;
	struct td_series *series;
	struct td_bytes bytes;

	if (labels->code != 0 || metrics->max - metrics->count < weight_of(family))
		return NULL;
	series = calloc(1, sizeof(*series) + buckets * sizeof(uint64_t));
	if (series == NULL)
		return NULL;
	series->family = family;
	series->values_len = labels->len;
	if (labels->len > 0) {
		td_buf_detach(labels, &bytes);
		series->values = bytes.at;
	}
	metrics->count += weight_of(family);
	return series;
}

static bool add_other(struct td_family *family)
{
	static const struct td_text others[TD_METRIC_LABELS_MAX] = {TD_TEXT_INIT("other"),
		TD_TEXT_INIT("other"), TD_TEXT_INIT("other"), TD_TEXT_INIT("other")};
	struct td_buf labels = TD_BUF_INIT(1024);

	add_labels(family, others, &labels);
	family->other = new_series(family, &labels);
	td_buf_fini(&labels);
	return family->other != NULL;
}

struct td_family *td_metrics_family(struct td_metrics *metrics, enum td_metric_type type,
	const char *name, const char *unit, const char *help, const char *const *labels,
	const double *bounds, size_t bounds_count)
{
	struct td_family *family = calloc(1, sizeof(*family));

	TD_ASSERT(bounds_count <= TD_METRIC_BUCKETS_MAX &&
		  (bounds_count > 0) == (type == TD_HISTOGRAM));
	if (family == NULL)
		return NULL;
	family->metrics = metrics;
	family->type = type;
	family->name = name;
	family->unit = unit;
	family->help = help;
	family->labels = labels;
	while (labels != NULL && labels[family->labels_count] != NULL)
		family->labels_count++;
	TD_ASSERT(family->labels_count <= TD_METRIC_LABELS_MAX);
	family->bounds = bounds;
	family->bounds_count = bounds_count;
	family->last = &family->series;
	if (!add_other(family)) {
		free(family);
		return NULL;
	}
	*metrics->last = family;
	metrics->last = &family->next;
	return family;
}

static struct td_series *other_of(struct td_family *family)
{
	family->metrics->beyond++;
	return family->other;
}

struct td_series *td_family_series(struct td_family *family, const struct td_text *values)
{
	struct td_metrics *metrics = family->metrics;
	struct td_buf labels = TD_BUF_INIT(4096);
	struct td_series *series;
	uint64_t key;

	if (family->labels_count == 0)
		return family->other; /* it is the only one */
	add_labels(family, values, &labels);
	key = td_hash(labels.at, labels.len, (uint64_t)(uintptr_t)family);
	series = td_map_get(&metrics->map, key);
	/* A hash that is another's: that one came first. */
	if (series != NULL && (series->family != family || series->values_len != labels.len ||
				      memcmp(series->values, labels.at, labels.len) != 0))
		series = other_of(family);
	if (series == NULL) {
		series = new_series(family, &labels);
		if (series != NULL && !td_map_put(&metrics->map, key, series)) {
			metrics->count -= weight_of(family);
			series_free(series);
			series = NULL;
		}
		if (series != NULL) {
			*family->last = series;
			family->last = &series->next;
		} else {
			series = other_of(family);
		}
	}
	td_buf_fini(&labels);
	return series;
}

/* --- counting ----------------------------------------------------------------------------- */

void td_series_add(struct td_series *series, double value)
{
	TD_ASSERT(series->family->type == TD_GAUGE ||
		  (series->family->type == TD_COUNTER && value >= 0));
	series->value += value;
	series->count++;
}

void td_series_set(struct td_series *series, double value)
{
	TD_ASSERT(series->family->type != TD_HISTOGRAM);
	series->value = value;
	series->count++;
}

void td_series_observe(struct td_series *series, double value)
{
	const struct td_family *family = series->family;
	size_t i = 0;

	TD_ASSERT(family->type == TD_HISTOGRAM);
	while (i < family->bounds_count && value > family->bounds[i])
		i++;
	series->buckets[i]++;
	series->value += value;
	series->count++;
}

double td_series_value(const struct td_series *series)
{
	return series->value;
}

/* --- writing ------------------------------------------------------------------------------ */

static void write_number(struct td_buf *buf, double value)
{
	struct td_json_writer writer;

	if (isnan(value)) {
		td_buf_add_string(buf, "NaN");
	} else if (isinf(value)) {
		td_buf_add_string(buf, value > 0 ? "+Inf" : "-Inf");
	} else if (value >= 0 && value < 9007199254740992.0 && value == floor(value)) {
		td_buf_add_u64(buf, (uint64_t)value);
	} else {
		td_json_writer_init(&writer, buf);
		td_json_double(&writer, value);
	}
}

static void write_name(const struct td_family *family, struct td_buf *buf)
{
	td_buf_add_string(buf, family->name);
	if (family->unit != NULL)
		td_buf_printf(buf, "_%s", family->unit);
}

/* `le`: of a bucket, else NAN. */
static void write_sample(const struct td_series *series, const char *suffix, double le,
	double value, struct td_buf *buf)
{
	bool bucket = !isnan(le), labels = series->values_len > 0;

	write_name(series->family, buf);
	td_buf_add_string(buf, suffix);
	if (labels || bucket)
		td_buf_add_char(buf, '{');
	td_buf_add(buf, series->values, series->values_len);
	if (bucket) {
		td_buf_add_string(buf, labels ? ",le=\"" : "le=\"");
		write_number(buf, le);
		td_buf_add_char(buf, '"');
	}
	td_buf_add_string(buf, labels || bucket ? "} " : " ");
	write_number(buf, value);
	td_buf_add_char(buf, '\n');
}

static void write_series(const struct td_series *series, struct td_buf *buf)
{
	const struct td_family *family = series->family;
	uint64_t sum = 0;

	/* What was never used is not shown; of what has no labels 0 says something, too. */
	if (series->count == 0 && family->labels_count > 0)
		return;
	if (family->type != TD_HISTOGRAM) {
		write_sample(series, family->type == TD_COUNTER ? "_total" : "", (double)NAN,
			series->value, buf);
		return;
	}
	for (size_t i = 0; i <= family->bounds_count; i++) {
		sum += series->buckets[i];
		write_sample(series, "_bucket",
			i < family->bounds_count ? family->bounds[i] : (double)INFINITY,
			(double)sum, buf);
	}
	write_sample(series, "_sum", (double)NAN, series->value, buf);
	write_sample(series, "_count", (double)NAN, (double)series->count, buf);
}

static void write_help(const char *help, struct td_buf *buf)
{
	for (; *help != '\0'; help++) {
		if (*help == '\n')
			td_buf_add(buf, "\\n", 2);
		else if (*help == '\\')
			td_buf_add(buf, "\\\\", 2);
		else
			td_buf_add_char(buf, *help);
	}
}

static void write_head(const struct td_family *family, bool open, struct td_buf *buf)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	/* The text format names a counter as its samples are named. */
	const char *suffix = family->type == TD_COUNTER && !open ? "_total" : "";

	td_buf_add_string(buf, "# HELP ");
	write_name(family, buf);
	td_buf_printf(buf, "%s ", suffix);
	write_help(family->help, buf);
	td_buf_add_string(buf, "\n# TYPE ");
	write_name(family, buf);
	td_buf_printf(buf, "%s %s\n", suffix, types[family->type]);
	if (open && family->unit != NULL) {
		td_buf_add_string(buf, "# UNIT ");
		write_name(family, buf);
		td_buf_printf(buf, " %s\n", family->unit);
	}
}

void td_metrics_write(const struct td_metrics *metrics, bool open, struct td_buf *buf)
{
	for (const struct td_family *family = metrics->families; family != NULL;
		family = family->next) {
		write_head(family, open, buf);
		for (const struct td_series *series = family->series; series != NULL;
			series = series->next)
			write_series(series, buf);
		write_series(family->other, buf);
	}
	if (open)
		td_buf_add_string(buf, "# EOF\n");
}
