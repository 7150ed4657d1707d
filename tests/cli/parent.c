/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts target.exe, which inherits the debugger if there is one to inherit, and ends with the child's exit code + 1.
 */
#include <tests/guest/child.h>

ULONG start(void *peb)
{
  struct child child;
  (void)peb;
  CHECK_STATUS(start_child("target.exe", 0, 0, &child), STATUS_SUCCESS);
  CHECK_STATUS(NtWaitForSingleObject(child.process, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  return (ULONG)process_exit_status(child.process) + 1;
}
