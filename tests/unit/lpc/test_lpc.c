/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include "ntos/life/life.h"
#include "ntos/lpc/internal.h"

#include <stdio.h>
#include <string.h>

static dbgksim_machine *machine;
static ULONG handles_before;

static void setup_in(const char *era)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.era = era;
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(machine_enter(machine), DBGKSIM_OK);
  handles_before = ob_handle_count(PsGetCurrentProcess());
}

void lpc_setup(void) { setup_in(NULL); }

void lpc_setup_xp(void) { setup_in("xp"); }

static void count_message(void *context, uint32_t tag, size_t size, void *block)
{
  (void)size, (void)block;
  *(unsigned *)context += tag == POOL_TAG('L', 'p', 'c', 'M');
}

void lpc_teardown(void)
{
  unsigned messages = 0;
  run_for(1);
  ck_assert_int_eq(ke_ended(), KE_RUNNING);
  ck_assert_uint_eq(ob_types()->Port->TotalNumberOfObjects, 0);
  ck_assert_uint_eq(ob_types()->Port->TotalNumberOfHandles, 0);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), handles_before);
  ck_assert_uint_eq(lpc_state()->queued, 0);
  ck_assert(IsListEmpty(&lpc_state()->waits));
  ck_assert_ptr_null(lpc_state()->LpcpLock.Owner);
  pool_walk(machine->pool, count_message, &messages);
  ck_assert_uint_eq(messages, 0);
  machine_leave(machine);
  dbgksim_machine_destroy(machine);
}

dbgksim_machine *lpc_machine(void) { return machine; }

static UNICODE_STRING64 string(const WCHAR *text)
{
  USHORT length = 0;
  while (text[length])
    length++;
  return (UNICODE_STRING64){(USHORT)(2 * length), (USHORT)(2 * length + 2), 0, AT(text)};
}

HANDLE make_port(void)
{
  HANDLE port;
  const UNICODE_STRING64 name = string(TEST_PORT);
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .ObjectName = AT(&name)};
  ck_status(NtCreatePort(AT(&port), AT(&attributes), 64, 256, 0), STATUS_SUCCESS);
  return port;
}

HANDLE make_unnamed_port(ULONG max_message_length)
{
  HANDLE port;
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes};
  ck_status(NtCreatePort(AT(&port), AT(&attributes), 0, max_message_length, 0), STATUS_SUCCESS);
  return port;
}

NTSTATUS connect_to(const WCHAR *text, HANDLE *client)
{
  static const ULONG quality[3] = {12, 2, 1};
  const UNICODE_STRING64 name = string(text);
  return NtConnectPort(AT(client), AT(&name), AT(quality), 0, 0, 0, 0, 0);
}

LPC_MESSAGE message_of(const char *text)
{
  LPC_MESSAGE message;
  memset(&message, 0, sizeof message);
  message.h.DataLength = (USHORT)strlen(text);
  message.h.TotalLength = (USHORT)(HEADER + message.h.DataLength);
  memcpy(message.data, text, message.h.DataLength);
  return message;
}

void is_message(const LPC_MESSAGE *message, unsigned type, const char *text)
{
  ck_assert_uint_eq(message->h.Type, type);
  ck_assert_uint_eq(message->h.DataLength, strlen(text));
  ck_assert_uint_eq(message->h.TotalLength, HEADER + strlen(text));
  ck_assert_mem_eq(message->data, text, strlen(text));
}

LPC_MESSAGE receive(HANDLE port, ULONG64 *context)
{
  LPC_MESSAGE message;
  ck_status(NtReplyWaitReceivePortEx(port, AT(context), 0, AT(&message), MS(1000)), STATUS_SUCCESS);
  return message;
}

void no_message(HANDLE port)
{
  LPC_MESSAGE message;
  ck_status(NtReplyWaitReceivePortEx(port, 0, 0, AT(&message), MS(20)), STATUS_TIMEOUT);
}

HANDLE native_thread(EPROCESS *process, void (*fn)(void *), void *argument)
{
  ETHREAD *thread;
  HANDLE handle;
  ck_status(PsCreateNativeThread(process ? process : machine->host_process, fn, argument, &thread), STATUS_SUCCESS);
  ck_status(ObOpenObjectByPointer(thread, 0, THREAD_ALL_ACCESS, NULL, &handle), STATUS_SUCCESS);
  ObDereferenceObject(thread);
  return handle;
}

void join(HANDLE thread)
{
  ck_status(NtWaitForSingleObject(thread, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(NtClose(thread), STATUS_SUCCESS);
}

void run_for(unsigned milliseconds) { ck_status(NtDelayExecution(FALSE, MS((LONG64)milliseconds)), STATUS_SUCCESS); }

static void connect_thread(void *argument) { ck_status(connect_to(TEST_PORT, argument), STATUS_SUCCESS); }

struct connection connected(void)
{
  struct connection c = {.port = make_port()};
  LPC_MESSAGE request;
  HANDLE thread = native_thread(NULL, connect_thread, &c.client);
  ck_status(NtListenPort(c.port, AT(&request)), STATUS_SUCCESS);
  ck_status(NtAcceptConnectPort(AT(&c.server), 0x1234567, AT(&request), TRUE, 0, 0), STATUS_SUCCESS);
  ck_status(NtCompleteConnectPort(c.server), STATUS_SUCCESS);
  join(thread);
  return c;
}

void disconnect(struct connection *c)
{
  const HANDLE handles[] = {c->client, c->server, c->port};
  for (int i = 0; i < 3; i++)
    if (handles[i])
      ck_status(NtClose(handles[i]), STATUS_SUCCESS);
}

static void request_thread(void *argument)
{
  struct request *r = argument;
  r->status = NtRequestWaitReplyPort(r->port, AT(&r->sent), AT(&r->reply));
}

void start_request(struct request *r, HANDLE port, const char *text)
{
  r->port = port;
  r->sent = message_of(text);
  r->status = STATUS_PENDING;
  r->thread = native_thread(NULL, request_thread, r);
}

int main(void)
{
  Suite *suite = suite_create("lpc");
  suite_add_tcase(suite, connection_tests());
  suite_add_tcase(suite, message_tests());
  suite_add_tcase(suite, xp_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
