/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file guest.h  A processor with one space and one thread, and helpers to run a few bytes of machine code. */
#ifndef TEST_EMU_GUEST_H
#define TEST_EMU_GUEST_H

#include "emu/emu.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CODE 0x140001000ull      /**< executable, read-only for the guest */
#define DATA 0x20000ull          /**< two pages, read-write, NX */
#define READ_ONLY 0x22000ull     /**< read-only, NX */
#define ABSENT 0x30000ull        /**< nothing there */
#define STACK_TOP 0x42000ull     /**< two pages below */
#define WRITABLE_CODE 0x50000ull /**< read-write-execute, one page */
#define FOREVER 1000000ull

#define RX (PTE_PRESENT | PTE_USER)
#define RWX (PTE_PRESENT | PTE_USER | PTE_WRITE)
#define RW (RWX | PTE_NO_EXECUTE)
#define RO (RX | PTE_NO_EXECUTE)

struct guest {
  pool *pool;
  emu *emu;
  address_space *space;
  cpu *cpu;
  struct cpu_trap trap;
  volatile int stop;
  uint64_t tsc;
};

/** Builds the guest; fails the test if it cannot. */
void guest_open(struct guest *g);
/** Ends it and checks that nothing is left in the pool. */
void guest_close(struct guest *g);
/** Gives `pages` pages at `va` the rights `rights` in space `s`. */
void guest_pages(address_space *s, uint64_t va, unsigned pages, uint64_t rights);
/** Copies bytes into a space as the host does: with space_code_changed. */
void guest_put(address_space *s, uint64_t va, const void *bytes, size_t size);
/** Reads a number of guest memory. */
uint64_t guest_u64(const address_space *s, uint64_t va);
/** Prepares the usual pages of a new space. */
void guest_layout(address_space *s);
/** Puts code at CODE and runs from its start with fresh flags and stack. */
void guest_run(struct guest *g, const void *code, size_t size);
/** Continues where the guest is. */
void guest_continue(struct guest *g);

/** Runs a string literal as code. */
#define RUN(g, code) guest_run((g), (code), sizeof(code) - 1)
/** Asserts an exception with its vector and the address of RIP relative to CODE. */
#define ck_exception(g, v, offset)                                                                                     \
  do {                                                                                                                 \
    ck_assert_msg((g)->trap.kind != CPU_TRAP_FAILED, "%s", cpu_failure((g)->cpu));                                     \
    ck_assert_uint_eq((g)->trap.kind, CPU_TRAP_EXCEPTION);                                                             \
    ck_assert_uint_eq((g)->trap.vector, (v));                                                                          \
    ck_assert_uint_eq((g)->cpu->rip, CODE + (offset));                                                                 \
  } while (0)
/** Asserts a page fault. */
#define ck_page_fault(g, code, address, offset)                                                                        \
  do {                                                                                                                 \
    ck_exception(g, 14, offset);                                                                                       \
    ck_assert((g)->trap.has_error_code);                                                                               \
    ck_assert_uint_eq((g)->trap.error_code, (code));                                                                   \
    ck_assert_uint_eq((g)->trap.fault_address, (address));                                                             \
  } while (0)
/** Asserts the end of a program: `int3` at offset. */
#define ck_int3(g, offset)                                                                                             \
  do {                                                                                                                 \
    ck_exception(g, 3, (offset) + 1);                                                                                  \
    ck_assert((g)->trap.software);                                                                                     \
  } while (0)

/** Runs one suite and returns the exit status of the test. */
int run_suite(Suite *s);

#endif
