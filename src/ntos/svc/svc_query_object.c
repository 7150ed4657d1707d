/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_named.h"
#include "ntos/svc/svc_object.h"

#include <string.h>

#define TAG POOL_TAG('O', 'b', 'Q', 'u')

enum object_information_class {
  ObjectBasicInformation,
  ObjectNameInformation,
  ObjectTypeInformation,
  ObjectTypesInformation,
  ObjectHandleFlagInformation
};

struct object_basic_information {
  ULONG Attributes;
  ACCESS_MASK GrantedAccess;
  ULONG HandleCount;
  ULONG PointerCount;
  ULONG PagedPoolCharge, NonPagedPoolCharge;
  ULONG Reserved[3];
  ULONG NameInfoSize, TypeInfoSize, SecurityDescriptorSize;
  LONG64 CreationTime;
};
C_ASSERT_SIZE(struct object_basic_information, 0x38);

struct object_type_information {
  UNICODE_STRING64 TypeName;
  ULONG TotalNumberOfObjects, TotalNumberOfHandles;
  ULONG TotalPagedPoolUsage, TotalNonPagedPoolUsage, TotalNamePoolUsage, TotalHandleTableUsage;
  ULONG HighWaterNumberOfObjects, HighWaterNumberOfHandles;
  ULONG HighWaterPagedPoolUsage, HighWaterNonPagedPoolUsage, HighWaterNamePoolUsage, HighWaterHandleTableUsage;
  ULONG InvalidAttributes;
  GENERIC_MAPPING GenericMapping;
  ULONG ValidAccessMask;
  BOOLEAN SecurityRequired, MaintainHandleCount;
  UCHAR TypeIndex, ReservedByte;
  ULONG PoolType, DefaultPagedPoolCharge, DefaultNonPagedPoolCharge;
};
C_ASSERT_SIZE(struct object_type_information, 0x68);
C_ASSERT_OFFSET(struct object_type_information, ValidAccessMask, 0x54);

/* Bytes of one type with its name behind it. */
static ULONG type_size(const OBJECT_TYPE *type)
{
  ULONG name = (ULONG)(strlen(type->Name) + 1) * sizeof(WCHAR);
  return (ULONG)sizeof(struct object_type_information) + name;
}

/* Lays a type out at `out`, which user mode will see at `address`. Type names are ASCII. */
static void lay_out_type(const OBJECT_TYPE *type, UCHAR *out, ULONG64 address)
{
  struct object_type_information information = {0};
  size_t length = strlen(type->Name);
  WCHAR letter;
  information.TypeName.Length = (USHORT)(length * sizeof letter);
  information.TypeName.MaximumLength = (USHORT)((length + 1) * sizeof letter);
  information.TypeName.Buffer = address + sizeof information;
  information.TotalNumberOfObjects = type->TotalNumberOfObjects;
  information.TotalNumberOfHandles = type->TotalNumberOfHandles;
  information.HighWaterNumberOfObjects = type->HighWaterNumberOfObjects;
  information.HighWaterNumberOfHandles = type->HighWaterNumberOfHandles;
  information.InvalidAttributes = OBJ_OPENIF | 0x100;
  information.GenericMapping = type->GenericMapping;
  information.ValidAccessMask = type->ValidAccessMask;
  information.TypeIndex = (UCHAR)type->Index;
  memcpy(out, &information, sizeof information);
  for (size_t i = 0; i <= length; i++) {
    letter = (UCHAR)type->Name[i];
    memcpy(out + sizeof information + i * sizeof letter, &letter, sizeof letter);
  }
}

/* Ends a query whose answer has a size of its own: the length is told in every case. */
static NTSTATUS answer(ULONG64 address, ULONG length, const void *bytes, ULONG needed, ULONG64 return_length)
{
  NTSTATUS status = STATUS_INFO_LENGTH_MISMATCH;
  if (length >= needed)
    status = mm_user_write(address, bytes, needed);
  if (return_length && (NT_SUCCESS(status) || length < needed))
    (void)mm_user_write(return_length, &needed, sizeof needed);
  return status;
}

static ULONG align_type(ULONG size) { return (size + 7) & ~7u; }

static void measure_type(void *context, OBJECT_TYPE *type)
{
  ULONG *size = context;
  *size = align_type(*size) + type_size(type);
}

struct types_writer {
  UCHAR *bytes;
  ULONG64 address;
  ULONG at;
};

static void write_type(void *context, OBJECT_TYPE *type)
{
  struct types_writer *writer = context;
  ULONG at = align_type(writer->at);
  lay_out_type(type, writer->bytes + at, writer->address + at);
  writer->at = at + type_size(type);
  *(ULONG *)(void *)writer->bytes += 1; /* NumberOfTypes */
}

static NTSTATUS query_types(ULONG64 address, ULONG length, ULONG64 return_length)
{
  ULONG needed = sizeof(ULONG);
  ob_for_each_type(measure_type, &needed);
  needed = align_type(needed);
  if (length < needed)
    return answer(address, length, NULL, needed, return_length);
  struct types_writer writer = {.address = address, .at = sizeof(ULONG)};
  writer.bytes = ExAllocatePoolWithTag(needed, TAG);
  if (!writer.bytes)
    return STATUS_INSUFFICIENT_RESOURCES;
  ob_for_each_type(write_type, &writer);
  NTSTATUS status = answer(address, length, writer.bytes, needed, return_length);
  ExFreePool(writer.bytes);
  return status;
}

static NTSTATUS query_type(const OBJECT_TYPE *type, ULONG64 address, ULONG length, ULONG64 return_length)
{
  ULONG needed = align_type(type_size(type));
  UCHAR *bytes = ExAllocatePoolWithTag(needed, TAG);
  if (!bytes)
    return STATUS_INSUFFICIENT_RESOURCES;
  lay_out_type(type, bytes, address);
  NTSTATUS status = answer(address, length, bytes, needed, return_length);
  ExFreePool(bytes);
  return status;
}

static const char *name_of(void *object)
{
  if (ob_header(object)->Type == ob_types()->File)
    return ((const FILE_OBJECT *)object)->path;
  return ob_object_name(object);
}

static NTSTATUS query_name(void *object, ULONG64 address, ULONG length, ULONG64 return_length)
{
  const char *path = name_of(object);
  ULONG bytes = 0;
  WCHAR *text = NULL;
  if (path) {
    text = io_utf16(path, &bytes);
    if (!text)
      return STATUS_INSUFFICIENT_RESOURCES;
  }
  /* UNICODE_STRING.MaximumLength counts the terminator. */
  if (bytes > 0xFFFC)
    bytes = 0xFFFC;
  ULONG tail = bytes ? bytes + (ULONG)sizeof(WCHAR) : 0;
  ULONG needed = (ULONG)sizeof(UNICODE_STRING64) + tail;
  UCHAR *out = ExAllocatePoolWithTag(needed, TAG);
  if (!out) {
    ExFreePool(text);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  if (tail) {
    UNICODE_STRING64 name = {.Length = (USHORT)bytes, .MaximumLength = (USHORT)tail};
    name.Buffer = address + sizeof name;
    memcpy(out, &name, sizeof name);
    memcpy(out + sizeof name, text, bytes);
  }
  NTSTATUS status = answer(address, length, out, needed, return_length);
  ExFreePool(text);
  ExFreePool(out);
  return status;
}

static NTSTATUS query_basic(void *object, ACCESS_MASK granted, ULONG attributes, ULONG64 address, ULONG length,
                            ULONG64 return_length)
{
  const OBJECT_HEADER *header = ob_header(object);
  struct object_basic_information out = {0};
  if (length != sizeof out)
    return STATUS_INFO_LENGTH_MISMATCH;
  out.Attributes = attributes | (header->permanent ? OBJ_PERMANENT : 0);
  out.GrantedAccess = granted;
  out.HandleCount = (ULONG)header->HandleCount;
  out.PointerCount = (ULONG)(header->PointerCount - 1); /* this call's own reference does not show */
  const char *name = ob_object_name(object);
  out.NameInfoSize = name ? (ULONG)((strlen(name) + 1) * sizeof(WCHAR) + sizeof(UNICODE_STRING64)) : 0;
  out.TypeInfoSize = type_size(header->Type);
  return svc_write_information(address, &out, sizeof out, return_length);
}

static NTSTATUS query_flags(ULONG attributes, ULONG64 address, ULONG length, ULONG64 return_length)
{
  BOOLEAN out[2] = {(attributes & OBJ_INHERIT) != 0, (attributes & OBJ_PROTECT_CLOSE) != 0};
  if (length != sizeof out)
    return STATUS_INFO_LENGTH_MISMATCH;
  return svc_write_information(address, out, sizeof out, return_length);
}

NTSTATUS NtQueryObject(HANDLE Handle, ULONG InformationClass, ULONG64 Information, ULONG Length, ULONG64 ReturnLength)
{
  void *object;
  ACCESS_MASK granted;
  ULONG attributes;
  NTSTATUS status = ProbeForWrite(Information, Length, InformationClass == ObjectHandleFlagInformation ? 1 : 4);
  if (NT_SUCCESS(status) && ReturnLength)
    status = ProbeForWrite(ReturnLength, sizeof(ULONG), 4);
  if (!NT_SUCCESS(status))
    return status;
  if (InformationClass == ObjectTypesInformation)
    return query_types(Information, Length, ReturnLength);
  status = ob_reference_in(PsGetCurrentProcess(), Handle, 0, NULL, KeGetPreviousMode(), &object, &granted, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  switch (InformationClass) {
  case ObjectBasicInformation:
    status = query_basic(object, granted, attributes, Information, Length, ReturnLength);
    break;
  case ObjectNameInformation:
    status = query_name(object, Information, Length, ReturnLength);
    break;
  case ObjectTypeInformation:
    status = query_type(ob_header(object)->Type, Information, Length, ReturnLength);
    break;
  case ObjectHandleFlagInformation:
    status = query_flags(attributes, Information, Length, ReturnLength);
    break;
  default:
    status = STATUS_INVALID_INFO_CLASS;
  }
  ObDereferenceObject(object);
  return status;
}

NTSTATUS NtSetInformationObject(HANDLE Handle, ULONG InformationClass, ULONG64 Information, ULONG Length)
{
  BOOLEAN flags[2];
  if (InformationClass != ObjectHandleFlagInformation)
    return STATUS_INVALID_INFO_CLASS;
  if (Length != sizeof flags)
    return STATUS_INFO_LENGTH_MISMATCH;
  NTSTATUS status = mm_user_read(flags, Information, sizeof flags);
  if (!NT_SUCCESS(status))
    return status;
  ULONG attributes = (flags[0] ? OBJ_INHERIT : 0) | (flags[1] ? OBJ_PROTECT_CLOSE : 0);
  return ob_handle_attributes(Handle, &attributes, true);
}

SVC_THUNK_5(NtQueryObject, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_4(NtSetInformationObject, HANDLE, ULONG, ULONG64, ULONG)

const struct svc_entry svc_query_object_table[] = {
    SVC(NtQueryObject, 5),
    SVC(NtSetInformationObject, 4),
    {NULL, NULL, 0},
};
