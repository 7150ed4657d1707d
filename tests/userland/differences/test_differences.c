/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The points where Wine is known to differ from Windows (the list of the oracle): with the builtin userland each is as on
 * Windows. */
#include <dbgksim/dbgksim.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define MAX_EVENTS 64

static dbgksim_machine *machine;
static dbgksim_debugger *debugger;
static struct dbgksim_event events[MAX_EVENTS];
static char texts[MAX_EVENTS][64];
static unsigned count, first_break;
static uint32_t threads_at_exit;
static char break_symbol[128];

static void set_up(void)
{
  struct dbgksim_config config;
  dbgksim_config_init(&config);
  config.userland = "builtin";
  ck_assert_msg(dbgksim_machine_create(&config, &machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  ck_assert_int_eq(dbgksim_debugger_create(machine, true, &debugger), DBGKSIM_OK);
  count = first_break = threads_at_exit = 0;
}

static void tear_down(void)
{
  dbgksim_debugger_destroy(debugger);
  dbgksim_machine_destroy(machine);
}

static void note_text(const struct dbgksim_event *e, char text[64])
{
  unsigned char bytes[128] = "";
  size_t size = e->unicode ? e->string_length * 2u : e->string_length;
  ck_assert_uint_le(size, sizeof bytes);
  ck_assert_int_eq(dbgksim_read_memory(machine, e->pid, e->string_address, bytes, size, NULL), DBGKSIM_OK);
  for (unsigned i = 0; i < 63 && i < e->string_length; i++)
    text[i] = (char)bytes[e->unicode ? 2 * i : i];
}

/* Follows the program to its end; exceptions of its own are not handled. */
static void follow(void)
{
  while (count < MAX_EVENTS && dbgksim_wait(debugger, -1, &events[count]) == DBGKSIM_OK) {
    const struct dbgksim_event *e = &events[count];
    bool first = e->code == DBGKSIM_EXCEPTION && !first_break;
    memset(texts[count], 0, sizeof texts[count]);
    if (e->code == DBGKSIM_OUTPUT_DEBUG_STRING)
      note_text(e, texts[count]);
    if (e->code == DBGKSIM_EXIT_PROCESS) {
      CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
      threads_at_exit = dbgksim_get_context(machine, e->tid, &context) == DBGKSIM_OK;
    }
    if (first) {
      first_break = count;
      dbgksim_symbolize(machine, e->pid, e->exception.ExceptionAddress, break_symbol, sizeof break_symbol);
    }
    count++;
    NTSTATUS answer = e->code == DBGKSIM_EXCEPTION && !first ? DBG_EXCEPTION_NOT_HANDLED : DBG_CONTINUE;
    ck_assert_int_eq(dbgksim_continue(debugger, e, answer), DBGKSIM_OK);
  }
  ck_assert_uint_gt(count, 4);
  ck_assert_int_eq(events[count - 1].code, DBGKSIM_EXIT_PROCESS);
  ck_assert_uint_eq(events[count - 1].exit_code, 3);
}

static void run(const char *what)
{
  uint32_t pid;
  const char *arguments[] = {what, NULL};
  const struct dbgksim_program program = {.path = PROGRAM, .arguments = arguments};
  ck_assert_msg(dbgksim_spawn(machine, &program, debugger, &pid) == DBGKSIM_OK, "%s", dbgksim_message(machine));
  follow();
}

/* The n-th event of a kind behind the first breakpoint, NULL if there are fewer. */
static const struct dbgksim_event *nth(enum dbgksim_event_code code, unsigned n)
{
  for (unsigned i = first_break + 1; i < count; i++)
    if (events[i].code == code && n-- == 0)
      return &events[i];
  return NULL;
}

static bool said(const char *text)
{
  for (unsigned i = 0; i < count; i++)
    if (!strcmp(texts[i], text))
      return true;
  return false;
}

static const char *text_at(unsigned n)
{
  const struct dbgksim_event *e = nth(DBGKSIM_OUTPUT_DEBUG_STRING, n);
  ck_assert_ptr_nonnull(e);
  return texts[e - events];
}

START_TEST(difference_1_the_break_comes_before_tls_callbacks_and_is_not_at_DbgBreakPoint)
{
  run("a");
  for (unsigned i = 0; i < first_break; i++)
    ck_assert_int_ne(events[i].code, DBGKSIM_OUTPUT_DEBUG_STRING);
  ck_assert(said("tls callback"));
  ck_assert_uint_eq((uint32_t)events[first_break].exception.ExceptionCode, 0x80000003);
  ck_assert_int_eq(strncmp(break_symbol, "ntdll!", 6), 0);
  ck_assert_str_ne(break_symbol, "ntdll!DbgBreakPoint");
}
END_TEST

START_TEST(difference_2_clearing_BeingDebugged_stops_no_event)
{
  run("b");
  ck_assert_ptr_nonnull(nth(DBGKSIM_EXCEPTION, 0));
  ck_assert_uint_eq((uint32_t)nth(DBGKSIM_EXCEPTION, 0)->exception.ExceptionCode, 0x80000003);
}
END_TEST

START_TEST(difference_3_a_hidden_thread_sends_nothing)
{
  run("c");
  ck_assert_ptr_nonnull(nth(DBGKSIM_CREATE_THREAD, 0));
  ck_assert_ptr_null(nth(DBGKSIM_EXCEPTION, 0));
  ck_assert_ptr_null(nth(DBGKSIM_EXIT_THREAD, 0));
}
END_TEST

START_TEST(difference_4_heap_flags_under_a_debugger)
{
  run("d");
  ck_assert_str_eq(text_at(1), "70");
  ck_assert_str_eq(text_at(2), "40000062");
  ck_assert_str_eq(text_at(3), "40000060");
}
END_TEST

START_TEST(difference_5_closing_a_protected_handle_raises)
{
  run("e");
  ck_assert_ptr_nonnull(nth(DBGKSIM_EXCEPTION, 0));
  ck_assert_uint_eq((uint32_t)nth(DBGKSIM_EXCEPTION, 0)->exception.ExceptionCode, 0xC0000235);
}
END_TEST

START_TEST(difference_6_a_data_file_is_no_event)
{
  run("f");
  ck_assert_str_eq(text_at(1), "1");
  ck_assert_ptr_null(nth(DBGKSIM_LOAD_DLL, 0));
}
END_TEST

START_TEST(difference_7_ntdll_has_a_name)
{
  uint64_t name = 0;
  uint16_t text[16] = {0};
  uint32_t pid;
  struct dbgksim_event e;
  const struct dbgksim_program program = {.path = PROGRAM};
  ck_assert_int_eq(dbgksim_spawn(machine, &program, debugger, &pid), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(debugger, -1, &e), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_continue(debugger, &e, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_wait(debugger, -1, &e), DBGKSIM_OK);
  ck_assert_int_eq(e.code, DBGKSIM_LOAD_DLL);
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, e.image_name, &name, sizeof name, NULL), DBGKSIM_OK);
  ck_assert_uint_ne(name, 0);
  ck_assert_int_eq(dbgksim_read_memory(machine, pid, name, text, 20, NULL), DBGKSIM_OK);
  ck_assert_mem_eq(text, u"ntdll.dll", 20);
}
END_TEST

START_TEST(difference_8_attach_gives_no_start_address)
{
  uint32_t pid;
  const char *arguments[] = {"z", NULL};
  const struct dbgksim_program program = {.path = PROGRAM, .arguments = arguments};
  ck_assert_int_eq(dbgksim_spawn(machine, &program, NULL, &pid), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(machine, pid, 20 * MILLISECOND), DBGKSIM_TIMEOUT);
  ck_assert_int_eq(dbgksim_attach(debugger, pid, true), DBGKSIM_OK);
  follow();
  ck_assert_int_eq(events[0].code, DBGKSIM_CREATE_PROCESS);
  ck_assert_uint_eq(events[0].start_address, 0);
}
END_TEST

START_TEST(difference_9_codes_of_divide_overflow_rdmsr_and_interrupts)
{
  run("i");
  ck_assert_str_eq(text_at(1), "c0000095");
  ck_assert_str_eq(text_at(2), "c0000096");
  ck_assert_str_eq(text_at(3), "c0000005");
  /* Windows 10 has no gate for INT 2E (spec/1.1): as under Wine. */
  ck_assert_str_eq(text_at(4), "c0000005");
}
END_TEST

START_TEST(difference_10_a_wide_string_arrives_wide)
{
  run("j");
  const struct dbgksim_event *e = nth(DBGKSIM_OUTPUT_DEBUG_STRING, 1);
  ck_assert_ptr_nonnull(e);
  ck_assert(e->unicode);
  ck_assert_str_eq(text_at(1), "wide");
  ck_assert_ptr_null(nth(DBGKSIM_OUTPUT_DEBUG_STRING, 2));
}
END_TEST

START_TEST(difference_11_vectored_continue_handlers_are_called)
{
  run("k");
  ck_assert(said("continue handler"));
}
END_TEST

START_TEST(difference_12_at_EXIT_PROCESS_the_thread_is_there)
{
  run("a");
  ck_assert_uint_eq(threads_at_exit, 1);
}
END_TEST

START_TEST(difference_13_the_stubs_use_syscall)
{
  run("m");
  ck_assert_str_eq(text_at(1), "0");
}
END_TEST

START_TEST(difference_14_icebp_is_reported_behind_itself)
{
  run("n");
  const struct dbgksim_event *e = nth(DBGKSIM_EXCEPTION, 0);
  ck_assert_ptr_nonnull(e);
  ck_assert_uint_eq((uint32_t)e->exception.ExceptionCode, 0x80000004);
  ck_assert_str_eq(text_at(1), "0");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("differences of Wine from Windows");
  TCase *t = tcase_create("differences");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_add_test(t, difference_1_the_break_comes_before_tls_callbacks_and_is_not_at_DbgBreakPoint);
  tcase_add_test(t, difference_2_clearing_BeingDebugged_stops_no_event);
  tcase_add_test(t, difference_3_a_hidden_thread_sends_nothing);
  tcase_add_test(t, difference_4_heap_flags_under_a_debugger);
  tcase_add_test(t, difference_5_closing_a_protected_handle_raises);
  tcase_add_test(t, difference_6_a_data_file_is_no_event);
  tcase_add_test(t, difference_7_ntdll_has_a_name);
  tcase_add_test(t, difference_8_attach_gives_no_start_address);
  tcase_add_test(t, difference_9_codes_of_divide_overflow_rdmsr_and_interrupts);
  tcase_add_test(t, difference_10_a_wide_string_arrives_wide);
  tcase_add_test(t, difference_11_vectored_continue_handlers_are_called);
  tcase_add_test(t, difference_12_at_EXIT_PROCESS_the_thread_is_there);
  tcase_add_test(t, difference_13_the_stubs_use_syscall);
  tcase_add_test(t, difference_14_icebp_is_reported_behind_itself);
  suite_add_tcase(suite, t);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
