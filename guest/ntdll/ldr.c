/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader: the module lists of the PEB, imports, relocations, the loader breakpoint. */
#include "ntdllp.h"

#define MODULES 64

typedef BOOL(WINAPI *DLL_ENTRY)(PVOID base, ULONG reason, PVOID reserved);

static PEB_LDR_DATA loader_data;
static LDR_DATA_TABLE_ENTRY modules[MODULES];
static WCHAR names[MODULES][260];
static volatile LONG initialisation; /* 0 not begun, 1 in work, 2 done */
static const WCHAR system_folder[] = L"C:\\windows\\system32\\";

static NTSTATUS load(const WCHAR *name, ULONG length, LDR_DATA_TABLE_ENTRY **out);

static void append(LIST_ENTRY *head, LIST_ENTRY *entry)
{
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

static IMAGE_NT_HEADERS64 *nt_headers(PVOID base)
{
  return (IMAGE_NT_HEADERS64 *)((UCHAR *)base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
}

static LDR_DATA_TABLE_ENTRY *add_module(PVOID base, const WCHAR *path, ULONG length)
{
  ULONG slot = 0, file = 0;
  while (slot < MODULES && modules[slot].DllBase)
    slot++;
  if (slot == MODULES || length > 259)
    return NULL;
  LDR_DATA_TABLE_ENTRY *entry = &modules[slot];
  IMAGE_NT_HEADERS64 *headers = nt_headers(base);
  for (ULONG i = 0; i < length; i++) {
    names[slot][i] = path[i];
    if (path[i] == '\\')
      file = i + 1;
  }
  entry->DllBase = base;
  entry->EntryPoint = headers->OptionalHeader.AddressOfEntryPoint
                          ? (UCHAR *)base + headers->OptionalHeader.AddressOfEntryPoint
                          : NULL;
  entry->SizeOfImage = headers->OptionalHeader.SizeOfImage;
  entry->TimeDateStamp = headers->FileHeader.TimeDateStamp;
  entry->ObsoleteLoadCount = 1;
  entry->FullDllName = (UNICODE_STRING){(USHORT)(length * 2), (USHORT)(length * 2 + 2), names[slot]};
  entry->BaseDllName = (UNICODE_STRING){(USHORT)((length - file) * 2), (USHORT)((length - file) * 2 + 2),
                                        names[slot] + file};
  append(&loader_data.InLoadOrderModuleList, &entry->InLoadOrderLinks);
  append(&loader_data.InMemoryOrderModuleList, &entry->InMemoryOrderLinks);
  return entry;
}

static PVOID find_export(PVOID base, const char *name);

static PVOID forward(const char *target)
{
  WCHAR name[64];
  ULONG length = 0;
  while (*target && *target != '.' && length < 59)
    name[length++] = (UCHAR)*target++;
  for (const char *p = ".dll"; *p; p++)
    name[length++] = (UCHAR)*p;
  LDR_DATA_TABLE_ENTRY *entry;
  if (*target++ != '.' || !NT_SUCCESS(load(name, length, &entry)))
    return NULL;
  return find_export(entry->DllBase, target);
}

static int equal(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static PVOID find_export(PVOID base, const char *name)
{
  UCHAR *image = base;
  IMAGE_DATA_DIRECTORY *directory = &nt_headers(base)->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
  if (!directory->VirtualAddress)
    return NULL;
  IMAGE_EXPORT_DIRECTORY *exports = (IMAGE_EXPORT_DIRECTORY *)(image + directory->VirtualAddress);
  ULONG *export_names = (ULONG *)(image + exports->AddressOfNames);
  USHORT *ordinals = (USHORT *)(image + exports->AddressOfNameOrdinals);
  ULONG *functions = (ULONG *)(image + exports->AddressOfFunctions);
  for (ULONG i = 0; i < exports->NumberOfNames; i++) {
    if (!equal((char *)image + export_names[i], name))
      continue;
    ULONG rva = functions[ordinals[i]];
    if (rva - directory->VirtualAddress < directory->Size)
      return forward((char *)image + rva);
    return image + rva;
  }
  return NULL;
}

static NTSTATUS protect(PVOID address, SIZE_T size, ULONG protection, ULONG *old)
{
  return NtProtectVirtualMemory(NtCurrentProcess(), &address, &size, protection, old);
}

static NTSTATUS bind_imports(PVOID base)
{
  UCHAR *image = base;
  IMAGE_DATA_DIRECTORY *directories = nt_headers(base)->OptionalHeader.DataDirectory;
  if (!directories[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress)
    return STATUS_SUCCESS;
  IMAGE_IMPORT_DESCRIPTOR *import =
      (IMAGE_IMPORT_DESCRIPTOR *)(image + directories[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
  for (; import->Name; import++) {
    WCHAR name[64];
    ULONG length = 0, old;
    for (const char *p = (char *)image + import->Name; *p && length < 63; p++)
      name[length++] = (UCHAR)*p;
    LDR_DATA_TABLE_ENTRY *entry;
    NTSTATUS status = load(name, length, &entry);
    if (!NT_SUCCESS(status))
      return status;
    ULONG64 *lookup =
        (ULONG64 *)(image + (import->OriginalFirstThunk ? import->OriginalFirstThunk : import->FirstThunk));
    for (ULONG64 *address = (ULONG64 *)(image + import->FirstThunk); *lookup; lookup++, address++) {
      PVOID target = *lookup >> 63 ? NULL : find_export(entry->DllBase, (char *)image + (ULONG)*lookup + 2);
      if (!target)
        return STATUS_ENTRYPOINT_NOT_FOUND;
      protect(address, 8, PAGE_READWRITE, &old);
      *address = (ULONG64)target;
      protect(address, 8, old, &old);
    }
  }
  return STATUS_SUCCESS;
}

static NTSTATUS map(const WCHAR *path, ULONG length, PVOID *base)
{
  WCHAR nt[280] = L"\\??\\";
  for (ULONG i = 0; i < length; i++)
    nt[4 + i] = path[i];
  UNICODE_STRING name = {(USHORT)((4 + length) * 2), (USHORT)((4 + length) * 2), nt};
  OBJECT_ATTRIBUTES attributes;
  IO_STATUS_BLOCK io;
  HANDLE file, section;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
  NTSTATUS status = NtOpenFile(&file, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io,
                               FILE_SHARE_READ | FILE_SHARE_DELETE,
                               FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
  if (!NT_SUCCESS(status))
    return status;
  status = NtCreateSection(&section, SEC_IMAGE_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, file);
  NtClose(file);
  if (!NT_SUCCESS(status))
    return status;
  PTEB teb = NtCurrentTeb();
  PVOID previous = teb->NtTib.ArbitraryUserPointer;
  SIZE_T size = 0;
  *base = NULL;
  teb->NtTib.ArbitraryUserPointer = (PVOID)path; /* where the debug event's lpImageName leads (spec/5 fact 3) */
  status = NtMapViewOfSection(section, NtCurrentProcess(), base, 0, 0, NULL, &size, 1, 0, PAGE_READWRITE);
  teb->NtTib.ArbitraryUserPointer = previous;
  NtClose(section);
  return status;
}

static NTSTATUS load(const WCHAR *name, ULONG length, LDR_DATA_TABLE_ENTRY **out)
{
  for (ULONG i = 0; i < MODULES; i++) {
    UNICODE_STRING *base_name = &modules[i].BaseDllName;
    if (!modules[i].DllBase || base_name->Length != length * 2)
      continue;
    ULONG at = 0;
    while (at < length && (base_name->Buffer[at] | 0x20) == (name[at] | 0x20))
      at++;
    if (at == length) {
      *out = &modules[i];
      return STATUS_SUCCESS;
    }
  }
  WCHAR path[260];
  ULONG at = 0;
  for (; system_folder[at]; at++)
    path[at] = system_folder[at];
  for (ULONG i = 0; i < length && at < 259; i++)
    path[at++] = name[i];
  path[at] = 0;
  PVOID base;
  NTSTATUS status = map(path, at, &base);
  if (status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND)
    return STATUS_DLL_NOT_FOUND;
  if (!NT_SUCCESS(status))
    return status;
  *out = add_module(base, path, at);
  if (!*out)
    return STATUS_NO_MEMORY;
  status = bind_imports(base);
  if (NT_SUCCESS(status) && (*out)->EntryPoint && !((DLL_ENTRY)(*out)->EntryPoint)(base, DLL_PROCESS_ATTACH, NULL))
    status = STATUS_DLL_INIT_FAILED;
  append(&loader_data.InInitializationOrderModuleList, &(*out)->InInitializationOrderLinks);
  return status;
}

static __attribute__((noinline)) void debugger_break(void) { LdrpDoDebuggerBreak(); }

static NTSTATUS initialise_process(PPEB peb, PVOID ntdll)
{
  static const WCHAR ntdll_name[] = L"C:\\windows\\system32\\ntdll.dll";
  LIST_ENTRY *heads[] = {&loader_data.InLoadOrderModuleList, &loader_data.InMemoryOrderModuleList,
                         &loader_data.InInitializationOrderModuleList};
  for (ULONG i = 0; i < 3; i++)
    heads[i]->Flink = heads[i]->Blink = heads[i];
  loader_data.Length = sizeof(loader_data);
  UNICODE_STRING *path = &peb->ProcessParameters->ImagePathName;
  add_module(peb->ImageBaseAddress, path->Buffer, path->Length / 2);
  LDR_DATA_TABLE_ENTRY *entry = add_module(ntdll, ntdll_name, sizeof(ntdll_name) / 2 - 1);
  append(&loader_data.InInitializationOrderModuleList, &entry->InInitializationOrderLinks);
  peb->Ldr = &loader_data;
  if (peb->BeingDebugged)
    peb->NtGlobalFlag |= FLG_DEBUG_HEAP;
  NTSTATUS status = load(L"kernel32.dll", 12, &entry);
  if (NT_SUCCESS(status)) {
    *(PVOID *)&RtlpThreadInitThunk = find_export(entry->DllBase, "BaseThreadInitThunk");
    status = bind_imports(peb->ImageBaseAddress);
  }
  loader_data.Initialized = TRUE;
  return status;
}

void LdrpInitialize(CONTEXT *Context, PVOID NtdllBase)
{
  PPEB peb = NtCurrentPeb();
  LONG expected = 0;
  if (__atomic_compare_exchange_n(&initialisation, &expected, 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    NTSTATUS status = initialise_process(peb, NtdllBase);
    if (!NT_SUCCESS(status))
      NtTerminateProcess(NtCurrentProcess(), status);
    if (peb->BeingDebugged) {
      __try {
        debugger_break();
      } __except (EXCEPTION_EXECUTE_HANDLER) {
      }
    }
    __atomic_store_n(&initialisation, 2, __ATOMIC_RELEASE);
  }
  const LARGE_INTEGER millisecond = {.QuadPart = -10000};
  while (__atomic_load_n(&initialisation, __ATOMIC_ACQUIRE) != 2)
    NtDelayExecution(FALSE, &millisecond);
  for (;;)
    NtTerminateProcess(NtCurrentProcess(), NtContinue(Context, TRUE));
}

void LdrShutdownProcess(void) {}

void LdrShutdownThread(void) {}
