/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program whose imports decide which userland it gets: FUNCTION is one of them. */
#define WIN32_LEAN_AND_MEAN
#define NOUSER
#include <windows.h>

#ifdef FUNCTION
__declspec(dllimport) void FUNCTION(void);
#else
#define FUNCTION()
#endif

void start(void)
{
  volatile ULONG_PTR never = 0;
  if (never) {
    FUNCTION();
  }
  ExitProcess(7);
}
