/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitors in LSTAR's place (spec/1.4) from the inside: what they keep until the host takes it, and when they are taken
 * out. What clients see of them is tested in tests/strace. */
#include "stage.h"

#include "ntos/trap/monitor.h"

#include <string.h>

#define CODE_64 0x33

static struct stage s;
static ULONG monitor;
static ULONG64 installation;

static void setup(void) { stage_start(&s); }
static void teardown(void) { stage_end(&s); }

static void install(void)
{
  STAGE_INSIDE(&s, ck_assert_int_eq(ki_install_monitor(&monitor, &installation), STATUS_SUCCESS));
}

/* Takes what a monitor has kept; how many records, and of the last one the copy. */
static unsigned take(struct monitor_record *last)
{
  unsigned n = 0;
  STAGE_INSIDE(&s, {
    for (const struct monitor_record *r; (r = ki_monitor_next(monitor, installation)) != NULL; n++)
      *last = *r;
  });
  return n;
}

START_TEST(nobody_is_installed)
{
  STAGE_INSIDE(&s, {
    ck_assert_ptr_null(ki_monitor_next(0, 1));
    ki_remove_monitor(0, 1);
    ck_assert_uint_eq(ki_monitor_lost(0, 1), 0);
    ck_assert_uint_eq(trap_state()->lstar, KI_SYSTEM_CALL_64);
  });
}
END_TEST

/* A place is known by its number and by the number of its installation: an old one's owner gets nothing of a later
 * one, and takes nothing out. */
START_TEST(a_later_monitor_is_another)
{
  struct monitor_record last;
  install();
  const ULONG old = monitor;
  const ULONG64 old_installation = installation;
  STAGE_INSIDE(&s, ki_remove_monitor(old, old_installation));
  STAGE_INSIDE(&s, ck_assert_ptr_null(ki_monitor_next(old, old_installation)));
  install();
  ck_assert_uint_eq(monitor, old);
  ck_assert_uint_ne(installation, old_installation);
  stage_service(&s, "NtYieldExecution", 0, 0, 0, 0);
  STAGE_INSIDE(&s, {
    ck_assert_ptr_null(ki_monitor_next(old, old_installation));
    ki_remove_monitor(old, old_installation);
    ck_assert_uint_ne(trap_state()->lstar, KI_SYSTEM_CALL_64);
  });
  ck_assert_uint_eq(take(&last), 2);
  ck_assert_str_eq(last.name, "NtYieldExecution");
  STAGE_INSIDE(&s, ki_remove_monitor(monitor, installation));
  STAGE_INSIDE(&s, ck_assert_uint_eq(trap_state()->lstar, KI_SYSTEM_CALL_64));
}
END_TEST

static NTSTATUS remove_it(const ULONG64 *arguments)
{
  (void)arguments;
  ki_remove_monitor(monitor, installation);
  return 0x2F;
}

/* A monitor that goes while a call is on its way through it: the call goes on, its end is told to nobody. */
START_TEST(removed_in_the_middle_of_a_call)
{
  install();
  ck_assert_int_eq(stage_in_service(&s, remove_it), 0x2F);
  STAGE_INSIDE(&s, {
    ck_assert_ptr_null(ki_monitor_next(monitor, installation));
    ck_assert_uint_eq(trap_state()->lstar, KI_SYSTEM_CALL_64);
  });
}
END_TEST

static NTSTATUS replace_it(const ULONG64 *arguments)
{
  ki_remove_monitor(monitor, installation);
  ck_assert_int_eq(ki_install_monitor(&monitor, &installation), STATUS_SUCCESS);
  return (NTSTATUS)arguments[0];
}

START_TEST(replaced_in_the_middle_of_a_call)
{
  struct monitor_record last;
  install();
  ck_assert_int_eq(stage_in_service(&s, replace_it), 0);
  /* the call is none of the new one's */
  ck_assert_uint_eq(take(&last), 0);
}
END_TEST

static NTSTATUS nothing(const ULONG64 *arguments)
{
  (void)arguments;
  return 7;
}

/* Of a service that nobody has described the four registers are known, and its name; of a number that is none not even
 * that. */
START_TEST(services_without_a_description)
{
  static const ULONG numbers[] = {STAGE_SERVICE + 1, 0x1F00, 0x7FFFFFFF};
  static const char *const names[] = {"service 0x1fe1", "service 0x1f00", "service 0x7fffffff"};
  struct monitor_record last;
  stage_in_service(&s, nothing);
  install();
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    stage_set_service(&s, "TestService", 0x11, 0x22, 0x33, 0x44);
    CONTEXT context = stage_context(&s);
    context.Rax = numbers[i];
    stage_set_context(&s, &context);
    stage_next(&s, DBG_CONTINUE);
    ck_assert_uint_eq(take(&last), 2);
    ck_assert_str_eq(last.name, names[i]);
    ck_assert_ptr_null(last.description);
    ck_assert_uint_eq(last.argument_count, 4);
    ck_assert_uint_eq(last.arguments[0], 0x11);
    ck_assert_uint_eq(last.arguments[3], 0x44);
    ck_assert_uint_eq(last.phase, DBGKSIM_SERVICE_LEFT);
    ck_assert_int_eq(last.status, STATUS_INVALID_SYSTEM_SERVICE);
  }
}
END_TEST

START_TEST(a_service_of_an_unknown_name)
{
  struct monitor_record last;
  install();
  ck_assert_int_eq(stage_in_service(&s, nothing), 7);
  ck_assert_uint_eq(take(&last), 2);
  ck_assert_str_eq(last.name, "TestService");
  ck_assert_ptr_null(last.description);
  ck_assert_int_eq(last.status, 7);
}
END_TEST

START_TEST(nobody_listens)
{
  struct monitor_record last;
  stage_stop_trace(&s);
  install();
  ck_assert_int_eq(stage_in_service(&s, nothing), 7);
  ck_assert_uint_eq(take(&last), 0);
}
END_TEST

START_TEST(no_memory_for_the_monitors)
{
  STAGE_INSIDE(&s, {
    ck_assert_ptr_null(trap_state()->monitors);
    stage_exhaust_memory(true);
    ck_assert_int_eq(ki_install_monitor(&monitor, &installation), STATUS_INSUFFICIENT_RESOURCES);
    ck_assert_uint_eq(trap_state()->lstar, KI_SYSTEM_CALL_64);
    stage_exhaust_memory(false);
  });
}
END_TEST

/* Three calls of one service: at the first the memory ends and a monitor comes, at the third there is memory again. */
static NTSTATUS without_memory(const ULONG64 *arguments)
{
  static unsigned turn;
  (void)arguments;
  switch (turn++) {
  case 0:
    stage_exhaust_memory(true);
    ck_assert_int_eq(ki_install_monitor(&monitor, &installation), STATUS_SUCCESS);
    break;
  case 2:
    stage_exhaust_memory(false);
    break;
  }
  return (NTSTATUS)turn;
}

/* A record that there is no memory for is lost, and only that. */
START_TEST(no_memory_for_records)
{
  struct monitor_record last;
  install();
  STAGE_INSIDE(&s, ki_remove_monitor(monitor, installation));
  stage_set_in_service(&s, without_memory);
  CONTEXT context = stage_context(&s);
  context.R12 = context.Rax;
  stage_set_context(&s, &context);
  /* mov ebx, 3; again: mov eax, r12d; syscall; dec ebx; jnz again; int3 */
  stage_write(&s, STAGE_CODE, "\xBB\x03\0\0\0\x44\x89\xE0\x0F\x05\xFF\xCB\x75\xF7\xCC", 15);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 14, 1);
  ck_assert_uint_eq(stage_context(&s).Rax, 3);
  ck_assert_uint_eq(take(&last), 1);
  ck_assert_uint_eq(last.phase, DBGKSIM_SERVICE_LEFT);
  ck_assert_int_eq(last.status, 3);
  /* both of the second call, and the beginning of the third */
  STAGE_INSIDE(&s, ck_assert_uint_eq(ki_monitor_lost(monitor, installation), 3));
}
END_TEST

/* A program calls for ever while the host takes nothing: at 16 MB the host is woken, at 128 MB no more are kept, and
 * the program does not notice. */
START_TEST(records_that_nobody_takes)
{
  enum { CALLS = 100000 };
  static const uint64_t long_name = STAGE_DATA + 0x1000;
  struct monitor_record last;
  uint64_t kept = 0;
  unsigned n = 0;
  const UNICODE_STRING64 name = {1024, 1024, 0, long_name};
  const OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof attributes, .ObjectName = STAGE_DATA + 0x800};
  stage_write(&s, STAGE_DATA, &attributes, sizeof attributes);
  stage_write(&s, STAGE_DATA + 0x800, &name, sizeof name);
  install();
  stage_set_service(&s, "NtOpenEvent", STAGE_DATA + 0xF00, 0x1F0003, STAGE_DATA, 0);
  const CONTEXT context = stage_context(&s);
  /* mov ebx, CALLS; again: mov eax, r12d; mov r10, r13; syscall; dec ebx; jnz again; int3 */
  static const unsigned char code[] = {0xBB,
                                       CALLS & 0xFF,
                                       CALLS >> 8 & 0xFF,
                                       CALLS >> 16,
                                       0,
                                       0x44,
                                       0x89,
                                       0xE0,
                                       0x4D,
                                       0x89,
                                       0xEA,
                                       0x0F,
                                       0x05,
                                       0xFF,
                                       0xCB,
                                       0x75,
                                       0xF4,
                                       0xCC};
  stage_write(&s, STAGE_CODE, code, sizeof code);
  CONTEXT loop = context;
  loop.R12 = context.Rax;
  loop.R13 = context.R10;
  stage_set_context(&s, &loop);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 17, 1);
  STAGE_INSIDE(&s, {
    for (const struct monitor_record *r; (r = ki_monitor_next(monitor, installation)) != NULL; n++) {
      ck_assert_uint_eq(r->call, n / 2 + 1);
      kept += r->size;
      last = *r;
    }
  });
  ck_assert_str_eq(last.name, "NtOpenEvent");
  ck_assert_uint_lt(n, 2 * CALLS);
  ck_assert_uint_le(kept, 128u << 20);
  ck_assert_uint_gt(kept, 127u << 20);
  STAGE_INSIDE(&s, ck_assert_uint_eq(ki_monitor_lost(monitor, installation), 2 * CALLS - n));
  /* now there is room again */
  stage_service(&s, "NtYieldExecution", 0, 0, 0, 0);
  ck_assert_uint_eq(take(&last), 2);
}
END_TEST

/* What was taken makes room, although nobody has found the queue empty: the public interface never does. */
START_TEST(taken_records_leave_their_room)
{
  const struct monitor_record *first = NULL;
  install();
  for (unsigned call = 0; call < 3; call++) {
    stage_service(&s, "NtYieldExecution", 0, 0, 0, 0);
    STAGE_INSIDE(&s, {
      const struct monitor_record *r = ki_monitor_next(monitor, installation);
      if (!call)
        first = r;
      ck_assert_ptr_nonnull(r);
      ck_assert_ptr_eq(r, first);
      ck_assert_uint_eq(r->phase, DBGKSIM_SERVICE_ENTERED);
      r = ki_monitor_next(monitor, installation);
      ck_assert_ptr_nonnull(r);
      ck_assert_uint_eq(r->phase, DBGKSIM_SERVICE_LEFT);
    });
  }
}
END_TEST

static void count_phase(void *context, const struct dbgksim_service_call *call)
{
  unsigned *counts = context;
  counts[call->phase]++;
}

/* 128 MB of records go by in 300,000 calls: the host is told of every one. */
START_TEST(no_call_of_many_is_lost)
{
  enum { CALLS = 0x493E0 };
  unsigned counts[2] = {0, 0};
  dbgksim_monitor *client;
  stage_stop_trace(&s);
  ck_assert_int_eq(dbgksim_monitor_services(s.machine, count_phase, counts, &client), DBGKSIM_OK);
  stage_set_service(&s, "NtYieldExecution", 0, 0, 0, 0);
  CONTEXT context = stage_context(&s);
  context.R12 = context.Rax;
  stage_set_context(&s, &context);
  /* mov ebx, CALLS; again: mov eax, r12d; syscall; dec ebx; jnz again; int3 */
  stage_write(&s, STAGE_CODE, "\xBB\xE0\x93\x04\0\x44\x89\xE0\x0F\x05\xFF\xCB\x75\xF7\xCC", 15);
  stage_expect(stage_next(&s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 14, 1);
  ck_assert_uint_eq(counts[DBGKSIM_SERVICE_ENTERED], CALLS);
  ck_assert_uint_eq(counts[DBGKSIM_SERVICE_LEFT], CALLS);
  ck_assert_uint_eq(dbgksim_monitor_lost(client), 0);
  dbgksim_monitor_remove(client);
}
END_TEST

TCase *monitor_tests(void)
{
  TCase *tests = tcase_create("monitors");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_test(tests, nobody_is_installed);
  tcase_add_test(tests, a_later_monitor_is_another);
  tcase_add_test(tests, removed_in_the_middle_of_a_call);
  tcase_add_test(tests, replaced_in_the_middle_of_a_call);
  tcase_add_test(tests, services_without_a_description);
  tcase_add_test(tests, a_service_of_an_unknown_name);
  tcase_add_test(tests, nobody_listens);
  tcase_add_test(tests, no_memory_for_the_monitors);
  tcase_add_test(tests, no_memory_for_records);
  tcase_add_test(tests, records_that_nobody_takes);
  tcase_add_test(tests, taken_records_leave_their_room);
  tcase_add_test(tests, no_call_of_many_is_lost);
  return tests;
}
