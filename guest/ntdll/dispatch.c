/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RtlDispatchException: from KiUserExceptionDispatcher to the handlers of the frames, and back (spec/2, the user half). */
#include "ntdllp.h"

#define EXCEPTION_STACK_INVALID_FLAG 0x8u
#define EXCEPTION_NESTED_CALL_FLAG 0x10u

BOOLEAN RtlpIsFrameInBounds(ULONG64 Frame)
{
  PTEB teb = NtCurrentTeb();
  return Frame >= (ULONG64)teb->NtTib.StackLimit && Frame < (ULONG64)teb->NtTib.StackBase && !(Frame & 7);
}

static void raise_caused(NTSTATUS status, EXCEPTION_RECORD *cause)
{
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)status,
                             .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                             .ExceptionRecord = cause};
  RtlRaiseException(&record);
}

/* A search: what it carries from frame to frame. */
typedef struct {
  EXCEPTION_RECORD *Record;
  CONTEXT *Context; /**< of the exception, that handlers change */
  CONTEXT At;       /**< of the frame that is looked at */
  ULONG Flags;
  ULONG64 NestedFrame; /**< handlers up to here were running when this exception came */
} SEARCH;

/* Calls the handler of a frame, again if the search ran into an unwind. TRUE: the exception is continued. */
static BOOLEAN call_frame_handler(SEARCH *s, DISPATCHER_CONTEXT *d)
{
  for (;;) {
    s->Record->ExceptionFlags = s->Flags;
    EXCEPTION_DISPOSITION disposition =
        RtlpExecuteHandlerForException(s->Record, (PVOID)d->EstablisherFrame, s->Context, d);
    s->Flags |= s->Record->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
    if (s->NestedFrame == d->EstablisherFrame) {
      s->Flags &= ~EXCEPTION_NESTED_CALL_FLAG;
      s->NestedFrame = 0;
    }
    switch (disposition) {
    case ExceptionContinueExecution:
      if (s->Flags & EXCEPTION_NONCONTINUABLE)
        raise_caused(STATUS_NONCONTINUABLE_EXCEPTION, s->Record);
      return TRUE;
    case ExceptionContinueSearch:
      return FALSE;
    case ExceptionNestedException:
      s->Flags |= EXCEPTION_NESTED_CALL_FLAG;
      if (d->EstablisherFrame > s->NestedFrame)
        s->NestedFrame = d->EstablisherFrame;
      return FALSE;
    case ExceptionCollidedUnwind: {
      PVOID data;
      s->At = *d->ContextRecord;
      d->ContextRecord = &s->At;
      RtlVirtualUnwind(UNW_FLAG_NHANDLER, d->ImageBase, d->ControlPc, d->FunctionEntry, &s->At, &data,
                       &d->EstablisherFrame, NULL);
      break;
    }
    default:
      raise_caused(STATUS_INVALID_DISPOSITION, s->Record);
    }
  }
}

/* Looks at the frame that s->At is in and goes to its caller. */
static BOOLEAN search_frame(SEARCH *s, BOOLEAN *continued)
{
  DISPATCHER_CONTEXT d = {.ControlPc = s->At.Rip, .ContextRecord = &s->At};
  PVOID data = NULL;
  d.FunctionEntry = RtlLookupFunctionEntry(d.ControlPc, &d.ImageBase, NULL);
  if (!d.FunctionEntry) {
    /* A leaf function: the return address is on top. The same address again would never end. */
    ULONG64 caller = *(ULONG64 *)s->At.Rsp;
    if (caller == s->At.Rip)
      return FALSE;
    s->At.Rip = caller;
    s->At.Rsp += 8;
    return TRUE;
  }
  d.LanguageHandler = RtlVirtualUnwind(UNW_FLAG_EHANDLER, d.ImageBase, d.ControlPc, d.FunctionEntry, &s->At, &data,
                                       &d.EstablisherFrame, NULL);
  d.HandlerData = data;
  if (!RtlpIsFrameInBounds(d.EstablisherFrame)) {
    s->Flags |= EXCEPTION_STACK_INVALID_FLAG;
    return FALSE;
  }
  if (d.LanguageHandler && call_frame_handler(s, &d)) {
    *continued = TRUE;
    return FALSE;
  }
  return TRUE;
}

BOOLEAN NTAPI RtlDispatchException(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  BOOLEAN continued = RtlpCallVectoredHandlers(ExceptionRecord, Context);
  if (!continued) {
    SEARCH s = {.Record = ExceptionRecord,
                .Context = Context,
                .At = *Context,
                .Flags = ExceptionRecord->ExceptionFlags & EXCEPTION_NONCONTINUABLE};
    while (RtlpIsFrameInBounds(s.At.Rsp) && search_frame(&s, &continued))
      ;
    if (!continued)
      ExceptionRecord->ExceptionFlags = s.Flags;
  }
  if (continued)
    RtlpCallContinueHandlers(ExceptionRecord, Context);
  return continued;
}

NTSTATUS RtlpRaiseWithContext(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  if (NtCurrentPeb()->BeingDebugged)
    return NtRaiseException(ExceptionRecord, Context, TRUE);
  if (RtlDispatchException(ExceptionRecord, Context))
    return NtContinue(Context, FALSE);
  return NtRaiseException(ExceptionRecord, Context, FALSE);
}

void NTAPI RtlRaiseStatus(NTSTATUS Status)
{
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)Status, .ExceptionFlags = EXCEPTION_NONCONTINUABLE};
  RtlRaiseException(&record);
}

/* The kernel enters here in place of a service's return: the status to raise is in the TEB (spec/5 fact 28). */
NTDLL_API NTSTATUS NTAPI KiRaiseUserExceptionDispatcher(void)
{
  NTSTATUS code = NtCurrentTeb()->ExceptionCode;
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)code};
  RtlRaiseException(&record);
  return code;
}
