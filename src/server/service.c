#include "server/service.h"

#include <inttypes.h>
#include <stdio.h>

void td_service_init(struct td_service *service, const struct td_supervisor *supervisor,
	const struct td_clock *clock)
{
	*service = (struct td_service){
		.supervisor = supervisor, .clock = clock, .watchdog_next = INT64_MAX};
	if (supervisor != NULL && supervisor->watchdog_us > 0)
		service->watchdog_next = td_clock_monotonic(clock);
}

static void tell(const struct td_service *service, const char *lines)
{
	/* One that does not listen now is told the next time. */
	if (service->supervisor != NULL)
		(void)td_supervisor_tell(service->supervisor, lines);
}

void td_service_opening(struct td_service *service, unsigned seconds)
{
	char lines[128];

	snprintf(lines, sizeof(lines), "STATUS=opening the store\nEXTEND_TIMEOUT_USEC=%u000000",
		seconds);
	tell(service, lines);
}

void td_service_ready(struct td_service *service, const char *where)
{
	snprintf(service->status, sizeof(service->status), "READY=1\nSTATUS=serving %s", where);
	tell(service, service->status);
}

void td_service_reloading(struct td_service *service)
{
	char lines[96];

	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
		td_clock_monotonic(service->clock) / 1000);
	tell(service, lines);
}

void td_service_reloaded(struct td_service *service)
{
	tell(service, service->status);
}

void td_service_stopping(struct td_service *service)
{
	tell(service, "STOPPING=1\nSTATUS=answering what was asked");
}

int64_t td_service_turn(struct td_service *service)
{
	int64_t now;

	if (service->watchdog_next == INT64_MAX)
		return INT64_MAX;
	now = td_clock_monotonic(service->clock);
	if (now >= service->watchdog_next) {
		tell(service, "WATCHDOG=1");
		service->watchdog_next = now + service->supervisor->watchdog_us * 1000 / 2;
	}
	return service->watchdog_next;
}
