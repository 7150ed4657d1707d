/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter of DbgPrintEx: levels per component, who may change it, and that it holds for a raw INT 2D, too. What passes
 * is seen by the kernel debugger or the process's own. Exit code 0. */
#include "privileges.h"

#define EVERY_COMPONENT 0xFFFFFFFF
#define COMPONENTS 146

ULONG64 raw_print(const char *text, ULONG64 length, ULONG64 component, ULONG64 level);
__asm__(".text\n.globl raw_print\nraw_print:\n\tmov $1, %eax\n\tint $0x2D\n\tint3\n\tret\n");

static void unprivileged(void)
{
  CHECK_STATUS(NtQueryDebugFilterState(77, 0), TRUE);
  CHECK_STATUS(NtQueryDebugFilterState(77, 1), FALSE);
  CHECK_STATUS(NtQueryDebugFilterState(77, 31), FALSE);
  CHECK_STATUS(NtQueryDebugFilterState(101, 3), FALSE);
  /* from 32 a level is the mask itself */
  CHECK_STATUS(NtQueryDebugFilterState(77, 32), FALSE);
  CHECK_STATUS(NtQueryDebugFilterState(77, 33), TRUE);
  CHECK_STATUS(NtQueryDebugFilterState(EVERY_COMPONENT, 0), TRUE);
  CHECK_STATUS(NtQueryDebugFilterState(COMPONENTS - 1, 0), TRUE);
  CHECK_STATUS(NtQueryDebugFilterState(COMPONENTS, 0), STATUS_INVALID_PARAMETER_1);
  CHECK_STATUS(NtSetDebugFilterState(77, 3, TRUE), STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtQueryDebugFilterState(77, 3), FALSE);
}

ULONG start(void *peb)
{
  static const char hidden[] = "raw, no error", shown[] = "raw, an error";
  (void)peb;
  unprivileged();
  CHECK_STATUS(DbgPrintEx(77, 1, "is held back"), STATUS_SUCCESS);
  DbgPrintEx(77, 0, "by default");
  CHECK_STATUS(set_privilege(SE_DEBUG_PRIVILEGE, SE_PRIVILEGE_ENABLED), STATUS_SUCCESS);
  CHECK_STATUS(NtSetDebugFilterState(COMPONENTS, 3, TRUE), STATUS_INVALID_PARAMETER_1);
  CHECK_STATUS(NtSetDebugFilterState(77, 3, TRUE), STATUS_SUCCESS);
  CHECK_STATUS(NtSetDebugFilterState(78, 0x80000000, TRUE), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryDebugFilterState(78, 31), TRUE);
  DbgPrintEx(77, 3, "by its component");
  DbgPrintEx(78, 3, "is held back");
  DbgPrintEx(78, 0x80000000, "by a mask");
  CHECK_STATUS(NtSetDebugFilterState(EVERY_COMPONENT, 2, TRUE), STATUS_SUCCESS);
  DbgPrintEx(79, 2, "by the mask of all");
  CHECK_STATUS(NtSetDebugFilterState(EVERY_COMPONENT, 2, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtSetDebugFilterState(77, 3, FALSE), STATUS_SUCCESS);
  DbgPrintEx(79, 2, "is held back");
  DbgPrintEx(77, 3, "is held back");
  raw_print(hidden, sizeof(hidden) - 1, 77, 3);
  raw_print(shown, sizeof(shown) - 1, 77, 0);
  return 0;
}
