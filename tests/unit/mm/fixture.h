/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fixture.h  A machine that has ke, ob, emu and mm, and one guest process whose thread is the test's own. */
#ifndef TESTS_UNIT_MM_FIXTURE_H
#define TESTS_UNIT_MM_FIXTURE_H

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"

#include <check.h>

#define KB 0x400ull
#define MB 0x100000ull
#define PAGE 0x1000ull
/** Commit limit of the machine, bytes. */
#define LIMIT (64 * MB)

extern EPROCESS *process;
extern ETHREAD *thread;
extern pool *machine_pool;
extern emu *machine_emu;

/** Checked fixture of every test case; the end asserts that nothing stays committed and nothing in the pool. */
void machine_setup(void);
void machine_teardown(void);
/** Another guest process with an empty address space. */
EPROCESS *new_process(void);
void end_process(EPROCESS *p);
/** Makes `p` the current process. */
void enter(EPROCESS *p);
/** Unmaps all that the process has; in teardowns, for what mapped files need. */
void empty_process(EPROCESS *p);

/** Allocates in the current process; fails the test if it cannot. Base 0: mm chooses. */
ULONG64 allocate(ULONG64 base, ULONG64 size, ULONG type, ULONG protect);
NTSTATUS try_allocate(ULONG64 base, ULONG64 size, ULONG type, ULONG protect);
NTSTATUS try_free(ULONG64 base, ULONG64 size, ULONG type);
NTSTATUS try_protect(ULONG64 base, ULONG64 size, ULONG protect, ULONG *old);
MEMORY_BASIC_INFORMATION64 query(ULONG64 va);
/** A thread's stack with TEB, as ps makes them. Returns the TEB. */
ULONG64 make_stack(ULONG64 reserve, ULONG64 commit);

/** A page-file section. */
SECTION *page_file_section(ULONG64 size, ULONG protect, ULONG attributes);
NTSTATUS try_map(SECTION *section, EPROCESS *p, ULONG64 *base, ULONG64 size, ULONG protect);
ULONG64 map(SECTION *section, EPROCESS *p, ULONG protect);
/** Entry of a page. */
ULONG64 pte_of(EPROCESS *p, ULONG64 va);
UCHAR *bytes_at(EPROCESS *p, ULONG64 va);

TCase *allocation_tests(void);
TCase *protection_tests(void);
TCase *fault_tests(void);
TCase *section_tests(void);
TCase *image_tests(void);
TCase *paging_tests(void);
TCase *user_tests(void);

#define ck_status(actual, expected) ck_assert_int_eq((NTSTATUS)(actual), (NTSTATUS)(expected))
/** Asserts state, protection and size of the region that starts at `va`. */
#define ck_region(va, state, protect, size)                                                                            \
  do {                                                                                                                 \
    MEMORY_BASIC_INFORMATION64 region_ = query(va);                                                                    \
    ck_assert_uint_eq(region_.State, state);                                                                           \
    ck_assert_uint_eq(region_.Protect, protect);                                                                       \
    ck_assert_uint_eq(region_.RegionSize, size);                                                                       \
  } while (0)

#endif
