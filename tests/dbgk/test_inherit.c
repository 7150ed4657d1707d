/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that children inherit, and ProcessDebugFlags (spec/3.2, 3.7; spec/5 facts 37, 41). */
#include "kit.h"

#define PROCESS_DEBUG_PORT 7
#define PROCESS_DEBUG_FLAGS 0x1F

static ULONG debug_flags(HANDLE process)
{
  ULONG flags = 99;
  ck_status(NtQueryInformationProcess(process, PROCESS_DEBUG_FLAGS, AT(&flags), sizeof flags, 0), STATUS_SUCCESS);
  return flags;
}

static NTSTATUS set_debug_flags(HANDLE process, ULONG flags, ULONG length)
{
  return NtSetInformationProcess(process, PROCESS_DEBUG_FLAGS, AT(&flags), length);
}

static bool debugged(HANDLE process)
{
  ULONG64 port = 99;
  ck_status(NtQueryInformationProcess(process, PROCESS_DEBUG_PORT, AT(&port), sizeof port, 0), STATUS_SUCCESS);
  ck_assert(port == 0 || port == ~0ull);
  ck_assert_int_eq(being_debugged(process), port != 0);
  return port != 0;
}

static void finish(struct debuggee *d, HANDLE object)
{
  if (object)
    ck_status(NtRemoveProcessDebug(d->process, object), STATUS_SUCCESS);
  end(d);
}

START_TEST(fact_37_children_inherit_the_port)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee parent = start("g_spin", object, 0, NULL);
  pass_start(object);
  struct debuggee child = start("g_exit42", 0, 0, process_of(parent.process));
  ck_assert(debugged(child.process));
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(change.AppClientId.UniqueProcess, child.id.UniqueProcess);
  answer(object, &change, DBG_CONTINUE);
  pass(object, DbgLoadDllStateChange);
  /* and their children */
  struct debuggee grandchild = start("g_spin", 0, 0, process_of(child.process));
  ck_assert(debugged(grandchild.process));
  DBGUI_WAIT_STATE_CHANGE first = next(object, DbgBreakpointStateChange);
  DBGUI_WAIT_STATE_CHANGE second = next(object, DbgCreateProcessStateChange);
  ck_assert_uint_eq(first.AppClientId.UniqueProcess, child.id.UniqueProcess);
  ck_assert_uint_eq(second.AppClientId.UniqueProcess, grandchild.id.UniqueProcess);
  answer(object, &first, DBG_CONTINUE);
  pass(object, DbgExitProcessStateChange);
  ended(&child, 42);
  answer(object, &second, DBG_CONTINUE);
  pass(object, DbgLoadDllStateChange);
  pass(object, DbgBreakpointStateChange);
  finish(&grandchild, object);
  finish(&parent, object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_37_no_debug_inherit)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee parent = start("g_spin", object, LIFE_NO_DEBUG_INHERIT, NULL);
  pass_start(object);
  struct debuggee child = start("g_exit42", 0, 0, process_of(parent.process));
  ck_assert(!debugged(child.process));
  ended(&child, 42);
  nothing(object);
  /* the parent decides, at the time of the creation */
  ck_status(set_debug_flags(parent.process, 1, 4), STATUS_SUCCESS);
  child = start("g_exit42", 0, 0, process_of(parent.process));
  ck_assert(debugged(child.process));
  pass_start(object);
  pass(object, DbgExitProcessStateChange);
  ended(&child, 42);
  finish(&parent, object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

/* An attach sets NO_DEBUG_INHERIT. */
START_TEST(fact_37_children_of_an_attached_process_are_not_debugged)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee parent = spinning();
  attach(object, &parent);
  struct debuggee child = start("g_exit42", 0, 0, process_of(parent.process));
  ck_assert(!debugged(child.process));
  ended(&child, 42);
  nothing(object);
  finish(&parent, object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_37_an_object_given_at_creation_goes_before_the_parents)
{
  HANDLE first = debug_object(0, DEBUG_ALL_ACCESS), second = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee parent = start("g_spin", first, 0, NULL);
  pass_start(first);
  struct debuggee child = start("g_exit42", second, 0, process_of(parent.process));
  pass_start(second);
  pass(second, DbgExitProcessStateChange);
  ended(&child, 42);
  nothing(first);
  finish(&parent, first);
  ck_status(NtClose(first), STATUS_SUCCESS);
  ck_status(NtClose(second), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_41_process_debug_flags)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee plain = spinning(), all = start("g_spin", object, 0, NULL);
  pass_start(object);
  struct debuggee only = start("g_spin", object, LIFE_NO_DEBUG_INHERIT, NULL), attached = spinning();
  pass_start(object);
  attach(object, &attached);
  ck_assert_uint_eq(debug_flags(plain.process), 1);
  ck_assert_uint_eq(debug_flags(all.process), 1);
  ck_assert_uint_eq(debug_flags(only.process), 0);
  ck_assert_uint_eq(debug_flags(attached.process), 0);
  finish(&plain, 0);
  finish(&all, object);
  finish(&only, object);
  finish(&attached, object);
  ck_status(NtClose(object), STATUS_SUCCESS);
}
END_TEST

START_TEST(fact_41_setting_process_debug_flags)
{
  struct debuggee d = spinning();
  for (int i = 0; i < 2; i++) {
    ck_status(set_debug_flags(d.process, 0, 4), STATUS_SUCCESS);
    ck_assert_uint_eq(debug_flags(d.process), 0);
    ck_status(set_debug_flags(d.process, 1, 4), STATUS_SUCCESS);
    ck_assert_uint_eq(debug_flags(d.process), 1);
  }
  static const ULONG others[] = {2, 3, 0x80000000, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    ck_status(set_debug_flags(d.process, others[i], 4), STATUS_INVALID_PARAMETER);
  for (ULONG length = 0; length <= 3; length++)
    ck_status(set_debug_flags(d.process, 0, length), STATUS_INFO_LENGTH_MISMATCH);
  ck_assert_uint_eq(debug_flags(d.process), 1);
  /* that the process is debugged is another question */
  ck_assert(!debugged(d.process));
  end(&d);
}
END_TEST

/* The only handle was closed while the parent's port was being inherited: the child has none. */
START_TEST(a_closed_object_takes_no_new_process)
{
  HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  void *body;
  EPROCESS *process;
  ck_status(ObReferenceObjectByHandle(object, 0, ob_types()->DebugObject, UserMode, &body, NULL), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  struct debuggee d = start("g_spin", 0, LIFE_CREATE_SUSPENDED, NULL);
  process = process_of(d.process);
  DbgkCopyProcessDebugPort(process, NULL, body);
  ck_assert_ptr_null(process->DebugPort);
  ObDereferenceObject(body);
  end(&d);
}
END_TEST

TCase *inherit_case(void)
{
  TCase *tests = kit_case("inherit");
  tcase_add_test(tests, fact_37_children_inherit_the_port);
  tcase_add_test(tests, fact_37_no_debug_inherit);
  tcase_add_test(tests, fact_37_children_of_an_attached_process_are_not_debugged);
  tcase_add_test(tests, fact_37_an_object_given_at_creation_goes_before_the_parents);
  tcase_add_test(tests, fact_41_process_debug_flags);
  tcase_add_test(tests, fact_41_setting_process_debug_flags);
  tcase_add_test(tests, a_closed_object_takes_no_new_process);
  return tests;
}
