/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine library ends the process on some guest code (abort in its translator: `lock cmp [rbx], eax` is enough).
 * A guest must not be able to end its host. */
#include "base/host.h"
#include "emu/internal.h"

struct start {
  uc_engine *uc;
  uint64_t rip;
  uc_err error;
};

static void start(void *argument)
{
  struct start *s = argument;
  s->error = uc_emu_start(s->uc, s->rip, 0, 0, 0);
}

static void close_engine(void *argument) { uc_close(argument); }

bool guard_start(uc_engine *uc, uint64_t rip, uc_err *error)
{
  struct start s = {uc, rip, UC_ERR_OK};
  bool done = host_guard_call(start, &s);
  *error = s.error;
  return done;
}

bool guard_close(uc_engine *uc) { return host_guard_call(close_engine, uc); }
