/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fiber local storage: values by index for each thread or fiber, with a callback when an index, a fiber or a thread
 * goes. */
#include "ntdllp.h"

enum { FLS_SLOTS = 128 };

/** What TEB.FlsData points to. */
typedef struct {
  LIST_ENTRY Links;
  PVOID Values[FLS_SLOTS];
} FLS_DATA;

/* Guarded by fls_lock; index 0 is never given away. */
static struct {
  BOOLEAN InUse;
  PFLS_CALLBACK_FUNCTION Callback;
} slots[FLS_SLOTS];
static LIST_ENTRY all = {&all, &all};
static RTL_CRITICAL_SECTION fls_lock = {.DebugInfo = (PVOID)-1, .LockCount = -1};

static BOOLEAN is_allocated(ULONG index) { return index && index < FLS_SLOTS && slots[index].InUse; }

static FLS_DATA *own_data(void)
{
  PTEB teb = NtCurrentTeb();
  if (teb->FlsData)
    return teb->FlsData;
  FLS_DATA *data = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, sizeof *data);
  if (!data)
    return NULL;
  RtlEnterCriticalSection(&fls_lock);
  data->Links = (LIST_ENTRY){&all, all.Blink};
  all.Blink->Flink = &data->Links;
  all.Blink = &data->Links;
  RtlLeaveCriticalSection(&fls_lock);
  teb->FlsData = data;
  return data;
}

NTSTATUS NTAPI RtlFlsAlloc(PFLS_CALLBACK_FUNCTION Callback, ULONG *FlsIndex)
{
  ULONG index = 1;
  if (!own_data())
    return STATUS_NO_MEMORY;
  RtlEnterCriticalSection(&fls_lock);
  while (index < FLS_SLOTS && slots[index].InUse)
    index++;
  if (index < FLS_SLOTS) {
    slots[index].InUse = TRUE;
    slots[index].Callback = Callback;
  }
  RtlLeaveCriticalSection(&fls_lock);
  if (index == FLS_SLOTS)
    return STATUS_NO_MEMORY;
  *FlsIndex = index;
  return STATUS_SUCCESS;
}

/* Takes a value out of its slot and tells the callback of it. */
static void end_value(FLS_DATA *data, ULONG index, PFLS_CALLBACK_FUNCTION callback)
{
  PVOID value = data->Values[index];
  data->Values[index] = NULL;
  if (value && callback)
    callback(value);
}

NTSTATUS NTAPI RtlFlsFree(ULONG FlsIndex)
{
  RtlEnterCriticalSection(&fls_lock);
  BOOLEAN good = is_allocated(FlsIndex);
  if (good) {
    PFLS_CALLBACK_FUNCTION callback = slots[FlsIndex].Callback;
    for (LIST_ENTRY *link = all.Flink; link != &all; link = link->Flink)
      end_value(CONTAINING_RECORD(link, FLS_DATA, Links), FlsIndex, callback);
    slots[FlsIndex].Callback = NULL;
    slots[FlsIndex].InUse = FALSE;
  }
  RtlLeaveCriticalSection(&fls_lock);
  return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS NTAPI RtlFlsGetValue(ULONG FlsIndex, PVOID *FlsData)
{
  const FLS_DATA *data = NtCurrentTeb()->FlsData;
  if (!data || !FlsIndex || FlsIndex >= FLS_SLOTS)
    return STATUS_INVALID_PARAMETER;
  *FlsData = data->Values[FlsIndex];
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlFlsSetValue(ULONG FlsIndex, PVOID FlsData)
{
  if (!FlsIndex || FlsIndex >= FLS_SLOTS || !slots[FlsIndex].InUse)
    return STATUS_INVALID_PARAMETER;
  FLS_DATA *data = own_data();
  if (!data)
    return STATUS_NO_MEMORY;
  data->Values[FlsIndex] = FlsData;
  return STATUS_SUCCESS;
}

void NTAPI RtlProcessFlsData(PVOID FlsData, ULONG Flags)
{
  enum { CALL_BACK = 1, RELEASE = 2 };
  FLS_DATA *data = FlsData;
  if (!data)
    return;
  for (ULONG i = 1; (Flags & CALL_BACK) && i < FLS_SLOTS; i++)
    if (slots[i].InUse)
      end_value(data, i, slots[i].Callback);
  if (!(Flags & RELEASE))
    return;
  RtlEnterCriticalSection(&fls_lock);
  data->Links.Flink->Blink = data->Links.Blink;
  data->Links.Blink->Flink = data->Links.Flink;
  RtlLeaveCriticalSection(&fls_lock);
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, data);
}

void RtlpEndThreadFls(void)
{
  PTEB teb = NtCurrentTeb();
  RtlProcessFlsData(teb->FlsData, 1);
  RtlProcessFlsData(teb->FlsData, 2);
  teb->FlsData = NULL;
}
