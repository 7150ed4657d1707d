/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file stage.h  One debugged thread that runs a few bytes of code at a time, in a 64-bit or a 32-bit segment. */
#ifndef TESTS_TRAP_STAGE_H
#define TESTS_TRAP_STAGE_H

#include "machine/machine.h"
#include "ntos/trap/internal.h"

#include <check.h>
#include <dbgksim/kernel.h>

/** Where code lies, and where the stack begins; each has pages below it. Both are below 4 GB. */
#define STAGE_CODE 0x20000000ull
#define STAGE_STACK 0x20108000ull
/** A page that may be read and written. */
#define STAGE_DATA 0x20200000ull
#define STAGE_PAGES 0x10000ull

/** A service of the tests: no ntdll uses its number. */
#define STAGE_SERVICE 0x1FE0u

/** Statements inside of the machine. */
#define STAGE_INSIDE(s, ...)                                                                                           \
  do {                                                                                                                 \
    ck_assert_int_eq(machine_enter((s)->machine), DBGKSIM_OK);                                                         \
    __VA_ARGS__;                                                                                                       \
    machine_leave((s)->machine);                                                                                       \
  } while (0)

struct stage {
  dbgksim_machine *machine;
  dbgksim_debugger *debugger;
  uint32_t pid, tid;
  struct dbgksim_event event; /**< the event that the thread waits in */
};

/** Starts the program and stops it at the loader's breakpoint. */
void stage_start(struct stage *s);
/** The same on a machine of another era. */
void stage_start_era(struct stage *s, const char *era);
void stage_end(struct stage *s);
/** Writes code and points the stopped thread at it, with a fresh stack. `cs` 33 or 23. */
void stage_set(struct stage *s, const void *code, size_t size, USHORT cs);
/** Continues with an answer and waits for the next event, which must be an exception. */
const EXCEPTION_RECORD64 *stage_next(struct stage *s, NTSTATUS answer);
/** stage_set, then stage_next(DBG_CONTINUE). */
const EXCEPTION_RECORD64 *stage_run(struct stage *s, const void *code, size_t size, USHORT cs);
/** stage_set with one byte CC, and a trap injected in the place of running it. */
const EXCEPTION_RECORD64 *stage_inject(struct stage *s, const struct cpu_trap *trap, USHORT cs);
/** The stopped thread's context, everything. */
CONTEXT stage_context(struct stage *s);
void stage_set_context(struct stage *s, const CONTEXT *context);
/** Its trap frame. */
KTRAP_FRAME *stage_frame(struct stage *s);
/** The thread and the process, not referenced. */
ETHREAD *stage_thread(struct stage *s);
EPROCESS *stage_process(struct stage *s);
/** Memory of the process. */
void stage_read(struct stage *s, uint64_t address, void *to, size_t size);
void stage_write(struct stage *s, uint64_t address, const void *from, size_t size);
/** Allocates memory of the process at an address. */
void stage_allocate(struct stage *s, uint64_t address, uint64_t size, ULONG protect);
/** Changes a protection. */
void stage_protect(struct stage *s, uint64_t address, uint64_t size, ULONG protect);
/** Points the stopped thread at a call of a service with up to four arguments, and an INT3 behind it. */
void stage_set_service(struct stage *s, const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/** The same, run up to the INT3; the service's status. */
NTSTATUS stage_service(struct stage *s, const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/** Lets the stopped thread call a routine as a service, and an INT3 behind the call; what the service returned. */
NTSTATUS stage_in_service(struct stage *s, NTSTATUS (*routine)(const ULONG64 *arguments));
/** The same, but only points the thread at the call. */
void stage_set_in_service(struct stage *s, NTSTATUS (*routine)(const ULONG64 *arguments));
/** Runs without a trace from now on. */
void stage_stop_trace(struct stage *s);
/** Runs a machine to its end and returns how it ended. */
enum dbgksim_status stage_run_to_the_end(struct stage *s);
/** Inside of the machine: every allocation fails from now on, or works again. */
void stage_exhaust_memory(bool exhausted);
/** Leads deliveries to user mode to an INT3 at the end of the code page: they can be looked at there. Returns its
 *  address. */
uint64_t stage_catch_deliveries(struct stage *s);

/** What a test expects of one exception. */
#define stage_expect(record, code, address, count)                                                                     \
  do {                                                                                                                 \
    const EXCEPTION_RECORD64 *record_ = (record);                                                                      \
    ck_assert_msg(record_->ExceptionCode == (code), "code %08x, not %08x", (unsigned)record_->ExceptionCode,           \
                  (unsigned)(code));                                                                                   \
    ck_assert_uint_eq(record_->ExceptionAddress, (address));                                                           \
    ck_assert_uint_eq(record_->NumberParameters, (count));                                                             \
  } while (0)
#define stage_expect_access_violation(record, address, type, where)                                                    \
  do {                                                                                                                 \
    const EXCEPTION_RECORD64 *violation_ = (record);                                                                   \
    stage_expect(violation_, STATUS_ACCESS_VIOLATION, address, 2);                                                     \
    ck_assert_uint_eq(violation_->ExceptionInformation[0], (type));                                                    \
    ck_assert_uint_eq(violation_->ExceptionInformation[1], (where));                                                   \
  } while (0)

/** The suites. */
TCase *vector_tests(void);
TCase *vector_32_tests(void);
TCase *vector_float_tests(void);
TCase *idt_tests(void);
TCase *dispatch_tests(void);
TCase *kernel_tests(void);
TCase *context_tests(void);
TCase *frame_tests(void);
TCase *msr_tests(void);
TCase *service_tests(void);
TCase *bugcheck_tests(void);
TCase *monitor_tests(void);
TCase *capture_tests(void);
TCase *loop_tests(void);
TCase *port_tests(void);
TCase *anti_debug_tests(void);
TCase *fact_tests(void);

#endif
