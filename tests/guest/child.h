/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file child.h  Starting another guest program, and reading debug events, for programs that are debuggers. */
#ifndef TESTS_GUEST_CHILD_H
#define TESTS_GUEST_CHILD_H

#include "nano.h"

#define PS_ATTRIBUTE_CLIENT_ID 0x10003u
#define PS_ATTRIBUTE_IMAGE_NAME 0x20005u
#define PS_ATTRIBUTE_DEBUG_OBJECT 0x60001u
#define PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT 0x2u
#define RTL_USER_PROC_PARAMS_NORMALIZED 1u

/** A process that was started. */
struct child {
  HANDLE process, thread;
  CLIENT_ID id;
};

typedef struct _CHILD_PARAMETERS { /* RTL_USER_PROCESS_PARAMETERS and its strings */
  NANO_PROCESS_PARAMETERS head;
  ULONG64 Environment;
  UCHAR unused[0x3F0 - 0x88];
  ULONG64 EnvironmentSize, EnvironmentVersion;
  UCHAR unused1[0x410 - 0x400];
  WCHAR environment[4];
  WCHAR path[300];
  WCHAR directory[8];
} CHILD_PARAMETERS;
C_ASSERT_OFFSET(CHILD_PARAMETERS, Environment, 0x80);
C_ASSERT_OFFSET(CHILD_PARAMETERS, EnvironmentSize, 0x3F0);
C_ASSERT_OFFSET(CHILD_PARAMETERS, environment, 0x410);

INLINE void set_string(UNICODE_STRING64 *string, const WCHAR *text, ULONG length)
{
  string->Length = (USHORT)(2 * length);
  string->MaximumLength = (USHORT)(2 * length + 2);
  string->Buffer = (ULONG64)text;
}

/** DOS path of a file beside the running program; its length without the terminator. */
INLINE ULONG beside_program(const char *file, WCHAR *path)
{
  UNICODE_STRING64 *image = &nano_teb()->ProcessEnvironmentBlock->ProcessParameters->ImagePathName;
  const WCHAR *own = (const WCHAR *)image->Buffer;
  ULONG length = 0;
  for (ULONG i = 0; i < image->Length / 2u && i < 200; i++) {
    path[i] = own[i];
    if (own[i] == '\\')
      length = i + 1;
  }
  for (; *file; file++)
    path[length++] = (WCHAR)*file;
  path[length] = 0;
  return length;
}

/** NtCreateUserProcess of a program beside this one; `debug_object` 0 for none. */
INLINE NTSTATUS start_child(const char *file, HANDLE debug_object, ULONG flags, struct child *child)
{
  static CHILD_PARAMETERS parameters;
  static WCHAR nt_path[300];
  struct {
    ULONG64 attribute, size, value, returned;
  } * attribute;
  struct {
    ULONG64 total, attributes[12];
  } list;
  struct {
    ULONG64 size, rest[10];
  } information = {.size = 0x58};
  NANO_PROCESS_PARAMETERS *own = nano_teb()->ProcessEnvironmentBlock->ProcessParameters;
  ULONG length = beside_program(file, parameters.path), prefix = 0;
  for (; "\\??\\"[prefix]; prefix++)
    nt_path[prefix] = (WCHAR) "\\??\\"[prefix];
  memcpy(nt_path + prefix, parameters.path, 2 * length + 2);
  memcpy(parameters.directory, u"C:\\", 8);
  parameters.head.MaximumLength = parameters.head.Length = sizeof(parameters);
  parameters.head.Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
  parameters.head.StandardOutput = own->StandardOutput;
  set_string(&parameters.head.ImagePathName, parameters.path, length);
  set_string(&parameters.head.CommandLine, parameters.path, length);
  set_string(&parameters.head.CurrentDirectory, parameters.directory, 3);
  parameters.Environment = (ULONG64)parameters.environment;
  parameters.EnvironmentSize = sizeof(parameters.environment);
  attribute = (void *)list.attributes;
  attribute->attribute = PS_ATTRIBUTE_IMAGE_NAME;
  attribute->size = 2 * (prefix + length);
  attribute->value = (ULONG64)nt_path;
  attribute++->returned = 0;
  attribute->attribute = PS_ATTRIBUTE_CLIENT_ID;
  attribute->size = sizeof(child->id);
  attribute->value = (ULONG64)&child->id;
  attribute++->returned = 0;
  if (debug_object) {
    attribute->attribute = PS_ATTRIBUTE_DEBUG_OBJECT;
    attribute->size = 8;
    attribute->value = debug_object;
    attribute++->returned = 0;
  }
  list.total = (ULONG64)((UCHAR *)attribute - (UCHAR *)&list);
  return NtCreateUserProcess(&child->process, &child->thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, NULL, NULL, flags,
                             0, &parameters, &information, &list);
}

/** Exit status of a process, STATUS_PENDING while it lives. */
INLINE NTSTATUS process_exit_status(HANDLE process)
{
  ULONG64 information[6] = {0};
  NTSTATUS status = NtQueryInformationProcess(process, 0, information, sizeof(information), NULL);
  return NT_SUCCESS(status) ? (NTSTATUS)information[0] : status;
}

/** Waits for an event of a state; ends the program if another one comes, or none within a second. */
INLINE void expect_state(HANDLE debug_object, DBG_STATE state, DBGUI_WAIT_STATE_CHANGE *event)
{
  *event = (DBGUI_WAIT_STATE_CHANGE){0};
  CHECK_STATUS(NtWaitForDebugEvent(debug_object, FALSE, MILLISECONDS(1000), event), STATUS_SUCCESS);
  if (event->NewState != (ULONG)state) {
    print_number("expected state ", state);
    print_number("got state ", event->NewState);
    check_failed(__LINE__, "state");
  }
}

#endif
