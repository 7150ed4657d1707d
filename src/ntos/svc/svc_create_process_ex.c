/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes as they were made before NtCreateUserProcess: from a section, without a thread (spec/3.6). */
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_create_process.h"
#include "ntos/svc/svc_process.h"

/* BREAKAWAY, NO_DEBUG_INHERIT, INHERIT_HANDLES, OVERRIDE_ADDRESS_SPACE. */
#define VALID_FLAGS 0xFu

/* What the handles of a call lead to; referenced, or NULL. */
struct sources {
  EPROCESS *parent;
  SECTION *section;
  void *debug_object;
  void *exception_port;
};

NTSTATUS svc_reference_parent(HANDLE Handle, EPROCESS **Parent)
{
  void *object;
  *Parent = NULL;
  NTSTATUS status = ObReferenceObjectByHandle(Handle, PROCESS_CREATE_PROCESS, ob_types()->Process, KeGetPreviousMode(),
                                              &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  EPROCESS *parent = object;
  if (parent->native && parent != PsGetCurrentProcess()) {
    ObDereferenceObject(object);
    return STATUS_ACCESS_DENIED;
  }
  *Parent = parent;
  return STATUS_SUCCESS;
}

static NTSTATUS reference_sources(struct sources *s, HANDLE parent, HANDLE section, HANDLE debug, HANDLE exception,
                                  ULONG job_level)
{
  void *object;
  NTSTATUS status = svc_reference_parent(parent, &s->parent);
  if (!NT_SUCCESS(status))
    return status;
  if (job_level)
    return STATUS_INVALID_PARAMETER;
  if (!section)
    return STATUS_NOT_IMPLEMENTED;
  status =
      ObReferenceObjectByHandle(section, SECTION_MAP_EXECUTE, ob_types()->Section, KeGetPreviousMode(), &object, NULL);
  if (!NT_SUCCESS(status))
    return status;
  s->section = object;
  if (debug)
    status = ObReferenceObjectByHandle(debug, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, KeGetPreviousMode(),
                                       &s->debug_object, NULL);
  if (NT_SUCCESS(status) && exception)
    status = ObReferenceObjectByHandle(exception, 0, ob_types()->Port, KeGetPreviousMode(), &s->exception_port, NULL);
  return status;
}

static void release_sources(const struct sources *s)
{
  if (s->parent)
    ObDereferenceObject(s->parent);
  if (s->section)
    ObDereferenceObject(s->section);
  if (s->debug_object)
    ObDereferenceObject(s->debug_object);
  if (s->exception_port)
    ObDereferenceObject(s->exception_port);
}

static NTSTATUS create(const struct sources *s, ULONG flags, ULONG handle_attributes, ACCESS_MASK access,
                       HANDLE *handle)
{
  EPROCESS *process;
  const char *path = mm_section_path(s->section);
  const struct life_process_request request = {
      .section = s->section,
      .parent = s->parent,
      .image_path = path ? path : "",
      .debug_object = s->debug_object,
      .flags = LIFE_NO_PARAMETERS | svc_life_flags(flags),
  };
  NTSTATUS status = PspCreateProcess(&request, &process);
  if (!NT_SUCCESS(status))
    return status;
  if (s->exception_port)
    status = PspSetExceptionPort(process, s->exception_port);
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(process, handle_attributes, access, ob_types()->Process, handle);
  ObDereferenceObject(process);
  return status;
}

NTSTATUS NtCreateProcessEx(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                           HANDLE ParentProcess, ULONG Flags, HANDLE SectionHandle, HANDLE DebugPort,
                           HANDLE ExceptionPort, ULONG JobMemberLevel)
{
  struct svc_object_attributes attributes;
  struct sources sources = {0};
  HANDLE handle;
  NTSTATUS status = svc_probe_handle(ProcessHandle);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  const ULONG handle_attributes = attributes.Attributes;
  svc_release_object_attributes(&attributes);
  if (!ParentProcess || (Flags & ~VALID_FLAGS))
    return STATUS_INVALID_PARAMETER;
  status = reference_sources(&sources, ParentProcess, SectionHandle, DebugPort, ExceptionPort, JobMemberLevel);
  if (NT_SUCCESS(status))
    status = create(&sources, Flags, handle_attributes, DesiredAccess, &handle);
  release_sources(&sources);
  if (NT_SUCCESS(status))
    svc_write_handle(ProcessHandle, handle);
  return status;
}

NTSTATUS NtCreateProcess(ULONG64 ProcessHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                         HANDLE ParentProcess, BOOLEAN InheritObjectTable, HANDLE SectionHandle, HANDLE DebugPort,
                         HANDLE ExceptionPort)
{
  ULONG flags = InheritObjectTable ? PROCESS_CREATE_FLAGS_INHERIT_HANDLES : 0;
  if (SectionHandle & 1)
    flags |= PROCESS_CREATE_FLAGS_BREAKAWAY;
  if (DebugPort & 1)
    flags |= PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT;
  return NtCreateProcessEx(ProcessHandle, DesiredAccess, ObjectAttributes, ParentProcess, flags,
                           SectionHandle & ~(HANDLE)1, DebugPort & ~(HANDLE)1, ExceptionPort, 0);
}

SVC_THUNK_9(NtCreateProcessEx, ULONG64, ACCESS_MASK, ULONG64, HANDLE, ULONG, HANDLE, HANDLE, HANDLE, ULONG)
SVC_THUNK_8(NtCreateProcess, ULONG64, ACCESS_MASK, ULONG64, HANDLE, BOOLEAN, HANDLE, HANDLE, HANDLE)

const struct svc_entry svc_create_process_ex_table[] = {
    SVC(NtCreateProcessEx, 9),
    SVC(NtCreateProcess, 8),
    {NULL, NULL, 0},
};
