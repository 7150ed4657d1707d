/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DLL of k_module.c: it counts the calls of its entry. */
#include <windows.h>

__declspec(dllexport) int attached;
__declspec(dllexport) int k_library_answer(void);
int k_library_answer(void) { return 42; }

BOOL WINAPI entry(HINSTANCE instance, DWORD reason, LPVOID reserved);
BOOL WINAPI entry(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
  (void)instance, (void)reserved;
  attached += reason == DLL_PROCESS_ATTACH;
  return TRUE;
}
