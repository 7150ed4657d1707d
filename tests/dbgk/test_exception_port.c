/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exception port (spec/2.1 step 8, 2.2; spec/5 facts 16 and 17): a native thread, or nobody, serves it. */
#include "kit.h"

#include "dbgk/internal.h"
#include "ntos/svc/svc_port.h"

#include <string.h>

#define PROCESS_EXCEPTION_PORT_CLASS 8
/* A message as a server gives it room. */
union message {
  PORT_MESSAGE h;
  DBGKM_APIMSG api;
  UCHAR bytes[LPC_MAX_MESSAGE_LENGTH];
};

static HANDLE make_port(ULONG max_message_length)
{
  HANDLE port;
  const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
  ck_status(NtCreatePort(AT(&port), AT(&unnamed), 0, max_message_length, 0), STATUS_SUCCESS);
  return port;
}

static NTSTATUS set_port(HANDLE process, HANDLE port)
{
  return NtSetInformationProcess(process, PROCESS_EXCEPTION_PORT_CLASS, AT(&port), sizeof port);
}

/* A process that loops, with an exception port. */
static struct debuggee served(HANDLE port)
{
  struct debuggee d = spinning();
  ck_status(set_port(d.process, port), STATUS_SUCCESS);
  return d;
}

/* A thread of a process that meets an INT3 which nothing in it handles. */
static HANDLE faulting_thread(const struct debuggee *d)
{
  return remote_thread(d, export_address("DbgBreakPoint"), 0, 0);
}

static void receive(HANDLE port, union message *message)
{
  memset(message, 0xEE, sizeof *message);
  ck_status(NtReplyWaitReceivePortEx(port, 0, 0, AT(message), MS(1000)), STATUS_SUCCESS);
}

static void no_message(HANDLE port)
{
  union message message;
  ck_status(NtReplyWaitReceivePortEx(port, 0, 0, AT(&message), MS(20)), STATUS_TIMEOUT);
}

static NTSTATUS reply_status(HANDLE port, union message *message, NTSTATUS status)
{
  message->api.ReturnedStatus = status;
  return NtReplyPort(port, AT(message));
}

static ULONG64 executed(HANDLE thread) { return thread_of(thread)->Tcb.CycleTime; }

static void is_breakpoint_of(const union message *message, HANDLE thread)
{
  ETHREAD *sender = thread_of(thread);
  ck_assert_uint_eq(message->h.Type, LPC_EXCEPTION);
  ck_assert_uint_eq(message->h.DataLength, 0xA8);
  ck_assert_uint_eq(message->h.TotalLength, 0xD0);
  ck_assert_uint_eq(message->h.DataInfoOffset, 0);
  ck_assert_uint_eq(message->h.ClientId.UniqueProcess, sender->Cid.UniqueProcess);
  ck_assert_uint_eq(message->h.ClientId.UniqueThread, sender->Cid.UniqueThread);
  ck_assert_uint_ne(message->h.MessageId, 0);
  ck_assert_uint_eq(message->api.ApiNumber, DbgKmExceptionApi);
  ck_assert_int_eq(message->api.ReturnedStatus, STATUS_PENDING);
  const DBGKM_EXCEPTION *e = &message->api.u.Exception;
  ck_assert_int_eq(e->ExceptionRecord.ExceptionCode, STATUS_BREAKPOINT);
  ck_assert_uint_eq(e->ExceptionRecord.ExceptionAddress, export_address("DbgBreakPoint"));
  ck_assert_uint_eq(e->FirstChance, 0);
  /* no byte behind the message is written */
  ck_assert_uint_eq(message->bytes[0xD0], 0xEE);
}

START_TEST(fact_16_debugger_then_exception_port_then_the_end)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH), object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = served(port);
  attach(object, &d);
  HANDLE thread = faulting_thread(&d);
  pass(object, DbgCreateThreadStateChange);
  for (int chance = 1; chance >= 0; chance--) {
    DBGUI_WAIT_STATE_CHANGE change = next(object, DbgBreakpointStateChange);
    ck_assert_uint_eq(change.StateInfo.Exception.FirstChance, (ULONG)chance);
    no_message(port);
    answer(object, &change, DBG_EXCEPTION_NOT_HANDLED);
  }
  nothing(object);
  receive(port, &message);
  is_breakpoint_of(&message, thread);
  ck_assert_int_eq(process_of(d.process)->fault_status, STATUS_BREAKPOINT);
  ck_status(reply_status(port, &message, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgExitThreadStateChange);
  ck_assert_int_eq(change.StateInfo.ExitThread.ExitStatus, STATUS_BREAKPOINT);
  answer(object, &change, DBG_CONTINUE);
  change = next(object, DbgExitProcessStateChange);
  ck_assert_int_eq(change.StateInfo.ExitProcess.ExitStatus, STATUS_BREAKPOINT);
  answer(object, &change, DBG_CONTINUE);
  no_message(port);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* A debugger that handles the second chance leaves nothing for the port. */
START_TEST(fact_17_the_debugger_goes_before_the_port)
{
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH), object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = served(port);
  attach(object, &d);
  HANDLE thread = faulting_thread(&d);
  pass(object, DbgCreateThreadStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgBreakpointStateChange);
  answer(object, &change, DBG_EXCEPTION_NOT_HANDLED);
  change = next(object, DbgBreakpointStateChange);
  ck_assert_uint_eq(change.StateInfo.Exception.FirstChance, 0);
  answer(object, &change, DBG_CONTINUE);
  /* the INT3 is met again */
  change = next(object, DbgBreakpointStateChange);
  ck_assert_uint_eq(change.StateInfo.Exception.FirstChance, 1);
  no_message(port);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

static const struct {
  NTSTATUS status;
  bool handled;
} answers[] = {
    {DBG_EXCEPTION_HANDLED, true}, {DBG_CONTINUE, true},
    {STATUS_SUCCESS, true},        {DBG_REPLY_LATER, true},
    {STATUS_PENDING, true},        {DBG_EXCEPTION_NOT_HANDLED, false},
    {STATUS_UNSUCCESSFUL, false},  {STATUS_ACCESS_VIOLATION, false},
    {STATUS_BREAKPOINT, false},
};

/* spec/2.2: handled if ReturnedStatus is no error. The thread goes on in its frame: it meets the INT3 again. */
START_TEST(returned_status_decides)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  for (int n = 0; n < 3; n++) {
    receive(port, &message);
    is_breakpoint_of(&message, thread);
    ck_status(reply_status(port, &message, answers[_i].status), STATUS_SUCCESS);
    if (!answers[_i].handled)
      break;
  }
  if (answers[_i].handled) {
    receive(port, &message);
    ck_status(reply_status(port, &message, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  }
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* A server that repairs the thread before it answers. */
START_TEST(server_changes_the_context)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
  receive(port, &message);
  ck_status(NtGetContextThread(thread, AT(&context)), STATUS_SUCCESS);
  ck_assert_uint_eq(context.Rip, export_address("DbgBreakPoint"));
  context.Rip++;
  ck_status(NtSetContextThread(thread, AT(&context)), STATUS_SUCCESS);
  ck_status(reply_status(port, &message, DBG_CONTINUE), STATUS_SUCCESS);
  join(thread);
  no_message(port);
  end(&d);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* Lengths of replies that do not reach ReturnedStatus: nobody has said that it is handled. */
START_TEST(a_reply_without_a_status_is_not_handled)
{
  static const USHORT data[] = {0, 4, 7};
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  receive(port, &message);
  message.h.DataLength = data[_i];
  message.h.TotalLength = (USHORT)(sizeof message.h + data[_i]);
  ck_status(reply_status(port, &message, DBG_CONTINUE), STATUS_SUCCESS);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* The message has 0xD0 bytes; a port for shorter ones does not get it. */
START_TEST(the_port_must_be_wide_enough)
{
  HANDLE narrow = make_port(0xCF), wide = make_port(0xD0);
  union message message;
  struct debuggee d = served(narrow);
  HANDLE thread = faulting_thread(&d);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  no_message(narrow);
  d = served(wide);
  thread = faulting_thread(&d);
  receive(wide, &message);
  ck_status(reply_status(wide, &message, STATUS_UNSUCCESSFUL), STATUS_SUCCESS);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(narrow), STATUS_SUCCESS);
  ck_status(NtClose(wide), STATUS_SUCCESS);
}
END_TEST

/* Fact 31 is about the debug port: a hidden thread has the exception port still. */
START_TEST(a_hidden_thread_has_the_exception_port)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH), object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = served(port);
  attach(object, &d);
  HANDLE thread = remote_thread(&d, export_address("DbgBreakPoint"), 0, THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER);
  receive(port, &message);
  is_breakpoint_of(&message, thread);
  nothing(object);
  ck_status(reply_status(port, &message, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  pass(object, DbgExitProcessStateChange);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* The other threads run while the server thinks, unlike under a debugger; each may send, and is answered in any
 * order. */
START_TEST(the_process_is_not_frozen_meanwhile)
{
  union message messages[3];
  HANDLE threads[3], port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  for (int i = 0; i < 3; i++)
    threads[i] = faulting_thread(&d);
  for (int i = 0; i < 3; i++) {
    receive(port, &messages[i]);
    is_breakpoint_of(&messages[i], threads[i]);
  }
  ck_assert_int_eq(process_of(d.process)->Pcb.FreezeCount, 0);
  ULONG64 before = executed(d.thread);
  run_for(20);
  ck_assert_uint_gt(executed(d.thread), before);
  /* answered twice: the INT3 is met again, with a new id */
  ULONG id = messages[1].h.MessageId;
  ck_status(reply_status(port, &messages[1], DBG_CONTINUE), STATUS_SUCCESS);
  ck_status(reply_status(port, &messages[1], DBG_CONTINUE), STATUS_REPLY_MESSAGE_MISMATCH);
  receive(port, &messages[1]);
  is_breakpoint_of(&messages[1], threads[1]);
  ck_assert_uint_ne(messages[1].h.MessageId, id);
  /* ids of one message with the thread of another */
  union message mixed = messages[0];
  mixed.h.ClientId = messages[2].h.ClientId;
  ck_status(reply_status(port, &mixed, DBG_CONTINUE), STATUS_REPLY_MESSAGE_MISMATCH);
  ck_status(reply_status(port, &messages[2], DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  for (int i = 0; i < 3; i++)
    join(threads[i]);
  ended(&d, STATUS_BREAKPOINT);
  /* they were taken out of their waits */
  for (int i = 0; i < 2; i++)
    ck_status(reply_status(port, &messages[i], DBG_CONTINUE), STATUS_INVALID_CID);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

enum closing { CLOSED_BEFORE, CLOSED_WHILE_QUEUED, CLOSED_WHILE_HANDLED, CLOSINGS };

/* A server that goes, at each moment: not handled, never a hang. */
START_TEST(a_closed_port_is_not_handled)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  if (_i == CLOSED_BEFORE)
    ck_status(NtClose(port), STATUS_SUCCESS);
  HANDLE thread = faulting_thread(&d);
  if (_i == CLOSED_WHILE_QUEUED)
    run_for(20);
  if (_i == CLOSED_WHILE_HANDLED)
    receive(port, &message);
  if (_i != CLOSED_BEFORE) {
    ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
    ck_status(NtClose(port), STATUS_SUCCESS);
  }
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
}
END_TEST

/* The last handle may be another process's: the port ends with it. */
START_TEST(the_end_of_the_servers_process)
{
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH), copy;
  struct debuggee server = spinning(), d = served(port);
  ck_status(NtDuplicateObject(NtCurrentProcess(), port, server.process, AT(&copy), 0, 0, DUPLICATE_SAME_ACCESS),
            STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
  HANDLE thread = faulting_thread(&d);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  end(&server);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
}
END_TEST

/* A thread that waits for a server which never answers can be ended: its process by itself, or a debugger by closing
 * its object. */
START_TEST(a_waiting_process_can_be_terminated)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  if (_i)
    receive(port, &message);
  else
    run_for(20);
  ck_status(NtTerminateProcess(d.process, 0x77), STATUS_SUCCESS);
  join(thread);
  ended(&d, 0x77);
  if (_i)
    ck_status(reply_status(port, &message, DBG_CONTINUE), STATUS_INVALID_CID);
  /* a request that nobody waits for any more is not received */
  no_message(port);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_waiting_thread_can_be_terminated_alone)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  receive(port, &message);
  ck_status(NtTerminateThread(thread, 5), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(thread, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_assert_int_eq(thread_of(thread)->ExitStatus, 5);
  /* its id is known as long as its object is */
  ck_status(reply_status(port, &message, DBG_CONTINUE), STATUS_REPLY_MESSAGE_MISMATCH);
  join(thread);
  run_for(1);
  ck_status(reply_status(port, &message, DBG_CONTINUE), STATUS_INVALID_CID);
  ULONG64 before = executed(d.thread);
  run_for(20);
  ck_assert_uint_gt(executed(d.thread), before);
  end(&d);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* The wait is one of user mode: a suspended thread takes the answer when it is resumed. */
START_TEST(a_suspended_thread_takes_the_answer_later)
{
  union message message;
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee d = served(port);
  HANDLE thread = faulting_thread(&d);
  receive(port, &message);
  ck_status(NtSuspendThread(thread, 0), STATUS_SUCCESS);
  ck_status(reply_status(port, &message, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(20)), STATUS_TIMEOUT);
  ck_status(NtResumeThread(thread, 0), STATUS_SUCCESS);
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* On Windows csrss gives each process its port, which fails for one that has a port already. */
START_TEST(children_do_not_inherit_the_port)
{
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  struct debuggee parent = served(port);
  struct debuggee child = start("g_int3_unhandled", 0, 0, process_of(parent.process));
  ended(&child, STATUS_BREAKPOINT);
  no_message(port);
  child = start("g_spin", 0, 0, process_of(parent.process));
  ck_status(set_port(child.process, port), STATUS_SUCCESS);
  ck_status(set_port(child.process, port), STATUS_PORT_ALREADY_SET);
  end(&child);
  end(&parent);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

static HANDLE process_handle(const struct debuggee *d, ACCESS_MASK access)
{
  HANDLE handle;
  ck_status(ObOpenObjectByPointer(process_of(d->process), 0, access, NULL, &handle), STATUS_SUCCESS);
  return handle;
}

START_TEST(setting_the_port)
{
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH), event, handle;
  struct {
    HANDLE port;
    ULONG flags, reserved;
  } with_flags = {port, 1, 0};
  ULONG64 out = 0;
  struct debuggee d = spinning();
  for (ULONG length = 0; length <= 20; length++)
    if (length != 8 && length != 16)
      ck_status(NtSetInformationProcess(d.process, 8, AT(&with_flags), length), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtSetInformationProcess(d.process, 8, AT(&with_flags), 16), STATUS_INVALID_PARAMETER);
  ck_status(set_port(d.process, 0), STATUS_INVALID_HANDLE);
  ck_status(set_port(d.process, 0xDEAD0), STATUS_INVALID_HANDLE);
  ck_status(NtCreateEvent(AT(&event), EVENT_ALL_ACCESS, 0, 0, FALSE), STATUS_SUCCESS);
  ck_status(set_port(d.process, event), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(set_port(event, port), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtClose(event), STATUS_SUCCESS);
  /* the right is PROCESS_SET_PORT, no other */
  handle = process_handle(&d, PROCESS_ALL_ACCESS & ~PROCESS_SET_PORT);
  ck_status(set_port(handle, port), STATUS_ACCESS_DENIED);
  ck_status(NtClose(handle), STATUS_SUCCESS);
  ck_assert_ptr_null(process_of(d.process)->ExceptionPort);
  handle = process_handle(&d, PROCESS_SET_PORT);
  ck_status(set_port(handle, port), STATUS_SUCCESS);
  ck_status(set_port(handle, port), STATUS_PORT_ALREADY_SET);
  ck_status(NtClose(handle), STATUS_SUCCESS);
  ck_assert_ptr_nonnull(process_of(d.process)->ExceptionPort);
  /* it cannot be asked for, nor can host code have one */
  ck_status(NtQueryInformationProcess(d.process, 8, AT(&out), sizeof out, 0), STATUS_INVALID_INFO_CLASS);
  ck_status(set_port(NtCurrentProcess(), port), STATUS_ACCESS_DENIED);
  ck_status(NtTerminateProcess(d.process, 3), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(set_port(d.process, port), STATUS_PROCESS_IS_TERMINATING);
  ck_assert_ptr_null(process_of(d.process)->ExceptionPort);
  ended(&d, 3);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(the_second_form_has_flags)
{
  HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
  const struct {
    HANDLE port;
    ULONG flags, reserved;
  } in = {port, 0, 0};
  struct debuggee d = spinning();
  ck_status(NtSetInformationProcess(d.process, 8, AT(&in), sizeof in), STATUS_SUCCESS);
  ck_assert_ptr_nonnull(process_of(d.process)->ExceptionPort);
  end(&d);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* ---- a connected port ---- */

struct connection {
  HANDLE client, client_thread;
};

#define PORT_NAME u"\\RPC Control\\exceptions"

static void connect(void *argument)
{
  struct connection *c = argument;
  const UNICODE_STRING64 name = {sizeof PORT_NAME - 2, sizeof PORT_NAME, 0, AT(PORT_NAME)};
  const ULONG quality[3] = {12, 2, 1};
  ck_status(NtConnectPort(AT(&c->client), AT(&name), AT(quality), 0, 0, 0, 0, 0), STATUS_SUCCESS);
}

/* An exception port may be the client's end of a connection: the message comes with the server's context. */
START_TEST(a_connected_port_as_exception_port)
{
  const UNICODE_STRING64 name = {sizeof PORT_NAME - 2, sizeof PORT_NAME, 0, AT(PORT_NAME)};
  const OBJECT_ATTRIBUTES64 named = {.Length = sizeof named, .ObjectName = AT(&name)};
  union message message;
  struct connection c;
  HANDLE port, server;
  ULONG64 context = 0;
  ck_status(NtCreatePort(AT(&port), AT(&named), 0, LPC_MAX_MESSAGE_LENGTH, 0), STATUS_SUCCESS);
  c.client_thread = native_thread(connect, &c);
  ck_status(NtListenPort(port, AT(&message)), STATUS_SUCCESS);
  ck_status(NtAcceptConnectPort(AT(&server), 0x1234567, AT(&message), TRUE, 0, 0), STATUS_SUCCESS);
  ck_status(NtCompleteConnectPort(server), STATUS_SUCCESS);
  join(c.client_thread);
  struct debuggee d = served(c.client);
  /* the process keeps its end open */
  ck_status(NtClose(c.client), STATUS_SUCCESS);
  HANDLE thread = faulting_thread(&d);
  ck_status(NtReplyWaitReceivePortEx(port, AT(&context), 0, AT(&message), MS(1000)), STATUS_SUCCESS);
  ck_assert_uint_eq(message.h.Type, LPC_EXCEPTION);
  ck_assert_uint_eq(context, 0x1234567);
  if (_i) {
    /* the server's end goes: the reply is lost */
    ck_status(NtClose(server), STATUS_SUCCESS);
  } else {
    ck_status(reply_status(server, &message, DBG_EXCEPTION_NOT_HANDLED), STATUS_SUCCESS);
  }
  join(thread);
  ended(&d, STATUS_BREAKPOINT);
  if (!_i) {
    /* and the end of the process is the end of the client's port */
    receive(port, &message);
    ck_assert_uint_eq(message.h.Type, LPC_PORT_CLOSED);
    ck_status(NtClose(server), STATUS_SUCCESS);
  }
  no_message(port);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* ---- the server's end against the send ---- */

static void close_port(void *argument)
{
  ck_status(NtClose(*(HANDLE *)argument), STATUS_SUCCESS);
  run_for(10);
}

/* Whenever the port is closed, the process ends; nobody waits for ever. */
START_TEST(closing_against_sending)
{
  unsigned most = 0;
  for (unsigned at = 0; at <= most; at++) {
    HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
    struct debuggee d = served(port);
    HANDLE thread = remote_thread(&d, export_address("DbgBreakPoint"), 0, THREAD_CREATE_FLAGS_CREATE_SUSPENDED);
    HANDLE rival = native_thread(close_port, &port);
    preempt_at(at, thread, rival);
    ck_status(NtResumeThread(thread, 0), STATUS_SUCCESS);
    NTSTATUS status = NtWaitForSingleObject(d.process, FALSE, MS(1000));
    unsigned choices = preempt_end();
    ck_assert_msg(status == STATUS_SUCCESS, "closed at choice %u: the process does not end", at);
    if (choices > most)
      most = choices;
    ck_assert_uint_lt(most, 1000);
    join(rival);
    join(thread);
    ended(&d, STATUS_BREAKPOINT);
  }
  ck_assert_uint_gt(most, 1);
}
END_TEST

struct ending {
  HANDLE process;
  NTSTATUS status;
};

static void terminate(void *argument)
{
  struct ending *e = argument;
  e->status = NtTerminateProcess(e->process, 0x55);
  run_for(10);
}

/* A termination against the send: the process ends with the one code or the other. */
START_TEST(terminating_against_sending)
{
  unsigned most = 0;
  for (unsigned at = 0; at <= most; at++) {
    HANDLE port = make_port(LPC_MAX_MESSAGE_LENGTH);
    struct debuggee d = served(port);
    struct ending e = {.process = d.process};
    HANDLE thread = remote_thread(&d, export_address("DbgBreakPoint"), 0, THREAD_CREATE_FLAGS_CREATE_SUSPENDED);
    HANDLE rival = native_thread(terminate, &e);
    preempt_at(at, thread, rival);
    ck_status(NtResumeThread(thread, 0), STATUS_SUCCESS);
    NTSTATUS status = NtWaitForSingleObject(d.process, FALSE, MS(1000));
    unsigned choices = preempt_end();
    ck_assert_msg(status == STATUS_SUCCESS, "terminated at choice %u: the process does not end", at);
    if (choices > most)
      most = choices;
    ck_assert_uint_lt(most, 1000);
    join(rival);
    join(thread);
    ck_status(e.status, STATUS_SUCCESS);
    ended(&d, 0x55);
    no_message(port);
    ck_status(NtClose(port), STATUS_SUCCESS);
  }
  ck_assert_uint_gt(most, 1);
}
END_TEST

TCase *exception_port_case(void)
{
  TCase *tests = kit_case("exception port");
  tcase_add_test(tests, fact_16_debugger_then_exception_port_then_the_end);
  tcase_add_test(tests, fact_17_the_debugger_goes_before_the_port);
  tcase_add_loop_test(tests, returned_status_decides, 0, (int)(sizeof answers / sizeof answers[0]));
  tcase_add_test(tests, server_changes_the_context);
  tcase_add_loop_test(tests, a_reply_without_a_status_is_not_handled, 0, 3);
  tcase_add_test(tests, the_port_must_be_wide_enough);
  tcase_add_test(tests, a_hidden_thread_has_the_exception_port);
  tcase_add_test(tests, the_process_is_not_frozen_meanwhile);
  tcase_add_loop_test(tests, a_closed_port_is_not_handled, 0, CLOSINGS);
  tcase_add_test(tests, the_end_of_the_servers_process);
  tcase_add_loop_test(tests, a_waiting_process_can_be_terminated, 0, 2);
  tcase_add_test(tests, a_waiting_thread_can_be_terminated_alone);
  tcase_add_test(tests, a_suspended_thread_takes_the_answer_later);
  tcase_add_test(tests, children_do_not_inherit_the_port);
  tcase_add_test(tests, setting_the_port);
  tcase_add_test(tests, the_second_form_has_flags);
  tcase_add_loop_test(tests, a_connected_port_as_exception_port, 0, 2);
  tcase_add_test(tests, closing_against_sending);
  tcase_add_test(tests, terminating_against_sending);
  return tests;
}
