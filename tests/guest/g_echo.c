/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two threads copy standard input to standard output until it ends; the exit code is the number of bytes. */
#include "nano.h"

static volatile LONG total;

static ULONG copy(void *argument)
{
  HANDLE input = nano_teb()->ProcessEnvironmentBlock->ProcessParameters->StandardInput;
  IO_STATUS_BLOCK64 io;
  char bytes[16];
  (void)argument;
  for (;;) {
    io.Information = 0;
    NTSTATUS status = NtReadFile(input, 0, NULL, NULL, &io, bytes, sizeof(bytes), NULL, NULL);
    if (status < 0 || io.Information == 0)
      return 0;
    __atomic_add_fetch(&total, (LONG)io.Information, __ATOMIC_SEQ_CST);
    write_output(bytes, (ULONG)io.Information);
  }
}

ULONG start(void *peb)
{
  (void)peb;
  HANDLE thread = create_thread(copy, NULL);
  copy(NULL);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  return (ULONG)total;
}
