/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports between two threads, and what they answer to pointers that are no good. */
#include "nano.h"

#define PORT_NAME u"\\RPC Control\\g_port"
#define LIMIT 128

struct message {
  PORT_MESSAGE h;
  ULONG data[16];
};

static HANDLE port, client;
static NTSTATUS connected, requested;
static ULONG max_message_length;
static UNICODE_STRING64 name = {sizeof(PORT_NAME) - 2, sizeof(PORT_NAME), 0, 0};
static ULONG quality[3] = {12, 2, 1};

static void set_length(struct message *m, ULONG bytes)
{
  m->h = (PORT_MESSAGE){.DataLength = (USHORT)bytes, .TotalLength = (USHORT)(sizeof(m->h) + bytes)};
}

static ULONG client_thread(void *argument)
{
  struct message m;
  (void)argument;
  connected = NtConnectPort(&client, &name, quality, NULL, NULL, &max_message_length, NULL, NULL);
  set_length(&m, 8);
  m.data[0] = 40;
  m.data[1] = 2;
  requested = NtRequestWaitReplyPort(client, &m.h, &m.h);
  return m.h.Type == LPC_REPLY && m.h.DataLength == 4 ? m.data[0] : 0;
}

static void serve_once(void)
{
  struct message m;
  ULONG64 context = 0;
  HANDLE server = 0, thread = create_thread(client_thread, NULL);
  CHECK_STATUS(NtListenPort(port, &m.h), STATUS_SUCCESS);
  CHECK(m.h.Type == LPC_CONNECTION_REQUEST);
  CHECK_STATUS(NtAcceptConnectPort(&server, 77, &m.h, TRUE, NULL, NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtCompleteConnectPort(server), STATUS_SUCCESS);
  CHECK_STATUS(NtReplyWaitReceivePort(port, &context, NULL, &m.h), STATUS_SUCCESS);
  CHECK(context == 77 && m.h.Type == LPC_REQUEST && m.h.DataLength == 8);
  CHECK(m.h.ClientId.UniqueProcess == nano_teb()->ClientId.UniqueProcess);
  m.data[0] += m.data[1];
  m.h.DataLength = 4;
  CHECK_STATUS(NtReplyWaitReceivePortEx(port, NULL, &m.h, &m.h, MILLISECONDS(20)), STATUS_TIMEOUT);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == 42);
  CHECK(connected == STATUS_SUCCESS && requested == STATUS_SUCCESS && max_message_length == LIMIT);
  CHECK_STATUS(NtClose(client), STATUS_SUCCESS);
  CHECK_STATUS(NtReplyWaitReceivePort(port, &context, NULL, &m.h), STATUS_SUCCESS);
  CHECK(m.h.Type == LPC_PORT_CLOSED && context == 77);
  CHECK_STATUS(NtClose(server), STATUS_SUCCESS);
}

/* Headers that cannot be read or written, for every service. */
static void bad_headers(void)
{
  static const struct {
    ULONG64 address;
    NTSTATUS status;
  } bad[] = {{0, STATUS_ACCESS_VIOLATION},
             {0x10, STATUS_ACCESS_VIOLATION},
             {0x7FFFFFFEFFF0, STATUS_ACCESS_VIOLATION},
             {0x8000000000000000, STATUS_ACCESS_VIOLATION},
             {0xFFFFF80000000000, STATUS_ACCESS_VIOLATION},
             {0xFFFFFFFFFFFFFFFC, STATUS_ACCESS_VIOLATION},
             {0x10001, STATUS_DATATYPE_MISALIGNMENT}};
  struct message m;
  HANDLE handle;
  set_length(&m, 0);
  m.h.MessageId = 1;
  for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    PORT_MESSAGE *at = (PORT_MESSAGE *)bad[i].address;
    CHECK_STATUS(NtRequestPort(port, at), bad[i].status);
    CHECK_STATUS(NtRequestWaitReplyPort(port, at, &m.h), bad[i].status);
    CHECK_STATUS(NtRequestWaitReplyPort(port, &m.h, at), bad[i].status);
    CHECK_STATUS(NtReplyPort(port, at), bad[i].status);
    CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, at), bad[i].status);
    CHECK_STATUS(NtListenPort(port, at), bad[i].status);
    CHECK_STATUS(NtAcceptConnectPort(&handle, 0, at, TRUE, NULL, NULL), bad[i].status);
    if (!at)
      continue;
    CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, at, &m.h), bad[i].status);
    CHECK_STATUS(NtReplyWaitReceivePort(port, (ULONG64 *)at, NULL, &m.h), bad[i].status);
  }
}

/* What is no message's, in NtCreatePort, NtConnectPort and NtAcceptConnectPort. */
static void bad_arguments(void)
{
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  UNICODE_STRING64 odd = {3, 4, 0, (ULONG64)PORT_NAME}, nowhere = {8, 8, 0, 0x10}, here = name;
  struct message m;
  HANDLE handle;
  ULONG length = 0xFFFFFFFF;
  set_length(&m, 0);
  CHECK_STATUS(NtCreatePort(NULL, &attributes, 0, LIMIT, 0), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtCreatePort(&handle, NULL, 0, LIMIT, 0), STATUS_ACCESS_VIOLATION);
  attributes.Length--;
  CHECK_STATUS(NtCreatePort(&handle, &attributes, 0, LIMIT, 0), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtConnectPort(NULL, &here, quality, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtConnectPort(&handle, NULL, quality, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtConnectPort(&handle, &nowhere, quality, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtConnectPort(&handle, &odd, quality, NULL, NULL, NULL, NULL, NULL), STATUS_OBJECT_NAME_INVALID);
  CHECK_STATUS(NtConnectPort(&handle, &here, NULL, NULL, NULL, NULL, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtConnectPort(&handle, &here, quality, NULL, NULL, (ULONG *)0x10, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtConnectPort(&handle, &here, quality, NULL, NULL, NULL, NULL, (ULONG *)0x10), STATUS_ACCESS_VIOLATION);
  /* four gigabytes of connection information */
  CHECK_STATUS(NtConnectPort(&handle, &here, quality, NULL, NULL, NULL, m.data, &length), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtAcceptConnectPort(NULL, 0, &m.h, TRUE, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtAcceptConnectPort(&handle, 0, &m.h, TRUE, NULL, NULL), STATUS_INVALID_CID);
}

/* The header lies at the end of a page, the data where nothing is. */
static void bad_data(void)
{
  UCHAR *pages = allocate(0x2000, PAGE_READWRITE);
  struct message m, *edge = (struct message *)(pages + 0x1000 - sizeof(PORT_MESSAGE));
  ULONG old;
  CHECK(pages && NT_SUCCESS(set_protection(pages + 0x1000, 0x1000, PAGE_NOACCESS, &old)));
  set_length(edge, 8);
  CHECK_STATUS(NtRequestPort(port, &edge->h), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtRequestWaitReplyPort(port, &edge->h, &m.h), STATUS_ACCESS_VIOLATION);
  edge->h.MessageId = 1;
  edge->h.ClientId = nano_teb()->ClientId;
  CHECK_STATUS(NtReplyPort(port, &edge->h), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtAcceptConnectPort(&client, 0, &edge->h, TRUE, NULL, NULL), STATUS_ACCESS_VIOLATION);
  /* a message that does not fit where it is wanted stays the next */
  set_length(&m, 8);
  m.data[0] = 0x1111;
  CHECK_STATUS(NtRequestPort(port, &m.h), STATUS_SUCCESS);
  m.data[0] = 0x2222;
  CHECK_STATUS(NtRequestPort(port, &m.h), STATUS_SUCCESS);
  for (int i = 0; i < 3; i++)
    CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &edge->h), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  CHECK(m.data[0] == 0x1111);
  CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), STATUS_SUCCESS);
  CHECK(m.data[0] == 0x2222);
  CHECK_STATUS(NtReplyWaitReceivePortEx(port, NULL, NULL, &m.h, MILLISECONDS(0)), STATUS_TIMEOUT);
}

static ULONG request_thread(void *argument)
{
  requested = NtRequestWaitReplyPort(port, argument, argument);
  return 0;
}

/* A thread that waits for a reply can be ended; its request is not received afterwards. */
static void end_of_a_client(void)
{
  static struct message m;
  struct message received;
  set_length(&m, 4);
  for (int received_first = 0; received_first < 2; received_first++) {
    HANDLE thread = create_thread(request_thread, &m);
    CHECK_STATUS(NtDelayExecution(FALSE, MILLISECONDS(5)), STATUS_SUCCESS);
    if (received_first)
      CHECK_STATUS(NtReplyWaitReceivePort(port, NULL, NULL, &received.h), STATUS_SUCCESS);
    CHECK_STATUS(NtTerminateThread(thread, 9), STATUS_SUCCESS);
    CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
    CHECK(thread_exit_status(thread) == 9);
    if (received_first)
      CHECK_STATUS(NtReplyPort(port, &received.h), STATUS_REPLY_MESSAGE_MISMATCH);
    CHECK_STATUS(NtReplyWaitReceivePortEx(port, NULL, NULL, &received.h, MILLISECONDS(0)), STATUS_TIMEOUT);
    CHECK_STATUS(NtClose(thread), STATUS_SUCCESS);
  }
}

ULONG start(void *peb)
{
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes), .ObjectName = (ULONG64)&name};
  (void)peb;
  name.Buffer = (ULONG64)PORT_NAME;
  CHECK_STATUS(NtCreatePort(&port, &attributes, 0, LIMIT, 0), STATUS_SUCCESS);
  serve_once();
  bad_headers();
  bad_arguments();
  bad_data();
  end_of_a_client();
  CHECK_STATUS(NtClose(port), STATUS_SUCCESS);
  return 0;
}
