/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server of an exception port, as csrss is one: it gets the second chances of its children and of its own threads
 * (spec/2.2, spec/5 fact 16). */
#include "child.h"

#define PROCESS_EXCEPTION_PORT 8
#define RAISED ((NTSTATUS)0xE0000002)

struct message { /* DBGKM_APIMSG of an exception */
  PORT_MESSAGE h;
  ULONG ApiNumber;
  NTSTATUS ReturnedStatus;
  DBGKM_EXCEPTION exception;
  UCHAR room[0x100];
};
C_ASSERT_OFFSET(struct message, exception, 0x30);

static HANDLE port;

static void expect_exception(struct message *m, HANDLE process, NTSTATUS code)
{
  CHECK(m->h.Type == LPC_EXCEPTION && m->h.TotalLength == 0xD0 && m->h.DataLength == 0xA8);
  CHECK(m->h.ClientId.UniqueProcess == process);
  CHECK(m->ApiNumber == DbgKmExceptionApi && m->exception.FirstChance == 0);
  CHECK(m->exception.ExceptionRecord.ExceptionCode == code);
}

static void start_raising(struct child *child)
{
  CHECK_STATUS(start_child("g_raise_unhandled.exe", 0, PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT, child), STATUS_SUCCESS);
  CHECK_STATUS(NtSetInformationProcess(child->process, PROCESS_EXCEPTION_PORT, &port, sizeof(port)), STATUS_SUCCESS);
}

static void expect_end(struct child *child, NTSTATUS status)
{
  CHECK_STATUS(NtWaitForSingleObject(child->process, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(process_exit_status(child->process) == status);
}

/* One child goes on behind RtlRaiseException, the other ends; the second answer waits for the next message as well. */
static void children(void)
{
  struct child first, second;
  struct message m;
  start_raising(&first);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  expect_exception(&m, first.id.UniqueProcess, RAISED);
  CHECK(process_exit_status(first.process) == STATUS_PENDING);
  CHECK_STATUS(NtSetInformationProcess(first.process, PROCESS_EXCEPTION_PORT, &port, sizeof(port)),
               STATUS_PORT_ALREADY_SET);
  m.ReturnedStatus = DBG_EXCEPTION_HANDLED;
  CHECK_STATUS(NtReplyPort(port, &m.h), STATUS_SUCCESS);
  expect_end(&first, 1);
  start_raising(&second);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  expect_exception(&m, second.id.UniqueProcess, RAISED);
  m.ReturnedStatus = DBG_EXCEPTION_NOT_HANDLED;
  CHECK_STATUS(NtReplyWaitReceivePortEx(port, NULL, &m.h, &m.h, MILLISECONDS(50)), STATUS_TIMEOUT);
  expect_end(&second, RAISED);
}

static ULONG breaking_thread(void *argument)
{
  DbgBreakPoint();
  return (ULONG)(ULONG64)argument;
}

/* A thread of the server itself: the others are not frozen while it waits. */
static void own_thread(void)
{
  static CONTEXT context;
  struct message m;
  HANDLE thread = create_thread(breaking_thread, (void *)7);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  expect_exception(&m, nano_teb()->ClientId.UniqueProcess, STATUS_BREAKPOINT);
  context.ContextFlags = CONTEXT_CONTROL;
  CHECK_STATUS(NtGetContextThread(thread, &context), STATUS_SUCCESS);
  CHECK(context.Rip == (ULONG64)DbgBreakPoint);
  context.Rip++;
  CHECK_STATUS(NtSetContextThread(thread, &context), STATUS_SUCCESS);
  m.ReturnedStatus = DBG_CONTINUE;
  CHECK_STATUS(NtReplyPort(port, &m.h), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == 7);
}

/* When the server has closed its port, nobody handles anything. */
static void closed_port(void)
{
  struct child waiting, late;
  struct message m;
  start_raising(&waiting);
  start_raising(&late);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(port), STATUS_SUCCESS);
  expect_end(&waiting, RAISED);
  expect_end(&late, RAISED);
}

ULONG start(void *peb)
{
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  HANDLE out = 0;
  (void)peb;
  CHECK_STATUS(NtCreatePort(&port, &attributes, 0, 0x100, 0), STATUS_SUCCESS);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, PROCESS_EXCEPTION_PORT, &port, 7),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, PROCESS_EXCEPTION_PORT, (void *)0x10, sizeof(port)),
               STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, PROCESS_EXCEPTION_PORT, &port, sizeof(port)), STATUS_SUCCESS);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, PROCESS_EXCEPTION_PORT, &port, sizeof(port)),
               STATUS_PORT_ALREADY_SET);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, PROCESS_EXCEPTION_PORT, &out, sizeof(out), NULL),
               STATUS_INVALID_INFO_CLASS);
  children();
  own_thread();
  closed_port();
  return 0;
}
