/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit code 42: the smallest program. */
#include "nano.h"

ULONG start(void *peb)
{
  (void)peb;
  return 42;
}
