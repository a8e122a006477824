#include "server/tls_channel.h"

#include <errno.h>
#include <stdlib.h>

struct channel {
	struct td_tls *tls;
	struct td_tls_gate *gate;
	struct td_session *session; /* NULL: not yet, or it is gone */
	struct td_task task;
	int shaken; /* what the step that was out answered */
	bool busy;  /* a step of the handshake is out: the machine is its */
	bool gone;  /* freed while it was out */
	bool failed, finishing, finished;
};

/* --- the handshake ------------------------------------------------------------------------ */

static void channel_free(struct channel *channel)
{
	td_tls_free(channel->tls);
	free(channel);
}

static void shake(void *arg)
{
	struct channel *channel = arg;

	channel->shaken = td_tls_shake(channel->tls, NULL);
}

static void shook(void *arg)
{
	struct channel *channel = arg;
	struct td_tls_gate *gate = channel->gate;

	(*gate->tasks_out)--;
	channel->busy = false;
	if (channel->shaken == 0) {
		gate->handshakes++;
		if (channel->session != NULL) /* from here on it has its time for requests */
			channel->session->due[TD_DUE_HEAD] = INT64_MAX;
	} else if (channel->shaken != EAGAIN) {
		gate->failures++;
	}
	channel->failed = channel->shaken != 0 && channel->shaken != EAGAIN;
	if (channel->gone)
		channel_free(channel);
	else
		td_session_kick(channel->session);
}

static void go_on_shaking(struct channel *channel)
{
	channel->busy = true;
	(*channel->gate->tasks_out)++;
	td_tasks_submit(channel->gate->tasks, &channel->task);
}

/* --- bytes -------------------------------------------------------------------------------- */

/* Cipher bytes of the other side. 0: some came, or (*ended) none ever will. */
static int feed(struct channel *channel, const struct td_net *net, int connection, bool *ended)
{
	size_t len, got = 0;
	char *room = td_tls_room(channel->tls, &len);
	int code = room != NULL ? td_net_read(net, connection, room, len, &got) : ENOMEM;

	if (room != NULL)
		td_tls_fed(channel->tls, code == 0 ? got : 0);
	*ended = code == 0 && got == 0;
	return code;
}

static int channel_read(
	void *state, const struct td_net *net, int connection, void *bytes, size_t len, size_t *got)
{
	struct channel *channel = state;
	bool ended = false;
	int code;

	if (channel->failed)
		return EPROTO;
	if (channel->busy)
		return EAGAIN;
	for (;;) {
		code = td_tls_read(channel->tls, bytes, len, got);
		if (code != EAGAIN)
			return code;
		code = feed(channel, net, connection, &ended);
		if (code != 0)
			return code;
		if (ended) {
			/* Without a word of it, too: where a message ends, it says itself. */
			*got = 0;
			return 0;
		}
		if (!td_tls_is_open(channel->tls)) {
			go_on_shaking(channel);
			return EAGAIN;
		}
	}
}

static bool has_input(const void *state)
{
	const struct channel *channel = state;

	return channel->failed || (!channel->busy && td_tls_has_input(channel->tls));
}

/* 0: all of it is sent. */
static int send_output(struct channel *channel, const struct td_net *net, int connection)
{
	struct td_text output;
	size_t put;
	int code = 0;

	while (code == 0 && (output = td_tls_output(channel->tls)).len > 0) {
		code = td_net_write(net, connection, output.at, output.len, &put);
		if (code == 0)
			td_tls_sent(channel->tls, put);
	}
	return code;
}

static int flush(void *state, const struct td_net *net, int connection)
{
	struct channel *channel = state;
	int code;

	if (channel->busy)
		return 0;
	code = send_output(channel, net, connection);
	if (code == 0 && channel->failed)
		return EPROTO; /* the other side has been told */
	if (code == 0 && channel->finishing && !channel->finished) {
		channel->finished = true;
		code = td_net_finish(net, connection);
	}
	return code;
}

static bool has_output(const void *state)
{
	const struct channel *channel = state;

	return !channel->busy && (channel->failed || td_tls_output(channel->tls).len > 0 ||
					 (channel->finishing && !channel->finished));
}

static int channel_write(void *state, const struct td_net *net, int connection,
	const struct td_net_part *parts, size_t count, size_t *put)
{
	struct channel *channel = state;
	size_t sum = 0, taken;
	int code;

	/* Before the handshake is done nothing can be said. */
	if (channel->busy || channel->failed || !td_tls_is_open(channel->tls))
		return EPIPE;
	code = send_output(channel, net, connection);
	if (code != 0 && code != EAGAIN)
		return code;
	code = 0;
	for (size_t i = 0; code == 0 && i < count; i++) {
		for (size_t at = 0; code == 0 && at < parts[i].len; at += taken) {
			taken = 0;
			code = td_tls_write(channel->tls, (const char *)parts[i].at + at,
				parts[i].len - at, &taken);
			sum += taken;
		}
	}
	if (code != 0 && code != EAGAIN)
		return code;
	code = send_output(channel, net, connection);
	if (code != 0 && code != EAGAIN)
		return code;
	if (sum == 0)
		return EAGAIN;
	*put = sum;
	return 0;
}

static int finish(void *state, const struct td_net *net, int connection)
{
	struct channel *channel = state;
	int code;

	if (channel->busy || !td_tls_is_open(channel->tls))
		return EPIPE;
	td_tls_finish(channel->tls);
	channel->finishing = true;
	code = flush(channel, net, connection);
	return code == EAGAIN ? 0 : code; /* the rest follows by flush() */
}

static void opened(void *state, struct td_session *session)
{
	((struct channel *)state)->session = session;
}

static void release(void *state)
{
	struct channel *channel = state;

	channel->session = NULL;
	channel->gone = true;
	if (!channel->busy)
		channel_free(channel);
}

static const struct td_channel_kind kind = {
	.opened = opened,
	.read = channel_read,
	.write = channel_write,
	.has_input = has_input,
	.has_output = has_output,
	.flush = flush,
	.finish = finish,
	.free = release,
};

/* --- the gate ----------------------------------------------------------------------------- */

int td_tls_channel(void *arg, struct td_channel *out, struct td_error *err)
{
	struct td_tls_gate *gate = arg;
	struct channel *channel;
	int code;

	if (gate->context == NULL)
		return td_error_set(err, TD_E_CLOSED, TD_NO_OFFSET, "there is no certificate");
	channel = calloc(1, sizeof(*channel));
	if (channel == NULL)
		return td_error_nomem(err);
	channel->gate = gate;
	channel->task = (struct td_task){.run = shake, .done = shook, .arg = channel};
	code = td_tls_new(&channel->tls, gate->context, err);
	if (code != 0) {
		free(channel);
		return code;
	}
	out->kind = &kind;
	out->state = channel;
	return 0;
}

void td_tls_gate_set(struct td_tls_gate *gate, struct td_tls_context *context)
{
	td_tls_context_unref(gate->context);
	gate->context = context;
}

const struct td_text *td_channel_names(const struct td_channel *channel, size_t *count)
{
	const struct channel *state = channel->state;

	*count = 0;
	if (channel->kind != &kind || state->busy)
		return NULL;
	return td_tls_names(state->tls, count);
}
