/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dll_load: a DLL that comes and goes.
 *
 * Look for: LOAD_DLL at the first LoadLibrary only: the second counts. The event comes when the image is mapped, before
 * the DLL's entry runs. UNLOAD_DLL at the last FreeLibrary; none for the DLLs that are loaded when the process ends. A
 * DLL that is loaded as a data file gives no event. */
#include "sample.h"

int start(void)
{
  HMODULE first = LoadLibraryW(L"lesson.dll"), second = LoadLibraryW(L"lesson.dll");
  say("same module: %u\n", N(first && first == second));
  int (*lesson)(void) = (int (*)(void))(void *)GetProcAddress(first, "lesson");
  say("lesson is %u\n", N(lesson ? lesson() : 0));
  FreeLibrary(second);
  say("freed once\n");
  FreeLibrary(first);
  say("freed twice\n");
  HMODULE data = LoadLibraryExW(L"lesson.dll", NULL, LOAD_LIBRARY_AS_DATAFILE);
  say("as data: low bits %u\n", N((ULONG_PTR)data & 3));
  FreeLibrary(data);
  return 0;
}
