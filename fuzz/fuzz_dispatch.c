/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process on the emulated processor, stopped at a known point under a native debugger. The input is its code, its
 * first registers and memory, what is changed about its machine, and the answers to what follows: the debugger's, the
 * kernel debugger's, those of the servers of the exception port and the error port, and of a provider of Pico
 * processes.
 *
 * An input is
 * - 1 byte: 7 in its low 3 bits, and all that runs is ended and must leave nothing. That costs a new address space, so
 *   most cases leave it at looking at what stops. The next two bits are the era (fuzz_set_era). 20: the code is 32-bit
 *   code. 40: there is a kernel debugger; with 80 it sees every first chance;
 * - 1 byte n, then n registers: which, form of the value, value (see set_register);
 * - 1 byte n, then n bytes of code, at the start of the writable and executable page;
 * - 1 byte n, then n writes to memory: 2 bytes offset from the first page, 1 byte n, n bytes;
 * - 1 byte n, then n changes (see dispatch_change.c);
 * - the rest: one answer for each debug event (see dispatch_answer.c), message of a port (dispatch_ports.c), event of
 * the kernel debugger and exception of a Pico process (dispatch_machine.c); without bytes exceptions are not handled.
 *
 * The pages from 0x20000000: 0 code (RWX), 1 code (RX; ends with service calls), 2-10 data, 11 read-only, 12 guard,
 * 13 data, 14-15 reserved. The first number of page 2 is where the program's own handler continues an exception; behind
 * it is what else it does (fuzz_guest.c). Views of a file lie behind the pages. */
#include "dispatch.h"

#include "emu/emu.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/trap/trap.h"

#include <string.h>

/** Translated blocks that a case may execute. */
#define MAX_BLOCKS 4000u
#define MAX_EVENTS 24u
#define MAX_LISTED 24u
#define MAX_CHANGES 8u
#define SECOND 10000000ll
/** GDT and IDT. */
#define GUARDED_SIZE 0x2000u
/** A second of virtual time is a million times more than the blocks of a case take. */
#define EVENT_TIMEOUT (-SECOND)

/* Bits of the first byte. */
#define CODE_32 0x20u
#define KERNEL_DEBUGGER 0x40u
#define KERNEL_DEBUGGER_SEES_ALL 0x80u

struct dispatch_case dispatch;
static struct dispatch_case prepared; /* what is in the snapshot */

static const void *guarded(void) { return emu_kernel_host(KeGetPcr()->emu, EMU_KERNEL_BASE, GUARDED_SIZE); }

static uint8_t guarded_at_start[GUARDED_SIZE], guarded_copy[GUARDED_SIZE];

void dispatch_keep_idt(void) { memcpy(guarded_copy, guarded(), GUARDED_SIZE); }

void dispatch_leave_machine(void) { machine_leave(fuzz_machine()); }

void dispatch_enter_machine(void)
{
  FUZZ_CHECK(machine_enter(fuzz_machine()) == DBGKSIM_OK, "the machine can not be entered");
}

/* ---- the state that each case starts from ---- */

static void wait_for(DBG_STATE state, DBGUI_WAIT_STATE_CHANGE *change)
{
  const LONG64 timeout = EVENT_TIMEOUT;
  NTSTATUS status = NtWaitForDebugEvent(dispatch.object, FALSE, AT(&timeout), AT(change));
  FUZZ_CHECK(status == STATUS_SUCCESS && change->NewState == (ULONG)state,
             "the start: status %08X, state %u instead of %d", (unsigned)status, change->NewState, (int)state);
  dispatch_close_handles(change);
}

static void pass(DBG_STATE state)
{
  DBGUI_WAIT_STATE_CHANGE change = {0};
  wait_for(state, &change);
  NTSTATUS status = NtDebugContinue(dispatch.object, AT(&change.AppClientId), DBG_CONTINUE);
  FUZZ_CHECK(status == STATUS_SUCCESS, "the start can not be continued: %08X", (unsigned)status);
}

static void start_process(void)
{
  SECTION *section;
  void *port;
  FUZZ_CHECK(machine_open_section(fuzz_machine(), "\\??\\C:\\app\\fuzz_guest.exe", true, &section) == DBGKSIM_OK, "%s",
             dbgksim_message(fuzz_machine()));
  FUZZ_CHECK(NtCreateDebugObject(AT(&dispatch.object), DEBUG_ALL_ACCESS, 0, 0) == STATUS_SUCCESS, "no debug object");
  ObReferenceObjectByHandle(dispatch.object, 0, ob_types()->DebugObject, KernelMode, &port, NULL);
  const struct life_process_request request = {.section = section,
                                               .parent = fuzz_machine()->host_process,
                                               .image_path = "C:\\app\\fuzz_guest.exe",
                                               .command_line = "fuzz_guest",
                                               .current_directory = "C:\\app\\",
                                               .environment = "\0",
                                               .debug_object = port};
  NTSTATUS status = PspCreateUserProcess(&request, &dispatch.process, &dispatch.thread);
  FUZZ_CHECK(NT_SUCCESS(status), "no process: %08X", (unsigned)status);
  ObDereferenceObject(port);
  ObDereferenceObject(section);
  ObOpenObjectByPointer(dispatch.process, 0, PROCESS_ALL_ACCESS, NULL, &dispatch.process_handle);
  ObOpenObjectByPointer(dispatch.thread, 0, THREAD_ALL_ACCESS, NULL, &dispatch.thread_handle);
}

/* Pages of a file: read-only, and copied when they are written. */
static void map_views(void)
{
  static const struct {
    ULONG64 base;
    ULONG protection;
  } views[] = {{FUZZ_VIEW, PAGE_READONLY}, {FUZZ_COPY_VIEW, PAGE_WRITECOPY}};
  SECTION *section;
  FUZZ_CHECK(machine_open_section(fuzz_machine(), "\\??\\C:\\app\\fuzz_guest.exe", false, &section) == DBGKSIM_OK, "%s",
             dbgksim_message(fuzz_machine()));
  for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
    ULONG64 base = views[i].base, size = 0x1000;
    LONG64 offset = 0;
    NTSTATUS status =
        MmMapViewOfSection(section, dispatch.process, &base, 0, 0, &offset, &size, 0, views[i].protection);
    FUZZ_CHECK(status == STATUS_SUCCESS, "no view: %08X", (unsigned)status);
  }
  ObDereferenceObject(section);
}

static void prepare(void)
{
  memset(&dispatch, 0, sizeof dispatch);
  dispatch_make_ports();
  dispatch_register_pico();
  start_process();
  pass(DbgCreateProcessStateChange);
  pass(DbgLoadDllStateChange);
  pass(DbgBreakpointStateChange);
  wait_for(DbgBreakpointStateChange, &dispatch.stopped);
  map_views();
  dispatch_find_services();
  dispatch_repair_lstar();
  memcpy(guarded_at_start, guarded(), GUARDED_SIZE);
  prepared = dispatch;
}

/* ---- the case ---- */

uint64_t dispatch_value(struct fuzz_input *in)
{
  static const uint64_t special[] = {0,          1,          0x7FFFFFFF,         0x80000000,
                                     0xFFFFFFFF, 0xFFFF,     0x7FFFFFFEFFFF,     0x7FFFFFFF0000,
                                     1ull << 47, 1ull << 63, 0xFFFF800000000000, EMU_KERNEL_BASE,
                                     0x7FFE0000, ~0ull,      FUZZ_PAGES - 1,     EMU_PAGE_TABLES_BASE};
  switch (fuzz_byte(in) % 6) {
  case 0:
    return (uint64_t)(int8_t)fuzz_byte(in);
  case 1:
    return fuzz_number(in, 8);
  case 2:
    return FUZZ_PAGES + 0x2000 + fuzz_number(in, 2) % 0xE000;
  case 3:
    return FUZZ_PAGES + fuzz_number(in, 2);
  case 4:
    return special[fuzz_byte(in) % (sizeof special / sizeof special[0])];
  default:
    return fuzz_number(in, 4);
  }
}

static void set_register(CONTEXT *c, unsigned which, uint64_t value)
{
  ULONG64 *const general = &c->Rax;
  switch (which % 28) {
  case 16:
    c->Rip = value;
    break;
  case 17:
    c->EFlags = (ULONG)value;
    break;
  case 18:
  case 19:
  case 20:
  case 21:
    (&c->Dr0)[which % 28 - 18] = value;
    break;
  case 22:
    c->Dr6 = value;
    break;
  case 23:
    c->Dr7 = value;
    break;
  case 24:
    c->SegCs = (USHORT)value;
    break;
  case 25:
    c->SegSs = (USHORT)value;
    break;
  case 26:
    c->MxCsr = c->FltSave.MxCsr = (ULONG)value;
    break;
  case 27:
    c->FltSave.ControlWord = (USHORT)value;
    break;
  default:
    general[which % 28] = value;
  }
}

void dispatch_registers(struct fuzz_input *in, CONTEXT *context)
{
  for (unsigned n = fuzz_byte(in) % (MAX_LISTED + 1); n && !fuzz_used_up(in); n--) {
    unsigned which = fuzz_byte(in);
    set_register(context, which, dispatch_value(in));
  }
}

void dispatch_put(ULONG64 address, const void *bytes, size_t size)
{
  NtWriteVirtualMemory(dispatch.process_handle, address, AT(bytes), size, 0);
}

void dispatch_write_memory(struct fuzz_input *in)
{
  ULONG64 address = FUZZ_PAGES + fuzz_number(in, 2);
  struct fuzz_input bytes = fuzz_part(in, fuzz_byte(in));
  if (bytes.size)
    dispatch_put(address, bytes.bytes, bytes.size);
}

static void read_start(struct fuzz_input *in, bool code_32)
{
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  NTSTATUS status = NtGetContextThread(dispatch.thread_handle, AT(&context));
  FUZZ_CHECK(status == STATUS_SUCCESS, "the stopped thread has no context: %08X", (unsigned)status);
  context.Rip = FUZZ_PAGES;
  if (code_32)
    context.SegCs = KGDT64_R3_CMCODE;
  dispatch_registers(in, &context);
  struct fuzz_input code = fuzz_part(in, fuzz_byte(in));
  if (code.size)
    dispatch_put(FUZZ_PAGES, code.bytes, code.size);
  for (unsigned n = fuzz_byte(in) % (MAX_LISTED + 1); n && !fuzz_used_up(in); n--)
    dispatch_write_memory(in);
  NtSetContextThread(dispatch.thread_handle, AT(&context));
  for (unsigned n = fuzz_byte(in) % (MAX_CHANGES + 1); n && !fuzz_used_up(in); n--)
    dispatch_change(in, dispatch.thread_handle);
}

/* What no program and no debugger can bring about. */
static void check_stop(const DBGUI_WAIT_STATE_CHANGE *change)
{
  ETHREAD *thread;
  CONTEXT c = {.ContextFlags = CONTEXT_ALL};
  FUZZ_CHECK(!memcmp(guarded_copy, guarded(), GUARDED_SIZE), "the GDT or the IDT was changed");
  if (!NT_SUCCESS(PsLookupThreadByThreadId(change->AppClientId.UniqueThread, &thread)))
    return;
  if (NT_SUCCESS(PsGetContextThread(thread, &c))) {
    FUZZ_CHECK((c.SegCs & 3) == 3 && (c.SegSs & 3) == 3, "selectors of another ring: cs %X, ss %X", c.SegCs, c.SegSs);
    FUZZ_CHECK(c.EFlags & EFLAGS_IF && !(c.EFlags & 0x23000), "privileged flags: %X", c.EFlags);
  }
  ObDereferenceObject(thread);
}

static void end_process(EPROCESS *process)
{
  const LONG64 limit = -10 * SECOND;
  struct fuzz_input nothing = {NULL, 0, 0};
  NTSTATUS status;
  do
    status = KeWaitForSingleObject(process, UserRequest, UserMode, FALSE, &limit);
  while (status != STATUS_SUCCESS && dispatch_answer_kernel_debugger(&nothing));
  FUZZ_CHECK(status == STATUS_SUCCESS, "process %u does not end: wait status %08X, end reason %d",
             (unsigned)process->UniqueProcessId, (unsigned)status, (int)ke_ended());
  FUZZ_CHECK(!process->DebugPort && !process->RundownProtect.count && !process->Pcb.FreezeCount,
             "process %u ended with debug port %d, run-down count %u, freeze count %d",
             (unsigned)process->UniqueProcessId, process->DebugPort != NULL, process->RundownProtect.count,
             (int)process->Pcb.FreezeCount);
}

/* Whatever programs are there come to their end, without one more instruction. */
static void end_case(void)
{
  EPROCESS *host = fuzz_machine()->host_process;
  struct fuzz_input nothing = {NULL, 0, 0};
  dispatch_answer_kernel_debugger(&nothing);
  ke_resume();
  ke_set_block_budget(0);
  for (HANDLE handle = 4; ob_handle_count(host); handle += 4)
    NtClose(handle);
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p)) {
    if (p->native)
      continue;
    PsTerminateProcess(p, 9);
    DbgkClearProcessDebugObject(p, NULL);
  }
  for (EPROCESS *p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p))
    if (!p->native)
      end_process(p);
  ObDereferenceObject(dispatch.process);
  ObDereferenceObject(dispatch.thread);
  dispatch_forget_error_port();
  const LONG64 millisecond = -10000;
  KeDelayExecutionThread(UserMode, FALSE, &millisecond);
}

/* What comes next, if anything: an event of the debugger or of the kernel debugger, or a message of a port. */
enum next { NOTHING, EVENT, ANSWERED };
static enum next wait_and_serve(struct fuzz_input *in, DBGUI_WAIT_STATE_CHANGE *change)
{
  const LONG64 timeout = EVENT_TIMEOUT;
  NTSTATUS status;
  memset(change, 0, sizeof *change);
  if (dispatch.object)
    status = NtWaitForDebugEvent(dispatch.object, FALSE, AT(&timeout), AT(change));
  else
    status = KeWaitForSingleObject(dispatch.process, UserRequest, UserMode, FALSE, &timeout);
  if (dispatch_answer_kernel_debugger(in))
    return ANSWERED;
  if (dispatch.object && status == STATUS_SUCCESS)
    return EVENT;
  return ke_ended() == KE_RUNNING && dispatch_serve_ports(in) ? ANSWERED : NOTHING;
}

/* False: the machine has stopped for good, as it may. */
static bool check_end(void)
{
  const enum ke_end_reason end = ke_ended();
  FUZZ_CHECK(end != KE_INTERNAL_ERROR, "the machine has stopped with an internal error");
  if (end == KE_NO_SERVICE_ENTRY)
    FUZZ_CHECK(dispatch.allowed & DISPATCH_MAY_LOSE_ENTRY, "LSTAR leads nowhere");
  if (end != KE_BUGCHECK && end != KE_TRIPLE_FAULT)
    return true;
  FUZZ_CHECK(dispatch.allowed & DISPATCH_MAY_BUGCHECK, "user mode has stopped the machine: %s %X",
             end == KE_BUGCHECK ? "bug check" : "triple fault", end == KE_BUGCHECK ? KiGetBugCheck()->code : 0);
  return false;
}

static void begin_case(struct fuzz_input *in, uint8_t flags)
{
  fuzz_set_era(flags >> 3);
  dispatch = prepared;
  dispatch.in = in;
  memcpy(guarded_copy, guarded_at_start, GUARDED_SIZE);
  dispatch_forget_messages();
  ke_set_block_budget(MAX_BLOCKS);
  if (flags & KERNEL_DEBUGGER)
    dispatch_use_kernel_debugger(false, (flags & KERNEL_DEBUGGER_SEES_ALL) != 0);
  read_start(in, (flags & CODE_32) != 0);
}

static void run(struct fuzz_input *in)
{
  const uint8_t flags = fuzz_byte(in);
  const bool to_the_end = (flags & 7) == 7;
  DBGUI_WAIT_STATE_CHANGE change;
  begin_case(in, flags);
  NtDebugContinue(dispatch.object, AT(&dispatch.stopped.AppClientId), DBG_CONTINUE);
  if (dispatch.leaves)
    dispatch_leave_process(true);
  for (unsigned i = 0; i < MAX_EVENTS; i++) {
    enum next next = wait_and_serve(in, &change);
    if (next == NOTHING)
      break;
    if (next == ANSWERED)
      continue;
    check_stop(&change);
    dispatch_close_handles(&change);
    /* From here on the address space would go. */
    if (change.NewState == DbgExitProcessStateChange && !to_the_end)
      break;
    dispatch_answer(in, &change);
  }
  const bool goes_on = check_end();
  FUZZ_CHECK(!memcmp(guarded_copy, guarded(), GUARDED_SIZE), "the GDT or the IDT was changed");
  dispatch_undo_changes();
  dispatch.in = NULL;
  if (to_the_end && goes_on) {
    end_case();
    fuzz_check_nothing_left();
  }
}

static void configure(struct dbgksim_config *config)
{
  config->commit_limit = 64u << 20;
  config->max_processes = 8;
  config->max_threads = 32;
  config->max_handles = 256;
  config->quantum_blocks = 200;
}

/* mov eax, [0] and int3, not handled; to the end. */
static const uint8_t warm_up[] = {7, 0, 9, 0x8B, 4, 0x25, 0, 0, 0, 0, 0xCC, 0x90, 0};

const struct fuzz_target fuzz_target = {.name = "fuzz_dispatch",
                                        .configure = configure,
                                        .prepare = prepare,
                                        .run = run,
                                        .warm_up = warm_up,
                                        .warm_up_size = sizeof warm_up};
