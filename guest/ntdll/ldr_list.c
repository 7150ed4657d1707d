/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modules of the process: the lists of PEB.Ldr, that debuggers and programs walk, too. */
#include "ldrp.h"

PEB_LDR_DATA LdrpData;
RTL_CRITICAL_SECTION LdrpLoaderLock;

static void insert_tail(LIST_ENTRY *head, LIST_ENTRY *entry)
{
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

static void remove(LIST_ENTRY *entry)
{
  if (!entry->Flink)
    return;
  entry->Blink->Flink = entry->Flink;
  entry->Flink->Blink = entry->Blink;
  entry->Flink = entry->Blink = NULL;
}

void LdrpInitializeLists(void)
{
  LIST_ENTRY *heads[] = {&LdrpData.InLoadOrderModuleList, &LdrpData.InMemoryOrderModuleList,
                         &LdrpData.InInitializationOrderModuleList};
  for (ULONG i = 0; i < 3; i++)
    heads[i]->Flink = heads[i]->Blink = heads[i];
  LdrpData.Length = sizeof(LdrpData);
}

IMAGE_NT_HEADERS64 *LdrpHeaders(PVOID Base)
{
  return (IMAGE_NT_HEADERS64 *)((UCHAR *)Base + ((IMAGE_DOS_HEADER *)Base)->e_lfanew);
}

PVOID LdrpDirectory(PVOID Base, ULONG Index, ULONG *Size)
{
  IMAGE_OPTIONAL_HEADER64 *header = &LdrpHeaders(Base)->OptionalHeader;
  IMAGE_DATA_DIRECTORY *directory = &header->DataDirectory[Index];
  if (Index >= header->NumberOfRvaAndSizes || !directory->VirtualAddress || !directory->Size ||
      directory->VirtualAddress >= header->SizeOfImage)
    return NULL;
  if (Size)
    *Size = directory->Size;
  return (UCHAR *)Base + directory->VirtualAddress;
}

static ULONG hash_name(const UNICODE_STRING *name)
{
  ULONG hash = 0;
  for (ULONG i = 0; i < name->Length / 2u; i++)
    hash = hash * 65599 + RtlUpcaseUnicodeChar(name->Buffer[i]);
  return hash;
}

LDRP_MODULE *LdrpInsertModule(PVOID Base, const WCHAR *FullPath)
{
  ULONG length = 0, file = 0;
  for (; FullPath[length]; length++)
    if (FullPath[length] == '\\')
      file = length + 1;
  LDRP_MODULE *module = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY,
                                        sizeof(*module) + (length + 1) * sizeof(WCHAR));
  if (!module)
    return NULL;
  WCHAR *text = (WCHAR *)(module + 1);
  for (ULONG i = 0; i <= length; i++)
    text[i] = FullPath[i];
  IMAGE_NT_HEADERS64 *headers = LdrpHeaders(Base);
  LDR_DATA_TABLE_ENTRY *entry = &module->Entry;
  entry->DllBase = Base;
  if (headers->OptionalHeader.AddressOfEntryPoint)
    entry->EntryPoint = (UCHAR *)Base + headers->OptionalHeader.AddressOfEntryPoint;
  entry->SizeOfImage = headers->OptionalHeader.SizeOfImage;
  entry->TimeDateStamp = headers->FileHeader.TimeDateStamp;
  entry->OriginalBase = headers->OptionalHeader.ImageBase;
  entry->FullDllName = (UNICODE_STRING){(USHORT)(length * 2), (USHORT)(length * 2 + 2), text};
  entry->BaseDllName =
      (UNICODE_STRING){(USHORT)((length - file) * 2), (USHORT)((length - file) * 2 + 2), text + file};
  entry->BaseNameHashValue = hash_name(&entry->BaseDllName);
  entry->ReferenceCount = 1;
  if (headers->FileHeader.Characteristics & IMAGE_FILE_DLL)
    entry->Flags = LDRP_IMAGE_DLL;
  entry->HashLinks.Flink = entry->HashLinks.Blink = &entry->HashLinks;
  entry->DdagNode = &module->Node;
  module->Node.State = LDRP_STATE_MAPPED;
  module->Node.Modules.Flink = module->Node.Modules.Blink = &entry->NodeModuleLink;
  entry->NodeModuleLink.Flink = entry->NodeModuleLink.Blink = &module->Node.Modules;
  insert_tail(&LdrpData.InLoadOrderModuleList, &entry->InLoadOrderLinks);
  insert_tail(&LdrpData.InMemoryOrderModuleList, &entry->InMemoryOrderLinks);
  return module;
}

void LdrpRemoveModule(LDRP_MODULE *Module)
{
  PVOID heap = NtCurrentPeb()->ProcessHeap;
  remove(&Module->Entry.InLoadOrderLinks);
  remove(&Module->Entry.InMemoryOrderLinks);
  remove(&Module->Entry.InInitializationOrderLinks);
  RtlFreeHeap(heap, 0, Module->Dependencies);
  RtlFreeHeap(heap, 0, Module);
}

LDRP_MODULE *LdrpFindByBase(PVOID Base)
{
  LDRP_FOR_EACH_MODULE(module)
    if (module->Entry.DllBase == Base)
      return module;
  return NULL;
}

LDRP_MODULE *LdrpFindByName(const WCHAR *Name)
{
  UNICODE_STRING wanted;
  BOOLEAN path = FALSE;
  RtlInitUnicodeString(&wanted, Name);
  for (const WCHAR *p = Name; *p; p++)
    path |= *p == '\\';
  LDRP_FOR_EACH_MODULE(module)
    if (RtlEqualUnicodeString(path ? &module->Entry.FullDllName : &module->Entry.BaseDllName, &wanted, TRUE))
      return module;
  return NULL;
}

NTSTATUS LdrpAddDependency(LDRP_MODULE *Module, LDRP_MODULE *Needed)
{
  PVOID heap = NtCurrentPeb()->ProcessHeap;
  for (ULONG i = 0; i < Module->DependencyCount; i++)
    if (Module->Dependencies[i] == Needed)
      return STATUS_SUCCESS;
  if (Module->DependencyCount == Module->DependencyRoom) {
    ULONG room = Module->DependencyRoom ? Module->DependencyRoom * 2 : 8;
    LDRP_MODULE **longer = RtlAllocateHeap(heap, 0, room * sizeof(*longer));
    if (!longer)
      return STATUS_NO_MEMORY;
    for (ULONG i = 0; i < Module->DependencyCount; i++)
      longer[i] = Module->Dependencies[i];
    RtlFreeHeap(heap, 0, Module->Dependencies);
    Module->Dependencies = longer;
    Module->DependencyRoom = room;
  }
  Module->Dependencies[Module->DependencyCount++] = Needed;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrFindEntryForAddress(PVOID Address, PLDR_DATA_TABLE_ENTRY *Entry)
{
  NTSTATUS status = STATUS_NO_MORE_ENTRIES;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  LDRP_FOR_EACH_MODULE(module)
    if ((ULONG_PTR)Address - (ULONG_PTR)module->Entry.DllBase < module->Entry.SizeOfImage) {
      *Entry = &module->Entry;
      status = STATUS_SUCCESS;
      break;
    }
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
  PLDR_DATA_TABLE_ENTRY entry;
  *BaseOfImage = NT_SUCCESS(LdrFindEntryForAddress(PcValue, &entry)) ? entry->DllBase : NULL;
  return *BaseOfImage;
}
