/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CONTEXT and frames: each flag, what is sanitised (spec/2.5), facts 23 and 39; and the instrumentation callback on each
 * return to user mode (spec/2.1 step 7). */
#include "stage.h"

#include <string.h>

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

/* A context in which every byte differs from what threads have. */
static CONTEXT strange(ULONG flags)
{
  CONTEXT context;
  memset(&context, 0x6D, sizeof context);
  context.ContextFlags = flags;
  context.SegCs = 0x33;
  context.Dr7 = 0;
  context.MxCsr = context.FltSave.MxCsr = 0x1FA0;
  return context;
}

/* Parts of a CONTEXT, as [from, to) of its bytes, beside Segments and EFlags, which overlap. */
static const struct {
  ULONG flag;
  size_t from, to;
} parts[] = {
    {CONTEXT_INTEGER, offsetof(CONTEXT, Rax), offsetof(CONTEXT, Rsp)},
    {CONTEXT_INTEGER, offsetof(CONTEXT, Rbp), offsetof(CONTEXT, Rip)},
    {CONTEXT_CONTROL, offsetof(CONTEXT, Rsp), offsetof(CONTEXT, Rbp)},
    {CONTEXT_CONTROL, offsetof(CONTEXT, Rip), offsetof(CONTEXT, FltSave)},
    {CONTEXT_FLOATING_POINT, offsetof(CONTEXT, FltSave.FloatRegisters), offsetof(CONTEXT, VectorRegister)},
    {CONTEXT_DEBUG_REGISTERS, offsetof(CONTEXT, Dr0), offsetof(CONTEXT, Rax)},
};

START_TEST(get_writes_what_is_asked_for_and_nothing_else)
{
  static const ULONG flags[] = {0, CONTEXT_CONTROL, CONTEXT_INTEGER, CONTEXT_SEGMENTS, CONTEXT_FLOATING_POINT,
                                CONTEXT_DEBUG_REGISTERS, CONTEXT_ALL, 0x1F /* no architecture */};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    CONTEXT context;
    memset(&context, 0x6D, sizeof context);
    context.ContextFlags = flags[i];
    ck_assert_int_eq(dbgksim_get_context(s.machine, s.tid, &context), DBGKSIM_OK);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
      UCHAR untouched[sizeof(CONTEXT)];
      memset(untouched, 0x6D, sizeof untouched);
      bool wanted = (flags[i] & parts[p].flag) == parts[p].flag;
      bool same = memcmp((UCHAR *)&context + parts[p].from, untouched, parts[p].to - parts[p].from) == 0;
      ck_assert_msg(same == !wanted, "flags %x, part %zu", flags[i], p);
    }
    ck_assert((context.SegDs == 0x6D6D) == ((flags[i] & CONTEXT_SEGMENTS) != CONTEXT_SEGMENTS));
    ck_assert((context.EFlags == 0x6D6D6D6D) == ((flags[i] & CONTEXT_CONTROL) != CONTEXT_CONTROL));
  }
}
END_TEST

START_TEST(set_takes_what_is_named_and_nothing_else)
{
  static const ULONG flags[] = {0, CONTEXT_CONTROL, CONTEXT_INTEGER, CONTEXT_SEGMENTS, CONTEXT_FLOATING_POINT,
                                CONTEXT_DEBUG_REGISTERS};
  stage_set(&s, "\xCC", 1, 0x33);
  const CONTEXT before = stage_context(&s);
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    CONTEXT context = strange(flags[i]);
    stage_set_context(&s, &context);
    CONTEXT after = stage_context(&s);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
      bool named = (flags[i] & parts[p].flag) == parts[p].flag;
      /* of the debug registers only the addresses are strange, and those are none of user mode */
      bool changes = named && parts[p].flag != CONTEXT_DEBUG_REGISTERS;
      bool same = memcmp((UCHAR *)&after + parts[p].from, (UCHAR *)&before + parts[p].from,
                         parts[p].to - parts[p].from) == 0;
      ck_assert_msg(same == !changes, "flags %x, part %zu", flags[i], p);
    }
    stage_set_context(&s, &before);
  }
}
END_TEST

START_TEST(whole_context_round_trip)
{
  CONTEXT in = stage_context(&s), out;
  for (unsigned i = 0; i < 16; i++)
    if (i != 4)
      (&in.Rax)[i] = 0x1111111111111111ull * (i + 1);
  memset(in.FltSave.XmmRegisters, 0x3C, sizeof in.FltSave.XmmRegisters);
  memset(in.FltSave.FloatRegisters, 0, sizeof in.FltSave.FloatRegisters);
  in.MxCsr = in.FltSave.MxCsr = 0x1F85;
  in.Dr0 = STAGE_CODE + 0x100;
  in.Dr3 = STAGE_DATA;
  in.Dr7 = 0x401;
  in.SegDs = in.SegEs = in.SegFs = in.SegGs = 0;
  stage_set_context(&s, &in);
  out = stage_context(&s);
  ck_assert_mem_eq(&in.Rax, &out.Rax, 16 * sizeof in.Rax);
  ck_assert_mem_eq(in.FltSave.XmmRegisters, out.FltSave.XmmRegisters, sizeof in.FltSave.XmmRegisters);
  ck_assert_uint_eq(out.MxCsr, 0x1F85);
  ck_assert_uint_eq(out.Dr0, STAGE_CODE + 0x100);
  ck_assert_uint_eq(out.Dr3, STAGE_DATA);
  ck_assert_uint_eq(out.Dr7 & 0xFF, 1);
}
END_TEST

/* spec/2.5: segments are constants; CS other than 33 becomes 23. */
START_TEST(segments_are_constants)
{
  static const USHORT selectors[] = {0x33, 0x23, 0x10, 0, 0x2B, 0xFFFF};
  for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++) {
    CONTEXT context = stage_context(&s);
    context.SegCs = selectors[i];
    context.SegSs = context.SegDs = context.SegEs = context.SegFs = context.SegGs = selectors[i];
    stage_set_context(&s, &context);
    context = stage_context(&s);
    ck_assert_uint_eq(context.SegCs, i == 0 ? 0x33 : 0x23);
    ck_assert_uint_eq(context.SegDs, 0x2B);
    ck_assert_uint_eq(context.SegEs, 0x2B);
    ck_assert_uint_eq(context.SegGs, 0x2B);
    ck_assert_uint_eq(context.SegSs, 0x2B);
    ck_assert_uint_eq(context.SegFs, 0x53);
  }
}
END_TEST

START_TEST(eflags_are_sanitised)
{
  CONTEXT context = stage_context(&s);
  context.EFlags = 0xFFFFFFFF;
  stage_set_context(&s, &context);
  context = stage_context(&s);
  ck_assert_uint_eq(context.EFlags & (EFLAGS_NT | EFLAGS_AC | 0x3000 | 0x20000), 0);
  ck_assert_uint_eq(context.EFlags & EFLAGS_IF, EFLAGS_IF);
  ck_assert_uint_eq(context.EFlags & 0xCD5, 0xCD5);
  context.EFlags = 0;
  stage_set_context(&s, &context);
  ck_assert_uint_eq(stage_context(&s).EFlags, EFLAGS_IF | EFLAGS_ALWAYS);
}
END_TEST

START_TEST(fact_23_debug_registers_are_masked)
{
  CONTEXT context = stage_context(&s);
  context.Dr0 = 0xFFFFF80000000000ull;
  context.Dr1 = 0x8000000000000000ull;
  context.Dr2 = STAGE_CODE;
  context.Dr3 = MM_HIGHEST_USER_ADDRESS + 1;
  context.Dr6 = ~0ull;
  context.Dr7 = ~0ull;
  stage_set_context(&s, &context);
  context = stage_context(&s);
  ck_assert_uint_eq(context.Dr0, 0);
  ck_assert_uint_eq(context.Dr1, 0);
  ck_assert_uint_eq(context.Dr2, STAGE_CODE);
  ck_assert_uint_eq(context.Dr3, 0);
  ck_assert_uint_eq(context.Dr6 & ~0xF00Full, 0);
  ck_assert_uint_eq(context.Dr7 & 0xDC00, 0);
  ck_assert_uint_eq(context.Dr7 >> 32, 0);
  ck_assert_uint_eq(stage_thread(&s)->Tcb.DebugActive.ActiveDR7, TRUE);
  context.Dr7 = 0;
  stage_set_context(&s, &context);
  ck_assert_uint_eq(stage_context(&s).Dr6, 0);
}
END_TEST

START_TEST(fact_23_step_over_icebp_and_mov_ss)
{
  /* mov eax, ss; mov ss, eax; nop; nop, with TF: the step over mov ss is not reported */
  static const uint64_t trail[] = {2, 5, 6};
  stage_set(&s, "\x8C\xD0\x8E\xD0\x90\x90\x90", 7, 0x33);
  for (size_t i = 0; i < sizeof trail / sizeof trail[0]; i++) {
    CONTEXT context = stage_context(&s);
    context.EFlags |= EFLAGS_TF;
    stage_set_context(&s, &context);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_SINGLE_STEP, STAGE_CODE + trail[i], 0);
    ck_assert_uint_eq(stage_context(&s).Dr6 & 0xF, 0);
    ck_assert_uint_eq(stage_context(&s).EFlags & EFLAGS_TF, 0);
  }
  stage_expect(stage_run(&s, "\xF1", 1, 0x33), STATUS_SINGLE_STEP, STAGE_CODE + 1, 0);
}
END_TEST

/* A breakpoint on the result buffer of a service, and one on its SYSCALL's next instruction, which fires alone. */
START_TEST(fact_23_debug_registers_do_not_fire_inside_services)
{
  stage_set_service(&s, "NtQuerySystemTime", STAGE_DATA, 0, 0, 0);
  CONTEXT context = stage_context(&s);
  context.Dr0 = STAGE_DATA;
  context.Dr1 = STAGE_CODE + 2;
  context.Dr7 = 0x000D0005; /* Dr0: write of four bytes; Dr1: execution */
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_SINGLE_STEP, STAGE_CODE + 2, 0);
  ck_assert_uint_eq(stage_context(&s).Dr6 & 0xF, 2);
}
END_TEST

/* What CONTEXT_EXCEPTION_REQUEST answers. */
static ULONG reported(void)
{
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL | CONTEXT_EXCEPTION_REQUEST};
  ck_assert_int_eq(dbgksim_get_context(s.machine, s.tid, &context), DBGKSIM_OK);
  ck_assert_uint_eq(context.ContextFlags & CONTEXT_EXCEPTION_REQUEST, CONTEXT_EXCEPTION_REQUEST);
  return context.ContextFlags & (CONTEXT_EXCEPTION_REPORTING | CONTEXT_EXCEPTION_ACTIVE | CONTEXT_SERVICE_ACTIVE);
}

START_TEST(fact_39_exception_flags)
{
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL | CONTEXT_EXCEPTION_REQUEST};
  ck_assert_uint_eq(reported(), CONTEXT_EXCEPTION_REPORTING | CONTEXT_EXCEPTION_ACTIVE);
  /* in a service: a wait that takes long */
  const LONG64 hour = -36000000000ll;
  stage_write(&s, STAGE_DATA, &hour, sizeof hour);
  stage_set_service(&s, "NtDelayExecution", FALSE, STAGE_DATA, 0, 0);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, 1000000), DBGKSIM_TIMEOUT);
  ck_assert_uint_eq(reported(), CONTEXT_EXCEPTION_REPORTING | CONTEXT_SERVICE_ACTIVE);
  /* what was there of the flags does not stay */
  context.ContextFlags |= CONTEXT_EXCEPTION_ACTIVE;
  ck_assert_int_eq(dbgksim_get_context(s.machine, s.tid, &context), DBGKSIM_OK);
  ck_assert_uint_eq(context.ContextFlags & CONTEXT_EXCEPTION_ACTIVE, 0);
}
END_TEST

START_TEST(fact_39_interrupted_user_code_has_neither)
{
  stage_set(&s, "\xEB\xFE", 2, 0x33); /* jmp to itself */
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, 1000000), DBGKSIM_TIMEOUT);
  ck_assert_uint_eq(reported(), CONTEXT_EXCEPTION_REPORTING);
}
END_TEST

START_TEST(fact_39_not_asked_for_not_told)
{
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL}, delivered;
  ck_assert_int_eq(dbgksim_get_context(s.machine, s.tid, &context), DBGKSIM_OK);
  ck_assert_uint_eq(context.ContextFlags, CONTEXT_CONTROL);
  stage_catch_deliveries(&s);
  stage_run(&s, "\x0F\x0B", 2, 0x33);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.ContextFlags & 0xF0000000u, 0);
}
END_TEST

START_TEST(fact_39_volatile_registers_of_services)
{
  stage_set_service(&s, "NtQuerySystemTime", STAGE_DATA, 0x22, 0x88, 0x99);
  CONTEXT context = stage_context(&s);
  context.Rcx = context.R11 = 0x55;
  stage_set_context(&s, &context);
  stage_next(&s, DBG_CONTINUE);
  context = stage_context(&s);
  ck_assert_uint_eq(context.Rax, 0);
  /* SYSCALL itself leaves the return address and the flags there */
  ck_assert_uint_eq(context.Rcx, STAGE_CODE + 2);
  ck_assert_uint_eq(context.R11 & 0x202, 0x202);
}
END_TEST

/* TF set on a thread inside of a service traps at the new Rip, with nothing executed (spec/2.5). */
START_TEST(trap_flag_set_inside_a_service)
{
  const LONG64 hour = -36000000000ll;
  stage_write(&s, STAGE_DATA, &hour, sizeof hour);
  stage_set_service(&s, "NtDelayExecution", TRUE, STAGE_DATA, 0, 0);
  stage_write(&s, STAGE_CODE + 0x100, "\x90\xCC", 2);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, 1000000), DBGKSIM_TIMEOUT);
  CONTEXT context = stage_context(&s);
  context.Rip = STAGE_CODE + 0x100;
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  ETHREAD *thread = stage_thread(&s);
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  KeAlertThread(&thread->Tcb, UserMode);
  machine_leave(s.machine);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
  stage_expect(&s.event.exception, STATUS_SINGLE_STEP, STAGE_CODE + 0x100, 0);
}
END_TEST

/* ---- the instrumentation callback ---- */

#define CALLBACK (STAGE_CODE + 0x800)

/* The callback is an INT3: where it stops, R10 says where the kernel wanted to go. */
static void install_callback(void)
{
  stage_write(&s, CALLBACK, "\xCC", 1);
  stage_process(&s)->Pcb.InstrumentationCallback = CALLBACK;
}

static void expect_callback(uint64_t r10)
{
  stage_expect(&s.event.exception, STATUS_BREAKPOINT, CALLBACK, 1);
  ck_assert_uint_eq(stage_context(&s).R10, r10);
}

START_TEST(callback_on_a_service_return)
{
  install_callback();
  stage_set_service(&s, "NtQuerySystemTime", STAGE_DATA, 0, 0, 0);
  stage_next(&s, DBG_CONTINUE);
  expect_callback(STAGE_CODE + 2);
}
END_TEST

START_TEST(callback_on_the_exception_dispatcher)
{
  const uint64_t dispatcher = stage_catch_deliveries(&s);
  install_callback();
  stage_run(&s, "\x0F\x0B", 2, 0x33);
  stage_next(&s, DBG_EXCEPTION_NOT_HANDLED);
  expect_callback(dispatcher);
}
END_TEST

START_TEST(callback_on_the_apc_dispatcher)
{
  uint64_t dispatcher = 0;
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  dispatcher = trap_entry_points()->KiUserApcDispatcher;
  machine_leave(s.machine);
  /* an APC of the thread on itself, then NtTestAlert */
  ck_assert_int_eq(stage_service(&s, "NtQueueApcThread", (uint64_t)-2, STAGE_CODE, 1, 2), STATUS_SUCCESS);
  install_callback();
  stage_set_service(&s, "NtTestAlert", 0, 0, 0, 0);
  stage_next(&s, DBG_CONTINUE);
  expect_callback(dispatcher);
}
END_TEST

START_TEST(callback_on_a_thread_start)
{
  uint64_t thunk = 0;
  const uint64_t process = (uint64_t)-1;
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  thunk = trap_entry_points()->LdrInitializeThunk;
  machine_leave(s.machine);
  /* NtCreateThreadEx(&handle, all access, NULL, process, routine, argument, 0, 0, 0, 0, NULL) */
  const uint64_t arguments[] = {STAGE_CODE, 0, 0, 0, 0, 0, 0};
  stage_write(&s, STAGE_STACK + 0x28, arguments, sizeof arguments);
  install_callback();
  stage_set_service(&s, "NtCreateThreadEx", STAGE_DATA, 0x1FFFFF, 0, process);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  bool started = false;
  while (!started) {
    ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
    if (s.event.code == DBGKSIM_EXCEPTION && s.event.tid != s.tid) {
      s.tid = s.event.tid;
      started = true;
    } else {
      if (s.event.code == DBGKSIM_EXCEPTION)
        ck_assert_int_eq(dbgksim_suspend_thread(s.machine, s.tid, NULL), DBGKSIM_OK);
      ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
    }
  }
  expect_callback(thunk);
}
END_TEST

START_TEST(callback_on_a_raised_user_exception)
{
  uint64_t dispatcher = 0;
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  dispatcher = trap_entry_points()->KiRaiseUserExceptionDispatcher;
  machine_leave(s.machine);
  install_callback();
  stage_set_service(&s, "NtClose", 0x1234, 0, 0, 0); /* fact 28 */
  stage_next(&s, DBG_CONTINUE);
  expect_callback(dispatcher);
}
END_TEST

START_TEST(callback_on_a_context_set_by_oneself)
{
  CONTEXT context = stage_context(&s);
  context.ContextFlags = CONTEXT_CONTROL;
  context.Rip = STAGE_CODE + 0x100;
  context.Rsp = STAGE_STACK;
  context.EFlags = 0x202;
  context.SegCs = 0x33;
  stage_write(&s, STAGE_DATA, &context, sizeof context);
  install_callback();
  stage_set_service(&s, "NtSetContextThread", (uint64_t)-2, STAGE_DATA, 0, 0);
  stage_next(&s, DBG_CONTINUE);
  expect_callback(STAGE_CODE + 0x100);
}
END_TEST

START_TEST(no_callback_on_ntcontinue)
{
  CONTEXT context = stage_context(&s);
  context.Rip = STAGE_CODE + 0x100;
  context.Rsp = STAGE_STACK;
  context.EFlags = 0x202;
  context.SegCs = 0x33;
  context.R10 = 0x1010;
  stage_write(&s, STAGE_DATA, &context, sizeof context);
  stage_write(&s, STAGE_CODE + 0x100, "\xCC", 1);
  install_callback();
  stage_set_service(&s, "NtContinue", STAGE_DATA, FALSE, 0, 0);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 0x100, 1);
  ck_assert_uint_eq(stage_context(&s).R10, 0x1010);
}
END_TEST

START_TEST(no_callback_on_resolved_faults_and_handled_exceptions)
{
  install_callback();
  /* the debugger handles it: the frame resumes */
  stage_run(&s, "\xCC\xCC", 2, 0x33);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 1, 1);
  /* a debug service that the stub swallows */
  stage_expect(stage_run(&s, "\xB8\x01\0\0\0\xCD\x2D\x90\xCC", 9, 0x33), STATUS_BREAKPOINT, STAGE_CODE + 8, 1);
}
END_TEST

START_TEST(the_call_that_installs_it_does_not_come_back_through_it)
{
  const struct {
    ULONG version, reserved;
    uint64_t callback;
  } information = {0, 0, CALLBACK};
  stage_write(&s, CALLBACK, "\xCC", 1);
  stage_write(&s, STAGE_DATA, &information, sizeof information);
  ck_assert_int_eq(stage_service(&s, "NtSetInformationProcess", (uint64_t)-1, 0x28, STAGE_DATA, sizeof information),
                   STATUS_SUCCESS);
  ck_assert_uint_eq(stage_process(&s)->Pcb.InstrumentationCallback, CALLBACK);
  /* the next one does */
  stage_set_service(&s, "NtQueryInformationProcess", (uint64_t)-1, 0x28, STAGE_DATA, sizeof information);
  stage_next(&s, DBG_CONTINUE);
  expect_callback(STAGE_CODE + 2);
  ck_assert_int_eq((NTSTATUS)stage_context(&s).Rax, STATUS_INVALID_INFO_CLASS);
}
END_TEST

TCase *context_tests(void)
{
  TCase *tests = tcase_create("contexts");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, get_writes_what_is_asked_for_and_nothing_else);
  tcase_add_test(tests, set_takes_what_is_named_and_nothing_else);
  tcase_add_test(tests, whole_context_round_trip);
  tcase_add_test(tests, segments_are_constants);
  tcase_add_test(tests, eflags_are_sanitised);
  tcase_add_test(tests, fact_23_debug_registers_are_masked);
  tcase_add_test(tests, fact_23_step_over_icebp_and_mov_ss);
  tcase_add_test(tests, fact_23_debug_registers_do_not_fire_inside_services);
  tcase_add_test(tests, fact_39_exception_flags);
  tcase_add_test(tests, fact_39_interrupted_user_code_has_neither);
  tcase_add_test(tests, fact_39_not_asked_for_not_told);
  tcase_add_test(tests, fact_39_volatile_registers_of_services);
  tcase_add_test(tests, trap_flag_set_inside_a_service);
  tcase_add_test(tests, callback_on_a_service_return);
  tcase_add_test(tests, callback_on_the_exception_dispatcher);
  tcase_add_test(tests, callback_on_the_apc_dispatcher);
  tcase_add_test(tests, callback_on_a_thread_start);
  tcase_add_test(tests, callback_on_a_raised_user_exception);
  tcase_add_test(tests, callback_on_a_context_set_by_oneself);
  tcase_add_test(tests, no_callback_on_ntcontinue);
  tcase_add_test(tests, no_callback_on_resolved_faults_and_handled_exceptions);
  tcase_add_test(tests, the_call_that_installs_it_does_not_come_back_through_it);
  return tests;
}
