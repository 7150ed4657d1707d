/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A debugger inside: it starts g_exit42 under a debug object and follows it to the end (spec/3.3 to 3.5, spec/5 facts
 * 8, 9, 12, 14, 30, 32, 42). */
#include "child.h"

static HANDLE object;
static struct child child;

static BOOLEAN is_child(const DBGUI_WAIT_STATE_CHANGE *event)
{
  return event->AppClientId.UniqueProcess == child.id.UniqueProcess &&
         event->AppClientId.UniqueThread == child.id.UniqueThread;
}

static void objects(void)
{
  ULONG flags = 1, length = 9;
  CHECK_STATUS(NtCreateDebugObject(&object, DEBUG_ALL_ACCESS, NULL, 2), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtCreateDebugObject(&object, DEBUG_ALL_ACCESS, NULL, 0), STATUS_SUCCESS);
  CHECK_STATUS(NtSetInformationDebugObject(object, 1, &flags, 3, &length), STATUS_INFO_LENGTH_MISMATCH);
  CHECK(length == 4);
  CHECK_STATUS(NtSetInformationDebugObject(object, 1, &flags, 4, &length), STATUS_SUCCESS);
  CHECK(length == 0);
  flags = 2;
  CHECK_STATUS(NtSetInformationDebugObject(object, 1, &flags, 4, NULL), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtDebugActiveProcess(NtCurrentProcess, object), STATUS_ACCESS_DENIED);
  /* the handle is waitable; there is nothing yet */
  CHECK_STATUS(NtWaitForSingleObject(object, FALSE, MILLISECONDS(0)), STATUS_TIMEOUT);
}

static void first_event(void)
{
  DBGUI_WAIT_STATE_CHANGE event, next;
  CLIENT_ID wrong;
  expect_state(object, DbgCreateProcessStateChange, &event);
  CHECK(is_child(&event));
  CHECK(event.StateInfo.CreateProcessInfo.HandleToProcess && event.StateInfo.CreateProcessInfo.HandleToThread);
  CHECK(event.StateInfo.CreateProcessInfo.NewProcess.FileHandle);
  CHECK(event.StateInfo.CreateProcessInfo.NewProcess.BaseOfImage);
  CHECK(process_exit_status(event.StateInfo.CreateProcessInfo.HandleToProcess) == STATUS_PENDING);
  CHECK_STATUS(NtClose(event.StateInfo.CreateProcessInfo.NewProcess.FileHandle), STATUS_SUCCESS);
  /* one event of a process is outstanding at a time */
  CHECK_STATUS(NtWaitForDebugEvent(object, FALSE, MILLISECONDS(10), &next), STATUS_TIMEOUT);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, STATUS_SUCCESS), STATUS_INVALID_PARAMETER);
  wrong = event.AppClientId;
  wrong.UniqueThread += 4;
  CHECK_STATUS(NtDebugContinue(object, &wrong, DBG_CONTINUE), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtDebugActiveProcess(child.process, object), STATUS_PORT_ALREADY_SET);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_INVALID_PARAMETER);
}

ULONG start(void *peb)
{
  DBGUI_WAIT_STATE_CHANGE event;
  ULONG64 port = 0;
  ULONG flags = 9;
  (void)peb;
  objects();
  CHECK_STATUS(start_child("g_exit42.exe", object, PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT, &child), STATUS_SUCCESS);
  first_event();
  expect_state(object, DbgLoadDllStateChange, &event);
  CHECK(is_child(&event) && event.StateInfo.LoadDll.BaseOfDll && event.StateInfo.LoadDll.FileHandle);
  CHECK_STATUS(NtClose(event.StateInfo.LoadDll.FileHandle), STATUS_SUCCESS);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
  expect_state(object, DbgBreakpointStateChange, &event);
  CHECK(is_child(&event) && event.StateInfo.Exception.FirstChance);
  CHECK_STATUS(NtQueryInformationProcess(child.process, 7, &port, sizeof(port), NULL), STATUS_SUCCESS);
  CHECK(port == ~0ull);
  CHECK_STATUS(NtQueryInformationProcess(child.process, 0x1F, &flags, sizeof(flags), NULL), STATUS_SUCCESS);
  CHECK(flags == 0);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
  expect_state(object, DbgExitProcessStateChange, &event);
  CHECK(is_child(&event) && event.StateInfo.ExitProcess.ExitStatus == 42);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(child.process, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(process_exit_status(child.process) == 42);
  CHECK_STATUS(NtWaitForDebugEvent(object, FALSE, MILLISECONDS(0), &event), STATUS_TIMEOUT);
  CHECK_STATUS(NtRemoveProcessDebug(child.process, object), STATUS_PORT_NOT_SET);
  return 0;
}
