/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NtCreateUserProcess: the list of handles to inherit, and PS_CREATE_INFO. Of the list the rules are those that were
 * measured of CreateProcess with PROC_THREAD_ATTRIBUTE_HANDLE_LIST. The creator is the native process. */
#include "kit.h"

#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_section.h"

#include <string.h>

#define INHERIT_HANDLES 4u
#define SUSPENDED 1u
#define WRITE_OUTPUT_ON_EXIT 1u
#define PROHIBITED(characteristics) ((ULONG)(characteristics) << 16)

enum { FAIL_ON_FILE_OPEN = 1, FAIL_ON_SECTION_CREATE = 2, FAIL_EXE_FORMAT = 3, SUCCESS = 6 };

struct create_info {
  ULONG64 Size;
  ULONG State, Reserved;
  union {
    ULONG InitFlags;
    HANDLE FailedFile;
    USHORT DllCharacteristics;
  };
  HANDLE File, Section;
  ULONG64 Parameters;
  ULONG Parameters32, ParameterFlags;
  ULONG64 Peb, Rest[3];
};
C_ASSERT_SIZE(struct create_info, 0x58);

/* What a call is given. */
struct call {
  const WCHAR *path;
  ULONG flags;
  const HANDLE *list;
  ULONG64 list_size;
  struct create_info *info;
};

static NTSTATUS create(const struct call *call, struct debuggee *d)
{
  const WCHAR *path = call->path ? call->path : u"\\??\\C:\\app\\g_exit42.exe";
  ULONG64 length = 0;
  while (path[length])
    length++;
  struct {
    ULONG64 total;
    struct svc_attribute a[3];
  } list = {.a = {{PS_ATTRIBUTE_IMAGE_NAME, 2 * length, AT(path), 0},
                  {PS_ATTRIBUTE_CLIENT_ID, sizeof d->id, AT(&d->id), 0},
                  {PS_ATTRIBUTE_HANDLE_LIST, call->list_size, AT(call->list), 0}}};
  list.total = sizeof list - (call->list ? 0 : sizeof list.a[0]);
  memset(d, 0, sizeof *d);
  return NtCreateUserProcess(AT(&d->process), AT(&d->thread), PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, 0, 0, call->flags,
                             SUSPENDED, 0, AT(call->info), AT(&list));
}

static void finish(struct debuggee *d)
{
  ck_status(NtResumeThread(d->thread, 0), STATUS_SUCCESS);
  ended(d, 42);
}

static HANDLE event(bool inheritable)
{
  HANDLE handle;
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .Attributes = inheritable ? OBJ_INHERIT : 0};
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, AT(&attributes), 0, FALSE), STATUS_SUCCESS);
  return handle;
}

/* The same object under the same value, and with the same rights. */
static bool inherited(const struct debuggee *d, HANDLE handle)
{
  void *own, *its;
  ACCESS_MASK rights, its_rights;
  ULONG attributes;
  if (!NT_SUCCESS(ob_reference_in(process_of(d->process), handle, 0, NULL, KernelMode, &its, &its_rights, &attributes)))
    return false;
  ck_status(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &own, &rights), STATUS_SUCCESS);
  ck_assert_ptr_eq(own, its);
  ck_assert_uint_eq(rights, its_rights);
  ck_assert_uint_eq(attributes, OBJ_INHERIT);
  ObDereferenceObject(own);
  ObDereferenceObject(its);
  return true;
}

START_TEST(handle_list_only_the_listed_are_inherited)
{
  HANDLE events[4];
  struct debuggee d;
  for (unsigned i = 0; i < 4; i++)
    events[i] = event(true);
  const HANDLE list[] = {events[3], events[1], events[1]};
  ck_status(create(&(struct call){.flags = INHERIT_HANDLES}, &d), STATUS_SUCCESS);
  for (unsigned i = 0; i < 4; i++)
    ck_assert(inherited(&d, events[i]));
  finish(&d);
  ck_status(create(&(struct call){.flags = INHERIT_HANDLES, .list = list, .list_size = sizeof list}, &d),
            STATUS_SUCCESS);
  for (unsigned i = 0; i < 4; i++)
    ck_assert_int_eq(inherited(&d, events[i]), i % 2);
  ck_assert_uint_eq(ob_handle_count(process_of(d.process)), 2);
  /* the values between them are free in the child, the lowest first */
  HANDLE own;
  ck_status(ob_open_in(process_of(d.process), process_of(d.process), 0, 0, &own), STATUS_SUCCESS);
  ck_assert_uint_eq(own, 4);
  finish(&d);
  for (unsigned i = 0; i < 4; i++)
    ck_status(NtClose(events[i]), STATUS_SUCCESS);
}
END_TEST

START_TEST(handle_list_with_a_zero_inherits_nothing)
{
  HANDLE yes = event(true);
  struct debuggee d;
  const HANDLE lists[][2] = {{0, 0}, {yes, 0}, {0, yes}};
  for (unsigned i = 0; i < 3; i++) {
    ck_status(create(&(struct call){.flags = INHERIT_HANDLES, .list = lists[i], .list_size = 16}, &d), STATUS_SUCCESS);
    ck_assert_uint_eq(ob_handle_count(process_of(d.process)), 0);
    finish(&d);
  }
  ck_status(NtClose(yes), STATUS_SUCCESS);
}
END_TEST

START_TEST(handle_list_refusals)
{
  HANDLE yes = event(true), no = event(false);
  struct debuggee d;
  const HANDLE lists[][2] = {{no, yes},
                             {yes, no},
                             {yes, NtCurrentProcess()},
                             {NtCurrentThread(), yes},
                             {yes, 0x55550},
                             {yes, 0x7FFFFFFFFFFFFFFC}};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    ck_status(create(&(struct call){.flags = INHERIT_HANDLES, .list = lists[i], .list_size = 16}, &d),
              STATUS_INVALID_PARAMETER);
  static const HANDLE zero[1];
  static const ULONG64 sizes[] = {0, 1, 7, 9, 0x80008, 1ull << 40, ~0ull, ~7ull};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    ck_status(create(&(struct call){.flags = INHERIT_HANDLES, .list = zero, .list_size = sizes[i]}, &d),
              STATUS_INVALID_PARAMETER);
  /* without the flag even a list of nothing is refused */
  ck_status(create(&(struct call){.list = &yes, .list_size = 8}, &d), STATUS_INVALID_PARAMETER);
  ck_status(create(&(struct call){.list = zero, .list_size = 8}, &d), STATUS_INVALID_PARAMETER);
  ck_assert_uint_eq(d.process, 0);
  ck_status(NtClose(yes), STATUS_SUCCESS);
  ck_status(NtClose(no), STATUS_SUCCESS);
}
END_TEST

/* ---- PS_CREATE_INFO ---- */

static struct create_info info_of(ULONG init_flags)
{
  return (struct create_info){.Size = sizeof(struct create_info), .InitFlags = init_flags};
}

START_TEST(create_info_success)
{
  struct create_info info = info_of(WRITE_OUTPUT_ON_EXIT | PROHIBITED(IMAGE_FILE_DLL));
  struct debuggee d;
  ULONG before = ob_handle_count(PsGetCurrentProcess());
  ck_status(create(&(struct call){.info = &info}, &d), STATUS_SUCCESS);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before + 4);
  ck_assert_uint_eq(info.Size, sizeof info);
  ck_assert_uint_eq(info.State, SUCCESS);
  EPROCESS *process = process_of(d.process);
  ULONG64 parameters = 0;
  ck_status(mm_process_read(process, process->Peb + 0x20, &parameters, 8, NULL), STATUS_SUCCESS);
  ck_assert_uint_eq(info.Peb, process->Peb);
  ck_assert_uint_eq(info.Parameters, parameters);
  ck_assert_uint_eq(info.ParameterFlags, 1);
  /* the section is the image, the file can be read */
  SECTION_IMAGE_INFORMATION image;
  ck_status(NtQuerySection(info.Section, 1, AT(&image), sizeof image, 0), STATUS_SUCCESS);
  ck_assert_uint_eq(image.TransferAddress, process->entry_point);
  ck_assert_uint_ne(image.ImageCharacteristics & IMAGE_FILE_EXECUTABLE_IMAGE, 0);
  IO_STATUS_BLOCK64 io;
  char magic[2] = "";
  LONG64 start = 0;
  ck_status(NtReadFile(info.File, 0, 0, 0, AT(&io), AT(magic), 2, AT(&start), 0), STATUS_SUCCESS);
  ck_assert(magic[0] == 'M' && magic[1] == 'Z');
  ck_status(NtClose(info.File), STATUS_SUCCESS);
  ck_status(NtClose(info.Section), STATUS_SUCCESS);
  finish(&d);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before);
}
END_TEST

/* Who does not ask for output, or gives a structure of another size (Wine), gets no handles to close. */
START_TEST(create_info_that_asks_for_nothing_is_left_alone)
{
  ULONG before = ob_handle_count(PsGetCurrentProcess());
  for (unsigned i = 0; i < 2; i++) {
    struct create_info info = info_of(i ? WRITE_OUTPUT_ON_EXIT : 0), copy;
    struct debuggee d;
    info.Size -= i;
    copy = info;
    ck_status(create(&(struct call){.info = &info}, &d), STATUS_SUCCESS);
    ck_assert_mem_eq(&info, &copy, sizeof info);
    finish(&d);
    ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before);
  }
}
END_TEST

START_TEST(create_info_failures)
{
  ULONG before = ob_handle_count(PsGetCurrentProcess());
  struct create_info info = info_of(WRITE_OUTPUT_ON_EXIT);
  struct debuggee d;
  ck_status(create(&(struct call){.path = u"\\??\\C:\\app\\absent.exe", .info = &info}, &d),
            STATUS_OBJECT_NAME_NOT_FOUND);
  ck_assert_uint_eq(info.State, FAIL_ON_FILE_OPEN);
  ck_assert_uint_eq(info.File, 0);

  /* not a program: the caller may look at the file */
  info = info_of(WRITE_OUTPUT_ON_EXIT);
  ck_status(create(&(struct call){.path = u"\\??\\C:\\app\\run\\guest_cases.h", .info = &info}, &d),
            STATUS_INVALID_IMAGE_NOT_MZ);
  ck_assert_uint_eq(info.State, FAIL_ON_SECTION_CREATE);
  ck_status(NtClose(info.FailedFile), STATUS_SUCCESS);

  info = info_of(WRITE_OUTPUT_ON_EXIT | PROHIBITED(IMAGE_FILE_DLL));
  ck_status(create(&(struct call){.path = u"\\??\\C:\\app\\g_dll.dll", .info = &info}, &d),
            STATUS_INVALID_IMAGE_FORMAT);
  ck_assert_uint_eq(info.State, FAIL_EXE_FORMAT);
  ck_assert_uint_eq(ob_handle_count(PsGetCurrentProcess()), before);

  /* refused without output, too */
  info = info_of(PROHIBITED(IMAGE_FILE_EXECUTABLE_IMAGE));
  ck_status(create(&(struct call){.info = &info}, &d), STATUS_INVALID_IMAGE_FORMAT);
  ck_assert_uint_eq(info.State, 0);
  ck_assert_uint_eq(d.process, 0);
}
END_TEST

TCase *create_user_case(void)
{
  TCase *tests = kit_case("create user process");
  tcase_add_test(tests, handle_list_only_the_listed_are_inherited);
  tcase_add_test(tests, handle_list_with_a_zero_inherits_nothing);
  tcase_add_test(tests, handle_list_refusals);
  tcase_add_test(tests, create_info_success);
  tcase_add_test(tests, create_info_that_asks_for_nothing_is_left_alone);
  tcase_add_test(tests, create_info_failures);
  return tests;
}
