/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a process and a thread come to be. */
#include "ntos/life/internal.h"

#include "dbgk/dbgk.h"

#include <string.h>

/* Maps the image and ntdll, and makes the PEB. */
static NTSTATUS fill_address_space(EPROCESS *Process, const struct life_process_request *request)
{
  struct life_state *life = life_state();
  const struct pe_headers *headers = mm_section_headers(request->section);
  ULONG64 base = 0, size = 0;
  NTSTATUS status;
  /* ntdll first: no image may take its place, it lies at one address in all processes. */
  ULONG64 ntdll = life->ntdll_base;
  status = MmMapViewOfSection(life->userland.ntdll, Process, &ntdll, 0, 0, NULL, &size, 0, PAGE_EXECUTE_WRITECOPY);
  if (!NT_SUCCESS(status))
    return status;
  size = 0;
  status = MmMapViewOfSection(request->section, Process, &base, 0, 0, NULL, &size, 0, PAGE_EXECUTE_WRITECOPY);
  if (!NT_SUCCESS(status))
    return status;
  ObReferenceObject(request->section);
  Process->SectionObject = request->section;
  Process->SectionBaseAddress = base;
  Process->entry_point = base + headers->entry_point;
  return life_create_peb(Process, request);
}

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '\\');
  return slash ? slash + 1 : path;
}

static NTSTATUS allocate_process(const struct life_process_request *request, EPROCESS **Process)
{
  bool inherit = request->flags & LIFE_INHERIT_HANDLES, listed = inherit && request->inherited;
  if (inherit && !request->parent->ObjectTable)
    return STATUS_PROCESS_IS_TERMINATING;
  NTSTATUS status =
      PspAllocateProcess(request->parent, false, inherit && !listed, base_name(request->image_path), Process);
  if (!NT_SUCCESS(status))
    return status;
  ps_leave_threadless(*Process);
  return listed ? ob_inherit_listed(request->parent, *Process, request->inherited, request->inherited_count)
                : STATUS_SUCCESS;
}

static bool environment_has(const char *environment, const char *string)
{
  for (const char *s = environment; s && *s; s += strlen(s) + 1)
    if (!strcmp(s, string))
      return true;
  return false;
}

#define PEB_NT_GLOBAL_FLAG 0xBCu
/* FLG_HEAP_ENABLE_TAIL_CHECK, FLG_HEAP_ENABLE_FREE_CHECK, FLG_HEAP_VALIDATE_PARAMETERS. */
#define FLG_DEBUG_HEAP 0x70u

/* Heaps of a process that is created under a debugger check what they can, unless the environment says no. On Windows
 * ntdll sets the flags by itself; Wine's does not, but its heap follows them. */
static void set_debug_heap(EPROCESS *process, const char *environment)
{
  const ULONG flags = FLG_DEBUG_HEAP;
  if (process->DebugPort && life_userland()->unix_call_slot && !environment_has(environment, "_NO_DEBUG_HEAP=1"))
    (void)mm_process_write(process, process->Peb + PEB_NT_GLOBAL_FLAG, &flags, sizeof flags, NULL);
}

NTSTATUS PspCreateProcess(const struct life_process_request *request, EPROCESS **Process)
{
  EPROCESS *process = NULL;
  if (!mm_section_headers(request->section) || !life_state()->userland.ntdll)
    return STATUS_SECTION_NOT_IMAGE;
  NTSTATUS status = allocate_process(request, &process);
  if (NT_SUCCESS(status))
    status = fill_address_space(process, request);
  if (!NT_SUCCESS(status)) {
    if (process)
      ObDereferenceObject(process);
    return status;
  }
  if (request->flags & LIFE_NO_DEBUG_INHERIT)
    process->Flags |= PS_PROCESS_FLAGS_NO_DEBUG_INHERIT;
  DbgkCopyProcessDebugPort(process, request->parent, request->debug_object);
  set_debug_heap(process, request->environment);
  TRACE(DBGKSIM_TRACE_PROCESS, process->ImageFileName, process->UniqueProcessId, 1, 0, 0);
  *Process = process;
  return STATUS_SUCCESS;
}

NTSTATUS PspCreateUserProcess(const struct life_process_request *request, EPROCESS **Process, ETHREAD **Thread)
{
  EPROCESS *process;
  NTSTATUS status = PspCreateProcess(request, &process);
  if (!NT_SUCCESS(status))
    return status;
  const struct pe_headers *headers = mm_section_headers(request->section);
  status = PspCreateUserThread(process, process->entry_point, process->Peb,
                               request->flags & LIFE_CREATE_SUSPENDED ? THREAD_CREATE_FLAGS_CREATE_SUSPENDED : 0,
                               headers->stack_commit, headers->stack_reserve, Thread);
  if (!NT_SUCCESS(status)) {
    ObDereferenceObject(process);
    return status;
  }
  *Process = process;
  return STATUS_SUCCESS;
}

/* Wine's ntdll clears a megabyte of stack before the first instruction of a thread's own: its stacks are as large, and
 * committed but for the guard page and the last ones. */
#define WINE_STACK_RESERVE 0x100000u
#define WINE_STACK_UNCOMMITTED 0x4000u

static NTSTATUS fill_user_thread(EPROCESS *Process, ETHREAD *Thread, ULONG64 commit, ULONG64 reserve)
{
  const struct pe_headers *headers = mm_section_headers(Process->SectionObject);
  if (!reserve)
    reserve = headers->stack_reserve;
  if (!commit)
    commit = headers->stack_commit;
  if (life_userland()->unix_call_slot) {
    reserve = reserve < WINE_STACK_RESERVE ? WINE_STACK_RESERVE : reserve;
    commit = reserve - WINE_STACK_UNCOMMITTED;
  }
  NTSTATUS status = MmCreateUserStack(Process, reserve, commit, &Thread->stack_allocation, &Thread->stack_base,
                                      &Thread->stack_limit);
  return NT_SUCCESS(status) ? life_create_teb(Process, Thread) : status;
}

/* Takes back a thread that did not come to run, with its stack and TEB. */
static void discard_user_thread(EPROCESS *Process, ETHREAD *Thread)
{
  ULONG64 size = 0, base = Thread->stack_allocation;
  if (base)
    MmFreeVirtualMemory(Process, &base, &size, MEM_RELEASE);
  size = 0;
  base = Thread->Tcb.Teb;
  if (base)
    MmFreeVirtualMemory(Process, &base, &size, MEM_RELEASE);
  PspDiscardThread(Thread);
}

static void first_context(CONTEXT *context, ULONG64 rip, ULONG64 rsp)
{
  memset(context, 0, sizeof *context);
  context->ContextFlags = CONTEXT_FULL | CONTEXT_SEGMENTS;
  context->Rip = rip;
  context->Rsp = rsp;
  context->SegCs = 0x33;
  context->SegSs = 0x2B;
  context->EFlags = 0x200;
  context->MxCsr = context->FltSave.MxCsr = 0x1F80;
  context->FltSave.ControlWord = 0x27F;
}

/* Makes an allocated thread run, or wait to be resumed. Failing leaves the thread to the caller. */
static NTSTATUS start_user_thread(EPROCESS *Process, ETHREAD *thread, const CONTEXT *context, ULONG CreateFlags)
{
  NTSTATUS status = KiInitializeContextThread(thread, context);
  if (!NT_SUCCESS(status))
    return status;
  status = KeInitThread(&thread->Tcb, PspUserThreadStartup, thread, &Process->Pcb);
  if (!NT_SUCCESS(status)) {
    KiDeleteContextThread(thread);
    return status;
  }
  thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_THREAD_INSERTED;
  if (CreateFlags & THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER)
    thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER;
  if (CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED)
    KeSuspendThread(&thread->Tcb);
  KeReadyThread(&thread->Tcb);
  return STATUS_SUCCESS;
}

NTSTATUS PspCreateUserThread(EPROCESS *Process, ULONG64 StartRoutine, ULONG64 Argument, ULONG CreateFlags,
                             ULONG64 StackCommit, ULONG64 StackReserve, ETHREAD **Thread)
{
  ETHREAD *thread;
  CONTEXT context;
  if (Process->native)
    return STATUS_ACCESS_DENIED;
  NTSTATUS status = PspAllocateThread(Process, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = fill_user_thread(Process, thread, StackCommit, StackReserve);
  if (NT_SUCCESS(status)) {
    /* As after a call: 8 below a multiple of 16, with the home slots of RtlUserThreadStart above. */
    first_context(&context, trap_entry_points()->RtlUserThreadStart, thread->stack_base - 0x28);
    context.Rcx = StartRoutine;
    context.Rdx = Argument;
    thread->StartAddress = thread->Win32StartAddress = StartRoutine;
    status = start_user_thread(Process, thread, &context, CreateFlags);
  }
  if (NT_SUCCESS(status))
    *Thread = thread;
  else
    discard_user_thread(Process, thread);
  return status;
}

/* A creator's context: control registers whether its flags name them or not, debug registers never, and the 64-bit code
 * segment, in which the loader starts the thread. */
static void take_context(CONTEXT *context, const CONTEXT *from)
{
  CONTEXT first;
  first_context(&first, 0, 0);
  *context = *from;
  context->SegCs = first.SegCs;
  if (!(from->ContextFlags & CONTEXT_FLOATING_POINT & ~CONTEXT_AMD64)) {
    context->FltSave = first.FltSave;
    context->MxCsr = first.MxCsr;
  }
  context->ContextFlags = CONTEXT_CONTROL | CONTEXT_SEGMENTS | CONTEXT_FLOATING_POINT |
                          (from->ContextFlags & CONTEXT_INTEGER);
}

static NTSTATUS fill_foreign_stack(EPROCESS *Process, ETHREAD *Thread, const INITIAL_TEB64 *InitialTeb)
{
  const bool old = InitialTeb->OldStackBase || InitialTeb->OldStackLimit;
  Thread->stack_base = old ? InitialTeb->OldStackBase : InitialTeb->StackBase;
  Thread->stack_limit = old ? InitialTeb->OldStackLimit : InitialTeb->StackLimit;
  Thread->stack_allocation = old ? 0 : InitialTeb->StackAllocationBase;
  NTSTATUS status = life_create_teb(Process, Thread);
  /* The TEB tells user mode; what the kernel has not allocated it does not free at the thread's end. */
  Thread->stack_allocation = 0;
  return status;
}

NTSTATUS PspCreateThread(EPROCESS *Process, const CONTEXT *ThreadContext, const INITIAL_TEB64 *InitialTeb,
                         ULONG CreateFlags, ETHREAD **Thread)
{
  ETHREAD *thread;
  CONTEXT context;
  if (Process->native)
    return STATUS_ACCESS_DENIED;
  NTSTATUS status = PspAllocateThread(Process, &thread);
  if (!NT_SUCCESS(status))
    return status;
  status = fill_foreign_stack(Process, thread, InitialTeb);
  if (NT_SUCCESS(status)) {
    take_context(&context, ThreadContext);
    thread->StartAddress = thread->Win32StartAddress = context.Rip;
    status = start_user_thread(Process, thread, &context, CreateFlags);
  }
  if (NT_SUCCESS(status))
    *Thread = thread;
  else
    discard_user_thread(Process, thread);
  return status;
}

struct native_start {
  void (*fn)(void *);
  void *argument;
};

static void native_thread_startup(void *StartContext)
{
  struct native_start start = *(struct native_start *)StartContext;
  ExFreePool(StartContext);
  start.fn(start.argument);
  PspExitThread(STATUS_SUCCESS);
}

NTSTATUS PsCreateNativeThread(EPROCESS *Process, void (*fn)(void *argument), void *argument, ETHREAD **Thread)
{
  ETHREAD *thread;
  struct native_start *start = ExAllocatePoolWithTag(sizeof *start, POOL_TAG('N', 'a', 't', 'v'));
  if (!start)
    return STATUS_INSUFFICIENT_RESOURCES;
  start->fn = fn;
  start->argument = argument;
  NTSTATUS status = PspAllocateThread(Process, &thread);
  if (!NT_SUCCESS(status)) {
    ExFreePool(start);
    return status;
  }
  status = KeInitThread(&thread->Tcb, native_thread_startup, start, &Process->Pcb);
  if (!NT_SUCCESS(status)) {
    ExFreePool(start);
    PspDiscardThread(thread);
    return status;
  }
  thread->Tcb.native = TRUE;
  thread->Tcb.PreviousMode = UserMode;
  thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_THREAD_INSERTED;
  *Thread = thread;
  KeReadyThread(&thread->Tcb);
  return STATUS_SUCCESS;
}
