/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_registry.h"

#include "ntos/cm/cm.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_capture.h"

#include <string.h>

#define REG_OPENED_EXISTING_KEY 2u
#define KEY_QUERY_VALUE 0x1u
#define KEY_ENUMERATE_SUB_KEYS 0x8u
/* Time that every key was last written. */
#define KEY_TIME KE_BOOT_TIME
/* A name and a value, each at most CM_MAX_DATA bytes, behind the largest fixed part. */
#define ANSWER_SIZE (64u + 2u * CM_MAX_DATA)

/* ---- opening ---- */

NTSTATUS NtOpenKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes)
{
  struct svc_object_attributes attributes;
  CM_KEY *key = NULL;
  HANDLE handle = 0;
  NTSTATUS status = svc_probe_handle(KeyHandle);
  if (!NT_SUCCESS(status))
    return status;
  if (ObjectAttributes == 0)
    return STATUS_ACCESS_VIOLATION;
  status = svc_capture_object_attributes(ObjectAttributes, &attributes);
  if (!NT_SUCCESS(status))
    return status;
  if (attributes.root != NULL && ob_header(attributes.root)->Type != cm_key_type())
    status = STATUS_OBJECT_TYPE_MISMATCH;
  else if (attributes.root == NULL && attributes.name == NULL)
    status = STATUS_OBJECT_PATH_SYNTAX_BAD;
  else
    status = CmOpenKey(attributes.root, attributes.name != NULL ? attributes.name : "", &key);
  if (NT_SUCCESS(status)) {
    /* The flags that choose a registry view are no rights. */
    status = ObOpenObjectByPointer(key, attributes.Attributes, DesiredAccess & ~0x300u, cm_key_type(), &handle);
    ObDereferenceObject(key);
  }
  if (NT_SUCCESS(status))
    svc_write_handle(KeyHandle, handle);
  svc_release_object_attributes(&attributes);
  return status;
}

NTSTATUS NtCreateKey(ULONG64 KeyHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes, ULONG TitleIndex,
                     ULONG64 Class, ULONG CreateOptions, ULONG64 Disposition)
{
  (void)TitleIndex;
  (void)Class;
  (void)CreateOptions;
  NTSTATUS status = Disposition != 0 ? ProbeForWrite(Disposition, sizeof(ULONG), 4) : STATUS_SUCCESS;
  if (NT_SUCCESS(status))
    status = NtOpenKey(KeyHandle, DesiredAccess, ObjectAttributes);
  if (NT_SUCCESS(status) && Disposition != 0)
    (void)mm_user_write_u32(Disposition, REG_OPENED_EXISTING_KEY);
  return status;
}

static NTSTATUS reference_key(HANDLE KeyHandle, ACCESS_MASK access, CM_KEY **key)
{
  void *object = NULL;
  OBJECT_TYPE *type = cm_key_type();
  if (type == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = ObReferenceObjectByHandle(KeyHandle, access, type, KeGetPreviousMode(), &object, NULL);
  *key = object;
  return status;
}

NTSTATUS svc_change_key(HANDLE KeyHandle)
{
  CM_KEY *key;
  NTSTATUS status = reference_key(KeyHandle, 0, &key);
  if (!NT_SUCCESS(status))
    return status;
  ObDereferenceObject(key);
  return STATUS_ACCESS_DENIED;
}

/* ---- answers: a fixed part, then names and data ---- */

struct answer {
  UCHAR bytes[ANSWER_SIZE];
  ULONG fixed; /* what must fit for STATUS_BUFFER_OVERFLOW */
  ULONG size;
};

static void set32(struct answer *a, ULONG at, ULONG value) { memcpy(a->bytes + at, &value, sizeof(value)); }

static void set_fixed(struct answer *a, ULONG fixed) { a->fixed = a->size = fixed; }

/* Appends an ASCII name as UTF-16; returns its bytes. */
static ULONG put_name(struct answer *a, const char *name, size_t length)
{
  for (size_t i = 0; i < length && a->size + 2 <= ANSWER_SIZE; i++) {
    a->bytes[a->size] = (UCHAR)name[i];
    a->size += 2;
  }
  return (ULONG)(2 * length);
}

static NTSTATUS return_answer(const struct answer *a, ULONG64 address, ULONG length, ULONG64 result_length)
{
  NTSTATUS status = mm_user_write(result_length, &a->size, sizeof(a->size));
  if (!NT_SUCCESS(status))
    return status;
  if (length < a->fixed)
    return STATUS_BUFFER_TOO_SMALL;
  status = mm_user_write(address, a->bytes, length < a->size ? length : a->size);
  return NT_SUCCESS(status) && length < a->size ? STATUS_BUFFER_OVERFLOW : status;
}

static NTSTATUS probe_answer(ULONG64 address, ULONG length, ULONG64 result_length)
{
  NTSTATUS status = ProbeForWrite(result_length, sizeof(ULONG), 4);
  return NT_SUCCESS(status) ? ProbeForWrite(address, length, 1) : status;
}

/* ---- keys ---- */

enum key_class { KeyBasicInformation, KeyNodeInformation, KeyFullInformation, KeyNameInformation,
                 KeyCachedInformation };

struct key_sizes {
  ULONG subkeys, longest_subkey, values, longest_value, largest_data;
};

static void measure(const CM_KEY *key, struct key_sizes *out)
{
  UCHAR data[CM_MAX_DATA];
  size_t length;
  const struct cm_value *value;
  memset(out, 0, sizeof(*out));
  for (; cm_subkey(key, out->subkeys, &length) != NULL; out->subkeys++) {
    if (2 * length > out->longest_subkey)
      out->longest_subkey = (ULONG)(2 * length);
  }
  for (; (value = cm_value_at(key, out->values)) != NULL; out->values++) {
    ULONG size = cm_value_data(value, data);
    ULONG name = (ULONG)(2 * strlen(value->name));
    out->longest_value = name > out->longest_value ? name : out->longest_value;
    out->largest_data = size > out->largest_data ? size : out->largest_data;
  }
}

static NTSTATUS describe_key(struct answer *a, const CM_KEY *key, ULONG class)
{
  const char *path = cm_key_path(key), *name = strrchr(path, '\\') + 1;
  const ULONG64 time = KEY_TIME;
  struct key_sizes sizes;
  measure(key, &sizes);
  if (class != KeyNameInformation)
    memcpy(a->bytes, &time, sizeof(time));
  switch (class) {
  case KeyBasicInformation:
    set_fixed(a, 16);
    set32(a, 12, put_name(a, name, strlen(name)));
    return STATUS_SUCCESS;
  case KeyNodeInformation:
    set_fixed(a, 24);
    set32(a, 12, 0xFFFFFFFF); /* ClassOffset: none */
    set32(a, 20, put_name(a, name, strlen(name)));
    return STATUS_SUCCESS;
  case KeyFullInformation:
    set_fixed(a, 44);
    set32(a, 12, 0xFFFFFFFF);
    set32(a, 20, sizes.subkeys);
    set32(a, 24, sizes.longest_subkey);
    set32(a, 32, sizes.values);
    set32(a, 36, sizes.longest_value);
    set32(a, 40, sizes.largest_data);
    return STATUS_SUCCESS;
  case KeyNameInformation:
    set_fixed(a, 4);
    set32(a, 0, put_name(a, path, strlen(path)));
    return STATUS_SUCCESS;
  case KeyCachedInformation:
    set_fixed(a, 40);
    set32(a, 12, sizes.subkeys);
    set32(a, 16, sizes.longest_subkey);
    set32(a, 20, sizes.values);
    set32(a, 24, sizes.longest_value);
    set32(a, 28, sizes.largest_data);
    set32(a, 32, (ULONG)(2 * strlen(name)));
    return STATUS_SUCCESS;
  default:
    return STATUS_INVALID_INFO_CLASS;
  }
}

NTSTATUS NtQueryKey(HANDLE KeyHandle, ULONG KeyInformationClass, ULONG64 KeyInformation, ULONG Length,
                    ULONG64 ResultLength)
{
  CM_KEY *key;
  struct answer a = {.size = 0};
  NTSTATUS status = probe_answer(KeyInformation, Length, ResultLength);
  if (NT_SUCCESS(status))
    status = reference_key(KeyHandle, KeyInformationClass == KeyNameInformation ? 0 : KEY_QUERY_VALUE, &key);
  if (!NT_SUCCESS(status))
    return status;
  status = describe_key(&a, key, KeyInformationClass);
  ObDereferenceObject(key);
  return NT_SUCCESS(status) ? return_answer(&a, KeyInformation, Length, ResultLength) : status;
}

NTSTATUS NtEnumerateKey(HANDLE KeyHandle, ULONG Index, ULONG KeyInformationClass, ULONG64 KeyInformation, ULONG Length,
                        ULONG64 ResultLength)
{
  CM_KEY *key, *child;
  size_t length;
  struct answer a = {.size = 0};
  NTSTATUS status = probe_answer(KeyInformation, Length, ResultLength);
  if (NT_SUCCESS(status))
    status = reference_key(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &key);
  if (!NT_SUCCESS(status))
    return status;
  const char *name = cm_subkey(key, Index, &length);
  status = name != NULL ? CmOpenKey(key, name, &child) : STATUS_NO_MORE_ENTRIES;
  ObDereferenceObject(key);
  if (!NT_SUCCESS(status))
    return status;
  status = KeyInformationClass <= KeyFullInformation ? describe_key(&a, child, KeyInformationClass)
                                                     : STATUS_INVALID_INFO_CLASS;
  ObDereferenceObject(child);
  return NT_SUCCESS(status) ? return_answer(&a, KeyInformation, Length, ResultLength) : status;
}

/* ---- values ---- */

enum value_class {
  KeyValueBasicInformation = 0,
  KeyValueFullInformation = 1,
  KeyValuePartialInformation = 2,
  KeyValuePartialInformationAlign64 = 4
};

static NTSTATUS describe_value(struct answer *a, const struct cm_value *value, ULONG class)
{
  UCHAR data[CM_MAX_DATA];
  ULONG size = cm_value_data(value, data);
  switch (class) {
  case KeyValueBasicInformation:
    set_fixed(a, 12);
    set32(a, 4, value->type);
    set32(a, 8, put_name(a, value->name, strlen(value->name)));
    return STATUS_SUCCESS;
  case KeyValueFullInformation:
    set_fixed(a, 20);
    set32(a, 4, value->type);
    set32(a, 12, size);
    set32(a, 16, put_name(a, value->name, strlen(value->name)));
    a->size = (a->size + 7) & ~7u;
    set32(a, 8, a->size);
    break;
  case KeyValuePartialInformation:
    set_fixed(a, 12);
    set32(a, 4, value->type);
    set32(a, 8, size);
    break;
  case KeyValuePartialInformationAlign64:
    set_fixed(a, 8);
    set32(a, 0, value->type);
    set32(a, 4, size);
    break;
  default:
    return STATUS_INVALID_PARAMETER;
  }
  memcpy(a->bytes + a->size, data, size);
  a->size += size;
  return STATUS_SUCCESS;
}

NTSTATUS NtQueryValueKey(HANDLE KeyHandle, ULONG64 ValueName, ULONG KeyValueInformationClass,
                         ULONG64 KeyValueInformation, ULONG Length, ULONG64 ResultLength)
{
  CM_KEY *key;
  char *name = NULL;
  struct answer a = {.size = 0};
  NTSTATUS status = probe_answer(KeyValueInformation, Length, ResultLength);
  if (NT_SUCCESS(status))
    status = mm_user_read_utf8(ValueName, &name);
  if (NT_SUCCESS(status))
    status = reference_key(KeyHandle, KEY_QUERY_VALUE, &key);
  if (NT_SUCCESS(status)) {
    const struct cm_value *value = cm_find_value(key, name);
    status = value != NULL ? describe_value(&a, value, KeyValueInformationClass) : STATUS_OBJECT_NAME_NOT_FOUND;
    ObDereferenceObject(key);
  }
  ExFreePool(name);
  return NT_SUCCESS(status) ? return_answer(&a, KeyValueInformation, Length, ResultLength) : status;
}

NTSTATUS NtEnumerateValueKey(HANDLE KeyHandle, ULONG Index, ULONG KeyValueInformationClass,
                             ULONG64 KeyValueInformation, ULONG Length, ULONG64 ResultLength)
{
  CM_KEY *key;
  struct answer a = {.size = 0};
  NTSTATUS status = probe_answer(KeyValueInformation, Length, ResultLength);
  if (NT_SUCCESS(status))
    status = reference_key(KeyHandle, KEY_QUERY_VALUE, &key);
  if (!NT_SUCCESS(status))
    return status;
  const struct cm_value *value = cm_value_at(key, Index);
  status = value != NULL ? describe_value(&a, value, KeyValueInformationClass) : STATUS_NO_MORE_ENTRIES;
  ObDereferenceObject(key);
  return NT_SUCCESS(status) ? return_answer(&a, KeyValueInformation, Length, ResultLength) : status;
}

/* ---- table: the forms with options and transactions are the plain ones ---- */

static NTSTATUS open_key(const ULONG64 *a) { return NtOpenKey(a[0], (ACCESS_MASK)a[1], a[2]); }

static NTSTATUS create_key(const ULONG64 *a)
{
  return NtCreateKey(a[0], (ACCESS_MASK)a[1], a[2], (ULONG)a[3], a[4], (ULONG)a[5], a[6]);
}

static NTSTATUS create_transacted(const ULONG64 *a)
{
  return NtCreateKey(a[0], (ACCESS_MASK)a[1], a[2], (ULONG)a[3], a[4], (ULONG)a[5], a[7]);
}

static NTSTATUS change(const ULONG64 *a) { return svc_change_key((HANDLE)a[0]); }

static NTSTATUS flush(const ULONG64 *a)
{
  NTSTATUS status = svc_change_key((HANDLE)a[0]);
  return status == STATUS_ACCESS_DENIED ? STATUS_SUCCESS : status;
}

SVC_THUNK_5(NtQueryKey, HANDLE, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtEnumerateKey, HANDLE, ULONG, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtQueryValueKey, HANDLE, ULONG64, ULONG, ULONG64, ULONG, ULONG64)
SVC_THUNK_6(NtEnumerateValueKey, HANDLE, ULONG, ULONG, ULONG64, ULONG, ULONG64)

const struct svc_entry svc_registry_table[] = {
    {"NtOpenKey", open_key, 3},
    {"NtOpenKeyEx", open_key, 4},
    {"NtOpenKeyTransacted", open_key, 4},
    {"NtOpenKeyTransactedEx", open_key, 5},
    {"NtCreateKey", create_key, 7},
    {"NtCreateKeyTransacted", create_transacted, 8},
    SVC(NtQueryKey, 5),
    SVC(NtEnumerateKey, 6),
    SVC(NtQueryValueKey, 6),
    SVC(NtEnumerateValueKey, 6),
    {"NtDeleteKey", change, 1},
    {"NtDeleteValueKey", change, 2},
    {"NtFlushKey", flush, 1},
    {"NtRenameKey", change, 2},
    {"NtSetInformationKey", change, 4},
    {"NtSetValueKey", change, 6},
    {0},
};
