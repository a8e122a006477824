/*
 * An adapter: inotify says that a file was closed, which is technique; the business hears that an
 * invoice was received. Only the adapter knows both. (own_loop.c waits for more than this.)
 */
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
	const struct inotify_event *file = (const void *)records;
	ssize_t got = read(watch, records, sizeof(records));
	int code = got > 0 ? 0 : TD_E_SYSTEM;
	char supplier[64];

	for (; code == 0 && (const char *)file < records + got;
		file = (const void *)((const char *)(file + 1) + file->len))
		if (sscanf(file->name, "invoice-%63s", supplier) == 1)
			code = invoice_received_publish(td, "invoices",
				&(struct invoice_received){.supplier = td_text(supplier)}, NULL,
				err);
	return code;
}

static int pay(const struct invoice_received *invoice, struct td_context *context, void *paid)
{
	(void)context;
	++*(int *)paid;
	return printf("an invoice of %.*s\n", TD_TEXT_ARG(invoice->supplier)) < 0;
}

int main(void)
{
	char inbox[] = "/tmp/tidings-XXXXXX";
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int watch = inotify_init(), paid = 0;
	bool ready = mkdtemp(inbox) != NULL && chdir(inbox) == 0 &&
		     inotify_add_watch(watch, ".", IN_CLOSE_WRITE) >= 0 &&
		     td_open(&td, "mem:", NULL, &err) == 0 &&
		     invoice_received_subscribe(td, NULL, pay, &paid, NULL, NULL, &err) == 0 &&
		     system("touch memo invoice-Molino invoice-Caseificio; rm *") == 0;

	while (ready && paid < 2)
		ready = adapt(td, watch, &err) == 0;
	if (!ready)
		fprintf(stderr, "file_watcher: %s\n", err.code != 0 ? err.text : "no inbox");
	td_close(td);
	return rmdir(inbox) != 0 || !ready;
}
