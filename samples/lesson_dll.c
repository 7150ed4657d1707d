/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lesson_dll: the DLL that dll_load and tls load. It tells of each call of its entry. */
#include "sample.h"

static const char *const reasons[] = {"PROCESS_DETACH", "PROCESS_ATTACH", "THREAD_ATTACH", "THREAD_DETACH"};

BOOL WINAPI start(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
  (void)instance, (void)reserved;
  say("  lesson.dll: %s\n", reasons[reason & 3]);
  return TRUE;
}

__declspec(dllexport) int lesson(void);
int lesson(void) { return 42; }
