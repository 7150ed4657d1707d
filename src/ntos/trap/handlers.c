/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each gate leads to (the vector table of spec/1.1). */
#include "ntos/trap/internal.h"

#include <stdio.h>

#define NO_ADDRESS (~(ULONG64)0)
#define MAX_INSTRUCTION 15u

static void raise(KTRAP_FRAME *f, KEXCEPTION_FRAME *e, NTSTATUS code)
{
  KiExceptionDispatch(f, e, code, f->Rip, 0, 0, 0, 0);
}

static void raise_access_violation(KTRAP_FRAME *f, KEXCEPTION_FRAME *e, ULONG64 type, ULONG64 address)
{
  KiExceptionDispatch(f, e, STATUS_ACCESS_VIOLATION, f->Rip, 2, type, address, 0);
}

/* Bytes at the frame's Rip; how many could be read. */
static size_t instruction_bytes(const KTRAP_FRAME *f, UCHAR bytes[MAX_INSTRUCTION])
{
  size_t n = MAX_INSTRUCTION;
  while (n && !NT_SUCCESS(mm_user_read(bytes, f->Rip, n)))
    n--;
  return n;
}

static bool read_operand(void *context, uint64_t va, void *buffer, size_t size)
{
  (void)context;
  return NT_SUCCESS(mm_user_read(buffer, va, size));
}

static void KiDivideErrorFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  /* KiPreprocessFault: the processor does not say which of the two it was. */
  UCHAR bytes[MAX_INSTRUCTION];
  size_t n = instruction_bytes(f, bytes);
  bool overflow = emu_decode_divide_overflow(KeGetCurrentThread()->cpu, bytes, n, read_operand, NULL);
  raise(f, e, overflow ? STATUS_INTEGER_OVERFLOW : STATUS_INTEGER_DIVIDE_BY_ZERO);
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
  raise(f, e, STATUS_ILLEGAL_INSTRUCTION);
}

static void KiStackFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise_access_violation(f, e, 0, NO_ADDRESS);
}

static void KiGeneralProtectionFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  UCHAR bytes[MAX_INSTRUCTION];
  unsigned length = 0;
  size_t n = instruction_bytes(f, bytes);
  /* An error code names a selector, or an IDT entry (bit 1), which has no address. */
  if (f->ErrorCode & 2) {
    raise_access_violation(f, e, 0, NO_ADDRESS);
  } else if (f->ErrorCode) {
    raise_access_violation(f, e, 0, f->ErrorCode & ~7ull);
  } else if (emu_decode_privileged(bytes, n, &length)) {
    raise(f, e, STATUS_PRIVILEGED_INSTRUCTION);
  } else if (n == MAX_INSTRUCTION && !length) {
    raise(f, e, STATUS_ILLEGAL_INSTRUCTION);
  } else {
    raise_access_violation(f, e, 0, NO_ADDRESS);
  }
}

static void KiPageFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  enum { PF_WRITE = 2, PF_FETCH = 0x10 };
  enum mm_access access = f->ErrorCode & PF_FETCH ? MM_EXECUTE : f->ErrorCode & PF_WRITE ? MM_WRITE : MM_READ;
  static const ULONG64 types[] = {[MM_READ] = 0, [MM_WRITE] = 1, [MM_EXECUTE] = 8};
  ULONG64 address = f->FaultAddress;
  NTSTATUS status = MmAccessFault(PsGetCurrentProcess(), address, access);
  f->FaultIndicator = (UCHAR)types[access];
  if (status == STATUS_SUCCESS) {
    /* Resolved: the instruction runs again, and RF is not for user code to see. */
    f->EFlags &= ~EFLAGS_RF;
    return;
  }
  ULONG count = status == STATUS_IN_PAGE_ERROR ? 3 : 2;
  KiExceptionDispatch(f, e, status, f->Rip, count, types[access], address, (ULONG)STATUS_END_OF_FILE);
}

static void KiFloatingErrorFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  KiExceptionDispatch(f, e, STATUS_FLOAT_INVALID_OPERATION, f->Rip, 1, 0, 0, 0);
}

static void KiAlignmentFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  raise(f, e, STATUS_DATATYPE_MISALIGNMENT);
}

static void KiXmmException(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  static const NTSTATUS by_bit[6] = {STATUS_FLOAT_INVALID_OPERATION, STATUS_FLOAT_DENORMAL_OPERAND,
                                     STATUS_FLOAT_DIVIDE_BY_ZERO,    STATUS_FLOAT_OVERFLOW,
                                     STATUS_FLOAT_UNDERFLOW,         STATUS_FLOAT_INEXACT_RESULT};
  ULONG raised = f->MxCsr & ~(f->MxCsr >> 7) & 0x3F;
  NTSTATUS code = STATUS_FLOAT_INVALID_OPERATION;
  for (unsigned i = 0; i < 6; i++) {
    if (raised >> i & 1) {
      code = by_bit[i];
      break;
    }
  }
  KiExceptionDispatch(f, e, code, f->Rip, 2, 0, f->MxCsr, 0);
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

static void KiUnexpectedInterrupt(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  TRACE(DBGKSIM_TRACE_LOG, "an unexpected interrupt reached the kernel", 0, 0, 0, 0);
}

static void KiDoubleFaultAbort(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  (void)f, (void)e;
  TRACE(DBGKSIM_TRACE_LOG, "bugcheck 7F (8): double fault", 0, 0, 0, 0);
  ke_stop(KE_TRIPLE_FAULT);
  for (;;)
    KiQuantumEnd();
}

#define HANDLER(name) {#name, name}
static const struct ki_handler unexpected = HANDLER(KiUnexpectedInterrupt);
static const struct ki_handler handlers[256] = {
    [0] = HANDLER(KiDivideErrorFault),
    [1] = HANDLER(KiDebugTrapOrFault),
    [3] = HANDLER(KiBreakpointTrap),
    [4] = HANDLER(KiOverflowTrap),
    [5] = HANDLER(KiBoundFault),
    [6] = HANDLER(KiInvalidOpcodeFault),
    [8] = HANDLER(KiDoubleFaultAbort),
    [10] = HANDLER(KiStackFault),
    [11] = HANDLER(KiStackFault),
    [12] = HANDLER(KiStackFault),
    [13] = HANDLER(KiGeneralProtectionFault),
    [14] = HANDLER(KiPageFault),
    [16] = HANDLER(KiFloatingErrorFault),
    [17] = HANDLER(KiAlignmentFault),
    [19] = HANDLER(KiXmmException),
    [0x29] = HANDLER(KiRaiseSecurityCheckFailure),
    [0x2C] = HANDLER(KiRaiseAssertion),
    [0x2D] = HANDLER(KiDebugServiceTrap),
    [0x2E] = HANDLER(KiSystemService),
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
