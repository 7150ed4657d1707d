/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectored exception and continue handlers. */
#include "ntdllp.h"

typedef struct {
  LIST_ENTRY Links;
  PVECTORED_EXCEPTION_HANDLER Routine;
  ULONG References; /**< one while it is registered, one for each call that is under way; under handler_lock */
  BOOLEAN Removed;
} HANDLER;

static LIST_ENTRY exception_handlers, continue_handlers;
static volatile LONG handler_lock;

static void lock_handlers(void)
{
  while (__atomic_exchange_n(&handler_lock, 1, __ATOMIC_ACQUIRE))
    NtYieldExecution();
}

static void unlock_handlers(void) { __atomic_store_n(&handler_lock, 0, __ATOMIC_RELEASE); }

/* A list is a ring from its first handler on. */
static void insert(LIST_ENTRY *list, BOOLEAN first, LIST_ENTRY *entry)
{
  if (!list->Flink)
    list->Flink = list->Blink = list;
  LIST_ENTRY *before = first ? list : list->Blink;
  entry->Flink = before->Flink;
  entry->Blink = before;
  before->Flink->Blink = entry;
  before->Flink = entry;
}

static PVOID add_handler(LIST_ENTRY *list, ULONG first, PVECTORED_EXCEPTION_HANDLER routine)
{
  HANDLER *handler = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, sizeof *handler);
  if (!handler)
    return NULL;
  handler->Routine = routine;
  handler->References = 1;
  handler->Removed = FALSE;
  lock_handlers();
  insert(list, first != 0, &handler->Links);
  unlock_handlers();
  return handler;
}

/* Takes a reference back, and the handler off its list with the last; TRUE: the caller frees it outside of the lock. */
static BOOLEAN release(HANDLER *handler)
{
  if (--handler->References)
    return FALSE;
  handler->Links.Blink->Flink = handler->Links.Flink;
  handler->Links.Flink->Blink = handler->Links.Blink;
  return TRUE;
}

static ULONG remove_handler(LIST_ENTRY *list, PVOID handle)
{
  HANDLER *found = NULL;
  BOOLEAN last = FALSE;
  lock_handlers();
  for (LIST_ENTRY *e = list->Flink; e && e != list && !found; e = e->Flink)
    if (e == handle && !((HANDLER *)e)->Removed)
      found = (HANDLER *)e;
  if (found) {
    found->Removed = TRUE;
    last = release(found);
  }
  unlock_handlers();
  if (last)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, found);
  return found != NULL;
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

/* The handler behind `from` (NULL: the first) that is still registered, referenced; `from` loses its reference. */
static HANDLER *next_handler(LIST_ENTRY *list, HANDLER *from)
{
  HANDLER *next = NULL;
  BOOLEAN last = FALSE;
  lock_handlers();
  for (LIST_ENTRY *e = from ? from->Links.Flink : list->Flink; e != list && !next; e = e->Flink)
    if (!((HANDLER *)e)->Removed)
      next = (HANDLER *)e;
  if (next)
    next->References++;
  if (from)
    last = release(from);
  unlock_handlers();
  if (last)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, from);
  return next;
}

/* Handlers may add and remove handlers, themselves too: the lock is free during a call. */
static BOOLEAN call_handlers(LIST_ENTRY *list, EXCEPTION_RECORD *record, CONTEXT *context)
{
  EXCEPTION_POINTERS pointers = {record, context};
  BOOLEAN continued = FALSE;
  if (!list->Flink || list->Flink == list)
    return FALSE;
  HANDLER *handler = next_handler(list, NULL);
  while (handler && !continued) {
    continued = handler->Routine(&pointers) == EXCEPTION_CONTINUE_EXECUTION;
    if (!continued)
      handler = next_handler(list, handler);
  }
  if (!handler)
    return continued;
  lock_handlers();
  BOOLEAN last = release(handler);
  unlock_handlers();
  if (last)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, handler);
  return continued;
}

BOOLEAN RtlpCallVectoredHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  return call_handlers(&exception_handlers, ExceptionRecord, Context);
}

void RtlpCallContinueHandlers(EXCEPTION_RECORD *ExceptionRecord, CONTEXT *Context)
{
  call_handlers(&continue_handlers, ExceptionRecord, Context);
}
