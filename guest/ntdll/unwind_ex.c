/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RtlUnwindEx, the handlers around handlers, and the handler of C's __try. */
#include "ntdllp.h"

#define EXCEPTION_UNWINDING_FLAG 0x2u
#define EXCEPTION_EXIT_UNWIND_FLAG 0x4u
#define EXCEPTION_TARGET_UNWIND_FLAG 0x20u
#define EXCEPTION_COLLIDED_UNWIND_FLAG 0x40u
#define EXCEPTION_UNWIND_FLAGS (EXCEPTION_UNWINDING_FLAG | EXCEPTION_EXIT_UNWIND_FLAG)

/* Where RtlpExecuteHandlerForX keep their dispatcher context, above their frame. */
static const DISPATCHER_CONTEXT *kept_dispatcher(PVOID frame)
{
  return *(DISPATCHER_CONTEXT *const *)((UCHAR *)frame + 0x20);
}

/* An exception came out of a handler: dispatch is told where the handler's frame is. */
EXCEPTION_DISPOSITION RtlpExceptionHandler(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context,
                                           DISPATCHER_CONTEXT *dispatcher)
{
  (void)context;
  if (record->ExceptionFlags & EXCEPTION_UNWIND_FLAGS)
    return ExceptionContinueSearch;
  dispatcher->EstablisherFrame = kept_dispatcher(frame)->EstablisherFrame;
  return ExceptionNestedException;
}

/* An unwind, or an exception's search, ran into an unwind that was calling a handler: it goes on where that was. */
EXCEPTION_DISPOSITION RtlpUnwindHandler(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context,
                                        DISPATCHER_CONTEXT *dispatcher)
{
  const DISPATCHER_CONTEXT *kept = kept_dispatcher(frame);
  (void)record, (void)context;
  dispatcher->ControlPc = kept->ControlPc;
  dispatcher->ImageBase = kept->ImageBase;
  dispatcher->FunctionEntry = kept->FunctionEntry;
  dispatcher->EstablisherFrame = kept->EstablisherFrame;
  dispatcher->ContextRecord = kept->ContextRecord;
  dispatcher->LanguageHandler = kept->LanguageHandler;
  dispatcher->HandlerData = kept->HandlerData;
  dispatcher->HistoryTable = kept->HistoryTable;
  dispatcher->ScopeIndex = kept->ScopeIndex;
  return ExceptionCollidedUnwind;
}

/* _JUMP_BUFFER of setjmp */
typedef struct {
  ULONG64 Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
  ULONG MxCsr;
  USHORT FpCsr, Spare;
  M128A Xmm[10];
} JUMP_BUFFER;

static void apply_jump(CONTEXT *context, const JUMP_BUFFER *jump)
{
  context->Rbx = jump->Rbx;
  context->Rsp = jump->Rsp;
  context->Rbp = jump->Rbp;
  context->Rsi = jump->Rsi;
  context->Rdi = jump->Rdi;
  context->R12 = jump->R12;
  context->R13 = jump->R13;
  context->R14 = jump->R14;
  context->R15 = jump->R15;
  context->Rip = jump->Rip;
  context->MxCsr = jump->MxCsr;
  context->FltSave.MxCsr = jump->MxCsr;
  context->FltSave.ControlWord = jump->FpCsr;
  for (ULONG i = 0; i < 10; i++)
    (&context->Xmm6)[i] = jump->Xmm[i];
}

NTDLL_API void __cdecl RtlRestoreContext(PCONTEXT ContextRecord, EXCEPTION_RECORD *ExceptionRecord)
{
  if (ExceptionRecord && ExceptionRecord->ExceptionCode == (DWORD)STATUS_LONGJUMP &&
      ExceptionRecord->NumberParameters >= 1) {
    apply_jump(ContextRecord, (const JUMP_BUFFER *)ExceptionRecord->ExceptionInformation[0]);
  } else if (ExceptionRecord && ExceptionRecord->ExceptionCode == (DWORD)STATUS_UNWIND_CONSOLIDATE &&
             ExceptionRecord->NumberParameters >= 1) {
    ULONG64 (*callback)(EXCEPTION_RECORD *) =
        (ULONG64(*)(EXCEPTION_RECORD *))ExceptionRecord->ExceptionInformation[0];
    ContextRecord->Rip = RtlpConsolidateFrames(ContextRecord, ExceptionRecord, callback);
  }
  RtlpRestoreContext(ContextRecord);
}

static void raise_unwind_status(NTSTATUS status, EXCEPTION_RECORD *cause)
{
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)status,
                             .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                             .ExceptionRecord = cause};
  RtlRaiseException(&record);
}

static void leave_leaf(CONTEXT *context)
{
  context->Rip = *(ULONG64 *)context->Rsp;
  context->Rsp += 8;
}

/* One unwind: what its loop carries from frame to frame. */
typedef struct {
  ULONG64 Target;
  PVOID TargetIp;
  EXCEPTION_RECORD *Record;
  PVOID ReturnValue;
  ULONG Flags;
  CONTEXT *Current, *Previous; /**< at the frame, and one frame back */
  ULONG64 Frame;
  UNWIND_HISTORY_TABLE *HistoryTable;
} UNWIND;

/* Calls the handler of a frame, again if another unwind had begun with it. */
static void call_unwind_handler(UNWIND *u, DISPATCHER_CONTEXT *d)
{
  do {
    if (u->Frame == u->Target)
      u->Flags |= EXCEPTION_TARGET_UNWIND_FLAG;
    u->Record->ExceptionFlags = u->Flags;
    u->Current->Rax = (ULONG64)u->ReturnValue;
    d->EstablisherFrame = u->Frame;
    d->TargetIp = (ULONG64)u->TargetIp;
    d->ContextRecord = u->Current;
    d->HistoryTable = u->HistoryTable;
    EXCEPTION_DISPOSITION disposition = RtlpExecuteHandlerForUnwind(u->Record, (PVOID)u->Frame, u->Current, d);
    u->Flags &= ~(EXCEPTION_COLLIDED_UNWIND_FLAG | EXCEPTION_TARGET_UNWIND_FLAG);
    if (disposition == ExceptionCollidedUnwind) {
      PVOID data;
      *u->Current = *d->ContextRecord;
      u->Frame = d->EstablisherFrame;
      *u->Previous = *u->Current;
      RtlVirtualUnwind(UNW_FLAG_NHANDLER, d->ImageBase, d->ControlPc, d->FunctionEntry, u->Previous, &data, &u->Frame,
                       NULL);
      u->Flags |= EXCEPTION_COLLIDED_UNWIND_FLAG;
    } else if (disposition != ExceptionContinueSearch) {
      raise_unwind_status(STATUS_INVALID_DISPOSITION, u->Record);
    }
  } while (u->Flags & EXCEPTION_COLLIDED_UNWIND_FLAG);
}

/* Unwinds the frame that u->Current is in; afterwards u->Current is its caller's, unless it was the target. */
static void unwind_frame(UNWIND *u)
{
  DISPATCHER_CONTEXT d = {.ControlPc = u->Current->Rip};
  PVOID data = NULL;
  d.FunctionEntry = RtlLookupFunctionEntry(d.ControlPc, &d.ImageBase, u->HistoryTable);
  if (!d.FunctionEntry) {
    u->Frame = u->Current->Rsp;
    leave_leaf(u->Current);
    return;
  }
  *u->Previous = *u->Current;
  d.LanguageHandler = RtlVirtualUnwind(UNW_FLAG_UHANDLER, d.ImageBase, d.ControlPc, d.FunctionEntry, u->Previous, &data,
                                       &u->Frame, NULL);
  d.HandlerData = data;
  if (!RtlpIsFrameInBounds(u->Frame))
    raise_unwind_status(STATUS_BAD_STACK, u->Record);
  if (u->Target && u->Target < u->Frame)
    raise_unwind_status(STATUS_INVALID_UNWIND_TARGET, u->Record);
  if (d.LanguageHandler)
    call_unwind_handler(u, &d);
  if (u->Frame != u->Target) {
    CONTEXT *caller = u->Previous;
    u->Previous = u->Current;
    u->Current = caller;
  }
}

NTDLL_API void NTAPI RtlUnwindEx(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue,
                                 PCONTEXT OriginalContext, PUNWIND_HISTORY_TABLE HistoryTable)
{
  CONTEXT other;
  EXCEPTION_RECORD own = {.ExceptionCode = (DWORD)STATUS_UNWIND};
  RtlCaptureContext(OriginalContext);
  own.ExceptionAddress = (PVOID)OriginalContext->Rip;
  UNWIND u = {.Target = (ULONG64)TargetFrame,
              .TargetIp = TargetIp,
              .Record = ExceptionRecord ? ExceptionRecord : &own,
              .ReturnValue = ReturnValue,
              .Flags = EXCEPTION_UNWINDING_FLAG | (TargetFrame ? 0 : EXCEPTION_EXIT_UNWIND_FLAG),
              .Current = OriginalContext,
              .Previous = &other,
              .HistoryTable = HistoryTable};
  do
    unwind_frame(&u);
  while (u.Frame != u.Target && RtlpIsFrameInBounds(u.Current->Rsp));
  if (u.Frame == u.Target) {
    u.Current->Rax = (ULONG64)ReturnValue;
    if (u.Record->ExceptionCode != (DWORD)STATUS_UNWIND_CONSOLIDATE)
      u.Current->Rip = (ULONG64)TargetIp;
    RtlRestoreContext(u.Current, u.Record);
  }
  /* Nobody is left to go on: an exit unwind ends the thread, another's target does not exist. */
  NtRaiseException(u.Record, u.Current, FALSE);
}

NTDLL_API void NTAPI RtlUnwind(PVOID TargetFrame, PVOID TargetIp, PEXCEPTION_RECORD ExceptionRecord, PVOID ReturnValue)
{
  CONTEXT context;
  RtlUnwindEx(TargetFrame, TargetIp, ExceptionRecord, ReturnValue, &context, NULL);
}

/* ---- C's __try ---- */

typedef LONG (*FILTER)(EXCEPTION_POINTERS *, PVOID);
typedef void (*TERMINATION)(BOOLEAN, PVOID);
typedef struct {
  DWORD Begin, End, Handler, Target; /**< Handler 1: always; Target 0: a __finally */
} SCOPE;
typedef struct {
  DWORD Count;
  SCOPE Scope[];
} SCOPES;

static BOOLEAN covers(const SCOPE *scope, ULONG64 rva) { return rva >= scope->Begin && rva < scope->End; }

static EXCEPTION_DISPOSITION search_scopes(EXCEPTION_RECORD *record, PVOID frame, CONTEXT *context,
                                           DISPATCHER_CONTEXT *d)
{
  const SCOPES *table = d->HandlerData;
  EXCEPTION_POINTERS pointers = {record, context};
  for (DWORD i = d->ScopeIndex; i < table->Count; i++) {
    const SCOPE *scope = &table->Scope[i];
    if (!covers(scope, d->ControlPc - d->ImageBase) || !scope->Target)
      continue;
    LONG value = scope->Handler == EXCEPTION_EXECUTE_HANDLER
                     ? EXCEPTION_EXECUTE_HANDLER
                     : ((FILTER)(d->ImageBase + scope->Handler))(&pointers, frame);
    if (value < 0)
      return ExceptionContinueExecution;
    if (value > 0)
      RtlUnwindEx(frame, (PVOID)(d->ImageBase + scope->Target), record, (PVOID)(ULONG64)record->ExceptionCode,
                  d->ContextRecord, d->HistoryTable);
  }
  return ExceptionContinueSearch;
}

/* True if the unwind's target lies in the same scope: then nothing of it ends. */
static BOOLEAN stays_inside(const SCOPES *table, const SCOPE *scope, ULONG64 target)
{
  for (DWORD j = 0; j < table->Count; j++)
    if (covers(&table->Scope[j], target) && table->Scope[j].Target == scope->Target &&
        table->Scope[j].Handler == scope->Handler)
      return TRUE;
  return FALSE;
}

static EXCEPTION_DISPOSITION unwind_scopes(EXCEPTION_RECORD *record, PVOID frame, DISPATCHER_CONTEXT *d)
{
  const SCOPES *table = d->HandlerData;
  ULONG64 target = d->TargetIp - d->ImageBase;
  BOOLEAN is_target = (record->ExceptionFlags & EXCEPTION_TARGET_UNWIND_FLAG) != 0;
  for (DWORD i = d->ScopeIndex; i < table->Count; i++) {
    const SCOPE *scope = &table->Scope[i];
    if (!covers(scope, d->ControlPc - d->ImageBase))
      continue;
    if (is_target && stays_inside(table, scope, target))
      break;
    if (scope->Target) {
      if (is_target && target == scope->Target)
        break;
      continue;
    }
    /* An unwind that collides with this one goes on behind the scope. */
    d->ScopeIndex = i + 1;
    ((TERMINATION)(d->ImageBase + scope->Handler))(TRUE, frame);
  }
  return ExceptionContinueSearch;
}

NTDLL_API EXCEPTION_DISPOSITION __C_specific_handler(EXCEPTION_RECORD *ExceptionRecord, void *EstablisherFrame,
                                                     CONTEXT *ContextRecord, DISPATCHER_CONTEXT *DispatcherContext)
{
  return ExceptionRecord->ExceptionFlags & EXCEPTION_UNWIND_FLAGS
             ? unwind_scopes(ExceptionRecord, EstablisherFrame, DispatcherContext)
             : search_scopes(ExceptionRecord, EstablisherFrame, ContextRecord, DispatcherContext);
}
