/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two C runtimes in one process: msvcrt.dll by import, ucrtbase.dll loaded. The exit code is 0 if both work. */
#include <stdlib.h>
#include <string.h>
#include <windows.h>

int main(void)
{
  HMODULE library = LoadLibraryA("ucrtbase.dll");
  if (!library)
    return 1;
  double (*number)(const char *, char **) = (void *)GetProcAddress(library, "strtod");
  char *(*copy)(const char *) = (void *)GetProcAddress(library, "_strdup");
  void (*release)(void *) = (void *)GetProcAddress(library, "free");
  if (!number || !copy || !release || number("2.5", NULL) != 2.5 || strtod("0.25", NULL) != 0.25)
    return 2;
  char *text = copy("text");
  if (!text || strcmp(text, "text"))
    return 3;
  release(text);
  return FreeLibrary(library) ? 0 : 4;
}
