/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File, token, atom and system services, called as a native process does: its user memory is the test's own. */
#include "fixture.h"
#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_registry.h"
#include "ntos/svc/svc_system.h"
#include "ntos/svc/svc_token.h"

#include <string.h>

#define AT(object) ((ULONG64)(uintptr_t)(object))
#define SYNC FILE_SYNCHRONOUS_IO_NONALERT

static void setup(void)
{
  fixture_setup();
  fixture_process();
}

static IO_STATUS_BLOCK64 iosb;

/* OBJECT_ATTRIBUTES with an ASCII name. */
struct named {
  OBJECT_ATTRIBUTES64 attributes;
  UNICODE_STRING64 string;
  WCHAR text[128];
};

static ULONG64 name_string(struct named *n, const char *name)
{
  memset(n, 0, sizeof(*n));
  for (size_t i = 0; name[i] != 0; i++)
    n->text[i] = (UCHAR)name[i];
  n->string.Length = (USHORT)(strlen(name) * 2);
  n->string.MaximumLength = (USHORT)(n->string.Length + 2);
  n->string.Buffer = AT(n->text);
  return AT(&n->string);
}

static ULONG64 named(struct named *n, const char *name, HANDLE root)
{
  ULONG64 string = name_string(n, name);
  n->attributes.Length = sizeof(n->attributes);
  n->attributes.RootDirectory = root;
  n->attributes.ObjectName = string;
  n->attributes.Attributes = OBJ_CASE_INSENSITIVE;
  return AT(&n->attributes);
}

static HANDLE open_file(const char *name, ACCESS_MASK access, ULONG disposition, ULONG options)
{
  struct named n;
  HANDLE handle = 0;
  NTSTATUS status = NtCreateFile(AT(&handle), access | SYNCHRONIZE, named(&n, name, 0), AT(&iosb), 0, 0, 7, disposition,
                                 options, 0, 0);
  ck_assert_msg(status == STATUS_SUCCESS, "%s: %08X", name, (unsigned)status);
  return handle;
}

START_TEST(NtCreateFile_checks_its_parameters)
{
  struct named n;
  HANDLE handle = 77;
  ULONG64 attributes = named(&n, "\\??\\C:\\app\\sub\\inner.txt", 0);
  ck_status(NtOpenFile(AT(&handle), FILE_READ_DATA, attributes, AT(&iosb), 7, SYNC), STATUS_INVALID_PARAMETER);
  ck_status(NtOpenFile(AT(&handle), GENERIC_READ, attributes, AT(&iosb), 8, 0), STATUS_INVALID_PARAMETER);
  ck_status(NtOpenFile(AT(&handle), GENERIC_READ, attributes, AT(&iosb), 7, 0x30), STATUS_INVALID_PARAMETER);
  ck_status(NtOpenFile(AT(&handle), GENERIC_READ, 0, AT(&iosb), 7, SYNC), STATUS_INVALID_PARAMETER);
  n.string.Length = 3;
  ck_status(NtOpenFile(AT(&handle), GENERIC_READ, attributes, AT(&iosb), 7, SYNC), STATUS_OBJECT_NAME_INVALID);
  ck_assert_uint_eq(handle, 77);
  attributes = named(&n, "\\??\\C:\\app\\absent", 0);
  iosb.Status = 123;
  ck_status(NtOpenFile(AT(&handle), GENERIC_READ, attributes, AT(&iosb), 7, SYNC), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_assert_int_eq(iosb.Status, 123);
}
END_TEST

START_TEST(a_file_is_opened_relative_to_a_directory_and_its_access_is_checked)
{
  struct named n;
  char buffer[4];
  HANDLE handle = 0, directory = open_file("\\??\\C:\\app", GENERIC_READ, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE);
  ck_status(NtOpenFile(AT(&handle), FILE_WRITE_DATA | SYNCHRONIZE, named(&n, "sub\\inner.txt", directory), AT(&iosb), 7,
                       SYNC),
            STATUS_SUCCESS);
  ck_assert_uint_eq(iosb.Information, 1);
  ck_status(NtReadFile(handle, 0, 0, 0, AT(&iosb), AT(buffer), 4, 0, 0), STATUS_ACCESS_DENIED);
  ck_status(NtWriteFile(handle, 0, 0, 0, AT(&iosb), AT("ABCD"), 4, 0, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(iosb.Information, 4);
  ck_status(NtReadFile(0x4444, 0, 0, 0, AT(&iosb), AT(buffer), 4, 0, 0), STATUS_INVALID_HANDLE);
}
END_TEST

START_TEST(transfers_larger_than_a_chunk_are_whole)
{
  static UCHAR out[3 * 65536 + 17], in[sizeof(out) + 100];
  LONG64 start = 0;
  for (size_t i = 0; i < sizeof(out); i++)
    out[i] = (UCHAR)(i * 7 + (i >> 11));
  HANDLE handle = open_file("\\??\\C:\\app\\big", GENERIC_READ | GENERIC_WRITE, FILE_CREATE, SYNC);
  ck_assert_uint_eq(iosb.Information, 2);
  ck_status(NtWriteFile(handle, 0, 0, 0, AT(&iosb), AT(out), sizeof(out), 0, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(iosb.Information, sizeof(out));
  ck_status(NtReadFile(handle, 0, 0, 0, AT(&iosb), AT(in), sizeof(in), AT(&start), 0), STATUS_SUCCESS);
  ck_assert_uint_eq(iosb.Information, sizeof(out));
  ck_assert_mem_eq(in, out, sizeof(out));
  ck_status(NtReadFile(handle, 0, 0, 0, AT(&iosb), AT(in), sizeof(in), 0, 0), STATUS_END_OF_FILE);
  ck_assert_int_eq(iosb.Status, STATUS_END_OF_FILE);
  ck_assert_uint_eq(iosb.Information, 0);
}
END_TEST

START_TEST(a_request_serves_event_and_APC_when_it_ends)
{
  char buffer[4];
  LONG64 at = 2;
  void *event;
  HANDLE event_handle;
  ck_status(ObCreateObject(ob_types()->Event, sizeof(KEVENT), &event), STATUS_SUCCESS);
  KeInitializeEvent(event, NotificationEvent, FALSE);
  ck_status(ObInsertObject(event, NULL, 0, EVENT_ALL_ACCESS, &event_handle), STATUS_SUCCESS);
  HANDLE handle = open_file("\\??\\C:\\app\\sub\\inner.txt", GENERIC_READ, FILE_OPEN, 0);
  ck_status(NtReadFile(handle, event_handle, 0, 0, AT(&iosb), AT(buffer), 4, 0, 0), STATUS_INVALID_PARAMETER);
  ck_assert_int_eq(((KEVENT *)event)->Header.SignalState, 0);
  ck_status(NtReadFile(handle, event_handle, 0x1234, 0x77, AT(&iosb), AT(buffer), 4, AT(&at), 0), STATUS_SUCCESS);
  ck_assert_mem_eq(buffer, "2345", 4);
  ck_assert_int_eq(((KEVENT *)event)->Header.SignalState, 1);
  KAPC *apc = KeRemoveUserApc(KeGetCurrentThread());
  ck_assert_ptr_nonnull(apc);
  ck_assert_uint_eq(apc->NormalRoutine, 0x1234);
  ck_assert_uint_eq(apc->NormalContext, 0x77);
  ck_assert_uint_eq(apc->SystemArgument1, AT(&iosb));
  apc->KernelRoutine(apc);
  at = 100;
  ck_status(NtReadFile(handle, event_handle, 0x1234, 0, AT(&iosb), AT(buffer), 4, AT(&at), 0), STATUS_END_OF_FILE);
  apc = KeRemoveUserApc(KeGetCurrentThread());
  ck_assert_ptr_nonnull(apc);
  apc->KernelRoutine(apc);
  ck_status(NtReadFile(handle, handle, 0, 0, AT(&iosb), AT(buffer), 4, AT(&at), 0), STATUS_OBJECT_TYPE_MISMATCH);
}
END_TEST

START_TEST(information_classes_want_their_length)
{
  ULONG64 buffer[64];
  HANDLE handle = open_file("\\??\\C:\\app\\sub\\inner.txt", GENERIC_READ, FILE_OPEN, SYNC);
  static const struct {
    ULONG class, size;
  } classes[] = {{4, 40}, {5, 24}, {6, 8}, {7, 4}, {8, 4}, {14, 8}, {16, 4}, {17, 4}, {34, 56}, {35, 8}, {59, 24}};
  for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
    ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(buffer), classes[i].size - 1, classes[i].class),
              STATUS_INFO_LENGTH_MISMATCH);
    ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(buffer), classes[i].size, classes[i].class), STATUS_SUCCESS);
    ck_assert_uint_eq(iosb.Information, classes[i].size);
  }
  ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(buffer), sizeof(buffer), 1000), STATUS_INVALID_INFO_CLASS);
  ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(buffer), 24, 5), STATUS_SUCCESS);
  ck_assert_uint_eq(buffer[0], 0x1000); /* AllocationSize */
  ck_assert_uint_eq(buffer[1], 10);     /* EndOfFile */
}
END_TEST

START_TEST(the_name_of_a_file_is_cut_to_the_buffer)
{
  static const char whole[] = "\\app\\sub\\inner.txt";
  struct {
    ULONG length;
    WCHAR name[40];
  } out;
  HANDLE handle = open_file("\\??\\c:\\app\\sub\\inner.txt", GENERIC_READ, FILE_OPEN, SYNC);
  ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(&out), sizeof(out), 9), STATUS_SUCCESS);
  ck_assert_uint_eq(out.length, 2 * strlen(whole));
  for (size_t i = 0; i < strlen(whole); i++)
    ck_assert_uint_eq(out.name[i], (WCHAR)whole[i]);
  memset(&out, 0xEE, sizeof(out));
  ck_status(NtQueryInformationFile(handle, AT(&iosb), AT(&out), 13, 9), STATUS_BUFFER_OVERFLOW);
  ck_assert_uint_eq(out.length, 2 * strlen(whole));
  ck_assert_uint_eq(out.name[3], 'p');
  ck_assert_uint_eq(out.name[4], 0xEEEE);
  ck_assert_uint_eq(iosb.Information, 12);
}
END_TEST

START_TEST(position_size_and_deletion_are_set)
{
  LONG64 value = 4;
  UCHAR yes = 1;
  char buffer[8];
  struct host_stat facts;
  HANDLE handle = open_file("\\??\\C:\\app\\sub\\inner.txt", GENERIC_READ | GENERIC_WRITE | DELETE_ACCESS, FILE_OPEN,
                            SYNC);
  ck_status(NtSetInformationFile(handle, AT(&iosb), AT(&value), 8, 14), STATUS_SUCCESS);
  ck_status(NtReadFile(handle, 0, 0, 0, AT(&iosb), AT(buffer), 2, 0, 0), STATUS_SUCCESS);
  ck_assert_mem_eq(buffer, "45", 2);
  ck_status(NtSetInformationFile(handle, AT(&iosb), AT(&value), 7, 14), STATUS_INFO_LENGTH_MISMATCH);
  value = -1;
  ck_status(NtSetInformationFile(handle, AT(&iosb), AT(&value), 8, 14), STATUS_INVALID_PARAMETER);
  value = 3;
  ck_status(NtSetInformationFile(handle, AT(&iosb), AT(&value), 8, 20), STATUS_SUCCESS);
  ck_assert(host_stat_path(fixture_host("app/sub/inner.txt"), &facts));
  ck_assert_uint_eq(facts.size, 3);
  ck_status(NtSetInformationFile(handle, AT(&iosb), AT(&yes), 1, 13), STATUS_SUCCESS);
  ck_assert(host_stat_path(fixture_host("app/sub/inner.txt"), &facts));
  ck_status(ObCloseHandle(handle, UserMode), STATUS_SUCCESS);
  ck_assert(!host_stat_path(fixture_host("app/sub/inner.txt"), &facts));
}
END_TEST

START_TEST(attributes_by_name_show_constant_times)
{
  struct named n;
  ULONG64 out[7];
  ck_status(NtQueryFullAttributesFile(named(&n, "\\??\\C:\\app\\sub\\inner.txt", 0), AT(out)), STATUS_SUCCESS);
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(out[i], IO_FILE_TIME);
  ck_assert_uint_eq(out[5], 10);
  ck_assert_uint_eq(out[6], 0x20);
  ck_status(NtQueryAttributesFile(named(&n, "\\??\\C:\\windows", 0), AT(out)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[4], 0x10);
  ck_status(NtQueryAttributesFile(named(&n, "\\??\\C:\\windows\\x", 0), AT(out)), STATUS_OBJECT_NAME_NOT_FOUND);
}
END_TEST

START_TEST(records_of_a_directory_are_chained_and_aligned)
{
  static const ULONG name_offset[] = {64, 68, 94, 104, 80, 12}, class[] = {1, 2, 3, 37, 38, 12};
  static UCHAR out[2048];
  struct named n;
  for (int i = 0; i < 6; i++) {
    HANDLE handle =
        open_file("\\??\\C:\\windows\\system32", FILE_READ_DATA, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE);
    memset(out, 0xEE, sizeof(out));
    ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), sizeof(out), class[i], FALSE,
                                   name_string(&n, "*.nls"), FALSE),
              STATUS_SUCCESS);
    ULONG next, length;
    memcpy(&next, out, 4);
    memcpy(&length, out + (class[i] == 12 ? 8 : 60), 4);
    ck_assert_uint_eq(length, 16);
    ck_assert_uint_eq(next, (name_offset[i] + 16 + 7) & ~7u);
    ck_assert_uint_eq(out[name_offset[i]], 'b');
    ck_assert_uint_eq(out[next + name_offset[i]], 'l');
    memcpy(&length, out + next, 4);
    ck_assert_uint_eq(length, 0);
    ck_assert_uint_eq(iosb.Information, next + name_offset[i] + 20);
    ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), sizeof(out), class[i], FALSE, 0, FALSE),
              STATUS_NO_MORE_FILES);
  }
}
END_TEST

START_TEST(a_full_buffer_goes_on_where_it_stopped)
{
  UCHAR out[200];
  struct named n;
  HANDLE handle = open_file("\\??\\C:\\windows\\system32", FILE_READ_DATA, FILE_OPEN, SYNC | FILE_DIRECTORY_FILE);
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), 71, 1, FALSE, 0, FALSE),
            STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), 72, 1, FALSE, name_string(&n, "*.nls"), FALSE),
            STATUS_BUFFER_OVERFLOW);
  ck_assert_uint_eq(out[64], 'b');
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), 88, 1, FALSE, 0, TRUE), STATUS_SUCCESS);
  ck_assert_uint_eq(out[64], 'b');
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), 88, 1, FALSE, 0, FALSE), STATUS_SUCCESS);
  ck_assert_uint_eq(out[64], 'l');
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), sizeof(out), 1, TRUE, 0, TRUE), STATUS_SUCCESS);
  ck_assert_uint_eq(iosb.Information, 80);
  ck_status(NtQueryDirectoryFile(handle, 0, 0, 0, AT(&iosb), AT(out), sizeof(out), 99, TRUE, 0, TRUE),
            STATUS_INVALID_INFO_CLASS);
}
END_TEST

START_TEST(devices_tell_their_type_and_refuse_control_codes)
{
  ULONG device[2];
  ULONG64 size[3];
  HANDLE file = open_file("\\??\\C:\\app\\sub\\inner.txt", GENERIC_READ, FILE_OPEN, SYNC);
  HANDLE null = open_file("\\??\\NUL", GENERIC_READ, FILE_OPEN, SYNC);
  HANDLE console = open_file("\\??\\CONOUT$", GENERIC_WRITE, FILE_OPEN, SYNC);
  ULONG mode = 0;
  ck_status(NtQueryVolumeInformationFile(file, AT(&iosb), AT(device), 8, 4), STATUS_SUCCESS);
  ck_assert_uint_eq(device[0], FILE_DEVICE_DISK);
  ck_status(NtQueryVolumeInformationFile(null, AT(&iosb), AT(device), 8, 4), STATUS_SUCCESS);
  ck_assert_uint_eq(device[0], FILE_DEVICE_NULL);
  ck_status(NtQueryVolumeInformationFile(null, AT(&iosb), AT(size), 24, 3), STATUS_INVALID_DEVICE_REQUEST);
  ck_status(NtQueryVolumeInformationFile(file, AT(&iosb), AT(size), 23, 3), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQueryVolumeInformationFile(file, AT(&iosb), AT(size), 16, 5), STATUS_BUFFER_OVERFLOW);
  ck_status(NtQueryVolumeInformationFile(file, AT(&iosb), AT(size), 24, 5), STATUS_SUCCESS);
  ck_assert_mem_eq((char *)size + 12, "N\0T\0F\0S", 8);
  ck_status(NtFsControlFile(file, 0, 0, 0, AT(&iosb), 0x90028, 0, 0, 0, 0), STATUS_INVALID_DEVICE_REQUEST);
  ck_status(NtDeviceIoControlFile(file, 0, 0, 0, AT(&iosb), 0x500000, 0, 0, AT(&mode), 4),
            STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtDeviceIoControlFile(console, 0, 0, 0, AT(&iosb), 0x504000, 0, 0, AT(&mode), 4), STATUS_SUCCESS);
  ck_assert_uint_eq(mode, 3);
  static const WCHAR text[] = {'h', 0xE4, '\n'};
  ck_status(NtDeviceIoControlFile(console, 0, 0, 0, AT(&iosb), 0x508078, AT(text), sizeof(text), 0, 0), STATUS_SUCCESS);
  ck_assert_str_eq(fixture_console, "1:h\xC3\xA4\n");
}
END_TEST

START_TEST(memory_of_a_native_process_is_closed_to_everybody)
{
  ULONG64 base = 0, size = 0x1000, buffer[8];
  ck_status(NtAllocateVirtualMemory(NtCurrentProcess(), AT(&base), 0, AT(&size), MEM_COMMIT, PAGE_READWRITE),
            STATUS_ACCESS_DENIED);
  ck_status(NtReadVirtualMemory(NtCurrentProcess(), 0x10000, AT(buffer), 8, 0), STATUS_ACCESS_DENIED);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), 0x10000, 0, AT(buffer), 48, 0), STATUS_ACCESS_DENIED);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), 0x10000, 999, AT(buffer), 48, 0), STATUS_INVALID_INFO_CLASS);
  ck_status(NtQueryVirtualMemory(NtCurrentProcess(), 0x10000, 0, AT(buffer), 47, 0), STATUS_INFO_LENGTH_MISMATCH);
}
END_TEST

START_TEST(the_token_tells_its_user_and_the_length_it_needs)
{
  HANDLE token, other;
  ULONG length, value;
  UCHAR out[64];
  ck_status(NtOpenThreadToken(NtCurrentThread(), 8, FALSE, AT(&token)), STATUS_NO_TOKEN);
  ck_status(NtOpenProcessToken(NtCurrentProcess(), 8, AT(&token)), STATUS_SUCCESS);
  ck_status(NtQueryInformationToken(token, 1, AT(out), 10, AT(&length)), STATUS_BUFFER_TOO_SMALL);
  ck_assert_uint_eq(length, 16 + 28);
  ck_status(NtQueryInformationToken(token, 1, AT(out), length, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[16], 1); /* S-1-5-21-... */
  ck_assert_uint_eq(out[17], 5);
  ck_assert_uint_eq(out[16 + 7], 5);
  ck_status(NtQueryInformationToken((HANDLE)-6, 20, AT(&value), 4, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 1);
  ck_status(NtQueryInformationToken((HANDLE)-5, 20, AT(&value), 4, AT(&length)), STATUS_NO_TOKEN);
  ck_status(NtQueryInformationToken(token, 999, AT(&value), 4, AT(&length)), STATUS_INVALID_INFO_CLASS);
  ck_status(NtDuplicateToken(token, 0, 0, FALSE, 2, AT(&other)), STATUS_ACCESS_DENIED);
  ck_status(NtDuplicateToken((HANDLE)-4, 0, 0, FALSE, 2, AT(&other)), STATUS_SUCCESS);
  ck_status(NtQueryInformationToken(other, 8, AT(&value), 4, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(value, 2);
}
END_TEST

#define ZONES "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Time Zones"

START_TEST(the_registry_has_its_fixed_keys_only)
{
  struct named n;
  HANDLE zones = 0, utc = 0;
  ULONG disposition = 0, length = 0;
  ULONG out[32];
  ck_status(NtOpenKey(AT(&zones), 1, named(&n, "\\Registry\\Machine\\Software\\Absent", 0)),
            STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtCreateKey(AT(&zones), 1, named(&n, "\\Registry\\User\\x", 0), 0, 0, 0, 0),
            STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtOpenKey(AT(&zones), 1, named(&n, "", 0)), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(NtCreateKey(AT(&zones), MAXIMUM_ALLOWED, named(&n, ZONES "\\", 0), 0, 0, 0, AT(&disposition)),
            STATUS_SUCCESS);
  ck_assert_uint_eq(disposition, 2);
  ck_status(NtOpenKey(AT(&utc), 0x20019, named(&n, "utc", zones)), STATUS_SUCCESS);
  ck_status(NtOpenKey(AT(&utc), 0x20019, named(&n, "\\UTC", zones)), STATUS_OBJECT_PATH_SYNTAX_BAD);
  ck_status(NtEnumerateKey(zones, 0, 0, AT(out), sizeof(out), AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(length, 16 + 6);
  ck_assert_uint_eq(out[4], 'U' | 'T' << 16);
  ck_status(NtEnumerateKey(zones, 1, 0, AT(out), sizeof(out), AT(&length)), STATUS_NO_MORE_ENTRIES);
  ck_status(NtQueryKey(zones, 2, AT(out), sizeof(out), AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[5], 1); /* SubKeys */
  ck_assert_uint_eq(out[8], 0); /* Values */
  ck_status(svc_change_key(zones), STATUS_ACCESS_DENIED);
  ck_status(svc_change_key(0x5554), STATUS_INVALID_HANDLE);
}
END_TEST

START_TEST(values_are_read_by_name_and_by_number)
{
  struct named n;
  HANDLE utc = 0;
  ULONG length = 0;
  ULONG out[32];
  ck_status(NtOpenKey(AT(&utc), 0x20019, named(&n, ZONES "\\UTC", 0)), STATUS_SUCCESS);
  ck_status(NtQueryValueKey(utc, name_string(&n, "std"), 2, AT(out), sizeof(out), AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(length, 12 + 8);
  ck_assert_uint_eq(out[1], 1); /* REG_SZ */
  ck_assert_uint_eq(out[2], 8);
  ck_assert_uint_eq(out[3], 'U' | 'T' << 16);
  ck_status(NtQueryValueKey(utc, name_string(&n, "TZI"), 2, AT(out), 12, AT(&length)), STATUS_BUFFER_OVERFLOW);
  ck_assert_uint_eq(length, 12 + 44);
  ck_status(NtQueryValueKey(utc, name_string(&n, "TZI"), 2, AT(out), 11, AT(&length)), STATUS_BUFFER_TOO_SMALL);
  ck_status(NtQueryValueKey(utc, name_string(&n, "x"), 2, AT(out), 12, AT(&length)), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtEnumerateValueKey(utc, 1, 1, AT(out), sizeof(out), AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[4], 6); /* Dlt */
  ck_assert_uint_eq(out[2], 32); /* DataOffset */
  ck_assert_uint_eq(out[8], 'U' | 'T' << 16);
  ck_status(NtEnumerateValueKey(utc, 4, 0, AT(out), sizeof(out), AT(&length)), STATUS_NO_MORE_ENTRIES);
}
END_TEST

START_TEST(atoms_are_counted_and_found_without_case)
{
  static const WCHAR name[] = {'N', 'a', 'm', 'e'}, lower[] = {'n', 'a', 'm', 'e'}, number[] = {'#', '1', '2'};
  USHORT atom = 0, again = 0;
  USHORT out[8];
  ck_status(NtFindAtom(AT(name), 8, AT(&atom)), STATUS_OBJECT_NAME_NOT_FOUND);
  ck_status(NtAddAtom(AT(name), 8, AT(&atom)), STATUS_SUCCESS);
  ck_assert_uint_eq(atom, 0xC000);
  ck_status(NtAddAtom(AT(lower), 8, AT(&again)), STATUS_SUCCESS);
  ck_assert_uint_eq(again, atom);
  ck_status(NtQueryInformationAtom(atom, 0, AT(out), sizeof(out), 0), STATUS_SUCCESS);
  ck_assert_uint_eq(out[0], 2);
  ck_assert_uint_eq(out[2], 8);
  ck_assert_uint_eq(out[3], 'N');
  ck_status(NtDeleteAtom(atom), STATUS_SUCCESS);
  ck_status(NtDeleteAtom(atom), STATUS_SUCCESS);
  ck_status(NtDeleteAtom(atom), STATUS_INVALID_HANDLE);
  ck_status(NtFindAtom(AT(number), 6, AT(&atom)), STATUS_SUCCESS);
  ck_assert_uint_eq(atom, 12);
  ck_status(NtAddAtom(AT(name), 1000, AT(&atom)), STATUS_INVALID_PARAMETER);
}
END_TEST

START_TEST(system_information_wants_its_length)
{
  ULONG64 out[54];
  ULONG length = 0;
  ck_status(NtQuerySystemInformation(0, AT(out), 63, AT(&length)), STATUS_INFO_LENGTH_MISMATCH);
  ck_assert_uint_eq(length, 64);
  ck_status(NtQuerySystemInformation(0, AT(out), 64, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[7] & 0xFF, 1);
  ck_status(NtQuerySystemInformation(0, AT(out), 65, 0), STATUS_INFO_LENGTH_MISMATCH);
  ck_status(NtQuerySystemInformation(3, AT(out), 8, AT(&length)), STATUS_SUCCESS);
  ck_assert_uint_eq(out[0], KE_BOOT_TIME);
  ck_status(NtQuerySystemInformation(0x23, AT(out), 2, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(out[0] & 0xFFFF, 0x0100); /* not enabled, not present */
  ck_status(NtQuerySystemInformation(1000, AT(out), 8, 0), STATUS_INVALID_INFO_CLASS);
}
END_TEST

TCase *service_tests(void)
{
  TCase *tcase = tcase_create("services");
  tcase_add_checked_fixture(tcase, setup, fixture_teardown);
  tcase_add_test(tcase, NtCreateFile_checks_its_parameters);
  tcase_add_test(tcase, a_file_is_opened_relative_to_a_directory_and_its_access_is_checked);
  tcase_add_test(tcase, transfers_larger_than_a_chunk_are_whole);
  tcase_add_test(tcase, a_request_serves_event_and_APC_when_it_ends);
  tcase_add_test(tcase, information_classes_want_their_length);
  tcase_add_test(tcase, the_name_of_a_file_is_cut_to_the_buffer);
  tcase_add_test(tcase, position_size_and_deletion_are_set);
  tcase_add_test(tcase, attributes_by_name_show_constant_times);
  tcase_add_test(tcase, records_of_a_directory_are_chained_and_aligned);
  tcase_add_test(tcase, a_full_buffer_goes_on_where_it_stopped);
  tcase_add_test(tcase, devices_tell_their_type_and_refuse_control_codes);
  tcase_add_test(tcase, memory_of_a_native_process_is_closed_to_everybody);
  tcase_add_test(tcase, the_token_tells_its_user_and_the_length_it_needs);
  tcase_add_test(tcase, the_registry_has_its_fixed_keys_only);
  tcase_add_test(tcase, values_are_read_by_name_and_by_number);
  tcase_add_test(tcase, atoms_are_counted_and_found_without_case);
  tcase_add_test(tcase, system_information_wants_its_length);
  return tcase;
}
