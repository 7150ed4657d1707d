/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the debugger of fuzz_dispatch does about an event. */
#include "dispatch.h"

#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"

#include <string.h>

#define FLAG_TF 0x100u

static void close_handle(HANDLE handle)
{
  if (handle)
    NtClose(handle);
}

void dispatch_close_handles(const DBGUI_WAIT_STATE_CHANGE *change)
{
  switch (change->NewState) {
  case DbgCreateProcessStateChange:
    close_handle(change->StateInfo.CreateProcessInfo.HandleToProcess);
    close_handle(change->StateInfo.CreateProcessInfo.HandleToThread);
    close_handle(change->StateInfo.CreateProcessInfo.NewProcess.FileHandle);
    break;
  case DbgCreateThreadStateChange:
    close_handle(change->StateInfo.CreateThread.HandleToThread);
    break;
  case DbgLoadDllStateChange:
    close_handle(change->StateInfo.LoadDll.FileHandle);
    break;
  default:
    break;
  }
}

static bool is_exception(const DBGUI_WAIT_STATE_CHANGE *change)
{
  return change->NewState >= DbgExceptionStateChange && change->NewState <= DbgSingleStepStateChange;
}

static void go_on(const DBGUI_WAIT_STATE_CHANGE *change, NTSTATUS status)
{
  NtDebugContinue(dispatch.object, AT(&change->AppClientId), status);
}

static HANDLE open_thread(const DBGUI_WAIT_STATE_CHANGE *change)
{
  ETHREAD *thread;
  HANDLE handle = 0;
  if (!NT_SUCCESS(PsLookupThreadByThreadId(change->AppClientId.UniqueThread, &thread)))
    return 0;
  ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &handle);
  ObDereferenceObject(thread);
  return handle;
}

/* Bytes of the input over the thread's context: n times 2 bytes offset, 1 byte; the flags are the input's too. */
static void overwrite(struct fuzz_input *in, CONTEXT *context)
{
  context->ContextFlags = 0x100000u ^ (ULONG)fuzz_number(in, 4);
  for (unsigned n = fuzz_byte(in) % 32; n && !fuzz_used_up(in); n--) {
    size_t offset = fuzz_number(in, 2) % sizeof *context;
    ((uint8_t *)context)[offset] = fuzz_byte(in);
  }
}

static void change_context(struct fuzz_input *in, const DBGUI_WAIT_STATE_CHANGE *change, unsigned what)
{
  HANDLE thread = open_thread(change);
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  if (thread && NtGetContextThread(thread, AT(&context)) == STATUS_SUCCESS) {
    switch (what) {
    case 0:
      context.Rip += fuzz_byte(in) & 15;
      break;
    case 1:
      context.EFlags |= FLAG_TF;
      break;
    case 2:
      context.Rip = FUZZ_PAGES + fuzz_number(in, 2) % 0x2000;
      break;
    case 3:
      context.Dr0 = FUZZ_PAGES + fuzz_number(in, 2);
      context.Dr7 = 1 | (ULONG64)fuzz_byte(in) << 16;
      break;
    default:
      overwrite(in, &context);
    }
    NtSetContextThread(thread, AT(&context));
  }
  close_handle(thread);
}

static void change_protection(struct fuzz_input *in)
{
  static const ULONG protections[] = {PAGE_NOACCESS,     PAGE_READONLY,          PAGE_READWRITE,
                                      PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_READWRITE | PAGE_GUARD,
                                      PAGE_EXECUTE};
  ULONG64 base = FUZZ_PAGES + 0x1000 * (ULONG64)(fuzz_byte(in) % FUZZ_PAGE_COUNT), size = 0x1000;
  ULONG old, protection = protections[fuzz_byte(in) % (sizeof protections / sizeof protections[0])];
  NtProtectVirtualMemory(dispatch.process_handle, AT(&base), AT(&size), protection, AT(&old));
}

static void start_thread(struct fuzz_input *in)
{
  HANDLE thread = 0;
  ULONG64 start = FUZZ_PAGES + fuzz_number(in, 2) % 0x2000;
  NtCreateThreadEx(AT(&thread), THREAD_ALL_ACCESS, 0, dispatch.process_handle, start, 0, 0, 0, 0, 0, 0);
  close_handle(thread);
}

static void hold_thread(const DBGUI_WAIT_STATE_CHANGE *change, bool resume)
{
  HANDLE thread = open_thread(change);
  ULONG previous;
  if (resume)
    NtResumeThread(thread, AT(&previous));
  else
    NtSuspendThread(thread, AT(&previous));
  close_handle(thread);
}

void dispatch_leave_process(bool detach)
{
  if (detach)
    NtRemoveProcessDebug(dispatch.process_handle, dispatch.object);
  NtClose(dispatch.object);
  dispatch.object = 0;
}

/* One of the changes that the start can make, now to the thread that the event is of. */
static void change(struct fuzz_input *in, const DBGUI_WAIT_STATE_CHANGE *event)
{
  HANDLE thread = open_thread(event);
  if (thread)
    dispatch_change(in, thread);
  close_handle(thread);
}

void dispatch_answer(struct fuzz_input *in, const DBGUI_WAIT_STATE_CHANGE *event)
{
  NTSTATUS status = is_exception(event) ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE;
  uint8_t answer = fuzz_byte(in);
  if (answer & 0x80)
    status = answer & 0x40 ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE;
  switch (answer & 0x1F) {
  case 1:
    status = DBG_CONTINUE;
    break;
  case 2:
    status = DBG_EXCEPTION_HANDLED;
    break;
  case 3:
    status = DBG_REPLY_LATER;
    break;
  case 4:
  case 5:
  case 6:
  case 7:
  case 8:
    change_context(in, event, (answer & 0x1Fu) - 4);
    status = DBG_CONTINUE;
    break;
  case 9:
    dispatch_write_memory(in);
    break;
  case 10:
    change_protection(in);
    break;
  case 11:
    start_thread(in);
    break;
  case 12:
  case 13:
    hold_thread(event, (answer & 1) != 0);
    break;
  case 14:
    NtTerminateProcess(dispatch.process_handle, 5);
    break;
  case 15:
    status = DBG_TERMINATE_PROCESS;
    break;
  case 16:
  case 17:
    dispatch_leave_process((answer & 1) != 0);
    return;
  case 18:
  case 19:
    change(in, event);
    status = answer & 1 ? DBG_CONTINUE : status;
    break;
  default:
    break;
  }
  go_on(event, status);
  if (dispatch.leaves)
    dispatch_leave_process(true);
}
