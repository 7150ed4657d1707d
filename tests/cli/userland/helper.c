/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DLL that a program brings along, and that wants what no kernel32 has. */
#include <windows.h>

__declspec(dllimport) void NoSuchFunction(void);
__declspec(dllexport) void Help(void);

void Help(void) { NoSuchFunction(); }

BOOL WINAPI DllMainCRTStartup(HINSTANCE module, DWORD reason, void *reserved)
{
  (void)module;
  (void)reason;
  (void)reserved;
  return TRUE;
}
