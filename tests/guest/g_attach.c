/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching to a process that runs, breaking in, detaching, and ending it by closing the debug object (spec/3.2, 3.5,
 * spec/5 facts 4, 6, 9, 33). */
#include "child.h"

static void proceed(HANDLE object, DBGUI_WAIT_STATE_CHANGE *event)
{
  CHECK_STATUS(NtDebugContinue(object, &event->AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
}

static UCHAR being_debugged(HANDLE process)
{
  ULONG64 information[6] = {0};
  UCHAR byte = 9;
  CHECK_STATUS(NtQueryInformationProcess(process, 0, information, sizeof(information), NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtReadVirtualMemory(process, (void *)(information[1] + 2), &byte, 1, NULL), STATUS_SUCCESS);
  return byte;
}

static void break_in(HANDLE object, const struct child *child)
{
  DBGUI_WAIT_STATE_CHANGE event;
  HANDLE thread;
  CHECK_STATUS(
      NtCreateThreadEx(&thread, THREAD_ALL_ACCESS, NULL, child->process, DbgUiRemoteBreakin, NULL, 0, 0, 0, 0, NULL),
      STATUS_SUCCESS);
  expect_state(object, DbgCreateThreadStateChange, &event);
  CHECK(event.StateInfo.CreateThread.NewThread.StartAddress == (ULONG64)DbgUiRemoteBreakin);
  proceed(object, &event);
  expect_state(object, DbgBreakpointStateChange, &event);
  CHECK(event.StateInfo.Exception.ExceptionRecord.ExceptionAddress == (ULONG64)DbgBreakPoint);
  CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  expect_state(object, DbgExitThreadStateChange, &event);
  proceed(object, &event);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
}

static void attach(HANDLE object, const struct child *child)
{
  DBGUI_WAIT_STATE_CHANGE event;
  CHECK(!being_debugged(child->process));
  CHECK_STATUS(NtDebugActiveProcess(child->process, object), STATUS_SUCCESS);
  CHECK(being_debugged(child->process));
  CHECK_STATUS(NtDebugActiveProcess(child->process, object), STATUS_PORT_ALREADY_SET);
  expect_state(object, DbgCreateProcessStateChange, &event);
  CHECK(event.AppClientId.UniqueThread == child->id.UniqueThread);
  proceed(object, &event);
  expect_state(object, DbgLoadDllStateChange, &event);
  proceed(object, &event);
  CHECK_STATUS(NtWaitForDebugEvent(object, FALSE, MILLISECONDS(5), &event), STATUS_TIMEOUT);
}

ULONG start(void *peb)
{
  HANDLE object, other;
  struct child child;
  (void)peb;
  CHECK_STATUS(NtCreateDebugObject(&object, DEBUG_ALL_ACCESS, NULL, DEBUG_KILL_ON_CLOSE), STATUS_SUCCESS);
  CHECK_STATUS(NtCreateDebugObject(&other, DEBUG_ALL_ACCESS, NULL, 0), STATUS_SUCCESS);
  CHECK_STATUS(start_child("g_spin.exe", 0, 0, &child), STATUS_SUCCESS);
  CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(50)), STATUS_SUCCESS);
  attach(object, &child);
  break_in(object, &child);
  CHECK_STATUS(NtRemoveProcessDebug(child.process, other), STATUS_PORT_NOT_SET);
  CHECK_STATUS(NtRemoveProcessDebug(child.process, object), STATUS_SUCCESS);
  CHECK(!being_debugged(child.process));
  CHECK_STATUS(NtRemoveProcessDebug(child.process, object), STATUS_PORT_NOT_SET);
  attach(object, &child);
  break_in(object, &child);
  CHECK_STATUS(NtClose(object), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(child.process, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(process_exit_status(child.process) == STATUS_DEBUGGER_INACTIVE);
  return 0;
}
