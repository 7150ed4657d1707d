/* SPDX-License-Identifier: GPL-2.0-or-later */
/* child_process: a program that starts itself.
 *
 * Look for (dbgksim trace --follow-children sample:child_process): a second CREATE_PROCESS, with events of its own; both
 * processes' events come through one debug object (fact 37). Without the option the child runs undebugged. */
#include "sample.h"

int start(void)
{
  WCHAR command[] = L"child_process.exe child", *own = GetCommandLineW();
  STARTUPINFOW startup = {.cb = sizeof(startup)};
  PROCESS_INFORMATION child;
  DWORD length = 0, code = 0;
  while (own[length])
    length++;
  if (length > 5 && own[length - 1] == 'd' && own[length - 5] == 'c') {
    say("child\n");
    return 5;
  }
  if (!CreateProcessW(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child)) {
    say("error %u\n", N(GetLastError()));
    return 1;
  }
  WaitForSingleObject(child.hProcess, INFINITE);
  GetExitCodeProcess(child.hProcess, &code);
  say("the child ended with %u\n", N(code));
  return 0;
}
