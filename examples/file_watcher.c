/*
 * An adapter: inotify says that a file was closed, which is technique; the business hears that an
 * invoice was received. Only the adapter knows both. Its descriptor and the loop's stand side by
 * side in poll().
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <tidings/typed.h>
#include <unistd.h>

#define INVOICE_RECEIVED(FIELD, OBJECT, LIST, OBJECTS) FIELD(TEXT, supplier, REQUIRED)
TD_EVENT(invoice_received, "InvoiceReceived", INVOICE_RECEIVED)

/* "invoice-SUPPLIER", closed after writing, is an invoice; anything else is nothing to us. */
static int adapt(struct td *td, int watch, struct td_error *err)
{
	_Alignas(struct inotify_event) char records[4096];
	const struct inotify_event *file;
	ssize_t got = read(watch, records, sizeof(records));
	int code = 0;

	for (char *at = records; code == 0 && at < records + got; at += sizeof(*file) + file->len) {
		file = (const void *)at;
		if (strncmp(file->name, "invoice-", 8) == 0)
			code = invoice_received_publish(td, "invoices",
				&(struct invoice_received){.supplier = td_text(file->name + 8)},
				NULL, err);
	}
	return code;
}

static int pay(const struct invoice_received *invoice, struct td_context *context, void *arg)
{
	(void)context;
	printf("an invoice of %.*s\n", TD_TEXT_ARG(invoice->supplier));
	++*(int *)arg;
	return 0;
}

int main(void)
{
	static const char *const files[] = {"notes.txt", "invoice-Molino", "invoice-Caseificio"};
	char inbox[] = "/tmp/tidings-XXXXXX";
	struct td_interest till = {.async = true};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int watch = inotify_init1(0), paid = 0;
	bool ready = mkdtemp(inbox) != NULL && chdir(inbox) == 0 &&
		     inotify_add_watch(watch, ".", IN_CLOSE_WRITE) >= 0 &&
		     td_open(&td, "mem:", NULL, &err) == 0 &&
		     invoice_received_subscribe(td, NULL, pay, &paid, &till, NULL, &err) == 0;
	struct pollfd polled[] = {{watch, POLLIN, 0}, {ready ? td_loop_fd(td) : -1, POLLIN, 0}};

	for (int i = 0; ready && i < 3; i++) /* the world outside */
		close(creat(files[i], 0600));
	while (ready && paid < 2 && poll(polled, 2, 5000) > 0) {
		if (polled[0].revents != 0)
			ready = adapt(td, watch, &err) == 0;
		if (polled[1].revents != 0)
			td_loop_turn(td, 0);
	}
	for (int i = 0; ready && i < 3; i++)
		unlink(files[i]);
	rmdir(inbox);
	if (paid < 2)
		fprintf(stderr, "file_watcher: %s\n", err.code != 0 ? err.text : "nothing came");
	td_close(td);
	return paid < 2;
}
