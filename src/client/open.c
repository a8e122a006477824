#include "client/http.h"
#include "client/place.h"

#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* One kind of place: how its URLs begin, and who opens them. */
struct opener {
	const char *prefix;
	int (*open)(struct td *td, const char *url, const struct td_world *world,
		const struct td_options *options, struct td_error *err);
};

static int no_place(const char *url, struct td_error *err)
{
	return td_error_set(
		err, TD_E_INVALID, 0, "url %.100s: not that of a place, such as \"mem:\"", url);
}

static int open_memory(struct td *td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	if (strcmp(url, "mem:") != 0)
		return no_place(url, err);
	return td_place_open(td, NULL, world, options, err);
}

static int open_directory(struct td *td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	const char *directory = url + strlen("file:");

	if (*directory == '\0')
		return td_error_set(err, TD_E_INVALID, strlen("file:"),
			"url file: which directory? as in \"file:./data\"");
	return td_place_open(td, directory, world, options, err);
}

static int open_later(struct td *td, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	(void)td, (void)world, (void)options;
	return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
		"url %.100s: this version opens \"mem:\", \"file:\" and \"http://\" only", url);
}

static const struct opener openers[] = {
	{"mem:", open_memory},
	{"file:", open_directory},
	{"http://", td_http_open},
	{"https://", td_http_open},
	{"nats://", open_later},
	{"tls://", open_later},
};

static const struct opener *find_opener(const char *url, struct td_error *err)
{
	for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++) {
		if (starts_with(url, openers[i].prefix))
			return &openers[i];
	}
	no_place(url, err);
	return NULL;
}

int td_open_in(struct td **out, const char *url, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	const struct opener *opener;
	struct td *td;
	int code = out == NULL   ? td_error_null(err, "td")
		   : url == NULL ? td_error_null(err, "url")
				 : 0;

	if (code != 0)
		return td_error_wrap(err, code, "open");
	opener = find_opener(url, err);
	if (opener == NULL)
		return td_error_wrap(err, TD_E_INVALID, "open");
	td = calloc(1, sizeof(*td));
	if (td == NULL)
		return td_error_wrap(err, td_error_nomem(err), "open");
	code = td_bus_open(&td->bus, td, world, options, err);
	if (code == 0) {
		code = opener->open(td, url, world, options, err);
		if (code != 0)
			td_bus_close(td->bus);
	}
	if (code != 0) {
		free(td);
		return td_error_wrap(err, code, "open");
	}
	*out = td;
	return 0;
}

int td_open(struct td **td, const char *url, const struct td_options *options, struct td_error *err)
{
	return td_open_in(td, url, NULL, options, err);
}

int td_close(struct td *td)
{
	int code;

	if (td == NULL)
		return 0;
	if (td_reader_registered(&td_reader_mine) && td_reader_inside(&td_reader_mine))
		return TD_E_DEADLOCK; /* in a handler, of this place or another */
	td->offer->stop(td);
	code = td_bus_close(td->bus);
	TD_ASSERT(code == 0);
	code = td->offer->close(td);
	free(td);
	return code;
}

/* --- events without a place --------------------------------------------------------------- */

int td_event_new(struct td_event **event, const struct td_draft *draft, struct td_error *err)
{
	static td_uuid_tick tick;
	static _Thread_local struct td_rng rng;
	static _Thread_local bool seeded;
	td_time now = td_clock_wall(&td_clock_real);
	struct td_origin origin = {.source = td_text("local"), .now = now};
	uint8_t uuid[16];

	TD_CHECK_GIVEN(event, err);
	TD_CHECK_GIVEN(draft, err);
	if (!seeded) {
		uint64_t seed;

		td_random_real.fill(td_random_real.arg, &seed, sizeof(seed));
		td_rng_init(&rng, seed);
		seeded = true;
	}
	td_uuid_next(&tick, now, td_rng_u64(&rng), uuid);
	origin.uuid = uuid;
	return td_event_make(event, draft, &origin, err);
}
