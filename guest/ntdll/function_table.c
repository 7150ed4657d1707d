/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which unwind data belongs to an address: the exception directories of modules, and tables that programs add for code
 * they make. */
#include "ldrp.h"

typedef struct DYNAMIC_TABLE {
  struct DYNAMIC_TABLE *Next;
  ULONG64 Begin, End; /**< addresses */
  ULONG64 BaseAddress;
  const RUNTIME_FUNCTION *Table; /**< what identifies it; sorted if there is no callback */
  ULONG Count;
  PGET_RUNTIME_FUNCTION_CALLBACK Callback;
  PVOID Context;
} DYNAMIC_TABLE;

static DYNAMIC_TABLE *tables;
static volatile LONG table_lock;

static void lock_tables(void)
{
  while (__atomic_exchange_n(&table_lock, 1, __ATOMIC_ACQUIRE))
    NtYieldExecution();
}

static void unlock_tables(void) { __atomic_store_n(&table_lock, 0, __ATOMIC_RELEASE); }

static const RUNTIME_FUNCTION *search_sorted(const RUNTIME_FUNCTION *table, ULONG count, ULONG64 rva)
{
  ULONG low = 0, high = count;
  while (low < high) {
    ULONG middle = low + (high - low) / 2;
    if (rva < table[middle].BeginAddress)
      high = middle;
    else if (rva >= table[middle].EndAddress)
      low = middle + 1;
    else
      return &table[middle];
  }
  return NULL;
}

static const RUNTIME_FUNCTION *search_all(const RUNTIME_FUNCTION *table, ULONG count, ULONG64 rva)
{
  for (ULONG i = 0; i < count; i++)
    if (rva >= table[i].BeginAddress && rva < table[i].EndAddress)
      return &table[i];
  return NULL;
}

static const RUNTIME_FUNCTION *search_dynamic(ULONG64 pc, ULONG64 *base)
{
  DYNAMIC_TABLE found = {.End = 0};
  if (!tables)
    return NULL;
  lock_tables();
  for (const DYNAMIC_TABLE *t = tables; t && !found.End; t = t->Next)
    if (pc >= t->Begin && pc < t->End)
      found = *t;
  unlock_tables();
  if (!found.End)
    return NULL;
  *base = found.BaseAddress;
  return found.Callback ? found.Callback(pc, found.Context)
                        : search_all(found.Table, found.Count, pc - found.BaseAddress);
}

/* Walks the module list without the loader lock, as a thread that holds it may raise exceptions: entries are added and
 * taken off whole, and memory of a module that goes stays in the heap. */
static PVOID module_of(ULONG64 pc)
{
  if (!LdrpData.InLoadOrderModuleList.Flink)
    return NULL;
  LDRP_FOR_EACH_MODULE(module)
    if (pc - (ULONG64)module->Entry.DllBase < module->Entry.SizeOfImage)
      return module->Entry.DllBase;
  return NULL;
}

NTDLL_API PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(DWORD64 ControlPc, PDWORD64 ImageBase,
                                                         PUNWIND_HISTORY_TABLE HistoryTable)
{
  ULONG size;
  (void)HistoryTable;
  PVOID base = module_of(ControlPc);
  if (!base)
    return (PRUNTIME_FUNCTION)search_dynamic(ControlPc, ImageBase);
  *ImageBase = (ULONG64)base;
  const RUNTIME_FUNCTION *table = LdrpDirectory(base, IMAGE_DIRECTORY_ENTRY_EXCEPTION, &size);
  const RUNTIME_FUNCTION *entry =
      table ? search_sorted(table, size / sizeof(*table), ControlPc - (ULONG64)base) : NULL;
  if (entry && (entry->UnwindData & RUNTIME_FUNCTION_INDIRECT))
    entry = (const RUNTIME_FUNCTION *)((UCHAR *)base + (entry->UnwindData & ~RUNTIME_FUNCTION_INDIRECT));
  return (PRUNTIME_FUNCTION)entry;
}

static BOOLEAN add(DYNAMIC_TABLE table)
{
  DYNAMIC_TABLE *added = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, 0, sizeof *added);
  if (!added)
    return FALSE;
  *added = table;
  lock_tables();
  added->Next = tables;
  tables = added;
  unlock_tables();
  return TRUE;
}

static BOOLEAN take_out(const void *identity)
{
  DYNAMIC_TABLE *found;
  lock_tables();
  DYNAMIC_TABLE **link = &tables;
  while (*link && (const void *)(*link)->Table != identity)
    link = &(*link)->Next;
  found = *link;
  if (found)
    *link = found->Next;
  unlock_tables();
  if (found)
    RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, found);
  return found != NULL;
}

/* Addresses from the lowest begin to the highest end. */
static void range_of(const RUNTIME_FUNCTION *table, ULONG count, ULONG64 base, DYNAMIC_TABLE *out)
{
  ULONG low = ~0u, high = 0;
  for (ULONG i = 0; i < count; i++) {
    if (table[i].BeginAddress < low)
      low = table[i].BeginAddress;
    if (table[i].EndAddress > high)
      high = table[i].EndAddress;
  }
  out->Begin = base + low;
  out->End = count ? base + high : 0;
}

NTDLL_API BOOLEAN __cdecl RtlAddFunctionTable(PRUNTIME_FUNCTION FunctionTable, DWORD EntryCount, DWORD64 BaseAddress)
{
  DYNAMIC_TABLE table = {.BaseAddress = BaseAddress, .Table = FunctionTable, .Count = EntryCount};
  range_of(FunctionTable, EntryCount, BaseAddress, &table);
  return table.End && add(table);
}

NTDLL_API BOOLEAN __cdecl RtlDeleteFunctionTable(PRUNTIME_FUNCTION FunctionTable) { return take_out(FunctionTable); }

NTDLL_API BOOLEAN __cdecl RtlInstallFunctionTableCallback(DWORD64 TableIdentifier, DWORD64 BaseAddress, DWORD Length,
                                                          PGET_RUNTIME_FUNCTION_CALLBACK Callback, PVOID Context,
                                                          PCWSTR OutOfProcessCallbackDll)
{
  (void)OutOfProcessCallbackDll;
  /* The low two bits tell an identifier from a table's address. */
  if ((TableIdentifier & 3) != 3 || !Length)
    return FALSE;
  return add((DYNAMIC_TABLE){.Begin = BaseAddress,
                             .End = BaseAddress + Length,
                             .BaseAddress = BaseAddress,
                             .Table = (const RUNTIME_FUNCTION *)TableIdentifier,
                             .Callback = Callback,
                             .Context = Context});
}

NTDLL_API DWORD NTAPI RtlAddGrowableFunctionTable(PVOID *DynamicTable, PRUNTIME_FUNCTION FunctionTable, DWORD EntryCount,
                                                  DWORD MaximumEntryCount, ULONG_PTR RangeBase, ULONG_PTR RangeEnd)
{
  if (EntryCount > MaximumEntryCount || RangeEnd <= RangeBase)
    return (DWORD)STATUS_INVALID_PARAMETER;
  DYNAMIC_TABLE table = {.Begin = RangeBase,
                         .End = RangeEnd,
                         .BaseAddress = RangeBase,
                         .Table = FunctionTable,
                         .Count = EntryCount};
  *DynamicTable = FunctionTable;
  return (DWORD)(add(table) ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTDLL_API void NTAPI RtlGrowFunctionTable(PVOID DynamicTable, DWORD NewEntryCount)
{
  lock_tables();
  for (DYNAMIC_TABLE *t = tables; t; t = t->Next)
    if ((const void *)t->Table == DynamicTable)
      t->Count = NewEntryCount;
  unlock_tables();
}

NTDLL_API void NTAPI RtlDeleteGrowableFunctionTable(PVOID DynamicTable) { take_out(DynamicTable); }
