/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard_page: a page that tells of its first access.
 *
 * Look for: EXCEPTION 80000001 with two parameters, the access and the address (fact 26). The guard is gone when the
 * exception is raised: the second access goes through. */
#include "sample.h"

static APART int read_from(const volatile int *address) { return *address; }

int start(void)
{
  int *page = VirtualAlloc(NULL, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE | PAGE_GUARD);
  __try {
    read_from(page);
  } __except ((DWORD)GetExceptionCode() == STATUS_GUARD_PAGE_VIOLATION) {
    say("guard page\n");
  }
  say("now it reads %u\n", N(read_from(page)));
  return 0;
}
