/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privileges: those of the token, what NtAdjustPrivilegesToken changes, and the services that ask for SeDebugPrivilege,
 * which is there but not enabled (ProcessBreakOnTermination, ThreadBreakOnTermination). Exit code 0. */
#include "privileges.h"

#define ProcessBreakOnTermination 0x1D
#define ThreadBreakOnTermination 0x12
#define TokenPrivileges 3

__declspec(dllimport) NTSTATUS NtQueryInformationToken(HANDLE, ULONG, void *, ULONG, ULONG *);

struct privilege_set {
  ULONG PrivilegeCount, Control, LowPart, HighPart, Attributes;
};
__declspec(dllimport) NTSTATUS NtPrivilegeCheck(HANDLE, struct privilege_set *, BOOLEAN *);

static HANDLE token;

static BOOLEAN held(ULONG privilege)
{
  struct privilege_set set = {1, 1, privilege, 0, 0};
  BOOLEAN result = 7;
  CHECK_STATUS(NtPrivilegeCheck(token, &set, &result), STATUS_SUCCESS);
  CHECK(set.Attributes == (result ? 0x80000000u : 0));
  return result;
}

/* What the token says of a privilege; -1: it does not have it. */
static ULONG attributes_of(ULONG privilege)
{
  struct {
    ULONG count;
    struct {
      ULONG low, high, attributes;
    } list[64];
  } all = {0};
  ULONG length = 0;
  CHECK_STATUS(NtQueryInformationToken(token, TokenPrivileges, &all, sizeof(all), &length), STATUS_SUCCESS);
  CHECK(length == 4 + all.count * 12);
  for (ULONG i = 0; i < all.count; i++)
    if (all.list[i].low == privilege)
      return all.list[i].attributes;
  return ~0u;
}

static NTSTATUS set_critical(BOOLEAN thread, ULONG value)
{
  return thread ? NtSetInformationThread(NtCurrentThread, ThreadBreakOnTermination, &value, sizeof(value))
                : NtSetInformationProcess(NtCurrentProcess, ProcessBreakOnTermination, &value, sizeof(value));
}

static ULONG is_critical(BOOLEAN thread)
{
  ULONG value = 99;
  NTSTATUS status =
      thread ? NtQueryInformationThread(NtCurrentThread, ThreadBreakOnTermination, &value, sizeof(value), NULL)
             : NtQueryInformationProcess(NtCurrentProcess, ProcessBreakOnTermination, &value, sizeof(value), NULL);
  CHECK_STATUS(status, STATUS_SUCCESS);
  return value;
}

static void adjust(void)
{
  const ONE_PRIVILEGE on = {1, SE_DEBUG_PRIVILEGE, 0, SE_PRIVILEGE_ENABLED}, absent = {1, 4, 0, SE_PRIVILEGE_ENABLED};
  ONE_PRIVILEGE previous = {9, 9, 9, 9};
  ULONG length = 0;
  HANDLE weak;
  CHECK(!held(SE_DEBUG_PRIVILEGE) && attributes_of(SE_DEBUG_PRIVILEGE) == 0);
  /* too little room changes nothing */
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, &on, 15, &previous, &length), STATUS_BUFFER_TOO_SMALL);
  CHECK(length == 16 && previous.PrivilegeCount == 9 && !held(SE_DEBUG_PRIVILEGE));
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, &on, 16, &previous, &length), STATUS_SUCCESS);
  CHECK(length == 16 && previous.PrivilegeCount == 1 && previous.LowPart == SE_DEBUG_PRIVILEGE);
  CHECK(previous.Attributes == 0 && held(SE_DEBUG_PRIVILEGE) && attributes_of(SE_DEBUG_PRIVILEGE) == 2);
  /* again: nothing to change, nothing to tell */
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, &on, 16, &previous, &length), STATUS_SUCCESS);
  CHECK(length == 4 && previous.PrivilegeCount == 0);
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, &absent, 0, NULL, NULL), STATUS_NOT_ALL_ASSIGNED);
  CHECK(!held(SE_LOCK_MEMORY_PRIVILEGE) && attributes_of(SE_LOCK_MEMORY_PRIVILEGE) == ~0u);
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, NULL, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtAdjustPrivilegesToken(token, FALSE, (ONE_PRIVILEGE *)0x10, 0, NULL, NULL), STATUS_ACCESS_VIOLATION);
  CHECK_STATUS(NtOpenProcessToken(NtCurrentProcess, TOKEN_QUERY, &weak), STATUS_SUCCESS);
  CHECK_STATUS(NtAdjustPrivilegesToken(weak, TRUE, NULL, 0, NULL, NULL), STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtClose(weak), STATUS_SUCCESS);
  CHECK(held(23));
  CHECK_STATUS(NtAdjustPrivilegesToken(token, TRUE, NULL, 0, NULL, NULL), STATUS_SUCCESS);
  CHECK(!held(SE_DEBUG_PRIVILEGE) && !held(23) && attributes_of(23) == 1);
}

ULONG start(void *peb)
{
  (void)peb;
  CHECK_STATUS(NtOpenProcessToken(NtCurrentProcess, TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token), STATUS_SUCCESS);
  adjust();
  for (BOOLEAN thread = 0; thread < 2; thread++) {
    CHECK(is_critical(thread) == 0);
    CHECK_STATUS(set_critical(thread, 1), STATUS_PRIVILEGE_NOT_HELD);
    CHECK_STATUS(set_privilege(SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED), STATUS_SUCCESS);
    CHECK_STATUS(set_critical(thread, 7), STATUS_SUCCESS);
    CHECK(is_critical(thread) == 1);
    CHECK_STATUS(set_critical(thread, 0), STATUS_SUCCESS);
    CHECK(is_critical(thread) == 0);
    CHECK_STATUS(set_privilege(SE_DEBUG_PRIVILEGE, 0), STATUS_SUCCESS);
    CHECK_STATUS(set_critical(thread, 0), STATUS_PRIVILEGE_NOT_HELD);
  }
  return 0;
}
