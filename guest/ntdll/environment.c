/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environment blocks: NAME=value texts, each ended by a zero, an empty one at the end; in the order of their names
 * without regard to case. The process's is guarded by the PEB lock. */
#include "ntdllp.h"

static RTL_CRITICAL_SECTION peb_lock = {.DebugInfo = (PVOID)-1, .LockCount = -1};

void RtlpInitializePebLock(PPEB Peb) { Peb->FastPebLock = &peb_lock; }

void NTAPI RtlAcquirePebLock(void) { RtlEnterCriticalSection(&peb_lock); }

void NTAPI RtlReleasePebLock(void) { RtlLeaveCriticalSection(&peb_lock); }

static SIZE_T text_length(PCWSTR text)
{
  SIZE_T length = 0;
  while (text[length])
    length++;
  return length;
}

/* Characters of a block with its end. */
static SIZE_T block_length(PCWSTR block)
{
  SIZE_T length = 0;
  while (block[length])
    length += text_length(block + length) + 1;
  return length + 1;
}

/* The = behind a name; one in front belongs to the name (=C:). */
static SIZE_T name_length(PCWSTR entry)
{
  SIZE_T length = entry[0] ? 1 : 0;
  while (entry[length] && entry[length] != '=')
    length++;
  return length;
}

/* The variable, or where it would be put. */
static PWSTR find(PWSTR block, PCWSTR name, SIZE_T length, BOOLEAN *found)
{
  *found = FALSE;
  for (; block && *block; block += text_length(block) + 1) {
    LONG order = RtlCompareUnicodeStrings(block, name_length(block), name, length, TRUE);
    *found = order == 0;
    if (order == 0)
      break;
  }
  return block;
}

/* The first variable behind a name in the order. A block that is not sorted gets it at some place. */
static PWSTR place_for(PWSTR block, PCWSTR name, SIZE_T length)
{
  while (*block && RtlCompareUnicodeStrings(block, name_length(block), name, length, TRUE) < 0)
    block += text_length(block) + 1;
  return block;
}

NTSTATUS NTAPI RtlQueryEnvironmentVariable(PWSTR Environment, PCWSTR Name, SIZE_T NameLength, PWSTR Value,
                                           SIZE_T ValueLength, SIZE_T *ReturnLength)
{
  BOOLEAN found;
  NTSTATUS status = STATUS_VARIABLE_NOT_FOUND;
  if (!ReturnLength)
    return STATUS_INVALID_PARAMETER;
  if (!Environment)
    RtlAcquirePebLock();
  PCWSTR entry =
      find(Environment ? Environment : NtCurrentPeb()->ProcessParameters->Environment, Name, NameLength, &found);
  if (found) {
    entry += name_length(entry);
    entry += *entry == '=';
    SIZE_T length = text_length(entry);
    status = length < ValueLength && Value ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
    /* Without the zero if it fits, with it if not. */
    *ReturnLength = NT_SUCCESS(status) ? length : length + 1;
    if (NT_SUCCESS(status))
      memcpy(Value, entry, (length + 1) * 2);
  }
  if (!Environment)
    RtlReleasePebLock();
  return status;
}

NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(PWSTR Environment, const UNICODE_STRING *Name, UNICODE_STRING *Value)
{
  BOOLEAN found;
  NTSTATUS status = STATUS_VARIABLE_NOT_FOUND;
  if (!Environment)
    RtlAcquirePebLock();
  PCWSTR entry = find(Environment ? Environment : NtCurrentPeb()->ProcessParameters->Environment, Name->Buffer,
                      Name->Length / 2u, &found);
  if (found) {
    entry += name_length(entry);
    entry += *entry == '=';
    SIZE_T bytes = text_length(entry) * 2;
    Value->Length = (USHORT)bytes;
    status = bytes <= Value->MaximumLength ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
    if (NT_SUCCESS(status))
      memcpy(Value->Buffer, entry, bytes + 2 <= Value->MaximumLength ? bytes + 2 : bytes);
  } else {
    Value->Length = 0;
  }
  if (!Environment)
    RtlReleasePebLock();
  return status;
}

/* Writes the old block with an entry replaced: kept characters in front of old, new ones, then from rest on. */
static PWSTR rebuild(PCWSTR block, PCWSTR at, PCWSTR rest, const UNICODE_STRING *name, const UNICODE_STRING *value)
{
  SIZE_T before = (SIZE_T)(at - block), after = block_length(rest);
  SIZE_T added = value ? (SIZE_T)name->Length / 2 + value->Length / 2 + 2 : 0;
  SIZE_T total = before + added + after;
  PWSTR result = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, (total + 1) * 2), out = result;
  if (!result)
    return NULL;
  memcpy(out, block, before * 2);
  out += before;
  if (value) {
    memcpy(out, name->Buffer, name->Length);
    out += name->Length / 2;
    *out++ = '=';
    memcpy(out, value->Buffer, value->Length);
    out += value->Length / 2;
    *out++ = 0;
  }
  memcpy(out, rest, after * 2);
  result[total] = 0;
  return result;
}

static PWSTR allocated; /* the process's block, if it is not the one that it began with */

/* Puts a new block in the place of the process's. */
static void replace_process_block(PWSTR block)
{
  PRTL_USER_PROCESS_PARAMETERS parameters = NtCurrentPeb()->ProcessParameters;
  parameters->Environment = block;
  parameters->EnvironmentSize = (block_length(block) + 1) * 2;
  parameters->EnvironmentVersion++;
  allocated = block;
}

static BOOLEAN is_name(const UNICODE_STRING *name)
{
  for (ULONG i = 1; i < name->Length / 2u; i++)
    if (name->Buffer[i] == '=')
      return FALSE;
  return name->Length != 0;
}

NTSTATUS NTAPI RtlSetEnvironmentVariable(PWSTR *Environment, const UNICODE_STRING *Name, const UNICODE_STRING *Value)
{
  static WCHAR empty[2];
  NTSTATUS status = STATUS_SUCCESS;
  BOOLEAN found;
  if (!is_name(Name))
    return STATUS_INVALID_PARAMETER;
  RtlAcquirePebLock();
  PWSTR block = Environment ? *Environment : NtCurrentPeb()->ProcessParameters->Environment;
  PWSTR old = block, at;
  if (!block)
    block = empty;
  at = find(block, Name->Buffer, Name->Length / 2u, &found);
  PWSTR rest = found ? at + text_length(at) + 1 : at;
  if (!found && Value)
    rest = at = place_for(block, Name->Buffer, Name->Length / 2u);
  PWSTR changed = found || Value ? rebuild(block, at, rest, Name, Value) : NULL;
  if (!found && !Value) {
    status = STATUS_VARIABLE_NOT_FOUND;
  } else if (!changed) {
    status = STATUS_NO_MEMORY;
  } else if (Environment) {
    *Environment = changed;
  } else {
    old = allocated;
    replace_process_block(changed);
  }
  RtlReleasePebLock();
  if (NT_SUCCESS(status) && old)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, old);
  return status;
}

NTSTATUS NTAPI RtlSetEnvironmentVar(PWSTR *Environment, PCWSTR Name, SIZE_T NameLength, PCWSTR Value,
                                    SIZE_T ValueLength)
{
  UNICODE_STRING name = {(USHORT)(NameLength * 2), (USHORT)(NameLength * 2), (PWSTR)Name};
  UNICODE_STRING value = {(USHORT)(ValueLength * 2), (USHORT)(ValueLength * 2), (PWSTR)Value};
  if (NameLength > 0x7FFF || ValueLength > 0x7FFF)
    return STATUS_INVALID_PARAMETER;
  return RtlSetEnvironmentVariable(Environment, &name, Value ? &value : NULL);
}

NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN CloneCurrentEnvironment, PWSTR *Environment)
{
  static const WCHAR empty[2];
  RtlAcquirePebLock();
  PCWSTR block = CloneCurrentEnvironment ? NtCurrentPeb()->ProcessParameters->Environment : empty;
  if (!block)
    block = empty;
  SIZE_T bytes = (block_length(block) + 1) * 2;
  *Environment = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, bytes);
  if (*Environment)
    memcpy(*Environment, block, bytes - 2);
  RtlReleasePebLock();
  return *Environment ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS NTAPI RtlDestroyEnvironment(PWSTR Environment)
{
  return RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, Environment) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

void NTAPI RtlSetCurrentEnvironment(PWSTR NewEnvironment, PWSTR *OldEnvironment)
{
  RtlAcquirePebLock();
  PWSTR old = allocated, before = NtCurrentPeb()->ProcessParameters->Environment;
  replace_process_block(NewEnvironment);
  RtlReleasePebLock();
  if (OldEnvironment)
    *OldEnvironment = before;
  else if (old)
    RtlDestroyEnvironment(old);
}

/* ---- %NAME% ---- */

typedef struct {
  PWSTR At;
  SIZE_T Room, Needed; /**< characters */
} EXPANSION;

static void put(EXPANSION *out, PCWSTR text, SIZE_T length)
{
  if (length <= out->Room && out->At) {
    memcpy(out->At, text, length * 2);
    out->At += length;
    out->Room -= length;
  } else {
    out->Room = 0;
  }
  out->Needed += length;
}

static SIZE_T expand_one(EXPANSION *out, PWSTR block, PCWSTR at, SIZE_T left)
{
  SIZE_T end = 1;
  BOOLEAN found = FALSE;
  while (end < left && at[end] != '%')
    end++;
  PCWSTR entry = end < left && end > 1 ? find(block, at + 1, end - 1, &found) : NULL;
  if (!found) {
    /* It stays as it is. The second % may begin a name. */
    SIZE_T length = end < left ? end : left;
    put(out, at, length);
    return length;
  }
  entry += name_length(entry) + 1;
  put(out, entry, text_length(entry));
  return end + 1;
}

NTSTATUS NTAPI RtlExpandEnvironmentStrings(PWSTR Environment, PCWSTR Source, SIZE_T SourceLength, PWSTR Destination,
                                           SIZE_T DestinationLength, SIZE_T *ReturnLength)
{
  EXPANSION out = {Destination, DestinationLength, 0};
  RtlAcquirePebLock();
  PWSTR block = Environment ? Environment : NtCurrentPeb()->ProcessParameters->Environment;
  for (SIZE_T i = 0; i < SourceLength;) {
    SIZE_T plain = 0;
    while (i + plain < SourceLength && Source[i + plain] != '%')
      plain++;
    put(&out, Source + i, plain);
    i += plain;
    if (i < SourceLength)
      i += expand_one(&out, block, Source + i, SourceLength - i);
  }
  RtlReleasePebLock();
  put(&out, L"", 1);
  if (ReturnLength)
    *ReturnLength = out.Needed;
  return out.Needed <= DestinationLength ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(PWSTR Environment, const UNICODE_STRING *Source,
                                             UNICODE_STRING *Destination, ULONG *ReturnedLength)
{
  SIZE_T length;
  NTSTATUS status = RtlExpandEnvironmentStrings(Environment, Source->Buffer, Source->Length / 2u, Destination->Buffer,
                                                Destination->MaximumLength / 2u, &length);
  if (ReturnedLength)
    *ReturnedLength = (ULONG)(length * 2);
  if (NT_SUCCESS(status))
    Destination->Length = (USHORT)(length * 2 - 2);
  return status;
}
