/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fixture.h  A machine that has ke and ob, and one native process whose thread is the test's own. */
#ifndef TESTS_UNIT_OB_FIXTURE_H
#define TESTS_UNIT_OB_FIXTURE_H

#include "base/pool.h"
#include "ntos/ke/ke.h"
#include "ntos/ob/ob.h"

#include <check.h>

/** Handles that a process of the fixture may have. */
#define FIXTURE_MAX_HANDLES 2000u

extern pool *fixture_pool;
extern EPROCESS *fixture_process;

/** Checked fixture of every test case. */
void machine_setup(void);
void machine_teardown(void);

/** Another process with an empty handle table, or with what it inherits from `parent`. */
EPROCESS *fixture_new_process(EPROCESS *parent);
/** A type whose objects count their deletions and closes in `fixture_deleted` and `fixture_closes`. */
OBJECT_TYPE *fixture_counting_type(void);
extern unsigned fixture_deleted;
extern struct fixture_close {
  void *object;
  ULONG system_count;
} fixture_closes[64];
extern unsigned fixture_close_count;

/** A notification event object with one reference. */
void *fixture_event(void);

TCase *object_tests(void);
TCase *handle_tests(void);
TCase *name_tests(void);
TCase *service_tests(void);

#define ck_status(actual, expected) ck_assert_int_eq((NTSTATUS)(actual), (NTSTATUS)(expected))

#endif
