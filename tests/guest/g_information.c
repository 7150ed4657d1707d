/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process and thread information, and the debugger's traces in it (spec/3.7, spec/5 facts 29, 30, 41); run without a
 * debugger. Exit code 0. */
#include "nano.h"

typedef struct _PROCESS_BASIC_INFORMATION64 {
  NTSTATUS ExitStatus;
  ULONG Reserved;
  ULONG64 PebBaseAddress, AffinityMask;
  LONG BasePriority;
  ULONG Reserved1;
  HANDLE UniqueProcessId, InheritedFromUniqueProcessId;
} PROCESS_BASIC_INFORMATION64;

ULONG start(void *peb)
{
  PROCESS_BASIC_INFORMATION64 process;
  THREAD_BASIC_INFORMATION64 thread;
  ULONG64 port = 7;
  ULONG flags = 7, length = 0, last = 7;
  NANO_TEB *teb = nano_teb();
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 0, &process, sizeof(process), &length), STATUS_SUCCESS);
  CHECK(length == 0x30 && process.PebBaseAddress == (ULONG64)peb && process.ExitStatus == STATUS_PENDING);
  CHECK(process.UniqueProcessId == teb->ClientId.UniqueProcess);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 0, &process, 0x20, NULL), STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, 0, &thread, sizeof(thread), NULL), STATUS_SUCCESS);
  CHECK(thread.TebBaseAddress == (ULONG64)teb && thread.ClientId.UniqueThread == teb->ClientId.UniqueThread);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, 12, &last, sizeof(last), NULL), STATUS_SUCCESS);
  CHECK(last == 1);
  CHECK(!((NANO_PEB *)peb)->BeingDebugged);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 7, &port, sizeof(port), NULL), STATUS_SUCCESS);
  CHECK(port == 0);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 0x1E, &port, sizeof(port), NULL), STATUS_PORT_NOT_SET);
  CHECK(port == 0);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 0x1F, &flags, sizeof(flags), NULL), STATUS_SUCCESS);
  CHECK(flags == 1);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, 0x1F, &port, sizeof(port), NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK(!NT_SUCCESS(NtQueryInformationProcess(NtCurrentProcess, 0x7777, &port, sizeof(port), NULL)));
  HANDLE self = 0;
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  CLIENT_ID id = {teb->ClientId.UniqueProcess, 0};
  CHECK_STATUS(NtOpenProcess(&self, PROCESS_ALL_ACCESS, &attributes, &id), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(self, 0, &process, sizeof(process), NULL), STATUS_SUCCESS);
  CHECK(process.PebBaseAddress == (ULONG64)peb);
  CHECK_STATUS(NtClose(self), STATUS_SUCCESS);
  id.UniqueProcess = 0x7FFFFFF0;
  CHECK_STATUS(NtOpenProcess(&self, PROCESS_ALL_ACCESS, &attributes, &id), STATUS_INVALID_CID);
  id = teb->ClientId;
  CHECK_STATUS(NtOpenThread(&self, THREAD_ALL_ACCESS, &attributes, &id), STATUS_SUCCESS);
  CHECK(thread_exit_status(self) == STATUS_PENDING);
  return 0;
}
