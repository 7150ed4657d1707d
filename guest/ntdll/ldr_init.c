/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first code of every thread, the process's initialisation, and the calls of DLL entries at starts and ends. */
#include "ldrp.h"

typedef BOOLEAN(WINAPI *DLL_ENTRY)(PVOID DllHandle, ULONG Reason, PVOID Context);

enum { NOT_BEGUN, IN_WORK, DONE };
static volatile LONG initialisation = NOT_BEGUN;
static LDRP_MODULE *program;

static BOOLEAN call_entry(LDRP_MODULE *module, ULONG reason, PVOID context)
{
  BOOLEAN result = TRUE;
  LdrpCallTlsInitializers(module, reason);
  if (module->Entry.EntryPoint && (module->Entry.Flags & LDRP_IMAGE_DLL))
    result = ((DLL_ENTRY)module->Entry.EntryPoint)(module->Entry.DllBase, reason, context);
  return result;
}

static void insert_initialised(LDRP_MODULE *module)
{
  LIST_ENTRY *head = &LdrpData.InInitializationOrderModuleList, *entry = &module->Entry.InInitializationOrderLinks;
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

NTSTATUS LdrpInitializeGraph(LDRP_MODULE *Module, PVOID Reserved)
{
  if (Module->Node.State >= LDRP_STATE_INITIALIZING || Module == program)
    return STATUS_SUCCESS;
  Module->Node.State = LDRP_STATE_INITIALIZING;
  NTSTATUS status = STATUS_SUCCESS;
  for (ULONG i = 0; i < Module->DependencyCount && NT_SUCCESS(status); i++)
    status = LdrpInitializeGraph(Module->Dependencies[i], Reserved);
  if (NT_SUCCESS(status))
    status = LdrpAllocateTlsSlot(Module);
  if (!NT_SUCCESS(status)) {
    Module->Node.State = LDRP_STATE_MAPPED;
    return status;
  }
  insert_initialised(Module);
  Module->Entry.Flags |= LDRP_PROCESS_ATTACH_CALLED | LDRP_ENTRY_PROCESSED;
  /* An entry that refuses is told to detach, as one that ran. */
  BOOLEAN accepted = call_entry(Module, DLL_PROCESS_ATTACH, Reserved);
  Module->Node.State = LDRP_STATE_READY_TO_RUN;
  return accepted ? STATUS_SUCCESS : STATUS_DLL_INIT_FAILED;
}

static __attribute__((noinline)) void debugger_break(void) { LdrpDoDebuggerBreak(); }

/* Breaks for the debugger that started the process: all DLLs are mapped, no code of theirs ran (spec/5 fact 1). */
static void break_for_debugger(void)
{
  __try {
    debugger_break();
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
}

static NTSTATUS make_program_module(PPEB peb)
{
  WCHAR path[LDRP_MAX_PATH];
  UNICODE_STRING *name = &peb->ProcessParameters->ImagePathName;
  ULONG length = name->Length / 2 < LDRP_MAX_PATH ? name->Length / 2 : LDRP_MAX_PATH - 1;
  for (ULONG i = 0; i < length; i++)
    path[i] = name->Buffer[i];
  path[length] = 0;
  program = LdrpInsertModule(peb->ImageBaseAddress, path);
  if (!program)
    return STATUS_NO_MEMORY;
  program->Node.LoadCount = LDRP_PINNED;
  return LdrpRelocateImage(peb->ImageBaseAddress);
}

static NTSTATUS load_kernel32(void)
{
  LDRP_MODULE *module;
  PVOID address;
  NTSTATUS status = LdrpLoadDllInternal(L"kernel32.dll", NULL, NULL, &module);
  if (!NT_SUCCESS(status))
    return status;
  module->Node.LoadCount = LDRP_PINNED;
  status = LdrpGetProcedure(module, "BaseThreadInitThunk", 0, 0, NULL, &address);
  if (NT_SUCCESS(status))
    *(PVOID *)&RtlpThreadInitThunk = address;
  return status;
}

static NTSTATUS LdrpInitializeProcess(PPEB peb, PVOID ntdll, CONTEXT *context)
{
  LdrpInitializeLists();
  RtlInitializeCriticalSection(&LdrpLoaderLock);
  peb->LoaderLock = &LdrpLoaderLock;
  peb->Ldr = &LdrpData;
  if (peb->BeingDebugged)
    peb->NtGlobalFlag |= FLG_DEBUG_HEAP;
  NTSTATUS status = RtlpInitializeProcess(peb);
  if (NT_SUCCESS(status))
    status = make_program_module(peb);
  if (!NT_SUCCESS(status))
    return status;
  LDRP_MODULE *self = LdrpInsertModule(ntdll, L"C:\\windows\\system32\\ntdll.dll");
  if (!self)
    return STATUS_NO_MEMORY;
  self->Node.LoadCount = LDRP_PINNED;
  self->Node.State = LDRP_STATE_READY_TO_RUN;
  self->Entry.Flags |= LDRP_ENTRY_PROCESSED;
  insert_initialised(self);
  /* A native program (subsystem 1) is bound to ntdll alone. */
  if (LdrpHeaders(peb->ImageBaseAddress)->OptionalHeader.Subsystem != IMAGE_SUBSYSTEM_NATIVE)
    status = load_kernel32();
  if (NT_SUCCESS(status))
    status = LdrpWalkImportDescriptor(program);
  if (NT_SUCCESS(status))
    status = LdrpAllocateThreadTls();
  LdrpData.Initialized = TRUE;
  if (!NT_SUCCESS(status))
    return status;
  if (peb->BeingDebugged)
    break_for_debugger();
  LDRP_FOR_EACH_MODULE(module)
    if (NT_SUCCESS(status) && module->Node.LoadCount == LDRP_PINNED && module != program)
      status = LdrpInitializeGraph(module, context);
  for (ULONG i = 0; i < program->DependencyCount && NT_SUCCESS(status); i++)
    status = LdrpInitializeGraph(program->Dependencies[i], context);
  if (NT_SUCCESS(status))
    status = LdrpAllocateTlsSlot(program);
  if (NT_SUCCESS(status)) {
    program->Node.State = LDRP_STATE_READY_TO_RUN;
    LdrpCallTlsInitializers(program, DLL_PROCESS_ATTACH);
  }
  return status;
}

/* Calls DLL entries and TLS callbacks for the running thread: at its start in the order of initialisation, at its end in
 * the reverse. */
static void call_for_thread(ULONG reason)
{
  LIST_ENTRY *head = &LdrpData.InInitializationOrderModuleList;
  LIST_ENTRY *link = reason == DLL_THREAD_ATTACH ? head->Flink : head->Blink;
  if (reason == DLL_THREAD_DETACH)
    LdrpCallTlsInitializers(program, reason);
  while (link != head) {
    LDRP_MODULE *module = CONTAINING_RECORD(link, LDRP_MODULE, Entry.InInitializationOrderLinks);
    link = reason == DLL_THREAD_ATTACH ? link->Flink : link->Blink;
    if (module->Node.State == LDRP_STATE_READY_TO_RUN && !(module->Entry.Flags & LDRP_DONT_CALL_FOR_THREADS))
      call_entry(module, reason, NULL);
  }
  if (reason == DLL_THREAD_ATTACH)
    LdrpCallTlsInitializers(program, reason);
}

/* A process that can not start: the hard error names what is missing, the status ends it. */
static void initialisation_failed(NTSTATUS status)
{
  UNICODE_STRING missing;
  ULONG_PTR parameters[2] = {(ULONG_PTR)&missing, (ULONG_PTR)&NtCurrentPeb()->ProcessParameters->ImagePathName};
  ULONG response;
  WCHAR text[LDRP_MAX_PATH];
  ULONG length = 0;
  for (; LdrpMissing && LdrpMissing[length] && length < LDRP_MAX_PATH - 1; length++)
    text[length] = (UCHAR)LdrpMissing[length];
  text[length] = 0;
  RtlInitUnicodeString(&missing, text);
  NtRaiseHardError(status, 2, 3, parameters, 1 /* OptionOk */, &response);
  NtTerminateProcess(NtCurrentProcess(), status);
}

static void LdrpInitializeThread(void)
{
  RtlEnterCriticalSection(&LdrpLoaderLock);
  if (NT_SUCCESS(LdrpAllocateThreadTls()) && !(NtCurrentTeb()->SameTebFlags & TEB_SKIP_THREAD_ATTACH))
    call_for_thread(DLL_THREAD_ATTACH);
  RtlLeaveCriticalSection(&LdrpLoaderLock);
}

void LdrpInitialize(CONTEXT *Context, PVOID NtdllBase)
{
  const LARGE_INTEGER millisecond = {.QuadPart = -10000};
  LONG expected = NOT_BEGUN;
  if (__atomic_compare_exchange_n(&initialisation, &expected, IN_WORK, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    NTSTATUS status = LdrpInitializeProcess(NtCurrentPeb(), NtdllBase, Context);
    if (!NT_SUCCESS(status))
      initialisation_failed(status);
    __atomic_store_n(&initialisation, DONE, __ATOMIC_RELEASE);
  } else {
    while (__atomic_load_n(&initialisation, __ATOMIC_ACQUIRE) != DONE)
      NtDelayExecution(FALSE, &millisecond);
    LdrpInitializeThread();
  }
  NtTerminateProcess(NtCurrentProcess(), NtContinue(Context, TRUE));
  __builtin_unreachable();
}

void LdrShutdownThread(void)
{
  RtlpEndThreadFls();
  RtlEnterCriticalSection(&LdrpLoaderLock);
  call_for_thread(DLL_THREAD_DETACH);
  LdrpFreeThreadTls();
  RtlLeaveCriticalSection(&LdrpLoaderLock);
}

void LdrShutdownProcess(void)
{
  LIST_ENTRY *head = &LdrpData.InInitializationOrderModuleList;
  if (initialisation != DONE || LdrpData.ShutdownInProgress)
    return;
  LdrpData.ShutdownThreadId = NtCurrentTeb()->ClientId.UniqueThread;
  LdrpData.ShutdownInProgress = TRUE;
  RtlpEndThreadFls();
  LdrpCallTlsInitializers(program, DLL_PROCESS_DETACH);
  for (LIST_ENTRY *link = head->Blink; link != head; link = link->Blink) {
    LDRP_MODULE *module = CONTAINING_RECORD(link, LDRP_MODULE, Entry.InInitializationOrderLinks);
    if (module->Node.State == LDRP_STATE_READY_TO_RUN)
      call_entry(module, DLL_PROCESS_DETACH, (PVOID)1);
  }
}
