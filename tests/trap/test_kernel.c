/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions of kernel mode (spec/2.1 step 5): a service of the test faults. */
#include "stage.h"

#include <string.h>

/* A number that no ntdll uses. */
#define SERVICE 0x1FF0u
/* Where the faulting kernel code pretends to be. */
#define KERNEL_RIP 0xFFFFF80000345678ull

static struct stage s;

/* What the service does, and what became of it. Not in the machine: one test, one machine. */
static struct script {
  void (*act)(void);
  EXCEPTION_DISPOSITION answers[4];
  unsigned handlers, asked;
  ULONG64 rip, eflags;
  EXCEPTION_RECORD64 seen;
  KTRAP_FRAME after;
  ULONG64 before_dispatches, dispatches;
  bool debugger_first, debugger_second; /**< KiDebugRoutine's answers */
  unsigned debugger_asked[2];
  KPROCESSOR_MODE mode;
} script;

static EXCEPTION_DISPOSITION handler(EXCEPTION_RECORD64 *record, EXCEPTION_REGISTRATION_RECORD *frame, CONTEXT *context)
{
  (void)frame;
  script.seen = *record;
  script.rip = context->Rip;
  EXCEPTION_DISPOSITION answer = script.answers[script.asked++ & 3];
  if (answer == ExceptionContinueExecution) {
    context->Rip += 4;
    context->Rax = 0x1234;
    context->SegCs = 0x33;
  }
  return answer;
}

static BOOLEAN debug_routine(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame,
                             EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode,
                             BOOLEAN SecondChance)
{
  (void)TrapFrame, (void)ExceptionFrame, (void)ExceptionRecord;
  if (PreviousMode == UserMode)
    return FALSE;
  script.debugger_asked[SecondChance]++;
  script.mode = PreviousMode;
  bool answer = SecondChance ? script.debugger_second : script.debugger_first;
  if (answer)
    Context->Rip += 1;
  return answer;
}

static NTSTATUS service(const ULONG64 *arguments)
{
  EXCEPTION_REGISTRATION_RECORD records[4];
  (void)arguments;
  for (unsigned i = 0; i < script.handlers; i++) {
    records[i].Handler = handler;
    KeRegisterExceptionHandler(&records[i]);
  }
  script.before_dispatches = trap_state()->KeExceptionDispatchCount;
  script.act();
  script.dispatches = trap_state()->KeExceptionDispatchCount - script.before_dispatches;
  for (unsigned i = script.handlers; i-- > 0;)
    KeUnregisterExceptionHandler(&records[i]);
  return 0x2F;
}

static const struct svc_entry table[] = {{"TestFault", service, 0}, {NULL, NULL, 0}};

static void setup(void)
{
  memset(&script, 0, sizeof script);
  stage_start(&s);
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  ck_assert(KeAddSystemServiceTable(table) && trap_bind_service(SERVICE, "TestFault"));
  trap_set_debug_routine(debug_routine, FALSE);
  machine_leave(s.machine);
}

static void teardown(void) { stage_end(&s); }

/* mov eax, SERVICE; syscall; int3 */
static const unsigned char call[] = {0xB8, SERVICE & 0xFF, SERVICE >> 8, 0, 0, 0x0F, 0x05, 0xCC};

/* The service came back to user mode. */
static void run(void)
{
  stage_expect(stage_run(&s, call, sizeof call, 0x33), STATUS_BREAKPOINT, STAGE_CODE + 7, 1);
  ck_assert_uint_eq(stage_context(&s).Rax, 0x2F);
  ck_assert_uint_eq(stage_thread(&s)->Tcb.kernel_traps, 0);
  ck_assert_ptr_null(stage_thread(&s)->Tcb.ExceptionList);
}

static void run_to_bugcheck(uint32_t code, uint64_t p0, uint64_t p1, uint64_t p2, uint64_t p3)
{
  struct dbgksim_event event;
  struct dbgksim_bugcheck b;
  stage_set(&s, call, sizeof call, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, code);
  ck_assert_uint_eq(b.parameters[0], p0);
  ck_assert_uint_eq(b.parameters[1], p1);
  ck_assert_uint_eq(b.parameters[2], p2);
  ck_assert_uint_eq(b.parameters[3], p3);
}

static void read_null(void) { ck_assert(trap_in_kernel_mode(14, false, 0, 0x1000, KERNEL_RIP, &script.after)); }
static void write_null(void) { ck_assert(trap_in_kernel_mode(14, false, 2, 0x1008, KERNEL_RIP, &script.after)); }
static void read_kernel(void)
{
  ck_assert(trap_in_kernel_mode(14, false, 0, 0xFFFFF90000000000ull, KERNEL_RIP, &script.after));
}
static void divide(void) { ck_assert(trap_in_kernel_mode(0, false, 0, 0, KERNEL_RIP, &script.after)); }
static void breakpoint(void) { ck_assert(trap_in_kernel_mode(3, true, 0, 0, KERNEL_RIP, &script.after)); }
static void fast_fail(void) { ck_assert(trap_in_kernel_mode(0x29, true, 0, 0, KERNEL_RIP, &script.after)); }
static void invalid(void) { ck_assert(trap_in_kernel_mode(6, false, 0, 0, KERNEL_RIP, &script.after)); }
static void protection(void) { ck_assert(trap_in_kernel_mode(13, false, 0, 0, KERNEL_RIP, &script.after)); }
static void raise_noncontinuable(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = NT_STATUS_VALUE(0xE1234567),
                               .ExceptionFlags = EXCEPTION_NONCONTINUABLE,
                               .ExceptionAddress = KERNEL_RIP};
  RtlRaiseException(&record);
}
static void raise_software(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = NT_STATUS_VALUE(0xE1234567), .ExceptionAddress = KERNEL_RIP};
  RtlRaiseException(&record);
}

START_TEST(handler_continues)
{
  script.act = write_null;
  script.handlers = 1;
  run();
  ck_assert_uint_eq(script.asked, 1);
  stage_expect(&script.seen, STATUS_ACCESS_VIOLATION, KERNEL_RIP, 2);
  ck_assert_uint_eq(script.seen.ExceptionInformation[0], 1);
  ck_assert_uint_eq(script.seen.ExceptionInformation[1], 0x1008);
  ck_assert_uint_eq(script.rip, KERNEL_RIP);
  /* step 9 wrote the context back, but kernel code stays in its segment */
  ck_assert_uint_eq(script.after.Rip, KERNEL_RIP + 4);
  ck_assert_uint_eq(script.after.Rax, 0x1234);
  ck_assert_uint_eq(script.after.SegCs, KGDT64_R0_CODE);
  /* the debugger came first */
  ck_assert_uint_eq(script.debugger_asked[FALSE], 1);
  ck_assert_uint_eq(script.debugger_asked[TRUE], 0);
  ck_assert_int_eq(script.mode, KernelMode);
  ck_assert_uint_eq(script.dispatches, 1);
}
END_TEST

START_TEST(kernel_debugger_first_chance)
{
  script.act = read_null;
  script.handlers = 1;
  script.debugger_first = true;
  run();
  ck_assert_uint_eq(script.asked, 0);
  ck_assert_uint_eq(script.after.Rip, KERNEL_RIP + 1);
}
END_TEST

START_TEST(kernel_debugger_second_chance)
{
  script.act = read_null;
  script.handlers = 2;
  script.answers[0] = script.answers[1] = ExceptionContinueSearch;
  script.debugger_second = true;
  run();
  ck_assert_uint_eq(script.asked, 2);
  ck_assert_uint_eq(script.debugger_asked[FALSE], 1);
  ck_assert_uint_eq(script.debugger_asked[TRUE], 1);
  ck_assert_uint_eq(script.after.Rip, KERNEL_RIP + 1);
}
END_TEST

START_TEST(unhandled_is_bug_check_1e)
{
  char report[512];
  script.act = write_null;
  script.handlers = 1;
  script.answers[0] = ExceptionContinueSearch;
  run_to_bugcheck(0x1E, 0xFFFFFFFFC0000005ull, KERNEL_RIP, 1, 0x1008);
  ck_assert_uint_eq(script.debugger_asked[TRUE], 1);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_OK);
  ck_assert(strstr(report, "*** STOP: 0x0000001E (0xFFFFFFFFC0000005, 0xFFFFF80000345678, 0x0000000000000001, "
                           "0x0000000000001008)"));
  ck_assert(strstr(report, "KMODE_EXCEPTION_NOT_HANDLED"));
}
END_TEST

START_TEST(the_host_goes_on)
{
  struct stage other;
  script.act = read_null;
  run_to_bugcheck(0x1E, 0xFFFFFFFFC0000005ull, KERNEL_RIP, 0, 0x1000);
  stage_start(&other);
  stage_expect(stage_run(&other, "\xCC", 1, 0x33), STATUS_BREAKPOINT, STAGE_CODE, 1);
  stage_end(&other);
}
END_TEST

START_TEST(kernel_address_is_bug_check_50)
{
  script.act = read_kernel;
  script.handlers = 1;
  run_to_bugcheck(0x50, 0xFFFFF90000000000ull, 0, KERNEL_RIP, 0);
  ck_assert_uint_eq(script.asked, 0);
}
END_TEST

START_TEST(fast_fail_is_bug_check_139)
{
  script.act = fast_fail;
  script.handlers = 1;
  struct dbgksim_event event;
  struct dbgksim_bugcheck b;
  stage_set(&s, call, sizeof call, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, 0x139);
}
END_TEST

START_TEST(a_breakpoint_is_one_byte_back)
{
  script.act = breakpoint;
  script.handlers = 1;
  run();
  stage_expect(&script.seen, STATUS_BREAKPOINT, KERNEL_RIP - 1, 1);
  ck_assert_uint_eq(script.rip, KERNEL_RIP - 1);
}
END_TEST

START_TEST(internal_codes_have_no_instruction_to_look_at)
{
  static const struct {
    void (*act)(void);
    NTSTATUS code;
    ULONG parameters;
  } cases[] = {{divide, STATUS_INTEGER_DIVIDE_BY_ZERO, 0},
               {invalid, STATUS_ILLEGAL_INSTRUCTION, 0},
               {protection, STATUS_ACCESS_VIOLATION, 2}};
  script.handlers = 1;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    script.act = cases[i].act;
    script.asked = 0;
    run();
    stage_expect(&script.seen, cases[i].code, KERNEL_RIP, cases[i].parameters);
  }
}
END_TEST

static EXCEPTION_DISPOSITION faulting_handler(EXCEPTION_RECORD64 *record, EXCEPTION_REGISTRATION_RECORD *frame,
                                              CONTEXT *context)
{
  (void)record, (void)frame, (void)context;
  script.asked++;
  read_null();
  return ExceptionContinueExecution;
}

static void nested(void)
{
  EXCEPTION_REGISTRATION_RECORD inner = {.Handler = faulting_handler};
  KeRegisterExceptionHandler(&inner);
  read_null();
  KeUnregisterExceptionHandler(&inner);
}

START_TEST(what_a_handler_raises_goes_to_the_outer_ones)
{
  script.act = nested;
  script.handlers = 1;
  run();
  ck_assert_uint_eq(script.asked, 2);
  ck_assert_uint_eq(script.dispatches, 2);
}
END_TEST

static EXCEPTION_DISPOSITION endless_handler(EXCEPTION_RECORD64 *record, EXCEPTION_REGISTRATION_RECORD *frame,
                                             CONTEXT *context)
{
  (void)record, (void)context;
  EXCEPTION_REGISTRATION_RECORD again = *frame;
  KeRegisterExceptionHandler(&again);
  read_null();
  return ExceptionContinueSearch;
}

static void endless(void)
{
  EXCEPTION_REGISTRATION_RECORD record = {.Handler = endless_handler};
  KeRegisterExceptionHandler(&record);
  read_null();
}

/* Faults inside of faults use up the kernel stack: #PF while #PF is delivered. */
START_TEST(kernel_stack_overflow_is_a_double_fault)
{
  struct dbgksim_event event;
  struct dbgksim_bugcheck b;
  script.act = endless;
  stage_set(&s, call, sizeof call, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, 0x7F);
  ck_assert_uint_eq(b.parameters[0], 8);
}
END_TEST

static void (*endless_act)(void) = protection;

static EXCEPTION_DISPOSITION endless_protection(EXCEPTION_RECORD64 *record, EXCEPTION_REGISTRATION_RECORD *frame,
                                                CONTEXT *context)
{
  (void)record, (void)context;
  EXCEPTION_REGISTRATION_RECORD again = *frame;
  KeRegisterExceptionHandler(&again);
  endless_act();
  return ExceptionContinueSearch;
}

static void endless_gp(void)
{
  EXCEPTION_REGISTRATION_RECORD record = {.Handler = endless_protection};
  KeRegisterExceptionHandler(&record);
  endless_act();
}

/* The push of a #GP's frame faults: #PF, one after the other; the push of that one, too: a double fault. */
START_TEST(page_fault_in_the_delivery_of_a_protection_fault)
{
  struct dbgksim_event event;
  struct dbgksim_bugcheck b;
  script.act = endless_gp;
  stage_set(&s, call, sizeof call, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_BUGCHECK);
  ck_assert_int_eq(dbgksim_get_bugcheck(s.machine, &b), DBGKSIM_OK);
  ck_assert_uint_eq(b.code, 0x7F);
}
END_TEST

/* Double faults that lead to a handler that faults: the stack of IST 1 is new each time. */
START_TEST(double_faults_for_ever)
{
  struct dbgksim_event event;
  struct dbgksim_gate gate;
  script.act = endless_gp;
  ck_assert_int_eq(dbgksim_get_gate(s.machine, 8, &gate), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_find_routine(s.machine, "KiInvalidOpcodeFault", &gate.offset), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_set_gate(s.machine, 8, &gate), DBGKSIM_OK);
  stage_set(&s, call, sizeof call, 0x33);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(s.debugger, -1, &event), DBGKSIM_TRIPLE_FAULT);
}
END_TEST

static void unregister_a_stranger(void)
{
  EXCEPTION_REGISTRATION_RECORD stranger = {.Handler = handler};
  KeUnregisterExceptionHandler(&stranger);
  ck_assert(trap_in_kernel_mode(14, false, 0, 0x1000, KERNEL_RIP, NULL));
}

START_TEST(strangers_are_not_taken_off)
{
  script.act = unregister_a_stranger;
  script.handlers = 2;
  run();
  ck_assert_uint_eq(script.asked, 1);
}
END_TEST

START_TEST(software_exceptions)
{
  script.act = raise_software;
  script.handlers = 2;
  script.answers[0] = ExceptionContinueSearch;
  run();
  ck_assert_uint_eq(script.asked, 2);
  stage_expect(&script.seen, NT_STATUS_VALUE(0xE1234567), KERNEL_RIP, 0);
}
END_TEST

/* A handler that continues what may not be continued raises another one, for ever: the stack ends it. */
START_TEST(noncontinuable_exceptions)
{
  script.act = raise_noncontinuable;
  script.handlers = 1;
  run_to_bugcheck(0x7F, 8, 0, 0, 0);
  ck_assert_int_eq(script.seen.ExceptionCode, STATUS_NONCONTINUABLE_EXCEPTION);
}
END_TEST

START_TEST(dispositions_that_are_none)
{
  script.act = raise_software;
  script.handlers = 1;
  script.answers[0] = ExceptionNestedException;
  script.answers[1] = ExceptionContinueSearch;
  run_to_bugcheck(0x1E, 0xFFFFFFFFC0000026ull, KERNEL_RIP, 0, 0);
}
END_TEST

/* A second chance that somebody asks for skips the handlers. */
static void second_chance(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = NT_STATUS_VALUE(0xE1234567), .ExceptionAddress = KERNEL_RIP};
  KTRAP_FRAME frame = {.SegCs = KGDT64_R0_CODE, .SegSs = KGDT64_R0_DATA, .Rip = KERNEL_RIP};
  KEXCEPTION_FRAME exception_frame = {0};
  KiDispatchException(&record, &exception_frame, &frame, KernelMode, FALSE);
}

START_TEST(second_chance_skips_the_handlers)
{
  script.act = second_chance;
  script.handlers = 1;
  script.debugger_second = true;
  run();
  ck_assert_uint_eq(script.asked, 0);
  ck_assert_uint_eq(script.debugger_asked[FALSE], 0);
  ck_assert_uint_eq(script.debugger_asked[TRUE], 1);
}
END_TEST

START_TEST(no_debug_routine_at_all)
{
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  trap_set_debug_routine(NULL, FALSE);
  machine_leave(s.machine);
  script.act = read_null;
  run_to_bugcheck(0x1E, 0xFFFFFFFFC0000005ull, KERNEL_RIP, 0, 0x1000);
}
END_TEST

START_TEST(host_code_has_no_kernel_stack)
{
  EXCEPTION_REGISTRATION_RECORD stranger = {.Handler = handler};
  ck_assert_int_eq(machine_enter(s.machine), DBGKSIM_OK);
  ck_assert(!trap_in_kernel_mode(14, false, 0, 0, KERNEL_RIP, NULL));
  raise_software();
  ck_assert_uint_eq(script.debugger_asked[FALSE], 0);
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  ck_assert_int_eq(PsGetContextThread(PsGetCurrentThread(), &context), STATUS_UNSUCCESSFUL);
  ck_assert_int_eq(PsSetContextThread(PsGetCurrentThread(), &context), STATUS_UNSUCCESSFUL);
  ck_assert_int_eq(KiContinue(0, FALSE), STATUS_INVALID_PARAMETER);
  ck_assert_int_eq(KiRaiseException(0, 0, TRUE), STATUS_INVALID_PARAMETER);
  ck_assert_int_eq(KeRaiseUserException(STATUS_INVALID_HANDLE), STATUS_INVALID_HANDLE);
  /* taking off what is not there changes nothing */
  KeUnregisterExceptionHandler(&stranger);
  machine_leave(s.machine);
}
END_TEST

static void bugcheck_by_hand(void) { KeBugCheckEx(0xE2, 1, 2, 3, 4); }

START_TEST(bug_check_of_a_code_without_a_name)
{
  char report[512];
  struct dbgksim_bugcheck b;
  script.act = bugcheck_by_hand;
  run_to_bugcheck(0xE2, 1, 2, 3, 4);
  dbgksim_get_bugcheck(s.machine, &b);
  ck_assert_ptr_null(b.name);
  ck_assert_int_eq(dbgksim_report_stop(s.machine, report, sizeof report), DBGKSIM_OK);
  ck_assert(strstr(report, "unknown code"));
}
END_TEST

TCase *kernel_tests(void)
{
  TCase *tests = tcase_create("kernel mode");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, handler_continues);
  tcase_add_test(tests, kernel_debugger_first_chance);
  tcase_add_test(tests, kernel_debugger_second_chance);
  tcase_add_test(tests, unhandled_is_bug_check_1e);
  tcase_add_test(tests, the_host_goes_on);
  tcase_add_test(tests, kernel_address_is_bug_check_50);
  tcase_add_test(tests, fast_fail_is_bug_check_139);
  tcase_add_test(tests, a_breakpoint_is_one_byte_back);
  tcase_add_test(tests, internal_codes_have_no_instruction_to_look_at);
  tcase_add_test(tests, what_a_handler_raises_goes_to_the_outer_ones);
  tcase_add_test(tests, kernel_stack_overflow_is_a_double_fault);
  tcase_add_test(tests, page_fault_in_the_delivery_of_a_protection_fault);
  tcase_add_test(tests, double_faults_for_ever);
  tcase_add_test(tests, strangers_are_not_taken_off);
  tcase_add_test(tests, software_exceptions);
  tcase_add_test(tests, noncontinuable_exceptions);
  tcase_add_test(tests, dispositions_that_are_none);
  tcase_add_test(tests, second_chance_skips_the_handlers);
  tcase_add_test(tests, no_debug_routine_at_all);
  tcase_add_test(tests, host_code_has_no_kernel_stack);
  tcase_add_test(tests, bug_check_of_a_code_without_a_name);
  return tests;
}
