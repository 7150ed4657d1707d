/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KeBugCheckEx, and the triple fault: how a machine stops for good. */
#include "ntos/trap/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
  ULONG code;
  const char *name;
} names[] = {
    {KMODE_EXCEPTION_NOT_HANDLED, "KMODE_EXCEPTION_NOT_HANDLED"},
    {PAGE_FAULT_IN_NONPAGED_AREA, "PAGE_FAULT_IN_NONPAGED_AREA"},
    {UNEXPECTED_KERNEL_MODE_TRAP, "UNEXPECTED_KERNEL_MODE_TRAP"},
    {MACHINE_CHECK_EXCEPTION, "MACHINE_CHECK_EXCEPTION"},
    {CRITICAL_PROCESS_DIED, "CRITICAL_PROCESS_DIED"},
    {CRITICAL_OBJECT_TERMINATION, "CRITICAL_OBJECT_TERMINATION"},
    {KERNEL_SECURITY_CHECK_FAILURE, "KERNEL_SECURITY_CHECK_FAILURE"},
};

static const char *name_of(ULONG code)
{
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (names[i].code == code)
      return names[i].name;
  return NULL;
}

/* The thread never goes on; the host gets the processor. */
static _Noreturn void stop_for_ever(enum ke_end_reason reason)
{
  KEVENT never;
  KeInitializeEvent(&never, NotificationEvent, FALSE);
  for (;;) {
    ke_stop(reason);
    KeWaitForSingleObject(&never, Executive, KernelMode, FALSE, NULL);
  }
}

static void note_thread(struct trap_state *trap)
{
  trap->bugcheck.pid = (uint32_t)PsGetCurrentThread()->Cid.UniqueProcess;
  trap->bugcheck.tid = (uint32_t)PsGetCurrentThread()->Cid.UniqueThread;
  snprintf(trap->stopped_image, sizeof trap->stopped_image, "%s", PsGetCurrentProcess()->ImageFileName);
}

void KeBugCheckEx(ULONG BugCheckCode, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
  struct trap_state *trap = trap_state();
  if (trace_on(DBGKSIM_TRACE_BUGCHECK))
    trace_emit(DBGKSIM_TRACE_BUGCHECK, name_of(BugCheckCode), BugCheckCode, p1, p2, p3, p4, 0);
  trap->bugcheck =
      (struct dbgksim_bugcheck){.code = BugCheckCode, .parameters = {p1, p2, p3, p4}, .name = name_of(BugCheckCode)};
  note_thread(trap);
  trap->stopped = KE_BUGCHECK;
  stop_for_ever(KE_BUGCHECK);
}

void ki_triple_fault(ULONG64 Rip)
{
  struct trap_state *trap = trap_state();
  TRACE(DBGKSIM_TRACE_LOG, "triple fault: the machine stops", Rip, 0, 0, 0);
  TRACE(DBGKSIM_TRACE_BUGCHECK, NULL, 0, Rip, 0, 0);
  trap->bugcheck = (struct dbgksim_bugcheck){.parameters = {Rip}};
  note_thread(trap);
  trap->stopped = KE_TRIPLE_FAULT;
  stop_for_ever(KE_TRIPLE_FAULT);
}

const struct dbgksim_bugcheck *KiGetBugCheck(void)
{
  return trap_state()->stopped == KE_BUGCHECK ? &trap_state()->bugcheck : NULL;
}

bool KiReportStop(char *out, size_t size)
{
  const struct trap_state *trap = trap_state();
  const struct dbgksim_bugcheck *b = &trap->bugcheck;
  switch (trap->stopped) {
  case KE_BUGCHECK:
    snprintf(out, size,
             "*** STOP: 0x%08" PRIX32 " (0x%016" PRIX64 ", 0x%016" PRIX64 ", 0x%016" PRIX64 ", 0x%016" PRIX64 ")\n"
             "    %s\n"
             "    process %" PRIu32 " (%s), thread %" PRIu32 "\n",
             b->code, b->parameters[0], b->parameters[1], b->parameters[2], b->parameters[3],
             b->name ? b->name : "unknown code", b->pid, trap->stopped_image, b->tid);
    return true;
  case KE_TRIPLE_FAULT:
    snprintf(out, size,
             "*** triple fault: the double fault could not be delivered, and the processor shut down\n"
             "    at 0x%016" PRIX64 "\n"
             "    process %" PRIu32 " (%s), thread %" PRIu32 "\n",
             b->parameters[0], b->pid, trap->stopped_image, b->tid);
    return true;
  default:
    return false;
  }
}
