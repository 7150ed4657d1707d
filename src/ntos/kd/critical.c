/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a critical process or thread (ProcessBreakOnTermination, ThreadBreakOnTermination): a question to the kernel
 * debugger, else a bug check. */
#include "ntos/kd/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VECTOR_BREAKPOINT 3
/* CRITICAL_OBJECT_TERMINATION's names of types. */
#define TYPE_PROCESS 3u
#define TYPE_THREAD 6u
/* Where nt!DbgBreakPoint would be: no code is there, the kernel is C. */
#define BREAK_ADDRESS 0xFFFFF80000000CC1ull

static void describe(const EPROCESS *process, const ETHREAD *thread, bool exited, char *out, size_t size)
{
  const char *before = exited ? "Critical" : "Terminating critical", *after = exited ? " exited" : "";
  if (thread)
    snprintf(out, size, "%s thread %" PRIu64 " (in %s)%s\n", before, thread->Cid.UniqueThread, process->ImageFileName,
             after);
  else
    snprintf(out, size, "%s process %" PRIu64 " (%s)%s\n", before, process->UniqueProcessId, process->ImageFileName,
             after);
}

/* The addresses of the objects would be the host's: their ids stand for them. */
static _Noreturn void bug_check(const EPROCESS *process, const ETHREAD *thread)
{
  const ULONG64 id = thread ? thread->Cid.UniqueThread : process->UniqueProcessId;
  if (era_current()->critical_process_died)
    KeBugCheckEx(CRITICAL_PROCESS_DIED, id, thread != NULL, 0, 0);
  KeBugCheckEx(CRITICAL_OBJECT_TERMINATION, thread ? TYPE_THREAD : TYPE_PROCESS, id, 0, 0);
}

void PspCatchCriticalBreak(const EPROCESS *Process, const ETHREAD *Thread, bool Exited)
{
  char text[80], reply[2];
  describe(Process, Thread, Exited, text, sizeof text);
  TRACE(DBGKSIM_TRACE_LOG, text, 0, 0, 0, 0);
  if (!kd_enabled())
    bug_check(Process, Thread);
  kd_print(text);
  for (;;) {
    switch (kd_prompt("Break, or Ignore (bi)? ", reply, sizeof reply) ? reply[0] : 0) {
    case 'b':
    case 'B':
      trap_in_kernel_mode(VECTOR_BREAKPOINT, true, 0, 0, BREAK_ADDRESS, NULL);
      return;
    case 'i':
    case 'I':
      return;
    case 0: /* nobody is there to say */
      bug_check(Process, Thread);
    default:
      break;
    }
  }
}
