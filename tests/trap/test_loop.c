/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user-mode loop: what ends a run of user code, and user APCs on the way back to it. */
#include "stage.h"

#include <string.h>

#define CODE_64 0x33
/* Where APCs lead: an INT3 behind the code. */
#define DISPATCHER (STAGE_CODE + 0xE00)
#define ROUTINE 0x1234567ull

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static void inject(uint8_t kind)
{
  const struct cpu_trap trap = {.kind = kind};
  ETHREAD *thread = stage_thread(&s);
  STAGE_INSIDE(&s, trap_inject(thread, &trap));
}

/* The end of a quantum and the host's wish to stop leave the thread where it is. */
START_TEST(interrupts_change_nothing)
{
  static const uint8_t kinds[] = {CPU_TRAP_BUDGET, CPU_TRAP_STOPPED};
  for (size_t i = 0; i < sizeof kinds; i++) {
    /* mov eax, 5; stc; int3 */
    stage_set(&s, "\xB8\x05\0\0\0\xF9\xCC", 7, CODE_64);
    CONTEXT before = stage_context(&s);
    before.Rbx = 0x1122334455667788, before.R15 = 0x99AABBCCDDEEFF00;
    stage_set_context(&s, &before);
    inject(kinds[i]);
    stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 6, 1);
    const CONTEXT after = stage_context(&s);
    ck_assert_uint_eq(after.Rax, 5);
    ck_assert_uint_eq(after.Rbx, before.Rbx);
    ck_assert_uint_eq(after.R15, before.R15);
    ck_assert_uint_eq(after.Rsp, before.Rsp);
    ck_assert_uint_eq(after.EFlags & 1, 1);
  }
}
END_TEST

static uint64_t failed_at;

static void note_log(void *context, const struct dbgksim_trace_record *r)
{
  (void)context;
  if (r->kind == DBGKSIM_TRACE_LOG)
    failed_at = r->a;
}

/* An engine that refuses to go on is the simulator's own error: it ends the run, not the host. */
START_TEST(a_failure_of_the_engine_is_an_internal_error)
{
  if (_i)
    stage_stop_trace(&s);
  else
    dbgksim_trace_subscribe(s.machine, DBGKSIM_TRACE_BIT(DBGKSIM_TRACE_LOG), note_log, NULL);
  stage_set(&s, "\xCC", 1, CODE_64);
  inject(CPU_TRAP_FAILED);
  failed_at = 0;
  ck_assert_int_eq(stage_run_to_the_end(&s), DBGKSIM_INTERNAL);
  ck_assert_uint_eq(failed_at, _i ? 0 : STAGE_CODE);
}
END_TEST

/* ---- user APCs ---- */

static void set_dispatcher(uint64_t address, bool called)
{
  stage_write(&s, DISPATCHER, "\xCC", 1);
  STAGE_INSIDE(&s, {
    struct user_entry_points points = *trap_entry_points();
    points.KiUserApcDispatcher = address;
    points.apc_dispatcher_is_called = called;
    trap_set_entry_points(&points);
  });
}

/* Queues an APC to the thread itself, and points it at NtTestAlert. */
static void queue(void)
{
  ck_assert_int_eq(stage_service(&s, "NtQueueApcThread", (uint64_t)-2, ROUTINE, 0x11, 0x22), STATUS_SUCCESS);
  stage_set_service(&s, "NtTestAlert", 0, 0, 0, 0);
}

/* KiUserApcDispatcher finds the CONTEXT at rsp with the routine and its arguments in the home slots; an ntdll whose
 * dispatcher is called like a function finds a return address below it. */
START_TEST(what_the_apc_dispatcher_finds)
{
  CONTEXT delivered;
  set_dispatcher(DISPATCHER, _i);
  queue();
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, DISPATCHER, 1);
  const CONTEXT now = stage_context(&s);
  const uint64_t at = now.Rsp + (_i ? 8 : 0);
  ck_assert_uint_eq(at & 15, 0);
  stage_read(&s, at, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 2);
  ck_assert_uint_eq(delivered.Rsp, STAGE_STACK);
  ck_assert_uint_eq(delivered.P4Home, ROUTINE);
  ck_assert_uint_eq(delivered.P1Home, 0x11);
  ck_assert_uint_eq(delivered.P2Home, 0x22);
  ck_assert_uint_eq(now.Rcx, at);
  ck_assert_uint_eq(now.EFlags & EFLAGS_TF, 0);
}
END_TEST

/* NtContinue with a trap flag, and an APC on the way: the dispatcher does not step, what it returns to will. */
START_TEST(the_trap_flag_waits_for_the_apc)
{
  CONTEXT context = stage_context(&s), delivered;
  set_dispatcher(DISPATCHER, false);
  context.Rip = STAGE_CODE + 2;
  context.Rsp = STAGE_STACK;
  context.EFlags |= EFLAGS_TF;
  stage_write(&s, STAGE_DATA, &context, sizeof context);
  ck_assert_int_eq(stage_service(&s, "NtQueueApcThread", (uint64_t)-2, ROUTINE, 0x11, 0x22), STATUS_SUCCESS);
  stage_set_service(&s, "NtContinue", STAGE_DATA, TRUE, 0, 0);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, DISPATCHER, 1);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 2);
  ck_assert_uint_eq(delivered.EFlags & EFLAGS_TF, EFLAGS_TF);
  ck_assert_uint_eq(stage_context(&s).EFlags & EFLAGS_TF, 0);
}
END_TEST

/* A step over the service that ends the thread: there is no next instruction to step onto. */
START_TEST(a_step_over_the_end_of_the_thread)
{
  stage_set_service(&s, "NtTerminateThread", (uint64_t)-2, 0x55, 0, 0);
  CONTEXT context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
  ck_assert_int_eq(s.event.code, DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_eq(s.event.exit_code, 0x55);
}
END_TEST

/* TF set on a thread that is held at the end of a service traps at its Rip, with nothing executed (spec/2.5). */
START_TEST(trap_flag_set_at_the_end_of_a_service)
{
  stage_set_service(&s, "NtSuspendThread", (uint64_t)-2, 0, 0, 0);
  stage_write(&s, STAGE_CODE + 2, "\x90\xCC", 2);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, 1000000), DBGKSIM_TIMEOUT);
  CONTEXT context = stage_context(&s);
  ck_assert_uint_eq(context.Rip, STAGE_CODE + 2);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  ck_assert_int_eq(dbgksim_resume_thread(s.machine, s.tid, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &s.event), DBGKSIM_OK);
  ck_assert_int_eq(s.event.code, DBGKSIM_EXCEPTION);
  stage_expect(&s.event.exception, STATUS_SINGLE_STEP, STAGE_CODE + 2, 0);
  ck_assert_uint_eq(stage_context(&s).Dr6, 1u << 14);
}
END_TEST

/* A user APC on the way out of a stepped service: its dispatcher is not stepped, what it continues will be. */
START_TEST(an_apc_at_the_end_of_a_stepped_service)
{
  CONTEXT delivered;
  set_dispatcher(DISPATCHER, false);
  queue();
  CONTEXT context = stage_context(&s);
  context.EFlags |= EFLAGS_TF;
  stage_set_context(&s, &context);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, DISPATCHER, 1);
  stage_read(&s, stage_context(&s).Rsp, &delivered, sizeof delivered);
  ck_assert_uint_eq(delivered.Rip, STAGE_CODE + 2);
  ck_assert_uint_eq(delivered.EFlags & EFLAGS_TF, EFLAGS_TF);
}
END_TEST

/* A userland without a KiUserApcDispatcher: the thread jumps to nowhere, and hears of it. */
START_TEST(no_apc_dispatcher)
{
  set_dispatcher(0, false);
  queue();
  stage_expect_access_violation(stage_next(&s, DBG_CONTINUE), 0, 8, 0);
}
END_TEST

/* A mark without an APC behind it is dropped. */
START_TEST(an_apc_mark_without_an_apc)
{
  stage_set(&s, "\xCC", 1, CODE_64);
  stage_thread(&s)->Tcb.ApcPending[UserMode] = TRUE;
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE, 1);
  ck_assert(!stage_thread(&s)->Tcb.ApcPending[UserMode]);
}
END_TEST

TCase *loop_tests(void)
{
  TCase *tests = tcase_create("user-mode loop");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, interrupts_change_nothing);
  tcase_add_loop_test(tests, a_failure_of_the_engine_is_an_internal_error, 0, 2);
  tcase_add_loop_test(tests, what_the_apc_dispatcher_finds, 0, 2);
  tcase_add_test(tests, the_trap_flag_waits_for_the_apc);
  tcase_add_test(tests, a_step_over_the_end_of_the_thread);
  tcase_add_test(tests, trap_flag_set_at_the_end_of_a_service);
  tcase_add_test(tests, an_apc_at_the_end_of_a_stepped_service);
  tcase_add_test(tests, no_apc_dispatcher);
  tcase_add_test(tests, an_apc_mark_without_an_apc);
  return tests;
}
