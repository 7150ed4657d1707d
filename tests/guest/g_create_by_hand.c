/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a debugged child as kernel32 did before NtCreateUserProcess: section, process, parameters, stack, thread, each
 * by its own service; then the same child in one call. A debugger sees the same of both (spec/3.6, spec/5 facts 1, 44).
 */
#include "child.h"

#define FILE_NON_DIRECTORY_FILE 0x40u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20u
#define MAX_EVENTS 16

typedef struct _INITIAL_TEB {
  void *OldStackBase, *OldStackLimit, *StackBase, *StackLimit, *StackAllocationBase;
} INITIAL_TEB;

typedef struct _SECTION_IMAGE_INFORMATION {
  ULONG64 TransferAddress;
  ULONG ZeroBits, Reserved;
  ULONG64 MaximumStackSize, CommittedStackSize;
  ULONG Rest[8];
} SECTION_IMAGE_INFORMATION;
C_ASSERT_SIZE(SECTION_IMAGE_INFORMATION, 0x40);

/* What a debugger sees of a child, but for ids and handles. */
struct history {
  ULONG states[MAX_EVENTS];
  ULONG64 addresses[MAX_EVENTS];
  ULONG count;
};

static HANDLE image_section(const char *file)
{
  WCHAR path[300];
  HANDLE handle, section;
  IO_STATUS_BLOCK64 io;
  UNICODE_STRING64 name;
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes), .ObjectName = (ULONG64)&name};
  memcpy(path, u"\\??\\", 8);
  set_string(&name, path, beside_program(file, path + 4) + 4);
  CHECK_STATUS(NtOpenFile(&handle, FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE, &attributes, &io, 5,
                          FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT),
               STATUS_SUCCESS);
  CHECK_STATUS(NtCreateSection(&section, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, handle),
               STATUS_SUCCESS);
  CHECK_STATUS(NtClose(handle), STATUS_SUCCESS);
  return section;
}

static void *allocate_in(HANDLE process, ULONG64 size, ULONG type)
{
  void *base = NULL;
  CHECK_STATUS(NtAllocateVirtualMemory(process, &base, 0, &size, type, PAGE_READWRITE), STATUS_SUCCESS);
  return base;
}

static void write_to(HANDLE process, void *to, const void *from, ULONG64 size)
{
  ULONG64 written = 0;
  CHECK_STATUS(NtWriteVirtualMemory(process, to, from, size, &written), STATUS_SUCCESS);
  CHECK(written == size);
}

static void rebase(UNICODE_STRING64 *string, const void *from, const void *to)
{
  string->Buffer += (ULONG64)to - (ULONG64)from;
}

/* BasePushProcessParameters. */
static void push_parameters(HANDLE process, const char *file, UCHAR *peb)
{
  static CHILD_PARAMETERS own;
  CHILD_PARAMETERS *block = allocate_in(process, sizeof(own), MEM_COMMIT | MEM_RESERVE);
  ULONG length = beside_program(file, own.path);
  memcpy(own.directory, u"C:\\", 8);
  own.head.MaximumLength = own.head.Length = sizeof(own);
  own.head.Flags = RTL_USER_PROC_PARAMS_NORMALIZED;
  set_string(&own.head.ImagePathName, own.path, length);
  set_string(&own.head.CommandLine, own.path, length);
  set_string(&own.head.CurrentDirectory, own.directory, 3);
  rebase(&own.head.ImagePathName, &own, block);
  rebase(&own.head.CommandLine, &own, block);
  rebase(&own.head.CurrentDirectory, &own, block);
  own.Environment = (ULONG64)block->environment;
  own.EnvironmentSize = sizeof(own.environment);
  write_to(process, block, &own, sizeof(own));
  write_to(process, peb + 0x20, &block, sizeof(block));
}

/* BaseCreateStack: a guard page below what is committed, by which the kernel lets the stack grow. */
static INITIAL_TEB make_stack(HANDLE process, const SECTION_IMAGE_INFORMATION *image)
{
  INITIAL_TEB teb = {0};
  UCHAR *stack = allocate_in(process, image->MaximumStackSize, MEM_RESERVE);
  UCHAR *limit = stack + image->MaximumStackSize - image->CommittedStackSize;
  ULONG64 size = image->CommittedStackSize + 0x1000, page = 0x1000;
  void *committed = limit - 0x1000, *guard = committed;
  ULONG old;
  CHECK_STATUS(NtAllocateVirtualMemory(process, &committed, 0, &size, MEM_COMMIT, PAGE_READWRITE), STATUS_SUCCESS);
  CHECK_STATUS(NtProtectVirtualMemory(process, &guard, &page, PAGE_READWRITE | PAGE_GUARD, &old), STATUS_SUCCESS);
  teb.StackAllocationBase = stack;
  teb.StackLimit = limit;
  teb.StackBase = stack + image->MaximumStackSize;
  return teb;
}

static ULONG64 export_of_ntdll(const char *name)
{
  LIST_ENTRY64 *exe = nano_teb()->ProcessEnvironmentBlock->Ldr->InLoadOrderModuleList.Flink;
  LDR_DATA_TABLE_ENTRY64 *ntdll = (LDR_DATA_TABLE_ENTRY64 *)exe->Flink;
  return (ULONG64)nano_find_export((void *)ntdll->DllBase, name);
}

/* BaseInitializeContext; the thread is left suspended. */
static void make_thread(HANDLE process, const SECTION_IMAGE_INFORMATION *image, const UCHAR *peb, struct child *child)
{
  CONTEXT context = {.ContextFlags = CONTEXT_FULL};
  INITIAL_TEB teb = make_stack(process, image);
  context.Rip = export_of_ntdll("RtlUserThreadStart");
  context.Rcx = image->TransferAddress;
  context.Rdx = (ULONG64)peb;
  context.Rsp = (ULONG64)teb.StackBase - 0x28;
  context.EFlags = 0x3202;
  context.SegCs = 0x33;
  context.SegSs = 0x2B;
  context.MxCsr = context.FltSave.MxCsr = 0x1F80;
  context.FltSave.ControlWord = 0x27F;
  CHECK_STATUS(NtCreateThread(&child->thread, THREAD_ALL_ACCESS, NULL, process, &child->id, &context, &teb, TRUE),
               STATUS_SUCCESS);
}

static void start_by_hand(const char *file, HANDLE object, struct child *child)
{
  SECTION_IMAGE_INFORMATION image;
  ULONG64 basic[6];
  HANDLE section = image_section(file);
  CHECK_STATUS(NtCreateProcessEx(&child->process, PROCESS_ALL_ACCESS, NULL, NtCurrentProcess, 0, section, object, 0, 0),
               STATUS_SUCCESS);
  CHECK_STATUS(NtQuerySection(section, 1, &image, sizeof(image), NULL), STATUS_SUCCESS);
  CHECK_STATUS(NtClose(section), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(child->process, 0, basic, sizeof(basic), NULL), STATUS_SUCCESS);
  push_parameters(child->process, file, (UCHAR *)basic[1]);
  make_thread(child->process, &image, (UCHAR *)basic[1], child);
  CHECK(child->id.UniqueProcess == basic[4]);
}

static void close_handle(HANDLE handle)
{
  if (handle)
    CHECK_STATUS(NtClose(handle), STATUS_SUCCESS);
}

/* Notes what an event tells, and closes its handles. */
static ULONG64 note(const DBGUI_WAIT_STATE_CHANGE *event)
{
  switch (event->NewState) {
  case DbgCreateProcessStateChange:
    CHECK(event->StateInfo.CreateProcessInfo.NewProcess.FileHandle);
    close_handle(event->StateInfo.CreateProcessInfo.HandleToProcess);
    close_handle(event->StateInfo.CreateProcessInfo.HandleToThread);
    close_handle(event->StateInfo.CreateProcessInfo.NewProcess.FileHandle);
    return event->StateInfo.CreateProcessInfo.NewProcess.InitialThread.StartAddress;
  case DbgLoadDllStateChange:
    close_handle(event->StateInfo.LoadDll.FileHandle);
    return event->StateInfo.LoadDll.BaseOfDll;
  case DbgExitProcessStateChange:
    return (ULONG)event->StateInfo.ExitProcess.ExitStatus;
  default:
    return event->StateInfo.Exception.ExceptionRecord.ExceptionAddress;
  }
}

static void follow(HANDLE object, const struct child *child, struct history *history)
{
  DBGUI_WAIT_STATE_CHANGE event;
  do {
    CHECK_STATUS(NtWaitForDebugEvent(object, FALSE, MILLISECONDS(1000), &event), STATUS_SUCCESS);
    CHECK(event.AppClientId.UniqueProcess == child->id.UniqueProcess);
    CHECK(event.AppClientId.UniqueThread == child->id.UniqueThread);
    CHECK(history->count < MAX_EVENTS);
    history->states[history->count] = event.NewState;
    history->addresses[history->count++] = note(&event);
    CHECK_STATUS(NtDebugContinue(object, &event.AppClientId, DBG_CONTINUE), STATUS_SUCCESS);
  } while (event.NewState != DbgExitProcessStateChange);
  CHECK_STATUS(NtWaitForSingleObject(child->process, FALSE, MILLISECONDS(1000)), STATUS_SUCCESS);
  CHECK(process_exit_status(child->process) == 42);
  close_handle(child->process);
  close_handle(child->thread);
}

ULONG start(void *peb)
{
  static struct history by_hand, whole;
  DBGUI_WAIT_STATE_CHANGE event;
  struct child child;
  HANDLE object;
  (void)peb;
  CHECK_STATUS(NtCreateDebugObject(&object, DEBUG_ALL_ACCESS, NULL, 0), STATUS_SUCCESS);
  start_by_hand("g_exit42.exe", object, &child);
  /* nothing is told before the thread runs */
  CHECK_STATUS(NtWaitForDebugEvent(object, FALSE, MILLISECONDS(5), &event), STATUS_TIMEOUT);
  CHECK_STATUS(NtResumeThread(child.thread, NULL), STATUS_SUCCESS);
  follow(object, &child, &by_hand);
  CHECK_STATUS(start_child("g_exit42.exe", object, 0, &child), STATUS_SUCCESS);
  follow(object, &child, &whole);
  CHECK(by_hand.count == 4 && whole.count == 4);
  CHECK(whole.states[0] == DbgCreateProcessStateChange);
  for (ULONG i = 0; i < whole.count; i++) {
    CHECK(by_hand.states[i] == whole.states[i]);
    CHECK(by_hand.addresses[i] == whole.addresses[i]);
  }
  return 0;
}
