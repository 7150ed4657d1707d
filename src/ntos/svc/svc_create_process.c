/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_parameters.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_section.h"

#include <stdlib.h>
#include <string.h>

#define PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT 0x2u
#define PROCESS_CREATE_FLAGS_INHERIT_HANDLES 0x4u
#define PROCESS_CREATE_FLAGS_SUSPENDED 0x200u
#define PS_STD_STATE_MASK 0x3u
#define PS_STD_NEVER_DUPLICATE 0u
/** Longest image name in bytes. */
#define MAX_IMAGE_NAME 0xFFFEu
#define PEB_PROCESS_PARAMETERS 0x20u

typedef enum _PS_CREATE_STATE {
  PsCreateInitialState,
  PsCreateFailOnFileOpen,
  PsCreateFailOnSectionCreate,
  PsCreateFailExeFormat,
  PsCreateFailMachineMismatch,
  PsCreateFailExeName,
  PsCreateSuccess
} PS_CREATE_STATE;

/** PS_CREATE_INFO with the part that success fills. */
typedef struct _PS_CREATE_INFO64 {
  ULONG64 Size;
  ULONG State;
  ULONG Reserved0;
  ULONG OutputFlags;
  ULONG Reserved1;
  HANDLE FileHandle, SectionHandle;
  ULONG64 UserProcessParametersNative;
  ULONG UserProcessParametersWow64, CurrentParameterFlags;
  ULONG64 PebAddressNative;
  ULONG PebAddressWow64, Reserved2;
  ULONG64 ManifestAddress;
  ULONG ManifestSize, Reserved3;
} PS_CREATE_INFO64;
C_ASSERT_SIZE(PS_CREATE_INFO64, 0x58);
C_ASSERT_OFFSET(PS_CREATE_INFO64, PebAddressNative, 0x38);

/** What NtCreateUserProcess was told. */
struct creation {
  struct svc_attribute attributes[SVC_MAX_ATTRIBUTES];
  ULONG attribute_count;
  struct svc_object_attributes process_attributes, thread_attributes;
  char *image; /**< NT path in normal form, pool */
  struct svc_parameters parameters;
  EPROCESS *parent;   /**< referenced */
  void *debug_object; /**< referenced, or NULL */
  SECTION *section;
  bool duplicate_standard_handles;
};

static const struct svc_attribute *find(const struct creation *c, ULONG attribute)
{
  for (ULONG i = 0; i < c->attribute_count; i++)
    if (c->attributes[i].Attribute == attribute)
      return &c->attributes[i];
  return NULL;
}

static void release(struct creation *c)
{
  svc_release_object_attributes(&c->process_attributes);
  svc_release_object_attributes(&c->thread_attributes);
  svc_release_parameters(&c->parameters);
  ExFreePool(c->image);
  if (c->parent)
    ObDereferenceObject(c->parent);
  if (c->debug_object)
    ObDereferenceObject(c->debug_object);
  if (c->section)
    ObDereferenceObject(c->section);
}

/* ---- capture ---- */

static NTSTATUS capture_image_name(struct creation *c)
{
  const struct svc_attribute *name = find(c, PS_ATTRIBUTE_IMAGE_NAME);
  if (!name || !name->Size || name->Size % sizeof(WCHAR) || name->Size > MAX_IMAGE_NAME)
    return STATUS_INVALID_PARAMETER;
  WCHAR *wide = ExAllocatePoolWithTag(name->Size, POOL_TAG('P', 's', 'I', 'm'));
  if (!wide)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = mm_user_read(wide, name->Value, name->Size);
  char *text = NT_SUCCESS(status) ? io_utf8(wide, name->Size / sizeof(WCHAR)) : NULL;
  ExFreePool(wide);
  if (!NT_SUCCESS(status))
    return status;
  status = text ? io_normalise(NULL, text, &c->image) : STATUS_INSUFFICIENT_RESOURCES;
  ExFreePool(text);
  return status;
}

static NTSTATUS reference_parties(struct creation *c)
{
  const struct svc_attribute *parent = find(c, PS_ATTRIBUTE_PARENT_PROCESS);
  const struct svc_attribute *debug = find(c, PS_ATTRIBUTE_DEBUG_OBJECT);
  NTSTATUS status = STATUS_SUCCESS;
  if (parent) {
    status = svc_reference_process(parent->Value, PROCESS_CREATE_PROCESS, &c->parent);
  } else {
    c->parent = PsGetCurrentProcess();
    ObReferenceObject(c->parent);
  }
  if (NT_SUCCESS(status) && debug)
    status = ObReferenceObjectByHandle(debug->Value, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, KeGetPreviousMode(),
                                       &c->debug_object, NULL);
  return status;
}

static NTSTATUS capture_standard_handles(struct creation *c)
{
  const struct svc_attribute *info = find(c, PS_ATTRIBUTE_STD_HANDLE_INFO);
  ULONG flags;
  /* A caller that says nothing (Wine's kernelbase) expects that its console goes on. */
  c->duplicate_standard_handles = true;
  if (!info)
    return STATUS_SUCCESS;
  NTSTATUS status =
      info->Size < sizeof flags ? STATUS_INVALID_PARAMETER : mm_user_read(&flags, info->Value, sizeof flags);
  if (NT_SUCCESS(status))
    c->duplicate_standard_handles = (flags & PS_STD_STATE_MASK) != PS_STD_NEVER_DUPLICATE;
  return status;
}

static NTSTATUS open_image(struct creation *c, ULONG *state)
{
  FILE_OBJECT *file;
  ULONG64 information;
  void *bytes = NULL;
  size_t size = 0;
  *state = PsCreateFailOnFileOpen;
  NTSTATUS status = IoCreateFile(c->image, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, FILE_OPEN,
                                 FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, &file, &information);
  if (!NT_SUCCESS(status))
    return status;
  *state = PsCreateFailOnSectionCreate;
  status = io_read_all(file, &bytes, &size);
  if (NT_SUCCESS(status)) {
    struct mm_file_source source = {.file_object = file,
                                    .path = file->path,
                                    .identity = file->writable ? 0 : file->identity,
                                    .bytes = bytes,
                                    .malloced = &bytes,
                                    .size = size};
    status = MmCreateSection(&c->section, &source, 0, PAGE_EXECUTE_READ, SEC_IMAGE);
    free(bytes);
  }
  ObDereferenceObject(file);
  return status;
}

/* ---- the new process ---- */

/* Gives the child the parent's standard handles that it did not inherit, and tells it their values there. */
static void duplicate_standard_handles(const struct creation *c, EPROCESS *process, ULONG64 parameters)
{
  for (unsigned i = 0; i < 3; i++) {
    ULONG64 slot = parameters + SVC_PARAMETERS_STANDARD_INPUT + i * sizeof(HANDLE);
    HANDLE handle = 0, copy;
    void *object, *own;
    ACCESS_MASK granted;
    ULONG attributes;
    if (!NT_SUCCESS(mm_process_read(process, slot, &handle, sizeof handle, NULL)) || !handle ||
        handle == NtCurrentProcess() || handle == NtCurrentThread() ||
        !NT_SUCCESS(ob_reference_in(c->parent, handle, 0, NULL, KernelMode, &object, &granted, &attributes)))
      continue;
    if (NT_SUCCESS(ob_reference_in(process, handle, 0, NULL, KernelMode, &own, NULL, NULL))) {
      ObDereferenceObject(own);
      if (own == object) {
        ObDereferenceObject(object);
        continue;
      }
    }
    if (NT_SUCCESS(ob_open_in(process, object, attributes & OBJ_INHERIT, granted, &copy)))
      (void)mm_process_write(process, slot, &copy, sizeof copy, NULL);
    ObDereferenceObject(object);
  }
}

static NTSTATUS write_create_info(ULONG64 address, ULONG state, const EPROCESS *process, ULONG64 parameters)
{
  PS_CREATE_INFO64 info;
  memset(&info, 0, sizeof info);
  info.Size = sizeof info;
  info.State = state;
  if (process) {
    info.UserProcessParametersNative = parameters;
    info.PebAddressNative = process->Peb;
    info.CurrentParameterFlags = SVC_PARAMETERS_NORMALIZED;
  }
  return address ? mm_user_write(address, &info, sizeof info) : STATUS_SUCCESS;
}

static NTSTATUS write_attributes(const struct creation *c, const ETHREAD *thread)
{
  const struct svc_attribute *image = find(c, PS_ATTRIBUTE_IMAGE_INFO);
  SECTION_IMAGE_INFORMATION information;
  NTSTATUS status = svc_return_thread_attributes(c->attributes, c->attribute_count, thread);
  if (NT_SUCCESS(status) && image && svc_image_information(c->section, &information))
    status = svc_return_attribute(image, &information, sizeof information);
  return status;
}

struct outputs {
  ULONG64 process_handle, thread_handle, create_info;
  ACCESS_MASK process_access, thread_access;
};

static NTSTATUS publish(const struct creation *c, EPROCESS *process, ETHREAD *thread, const struct outputs *to)
{
  HANDLE process_handle, thread_handle;
  ULONG64 parameters = 0;
  NTSTATUS status =
      mm_process_read(process, process->Peb + PEB_PROCESS_PARAMETERS, &parameters, sizeof parameters, NULL);
  if (NT_SUCCESS(status) && c->duplicate_standard_handles)
    duplicate_standard_handles(c, process, parameters);
  if (NT_SUCCESS(status))
    status = write_attributes(c, thread);
  if (NT_SUCCESS(status))
    status = write_create_info(to->create_info, PsCreateSuccess, process, parameters);
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(process, c->process_attributes.Attributes, to->process_access, ob_types()->Process,
                                   &process_handle);
  if (!NT_SUCCESS(status))
    return status;
  status = ObOpenObjectByPointer(thread, c->thread_attributes.Attributes, to->thread_access, ob_types()->Thread,
                                 &thread_handle);
  if (!NT_SUCCESS(status)) {
    ObCloseHandle(process_handle, KernelMode);
    return status;
  }
  svc_write_handle(to->process_handle, process_handle);
  svc_write_handle(to->thread_handle, thread_handle);
  return STATUS_SUCCESS;
}

/* Creates suspended, so that the caller has handles and ids before the process runs. */
static NTSTATUS create(const struct creation *c, ULONG process_flags, ULONG thread_flags, const struct outputs *to)
{
  EPROCESS *process;
  ETHREAD *thread;
  const char *image = strncmp(c->image, "\\??\\", 4) == 0 ? c->image + 4 : c->image;
  struct life_process_request request = {
      .section = c->section,
      .parent = c->parent,
      .image_path = image,
      .command_line = image,
      .current_directory = "C:\\",
      .parameters = c->parameters.block,
      .parameters_size = c->parameters.size,
      .debug_object = c->debug_object,
      .flags = LIFE_CREATE_SUSPENDED |
               (process_flags & PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT ? LIFE_NO_DEBUG_INHERIT : 0) |
               (process_flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES ? LIFE_INHERIT_HANDLES : 0),
  };
  NTSTATUS status = PspCreateUserProcess(&request, &process, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = publish(c, process, thread, to);
  if (!NT_SUCCESS(status))
    PsTerminateProcess(process, status);
  else if (!(thread_flags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) && !(process_flags & PROCESS_CREATE_FLAGS_SUSPENDED))
    PsResumeThread(thread, NULL);
  ObDereferenceObject(thread);
  ObDereferenceObject(process);
  return status;
}

/* Wine's kernelbase leaves PS_CREATE_INFO uninitialised: one of another size is not written instead of refused. */
static NTSTATUS probe(struct outputs *to)
{
  ULONG64 size = 0;
  NTSTATUS status = svc_probe_handle(to->process_handle);
  if (NT_SUCCESS(status))
    status = svc_probe_handle(to->thread_handle);
  if (NT_SUCCESS(status) && to->create_info)
    status = ProbeForWrite(to->create_info, sizeof(PS_CREATE_INFO64), 8);
  if (NT_SUCCESS(status) && to->create_info)
    status = mm_user_read_u64(to->create_info, &size);
  if (NT_SUCCESS(status) && size != sizeof(PS_CREATE_INFO64))
    to->create_info = 0;
  return status;
}

NTSTATUS NtCreateUserProcess(ULONG64 ProcessHandle, ULONG64 ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
                             ACCESS_MASK ThreadDesiredAccess, ULONG64 ProcessObjectAttributes,
                             ULONG64 ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags,
                             ULONG64 ProcessParameters, ULONG64 CreateInfo, ULONG64 AttributeList)
{
  struct outputs to = {ProcessHandle, ThreadHandle, CreateInfo, ProcessDesiredAccess, ThreadDesiredAccess};
  struct creation *c = ExAllocatePoolWithTag(sizeof *c, POOL_TAG('P', 's', 'C', 'r'));
  ULONG state = PsCreateInitialState;
  if (!c)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = probe(&to);
  if (NT_SUCCESS(status))
    status = svc_capture_attributes(AttributeList, c->attributes, &c->attribute_count);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ProcessObjectAttributes, &c->process_attributes);
  if (NT_SUCCESS(status))
    status = svc_capture_object_attributes(ThreadObjectAttributes, &c->thread_attributes);
  if (NT_SUCCESS(status))
    status = capture_image_name(c);
  if (NT_SUCCESS(status) && ProcessParameters)
    status = svc_capture_parameters(ProcessParameters, &c->parameters);
  if (NT_SUCCESS(status))
    status = capture_standard_handles(c);
  if (NT_SUCCESS(status))
    status = reference_parties(c);
  if (NT_SUCCESS(status)) {
    status = open_image(c, &state);
    if (!NT_SUCCESS(status))
      (void)write_create_info(to.create_info, state, NULL, 0);
    else
      status = create(c, ProcessFlags, ThreadFlags, &to);
  }
  release(c);
  ExFreePool(c);
  return status;
}

SVC_THUNK_11(NtCreateUserProcess, ULONG64, ULONG64, ACCESS_MASK, ACCESS_MASK, ULONG64, ULONG64, ULONG, ULONG, ULONG64,
             ULONG64, ULONG64)

const struct svc_entry svc_create_process_table[] = {
    SVC(NtCreateUserProcess, 11),
    {NULL, NULL, 0},
};
