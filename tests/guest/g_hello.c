/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints one line; the entry's argument is the PEB and the module lists hold the program and ntdll. */
#include "nano.h"

ULONG start(void *peb)
{
  NANO_PEB *self = nano_teb()->ProcessEnvironmentBlock;
  CHECK(peb == self);
  LIST_ENTRY64 *head = &self->Ldr->InLoadOrderModuleList;
  CHECK(((LDR_DATA_TABLE_ENTRY64 *)head->Flink)->DllBase == self->ImageBaseAddress);
  void *ntdll = (void *)((LDR_DATA_TABLE_ENTRY64 *)head->Flink->Flink)->DllBase;
  CHECK(nano_find_export(ntdll, "NtClose") == (void *)NtClose);
  CHECK(head->Flink->Flink->Flink == head);
  print("hello");
  return 0;
}
