/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which unwind data belongs to an address: the exception directories of modules, and tables that programs add for code
 * they make. */
#include "ldrp.h"

#define TABLES 64

typedef struct {
  ULONG64 Begin, End; /**< addresses; End 0: a free place */
  ULONG64 BaseAddress;
  const RUNTIME_FUNCTION *Table; /**< what identifies it; sorted if there is no callback */
  ULONG Count;
  PGET_RUNTIME_FUNCTION_CALLBACK Callback;
  PVOID Context;
} DYNAMIC_TABLE;

static DYNAMIC_TABLE tables[TABLES];
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
  lock_tables();
  for (ULONG i = 0; i < TABLES && !found.End; i++)
    if (tables[i].End && pc >= tables[i].Begin && pc < tables[i].End)
      found = tables[i];
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
  BOOLEAN done = FALSE;
  lock_tables();
  for (ULONG i = 0; i < TABLES && !done; i++)
    if (!tables[i].End) {
      tables[i] = table;
      done = TRUE;
    }
  unlock_tables();
  return done;
}

static BOOLEAN take_out(const void *identity)
{
  BOOLEAN found = FALSE;
  lock_tables();
  for (ULONG i = 0; i < TABLES && !found; i++)
    if (tables[i].End && (const void *)tables[i].Table == identity) {
      tables[i].End = 0;
      found = TRUE;
    }
  unlock_tables();
  return found;
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
  for (ULONG i = 0; i < TABLES; i++)
    if (tables[i].End && (const void *)tables[i].Table == DynamicTable)
      tables[i].Count = NewEntryCount;
  unlock_tables();
}

NTDLL_API void NTAPI RtlDeleteGrowableFunctionTable(PVOID DynamicTable) { take_out(DynamicTable); }
