/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes and threads made the older way, and what NtCreateUserProcess inherits and gives back (spec/3.2, 3.6, spec/5
 * facts 1, 37, 44). The creator is the native process. */
#include "kit.h"

#include "ntos/life/life.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_section.h"

#include <stdio.h>
#include <string.h>

#define PARAMETERS_SIZE 0x500u
#define STACK_SIZE 0x10000ull
#define NO_DEBUG_INHERIT 2u
#define INHERIT_HANDLES 4u

/* ---- the older way by hand ---- */

static SECTION *image(const char *program)
{
  char path[128];
  SECTION *section;
  snprintf(path, sizeof path, "\\??\\C:\\app\\%s.exe", program);
  ck_assert_int_eq(machine_open_section(kit_machine(), path, true, &section), DBGKSIM_OK);
  return section;
}

static HANDLE section_handle(const char *program, ACCESS_MASK access)
{
  HANDLE handle;
  SECTION *section = image(program);
  ck_status(ObOpenObjectByPointer(section, 0, access, NULL, &handle), STATUS_SUCCESS);
  ObDereferenceObject(section);
  return handle;
}

/* NtCreateProcessEx of a program beside the native process or another parent. */
static NTSTATUS create(const char *program, HANDLE parent, ULONG flags, HANDLE object, HANDLE *process)
{
  HANDLE section = section_handle(program, SECTION_MAP_EXECUTE);
  NTSTATUS status = NtCreateProcessEx(AT(process), PROCESS_ALL_ACCESS, 0, parent, flags, section, object, 0, 0);
  ck_status(NtClose(section), STATUS_SUCCESS);
  return status;
}

static HANDLE created(const char *program, HANDLE parent, ULONG flags, HANDLE object)
{
  HANDLE process = 0;
  ck_status(create(program, parent, flags, object, &process), STATUS_SUCCESS);
  return process;
}

static ULONG64 allocate(HANDLE process, ULONG64 size)
{
  ULONG64 base = 0;
  ck_status(MmAllocateVirtualMemory(process_of(process), &base, 0, &size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE),
            STATUS_SUCCESS);
  return base;
}

static void write(HANDLE process, ULONG64 to, const void *from, size_t size)
{
  ck_status(mm_process_write(process_of(process), to, from, size, NULL), STATUS_SUCCESS);
}

/* A parameter block with an image path, and PEB.ProcessParameters. */
static void give_parameters(HANDLE process, const WCHAR *path, USHORT bytes)
{
  UCHAR block[PARAMETERS_SIZE] = {0};
  ULONG64 base = allocate(process, sizeof block), peb = process_of(process)->Peb;
  ULONG head[3] = {sizeof block, sizeof block, 1};
  UNICODE_STRING64 name = {bytes, bytes, 0, base + 0x410};
  memcpy(block, head, sizeof head);
  memcpy(block + 0x60, &name, sizeof name);
  memcpy(block + 0x70, &name, sizeof name);
  memcpy(block + 0x410, path, bytes);
  write(process, base, block, sizeof block);
  write(process, peb + 0x20, &base, sizeof base);
}

struct first_thread {
  CONTEXT context;
  INITIAL_TEB64 teb;
};

/* A context at RtlUserThreadStart that calls `routine`, on a new stack. */
static struct first_thread by_hand(HANDLE process, ULONG64 routine, ULONG64 argument)
{
  struct first_thread t = {.context = {.ContextFlags = CONTEXT_FULL}};
  t.teb.StackAllocationBase = t.teb.StackLimit = allocate(process, STACK_SIZE);
  t.teb.StackBase = t.teb.StackLimit + STACK_SIZE;
  t.context.Rip = export_address("RtlUserThreadStart");
  t.context.Rcx = routine;
  t.context.Rdx = argument;
  t.context.Rsp = t.teb.StackBase - 0x28;
  t.context.EFlags = 0x200;
  t.context.SegCs = 0x33;
  t.context.SegSs = 0x2B;
  t.context.MxCsr = t.context.FltSave.MxCsr = 0x1F80;
  t.context.FltSave.ControlWord = 0x27F;
  return t;
}

static NTSTATUS start_by_hand(HANDLE process, const struct first_thread *t, bool suspended, struct debuggee *d)
{
  _Alignas(16) CONTEXT context = t->context;
  return NtCreateThread(AT(&d->thread), THREAD_ALL_ACCESS, 0, process, AT(&d->id), AT(&context), AT(&t->teb),
                        suspended);
}

/* The whole older way. */
static struct debuggee run_by_hand(const char *program, HANDLE parent, ULONG flags, HANDLE object)
{
  static const WCHAR path[] = u"C:\\app\\child.exe";
  struct debuggee d = {.process = created(program, parent, flags, object)};
  give_parameters(d.process, path, sizeof path - 2);
  const EPROCESS *process = process_of(d.process);
  struct first_thread t = by_hand(d.process, process->entry_point, process->Peb);
  ck_status(start_by_hand(d.process, &t, false, &d), STATUS_SUCCESS);
  return d;
}

/* ---- events ---- */

/* Follows a process to its end; what a debugger sees, without handles and ids. */
static unsigned follow(HANDLE object, DBGUI_WAIT_STATE_CHANGE *seen, unsigned room)
{
  unsigned n = 0;
  for (bool more = true; more; n++) {
    ck_assert_uint_lt(n, room);
    ck_status(NtWaitForDebugEvent(object, FALSE, MS(1000), AT(&seen[n])), STATUS_SUCCESS);
    more = seen[n].NewState != DbgExitProcessStateChange;
    const bool exception = seen[n].NewState >= DbgExceptionStateChange && seen[n].NewState <= DbgSingleStepStateChange;
    answer(object, &seen[n], exception ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE);
    DBGUI_CREATE_PROCESS *process = &seen[n].StateInfo.CreateProcessInfo;
    memset(&seen[n].AppClientId, 0, sizeof seen[n].AppClientId);
    if (seen[n].NewState == DbgCreateProcessStateChange)
      process->HandleToProcess = process->HandleToThread = process->NewProcess.FileHandle = 1;
    else if (seen[n].NewState == DbgLoadDllStateChange)
      seen[n].StateInfo.LoadDll.FileHandle = seen[n].StateInfo.LoadDll.NamePointer = 1;
  }
  return n;
}

START_TEST(spec_3_6_the_older_way_gives_the_same_events)
{
  static DBGUI_WAIT_STATE_CHANGE whole[16], by_hand_too[16];
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_int3_unhandled", object, 0, NULL);
  unsigned n = follow(object, whole, 16);
  ended(&d, STATUS_BREAKPOINT);
  d = run_by_hand("g_int3_unhandled", NtCurrentProcess(), 0, object);
  ck_assert_uint_eq(follow(object, by_hand_too, 16), n);
  ended(&d, STATUS_BREAKPOINT);
  ck_assert_uint_ge(n, 5);
  ck_assert_uint_eq(whole[0].NewState, DbgCreateProcessStateChange);
  ck_assert_uint_eq(whole[1].NewState, DbgLoadDllStateChange);
  ck_assert_uint_eq(whole[2].NewState, DbgBreakpointStateChange);
  ck_assert_mem_eq(whole, by_hand_too, n * sizeof whole[0]);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* Nothing is told before the first thread runs; the process waits for it without an event and without a thread. */
START_TEST(spec_3_6_the_first_thread_tells_of_the_process)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = {.process = created("g_exit42", NtCurrentProcess(), 0, object)};
  EPROCESS *process = process_of(d.process);
  ck_assert_uint_eq(process->ActiveThreads, 0);
  ck_assert_ptr_nonnull(process->DebugPort);
  ck_assert_int_eq(being_debugged(d.process), 1);
  nothing(object);
  ck_assert_uint_eq(process->Flags & PS_PROCESS_FLAGS_CREATE_REPORTED, 0);
  give_parameters(d.process, u"x", 2);
  struct first_thread t = by_hand(d.process, process->entry_point, process->Peb);
  ck_status(start_by_hand(d.process, &t, true, &d), STATUS_SUCCESS);
  ck_assert_uint_eq(d.id.UniqueProcess, process->UniqueProcessId);
  ck_assert_uint_eq(d.id.UniqueThread, thread_of(d.thread)->Cid.UniqueThread);
  nothing(object);
  ck_status(NtResumeThread(d.thread, 0), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, d.id.UniqueThread);
  ck_assert_uint_eq(change.StateInfo.CreateProcessInfo.NewProcess.InitialThread.StartAddress, process->entry_point);
  ck_assert_uint_ne(process->Flags & PS_PROCESS_FLAGS_CREATE_REPORTED, 0);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgBreakpointStateChange);
  pass(object, DbgExitProcessStateChange);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_44_a_thread_by_context_gives_create_thread)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_spin", object, 0, NULL), thread;
  pass_start(object);
  struct first_thread t = by_hand(d.process, 0, 0);
  t.context.Rip = export_address("NtYieldExecution");
  t.context.Rsp = t.teb.StackBase - 0x28;
  /* where it returns to: a thread that ends itself */
  const ULONG64 back = export_address("RtlExitUserThread");
  write(d.process, t.context.Rsp, &back, sizeof back);
  ck_status(start_by_hand(d.process, &t, false, &thread), STATUS_SUCCESS);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateThreadStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueThread, thread.id.UniqueThread);
  ck_assert_uint_eq(change.StateInfo.CreateThread.NewThread.StartAddress, t.context.Rip);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgExitThreadStateChange);
  join(thread.thread);
  /* the stack was the creator's: it is still there */
  UCHAR byte;
  ck_status(mm_process_read(process_of(d.process), t.teb.StackLimit, &byte, 1, NULL), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  end(&d);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* ---- inheritance ---- */

static ULONG debug_flags(HANDLE process)
{
  ULONG flags = 99;
  ck_status(NtQueryInformationProcess(process, 0x1F, AT(&flags), sizeof flags, 0), STATUS_SUCCESS);
  return flags;
}

static bool debugged(HANDLE process) { return process_of(process)->DebugPort != NULL; }

START_TEST(spec_3_2_the_older_way_inherits_the_port_by_the_parents_flag)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), child;
  struct debuggee parent = start("g_spin", object, 0, NULL);
  pass_start(object);
  child = created("g_spin", parent.process, 0, 0);
  ck_assert(debugged(child));
  ck_assert_uint_eq(debug_flags(child), 1);
  ck_status(NtClose(child), STATUS_SUCCESS);
  /* the flag of a creation is for the child's own children */
  child = created("g_spin", parent.process, NO_DEBUG_INHERIT, 0);
  ck_assert(debugged(child));
  ck_assert_uint_eq(debug_flags(child), 0);
  HANDLE grandchild = created("g_spin", child, 0, 0);
  ck_assert(!debugged(grandchild));
  ck_assert_uint_eq(debug_flags(grandchild), 1);
  ck_status(NtClose(grandchild), STATUS_SUCCESS);
  ck_status(NtClose(child), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(parent.process, object), STATUS_SUCCESS);
  end(&parent);
  nothing(object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* NtCreateProcess has no flags: bit 0 of the debug object's handle says NO_DEBUG_INHERIT. */
START_TEST(spec_3_2_no_debug_inherit_of_nt_create_process)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), section = section_handle("g_spin", SECTION_MAP_EXECUTE);
  for (ULONG bit = 0; bit < 2; bit++) {
    HANDLE process;
    ck_status(
        NtCreateProcess(AT(&process), PROCESS_ALL_ACCESS, 0, NtCurrentProcess(), FALSE, section | bit, object | bit, 0),
        STATUS_SUCCESS);
    ck_assert(debugged(process));
    ck_assert_uint_eq(debug_flags(process), !bit);
    ck_status(NtClose(process), STATUS_SUCCESS);
  }
  ck_status(NtClose(section), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

static bool has_handle(HANDLE process, HANDLE handle)
{
  void *object;
  if (!NT_SUCCESS(ob_reference_in(process_of(process), handle, 0, NULL, KernelMode, &object, NULL, NULL)))
    return false;
  ObDereferenceObject(object);
  return true;
}

static HANDLE event(bool inheritable)
{
  HANDLE handle;
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .Attributes = inheritable ? OBJ_INHERIT : 0};
  ck_status(NtCreateEvent(AT(&handle), EVENT_ALL_ACCESS, AT(&attributes), 0, FALSE), STATUS_SUCCESS);
  return handle;
}

START_TEST(the_older_way_inherits_handles_by_flag)
{
  HANDLE yes = event(true), no = event(false);
  HANDLE process = created("g_spin", NtCurrentProcess(), 0, 0);
  ck_assert(!has_handle(process, yes));
  ck_status(NtClose(process), STATUS_SUCCESS);
  process = created("g_spin", NtCurrentProcess(), INHERIT_HANDLES, 0);
  ck_assert(has_handle(process, yes));
  ck_assert(!has_handle(process, no));
  ck_status(NtClose(process), STATUS_SUCCESS);
  ck_status(NtClose(yes), STATUS_SUCCESS);
  ck_status(NtClose(no), STATUS_SUCCESS);
}
END_TEST

/* ---- a process without a thread ---- */

START_TEST(a_process_without_a_thread_goes_with_its_last_handle)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  HANDLE process = created("g_spin", NtCurrentProcess(), INHERIT_HANDLES, object);
  HANDLE id = process_of(process)->UniqueProcessId;
  ULONG processes, left, threads;
  ps_counts(&processes, &threads);
  ck_status(NtClose(process), STATUS_SUCCESS);
  ps_counts(&left, &threads);
  ck_assert_uint_eq(left, processes - 1);
  EPROCESS *gone;
  ck_status(PsLookupProcessByProcessId(id, &gone), STATUS_INVALID_CID);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(spec_3_2_a_process_without_a_thread_can_not_be_attached)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS), process = created("g_spin", NtCurrentProcess(), 0, 0);
  ck_status(NtDebugActiveProcess(process, object), STATUS_UNSUCCESSFUL);
  ck_assert(!debugged(process));
  ck_status(NtClose(process), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(spec_3_5_closing_the_object_ends_a_process_without_a_thread)
{
  HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  struct debuggee d = {.process = created("g_spin", NtCurrentProcess(), 0, object)};
  ck_status(NtClose(object), STATUS_SUCCESS);
  ck_assert(!debugged(d.process));
  struct first_thread t = by_hand(d.process, 0x10000, 0);
  ck_status(start_by_hand(d.process, &t, false, &d), STATUS_PROCESS_IS_TERMINATING);
  ck_status(NtClose(d.process), STATUS_SUCCESS);
}
END_TEST

/* NtCreateThreadEx gives the first thread as well. */
START_TEST(a_process_without_a_thread_takes_any_first_thread)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = {.process = created("g_exit42", NtCurrentProcess(), 0, object)};
  give_parameters(d.process, u"x", 2);
  d.thread = remote_thread(&d, process_of(d.process)->entry_point, process_of(d.process)->Peb, 0);
  pass_start(object);
  pass(object, DbgExitProcessStateChange);
  ended(&d, 42);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* ---- refusals ---- */

static NTSTATUS create_ex(HANDLE parent, ULONG flags, HANDLE section, HANDLE object, HANDLE exception, ULONG job)
{
  HANDLE process = 0;
  NTSTATUS status =
      NtCreateProcessEx(AT(&process), PROCESS_ALL_ACCESS, 0, parent, flags, section, object, exception, job);
  ck_assert_uint_eq(process, 0);
  return status;
}

static HANDLE duplicate(HANDLE handle, ACCESS_MASK access)
{
  HANDLE copy;
  ck_status(NtDuplicateObject(NtCurrentProcess(), handle, NtCurrentProcess(), AT(&copy), access, 0, 0), STATUS_SUCCESS);
  return copy;
}

START_TEST(statuses_of_nt_create_process_ex)
{
  const HANDLE self = NtCurrentProcess();
  struct debuggee d = spinning();
  HANDLE section = section_handle("g_spin", SECTION_MAP_EXECUTE), object = debug_object(0, DEBUG_ALL_ACCESS),
         readable = section_handle("g_spin", SECTION_MAP_READ), reader = debug_object(0, DEBUG_READ_EVENT),
         some = event(false), look = duplicate(d.process, PROCESS_ALL_ACCESS & ~PROCESS_CREATE_PROCESS), data;
  LONG64 size = 0x1000;
  ck_status(NtCreateSection(AT(&data), SECTION_ALL_ACCESS, 0, AT(&size), PAGE_EXECUTE_READWRITE, SEC_COMMIT, 0),
            STATUS_SUCCESS);
  ck_status(create_ex(0, 0, section, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(create_ex(self, 0x10, section, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(create_ex(self, 0x80000000, section, 0, 0, 0), STATUS_INVALID_PARAMETER);
  ck_status(create_ex(self, 0, section, 0, 0, 1), STATUS_INVALID_PARAMETER);
  ck_status(create_ex(0x5550, 0, section, 0, 0, 0), STATUS_INVALID_HANDLE);
  ck_status(create_ex(some, 0, section, 0, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(create_ex(look, 0, section, 0, 0, 0), STATUS_ACCESS_DENIED);
  ck_status(create_ex(self, 0, 0, 0, 0, 0), STATUS_NOT_IMPLEMENTED);
  ck_status(create_ex(self, 0, 0x5550, 0, 0, 0), STATUS_INVALID_HANDLE);
  ck_status(create_ex(self, 0, some, 0, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(create_ex(self, 0, readable, 0, 0, 0), STATUS_ACCESS_DENIED);
  ck_status(create_ex(self, 0, data, 0, 0, 0), STATUS_SECTION_NOT_IMAGE);
  ck_status(create_ex(self, 0, section, 0x5550, 0, 0), STATUS_INVALID_HANDLE);
  ck_status(create_ex(self, 0, section, some, 0, 0), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(create_ex(self, 0, section, reader, 0, 0), STATUS_ACCESS_DENIED);
  ck_status(create_ex(self, 0, section, object, 0x5550, 0), STATUS_INVALID_HANDLE);
  ck_status(create_ex(self, 0, section, object, some, 0), STATUS_OBJECT_TYPE_MISMATCH);
  const HANDLE all[] = {section, readable, object, reader, some, look, data};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    ck_status(NtClose(all[i]), STATUS_SUCCESS);
  end(&d);
}
END_TEST

/* A port that is given, not the parent's; it goes with the process. */
START_TEST(spec_2_2_the_older_way_takes_an_exception_port)
{
  struct debuggee parent = spinning();
  HANDLE ports[2], section = section_handle("g_spin", SECTION_MAP_EXECUTE), process;
  const OBJECT_ATTRIBUTES64 unnamed = {.Length = sizeof unnamed};
  for (unsigned i = 0; i < 2; i++)
    ck_status(NtCreatePort(AT(&ports[i]), AT(&unnamed), 0, 0x100, 0), STATUS_SUCCESS);
  ck_status(NtSetInformationProcess(parent.process, 8, AT(&ports[0]), sizeof ports[0]), STATUS_SUCCESS);
  for (unsigned i = 0; i < 2; i++) {
    ck_status(
        NtCreateProcessEx(AT(&process), PROCESS_ALL_ACCESS, 0, parent.process, 0, section, 0, i ? ports[1] : 0, 0),
        STATUS_SUCCESS);
    void *port;
    ck_status(ObReferenceObjectByHandle(ports[1], 0, ob_types()->Port, KernelMode, &port, NULL), STATUS_SUCCESS);
    ck_assert_ptr_eq(process_of(process)->ExceptionPort, i ? port : NULL);
    ObDereferenceObject(port);
    ck_status(NtClose(process), STATUS_SUCCESS);
  }
  end(&parent);
  for (unsigned i = 0; i < 2; i++)
    ck_status(NtClose(ports[i]), STATUS_SUCCESS);
  ck_status(NtClose(section), STATUS_SUCCESS);
}
END_TEST

/* Handles of a process that has ended are gone; without them it may still be a parent. */
START_TEST(an_ended_parent_has_no_handles_to_inherit)
{
  struct debuggee d = spinning();
  HANDLE process = 0;
  ck_status(NtTerminateProcess(d.process, 5), STATUS_SUCCESS);
  ck_status(NtWaitForSingleObject(d.process, FALSE, MS(1000)), STATUS_SUCCESS);
  ck_status(create("g_spin", d.process, INHERIT_HANDLES, 0, &process), STATUS_PROCESS_IS_TERMINATING);
  ck_status(create("g_spin", d.process, 0, 0, &process), STATUS_SUCCESS);
  ck_assert_uint_eq(process_of(process)->InheritedFromUniqueProcessId, d.id.UniqueProcess);
  ck_status(NtClose(process), STATUS_SUCCESS);
  ended(&d, 5);
}
END_TEST

/* A native process, other than the caller, can be no parent: it would give its handles away. */
START_TEST(a_native_process_is_the_parent_of_its_own_children_only)
{
  EPROCESS *system = PsInitialSystemProcess();
  HANDLE handle, process;
  ck_status(ObOpenObjectByPointer(system, 0, PROCESS_ALL_ACCESS, NULL, &handle), STATUS_SUCCESS);
  ck_status(create("g_spin", handle, 0, 0, &process), STATUS_ACCESS_DENIED);
  ck_status(NtClose(handle), STATUS_SUCCESS);
}
END_TEST

START_TEST(statuses_of_nt_create_thread)
{
  struct debuggee d = spinning(), made;
  struct first_thread t = by_hand(d.process, 0x10000, 0);
  _Alignas(16) CONTEXT context = t.context;
  HANDLE some = event(false), look = duplicate(d.process, PROCESS_ALL_ACCESS & ~PROCESS_CREATE_THREAD);
  const ULONG64 to = AT(&made.thread), at = AT(&context), teb = AT(&t.teb);
  ck_status(NtCreateThread(to, THREAD_ALL_ACCESS, 0, d.process, 0, 0, teb, TRUE), STATUS_INVALID_PARAMETER);
  ck_status(NtCreateThread(to, THREAD_ALL_ACCESS, 0, 0x5550, 0, at, teb, TRUE), STATUS_INVALID_HANDLE);
  ck_status(NtCreateThread(to, THREAD_ALL_ACCESS, 0, some, 0, at, teb, TRUE), STATUS_OBJECT_TYPE_MISMATCH);
  ck_status(NtCreateThread(to, THREAD_ALL_ACCESS, 0, look, 0, at, teb, TRUE), STATUS_ACCESS_DENIED);
  ck_status(NtCreateThread(to, THREAD_ALL_ACCESS, 0, NtCurrentProcess(), 0, at, teb, TRUE), STATUS_ACCESS_DENIED);
  ck_status(NtTerminateProcess(d.process, 5), STATUS_SUCCESS);
  ck_status(start_by_hand(d.process, &t, true, &made), STATUS_PROCESS_IS_TERMINATING);
  ck_status(NtClose(some), STATUS_SUCCESS);
  ck_status(NtClose(look), STATUS_SUCCESS);
  ended(&d, 5);
}
END_TEST

/* Whatever a context says: kernel addresses, privileged flags, kernel selectors, a stack that is none. */
START_TEST(a_hostile_context_ends_its_own_thread_at_most)
{
  struct debuggee d = spinning(), made;
  for (unsigned i = 0; i < 6; i++) {
    struct first_thread t = by_hand(d.process, 0, 0);
    t.context.ContextFlags = 0xFFFFFFFF;
    t.context.SegCs = 0x10;
    t.context.SegSs = 0x18;
    t.context.EFlags = 0xFFFFFFFF & ~0x100u;
    t.context.MxCsr = t.context.FltSave.MxCsr = 0xFFFFFFFF;
    t.context.Dr7 = 0xFFFFFFFF;
    t.context.Dr0 = 0xFFFFF80000000000;
    t.teb.StackBase = i & 1 ? 0xFFFFF80000000000 : 0;
    t.teb.StackAllocationBase = ~0ull;
    const ULONG64 addresses[] = {0, 0xFFFFF80000000000, 0x8000000000000000, 0x7FFFFFFFFFFF, 1, ~0ull};
    *(i < 3 ? &t.context.Rip : &t.context.Rsp) = addresses[i];
    ck_status(start_by_hand(d.process, &t, true, &made), STATUS_SUCCESS);
    _Alignas(16) CONTEXT now = {.ContextFlags = CONTEXT_ALL};
    ck_status(NtGetContextThread(made.thread, AT(&now)), STATUS_SUCCESS);
    ck_assert_uint_eq(now.SegCs, 0x33);
    ck_assert_uint_eq(now.SegSs, 0x2B);
    ck_assert_uint_eq(now.EFlags & 0x3000, 0); /* IOPL */
    ck_assert_uint_ne(now.EFlags & 0x200, 0);  /* IF */
    ck_assert_uint_eq(now.Dr7 & 0xFF, 0);
    ck_assert_uint_eq(now.Dr0, 0);
    ck_status(NtTerminateThread(made.thread, 1), STATUS_SUCCESS);
    join(made.thread);
    ck_assert_uint_eq(process_of(d.process)->ActiveThreads, 1);
  }
  end(&d);
}
END_TEST

/* They are let run: the loader gets a context that it can not go on at. */
START_TEST(a_stack_that_is_none_ends_the_thread)
{
  struct debuggee d = spinning(), made;
  static const ULONG64 stacks[] = {0, 0x10, 0xFFFFF80000000000, 0x7FFFFFFF0000, ~0ull};
  for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
    struct first_thread t = by_hand(d.process, 0x10000, 0);
    t.context.Rsp = stacks[i];
    ck_status(start_by_hand(d.process, &t, false, &made), STATUS_SUCCESS);
    ck_status(NtWaitForSingleObject(made.thread, FALSE, MS(1000)), STATUS_SUCCESS);
    ck_assert_int_lt(thread_of(made.thread)->ExitStatus, 0);
    ck_status(NtClose(made.thread), STATUS_SUCCESS);
    ck_assert_uint_eq(process_of(d.process)->ActiveThreads, 1);
  }
  end(&d);
}
END_TEST

/* The old form of INITIAL_TEB, which has no allocation base, goes before the new one. */
START_TEST(initial_teb_has_two_forms)
{
  struct debuggee d = spinning(), made;
  for (unsigned old = 0; old < 2; old++) {
    struct first_thread t = by_hand(d.process, 0x10000, 0);
    ULONG64 fields[2], allocation = 99;
    if (old) {
      t.teb.OldStackBase = t.teb.StackBase - 0x1000;
      t.teb.OldStackLimit = t.teb.StackLimit + 0x1000;
    }
    ck_status(start_by_hand(d.process, &t, true, &made), STATUS_SUCCESS);
    EPROCESS *process = process_of(d.process);
    ULONG64 teb = thread_of(made.thread)->Tcb.Teb;
    ck_status(mm_process_read(process, teb + 8, fields, sizeof fields, NULL), STATUS_SUCCESS);
    ck_status(mm_process_read(process, teb + 0x1478, &allocation, 8, NULL), STATUS_SUCCESS);
    ck_assert_uint_eq(fields[0], old ? t.teb.OldStackBase : t.teb.StackBase);
    ck_assert_uint_eq(fields[1], old ? t.teb.OldStackLimit : t.teb.StackLimit);
    ck_assert_uint_eq(allocation, old ? 0 : t.teb.StackAllocationBase);
    ck_status(NtTerminateThread(made.thread, 1), STATUS_SUCCESS);
    join(made.thread);
  }
  end(&d);
}
END_TEST

TCase *create_case(void)
{
  TCase *tests = kit_case("create");
  tcase_add_test(tests, spec_3_6_the_older_way_gives_the_same_events);
  tcase_add_test(tests, spec_3_6_the_first_thread_tells_of_the_process);
  tcase_add_test(tests, fact_44_a_thread_by_context_gives_create_thread);
  tcase_add_test(tests, spec_3_2_the_older_way_inherits_the_port_by_the_parents_flag);
  tcase_add_test(tests, spec_3_2_no_debug_inherit_of_nt_create_process);
  tcase_add_test(tests, the_older_way_inherits_handles_by_flag);
  tcase_add_test(tests, a_process_without_a_thread_goes_with_its_last_handle);
  tcase_add_test(tests, spec_3_2_a_process_without_a_thread_can_not_be_attached);
  tcase_add_test(tests, spec_3_5_closing_the_object_ends_a_process_without_a_thread);
  tcase_add_test(tests, a_process_without_a_thread_takes_any_first_thread);
  tcase_add_test(tests, statuses_of_nt_create_process_ex);
  tcase_add_test(tests, spec_2_2_the_older_way_takes_an_exception_port);
  tcase_add_test(tests, an_ended_parent_has_no_handles_to_inherit);
  tcase_add_test(tests, a_native_process_is_the_parent_of_its_own_children_only);
  tcase_add_test(tests, statuses_of_nt_create_thread);
  tcase_add_test(tests, a_hostile_context_ends_its_own_thread_at_most);
  tcase_add_test(tests, a_stack_that_is_none_ends_the_thread);
  tcase_add_test(tests, initial_teb_has_two_forms);
  return tests;
}
