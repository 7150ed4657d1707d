/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_create_process.h"
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/life/life.h"
#include "ntos/svc/svc_capture.h"
#include "ntos/svc/svc_parameters.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_section.h"

#include <stdlib.h>
#include <string.h>

#define PS_STD_STATE_MASK 0x3u
#define PS_STD_NEVER_DUPLICATE 0u
/** Longest image name, longest list of handles in bytes. */
#define MAX_IMAGE_NAME 0xFFFEu
#define MAX_HANDLE_LIST 0x80000u
#define PEB_PROCESS_PARAMETERS 0x20u
#define STARTF_USESTDHANDLES 0x100u
#define RUN_ACCESS (FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE)

/** What NtCreateUserProcess was told. */
struct creation {
  struct svc_attribute attributes[SVC_MAX_ATTRIBUTES];
  ULONG attribute_count;
  struct svc_object_attributes process_attributes, thread_attributes;
  char *image; /**< NT path in normal form, pool */
  struct svc_parameters parameters;
  EPROCESS *parent;   /**< referenced */
  void *debug_object; /**< referenced, or NULL */
  FILE_OBJECT *file;
  SECTION *section;
  struct svc_create_info info;
  HANDLE *handles; /**< pool; what alone is inherited, or NULL */
  size_t handle_count;
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
  if (c->file)
    ObDereferenceObject(c->file);
  if (c->section)
    ObDereferenceObject(c->section);
  ExFreePool(c->handles);
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
    status = svc_reference_parent(parent->Value, &c->parent);
  } else {
    c->parent = PsGetCurrentProcess();
    ObReferenceObject(c->parent);
  }
  if (NT_SUCCESS(status) && debug)
    status = ObReferenceObjectByHandle(debug->Value, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, KeGetPreviousMode(),
                                       &c->debug_object, NULL);
  return status;
}

/* PROC_THREAD_ATTRIBUTE_HANDLE_LIST, which goes with the flag only. As measured on Windows a 0 anywhere in the list
 * makes it one of no handles. */
static NTSTATUS capture_handle_list(struct creation *c, ULONG process_flags)
{
  const struct svc_attribute *list = find(c, PS_ATTRIBUTE_HANDLE_LIST);
  if (!list)
    return STATUS_SUCCESS;
  if (!(process_flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES) || !list->Size || list->Size % sizeof(HANDLE) ||
      list->Size > MAX_HANDLE_LIST)
    return STATUS_INVALID_PARAMETER;
  c->handles = ExAllocatePoolWithTag(list->Size, POOL_TAG('P', 's', 'H', 'l'));
  if (!c->handles)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = mm_user_read(c->handles, list->Value, list->Size);
  if (!NT_SUCCESS(status))
    return status;
  c->handle_count = list->Size / sizeof(HANDLE);
  for (size_t i = 0; i < c->handle_count; i++)
    if (!c->handles[i])
      c->handle_count = 0;
  return STATUS_SUCCESS;
}

static NTSTATUS capture_standard_handles(struct creation *c)
{
  const struct svc_attribute *info = find(c, PS_ATTRIBUTE_STD_HANDLE_INFO);
  ULONG flags;
  if (!info) {
    ULONG window_flags = 0;
    if (c->parameters.block)
      memcpy(&window_flags, c->parameters.block + SVC_PARAMETERS_WINDOW_FLAGS, sizeof window_flags);
    /* A caller that says nothing (Wine's kernelbase) expects that its console goes on; of handles that it names itself
     * the list decides. */
    c->duplicate_standard_handles = !(c->handles && (window_flags & STARTF_USESTDHANDLES));
    return STATUS_SUCCESS;
  }
  NTSTATUS status =
      info->Size < sizeof flags ? STATUS_INVALID_PARAMETER : mm_user_read(&flags, info->Value, sizeof flags);
  if (NT_SUCCESS(status))
    c->duplicate_standard_handles = (flags & PS_STD_STATE_MASK) != PS_STD_NEVER_DUPLICATE;
  return status;
}

static NTSTATUS make_section(struct creation *c)
{
  void *bytes = NULL;
  size_t size = 0;
  NTSTATUS status = io_read_all(c->file, &bytes, &size);
  if (!NT_SUCCESS(status))
    return status;
  struct mm_file_source source = {.file_object = c->file,
                                  .path = c->file->path,
                                  .identity = c->file->writable ? 0 : c->file->identity,
                                  .bytes = bytes,
                                  .malloced = &bytes,
                                  .size = size};
  status = MmCreateSection(&c->section, &source, 0, PAGE_EXECUTE_READ, SEC_IMAGE);
  free(bytes);
  return status;
}

/* A handle of the image's file for the caller. */
static NTSTATUS open_file_handle(const struct creation *c, HANDLE *handle)
{
  return ObOpenObjectByPointer(c->file, 0, io_grant(c->file, RUN_ACCESS | c->info.additional_access), NULL, handle);
}

/* Opens the image, and says in `result` what a failure is of. */
static NTSTATUS open_image(struct creation *c, struct svc_create_result *result)
{
  ULONG64 information;
  result->state = PsCreateFailOnFileOpen;
  NTSTATUS status = IoCreateFile(c->image, RUN_ACCESS | c->info.additional_access, FILE_OPEN,
                                 FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, &c->file, &information);
  if (!NT_SUCCESS(status))
    return status;
  result->state = PsCreateFailOnSectionCreate;
  status = make_section(c);
  if (!NT_SUCCESS(status)) {
    if (c->info.address)
      (void)open_file_handle(c, &result->file);
    return status;
  }
  const struct pe_headers *headers = mm_section_headers(c->section);
  if (!(headers->characteristics & c->info.prohibited))
    return STATUS_SUCCESS;
  result->state = PsCreateFailExeFormat;
  result->dll_characteristics = headers->dll_characteristics;
  return STATUS_INVALID_IMAGE_FORMAT;
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
  ULONG64 process_handle, thread_handle;
  ACCESS_MASK process_access, thread_access;
};

/* The handles that a caller gets. */
struct handles {
  HANDLE process, thread;
  struct svc_create_result result;
};

static NTSTATUS open_handles(const struct creation *c, EPROCESS *process, ETHREAD *thread, const struct outputs *to,
                             struct handles *h)
{
  NTSTATUS status = STATUS_SUCCESS;
  if (c->info.address) {
    status = open_file_handle(c, &h->result.file);
    if (NT_SUCCESS(status))
      status = ObOpenObjectByPointer(c->section, 0, SECTION_QUERY | SECTION_MAP_READ | SECTION_MAP_EXECUTE,
                                     ob_types()->Section, &h->result.section);
  }
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(process, c->process_attributes.Attributes, to->process_access, ob_types()->Process,
                                   &h->process);
  if (NT_SUCCESS(status))
    status = ObOpenObjectByPointer(thread, c->thread_attributes.Attributes, to->thread_access, ob_types()->Thread,
                                   &h->thread);
  return status;
}

static void close_handles(const struct handles *h)
{
  const HANDLE all[] = {h->process, h->thread, h->result.file, h->result.section};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (all[i])
      ObCloseHandle(all[i], KernelMode);
}

static NTSTATUS publish(const struct creation *c, EPROCESS *process, ETHREAD *thread, const struct outputs *to)
{
  struct handles h = {.result = {.state = PsCreateSuccess, .peb = process->Peb}};
  ULONG64 *parameters = &h.result.parameters;
  NTSTATUS status =
      mm_process_read(process, process->Peb + PEB_PROCESS_PARAMETERS, parameters, sizeof *parameters, NULL);
  if (NT_SUCCESS(status) && c->duplicate_standard_handles)
    duplicate_standard_handles(c, process, *parameters);
  if (NT_SUCCESS(status))
    status = write_attributes(c, thread);
  if (NT_SUCCESS(status))
    status = open_handles(c, process, thread, to, &h);
  if (NT_SUCCESS(status))
    status = svc_write_create_info(&c->info, &h.result);
  if (!NT_SUCCESS(status)) {
    close_handles(&h);
    return status;
  }
  svc_write_handle(to->process_handle, h.process);
  svc_write_handle(to->thread_handle, h.thread);
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
      .flags = LIFE_CREATE_SUSPENDED | svc_life_flags(process_flags),
      .inherited = c->handles,
      .inherited_count = c->handle_count,
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

NTSTATUS NtCreateUserProcess(ULONG64 ProcessHandle, ULONG64 ThreadHandle, ACCESS_MASK ProcessDesiredAccess,
                             ACCESS_MASK ThreadDesiredAccess, ULONG64 ProcessObjectAttributes,
                             ULONG64 ThreadObjectAttributes, ULONG ProcessFlags, ULONG ThreadFlags,
                             ULONG64 ProcessParameters, ULONG64 CreateInfo, ULONG64 AttributeList)
{
  const struct outputs to = {ProcessHandle, ThreadHandle, ProcessDesiredAccess, ThreadDesiredAccess};
  struct svc_create_result result = {.state = PsCreateInitialState};
  struct creation *c = ExAllocatePoolWithTag(sizeof *c, POOL_TAG('P', 's', 'C', 'r'));
  if (!c)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = svc_probe_handle(ProcessHandle);
  if (NT_SUCCESS(status))
    status = svc_probe_handle(ThreadHandle);
  if (NT_SUCCESS(status))
    status = svc_capture_create_info(CreateInfo, &c->info);
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
    status = capture_handle_list(c, ProcessFlags);
  if (NT_SUCCESS(status))
    status = capture_standard_handles(c);
  if (NT_SUCCESS(status))
    status = reference_parties(c);
  if (NT_SUCCESS(status)) {
    status = open_image(c, &result);
    if (NT_SUCCESS(status))
      status = create(c, ProcessFlags, ThreadFlags, &to);
    else
      (void)svc_write_create_info(&c->info, &result);
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
