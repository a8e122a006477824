#include "server/inside.h"

#include "server/handlers.h"
#include "server/show.h"

/* GET /v1/status: what there is, and how it is. */

int td_show_status(struct td_exchange *x, struct td_error *err)
{
	struct td_server *server = x->server;
	struct td_buf body = TD_BUF_INIT(64u << 10);
	struct td_store_status status;
	struct td_json_writer writer;

	td_store_status(server->store, &status);
	td_json_writer_init(&writer, &body);
	td_json_open_object(&writer);
	td_show_bool(&writer, "stored", td_store_journal(server->store) != NULL);
	td_show_bool(&writer, "failed", server->failed != 0);
	td_show_bool(&writer, "disk_full", status.journal.disk_full);
	td_show_u64(&writer, "position", td_store_durable(server->store) - 1);
	td_show_u64(&writer, "events", status.events);
	td_show_u64(&writer, "subjects", status.subjects);
	td_show_u64(&writer, "logs", status.logs);
	td_show_u64(&writer, "bytes", status.bytes);
	td_show_u64(&writer, "index_bytes", status.index_bytes);
	td_show_u64(&writer, "commits", status.journal.commits);
	td_show_u64(&writer, "syncs", status.journal.syncs);
	td_show_u64(&writer, "bytes_written", status.journal.bytes_written);
	td_show_u64(&writer, "connections", server->sessions_count);
	td_show_time(&writer, "started", server->started);
	td_show_time(&writer, "now", server->wall);
	td_json_close_object(&writer);
	td_buf_add_char(&body, '\n');
	if (td_buf_check(&body, err) == 0)
		td_answer_json(x, 200, td_buf_view(&body));
	td_buf_fini(&body);
	return x->out.len > 0 ? 0 : TD_E_NOMEM;
}
