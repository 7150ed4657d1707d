/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access violations: parameter 0 is 0 read, 1 write, 8 execute (spec/5 facts 25 and 26). */
#include "nano.h"

PROBE(load, "mov (%rcx), %al");
PROBE(store, "movb $1, (%rcx)");
PROBE(jump, "jmp *%rcx");

#define CHECK_VIOLATION(name, target, type, reported)                                                                  \
  do {                                                                                                                 \
    RUN_PROBE(name, target);                                                                                           \
    CHECK(seen.count == 1);                                                                                            \
    CHECK(seen.code == STATUS_ACCESS_VIOLATION && seen.flags == 0 && seen.parameters == 2);                            \
    CHECK(seen.parameter[0] == (type));                                                                                \
    CHECK(seen.parameter[1] == (ULONG64)(reported));                                                                   \
    CHECK(seen.address == ((type) == 8 ? (ULONG64)(reported) : (ULONG64)name##_at) && seen.rip == seen.address);       \
  } while (0)

ULONG start(void *peb)
{
  (void)peb;
  UCHAR *writable = allocate(0x1000, PAGE_READWRITE), *readable = allocate(0x1000, PAGE_READONLY);
  UCHAR *closed = allocate(0x1000, PAGE_NOACCESS);
  ULONG64 kernel = 0xFFFFF80000000000, hole = 0x8000000000000000;
  CHECK(writable && readable && closed);
  RtlAddVectoredExceptionHandler(TRUE, record_exception);
  CHECK_VIOLATION(load, 0, 0, 0);
  CHECK_VIOLATION(store, 0x18, 1, 0x18);
  CHECK_VIOLATION(jump, 0x10, 8, 0x10);
  CHECK_VIOLATION(store, readable + 5, 1, readable + 5);
  CHECK_VIOLATION(load, closed + 7, 0, closed + 7);
  CHECK_VIOLATION(store, closed + 7, 1, closed + 7);
  writable[0] = 0xC3;
  CHECK_VIOLATION(jump, writable, 8, writable);
  CHECK_VIOLATION(jump, readable + 0x20, 8, readable + 0x20);
  CHECK_VIOLATION(store, jump_at, 1, jump_at);
  CHECK_VIOLATION(load, kernel, 0, kernel);
  CHECK_VIOLATION(store, kernel + 0x10, 1, kernel + 0x10);
  CHECK_VIOLATION(load, 0xFFFFFFFFFFFFFFFFull, 0, 0xFFFFFFFFFFFFFFFFull);
  CHECK_VIOLATION(load, hole, 0, ~0ull);
  CHECK_VIOLATION(store, hole, 0, ~0ull);
  return 0;
}
