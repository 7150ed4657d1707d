/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target for AFL++ in persistent mode with test cases in shared memory (afl-clang-fast). The machine is made in the
 * first case, in the process that the fork server has forked. */
#include "fuzz_kit.h"

#include <unistd.h>

/** Cases of one process. The machine is as new for each; the limit is for what the host may pile up. */
#define CASES 100000u

__AFL_FUZZ_INIT();
__AFL_COVERAGE();

int main(void)
{
  __AFL_INIT();
  const unsigned char *input = __AFL_FUZZ_TESTCASE_BUF;
  while (__AFL_LOOP(CASES)) {
    __AFL_COVERAGE_OFF();
    fuzz_begin();
    __AFL_COVERAGE_ON();
    fuzz_case(input, (size_t)__AFL_FUZZ_TESTCASE_LEN);
  }
  return 0;
}
