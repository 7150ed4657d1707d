/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include "ntos/io/pipe.h"
#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_pipe.h"

#include <string.h>

#define NAME "\\??\\pipe\\test"
#define BOTH (FILE_SHARE_READ | FILE_SHARE_WRITE)
#define LISTEN 0x110008u
#define DISCONNECT 0x110004u
#define PEEK 0x11400Cu
/* Places in the scratch memory. */
#define HANDLE_AT (scratch + 0x0)
#define OPEN_STATUS (scratch + 0x10)
#define READ_STATUS (scratch + 0x20)
#define WRITE_STATUS (scratch + 0x30)
#define READ_BUFFER (scratch + 0x1000)
#define WRITE_BUFFER (scratch + 0x2000)

static NTSTATUS create(ULONG disposition, ULONG share, ULONG message, ULONG instances, ULONG quota)
{
  return NtCreateNamedPipeFile(HANDLE_AT, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, attributes(NAME), OPEN_STATUS,
                               share, disposition, 0, message, message, 0, instances, quota, quota, 0);
}

static HANDLE server(ULONG message, ULONG quota)
{
  ck_status(create(FILE_CREATE, BOTH, message, 2, quota), STATUS_SUCCESS);
  return get64(HANDLE_AT);
}

static NTSTATUS open_client(ACCESS_MASK access, HANDLE *client)
{
  NTSTATUS status = NtOpenFile(HANDLE_AT, access | SYNCHRONIZE, attributes(NAME), OPEN_STATUS, 0, 0);
  *client = NT_SUCCESS(status) ? get64(HANDLE_AT) : 0;
  return status;
}

static HANDLE client(void)
{
  HANDLE handle;
  ck_status(open_client(GENERIC_READ | GENERIC_WRITE, &handle), STATUS_SUCCESS);
  return handle;
}

static NTSTATUS send(HANDLE pipe, const char *text)
{
  put(WRITE_BUFFER, text, strlen(text));
  put64(WRITE_STATUS, 0x77777777);
  return NtWriteFile(pipe, 0, 0, 0, WRITE_STATUS, WRITE_BUFFER, (ULONG)strlen(text), 0, 0);
}

static NTSTATUS receive(HANDLE pipe, ULONG size)
{
  put64(READ_STATUS, 0x77777777);
  return NtReadFile(pipe, 0, 0, 0, READ_STATUS, READ_BUFFER, size, 0, 0);
}

static void ck_received(NTSTATUS status, const char *text)
{
  char bytes[64] = {0};
  ck_status(get32(READ_STATUS), status);
  ck_assert_uint_eq(get64(READ_STATUS + 8), strlen(text));
  get(READ_BUFFER, bytes, strlen(text));
  ck_assert_str_eq(bytes, text);
}

START_TEST(a_byte_pipe_joins_writes_and_ends_broken)
{
  HANDLE s = server(0, 100), c = client();
  ck_status(send(s, "he"), STATUS_SUCCESS);
  ck_status(send(s, "llo"), STATUS_SUCCESS);
  ck_status(receive(c, 4), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "hell");
  ck_status(NtClose(s), STATUS_SUCCESS);
  ck_status(send(c, "x"), STATUS_PIPE_CLOSING);
  ck_status(receive(c, 4), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "o");
  ck_status(receive(c, 4), STATUS_PIPE_BROKEN);
}
END_TEST

START_TEST(a_read_of_an_empty_pipe_is_pending_until_bytes_come)
{
  HANDLE s = server(0, 100), c = client();
  ck_status(receive(s, 10), STATUS_PENDING);
  ck_status(get32(READ_STATUS), 0x77777777);
  ck_status(send(c, "abc"), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "abc");
}
END_TEST

START_TEST(closing_an_end_breaks_the_read_that_waits_at_the_other)
{
  HANDLE s = server(0, 100), c = client();
  ck_status(receive(s, 10), STATUS_PENDING);
  ck_status(NtClose(c), STATUS_SUCCESS);
  ck_received(STATUS_PIPE_BROKEN, "");
}
END_TEST

START_TEST(a_message_is_read_in_parts_but_never_joined)
{
  HANDLE s = server(FILE_PIPE_MESSAGE_TYPE, 100), c = client();
  ck_status(send(c, "first"), STATUS_SUCCESS);
  ck_status(send(c, "second"), STATUS_SUCCESS);
  ck_status(receive(s, 3), STATUS_BUFFER_OVERFLOW);
  ck_received(STATUS_BUFFER_OVERFLOW, "fir");
  ck_status(receive(s, 64), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "st");
  ck_status(receive(s, 64), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "second");
}
END_TEST

START_TEST(a_write_beyond_the_quota_is_pending_until_it_is_read)
{
  HANDLE s = server(0, 4), c = client();
  ck_status(send(c, "1234"), STATUS_SUCCESS);
  ck_status(send(c, "5678"), STATUS_PENDING);
  ck_status(receive(s, 6), STATUS_SUCCESS);
  ck_status(get32(WRITE_STATUS), 0x77777777);
  ck_status(receive(s, 6), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "78");
  ck_status(get32(WRITE_STATUS), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(WRITE_STATUS + 8), 4);
}
END_TEST

START_TEST(listening_ends_when_a_client_opens)
{
  HANDLE s = server(0, 100);
  put64(READ_STATUS, 0x77777777);
  ck_status(NtFsControlFile(s, 0, 0, 0, READ_STATUS, LISTEN, 0, 0, 0, 0), STATUS_PENDING);
  HANDLE c = client();
  ck_status(get32(READ_STATUS), STATUS_SUCCESS);
  ck_status(NtFsControlFile(s, 0, 0, 0, READ_STATUS, LISTEN, 0, 0, 0, 0), STATUS_PIPE_CONNECTED);
  ck_status(NtFsControlFile(c, 0, 0, 0, READ_STATUS, LISTEN, 0, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtFsControlFile(s, 0, 0, 0, READ_STATUS, DISCONNECT, 0, 0, 0, 0), STATUS_SUCCESS);
  ck_status(receive(c, 4), STATUS_PIPE_DISCONNECTED);
  ck_status(receive(s, 4), STATUS_PIPE_DISCONNECTED);
}
END_TEST

START_TEST(opening_needs_an_instance_that_listens_and_the_right_direction)
{
  HANDLE c;
  ck_status(open_client(GENERIC_READ, &c), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(create(FILE_OPEN, FILE_SHARE_WRITE, 0, 2, 10), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(create(FILE_CREATE, 0, 0, 2, 10), STATUS_INVALID_PARAMETER);
  ck_status(create(FILE_CREATE, FILE_SHARE_WRITE, 0, 2, 10), STATUS_SUCCESS);
  HANDLE first = get64(HANDLE_AT);
  ck_status(open_client(GENERIC_READ, &c), STATUS_ACCESS_DENIED);
  ck_status(open_client(FILE_WRITE_DATA, &c), STATUS_SUCCESS);
  ck_status(open_client(FILE_WRITE_DATA, &c), STATUS_PIPE_NOT_AVAILABLE);
  ck_status(create(FILE_CREATE, FILE_SHARE_WRITE, 0, 2, 10), STATUS_ACCESS_DENIED);
  ck_status(create(FILE_OPEN_IF, BOTH, 0, 2, 10), STATUS_ACCESS_DENIED);
  ck_status(create(FILE_OPEN_IF, FILE_SHARE_WRITE, 0, 2, 10), STATUS_SUCCESS);
  ck_status(create(FILE_OPEN_IF, FILE_SHARE_WRITE, 0, 2, 10), STATUS_INSTANCE_NOT_AVAILABLE);
  ck_status(NtClose(first), STATUS_SUCCESS);
}
END_TEST

START_TEST(a_cancelled_request_ends_with_its_status)
{
  HANDLE s = server(0, 4), c = client();
  ck_status(NtCancelIoFileEx(s, 0, OPEN_STATUS), STATUS_NOT_FOUND);
  ck_status(receive(s, 10), STATUS_PENDING);
  ck_status(NtCancelIoFileEx(s, WRITE_STATUS, OPEN_STATUS), STATUS_NOT_FOUND);
  ck_status(NtCancelIoFileEx(s, READ_STATUS, OPEN_STATUS), STATUS_SUCCESS);
  ck_received(STATUS_CANCELLED, "");
  ck_status(send(c, "longer"), STATUS_PENDING);
  ck_status(NtCancelIoFile(c, OPEN_STATUS), STATUS_SUCCESS);
  ck_status(get32(WRITE_STATUS), STATUS_CANCELLED);
  ck_status(receive(s, 10), STATUS_PENDING);
}
END_TEST

START_TEST(peeking_takes_nothing)
{
  HANDLE s = server(0, 100), c = client();
  ck_status(send(c, "abcdef"), STATUS_SUCCESS);
  ck_status(NtFsControlFile(s, 0, 0, 0, READ_STATUS, PEEK, 0, 0, READ_BUFFER, 16 + 3), STATUS_SUCCESS);
  ck_assert_uint_eq(get64(READ_STATUS + 8), 19);
  ck_assert_uint_eq(get32(READ_BUFFER), FILE_PIPE_CONNECTED_STATE);
  ck_assert_uint_eq(get32(READ_BUFFER + 4), 6);
  ck_status(receive(s, 10), STATUS_SUCCESS);
  ck_received(STATUS_SUCCESS, "abcdef");
  ck_status(NtClose(c), STATUS_SUCCESS);
  ck_status(NtFsControlFile(s, 0, 0, 0, READ_STATUS, PEEK, 0, 0, READ_BUFFER, 16), STATUS_PIPE_BROKEN);
}
END_TEST

TCase *guest_pipe_tests(void)
{
  TCase *tcase = tcase_create("pipes");
  tcase_add_checked_fixture(tcase, guest_setup, guest_teardown);
  tcase_add_test(tcase, a_byte_pipe_joins_writes_and_ends_broken);
  tcase_add_test(tcase, a_read_of_an_empty_pipe_is_pending_until_bytes_come);
  tcase_add_test(tcase, closing_an_end_breaks_the_read_that_waits_at_the_other);
  tcase_add_test(tcase, a_message_is_read_in_parts_but_never_joined);
  tcase_add_test(tcase, a_write_beyond_the_quota_is_pending_until_it_is_read);
  tcase_add_test(tcase, listening_ends_when_a_client_opens);
  tcase_add_test(tcase, opening_needs_an_instance_that_listens_and_the_right_direction);
  tcase_add_test(tcase, a_cancelled_request_ends_with_its_status);
  tcase_add_test(tcase, peeking_takes_nothing);
  return tcase;
}
