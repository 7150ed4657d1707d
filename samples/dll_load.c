/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading and freeing a DLL.
 *
 * Look for: the DLLs that the program imports come as LOAD_DLL before the first breakpoint; version.dll after it, at
 * LoadLibrary, and its UNLOAD_DLL at the *last* FreeLibrary: the second LoadLibrary only counts, and gives no event.
 * Loading it again afterwards gives LOAD_DLL anew. There is no UNLOAD_DLL when the process exits. */
#include <stdio.h>
#include <windows.h>

int main(void)
{
  HMODULE first = LoadLibraryA("version.dll"), second = LoadLibraryA("version.dll");
  if (!first)
    return 1;
  printf("same module: %s\n", first == second ? "yes" : "no");
  FreeLibrary(second);
  printf("still loaded: %s\n", GetModuleHandleA("version.dll") ? "yes" : "no");
  FreeLibrary(first);
  printf("still loaded: %s\n", GetModuleHandleA("version.dll") ? "yes" : "no");
  first = LoadLibraryA("version.dll");
  printf("GetFileVersionInfoSizeA: %s\n", GetProcAddress(first, "GetFileVersionInfoSizeA") ? "found" : "missing");
  return 0;
}
