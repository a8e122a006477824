/*
 * What reading a request's head costs, and writing a response's. The limit is a loop that finds
 * each line's end with memchr() and does nothing with it. CPU time, rounds in turn, medians.
 */
#include "bench.h"

#include "base/base.h"
#include "wire/http/http.h"

#define ROUNDS   11
#define REQUESTS 200000u

/* What curl, a browser, and a program that publishes in binary mode send. */
static const struct {
	const char *name, *bytes;
} requests[] = {
	{"GET by curl", "GET /v1/subjects/order.42 HTTP/1.1\r\nHost: 127.0.0.1:8222\r\n"
			"User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
	{"POST in binary mode",
		"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:8222\r\n"
		"Content-Type: application/json\r\nContent-Length: 64\r\n"
		"ce-specversion: 1.0\r\nce-id: 019ad8a4-37f4-7cc4-a2e8-6a4c2e7f4a11\r\n"
		"ce-source: /shop\r\nce-type: OrderPlaced\r\nce-subject: order.42\r\n"
		"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
		"User-Agent: shop/1.0\r\nConnection: keep-alive\r\n\r\n"},
	{"GET by a browser",
		"GET /v1/events/follow?log=orders&subject=order.%3E HTTP/1.1\r\n"
		"Host: localhost:8222\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n"
		"sec-ch-ua: \"Chromium\";v=\"120\", \"Not;A Brand\";v=\"24\"\r\n"
		"sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "
		"AppleWebKit/537.36 "
		"(KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\r\n"
		"sec-ch-ua-platform: \"Linux\"\r\nAccept: text/event-stream\r\n"
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
		"Referer: http://localhost:8222/\r\nAccept-Encoding: gzip, deflate, br\r\n"
		"Accept-Language: en-US,en;q=0.9\r\nLast-Event-ID: 123456\r\n\r\n"},
};

static double now_ns(void)
{
	return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

static double limit(const char *bytes, size_t len)
{
	double start = now_ns();
	size_t lines = 0;

	for (unsigned i = 0; i < REQUESTS; i++) {
		const char *at = bytes, *end = bytes + len;

		__asm__ volatile("" : "+r"(at)); /* each round anew */
		while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
			lines++;
			at++;
		}
	}
	TD_ASSERT(lines % REQUESTS == 0);
	return (now_ns() - start) / REQUESTS;
}

static double ours(const char *bytes, size_t len)
{
	static const struct td_http_limits limits;
	double start = now_ns();

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct td_http_reader reader = {0};
		struct td_http_request request;

		TD_ASSERT(td_http_read_request(&reader, &limits, bytes, len, &request) ==
				  TD_HTTP_WHOLE &&
			  request.bytes == len);
	}
	return (now_ns() - start) / REQUESTS;
}

/* The same, with its target taken apart. */
static double with_target(const char *bytes, size_t len)
{
	static const struct td_http_limits limits;
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	double start = now_ns();

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct td_http_reader reader = {0};
		struct td_http_request request;
		struct td_http_target target;

		TD_ASSERT(td_http_read_request(&reader, &limits, bytes, len, &request) ==
				  TD_HTTP_WHOLE &&
			  td_http_read_target(&target, request.path, request.query, &buf) ==
				  TD_HTTP_FINE);
	}
	start = (now_ns() - start) / REQUESTS;
	td_buf_fini(&buf);
	return start;
}

static double copied(void)
{
	static const char response[] =
		"HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Content-Type: application/json\r\nETag: \"7\"\r\nContent-Length: 16\r\n\r\n"
		"{\"revision\":\"7\"}";
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	double start = now_ns();

	for (unsigned i = 0; i < REQUESTS; i++) {
		td_buf_reset(&buf);
		td_buf_add(&buf, response, sizeof(response) - 1);
	}
	start = (now_ns() - start) / REQUESTS;
	td_buf_fini(&buf);
	return start;
}

static double written(void)
{
	static const struct td_http_terms terms;
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	double start = now_ns();

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct td_http_writer writer;

		td_buf_reset(&buf);
		td_http_write_response(&writer, &buf, &terms, 201, (td_time)784111777 * 1000000000);
		td_http_write_field(&writer, "Content-Type", td_text("application/json"));
		td_http_write_field(&writer, "ETag", td_text("\"7\""));
		TD_ASSERT(td_http_write_body(&writer, td_text("{\"revision\":\"7\"}"), NULL) == 0);
	}
	start = (now_ns() - start) / REQUESTS;
	td_buf_fini(&buf);
	return start;
}

int main(void)
{
	double head[ROUNDS], lines[ROUNDS], target[ROUNDS];

	bench_header("HTTP: one head, ns of CPU; limit: memchr() for each line");
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const char *bytes = requests[i].bytes;
		size_t len = strlen(bytes);
		char name[64];
		double is, best;

		for (int round = 0; round < ROUNDS; round++) {
			lines[round] = limit(bytes, len);
			head[round] = ours(bytes, len);
			target[round] = with_target(bytes, len);
		}
		is = bench_median(head, ROUNDS);
		best = bench_median(lines, ROUNDS);
		snprintf(name, sizeof(name), "%s: %zu bytes", requests[i].name, len);
		bench_row(name, is, best, "ns", "-", 1);
		printf("%-44s %9.2f M/s %9.2f GB/s\n", "", 1e3 / is, (double)len / is);
		snprintf(name, sizeof(name), "with its target taken apart");
		bench_row(name, bench_median(target, ROUNDS), best, "ns", "-", 1);
	}
	for (int round = 0; round < ROUNDS; round++) {
		lines[round] = copied();
		head[round] = written();
	}
	bench_row("a response written; limit: copied", bench_median(head, ROUNDS),
		bench_median(lines, ROUNDS), "ns", "-", 1);
	return 0;
}
