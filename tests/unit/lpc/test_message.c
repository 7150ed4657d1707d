/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, replies and datagrams. */
#include "fixture.h"

#include "ntos/lpc/internal.h"

#include <string.h>

START_TEST(request_and_reply)
{
  struct connection c = connected();
  struct request r;
  ULONG64 context = 0;
  start_request(&r, c.client, "question");
  LPC_MESSAGE request = receive(c.port, &context);
  is_message(&request, LPC_REQUEST, "question");
  ck_assert_uint_eq(context, 0x1234567);
  ck_assert_uint_eq(request.h.ClientId.UniqueProcess, PsGetCurrentThread()->Cid.UniqueProcess);
  ck_assert_uint_ne(request.h.ClientId.UniqueThread, PsGetCurrentThread()->Cid.UniqueThread);
  LPC_MESSAGE reply = message_of("the answer");
  reply.h.ClientId = request.h.ClientId;
  reply.h.MessageId = request.h.MessageId;
  /* through the server's port or the connection port */
  ck_status(NtReplyPort(_i ? c.server : c.port, AT(&reply)), STATUS_SUCCESS);
  ck_status(NtReplyPort(c.server, AT(&reply)), STATUS_REPLY_MESSAGE_MISMATCH);
  join(r.thread);
  ck_status(r.status, STATUS_SUCCESS);
  is_message(&r.reply, LPC_REPLY, "the answer");
  ck_assert_uint_eq(r.reply.h.MessageId, request.h.MessageId);
  disconnect(&c);
}
END_TEST

/* A server that answers one client and waits for the next in one call. */
START_TEST(reply_and_receive_in_one)
{
  struct connection c = connected();
  struct request first, second;
  start_request(&first, c.client, "1");
  LPC_MESSAGE message = receive(c.port, NULL);
  ULONG id = message.h.MessageId;
  start_request(&second, c.client, "2");
  ck_status(NtReplyWaitReceivePort(c.port, 0, AT(&message), AT(&message)), STATUS_SUCCESS);
  is_message(&message, LPC_REQUEST, "2");
  ck_assert_uint_gt(message.h.MessageId, id);
  join(first.thread);
  ck_status(first.status, STATUS_SUCCESS);
  /* a reply that fails ends the call: nothing is received */
  LPC_MESSAGE wrong = message;
  wrong.h.MessageId = id;
  ck_status(NtReplyWaitReceivePort(c.port, 0, AT(&wrong), AT(&message)), STATUS_REPLY_MESSAGE_MISMATCH);
  ck_status(NtReplyWaitReceivePortEx(c.port, 0, AT(&message), AT(&message), MS(0)), STATUS_TIMEOUT);
  join(second.thread);
  ck_status(second.status, STATUS_SUCCESS);
  is_message(&second.reply, LPC_REPLY, "2");
  disconnect(&c);
}
END_TEST

/* Messages of a server queue at the client's own port. */
START_TEST(requests_of_the_server)
{
  struct connection c = connected();
  struct request r;
  LPC_MESSAGE datagram = message_of("news");
  ULONG64 context = 99;
  ck_status(NtRequestPort(c.server, AT(&datagram)), STATUS_SUCCESS);
  LPC_MESSAGE message = receive(c.client, &context);
  is_message(&message, LPC_DATAGRAM, "news");
  ck_assert_uint_eq(context, 0);
  start_request(&r, c.server, "what?");
  message = receive(c.client, NULL);
  is_message(&message, LPC_REQUEST, "what?");
  /* not through the connection port's other clients: only by this client */
  ck_status(NtReplyPort(c.client, AT(&message)), STATUS_SUCCESS);
  join(r.thread);
  ck_status(r.status, STATUS_SUCCESS);
  no_message(c.port);
  disconnect(&c);
}
END_TEST

START_TEST(datagrams)
{
  struct connection c = connected();
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE datagram = message_of("one"), message;
  ULONG64 context = 0;
  for (int i = 0; i < 3; i++) {
    datagram.data[0] = (UCHAR)('a' + i);
    ck_status(NtRequestPort(c.client, AT(&datagram)), STATUS_SUCCESS);
  }
  for (int i = 0; i < 3; i++) {
    message = receive(c.server, &context);
    ck_assert_uint_eq(message.h.Type, LPC_DATAGRAM);
    ck_assert_uint_eq(message.data[0], (unsigned)('a' + i));
    ck_assert_uint_eq(context, 0x1234567);
  }
  /* nobody waits for a reply to one */
  ck_status(NtReplyPort(c.server, AT(&message)), STATUS_REPLY_MESSAGE_MISMATCH);
  /* a connection port can be sent to, without a context */
  ck_status(NtRequestPort(port, AT(&datagram)), STATUS_SUCCESS);
  message = receive(port, &context);
  is_message(&message, LPC_DATAGRAM, "cne");
  ck_assert_uint_eq(context, 0);
  /* what nobody receives goes with the ports */
  ck_status(NtRequestPort(port, AT(&datagram)), STATUS_SUCCESS);
  ck_status(NtRequestPort(c.client, AT(&datagram)), STATUS_SUCCESS);
  ck_status(NtRequestPort(c.server, AT(&datagram)), STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
  disconnect(&c);
}
END_TEST

START_TEST(a_port_of_another_connection_does_not_answer)
{
  struct connection c = connected();
  HANDLE other = make_unnamed_port(256);
  struct request r;
  start_request(&r, c.client, "x");
  LPC_MESSAGE request = receive(c.port, NULL);
  ck_status(NtReplyPort(other, AT(&request)), STATUS_REPLY_MESSAGE_MISMATCH);
  ck_status(NtReplyPort(c.server, AT(&request)), STATUS_SUCCESS);
  join(r.thread);
  ck_status(NtClose(other), STATUS_SUCCESS);
  disconnect(&c);
}
END_TEST

static void connect_thread(void *argument)
{
  ck_status(connect_to(TEST_PORT, argument), STATUS_PORT_CONNECTION_REFUSED);
}

/* NtListenPort drops what is no connection request; who waits hears of it. */
START_TEST(listening_drops_requests)
{
  HANDLE port = make_port(), client = 0, server;
  struct request r;
  LPC_MESSAGE datagram = message_of("d"), message;
  start_request(&r, port, "x");
  run_for(5);
  ck_status(NtRequestPort(port, AT(&datagram)), STATUS_SUCCESS);
  HANDLE thread = native_thread(NULL, connect_thread, &client);
  ck_status(NtListenPort(port, AT(&message)), STATUS_SUCCESS);
  is_message(&message, LPC_CONNECTION_REQUEST, "");
  join(r.thread);
  ck_status(r.status, STATUS_LPC_REPLY_LOST);
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&message), FALSE, 0, 0), STATUS_SUCCESS);
  join(thread);
  ck_assert_uint_eq(client, 0);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

static const struct {
  USHORT data, total;
  NTSTATUS status;
} lengths[] = {
    {0, HEADER, STATUS_SUCCESS},
    {4, HEADER + 4, STATUS_SUCCESS},
    {4, HEADER + 8, STATUS_SUCCESS},
    {100 - HEADER, 100, STATUS_SUCCESS},
    {0, 100, STATUS_SUCCESS},
    {0, 101, STATUS_PORT_MESSAGE_TOO_LONG},
    {101 - HEADER, 101, STATUS_PORT_MESSAGE_TOO_LONG},
    {0, 0xFFFF, STATUS_PORT_MESSAGE_TOO_LONG},
    {0xFFFF - HEADER, 0xFFFF, STATUS_PORT_MESSAGE_TOO_LONG},
    {0, 0, STATUS_INVALID_PARAMETER},
    {0, HEADER - 1, STATUS_INVALID_PARAMETER},
    {1, HEADER, STATUS_INVALID_PARAMETER},
    {0xFFFF, 0xFFFF, STATUS_INVALID_PARAMETER},
    {0x8000, 100, STATUS_INVALID_PARAMETER},
};

/* The lengths of every service that takes a message; the port's limit is 100. */
START_TEST(lengths_of_messages)
{
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE message = message_of(""), received;
  struct request r;
  message.h.DataLength = lengths[_i].data;
  message.h.TotalLength = lengths[_i].total;
  ck_status(NtRequestPort(port, AT(&message)), lengths[_i].status);
  if (NT_SUCCESS(lengths[_i].status)) {
    received = receive(port, NULL);
    ck_assert_uint_eq(received.h.DataLength, lengths[_i].data);
    ck_assert_uint_eq(received.h.TotalLength, lengths[_i].total);
  } else {
    ck_status(NtRequestWaitReplyPort(port, AT(&message), AT(&received)), lengths[_i].status);
  }
  start_request(&r, port, "x");
  received = receive(port, NULL);
  message.h.ClientId = received.h.ClientId;
  message.h.MessageId = received.h.MessageId;
  if (!NT_SUCCESS(lengths[_i].status))
    ck_status(NtReplyWaitReceivePort(port, 0, AT(&message), AT(&received)), lengths[_i].status);
  ck_status(NtReplyPort(port, AT(&message)), lengths[_i].status);
  if (!NT_SUCCESS(lengths[_i].status))
    ck_status(NtReplyPort(port, AT(&received)), STATUS_SUCCESS);
  join(r.thread);
  ck_status(r.status, STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(types_of_messages)
{
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE message = message_of("x"), reply;
  struct request r;
  message.h.Type = LPC_REQUEST;
  ck_status(NtRequestWaitReplyPort(port, AT(&message), AT(&reply)), STATUS_NOT_IMPLEMENTED);
  /* user mode does not make the kernel's messages */
  for (USHORT type = LPC_REPLY; type <= LPC_CONNECTION_REQUEST + 1; type++) {
    message.h.Type = type;
    ck_status(NtRequestWaitReplyPort(port, AT(&message), AT(&reply)), STATUS_INVALID_PARAMETER);
    ck_status(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
    reply = receive(port, NULL);
    is_message(&reply, LPC_DATAGRAM, "x");
  }
  message.h.Type = 0;
  message.h.DataInfoOffset = HEADER;
  ck_status(NtRequestPort(port, AT(&message)), STATUS_INVALID_PARAMETER);
  ck_status(NtRequestWaitReplyPort(port, AT(&message), AT(&reply)), STATUS_NOT_IMPLEMENTED);
  /* what user mode says of its ids does not count, but in a reply */
  start_request(&r, port, "y");
  reply = receive(port, NULL);
  LPC_MESSAGE zero = reply;
  zero.h.MessageId = 0;
  ck_status(NtReplyPort(port, AT(&zero)), STATUS_INVALID_PARAMETER);
  zero = reply;
  zero.h.ClientId.UniqueThread = 0;
  ck_status(NtReplyPort(port, AT(&zero)), STATUS_INVALID_CID);
  ck_status(NtReplyPort(port, AT(&reply)), STATUS_SUCCESS);
  join(r.thread);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

/* The next id after the last is 1: 0 is no id. */
START_TEST(message_ids_wrap)
{
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE message = message_of("x");
  lpc_state()->LpcpNextMessageId = 0xFFFFFFFF;
  ck_status(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
  ck_status(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
  ck_assert_uint_eq(receive(port, NULL).h.MessageId, 0xFFFFFFFF);
  ck_assert_uint_eq(receive(port, NULL).h.MessageId, 1);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_port_that_nobody_empties)
{
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE message = message_of("x");
  for (unsigned i = 0; i < LPC_MAX_QUEUED; i++)
    ck_assert_int_eq(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
  ck_status(NtRequestPort(port, AT(&message)), STATUS_NO_MEMORY);
  ck_status(NtRequestWaitReplyPort(port, AT(&message), AT(&message)), STATUS_NO_MEMORY);
  receive(port, NULL);
  ck_status(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(handles_that_are_no_ports)
{
  LPC_MESSAGE message = message_of("x");
  HANDLE event, handles[2] = {0, 0xDEAD0};
  message.h.MessageId = 1;
  ck_status(NtCreateEvent(AT(&event), EVENT_ALL_ACCESS, 0, 0, FALSE), STATUS_SUCCESS);
  for (int i = 0; i < 3; i++) {
    HANDLE handle = i < 2 ? handles[i] : event;
    const NTSTATUS status = i < 2 ? STATUS_INVALID_HANDLE : STATUS_OBJECT_TYPE_MISMATCH;
    ck_status(NtListenPort(handle, AT(&message)), status);
    ck_status(NtCompleteConnectPort(handle), status);
    ck_status(NtRequestPort(handle, AT(&message)), status);
    ck_status(NtRequestWaitReplyPort(handle, AT(&message), AT(&message)), status);
    ck_status(NtReplyPort(handle, AT(&message)), status);
    ck_status(NtReplyWaitReceivePort(handle, 0, 0, AT(&message)), status);
    ck_status(NtReplyWaitReceivePortEx(handle, 0, AT(&message), AT(&message), MS(0)), status);
  }
  ck_status(NtClose(event), STATUS_SUCCESS);
}
END_TEST

/* Receivers are served in order of arrival. */
struct receiver {
  HANDLE port, thread;
  LPC_MESSAGE message;
};

static void receive_thread(void *argument)
{
  struct receiver *r = argument;
  ck_status(NtReplyWaitReceivePort(r->port, 0, 0, AT(&r->message)), STATUS_SUCCESS);
}

START_TEST(several_receivers)
{
  struct receiver receivers[3];
  HANDLE port = make_unnamed_port(100);
  LPC_MESSAGE message = message_of("0");
  for (int i = 0; i < 3; i++) {
    receivers[i].port = port;
    receivers[i].thread = native_thread(NULL, receive_thread, &receivers[i]);
    run_for(1);
  }
  for (int i = 0; i < 3; i++) {
    message.data[0] = (UCHAR)('0' + i);
    ck_status(NtRequestPort(port, AT(&message)), STATUS_SUCCESS);
  }
  for (int i = 0; i < 3; i++) {
    join(receivers[i].thread);
    ck_assert_uint_eq(receivers[i].message.data[0], (unsigned)('0' + i));
  }
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

TCase *message_tests(void)
{
  TCase *tests = tcase_create("messages");
  tcase_add_checked_fixture(tests, lpc_setup, lpc_teardown);
  tcase_add_loop_test(tests, request_and_reply, 0, 2);
  tcase_add_test(tests, reply_and_receive_in_one);
  tcase_add_test(tests, requests_of_the_server);
  tcase_add_test(tests, datagrams);
  tcase_add_test(tests, a_port_of_another_connection_does_not_answer);
  tcase_add_test(tests, listening_drops_requests);
  tcase_add_loop_test(tests, lengths_of_messages, 0, (int)(sizeof lengths / sizeof lengths[0]));
  tcase_add_test(tests, types_of_messages);
  tcase_add_test(tests, message_ids_wrap);
  tcase_add_test(tests, a_port_that_nobody_empties);
  tcase_add_test(tests, handles_that_are_no_ports);
  tcase_add_test(tests, several_receivers);
  return tests;
}
