/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings for the debugger.
 *
 * Look for: OUTPUT_DEBUG_STRING. To the kernel it is an exception (40010006, with a length and a pointer) that the
 * debugger's side turns into an event of its own; the text is read from the program's memory. GetLastError survives
 * the call. Without a debugger nothing is seen, and nothing breaks. */
#include <stdio.h>
#include <windows.h>

int main(void)
{
  SetLastError(1234);
  OutputDebugStringA("hello, debugger");
  printf("last error: %lu\n", (unsigned long)GetLastError());
  OutputDebugStringW(L"wide hello");
  printf("debugger present: %s\n", IsDebuggerPresent() ? "yes" : "no");
  return 0;
}
