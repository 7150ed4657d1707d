/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_process_list.h"

#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"

#include <string.h>

#define TAG POOL_TAG('P', 'r', 'L', 's')

typedef struct _SYSTEM_THREAD_INFORMATION {
  ULONG64 KernelTime, UserTime, CreateTime;
  ULONG WaitTime, Padding;
  ULONG64 StartAddress;
  CLIENT_ID ClientId;
  LONG Priority, BasePriority;
  ULONG ContextSwitches, ThreadState, WaitReason, Padding2;
} SYSTEM_THREAD_INFORMATION;
C_ASSERT_SIZE(SYSTEM_THREAD_INFORMATION, 0x50);

typedef struct _SYSTEM_PROCESS_INFORMATION {
  ULONG NextEntryOffset, NumberOfThreads;
  ULONG64 WorkingSetPrivateSize;
  ULONG HardFaultCount, NumberOfThreadsHighWatermark;
  ULONG64 CycleTime, CreateTime, UserTime, KernelTime;
  UNICODE_STRING64 ImageName;
  LONG BasePriority, Padding;
  HANDLE UniqueProcessId, InheritedFromUniqueProcessId;
  ULONG HandleCount, SessionId;
  ULONG64 UniqueProcessKey, PeakVirtualSize, VirtualSize;
  ULONG PageFaultCount, Padding2;
  ULONG64 PeakWorkingSetSize, WorkingSetSize;
  ULONG64 QuotaPeakPagedPoolUsage, QuotaPagedPoolUsage, QuotaPeakNonPagedPoolUsage, QuotaNonPagedPoolUsage;
  ULONG64 PagefileUsage, PeakPagefileUsage, PrivatePageCount;
  ULONG64 IoCounters[6];
} SYSTEM_PROCESS_INFORMATION;
C_ASSERT_SIZE(SYSTEM_PROCESS_INFORMATION, 0x100);
C_ASSERT_OFFSET(SYSTEM_PROCESS_INFORMATION, UniqueProcessId, 0x50);

#define NORMAL_PRIORITY 8

struct list {
  UCHAR *bytes;
  size_t size, room;
  bool failed;
};

/* Appends zeroed bytes; returns their offset. */
static size_t grow(struct list *l, size_t size)
{
  size_t at = l->size;
  if (l->failed)
    return 0;
  if (at + size > l->room) {
    size_t room = (at + size) * 2;
    UCHAR *bytes = ExAllocatePoolWithTag(room, TAG);
    if (bytes == NULL) {
      l->failed = true;
      return 0;
    }
    if (at > 0)
      memcpy(bytes, l->bytes, at);
    ExFreePool(l->bytes);
    l->bytes = bytes;
    l->room = room;
  }
  l->size += size;
  return at;
}

static ULONG wait_reason(const KTHREAD *thread)
{
  if (thread->State != Waiting)
    return 0;
  /* Above UserRequest our numbers are not NT's: those waits show as Executive, but for the two of ports. */
  switch (thread->WaitReason) {
  case WrLpcReceive:
    return 16;
  case WrLpcReply:
    return 17;
  default:
    return thread->WaitReason <= UserRequest ? thread->WaitReason : 0;
  }
}

static void add_thread(struct list *l, const ETHREAD *thread)
{
  size_t at = grow(l, sizeof(SYSTEM_THREAD_INFORMATION));
  if (l->failed)
    return;
  SYSTEM_THREAD_INFORMATION *out = (SYSTEM_THREAD_INFORMATION *)(void *)(l->bytes + at);
  out->UserTime = thread->Tcb.CycleTime * KE_NANOSECONDS_PER_BLOCK / 100;
  out->CreateTime = thread->Tcb.CreateTime;
  out->StartAddress = thread->StartAddress;
  out->ClientId = thread->Cid;
  out->Priority = out->BasePriority = NORMAL_PRIORITY;
  out->ThreadState = (ULONG)thread->Tcb.State;
  out->WaitReason = wait_reason(&thread->Tcb);
}

static void add_name(struct list *l, size_t entry, const char *name, ULONG64 base)
{
  ULONG bytes = 0;
  WCHAR *wide = io_utf16(name, &bytes);
  if (wide == NULL) {
    l->failed = true;
    return;
  }
  size_t at = grow(l, (bytes + sizeof(WCHAR) + 7) & ~(size_t)7);
  if (!l->failed && bytes > 0) {
    SYSTEM_PROCESS_INFORMATION *out = (SYSTEM_PROCESS_INFORMATION *)(void *)(l->bytes + entry);
    memcpy(l->bytes + at, wide, bytes);
    out->ImageName.Length = (USHORT)bytes;
    out->ImageName.MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    out->ImageName.Buffer = base + at;
  }
  ExFreePool(wide);
}

static void add_process(struct list *l, EPROCESS *process, ULONG64 base)
{
  ULONG threads = 0;
  char name[sizeof(process->ImageFileName) + 1] = {0};
  size_t entry = grow(l, sizeof(SYSTEM_PROCESS_INFORMATION));
  for (ETHREAD *t = PsGetNextProcessThread(process, NULL); t != NULL; t = PsGetNextProcessThread(process, t)) {
    if (ps_thread_ended(t))
      continue;
    add_thread(l, t);
    threads++;
  }
  memcpy(name, process->ImageFileName, sizeof(process->ImageFileName));
  add_name(l, entry, name, base);
  if (l->failed)
    return;
  SYSTEM_PROCESS_INFORMATION *out = (SYSTEM_PROCESS_INFORMATION *)(void *)(l->bytes + entry);
  out->NumberOfThreads = out->NumberOfThreadsHighWatermark = threads;
  out->CreateTime = process->CreateTime;
  out->BasePriority = NORMAL_PRIORITY;
  out->UniqueProcessId = process->UniqueProcessId;
  out->InheritedFromUniqueProcessId = process->InheritedFromUniqueProcessId;
  out->HandleCount = process->ObjectTable != NULL ? ob_handle_count(process) : 0;
  out->SessionId = 1;
  if (!process->native && process->Vm != NULL) {
    mm_process_sizes(process, &out->PagefileUsage, &out->PeakPagefileUsage, &out->VirtualSize);
    out->PeakVirtualSize = out->VirtualSize;
    out->PrivatePageCount = out->WorkingSetSize = out->PagefileUsage;
    out->PeakWorkingSetSize = out->PeakPagefileUsage;
  }
}

NTSTATUS svc_list_processes(ULONG64 base, UCHAR **list, ULONG *size)
{
  struct list l = {.bytes = NULL};
  size_t last = 0;
  for (EPROCESS *p = PsGetNextProcess(NULL); p != NULL; p = PsGetNextProcess(p)) {
    if (ps_process_ended(p))
      continue;
    size_t entry = l.size;
    add_process(&l, p, base);
    if (!l.failed && entry > 0)
      ((SYSTEM_PROCESS_INFORMATION *)(void *)(l.bytes + last))->NextEntryOffset = (ULONG)(entry - last);
    last = entry;
  }
  if (l.failed || l.bytes == NULL || l.size > 0xFFFFFFFFu) {
    ExFreePool(l.bytes);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  *list = l.bytes;
  *size = (ULONG)l.size;
  return STATUS_SUCCESS;
}
