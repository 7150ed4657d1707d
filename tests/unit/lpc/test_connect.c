/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making ports, connecting, and the ends of connections. */
#include "fixture.h"

#include <string.h>

static const struct {
  ULONG information, message;
  NTSTATUS status;
} sizes[] = {
    {0, 0, STATUS_SUCCESS},
    {LPC_MAX_CONNECTION_INFO, LPC_MAX_MESSAGE_LENGTH, STATUS_SUCCESS},
    {LPC_MAX_CONNECTION_INFO + 1, 0, STATUS_INVALID_PARAMETER_3},
    {0xFFFFFFFF, 0xFFFFFFFF, STATUS_INVALID_PARAMETER_3},
    {0, LPC_MAX_MESSAGE_LENGTH + 1, STATUS_INVALID_PARAMETER_4},
    {0, 0xFFFFFFFF, STATUS_INVALID_PARAMETER_4},
};

START_TEST(sizes_of_a_new_port)
{
  HANDLE port = 0;
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes};
  ck_status(NtCreatePort(AT(&port), AT(&attributes), sizes[_i].information, sizes[_i].message, 0), sizes[_i].status);
  if (port)
    ck_status(NtClose(port), STATUS_SUCCESS);
  ck_assert_int_eq(port != 0, sizes[_i].status == STATUS_SUCCESS);
}
END_TEST

START_TEST(a_name_is_taken_once_and_ends_with_the_last_handle)
{
  HANDLE port = make_port(), second = 0, client;
  const UNICODE_STRING64 name = {sizeof TEST_PORT - 2, sizeof TEST_PORT, 0, AT(TEST_PORT)};
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .ObjectName = AT(&name)};
  ck_status(NtCreatePort(AT(&second), AT(&attributes), 0, 0, 0), STATUS_OBJECT_NAME_COLLISION);
  ck_assert_uint_eq(second, 0);
  ck_status(NtClose(port), STATUS_SUCCESS);
  ck_status(connect_to(TEST_PORT, &client), STATUS_OBJECT_NAME_NOT_FOUND);
  port = make_port();
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(the_type)
{
  ck_assert_str_eq(ob_types()->Port->Name, "ALPC Port");
  HANDLE port = make_port();
  /* a port is no object to wait for */
  ck_status(NtWaitForSingleObject(port, FALSE, MS(0)), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(the_type_before_alpc)
{
  ck_assert_str_eq(ob_types()->Port->Name, "Port");
  struct connection c = connected();
  disconnect(&c);
}
END_TEST

/* ---- NtConnectPort ---- */

struct client {
  HANDLE handle;
  NTSTATUS status;
  UCHAR information[100];
  ULONG length, max_message_length;
  struct {
    ULONG length, reserved;
    ULONG64 size, base;
  } view;
};

static void connect_with_information(void *argument)
{
  struct client *c = argument;
  static const ULONG quality[3] = {12, 2, 1};
  const UNICODE_STRING64 name = {sizeof TEST_PORT - 2, sizeof TEST_PORT, 0, AT(TEST_PORT)};
  c->view.length = sizeof c->view;
  c->view.size = c->view.base = 0xEEEE;
  c->status = NtConnectPort(AT(&c->handle), AT(&name), AT(quality), 0, AT(&c->view), AT(&c->max_message_length),
                            AT(c->information), AT(&c->length));
}

START_TEST(information_goes_both_ways)
{
  struct client c = {.information = "hello", .length = 5};
  HANDLE port = make_port(), server;
  LPC_MESSAGE request;
  HANDLE thread = native_thread(NULL, connect_with_information, &c);
  request = receive(port, NULL);
  is_message(&request, LPC_CONNECTION_REQUEST, "hello");
  ck_assert_uint_ne(request.h.MessageId, 0);
  ck_assert_uint_eq(request.h.ClientViewSize, 0);
  memcpy(request.data, "hi!", 3);
  request.h.DataLength = 3;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), TRUE, 0, 0), STATUS_SUCCESS);
  /* the client goes on when the server says that it is complete */
  ck_status(NtWaitForSingleObject(thread, FALSE, MS(20)), STATUS_TIMEOUT);
  ck_status(NtCompleteConnectPort(server), STATUS_SUCCESS);
  join(thread);
  ck_status(c.status, STATUS_SUCCESS);
  ck_assert_uint_eq(c.length, 3);
  ck_assert_mem_eq(c.information, "hi!lo", 5);
  ck_assert_uint_eq(c.max_message_length, 256);
  ck_assert_uint_eq(c.view.size, 0);
  ck_assert_uint_eq(c.view.base, 0);
  /* without a context the server's messages come with its handle */
  struct request r;
  start_request(&r, c.handle, "x");
  ULONG64 context = 0;
  request = receive(port, &context);
  ck_assert_uint_eq(context, server);
  ck_status(NtReplyPort(server, AT(&request)), STATUS_SUCCESS);
  join(r.thread);
  struct connection all = {port, c.handle, server};
  disconnect(&all);
}
END_TEST

/* More than the port allows (64) is cut, on both ways. */
START_TEST(information_is_cut)
{
  struct client c = {.length = 100};
  HANDLE port = make_port(), server;
  memset(c.information, 'c', sizeof c.information);
  HANDLE thread = native_thread(NULL, connect_with_information, &c);
  LPC_MESSAGE request = receive(port, NULL);
  ck_assert_uint_eq(request.h.DataLength, 64);
  ck_assert_uint_eq(request.h.TotalLength, HEADER + 64);
  memset(request.data, 's', sizeof request.data);
  request.h.DataLength = 0xFFFF;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), TRUE, 0, 0), STATUS_SUCCESS);
  ck_status(NtCompleteConnectPort(server), STATUS_SUCCESS);
  join(thread);
  ck_status(c.status, STATUS_SUCCESS);
  ck_assert_uint_eq(c.length, 64);
  ck_assert_uint_eq(c.information[63], 's');
  ck_assert_uint_eq(c.information[64], 'c');
  struct connection all = {port, c.handle, server};
  disconnect(&all);
}
END_TEST

START_TEST(a_refusal_has_information_too)
{
  struct client c = {.information = "hello", .length = 5};
  HANDLE port = make_port(), server = 0x99;
  HANDLE thread = native_thread(NULL, connect_with_information, &c);
  LPC_MESSAGE request = receive(port, NULL);
  memcpy(request.data, "no", 2);
  request.h.DataLength = 2;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), FALSE, 0, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(server, 0x99);
  join(thread);
  ck_status(c.status, STATUS_PORT_CONNECTION_REFUSED);
  ck_assert_uint_eq(c.handle, 0);
  ck_assert_uint_eq(c.length, 2);
  ck_assert_mem_eq(c.information, "no", 2);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

START_TEST(statuses_of_connect)
{
  static const ULONG quality[3] = {12, 2, 1};
  const UNICODE_STRING64 name = {sizeof TEST_PORT - 2, sizeof TEST_PORT, 0, AT(TEST_PORT)};
  HANDLE client = 0, port = make_port();
  ULONG view[12] = {0x30}, short_view[12] = {0x2F};
  ck_status(connect_to(u"\\RPC Control\\nobody", &client), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(connect_to(u"\\nowhere\\nobody", &client), STATUS_OBJECT_PATH_NOT_FOUND);
  ck_status(connect_to(u"\\RPC Control", &client), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(connect_to(u"nobody", &client), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(connect_to(u"", &client), STATUS_OBJECT_NAME_INVALID);
  ck_status(NtConnectPort(AT(&client), AT(&name), AT(quality), AT(short_view), 0, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtConnectPort(AT(&client), AT(&name), AT(quality), 0, AT(view), 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtConnectPort(AT(&client), AT(&name), AT(quality), AT(view), 0, 0, 0, 0), STATUS_NOT_IMPLEMENTED);
  ck_assert_uint_eq(client, 0);
  no_message(port);
  ck_status(NtClose(port), STATUS_SUCCESS);
}
END_TEST

static void connect_plainly(void *argument)
{
  struct client *c = argument;
  c->status = connect_to(TEST_PORT, &c->handle);
}

/* ---- NtAcceptConnectPort, NtCompleteConnectPort ---- */

static void accept_in_another_process(void *argument)
{
  HANDLE server;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(argument), TRUE, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
}

START_TEST(statuses_of_accept)
{
  struct client c;
  EPROCESS *other;
  HANDLE port = make_port(), server;
  HANDLE thread = native_thread(NULL, connect_plainly, &c);
  LPC_MESSAGE request = receive(port, NULL), wrong = request;
  wrong.h.MessageId++;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&wrong), TRUE, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
  wrong.h.MessageId = 0;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&wrong), TRUE, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
  wrong = request;
  wrong.h.ClientId.UniqueThread = 0x7FFC;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&wrong), TRUE, 0, 0), STATUS_INVALID_CID);
  wrong = request;
  wrong.h.ClientId.UniqueProcess = 4;
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&wrong), TRUE, 0, 0), STATUS_INVALID_CID);
  /* a request for a connection is not answered by a reply */
  ck_status(NtReplyPort(port, AT(&request)), STATUS_REPLY_MESSAGE_MISMATCH);
  /* nor by a process that did not make the port */
  ck_status(PspAllocateProcess(NULL, true, false, "other", &other), STATUS_SUCCESS);
  join(native_thread(other, accept_in_another_process, &request));
  ObDereferenceObject(other);
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), TRUE, 0, 0), STATUS_SUCCESS);
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), TRUE, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
  ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), FALSE, 0, 0), STATUS_REPLY_MESSAGE_MISMATCH);
  ck_status(NtCompleteConnectPort(port), STATUS_INVALID_PORT_HANDLE);
  ck_status(NtCompleteConnectPort(server), STATUS_SUCCESS);
  ck_status(NtCompleteConnectPort(server), STATUS_INVALID_PARAMETER);
  join(thread);
  ck_status(c.status, STATUS_SUCCESS);
  ck_status(NtCompleteConnectPort(c.handle), STATUS_INVALID_PORT_HANDLE);
  struct connection all = {port, c.handle, server};
  disconnect(&all);
}
END_TEST

/* The server's end goes before the connection is complete; or the port before it was accepted. */
START_TEST(a_connection_that_never_is)
{
  struct client c = {0};
  HANDLE port = make_port(), server;
  HANDLE thread = native_thread(NULL, connect_plainly, &c);
  run_for(20);
  if (_i) {
    LPC_MESSAGE request = receive(port, NULL);
    if (_i == 2) {
      ck_status(NtAcceptConnectPort(AT(&server), 0, AT(&request), TRUE, 0, 0), STATUS_SUCCESS);
      ck_status(NtClose(server), STATUS_SUCCESS);
      join(thread);
    }
  }
  ck_status(NtClose(port), STATUS_SUCCESS);
  if (_i != 2)
    join(thread);
  ck_status(c.status, STATUS_PORT_CONNECTION_REFUSED);
  ck_assert_uint_eq(c.handle, 0);
}
END_TEST

/* ---- ends ---- */

START_TEST(the_end_of_a_client)
{
  struct connection c = connected();
  ULONG64 context = 0, time;
  struct request r;
  ck_status(NtClose(c.client), STATUS_SUCCESS);
  c.client = 0;
  LPC_MESSAGE closed = receive(c.port, &context);
  ck_assert_uint_eq(closed.h.Type, LPC_PORT_CLOSED);
  ck_assert_uint_eq(context, 0x1234567);
  ck_assert_uint_eq(closed.h.DataLength, sizeof time);
  memcpy(&time, closed.data, sizeof time);
  ck_assert_uint_eq(time, PsGetCurrentProcess()->CreateTime);
  start_request(&r, c.server, "x");
  join(r.thread);
  ck_status(r.status, STATUS_PORT_DISCONNECTED);
  ck_status(NtRequestPort(c.server, AT(&r.sent)), STATUS_PORT_DISCONNECTED);
  no_message(c.port);
  disconnect(&c);
}
END_TEST

START_TEST(the_end_of_a_servers_port)
{
  struct connection c = connected();
  struct request waiting, queued, late;
  start_request(&waiting, c.client, "first");
  receive(c.port, NULL);
  start_request(&queued, c.client, "second");
  run_for(5);
  ck_status(NtClose(c.server), STATUS_SUCCESS);
  c.server = 0;
  join(waiting.thread);
  join(queued.thread);
  ck_status(waiting.status, STATUS_LPC_REPLY_LOST);
  ck_status(queued.status, STATUS_LPC_REPLY_LOST);
  no_message(c.port);
  start_request(&late, c.client, "third");
  join(late.thread);
  ck_status(late.status, STATUS_PORT_DISCONNECTED);
  disconnect(&c);
}
END_TEST

/* Connections outlive the handle of the port that they were made at. */
START_TEST(the_end_of_a_connection_port)
{
  struct connection c = connected();
  struct request r;
  HANDLE client;
  ULONG64 context = 0;
  ck_status(NtClose(c.port), STATUS_SUCCESS);
  c.port = 0;
  ck_status(connect_to(TEST_PORT, &client), STATUS_OBJECT_NAME_NOT_FOUND);
  start_request(&r, c.client, "still there");
  LPC_MESSAGE request = receive(c.server, &context);
  is_message(&request, LPC_REQUEST, "still there");
  ck_assert_uint_eq(context, 0x1234567);
  ck_status(NtReplyPort(c.server, AT(&request)), STATUS_SUCCESS);
  join(r.thread);
  ck_status(r.status, STATUS_SUCCESS);
  disconnect(&c);
}
END_TEST

TCase *connection_tests(void)
{
  TCase *tests = tcase_create("connections");
  tcase_add_checked_fixture(tests, lpc_setup, lpc_teardown);
  tcase_add_loop_test(tests, sizes_of_a_new_port, 0, (int)(sizeof sizes / sizeof sizes[0]));
  tcase_add_test(tests, a_name_is_taken_once_and_ends_with_the_last_handle);
  tcase_add_test(tests, the_type);
  tcase_add_test(tests, information_goes_both_ways);
  tcase_add_test(tests, information_is_cut);
  tcase_add_test(tests, a_refusal_has_information_too);
  tcase_add_test(tests, statuses_of_connect);
  tcase_add_test(tests, statuses_of_accept);
  tcase_add_loop_test(tests, a_connection_that_never_is, 0, 3);
  tcase_add_test(tests, the_end_of_a_client);
  tcase_add_test(tests, the_end_of_a_servers_port);
  tcase_add_test(tests, the_end_of_a_connection_port);
  return tests;
}

TCase *xp_tests(void)
{
  TCase *tests = tcase_create("xp");
  tcase_add_checked_fixture(tests, lpc_setup_xp, lpc_teardown);
  tcase_add_test(tests, the_type_before_alpc);
  return tests;
}
