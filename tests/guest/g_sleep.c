/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Never ends: sleeps a second, again and again. */
#include "nano.h"

ULONG start(void *peb)
{
  LONG64 second = -10000000;
  (void)peb;
  for (;;)
    CHECK_STATUS(NtDelayExecution(FALSE, &second), STATUS_SUCCESS);
}
