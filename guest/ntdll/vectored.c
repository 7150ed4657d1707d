/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectored exception and continue handlers. */
#include "ntdllp.h"

#define HANDLERS 64

/* An array: a handler may be added before there is a heap. */
typedef struct {
  PVECTORED_EXCEPTION_HANDLER Routine[HANDLERS];
  ULONG Count;
} HANDLER_LIST;

static HANDLER_LIST exception_handlers, continue_handlers;
static volatile LONG handler_lock;

static void lock_handlers(void)
{
  while (__atomic_exchange_n(&handler_lock, 1, __ATOMIC_ACQUIRE))
    NtYieldExecution();
}

static void unlock_handlers(void) { __atomic_store_n(&handler_lock, 0, __ATOMIC_RELEASE); }

static PVOID add_handler(HANDLER_LIST *list, ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
  PVOID result = NULL;
  lock_handlers();
  if (list->Count < HANDLERS) {
    ULONG at = list->Count++;
    if (first)
      for (; at > 0; at--)
        list->Routine[at] = list->Routine[at - 1];
    list->Routine[at] = handler;
    result = (PVOID)handler;
  }
  unlock_handlers();
  return result;
}

static ULONG remove_handler(HANDLER_LIST *list, PVOID handle)
{
  ULONG found = 0;
  lock_handlers();
  for (ULONG i = 0; i < list->Count; i++) {
    if (!found && (PVOID)list->Routine[i] == handle)
      found = 1;
    if (found && i + 1 < list->Count)
      list->Routine[i] = list->Routine[i + 1];
  }
  list->Count -= found;
  unlock_handlers();
  return found;
}

PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler)
{
  return add_handler(&exception_handlers, First, Handler);
}

PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, PVECTORED_EXCEPTION_HANDLER Handler)
{
  return add_handler(&continue_handlers, First, Handler);
}

ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle) { return remove_handler(&exception_handlers, Handle); }

ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle) { return remove_handler(&continue_handlers, Handle); }

/* Handlers may add and remove handlers, so the list is walked by index and unlocked during the call. */
static BOOLEAN call_handlers(HANDLER_LIST *list, EXCEPTION_POINTERS *pointers)
{
  for (ULONG i = 0; i < list->Count; i++)
    if (list->Routine[i](pointers) == EXCEPTION_CONTINUE_EXECUTION)
      return TRUE;
  return FALSE;
}

BOOLEAN RtlpCallVectoredHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  EXCEPTION_POINTERS pointers = {ExceptionRecord, Context};
  return call_handlers(&exception_handlers, &pointers);
}

void RtlpCallContinueHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  EXCEPTION_POINTERS pointers = {ExceptionRecord, Context};
  call_handlers(&continue_handlers, &pointers);
}
