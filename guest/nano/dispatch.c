/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user half of exception dispatch (spec/2.1), breaking in, and the ends of threads and processes. */
#include "nano.h"
#include "private.h"

#define HANDLERS 32

/* An array instead of a linked list: there is no heap to allocate from. */
typedef struct {
  PVECTORED_EXCEPTION_HANDLER routine[HANDLERS];
  unsigned count;
} HANDLER_LIST;

static HANDLER_LIST exception_handlers, continue_handlers;
static PVECTORED_EXCEPTION_HANDLER unhandled_filter;
static volatile LONG handler_lock;

static void lock_handlers(void)
{
  while (__atomic_exchange_n(&handler_lock, 1, __ATOMIC_ACQUIRE))
    NtYieldExecution();
}

static void unlock_handlers(void) { __atomic_store_n(&handler_lock, 0, __ATOMIC_RELEASE); }

static void *add_handler(HANDLER_LIST *list, ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
  void *result = NULL;
  lock_handlers();
  if (list->count < HANDLERS) {
    unsigned at = list->count++;
    if (first)
      for (; at > 0; at--)
        list->routine[at] = list->routine[at - 1];
    list->routine[at] = handler;
    result = (void *)handler;
  }
  unlock_handlers();
  return result;
}

static ULONG remove_handler(HANDLER_LIST *list, void *handle)
{
  ULONG found = 0;
  lock_handlers();
  for (unsigned i = 0; i < list->count; i++) {
    if (!found && (void *)list->routine[i] == handle)
      found = 1;
    if (found && i + 1 < list->count)
      list->routine[i] = list->routine[i + 1];
  }
  list->count -= found;
  unlock_handlers();
  return found;
}

__declspec(dllexport) void *RtlAddVectoredExceptionHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
  return add_handler(&exception_handlers, first, handler);
}

__declspec(dllexport) void *RtlAddVectoredContinueHandler(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
  return add_handler(&continue_handlers, first, handler);
}

__declspec(dllexport) ULONG RtlRemoveVectoredExceptionHandler(void *handle)
{
  return remove_handler(&exception_handlers, handle);
}

__declspec(dllexport) ULONG RtlRemoveVectoredContinueHandler(void *handle)
{
  return remove_handler(&continue_handlers, handle);
}

__declspec(dllexport) void nano_set_unhandled_filter(PVECTORED_EXCEPTION_HANDLER filter) { unhandled_filter = filter; }

/* Handlers may add and remove handlers, so the list is walked by index and unlocked during the call. */
static BOOLEAN call_handlers(HANDLER_LIST *list, EXCEPTION_POINTERS *pointers)
{
  for (unsigned i = 0; i < list->count; i++)
    if (list->routine[i](pointers) == EXCEPTION_CONTINUE_EXECUTION)
      return TRUE;
  return FALSE;
}

static BOOLEAN resume_in_frame(EXCEPTION_RECORD64 *record, CONTEXT *context)
{
  NANO_TEB *teb = nano_teb();
  ULONG64 frame = teb->ExceptionList;
  if (frame < teb->StackLimit || frame > teb->StackBase - sizeof(NANO_FRAME) || (frame & 7))
    return FALSE;
  context->Rip = ((NANO_FRAME *)frame)->Resume;
  context->Rsp = frame - NANO_FRAME_OFFSET;
  context->Rax = (ULONG)record->ExceptionCode;
  return TRUE;
}

/* As UnhandledExceptionFilter asks, before it calls a program's own filter. */
static BOOLEAN is_debugged(void)
{
  ULONG64 port = 0;
  return NT_SUCCESS(NtQueryInformationProcess(NtCurrentProcess, 7 /* ProcessDebugPort */, &port, sizeof(port), NULL)) &&
         port != 0;
}

__declspec(dllexport) BOOLEAN RtlDispatchException(EXCEPTION_RECORD64 *record, CONTEXT *context)
{
  EXCEPTION_POINTERS pointers = {record, context};
  if (!call_handlers(&exception_handlers, &pointers) && !resume_in_frame(record, context) &&
      !(unhandled_filter && !is_debugged() && unhandled_filter(&pointers) == EXCEPTION_CONTINUE_EXECUTION))
    return FALSE;
  call_handlers(&continue_handlers, &pointers);
  return TRUE;
}

NTSTATUS raise_with_context(EXCEPTION_RECORD64 *record, CONTEXT *context)
{
  if (nano_teb()->ProcessEnvironmentBlock->BeingDebugged)
    return NtRaiseException(record, context, TRUE);
  if (RtlDispatchException(record, context))
    return NtContinue(context, FALSE);
  return NtRaiseException(record, context, FALSE);
}

/* The kernel enters here in place of a service's return: the status to raise is in the TEB (spec/5 fact 28). */
__declspec(dllexport) NTSTATUS KiRaiseUserExceptionDispatcher(void)
{
  NTSTATUS code = nano_teb()->ExceptionCode;
  EXCEPTION_RECORD64 record = {.ExceptionCode = code};
  RtlRaiseException(&record);
  return code;
}

/* A service that must not return did. */
void dispatch_failed(NTSTATUS status)
{
  for (;;)
    NtTerminateProcess(NtCurrentProcess, status);
}

__declspec(dllexport) void RtlExitUserThread(NTSTATUS status)
{
  NtTerminateThread(NtCurrentThread, status);
  for (;;)
    RtlExitUserProcess(status);
}

__declspec(dllexport) void RtlExitUserProcess(NTSTATUS status)
{
  NtTerminateProcess(0, status);
  for (;;)
    NtTerminateProcess(NtCurrentProcess, status);
}

void thread_returned(NTSTATUS result)
{
  if (nano_teb()->ClientId.UniqueThread == ldr_first_thread())
    RtlExitUserProcess(result);
  RtlExitUserThread(result);
}

static void break_in(void *context)
{
  (void)context;
  DbgBreakPoint();
}

__declspec(dllexport) ULONG DbgUiRemoteBreakin(void *context)
{
  if (nano_teb()->ProcessEnvironmentBlock->BeingDebugged)
    nano_try(break_in, context);
  RtlExitUserThread(0);
}

static void raise_record(void *record) { RtlRaiseException(record); }

__declspec(dllexport) void nano_output_debug_string(const char *text)
{
  ULONG64 length = 0;
  while (text[length++])
    ;
  EXCEPTION_RECORD64 record = {.ExceptionCode = DBG_PRINTEXCEPTION_C, .NumberParameters = 2};
  record.ExceptionInformation[0] = length;
  record.ExceptionInformation[1] = (ULONG64)text;
  nano_try(raise_record, &record);
}

__declspec(dllexport) void *memcpy(void *to, const void *from, size_t size)
{
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}

__declspec(dllexport) void *memset(void *to, int value, size_t size)
{
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return result;
}
