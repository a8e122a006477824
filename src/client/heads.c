#include "client/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Heads of the chain, signed and put to the end of a file every so often: what an auditor keeps, so
 * that nobody can change what is stored and have it look right. Part of keeping house: it waits for
 * nobody, and what goes wrong with it is told by td_status() and tried again.
 */

#define EVERY_MS_DEFAULT 300000
#define EVERY_MS_LEAST   10
#define KEY_BYTES        32

struct td_export {
	char *dir, *name; /* of the file; name NULL: none, heads are asked for alone */
	const char *path; /* the same as one, in `dir`'s block */
	int64_t every_ms, due_ms;
	uint8_t secret[KEY_BYTES];
	struct td_signer signer;
	int (*sign)(void *arg, const void *text, size_t bytes, unsigned char signature[64]);
	void *arg;
	uint64_t position; /* up to here heads were exported */
	bool out;          /* one is being written */
	char failure[160]; /* of the last try */
};

/* --- the key ------------------------------------------------------------------------------ */

static bool read_hex(const char *text, size_t len, uint8_t secret[KEY_BYTES])
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	if (len != (size_t)2 * KEY_BYTES)
		return false;
	for (size_t i = 0; i < KEY_BYTES; i++) {
		int high = td_hex_value(text[2 * i]), low = td_hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		secret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* A path's directory, which it is given back in *dir (in `copy`), and its last name. */
static bool split(char *copy, const char **dir, char **name)
{
	char *slash = strrchr(copy, '/');

	*name = slash != NULL ? slash + 1 : copy;
	*dir = slash == NULL ? "." : slash == copy ? "/" : copy;
	if (slash != NULL)
		*slash = '\0';
	return td_disk_name_is_valid(*name);
}

static int open_in(const struct td_disk *disk, const char *dir, const char *name, unsigned flags,
	int *at, int *file)
{
	int code = td_disk_open_dir(disk, TD_DISK_NOWHERE, dir, 0, at);

	return code == 0 ? td_disk_open(disk, *at, name, flags, file) : code;
}

static int read_key(const struct td_disk *disk, const char *path, uint8_t secret[KEY_BYTES],
	struct td_error *err)
{
	char text[128], *copy = strdup(path), *name;
	int at = -1, file = -1, code = EINVAL;
	const char *dir;
	size_t got = 0;
	bool is;

	if (copy == NULL)
		return td_error_nomem(err);
	if (split(copy, &dir, &name))
		code = open_in(disk, dir, name, TD_DISK_READ, &at, &file);
	if (code == 0)
		code = td_disk_read_all(disk, file, text, sizeof(text), 0, &got);
	td_disk_close(disk, file);
	td_disk_close(disk, at);
	free(copy);
	is = code == 0 && read_hex(text, got, secret);
	explicit_bzero(text, sizeof(text));
	if (code != 0)
		return td_error_system(err, code, "heads: key %.100s", path);
	if (!is)
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"heads: key %.100s: a secret key has 64 hexadecimal digits", path);
	return 0;
}

/* The host signs. */
static int sign_outside(
	void *arg, const void *text, size_t bytes, uint8_t signature[64], struct td_error *err)
{
	const struct td_export *export = arg;

	if (export->sign(export->arg, text, bytes, signature) == 0)
		return 0;
	return td_error_set(err, TD_E_HANDLER, TD_NO_OFFSET, "the signer refused");
}

/* --- one head ----------------------------------------------------------------------------- */

static int make_line(struct td_place *place, const struct td_journal_state *state, char *line,
	struct td_error *err)
{
	return td_journal_head(
		state, &place->export->signer, td_clock_wall(place->clock), line, err);
}

/* To the end of the file; what was cut off there becomes a line of its own. */
static int put(const struct td_disk *disk, int file, const char *line, uint64_t *bytes)
{
	char last = '\n', text[TD_HEAD_LINE_BYTES + 2];
	size_t got = 0, len = 0;
	int code = td_disk_size(disk, file, bytes);

	if (code == 0 && *bytes > 0)
		code = td_disk_read_all(disk, file, &last, 1, *bytes - 1, &got);
	if (code != 0)
		return code;
	if (last != '\n')
		text[len++] = '\n';
	memcpy(text + len, line, strlen(line));
	len += strlen(line);
	text[len++] = '\n';
	code = td_disk_write_all(disk, file, text, len, *bytes);
	return code == 0 ? td_disk_sync(disk, file) : code;
}

static int write_line(struct td_place *place, const char *line, struct td_error *err)
{
	const struct td_export *export = place->export;
	int at = -1, file = -1, code;
	uint64_t bytes = 0;

	code = open_in(place->disk, export->dir, export->name,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &at, &file);
	if (code == 0 && line != NULL)
		code = put(place->disk, file, line, &bytes);
	if (code == 0 && bytes == 0)
		code = td_disk_sync_dir(place->disk, at);
	td_disk_close(place->disk, file);
	td_disk_close(place->disk, at);
	return code == 0 ? 0 : td_error_system(err, code, "heads: %.100s", export->path);
}

/* --- on a schedule ------------------------------------------------------------------------ */

static void look(struct td_place *place, struct td_journal_state *state)
{
	td_journal_state(td_store_journal(td_place_store(place)), state);
}

int64_t td_heads_due_ms(struct td_place *place)
{
	struct td_journal_state state;

	if (place->export == NULL || place->export->name == NULL || place->export->out)
		return INT64_MAX;
	look(place, &state);
	/* While nothing is stored the chain has no head to be signed. */
	return state.head_position > 1 && state.head_position > place->export->position
		       ? place->export->due_ms
		       : INT64_MAX;
}

/* Under the lock, which it leaves meanwhile. */
static bool export_now(struct td_place *place)
{
	struct td_export *export = place->export;
	char line[TD_HEAD_LINE_BYTES];
	struct td_error err = TD_ERROR_INIT;
	struct td_journal_state state;
	int code;

	look(place, &state);
	export->out = true;
	td_mutex_unlock(&place->lock);
	code = make_line(place, &state, line, &err);
	if (code == 0)
		code = write_line(place, line, &err);
	td_mutex_lock(&place->lock);
	export->out = false;
	export->due_ms = td_place_now_ms(place) + export->every_ms;
	td_text_copy(td_text(code != 0 ? err.text : ""), export->failure, sizeof(export->failure));
	if (code == 0)
		export->position = state.head_position;
	return code == 0;
}

bool td_heads_turn(struct td_place *place)
{
	if (place->export == NULL || td_heads_due_ms(place) > td_place_now_ms(place))
		return false;
	return export_now(place);
}

void td_heads_last(struct td_place *place)
{
	td_mutex_lock(&place->lock);
	if (place->export != NULL && td_store_failed(td_place_store(place), NULL) == 0 &&
		td_heads_due_ms(place) != INT64_MAX)
		export_now(place);
	td_mutex_unlock(&place->lock);
}

void td_heads_status(const struct td_place *place, struct td_status *status)
{
	if (place->export == NULL)
		return;
	status->heads_position = place->export->position;
	td_text_copy(td_text(place->export->failure), status->heads_failure,
		sizeof(status->heads_failure));
}

int td_place_head(struct td *td, char line[TD_HEAD_BYTES], struct td_error *err)
{
	struct td_journal_state state;
	struct td_place *place = td->place;
	bool locked;

	if (!place->on_disk || place->export == NULL)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"the place was opened without a key to sign heads");
	locked = td_place_lock(place);
	look(place, &state);
	td_place_unlock(place, locked);
	return make_line(place, &state, line, err);
}

/* --- open --------------------------------------------------------------------------------- */

static int take_signer(struct td_place *place, const struct td_heads *heads, struct td_error *err)
{
	struct td_export *export = place->export;
	int code;

	if ((heads->key_file != NULL) == (heads->sign != NULL) ||
		(heads->sign != NULL && heads->key == NULL))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"heads: a key_file, or a signer with its public key, is needed");
	if (heads->sign == NULL) {
		code = read_key(place->disk, heads->key_file, export->secret, err);
		return code == 0 ? td_signer_init(&export->signer, export->secret, err) : code;
	}
	export->sign = heads->sign;
	export->arg = heads->arg;
	export->signer.sign = sign_outside;
	export->signer.arg = export;
	memcpy(export->signer.key, heads->key, KEY_BYTES);
	return 0;
}

static int take_file(struct td_place *place, const char *to, struct td_error *err)
{
	struct td_export *export = place->export;
	size_t len = strlen(to) + 1;
	const char *dir;
	char *block = malloc(3 * len + 2), *path;

	if (block == NULL)
		return td_error_nomem(err);
	/* dir, then name, then all of it. */
	export->dir = block;
	path = block + 2 * len + 2;
	memcpy(path, to, len);
	export->path = path;
	memcpy(block + len + 2, to, len);
	if (!split(block + len + 2, &dir, &export->name)) {
		export->name = NULL;
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"heads: %.100s: not the path of a file", to);
	}
	memcpy(block, dir, strlen(dir) + 1);
	return write_line(place, NULL, err); /* now, and not some minutes later */
}

int td_heads_open(struct td_place *place, const struct td_heads *heads, struct td_error *err)
{
	int code;

	if (heads == NULL)
		return 0;
	if (!place->on_disk || place->read_only)
		return td_error_set(err, place->on_disk ? TD_E_READ_ONLY : TD_E_PLACE, TD_NO_OFFSET,
			"heads: they are of \"file:\" places that are written to");
	if (heads->every_ms < 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "heads: every_ms: negative");
	place->export = calloc(1, sizeof(*place->export));
	if (place->export == NULL)
		return td_error_nomem(err);
	place->export->every_ms = heads->every_ms == 0               ? EVERY_MS_DEFAULT
				  : heads->every_ms < EVERY_MS_LEAST ? EVERY_MS_LEAST
								     : heads->every_ms;
	place->export->due_ms = td_place_now_ms(place) + place->export->every_ms;
	code = take_signer(place, heads, err);
	if (code == 0 && heads->to != NULL)
		code = take_file(place, heads->to, err);
	return code;
}

void td_heads_close(struct td_place *place)
{
	if (place->export == NULL)
		return;
	explicit_bzero(place->export->secret, sizeof(place->export->secret));
	free(place->export->dir);
	free(place->export);
	place->export = NULL;
}
