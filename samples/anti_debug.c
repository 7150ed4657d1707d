/* SPDX-License-Identifier: GPL-2.0-or-later */
/* anti_debug: ways to ask whether there is a debugger.
 *
 * Look for: each line says 1 under `dbgksim trace` and 0 under `dbgksim run`. IsDebuggerPresent reads a byte of the PEB,
 * CheckRemoteDebuggerPresent asks the kernel for the port (fact 29); NtGlobalFlag is 70 under a debugger, which gives heaps
 * their tail checks; CloseHandle of a bad handle raises only with a port (fact 28). */
#include "sample.h"

NTSYSAPI LONG NTAPI NtQueryInformationProcess(HANDLE process, ULONG information, PVOID buffer, ULONG length, PULONG done);

static APART void close_bad_handle(void) { CloseHandle((HANDLE)(ULONG_PTR)0xBAD0); }

static int closing_raises(void)
{
  __try {
    close_bad_handle();
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    return 1;
  }
  return 0;
}

int start(void)
{
  BOOL remote = FALSE;
  ULONG flags = 1;
  HANDLE object = NULL;
  BYTE *peb;
  __asm__("mov %%gs:0x60, %0" : "=r"(peb));
  CheckRemoteDebuggerPresent(GetCurrentProcess(), &remote);
  say("IsDebuggerPresent %u\n", N(IsDebuggerPresent()));
  say("CheckRemoteDebuggerPresent %u\n", N(remote));
  say("NtGlobalFlag %u\n", N((*(ULONG *)(peb + 0xBC) & 0x70) == 0x70));
  NtQueryInformationProcess(GetCurrentProcess(), 31, &flags, sizeof(flags), NULL);
  say("ProcessDebugFlags %u\n", N(!flags));
  say("ProcessDebugObjectHandle %u\n",
      N(NtQueryInformationProcess(GetCurrentProcess(), 30, &object, sizeof(object), NULL) == 0));
  say("CloseHandle %u\n", N(closing_raises()));
  return 0;
}
