/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collided_unwind: an exception out of a __finally that an unwind runs.
 *
 * Look for: two events. The first exception's handler is `outer`, so the frames up to there are unwound; the __finally
 * raises again. The new search meets the frames of the unwind that is under way (a collided unwind) and goes on where
 * that was: each __finally runs once. (A call that ends its __try block, as clang compiles it, lies in the next range of
 * the scope table, too; hence the line behind it.) */
#include "sample.h"

static APART void raise(DWORD code) { RaiseException(code, 0, 0, NULL); }

static APART void two_finallies(void)
{
  __try {
    __try {
      raise(0xE0000001);
      say("not reached\n");
    } __finally {
      say("inner finally raises\n");
      raise(0xE0000002);
    }
  } __finally {
    say("outer finally\n");
  }
}

static APART void middle(void)
{
  __try {
    two_finallies();
  } __except ((DWORD)GetExceptionCode() == 0xE0000002) {
    say("middle handles %x\n", N((DWORD)GetExceptionCode()));
  }
}

int start(void)
{
  __try {
    middle();
    say("back in start\n");
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    say("outer handles %x\n", N((DWORD)GetExceptionCode()));
  }
  return 0;
}
