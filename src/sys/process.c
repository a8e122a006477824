#include <unistd.h>

#include "sys/sys.h"

uint64_t td_process_id(void)
{
	return (uint64_t)getpid();
}
