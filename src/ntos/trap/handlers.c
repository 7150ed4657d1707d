/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each gate leads to (the vector table of spec/1.1). */
#include "ntos/trap/internal.h"

#include <string.h>

#define NO_ADDRESS (~(ULONG64)0)

static void raise(KTRAP_FRAME *f, KEXCEPTION_FRAME *e, NTSTATUS code)
{
  KiExceptionDispatch(f, e, code, f->Rip, 0, 0, 0, 0);
}

static void raise_access_violation(KTRAP_FRAME *f, KEXCEPTION_FRAME *e, ULONG64 type, ULONG64 address)
{
  KiExceptionDispatch(f, e, STATUS_ACCESS_VIOLATION, f->Rip, 2, type, address, 0);
}

/* KiPreprocessFault finds the status; what the processor tells is the first parameter. */
static void raise_internal(KTRAP_FRAME *f, KEXCEPTION_FRAME *e, NTSTATUS code)
{
  KiExceptionDispatch(f, e, code, f->Rip, 2, f->ErrorCode & 0xFFFF, 0, 0);
}

static void KiDivideErrorFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_internal(f, e, KI_EXCEPTION_INTEGER_DIVIDE_BY_ZERO);
}

static void KiDebugTrapOrFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  f->EFlags &= ~EFLAGS_TF;
  raise(f, e, STATUS_SINGLE_STEP);
  /* What was delivered is not delivered again with the next exception. */
  f->Dr6 = 0;
}

static void KiBreakpointTrap(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  KiExceptionDispatch(f, e, STATUS_BREAKPOINT, f->Rip - 1, 1, 0, 0, 0);
}

static void KiOverflowTrap(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise(f, e, STATUS_INTEGER_OVERFLOW);
}

static void KiBoundFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise(f, e, STATUS_ARRAY_BOUNDS_EXCEEDED);
}

static void KiInvalidOpcodeFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_internal(f, e, KI_EXCEPTION_INVALID_OP);
}

static void KiInvalidTssFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_access_violation(f, e, 0, NO_ADDRESS);
}

static void KiSegmentNotPresentFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_access_violation(f, e, 0, NO_ADDRESS);
}

static void KiStackFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_access_violation(f, e, 0, NO_ADDRESS);
}

static void KiGeneralProtectionFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_internal(f, e, KI_EXCEPTION_GP_FAULT);
}

static void KiPageFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  enum mm_access access = f->ErrorCode & PF_FETCH ? MM_EXECUTE : f->ErrorCode & PF_WRITE ? MM_WRITE : MM_READ;
  static const ULONG64 types[] = {[MM_READ] = 0, [MM_WRITE] = 1, [MM_EXECUTE] = 8};
  ULONG64 address = f->FaultAddress;
  const bool user = f->SegCs & 1;
  /* The kernel executes no user page (SMEP), whatever its protection. */
  NTSTATUS status = !user && access == MM_EXECUTE ? STATUS_ACCESS_VIOLATION
                                                  : MmAccessFault(PsGetCurrentProcess(), address, access);
  f->FaultIndicator = (UCHAR)types[access];
  if (status == STATUS_SUCCESS) {
    /* Resolved: the instruction runs again, and RF is not for user code to see. */
    f->EFlags &= ~EFLAGS_RF;
    return;
  }
  /* Kernel code may fault on user addresses only. */
  if (!user && address > MM_HIGHEST_USER_ADDRESS)
    KeBugCheckEx(PAGE_FAULT_IN_NONPAGED_AREA, address, types[access], f->Rip, 0);
  if (mm_fault_is_in_page_error(status))
    KiExceptionDispatch(f, e, STATUS_IN_PAGE_ERROR, f->Rip, 3, types[access], address, (ULONG)status);
  else
    KiExceptionDispatch(f, e, status, f->Rip, 2, types[access], address, 0);
}

static void KiAlignmentFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise(f, e, STATUS_DATATYPE_MISALIGNMENT);
}

/* INT 29: never offered to user handlers (fact 24). The frame is moved back onto the instruction. */
static void KiRaiseSecurityCheckFailure(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  EXCEPTION_RECORD64 record = {
      .ExceptionCode = STATUS_STACK_BUFFER_OVERRUN,
      .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
      .NumberParameters = 1,
      .ExceptionInformation = {f->Rcx},
  };
  f->Rip -= 2;
  if (!(f->SegCs & 1))
    KeBugCheckEx(KERNEL_SECURITY_CHECK_FAILURE, f->Rcx, ki_kernel_address(f), 0, 0);
  record.ExceptionAddress = f->Rip;
  KiDispatchException(&record, e, f, UserMode, FALSE);
}

/* INT 2C: continuing runs it again. */
static void KiRaiseAssertion(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  f->Rip -= 2;
  raise(f, e, STATUS_ASSERTION_FAILURE);
}

/* INT 2D: the byte after it is skipped by whoever continues the frame (fact 22). */
static void KiDebugServiceTrap(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  f->Rip += 1;
  KiExceptionDispatch(f, e, STATUS_BREAKPOINT, f->Rip, 1, (ULONG)f->Rax, 0, 0);
}

/* INT 2E: the way in before there was syscall; its gate is open to user mode in those eras only. */
static void KiSystemService(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)e;
  f->ExceptionActive = TRAP_SERVICE;
  ki_system_service(f);
}

/* Interrupts of devices and of other processors: nobody waits for them here. */
static void ignore(const char *name)
{
  TRACE(DBGKSIM_TRACE_LOG, name, 0, 0, 0, 0);
}

static void KiUnexpectedInterrupt(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  ignore("an unexpected interrupt reached the kernel");
}

static void KiNmiInterrupt(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  ignore("a non-maskable interrupt that nobody claims");
}

static void KiApcInterrupt(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  ignore("an APC interrupt without an APC");
}

static void KiDpcInterrupt(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  ignore("a DPC interrupt without a DPC");
}

static void KiNpxNotAvailableFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)e;
  KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, 7, f->Rip, 0, 0);
}

static void KiNpxSegmentOverrunAbort(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)e;
  KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, 9, f->Rip, 0, 0);
}

static void KiMcheckAbort(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)e;
  KeBugCheckEx(MACHINE_CHECK_EXCEPTION, 0, f->Rip, 0, 0);
}

static void KiDoubleFaultAbort(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)e;
  KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, VECTOR_DOUBLE_FAULT, ki_kernel_address(f), 0, 0);
}

#define HANDLER(name) {#name, name}
static const struct ki_handler unexpected = HANDLER(KiUnexpectedInterrupt);
static const struct ki_handler handlers[256] = {
    [0] = HANDLER(KiDivideErrorFault),
    [1] = HANDLER(KiDebugTrapOrFault),
    [2] = HANDLER(KiNmiInterrupt),
    [3] = HANDLER(KiBreakpointTrap),
    [4] = HANDLER(KiOverflowTrap),
    [5] = HANDLER(KiBoundFault),
    [6] = HANDLER(KiInvalidOpcodeFault),
    [7] = HANDLER(KiNpxNotAvailableFault),
    [8] = HANDLER(KiDoubleFaultAbort),
    [9] = HANDLER(KiNpxSegmentOverrunAbort),
    [10] = HANDLER(KiInvalidTssFault),
    [11] = HANDLER(KiSegmentNotPresentFault),
    [12] = HANDLER(KiStackFault),
    [13] = HANDLER(KiGeneralProtectionFault),
    [14] = HANDLER(KiPageFault),
    [16] = HANDLER(KiFloatingErrorFault),
    [17] = HANDLER(KiAlignmentFault),
    [18] = HANDLER(KiMcheckAbort),
    [19] = HANDLER(KiXmmException),
    [0x1F] = HANDLER(KiApcInterrupt),
    [0x29] = HANDLER(KiRaiseSecurityCheckFailure),
    [0x2C] = HANDLER(KiRaiseAssertion),
    [0x2D] = HANDLER(KiDebugServiceTrap),
    [0x2E] = HANDLER(KiSystemService),
    [0x2F] = HANDLER(KiDpcInterrupt),
};

ULONG64 ki_handler_address(unsigned vector)
{
  return KI_HANDLERS_ADDRESS + (ULONG64)vector * KI_HANDLER_SIZE;
}

const struct ki_handler *ki_handler_at(ULONG64 address)
{
  if (address < KI_HANDLERS_ADDRESS || address >= ki_handler_address(256) || address % KI_HANDLER_SIZE)
    return NULL;
  const struct ki_handler *handler = &handlers[(address - KI_HANDLERS_ADDRESS) / KI_HANDLER_SIZE];
  return handler->routine ? handler : &unexpected;
}

ULONG64 KiFindRoutine(const char *Name)
{
  for (unsigned v = 0; v < 256; v++)
    if (strcmp(ki_handler_at(ki_handler_address(v))->name, Name) == 0)
      return ki_handler_address(v);
  return 0;
}
