/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader: the module lists of the PEB, imports, relocations, the loader breakpoint. Imports are bound to ntdll
 * only, whatever module they name: nano programs have no other DLL to import from. */
#include "nano.h"
#include "pe.h"
#include "private.h"

#define MODULES 16
#define SEC_IMAGE_ACCESS (SECTION_QUERY | SECTION_MAP_WRITE | SECTION_MAP_READ | SECTION_MAP_EXECUTE)
#define FILE_NON_DIRECTORY_FILE 0x40u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20u
#define DLL_PROCESS_DETACH 0
/* FLG_HEAP_ENABLE_TAIL_CHECK, _FREE_CHECK, FLG_HEAP_VALIDATE_PARAMETERS. */
#define FLG_DEBUG_HEAP 0x70u
#define DLL_PROCESS_ATTACH 1

typedef BOOLEAN (*DLL_ENTRY)(void *base, ULONG reason, void *reserved);

static PEB_LDR_DATA64 loader_data;
static LDR_DATA_TABLE_ENTRY64 modules[MODULES];
static WCHAR names[MODULES][260];
static void *ntdll_base;
static HANDLE first_thread;
static volatile LONG initialisation; /* 0 not begun, 1 in work, 2 done */

HANDLE ldr_first_thread(void) { return first_thread; }

static void append(LIST_ENTRY64 *head, LIST_ENTRY64 *entry)
{
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

static void unlink_entry(LIST_ENTRY64 *entry)
{
  entry->Blink->Flink = entry->Flink;
  entry->Flink->Blink = entry->Blink;
}

static int equal(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static IMAGE_NT_HEADERS *nt_headers(void *base)
{
  return (IMAGE_NT_HEADERS *)((UCHAR *)base + *(ULONG *)((UCHAR *)base + IMAGE_LFANEW));
}

static LDR_DATA_TABLE_ENTRY64 *add_module(void *base, const WCHAR *path, ULONG length, BOOLEAN initialised)
{
  unsigned slot = 0;
  while (slot < MODULES && modules[slot].DllBase)
    slot++;
  if (slot == MODULES)
    return NULL;
  LDR_DATA_TABLE_ENTRY64 *entry = &modules[slot];
  IMAGE_NT_HEADERS *headers = nt_headers(base);
  if (length > 259)
    length = 259;
  ULONG file = 0;
  for (ULONG i = 0; i < length; i++) {
    names[slot][i] = path[i];
    if (path[i] == '\\')
      file = i + 1;
  }
  names[slot][length] = 0;
  entry->DllBase = (ULONG64)base;
  entry->EntryPoint = headers->AddressOfEntryPoint ? (ULONG64)base + headers->AddressOfEntryPoint : 0;
  entry->SizeOfImage = headers->SizeOfImage;
  entry->TimeDateStamp = headers->TimeDateStamp;
  entry->LoadCount = 1;
  entry->FullDllName = (UNICODE_STRING64){(USHORT)(length * 2), (USHORT)(length * 2 + 2), 0, (ULONG64)names[slot]};
  entry->BaseDllName = (UNICODE_STRING64){(USHORT)((length - file) * 2), (USHORT)((length - file) * 2 + 2), 0,
                                          (ULONG64)(names[slot] + file)};
  append(&loader_data.InLoadOrderModuleList, &entry->InLoadOrderLinks);
  append(&loader_data.InMemoryOrderModuleList, &entry->InMemoryOrderLinks);
  if (initialised)
    append(&loader_data.InInitializationOrderModuleList, &entry->InInitializationOrderLinks);
  return entry;
}

__declspec(dllexport) void *nano_find_export(void *base, const char *name)
{
  UCHAR *image = base;
  IMAGE_DATA_DIRECTORY *directory = &nt_headers(base)->DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
  if (!directory->VirtualAddress)
    return NULL;
  IMAGE_EXPORT_DIRECTORY *exports = (IMAGE_EXPORT_DIRECTORY *)(image + directory->VirtualAddress);
  ULONG *export_names = (ULONG *)(image + exports->AddressOfNames);
  USHORT *ordinals = (USHORT *)(image + exports->AddressOfNameOrdinals);
  ULONG *functions = (ULONG *)(image + exports->AddressOfFunctions);
  for (ULONG i = 0; i < exports->NumberOfNames; i++)
    if (equal((char *)image + export_names[i], name))
      return image + functions[ordinals[i]];
  return NULL;
}

static NTSTATUS protect(void *address, ULONG64 size, ULONG protection, ULONG *old)
{
  return NtProtectVirtualMemory(NtCurrentProcess, &address, &size, protection, old);
}

static NTSTATUS bind_imports(void *base)
{
  UCHAR *image = base;
  IMAGE_NT_HEADERS *headers = nt_headers(base);
  IMAGE_DATA_DIRECTORY *directory = &headers->DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  IMAGE_DATA_DIRECTORY *table = &headers->DataDirectory[IMAGE_DIRECTORY_ENTRY_IAT];
  ULONG old = 0;
  if (!directory->VirtualAddress)
    return STATUS_SUCCESS;
  if (table->Size)
    protect(image + table->VirtualAddress, table->Size, PAGE_READWRITE, &old);
  IMAGE_IMPORT_DESCRIPTOR *import = (IMAGE_IMPORT_DESCRIPTOR *)(image + directory->VirtualAddress);
  for (; import->FirstThunk; import++) {
    ULONG64 *address = (ULONG64 *)(image + import->FirstThunk);
    ULONG64 *lookup = import->OriginalFirstThunk ? (ULONG64 *)(image + import->OriginalFirstThunk) : address;
    for (; *lookup; lookup++, address++) {
      void *target = (*lookup >> 63) ? NULL : nano_find_export(ntdll_base, (char *)image + (ULONG)*lookup + 2);
      if (!target)
        return STATUS_ENTRYPOINT_NOT_FOUND;
      *address = (ULONG64)target;
    }
  }
  if (table->Size)
    protect(image + table->VirtualAddress, table->Size, old, &old);
  return STATUS_SUCCESS;
}

/* A kernel that moves images itself leaves the new base in the header: then there is nothing to do. */
static NTSTATUS relocate(void *base)
{
  UCHAR *image = base;
  IMAGE_NT_HEADERS *headers = nt_headers(base);
  IMAGE_DATA_DIRECTORY *directory = &headers->DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC];
  ULONG64 delta = (ULONG64)base - headers->ImageBase;
  if (!delta)
    return STATUS_SUCCESS;
  if (!directory->VirtualAddress)
    return STATUS_CONFLICTING_ADDRESSES;
  UCHAR *block = image + directory->VirtualAddress, *end = block + directory->Size;
  while (block < end) {
    ULONG page = ((ULONG *)block)[0], size = ((ULONG *)block)[1], old;
    NTSTATUS status = protect(image + page, 0x1000, PAGE_READWRITE, &old);
    if (!NT_SUCCESS(status) || size < 8)
      return status;
    for (USHORT *item = (USHORT *)(block + 8); (UCHAR *)item < block + size; item++)
      if (*item >> 12 == IMAGE_REL_BASED_DIR64)
        *(ULONG64 *)(image + page + (*item & 0xFFF)) += delta;
    protect(image + page, 0x1000, old, &old);
    block += size;
  }
  return STATUS_SUCCESS;
}

static void call_break(void *context)
{
  (void)context;
  LdrpDoDebuggerBreak();
}

static NTSTATUS initialise_process(NANO_PEB *peb)
{
  static const WCHAR ntdll_name[] = u"C:\\windows\\system32\\ntdll.dll";
  LIST_ENTRY64 *heads[] = {&loader_data.InLoadOrderModuleList, &loader_data.InMemoryOrderModuleList,
                           &loader_data.InInitializationOrderModuleList};
  for (unsigned i = 0; i < 3; i++)
    heads[i]->Flink = heads[i]->Blink = heads[i];
  loader_data.Length = sizeof(loader_data);
  first_thread = nano_teb()->ClientId.UniqueThread;
  void *exe = (void *)peb->ImageBaseAddress;
  UNICODE_STRING64 *path = &peb->ProcessParameters->ImagePathName;
  add_module(exe, (const WCHAR *)path->Buffer, path->Length / 2, FALSE);
  add_module(ntdll_base, ntdll_name, sizeof(ntdll_name) / 2 - 1, TRUE);
  peb->Ldr = &loader_data;
  if (peb->BeingDebugged)
    peb->NtGlobalFlag |= FLG_DEBUG_HEAP;
  NTSTATUS status = relocate(exe);
  if (NT_SUCCESS(status))
    status = bind_imports(exe);
  loader_data.Initialized = TRUE;
  return status;
}

void ldr_initialize(CONTEXT *context, void *ntdll)
{
  NANO_PEB *peb = nano_teb()->ProcessEnvironmentBlock;
  LONG expected = 0;
  if (__atomic_compare_exchange_n(&initialisation, &expected, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    ntdll_base = ntdll;
    NTSTATUS status = initialise_process(peb);
    if (!NT_SUCCESS(status))
      dispatch_failed(status);
    if (peb->BeingDebugged)
      nano_try(call_break, NULL);
    __atomic_store_n(&initialisation, 2, __ATOMIC_RELEASE);
  }
  const LONG64 millisecond = -10000;
  while (__atomic_load_n(&initialisation, __ATOMIC_ACQUIRE) != 2)
    NtDelayExecution(FALSE, &millisecond);
  dispatch_failed(NtContinue(context, TRUE));
}

static NTSTATUS map_image(const WCHAR *path, ULONG length, void **base)
{
  UNICODE_STRING64 name = {(USHORT)(length * 2), (USHORT)(length * 2), 0, (ULONG64)path};
  OBJECT_ATTRIBUTES64 attributes = {
      .Length = sizeof(attributes), .ObjectName = (ULONG64)&name, .Attributes = OBJ_CASE_INSENSITIVE};
  IO_STATUS_BLOCK64 io;
  HANDLE file, section;
  NTSTATUS status = NtOpenFile(&file, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io, 5,
                               FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
  if (!NT_SUCCESS(status))
    return status;
  status = NtCreateSection(&section, SEC_IMAGE_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, file);
  NtClose(file);
  if (!NT_SUCCESS(status))
    return status;
  NANO_TEB *teb = nano_teb();
  const void *previous = teb->ArbitraryUserPointer;
  ULONG64 size = 0;
  *base = NULL;
  teb->ArbitraryUserPointer = path; /* where the debug event's lpImageName leads (spec/5 fact 3) */
  status = NtMapViewOfSection(section, NtCurrentProcess, base, 0, 0, NULL, &size, 1, 0, PAGE_READWRITE);
  teb->ArbitraryUserPointer = previous;
  NtClose(section);
  return status;
}

__declspec(dllexport) NTSTATUS nano_load_dll(const WCHAR *path, void **base)
{
  ULONG length = 0;
  while (path[length] && length < 259)
    length++;
  NTSTATUS status = map_image(path, length, base);
  if (!NT_SUCCESS(status))
    return status;
  status = relocate(*base);
  if (NT_SUCCESS(status))
    status = bind_imports(*base);
  LDR_DATA_TABLE_ENTRY64 *entry = NT_SUCCESS(status) ? add_module(*base, path, length, TRUE) : NULL;
  if (!entry) {
    NtUnmapViewOfSection(NtCurrentProcess, *base);
    return NT_SUCCESS(status) ? STATUS_NO_MEMORY : status;
  }
  if (entry->EntryPoint && !((DLL_ENTRY)entry->EntryPoint)(*base, DLL_PROCESS_ATTACH, NULL)) {
    nano_unload_dll(*base);
    return STATUS_DLL_INIT_FAILED;
  }
  return STATUS_SUCCESS;
}

__declspec(dllexport) NTSTATUS nano_unload_dll(void *base)
{
  for (unsigned i = 2; i < MODULES; i++) {
    LDR_DATA_TABLE_ENTRY64 *entry = &modules[i];
    if (!base || entry->DllBase != (ULONG64)base)
      continue;
    if (entry->EntryPoint)
      ((DLL_ENTRY)entry->EntryPoint)(base, DLL_PROCESS_DETACH, NULL);
    unlink_entry(&entry->InLoadOrderLinks);
    unlink_entry(&entry->InMemoryOrderLinks);
    unlink_entry(&entry->InInitializationOrderLinks);
    entry->DllBase = 0;
    return NtUnmapViewOfSection(NtCurrentProcess, base);
  }
  return STATUS_DLL_NOT_FOUND;
}
