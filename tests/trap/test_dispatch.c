/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiDispatchException in user mode, step by step (spec/2.1), and facts 17, 19, 21, 25, 26 of spec/5. */
#include "stage.h"

#include <string.h>

#define CODE_64 0x33
#define UD2 "\x0F\x0B"

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

#define INSIDE(...)                                                                                                    \
  do {                                                                                                                 \
    ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);                                                            \
    __VA_ARGS__;                                                                                                       \
    machine_leave(s.machine);                                                                                          \
  } while (0)

/* Runs to the end of the process; how many exceptions were reported on the way is noted. */
static uint32_t finish(NTSTATUS answer, unsigned *exceptions)
{
  *exceptions = 0;
  for (;;) {
    ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, answer), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
    if (s.event.code == DBGKSIM_EXIT_PROCESS)
      return s.event.exit_code;
    *exceptions += 1;
  }
}

/* Everything that was asked about one exception, in order. */
static char order[256];
static void note(const char *who)
{
  strncat(order, who, sizeof order - strlen(order) - 1);
  strncat(order, " ", sizeof order - strlen(order) - 1);
}

static BOOLEAN debug_routine(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame,
                             EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode,
                             BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame, (void)ExceptionRecord, (void)Context, (void)PreviousMode, (void)SecondChance;
  note("kd");
  return FALSE;
}

static BOOLEAN debug_routine_handles(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame,
                                     EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context,
                                     KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame, (void)ExceptionRecord, (void)PreviousMode, (void)SecondChance;
  note("kd");
  Context->Rip += 2;
  Context->Rax = 0x77;
  return TRUE;
}

static void note_record(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  if (r->kind == DBGKSIM_TRACE_KD_STUB)
    note("kd");
  else if (r->kind == DBGKSIM_TRACE_FORWARD)
    note(r->b ? r->c ? "port2" : "port1" : "exception-port");
  else if (r->kind == DBGKSIM_TRACE_USER_FRAME)
    note("user");
  else if (r->kind == DBGKSIM_TRACE_SERVICE && strcmp(r->text, "NtRaiseException") == 0)
    note("NtRaiseException");
  else if (r->kind == DBGKSIM_TRACE_TERMINATE && strcmp(r->text, "process") == 0)
    note("terminate");
}

#define ORDER_KINDS                                                                                                    \
  (DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_KD_STUB) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_FORWARD) |                               \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_USER_FRAME) | DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_SERVICE) |                            \
   DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_TERMINATE))

START_TEST(fact_17_order_with_a_debugger)
{
  unsigned exceptions;
  stage_set(&s, UD2, 2, CODE_64);
  dbgksim_trace_subscribe(s.machine, ORDER_KINDS, note_record, NULL);
  stage_next(&s, DBG_CONTINUE);
  order[0] = 0;
  ck_assert_uint_eq(finish(DBG_EXCEPTION_NOT_HANDLED, &exceptions), 0xC000001D);
  ck_assert_uint_eq(exceptions, 1);
  ck_assert_ptr_nonnull(strstr(order, "user NtRaiseException port2 exception-port terminate"));
  ck_assert_ptr_null(strstr(order, "kd"));
}
END_TEST

START_TEST(fact_17_order_without_a_debugger)
{
  NTSTATUS code = 0;
  stage_set(&s, UD2, 2, CODE_64);
  dbgksim_trace_subscribe(s.machine, ORDER_KINDS, note_record, NULL);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_detach(s.debugger, s.pid), DBGKSIM_OK);
  order[0] = 0;
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(s.machine, s.pid, &code), DBGKSIM_OK);
  ck_assert_int_eq(code, STATUS_ILLEGAL_INSTRUCTION);
  ck_assert_ptr_nonnull(strstr(order, "kd port1 user NtRaiseException port2 exception-port terminate"));
}
END_TEST

START_TEST(step_1_dispatches_are_counted)
{
  ULONG64 before = 0, after = 0;
  INSIDE(before = trap_state()->KeExceptionDispatchCount);
  for (int i = 0; i < 5; i++)
    stage_run(&s, UD2, 2, CODE_64);
  INSIDE(after = trap_state()->KeExceptionDispatchCount);
  ck_assert_uint_eq(after - before, 5);
}
END_TEST

START_TEST(step_2_context_flags_without_extended_state)
{
  CONTEXT delivered;
  stage_catch_deliveries(&s);
  stage_run(&s, UD2, 2, CODE_64);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.ContextFlags, 0x10001F);
}
END_TEST

/* ---- step 4: Pico ---- */

static unsigned pico_calls[3];
static unsigned pico_handles; /* bit per phase */

static BOOLEAN pico_dispatch(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame,
                             KTRAP_FRAME *TrapFrame, ULONG Phase, KPROCESSOR_MODE PreviousMode)
{
  (void)ExceptionFrame;
  ck_assert_int_eq(PreviousMode, UserMode);
  /* phase 0 comes before KiPreprocessFault: the code is still the kernel's own */
  ck_assert_int_eq(ExceptionRecord->ExceptionCode,
                   Phase == 0 ? KI_EXCEPTION_INVALID_OP : STATUS_ILLEGAL_INSTRUCTION);
  pico_calls[Phase]++;
  if (!(pico_handles >> Phase & 1))
    return FALSE;
  TrapFrame->Rip += 2;
  return TRUE;
}

/* Ends with the INT3 behind the UD2, if a phase handles it. */
static void run_pico(unsigned handles)
{
  static int anything;
  memset(pico_calls, 0, sizeof pico_calls);
  pico_handles = handles;
  stage_set(&s, UD2 "\xCC", 3, CODE_64);
  stage_process(&s)->PicoContext = &anything;
}

static void expect_behind(void)
{
  stage_process(&s)->PicoContext = NULL;
  stage_expect(&s.event.exception, STATUS_BREAKPOINT, STAGE_CODE + 2, 1);
}

static BOOLEAN pico_all(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                        ULONG Phase, KPROCESSOR_MODE PreviousMode)
{
  (void)ExceptionFrame, (void)PreviousMode;
  if (ExceptionRecord->ExceptionCode == STATUS_BREAKPOINT)
    return FALSE;
  return pico_dispatch(ExceptionRecord, ExceptionFrame, TrapFrame, Phase, PreviousMode);
}

static void register_pico(void)
{
  static const PS_PICO_PROVIDER_ROUTINES provider = {pico_all};
  INSIDE(ck_assert_int_eq(PsRegisterPicoProvider(&provider), STATUS_SUCCESS));
}

START_TEST(step_4_pico_phase_0)
{
  register_pico();
  run_pico(1);
  stage_next(&s, DBG_CONTINUE);
  expect_behind();
  ck_assert_uint_eq(pico_calls[0], 1);
  ck_assert_uint_eq(pico_calls[1] + pico_calls[2], 0);
}
END_TEST

START_TEST(step_7_pico_phase_1)
{
  register_pico();
  run_pico(2);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  expect_behind();
  ck_assert_uint_eq(pico_calls[0], 1);
  ck_assert_uint_eq(pico_calls[1], 1);
}
END_TEST

START_TEST(step_8_pico_phase_2)
{
  register_pico();
  run_pico(4);
  stage_next(&s, DBG_CONTINUE);
  /* not handled by phase 1: delivered, but to a stack that is not there */
  CONTEXT context = stage_context(&s);
  ck_assert_uint_eq(context.Rip, STAGE_CODE);
  context.Rsp = 0x1000;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE); /* runs UD2 again, now without a stack */
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert(!s.event.first_chance);
  stage_expect(&s.event.exception, STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  expect_behind();
  ck_assert_uint_eq(pico_calls[2], 1);
}
END_TEST

START_TEST(pico_providers_register_once)
{
  static const PS_PICO_PROVIDER_ROUTINES none = {NULL}, provider = {pico_all};
  INSIDE({
    ck_assert_int_eq(PsRegisterPicoProvider(&none), STATUS_INVALID_PARAMETER);
    ck_assert_int_eq(PsRegisterPicoProvider(&provider), STATUS_SUCCESS);
    ck_assert_int_eq(PsRegisterPicoProvider(&provider), STATUS_TOO_LATE);
  });
}
END_TEST

START_TEST(pico_process_without_a_provider)
{
  run_pico(7);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_process(&s)->PicoContext = NULL;
}
END_TEST

START_TEST(no_pico_process_no_provider_call)
{
  register_pico();
  memset(pico_calls, 0, sizeof pico_calls);
  stage_expect(stage_run(&s, UD2, 2, CODE_64), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  ck_assert_uint_eq(pico_calls[0], 0);
}
END_TEST

/* ---- step 6 ---- */

/* NtRaiseException with a record whose unused parameters hold something. */
static void set_raise(ULONG parameters, NTSTATUS code, bool first)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = code, .ExceptionAddress = 0x1234, .NumberParameters = parameters};
  CONTEXT context = stage_context(&s);
  for (unsigned i = 0; i < EXCEPTION_MAXIMUM_PARAMETERS; i++)
    record.ExceptionInformation[i] = 0xA0 + i;
  context.Rip = STAGE_CODE + 2;
  context.Rsp = STAGE_STACK;
  context.EFlags = 0x202;
  context.SegCs = CODE_64;
  stage_write(&s, STAGE_DATA, &record, sizeof record);
  stage_write(&s, STAGE_DATA + 0x1000, &context, sizeof context);
  stage_set_service(&s, "NtRaiseException", STAGE_DATA, STAGE_DATA + 0x1000, first, 0);
}

START_TEST(step_6_unused_parameters_are_zero)
{
  for (int first = 0; first < 2; first++) {
    set_raise(2, NT_STATUS_VALUE(0xE0000001), first);
    const EXCEPTION_RECORD64 *r = stage_next(&s, DBG_CONTINUE);
    stage_expect(r, NT_STATUS_VALUE(0xE0000001), 0x1234, 2);
    ck_assert(s.event.first_chance == first);
    ck_assert_uint_eq(r->ExceptionInformation[1], 0xA1);
    for (unsigned i = 2; i < EXCEPTION_MAXIMUM_PARAMETERS; i++)
      ck_assert_uint_eq(r->ExceptionInformation[i], 0);
  }
}
END_TEST

START_TEST(nobody_raises_the_kernels_own_codes)
{
  set_raise(1, NT_STATUS_VALUE(0x10000001), true);
  stage_expect(stage_next(&s, DBG_CONTINUE), 1, 0x1234, 1);
}
END_TEST

/* ---- step 7 ---- */

START_TEST(step_7_kernel_debugger_is_asked_without_a_debug_port)
{
  INSIDE(trap_set_debug_routine(debug_routine, FALSE));
  order[0] = 0;
  stage_run(&s, UD2, 2, CODE_64);
  ck_assert_str_eq(order, "");
  /* a debug service is shown to it although there is a debugger */
  stage_run(&s, "\xB8\x07\0\0\0\xCD\x2D\x90", 8, CODE_64);
  ck_assert_str_eq(order, "kd ");
}
END_TEST

START_TEST(step_7_kernel_debugger_may_ignore_user_mode)
{
  NTSTATUS code = 0;
  for (int ignore = 0; ignore < 2; ignore++) {
    INSIDE(trap_set_debug_routine(debug_routine, (BOOLEAN)ignore));
    stage_set(&s, UD2, 2, CODE_64);
    ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_detach(s.debugger, s.pid), DBGKSIM_OK);
    order[0] = 0;
    ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_OK);
    ck_assert_int_eq(dbgksim_exit_code(s.machine, s.pid, &code), DBGKSIM_OK);
    ck_assert_int_eq(code, STATUS_ILLEGAL_INSTRUCTION);
    ck_assert_str_eq(order, ignore ? "" : "kd ");
    stage_end(&s);
    stage_start(&s);
  }
}
END_TEST

START_TEST(step_9_what_the_kernel_debugger_changed_is_written_back)
{
  INSIDE(trap_set_debug_routine(debug_routine_handles, FALSE));
  order[0] = 0;
  /* int 2d, service 7, on whose context the routine moves Rip over the next byte and one more; int3 */
  stage_expect(stage_run(&s, "\xB8\x07\0\0\0\xCD\x2D\x90\x90\xCC", 10, CODE_64), STATUS_BREAKPOINT, STAGE_CODE + 9, 1);
  ck_assert_uint_eq(stage_context(&s).Rax, 0x77);
  ck_assert_str_eq(order, "kd ");
}
END_TEST

START_TEST(fact_19_user_stack)
{
  CONTEXT context, delivered;
  CONTEXT_EX context_ex;
  EXCEPTION_RECORD64 record;
  MACHINE_FRAME machine_frame;
  UCHAR above[0x40], untouched[0x40];
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  /* mov ecx, 5; int3: with a stack pointer of no alignment at all */
  stage_set(&s, "\xB9\x05\0\0\0\xCC", 6, CODE_64);
  context = stage_context(&s);
  context.Rsp = STAGE_STACK - 0x123;
  context.EFlags |= EFLAGS_TF;
  memset(above, 0x5A, sizeof above);
  stage_write(&s, context.Rsp, above, sizeof above);
  context.EFlags &= ~EFLAGS_TF;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  stage_expect(&s.event.exception, STATUS_BREAKPOINT, dispatcher, 1);
  const uint64_t rsp = stage_context(&s).Rsp;
  ck_assert_uint_eq(rsp & 15, 0);
  ck_assert_uint_eq(rsp + 0x590, (STAGE_STACK - 0x123 - 0x28) & ~0xFull);
  stage_read(&s, rsp, &delivered, sizeof delivered);
  stage_read(&s, rsp + 0x4D0, &context_ex, sizeof context_ex);
  stage_read(&s, rsp + 0x4F0, &record, sizeof record);
  stage_read(&s, rsp + 0x590, &machine_frame, sizeof machine_frame);
  stage_read(&s, STAGE_STACK - 0x123, untouched, sizeof untouched);
  ck_assert_mem_eq(above, untouched, sizeof above);
  /* fact 20: the handler sees the INT3 itself */
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 5);
  ck_assert_uint_eq(delivered.Rsp, STAGE_STACK - 0x123);
  ck_assert_uint_eq(delivered.Rcx, 5);
  stage_expect(&record, STATUS_BREAKPOINT, STAGE_CODE + 5, 1);
  ck_assert_uint_eq(machine_frame.Rip, STAGE_CODE + 5);
  ck_assert_uint_eq(machine_frame.Rsp, STAGE_STACK - 0x123);
  ck_assert_int_eq(context_ex.All.Offset, -0x4D0);
  ck_assert_uint_eq(context_ex.All.Length, 0x4F0);
  ck_assert_int_eq(context_ex.Legacy.Offset, -0x4D0);
  ck_assert_uint_eq(context_ex.Legacy.Length, 0x4D0);
  ck_assert_uint_eq(context_ex.XState.Length, 0);
}
END_TEST

START_TEST(trap_flag_is_cleared_for_the_handler_and_kept_in_its_context)
{
  CONTEXT context, delivered;
  stage_catch_deliveries(&s);
  stage_set(&s, UD2, 2, CODE_64);
  context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  context = stage_context(&s);
  ck_assert_uint_eq(context.EFlags & EFLAGS_TF, 0);
  stage_read(&s, context.Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.EFlags & EFLAGS_TF, EFLAGS_TF);
}
END_TEST

/* A frame that can not be laid out: second chance, with the original record. */
START_TEST(step_7_no_stack_is_the_second_chance)
{
  static const uint64_t stacks[] = {0x1000, 0, 0x800000000000ull, 0xFFFFF80000010000ull, STAGE_CODE - 0x1000,
                                    0xFFFFFFFFFFFFFFF0ull};
  for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
    stage_set(&s, UD2, 2, CODE_64);
    CONTEXT context = stage_context(&s);
    context.Rsp = stacks[i];
    stage_set_context(&s, &context);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    ck_assert(s.event.first_chance);
    stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
    ck_assert(!s.event.first_chance);
  }
}
END_TEST

/* A stack of the thread whose last page before the end is the guard page. */
static void make_short_stack(uint64_t base, uint64_t rsp)
{
  const uint64_t teb = stage_thread(&s)->Tcb.Teb, top = base + 0x10000;
  stage_allocate(&s, base, 0x10000, PAGE_READWRITE);
  stage_write(&s, teb + 0x08, &top, 8);
  stage_write(&s, teb + 0x1478, &base, 8);
  stage_protect(&s, base + 0x1000, 0x1000, PAGE_READWRITE | PAGE_GUARD);
  stage_set(&s, UD2, 2, CODE_64);
  CONTEXT context = stage_context(&s);
  context.Rsp = rsp;
  stage_set_context(&s, &context);
}

START_TEST(step_7_stack_overflow_replaces_the_record)
{
  EXCEPTION_RECORD64 record;
  const uint64_t dispatcher = stage_catch_deliveries(&s), base = 0x20400000;
  make_short_stack(base, base + 0x2200);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  /* the debugger is not asked again */
  stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_BREAKPOINT, dispatcher, 1);
  stage_read(&s, stage_context(&s).Rsp + 0x4F0, &record, sizeof record);
  stage_expect(&record, STATUS_STACK_OVERFLOW, STAGE_CODE, 2);
  /* the end of the frame, in the guard page, where writing began (spec/1.1, vector 14) */
  ck_assert_uint_eq(record.ExceptionInformation[0], 1);
  ck_assert_uint_eq(record.ExceptionInformation[1], stage_context(&s).Rsp);
}
END_TEST

START_TEST(stack_overflow_then_dispatch_onto_a_full_stack)
{
  const uint64_t base = 0x20400000;
  make_short_stack(base, base + 0x2000);
  stage_protect(&s, base, 0x1000, PAGE_NOACCESS);
  /* push rax, on the page boundary: the guard page */
  stage_write(&s, STAGE_CODE, "\x50", 1);
  const EXCEPTION_RECORD64 *r = stage_next(&s, DBG_CONTINUE);
  stage_expect(r, STATUS_STACK_OVERFLOW, STAGE_CODE, 2);
  ck_assert_uint_eq(r->ExceptionInformation[0], 1);
  ck_assert_uint_eq(r->ExceptionInformation[1], base + 0x1FF8);
  /* what is left of the stack has no room for the frame */
  CONTEXT context = stage_context(&s);
  context.Rsp = base + 0x1100;
  stage_set_context(&s, &context);
  stage_write(&s, STAGE_CODE, UD2, 2);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_ILLEGAL_INSTRUCTION, STAGE_CODE, 0);
  ck_assert(!s.event.first_chance);
}
END_TEST

/* ---- step 8 ---- */

START_TEST(step_8_second_chance_marks_the_process)
{
  unsigned exceptions;
  EPROCESS *process = stage_process(&s);
  stage_set(&s, UD2, 2, CODE_64);
  CONTEXT context = stage_context(&s);
  context.Rsp = 0x1000;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  ck_assert_int_eq(process->fault_status, 0);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  ck_assert_int_eq(process->fault_status, STATUS_ILLEGAL_INSTRUCTION);
  /* nobody handles it: the process ends with the exception's code */
  ck_assert_uint_eq(finish(DBG_EXCEPTION_NOT_HANDLED, &exceptions), 0xC000001D);
  ck_assert_uint_eq(exceptions, 0);
}
END_TEST

START_TEST(step_8_second_chance_may_be_handled)
{
  set_raise(0, NT_STATUS_VALUE(0xE0000001), false);
  stage_next(&s, DBG_CONTINUE);
  ck_assert(!s.event.first_chance);
  /* it resumes from the context that was handed in */
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 2, 1);
}
END_TEST

/* An APC whose frame has no stack: the thread gets the fault of that. */
START_TEST(apc_without_a_stack)
{
  ck_assert_int_eq(stage_service(&s, "NtQueueApcThread", (uint64_t)-2, STAGE_CODE, 1, 2), STATUS_SUCCESS);
  stage_set_service(&s, "NtTestAlert", 0, 0, 0, 0);
  CONTEXT context = stage_context(&s);
  context.Rsp = 0x1000;
  stage_set_context(&s, &context);
  const EXCEPTION_RECORD64 *r = stage_next(&s, DBG_CONTINUE);
  stage_expect(r, STATUS_ACCESS_VIOLATION, STAGE_CODE + 2, 2);
  ck_assert_uint_eq(r->ExceptionInformation[0], 1);
}
END_TEST

START_TEST(services_that_are_none)
{
  static const ULONG numbers[] = {0x1FFF, 0x2000, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    stage_set(&s, "\x0F\x05\xCC", 3, CODE_64);
    CONTEXT context = stage_context(&s);
    context.Rax = numbers[i];
    stage_set_context(&s, &context);
    stage_next(&s, DBG_CONTINUE);
    ck_assert_uint_eq((ULONG)stage_context(&s).Rax, 0xC000001C);
  }
  INSIDE({
    ck_assert(!trap_bind_service(TRAP_MAX_SERVICES, "NtNothing"));
    ck_assert(trap_bind_service(TRAP_MAX_SERVICES - 1, "NtNothing"));
  });
  ck_assert_int_eq(stage_service(&s, "NtNothing", 0, 0, 0, 0), STATUS_NOT_IMPLEMENTED);
  ck_assert_int_eq(stage_service(&s, "NtNothing", 0, 0, 0, 0), STATUS_NOT_IMPLEMENTED);
  /* arguments on a stack that is not there */
  stage_set_service(&s, "NtCreateThreadEx", STAGE_DATA, 0x1FFFFF, 0, (uint64_t)-1);
  CONTEXT context = stage_context(&s);
  context.Rsp = 0x1000;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  ck_assert_int_eq((NTSTATUS)stage_context(&s).Rax, STATUS_ACCESS_VIOLATION);
}
END_TEST

/* fact 28 with a TEB that can not be written: the status is only returned. */
START_TEST(exception_of_a_service_without_a_teb)
{
  const uint64_t teb = stage_thread(&s)->Tcb.Teb;
  stage_set_service(&s, "NtClose", 0x1234, 0, 0, 0);
  stage_protect(&s, teb, 0x1000, PAGE_READONLY);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 2, 1);
  ck_assert_int_eq((NTSTATUS)stage_context(&s).Rax, STATUS_INVALID_HANDLE);
  stage_protect(&s, teb, 0x1000, PAGE_READWRITE);
}
END_TEST

START_TEST(fact_21_cd_03)
{
  CONTEXT delivered;
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  stage_expect(stage_run(&s, "\xCD\x03", 2, CODE_64), STATUS_BREAKPOINT, STAGE_CODE + 1, 1);
  ck_assert_uint_eq(stage_context(&s).Rip, STAGE_CODE + 2);
  stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_BREAKPOINT, dispatcher, 1);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 1);
}
END_TEST

START_TEST(fact_22_debug_services_without_a_kernel_debugger)
{
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  for (unsigned char service = 0; service <= 7; service++) {
    const unsigned char code[] = {0xB8, service, 0, 0, 0, 0xCD, 0x2D, 0xF4, 0xCC};
    CONTEXT delivered;
    const EXCEPTION_RECORD64 *r = stage_run(&s, code, sizeof code, CODE_64);
    if (service == 1 || (service >= 3 && service <= 5)) {
      /* silent, and the byte behind it (HLT) is skipped */
      stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 8, 1);
      continue;
    }
    stage_expect(r, STATUS_BREAKPOINT, STAGE_CODE + 8, 1);
    ck_assert_uint_eq(r->ExceptionInformation[0], service);
    ck_assert_uint_eq(stage_context(&s).Rip, STAGE_CODE + 8);
    stage_expect(stage_next(&s, DBG_EXCEPTION_NOT_HANDLED), STATUS_BREAKPOINT, dispatcher, 1);
    stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
    ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 7);
  }
}
END_TEST

START_TEST(fact_25_assertion_int_n_and_privileged)
{
  stage_expect(stage_run(&s, "\xCD\x2C", 2, CODE_64), STATUS_ASSERTION_FAILURE, STAGE_CODE, 0);
  stage_expect_access_violation(stage_run(&s, "\xCD\x80", 2, CODE_64), STAGE_CODE, 0, ~0ull);
  stage_expect(stage_run(&s, "\xFA", 1, CODE_64), STATUS_PRIVILEGED_INSTRUCTION, STAGE_CODE, 0);
}
END_TEST

START_TEST(fact_26_access_violation_types)
{
  stage_expect_access_violation(stage_run(&s, "\x8B\x04\x25\0\x10\0\0", 7, CODE_64), STAGE_CODE, 0, 0x1000);
  stage_expect_access_violation(stage_run(&s, "\x89\x04\x25\0\x10\0\0", 7, CODE_64), STAGE_CODE, 1, 0x1000);
  stage_expect_access_violation(stage_run(&s, "\x31\xC0\xFF\xE0", 4, CODE_64), 0, 8, 0);
}
END_TEST

TCase *dispatch_tests(void)
{
  TCase *tests = tcase_create("dispatch");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, fact_17_order_with_a_debugger);
  tcase_add_test(tests, fact_17_order_without_a_debugger);
  tcase_add_test(tests, step_1_dispatches_are_counted);
  tcase_add_test(tests, step_2_context_flags_without_extended_state);
  tcase_add_test(tests, step_4_pico_phase_0);
  tcase_add_test(tests, step_7_pico_phase_1);
  tcase_add_test(tests, step_8_pico_phase_2);
  tcase_add_test(tests, pico_providers_register_once);
  tcase_add_test(tests, pico_process_without_a_provider);
  tcase_add_test(tests, no_pico_process_no_provider_call);
  tcase_add_test(tests, step_6_unused_parameters_are_zero);
  tcase_add_test(tests, nobody_raises_the_kernels_own_codes);
  tcase_add_test(tests, step_7_kernel_debugger_is_asked_without_a_debug_port);
  tcase_add_test(tests, step_7_kernel_debugger_may_ignore_user_mode);
  tcase_add_test(tests, step_9_what_the_kernel_debugger_changed_is_written_back);
  tcase_add_test(tests, fact_19_user_stack);
  tcase_add_test(tests, trap_flag_is_cleared_for_the_handler_and_kept_in_its_context);
  tcase_add_test(tests, step_7_no_stack_is_the_second_chance);
  tcase_add_test(tests, step_7_stack_overflow_replaces_the_record);
  tcase_add_test(tests, stack_overflow_then_dispatch_onto_a_full_stack);
  tcase_add_test(tests, step_8_second_chance_marks_the_process);
  tcase_add_test(tests, step_8_second_chance_may_be_handled);
  tcase_add_test(tests, apc_without_a_stack);
  tcase_add_test(tests, services_that_are_none);
  tcase_add_test(tests, exception_of_a_service_without_a_teb);
  tcase_add_test(tests, fact_21_cd_03);
  tcase_add_test(tests, fact_22_debug_services_without_a_kernel_debugger);
  tcase_add_test(tests, fact_25_assertion_int_n_and_privileged);
  tcase_add_test(tests, fact_26_access_violation_types);
  return tests;
}
