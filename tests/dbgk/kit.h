/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kit.h  What the tests of the debug subsystem share: a machine entered for the whole test, whose native process
 *  is the debugger; programs as debuggees; a check at the end of every test that nothing is left. */
#ifndef TESTS_DBGK_KIT_H
#define TESTS_DBGK_KIT_H

#include "dbgk/dbgk.h"
#include "machine/machine.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_sync.h"

#include <check.h>

/** A host address as a service takes it. */
#define AT(pointer) ((ULONG64)(uintptr_t)(pointer))
/** A relative time of so many milliseconds, as a service takes it. */
#define MS(n) AT(&(const LONG64){-10000ll * (n)})
/** Asserts a status, showing both in hexadecimal. */
#define ck_status(call, expected)                                                                                      \
  do {                                                                                                                 \
    NTSTATUS status_ = (call);                                                                                         \
    ck_assert_msg(status_ == (expected), "%s gave %08X, not %s", #call, (unsigned)status_, #expected);                 \
  } while (0)

/** A program that may be debugged, with handles of the native process. */
struct debuggee {
  HANDLE process, thread;
  CLIENT_ID id;
};

/** Fixture: builds and enters a machine, and notes what it holds. */
void kit_setup(void);
/** Fixture: asserts that every object, handle and debug event since kit_setup is gone, and destroys the machine. */
void kit_teardown(void);
/** The machine of the test. */
dbgksim_machine *kit_machine(void);
/** A case with the fixture. */
TCase *kit_case(const char *name);

/** Makes a debug object. */
HANDLE debug_object(ULONG flags, ACCESS_MASK access);
/** Starts tests/guest/PROGRAM.exe.
 *  @param object  debug object or 0
 *  @param flags   LIFE_*
 *  @param parent  NULL: the native process */
struct debuggee start(const char *program, HANDLE object, ULONG flags, EPROCESS *parent);
/** Starts g_spin without a debugger and lets it come to its loop. */
struct debuggee spinning(void);
/** Asserts that the process has ended or ends within a second, with that status, and closes its handles. */
void ended(struct debuggee *d, NTSTATUS status);
/** Terminates a process that nothing debugs, and closes its handles. */
void end(struct debuggee *d);
/** The process object of a handle, without a reference: the handle keeps it. */
EPROCESS *process_of(HANDLE process);
/** The thread object of a handle, likewise. */
ETHREAD *thread_of(HANDLE thread);
/** PEB.BeingDebugged. */
UCHAR being_debugged(HANDLE process);
/** Address of one of ntdll's exports in every debuggee. */
ULONG64 export_address(const char *name);
/** Starts a thread in a debuggee. */
HANDLE remote_thread(const struct debuggee *d, ULONG64 routine, ULONG64 argument, ULONG flags);

/** The next event of an object, which must come within a second and have this state. */
DBGUI_WAIT_STATE_CHANGE next(HANDLE object, DBG_STATE state);
/** Asserts that no event can be read, now and in the next 20 ms. */
void nothing(HANDLE object);
/** Closes the handles that came with an event. */
void close_handles(const DBGUI_WAIT_STATE_CHANGE *change);
/** Closes an event's handles and continues it. */
void answer(HANDLE object, const DBGUI_WAIT_STATE_CHANGE *change, NTSTATUS status);
/** Reads an event of this state and continues it. */
void pass(HANDLE object, DBG_STATE state);
/** Passes process, ntdll and loader breakpoint. */
void pass_start(HANDLE object);
/** Attaches, and passes the messages of a process with one thread and no DLL but ntdll. */
void attach(HANDLE object, const struct debuggee *d);

/** Runs the machine for so many milliseconds of virtual time. */
void run_for(unsigned milliseconds);
/** Starts a native thread on a fiber; its handle. */
HANDLE native_thread(void (*fn)(void *), void *argument);
/** Waits for the end of a thread and closes its handle. */
void join(HANDLE thread);
/** From now on one thread is preempted once: at its n-th scheduling choice, by `rival`, which then runs to its end, or
 *  until it waits for more than time. Before that the rival runs only when nobody else can.
 *  @param subject  handle of the thread; 0: the native host's */
void preempt_at(unsigned n, HANDLE subject, HANDLE rival);
/** Choices that the subject has met since preempt_at; restores round robin. */
unsigned preempt_end(void);

TCase *objects_case(void);
TCase *waits_case(void);
TCase *attach_case(void);
TCase *races_case(void);
TCase *events_case(void);
TCase *inherit_case(void);
TCase *exception_port_case(void);
TCase *create_case(void);
TCase *create_user_case(void);

#endif
