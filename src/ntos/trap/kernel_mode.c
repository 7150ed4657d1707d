/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions of kernel code (spec/2.1 step 5): the handlers that it registered, and those who raise. */
#include "ntos/trap/internal.h"

/** Between the frames of an interrupted kernel routine and those of the next event: the routine's own stack. */
#define KERNEL_ROUTINE_STACK 0x40u

void KeRegisterExceptionHandler(EXCEPTION_REGISTRATION_RECORD *Registration)
{
  KTHREAD *thread = KeGetCurrentThread();
  Registration->Next = thread->ExceptionList;
  thread->ExceptionList = Registration;
}

void KeUnregisterExceptionHandler(EXCEPTION_REGISTRATION_RECORD *Registration)
{
  KTHREAD *thread = KeGetCurrentThread();
  EXCEPTION_REGISTRATION_RECORD **link = &thread->ExceptionList;
  while (*link && *link != Registration)
    link = &(*link)->Next;
  if (*link)
    *link = Registration->Next;
}

/* What a handler answered that it may not answer: an exception of its own, which nobody may continue. */
static void raise_noncontinuable(const EXCEPTION_RECORD64 *cause, NTSTATUS code)
{
  EXCEPTION_RECORD64 record = {
      .ExceptionCode = code,
      .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
      .ExceptionAddress = cause->ExceptionAddress,
  };
  RtlRaiseException(&record);
}

BOOLEAN RtlDispatchException(EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *ContextRecord)
{
  KTHREAD *thread = KeGetCurrentThread();
  EXCEPTION_REGISTRATION_RECORD *const first = thread->ExceptionList;
  for (EXCEPTION_REGISTRATION_RECORD *r = first; r; r = r->Next) {
    /* What a handler itself raises goes to those outside of it. */
    thread->ExceptionList = r->Next;
    EXCEPTION_DISPOSITION disposition = r->Handler(ExceptionRecord, r, ContextRecord);
    thread->ExceptionList = first;
    ki_decided("RtlDispatchException",
               disposition == ExceptionContinueExecution ? "a handler continues" : "a handler passes",
               ExceptionRecord->ExceptionCode, disposition, 0);
    if (disposition == ExceptionContinueExecution && ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE)
      raise_noncontinuable(ExceptionRecord, STATUS_NONCONTINUABLE_EXCEPTION);
    else if (disposition == ExceptionContinueExecution)
      return TRUE;
    else if (disposition != ExceptionContinueSearch)
      raise_noncontinuable(ExceptionRecord, STATUS_INVALID_DISPOSITION);
  }
  return FALSE;
}

BOOLEAN ki_dispatch_kernel(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame,
                           KTRAP_FRAME *TrapFrame, CONTEXT *Context, BOOLEAN FirstChance)
{
  if (FirstChance) {
    if (ki_call_debugger(ExceptionRecord, ExceptionFrame, TrapFrame, Context, KernelMode, FALSE))
      return TRUE;
    if (RtlDispatchException(ExceptionRecord, Context))
      return TRUE;
  }
  return ki_call_debugger(ExceptionRecord, ExceptionFrame, TrapFrame, Context, KernelMode, TRUE);
}

ULONG64 ki_kernel_stack_pointer(void)
{
  return ki_kernel_address(KeGetCurrentThread()->ExceptionFrame) - KERNEL_ROUTINE_STACK;
}

void RtlRaiseException(EXCEPTION_RECORD64 *ExceptionRecord)
{
  KTHREAD *thread = KeGetCurrentThread();
  if (!thread->ExceptionFrame)
    return;
  KTRAP_FRAME frame = {.SegCs = KGDT64_R0_CODE,
                       .SegSs = KGDT64_R0_DATA,
                       .EFlags = EFLAGS_IF | EFLAGS_ALWAYS,
                       .Rip = ExceptionRecord->ExceptionAddress,
                       .Rsp = ki_kernel_stack_pointer(),
                       .ExceptionActive = TRAP_EXCEPTION};
  KEXCEPTION_FRAME exception_frame = {0};
  /* Handlers that raise and raise use up the kernel stack, which is a double fault. */
  if (++thread->kernel_traps > KI_MAX_KERNEL_TRAPS)
    KeBugCheckEx(UNEXPECTED_KERNEL_MODE_TRAP, VECTOR_DOUBLE_FAULT, 0, 0, 0);
  KiDispatchException(ExceptionRecord, &exception_frame, &frame, KernelMode, TRUE);
  thread->kernel_traps--;
}
