/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bad_handle: closing what is no handle.
 *
 * Look for: EXCEPTION C0000008, raised in user mode in place of the service's return, only because there is a debugger
 * (fact 28); a protected handle gives C0000235. Without a debugger CloseHandle fails, and that is all. */
#include "sample.h"

static APART void close(HANDLE handle) { say("CloseHandle returns %u\n", N(CloseHandle(handle))); }

int start(void)
{
  __try {
    close((HANDLE)(ULONG_PTR)0x1234);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    say("exception %x\n", N((DWORD)GetExceptionCode()));
  }
  HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
  SetHandleInformation(event, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
  __try {
    close(event);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    say("exception %x\n", N((DWORD)GetExceptionCode()));
  }
  return 0;
}
