/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzz_dispatch covers by design is reached: for each area of the kernel a seed of the corpus, and the record of
 * the event stream that proves it. */
#include "fuzz_kit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RECORDS 32768u
#define ANY 0xA11A11A11A11A11Aull
#define ALL_32 "32-bit code"

static struct dbgksim_trace_record records[MAX_RECORDS];
static unsigned record_count;

static void keep(void *context, const struct dbgksim_trace_record *record)
{
  (void)context;
  if (record_count < MAX_RECORDS)
    records[record_count++] = *record;
}

/* A record of the kind with these numbers, and a text that begins so (NULL: any). */
struct reached {
  const char *seed;
  enum dbgksim_trace_kind kind;
  uint64_t a, b, c, d;
  const char *text;
};
#define TRAP_AT(vector, rip) DBGKSIM_TRACE_TRAP, vector, rip, ANY, ANY, NULL
#define DISPATCHED(code, chance) DBGKSIM_TRACE_DISPATCH, (uint32_t)(code), ANY, chance, ANY, NULL
#define DECIDED(text) DBGKSIM_TRACE_DECISION, ANY, ANY, ANY, ANY, text
#define SERVICE_GAVE(name, status) DBGKSIM_TRACE_SERVICE_RESULT, (uint32_t)(status), ANY, ANY, ANY, name
#define FRAME(status, dispatcher) DBGKSIM_TRACE_USER_FRAME, ANY, ANY, (uint32_t)(status), ANY, dispatcher
#define PORT(handled, status) DBGKSIM_TRACE_EXCEPTION_PORT, handled, (uint32_t)(status), ANY, 0, NULL
#define ERROR_PORT(handled) DBGKSIM_TRACE_EXCEPTION_PORT, handled, ANY, ANY, 1, NULL
#define KERNEL_DEBUGGER(code, service, handled) DBGKSIM_TRACE_KD_STUB, (uint32_t)(code), service, handled, ANY, NULL
#define TO_PORT DBGKSIM_TRACE_SEND, 0, 4, ANY, ANY, NULL
#define EXCEPTIONS "KiUserExceptionDispatcher"
#define APCS "KiUserApcDispatcher"

static const struct reached rows[] = {
    /* 32-bit code: each of its exceptions passes the conversion of spec/2.1 step 6 */
    {"32_int3", DBGKSIM_TRACE_DECISION, STATUS_WX86_BREAKPOINT, ANY, ANY, ANY, ALL_32},
    {"32_step", DBGKSIM_TRACE_DECISION, STATUS_WX86_SINGLE_STEP, ANY, ANY, ANY, ALL_32},
    {"32_data_breakpoint", DBGKSIM_TRACE_DECISION, STATUS_WX86_SINGLE_STEP, ANY, ANY, ANY, ALL_32},
    {"32_general_protection", TRAP_AT(13, 0x20000000)},
    {"32_general_protection", DBGKSIM_TRACE_DECISION, (uint32_t)STATUS_PRIVILEGED_INSTRUCTION, ANY, ANY, ANY, ALL_32},
    {"32_page_fault", TRAP_AT(14, 0x20000000)},
    {"32_page_fault", DECIDED(ALL_32)},
    {"32_divide", DBGKSIM_TRACE_DECISION, (uint32_t)STATUS_INTEGER_DIVIDE_BY_ZERO, ANY, ANY, ANY, ALL_32},
    {"32_far_jump_to_64", TRAP_AT(3, 0x20000014)},
    {"gate_32", DECIDED(ALL_32)},
    {"wow64", DECIDED(ALL_32)},

    /* gates: the fault that the processor makes of a broken one, or the routine that another leads to */
    {"gate_absent", DBGKSIM_TRACE_GATE_FAULT, 3, 11, 3 * 8 + 2, ANY, NULL},
    {"gate_dpl", DBGKSIM_TRACE_GATE_FAULT, 3, 13, 3 * 8 + 2, ANY, NULL},
    {"gate_type", DBGKSIM_TRACE_GATE_FAULT, 3, 13, 3 * 8 + 2, ANY, NULL},
    {"gate_selector", DBGKSIM_TRACE_GATE_FAULT, 3, 13, ANY, ANY, NULL},
    {"gate_limit", DBGKSIM_TRACE_GATE_FAULT, 3, 13, 3 * 8 + 2, ANY, NULL},
    {"gate_open", DBGKSIM_TRACE_GATE, 13, 3, ANY, 1, "KiGeneralProtectionFault"},
    {"gate_ist", DBGKSIM_TRACE_GATE, 3, 3, ANY, 1, "KiBreakpointTrap"},
    {"gate_like_another", DBGKSIM_TRACE_GATE, 3, 3, ANY, 1, "KiInvalidOpcodeFault"},
    {"gate_double_fault", DBGKSIM_TRACE_BUGCHECK, 0x7F, 8, ANY, ANY, NULL},
    {"gate_triple_fault", DBGKSIM_TRACE_BUGCHECK, 0, 0x20000000, ANY, ANY, NULL},
    {"gate_between_events", DBGKSIM_TRACE_GATE_FAULT, 13, 11, 13 * 8 + 3, ANY, NULL},

    /* debug registers, TF, RF, from the start and between events */
    {"four_breakpoints", TRAP_AT(1, 0x20000002)},
    {"four_breakpoints", TRAP_AT(1, 0x20000005)},
    {"four_breakpoints", TRAP_AT(1, 0x20000008)},
    {"breakpoint_at_first_instruction", TRAP_AT(1, 0x20000000)},
    {"resume_flag", TRAP_AT(3, 0x20000002)},
    {"trap_and_alignment_flags", TRAP_AT(1, 0x20000001)},
    {"breakpoint_between_events", TRAP_AT(1, 0x20000003)},
    {"trap_flag_over_a_service", TRAP_AT(1, 0x2000000B)},

    /* ports and their servers */
    {"port_refuses", PORT(0, STATUS_SUCCESS)},
    {"port_handles", PORT(1, STATUS_SUCCESS)},
    {"port_only", PORT(1, STATUS_SUCCESS)},
    {"port_after_detach", PORT(1, STATUS_SUCCESS)},
    {"port_hidden_thread", PORT(0, STATUS_SUCCESS)},
    {"port_late", TO_PORT},
    {"port_late", PORT(0, STATUS_LPC_REPLY_LOST)},
    {"port_wrong_id", TO_PORT},
    {"port_wrong_thread", TO_PORT},
    {"port_wrong_process", TO_PORT},
    {"port_lengths", TO_PORT},
    {"port_short", PORT(0, STATUS_SUCCESS)},
    {"port_twice", PORT(1, STATUS_SUCCESS)},
    {"port_closed_while_waiting", PORT(0, STATUS_LPC_REPLY_LOST)},
    {"port_closed_before", PORT(0, STATUS_PORT_DISCONNECTED)},
    {"port_killed_while_waiting", PORT(ANY, STATUS_USER_APC)},
    {"error_port_after_refusal", ERROR_PORT(1)},
    {"one_port_for_both", ERROR_PORT(1)},
    {"error_port_hard_error", DBGKSIM_TRACE_SEND, 7, 4, ANY, ANY, NULL},
    {"error_port_hard_error", SERVICE_GAVE("NtRaiseHardError", STATUS_SUCCESS)},
    {"error_port_closed_while_waiting", SERVICE_GAVE("NtRaiseHardError", STATUS_LPC_REPLY_LOST)},

    /* contexts and records */
    {"continue_sound", TRAP_AT(3, 0x20000006)},
    {"continue_all_flags", SERVICE_GAVE("NtContinue", STATUS_SUCCESS)},
    {"continue_wild_ex", SERVICE_GAVE("NtContinueEx", STATUS_SUCCESS)},
    {"continue_not_aligned", SERVICE_GAVE("NtContinue", STATUS_DATATYPE_MISALIGNMENT)},
    {"continue_half_mapped", SERVICE_GAVE("NtContinue", STATUS_ACCESS_VIOLATION)},
    {"continue_half_guard", SERVICE_GAVE("NtContinue", STATUS_GUARD_PAGE_VIOLATION)},
    {"continue_kernel_address", SERVICE_GAVE("NtContinue", STATUS_ACCESS_VIOLATION)},
    {"continue_hostile", TRAP_AT(13, 0x0000800020000000)},
    {"continue_debug_registers", TRAP_AT(1, 0x20000002)},
    {"continue_ex_argument", TRAP_AT(3, 0x20000002)},
    {"raise_first_chance", DISPATCHED(STATUS_ACCESS_VIOLATION, 1)},
    {"raise_second_chance", DISPATCHED(STATUS_ACCESS_VIOLATION, 0)},
    {"raise_too_many_parameters", SERVICE_GAVE("NtRaiseException", STATUS_INVALID_PARAMETER)},
    {"raise_huge_parameters", SERVICE_GAVE("NtRaiseException", STATUS_INVALID_PARAMETER)},
    {"set_own_context", SERVICE_GAVE("NtSetContextThread", STATUS_SUCCESS)},
    {"get_context_read_only", SERVICE_GAVE("NtGetContextThread", STATUS_ACCESS_VIOLATION)},

    /* stacks: what laying the frame out gives */
    {"stack_not_canonical", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_not_aligned", FRAME(STATUS_SUCCESS, EXCEPTIONS)},
    {"stack_at_guard_page", FRAME(STATUS_SUCCESS, EXCEPTIONS)},
    {"stack_full_dispatch", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_overflow", DISPATCHED(STATUS_STACK_OVERFLOW, 1)},
    {"stack_guard", FRAME(STATUS_GUARD_PAGE_VIOLATION, EXCEPTIONS)},
    {"stack_read_only", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_view", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_copy_view", FRAME(STATUS_SUCCESS, EXCEPTIONS)},
    {"stack_over_code", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_kernel", FRAME(STATUS_ACCESS_VIOLATION, EXCEPTIONS)},
    {"stack_in_teb", FRAME(STATUS_SUCCESS, EXCEPTIONS)},

    /* callbacks, monitors, kernel debugger, Pico processes */
    {"instrumentation", TRAP_AT(3, 0x20000081)},
    /* a block that ends in a service, which returns to it */
    {"instrumentation_loop", DBGKSIM_TRACE_SERVICE_RESULT, (uint32_t)STATUS_INVALID_SYSTEM_SERVICE, ANY, ANY, ANY, NULL},
    {"instrumentation_nowhere", TRAP_AT(13, 0x0000800000000000)},
    {"monitor", DBGKSIM_TRACE_MONITOR, 0, 1, 0, ANY, "NtRaiseException"},
    {"kd_exception", KERNEL_DEBUGGER(STATUS_BREAKPOINT, 0, 1)},
    {"kd_sees_all", KERNEL_DEBUGGER(STATUS_ACCESS_VIOLATION, 0, 0)},
    {"kd_print", KERNEL_DEBUGGER(STATUS_BREAKPOINT, 1, 1)},
    {"kd_prompt", KERNEL_DEBUGGER(STATUS_BREAKPOINT, 2, 1)},
    {"kd_symbols", KERNEL_DEBUGGER(STATUS_BREAKPOINT, 3, 1)},
    {"kd_registers", TRAP_AT(3, 0x20000005)},
    {"pico_handles", DBGKSIM_TRACE_DECISION, ANY, 0, 1, ANY, "Pico provider: handled"},
    {"pico_passes", DBGKSIM_TRACE_DECISION, ANY, 1, 0, ANY, "Pico provider: passed"},
    {"pico_passes", DBGKSIM_TRACE_DECISION, ANY, 2, ANY, ANY, "Pico provider"},
    {"minimal", DISPATCHED(STATUS_BREAKPOINT, 0)}, /* 32-bit code, but not converted */

    /* the program's own handlers, APCs */
    {"handler_continues", TRAP_AT(3, 0x20000003)},
    {"handler_disposition", TRAP_AT(3, 0x20000003)},
    {"handler_wrong_disposition", SERVICE_GAVE("NtRaiseException", STATUS_SUCCESS)},
    {"handler_faults", DBGKSIM_TRACE_TRAP, 14, ANY, 4, 0x10, NULL},
    {"handler_spoils_context", SERVICE_GAVE("NtContinue", STATUS_SUCCESS)},
    {"frame_handler", SERVICE_GAVE("NtContinue", STATUS_SUCCESS)},
    {"apc", FRAME(STATUS_SUCCESS, APCS)},
    {"apc", TRAP_AT(3, 0x20000001)},
    {"apc_by_continue", FRAME(STATUS_SUCCESS, APCS)},
    {"apc_without_stack", FRAME(STATUS_ACCESS_VIOLATION, APCS)},
    {"apc_while_waiting", SERVICE_GAVE("NtDelayExecution", STATUS_USER_APC)},
    {"apc_between_events", FRAME(STATUS_SUCCESS, APCS)},
    {"alerted", SERVICE_GAVE("NtTestAlert", STATUS_ALERTED)},
};
#define ROWS ((int)(sizeof rows / sizeof rows[0]))

static void run_seed(const char *name)
{
  static uint8_t bytes[4096];
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", FUZZ_CORPUS, name);
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "%s is not there", path);
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  record_count = 0;
  LLVMFuzzerTestOneInput(bytes, size);
  ck_assert_msg(record_count < MAX_RECORDS, "%s: more than %u records", name, MAX_RECORDS);
}

static bool fits(const struct dbgksim_trace_record *r, const struct reached *w)
{
  return r->kind == (uint32_t)w->kind && (w->a == ANY || r->a == w->a) && (w->b == ANY || r->b == w->b) &&
         (w->c == ANY || r->c == w->c) && (w->d == ANY || r->d == w->d) &&
         (!w->text || !strncmp(r->text, w->text, strlen(w->text)));
}

START_TEST(seed_reaches)
{
  const struct reached *want = &rows[_i];
  run_seed(want->seed);
  for (unsigned i = 0; i < record_count; i++)
    if (fits(&records[i], want))
      return;
  ck_abort_msg("%s: no record %s %llx %llx %llx %llx %s", want->seed, dbgksim_trace_kind_name(want->kind),
               (unsigned long long)want->a, (unsigned long long)want->b, (unsigned long long)want->c,
               (unsigned long long)want->d, want->text ? want->text : "");
}
END_TEST

/* The kernel debugger is asked of nothing that 32-bit code does, and a minimal process's exceptions are not converted.
 */
START_TEST(seed_of_a_minimal_process_is_not_converted)
{
  run_seed("minimal");
  for (unsigned i = 0; i < record_count; i++)
    ck_assert(strncmp(records[i].text, ALL_32, strlen(ALL_32)) != 0);
}
END_TEST

/* LSTAR in user mode: the machine stops, and no service was entered. */
START_TEST(seed_loses_the_service_entry)
{
  run_seed("lstar_in_user_mode");
  ck_assert_int_eq(machine_enter(fuzz_machine()), DBGKSIM_OK);
  enum ke_end_reason end = ke_ended();
  machine_leave(fuzz_machine());
  ck_assert_int_eq(end, KE_NO_SERVICE_ENTRY);
}
END_TEST

int main(void)
{
  TCase *reached = tcase_create("reached");
  tcase_add_loop_test(reached, seed_reaches, 0, ROWS);
  tcase_add_test(reached, seed_of_a_minimal_process_is_not_converted);
  tcase_add_test(reached, seed_loses_the_service_entry);
  Suite *suite = suite_create("fuzz_dispatch");
  suite_add_tcase(suite, reached);
  SRunner *runner = srunner_create(suite);
  /* The machine is made once, and does not survive a fork. */
  srunner_set_fork_status(runner, CK_NOFORK);
  fuzz_watch(keep, NULL);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
