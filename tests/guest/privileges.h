/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file privileges.h  Privileges of the running program. */
#ifndef TESTS_GUEST_PRIVILEGES_H
#define TESTS_GUEST_PRIVILEGES_H

#include "nano.h"

#define TOKEN_QUERY 0x8u
#define TOKEN_ADJUST_PRIVILEGES 0x20u
#define SE_DEBUG_PRIVILEGE 20u
#define SE_LOCK_MEMORY_PRIVILEGE 4u
#define SE_PRIVILEGE_ENABLED 2u

typedef struct _ONE_PRIVILEGE {
  ULONG PrivilegeCount, LowPart, HighPart, Attributes;
} ONE_PRIVILEGE;

__declspec(dllimport) NTSTATUS NtOpenProcessToken(HANDLE, ULONG, HANDLE *);
__declspec(dllimport) NTSTATUS NtAdjustPrivilegesToken(HANDLE, BOOLEAN, const ONE_PRIVILEGE *, ULONG, ONE_PRIVILEGE *,
                                                       ULONG *);

/** Enables a privilege or disables it. */
INLINE NTSTATUS set_privilege(ULONG privilege, ULONG attributes)
{
  const ONE_PRIVILEGE state = {1, privilege, 0, attributes};
  HANDLE token;
  CHECK_STATUS(NtOpenProcessToken(NtCurrentProcess, TOKEN_ADJUST_PRIVILEGES, &token), STATUS_SUCCESS);
  NTSTATUS status = NtAdjustPrivilegesToken(token, FALSE, &state, 0, NULL, NULL);
  CHECK_STATUS(NtClose(token), STATUS_SUCCESS);
  return status;
}

#endif
