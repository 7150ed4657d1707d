/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of processes, threads, modules and heaps. A snapshot is a section, as on Windows: it can be duplicated and
 * inherited, and closing its handle frees it. */
#include "kernel32p.h"
#include "nt_process.h"
#include <tlhelp32.h>

#define MAX_MODULES 500u
#define MAX_HEAPS 256u

/** Arrays of the same kind of entry. */
enum { PROCESSES, THREADS, MODULES, HEAPS, KINDS };
static const ULONG entry_sizes[KINDS] = {sizeof(PROCESSENTRY32W), sizeof(THREADENTRY32), sizeof(MODULEENTRY32W),
                                         sizeof(HEAPLIST32)};

typedef struct {
  struct {
    ULONG Count, Next, Offset;
  } Kinds[KINDS];
  UCHAR Entries[];
} SNAPSHOT;

/* What a snapshot is made of. */
typedef struct {
  SYSTEM_PROCESS_INFORMATION *List;
  DWORD ProcessId;
  HANDLE Process;
  PEB *Peb; /**< in the process */
  DWORD Flags;
} SOURCE;

/* ---- what there is ---- */

static NTSTATUS list_processes(SYSTEM_PROCESS_INFORMATION **list)
{
  ULONG size = 0x4000, needed = 0;
  for (;;) {
    *list = base_allocate(size);
    if (!*list)
      return STATUS_NO_MEMORY;
    NTSTATUS status = NtQuerySystemInformation(SystemProcessInformation, *list, size, &needed);
    if (NT_SUCCESS(status))
      return status;
    base_free(*list);
    *list = NULL;
    if (status != STATUS_INFO_LENGTH_MISMATCH)
      return status;
    size = (needed > size ? needed : size) + 0x1000;
  }
}

static SYSTEM_PROCESS_INFORMATION *next_process(SYSTEM_PROCESS_INFORMATION *p)
{
  return p->NextEntryOffset ? (SYSTEM_PROCESS_INFORMATION *)((UCHAR *)p + p->NextEntryOffset) : NULL;
}

static BOOLEAN read(const SOURCE *s, const void *address, PVOID to, SIZE_T size)
{
  SIZE_T done;
  return NT_SUCCESS(NtReadVirtualMemory(s->Process, address, to, size, &done));
}

static NTSTATUS open_target(SOURCE *s)
{
  OBJECT_ATTRIBUTES attributes;
  CLIENT_ID id = {(HANDLE)(ULONG_PTR)s->ProcessId, NULL};
  PROCESS_BASIC_INFORMATION basic;
  if (!s->ProcessId) {
    s->ProcessId = GetCurrentProcessId();
    s->Process = NtCurrentProcess();
    s->Peb = NtCurrentPeb();
    return STATUS_SUCCESS;
  }
  InitializeObjectAttributes(&attributes, NULL, 0, NULL, NULL);
  NTSTATUS status = NtOpenProcess(&s->Process, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, &attributes, &id);
  if (status == STATUS_INVALID_CID)
    return STATUS_INVALID_PARAMETER;
  if (NT_SUCCESS(status))
    status = NtQueryInformationProcess(s->Process, ProcessBasicInformation, &basic, sizeof basic, NULL);
  if (NT_SUCCESS(status))
    s->Peb = basic.PebBaseAddress;
  return status;
}

/* ---- entries; each function counts with `to` NULL, fills otherwise ---- */

static void copy_text(PWSTR to, ULONG room, PCWSTR from, ULONG length)
{
  if (length >= room)
    length = room - 1;
  memcpy(to, from, length * sizeof(WCHAR));
  to[length] = 0;
}

static ULONG add_processes(const SOURCE *s, PROCESSENTRY32W *to)
{
  ULONG count = 0;
  for (SYSTEM_PROCESS_INFORMATION *p = s->List; p; p = next_process(p), count++) {
    if (!to)
      continue;
    PROCESSENTRY32W *entry = &to[count];
    *entry = (PROCESSENTRY32W){.dwSize = sizeof *entry,
                               .th32ProcessID = (DWORD)(ULONG_PTR)p->UniqueProcessId,
                               .th32ParentProcessID = (DWORD)(ULONG_PTR)p->InheritedFromUniqueProcessId,
                               .cntThreads = p->NumberOfThreads,
                               .pcPriClassBase = p->BasePriority};
    if (p->ImageName.Buffer)
      copy_text(entry->szExeFile, MAX_PATH, p->ImageName.Buffer, p->ImageName.Length / sizeof(WCHAR));
    else
      copy_text(entry->szExeFile, MAX_PATH, L"[System Process]", 16);
  }
  return count;
}

static ULONG add_threads(const SOURCE *s, THREADENTRY32 *to)
{
  ULONG count = 0;
  for (SYSTEM_PROCESS_INFORMATION *p = s->List; p; p = next_process(p))
    for (ULONG i = 0; i < p->NumberOfThreads; i++, count++)
      if (to)
        to[count] = (THREADENTRY32){.dwSize = sizeof *to,
                                    .th32ThreadID = (DWORD)(ULONG_PTR)p->Threads[i].ClientId.UniqueThread,
                                    .th32OwnerProcessID = (DWORD)(ULONG_PTR)p->UniqueProcessId,
                                    .tpBasePri = p->Threads[i].BasePriority};
  return count;
}

static void fill_module(const SOURCE *s, const LDR_DATA_TABLE_ENTRY *from, MODULEENTRY32W *to)
{
  *to = (MODULEENTRY32W){.dwSize = sizeof *to,
                         .th32ModuleID = 1,
                         .th32ProcessID = s->ProcessId,
                         .GlblcntUsage = from->ObsoleteLoadCount,
                         .ProccntUsage = from->ObsoleteLoadCount,
                         .modBaseAddr = from->DllBase,
                         .modBaseSize = from->SizeOfImage,
                         .hModule = from->DllBase};
  ULONG name = from->BaseDllName.Length, path = from->FullDllName.Length;
  read(s, from->BaseDllName.Buffer, to->szModule, name < sizeof to->szModule ? name : sizeof to->szModule - 2);
  read(s, from->FullDllName.Buffer, to->szExePath, path < sizeof to->szExePath ? path : sizeof to->szExePath - 2);
}

/* A process that did not run yet has no list. */
static ULONG add_modules(const SOURCE *s, MODULEENTRY32W *to, ULONG most)
{
  PPEB_LDR_DATA data;
  LIST_ENTRY *link;
  LDR_DATA_TABLE_ENTRY module;
  ULONG count = 0;
  if (!read(s, &s->Peb->Ldr, &data, sizeof data) || !data)
    return 0;
  LIST_ENTRY *head = &data->InLoadOrderModuleList;
  BOOLEAN ok = read(s, &head->Flink, &link, sizeof link);
  while (ok && link != head && count < most && read(s, link, &module, offsetof(LDR_DATA_TABLE_ENTRY, HashLinks))) {
    if (to)
      fill_module(s, &module, &to[count]);
    count++;
    link = module.InLoadOrderLinks.Flink;
  }
  return count;
}

static ULONG add_heaps(const SOURCE *s, HEAPLIST32 *to)
{
  ULONG count = 0;
  PVOID *heaps, heap;
  if (!read(s, &s->Peb->NumberOfHeaps, &count, sizeof count) ||
      !read(s, (PVOID)&s->Peb->ProcessHeaps, &heaps, sizeof heaps))
    return 0;
  if (count > MAX_HEAPS)
    count = MAX_HEAPS;
  for (ULONG i = 0; to && i < count; i++)
    if (read(s, &heaps[i], &heap, sizeof heap))
      to[i] = (HEAPLIST32){.dwSize = sizeof *to,
                           .th32ProcessID = s->ProcessId,
                           .th32HeapID = (ULONG_PTR)heap,
                           .dwFlags = i ? 0 : HF32_DEFAULT};
  return count;
}

static void count_entries(const SOURCE *s, SNAPSHOT *header)
{
  ULONG offset = 0;
  if (s->Flags & TH32CS_SNAPPROCESS)
    header->Kinds[PROCESSES].Count = add_processes(s, NULL);
  if (s->Flags & TH32CS_SNAPTHREAD)
    header->Kinds[THREADS].Count = add_threads(s, NULL);
  if (s->Flags & TH32CS_SNAPMODULE)
    header->Kinds[MODULES].Count = add_modules(s, NULL, MAX_MODULES);
  if (s->Flags & TH32CS_SNAPHEAPLIST)
    header->Kinds[HEAPS].Count = add_heaps(s, NULL);
  for (ULONG i = 0; i < KINDS; i++) {
    header->Kinds[i].Offset = offset;
    offset += (header->Kinds[i].Count * entry_sizes[i] + 15) & ~15u;
  }
  header->Kinds[0].Next = offset; /* the size, until it is filled */
}

static void fill_entries(const SOURCE *s, SNAPSHOT *snapshot)
{
  UCHAR *at = snapshot->Entries;
  if (s->Flags & TH32CS_SNAPPROCESS)
    add_processes(s, (PROCESSENTRY32W *)(at + snapshot->Kinds[PROCESSES].Offset));
  if (s->Flags & TH32CS_SNAPTHREAD)
    add_threads(s, (THREADENTRY32 *)(at + snapshot->Kinds[THREADS].Offset));
  if (s->Flags & TH32CS_SNAPMODULE)
    add_modules(s, (MODULEENTRY32W *)(at + snapshot->Kinds[MODULES].Offset), snapshot->Kinds[MODULES].Count);
  if (s->Flags & TH32CS_SNAPHEAPLIST)
    add_heaps(s, (HEAPLIST32 *)(at + snapshot->Kinds[HEAPS].Offset));
}

/* ---- the section ---- */

static SNAPSHOT *map(HANDLE section)
{
  PVOID base = NULL;
  SIZE_T size = 0;
  NTSTATUS status =
      NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, NULL, &size, 1 /* ViewShare */, 0, PAGE_READWRITE);
  return BaseSetLastNTError(status) ? base : NULL;
}

static HANDLE make_section(const SOURCE *s)
{
  SNAPSHOT header = {0};
  OBJECT_ATTRIBUTES attributes;
  LARGE_INTEGER size;
  HANDLE section;
  count_entries(s, &header);
  size.QuadPart = sizeof header + header.Kinds[0].Next;
  header.Kinds[0].Next = 0;
  InitializeObjectAttributes(&attributes, NULL, s->Flags & TH32CS_INHERIT ? OBJ_INHERIT : 0, NULL, NULL);
  if (!BaseSetLastNTError(
          NtCreateSection(&section, SECTION_ALL_ACCESS, &attributes, &size, PAGE_READWRITE, SEC_COMMIT, NULL)))
    return INVALID_HANDLE_VALUE;
  SNAPSHOT *snapshot = map(section);
  if (!snapshot) {
    NtClose(section);
    return INVALID_HANDLE_VALUE;
  }
  *snapshot = header;
  fill_entries(s, snapshot);
  NtUnmapViewOfSection(NtCurrentProcess(), snapshot);
  return section;
}

HANDLE WINAPI CreateToolhelp32Snapshot(DWORD flags, DWORD process_id)
{
  SOURCE s = {.ProcessId = process_id, .Flags = flags};
  HANDLE result = INVALID_HANDLE_VALUE;
  NTSTATUS status = STATUS_SUCCESS;
  if (flags & (TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD))
    status = list_processes(&s.List);
  if (NT_SUCCESS(status) && flags & (TH32CS_SNAPMODULE | TH32CS_SNAPHEAPLIST))
    status = open_target(&s);
  if (BaseSetLastNTError(status))
    result = make_section(&s);
  if (s.Process && s.Process != NtCurrentProcess())
    NtClose(s.Process);
  base_free(s.List);
  return result;
}

/* ---- walks ---- */

static BOOL next_entry(HANDLE section, ULONG kind, BOOLEAN first, PVOID to)
{
  SNAPSHOT *snapshot = map(section);
  if (!snapshot)
    return FALSE;
  if (first)
    snapshot->Kinds[kind].Next = 0;
  ULONG at = snapshot->Kinds[kind].Next;
  BOOL more = at < snapshot->Kinds[kind].Count;
  if (more) {
    memcpy(to, snapshot->Entries + snapshot->Kinds[kind].Offset + at * entry_sizes[kind], entry_sizes[kind]);
    snapshot->Kinds[kind].Next++;
  }
  NtUnmapViewOfSection(NtCurrentProcess(), snapshot);
  return more ? TRUE : base_fail(ERROR_NO_MORE_FILES);
}

static BOOL process_wide(HANDLE section, PROCESSENTRY32W *entry, BOOLEAN first)
{
  return entry->dwSize >= sizeof *entry ? next_entry(section, PROCESSES, first, entry) : base_fail(ERROR_BAD_LENGTH);
}

static BOOL process_narrow(HANDLE section, PROCESSENTRY32 *entry, BOOLEAN first)
{
  PROCESSENTRY32W wide;
  if (entry->dwSize < sizeof *entry)
    return base_fail(ERROR_BAD_LENGTH);
  if (!next_entry(section, PROCESSES, first, &wide))
    return FALSE;
  memcpy(entry, &wide, offsetof(PROCESSENTRY32, szExeFile));
  entry->dwSize = sizeof *entry;
  base_narrow_fill(wide.szExeFile, base_length(wide.szExeFile), entry->szExeFile, sizeof entry->szExeFile);
  return TRUE;
}

static BOOL module_wide(HANDLE section, MODULEENTRY32W *entry, BOOLEAN first)
{
  return entry->dwSize >= sizeof *entry ? next_entry(section, MODULES, first, entry) : base_fail(ERROR_BAD_LENGTH);
}

static BOOL module_narrow(HANDLE section, MODULEENTRY32 *entry, BOOLEAN first)
{
  MODULEENTRY32W wide;
  if (entry->dwSize < sizeof *entry)
    return base_fail(ERROR_BAD_LENGTH);
  if (!next_entry(section, MODULES, first, &wide))
    return FALSE;
  memcpy(entry, &wide, offsetof(MODULEENTRY32, szModule));
  entry->dwSize = sizeof *entry;
  base_narrow_fill(wide.szModule, base_length(wide.szModule), entry->szModule, sizeof entry->szModule);
  base_narrow_fill(wide.szExePath, base_length(wide.szExePath), entry->szExePath, sizeof entry->szExePath);
  return TRUE;
}

BOOL WINAPI Process32FirstW(HANDLE h, LPPROCESSENTRY32W entry) { return process_wide(h, entry, TRUE); }
BOOL WINAPI Process32NextW(HANDLE h, LPPROCESSENTRY32W entry) { return process_wide(h, entry, FALSE); }
BOOL WINAPI Process32First(HANDLE h, LPPROCESSENTRY32 entry) { return process_narrow(h, entry, TRUE); }
BOOL WINAPI Process32Next(HANDLE h, LPPROCESSENTRY32 entry) { return process_narrow(h, entry, FALSE); }
BOOL WINAPI Module32FirstW(HANDLE h, LPMODULEENTRY32W entry) { return module_wide(h, entry, TRUE); }
BOOL WINAPI Module32NextW(HANDLE h, LPMODULEENTRY32W entry) { return module_wide(h, entry, FALSE); }
BOOL WINAPI Module32First(HANDLE h, LPMODULEENTRY32 entry) { return module_narrow(h, entry, TRUE); }
BOOL WINAPI Module32Next(HANDLE h, LPMODULEENTRY32 entry) { return module_narrow(h, entry, FALSE); }

static BOOL thread_entry(HANDLE section, THREADENTRY32 *entry, BOOLEAN first)
{
  return entry->dwSize >= sizeof *entry ? next_entry(section, THREADS, first, entry) : base_fail(ERROR_BAD_LENGTH);
}

BOOL WINAPI Thread32First(HANDLE h, LPTHREADENTRY32 entry) { return thread_entry(h, entry, TRUE); }
BOOL WINAPI Thread32Next(HANDLE h, LPTHREADENTRY32 entry) { return thread_entry(h, entry, FALSE); }

static BOOL heap_list(HANDLE section, HEAPLIST32 *entry, BOOLEAN first)
{
  return entry->dwSize >= sizeof *entry ? next_entry(section, HEAPS, first, entry) : base_fail(ERROR_BAD_LENGTH);
}

BOOL WINAPI Heap32ListFirst(HANDLE h, LPHEAPLIST32 entry) { return heap_list(h, entry, TRUE); }
BOOL WINAPI Heap32ListNext(HANDLE h, LPHEAPLIST32 entry) { return heap_list(h, entry, FALSE); }
