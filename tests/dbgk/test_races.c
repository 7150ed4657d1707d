/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attach, detach and close against what else may happen at each of their scheduling choices: the debugger's thread is
 * preempted once, at its first choice, then at its second, and so on until it has no more of them (spec/3.2, 3.5). */
#include "kit.h"

#include "dbgk/internal.h"

#define MOST_CHOICES 1000u
#define STATES (DbgUnloadDllStateChange + 1)

/* What the other thread does, and what came of it. */
struct rival {
  const struct debuggee *d;
  HANDLE object;
  HANDLE thread;
  NTSTATUS status;
};

/* Runs fn without a preemption, then with one at the first, second... choice, up to the last that any run has met. */
static void at_each_choice(unsigned (*fn)(struct rival *, unsigned at))
{
  unsigned most = 0;
  for (unsigned at = 0; at <= most; at++) {
    struct rival r = {0};
    unsigned choices = fn(&r, at);
    if (choices > most)
      most = choices;
    ck_assert_uint_lt(most, MOST_CHOICES);
  }
  ck_assert_uint_gt(most, 1);
}

/* Reads and continues all events of an object that can be read; counts those of each state. */
static void drain(HANDLE object, unsigned counts[STATES])
{
  DBGUI_WAIT_STATE_CHANGE change;
  while (NtWaitForDebugEvent(object, FALSE, MS(50), AT(&change)) == STATUS_SUCCESS) {
    counts[change.NewState]++;
    answer(object, &change, DBG_CONTINUE);
  }
}

static void create_thread(void *argument)
{
  struct rival *r = argument;
  r->thread = remote_thread(r->d, process_of(r->d->process)->entry_point, 0, 0);
  /* the new thread passes its own look at the port */
  run_for(10);
}

/* A thread that comes during an attach is told of once, whenever it comes (the retry loop). */
static unsigned attach_against_a_new_thread(struct rival *r, unsigned at)
{
  unsigned counts[STATES] = {0};
  struct debuggee d = spinning();
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  r->d = &d;
  HANDLE rival = native_thread(create_thread, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtDebugActiveProcess(d.process, object);
  unsigned choices = preempt_end();
  ck_status(status, STATUS_SUCCESS);
  join(rival);
  drain(object, counts);
  ck_assert_msg(counts[DbgCreateProcessStateChange] == 1 && counts[DbgCreateThreadStateChange] == 1 &&
                    counts[DbgLoadDllStateChange] == 1,
                "preempted at choice %u: %u processes, %u threads, %u DLLs", at, counts[DbgCreateProcessStateChange],
                counts[DbgCreateThreadStateChange], counts[DbgLoadDllStateChange]);
  ck_status(NtClose(r->thread), STATUS_SUCCESS);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
  return choices;
}

static void terminate_thread(void *argument)
{
  struct rival *r = argument;
  r->status = NtTerminateThread(r->thread, 5);
  run_for(10);
}

/* Of a thread that ends during an attach both begin and end are told, or neither. */
static unsigned attach_against_the_end_of_a_thread(struct rival *r, unsigned at)
{
  unsigned counts[STATES] = {0};
  struct debuggee d = spinning();
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  r->thread = remote_thread(&d, process_of(d.process)->entry_point, 0, 0);
  run_for(5);
  HANDLE rival = native_thread(terminate_thread, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtDebugActiveProcess(d.process, object);
  unsigned choices = preempt_end();
  ck_status(status, STATUS_SUCCESS);
  join(rival);
  drain(object, counts);
  ck_assert_uint_eq(counts[DbgCreateProcessStateChange], 1);
  ck_assert_uint_eq(counts[DbgCreateThreadStateChange], counts[DbgExitThreadStateChange]);
  join(r->thread);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
  return choices;
}

static void attach_rival(void *argument)
{
  struct rival *r = argument;
  r->status = NtDebugActiveProcess(r->d->process, r->object);
}

/* One of two debuggers has the process, the other sees no event of it. */
static unsigned attach_against_attach(struct rival *r, unsigned at)
{
  unsigned counts[STATES] = {0}, others[STATES] = {0};
  struct debuggee d = spinning();
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  r->object = debug_object(0, DEBUG_ALL_ACCESS);
  r->d = &d;
  HANDLE rival = native_thread(attach_rival, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtDebugActiveProcess(d.process, object);
  unsigned choices = preempt_end();
  join(rival);
  const bool won = status == STATUS_SUCCESS;
  ck_status(won ? r->status : status, STATUS_PORT_ALREADY_SET);
  ck_status(won ? status : r->status, STATUS_SUCCESS);
  drain(won ? object : r->object, counts);
  drain(won ? r->object : object, others);
  ck_assert_uint_eq(counts[DbgCreateProcessStateChange], 1);
  ck_assert_uint_eq(counts[DbgLoadDllStateChange], 1);
  for (unsigned i = 0; i < STATES; i++)
    ck_assert_uint_eq(others[i], 0);
  ck_assert_int_eq(thread_of(d.thread)->Tcb.SuspendCount, 0);
  ck_status(NtRemoveProcessDebug(d.process, won ? object : r->object), STATUS_SUCCESS);
  ck_status(NtClose(r->object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
  return choices;
}

static void close_object(void *argument)
{
  struct rival *r = argument;
  r->status = NtClose(r->object);
}

/* The object's only handle is closed during the attach: afterwards the process has ended with the object, or is neither
 * debugged nor held. */
static unsigned attach_against_close(struct rival *r, unsigned at)
{
  struct debuggee d = spinning();
  r->object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  HANDLE rival = native_thread(close_object, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtDebugActiveProcess(d.process, r->object);
  unsigned choices = preempt_end();
  ck_assert_msg(status == STATUS_SUCCESS || status == STATUS_DEBUGGER_INACTIVE || status == STATUS_INVALID_HANDLE,
                "preempted at choice %u: %08X", at, (unsigned)status);
  join(rival);
  ck_status(r->status, STATUS_SUCCESS);
  if (status == STATUS_SUCCESS) {
    ended(&d, STATUS_DEBUGGER_INACTIVE);
    return choices;
  }
  ck_assert_uint_eq(being_debugged(d.process), 0);
  ck_assert_int_eq(thread_of(d.thread)->Tcb.SuspendCount, 0);
  end(&d);
  return choices;
}

static void terminate_process(void *argument)
{
  struct rival *r = argument;
  r->status = NtTerminateProcess(r->d->process, 6);
}

static unsigned attach_against_the_end_of_the_process(struct rival *r, unsigned at)
{
  unsigned counts[STATES] = {0};
  struct debuggee d = spinning();
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  r->d = &d;
  HANDLE rival = native_thread(terminate_process, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtDebugActiveProcess(d.process, object);
  unsigned choices = preempt_end();
  ck_assert(status == STATUS_SUCCESS || status == STATUS_PROCESS_IS_TERMINATING);
  join(rival);
  drain(object, counts);
  ck_assert_uint_eq(counts[DbgCreateProcessStateChange], counts[DbgExitProcessStateChange]);
  ended(&d, 6);
  ck_status(NtClose(object), STATUS_SUCCESS);
  return choices;
}

static void detach(void *argument)
{
  struct rival *r = argument;
  r->status = NtRemoveProcessDebug(r->d->process, r->object);
}

static unsigned detach_against_detach(struct rival *r, unsigned at)
{
  struct debuggee d = spinning();
  r->object = debug_object(0, DEBUG_ALL_ACCESS);
  r->d = &d;
  ck_status(NtDebugActiveProcess(d.process, r->object), STATUS_SUCCESS);
  HANDLE rival = native_thread(detach, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtRemoveProcessDebug(d.process, r->object);
  unsigned choices = preempt_end();
  join(rival);
  ck_status(status == STATUS_SUCCESS ? r->status : status, STATUS_PORT_NOT_SET);
  ck_status(status == STATUS_SUCCESS ? status : r->status, STATUS_SUCCESS);
  ck_assert_uint_eq(being_debugged(d.process), 0);
  ck_status(NtClose(r->object), STATUS_SUCCESS);
  end(&d);
  return choices;
}

static unsigned detach_against_close(struct rival *r, unsigned at)
{
  struct debuggee d = spinning();
  r->object = debug_object(0, DEBUG_ALL_ACCESS);
  ck_status(NtDebugActiveProcess(d.process, r->object), STATUS_SUCCESS);
  HANDLE rival = native_thread(close_object, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtRemoveProcessDebug(d.process, r->object);
  unsigned choices = preempt_end();
  ck_assert(status == STATUS_SUCCESS || status == STATUS_PORT_NOT_SET || status == STATUS_INVALID_HANDLE);
  join(rival);
  ck_assert_uint_eq(being_debugged(d.process), 0);
  ck_assert_int_eq(thread_of(d.thread)->Tcb.SuspendCount, 0);
  end(&d);
  return choices;
}

static unsigned detach_against_attach(struct rival *r, unsigned at)
{
  unsigned counts[STATES] = {0};
  struct debuggee d = spinning();
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  r->object = debug_object(0, DEBUG_ALL_ACCESS);
  r->d = &d;
  ck_status(NtDebugActiveProcess(d.process, object), STATUS_SUCCESS);
  HANDLE rival = native_thread(attach_rival, r);
  preempt_at(at, 0, rival);
  ck_status(NtRemoveProcessDebug(d.process, object), STATUS_SUCCESS);
  unsigned choices = preempt_end();
  join(rival);
  nothing(object);
  if (r->status == STATUS_SUCCESS) {
    ck_assert_uint_eq(being_debugged(d.process), 1);
    drain(r->object, counts);
    ck_assert_uint_eq(counts[DbgCreateProcessStateChange], 1);
    ck_status(NtRemoveProcessDebug(d.process, r->object), STATUS_SUCCESS);
  } else {
    ck_status(r->status, STATUS_PORT_ALREADY_SET);
  }
  ck_assert_int_eq(thread_of(d.thread)->Tcb.SuspendCount, 0);
  ck_status(NtClose(r->object), STATUS_SUCCESS);
  ck_status(NtClose(object), STATUS_SUCCESS);
  end(&d);
  return choices;
}

static void query_object(void *argument)
{
  struct rival *r = argument;
  HANDLE queried;
  r->status = NtQueryInformationProcess(r->d->process, 0x1E, AT(&queried), sizeof queried, 0);
  if (NT_SUCCESS(r->status))
    ck_status(NtClose(queried), STATUS_SUCCESS);
}

static unsigned close_against_a_query_of_the_object(struct rival *r, unsigned at)
{
  struct debuggee d = spinning();
  HANDLE object = debug_object(DEBUG_KILL_ON_CLOSE, DEBUG_ALL_ACCESS);
  r->d = &d;
  attach(object, &d);
  HANDLE rival = native_thread(query_object, r);
  preempt_at(at, 0, rival);
  ck_status(NtClose(object), STATUS_SUCCESS);
  unsigned choices = preempt_end();
  join(rival);
  ck_assert(r->status == STATUS_SUCCESS || r->status == STATUS_PORT_NOT_SET);
  ended(&d, STATUS_DEBUGGER_INACTIVE);
  return choices;
}

static unsigned query_of_the_object_against_close(struct rival *r, unsigned at)
{
  HANDLE queried;
  struct debuggee d = spinning();
  r->object = debug_object(0, DEBUG_ALL_ACCESS);
  attach(r->object, &d);
  HANDLE rival = native_thread(close_object, r);
  preempt_at(at, 0, rival);
  NTSTATUS status = NtQueryInformationProcess(d.process, 0x1E, AT(&queried), sizeof queried, 0);
  unsigned choices = preempt_end();
  join(rival);
  if (status == STATUS_SUCCESS) {
    /* the handle's object is still there (fact 43) */
    ck_assert_uint_eq(ob_types()->DebugObject->TotalNumberOfObjects, 1);
    ck_status(NtClose(queried), STATUS_SUCCESS);
  } else {
    ck_status(status, STATUS_PORT_NOT_SET);
  }
  end(&d);
  return choices;
}

/* The sender is between its look at the port and the end of its wait when the debugger detaches or closes: it goes on
 * with a failure, and its exception is a matter of user mode (fact 36; spec/2.3, "why two locks"). */
static unsigned send_against(void (*fn)(void *), struct rival *r, unsigned at)
{
  HANDLE object = debug_object(0, DEBUG_ALL_ACCESS);
  struct debuggee d = start("g_int3_veh", object, 0, NULL);
  pass(object, DbgCreateProcessStateChange);
  DBGUI_WAIT_STATE_CHANGE change = next(object, DbgLoadDllStateChange);
  r->d = &d;
  r->object = object;
  HANDLE rival = native_thread(fn, r);
  preempt_at(at, d.thread, rival);
  answer(object, &change, DBG_CONTINUE);
  join(rival);
  unsigned choices = preempt_end();
  ck_status(r->status, STATUS_SUCCESS);
  ended(&d, 0);
  if (fn == detach) {
    nothing(object);
    ck_status(NtClose(object), STATUS_SUCCESS);
  }
  return choices;
}

static unsigned send_against_detach(struct rival *r, unsigned at) { return send_against(detach, r, at); }

static unsigned send_against_close(struct rival *r, unsigned at) { return send_against(close_object, r, at); }

#define RACE(name)                                                                                                     \
  START_TEST(race_##name)                                                                                              \
  {                                                                                                                    \
    at_each_choice(name);                                                                                              \
  }                                                                                                                    \
  END_TEST

RACE(attach_against_a_new_thread)
RACE(attach_against_the_end_of_a_thread)
RACE(attach_against_attach)
RACE(attach_against_close)
RACE(attach_against_the_end_of_the_process)
RACE(detach_against_detach)
RACE(detach_against_close)
RACE(detach_against_attach)
RACE(close_against_a_query_of_the_object)
RACE(query_of_the_object_against_close)
RACE(send_against_detach)
RACE(send_against_close)

TCase *races_case(void)
{
  TCase *tests = kit_case("races");
  tcase_add_test(tests, race_attach_against_a_new_thread);
  tcase_add_test(tests, race_attach_against_the_end_of_a_thread);
  tcase_add_test(tests, race_attach_against_attach);
  tcase_add_test(tests, race_attach_against_close);
  tcase_add_test(tests, race_attach_against_the_end_of_the_process);
  tcase_add_test(tests, race_detach_against_detach);
  tcase_add_test(tests, race_detach_against_close);
  tcase_add_test(tests, race_detach_against_attach);
  tcase_add_test(tests, race_close_against_a_query_of_the_object);
  tcase_add_test(tests, race_query_of_the_object_against_close);
  tcase_add_test(tests, race_send_against_detach);
  tcase_add_test(tests, race_send_against_close);
  return tests;
}
