/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine library ends the process on some guest code (abort in its translator: `lock cmp [rbx], eax` is enough).
 * A guest must not be able to end its host, so SIGABRT is caught while the library runs, and only then; any other
 * abort goes where it would have gone. */
#include "emu/internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

static __thread sigjmp_buf *guarded __attribute__((tls_model("initial-exec")));
static struct sigaction before;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static void on_abort(int number, siginfo_t *info, void *context)
{
  if (guarded != NULL) {
    sigjmp_buf *back = guarded;
    guarded = NULL;
    siglongjmp(*back, 1);
  }
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler == SIG_DFL) {
    /* The second time is final: abort raises the signal again if a handler returns. */
    signal(SIGABRT, SIG_DFL);
  } else if (before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  }
}

static void install(void)
{
  struct sigaction action = {.sa_sigaction = on_abort, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  sigaction(SIGABRT, &action, &before);
}

void guard_install(void) { pthread_once(&installed, install); }

bool guard_start(uc_engine *uc, uint64_t rip, uc_err *error)
{
  sigjmp_buf back;
  if (sigsetjmp(back, 0) != 0)
    return false;
  guarded = &back;
  *error = uc_emu_start(uc, rip, 0, 0, 0);
  guarded = NULL;
  return true;
}

bool guard_close(uc_engine *uc)
{
  sigjmp_buf back;
  if (sigsetjmp(back, 0) != 0)
    return false;
  guarded = &back;
  uc_close(uc);
  guarded = NULL;
  return true;
}
