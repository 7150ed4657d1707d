/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file guest.h  A machine up to dbgk, with a guest process whose thread is the test's own: services get the addresses
 *  that a program would pass. */
#ifndef TESTS_UNIT_IO_GUEST_H
#define TESTS_UNIT_IO_GUEST_H

#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"
#include "ntos/ob/ob.h"

#include <check.h>

#define PAGE 0x1000ull
/** 64 KB of read-write guest memory for arguments. */
extern ULONG64 scratch;
extern EPROCESS *guest;
/** Handle of a second guest process, with all access, and the process. */
extern HANDLE other_handle;
extern EPROCESS *other;

void guest_setup(void);
void guest_teardown(void);
/** Copies to and from guest memory; a failure fails the test. */
void put(ULONG64 address, const void *bytes, size_t size);
void get(ULONG64 address, void *bytes, size_t size);
void put64(ULONG64 address, ULONG64 value);
ULONG64 get64(ULONG64 address);
ULONG get32(ULONG64 address);
/** Lays out OBJECT_ATTRIBUTES with an ASCII name at scratch + 0x8000. */
ULONG64 attributes(const char *name);
/** Opens \??\C:\app\NAME for reading. */
HANDLE guest_open(const char *name);

TCase *guest_section_tests(void);
TCase *guest_memory_tests(void);
TCase *guest_pipe_tests(void);
TCase *hostile_tests(void);

#define ck_status(actual, expected) ck_assert_int_eq((NTSTATUS)(actual), (NTSTATUS)(expected))

#endif
