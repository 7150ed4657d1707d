/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file fixture.h  A machine with ke, ob and io over folders that each test fills anew. */
#ifndef TESTS_UNIT_IO_FIXTURE_H
#define TESTS_UNIT_IO_FIXTURE_H

#include "base/host.h"
#include "base/pool.h"
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"

#include <check.h>

/** Host folder of the test, with system32/, nls/, app/ (writable) and outside/. */
extern char fixture_folder[64];
/** What was written to the console. */
extern char fixture_console[256];
/** Host path of a name below the fixture's folder; valid until the next call. */
const char *fixture_host(const char *name);
/** Writes a host file. */
void fixture_file(const char *name, const char *content);
void fixture_setup(void);
void fixture_teardown(void);
/** Opens with FILE_OPEN and read access; the status is asserted. */
FILE_OBJECT *fixture_open(const char *nt_path, NTSTATUS expected);

/** Gives the machine a native process whose thread is the test's own, for services. */
void fixture_process(void);

TCase *path_tests(void);
TCase *file_tests(void);
TCase *directory_tests(void);
TCase *input_tests(void);
TCase *text_tests(void);
TCase *service_tests(void);

#define ck_status(actual, expected) ck_assert_int_eq((NTSTATUS)(actual), (NTSTATUS)(expected))

#endif
