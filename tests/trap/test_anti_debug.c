/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts 29 and 30 of spec/5, question by question. The whole surface, in each state, is in tests/guest/run. */
#include "stage.h"

#include <string.h>

#define SELF ((uint64_t)-1)
#define PROCESS_DEBUG_PORT 7
#define PROCESS_DEBUG_OBJECT_HANDLE 0x1E
#define OBJECT_TYPE_INFORMATION_CLASS 2
#define PEB_BEING_DEBUGGED 2
#define ANSWER STAGE_DATA
#define LENGTH (STAGE_DATA + 0x40)

static struct stage s;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static uint64_t read64(uint64_t address)
{
  uint64_t value;
  stage_read(&s, address, &value, sizeof value);
  return value;
}

/* NtQueryInformationProcess or NtQueryObject; the fifth argument lies on the stack. */
static NTSTATUS query(const char *service, uint64_t handle, unsigned class, uint64_t buffer, unsigned size,
                      uint64_t length)
{
  stage_write(&s, STAGE_STACK + 0x28, &length, sizeof length);
  return stage_service(&s, service, handle, class, buffer, size);
}

static NTSTATUS query_process(unsigned class, uint64_t buffer, unsigned size, uint64_t length)
{
  return query("NtQueryInformationProcess", SELF, class, buffer, size, length);
}

/* IsDebuggerPresent reads a byte that anybody may write; the port is the kernel's. */
START_TEST(fact_29_the_peb_says_one_thing_the_port_another)
{
  const uint64_t byte_at = stage_process(&s)->Peb + PEB_BEING_DEBUGGED;
  unsigned char byte = 7;
  stage_read(&s, byte_at, &byte, 1);
  ck_assert_uint_eq(byte, 1);
  for (unsigned char written = 0; written < 2; written++) {
    stage_write(&s, byte_at, &written, 1);
    ck_assert_int_eq(query_process(PROCESS_DEBUG_PORT, ANSWER, 8, LENGTH), STATUS_SUCCESS);
    ck_assert_uint_eq(read64(ANSWER), ~0ull);
    ck_assert_uint_eq((uint32_t)read64(LENGTH), 8);
    stage_read(&s, byte_at, &byte, 1);
    ck_assert_uint_eq(byte, written);
  }
}
END_TEST

/* Asks about its own process without a debugger, and ends with `tail` having put something into edx, which is the exit
 * code. r13 is the address of the PEB's byte, r14 of the answer. */
static NTSTATUS ask_undebugged(unsigned class, const char *tail, size_t size)
{
  /* mov r10, -1; mov eax, r12d; syscall */
  static const char end[] = "\x49\xC7\xC2\xFF\xFF\xFF\xFF\x44\x89\xE0\x0F\x05\xCC";
  NTSTATUS code = -1;
  stage_set_service(&s, "NtTerminateProcess", 0, 0, 0, 0);
  const uint64_t terminate = stage_context(&s).Rax;
  stage_write(&s, STAGE_STACK + 0x28, &(uint64_t){0}, 8);
  stage_write(&s, ANSWER, &(uint64_t){0x5555}, 8);
  stage_set_service(&s, "NtQueryInformationProcess", SELF, class, ANSWER, 8);
  CONTEXT context = stage_context(&s);
  context.R12 = terminate;
  context.R13 = stage_process(&s)->Peb + PEB_BEING_DEBUGGED;
  context.R14 = ANSWER;
  stage_set_context(&s, &context);
  stage_write(&s, STAGE_CODE + 2, tail, size);
  stage_write(&s, STAGE_CODE + 2 + size, end, sizeof end - 1);
  ck_assert_int_eq(dbgksim_continue(s.debugger, &s.event, DBG_CONTINUE), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_detach(s.debugger, s.pid), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_run(s.machine, s.pid, -1), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_exit_code(s.machine, s.pid, &code), DBGKSIM_OK);
  return code;
}

START_TEST(fact_29_without_a_debugger_both_are_0)
{
  /* movzx edx, byte [r13]; add edx, [r14] */
  ck_assert_int_eq(ask_undebugged(PROCESS_DEBUG_PORT, "\x41\x0F\xB6\x55\x00\x41\x03\x16", 8), 0);
}
END_TEST

START_TEST(fact_30_without_a_debugger_there_is_no_port)
{
  /* mov edx, eax; add edx, [r14]: the status, and no handle */
  ck_assert_int_eq(ask_undebugged(PROCESS_DEBUG_OBJECT_HANDLE, "\x89\xC2\x41\x03\x16", 5), STATUS_PORT_NOT_SET);
}
END_TEST

START_TEST(fact_30_alignment_is_checked_before_the_length)
{
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER + 1, 7, 0), STATUS_DATATYPE_MISALIGNMENT);
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER + 1, 8, 0), STATUS_DATATYPE_MISALIGNMENT);
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER, 7, 0), STATUS_INFO_LENGTH_MISMATCH);
}
END_TEST

/* The return length is written last, wherever it lies. */
START_TEST(fact_30_the_length_may_overlap_the_answer)
{
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER, 8, LENGTH), STATUS_SUCCESS);
  const uint64_t handle = read64(ANSWER);
  ck_assert_uint_ne(handle, 0);
  ck_assert_uint_eq((uint32_t)read64(LENGTH), 8);
  ck_assert_int_eq(stage_service(&s, "NtClose", handle, 0, 0, 0), STATUS_SUCCESS);
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER, 8, ANSWER), STATUS_SUCCESS);
  ck_assert_uint_eq(read64(ANSWER), 8);
}
END_TEST

/* The number of debug objects that there are can be asked for by type. */
START_TEST(fact_30_type_information_counts_debug_objects)
{
  ULONG objects = 0;
  ck_assert_int_eq(query_process(PROCESS_DEBUG_OBJECT_HANDLE, ANSWER, 8, LENGTH), STATUS_SUCCESS);
  const uint64_t handle = read64(ANSWER);
  for (ULONG more = 0; more < 2; more++) {
    dbgksim_debugger *another = NULL;
    if (more)
      ck_assert_int_eq(dbgksim_debugger_create(s.machine, true, &another), DBGKSIM_OK);
    ck_assert_int_eq(query("NtQueryObject", handle, OBJECT_TYPE_INFORMATION_CLASS, STAGE_DATA + 0x1000, 0x400, LENGTH),
                     STATUS_SUCCESS);
    stage_read(&s, STAGE_DATA + 0x1000 + 0x10, &objects, sizeof objects);
    ck_assert_uint_eq(objects, 1 + more);
    if (more)
      dbgksim_debugger_destroy(another);
  }
}
END_TEST

TCase *anti_debug_tests(void)
{
  TCase *tests = tcase_create("anti-debug");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, fact_29_the_peb_says_one_thing_the_port_another);
  tcase_add_test(tests, fact_29_without_a_debugger_both_are_0);
  tcase_add_test(tests, fact_30_without_a_debugger_there_is_no_port);
  tcase_add_test(tests, fact_30_alignment_is_checked_before_the_length);
  tcase_add_test(tests, fact_30_the_length_may_overlap_the_answer);
  tcase_add_test(tests, fact_30_type_information_counts_debug_objects);
  return tests;
}
