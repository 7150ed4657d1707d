/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What programs ask the loader for. */
#include "ldrp.h"

/* The text of a counted string, terminated. FALSE: too long. */
static BOOLEAN copy_name(const UNICODE_STRING *name, WCHAR out[LDRP_MAX_PATH])
{
  ULONG length = name->Length / 2;
  if (length >= LDRP_MAX_PATH)
    return FALSE;
  for (ULONG i = 0; i < length; i++)
    out[i] = name->Buffer[i];
  out[length] = 0;
  return TRUE;
}

NTSTATUS NTAPI LdrLoadDll(PWSTR DllPath, ULONG *DllCharacteristics, UNICODE_STRING *DllName, PVOID *BaseAddress)
{
  WCHAR name[LDRP_MAX_PATH];
  LDRP_MODULE *module;
  /* DONT_RESOLVE_DLL_REFERENCES: as a program's image, whose imports and entry are left alone. */
  BOOLEAN map_only = DllCharacteristics && (*DllCharacteristics & IMAGE_FILE_EXECUTABLE_IMAGE);
  *BaseAddress = NULL;
  if (!copy_name(DllName, name))
    return STATUS_NAME_TOO_LONG;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  const WCHAR *outer = LdrpSearchFolders;
  LdrpSearchFolders = (ULONG_PTR)DllPath > 0xFFFF ? DllPath : NULL;
  NTSTATUS status = map_only ? LdrpMapDllOnly(name, &module) : LdrpLoadDllInternal(name, NULL, NULL, &module);
  LdrpSearchFolders = outer;
  if (NT_SUCCESS(status)) {
    if (module->Node.LoadCount != LDRP_PINNED)
      module->Node.LoadCount++;
    status = LdrpInitializeGraph(module, NULL);
    if (!NT_SUCCESS(status) && module->Node.LoadCount != LDRP_PINNED)
      module->Node.LoadCount--;
  }
  if (NT_SUCCESS(status))
    *BaseAddress = module->Entry.DllBase;
  else
    LdrpSweepModules();
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrUnloadDll(PVOID BaseAddress)
{
  NTSTATUS status = STATUS_SUCCESS;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  LDRP_MODULE *module = LdrpFindByBase(BaseAddress);
  if (!module)
    status = STATUS_DLL_NOT_FOUND;
  else if (module->Node.LoadCount && module->Node.LoadCount != LDRP_PINNED && !--module->Node.LoadCount &&
           !LdrpData.ShutdownInProgress)
    LdrpSweepModules();
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, PVOID BaseAddress)
{
  NTSTATUS status = STATUS_SUCCESS;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  LDRP_MODULE *module = LdrpFindByBase(BaseAddress);
  if (!module)
    status = STATUS_INVALID_PARAMETER;
  else if (Flags & 1) /* LDR_ADDREF_DLL_PIN */
    module->Node.LoadCount = LDRP_PINNED;
  else if (module->Node.LoadCount != LDRP_PINNED)
    module->Node.LoadCount++;
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrGetProcedureAddress(PVOID BaseAddress, ANSI_STRING *Name, ULONG Ordinal, PVOID *Address)
{
  char text[512];
  NTSTATUS status = STATUS_DLL_NOT_FOUND;
  *Address = NULL;
  if (Name && Name->Length >= sizeof(text))
    return STATUS_ENTRYPOINT_NOT_FOUND;
  if (Name) {
    memcpy(text, Name->Buffer, Name->Length);
    text[Name->Length] = 0;
  }
  RtlEnterCriticalSection(&LdrpLoaderLock);
  LDRP_MODULE *module = LdrpFindByBase(BaseAddress);
  if (module)
    status = LdrpGetProcedure(module, Name ? text : NULL, 0xFFFFFFFF, Ordinal, module, Address);
  /* A forwarder may have brought a DLL that never ran. */
  for (ULONG i = 0; module && i < module->DependencyCount && NT_SUCCESS(status) && LdrpData.Initialized &&
                    module->Node.State == LDRP_STATE_READY_TO_RUN;
       i++)
    status = LdrpInitializeGraph(module->Dependencies[i], NULL);
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrGetDllHandle(PWSTR DllPath, ULONG *DllCharacteristics, UNICODE_STRING *DllName, PVOID *BaseAddress)
{
  WCHAR name[LDRP_MAX_PATH], wanted[LDRP_MAX_PATH];
  LDRP_MODULE *module = NULL;
  (void)DllPath, (void)DllCharacteristics;
  *BaseAddress = NULL;
  if (!copy_name(DllName, wanted))
    return STATUS_NAME_TOO_LONG;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  NTSTATUS status = LdrpPreprocessName(wanted, NULL, name);
  if (NT_SUCCESS(status))
    module = LdrpFindByName(name);
  if (module)
    *BaseAddress = module->Entry.DllBase;
  else if (NT_SUCCESS(status))
    status = STATUS_DLL_NOT_FOUND;
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(PVOID BaseAddress)
{
  NTSTATUS status = STATUS_DLL_NOT_FOUND;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  LDRP_MODULE *module = LdrpFindByBase(BaseAddress);
  if (module) {
    status = module->HasTls ? STATUS_DLL_NOT_FOUND : STATUS_SUCCESS;
    if (!module->HasTls)
      module->Entry.Flags |= LDRP_DONT_CALL_FOR_THREADS;
  }
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return status;
}

NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, ULONG *Disposition, PVOID *Cookie)
{
  (void)Flags;
  RtlEnterCriticalSection(&LdrpLoaderLock);
  if (Disposition)
    *Disposition = 1; /* LDR_LOCK_LOADER_LOCK_DISPOSITION_LOCK_ACQUIRED */
  *Cookie = NtCurrentTeb()->ClientId.UniqueThread;
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, PVOID Cookie)
{
  (void)Flags, (void)Cookie;
  RtlLeaveCriticalSection(&LdrpLoaderLock);
  return STATUS_SUCCESS;
}

PVOID NTAPI LdrResolveDelayLoadedAPI(PVOID ParentModuleBase, const IMAGE_DELAYLOAD_DESCRIPTOR *Descriptor,
                                     PVOID FailureDllHook, PVOID FailureSystemHook, IMAGE_THUNK_DATA64 *ThunkAddress,
                                     ULONG Flags)
{
  UCHAR *image = ParentModuleBase;
  WCHAR name[LDRP_MAX_PATH];
  HMODULE *handle = (HMODULE *)(image + Descriptor->ModuleHandleRVA);
  PVOID address = NULL;
  (void)FailureDllHook, (void)FailureSystemHook, (void)Flags;
  const char *dll = (const char *)image + Descriptor->DllNameRVA;
  ULONG length = 0;
  for (; dll[length] && length < LDRP_MAX_PATH - 1; length++)
    name[length] = (UCHAR)dll[length];
  name[length] = 0;
  NTSTATUS status = STATUS_SUCCESS;
  if (!*handle) {
    UNICODE_STRING text;
    RtlInitUnicodeString(&text, name);
    status = LdrLoadDll(NULL, NULL, &text, (PVOID *)handle);
  }
  ULONG index = (ULONG)(ThunkAddress - (IMAGE_THUNK_DATA64 *)(image + Descriptor->ImportAddressTableRVA));
  ULONG64 lookup = ((ULONG64 *)(image + Descriptor->ImportNameTableRVA))[index];
  ANSI_STRING procedure;
  RtlInitAnsiString(&procedure, lookup >> 63 ? "" : (const char *)image + (ULONG)lookup + 2);
  if (NT_SUCCESS(status))
    status = LdrGetProcedureAddress(*handle, lookup >> 63 ? NULL : &procedure, (USHORT)lookup, &address);
  if (!NT_SUCCESS(status)) {
    EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)(address ? status : status == STATUS_DLL_NOT_FOUND
                                                                              ? 0xC06D007E   /* VcppException: module */
                                                                              : 0xC06D007F), /* VcppException: procedure */
                               .NumberParameters = 1,
                               .ExceptionInformation = {(ULONG_PTR)Descriptor}};
    RtlRaiseException(&record);
    return NULL;
  }
  PVOID page = ThunkAddress;
  SIZE_T size = sizeof(*ThunkAddress);
  ULONG old;
  NtProtectVirtualMemory(NtCurrentProcess(), &page, &size, PAGE_READWRITE, &old);
  ThunkAddress->u1.Function = (ULONG64)address;
  NtProtectVirtualMemory(NtCurrentProcess(), &page, &size, old, &old);
  return address;
}
