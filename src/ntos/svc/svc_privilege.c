/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges of tokens: what is enabled, and who asks. */
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"
#include "ntos/svc/svc_token.h"

#include <string.h>

#define SE_PRIVILEGE_ENABLED_BY_DEFAULT 0x1u
#define SE_PRIVILEGE_ENABLED 0x2u
#define SE_PRIVILEGE_REMOVED 0x4u
#define SE_PRIVILEGE_USED_FOR_ACCESS 0x80000000u
#define PRIVILEGE_SET_ALL_NECESSARY 1u
#define MAX_ENTRIES 4096u
#define PRIVILEGES 64u

typedef struct _LUID_AND_ATTRIBUTES {
  ULONG LowPart;
  LONG HighPart;
  ULONG Attributes;
} LUID_AND_ATTRIBUTES;
C_ASSERT_SIZE(LUID_AND_ATTRIBUTES, 12);

typedef struct _TOKEN_PRIVILEGES {
  ULONG PrivilegeCount;
  LUID_AND_ATTRIBUTES Privileges[PRIVILEGES];
} TOKEN_PRIVILEGES;

typedef struct _PRIVILEGE_SET {
  ULONG PrivilegeCount, Control;
} PRIVILEGE_SET;

BOOLEAN SeSinglePrivilegeCheck(ULONG PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
  const EPROCESS *process = PsGetCurrentProcess();
  return PreviousMode == KernelMode || process->native ||
         (process->Privileges.Enabled & PS_PRIVILEGE(PrivilegeValue)) != 0;
}

ULONG svc_privilege_attributes(const struct svc_token *token, ULONG luid)
{
  ULONG attributes = PS_PRIVILEGES_ENABLED_BY_DEFAULT & PS_PRIVILEGE(luid) ? SE_PRIVILEGE_ENABLED_BY_DEFAULT : 0;
  return attributes | (token->privileges->Enabled & PS_PRIVILEGE(luid) ? SE_PRIVILEGE_ENABLED : 0);
}

/* 0: the token does not have it. */
static ULONG64 privilege_bit(const SEP_TOKEN_PRIVILEGES *privileges, const LUID_AND_ATTRIBUTES *entry)
{
  if (entry->HighPart || entry->LowPart >= PRIVILEGES)
    return 0;
  return privileges->Present & PS_PRIVILEGE(entry->LowPart);
}

/* What the token's privileges become. */
static NTSTATUS adjust(SEP_TOKEN_PRIVILEGES *privileges, ULONG64 new_state)
{
  ULONG count;
  NTSTATUS result = STATUS_SUCCESS;
  NTSTATUS status = new_state ? mm_user_read(&count, new_state, sizeof count) : STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status) && count > MAX_ENTRIES)
    status = STATUS_INVALID_PARAMETER;
  for (ULONG i = 0; NT_SUCCESS(status) && i < count; i++) {
    LUID_AND_ATTRIBUTES entry;
    status = mm_user_read(&entry, new_state + sizeof count + (ULONG64)i * sizeof entry, sizeof entry);
    if (!NT_SUCCESS(status))
      break;
    const ULONG64 bit = privilege_bit(privileges, &entry);
    if (!bit)
      result = STATUS_NOT_ALL_ASSIGNED;
    if (entry.Attributes & SE_PRIVILEGE_REMOVED)
      privileges->Present &= ~bit;
    if (entry.Attributes & SE_PRIVILEGE_ENABLED && !(entry.Attributes & SE_PRIVILEGE_REMOVED))
      privileges->Enabled |= bit;
    else
      privileges->Enabled &= ~bit;
  }
  return NT_SUCCESS(status) ? result : status;
}

/* Those whose state differs from `next`, as they are now. */
static ULONG list_changed(const struct svc_token *token, const SEP_TOKEN_PRIVILEGES *next, TOKEN_PRIVILEGES *out)
{
  const SEP_TOKEN_PRIVILEGES *now = token->privileges;
  const ULONG64 changed = (now->Enabled ^ next->Enabled) | (now->Present ^ next->Present);
  memset(out, 0, sizeof *out);
  for (ULONG luid = 0; luid < PRIVILEGES; luid++)
    if (changed & PS_PRIVILEGE(luid))
      out->Privileges[out->PrivilegeCount++] =
          (LUID_AND_ATTRIBUTES){.LowPart = luid, .Attributes = svc_privilege_attributes(token, luid)};
  return (ULONG)sizeof out->PrivilegeCount + out->PrivilegeCount * (ULONG)sizeof out->Privileges[0];
}

NTSTATUS NtAdjustPrivilegesToken(HANDLE TokenHandle, BOOLEAN DisableAllPrivileges, ULONG64 NewState,
                                 ULONG BufferLength, ULONG64 PreviousState, ULONG64 ReturnLength)
{
  struct svc_token *token, pseudo;
  TOKEN_PRIVILEGES previous;
  NTSTATUS status = STATUS_SUCCESS;
  if (PreviousState) {
    status = ProbeForWrite(PreviousState, BufferLength, 4);
    if (NT_SUCCESS(status))
      status = ProbeForWrite(ReturnLength, sizeof(ULONG), 4);
  }
  if (NT_SUCCESS(status))
    status = svc_reference_token(TokenHandle, TOKEN_ADJUST_PRIVILEGES | (PreviousState ? TOKEN_QUERY : 0), &pseudo,
                                 &token);
  if (!NT_SUCCESS(status))
    return status;
  SEP_TOKEN_PRIVILEGES next = *token->privileges;
  if (DisableAllPrivileges)
    next.Enabled = 0;
  else
    status = adjust(&next, NewState);
  if (NT_SUCCESS(status) && PreviousState) {
    const ULONG size = list_changed(token, &next, &previous);
    (void)mm_user_write_u32(ReturnLength, size);
    NTSTATUS written =
        BufferLength < size ? STATUS_BUFFER_TOO_SMALL : mm_user_write(PreviousState, &previous, size);
    if (!NT_SUCCESS(written))
      status = written;
  }
  if (NT_SUCCESS(status))
    *token->privileges = next;
  svc_dereference_token(token, &pseudo);
  return status;
}

NTSTATUS NtPrivilegeCheck(HANDLE ClientToken, ULONG64 RequiredPrivileges, ULONG64 Result)
{
  struct svc_token *token, pseudo;
  PRIVILEGE_SET set;
  ULONG held = 0;
  NTSTATUS status = mm_user_read(&set, RequiredPrivileges, sizeof set);
  if (NT_SUCCESS(status) && set.PrivilegeCount > MAX_ENTRIES)
    status = STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = ProbeForWrite(Result, sizeof(BOOLEAN), 1);
  if (NT_SUCCESS(status))
    status = svc_reference_token(ClientToken, TOKEN_QUERY, &pseudo, &token);
  if (!NT_SUCCESS(status))
    return status;
  for (ULONG i = 0; NT_SUCCESS(status) && i < set.PrivilegeCount; i++) {
    LUID_AND_ATTRIBUTES entry;
    const ULONG64 at = RequiredPrivileges + sizeof set + (ULONG64)i * sizeof entry;
    status = mm_user_read(&entry, at, sizeof entry);
    if (!NT_SUCCESS(status) || !(privilege_bit(token->privileges, &entry) & token->privileges->Enabled))
      continue;
    held++;
    entry.Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
    status = mm_user_write(at, &entry, sizeof entry);
  }
  svc_dereference_token(token, &pseudo);
  const BOOLEAN result =
      set.Control & PRIVILEGE_SET_ALL_NECESSARY || !set.PrivilegeCount ? held == set.PrivilegeCount : held > 0;
  return NT_SUCCESS(status) ? mm_user_write(Result, &result, sizeof result) : status;
}

SVC_THUNK_6(NtAdjustPrivilegesToken, HANDLE, BOOLEAN, ULONG64, ULONG, ULONG64, ULONG64)
SVC_THUNK_3(NtPrivilegeCheck, HANDLE, ULONG64, ULONG64)

const struct svc_entry svc_privilege_table[] = {
    SVC(NtAdjustPrivilegesToken, 6),
    SVC(NtPrivilegeCheck, 3),
    {0},
};
