/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State change to debug event: DbgUiConvertStateChangeStructure (spec/4.2). */
#include "client/client.h"

#include "ntos/io/io.h"

#include <string.h>

/** TEB.NtTib.ArbitraryUserPointer. */
#define TEB_ARBITRARY_USER_POINTER 0x28u

static uint64_t teb_of(ULONG64 tid)
{
  ETHREAD *thread;
  if (!NT_SUCCESS(PsLookupThreadByThreadId(tid, &thread)))
    return 0;
  uint64_t teb = thread->Tcb.Teb;
  ObDereferenceObject(thread);
  return teb;
}

static void describe_file(HANDLE handle, struct dbgksim_event *event)
{
  void *body;
  if (!handle)
    return;
  event->has_file = true;
  if (!NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, ob_types()->File, KernelMode, &body, NULL)))
    return;
  const char *path = ((FILE_OBJECT *)body)->path;
  if (path && strncmp(path, "\\??\\", 4) == 0)
    path += 4;
  if (path)
    strncpy(event->file, path, sizeof event->file - 1);
  ObDereferenceObject(body);
}

static void convert_exception(const DBGKM_EXCEPTION *exception, struct dbgksim_event *event)
{
  const EXCEPTION_RECORD64 *record = &exception->ExceptionRecord;
  event->exception = *record;
  event->first_chance = exception->FirstChance != 0;
  switch (record->ExceptionCode) {
  case DBG_PRINTEXCEPTION_C:
    event->code = DBGKSIM_OUTPUT_DEBUG_STRING;
    break;
  case DBG_PRINTEXCEPTION_WIDE_C:
    event->code = DBGKSIM_OUTPUT_DEBUG_STRING;
    event->unicode = true;
    break;
  case DBG_RIPEXCEPTION:
    event->code = DBGKSIM_RIP;
    event->rip_error = (uint32_t)record->ExceptionInformation[0];
    event->rip_type = (uint32_t)record->ExceptionInformation[1];
    return;
  default:
    event->code = DBGKSIM_EXCEPTION;
    return;
  }
  /* nDebugStringLength is a WORD. */
  event->string_length = (uint16_t)record->ExceptionInformation[0];
  event->string_address = record->ExceptionInformation[1];
}

NTSTATUS client_convert(const DBGUI_WAIT_STATE_CHANGE *state, struct dbgksim_event *event)
{
  event->pid = (uint32_t)state->AppClientId.UniqueProcess;
  event->tid = (uint32_t)state->AppClientId.UniqueThread;
  switch (state->NewState) {
  case DbgCreateThreadStateChange:
    event->code = DBGKSIM_CREATE_THREAD;
    event->start_address = state->StateInfo.CreateThread.NewThread.StartAddress;
    event->teb = teb_of(event->tid);
    return STATUS_SUCCESS;
  case DbgCreateProcessStateChange: {
    const DBGKM_CREATE_PROCESS *process = &state->StateInfo.CreateProcessInfo.NewProcess;
    event->code = DBGKSIM_CREATE_PROCESS;
    event->base = process->BaseOfImage;
    event->start_address = process->InitialThread.StartAddress;
    event->teb = teb_of(event->tid);
    event->unicode = true;
    describe_file(process->FileHandle, event);
    return STATUS_SUCCESS;
  }
  case DbgExitThreadStateChange:
    event->code = DBGKSIM_EXIT_THREAD;
    event->exit_code = (uint32_t)state->StateInfo.ExitThread.ExitStatus;
    return STATUS_SUCCESS;
  case DbgExitProcessStateChange:
    event->code = DBGKSIM_EXIT_PROCESS;
    event->exit_code = (uint32_t)state->StateInfo.ExitProcess.ExitStatus;
    return STATUS_SUCCESS;
  case DbgExceptionStateChange:
  case DbgBreakpointStateChange:
  case DbgSingleStepStateChange:
    convert_exception(&state->StateInfo.Exception, event);
    return STATUS_SUCCESS;
  case DbgLoadDllStateChange: {
    uint64_t teb = teb_of(event->tid);
    event->code = DBGKSIM_LOAD_DLL;
    event->base = state->StateInfo.LoadDll.BaseOfDll;
    event->image_name = teb ? teb + TEB_ARBITRARY_USER_POINTER : 0;
    event->unicode = true;
    describe_file(state->StateInfo.LoadDll.FileHandle, event);
    return STATUS_SUCCESS;
  }
  case DbgUnloadDllStateChange:
    event->code = DBGKSIM_UNLOAD_DLL;
    event->base = state->StateInfo.UnloadDll.BaseAddress;
    return STATUS_SUCCESS;
  default:
    return STATUS_UNSUCCESSFUL;
  }
}
