/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that may end the process: run in a child, or caught on its way to abort. */
#include "base/host.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

bool host_run_in_child(void (*fn)(void *memory), void *memory, size_t size, int *signal_number)
{
  int status = 0;
  *signal_number = 0;
  char *shared = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return false;
  memcpy(shared, memory, size);
  pid_t pid = fork();
  if (pid == 0) {
    fn(shared);
    shared[size] = 1;
    _exit(0);
  }
  if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
    *signal_number = WTERMSIG(status);
  bool complete = pid > 0 && shared[size] == 1;
  memcpy(memory, shared, size);
  munmap(shared, size + 1);
  return complete;
}

/* Process-wide, like the signal: where the call that is guarded in this thread goes on, and the handler before ours. */
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

void host_guard_install(void) { pthread_once(&installed, install); }

bool host_guard_call(void (*fn)(void *argument), void *argument)
{
  sigjmp_buf back;
  if (sigsetjmp(back, 0) != 0)
    return false;
  guarded = &back;
  fn(argument);
  guarded = NULL;
  return true;
}
