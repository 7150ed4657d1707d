/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_capture.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"

#include <string.h>

#define TAG POOL_TAG('O', 'b', 'N', 'm')
/* OBJ_INHERIT, PERMANENT, EXCLUSIVE, CASE_INSENSITIVE, OPENIF, OPENLINK, KERNEL_HANDLE, FORCE_ACCESS_CHECK,
 * IGNORE_IMPERSONATED_DEVICEMAP, DONT_REPARSE. */
#define OBJ_VALID_ATTRIBUTES 0x1FF2u

static NTSTATUS join(const char *directory, char **name)
{
  size_t head = strlen(directory), tail = strlen(*name);
  if (head > 0 && directory[head - 1] == '\\')
    head--;
  char *path = ExAllocatePoolWithTag(head + tail + 2, TAG);
  if (!path)
    return STATUS_INSUFFICIENT_RESOURCES;
  memcpy(path, directory, head);
  if (tail > 0 || head == 0)
    path[head++] = '\\';
  memcpy(path + head, *name, tail + 1);
  ExFreePool(*name);
  *name = path;
  return STATUS_SUCCESS;
}

static NTSTATUS capture_name(const OBJECT_ATTRIBUTES64 *from, struct svc_object_attributes *out)
{
  if (from->ObjectName) {
    NTSTATUS status = mm_user_read_utf8(from->ObjectName, &out->name);
    if (!NT_SUCCESS(status))
      return status;
  }
  if (!from->RootDirectory) {
    if (out->name && !*out->name) {
      ExFreePool(out->name);
      out->name = NULL;
    }
    return !out->name || *out->name == '\\' ? STATUS_SUCCESS : STATUS_OBJECT_PATH_SYNTAX_BAD;
  }
  if (!out->name)
    return STATUS_SUCCESS;
  void *root = NULL;
  NTSTATUS status =
      ObReferenceObjectByHandle(from->RootDirectory, 0, NULL, (KPROCESSOR_MODE)KeGetPreviousMode(), &root, NULL);
  if (!NT_SUCCESS(status))
    return status;
  if (ob_header(root)->Type != ob_types()->Directory) {
    out->root = root;
    return STATUS_SUCCESS;
  }
  const char *directory = ob_object_name(root);
  if (*out->name == '\\')
    status = STATUS_OBJECT_PATH_SYNTAX_BAD;
  else if (directory)
    status = join(directory, &out->name);
  else
    status = STATUS_OBJECT_PATH_NOT_FOUND;
  ObDereferenceObject(root);
  return status;
}

NTSTATUS svc_capture_object_attributes(ULONG64 object_attributes, struct svc_object_attributes *out)
{
  memset(out, 0, sizeof *out);
  if (!object_attributes)
    return STATUS_SUCCESS;
  OBJECT_ATTRIBUTES64 from;
  NTSTATUS status = ProbeForRead(object_attributes, sizeof from, 8);
  if (NT_SUCCESS(status))
    status = mm_user_read(&from, object_attributes, sizeof from);
  if (!NT_SUCCESS(status))
    return status;
  if (from.Length != sizeof from || (from.Attributes & ~OBJ_VALID_ATTRIBUTES))
    return STATUS_INVALID_PARAMETER;
  out->Attributes = from.Attributes & ~OBJ_KERNEL_HANDLE;
  status = capture_name(&from, out);
  if (!NT_SUCCESS(status))
    svc_release_object_attributes(out);
  return status;
}

void svc_release_object_attributes(struct svc_object_attributes *attributes)
{
  ExFreePool(attributes->name);
  if (attributes->root)
    ObDereferenceObject(attributes->root);
  memset(attributes, 0, sizeof *attributes);
}

NTSTATUS svc_probe_handle(ULONG64 address) { return ProbeForWrite(address, sizeof(HANDLE), 1); }

void svc_write_handle(ULONG64 address, HANDLE handle) { (void)mm_user_write(address, &handle, sizeof handle); }

NTSTATUS svc_capture_timeout(ULONG64 address, LONG64 *storage, const LONG64 **timeout)
{
  *timeout = NULL;
  if (!address)
    return STATUS_SUCCESS;
  NTSTATUS status = mm_user_read(storage, address, sizeof *storage);
  if (NT_SUCCESS(status))
    *timeout = storage;
  return status;
}

NTSTATUS svc_write_information(ULONG64 address, const void *information, ULONG size, ULONG64 return_length)
{
  NTSTATUS status = mm_user_write(address, information, size);
  if (NT_SUCCESS(status) && return_length)
    status = mm_user_write(return_length, &size, sizeof size);
  return status;
}
